/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Fuzzes threshold ranges: what is read can be written, and read back as the same range.
 */
#include "config.h"

#include "fuzz.h"
#include "plugin/range.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct range range;
    struct range again;
    char formatted[RANGE_TEXT_SIZE];
    char words[RANGE_WORDS_SIZE];

    memcpy(text, data, size);
    text[size] = '\0';
    if (range_parse(text, &range)) {
        range_format(formatted, &range);
        range_words_format(words, &range);
        FUZZ_REQUIRE(range_parse(formatted, &again));
        for (double value = -3; value < 20; value++) {
            FUZZ_REQUIRE(range_alerts(&range, value) == range_alerts(&again, value));
        }
    }
    free(text);
    return 0;
}
