/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What is known of the host's addresses and interfaces. Plain values: nothing to free.
 */
#ifndef SOCKET_ADDRESS_FACTS_H
#define SOCKET_ADDRESS_FACTS_H

#include "socket/record.h"

/* Which addresses of each family the host has now. Facts of all zero: nothing is known. */
struct address_facts {
    struct {
        bool known;
        unsigned scopes; /* SCOPE_BIT() of each address that the kernel takes as its own; 0 for no address */
    } families[RECORD_FAMILIES];
};

/* What one address is to the host. */
enum address_presence {
    ADDRESS_UNKNOWN,
    ADDRESS_LOCAL,     /* its own */
    ADDRESS_ABSENT,    /* not its own, now */
    ADDRESS_BROADCAST, /* of a network that it is in, or 255.255.255.255 */
    ADDRESS_ANYCAST    /* IPv6: shared with others, such as a router's subnet-router address (RFC 4291, 2.6.1) */
};

/* What one interface is. */
struct address_interface {
    enum record_answer there; /* RECORD_NO: an index that no interface has, as it was deleted */
    enum record_answer up;    /* RECORD_NO: it is down, and nothing comes in by it */
    enum record_answer ipv6;  /* whether IPv6 runs on it: disable_ipv6, or an MTU below 1280, say no */
    enum record_answer vrf;   /* whether it is a VRF or in one: its addresses are then in no list of the host's */
    struct address_facts own; /* which addresses are its own */
};

/* Nothing is known of an interface. */
#define ADDRESS_INTERFACE_UNKNOWN                                                                                      \
    {                                                                                                                  \
        .there = RECORD_UNKNOWN, .up = RECORD_UNKNOWN, .ipv6 = RECORD_UNKNOWN, .vrf = RECORD_UNKNOWN                   \
    }

#endif
