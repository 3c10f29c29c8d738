/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/csv.c: hosts, services and rules as rows.
 */
#include "config.h"

#include "audit/day.h"
#include "render/csv.h"
#include "render/fleet.h"

#include "collect.h"
#include "trial.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES                                                                                                          \
    "'row','host','namespace','file','time','state','name','protocol','port','scope','rule','origin','required','"     \
    "stack','form',"                                                                                                   \
    "'lopsided','reach_ipv4','reach_ipv6','waived','waive_until','note','reasons','listeners','ipv4','ipv4_mapped',"   \
    "'ipv6','remark','hosts_judged','hosts'\r\n"
#define TIME "'2026-11-22T00:00:00Z'"
#define END(state, reasons, judged, hosts)                                                                             \
    "'end',,,," TIME "," state ",,,,,,,,,,,,,,,," reasons ",,,,,," judged "," hosts "\r\n"

/* Compares with a text that has each quote as an apostrophe, and each apostrophe as a backquote. */
static void assert_rows(const struct collect *collected, const char *expected)
{
    char *text = strdup(expected);

    ck_assert_ptr_nonnull(text);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c == '`' ? '\'' : *c;
    }
    ck_assert_str_eq(collected->text, text);
    free(text);
}

static const struct {
    const char *rules, *host;
    const char *expected; /* between the names and the end */
    const char *end;
} verdicts[] = {
    {"443 dual-stack name=web note=OPS-1", "443=0.0.0.0+nginx.service 443~192.0.2.1*2",
     "'service','h1','blue',," TIME
     ",'CRITICAL','web','tcp','443',,'443 dual-stack name=web note=OPS-1','p:1','dual-stack',"
     "'v4-only',,'false','external','none','false',,'OPS-1','nothing accepts IPv6','0.0.0.0:443 (nginx.service)','2',"
     "'0','0','as pigs fly',,\r\n",
     END("'CRITICAL'", "'1 of 1 host off policy'", "'1'", "'1'")},
    {"443@external v6-only waive-until=2026-11-22", "443=:: 80=127.0.0.1",
     "'service','h1','blue',," TIME ",'OK','tcp_443_external','tcp','443','external','443@external v6-only "
     "waive-until=2026-11-22','p:1','v6-only','dual-stack','single','false','external','external','true',"
     "'2026-11-22',,'[::]:443 has IPV6_V6ONLY off and accepts IPv4 too','[::]:443','0','0','0','as pigs fly',,\r\n"
     "'service','h1','blue',," TIME ",'OK','tcp_80','tcp','80',,,,,'v4-only',,'false','loopback','none','false',,,,"
     "'127.0.0.1:80','0','0','0','as pigs fly',,\r\n",
     END("'OK'", "'1 host on policy'", "'1'", "'1'")},
    /* What an answer cannot say by its services has a row of its own. */
    {"", "",
     "'host','h1','blue',," TIME ",'OK',,,,,,,,,,,,,,,,'0 services listen, 0 v4-mapped connections, no policy to judge "
     "by',,,,,'as pigs fly',,\r\n",
     END("'OK'", "'1 host, no policy to judge by'", "'1'", "'1'")},
    {"443 any missing=ok waive-until=2026-12-31", "443=0.0.0.0",
     "'service','h1','blue',," TIME
     ",'OK','tcp_443','tcp','443',,'443 any missing=ok waive-until=2026-12-31','p:1','any',"
     "'v4-only',,'false','external','none','false','2026-12-31',,,'0.0.0.0:443','0','0','0','as pigs fly',,\r\n",
     END("'OK'", "'1 host on policy; the waiver of tcp_443 (p:1) is no longer needed'", "'1'", "'1'")},
};

