/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --list as a table: netstat's columns, what is on the wire, and the owners. For text.c alone.
 */
#ifndef RENDER_TEXT_LIST_H
#define RENDER_TEXT_LIST_H

#include "render/writer.h"

/* The functions of struct writer. */
void text_list_measure(struct writer_list *list, const struct writer_row *row);
void text_list_head(struct writer_list *list, const struct sink *sink);
void text_list_row(const struct writer_list *list, const struct writer_row *row, const struct sink *sink);

/* The lines behind the last row: the clients, where they were asked for, then the remarks. */
void text_list_clients(const struct writer_list_end *end, const struct sink *sink);
void text_list_remarks(const struct writer_list_end *end, const struct sink *sink);

#endif
