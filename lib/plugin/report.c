/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Gathers and bounds what a plugin says.
 */
#include "config.h"

#include "plugin/report.h"

#include "plugin/escape.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROSE_MAX 400
#define PROSE_MIN 80
#define DETAIL_MAX 1000
#define ELLIPSIS "..."

/* One more character than the most that is shown tells that a text must be cut. */
#define CHARACTER_MAX 4

/*
 * Enough of a text to fill a detail line and overfill it by a character, since escaping makes three bytes (U+2028) one
 * at most; so a text that vsnprintf() cut, in a character perhaps, is always cut again before that place.
 */
#define RAW_SIZE ((DETAIL_MAX + CHARACTER_MAX) * 3 + 1)

#define TAIL_SIZE 40

/* The bytes always have a NUL behind them; NULL while there are none. */
struct buffer {
    char *bytes;
    size_t length;
    size_t capacity;
};

struct report {
    const char *name;
    size_t limit;
    int error;
    char prose[PROSE_MAX + CHARACTER_MAX + 1];
    size_t prose_length;
    struct buffer perfdata;
    struct buffer details; /* each ends in a newline */
    size_t line_count;     /* of report_line(), whether kept in details or not */
};

static const char line_start = '\\';
static const char note_start[] = "    ";

static int buffer_reserve(struct buffer *buffer, size_t extra)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : 256;
    char *bytes;

    if (extra >= SIZE_MAX / 2 - buffer->length)
        return -ENOMEM;
    while (capacity <= buffer->length + extra)
        capacity *= 2;
    if (capacity == buffer->capacity)
        return 0;
    bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL)
        return -ENOMEM;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 0;
}

static int buffer_append(struct buffer *buffer, const char *bytes, size_t length)
{
    int error = buffer_reserve(buffer, length);

    if (error != 0)
        return error;
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    buffer->bytes[buffer->length] = '\0';
    return 0;
}

/* Appends each of the texts, up to a NULL. */
static int buffer_append_all(struct buffer *buffer, const char *const *texts)
{
    int error = 0;

    for (; *texts != NULL && error == 0; texts++)
        error = buffer_append(buffer, *texts, strlen(*texts));
    return error;
}

/* Cuts a text longer than `max` bytes at a character to end in "...". Returns its length. */
static size_t text_cut(char *text, size_t length, size_t max)
{
    size_t kept = max - strlen(ELLIPSIS);

    if (length <= max)
        return length;
    while (kept > 0 && ((unsigned char)text[kept] & 0xC0) == 0x80)
        kept--;
    memcpy(text + kept, ELLIPSIS, sizeof ELLIPSIS);
    return kept + strlen(ELLIPSIS);
}

/*
 * Writes the text escaped to `target`: at most max + CHARACTER_MAX bytes and a NUL, but more than `max` when there is
 * more. `max` is at most DETAIL_MAX. Returns 0 or -ENOMEM.
 */
__attribute__((format(printf, 4, 0))) static int text_escape(char *target, size_t max, size_t *length,
                                                             const char *format, va_list arguments)
{
    char raw[RAW_SIZE];
    const int whole_length = vsnprintf(raw, sizeof raw, format, arguments);
    size_t raw_length;

    *length = 0;
    if (whole_length < 0)
        return -ENOMEM;
    raw_length = (size_t)whole_length < sizeof raw ? (size_t)whole_length : sizeof raw - 1;
    *length = escape_copy(target, max + CHARACTER_MAX + 1, raw, raw_length, ESCAPE_TEXT);
    return 0;
}

struct report *report_create(const char *name, size_t limit)
{
    struct report *report = calloc(1, sizeof *report);

    if (report == NULL)
        return NULL;
    report->name = name;
    report->limit = limit;
    return report;
}

void report_free(struct report *report)
{
    if (report == NULL)
        return;
    free(report->perfdata.bytes);
    free(report->details.bytes);
    free(report);
}

int report_prose(struct report *report, const char *format, ...)
{
    va_list arguments;
    size_t added;

    if (report->error != 0 || report->prose_length > PROSE_MAX)
        return report->error;
    va_start(arguments, format);
    report->error =
        text_escape(report->prose + report->prose_length, PROSE_MAX - report->prose_length, &added, format, arguments);
    va_end(arguments);
    report->prose_length += added;
    return report->error;
}

int report_perfdata(struct report *report, const struct perfdata *perfdata)
{
    char text[PERFDATA_TEXT_SIZE];
    const char *const texts[] = {report->perfdata.length > 0 ? " " : "", text, NULL};

    if (report->error != 0)
        return report->error;
    perfdata_format(text, perfdata);
    report->error = buffer_append_all(&report->perfdata, texts);
    return report->error;
}

