/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/writer.c: the table of formats.
 */
#include "config.h"

#include "render/writer.h"

#include "unit.h"

START_TEST(writers_are_found_by_their_names)
{
    int count = 0;

    for (; writer_word(count) != NULL; count++) {
        ck_assert_str_eq(writer_find(writer_word(count))->name, writer_word(count));
    }
    ck_assert_int_ge(count, 2);
    ck_assert_ptr_eq(writer_default(), writer_find("text"));
    ck_assert_ptr_null(writer_find("yaml"));
    ck_assert_ptr_null(writer_find(""));
    ck_assert_ptr_null(writer_find("TEXT"));
}
END_TEST

/* No caller asks whether a format can do something, but for the options, which refuse what only_verdicts excludes. */
START_TEST(every_writer_has_every_function)
{
    for (int i = 0; writer_word(i) != NULL; i++) {
        const struct writer *writer = writer_find(writer_word(i));
        ck_assert(writer->verdict != NULL && writer->failure != NULL);
        ck_assert(writer->fleet_host != NULL && writer->fleet_end != NULL && writer->fleet_clear != NULL);
        if (!writer->only_verdicts) {
            ck_assert(writer->lint != NULL && writer->list_measure != NULL && writer->list_head != NULL);
            ck_assert(writer->list_row != NULL && writer->list_end != NULL);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("writer");
    TCase *tcase = tcase_create("writer");

    tcase_add_test(tcase, writers_are_found_by_their_names);
    tcase_add_test(tcase, every_writer_has_every_function);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
