/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What in a policy is allowed but probably wrong.
 */
#ifndef AUDIT_LINT_H
#define AUDIT_LINT_H

#include "audit/policy.h"

/*
 * Adds a sentence with its place to *warnings for all that is probably wrong in a policy without errors: in the order
 * of its rules. `host` is the one it is to be used on, `today` in days since 1970-01-01. Returns 0 or -ENOMEM.
 */
int lint_policy(const struct policy *policy, const struct sock_host *host, int32_t today, struct rule_errors *warnings);

#endif
