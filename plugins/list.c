/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --list: all sockets as netstat shows them, and what is really on the wire. Two scans: the first measures the columns
 * and meets owners and listeners, the second prints. Neither keeps a socket.
 */
#include "config.h"

#include "list.h"

#include "capture/json_value.h"
#include "deadline.h"
#include "lines.h"
#include "plugin/escape.h"
#include "render/json.h"
#include "render/netstat.h"
#include "render/text.h"
#include "snapshot/owners.h"
#include "snapshot/sources.h"
#include "socket/host.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each family of each protocol can break off, and the host's facts too. */
#define TROUBLES (RECORD_PROTOCOLS * RECORD_FAMILIES + 1)
#define TROUBLE_SIZE 640

/* Longer names of users and units are cut. */
#define OWNER_TEXT_SIZE 1024

/* Of each protocol, and of units. */
#define REMARKS (RECORD_PROTOCOLS + 1)

enum column {
    COLUMN_PROTO,
    COLUMN_RECEIVE,
    COLUMN_SEND,
    COLUMN_LOCAL,
    COLUMN_FOREIGN,
    COLUMN_STATE,
    COLUMN_WIRE,
    COLUMN_USER,
    COLUMN_UNIT
};
#define COLUMNS (COLUMN_UNIT + 1)

static const char *const headings[COLUMNS] = {
    [COLUMN_PROTO] = "Proto",
    [COLUMN_RECEIVE] = "Recv-Q",
    [COLUMN_SEND] = "Send-Q",
    [COLUMN_LOCAL] = "Local Address",
    [COLUMN_FOREIGN] = "Foreign Address",
    [COLUMN_STATE] = "State",
    [COLUMN_WIRE] = "On the wire",
    [COLUMN_USER] = "User",
    [COLUMN_UNIT] = "Unit",
};

struct list {
    const struct options *options;
    struct sources *sources;
    struct owners owners;
    size_t width[COLUMNS];
    enum record_family family; /* that is printed now */
    size_t shown;              /* rows of this scan */
    uint64_t rows;
    char trouble[TROUBLES][TROUBLE_SIZE]; /* what could not be read, a sentence each */
    size_t trouble_count;
    struct lines lines;
    struct netstat netstat;
};

struct row {
    const char *cell[COLUMNS];
    char receive[sizeof "4294967295"];
    char send[sizeof "4294967295"];
    char local[RECORD_ENDPOINT_SIZE];
    char foreign[RECORD_ENDPOINT_SIZE];
    char user[OWNER_TEXT_SIZE];
    char unit[OWNER_TEXT_SIZE];
};

/* --- output ------------------------------------------------------------------------------------------------------ */

static void width_raise(struct list *list, enum column column, const char *text)
{
    size_t width = lines_width(text);

    if (width > list->width[column]) {
        list->width[column] = width;
    }
}

static void cells_print(struct list *list, const char *const cell[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        bool is_number = i == COLUMN_RECEIVE || i == COLUMN_SEND;
        if (is_number) {
            lines_pad(&list->lines, cell[i], list->width[i]);
        }
        lines_write(cell[i], strlen(cell[i]), &list->lines);
        if (!is_number && i != COLUMN_UNIT) {
            lines_pad(&list->lines, cell[i], list->width[i]);
        }
        if (i != COLUMN_UNIT) {
            lines_write("  ", 2, &list->lines);
        }
    }
    lines_line_end(&list->lines);
}

__attribute__((format(printf, 2, 3))) static void trouble_keep(struct list *list, const char *format, ...)
{
    va_list arguments;

    if (list->trouble_count == TROUBLES) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(list->trouble[list->trouble_count++], TROUBLE_SIZE, format, arguments);
    va_end(arguments);
}

/* --- owners ------------------------------------------------------------------------------------------------------ */

