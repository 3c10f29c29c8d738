/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What NETLINK_ROUTE says of the host's addresses and interfaces.
 */
#include "config.h"

#include "socket/address_netlink.h"

#include "socket/netlink_attribute.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* Headers before Linux 4.20 lack it. */
#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

/* An interrupted dump is asked for anew this often before it counts as a failure. */
#define TRIES 5

/* What a type of route in the local table makes of its addresses; ADDRESS_UNKNOWN: nothing. */
static const enum address_presence route_presences[] = {
    [RTN_LOCAL] = ADDRESS_LOCAL,      [RTN_BROADCAST] = ADDRESS_BROADCAST, [RTN_ANYCAST] = ADDRESS_ANYCAST,
    [RTN_BLACKHOLE] = ADDRESS_ABSENT, [RTN_UNREACHABLE] = ADDRESS_ABSENT,  [RTN_PROHIBIT] = ADDRESS_ABSENT,
    [RTN_THROW] = ADDRESS_ABSENT,
};

/* --- decoding ---------------------------------------------------------------------------------------------------- */

/* Addresses in network byte order, of IPv4 v4-mapped; the length counts from the start of the 128 bits. */
struct route {
    enum record_family family;
    struct in6_addr address;
    unsigned length;
    uint32_t table;
    uint32_t interface;
    uint8_t type;
    uint32_t flags;
};

static int route_attribute_decode(const struct netlink_attribute *attribute, struct route *route)
{
    size_t offset = route->family == RECORD_INET ? RECORD_IPV4_OFFSET : 0;

    switch (attribute->type) {
    case RTA_DST:
        if (attribute->length != sizeof route->address - offset) {
            return -EBADMSG;
        }
        memcpy(route->address.s6_addr + offset, attribute->value, attribute->length);
        return 0;
    case RTA_TABLE: /* of numbers above 255 rtm_table has only RT_TABLE_COMPAT */
        if (attribute->length != sizeof route->table) {
            return -EBADMSG;
        }
        memcpy(&route->table, attribute->value, sizeof route->table);
        return 0;
    case RTA_OIF:
        if (attribute->length != sizeof route->interface) {
            return -EBADMSG;
        }
        memcpy(&route->interface, attribute->value, sizeof route->interface);
        return 0;
    default:
        return 0;
    }
}

/* Returns 1, 0 for a route of a family that is neither, or -EBADMSG. */
static int route_decode(const unsigned char *payload, size_t length, struct route *route)
{
    struct rtmsg header;
    struct netlink_attributes rest;
    struct netlink_attribute attribute;
    int result;

    if (length < sizeof header) {
        return -EBADMSG;
    }
    memcpy(&header, payload, sizeof header);
    if (header.rtm_family != AF_INET && header.rtm_family != AF_INET6) {
        return 0;
    }
    route->family = header.rtm_family == AF_INET ? RECORD_INET : RECORD_INET6;
    route->address = record_wildcards[route->family];
    route->length = header.rtm_dst_len + (route->family == RECORD_INET ? RECORD_IPV4_OFFSET * 8u : 0);
    route->table = header.rtm_table;
    route->interface = 0;
    route->type = header.rtm_type;
    route->flags = header.rtm_flags;
    rest = (struct netlink_attributes){payload + sizeof header, length - sizeof header};
    while ((result = netlink_attribute_next(&rest, &attribute)) == 1) {
        if (route_attribute_decode(&attribute, route) < 0) {
            return -EBADMSG;
        }
    }
    return result == 0 && route->length < ADDRESS_SET_LENGTHS ? 1 : -EBADMSG;
}

static enum address_presence route_presence(const struct route *route)
{
    return route->type < sizeof route_presences / sizeof route_presences[0] ? route_presences[route->type]
                                                                            : ADDRESS_UNKNOWN;
}

/* Without strict checking the kernel sends all tables; and IPv6 cache entries came along before Linux 4.2. */
static bool route_is_kept(const struct route *route)
{
    return route->table == RT_TABLE_LOCAL && (route->flags & RTM_F_CLONED) == 0 &&
           route_presence(route) != ADDRESS_UNKNOWN;
}

static int dump_handle(struct netlink_channel *channel, uint16_t type, const unsigned char *payload, size_t length,
                       void *context)
{
    struct address_set *sets = context;
    struct route route;
    int result = type == RTM_NEWROUTE ? route_decode(payload, length, &route) : -EBADMSG;

    if (result < 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, -result);
    }
    if (result == 0 || !route_is_kept(&route)) {
        return 1;
    }
    result =
        address_set_add(&sets[route.family], &route.address, route.length, route_presence(&route), route.interface);
    return result < 0 ? netlink_channel_fail(channel, NETLINK_CHANNEL_HANDLER, -result) : 1;
}

