/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads captures back: the listeners, the counts of connections, and everything about them.
 */
#include "config.h"

#include "capture/capture_read.h"

#include "capture/capture_format.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct reader {
    struct snapshot *snapshot;
    char *error;
    bool has_addresses; /* schema 2: of the host and of what it listens on */
};

/* --- counts ------------------------------------------------------------------------------------------------------- */

#define COUNT_FIELD(word)                                                                                              \
    {                                                                                                                  \
        .name = (word), .type = JSON_FIELD_NUMBER, .most = CAPTURE_COUNT_MOST                                          \
    }

enum {
    ENTRY_PROTOCOL = TALLY_KINDS,
    ENTRY_PORT,
    ENTRY_SCOPE,
    ENTRY_FIELDS
};

/* The kinds come first, so that they are the members of outbound, too. */
static const struct json_field entry_fields[ENTRY_FIELDS] = {
    [TALLY_IPV4] = COUNT_FIELD("ipv4"),
    [TALLY_MAPPED] = COUNT_FIELD("ipv4_mapped"),
    [TALLY_IPV6] = COUNT_FIELD("ipv6"),
    [ENTRY_PROTOCOL] = {.name = "protocol", .type = JSON_FIELD_WORD, .word = protocol_word},
    [ENTRY_PORT] = {.name = "port", .type = JSON_FIELD_NUMBER, .least = 1, .most = UINT16_MAX},
    [ENTRY_SCOPE] = {.name = "scope", .type = JSON_FIELD_WORD, .word = scope_word},
};

static int outbound_read(const struct reader *reader, json_t *outbound)
{
    static const struct json_path path = {.name = "outbound"};
    struct json_field_value values[TALLY_KINDS];
    int result = json_field_read_all(reader->error, &path, outbound, entry_fields, TALLY_KINDS, values);

    for (int kind = 0; kind < TALLY_KINDS && result == 0; kind++) {
        reader->snapshot->tally->outbound[kind] = (uint64_t)values[kind].number;
    }
    return result;
}

static int entry_read(const struct reader *reader, const struct json_path *path, json_t *node)
{
    struct json_field_value values[ENTRY_FIELDS];
    struct tally_service *service;
    int result = json_field_read_element(reader->error, path, node, entry_fields, ENTRY_FIELDS, values);
    uint64_t *counts;

    if (result != 0) {
        return result;
    }
    service = tally_find(reader->snapshot->tally, (enum record_protocol)values[ENTRY_PROTOCOL].number,
                         (uint16_t)values[ENTRY_PORT].number);
    if (service == NULL) {
        return json_field_fail(reader->error, path, "refers to a service without a listener");
    }
    counts = service->connections[values[ENTRY_SCOPE].number];
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        if (counts[kind] != 0) {
            return json_field_fail(reader->error, path, "refers to a service and scope that an earlier element has");
        }
    }
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        counts[kind] = (uint64_t)values[kind].number;
    }
    return 0;
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

/* A list of words of scopes; null: not known. */
static int scopes_read(const struct reader *reader, const struct json_path *list, json_t *node, unsigned *scopes)
{
    static const struct json_field field = {.type = JSON_FIELD_WORD, .word = scope_word};
    struct json_path path = {.parent = list};
    json_t *element;

    json_array_foreach(node, path.index, element)
    {
        struct json_field_value value;
        int result = json_field_read(reader->error, &path, &field, element, &value);
        if (result == 0 && (*scopes & SCOPE_BIT(value.number)) != 0) {
            result = json_field_fail(reader->error, &path, "appears twice");
        }
        if (result != 0) {
            return result;
        }
        *scopes |= SCOPE_BIT(value.number);
    }
    return 0;
}

static int addresses_read(const struct reader *reader, const struct json_path *path, json_t *node,
                          struct address_facts *addresses)
{
    struct json_field fields[RECORD_FAMILIES];
    struct json_field_value values[RECORD_FAMILIES];
    int result;

    for (int i = 0; i < RECORD_FAMILIES; i++) {
        fields[i] = (struct json_field){.name = capture_addresses_word(i), .type = JSON_FIELD_ARRAY, .nullable = true};
    }
    result = json_field_read_all(reader->error, path, node, fields, RECORD_FAMILIES, values);
    for (int i = 0; i < RECORD_FAMILIES && result == 0; i++) {
        struct json_path family = {.parent = path, .name = fields[i].name};
        addresses->families[i].known = !values[i].null;
        result = scopes_read(reader, &family, values[i].node, &addresses->families[i].scopes);
    }
    return result;
}

