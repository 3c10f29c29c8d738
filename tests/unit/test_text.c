/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/text.c: verdicts, failures and --lint as a plugin's text.
 */
#include "config.h"

#include "audit/day.h"
#include "render/text.h"

#include "collect.h"
#include "trial.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TODAY day_start(TRIAL_TODAY)
#define NO_VALUES "mapped=0;;;0 violations=0;0;0;0 unlisted=0;;;0"
#define ONE_VIOLATION "mapped=0;;;0 violations=1;0;0;0 unlisted=0;;;0"
#define OFF "DUALSTACK CRITICAL: 1 of 1 service off policy"
#define ONE_UNKNOWN "DUALSTACK UNKNOWN: 1 of 1 service cannot be judged"

static void verdict_collect(struct collect *collected, struct trial *trial, const struct view *wanted)
{
    const struct sink sink = collect_sink(collected);
    struct snapshot snapshot = {.tally = trial->tally, .time = TODAY};
    struct view view = *wanted;

    trial->question.everything = trial->policy->rule_count == 0;
    trial->question.warning = view.thresholds.warning;
    trial->question.critical = view.thresholds.critical;
    trial_judge(trial);
    if (view.snapshot != NULL) {
        snapshot = *view.snapshot;
        snapshot.tally = trial->tally;
    }
    view.policy = trial->policy;
    view.snapshot = &snapshot;
    view.verdict = trial->verdict;
    view.today = TRIAL_TODAY;
    ck_assert_int_eq(text_writer.verdict(&view, &sink), 0);
    ck_assert_uint_eq(collected->pieces, 1);
}

static void assert_verdict(const char *rules, const char *host, const struct view *view, const char *expected)
{
    struct trial *trial = trial_begin(rules, host);
    struct collect collected = {.text = NULL};

    verdict_collect(&collected, trial, view);
    ck_assert_str_eq(collected.text, expected);
    collect_clear(&collected);
    trial_end(trial);
}

/* --- what is wrong ----------------------------------------------------------------------------------------------- */

