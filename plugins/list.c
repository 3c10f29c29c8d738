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
#include "output.h"
#include "plugin/escape.h"
#include "socket/host.h"
#include "socket/netlink.h"
#include "socket/procfs.h"
#include "socket/unit.h"
#include "tell_json.h"
#include "tell_text.h"
#include "words.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCFS_DIRECTORY "/proc/net"

/* An interrupted answer is asked for anew this often before it counts as a failure. */
#define TRIES 5

#define PORTS 65536
#define SENTENCE_SIZE 320

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

static const char *const proto_names[RECORD_PROTOCOLS][RECORD_FAMILIES] = {
    [RECORD_TCP] = {[RECORD_INET] = "tcp", [RECORD_INET6] = "tcp6"},
    [RECORD_UDP] = {[RECORD_INET] = "udp", [RECORD_INET6] = "udp6"},
};

/* What was met on a port: a byte for each port, however many sockets there are. */
enum met {
    MET_INET = 1,             /* an AF_INET listener */
    MET_INET6 = 2,            /* an AF_INET6 one that takes no IPv4 */
    MET_DUAL = 4,             /* [::] with v6only off */
    MET_UNTOLD = 8,           /* [::] whose v6only the source does not tell */
    MET_MAPPED = 16,          /* a listener on one IPv4-mapped address */
    MET_MAPPED_WILDCARD = 32, /* a listener on ::ffff:0.0.0.0 */
    MET_CLIENT = 64           /* an established IPv4 connection of an AF_INET6 socket */
};
#define MET_TAKES_IPV4 (MET_DUAL | MET_UNTOLD | MET_MAPPED | MET_MAPPED_WILDCARD)

/* What a number is called, ready to be printed. */
struct name {
    uint64_t id;
    char *text; /* NULL until it was looked up */
};

/* Ascending by id, each once. */
struct names {
    struct name *list;
    size_t count;
};

/* Output in whole lines, and in pieces that a pipe takes at once or not at all: whatever ends the program ends it
 * between two lines. */
struct pen {
    char bytes[PIPE_BUF];
    size_t length;
    size_t whole; /* length of the whole lines in it */
    int error;    /* why nothing more is written, 0 when all is well */
};

/* Where a protocol is read from, in the order they are tried. */
enum place {
    PLACE_NETLINK,
    PLACE_PROCFS,
    PLACE_NONE
};

struct list {
    const struct options *options;
    struct sock_host host;
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
    uint8_t met[RECORD_PROTOCOLS][PORTS];
};

struct row {
    const char *cell[COLUMNS];
    char receive[sizeof "4294967295"];
    char send[sizeof "4294967295"];
    char local[RECORD_ENDPOINT_SIZE];
    char foreign[RECORD_ENDPOINT_SIZE];
};

/* --- output ------------------------------------------------------------------------------------------------------ */

static void pen_flush(struct pen *pen)
{
    size_t count = pen->whole > 0 ? pen->whole : pen->length;

    if (pen->error == 0) {
        deadline_stage("writing the list");
        pen->error = output_write(pen->bytes, count);
    }
    memmove(pen->bytes, pen->bytes + count, pen->length - count);
    pen->length -= count;
    pen->whole = 0;
}

static int pen_write(const char *bytes, size_t length, void *context)
{
    struct pen *pen = context;

    while (length > 0) {
        size_t room = sizeof pen->bytes - pen->length;
        size_t count = length < room ? length : room;
        memcpy(pen->bytes + pen->length, bytes, count);
        pen->length += count;
        bytes += count;
        length -= count;
        if (pen->length == sizeof pen->bytes) {
            pen_flush(pen);
        }
    }
    return 0;
}

static void pen_line_end(struct pen *pen)
{
    pen_write("\n", 1, pen);
    pen->whole = pen->length;
}

static void pen_text(struct pen *pen, const char *text)
{
    char escaped[ESCAPE_SIZE(TROUBLE_SIZE)];

    pen_write(escaped, escape_copy(escaped, sizeof escaped, text, strlen(text), ESCAPE_TEXT), pen);
}

