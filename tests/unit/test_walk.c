/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/snapshot/walk.c: what a pause puts in doubt, and a hash table that is walked as the kernel walks its own
 * while sockets come and go.
 */
#include "config.h"

#include "snapshot/walk.h"

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* libcheck tells its parent process of every assertion that holds: too slow for the millions here. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg("%s", #condition);                                                                            \
    } while (0)

static struct sock_record listener_of(enum record_protocol protocol, const char *address, uint16_t port,
                                      uint64_t cookie)
{
    bool inet6 = strchr(address, ':') != NULL;
    struct sock_record record = {
        .protocol = protocol,
        .family = inet6 ? RECORD_INET6 : RECORD_INET,
        .state = protocol == RECORD_TCP ? RECORD_LISTEN : RECORD_CLOSE,
        .local_port = port,
        .cookie = cookie,
    };
    char text[64];

    snprintf(text, sizeof text, "%s%s", inet6 ? "" : "::ffff:", address);
    ck_assert_int_eq(inet_pton(AF_INET6, text, &record.local), 1);
    return record;
}

static void ports_check(const struct walk_ports *ports, const char *expected)
{
    struct source_ports ranges[100];
    size_t count = walk_ports_list(ports, ranges, COUNT(ranges));
    char text[1000] = "";

    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, ranges[i].first == ranges[i].last ? "%s%u" : "%s%u-%u",
                 i > 0 ? " " : "", ranges[i].first, ranges[i].last);
    }
    ck_assert_str_eq(text, expected);
}

/* --- what a pause puts in doubt ---------------------------------------------------------------------------------- */

/* Listeners in the order they are shown, "" for a pause. */
static const struct {
    const char *what;
    enum record_protocol protocol;
    struct {
        const char *address;
        uint16_t port;
    } shown[8];
    const char *split;
} pauses[] = {
    {"no pause", RECORD_TCP, {{"0.0.0.0", 80}, {"::", 80}}, ""},
    {"before all", RECORD_TCP, {{"", 0}, {"::", 80}}, ""},
    {"one before", RECORD_TCP, {{"::", 80}, {"", 0}, {"::", 443}}, "80"},
    {"behind all", RECORD_TCP, {{"::", 80}, {"::", 443}, {"", 0}}, "443"},
    {"two", RECORD_TCP, {{"::", 80}, {"", 0}, {"::", 443}, {"", 0}}, "80 443"},
    {"both wildcards are hashed alike", RECORD_TCP, {{"0.0.0.0", 80}, {"::", 443}, {"", 0}}, "443"},
    {"so is the mapped one", RECORD_TCP, {{"::ffff:0.0.0.0", 80}, {"::", 443}, {"", 0}}, "443"},
    {"one address", RECORD_TCP, {{"192.0.2.1", 80}, {"192.0.2.1", 443}, {"", 0}}, "443"},
    {"an address of either family", RECORD_TCP, {{"::ffff:192.0.2.1", 80}, {"192.0.2.1", 443}, {"", 0}}, "443"},
    {"another address may share the bucket", RECORD_TCP, {{"::", 80}, {"192.0.2.1", 443}, {"", 0}}, "80 443"},
    {"other addresses may share either bucket",
     RECORD_TCP,
     {{"::", 80}, {"::1", 22}, {"192.0.2.1", 25}, {"::", 443}, {"192.0.2.9", 53}, {"", 0}},
     "22 25 53 443"},
    {"low bits are equal: 1 of 32 buckets", RECORD_TCP, {{"::", 80}, {"::", 112}, {"::", 48}, {"", 0}}, "48 80 112"},
    {"low bits differ", RECORD_TCP, {{"::", 80}, {"::", 112}, {"::", 49}, {"", 0}}, "49"},
    {"the bucket goes on", RECORD_TCP, {{"::", 80}, {"::", 112}, {"", 0}, {"::", 144}, {"", 0}}, "80 112 144"},
    {"UDP goes by the port alone", RECORD_UDP, {{"::", 80}, {"192.0.2.1", 443}, {"", 0}}, "443"},
    {"UDP, any address of a port", RECORD_UDP, {{"::", 80}, {"::1", 53}, {"192.0.2.1", 53}, {"", 0}}, "53"},
    {"UDP, low bits are equal", RECORD_UDP, {{"::", 53}, {"192.0.2.1", 85}, {"", 0}}, "53 85"},
};

