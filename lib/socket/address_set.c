/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A set of addresses of one family as prefixes, each with what its addresses are: what the kernel's local table holds.
 */
#include "config.h"

#include "socket/address_set.h"

#include "socket/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 64

/* The address with the bits beyond the length all 0, or all 1. */
static struct in6_addr prefix_end(const struct in6_addr *address, unsigned length, bool last)
{
    struct in6_addr end = *address;
    unsigned whole = length / 8;

    if (length % 8 != 0) {
        uint8_t rest = (uint8_t)(0xffu >> (length % 8));
        end.s6_addr[whole] = (uint8_t)(last ? end.s6_addr[whole] | rest : end.s6_addr[whole] & ~rest);
        whole++;
    }
    memset(end.s6_addr + whole, last ? 0xff : 0, sizeof end.s6_addr - whole);
    return end;
}

int address_set_add(struct address_set *set, const struct in6_addr *address, unsigned length,
                    enum address_presence presence)
{
    struct in6_addr first = prefix_end(address, length, false);

    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? CAPACITY_FIRST : set->capacity * 2;
        struct address_prefix *grown = realloc(set->prefixes, capacity * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        set->prefixes = grown;
        set->capacity = capacity;
    }
    set->prefixes[set->count++] = (struct address_prefix){first, (uint8_t)length, (uint8_t)presence};
    if (presence == ADDRESS_LOCAL) {
        struct in6_addr last = prefix_end(address, length, true);
        set->scopes |= SCOPE_BIT(scope_of(&first, 0)) | SCOPE_BIT(scope_of(&last, 0));
    }
    return 0;
}

/* The longest first, then by address, then by presence. */
static int prefix_compare(const void *left, const void *right)
{
    const struct address_prefix *a = left;
    const struct address_prefix *b = right;
    int order;

    if (a->length != b->length) {
        return a->length > b->length ? -1 : 1;
    }
    order = memcmp(&a->address, &b->address, sizeof a->address);
    return order != 0 ? order : (int)a->presence - (int)b->presence;
}

static bool prefix_is_equal(const struct address_prefix *a, const struct address_prefix *b)
{
    return a->length == b->length && memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

void address_set_sort(struct address_set *set)
{
    size_t kept = 0;

    memset(set->starts, 0, sizeof set->starts);
    memset(set->counts, 0, sizeof set->counts);
    if (set->count == 0) {
        return;
    }
    qsort(set->prefixes, set->count, sizeof *set->prefixes, prefix_compare);
    for (size_t i = 0; i < set->count; i++) {
        if (kept > 0 && prefix_is_equal(&set->prefixes[kept - 1], &set->prefixes[i])) {
            continue;
        }
        set->prefixes[kept] = set->prefixes[i];
        if (set->counts[set->prefixes[kept].length]++ == 0) {
            set->starts[set->prefixes[kept].length] = kept;
        }
        kept++;
    }
    set->count = kept;
}

static int address_compare(const void *key, const void *prefix)
{
    return memcmp(key, &((const struct address_prefix *)prefix)->address, sizeof(struct in6_addr));
}

enum address_presence address_set_find(const struct address_set *set, const struct in6_addr *address)
{
    for (unsigned length = ADDRESS_SET_LENGTHS; length-- > 0;) {
        struct in6_addr first;
        const struct address_prefix *found;

        if (set->counts[length] == 0) {
            continue;
        }
        first = prefix_end(address, length, false);
        found =
            bsearch(&first, set->prefixes + set->starts[length], set->counts[length], sizeof *found, address_compare);
        if (found != NULL) {
            return (enum address_presence)found->presence;
        }
    }
    return ADDRESS_ABSENT;
}

void address_set_clear(struct address_set *set)
{
    set->count = 0;
    set->scopes = 0;
}

void address_set_free(struct address_set *set)
{
    free(set->prefixes);
    *set = (struct address_set){.prefixes = NULL};
}
