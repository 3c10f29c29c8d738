/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/audit/tally.c.
 */
#include "config.h"

#include "audit/tally.h"
#include "socket/scope.h"

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

static enum record_family family_of(const char *text)
{
    return strchr(text, ':') != NULL ? RECORD_INET6 : RECORD_INET;
}

static struct sock_record listener_of(enum record_protocol protocol, const char *address, uint16_t port)
{
    return (struct sock_record){
        .protocol = protocol,
        .family = family_of(address),
        .state = protocol == RECORD_TCP ? RECORD_LISTEN : RECORD_CLOSE,
        .local = address_of(address),
        .local_port = port,
    };
}

static struct sock_record connection_of(enum record_protocol protocol, const char *local, uint16_t port,
                                        const char *remote)
{
    return (struct sock_record){
        .protocol = protocol,
        .family = family_of(local),
        .state = RECORD_ESTABLISHED,
        .local = address_of(local),
        .remote = address_of(remote),
        .local_port = port,
        .remote_port = 50000,
    };
}

static void add(struct tally *tally, struct sock_record record)
{
    ck_assert_int_eq(tally_add(tally, &record), 0);
}

/* --- listeners --------------------------------------------------------------------------------------------------- */

START_TEST(empty_tally_finds_nothing)
{
    struct tally *tally = tally_create();

    ck_assert_ptr_nonnull(tally);
    tally_sort(tally);
    ck_assert_uint_eq(tally->service_count, 0);
    ck_assert_ptr_null(tally_find(tally, RECORD_TCP, 1));
    ck_assert_ptr_null(tally_find(tally, RECORD_UDP, 65535));
    tally_free(tally);
    tally_free(NULL);
}
END_TEST

START_TEST(reuseport_sockets_are_one_listener)
{
    struct tally *tally = tally_create();
    const struct tally_service *service;

    for (int i = 0; i < 16; i++) {
        add(tally, listener_of(RECORD_TCP, "0.0.0.0", 443));
    }
    add(tally, listener_of(RECORD_TCP, "::", 443));
    service = tally_find(tally, RECORD_TCP, 443);
    ck_assert_ptr_nonnull(service);
    ck_assert_uint_eq(tally->service_count, 1);
    ck_assert_uint_eq(service->listener_count, 2);
    ck_assert_uint_eq(service->listeners[0].sockets, 16);
    ck_assert_uint_eq(service->listeners[1].sockets, 1);
    tally_free(tally);
}
END_TEST

/* What sets listeners of one port apart; each row changes one field of a record of [::]:443. */
static const struct {
    const char *what;
    struct sock_record record;
    const char *address;
    bool apart;
} differences[] = {
    {"family", {.family = RECORD_INET}, "0.0.0.0", true},
    {"address", {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_NO}, "2001:db8::1", true},
    {"interface", {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_NO, .interface = 1}, "::", true},
    {"v6only", {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_YES}, "::", true},
    {"uid", {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_NO, .uid = 33}, "::", true},
    {"cgroup", {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_NO, .cgroup = 99}, "::", true},
    {"queues", {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_NO, .receive_queue = 3, .send_queue = 4}, "::", false},
    {"nothing", {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_NO}, "::", false},
};

START_TEST(listeners_that_differ_stay_apart)
{
    struct tally *tally = tally_create();
    struct sock_record plain = listener_of(RECORD_TCP, "::", 443);
    struct sock_record other = differences[_i].record;
    const struct tally_service *service;

    plain.v6only = RECORD_V6ONLY_NO;
    other.state = RECORD_LISTEN;
    other.local = address_of(differences[_i].address);
    other.local_port = 443;
    add(tally, plain);
    add(tally, other);
    service = tally_find(tally, RECORD_TCP, 443);
    ck_assert_msg(service->listener_count == (differences[_i].apart ? 2 : 1), "%s", differences[_i].what);
    ck_assert_uint_eq(service->listeners[0].sockets, differences[_i].apart ? 1 : 2);
    tally_free(tally);
}
END_TEST

START_TEST(listener_keeps_what_the_record_says)
{
    struct tally *tally = tally_create();
    struct sock_record record = listener_of(RECORD_UDP, "fe80::5", 5353);
    const struct tally_listener *listener;

    record.v6only = RECORD_V6ONLY_YES;
    record.interface = 7;
    record.uid = 104;
    record.cgroup = 4711;
    add(tally, record);
    ck_assert_ptr_null(tally_find(tally, RECORD_TCP, 5353));
    listener = tally_find(tally, RECORD_UDP, 5353)->listeners;
    ck_assert_int_eq(listener->family, RECORD_INET6);
    ck_assert(IN6_ARE_ADDR_EQUAL(&listener->address, &record.local));
    ck_assert_uint_eq(listener->interface, 7);
    ck_assert_int_eq(listener->v6only, RECORD_V6ONLY_YES);
    ck_assert_int_eq(listener->scope, SCOPE_LINK);
    ck_assert_uint_eq(listener->uid, 104);
    ck_assert_uint_eq(listener->cgroup, 4711);
    ck_assert_ptr_null(listener->user);
    ck_assert_int_eq(listener->unit_state, TALLY_UNIT_NOT_ASKED);
    tally_free(tally);
}
END_TEST

START_TEST(same_port_of_two_protocols_is_two_services)
{
    struct tally *tally = tally_create();

    add(tally, listener_of(RECORD_TCP, "0.0.0.0", 53));
    add(tally, listener_of(RECORD_UDP, "0.0.0.0", 53));
    ck_assert_uint_eq(tally->service_count, 2);
    ck_assert_int_eq(tally_find(tally, RECORD_TCP, 53)->protocol, RECORD_TCP);
    ck_assert_int_eq(tally_find(tally, RECORD_UDP, 53)->protocol, RECORD_UDP);
    tally_free(tally);
}
END_TEST

/* What is neither listener nor established counts for nothing. */
static const struct {
    enum record_protocol protocol;
    enum record_state state;
} ignored[] = {
    {RECORD_TCP, RECORD_SYN_SENT},     {RECORD_TCP, RECORD_SYN_RECV},  {RECORD_TCP, RECORD_FIN_WAIT1},
    {RECORD_TCP, RECORD_FIN_WAIT2},    {RECORD_TCP, RECORD_TIME_WAIT}, {RECORD_TCP, RECORD_CLOSE},
    {RECORD_TCP, RECORD_CLOSE_WAIT},   {RECORD_TCP, RECORD_LAST_ACK},  {RECORD_TCP, RECORD_CLOSING},
    {RECORD_TCP, RECORD_NEW_SYN_RECV},
};

