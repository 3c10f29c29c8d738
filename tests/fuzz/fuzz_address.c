/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Fuzzes what tells of the host's addresses: the first byte says which kind of answer of NETLINK_ROUTE, or which file
 * of /proc/net, the rest is. Any bytes are addresses, an end, or an error, never more than was received.
 */
#include "config.h"

#include "fuzz.h"
#include "socket/address_netlink.h"
#include "socket/address_procfs.h"
#include "socket/address_set.h"
#include "socket/scope.h"

#include <string.h>

/* As the seeds have them. */
#define SEQUENCE 1
#define PORT_ID 2

/* Whatever was read, it can be looked up, and only the host's own addresses give it scopes. */
static void set_require(struct address_set *set, enum record_family family)
{
    bool local = false;

    for (size_t i = 0; i < set->count; i++) {
        local = local || set->prefixes[i].presence == ADDRESS_LOCAL;
    }
    FUZZ_REQUIRE((set->scopes != 0) == local);
    FUZZ_REQUIRE(set->scopes < SCOPE_BIT(SCOPES));
    address_set_sort(set);
    for (size_t i = 0; i < set->count; i++) {
        const struct address_prefix *prefix = &set->prefixes[i];
        enum address_presence presence = address_set_find(set, &prefix->address);
        FUZZ_REQUIRE(prefix->length < ADDRESS_SET_LENGTHS);
        FUZZ_REQUIRE(family == RECORD_INET6 || record_is_ipv4(&prefix->address));
        FUZZ_REQUIRE(presence != ADDRESS_UNKNOWN);
        FUZZ_REQUIRE(prefix->length < 128 || presence == (enum address_presence)prefix->presence);
    }
}

static void lines_decode(const char *text, size_t size, enum record_family family, struct address_set *set)
{
    struct address_procfs_text state = {.family = family};
    int result = 0;

    while (result == 0 && size > 0) {
        const char *newline = memchr(text, '\n', size);
        size_t length = newline != NULL ? (size_t)(newline - text) : size;
        size_t step = newline != NULL ? length + 1 : length;
        result = address_procfs_line_decode(&state, text, length, set);
        text += step;
        size -= step;
    }
    FUZZ_REQUIRE(result <= 0);
}

static void question_handle(const void *bytes, size_t size)
{
    enum address_presence presence = ADDRESS_UNKNOWN;
    struct address_interface interface = ADDRESS_INTERFACE_UNKNOWN;
    struct address_set leases = {.prefixes = NULL};

    FUZZ_REQUIRE(address_netlink_handle_leases(bytes, size, SEQUENCE, PORT_ID, &leases) <= 1);
    set_require(&leases, RECORD_INET6);
    address_set_free(&leases);
    if (address_netlink_handle_address(bytes, size, SEQUENCE, PORT_ID, &presence) != 0) {
        FUZZ_REQUIRE(presence == ADDRESS_UNKNOWN);
    }
    if (address_netlink_handle_interface(bytes, size, SEQUENCE, PORT_ID, &interface) != 0) {
        FUZZ_REQUIRE(interface.there == RECORD_UNKNOWN && interface.ipv6 == RECORD_UNKNOWN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address_set sets[RECORD_FAMILIES] = {{.prefixes = NULL}};
    size_t length = size > 0 ? size - 1 : 0;
    /* Exactly as long, so that the sanitizer sees every byte too far. */
    void *bytes = malloc(length > 0 ? length : 1);

    if (length > 0) {
        memcpy(bytes, data + 1, length);
    }
    switch (size > 0 ? data[0] % 4 : 0) {
    case 0:
        FUZZ_REQUIRE(address_netlink_handle_dump(bytes, length, SEQUENCE, PORT_ID, sets) <= 1);
        break;
    case 1:
        question_handle(bytes, length);
        break;
    case 2:
        lines_decode(bytes, length, RECORD_INET, &sets[RECORD_INET]);
        break;
    default:
        lines_decode(bytes, length, RECORD_INET6, &sets[RECORD_INET6]);
        break;
    }
    for (enum record_family family = RECORD_INET; family < RECORD_FAMILIES; family++) {
        set_require(&sets[family], family);
        address_set_free(&sets[family]);
    }
    free(bytes);
    return 0;
}