/* IFA_LOCAL is the host's own address where IFA_ADDRESS is that of the other end. */
static int lease_decode(const unsigned char *payload, size_t length, struct in6_addr *address, bool *is_leased)
{
    struct ifaddrmsg header;
    struct netlink_attributes rest;
    struct netlink_attribute attribute;
    bool has_own = false;
    size_t offset;
    int result;

    if (length < sizeof header) {
        return -EBADMSG;
    }
    memcpy(&header, payload, sizeof header);
    *is_leased =
        (header.ifa_family == AF_INET || header.ifa_family == AF_INET6) && (header.ifa_flags & IFA_F_PERMANENT) == 0;
    offset = header.ifa_family == AF_INET ? RECORD_IPV4_OFFSET : 0;
    *address = record_wildcards[header.ifa_family == AF_INET ? RECORD_INET : RECORD_INET6];
    rest = (struct netlink_attributes){payload + sizeof header, length - sizeof header};
    while ((result = netlink_attribute_next(&rest, &attribute)) == 1) {
        bool is_own = attribute.type == IFA_LOCAL;
        if (!is_own && (attribute.type != IFA_ADDRESS || has_own)) {
            continue;
        }
        if (attribute.length != sizeof *address - offset) {
            return -EBADMSG;
        }
        memcpy(address->s6_addr + offset, attribute.value, attribute.length);
        has_own |= is_own;
    }
    return result;
}

static int lease_handle(struct netlink_channel *channel, uint16_t type, const unsigned char *payload, size_t length,
                        void *context)
{
    struct in6_addr address;
    bool is_leased = false;
    int result = type == RTM_NEWADDR ? lease_decode(payload, length, &address, &is_leased) : -EBADMSG;

    if (result < 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, -result);
    }
    result = is_leased ? address_set_add(context, &address, ADDRESS_SET_LENGTHS - 1, ADDRESS_LOCAL, 0) : 0;
    return result < 0 ? netlink_channel_fail(channel, NETLINK_CHANNEL_HANDLER, -result) : 1;
}

/* The answer is one message, without an NLMSG_DONE. */
static int address_handle(struct netlink_channel *channel, uint16_t type, const unsigned char *payload, size_t length,
                          void *context)
{
    enum address_presence *presence = context;
    struct route route;

    if (type != RTM_NEWROUTE || route_decode(payload, length, &route) != 1) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, EBADMSG);
    }
    *presence = route_presence(&route);
    if (*presence == ADDRESS_UNKNOWN) {
        *presence = ADDRESS_ABSENT;
    }
    return 0;
}

static bool text_is(const struct netlink_attribute *attribute, const char *text)
{
    size_t length = strlen(text) + 1;

    return attribute->length == length && memcmp(attribute->value, text, length) == 0;
}

/* IFLA_LINKINFO: "vrf" is the kind of the VRF device, and the slave's kind of what is in it. */
static int link_info_decode(const struct netlink_attribute *info, struct address_interface *interface)
{
    struct netlink_attributes rest = {info->value, info->length};
    struct netlink_attribute attribute;
    int result;

    while ((result = netlink_attribute_next(&rest, &attribute)) == 1) {
        bool is_kind = attribute.type == IFLA_INFO_KIND || attribute.type == IFLA_INFO_SLAVE_KIND;
        if (is_kind && text_is(&attribute, "vrf")) {
            interface->vrf = RECORD_YES;
        }
    }
    return result;
}

/* The values of net.ipv6.conf.NAME in AF_INET6 of IFLA_AF_SPEC, by their numbers in linux/ipv6.h. */
static int link_ipv6_decode(const struct netlink_attribute *ipv6, struct address_interface *interface)
{
    struct netlink_attributes rest = {ipv6->value, ipv6->length};
    struct netlink_attribute attribute;
    int result;

    while ((result = netlink_attribute_next(&rest, &attribute)) == 1) {
        int32_t disabled;
        size_t offset = DEVCONF_DISABLE_IPV6 * sizeof disabled;
        if (attribute.type == IFLA_INET6_CONF && attribute.length >= offset + sizeof disabled) {
            memcpy(&disabled, attribute.value + offset, sizeof disabled);
            interface->ipv6 = disabled == 0 ? RECORD_YES : RECORD_NO;
        }
    }
    return result;
}