START_TEST(other_states_count_for_nothing)
{
    struct tally *tally = tally_create();
    struct sock_record record = connection_of(ignored[_i].protocol, "::ffff:10.0.0.1", 80, "::ffff:10.0.0.2");

    record.state = ignored[_i].state;
    add(tally, listener_of(RECORD_TCP, "::", 80));
    add(tally, record);
    record.local_port = 81;
    add(tally, record);
    ck_assert_uint_eq(tally->service_count, 1);
    ck_assert_uint_eq(tally->services[0].connections[SCOPE_EXTERNAL][TALLY_MAPPED], 0);
    ck_assert_uint_eq(tally->outbound[TALLY_MAPPED], 0);
    tally_free(tally);
}
END_TEST

/* --- connections ------------------------------------------------------------------------------------------------- */

static const struct {
    enum record_protocol protocol;
    const char *local;
    uint16_t port;
    const char *remote;
    bool inbound;
    enum scope scope;
    enum tally_kind kind;
} connections[] = {
    {RECORD_TCP, "10.0.0.1", 80, "10.0.0.2", true, SCOPE_EXTERNAL, TALLY_IPV4},
    {RECORD_TCP, "::ffff:10.0.0.1", 80, "::ffff:10.0.0.2", true, SCOPE_EXTERNAL, TALLY_MAPPED},
    {RECORD_TCP, "::ffff:127.0.0.1", 80, "::ffff:127.0.0.1", true, SCOPE_LOOPBACK, TALLY_MAPPED},
    {RECORD_TCP, "::ffff:169.254.3.4", 80, "::ffff:169.254.3.5", true, SCOPE_LINK, TALLY_MAPPED},
    {RECORD_TCP, "2001:db8::1", 80, "2001:db8::2", true, SCOPE_EXTERNAL, TALLY_IPV6},
    {RECORD_TCP, "fe80::1", 80, "fe80::2", true, SCOPE_LINK, TALLY_IPV6},
    {RECORD_TCP, "::1", 80, "::1", true, SCOPE_LOOPBACK, TALLY_IPV6},
    {RECORD_UDP, "::ffff:10.0.0.1", 80, "::ffff:10.0.0.2", true, SCOPE_EXTERNAL, TALLY_MAPPED},
    {RECORD_TCP, "10.0.0.1", 40000, "10.0.0.2", false, SCOPE_EXTERNAL, TALLY_IPV4},
    {RECORD_TCP, "::ffff:10.0.0.1", 40000, "::ffff:10.0.0.2", false, SCOPE_EXTERNAL, TALLY_MAPPED},
    {RECORD_UDP, "::ffff:10.0.0.1", 40000, "::ffff:10.0.0.2", false, SCOPE_EXTERNAL, TALLY_MAPPED},
    {RECORD_TCP, "2001:db8::1", 40000, "2001:db8::2", false, SCOPE_EXTERNAL, TALLY_IPV6},
};

/* What the services and the outbound counts hold, all kinds together. */
static uint64_t connections_sum(const struct tally *tally)
{
    uint64_t sum = 0;

    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        sum += tally->outbound[kind];
        for (size_t i = 0; i < tally->service_count; i++) {
            for (int scope = 0; scope < SCOPES; scope++) {
                sum += tally->services[i].connections[scope][kind];
            }
        }
    }
    return sum;
}

START_TEST(connection_is_counted_once_where_it_belongs)
{
    struct tally *tally = tally_create();
    const struct tally_service *service;

    add(tally, listener_of(RECORD_TCP, "0.0.0.0", 80));
    add(tally, listener_of(RECORD_TCP, "::", 80));
    add(tally, listener_of(RECORD_UDP, "::", 80));
    tally_sort(tally);
    add(tally,
        connection_of(connections[_i].protocol, connections[_i].local, connections[_i].port, connections[_i].remote));
    service = tally_find(tally, connections[_i].protocol, 80);
    ck_assert_uint_eq(service->connections[connections[_i].scope][connections[_i].kind], connections[_i].inbound);
    ck_assert_uint_eq(tally->outbound[connections[_i].kind], !connections[_i].inbound);
    ck_assert_uint_eq(connections_sum(tally), 1);
    tally_free(tally);
}
END_TEST

/*
 * Listeners of port 80 and connections of it that they could have accepted, or not. A listener is "ADDRESS", followed
 * by
 * "/6" for v6only, "/4" for IPV6_V6ONLY off and nothing for unknown, and "%N" for the interface it is bound to; a
 * connection is its local address, "%N" for its interface. An address with a colon is of AF_INET6.
 */
static const struct {
    const char *listeners[3];
    const char *inbound[4], *outbound[4];
} acceptances[] = {
    {{"0.0.0.0"}, {"10.0.0.1", "127.0.0.1"}, {"::ffff:10.0.0.1", "2001:db8::1"}},
    {{"10.0.0.1"}, {"10.0.0.1"}, {"10.0.0.2", "::ffff:10.0.0.1", "2001:db8::1"}},
    {{"::/4"}, {"::ffff:10.0.0.1", "2001:db8::1", "fe80::1%2"}, {"10.0.0.1"}},
    {{"::/6"}, {"2001:db8::1", "::1"}, {"::ffff:10.0.0.1", "10.0.0.1"}},
    /* Unknown: it could. */
    {{"::"}, {"::ffff:10.0.0.1", "2001:db8::1"}, {"10.0.0.1"}},
    {{"2001:db8::1/6"}, {"2001:db8::1"}, {"2001:db8::2", "::ffff:10.0.0.1", "10.0.0.1"}},
    {{"::ffff:10.0.0.1/4"}, {"::ffff:10.0.0.1"}, {"::ffff:10.0.0.2", "10.0.0.1", "2001:db8::1"}},
    {{"::ffff:0.0.0.0/4"}, {"::ffff:10.0.0.1", "::ffff:127.0.0.1"}, {"10.0.0.1", "2001:db8::1"}},
    /* Two sockets: none of the IPv4 connections is mapped, and a mapped one is another's. */
    {{"0.0.0.0", "::/6"}, {"10.0.0.1", "2001:db8::1"}, {"::ffff:10.0.0.1"}},
    {{"127.0.0.1", "::/4"}, {"127.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::1"}, {"10.0.0.1"}},
    {{"::/6", "::ffff:127.0.0.1/4"}, {"::ffff:127.0.0.1", "::1"}, {"::ffff:10.0.0.1", "127.0.0.1"}},
    {{"::/6", "::/4"}, {"::ffff:10.0.0.1", "2001:db8::1"}, {"10.0.0.1"}},
    {{"::/6", "::"}, {"::ffff:10.0.0.1", "2001:db8::1"}, {"10.0.0.1"}},
    /* Bound to an interface it accepts what shows that interface alone; bound to none it accepts whatever it shows. */
    {{"::/4%2"}, {"::ffff:10.0.0.1%2", "2001:db8::1%2"}, {"::ffff:10.0.0.1%3", "::ffff:10.0.0.1", "2001:db8::1"}},
    {{"::/4"}, {"::ffff:10.0.0.1%2", "2001:db8::1%2"}, {"10.0.0.1%2"}},
    {{"0.0.0.0%2"}, {"10.0.0.1%2"}, {"10.0.0.1", "10.0.0.1%1"}},
    {{"10.0.0.1%2", "10.0.0.1%3"}, {"10.0.0.1%2", "10.0.0.1%3"}, {"10.0.0.1", "10.0.0.1%4", "10.0.0.2%2"}},
    {{"::ffff:10.0.0.1/4%2"}, {"::ffff:10.0.0.1%2"}, {"::ffff:10.0.0.1", "::ffff:10.0.0.2%2"}},
    {{"fe80::1/6%2"}, {"fe80::1%2"}, {"fe80::1%3", "fe80::2%2"}},
    {{"::/6", "::/4%2"}, {"::ffff:10.0.0.1%2", "2001:db8::1"}, {"::ffff:10.0.0.1", "::ffff:10.0.0.1%3"}},
    {{"::/6%2", "::/4%3"}, {"::ffff:10.0.0.1%3", "2001:db8::1%2"}, {"::ffff:10.0.0.1%2", "2001:db8::1"}},
};

