/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A snapshot as a capture, for another place and time. The format is capture.schema.json.
 */
#ifndef CAPTURE_CAPTURE_WRITE_H
#define CAPTURE_CAPTURE_WRITE_H

#include "plugin/sink.h"
#include "snapshot/snapshot.h"

/* Writes the snapshot, whose owners are known, a line a value. What could not be read is recorded as such, so that a
 * replay says the same of it. */
void capture_write(const struct snapshot *snapshot, const struct sink *sink);

#endif
