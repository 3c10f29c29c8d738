/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of plugins/ini.c: which lines of an ini file are a section's, and what is wrong with a file.
 */
#include "config.h"

#include "ini.h"

#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 512

/* A copy that ends where the bytes end, so that the sanitizers and valgrind see a step too far. */
static char *copy(const char *bytes, size_t length)
{
    char *copied = malloc(length + 1);

    ck_assert_ptr_nonnull(copied);
    memcpy(copied, bytes, length);
    copied[length] = '\0';
    return copied;
}

/* All entries as "LINE|KEY|VALUE" with newlines behind them. */
static void entries_format(char text[TEXT_SIZE], const struct ini_section *section)
{
    *text = '\0';
    for (size_t i = 0; i < section->count; i++) {
        const struct ini_entry *entry = &section->entries[i];
        size_t used = strlen(text);
        snprintf(text + used, TEXT_SIZE - used, "%zu|%s|%s\n", entry->line, entry->key, entry->value);
    }
}

static const struct {
    const char *file;
    const char *entries;
} good[] = {
    {"[s]\nrule=22 dual-stack\n", "2|rule|22 dual-stack\n"},
    /* Blanks around everything, none of them inside. */
    {"  [ s ]  \n \t rule \t=  22  dual-stack \t\n", "2|rule|22  dual-stack\n"},
    {"[s]\nverbose=\nlist = \n", "2|verbose|\n3|list|\n"},
    {"[s]\nr=443 any note=x\n", "2|r|443 any note=x\n"},
    {"[s]\nr==\n", "2|r|=\n"},
    /* Quotes and what looks like a comment behind a value are the value's. */
    {"[s]\nr=\"a\" 'b'\nr=443 any # why\nr=a;b\n", "2|r|\"a\" 'b'\n3|r|443 any # why\n4|r|a;b\n"},
    {"# a=1\n;b=2\n\n  # c\n[s]\n  ; d=4\n#e=5\nf=6\n", "8|f|6\n"},
    {"[s] # why\na=1\n[t]\nb=2\n[s];why\nc=3\n", "2|a|1\n6|c|3\n"},
    /* The same section and the same key again: all of it counts. */
    {"[s]\nr=1\nr=1\n[t]\nr=2\n[s]\nr=3\n[s]\n", "2|r|1\n3|r|1\n7|r|3\n"},
    /* Other sections hold what they will. */
    {"[t]\nrubbish\n=x\n[t2]more rubbish\n[s]\na=1\n[S]\nb=2\n[s s]\nc=3\n[]\nd=4\n[ss]\ne=5\n", "6|a|1\n"},
    {"[s]\r\na=1\r\n\r\nb=2 \r\n", "2|a|1\n4|b|2\n"},
    {"\xef\xbb\xbf[s]\na=1", "2|a|1\n"},
    {"\xef\xbb\xbf# x\r\n[s]\r\na=1\r\n", "3|a|1\n"},
    {"[s]\na=", "2|a|\n"},
    {"[s]\n  [t]\nb=1\n[s]\na=\xc3\xbc\n", "5|a|\xc3\xbc\n"},
    /* No line goes on in the next one. */
    {"[s]\na=1\\\nb=2\n", "2|a|1\\\n3|b|2\n"},
};

START_TEST(test_good)
{
    struct ini_section section;
    size_t length = strlen(good[_i].file);
    char *bytes = copy(good[_i].file, length);
    char entries[TEXT_SIZE];

    ck_assert_int_eq(ini_parse(&section, bytes, length, "s"), 0);
    ck_assert_str_eq(section.mistake, "");
    ck_assert_uint_gt(section.header_line, 0);
    entries_format(entries, &section);
    ck_assert_str_eq(entries, good[_i].entries);
    ini_clear(&section);
    free(bytes);
}
END_TEST

