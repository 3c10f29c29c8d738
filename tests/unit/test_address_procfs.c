/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/address_procfs.c: copies made here. test_address.c reads the real files.
 */
#include "config.h"

#include "folder.h"
#include "unit.h"

#include "socket/address_procfs.h"
#include "socket/scope.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X512 X64 X64 X64 X64 X64 X64 X64 X64

static struct address_set set;

static void set_free(void)
{
    address_set_free(&set);
}

static enum address_presence find(const char *text)
{
    struct in6_addr address;

    ck_assert_int_eq(inet_pton(AF_INET6, text, &address), 1);
    return address_set_find(&set, &address);
}

/* --- if_inet6 ---------------------------------------------------------------------------------------------------- */

#define GLOBAL "20010db8000000000000000000000001 02 40 00 "

static const struct {
    const char *line;
    int result;
    bool taken; /* 2001:db8::1 */
} ipv6_lines[] = {
    {GLOBAL "80     eth0", 0, true},
    {GLOBAL "80     eth0\r", 0, true},
    {GLOBAL "00 eth0.100", 0, true},
    {"20010DB8000000000000000000000001 2 40 00 80 eth0", 0, true},
    {"20010db8000000000000000000000001 1a2b 80 00 80 eth0", 0, true},
    /* deprecated, temporary, and without duplicate address detection */
    {GLOBAL "20     eth0", 0, true},
    {GLOBAL "01     eth0", 0, true},
    {GLOBAL "82     eth0", 0, true},
    /* tentative, and optimistic although it is */
    {GLOBAL "40     eth0", 0, false},
    {GLOBAL "c0     eth0", 0, false},
    {GLOBAL "44     eth0", 0, true},
    /* its duplicate was found */
    {GLOBAL "08     eth0", 0, false},
    {GLOBAL "c8     eth0", 0, false},
    {GLOBAL "4c     eth0", 0, false},
    {"", 0, false},
    {"\r", 0, false},
    {GLOBAL "80", -EBADMSG, false},
    {GLOBAL "80 ", -EBADMSG, false},
    {GLOBAL, -EBADMSG, false},
    {GLOBAL "8g eth0", -EBADMSG, false},
    {GLOBAL "-1 eth0", -EBADMSG, false},
    {GLOBAL "000000080 eth0", -EBADMSG, false},
    {"20010db800000000000000000000001 02 40 00 80 eth0", -EBADMSG, false},
    {"20010db80000000000000000000000001 02 40 00 80 eth0", -EBADMSG, false},
    {"20010db800000000000000000000000g 02 40 00 80 eth0", -EBADMSG, false},
    {"2001:db8::1 02 40 00 80 eth0", -EBADMSG, false},
    {"Main:", -EBADMSG, false},
    {GLOBAL "80 " X512, -EBADMSG, false},
};

START_TEST(ipv6_line)
{
    struct address_procfs_text text = {.family = RECORD_INET6};
    const char *line = ipv6_lines[_i].line;

    ck_assert_msg(address_procfs_line_decode(&text, line, strlen(line), &set) == ipv6_lines[_i].result, "'%s'", line);
    address_set_sort(&set);
    ck_assert_uint_eq(set.count, ipv6_lines[_i].taken);
    ck_assert_msg(find("2001:db8::1") == (ipv6_lines[_i].taken ? ADDRESS_LOCAL : ADDRESS_ABSENT), "'%s'", line);
    ck_assert(!text.unfinished);
}
END_TEST

