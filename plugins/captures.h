/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The captures that --replay or --baseline names: which there are, of which hosts, and which of them is a host's
 * newest.
 */
#ifndef CAPTURES_H
#define CAPTURES_H

#include "capture/capture_read.h"
#include "file.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Room for what is wrong with a file, or with the capture in it. */
#define CAPTURES_ERROR_SIZE 256

/* A capture, or a file that should hold one. */
struct captures_entry {
    char *path;
    char *host; /* name and namespace, one behind the other with a NUL each; NULL when it could not be found out */
    time_t time;
    char *bytes;                 /* of what can be read but once, such as a pipe; NULL for what is to be read again */
    size_t length;               /* of the capture */
    size_t offset;               /* in its file, which may hold several captures, one after the other */
    struct captures_entry *next; /* once they were chosen: the next older one of its host; NULL for none */
    bool is_older;
    char error[CAPTURES_ERROR_SIZE]; /* why there is nothing to read, "" when there may be */
};

/* Begin with all zero, end with captures_clear(). */
struct captures {
    struct captures_entry *list; /* in the order they were named, those of a folder by their names */
    size_t count;
    size_t older_count;             /* those that do not count, as there are newer ones of their hosts */
    struct captures_entry **newest; /* the newest of each named host, by name and namespace: captures_choose() */
    size_t newest_count;
};

/* The length that a capture has at most, a hundred times what a large host's capture takes. */
#define CAPTURES_LENGTH_MOST (64u << 20)

/*
 * Adds the captures of the path: one file, "-" for standard input, or all files of a folder. What cannot be read is an
 * entry as well. Behind each file of a folder it calls `progress`, unless it is NULL, with the number of entries so
 * far, which returns false to stop. Returns 0 or -ENOMEM.
 */
int captures_add(struct captures *captures, const char *path, bool (*progress)(void *context, size_t count),
                 void *context);

/*
 * Finds the newest capture of each host, the first one of those that are equally new. To be called when the last one
 * was added. Returns 0 or -ENOMEM.
 */
int captures_choose(struct captures *captures);

/*
 * The newest capture of the host in that namespace ("" for none), NULL when there is none; of a host without a name the
 * only capture that names none. It belongs to the list, of which captures_choose() was called.
 */
const struct captures_entry *captures_find(const struct captures *captures, const char *host, const char *namespace);

/*
 * Reads the capture. Returns 0 and *snapshot, which snapshot_free() ends; -ENOMEM; or another negative errno, and
 * `error` is the end of a sentence that begins with the path.
 */
int captures_read(const struct captures_entry *entry, struct snapshot **snapshot,
                  char error[static JSON_FIELD_ERROR_SIZE]);

/* True when the path names a folder. */
bool captures_is_folder(const char *path);

void captures_clear(struct captures *captures);

#endif
