/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What NETLINK_ROUTE says of the host's addresses and interfaces. It needs no privilege.
 */
#ifndef SOCKET_ADDRESS_NETLINK_H
#define SOCKET_ADDRESS_NETLINK_H

#include "socket/address_set.h"
#include "socket/netlink_channel.h"

/*
 * Adds to sets[] (one for each enum record_family, empty, not yet sorted) what the local routing table holds: the
 * host's own addresses and prefixes, and its broadcast and anycast addresses. An interrupted dump is asked for anew a
 * few times. Returns 0; the channel, which netlink_channel_init() made, is then open for the questions below. Or a
 * negative errno with fault->text: the channel is closed, the sets are empty.
 *
 * The dump of a local table that takes more than one answer can miss IPv6 addresses that were there all the time, when
 * others go meanwhile: the kernel resumes by count and sets no NLM_F_DUMP_INTR (seen on Linux 6.18). So ask for each
 * address that it does not hold.
 */
int address_netlink_read(struct netlink_channel *channel, struct address_set sets[static RECORD_FAMILIES],
                         struct fault *fault);

/*
 * Adds to `leases` (empty, not yet sorted) the host's addresses of both families that are not permanent ones: those
 * with a lifetime, and those made from what a router announces (IFA_F_PERMANENT; kernel source: net/ipv4/devinet.c,
 * net/ipv6/addrconf.c). Returns 0, or a negative errno: then the channel is closed and the set is empty.
 */
int address_netlink_read_leases(struct netlink_channel *channel, struct address_set *leases);

/*
 * Asks what one unicast address is, on an interface or anywhere (0). With an interface the answer is about routes
 * through it alone, or of its VRF: it settles fe80:: addresses and those of a VRF, but a host takes any other of its
 * addresses on any interface. ADDRESS_UNKNOWN if the kernel does not say.
 */
enum address_presence address_netlink_ask(struct netlink_channel *channel, const struct in6_addr *address,
                                          uint32_t interface);

/* Asks for an interface by its index. What the kernel does not report stays RECORD_UNKNOWN. */
struct address_interface address_netlink_interface(struct netlink_channel *channel, uint32_t index);

/*
 * Handles `length` bytes as they were received in answer to either dump, to a question for an address, or to one for an
 * interface; sequence, port and what comes back are those of netlink_channel_handle(). For tests and fuzzing; the
 * functions above use nothing else.
 */
int address_netlink_handle_dump(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                                struct address_set sets[static RECORD_FAMILIES]);
int address_netlink_handle_leases(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                                  struct address_set *leases);
int address_netlink_handle_address(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                                   enum address_presence *presence);
int address_netlink_handle_interface(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                                     struct address_interface *interface);

#endif
