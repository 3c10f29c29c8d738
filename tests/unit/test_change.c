/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/audit/change.c: two hosts, each a line as trial.h reads it, and what changed from one to the other.
 */
#include "config.h"

#include "audit/change.h"

#include "plugin/text_buffer.h"
#include "socket/protocol.h"
#include "trial.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

struct comparison {
    struct trial *trial; /* the policy, and the host as it is now */
    struct tally *before;
    struct change_list *list;
};

/* NULL before: there is no baseline. */
static void comparison_begin(struct comparison *comparison, const char *rules, const char *before, const char *after)
{
    struct change_question question;

    comparison->trial = trial_begin(rules, after);
    comparison->before = before != NULL ? trial_tally(before) : NULL;
    question = (struct change_question){.before = comparison->before,
                                        .after = comparison->trial->tally,
                                        .policy = comparison->trial->policy};
    ck_assert_int_eq(change_list_make(&question, &comparison->list), 0);
}

static void comparison_end(struct comparison *comparison)
{
    change_list_free(comparison->list);
    tally_free(comparison->before);
    trial_end(comparison->trial);
}

static void points_add(struct text_buffer *text, unsigned points, const char *mark)
{
    for (int point = 0; point < CHANGE_POINTS; point++) {
        if ((points & CHANGE_BIT(point)) != 0) {
            text_buffer_add(text, " %s%s", mark, change_point_name((enum change_point)point));
        }
    }
}

/* "443/tcp changed stack addresses, 53/udp unknown ?units" */
static void list_add(struct text_buffer *text, const struct change_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct change *change = &list->changes[i];
        text_buffer_add(text, "%s%u/%s %s", i == 0 ? "" : ", ", (unsigned)change->after.port,
                        protocol_name(change->after.protocol), change_kind_name(change->kind));
        points_add(text, change->points, "");
        points_add(text, change->unknown, "?");
    }
}

static void assert_changes(const char *rules, const char *before, const char *after, const char *expected)
{
    struct comparison comparison;
    char bytes[512];
    struct text_buffer text = TEXT_BUFFER(bytes);

    comparison_begin(&comparison, rules, before, after);
    list_add(&text, comparison.list);
    ck_assert_msg(strcmp(bytes, expected) == 0, "'%s' to '%s': '%s' instead of '%s'", before, after, bytes, expected);
    comparison_end(&comparison);
}

/* What is on both hosts, beside what changes. */
#define OTHERS " 22=0.0.0.0!0:root+ssh.service 22=::/6!0:root+ssh.service u123=::!38:ntp+ntp.service"

