/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --learn: a policy that is OK on this host now.
 */
#ifndef LEARN_H
#define LEARN_H

#include "run.h"

/* Writes the policy, OK; or why this host cannot be read whole, and *state stays as it is. Returns 0 or -ENOMEM. */
int learn_run(const struct run *run, enum state *state);

#endif
