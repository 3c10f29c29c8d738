/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What one socket's fields mean, and how its address is written.
 */
#include "config.h"

#include "socket/record.h"

#include "socket/protocol.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const struct in6_addr record_wildcards[RECORD_FAMILIES] = {
    [RECORD_INET] = {{{[10] = 0xff, [11] = 0xff}}},
    [RECORD_INET6] = IN6ADDR_ANY_INIT,
};

const char *record_family_name(enum record_family family)
{
    return family == RECORD_INET ? "IPv4" : "IPv6";
}

bool record_is_ipv4(const struct in6_addr *address)
{
    return memcmp(address, &record_wildcards[RECORD_INET], RECORD_IPV4_OFFSET) == 0;
}

bool record_is_wildcard(enum record_family family, const struct in6_addr *address)
{
    return memcmp(address, &record_wildcards[family], sizeof *address) == 0;
}

bool record_is_listener(const struct sock_record *record)
{
    return record->state == protocol_of(record->protocol)->listening && record->local_port != 0;
}

bool record_is_v4_mapped(const struct sock_record *record)
{
    return record->state == RECORD_ESTABLISHED && record->family == RECORD_INET6 && record_is_ipv4(&record->remote);
}

const char *record_address_format(char text[static RECORD_ADDRESS_SIZE], enum record_family family,
                                  const struct in6_addr *address)
{
    _Static_assert(RECORD_ADDRESS_SIZE >= INET6_ADDRSTRLEN, "inet_ntop() fails for want of room only");

    if (family == RECORD_INET) {
        inet_ntop(AF_INET, address->s6_addr + RECORD_IPV4_OFFSET, text, RECORD_ADDRESS_SIZE);
    } else {
        inet_ntop(AF_INET6, address, text, RECORD_ADDRESS_SIZE);
    }
    return text;
}

bool record_address_parse(enum record_family family, const char *text, struct in6_addr *address)
{
    if (family == RECORD_INET6) {
        return inet_pton(AF_INET6, text, address) == 1;
    }
    *address = record_wildcards[RECORD_INET];
    return inet_pton(AF_INET, text, address->s6_addr + RECORD_IPV4_OFFSET) == 1;
}

const char *record_endpoint_format(char text[static RECORD_ENDPOINT_SIZE], enum record_family family,
                                   const struct in6_addr *address, uint16_t port, const char *interface)
{
    bool bracketed = family == RECORD_INET6;
    const char *zone = interface != NULL ? interface : "";
    char plain[RECORD_ADDRESS_SIZE];

    record_address_format(plain, family, address);
    snprintf(text, RECORD_ENDPOINT_SIZE, "%s%s%s%.*s%s:%u", bracketed ? "[" : "", plain, zone[0] != '\0' ? "%" : "",
             IF_NAMESIZE - 1, zone, bracketed ? "]" : "", (unsigned)port);
    return text;
}