/* A row a cause: in the first line what it comes to, in the line of the service why. */
static const struct {
    const char *rules;
    const char *host;
    const char *expected;
} causes[] = {
    {"443 dual-stack name=web",
     "443=::", "DUALSTACK OK: 1 service on policy, 0 v4-mapped connections | " NO_VALUES " web_mapped=0;;;0\n"},
    {"443 dual-stack name=web", "",
     OFF ". web 443/tcp: nothing listens, must be dual-stack | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: closed, must be dual-stack: nothing listens\n"},
    {"443 any name=web\n443@loopback any name=local", "443=127.0.0.1",
     "DUALSTACK CRITICAL: 1 of 2 services off policy. web 443/tcp: nothing else listens, must listen | " ONE_VIOLATION
     " web_mapped=0;;;0 local_mapped=0;;;0\n"
     "\\_[CRITICAL] web 443/tcp: closed, must listen: nothing else listens\n"},
    {"443@loopback any name=web", "443=0.0.0.0",
     OFF ". web 443/tcp@loopback: nothing listens, must listen | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp@loopback: closed, must listen: nothing listens\n"},
    {"443 dual-stack name=web note=OPS-1", "443=0.0.0.0+nginx.service",
     OFF ". web 443/tcp is v4-only, must be dual-stack | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: v4-only, must be dual-stack: nothing accepts IPv6, only 0.0.0.0:443 "
         "(nginx.service), note OPS-1\n"},
    {"443 v4 name=web", "443=::/6!33:www-data",
     OFF ". web 443/tcp is v6-only, must accept IPv4 | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: v6-only, must accept IPv4: nothing accepts IPv4, only [::]:443 (user www-data)\n"},
    {"443 v6-only name=web", "443=::",
     OFF ". web 443/tcp is dual-stack, must be v6-only | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: dual-stack, must be v6-only: [::]:443 has IPV6_V6ONLY off and accepts IPv4 too\n"},
    {"443 v4-only name=web", "443=::/6 443=0.0.0.0",
     OFF ". web 443/tcp is dual-stack, must be v4-only | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: dual-stack, must be v4-only: [::]:443 accepts IPv6\n"},
    {"443 dual-stack name=web", "443=0.0.0.0 443=::1/6",
     OFF ". web 443/tcp is v4-only outside loopback, IPv6 on [::1] only, must be dual-stack | " ONE_VIOLATION
         " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: v4-only outside loopback, IPv6 on [::1] only, must be dual-stack: only [::1]:443 "
         "accepts IPv6, on 0.0.0.0:443, [::1]:443\n"},
    {"443 closed name=web", "443=0.0.0.0",
     OFF ". web 443/tcp is v4-only, must be closed | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: v4-only, must be closed: 0.0.0.0:443 listens\n"},
    {"443 dual-stack form=split name=web", "443=::",
     OFF ". web 443/tcp: listens on one socket for both families (single), must be one socket per family (split) "
         "| " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: dual-stack (must be dual-stack): listens on one socket for both families "
         "(single), must be one socket per family (split), on "
         "[::]:443\n"},
    {"443 any bind=10.0.0.0/8,loopback name=web", "443=192.0.2.1",
     OFF ". web 443/tcp: 192.0.2.1:443 is outside bind=10.0.0.0/8,loopback | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: v4-only (must listen): 192.0.2.1:443 is outside bind=10.0.0.0/8,loopback\n"},
    {"443 any as=bound reach=loopback name=web", "443=192.0.2.1^",
     OFF
     ". web 443/tcp: 192.0.2.1:443 could be reached over IPv4 from other networks, beyond reach=loopback "
     "| " ONE_VIOLATION " web_mapped=0;;;0\n"
     "\\_[CRITICAL] web 443/tcp: v4-only (must listen): 192.0.2.1:443 could be reached over IPv4 from other networks, "
     "beyond reach=loopback\n"},
    {"443 any unit=nginx.service name=web", "443=::+apache2.service",
     OFF ". web 443/tcp: [::]:443 belongs to apache2.service, must be nginx.service | " ONE_VIOLATION
         " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: dual-stack (must listen): [::]:443 belongs to apache2.service, must be "
         "nginx.service\n"},
    {"443 any user=www-data name=web", "443=::!0:root",
     OFF ". web 443/tcp: [::]:443 belongs to user root, must be www-data | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: dual-stack (must listen): [::]:443 belongs to user root, must be www-data\n"},
    {"443 any mapped-critical=1 name=web", "443=:: 443~::ffff:10.0.0.1*3",
     OFF ". web 443/tcp: 3 v4-mapped connections, must be at most 1 | mapped=3;;;0 violations=1;0;0;0 unlisted=0;;;0 "
         "web_mapped=3;;1;0\n"
         "\\_[CRITICAL] web 443/tcp: dual-stack (must listen): 3 v4-mapped connections, must be at most 1, on "
         "[::]:443\n"},
    {"443 any ipv4-critical=1 name=web", "443=:: 443~::ffff:10.0.0.1*3",
     OFF ". web 443/tcp: 3 IPv4 connections, must be at most 1 | mapped=3;;;0 violations=1;0;0;0 unlisted=0;;;0 "
         "web_mapped=3;;;0 web_ipv4=3;;1;0\n"
         "\\_[CRITICAL] web 443/tcp: dual-stack (must listen): 3 IPv4 connections, must be at most 1, on "
         "[::]:443\n"},
    {"443 v6 ipv4-critical=1: name=web", "443=0.0.0.0",
     OFF ". web 443/tcp is v4-only, must accept IPv6 | mapped=0;;;0 violations=1;0;0;0 unlisted=0;;;0 "
         "web_mapped=0;;;0 web_ipv4=0;;1:;0\n"
         "\\_[CRITICAL] web 443/tcp: v4-only, must accept IPv6: nothing accepts IPv6, 0 IPv4 connections, must be at "
         "least 1, on 0.0.0.0:443\n"},
    {"443 v6-only name=web", "443=::/?",
     ONE_UNKNOWN
     ". web 443/tcp: whether [::]:443 accepts IPv4 cannot be determined: IPV6_V6ONLY is not visible here, only by "
     "netlink | " NO_VALUES " web_mapped=0;;;0\n"
     "\\_[UNKNOWN] web 443/tcp: unknown, must be v6-only: whether [::]:443 accepts IPv4 cannot be determined: "
     "IPV6_V6ONLY is not visible here, only by netlink\n"},
    {"443 v4-only name=web", "443=::/?",
     OFF ". web 443/tcp: [::]:443 accepts IPv6, must be v4-only | " ONE_VIOLATION " web_mapped=0;;;0\n"
         "\\_[CRITICAL] web 443/tcp: unknown, must be v4-only: [::]:443 accepts IPv6\n"},
    {"443 dual-stack name=web", "443=::/? ipv6:link",
     OFF
     ". web 443/tcp is unknown, must be dual-stack | " ONE_VIOLATION " web_mapped=0;;;0\n"
     "\\_[CRITICAL] web 443/tcp: unknown, must be dual-stack: perhaps nothing accepts IPv4, only its link reaches it "
     "over IPv6: this host has no IPv6 address beyond fe80::/10, only [::]:443\n"},
    {"443 dual-stack form=split name=web", "443=::/? 443=0.0.0.0",
     ONE_UNKNOWN
     ". web 443/tcp: whether [::]:443 accepts IPv4 cannot be determined: IPV6_V6ONLY is not visible here, only by "
     "netlink | " NO_VALUES " web_mapped=0;;;0\n"
     "\\_[UNKNOWN] web 443/tcp: dual-stack (must be dual-stack): whether [::]:443 accepts IPv4 cannot be determined: "
     "IPV6_V6ONLY is not visible here, only by netlink\n"},
    {"443 any bind=::/0 name=web", "443=::/?",
     ONE_UNKNOWN ". web 443/tcp: whether [::]:443 accepts IPv4 cannot be determined: IPV6_V6ONLY is not visible here, "
                 "only by netlink | " NO_VALUES " web_mapped=0;;;0\n"
                 "\\_[UNKNOWN] web 443/tcp: unknown (must listen): whether [::]:443 accepts IPv4 cannot be determined: "
                 "IPV6_V6ONLY is not visible here, only by netlink\n"},
    {"443 v6 name=web", "443=::/6 ipv6?",
     ONE_UNKNOWN
     ". web 443/tcp: whether this host has an IPv6 address, and of which scope, cannot be determined | " NO_VALUES
     " web_mapped=0;;;0\n"
     "\\_[UNKNOWN] web 443/tcp: unknown, must accept IPv6: whether this host has an IPv6 address, and of which scope, "
     "cannot be determined, on [::]:443\n"},
    {"443 any unit=nginx.service name=web", "443=::+?",
     ONE_UNKNOWN
     ". web 443/tcp: the unit of [::]:443 cannot be determined: its cgroup is gone | " NO_VALUES " web_mapped=0;;;0\n"
     "\\_[UNKNOWN] web 443/tcp: dual-stack (must listen): the unit of [::]:443 cannot be determined: its cgroup is "
     "gone\n"},
    {"1000-50000/udp closed name=low", "u40000=0.0.0.0 clients?",
     ONE_UNKNOWN
     ". low 40000/udp: whether 0.0.0.0:40000 is a client's cannot be determined without net.ipv4.ip_local_port_range "
     "| " NO_VALUES " low_mapped=0;;;0\n"
     "\\_[UNKNOWN] low 40000/udp: v4-only, must be closed: whether 0.0.0.0:40000 is a client's cannot be determined "
     "without net.ipv4.ip_local_port_range\n"},
    {"443 any name=web", "notcp",
     ONE_UNKNOWN ". web 443/tcp cannot be judged. refused | violations=0;0;0;0 unlisted=0;;;0\n"
                 "\\_[UNKNOWN] web 443/tcp: unknown, must listen: refused\n"},
    {"443 v4-only name=web waive-until=2026-11-24", "443=::",
     "DUALSTACK OK: 1 service on policy (1 waived), 0 v4-mapped connections | " NO_VALUES " web_mapped=0;;;0\n"
     "\\_[OK] web 443/tcp: waived until 2026-11-24, 2 days left: dual-stack, must be v4-only: [::]:443 accepts IPv6\n"},
    {"443 v4-only name=web waive-until=2026-11-23", "443=::",
     "DUALSTACK OK: 1 service on policy (1 waived), 0 v4-mapped connections | " NO_VALUES " web_mapped=0;;;0\n"
     "\\_[OK] web 443/tcp: waived until 2026-11-23, 1 day left: dual-stack, must be v4-only: [::]:443 accepts IPv6\n"},
    {"443 v4-only name=web waive-until=2026-11-21 note=OPS-1", "443=::",
     "DUALSTACK CRITICAL: 1 of 1 service off policy. web 443/tcp is dual-stack, must be v4-only | mapped=0;;;0 "
     "violations=1;0;0;0 unlisted=0;;;0 web_mapped=0;;;0\n"
     "\\_[CRITICAL] web 443/tcp: dual-stack, must be v4-only: [::]:443 accepts IPv6, the waiver ended on 2026-11-21, "
     "note OPS-1\n"},
    {"443 v4-only name=web waive-until=2026-11-22", "443=::",
     "DUALSTACK OK: 1 service on policy (1 waived), 0 v4-mapped connections | " NO_VALUES " web_mapped=0;;;0\n"
     "\\_[OK] web 443/tcp: waived until 2026-11-22, the last day: dual-stack, must be v4-only: [::]:443 accepts "
     "IPv6\n"},
    {"default closed severity=warning", "443=0.0.0.0",
     "DUALSTACK WARNING: 1 of 1 service off policy. 443/tcp is v4-only, must be closed | mapped=0;;;0 "
     "violations=1;0;1;0 "
     "unlisted=1;;;0\n"
     "\\_[WARNING] 443/tcp: v4-only, must be closed: 0.0.0.0:443 listens\n"},
    {"53/udp@loopback v4-only name=stub", "u53=::%lo",
     OFF ". stub 53/udp@loopback is dual-stack, must be v4-only | " ONE_VIOLATION " stub_mapped=0;;;0\n"
         "\\_[CRITICAL] stub 53/udp@loopback: dual-stack, must be v4-only: [::%lo]:53 accepts IPv6\n"},
};