/* Each is reported, and nothing else. */
static const struct {
    const char *before;
    const char *after;
    const char *expected;
} kinds[] = {
    /* A service comes or goes. */
    {"", "443=::", "443/tcp appeared"},
    {"443=::", "", "443/tcp gone"},
    {"", "u53=::", "53/udp appeared"},
    {"u53=::", "", "53/udp gone"},
    {"", "8080=127.0.0.1", "8080/tcp appeared"},
    {"", "40000=::", "40000/tcp appeared"},
    {"443=::", "444=::", "443/tcp gone, 444/tcp appeared"},
    {"443=::", "u443=::", "443/tcp gone, 443/udp appeared"},
    {"", "443=192.0.2.9^", "443/tcp appeared"},
    /* A family comes or goes. */
    {"443=0.0.0.0", "443=0.0.0.0 443=::/6", "443/tcp changed stack addresses"},
    {"443=0.0.0.0 443=::/6", "443=0.0.0.0", "443/tcp changed stack addresses"},
    {"443=0.0.0.0 443=::/6", "443=::/6", "443/tcp changed stack addresses"},
    {"443=0.0.0.0", "443=::/6", "443/tcp changed stack addresses"},
    {"443=::", "443=::/6", "443/tcp changed stack v6only"},
    {"443=::/6", "443=::", "443/tcp changed stack v6only"},
    {"u53=::", "u53=::/6", "53/udp changed stack v6only"},
    {"443=::", "443=::ffff:0.0.0.0", "443/tcp changed stack addresses"},
    {"443=127.0.0.1 443=::1", "443=127.0.0.1", "443/tcp changed stack addresses"},
    {"443=127.0.0.1 443=::1", "443=0.0.0.0 443=::1", "443/tcp changed stack addresses"},
    {"443=::1 443=0.0.0.0", "443=fe80::1%eth0 443=0.0.0.0", "443/tcp changed reach addresses"},
    /* Both families stay, in another form. */
    {"443=0.0.0.0 443=::/6", "443=::", "443/tcp changed form addresses v6only"},
    {"443=::", "443=0.0.0.0 443=::/6", "443/tcp changed form addresses v6only"},
    {"443=0.0.0.0 443=::/6", "443=0.0.0.0 443=::", "443/tcp changed form v6only"},
    {"443=::", "443=0.0.0.0 443=::", "443/tcp changed form addresses"},
    /* It is reached from elsewhere. */
    {"443=127.0.0.1", "443=0.0.0.0", "443/tcp changed reach addresses"},
    {"443=192.0.2.1", "443=127.0.0.1", "443/tcp changed reach addresses"},
    {"443=127.0.0.1 443=::1", "443=::", "443/tcp changed reach form addresses"},
    {"443=169.254.7.1", "443=192.0.2.1", "443/tcp changed reach addresses"},
    {"443=192.0.2.9", "443=192.0.2.9^", "443/tcp changed stack"},
    {"443=192.0.2.9^", "443=192.0.2.9", "443/tcp changed stack"},
    /* It is bound to something else. */
    {"443=192.0.2.1", "443=192.0.2.2", "443/tcp changed addresses"},
    {"443=192.0.2.1", "443=0.0.0.0", "443/tcp changed addresses"},
    {"443=192.0.2.1", "443=192.0.2.1 443=192.0.2.2", "443/tcp changed addresses"},
    {"443=192.0.2.1 443=192.0.2.2", "443=192.0.2.1", "443/tcp changed addresses"},
    {"443=127.0.0.1", "443=127.0.0.2", "443/tcp changed addresses"},
    {"443=0.0.0.0", "443=0.0.0.0%eth0", "443/tcp changed interfaces"},
    {"443=0.0.0.0%eth1", "443=0.0.0.0%eth0", "443/tcp changed interfaces"},
    {"443=0.0.0.0%eth0", "443=0.0.0.0", "443/tcp changed interfaces"},
    {"443=0.0.0.0", "443=0.0.0.0 443=0.0.0.0%eth0", "443/tcp changed interfaces"},
    {"443=0.0.0.0", "443=0.0.0.0%lo", "443/tcp changed reach interfaces"},
    {"443=::/6 ipv4:none", "443=:: ipv4:none", "443/tcp changed v6only"},
    /* It belongs to somebody else. */
    {"443=::+nginx.service", "443=::+apache2.service", "443/tcp changed units"},
    {"443=::+nginx.service", "443=::+nginx.service 443=::+apache2.service", "443/tcp changed units"},
    {"53=127.0.0.1+a.service 53=127.0.0.2+b.service", "53=127.0.0.1+b.service 53=127.0.0.2+a.service",
     "53/tcp changed units"},
    {"443=::+nginx.service", "443=::+/", "443/tcp changed units"},
    {"443=::+nginx.service", "443=::+nginx@2.service", "443/tcp changed units"},
    {"443=::+docker-0123456789abcdef.scope", "443=::+session-3.scope", "443/tcp changed units"},
    {"443=::!33:www-data+a.service", "443=::!0:root+a.service", "443/tcp changed users"},
    {"443=::!33+a.service", "443=::!0+a.service", "443/tcp changed users"},
    {"443=::!33:www-data+a.service", "443=::!0+a.service", "443/tcp changed users"},
    {"53=127.0.0.1!1:a 53=127.0.0.2!2:b", "53=127.0.0.1!2:b 53=127.0.0.2!1:a", "53/tcp changed users"},
    {"443=::!33:www-data+nginx.service", "443=0.0.0.0!0:root+apache2.service",
     "443/tcp changed stack addresses units users"},
};

