/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One walk over the listeners of a protocol, and what the next one says of it: pure, no I/O.
 *
 * The kernel shows its sockets in portions, a bucket of a hash table after the other, and resumes a bucket by the
 * number of the socket in it. So a listener is missed only where a pause fell into its bucket and a socket of that
 * bucket which had been shown before was closed meanwhile. A cookie is given to one socket only: what was closed makes
 * the next walk differ on its port. Where two walks are equal on all ports that may have stood in a bucket with a
 * pause, the first has missed nothing.
 *
 * Which bucket is a secret of the kernel. It goes by the port alone (UDP, and TCP up to Linux 5.18: inet_lhashfn(),
 * udp_hashfn()) or by address and port (ipv4_portaddr_hash(), ipv6_portaddr_hash()). Each way sockets of one address on
 * ports that differ in their low bits are in different ones.
 */
#ifndef SNAPSHOT_WALK_H
#define SNAPSHOT_WALK_H

#include "socket/source.h"

#define WALK_PORTS 65536

/* Local ports, a bit each; all zero are none. */
struct walk_ports {
    uint64_t bits[WALK_PORTS / 64];
};

/* Listeners on one address and port. */
struct walk_place {
    struct in6_addr address; /* as the kernel hashes it */
    uint16_t port;
};

/* Ports whose sums are kept together: an allocation for those of them that are in use. */
#define WALK_BLOCK_PORTS 256

/* How many places of one bucket are kept apart. */
#define WALK_BUCKET_MOST 64

/* Begins with all zero, ends with walk_clear(). */
struct walk {
    uint64_t *sums[WALK_PORTS / WALK_BLOCK_PORTS]; /* over the listeners of each port; NULL where there is none */
    uint64_t sum;                                  /* over all listeners */
    size_t count;                                  /* listeners */
    unsigned pauses;                               /* 0: nothing was missed */
    bool hides_any;                                /* after a pause it may have missed anything */
    struct walk_ports split;                       /* that may have stood in a bucket with a pause */
    struct walk_place bucket[WALK_BUCKET_MOST];    /* the places shown last that may share a bucket */
    size_t bucket_count;
    bool bucket_is_cut; /* more may share it */
};

/* Frees what the walk holds and makes it all zero. */
void walk_clear(struct walk *walk);

/* Notes a listener, in the order in which they are shown. Returns 0 or -ENOMEM. */
int walk_listener_add(struct walk *walk, const struct sock_record *record);

/* Notes a pause that a source_pause reported. */
void walk_pause_add(struct walk *walk, bool anywhere);

/* True when both showed the same sockets. */
bool walk_equals(const struct walk *walk, const struct walk *other);

/*
 * Leaves in `ports` only those on which `walk` may have missed something by what `next` shows: which need not have
 * looked at other ports than those split.
 */
void walk_doubts_keep(struct walk_ports *ports, const struct walk *walk, const struct walk *next);

/* Every port. */
void walk_ports_fill(struct walk_ports *ports);

/* Are there none, and is this port one of them? */
bool walk_ports_are_none(const struct walk_ports *ports);
bool walk_ports_contain(const struct walk_ports *ports, uint16_t port);

/* Is there a port that is in both? */
bool walk_ports_overlap(const struct walk_ports *ports, const struct walk_ports *other);

/* Writes the ports as ranges, ascending, at most `room`. Returns how many; 0 for all ports, or when there are more. */
size_t walk_ports_list(const struct walk_ports *ports, struct source_ports *ranges, size_t room);

#endif
