/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A verdict in a plugin's words: the first line with its performance data, then detail lines.
 */
#ifndef TELL_TEXT_H
#define TELL_TEXT_H

#include "case.h"

/* The whole text of the verdict. Returns 0 and *text, malloc'd, of *length bytes; or -ENOMEM. */
int tell_text(const struct judged_case *judged, char **text, size_t *length);

/*
 * The text of a failure: its state, the sentences (at least one; the first 20 are told) and a line on usage unless it
 * is NULL. Same memory rules.
 */
int tell_text_failure(enum state state, const char *const *sentences, size_t count, const char *usage, char **text,
                      size_t *length);

#endif
