/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Which addresses the host has, and what its interfaces are: what decides how far its sockets can be reached.
 */
#include "config.h"

#include "socket/address.h"

#include "socket/address_netlink.h"
#include "socket/address_procfs.h"
#include "socket/address_set.h"
#include "socket/array.h"
#include "socket/host.h"
#include "socket/netlink_channel.h"
#include "socket/scope.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Anyone can bind sockets to any number of addresses that no host has (IP_FREEBIND). A question takes about 5 us. */
#define QUESTIONS_MOST 1000

/* What was asked about an address; or, of :: which never is asked about, about the interface itself. */
struct answer {
    struct in6_addr address;
    uint32_t interface;
    enum address_presence presence;
    struct address_interface state;
};

struct address_table {
    struct address_facts facts;
    struct address_set sets[RECORD_FAMILIES];
    struct address_set leases;
    enum record_answer leases_known; /* RECORD_UNKNOWN: not asked for yet */
    bool is_copy;
    bool from_netlink[RECORD_FAMILIES]; /* the set is from NETLINK_ROUTE, so more can be asked there */
    struct answer *answers;             /* ascending */
    size_t answer_count;
    unsigned questions;
    struct netlink_channel channel;
};

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Keeps what failed first, and with it what then failed too. */
static void fault_add(struct fault *fault, const struct fault *added)
{
    char first[sizeof fault->text];

    memcpy(first, fault->text, sizeof first);
    if (first[0] == '\0') {
        memcpy(fault->text, added->text, sizeof fault->text);
    } else {
        snprintf(fault->text, sizeof fault->text, "%.125s, %.125s", first, added->text);
    }
}

/* Returns 0 or a negative errno; either way more can be read from files. */
static int netlink_read(struct address_table *table, struct fault *fault)
{
    int result = address_netlink_read(&table->channel, table->sets, fault);

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        table->from_netlink[family] = result == 0 && table->sets[family].count > 0;
        table->facts.families[family].known = table->from_netlink[family];
    }
    return result;
}

static int files_read(struct address_table *table, const char *directory, struct fault *fault)
{
    int failed = 0;

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        struct fault added = {""};
        int result;
        if (table->from_netlink[family]) {
            continue;
        }
        result =
            address_procfs_read(&table->sets[family], directory, (enum record_family)family, table->is_copy, &added);
        table->facts.families[family].known = result > 0;
        if (result < 0) {
            fault_add(fault, &added);
            failed = result;
        }
    }
    return failed;
}

int address_table_read(struct address_table **table, enum address_origin origin, const char *directory,
                       struct fault *fault)
{
    struct address_table *read = calloc(1, sizeof *read);
    int result;

    fault->text[0] = '\0';
    *table = NULL;
    if (read == NULL) {
        return -ENOMEM;
    }
    netlink_channel_init(&read->channel, NETLINK_ROUTE);
    read->leases_known = RECORD_UNKNOWN;
    read->is_copy = origin == ADDRESS_ORIGIN_COPIES;
    if (origin == ADDRESS_ORIGIN_HOST) {
        netlink_read(read, fault);
    }
    result = files_read(read, directory, fault);
    if (result == -ENOMEM) {
        address_table_free(read);
        return result;
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        address_set_sort(&read->sets[family]);
        read->facts.families[family].scopes = read->sets[family].scopes;
    }
    *table = read;
    return result;
}

void address_table_free(struct address_table *table)
{
    if (table == NULL) {
        return;
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        address_set_free(&table->sets[family]);
    }
    address_set_free(&table->leases);
    netlink_channel_close(&table->channel);
    free(table->answers);
    free(table);
}

