/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Long output: whole lines, a piece at a time.
 */
#include "config.h"

#include "pen.h"

#include "deadline.h"
#include "output.h"
#include "plugin/escape.h"

#include <string.h>

static void piece_write(struct pen *pen)
{
    size_t count = pen->whole > 0 ? pen->whole : pen->length;

    if (pen->error == 0) {
        deadline_stage("writing the list");
        deadline_pause();
        pen->error = output_write(pen->bytes, count);
        deadline_resume();
    }
    memmove(pen->bytes, pen->bytes + count, pen->length - count);
    pen->length -= count;
    pen->whole = 0;
}

int pen_write(const char *bytes, size_t length, void *context)
{
    struct pen *pen = context;

    while (length > 0) {
        size_t room = sizeof pen->bytes - pen->length;
        size_t count = length < room ? length : room;
        memcpy(pen->bytes + pen->length, bytes, count);
        pen->length += count;
        bytes += count;
        length -= count;
        if (pen->length == sizeof pen->bytes) {
            piece_write(pen);
        }
    }
    return 0;
}

void pen_line_end(struct pen *pen)
{
    pen_write("\n", 1, pen);
    pen->whole = pen->length;
}

void pen_text(struct pen *pen, const char *text)
{
    char escaped[ESCAPE_SIZE(PEN_TEXT_SIZE)];

    pen_write(escaped, escape_copy(escaped, sizeof escaped, text, strlen(text), ESCAPE_TEXT), pen);
}

size_t pen_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

void pen_pad(struct pen *pen, const char *text, size_t width)
{
    for (size_t i = pen_width(text); i < width; i++) {
        pen_write(" ", 1, pen);
    }
}

void pen_flush(struct pen *pen)
{
    while (pen->length > 0) {
        piece_write(pen);
    }
}
