/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The byte order of copies of /proc/net. The kernel prints addresses as numbers of its machine, so a copy from a
 * machine of the other byte order has each word of four bytes reversed: 127.0.0.1 reads as 1.0.0.127.
 */
#ifndef SOCKET_PROCFS_ORDER_H
#define SOCKET_PROCFS_ORDER_H

#include "socket/record.h"

/* What the addresses seen so far speak for. */
struct procfs_order;

/*
 * Nothing is seen yet. Reads if_inet6 and fib_trie in `directory`, which spell addresses out in the same way on every
 * machine; without them, only addresses that every host has decide. NULL when out of memory. Ends with
 * procfs_order_free().
 */
struct procfs_order *procfs_order_create(const char *directory);

/* NULL is fine. */
void procfs_order_free(struct procfs_order *order);

/*
 * Takes the local address of a socket, read as this machine's, into account: one that is the host's, or 127.0.0.1, ::1,
 * v4-mapped, in fe80::/10 or ff02::/16 when it is read in one way only.
 */
void procfs_order_note(struct procfs_order *order, enum record_family family, const struct in6_addr *local);

/* True when more addresses make sense in the other byte order than in this machine's. */
bool procfs_order_is_swapped(const struct procfs_order *order);

/* Reverses each word of the address, of AF_INET the one that it has. */
void procfs_order_swap(enum record_family family, struct in6_addr *address);

#endif
