/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The answers of --format=html. What is about all hosts comes first on the page, so that the rest is kept until the
 * end: rows and evidence as they will be written, and some counts for each service.
 */
#include "config.h"

#include "render/html.h"

#include "audit/day.h"
#include "plugin/escape.h"
#include "render/fleet.h"
#include "render/html_parts.h"
#include "render/text_report.h"
#include "render/wording.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So much of a text is made harmless at once. */
#define PIECE_SIZE 1024

/* Services of fewer hosts than these many others are counted together. */
#define SERVICES_MOST 100

#define PORTS 65536

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

/* Which families a service, or a host, takes from beyond itself. */
enum taken {
    ONLY_IPV6,
    BOTH,
    ONLY_IPV4,
    UNTOLD, /* IPv6, and nobody knows about IPv4; or nobody knows at all */
    TAKEN,
    NOTHING
};

/* A service of many hosts. */
struct service {
    enum record_protocol protocol;
    uint16_t port;
    char name[RULE_NAME_MAX + 1]; /* "" where no rule has given it one */
    uint64_t hosts[TAKEN];
};

struct page {
    FILE *streams[STREAMS];
    char *text[STREAMS];
    size_t length[STREAMS];
    struct service *services;
    size_t service_count;
    size_t service_room;
    uint32_t *by_port[RECORD_PROTOCOLS]; /* position in services, from 1 */
    uint64_t hosts[TAKEN];               /* that take anything */
    time_t oldest;
    time_t newest;
};

/* --- what is kept ------------------------------------------------------------------------------------------------ */

static void page_free(struct page *page)
{
    for (int i = 0; page != NULL && i < STREAMS; i++) {
        if (page->streams[i] != NULL) {
            fclose(page->streams[i]);
        }
        free(page->text[i]);
    }
    for (int i = 0; page != NULL && i < RECORD_PROTOCOLS; i++) {
        free(page->by_port[i]);
    }
    free(page != NULL ? page->services : NULL);
    free(page);
}

/* NULL when out of memory. */
static struct page *page_create(void)
{
    struct page *page = calloc(1, sizeof *page);
    bool whole = page != NULL;

