/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * How far a listener can be reached over each family now: as far as it is bound, and no farther than the host's
 * addresses of that family.
 */
#ifndef AUDIT_REACH_H
#define AUDIT_REACH_H

#include "socket/address_facts.h"
#include "socket/record.h"

/* From the narrowest to the widest; a scope is one less. */
enum reach_extent {
    REACH_NONE,
    REACH_LOOPBACK,
    REACH_LINK,
    REACH_EXTERNAL
};
#define REACH_EXTENTS (REACH_EXTERNAL + 1)

/* What narrows a reach below the scope of the address the socket is bound to. */
enum reach_limit {
    REACH_UNLIMITED,
    REACH_OTHER_FAMILY,        /* no socket of this family and address takes it, on any host */
    REACH_HOST_ADDRESSES,      /* the host has no address of the family that goes as far, or none at all */
    REACH_ADDRESS_ABSENT,      /* the address is none of the host's */
    REACH_INTERFACE_GONE,      /* it is bound to an interface that was deleted */
    REACH_INTERFACE_DOWN,      /* it is bound to an interface that is down */
    REACH_INTERFACE_ADDRESSES, /* the interface it is bound to has no address of the family to be reached at */
    REACH_INTERFACE_NO_IPV6,   /* IPv6 does not run on the interface it is bound to */
    REACH_NOT_LOOPBACK,        /* a loopback address on another interface than lo: such traffic is on lo alone */
    REACH_GROUP_TCP,           /* TCP goes to no group */
    REACH_BROADCAST,           /* a broadcast address: UDP on the link, and no TCP */
    REACH_ANYCAST_TCP          /* Linux accepts no TCP on an anycast address */
};

struct reach {
    enum reach_extent extent;
    enum reach_limit limit;
    bool known; /* false: something that could narrow it further is not known */
};

/* A listener, and what the host says about the address and interface it is bound to. */
struct reach_socket {
    enum record_protocol protocol;
    enum record_family family;
    struct in6_addr address; /* as struct sock_record holds it */
    uint32_t interface;
    enum address_presence presence; /* of the address; of no meaning for a wildcard or a group */
    struct address_interface state; /* of the interface; of no meaning when it is 0 */
};

/*
 * How far the socket can be reached over the family `wire` now. Only the socket's family and address decide here
 * whether it accepts the family: IPV6_V6ONLY is not considered.
 */
struct reach reach_of(const struct reach_socket *socket, const struct address_facts *host, enum record_family wire);

/*
 * How far it is bound to be reached over that family, whatever the host's addresses and interfaces are now: always
 * known. Of socket->presence it only matters whether the address is a broadcast or anycast address.
 */
struct reach reach_as_bound(const struct reach_socket *socket, enum record_family wire);

/* How far the widest of the scopes goes, a sum of SCOPE_BIT(): none without any. */
enum reach_extent reach_of_scopes(unsigned scopes);

/* "none", "loopback", "link", "external". */
const char *reach_name(enum reach_extent extent);

#endif
