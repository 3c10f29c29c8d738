/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What pages are made of: text, cells, bars and tables. For the writer of pages alone.
 */
#ifndef RENDER_HTML_TEXT_H
#define RENDER_HTML_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writes `length` bytes of valid UTF-8, without a NUL, with what HTML would take for its own spelt out. */
void html_text_write_marks(FILE *stream, const char *text, size_t length);

/* Writes any bytes as text of one line, which no name can leave. */
void html_text_write(FILE *stream, const char *text);

/* Writes such a text as the next cell of a row. */
void html_text_write_cell(FILE *stream, const char *text);

/* How many percent the part is, rounded down: 100 are all. */
unsigned html_text_percent(uint64_t part, uint64_t whole);

/* Writes a bar of one of two colours and none; the numbers beside it must say the same. */
void html_text_write_bar(FILE *stream, uint64_t first, uint64_t second, uint64_t whole);

/* A table that can be sorted, in a region of its own that can be moved sideways. All literals, without marks. */
struct html_table {
    const char *heading; /* the id of the one above it */
    const char *caption;
    const char *class;
    const char *filter;     /* what to call the field that shows some of its rows; NULL for none */
    const char *columns[8]; /* those of numbers begin with # */
};

/* Writes all before the first row, and all behind the last one. */
void html_text_begin_table(FILE *stream, const struct html_table *table);
void html_text_end_table(FILE *stream);

#endif
