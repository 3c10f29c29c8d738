/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The attributes at the end of a netlink message, or nested in one of them.
 */
#include "config.h"

#include "socket/netlink_attribute.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

int netlink_attribute_next(struct netlink_attributes *rest, struct netlink_attribute *attribute)
{
    struct nlattr header;
    size_t step;

    if (rest->length == 0) {
        return 0;
    }
    if (rest->length < sizeof header) {
        return -EBADMSG;
    }
    memcpy(&header, rest->bytes, sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > rest->length) {
        return -EBADMSG;
    }
    attribute->type = (uint16_t)(header.nla_type & (unsigned)NLA_TYPE_MASK);
    attribute->value = rest->bytes + sizeof header;
    attribute->length = header.nla_len - sizeof header;
    step = ((size_t)header.nla_len + NLA_ALIGNTO - 1) / NLA_ALIGNTO * NLA_ALIGNTO;
    step = step < rest->length ? step : rest->length;
    rest->bytes += step;
    rest->length -= step;
    return 1;
}
