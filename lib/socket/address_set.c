/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A set of addresses of one family as prefixes, each with what its addresses are: what the kernel's local table holds.
 */
#include "config.h"

#include "socket/address_set.h"

#include "socket/array.h"
#include "socket/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* Addresses of one interface come one after another as a rule, so few owners are kept twice. */
static int owner_add(struct address_set *set, uint32_t interface, unsigned scopes)
{
    struct address_owner *grown;

    if (interface == 0) {
        set->owners_unknown = true;
        return 0;
    }
    if (set->owner_count > 0 && set->owners[set->owner_count - 1].interface == interface) {
        set->owners[set->owner_count - 1].scopes |= scopes;
        return 0;
    }
    grown = array_grow(set->owners, set->owner_count, sizeof *grown);
    if (grown == NULL) {
        return -ENOMEM;
    }
    set->owners = grown;
    set->owners[set->owner_count++] = (struct address_owner){interface, scopes};
    return 0;
}

int address_set_add(struct address_set *set, const struct in6_addr *address, unsigned length,
                    enum address_presence presence, uint32_t interface)
{
    struct in6_addr first = prefix_end(address, length, false);
    struct in6_addr last = prefix_end(address, length, true);
    unsigned scopes = SCOPE_BIT(scope_of(&first, 0)) | SCOPE_BIT(scope_of(&last, 0));
    struct address_prefix *grown = array_grow(set->prefixes, set->count, sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    set->prefixes = grown;
    set->prefixes[set->count++] = (struct address_prefix){first, (uint8_t)length, (uint8_t)presence};
    if (presence != ADDRESS_LOCAL) {
        return 0;
    }
    set->scopes |= scopes;
    return owner_add(set, interface, scopes);
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

static int owner_compare(const void *left, const void *right)
{
    const struct address_owner *a = left;
    const struct address_owner *b = right;

    return a->interface < b->interface ? -1 : a->interface > b->interface;
}

static void owners_sort(struct address_set *set)
{
    size_t kept = 0;

    if (set->owner_count == 0) {
        return;
    }
    qsort(set->owners, set->owner_count, sizeof *set->owners, owner_compare);
    for (size_t i = 1; i < set->owner_count; i++) {
        if (set->owners[i].interface == set->owners[kept].interface) {
            set->owners[kept].scopes |= set->owners[i].scopes;
        } else {
            set->owners[++kept] = set->owners[i];
        }
    }
    set->owner_count = kept + 1;
}

void address_set_sort(struct address_set *set)
{
    size_t kept = 0;

    owners_sort(set);
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

bool address_set_own_scopes(const struct address_set *set, uint32_t interface, unsigned *scopes)
{
    const struct address_owner wanted = {.interface = interface};
    const struct address_owner *found = NULL;

    if (set->owner_count > 0) {
        found = bsearch(&wanted, set->owners, set->owner_count, sizeof wanted, owner_compare);
    }
    *scopes = found != NULL ? found->scopes : 0;
    return !set->owners_unknown;
}

void address_set_clear(struct address_set *set)
{
    set->count = 0;
    set->scopes = 0;
    set->owner_count = 0;
    set->owners_unknown = false;
}

void address_set_free(struct address_set *set)
{
    free(set->prefixes);
    free(set->owners);
    *set = (struct address_set){.prefixes = NULL};
}
