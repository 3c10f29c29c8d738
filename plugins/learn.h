/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --learn: a policy that is OK on this host now.
 */
#ifndef LEARN_H
#define LEARN_H

#include "check.h"

/* The policy as text, state OK; UNKNOWN and why when this host cannot be read whole. Returns 0 and *answer, or -ENOMEM.
 */
int learn_run(const struct options *options, const struct policy *policy, struct answer *answer);

#endif
