/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What one rule of a learned policy is to name, made from what listens: which listeners, how they are called, and
 * whether they will be on the same port after the next start.
 */
#include "config.h"

#include "audit/judge_service.h"
#include "audit/suggest.h"
#include "audit/suggest_unit.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No longer than the part of a name that RRD keeps. */
#define NAME_MAX_LEARNED 19

/* Linux assigns these ports by default. */
#define CLIENT_FIRST 32768
#define CLIENT_LAST 60999

/* What the suggestions are made from, and those made so far. */
struct context {
    const struct tally *tally;
    struct suggestions *made;
};

/* --- what there is ----------------------------------------------------------------------------------------------- */

static uint64_t mapped_count(const struct tally_service *source, int scope)
{
    uint64_t count = 0;

    for (int i = 0; i < SCOPES; i++) {
        count += scope == RULE_ANY_SCOPE || scope == i ? source->connections[i][TALLY_MAPPED] : 0;
    }
    return count;
}

/* Does the service keep a rule of this requirement, whatever the unknown facts are? Returns 0 or -ENOMEM. */
static int requirement_try(const struct context *context, const struct judge_service *service,
                           enum rule_requirement requirement, bool *kept)
{
    struct rule_ports port = {.first = service->port, .last = service->port, .single = true};
    const struct rule rule = {
        .ports = &port,
        .port_count = 1,
        .protocol = (int)service->protocol,
        .scope = RULE_ANY_SCOPE,
        .requirement = requirement,
        .severity = STATE_CRITICAL,
    };
    struct judge_service judged = *service;
    int result;

    judged.rule = &rule;
    result = judge_service_decide(&judged, context->tally);
    *kept = judged.reason_count == 0;
    free(judged.reasons);
    return result;
}

static int requirement_choose(const struct context *context, struct suggestion *suggestion)
{
    static const enum rule_requirement strictest[] = {RULE_DUAL_STACK, RULE_V4_ONLY, RULE_V6_ONLY, RULE_V6, RULE_V4};
    int result = 0;

    suggestion->requirement = RULE_ANY;
    for (size_t i = 0; i < sizeof strictest / sizeof *strictest && result == 0; i++) {
        bool kept;
        result = requirement_try(context, &suggestion->service, strictest[i], &kept);
        if (result == 0 && kept) {
            suggestion->requirement = strictest[i];
            break;
        }
    }
    return result;
}

static bool is_limited_by(const struct judge_service *service, enum reach_limit limit)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            if (service->listeners[i]->reach[family].limit == limit) {
                return true;
            }
        }
    }
    return false;
}

/* An address that the host has not may be on another node now, and here tomorrow; an interface comes and goes. */
static bool is_elsewhere(const struct judge_service *service)
{
    return is_limited_by(service, REACH_ADDRESS_ABSENT) ||
           (service->stack.kind == STACK_CLOSED &&
            (is_limited_by(service, REACH_INTERFACE_GONE) || is_limited_by(service, REACH_INTERFACE_DOWN)));
}

bool suggest_reach(const struct judge_service *service, const struct tally *tally, enum reach_extent *widest)
{
    enum reach_extent bound = REACH_NONE;

    *widest = REACH_NONE;
    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            struct reach reach = tally_reach(tally, listener, (enum record_family)family);
            if (tally_accepts_family(listener, (enum record_family)family) == RECORD_NO) {
                continue;
            }
            if (!reach.known || reach.limit == REACH_INTERFACE_GONE || reach.limit == REACH_INTERFACE_DOWN) {
                return false;
            }
            *widest = reach.extent > *widest ? reach.extent : *widest;
            bound = listener->bound[family] > bound ? listener->bound[family] : bound;
        }
    }
    return !service->as_bound && *widest < bound;
}

/*
 * A rule should hold the service to its present reach, so that it is broken when the service can be reached from
 * farther away. But if the host does not have the address or interface now, such a rule would break for reasons outside
 * the service: then only what the sockets are bound to lasts.
 */
static int suggestion_decide(const struct context *context, struct suggestion *suggestion)
{
    struct judge_service *service = &suggestion->service;
    int result = judge_service_decide(service, context->tally);

    if (result == 0 && is_elsewhere(service)) {
        service->as_bound = true;
        result = judge_service_decide(service, context->tally);
    }
    if (result == 0) {
        result = requirement_choose(context, suggestion);
    }
    if (suggestion->requirement == RULE_ANY) {
        service->as_bound = false;
    }
    return result;
}

