/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/socket/record.c.
 */
#include "config.h"

#include "socket/protocol.h"
#include "socket/record.h"

#include "trial.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *address;
    bool ipv4, wildcard_inet, wildcard_inet6;
} addresses[] = {
    {"::", false, false, true},
    {"::1", false, false, false},
    {"::ffff:0.0.0.0", true, true, false},
    {"::ffff:0.0.0.1", true, false, false},
    {"::ffff:127.0.0.1", true, false, false},
    {"::ffff:255.255.255.255", true, false, false},
    {"::fffe:0.0.0.0", false, false, false},
    {"::1:ffff:0.0.0.0", false, false, false},
    {"::127.0.0.1", false, false, false},
    {"64:ff9b::127.0.0.1", false, false, false},
    {"fe80::1", false, false, false},
    {"8000::", false, false, false},
};

START_TEST(address_is_what_it_is)
{
    struct in6_addr address = trial_address(addresses[_i].address);

    ck_assert_int_eq(record_is_ipv4(&address), addresses[_i].ipv4);
    ck_assert_int_eq(record_is_wildcard(RECORD_INET, &address), addresses[_i].wildcard_inet);
    ck_assert_int_eq(record_is_wildcard(RECORD_INET6, &address), addresses[_i].wildcard_inet6);
}
END_TEST

static const struct {
    enum record_protocol protocol;
    enum record_state state;
    uint16_t port;
    bool listener;
} listeners[] = {
    {RECORD_TCP, RECORD_LISTEN, 80, true},        {RECORD_TCP, RECORD_ESTABLISHED, 80, false},
    {RECORD_TCP, RECORD_CLOSE, 80, false},        {RECORD_TCP, RECORD_TIME_WAIT, 80, false},
    {RECORD_TCP, RECORD_NEW_SYN_RECV, 80, false}, {RECORD_UDP, RECORD_CLOSE, 53, true},
    {RECORD_UDP, RECORD_CLOSE, 0, false},         {RECORD_UDP, RECORD_ESTABLISHED, 53, false},
};

START_TEST(listener_is_reported)
{
    struct sock_record record = {.protocol = listeners[_i].protocol,
                                 .state = listeners[_i].state,
                                 .local_port = listeners[_i].port};

    ck_assert_int_eq(record_is_listener(&record), listeners[_i].listener);
}
END_TEST

static const struct {
    enum record_protocol protocol;
    enum record_family family;
    enum record_state state;
    const char *remote;
    bool mapped;
} connections[] = {
    {RECORD_TCP, RECORD_INET6, RECORD_ESTABLISHED, "::ffff:192.0.2.1", true},
    {RECORD_UDP, RECORD_INET6, RECORD_ESTABLISHED, "::ffff:192.0.2.1", true},
    {RECORD_TCP, RECORD_INET, RECORD_ESTABLISHED, "::ffff:192.0.2.1", false},
    {RECORD_TCP, RECORD_INET6, RECORD_ESTABLISHED, "2001:db8::1", false},
    {RECORD_TCP, RECORD_INET6, RECORD_TIME_WAIT, "::ffff:192.0.2.1", false},
    {RECORD_TCP, RECORD_INET6, RECORD_CLOSE_WAIT, "::ffff:192.0.2.1", false},
    {RECORD_TCP, RECORD_INET6, RECORD_LISTEN, "::", false},
};

START_TEST(v4_mapped_is_reported)
{
    struct sock_record record = {.protocol = connections[_i].protocol,
                                 .family = connections[_i].family,
                                 .state = connections[_i].state,
                                 .remote = trial_address(connections[_i].remote)};

    ck_assert_int_eq(record_is_v4_mapped(&record), connections[_i].mapped);
}
END_TEST

static const struct {
    enum record_family family;
    const char *address;
    uint16_t port;
    const char *interface;
    const char *address_text, *endpoint_text;
} endpoints[] = {
    {RECORD_INET, "::ffff:0.0.0.0", 80, NULL, "0.0.0.0", "0.0.0.0:80"},
    {RECORD_INET, "::ffff:127.0.0.1", 53, "lo", "127.0.0.1", "127.0.0.1%lo:53"},
    {RECORD_INET, "::ffff:255.255.255.255", 65535, "", "255.255.255.255", "255.255.255.255:65535"},
    {RECORD_INET6, "::", 443, NULL, "::", "[::]:443"},
    {RECORD_INET6, "::1", 80, "", "::1", "[::1]:80"},
    {RECORD_INET6, "::ffff:127.0.0.1", 80, NULL, "::ffff:127.0.0.1", "[::ffff:127.0.0.1]:80"},
    {RECORD_INET6, "fe80::1", 53, "eth0", "fe80::1", "[fe80::1%eth0]:53"},
    {RECORD_INET6, "2001:DB8:0:0:1:0:0:1", 0, NULL, "2001:db8::1:0:0:1", "[2001:db8::1:0:0:1]:0"},
    {RECORD_INET6, "1:0:2:3:4:5:6:7", 1, NULL, "1:0:2:3:4:5:6:7", "[1:0:2:3:4:5:6:7]:1"},
    {RECORD_INET6, "fe80:1111:2222:3333:4444:5555:6666:7777", 65535, "fifteen-letters",
     "fe80:1111:2222:3333:4444:5555:6666:7777", "[fe80:1111:2222:3333:4444:5555:6666:7777%fifteen-letters]:65535"},
    {RECORD_INET6, "::1", 1, "sixteen-letters-and-more", "::1", "[::1%sixteen-letters]:1"},
};

START_TEST(endpoint_is_written)
{
    struct in6_addr address = trial_address(endpoints[_i].address);
    char address_text[RECORD_ADDRESS_SIZE];
    char endpoint_text[RECORD_ENDPOINT_SIZE];

    ck_assert_str_eq(record_address_format(address_text, endpoints[_i].family, &address), endpoints[_i].address_text);
    ck_assert_str_eq(record_endpoint_format(endpoint_text, endpoints[_i].family, &address, endpoints[_i].port,
                                            endpoints[_i].interface),
                     endpoints[_i].endpoint_text);
}
END_TEST

START_TEST(protocol_has_a_name)
{
    ck_assert_str_eq(protocol_name(RECORD_TCP), "tcp");
    ck_assert_str_eq(protocol_name(RECORD_UDP), "udp");
}
END_TEST

#define LOOP_TEST(cases, test, table) tcase_add_loop_test(cases, test, 0, (int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *cases = tcase_create("record");

    LOOP_TEST(cases, address_is_what_it_is, addresses);
    LOOP_TEST(cases, listener_is_reported, listeners);
    LOOP_TEST(cases, v4_mapped_is_reported, connections);
    LOOP_TEST(cases, endpoint_is_written, endpoints);
    tcase_add_test(cases, protocol_has_a_name);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
