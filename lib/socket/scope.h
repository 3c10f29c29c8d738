/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * How far an address can be reached by what it is, whatever addresses the host has.
 */
#ifndef SOCKET_SCOPE_H
#define SOCKET_SCOPE_H

#include "socket/record.h"

/* From the narrowest to the widest. */
enum scope {
    SCOPE_LOOPBACK,
    SCOPE_LINK,
    SCOPE_EXTERNAL
};
#define SCOPES 3

/* A set of scopes is the sum of their bits. */
#define SCOPE_BIT(scope) (1u << (scope))
#define SCOPES_ALL (SCOPE_BIT(SCOPES) - 1)

/* The index of lo in every network namespace (kernel source: LOOPBACK_IFINDEX in include/net/flow.h). */
#define SCOPE_LOOPBACK_INTERFACE 1

/*
 * The scope of an address, held as struct sock_record holds it, of a socket bound to that interface (0 for none):
 * - loopback: 127.0.0.0/8, ::1, IPv6 groups of interface-local scope (ff01::/16, ff11::/16 and so on), and whatever is
 *   bound to lo;
 * - link: 169.254.0.0/16, 224.0.0.0/24, fe80::/10, IPv6 groups of link-local scope (ff02::/16, ff12::/16 and so on);
 * - external: all else, wildcards included.
 */
enum scope scope_of(const struct in6_addr *address, uint32_t interface);

/* True for a multicast group of either family: 224.0.0.0/4 and ff00::/8. */
bool scope_is_group(const struct in6_addr *address);

/* "loopback", "link", "external". */
const char *scope_name(enum scope scope);

/* The name of scope number `index`, NULL behind the last one. */
const char *scope_word(int index);

/* Reads a scope's name. Returns false for other text. */
bool scope_parse(const char *text, enum scope *scope);

#endif
