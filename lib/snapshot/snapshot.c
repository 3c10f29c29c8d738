/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "snapshot/snapshot.h"

#include "plugin/text_buffer.h"
#include "snapshot/listeners.h"
#include "snapshot/owners.h"
#include "snapshot/reaches.h"
#include "socket/array.h"
#include "socket/host.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The most room for the list of ports in the line on a request. */
#define PORTS_LENGTH 168

/* A snapshot while it is taken. */
struct attempt {
    const struct snapshot_request *request;
    struct snapshot *snapshot;
    struct sources *sources;
    enum record_protocol current; /* that was read last */
};

static int connection_visit(const struct sock_record *record, void *context)
{
    return record->state == RECORD_ESTABLISHED ? tally_add(context, record) : 0;
}

/* --- what was asked ---------------------------------------------------------------------------------------------- */

/* Adds the ports of the request, the first of them if they are many. */
static void ports_add(struct text_buffer *text, const struct source_request *request)
{
    const size_t start = text->length;

    for (size_t i = 0; i < request->port_count && text->length - start < PORTS_LENGTH; i++) {
        const struct source_ports *ports = &request->ports[i];
        text_buffer_add(text, "%s%u", i == 0 ? " on ports " : ",", (unsigned)ports->first);
        if (ports->first != ports->last) {
            text_buffer_add(text, "-%u", (unsigned)ports->last);
        }
    }
}

static void question_add(struct text_buffer *text, const struct source_request *request, enum sources_kind kind)
{
    text_buffer_add(text, "asked %s for %s %s", sources_kind_name(kind), protocol_name(request->protocol),
                    (request->states & SOURCE_STATE(RECORD_ESTABLISHED)) == 0 ? "listeners"
                    : request->v4_mapped_only                                 ? "v4-mapped connections"
                                                                              : "connections");
    text_buffer_add(text, request->families == SOURCE_FAMILIES_ALL           ? " of both families"
                          : request->families == SOURCE_FAMILY(RECORD_INET6) ? " of AF_INET6"
                                                                             : " of AF_INET");
    ports_add(text, request);
}

/* Keeps a line on the request. When out of memory, only that line is lost. */
static void question_keep(struct attempt *attempt, const struct source_request *request)
{
    struct snapshot *snapshot = attempt->snapshot;
    enum sources_kind kind = sources_kind(attempt->sources, request->protocol);
    char bytes[400];
    struct text_buffer line = TEXT_BUFFER(bytes);
    char *kept;
    char **grown;

    if (!attempt->request->keeps_questions || kind == SOURCES_NONE) {
        return;
    }
    question_add(&line, request, kind);
    kept = strdup(bytes);
    grown = array_grow(snapshot->questions, snapshot->question_count, sizeof *grown);
    if (grown != NULL) {
        snapshot->questions = grown;
    }
    if (grown == NULL || kept == NULL) {
        free(kept);
        return;
    }
    snapshot->questions[snapshot->question_count++] = kept;
}

/* --- scans ------------------------------------------------------------------------------------------------------- */

static int scan(struct attempt *attempt, const struct source_request *request, source_visit *visit)
{
    attempt->current = request->protocol;
    question_keep(attempt, request);
    return sources_scan(attempt->sources, request, visit, attempt->snapshot->tally);
}

static bool policy_wants(const struct policy *policy, bool every_protocol, enum record_protocol protocol)
{
    return every_protocol || policy->rule_count == 0 || policy_judges(policy, protocol);
}

static bool is_wanted(const struct attempt *attempt, enum record_protocol protocol)
{
    return policy_wants(attempt->request->policy, attempt->request->every_protocol, protocol);
}

static int listeners_scan(struct attempt *attempt, enum record_protocol protocol)
{
    struct source_request request = {
        .protocol = protocol,
        .families = SOURCE_FAMILIES_ALL,
        .states = SOURCE_STATE(protocol_of(protocol)->listening),
    };

    attempt->current = protocol;
    question_keep(attempt, &request);
    return listeners_read(attempt->sources, protocol, attempt->snapshot->tally);
}

/* Does the port have a rule that judges it, or with `native` one that counts its native IPv4 connections? */
static bool is_judged(const struct attempt *attempt, const struct tally_service *service, bool native)
{
    const struct policy *policy = attempt->request->policy;
    bool each = !native || attempt->request->depth == SNAPSHOT_IPV4_JUDGED;

    for (int scope = 0; scope < SCOPES && policy->rule_count > 0; scope++) {
        const struct rule *rule =
            policy_find(policy, &attempt->snapshot->tally->host, service->protocol, service->port, (enum scope)scope);
        if (rule != NULL && (each || rule_has_threshold(rule, RULE_IPV4))) {
            return true;
        }
    }
    return policy->rule_count == 0 && each;
}