/* Cuts what is behind the mark off `text` and returns it as a number, 0 when there is none. */
static unsigned number_behind(char *text, char mark)
{
    char *found = strchr(text, mark);

    if (found == NULL) {
        return 0;
    }
    *found = '\0';
    return (unsigned)strtoul(found + 1, NULL, 10);
}

static void acceptance_listener_add(struct tally *tally, enum record_protocol protocol, const char *text)
{
    static const enum record_v6only v6only[] = {[4] = RECORD_V6ONLY_NO, [6] = RECORD_V6ONLY_YES};
    char address[64];
    unsigned interface, family;
    struct sock_record record;

    snprintf(address, sizeof address, "%s", text);
    interface = number_behind(address, '%');
    family = number_behind(address, '/');
    record = listener_of(protocol, address, 80);
    record.interface = interface;
    record.v6only = v6only[family];
    add(tally, record);
}

static void acceptance_check(struct tally *tally, enum record_protocol protocol, const char *text, bool inbound)
{
    const struct tally_service *service = tally_find(tally, protocol, 80);
    uint64_t outbound = 0;
    char address[64];
    unsigned interface;
    struct sock_record record;
    const struct tally_listener *acceptors[TALLY_ACCEPTORS_MOST];

    snprintf(address, sizeof address, "%s", text);
    interface = number_behind(address, '%');
    record = connection_of(protocol, address, 80, address);
    record.interface = interface;
    ck_assert_msg(tally_could_accept(service, &record) == inbound, "%s", text);
    ck_assert_msg((tally_acceptors_find(service, &record, acceptors) > 0) == inbound, "%s", text);
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        outbound -= tally->outbound[kind];
    }
    add(tally, record);
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        outbound += tally->outbound[kind];
    }
    ck_assert_msg(outbound == (inbound ? 0 : 1), "%s", text);
}

START_TEST(connection_is_inbound_where_a_listener_could_have_accepted_it)
{
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        struct tally *tally = tally_create();
        uint64_t count = 0;
        for (int i = 0; i < 3 && acceptances[_i].listeners[i] != NULL; i++) {
            acceptance_listener_add(tally, (enum record_protocol)protocol, acceptances[_i].listeners[i]);
        }
        tally_sort(tally);
        for (int i = 0; i < 4 && acceptances[_i].inbound[i] != NULL; i++, count++) {
            acceptance_check(tally, (enum record_protocol)protocol, acceptances[_i].inbound[i], true);
        }
        for (int i = 0; i < 4 && acceptances[_i].outbound[i] != NULL; i++, count++) {
            acceptance_check(tally, (enum record_protocol)protocol, acceptances[_i].outbound[i], false);
        }
        ck_assert_uint_eq(connections_sum(tally), count);
        tally_free(tally);
    }
}
END_TEST

/* All that there can be: each address with and without the interface; of those that differ in v6only, one. */
START_TEST(acceptors_are_found)
{
    static const char *const listeners[] = {"::/6", "::/4", "::/4%7", "::ffff:0.0.0.0/4", "::ffff:0.0.0.0/4%7",
                                            "::ffff:10.0.0.1/4", "::ffff:10.0.0.1/4%7",
                                            /* not these */
                                            "0.0.0.0", "10.0.0.1", "::/6%8", "::ffff:10.0.0.2/4", "2001:db8::1/6"};
    const struct tally_listener *acceptors[TALLY_ACCEPTORS_MOST];
    struct tally *tally = tally_create();
    struct sock_record record = connection_of(RECORD_TCP, "::ffff:10.0.0.1", 80, "::ffff:10.0.0.9");

    for (int i = 0; i < COUNT(listeners); i++) {
        acceptance_listener_add(tally, RECORD_TCP, listeners[i]);
    }
    tally_sort(tally);
    ck_assert_uint_eq(tally_acceptors_find(&tally->services[0], &record, acceptors), 3);
    record.interface = 7;
    ck_assert_uint_eq(tally_acceptors_find(&tally->services[0], &record, acceptors), TALLY_ACCEPTORS_MOST);
    for (int i = 0; i < TALLY_ACCEPTORS_MOST; i++) {
        ck_assert_int_eq(acceptors[i]->family, RECORD_INET6);
        ck_assert_int_eq(acceptors[i]->v6only, RECORD_V6ONLY_NO);
        ck_assert_uint_eq(acceptors[i]->interface, i < 3 ? 0 : 7);
        for (int j = 0; j < i; j++) {
            ck_assert_ptr_ne(acceptors[i], acceptors[j]);
        }
    }
    tally_free(tally);
}
END_TEST