START_TEST(pause_splits_a_bucket)
{
    unsigned reported = 0;
    struct walk walk;

    memset(&walk, 0, sizeof walk);
    for (int i = 0; i < COUNT(pauses[0].shown) && pauses[_i].shown[i].address != NULL; i++) {
        const char *address = pauses[_i].shown[i].address;
        if (*address == '\0') {
            walk_pause_add(&walk, false);
            reported++;
        } else {
            struct sock_record record =
                listener_of(pauses[_i].protocol, address, pauses[_i].shown[i].port, (uint64_t)i + 1);
            ck_assert_int_eq(walk_listener_add(&walk, &record), 0);
        }
    }
    ports_check(&walk.split, pauses[_i].split);
    ck_assert_uint_eq(walk.pauses, reported);
    walk_clear(&walk);
    walk_clear(&walk);
}
END_TEST

static bool is_full(const struct walk_ports *ports)
{
    struct source_ports range;
    struct walk_ports all;

    walk_ports_fill(&all);
    return memcmp(ports, &all, sizeof all) == 0 && walk_ports_list(ports, &range, 1) == 0;
}

START_TEST(pause_anywhere_splits_all)
{
    struct sock_record record = listener_of(RECORD_TCP, "::", 80, 1);
    struct walk walk;

    memset(&walk, 0, sizeof walk);
    ck_assert_int_eq(walk_listener_add(&walk, &record), 0);
    walk_pause_add(&walk, true);
    ck_assert(is_full(&walk.split));
    walk_clear(&walk);
}
END_TEST

/* Any port may be in a bucket that is too long to be kept; where another bucket has begun it is forgotten. */
START_TEST(long_bucket_splits_all)
{
    struct sock_record record = listener_of(RECORD_TCP, "192.0.2.0", 80, 1);
    struct walk walk;

    memset(&walk, 0, sizeof walk);
    for (unsigned i = 0; i < WALK_BUCKET_MOST; i++) {
        record.local.s6_addr[15] = (uint8_t)i;
        record.local_port = (uint16_t)(1000 + i);
        ck_assert_int_eq(walk_listener_add(&walk, &record), 0);
        ck_assert_int_eq(walk_listener_add(&walk, &record), 0);
    }
    walk_pause_add(&walk, false);
    ck_assert(!is_full(&walk.split));
    record.local.s6_addr[15] = WALK_BUCKET_MOST;
    ck_assert_int_eq(walk_listener_add(&walk, &record), 0);
    walk_pause_add(&walk, false);
    ck_assert(is_full(&walk.split));
    memset(&walk.split, 0, sizeof walk.split);
    record.local_port++;
    ck_assert_int_eq(walk_listener_add(&walk, &record), 0);
    walk_pause_add(&walk, false);
    ports_check(&walk.split, "1064");
    walk_clear(&walk);
}
END_TEST

/* --- ports ------------------------------------------------------------------------------------------------------- */

START_TEST(ports_are_listed)
{
    static const uint16_t chosen[] = {0, 1, 2, 63, 64, 443, 65535};
    struct walk_ports ports = {{0}};
    struct walk_ports other = {{0}};
    struct source_ports ranges[4];

    ck_assert(walk_ports_are_none(&ports));
    ck_assert_uint_eq(walk_ports_list(&ports, ranges, 4), 0);
    for (int i = 0; i < COUNT(chosen); i++) {
        ck_assert(!walk_ports_contain(&ports, chosen[i]));
        ports.bits[chosen[i] / 64] |= UINT64_C(1) << chosen[i] % 64;
        ck_assert(walk_ports_contain(&ports, chosen[i]));
        ck_assert(!walk_ports_are_none(&ports));
    }
    ports_check(&ports, "0-2 63-64 443 65535");
    other.bits[443 / 64] |= UINT64_C(1) << 442 % 64;
    ck_assert(!walk_ports_overlap(&ports, &other));
    other.bits[443 / 64] |= UINT64_C(1) << 443 % 64;
    ck_assert(walk_ports_overlap(&ports, &other));
    ck_assert_uint_eq(walk_ports_list(&ports, ranges, 4), 4);
    ck_assert_uint_eq(walk_ports_list(&ports, ranges, 3), 0);
    walk_ports_fill(&ports);
    ck_assert(is_full(&ports));
}
END_TEST

/* --- two walks --------------------------------------------------------------------------------------------------- */

static void add(struct walk *walk, const char *address, uint16_t port, uint64_t cookie)
{
    struct sock_record record = listener_of(RECORD_TCP, address, port, cookie);

    ck_assert_int_eq(walk_listener_add(walk, &record), 0);
}

