/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/audit/reach.c: a row for each rule of what narrows a reach.
 */
#include "config.h"

#include "unit.h"

#include "audit/reach.h"
#include "socket/scope.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* Hosts by their addresses: what either family has. */
enum host {
    HOST_FULL,          /* all of both families */
    HOST_IPV6_LINK,     /* ::1 and fe80:: alone, IPv4 external: every host on an IPv4 network */
    HOST_IPV6_LOOPBACK, /* ::1 alone */
    HOST_IPV6_NONE,
    HOST_IPV4_LOOPBACK, /* 127.0.0.1 alone, IPv6 external: an IPv6-only host */
    HOST_IPV4_LINK,     /* 169.254.0.1 */
    HOST_IPV4_NONE,
    HOST_LINK_ONLY, /* not even loopback addresses */
    HOST_BARE,      /* no address at all */
    HOST_UNKNOWN,   /* nothing is known */
    HOST_IPV4_UNKNOWN
};

#define LO SCOPE_BIT(SCOPE_LOOPBACK)
#define LINK SCOPE_BIT(SCOPE_LINK)
#define EXTERNAL SCOPE_BIT(SCOPE_EXTERNAL)

static const struct address_facts hosts[] = {
    [HOST_FULL] = {{{true, LO | EXTERNAL}, {true, LO | LINK | EXTERNAL}}},
    [HOST_IPV6_LINK] = {{{true, LO | EXTERNAL}, {true, LO | LINK}}},
    [HOST_IPV6_LOOPBACK] = {{{true, LO | EXTERNAL}, {true, LO}}},
    [HOST_IPV6_NONE] = {{{true, LO | EXTERNAL}, {true, 0}}},
    [HOST_IPV4_LOOPBACK] = {{{true, LO}, {true, LO | LINK | EXTERNAL}}},
    [HOST_IPV4_LINK] = {{{true, LO | LINK}, {true, LO | LINK | EXTERNAL}}},
    [HOST_IPV4_NONE] = {{{true, 0}, {true, LO | LINK | EXTERNAL}}},
    [HOST_LINK_ONLY] = {{{true, LINK}, {true, LINK}}},
    [HOST_BARE] = {{{true, 0}, {true, 0}}},
    [HOST_UNKNOWN] = {{{false, 0}, {false, 0}}},
    [HOST_IPV4_UNKNOWN] = {{{false, 0}, {true, LO | EXTERNAL}}},
};

/* Interfaces: 0 for none, 1 is lo, the rest are others. */
enum interface {
    ANY,
    ON_LO,
    ETH,
    ETH_NO_IPV6,
    ETH_GONE,
    ETH_VRF,
    ETH_UNKNOWN,
    ETH_IPV6_UNKNOWN,
    LO_BARE,        /* it has no address of its own */
    LO_OWN_UNKNOWN, /* nobody knows which are its own */
    ETH_BARE,
    ETH_OWN_UNKNOWN,
    ETH_DOWN
};

