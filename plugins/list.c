/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --list: all sockets as netstat shows them, and what is really on the wire. Two scans: the first measures the columns
 * and meets owners and listeners, the second prints. Neither keeps a socket.
 */
#include "config.h"

#include "list.h"

#include "deadline.h"
#include "json_text.h"
#include "names.h"
#include "pen.h"
#include "socket/host.h"
#include "socket/netlink.h"
#include "socket/procfs.h"
#include "tell_json.h"
#include "tell_text.h"
#include "wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCFS_DIRECTORY "/proc/net"

/* An interrupted answer is asked for anew this often before it counts as a failure. */
#define TRIES 5

/* Each family of each protocol can break off, and the host's facts too. */
#define TROUBLES (RECORD_PROTOCOLS * RECORD_FAMILIES + 1)
#define TROUBLE_SIZE 640

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

static const char *const upper_names[RECORD_PROTOCOLS] = {[RECORD_TCP] = "TCP", [RECORD_UDP] = "UDP"};

/* Where a protocol is read from, in the order they are tried. */
enum place {
    PLACE_NETLINK,
    PLACE_PROCFS,
    PLACE_NONE
};

struct list {
    const struct options *options;
    enum place place[RECORD_PROTOCOLS];
    struct source *source[PLACE_NONE];
    struct source_fault fault[RECORD_PROTOCOLS][PLACE_NONE]; /* why the place did not answer */
    struct names users;
    struct names units;
    struct source_fault unit_fault;
    size_t width[COLUMNS];
    enum record_family family; /* that is printed now */
    const char *stage;
    size_t shown; /* rows of this scan */
    uint64_t rows;
    char trouble[TROUBLES][TROUBLE_SIZE]; /* what could not be read, a sentence each */
    size_t trouble_count;
    struct pen pen;
    struct wire wire;
};

struct row {
    const char *cell[COLUMNS];
    char receive[sizeof "4294967295"];
    char send[sizeof "4294967295"];
    char local[RECORD_ENDPOINT_SIZE];
    char foreign[RECORD_ENDPOINT_SIZE];
};

/* --- output ------------------------------------------------------------------------------------------------------ */

static void width_raise(struct list *list, enum column column, const char *text)
{
    size_t width = pen_width(text);

    if (width > list->width[column]) {
        list->width[column] = width;
    }
}

