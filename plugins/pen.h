/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Long output: whole lines, a piece at a time, in memory that does not grow with it.
 */
#ifndef PEN_H
#define PEN_H

#include <limits.h>
#include <stddef.h>

/*
 * Pieces end with a line, and a pipe takes each at once or not at all: whatever ends the program ends it between two
 * lines. Begin with all zero.
 */
struct pen {
    char bytes[PIPE_BUF];
    size_t length;
    size_t whole; /* length of the whole lines in it */
    int error;    /* why nothing more is written, 0 when all is well */
};

/* As json_dump_callback() wants it: `context` is the pen. Returns 0; an error shows in pen->error. */
int pen_write(const char *bytes, size_t length, void *context);

/* Longer texts are cut. */
#define PEN_TEXT_SIZE 640

/* Free text, made harmless. */
void pen_text(struct pen *pen, const char *text);

void pen_line_end(struct pen *pen);

/* Writes what `text` is short of `width` as blanks. */
void pen_pad(struct pen *pen, const char *text, size_t width);

/* The characters in valid UTF-8. */
size_t pen_width(const char *text);

/* Writes all that is left. To be called last. */
void pen_flush(struct pen *pen);

#endif
