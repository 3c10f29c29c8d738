/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Rows, cell by cell.
 */
#include "config.h"

#include "render/text_list.h"

#include "plugin/escape.h"
#include "render/clients.h"
#include "socket/protocol.h"

#include <stdio.h>
#include <string.h>

enum column {
    COLUMN_PROTO,
    COLUMN_RECEIVE,
    COLUMN_SEND,
    COLUMN_LOCAL,
    COLUMN_FOREIGN,
    COLUMN_STATE,
    COLUMN_WIRE,
    COLUMN_USER,
    COLUMN_UNIT,
    COLUMNS
};

static const struct {
    const char *heading;
    bool is_number; /* flush right */
} columns[] = {
    [COLUMN_PROTO] = {"Proto", false},
    [COLUMN_RECEIVE] = {"Recv-Q", true},
    [COLUMN_SEND] = {"Send-Q", true},
    [COLUMN_LOCAL] = {"Local Address", false},
    [COLUMN_FOREIGN] = {"Foreign Address", false},
    [COLUMN_STATE] = {"State", false},
    [COLUMN_WIRE] = {"On the wire", false},
    [COLUMN_USER] = {"User", false},
    [COLUMN_UNIT] = {"Unit", false},
};
_Static_assert(sizeof columns / sizeof *columns == COLUMNS, "a row a column");
_Static_assert(COLUMNS == WRITER_LIST_COLUMNS, "a width a column");

#define GAP 2

/* Longer sentences are cut. */
#define SENTENCE_SIZE 640

struct cells {
    const char *text[COLUMNS];
    char receive[sizeof "4294967295"];
    char send[sizeof "4294967295"];
    char local[RECORD_ENDPOINT_SIZE];
    char foreign[RECORD_ENDPOINT_SIZE];
    char user[NETSTAT_OWNER_SIZE];
    char unit[NETSTAT_OWNER_SIZE];
};

/* Without what is on the wire. */
static void cells_make(struct cells *cells, const struct writer_row *row)
{
    const struct sock_record *record = row->record;

    snprintf(cells->receive, sizeof cells->receive, "%u", (unsigned)record->receive_queue);
    snprintf(cells->send, sizeof cells->send, "%u", (unsigned)record->send_queue);
    cells->text[COLUMN_PROTO] = netstat_proto(record);
    cells->text[COLUMN_RECEIVE] = cells->receive;
    cells->text[COLUMN_SEND] = cells->send;
    cells->text[COLUMN_LOCAL] =
        netstat_endpoint_format(cells->local, record->family, &record->local, record->local_port);
    cells->text[COLUMN_FOREIGN] =
        netstat_endpoint_format(cells->foreign, record->family, &record->remote, record->remote_port);
    cells->text[COLUMN_STATE] = netstat_state(record);
    cells->text[COLUMN_WIRE] = "";
    cells->text[COLUMN_USER] = netstat_user_format(cells->user, row->user);
    cells->text[COLUMN_UNIT] = netstat_unit_format(cells->unit, row->unit);
}

/* --- widths ------------------------------------------------------------------------------------------------------ */

