/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --capture: what there is to judge, as JSON, and back.
 */
#include "config.h"

#include "capture.h"

#include "deadline.h"
#include "json_text.h"
#include "plugin/escape.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "check_dualstack-capture"
#define SCHEMA_VERSION 1

/* The longest texts, in bytes. What fills a buffer of ours is as long as that. */
#define HOST_MOST 64
#define NAMESPACE_MOST 127
#define INTERFACE_MOST (IF_NAMESIZE - 1)
#define SENTENCE_MOST 511
#define FAULT_MOST 319
#define OWNER_MOST 1024
#define VERSION_MOST 64

/* 65,535 services of both protocols would sum up to less than 2^53, which every reader of JSON can hold. */
#define COUNT_MOST UINT32_MAX

/*
 * A capture far above any host's is refused before it is taken apart: a parsed object takes a hundred times the memory
 * of the "{}" it was.
 */
#define CONTAINERS_MOST 150000u
#define VALUES_MOST 2000000u

static const char *const format_words[] = {FORMAT, NULL};
static const char *const source_words[] = {"netlink", "procfs", "netlink+procfs", NULL};
static const char *const protocol_words[] = {[RECORD_TCP] = "tcp", [RECORD_UDP] = "udp", NULL};
static const char *const family_words[] = {[RECORD_INET] = "inet", [RECORD_INET6] = "inet6", NULL};
static const char *const scope_words[] =
    {[STACK_LOOPBACK] = "loopback", [STACK_LINK] = "link", [STACK_EXTERNAL] = "external", NULL};
static const char *const kind_words[] =
    {[TALLY_IPV4] = "ipv4", [TALLY_MAPPED] = "ipv4_mapped", [TALLY_IPV6] = "ipv6", NULL};
/* Of a capture's listeners all were asked for. */
#define UNIT_WORD(state) ((state)-TALLY_UNIT_KNOWN)
static const char *const unit_words[] = {[UNIT_WORD(TALLY_UNIT_KNOWN)] = "known",
                                         [UNIT_WORD(TALLY_UNIT_GONE)] = "gone",
                                         [UNIT_WORD(TALLY_UNIT_UNTOLD)] = "untold",
                                         NULL};

/* --- out ---------------------------------------------------------------------------------------------------------- */

/* Valid UTF-8 of at most `most` bytes. */
static json_t *text_json(const char *text, size_t most)
{
    char whole[OWNER_MOST + 1];

    assert(most < sizeof whole);
    escape_copy(whole, most + 1, text, strlen(text), ESCAPE_UTF8);
    return json_string(whole);
}

static json_t *text_or_null_json(const char *text, size_t most)
{
    return text == NULL || *text == '\0' ? json_null() : text_json(text, most);
}

static json_t *answer_json(enum record_answer answer)
{
    return answer == RECORD_UNKNOWN ? json_null() : json_boolean(answer == RECORD_YES);
}

static json_t *switch_json(enum record_answer answer)
{
    return answer == RECORD_UNKNOWN ? json_null() : json_integer(answer == RECORD_YES);
}

/* Numbers above JSON's are no longer the same, but still a number. */
static json_int_t id_json(uint64_t id)
{
    return (json_int_t)(id & INT64_MAX);
}

static json_int_t count_json(uint64_t count)
{
    return (json_int_t)(count < COUNT_MOST ? count : COUNT_MOST);
}

static json_t *sysctls_json(const struct sock_host *host)
{
    bool known = host->port_range_first <= host->port_range_last;

    return json_pack("{s:o, s:o, s:o}", "net.ipv6.bindv6only", switch_json(host->bindv6only),
                     "net.ipv6.conf.all.disable_ipv6", switch_json(host->disable_ipv6), "net.ipv4.ip_local_port_range",
                     known ? json_pack("[i, i]", (int)host->port_range_first, (int)host->port_range_last)
                           : json_null());
}

static json_t *protocols_json(const struct look *look)
{
    json_t *protocols = json_object();

    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        json_object_set_new(protocols, protocol_words[i],
                            json_pack("{s:o, s:o}", "unreadable",
                                      text_or_null_json(look->tally->unreadable[i], SENTENCE_MOST), "remark",
                                      text_or_null_json(look->remarks[i], SENTENCE_MOST)));
    }
    return protocols;
}

/* All but the lists and what stands behind them. */
static json_t *head_json(const struct look *look)
{
    const struct sock_host *host = &look->tally->host;

    return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "format", FORMAT, "schema",
                     SCHEMA_VERSION, "version", PACKAGE_VERSION, "time", json_text_time(look->time), "host",
                     text_json(host->name, HOST_MOST), "kernel", text_json(host->kernel, HOST_MOST), "netns",
                     host->netns != 0 ? json_integer(id_json(host->netns)) : json_null(), "namespace",
                     text_or_null_json(look->namespace, NAMESPACE_MOST), "source", look->source, "fault",
                     text_or_null_json(look->fault, FAULT_MOST), "ipv6", answer_json(host->ipv6), "sysctls",
                     sysctls_json(host), "protocols", protocols_json(look));
}

