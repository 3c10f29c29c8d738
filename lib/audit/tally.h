/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Records added up to services: listeners and connection counts. Memory grows with services, never with connections.
 */
#ifndef AUDIT_TALLY_H
#define AUDIT_TALLY_H

#include "audit/peers.h"
#include "audit/stack.h"

#include <stddef.h>

/* Connections by what they are: an AF_INET socket, an AF_INET6 one with an IPv4 peer, a true IPv6 one. */
enum tally_kind {
    TALLY_IPV4,
    TALLY_MAPPED,
    TALLY_IPV6
};
#define TALLY_KINDS 3

enum tally_unit {
    TALLY_UNIT_NOT_ASKED, /* not looked up */
    TALLY_UNIT_KNOWN,
    TALLY_UNIT_GONE,      /* its cgroup no longer exists */
    TALLY_UNIT_UNKNOWN,   /* the source does not show its cgroup */
    TALLY_UNIT_UNMOUNTED, /* its cgroup is known, but there is no cgroup2 mount that can be read */
    TALLY_UNIT_HIDDEN,    /* its cgroup is outside the visible part, or is the root of the cgroup namespace */
};
#define TALLY_UNITS (TALLY_UNIT_HIDDEN + 1)

/* Clients of a service, by the scope of the local address they came to. */
struct tally_peers {
    struct peers by[SCOPES][TALLY_KINDS];
};

/* Sockets that listen alike: same service, family, address, interface, v6only and owner. */
struct tally_listener {
    enum record_family family;
    struct in6_addr address;
    uint32_t interface; /* index, 0 for none */
    char interface_name[IF_NAMESIZE];
    enum record_v6only v6only;
    enum scope scope;
    enum address_presence presence;           /* of the address it is bound to */
    struct address_interface interface_state; /* of the interface it is bound to, if it is */
    enum record_answer leased;                /* may another address replace its own? RECORD_NO if not asked for */
    struct reach reach[RECORD_FAMILIES];      /* how far it is reached over a family now, if it takes that at all */
    enum reach_extent bound[RECORD_FAMILIES]; /* how far it would be reached, whatever the host has now */
    bool has_reach;                           /* both are set */
    uint32_t sockets;
    uint32_t uid; /* RECORD_UID_HIDDEN when it is not visible */
    uint64_t cgroup;
    const char *user; /* name of uid, NULL when it has none or was not looked up; kept by the tally */
    enum tally_unit unit_state;
    const char *unit; /* set when TALLY_UNIT_KNOWN; kept by the tally */
};

struct tally_service {
    enum record_protocol protocol;
    uint16_t port;
    bool folds;             /* its listeners come from records: alike ones are one */
    bool sorted;            /* and folded */
    uint8_t accepted_kinds; /* a bit for each enum tally_kind of which a listener accepts any; once sorted */
    struct tally_listener *listeners;
    size_t listener_count;
    size_t listener_room;
    uint64_t connections[SCOPES][TALLY_KINDS]; /* inbound, by the scope of their local address */
    struct tally_peers *peers;                 /* NULL where none were counted */
};

struct tally {
    struct sock_host host;
    struct address_facts addresses; /* which the host has; all zero: not known */
    struct tally_service *services; /* sorted by protocol and port after tally_sort() */
    size_t service_count;
    uint64_t outbound[TALLY_KINDS];
    bool interfaces_unknown[RECORD_PROTOCOLS]; /* the source shows no interfaces, whether sockets are bound to one or
                                                  not */
    char unreadable[RECORD_PROTOCOLS][512];    /* why a protocol could not be read, with the remedy; "" when it was */
    char addresses_unread[256];                /* why addresses of the host could not be read; "" when nothing failed */
    bool counts_peers;                         /* clients are counted, too: to be set before the first connection */
    size_t peers_shared;                       /* what is left of PEERS_SHARED */
    uint32_t *by_port[RECORD_PROTOCOLS];       /* position in services + 1, by port; NULL before the first one */
    void *texts;                               /* names of users and units, each once: the root of a tsearch() tree */
};

/* An empty tally, NULL when out of memory. Ends with tally_free(). */
struct tally *tally_create(void);

/* NULL is fine. */
void tally_free(struct tally *tally);

/*
 * Adds a record: a listener to its service, an established socket to the counts of the service of its local port if
 * tally_could_accept() it and else to the outbound ones, anything else to nothing. So all listeners must be added
 * before the first connection; should be after tally_sort(), as what comes before makes each connection sort anew.
 * Listeners that are alike become one in tally_sort() at the latest, which adds up their sockets. Returns 0 or -ENOMEM.
 */
int tally_add(struct tally *tally, const struct sock_record *record);

/*
 * The listener of that protocol and port that is alike, NULL where there is none. It is valid until the next one is
 * added.
 */
struct tally_listener *tally_listener_find(struct tally *tally, enum record_protocol protocol, uint16_t port,
                                           const struct tally_listener *listener);

/* True when both, which belong to one tally, would be one listener if they came as records. */
bool tally_listeners_are_alike(const struct tally_listener *a, const struct tally_listener *b);

/*
 * Adds the listeners of `other` that are in `tally` not yet; of those in both the higher count of sockets stays.
 * Connections do not matter. Both tallies hold listeners that came as records. To be followed by tally_sort(). Returns
 * 0 or -ENOMEM.
 */
