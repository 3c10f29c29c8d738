/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/audit/labels.c: which numbers a verdict has, in which order, and who prints them.
 */
#include "config.h"

#include "audit/labels.h"
#include "plugin/perfdata.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static bool port_by_name(const char *name, enum record_protocol protocol, uint16_t *port, void *context)
{
    (void)name;
    (void)context;
    (void)protocol;
    (void)port;
    return false;
}

static bool uid_by_name(const char *name, uint32_t *uid, void *context)
{
    (void)name;
    (void)context;
    (void)uid;
    return false;
}

static const struct rule_names names = {.port = port_by_name, .user = uid_by_name};

/* Writes each value as performance data has it. */
static void value_write(void *context, const struct labels_value *value)
{
    struct perfdata perfdata = {
        .value = value->value,
        .warning = value->thresholds.warning,
        .critical = value->thresholds.critical,
    };
    char *text = context;
    char one[PERFDATA_TEXT_SIZE];

    ck_assert_uint_lt(strlen(value->name) + strlen(value->suffix), LABELS_NAME_SIZE);
    snprintf(perfdata.label, sizeof perfdata.label, "%s%s", value->name, value->suffix);
    perfdata_format(one, &perfdata);
    strcat(text, *text != '\0' ? " " : "");
    strcat(text, one);
}

static struct policy *policy_of(const char *rules)
{
    struct policy *policy = policy_create(&names);

    ck_assert_int_eq(policy_text_add(policy, rules, strlen(rules), "p"), 0);
    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_uint_eq(policy->errors.count, 0);
    return policy;
}

#define RULES_MOST 64

/* Rule number N, from 0, has N1 IPv4 connections, N2 v4-mapped and N3 IPv6 ones. */
static struct judge_verdict verdict_of(uint64_t connections[][TALLY_KINDS], bool *rule_known, bool known)
{
    for (uint64_t i = 0; i < RULES_MOST; i++) {
        connections[i][TALLY_IPV4] = i * 10 + 1;
        connections[i][TALLY_MAPPED] = i * 10 + 2;
        connections[i][TALLY_IPV6] = i * 10 + 3;
        rule_known[i] = known;
    }
    return (struct judge_verdict){
        .rule_connections = connections,
        .rule_known = rule_known,
        .total = {.known = known, .mapped = 5, .mapped_out = 6, .violations = 7, .warnings = 3, .unlisted = 8},
    };
}

#define IPV4 "443 any name=web ipv4-warning=10\n80 any name=old ipv4-critical=5 mapped-warning=1\n53/udp any name=dns"

#define TWO "443 any name=web mapped-warning=10 mapped-critical=@5:20\n53/udp any name=dns\ndefault closed"

static const struct {
    const char *rules;
    enum labels_set set;
    bool known;
    const char *values;
} cases[] = {
    {"", LABELS_DEFAULT, true, "mapped=5;1;2;0 violations=7;0;3;0 unlisted=8;;;0"},
    {"", LABELS_FULL, true, "mapped=5;1;2;0 mapped_out=6;;;0 violations=7;0;3;0 unlisted=8;;;0"},
    {TWO, LABELS_TOTALS, true, "mapped=5;1;2;0 violations=7;0;3;0 unlisted=8;;;0"},
    {TWO, LABELS_MAPPED, true,
     "mapped=5;1;2;0 violations=7;0;3;0 unlisted=8;;;0 web_mapped=2;10;@5:20;0 dns_mapped=12;;;0"},
    {TWO, LABELS_DEFAULT, true,
     "mapped=5;1;2;0 violations=7;0;3;0 unlisted=8;;;0 web_mapped=2;10;@5:20;0 dns_mapped=12;;;0"},
    {TWO, LABELS_FULL, true,
     "mapped=5;1;2;0 mapped_out=6;;;0 violations=7;0;3;0 unlisted=8;;;0 web_mapped=2;10;@5:20;0 web_v4=1;;;0 "
     "web_v6=3;;;0 dns_mapped=12;;;0 dns_v4=11;;;0 dns_v6=13;;;0"},
    /* Those of a rule that has a threshold on them, however much else is asked for. */
    {IPV4, LABELS_TOTALS, true, "mapped=5;1;2;0 violations=7;0;3;0 unlisted=8;;;0"},
    {IPV4, LABELS_DEFAULT, true,
     "mapped=5;1;2;0 violations=7;0;3;0 unlisted=8;;;0 web_mapped=2;;;0 web_ipv4=3;10;;0 old_mapped=12;1;;0 "
     "old_ipv4=23;;5;0 dns_mapped=22;;;0"},
    {IPV4, LABELS_FULL, true,
     "mapped=5;1;2;0 mapped_out=6;;;0 violations=7;0;3;0 unlisted=8;;;0 web_mapped=2;;;0 web_ipv4=3;10;;0 web_v4=1;;;0 "
     "web_v6=3;;;0 old_mapped=12;1;;0 old_ipv4=23;;5;0 old_v4=11;;;0 old_v6=13;;;0 dns_mapped=22;;;0 dns_v4=21;;;0 "
     "dns_v6=23;;;0"},
    /* What is not known is left out; how many services are off policy is known even then. */
    {TWO, LABELS_FULL, false, "violations=7;0;3;0 unlisted=8;;;0"},
};