static json_t *listener_json(const struct tally_service *service, const struct tally_listener *listener)
{
    char address[RECORD_ADDRESS_SIZE];
    bool told = listener->family == RECORD_INET6 && listener->v6only != RECORD_V6ONLY_UNKNOWN;

    record_address_format(address, listener->family, &listener->address);
    return json_pack("{s:s, s:i, s:s, s:s, s:I, s:o, s:o, s:I, s:I, s:o, s:I, s:s, s:o}", "protocol",
                     protocol_words[service->protocol], "port", (int)service->port, "family",
                     family_words[listener->family], "address", address, "interface", (json_int_t)listener->interface,
                     "interface_name", text_or_null_json(listener->interface_name, INTERFACE_MOST), "v6only",
                     told ? json_boolean(listener->v6only == RECORD_V6ONLY_YES) : json_null(), "sockets",
                     (json_int_t)listener->sockets, "uid", (json_int_t)listener->uid, "user",
                     text_or_null_json(listener->user, OWNER_MOST), "cgroup", id_json(listener->cgroup), "unit_state",
                     unit_words[UNIT_WORD(listener->unit_state)], "unit",
                     text_or_null_json(listener->unit_state == TALLY_UNIT_KNOWN ? listener->unit : NULL, OWNER_MOST));
}

static json_t *counts_json(const uint64_t counts[TALLY_KINDS])
{
    return json_pack("{s:I, s:I, s:I}", kind_words[TALLY_IPV4], count_json(counts[TALLY_IPV4]),
                     kind_words[TALLY_MAPPED], count_json(counts[TALLY_MAPPED]), kind_words[TALLY_IPV6],
                     count_json(counts[TALLY_IPV6]));
}

static json_t *connections_json(const struct tally_service *service, int scope)
{
    json_t *entry = json_pack("{s:s, s:i, s:s}", "protocol", protocol_words[service->protocol], "port",
                              (int)service->port, "scope", scope_words[scope]);
    json_t *counts = counts_json(service->connections[scope]);

    if (json_object_update(entry, counts) != 0) {
        json_decref(entry);
        entry = NULL;
    }
    json_decref(counts);
    return entry;
}

/* A value on a line of its own, and gone. False when there is none, for want of memory. */
static bool line_write(FILE *stream, const char *before, json_t *value)
{
    bool written =
        value != NULL && fputs(before, stream) >= 0 && json_dumpf(value, stream, JSON_COMPACT | JSON_ENCODE_ANY) == 0;

    json_decref(value);
    return written;
}

static bool head_write(FILE *stream, const struct look *look)
{
    json_t *head = head_json(look);
    const char *separator = "{";
    bool written = head != NULL;
    const char *key;
    json_t *value;

    json_object_foreach(head, key, value)
    {
        char before[64];
        snprintf(before, sizeof before, "%s\"%s\":", separator, key);
        written = written && line_write(stream, before, json_incref(value));
        separator = ",\n";
    }
    json_decref(head);
    return written;
}

static bool listeners_write(FILE *stream, const struct tally *tally)
{
    const char *separator = ",\n\"listeners\":[\n";
    bool written = true;

    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        for (size_t j = 0; j < service->listener_count && written; j++) {
            written = line_write(stream, separator, listener_json(service, &service->listeners[j]));
            separator = ",\n";
        }
    }
    return written && fputs(tally->service_count == 0 ? ",\n\"listeners\":[]" : "]", stream) >= 0;
}

static bool connections_write(FILE *stream, const struct tally *tally)
{
    const char *separator = "\n";
    bool written = fputs(",\n\"connections\":[", stream) >= 0;

    for (size_t i = 0; i < tally->service_count * STACK_SCOPES && written; i++) {
        const struct tally_service *service = &tally->services[i / STACK_SCOPES];
        int scope = (int)(i % STACK_SCOPES);
        const uint64_t *counts = service->connections[scope];
        if (counts[TALLY_IPV4] > 0 || counts[TALLY_MAPPED] > 0 || counts[TALLY_IPV6] > 0) {
            written = line_write(stream, separator, connections_json(service, scope));
            separator = ",\n";
        }
    }
    return written && fputs("],\n", stream) >= 0;
}

static int look_render(const struct look *look, char **text, size_t *length)
{
    FILE *stream;
    bool written;

    *text = NULL;
    stream = open_memstream(text, length);
    if (stream == NULL) {
        return -ENOMEM;
    }
    written = head_write(stream, look) && listeners_write(stream, look->tally) &&
              connections_write(stream, look->tally) &&
              line_write(stream, "\"outbound\":", counts_json(look->tally->outbound)) && fputs("}\n", stream) >= 0;
    if (fclose(stream) != 0 || !written) {
        free(*text);
        *text = NULL;
        return -ENOMEM;
    }
    return 0;
}

