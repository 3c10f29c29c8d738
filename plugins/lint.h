/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --lint: every mistake of a policy, and what is legal but likely wrong.
 */
#ifndef LINT_H
#define LINT_H

#include "check.h"

/* All mistakes and UNKNOWN, or warnings, if any, and OK. The policy may have errors. Returns 0 and *answer, or -ENOMEM.
 */
int lint_run(const struct options *options, const struct policy *policy, struct answer *answer);

#endif
