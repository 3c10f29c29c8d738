/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What the waivers of a policy do, on one host or on many. Pure.
 */
#ifndef AUDIT_WAIVER_H
#define AUDIT_WAIVER_H

#include "audit/judge.h"

/* Of a rule with waive-until=. */
struct waiver {
    uint64_t hides;     /* hosts on which a breach counts as OK by it */
    uint64_t needed;    /* hosts on which its rule is broken, or may be by what is known */
    uint64_t hidden_on; /* the last host that was counted in each of them */
    uint64_t needed_on;
};

/* Begin with all zero, end with waiver_list_clear(). */
struct waiver_list {
    struct waiver *waivers; /* by position of the rule; NULL for a policy without any */
    uint64_t hosts;
    bool partial; /* some hosts could not be judged, so whether a waiver is needed is not known. The caller's to set */
};

/* Adds a host that was judged by that policy, which must be the same each time. Returns 0 or -ENOMEM. */
int waiver_list_add(struct waiver_list *list, const struct policy *policy, const struct judge_verdict *verdict);

/* True for a waiver that is no longer needed: its rule is kept on every host. */
bool waiver_is_unneeded(const struct waiver_list *list, const struct rule *rule);

void waiver_list_clear(struct waiver_list *list);

/* Days from today to the last day of the rule's waiver, 0 on that day; negative after it. */
long waiver_days_left(const struct rule *rule, int32_t today);

#endif
