/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Progress of long work, for a user at a terminal.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct progress {
    bool is_shown; /* a line is shown on the terminal */
    bool is_wanted;
    struct timespec next; /* when to say more */
};

/* Begins long work: its progress is shown on standard error after two seconds, if and only if that is a terminal. */
void progress_start(struct progress *progress);

/* So far `count` of `total` things, in the plural; 0 for a total that is not known yet. */
void progress_show(struct progress *progress, size_t count, size_t total, const char *things);

/* Takes the line away, before anything else is written to the terminal. */
void progress_hide(struct progress *progress);

#endif
