/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * plugins/hosts.c: the hosts that must be there.
 */
#include "config.h"

#include "hosts.h"

#include "folder.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *bytes;
    int result;
    const char *answer; /* the names as they are sorted, each with a blank behind it, or the error */
} files[] = {
    {"a\nb\n", 0, "a b "},
    {"b\r\na", 0, "a b "},
    {"\xef\xbb\xbf"
     "a\n",
     0, "a "},
    {"# none\n\n  c # the third\n\td\t\n", 0, "c d "},
    {"a\na\nb\na\n", 0, "a b "},
    {"", -EINVAL, "has no names of hosts: write one per line"},
    {"\n#a\n \n", -EINVAL, "has no names of hosts: write one per line"},
    {"a\r\n\r\n  b  c # d\n", -EINVAL, "has 'c' after the name in line 3: write one name per line"},
    {"a\n22\tdual-stack name=ssh\n", -EINVAL, "has 'dual-stack' after the name in line 2: write one name per line"},
};

START_TEST(names_are_read)
{
    struct hosts hosts = {.bytes = NULL};
    char error[FILE_ERROR_SIZE];
    char path[PATH_MAX];
    char names[64] = "";
    int result;

    folder_write_text("hosts", files[_i].bytes);
    result = hosts_read(&hosts, folder_path(path, "hosts"), error);
    ck_assert_int_eq(result, files[_i].result);
    for (size_t i = 0; result == 0 && i < hosts.count; i++) {
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", hosts.list[i].name);
    }
    ck_assert_str_eq(result == 0 ? names : error, files[_i].answer);
    hosts_clear(&hosts);
}
END_TEST

/* What follows a NUL byte would be no host that must be there. */
START_TEST(file_with_a_nul_byte_is_refused)
{
    static const char bytes[] = "a\nb\0\nc\n";
    struct hosts hosts = {.bytes = NULL};
    char error[FILE_ERROR_SIZE];
    char path[PATH_MAX];

    folder_write("hosts", bytes, sizeof bytes - 1);
    ck_assert_int_eq(hosts_read(&hosts, folder_path(path, "hosts"), error), -EINVAL);
    ck_assert_str_eq(error, "is not a text file: NUL byte in line 2");
    hosts_clear(&hosts);
}
END_TEST

START_TEST(those_that_are_not_there_are_counted)
{
    struct hosts hosts = {.bytes = NULL};
    char error[FILE_ERROR_SIZE];
    char path[PATH_MAX];

    ck_assert(!hosts_note(&hosts, "a", true));
    folder_write_text("hosts", "c\nb\na\n");
    ck_assert_int_eq(hosts_read(&hosts, folder_path(path, "hosts"), error), 0);
    ck_assert_uint_eq(hosts_count_missing(&hosts), 3);
    ck_assert(hosts_note(&hosts, "b", true));
    ck_assert(hosts_note(&hosts, "c", true));
    ck_assert(!hosts_note(&hosts, "d", true));
    ck_assert_uint_eq(hosts_count_missing(&hosts), 1);
    ck_assert(hosts_note(&hosts, "b", false));
    ck_assert_uint_eq(hosts_count_missing(&hosts), 2);
    hosts_clear(&hosts);
}
END_TEST

START_TEST(file_that_is_not_there)
{
    struct hosts hosts = {.bytes = NULL};
    char error[FILE_ERROR_SIZE];
    char path[PATH_MAX];

    ck_assert_int_lt(hosts_read(&hosts, folder_path(path, "none"), error), 0);
    ck_assert_str_eq(error, "cannot be read: No such file or directory");
    hosts_clear(&hosts);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hosts");
    TCase *tcase = tcase_create("hosts");

    tcase_add_checked_fixture(tcase, folder_make, folder_remove);
    tcase_add_loop_test(tcase, names_are_read, 0, UNIT_COUNT(files));
    tcase_add_test(tcase, file_with_a_nul_byte_is_refused);
    tcase_add_test(tcase, those_that_are_not_there_are_counted);
    tcase_add_test(tcase, file_that_is_not_there);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
