/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/audit/peers.c: exact up to its bound, and what it promises beyond it.
 */
#include "config.h"

#include "audit/peers.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* libcheck tells its parent process of every assertion that holds: too slow for the many here. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg("%s", #condition);                                                                            \
    } while (0)

#define CLIENTS_MOST 150000

static uint64_t truth[CLIENTS_MOST]; /* connections by client */
static size_t shared;
static struct peers peers;

static void state_reset(void)
{
    memset(truth, 0, sizeof truth);
    memset(&peers, 0, sizeof peers);
    shared = PEERS_SHARED;
}

static struct in6_addr address_of(uint32_t client)
{
    return (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [12] = (uint8_t)(client >> 24),
                                         (uint8_t)(client >> 16), (uint8_t)(client >> 8), (uint8_t)client}};
}

static uint32_t client_of(const struct peers_client *client)
{
    const uint8_t *bytes = client->address.s6_addr + 12;

    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void connection_add(uint32_t client)
{
    const struct in6_addr address = address_of(client);

    truth[client]++;
    MUST(peers_add(&peers, &address, 0, &shared) == 0);
}

/* Each of `clients` has at least one connection, in an order without order; low numbers have more of them. */
static void connections_add(uint32_t clients, size_t connections)
{
    uint64_t random = 7;

    for (uint32_t i = 0; i < clients; i++) {
        connection_add((uint32_t)((uint64_t)i * 7919 % clients));
    }
    for (size_t i = clients; i < connections; i++) {
        uint64_t client = unit_random(&random) % clients;
        connection_add((uint32_t)(client * client / clients * client / clients));
    }
}

static int count_compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a < b) - (a > b);
}

START_TEST(busiest_are_exact_up_to_the_bound)
{
    static const struct {
        uint32_t clients;
        size_t connections;
        size_t shared;
    } loads[] = {
        {1, 1, PEERS_SHARED},
        {3, 1000, 0},
        {PEERS_EXACT_LEAST, 50000, 0},
        {20000, 200000, PEERS_SHARED},
        {PEERS_EXACT, 300000, PEERS_SHARED},
    };

    for (int i = 0; i < UNIT_COUNT(loads); i++) {
        state_reset();
        shared = loads[i].shared;
        connections_add(loads[i].clients, loads[i].connections);
        peers_settle(&peers, PEERS_MOST);
        ck_assert_uint_eq(peers.distinct, loads[i].clients);
        ck_assert_uint_eq(peers.floor, 0);
        ck_assert_uint_eq(peers.count, loads[i].clients < PEERS_MOST ? loads[i].clients : PEERS_MOST);
        for (size_t j = 0; j < peers.count; j++) {
            MUST(peers.clients[j].connections == truth[client_of(&peers.clients[j])]);
            MUST(peers.clients[j].excess == 0);
        }
        qsort(truth, CLIENTS_MOST, sizeof *truth, count_compare);
        for (size_t j = 0; j < peers.count; j++) {
            MUST(peers.clients[j].connections == truth[j]);
        }
        peers_clear(&peers);
    }
}
END_TEST

/* Whoever has more connections than a dropped client may have had is there, and no count is too low. */
static void promises_check(size_t exact)
{
    static bool listed[CLIENTS_MOST];

    memset(listed, 0, sizeof listed);
    ck_assert_uint_gt(peers.floor, 0);
    ck_assert_uint_le(peers.room, 2 * exact);
    peers_settle(&peers, SIZE_MAX);
    for (size_t i = 0; i < peers.count; i++) {
        uint64_t connections = truth[client_of(&peers.clients[i])];
        MUST(!listed[client_of(&peers.clients[i])]);
        listed[client_of(&peers.clients[i])] = true;
        MUST(peers.clients[i].connections >= connections);
        MUST(peers.clients[i].connections - peers.clients[i].excess <= connections);
        MUST(peers.clients[i].excess <= peers.floor);
        MUST(i == 0 || peers.clients[i].connections <= peers.clients[i - 1].connections);
    }
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        MUST(listed[i] || truth[i] <= peers.floor);
    }
}

