/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One socket in netstat's words, what of it is on the wire, and what surprises about it.
 */
#include "config.h"

#include "render/netstat.h"

#include "plugin/escape.h"
#include "render/wording.h"
#include "socket/host.h"
#include "socket/protocol.h"

#include <stdio.h>
#include <string.h>

/* What was met on a port: a byte for each port, however many sockets there are. */
enum met {
    MET_INET = 1,             /* an AF_INET listener */
    MET_INET6 = 2,            /* an AF_INET6 one that takes no IPv4 */
    MET_DUAL = 4,             /* [::] with v6only off */
    MET_UNTOLD = 8,           /* [::] whose v6only the source does not tell */
    MET_MAPPED = 16,          /* a listener on one IPv4-mapped address */
    MET_MAPPED_WILDCARD = 32, /* a listener on ::ffff:0.0.0.0 */
    MET_CLIENT = 64           /* an established IPv4 connection of an AF_INET6 socket */
};
#define MET_TAKES_IPV4 (MET_DUAL | MET_UNTOLD | MET_MAPPED | MET_MAPPED_WILDCARD)

static enum met met_of(const struct sock_record *record)
{
    static const enum met wildcards[] = {
        [RECORD_V6ONLY_UNKNOWN] = MET_UNTOLD,
        [RECORD_V6ONLY_NO] = MET_DUAL,
        [RECORD_V6ONLY_YES] = MET_INET6,
    };

    if (record->family == RECORD_INET) {
        return MET_INET;
    }
    if (record_is_ipv4(&record->local)) {
        return record_is_wildcard(RECORD_INET, &record->local) ? MET_MAPPED_WILDCARD : MET_MAPPED;
    }
    return record_is_wildcard(RECORD_INET6, &record->local) ? wildcards[record->v6only] : MET_INET6;
}

void netstat_meet(struct netstat *wire, const struct sock_record *record)
{
    uint8_t *met = &wire->met[record->protocol][record->local_port];

    if (record_is_listener(record)) {
        *met = (uint8_t)(*met | met_of(record));
    } else if (protocol_of(record->protocol)->has_connections && record_is_v4_mapped(record)) {
        *met |= MET_CLIENT;
    }
}

/* An IPv4 client of [::] proves what /proc/net does not tell, unless a listener on an IPv4-mapped address took it. */
enum record_v6only netstat_v6only(const struct netstat *wire, const struct sock_record *record)
{
    unsigned met = wire->met[record->protocol][record->local_port];

    if (record->v6only == RECORD_V6ONLY_UNKNOWN && record_is_listener(record) && met_of(record) == MET_UNTOLD &&
        (met & (MET_CLIENT | MET_MAPPED | MET_MAPPED_WILDCARD)) == MET_CLIENT) {
        return RECORD_V6ONLY_NO;
    }
    return record->v6only;
}

static bool is_mapped(const struct sock_record *record)
{
    return record->family == RECORD_INET6 && record_is_ipv4(&record->remote);
}

const char *netstat_words(const struct netstat *wire, const struct sock_record *record)
{
    if (record_is_listener(record)) {
        return wording_accepts(stack_accepts(record->family, &record->local, netstat_v6only(wire, record)));
    }
    if (record->family == RECORD_INET) {
        return "IPv4";
    }
    return is_mapped(record) ? "IPv4 (mapped)" : "IPv6";
}

const char *netstat_state(const struct sock_record *record)
{
    static const char *const names[] = {
        [RECORD_ESTABLISHED] = "ESTABLISHED",
        [RECORD_SYN_SENT] = "SYN_SENT",
        [RECORD_SYN_RECV] = "SYN_RECV",
        [RECORD_FIN_WAIT1] = "FIN_WAIT1",
        [RECORD_FIN_WAIT2] = "FIN_WAIT2",
        [RECORD_TIME_WAIT] = "TIME_WAIT",
        [RECORD_CLOSE] = "CLOSE",
        [RECORD_CLOSE_WAIT] = "CLOSE_WAIT",
        [RECORD_LAST_ACK] = "LAST_ACK",
        [RECORD_LISTEN] = "LISTEN",
        [RECORD_CLOSING] = "CLOSING",
        [RECORD_NEW_SYN_RECV] = "SYN_RECV",
    };

    if (protocol_of(record->protocol)->has_connections) {
        return names[record->state];
    }
    return record->state == RECORD_CLOSE ? "" : record->state == RECORD_ESTABLISHED ? "ESTABLISHED" : "UNKNOWN";
}

const char *netstat_endpoint_format(char text[static RECORD_ENDPOINT_SIZE], enum record_family family,
                                    const struct in6_addr *address, uint16_t port)
{
    char plain[RECORD_ADDRESS_SIZE];

    record_address_format(plain, record_is_ipv4(address) ? RECORD_INET : family, address);
    snprintf(text, RECORD_ENDPOINT_SIZE, port != 0 ? "%s:%u" : "%s:*", plain, (unsigned)port);
    return text;
}

const char *netstat_user_format(char text[static NETSTAT_OWNER_SIZE], const struct owners_entry *user)
{
    if (user == NULL) {
        snprintf(text, NETSTAT_OWNER_SIZE, "-");
    } else if (user->name == NULL) {
        snprintf(text, NETSTAT_OWNER_SIZE, "%lu", (unsigned long)user->id);
    } else {
        escape_copy(text, NETSTAT_OWNER_SIZE, user->name, strlen(user->name), ESCAPE_TEXT);
    }
    return text;
}

