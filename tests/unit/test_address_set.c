/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/address_set.c.
 */
#include "config.h"

#include "unit.h"

#include "socket/address_set.h"
#include "socket/scope.h"

#include <arpa/inet.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static struct address_set set;

static void set_free(void)
{
    address_set_free(&set);
}

static struct in6_addr address_of(const char *text)
{
    struct in6_addr address;

    ck_assert_int_eq(inet_pton(AF_INET6, text, &address), 1);
    return address;
}

static void add(const char *text, unsigned length, enum address_presence presence)
{
    struct in6_addr address = address_of(text);

    ck_assert_int_eq(address_set_add(&set, &address, length, presence, 0), 0);
}

static enum address_presence find(const char *text)
{
    struct in6_addr address = address_of(text);

    return address_set_find(&set, &address);
}

START_TEST(nothing_is_in_an_empty_set)
{
    ck_assert_int_eq(find("::1"), ADDRESS_ABSENT);
    address_set_sort(&set);
    ck_assert_int_eq(find("::1"), ADDRESS_ABSENT);
    ck_assert_int_eq(find("::"), ADDRESS_ABSENT);
    ck_assert_uint_eq(set.scopes, 0);
}
END_TEST

static const struct {
    const char *address;
    enum address_presence presence;
} lookups[] = {
    {"::ffff:127.0.0.0", ADDRESS_LOCAL},
    {"::ffff:127.99.0.1", ADDRESS_LOCAL},
    {"::ffff:127.255.255.254", ADDRESS_LOCAL},
    {"::ffff:126.255.255.255", ADDRESS_ABSENT},
    {"::ffff:128.0.0.0", ADDRESS_ABSENT},
    /* the longest prefix counts */
    {"::ffff:127.255.255.255", ADDRESS_BROADCAST},
    {"::ffff:198.51.100.7", ADDRESS_LOCAL},
    {"::ffff:198.51.100.8", ADDRESS_ABSENT},
    {"::ffff:198.51.100.11", ADDRESS_ABSENT},
    {"::ffff:198.51.100.12", ADDRESS_LOCAL},
    {"::ffff:198.51.100.9", ADDRESS_BROADCAST},
    {"::ffff:192.0.2.1", ADDRESS_LOCAL},
    {"::ffff:192.0.2.2", ADDRESS_ABSENT},
    {"::ffff:192.0.2.255", ADDRESS_BROADCAST},
    {"::ffff:203.0.113.128", ADDRESS_LOCAL},
    {"::ffff:203.0.113.129", ADDRESS_LOCAL},
    {"::ffff:203.0.113.127", ADDRESS_ABSENT},
    {"::ffff:203.0.113.130", ADDRESS_ABSENT},
};

START_TEST(longest_prefix_counts)
{
    add("::ffff:192.0.2.1", 128, ADDRESS_LOCAL);
    add("::ffff:127.0.0.0", 104, ADDRESS_LOCAL);
    add("::ffff:198.51.100.9", 128, ADDRESS_BROADCAST);
    add("::ffff:127.255.255.255", 128, ADDRESS_BROADCAST);
    add("::ffff:198.51.100.8", 126, ADDRESS_ABSENT);
    add("::ffff:198.51.100.0", 120, ADDRESS_LOCAL);
    add("::ffff:127.0.0.1", 128, ADDRESS_LOCAL);
    add("::ffff:192.0.2.255", 128, ADDRESS_BROADCAST);
    /* bits beyond the length do not count */
    add("::ffff:203.0.113.129", 127, ADDRESS_LOCAL);
    address_set_sort(&set);
    for (int i = 0; i < COUNT(lookups); i++) {
        ck_assert_msg(find(lookups[i].address) == lookups[i].presence, "%s: %d", lookups[i].address,
                      (int)find(lookups[i].address));
    }
}
END_TEST

