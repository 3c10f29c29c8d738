/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/plugin/range.c.
 */
#include "config.h"

#include "plugin/range.h"

#include "unit.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INF HUGE_VAL
#define DIGITS 15

/* Where a text is its own shortest form, `shortest` repeats it. */
static const struct {
    const char *text;
    struct range range;
    const char *shortest;
    const char *words;
} readable[] = {
    /* the guidelines' table of examples */
    {"10", {0, 10, false}, "10", "at most 10"},
    {"10:", {10, INF, false}, "10:", "at least 10"},
    {"~:10", {-INF, 10, false}, "~:10", "at most 10"},
    {"10:20", {10, 20, false}, "10:20", "between 10 and 20"},
    {"@10:20", {10, 20, true}, "@10:20", "below 10 or above 20"},
    /* and of its list of how check_stuff is called */
    {"~:0", {-INF, 0, false}, "~:0", "at most 0"},
    {"5:6", {5, 6, false}, "5:6", "between 5 and 6"},
    {"1:", {1, INF, false}, "1:", "at least 1"},

    {"0", {0, 0, false}, "0", "exactly 0"},
    {"0:0", {0, 0, false}, "0", "exactly 0"},
    {"5:5", {5, 5, false}, "5:5", "exactly 5"},
    {"0:10", {0, 10, false}, "10", "at most 10"},
    {"0:", {0, INF, false}, "0:", "at least 0"},
    {"~:", {-INF, INF, false}, "~:", "anything"},
    {"-5:", {-5, INF, false}, "-5:", "at least -5"},
    {"-10:-5", {-10, -5, false}, "-10:-5", "between -10 and -5"},
    {"-10:0", {-10, 0, false}, "-10:0", "between -10 and 0"},
    {"~:-5", {-INF, -5, false}, "~:-5", "at most -5"},
    {"@10", {0, 10, true}, "@10", "above 10"},
    {"@0:10", {0, 10, true}, "@10", "above 10"},
    {"@~:10", {-INF, 10, true}, "@~:10", "above 10"},
    {"@5:", {5, INF, true}, "@5:", "below 5"},
    {"@0:", {0, INF, true}, "@0:", "below 0"},
    {"@5:10", {5, 10, true}, "@5:10", "below 5 or above 10"},
    {"@5:5", {5, 5, true}, "@5:5", "anything but 5"},
    {"@0", {0, 0, true}, "@0", "above 0"},
    {"@~:", {-INF, INF, true}, "@~:", "impossible"},

    {"-0", {0, 0, false}, "0", "exactly 0"},
    {"-0:5", {0, 5, false}, "5", "at most 5"},
    {"-0.0:", {0, INF, false}, "0:", "at least 0"},
    {"-1:-0", {-1, 0, false}, "-1:0", "between -1 and 0"},
    {"007", {0, 7, false}, "7", "at most 7"},
    {"1.5", {0, 1.5, false}, "1.5", "at most 1.5"},
    {"1.50", {0, 1.5, false}, "1.5", "at most 1.5"},
    {"5.0", {0, 5, false}, "5", "at most 5"},
    {"0.1:0.3", {0.1, 0.3, false}, "0.1:0.3", "between 0.1 and 0.3"},
    {"-0.05:", {-0.05, INF, false}, "-0.05:", "at least -0.05"},
    {"2.675", {0, 2.675, false}, "2.675", "at most 2.675"},
    {"100000", {0, 100000, false}, "100000", "at most 100000"},
    {"999999999999999", {0, 999999999999999, false}, "999999999999999", "at most 999999999999999"},
    {"0.00000000000001", {0, 1e-14, false}, "0.00000000000001", "at most 0.00000000000001"},
    {"9.99999999999999", {0, 9.99999999999999, false}, "9.99999999999999", "at most 9.99999999999999"},
    {"123456789.012345", {0, 123456789.012345, false}, "123456789.012345", "at most 123456789.012345"},
    {"@-99999999999999.9:-9.99999999999999",
     {-99999999999999.9, -9.99999999999999, true},
     "@-99999999999999.9:-9.99999999999999",
     "below -99999999999999.9 or above -9.99999999999999"},
};

