/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The form of an answer: text escaped and cut, the parts in their places, all of it within a limit. For what gathers
 * the parts (report.c) alone.
 */
#ifndef PLUGIN_LAYOUT_H
#define PLUGIN_LAYOUT_H

#include "plugin/state.h"

#include <stdarg.h>
#include <stddef.h>

#define LAYOUT_PROSE_MAX 400
#define LAYOUT_DETAIL_MAX 1000

/* One more character than the most that is shown tells that a text must be cut. */
#define LAYOUT_CHARACTER_MAX 4

/* What stands before the text of a note. */
#define LAYOUT_NOTE_START "    "

/* Bytes that grow, with a NUL behind them that is not counted; NULL while there are none. The owner frees them. */
struct layout_buffer {
    char *bytes;
    size_t length;
    size_t capacity;
};

/* Appends each of the texts, up to a NULL. Returns 0 or -ENOMEM, and then some of them may have been appended. */
int layout_append(struct layout_buffer *buffer, const char *const *texts);

/* The prose of the first line; longer than LAYOUT_PROSE_MAX when it must be cut. Starts as {0}. */
struct layout_prose {
    char bytes[LAYOUT_PROSE_MAX + LAYOUT_CHARACTER_MAX + 1];
    size_t length;
};

/* Appends the text, escaped. Returns 0, or -ENOMEM for a text that printf cannot make. */
int layout_prose_add(struct layout_prose *prose, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#define LAYOUT_TEXT_SIZE (LAYOUT_DETAIL_MAX + LAYOUT_CHARACTER_MAX + 1)

/*
 * Writes the text of a detail line, escaped; what is longer than `max` bytes (at most LAYOUT_DETAIL_MAX) is cut at a
 * character to end in "...". Returns 0, or -ENOMEM for a text that printf cannot make.
 */
int layout_detail(char text[static LAYOUT_TEXT_SIZE], size_t max, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#define LAYOUT_LINE_START_SIZE 20

/* Writes what stands before the text of a line: "\_[STATE] ". Returns its length. */
size_t layout_line_start(char start[static LAYOUT_LINE_START_SIZE], enum state state);

/* The parts of an answer, all borrowed. */
struct layout_answer {
    const char *name;
    const char *state;
    const struct layout_prose *prose;
    const struct layout_buffer *perfdata; /* values with a space between them */
    const struct layout_buffer *details;  /* lines with their starts and newlines, each with its notes behind it */
    size_t line_count;                    /* of all lines, also of those left out of `details` */
    size_t limit;
};

/*
 * Puts the parts together as report_render() says. Returns 0; *text is malloc'd, *length its bytes without the NUL.
 * -ENOMEM otherwise, and *text is NULL. Empty prose is a bug of the caller (assert).
 */
int layout_answer(const struct layout_answer *answer, char **text, size_t *length);

#endif
