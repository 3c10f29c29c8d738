/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One socket in netstat's words, the family that it has on the wire, and what is surprising about it.
 */
#ifndef RENDER_NETSTAT_H
#define RENDER_NETSTAT_H

#include "snapshot/owners.h"
#include "socket/record.h"

#define NETSTAT_PORTS 65536

/* What must be known of all sockets to explain one. Begin with all zero. */
struct netstat {
    enum record_answer ipv6;                       /* does the host have any IPv6 address? */
    uint8_t seen[RECORD_PROTOCOLS][NETSTAT_PORTS]; /* of each port, however many sockets there are */
};

/* Notes what listens on the socket's port. Every socket must be noted before any other function is called. */
void netstat_note(struct netstat *netstat, const struct sock_record *record);

/* Whether the listener has v6only on, also where only an IPv4 client proves it. */
enum record_v6only netstat_v6only(const struct netstat *netstat, const struct sock_record *record);

/* "IPv4", "IPv6", "IPv4 (mapped)" of a connection; what a listener accepts. A literal. */
const char *netstat_on_the_wire(const struct netstat *netstat, const struct sock_record *record);

/* "tcp6". A literal. */
const char *netstat_proto(const struct sock_record *record);

/* netstat's word; "" for an unconnected UDP socket. A literal. */
const char *netstat_state(const struct sock_record *record);

/*
 * Writes "127.0.0.1:80", ":::*" as netstat does: what is IPv4 on the wire looks like IPv4, no brackets, no interface.
 * Returns text.
 */
const char *netstat_endpoint_format(char text[static RECORD_ENDPOINT_SIZE], enum record_family family,
                                    const struct in6_addr *address, uint16_t port);

/* Longer names of users and units are cut. */
#define NETSTAT_OWNER_SIZE 1024

/* Writes the user's name or number, made harmless; "-" for NULL. Returns text. */
const char *netstat_user_format(char text[static NETSTAT_OWNER_SIZE], const struct owners_entry *user);

/* Likewise the unit, or the cgroup's path where it is of none; "(gone)", "-" where it cannot be told. Returns text. */
const char *netstat_unit_format(char text[static NETSTAT_OWNER_SIZE], const struct owners_entry *unit);

#define NETSTAT_SENTENCE_SIZE 320

/* Writes one sentence on what is surprising, "" where nothing is. It includes the interface, which netstat does not
 * show. Returns text. */
const char *netstat_explain(char text[static NETSTAT_SENTENCE_SIZE], const struct netstat *netstat,
                            const struct sock_record *record);

#endif
