/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * How far a listener can be reached over each family now: as far as it is bound, and no farther than the host's
 * addresses of that family.
 */
#include "config.h"

#include "audit/reach.h"

#include "socket/protocol.h"
#include "socket/scope.h"

static struct reach reach_none(enum reach_limit limit)
{
    return (struct reach){.extent = REACH_NONE, .limit = limit, .known = true};
}

static void reach_narrow(struct reach *reach, enum reach_extent extent, enum reach_limit limit)
{
    if (extent < reach->extent) {
        reach->extent = extent;
        reach->limit = limit;
    }
}

static bool family_is_taken(const struct reach_socket *socket, enum record_family wire)
{
    if (socket->family == RECORD_INET || record_is_ipv4(&socket->address)) {
        return wire == RECORD_INET;
    }
    return wire == RECORD_INET6 || IN6_IS_ADDR_UNSPECIFIED(&socket->address);
}

/* 0.0.0.0, held as ::ffff:0.0.0.0, which an AF_INET6 socket can be bound to as well; or ::. */
static bool is_wildcard(const struct reach_socket *socket)
{
    return record_is_wildcard(RECORD_INET, &socket->address) || record_is_wildcard(RECORD_INET6, &socket->address);
}

static bool is_on_other_than_lo(const struct reach_socket *socket)
{
    return socket->interface != 0 && socket->interface != SCOPE_LOOPBACK_INTERFACE;
}

struct reach reach_as_bound(const struct reach_socket *socket, enum record_family wire)
{
    struct reach reach = {.extent = (enum reach_extent)(scope_of(&socket->address, socket->interface) + 1),
                          .limit = REACH_UNLIMITED,
                          .known = true};
    bool group = scope_is_group(&socket->address);
    bool connects = protocol_of(socket->protocol)->has_connections;

    if (!family_is_taken(socket, wire)) {
        return reach_none(REACH_OTHER_FAMILY);
    }
    if (connects && group) {
        return reach_none(REACH_GROUP_TCP);
    }
    if (connects && socket->presence == ADDRESS_ANYCAST) {
        return reach_none(REACH_ANYCAST_TCP);
    }
    if (socket->presence == ADDRESS_BROADCAST) {
        reach_narrow(&reach, connects ? REACH_NONE : REACH_LINK, REACH_BROADCAST);
    }
    if (!group && is_on_other_than_lo(socket) && scope_of(&socket->address, 0) == SCOPE_LOOPBACK) {
        return reach_none(REACH_NOT_LOOPBACK);
    }
    return reach;
}

/*
 * The scopes of the addresses at which a wildcard on an interface is reached (tried on Linux 6.18). Linux is a weak
 * host: what comes in by an interface may be for any address of the host, but not for a loopback address, nor for one
 * of fe80::/10 of another interface. lo brings what this host itself sends to addresses of lo, and to no other's.
 */
static unsigned interface_scopes(const struct reach_socket *socket, const struct address_facts *host,
                                 enum record_family wire, bool *known)
{
    unsigned loopback = SCOPE_BIT(SCOPE_LOOPBACK);
    unsigned link = SCOPE_BIT(SCOPE_LINK);
    unsigned all = host->families[wire].scopes;
    unsigned own = socket->state.own.families[wire].scopes;
    bool own_known = socket->state.own.families[wire].known;

    if (socket->interface == SCOPE_LOOPBACK_INTERFACE) {
        *known = own_known || (all & loopback) != 0;
        return own_known ? own : all & loopback;
    }
    if (wire == RECORD_INET6) {
        *known = own_known || (all & link) == 0 || (all & SCOPE_BIT(SCOPE_EXTERNAL)) != 0;
        return (all & SCOPE_BIT(SCOPE_EXTERNAL)) | (own_known ? own & link : all & link);
    }
    *known = true;
    return all & ~loopback;
}

