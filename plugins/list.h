/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --list: all sockets as netstat shows them, and what is really on the wire.
 */
#ifndef LIST_H
#define LIST_H

#include "run.h"

/*
 * Writes all sockets while they are read, in memory that does not grow with them, and behind them what could not be
 * read. *state becomes OK when everything could. Returns 0 or -ENOMEM, and then rows may have been written.
 */
int list_run(const struct run *run, enum state *state);

/* Writes those of each network namespace, one after the other. *state is the worst. Returns 0 or -ENOMEM. */
int list_run_everywhere(const struct run *run, enum state *state);

#endif