/* Characters, of valid UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

static void width_raise(struct list *list, enum column column, const char *text)
{
    size_t width = width_of(text);

    if (width > list->width[column]) {
        list->width[column] = width;
    }
}

static void pad(struct pen *pen, const char *text, size_t width)
{
    for (size_t i = width_of(text); i < width; i++) {
        pen_write(" ", 1, pen);
    }
}

static void cells_print(struct list *list, const char *const cell[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        bool is_number = i == COLUMN_RECEIVE || i == COLUMN_SEND;
        if (is_number) {
            pad(&list->pen, cell[i], list->width[i]);
        }
        pen_write(cell[i], strlen(cell[i]), &list->pen);
        if (!is_number && i != COLUMN_UNIT) {
            pad(&list->pen, cell[i], list->width[i]);
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

/* The name of `id`, which is made without a text when it is new. NULL when out of memory. */
static struct name *names_find(struct names *names, uint64_t id)
{
    size_t first = 0;
    size_t end = names->count;
    struct name *grown;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (names->list[middle].id == id) {
            return &names->list[middle];
        }
        if (names->list[middle].id < id) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    grown = realloc(names->list, (names->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    names->list = grown;
    memmove(grown + first + 1, grown + first, (names->count - first) * sizeof *grown);
    grown[first] = (struct name){.id = id};
    names->count++;
    return &grown[first];
}

static void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->list[i].text);
    }
    free(names->list);
}

static int name_set(struct name *name, const char *text)
{
    size_t length = strlen(text);

    name->text = malloc(ESCAPE_SIZE(length));
    if (name->text == NULL) {
        return -ENOMEM;
    }
    escape_copy(name->text, ESCAPE_SIZE(length), text, length, ESCAPE_TEXT);
    return 0;
}

static int users_learn(struct list *list)
{
    int result = 0;

    for (size_t i = 0; i < list->users.count && result == 0; i++) {
        struct name *name = &list->users.list[i];
        /* Copies can be another host's, whose users are not this one's. */
        // cppcheck-suppress getpwuidCalled ; there is one thread
        struct passwd *user = name->text == NULL && list->options->procfs == NULL ? getpwuid((uid_t)name->id) : NULL;
        char number[sizeof "4294967295"];
        snprintf(number, sizeof number, "%u", (unsigned)name->id);
        if (name->text == NULL) {
            result = name_set(name, user != NULL ? user->pw_name : number);
        }
    }
    return result;
}

static int unit_set(const struct unit_table *table, struct name *name)
{
    const char *path = table != NULL ? unit_table_path(table, name->id) : NULL;
    char unit[UNIT_NAME_SIZE];

    if (path == NULL) {
        return name_set(name, table == NULL ? "-" : "(gone)");
    }
    return name_set(name, unit_name_format(unit, path));
}

/* One walk over the cgroups for all that are new. */
static int units_learn(struct list *list)
{
    struct names *units = &list->units;
    struct unit_table *table = NULL;
    uint64_t *ids = calloc(units->count + 1, sizeof *ids);
    int result = ids == NULL ? -ENOMEM : 0;

    for (size_t i = 0; i < units->count && result == 0; i++) {
        ids[i] = units->list[i].text == NULL ? units->list[i].id : 0;
    }
    if (result == 0 && unit_table_read(&table, ids, units->count, &list->unit_fault) == -ENOMEM) {
        result = -ENOMEM;
    }
    for (size_t i = 0; i < units->count && result == 0; i++) {
        if (units->list[i].text == NULL) {
            result = unit_set(table, &units->list[i]);
        }
    }
    unit_table_free(table);
    free(ids);
    return result;
}