START_TEST(is_reported)
{
    char before[512];
    char after[512];

    snprintf(before, sizeof before, "%s" OTHERS, kinds[_i].before);
    snprintf(after, sizeof after, "%s" OTHERS, kinds[_i].after);
    assert_changes("", before, after, kinds[_i].expected);
}
END_TEST

/* What changes with each start, what clients do, and what says the same in another way. */
static const struct {
    const char *rules;
    const char *before;
    const char *after;
} nothing[] = {
    {"", "443=::", "443=::"},
    {"", "443=::", "443=:: 443=:: 443=::"},
    {"", "443=:: 443~::ffff:192.0.2.1*3", "443=:: 443~::1"},
    {"", "443=:: 443=0.0.0.0 80=::", "80=:: 443=0.0.0.0 443=::"},
    {"", "443=192.0.2.9 443=192.0.2.10", "443=192.0.2.9^ 443=192.0.2.10"},
    {"", "443=::+session-3.scope", "443=::+session-17.scope"},
    {"", "443=::+docker-0123456789abcdef.scope", "443=::+docker-fedcba9876543210.scope"},
    {"", "443=::+run-u12.service", "443=::+run-u345.service"},
    {"", "443=::+/kubepods/0123456789abcdef", "443=::+/kubepods/fedcba9876543210"},
    {"", "443=::!61184:a+a.service", "443=::!65519:a+a.service"},
    {"", "443=::!33:www-data+a.service", "443=::!33+a.service"},
    {"", "443=::!61184:a+a.service 443=::!7+a.service", "443=::!7+a.service 443=::!65519:a+a.service"},
    {"", "u40000=0.0.0.0", "u40001=::"},
    {"", "u40000=0.0.0.0", "u40000=::"},
    {"", "u40000=0.0.0.0 clients?", "u40001=0.0.0.0"},
    {"", "u40000=0.0.0.0", "u40001=0.0.0.0 clients?"},
    {"default closed", "u40000=0.0.0.0", "u40001=::"},
    {"30000-50000/udp any", "u40000=0.0.0.0", "u40001=::"},
    {"default closed except-unit=dnsmasq.service", "u2000=::+dnsmasq.service", "u3000=::+dnsmasq.service"},
    {"default closed except-unit=dnsmasq.service", "53=:: 53=0.0.0.0+dnsmasq.service", "53=::"},
    /* What neither knows, but for whether IPv4 gets in. */
    {"", "443=::+?", "443=::+?"},
    {"", "443=0.0.0.0", "443=0.0.0.0 interfaces?"},
    {"", "443=0.0.0.0 443=::/? interfaces?", "443=0.0.0.0 443=::/? interfaces?"},
    {"", "443=:: addresses?", "443=:: addresses?"},
    {"", "443=:: addresses?", "443=:: ipv6:link"},
    {"", "443=::/6 ipv6?", "443=::/6 noipv6"},
    {"", "notcp", "notcp 443=::"},
};

START_TEST(is_no_change)
{
    assert_changes(nothing[_i].rules, nothing[_i].before, nothing[_i].after, "");
}
END_TEST

