/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The busiest clients of a service, found in bounded memory however many clients there are: the Space-Saving summary of
 * Metwally, Agrawal and El Abbadi (ICDT 2005), made in batches. Each client is counted exactly until there are more
 * than PEERS_EXACT. From then on the least busy ones are dropped, and a client that is new, or comes back, begins with
 * as many connections as a dropped one may have had. So a count is never too low, `excess` bounds how much it is too
 * high, and every client with more than `floor` connections is in the list.
 */
#ifndef AUDIT_PEERS_H
#define AUDIT_PEERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This many clients are always counted separately. */
#define PEERS_EXACT 32768

/* At least this many, if other services took all the memory for more. */
#define PEERS_EXACT_LEAST 1024

/* What all summaries together may hold beyond their least: 5 MiB. */
#define PEERS_SHARED 131072

/* Of a service no more clients than this are listed. */
#define PEERS_MOST 500

struct peers_client {
    struct in6_addr address;    /* IPv4 v4-mapped, as struct sock_record holds it */
    const char *interface_name; /* where there is an index, once someone looked it up; borrowed, else NULL */
    uint64_t connections;
    uint32_t excess;    /* it may have up to this many connections fewer */
    uint32_t interface; /* index, of a link-local address only: 0 for none */
};

/* A summary. Begins with all zero, ends with peers_clear(). */
struct peers {
    struct peers_client *clients; /* once settled: each once, the busiest first */
    size_t count;
    size_t room;
    size_t distinct; /* once settled: clients that were counted separately; all clients while floor is 0 */
    uint32_t floor;  /* the most connections that a dropped client may have had */
};

/* Counts a connection. *shared is what is left of PEERS_SHARED. Returns 0 or -ENOMEM. */
int peers_add(struct peers *peers, const struct in6_addr *address, uint32_t interface, size_t *shared);

/* Adds a client as it was settled, of a capture. Each comes once. Returns 0 or -ENOMEM. */
int peers_client_add(struct peers *peers, const struct peers_client *client);

/* Puts the busiest first, and keeps `most` of them. Nothing is to be counted after that. */
void peers_settle(struct peers *peers, size_t most);

/*
 * Adds what `other` has to `merged`; both are settled, which *merged is no longer. A client of both has the connections
 * of both. Returns 0 or -ENOMEM.
 */
int peers_merge(struct peers *merged, const struct peers *other);

void peers_clear(struct peers *peers);

#endif
