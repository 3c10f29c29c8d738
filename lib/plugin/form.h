/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The form of an answer: text escaped and cut, the parts in their places, all of it within a limit. For what gathers
 * the parts (report.c) alone.
 */
#ifndef PLUGIN_FORM_H
#define PLUGIN_FORM_H

#include "plugin/state.h"

#include <stdarg.h>
#include <stddef.h>

#define FORM_PROSE_MAX 400
#define FORM_DETAIL_MAX 1000

/* One more character than the most that is shown tells that a text must be cut. */
#define FORM_CHARACTER_MAX 4

/* What stands before the text of a note. */
#define FORM_NOTE_START "    "

/* Bytes that grow, with a NUL behind them that is not counted; NULL while there are none. The owner frees them. */
struct form_buffer {
    char *bytes;
    size_t length;
    size_t capacity;
};

/* Appends each of the texts, up to a NULL. Returns 0 or -ENOMEM, and then some of them may have been appended. */
int form_append(struct form_buffer *buffer, const char *const *texts);

/* The prose of the first line; longer than FORM_PROSE_MAX when it must be cut. Starts as {0}. */
struct form_prose {
    char bytes[FORM_PROSE_MAX + FORM_CHARACTER_MAX + 1];
    size_t length;
};

/* Appends the text, escaped. Returns 0, or -ENOMEM for a text that printf cannot make. */
int form_prose_add(struct form_prose *prose, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#define FORM_TEXT_SIZE (FORM_DETAIL_MAX + FORM_CHARACTER_MAX + 1)

/*
 * Writes the text of a detail line, escaped; what is longer than `max` bytes (at most FORM_DETAIL_MAX) is cut at a
 * character to end in "...". Returns 0, or -ENOMEM for a text that printf cannot make.
 */
int form_detail(char text[static FORM_TEXT_SIZE], size_t max, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#define FORM_LINE_START_SIZE 20

/* Writes what stands before the text of a line: "\_[STATE] ". Returns its length. */
size_t form_line_start(char start[static FORM_LINE_START_SIZE], enum state state);

/* The parts of an answer, all borrowed. */
struct form_answer {
    const char *name;
    const char *state;
    const struct form_prose *prose;
    const struct form_buffer *perfdata; /* values with a space between them */
    const struct form_buffer *details;  /* lines with their starts and newlines, each with its notes behind it */
    size_t line_count;                  /* of all lines, also of those left out of `details` */
    size_t limit;
};

/*
 * Puts the parts together as report_render() says. Returns 0; *text is malloc'd, *length its bytes without the NUL.
 * -ENOMEM otherwise, and *text is NULL. Empty prose is a bug of the caller (assert).
 */
int form_answer(const struct form_answer *answer, char **text, size_t *length);

#endif
