/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --list: all sockets as netstat shows them, and what is really on the wire.
 */
#ifndef LIST_H
#define LIST_H

#include "check.h"

/*
 * Writes the table (with --format=json an object a line, and a last one on the whole) to standard output while it is
 * read, in memory that does not grow with the sockets. Returns 0 and the state to end with: OK with answer->text NULL;
 * UNKNOWN with a text that says what could not be read, to stand behind what was written (if anything could be read);
 * UNKNOWN with NULL when standard output could not be written. Or -ENOMEM.
 */
int list_run(const struct options *options, const struct policy *policy, struct answer *answer);

#endif
