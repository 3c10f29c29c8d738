/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Who is connected to a service: its busiest clients, in text and as JSON.
 */
#ifndef RENDER_CLIENTS_H
#define RENDER_CLIENTS_H

#include "audit/tally.h"
#include "capture/json_stream.h"

/* Receives a line without its newline; what belongs to a family is indented below it. */
typedef void clients_line(void *context, const char *line);

/*
 * Makes a line of each family with connections, "IPv4 (mapped): 9 connections from 2 clients", and one of each of its
 * clients, "  8 from 192.0.2.7"; none where peers is NULL. Both are by enum tally_kind.
 */
void clients_walk(const struct peers *peers, const uint64_t connections[static TALLY_KINDS], clients_line *line,
                  void *context);

/* Writes them as the member "peers", null where they are not known; `peers` NULL: there are none. */
void clients_write(struct json_stream *json, bool known, const struct peers *peers);

#endif