/* Connections that come before tally_sort() are attributed alike. */
START_TEST(attribution_needs_no_order)
{
    struct tally *tally = tally_create();

    add(tally, listener_of(RECORD_TCP, "2001:db8::1", 80));
    add(tally, listener_of(RECORD_TCP, "10.0.0.1", 80));
    add(tally, connection_of(RECORD_TCP, "10.0.0.1", 80, "10.0.0.2"));
    add(tally, listener_of(RECORD_TCP, "0.0.0.0", 80));
    add(tally, listener_of(RECORD_TCP, "::1", 80));
    add(tally, connection_of(RECORD_TCP, "10.0.0.3", 80, "10.0.0.2"));
    add(tally, connection_of(RECORD_TCP, "2001:db8::1", 80, "2001:db8::2"));
    add(tally, connection_of(RECORD_TCP, "2001:db8::3", 80, "2001:db8::2"));
    ck_assert_uint_eq(tally->services[0].connections[SCOPE_EXTERNAL][TALLY_IPV4], 2);
    ck_assert_uint_eq(tally->services[0].connections[SCOPE_EXTERNAL][TALLY_IPV6], 1);
    ck_assert_uint_eq(tally->outbound[TALLY_IPV6], 1);
    tally_free(tally);
}
END_TEST

/* Each of many addresses is found: as bound, and as no other. */
START_TEST(connection_is_found_among_many_addresses)
{
    struct tally *tally = tally_create();
    struct sock_record record = listener_of(RECORD_TCP, "127.0.0.0", 5000);

    for (unsigned host = 0; host < 40000; host += 2) {
        record.local.s6_addr[14] = (uint8_t)(host >> 8);
        record.local.s6_addr[15] = (uint8_t)host;
        add(tally, record);
    }
    tally_sort(tally);
    record.state = RECORD_ESTABLISHED;
    record.remote = address_of("127.0.0.1");
    for (unsigned host = 0; host < 40000; host++) {
        record.local.s6_addr[14] = (uint8_t)(host >> 8);
        record.local.s6_addr[15] = (uint8_t)host;
        add(tally, record);
    }
    ck_assert_uint_eq(tally->services[0].connections[SCOPE_LOOPBACK][TALLY_IPV4], 20000);
    ck_assert_uint_eq(tally->outbound[TALLY_IPV4], 20000);
    tally_free(tally);
}
END_TEST

/* A port that listens for one protocol makes no connection of the other inbound. */
START_TEST(inbound_goes_by_protocol)
{
    struct tally *tally = tally_create();

    add(tally, listener_of(RECORD_UDP, "::", 443));
    add(tally, connection_of(RECORD_TCP, "::ffff:10.0.0.1", 443, "::ffff:10.0.0.2"));
    ck_assert_uint_eq(tally->outbound[TALLY_MAPPED], 1);
    ck_assert_uint_eq(tally_find(tally, RECORD_UDP, 443)->connections[SCOPE_EXTERNAL][TALLY_MAPPED], 0);
    tally_free(tally);
}
END_TEST

START_TEST(connection_scope_follows_the_interface_too)
{
    struct tally *tally = tally_create();
    struct sock_record record = connection_of(RECORD_TCP, "2001:db8::1", 80, "2001:db8::1");

    record.interface = 1;
    add(tally, listener_of(RECORD_TCP, "::", 80));
    add(tally, record);
    ck_assert_uint_eq(tally->services[0].connections[SCOPE_LOOPBACK][TALLY_IPV6], 1);
    tally_free(tally);
}
END_TEST

START_TEST(connections_take_no_memory)
{
    struct tally *tally = tally_create();
    struct sock_record record = connection_of(RECORD_TCP, "::ffff:10.0.0.1", 80, "::ffff:10.0.0.2");

    add(tally, listener_of(RECORD_TCP, "::", 80));
    for (int i = 0; i < 100000; i++) {
        tally_add(tally, &record);
    }
    ck_assert_uint_eq(tally->service_count, 1);
    ck_assert_uint_eq(tally->services[0].listener_count, 1);
    ck_assert_uint_eq(tally->services[0].connections[SCOPE_EXTERNAL][TALLY_MAPPED], 100000);
    tally_free(tally);
}
END_TEST

/* --- what a v4-mapped connection proves: nothing ------------------------------------------------------------------ */

/* It may be an outbound one, or of a listener that is gone: so v6only stays as the source told it. */
static const struct {
    const char *listener; /* AF_INET6, v6only as below */
    enum record_v6only v6only;
    const char *beside; /* another listener of the port, its v6only off; NULL for none */
    enum record_protocol protocol;
    const char *local;
} proofs[] = {
    {"::", RECORD_V6ONLY_UNKNOWN, NULL, RECORD_TCP, "::ffff:10.0.0.1"},
    {"::", RECORD_V6ONLY_UNKNOWN, "2001:db8::1", RECORD_TCP, "::ffff:10.0.0.1"},
    {"::", RECORD_V6ONLY_UNKNOWN, "0.0.0.0", RECORD_TCP, "::ffff:127.0.0.1"},
    {"::", RECORD_V6ONLY_UNKNOWN, NULL, RECORD_TCP, "2001:db8::1"},
    {"::", RECORD_V6ONLY_UNKNOWN, "0.0.0.0", RECORD_TCP, "10.0.0.1"},
    {"::", RECORD_V6ONLY_UNKNOWN, NULL, RECORD_UDP, "::ffff:10.0.0.1"},
    /* Beside a listener that takes them for certain. */
    {"::", RECORD_V6ONLY_UNKNOWN, "::ffff:10.0.0.1", RECORD_TCP, "::ffff:10.0.0.1"},
    {"::", RECORD_V6ONLY_UNKNOWN, "::ffff:0.0.0.0", RECORD_TCP, "::ffff:10.0.0.1"},
    {"::", RECORD_V6ONLY_UNKNOWN, "::", RECORD_TCP, "::ffff:10.0.0.1"},
    /* Nothing is unknown. */
    {"::", RECORD_V6ONLY_YES, NULL, RECORD_TCP, "::ffff:10.0.0.1"},
    {"::", RECORD_V6ONLY_NO, NULL, RECORD_TCP, "::ffff:10.0.0.1"},
    {"2001:db8::1", RECORD_V6ONLY_UNKNOWN, NULL, RECORD_TCP, "::ffff:10.0.0.1"},
};

START_TEST(mapped_connection_proves_nothing)
{
    struct tally *tally = tally_create();
    struct sock_record record = listener_of(proofs[_i].protocol, proofs[_i].listener, 80);
    const struct tally_service *service;
    struct tally_listener before[2];

    record.v6only = proofs[_i].v6only;
    add(tally, record);
    if (proofs[_i].beside != NULL) {
        record = listener_of(proofs[_i].protocol, proofs[_i].beside, 80);
        record.v6only = RECORD_V6ONLY_NO;
        add(tally, record);
    }
    tally_sort(tally);
    service = tally_find(tally, proofs[_i].protocol, 80);
    memcpy(before, service->listeners, service->listener_count * sizeof *before);
    add(tally, connection_of(proofs[_i].protocol, proofs[_i].local, 80, proofs[_i].local));
    add(tally, connection_of(proofs[_i].protocol, proofs[_i].local, 80, proofs[_i].local));
    for (size_t i = 0; i < service->listener_count; i++) {
        ck_assert_int_eq(service->listeners[i].v6only, before[i].v6only);
    }
    tally_free(tally);
}
END_TEST

