/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads captures back: the listeners, the counts of connections, and everything about them.
 */
#include "config.h"

#include "capture/capture_read.h"

#include "capture/capture_format.h"
#include "socket/protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct snapshot *snapshot;
    char *error;
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
        return json_field_fail(reader->error, path, "is of a service that no listener is of");
    }
    counts = service->connections[values[ENTRY_SCOPE].number];
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        if (counts[kind] != 0) {
            return json_field_fail(reader->error, path, "is of a service and scope that an element before it is of");
        }
    }
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        counts[kind] = (uint64_t)values[kind].number;
    }
    return 0;
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
    [LISTENER_UID] = {.name = "uid", .type = JSON_FIELD_NUMBER, .most = UINT32_MAX},
    [LISTENER_USER] =
        {.name = "user", .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_OWNER_MOST},
    [LISTENER_CGROUP] = {.name = "cgroup", .type = JSON_FIELD_NUMBER, .most = INT64_MAX},
    [LISTENER_UNIT_STATE] = {.name = "unit_state", .type = JSON_FIELD_WORD, .word = capture_unit_word},
    [LISTENER_UNIT] =
        {.name = "unit", .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_OWNER_MOST},
};

static int address_read(const struct reader *reader, const struct json_path *listener,
                        const struct json_field_value *values, struct in6_addr *address)
{
    struct json_path path = {.parent = listener, .name = "address"};
    enum record_family family = (enum record_family)values[LISTENER_FAMILY].number;
    const char *text = values[LISTENER_ADDRESS].text;
    int taken;

    if (family == RECORD_INET) {
        *address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
        taken = inet_pton(AF_INET, text, address->s6_addr + 12);
    } else {
        taken = inet_pton(AF_INET6, text, address);
    }
    if (taken != 1) {
        return json_field_fail(reader->error, &path, "is \"%s\", must be an %s address, as the family is %s", text,
                               family == RECORD_INET ? "IPv4" : "IPv6", capture_family_word((int)family));
    }
    return 0;
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
    listener->uid = (uint32_t)values[LISTENER_UID].number;
    listener->cgroup = (uint64_t)values[LISTENER_CGROUP].number;
    listener->unit_state = (enum tally_unit)(values[LISTENER_UNIT_STATE].number + TALLY_UNIT_KNOWN);
    listener->user = values[LISTENER_USER].null ? NULL : values[LISTENER_USER].text;
    listener->unit = values[LISTENER_UNIT].null ? NULL : values[LISTENER_UNIT].text;
    return tally_listener_add(reader->snapshot->tally, (enum record_protocol)values[LISTENER_PROTOCOL].number,
                              (uint16_t)values[LISTENER_PORT].number, listener);
}

static int listener_read(const struct reader *reader, const struct json_path *path, json_t *node)
{
    struct json_field_value values[LISTENER_FIELDS];
    struct tally_listener listener = {0};
    int result = json_field_read_element(reader->error, path, node, listener_fields, LISTENER_FIELDS, values);

    if (result == 0) {
        result = listener_check(reader, path, values);
    }
    if (result == 0) {
        result = address_read(reader, path, values, &listener.address);
    }
    return result != 0 ? result : listener_add(reader, values, &listener);
}

