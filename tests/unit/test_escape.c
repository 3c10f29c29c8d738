/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/plugin/escape.c.
 */
#include "config.h"

#include "plugin/escape.h"

#include "unit.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FFFD "\xEF\xBF\xBD"
#define LITERAL(text) text, sizeof(text) - 1

/* The lengths are counted, for the sake of NUL bytes. `utf8` NULL: the same as `text`. */
static const struct {
    const char *source;
    size_t length;
    const char *text;
    const char *utf8;
} conversions[] = {
    {LITERAL(""), "", NULL},
    {LITERAL("nginx.service"), "nginx.service", NULL},
    {LITERAL("a/b,c(d)e=f'g\"h\\i&j%s%n"), "a/b,c(d)e=f'g\"h\\i&j%s%n", NULL},

    /* what a monitoring system would trip over */
    {LITERAL("a|b=1;2;3"), "a/b=1,2,3", "a|b=1;2;3"},
    {LITERAL("<b>bold</b>"), "(b)bold(/b)", "<b>bold</b>"},
    {LITERAL("line\nline\r\nline"), "line line  line", "line\nline\r\nline"},
    {LITERAL("a\tb\vc\fd\x01"
             "e\x1F"
             "f"),
     "a b c d e f",
     "a\tb\vc\fd\x01"
     "e\x1F"
     "f"},
    {LITERAL("\x1B[31mred\x1B[0m\x07"), " [31mred [0m ", "\x1B[31mred\x1B[0m\x07"},
    {LITERAL("a\x7F"
             "b"),
     "a b",
     "a\x7F"
     "b"},
    {LITERAL("a\0b\0"), "a b ", "a b "},
    {LITERAL("\0"), " ", " "},
    {LITERAL("\xC2\x80\xC2\x85\xC2\x9F"), "   ", "\xC2\x80\xC2\x85\xC2\x9F"},
    {LITERAL("a\xE2\x80\xA8"
             "b\xE2\x80\xA9"
             "c"),
     "a b c",
     "a\xE2\x80\xA8"
     "b\xE2\x80\xA9"
     "c"},

    /* marks of direction, the first and last of each run, and their neighbours */
    {LITERAL("\xE2\x80\x8D\xE2\x80\x8E\xE2\x80\x8F\xE2\x80\x90"), "\xE2\x80\x8D  \xE2\x80\x90",
     "\xE2\x80\x8D\xE2\x80\x8E\xE2\x80\x8F\xE2\x80\x90"},
    {LITERAL("\xE2\x80\xAA\xE2\x80\xAE"), "  ", "\xE2\x80\xAA\xE2\x80\xAE"},
    {LITERAL("\xE2\x81\xA5\xE2\x81\xA6\xE2\x81\xA9\xE2\x81\xAA"), "\xE2\x81\xA5  \xE2\x81\xAA",
     "\xE2\x81\xA5\xE2\x81\xA6\xE2\x81\xA9\xE2\x81\xAA"},

    /* the first and last character of each length, and the neighbours of what is replaced */
    {LITERAL(" ~"), " ~", NULL},
    {LITERAL("\xC2\xA0\xDF\xBF"), "\xC2\xA0\xDF\xBF", NULL},
    {LITERAL("\xE0\xA0\x80\xEF\xBF\xBF"), "\xE0\xA0\x80\xEF\xBF\xBF", NULL},
    {LITERAL("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", NULL},
    {LITERAL("\xED\x9F\xBF\xEE\x80\x80"), "\xED\x9F\xBF\xEE\x80\x80", NULL},
    {LITERAL("\xE2\x80\xA7\xE2\x80\xAF\xE3\x80\xA8"), "\xE2\x80\xA7\xE2\x80\xAF\xE3\x80\xA8", NULL},
    {LITERAL("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", NULL},
    {LITERAL(FFFD), FFFD, NULL},

    /* bytes that no character starts with */
    {LITERAL("\x80"), FFFD, FFFD},
    {LITERAL("a\xBF"
             "b"),
     "a" FFFD "b", "a" FFFD "b"},
    {LITERAL("\xC3\xA4\x80"), "\xC3\xA4" FFFD, "\xC3\xA4" FFFD},
    {LITERAL("\xF0\x9F\x98\x80\x80"), "\xF0\x9F\x98\x80" FFFD, "\xF0\x9F\x98\x80" FFFD},
    {LITERAL("\xFE\xFF"), FFFD FFFD, FFFD FFFD},
    {LITERAL("Stra\xDF"
             "e"),
     "Stra" FFFD "e", "Stra" FFFD "e"},
    /* overlong: "/" in two, three and four bytes, and the longest of each length */
    {LITERAL("\xC0\xAF"), FFFD FFFD, FFFD FFFD},
    {LITERAL("\xC1\xBF"), FFFD FFFD, FFFD FFFD},
    {LITERAL("\xC0\x80"), FFFD FFFD, FFFD FFFD},
    {LITERAL("\xE0\x80\xAF"), FFFD FFFD FFFD, FFFD FFFD FFFD},
    {LITERAL("\xE0\x9F\xBF"), FFFD FFFD FFFD, FFFD FFFD FFFD},
    {LITERAL("\xF0\x80\x80\xAF"), FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD},
    {LITERAL("\xF0\x8F\xBF\xBF"), FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD},
    /* surrogates */
    {LITERAL("\xED\xA0\x80"), FFFD FFFD FFFD, FFFD FFFD FFFD},
    {LITERAL("\xED\xBF\xBF"), FFFD FFFD FFFD, FFFD FFFD FFFD},
    /* beyond U+10FFFF */
    {LITERAL("\xF4\x90\x80\x80"), FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD},
    {LITERAL("\xF5\x80\x80\x80"), FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD},
    {LITERAL("\xF8\x88\x80\x80\x80"), FFFD FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD FFFD},
    /* truncated, at the end and before something else: one for each broken part */
    {LITERAL("\xC3"), FFFD, FFFD},
    {LITERAL("\xE2\x82"), FFFD, FFFD},
    {LITERAL("\xF0\x9F\x98"), FFFD, FFFD},
    {LITERAL("a\xF0\x9F"), "a" FFFD, "a" FFFD},
    {LITERAL("\xE2\x82|"), FFFD "/", FFFD "|"},
    {LITERAL("\xF0\x9F\x98\n"), FFFD " ", FFFD "\n"},
    {LITERAL("\xE2\xE2\x82\xAC"), FFFD "\xE2\x82\xAC", FFFD "\xE2\x82\xAC"},
    {LITERAL("\xC3\0"), FFFD " ", FFFD " "},
    /* the example of the Unicode standard, table 3-11 */
    {LITERAL("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), FFFD FFFD FFFD FFFD "A", FFFD FFFD FFFD FFFD "A"},
};

static void assert_conversion(int row, enum escape_rule rule, const char *wanted)
{
    const size_t size = ESCAPE_SIZE(conversions[row].length);
    char *target = malloc(size);

    ck_assert_ptr_nonnull(target);
    ck_assert_uint_eq(escape_copy(target, size, conversions[row].source, conversions[row].length, rule),
                      strlen(wanted));
    ck_assert_str_eq(target, wanted);
    free(target);
}

START_TEST(makes_text_harmless)
{
    assert_conversion(_i, ESCAPE_TEXT, conversions[_i].text);
}
END_TEST

/* The same but for the four characters that only a monitoring system trips over. */
START_TEST(makes_lines_harmless)
{
    static const char from[] = "|;<>";
    static const char to[] = "/,()";
    const size_t size = ESCAPE_SIZE(conversions[_i].length);
    char *target = malloc(size);

    ck_assert_ptr_nonnull(target);
    escape_copy(target, size, conversions[_i].source, conversions[_i].length, ESCAPE_LINE);
    for (size_t i = 0; conversions[_i].source[i] != '\0' && i < conversions[_i].length; i++) {
        const char *found = strchr(from, conversions[_i].source[i]);
        ck_assert(found == NULL || strchr(target, *found) != NULL);
    }
    for (char *c = target; *c != '\0'; c++) {
        *c = strchr(from, *c) != NULL ? to[strchr(from, *c) - from] : *c;
    }
    ck_assert_str_eq(target, conversions[_i].text);
    free(target);
}
END_TEST

START_TEST(makes_valid_utf8)
{
    assert_conversion(_i, ESCAPE_UTF8, conversions[_i].utf8 != NULL ? conversions[_i].utf8 : conversions[_i].source);
}
END_TEST

static const struct {
    const char *source;
    const char *named;
    const char *terminal;
} quotes[] = {
    {"80,443", "80,443", "80,443"},
    {"80;443", "80(semicolon)443", "80;443"},
    {"a|b", "a(pipe)b", "a|b"},
    {"<1 >2", "(less-than)1 (greater-than)2", "<1 >2"},
    {"\x1B[1m\xff\xE2\x80\xA8;", " [1m" FFFD " (semicolon)", " [1m" FFFD " ;"},
};

/* What a user typed is named where it cannot be shown, and shown where nothing but a person reads it. */
START_TEST(quotes_can_be_read)
{
    const char *source = quotes[_i].source;
    char target[128];

    escape_copy(target, sizeof target, source, strlen(source), ESCAPE_NAMED);
    ck_assert_str_eq(target, quotes[_i].named);
    escape_copy(target, sizeof target, source, strlen(source), ESCAPE_LINE);
    ck_assert_str_eq(target, quotes[_i].terminal);
    /* Never half a name. */
    ck_assert_uint_eq(escape_copy(target, 10, "123456789;", 10, ESCAPE_NAMED), 9);
}
END_TEST

/* Every size for one source with characters of each length: never half a character, never a shorter one in its place.
 */
START_TEST(cuts_between_characters)
{
    static const char source[] = "a\xC3\xA4"
                                 "b\xE2\x82\xAC"
                                 "c\xF0\x9F\x98\x80"
                                 "d\xFF"
                                 "e";
    static const char whole[] = "a\xC3\xA4"
                                "b\xE2\x82\xAC"
                                "c\xF0\x9F\x98\x80"
                                "d" FFFD "e";
    /* how many bytes are whole characters when there is room for the index */
    static const size_t fitting[] = {0, 1, 1, 3, 4, 4, 4, 7, 8, 8, 8, 8, 12, 13, 13, 13, 16, 17, 17};
    const size_t size = (size_t)_i + 1;
    char *target = malloc(size);

    ck_assert_ptr_nonnull(target);
    ck_assert_uint_eq(escape_copy(target, size, source, sizeof source - 1, ESCAPE_TEXT), fitting[_i]);
    ck_assert_mem_eq(target, whole, fitting[_i]);
    ck_assert_int_eq(target[fitting[_i]], '\0');
    free(target);
}
END_TEST

START_TEST(takes_no_bytes)
{
    char target[1] = {'x'};

    ck_assert_uint_eq(escape_copy(target, sizeof target, NULL, 0, ESCAPE_TEXT), 0);
    ck_assert_int_eq(target[0], '\0');
}
END_TEST

/* A name as long as a page, of each byte there is. */
START_TEST(takes_long_names_of_any_byte)
{
    enum {
        LENGTH = 4096
    };
    char *source = malloc(LENGTH);
    char *target = malloc(ESCAPE_SIZE(LENGTH));
    const size_t each = _i < 0x80 ? 1 : 3;
    size_t written;

    ck_assert_ptr_nonnull(source);
    ck_assert_ptr_nonnull(target);
    memset(source, _i, LENGTH);
    written = escape_copy(target, ESCAPE_SIZE(LENGTH), source, LENGTH, ESCAPE_TEXT);
    ck_assert_uint_eq(written, LENGTH * each);
    ck_assert_uint_eq(strlen(target), written);
    free(target);
    free(source);
}
END_TEST

/* Decodes by arithmetic, not by a table as escape.c does. Returns the character's length, 0 when it is not valid. */
static size_t utf8_decode(const unsigned char *bytes, size_t length, uint32_t *code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char first = bytes[0];
    const size_t needed = first < 0x80   ? 1
                          : first < 0xC0 ? 0
                          : first < 0xE0 ? 2
                          : first < 0xF0 ? 3
                          : first < 0xF8 ? 4
                                         : 0;

    if (needed == 0 || needed > length) {
        return 0;
    }
    *code_point = needed == 1 ? first : first & (0x7FU >> needed);
    for (size_t i = 1; i < needed; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
        *code_point = *code_point << 6 | (bytes[i] & 0x3FU);
    }
    if (*code_point < smallest[needed] || *code_point > 0x10FFFF || (*code_point >= 0xD800 && *code_point <= 0xDFFF)) {
        return 0;
    }
    return needed;
}

static bool is_forbidden(uint32_t code_point, enum escape_rule rule)
{
    if (code_point == 0) {
        return true;
    }
    if (rule == ESCAPE_UTF8) {
        return false;
    }
    return code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F) || code_point == 0x200E ||
           code_point == 0x200F || (code_point >= 0x2028 && code_point <= 0x202E) ||
           (code_point >= 0x2066 && code_point <= 0x2069) ||
           (code_point < 0x80 && strchr("|;<>", (int)code_point) != NULL);
}

static void assert_harmless(const char *text, size_t length, enum escape_rule rule)
{
    const unsigned char *bytes = (const unsigned char *)text;

    for (size_t at = 0; at < length;) {
        uint32_t code_point = 0;
        const size_t taken = utf8_decode(bytes + at, length - at, &code_point);

        ck_assert_msg(taken > 0, "invalid UTF-8 at %zu", at);
        ck_assert_msg(!is_forbidden(code_point, rule), "U+%04X at %zu", (unsigned)code_point, at);
        at += taken;
    }
}

/* Half of them bytes that make or break characters, else broken ones of three and four bytes would be rare. */
static void random_fill(uint64_t *state, char *bytes, size_t length)
{
    static const char telling[] = "\0\n\r\x1B|;<>\x7F a\x80\x85\x8F\x90\x9F\xA0\xA8\xA9\xBF\xC0\xC1\xC2\xDF\xE0\xE1"
                                  "\xE2\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFE\xFF\x80\x80\x80\xE2\xF0";

    for (size_t i = 0; i < length; i++) {
        const uint64_t random = unit_random(state);

        bytes[i] = (char)(random >> 16 & 0xFF);
        if (random % 2 == 0) {
            bytes[i] = telling[random / 2 % (sizeof telling - 1)];
        }
    }
}

/* The result is harmless, fits, is the same again when escaped again, and starts like the one that has all the room. */
START_TEST(holds_for_random_bytes)
{
    const enum escape_rule rule = _i % 2 == 0 ? ESCAPE_TEXT : ESCAPE_UTF8;
    uint64_t state = 0x9E3779B97F4A7C15U + (uint64_t)_i;

    for (int round = 0; round < 2000; round++) {
        const size_t length = (size_t)(unit_random(&state) % 60);
        const size_t size = (size_t)(unit_random(&state) % 60) + 1;
        char *source = malloc(length > 0 ? length : 1); /* exactly, so that reading behind it is found */
        char *whole = malloc(ESCAPE_SIZE(length));
        char *again = malloc(ESCAPE_SIZE(ESCAPE_SIZE(length)));
        char *part = malloc(size);
        size_t whole_length;
        size_t part_length;

        ck_assert(source != NULL && whole != NULL && again != NULL && part != NULL);
        random_fill(&state, source, length);
        whole_length = escape_copy(whole, ESCAPE_SIZE(length), source, length, rule);
        assert_harmless(whole, whole_length, rule);
        ck_assert_uint_eq(strlen(whole), whole_length);

        ck_assert_uint_eq(escape_copy(again, ESCAPE_SIZE(ESCAPE_SIZE(length)), whole, whole_length, rule),
                          whole_length);
        ck_assert_str_eq(again, whole);
        ck_assert_uint_eq(escape_copy(again, ESCAPE_SIZE(ESCAPE_SIZE(length)), source, length, rule), whole_length);

        part_length = escape_copy(part, size, source, length, rule);
        ck_assert_uint_eq(strlen(part), part_length);
        ck_assert_uint_lt(part_length, size);
        assert_harmless(part, part_length, rule);
        ck_assert_mem_eq(part, whole, part_length);
        ck_assert_msg(part_length == whole_length || size - 1 - part_length < 4, "room for another character was left");
        free(part);
        free(again);
        free(whole);
        free(source);
    }
}
END_TEST

static const struct {
    const char *bytes;
    size_t length;
    size_t mark;
} marks[] = {
    {"", 0, 0},
    {"443 any", 7, 0},
    {"\xef\xbb\xbf", 3, 3},
    {"\xef\xbb\xbf\xef\xbb\xbf", 6, 3},
    {"\xef\xbb\xbf"
     "443",
     6, 3},
    {"\xef\xbb\xbf", 2, 0},
    {"\xef\xbb\xbe", 3, 0},
    {" \xef\xbb\xbf", 4, 0},
};

START_TEST(byte_order_mark_is_measured)
{
    ck_assert_uint_eq(escape_byte_order_mark(marks[_i].bytes, marks[_i].length), marks[_i].mark);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("escape");
    TCase *cases = tcase_create("escape");

    tcase_add_loop_test(cases, makes_text_harmless, 0, UNIT_COUNT(conversions));
    tcase_add_loop_test(cases, makes_lines_harmless, 0, UNIT_COUNT(conversions));
    tcase_add_loop_test(cases, makes_valid_utf8, 0, UNIT_COUNT(conversions));
    tcase_add_loop_test(cases, quotes_can_be_read, 0, UNIT_COUNT(quotes));
    tcase_add_loop_test(cases, cuts_between_characters, 0, 19);
    tcase_add_test(cases, takes_no_bytes);
    tcase_add_loop_test(cases, takes_long_names_of_any_byte, 0, 256);
    tcase_add_loop_test(cases, holds_for_random_bytes, 0, 10);
    tcase_add_loop_test(cases, byte_order_mark_is_measured, 0, UNIT_COUNT(marks));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
