/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One socket in netstat's words, the family that it has on the wire, and what is surprising about it.
 */
#include "config.h"

#include "render/netstat.h"

#include "plugin/escape.h"
#include "plugin/text_buffer.h"
#include "render/wording.h"
#include "socket/host.h"
#include "socket/protocol.h"

#include <stdio.h>
#include <string.h>

/* What was seen on a port: a byte for each port, however many sockets there are. */
enum port_seen {
    SEEN_INET = 1,             /* an AF_INET listener */
    SEEN_INET6 = 2,            /* an AF_INET6 listener that takes no IPv4 */
    SEEN_DUAL = 4,             /* [::] with v6only off */
    SEEN_UNKNOWN = 8,          /* [::] of which the source does not report v6only */
    SEEN_MAPPED = 16,          /* a listener on one IPv4-mapped address */
    SEEN_MAPPED_WILDCARD = 32, /* a listener on ::ffff:0.0.0.0 */
    SEEN_CLIENT = 64           /* an established IPv4 connection of an AF_INET6 socket */
};
#define SEEN_TAKES_IPV4 (SEEN_DUAL | SEEN_UNKNOWN | SEEN_MAPPED | SEEN_MAPPED_WILDCARD)

static enum port_seen listener_seen(const struct sock_record *record)
{
    static const enum port_seen wildcards[] = {
        [RECORD_V6ONLY_UNKNOWN] = SEEN_UNKNOWN,
        [RECORD_V6ONLY_NO] = SEEN_DUAL,
        [RECORD_V6ONLY_YES] = SEEN_INET6,
    };

    if (record->family == RECORD_INET) {
        return SEEN_INET;
    }
    if (record_is_ipv4(&record->local)) {
        return record_is_wildcard(RECORD_INET, &record->local) ? SEEN_MAPPED_WILDCARD : SEEN_MAPPED;
    }
    return record_is_wildcard(RECORD_INET6, &record->local) ? wildcards[record->v6only] : SEEN_INET6;
}

void netstat_note(struct netstat *netstat, const struct sock_record *record)
{
    uint8_t *seen = &netstat->seen[record->protocol][record->local_port];

    if (record_is_listener(record)) {
        *seen = (uint8_t)(*seen | listener_seen(record));
    } else if (protocol_of(record->protocol)->has_connections && record_is_v4_mapped(record)) {
        *seen |= SEEN_CLIENT;
    }
}

/* An IPv4 client of [::] proves what /proc/net does not show, unless a listener on an IPv4-mapped address took it. */
enum record_v6only netstat_v6only(const struct netstat *netstat, const struct sock_record *record)
{
    unsigned seen = netstat->seen[record->protocol][record->local_port];

    if (record->v6only == RECORD_V6ONLY_UNKNOWN && record_is_listener(record) &&
        listener_seen(record) == SEEN_UNKNOWN &&
        (seen & (SEEN_CLIENT | SEEN_MAPPED | SEEN_MAPPED_WILDCARD)) == SEEN_CLIENT) {
        return RECORD_V6ONLY_NO;
    }
    return record->v6only;
}

static bool is_mapped(const struct sock_record *record)
{
    return record->family == RECORD_INET6 && record_is_ipv4(&record->remote);
}

/* What comes in at the listener: on a host without an IPv6 address no IPv6 does, whatever the socket accepts. */
static struct stack_accepts comes_in(const struct netstat *netstat, const struct sock_record *record)
{
    struct stack_accepts accepts = stack_accepts(record->family, &record->local, netstat_v6only(netstat, record));

    if (accepts.ipv6 == RECORD_YES) {
        accepts.ipv6 = netstat->ipv6;
    }
    return accepts;
}

