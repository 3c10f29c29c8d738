/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Writes a snapshot as a capture, to be judged later or elsewhere. capture.schema.json documents the format.
 */
#ifndef CAPTURE_CAPTURE_WRITE_H
#define CAPTURE_CAPTURE_WRITE_H

#include "plugin/sink.h"
#include "snapshot/snapshot.h"

/* Writes the snapshot, whose owners are known and whose cgroups are forgotten, a line a value. What could not be read
 * is recorded as such, so that a replay says the same of it. */
void capture_write(const struct snapshot *snapshot, const struct sink *sink);

#endif