/* The kernel tells uid 0 for what no process holds (any more). */
static bool has_user(const struct sock_record *record)
{
    const uint32_t may_be_nobodys = SOURCE_STATE(RECORD_SYN_RECV) | SOURCE_STATE(RECORD_NEW_SYN_RECV) |
                                    SOURCE_STATE(RECORD_FIN_WAIT1) | SOURCE_STATE(RECORD_FIN_WAIT2) |
                                    SOURCE_STATE(RECORD_TIME_WAIT) | SOURCE_STATE(RECORD_LAST_ACK) |
                                    SOURCE_STATE(RECORD_CLOSING);

    return record->uid != 0 || (may_be_nobodys & SOURCE_STATE(record->state)) == 0;
}

static int owners_note(struct list *list, const struct sock_record *record)
{
    int result = has_user(record) ? owners_user_note(&list->owners, record->uid) : 0;

    return result != 0 || record->cgroup == 0 ? result : owners_unit_note(&list->owners, record->cgroup);
}

/* Both NULL where the owner is not told. */
struct owner {
    const struct owners_entry *user;
    const struct owners_entry *unit;
};

/* Looks them up when they came after the first scan. */
static int owner_find(struct list *list, const struct sock_record *record, struct owner *owner)
{
    int result = owners_note(list, record);

    *owner = (struct owner){NULL, NULL};
    if (result != 0) {
        return result;
    }
    owner->user = has_user(record) ? owners_user(&list->owners, record->uid) : NULL;
    owner->unit = record->cgroup != 0 ? owners_unit(&list->owners, record->cgroup) : NULL;
    if ((owner->user != NULL && !owner->user->asked) || (owner->unit != NULL && !owner->unit->asked)) {
        result = owners_look_up(&list->owners);
    }
    return result;
}

/* The user's name or number, made harmless. Returns text. */
static const char *user_format(char text[static OWNER_TEXT_SIZE], const struct owners_entry *user)
{
    if (user == NULL) {
        snprintf(text, OWNER_TEXT_SIZE, "-");
    } else if (user->name == NULL) {
        snprintf(text, OWNER_TEXT_SIZE, "%lu", (unsigned long)user->id);
    } else {
        escape_copy(text, OWNER_TEXT_SIZE, user->name, strlen(user->name), ESCAPE_TEXT);
    }
    return text;
}

