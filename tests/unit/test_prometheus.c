/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/prometheus.c: verdicts, failures and fleets as text exposition.
 */
#include "config.h"

#include "audit/day.h"
#include "render/prometheus.h"

#include "collect.h"
#include "trial.h"
#include "unit.h"

#include <string.h>

#define TODAY day_start(TRIAL_TODAY)

/* Behind the prefix that each has; the sentences are in the table of labels and in prometheus.c. */
#define HEAD(name, help) "# HELP check_dualstack_" name " " help "\n# TYPE check_dualstack_" name " gauge\n"
#define SAMPLE "check_dualstack_"
#define STATE HEAD("state", "State of the check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.")
#define TIME HEAD("time_seconds", "When the sockets were read, in seconds since 1970.")
#define SERVICES HEAD("service_state", "State of each service that is judged: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.")
#define RULES HEAD("rule_connections", "Established connections of each rule, by kind, as performance data has them.")
#define MAPPED HEAD("mapped", "Inbound v4-mapped connections of all judged services.")
#define MAPPED_OUT HEAD("mapped_out", "Outbound v4-mapped connections.")
#define VIOLATIONS HEAD("violations", "Services in WARNING or CRITICAL, not the waived.")
#define UNLISTED HEAD("unlisted", "Violations of services that only a default judges.")

static void verdict_add(struct collect *collected, const char *rules, const char *host, enum labels_set set,
                        struct writer_fleet *fleet, const char *name)
{
    const struct sink sink = collect_sink(collected);
    struct trial *trial = trial_begin(rules, host);
    struct snapshot snapshot = {.tally = trial->tally, .time = TODAY};
    struct view view = {.policy = trial->policy, .snapshot = &snapshot, .today = TRIAL_TODAY, .perfdata = set};
    struct writer_host member = {.file = "x.json", .name = name, .namespace = "", .view = &view};

    trial->question.everything = trial->policy->rule_count == 0;
    trial_judge(trial);
    view.verdict = trial->verdict;
    if (fleet != NULL) {
        ck_assert_int_eq(prometheus_writer.fleet_host(fleet, &member, &sink), 0);
    } else {
        ck_assert_int_eq(prometheus_writer.verdict(&view, &sink), 0);
    }
    trial_end(trial);
}

static const struct {
    const char *rules;
    const char *host;
    enum labels_set set;
    const char *expected;
} verdicts[] = {
    {"443@external dual-stack name=web\n53/udp any severity=warning\ndefault closed",
     "443=0.0.0.0 443~::ffff:10.0.0.1*2 443~10.0.0.1 22=:: 22~::ffff:10.0.0.1", LABELS_DEFAULT,
     STATE SAMPLE "state{} 2\n" TIME SAMPLE "time_seconds{} 1795305600\n" SERVICES SAMPLE
                  "service_state{name=\"web\",protocol=\"tcp\",port=\"443\",scope=\"external\",stack=\"v4-only\","
                  "required=\"dual-stack\"} 2\n" SAMPLE
                  "service_state{name=\"udp_53\",protocol=\"udp\",port=\"53\",scope=\"\",stack=\"closed\","
                  "required=\"any\"} 1\n" SAMPLE
                  "service_state{name=\"tcp_22\",protocol=\"tcp\",port=\"22\",scope=\"\",stack=\"dual-stack\","
                  "required=\"closed\"} 2\n" RULES SAMPLE "rule_connections{name=\"web\",kind=\"mapped\"} 0\n" SAMPLE
                  "rule_connections{name=\"udp_53\",kind=\"mapped\"} 0\n" MAPPED SAMPLE "mapped{} 1\n" VIOLATIONS SAMPLE
                  "violations{} 3\n" UNLISTED SAMPLE "unlisted{} 1\n"},
    /* Without a policy every service is there, and no rule has numbers. */
    {"", "1=::/?", LABELS_TOTALS,
     STATE SAMPLE "state{} 0\n" TIME SAMPLE "time_seconds{} 1795305600\n" SERVICES SAMPLE
                  "service_state{name=\"tcp_1\",protocol=\"tcp\",port=\"1\",scope=\"\",stack=\"unknown\","
                  "required=\"\"} 0\n" MAPPED SAMPLE "mapped{} 0\n" VIOLATIONS SAMPLE "violations{} 0\n" UNLISTED SAMPLE
                  "unlisted{} 0\n"},
    {"443 any name=web ipv4-warning=9", "443=:: 443~::ffff:10.0.0.1*2 443~10.0.0.1", LABELS_FULL,
     STATE SAMPLE "state{} 0\n" TIME SAMPLE "time_seconds{} 1795305600\n" SERVICES SAMPLE
                  "service_state{name=\"web\",protocol=\"tcp\",port=\"443\",scope=\"\",stack=\"dual-stack\","
                  "required=\"any\"} 0\n" RULES SAMPLE "rule_connections{name=\"web\",kind=\"mapped\"} 2\n" SAMPLE
                  "rule_connections{name=\"web\",kind=\"ipv4\"} 2\n" SAMPLE
                  "rule_connections{name=\"web\",kind=\"v4\"} 0\n" SAMPLE
                  "rule_connections{name=\"web\",kind=\"v6\"} 0\n" MAPPED SAMPLE "mapped{} 2\n" MAPPED_OUT SAMPLE
                  "mapped_out{} 0\n" VIOLATIONS SAMPLE "violations{} 0\n" UNLISTED SAMPLE "unlisted{} 0\n"},
    /* What is not known is left out. */
    {"443 any", "notcp noudp", LABELS_DEFAULT,
     STATE SAMPLE "state{} 3\n" TIME SAMPLE "time_seconds{} 1795305600\n" SERVICES SAMPLE
                  "service_state{name=\"tcp_443\",protocol=\"tcp\",port=\"443\",scope=\"\",stack=\"unknown\","
                  "required=\"any\"} 3\n" VIOLATIONS SAMPLE "violations{} 0\n" UNLISTED SAMPLE "unlisted{} 0\n"},
};