/* One whose IFLA_AF_SPEC lacks AF_INET6 has no IPv6: its MTU is too small, or the kernel has none. */
static int link_families_decode(const struct netlink_attribute *families, struct address_interface *interface)
{
    struct netlink_attributes rest = {families->value, families->length};
    struct netlink_attribute attribute;
    int result;

    interface->ipv6 = RECORD_NO;
    while ((result = netlink_attribute_next(&rest, &attribute)) == 1) {
        if (attribute.type == AF_INET6) {
            interface->ipv6 = RECORD_UNKNOWN;
            result = link_ipv6_decode(&attribute, interface);
        }
        if (result < 0) {
            return result;
        }
    }
    return result;
}

static int link_decode(const unsigned char *payload, size_t length, struct address_interface *interface)
{
    struct ifinfomsg header;
    struct netlink_attributes rest;
    struct netlink_attribute attribute;
    int result;

    if (length < sizeof header) {
        return -EBADMSG;
    }
    memcpy(&header, payload, sizeof header);
    rest = (struct netlink_attributes){payload + sizeof header, length - sizeof header};
    *interface = (struct address_interface){.there = RECORD_YES,
                                            .up = (header.ifi_flags & IFF_UP) != 0 ? RECORD_YES : RECORD_NO,
                                            .ipv6 = RECORD_UNKNOWN,
                                            .vrf = RECORD_NO};
    while ((result = netlink_attribute_next(&rest, &attribute)) == 1) {
        if (attribute.type == IFLA_LINKINFO) {
            result = link_info_decode(&attribute, interface);
        } else if (attribute.type == IFLA_AF_SPEC) {
            result = link_families_decode(&attribute, interface);
        }
        if (result < 0) {
            return result;
        }
    }
    return result;
}

static int interface_handle(struct netlink_channel *channel, uint16_t type, const unsigned char *payload, size_t length,
                            void *context)
{
    struct address_interface interface;

    if (type != RTM_NEWLINK || link_decode(payload, length, &interface) < 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, EBADMSG);
    }
    memcpy(context, &interface, sizeof interface);
    return 0;
}

/* --- for tests and fuzzing --------------------------------------------------------------------------------------- */

static int bytes_handle(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                        netlink_channel_handler *handler, void *context)
{
    struct netlink_channel channel;

    netlink_channel_init(&channel, NETLINK_ROUTE);
    channel.sequence = sequence;
    channel.port_id = port_id;
    return netlink_channel_handle(&channel, bytes, length, handler, context);
}

int address_netlink_handle_dump(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                                struct address_set sets[static RECORD_FAMILIES])
{
    return bytes_handle(bytes, length, sequence, port_id, dump_handle, sets);
}

int address_netlink_handle_leases(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                                  struct address_set *leases)
{
    return bytes_handle(bytes, length, sequence, port_id, lease_handle, leases);
}

int address_netlink_handle_address(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                                   enum address_presence *presence)
{
    return bytes_handle(bytes, length, sequence, port_id, address_handle, presence);
}

int address_netlink_handle_interface(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                                     struct address_interface *interface)
{
    return bytes_handle(bytes, length, sequence, port_id, interface_handle, interface);
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

/* Begins a question in the channel's buffer. */
static struct nlmsghdr *question_put(struct netlink_channel *channel, uint16_t type, uint16_t flags, const void *body,
                                     size_t size)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(channel->buffer);

    header->nlmsg_type = type;
    header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    header->nlmsg_seq = channel->sequence;
    memcpy(mnl_nlmsg_put_extra_header(header, size), body, size);
    return header;
}

/*
 * With strict checking the kernel sends the local table alone. Where it has no such option (before Linux 4.20), or has
 * it and refuses to filter the dump of all families at once, it sends all tables.
 */
static int dump_ask(struct netlink_channel *channel, struct address_set *sets, int strict)
{
    const struct rtmsg body = {.rtm_family = AF_UNSPEC, .rtm_table = RT_TABLE_LOCAL};
    int result = netlink_channel_open(channel);
    struct nlmsghdr *header;

    if (result < 0) {
        return result;
    }
    mnl_socket_setsockopt(channel->socket, NETLINK_GET_STRICT_CHK, &strict, sizeof strict);
    header = question_put(channel, RTM_GETROUTE, NLM_F_DUMP, &body, sizeof body);
    return netlink_channel_ask(channel, header->nlmsg_len, dump_handle, sets);
}