static const char *unit_format(char text[static OWNER_TEXT_SIZE], const struct owners_entry *unit)
{
    if (unit == NULL || unit->name == NULL) {
        snprintf(text, OWNER_TEXT_SIZE, "%s", unit != NULL && unit->state == TALLY_UNIT_GONE ? "(gone)" : "-");
    } else {
        escape_copy(text, OWNER_TEXT_SIZE, unit->name, strlen(unit->name), ESCAPE_TEXT);
    }
    return text;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static void row_make(const struct list *list, const struct sock_record *record, const struct owner *owner,
                     struct row *row)
{
    snprintf(row->receive, sizeof row->receive, "%u", (unsigned)record->receive_queue);
    snprintf(row->send, sizeof row->send, "%u", (unsigned)record->send_queue);
    row->cell[COLUMN_PROTO] = netstat_proto(record);
    row->cell[COLUMN_RECEIVE] = row->receive;
    row->cell[COLUMN_SEND] = row->send;
    row->cell[COLUMN_LOCAL] = netstat_endpoint_format(row->local, record->family, &record->local, record->local_port);
    row->cell[COLUMN_FOREIGN] =
        netstat_endpoint_format(row->foreign, record->family, &record->remote, record->remote_port);
    row->cell[COLUMN_STATE] = netstat_state(record);
    row->cell[COLUMN_WIRE] = netstat_words(&list->netstat, record);
    row->cell[COLUMN_USER] = user_format(row->user, owner->user);
    row->cell[COLUMN_UNIT] = unit_format(row->unit, owner->unit);
}

static void row_print(struct list *list, const struct sock_record *record, const struct owner *owner)
{
    char sentence[NETSTAT_SENTENCE_SIZE];
    struct row row = {.cell = {NULL}};

    row_make(list, record, owner, &row);
    cells_print(list, row.cell);
    if (list->options->verbose == 0) {
        return;
    }
    netstat_explain(sentence, &list->netstat, record);
    if (*sentence != '\0') {
        lines_pad(&list->lines, "", list->width[COLUMN_PROTO] + 2);
        lines_text(&list->lines, sentence);
        lines_line_end(&list->lines);
    }
}

static json_t *v6only_json(enum record_v6only v6only)
{
    return v6only == RECORD_V6ONLY_UNKNOWN ? json_null() : json_boolean(v6only == RECORD_V6ONLY_YES);
}

static json_t *user_json(const struct owners_entry *user)
{
    char text[OWNER_TEXT_SIZE];

    return user != NULL ? json_value_text(user_format(text, user)) : json_null();
}

/* null for what is no unit: a path, a cgroup that is gone. */
static json_t *unit_json(const struct owners_entry *unit)
{
    bool is_unit = unit != NULL && unit->name != NULL && unit->name[0] != '/';
    char text[OWNER_TEXT_SIZE];

    return is_unit ? json_value_text(unit_format(text, unit)) : json_null();
}

static int json_print(struct list *list, json_t *object)
{
    int result = object == NULL ? -ENOMEM : json_dump_callback(object, lines_write, &list->lines, JSON_COMPACT);

    lines_line_end(&list->lines);
    json_decref(object);
    return result == 0 ? 0 : -ENOMEM;
}

static int row_json_print(struct list *list, const struct sock_record *record, const struct owner *owner)
{
    bool connected = record->remote_port != 0;
    char sentence[NETSTAT_SENTENCE_SIZE];
    char interface[IF_NAMESIZE];
    char local[RECORD_ADDRESS_SIZE];
    char remote[RECORD_ADDRESS_SIZE];

    netstat_explain(sentence, &list->netstat, record);
    host_interface_name(interface, record->interface);
    record_address_format(local, record->family, &record->local);
    record_address_format(remote, record->family, &record->remote);
    return json_print(list,
                      json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:i, s:s?, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
                                "protocol", protocol_name(record->protocol), "family",
                                record->family == RECORD_INET ? "inet" : "inet6", "state",
                                *netstat_state(record) != '\0' ? netstat_state(record) : "UNCONNECTED", "receive_queue",
                                (json_int_t)record->receive_queue, "send_queue", (json_int_t)record->send_queue,
                                "address", local, "port", (int)record->local_port, "remote_address",
                                connected ? remote : NULL, "remote_port",
                                connected ? json_integer(record->remote_port) : json_null(), "interface",
                                json_value_text_or_null(interface), "v6only",
                                v6only_json(netstat_v6only(&list->netstat, record)), "on_the_wire",
                                netstat_words(&list->netstat, record), "uid",
                                has_user(record) ? json_integer(record->uid) : json_null(), "user",
                                user_json(owner->user), "unit", unit_json(owner->unit), "note",
                                json_value_text_or_null(sentence)));
}

/* --- scans ------------------------------------------------------------------------------------------------------- */

static int record_measure(const struct sock_record *record, void *context)
{
    struct list *list = context;
    struct owner nobody = {NULL, NULL};
    struct row row = {.cell = {NULL}};

    netstat_meet(&list->netstat, record);
    row_make(list, record, &nobody, &row);
    for (int i = 0; i < COLUMNS; i++) {
        width_raise(list, (enum column)i, row.cell[i]);
    }
    return owners_note(list, record);
}

static int record_print(const struct sock_record *record, void *context)
{
    struct list *list = context;
    struct owner owner;
    int result;

    if (record->family != list->family) {
        return 0;
    }
    result = owner_find(list, record, &owner);
    if (result == 0 && list->options->json) {
        result = row_json_print(list, record, &owner);
    } else if (result == 0) {
        row_print(list, record, &owner);
    }
    deadline_stage(protocol_of(record->protocol)->reading);
    list->shown++;
    list->rows++;
    return result != 0 ? result : list->lines.error;
}