int tally_merge(struct tally *tally, struct tally *other);

/*
 * Adds `listener` (as read from a capture: its user and unit are kept as by tally_text_keep()) to the service of that
 * protocol and port, which is made when it is new. Those alike stay apart. Returns 0 or -ENOMEM.
 */
int tally_listener_add(struct tally *tally, enum record_protocol protocol, uint16_t port,
                       const struct tally_listener *listener);

/*
 * The tally's own copy of the text, one for all that are equal, for the user or unit of a listener. It lives as long as
 * the tally. NULL when out of memory.
 */
const char *tally_text_keep(struct tally *tally, const char *text);

/*
 * Sorts services and their listeners by what they are, independently of the kernel's tables, and merges records that
 * are alike into one listener. To be called when the last listener was added. tally_order() leaves reaches alone, for
 * callers that set each by tally_reach_set() then.
 */
void tally_sort(struct tally *tally);
void tally_order(struct tally *tally);

/*
 * Makes one listener of those that differ in nothing but their cgroup, and sets that to 0: its number changes whenever
 * a unit starts. To be called when the owners are known, on a sorted tally; pointers to listeners are no longer valid.
 */
void tally_cgroups_forget(struct tally *tally);

/* The service, or NULL when nothing listens there. It is valid until the next listener is added. */
struct tally_service *tally_find(const struct tally *tally, enum record_protocol protocol, uint16_t port);

/*
 * The position of the first service of the protocol at this port or above; where there is none, that of the first
 * service behind, or service_count. The tally is sorted.
 */
size_t tally_position(const struct tally *tally, enum record_protocol protocol, uint16_t port);

/*
 * True when a listener of the service, which is the one of the local port of the established `record`, could have
 * accepted it; what none could is outbound, or of a listener that is gone. An AF_INET connection takes an AF_INET
 * listener on 0.0.0.0 or its local address; a v4-mapped one an AF_INET6 listener on :: unless its v6only is known to be
 * on, on ::ffff:0.0.0.0 or on its local address; an IPv6 one an AF_INET6 listener on :: or its local address. A
 * listener bound to an interface accepts what shows that interface only (the kernel hands sk_bound_dev_if down to the
 * socket it accepts: inet_request_bound_dev_if() in include/net/inet_sock.h). The service is sorted.
 */
bool tally_could_accept(const struct tally_service *service, const struct sock_record *record);

/* An address of its own and two wildcards, each with and without its interface. */
#define TALLY_ACCEPTORS_MOST 6

/*
 * The listeners that could have accepted it, by their addresses and interfaces: one of those that share both, the least
 * likely to be v6only. Returns how many, none exactly where tally_could_accept() is false. They live as the service
 * does, which is sorted.
 */
size_t tally_acceptors_find(const struct tally_service *service, const struct sock_record *record,
                            const struct tally_listener *found[static TALLY_ACCEPTORS_MOST]);

/*
 * What is known of the listener whose record this is: the one of its family, address and interface, with the record's
 * own v6only. One that came after all were added has its reach by the host's addresses alone.
 */
struct tally_listener tally_listener_of(const struct tally *tally, const struct sock_record *record);

/* Where the service's clients are counted, made when there is nothing yet. NULL when out of memory. */
struct tally_peers *tally_peers_make(struct tally_service *service);

/* Settles the clients of all services, at most `most` each. Nothing is to be added after that. */
void tally_peers_settle(struct tally *tally, size_t most);

/*
 * The settled clients of the service that came to addresses of these SCOPE_BIT()s, at most `most` of each enum
 * tally_kind. Returns 0 and *merged, TALLY_KINDS of them which tally_peers_free() ends, or NULL where the service has
 * none; or -ENOMEM.
 */
int tally_peers_merge(const struct tally_service *service, unsigned scopes, size_t most, struct peers **merged);

/* NULL is fine. */
void tally_peers_free(struct peers *merged);

/* The v4-mapped connections among these counts. */
uint64_t tally_mapped_sum(const uint64_t counts[static TALLY_KINDS]);

/* The IPv4 connections among these counts: native and v4-mapped ones. */
uint64_t tally_ipv4_sum(const uint64_t counts[static TALLY_KINDS]);

/* What the listener accepts, whatever addresses the host has; and whether one family is of that. */
struct stack_accepts tally_accepts(const struct tally_listener *listener);
enum record_answer tally_accepts_family(const struct tally_listener *listener, enum record_family wire);

/* True when it is known whether the listener is bound to an interface. */
bool tally_interface_is_known(const struct tally *tally, enum record_protocol protocol,
                              const struct tally_listener *listener);

/*
 * How far the listener is reached over the family now, if it takes that at all. Where its own reach is not known, a
 * host without IPv6 is: nothing reaches it over IPv6 there.
 */
struct reach tally_reach(const struct tally *tally, const struct tally_listener *listener, enum record_family wire);

/*
 * Works out the listener's reach from its presence and interface_state and from the host's addresses. Listeners without
 * this are reached as far as they are bound, by tally_sort().
 */
void tally_reach_set(struct tally_listener *listener, enum record_protocol protocol, const struct address_facts *host);

#endif
