/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/plugin/perfdata.c.
 */
#include "config.h"

#include "plugin/perfdata.h"

#include "unit.h"

#include <string.h>

#define LABEL_40 "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJ-01"

static const char *const good_labels[] = {"m", "mapped", "web_mapped", "tcp_8000-8099", "-",
                                          "_", "0",      "AZaz09",     LABEL_40};

static const char *const bad_labels[] = {
    "",
    " ",
    "a b",
    "a=b",
    "a'b",
    "'a'",
    "a\"b",
    "a.b",
    "a::b",
    "a:b",
    "a;b",
    "a|b",
    "a/b",
    "a\\b",
    "a,b",
    "a\n",
    "\ta",
    "a%",
    "a[b]",
    "a`b",
    "a{b",
    "a@b",
    "a^b",
    "a\x7F",
    "a\x1B",
    "a\x01",
    "\xC3\xA4",
    "\xE4",
    "a\xFF",
    (LABEL_40 "x"),
    (LABEL_40 LABEL_40),
    (LABEL_40 " "),
};

START_TEST(takes_plain_labels)
{
    ck_assert_msg(perfdata_label_is_valid(good_labels[_i]), "\"%s\" is refused", good_labels[_i]);
}
END_TEST

START_TEST(refuses_other_labels)
{
    ck_assert_msg(!perfdata_label_is_valid(bad_labels[_i]), "\"%s\" is taken", bad_labels[_i]);
}
END_TEST

/* A label whose NUL was overwritten must not be read past its end. */
START_TEST(refuses_a_label_without_an_end)
{
    struct perfdata perfdata;

    memset(perfdata.label, 'a', sizeof perfdata.label);
    ck_assert(!perfdata_label_is_valid(perfdata.label));
}
END_TEST

/* NULL for no threshold. */
static const struct {
    const char *label;
    uint64_t value;
    const char *warning;
    const char *critical;
    const char *text;
} values[] = {
    {"mapped", 12, "10", "20", "mapped=12;10;20;0"},
    {"mapped", 12, "0:10", "0:20", "mapped=12;10;20;0"},
    {"violations", 2, NULL, NULL, "violations=2;;;0"},
    {"db_mapped", 0, NULL, "0", "db_mapped=0;;0;0"},
    {"web_mapped", 8, "5:", NULL, "web_mapped=8;5:;;0"},
    {"a", 1, "@5:10", "~:20", "a=1;@5:10;~:20;0"},
    {"a", 1, "1.5", "2.50", "a=1;1.5;2.5;0"},
    {"a", 1000000, NULL, NULL, "a=1000000;;;0"},
    {"a", UINT64_MAX, NULL, NULL, "a=18446744073709551615;;;0"},
    {LABEL_40, UINT64_MAX, "@-99999999999999.9:-9.99999999999999", "@-99999999999999.9:-9.99999999999999",
     LABEL_40 "=18446744073709551615;@-99999999999999.9:-9.99999999999999;@-99999999999999.9:-9.99999999999999;0"},
};

START_TEST(writes_values)
{
    struct perfdata perfdata = {.value = values[_i].value};
    struct range warning;
    struct range critical;
    char text[PERFDATA_TEXT_SIZE];

    memcpy(perfdata.label, values[_i].label, strlen(values[_i].label) + 1);
    if (values[_i].warning != NULL) {
        ck_assert(range_parse(values[_i].warning, &warning));
        perfdata.warning = &warning;
    }
    if (values[_i].critical != NULL) {
        ck_assert(range_parse(values[_i].critical, &critical));
        perfdata.critical = &critical;
    }
    ck_assert_uint_eq(perfdata_format(text, &perfdata), strlen(values[_i].text));
    ck_assert_str_eq(text, values[_i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("perfdata");
    TCase *cases = tcase_create("perfdata");

    tcase_add_loop_test(cases, takes_plain_labels, 0, UNIT_COUNT(good_labels));
    tcase_add_loop_test(cases, refuses_other_labels, 0, UNIT_COUNT(bad_labels));
    tcase_add_test(cases, refuses_a_label_without_an_end);
    tcase_add_loop_test(cases, writes_values, 0, UNIT_COUNT(values));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
