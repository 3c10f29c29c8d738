/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "socket/protocol.h"

#include <string.h>

static const struct protocol protocols[] = {
    [RECORD_TCP] =
        {
            .name = "tcp",
            .label = "TCP",
            .reading = "reading the list of TCP sockets",
            .names = {[RECORD_INET] = "tcp", [RECORD_INET6] = "tcp6"},
            .module = "tcp_diag",
            .systemd = "Stream",
            .number = IPPROTO_TCP,
            .listening = RECORD_LISTEN,
            .hashes_address = true,
            .one_walk = true,
            .has_connections = true,
        },
    [RECORD_UDP] =
        {
            .name = "udp",
            .label = "UDP",
            .reading = "reading the list of UDP sockets",
            .names = {[RECORD_INET] = "udp", [RECORD_INET6] = "udp6"},
            .module = "udp_diag",
            .systemd = "Datagram",
            .number = IPPROTO_UDP,
            .listening = RECORD_CLOSE,
            .mixes_sockets = true,
            .shares_client_ports = true,
        },
};
_Static_assert(sizeof protocols / sizeof *protocols == RECORD_PROTOCOLS, "each protocol has a row");

const struct protocol *protocol_of(enum record_protocol protocol)
{
    return &protocols[protocol];
}

const char *protocol_name(enum record_protocol protocol)
{
    return protocols[protocol].name;
}

const char *protocol_word(int index)
{
    return index < RECORD_PROTOCOLS ? protocols[index].name : NULL;
}

bool protocol_parse(const char *name, enum record_protocol *protocol)
{
    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        if (strcmp(name, protocols[i].name) == 0) {
            *protocol = (enum record_protocol)i;
            return true;
        }
    }
    return false;
}