/* Fills a suggestion with the listeners of that scope (RULE_ANY_SCOPE: all). */
static int suggestion_fill(const struct context *context, struct suggestion *suggestion,
                           const struct tally_service *source, int scope)
{
    struct judge_service *service = &suggestion->service;
    int result = 0;

    *suggestion = (struct suggestion){.scope = scope};
    service->protocol = source->protocol;
    service->port = source->port;
    service->connections[TALLY_MAPPED] = mapped_count(source, scope);
    for (size_t i = 0; i < source->listener_count && result == 0; i++) {
        if (scope == RULE_ANY_SCOPE || scope == (int)source->listeners[i].scope) {
            result = judge_listener_add(service, &source->listeners[i]);
        }
    }
    return result != 0 ? result : suggestion_decide(context, suggestion);
}

/* Adds the suggestion of that scope unless nothing listens in it. */
static int suggestion_add(const struct context *context, const struct tally_service *source, int scope)
{
    struct suggestion *suggestion = &context->made->list[context->made->count];
    int result = suggestion_fill(context, suggestion, source, scope);

    if (result == 0 && suggestion->service.listener_count > 0) {
        context->made->count++;
    } else {
        free(suggestion->service.listeners);
    }
    return result;
}

static bool is_of_one_scope(const struct tally_service *source)
{
    for (size_t i = 1; i < source->listener_count; i++) {
        if (source->listeners[i].scope != source->listeners[0].scope) {
            return false;
        }
    }
    return true;
}

/*
 * A rule without a scope would not see the narrower family of a lopsided service, so each scope gets a rule. Where all
 * is bound to one scope it is the host's addresses that make it so: then that is all there is to see.
 */
static int service_suggest(const struct context *context, const struct tally_service *source)
{
    struct suggestions *made = context->made;
    int result = suggestion_add(context, source, RULE_ANY_SCOPE);

    if (result != 0 || !made->list[made->count - 1].service.stack.lopsided || is_of_one_scope(source)) {
        return result;
    }
    free(made->list[--made->count].service.listeners);
    for (int scope = SCOPE_EXTERNAL; scope >= SCOPE_LOOPBACK && result == 0; scope--) {
        result = suggestion_add(context, source, scope);
    }
    return result;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

const char *suggest_permanence_name(char name[static RULE_NAME_MAX + 1], enum suggest_permanence permanence,
                                    enum record_protocol protocol)
{
    static const char *const starts[] = {
        [SUGGEST_FIXED] = "",         [SUGGEST_CLIENT] = "per-boot-", [SUGGEST_RESERVED] = "rpc-reserved-",
        [SUGGEST_QUERY] = "queries-", [SUGGEST_X11] = "x11-",
    };
    _Static_assert(sizeof starts / sizeof *starts == SUGGEST_PERMANENCES, "each permanence has a name");

    snprintf(name, RULE_NAME_MAX + 1, "%s%s", starts[permanence], protocol_name(protocol));
    return name;
}

static int name_compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* `taken` is the root of a tsearch() tree. */
static bool name_is_taken(void *const *taken, const char *name)
{
    char reserved[RULE_NAME_MAX + 1];

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        for (int permanence = SUGGEST_FIXED + 1; permanence < SUGGEST_PERMANENCES; permanence++) {
            suggest_permanence_name(reserved, (enum suggest_permanence)permanence, (enum record_protocol)protocol);
            if (strcmp(reserved, name) == 0) {
                return true;
            }
        }
    }
    return tfind(name, taken, name_compare) != NULL;
}

/* Joins the parts with the second whole and the first cut to fit. */
static void name_join(char name[static RULE_NAME_MAX + 1], const char *base, const char *tail)
{
    int room = NAME_MAX_LEARNED - (int)strlen(tail);

    snprintf(name, RULE_NAME_MAX + 1, "%.*s%s", room, base, tail);
}