static void assert_range_eq(const struct range *got, const struct range *wanted)
{
    ck_assert_double_eq(got->start, wanted->start);
    ck_assert_double_eq(got->end, wanted->end);
    ck_assert_int_eq(got->inside, wanted->inside);
    ck_assert_msg(!signbit(got->start) || got->start < 0, "the start is -0");
    ck_assert_msg(!signbit(got->end) || got->end < 0, "the end is -0");
}

START_TEST(reads_ranges)
{
    struct range range = {-77, -77, !readable[_i].range.inside};

    ck_assert_msg(range_parse(readable[_i].text, &range), "\"%s\" is refused", readable[_i].text);
    assert_range_eq(&range, &readable[_i].range);
}
END_TEST

START_TEST(writes_the_shortest_form)
{
    char text[RANGE_TEXT_SIZE];
    struct range again;

    ck_assert_ptr_eq(range_format(text, &readable[_i].range), text);
    ck_assert_str_eq(text, readable[_i].shortest);
    ck_assert(range_parse(text, &again));
    assert_range_eq(&again, &readable[_i].range);
}
END_TEST

START_TEST(says_what_is_demanded)
{
    char text[RANGE_WORDS_SIZE];

    ck_assert_ptr_eq(range_words_format(text, &readable[_i].range), text);
    ck_assert_str_eq(text, readable[_i].words);
}
END_TEST

static const char *const unreadable[] = {
    /* nothing, or only signs */
    "",
    "@",
    ":",
    "~",
    "@~",
    "@:",
    "::",
    "~~",
    "~:~",
    "-",
    "-:",
    "--",
    ".",
    "-.",
    ":-",
    "5:-",
    "@@",
    " ",
    /* a missing start */
    ":5",
    "@:5",
    ":-5",
    ":~",
    /* an end before the start; "-5" means 0 to -5 */
    "10:5",
    "@10:5",
    "-5",
    "-0.1",
    "@-5",
    "5:-5",
    "-5:-6",
    "0.2:0.1",
    "10:~",
    /* too many parts, in the wrong place */
    "1:2:3",
    "5::",
    "~5",
    "~5:10",
    "5:10:",
    "5:@10",
    "5@",
    "@@5",
    "~:~:5",
    "5-",
    "5-10",
    "--5:",
    "1.2.3",
    "5:6~",
    /* not plain decimal numbers */
    "5x",
    "x5",
    "1e3",
    "1E3",
    "0x10",
    "+5",
    "~:+5",
    ".5",
    "5.",
    "-.5:",
    "5.:6",
    "1,5",
    "1'000",
    "1_000",
    "5%",
    "5k",
    "inf",
    "nan",
    "~:inf",
    "-inf:",
    "INFINITY",
    "\xD9\xA5",
    "5\xC2\xA0",
    /* blanks */
    " 5",
    "5 ",
    "5: 6",
    "5 :6",
    "@ 5",
    "5\n",
    "\t5",
    "~ :5",
    "- 5:",
    /* 16 digits, leading and trailing zeros included */
    "1000000000000000",
    "9999999999999999",
    "0000000000000001",
    "0.000000000000001",
    "1.000000000000000",
    "~:-1000000000000000",
    "1234567890123456:",
    "18446744073709551616",
    "18446744073709551621",
    "340282366920938463463",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
    "0.0000000000000000000000000000000000000001",
};

START_TEST(refuses_anything_else)
{
    struct range range = {1, 2, true};
    const struct range untouched = range;

    ck_assert_msg(!range_parse(unreadable[_i], &range), "\"%s\" is taken", unreadable[_i]);
    assert_range_eq(&range, &untouched);
}
END_TEST

