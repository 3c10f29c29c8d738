/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The hosts of --hosts, which must have captures in a replay.
 */
#ifndef HOSTS_H
#define HOSTS_H

#include "file.h"

#include <stdbool.h>

struct hosts_name {
    const char *name; /* a part of the file's bytes */
    bool is_found;
};

/* Begin with all zero, end with hosts_clear(). */
struct hosts {
    char *bytes;
    struct hosts_name *list; /* sorted, each name once */
    size_t count;
};

/*
 * Reads a file with a name a line, "-" for standard input. Blanks around it, empty lines and what follows a # do not
 * count; more than a name in a line is an error. Returns 0; -ENOMEM; or another negative errno, and `error` is the end
 * of a sentence that begins with the path.
 */
int hosts_read(struct hosts *hosts, const char *path, char error[static FILE_ERROR_SIZE]);

/* Notes whether the host is there. Returns true when it must be. */
bool hosts_note(struct hosts *hosts, const char *name, bool is_found);

/* How many are not there. */
size_t hosts_count_missing(const struct hosts *hosts);

void hosts_clear(struct hosts *hosts);

#endif