static int owners_learn(struct list *list)
{
    int result;

    deadline_stage("looking up units and users");
    result = users_learn(list);
    return result != 0 ? result : units_learn(list);
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

/* --- what a socket is -------------------------------------------------------------------------------------------- */

static enum met met_of(const struct sock_record *record)
{
    static const enum met wildcards[] = {
        [RECORD_V6ONLY_UNKNOWN] = MET_UNTOLD,
        [RECORD_V6ONLY_NO] = MET_DUAL,
        [RECORD_V6ONLY_YES] = MET_INET6,
    };

    if (record->family == RECORD_INET) {
        return MET_INET;
    }
    if (record_is_ipv4(&record->local)) {
        return record_is_wildcard(RECORD_INET, &record->local) ? MET_MAPPED_WILDCARD : MET_MAPPED;
    }
    return record_is_wildcard(RECORD_INET6, &record->local) ? wildcards[record->v6only] : MET_INET6;
}

static void port_meet(struct list *list, const struct sock_record *record)
{
    uint8_t *met = &list->met[record->protocol][record->local_port];

    if (record_is_listener(record)) {
        *met = (uint8_t)(*met | met_of(record));
    } else if (record->protocol == RECORD_TCP && record_is_v4_mapped(record)) {
        *met |= MET_CLIENT;
    }
}

/* An IPv4 client of [::] proves what /proc/net does not tell, unless a listener on an IPv4-mapped address took it. */
static enum record_v6only v6only_of(const struct list *list, const struct sock_record *record)
{
    unsigned met = list->met[record->protocol][record->local_port];

    if (record->v6only == RECORD_V6ONLY_UNKNOWN && record_is_listener(record) && met_of(record) == MET_UNTOLD &&
        (met & (MET_CLIENT | MET_MAPPED | MET_MAPPED_WILDCARD)) == MET_CLIENT) {
        return RECORD_V6ONLY_NO;
    }
    return record->v6only;
}

static bool is_mapped(const struct sock_record *record)
{
    return record->family == RECORD_INET6 && record_is_ipv4(&record->remote);
}

static const char *wire_of(const struct list *list, const struct sock_record *record)
{
    if (record_is_listener(record)) {
        return words_accepts(stack_accepts(record->family, &record->local, v6only_of(list, record), list->host.ipv6));
    }
    if (record->family == RECORD_INET) {
        return "IPv4";
    }
    return is_mapped(record) ? "IPv4 (mapped)" : "IPv6";
}

static const char *state_of(const struct sock_record *record)
{
    static const char *const tcp[] = {
        [RECORD_ESTABLISHED] = "ESTABLISHED",
        [RECORD_SYN_SENT] = "SYN_SENT",
        [RECORD_SYN_RECV] = "SYN_RECV",
        [RECORD_FIN_WAIT1] = "FIN_WAIT1",
        [RECORD_FIN_WAIT2] = "FIN_WAIT2",
        [RECORD_TIME_WAIT] = "TIME_WAIT",
        [RECORD_CLOSE] = "CLOSE",
        [RECORD_CLOSE_WAIT] = "CLOSE_WAIT",
        [RECORD_LAST_ACK] = "LAST_ACK",
        [RECORD_LISTEN] = "LISTEN",
        [RECORD_CLOSING] = "CLOSING",
        [RECORD_NEW_SYN_RECV] = "SYN_RECV",
    };

    if (record->protocol == RECORD_TCP) {
        return tcp[record->state];
    }
    return record->state == RECORD_CLOSE ? "" : record->state == RECORD_ESTABLISHED ? "ESTABLISHED" : "UNKNOWN";
}

/* As netstat: what is IPv4 on the wire looks like IPv4, no brackets, no interface. */
static const char *endpoint_format(char text[static RECORD_ENDPOINT_SIZE], enum record_family family,
                                   const struct in6_addr *address, uint16_t port)
{
    char plain[RECORD_ADDRESS_SIZE];

    record_address_format(plain, record_is_ipv4(address) ? RECORD_INET : family, address);
    snprintf(text, RECORD_ENDPOINT_SIZE, port != 0 ? "%s:%u" : "%s:*", plain, (unsigned)port);
    return text;
}

static void row_make(const struct list *list, const struct sock_record *record, const struct owner *owner,
                     struct row *row)
{
    snprintf(row->receive, sizeof row->receive, "%u", (unsigned)record->receive_queue);
    snprintf(row->send, sizeof row->send, "%u", (unsigned)record->send_queue);
    row->cell[COLUMN_PROTO] = proto_names[record->protocol][record->family];
    row->cell[COLUMN_RECEIVE] = row->receive;
    row->cell[COLUMN_SEND] = row->send;
    row->cell[COLUMN_LOCAL] = endpoint_format(row->local, record->family, &record->local, record->local_port);
    row->cell[COLUMN_FOREIGN] = endpoint_format(row->foreign, record->family, &record->remote, record->remote_port);
    row->cell[COLUMN_STATE] = state_of(record);
    row->cell[COLUMN_WIRE] = wire_of(list, record);
    row->cell[COLUMN_USER] = owner->user != NULL ? owner->user : "-";
    row->cell[COLUMN_UNIT] = owner->unit != NULL ? owner->unit : "-";
}

/* --- what surprises about it ------------------------------------------------------------------------------------- */

static void wildcard_explain(char text[static SENTENCE_SIZE], enum record_v6only v6only, bool ipv6)
{
    static const char *const words[][2] = {
        [RECORD_V6ONLY_UNKNOWN] =
            {"whether it accepts IPv4 cannot be told without v6only, and IPv6 it does not as this "
             "host has no IPv6 address",
             "whether it accepts IPv4 too cannot be told without v6only"},
        [RECORD_V6ONLY_NO] = {"accepts IPv4 only: IPV6_V6ONLY is off, and this host has no IPv6 address",
                              "accepts IPv4 too: IPV6_V6ONLY is off"},
        [RECORD_V6ONLY_YES] = {"nothing can reach it: IPV6_V6ONLY is on, and this host has no IPv6 address",
                               "accepts no IPv4: IPV6_V6ONLY is on"},
    };

    snprintf(text, SENTENCE_SIZE, "%s", words[v6only][ipv6]);
}

static void listener_explain(char text[static SENTENCE_SIZE], const struct list *list, const struct sock_record *record)
{
    bool ipv6 = list->host.ipv6 != RECORD_NO;

    if (record->family == RECORD_INET) {
        return;
    }
    if (record_is_ipv4(&record->local)) {
        char address[RECORD_ADDRESS_SIZE];
        snprintf(text, SENTENCE_SIZE, "accepts IPv4 only: it is bound to the IPv4-mapped address %s",
                 record_address_format(address, RECORD_INET6, &record->local));
    } else if (record_is_wildcard(RECORD_INET6, &record->local)) {
        wildcard_explain(text, v6only_of(list, record), ipv6);
    } else if (!ipv6) {
        snprintf(text, SENTENCE_SIZE, "nothing can reach it: this host has no IPv6 address");
    }
}

/* Nothing that listens now can have taken the connection. */
static void outbound_explain(char text[static SENTENCE_SIZE], const struct sock_record *record, bool port_listens)
{
    bool is_open = record->state == RECORD_ESTABLISHED || record->state == RECORD_SYN_SENT;

    if (port_listens) {
        snprintf(text, SENTENCE_SIZE,
                 "IPv4 connection of an AF_INET6 socket, though no AF_INET6 listener of port %u takes IPv4 now",
                 (unsigned)record->local_port);
    } else if (is_open) {
        char address[RECORD_ADDRESS_SIZE];
        snprintf(text, SENTENCE_SIZE, "outbound IPv4 connection of an AF_INET6 socket, to %s",
                 record_address_format(address, RECORD_INET6, &record->remote));
    } else {
        snprintf(text, SENTENCE_SIZE, "IPv4 connection of an AF_INET6 socket, outbound or of a listener that is gone");
    }
}

static void connection_explain(char text[static SENTENCE_SIZE], const struct list *list,
                               const struct sock_record *record)
{
    static const char client[] = "IPv4 client of the AF_INET6 listener";
    unsigned met = list->met[record->protocol][record->local_port];
    unsigned port = record->local_port;
    char address[RECORD_ADDRESS_SIZE];

    if (!is_mapped(record)) {
        return;
    }
    switch (met & MET_TAKES_IPV4) {
    case 0:
        outbound_explain(text, record, (met & (MET_INET | MET_INET6)) != 0);
        break;
    case MET_DUAL:
        snprintf(text, SENTENCE_SIZE, "%s [::]:%u, which has IPV6_V6ONLY off", client, port);
        break;
    case MET_UNTOLD:
        snprintf(text, SENTENCE_SIZE, "%s [::]:%u, %s", client, port,
                 (met & MET_CLIENT) != 0 ? "which so must have IPV6_V6ONLY off" : "whose v6only is not told");
        break;
    case MET_MAPPED_WILDCARD:
        snprintf(text, SENTENCE_SIZE, "%s [::ffff:0.0.0.0]:%u, which is bound to an IPv4-mapped address", client, port);
        break;
    case MET_MAPPED:
        snprintf(text, SENTENCE_SIZE, "%s [%s]:%u, which is bound to an IPv4-mapped address", client,
                 record_address_format(address, RECORD_INET6, &record->local), port);
        break;
    default:
        snprintf(text, SENTENCE_SIZE, "IPv4 client of one of the AF_INET6 listeners of port %u", port);
        break;
    }
}

/* One sentence, "" when nothing surprises. netstat does not show interfaces, so they belong to it. */
static void row_explain(char text[static SENTENCE_SIZE], const struct list *list, const struct sock_record *record)
{
    char interface[IF_NAMESIZE];

    *text = '\0';
    if (record_is_listener(record)) {
        listener_explain(text, list, record);
    } else {
        connection_explain(text, list, record);
    }
    host_interface_name(interface, record->interface);
    if (*interface != '\0') {
        size_t length = strlen(text);
        snprintf(text + length, SENTENCE_SIZE - length, "%sbound to the interface %s", length > 0 ? ", " : "",
                 interface);
    }
}

/* --- rows out ---------------------------------------------------------------------------------------------------- */

static void row_print(struct list *list, const struct sock_record *record, const struct owner *owner)
{
    char sentence[SENTENCE_SIZE];
    struct row row = {.cell = {NULL}};

    row_make(list, record, owner, &row);
    cells_print(list, row.cell);
    if (list->options->verbose == 0) {
        return;
    }
    row_explain(sentence, list, record);
    if (*sentence != '\0') {
        pad(&list->pen, "", list->width[COLUMN_PROTO] + 2);
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
    char sentence[SENTENCE_SIZE];
    char interface[IF_NAMESIZE];
    char local[RECORD_ADDRESS_SIZE];
    char remote[RECORD_ADDRESS_SIZE];

    row_explain(sentence, list, record);
    host_interface_name(interface, record->interface);
    record_address_format(local, record->family, &record->local);
    record_address_format(remote, record->family, &record->remote);
    return json_print(list,
                      json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:i, s:s?, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
                                "protocol", record_protocol_name(record->protocol), "family",
                                record->family == RECORD_INET ? "inet" : "inet6", "state",
                                *state_of(record) != '\0' ? state_of(record) : "UNCONNECTED", "receive_queue",
                                (json_int_t)record->receive_queue, "send_queue", (json_int_t)record->send_queue,
                                "address", local, "port", (int)record->local_port, "remote_address",
                                connected ? remote : NULL, "remote_port",
                                connected ? json_integer(record->remote_port) : json_null(), "interface",
                                json_text_or_null(interface), "v6only", v6only_json(v6only_of(list, record)),
                                "on_the_wire", wire_of(list, record), "uid",
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

    port_meet(list, record);
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
                     proto_names[protocol][family], list->fault[protocol][list->place[protocol]].text);
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

    list->options = options;
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        list->place[protocol] = options->source == OPTIONS_SOURCE_PROCFS ? PLACE_PROCFS : PLACE_NETLINK;
    }
    for (int i = 0; i < COLUMNS; i++) {
        width_raise(list, (enum column)i, headings[i]);
    }
    deadline_stage("reading the host's facts under /proc");
    if (host_read(&list->host, directory_of(options), &fault) != 0) {
        trouble_keep(list, "%s", fault.text);
    }
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
    while (list->pen.length > 0) {
        pen_flush(&list->pen);
    }
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