/* --- listeners ---------------------------------------------------------------------------------------------------- */

enum {
    LISTENER_PROTOCOL,
    LISTENER_PORT,
    LISTENER_FAMILY,
    LISTENER_ADDRESS,
    LISTENER_INTERFACE,
    LISTENER_INTERFACE_NAME,
    LISTENER_V6ONLY,
    LISTENER_SOCKETS,
    LISTENER_UID,
    LISTENER_USER,
    LISTENER_CGROUP,
    LISTENER_UNIT_STATE,
    LISTENER_UNIT,
    LISTENER_FIELDS_1, /* how many they are in schema 1 */
    LISTENER_PRESENCE = LISTENER_FIELDS_1,
    LISTENER_INTERFACE_STATE,
    LISTENER_FIELDS
};

static const struct json_field listener_fields[LISTENER_FIELDS] = {
    [LISTENER_PROTOCOL] = {.name = "protocol", .type = JSON_FIELD_WORD, .word = protocol_word},
    [LISTENER_PORT] = {.name = "port", .type = JSON_FIELD_NUMBER, .least = 1, .most = UINT16_MAX},
    [LISTENER_FAMILY] = {.name = "family", .type = JSON_FIELD_WORD, .word = capture_family_word},
    [LISTENER_ADDRESS] = {.name = "address", .type = JSON_FIELD_TEXT, .least = 2, .most = RECORD_ADDRESS_SIZE - 1},
    [LISTENER_INTERFACE] = {.name = "interface", .type = JSON_FIELD_NUMBER, .most = UINT32_MAX},
    [LISTENER_INTERFACE_NAME] = {.name = "interface_name",
                                 .type = JSON_FIELD_TEXT,
                                 .nullable = true,
                                 .least = 1,
                                 .most = CAPTURE_INTERFACE_MOST},
    [LISTENER_V6ONLY] = {.name = "v6only", .type = JSON_FIELD_BOOLEAN, .nullable = true},
    [LISTENER_SOCKETS] = {.name = "sockets", .type = JSON_FIELD_NUMBER, .least = 1, .most = UINT32_MAX},
    [LISTENER_UID] = {.name = "uid", .type = JSON_FIELD_NUMBER, .nullable = true, .most = RECORD_UID_HIDDEN - 1},
    [LISTENER_USER] =
        {.name = "user", .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_OWNER_MOST},
    /* In older captures: it changes whenever its unit starts. */
    [LISTENER_CGROUP] = {.name = "cgroup", .type = JSON_FIELD_NUMBER, .optional = true, .most = INT64_MAX},
    [LISTENER_UNIT_STATE] = {.name = "unit_state", .type = JSON_FIELD_WORD, .word = capture_unit_word},
    [LISTENER_UNIT] =
        {.name = "unit", .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_OWNER_MOST},
    [LISTENER_PRESENCE] = {.name = "presence", .type = JSON_FIELD_WORD, .word = capture_presence_word},
    [LISTENER_INTERFACE_STATE] = {.name = "interface_state", .type = JSON_FIELD_OBJECT, .nullable = true},
};

static int address_parse(const struct reader *reader, const struct json_path *parent, enum record_family family,
                         const char *text, struct in6_addr *address)
{
    struct json_path path = {.parent = parent, .name = "address"};

    if (!record_address_parse(family, text, address)) {
        return json_field_fail(reader->error, &path, "is \"%s\", must be an %s address, as the family is %s", text,
                               record_family_name(family), capture_family_word((int)family));
    }
    return 0;
}

