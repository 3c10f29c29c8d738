/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Long output: whole lines, a piece at a time.
 */
#include "config.h"

#include "lines.h"

#include "deadline.h"
#include "plugin/escape.h"
#include "stdout.h"

#include <string.h>

static void bytes_write(struct lines *lines, const char *bytes, size_t length)
{
    if (lines->error != 0) {
        return;
    }
    deadline_stage(lines->stage);
    if (lines->pauses) {
        deadline_pause();
    } else {
        deadline_answering();
    }
    lines->error = stdout_write(bytes, length);
    if (lines->pauses) {
        deadline_resume();
    }
}

static void piece_write(struct lines *lines)
{
    size_t count = lines->whole > 0 ? lines->whole : lines->length;

    bytes_write(lines, lines->bytes, count);
    memmove(lines->bytes, lines->bytes + count, lines->length - count);
    lines->length -= count;
    lines->whole = 0;
}

int lines_write(const char *bytes, size_t length, void *context)
{
    struct lines *lines = context;

    if (lines->length == 0 && length > sizeof lines->bytes) {
        bytes_write(lines, bytes, length);
        return 0;
    }
    while (length > 0) {
        size_t room = sizeof lines->bytes - lines->length;
        size_t count = length < room ? length : room;
        memcpy(lines->bytes + lines->length, bytes, count);
        lines->length += count;
        bytes += count;
        length -= count;
        if (lines->length == sizeof lines->bytes) {
            piece_write(lines);
        }
    }
    return 0;
}

void lines_line_end(struct lines *lines)
{
    lines_write("\n", 1, lines);
    lines->whole = lines->length;
}

void lines_text(struct lines *lines, const char *text)
{
    char escaped[ESCAPE_SIZE(LINES_TEXT_SIZE)];

    lines_write(escaped, escape_copy(escaped, sizeof escaped, text, strlen(text), ESCAPE_TEXT), lines);
}

size_t lines_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

void lines_pad(struct lines *lines, const char *text, size_t width)
{
    for (size_t i = lines_width(text); i < width; i++) {
        lines_write(" ", 1, lines);
    }
}

void lines_flush(struct lines *lines)
{
    while (lines->length > 0) {
        piece_write(lines);
    }
}
