/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Ports that the kernel assigns to clients, and those that it reserves. Plain values, nothing is read.
 */
#ifndef SOCKET_HOST_PORT_H
#define SOCKET_HOST_PORT_H

#include "socket/record.h"

/* Clients get no port below net.ipv4.ip_unprivileged_port_start: this one, unless someone changed it. */
#define HOST_PORT_CLIENT_FIRST 1024

/* Whether it is known which ports the kernel assigns to clients. */
bool host_port_range_is_known(const struct sock_host *host);

/*
 * Whether the kernel assigns this port to clients that request none: it lies in the port range, and is not reserved.
 * False when the range is not known.
 */
bool host_port_is_client(const struct sock_host *host, uint16_t port);

/* The same of a protocol whose clients' sockets look like listeners; false for others. */
bool host_port_is_shared(const struct sock_host *host, enum record_protocol protocol, uint16_t port);

/* Marks the ports as reserved in host->reserved_ports; none when first > last. */
void host_port_reserve(struct sock_host *host, uint16_t first, uint16_t last);

/* Whether net.ipv4.ip_local_reserved_ports holds this port. False also when that is not known. */
bool host_port_is_reserved(const struct sock_host *host, uint16_t port);

#endif