static int interface_state_read(const struct reader *reader, const struct json_path *listener,
                                const struct json_field_value *values, struct address_interface *state)
{
    enum {
        THERE,
        UP,
        IPV6,
        VRF,
        ADDRESSES,
        FIELDS
    };
    static const struct json_field fields[FIELDS] = {
        [THERE] = {.name = "there", .type = JSON_FIELD_BOOLEAN, .nullable = true},
        [UP] = {.name = "up", .type = JSON_FIELD_BOOLEAN, .nullable = true},
        [IPV6] = {.name = "ipv6", .type = JSON_FIELD_BOOLEAN, .nullable = true},
        [VRF] = {.name = "vrf", .type = JSON_FIELD_BOOLEAN, .nullable = true},
        [ADDRESSES] = {.name = "addresses", .type = JSON_FIELD_OBJECT},
    };
    struct json_path path = {.parent = listener, .name = "interface_state"};
    struct json_path own = {.parent = &path, .name = fields[ADDRESSES].name};
    struct json_field_value answers[FIELDS];
    int result;

    if ((values[LISTENER_INTERFACE].number == 0) != values[LISTENER_INTERFACE_STATE].null) {
        return json_field_fail(reader->error, &path, "must be null where interface is 0, and only there");
    }
    if (values[LISTENER_INTERFACE_STATE].null) {
        return 0;
    }
    result = json_field_read_all(reader->error, &path, values[LISTENER_INTERFACE_STATE].node, fields, FIELDS, answers);
    if (result != 0) {
        return result;
    }
    state->there = json_field_answer(&answers[THERE]);
    state->up = json_field_answer(&answers[UP]);
    state->ipv6 = json_field_answer(&answers[IPV6]);
    state->vrf = json_field_answer(&answers[VRF]);
    return addresses_read(reader, &own, answers[ADDRESSES].node, &state->own);
}

/* Refuses members that contradict each other. */
static int listener_check(const struct reader *reader, const struct json_path *listener,
                          const struct json_field_value *values)
{
    struct json_path path = {.parent = listener, .name = "v6only"};

    if (values[LISTENER_FAMILY].number == RECORD_INET && !values[LISTENER_V6ONLY].null) {
        return json_field_fail(reader->error, &path, "must be null, as the family is inet");
    }
    path.name = "interface_name";
    if ((values[LISTENER_INTERFACE].number == 0) != values[LISTENER_INTERFACE_NAME].null) {
        return json_field_fail(reader->error, &path, "must be null where interface is 0, and only there");
    }
    path.name = "unit";
    if ((values[LISTENER_UNIT_STATE].number == CAPTURE_UNIT_WORD(TALLY_UNIT_KNOWN)) == values[LISTENER_UNIT].null) {
        return json_field_fail(reader->error, &path, "must be null where unit_state is not \"known\", and only there");
    }
    return 0;
}

static enum record_v6only v6only_of(const struct json_field_value *value)
{
    if (value->null) {
        return RECORD_V6ONLY_UNKNOWN;
    }
    return value->number != 0 ? RECORD_V6ONLY_YES : RECORD_V6ONLY_NO;
}

static int listener_add(const struct reader *reader, const struct json_field_value *values,
                        struct tally_listener *listener)
{
    listener->family = (enum record_family)values[LISTENER_FAMILY].number;
    listener->interface = (uint32_t)values[LISTENER_INTERFACE].number;
    json_field_text_keep(listener->interface_name, &values[LISTENER_INTERFACE_NAME]);
    listener->v6only = v6only_of(&values[LISTENER_V6ONLY]);
    listener->scope = scope_of(&listener->address, listener->interface);
    listener->sockets = (uint32_t)values[LISTENER_SOCKETS].number;
    listener->uid = values[LISTENER_UID].null ? RECORD_UID_HIDDEN : (uint32_t)values[LISTENER_UID].number;
    listener->cgroup = (uint64_t)values[LISTENER_CGROUP].number;
    listener->unit_state = (enum tally_unit)(values[LISTENER_UNIT_STATE].number + TALLY_UNIT_KNOWN);
    listener->user = values[LISTENER_USER].null ? NULL : values[LISTENER_USER].text;
    listener->unit = values[LISTENER_UNIT].null ? NULL : values[LISTENER_UNIT].text;
    if (reader->has_addresses) {
        listener->presence = (enum address_presence)values[LISTENER_PRESENCE].number;
        tally_reach_set(listener, (enum record_protocol)values[LISTENER_PROTOCOL].number,
                        &reader->snapshot->tally->addresses);
    }
    return tally_listener_add(reader->snapshot->tally, (enum record_protocol)values[LISTENER_PROTOCOL].number,
                              (uint16_t)values[LISTENER_PORT].number, listener);
}

