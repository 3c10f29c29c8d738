/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads and writes threshold ranges.
 */
#include "config.h"

#include "plugin/range.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * With 15 digits or fewer each number has a double of its own. The C library reads and writes them, in its C locale:
 * arithmetic of our own would be rounded twice where it is done with more bits (x87).
 */
#define DIGITS_MAX 15
#define NUMBER_MOST 999999999999999.0

/* With a sign, a point and the NUL. */
#define NUMBER_TEXT_SIZE (DIGITS_MAX + 3)

/* Moves the cursor past digits. Returns how many. */
static size_t digits_skip(const char **cursor)
{
    size_t count = strspn(*cursor, "0123456789");

    *cursor += count;
    return count;
}

/* Reads "-1.5" and moves the cursor behind it. */
static bool number_parse(const char **cursor, double *number)
{
    const char *text = *cursor;
    size_t whole_digits;
    size_t fraction_digits = 0;

    *cursor += *text == '-';
    whole_digits = digits_skip(cursor);
    if (whole_digits == 0) {
        return false;
    }
    if (**cursor == '.') {
        (*cursor)++;
        fraction_digits = digits_skip(cursor);
        if (fraction_digits == 0) {
            return false;
        }
    }
    if (whole_digits + fraction_digits > DIGITS_MAX) {
        return false;
    }
    *number = strtod(text, NULL) + 0.0; /* which takes its sign from a zero */
    return true;
}

/* Reads "start:end", "start:" or "end": what follows the "@". */
static bool bounds_parse(const char *cursor, struct range *range)
{
    double first = -HUGE_VAL;

    if (*cursor == '~') {
        cursor++;
    } else if (!number_parse(&cursor, &first)) {
        return false;
    }

    if (*cursor == ':') {
        cursor++;
        range->start = first;
        range->end = HUGE_VAL;
        if (*cursor != '\0' && !number_parse(&cursor, &range->end)) {
            return false;
        }
    } else {
        range->start = 0;
        range->end = first;
    }
    /* The order also refuses a lone "~", and "-5", which means 0 to -5. */
    return *cursor == '\0' && range->start <= range->end;
}

bool range_parse(const char *text, struct range *range)
{
    struct range parsed = {.inside = *text == '@'};

    if (parsed.inside) {
        text++;
    }
    if (!bounds_parse(text, &parsed)) {
        return false;
    }
    *range = parsed;
    return true;
}

/* "10:5" and "@10:5" the other way round. */
static bool swapped_build(char right[static RANGE_TEXT_SIZE], const char *text)
{
    const char *start = text + (*text == '@');
    const char *colon = strchr(start, ':');
    struct range range;
    int length;

    if (colon == NULL || colon == start) {
        return false;
    }
    length = snprintf(right, RANGE_TEXT_SIZE, "%.*s%s:%.*s", (int)(start - text), text, colon + 1, (int)(colon - start),
                      start);
    return length < RANGE_TEXT_SIZE && range_parse(right, &range);
}

/* ":10" without the colon. */
static bool bare_end_build(char right[static RANGE_TEXT_SIZE], const char *text)
{
    const char *start = text + (*text == '@');
    struct range range;
    int length;

    if (*start != ':') {
        return false;
    }
    length = snprintf(right, RANGE_TEXT_SIZE, "%.*s%s", (int)(start - text), text, start + 1);
    return length < RANGE_TEXT_SIZE && range_parse(right, &range);
}

/* "5-10", "5..10" and "5,10" with a colon, ">10" and "<10" as the range that alerts then. */
static bool other_syntax_build(char right[static RANGE_TEXT_SIZE], const char *text)
{
    const char *number = text + strspn(text, "<>=");
    size_t digits = strspn(number, "0123456789");
    const char *second = number + digits + strspn(number + digits, "-.,/");
    struct range range;
    int length;

    if (digits == 0) {
        return false;
    }
    if (number == text && *second != '\0' && second != number + digits) {
        length = snprintf(right, RANGE_TEXT_SIZE, "%.*s:%s", (int)digits, number, second);
    } else if (number[digits] == '\0' && number - text == 1 && *text != '=') {
        length = snprintf(right, RANGE_TEXT_SIZE, "%s%s", number, *text == '<' ? ":" : "");
    } else {
        return false;
    }
    return length < RANGE_TEXT_SIZE && range_parse(right, &range);
}

const char *range_advise(char advice[static RANGE_ADVICE_SIZE], const char *text)
{
    char right[RANGE_TEXT_SIZE];

    if (swapped_build(right, text)) {
        snprintf(advice, RANGE_ADVICE_SIZE, "runs backwards: write %s", right);
    } else if (bare_end_build(right, text) || other_syntax_build(right, text)) {
        snprintf(advice, RANGE_ADVICE_SIZE, "is not a threshold range: write %s", right);
    } else {
        snprintf(advice, RANGE_ADVICE_SIZE, "is not a threshold range: use one such as 10, 5:10, 5: or @5:10");
    }
    return advice;
}

