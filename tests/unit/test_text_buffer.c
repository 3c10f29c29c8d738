/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/plugin/text_buffer.c: pieces become a sentence, and what does not fit shows that it was cut.
 */
#include "config.h"

#include "unit.h"

#include "plugin/text_buffer.h"

#include <string.h>
#include <wchar.h>

START_TEST(pieces_are_appended)
{
    char bytes[32] = "something old";
    struct text_buffer text = TEXT_BUFFER(bytes);

    ck_assert_str_eq(bytes, "");
    text_buffer_add(&text, "%d of ", 2);
    ck_assert_str_eq(text_buffer_add(&text, "%s", "6"), "2 of 6");
    ck_assert_uint_eq(text.length, strlen("2 of 6"));
    ck_assert(!text.is_cut);
}
END_TEST

START_TEST(counts_have_their_plural)
{
    char bytes[64];
    struct text_buffer text = TEXT_BUFFER(bytes);

    text_buffer_add_count(&text, 0, "service");
    text_buffer_add(&text, ", ");
    text_buffer_add_count(&text, 1, "rule");
    text_buffer_add(&text, ", ");
    ck_assert_str_eq(text_buffer_add_count(&text, 18446744073709551615ull, "socket"),
                     "0 services, 1 rule, 18446744073709551615 sockets");
}
END_TEST

static const char *letter(int index)
{
    static const char *const letters[] = {"a", "b", "c"};

    return index < 3 ? letters[index] : NULL;
}

static const char *single(int index)
{
    return index == 0 ? "a" : NULL;
}

static const char *none(int index)
{
    (void)index;
    return NULL;
}

static const struct {
    const char *(*word)(int index);
    const char *before, *after, *last;
    const char *expected;
} lists[] = {
    {letter, "", "", " or ", "write a, b or c"}, {letter, "--", "=", " and ", "write --a=, --b= and --c="},
    {letter, "/", "", " ", "write /a, /b /c"},   {single, "<", ">", " or ", "write <a>"},
    {none, "<", ">", " or ", "write "},
};

START_TEST(words_make_a_list)
{
    char bytes[64];
    struct text_buffer text = TEXT_BUFFER(bytes);

    text_buffer_add(&text, "write ");
    ck_assert_str_eq(text_buffer_add_words(&text, lists[_i].word, lists[_i].before, lists[_i].after, lists[_i].last),
                     lists[_i].expected);
}
END_TEST

/* A text, the size it must fit, and what becomes of it. */
static const struct {
    const char *text;
    size_t size;
    const char *expected;
} cuts[] = {
    {"1234567", 8, "1234567"},
    {"12345678", 8, "1234..."},
    {"", 4, ""},
    {"123", 4, "123"},
    {"1234", 4, "..."},
    {"12\xc3\xa4\xc3\xb6", 6, "12..."},
    {"1\xc3\xa4\xc3\xb6", 6, "1\xc3\xa4\xc3\xb6"},
    {"\xe2\x82\xac\xe2\x82\xac", 6, "..."},
};

START_TEST(what_does_not_fit_is_cut)
{
    char bytes[16];
    struct text_buffer text = text_buffer_start(bytes, cuts[_i].size);

    text_buffer_add(&text, "%s", cuts[_i].text);
    ck_assert_str_eq(bytes, cuts[_i].expected);
    ck_assert_uint_eq(text.length, strlen(cuts[_i].expected));
    ck_assert(text.is_cut == (strcmp(cuts[_i].text, cuts[_i].expected) != 0));
    if (text.is_cut) {
        ck_assert_str_eq(text_buffer_add(&text, "more"), cuts[_i].expected);
    }
}
END_TEST

/* A text, the most of it that is wanted, and what is added. */
static const struct {
    const char *text;
    size_t most;
    const char *expected;
} shortened[] = {
    {"", 3, "[]"},
    {"1234567", 7, "[1234567]"},
    {"12345678", 7, "[1234...]"},
    {"1234", 3, "[...]"},
    {"123\xc3\xa4\xc3\xb6", 7, "[123\xc3\xa4\xc3\xb6]"},
    {"123\xc3\xa4\xc3\xb6\xc3\xbc", 7, "[123...]"},
};

START_TEST(long_names_leave_room_for_the_rest)
{
    char bytes[32];
    struct text_buffer text = TEXT_BUFFER(bytes);

    text_buffer_add(&text, "[");
    text_buffer_add_cut(&text, shortened[_i].text, shortened[_i].most);
    ck_assert_str_eq(text_buffer_add(&text, "]"), shortened[_i].expected);
    ck_assert(!text.is_cut);
}
END_TEST

/* There is no such wide character in any locale. */
START_TEST(what_printf_cannot_make_is_left_out)
{
    const wchar_t impossible[] = {(wchar_t)0x7FFFFFFF, L'\0'};
    char bytes[16];
    struct text_buffer text = TEXT_BUFFER(bytes);

    text_buffer_add(&text, "1");
    ck_assert_str_eq(text_buffer_add(&text, "2%ls", impossible), "1");
    ck_assert_str_eq(text_buffer_add(&text, "3"), "13");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_buffer");
    TCase *tcase = tcase_create("text_buffer");

    tcase_add_test(tcase, pieces_are_appended);
    tcase_add_test(tcase, counts_have_their_plural);
    tcase_add_loop_test(tcase, what_does_not_fit_is_cut, 0, UNIT_COUNT(cuts));
    tcase_add_loop_test(tcase, words_make_a_list, 0, UNIT_COUNT(lists));
    tcase_add_loop_test(tcase, long_names_leave_room_for_the_rest, 0, UNIT_COUNT(shortened));
    tcase_add_test(tcase, what_printf_cannot_make_is_left_out);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