/* Those listening ports of the protocol, neighbours joined. Returns how many, -ENOMEM; *ports is the caller's. */
static int judged_ports_list(const struct attempt *attempt, enum record_protocol protocol, bool native,
                             struct source_ports **ports)
{
    const struct tally *tally = attempt->snapshot->tally;
    struct source_ports *list = calloc(tally->service_count + 1, sizeof *list);
    int count = 0;

    *ports = list;
    if (list == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        if (service->protocol != protocol || !is_judged(attempt, service, native)) {
            continue;
        }
        if (count > 0 && list[count - 1].last + 1 == service->port) {
            list[count - 1].last = service->port;
        } else {
            list[count++] = (struct source_ports){service->port, service->port};
        }
    }
    return count;
}

/* Reads those of the connections that are of judged ports, or with `native` of those that it concerns. */
static int judged_connections_scan(struct attempt *attempt, struct source_request request, bool native)
{
    struct source_ports *ports;
    int count = judged_ports_list(attempt, request.protocol, native, &ports);
    int result = 0;

    if (count < 0) {
        return count;
    }
    if (count > 0) {
        request.ports = ports;
        request.port_count = (size_t)count;
        result = scan(attempt, &request, connection_visit);
    }
    free(ports);
    return result;
}

static int connections_scan(struct attempt *attempt, enum record_protocol protocol)
{
    struct source_request request = {
        .protocol = protocol,
        .families = SOURCE_FAMILIES_ALL,
        .states = SOURCE_STATE(RECORD_ESTABLISHED),
    };
    int result;

    if (attempt->request->depth == SNAPSHOT_ALL) {
        return scan(attempt, &request, connection_visit);
    }
    if (attempt->request->depth == SNAPSHOT_JUDGED) {
        return judged_connections_scan(attempt, request, false);
    }
    request.families = SOURCE_FAMILY(RECORD_INET6);
    request.v4_mapped_only = true;
    result = judged_connections_scan(attempt, request, false);
    request.families = SOURCE_FAMILY(RECORD_INET);
    request.v4_mapped_only = false;
    return result != 0 ? result : judged_connections_scan(attempt, request, true);
}

/* Reads everything once, from the present sources. */
static int everything_scan(struct attempt *attempt)
{
    int result = 0;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS && result == 0; protocol++) {
        if (is_wanted(attempt, (enum record_protocol)protocol)) {
            result = listeners_scan(attempt, (enum record_protocol)protocol);
        }
    }
    tally_order(attempt->snapshot->tally);
    for (int protocol = 0; protocol < RECORD_PROTOCOLS && result == 0; protocol++) {
        if (is_wanted(attempt, (enum record_protocol)protocol) && attempt->request->depth != SNAPSHOT_LISTENERS) {
            result = connections_scan(attempt, (enum record_protocol)protocol);
        }
    }
    return result;
}

/* An empty tally with the host's facts, and with what is known of the sources already. */
static int attempt_begin(struct attempt *attempt)
{
    struct snapshot *snapshot = attempt->snapshot;
    struct fault fault = {{0}};

    tally_free(snapshot->tally);
    snapshot->tally = tally_create();
    if (snapshot->tally == NULL) {
        return -ENOMEM;
    }
    snapshot->tally->counts_peers = attempt->request->peers > 0;
    snapshot->fault[0] = '\0';
    sources_report_stage(attempt->sources, "reading the host's facts under /proc");
    if (host_read(&snapshot->tally->host, sources_directory(attempt->sources), &fault) != 0) {
        snprintf(snapshot->fault, sizeof snapshot->fault, "%s", fault.text);
    }
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        _Static_assert(sizeof snapshot->tally->unreadable[0] == SOURCES_SENTENCE_SIZE, "holds a sentence");
        if (sources_kind(attempt->sources, (enum record_protocol)protocol) == SOURCES_NONE) {
            sources_unreadable_format(snapshot->tally->unreadable[protocol], attempt->sources,
                                      (enum record_protocol)protocol);
        }
    }
    return 0;
}

