/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What the waivers of a policy do.
 */
#include "config.h"

#include "audit/waiver.h"

#include <errno.h>
#include <stdlib.h>

static bool has_waivers(const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        if (policy->rules[i]->waive_set) {
            return true;
        }
    }
    return false;
}

/* Counts the host, which is number `host`, unless it was counted before. */
static void host_count(uint64_t *count, uint64_t *last, uint64_t host)
{
    *count += *last != host;
    *last = host;
}

/* A protocol that cannot be read might break any rule of it, even a default, which has no service then. */
static void unreadable_count(struct waiver_list *list, const struct policy *policy, const struct judge_verdict *verdict)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        int protocol = policy->rules[i]->protocol;
        bool unreadable = protocol != RULE_ANY_PROTOCOL && verdict->unreadable[protocol];
        for (int any = 0; protocol == RULE_ANY_PROTOCOL && any < RECORD_PROTOCOLS; any++) {
            unreadable |= verdict->unreadable[any];
        }
        if (unreadable) {
            host_count(&list->waivers[i].needed, &list->waivers[i].needed_on, list->hosts);
        }
    }
}

int waiver_list_add(struct waiver_list *list, const struct policy *policy, const struct judge_verdict *verdict)
{
    if (list->waivers == NULL && has_waivers(policy)) {
        list->waivers = calloc(policy->rule_count, sizeof *list->waivers);
        if (list->waivers == NULL) {
            return -ENOMEM;
        }
    }
    list->hosts++;
    if (list->waivers == NULL) {
        return 0;
    }
    for (size_t i = 0; i < verdict->service_count; i++) {
        const struct judge_service *service = &verdict->services[i];
        if (service->rule != NULL && service->reason_count > 0) {
            struct waiver *waiver = &list->waivers[service->rule->position];
            host_count(&waiver->needed, &waiver->needed_on, list->hosts);
            if (service->waived) {
                host_count(&waiver->hides, &waiver->hidden_on, list->hosts);
            }
        }
    }
    unreadable_count(list, policy, verdict);
    return 0;
}

bool waiver_is_unneeded(const struct waiver_list *list, const struct rule *rule)
{
    return rule->waive_set && !list->partial && list->waivers != NULL && list->waivers[rule->position].needed == 0;
}

void waiver_list_clear(struct waiver_list *list)
{
    free(list->waivers);
    *list = (struct waiver_list){.waivers = NULL};
}

long waiver_days_left(const struct rule *rule, int32_t today)
{
    return (long)rule->waive_day - today;
}
