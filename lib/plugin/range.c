/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads and writes threshold ranges.
 */
#include "config.h"

#include "plugin/range.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
 * With 15 digits or fewer both the digits and the power of ten are whole numbers that a double holds exactly, so one
 * division gives the nearest double, and neither strtod() nor "%g" with their locales are needed.
 */
#define DIGITS_MAX 15
#define MANTISSA_MAX UINT64_C(999999999999999)
#define FRACTION_DIGITS_MAX (DIGITS_MAX - 1)

/* With a sign, a point and the NUL. */
#define NUMBER_TEXT_SIZE (DIGITS_MAX + 3)

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Reads digits onto *mantissa. Returns how many; too many only wrap around, and the caller must refuse them. */
static size_t digits_parse(const char **cursor, uint64_t *mantissa)
{
    size_t count = 0;

    for (; is_digit(**cursor); (*cursor)++) {
        *mantissa = *mantissa * 10 + (uint64_t)(**cursor - '0');
        count++;
    }
    return count;
}

static uint64_t power_of_ten(size_t exponent)
{
    uint64_t power = 1;

    for (; exponent > 0; exponent--) {
        power *= 10;
    }
    return power;
}

/* Reads "-1.5" and moves the cursor behind it. */
static bool number_parse(const char **cursor, double *number)
{
    const bool negative = **cursor == '-';
    uint64_t mantissa = 0;
    size_t whole_digits;
    size_t fraction_digits = 0;

    if (negative) {
        (*cursor)++;
    }
    whole_digits = digits_parse(cursor, &mantissa);
    if (whole_digits == 0) {
        return false;
    }
    if (**cursor == '.') {
        (*cursor)++;
        fraction_digits = digits_parse(cursor, &mantissa);
        if (fraction_digits == 0) {
            return false;
        }
    }
    if (whole_digits + fraction_digits > DIGITS_MAX) {
        return false;
    }

    *number = (double)mantissa / (double)power_of_ten(fraction_digits);
    if (negative && mantissa != 0) {
        *number = -*number;
    }
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

/* Makes a whole number of `magnitude` times `power`. False when range_parse() would refuse so many digits. */
static bool mantissa_scale(double magnitude, uint64_t power, uint64_t *mantissa)
{
    const double scaled = magnitude * (double)power + 0.5;

    if (!(scaled < (double)(MANTISSA_MAX + 1))) {
        return false;
    }
    *mantissa = (uint64_t)scaled;
    return true;
}

/* Returns the fewest digits that read back as the same number, the last *fraction_digits of them behind the point. */
static uint64_t shortest_mantissa(double magnitude, size_t *fraction_digits)
{
    uint64_t mantissa = MANTISSA_MAX;
    uint64_t power = 1;

    *fraction_digits = 0;
    mantissa_scale(magnitude, power, &mantissa);
    while ((double)mantissa / (double)power != magnitude && *fraction_digits < FRACTION_DIGITS_MAX &&
           mantissa_scale(magnitude, power * 10, &mantissa)) {
        power *= 10;
        (*fraction_digits)++;
    }
    return mantissa;
}

/* Writes a number, at most NUMBER_TEXT_SIZE bytes with its NUL. Returns a pointer to the NUL. */
static char *number_write(char *text, double number)
{
    size_t fraction_digits;
    uint64_t mantissa = shortest_mantissa(number < 0 ? -number : number, &fraction_digits);
    char reversed[NUMBER_TEXT_SIZE];
    size_t length = 0;

    for (size_t digits = 0; mantissa > 0 || digits <= fraction_digits; digits++) {
        if (digits > 0 && digits == fraction_digits) {
            reversed[length++] = '.';
        }
        reversed[length++] = (char)('0' + mantissa % 10);
        mantissa /= 10;
    }
    if (number < 0) {
        *text++ = '-';
    }
    while (length > 0) {
        *text++ = reversed[--length];
    }
    *text = '\0';
    return text;
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
