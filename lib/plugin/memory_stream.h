/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A stream into memory that knows when it lost something. That of open_memstream() does not: in the GNU C library
 * neither ferror() nor fclose() tells that there was no memory for all of it.
 */
#ifndef PLUGIN_MEMORY_STREAM_H
#define PLUGIN_MEMORY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Begin with all zero, end with memory_stream_close(). It must not move while it is open. */
struct memory_stream {
    FILE *file;    /* to write to; it has no buffer of its own */
    char *bytes;   /* what was written, NULL for nothing; without a NUL behind it */
    size_t length; /* of it; to be set to 0 to begin again */
    size_t size;
    bool is_broken; /* some bytes were lost */
};

/* Returns 0 or -ENOMEM. */
int memory_stream_open(struct memory_stream *stream);

/* Frees what was written, too. One that is not open is fine. */
void memory_stream_close(struct memory_stream *stream);

#endif
