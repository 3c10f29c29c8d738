/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Address prefixes of either family, as the policy's bind= takes them.
 */
#ifndef AUDIT_PREFIX_H
#define AUDIT_PREFIX_H

#include "socket/record.h"

/* An IPv4 prefix is held v4-mapped, its length counted from the start of the 128 bits: 10.0.0.0/8 is /104. */
struct prefix {
    struct in6_addr address;
    unsigned length;
    bool ipv4;
};

#define PREFIX_ERROR_SIZE 120

/*
 * Reads "10.0.0.0/8", "2001:db8::/32", or an address alone, which stands for itself. "::ffff:10.0.0.0/104" is the IPv4
 * prefix 10.0.0.0/8. Bits set beyond the length are an error. Returns false, and error then says what is wrong and what
 * would be right, as the end of a sentence that begins with the text.
 */
bool prefix_parse(const char *text, struct prefix *prefix, char error[static PREFIX_ERROR_SIZE]);

/* True when the address lies in the prefix; an IPv4 (also v4-mapped) address only ever lies in an IPv4 prefix. */
bool prefix_contains(const struct prefix *prefix, const struct in6_addr *address);

/* True for 0.0.0.0/0 or ::/0: all of its family. */
bool prefix_is_whole(const struct prefix *prefix);

#endif
