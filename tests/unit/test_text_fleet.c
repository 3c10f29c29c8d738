/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/text_fleet.c: many hosts in one text.
 */
#include "config.h"

#include "audit/day.h"
#include "render/fleet.h"
#include "render/text.h"

#include "collect.h"
#include "trial.h"
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS 8

/* Of the texts of hosts there is memory for so many more. */
static int texts_left = INT_MAX;

/* In place of the C library's, which the writer keeps the first line of a host's answer with. */
char *strndup(const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    char *copy = texts_left-- > 0 ? malloc(length + 1) : NULL;

    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

/* So many bytes. */
#define HUNDRED "it cannot be read because of what is the case on the host, which is told at such length as it fits, "

/* A host that was judged, or NULL and why it cannot be. */
struct member {
    const char *name;
    const char *host;
    const char *failure;
    const char *namespace;
};

static void member_count(struct writer_fleet *fleet, enum state state)
{
    fleet->count++;
    fleet->by_state[state]++;
    fleet->state = state_worse(fleet->state, state);
}

static void member_add(struct writer_fleet *fleet, const char *rules, const struct member *member,
                       const struct sink *sink)
{
    struct trial *trial = trial_begin(rules, member->failure == NULL ? member->host : "");
    struct snapshot snapshot = {.tally = trial->tally, .time = day_start(TRIAL_TODAY)};
    struct view view = {.policy = trial->policy,
                        .snapshot = &snapshot,
                        .today = TRIAL_TODAY,
                        .verbose = fleet->verbose};
    const struct writer_failure failure = {.state = STATE_UNKNOWN,
                                           .host = "",
                                           .sentences = &member->failure,
                                           .count = 1};
    struct writer_host host = {.file = "x.json",
                               .name = member->name,
                               .namespace = member->namespace,
                               .time = snapshot.time,
                               .view = &view};

    trial->question.everything = trial->policy->rule_count == 0;
    trial_judge(trial);
    view.verdict = trial->verdict;
    if (member->failure != NULL) {
        host = (struct writer_host){.file = "x.json", .name = "", .failure = &failure};
    }
    member_count(fleet, member->failure != NULL ? STATE_UNKNOWN : trial->verdict->state);
    fleet->judged += member->failure == NULL;
    ck_assert_int_eq(text_writer.fleet_host(fleet, &host, sink), 0);
    trial_end(trial);
}

static void fleet_collect(struct collect *collected, const char *rules, unsigned verbose,
                          const struct member members[static HOSTS])
{
    const struct sink sink = collect_sink(collected);
    struct trial *trial = trial_begin(rules, "");
    struct writer_fleet fleet = {.policy = trial->policy, .verbose = verbose};

    for (int i = 0; i < HOSTS && members[i].name != NULL; i++) {
        member_add(&fleet, rules, &members[i], &sink);
    }
    ck_assert_ptr_null(collected->text);
    ck_assert_int_eq(text_writer.fleet_end(&fleet, &sink), 0);
    ck_assert_uint_eq(collected->pieces, 1);
    text_writer.fleet_clear(&fleet);
    ck_assert_ptr_null(fleet.kept);
    trial_end(trial);
}

static const struct {
    const char *rules;
    unsigned verbose;
    struct member members[HOSTS];
    const char *expected;
} fleets[] = {
    {"443 dual-stack name=web",
     0,
     {{"a", "443=::", NULL, NULL}, {"b", "443=::", NULL, NULL}},
     "DUALSTACK OK: 2 hosts on policy | hosts=2;;;0 hosts_off=0;;;0 hosts_unknown=0;;;0 mapped=0;;;0 "
     "violations=0;0;0;0 "
     "unlisted=0;;;0\n"
     "\\_[OK] a: 1 service on policy, 0 v4-mapped connections\n"
     "\\_[OK] b: 1 service on policy, 0 v4-mapped connections\n"
     "\\_[OK] 2 hosts: 0 CRITICAL, 0 WARNING, 0 UNKNOWN, 2 OK\n"},
    /* The worst first, that with the most violations before the others, then as they came. */
    {"443 dual-stack name=web severity=warning\n22 any",
     0,
     {{"fine", "443=:: 22=::", NULL, NULL},
      {"x.json: is no capture", NULL, "x.json: is no capture", NULL},
      {"one", "443=0.0.0.0 22=::", NULL, NULL},
      {"two", "443=::", NULL, NULL},
      {"three", "443=0.0.0.0", NULL, NULL},
      {"", "443=0.0.0.0 22=:: 443~10.0.0.1 22~::ffff:10.0.0.1*2", NULL, NULL}},
     "DUALSTACK CRITICAL: 4 of 6 hosts off policy, 1 unknown: three, two, one, x.json | hosts=6;;;0 "
     "hosts_off=4;;;0 hosts_unknown=1;;;0 violations=5;0;3;0 unlisted=0;;;0\n"
     "\\_[CRITICAL] three: 2 of 2 services off policy. 22/tcp: nothing listens, must listen. web 443/tcp is v4-only, "
     "must be "
     "dual-stack\n"
     "\\_[CRITICAL] two: 1 of 2 services off policy. 22/tcp: nothing listens, must listen\n"
     "\\_[WARNING] one: 1 of 2 services off policy. web 443/tcp is v4-only, must be dual-stack\n"
     "\\_[WARNING] x.json: 1 of 2 services off policy. web 443/tcp is v4-only, must be dual-stack\n"
     "\\_[UNKNOWN] x.json: is no capture\n"
     "\\_[OK] fine: 2 services on policy, 0 v4-mapped connections\n"
     "\\_[CRITICAL] 6 hosts: 2 CRITICAL, 2 WARNING, 1 UNKNOWN, 1 OK\n"},
    /* The namespaces of a host are told apart. */
    {"443 dual-stack name=web",
     0,
     {{"a", "443=0.0.0.0", NULL, "blue"}, {"a", "443=::", NULL, "red"}, {"", "443=::", NULL, "red"}},
     "DUALSTACK CRITICAL: 1 of 3 hosts off policy: a in namespace blue | hosts=3;;;0 hosts_off=1;;;0 "
     "hosts_unknown=0;;;0 mapped=0;;;0 violations=1;0;0;0 unlisted=0;;;0\n"
     "\\_[CRITICAL] a in namespace blue: 1 of 1 service off policy. web 443/tcp is v4-only, must be dual-stack\n"
     "\\_[OK] a in namespace red: 1 service on policy, 0 v4-mapped connections\n"
     "\\_[OK] x.json in namespace red: 1 service on policy, 0 v4-mapped connections\n"
     "\\_[CRITICAL] 3 hosts: 1 CRITICAL, 0 WARNING, 0 UNKNOWN, 2 OK\n"},
    /* Where nobody is off, why the first one cannot be judged; the ellipsis shows that there is more to say. */
    {"443 v4",
     0,
     {{"a", NULL, "a: " HUNDRED HUNDRED HUNDRED "and how to change that", NULL}, {"b", NULL, "b: is gone", NULL}},
     "DUALSTACK UNKNOWN: 2 of 2 hosts cannot be judged. a: " HUNDRED HUNDRED HUNDRED
     "and how to ch... ... and 1 more | "
     "hosts=2;;;0 hosts_off=0;;;0 hosts_unknown=2;;;0 violations=0;0;0;0 unlisted=0;;;0\n"
     "\\_[UNKNOWN] a: " HUNDRED HUNDRED HUNDRED "and how to change that\n"
     "\\_[UNKNOWN] b: is gone\n"
     "\\_[UNKNOWN] 2 hosts: 0 CRITICAL, 0 WARNING, 2 UNKNOWN, 0 OK\n"},
    {"443 v4 name=web",
     0,
     {{"a", "443=::/?", NULL, NULL}, {"b", NULL, "b: is gone", NULL}},
     "DUALSTACK UNKNOWN: 2 of 2 hosts cannot be judged. a: 1 of 1 service cannot be judged. web 443/tcp: whether "
     "[::]:443 accepts IPv4 cannot be determined: IPV6_V6ONLY is not visible here, only by netlink ... and 1 more | "
     "hosts=2;;;0 "
     "hosts_off=0;;;0 "
     "hosts_unknown=2;;;0 violations=0;0;0;0 unlisted=0;;;0\n"
     "\\_[UNKNOWN] a: 1 of 1 service cannot be judged. web 443/tcp: whether [::]:443 accepts IPv4 cannot be "
     "determined: IPV6_V6ONLY is not visible here, only by netlink\n"
     "\\_[UNKNOWN] b: is gone\n"
     "\\_[UNKNOWN] 2 hosts: 0 CRITICAL, 0 WARNING, 2 UNKNOWN, 0 OK\n"},
    {"443 v4",
     0,
     {{"b", NULL, "b: is gone", NULL}},
     "DUALSTACK UNKNOWN: 1 of 1 host cannot be judged. b: is gone | hosts=1;;;0 hosts_off=0;;;0 hosts_unknown=1;;;0 "
     "violations=0;0;0;0 unlisted=0;;;0\n"
     "\\_[UNKNOWN] b: is gone\n"
     "\\_[UNKNOWN] 1 host: 0 CRITICAL, 0 WARNING, 1 UNKNOWN, 0 OK\n"},
    {"",
     0,
     {{"a", "443=:: 443~::ffff:10.0.0.1*2", NULL, NULL}},
     "DUALSTACK OK: 1 host, no policy to judge by | hosts=1;;;0 hosts_off=0;;;0 hosts_unknown=0;;;0 "
     "mapped=2;;;0 violations=0;0;0;0 unlisted=0;;;0\n"
     "\\_[OK] a: 1 service listens (1 dual-stack), 2 v4-mapped connections, no policy to judge by\n"
     "\\_[OK] 1 host: 0 CRITICAL, 0 WARNING, 0 UNKNOWN, 1 OK\n"},
    /* -v says which capture it was, and all that its own answer would say. */
    {"443 dual-stack name=web",
     1,
     {{"a", "443=::", NULL, NULL}, {"b", NULL, "b: is gone", NULL}},
     "DUALSTACK UNKNOWN: 1 of 2 hosts cannot be judged. b: is gone | hosts=2;;;0 hosts_off=0;;;0 hosts_unknown=1;;;0 "
     "violations=0;0;0;0 unlisted=0;;;0\n"
     "\\_[UNKNOWN] b: is gone\n"
     "\\_[OK] a: 1 service on policy, 0 v4-mapped connections\n"
     "    x.json, captured at 2026-11-22T00:00:00Z\n"
     "    \\_[OK] web 443/tcp: dual-stack (must be dual-stack), on [::]:443\n"
     "\\_[UNKNOWN] 2 hosts: 0 CRITICAL, 0 WARNING, 1 UNKNOWN, 1 OK\n"},
    {"443 dual-stack name=web",
     2,
     {{"a", "443=0.0.0.0", NULL, NULL}},
     "DUALSTACK CRITICAL: 1 of 1 host off policy: a | hosts=1;;;0 hosts_off=1;;;0 hosts_unknown=0;;;0 mapped=0;;;0 "
     "violations=1;0;0;0 unlisted=0;;;0\n"
     "\\_[CRITICAL] a: 1 of 1 service off policy. web 443/tcp is v4-only, must be dual-stack\n"
     "    x.json, captured at 2026-11-22T00:00:00Z\n"
     "    \\_[CRITICAL] web 443/tcp: v4-only, must be dual-stack: nothing accepts IPv6, only 0.0.0.0:443\n"
     "        0.0.0.0:443 is AF_INET, accepts IPv4, scope external, reach IPv4 external, 1 socket, uid 0\n"
     "        0 IPv4 connections established, 0 of them mapped\n"
     "        to fix: listen on [::]:443 too, with IPV6_V6ONLY on\n"
     "\\_[CRITICAL] 1 host: 1 CRITICAL, 0 WARNING, 0 UNKNOWN, 0 OK\n"},
};

START_TEST(hosts_are_told_together)
{
    struct collect collected = {.text = NULL};

    fleet_collect(&collected, fleets[_i].rules, fleets[_i].verbose, fleets[_i].members);
    ck_assert_str_eq(collected.text, fleets[_i].expected);
    collect_clear(&collected);
}
END_TEST

/* The first line names as many as it has room for; a line a host has no limit. */
START_TEST(many_hosts_have_a_line_each)
{
    struct trial *trial = trial_begin("443 any", "");
    struct writer_fleet fleet = {.policy = trial->policy};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    const char *begin = "DUALSTACK CRITICAL: 1000 of 1000 hosts off policy: host0, host1, host2, host3, host4, host5, "
                        "host6, host7, host8, host9, host10, host11 ... and 988 more | hosts=1000;;;0 ";
    char name[16];
    size_t lines = 0;

    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "host%d", i);
        member_add(&fleet, "443 any", &(struct member){.name = name, .host = ""}, &sink);
    }
    ck_assert_int_eq(text_writer.fleet_end(&fleet, &sink), 0);
    ck_assert_int_eq(strncmp(collected.text, begin, strlen(begin)), 0);
    for (const char *c = collected.text; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    ck_assert_uint_eq(lines, 1002);
    text_writer.fleet_clear(&fleet);
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

/* They come with a check, whose carriers cut what is longer; with -v they may be. */
START_TEST(many_namespaces_stay_within_the_limit)
{
    for (unsigned verbose = 0; verbose < 2; verbose++) {
        struct trial *trial = trial_begin("443 any", "");
        struct writer_fleet fleet = {.policy = trial->policy, .verbose = verbose, .is_of_namespaces = true};
        struct collect collected = {.text = NULL};
        const struct sink sink = collect_sink(&collected);

        for (int i = 0; i < 100; i++) {
            member_add(&fleet, "443 any", &(struct member){.name = "a", .host = "", .namespace = "blue"}, &sink);
        }
        ck_assert_int_eq(text_writer.fleet_end(&fleet, &sink), 0);
        ck_assert_int_eq(strlen(collected.text) <= 4096, verbose == 0);
        ck_assert_int_eq(strstr(collected.text, "\n... and ") != NULL, verbose == 0);
        text_writer.fleet_clear(&fleet);
        collect_clear(&collected);
        trial_end(trial);
    }
}
END_TEST

/* One that broke off in the middle, before anything or twice is as well. */
START_TEST(nothing_kept_is_left)
{
    struct trial *trial = trial_begin("443 any", "");
    struct writer_fleet fleet = {.policy = trial->policy, .verbose = 1};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    text_writer.fleet_clear(&fleet);
    member_add(&fleet, "443 any", &(struct member){.name = "a", .host = "443=::"}, &sink);
    text_writer.fleet_clear(&fleet);
    text_writer.fleet_clear(&fleet);
    ck_assert_ptr_null(fleet.kept);
    trial_end(trial);
}
END_TEST

/* Memory runs out behind the first host, which is still reported. */
START_TEST(what_is_kept_in_part_is_left_out)
{
    struct trial *trial = trial_begin("443 any", "");
    struct writer_fleet fleet = {.policy = trial->policy, .expected = 2};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    const char *const sentence = "b: is gone";
    const struct writer_failure failure = {.state = STATE_UNKNOWN, .host = "", .sentences = &sentence, .count = 1};
    const struct writer_host host = {.file = "b", .name = "", .failure = &failure};

    member_add(&fleet, "443 any", &(struct member){.name = "a", .host = "443=::"}, &sink);
    texts_left = 0;
    ck_assert_int_eq(fleet_add(&text_writer, &fleet, &host, &sink), -ENOMEM);
    texts_left = INT_MAX;
    ck_assert_uint_eq(fleet.count, 1);
    fleet_stop(&fleet, "out of memory", STATE_UNKNOWN);
    ck_assert_int_eq(text_writer.fleet_end(&fleet, &sink), 0);
    ck_assert_str_eq(collected.text,
                     "DUALSTACK UNKNOWN: out of memory after 1 of 2 hosts. 1 host on policy | hosts=1;;;0 "
                     "hosts_off=0;;;0 hosts_unknown=0;;;0 mapped=0;;;0 violations=0;0;0;0 unlisted=0;;;0\n"
                     "\\_[OK] a: 1 service on policy, 0 v4-mapped connections\n"
                     "\\_[UNKNOWN] 1 host: 0 CRITICAL, 0 WARNING, 0 UNKNOWN, 1 OK\n");
    text_writer.fleet_clear(&fleet);
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_fleet");
    TCase *tcase = tcase_create("text_fleet");

    tcase_add_loop_test(tcase, hosts_are_told_together, 0, UNIT_COUNT(fleets));
    tcase_add_test(tcase, many_hosts_have_a_line_each);
    tcase_add_test(tcase, many_namespaces_stay_within_the_limit);
    tcase_add_test(tcase, nothing_kept_is_left);
    tcase_add_test(tcase, what_is_kept_in_part_is_left_out);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
