/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/html.c: what is on a page. tests/netns/test_reports.py reads whole ones.
 */
#include "config.h"

#include "audit/day.h"
#include "plugin/memory_stream.h"
#include "render/fleet.h"
#include "render/html.h"
#include "render/html_text.h"

#include "collect.h"
#include "trial.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HOSTS 5
#define PIECES 6

/* Hosts of a fleet by trial_tally(), and pieces of their page in the order in which they are there. */
static const struct {
    const char *rules;
    const char *hosts[HOSTS];
    const char *pieces[PIECES];
} pages[] = {
    {"443 dual-stack name=web",
     {"443=0.0.0.0", "443=::", "443=::/6"},
     {"<title>Dual-stack report: 2 of 3 hosts off policy</title>",
      "<h1>Dual-stack report: 2 of 3 hosts off policy</h1>", "3 of 3 expected, captured at 2026-11-22T00:00:00Z\n",
      "1 of 3 hosts (33 %)",
      "<tr><th scope=\"row\"><a href=\"#h1\">h1</a></th><td class=\"s CRITICAL\" data-v=\"0\">CRITICAL<td>web 443/tcp"
      "<td>v4-only<td>be dual-stack<td>nothing accepts IPv6<td>\n",
      "<li>2 of 3 hosts (66 %) still accept IPv4\n"}},
    /* The worst first. */
    {"443 dual-stack severity=warning\n22 any",
     {"443=0.0.0.0 22=::", "443=::", "443=:: 22=::"},
     {"<td class=\"s CRITICAL\" data-v=\"0\">", "<td class=\"s WARNING\" data-v=\"1\">", "<details id=\"h2\">",
      "<details id=\"h1\">", "<details id=\"h3\"><summary><b class=\"OK\">OK</b> h3: 2 services on policy"}},
    /* The way to IPv6-only: what reaches no farther than its own host does not count, nor what clients have. */
    {"",
     {"443=::/6 22=127.0.0.1 u40000=0.0.0.0", "443=0.0.0.0 443=::/6", "443=::/? 22=::1"},
     {"\n<dt>OK<dd>3 of 3 hosts", "<p>None.</p>", "<p>None.</p>",
      "<li>1 of 3 hosts (33 %) still accept IPv4, 1 unknown\n",
      "<li>1 of 3 services on them (33 %) still accept IPv4, 1 unknown\n",
      "<tr><th scope=\"row\">443/tcp</th><td class=\"n\">1<td class=\"n\">1<td class=\"n\">0<td class=\"n\">1"
      "<td class=\"s\" data-v=\"33\"><svg"}},
    /* Waivers in each state. */
    {"1 any waive-until=2026-11-24 name=a note=<b>\n2 any waive-until=2026-11-22 name=b\n3 any waive-until=2026-11-21 "
     "name=c\n4 any waive-until=2027-01-01 name=d",
     {"4=::"},
     {"<td class=\"s OK\" data-v=\"3\">waived<td>a 1/tcp<td>closed<td>listen<td>nothing listens<td>waived until "
      "2026-11-24, &lt;b&gt;\n",
      "a (p:1)</th><td class=\"s\">2026-11-24<td data-v=\"2\">2 days left<td class=\"n\">1<td>&lt;b&gt;\n",
      "b (p:1)</th><td class=\"s\">2026-11-22<td data-v=\"0\">the last day<td class=\"n\">1<td>\n",
      "<td data-v=\"-1\">the waiver ended on 2026-11-21<td class=\"n\">0<td>\n",
      "<td data-v=\"40\">40 days left<td class=\"n\">0, no longer needed<td>\n"}},
    /* What -w and -c demand belongs to the policy. */
    {"443 any name=limited",
     {"443=::", "443=::"},
     {"</pre></details>\n<dt>Thresholds<dd>v4-mapped connections of each host must be at most 2, else WARNING, and "
      "between "
      "1 and 5, else CRITICAL\n<dt>Made"}},
    {"443 any", {"443=::"}, {"</pre></details>\n<dt>Made"}},
    /* Names are text. */
    {"443 any unit=x", {"443=0.0.0.0+<script>&\"'.service"}, {"belongs to &lt;script&gt;&amp;&quot;'.service"}},
    {"443 any",
     {"notcp"},
     {"<td class=\"s UNKNOWN\" data-v=\"2\">UNKNOWN<td>443/tcp<td>unknown<td>listen<td>refused<td>\n"}},
};