/* "http", for UDP where TCP has that "http-udp", else "http_2" and so on. */
static void name_choose(void *const *taken, struct suggestion *suggestion, const char *base)
{
    enum record_protocol protocol = suggestion->service.protocol;
    const char *scope = suggestion->scope == RULE_ANY_SCOPE ? "" : scope_name((enum scope)suggestion->scope);
    char tail[24];

    snprintf(tail, sizeof tail, "%s%s", *scope != '\0' ? "-" : "", scope);
    name_join(suggestion->name, base, tail);
    if (protocol != RULE_DEFAULT_PROTOCOL && name_is_taken(taken, suggestion->name)) {
        snprintf(tail, sizeof tail, "-%s%s%s", protocol_name(protocol), *scope != '\0' ? "-" : "", scope);
        name_join(suggestion->name, base, tail);
    }
    for (unsigned number = 2; name_is_taken(taken, suggestion->name); number++) {
        snprintf(tail, sizeof tail, "_%u", number);
        name_join(suggestion->name, base, tail);
    }
}

/* The services database's name with what a rule's name cannot hold made "_"; false when it has none. */
static bool service_name_write(char name[static RULE_NAME_MAX + 1], const char *known)
{
    if (known == NULL || *known == '\0') {
        return false;
    }
    snprintf(name, RULE_NAME_MAX + 1, "%s", known);
    for (char *c = name; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        if (!letter && !(*c >= '0' && *c <= '9') && *c != '-' && *c != '_') {
            *c = '_';
        }
    }
    return true;
}

/* `known` is the port's name in the services database, NULL for none. */
static void suggestion_name(void *const *taken, struct suggestion *suggestion, const char *known)
{
    const struct judge_service *service = &suggestion->service;
    const struct rule_ports port = {.first = service->port, .last = service->port, .single = true};
    char name[RULE_NAME_MAX + 1];

    suggestion->named = service_name_write(name, known);
    if (suggestion->named) {
        name_choose(taken, suggestion, name);
    } else {
        rule_name_default(suggestion->name, service->protocol, suggestion->scope, &port, 1);
    }
}

/* --- permanence -------------------------------------------------------------------------------------------------- */

/* Daemons that bind with bindresvport() at each start, as units and users of the common distributions call them. */
static bool takes_reserved_ports(const struct tally_listener *listener)
{
    static const char *const owners[] = {
        "rpcbind.service",
        "rpcbind.socket",
        "rpc-statd.service",
        "rpc-statd-notify.service",
        "nfs-mountd.service",
        "ypbind.service",
        "ypserv.service",
        "nis.service",
        "rpc",
        "_rpc",
        "rpcuser",
        "statd",
    };

    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        if ((listener->unit != NULL && strcmp(listener->unit, owners[i]) == 0) ||
            (listener->user != NULL && strcmp(listener->user, owners[i]) == 0)) {
            return true;
        }
    }
    return false;
}

/* Where name servers listen. */
#define NAME_SERVER_PORT 53

static bool is_name_server(const struct tally *tally, enum record_protocol protocol, const char *unit)
{
    const struct tally_service *service = tally_find(tally, protocol, NAME_SERVER_PORT);

    for (size_t i = 0; service != NULL && i < service->listener_count; i++) {
        const struct tally_listener *listener = &service->listeners[i];
        if (listener->unit_state == TALLY_UNIT_KNOWN && strcmp(listener->unit, unit) == 0) {
            return true;
        }
    }
    return false;
}

/* Sockets without a peer that send a name server's own queries, as those of dnsmasq and Unbound are. */
static bool sends_queries(const struct tally *tally, const struct judge_service *service)
{
    bool sends = protocol_of(service->protocol)->shares_client_ports && service->port >= HOST_PORT_CLIENT_FIRST;
    char pattern[SUGGEST_UNIT_SIZE];

    for (size_t i = 0; i < service->listener_count && sends; i++) {
        const struct tally_listener *listener = service->listeners[i];
        sends = listener->unit_state == TALLY_UNIT_KNOWN &&
                suggest_unit_pattern(pattern, listener->unit) != SUGGEST_UNIT_UNNAMEABLE &&
                is_name_server(tally, service->protocol, listener->unit);
    }
    return sends;
}

