/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The answers of --format=html. What is about all hosts comes first on the page, so that the rest is kept until the
 * end: rows and evidence as they will be written, and some counts for each service.
 */
#include "config.h"

#include "render/html.h"

#include "audit/day.h"
#include "plugin/memory_stream.h"
#include "render/fleet.h"
#include "render/html_parts.h"
#include "render/html_services.h"
#include "render/html_text.h"
#include "render/text_report.h"
#include "render/wording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How they follow each other on the page, the worst first: findings that are waived are the last. */
enum rank {
    RANK_CRITICAL,
    RANK_WARNING,
    RANK_UNKNOWN,
    RANK_OK, /* of a finding: it is waived */
    RANKS
};

static const enum rank rank_of[] = {
    [STATE_OK] = RANK_OK,
    [STATE_WARNING] = RANK_WARNING,
    [STATE_CRITICAL] = RANK_CRITICAL,
    [STATE_UNKNOWN] = RANK_UNKNOWN,
};

/* What is written before it is known what comes first. */
enum stream {
    FINDINGS, /* rows, by rank */
    EVIDENCE = FINDINGS + RANKS,
    FAILURES = EVIDENCE + RANKS, /* rows of hosts that could not be judged */
    TEXT,                        /* of the page, section by section */
    STREAMS
};

struct page {
    struct memory_stream streams[STREAMS];
    char label[WORDING_SIZE]; /* what to call the host that is added */
    char thresholds[WORDING_SIZE];
    struct html_services services;
    time_t oldest;
    time_t newest;
};

/* --- what is kept ------------------------------------------------------------------------------------------------ */

static void page_free(struct page *page)
{
    for (int i = 0; page != NULL && i < STREAMS; i++) {
        memory_stream_close(&page->streams[i]);
    }
    if (page != NULL) {
        html_services_clear(&page->services);
    }
    free(page);
}

/* NULL when out of memory. */
static struct page *page_create(void)
{
    struct page *page = calloc(1, sizeof *page);
    bool whole = page != NULL;

    for (int i = 0; whole && i < STREAMS; i++) {
        whole = memory_stream_open(&page->streams[i]) == 0;
    }
    if (!whole) {
        page_free(page);
        return NULL;
    }
    return page;
}

static struct page *page_of(struct writer_fleet *fleet)
{
    if (fleet->kept == NULL) {
        fleet->kept = page_create();
    }
    return fleet->kept;
}