static bool is_readable(const struct list *list, enum record_protocol protocol)
{
    return sources_kind(list->sources, protocol) != SOURCES_NONE;
}

/*
 * Scans from the first source that answers. What was measured before a source failed does no harm, but rows that are
 * out cannot be taken back: then the failure stands.
 */
static int scan(struct list *list, const struct source_request *request, source_visit *visit)
{
    int result;

    list->shown = 0;
    do {
        result = sources_scan(list->sources, request, visit, list);
    } while (result != 0 && list->lines.error == 0 && list->shown == 0 &&
             sources_retry(list->sources, request->protocol, result) && is_readable(list, request->protocol));
    return result;
}

static void unreadable_tell(struct list *list, enum record_protocol protocol)
{
    char text[SOURCES_SENTENCE_SIZE];

    trouble_keep(list, "%s", sources_unreadable_format(text, list->sources, protocol));
}

static int everything_measure(struct list *list)
{
    int result = 0;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS && result != -ENOMEM; protocol++) {
        struct source_request request = {
            .protocol = (enum record_protocol)protocol,
            .families = SOURCE_FAMILIES_ALL,
            .states = SOURCE_STATES_ALL,
        };
        result = scan(list, &request, record_measure);
        if (!is_readable(list, (enum record_protocol)protocol)) {
            unreadable_tell(list, request.protocol);
        }
    }
    return result == -ENOMEM ? -ENOMEM : 0;
}

static int family_print(struct list *list, enum record_protocol protocol, enum record_family family)
{
    struct source_request request = {
        .protocol = protocol,
        .families = SOURCE_FAMILY(family),
        .states = SOURCE_STATES_ALL,
    };
    int result;

    list->family = family;
    result = scan(list, &request, record_print);
    if (result == -ENOMEM || list->lines.error != 0) {
        return result;
    }
    if (!is_readable(list, (enum record_protocol)protocol)) {
        unreadable_tell(list, protocol);
    } else if (result != 0) {
        trouble_keep(list, "the list of %s sockets broke off, more of them may exist: %s",
                     protocol_of(protocol)->names[family], sources_fault(list->sources, protocol));
    }
    return 0;
}

static int everything_print(struct list *list)
{
    int result = 0;

    for (int i = 0; i < RECORD_PROTOCOLS * RECORD_FAMILIES && result == 0; i++) {
        enum record_protocol protocol = (enum record_protocol)(i / RECORD_FAMILIES);
        if (is_readable(list, protocol)) {
            result = family_print(list, protocol, (enum record_family)(i % RECORD_FAMILIES));
        }
    }
    return result;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static int list_begin(struct list *list, const struct options *options)
{
    const struct sources_request request = {
        .choice = options->source,
        .copies = options->procfs,
        .progress = deadline_stage,
    };
    struct fault fault = {{0}};
    struct sock_host host;

    list->options = options;
    list->lines = (struct lines){.stage = "writing the list", .pauses = true};
    list->owners = (struct owners){.foreign = options->procfs != NULL, .progress = deadline_stage};
    list->sources = sources_create(&request);
    if (list->sources == NULL) {
        return -ENOMEM;
    }
    for (int i = 0; i < COLUMNS; i++) {
        width_raise(list, (enum column)i, headings[i]);
    }
    deadline_stage("reading the host's facts under /proc");
    if (host_read(&host, sources_directory(list->sources), &fault) != 0) {
        trouble_keep(list, "%s", fault.text);
    }
    list->netstat.ipv6 = host.ipv6;
    return 0;
}

static void owners_measure(struct list *list)
{
    char text[OWNER_TEXT_SIZE];

    for (size_t i = 0; i < list->owners.users.count; i++) {
        width_raise(list, COLUMN_USER, user_format(text, &list->owners.users.entries[i]));
    }
    for (size_t i = 0; i < list->owners.units.count; i++) {
        width_raise(list, COLUMN_UNIT, unit_format(text, &list->owners.units.entries[i]));
    }
}

/* How the list was made, where that is not as one would expect: a sentence each. Returns how many. */
static size_t remarks_make(const struct list *list, char remarks[static REMARKS][TROUBLE_SIZE])
{
    size_t count = 0;

    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        char remark[SOURCES_SENTENCE_SIZE];
        sources_remark_format(remark, list->sources, (enum record_protocol)i);
        if (*remark != '\0') {
            snprintf(remarks[count++], TROUBLE_SIZE, "%s sockets were %s", protocol_of((enum record_protocol)i)->label,
                     remark);
        }
    }
    if (list->owners.unit_fault.text[0] != '\0' && (list->options->verbose > 0 || list->options->json)) {
        snprintf(remarks[count++], TROUBLE_SIZE, "units cannot be told: %s", list->owners.unit_fault.text);
    }
    return count;
}

