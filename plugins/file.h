/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Whole files into memory.
 */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>

#define FILE_ERROR_SIZE 160

/*
 * Reads the file, "-" for standard input, of at most `most` bytes. Returns 0 and *bytes, malloc'd, with a NUL behind
 * its *length bytes; or a negative errno, and `error` says what is wrong as the end of a sentence that begins with the
 * name.
 */
int file_read(const char *path, size_t most, char **bytes, size_t *length, char error[static FILE_ERROR_SIZE]);

/* The same of no more than `part` bytes from the offset, of a file that can be read more than once. */
int file_read_part(const char *path, size_t offset, size_t part, char **bytes, size_t *length,
                   char error[static FILE_ERROR_SIZE]);

/* What a sentence calls that path: "standard input" for "-". */
const char *file_name(const char *path);

/* The line, from 1, that the first NUL byte is in; 0 for bytes without one. */
size_t file_nul_line(const char *bytes, size_t length);

#endif