START_TEST(each_cause_is_reported)
{
    assert_verdict(causes[_i].rules, causes[_i].host, &(struct view){.verbose = 0}, causes[_i].expected);
}
END_TEST

/* The worst stands first, in the first line and below it; of one state in the order of the rules. */
START_TEST(worst_comes_first)
{
    assert_verdict(
        "1 any name=a severity=warning\n2 v6-only name=b\n3 any name=c\n4 v6-only name=d\n5 any name=e",
        "2=::/? 4=0.0.0.0 5=::", &(struct view){.verbose = 0},
        "DUALSTACK CRITICAL: 3 of 5 services off policy, 1 unknown. c 3/tcp: nothing listens, must listen. d "
        "4/tcp is v4-only, "
        "must be v6-only ... and 2 more | mapped=0;;;0 violations=3;0;1;0 unlisted=0;;;0 a_mapped=0;;;0 "
        "b_mapped=0;;;0 c_mapped=0;;;0 d_mapped=0;;;0 e_mapped=0;;;0\n"
        "\\_[CRITICAL] c 3/tcp: closed, must listen: nothing listens\n"
        "\\_[CRITICAL] d 4/tcp: v4-only, must be v6-only: nothing accepts IPv6, 0.0.0.0:4 accepts IPv4\n"
        "\\_[WARNING] a 1/tcp: closed, must listen: nothing listens\n"
        "\\_[UNKNOWN] b 2/tcp: unknown, must be v6-only: whether [::]:2 accepts IPv4 cannot be determined: "
        "IPV6_V6ONLY is not visible here, only by netlink\n");
}
END_TEST

