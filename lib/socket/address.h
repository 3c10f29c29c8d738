/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Which addresses the host has, and what its interfaces are: what decides how far its sockets can be reached.
 */
#ifndef SOCKET_ADDRESS_H
#define SOCKET_ADDRESS_H

#include "socket/address_facts.h"
#include "socket/source.h"

/* Where the addresses are read from. */
enum address_origin {
    ADDRESS_ORIGIN_HOST,   /* the kernel's local routing table; without NETLINK_ROUTE the folder */
    ADDRESS_ORIGIN_PROCFS, /* the folder alone, of this host */
    ADDRESS_ORIGIN_COPIES  /* the folder alone, which holds another host's files, or this one's of another time */
};

/* The addresses of one host, or network namespace, at one time, and the answers to what was asked since. */
struct address_table;

/*
 * Reads the addresses of the network namespace the process is in, or of the copies. `directory` holds if_inet6 and
 * fib_trie: "/proc/net", or "/proc/self/net" if only that is available, or the copies; it is not kept. A family of
 * which NETLINK_ROUTE shows no address at all is looked up there too: not every sandbox that answers knows a local
 * table. Of copies a file that is missing leaves its family not known.
 *
 * Returns 0, or the negative errno of what could not be read and left a family not known. *table, which the caller ends
 * with address_table_free(), then has the rest; it is NULL for -ENOMEM alone. fault->text is "" when nothing failed;
 * after 0 it says why NETLINK_ROUTE did not answer.
 */
int address_table_read(struct address_table **table, enum address_origin origin, const char *directory,
                       struct fault *fault);

/* Also closes what it asks through. NULL is fine. */
void address_table_free(struct address_table *table);

/* Which addresses the host has. They live as long as the table. NULL: nothing is known. */
const struct address_facts *address_table_facts(const struct address_table *table);

/*
 * What a unicast or broadcast address, held as struct sock_record holds it, is to the host, for a socket bound to that
 * interface (0 for none). What the local table does not settle is asked of the kernel singly, each address once: one
 * that it does not hold (a routing rule or a VRF may say that it is local; a dump can miss it), and one of fe80::/10 on
 * an interface. After 1,000 questions, or without an answer, the table's answer counts; on an interface, which may be
 * in a VRF, an address that it lacks is then ADDRESS_UNKNOWN. Of a family that is not known, for a wildcard, for a
 * group and for a table of NULL the answer is ADDRESS_UNKNOWN, but 255.255.255.255 is always ADDRESS_BROADCAST.
 */
enum address_presence address_table_find(struct address_table *table, const struct in6_addr *address,
                                         uint32_t interface);

/*
 * May another address replace this one, because it is leased (DHCP) or made from a router advertisement? The kernel
 * keeps such addresses with a lifetime, or as not permanent; DHCP clients that set no lifetime are not recognised. All
 * addresses are asked for at once, when this is first called. RECORD_NO also for an address that the host does not
 * have; RECORD_UNKNOWN if NETLINK_ROUTE does not say, and for a table of NULL. RECORD_NO for a wildcard or a group,
 * which are not addresses of one host.
 */
enum record_answer address_table_is_leased(struct address_table *table, const struct in6_addr *address);

/*
 * What the interface of that index is; of copies, for a table of NULL and of 0, for no interface, nothing is known.
 * Each is asked for once: over NETLINK_ROUTE, and without it by if_indextoname() and net.ipv6.conf.NAME.disable_ipv6,
 * which do not tell a VRF.
 */
struct address_interface address_table_interface(struct address_table *table, uint32_t index);

#endif
