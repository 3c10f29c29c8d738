/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Records added up to services: listeners and connection counts.
 */
#include "config.h"

#include "audit/tally.h"
#include "socket/array.h"
#include "socket/protocol.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define PORTS 65536u
#define KIND_BIT(kind) (1u << (kind))

struct tally *tally_create(void)
{
    struct tally *tally = calloc(1, sizeof *tally);

    if (tally != NULL) {
        tally->peers_shared = PEERS_SHARED;
    }
    return tally;
}

static int text_compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

const char *tally_text_keep(struct tally *tally, const char *text)
{
    char *const *found = tfind(text, &tally->texts, text_compare);
    char *kept;

    if (found != NULL) {
        return *found;
    }
    kept = strdup(text);
    if (kept == NULL || tsearch(kept, &tally->texts, text_compare) == NULL) {
        free(kept);
        return NULL;
    }
    return kept;
}

static void texts_free(void *tree)
{
    while (tree != NULL) {
        char *text = *(char **)tree;
        tdelete(text, &tree, text_compare);
        free(text);
    }
}

static void peers_free(struct tally_peers *peers)
{
    for (int i = 0; peers != NULL && i < SCOPES * TALLY_KINDS; i++) {
        peers_clear(&peers->by[i / TALLY_KINDS][i % TALLY_KINDS]);
    }
    free(peers);
}

void tally_free(struct tally *tally)
{
    if (tally == NULL) {
        return;
    }
    for (size_t i = 0; i < tally->service_count; i++) {
        free(tally->services[i].listeners);
        peers_free(tally->services[i].peers);
    }
    free(tally->services);
    texts_free(tally->texts);
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        free(tally->by_port[protocol]);
    }
    free(tally);
}

struct tally_service *tally_find(const struct tally *tally, enum record_protocol protocol, uint16_t port)
{
    const uint32_t *positions = tally->by_port[protocol];
    uint32_t position = positions != NULL ? positions[port] : 0;

    return position == 0 ? NULL : &tally->services[position - 1];
}

static struct tally_service *service_make(struct tally *tally, enum record_protocol protocol, uint16_t port)
{
    struct tally_service *service = tally_find(tally, protocol, port);
    struct tally_service *grown;

