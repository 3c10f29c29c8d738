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

/*
 * Writes a capture of each network namespace, one after the other; of one that cannot be entered, one that says so, and
 * *state is UNKNOWN. Returns 0 or -ENOMEM.
 */
int capture_run_everywhere(const struct run *run, enum state *state);

#endif
