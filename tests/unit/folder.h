/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A folder of its own for a test, with what the test puts there. What cannot be made fails the test.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <limits.h>
#include <stddef.h>

/* The two ends of a checked fixture: an empty folder, which is removed with all that is in it. */
void folder_make(void);
void folder_remove(void);

/* The path of the folder, as long as it exists. */
const char *folder_name(void);

/* Writes the path of something in the folder. Returns path. */
const char *folder_path(char path[static PATH_MAX], const char *name);

/* Writes a file of these bytes, or of a C string, in place of one of that name. */
void folder_write(const char *name, const void *bytes, size_t length);
void folder_write_text(const char *name, const char *text);

/* Makes a directory, and those above it, unless they exist. */
void folder_add_directory(const char *name);

#endif
