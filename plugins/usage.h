/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --help.
 */
#ifndef USAGE_H
#define USAGE_H

/* One line that shows the shape of a call. */
extern const char usage_line[];

#define USAGE_HELP_SIZE 4096

/* Writes the whole help, which fits a screen: the options, and the words of rules. Returns text. */
const char *usage_help(char text[static USAGE_HELP_SIZE]);

#endif
