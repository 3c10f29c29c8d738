/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Makes any bytes harmless for what reads a plugin's output. Free text passes here once, on its way out.
 */
#ifndef PLUGIN_ESCAPE_H
#define PLUGIN_ESCAPE_H

#include <stddef.h>

enum escape_rule {
    ESCAPE_TEXT,  /* a plugin's free text, one line */
    ESCAPE_NAMED, /* the same where a reader must know what was typed: "a;b" becomes "a(semicolon)b" */
    ESCAPE_LINE,  /* any other text of one line, which does not go through a monitoring transport */
    ESCAPE_UTF8   /* only makes it valid UTF-8 without NUL: what a JSON encoder needs */
};

/*
 * Writes the `length` bytes at `source` to `target` as valid UTF-8 with a NUL at the end, at most size - 1 bytes and
 * never half a character; the first one that does not fit and all that follow are left out. Invalid sequences (overlong
 * forms, surrogates, beyond U+10FFFF, truncated) become U+FFFD, one for each maximal broken part. NUL becomes a space.
 * Under all but ESCAPE_UTF8 every control character (C0, DEL, C1), line separator (U+2028, U+2029) and mark of
 * direction (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) becomes a space. Under ESCAPE_TEXT also: "|" becomes
 * "/", ";" becomes ",", "<" becomes "(" and ">" becomes ")", one byte for one byte. ESCAPE_NAMED names the four
 * instead: "(pipe)", "(semicolon)", "(less-than)", "(greater-than)". `size` is at least 1. Returns the length written
 * without the NUL.
 */
size_t escape_copy(char *target, size_t size, const char *source, size_t length, enum escape_rule rule);

/*
 * How much of a C string to take at once where at most `most` bytes (4 or more) fit: no character is torn apart by
 * that.
 */
size_t escape_piece_length(const char *text, size_t most);

/* How many bytes of UTF-8's byte order mark a text file starts with, which are not part of its text: 3, or 0. */
size_t escape_byte_order_mark(const char *bytes, size_t length);

/* The longest that one character becomes. */
#define ESCAPE_CHARACTER_MOST (sizeof "(greater-than)" - 1)

/*
 * A size that always holds the whole result for `length` bytes, but under ESCAPE_NAMED: every byte could become U+FFFD
 * (3 bytes), and a NUL.
 */
#define ESCAPE_SIZE(length) ((length)*3 + 1)

#endif
