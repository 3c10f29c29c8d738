/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The word that was meant by a mistyped one.
 */
#ifndef PLUGIN_NEAREST_H
#define PLUGIN_NEAREST_H

#include "plugin/text_buffer.h"

/*
 * The word of the list that is the fewest edits away from `typed`: characters left out, added, exchanged, or swapped
 * with their neighbour (Damerau-Levenshtein distance, each place edited once). Case, '-' and '_' do not count, and an
 * abbreviation is one edit. NULL when every word is too far away, more than a third of the characters, or two are
 * equally near. `word` returns word number `index`, NULL behind the last one.
 */
const char *nearest_word(const char *typed, const char *(*word)(int index));

/* Adds "did you mean /tcp?", or without a nearest word "use /tcp or /udp", each between `before` and `after`. */
void nearest_advise(struct text_buffer *text, const char *typed, const char *(*word)(int index), const char *before,
                    const char *after);

#endif