/* What is not known in one of them is never gone, and never new. */
static const struct {
    const char *rules;
    const char *before;
    const char *after;
    const char *expected;
} unknowns[] = {
    {"", "443=::", "443=::/?", "443/tcp unknown ?stack ?v6only"},
    {"", "443=::/?", "443=::/6", "443/tcp unknown ?stack ?v6only"},
    {"", "443=::/?", "443=::/?", "443/tcp unknown ?stack"},
    {"", "443=0.0.0.0", "443=::/?", "443/tcp changed stack addresses"},
    {"", "443=0.0.0.0 443=::/6", "443=0.0.0.0 443=::/?", "443/tcp unknown ?form ?v6only"},
    {"", "443=0.0.0.0%eth0", "443=0.0.0.0 interfaces?", "443/tcp unknown ?interfaces"},
    {"", "443=0.0.0.0%lo", "443=0.0.0.0 interfaces?", "443/tcp unknown ?interfaces"},
    {"", "443=::+a.service", "443=::+?", "443/tcp unknown ?units"},
    {"", "443=::+?", "443=::+a.service", "443/tcp unknown ?units"},
    {"", "443=::+a.service 443=127.0.0.1+?", "443=::+b.service 443=127.0.0.1+?", "443/tcp changed units"},
    {"", "443=::!33", "443=::!4294967295", "443/tcp unknown ?users"},
    {"", "u40000=:: clients?", "u40001=:: clients?", "40000/udp unknown ?client_port, 40001/udp unknown ?client_port"},
    {"40000/udp any", "u40000=:: clients?", "clients?", "40000/udp gone"},
    {"default closed", "u40000=:: clients?", "clients?", "40000/udp unknown ?client_port"},
    {"default closed ephemeral=yes", "u40000=:: clients?", "clients?", "40000/udp gone"},
    {"", "u500=:: clients?", "clients?", "500/udp gone"},
    {"", "443=:: addresses?", "443=0.0.0.0", "443/tcp changed stack addresses"},
    {"", "443=:: addresses?", "443=::/6", "443/tcp changed stack v6only"},
    /* A rule that names the port itself, or ephemeral=yes. */
    {"40000/udp any", "u40000=::", "", "40000/udp gone"},
    {"default closed ephemeral=yes", "u40000=::", "", "40000/udp gone"},
    {"", "u40000=:: reserved:40000", "reserved:40000", "40000/udp gone"},
    {"53 any\ndefault closed except-unit=dnsmasq.service", "53=::+dnsmasq.service", "", "53/tcp gone"},
    {"default closed except-unit=dnsmasq.service", "u2000=::+?", "", "2000/udp gone"},
    {"", "notcp u53=::", "443=:: u53=::/6", "53/udp changed stack v6only"},
    {"", "443=:: u53=::", "443=::/6 noudp", "443/tcp changed stack v6only"},
};

START_TEST(is_unknown)
{
    assert_changes(unknowns[_i].rules, unknowns[_i].before, unknowns[_i].after, unknowns[_i].expected);
}
END_TEST

static const struct {
    const char *rules;
    const char *before; /* NULL: no baseline */
    const char *after;
    enum state expected;
} states[] = {
    {"", "443=::", "443=::", STATE_OK},
    {"", "443=::", "", STATE_WARNING},
    {"443 any", "443=::", "", STATE_WARNING},
    {"default closed severity=warning", "443=::", "443=::/6", STATE_WARNING},
    {"default closed severity=critical", "443=::", "443=::/6", STATE_CRITICAL},
    {"default any", "443=::", "443=::/6", STATE_CRITICAL},
    {"443 any severity=critical", "443=::", "443=::/6", STATE_WARNING},
    {"default/udp any", "443=::", "443=::/6", STATE_WARNING},
    {"default/udp any", "u53=::", "", STATE_CRITICAL},
    {"default@loopback any", "80=127.0.0.1", "", STATE_CRITICAL},
    {"default@loopback any", "80=127.0.0.1", "80=0.0.0.0", STATE_CRITICAL},
    {"default@loopback any", "80=0.0.0.0", "80=::", STATE_WARNING},
    {"", "443=::", "443=::/?", STATE_UNKNOWN},
    {"", "443=:: 80=::", "443=::/?", STATE_WARNING},
    {"default any", "443=::", "443=::/?", STATE_UNKNOWN},
    {"", "443=:: notcp", "", STATE_UNKNOWN},
    {"", "noudp", "noudp", STATE_UNKNOWN},
    {"", NULL, "443=::", STATE_UNKNOWN},
};

START_TEST(has_a_state)
{
    struct comparison comparison;

    comparison_begin(&comparison, states[_i].rules, states[_i].before, states[_i].after);
    ck_assert_int_eq(comparison.list->state, states[_i].expected);
    comparison_end(&comparison);
}
END_TEST

