/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * How protocols differ. Each such fact is in this table, and nowhere else.
 */
#ifndef SOCKET_PROTOCOL_H
#define SOCKET_PROTOCOL_H

#include "socket/record.h"

/* Room for one of the names below with its NUL. */
#define PROTOCOL_NAME_SIZE 16

/* All texts are static. */
struct protocol {
    const char *name;                   /* as policies, JSON and perfdata spell it: "tcp" */
    const char *label;                  /* in sentences: "TCP" */
    const char *reading;                /* what the program waits for: "reading the list of TCP sockets" */
    const char *names[RECORD_FAMILIES]; /* netstat's word, and the file below /proc/net: "tcp", "tcp6" */
    const char *module;                 /* the kernel's, which answers for it over NETLINK_SOCK_DIAG */
    const char *systemd;                /* the kind of a systemd socket: "Stream" of ListenStream= */
    uint8_t number;                     /* IPPROTO_TCP */
    enum record_state listening;        /* of a socket that waits for clients */
    bool hashes_address;                /* the kernel's table of listeners goes by address, too, since Linux 5.19 */
    bool mixes_sockets;                 /* in that table are others that a request for listeners does not show */
    bool one_walk;                      /* one request shows both families (TCPDIAG_GETSOCK) */
    bool shares_client_ports;           /* a client's socket looks like a listener's, on a port the kernel chose */
    bool has_connections;               /* listeners accept them, and netstat names each of their states */
};

/* The row of the table; static. */
const struct protocol *protocol_of(enum record_protocol protocol);

/* protocol_of(protocol)->name. */
const char *protocol_name(enum record_protocol protocol);

/* The name of protocol number `index`, NULL behind the last one. */
const char *protocol_word(int index);

/* Reads a name. Returns false for other text and leaves *protocol alone. */
bool protocol_parse(const char *name, enum record_protocol *protocol);

#endif
