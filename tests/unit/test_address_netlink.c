/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/address_netlink.c: answers built here, and single questions to the real kernel, of which test_address.c
 * asks more.
 */
#include "config.h"

#include "unit.h"

#include "socket/address_netlink.h"
#include "socket/scope.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
#define SEQUENCE 7
#define PORT_ID 4711

/* --- answers ----------------------------------------------------------------------------------------------------- */

struct answer {
    unsigned char bytes[1 << 20];
    size_t length;
    size_t message; /* where the last one begins */
    uint16_t flags;
};

static struct answer answer;

static void answer_begin(void)
{
    answer.length = 0;
    answer.message = 0;
    answer.flags = NLM_F_MULTI;
}

static void bytes_add(const void *bytes, size_t length)
{
    struct nlmsghdr header;

    ck_assert_uint_le(answer.length + length + 4, sizeof answer.bytes);
    memcpy(answer.bytes + answer.length, bytes, length);
    answer.length += length;
    memcpy(&header, answer.bytes + answer.message, sizeof header);
    header.nlmsg_len = (uint32_t)(answer.length - answer.message);
    memcpy(answer.bytes + answer.message, &header, sizeof header);
    for (; answer.length % 4 != 0; answer.length++) {
        answer.bytes[answer.length] = 0;
    }
}

static void message_add(uint16_t type, const void *body, size_t length)
{
    struct nlmsghdr header = {.nlmsg_len = sizeof header,
                              .nlmsg_type = type,
                              .nlmsg_flags = answer.flags,
                              .nlmsg_seq = SEQUENCE,
                              .nlmsg_pid = PORT_ID};

    answer.message = answer.length;
    memcpy(answer.bytes + answer.length, &header, sizeof header);
    answer.length += sizeof header;
    bytes_add(body, length);
}

static void attribute_add(uint16_t type, const void *value, size_t length)
{
    struct nlattr header = {.nla_len = (uint16_t)(sizeof header + length), .nla_type = type};

    bytes_add(&header, sizeof header);
    bytes_add(value, length);
}

static void end_add(uint16_t type, int code)
{
    message_add(type, &code, sizeof code);
}

/* An address of AF_INET where it is dotted. */
static void route_add(const char *text, unsigned length, uint8_t type, uint8_t table)
{
    int family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
    struct rtmsg body = {.rtm_family = (uint8_t)family,
                         .rtm_dst_len = (uint8_t)length,
                         .rtm_table = table,
                         .rtm_type = type};
    unsigned char address[16];

    message_add(RTM_NEWROUTE, &body, sizeof body);
    ck_assert_int_eq(inet_pton(family, text, address), 1);
    attribute_add(RTA_DST, address, family == AF_INET ? 4 : 16);
}

static void local_add(const char *text)
{
    route_add(text, strchr(text, ':') == NULL ? 32 : 128, RTN_LOCAL, RT_TABLE_LOCAL);
}

/* --- a dump ------------------------------------------------------------------------------------------------------ */

static struct address_set sets[RECORD_FAMILIES];

static void sets_free(void)
{
    address_set_free(&sets[RECORD_INET]);
    address_set_free(&sets[RECORD_INET6]);
}

/* In memory of just its size and at an odd address. */
static int dump_handle(void)
{
    unsigned char *bytes = malloc(answer.length + 1);
    int result;

    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes + 1, answer.bytes, answer.length);
    result = address_netlink_handle_dump(bytes + 1, answer.length, SEQUENCE, PORT_ID, sets);
    free(bytes);
    address_set_sort(&sets[RECORD_INET]);
    address_set_sort(&sets[RECORD_INET6]);
    return result;
}

static enum address_presence find(const char *text)
{
    struct in6_addr address;

    ck_assert_int_eq(inet_pton(AF_INET6, text, &address), 1);
    return address_set_find(&sets[record_is_ipv4(&address) ? RECORD_INET : RECORD_INET6], &address);
}