static int listener_read(const struct reader *reader, const struct json_path *path, json_t *node)
{
    struct json_field_value values[LISTENER_FIELDS];
    struct tally_listener listener = {0};
    size_t count = reader->has_addresses ? LISTENER_FIELDS : LISTENER_FIELDS_1;
    int result = json_field_read_element(reader->error, path, node, listener_fields, count, values);

    if (result == 0) {
        result = listener_check(reader, path, values);
    }
    if (result == 0) {
        result = address_parse(reader, path, (enum record_family)values[LISTENER_FAMILY].number,
                               values[LISTENER_ADDRESS].text, &listener.address);
    }
    if (result == 0 && reader->has_addresses) {
        result = interface_state_read(reader, path, values, &listener.interface_state);
    }
    return result != 0 ? result : listener_add(reader, values, &listener);
}

/* The tally is sorted, so equal listeners are next to each other. */
static int duplicates_refuse(const struct reader *reader)
{
    static const struct json_path path = {.name = "listeners"};
    const struct tally *tally = reader->snapshot->tally;
    char endpoint[RECORD_ENDPOINT_SIZE];

    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        for (size_t j = 1; j < service->listener_count; j++) {
            const struct tally_listener *listener = &service->listeners[j];
            if (tally_listeners_are_alike(listener - 1, listener)) {
                record_endpoint_format(endpoint, listener->family, &listener->address, service->port,
                                       listener->interface_name);
                return json_field_fail(reader->error, &path, "hold %s/%s of uid %lu more than once", endpoint,
                                       protocol_name(service->protocol), (unsigned long)listener->uid);
            }
        }
    }
    return 0;
}

