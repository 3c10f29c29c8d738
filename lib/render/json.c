/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The answers of --format=json.
 */
#include "config.h"

#include "render/json.h"

#include "audit/change.h"
#include "capture/capture_format.h"
#include "capture/json_stream.h"
#include "plugin/text_buffer.h"
#include "render/change_wording.h"
#include "render/clients.h"
#include "render/fleet.h"
#include "render/json_list.h"
#include "render/wording.h"
#include "socket/protocol.h"

#define SCHEMA_VERSION 1

/* --- services ---------------------------------------------------------------------------------------------------- */

static void accepts_write(struct json_stream *json, struct stack_accepts accepts)
{
    json_stream_array(json, "accepts");
    if (accepts.ipv4 == RECORD_YES) {
        json_stream_text(json, NULL, "ipv4");
    }
    if (accepts.ipv6 == RECORD_YES) {
        json_stream_text(json, NULL, "ipv6");
    }
    json_stream_array_end(json);
}

/* How far the families reach, or null for what is not known. */
static void reach_write(struct json_stream *json, const char *key, const char *const extents[RECORD_FAMILIES])
{
    json_stream_object(json, key);
    json_stream_text_or_null(json, "ipv4", extents[RECORD_INET]);
    json_stream_text_or_null(json, "ipv6", extents[RECORD_INET6]);
    json_stream_object_end(json);
}

static void listener_reach_write(struct json_stream *json, const struct tally *tally,
                                 const struct tally_listener *listener)
{
    const char *extents[RECORD_FAMILIES];

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        extents[family] = wording_reach(tally, listener, (enum record_family)family);
    }
    reach_write(json, "reach", extents);
}

static void listener_write(struct json_stream *json, const struct tally *tally, const struct judge_service *service,
                           const struct tally_listener *listener)
{
    bool has_unit = listener->unit_state == TALLY_UNIT_KNOWN && listener->unit[0] != '/';
    char address[RECORD_ADDRESS_SIZE];

    json_stream_object(json, NULL);
    json_stream_text(json, "family", capture_family_word((int)listener->family));
    json_stream_text(json, "address", record_address_format(address, listener->family, &listener->address));
    json_stream_integer(json, "port", service->port);
    json_stream_text_or_null(json, "interface", listener->interface_name);
    json_stream_v6only(json, listener->family, listener->v6only);
    json_stream_text(json, "scope", scope_name(listener->scope));
    accepts_write(json, tally_accepts(listener));
    listener_reach_write(json, tally, listener);
    json_stream_integer(json, "sockets", listener->sockets);
    json_stream_integer_or_null(json, "uid", listener->uid != RECORD_UID_HIDDEN, listener->uid);
    json_stream_text_or_null(json, "user", listener->user);
    json_stream_text_or_null(json, "unit", has_unit ? listener->unit : NULL);
    json_stream_object_end(json);
}

static void listeners_write(struct json_stream *json, const struct tally *tally, const struct judge_service *service)
{
    json_stream_array(json, "listeners");
    for (size_t i = 0; i < service->listener_count; i++) {
        listener_write(json, tally, service, service->listeners[i]);
    }
    json_stream_array_end(json);
}

static void reasons_write(struct json_stream *json, const struct tally *tally, const struct judge_service *service)
{
    const struct wording_context context = {.tally = tally};

    json_stream_array(json, "reasons");
    for (size_t i = 0; i < service->reason_count; i++) {
        char bytes[WORDING_SIZE];
        struct text_buffer text = TEXT_BUFFER(bytes);
        wording_add_reason(&text, service, &service->reasons[i], &context);
        json_stream_text(json, NULL, bytes);
    }
    json_stream_array_end(json);
}

static void connections_write(struct json_stream *json, const uint64_t connections[static TALLY_KINDS])
{
    json_stream_object(json, "connections");
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        json_stream_integer(json, capture_kind_word(kind), (int64_t)connections[kind]);
    }
    json_stream_object_end(json);
}

static void stack_write(struct json_stream *json, const struct stack *stack)
{
    const char *extents[RECORD_FAMILIES];

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        extents[family] = stack->extent_known[family] ? reach_name(stack->extent[family]) : NULL;
    }
    json_stream_text(json, "stack", stack_kind_name(stack->kind));
    json_stream_text_or_null(json, "form", stack_form_name(stack->form));
    json_stream_boolean(json, "lopsided", stack->lopsided);
    reach_write(json, "reach", extents);
}

