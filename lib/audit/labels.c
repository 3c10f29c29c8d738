/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The numbers of a verdict.
 */
#include "config.h"

#include "audit/labels.h"

#include <stddef.h>

/* Above this many rules their own numbers would crowd the first line. */
#define RULES_WITH_NUMBERS 40

#define COUNT(rows) ((int)(sizeof(rows) / sizeof *(rows)))

/* --- totals ------------------------------------------------------------------------------------------------------ */

static uint64_t mapped_total(const struct judge_total *total)
{
    return total->mapped;
}

static uint64_t mapped_out_total(const struct judge_total *total)
{
    return total->mapped_out;
}

static uint64_t violations_total(const struct judge_total *total)
{
    return total->violations;
}

static uint64_t unlisted_total(const struct judge_total *total)
{
    return total->unlisted;
}

static uint64_t changes_total(const struct judge_total *total)
{
    return total->changes;
}

static const struct labels_total totals[] = {
    {"mapped", "Inbound v4-mapped connections of all judged services.", LABELS_TOTALS, .counts_sockets = true,
     .has_thresholds = true, .value = mapped_total},
    {"mapped_out", "Outbound v4-mapped connections.", LABELS_FULL, .counts_sockets = true, .value = mapped_out_total},
    {"violations", "Services in WARNING or CRITICAL, not the waived.", LABELS_TOTALS, .is_breach = true,
     .value = violations_total},
    {"unlisted", "Violations of services that only a default judges.", LABELS_TOTALS, .value = unlisted_total},
    {"changes", "What changed since the baseline.", LABELS_TOTALS, .of_baseline = true, .value = changes_total},
};

bool labels_total_is_known(const struct labels_total *label, const struct judge_total *total)
{
    return (total->known || !label->counts_sockets) && (total->changes_known || !label->of_baseline);
}

struct labels_thresholds labels_breach_thresholds(struct range ranges[static 2], const struct judge_total *total)
{
    ranges[0] = (struct range){.end = 0};
    ranges[1] = (struct range){.end = (double)total->warnings};
    return (struct labels_thresholds){.warning = &ranges[0], .critical = &ranges[1]};
}

/* --- of a rule --------------------------------------------------------------------------------------------------- */

static uint64_t native_count(const uint64_t connections[static TALLY_KINDS])
{
    return connections[TALLY_IPV4];
}

static uint64_t ipv6_count(const uint64_t connections[static TALLY_KINDS])
{
    return connections[TALLY_IPV6];
}

static const struct labels_rule of_rules[] = {
    {"_mapped", LABELS_MAPPED, tally_mapped_sum, RULE_MAPPED, false},
    {"_ipv4", LABELS_MAPPED, tally_ipv4_sum, RULE_IPV4, true},
    {"_v4", LABELS_FULL, native_count, LABELS_NO_THRESHOLDS, false},
    {"_v6", LABELS_FULL, ipv6_count, LABELS_NO_THRESHOLDS, false},
};

static struct labels_thresholds thresholds_of(const struct labels_rule *label, const struct rule *rule)
{
    const struct rule_thresholds *thresholds;

    if (label->counted == LABELS_NO_THRESHOLDS) {
        return (struct labels_thresholds){NULL, NULL};
    }
    thresholds = &rule->thresholds[label->counted];
    return (struct labels_thresholds){
        .warning = thresholds->warning.set ? &thresholds->warning.range : NULL,
        .critical = thresholds->critical.set ? &thresholds->critical.range : NULL,
    };
}

bool labels_rule_is_in(const struct labels_rule *label, const struct rule *rule, enum labels_set set)
{
    return label->set <= set &&
           (!label->only_if_thresholds || rule_has_threshold(rule, (enum rule_counted)label->counted));
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

const struct labels_total *labels_total(int index)
{
    return index < COUNT(totals) ? &totals[index] : NULL;
}

const struct labels_rule *labels_rule(int index)
{
    return index < COUNT(of_rules) ? &of_rules[index] : NULL;
}

static enum labels_set set_of(const struct labels_request *request)
{
    size_t count = 0;

    for (size_t i = 0; i < request->policy->rule_count; i++) {
        count += !request->policy->rules[i]->is_default;
    }
    if (request->set != LABELS_DEFAULT) {
        return request->set;
    }
    return count > RULES_WITH_NUMBERS ? LABELS_TOTALS : LABELS_MAPPED;
}

void labels_walk(const struct labels_request *request, void (*take)(void *context, const struct labels_value *value),
                 void *context)
{
    const struct judge_verdict *verdict = request->verdict;
    enum labels_set set = set_of(request);
    struct range ranges[2];

    for (int i = 0; i < COUNT(totals); i++) {
        struct labels_value value = {.name = totals[i].name, .suffix = "", .value = totals[i].value(&verdict->total)};
        if (totals[i].has_thresholds) {
            value.thresholds = request->thresholds;
        } else if (totals[i].is_breach) {
            value.thresholds = labels_breach_thresholds(ranges, &verdict->total);
        }
        if (totals[i].set <= set && labels_total_is_known(&totals[i], &verdict->total)) {
            take(context, &value);
        }
    }
    for (size_t position = 0; position < request->policy->rule_count; position++) {
        const struct rule *rule = request->policy->rules[position];
        bool has_numbers = !rule->is_default && verdict->rule_known[position];
        for (int i = 0; i < COUNT(of_rules) && has_numbers; i++) {
            struct labels_value value = {
                .name = rule->name,
                .suffix = of_rules[i].suffix,
                .value = of_rules[i].value(verdict->rule_connections[position]),
                .thresholds = thresholds_of(&of_rules[i], rule),
            };
            if (labels_rule_is_in(&of_rules[i], rule, set)) {
                take(context, &value);
            }
        }
    }
}