START_TEST(line_with_a_zero_byte)
{
    static const char line[] = GLOBAL "80 eth0\0";
    struct address_procfs_text text = {.family = RECORD_INET6};

    ck_assert_int_eq(address_procfs_line_decode(&text, line, sizeof line - 1, &set), -EBADMSG);
    ck_assert_uint_eq(set.count, 0);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------------------------- */

#define NODES                                                                                                          \
    "  +-- 0.0.0.0/0 3 0 5\n"                                                                                          \
    "     |-- 0.0.0.0\n"                                                                                               \
    "        /0 universe UNICAST\n"                                                                                    \
    "     +-- 127.0.0.0/8 2 0 2\n"                                                                                     \
    "        +-- 127.0.0.0/31 1 0 0\n"                                                                                 \
    "           |-- 127.0.0.0\n"                                                                                       \
    "              /8 host LOCAL\n"                                                                                    \
    "           |-- 127.0.0.1\n"                                                                                       \
    "              /32 host LOCAL\n"                                                                                   \
    "        |-- 127.255.255.255\n"                                                                                    \
    "           /32 link BROADCAST\n"                                                                                  \
    "     +-- 192.0.2.0/24 2 0 2\n"                                                                                    \
    "        |-- 192.0.2.0\n"                                                                                          \
    "           /24 link UNICAST\n"                                                                                    \
    "           /26 scope=55 LOCAL\n"                                                                                  \
    "        |-- 192.0.2.99\n"                                                                                         \
    "           /32 host LOCAL\n"                                                                                      \
    "        |-- 192.0.2.255\n"                                                                                        \
    "           /32 link BROADCAST\n"                                                                                  \
    "     |-- 198.51.100.0\n"                                                                                          \
    "        /24 universe UNREACHABLE\n"                                                                               \
    "        /25 host LOCAL\n"
#define MARKED "Id 100:\n  |-- 0.0.0.0\n     /0 host LOCAL\n"
#define FIB_TRIE MARKED "Main:\n" NODES "Local:\n" NODES
/* a table of its own, once there is a rule */
#define LOCAL_ONE "Local:\n  |-- 192.0.2.1\n     /32 host LOCAL\n"

START_TEST(local_table_is_kept)
{
    struct fault fault = {""};

    folder_write("fib_trie", FIB_TRIE, strlen(FIB_TRIE));
    ck_assert_int_eq(address_procfs_read(&set, folder_name(), RECORD_INET, true, &fault), 1);
    ck_assert_str_eq(fault.text, "");
    address_set_sort(&set);
    ck_assert_int_eq(find("::ffff:127.9.9.9"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("::ffff:127.255.255.255"), ADDRESS_BROADCAST);
    ck_assert_int_eq(find("::ffff:192.0.2.1"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("::ffff:192.0.2.64"), ADDRESS_ABSENT);
    ck_assert_int_eq(find("::ffff:192.0.2.99"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("::ffff:192.0.2.255"), ADDRESS_BROADCAST);
    ck_assert_int_eq(find("::ffff:198.51.100.127"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("::ffff:198.51.100.128"), ADDRESS_ABSENT);
    ck_assert_int_eq(find("::ffff:203.0.113.1"), ADDRESS_ABSENT);
    ck_assert_uint_eq(set.scopes, SCOPE_BIT(SCOPE_LOOPBACK) | SCOPE_BIT(SCOPE_EXTERNAL));
}
END_TEST

/* What a file of that content comes to: how many prefixes, or a fault with these words. */
static const struct {
    enum record_family family;
    bool copies;
    const char *content; /* NULL: no such file */
    int result;
    size_t count;
    const char *words;
} files[] = {
    {RECORD_INET, true, FIB_TRIE, 1, 8, ""},
    {RECORD_INET, true, LOCAL_ONE, 1, 1, ""},
    {RECORD_INET, true, "Local:\r\n  |-- 192.0.2.1\r\n     /32 host LOCAL\r\n", 1, 1, ""},
    {RECORD_INET, true, LOCAL_ONE "     /24 universe LOCAL tos=16\n", 1, 2, ""},
    /* the last newline may be missing */
    {RECORD_INET, true, "Local:\n  |-- 192.0.2.1\n     /32 host LOCAL", 1, 1, ""},
    {RECORD_INET, true, LOCAL_ONE MARKED, 1, 1, ""},
    {RECORD_INET, true, MARKED "Main:\n  |-- 192.0.2.0\n     /24 host LOCAL\n" LOCAL_ONE, 1, 1, ""},
    {RECORD_INET, true, NULL, 0, 0, ""},
    {RECORD_INET, true, "", -EBADMSG, 0, "has no table \"Local\""},
    {RECORD_INET, true, "\n", -EBADMSG, 0, "has no table \"Local\""},
    {RECORD_INET, true, "Main:\n" NODES, -EBADMSG, 0, "has no table \"Local\""},
    {RECORD_INET, true, MARKED, -EBADMSG, 0, "has no table \"Local\""},
    /* a namespace without addresses has an empty file */
    {RECORD_INET, false, "", 1, 0, ""},
    {RECORD_INET, false, MARKED, 1, 0, ""},
    {RECORD_INET, false, NULL, -ENOENT, 0, "No such file or directory"},
    /* cut off */
    {RECORD_INET, true, LOCAL_ONE "Local:\n", -EBADMSG, 0, "ends too early"},
    {RECORD_INET, true, LOCAL_ONE "  |-- 192.0.2.2\n", -EBADMSG, 0, "ends too early"},
    {RECORD_INET, true, LOCAL_ONE "  +-- 192.0.2.0/24 2 0 2\n", -EBADMSG, 0, "ends too early"},
    {RECORD_INET, true, LOCAL_ONE "  |-- 192.0.2.2\n     /32 host LOC", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE "  |-- 192.0.2.2\n     /32 host", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE "  |-- 192.0.2\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE "  |-", -EBADMSG, 0, "a line that is none of"},
    /* no such file at all */
    {RECORD_INET, true, LOCAL_ONE "     /33 host LOCAL\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, "Local:\n     /32 host LOCAL\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE "Local:\n     /32 host LOCAL\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE "  |-- 192.0.2.256\n     /32 host LOCAL\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE "     /32 host LOCALE\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE "     /32 host local\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE "     /32 host LOCAL dead\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE "     / host LOCAL\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, LOCAL_ONE X512 "\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET, true, "<html>\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET6, true, GLOBAL "80 eth0\n", 1, 1, ""},
    {RECORD_INET6, true, GLOBAL "80 eth0\n" GLOBAL "40 eth1\n" GLOBAL "80 eth2", 1, 1, ""},
    {RECORD_INET6, true, GLOBAL "40 eth0\n", 1, 0, ""},
    {RECORD_INET6, true, "", 1, 0, ""},
    {RECORD_INET6, true, "\r\n", 1, 0, ""},
    {RECORD_INET6, true, NULL, 0, 0, ""},
    {RECORD_INET6, false, "", 1, 0, ""},
    {RECORD_INET6, false, NULL, -ENOENT, 0, "cannot tell whether this host has IPv6"},
    {RECORD_INET6, true, GLOBAL "80 eth0\n" GLOBAL "80", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET6, true, GLOBAL "80 eth0\n<html>\n", -EBADMSG, 0, "a line that is none of"},
    {RECORD_INET6, true, LOCAL_ONE, -EBADMSG, 0, "a line that is none of"},
};

START_TEST(file_is_read)
{
    enum record_family family = files[_i].family;
    const char *name = family == RECORD_INET ? "fib_trie" : "if_inet6";
    struct fault fault = {""};
    int result;

    if (files[_i].content != NULL) {
        folder_write(name, files[_i].content, strlen(files[_i].content));
    }
    result = address_procfs_read(&set, folder_name(), family, files[_i].copies, &fault);
    ck_assert_msg(result == files[_i].result, "row %d: %d, %s", _i, result, fault.text);
    address_set_sort(&set);
    ck_assert_msg(set.count == files[_i].count, "row %d: %zu", _i, set.count);
    ck_assert_msg(strstr(fault.text, files[_i].words) != NULL, "row %d: %s", _i, fault.text);
    ck_assert_int_eq(fault.text[0] != '\0', result < 0);
    ck_assert(result >= 0 || strstr(fault.text, folder_name()) != NULL);
}
END_TEST

/* Each copy that ends too early is seen, unless it ends behind a whole line that can be the last. */
START_TEST(cut_copy_is_seen)
{
    static const char whole[] = FIB_TRIE;
    const char *table = strstr(whole, "Local:\n");

    for (size_t length = 0; length < sizeof whole - 1; length++) {
        struct fault fault = {""};
        const char *end = whole + length;
        const char *line;
        bool seen;
        folder_write("fib_trie", whole, length);
        seen = address_procfs_read(&set, folder_name(), RECORD_INET, true, &fault) == -EBADMSG;
        address_set_clear(&set);
        for (line = end; line > whole && line[-1] != ' '; line--) {
        }
        if (end <= table || (*end != '\n' && end[-1] != '\n') || strncmp(line, "|--", 3) == 0) {
            ck_assert_msg(seen, "cut at %zu: '%.20s'", length, line);
        }
    }
}
END_TEST

START_TEST(zero_byte_in_a_file)
{
    static const char content[] = GLOBAL "80 eth0\0\n" GLOBAL "80 eth0\n";
    struct fault fault = {""};

    folder_write("if_inet6", content, sizeof content - 1);
    ck_assert_int_eq(address_procfs_read(&set, folder_name(), RECORD_INET6, true, &fault), -EBADMSG);
}
END_TEST

START_TEST(what_is_no_file)
{
    struct fault fault = {""};
    char name[5000];

    folder_path(name, "if_inet6");
    ck_assert_int_eq(mkdir(name, 0700), 0);
    ck_assert_int_eq(address_procfs_read(&set, folder_name(), RECORD_INET6, true, &fault), -EISDIR);
    ck_assert_ptr_nonnull(strstr(fault.text, "/if_inet6: Is a directory"));
    folder_path(name, "fib_trie");
    ck_assert_int_eq(mkfifo(name, 0700), 0);
    ck_assert_int_eq(address_procfs_read(&set, folder_name(), RECORD_INET, true, &fault), -EINVAL);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(address_procfs_read(&set, name, RECORD_INET, true, &fault), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address_procfs");
    TCase *lines = tcase_create("lines");
    TCase *copied = tcase_create("files");

    tcase_add_checked_fixture(lines, folder_make, folder_remove);
    tcase_add_checked_fixture(lines, NULL, set_free);
    tcase_add_loop_test(lines, ipv6_line, 0, COUNT(ipv6_lines));
    tcase_add_test(lines, line_with_a_zero_byte);
    suite_add_tcase(suite, lines);
    tcase_add_checked_fixture(copied, folder_make, folder_remove);
    tcase_add_checked_fixture(copied, NULL, set_free);
    tcase_add_test(copied, local_table_is_kept);
    tcase_add_loop_test(copied, file_is_read, 0, COUNT(files));
    tcase_add_test(copied, cut_copy_is_seen);
    tcase_add_test(copied, zero_byte_in_a_file);
    tcase_add_test(copied, what_is_no_file);
    suite_add_tcase(suite, copied);
    return unit_run(suite);
}