/* What the rule says, null where there is none. */
static void rule_write(struct json_stream *json, const struct rule *rule)
{
    bool scoped = rule != NULL && rule->scope != RULE_ANY_SCOPE;

    json_stream_text_or_null(json, "scope", scoped ? scope_name((enum scope)rule->scope) : NULL);
    json_stream_text_or_null(json, "rule", rule != NULL ? rule->text : NULL);
    json_stream_text_or_null(json, "origin", rule != NULL ? rule->origin : NULL);
    json_stream_text_or_null(json, "required", rule != NULL ? rule_requirement_name(rule->requirement) : NULL);
}

static void service_write(struct json_stream *json, const struct view *view, const struct judge_service *service)
{
    const struct tally *tally = view->snapshot->tally;
    char bytes[WORDING_SIZE];
    struct text_buffer name = TEXT_BUFFER(bytes);

    json_stream_object(json, NULL);
    wording_add_name(&name, service);
    json_stream_text(json, "name", bytes);
    json_stream_text(json, "protocol", protocol_name(service->protocol));
    json_stream_integer(json, "port", service->port);
    rule_write(json, service->rule);
    stack_write(json, &service->stack);
    json_stream_text(json, "state", state_name(service->state));
    json_stream_boolean(json, "waived", service->waived);
    json_stream_text_or_null(json, "waive_until", service->rule != NULL ? service->rule->waive_text : NULL);
    reasons_write(json, tally, service);
    json_stream_text_or_null(json, "note", service->rule != NULL ? service->rule->note : NULL);
    listeners_write(json, tally, service);
    connections_write(json, service->connections);
    if (view->peers > 0) {
        clients_write(json, tally->counts_peers, service->peers);
    }
    json_stream_object_end(json);
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

static void points_write(struct json_stream *json, const char *key, unsigned points)
{
    json_stream_array(json, key);
    for (int point = 0; point < CHANGE_POINTS; point++) {
        if ((points & CHANGE_BIT(point)) != 0) {
            json_stream_text(json, NULL, change_point_name((enum change_point)point));
        }
    }
    json_stream_array_end(json);
}

static void side_write(struct json_stream *json, const char *key, const struct tally *tally,
                       const struct judge_service *service)
{
    if (service->listener_count == 0) {
        json_stream_null(json, key);
        return;
    }
    json_stream_object(json, key);
    stack_write(json, &service->stack);
    listeners_write(json, tally, service);
    json_stream_object_end(json);
}

static void change_write(struct json_stream *json, const struct change_list *list, const struct change *change)
{
    char bytes[4 * WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    json_stream_object(json, NULL);
    json_stream_text(json, "protocol", protocol_name(change->after.protocol));
    json_stream_integer(json, "port", change->after.port);
    json_stream_text(json, "change", change_kind_name(change->kind));
    json_stream_text(json, "state", state_name(change->state));
    points_write(json, "differs", change->points);
    points_write(json, "unknown", change->unknown);
    change_wording_add(&text, change, list);
    json_stream_text(json, "sentence", bytes);
    side_write(json, "before", list->before, &change->before);
    side_write(json, "after", list->after, &change->after);
    json_stream_object_end(json);
}

static void changes_write(struct json_stream *json, const struct change_list *list)
{
    json_stream_array(json, "changes");
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        change_write(json, list, &list->changes[i]);
    }
    json_stream_array_end(json);
}

static void baseline_write(struct json_stream *json, const struct view_baseline *baseline)
{
    if (baseline == NULL || baseline->missing != NULL) {
        json_stream_null(json, "baseline");
        return;
    }
    json_stream_object(json, "baseline");
    json_stream_text(json, "file", baseline->file);
    json_stream_time(json, "time", baseline->time);
    json_stream_integer(json, "captures", (int64_t)baseline->captures);
    json_stream_object_end(json);
}

/* --- a verdict --------------------------------------------------------------------------------------------------- */

/* The sentence of the first line without its state: what is off, however many they are, is in the services. */
static void summary_write(struct json_stream *json, const struct view *view)
{
    const struct wording_context context = {.tally = view->snapshot->tally};
    char bytes[2 * WORDING_SIZE];
    struct text_buffer summary = TEXT_BUFFER(bytes);
    const struct judge_service *worst = NULL;

    for (size_t i = 0; i < view->verdict->service_count; i++) {
        const struct judge_service *service = &view->verdict->services[i];
        if (service->state != STATE_OK && (worst == NULL || state_compare(service->state, worst->state) < 0)) {
            worst = service;
        }
    }
    wording_add_summary(&summary, view->verdict, view->policy);
    if (worst != NULL) {
        text_buffer_add(&summary, ": ");
        wording_add_finding(&summary, worst, &context);
    }
    if (view->baseline != NULL && view->baseline->missing == NULL) {
        text_buffer_add(&summary, ". ");
        change_wording_add_summary(&summary, view->verdict->changes, view->baseline->time);
    }
    json_stream_text(json, "summary", bytes);
}

/* What is not known is left out. */
static void totals_write(struct json_stream *json, const struct judge_total *total)
{
    const struct labels_total *label;

    json_stream_object(json, "totals");
    for (int i = 0; (label = labels_total(i)) != NULL; i++) {
        if (labels_total_is_known(label, total)) {
            json_stream_integer(json, label->name, (int64_t)label->value(total));
        }
    }
    if (total->known) {
        json_stream_integer(json, "unjudged_udp", (int64_t)total->unjudged_udp);
    }
    json_stream_integer(json, "waived", (int64_t)total->waived);
    json_stream_object_end(json);
}

/* Why there is nothing to compare with. What cannot be read now is an error already. */
static void comparison_errors_write(struct json_stream *json, const struct view *view)
{
    const struct change_list *list = view->verdict->changes;

    if (view->baseline != NULL && view->baseline->missing != NULL) {
        json_stream_text(json, NULL, view->baseline->missing);
    }
    for (int protocol = 0; list != NULL && protocol < RECORD_PROTOCOLS; protocol++) {
        char bytes[2 * WORDING_SIZE];
        struct text_buffer text = TEXT_BUFFER(bytes);
        if (list->unreadable[protocol]) {
            change_wording_add_unreadable(&text, list, (enum record_protocol)protocol);
            json_stream_text(json, NULL, bytes);
        }
    }
}

static void errors_write(struct json_stream *json, const struct view *view)
{
    const struct snapshot *snapshot = view->snapshot;

    json_stream_array(json, "errors");
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (snapshot->tally->unreadable[protocol][0] != '\0') {
            json_stream_text(json, NULL, snapshot->tally->unreadable[protocol]);
        }
    }
    if (snapshot->fault[0] != '\0') {
        json_stream_text(json, NULL, snapshot->fault);
    }
    comparison_errors_write(json, view);
    json_stream_array_end(json);
}