const char *netstat_unit_format(char text[static NETSTAT_OWNER_SIZE], const struct owners_entry *unit)
{
    if (unit == NULL || unit->name == NULL) {
        snprintf(text, NETSTAT_OWNER_SIZE, "%s", unit != NULL && unit->state == TALLY_UNIT_GONE ? "(gone)" : "-");
    } else {
        escape_copy(text, NETSTAT_OWNER_SIZE, unit->name, strlen(unit->name), ESCAPE_TEXT);
    }
    return text;
}

static void wildcard_explain(char text[static NETSTAT_SENTENCE_SIZE], enum record_v6only v6only, bool ipv6)
{
    static const char *const words[][2] = {
        [RECORD_V6ONLY_UNKNOWN] =
            {"whether it accepts IPv4 cannot be told without v6only, and IPv6 it does not as this "
             "host has no IPv6 address",
             "whether it accepts IPv4 too cannot be told without v6only"},
        [RECORD_V6ONLY_NO] = {"accepts IPv4 only: IPV6_V6ONLY is off, and this host has no IPv6 address",
                              "accepts IPv4 too: IPV6_V6ONLY is off"},
        [RECORD_V6ONLY_YES] = {"nothing can reach it: IPV6_V6ONLY is on, and this host has no IPv6 address",
                               "accepts no IPv4: IPV6_V6ONLY is on"},
    };

    snprintf(text, NETSTAT_SENTENCE_SIZE, "%s", words[v6only][ipv6]);
}

static void listener_explain(char text[static NETSTAT_SENTENCE_SIZE], const struct netstat *wire,
                             const struct sock_record *record)
{
    bool ipv6 = wire->ipv6 != RECORD_NO;

    if (record->family == RECORD_INET) {
        return;
    }
    if (record_is_ipv4(&record->local)) {
        char address[RECORD_ADDRESS_SIZE];
        snprintf(text, NETSTAT_SENTENCE_SIZE, "accepts IPv4 only: it is bound to the IPv4-mapped address %s",
                 record_address_format(address, RECORD_INET6, &record->local));
    } else if (record_is_wildcard(RECORD_INET6, &record->local)) {
        wildcard_explain(text, netstat_v6only(wire, record), ipv6);
    } else if (!ipv6) {
        snprintf(text, NETSTAT_SENTENCE_SIZE, "nothing can reach it: this host has no IPv6 address");
    }
}

/* Nothing that listens now can have taken the connection. */
static void outbound_explain(char text[static NETSTAT_SENTENCE_SIZE], const struct sock_record *record,
                             bool port_listens)
{
    bool is_open = record->state == RECORD_ESTABLISHED || record->state == RECORD_SYN_SENT;

    if (port_listens) {
        snprintf(text, NETSTAT_SENTENCE_SIZE,
                 "IPv4 connection of an AF_INET6 socket, though no AF_INET6 listener of port %u takes IPv4 now",
                 (unsigned)record->local_port);
    } else if (is_open) {
        char address[RECORD_ADDRESS_SIZE];
        snprintf(text, NETSTAT_SENTENCE_SIZE, "outbound IPv4 connection of an AF_INET6 socket, to %s",
                 record_address_format(address, RECORD_INET6, &record->remote));
    } else {
        snprintf(text, NETSTAT_SENTENCE_SIZE,
                 "IPv4 connection of an AF_INET6 socket, outbound or of a listener that is gone");
    }
}

static void connection_explain(char text[static NETSTAT_SENTENCE_SIZE], const struct netstat *wire,
                               const struct sock_record *record)
{
    static const char client[] = "IPv4 client of the AF_INET6 listener";
    unsigned met = wire->met[record->protocol][record->local_port];
    unsigned port = record->local_port;
    char address[RECORD_ADDRESS_SIZE];

    if (!is_mapped(record)) {
        return;
    }
    switch (met & MET_TAKES_IPV4) {
    case 0:
        outbound_explain(text, record, (met & (MET_INET | MET_INET6)) != 0);
        break;
    case MET_DUAL:
        snprintf(text, NETSTAT_SENTENCE_SIZE, "%s [::]:%u, which has IPV6_V6ONLY off", client, port);
        break;
    case MET_UNTOLD:
        snprintf(text, NETSTAT_SENTENCE_SIZE, "%s [::]:%u, %s", client, port,
                 (met & MET_CLIENT) != 0 ? "which so must have IPV6_V6ONLY off" : "whose v6only is not told");
        break;
    case MET_MAPPED_WILDCARD:
        snprintf(text, NETSTAT_SENTENCE_SIZE, "%s [::ffff:0.0.0.0]:%u, which is bound to an IPv4-mapped address",
                 client, port);
        break;
    case MET_MAPPED:
        snprintf(text, NETSTAT_SENTENCE_SIZE, "%s [%s]:%u, which is bound to an IPv4-mapped address", client,
                 record_address_format(address, RECORD_INET6, &record->local), port);
        break;
    default:
        snprintf(text, NETSTAT_SENTENCE_SIZE, "IPv4 client of one of the AF_INET6 listeners of port %u", port);
        break;
    }
}

const char *netstat_explain(char text[static NETSTAT_SENTENCE_SIZE], const struct netstat *wire,
                            const struct sock_record *record)
{
    char interface[IF_NAMESIZE];

    *text = '\0';
    if (record_is_listener(record)) {
        listener_explain(text, wire, record);
    } else {
        connection_explain(text, wire, record);
    }
    host_interface_name(interface, record->interface);
    if (*interface != '\0') {
        size_t length = strlen(text);
        snprintf(text + length, NETSTAT_SENTENCE_SIZE - length, "%sbound to the interface %s", length > 0 ? ", " : "",
                 interface);
    }
    return text;
}

const char *netstat_proto(const struct sock_record *record)
{
    return protocol_of(record->protocol)->names[record->family];
}