/* What comes to a wildcard comes to an address. The addresses of a VRF are not among those that are known. */
static struct reach wildcard_limit(struct reach reach, const struct reach_socket *socket,
                                   const struct address_facts *host, enum record_family wire)
{
    enum reach_extent widest = reach_of_scopes(host->families[wire].scopes);
    enum reach_extent here;
    bool known;

    if (!host->families[wire].known || (is_on_other_than_lo(socket) && socket->state.vrf == RECORD_YES)) {
        reach.known = false;
        return reach;
    }
    if (widest == REACH_NONE || (widest == REACH_LOOPBACK && is_on_other_than_lo(socket))) {
        return reach_none(REACH_HOST_ADDRESSES);
    }
    reach_narrow(&reach, widest, REACH_HOST_ADDRESSES);
    if (socket->interface == 0) {
        return reach;
    }
    here = reach_of_scopes(interface_scopes(socket, host, wire, &known));
    if (here == REACH_NONE && known) {
        return reach_none(REACH_INTERFACE_ADDRESSES);
    }
    reach.known = reach.known && known;
    reach_narrow(&reach, here == REACH_NONE ? reach.extent : here, REACH_INTERFACE_ADDRESSES);
    return reach;
}

static struct reach unicast_limit(struct reach reach, const struct reach_socket *socket)
{
    if (socket->presence == ADDRESS_ABSENT) {
        return reach_none(REACH_ADDRESS_ABSENT);
    }
    reach.known = reach.known && socket->presence != ADDRESS_UNKNOWN;
    return reach;
}

/*
 * An interface takes what is sent to a group without any address of its own, but of IPv6 only where that runs, and then
 * it has an address of fe80::/10 as a rule (tried on Linux 6.18). So it is where no interface but lo has IPv6, and the
 * one that the socket is bound to is not known to have it, that nothing comes from outside.
 */
static struct reach group_limit(struct reach reach, const struct reach_socket *socket, const struct address_facts *host,
                                enum record_family wire)
{
    enum reach_extent widest = reach_of_scopes(host->families[wire].scopes);

    if (wire == RECORD_INET || (socket->interface != 0 && socket->state.ipv6 == RECORD_YES)) {
        return reach;
    }
    if (!host->families[wire].known) {
        reach.known = false;
    } else if (widest <= REACH_LOOPBACK) {
        reach_narrow(&reach, widest, REACH_HOST_ADDRESSES);
    }
    return reach;
}

struct reach reach_of(const struct reach_socket *socket, const struct address_facts *host, enum record_family wire)
{
    struct reach reach = reach_as_bound(socket, wire);

    if (reach.extent == REACH_NONE) {
        return reach;
    }
    if (socket->interface != 0) {
        if (socket->state.there == RECORD_NO) {
            return reach_none(REACH_INTERFACE_GONE);
        }
        if (socket->state.up == RECORD_NO) {
            return reach_none(REACH_INTERFACE_DOWN);
        }
        if (wire == RECORD_INET6 && socket->state.ipv6 == RECORD_NO) {
            return reach_none(REACH_INTERFACE_NO_IPV6);
        }
        reach.known = socket->state.there == RECORD_YES && (wire == RECORD_INET || socket->state.ipv6 == RECORD_YES);
    }
    if (is_wildcard(socket)) {
        return wildcard_limit(reach, socket, host, wire);
    }
    if (scope_is_group(&socket->address)) {
        return group_limit(reach, socket, host, wire);
    }
    return unicast_limit(reach, socket);
}

enum reach_extent reach_of_scopes(unsigned scopes)
{
    int scope = SCOPES - 1;

    while (scope >= 0 && (scopes & SCOPE_BIT(scope)) == 0) {
        scope--;
    }
    return (enum reach_extent)(scope + 1);
}

const char *reach_name(enum reach_extent extent)
{
    return extent == REACH_NONE ? "none" : scope_name((enum scope)(extent - 1));
}