static void cells_print(struct list *list, const char *const cell[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        bool is_number = i == COLUMN_RECEIVE || i == COLUMN_SEND;
        if (is_number) {
            pen_pad(&list->pen, cell[i], list->width[i]);
        }
        pen_write(cell[i], strlen(cell[i]), &list->pen);
        if (!is_number && i != COLUMN_UNIT) {
            pen_pad(&list->pen, cell[i], list->width[i]);
        }
        if (i != COLUMN_UNIT) {
            pen_write("  ", 2, &list->pen);
        }
    }
    pen_line_end(&list->pen);
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

static int owners_learn(struct list *list)
{
    int result;

    deadline_stage("looking up units and users");
    /* Copies can be another host's, whose users are not this one's. */
    result = names_learn_users(&list->users, list->options->procfs != NULL);
    return result != 0 ? result : names_learn_units(&list->units, &list->unit_fault);
}

/* The kernel tells uid 0 for what no process holds (any more). */
static bool has_user(const struct sock_record *record)
{
    const uint32_t may_be_nobodys = SOURCE_STATE(RECORD_SYN_RECV) | SOURCE_STATE(RECORD_NEW_SYN_RECV) |
                                    SOURCE_STATE(RECORD_FIN_WAIT1) | SOURCE_STATE(RECORD_FIN_WAIT2) |
                                    SOURCE_STATE(RECORD_TIME_WAIT) | SOURCE_STATE(RECORD_LAST_ACK) |
                                    SOURCE_STATE(RECORD_CLOSING);

    return record->uid != 0 || (may_be_nobodys & SOURCE_STATE(record->state)) == 0;
}

static int owners_meet(struct list *list, const struct sock_record *record)
{
    bool user_kept = !has_user(record) || names_find(&list->users, record->uid) != NULL;
    bool unit_kept = record->cgroup == 0 || names_find(&list->units, record->cgroup) != NULL;

    return user_kept && unit_kept ? 0 : -ENOMEM;
}

/* NULL where the owner is not told. */
struct owner {
    const char *user;
    const char *unit;
};

/* Looks them up when they came after the first scan. */
static int owner_find(struct list *list, const struct sock_record *record, struct owner *owner)
{
    int result = owners_meet(list, record);
    struct name *user;
    struct name *unit;

    *owner = (struct owner){NULL, NULL};
    if (result != 0) {
        return result;
    }
    user = has_user(record) ? names_find(&list->users, record->uid) : NULL;
    unit = record->cgroup != 0 ? names_find(&list->units, record->cgroup) : NULL;
    if ((user != NULL && user->text == NULL) || (unit != NULL && unit->text == NULL)) {
        result = owners_learn(list);
    }
    if (result == 0) {
        owner->user = user != NULL ? user->text : NULL;
        owner->unit = unit != NULL ? unit->text : NULL;
    }
    return result;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static void row_make(const struct list *list, const struct sock_record *record, const struct owner *owner,
                     struct row *row)
{
    snprintf(row->receive, sizeof row->receive, "%u", (unsigned)record->receive_queue);
    snprintf(row->send, sizeof row->send, "%u", (unsigned)record->send_queue);
    row->cell[COLUMN_PROTO] = wire_proto(record);
    row->cell[COLUMN_RECEIVE] = row->receive;
    row->cell[COLUMN_SEND] = row->send;
    row->cell[COLUMN_LOCAL] = wire_endpoint_format(row->local, record->family, &record->local, record->local_port);
    row->cell[COLUMN_FOREIGN] =
        wire_endpoint_format(row->foreign, record->family, &record->remote, record->remote_port);
    row->cell[COLUMN_STATE] = wire_state(record);
    row->cell[COLUMN_WIRE] = wire_words(&list->wire, record);
    row->cell[COLUMN_USER] = owner->user != NULL ? owner->user : "-";
    row->cell[COLUMN_UNIT] = owner->unit != NULL ? owner->unit : "-";
}

static void row_print(struct list *list, const struct sock_record *record, const struct owner *owner)
{
    char sentence[WIRE_SENTENCE_SIZE];
    struct row row = {.cell = {NULL}};

    row_make(list, record, owner, &row);
    cells_print(list, row.cell);
    if (list->options->verbose == 0) {
        return;
    }
    wire_explain(sentence, &list->wire, record);
    if (*sentence != '\0') {
        pen_pad(&list->pen, "", list->width[COLUMN_PROTO] + 2);
        pen_text(&list->pen, sentence);
        pen_line_end(&list->pen);
    }
}

static json_t *v6only_json(enum record_v6only v6only)
{
    return v6only == RECORD_V6ONLY_UNKNOWN ? json_null() : json_boolean(v6only == RECORD_V6ONLY_YES);
}

/* null for what is no unit: a path, a cgroup that is gone. */
static json_t *unit_json(const struct owner *owner)
{
    return json_text_or_null(owner->unit == NULL || strchr("/(-", *owner->unit) != NULL ? NULL : owner->unit);
}

static int json_print(struct list *list, json_t *object)
{
    int result = object == NULL ? -ENOMEM : json_dump_callback(object, pen_write, &list->pen, JSON_COMPACT);

    pen_line_end(&list->pen);
    json_decref(object);
    return result == 0 ? 0 : -ENOMEM;
}

static int row_json_print(struct list *list, const struct sock_record *record, const struct owner *owner)
{
    bool connected = record->remote_port != 0;
    char sentence[WIRE_SENTENCE_SIZE];
    char interface[IF_NAMESIZE];
    char local[RECORD_ADDRESS_SIZE];
    char remote[RECORD_ADDRESS_SIZE];

    wire_explain(sentence, &list->wire, record);
    host_interface_name(interface, record->interface);
    record_address_format(local, record->family, &record->local);
    record_address_format(remote, record->family, &record->remote);
    return json_print(list,
                      json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:i, s:s?, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
                                "protocol", record_protocol_name(record->protocol), "family",
                                record->family == RECORD_INET ? "inet" : "inet6", "state",
                                *wire_state(record) != '\0' ? wire_state(record) : "UNCONNECTED", "receive_queue",
                                (json_int_t)record->receive_queue, "send_queue", (json_int_t)record->send_queue,
                                "address", local, "port", (int)record->local_port, "remote_address",
                                connected ? remote : NULL, "remote_port",
                                connected ? json_integer(record->remote_port) : json_null(), "interface",
                                json_text_or_null(interface), "v6only", v6only_json(wire_v6only(&list->wire, record)),
                                "on_the_wire", wire_words(&list->wire, record), "uid",
                                has_user(record) ? json_integer(record->uid) : json_null(), "user",
                                json_text_or_null(owner->user), "unit", unit_json(owner), "note",
                                json_text_or_null(sentence)));
}

/* --- scans ------------------------------------------------------------------------------------------------------- */

static int record_measure(const struct sock_record *record, void *context)
{
    struct list *list = context;
    struct owner nobody = {NULL, NULL};
    struct row row = {.cell = {NULL}};

    wire_meet(&list->wire, record);
    row_make(list, record, &nobody, &row);
    for (int i = 0; i < COLUMNS; i++) {
        width_raise(list, (enum column)i, row.cell[i]);
    }
    return owners_meet(list, record);
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
    deadline_stage(list->stage);
    list->shown++;
    list->rows++;
    return result != 0 ? result : list->pen.error;
}

static const char *directory_of(const struct options *options)
{
    return options->procfs != NULL ? options->procfs : PROCFS_DIRECTORY;
}

static int place_scan(struct list *list, const struct source_request *request, source_visit *visit)
{
    enum place place = list->place[request->protocol];
    struct source_fault *fault = &list->fault[request->protocol][place];
    struct source **source = &list->source[place];
    int result = 0;

    if (*source == NULL) {
        result = place == PLACE_NETLINK ? netlink_open(source, fault)
                                        : procfs_open(source, directory_of(list->options), fault);
    }
    return result != 0 ? result : (*source)->scan(*source, request, visit, list, fault);
}

static bool may_fall_back(const struct list *list)
{
    return list->options->source == OPTIONS_SOURCE_AUTO;
}

/*
 * Scans from the first place that answers. What was measured before a place failed does no harm, but rows that are out
 * cannot be taken back: then the failure stands.
 */
static int scan(struct list *list, const struct source_request *request, source_visit *visit)
{
    static const char *const stages[RECORD_PROTOCOLS] = {
        [RECORD_TCP] = "reading the list of TCP sockets",
        [RECORD_UDP] = "reading the list of UDP sockets",
    };
    enum place *place = &list->place[request->protocol];
    int interruptions = 0;
    int result = 0;

    list->stage = stages[request->protocol];
    list->shown = 0;
    deadline_stage(list->stage);
    while (*place != PLACE_NONE) {
        result = place_scan(list, request, visit);
        if (result == 0 || result == -ENOMEM || list->pen.error != 0 || list->shown > 0) {
            break;
        }
        if (result != -EAGAIN || ++interruptions == TRIES) {
            interruptions = 0;
            *place = *place == PLACE_NETLINK && may_fall_back(list) ? PLACE_PROCFS : PLACE_NONE;
        }
    }
    return result;
}

static void unreadable_tell(struct list *list, enum record_protocol protocol)
{
    const char *netlink = list->fault[protocol][PLACE_NETLINK].text;
    const char *procfs = list->fault[protocol][PLACE_PROCFS].text;

    trouble_keep(list, "%s sockets cannot be read: %s%s%s%s", upper_names[protocol], netlink,
                 *netlink != '\0' && *procfs != '\0' ? ". Nor does /proc/net: " : "", procfs,
                 list->options->source == OPTIONS_SOURCE_NETLINK ? ". --source=auto would try /proc/net" : "");
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
        if (list->place[protocol] == PLACE_NONE) {
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
    if (result == -ENOMEM || list->pen.error != 0) {
        return result;
    }
    if (list->place[protocol] == PLACE_NONE) {
        unreadable_tell(list, protocol);
    } else if (result != 0) {
        trouble_keep(list, "the list of %s sockets broke off, more of them may exist: %s",
                     wire_proto(&(struct sock_record){.protocol = protocol, .family = family}),
                     list->fault[protocol][list->place[protocol]].text);
    }
    return 0;
}

static int everything_print(struct list *list)
{
    int result = 0;

    for (int i = 0; i < RECORD_PROTOCOLS * RECORD_FAMILIES && result == 0; i++) {
        enum record_protocol protocol = (enum record_protocol)(i / RECORD_FAMILIES);
        if (list->place[protocol] != PLACE_NONE) {
            result = family_print(list, protocol, (enum record_family)(i % RECORD_FAMILIES));
        }
    }
    return result;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static void list_begin(struct list *list, const struct options *options)
{
    struct source_fault fault = {{0}};
    struct sock_host host;

    list->options = options;
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        list->place[protocol] = options->source == OPTIONS_SOURCE_PROCFS ? PLACE_PROCFS : PLACE_NETLINK;
    }
    for (int i = 0; i < COLUMNS; i++) {
        width_raise(list, (enum column)i, headings[i]);
    }
    deadline_stage("reading the host's facts under /proc");
    if (host_read(&host, directory_of(options), &fault) != 0) {
        trouble_keep(list, "%s", fault.text);
    }
    list->wire.ipv6 = host.ipv6;
}

static void owners_measure(struct list *list)
{
    for (size_t i = 0; i < list->users.count; i++) {
        width_raise(list, COLUMN_USER, list->users.list[i].text);
    }
    for (size_t i = 0; i < list->units.count; i++) {
        width_raise(list, COLUMN_UNIT, list->units.list[i].text);
    }
}

/* How the list was made, where that is not as one would expect: a sentence each. Returns how many. */
static size_t remarks_make(const struct list *list, char remarks[static REMARKS][TROUBLE_SIZE])
{
    size_t count = 0;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (list->place[protocol] == PLACE_PROCFS && may_fall_back(list)) {
            snprintf(remarks[count++], TROUBLE_SIZE, "%s sockets were read from /proc/net, which lacks v6only, as %s",
                     upper_names[protocol], list->fault[protocol][PLACE_NETLINK].text);
        }
    }
    if (list->unit_fault.text[0] != '\0' && (list->options->verbose > 0 || list->options->json)) {
        snprintf(remarks[count++], TROUBLE_SIZE, "units cannot be told: %s", list->unit_fault.text);
    }
    return count;
}

/* The last object: whether the list is whole. */
static int end_json_print(struct list *list, char remarks[static REMARKS][TROUBLE_SIZE], size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_text(remarks[i]));
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
        pen_text(&list->pen, remarks[i]);
        pen_line_end(&list->pen);
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
    pen_flush(&list->pen);
    return list->pen.error != 0 ? 0 : result;
}

