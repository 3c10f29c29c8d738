/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The attributes at the end of a netlink message, or nested in one of them.
 */
#ifndef SOCKET_NETLINK_ATTRIBUTE_H
#define SOCKET_NETLINK_ATTRIBUTE_H

#include <stddef.h>
#include <stdint.h>

/* What is left to read: any bytes, at any address. */
struct netlink_attributes {
    const unsigned char *bytes;
    size_t length;
};

struct netlink_attribute {
    uint16_t type; /* without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER */
    const unsigned char *value;
    size_t length; /* of the value */
};

/*
 * Takes the next attribute; its value stays where the bytes are. Returns 1, 0 when none is left, -EBADMSG for one that
 * is cut short or longer than what is left: libmnl's loops end there as if none were left.
 */
int netlink_attribute_next(struct netlink_attributes *rest, struct netlink_attribute *attribute);

#endif
