/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --lint: every error in a policy, and what is legal but probably wrong.
 */
#ifndef LINT_H
#define LINT_H

#include "run.h"

/* Writes all mistakes, UNKNOWN, or all warnings, if any, OK. The policy may have errors. Returns 0 or -ENOMEM. */
int lint_run(const struct run *run, enum state *state);

#endif
