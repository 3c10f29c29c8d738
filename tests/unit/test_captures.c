/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * plugins/captures.c: which captures there are, and which of a host's is the newest.
 */
#include "config.h"

#include "captures.h"

#include "folder.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void capture_write(const char *name, const char *host, const char *namespace, int hour)
{
    char text[512];

    snprintf(text, sizeof text, "{\"time\":\"2026-11-22T%02d:00:00Z\",\"host\":\"%s\",\"namespace\":%s,\"listeners\":[",
             hour, host, namespace);
    folder_write_text(name, text);
}

static bool never_stop(void *context, size_t count)
{
    *(size_t *)context = count;
    return true;
}

static bool stop(void *context, size_t count)
{
    *(size_t *)context = count;
    return false;
}

/* Writes "b>a d": the newest of each host by their file names, each with the older ones behind it. */
static void chosen_format(char *text, const struct captures *captures)
{
    *text = '\0';
    for (size_t i = 0; i < captures->count; i++) {
        const struct captures_entry *entry = &captures->list[i];
        if (entry->is_older) {
            continue;
        }
        strcat(text, *text != '\0' ? " " : "");
        for (; entry != NULL; entry = entry->next) {
            strcat(text, strrchr(entry->path, '/') + 1);
            strcat(text, entry->next != NULL ? ">" : "");
        }
    }
}

START_TEST(newest_of_each_host_comes_first)
{
    struct captures captures = {.list = NULL};
    size_t seen = 0;
    char text[256];

    capture_write("a", "web1", "null", 9);
    capture_write("b", "web1", "null", 11);
    capture_write("c", "web1", "\"blue\"", 10);
    capture_write("d", "web2", "null", 9);
    capture_write("e", "web1", "null", 10);
    capture_write("f", "", "null", 9);
    capture_write("g", "", "null", 9);
    capture_write("h", "web2", "null", 9);
    folder_write_text("i", "no capture");
    folder_write_text(".j", "hidden");
    folder_add_directory("k");
    ck_assert_int_eq(captures_add(&captures, folder_name(), never_stop, &seen), 0);
    ck_assert_uint_eq(seen, 9);
    ck_assert_int_eq(captures_choose(&captures), 0);
    chosen_format(text, &captures);
    ck_assert_str_eq(text, "b>e>a c d>h f g i");
    ck_assert_uint_eq(captures.count, 9);
    ck_assert_uint_eq(captures.older_count, 3);
    ck_assert_ptr_null(captures.list[0].bytes);
    ck_assert_ptr_null(captures.list[8].host);
    ck_assert_str_eq(captures.list[8].error, "");
    captures_clear(&captures);
}
END_TEST

START_TEST(search_can_be_stopped)
{
    struct captures captures = {.list = NULL};
    size_t seen = 0;

    capture_write("a", "web1", "null", 9);
    capture_write("b", "web2", "null", 9);
    ck_assert_int_eq(captures_add(&captures, folder_name(), NULL, NULL), 0);
    ck_assert_uint_gt(captures.count, 1);
    captures_clear(&captures);
    ck_assert_int_eq(captures_add(&captures, folder_name(), stop, &seen), 0);
    ck_assert_uint_eq(seen, 1);
    ck_assert_uint_eq(captures.count, 1);
    captures_clear(&captures);
}
END_TEST

START_TEST(what_is_not_there_is_an_entry)
{
    struct captures captures = {.list = NULL};
    char path[PATH_MAX];
    size_t seen = 0;

    folder_add_directory("empty");
    ck_assert(captures_is_folder(folder_path(path, "empty")));
    ck_assert_int_eq(captures_add(&captures, path, never_stop, &seen), 0);
    ck_assert_str_eq(captures.list[0].error, "holds no capture");
    ck_assert(!captures_is_folder(folder_path(path, "none")));
    ck_assert_int_eq(captures_add(&captures, path, never_stop, &seen), 0);
    ck_assert_str_eq(captures.list[1].error, "cannot be read: No such file or directory");
    ck_assert_int_eq(captures_choose(&captures), 0);
    ck_assert_uint_eq(captures.older_count, 0);
    captures_clear(&captures);
}
END_TEST

/* Of a file with many, only the one that is asked for: to read all of it for each takes hours. */
START_TEST(one_of_many_is_read_alone)
{
    struct captures captures = {.list = NULL};
    char error[JSON_FIELD_ERROR_SIZE];
    struct snapshot *snapshot = NULL;
    char path[PATH_MAX];

    folder_write_text("many", "{\"host\":\"a\"}\n{\"host\":\"b\"}\n");
    ck_assert_int_eq(captures_add(&captures, folder_path(path, "many"), NULL, NULL), 0);
    ck_assert_uint_eq(captures.count, 2);
    /* Longer than any file that is read as a whole. */
    ck_assert_int_eq(truncate(path, (off_t)CAPTURES_LENGTH_MOST + 1), 0);
    for (size_t i = 0; i < captures.count; i++) {
        ck_assert_int_eq(captures_read(&captures.list[i], &snapshot, error), -EINVAL);
        ck_assert_str_eq(error, "is not a capture of check_dualstack: format must be "
                                "\"check_dualstack-capture\", as --capture writes it");
    }
    captures_clear(&captures);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("captures");
    TCase *tcase = tcase_create("captures");

    tcase_add_checked_fixture(tcase, folder_make, folder_remove);
    tcase_add_test(tcase, newest_of_each_host_comes_first);
    tcase_add_test(tcase, search_can_be_stopped);
    tcase_add_test(tcase, what_is_not_there_is_an_entry);
    tcase_add_test(tcase, one_of_many_is_read_alone);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