/* What every answer begins with. */
static void head_write(struct json_stream *json, time_t time, const char *host)
{
    json_stream_object(json, NULL);
    json_stream_text(json, "plugin", "check_dualstack");
    json_stream_text(json, "version", PACKAGE_VERSION);
    json_stream_integer(json, "schema", SCHEMA_VERSION);
    json_stream_time(json, "time", time);
    json_stream_text(json, "host", host);
}

/* The widest address of each family. */
static void addresses_write(struct json_stream *json, const struct tally *tally)
{
    const char *extents[RECORD_FAMILIES];

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        bool known = tally->addresses.families[family].known;
        extents[family] = known ? reach_name(reach_of_scopes(tally->addresses.families[family].scopes)) : NULL;
    }
    reach_write(json, "addresses", extents);
}

/* How the host was read. */
static void snapshot_write(struct json_stream *json, const struct snapshot *snapshot)
{
    const struct sock_host *host = &snapshot->tally->host;

    json_stream_text_or_null(json, "source", snapshot->source);
    json_stream_text_or_null(json, "remark", snapshot->remark);
    json_stream_integer_or_null(json, "netns", host->netns != 0, (int64_t)host->netns);
    json_stream_text_or_null(json, "namespace", snapshot->namespace);
    json_stream_answer(json, "ipv6", host->ipv6);
    addresses_write(json, snapshot->tally);
}

static int verdict_write(const struct view *view, const struct sink *sink)
{
    const struct snapshot *snapshot = view->snapshot;
    struct json_stream json = {.sink = sink};

    head_write(&json, snapshot->time, snapshot->tally->host.name);
    snapshot_write(&json, snapshot);
    baseline_write(&json, view->baseline);
    json_stream_text(&json, "state", state_name(view->verdict->state));
    summary_write(&json, view);
    json_stream_array(&json, "services");
    for (size_t i = 0; i < view->verdict->service_count; i++) {
        service_write(&json, view, &view->verdict->services[i]);
    }
    json_stream_array_end(&json);
    changes_write(&json, view->verdict->changes);
    totals_write(&json, &view->verdict->total);
    errors_write(&json, view);
    json_stream_object_end(&json);
    json_stream_end(&json);
    return 0;
}

/* --- without a verdict ------------------------------------------------------------------------------------------- */

/* The same members: nothing is known of the host, and there are no services. The list of errors is open behind it. */
static void failure_begin(struct json_stream *json, time_t time, const char *host, const char *namespace,
                          enum state state, const char *summary)
{
    head_write(json, time, host);
    json_stream_null(json, "source");
    json_stream_null(json, "remark");
    json_stream_null(json, "netns");
    json_stream_text_or_null(json, "namespace", namespace);
    json_stream_null(json, "ipv6");
    json_stream_null(json, "addresses");
    json_stream_null(json, "baseline");
    json_stream_text(json, "state", state_name(state));
    json_stream_text(json, "summary", summary);
    json_stream_array(json, "services");
    json_stream_array_end(json);
    json_stream_array(json, "changes");
    json_stream_array_end(json);
    json_stream_object(json, "totals");
    json_stream_object_end(json);
    json_stream_array(json, "errors");
}

