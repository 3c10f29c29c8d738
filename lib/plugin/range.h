/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Threshold ranges as the Monitoring Plugins guidelines define them: [@][start:][end], "~" for minus infinity, ends
 * included, "10" means 0 to 10, "10:" has no end; a leading "@" alerts inside instead of outside.
 */
#ifndef PLUGIN_RANGE_H
#define PLUGIN_RANGE_H

#include <stdbool.h>
#include <stddef.h>

struct range {
    double start; /* -HUGE_VAL for "~" */
    double end;   /* HUGE_VAL for none */
    bool inside;  /* "@": alert inside the range */
};

/*
 * Reads a range: decimal numbers with an optional minus sign and fraction, at most 15 digits, whatever the locale.
 * Anything else (the empty string, "@", ":", ":5", "10:5", "5x", "1e3", blanks) returns false and leaves *range alone.
 */
bool range_parse(const char *text, struct range *range);

#define RANGE_ADVICE_SIZE 128

/*
 * Says what is wrong with a text that range_parse() refused, as the end of a sentence that begins with it: "runs
 * backwards: write 5:10", "is not a threshold range: use one such as 10, 5:10, 5: or @5:10". Returns advice.
 */
const char *range_advise(char advice[static RANGE_ADVICE_SIZE], const char *text);

/*
 * True when every count (a whole number from 0 on) that alerts `covered` alerts `range` too, so that if `range` is the
 * worse of two thresholds, the other can never fire. False if `covered` alerts at no count.
 */
bool range_covers(const struct range *range, const struct range *covered);

/* True when `value` must raise the alert. */
bool range_alerts(const struct range *range, double value);

#define RANGE_TEXT_SIZE 48

/*
 * The shortest text that range_parse() reads back as the same range: "10" for "0:10". Bounds that it could never have
 * read (1e20) become the nearest that it can. Returns text.
 */
const char *range_format(char text[static RANGE_TEXT_SIZE], const struct range *range);

#define RANGE_WORDS_SIZE 96

/*
 * What the range demands, to stand after "must be": "at most 10", "at least 5", "between 5 and 10", "exactly 0" (also
 * for 0:0), "below 5 or above 10" (for @5:10), "above 10" (@10, @~:10), "below 5" (@5:), "anything" (~:), "impossible"
 * (@~:), "anything but 5" (@5:5). The words are for counts, which are never below 0: "10" is "at most 10". Returns
 * text.
 */
const char *range_words_format(char text[static RANGE_WORDS_SIZE], const struct range *range);

#endif