/* The scope of an interface's own addresses. */
#define OWN(scope)                                                                                                     \
    {                                                                                                                  \
        true, SCOPE_BIT(SCOPE_##scope)                                                                                 \
    }
#define OWN_NONE                                                                                                       \
    {                                                                                                                  \
        true, 0                                                                                                        \
    }
#define OWN_UNKNOWN                                                                                                    \
    {                                                                                                                  \
        false, 0                                                                                                       \
    }
#define STATE(there, up, ipv6, vrf, own_ipv4, own_ipv6)                                                                \
    {                                                                                                                  \
        RECORD_##there, RECORD_##up, RECORD_##ipv6, RECORD_##vrf,                                                      \
        {                                                                                                              \
            {                                                                                                          \
                own_ipv4, own_ipv6                                                                                     \
            }                                                                                                          \
        }                                                                                                              \
    }
#define UNKNOWN STATE(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, OWN_UNKNOWN, OWN_UNKNOWN)

static const struct {
    uint32_t index;
    struct address_interface state;
} interfaces[] = {
    [ANY] = {0, UNKNOWN},
    [ON_LO] = {1, STATE(YES, YES, YES, NO, OWN(LOOPBACK), OWN(LOOPBACK))},
    [LO_BARE] = {1, STATE(YES, YES, YES, NO, OWN_NONE, OWN_NONE)},
    [LO_OWN_UNKNOWN] = {1, STATE(YES, YES, YES, NO, OWN_UNKNOWN, OWN_UNKNOWN)},
    [ETH] = {2, STATE(YES, YES, YES, NO, OWN(EXTERNAL), OWN(LINK))},
    [ETH_NO_IPV6] = {3, STATE(YES, YES, NO, NO, OWN(EXTERNAL), OWN_NONE)},
    [ETH_GONE] = {4, STATE(NO, UNKNOWN, UNKNOWN, UNKNOWN, OWN_NONE, OWN_NONE)},
    [ETH_VRF] = {5, STATE(YES, YES, YES, YES, OWN_NONE, OWN_NONE)},
    [ETH_UNKNOWN] = {6, UNKNOWN},
    [ETH_IPV6_UNKNOWN] = {7, STATE(YES, UNKNOWN, UNKNOWN, UNKNOWN, OWN(EXTERNAL), OWN(LINK))},
    [ETH_BARE] = {8, STATE(YES, YES, YES, NO, OWN_NONE, OWN_NONE)},
    [ETH_DOWN] = {10, STATE(YES, NO, YES, NO, OWN(EXTERNAL), OWN_NONE)},
    [ETH_OWN_UNKNOWN] = {9, STATE(YES, YES, YES, NO, OWN_UNKNOWN, OWN_UNKNOWN)},
};

/* A reach: extent, limit, known. */
#define OTHER REACH_NONE, REACH_OTHER_FAMILY, true
#define FULL(extent) REACH_##extent, REACH_UNLIMITED, true
#define CUT(extent, limit) REACH_##extent, REACH_##limit, true
#define UNSURE(extent) REACH_##extent, REACH_UNLIMITED, false
#define UNSURE_CUT(extent, limit) REACH_##extent, REACH_##limit, false

static const struct {
    enum record_protocol protocol;
    const char *address; /* dotted: of an AF_INET socket */
    enum interface interface;
    enum address_presence presence;
    enum host host;
    struct reach ipv4, ipv6;
} sockets[] = {
    /* a wildcard reaches as far as the widest address of its family */
    {RECORD_TCP, "0.0.0.0", ANY, ADDRESS_UNKNOWN, HOST_FULL, {FULL(EXTERNAL)}, {OTHER}},
    {RECORD_UDP, "0.0.0.0", ANY, ADDRESS_UNKNOWN, HOST_FULL, {FULL(EXTERNAL)}, {OTHER}},
    {RECORD_TCP, "0.0.0.0", ANY, ADDRESS_UNKNOWN, HOST_IPV4_LOOPBACK, {CUT(LOOPBACK, HOST_ADDRESSES)}, {OTHER}},
    {RECORD_TCP, "0.0.0.0", ANY, ADDRESS_UNKNOWN, HOST_IPV4_LINK, {CUT(LINK, HOST_ADDRESSES)}, {OTHER}},
    {RECORD_TCP, "0.0.0.0", ANY, ADDRESS_UNKNOWN, HOST_IPV4_NONE, {CUT(NONE, HOST_ADDRESSES)}, {OTHER}},
    {RECORD_TCP, "0.0.0.0", ANY, ADDRESS_UNKNOWN, HOST_UNKNOWN, {UNSURE(EXTERNAL)}, {OTHER}},
    /* each family of a dual one by itself */
    {RECORD_TCP, "::", ANY, ADDRESS_UNKNOWN, HOST_FULL, {FULL(EXTERNAL)}, {FULL(EXTERNAL)}},
    {RECORD_UDP, "::", ANY, ADDRESS_UNKNOWN, HOST_IPV6_LINK, {FULL(EXTERNAL)}, {CUT(LINK, HOST_ADDRESSES)}},
    {RECORD_TCP, "::", ANY, ADDRESS_UNKNOWN, HOST_IPV6_LOOPBACK, {FULL(EXTERNAL)}, {CUT(LOOPBACK, HOST_ADDRESSES)}},
    {RECORD_TCP, "::", ANY, ADDRESS_UNKNOWN, HOST_IPV6_NONE, {FULL(EXTERNAL)}, {CUT(NONE, HOST_ADDRESSES)}},
    {RECORD_TCP, "::", ANY, ADDRESS_UNKNOWN, HOST_IPV4_LOOPBACK, {CUT(LOOPBACK, HOST_ADDRESSES)}, {FULL(EXTERNAL)}},
    {RECORD_TCP, "::", ANY, ADDRESS_UNKNOWN, HOST_IPV4_NONE, {CUT(NONE, HOST_ADDRESSES)}, {FULL(EXTERNAL)}},
    {RECORD_TCP, "::", ANY, ADDRESS_UNKNOWN, HOST_BARE, {CUT(NONE, HOST_ADDRESSES)}, {CUT(NONE, HOST_ADDRESSES)}},
    {RECORD_TCP, "::", ANY, ADDRESS_UNKNOWN, HOST_UNKNOWN, {UNSURE(EXTERNAL)}, {UNSURE(EXTERNAL)}},
    {RECORD_TCP, "::", ANY, ADDRESS_UNKNOWN, HOST_IPV4_UNKNOWN, {UNSURE(EXTERNAL)}, {FULL(EXTERNAL)}},
    /* the mapped wildcard of an AF_INET6 socket is one of IPv4 */
    {RECORD_TCP, "::ffff:0.0.0.0", ANY, ADDRESS_UNKNOWN, HOST_IPV4_LINK, {CUT(LINK, HOST_ADDRESSES)}, {OTHER}},
    /* one address reaches as far as its scope while it is the host's */
    {RECORD_TCP, "192.0.2.1", ANY, ADDRESS_LOCAL, HOST_FULL, {FULL(EXTERNAL)}, {OTHER}},
    {RECORD_TCP, "192.0.2.1", ANY, ADDRESS_ABSENT, HOST_FULL, {CUT(NONE, ADDRESS_ABSENT)}, {OTHER}},
    {RECORD_TCP, "192.0.2.1", ANY, ADDRESS_UNKNOWN, HOST_UNKNOWN, {UNSURE(EXTERNAL)}, {OTHER}},
    {RECORD_TCP, "::ffff:192.0.2.1", ANY, ADDRESS_ABSENT, HOST_FULL, {CUT(NONE, ADDRESS_ABSENT)}, {OTHER}},
    {RECORD_TCP, "::ffff:127.0.0.1", ANY, ADDRESS_LOCAL, HOST_FULL, {FULL(LOOPBACK)}, {OTHER}},
    {RECORD_UDP, "127.0.0.1", ANY, ADDRESS_LOCAL, HOST_IPV4_LOOPBACK, {FULL(LOOPBACK)}, {OTHER}},
    {RECORD_TCP, "127.0.0.1", ANY, ADDRESS_UNKNOWN, HOST_UNKNOWN, {UNSURE(LOOPBACK)}, {OTHER}},
    {RECORD_TCP, "169.254.7.7", ANY, ADDRESS_LOCAL, HOST_IPV4_LINK, {FULL(LINK)}, {OTHER}},
    {RECORD_TCP, "::1", ANY, ADDRESS_LOCAL, HOST_IPV6_LOOPBACK, {OTHER}, {FULL(LOOPBACK)}},
    {RECORD_TCP, "::1", ANY, ADDRESS_ABSENT, HOST_IPV6_NONE, {OTHER}, {CUT(NONE, ADDRESS_ABSENT)}},
    {RECORD_UDP, "2001:db8::99", ANY, ADDRESS_ABSENT, HOST_FULL, {OTHER}, {CUT(NONE, ADDRESS_ABSENT)}},
    {RECORD_UDP, "2001:db8::1", ANY, ADDRESS_LOCAL, HOST_FULL, {OTHER}, {FULL(EXTERNAL)}},
    {RECORD_UDP, "fe80::1", ETH, ADDRESS_LOCAL, HOST_IPV6_LINK, {OTHER}, {FULL(LINK)}},
    {RECORD_UDP, "fe80::1", ETH, ADDRESS_ABSENT, HOST_IPV6_LINK, {OTHER}, {CUT(NONE, ADDRESS_ABSENT)}},
    /* anycast takes UDP alone */
    {RECORD_UDP, "2001:db8::", ANY, ADDRESS_ANYCAST, HOST_FULL, {OTHER}, {FULL(EXTERNAL)}},
    {RECORD_TCP, "2001:db8::", ANY, ADDRESS_ANYCAST, HOST_FULL, {OTHER}, {CUT(NONE, ANYCAST_TCP)}},
    /* groups take UDP alone, as far as their scope */
    {RECORD_UDP, "224.0.0.251", ANY, ADDRESS_UNKNOWN, HOST_FULL, {FULL(LINK)}, {OTHER}},
    {RECORD_UDP, "239.1.2.3", ANY, ADDRESS_UNKNOWN, HOST_FULL, {FULL(EXTERNAL)}, {OTHER}},
    {RECORD_UDP, "ff01::1", ANY, ADDRESS_UNKNOWN, HOST_FULL, {OTHER}, {FULL(LOOPBACK)}},
    {RECORD_UDP, "ff01::1", ETH, ADDRESS_UNKNOWN, HOST_FULL, {OTHER}, {FULL(LOOPBACK)}},
    {RECORD_UDP, "ff02::1:3", ANY, ADDRESS_UNKNOWN, HOST_FULL, {OTHER}, {FULL(LINK)}},
    {RECORD_UDP, "ff05::1:3", ANY, ADDRESS_UNKNOWN, HOST_FULL, {OTHER}, {FULL(EXTERNAL)}},
    {RECORD_UDP, "::ffff:224.0.0.251", ANY, ADDRESS_UNKNOWN, HOST_FULL, {FULL(LINK)}, {OTHER}},
    {RECORD_TCP, "224.0.0.251", ANY, ADDRESS_UNKNOWN, HOST_FULL, {CUT(NONE, GROUP_TCP)}, {OTHER}},
    {RECORD_TCP, "ff02::1:3", ETH, ADDRESS_UNKNOWN, HOST_FULL, {OTHER}, {CUT(NONE, GROUP_TCP)}},
    {RECORD_TCP, "ff02::1:3", ANY, ADDRESS_UNKNOWN, HOST_UNKNOWN, {OTHER}, {CUT(NONE, GROUP_TCP)}},
    /* what is sent to a group needs no address of the host's, but IPv6 on an interface */
    {RECORD_UDP, "224.0.0.251", ANY, ADDRESS_UNKNOWN, HOST_IPV4_LOOPBACK, {FULL(LINK)}, {OTHER}},
    {RECORD_UDP, "224.0.0.251", ETH, ADDRESS_UNKNOWN, HOST_IPV4_NONE, {FULL(LINK)}, {OTHER}},
    {RECORD_UDP, "ff05::1:3", ANY, ADDRESS_UNKNOWN, HOST_IPV6_LINK, {OTHER}, {FULL(EXTERNAL)}},
    {RECORD_UDP, "ff02::1:3", ANY, ADDRESS_UNKNOWN, HOST_IPV6_LOOPBACK, {OTHER}, {CUT(LOOPBACK, HOST_ADDRESSES)}},
    {RECORD_UDP, "ff02::1:3", ANY, ADDRESS_UNKNOWN, HOST_IPV6_NONE, {OTHER}, {CUT(NONE, HOST_ADDRESSES)}},
    {RECORD_UDP, "ff02::1:3", ETH, ADDRESS_UNKNOWN, HOST_IPV6_LOOPBACK, {OTHER}, {FULL(LINK)}},
    {RECORD_UDP, "ff02::1:3", ETH_NO_IPV6, ADDRESS_UNKNOWN, HOST_FULL, {OTHER}, {CUT(NONE, INTERFACE_NO_IPV6)}},
    {RECORD_UDP, "ff02::1:3", ETH_GONE, ADDRESS_UNKNOWN, HOST_FULL, {OTHER}, {CUT(NONE, INTERFACE_GONE)}},
    {RECORD_UDP, "ff02::1:3", ON_LO, ADDRESS_UNKNOWN, HOST_FULL, {OTHER}, {FULL(LOOPBACK)}},
    {RECORD_UDP, "ff02::1:3", ANY, ADDRESS_UNKNOWN, HOST_UNKNOWN, {OTHER}, {UNSURE(LINK)}},
    {RECORD_UDP, "224.0.0.251", ANY, ADDRESS_UNKNOWN, HOST_UNKNOWN, {FULL(LINK)}, {OTHER}},
    /* broadcasts take UDP alone, on the link */
    {RECORD_UDP, "192.0.2.255", ANY, ADDRESS_BROADCAST, HOST_FULL, {CUT(LINK, BROADCAST)}, {OTHER}},
    {RECORD_UDP, "255.255.255.255", ANY, ADDRESS_BROADCAST, HOST_IPV4_NONE, {CUT(LINK, BROADCAST)}, {OTHER}},
    {RECORD_UDP, "127.255.255.255", ANY, ADDRESS_BROADCAST, HOST_FULL, {FULL(LOOPBACK)}, {OTHER}},
    {RECORD_TCP, "192.0.2.255", ANY, ADDRESS_BROADCAST, HOST_FULL, {CUT(NONE, BROADCAST)}, {OTHER}},
    {RECORD_TCP, "127.255.255.255", ANY, ADDRESS_BROADCAST, HOST_FULL, {CUT(NONE, BROADCAST)}, {OTHER}},
    {RECORD_UDP, "192.0.2.255", ANY, ADDRESS_ABSENT, HOST_FULL, {CUT(NONE, ADDRESS_ABSENT)}, {OTHER}},
    /* bound to an interface: its own addresses do not limit it */
    {RECORD_TCP, "0.0.0.0", ETH, ADDRESS_UNKNOWN, HOST_FULL, {FULL(EXTERNAL)}, {OTHER}},
    {RECORD_TCP, "0.0.0.0", ETH, ADDRESS_UNKNOWN, HOST_IPV4_LINK, {CUT(LINK, HOST_ADDRESSES)}, {OTHER}},
    {RECORD_TCP, "192.0.2.1", ETH, ADDRESS_LOCAL, HOST_FULL, {FULL(EXTERNAL)}, {OTHER}},
    /* loopback addresses are on lo alone */
    {RECORD_TCP, "0.0.0.0", ETH, ADDRESS_UNKNOWN, HOST_IPV4_LOOPBACK, {CUT(NONE, HOST_ADDRESSES)}, {OTHER}},
    {RECORD_TCP, "::", ETH, ADDRESS_UNKNOWN, HOST_IPV6_LOOPBACK, {FULL(EXTERNAL)}, {CUT(NONE, HOST_ADDRESSES)}},
    {RECORD_TCP, "::", ETH, ADDRESS_UNKNOWN, HOST_BARE, {CUT(NONE, HOST_ADDRESSES)}, {CUT(NONE, HOST_ADDRESSES)}},
    {RECORD_TCP, "127.0.0.1", ETH, ADDRESS_LOCAL, HOST_FULL, {CUT(NONE, NOT_LOOPBACK)}, {OTHER}},
    {RECORD_UDP, "::1", ETH, ADDRESS_LOCAL, HOST_FULL, {OTHER}, {CUT(NONE, NOT_LOOPBACK)}},
    {RECORD_UDP, "127.255.255.255", ETH, ADDRESS_BROADCAST, HOST_FULL, {CUT(NONE, NOT_LOOPBACK)}, {OTHER}},
    /* bound to lo: loopback at most */
    {RECORD_TCP, "::", ON_LO, ADDRESS_UNKNOWN, HOST_FULL, {FULL(LOOPBACK)}, {FULL(LOOPBACK)}},
    {RECORD_TCP, "::", ON_LO, ADDRESS_UNKNOWN, HOST_IPV6_NONE, {FULL(LOOPBACK)}, {CUT(NONE, HOST_ADDRESSES)}},
    {RECORD_TCP, "::", ON_LO, ADDRESS_UNKNOWN, HOST_IPV4_LOOPBACK, {FULL(LOOPBACK)}, {FULL(LOOPBACK)}},
    {RECORD_TCP, "192.0.2.1", ON_LO, ADDRESS_LOCAL, HOST_FULL, {FULL(LOOPBACK)}, {OTHER}},
    {RECORD_TCP, "127.0.0.1", ON_LO, ADDRESS_LOCAL, HOST_FULL, {FULL(LOOPBACK)}, {OTHER}},
    {RECORD_TCP,
     "::",
     LO_BARE,
     ADDRESS_UNKNOWN,
     HOST_FULL,
     {CUT(NONE, INTERFACE_ADDRESSES)},
     {CUT(NONE, INTERFACE_ADDRESSES)}},
    {RECORD_TCP, "::", LO_OWN_UNKNOWN, ADDRESS_UNKNOWN, HOST_FULL, {FULL(LOOPBACK)}, {FULL(LOOPBACK)}},
    {RECORD_TCP, "::", LO_OWN_UNKNOWN, ADDRESS_UNKNOWN, HOST_LINK_ONLY, {UNSURE(LOOPBACK)}, {UNSURE(LOOPBACK)}},
    /* fe80:: addresses are of one interface */
    {RECORD_TCP, "::", ETH_BARE, ADDRESS_UNKNOWN, HOST_FULL, {FULL(EXTERNAL)}, {FULL(EXTERNAL)}},
    {RECORD_TCP, "::", ETH, ADDRESS_UNKNOWN, HOST_LINK_ONLY, {CUT(LINK, HOST_ADDRESSES)}, {CUT(LINK, HOST_ADDRESSES)}},
    {RECORD_TCP,
     "::",
     ETH_BARE,
     ADDRESS_UNKNOWN,
     HOST_LINK_ONLY,
     {CUT(LINK, HOST_ADDRESSES)},
     {CUT(NONE, INTERFACE_ADDRESSES)}},
    {RECORD_TCP,
     "::",
     ETH_OWN_UNKNOWN,
     ADDRESS_UNKNOWN,
     HOST_LINK_ONLY,
     {CUT(LINK, HOST_ADDRESSES)},
     {UNSURE_CUT(LINK, HOST_ADDRESSES)}},
    /* an interface that is gone, or without IPv6 */
    {RECORD_TCP, "0.0.0.0", ETH_GONE, ADDRESS_UNKNOWN, HOST_FULL, {CUT(NONE, INTERFACE_GONE)}, {OTHER}},
    {RECORD_TCP, "::", ETH_GONE, ADDRESS_UNKNOWN, HOST_FULL, {CUT(NONE, INTERFACE_GONE)}, {CUT(NONE, INTERFACE_GONE)}},
    {RECORD_TCP, "::", ETH_DOWN, ADDRESS_UNKNOWN, HOST_FULL, {CUT(NONE, INTERFACE_DOWN)}, {CUT(NONE, INTERFACE_DOWN)}},
    {RECORD_UDP, "192.0.2.1", ETH_DOWN, ADDRESS_LOCAL, HOST_FULL, {CUT(NONE, INTERFACE_DOWN)}, {OTHER}},
    {RECORD_TCP, "192.0.2.1", ETH_GONE, ADDRESS_LOCAL, HOST_FULL, {CUT(NONE, INTERFACE_GONE)}, {OTHER}},
    {RECORD_UDP, "224.0.0.251", ETH_GONE, ADDRESS_UNKNOWN, HOST_UNKNOWN, {CUT(NONE, INTERFACE_GONE)}, {OTHER}},
    {RECORD_TCP, "::", ETH_NO_IPV6, ADDRESS_UNKNOWN, HOST_FULL, {FULL(EXTERNAL)}, {CUT(NONE, INTERFACE_NO_IPV6)}},
    {RECORD_TCP, "2001:db8::1", ETH_NO_IPV6, ADDRESS_LOCAL, HOST_FULL, {OTHER}, {CUT(NONE, INTERFACE_NO_IPV6)}},
    {RECORD_TCP, "0.0.0.0", ETH_NO_IPV6, ADDRESS_UNKNOWN, HOST_FULL, {FULL(EXTERNAL)}, {OTHER}},
    /* what is not known of the interface */
    {RECORD_TCP, "::", ETH_UNKNOWN, ADDRESS_UNKNOWN, HOST_FULL, {UNSURE(EXTERNAL)}, {UNSURE(EXTERNAL)}},
    {RECORD_TCP, "::", ETH_IPV6_UNKNOWN, ADDRESS_UNKNOWN, HOST_FULL, {FULL(EXTERNAL)}, {UNSURE(EXTERNAL)}},
    {RECORD_TCP,
     "::",
     ETH_UNKNOWN,
     ADDRESS_UNKNOWN,
     HOST_IPV6_LINK,
     {UNSURE(EXTERNAL)},
     {UNSURE_CUT(LINK, HOST_ADDRESSES)}},
    {RECORD_TCP,
     "::",
     ETH_UNKNOWN,
     ADDRESS_UNKNOWN,
     HOST_BARE,
     {CUT(NONE, HOST_ADDRESSES)},
     {CUT(NONE, HOST_ADDRESSES)}},
    {RECORD_TCP, "192.0.2.1", ETH_UNKNOWN, ADDRESS_ABSENT, HOST_FULL, {CUT(NONE, ADDRESS_ABSENT)}, {OTHER}},
    {RECORD_TCP, "192.0.2.1", ETH_UNKNOWN, ADDRESS_LOCAL, HOST_FULL, {UNSURE(EXTERNAL)}, {OTHER}},
    /* a VRF has addresses of its own, which no list of the host's has */
    {RECORD_TCP, "::", ETH_VRF, ADDRESS_UNKNOWN, HOST_IPV6_LOOPBACK, {UNSURE(EXTERNAL)}, {UNSURE(EXTERNAL)}},
    {RECORD_TCP, "192.0.2.1", ETH_VRF, ADDRESS_LOCAL, HOST_IPV4_LOOPBACK, {FULL(EXTERNAL)}, {OTHER}},
};

static struct reach_socket socket_of(int row)
{
    bool dotted = strchr(sockets[row].address, ':') == NULL;
    struct reach_socket socket = {
        .protocol = sockets[row].protocol,
        .family = dotted ? RECORD_INET : RECORD_INET6,
        .interface = interfaces[sockets[row].interface].index,
        .presence = sockets[row].presence,
        .state = interfaces[sockets[row].interface].state,
    };
    char text[64];

    snprintf(text, sizeof text, "%s%s", dotted ? "::ffff:" : "", sockets[row].address);
    ck_assert_int_eq(inet_pton(AF_INET6, text, &socket.address), 1);
    return socket;
}

static void reach_check(int row, const char *family, struct reach reach, struct reach expected)
{
    ck_assert_msg(reach.extent == expected.extent && reach.limit == expected.limit && reach.known == expected.known,
                  "row %d, %s over %s: %s, limit %d, known %d; must be %s, limit %d, known %d", row,
                  sockets[row].address, family, reach_name(reach.extent), (int)reach.limit, reach.known,
                  reach_name(expected.extent), (int)expected.limit, expected.known);
}

START_TEST(socket_reaches_so_far)
{
    struct reach_socket socket = socket_of(_i);
    const struct address_facts *host = &hosts[sockets[_i].host];

    reach_check(_i, "IPv4", reach_of(&socket, host, RECORD_INET), sockets[_i].ipv4);
    reach_check(_i, "IPv6", reach_of(&socket, host, RECORD_INET6), sockets[_i].ipv6);
}
END_TEST

/* Whatever the host is, as bound is never narrower, is always known, and is the same on a host of which nothing is. */
START_TEST(as_bound_is_the_widest)
{
    struct reach_socket socket = socket_of(_i);

    for (enum record_family wire = RECORD_INET; wire < RECORD_FAMILIES; wire++) {
        struct reach bound = reach_as_bound(&socket, wire);
        ck_assert(bound.known);
        for (int host = 0; host < COUNT(hosts); host++) {
            ck_assert_int_le(reach_of(&socket, &hosts[host], wire).extent, bound.extent);
        }
        if (socket.presence != ADDRESS_ABSENT && socket.interface == 0) {
            ck_assert_int_eq(reach_of(&socket, &hosts[HOST_UNKNOWN], wire).extent, bound.extent);
        }
    }
}
END_TEST

START_TEST(as_bound_needs_no_host)
{
    static const struct {
        const char *address;
        enum reach_extent extent;
    } rows[] = {
        {"::ffff:192.0.2.1", REACH_EXTERNAL},
        {"::ffff:127.0.0.1", REACH_LOOPBACK},
        {"::ffff:0.0.0.0", REACH_EXTERNAL},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct reach_socket socket = {.family = RECORD_INET, .presence = ADDRESS_ABSENT, .state = {.there = RECORD_NO}};
        struct reach reach;
        ck_assert_int_eq(inet_pton(AF_INET6, rows[i].address, &socket.address), 1);
        reach = reach_as_bound(&socket, RECORD_INET);
        ck_assert_int_eq(reach.extent, rows[i].extent);
        ck_assert_int_eq(reach.limit, REACH_UNLIMITED);
    }
}
END_TEST

START_TEST(widest_scope_counts)
{
    ck_assert_int_eq(reach_of_scopes(0), REACH_NONE);
    ck_assert_int_eq(reach_of_scopes(LO), REACH_LOOPBACK);
    ck_assert_int_eq(reach_of_scopes(LINK), REACH_LINK);
    ck_assert_int_eq(reach_of_scopes(LO | LINK), REACH_LINK);
    ck_assert_int_eq(reach_of_scopes(EXTERNAL), REACH_EXTERNAL);
    ck_assert_int_eq(reach_of_scopes(LO | EXTERNAL), REACH_EXTERNAL);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(reach_name(REACH_NONE), "none");
    ck_assert_str_eq(reach_name(REACH_LOOPBACK), "loopback");
    ck_assert_str_eq(reach_name(REACH_LINK), "link");
    ck_assert_str_eq(reach_name(REACH_EXTERNAL), "external");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reach");
    TCase *reaches = tcase_create("reaches");

    tcase_add_loop_test(reaches, socket_reaches_so_far, 0, COUNT(sockets));
    tcase_add_loop_test(reaches, as_bound_is_the_widest, 0, COUNT(sockets));
    tcase_add_test(reaches, as_bound_needs_no_host);
    tcase_add_test(reaches, widest_scope_counts);
    tcase_add_test(reaches, names);
    suite_add_tcase(suite, reaches);
    return unit_run(suite);
}
