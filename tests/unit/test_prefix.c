/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/audit/prefix.c.
 */
#include "config.h"

#include "audit/prefix.h"

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static struct in6_addr address_of(const char *text)
{
    struct in6_addr address;
    char mapped[64];

    snprintf(mapped, sizeof mapped, "%s%s", strchr(text, ':') == NULL ? "::ffff:" : "", text);
    ck_assert_int_eq(inet_pton(AF_INET6, mapped, &address), 1);
    return address;
}

static struct prefix prefix_of(const char *text)
{
    struct prefix prefix;
    char error[PREFIX_ERROR_SIZE] = "";

    ck_assert_msg(prefix_parse(text, &prefix, error), "'%s' %s", text, error);
    return prefix;
}

static const struct {
    const char *prefix;
    const char *inside;
    const char *outside;
} containments[] = {
    {"10.0.0.0/8", "10.0.0.0", "11.0.0.0"},
    {"10.0.0.0/8", "10.255.255.255", "9.255.255.255"},
    {"10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", "2001:db8::1"},
    {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
    {"192.0.2.4/30", "192.0.2.7", "192.0.2.8"},
    {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
    {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
    {"127.0.0.0/8", "127.0.0.53", "::1"},
    {"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
    {"0.0.0.0/0", "0.0.0.0", "::"},
    {"0.0.0.0/1", "127.255.255.255", "128.0.0.0"},
    {"::/0", "2001:db8::1", "203.0.113.9"},
    {"::/0", "::", "::ffff:0.0.0.0"},
    {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
    {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
    {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
    {"2001:DB8::/127", "2001:db8::1", "2001:db8::2"},
    {"fe80::/10", "febf::1", "fec0::1"},
    /* The mapped spelling of an IPv4 prefix. */
    {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
    {"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"},
    {"::ffff:0:0/96", "203.0.113.9", "2001:db8::1"},
};

START_TEST(prefix_holds_its_addresses)
{
    struct prefix prefix = prefix_of(containments[_i].prefix);
    struct in6_addr inside = address_of(containments[_i].inside);
    struct in6_addr outside = address_of(containments[_i].outside);

    ck_assert(prefix_contains(&prefix, &inside));
    ck_assert(!prefix_contains(&prefix, &outside));
}
END_TEST

static const struct {
    const char *prefix;
    bool whole, ipv4;
} wholes[] = {
    {"0.0.0.0/0", true, true},   {"::/0", true, false},           {"::ffff:0:0/96", true, true},
    {"0.0.0.0", false, true},    {"0.0.0.0/1", false, true},      {"0.0.0.0/32", false, true},
    {"::", false, false},        {"::/1", false, false},          {"::/96", false, false},
    {"10.0.0.0/8", false, true}, {"2001:db8::/32", false, false},
};

START_TEST(whole_family_is_reported)
{
    struct prefix prefix = prefix_of(wholes[_i].prefix);

    ck_assert_int_eq(prefix_is_whole(&prefix), wholes[_i].whole);
    ck_assert_int_eq(prefix.ipv4, wholes[_i].ipv4);
}
END_TEST

static const struct {
    const char *text;
    const char *said; /* in the error */
} refusals[] = {
    {"", "not an address"},
    {"/8", "not an address"},
    {"10", "not an address"},
    {"10.0.0", "not an address"},
    {"10.0.0.0.0", "not an address"},
    {"10.0.0.256", "not an address"},
    {"10.0.0.0x", "not an address"},
    {" 10.0.0.0", "not an address"},
    {"[::1]", "not an address"},
    {"fe80::1%eth0", "not an address"},
    {"2001:db8:::1", "not an address"},
    {"localhost", "10.0.0.0/8"},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", "too long"},
    {"10.0.0.0/", "0 to 32"},
    {"10.0.0.0/33", "0 to 32"},
    {"10.0.0.0/-1", "0 to 32"},
    {"10.0.0.0/8x", "0 to 32"},
    {"10.0.0.0/08", "0 to 32"},
    {"10.0.0.0/ 8", "0 to 32"},
    {"10.0.0.0/8/8", "0 to 32"},
    {"10.0.0.0/255.0.0.0", "0 to 32"},
    {"10.0.0.0/4294967304", "0 to 32"},
    {"10.0.0.0/99999999999999999999999999999999999999999999", "0 to 32"},
    {"::/129", "0 to 128"},
    {"::/", "0 to 128"},
    {"::ffff:10.0.0.0/129", "0 to 128"},
    /* What lies beyond the length names the right prefix. */
    {"10.0.0.1/8", "10.0.0.0/8"},
    {"10.1.2.3/0", "0.0.0.0/0"},
    {"192.0.2.129/25", "192.0.2.128/25"},
    {"192.0.2.3/31", "192.0.2.2/31"},
    {"2001:db8::1/64", "2001:db8::/64"},
    {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
    {"::1/0", "::/0"},
    {"::ffff:10.0.0.1/104", "10.0.0.0/8"},
};

START_TEST(what_is_no_prefix_is_refused)
{
    char error[PREFIX_ERROR_SIZE] = "";
    struct prefix prefix = {.length = 77};

    ck_assert(!prefix_parse(refusals[_i].text, &prefix, error));
    ck_assert_msg(strstr(error, refusals[_i].said) != NULL, "'%s' %s", refusals[_i].text, error);
    ck_assert_uint_eq(prefix.length, 77);
}
END_TEST

static void bit_flip(struct in6_addr *address, unsigned bit)
{
    address->s6_addr[bit / 8] ^= (uint8_t)(0x80u >> (bit % 8));
}

/* The prefix of `length` one bits behind the first `start` bits of `base`: its last address is in, its neighbour not.
 */
static void length_check(const char *base, unsigned start, unsigned length)
{
    struct in6_addr address = address_of(base);
    char text[RECORD_ADDRESS_SIZE];
    char written[RECORD_ADDRESS_SIZE + sizeof "/128"];
    struct prefix prefix;

    for (unsigned bit = start; bit < start + length; bit++) {
        bit_flip(&address, bit);
    }
    record_address_format(text, start == 96 ? RECORD_INET : RECORD_INET6, &address);
    snprintf(written, sizeof written, "%s/%u", text, length);
    prefix = prefix_of(written);
    ck_assert(prefix_contains(&prefix, &address));
    for (unsigned bit = start + length; bit < 128; bit++) {
        bit_flip(&address, bit);
    }
    ck_assert(prefix_contains(&prefix, &address));
    if (length > 0) {
        bit_flip(&address, start + length - 1);
        ck_assert(!prefix_contains(&prefix, &address));
    }
}

START_TEST(every_length_ends_where_it_must)
{
    length_check("::", 0, (unsigned)_i);
    if (_i <= 32) {
        length_check("0.0.0.0", 96, (unsigned)_i);
    }
}
END_TEST

static Suite *prefix_suite(void)
{
    Suite *suite = suite_create("prefix");
    TCase *parse = tcase_create("parse");
    TCase *contain = tcase_create("contain");

    tcase_add_loop_test(parse, what_is_no_prefix_is_refused, 0, COUNT(refusals));
    tcase_add_loop_test(parse, whole_family_is_reported, 0, COUNT(wholes));
    suite_add_tcase(suite, parse);
    tcase_add_loop_test(contain, prefix_holds_its_addresses, 0, COUNT(containments));
    tcase_add_loop_test(contain, every_length_ends_where_it_must, 0, 129);
    suite_add_tcase(suite, contain);
    return suite;
}

int main(void)
{
    return unit_run(prefix_suite());
}