    for (int i = 0; whole && i < STREAMS; i++) {
        page->streams[i] = open_memstream(&page->text[i], &page->length[i]);
        whole = page->streams[i] != NULL;
    }
    for (int i = 0; whole && i < RECORD_PROTOCOLS; i++) {
        page->by_port[i] = calloc(PORTS, sizeof *page->by_port[i]);
        whole = page->by_port[i] != NULL;
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
        if (ferror(page->streams[i])) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

/* Writes valid UTF-8 with what HTML would take for its own spelt out. */
static void marks_write(FILE *stream, const char *text, size_t length)
{
    static const char *const spelt[] = {['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;"};
    const char *end = text + length;

    while (text < end) {
        size_t plain = strcspn(text, "&<>\"");
        plain = plain < (size_t)(end - text) ? plain : (size_t)(end - text);
        fwrite(text, 1, plain, stream);
        text += plain;
        if (text < end) {
            fputs(spelt[(unsigned char)*text++], stream);
        }
    }
}

/* Writes any bytes as text of one line, which no name can leave. */
static void text_write(FILE *stream, const char *text)
{
    char piece[ESCAPE_SIZE(PIECE_SIZE)];

    while (*text != '\0') {
        size_t length = escape_piece_length(text, PIECE_SIZE);
        marks_write(stream, piece, escape_copy(piece, sizeof piece, text, length, ESCAPE_LINE));
        text += length;
    }
}

static void cell_write(FILE *stream, const char *text)
{
    fputs("<td>", stream);
    text_write(stream, text);
}

static unsigned percent_of(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (unsigned)(part * 100 / whole) : 0;
}

/* A bar of one of two colours and none; the numbers beside it say the same. */
static void bar_write(FILE *stream, uint64_t first, uint64_t second, uint64_t whole)
{
    double width = whole > 0 ? 100.0 / (double)whole : 0;

    fprintf(stream,
            "<svg viewBox=\"0 0 100 9\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            "<rect class=\"a\" width=\"%.1f\" height=\"9\"/><rect class=\"b\" x=\"%.1f\" width=\"%.1f\" height=\"9\"/>"
            "</svg>",
            (double)first * width, (double)first * width, (double)second * width);
}

/* --- findings and evidence --------------------------------------------------------------------------------------- */

/* Begins a row; its cells follow. The end tags of cells and rows may be left out, which is a fifth of the page. */
static FILE *finding_begin(const struct page *page, size_t host_number, const char *host, enum state state)
{
    enum rank rank = rank_of[state];
    FILE *stream = page->streams[FINDINGS + rank];

    fprintf(stream, "<tr><th scope=\"row\"><a href=\"#h%zu\">", host_number);
    text_write(stream, *host != '\0' ? host : "this host");
    fprintf(stream, "</a></th><td class=\"s %s\" data-v=\"%d\">%s", state_name(state), (int)rank,
            state == STATE_OK ? "waived" : state_name(state));
    return stream;
}

static void finding_add(const struct page *page, size_t number, const struct writer_host *host,
                        const struct judge_service *service)
{
    const struct wording_context context = {.tally = host->view->snapshot->tally};
    FILE *stream = finding_begin(page, number, host->name, service->state);
    char bytes[4 * WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    wording_add_service(&text, service);
    cell_write(stream, bytes);
    text = TEXT_BUFFER(bytes);
    wording_add_stack(&text, service, &context);
    cell_write(stream, bytes);
    cell_write(stream, wording_requirement(service->rule->requirement));
    text = TEXT_BUFFER(bytes);
    for (size_t i = 0; i < service->reason_count; i++) {
        text_buffer_add(&text, "%s", i > 0 ? ", " : "");
        wording_add_reason(&text, service, &service->reasons[i], &context);
    }
    cell_write(stream, bytes);
    text = TEXT_BUFFER(bytes);
    if (service->rule->waive_set) {
        bool ended = service->rule->waive_day < host->view->today;
        text_buffer_add(&text, "%s %s",
                        ended             ? "the waiver ended on"
                        : service->waived ? "waived until"
                                          : "the waiver of it ends on",
                        service->rule->waive_text);
    }
    if (service->rule->note != NULL) {
        text_buffer_add(&text, "%s%s", text.length > 0 ? ", " : "", service->rule->note);
    }
    cell_write(stream, bytes);
    fputs("\n", stream);
}

/* What is wrong with the host beside its services. */
static void host_finding_add(const struct page *page, size_t number, const struct writer_host *host)
{
    FILE *stream = finding_begin(page, number, host->name, host->view->verdict->state);
    char bytes[4 * WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    fleet_add_reasons(&text, host);
    fputs("<td>the whole host<td><td>", stream);
    cell_write(stream, bytes);
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
        text_write(stream, host->file);
        fputs(", captured at ", stream);
    } else {
        fputs("looked at on ", stream);
    }
    fprintf(stream, "%s under Linux ", day_time_format(time, host->time));
    text_write(stream, host->view->snapshot->tally->host.kernel);
    fputs("\n", stream);
}

/* The lines that -v shows of the host, without the mark before those that have a state. */
static void details_write(FILE *stream, const char *line)
{
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        size_t mark = strncmp(line, "\\_[", 3) == 0 ? 2 : 0;
        marks_write(stream, line + mark, length - mark);
        fputs("\n", stream);
        line += length + (line[length] != '\0');
    }
}

/* All that the host's own answer says, folded behind its first line. */
static int evidence_add(const struct page *page, size_t number, const struct writer_host *host)
{
    struct view view = *host->view;
    enum state state = view.verdict->state;
    FILE *stream = page->streams[EVIDENCE + rank_of[state]];
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
        text_write(stream, *host->name != '\0' ? host->name : "this host");
        fputs(": ", stream);
        marks_write(stream, prose, length);
        fputs("</summary><pre>", stream);
        origin_write(stream, host);
        details_write(stream, report_rendered_details(report, text));
        fputs("</pre></details>\n", stream);
    }
    free(text);
    report_free(report);
    return result;
}

static void failure_add(const struct page *page, const struct writer_host *host)
{
    FILE *stream = page->streams[FAILURES];

    fputs("<tr><th scope=\"row\">", stream);
    text_write(stream, *host->name != '\0' ? host->name : "not known");
    fputs("</th>", stream);
    cell_write(stream, host->file);
    fputs("<td>", stream);
    for (size_t i = 0; i < host->failure->count; i++) {
        fputs(i > 0 ? "<br>" : "", stream);
        text_write(stream, host->failure->sentences[i]);
    }
    fputs("\n", stream);
}

/* --- the way to IPv6-only ---------------------------------------------------------------------------------------- */

/* Does the listener take the family from beyond this host? */
static enum record_answer takes(const struct tally *tally, const struct tally_listener *listener,
                                enum record_family family)
{
    bool is_far = tally_reach(tally, listener, family).extent >= REACH_LINK;

    return is_far ? tally_accepts_family(listener, family) : RECORD_NO;
}

/* One yes is enough, and one that is not known leaves it open. */
static enum record_answer either(enum record_answer a, enum record_answer b)
{
    if (a == RECORD_YES || b == RECORD_YES) {
        return RECORD_YES;
    }
    return a == RECORD_UNKNOWN || b == RECORD_UNKNOWN ? RECORD_UNKNOWN : RECORD_NO;
}

static enum taken taken_of(const enum record_answer answers[static RECORD_FAMILIES])
{
    if (answers[RECORD_INET] == RECORD_UNKNOWN) {
        return UNTOLD;
    }
    if (answers[RECORD_INET6] == RECORD_NO) {
        return answers[RECORD_INET] == RECORD_YES ? ONLY_IPV4 : NOTHING;
    }
    return answers[RECORD_INET] == RECORD_YES ? BOTH : ONLY_IPV6;
}

/* The entry of that protocol and port; NULL when out of memory. */
static struct service *service_find(struct page *page, enum record_protocol protocol, uint16_t port)
{
    uint32_t *position = &page->by_port[protocol][port];

    if (*position == 0) {
        if (page->service_count == page->service_room) {
            size_t room = page->service_room == 0 ? 64 : page->service_room * 2;
            struct service *grown = realloc(page->services, room * sizeof *grown);
            if (grown == NULL) {
                return NULL;
            }
            page->services = grown;
            page->service_room = room;
        }
        page->services[page->service_count] = (struct service){.protocol = protocol, .port = port};
        *position = (uint32_t)++page->service_count;
    }
    return &page->services[*position - 1];
}

/* Clients come and go on these ports, and are no services. */
static bool is_client(const struct tally *tally, const struct tally_service *service)
{
    return protocol_of(service->protocol)->shares_client_ports && host_port_is_client(&tally->host, service->port);
}

static int services_count(struct page *page, const struct tally *tally)
{
    enum record_answer host[RECORD_FAMILIES] = {RECORD_NO, RECORD_NO};

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        host[RECORD_INET] =
            either(host[RECORD_INET], tally->unreadable[protocol][0] != '\0' ? RECORD_UNKNOWN : RECORD_NO);
    }
    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *source = &tally->services[i];
        enum record_answer answers[RECORD_FAMILIES] = {RECORD_NO, RECORD_NO};
        struct service *service;
        for (size_t j = 0; j < source->listener_count && !is_client(tally, source); j++) {
            answers[RECORD_INET] = either(answers[RECORD_INET], takes(tally, &source->listeners[j], RECORD_INET));
            answers[RECORD_INET6] = either(answers[RECORD_INET6], takes(tally, &source->listeners[j], RECORD_INET6));
        }
        host[RECORD_INET] = either(host[RECORD_INET], answers[RECORD_INET]);
        host[RECORD_INET6] = either(host[RECORD_INET6], answers[RECORD_INET6]);
        if (taken_of(answers) == NOTHING) {
            continue;
        }
        service = service_find(page, source->protocol, source->port);
        if (service == NULL) {
            return -ENOMEM;
        }
        service->hosts[taken_of(answers)]++;
    }
    if (taken_of(host) != NOTHING) {
        page->hosts[taken_of(host)]++;
    }
    return 0;
}

/* Rules give names to services that some host has. */
static void services_name(struct page *page, const struct judge_verdict *verdict)
{
    for (size_t i = 0; i < verdict->service_count; i++) {
        const struct judge_service *service = &verdict->services[i];
        uint32_t position = page->by_port[service->protocol][service->port];
        if (position > 0 && service->rule != NULL && service->rule->named &&
            page->services[position - 1].name[0] == '\0') {
            snprintf(page->services[position - 1].name, RULE_NAME_MAX + 1, "%s", service->rule->name);
        }
    }
}

/* --- one more host ----------------------------------------------------------------------------------------------- */

static int fleet_host(struct writer_fleet *fleet, const struct writer_host *host, const struct sink *sink)
{
    struct page *page = page_of(fleet);
    int result;

    (void)sink;
    if (page == NULL) {
        return -ENOMEM;
    }
    if (host->failure != NULL) {
        failure_add(page, host);
        return page_check(page);
    }
    page->oldest = fleet->judged == 1 || host->time < page->oldest ? host->time : page->oldest;
    page->newest = fleet->judged == 1 || host->time > page->newest ? host->time : page->newest;
    findings_add(page, fleet->count, host);
    result = evidence_add(page, fleet->count, host);
    if (result == 0) {
        result = services_count(page, host->view->snapshot->tally);
    }
    services_name(page, host->view->verdict);
    return result == 0 ? page_check(page) : result;
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

/* Hands on what was written to the stream, which is empty then. */
static void stream_flush(struct page *page, enum stream stream, const struct sink *sink)
{
    fflush(page->streams[stream]);
    sink->write(page->text[stream], page->length[stream], sink->context);
    rewind(page->streams[stream]);
}

static bool is_empty(const struct page *page, enum stream stream)
{
    return ftell(page->streams[stream]) == 0;
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
    text_write(stream, bytes);
    fputs("</summary><pre>", stream);
    for (size_t i = 0; i < policy->rule_count; i++) {
        text_write(stream, policy->rules[i]->origin);
        fputs(": ", stream);
        text_write(stream, policy->rules[i]->text);
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
                "<p class=\"stop\"><strong>This report is not complete:</strong> %s after %zu of %zu hosts.</p>\n",
                fleet->stopped, fleet->count, fleet->expected);
    }
    fputs("<dl>\n", stream);
    policy_write(stream, fleet->policy);
    fprintf(stream, "<dt>Made<dd>%s\n<dt>Hosts<dd>%zu of %zu expected", day_time_format(time, fleet->time),
            fleet->judged, fleet->expected);
    if (fleet->judged > 0) {
        captured_write(stream, page);
    }
    fprintf(stream, "\n<dt>On policy<dd>%zu of %zu hosts (%u %%) ", kept, fleet->count, percent_of(kept, fleet->count));
    bar_write(stream, kept, 0, fleet->count);
    fprintf(stream, "<br>%zu CRITICAL, %zu WARNING, %zu UNKNOWN\n</dl>\n", fleet->by_state[STATE_CRITICAL],
            fleet->by_state[STATE_WARNING], fleet->by_state[STATE_UNKNOWN]);
}

/* A table that can be sorted, in a region of its own that can be moved sideways. */
struct table {
    const char *heading; /* the id of the one above it */
    const char *caption;
    const char *class;
    const char *filter;     /* what to call the field that shows some of its rows; NULL for none */
    const char *columns[8]; /* those of numbers begin with # */
};

static void table_begin(FILE *stream, const struct table *table)
{
    fprintf(stream, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"%s\"", table->heading);
    if (table->filter != NULL) {
        fprintf(stream, " data-filter=\"%s\"", table->filter);
    }
    fprintf(stream, "><table class=\"%s\"><caption>%s</caption>\n<thead><tr>", table->class, table->caption);
    for (size_t i = 0; i < sizeof table->columns / sizeof *table->columns && table->columns[i] != NULL; i++) {
        bool is_number = *table->columns[i] == '#';
        fprintf(stream, "<th scope=\"col\"%s>%s", is_number ? " class=\"n\"" : "", table->columns[i] + is_number);
    }
    fputs("</thead>\n<tbody>\n", stream);
}

static void table_end(FILE *stream)
{
    fputs("</tbody></table></div>\n", stream);
}

static void findings_write(struct page *page, const struct sink *sink)
{
    static const struct table table = {
        .heading = "off",
        .caption = "The worst first; each host leads to its evidence",
        .class = "sort off",
        .filter = "Show services that contain",
        .columns = {"Host", "State", "Service", "Is", "Must", "Why", "Note"},
    };
    FILE *stream = page->streams[TEXT];
    bool has_any = false;

    for (int rank = 0; rank < RANKS; rank++) {
        has_any |= !is_empty(page, (enum stream)(FINDINGS + rank));
    }
    fputs("<h2 id=\"off\">Services off policy</h2>\n", stream);
    if (!has_any) {
        fputs("<p>None.</p>\n", stream);
        return;
    }
    table_begin(stream, &table);
    stream_flush(page, TEXT, sink);
    for (int rank = 0; rank < RANKS; rank++) {
        stream_flush(page, (enum stream)(FINDINGS + rank), sink);
    }
    table_end(stream);
}

static void failures_write(struct page *page, const struct sink *sink)
{
    static const struct table table = {
        .heading = "unjudged",
        .caption = "They count as UNKNOWN",
        .class = "sort",
        .columns = {"Host", "File", "Why"},
    };
    FILE *stream = page->streams[TEXT];

    if (is_empty(page, FAILURES)) {
        return;
    }
    fputs("<h2 id=\"unjudged\">Hosts that could not be judged</h2>\n", stream);
    table_begin(stream, &table);
    stream_flush(page, TEXT, sink);
    stream_flush(page, FAILURES, sink);
    table_end(stream);
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
    text_write(stream, bytes);
    fputs("</th>", stream);
    waiver_end_write(stream, rule, day_of(fleet->time));
    fprintf(stream, "<td class=\"n\">%" PRIu64 "%s", hides,
            waiver_is_unneeded(&fleet->waivers, rule) ? ", nothing needs it any more" : "");
    cell_write(stream, rule->note != NULL ? rule->note : "");
    fputs("\n", stream);
}

static void waivers_write(FILE *stream, const struct writer_fleet *fleet)
{
    static const struct table table = {
        .heading = "waivers",
        .caption = "Until the end of its day a breach of the rule counts as OK",
        .class = "sort",
        .columns = {"Rule", "Until", "Left", "#Hosts with a breach under it", "Note"},
    };
    bool has_any = false;

    fputs("<h2 id=\"waivers\">Waivers</h2>\n", stream);
    for (size_t i = 0; i < fleet->policy->rule_count; i++) {
        if (fleet->policy->rules[i]->waive_set && !has_any) {
            table_begin(stream, &table);
            has_any = true;
        }
        if (fleet->policy->rules[i]->waive_set) {
            waiver_write(stream, fleet, fleet->policy->rules[i]);
        }
    }
    if (has_any) {
        table_end(stream);
    } else {
        fputs("<p>None.</p>\n", stream);
    }
}

static uint64_t taken_sum(const uint64_t counts[static TAKEN])
{
    return counts[ONLY_IPV6] + counts[BOTH] + counts[ONLY_IPV4] + counts[UNTOLD];
}

/* Those that take IPv4 of the most hosts first: they are the longest way. */
static int service_compare(const void *left, const void *right)
{
    const struct service *a = left;
    const struct service *b = right;
    uint64_t a_takes = a->hosts[BOTH] + a->hosts[ONLY_IPV4];
    uint64_t b_takes = b->hosts[BOTH] + b->hosts[ONLY_IPV4];

    if (a_takes != b_takes) {
        return (a_takes < b_takes) - (a_takes > b_takes);
    }
    return a->protocol != b->protocol ? (a->protocol > b->protocol) - (a->protocol < b->protocol)
                                      : (a->port > b->port) - (a->port < b->port);
}

static void counts_write(FILE *stream, const uint64_t counts[static TAKEN])
{
    uint64_t all = taken_sum(counts);

    for (int i = 0; i < TAKEN; i++) {
        fprintf(stream, "<td class=\"n\">%" PRIu64, counts[i]);
    }
    fprintf(stream, "<td class=\"s\" data-v=\"%u\">", percent_of(counts[ONLY_IPV6], all));
    bar_write(stream, counts[ONLY_IPV6], counts[BOTH], all);
    fprintf(stream, " %u %%\n", percent_of(counts[ONLY_IPV6], all));
}

/* "1200 of 2000 hosts (60 %) still take IPv4 from beyond themselves" */
static void still_write(FILE *stream, const uint64_t counts[static TAKEN], const char *things)
{
    uint64_t all = taken_sum(counts);
    uint64_t takes_ipv4 = counts[BOTH] + counts[ONLY_IPV4];

    fprintf(stream, "<li>%" PRIu64 " of %" PRIu64 " %s (%u %%) still take IPv4", takes_ipv4, all, things,
            percent_of(takes_ipv4, all));
    if (counts[UNTOLD] > 0) {
        fprintf(stream, ", and of %" PRIu64 " it cannot be told", counts[UNTOLD]);
    }
    fputs("\n", stream);
}

static void services_write(FILE *stream, struct page *page)
{
    static const struct table table = {
        .heading = "way",
        .caption =
            "How many hosts take each service over which family. In the bar, IPv6 alone is on the left, IPv4 alone on "
            "the right, both are between them",
        .class = "sort",
        .columns = {"Service", "#IPv6 only", "#Both", "#IPv4 only", "#Not known", "Done"},
    };
    uint64_t all[TAKEN] = {0};
    uint64_t rest[TAKEN] = {0};

    for (size_t i = 0; i < page->service_count; i++) {
        for (int j = 0; j < TAKEN; j++) {
            all[j] += page->services[i].hosts[j];
            rest[j] += i >= SERVICES_MOST ? page->services[i].hosts[j] : 0;
        }
    }
    fputs("<h2 id=\"way\">The way to IPv6-only</h2>\n<p>What takes connections from beyond its own host:</p>\n<ul>\n",
          stream);
    still_write(stream, page->hosts, "hosts");
    still_write(stream, all, "services on them");
    fputs("</ul>\n", stream);
    table_begin(stream, &table);
    for (size_t i = 0; i < page->service_count && i < SERVICES_MOST; i++) {
        const struct service *service = &page->services[i];
        fprintf(stream, "<tr><th scope=\"row\">%s%s%u/%s</th>", service->name, *service->name != '\0' ? " " : "",
                (unsigned)service->port, protocol_name(service->protocol));
        counts_write(stream, service->hosts);
    }
    if (page->service_count > SERVICES_MOST) {
        fprintf(stream, "<tr><th scope=\"row\">%zu others</th>", page->service_count - SERVICES_MOST);
        counts_write(stream, rest);
    }
    table_end(stream);
}

static void evidence_write(struct page *page, const struct sink *sink)
{
    FILE *stream = page->streams[TEXT];

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

    if (page == NULL) {
        return -ENOMEM;
    }
    stream = page->streams[TEXT];
    if (page->service_count > 0) {
        qsort(page->services, page->service_count, sizeof *page->services, service_compare);
    }
    summary_write(stream, page, fleet);
    findings_write(page, sink);
    failures_write(page, sink);
    waivers_write(stream, fleet);
    services_write(stream, page);
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
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    int result;

    if (stream == NULL) {
        return -ENOMEM;
    }
    fprintf(stream,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\">\n"
            "<title>Dual-stack report: %s</title>\n<h1>Dual-stack report: %s</h1>\n",
            state_name(failure->state), state_name(failure->state));
    for (size_t i = 0; i < failure->count; i++) {
        fputs("<p>", stream);
        text_write(stream, failure->sentences[i]);
        fputs("\n", stream);
    }
    result = ferror(stream) ? -ENOMEM : 0;
    result = fclose(stream) != 0 ? -ENOMEM : result;
    if (result == 0) {
        sink->write(text, length, sink->context);
    }
    free(text);
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