static void host_add(struct writer_fleet *fleet, const char *rules, const char *host, int number,
                     const struct sink *sink)
{
    struct trial *trial = trial_begin(rules, host);
    struct snapshot snapshot = {.tally = trial->tally, .time = day_start(TRIAL_TODAY)};
    struct view view = {.policy = trial->policy, .snapshot = &snapshot, .today = TRIAL_TODAY};
    const struct range warning = {.end = 2}, critical = {.start = 1, .end = 5};
    const char name[] = {'h', (char)('0' + number), '\0'};
    const struct writer_host member = {.file = "x.json", .name = name, .time = snapshot.time, .view = &view};

    if (strstr(rules, "name=limited") != NULL) {
        view.thresholds = (struct labels_thresholds){.warning = &warning, .critical = &critical};
    }
    trial->question.everything = true;
    trial_judge(trial);
    view.verdict = trial->verdict;
    ck_assert_int_eq(fleet_add(&html_writer, fleet, &member, sink), 0);
    trial_end(trial);
}

START_TEST(page_holds_this)
{
    struct trial *trial = trial_begin(pages[_i].rules, "");
    struct writer_fleet fleet = {.policy = trial->policy, .time = day_start(TRIAL_TODAY)};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    const char *text;

    for (int i = 0; i < HOSTS && pages[_i].hosts[i] != NULL; i++) {
        fleet.expected++;
        host_add(&fleet, pages[_i].rules, pages[_i].hosts[i], i + 1, &sink);
    }
    ck_assert_ptr_null(collected.text);
    ck_assert_int_eq(html_writer.fleet_end(&fleet, &sink), 0);
    text = collected.text;
    for (int i = 0; i < PIECES && pages[_i].pieces[i] != NULL; i++) {
        const char *found = strstr(text, pages[_i].pieces[i]);
        ck_assert_msg(found != NULL, "\"%s\" is not in: %.2000s", pages[_i].pieces[i], text);
        text = found + 1;
    }
    ck_assert_str_eq(collected.text + collected.length - 8, "</html>\n");
    fleet_clear(&html_writer, &fleet);
    ck_assert_ptr_null(fleet.kept);
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

START_TEST(evidence_holds_the_clients)
{
    struct peers_client client = {.address = trial_address("192.0.2.7"), .connections = 2};
    struct peers peers[TALLY_KINDS] = {[TALLY_MAPPED] = {.clients = &client, .count = 1, .distinct = 1}};
    struct trial *trial = trial_of("443 any", "443=::");
    struct snapshot snapshot = {.tally = trial->tally, .time = day_start(TRIAL_TODAY)};
    const struct view view = {.policy = trial->policy, .snapshot = &snapshot, .verdict = trial->verdict, .peers = 20};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    const char *evidence;

    trial->verdict->services[0].connections[TALLY_MAPPED] = 2;
    trial->verdict->services[0].peers = peers;
    ck_assert_int_eq(html_writer.verdict(&view, &sink), 0);
    trial->verdict->services[0].peers = NULL;
    evidence = strstr(collected.text, "<details id=\"h1\">");
    ck_assert_ptr_nonnull(evidence);
    ck_assert_ptr_nonnull(strstr(evidence, "    IPv4 (mapped): 2 connections from 1 client\n      2 from 192.0.2.7\n"));
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

/* Of many services the smallest are one row. */
START_TEST(rows_of_services_end_somewhere)
{
    static const struct {
        int count;
        const char *row;
    } services[] = {
        {101, ">1 other</th><td class=\"n\">0<td class=\"n\">0<td class=\"n\">1<"},
        {120, ">20 others</th><td class=\"n\">0<td class=\"n\">0<td class=\"n\">20<"},
    };

    for (size_t i = 0; i < UNIT_COUNT(services); i++) {
        struct trial *trial = trial_begin("", "");
        struct writer_fleet fleet = {.policy = trial->policy, .time = day_start(TRIAL_TODAY), .expected = 1};
        struct collect collected = {.text = NULL};
        const struct sink sink = collect_sink(&collected);
        char host[120 * sizeof "1000=0.0.0.0"] = "";

        for (int j = 0; j < services[i].count; j++) {
            snprintf(host + strlen(host), sizeof host - strlen(host), "%d=0.0.0.0 ", 1000 + j);
        }
        host_add(&fleet, "", host, 1, &sink);
        ck_assert_int_eq(html_writer.fleet_end(&fleet, &sink), 0);
        ck_assert_ptr_nonnull(strstr(collected.text, ">1099/tcp</th>"));
        ck_assert_ptr_null(strstr(collected.text, ">1100/tcp</th>"));
        ck_assert_ptr_nonnull(strstr(collected.text, services[i].row));
        fleet_clear(&html_writer, &fleet);
        collect_clear(&collected);
        trial_end(trial);
    }
}
END_TEST

START_TEST(what_was_stopped_says_so)
{
    struct trial *trial = trial_begin("443 any", "");
    struct writer_fleet fleet = {.policy = trial->policy, .expected = 9, .stopped = "stopped by SIGINT"};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(html_writer.fleet_end(&fleet, &sink), 0);
    ck_assert_ptr_nonnull(strstr(collected.text, "<h1>Dual-stack report: stopped by SIGINT after 0 of 9 hosts</h1>"));
    ck_assert_ptr_nonnull(strstr(collected.text, "<strong>This report is not complete:</strong>"));
    fleet_clear(&html_writer, &fleet);
    fleet_clear(&html_writer, &fleet);
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

/* Short enough to be the answer to a signal, which has little room. */
START_TEST(failure_is_a_page)
{
    const char *const sentences[] = {"a <b>", "c & d"};
    const struct writer_failure failure = {.state = STATE_UNKNOWN, .host = "", .sentences = sentences, .count = 2};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(html_writer.failure(&failure, &sink), 0);
    ck_assert_ptr_nonnull(
        strstr(collected.text, "<h1>Dual-stack report: UNKNOWN</h1>\n<p>a &lt;b&gt;\n<p>c &amp; d\n"));
    ck_assert_uint_lt(collected.length, 512);
    collect_clear(&collected);
}
END_TEST

/* What is behind the bytes may be anything: the rest of a long text, or nothing that can be read. */
START_TEST(only_its_bytes_are_written)
{
    static const char line[] = "a & b, 1<2";
    struct memory_stream stream = {.file = NULL};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *start = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *last = start + page - strlen(line);

    ck_assert_ptr_ne(start, MAP_FAILED);
    ck_assert_int_eq(mprotect(start + page, page, PROT_NONE), 0);
    memcpy(last, line, strlen(line));
    ck_assert_int_eq(memory_stream_open(&stream), 0);
    html_text_write_marks(stream.file, last, strlen(line));
    putc('\0', stream.file);
    ck_assert_str_eq(stream.bytes, "a &amp; b, 1&lt;2");
    memory_stream_close(&stream);
    ck_assert_int_eq(munmap(start, 2 * page), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("html");
    TCase *tcase = tcase_create("html");

    tcase_add_loop_test(tcase, page_holds_this, 0, UNIT_COUNT(pages));
    tcase_add_test(tcase, evidence_holds_the_clients);
    tcase_add_test(tcase, rows_of_services_end_somewhere);
    tcase_add_test(tcase, what_was_stopped_says_so);
    tcase_add_test(tcase, failure_is_a_page);
    tcase_add_test(tcase, only_its_bytes_are_written);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
