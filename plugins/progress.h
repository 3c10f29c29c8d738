/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * How far long work is, for whoever waits at a terminal.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct progress {
    bool is_shown; /* a line stands on the terminal */
    bool is_wanted;
    struct timespec next; /* when to say more */
};

/* Begins long work: standard error is told of it after two seconds, if and only if it is a terminal. */
void progress_start(struct progress *progress);

/* So far `count` of `total` things, in the plural; 0 for a total that is not known yet. */
void progress_show(struct progress *progress, size_t count, size_t total, const char *things);

/* Takes the line away, before anything else is written to the terminal. */
void progress_hide(struct progress *progress);

#endif