START_TEST(verdicts_are_rows)
{
    struct trial *trial = trial_begin(verdicts[_i].rules, verdicts[_i].host);
    struct snapshot snapshot = {.tally = trial->tally,
                                .namespace = "blue",
                                .remark = "as pigs fly",
                                .time = day_start(TRIAL_TODAY)};
    struct view view = {.policy = trial->policy, .snapshot = &snapshot, .today = TRIAL_TODAY};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    char expected[4096];

    strcpy(trial->tally->host.name, "h1");
    trial->question.everything = csv_writer.needs_everything;
    trial_judge(trial);
    view.verdict = trial->verdict;
    ck_assert_int_eq(csv_writer.verdict(&view, &sink), 0);
    snprintf(expected, sizeof expected, "%s%s%s", NAMES, verdicts[_i].expected, verdicts[_i].end);
    assert_rows(&collected, expected);
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

/* A cell that could be a formula, has quotes, or is of more than one line. */
static const struct {
    const char *text, *cell;
} cells[] = {
    {"plain", "'plain'"},
    {"a,b;c", "'a,b;c'"},
    {"a\"b\"\"", "'a''b'''''"},
    {"=1+1", "'`=1+1'"},
    {"+1", "'`+1'"},
    {"-1", "'`-1'"},
    {"@A1", "'`@A1'"},
    {"\t=1", "'` =1'"},
    {"\r\n@A1", "'`  @A1'"},
    {"\tplain", "' plain'"},
    {"1=1", "'1=1'"},
    {"line\r\nline", "'line  line'"},
    {"a\x7f\xc2\x9b", "'a  '"},
    {"\xff", "'\xef\xbf\xbd'"},
    {"", ""},
};

START_TEST(failures_are_rows_and_cells_are_harmless)
{
    const struct writer_failure failure = {.state = STATE_UNKNOWN,
                                           .host = "h1",
                                           .time = day_start(TRIAL_TODAY),
                                           .sentences = &cells[_i].text,
                                           .count = 1};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    char expected[4096];

    ck_assert_int_eq(csv_writer.failure(&failure, &sink), 0);
    snprintf(expected, sizeof expected, "%s'host','h1',,," TIME ",'UNKNOWN',,,,,,,,,,,,,,,,%s,,,,,,,\r\n%s", NAMES,
             cells[_i].cell, END("'UNKNOWN'", "'1 of 1 host cannot be judged'", "'0'", "'1'"));
    assert_rows(&collected, expected);
    collect_clear(&collected);
}
END_TEST

/* --timeout has a state: what was not judged is not off because of it. */
START_TEST(a_failure_may_be_critical)
{
    const char *const sentence = "late";
    const struct writer_failure failure = {.state = STATE_CRITICAL,
                                           .host = "h1",
                                           .time = day_start(TRIAL_TODAY),
                                           .sentences = &sentence,
                                           .count = 1};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(csv_writer.failure(&failure, &sink), 0);
    assert_rows(&collected,
                NAMES "'host','h1',,," TIME
                      ",'CRITICAL',,,,,,,,,,,,,,,,'late',,,,,,,\r\n" END("'CRITICAL'", "'1 of 1 host cannot be judged'",
                                                                         "'0'", "'1'"));
    collect_clear(&collected);
}
END_TEST

/* What is longer than a cell may be is cut, and says so. */
START_TEST(cells_end_somewhere)
{
    char *text = malloc(100001);
    const char *sentence = text;
    const struct writer_failure failure = {.state = STATE_UNKNOWN, .host = "", .sentences = &sentence, .count = 1};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    memset(text, 'x', 100000);
    text[100000] = '\0';
    ck_assert_int_eq(csv_writer.failure(&failure, &sink), 0);
    ck_assert_uint_lt(collected.length, 33000);
    ck_assert_uint_gt(collected.length, 31000);
    ck_assert_ptr_nonnull(strstr(collected.text, "xxx...\","));
    collect_clear(&collected);
    free(text);
}
END_TEST

START_TEST(nothing_but_an_end)
{
    struct trial *trial = trial_begin("443 any", "");
    struct writer_fleet fleet = {.policy = trial->policy,
                                 .time = day_start(TRIAL_TODAY),
                                 .expected = 7,
                                 .stopped = "stopped by SIGINT",
                                 .state = STATE_UNKNOWN};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(csv_writer.fleet_end(&fleet, &sink), 0);
    assert_rows(&collected, NAMES END("'UNKNOWN'", "'stopped by SIGINT after 0 of 7 hosts'", "'0'", "'7'"));
    fleet_clear(&csv_writer, &fleet);
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *tcase = tcase_create("csv");

    tcase_add_loop_test(tcase, verdicts_are_rows, 0, UNIT_COUNT(verdicts));
    tcase_add_loop_test(tcase, failures_are_rows_and_cells_are_harmless, 0, UNIT_COUNT(cells));
    tcase_add_test(tcase, a_failure_may_be_critical);
    tcase_add_test(tcase, cells_end_somewhere);
    tcase_add_test(tcase, nothing_but_an_end);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