static int dump_repeat(struct netlink_channel *channel, struct address_set *sets, int strict)
{
    int result;
    int interruptions = 0;

    do {
        result = dump_ask(channel, sets, strict);
        if (result < 0) {
            netlink_channel_close(channel);
            address_set_clear(&sets[RECORD_INET]);
            address_set_clear(&sets[RECORD_INET6]);
        }
    } while (result == -EAGAIN && ++interruptions < TRIES);
    return result;
}

int address_netlink_read(struct netlink_channel *channel, struct address_set sets[static RECORD_FAMILIES],
                         struct fault *fault)
{
    int result = dump_repeat(channel, sets, 1);

    if (result < 0 && channel->cause == NETLINK_CHANNEL_REFUSAL) {
        result = dump_repeat(channel, sets, 0);
    }
    if (result < 0 && channel->cause != NETLINK_CHANNEL_HANDLER) {
        netlink_channel_fault_set(channel, fault, "local addresses", -result, NULL);
    }
    return result;
}

int address_netlink_read_leases(struct netlink_channel *channel, struct address_set *leases)
{
    const struct ifaddrmsg body = {.ifa_family = AF_UNSPEC};
    int interruptions = 0;
    int result;

    do {
        result = netlink_channel_open(channel);
        if (result == 0) {
            struct nlmsghdr *question = question_put(channel, RTM_GETADDR, NLM_F_DUMP, &body, sizeof body);
            result = netlink_channel_ask(channel, question->nlmsg_len, lease_handle, leases);
        }
        if (result < 0) {
            netlink_channel_close(channel);
            address_set_clear(leases);
        }
    } while (result == -EAGAIN && ++interruptions < TRIES);
    return result;
}

/* Sends a question that has one message for an answer. A refusal leaves nothing unread, any other failure may. */
static int question_ask(struct netlink_channel *channel, const struct nlmsghdr *question,
                        netlink_channel_handler *handler, void *context)
{
    int result = netlink_channel_ask(channel, question->nlmsg_len, handler, context);

    if (result < 0 && channel->cause != NETLINK_CHANNEL_REFUSAL) {
        netlink_channel_close(channel);
    }
    return result;
}

/* Where no route leads, or one that only refuses, there is not an address of the host. */
static bool is_no_route(const struct netlink_channel *channel, int code)
{
    return channel->cause == NETLINK_CHANNEL_REFUSAL &&
           (code == ENETUNREACH || code == EHOSTUNREACH || code == EINVAL || code == EACCES);
}

enum address_presence address_netlink_ask(struct netlink_channel *channel, const struct in6_addr *address,
                                          uint32_t interface)
{
    bool ipv4 = record_is_ipv4(address);
    size_t offset = ipv4 ? RECORD_IPV4_OFFSET : 0;
    size_t size = sizeof *address - offset;
    const struct rtmsg body = {.rtm_family = ipv4 ? AF_INET : AF_INET6, .rtm_dst_len = (uint8_t)(size * 8)};
    enum address_presence presence = ADDRESS_UNKNOWN;
    struct nlmsghdr *question;
    int result;

    if (netlink_channel_open(channel) < 0) {
        netlink_channel_close(channel);
        return ADDRESS_UNKNOWN;
    }
    question = question_put(channel, RTM_GETROUTE, 0, &body, sizeof body);
    mnl_attr_put(question, RTA_DST, size, address->s6_addr + offset);
    if (interface != 0) {
        mnl_attr_put_u32(question, RTA_OIF, interface);
    }
    result = question_ask(channel, question, address_handle, &presence);
    if (result < 0) {
        presence = is_no_route(channel, -result) ? ADDRESS_ABSENT : ADDRESS_UNKNOWN;
    }
    return presence;
}

struct address_interface address_netlink_interface(struct netlink_channel *channel, uint32_t index)
{
    struct address_interface interface = ADDRESS_INTERFACE_UNKNOWN;
    const struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    struct nlmsghdr *question;
    int result;

    if (netlink_channel_open(channel) < 0) {
        netlink_channel_close(channel);
        return interface;
    }
    question = question_put(channel, RTM_GETLINK, 0, &body, sizeof body);
    mnl_attr_put_u32(question, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    result = question_ask(channel, question, interface_handle, &interface);
    if (result == -ENODEV && channel->cause == NETLINK_CHANNEL_REFUSAL) {
        interface.there = RECORD_NO;
    }
    return interface;
}
