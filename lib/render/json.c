/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A verdict as JSON.
 */
#include "config.h"

#include "render/json.h"

#include "capture/json_value.h"
#include "render/wording.h"
#include "socket/protocol.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define SCHEMA_VERSION 1

static json_t *answer_json(enum record_answer answer)
{
    return answer == RECORD_UNKNOWN ? json_null() : json_boolean(answer == RECORD_YES);
}

static json_t *v6only_json(const struct tally_listener *listener)
{
    if (listener->family == RECORD_INET || listener->v6only == RECORD_V6ONLY_UNKNOWN) {
        return json_null();
    }
    return json_boolean(listener->v6only == RECORD_V6ONLY_YES);
}

static json_t *accepts_json(struct stack_accepts accepts)
{
    json_t *list = json_array();

    if (accepts.ipv4 == RECORD_YES) {
        json_array_append_new(list, json_string("ipv4"));
    }
    if (accepts.ipv6 == RECORD_YES) {
        json_array_append_new(list, json_string("ipv6"));
    }
    return list;
}

static json_t *listener_json(const struct tally *tally, const struct judge_service *service,
                             const struct tally_listener *listener)
{
    char address[RECORD_ADDRESS_SIZE];
    bool has_unit = listener->unit_state == TALLY_UNIT_KNOWN && listener->unit[0] != '/';

    record_address_format(address, listener->family, &listener->address);
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:s, s:o, s:I, s:I, s:o, s:o}", "family",
                     listener->family == RECORD_INET ? "inet" : "inet6", "address", address, "port", (int)service->port,
                     "interface", json_value_text_or_null(listener->interface_name), "v6only", v6only_json(listener),
                     "scope", stack_scope_name(listener->scope), "accepts",
                     accepts_json(tally_accepts(tally, listener)), "sockets", (json_int_t)listener->sockets, "uid",
                     (json_int_t)listener->uid, "user", json_value_text_or_null(listener->user), "unit",
                     json_value_text_or_null(has_unit ? listener->unit : NULL));
}

static json_t *listeners_json(const struct tally *tally, const struct judge_service *service)
{
    json_t *list = json_array();

    for (size_t i = 0; i < service->listener_count; i++) {
        json_array_append_new(list, listener_json(tally, service, service->listeners[i]));
    }
    return list;
}

static json_t *reasons_json(const struct view *view, const struct judge_service *service)
{
    json_t *list = json_array();
    char text[WORDING_SIZE];

    for (size_t i = 0; i < service->reason_count; i++) {
        json_array_append_new(list, json_value_text(
                                        wording_reason(text, service, &service->reasons[i], view->snapshot->tally)));
    }
    return list;
}

static json_t *scope_json(const struct rule *rule)
{
    bool scoped = rule != NULL && rule->scope != RULE_ANY_SCOPE;

    return scoped ? json_string(stack_scope_name((enum stack_scope)rule->scope)) : json_null();
}

static const char *name_of(char text[static WORDING_SIZE], const struct judge_service *service)
{
    if (service->rule != NULL && !service->rule->is_default) {
        return service->rule->name;
    }
    snprintf(text, WORDING_SIZE, "%s_%u", protocol_name(service->protocol), (unsigned)service->port);
    return text;
}

static json_t *service_json(const struct view *view, const struct judge_service *service)
{
    const struct rule *rule = service->rule;
    const char *form = stack_form_name(service->stack.form);
    const uint64_t *connections = service->connections;
    char name[WORDING_SIZE];

    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:s, s:s?, s:b, s:s, s:b, s:o, s:o, s:o, s:{s:I, s:I, s:I}}",
                     "name", name_of(name, service), "protocol", protocol_name(service->protocol), "port",
                     (int)service->port, "scope", scope_json(rule), "rule",
                     json_value_text_or_null(rule != NULL ? rule->text : NULL), "origin",
                     json_value_text_or_null(rule != NULL ? rule->origin : NULL), "required",
                     json_value_text_or_null(rule != NULL ? rule_requirement_name(rule->requirement) : NULL), "stack",
                     stack_kind_name(service->stack.kind), "form", form, "lopsided", (int)service->stack.lopsided,
                     "state", state_name(service->state), "waived", (int)service->waived, "reasons",
                     reasons_json(view, service), "note", json_value_text_or_null(rule != NULL ? rule->note : NULL),
                     "listeners", listeners_json(view->snapshot->tally, service), "connections", "ipv4",
                     (json_int_t)connections[TALLY_IPV4], "ipv4_mapped", (json_int_t)connections[TALLY_MAPPED], "ipv6",
                     (json_int_t)connections[TALLY_IPV6]);
}

