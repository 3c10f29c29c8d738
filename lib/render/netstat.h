/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One socket in netstat's words, the family that it has on the wire, and what is surprising about it.
 */
#ifndef RENDER_NETSTAT_H
#define RENDER_NETSTAT_H

#include "audit/tally.h"
#include "plugin/text_buffer.h"
#include "snapshot/owners.h"

/*
 * Functions that take a tally want all listeners in it, with their reach. It is sorted; it need not hold connections.
 */

/* The families that reach the listener now: "IPv4", "IPv6", "IPv4+IPv6", "nothing". A literal. */
const char *netstat_listener_on_the_wire(const struct tally *tally, const struct tally_listener *listener);

/* The same of a socket that listens; else "IPv4", "IPv6", "IPv4 (mapped)", and the tally may be NULL. A literal. */
const char *netstat_on_the_wire(const struct tally *tally, const struct sock_record *record);

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

/* Likewise the unit, or the cgroup's path if it is in no unit; "(gone)", "-" if it is unknown. Returns text. */
const char *netstat_unit_format(char text[static NETSTAT_OWNER_SIZE], const struct owners_entry *unit);

/*
 * Adds "this host has no IPv6 address beyond fe80::/10", if that keeps some listener from being reached over the family
 * as far as it is bound.
 */
void netstat_add_host(struct text_buffer *text, const struct tally *tally, enum record_family family);

#define NETSTAT_SENTENCE_SIZE 512

/* Writes one sentence on what is surprising, "" where nothing is. It includes the interface, which netstat does not
 * show. Returns text. */
const char *netstat_explain(char text[static NETSTAT_SENTENCE_SIZE], const struct tally *tally,
                            const struct sock_record *record);

#endif
