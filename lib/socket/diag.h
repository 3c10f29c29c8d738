/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * NETLINK_SOCK_DIAG messages: requests to bytes, bytes to records. Pure, no I/O. The only file that knows the kernel's
 * byte order of ports. Kernel source: include/uapi/linux/inet_diag.h, net/ipv4/inet_diag.c.
 */
#ifndef SOCKET_DIAG_H
#define SOCKET_DIAG_H

#include "socket/filter.h"

/* Room for the longest request diag_request_build() makes. */
#define DIAG_REQUEST_SIZE (FILTER_SIZE + 128)

/*
 * How many dumps the request takes: 1 for one family, 1 for TCP of both (the older TCPDIAG_GETSOCK walks once for both
 * families), 2 for UDP of both.
 */
unsigned diag_dump_count(const struct source_request *request);

/*
 * Writes dump number `dump` (0 to diag_dump_count() - 1) of the request as one netlink message to `message`, 4-byte
 * aligned. Returns its length.
 */
size_t diag_request_build(void *message, const struct source_request *request, unsigned dump, uint32_t sequence);

/*
 * Reads the payload of one answer (what follows struct nlmsghdr). Attributes it does not know are skipped; an absent
 * v6only is RECORD_V6ONLY_UNKNOWN (connections have none), an absent cgroup 0. Returns 0, or -EBADMSG when the payload
 * is shorter than struct inet_diag_msg, names a family other than AF_INET and AF_INET6 or an unknown state, or an
 * attribute runs beyond the end or is too short for its value; *record is undefined then.
 */
int diag_record_decode(const void *payload, size_t length, enum record_protocol protocol, struct sock_record *record);

#endif