/* --- how much is reported ---------------------------------------------------------------------------------------- */

#define EVIDENCE_HOST "443=0.0.0.0+nginx.service 443=::/6!33:www-data 443~10.0.0.1*2"
#define EVIDENCE_LINE                                                                                                  \
    "\\_[OK] web 443/tcp: dual-stack (must listen), on 0.0.0.0:443 (nginx.service), [::]:443 (user www-data)\n"
#define ON_POLICY "DUALSTACK OK: 1 service on policy, 0 v4-mapped connections"

static const struct {
    const char *rules;
    const char *host;
    unsigned verbose;
    enum labels_set perfdata;
    const char *expected;
} amounts[] = {
    {"", "", 0, LABELS_DEFAULT,
     "DUALSTACK OK: 0 services listen, 0 v4-mapped connections, no policy to judge by | " NO_VALUES "\n"},
    {"", "443=:: 22=0.0.0.0 53=::1/6 80=::/?", 0, LABELS_DEFAULT,
     "DUALSTACK OK: 4 services listen (1 dual-stack, 1 v4-only, 1 v6-only, 1 unknown), 0 v4-mapped connections, no "
     "policy to judge by | " NO_VALUES "\n"},
    {"default closed", "u40000=0.0.0.0 u40000=::/6", 0, LABELS_DEFAULT,
     "DUALSTACK OK: 0 services on policy, 0 v4-mapped connections. 2 UDP sockets on client ports not judged "
     "| " NO_VALUES "\n"},
    {"443 any name=web ipv4-warning=5", EVIDENCE_HOST, 0, LABELS_DEFAULT,
     ON_POLICY " | " NO_VALUES " web_mapped=0;;;0 web_ipv4=2;5;;0\n"},
    {"443 any name=web", EVIDENCE_HOST, 0, LABELS_TOTALS, ON_POLICY " | " NO_VALUES "\n"},
    {"443 any name=web", EVIDENCE_HOST, 0, LABELS_MAPPED, ON_POLICY " | " NO_VALUES " web_mapped=0;;;0\n"},
    {"443 any name=web mapped-warning=5:9", EVIDENCE_HOST, 0, LABELS_FULL,
     "DUALSTACK WARNING: 1 of 1 service off policy. web 443/tcp: 0 v4-mapped connections, must be between 5 and 9 | "
     "mapped=0;;;0 mapped_out=0;;;0 violations=1;0;1;0 unlisted=0;;;0 web_mapped=0;5:9;;0 web_v4=2;;;0 web_v6=0;;;0\n"
     "\\_[WARNING] web 443/tcp: dual-stack (must listen): 0 v4-mapped connections, must be between 5 and 9, on "
     "0.0.0.0:443 (nginx.service), [::]:443 (user www-data)\n"},
    {"443 any name=web", EVIDENCE_HOST, 1, LABELS_TOTALS, ON_POLICY " | " NO_VALUES "\n" EVIDENCE_LINE},
    {"443 any name=web", EVIDENCE_HOST, 2, LABELS_TOTALS,
     ON_POLICY
     " | " NO_VALUES "\n" EVIDENCE_LINE
     "    0.0.0.0:443 is AF_INET, accepts IPv4, scope external, reach IPv4 external, 1 socket, uid 0, nginx.service\n"
     "    [::]:443 is AF_INET6 with v6only on, accepts IPv6, scope external, reach IPv6 external, 1 socket, uid 33, "
     "user www-data\n"
     "    2 IPv4 connections established, 0 of them mapped\n"},
    {"443 dual-stack missing=ok name=web", "", 1, LABELS_TOTALS,
     ON_POLICY " | " NO_VALUES "\n\\_[OK] web 443/tcp: closed (missing=ok)\n"},
    {"443 closed name=web", "", 1, LABELS_TOTALS,
     ON_POLICY " | " NO_VALUES "\n\\_[OK] web 443/tcp: closed (must be closed)\n"},
    {"443 v6-only name=web", "443=0.0.0.0", 1, LABELS_TOTALS,
     OFF ". web 443/tcp is v4-only, must be v6-only | " ONE_VIOLATION "\n"
         "\\_[CRITICAL] web 443/tcp: v4-only, must be v6-only: nothing accepts IPv6, 0.0.0.0:443 accepts IPv4\n"
         "    to fix: listen on [::]:443 in place of 0.0.0.0:443, with IPV6_V6ONLY on\n"},
    {"443 any name=web", "443=192.0.2.1 443=192.0.2.2 443=192.0.2.3 443=192.0.2.4 443=192.0.2.5", 1, LABELS_TOTALS,
     ON_POLICY " | " NO_VALUES "\n"
               "\\_[OK] web 443/tcp: v4-only (must listen), on 192.0.2.1:443, 192.0.2.2:443, 192.0.2.3:443 ... and 2 "
               "more\n"},
};

