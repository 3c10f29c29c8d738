/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Standard output: whole lines, a piece at a time.
 */
#include "config.h"

#include "lines.h"

#include "deadline.h"
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

/* Of the bytes, how many belong to the first line; none once it has ended. */
static size_t first_line_length(struct lines *lines, const char *bytes, size_t length)
{
    const char *newline = lines->ended ? bytes : memchr(bytes, '\n', length);

    if (newline == NULL) {
        return length;
    }
    length = lines->ended ? 0 : (size_t)(newline - bytes) + 1;
    lines->ended = true;
    return length;
}

/* Appends as much as there is room for. Returns how many bytes that were. */
static size_t bytes_append(struct lines *lines, const char *bytes, size_t length)
{
    size_t room = sizeof lines->bytes - lines->length;
    size_t count = length < room ? length : room;

    memcpy(lines->bytes + lines->length, bytes, count);
    lines->length += count;
    for (size_t i = count; i > 0; i--) {
        if (bytes[i - 1] == '\n') {
            lines->whole = lines->length - count + i;
            break;
        }
    }
    return count;
}

int lines_write(const char *bytes, size_t length, void *context)
{
    struct lines *lines = context;

    if (lines->only_first) {
        length = first_line_length(lines, bytes, length);
    }
    if (lines->length == 0 && length > sizeof lines->bytes) {
        bytes_write(lines, bytes, length);
        return 0;
    }
    while (length > 0) {
        size_t count = bytes_append(lines, bytes, length);
        bytes += count;
        length -= count;
        if (lines->length == sizeof lines->bytes) {
            piece_write(lines);
        }
    }
    return 0;
}

void lines_flush(struct lines *lines)
{
    while (lines->length > 0) {
        piece_write(lines);
    }
}
