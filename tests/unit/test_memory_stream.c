/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/plugin/memory_stream.c: what is written is there at once, and what there is no memory for is not forgotten.
 */
#include "config.h"

#include "plugin/memory_stream.h"

#include "unit.h"

#include <stdint.h>
#include <string.h>

START_TEST(writes_are_there_at_once)
{
    struct memory_stream stream = {.file = NULL};
    char line[3000];

    memset(line, 'x', sizeof line);
    ck_assert_int_eq(memory_stream_open(&stream), 0);
    ck_assert_uint_eq(stream.length, 0);
    fputs("one ", stream.file);
    fprintf(stream.file, "%d", 2);
    putc('\n', stream.file);
    ck_assert_uint_eq(stream.length, 6);
    ck_assert_int_eq(memcmp(stream.bytes, "one 2\n", 6), 0);
    /* Longer than what it begins with, and than any buffer. */
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_eq(fwrite(line, 1, sizeof line, stream.file), sizeof line);
    }
    ck_assert_uint_eq(stream.length, 6 + 10 * sizeof line);
    ck_assert_int_eq(memcmp(stream.bytes + stream.length - sizeof line, line, sizeof line), 0);
    ck_assert(!stream.is_broken);
    memory_stream_close(&stream);
    ck_assert_ptr_null(stream.file);
    ck_assert_ptr_null(stream.bytes);
}
END_TEST

START_TEST(it_begins_again)
{
    struct memory_stream stream = {.file = NULL};

    ck_assert_int_eq(memory_stream_open(&stream), 0);
    fputs("something long", stream.file);
    stream.length = 0;
    fputs("new", stream.file);
    ck_assert_uint_eq(stream.length, 3);
    ck_assert_int_eq(memcmp(stream.bytes, "new", 3), 0);
    memory_stream_close(&stream);
}
END_TEST

/* What was lost stays lost, though there is room for what follows. */
START_TEST(what_was_lost_is_told)
{
    struct memory_stream stream = {.file = NULL};

    ck_assert_int_eq(memory_stream_open(&stream), 0);
    fputs("one", stream.file);
    stream.length = SIZE_MAX / 2; /* so much memory there is not */
    fputs("two", stream.file);
    ck_assert(stream.is_broken);
    stream.length = 3;
    fputs("three", stream.file);
    ck_assert(stream.is_broken);
    ck_assert_uint_eq(stream.length, 3);
    memory_stream_close(&stream);
}
END_TEST

START_TEST(one_that_is_not_open_is_closed)
{
    struct memory_stream stream = {.file = NULL};

    memory_stream_close(&stream);
    ck_assert_ptr_null(stream.file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_stream");
    TCase *streams = tcase_create("streams");

    tcase_add_test(streams, writes_are_there_at_once);
    tcase_add_test(streams, it_begins_again);
    tcase_add_test(streams, what_was_lost_is_told);
    tcase_add_test(streams, one_that_is_not_open_is_closed);
    suite_add_tcase(suite, streams);
    return unit_run(suite);
}