bool suggest_will_query(const struct judge_service *service, const struct tally_listener *listener)
{
    static const char *const units[] = {"dnsmasq.",  "dnsmasq@",      "unbound.", "pdns-recursor.", "pdns-recursor@",
                                        "libvirtd.", "virtnetworkd.", "lxc-net.", "NetworkManager."};
    bool is_name_service = protocol_of(service->protocol)->shares_client_ports && service->port == NAME_SERVER_PORT;

    for (size_t i = 0; i < sizeof units / sizeof *units && is_name_service; i++) {
        if (listener->unit_state == TALLY_UNIT_KNOWN && strncmp(listener->unit, units[i], strlen(units[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Of a login, or of the daemon itself where no session is made for one. */
static bool is_of_ssh(const struct tally_listener *listener)
{
    char pattern[SUGGEST_UNIT_SIZE];
    enum suggest_unit_kind kind;

    if (listener->unit_state != TALLY_UNIT_KNOWN) {
        return false;
    }
    kind = suggest_unit_pattern(pattern, listener->unit);
    return kind == SUGGEST_UNIT_LOGIN || kind == SUGGEST_UNIT_CONNECTION ||
           strcmp(listener->unit, "ssh.service") == 0 || strcmp(listener->unit, "sshd.service") == 0;
}

/* The displays that ssh -X makes on loopback. */
static bool forwards_x11(const struct judge_service *service)
{
    bool forwards =
        service->protocol == RECORD_TCP && service->port >= SUGGEST_X11_FIRST && service->port <= SUGGEST_X11_LAST;

    for (size_t i = 0; i < service->listener_count && forwards; i++) {
        forwards = service->listeners[i]->scope == SCOPE_LOOPBACK && is_of_ssh(service->listeners[i]);
    }
    return forwards;
}

static bool all_take_reserved_ports(const struct judge_service *service)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        if (!takes_reserved_ports(service->listeners[i])) {
            return false;
        }
    }
    return true;
}

static void client_range_set(struct suggestions *made, const struct sock_host *host)
{
    made->client_known = host_port_range_is_known(host);
    made->client_first = made->client_known ? host->port_range_first : CLIENT_FIRST;
    made->client_last = made->client_known ? host->port_range_last : CLIENT_LAST;
}

/* Two rules for ranges must not have a port in common. */
static bool client_range_overlaps(const struct suggestions *made, uint16_t first, uint16_t last)
{
    return made->client_first <= last && made->client_last >= first;
}

static enum suggest_permanence permanence_of(const struct suggestions *made, const struct suggestion *suggestion,
                                             const struct tally *tally)
{
    const struct judge_service *service = &suggestion->service;
    uint16_t port = service->port;
    bool client_port =
        made->client_first <= port && port <= made->client_last && !host_port_is_reserved(&tally->host, port);

    if (client_port) {
        /* In a range made wider than Linux's own, ports with a name are those of servers. */
        return suggestion->named && port < CLIENT_FIRST ? SUGGEST_FIXED : SUGGEST_CLIENT;
    }
    if (port >= SUGGEST_RESERVED_FIRST && port <= SUGGEST_RESERVED_LAST && all_take_reserved_ports(service) &&
        !client_range_overlaps(made, SUGGEST_RESERVED_FIRST, SUGGEST_RESERVED_LAST)) {
        return SUGGEST_RESERVED;
    }
    if (forwards_x11(service) && !client_range_overlaps(made, SUGGEST_X11_FIRST, SUGGEST_X11_LAST)) {
        return SUGGEST_X11;
    }
    if (!suggestion->named && sends_queries(tally, service)) {
        return SUGGEST_QUERY;
    }
    return SUGGEST_FIXED;
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

int suggest_list(struct suggestions *made, const struct tally *tally, suggest_service_name *service_name, void *names)
{
    struct context context = {.tally = tally, .made = made};
    void *taken = NULL;
    int result = 0;

    *made = (struct suggestions){0};
    client_range_set(made, &tally->host);
    /* A lopsided service has at most three parts; one more for the whole that is tried first. */
    made->list = calloc(tally->service_count * SCOPES + 1, sizeof *made->list);
    if (made->list == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < tally->service_count && result == 0; i++) {
        result = service_suggest(&context, &tally->services[i]);
    }
    for (size_t i = 0; i < made->count; i++) {
        const struct judge_service *service = &made->list[i].service;
        suggestion_name(&taken, &made->list[i], service_name(service->protocol, service->port, names));
        made->list[i].permanence = permanence_of(made, &made->list[i], tally);
        if (tsearch(made->list[i].name, &taken, name_compare) == NULL) {
            result = -ENOMEM;
        }
    }
    while (taken != NULL) {
        tdelete(*(const char **)taken, &taken, name_compare);
    }
    return result;
}

void suggest_clear(struct suggestions *made)
{
    for (size_t i = 0; i < made->count; i++) {
        free(made->list[i].service.listeners);
    }
    free(made->list);
}
