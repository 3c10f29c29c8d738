/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * How far an address can be reached by what it is, whatever addresses the host has.
 */
#include "config.h"

#include "socket/scope.h"

#include <string.h>

static const char *const names[SCOPES] = {
    [SCOPE_LOOPBACK] = "loopback",
    [SCOPE_LINK] = "link",
    [SCOPE_EXTERNAL] = "external",
};

static enum scope ipv4_scope(const uint8_t byte[static 4])
{
    if (byte[0] == 127) {
        return SCOPE_LOOPBACK;
    }
    if ((byte[0] == 169 && byte[1] == 254) || (byte[0] == 224 && byte[1] == 0 && byte[2] == 0)) {
        return SCOPE_LINK;
    }
    return SCOPE_EXTERNAL;
}

/* The low half of a group's second byte is its scope, the high half flags (RFC 4291, 2.7). Scope 0 is never sent. */
static enum scope ipv6_group_scope(const struct in6_addr *group)
{
    unsigned nibble = group->s6_addr[1] & 0x0fu;

    if (nibble <= 1) {
        return SCOPE_LOOPBACK;
    }
    return nibble == 2 ? SCOPE_LINK : SCOPE_EXTERNAL;
}

enum scope scope_of(const struct in6_addr *address, uint32_t interface)
{
    if (interface == SCOPE_LOOPBACK_INTERFACE || IN6_IS_ADDR_LOOPBACK(address)) {
        return SCOPE_LOOPBACK;
    }
    if (record_is_ipv4(address)) {
        return ipv4_scope(address->s6_addr + RECORD_IPV4_OFFSET);
    }
    if (IN6_IS_ADDR_MULTICAST(address)) {
        return ipv6_group_scope(address);
    }
    return IN6_IS_ADDR_LINKLOCAL(address) ? SCOPE_LINK : SCOPE_EXTERNAL;
}

bool scope_is_group(const struct in6_addr *address)
{
    if (record_is_ipv4(address)) {
        return (address->s6_addr[RECORD_IPV4_OFFSET] & 0xf0u) == 0xe0u;
    }
    return IN6_IS_ADDR_MULTICAST(address);
}

const char *scope_name(enum scope scope)
{
    return names[scope];
}

const char *scope_word(int index)
{
    return index < SCOPES ? names[index] : NULL;
}

bool scope_parse(const char *text, enum scope *scope)
{
    for (int i = 0; i < SCOPES; i++) {
        if (strcmp(text, names[i]) == 0) {
            *scope = (enum scope)i;
            return true;
        }
    }
    return false;
}
