/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Gathers what a plugin says, escaped and cut, and lays it out within a limit.
 */
#include "config.h"

#include "plugin/report.h"

#include "plugin/escape.h"
#include "plugin/text_buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROSE_MAX 500
#define PROSE_SHORT 200
#define PROSE_MIN 80
#define FIRST_LINE_MAX 1000
#define DETAIL_MAX 1000

/*
 * Enough of an escaped text to overfill any of these by a character, so that what is left out here is always cut again.
 * Escaping makes three bytes (U+2028) one at most.
 */
#define ESCAPED_SIZE (DETAIL_MAX + ESCAPE_CHARACTER_MOST + 1)
#define RAW_SIZE ((DETAIL_MAX + ESCAPE_CHARACTER_MOST) * 3 + 1)

#define LINE_START '\\'
#define NOTE_START "    "
#define ELLIPSIS "..."
#define TAIL_SIZE 40

/* Bytes that grow, with a NUL behind them that is not counted; NULL while there are none. */
struct bytes {
    char *text;
    size_t length;
    size_t capacity;
};

struct report {
    const char *name;
    size_t limit;
    enum escape_rule escape;
    int error;
    char prose_bytes[PROSE_MAX + 1];
    struct text_buffer prose;
    struct bytes perfdata; /* values with a space between them */
    struct bytes details;  /* lines with their starts and newlines, each with its notes behind it */
    size_t line_count;     /* of all lines, also of those left out of `details` */
    /* Where they are in the answer that was rendered last. */
    size_t rendered_prose;
    size_t rendered_prose_length;
    size_t rendered_details;
};

/* --- bytes that grow --------------------------------------------------------------------------------------------- */

static int bytes_reserve(struct bytes *bytes, size_t extra)
{
    size_t capacity = bytes->capacity > 0 ? bytes->capacity : 256;
    char *text;

    if (extra >= SIZE_MAX / 2 - bytes->length) {
        return -ENOMEM;
    }
    while (capacity <= bytes->length + extra) {
        capacity *= 2;
    }
    if (capacity == bytes->capacity) {
        return 0;
    }
    text = realloc(bytes->text, capacity);
    if (text == NULL) {
        return -ENOMEM;
    }
    bytes->text = text;
    bytes->capacity = capacity;
    return 0;
}

static int bytes_append(struct bytes *bytes, const char *text, size_t length)
{
    int result = bytes_reserve(bytes, length);

    if (result == 0) {
        memcpy(bytes->text + bytes->length, text, length);
        bytes->length += length;
        bytes->text[bytes->length] = '\0';
    }
    return result;
}

/* Appends each of the texts, up to a NULL. After -ENOMEM some of them may have been appended. */
static int bytes_append_all(struct bytes *bytes, const char *const *texts)
{
    int result = 0;

    for (; *texts != NULL && result == 0; texts++) {
        result = bytes_append(bytes, *texts, strlen(*texts));
    }
    return result;
}

/* --- gathering --------------------------------------------------------------------------------------------------- */

struct report *report_create(const char *name, size_t limit, enum escape_rule escape)
{
    struct report *report = calloc(1, sizeof *report);

    if (report == NULL) {
        return NULL;
    }
    report->name = name;
    report->limit = limit;
    report->escape = escape;
    report->prose = TEXT_BUFFER(report->prose_bytes);
    return report;
}

void report_free(struct report *report)
{
    if (report == NULL) {
        return;
    }
    free(report->perfdata.text);
    free(report->details.text);
    free(report);
}

/* Adds what printf makes of the format, escaped. Returns 0, or -ENOMEM for a text that printf cannot make. */
__attribute__((format(printf, 3, 0))) static int text_add_escaped(struct text_buffer *text, enum escape_rule escape,
                                                                  const char *format, va_list arguments)
{
    char raw[RAW_SIZE];
    char escaped[ESCAPED_SIZE];
    const int length = vsnprintf(raw, sizeof raw, format, arguments);

    if (length < 0) {
        return -ENOMEM;
    }
    escape_copy(escaped, sizeof escaped, raw, (size_t)length < sizeof raw ? (size_t)length : sizeof raw - 1, escape);
    text_buffer_add(text, "%s", escaped);
    return 0;
}

int report_prose(struct report *report, const char *format, ...)
{
    va_list arguments;

    if (report->error != 0) {
        return report->error;
    }
    va_start(arguments, format);
    report->error = text_add_escaped(&report->prose, report->escape, format, arguments);
    va_end(arguments);
    return report->error;
}

int report_perfdata(struct report *report, const struct perfdata *perfdata)
{
    char text[PERFDATA_TEXT_SIZE];
    const char *const texts[] = {report->perfdata.length > 0 ? " " : "", text, NULL};

    if (report->error != 0) {
        return report->error;
    }
    if (perfdata_format(text, perfdata) == 0) {
        report->error = -ENOMEM;
    } else {
        report->error = bytes_append_all(&report->perfdata, texts);
    }
    return report->error;
}

bool report_is_full(const struct report *report)
{
    return report->limit > 0 && report->details.length > report->limit;
}

