/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The answers of --format=csv: RFC 4180, a row for each host, service and rule, then one for all of them.
 */
#include "config.h"

#include "render/csv.h"

#include "audit/day.h"
#include "plugin/escape.h"
#include "render/fleet.h"
#include "render/wording.h"
#include "socket/protocol.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The columns of every row. */
enum column {
    ROW, /* "service", "host" or "end" */
    HOST,
    NAMESPACE,
    CAPTURE_FILE,
    TIME,
    STATE,
    NAME,
    PROTOCOL,
    PORT,
    SCOPE,
    RULE,
    ORIGIN,
    REQUIRED,
    STACK,
    FORM,
    LOPSIDED,
    REACH_IPV4,
    REACH_IPV6,
    WAIVED,
    WAIVE_UNTIL,
    NOTE,
    REASONS,
    LISTENERS,
    IPV4,
    IPV4_MAPPED,
    IPV6,
    REMARK,
    HOSTS_JUDGED,
    HOSTS,
    COLUMNS
};

/* Those of the first row. */
static const char *const names[COLUMNS] = {
    [ROW] = "row",
    [HOST] = "host",
    [NAMESPACE] = "namespace",
    [CAPTURE_FILE] = "file",
    [TIME] = "time",
    [STATE] = "state",
    [NAME] = "name",
    [PROTOCOL] = "protocol",
    [PORT] = "port",
    [SCOPE] = "scope",
    [RULE] = "rule",
    [ORIGIN] = "origin",
    [REQUIRED] = "required",
    [STACK] = "stack",
    [FORM] = "form",
    [LOPSIDED] = "lopsided",
    [REACH_IPV4] = "reach_ipv4",
    [REACH_IPV6] = "reach_ipv6",
    [WAIVED] = "waived",
    [WAIVE_UNTIL] = "waive_until",
    [NOTE] = "note",
    [REASONS] = "reasons",
    [LISTENERS] = "listeners",
    [IPV4] = "ipv4",
    [IPV4_MAPPED] = "ipv4_mapped",
    [IPV6] = "ipv6",
    [REMARK] = "remark",
    [HOSTS_JUDGED] = "hosts_judged",
    [HOSTS] = "hosts",
};

/* What spreadsheets take in a cell; what is longer is cut, and "..." shows that it was. */
#define CELL_SIZE 32000

/* So much of a cell is made harmless at once. */
#define PIECE_SIZE 1024

#define NUMBER_SIZE sizeof "18446744073709551615"

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* A spreadsheet would take it for a formula. */
static bool is_formula(const char *text)
{
    const char first = text[strspn(text, " \t\r\n")];

    return first != '\0' && strchr("=+-@", first) != NULL;
}

/* Writes text without a quote in it, or with each one doubled. */
static void quoted_write(const struct sink *sink, const char *text, size_t length)
{
    const char *end = text + length;

    while (text < end) {
        const char *quote = memchr(text, '"', (size_t)(end - text));
        size_t count = quote != NULL ? (size_t)(quote - text) + 1 : (size_t)(end - text);
        sink->write(text, count, sink->context);
        if (quote != NULL) {
            sink->write("\"", 1, sink->context);
        }
        text += count;
    }
}

/* What is empty needs no quotes. */
static void cell_write(const struct sink *sink, const char *text)
{
    char piece[ESCAPE_SIZE(PIECE_SIZE)];

    if (text == NULL || *text == '\0') {
        return;
    }
    sink_text(sink, is_formula(text) ? "\"'" : "\"");
    while (*text != '\0') {
        size_t length = escape_piece_length(text, PIECE_SIZE);
        quoted_write(sink, piece, escape_copy(piece, sizeof piece, text, length, ESCAPE_LINE));
        text += length;
    }
    sink_text(sink, "\"");
}

/* NULL and "" are empty cells. */
static void row_write(const struct sink *sink, const char *const cells[static COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        cell_write(sink, cells[i]);
        sink_text(sink, i + 1 < COLUMNS ? "," : "\r\n");
    }
}

static const char *number_format(char text[static NUMBER_SIZE], uint64_t number)
{
    snprintf(text, NUMBER_SIZE, "%" PRIu64, number);
    return text;
}

static const char *boolean_name(bool value)
{
    return value ? "true" : "false";
}

/* --- hosts ------------------------------------------------------------------------------------------------------- */

static void host_fill(const char *cells[static COLUMNS], const struct writer_host *host,
                      char time[static DAY_TIME_SIZE])
{
    cells[HOST] = host->name;
    cells[NAMESPACE] = host->namespace;
    cells[CAPTURE_FILE] = host->file;
    cells[TIME] = day_time_format(time, host->failure != NULL ? host->failure->time : host->time);
    cells[REMARK] = host->failure == NULL ? host->view->snapshot->remark : NULL;
}

static void rule_fill(const char *cells[static COLUMNS], const struct rule *rule)
{
    cells[SCOPE] = rule->scope != RULE_ANY_SCOPE ? scope_name((enum scope)rule->scope) : NULL;
    cells[RULE] = rule->text;
    cells[ORIGIN] = rule->origin;
    cells[REQUIRED] = rule_requirement_name(rule->requirement);
    cells[WAIVE_UNTIL] = rule->waive_text;
    cells[NOTE] = rule->note;
}

static void stack_fill(const char *cells[static COLUMNS], const struct stack *stack)
{
    cells[STACK] = stack_kind_name(stack->kind);
    cells[FORM] = stack_form_name(stack->form);
    cells[LOPSIDED] = boolean_name(stack->lopsided);
    cells[REACH_IPV4] = stack->extent_known[RECORD_INET] ? reach_name(stack->extent[RECORD_INET]) : NULL;
    cells[REACH_IPV6] = stack->extent_known[RECORD_INET6] ? reach_name(stack->extent[RECORD_INET6]) : NULL;
}