static const struct {
    const char *text;
    double value;
    bool alerts;
} alerts[] = {
    {"10", -1, true},     {"10", -0.001, true},    {"10", -0.0, false},   {"10", 0, false},
    {"10", 9.999, false}, {"10", 10, false},       {"10", 10.001, true},  {"10", 11, true},
    {"10:", 9, true},     {"10:", 9.999, true},    {"10:", 10, false},    {"10:", 1e300, false},
    {"10:", INF, false},  {"~:10", -1e300, false}, {"~:10", -INF, false}, {"~:10", 10, false},
    {"~:10", 11, true},   {"10:20", 9, true},      {"10:20", 10, false},  {"10:20", 20, false},
    {"10:20", 21, true},  {"@10:20", 9, false},    {"@10:20", 10, true},  {"@10:20", 15, true},
    {"@10:20", 20, true}, {"@10:20", 21, false},   {"@10", -1, false},    {"@10", 0, true},
    {"@10", 10, true},    {"@10", 11, false},      {"0", -1, true},       {"0", 0, false},
    {"0", 1, true},       {"@0", 0, true},         {"@0", 1, false},      {"5:5", 4, true},
    {"5:5", 5, false},    {"5:5", 6, true},        {"@5:", 4, false},     {"@5:", 5, true},
    {"~:", -INF, false},  {"~:", 0, false},        {"~:", INF, false},    {"@~:", 0, true},
    {"@~:", INF, true},   {"-5:-3", -6, true},     {"-5:-3", -5, false},  {"-5:-3", -3, false},
    {"-5:-3", -2, true},  {"0.1", 0.1, false},     {"0.3:", 0.3, false},  {"999999999999999", 1e15, true},
};

START_TEST(alerts_at_the_bounds)
{
    struct range range;

    ck_assert(range_parse(alerts[_i].text, &range));
    ck_assert_msg(range_alerts(&range, alerts[_i].value) == alerts[_i].alerts, "\"%s\" at %g", alerts[_i].text,
                  alerts[_i].value);
}
END_TEST

/* What the parser never makes still must not overflow, nor show an exponent, "inf" or "nan". */
START_TEST(writes_bounds_beyond_the_digits)
{
    char text[RANGE_TEXT_SIZE];
    char words[RANGE_WORDS_SIZE];
    const struct range huge = {-1e300, 1e300, true};
    const struct range third = {-1.0 / 3, 1e15, false};
    const struct range negative_zero = {-0.0, -0.0, false};

    ck_assert_str_eq(range_format(text, &huge), "@-999999999999999:999999999999999");
    ck_assert_str_eq(range_words_format(words, &huge), "below -999999999999999 or above 999999999999999");
    ck_assert_str_eq(range_format(text, &third), "-0.33333333333333:999999999999999");
    ck_assert_str_eq(range_format(text, &negative_zero), "0");
}
END_TEST

/* Numbers of every count of digits, the point at every place. */
START_TEST(round_trips_every_length)
{
    static const char digits[] = "918273645546372";

    for (int length = 1; length <= DIGITS; length++) {
        for (int whole = 1; whole <= length; whole++) {
            char wanted[RANGE_TEXT_SIZE];
            char text[RANGE_TEXT_SIZE];
            struct range range;

            snprintf(wanted, sizeof wanted, "~:-%.*s%s%.*s", whole, digits, whole < length ? "." : "", length - whole,
                     digits + whole);
            ck_assert_msg(range_parse(wanted, &range), "\"%s\" is refused", wanted);
            ck_assert_str_eq(range_format(text, &range), wanted);
        }
    }
}
END_TEST

