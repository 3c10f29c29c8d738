/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The policy of this run, from the command line and its files.
 */
#ifndef POLICY_LOAD_H
#define POLICY_LOAD_H

#include "audit/policy.h"
#include "options.h"

/* The names of services and users that rules have named: each is asked for once. Ends with policy_names_clear(). */
struct policy_names {
    struct rule_names names;
    void *answers; /* the root of a tsearch() tree */
};

/*
 * Reads all rules and finishes the policy. A file that cannot be read is one of policy->errors. Returns 0 and *policy,
 * which policy_free() ends; or -ENOMEM. Either way fills *names, which the policy borrows and is to be cleared after
 * it.
 */
int policy_load(const struct options *options, struct policy_names *names, struct policy **policy);

/* All zero is fine. */
void policy_names_clear(struct policy_names *names);

#endif