/* True when a snapshot would have counted them as one listener. */
static bool is_same(const struct tally_listener *a, const struct tally_listener *b)
{
    return a->family == b->family && memcmp(&a->address, &b->address, sizeof a->address) == 0 &&
           a->interface == b->interface && a->v6only == b->v6only && a->uid == b->uid && a->cgroup == b->cgroup;
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
            if (is_same(listener - 1, listener)) {
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
static int list_read(const struct reader *reader, const char *name, json_t *list,
                     int (*read)(const struct reader *reader, const struct json_path *path, json_t *node))
{
    struct json_path parent = {.name = name};
    struct json_path path = {.parent = &parent};
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

static int port_range_read(const struct reader *reader, const struct json_path *sysctls,
                           const struct json_field_value *range)
{
    static const struct json_field field = {.type = JSON_FIELD_NUMBER, .most = UINT16_MAX};
    struct sock_host *host = &reader->snapshot->tally->host;
    struct json_path path = {.parent = sysctls, .name = "net.ipv4.ip_local_port_range"};
    struct json_field_value ends[2] = {{.number = 1}, {.number = 0}};

    if (!range->null && json_array_size(range->node) != 2) {
        return json_field_fail(reader->error, &path, "holds %zu elements, must hold 2", json_array_size(range->node));
    }
    for (size_t i = 0; i < 2 && !range->null; i++) {
        struct json_path end = {.parent = &path, .index = i};
        int result = json_field_read(reader->error, &end, &field, json_array_get(range->node, i), &ends[i]);
        if (result != 0) {
            return result;
        }
    }
    if (!range->null && ends[0].number > ends[1].number) {
        return json_field_fail(reader->error, &path, "ends before it begins");
    }
    host->port_range_first = (uint16_t)ends[0].number;
    host->port_range_last = (uint16_t)ends[1].number;
    return 0;
}

static int sysctls_read(const struct reader *reader, json_t *node)
{
    enum {
        BINDV6ONLY,
        DISABLE_IPV6,
        PORT_RANGE,
        FIELDS
    };
    static const struct json_field fields[FIELDS] = {
        [BINDV6ONLY] = {.name = "net.ipv6.bindv6only", .type = JSON_FIELD_NUMBER, .nullable = true, .most = 1},
        [DISABLE_IPV6] = {.name = "net.ipv6.conf.all.disable_ipv6",
                          .type = JSON_FIELD_NUMBER,
                          .nullable = true,
                          .most = 1},
        [PORT_RANGE] = {.name = "net.ipv4.ip_local_port_range", .type = JSON_FIELD_ARRAY, .nullable = true},
    };
    static const struct json_path path = {.name = "sysctls"};
    struct sock_host *host = &reader->snapshot->tally->host;
    struct json_field_value values[FIELDS];
    int result = json_field_read_all(reader->error, &path, node, fields, FIELDS, values);

    if (result != 0) {
        return result;
    }
    host->bindv6only = json_field_answer(&values[BINDV6ONLY]);
    host->disable_ipv6 = json_field_answer(&values[DISABLE_IPV6]);
    return port_range_read(reader, &path, &values[PORT_RANGE]);
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
    HEAD_FIELDS
};

static const struct json_field head_fields[HEAD_FIELDS] = {
    [HEAD_FORMAT] = {.name = "format", .type = JSON_FIELD_WORD, .word = capture_format_word},
    [HEAD_SCHEMA] = {.name = "schema", .type = JSON_FIELD_NUMBER, .least = CAPTURE_SCHEMA, .most = CAPTURE_SCHEMA},
    [HEAD_VERSION] = {.name = "version", .type = JSON_FIELD_TEXT, .least = 1, .most = CAPTURE_VERSION_MOST},
    [HEAD_TIME] = {.name = "time", .type = JSON_FIELD_TEXT, .least = CAPTURE_TIME_LENGTH, .most = CAPTURE_TIME_LENGTH},
    [HEAD_HOST] = {.name = "host", .type = JSON_FIELD_TEXT, .most = CAPTURE_HOST_MOST},
    [HEAD_KERNEL] = {.name = "kernel", .type = JSON_FIELD_TEXT, .most = CAPTURE_HOST_MOST},
    [HEAD_NETNS] = {.name = "netns", .type = JSON_FIELD_NUMBER, .nullable = true, .least = 1, .most = INT64_MAX},
    [HEAD_NAMESPACE] =
        {.name = "namespace", .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_NAMESPACE_MOST},
    [HEAD_SOURCE] = {.name = "source", .type = JSON_FIELD_WORD, .word = capture_source_word},
    [HEAD_FAULT] = {.name = "fault", .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_FAULT_MOST},
    [HEAD_IPV6] = {.name = "ipv6", .type = JSON_FIELD_BOOLEAN, .nullable = true},
    [HEAD_SYSCTLS] = {.name = "sysctls", .type = JSON_FIELD_OBJECT},
    [HEAD_PROTOCOLS] = {.name = "protocols", .type = JSON_FIELD_OBJECT},
    [HEAD_LISTENERS] = {.name = "listeners", .type = JSON_FIELD_ARRAY},
    [HEAD_CONNECTIONS] = {.name = "connections", .type = JSON_FIELD_ARRAY},
    [HEAD_OUTBOUND] = {.name = "outbound", .type = JSON_FIELD_OBJECT},
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
    snprintf(snapshot->source, sizeof snapshot->source, "%s", capture_source_word((int)values[HEAD_SOURCE].number));
    json_field_text_keep(snapshot->fault, &values[HEAD_FAULT]);
    host->netns = (uint64_t)values[HEAD_NETNS].number;
    host->ipv6 = json_field_answer(&values[HEAD_IPV6]);
    host->netns_of_init = RECORD_UNKNOWN;
    return 0;
}

/* --- the whole capture ----------------------------------------------------------------------------------------------- */

/* Refuses what is not a capture or comes from a later version, before its other members are found to be unknown. */
static int schema_check(const struct reader *reader, json_t *root)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *schema = json_object_get(root, "schema");

    if (format == NULL || strcmp(format, CAPTURE_FORMAT) != 0) {
        snprintf(reader->error, JSON_FIELD_ERROR_SIZE, "is no capture: format must be \"%s\", as --capture writes it",
                 CAPTURE_FORMAT);
        return -EINVAL;
    }
    if (json_integer_value(schema) > CAPTURE_SCHEMA) {
        snprintf(reader->error, JSON_FIELD_ERROR_SIZE,
                 "schema is %" JSON_INTEGER_FORMAT ", check_dualstack %s knows up to %d: replay it with a newer one",
                 json_integer_value(schema), PACKAGE_VERSION, CAPTURE_SCHEMA);
        return -EINVAL;
    }
    return 0;
}

static int root_read(const struct reader *reader, json_t *root)
{
    struct json_field_value values[HEAD_FIELDS];
    int result = schema_check(reader, root);

    if (result == 0) {
        result = json_field_read_all(reader->error, NULL, root, head_fields, HEAD_FIELDS, values);
    }
    if (result == 0) {
        result = head_read(reader, values);
    }
    if (result == 0) {
        result = sysctls_read(reader, values[HEAD_SYSCTLS].node);
    }
    if (result == 0) {
        result = protocols_read(reader, values[HEAD_PROTOCOLS].node);
    }
    if (result == 0) {
        result = list_read(reader, "listeners", values[HEAD_LISTENERS].node, listener_read);
    }
    if (result != 0) {
        return result;
    }
    tally_sort(reader->snapshot->tally);
    result = duplicates_refuse(reader);
    if (result == 0) {
        result = list_read(reader, "connections", values[HEAD_CONNECTIONS].node, entry_read);
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