START_TEST(as_much_is_reported_as_wanted)
{
    const struct view view = {.verbose = amounts[_i].verbose, .perfdata = amounts[_i].perfdata};

    assert_verdict(amounts[_i].rules, amounts[_i].host, &view, amounts[_i].expected);
}
END_TEST

/* What the snapshot has to say of itself. */
START_TEST(snapshot_is_reported)
{
    char question[] = "asked the kernel";
    char *questions[] = {question};
    struct snapshot snapshot = {.questions = questions, .question_count = 1};
    struct view view = {.snapshot = &snapshot};

    strcpy(snapshot.namespace, "blue");
    strcpy(snapshot.brief, "read from /proc/net");
    strcpy(snapshot.remark, "read from /proc/net, as pigs fly");
    strcpy(snapshot.fault, "what cannot be read");
    assert_verdict("1 any", "1=::", &view,
                   "DUALSTACK OK: 1 service on policy, 0 v4-mapped connections in namespace blue (read from /proc/net) "
                   "| " NO_VALUES " tcp_1_mapped=0;;;0\n    asked the kernel\n");
    view.verbose = 1;
    assert_verdict(
        "1 v6", "1=::/6 ipv6?", &view,
        ONE_UNKNOWN
        " in namespace blue. 1/tcp: whether this host has an IPv6 address, and of which scope, cannot be determined. "
        "what cannot be read (read from /proc/net, as pigs fly) | " NO_VALUES " tcp_1_mapped=0;;;0\n"
        "    asked the kernel\n"
        "\\_[UNKNOWN] 1/tcp: unknown, must accept IPv6: whether this host has an IPv6 address, and of which scope, "
        "cannot be determined, on [::]:1\n");
}
END_TEST