    if (service != NULL) {
        return service;
    }
    if (tally->by_port[protocol] == NULL) {
        /* Large and zero: the allocator maps it, and only the pages of ports in use are ever touched. */
        tally->by_port[protocol] = calloc(PORTS, sizeof *tally->by_port[protocol]);
        if (tally->by_port[protocol] == NULL) {
            return NULL;
        }
    }
    grown = array_grow(tally->services, tally->service_count, sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    tally->services = grown;
    service = &tally->services[tally->service_count++];
    *service = (struct tally_service){.protocol = protocol, .port = port};
    tally->by_port[protocol][port] = (uint32_t)tally->service_count;
    return service;
}

/* The position of the first element that is not before the wanted one, `count` when all are. */
static size_t position_find(const void *sorted, size_t count, size_t size, const void *wanted,
                            int (*compare)(const void *left, const void *right))
{
    size_t first = 0;
    size_t end = count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (compare((const char *)sorted + middle * size, wanted) < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* Both are kept by the tally, so that equal ones are the same; NULL comes first. */
static int kept_compare(const char *a, const char *b)
{
    if (a == b) {
        return 0;
    }
    return a == NULL || b == NULL ? COMPARE(a != NULL, b != NULL) : strcmp(a, b);
}

/* By what a reader sees first; the cgroup comes last, as its number says nothing outside this boot. */
static int listener_compare(const void *left, const void *right)
{
    const struct tally_listener *a = left;
    const struct tally_listener *b = right;
    int order = COMPARE(a->family, b->family);

    order = order != 0 ? order : memcmp(&a->address, &b->address, sizeof a->address);
    order = order != 0 ? order : COMPARE(a->interface, b->interface);
    order = order != 0 ? order : COMPARE(a->v6only, b->v6only);
    order = order != 0 ? order : COMPARE(a->uid, b->uid);
    order = order != 0 ? order : COMPARE(a->unit_state, b->unit_state);
    order = order != 0 ? order : kept_compare(a->unit, b->unit);
    return order != 0 ? order : COMPARE(a->cgroup, b->cgroup);
}

bool tally_listeners_are_alike(const struct tally_listener *a, const struct tally_listener *b)
{
    return listener_compare(a, b) == 0;
}

/* The kinds of connections of which the listener accepts any, whatever their address and interface; a bit for each. */
static unsigned accepted_kinds(const struct tally_listener *listener)
{
    if (listener->interface != 0) {
        return 0;
    }
    if (record_is_wildcard(RECORD_INET, &listener->address)) {
        return KIND_BIT(listener->family == RECORD_INET ? TALLY_IPV4 : TALLY_MAPPED);
    }
    if (!record_is_wildcard(RECORD_INET6, &listener->address)) {
        return 0;
    }
    return KIND_BIT(TALLY_IPV6) | (listener->v6only != RECORD_V6ONLY_YES ? KIND_BIT(TALLY_MAPPED) : 0);
}

/* A capture may claim so many that their sum does not fit. */
static uint32_t sockets_sum(uint32_t a, uint32_t b)
{
    return a <= UINT32_MAX - b ? a + b : UINT32_MAX;
}

/* Makes one listener of those that are alike, which stand side by side. */
static void listeners_fold(struct tally_service *service)
{
    struct tally_listener *listeners = service->listeners;
    size_t last = 0;

    for (size_t i = 1; i < service->listener_count; i++) {
        if (listener_compare(&listeners[last], &listeners[i]) == 0) {
            listeners[last].sockets = sockets_sum(listeners[last].sockets, listeners[i].sockets);
        } else {
            listeners[++last] = listeners[i];
        }
    }
    service->listener_count = last + 1;
}

static void listeners_sort(struct tally_service *service)
{
    unsigned kinds = 0;

    if (service->listener_count > 1) {
        qsort(service->listeners, service->listener_count, sizeof *service->listeners, listener_compare);
        if (service->folds) {
            listeners_fold(service);
        }
    }
    for (size_t i = 0; i < service->listener_count; i++) {
        kinds |= accepted_kinds(&service->listeners[i]);
    }
    service->accepted_kinds = (uint8_t)kinds;
    service->sorted = true;
}

static int listener_room_set(struct tally_service *service, size_t room)
{
    struct tally_listener *grown = realloc(service->listeners, room * sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    service->listeners = grown;
    service->listener_room = room;
    return 0;
}

/*
 * Makes room for one more listener. A full list is folded first and grows only if it stays more than half full: so the
 * work is n log n, and the memory goes with the listeners that differ, however many sockets are alike.
 */
static int listener_room_make(struct tally_service *service)
{
    size_t room = service->listener_room;

    if (service->listener_count < room) {
        return 0;
    }
    if (service->folds && room > 1) {
        listeners_sort(service);
        if (service->listener_count <= room / 2) {
            return 0;
        }
    }
    return listener_room_set(service, room == 0 ? 1 : room * 2);
}

static int listener_append(struct tally_service *service, const struct tally_listener *listener)
{
    int result = listener_room_make(service);

    if (result == 0) {
        service->listeners[service->listener_count++] = *listener;
        service->sorted = false;
    }
    return result;
}

int tally_listener_add(struct tally *tally, enum record_protocol protocol, uint16_t port,
                       const struct tally_listener *listener)
{
    struct tally_listener kept = *listener;
    struct tally_service *service;

    kept.user = listener->user != NULL ? tally_text_keep(tally, listener->user) : NULL;
    kept.unit = listener->unit != NULL ? tally_text_keep(tally, listener->unit) : NULL;
    if ((kept.user == NULL) != (listener->user == NULL) || (kept.unit == NULL) != (listener->unit == NULL)) {
        return -ENOMEM;
    }
    service = service_make(tally, protocol, port);
    return service == NULL ? -ENOMEM : listener_append(service, &kept);
}

/* Nothing is known yet of its address and interface. */
static struct tally_listener listener_make(const struct sock_record *record)
{
    return (struct tally_listener){
        .family = record->family,
        .address = record->local,
        .interface = record->interface,
        .v6only = record->v6only,
        .scope = scope_of(&record->local, record->interface),
        .presence = ADDRESS_UNKNOWN,
        .sockets = 1,
        .interface_state = ADDRESS_INTERFACE_UNKNOWN,
        .uid = record->uid,
        .cgroup = record->cgroup,
    };
}

static int listener_record_add(struct tally *tally, const struct sock_record *record)
{
    struct tally_service *service = service_make(tally, record->protocol, record->local_port);
    struct tally_listener listener = listener_make(record);

    if (service == NULL) {
        return -ENOMEM;
    }
    service->folds = true;
    if (service->listener_count > 0) {
        struct tally_listener *last = &service->listeners[service->listener_count - 1];
        /* SO_REUSEPORT sockets mostly come one behind the other. */
        if (listener_compare(last, &listener) == 0) {
            last->sockets++;
            return 0;
        }
    }
    return listener_append(service, &listener);
}

/* The one of the first `count` listeners, which are sorted, that is alike. */
static struct tally_listener *alike_find(const struct tally_service *service, size_t count,
                                         const struct tally_listener *listener)
{
    size_t position = position_find(service->listeners, count, sizeof *listener, listener, listener_compare);
    struct tally_listener *found = &service->listeners[position];

    return position < count && listener_compare(found, listener) == 0 ? found : NULL;
}

struct tally_listener *tally_listener_find(struct tally *tally, enum record_protocol protocol, uint16_t port,
                                           const struct tally_listener *listener)
{
    struct tally_service *service = tally_find(tally, protocol, port);

    if (service == NULL) {
        return NULL;
    }
    if (!service->sorted) {
        listeners_sort(service);
    }
    return alike_find(service, service->listener_count, listener);
}

/* Both are sorted. */
static int service_merge(struct tally_service *service, const struct tally_service *other)
{
    size_t count = service->listener_count;
    int result = listener_room_set(service, count + other->listener_count);

    for (size_t i = 0; i < other->listener_count && result == 0; i++) {
        const struct tally_listener *listener = &other->listeners[i];
        struct tally_listener *alike = alike_find(service, count, listener);
        if (alike == NULL) {
            service->listeners[service->listener_count++] = *listener;
            service->sorted = false;
        } else if (alike->sockets < listener->sockets) {
            alike->sockets = listener->sockets;
        }
    }
    return result;
}

int tally_merge(struct tally *tally, struct tally *other)
{
    int result = 0;

    for (size_t i = 0; i < other->service_count && result == 0; i++) {
        struct tally_service *from = &other->services[i];
        struct tally_service *service = service_make(tally, from->protocol, from->port);
        if (service == NULL) {
            return -ENOMEM;
        }
        service->folds = true;
        if (!service->sorted) {
            listeners_sort(service);
        }
        if (!from->sorted) {
            listeners_sort(from);
        }
        result = service_merge(service, from);
    }
    return result;
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static enum tally_kind kind_of(const struct sock_record *record)
{
    if (record->family == RECORD_INET) {
        return TALLY_IPV4;
    }
    return record_is_v4_mapped(record) ? TALLY_MAPPED : TALLY_IPV6;
}

/*
 * The listener of that family on that very address and interface, NULL when there is none. Where several share all
 * that, the one that is least likely to be v6only comes first.
 */
static const struct tally_listener *listener_find(const struct tally_service *service, enum record_family family,
                                                  const struct in6_addr *address, uint32_t interface)
{
    const struct tally_listener wanted = {.family = family, .address = *address, .interface = interface};
    size_t position =
        position_find(service->listeners, service->listener_count, sizeof wanted, &wanted, listener_compare);
    const struct tally_listener *found;

    if (position == service->listener_count) {
        return NULL;
    }
    found = &service->listeners[position];
    if (found->family != family || found->interface != interface || !IN6_ARE_ADDR_EQUAL(&found->address, address)) {
        return NULL;
    }
    return found;
}

/* The listener there that could accept connections of the kind. */
static const struct tally_listener *acceptor_find(const struct tally_service *service, enum tally_kind kind,
                                                  const struct in6_addr *address, uint32_t interface)
{
    const struct tally_listener *found =
        listener_find(service, kind == TALLY_IPV4 ? RECORD_INET : RECORD_INET6, address, interface);
    bool bars_ipv4 = found != NULL && found->v6only == RECORD_V6ONLY_YES && record_is_wildcard(RECORD_INET6, address);

    return kind == TALLY_MAPPED && bars_ipv4 ? NULL : found;
}

size_t tally_acceptors_find(const struct tally_service *service, const struct sock_record *record,
                            const struct tally_listener *found[static TALLY_ACCEPTORS_MOST])
{
    static const struct in6_addr *const wildcards[TALLY_KINDS][2] = {
        [TALLY_IPV4] = {&record_wildcards[RECORD_INET]},
        [TALLY_MAPPED] = {&record_wildcards[RECORD_INET6], &record_wildcards[RECORD_INET]},
        [TALLY_IPV6] = {&record_wildcards[RECORD_INET6]},
    };
    enum tally_kind kind = kind_of(record);
    const struct in6_addr *const addresses[3] = {wildcards[kind][0], wildcards[kind][1], &record->local};
    const uint32_t interfaces[] = {0, record->interface};
    size_t count = 0;

    for (int i = 0; i < (record->interface != 0 ? 2 : 1); i++) {
        for (size_t j = 0; j < 3; j++) {
            const struct tally_listener *listener =
                addresses[j] != NULL ? acceptor_find(service, kind, addresses[j], interfaces[i]) : NULL;
            if (listener != NULL) {
                found[count++] = listener;
            }
        }
    }
    return count;
}

bool tally_could_accept(const struct tally_service *service, const struct sock_record *record)
{
    const struct tally_listener *found[TALLY_ACCEPTORS_MOST];

    return (service->accepted_kinds & KIND_BIT(kind_of(record))) != 0 ||
           tally_acceptors_find(service, record, found) > 0;
}

/* An address of the link says little without its interface, which is the one the kernel binds the connection to. */
static int peer_add(struct tally *tally, struct tally_service *service, const struct sock_record *record,
                    enum scope scope)
{
    struct tally_peers *peers = tally_peers_make(service);
    uint32_t interface = scope_of(&record->remote, 0) == SCOPE_LINK ? record->interface : 0;

    return peers == NULL
               ? -ENOMEM
               : peers_add(&peers->by[scope][kind_of(record)], &record->remote, interface, &tally->peers_shared);
}

static int connection_add(struct tally *tally, const struct sock_record *record)
{
    struct tally_service *service = tally_find(tally, record->protocol, record->local_port);
    enum tally_kind kind = kind_of(record);
    enum scope scope;

    if (service != NULL && !service->sorted) {
        listeners_sort(service);
    }
    if (service == NULL || !tally_could_accept(service, record)) {
        tally->outbound[kind]++;
        return 0;
    }
    scope = scope_of(&record->local, record->interface);
    service->connections[scope][kind]++;
    return tally->counts_peers ? peer_add(tally, service, record, scope) : 0;
}

int tally_add(struct tally *tally, const struct sock_record *record)
{
    if (record_is_listener(record)) {
        return listener_record_add(tally, record);
    }
    return record->state == RECORD_ESTABLISHED ? connection_add(tally, record) : 0;
}

struct tally_peers *tally_peers_make(struct tally_service *service)
{
    if (service->peers == NULL) {
        service->peers = calloc(1, sizeof *service->peers);
    }
    return service->peers;
}

void tally_peers_settle(struct tally *tally, size_t most)
{
    for (size_t i = 0; i < tally->service_count; i++) {
        struct tally_peers *peers = tally->services[i].peers;
        for (int j = 0; peers != NULL && j < SCOPES * TALLY_KINDS; j++) {
            peers_settle(&peers->by[j / TALLY_KINDS][j % TALLY_KINDS], most);
        }
    }
}

static int kinds_merge(struct peers *merged, const struct tally_peers *peers, unsigned scopes)
{
    int result = 0;

    for (int i = 0; i < SCOPES * TALLY_KINDS && result == 0; i++) {
        if ((scopes & SCOPE_BIT(i / TALLY_KINDS)) != 0) {
            result = peers_merge(&merged[i % TALLY_KINDS], &peers->by[i / TALLY_KINDS][i % TALLY_KINDS]);
        }
    }
    return result;
}

int tally_peers_merge(const struct tally_service *service, unsigned scopes, size_t most, struct peers **merged)
{
    size_t clients = 0;
    int result;

    *merged = NULL;
    if (service->peers == NULL) {
        return 0;
    }
    *merged = calloc(TALLY_KINDS, sizeof **merged);
    result = *merged != NULL ? kinds_merge(*merged, service->peers, scopes) : -ENOMEM;
    for (int kind = 0; kind < TALLY_KINDS && result == 0; kind++) {
        peers_settle(&(*merged)[kind], most);
        clients += (*merged)[kind].count;
    }
    if (clients == 0) {
        tally_peers_free(*merged);
        *merged = NULL;
    }
    return result;
}

void tally_peers_free(struct peers *merged)
{
    for (int kind = 0; merged != NULL && kind < TALLY_KINDS; kind++) {
        peers_clear(&merged[kind]);
    }
    free(merged);
}

static int service_compare(const void *left, const void *right)
{
    const struct tally_service *a = left;
    const struct tally_service *b = right;
    int order = COMPARE(a->protocol, b->protocol);

    return order != 0 ? order : COMPARE(a->port, b->port);
}

/* The host's addresses were not set: listeners are reached as far as they are bound. */
static void reaches_assume(struct tally_service *service)
{
    static const struct address_facts nothing_known = {.families = {{.known = false}}};

    for (size_t i = 0; i < service->listener_count; i++) {
        struct tally_listener *listener = &service->listeners[i];
        if (!listener->has_reach) {
            listener->presence = ADDRESS_UNKNOWN;
            listener->interface_state = (struct address_interface)ADDRESS_INTERFACE_UNKNOWN;
            tally_reach_set(listener, service->protocol, &nothing_known);
        }
    }
}

void tally_order(struct tally *tally)
{
    if (tally->service_count == 0) {
        return;
    }
    qsort(tally->services, tally->service_count, sizeof *tally->services, service_compare);
    for (size_t i = 0; i < tally->service_count; i++) {
        struct tally_service *service = &tally->services[i];
        if (!service->sorted) {
            listeners_sort(service);
        }
        tally->by_port[service->protocol][service->port] = (uint32_t)(i + 1);
    }
}

void tally_sort(struct tally *tally)
{
    tally_order(tally);
    for (size_t i = 0; i < tally->service_count; i++) {
        reaches_assume(&tally->services[i]);
    }
}

void tally_cgroups_forget(struct tally *tally)
{
    for (size_t i = 0; i < tally->service_count; i++) {
        struct tally_service *service = &tally->services[i];
        for (size_t j = 0; j < service->listener_count; j++) {
            service->listeners[j].cgroup = 0;
        }
        qsort(service->listeners, service->listener_count, sizeof *service->listeners, listener_compare);
        listeners_fold(service);
    }
}

size_t tally_position(const struct tally *tally, enum record_protocol protocol, uint16_t port)
{
    const struct tally_service wanted = {.protocol = protocol, .port = port};

    return position_find(tally->services, tally->service_count, sizeof wanted, &wanted, service_compare);
}

uint64_t tally_mapped_sum(const uint64_t counts[static TALLY_KINDS])
{
    return counts[TALLY_MAPPED];
}

uint64_t tally_ipv4_sum(const uint64_t counts[static TALLY_KINDS])
{
    return counts[TALLY_IPV4] + counts[TALLY_MAPPED];
}

struct stack_accepts tally_accepts(const struct tally_listener *listener)
{
    return stack_accepts(listener->family, &listener->address, listener->v6only);
}

enum record_answer tally_accepts_family(const struct tally_listener *listener, enum record_family wire)
{
    const struct stack_accepts accepts = tally_accepts(listener);

    return wire == RECORD_INET ? accepts.ipv4 : accepts.ipv6;
}

bool tally_interface_is_known(const struct tally *tally, enum record_protocol protocol,
                              const struct tally_listener *listener)
{
    return listener->interface != 0 || !tally->interfaces_unknown[protocol];
}

/* --- reach -------------------------------------------------------------------------------------------------------- */

struct reach tally_reach(const struct tally *tally, const struct tally_listener *listener, enum record_family wire)
{
    const struct reach *reach = &listener->reach[wire];

    if (wire == RECORD_INET6 && !reach->known && tally->host.ipv6 == RECORD_NO) {
        return (struct reach){.extent = REACH_NONE, .limit = REACH_HOST_ADDRESSES, .known = true};
    }
    return *reach;
}

void tally_reach_set(struct tally_listener *listener, enum record_protocol protocol, const struct address_facts *host)
{
    const struct reach_socket socket = {
        .protocol = protocol,
        .family = listener->family,
        .address = listener->address,
        .interface = listener->interface,
        .presence = listener->presence,
        .state = listener->interface_state,
    };

    for (enum record_family wire = 0; wire < RECORD_FAMILIES; wire++) {
        listener->reach[wire] = reach_of(&socket, host, wire);
        listener->bound[wire] = reach_as_bound(&socket, wire).extent;
    }
    listener->has_reach = true;
}

struct tally_listener tally_listener_of(const struct tally *tally, const struct sock_record *record)
{
    const struct tally_service *service = tally_find(tally, record->protocol, record->local_port);
    const struct tally_listener *found =
        service != NULL ? listener_find(service, record->family, &record->local, record->interface) : NULL;
    struct tally_listener listener = found != NULL ? *found : listener_make(record);

    listener.v6only = record->v6only;
    if (found == NULL) {
        tally_reach_set(&listener, record->protocol, &tally->addresses);
    }
    return listener;
}
