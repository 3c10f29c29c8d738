/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What was meant by a word of the command line that is not understood. Each returns -EINVAL, and the sentence is in
 * reader->error.
 */
#ifndef OPTION_ADVICE_H
#define OPTION_ADVICE_H

#include "option_row.h"

/* A name, up to a "=", that is of no option or of several; `dashes` are written before one. */
int option_advice_name(struct option_reader *reader, const char *name, const char *dashes);

/* A letter that is of no option, in that word; NULL where the word is not known. */
int option_advice_letter(struct option_reader *reader, char letter, const char *word);

/* The first of the `count` words that belong to no option. */
int option_advice_word(struct option_reader *reader, char *const *words, int count);

#endif
