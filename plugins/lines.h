/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Standard output: whole lines, a piece at a time, in memory that does not grow with it.
 */
#ifndef LINES_H
#define LINES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Pieces end with a line where there is one to end with, and a pipe takes each at once or not at all: whatever ends the
 * program ends it between two lines. What is longer than a piece and comes alone is written at once. Begin with all
 * zero but for the first three.
 */
struct lines {
    const char *stage; /* what the program waits for while it writes; static */
    bool only_first;   /* the first line is all that is written */
    bool pauses;       /* the deadline's clock stands still meanwhile: how long a pager takes is up to its user */
    char bytes[PIPE_BUF];
    size_t length;
    bool ended;   /* of only_first: that line was taken */
    size_t whole; /* length of the whole lines in it */
    int error;    /* why nothing more is written, 0 when all is well */
};

/* The shape of sink.write: `context` is the lines. Returns 0; an error shows in lines->error. */
int lines_write(const char *bytes, size_t length, void *context);

/* Writes all that is left. */
void lines_flush(struct lines *lines);

#endif