const struct address_facts *address_table_facts(const struct address_table *table)
{
    static const struct address_facts nothing;

    return table != NULL ? &table->facts : &nothing;
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

static int answer_compare(const struct answer *answer, const struct in6_addr *address, uint32_t interface)
{
    int order = memcmp(&answer->address, address, sizeof *address);

    if (order != 0) {
        return order;
    }
    return answer->interface < interface ? -1 : answer->interface > interface;
}

/* The position of the first answer that is not less. */
static size_t answer_position(const struct address_table *table, const struct in6_addr *address, uint32_t interface)
{
    size_t first = 0;
    size_t last = table->answer_count;

    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (answer_compare(&table->answers[middle], address, interface) < 0) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return first;
}

/* The answer that is kept, or NULL. */
static const struct answer *answer_find(const struct address_table *table, const struct in6_addr *address,
                                        uint32_t interface)
{
    size_t position = answer_position(table, address, interface);

    if (position == table->answer_count || answer_compare(&table->answers[position], address, interface) != 0) {
        return NULL;
    }
    return &table->answers[position];
}

/* Out of memory only means that it will be asked again. */
static void answer_keep(struct address_table *table, const struct answer *answer)
{
    size_t position = answer_position(table, &answer->address, answer->interface);
    struct answer *grown = array_grow(table->answers, table->answer_count, sizeof *grown);

    if (grown == NULL) {
        return;
    }
    table->answers = grown;
    memmove(table->answers + position + 1, table->answers + position,
            (table->answer_count - position) * sizeof *table->answers);
    table->answers[position] = *answer;
    table->answer_count++;
}

/* Addresses that are of one interface alone: those of fe80::/10, and what lo takes. */
static bool is_of_interface(const struct in6_addr *address, uint32_t interface)
{
    return interface == SCOPE_LOOPBACK_INTERFACE || (interface != 0 && IN6_IS_ADDR_LINKLOCAL(address));
}

/* Linux takes any other address on any interface, so the answer for all comes first. */
static enum address_presence presence_ask(struct address_table *table, const struct in6_addr *address,
                                          uint32_t interface)
{
    enum address_presence presence = ADDRESS_ABSENT;

    if (!is_of_interface(address, interface)) {
        table->questions++;
        presence = address_netlink_ask(&table->channel, address, 0);
    }
    if (presence == ADDRESS_ABSENT && interface != 0) {
        table->questions++;
        presence = address_netlink_ask(&table->channel, address, interface);
    }
    return presence;
}

/* What the kernel says, now or when it was asked before. */
static enum address_presence presence_find(struct address_table *table, const struct in6_addr *address,
                                           uint32_t interface)
{
    const struct answer *kept = answer_find(table, address, interface);
    struct answer answer = {.address = *address, .interface = interface};

    if (kept != NULL) {
        return kept->presence;
    }
    if (table->questions >= QUESTIONS_MOST) {
        return ADDRESS_UNKNOWN;
    }
    answer.presence = presence_ask(table, address, interface);
    answer_keep(table, &answer);
    return answer.presence;
}

enum address_presence address_table_find(struct address_table *table, const struct in6_addr *address,
                                         uint32_t interface)
{
    static const struct in6_addr limited_broadcast = {
        {{[10] = 0xff, [11] = 0xff, [12] = 0xff, [13] = 0xff, [14] = 0xff, [15] = 0xff}}};
    enum record_family family = record_is_ipv4(address) ? RECORD_INET : RECORD_INET6;
    enum address_presence presence;
    enum address_presence answer;

    if (memcmp(address, &limited_broadcast, sizeof *address) == 0) {
        return ADDRESS_BROADCAST;
    }
    if (table == NULL || !table->facts.families[family].known || record_is_wildcard(family, address) ||
        scope_is_group(address)) {
        return ADDRESS_UNKNOWN;
    }
    presence = address_set_find(&table->sets[family], address);
    if (!table->from_netlink[family] || (presence != ADDRESS_ABSENT && !is_of_interface(address, interface))) {
        return presence;
    }
    answer = presence_find(table, address, interface);
    /* Without an answer the table's counts, unless the interface may have a table of its own, as in a VRF. */
    if (answer == ADDRESS_UNKNOWN && (presence != ADDRESS_ABSENT || interface == 0)) {
        return presence;
    }
    return answer;
}

enum record_answer address_table_is_leased(struct address_table *table, const struct in6_addr *address)
{
    enum record_family family = record_is_ipv4(address) ? RECORD_INET : RECORD_INET6;

    if (record_is_wildcard(family, address) || scope_is_group(address)) {
        return RECORD_NO;
    }
    if (table == NULL || !table->from_netlink[family]) {
        return RECORD_UNKNOWN;
    }
    if (table->leases_known == RECORD_UNKNOWN) {
        int result = address_netlink_read_leases(&table->channel, &table->leases);
        table->leases_known = result == 0 ? RECORD_YES : RECORD_NO;
        address_set_sort(&table->leases);
    }
    if (table->leases_known == RECORD_NO) {
        return RECORD_UNKNOWN;
    }
    return address_set_find(&table->leases, address) == ADDRESS_LOCAL ? RECORD_YES : RECORD_NO;
}

/* --- interfaces -------------------------------------------------------------------------------------------------- */

static enum record_answer is_up(const char *name)
{
    enum record_answer up = RECORD_UNKNOWN;
    struct ifreq request = {.ifr_name = ""};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
    if (descriptor >= 0 && ioctl(descriptor, SIOCGIFFLAGS, &request) == 0) {
        up = (request.ifr_flags & IFF_UP) != 0 ? RECORD_YES : RECORD_NO;
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    return up;
}

/* Without NETLINK_ROUTE. */
static struct address_interface interface_read(uint32_t index)
{
    struct address_interface state = ADDRESS_INTERFACE_UNKNOWN;
    char name[IF_NAMESIZE];

    if (if_indextoname(index, name) != NULL) {
        state.there = RECORD_YES;
        state.up = is_up(name);
        state.ipv6 = host_interface_ipv6(name);
    } else if (errno == ENXIO || errno == ENODEV) {
        state.there = RECORD_NO;
    }
    return state;
}

/* Linux 4.9 calls lo the interface of every IPv6 address, even of fe80::/10 (commit 4832c30d5458 changed that). */
static bool all_are_of_lo(const struct address_set *set)
{
    unsigned scopes;

    return address_set_own_scopes(set, SCOPE_LOOPBACK_INTERFACE, &scopes) && (scopes & SCOPE_BIT(SCOPE_LINK)) != 0;
}

/* The addresses of one interface alone. */
static struct address_facts own_facts(const struct address_table *table, uint32_t index)
{
    struct address_facts own = {{{0}}};

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        const struct address_set *set = &table->sets[family];
        own.families[family].known = address_set_own_scopes(set, index, &own.families[family].scopes) &&
                                     table->facts.families[family].known && !all_are_of_lo(set);
    }
    return own;
}

struct address_interface address_table_interface(struct address_table *table, uint32_t index)
{
    struct answer answer = {.address = in6addr_any, .interface = index};
    const struct answer *kept;

    if (table == NULL || table->is_copy || index == 0) {
        return (struct address_interface)ADDRESS_INTERFACE_UNKNOWN;
    }
    kept = answer_find(table, &answer.address, index);
    if (kept != NULL) {
        return kept->state;
    }
    answer.state.there = RECORD_UNKNOWN;
    if (table->from_netlink[RECORD_INET] || table->from_netlink[RECORD_INET6]) {
        answer.state = address_netlink_interface(&table->channel, index);
    }
    if (answer.state.there == RECORD_UNKNOWN) {
        answer.state = interface_read(index);
    }
    answer.state.own = own_facts(table, index);
    answer_keep(table, &answer);
    return answer.state;
}
