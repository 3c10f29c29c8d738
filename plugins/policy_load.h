/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The policy of this run, from the command line and its file.
 */
#ifndef POLICY_LOAD_H
#define POLICY_LOAD_H

#include "audit/policy.h"
#include "options.h"

/*
 * Reads all rules and finishes the policy. A file that cannot be read is one of policy->errors. Returns 0 and *policy,
 * which policy_free() ends; or -ENOMEM.
 */
int policy_load(const struct options *options, struct policy **policy);

#endif
