/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Ports that the kernel assigns to clients, and those that it reserves. Plain values, nothing is read.
 */
#include "config.h"

#include "socket/host_port.h"

#include "socket/protocol.h"

bool host_port_range_is_known(const struct sock_host *host)
{
    return host->port_range_first <= host->port_range_last;
}

void host_port_reserve(struct sock_host *host, uint16_t first, uint16_t last)
{
    for (unsigned port = first; port <= last; port++) {
        host->reserved_ports[port / 8] |= (uint8_t)(1u << (port % 8));
    }
}

bool host_port_is_reserved(const struct sock_host *host, uint16_t port)
{
    return (host->reserved_ports[port / 8] & (1u << (port % 8))) != 0;
}

bool host_port_is_client(const struct sock_host *host, uint16_t port)
{
    return host->port_range_first <= port && port <= host->port_range_last && !host_port_is_reserved(host, port);
}

bool host_port_is_shared(const struct sock_host *host, enum record_protocol protocol, uint16_t port)
{
    return protocol_of(protocol)->shares_client_ports && host_port_is_client(host, port);
}