/* What could not be read stands behind everything that could. */
static int troubles_answer(const struct list *list, struct answer *answer)
{
    const char *sentences[TROUBLES];

    answer->state = list->trouble_count > 0 || list->pen.error != 0 ? STATE_UNKNOWN : STATE_OK;
    for (size_t i = 0; i < list->trouble_count; i++) {
        sentences[i] = list->trouble[i];
    }
    if (list->trouble_count == 0 || list->pen.error != 0) {
        return 0;
    }
    return list->options->json
               ? tell_json_failure(STATE_UNKNOWN, sentences, list->trouble_count, &answer->text, &answer->length)
               : tell_text_failure(STATE_UNKNOWN, sentences, list->trouble_count, NULL, &answer->text, &answer->length);
}

static bool anything_readable(const struct list *list)
{
    return list->place[RECORD_TCP] != PLACE_NONE || list->place[RECORD_UDP] != PLACE_NONE;
}

static void list_free(struct list *list)
{
    for (int place = 0; place < PLACE_NONE; place++) {
        if (list->source[place] != NULL) {
            list->source[place]->free(list->source[place]);
        }
    }
    names_clear(&list->users);
    names_clear(&list->units);
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
    list_begin(list, options);
    result = everything_measure(list);
    if (result == 0) {
        result = owners_learn(list);
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