START_TEST(sets_hold_their_values)
{
    const struct range warning = {.end = 1}, critical = {.end = 2};
    uint64_t connections[RULES_MOST][TALLY_KINDS];
    bool rule_known[RULES_MOST];
    struct policy *policy = policy_of(cases[_i].rules);
    struct judge_verdict verdict = verdict_of(connections, rule_known, cases[_i].known);
    struct labels_request request = {policy, &verdict, cases[_i].set, {&warning, &critical}};
    char text[1024] = "";

    labels_walk(&request, value_write, text);
    ck_assert_str_eq(text, cases[_i].values);
    policy_free(policy);
}
END_TEST

static void count_up(void *context, const struct labels_value *value)
{
    (void)value;
    ++*(int *)context;
}

/* The totals alone where the numbers of many rules would crowd the first line; defaults have none and do not count. */
START_TEST(many_rules_print_totals)
{
    static const struct {
        int rules, values;
        enum labels_set set;
    } sizes[] = {{40, 43, LABELS_DEFAULT}, {41, 3, LABELS_DEFAULT}, {41, 44, LABELS_MAPPED}};

    for (int i = 0; i < COUNT(sizes); i++) {
        uint64_t connections[RULES_MOST][TALLY_KINDS];
        bool rule_known[RULES_MOST];
        char rules[2048] = "default closed\n";
        struct judge_verdict verdict = verdict_of(connections, rule_known, true);
        struct labels_request request = {.verdict = &verdict, .set = sizes[i].set};
        struct policy *policy;
        int count = 0;
        for (int port = 1; port <= sizes[i].rules; port++) {
            size_t length = strlen(rules);
            snprintf(rules + length, sizeof rules - length, "%d any\n", port);
        }
        policy = policy_of(rules);
        request.policy = policy;
        labels_walk(&request, count_up, &count);
        ck_assert_int_eq(count, sizes[i].values);
        policy_free(policy);
    }
}
END_TEST

/* Whatever rows there are: whole, no two alike, all fit for performance data, and in some set. */
START_TEST(rows_are_whole)
{
    const struct labels_total *total;
    const struct labels_rule *of_rule;
    const struct rule plain = {.protocol = RECORD_TCP};
    char longest[LABELS_NAME_SIZE + RULE_NAME_MAX];
    int count = 0;

    for (; (total = labels_total(count)) != NULL; count++) {
        ck_assert(perfdata_label_is_valid(total->name));
        ck_assert(total->value != NULL);
        ck_assert(total->set >= LABELS_TOTALS && total->set <= LABELS_FULL);
        for (int other = 0; other < count; other++) {
            ck_assert_str_ne(total->name, labels_total(other)->name);
        }
    }
    ck_assert_int_ge(count, 4);
    for (count = 0; (of_rule = labels_rule(count)) != NULL; count++) {
        snprintf(longest, sizeof longest, "%0*d%s", RULE_NAME_MAX, 0, of_rule->suffix);
        ck_assert(perfdata_label_is_valid(longest));
        ck_assert_uint_lt(strlen(longest), LABELS_NAME_SIZE);
        ck_assert_int_eq(*of_rule->suffix, '_');
        ck_assert(of_rule->value != NULL);
        ck_assert_int_lt(of_rule->counted, RULE_COUNTED);
        ck_assert_int_eq(labels_rule_is_in(of_rule, &plain, LABELS_FULL), !of_rule->only_if_thresholds);
        ck_assert(of_rule->set >= LABELS_MAPPED && of_rule->set <= LABELS_FULL);
        for (int other = 0; other < count; other++) {
            ck_assert_str_ne(of_rule->suffix, labels_rule(other)->suffix);
        }
    }
    ck_assert_int_ge(count, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("labels");
    TCase *tcase = tcase_create("labels");

    tcase_add_loop_test(tcase, sets_hold_their_values, 0, COUNT(cases));
    tcase_add_test(tcase, many_rules_print_totals);
    tcase_add_test(tcase, rows_are_whole);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