/* Of an interface nothing is known until somebody asks: nobody may say that it is down. */
START_TEST(unknown_interface_is_not_down)
{
    struct tally *tally = tally_create();
    struct sock_record record = listener_of(RECORD_TCP, "0.0.0.0", 80);
    struct tally_listener late;
    struct reach reach;

    record.interface = 4;
    add(tally, record);
    tally_sort(tally);
    reach = tally_reach(tally, tally_find(tally, RECORD_TCP, 80)->listeners, RECORD_INET);
    ck_assert_int_eq(reach.extent, REACH_EXTERNAL);
    ck_assert(!reach.known);
    record.local_port = 81;
    late = tally_listener_of(tally, &record);
    ck_assert_int_eq(tally_reach(tally, &late, RECORD_INET).extent, REACH_EXTERNAL);
    tally_free(tally);
}
END_TEST

START_TEST(ipv4_connections_are_native_and_mapped_ones)
{
    const uint64_t counts[TALLY_KINDS] = {[TALLY_IPV4] = 12, [TALLY_MAPPED] = 3, [TALLY_IPV6] = 1000};

    ck_assert_uint_eq(tally_ipv4_sum(counts), 15);
}
END_TEST

/* --- order, look-up, captures ------------------------------------------------------------------------------------ */

START_TEST(sorting_keeps_every_service_findable)
{
    struct tally *tally = tally_create();
    uint64_t random = 42;

    for (int i = 0; i < 500; i++) {
        enum record_protocol protocol = unit_random(&random) % 2 == 0 ? RECORD_TCP : RECORD_UDP;
        add(tally, listener_of(protocol, "0.0.0.0", (uint16_t)(1 + unit_random(&random) % 65535)));
    }
    add(tally, listener_of(RECORD_UDP, "0.0.0.0", 65535));
    add(tally, listener_of(RECORD_TCP, "0.0.0.0", 65535));
    add(tally, listener_of(RECORD_TCP, "0.0.0.0", 1));
    tally_sort(tally);
    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        ck_assert_ptr_eq(tally_find(tally, service->protocol, service->port), service);
        if (i > 0) {
            ck_assert(service[-1].protocol < service->protocol ||
                      (service[-1].protocol == service->protocol && service[-1].port < service->port));
        }
    }
    ck_assert_uint_eq(tally->services[0].port, 1);
    tally_free(tally);
}
END_TEST

static const struct {
    enum record_protocol protocol;
    uint16_t port;
    size_t position;
} positions[] = {
    {RECORD_TCP, 0, 0},   {RECORD_TCP, 22, 0},  {RECORD_TCP, 23, 1},    {RECORD_TCP, 80, 1}, {RECORD_TCP, 81, 2},
    {RECORD_TCP, 443, 2}, {RECORD_UDP, 0, 2},   {RECORD_UDP, 53, 2},    {RECORD_UDP, 54, 3}, {RECORD_UDP, 123, 3},
    {RECORD_UDP, 161, 4}, {RECORD_UDP, 162, 5}, {RECORD_UDP, 65535, 5},
};

START_TEST(position_is_that_of_the_first_service_from_the_port_on)
{
    struct tally *tally = tally_create();

    ck_assert_uint_eq(tally_position(tally, positions[_i].protocol, positions[_i].port), 0);
    add(tally, listener_of(RECORD_UDP, "0.0.0.0", 161));
    add(tally, listener_of(RECORD_TCP, "0.0.0.0", 80));
    add(tally, listener_of(RECORD_UDP, "0.0.0.0", 53));
    add(tally, listener_of(RECORD_TCP, "0.0.0.0", 22));
    add(tally, listener_of(RECORD_UDP, "0.0.0.0", 123));
    tally_sort(tally);
    ck_assert_uint_eq(tally_position(tally, positions[_i].protocol, positions[_i].port), positions[_i].position);
    tally_free(tally);
}
END_TEST

/* The order of the answer is the same however the kernel ordered its tables. */
START_TEST(listeners_sort_the_same_from_any_order)
{
    static const char *const addresses[] = {"::1", "0.0.0.0", "::", "127.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"};
    struct tally *tallies[2] = {tally_create(), tally_create()};

    for (int i = 0; i < COUNT(addresses); i++) {
        add(tallies[0], listener_of(RECORD_TCP, addresses[i], 80));
        add(tallies[1], listener_of(RECORD_TCP, addresses[COUNT(addresses) - 1 - i], 80));
    }
    tally_sort(tallies[0]);
    tally_sort(tallies[1]);
    for (int i = 0; i < COUNT(addresses); i++) {
        const struct tally_listener *a = &tallies[0]->services[0].listeners[i];
        const struct tally_listener *b = &tallies[1]->services[0].listeners[i];
        ck_assert_int_eq(a->family, b->family);
        ck_assert(IN6_ARE_ADDR_EQUAL(&a->address, &b->address));
    }
    ck_assert_int_eq(tallies[0]->services[0].listeners[0].family, RECORD_INET);
    tally_free(tallies[0]);
    tally_free(tallies[1]);
}
END_TEST

/* As a capture gives it, with names, which the tally keeps. */
START_TEST(listener_of_a_capture_is_taken_over)
{
    struct tally *tally = tally_create();
    struct tally_listener listener = {
        .family = RECORD_INET6,
        .v6only = RECORD_V6ONLY_NO,
        .scope = SCOPE_EXTERNAL,
        .sockets = 4,
        .uid = 33,
        .user = "www-data",
        .unit_state = TALLY_UNIT_KNOWN,
        .unit = "nginx.service",
    };

    ck_assert_int_eq(tally_listener_add(tally, RECORD_TCP, 443, &listener), 0);
    listener = (struct tally_listener){.family = RECORD_INET, .address = address_of("0.0.0.0"), .sockets = 1};
    ck_assert_int_eq(tally_listener_add(tally, RECORD_TCP, 443, &listener), 0);
    ck_assert_uint_eq(tally->service_count, 1);
    ck_assert_uint_eq(tally->services[0].listener_count, 2);
    ck_assert_uint_eq(tally->services[0].listeners[0].sockets, 4);
    ck_assert_str_eq(tally->services[0].listeners[0].unit, "nginx.service");
    tally_sort(tally);
    ck_assert_str_eq(tally->services[0].listeners[1].user, "www-data");
    tally_free(tally);
}
END_TEST