/* Reads each element of a list. */
static int list_read(const struct reader *reader, const struct json_path *parent, json_t *list,
                     int (*read)(const struct reader *reader, const struct json_path *path, json_t *node))
{
    struct json_path path = {.parent = parent};
    json_t *node;

    json_array_foreach(list, path.index, node)
    {
        int result = read(reader, &path, node);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* --- clients ------------------------------------------------------------------------------------------------------ */

static int client_read(const struct reader *reader, const struct json_path *path, json_t *node,
                       enum record_family family, struct peers *peers)
{
    enum {
        ADDRESS,
        INTERFACE,
        INTERFACE_NAME,
        CONNECTIONS,
        EXCESS,
        FIELDS
    };
    static const struct json_field fields[FIELDS] = {
        [ADDRESS] = {.name = "address", .type = JSON_FIELD_TEXT, .least = 2, .most = RECORD_ADDRESS_SIZE - 1},
        [INTERFACE] = {.name = "interface", .type = JSON_FIELD_NUMBER, .most = UINT32_MAX},
        [INTERFACE_NAME] = {.name = "interface_name",
                            .type = JSON_FIELD_TEXT,
                            .nullable = true,
                            .least = 1,
                            .most = CAPTURE_INTERFACE_MOST},
        [CONNECTIONS] = {.name = "connections", .type = JSON_FIELD_NUMBER, .least = 1, .most = CAPTURE_COUNT_MOST},
        [EXCESS] = {.name = "excess", .type = JSON_FIELD_NUMBER, .most = CAPTURE_EXCESS_MOST},
    };
    struct json_field_value values[FIELDS];
    struct peers_client client = {.interface_name = NULL};
    int result = json_field_read_element(reader->error, path, node, fields, FIELDS, values);

    if (result == 0) {
        result = address_parse(reader, path, family, values[ADDRESS].text, &client.address);
    }
    if (result != 0) {
        return result;
    }
    client.interface = (uint32_t)values[INTERFACE].number;
    client.connections = (uint64_t)values[CONNECTIONS].number;
    client.excess = (uint32_t)values[EXCESS].number;
    if (!values[INTERFACE_NAME].null) {
        client.interface_name = tally_text_keep(reader->snapshot->tally, values[INTERFACE_NAME].text);
    }
    return !values[INTERFACE_NAME].null && client.interface_name == NULL ? -ENOMEM : peers_client_add(peers, &client);
}

enum {
    PEERS_PROTOCOL,
    PEERS_PORT,
    PEERS_SCOPE,
    PEERS_CONNECTIONS,
    PEERS_CLIENTS,
    PEERS_IS_EXACT,
    PEERS_BUSIEST,
    PEERS_FIELDS
};

static int busiest_read(const struct reader *reader, const struct json_path *parent,
                        const struct json_field_value *values, struct peers *peers)
{
    struct json_path list = {.parent = parent, .name = "busiest"};
    struct json_path path = {.parent = &list};
    enum record_family family = values[PEERS_CONNECTIONS].number == TALLY_IPV6 ? RECORD_INET6 : RECORD_INET;
    size_t count = json_array_size(values[PEERS_BUSIEST].node);
    json_t *node;

    json_array_foreach(values[PEERS_BUSIEST].node, path.index, node)
    {
        int result = client_read(reader, &path, node, family, peers);
        if (result != 0) {
            return result;
        }
    }
    peers->distinct = (size_t)values[PEERS_CLIENTS].number;
    peers->floor = values[PEERS_IS_EXACT].number != 0 ? 0 : 1;
    if (count > peers->distinct) {
        return json_field_fail(reader->error, &list, "holds more than the %zu clients", peers->distinct);
    }
    peers_settle(peers, count);
    return peers->count == count ? 0 : json_field_fail(reader->error, &list, "holds a client twice");
}

static int peers_read(const struct reader *reader, const struct json_path *path, json_t *node)
{
    static const struct json_field fields[PEERS_FIELDS] = {
        [PEERS_PROTOCOL] = {.name = "protocol", .type = JSON_FIELD_WORD, .word = protocol_word},
        [PEERS_PORT] = {.name = "port", .type = JSON_FIELD_NUMBER, .least = 1, .most = UINT16_MAX},
        [PEERS_SCOPE] = {.name = "scope", .type = JSON_FIELD_WORD, .word = scope_word},
        [PEERS_CONNECTIONS] = {.name = "connections", .type = JSON_FIELD_WORD, .word = capture_kind_word},
        [PEERS_CLIENTS] = {.name = "clients", .type = JSON_FIELD_NUMBER, .least = 1, .most = CAPTURE_COUNT_MOST},
        [PEERS_IS_EXACT] = {.name = "exact", .type = JSON_FIELD_BOOLEAN},
        [PEERS_BUSIEST] = {.name = "busiest", .type = JSON_FIELD_ARRAY},
    };
    struct json_field_value values[PEERS_FIELDS];
    struct tally_service *service;
    struct tally_peers *by_scope;
    struct peers *peers;
    int result = json_field_read_element(reader->error, path, node, fields, PEERS_FIELDS, values);

    if (result != 0) {
        return result;
    }
    service = tally_find(reader->snapshot->tally, (enum record_protocol)values[PEERS_PROTOCOL].number,
                         (uint16_t)values[PEERS_PORT].number);
    if (service == NULL) {
        return json_field_fail(reader->error, path, "refers to a service without a listener");
    }
    by_scope = tally_peers_make(service);
    if (by_scope == NULL) {
        return -ENOMEM;
    }
    peers = &by_scope->by[values[PEERS_SCOPE].number][values[PEERS_CONNECTIONS].number];
    if (peers->count > 0) {
        return json_field_fail(reader->error, path,
                               "refers to a service, scope and family that an earlier element has");
    }
    return busiest_read(reader, path, values, peers);
}

/* --- head --------------------------------------------------------------------------------------------------------- */

enum {
    PROTOCOL_UNREADABLE,
    PROTOCOL_REMARK,
    PROTOCOL_FIELDS
};

#define SENTENCE_FIELD(word)                                                                                           \
    {                                                                                                                  \
        .name = (word), .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_SENTENCE_MOST           \
    }

static int protocol_read(const struct reader *reader, const struct json_path *path, json_t *node, int protocol)
{
    static const struct json_field fields[PROTOCOL_FIELDS] = {
        [PROTOCOL_UNREADABLE] = SENTENCE_FIELD("unreadable"),
        [PROTOCOL_REMARK] = SENTENCE_FIELD("remark"),
    };
    struct json_field_value values[PROTOCOL_FIELDS];
    int result = json_field_read_all(reader->error, path, node, fields, PROTOCOL_FIELDS, values);

    if (result == 0) {
        _Static_assert(sizeof reader->snapshot->tally->unreadable[0] == CAPTURE_SENTENCE_MOST + 1, "holds a sentence");
        _Static_assert(sizeof reader->snapshot->remarks[0] == CAPTURE_SENTENCE_MOST + 1, "holds a sentence");
        json_field_text_keep(reader->snapshot->tally->unreadable[protocol], &values[PROTOCOL_UNREADABLE]);
        json_field_text_keep(reader->snapshot->remarks[protocol], &values[PROTOCOL_REMARK]);
    }
    return result;
}

static int protocols_read(const struct reader *reader, json_t *node)
{
    static const struct json_path path = {.name = "protocols"};
    struct json_field fields[RECORD_PROTOCOLS];
    struct json_field_value values[RECORD_PROTOCOLS];
    int result;

    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        fields[i] = (struct json_field){.name = protocol_word(i), .type = JSON_FIELD_OBJECT};
    }
    result = json_field_read_all(reader->error, &path, node, fields, RECORD_PROTOCOLS, values);
    for (int i = 0; i < RECORD_PROTOCOLS && result == 0; i++) {
        struct json_path protocol = {.parent = &path, .name = fields[i].name};
        result = protocol_read(reader, &protocol, values[i].node, i);
    }
    return result;
}

/* A pair of ports, the first not behind the last. */
static int ports_read(const struct reader *reader, const struct json_path *path, json_t *node, uint16_t ports[static 2])
{
    static const struct json_field list = {.type = JSON_FIELD_ARRAY};
    static const struct json_field port = {.type = JSON_FIELD_NUMBER, .most = UINT16_MAX};
    struct json_path end = {.parent = path};
    struct json_field_value value;
    int result = json_field_read(reader->error, path, &list, node, &value);

    if (result == 0 && json_array_size(node) != 2) {
        result = json_field_fail(reader->error, path, "holds %zu elements, must hold 2", json_array_size(node));
    }
    for (; end.index < 2 && result == 0; end.index++) {
        result = json_field_read(reader->error, &end, &port, json_array_get(node, end.index), &value);
        ports[end.index] = (uint16_t)value.number;
    }
    if (result == 0 && ports[0] > ports[1]) {
        result = json_field_fail(reader->error, path, "ends before it begins");
    }
    return result;
}

static int reserved_ports_read(const struct reader *reader, const struct json_path *path, json_t *node)
{
    uint16_t ports[2];
    int result = ports_read(reader, path, node, ports);

    if (result == 0) {
        host_port_reserve(&reader->snapshot->tally->host, ports[0], ports[1]);
    }
    return result;
}

static int sysctls_read(const struct reader *reader, json_t *node)
{
    enum {
        BINDV6ONLY,
        DISABLE_IPV6,
        PORT_RANGE,
        FIELDS_1,
        RESERVED_PORTS = FIELDS_1,
        FIELDS
    };
    static const struct json_field fields[FIELDS] = {
        [BINDV6ONLY] = {.name = "net.ipv6.bindv6only", .type = JSON_FIELD_NUMBER, .nullable = true, .most = 1},
        [DISABLE_IPV6] = {.name = "net.ipv6.conf.all.disable_ipv6",
                          .type = JSON_FIELD_NUMBER,
                          .nullable = true,
                          .most = 1},
        [PORT_RANGE] = {.name = "net.ipv4.ip_local_port_range", .type = JSON_FIELD_ARRAY, .nullable = true},
        [RESERVED_PORTS] = {.name = "net.ipv4.ip_local_reserved_ports", .type = JSON_FIELD_ARRAY},
    };
    static const struct json_path path = {.name = "sysctls"};
    static const struct json_path range = {.parent = &path, .name = "net.ipv4.ip_local_port_range"};
    static const struct json_path reserved = {.parent = &path, .name = "net.ipv4.ip_local_reserved_ports"};
    struct sock_host *host = &reader->snapshot->tally->host;
    struct json_field_value values[FIELDS];
    uint16_t ports[2] = {1, 0};
    int result = json_field_read_all(reader->error, &path, node, fields,
                                     reader->has_addresses ? (size_t)FIELDS : (size_t)FIELDS_1, values);

    if (result != 0) {
        return result;
    }
    host->bindv6only = json_field_answer(&values[BINDV6ONLY]);
    host->disable_ipv6 = json_field_answer(&values[DISABLE_IPV6]);
    if (!values[PORT_RANGE].null) {
        result = ports_read(reader, &range, values[PORT_RANGE].node, ports);
    }
    host->port_range_first = ports[0];
    host->port_range_last = ports[1];
    if (result == 0 && reader->has_addresses) {
        result = list_read(reader, &reserved, values[RESERVED_PORTS].node, reserved_ports_read);
    }
    return result;
}

enum {
    HEAD_FORMAT,
    HEAD_SCHEMA,
    HEAD_VERSION,
    HEAD_TIME,
    HEAD_HOST,
    HEAD_KERNEL,
    HEAD_NETNS,
    HEAD_NAMESPACE,
    HEAD_SOURCE,
    HEAD_FAULT,
    HEAD_IPV6,
    HEAD_SYSCTLS,
    HEAD_PROTOCOLS,
    HEAD_LISTENERS,
    HEAD_CONNECTIONS,
    HEAD_OUTBOUND,
    HEAD_PEERS,
    HEAD_FIELDS_1,
    HEAD_NETNS_OF_PROCESS_1 = HEAD_FIELDS_1,
    HEAD_ADDRESSES,
    HEAD_FIELDS
};

static const struct json_field head_fields[HEAD_FIELDS] = {
    [HEAD_FORMAT] = {.name = "format", .type = JSON_FIELD_WORD, .word = capture_format_word},
    [HEAD_SCHEMA] = {.name = "schema",
                     .type = JSON_FIELD_NUMBER,
                     .least = CAPTURE_SCHEMA_OLDEST,
                     .most = CAPTURE_SCHEMA},
    [HEAD_VERSION] = {.name = "version", .type = JSON_FIELD_TEXT, .least = 1, .most = CAPTURE_VERSION_MOST},
    [HEAD_TIME] = {.name = "time", .type = JSON_FIELD_TEXT, .least = CAPTURE_TIME_LENGTH, .most = CAPTURE_TIME_LENGTH},
    [HEAD_HOST] = {.name = "host", .type = JSON_FIELD_TEXT, .most = CAPTURE_HOST_MOST},
    [HEAD_KERNEL] = {.name = "kernel", .type = JSON_FIELD_TEXT, .most = CAPTURE_HOST_MOST},
    [HEAD_NETNS] = {.name = "netns", .type = JSON_FIELD_NUMBER, .nullable = true, .least = 1, .most = INT64_MAX},
    [HEAD_NAMESPACE] =
        {.name = "namespace", .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_NAMESPACE_MOST},
    [HEAD_SOURCE] = {.name = "source", .type = JSON_FIELD_WORD, .nullable = true, .word = capture_source_word},
    [HEAD_FAULT] = {.name = "fault", .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_FAULT_MOST},
    [HEAD_IPV6] = {.name = "ipv6", .type = JSON_FIELD_BOOLEAN, .nullable = true},
    [HEAD_SYSCTLS] = {.name = "sysctls", .type = JSON_FIELD_OBJECT},
    [HEAD_PROTOCOLS] = {.name = "protocols", .type = JSON_FIELD_OBJECT},
    [HEAD_LISTENERS] = {.name = "listeners", .type = JSON_FIELD_ARRAY},
    [HEAD_CONNECTIONS] = {.name = "connections", .type = JSON_FIELD_ARRAY},
    [HEAD_OUTBOUND] = {.name = "outbound", .type = JSON_FIELD_OBJECT},
    [HEAD_PEERS] = {.name = "peers", .type = JSON_FIELD_ARRAY, .optional = true},
    [HEAD_NETNS_OF_PROCESS_1] = {.name = "netns_of_process_1", .type = JSON_FIELD_BOOLEAN, .nullable = true},
    [HEAD_ADDRESSES] = {.name = "addresses", .type = JSON_FIELD_OBJECT},
};

static int head_read(const struct reader *reader, const struct json_field_value *values)
{
    static const struct json_path time_path = {.name = "time"};
    struct snapshot *snapshot = reader->snapshot;
    struct sock_host *host = &snapshot->tally->host;

    _Static_assert(sizeof host->name == CAPTURE_HOST_MOST + 1 && sizeof host->kernel == CAPTURE_HOST_MOST + 1,
                   "hold a name");
    _Static_assert(sizeof snapshot->namespace == CAPTURE_NAMESPACE_MOST + 1 &&
                       sizeof snapshot->fault == CAPTURE_FAULT_MOST + 1,
                   "hold a text");
    if (!json_field_time(&values[HEAD_TIME], &snapshot->time)) {
        return json_field_fail(reader->error, &time_path,
                               "is \"%s\", must be a time in UTC such as 2026-11-22T09:00:00Z", values[HEAD_TIME].text);
    }
    json_field_text_keep(host->name, &values[HEAD_HOST]);
    json_field_text_keep(host->kernel, &values[HEAD_KERNEL]);
    json_field_text_keep(snapshot->namespace, &values[HEAD_NAMESPACE]);
    snprintf(snapshot->source, sizeof snapshot->source, "%s",
             values[HEAD_SOURCE].null ? "" : capture_source_word((int)values[HEAD_SOURCE].number));
    /* Which of the protocols that was is not there, and of both it may be. */
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        snapshot->tally->interfaces_unknown[protocol] = strstr(snapshot->source, "procfs") != NULL;
    }
    json_field_text_keep(snapshot->fault, &values[HEAD_FAULT]);
    host->netns = (uint64_t)values[HEAD_NETNS].number;
    host->ipv6 = json_field_answer(&values[HEAD_IPV6]);
    host->netns_of_init = reader->has_addresses ? json_field_answer(&values[HEAD_NETNS_OF_PROCESS_1]) : RECORD_UNKNOWN;
    return 0;
}

