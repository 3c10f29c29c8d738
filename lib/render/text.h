/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A verdict in a plugin's words: the first line with its performance data, then detail lines.
 */
#ifndef RENDER_TEXT_H
#define RENDER_TEXT_H

#include "render/view.h"

/* The whole text of the verdict. Returns 0 and *text, malloc'd, of *length bytes; or -ENOMEM. */
int text_verdict(const struct view *view, char **text, size_t *length);

/*
 * The text of a failure: its state, the sentences (at least one; the first 20 are told) and a line on usage unless it
 * is NULL. Same memory rules.
 */
int text_failure(enum state state, const char *const *sentences, size_t count, const char *usage, char **text,
                 size_t *length);

#endif