/* Adds a line below the first: `start` and the text behind it. */
__attribute__((format(printf, 3, 0))) static int detail_add(struct report *report, const char *start,
                                                            const char *format, va_list arguments)
{
    char bytes[DETAIL_MAX + 1];
    struct text_buffer detail = TEXT_BUFFER(bytes);
    const char *const texts[] = {bytes, "\n", NULL};
    int result;

    if (report_is_full(report)) {
        return 0;
    }
    text_buffer_add(&detail, "%s", start);
    result = text_add_escaped(&detail, report->escape, format, arguments);
    return result != 0 ? result : bytes_append_all(&report->details, texts);
}

int report_line(struct report *report, enum state state, const char *format, ...)
{
    char start[sizeof "\\_[CRITICAL] "];
    va_list arguments;

    if (report->error != 0) {
        return report->error;
    }
    report->line_count++;
    snprintf(start, sizeof start, "%c_[%s] ", LINE_START, state_name(state));
    va_start(arguments, format);
    report->error = detail_add(report, start, format, arguments);
    va_end(arguments);
    return report->error;
}

int report_note(struct report *report, const char *format, ...)
{
    va_list arguments;

    if (report->error != 0) {
        return report->error;
    }
    va_start(arguments, format);
    report->error = detail_add(report, NOTE_START, format, arguments);
    va_end(arguments);
    return report->error;
}

/* --- laying out -------------------------------------------------------------------------------------------------- */

/* Writes the line for what is left out. Returns its length. */
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
static size_t prose_room(const struct report *report, size_t others)
{
    char tail[TAIL_SIZE];
    size_t needed = others;
    size_t room = PROSE_MAX;

    if (report->limit == 0) {
        return room;
    }
    if (others + room > FIRST_LINE_MAX) {
        room = others + PROSE_SHORT < FIRST_LINE_MAX ? FIRST_LINE_MAX - others : PROSE_SHORT;
    }
    if (report->details.length > 0) {
        needed += tail_format(tail, report->line_count);
    }
    if (needed + PROSE_MIN >= report->limit) {
        return PROSE_MIN;
    }
    return report->limit - needed < room ? report->limit - needed : room;
}

static int first_line_write(struct bytes *answer, struct report *report, enum state state)
{
    const bool has_perfdata = report->perfdata.length > 0;
    char prose[PROSE_MAX + 1] = "";
    const char *const texts[] = {
        report->name,
        " ",
        state_name(state),
        ": ",
        prose,
        has_perfdata ? " | " : "",
        has_perfdata ? report->perfdata.text : "",
        "\n",
        NULL,
    };
    struct text_buffer cut;
    size_t others = 0;

    for (size_t i = 0; texts[i] != NULL; i++) {
        if (texts[i] == prose) {
            report->rendered_prose = others;
        }
        others += strlen(texts[i]);
    }
    cut = text_buffer_start(prose, prose_room(report, others) + 1);
    text_buffer_add(&cut, "%s", report->prose.bytes);
    report->rendered_prose_length = cut.length;
    return bytes_append_all(answer, texts);
}

/*
 * Returns how many bytes of the details, whole lines, fit `room` together with the line for what is left out, which is
 * written to `tail`. If not even that line fits, it is empty. The details are longer than `room`.
 */
static size_t details_fit(const struct report *report, size_t room, char tail[static TAIL_SIZE])
{
    const char *text = report->details.text;
    const char *end = text + report->details.length;
    size_t left_out = report->line_count;
    size_t fitting = 0;

    tail[0] = '\0';
    for (size_t at = 0; at < room;) {
        char candidate[TAIL_SIZE];
        const char *line = text + at;
        const char *newline = memchr(line, '\n', (size_t)(end - line));

        if (at + tail_format(candidate, left_out) <= room) {
            fitting = at;
            memcpy(tail, candidate, sizeof candidate);
        }
        if (*line == LINE_START) {
            left_out--;
        }
        at = (size_t)(newline + 1 - text);
    }
    return fitting;
}

static int details_write(struct bytes *answer, const struct report *report)
{
    const size_t room = report->limit > answer->length ? report->limit - answer->length : 0;
    char tail[TAIL_SIZE] = "";
    size_t fitting = report->details.length;
    int result;

    if (fitting == 0) {
        return 0;
    }
    if (report->limit > 0 && fitting > room) {
        fitting = details_fit(report, room, tail);
    }
    result = bytes_append(answer, report->details.text, fitting);
    return result != 0 ? result : bytes_append(answer, tail, strlen(tail));
}

int report_render(struct report *report, enum state state, char **text, size_t *length)
{
    struct bytes answer = {0};

    assert(report->prose.length > 0 || report->error != 0);
    *text = NULL;
    *length = 0;
    if (report->error == 0) {
        report->error = first_line_write(&answer, report, state);
    }
    report->rendered_details = answer.length;
    if (report->error == 0) {
        report->error = details_write(&answer, report);
    }
    if (report->error != 0) {
        free(answer.text);
        return report->error;
    }
    *text = answer.text;
    *length = answer.length;
    return 0;
}

const char *report_rendered_prose(const struct report *report, const char *text, size_t *length)
{
    *length = report->rendered_prose_length;
    return text + report->rendered_prose;
}

const char *report_rendered_details(const struct report *report, const char *text)
{
    return text + report->rendered_details;
}