int capture_run(const struct options *options, const struct policy *policy, struct answer *answer)
{
    struct look_request request = {.options = options, .policy = policy, .depth = LOOK_ALL, .every_protocol = true};
    struct look *look;
    int result = look_take(&request, &look);

    if (result == 0) {
        result = look_owners_find(look);
    }
    deadline_stage("writing the capture");
    if (result == 0) {
        result = look_render(look, &answer->text, &answer->length);
    }
    answer->state = STATE_OK;
    look_free(look);
    return result;
}

/* --- places in a capture ------------------------------------------------------------------------------------------ */

/* "listeners[3].port": a member by name, or an element by index where there is no name. NULL is the capture itself. */
struct place {
    const struct place *parent;
    const char *name;
    size_t index;
};

struct reader {
    struct look *look;
    char *error;
};

static size_t append(char *text, size_t length, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Appends to a text of CAPTURE_ERROR_SIZE; what does not fit is left out. */
static size_t append(char *text, size_t length, const char *format, ...)
{
    va_list arguments;
    int added;

    va_start(arguments, format);
    added = vsnprintf(text + length, CAPTURE_ERROR_SIZE - length, format, arguments);
    va_end(arguments);
    length += added > 0 ? (size_t)added : 0;
    return length < CAPTURE_ERROR_SIZE ? length : CAPTURE_ERROR_SIZE - 1;
}

static size_t place_append(char *text, const struct place *place)
{
    size_t length = place->parent != NULL ? place_append(text, place->parent) : 0;

    if (place->name == NULL) {
        return append(text, length, "[%zu]", place->index);
    }
    return append(text, length, "%s%.60s", place->parent != NULL ? "." : "", place->name);
}

static int fail(const struct reader *reader, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(const struct reader *reader, const struct place *place, const char *format, ...)
{
    size_t length = place_append(reader->error, place);
    va_list arguments;

    length = append(reader->error, length, " ");
    va_start(arguments, format);
    vsnprintf(reader->error + length, CAPTURE_ERROR_SIZE - length, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* --- members ------------------------------------------------------------------------------------------------------ */

enum kind {
    KIND_NUMBER,
    KIND_TEXT,
    KIND_WORD,
    KIND_BOOLEAN,
    KIND_OBJECT,
    KIND_ARRAY
};

/* What a member must be. */
struct field {
    const char *name;
    enum kind kind;
    bool nullable;
    int64_t least; /* of a number, or of a text's bytes */
    int64_t most;
    const char *const *words; /* of KIND_WORD, ended by NULL */
};

/* A member as it is; what belongs to its kind is set. */
struct value {
    bool null;
    int64_t number; /* also the position of a word, and 0 or 1 for a boolean */
    const char *text;
    json_t *node;
};

static bool word_find(const struct field *field, const char *text, struct value *value)
{
    for (value->number = 0; field->words[value->number] != NULL; value->number++) {
        if (strcmp(text, field->words[value->number]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_within(const struct field *field, int64_t number)
{
    return field->least <= number && number <= field->most;
}

/* False when the node is not what the field must be. */
static bool value_take(const struct field *field, json_t *node, struct value *value)
{
    *value = (struct value){.null = json_is_null(node), .node = node};
    if (value->null) {
        return field->nullable;
    }
    switch (field->kind) {
    case KIND_NUMBER:
        value->number = json_integer_value(node);
        return json_is_integer(node) && is_within(field, value->number);
    case KIND_TEXT:
        value->text = json_string_value(node);
        return value->text != NULL && is_within(field, (int64_t)json_string_length(node));
    case KIND_WORD:
        return json_is_string(node) && word_find(field, json_string_value(node), value);
    case KIND_BOOLEAN:
        value->number = json_is_true(node);
        return json_is_boolean(node);
    case KIND_OBJECT:
        return json_is_object(node);
    case KIND_ARRAY:
        return json_is_array(node);
    }
    return false;
}

#define DEMAND_SIZE 120

static void demand_format(char text[static DEMAND_SIZE], const struct field *field)
{
    static const char *const plain[] =
        {[KIND_BOOLEAN] = "true or false", [KIND_OBJECT] = "an object", [KIND_ARRAY] = "an array"};
    size_t length = 0;

    if (field->kind == KIND_NUMBER) {
        length = (size_t)snprintf(text, DEMAND_SIZE, "a whole number from %" PRId64 " to %" PRId64, field->least,
                                  field->most);
    } else if (field->kind == KIND_TEXT) {
        length = (size_t)snprintf(text, DEMAND_SIZE, "a text of %" PRId64 " to %" PRId64 " bytes", field->least,
                                  field->most);
    } else if (field->kind == KIND_WORD) {
        for (int i = 0; field->words[i] != NULL; i++) {
            length += (size_t)snprintf(text + length, DEMAND_SIZE - length, "%s\"%s\"", i == 0 ? "" : " or ",
                                       field->words[i]);
        }
    } else {
        length = (size_t)snprintf(text, DEMAND_SIZE, "%s", plain[field->kind]);
    }
    snprintf(text + length, DEMAND_SIZE - length, "%s", field->nullable ? " or null" : "");
}

#define FOUND_SIZE 80

static void found_format(char text[static FOUND_SIZE], const json_t *node)
{
    static const char *const plain[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_REAL] = "no whole number",
        [JSON_TRUE] = "true",        [JSON_FALSE] = "false",    [JSON_NULL] = "null",
    };

    if (json_is_integer(node)) {
        snprintf(text, FOUND_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
    } else if (!json_is_string(node)) {
        snprintf(text, FOUND_SIZE, "%s", plain[json_typeof(node)]);
    } else if (json_string_length(node) > 40) {
        snprintf(text, FOUND_SIZE, "a text of %zu bytes", json_string_length(node));
    } else {
        snprintf(text, FOUND_SIZE, "\"%s\"", json_string_value(node));
    }
}

static int value_read(const struct reader *reader, const struct place *place, const struct field *field, json_t *node,
                      struct value *value)
{
    char demand[DEMAND_SIZE];
    char found[FOUND_SIZE];

    if (value_take(field, node, value)) {
        return 0;
    }
    demand_format(demand, field);
    found_format(found, node);
    return fail(reader, place, "is %s, must be %s", found, demand);
}

static bool is_known(const struct field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int unknown_member_tell(const struct reader *reader, const struct place *place, json_t *object,
                               const struct field *fields, size_t count)
{
    struct place member = {.parent = place};
    json_t *value;

    json_object_foreach(object, member.name, value)
    {
        if (!is_known(fields, count, member.name)) {
            return fail(reader, &member, "is no member of schema %d", SCHEMA_VERSION);
        }
    }
    return 0;
}

/* Reads exactly these members of an object; values[i] is that of fields[i]. */
static int members_read(const struct reader *reader, const struct place *place, json_t *object,
                        const struct field *fields, size_t count, struct value *values)
{
    for (size_t i = 0; i < count; i++) {
        struct place member = {.parent = place, .name = fields[i].name};
        json_t *node = json_object_get(object, fields[i].name);
        int result = node == NULL ? fail(reader, &member, "is missing")
                                  : value_read(reader, &member, &fields[i], node, &values[i]);
        if (result != 0) {
            return result;
        }
    }
    return json_object_size(object) == count ? 0 : unknown_member_tell(reader, place, object, fields, count);
}

/* Likewise, of an element of a list. */
static int element_read(const struct reader *reader, const struct place *place, json_t *node,
                        const struct field *fields, size_t count, struct value *values)
{
    static const struct field element = {.kind = KIND_OBJECT};
    int result = value_read(reader, place, &element, node, &values[0]);

    return result != 0 ? result : members_read(reader, place, node, fields, count, values);
}

static enum record_answer answer_of(const struct value *value)
{
    if (value->null) {
        return RECORD_UNKNOWN;
    }
    return value->number != 0 ? RECORD_YES : RECORD_NO;
}

/* The field's bound says that it fits. */
static void text_keep(char *text, const struct value *value)
{
    if (value->null) {
        *text = '\0';
    } else {
        memcpy(text, value->text, strlen(value->text) + 1);
    }
}

/* --- counts ------------------------------------------------------------------------------------------------------- */

#define COUNT_FIELD(word)                                                                                              \
    {                                                                                                                  \
        .name = (word), .kind = KIND_NUMBER, .most = COUNT_MOST                                                        \
    }

enum {
    ENTRY_PROTOCOL = TALLY_KINDS,
    ENTRY_PORT,
    ENTRY_SCOPE,
    ENTRY_FIELDS
};

/* The kinds come first, so that they are the members of outbound, too. */
static const struct field entry_fields[ENTRY_FIELDS] = {
    [TALLY_IPV4] = COUNT_FIELD("ipv4"),
    [TALLY_MAPPED] = COUNT_FIELD("ipv4_mapped"),
    [TALLY_IPV6] = COUNT_FIELD("ipv6"),
    [ENTRY_PROTOCOL] = {.name = "protocol", .kind = KIND_WORD, .words = protocol_words},
    [ENTRY_PORT] = {.name = "port", .kind = KIND_NUMBER, .least = 1, .most = UINT16_MAX},
    [ENTRY_SCOPE] = {.name = "scope", .kind = KIND_WORD, .words = scope_words},
};

static int outbound_read(const struct reader *reader, json_t *outbound)
{
    static const struct place place = {.name = "outbound"};
    struct value values[TALLY_KINDS];
    int result = members_read(reader, &place, outbound, entry_fields, TALLY_KINDS, values);

    for (int kind = 0; kind < TALLY_KINDS && result == 0; kind++) {
        reader->look->tally->outbound[kind] = (uint64_t)values[kind].number;
    }
    return result;
}

static int entry_read(const struct reader *reader, const struct place *place, json_t *node)
{
    struct value values[ENTRY_FIELDS];
    struct tally_service *service;
    int result = element_read(reader, place, node, entry_fields, ENTRY_FIELDS, values);
    uint64_t *counts;

    if (result != 0) {
        return result;
    }
    service = tally_find(reader->look->tally, (enum record_protocol)values[ENTRY_PROTOCOL].number,
                         (uint16_t)values[ENTRY_PORT].number);
    if (service == NULL) {
        return fail(reader, place, "is of a service that no listener is of");
    }
    counts = service->connections[values[ENTRY_SCOPE].number];
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        if (counts[kind] != 0) {
            return fail(reader, place, "is of a service and scope that an element before it is of");
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

static const struct field listener_fields[LISTENER_FIELDS] = {
    [LISTENER_PROTOCOL] = {.name = "protocol", .kind = KIND_WORD, .words = protocol_words},
    [LISTENER_PORT] = {.name = "port", .kind = KIND_NUMBER, .least = 1, .most = UINT16_MAX},
    [LISTENER_FAMILY] = {.name = "family", .kind = KIND_WORD, .words = family_words},
    [LISTENER_ADDRESS] = {.name = "address", .kind = KIND_TEXT, .least = 2, .most = RECORD_ADDRESS_SIZE - 1},
    [LISTENER_INTERFACE] = {.name = "interface", .kind = KIND_NUMBER, .most = UINT32_MAX},
    [LISTENER_INTERFACE_NAME] =
        {.name = "interface_name", .kind = KIND_TEXT, .nullable = true, .least = 1, .most = INTERFACE_MOST},
    [LISTENER_V6ONLY] = {.name = "v6only", .kind = KIND_BOOLEAN, .nullable = true},
    [LISTENER_SOCKETS] = {.name = "sockets", .kind = KIND_NUMBER, .least = 1, .most = UINT32_MAX},
    [LISTENER_UID] = {.name = "uid", .kind = KIND_NUMBER, .most = UINT32_MAX},
    [LISTENER_USER] = {.name = "user", .kind = KIND_TEXT, .nullable = true, .least = 1, .most = OWNER_MOST},
    [LISTENER_CGROUP] = {.name = "cgroup", .kind = KIND_NUMBER, .most = INT64_MAX},
    [LISTENER_UNIT_STATE] = {.name = "unit_state", .kind = KIND_WORD, .words = unit_words},
    [LISTENER_UNIT] = {.name = "unit", .kind = KIND_TEXT, .nullable = true, .least = 1, .most = OWNER_MOST},
};

static int address_read(const struct reader *reader, const struct place *listener, const struct value *values,
                        struct in6_addr *address)
{
    struct place place = {.parent = listener, .name = "address"};
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
        return fail(reader, &place, "is \"%s\", must be an %s address, as the family is %s", text,
                    family == RECORD_INET ? "IPv4" : "IPv6", family_words[family]);
    }
    return 0;
}

/* What no member says of itself alone. */
static int listener_check(const struct reader *reader, const struct place *listener, const struct value *values)
{
    struct place place = {.parent = listener, .name = "v6only"};

    if (values[LISTENER_FAMILY].number == RECORD_INET && !values[LISTENER_V6ONLY].null) {
        return fail(reader, &place, "must be null, as the family is inet");
    }
    place.name = "interface_name";
    if ((values[LISTENER_INTERFACE].number == 0) != values[LISTENER_INTERFACE_NAME].null) {
        return fail(reader, &place, "must be null where interface is 0, and only there");
    }
    place.name = "unit";
    if ((values[LISTENER_UNIT_STATE].number == UNIT_WORD(TALLY_UNIT_KNOWN)) == values[LISTENER_UNIT].null) {
        return fail(reader, &place, "must be null where unit_state is not \"known\", and only there");
    }
    return 0;
}

/* The user or unit, NULL for null. False when out of memory. */
static bool owner_copy(char **text, const struct value *value)
{
    *text = value->null ? NULL : strdup(value->text);
    return value->null || *text != NULL;
}

static enum record_v6only v6only_of(const struct value *value)
{
    if (value->null) {
        return RECORD_V6ONLY_UNKNOWN;
    }
    return value->number != 0 ? RECORD_V6ONLY_YES : RECORD_V6ONLY_NO;
}

static int listener_add(const struct reader *reader, const struct value *values, struct tally_listener *listener)
{
    int result = -ENOMEM;

    listener->family = (enum record_family)values[LISTENER_FAMILY].number;
    listener->interface = (uint32_t)values[LISTENER_INTERFACE].number;
    text_keep(listener->interface_name, &values[LISTENER_INTERFACE_NAME]);
    listener->v6only = v6only_of(&values[LISTENER_V6ONLY]);
    listener->scope = stack_scope(&listener->address, listener->interface);
    listener->sockets = (uint32_t)values[LISTENER_SOCKETS].number;
    listener->uid = (uint32_t)values[LISTENER_UID].number;
    listener->cgroup = (uint64_t)values[LISTENER_CGROUP].number;
    listener->unit_state = (enum tally_unit)(values[LISTENER_UNIT_STATE].number + TALLY_UNIT_KNOWN);
    if (owner_copy(&listener->user, &values[LISTENER_USER]) && owner_copy(&listener->unit, &values[LISTENER_UNIT])) {
        result = tally_listener_add(reader->look->tally, (enum record_protocol)values[LISTENER_PROTOCOL].number,
                                    (uint16_t)values[LISTENER_PORT].number, listener);
    }
    if (result != 0) {
        free(listener->user);
        free(listener->unit);
    }
    return result;
}

static int listener_read(const struct reader *reader, const struct place *place, json_t *node)
{
    struct value values[LISTENER_FIELDS];
    struct tally_listener listener = {0};
    int result = element_read(reader, place, node, listener_fields, LISTENER_FIELDS, values);

    if (result == 0) {
        result = listener_check(reader, place, values);
    }
    if (result == 0) {
        result = address_read(reader, place, values, &listener.address);
    }
    return result != 0 ? result : listener_add(reader, values, &listener);
}

/* Would a look have counted them as one? */
static bool is_same(const struct tally_listener *a, const struct tally_listener *b)
{
    return a->family == b->family && memcmp(&a->address, &b->address, sizeof a->address) == 0 &&
           a->interface == b->interface && a->v6only == b->v6only && a->uid == b->uid && a->cgroup == b->cgroup;
}

/* The tally is sorted, so that the same stand side by side. */
static int duplicates_refuse(const struct reader *reader)
{
    static const struct place place = {.name = "listeners"};
    const struct tally *tally = reader->look->tally;
    char endpoint[RECORD_ENDPOINT_SIZE];

    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        for (size_t j = 1; j < service->listener_count; j++) {
            const struct tally_listener *listener = &service->listeners[j];
            if (is_same(listener - 1, listener)) {
                record_endpoint_format(endpoint, listener->family, &listener->address, service->port,
                                       listener->interface_name);
                return fail(reader, &place, "hold %s/%s of uid %lu more than once", endpoint,
                            protocol_words[service->protocol], (unsigned long)listener->uid);
            }
        }
    }
    return 0;
}

/* Reads each element of a list. */
static int list_read(const struct reader *reader, const char *name, json_t *list,
                     int (*read)(const struct reader *reader, const struct place *place, json_t *node))
{
    struct place parent = {.name = name};
    struct place place = {.parent = &parent};
    json_t *node;

    json_array_foreach(list, place.index, node)
    {
        int result = read(reader, &place, node);
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
        .name = (word), .kind = KIND_TEXT, .nullable = true, .least = 1, .most = SENTENCE_MOST                         \
    }

static int protocol_read(const struct reader *reader, const struct place *place, json_t *node, int protocol)
{
    static const struct field fields[PROTOCOL_FIELDS] = {
        [PROTOCOL_UNREADABLE] = SENTENCE_FIELD("unreadable"),
        [PROTOCOL_REMARK] = SENTENCE_FIELD("remark"),
    };
    struct value values[PROTOCOL_FIELDS];
    int result = members_read(reader, place, node, fields, PROTOCOL_FIELDS, values);

    if (result == 0) {
        _Static_assert(sizeof reader->look->tally->unreadable[0] == SENTENCE_MOST + 1, "holds a sentence");
        _Static_assert(sizeof reader->look->remarks[0] == SENTENCE_MOST + 1, "holds a sentence");
        text_keep(reader->look->tally->unreadable[protocol], &values[PROTOCOL_UNREADABLE]);
        text_keep(reader->look->remarks[protocol], &values[PROTOCOL_REMARK]);
    }
    return result;
}

static int protocols_read(const struct reader *reader, json_t *node)
{
    static const struct field fields[RECORD_PROTOCOLS] = {
        [RECORD_TCP] = {.name = "tcp", .kind = KIND_OBJECT},
        [RECORD_UDP] = {.name = "udp", .kind = KIND_OBJECT},
    };
    static const struct place place = {.name = "protocols"};
    struct value values[RECORD_PROTOCOLS];
    int result = members_read(reader, &place, node, fields, RECORD_PROTOCOLS, values);

    for (int i = 0; i < RECORD_PROTOCOLS && result == 0; i++) {
        struct place protocol = {.parent = &place, .name = fields[i].name};
        result = protocol_read(reader, &protocol, values[i].node, i);
    }
    return result;
}

static int port_range_read(const struct reader *reader, const struct place *sysctls, const struct value *range)
{
    static const struct field field = {.kind = KIND_NUMBER, .most = UINT16_MAX};
    struct sock_host *host = &reader->look->tally->host;
    struct place place = {.parent = sysctls, .name = "net.ipv4.ip_local_port_range"};
    struct value ends[2] = {{.number = 1}, {.number = 0}};

    if (!range->null && json_array_size(range->node) != 2) {
        return fail(reader, &place, "holds %zu elements, must hold 2", json_array_size(range->node));
    }
    for (size_t i = 0; i < 2 && !range->null; i++) {
        struct place end = {.parent = &place, .index = i};
        int result = value_read(reader, &end, &field, json_array_get(range->node, i), &ends[i]);
        if (result != 0) {
            return result;
        }
    }
    if (!range->null && ends[0].number > ends[1].number) {
        return fail(reader, &place, "ends before it begins");
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
    static const struct field fields[FIELDS] = {
        [BINDV6ONLY] = {.name = "net.ipv6.bindv6only", .kind = KIND_NUMBER, .nullable = true, .most = 1},
        [DISABLE_IPV6] = {.name = "net.ipv6.conf.all.disable_ipv6", .kind = KIND_NUMBER, .nullable = true, .most = 1},
        [PORT_RANGE] = {.name = "net.ipv4.ip_local_port_range", .kind = KIND_ARRAY, .nullable = true},
    };
    static const struct place place = {.name = "sysctls"};
    struct sock_host *host = &reader->look->tally->host;
    struct value values[FIELDS];
    int result = members_read(reader, &place, node, fields, FIELDS, values);

    if (result != 0) {
        return result;
    }
    host->bindv6only = answer_of(&values[BINDV6ONLY]);
    host->disable_ipv6 = answer_of(&values[DISABLE_IPV6]);
    return port_range_read(reader, &place, &values[PORT_RANGE]);
}

/* Two digits below `most`, -1 for other text. */
static int digits_read(const char *text, int most)
{
    int number = text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9'
                     ? (text[0] - '0') * 10 + text[1] - '0'
                     : -1;

    return number < most ? number : -1;
}

/* "2026-11-22T09:00:00Z" */
static bool time_parse(const char *text, time_t *time)
{
    char date[sizeof "2026-11-22"];
    int hour = digits_read(text + 11, 24);
    int minute = digits_read(text + 14, 60);
    int second = digits_read(text + 17, 61);
    int32_t day;

    snprintf(date, sizeof date, "%s", text);
    if (text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z' || hour < 0 || minute < 0 ||
        second < 0 || !rule_day_parse(date, &day) || day < 0) {
        return false;
    }
    *time = (time_t)day * 86400 + hour * 3600 + minute * 60 + second;
    return true;
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

#define TIME_LENGTH (sizeof "2026-11-22T09:00:00Z" - 1)

static const struct field head_fields[HEAD_FIELDS] = {
    [HEAD_FORMAT] = {.name = "format", .kind = KIND_WORD, .words = format_words},
    [HEAD_SCHEMA] = {.name = "schema", .kind = KIND_NUMBER, .least = SCHEMA_VERSION, .most = SCHEMA_VERSION},
    [HEAD_VERSION] = {.name = "version", .kind = KIND_TEXT, .least = 1, .most = VERSION_MOST},
    [HEAD_TIME] = {.name = "time", .kind = KIND_TEXT, .least = TIME_LENGTH, .most = TIME_LENGTH},
    [HEAD_HOST] = {.name = "host", .kind = KIND_TEXT, .most = HOST_MOST},
    [HEAD_KERNEL] = {.name = "kernel", .kind = KIND_TEXT, .most = HOST_MOST},
    [HEAD_NETNS] = {.name = "netns", .kind = KIND_NUMBER, .nullable = true, .least = 1, .most = INT64_MAX},
    [HEAD_NAMESPACE] = {.name = "namespace", .kind = KIND_TEXT, .nullable = true, .least = 1, .most = NAMESPACE_MOST},
    [HEAD_SOURCE] = {.name = "source", .kind = KIND_WORD, .words = source_words},
    [HEAD_FAULT] = {.name = "fault", .kind = KIND_TEXT, .nullable = true, .least = 1, .most = FAULT_MOST},
    [HEAD_IPV6] = {.name = "ipv6", .kind = KIND_BOOLEAN, .nullable = true},
    [HEAD_SYSCTLS] = {.name = "sysctls", .kind = KIND_OBJECT},
    [HEAD_PROTOCOLS] = {.name = "protocols", .kind = KIND_OBJECT},
    [HEAD_LISTENERS] = {.name = "listeners", .kind = KIND_ARRAY},
    [HEAD_CONNECTIONS] = {.name = "connections", .kind = KIND_ARRAY},
    [HEAD_OUTBOUND] = {.name = "outbound", .kind = KIND_OBJECT},
};

static int head_read(const struct reader *reader, const struct value *values)
{
    static const struct place time_place = {.name = "time"};
    struct look *look = reader->look;
    struct sock_host *host = &look->tally->host;

    _Static_assert(sizeof host->name == HOST_MOST + 1 && sizeof host->kernel == HOST_MOST + 1, "hold a name");
    _Static_assert(sizeof look->namespace == NAMESPACE_MOST + 1 && sizeof look->fault == FAULT_MOST + 1, "hold a text");
    if (!time_parse(values[HEAD_TIME].text, &look->time)) {
        return fail(reader, &time_place, "is \"%s\", must be a time in UTC such as 2026-11-22T09:00:00Z",
                    values[HEAD_TIME].text);
    }
    text_keep(host->name, &values[HEAD_HOST]);
    text_keep(host->kernel, &values[HEAD_KERNEL]);
    text_keep(look->namespace, &values[HEAD_NAMESPACE]);
    snprintf(look->source, sizeof look->source, "%s", source_words[values[HEAD_SOURCE].number]);
    text_keep(look->fault, &values[HEAD_FAULT]);
    host->netns = (uint64_t)values[HEAD_NETNS].number;
    host->ipv6 = answer_of(&values[HEAD_IPV6]);
    return 0;
}

/* --- in ----------------------------------------------------------------------------------------------------------- */

/* Is it ours, and not from a later program? Told before what else may be unknown in it. */
static int schema_check(const struct reader *reader, json_t *root)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *schema = json_object_get(root, "schema");

    if (format == NULL || strcmp(format, FORMAT) != 0) {
        snprintf(reader->error, CAPTURE_ERROR_SIZE, "is no capture: format must be \"%s\", as --capture writes it",
                 FORMAT);
        return -EINVAL;
    }
    if (json_integer_value(schema) > SCHEMA_VERSION) {
        snprintf(reader->error, CAPTURE_ERROR_SIZE,
                 "schema is %" JSON_INTEGER_FORMAT ", check_dualstack %s knows up to %d: replay it with a newer one",
                 json_integer_value(schema), PACKAGE_VERSION, SCHEMA_VERSION);
        return -EINVAL;
    }
    return 0;
}

static int root_read(const struct reader *reader, json_t *root)
{
    struct value values[HEAD_FIELDS];
    int result = schema_check(reader, root);

    if (result == 0) {
        result = members_read(reader, NULL, root, head_fields, HEAD_FIELDS, values);
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
    tally_sort(reader->look->tally);
    result = duplicates_refuse(reader);
    if (result == 0) {
        result = list_read(reader, "connections", values[HEAD_CONNECTIONS].node, entry_read);
    }
    return result != 0 ? result : outbound_read(reader, values[HEAD_OUTBOUND].node);
}

/* Counts what can become a JSON value, wherever it stands: a text may hold some of these, too, but not so many. */
static bool is_too_much(const char *bytes, size_t length)
{
    size_t containers = 0;
    size_t values = 0;

    for (size_t i = 0; i < length; i++) {
        containers += bytes[i] == '{' || bytes[i] == '[';
        values += bytes[i] == ',';
    }
    return containers > CONTAINERS_MOST || values > VALUES_MOST;
}

static int json_take(const char *bytes, size_t length, json_t **root, char error[static CAPTURE_ERROR_SIZE])
{
    json_error_t fault;

    if (is_too_much(bytes, length)) {
        snprintf(error, CAPTURE_ERROR_SIZE,
                 "holds more than %u JSON objects and arrays, or %u commas: no host's capture", CONTAINERS_MOST,
                 VALUES_MOST);
        return -EINVAL;
    }
    *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &fault);
    if (*root == NULL && json_error_code(&fault) == json_error_out_of_memory) {
        return -ENOMEM;
    }
    if (*root == NULL) {
        snprintf(error, CAPTURE_ERROR_SIZE, "line %d, column %d: %s", fault.line, fault.column, fault.text);
        return -EINVAL;
    }
    if (!json_is_object(*root)) {
        snprintf(error, CAPTURE_ERROR_SIZE, "is no capture: it must be one JSON object");
        return -EINVAL;
    }
    return 0;
}

static struct look *look_create(void)
{
    struct look *look = calloc(1, sizeof *look);

    if (look == NULL) {
        return NULL;
    }
    look->owners_known = true;
    look->connections_whole = true;
    look->tally = tally_create();
    if (look->tally == NULL) {
        free(look);
        return NULL;
    }
    return look;
}

int capture_parse(const char *bytes, size_t length, struct look **look, char error[static CAPTURE_ERROR_SIZE])
{
    struct reader reader = {.error = error};
    json_t *root = NULL;
    int result = json_take(bytes, length, &root, error);

    *look = NULL;
    if (result == 0) {
        reader.look = look_create();
        result = reader.look != NULL ? root_read(&reader, root) : -ENOMEM;
    }
    json_decref(root);
    if (result != 0) {
        look_free(reader.look);
        return result;
    }
    *look = reader.look;
    return 0;
}