static void service_write(const struct sink *sink, const struct writer_host *host, const struct judge_service *service)
{
    const struct wording_context context = {.tally = host->view->snapshot->tally};
    const char *cells[COLUMNS] = {[ROW] = "service"};
    char time[DAY_TIME_SIZE], name_bytes[WORDING_SIZE], port[NUMBER_SIZE], counts[TALLY_KINDS][NUMBER_SIZE];
    char reasons_bytes[CELL_SIZE], listeners_bytes[CELL_SIZE];
    struct text_buffer name = TEXT_BUFFER(name_bytes);
    struct text_buffer reasons = TEXT_BUFFER(reasons_bytes), listeners = TEXT_BUFFER(listeners_bytes);

    host_fill(cells, host, time);
    cells[STATE] = state_name(service->state);
    wording_add_name(&name, service);
    cells[NAME] = name_bytes;
    cells[PROTOCOL] = protocol_name(service->protocol);
    cells[PORT] = number_format(port, service->port);
    cells[WAIVED] = boolean_name(service->waived);
    stack_fill(cells, &service->stack);
    if (service->rule != NULL) {
        rule_fill(cells, service->rule);
    }
    for (size_t i = 0; i < service->reason_count; i++) {
        text_buffer_add(&reasons, "%s", i > 0 ? "; " : "");
        wording_add_reason(&reasons, service, &service->reasons[i], &context);
    }
    for (size_t i = 0; i < service->listener_count; i++) {
        text_buffer_add(&listeners, "%s", i > 0 ? "; " : "");
        wording_add_listener(&listeners, service, service->listeners[i]);
    }
    cells[REASONS] = reasons_bytes;
    cells[LISTENERS] = listeners_bytes;
    cells[IPV4] = number_format(counts[TALLY_IPV4], service->connections[TALLY_IPV4]);
    cells[IPV4_MAPPED] = number_format(counts[TALLY_MAPPED], service->connections[TALLY_MAPPED]);
    cells[IPV6] = number_format(counts[TALLY_IPV6], service->connections[TALLY_IPV6]);
    row_write(sink, cells);
}

static void host_write(const struct sink *sink, const struct writer_host *host)
{
    const char *cells[COLUMNS] = {[ROW] = "host"};
    char time[DAY_TIME_SIZE], bytes[CELL_SIZE];
    struct text_buffer reasons = TEXT_BUFFER(bytes);

    host_fill(cells, host, time);
    cells[STATE] = state_name(host->failure != NULL ? host->failure->state : host->view->verdict->state);
    fleet_add_reasons(&reasons, host);
    cells[REASONS] = bytes;
    row_write(sink, cells);
}

/* --- fleets ------------------------------------------------------------------------------------------------------ */

/* Each row goes out at once, so that ten thousand hosts take no more memory than one. */
static int fleet_host(struct writer_fleet *fleet, const struct writer_host *host, const struct sink *sink)
{
    if (fleet->count == 1) {
        row_write(sink, names);
    }
    if (host->failure != NULL || !fleet_services_say_all(host->view->verdict)) {
        host_write(sink, host);
    }
    for (size_t i = 0; host->failure == NULL && i < host->view->verdict->service_count; i++) {
        service_write(sink, host, &host->view->verdict->services[i]);
    }
    return 0;
}

static void unneeded_waivers_add(struct text_buffer *text, const struct writer_fleet *fleet)
{
    for (size_t i = 0; i < fleet->policy->rule_count; i++) {
        if (waiver_is_unneeded(&fleet->waivers, fleet->policy->rules[i])) {
            text_buffer_add(text, "; the waiver of ");
            fleet_add_rule(text, fleet->policy->rules[i]);
            text_buffer_add(text, " is no longer needed");
        }
    }
}

/* The last row says how many hosts were judged, so that truncated output is recognised. */
static int fleet_end(struct writer_fleet *fleet, const struct sink *sink)
{
    const char *cells[COLUMNS] = {[ROW] = "end", [STATE] = state_name(fleet->state)};
    char time[DAY_TIME_SIZE], judged[NUMBER_SIZE], hosts[NUMBER_SIZE], bytes[CELL_SIZE];
    struct text_buffer reasons = TEXT_BUFFER(bytes);

    if (fleet->count == 0) {
        row_write(sink, names);
    }
    fleet_add_summary(&reasons, fleet);
    unneeded_waivers_add(&reasons, fleet);
    cells[TIME] = day_time_format(time, fleet->time);
    cells[REASONS] = bytes;
    cells[HOSTS_JUDGED] = number_format(judged, fleet->judged);
    cells[HOSTS] = number_format(hosts, fleet->expected);
    row_write(sink, cells);
    return 0;
}

static void fleet_kept_clear(struct writer_fleet *fleet)
{
    (void)fleet;
}

/* --- one host is a fleet of one ---------------------------------------------------------------------------------- */

static int verdict_write(const struct view *view, const struct sink *sink)
{
    return fleet_verdict_write(&csv_writer, view, sink);
}

static int failure_write(const struct writer_failure *failure, const struct sink *sink)
{
    return fleet_failure_write(&csv_writer, failure, sink);
}

const struct writer csv_writer = {
    .name = "csv",
    .only_verdicts = true,
    .needs_everything = true,
    .verdict = verdict_write,
    .failure = failure_write,
    .fleet_host = fleet_host,
    .fleet_end = fleet_end,
    .fleet_clear = fleet_kept_clear,
};