static void failure_end(struct json_stream *json)
{
    json_stream_array_end(json);
    json_stream_object_end(json);
    json_stream_end(json);
}

static int failure_write(const struct writer_failure *failure, const struct sink *sink)
{
    struct json_stream json = {.sink = sink};

    failure_begin(&json, failure->time, failure->host, failure->namespace, failure->state, failure->sentences[0]);
    for (size_t i = 0; i < failure->count; i++) {
        json_stream_text(&json, NULL, failure->sentences[i]);
    }
    if (failure->more != NULL) {
        json_stream_text(&json, NULL, failure->more);
    }
    failure_end(&json);
    return 0;
}

/* Of warnings the state is OK, and they are the errors all the same. */
static int lint_write(const struct writer_lint *lint, const struct sink *sink)
{
    struct json_stream json = {.sink = sink};

    failure_begin(&json, lint->time, lint->host, NULL, lint->state, lint->summary);
    for (size_t i = 0; i < lint->count; i++) {
        json_stream_text(&json, NULL, lint->findings[i]);
    }
    failure_end(&json);
    return 0;
}

/* --- lists and fleets -------------------------------------------------------------------------------------------- */

/* Objects have no columns, and no line of headings. */
static void list_measure(struct writer_list *list, const struct writer_row *row)
{
    (void)list;
    (void)row;
}

static void list_head(struct writer_list *list, const struct sink *sink)
{
    (void)list;
    (void)sink;
}

static int list_end(const struct writer_list_end *end, const struct sink *sink)
{
    const struct writer_failure failure = {
        .state = STATE_UNKNOWN,
        .host = end->host,
        .namespace = end->namespace,
        .time = end->time,
        .sentences = end->faults,
        .count = end->fault_count,
    };

    if (end->fault_count > 0) {
        return failure_write(&failure, sink);
    }
    json_list_whole(end, sink);
    return 0;
}

static void fleet_write(struct json_stream *json, const struct writer_fleet *fleet)
{
    json_stream_object(json, "fleet");
    json_stream_integer(json, "hosts", (int64_t)fleet->expected);
    json_stream_integer(json, "judged", (int64_t)fleet->judged);
    json_stream_integer(json, "off", (int64_t)fleet_off_count(fleet));
    json_stream_integer(json, "unknown", (int64_t)fleet->by_state[STATE_UNKNOWN]);
    json_stream_boolean(json, "complete", fleet->stopped == NULL);
    json_stream_array(json, "unneeded_waivers");
    for (size_t i = 0; i < fleet->policy->rule_count; i++) {
        const struct rule *rule = fleet->policy->rules[i];
        if (waiver_is_unneeded(&fleet->waivers, rule)) {
            json_stream_object(json, NULL);
            json_stream_text(json, "rule", rule->text);
            json_stream_text(json, "origin", rule->origin);
            json_stream_text(json, "waive_until", rule->waive_text);
            json_stream_object_end(json);
        }
    }
    json_stream_array_end(json);
    json_stream_object_end(json);
}

/* An object a host, so that ten thousand of them take no more memory than one. */
static int fleet_host(struct writer_fleet *fleet, const struct writer_host *host, const struct sink *sink)
{
    (void)fleet;
    return host->failure != NULL ? failure_write(host->failure, sink) : verdict_write(host->view, sink);
}

/* The last object, about all of them, so that truncated output is recognised. */
static int fleet_end(struct writer_fleet *fleet, const struct sink *sink)
{
    struct json_stream json = {.sink = sink};
    char bytes[WORDING_SIZE];
    struct text_buffer summary = TEXT_BUFFER(bytes);

    fleet_add_summary(&summary, fleet);
    failure_begin(&json, fleet->time, "", NULL, fleet->state, bytes);
    if (fleet->stopped != NULL) {
        json_stream_text(&json, NULL, fleet->stopped);
    }
    json_stream_array_end(&json);
    fleet_write(&json, fleet);
    json_stream_object_end(&json);
    json_stream_end(&json);
    return 0;
}

static void fleet_kept_clear(struct writer_fleet *fleet)
{
    (void)fleet;
}

const struct writer json_writer = {
    .name = "json",
    .needs_everything = true,
    .verdict = verdict_write,
    .failure = failure_write,
    .lint = lint_write,
    .list_measure = list_measure,
    .list_head = list_head,
    .list_row = json_list_row,
    .list_end = list_end,
    .fleet_host = fleet_host,
    .fleet_end = fleet_end,
    .fleet_clear = fleet_kept_clear,
};
