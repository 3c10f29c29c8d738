/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Gives an answer its form.
 */
#include "config.h"

#include "plugin/layout.h"

#include "plugin/escape.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROSE_MIN 80
#define ELLIPSIS "..."

/*
 * Enough of a text to fill a detail line and overfill it by a character, since escaping makes three bytes (U+2028) one
 * at most; so a text that vsnprintf() cut, in a character perhaps, is always cut again before that place.
 */
#define RAW_SIZE ((LAYOUT_DETAIL_MAX + LAYOUT_CHARACTER_MAX) * 3 + 1)

#define TAIL_SIZE 40

static const char line_start = '\\';

static int buffer_reserve(struct layout_buffer *buffer, size_t extra)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : 256;
    char *bytes;

    if (extra >= SIZE_MAX / 2 - buffer->length) {
        return -ENOMEM;
    }
    while (capacity <= buffer->length + extra) {
        capacity *= 2;
    }
    if (capacity == buffer->capacity) {
        return 0;
    }
    bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 0;
}

static int buffer_append(struct layout_buffer *buffer, const char *bytes, size_t length)
{
    int error = buffer_reserve(buffer, length);

    if (error != 0) {
        return error;
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    buffer->bytes[buffer->length] = '\0';
    return 0;
}

int layout_append(struct layout_buffer *buffer, const char *const *texts)
{
    int error = 0;

    for (; *texts != NULL && error == 0; texts++) {
        error = buffer_append(buffer, *texts, strlen(*texts));
    }
    return error;
}

/* Cuts a text longer than `max` bytes at a character to end in "...". Returns its length. */
static size_t text_cut(char *text, size_t length, size_t max)
{
    size_t kept = max - strlen(ELLIPSIS);

    if (length <= max) {
        return length;
    }
    while (kept > 0 && ((unsigned char)text[kept] & 0xC0) == 0x80) {
        kept--;
    }
    memcpy(text + kept, ELLIPSIS, sizeof ELLIPSIS);
    return kept + strlen(ELLIPSIS);
}

/*
 * Writes the text escaped to `target`: at most max + LAYOUT_CHARACTER_MAX bytes and a NUL, but more than `max` when
 * there is more. `max` is at most LAYOUT_DETAIL_MAX. Returns 0 or -ENOMEM.
 */
__attribute__((format(printf, 4, 0))) static int text_escape(char *target, size_t max, size_t *length,
                                                             const char *format, va_list arguments)
{
    char raw[RAW_SIZE];
    const int whole_length = vsnprintf(raw, sizeof raw, format, arguments);
    size_t raw_length;

    *length = 0;
    if (whole_length < 0) {
        return -ENOMEM;
    }
    raw_length = (size_t)whole_length < sizeof raw ? (size_t)whole_length : sizeof raw - 1;
    *length = escape_copy(target, max + LAYOUT_CHARACTER_MAX + 1, raw, raw_length, ESCAPE_TEXT);
    return 0;
}

int layout_prose_add(struct layout_prose *prose, const char *format, va_list arguments)
{
    size_t added;
    int error;

    if (prose->length > LAYOUT_PROSE_MAX) {
        return 0;
    }
    error = text_escape(prose->bytes + prose->length, LAYOUT_PROSE_MAX - prose->length, &added, format, arguments);
    prose->length += added;
    return error;
}

int layout_detail(char text[static LAYOUT_TEXT_SIZE], size_t max, const char *format, va_list arguments)
{
    size_t length;
    const int error = text_escape(text, max, &length, format, arguments);

    text_cut(text, length, max);
    return error;
}

size_t layout_line_start(char start[static LAYOUT_LINE_START_SIZE], enum state state)
{
    return (size_t)snprintf(start, LAYOUT_LINE_START_SIZE, "%c_[%s] ", line_start, state_name(state));
}

/* Writes the line that stands for what was left out. Returns its length. */
static size_t tail_format(char tail[static TAIL_SIZE], size_t lines_left_out)
{
    int length;

    if (lines_left_out > 0) {
        length = snprintf(tail, TAIL_SIZE, ELLIPSIS " and %zu more\n", lines_left_out);
    } else {
        length = snprintf(tail, TAIL_SIZE, ELLIPSIS "\n");
    }
    return (size_t)length;
}

/* How long the prose may be beside the `others` bytes of the first line. */
static size_t prose_room(const struct layout_answer *answer, size_t others)
{
    char tail[TAIL_SIZE];
    size_t needed = others;

    if (answer->limit == 0) {
        return LAYOUT_PROSE_MAX;
    }
    if (answer->details->length > 0) {
        needed += tail_format(tail, answer->line_count);
    }
    if (needed + PROSE_MIN >= answer->limit) {
        return PROSE_MIN;
    }
    return answer->limit - needed < LAYOUT_PROSE_MAX ? answer->limit - needed : LAYOUT_PROSE_MAX;
}

static int first_line_write(struct layout_buffer *written, const struct layout_answer *answer)
{
    const bool has_perfdata = answer->perfdata->length > 0;
    const char *separator = has_perfdata ? " | " : "";
    struct layout_prose prose = {0};
    const char *const texts[] = {
        answer->name, " ",  answer->state, ": ", prose.bytes, separator, has_perfdata ? answer->perfdata->bytes : "",
        "\n",         NULL,
    };
    size_t others = 0;

    for (size_t i = 0; texts[i] != NULL; i++) {
        others += strlen(texts[i]);
    }
    prose = *answer->prose;
    text_cut(prose.bytes, prose.length, prose_room(answer, others));
    return layout_append(written, texts);
}

/*
 * Returns how many bytes of the details, whole lines, fit `room` together with the line for the others, which is
 * written to `tail`. If not even that line fits, it is empty. The details are longer than `room`.
 */
static size_t details_fit(const struct layout_answer *answer, size_t room, char tail[static TAIL_SIZE])
{
    const char *bytes = answer->details->bytes;
    const char *end = bytes + answer->details->length;
    size_t left_out = answer->line_count;
    size_t fitting = 0;

    tail[0] = '\0';
    for (size_t at = 0; at < room;) {
        char candidate[TAIL_SIZE];
        const char *line = bytes + at;
        const char *newline = memchr(line, '\n', (size_t)(end - line));

        if (at + tail_format(candidate, left_out) <= room) {
            fitting = at;
            memcpy(tail, candidate, sizeof candidate);
        }
        if (*line == line_start) {
            left_out--;
        }
        at = (size_t)(newline + 1 - bytes);
    }
    return fitting;
}

static int details_write(struct layout_buffer *written, const struct layout_answer *answer)
{
    const size_t room = answer->limit > written->length ? answer->limit - written->length : 0;
    char tail[TAIL_SIZE] = "";
    size_t fitting = answer->details->length;
    int error;

    if (fitting == 0) {
        return 0;
    }
    if (answer->limit > 0 && fitting > room) {
        fitting = details_fit(answer, room, tail);
    }
    error = buffer_append(written, answer->details->bytes, fitting);
    if (error != 0) {
        return error;
    }
    return buffer_append(written, tail, strlen(tail));
}

int layout_answer(const struct layout_answer *answer, char **text, size_t *length)
{
    struct layout_buffer written = {0};
    int error;

    assert(answer->prose->length > 0);
    *text = NULL;
    *length = 0;
    error = first_line_write(&written, answer);
    if (error == 0) {
        error = details_write(&written, answer);
    }
    if (error != 0) {
        free(written.bytes);
        return error;
    }
    *text = written.bytes;
    *length = written.length;
    return 0;
}