static json_t *services_json(const struct view *view)
{
    json_t *list = json_array();

    for (size_t i = 0; i < view->verdict->service_count; i++) {
        json_array_append_new(list, service_json(view, &view->verdict->services[i]));
    }
    return list;
}

/* The sentence of the first line without its state: what is off, however many they are, is in the services. */
static json_t *summary_json(const struct view *view)
{
    char text[WORDING_SIZE];
    char summary[2 * WORDING_SIZE + 8];
    size_t length = (size_t)snprintf(summary, sizeof summary, "%s", wording_summary(text, view->verdict, view->policy));
    const struct judge_service *worst = NULL;

    for (size_t i = 0; i < view->verdict->service_count; i++) {
        const struct judge_service *service = &view->verdict->services[i];
        if (service->state != STATE_OK && (worst == NULL || state_compare(service->state, worst->state) < 0)) {
            worst = service;
        }
    }
    if (worst != NULL) {
        snprintf(summary + length, sizeof summary - length, ": %s",
                 wording_finding(text, worst, view->snapshot->tally));
    }
    return json_value_text(summary);
}

static json_t *errors_json(const struct view *view)
{
    json_t *list = json_array();

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (view->snapshot->tally->unreadable[protocol][0] != '\0') {
            json_array_append_new(list, json_value_text(view->snapshot->tally->unreadable[protocol]));
        }
    }
    if (view->snapshot->fault[0] != '\0') {
        json_array_append_new(list, json_value_text(view->snapshot->fault));
    }
    return list;
}

/* What is not known is left out. */
static json_t *totals_json(const struct judge_total *total)
{
    json_t *totals = json_object();

    if (total->known) {
        json_object_set_new(totals, "mapped", json_integer((json_int_t)total->mapped));
        json_object_set_new(totals, "mapped_out", json_integer((json_int_t)total->mapped_out));
    }
    json_object_set_new(totals, "violations", json_integer((json_int_t)total->violations));
    json_object_set_new(totals, "unlisted", json_integer((json_int_t)total->unlisted));
    json_object_set_new(totals, "waived", json_integer((json_int_t)total->waived));
    return totals;
}

static int object_render(json_t *object, char **text, size_t *length)
{
    int result = json_value_render(object, JSON_COMPACT, text, length);

    json_decref(object);
    return result;
}

int json_verdict(const struct view *view, char **text, size_t *length)
{
    const struct snapshot *snapshot = view->snapshot;
    const struct sock_host *host = &snapshot->tally->host;

    return object_render(json_pack("{s:s, s:s, s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
                                   "plugin", "check_dualstack", "version", PACKAGE_VERSION, "schema", SCHEMA_VERSION,
                                   "time", json_value_time(snapshot->time), "host", json_value_text(host->name),
                                   "source", snapshot->source, "remark", json_value_text_or_null(snapshot->remark),
                                   "netns", host->netns != 0 ? json_integer((json_int_t)host->netns) : json_null(),
                                   "namespace", json_value_text_or_null(snapshot->namespace), "ipv6",
                                   answer_json(host->ipv6), "state", state_name(view->verdict->state), "summary",
                                   summary_json(view), "services", services_json(view), "totals",
                                   totals_json(&view->verdict->total), "errors", errors_json(view)),
                         text, length);
}

int json_failure(enum state state, const char *const *sentences, size_t count, char **text, size_t *length)
{
    struct utsname system;
    json_t *errors = json_array();

    if (uname(&system) != 0) {
        system.nodename[0] = '\0';
    }
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(errors, json_value_text(sentences[i]));
    }
    return object_render(json_pack("{s:s, s:s, s:i, s:o, s:o, s:n, s:n, s:n, s:n, s:n, s:s, s:o, s:[], s:{}, s:o}",
                                   "plugin", "check_dualstack", "version", PACKAGE_VERSION, "schema", SCHEMA_VERSION,
                                   "time", json_value_time(time(NULL)), "host", json_value_text(system.nodename),
                                   "source", "remark", "netns", "namespace", "ipv6", "state", state_name(state),
                                   "summary", json_value_text(sentences[0]), "services", "totals", "errors", errors),
                         text, length);
}