START_TEST(verdicts_are_samples)
{
    struct collect collected = {.text = NULL};

    verdict_add(&collected, verdicts[_i].rules, verdicts[_i].host, verdicts[_i].set, NULL, "");
    ck_assert_str_eq(collected.text, verdicts[_i].expected);
    collect_clear(&collected);
}
END_TEST

START_TEST(failures_are_comments)
{
    const char *const sentences[] = {"no \"way\" to C:\\\n# TYPE x", "and more"};
    const struct writer_failure failure = {.state = STATE_CRITICAL, .sentences = sentences, .count = 2};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(prometheus_writer.failure(&failure, &sink), 0);
    ck_assert_str_eq(collected.text,
                     "# CRITICAL: no \"way\" to C:\\ # TYPE x\n# CRITICAL: and more\n" STATE SAMPLE "state{} 2\n");
    collect_clear(&collected);
}
END_TEST

/* Samples of a metric stand together, whatever host they are of. */
START_TEST(hosts_are_labels)
{
    const char *const sentence = "y.json: is empty";
    const struct writer_failure failure = {.state = STATE_UNKNOWN, .host = "", .sentences = &sentence, .count = 1};
    const struct writer_host failed = {.file = "y.json", .name = "", .failure = &failure};
    const struct writer_host missing = {.file = "z.json", .name = "z", .namespace = "n", .failure = &failure};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    struct writer_fleet fleet = {.count = 0};

    verdict_add(&collected, "", "", LABELS_TOTALS, &fleet, "a\"b\\c\xc2\x9b");
    verdict_add(&collected, "", "", LABELS_TOTALS, &fleet, "");
    ck_assert_int_eq(prometheus_writer.fleet_host(&fleet, &failed, &sink), 0);
    ck_assert_int_eq(prometheus_writer.fleet_host(&fleet, &failed, &sink), 0);
    ck_assert_int_eq(prometheus_writer.fleet_host(&fleet, &missing, &sink), 0);
    ck_assert_ptr_null(collected.text);
    ck_assert_int_eq(prometheus_writer.fleet_end(&fleet, &sink), 0);
#define A "{host=\"a\\\"b\\\\c \",} "
#define X "{host=\"x.json\",} "
    ck_assert_str_eq(collected.text,
                     "# UNKNOWN: y.json: is empty\n# UNKNOWN: y.json: is empty\n# UNKNOWN: z in namespace n: y.json: "
                     "is empty\n" STATE SAMPLE "state" A "0\n" SAMPLE "state" X "0\n" SAMPLE
                     "state{host=\"y.json\",} 3\n" SAMPLE "state{host=\"y.json\",capture=\"2\",} 3\n" SAMPLE
                     "state{host=\"z\",namespace=\"n\",} 3\n" TIME SAMPLE "time_seconds" A "1795305600\n" SAMPLE
                     "time_seconds" X "1795305600\n" MAPPED SAMPLE "mapped" A "0\n" SAMPLE "mapped" X
                     "0\n" VIOLATIONS SAMPLE "violations" A "0\n" SAMPLE "violations" X "0\n" UNLISTED SAMPLE
                     "unlisted" A "0\n" SAMPLE "unlisted" X "0\n");
    prometheus_writer.fleet_clear(&fleet);
    ck_assert_ptr_null(fleet.kept);
    prometheus_writer.fleet_clear(&fleet);
    collect_clear(&collected);
}
END_TEST

/* Comments are not read: a report that was stopped, even before its first host, has a sample of its own. */
START_TEST(what_is_not_complete_is_a_sample)
{
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    struct writer_fleet fleet = {.expected = 9, .stopped = "stopped by SIGINT", .state = STATE_UNKNOWN};

    ck_assert_int_eq(prometheus_writer.fleet_end(&fleet, &sink), 0);
    ck_assert_str_eq(collected.text, "# UNKNOWN: stopped by SIGINT after 0 of 9 hosts\n" STATE SAMPLE "state{} 3\n");
    prometheus_writer.fleet_clear(&fleet);
    collect_clear(&collected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prometheus");
    TCase *tcase = tcase_create("prometheus");

    tcase_add_loop_test(tcase, verdicts_are_samples, 0, UNIT_COUNT(verdicts));
    tcase_add_test(tcase, failures_are_comments);
    tcase_add_test(tcase, hosts_are_labels);
    tcase_add_test(tcase, what_is_not_complete_is_a_sample);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