/* The verdict is as bad as the changes, and knows how many there are. */
START_TEST(is_part_of_the_verdict)
{
    struct trial *trial = trial_begin("443 any", "443=::/6 80=::/?");
    struct tally *before = trial_tally("443=:: 80=:: 25=::");

    trial->question.compares = true;
    trial->question.baseline = before;
    trial_judge(trial);
    ck_assert_int_eq(trial->verdict->state, STATE_WARNING);
    ck_assert(trial->verdict->total.changes_known);
    ck_assert_uint_eq(trial->verdict->total.changes, 2);
    ck_assert_uint_eq(trial->verdict->total.violations, 0);
    trial->question.baseline = NULL;
    trial_judge(trial);
    ck_assert_int_eq(trial->verdict->state, STATE_UNKNOWN);
    ck_assert(!trial->verdict->total.changes_known);
    trial->question.compares = false;
    trial_judge(trial);
    ck_assert_int_eq(trial->verdict->state, STATE_OK);
    ck_assert_ptr_null(trial->verdict->changes);
    tally_free(before);
    trial_end(trial);
}
END_TEST

/* The sockets that have no match on the other side, the first of them and how many. */
START_TEST(names_the_sockets)
{
    struct comparison comparison;
    const struct change_difference *difference;

    comparison_begin(&comparison, "", "80=192.0.2.1 80=192.0.2.2 80=192.0.2.2",
                     "80=192.0.2.2 80=192.0.2.3 80=192.0.2.4 80=192.0.2.5 80=192.0.2.6");
    ck_assert_uint_eq(comparison.list->count, 1);
    difference = &comparison.list->changes[0].differences[CHANGE_ADDRESSES];
    ck_assert_uint_eq(difference->before.count, 1);
    ck_assert_int_eq(difference->before.first[0]->address.s6_addr[15], 1);
    ck_assert_uint_eq(difference->after.count, 4);
    ck_assert_int_eq(difference->after.first[0]->address.s6_addr[15], 3);
    ck_assert_int_eq(difference->after.first[CHANGE_SHOWN - 1]->address.s6_addr[15], 5);
    comparison_end(&comparison);
}
END_TEST

/* A daemon that restarts: what is not there is to be seen twice. */
static const struct {
    const char *now;
    const char *earlier;
    bool rests;
    bool confirms;
} looks[] = {
    {"443=:: 80=::", "443=:: 80=::", false, true},
    {"443=:: 80=:: 25=::", "443=:: 80=::", false, true},
    {"443=::", "443=::", true, true},
    {"443=::", "443=:: 80=::", true, false},
    {"443=::", "80=::", true, false},
    {"443=::/6 80=::", "443=::/6 80=::", true, true},
    {"443=::/6 80=::", "80=::", true, false},
    {"", "443=::/6", true, false},
    {"443=::", "", true, true},
};

START_TEST(is_looked_at_twice)
{
    struct comparison now;
    struct comparison earlier;

    comparison_begin(&now, "", "443=:: 80=::", looks[_i].now);
    comparison_begin(&earlier, "", "443=:: 80=::", looks[_i].earlier);
    ck_assert_int_eq(change_list_rests_on_absence(now.list), looks[_i].rests);
    ck_assert_int_eq(change_list_confirms(now.list, earlier.list), looks[_i].confirms);
    comparison_end(&now);
    comparison_end(&earlier);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("change");
    TCase *tests = tcase_create("change");

    tcase_add_loop_test(tests, is_reported, 0, UNIT_COUNT(kinds));
    tcase_add_loop_test(tests, is_no_change, 0, UNIT_COUNT(nothing));
    tcase_add_loop_test(tests, is_unknown, 0, UNIT_COUNT(unknowns));
    tcase_add_loop_test(tests, has_a_state, 0, UNIT_COUNT(states));
    tcase_add_test(tests, is_part_of_the_verdict);
    tcase_add_test(tests, names_the_sockets);
    tcase_add_loop_test(tests, is_looked_at_twice, 0, UNIT_COUNT(looks));
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
