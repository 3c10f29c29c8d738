/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A set of addresses of one family as prefixes, each with what its addresses are: what the kernel's local table holds.
 */
#ifndef SOCKET_ADDRESS_SET_H
#define SOCKET_ADDRESS_SET_H

#include "socket/address_facts.h"

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_SET_LENGTHS 129 /* prefix lengths 0 to 128 */

/* An IPv4 prefix is held v4-mapped, its length counted from the start of the 128 bits: 10.0.0.0/8 is /104. */
struct address_prefix {
    struct in6_addr address; /* all bits beyond the length are 0 */
    uint8_t length;
    uint8_t presence; /* enum address_presence */
};

/* The scopes of the addresses of one interface. */
struct address_owner {
    uint32_t interface;
    unsigned scopes;
};

/* Begin with all zero. About 20 bytes a prefix. */
struct address_set {
    struct address_prefix *prefixes;
    size_t count;
    unsigned scopes;              /* SCOPE_BIT() of what is ADDRESS_LOCAL: of a prefix its first and last address */
    struct address_owner *owners; /* of what is ADDRESS_LOCAL; once sorted each interface once, ascending */
    size_t owner_count;
    bool owners_unknown;                /* the interface of some addresses is unknown */
    size_t starts[ADDRESS_SET_LENGTHS]; /* once sorted: the prefixes of each length, longest first */
    size_t counts[ADDRESS_SET_LENGTHS];
};

/*
 * Adds a prefix of an interface (0: unknown); bits beyond its length (at most 128) are ignored. Returns 0 or -ENOMEM.
 */
int address_set_add(struct address_set *set, const struct in6_addr *address, unsigned length,
                    enum address_presence presence, uint32_t interface);

/*
 * Sorts the prefixes and folds equal ones; of equal ones that differ in presence the first of enum address_presence
 * counts. To be called after the last address_set_add() and before address_set_find().
 */
void address_set_sort(struct address_set *set);

/* The presence of the longest prefix that holds the address; ADDRESS_ABSENT when none does. About log n. */
enum address_presence address_set_find(const struct address_set *set, const struct in6_addr *address);

/*
 * The scopes of the interface's own addresses. Returns false when that is not known. The set is sorted. About log n of
 * the number of interfaces.
 */
bool address_set_own_scopes(const struct address_set *set, uint32_t interface, unsigned *scopes);

/* Takes all prefixes out; the set can be used again. */
void address_set_clear(struct address_set *set);

/* Frees what the set holds and makes it empty. */
void address_set_free(struct address_set *set);

#endif
