/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --capture: what there is to judge, as JSON, for another place and time; and back. The format is capture.schema.json.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "check.h"

/*
 * The capture of this host. What cannot be read is recorded as such, so that a replay says the same of it: the state is
 * OK all the same. Returns 0 and *answer, or -ENOMEM.
 */
int capture_run(const struct options *options, const struct policy *policy, struct answer *answer);

#define CAPTURE_ERROR_SIZE 256

/*
 * Reads a capture of `length` bytes. Returns 0 and *look, which look_free() ends; -EINVAL, and `error` says what is
 * wrong and where in it, as the end of a sentence that begins with the file's name; or -ENOMEM. Nothing in it is
 * trusted, and what would take too much memory is refused. look->source is the one that was captured.
 */
int capture_parse(const char *bytes, size_t length, struct look **look, char error[static CAPTURE_ERROR_SIZE]);

#endif