START_TEST(names_are_kept_once)
{
    struct tally *tally = tally_create();
    char unit[] = "nginx.service";
    struct tally_listener listener = {.sockets = 1, .unit_state = TALLY_UNIT_KNOWN, .unit = unit, .user = "root"};
    const char *kept = tally_text_keep(tally, unit);

    ck_assert_str_eq(kept, unit);
    ck_assert_ptr_ne(kept, unit);
    for (uint16_t port = 1; port <= 3; port++) {
        ck_assert_int_eq(tally_listener_add(tally, RECORD_TCP, port, &listener), 0);
    }
    memset(unit, 'x', sizeof unit - 1);
    for (size_t i = 0; i < tally->service_count; i++) {
        ck_assert_ptr_eq(tally->services[i].listeners[0].unit, kept);
        ck_assert_ptr_eq(tally->services[i].listeners[0].user, tally_text_keep(tally, "root"));
    }
    ck_assert_str_eq(tally_text_keep(tally, unit), unit);
    ck_assert_str_eq(kept, "nginx.service");
    ck_assert_str_eq(tally_text_keep(tally, ""), "");
    tally_free(tally);
}
END_TEST

/* Memory goes with the listeners that differ: sockets that are alike are folded while they come. */
START_TEST(alike_sockets_become_one_listener_in_any_order)
{
    static const char *const addresses[] = {"::", "127.0.0.1", "0.0.0.0"};
    struct tally *tally = tally_create();
    const struct tally_service *service;

    for (int i = 0; i < 30000; i++) {
        add(tally, listener_of(RECORD_TCP, addresses[i % COUNT(addresses)], 443));
        ck_assert_uint_le(tally_find(tally, RECORD_TCP, 443)->listener_count, 4 * COUNT(addresses));
    }
    tally_sort(tally);
    service = tally_find(tally, RECORD_TCP, 443);
    ck_assert_uint_eq(service->listener_count, COUNT(addresses));
    for (int i = 0; i < COUNT(addresses); i++) {
        ck_assert_uint_eq(service->listeners[i].sockets, 10000);
    }
    ck_assert_int_eq(service->listeners[0].family, RECORD_INET);
    ck_assert(record_is_wildcard(RECORD_INET, &service->listeners[0].address));
    ck_assert(record_is_wildcard(RECORD_INET6, &service->listeners[2].address));
    tally_free(tally);
}
END_TEST

/* Any user can bind as many: each address of 127.0.0.0/8 once, then some of them again. */
START_TEST(many_addresses_of_one_port_are_told_apart)
{
    struct tally *tally = tally_create();
    struct sock_record record = listener_of(RECORD_UDP, "127.0.0.0", 5000);
    const struct tally_service *service;

    for (unsigned i = 0; i < 50000; i++) {
        unsigned host = i * 7919 % 40000;
        record.local.s6_addr[13] = (uint8_t)(host >> 16);
        record.local.s6_addr[14] = (uint8_t)(host >> 8);
        record.local.s6_addr[15] = (uint8_t)host;
        add(tally, record);
    }
    tally_sort(tally);
    service = tally_find(tally, RECORD_UDP, 5000);
    ck_assert_uint_eq(service->listener_count, 40000);
    for (unsigned i = 0; i < 40000; i++) {
        const struct tally_listener *listener = &service->listeners[i];
        unsigned place = (unsigned)listener->address.s6_addr[14] << 8 | listener->address.s6_addr[15];
        ck_assert_uint_eq(place, i);
        ck_assert_uint_ge(listener->sockets, 1);
        ck_assert_uint_le(listener->sockets, 2);
    }
    tally_free(tally);
}
END_TEST

/* --- two tallies ------------------------------------------------------------------------------------------------- */

static uint32_t sockets_of(struct tally *tally, enum record_protocol protocol, const char *address, uint16_t port)
{
    const struct tally_listener listener = {.family = family_of(address), .address = address_of(address)};
    const struct tally_listener *found = tally_listener_find(tally, protocol, port, &listener);

    return found != NULL ? found->sockets : 0;
}

/* What two walks showed, one after the other or both at once, in any order: each listener once. */
START_TEST(merged_tallies_are_the_union)
{
    static const struct {
        const char *address;
        uint16_t port;
        int sockets[2];
        uint32_t merged;
    } rows[] = {
        {"0.0.0.0", 443, {600, 590}, 600}, {"::", 443, {0, 1}, 1},       {"192.0.2.1", 443, {1, 0}, 1},
        {"0.0.0.0", 80, {2, 3}, 3},        {"::", 22, {0, 2}, 2},        {"::1", 22, {0, 1}, 1},
        {"::", 8080, {1, 0}, 1},           {"127.0.0.1", 25, {1, 1}, 1}, {"10.0.0.1", 443, {0, 4}, 4},
    };
    struct tally *tallies[2] = {tally_create(), tally_create()};

    for (int walk = 0; walk < 2; walk++) {
        for (int i = 0; i < COUNT(rows); i++) {
            int row = _i % 2 == 0 ? i : COUNT(rows) - 1 - i;
            for (int j = 0; j < rows[row].sockets[walk]; j++) {
                add(tallies[walk], listener_of(RECORD_TCP, rows[row].address, rows[row].port));
            }
        }
        if (_i / 2 == walk) {
            tally_sort(tallies[walk]);
        }
    }
    add(tallies[0], listener_of(RECORD_UDP, "0.0.0.0", 443));
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(tally_merge(tallies[0], tallies[1]), 0);
        tally_sort(tallies[0]);
        for (int i = 0; i < COUNT(rows); i++) {
            ck_assert_uint_eq(sockets_of(tallies[0], RECORD_TCP, rows[i].address, rows[i].port), rows[i].merged);
        }
        ck_assert_uint_eq(tally_find(tallies[0], RECORD_TCP, 443)->listener_count, 4);
        ck_assert_uint_eq(tally_find(tallies[0], RECORD_TCP, 22)->listener_count, 2);
        ck_assert_uint_eq(tallies[0]->service_count, 6);
    }
    ck_assert_uint_eq(sockets_of(tallies[0], RECORD_UDP, "0.0.0.0", 443), 1);
    ck_assert_uint_eq(sockets_of(tallies[1], RECORD_TCP, "0.0.0.0", 443), 590);
    tally_free(tallies[0]);
    tally_free(tallies[1]);
}
END_TEST