/* Adds `start` and the text as one line below the first. */
__attribute__((format(printf, 3, 0))) static void detail_add(struct report *report, const char *start,
                                                             const char *format, va_list arguments)
{
    char detail[DETAIL_MAX + CHARACTER_MAX + 1];
    size_t start_length;
    size_t length;

    /* What is kept is over the limit already, so nothing that follows will ever be printed. */
    if (report->limit > 0 && report->details.length > report->limit)
        return;
    start_length = (size_t)(stpcpy(detail, start) - detail);
    report->error = text_escape(detail + start_length, DETAIL_MAX - start_length, &length, format, arguments);
    if (report->error != 0)
        return;
    length = text_cut(detail, start_length + length, DETAIL_MAX);
    detail[length++] = '\n';
    report->error = buffer_append(&report->details, detail, length);
}

int report_line(struct report *report, enum state state, const char *format, ...)
{
    char start[20];
    va_list arguments;

    if (report->error != 0)
        return report->error;
    report->line_count++;
    snprintf(start, sizeof start, "%c_[%s] ", line_start, state_name(state));
    va_start(arguments, format);
    detail_add(report, start, format, arguments);
    va_end(arguments);
    return report->error;
}

int report_note(struct report *report, const char *format, ...)
{
    va_list arguments;

    if (report->error != 0)
        return report->error;
    va_start(arguments, format);
    detail_add(report, note_start, format, arguments);
    va_end(arguments);
    return report->error;
}

/* Writes the line that stands for what was left out. Returns its length. */
static size_t tail_format(char tail[static TAIL_SIZE], size_t lines_left_out)
{
    int length;

    if (lines_left_out > 0)
        length = snprintf(tail, TAIL_SIZE, ELLIPSIS " and %zu more\n", lines_left_out);
    else
        length = snprintf(tail, TAIL_SIZE, ELLIPSIS "\n");
    return (size_t)length;
}

/* How long the prose may be beside the `others` bytes of the first line. */
static size_t prose_room(const struct report *report, size_t others)
{
    char tail[TAIL_SIZE];
    size_t needed = others;

    if (report->limit == 0)
        return PROSE_MAX;
    if (report->details.length > 0)
        needed += tail_format(tail, report->line_count);
    if (needed + PROSE_MIN >= report->limit)
        return PROSE_MIN;
    return report->limit - needed < PROSE_MAX ? report->limit - needed : PROSE_MAX;
}

static int first_line_write(struct buffer *answer, const struct report *report, enum state state)
{
    const bool has_perfdata = report->perfdata.length > 0;
    const char *separator = has_perfdata ? " | " : "";
    char prose[sizeof report->prose];
    const char *const texts[] = {
        report->name, " ",  state_name(state), ": ", prose, separator, has_perfdata ? report->perfdata.bytes : "",
        "\n",         NULL,
    };
    size_t others = 0;

    prose[0] = '\0';
    for (size_t i = 0; texts[i] != NULL; i++)
        others += strlen(texts[i]);
    memcpy(prose, report->prose, report->prose_length + 1);
    text_cut(prose, report->prose_length, prose_room(report, others));
    return buffer_append_all(answer, texts);
}

/*
 * Returns how many bytes of the details, whole lines, fit `room` together with the line for the others, which is
 * written to `tail`. If not even that line fits, it is empty. The details are longer than `room`.
 */
static size_t details_fit(const struct report *report, size_t room, char tail[static TAIL_SIZE])
{
    const char *bytes = report->details.bytes;
    const char *end = bytes + report->details.length;
    size_t left_out = report->line_count;
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
        if (*line == line_start)
            left_out--;
        at = (size_t)(newline + 1 - bytes);
    }
    return fitting;
}

static int details_write(struct buffer *answer, const struct report *report)
{
    const size_t room = report->limit > answer->length ? report->limit - answer->length : 0;
    char tail[TAIL_SIZE] = "";
    size_t fitting = report->details.length;
    int error;

    if (fitting == 0)
        return 0;
    if (report->limit > 0 && fitting > room)
        fitting = details_fit(report, room, tail);
    error = buffer_append(answer, report->details.bytes, fitting);
    if (error != 0)
        return error;
    return buffer_append(answer, tail, strlen(tail));
}

int report_render(struct report *report, enum state state, char **text, size_t *length)
{
    struct buffer answer = {0};

    assert(report->prose_length > 0 || report->error != 0);
    *text = NULL;
    *length = 0;
    if (report->error == 0)
        report->error = first_line_write(&answer, report, state);
    if (report->error == 0)
        report->error = details_write(&answer, report);
    if (report->error != 0) {
        free(answer.bytes);
        return report->error;
    }
    *text = answer.bytes;
    *length = answer.length;
    return 0;
}
