/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "snapshot/walk.h"

#include "socket/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The fewest buckets that a table has: 32 of TCP's listeners up to Linux 5.18 (INET_LHTABLE_SIZE). */
#define BUCKETS_LEAST 32

#define WORDS (WALK_PORTS / 64)

#define BLOCKS (WALK_PORTS / WALK_BLOCK_PORTS)

void walk_clear(struct walk *walk)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        free(walk->sums[i]);
    }
    memset(walk, 0, sizeof *walk);
}

/* --- ports ------------------------------------------------------------------------------------------------------- */

static void port_add(struct walk_ports *ports, uint16_t port)
{
    ports->bits[port / 64] |= UINT64_C(1) << port % 64;
}

void walk_ports_fill(struct walk_ports *ports)
{
    memset(ports, 0xff, sizeof *ports);
}

bool walk_ports_are_none(const struct walk_ports *ports)
{
    uint64_t any = 0;

    for (size_t i = 0; i < WORDS; i++) {
        any |= ports->bits[i];
    }
    return any == 0;
}

bool walk_ports_contain(const struct walk_ports *ports, uint16_t port)
{
    return (ports->bits[port / 64] >> port % 64 & 1) != 0;
}

bool walk_ports_overlap(const struct walk_ports *ports, const struct walk_ports *other)
{
    uint64_t any = 0;

    for (size_t i = 0; i < WORDS; i++) {
        any |= ports->bits[i] & other->bits[i];
    }
    return any != 0;
}

size_t walk_ports_list(const struct walk_ports *ports, struct source_ports *ranges, size_t room)
{
    size_t count = 0;

    for (unsigned i = 0; i < WALK_PORTS; i++) {
        uint16_t port = (uint16_t)i;
        if (!walk_ports_contain(ports, port)) {
            continue;
        }
        if (count > 0 && ranges[count - 1].last + 1u == port) {
            ranges[count - 1].last = port;
        } else if (count == room) {
            return 0;
        } else {
            ranges[count++] = (struct source_ports){port, port};
        }
    }
    return count == 1 && ranges[0].first == 0 && ranges[0].last == WALK_PORTS - 1 ? 0 : count;
}

/* --- what was shown ---------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t sum, uint64_t value)
{
    /* The finalizer of splitmix64: every bit of the value changes half of the sum's. */
    sum ^= value + UINT64_C(0x9e3779b97f4a7c15);
    sum = (sum ^ sum >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    sum = (sum ^ sum >> 27) * UINT64_C(0x94d049bb133111eb);
    return sum ^ sum >> 31;
}

/* The cookie would do where there is one. */
static uint64_t record_sum(const struct sock_record *record)
{
    uint64_t halves[2];

    memcpy(halves, &record->local, sizeof halves);
    return mix(mix(mix(record->cookie, record->local_port), halves[0]), halves[1]);
}

static int port_sum_add(struct walk *walk, uint16_t port, uint64_t sum)
{
    uint64_t **block = &walk->sums[port / WALK_BLOCK_PORTS];

    if (*block == NULL) {
        *block = calloc(WALK_BLOCK_PORTS, sizeof **block);
        if (*block == NULL) {
            return -ENOMEM;
        }
    }
    (*block)[port % WALK_BLOCK_PORTS] += sum;
    return 0;
}

static uint64_t port_sum(const struct walk *walk, size_t port)
{
    const uint64_t *block = walk->sums[port / WALK_BLOCK_PORTS];

    return block != NULL ? block[port % WALK_BLOCK_PORTS] : 0;
}

/* The kernel's hashes take 0.0.0.0 and :: for one, and an AF_INET address for its v4-mapped form, as records do. */
static struct walk_place place_of(const struct sock_record *record)
{
    bool any = !protocol_of(record->protocol)->hashes_address || record_is_wildcard(RECORD_INET, &record->local);

    return (struct walk_place){.address = any ? in6addr_any : record->local, .port = record->local_port};
}

static bool is_in_other_bucket(const struct walk_place *place, const struct walk_place *other)
{
    return (place->port ^ other->port) % BUCKETS_LEAST != 0 && IN6_ARE_ADDR_EQUAL(&place->address, &other->address);
}

static bool is_same(const struct walk_place *place, const struct walk_place *other)
{
    return place->port == other->port && IN6_ARE_ADDR_EQUAL(&place->address, &other->address);
}

/* Leaves the places behind position `end` only. */
static void bucket_shift(struct walk *walk, size_t end)
{
    walk->bucket_count -= end;
    memmove(walk->bucket, walk->bucket + end, walk->bucket_count * sizeof *walk->bucket);
}

/* A place in another bucket than this one ends that bucket, and all before. */
static void place_add(struct walk *walk, const struct walk_place *place)
{
    size_t end = walk->bucket_count;

    if (end > 0 && is_same(&walk->bucket[end - 1], place)) {
        return;
    }
    while (end > 0 && !is_in_other_bucket(&walk->bucket[end - 1], place)) {
        end--;
    }
    if (end > 0) {
        bucket_shift(walk, end);
        walk->bucket_is_cut = false;
    }
    if (walk->bucket_count == WALK_BUCKET_MOST) {
        bucket_shift(walk, 1);
        walk->bucket_is_cut = true;
    }
    walk->bucket[walk->bucket_count++] = *place;
}

int walk_listener_add(struct walk *walk, const struct sock_record *record)
{
    struct walk_place place = place_of(record);
    uint64_t sum = record_sum(record);
    int result = port_sum_add(walk, record->local_port, sum);

    walk->sum += sum;
    walk->count++;
    place_add(walk, &place);
    return result;
}

void walk_pause_add(struct walk *walk, bool anywhere)
{
    walk->pauses++;
    walk->hides_any |= anywhere;
    if (anywhere || walk->bucket_is_cut) {
        walk_ports_fill(&walk->split);
    }
    for (size_t i = 0; i < walk->bucket_count; i++) {
        port_add(&walk->split, walk->bucket[i].port);
    }
}

/* --- two walks --------------------------------------------------------------------------------------------------- */

bool walk_equals(const struct walk *walk, const struct walk *other)
{
    return walk->count == other->count && walk->sum == other->sum;
}

void walk_doubts_keep(struct walk_ports *ports, const struct walk *walk, const struct walk *next)
{
    for (size_t i = 0; i < WALK_PORTS; i++) {
        uint64_t word = ports->bits[i / 64] & walk->split.bits[i / 64];
        if (word == 0) {
            ports->bits[i / 64] = 0;
            i |= 63;
        } else if ((word >> i % 64 & 1) == 0 || port_sum(walk, i) == port_sum(next, i)) {
            ports->bits[i / 64] &= ~(UINT64_C(1) << i % 64);
        }
    }
}