#define COMPARED "1 service on policy, 0 v4-mapped connections. "
#define SINCE " since 2026-11-22T00:00:00Z"

/* What changed since a baseline, behind what the policy says. */
static const struct {
    const char *before; /* NULL: there is no baseline */
    const char *after;
    unsigned verbose;
    size_t captures;
    const char *expected;
} comparisons[] = {
    {"443=::", "443=::", 0, 1,
     "DUALSTACK OK: " COMPARED "no change" SINCE " | " NO_VALUES " changes=0;;;0 tcp_443_mapped=0;;;0\n"},
    {"443=::", "443=::", 1, 3,
     "DUALSTACK OK: " COMPARED "no change" SINCE " (web1.json) (newest of 3 baselines) | " NO_VALUES
     " changes=0;;;0 tcp_443_mapped=0;;;0\n\\_[OK] 443/tcp: dual-stack (must listen), on [::]:443\n"},
    {"443=:: 80=::", "443=::/6", 0, 1,
     "DUALSTACK WARNING: " COMPARED "2 changes" SINCE
     ": 80/tcp is gone, 443/tcp is v6-only, was dual-stack | " NO_VALUES " changes=2;;;0 tcp_443_mapped=0;;;0\n"
     "\\_[WARNING] 80/tcp is gone, was dual-stack on [::]:80\n"
     "\\_[WARNING] 443/tcp is v6-only, was dual-stack: IPV6_V6ONLY is on for [::]:443, was off\n"},
    {"443=:: 80=:: 81=:: 82=:: 83=:: 84=:: 85=::", "443=::", 0, 2,
     "DUALSTACK WARNING: " COMPARED "6 changes" SINCE
     " (newest of 2 baselines): 80/tcp is gone, 81/tcp is gone, 82/tcp is gone, 83/tcp is gone, 84/tcp is gone ... and "
     "1 more | " NO_VALUES " changes=6;;;0 tcp_443_mapped=0;;;0\n"
     "\\_[WARNING] 80/tcp is gone, was dual-stack on [::]:80\n\\_[WARNING] 81/tcp is gone, was dual-stack on [::]:81\n"
     "\\_[WARNING] 82/tcp is gone, was dual-stack on [::]:82\n\\_[WARNING] 83/tcp is gone, was dual-stack on [::]:83\n"
     "\\_[WARNING] 84/tcp is gone, was dual-stack on [::]:84\n\\_[WARNING] 85/tcp is gone, was dual-stack on "
     "[::]:85\n"},
    {"443=:: noudp", "443=::", 0, 1,
     "DUALSTACK UNKNOWN: " COMPARED "no change" SINCE ", UDP cannot be compared | " NO_VALUES " tcp_443_mapped=0;;;0\n"
     "\\_[UNKNOWN] UDP cannot be compared, the baseline could not read it: refused\n"},
    {NULL, "443=::", 0, 0,
     "DUALSTACK UNKNOWN: " COMPARED "no baseline for h1 in captures | " NO_VALUES " tcp_443_mapped=0;;;0\n"},
};

START_TEST(changes_are_reported)
{
    struct trial *trial = trial_begin("443 any", comparisons[_i].after);
    struct tally *before = comparisons[_i].before != NULL ? trial_tally(comparisons[_i].before) : NULL;
    const struct view_baseline baseline = {
        .file = "web1.json",
        .missing = before == NULL ? "no baseline for h1 in captures" : NULL,
        .time = TODAY,
        .captures = comparisons[_i].captures,
    };
    struct collect collected = {.text = NULL};

    trial->question.compares = true;
    trial->question.baseline = before;
    verdict_collect(&collected, trial, &(struct view){.verbose = comparisons[_i].verbose, .baseline = &baseline});
    ck_assert_str_eq(collected.text, comparisons[_i].expected);
    collect_clear(&collected);
    trial_end(trial);
    tally_free(before);
}
END_TEST

