/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --capture: this host as a capture.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "check.h"

/*
 * Writes the capture of this host to standard output. What cannot be read is recorded as such: the state is OK all the
 * same. Returns 0 with answer->text NULL, or -ENOMEM.
 */
int capture_run(const struct options *options, const struct policy *policy, struct answer *answer);

#endif