START_TEST(doubts_are_where_a_split_port_differs)
{
    struct walk_ports doubts;
    struct walk walk, next;

    memset(&walk, 0, sizeof walk);
    memset(&next, 0, sizeof next);
    add(&walk, "::", 80, 1);
    add(&walk, "::", 81, 2);
    walk_pause_add(&walk, false);
    add(&walk, "::", 82, 3);
    add(&walk, "::", 83, 4);
    walk_pause_add(&walk, false);
    add(&walk, "::", 84, 5);
    /* In another order, and another socket on 81 and on 84. */
    add(&next, "::", 83, 4);
    add(&next, "::", 81, 6);
    add(&next, "::", 80, 1);
    add(&next, "::", 82, 3);
    add(&next, "::", 84, 7);
    ck_assert(!walk_equals(&walk, &next));
    ck_assert(walk_equals(&walk, &walk));
    walk_ports_fill(&doubts);
    walk_doubts_keep(&doubts, &walk, &next);
    ports_check(&doubts, "81");
    walk_doubts_keep(&doubts, &next, &walk);
    ck_assert(walk_ports_are_none(&doubts));
    walk_clear(&walk);
    walk_clear(&next);
}
END_TEST

static const struct {
    const char *what, *address;
    uint16_t port;
    uint64_t cookie;
    int times;
} others[] = {
    {"another socket", "::", 80, 2, 1}, {"another address", "::1", 80, 1, 1},
    {"another port", "::", 81, 1, 1},   {"shown twice, as it moved", "::", 80, 1, 2},
    {"gone", "::", 80, 1, 0},           {"a source without cookies", "192.0.2.1", 80, 0, 1},
};

START_TEST(walks_differ)
{
    struct walk walk, other;

    memset(&walk, 0, sizeof walk);
    memset(&other, 0, sizeof other);
    ck_assert(walk_equals(&walk, &other));
    add(&walk, "::", 80, 1);
    for (int i = 0; i < others[_i].times; i++) {
        add(&other, others[_i].address, others[_i].port, others[_i].cookie);
    }
    ck_assert(!walk_equals(&walk, &other));
    walk_clear(&walk);
    walk_clear(&other);
}
END_TEST

/* --- a table that is walked while sockets come and go ------------------------------------------------------------ */

#define SOCKETS_MOST 120

enum hash {
    HASH_PORT,         /* 32 buckets */
    HASH_ADDRESS_PORT, /* 256 */
    HASHES
};

struct socket {
    struct sock_record record;
    unsigned bucket;
    bool stable;
    bool seen;
};

/* Sockets in the order in which the kernel has them: by bucket, in a bucket the last one that came first, or last. */
struct table {
    enum hash hash;
    uint64_t random;
    uint64_t cookies;
    struct socket sockets[SOCKETS_MOST];
    size_t count;
};

static unsigned bucket_of(enum hash hash, const struct sock_record *record)
{
    bool any = record_is_wildcard(RECORD_INET, &record->local) || record_is_wildcard(RECORD_INET6, &record->local);
    unsigned address = any ? 77 : record->local.s6_addr[15] * 40503u >> 3;

    return hash == HASH_PORT ? (record->local_port + 5u) % 32 : (address ^ record->local_port) % 256;
}

static void socket_open(struct table *table, bool stable)
{
    static const char *const addresses[] = {"0.0.0.0", "::", "::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"};
    uint16_t port = (uint16_t)(443 + unit_random(&table->random) % (unit_random(&table->random) % 2 == 0 ? 2 : 100));
    struct socket socket = {
        .record =
            listener_of(RECORD_TCP, addresses[unit_random(&table->random) % COUNT(addresses)], port, ++table->cookies),
        .stable = stable,
    };
    bool is_first = unit_random(&table->random) % 2 == 0;
    size_t at = 0;

    if (table->count == SOCKETS_MOST) {
        return;
    }
    socket.bucket = bucket_of(table->hash, &socket.record);
    while (at < table->count &&
           (table->sockets[at].bucket < socket.bucket || (!is_first && table->sockets[at].bucket == socket.bucket))) {
        at++;
    }
    memmove(&table->sockets[at + 1], &table->sockets[at], (table->count - at) * sizeof socket);
    table->sockets[at] = socket;
    table->count++;
}