START_TEST(thresholds_are_echoed)
{
    const struct range warning = {.start = 0, .end = 1};
    const struct range critical = {.start = 0, .end = 5};

    assert_verdict(
        "443 any name=web", "443=:: 443~::ffff:10.0.0.1*3",
        &(struct view){.thresholds = {&warning, &critical}, .perfdata = LABELS_TOTALS},
        "DUALSTACK WARNING: 3 v4-mapped connections, must be at most 1. 1 service on policy | mapped=3;1;5;0 "
        "violations=0;0;0;0 unlisted=0;;;0\n");
}
END_TEST

/* Many rules keep their own values to themselves, unless they are asked for. */
START_TEST(many_rules_have_no_values)
{
    char rules[41 * 32] = "";
    struct collect collected = {.text = NULL};
    struct trial *trial;

    for (int i = 1; i <= 41; i++) {
        snprintf(rules + strlen(rules), 32, "%d any missing=ok\n", i);
    }
    trial = trial_begin(rules, "");
    verdict_collect(&collected, trial, &(struct view){.verbose = 0});
    ck_assert_ptr_null(strstr(collected.text, "tcp_1_mapped"));
    collect_clear(&collected);
    verdict_collect(&collected, trial, &(struct view){.perfdata = LABELS_MAPPED});
    ck_assert_ptr_nonnull(strstr(collected.text, " tcp_1_mapped=0;;;0 "));
    ck_assert_ptr_nonnull(strstr(collected.text, " tcp_41_mapped=0;;;0\n"));
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

/* 4 KB hold what is worst, and say how much more there is; -v has 64,000 bytes. */
START_TEST(text_has_a_limit)
{
    struct trial *trial = trial_begin("1-1000 any missing=critical", "");
    struct collect collected = {.text = NULL};

    verdict_collect(&collected, trial, &(struct view){.verbose = 0});
    ck_assert_uint_le(collected.length, 4096);
    ck_assert_uint_gt(collected.length, 3900);
    ck_assert_ptr_nonnull(strstr(collected.text, "\n... and 9"));
    collect_clear(&collected);
    verdict_collect(&collected, trial, &(struct view){.verbose = 1});
    ck_assert_uint_le(collected.length, 64000);
    ck_assert_uint_gt(collected.length, 50000);
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

/* Why a protocol cannot be read may take half a line; none of it is lost. */
START_TEST(long_reasons_are_whole)
{
    struct trial *trial = trial_begin("443 any", "notcp");
    struct collect collected = {.text = NULL};
    char *cause = trial->tally->unreadable[RECORD_TCP];

    memset(cause, 'x', 400);
    strcpy(cause + 400, ", and so on");
    verdict_collect(&collected, trial, &(struct view){.verbose = 0});
    ck_assert_ptr_nonnull(strstr(collected.text, "xxx, and so on\n"));
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

/* --- no verdict -------------------------------------------------------------------------------------------------- */

static const struct {
    enum state state;
    const char *sentences[3];
    const char *more;
    const char *usage;
    const char *expected;
} failures[] = {
    {STATE_UNKNOWN, {"it is broken"}, NULL, NULL, "DUALSTACK UNKNOWN: it is broken\n"},
    {STATE_CRITICAL, {"too late"}, NULL, NULL, "DUALSTACK CRITICAL: too late\n"},
    {STATE_UNKNOWN, {"no such option"}, NULL, "Usage: ...", "DUALSTACK UNKNOWN: no such option\n    Usage: ...\n"},
    {STATE_UNKNOWN,
     {"no such file"},
     "it was looked for",
     NULL,
     "DUALSTACK UNKNOWN: no such file\n    it was looked for\n"},
    {STATE_UNKNOWN,
     {"p:1: bad", "p:2: worse", "p:3: worst"},
     NULL,
     NULL,
     "DUALSTACK UNKNOWN: p:1: bad ... and 2 more\n\\_[UNKNOWN] p:2: worse\n\\_[UNKNOWN] p:3: worst\n"},
    {STATE_UNKNOWN,
     {"a|b;c<d>\x1b\xff"},
     NULL,
     NULL,
     "DUALSTACK UNKNOWN: a(pipe)b(semicolon)c(less-than)d(greater-than) \xef\xbf\xbd\n"},
};

START_TEST(failures_are_reported)
{
    struct writer_failure failure = {
        .state = failures[_i].state,
        .host = "h1",
        .sentences = failures[_i].sentences,
        .more = failures[_i].more,
        .usage = failures[_i].usage,
    };
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    while (failure.count < 3 && failures[_i].sentences[failure.count] != NULL) {
        failure.count++;
    }
    ck_assert_int_eq(text_writer.failure(&failure, &sink), 0);
    ck_assert_str_eq(collected.text, failures[_i].expected);
    ck_assert_uint_eq(collected.pieces, 1);
    collect_clear(&collected);
}
END_TEST

START_TEST(failures_end_somewhere)
{
    const char *sentences[30];
    const struct writer_failure failure = {.state = STATE_UNKNOWN, .sentences = sentences, .count = 30};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    const char *end = "\\_[UNKNOWN] wrong\n\\_[UNKNOWN] and 10 more errors: --lint lists them all\n";

    for (int i = 0; i < 30; i++) {
        sentences[i] = "wrong";
    }
    ck_assert_int_eq(text_writer.failure(&failure, &sink), 0);
    ck_assert_uint_gt(collected.length, strlen(end));
    ck_assert_str_eq(collected.text + collected.length - strlen(end), end);
    collect_clear(&collected);
}
END_TEST

static const struct {
    enum state state;
    const char *summary;
    const char *findings[2];
    size_t count;
    const char *expected;
} lints[] = {
    {STATE_OK, "2 rules, no warnings", {NULL}, 0, "DUALSTACK OK: 2 rules, no warnings\n"},
    {STATE_OK, "2 rules, 1 warning", {"p:1: odd"}, 1, "DUALSTACK OK: 2 rules, 1 warning\n\\_[WARNING] p:1: odd\n"},
    {STATE_UNKNOWN,
     "2 errors in the policy",
     {"p:1: bad", "p:2: worse"},
     2,
     "DUALSTACK UNKNOWN: 2 errors in the policy\n\\_[UNKNOWN] p:1: bad\n\\_[UNKNOWN] p:2: worse\n"},
    {STATE_WARNING,
     "2 rules, 1 warning",
     {"p:1: odd '80;443'"},
     1,
     "DUALSTACK WARNING: 2 rules, 1 warning\n\\_[WARNING] p:1: odd '80(semicolon)443'\n"},
};

START_TEST(lint_is_reported)
{
    const struct writer_lint lint = {
        .state = lints[_i].state,
        .summary = lints[_i].summary,
        .findings = lints[_i].findings,
        .count = lints[_i].count,
    };
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(text_writer.lint(&lint, &sink), 0);
    ck_assert_str_eq(collected.text, lints[_i].expected);
    collect_clear(&collected);
}
END_TEST

/* Where only a person reads it, what was typed is shown; a control character could play with the terminal. */
START_TEST(lint_shows_at_a_terminal_what_was_typed)
{
    const char *finding = "p:1: odd '80;443|<>\x1b'";
    const struct writer_lint lint = {.state = STATE_OK,
                                     .for_terminal = true,
                                     .summary = "1 rule",
                                     .findings = &finding,
                                     .count = 1};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(text_writer.lint(&lint, &sink), 0);
    ck_assert_str_eq(collected.text, "DUALSTACK OK: 1 rule\n\\_[WARNING] p:1: odd '80;443|<> '\n");
    collect_clear(&collected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("text");

    tcase_add_loop_test(tcase, each_cause_is_reported, 0, UNIT_COUNT(causes));
    tcase_add_test(tcase, worst_comes_first);
    tcase_add_loop_test(tcase, as_much_is_reported_as_wanted, 0, UNIT_COUNT(amounts));
    tcase_add_test(tcase, snapshot_is_reported);
    tcase_add_loop_test(tcase, changes_are_reported, 0, UNIT_COUNT(comparisons));
    tcase_add_test(tcase, thresholds_are_echoed);
    tcase_add_test(tcase, many_rules_have_no_values);
    tcase_add_test(tcase, text_has_a_limit);
    tcase_add_test(tcase, long_reasons_are_whole);
    tcase_add_loop_test(tcase, failures_are_reported, 0, UNIT_COUNT(failures));
    tcase_add_test(tcase, failures_end_somewhere);
    tcase_add_loop_test(tcase, lint_is_reported, 0, UNIT_COUNT(lints));
    tcase_add_test(tcase, lint_shows_at_a_terminal_what_was_typed);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
