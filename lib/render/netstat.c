/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One socket in netstat's words, the family that it has on the wire, and what is surprising about it.
 */
#include "config.h"

#include "render/netstat.h"

#include "plugin/escape.h"
#include "render/wording.h"
#include "socket/host.h"
#include "socket/protocol.h"

#include <stdio.h>
#include <string.h>

static bool is_mapped(const struct sock_record *record)
{
    return record->family == RECORD_INET6 && record_is_ipv4(&record->remote);
}

/* Whether the listener is reached over the family. */
static enum record_answer is_reached(const struct tally *tally, const struct tally_listener *listener,
                                     enum record_family family, enum record_answer takes)
{
    struct reach reach = tally_reach(tally, listener, family);

    if (takes == RECORD_NO || reach.extent == REACH_NONE) {
        return RECORD_NO;
    }
    return family == RECORD_INET6 && !reach.known && tally->host.ipv6 == RECORD_UNKNOWN ? RECORD_UNKNOWN : takes;
}

const char *netstat_listener_on_the_wire(const struct tally *tally, const struct tally_listener *listener)
{
    struct stack_accepts families = tally_accepts(listener);

    families.ipv4 = is_reached(tally, listener, RECORD_INET, families.ipv4);
    families.ipv6 = is_reached(tally, listener, RECORD_INET6, families.ipv6);
    return wording_accepts(families);
}

const char *netstat_on_the_wire(const struct tally *tally, const struct sock_record *record)
{
    if (record_is_listener(record)) {
        struct tally_listener listener = tally_listener_of(tally, record);
        return netstat_listener_on_the_wire(tally, &listener);
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
    _Static_assert(sizeof names / sizeof *names == RECORD_STATES, "each state has a name, or none");

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
    if (user == NULL || user->id == RECORD_UID_HIDDEN) {
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

/* What the socket is, whatever the host has. */
static void socket_explain(struct text_buffer *text, const struct sock_record *record)
{
    static const char *const by_v6only[] = {
        [RECORD_V6ONLY_UNKNOWN] = "whether it accepts IPv4 too cannot be determined: IPV6_V6ONLY is not visible here",
        [RECORD_V6ONLY_NO] = "accepts IPv4 too: IPV6_V6ONLY is off",
        [RECORD_V6ONLY_YES] = "accepts no IPv4: IPV6_V6ONLY is on",
    };
    _Static_assert(sizeof by_v6only / sizeof *by_v6only == RECORD_V6ONLY_ANSWERS, "each answer has words");
    char address[RECORD_ADDRESS_SIZE];

    if (record->family == RECORD_INET) {
        return;
    }
    if (record_is_ipv4(&record->local)) {
        text_buffer_add(text, "accepts IPv4 only: it is bound to the IPv4-mapped address %s",
                        record_address_format(address, RECORD_INET6, &record->local));
    } else if (record_is_wildcard(RECORD_INET6, &record->local)) {
        text_buffer_add(text, "%s", by_v6only[record->v6only]);
    }
}

static void listener_explain(struct text_buffer *text, const struct tally *tally, const struct sock_record *record)
{
    struct tally_listener listener = tally_listener_of(tally, record);

    socket_explain(text, record);
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        char bytes[NETSTAT_SENTENCE_SIZE];
        struct text_buffer reach = TEXT_BUFFER(bytes);
        wording_add_reach(&reach, tally, &listener, (enum record_family)family);
        if (reach.length > 0) {
            text_buffer_add(text, "%s%s", text->length > 0 ? ", and " : "", bytes);
        }
    }
}

static bool is_limited_by_host(const struct tally *tally, const struct tally_listener *listener,
                               enum record_family family)
{
    return tally_accepts_family(listener, family) != RECORD_NO &&
           tally_reach(tally, listener, family).limit == REACH_HOST_ADDRESSES;
}

void netstat_add_host(struct text_buffer *text, const struct tally *tally, enum record_family family)
{
    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        for (size_t j = 0; j < service->listener_count; j++) {
            if (is_limited_by_host(tally, &service->listeners[j], family)) {
                wording_add_host(text, tally, family);
                return;
            }
        }
    }
}

/* No listener of now can have taken the connection. */
static void outbound_explain(struct text_buffer *text, const struct sock_record *record)
{
    char address[RECORD_ADDRESS_SIZE];

    if (record->state == RECORD_SYN_SENT) {
        text_buffer_add(text, "outbound IPv4 connection of an AF_INET6 socket, to %s",
                        record_address_format(address, RECORD_INET6, &record->remote));
    } else {
        text_buffer_add(text, "IPv4 connection of an AF_INET6 socket, outbound or of a listener that is gone");
    }
}

/* The one listener that can have taken the connection. */
static void inbound_explain(struct text_buffer *text, const struct tally_listener *listener, uint16_t port)
{
    char endpoint[RECORD_ENDPOINT_SIZE];

    record_endpoint_format(endpoint, RECORD_INET6, &listener->address, port, listener->interface_name);
    if (record_is_ipv4(&listener->address)) {
        text_buffer_add(text, "IPv4 client of the AF_INET6 listener %s, which is bound to an IPv4-mapped address",
                        endpoint);
    } else if (listener->v6only == RECORD_V6ONLY_NO) {
        text_buffer_add(text, "IPv4 client of the AF_INET6 listener %s, which has IPV6_V6ONLY off", endpoint);
    } else {
        text_buffer_add(text,
                        "suggests that the AF_INET6 listener %s has IPV6_V6ONLY off: if not, this is outbound, or of "
                        "a listener that is gone",
                        endpoint);
    }
}

static void connection_explain(struct text_buffer *text, const struct tally *tally, const struct sock_record *record)
{
    const struct tally_service *service = tally_find(tally, record->protocol, record->local_port);
    const struct tally_listener *acceptors[TALLY_ACCEPTORS_MOST];
    size_t count;

    if (!is_mapped(record)) {
        return;
    }
    count = service != NULL && record->state != RECORD_SYN_SENT ? tally_acceptors_find(service, record, acceptors) : 0;
    if (count == 0) {
        outbound_explain(text, record);
        return;
    }
    if (count == 1) {
        inbound_explain(text, acceptors[0], record->local_port);
    } else {
        text_buffer_add(text, "IPv4 client of one of the AF_INET6 listeners of port %u", (unsigned)record->local_port);
    }
    if (record->state != RECORD_ESTABLISHED) {
        text_buffer_add(text, ", and not counted, as it is not established");
    }
}

const char *netstat_explain(char text[static NETSTAT_SENTENCE_SIZE], const struct tally *tally,
                            const struct sock_record *record)
{
    struct text_buffer sentence = text_buffer_start(text, NETSTAT_SENTENCE_SIZE);
    char interface[IF_NAMESIZE];

    if (record_is_listener(record)) {
        listener_explain(&sentence, tally, record);
    } else {
        connection_explain(&sentence, tally, record);
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
