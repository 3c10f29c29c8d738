/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads a capture back into the snapshot that it was written from. capture.schema.json documents the format.
 */
#ifndef CAPTURE_CAPTURE_READ_H
#define CAPTURE_CAPTURE_READ_H

#include "capture/json_field.h"
#include "snapshot/snapshot.h"

/*
 * Reads a capture of `length` bytes. Returns 0 and *snapshot, which the caller ends with snapshot_free(); -EINVAL, and
 * `error` says what is wrong and where in it, as the end of a sentence that begins with the file's name; or -ENOMEM.
 * Nothing in it is trusted, and what would take too much memory is refused. snapshot->source is the one that was
 * captured.
 */
int capture_read(const char *bytes, size_t length, struct snapshot **snapshot,
                 char error[static JSON_FIELD_ERROR_SIZE]);

#endif
