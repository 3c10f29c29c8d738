/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A capture back as the snapshot that it was written from. The format is capture.schema.json.
 */
#ifndef CAPTURE_CAPTURE_READ_H
#define CAPTURE_CAPTURE_READ_H

#include "capture/json_field.h"
#include "snapshot/snapshot.h"

/*
 * Reads a capture of `length` bytes. Returns 0 and *snapshot, which snapshot_free() ends; -EINVAL, and `error` says
 * what is wrong and where in it, as the end of a sentence that begins with the file's name; or -ENOMEM. Nothing in it
 * is trusted, and what would take too much memory is refused. snapshot->source is the one that was captured.
 */
int capture_read(const char *bytes, size_t length, struct snapshot **snapshot,
                 char error[static JSON_FIELD_ERROR_SIZE]);

#endif
