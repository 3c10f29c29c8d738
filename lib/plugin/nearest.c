/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "plugin/nearest.h"

#include <ctype.h>
#include <string.h>

/* Longer than any word of ours by more than its third, so that what is cut is never near. */
#define LENGTH_MOST 40

/* Without what does not count. */
struct folded {
    char text[LENGTH_MOST];
    size_t length;
};

static struct folded fold(const char *word)
{
    struct folded folded = {.length = 0};

    for (; *word != '\0' && folded.length < LENGTH_MOST; word++) {
        if (*word != '-' && *word != '_') {
            folded.text[folded.length++] = (char)tolower((unsigned char)*word);
        }
    }
    return folded;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const struct folded *a, const struct folded *b)
{
    size_t rows[3][LENGTH_MOST + 1]; /* row i % 3: from the first i characters of `a` to the first j of `b` */

    for (size_t j = 0; j <= b->length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a->length; i++) {
        const size_t *above = rows[(i - 1) % 3];
        size_t *row = rows[i % 3];
        row[0] = i;
        for (size_t j = 1; j <= b->length; j++) {
            row[j] = above[j - 1] + (a->text[i - 1] != b->text[j - 1]);
            row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a->text[i - 1] == b->text[j - 2] && a->text[i - 2] == b->text[j - 1]) {
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a->length % 3][b->length];
}

static bool is_abbreviation(const struct folded *typed, const struct folded *word)
{
    return typed->length > 1 && typed->length < word->length && memcmp(typed->text, word->text, typed->length) == 0;
}

const char *nearest_word(const char *typed, const char *(*word)(int index))
{
    const struct folded folded = fold(typed);
    const char *found = NULL;
    size_t fewest = LENGTH_MOST;

    for (int i = 0; word(i) != NULL && folded.length > 0; i++) {
        const struct folded other = fold(word(i));
        size_t longer = folded.length > other.length ? folded.length : other.length;
        size_t edits = is_abbreviation(&folded, &other) ? 1 : distance(&folded, &other);
        if (edits == fewest) {
            found = NULL;
        }
        if (edits < fewest && edits <= (longer < 3 ? 1 : longer / 3)) {
            found = word(i);
            fewest = edits;
        }
    }
    return found;
}

void nearest_advise(struct text_buffer *text, const char *typed, const char *(*word)(int index), const char *before,
                    const char *after)
{
    const char *nearest = nearest_word(typed, word);

    if (nearest != NULL) {
        text_buffer_add(text, "did you mean %s%s%s?", before, nearest, after);
        return;
    }
    text_buffer_add(text, "use ");
    text_buffer_add_words(text, word, before, after, " or ");
}