/* The characters in valid UTF-8. */
static size_t characters_count(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

static void width_raise(struct writer_list *list, enum column column, const char *text)
{
    size_t width = characters_count(text);

    if (width > list->width[column]) {
        list->width[column] = width;
    }
}

void text_list_measure(struct writer_list *list, const struct writer_row *row)
{
    struct cells cells;

    cells_make(&cells, row);
    if (!record_is_listener(row->record)) {
        cells.text[COLUMN_WIRE] = netstat_on_the_wire(NULL, row->record);
    }
    for (int i = 0; i < COLUMNS; i++) {
        width_raise(list, (enum column)i, cells.text[i]);
    }
}

/* How far listeners are reached is known only when all were seen. */
static void listeners_measure(struct writer_list *list)
{
    for (size_t i = 0; i < list->tally->service_count; i++) {
        const struct tally_service *service = &list->tally->services[i];
        for (size_t j = 0; j < service->listener_count; j++) {
            width_raise(list, COLUMN_WIRE, netstat_listener_on_the_wire(list->tally, &service->listeners[j]));
        }
    }
}

static void owners_measure(struct writer_list *list)
{
    const struct owners *owners = list->owners;
    char text[NETSTAT_OWNER_SIZE];

    for (size_t i = 0; i < owners->users.count; i++) {
        width_raise(list, COLUMN_USER, netstat_user_format(text, &owners->users.entries[i]));
    }
    for (size_t i = 0; i < owners->units.count; i++) {
        width_raise(list, COLUMN_UNIT, netstat_unit_format(text, &owners->units.entries[i]));
    }
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

static void blanks_write(size_t count, const struct sink *sink)
{
    static const char blanks[] = "                                ";

    while (count > 0) {
        size_t length = count < sizeof blanks - 1 ? count : sizeof blanks - 1;
        sink->write(blanks, length, sink->context);
        count -= length;
    }
}

static void cell_write(const char *text, size_t width, bool is_number, const struct sink *sink)
{
    size_t length = characters_count(text);
    size_t short_of = width > length ? width - length : 0;

    blanks_write(is_number ? short_of : 0, sink);
    sink_text(sink, text);
    blanks_write(is_number ? 0 : short_of, sink);
}

/* Nothing follows the last cell, so it is not padded. */
static void cells_write(const struct writer_list *list, const char *const text[static COLUMNS], const struct sink *sink)
{
    for (int i = 0; i < COLUMN_UNIT; i++) {
        cell_write(text[i], list->width[i], columns[i].is_number, sink);
        blanks_write(GAP, sink);
    }
    sink_text(sink, text[COLUMN_UNIT]);
    sink_text(sink, "\n");
}

static void sentence_write(const char *text, const struct sink *sink)
{
    char escaped[ESCAPE_SIZE(SENTENCE_SIZE)];
    size_t length = escape_copy(escaped, sizeof escaped, text, strlen(text), ESCAPE_TEXT);

    sink->write(escaped, length, sink->context);
    sink_text(sink, "\n");
}

void text_list_head(struct writer_list *list, const struct sink *sink)
{
    const char *text[COLUMNS];

    if (list->namespace != NULL) {
        char heading[160];
        snprintf(heading, sizeof heading, "Network namespace %s", list->namespace);
        sentence_write(heading, sink);
    }
    for (int i = 0; i < COLUMNS; i++) {
        text[i] = columns[i].heading;
        width_raise(list, (enum column)i, text[i]);
    }
    listeners_measure(list);
    owners_measure(list);
    cells_write(list, text, sink);
}

void text_list_row(const struct writer_list *list, const struct writer_row *row, const struct sink *sink)
{
    char sentence[NETSTAT_SENTENCE_SIZE];
    struct cells cells;

    cells_make(&cells, row);
    cells.text[COLUMN_WIRE] = netstat_on_the_wire(list->tally, row->record);
    cells_write(list, cells.text, sink);
    if (list->verbose > 0 && *netstat_explain(sentence, list->tally, row->record) != '\0') {
        blanks_write(list->width[COLUMN_PROTO] + GAP, sink);
        sentence_write(sentence, sink);
    }
}

static void client_write(void *context, const char *line)
{
    const struct sink *sink = context;

    sink_text(sink, "  ");
    sentence_write(line, sink);
}

void text_list_clients(const struct writer_list_end *end, const struct sink *sink)
{
    struct sink borrowed = *sink;
    char heading[64];

    for (size_t i = 0; i < end->client_count; i++) {
        const struct writer_clients *clients = &end->clients[i];
        snprintf(heading, sizeof heading, "\nClients of %u/%s", (unsigned)clients->port,
                 protocol_name(clients->protocol));
        sink_text(sink, heading);
        sink_text(sink, "\n");
        clients_walk(clients->peers, clients->connections, client_write, &borrowed);
    }
    if (end->clients != NULL && end->client_count == 0) {
        sentence_write("no client is connected", sink);
    }
}

void text_list_remarks(const struct writer_list_end *end, const struct sink *sink)
{
    for (size_t i = 0; i < end->remark_count; i++) {
        sentence_write(end->remarks[i], sink);
    }
}
