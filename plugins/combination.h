/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Which options can be combined on a command line.
 */
#ifndef COMBINATION_H
#define COMBINATION_H

#include "extra_opts.h"
#include "option_row.h"

/*
 * Checks the options of a reader that has read them all, those of `extra` (NULL for none) included. Returns 0; or
 * -EINVAL, and why is in reader->error, with its place in reader->file and line.
 */
int combination_check(struct option_reader *reader, const struct extra_opts *extra);

#endif
