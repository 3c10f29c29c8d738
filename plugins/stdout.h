/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The descriptor that everything the program says goes to.
 */
#ifndef STDOUT_H
#define STDOUT_H

#include <stddef.h>

/*
 * To be called first of all: makes sure that no file the program opens gets the number of a standard stream that it was
 * started without, and that a reader who went away, or a limit on the size of files, is an error instead of a signal.
 * Nothing ever goes to standard error.
 */
void stdout_prepare(void);

/* Writes all bytes to standard output, with one write where the system takes them so. Returns 0 or a negative errno. */
int stdout_write(const char *bytes, size_t length);

#endif
