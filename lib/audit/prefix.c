/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Address prefixes of either family, as the policy's bind= takes them.
 */
#include "config.h"

#include "audit/prefix.h"

#include <stdio.h>
#include <string.h>

/* How many of the 128 bits are before an IPv4 address. */
#define IPV4_OFFSET (RECORD_IPV4_OFFSET * 8u)

/* Reads a length of at most `most`; only digits, no leading zero. */
static bool length_parse(const char *text, unsigned most, unsigned *length)
{
    unsigned value = 0;

    if (*text == '\0' || (text[0] == '0' && text[1] != '\0')) {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(*text - '0');
        if (value > most) {
            return false;
        }
    }
    *length = value;
    return true;
}

static struct in6_addr mask(const struct in6_addr *address, unsigned length)
{
    struct in6_addr masked = *address;

    for (unsigned bit = length; bit < 128; bit++) {
        masked.s6_addr[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    }
    return masked;
}

/* Names the prefix that may have been meant. */
static void bits_beyond_say(const struct prefix *prefix, char error[static PREFIX_ERROR_SIZE])
{
    char text[RECORD_ADDRESS_SIZE];
    struct in6_addr masked = mask(&prefix->address, prefix->length);

    record_address_format(text, prefix->ipv4 ? RECORD_INET : RECORD_INET6, &masked);
    snprintf(error, PREFIX_ERROR_SIZE, "has bits set beyond its length: write %s/%u", text,
             prefix->ipv4 ? prefix->length - IPV4_OFFSET : prefix->length);
}

bool prefix_parse(const char *text, struct prefix *prefix, char error[static PREFIX_ERROR_SIZE])
{
    char address[RECORD_ADDRESS_SIZE];
    const char *slash = strchr(text, '/');
    size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    struct prefix read = {.length = 128};
    bool dotted;
    struct in6_addr masked;

    if (length >= sizeof address) {
        snprintf(error, PREFIX_ERROR_SIZE, "is too long for an address");
        return false;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    dotted = record_address_parse(RECORD_INET, address, &read.address);
    if (!dotted && !record_address_parse(RECORD_INET6, address, &read.address)) {
        snprintf(error, PREFIX_ERROR_SIZE, "is not an address or prefix: use one such as 10.0.0.0/8 or 2001:db8::/32");
        return false;
    }
    if (slash != NULL) {
        unsigned most = dotted ? 32 : 128;
        if (!length_parse(slash + 1, most, &read.length)) {
            snprintf(error, PREFIX_ERROR_SIZE, "is not a prefix: the prefix length must be 0 to %u", most);
            return false;
        }
        read.length += dotted ? IPV4_OFFSET : 0;
    }
    read.ipv4 = record_is_ipv4(&read.address) && read.length >= IPV4_OFFSET;
    masked = mask(&read.address, read.length);
    if (!IN6_ARE_ADDR_EQUAL(&masked, &read.address)) {
        bits_beyond_say(&read, error);
        return false;
    }
    *prefix = read;
    return true;
}

bool prefix_contains(const struct prefix *prefix, const struct in6_addr *address)
{
    struct in6_addr masked = mask(address, prefix->length);

    return prefix->ipv4 == record_is_ipv4(address) && IN6_ARE_ADDR_EQUAL(&masked, &prefix->address);
}

bool prefix_is_whole(const struct prefix *prefix)
{
    return prefix->length == (prefix->ipv4 ? IPV4_OFFSET : 0);
}