START_TEST(listener_is_found_among_those_alike)
{
    struct tally *tally = tally_create();
    struct sock_record record = listener_of(RECORD_TCP, "::", 443);
    struct tally_listener listener = {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_YES, .uid = 33, .cgroup = 7};

    ck_assert_ptr_null(tally_listener_find(tally, RECORD_TCP, 443, &listener));
    for (int i = 0; i < 4; i++) {
        record.v6only = i % 2 == 0 ? RECORD_V6ONLY_YES : RECORD_V6ONLY_NO;
        record.uid = i < 3 ? 33 : 34;
        record.cgroup = i < 2 ? 7 : 8;
        add(tally, record);
    }
    ck_assert_ptr_nonnull(tally_listener_find(tally, RECORD_TCP, 443, &listener));
    ck_assert_ptr_null(tally_listener_find(tally, RECORD_UDP, 443, &listener));
    ck_assert_ptr_null(tally_listener_find(tally, RECORD_TCP, 444, &listener));
    listener.uid = 34;
    ck_assert_ptr_null(tally_listener_find(tally, RECORD_TCP, 443, &listener));
    listener.cgroup = 8;
    listener.v6only = RECORD_V6ONLY_NO;
    ck_assert_ptr_nonnull(tally_listener_find(tally, RECORD_TCP, 443, &listener));
    listener.interface = 1;
    ck_assert_ptr_null(tally_listener_find(tally, RECORD_TCP, 443, &listener));
    tally_free(tally);
}
END_TEST

/* Those of a capture stay apart, so that the one who reads it can refuse them. */
START_TEST(alike_listeners_of_a_capture_stay_apart)
{
    struct tally *tally = tally_create();
    struct tally_listener listener = {.family = RECORD_INET6, .scope = SCOPE_EXTERNAL, .sockets = 1};

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tally_listener_add(tally, RECORD_TCP, 443, &listener), 0);
    }
    tally_sort(tally);
    ck_assert_uint_eq(tally->services[0].listener_count, 3);
    tally_free(tally);
}
END_TEST

/* Without a word on its addresses, a host without IPv6 is reached by nobody over IPv6. */
/* What a reader gets of a unit does not depend on the numbers of its cgroups, nor on those of others. */
START_TEST(forgotten_cgroups_change_nothing)
{
    static const struct {
        const char *unit; /* NULL: it is gone */
        uint64_t cgroups[2];
        uint32_t sockets;
    } rows[] = {
        {"b.service", {3, 60}, 1}, {"a.service", {9, 20}, 2}, {"a.service", {1, 80}, 4},
        {NULL, {7, 10}, 8},        {"a.service", {5, 5}, 16}, {NULL, {2, 90}, 32},
    };
    static const struct {
        const char *unit;
        uint32_t sockets;
    } expected[] = {{"a.service", 22}, {"b.service", 1}, {NULL, 40}};

    for (int start = 0; start < 2; start++) {
        struct tally *tally = tally_create();
        const struct tally_service *service;
        for (int i = 0; i < COUNT(rows); i++) {
            const struct tally_listener listener = {
                .family = RECORD_INET6,
                .sockets = rows[i].sockets,
                .cgroup = rows[i].cgroups[start],
                .unit_state = rows[i].unit != NULL ? TALLY_UNIT_KNOWN : TALLY_UNIT_GONE,
                .unit = rows[i].unit,
            };
            ck_assert_int_eq(tally_listener_add(tally, RECORD_TCP, 443, &listener), 0);
        }
        tally_sort(tally);
        tally_cgroups_forget(tally);
        service = tally_find(tally, RECORD_TCP, 443);
        ck_assert_uint_eq(service->listener_count, COUNT(expected));
        for (int i = 0; i < COUNT(expected); i++) {
            const char *unit = service->listeners[i].unit;
            ck_assert(unit == NULL ? expected[i].unit == NULL : strcmp(unit, expected[i].unit) == 0);
            ck_assert_uint_eq(service->listeners[i].sockets, expected[i].sockets);
            ck_assert_uint_eq(service->listeners[i].cgroup, 0);
        }
        tally_free(tally);
    }
}
END_TEST

START_TEST(reach_goes_by_the_tallys_host)
{
    static const enum record_answer answers[] = {RECORD_NO, RECORD_YES, RECORD_UNKNOWN};
    struct tally *tally = tally_create();
    struct tally_listener listener = {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_NO, .scope = SCOPE_EXTERNAL};

    ck_assert_int_eq(tally_listener_add(tally, RECORD_TCP, 443, &listener), 0);
    tally_sort(tally);
    ck_assert_int_eq(tally_accepts(&tally->services[0].listeners[0]).ipv4, RECORD_YES);
    ck_assert_int_eq(tally_accepts(&tally->services[0].listeners[0]).ipv6, RECORD_YES);
    for (int i = 0; i < COUNT(answers); i++) {
        struct reach reach;
        tally->host.ipv6 = answers[i];
        reach = tally_reach(tally, &tally->services[0].listeners[0], RECORD_INET6);
        ck_assert_int_eq(reach.extent, answers[i] == RECORD_NO ? REACH_NONE : REACH_EXTERNAL);
        ck_assert_int_eq(reach.known, answers[i] == RECORD_NO);
        reach = tally_reach(tally, &tally->services[0].listeners[0], RECORD_INET);
        ck_assert_int_eq(reach.extent, REACH_EXTERNAL);
        ck_assert(!reach.known);
    }
    tally_free(tally);
}
END_TEST

/* By family, address and interface; v6only is the record's own. What is new has what the host's addresses tell. */
START_TEST(listener_is_that_of_the_record)
{
    struct tally *tally = tally_create();
    struct sock_record record = listener_of(RECORD_TCP, "::", 80);
    struct tally_listener listener;

    tally->addresses = (struct address_facts){.families = {{.known = true, .scopes = SCOPE_BIT(SCOPE_LOOPBACK)},
                                                           {.known = true, .scopes = SCOPE_BIT(SCOPE_LINK)}}};
    add(tally, record);
    tally_sort(tally);
    tally->services[0].listeners[0].reach[RECORD_INET].extent = REACH_NONE;
    tally->services[0].listeners[0].uid = 33;
    record.v6only = RECORD_V6ONLY_YES;
    listener = tally_listener_of(tally, &record);
    ck_assert_uint_eq(listener.uid, 33);
    ck_assert_int_eq(listener.v6only, RECORD_V6ONLY_YES);
    ck_assert_int_eq(listener.reach[RECORD_INET].extent, REACH_NONE);
    for (int i = 0; i < 3; i++) {
        struct sock_record other = listener_of(RECORD_TCP, i == 0 ? "0.0.0.0" : "::", i == 1 ? 81 : 80);
        other.interface = i == 2 ? 7 : 0;
        listener = tally_listener_of(tally, &other);
        ck_assert_uint_eq(listener.uid, 0);
        ck_assert_int_eq(listener.family, other.family);
        ck_assert_uint_eq(listener.interface, other.interface);
        ck_assert_int_eq(listener.scope, SCOPE_EXTERNAL);
    }
    record = listener_of(RECORD_TCP, "::", 81);
    listener = tally_listener_of(tally, &record);
    ck_assert_int_eq(tally_reach(tally, &listener, RECORD_INET).extent, REACH_LOOPBACK);
    ck_assert_int_eq(tally_reach(tally, &listener, RECORD_INET6).extent, REACH_LINK);
    tally_free(tally);
}
END_TEST