/* Tries until everything was read from the sources that are left for it. Returns 0 or -ENOMEM. */
static int attempts_run(struct attempt *attempt)
{
    int result;

    do {
        result = attempt_begin(attempt);
        if (result != 0) {
            return result;
        }
        result = everything_scan(attempt);
    } while (result != 0 && sources_retry(attempt->sources, attempt->current, result));
    return result;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static void source_describe(const struct attempt *attempt)
{
    struct snapshot *snapshot = attempt->snapshot;
    bool used[SOURCES_NONE + 1] = {false};

    for (enum record_protocol protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (is_wanted(attempt, protocol)) {
            used[sources_kind(attempt->sources, protocol)] = true;
            snapshot->tally->interfaces_unknown[protocol] = sources_kind(attempt->sources, protocol) == SOURCES_PROCFS;
            _Static_assert(sizeof snapshot->remarks[0] == SOURCES_SENTENCE_SIZE, "holds a sentence");
            sources_remark_format(snapshot->remarks[protocol], attempt->sources, protocol);
        }
    }
    snapshot_remark_choose(snapshot, attempt->request->policy, attempt->request->every_protocol);
    snprintf(snapshot->source, sizeof snapshot->source, "%s%s%s", used[SOURCES_NETLINK] ? "netlink" : "",
             used[SOURCES_NETLINK] && used[SOURCES_PROCFS] ? "+" : "", used[SOURCES_PROCFS] ? "procfs" : "");
}

/* Adds each protocol's remark; one that several share is there once, and says of none which it is of. */
static void protocol_remarks_add(struct text_buffer *text, const struct snapshot *snapshot, unsigned wanted)
{
    const char *first = NULL;
    bool differ = false;

    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        if ((wanted & 1u << i) != 0 && snapshot->remarks[i][0] != '\0') {
            differ |= first != NULL && strcmp(first, snapshot->remarks[i]) != 0;
            first = first != NULL ? first : snapshot->remarks[i];
        }
    }
    if (!differ) {
        text_buffer_add(text, "%s%s", text->length > 0 && first != NULL ? ", " : "", first != NULL ? first : "");
        return;
    }
    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        if ((wanted & 1u << i) != 0 && snapshot->remarks[i][0] != '\0') {
            text_buffer_add(text, "%s%s %s", text->length > 0 ? ", " : "", protocol_of((enum record_protocol)i)->label,
                            snapshot->remarks[i]);
        }
    }
}

/* A listener in a VRF is reached at addresses that no list of the host's holds. */
static bool is_vrf_known(const struct tally *tally, const struct tally_listener *listener)
{
    for (enum record_family family = 0; family < RECORD_FAMILIES && listener->interface_state.vrf == RECORD_YES;
         family++) {
        if (tally_accepts_family(listener, family) != RECORD_NO && !tally_reach(tally, listener, family).known) {
            return false;
        }
    }
    return true;
}

/* Of all that listeners are bound to: is each interface known, and what reaches them in a VRF? */
static void interfaces_check(const struct tally *tally, bool *interfaces, bool *vrfs)
{
    *interfaces = true;
    *vrfs = true;
    for (size_t i = 0; i < tally->service_count; i++) {
        for (size_t j = 0; j < tally->services[i].listener_count; j++) {
            const struct tally_listener *listener = &tally->services[i].listeners[j];
            bool is_unknown = listener->interface != 0 && listener->interface_state.there == RECORD_UNKNOWN;
            *interfaces = *interfaces && !is_unknown;
            *vrfs = *vrfs && is_vrf_known(tally, listener);
        }
    }
}

void snapshot_addresses_remark_add(struct text_buffer *text, const struct tally *tally, bool says_why)
{
    /* By whether those of IPv4 are known, then those of IPv6. */
    static const char *const lacking[2][2] = {{"addresses", "IPv4 addresses"}, {"IPv6 addresses", ""}};
    bool ipv4 = tally->addresses.families[RECORD_INET].known;
    bool ipv6 = tally->addresses.families[RECORD_INET6].known || tally->host.ipv6 == RECORD_NO;
    const char *addresses = lacking[ipv4][ipv6];
    bool interfaces;
    bool vrfs;
    bool host_lacks;

    interfaces_check(tally, &interfaces, &vrfs);
    host_lacks = *addresses != '\0' || !interfaces;
    if (!host_lacks && vrfs) {
        return;
    }
    text_buffer_add(text, "%s", text->length > 0 ? ", " : "");
    if (host_lacks) {
        text_buffer_add(text, "the %s%s%s of this host", addresses, *addresses != '\0' && !interfaces ? " and " : "",
                        interfaces ? "" : "interfaces");
    }
    if (!vrfs) {
        text_buffer_add(text, "%sthe addresses within a VRF", host_lacks ? " and " : "");
    }
    text_buffer_add(text, " are not known, so reach is as far as sockets are bound");
    if (says_why && tally->addresses_unread[0] != '\0') {
        text_buffer_add(text, ": %s", tally->addresses_unread);
    }
}