/* Counts start at 0. */
static double count_of(double bound)
{
    return bound < 0 ? 0 : bound;
}

/* Is each count from..to within the bounds? */
static bool bounds_hold(const struct range *range, double from, double to)
{
    return from > to || to < 0 || (range->start <= count_of(from) && to <= range->end);
}

bool range_covers(const struct range *range, const struct range *covered)
{
    const bool none_below = covered->start <= 0;
    const bool none_above = covered->end >= HUGE_VAL;

    if (covered->inside && covered->end >= 0) {
        return range->inside ? bounds_hold(range, covered->start, covered->end)
                             : covered->end < range->start || range->end < count_of(covered->start);
    }
    if (covered->inside || (none_below && none_above)) {
        return false;
    }
    if (!range->inside) {
        return bounds_hold(covered, range->start, range->end);
    }
    return (none_below || bounds_hold(range, 0, covered->start - 1)) &&
           (none_above || bounds_hold(range, covered->end + 1, HUGE_VAL));
}

/*
 * Writes a number that is not below 0 with the fewest digits that read back as it, or as near as DIGITS_MAX of them
 * come. Returns a pointer to the NUL.
 */
static char *magnitude_write(char *text, double magnitude)
{
    char *end = text;

    for (int fraction_digits = 0; fraction_digits < DIGITS_MAX; fraction_digits++) {
        char tried[NUMBER_TEXT_SIZE + 1];
        int length = snprintf(tried, sizeof tried, "%.*f", fraction_digits, magnitude);
        if (length - (fraction_digits > 0) > DIGITS_MAX) {
            break;
        }
        end = stpcpy(text, tried);
        if (strtod(text, NULL) == magnitude) {
            break;
        }
    }
    return end;
}

/* Writes a number, at most NUMBER_TEXT_SIZE bytes with its NUL. Returns a pointer to the NUL. */
static char *number_write(char *text, double number)
{
    double magnitude = number > 0 ? number : 0;

    if (number < 0) {
        *text++ = '-';
        magnitude = -number;
    }
    return magnitude_write(text, magnitude < NUMBER_MOST ? magnitude : NUMBER_MOST);
}

const char *range_format(char text[static RANGE_TEXT_SIZE], const struct range *range)
{
    const bool has_end = range->end < HUGE_VAL;
    char *cursor = stpcpy(text, range->inside ? "@" : "");

    if (range->start <= -HUGE_VAL) {
        cursor = stpcpy(cursor, "~:");
    } else if (range->start != 0 || !has_end) {
        cursor = stpcpy(number_write(cursor, range->start), ":");
    }
    if (has_end) {
        number_write(cursor, range->end);
    }
    return text;
}

/* Which bounds of a range its words must name. */
enum shape {
    SHAPE_ALL,
    SHAPE_UP_TO,
    SHAPE_FROM,
    SHAPE_ONE,
    SHAPE_BETWEEN
};

static enum shape shape_of(const struct range *range)
{
    const bool has_end = range->end < HUGE_VAL;

    if (range->start <= -HUGE_VAL) {
        return has_end ? SHAPE_UP_TO : SHAPE_ALL;
    }
    if (!has_end) {
        return SHAPE_FROM;
    }
    /* Counts are never below 0: "0" is better called exactly 0, but "@0" above 0. */
    if (range->start == range->end && !(range->inside && range->start == 0)) {
        return SHAPE_ONE;
    }
    return range->start == 0 ? SHAPE_UP_TO : SHAPE_BETWEEN;
}

/* What stands before each bound, NULL where the bound is not named; [1] is for "@". */
static const struct wording {
    const char *before_start;
    const char *before_end;
} wordings[][2] = {
    [SHAPE_ALL] = {{"anything", NULL}, {"impossible", NULL}},
    [SHAPE_UP_TO] = {{NULL, "at most "}, {NULL, "above "}},
    [SHAPE_FROM] = {{"at least ", NULL}, {"below ", NULL}},
    [SHAPE_ONE] = {{NULL, "exactly "}, {NULL, "anything but "}},
    [SHAPE_BETWEEN] = {{"between ", " and "}, {"below ", " or above "}},
};

const char *range_words_format(char text[static RANGE_WORDS_SIZE], const struct range *range)
{
    const struct wording *wording = &wordings[shape_of(range)][range->inside];
    char *cursor = text;

    if (wording->before_start != NULL) {
        cursor = stpcpy(cursor, wording->before_start);
        if (range->start > -HUGE_VAL) {
            cursor = number_write(cursor, range->start);
        }
    }
    if (wording->before_end != NULL) {
        number_write(stpcpy(cursor, wording->before_end), range->end);
    }
    return text;
}