const char *netstat_on_the_wire(const struct netstat *netstat, const struct sock_record *record)
{
    if (record_is_listener(record)) {
        return wording_accepts(comes_in(netstat, record));
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

static void wildcard_explain(struct text_buffer *text, enum record_v6only v6only, bool ipv6)
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

    text_buffer_add(text, "%s", words[v6only][ipv6]);
}

static void listener_explain(struct text_buffer *text, const struct netstat *netstat, const struct sock_record *record)
{
    bool ipv6 = netstat->ipv6 != RECORD_NO;
    char address[RECORD_ADDRESS_SIZE];

    if (record->family == RECORD_INET) {
        return;
    }
    if (record_is_ipv4(&record->local)) {
        text_buffer_add(text, "accepts IPv4 only: it is bound to the IPv4-mapped address %s",
                        record_address_format(address, RECORD_INET6, &record->local));
    } else if (record_is_wildcard(RECORD_INET6, &record->local)) {
        wildcard_explain(text, netstat_v6only(netstat, record), ipv6);
    } else if (!ipv6) {
        text_buffer_add(text, "nothing can reach it: this host has no IPv6 address");
    }
}

/* No listener of now can have taken the connection. */
static void outbound_explain(struct text_buffer *text, const struct sock_record *record, bool port_listens)
{
    bool is_open = record->state == RECORD_ESTABLISHED || record->state == RECORD_SYN_SENT;
    char address[RECORD_ADDRESS_SIZE];

    if (port_listens) {
        text_buffer_add(text,
                        "IPv4 connection of an AF_INET6 socket, though no AF_INET6 listener of port %u takes IPv4 now",
                        (unsigned)record->local_port);
    } else if (is_open) {
        text_buffer_add(text, "outbound IPv4 connection of an AF_INET6 socket, to %s",
                        record_address_format(address, RECORD_INET6, &record->remote));
    } else {
        text_buffer_add(text, "IPv4 connection of an AF_INET6 socket, outbound or of a listener that is gone");
    }
}

static void connection_explain(struct text_buffer *text, const struct netstat *netstat,
                               const struct sock_record *record)
{
    static const char client[] = "IPv4 client of the AF_INET6 listener";
    unsigned seen = netstat->seen[record->protocol][record->local_port];
    unsigned port = record->local_port;
    char address[RECORD_ADDRESS_SIZE];

    if (!is_mapped(record)) {
        return;
    }
    switch (seen & SEEN_TAKES_IPV4) {
    case 0:
        outbound_explain(text, record, (seen & (SEEN_INET | SEEN_INET6)) != 0);
        break;
    case SEEN_DUAL:
        text_buffer_add(text, "%s [::]:%u, which has IPV6_V6ONLY off", client, port);
        break;
    case SEEN_UNKNOWN:
        text_buffer_add(text, "%s [::]:%u, %s", client, port,
                        (seen & SEEN_CLIENT) != 0 ? "which so must have IPV6_V6ONLY off" : "whose v6only is not told");
        break;
    case SEEN_MAPPED_WILDCARD:
        text_buffer_add(text, "%s [::ffff:0.0.0.0]:%u, which is bound to an IPv4-mapped address", client, port);
        break;
    case SEEN_MAPPED:
        text_buffer_add(text, "%s [%s]:%u, which is bound to an IPv4-mapped address", client,
                        record_address_format(address, RECORD_INET6, &record->local), port);
        break;
    default:
        text_buffer_add(text, "IPv4 client of one of the AF_INET6 listeners of port %u", port);
        break;
    }
}

const char *netstat_explain(char text[static NETSTAT_SENTENCE_SIZE], const struct netstat *netstat,
                            const struct sock_record *record)
{
    struct text_buffer sentence = text_buffer_start(text, NETSTAT_SENTENCE_SIZE);
    char interface[IF_NAMESIZE];

    if (record_is_listener(record)) {
        listener_explain(&sentence, netstat, record);
    } else {
        connection_explain(&sentence, netstat, record);
    }
    host_interface_name(interface, record->interface);
    if (*interface != '\0') {
        text_buffer_add(&sentence, "%sbound to the interface %s", sentence.length > 0 ? ", " : "", interface);
    }
    return text;
}

const char *netstat_proto(const struct sock_record *record)
{
    return protocol_of(record->protocol)->names[record->family];
}
