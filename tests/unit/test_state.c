/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/plugin/state.c.
 */
#include "config.h"

#include "plugin/state.h"

#include "unit.h"

/* From the worst to the best. */
static const enum state by_gravity[] = {STATE_CRITICAL, STATE_WARNING, STATE_UNKNOWN, STATE_OK};

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

START_TEST(values_are_exit_codes)
{
    ck_assert_int_eq(STATE_OK, 0);
    ck_assert_int_eq(STATE_WARNING, 1);
    ck_assert_int_eq(STATE_CRITICAL, 2);
    ck_assert_int_eq(STATE_UNKNOWN, 3);
}
END_TEST

START_TEST(names_are_the_guidelines)
{
    ck_assert_str_eq(state_name(STATE_OK), "OK");
    ck_assert_str_eq(state_name(STATE_WARNING), "WARNING");
    ck_assert_str_eq(state_name(STATE_CRITICAL), "CRITICAL");
    ck_assert_str_eq(state_name(STATE_UNKNOWN), "UNKNOWN");
}
END_TEST

START_TEST(no_other_value_passes_for_ok)
{
    ck_assert_str_eq(state_name((enum state)4), "UNKNOWN");
    ck_assert_int_gt(state_compare(STATE_OK, (enum state)4), 0);
}
END_TEST

/* Every pair: _i counts through the square of the table. */
START_TEST(worse_state_wins)
{
    const int a = _i / UNIT_COUNT(by_gravity);
    const int b = _i % UNIT_COUNT(by_gravity);
    const enum state worse = by_gravity[a < b ? a : b];

    ck_assert_int_eq(state_worse(by_gravity[a], by_gravity[b]), worse);
    ck_assert_int_eq(sign(state_compare(by_gravity[a], by_gravity[b])), sign(a - b));
}
END_TEST

static const struct {
    const char *text;
    enum state state;
} readable[] = {
    {"ok", STATE_OK},
    {"OK", STATE_OK},
    {"oK", STATE_OK},
    {"0", STATE_OK},
    {"warning", STATE_WARNING},
    {"Warning", STATE_WARNING},
    {"WARNING", STATE_WARNING},
    {"1", STATE_WARNING},
    {"critical", STATE_CRITICAL},
    {"CRITICAL", STATE_CRITICAL},
    {"2", STATE_CRITICAL},
    {"unknown", STATE_UNKNOWN},
    {"UnKnOwN", STATE_UNKNOWN},
    {"3", STATE_UNKNOWN},
};

START_TEST(reads_words_and_exit_codes)
{
    enum state state = readable[_i].state == STATE_OK ? STATE_UNKNOWN : STATE_OK;

    ck_assert_msg(state_parse(readable[_i].text, &state), "\"%s\" is refused", readable[_i].text);
    ck_assert_int_eq(state, readable[_i].state);
}
END_TEST

static const char *const unreadable[] = {
    "",         " ",         "o",   "okay", "ok ",      " ok",       "warn",        "warnin",       "warnings", "crit",
    "critica1", "4",         "-1",  "00",   "01",       "2 ",        "3.0",         "0x1",          "+1",       "10",
    "~",        "unknown\n", "o k", "[OK",  "\x0f\x0b", "critical:", "cr\xC4\xB1t", "\xEF\xBC\x90",
};

START_TEST(refuses_other_text)
{
    enum state state = STATE_CRITICAL;

    ck_assert_msg(!state_parse(unreadable[_i], &state), "\"%s\" is taken", unreadable[_i]);
    ck_assert_int_eq(state, STATE_CRITICAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *cases = tcase_create("state");

    tcase_add_test(cases, values_are_exit_codes);
    tcase_add_test(cases, names_are_the_guidelines);
    tcase_add_test(cases, no_other_value_passes_for_ok);
    tcase_add_loop_test(cases, worse_state_wins, 0, UNIT_COUNT(by_gravity) * UNIT_COUNT(by_gravity));
    tcase_add_loop_test(cases, reads_words_and_exit_codes, 0, UNIT_COUNT(readable));
    tcase_add_loop_test(cases, refuses_other_text, 0, UNIT_COUNT(unreadable));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