START_TEST(local_table_is_kept)
{
    answer_begin();
    route_add("127.0.0.0", 8, RTN_LOCAL, RT_TABLE_LOCAL);
    local_add("192.0.2.1");
    route_add("192.0.2.255", 32, RTN_BROADCAST, RT_TABLE_LOCAL);
    route_add("198.51.100.0", 24, RTN_LOCAL, RT_TABLE_LOCAL);
    route_add("198.51.100.128", 25, RTN_UNREACHABLE, RT_TABLE_LOCAL);
    local_add("::1");
    local_add("fe80::1");
    route_add("2001:db8::", 128, RTN_ANYCAST, RT_TABLE_LOCAL);
    route_add("2001:db8:1::", 64, RTN_LOCAL, RT_TABLE_LOCAL);
    route_add("2001:db8:1:0:1::", 80, RTN_BLACKHOLE, RT_TABLE_LOCAL);
    end_add(NLMSG_DONE, 0);
    ck_assert_int_eq(dump_handle(), 0);
    ck_assert_int_eq(find("::ffff:127.3.3.3"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("::ffff:192.0.2.1"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("::ffff:192.0.2.2"), ADDRESS_ABSENT);
    ck_assert_int_eq(find("::ffff:192.0.2.255"), ADDRESS_BROADCAST);
    ck_assert_int_eq(find("::ffff:198.51.100.1"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("::ffff:198.51.100.200"), ADDRESS_ABSENT);
    ck_assert_int_eq(find("::1"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("2001:db8::"), ADDRESS_ANYCAST);
    ck_assert_int_eq(find("2001:db8:1::77"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("2001:db8:1:0:1::77"), ADDRESS_ABSENT);
    ck_assert_uint_eq(sets[RECORD_INET].scopes, SCOPE_BIT(SCOPE_LOOPBACK) | SCOPE_BIT(SCOPE_EXTERNAL));
    ck_assert_uint_eq(sets[RECORD_INET6].scopes,
                      SCOPE_BIT(SCOPE_LOOPBACK) | SCOPE_BIT(SCOPE_LINK) | SCOPE_BIT(SCOPE_EXTERNAL));
}
END_TEST

/* What comes along where the kernel does not filter. */
START_TEST(other_routes_are_left_out)
{
    static const struct rtmsg multicast_router = {.rtm_family = RTNL_FAMILY_IPMR, .rtm_table = RT_TABLE_LOCAL};
    const uint32_t far_table = 1000;

    answer_begin();
    route_add("0.0.0.0", 0, RTN_UNICAST, RT_TABLE_MAIN);
    route_add("192.0.2.0", 24, RTN_UNICAST, RT_TABLE_MAIN);
    route_add("192.0.2.0", 24, RTN_LOCAL, RT_TABLE_MAIN);
    route_add("192.0.2.0", 24, RTN_LOCAL, 100);
    route_add("192.0.2.0", 24, RTN_UNICAST, RT_TABLE_LOCAL);
    /* the attribute counts, as it has room for every table */
    route_add("192.0.2.0", 24, RTN_LOCAL, RT_TABLE_LOCAL);
    attribute_add(RTA_TABLE, &far_table, sizeof far_table);
    route_add("2001:db8::", 32, 200, RT_TABLE_LOCAL);
    route_add("ff00::", 8, RTN_MULTICAST, RT_TABLE_LOCAL);
    message_add(RTM_NEWROUTE, &multicast_router, sizeof multicast_router);
    end_add(NLMSG_DONE, 0);
    ck_assert_int_eq(dump_handle(), 0);
    ck_assert_uint_eq(sets[RECORD_INET].count, 0);
    ck_assert_uint_eq(sets[RECORD_INET6].count, 0);
}
END_TEST

START_TEST(cached_routes_are_left_out)
{
    struct rtmsg body = {.rtm_family = AF_INET6,
                         .rtm_dst_len = 128,
                         .rtm_table = RT_TABLE_LOCAL,
                         .rtm_type = RTN_LOCAL,
                         .rtm_flags = RTM_F_CLONED};

    answer_begin();
    message_add(RTM_NEWROUTE, &body, sizeof body);
    attribute_add(RTA_DST, &in6addr_loopback, sizeof in6addr_loopback);
    end_add(NLMSG_DONE, 0);
    ck_assert_int_eq(dump_handle(), 0);
    ck_assert_uint_eq(sets[RECORD_INET6].count, 0);
}
END_TEST

START_TEST(table_attribute_counts)
{
    const uint32_t table = RT_TABLE_LOCAL;

    answer_begin();
    route_add("192.0.2.1", 32, RTN_LOCAL, RT_TABLE_COMPAT);
    attribute_add(RTA_TABLE, &table, sizeof table);
    end_add(NLMSG_DONE, 0);
    ck_assert_int_eq(dump_handle(), 0);
    ck_assert_int_eq(find("::ffff:192.0.2.1"), ADDRESS_LOCAL);
}
END_TEST

/* As it is for a route of length 0. */
START_TEST(route_without_a_destination_is_for_all)
{
    const struct rtmsg bodies[] = {
        {.rtm_family = AF_INET, .rtm_table = RT_TABLE_LOCAL, .rtm_type = RTN_LOCAL},
        {.rtm_family = AF_INET6, .rtm_table = RT_TABLE_LOCAL, .rtm_type = RTN_LOCAL},
    };

    answer_begin();
    message_add(RTM_NEWROUTE, &bodies[0], sizeof bodies[0]);
    message_add(RTM_NEWROUTE, &bodies[1], sizeof bodies[1]);
    end_add(NLMSG_DONE, 0);
    ck_assert_int_eq(dump_handle(), 0);
    ck_assert_int_eq(find("::ffff:192.0.2.1"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("2001:db8::1"), ADDRESS_LOCAL);
}
END_TEST

START_TEST(many_addresses)
{
    answer_begin();
    for (unsigned i = 0; i < 3000; i++) {
        char text[32];
        snprintf(text, sizeof text, i % 2 == 0 ? "10.0.%u.%u" : "2001:db8::%u:%u", i / 256, i % 256);
        local_add(text);
        route_add("10.255.255.255", 32, RTN_BROADCAST, RT_TABLE_LOCAL);
    }
    end_add(NLMSG_DONE, 0);
    ck_assert_int_eq(dump_handle(), 0);
    ck_assert_uint_eq(sets[RECORD_INET].count, 1501);
    ck_assert_uint_eq(sets[RECORD_INET6].count, 1500);
    ck_assert_int_eq(find("::ffff:10.0.11.182"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("::ffff:10.0.11.183"), ADDRESS_ABSENT);
    ck_assert_int_eq(find("2001:db8::11:183"), ADDRESS_LOCAL);
    ck_assert_int_eq(find("::ffff:10.255.255.255"), ADDRESS_BROADCAST);
}
END_TEST

static void build_nothing(void)
{
}

static void build_more(void)
{
    local_add("192.0.2.1");
}

static void build_whole(void)
{
    local_add("192.0.2.1");
    message_add(NLMSG_NOOP, "", 0);
    end_add(NLMSG_DONE, 0);
    local_add("192.0.2.2");
}

static void build_refusal(void)
{
    end_add(NLMSG_ERROR, -EPERM);
}

static void build_refusal_in_done(void)
{
    local_add("192.0.2.1");
    end_add(NLMSG_DONE, -ENOENT);
}

static void build_interrupted(void)
{
    local_add("192.0.2.1");
    answer.flags |= NLM_F_DUMP_INTR;
    local_add("192.0.2.2");
}

static void build_interrupted_end(void)
{
    local_add("192.0.2.1");
    answer.flags |= NLM_F_DUMP_INTR;
    end_add(NLMSG_DONE, 0);
}

static void build_overrun(void)
{
    message_add(NLMSG_OVERRUN, "", 0);
}

static void sequence_change(uint32_t sequence, uint32_t port_id)
{
    struct nlmsghdr header;

    memcpy(&header, answer.bytes + answer.message, sizeof header);
    header.nlmsg_seq = sequence;
    header.nlmsg_pid = port_id;
    memcpy(answer.bytes + answer.message, &header, sizeof header);
}

static void build_other_sequence(void)
{
    local_add("192.0.2.1");
    local_add("192.0.2.2");
    sequence_change(SEQUENCE + 1, PORT_ID);
}

static void build_other_port(void)
{
    local_add("192.0.2.1");
    sequence_change(SEQUENCE, 0);
}

static void build_other_type(void)
{
    const struct rtmsg body = {.rtm_family = AF_INET};

    message_add(RTM_NEWADDR, &body, sizeof body);
}

static void build_short_body(void)
{
    message_add(RTM_NEWROUTE, "\2\40\0\0\377\0\0\2\0\0\0", 11);
}

static void build_cut(void)
{
    local_add("192.0.2.1");
    local_add("192.0.2.2");
    answer.length -= 4;
}

static void build_cut_header(void)
{
    local_add("192.0.2.1");
    end_add(NLMSG_DONE, 0);
    answer.length -= 8;
}

static void build_short_address(void)
{
    const struct rtmsg body = {.rtm_family = AF_INET6, .rtm_dst_len = 32, .rtm_table = RT_TABLE_LOCAL};

    message_add(RTM_NEWROUTE, &body, sizeof body);
    attribute_add(RTA_DST, "\40\1\15\270", 4);
}

static void build_long_address(void)
{
    const struct rtmsg body = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_LOCAL};

    message_add(RTM_NEWROUTE, &body, sizeof body);
    attribute_add(RTA_DST, &in6addr_loopback, sizeof in6addr_loopback);
}

static void build_long_ipv4_prefix(void)
{
    route_add("192.0.2.1", 33, RTN_LOCAL, RT_TABLE_LOCAL);
}

static void build_long_ipv6_prefix(void)
{
    route_add("2001:db8::1", 129, RTN_LOCAL, RT_TABLE_LOCAL);
}

static void build_short_table(void)
{
    local_add("192.0.2.1");
    attribute_add(RTA_TABLE, "\377", 1);
}

static void build_short_attribute(void)
{
    const struct nlattr header = {.nla_len = 3, .nla_type = RTA_OIF};

    local_add("192.0.2.1");
    bytes_add(&header, sizeof header);
}

static void build_half_attribute(void)
{
    local_add("192.0.2.1");
    bytes_add("\10", 1);
}

static const struct {
    const char *what;
    void (*build)(void);
    int result;
    size_t addresses;
} dumps[] = {
    {"nothing", build_nothing, -EBADMSG, 0},
    {"more to come", build_more, 1, 1},
    {"whole", build_whole, 0, 1},
    {"refusal", build_refusal, -EPERM, 0},
    {"refusal inside DONE", build_refusal_in_done, -ENOENT, 1},
    {"interrupted", build_interrupted, -EAGAIN, 1},
    {"interrupted, told at the end", build_interrupted_end, -EAGAIN, 1},
    {"overrun", build_overrun, -EAGAIN, 0},
    {"wrong sequence", build_other_sequence, -EPROTO, 1},
    {"port 0", build_other_port, -EPROTO, 0},
    {"unknown type", build_other_type, -EBADMSG, 0},
    {"short body", build_short_body, -EBADMSG, 0},
    {"cut within a message", build_cut, -EBADMSG, 1},
    {"cut within a header", build_cut_header, -EBADMSG, 1},
    {"IPv6 address of four bytes", build_short_address, -EBADMSG, 0},
    {"IPv4 address of sixteen bytes", build_long_address, -EBADMSG, 0},
    {"IPv4 prefix of 33 bits", build_long_ipv4_prefix, -EBADMSG, 0},
    {"IPv6 prefix of 129 bits", build_long_ipv6_prefix, -EBADMSG, 0},
    {"table of one byte", build_short_table, -EBADMSG, 0},
    {"attribute shorter than its header", build_short_attribute, -EBADMSG, 0},
    {"attribute cut within its header", build_half_attribute, -EBADMSG, 0},
};

START_TEST(dump_is_handled)
{
    int result;

    answer_begin();
    dumps[_i].build();
    result = dump_handle();
    ck_assert_msg(result == dumps[_i].result, "%s: %d", dumps[_i].what, result);
    ck_assert_msg(sets[RECORD_INET].count + sets[RECORD_INET6].count == dumps[_i].addresses, "%s", dumps[_i].what);
}
END_TEST

/* --- leases ------------------------------------------------------------------------------------------------------ */

/* An address of the host's own; `peer` is that of the other end of a line, NULL for none. */
static void own_add(const char *text, const char *peer, uint8_t flags)
{
    int family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
    struct ifaddrmsg body = {.ifa_family = (uint8_t)family, .ifa_flags = flags};
    size_t length = family == AF_INET ? 4 : 16;
    unsigned char address[16];

    message_add(RTM_NEWADDR, &body, sizeof body);
    ck_assert_int_eq(inet_pton(family, text, address), 1);
    if (family == AF_INET || peer != NULL) {
        attribute_add(IFA_LOCAL, address, length);
    }
    ck_assert_int_eq(inet_pton(family, peer != NULL ? peer : text, address), 1);
    attribute_add(IFA_ADDRESS, address, length);
    attribute_add(IFA_LABEL, "eth0", 5);
}

static enum address_presence lease_find(const char *text)
{
    struct in6_addr address;
    char mapped[64];

    snprintf(mapped, sizeof mapped, "%s%s", strchr(text, ':') == NULL ? "::ffff:" : "", text);
    ck_assert_int_eq(inet_pton(AF_INET6, mapped, &address), 1);
    return address_set_find(&sets[RECORD_INET], &address);
}

static int leases_handle(void)
{
    return address_netlink_handle_leases(answer.bytes, answer.length, SEQUENCE, PORT_ID, &sets[RECORD_INET]);
}

START_TEST(leases_are_kept)
{
    static const struct ifaddrmsg other = {.ifa_family = AF_UNIX};

    answer_begin();
    own_add("127.0.0.1", NULL, IFA_F_PERMANENT);
    own_add("192.0.2.1", NULL, 0);
    own_add("192.0.2.2", NULL, IFA_F_PERMANENT);
    own_add("192.0.2.3", "192.0.2.4", 0);
    own_add("2001:db8::1", NULL, 0);
    own_add("2001:db8::2", NULL, IFA_F_PERMANENT | IFA_F_NODAD);
    own_add("2001:db8::3", "2001:db8::4", IFA_F_DEPRECATED);
    message_add(RTM_NEWADDR, &other, sizeof other);
    end_add(NLMSG_DONE, 0);
    ck_assert_int_eq(leases_handle(), 0);
    ck_assert_uint_eq(sets[RECORD_INET].count, 4);
    address_set_sort(&sets[RECORD_INET]);
    ck_assert_int_eq(lease_find("192.0.2.1"), ADDRESS_LOCAL);
    ck_assert_int_eq(lease_find("192.0.2.2"), ADDRESS_ABSENT);
    ck_assert_int_eq(lease_find("192.0.2.3"), ADDRESS_LOCAL);
    ck_assert_int_eq(lease_find("192.0.2.4"), ADDRESS_ABSENT);
    ck_assert_int_eq(lease_find("2001:db8::1"), ADDRESS_LOCAL);
    ck_assert_int_eq(lease_find("2001:db8::3"), ADDRESS_LOCAL);
    ck_assert_int_eq(lease_find("2001:db8::4"), ADDRESS_ABSENT);
}
END_TEST

static void build_route(void)
{
    local_add("192.0.2.1");
}

static void build_long_lease(void)
{
    const struct ifaddrmsg body = {.ifa_family = AF_INET};

    message_add(RTM_NEWADDR, &body, sizeof body);
    attribute_add(IFA_LOCAL, &in6addr_loopback, sizeof in6addr_loopback);
}

static void build_interrupted_lease(void)
{
    answer.flags |= NLM_F_DUMP_INTR;
    own_add("192.0.2.1", NULL, 0);
    end_add(NLMSG_DONE, 0);
}

static void build_short_lease(void)
{
    const struct ifaddrmsg body = {.ifa_family = AF_INET6};

    message_add(RTM_NEWADDR, &body, sizeof body - 1);
}

static void build_lease_with_half_attribute(void)
{
    const struct ifaddrmsg body = {.ifa_family = AF_INET6};

    message_add(RTM_NEWADDR, &body, sizeof body);
    bytes_add("\x10", 2);
}

static const struct {
    const char *what;
    void (*build)(void);
    int result;
} bad_leases[] = {
    {"a route", build_route, -EBADMSG},
    {"IPv4 address of sixteen bytes", build_long_lease, -EBADMSG},
    {"short body", build_short_lease, -EBADMSG},
    {"attribute cut within its header", build_lease_with_half_attribute, -EBADMSG},
    {"refused", build_refusal, -EPERM},
    {"interrupted", build_interrupted_lease, -EAGAIN},
};

START_TEST(bad_leases_are_errors)
{
    answer_begin();
    bad_leases[_i].build();
    ck_assert_msg(leases_handle() == bad_leases[_i].result, "%s", bad_leases[_i].what);
}
END_TEST

/* --- one address ------------------------------------------------------------------------------------------------- */

static int address_handle(enum address_presence *presence)
{
    *presence = ADDRESS_UNKNOWN;
    return address_netlink_handle_address(answer.bytes, answer.length, SEQUENCE, PORT_ID, presence);
}

static const struct {
    uint8_t type;
    enum address_presence presence;
} answers[] = {
    {RTN_LOCAL, ADDRESS_LOCAL},        {RTN_UNICAST, ADDRESS_ABSENT},   {RTN_BROADCAST, ADDRESS_BROADCAST},
    {RTN_ANYCAST, ADDRESS_ANYCAST},    {RTN_MULTICAST, ADDRESS_ABSENT}, {RTN_BLACKHOLE, ADDRESS_ABSENT},
    {RTN_UNREACHABLE, ADDRESS_ABSENT}, {RTN_PROHIBIT, ADDRESS_ABSENT},  {99, ADDRESS_ABSENT},
};

/* It may come from any table: a rule decided. */
START_TEST(address_is_what_its_route_is)
{
    enum address_presence presence;

    answer_begin();
    answer.flags = 0;
    route_add(_i % 2 == 0 ? "192.0.2.1" : "2001:db8::1", _i % 2 == 0 ? 32 : 128, answers[_i].type, RT_TABLE_MAIN);
    ck_assert_int_eq(address_handle(&presence), 0);
    ck_assert_int_eq(presence, answers[_i].presence);
}
END_TEST

static const struct {
    const char *what;
    void (*build)(void);
    int result;
} bad_answers[] = {
    {"nothing", build_nothing, -EBADMSG},       {"no route", build_refusal, -EPERM},
    {"wrong port", build_other_port, -EPROTO},  {"unknown type", build_other_type, -EBADMSG},
    {"short body", build_short_body, -EBADMSG}, {"attribute shorter than its header", build_short_attribute, -EBADMSG},
};

START_TEST(bad_answer_tells_nothing)
{
    enum address_presence presence;

    answer_begin();
    bad_answers[_i].build();
    ck_assert_msg(address_handle(&presence) == bad_answers[_i].result, "%s", bad_answers[_i].what);
    ck_assert_int_eq(presence, ADDRESS_UNKNOWN);
}
END_TEST

START_TEST(other_family_is_no_answer)
{
    static const struct rtmsg body = {.rtm_family = RTNL_FAMILY_IPMR, .rtm_type = RTN_LOCAL};
    enum address_presence presence;

    answer_begin();
    message_add(RTM_NEWROUTE, &body, sizeof body);
    ck_assert_int_eq(address_handle(&presence), -EBADMSG);
    ck_assert_int_eq(presence, ADDRESS_UNKNOWN);
}
END_TEST

/* --- an interface ------------------------------------------------------------------------------------------------ */

/* Attributes inside of one: written to a buffer first. */
struct nest {
    unsigned char bytes[1024];
    size_t length;
};

static void nest_add(struct nest *nest, uint16_t type, const void *value, size_t length)
{
    struct nlattr header = {.nla_len = (uint16_t)(sizeof header + length), .nla_type = type};

    memset(nest->bytes + nest->length, 0, sizeof header + length + 3);
    memcpy(nest->bytes + nest->length, &header, sizeof header);
    memcpy(nest->bytes + nest->length + sizeof header, value, length);
    nest->length += (sizeof header + length + 3) & ~(size_t)3;
}

/* What the kernel tells of an interface, of which `kind`, `slave_kind` and `ipv6` may be missing. */
struct link {
    const char *kind;
    const char *slave_kind;
    enum {
        IPV6_MISSING,
        IPV6_ON,
        IPV6_OFF,
        IPV6_SHORT
    } ipv6;
    bool no_families;
    struct address_interface expected;
};

static void link_build(const struct link *link)
{
    const struct ifinfomsg body = {.ifi_index = 2};
    int32_t settings[DEVCONF_DISABLE_IPV6 + 5] = {0};
    struct nest info = {.length = 0};
    struct nest ipv6 = {.length = 0};
    struct nest families = {.length = 0};

    message_add(RTM_NEWLINK, &body, sizeof body);
    attribute_add(IFLA_IFNAME, "eth0", sizeof "eth0");
    if (link->kind != NULL) {
        nest_add(&info, IFLA_INFO_KIND, link->kind, strlen(link->kind) + 1);
        nest_add(&info, IFLA_INFO_DATA, "xxxx", 4);
    }
    if (link->slave_kind != NULL) {
        nest_add(&info, IFLA_INFO_SLAVE_KIND, link->slave_kind, strlen(link->slave_kind) + 1);
    }
    if (info.length > 0) {
        attribute_add(IFLA_LINKINFO | NLA_F_NESTED, info.bytes, info.length);
    }
    nest_add(&families, AF_INET, "yyyyyyyy", 8);
    settings[DEVCONF_DISABLE_IPV6] = link->ipv6 == IPV6_OFF;
    nest_add(&ipv6, IFLA_INET6_FLAGS, "zzzz", 4);
    nest_add(&ipv6, IFLA_INET6_CONF, settings,
             link->ipv6 == IPV6_SHORT ? DEVCONF_DISABLE_IPV6 * sizeof *settings : sizeof settings);
    if (link->ipv6 != IPV6_MISSING) {
        nest_add(&families, AF_INET6, ipv6.bytes, ipv6.length);
    }
    if (!link->no_families) {
        attribute_add(IFLA_AF_SPEC, families.bytes, families.length);
    }
}

static const struct link links[] = {
    {NULL, NULL, IPV6_ON, false, {.there = RECORD_YES, .ipv6 = RECORD_YES, .vrf = RECORD_NO}},
    {NULL, NULL, IPV6_OFF, false, {.there = RECORD_YES, .ipv6 = RECORD_NO, .vrf = RECORD_NO}},
    {NULL, NULL, IPV6_MISSING, false, {.there = RECORD_YES, .ipv6 = RECORD_NO, .vrf = RECORD_NO}},
    {NULL, NULL, IPV6_SHORT, false, {.there = RECORD_YES, .ipv6 = RECORD_UNKNOWN, .vrf = RECORD_NO}},
    {NULL, NULL, IPV6_ON, true, {.there = RECORD_YES, .ipv6 = RECORD_UNKNOWN, .vrf = RECORD_NO}},
    {"veth", NULL, IPV6_ON, false, {.there = RECORD_YES, .ipv6 = RECORD_YES, .vrf = RECORD_NO}},
    {"vrf", NULL, IPV6_ON, false, {.there = RECORD_YES, .ipv6 = RECORD_YES, .vrf = RECORD_YES}},
    {"veth", "vrf", IPV6_OFF, false, {.there = RECORD_YES, .ipv6 = RECORD_NO, .vrf = RECORD_YES}},
    {NULL, "bridge", IPV6_ON, false, {.there = RECORD_YES, .ipv6 = RECORD_YES, .vrf = RECORD_NO}},
    {"vrfx", NULL, IPV6_ON, false, {.there = RECORD_YES, .ipv6 = RECORD_YES, .vrf = RECORD_NO}},
};

static int interface_handle(struct address_interface *interface)
{
    return address_netlink_handle_interface(answer.bytes, answer.length, SEQUENCE, PORT_ID, interface);
}

START_TEST(interface_is_reported)
{
    struct address_interface interface = ADDRESS_INTERFACE_UNKNOWN;

    answer_begin();
    answer.flags = 0;
    link_build(&links[_i]);
    ck_assert_int_eq(interface_handle(&interface), 0);
    ck_assert_int_eq(interface.there, links[_i].expected.there);
    ck_assert_int_eq(interface.ipv6, links[_i].expected.ipv6);
    ck_assert_int_eq(interface.vrf, links[_i].expected.vrf);
}
END_TEST

static void build_short_link(void)
{
    message_add(RTM_NEWLINK, "\0\0\0\0", 4);
}

static void nested_link_build(uint16_t type)
{
    const struct ifinfomsg body = {.ifi_index = 2};
    const struct nlattr short_one = {.nla_len = 2, .nla_type = 1};

    message_add(RTM_NEWLINK, &body, sizeof body);
    attribute_add(type, &short_one, sizeof short_one);
    attribute_add(IFLA_MTU, "xxxx", 4);
}

static void build_bad_info(void)
{
    nested_link_build(IFLA_LINKINFO);
}

static void build_bad_families(void)
{
    nested_link_build(IFLA_AF_SPEC);
}

static void build_bad_ipv6(void)
{
    const struct ifinfomsg body = {.ifi_index = 2};
    const struct nlattr long_one = {.nla_len = 400, .nla_type = IFLA_INET6_CONF};
    struct nest families = {.length = 0};

    message_add(RTM_NEWLINK, &body, sizeof body);
    nest_add(&families, AF_INET6, &long_one, sizeof long_one);
    nest_add(&families, AF_INET, "xxxx", 4);
    attribute_add(IFLA_AF_SPEC, families.bytes, families.length);
}

static const struct {
    const char *what;
    void (*build)(void);
    int result;
} bad_links[] = {
    {"nothing", build_nothing, -EBADMSG},
    {"refusal", build_refusal, -EPERM},
    {"another answer", build_more, -EBADMSG},
    {"short body", build_short_link, -EBADMSG},
    {"bad attribute in LINKINFO", build_bad_info, -EBADMSG},
    {"bad attribute in AF_SPEC", build_bad_families, -EBADMSG},
    {"bad attribute in AF_INET6", build_bad_ipv6, -EBADMSG},
};

START_TEST(bad_link_tells_nothing)
{
    struct address_interface interface = ADDRESS_INTERFACE_UNKNOWN;

    answer_begin();
    bad_links[_i].build();
    ck_assert_msg(interface_handle(&interface) == bad_links[_i].result, "%s", bad_links[_i].what);
    ck_assert_int_eq(interface.there, RECORD_UNKNOWN);
    ck_assert_int_eq(interface.ipv6, RECORD_UNKNOWN);
    ck_assert_int_eq(interface.vrf, RECORD_UNKNOWN);
}
END_TEST

/* Of the real kernel: lo is there; the other index and address are nobody's. */
START_TEST(kernel_is_asked)
{
    const struct in6_addr loopback = {{{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}}};
    const struct in6_addr nobody = {{{[10] = 0xff, [11] = 0xff, [12] = 240, [15] = 1}}};
    struct netlink_channel channel;
    struct address_interface gone;

    netlink_channel_init(&channel, NETLINK_ROUTE);
    ck_assert_int_eq(address_netlink_interface(&channel, SCOPE_LOOPBACK_INTERFACE).there, RECORD_YES);
    ck_assert_int_eq(address_netlink_interface(&channel, SCOPE_LOOPBACK_INTERFACE).vrf, RECORD_NO);
    gone = address_netlink_interface(&channel, INT32_MAX);
    ck_assert(gone.there == RECORD_NO && gone.ipv6 == RECORD_UNKNOWN && gone.vrf == RECORD_UNKNOWN);
    ck_assert_int_ne(address_netlink_ask(&channel, &loopback, SCOPE_LOOPBACK_INTERFACE), ADDRESS_UNKNOWN);
    ck_assert_int_ne(address_netlink_ask(&channel, &nobody, 0), ADDRESS_LOCAL);
    netlink_channel_close(&channel);
}
END_TEST

/* It cannot be asked where nothing can be opened; later it can. */
START_TEST(channel_opens_again)
{
    struct netlink_channel channel;
    struct rlimit before;

    netlink_channel_init(&channel, NETLINK_ROUTE);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, before.rlim_max});
    ck_assert_int_eq(address_netlink_interface(&channel, SCOPE_LOOPBACK_INTERFACE).there, RECORD_UNKNOWN);
    ck_assert_int_eq(address_netlink_ask(&channel, &in6addr_loopback, 0), ADDRESS_UNKNOWN);
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_int_eq(address_netlink_interface(&channel, SCOPE_LOOPBACK_INTERFACE).there, RECORD_YES);
    netlink_channel_close(&channel);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address_netlink");
    TCase *dumped = tcase_create("dumps");
    TCase *asked = tcase_create("questions");
    TCase *kernel = tcase_create("questions to the real kernel");

    tcase_add_checked_fixture(dumped, NULL, sets_free);
    tcase_add_test(dumped, local_table_is_kept);
    tcase_add_test(dumped, other_routes_are_left_out);
    tcase_add_test(dumped, cached_routes_are_left_out);
    tcase_add_test(dumped, table_attribute_counts);
    tcase_add_test(dumped, route_without_a_destination_is_for_all);
    tcase_add_test(dumped, many_addresses);
    tcase_add_loop_test(dumped, dump_is_handled, 0, COUNT(dumps));
    tcase_add_test(dumped, leases_are_kept);
    tcase_add_loop_test(dumped, bad_leases_are_errors, 0, COUNT(bad_leases));
    suite_add_tcase(suite, dumped);
    tcase_add_loop_test(asked, address_is_what_its_route_is, 0, COUNT(answers));
    tcase_add_loop_test(asked, bad_answer_tells_nothing, 0, COUNT(bad_answers));
    tcase_add_test(asked, other_family_is_no_answer);
    tcase_add_loop_test(asked, interface_is_reported, 0, COUNT(links));
    tcase_add_loop_test(asked, bad_link_tells_nothing, 0, COUNT(bad_links));
    suite_add_tcase(suite, asked);
    tcase_set_tags(kernel, "kernel");
    tcase_add_test(kernel, kernel_is_asked);
    tcase_add_test(kernel, channel_opens_again);
    suite_add_tcase(suite, kernel);
    return unit_run(suite);
}