/* --- the whole capture -------------------------------------------------------------------------------------------- */

/* Refuses what is not a capture or comes from a later version, before its other members are found to be unknown. */
static int schema_check(struct reader *reader, json_t *root)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *schema = json_object_get(root, "schema");

    if (format == NULL || strcmp(format, CAPTURE_FORMAT) != 0) {
        snprintf(reader->error, JSON_FIELD_ERROR_SIZE,
                 "is not a capture of check_dualstack: format must be \"%s\", as --capture writes it", CAPTURE_FORMAT);
        return -EINVAL;
    }
    if (json_integer_value(schema) > CAPTURE_SCHEMA) {
        snprintf(reader->error, JSON_FIELD_ERROR_SIZE,
                 "schema is %" JSON_INTEGER_FORMAT ", check_dualstack %s knows up to %d: replay it with a newer one",
                 json_integer_value(schema), PACKAGE_VERSION, CAPTURE_SCHEMA);
        return -EINVAL;
    }
    reader->has_addresses = json_integer_value(schema) >= 2;
    return 0;
}

static int root_read(struct reader *reader, json_t *root)
{
    static const struct json_path addresses = {.name = "addresses"};
    static const struct json_path listeners = {.name = "listeners"};
    static const struct json_path connections = {.name = "connections"};
    static const struct json_path peers = {.name = "peers"};
    struct json_field_value values[HEAD_FIELDS];
    int result = schema_check(reader, root);

    if (result == 0) {
        result = json_field_read_all(reader->error, NULL, root, head_fields,
                                     reader->has_addresses ? (size_t)HEAD_FIELDS : (size_t)HEAD_FIELDS_1, values);
    }
    if (result == 0) {
        result = head_read(reader, values);
    }
    if (result == 0) {
        result = sysctls_read(reader, values[HEAD_SYSCTLS].node);
    }
    if (result == 0 && reader->has_addresses) {
        result = addresses_read(reader, &addresses, values[HEAD_ADDRESSES].node, &reader->snapshot->tally->addresses);
    }
    if (result == 0) {
        result = protocols_read(reader, values[HEAD_PROTOCOLS].node);
    }
    if (result == 0) {
        result = list_read(reader, &listeners, values[HEAD_LISTENERS].node, listener_read);
    }
    if (result != 0) {
        return result;
    }
    tally_sort(reader->snapshot->tally);
    result = duplicates_refuse(reader);
    tally_cgroups_forget(reader->snapshot->tally);
    if (result == 0) {
        result = list_read(reader, &connections, values[HEAD_CONNECTIONS].node, entry_read);
    }
    if (result == 0 && !values[HEAD_PEERS].null) {
        reader->snapshot->tally->counts_peers = true;
        result = list_read(reader, &peers, values[HEAD_PEERS].node, peers_read);
    }
    return result != 0 ? result : outbound_read(reader, values[HEAD_OUTBOUND].node);
}

int capture_read(const char *bytes, size_t length, struct snapshot **snapshot, char error[static JSON_FIELD_ERROR_SIZE])
{
    struct reader reader = {.error = error};
    json_t *root = NULL;
    int result = json_field_root_parse(bytes, length, &root, error);

    *snapshot = NULL;
    if (result == 0) {
        reader.snapshot = snapshot_create();
        result = reader.snapshot != NULL ? root_read(&reader, root) : -ENOMEM;
    }
    json_decref(root);
    if (result != 0) {
        snapshot_free(reader.snapshot);
        return result;
    }
    reader.snapshot->owners_known = true;
    *snapshot = reader.snapshot;
    return 0;
}
