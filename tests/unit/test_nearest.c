/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/plugin/nearest.c: the word that was meant.
 */
#include "config.h"

#include "plugin/nearest.h"

#include "unit.h"

#include <string.h>

static const char *requirement(int index)
{
    static const char *const words[] = {"v4-only", "v6-only", "dual-stack", "v4", "v6", "any", "closed", NULL};

    return words[index];
}

static const char *option(int index)
{
    static const char *const words[] = {"name",        "severity", "mapped-warning", "mapped-critical",
                                        "waive-until", "user",     "unit",           NULL};

    return words[index];
}

static const char *nothing(int index)
{
    (void)index;
    return NULL;
}

static const struct {
    const char *typed;
    const char *(*word)(int index);
    const char *meant; /* NULL: nobody knows */
} rows[] = {
    /* Case, dashes and underscores alone. */
    {"dualstack", requirement, "dual-stack"},
    {"DUAL_STACK", requirement, "dual-stack"},
    {"V4Only", requirement, "v4-only"},
    {"waive_until", option, "waive-until"},
    /* One edit of each kind. */
    {"dul-stack", requirement, "dual-stack"},
    {"dual-staack", requirement, "dual-stack"},
    {"dual-stuck", requirement, "dual-stack"},
    {"daul-stack", requirement, "dual-stack"},
    {"nmae", option, "name"},
    {"serverity", option, "severity"},
    {"clsd", requirement, "closed"},
    {"ipv4-only", requirement, "v4-only"},
    /* An abbreviation. */
    {"dual", requirement, "dual-stack"},
    {"sev", option, "severity"},
    {"v6-o", requirement, NULL}, /* one edit from v6 too */
    /* Two that are as near. */
    {"v5", requirement, NULL},
    {"mapped", option, NULL},
    {"un", option, "unit"},
    {"u", option, NULL},
    /* Nothing near. */
    {"", requirement, NULL},
    {"-", requirement, NULL},
    {"nonsense", requirement, NULL},
    {"colour", option, NULL},
    {"use", nothing, NULL},
    {"dual-stackdual-stackdual-stackdual-stackdual-stackdual-stack", requirement, NULL},
};

START_TEST(nearest_is_found)
{
    const char *found = nearest_word(rows[_i].typed, rows[_i].word);

    ck_assert_msg((found == NULL) == (rows[_i].meant == NULL), "%s: %s", rows[_i].typed, found != NULL ? found : "-");
    if (found != NULL) {
        ck_assert_str_eq(found, rows[_i].meant);
    }
}
END_TEST

/* Every word, with any one character of it wrong in any way, is found or nothing is: never another word. */
START_TEST(no_other_word_is_offered)
{
    for (int i = 0; option(i) != NULL; i++) {
        size_t length = strlen(option(i));
        for (size_t at = 0; at < length; at++) {
            char typed[32];
            const char *found;
            strcpy(typed, option(i));
            typed[at] = 'z';
            found = nearest_word(typed, option);
            ck_assert(found == NULL || strcmp(found, option(i)) == 0);
            memmove(typed + at, typed + at + 1, length - at);
            found = nearest_word(typed, option);
            ck_assert(found == NULL || strcmp(found, option(i)) == 0);
        }
    }
}
END_TEST

START_TEST(advice_is_one_word_or_all)
{
    char bytes[128];
    struct text_buffer text = TEXT_BUFFER(bytes);

    nearest_advise(&text, "DUALSTACK", requirement, "/", "=");
    ck_assert_str_eq(bytes, "did you mean /dual-stack=?");
    text = TEXT_BUFFER(bytes);
    nearest_advise(&text, "x", requirement, "", "");
    ck_assert_str_eq(bytes, "use v4-only, v6-only, dual-stack, v4, v6, any or closed");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nearest");
    TCase *tcase = tcase_create("nearest");

    tcase_add_loop_test(tcase, nearest_is_found, 0, UNIT_COUNT(rows));
    tcase_add_test(tcase, no_other_word_is_offered);
    tcase_add_test(tcase, advice_is_one_word_or_all);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
