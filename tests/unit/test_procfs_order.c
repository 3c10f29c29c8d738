/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/procfs_order.c.
 */
#include "config.h"

#include "folder.h"
#include "unit.h"

#include "socket/procfs_order.h"

#include <arpa/inet.h>

#define FIB_TRIE                                                                                                       \
    "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.0\n        /8 host LOCAL\n     |-- 192.0.2.9\n        /32 host "  \
    "LOCAL\n"
#define IF_INET6 "20010db8000000000000000000000009 02 40 00 80     eth0\n"

static struct in6_addr address_of(const char *text)
{
    struct in6_addr address;

    ck_assert_int_eq(inet_pton(AF_INET6, text, &address), 1);
    return address;
}

/* One socket's address as it is, and in the other byte order. */
static const struct {
    enum record_family family;
    const char *address;
    bool tells; /* from the tables alone */
    bool tells_with_addresses;
} rows[] = {
    {RECORD_INET, "::ffff:127.0.0.1", true, true},
    {RECORD_INET, "::ffff:0.0.0.0", false, false},
    {RECORD_INET, "::ffff:192.0.2.9", false, true},
    {RECORD_INET, "::ffff:192.0.2.10", false, false},
    /* reversed it may be a host's 10.0.0.127 */
    {RECORD_INET, "::ffff:127.0.0.10", false, false},
    {RECORD_INET6, "::", false, false},
    {RECORD_INET6, "::1", true, true},
    {RECORD_INET6, "::ffff:192.0.2.10", true, true},
    {RECORD_INET6, "fe80::7:1", true, true},
    {RECORD_INET6, "ff02::fb", true, true},
    {RECORD_INET6, "2001:db8::9", false, true},
    {RECORD_INET6, "2001:db8::a", false, false},
};

static void order_check(enum record_family family, const struct in6_addr *address, bool swapped)
{
    struct procfs_order *order = procfs_order_create(folder_name());

    ck_assert_ptr_nonnull(order);
    ck_assert(!procfs_order_is_swapped(order));
    procfs_order_note(order, family, address);
    ck_assert(procfs_order_is_swapped(order) == swapped);
    procfs_order_free(order);
}

START_TEST(one_address)
{
    struct in6_addr address = address_of(rows[_i].address);
    struct in6_addr swapped = address;

    procfs_order_swap(rows[_i].family, &swapped);
    order_check(rows[_i].family, &address, false);
    order_check(rows[_i].family, &swapped, rows[_i].tells);
    folder_write_text("fib_trie", FIB_TRIE);
    folder_write_text("if_inet6", IF_INET6);
    order_check(rows[_i].family, &address, false);
    order_check(rows[_i].family, &swapped, rows[_i].tells_with_addresses);
}
END_TEST

START_TEST(most_addresses_decide)
{
    struct procfs_order *order = procfs_order_create(folder_name());
    struct in6_addr own = address_of("::1");
    struct in6_addr swapped = own;

    ck_assert_ptr_nonnull(order);
    procfs_order_swap(RECORD_INET6, &swapped);
    procfs_order_note(order, RECORD_INET6, &own);
    procfs_order_note(order, RECORD_INET6, &swapped);
    ck_assert(!procfs_order_is_swapped(order));
    procfs_order_note(order, RECORD_INET6, &swapped);
    ck_assert(procfs_order_is_swapped(order));
    procfs_order_free(order);
}
END_TEST

START_TEST(the_start_of_a_mapped_address_stays)
{
    struct in6_addr address = address_of("::ffff:1.2.3.4");
    struct in6_addr expected = address_of("::ffff:4.3.2.1");

    procfs_order_swap(RECORD_INET, &address);
    ck_assert_mem_eq(&address, &expected, sizeof address);
    address = address_of("102:304:506:708:90a:b0c:d0e:f10");
    expected = address_of("403:201:807:605:c0b:a09:100f:e0d");
    procfs_order_swap(RECORD_INET6, &address);
    ck_assert_mem_eq(&address, &expected, sizeof address);
    procfs_order_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("procfs_order");
    TCase *order = tcase_create("order");

    tcase_add_checked_fixture(order, folder_make, folder_remove);
    tcase_add_loop_test(order, one_address, 0, UNIT_COUNT(rows));
    tcase_add_test(order, most_addresses_decide);
    tcase_add_test(order, the_start_of_a_mapped_address_stays);
    suite_add_tcase(suite, order);
    return unit_run(suite);
}