static int page_check(const struct page *page)
{
    for (int i = 0; i < STREAMS; i++) {
        if (page->streams[i].is_broken) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* --- findings and evidence --------------------------------------------------------------------------------------- */

/* Begins a row; its cells follow. The end tags of cells and rows may be left out, which is a fifth of the page. */
static FILE *finding_begin(const struct page *page, size_t number, enum state state)
{
    enum rank rank = rank_of[state];
    FILE *stream = page->streams[(int)FINDINGS + (int)rank].file;

    fprintf(stream, "<tr><th scope=\"row\"><a href=\"#h%zu\">", number);
    html_text_write(stream, page->label);
    fprintf(stream, "</a></th><td class=\"s %s\" data-v=\"%d\">%s", state_name(state), (int)rank,
            state == STATE_OK ? "waived" : state_name(state));
    return stream;
}

static void finding_add(const struct page *page, size_t number, const struct writer_host *host,
                        const struct judge_service *service)
{
    const struct wording_context context = {.tally = host->view->snapshot->tally};
    FILE *stream = finding_begin(page, number, service->state);
    char bytes[4 * WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    wording_add_service(&text, service);
    html_text_write_cell(stream, bytes);
    text = TEXT_BUFFER(bytes);
    wording_add_stack(&text, service, &context);
    html_text_write_cell(stream, bytes);
    html_text_write_cell(stream, wording_requirement(service->rule->requirement));
    text = TEXT_BUFFER(bytes);
    for (size_t i = 0; i < service->reason_count; i++) {
        text_buffer_add(&text, "%s", i > 0 ? ", " : "");
        wording_add_reason(&text, service, &service->reasons[i], &context);
    }
    html_text_write_cell(stream, bytes);
    text = TEXT_BUFFER(bytes);
    if (service->rule->waive_set) {
        bool ended = service->rule->waive_day < host->view->today;
        text_buffer_add(&text, "%s %s",
                        ended             ? "the waiver ended on"
                        : service->waived ? "waived until"
                                          : "its waiver ends on",
                        service->rule->waive_text);
    }
    if (service->rule->note != NULL) {
        text_buffer_add(&text, "%s%s", text.length > 0 ? ", " : "", service->rule->note);
    }
    html_text_write_cell(stream, bytes);
    fputs("\n", stream);
}

/* What is wrong with the host beside its services. */
static void host_finding_add(const struct page *page, size_t number, const struct writer_host *host)
{
    FILE *stream = finding_begin(page, number, host->view->verdict->state);
    char bytes[4 * WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    fleet_add_reasons(&text, host);
    fputs("<td>the whole host<td><td>", stream);
    html_text_write_cell(stream, bytes);
    fputs("<td>\n", stream);
}

static void findings_add(const struct page *page, size_t number, const struct writer_host *host)
{
    const struct judge_verdict *verdict = host->view->verdict;

    if (verdict->state != STATE_OK && !fleet_services_say_all(verdict)) {
        host_finding_add(page, number, host);
    }
    for (size_t i = 0; i < verdict->service_count; i++) {
        const struct judge_service *service = &verdict->services[i];
        if (service->state != STATE_OK || service->waived) {
            finding_add(page, number, host, service);
        }
    }
}

static void origin_write(FILE *stream, const struct writer_host *host)
{
    char time[DAY_TIME_SIZE];

    if (*host->file != '\0') {
        html_text_write(stream, host->file);
        fputs(", captured at ", stream);
    } else {
        fputs("read on ", stream);
    }
    fprintf(stream, "%s under Linux ", day_time_format(time, host->time));
    html_text_write(stream, host->view->snapshot->tally->host.kernel);
    fputs("\n", stream);
}

/* The lines that -v shows of the host, without the mark before those that have a state. */
static void details_write(FILE *stream, const char *line)
{
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        size_t mark = strncmp(line, "\\_[", 3) == 0 ? 2 : 0;
        html_text_write_marks(stream, line + mark, length - mark);
        fputs("\n", stream);
        line += length + (line[length] != '\0');
    }
}

/* All that the host's own answer says, folded behind its first line. */
static int evidence_add(const struct page *page, size_t number, const struct writer_host *host)
{
    struct view view = *host->view;
    enum state state = view.verdict->state;
    FILE *stream = page->streams[(int)EVIDENCE + (int)rank_of[state]].file;
    struct report *report;
    char *text = NULL;
    size_t length;
    int result;

    view.verbose = view.verbose > 0 ? view.verbose : 1;
    report = text_verdict_report(&view, 0);
    result = report != NULL ? report_render(report, state, &text, &length) : -ENOMEM;
    if (result == 0) {
        const char *prose = report_rendered_prose(report, text, &length);
        fprintf(stream, "<details id=\"h%zu\"><summary><b class=\"%s\">%s</b> ", number, state_name(state),
                state_name(state));
        html_text_write(stream, page->label);
        fputs(": ", stream);
        html_text_write_marks(stream, prose, length);
        fputs("</summary><pre>", stream);
        origin_write(stream, host);
        details_write(stream, report_rendered_details(report, text));
        fputs("</pre></details>\n", stream);
    }
    free(text);
    report_free(report);
    return result;
}

static void failure_add(const struct page *page, const struct writer_fleet *fleet, const struct writer_host *host)
{
    FILE *stream = page->streams[FAILURES].file;
    bool is_known = *host->name != '\0' || fleet->is_of_namespaces;

    fputs("<tr><th scope=\"row\">", stream);
    html_text_write(stream, is_known ? page->label : "not known");
    fputs("</th>", stream);
    html_text_write_cell(stream, host->file);
    fputs("<td>", stream);
    for (size_t i = 0; i < host->failure->count; i++) {
        fputs(i > 0 ? "<br>" : "", stream);
        html_text_write(stream, host->failure->sentences[i]);
    }
    fputs("\n", stream);
}

/* What -w and -c demand, which is policy too. */
static void thresholds_add(struct text_buffer *text, const struct labels_thresholds *thresholds)
{
    const struct {
        const struct range *range;
        enum state state;
    } demands[] = {{thresholds->warning, STATE_WARNING}, {thresholds->critical, STATE_CRITICAL}};
    char words[RANGE_WORDS_SIZE];

    for (size_t i = 0; i < sizeof demands / sizeof *demands; i++) {
        if (demands[i].range != NULL) {
            text_buffer_add(text, "%s%s, else %s",
                            text->length == 0 ? "v4-mapped connections of each host must be " : ", and ",
                            range_words_format(words, demands[i].range), state_name(demands[i].state));
        }
    }
}

/* --- one more host ----------------------------------------------------------------------------------------------- */

static int fleet_host(struct writer_fleet *fleet, const struct writer_host *host, const struct sink *sink)
{
    struct page *page = page_of(fleet);
    struct text_buffer label;
    int result;

    (void)sink;
    if (page == NULL) {
        return -ENOMEM;
    }
    label = TEXT_BUFFER(page->label);
    fleet_add_name(&label, fleet, host);
    text_buffer_add(&label, "%s", label.length == 0 ? "this host" : "");
    if (host->failure != NULL) {
        failure_add(page, fleet, host);
        return page_check(page);
    }
    if (fleet->judged == 1) {
        struct text_buffer thresholds = TEXT_BUFFER(page->thresholds);
        thresholds_add(&thresholds, &host->view->thresholds);
    }
    page->oldest = fleet->judged == 1 || host->time < page->oldest ? host->time : page->oldest;
    page->newest = fleet->judged == 1 || host->time > page->newest ? host->time : page->newest;
    result = evidence_add(page, fleet->count, host);
    if (result == 0) {
        findings_add(page, fleet->count, host);
        result = html_services_add(&page->services, host->view->snapshot->tally, host->view->verdict);
    }
    return result == 0 ? page_check(page) : result;
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

/* Hands on what was written to the stream, which is empty then. */
static void stream_flush(struct page *page, enum stream stream, const struct sink *sink)
{
    struct memory_stream *written = &page->streams[stream];

    if (written->length > 0) {
        sink->write(written->bytes, written->length, sink->context);
        written->length = 0;
    }
}

static bool is_empty(const struct page *page, enum stream stream)
{
    return page->streams[stream].length == 0;
}

/* Writes where the rule is from, without its place there: "policy.conf". */
static void source_add(struct text_buffer *text, const struct rule *rule)
{
    const char *colon = strrchr(rule->origin, ':');

    if (colon != NULL) {
        text_buffer_add(text, "%.*s", (int)(colon - rule->origin), rule->origin);
    } else {
        text_buffer_add(text, "the command line");
    }
}

static bool is_same_source(const struct rule *a, const struct rule *b)
{
    char bytes[2][WORDING_SIZE];
    struct text_buffer one = TEXT_BUFFER(bytes[0]);
    struct text_buffer other = TEXT_BUFFER(bytes[1]);

    source_add(&one, a);
    source_add(&other, b);
    return strcmp(bytes[0], bytes[1]) == 0;
}

/* Which files, and how many rules; behind that all of them. */
static void policy_write(FILE *stream, const struct policy *policy)
{
    const struct rule *last = NULL;
    char bytes[WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    if (policy->rule_count == 0) {
        fputs("<dt>Policy<dd>none: nothing is judged\n", stream);
        return;
    }
    text_buffer_add_count(&text, policy->rule_count, "rule");
    for (size_t i = 0; i < policy->rule_count; i++) {
        if (last == NULL || !is_same_source(last, policy->rules[i])) {
            text_buffer_add(&text, last == NULL ? " of " : ", ");
            source_add(&text, policy->rules[i]);
        }
        last = policy->rules[i];
    }
    fputs("<dt>Policy<dd><details><summary>", stream);
    html_text_write(stream, bytes);
    fputs("</summary><pre>", stream);
    for (size_t i = 0; i < policy->rule_count; i++) {
        html_text_write(stream, policy->rules[i]->origin);
        fputs(": ", stream);
        html_text_write(stream, policy->rules[i]->text);
        fputs("\n", stream);
    }
    fputs("</pre></details>\n", stream);
}

static void captured_write(FILE *stream, const struct page *page)
{
    char oldest[DAY_TIME_SIZE];
    char newest[DAY_TIME_SIZE];

    fprintf(stream, ", captured at %s", day_time_format(oldest, page->oldest));
    if (page->oldest != page->newest) {
        fprintf(stream, " to %s", day_time_format(newest, page->newest));
    }
}

/* Title and summary: which policy, when, how many hosts, and how many keep it. */
static void summary_write(FILE *stream, const struct page *page, const struct writer_fleet *fleet)
{
    size_t kept = fleet->by_state[STATE_OK];
    char bytes[WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);
    char time[DAY_TIME_SIZE];

    fleet_add_summary(&text, fleet);
    fputs(html_parts_start, stream);
    fprintf(stream, "Dual-stack report: %s%s<h1>Dual-stack report: %s</h1>\n", bytes, html_parts_style, bytes);
    if (fleet->stopped != NULL) {
        fprintf(stream,
                "<p class=\"stop\"><strong>This report is not complete:</strong> %s after %zu of %zu %ss.</p>\n",
                fleet->stopped, fleet->count, fleet->expected, fleet_noun(fleet));
    }
    fputs("<dl>\n", stream);
    policy_write(stream, fleet->policy);
    if (*page->thresholds != '\0') {
        fprintf(stream, "<dt>Thresholds<dd>%s\n", page->thresholds);
    }
    fprintf(stream, "<dt>Made<dd>%s\n<dt>Hosts<dd>%zu of %zu expected", day_time_format(time, fleet->time),
            fleet->judged, fleet->expected);
    if (fleet->judged > 0) {
        captured_write(stream, page);
    }
    /* Without a policy nothing keeps it, but hosts may still be OK or not by thresholds and baselines. */
    fprintf(stream, "\n<dt>%s<dd>%zu of %zu hosts (%u %%) ", fleet->policy->rule_count > 0 ? "On policy" : "OK", kept,
            fleet->count, html_text_percent(kept, fleet->count));
    html_text_write_bar(stream, kept, 0, fleet->count);
    fprintf(stream, "<br>%zu CRITICAL, %zu WARNING, %zu UNKNOWN\n</dl>\n", fleet->by_state[STATE_CRITICAL],
            fleet->by_state[STATE_WARNING], fleet->by_state[STATE_UNKNOWN]);
}

static void findings_write(struct page *page, const struct sink *sink)
{
    static const struct html_table table = {
        .heading = "off",
        .caption = "Worst first; each host links to its evidence",
        .class = "sort off",
        .filter = "Show services that contain",
        .columns = {"Host", "State", "Service", "Is", "Must", "Why", "Note"},
    };
    FILE *stream = page->streams[TEXT].file;
    bool has_any = false;

    for (int rank = 0; rank < RANKS; rank++) {
        has_any |= !is_empty(page, (enum stream)(FINDINGS + rank));
    }
    fputs("<h2 id=\"off\">Services off policy</h2>\n", stream);
    if (!has_any) {
        fputs("<p>None.</p>\n", stream);
        return;
    }
    html_text_begin_table(stream, &table);
    stream_flush(page, TEXT, sink);
    for (int rank = 0; rank < RANKS; rank++) {
        stream_flush(page, (enum stream)(FINDINGS + rank), sink);
    }
    html_text_end_table(stream);
}

static void failures_write(struct page *page, const struct sink *sink)
{
    static const struct html_table table = {
        .heading = "unjudged",
        .caption = "They count as UNKNOWN",
        .class = "sort",
        .columns = {"Host", "File", "Why"},
    };
    FILE *stream = page->streams[TEXT].file;

    if (is_empty(page, FAILURES)) {
        return;
    }
    fputs("<h2 id=\"unjudged\">Hosts that could not be judged</h2>\n", stream);
    html_text_begin_table(stream, &table);
    stream_flush(page, TEXT, sink);
    stream_flush(page, FAILURES, sink);
    html_text_end_table(stream);
}

/* "66 days left", "the last day", "the waiver ended on 2026-11-21". */
static void waiver_end_write(FILE *stream, const struct rule *rule, int32_t today)
{
    long days = waiver_days_left(rule, today);

    fprintf(stream, "<td class=\"s\">%s<td data-v=\"%ld\">", rule->waive_text, days);
    if (days < 0) {
        fprintf(stream, "the waiver ended on %s", rule->waive_text);
    } else if (days == 0) {
        fputs("the last day", stream);
    } else {
        fprintf(stream, "%ld day%s left", days, days == 1 ? "" : "s");
    }
}

static void waiver_write(FILE *stream, const struct writer_fleet *fleet, const struct rule *rule)
{
    uint64_t hides = fleet->waivers.waivers != NULL ? fleet->waivers.waivers[rule->position].hides : 0;
    char bytes[WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    fleet_add_rule(&text, rule);
    fputs("<tr><th scope=\"row\">", stream);
    html_text_write(stream, bytes);
    fputs("</th>", stream);
    waiver_end_write(stream, rule, day_of(fleet->time));
    fprintf(stream, "<td class=\"n\">%" PRIu64 "%s", hides,
            waiver_is_unneeded(&fleet->waivers, rule) ? ", no longer needed" : "");
    html_text_write_cell(stream, rule->note != NULL ? rule->note : "");
    fputs("\n", stream);
}

static void waivers_write(FILE *stream, const struct writer_fleet *fleet)
{
    static const struct html_table table = {
        .heading = "waivers",
        .caption = "Until the end of its day a breach of the rule counts as OK",
        .class = "sort",
        .columns = {"Rule", "Until", "Left", "#Hosts with a breach under it", "Note"},
    };
    bool has_any = false;

    fputs("<h2 id=\"waivers\">Waivers</h2>\n", stream);
    for (size_t i = 0; i < fleet->policy->rule_count; i++) {
        if (fleet->policy->rules[i]->waive_set && !has_any) {
            html_text_begin_table(stream, &table);
            has_any = true;
        }
        if (fleet->policy->rules[i]->waive_set) {
            waiver_write(stream, fleet, fleet->policy->rules[i]);
        }
    }
    if (has_any) {
        html_text_end_table(stream);
    } else {
        fputs("<p>None.</p>\n", stream);
    }
}

static void evidence_write(struct page *page, const struct sink *sink)
{
    FILE *stream = page->streams[TEXT].file;

    fputs("<h2 id=\"hosts\">Hosts, and the evidence of each</h2>\n<div class=\"fold\" data-filter=\"Show hosts that "
          "contain\">\n",
          stream);
    stream_flush(page, TEXT, sink);
    for (int rank = 0; rank < RANKS; rank++) {
        stream_flush(page, (enum stream)(EVIDENCE + rank), sink);
    }
    fputs("</div>\n", stream);
    fputs(html_parts_end, stream);
    stream_flush(page, TEXT, sink);
}

static int fleet_end(struct writer_fleet *fleet, const struct sink *sink)
{
    struct page *page = page_of(fleet);
    FILE *stream;

    if (page == NULL || page_check(page) != 0) {
        return -ENOMEM;
    }
    stream = page->streams[TEXT].file;
    summary_write(stream, page, fleet);
    findings_write(page, sink);
    failures_write(page, sink);
    waivers_write(stream, fleet);
    html_services_write(&page->services, stream);
    evidence_write(page, sink);
    return page_check(page);
}

static void fleet_kept_clear(struct writer_fleet *fleet)
{
    page_free(fleet->kept);
    fleet->kept = NULL;
}

/* --- one host ---------------------------------------------------------------------------------------------------- */

static int verdict_write(const struct view *view, const struct sink *sink)
{
    return fleet_verdict_write(&html_writer, view, sink);
}

/* A page without style or script: it has to be short, as the answer to a signal is. */
static int failure_write(const struct writer_failure *failure, const struct sink *sink)
{
    struct memory_stream page = {.file = NULL};
    FILE *stream;
    int result = memory_stream_open(&page);

    if (result != 0) {
        return result;
    }
    stream = page.file;
    fprintf(stream,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\">\n"
            "<title>Dual-stack report: %s</title>\n<h1>Dual-stack report: %s</h1>\n",
            state_name(failure->state), state_name(failure->state));
    for (size_t i = 0; i < failure->count; i++) {
        fputs("<p>", stream);
        html_text_write(stream, failure->sentences[i]);
        fputs("\n", stream);
    }
    result = page.is_broken ? -ENOMEM : 0;
    if (result == 0) {
        sink->write(page.bytes, page.length, sink->context);
    }
    memory_stream_close(&page);
    return result;
}

const struct writer html_writer = {
    .name = "html",
    .only_verdicts = true,
    .needs_everything = true,
    .verdict = verdict_write,
    .failure = failure_write,
    .fleet_host = fleet_host,
    .fleet_end = fleet_end,
    .fleet_clear = fleet_kept_clear,
};