START_TEST(bound_is_kept_beyond_it)
{
    static const struct {
        size_t shared;
        size_t exact;
        uint32_t clients;
        size_t connections;
    } loads[] = {
        {PEERS_SHARED, PEERS_EXACT, PEERS_EXACT + PEERS_EXACT / 2, 200000},
        {PEERS_SHARED, PEERS_EXACT, CLIENTS_MOST, 400000},
        {0, PEERS_EXACT_LEAST, 20000, 200000},
        {5000, PEERS_EXACT_LEAST * 2, 20000, 200000},
    };

    for (int i = 0; i < UNIT_COUNT(loads); i++) {
        state_reset();
        shared = loads[i].shared;
        connections_add(loads[i].clients, loads[i].connections);
        promises_check(loads[i].exact);
        /* Of so many connections a count is wrong by no more than this share. */
        ck_assert_uint_le(peers.floor, 2 * loads[i].connections / loads[i].exact);
        peers_clear(&peers);
    }
}
END_TEST

/* Clients that come once each do not push out one that stays busy. */
START_TEST(passers_by_hide_nobody)
{
    state_reset();
    for (uint32_t i = 1; i < CLIENTS_MOST; i++) {
        connection_add(i);
        if (i % 100 == 0) {
            connection_add(0);
        }
    }
    promises_check(PEERS_EXACT);
    ck_assert_uint_eq(client_of(&peers.clients[0]), 0);
    ck_assert_uint_eq(peers.clients[0].connections, truth[0]);
    peers_clear(&peers);
}
END_TEST

START_TEST(interfaces_tell_link_local_clients_apart)
{
    const struct in6_addr address = {.s6_addr = {0xfe, 0x80, [15] = 1}};

    state_reset();
    for (uint32_t i = 0; i < 30; i++) {
        ck_assert_int_eq(peers_add(&peers, &address, 2 + i % 3 / 2, &shared), 0);
    }
    peers_settle(&peers, 10);
    ck_assert_uint_eq(peers.count, 2);
    ck_assert_uint_eq(peers.clients[0].interface, 2);
    ck_assert_uint_eq(peers.clients[0].connections, 20);
    ck_assert_uint_eq(peers.clients[1].interface, 3);
    peers_clear(&peers);
}
END_TEST

/* A client of both is one; what either does not list is not forgotten. */
START_TEST(summaries_add_up)
{
    struct peers other = {.count = 0};
    struct peers merged = {.count = 0};

    state_reset();
    for (uint32_t client = 0; client < 30; client++) {
        for (uint32_t i = 0; i <= client; i++) {
            const struct in6_addr address = address_of(client + 29);
            connection_add(client);
            ck_assert_int_eq(peers_add(&other, &address, 0, &shared), 0);
        }
    }
    peers_settle(&peers, 10);
    peers_settle(&other, 30);
    ck_assert_int_eq(peers_merge(&merged, &peers), 0);
    ck_assert_int_eq(peers_merge(&merged, &other), 0);
    peers_settle(&merged, 3);
    ck_assert_uint_eq(merged.count, 3);
    ck_assert_uint_eq(merged.distinct, 59);
    ck_assert_uint_eq(client_of(&merged.clients[0]), 29);
    ck_assert_uint_eq(merged.clients[0].connections, 31);
    ck_assert_uint_eq(client_of(&merged.clients[1]), 58);
    ck_assert_uint_eq(merged.clients[1].connections, 30);
    peers_clear(&peers);
    peers_clear(&other);
    peers_clear(&merged);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peers");
    TCase *summaries = tcase_create("summaries");

    tcase_add_test(summaries, busiest_are_exact_up_to_the_bound);
    tcase_add_test(summaries, bound_is_kept_beyond_it);
    tcase_add_test(summaries, passers_by_hide_nobody);
    tcase_add_test(summaries, interfaces_tell_link_local_clients_apart);
    tcase_add_test(summaries, summaries_add_up);
    suite_add_tcase(suite, summaries);
    return unit_run(suite);
}
