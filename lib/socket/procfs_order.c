/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Finds out whether copies of /proc/net are of a machine of the other byte order.
 */
#include "config.h"

#include "socket/procfs_order.h"

#include "socket/address_procfs.h"
#include "socket/scope.h"

#include <byteswap.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct procfs_order {
    struct address_set sets[RECORD_FAMILIES]; /* the host's addresses, as far as they are known */
    uint64_t own;                             /* sockets whose address makes sense in this machine's byte order only */
    uint64_t swapped;                         /* in the other only */
};

struct procfs_order *procfs_order_create(const char *directory)
{
    struct procfs_order *order = calloc(1, sizeof *order);

    for (int family = 0; family < RECORD_FAMILIES && order != NULL; family++) {
        struct fault fault;
        address_procfs_read(&order->sets[family], directory, (enum record_family)family, true, &fault);
        address_set_sort(&order->sets[family]);
    }
    return order;
}

void procfs_order_free(struct procfs_order *order)
{
    if (order == NULL) {
        return;
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        address_set_free(&order->sets[family]);
    }
    free(order);
}

/* Of 127.0.0.0/8 only this one: reversed, 127.0.0.10 may be a host's 10.0.0.127. */
static bool is_common(enum record_family family, const struct in6_addr *address)
{
    static const struct in6_addr loopback = {{{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}}};

    if (family == RECORD_INET) {
        return memcmp(address, &loopback, sizeof loopback) == 0;
    }
    return IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_V4MAPPED(address) || IN6_IS_ADDR_LINKLOCAL(address) ||
           IN6_IS_ADDR_MC_LINKLOCAL(address);
}

static bool is_sensible(const struct procfs_order *order, enum record_family family, const struct in6_addr *address)
{
    const struct address_set *set = &order->sets[record_is_ipv4(address) ? RECORD_INET : RECORD_INET6];

    return is_common(family, address) ||
           (scope_of(address, 0) != SCOPE_LOOPBACK && address_set_find(set, address) == ADDRESS_LOCAL);
}

void procfs_order_note(struct procfs_order *order, enum record_family family, const struct in6_addr *local)
{
    struct in6_addr reversed = *local;
    bool is_own = is_sensible(order, family, local);
    bool is_swapped;

    procfs_order_swap(family, &reversed);
    is_swapped = is_sensible(order, family, &reversed);
    order->own += is_own && !is_swapped;
    order->swapped += is_swapped && !is_own;
}

bool procfs_order_is_swapped(const struct procfs_order *order)
{
    return order->swapped > order->own;
}

void procfs_order_swap(enum record_family family, struct in6_addr *address)
{
    uint32_t words[4];

    memcpy(words, address, sizeof words);
    for (size_t i = family == RECORD_INET ? 3 : 0; i < 4; i++) {
        words[i] = bswap_32(words[i]);
    }
    memcpy(address, words, sizeof words);
}
