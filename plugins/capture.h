/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --capture: this host as a capture.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "run.h"

/* Writes the capture of this host. What cannot be read is recorded as such: OK all the same. Returns 0 or -ENOMEM. */
int capture_run(const struct run *run, enum state *state);

#endif
