/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "plugin/memory_stream.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define FIRST_SIZE 1024u

static bool bytes_reserve(struct memory_stream *stream, size_t extra)
{
    size_t size = stream->size > 0 ? stream->size : FIRST_SIZE;
    char *bytes;

    if (extra > SIZE_MAX / 4 || stream->length > SIZE_MAX / 4) {
        return false;
    }
    while (size < stream->length + extra) {
        size *= 2;
    }
    bytes = size > stream->size ? realloc(stream->bytes, size) : stream->bytes;
    if (bytes == NULL) {
        return false;
    }
    stream->bytes = bytes;
    stream->size = size;
    return true;
}

/* What fopencookie() asks for: returns the number of bytes taken, 0 for an error. */
static ssize_t bytes_write(void *cookie, const char *bytes, size_t length)
{
    struct memory_stream *stream = cookie;

    if (stream->is_broken || !bytes_reserve(stream, length)) {
        stream->is_broken = true;
        return 0;
    }
    memcpy(stream->bytes + stream->length, bytes, length);
    stream->length += length;
    return (ssize_t)length;
}

int memory_stream_open(struct memory_stream *stream)
{
    stream->file = fopencookie(stream, "w", (cookie_io_functions_t){.write = bytes_write});
    if (stream->file == NULL) {
        return -ENOMEM;
    }
    setvbuf(stream->file, NULL, _IONBF, 0);
    return 0;
}

void memory_stream_close(struct memory_stream *stream)
{
    if (stream->file != NULL) {
        fclose(stream->file);
    }
    free(stream->bytes);
    *stream = (struct memory_stream){.file = NULL};
}
