/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Whole files into memory.
 */
#include "config.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE 4096u

/* Reads to the end of the descriptor. */
static int descriptor_read(int descriptor, size_t most, char **bytes, size_t *length)
{
    size_t room = 0;
    char *grown;

    *length = 0;
    for (;;) {
        ssize_t count;
        if (*length + 1 >= room) {
            room = room == 0 ? FIRST_SIZE : room * 2;
            grown = realloc(*bytes, room);
            if (grown == NULL) {
                return -ENOMEM;
            }
            *bytes = grown;
        }
        count = read(descriptor, *bytes + *length, room - *length - 1);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            (*bytes)[*length] = '\0';
            return count < 0 ? -errno : 0;
        }
        *length += (size_t)count;
        if (*length > most) {
            return -EFBIG;
        }
    }
}

/* Reads so many bytes from the offset, or up to the end of the file. */
static int part_read(int descriptor, size_t offset, size_t part, char **bytes, size_t *length)
{
    ssize_t count = 1;

    *length = 0;
    *bytes = malloc(part + 1);
    if (*bytes == NULL) {
        return -ENOMEM;
    }
    while (*length < part && count > 0) {
        count = pread(descriptor, *bytes + *length, part - *length, (off_t)(offset + *length));
        if (count < 0 && errno == EINTR) {
            count = 1;
        } else if (count > 0) {
            *length += (size_t)count;
        }
    }
    (*bytes)[*length] = '\0';
    return count < 0 ? -errno : 0;
}

/* Says what went wrong, if anything did. Returns result. */
static int outcome_say(int result, size_t most, char **bytes, char error[static FILE_ERROR_SIZE])
{
    if (result == -EFBIG) {
        snprintf(error, FILE_ERROR_SIZE, "is longer than %zu bytes", most);
    } else if (result != 0) {
        snprintf(error, FILE_ERROR_SIZE, "cannot be read: %s", strerror(-result));
    }
    if (result != 0) {
        free(*bytes);
        *bytes = NULL;
    }
    return result;
}

int file_read(const char *path, size_t most, char **bytes, size_t *length, char error[static FILE_ERROR_SIZE])
{
    int descriptor = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    int result;

    *bytes = NULL;
    if (descriptor < 0) {
        result = -errno;
    } else {
        result = descriptor_read(descriptor, most, bytes, length);
        close(descriptor);
    }
    return outcome_say(result, most, bytes, error);
}

int file_read_part(const char *path, size_t offset, size_t part, char **bytes, size_t *length,
                   char error[static FILE_ERROR_SIZE])
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    int result;

    *bytes = NULL;
    if (descriptor < 0) {
        result = -errno;
    } else {
        result = part_read(descriptor, offset, part, bytes, length);
        close(descriptor);
    }
    return outcome_say(result, part, bytes, error);
}

const char *file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

size_t file_nul_line(const char *bytes, size_t length)
{
    const char *nul = length > 0 ? memchr(bytes, '\0', length) : NULL;
    size_t line = 1;

    for (; nul != NULL && bytes < nul; bytes++) {
        line += *bytes == '\n';
    }
    return nul != NULL ? line : 0;
}
