/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A sentence that is put together piece by piece in a buffer of a fixed size. What does not fit is cut at a character,
 * and "..." shows that it was.
 */
#ifndef PLUGIN_TEXT_BUFFER_H
#define PLUGIN_TEXT_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* `bytes` always ends with a NUL, which `length` does not count. */
struct text_buffer {
    char *bytes;
    size_t size;
    size_t length;
    bool is_cut; /* nothing more is added */
};

/* Empties the caller's buffer of `size` bytes, at least 4, and begins to fill it. */
struct text_buffer text_buffer_start(char *bytes, size_t size);

/* The same for a char array, whose size the compiler knows. */
#define TEXT_BUFFER(array) text_buffer_start((array), sizeof(array))

/* Adds what printf makes of the format. Returns the whole text so far. */
const char *text_buffer_add(struct text_buffer *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with a list of arguments, which is used up. */
const char *text_buffer_add_va(struct text_buffer *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Adds a text from elsewhere, which may be of any length: `most` bytes of it (at least 3), cut in the same way. Returns
 * the whole text so far. */
const char *text_buffer_add_cut(struct text_buffer *text, const char *added, size_t most);

/* Adds `count` and `thing`, which gets an "s" unless it is one: "1 service", "3 services". */
const char *text_buffer_add_count(struct text_buffer *text, unsigned long long count, const char *thing);

/* What comes before item `index` of `count` in a list: "" before the first, `last` before the last, else ", ". */
const char *text_buffer_separator(size_t index, size_t count, const char *last);

/*
 * Adds a list of words, each between `before` and `after`: "/tcp or /udp" with "/", "" and " or ". `word` returns
 * word number `index`, NULL behind the last one.
 */
const char *text_buffer_add_words(struct text_buffer *text, const char *(*word)(int index), const char *before,
                                  const char *after, const char *last);

#endif