static void socket_close(struct table *table)
{
    size_t at = table->count > 0 ? (size_t)(unit_random(&table->random) % table->count) : 0;

    if (table->count > 0 && !table->sockets[at].stable) {
        table->count--;
        memmove(&table->sockets[at], &table->sockets[at + 1], (table->count - at) * sizeof table->sockets[0]);
    }
}

static void churn(struct table *table, unsigned most)
{
    for (uint64_t i = unit_random(&table->random) % (most + 1); i > 0; i--) {
        if (unit_random(&table->random) % 2 == 0) {
            socket_open(table, false);
        } else {
            socket_close(table);
        }
    }
}

/* Where in the table sockets number `skip` and on of the bucket are, or those of the buckets behind. */
static size_t position_of(const struct table *table, unsigned bucket, size_t skip)
{
    size_t at = 0;

    while (at < table->count &&
           (table->sockets[at].bucket < bucket || (table->sockets[at].bucket == bucket && skip > 0))) {
        skip -= table->sockets[at].bucket == bucket;
        at++;
    }
    return at;
}

/* How many sockets of its bucket are before this one. */
static size_t number_of(const struct table *table, size_t at)
{
    size_t number = 0;

    while (number < at && table->sockets[at - number - 1].bucket == table->sockets[at].bucket) {
        number++;
    }
    return number;
}

/* As inet_diag does it. Returns whether a stable socket was missed. */
static bool table_walk(struct table *table, struct walk *walk, size_t portion, unsigned churn_most)
{
    unsigned bucket = 0;
    size_t number = 0;
    bool missed = false;
    size_t at;

    for (size_t i = 0; i < table->count; i++) {
        table->sockets[i].seen = false;
    }
    while ((at = position_of(table, bucket, number)) < table->count) {
        size_t end = at + portion < table->count ? at + portion : table->count;

        for (; at < end; at++) {
            table->sockets[at].seen = true;
            MUST(walk_listener_add(walk, &table->sockets[at].record) == 0);
        }
        if (end == table->count) {
            break;
        }
        bucket = table->sockets[end].bucket;
        number = number_of(table, end);
        churn(table, churn_most);
        walk_pause_add(walk, false);
    }
    for (size_t i = 0; i < table->count; i++) {
        missed |= table->sockets[i].stable && !table->sockets[i].seen;
    }
    return missed;
}

/*
 * What two walks prove is true: where no port is in doubt, the first one missed nothing that was there all the time.
 * And it is tried: some walks do miss something, and some proofs succeed although sockets came and went.
 */
START_TEST(no_doubt_means_nothing_missed)
{
    static struct table table;
    unsigned misses = 0, proofs = 0, proofs_of_change = 0;

    for (int trial = 0; trial < 3000; trial++) {
        unsigned churn_most = (unsigned)trial % 4;
        struct walk_ports doubts;
        struct walk walk, next;
        bool missed;

        table = (struct table){.hash = (enum hash)_i, .random = (uint64_t)trial + 1};
        for (int i = 0; i < 60; i++) {
            socket_open(&table, i % 4 == 0);
        }
        memset(&walk, 0, sizeof walk);
        memset(&next, 0, sizeof next);
        missed = table_walk(&table, &walk, 1 + (size_t)(unit_random(&table.random) % 20), churn_most);
        churn(&table, churn_most);
        table_walk(&table, &next, 1 + (size_t)(unit_random(&table.random) % 20), churn_most);
        walk_ports_fill(&doubts);
        walk_doubts_keep(&doubts, &walk, &next);
        if (walk_ports_are_none(&doubts) && missed) {
            ck_abort_msg("trial %d: missed and not noticed", trial);
        }
        misses += missed;
        proofs += walk_ports_are_none(&doubts);
        proofs_of_change += walk_ports_are_none(&doubts) && !walk_equals(&walk, &next);
        walk_clear(&walk);
        walk_clear(&next);
    }
    ck_assert_uint_gt(misses, 20);
    ck_assert_uint_gt(proofs, 700);
    ck_assert_uint_gt(proofs_of_change, 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("walk");
    TCase *cases = tcase_create("walk");

    tcase_add_loop_test(cases, pause_splits_a_bucket, 0, COUNT(pauses));
    tcase_add_test(cases, pause_anywhere_splits_all);
    tcase_add_test(cases, long_bucket_splits_all);
    tcase_add_test(cases, ports_are_listed);
    tcase_add_test(cases, doubts_are_where_a_split_port_differs);
    tcase_add_loop_test(cases, walks_differ, 0, COUNT(others));
    tcase_add_loop_test(cases, no_doubt_means_nothing_missed, 0, HASHES);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