/* The same numbers as the C library reads, to the last bit. */
START_TEST(reads_the_nearest_double)
{
    const int fraction_digits = _i;
    uint64_t random = 88172645463325252U;

    for (int round = 0; round < 2000; round++) {
        char text[RANGE_TEXT_SIZE] = "~:";
        char again[RANGE_TEXT_SIZE];
        struct range range;
        struct range reread;
        char *cursor = text + 2;

        for (int digit = 0; digit < DIGITS; digit++) {
            if (digit == DIGITS - fraction_digits) {
                *cursor++ = '.';
            }
            *cursor++ = (char)('0' + unit_random(&random) % 10);
        }
        *cursor = '\0';
        ck_assert_msg(range_parse(text, &range), "\"%s\" is refused", text);
        ck_assert_double_eq(range.end, strtod(text + 2, NULL));
        ck_assert_msg(range_parse(range_format(again, &range), &reread), "\"%s\" became \"%s\"", text, again);
        ck_assert_double_eq(reread.end, range.end);
        ck_assert_uint_le(strlen(again), strlen(text));
    }
}
END_TEST

static const struct {
    const char *text;
    const char *advice;
} refused[] = {
    {"10:5", "runs backwards: write 5:10"},
    {"@10:5", "runs backwards: write @5:10"},
    {"5:~", "runs backwards: write ~:5"},
    {":10", "is not a threshold range: write 10"},
    {"@:10", "is not a threshold range: write @10"},
    {":", "is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
    {"5-10", "is not a threshold range: write 5:10"},
    {"5..10", "is not a threshold range: write 5:10"},
    {"5,10", "is not a threshold range: write 5:10"},
    {"10-5", "is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
    {">10", "is not a threshold range: write 10"},
    {"<10", "is not a threshold range: write 10:"},
    {">=10", "is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
    {"", "is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
    {"@", "is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
    {"5x", "is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
    {"-5", "is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
    {"5:x", "is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
    {"1111111111111111111111111111111111111111111111111:5",
     "is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
};

START_TEST(advises)
{
    char advice[RANGE_ADVICE_SIZE];

    ck_assert_str_eq(range_advise(advice, refused[_i].text), refused[_i].advice);
}
END_TEST

/* Every pair of these, by what each says of every count. */
START_TEST(covers_what_alerts_with_it)
{
    static const char *const texts[] = {"0",    "3",  "5",   "~:3", "2:5", "3:3",  "5:",   "0:",    "~:",
                                        "-5:1", "@0", "@~:", "@3",  "@2:", "@2:5", "@5:5", "@~:-1", "-9:-2"};
    const double counts = 12;

    for (int i = 0; i < UNIT_COUNT(texts); i++) {
        for (int j = 0; j < UNIT_COUNT(texts); j++) {
            struct range range, covered;
            bool all = true, any = false;
            ck_assert(range_parse(texts[i], &range) && range_parse(texts[j], &covered));
            for (double count = 0; count < counts; count++) {
                all = all && (!range_alerts(&covered, count) || range_alerts(&range, count));
                any = any || range_alerts(&covered, count);
            }
            ck_assert_msg(range_covers(&range, &covered) == (all && any), "%s and %s", texts[i], texts[j]);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("range");
    TCase *cases = tcase_create("range");

    tcase_add_loop_test(cases, reads_ranges, 0, UNIT_COUNT(readable));
    tcase_add_loop_test(cases, writes_the_shortest_form, 0, UNIT_COUNT(readable));
    tcase_add_loop_test(cases, says_what_is_demanded, 0, UNIT_COUNT(readable));
    tcase_add_loop_test(cases, refuses_anything_else, 0, UNIT_COUNT(unreadable));
    tcase_add_loop_test(cases, alerts_at_the_bounds, 0, UNIT_COUNT(alerts));
    tcase_add_test(cases, writes_bounds_beyond_the_digits);
    tcase_add_loop_test(cases, advises, 0, UNIT_COUNT(refused));
    tcase_add_test(cases, covers_what_alerts_with_it);
    tcase_add_test(cases, round_trips_every_length);
    tcase_add_loop_test(cases, reads_the_nearest_double, 0, DIGITS);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