START_TEST(all_of_a_family)
{
    add("::", 0, ADDRESS_LOCAL);
    add("ff00::", 8, ADDRESS_ABSENT);
    address_set_sort(&set);
    ck_assert_int_eq(find("::"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("2001:db8::1"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("ff02::1"), ADDRESS_ABSENT);
}
END_TEST

static const struct {
    const char *address;
    unsigned length;
    enum address_presence presence;
    unsigned scopes;
} scope_sets[] = {
    {"::1", 128, ADDRESS_LOCAL, SCOPE_BIT(SCOPE_LOOPBACK)},
    {"::ffff:127.0.0.0", 104, ADDRESS_LOCAL, SCOPE_BIT(SCOPE_LOOPBACK)},
    {"fe80::1", 128, ADDRESS_LOCAL, SCOPE_BIT(SCOPE_LINK)},
    {"::ffff:169.254.0.0", 112, ADDRESS_LOCAL, SCOPE_BIT(SCOPE_LINK)},
    {"2001:db8::", 64, ADDRESS_LOCAL, SCOPE_BIT(SCOPE_EXTERNAL)},
    {"::ffff:0.0.0.0", 96, ADDRESS_LOCAL, SCOPE_BIT(SCOPE_EXTERNAL)},
    {"::ffff:126.0.0.0", 103, ADDRESS_LOCAL, SCOPE_BIT(SCOPE_LOOPBACK) | SCOPE_BIT(SCOPE_EXTERNAL)},
    {"::ffff:169.254.0.0", 111, ADDRESS_LOCAL, SCOPE_BIT(SCOPE_LINK) | SCOPE_BIT(SCOPE_EXTERNAL)},
    /* only its own addresses give a host its scopes */
    {"::ffff:192.0.2.255", 128, ADDRESS_BROADCAST, 0},
    {"2001:db8::", 128, ADDRESS_ANYCAST, 0},
    {"2001:db8::", 32, ADDRESS_ABSENT, 0},
};

START_TEST(scopes_are_those_of_local_addresses)
{
    add(scope_sets[_i].address, scope_sets[_i].length, scope_sets[_i].presence);
    ck_assert_msg(set.scopes == scope_sets[_i].scopes, "%s/%u: %x", scope_sets[_i].address, scope_sets[_i].length,
                  set.scopes);
    add("::1", 128, ADDRESS_LOCAL);
    ck_assert_uint_eq(set.scopes, scope_sets[_i].scopes | SCOPE_BIT(SCOPE_LOOPBACK));
}
END_TEST

START_TEST(equal_prefixes_are_folded)
{
    for (int i = 0; i < 3000; i++) {
        add("::ffff:192.0.2.255", 128, i % 2 == 0 ? ADDRESS_BROADCAST : ADDRESS_LOCAL);
        add("2001:db8::", 32, ADDRESS_ABSENT);
    }
    address_set_sort(&set);
    ck_assert_uint_eq(set.count, 2);
    ck_assert_int_eq(find("::ffff:192.0.2.255"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("2001:db8:7::1"), ADDRESS_ABSENT);
}
END_TEST

START_TEST(cleared_set_is_empty)
{
    add("::1", 128, ADDRESS_LOCAL);
    address_set_sort(&set);
    address_set_clear(&set);
    address_set_sort(&set);
    ck_assert_int_eq(find("::1"), ADDRESS_ABSENT);
    ck_assert_uint_eq(set.scopes, 0);
    add("::2", 128, ADDRESS_LOCAL);
    address_set_sort(&set);
    ck_assert_int_eq(find("::1"), ADDRESS_ABSENT);
    ck_assert_int_eq(find("::2"), ADDRESS_LOCAL);
}
END_TEST

/* Against a look at every prefix. */

#define MANY 500

static struct in6_addr random_address(uint64_t *state)
{
    struct in6_addr address = {{{0x20, 0x01, 0x0d, 0xb8}}};

    for (int i = 0; i < 3; i++) {
        address.s6_addr[13 + i] = (uint8_t)(unit_random(state) % (i == 0 ? 4 : 64) << (i == 2 ? 2 : 0));
    }
    return address;
}

static bool holds(const struct in6_addr *prefix, unsigned length, const struct in6_addr *address)
{
    for (unsigned bit = 0; bit < length; bit++) {
        if (((prefix->s6_addr[bit / 8] ^ address->s6_addr[bit / 8]) & (0x80u >> (bit % 8))) != 0) {
            return false;
        }
    }
    return true;
}

START_TEST(same_as_a_look_at_each)
{
    static struct {
        struct in6_addr address;
        unsigned length;
        enum address_presence presence;
    } prefixes[MANY];
    uint64_t state = 4711;

    for (int i = 0; i < MANY; i++) {
        prefixes[i].address = random_address(&state);
        prefixes[i].length = unit_random(&state) % 4 > 0 ? 128 : 104 + (unsigned)(unit_random(&state) % 24);
        prefixes[i].presence = (enum address_presence)(ADDRESS_LOCAL + unit_random(&state) % 4);
        ck_assert_int_eq(address_set_add(&set, &prefixes[i].address, prefixes[i].length, prefixes[i].presence, 0), 0);
    }
    address_set_sort(&set);
    for (int i = 0; i < MANY; i++) {
        struct in6_addr address = random_address(&state);
        unsigned longest = 0;
        enum address_presence presence = ADDRESS_ABSENT;
        for (int j = 0; j < MANY; j++) {
            bool longer = prefixes[j].length > longest;
            bool as_long = prefixes[j].length == longest && prefixes[j].presence < presence;
            if ((longer || as_long) && holds(&prefixes[j].address, prefixes[j].length, &address)) {
                longest = prefixes[j].length;
                presence = prefixes[j].presence;
            }
        }
        ck_assert_int_eq(address_set_find(&set, &address), presence);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address_set");
    TCase *sets = tcase_create("sets");

    tcase_add_checked_fixture(sets, NULL, set_free);
    tcase_add_test(sets, nothing_is_in_an_empty_set);
    tcase_add_test(sets, longest_prefix_counts);
    tcase_add_test(sets, all_of_a_family);
    tcase_add_loop_test(sets, scopes_are_those_of_local_addresses, 0, COUNT(scope_sets));
    tcase_add_test(sets, equal_prefixes_are_folded);
    tcase_add_test(sets, cleared_set_is_empty);
    tcase_add_test(sets, same_as_a_look_at_each);
    suite_add_tcase(suite, sets);
    return unit_run(suite);
}
