/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads the command line, and options of ini files as if they stood before it.
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "extra_opts.h"
#include "options.h"

#define ARGUMENTS_MISTAKE_SIZE EXTRA_OPTS_MISTAKE_SIZE

struct arguments_mistake {
    char sentence[ARGUMENTS_MISTAKE_SIZE];
    const char *more;  /* a second sentence, borrowed as the options' texts are; NULL for none */
    bool in_arguments; /* of the command line, so that its usage is worth showing */
};

/*
 * Reads the command line, the options of `extra` before it; NULL where they have not been read yet, and then
 * options->extra says what is to be read before options can be whole. Returns 0 and the options, which options_clear()
 * ends; or -EINVAL, and *mistake is the first one; or -ENOMEM. Even then options->writer is the one that was asked
 * for, before the mistake or behind it. argv may be reordered.
 */
int arguments_parse(struct options *options, int argc, char **argv, const struct extra_opts *extra,
                    struct arguments_mistake *mistake);

#endif
