/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/array.c: lists that grow.
 */
#include "config.h"

#include "socket/array.h"

#include "unit.h"

#include <stdint.h>
#include <stdlib.h>

#define MANY 1000

START_TEST(each_element_has_its_place)
{
    size_t *list = NULL;

    for (size_t i = 0; i < MANY; i++) {
        list = array_grow(list, i, sizeof *list);
        ck_assert_ptr_nonnull(list);
        list[i] = i;
    }
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(list[i], i);
    }
    free(list);
}
END_TEST

/* A list whose elements were taken out is filled again. */
START_TEST(emptied_list_is_filled_again)
{
    static const size_t emptied[] = {0, 1, 3, 4, 5, 8};
    uint64_t *list = NULL;

    for (size_t i = 0; i < MANY; i++) {
        list = array_grow(list, i, sizeof *list);
        list[i] = i;
    }
    for (size_t i = emptied[_i]; i < MANY; i++) {
        list = array_grow(list, i, sizeof *list);
        ck_assert_ptr_nonnull(list);
        list[i] = 2 * i;
    }
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(list[i], i < emptied[_i] ? i : 2 * i);
    }
    free(list);
}
END_TEST

/* Twice as many bytes as there are would be few, if their number were cut to what fits. */
START_TEST(what_no_memory_holds_leaves_the_list)
{
    char *list = array_grow(NULL, 0, 1);

    ck_assert_ptr_nonnull(list);
    list[0] = 'a';
    ck_assert_ptr_null(array_grow(list, SIZE_MAX / 2 + 1, 2));
    ck_assert_ptr_null(array_grow(list, 4, SIZE_MAX / 4));
    ck_assert_int_eq(list[0], 'a');
    free(list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("array");
    TCase *tcase = tcase_create("array");

    tcase_add_test(tcase, each_element_has_its_place);
    tcase_add_loop_test(tcase, emptied_list_is_filled_again, 0, 6);
    tcase_add_test(tcase, what_no_memory_holds_leaves_the_list);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
