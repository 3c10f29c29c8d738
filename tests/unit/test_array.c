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

int main(void)
{
    Suite *suite = suite_create("array");
    TCase *tcase = tcase_create("array");

    tcase_add_test(tcase, each_element_has_its_place);
    tcase_add_loop_test(tcase, emptied_list_is_filled_again, 0, 6);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