/* The last object: whether the list is whole. */
static int end_json_print(struct list *list, char remarks[static REMARKS][TROUBLE_SIZE], size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_value_text(remarks[i]));
    }
    return json_print(list, json_pack("{s:s, s:s, s:s, s:I, s:o, s:[]}", "plugin", "check_dualstack", "version",
                                      PACKAGE_VERSION, "state", state_name(STATE_OK), "sockets", (json_int_t)list->rows,
                                      "remarks", array, "errors"));
}

static int end_print(struct list *list)
{
    char remarks[REMARKS][TROUBLE_SIZE];
    size_t count = remarks_make(list, remarks);

    if (list->options->json) {
        return list->trouble_count == 0 ? end_json_print(list, remarks, count) : 0;
    }
    for (size_t i = 0; i < count; i++) {
        lines_text(&list->lines, remarks[i]);
        lines_line_end(&list->lines);
    }
    return 0;
}

static int table_print(struct list *list)
{
    int result;

    if (!list->options->json) {
        cells_print(list, headings);
    }
    result = everything_print(list);
    if (result == 0) {
        result = end_print(list);
    }
    lines_flush(&list->lines);
    return list->lines.error != 0 ? 0 : result;
}

/* What could not be read stands behind everything that could. */
static int troubles_answer(const struct list *list, struct answer *answer)
{
    const char *sentences[TROUBLES];

    answer->state = list->trouble_count > 0 || list->lines.error != 0 ? STATE_UNKNOWN : STATE_OK;
    for (size_t i = 0; i < list->trouble_count; i++) {
        sentences[i] = list->trouble[i];
    }
    if (list->trouble_count == 0 || list->lines.error != 0) {
        return 0;
    }
    return list->options->json
               ? json_failure(STATE_UNKNOWN, sentences, list->trouble_count, &answer->text, &answer->length)
               : text_failure(STATE_UNKNOWN, sentences, list->trouble_count, NULL, &answer->text, &answer->length);
}

static bool anything_readable(const struct list *list)
{
    bool any = false;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        any |= is_readable(list, (enum record_protocol)protocol);
    }
    return any;
}

static void list_free(struct list *list)
{
    sources_free(list->sources);
    owners_clear(&list->owners);
    free(list);
}

int list_run(const struct options *options, const struct policy *policy, struct answer *answer)
{
    struct list *list = calloc(1, sizeof *list);
    int result;

    (void)policy; /* it lists what there is, wanted or not */
    if (list == NULL) {
        return -ENOMEM;
    }
    result = list_begin(list, options);
    if (result == 0) {
        result = everything_measure(list);
    }
    if (result == 0) {
        result = owners_look_up(&list->owners);
    }
    if (result == 0 && anything_readable(list)) {
        owners_measure(list);
        result = table_print(list);
    }
    if (result == 0) {
        result = troubles_answer(list, answer);
    }
    list_free(list);
    return result;
}
