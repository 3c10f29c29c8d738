/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The numbers of a verdict: their names in performance data and in JSON's totals, and who prints which.
 */
#ifndef AUDIT_LABELS_H
#define AUDIT_LABELS_H

#include "audit/judge.h"

/* What --perfdata names. Each set holds those before it. */
enum labels_set {
    LABELS_DEFAULT, /* mapped, or totals for a policy of many rules */
    LABELS_TOTALS,
    LABELS_MAPPED,
    LABELS_FULL
};

/* Both borrowed, NULL for none. */
struct labels_thresholds {
    const struct range *warning;
    const struct range *critical;
};

/* A number of all services together. */
struct labels_total {
    const char *name;
    const char *meaning; /* a sentence */
    enum labels_set set; /* the smallest that prints it */
    bool counts_sockets; /* not known unless judge_total.known */
    bool has_thresholds; /* those of --warning and --critical */
    bool of_baseline;    /* only where there is one: judge_total.changes_known */
    bool is_breach;      /* each is one: labels_breach_thresholds() are its thresholds */
    uint64_t (*value)(const struct judge_total *total);
};

/* Room for a rule's name and a suffix. */
#define LABELS_NAME_SIZE (RULE_NAME_MAX + 16)

/* A number of each rule, except defaults. */
struct labels_rule {
    const char *suffix;  /* behind the rule's name */
    enum labels_set set; /* the smallest that prints it */
    uint64_t (*value)(const uint64_t connections[static TALLY_KINDS]);
    int counted;             /* enum rule_counted of its thresholds, LABELS_NO_THRESHOLDS without */
    bool only_if_thresholds; /* left out of a rule without these */
};

#define LABELS_NO_THRESHOLDS (-1)

/* True when the number is known. */
bool labels_total_is_known(const struct labels_total *label, const struct judge_total *total);

/* Row `index` of either table, in the order in which they are printed; NULL behind the last one. Static. */
const struct labels_total *labels_total(int index);
const struct labels_rule *labels_rule(int index);

/* True when the rule, which is not a default, has that number in the set. */
bool labels_rule_is_in(const struct labels_rule *label, const struct rule *rule, enum labels_set set);

/*
 * The thresholds that colour a number of breaches as the state is: WARNING above 0, CRITICAL above the number of those
 * that only warn. They borrow from `ranges`, which this fills.
 */
struct labels_thresholds labels_breach_thresholds(struct range ranges[static 2], const struct judge_total *total);

/* What is to be printed. All borrowed. */
struct labels_request {
    const struct policy *policy;
    const struct judge_verdict *verdict;
    enum labels_set set;
    struct labels_thresholds thresholds; /* of --warning and --critical */
};

/* One number: its name is `name` and `suffix` together. */
struct labels_value {
    const char *name;
    const char *suffix;
    uint64_t value;
    struct labels_thresholds thresholds;
};

/*
 * Hands each number that is to be printed to `take`, valid during the call: the totals, then those of the rules in
 * their order. Which there are is up to policy and set alone, but what is not known is left out.
 */
void labels_walk(const struct labels_request *request, void (*take)(void *context, const struct labels_value *value),
                 void *context);

#endif