/* Of an interface that nobody looked at it is not known that it is down, or without an address. */
START_TEST(reach_is_as_far_as_bound_where_nothing_is_known)
{
    struct tally *tally = tally_create();
    struct sock_record record = listener_of(RECORD_TCP, "::", 80);
    struct tally_listener listener;

    record.interface = 7;
    add(tally, record);
    tally_sort(tally);
    for (int i = 0; i < 2; i++) {
        record.local_port = (uint16_t)(80 + i);
        listener = tally_listener_of(tally, &record);
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            ck_assert_int_eq(listener.reach[family].extent, REACH_EXTERNAL);
            ck_assert_int_eq(listener.reach[family].limit, REACH_UNLIMITED);
            ck_assert(!listener.reach[family].known);
        }
    }
    tally_free(tally);
}
END_TEST

START_TEST(a_reach_that_was_set_stays)
{
    struct tally *tally = tally_create();
    struct tally_listener listener = {.family = RECORD_INET6, .v6only = RECORD_V6ONLY_NO, .scope = SCOPE_EXTERNAL};
    const struct address_facts facts = {.families = {{.known = true, .scopes = SCOPE_BIT(SCOPE_LOOPBACK)},
                                                     {.known = true, .scopes = SCOPE_BIT(SCOPE_LINK)}}};

    tally_reach_set(&listener, RECORD_TCP, &facts);
    ck_assert_int_eq(tally_listener_add(tally, RECORD_TCP, 443, &listener), 0);
    tally_sort(tally);
    ck_assert_int_eq(tally_reach(tally, &tally->services[0].listeners[0], RECORD_INET).extent, REACH_LOOPBACK);
    ck_assert_int_eq(tally_reach(tally, &tally->services[0].listeners[0], RECORD_INET6).extent, REACH_LINK);
    ck_assert_int_eq(tally->services[0].listeners[0].bound[RECORD_INET6], REACH_EXTERNAL);
    tally_free(tally);
}
END_TEST

START_TEST(many_services_and_listeners_fit)
{
    struct tally *tally = tally_create();

    for (unsigned port = 1; port <= 65535; port++) {
        add(tally, listener_of(RECORD_TCP, "0.0.0.0", (uint16_t)port));
    }
    for (unsigned host = 1; host <= 200; host++) {
        char address[32];
        snprintf(address, sizeof address, "192.0.2.%u", host);
        add(tally, listener_of(RECORD_TCP, address, 80));
    }
    ck_assert_uint_eq(tally->service_count, 65535);
    ck_assert_uint_eq(tally_find(tally, RECORD_TCP, 80)->listener_count, 201);
    ck_assert_uint_eq(tally_find(tally, RECORD_TCP, 65535)->listener_count, 1);
    tally_free(tally);
}
END_TEST

static Suite *tally_suite(void)
{
    Suite *suite = suite_create("tally");
    TCase *listeners = tcase_create("listeners");
    TCase *counts = tcase_create("connections");
    TCase *order = tcase_create("order");

    tcase_add_test(listeners, empty_tally_finds_nothing);
    tcase_add_test(listeners, reuseport_sockets_are_one_listener);
    tcase_add_loop_test(listeners, listeners_that_differ_stay_apart, 0, COUNT(differences));
    tcase_add_test(listeners, listener_keeps_what_the_record_says);
    tcase_add_test(listeners, same_port_of_two_protocols_is_two_services);
    tcase_add_loop_test(listeners, other_states_count_for_nothing, 0, COUNT(ignored));
    suite_add_tcase(suite, listeners);
    tcase_add_loop_test(counts, connection_is_counted_once_where_it_belongs, 0, COUNT(connections));
    tcase_add_test(counts, inbound_goes_by_protocol);
    tcase_add_test(counts, connection_scope_follows_the_interface_too);
    tcase_add_test(counts, connections_take_no_memory);
    tcase_add_loop_test(counts, connection_is_inbound_where_a_listener_could_have_accepted_it, 0, COUNT(acceptances));
    tcase_add_test(counts, acceptors_are_found);
    tcase_add_test(counts, attribution_needs_no_order);
    tcase_add_test(counts, connection_is_found_among_many_addresses);
    tcase_add_loop_test(counts, mapped_connection_proves_nothing, 0, COUNT(proofs));
    tcase_add_test(counts, unknown_interface_is_not_down);
    tcase_add_test(counts, ipv4_connections_are_native_and_mapped_ones);
    suite_add_tcase(suite, counts);
    tcase_add_test(order, sorting_keeps_every_service_findable);
    tcase_add_loop_test(order, position_is_that_of_the_first_service_from_the_port_on, 0, COUNT(positions));
    tcase_add_test(order, listeners_sort_the_same_from_any_order);
    tcase_add_test(order, listener_of_a_capture_is_taken_over);
    tcase_add_test(order, names_are_kept_once);
    tcase_add_test(order, alike_sockets_become_one_listener_in_any_order);
    tcase_add_test(order, many_addresses_of_one_port_are_told_apart);
    tcase_add_loop_test(order, merged_tallies_are_the_union, 0, 6);
    tcase_add_test(order, listener_is_found_among_those_alike);
    tcase_add_test(order, alike_listeners_of_a_capture_stay_apart);
    tcase_add_test(order, reach_goes_by_the_tallys_host);
    tcase_add_test(order, forgotten_cgroups_change_nothing);
    tcase_add_test(order, listener_is_that_of_the_record);
    tcase_add_test(order, reach_is_as_far_as_bound_where_nothing_is_known);
    tcase_add_test(order, a_reach_that_was_set_stays);
    tcase_add_test(order, many_services_and_listeners_fit);
    suite_add_tcase(suite, order);
    return suite;
}

int main(void)
{
    return unit_run(tally_suite());
}
