/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --netns=all: every network namespace of this host, one after the other.
 */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include "run.h"

/* Judges each, as hosts of a fleet. *state is the worst of them. Returns 0 or -ENOMEM. */
int namespaces_check(const struct run *run, enum state *state);

/*
 * Runs a mode in each, which writes its answer; where one cannot be entered, or is not reached before the program is to
 * stop, `refuse` writes what is said instead. *state is the worst of them. Returns 0 or what they return.
 */
int namespaces_each(const struct run *run, int (*mode)(const struct run *run, enum state *state),
                    int (*refuse)(const struct run *run, const char *sentence), enum state *state);

#endif