static const struct {
    const char *file;
    size_t length; /* 0: up to the NUL */
    size_t line;
    const char *said;
    const char *entries; /* what could be read beside it */
} bad[] = {
    {"", 0, 0, "has no section [s]", ""},
    {"\n# [s]\n", 0, 0, "has no section [s]", ""},
    {"[t]\na=1\n", 0, 0, "has no section [s]", ""},
    {"[s]\n", 0, 1, "[s] is empty", ""},
    {"\n[s]\n# a=1\n\n[t]\nb=2\n", 0, 2, "[s] is empty", ""},
    {"a=1\n[s]\nb=2\n", 0, 1, "'a=1' is not in a section: write [s] above it", "3|b|2\n"},
    {"\n\nx\n", 0, 3, "'x' is not in a section", ""},
    {"[s]\na=1\nverbose\nb=2\n", 0, 3, "'verbose' has no =", "2|a|1\n4|b|2\n"},
    {"[s]\nformat json\nx\nformat=json\n", 0, 2, "'format json' has no =", "4|format|json\n"},
    {"[s]\n=5\na=1\n", 0, 2, "no option before the =", "3|a|1\n"},
    {"[s]\n \t=\n", 0, 2, "no option before the =", ""},
    {"[s]\na=1\n[t\nb=2\n", 0, 3, "'[t' has no ]", "2|a|1\n"},
    {"[s\na=1\n", 0, 1, "'[s' has no ]", ""},
    {"[s] a=1\nb=2\n", 0, 1, "'a=1' follows a section's name", "2|b|2\n"},
    {"[s]\na=1\n\0\nb=2\n", 14, 3, "NUL", ""},
    {"\0", 1, 1, "NUL", ""},
    {"[s]\na=1\0", 8, 2, "NUL", ""},
    {"[\0s\0]\0\n\0", 8, 1, "NUL", ""},
};

START_TEST(test_bad)
{
    struct ini_section section;
    size_t length = bad[_i].length > 0 ? bad[_i].length : strlen(bad[_i].file);
    char *bytes = copy(bad[_i].file, length);
    char entries[TEXT_SIZE];

    ck_assert_int_eq(ini_parse(&section, bytes, length, "s"), -EINVAL);
    ck_assert_msg(strstr(section.mistake, bad[_i].said) != NULL, "'%s'", section.mistake);
    ck_assert_uint_eq(section.mistake_line, bad[_i].line);
    entries_format(entries, &section);
    ck_assert_str_eq(entries, bad[_i].entries);
    ini_clear(&section);
    free(bytes);
}
END_TEST

/* However long a line or a name is, the mistake fits, and a long value is kept whole. */
START_TEST(test_long)
{
    enum {
        LENGTH = 100000
    };
    struct ini_section section;
    char *bytes = malloc(LENGTH + 16);
    char *name = malloc(LENGTH);

    memset(name, 'n', LENGTH - 1);
    name[LENGTH - 1] = '\0';
    memset(bytes, 'x', LENGTH);
    bytes[LENGTH] = '\0';
    ck_assert_int_eq(ini_parse(&section, bytes, LENGTH, name), -EINVAL);
    ck_assert_msg(strstr(section.mistake, "is not in a section: write [nnn") != NULL, "'%s'", section.mistake);
    ini_clear(&section);

    memset(bytes, 'x', LENGTH);
    memcpy(bytes, "[s]\nr=", 6);
    bytes[LENGTH] = '\0';
    ck_assert_int_eq(ini_parse(&section, bytes, LENGTH, "s"), 0);
    ck_assert_uint_eq(strlen(section.entries[0].value), LENGTH - 6);
    ini_clear(&section);
    free(bytes);
    free(name);
}
END_TEST

START_TEST(test_many)
{
    enum {
        LINES = 5000
    };
    struct ini_section section;
    char *bytes = malloc(4 + LINES * 10 + 1);
    size_t length = (size_t)sprintf(bytes, "[s]\n");

    for (int i = 0; i < LINES; i++) {
        length += (size_t)sprintf(bytes + length, "r=%d\n", i);
    }
    ck_assert_int_eq(ini_parse(&section, bytes, length, "s"), 0);
    ck_assert_uint_eq(section.count, LINES);
    for (int i = 0; i < LINES; i++) {
        ck_assert_int_eq(atoi(section.entries[i].value), i);
        ck_assert_uint_eq(section.entries[i].line, (size_t)i + 2);
    }
    ini_clear(&section);
    ini_clear(&section);
    free(bytes);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("ini");
    TCase *tests = tcase_create("ini");

    tcase_add_loop_test(tests, test_good, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(tests, test_bad, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tests, test_long);
    tcase_add_test(tests, test_many);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return unit_run(suite());
}