void snapshot_namespace_remark_add(struct text_buffer *text, const struct tally *tally, const char *namespace)
{
    if (tally->host.netns_of_init == RECORD_NO && *namespace == '\0') {
        text_buffer_add(text, "%sin another network namespace than process 1", text->length > 0 ? ", " : "");
    }
}

void snapshot_remark_choose(struct snapshot *snapshot, const struct policy *policy, bool every_protocol)
{
    struct text_buffer remark = TEXT_BUFFER(snapshot->remark);
    struct text_buffer brief = TEXT_BUFFER(snapshot->brief);
    unsigned wanted = 0;

    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        wanted |= policy_wants(policy, every_protocol, (enum record_protocol)i) ? 1u << i : 0;
    }
    /* First what every answer must say: the end may not fit into the first line of text. */
    snapshot_namespace_remark_add(&remark, snapshot->tally, snapshot->namespace);
    text_buffer_add(&brief, "%s", snapshot->remark);
    protocol_remarks_add(&remark, snapshot, wanted);
    if (remark.length > brief.length) {
        text_buffer_add(&brief, "%sread from /proc/net", brief.length > 0 ? ", " : "");
    }
    /* An unreadable if_inet6 is a fault of the host's facts too, and said there. */
    snapshot_addresses_remark_add(&remark, snapshot->tally, snapshot->fault[0] == '\0');
    snapshot_addresses_remark_add(&brief, snapshot->tally, false);
}

struct snapshot *snapshot_create(void)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (snapshot == NULL) {
        return NULL;
    }
    snapshot->tally = tally_create();
    if (snapshot->tally == NULL) {
        free(snapshot);
        return NULL;
    }
    return snapshot;
}

int snapshot_take(const struct snapshot_request *request, struct snapshot **snapshot)
{
    struct attempt attempt = {.request = request};
    int result = -ENOMEM;

    *snapshot = NULL;
    attempt.snapshot = snapshot_create();
    attempt.sources = sources_create(&request->sources);
    if (attempt.snapshot != NULL && attempt.sources != NULL) {
        attempt.snapshot->other_host = request->sources.copies != NULL;
        attempt.snapshot->time = time(NULL);
        snprintf(attempt.snapshot->namespace, sizeof attempt.snapshot->namespace, "%s",
                 request->namespace != NULL ? request->namespace : "");
        result = attempts_run(&attempt);
    }
    if (result == 0) {
        result = reaches_find(attempt.snapshot->tally, attempt.sources, &request->sources);
    }
    if (result == 0) {
        result = snapshot_peers_settle(attempt.snapshot->tally, request->peers);
    }
    if (result == 0) {
        source_describe(&attempt);
        *snapshot = attempt.snapshot;
    } else {
        snapshot_free(attempt.snapshot);
    }
    sources_free(attempt.sources);
    return result;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    for (size_t i = 0; i < snapshot->question_count; i++) {
        free(snapshot->questions[i]);
    }
    free(snapshot->questions);
    tally_free(snapshot->tally);
    free(snapshot);
}

static int interface_names_find(struct tally *tally, struct peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct peers_client *client = &peers->clients[i];
        char name[IF_NAMESIZE];
        if (client->interface == 0) {
            continue;
        }
        host_interface_name(name, client->interface);
        client->interface_name = tally_text_keep(tally, name);
        if (client->interface_name == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

int snapshot_peers_settle(struct tally *tally, size_t most)
{
    int result = 0;

    tally_peers_settle(tally, most);
    for (size_t i = 0; i < tally->service_count && result == 0; i++) {
        struct tally_peers *peers = tally->services[i].peers;
        for (int j = 0; peers != NULL && j < SCOPES * TALLY_KINDS && result == 0; j++) {
            result = interface_names_find(tally, &peers->by[j / TALLY_KINDS][j % TALLY_KINDS]);
        }
    }
    return result;
}

int snapshot_owners_find(struct snapshot *snapshot, sources_progress *progress)
{
    struct owners owners = {.other_host = snapshot->other_host, .progress = progress};
    int result = 0;

    if (!snapshot->owners_known) {
        if (!snapshot->other_host) {
            host_details_read(&snapshot->tally->host);
        }
        result = owners_assign(&owners, snapshot->tally);
        snapshot->owners_known = result == 0;
        owners_clear(&owners);
    }
    return result;
}
