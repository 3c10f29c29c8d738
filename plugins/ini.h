/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One section of an ini file, as the plugins of Nagios and Icinga share such files. No input or output.
 *
 *     # a comment, and so is a line that starts with ;
 *     [section]
 *     key = value
 *     key =
 */
#ifndef INI_H
#define INI_H

#include <stddef.h>

/* "key = value"; both without blanks around them, the value may be empty. Texts are in the bytes that were parsed. */
struct ini_entry {
    const char *key;
    const char *value;
    size_t line; /* from 1 */
};

#define INI_MISTAKE_SIZE 240

struct ini_section {
    struct ini_entry *entries; /* in the order of the file, those of several sections of the name together */
    size_t count;
    size_t header_line;             /* where the section starts, the last one if there are several; 0: there is none */
    char mistake[INI_MISTAKE_SIZE]; /* a sentence that follows "FILE:LINE: "; "" for none */
    size_t mistake_line;            /* 0: the mistake is not in one line, and the sentence follows "FILE: " */
};

/*
 * Reads the section of that name from the `length` bytes, which a NUL must follow, and which it cuts into texts: they
 * must stay as long as the entries. A missing or empty section is a mistake, and so is whatever would hide a line of
 * it: a line before the first section, a section's name that does not end, a line without "=". Other sections may hold
 * anything. CRLF line ends, a missing last newline and a UTF-8 byte order mark are fine. Returns 0; or -EINVAL, and the
 * first mistake is in the section, beside all entries that could be read; or -ENOMEM. In any case ini_clear() ends the
 * section.
 */
int ini_parse(struct ini_section *section, char *bytes, size_t length, const char *name);

/* Frees what ini_parse() made, for a zeroed struct too. */
void ini_clear(struct ini_section *section);

#endif
