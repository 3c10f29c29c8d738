/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The rows of --list in JSON, an object a line. For json.c alone.
 */
#ifndef RENDER_JSON_LIST_H
#define RENDER_JSON_LIST_H

#include "render/writer.h"

/* The row of a socket, as struct writer has it. */
void json_list_row(const struct writer_list *list, const struct writer_row *row, const struct sink *sink);

/* The last object of a list that is whole. */
void json_list_whole(const struct writer_list_end *end, const struct sink *sink);

#endif
