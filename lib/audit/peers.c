/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "audit/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Half of the room is for clients, half for connections that are not yet added to those of their client. */
#define ROOM_FIRST 8
#define ROOM_LEAST ((size_t)2 * PEERS_EXACT_LEAST)
#define ROOM_MOST ((size_t)2 * PEERS_EXACT)

/* The excess of a connection that is not yet added to those of its client. */
#define LOOSE UINT32_MAX

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int client_compare(const struct peers_client *a, const struct peers_client *b)
{
    int order = memcmp(&a->address, &b->address, sizeof a->address);

    return order != 0 ? order : COMPARE(a->interface, b->interface);
}

/* By client; loose connections come behind what is known of it. */
static int entry_compare(const void *left, const void *right)
{
    const struct peers_client *a = left;
    const struct peers_client *b = right;
    int order = client_compare(a, b);

    return order != 0 ? order : COMPARE(a->excess, b->excess);
}

static int busiest_compare(const void *left, const void *right)
{
    const struct peers_client *a = left;
    const struct peers_client *b = right;
    int order = COMPARE(b->connections, a->connections);

    return order != 0 ? order : client_compare(a, b);
}

/* Makes one entry of those of each client. */
static void entries_fold(struct peers *peers)
{
    struct peers_client *clients = peers->clients;
    size_t count = 0;

    if (peers->count > 1) {
        qsort(clients, peers->count, sizeof *clients, entry_compare);
    }
    for (size_t i = 0; i < peers->count; i++) {
        const struct peers_client entry = clients[i];
        if (count > 0 && client_compare(&clients[count - 1], &entry) == 0) {
            clients[count - 1].connections += entry.connections;
            clients[count - 1].excess += entry.excess == LOOSE ? 0 : entry.excess;
            continue;
        }
        clients[count] = entry;
        if (entry.excess == LOOSE) {
            clients[count].connections += peers->floor;
            clients[count].excess = peers->floor;
        }
        count++;
    }
    peers->count = count;
}

/* Drops the least busy clients. */
static void clients_drop(struct peers *peers, size_t most)
{
    if (peers->count > most) {
        qsort(peers->clients, peers->count, sizeof *peers->clients, busiest_compare);
        peers->floor = (uint32_t)peers->clients[most].connections;
        peers->count = most;
    }
}

static int room_set(struct peers *peers, size_t room)
{
    struct peers_client *grown = realloc(peers->clients, room * sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    peers->clients = grown;
    peers->room = room;
    return 0;
}

/*
 * Makes room for one more entry. A full list is folded, and grows, or is cut to half, only if it stays more than half
 * full: so the work is n log n.
 */
static int room_make(struct peers *peers, size_t *shared)
{
    size_t room = peers->room;

    entries_fold(peers);
    if (room > 0 && peers->count <= room / 2) {
        return 0;
    }
    if (room < ROOM_LEAST) {
        return room_set(peers, room == 0 ? ROOM_FIRST : 2 * room);
    }
    if (room < ROOM_MOST && *shared >= room) {
        *shared -= room;
        return room_set(peers, 2 * room);
    }
    clients_drop(peers, room / 2);
    return 0;
}

int peers_add(struct peers *peers, const struct in6_addr *address, uint32_t interface, size_t *shared)
{
    int result = peers->count == peers->room ? room_make(peers, shared) : 0;

    if (result == 0) {
        peers->clients[peers->count++] = (struct peers_client){
            .address = *address,
            .connections = 1,
            .excess = LOOSE,
            .interface = interface,
        };
    }
    return result;
}

int peers_client_add(struct peers *peers, const struct peers_client *client)
{
    int result = peers->count < peers->room ? 0 : room_set(peers, peers->room == 0 ? ROOM_FIRST : 2 * peers->room);

    if (result == 0) {
        peers->clients[peers->count++] = *client;
    }
    return result;
}

void peers_settle(struct peers *peers, size_t most)
{
    size_t entries = peers->count;

    entries_fold(peers);
    /* What was merged knows how many there were, those included that it does not list. */
    peers->distinct = peers->distinct > 0 ? peers->distinct - (entries - peers->count) : peers->count;
    if (peers->count > 1) {
        qsort(peers->clients, peers->count, sizeof *peers->clients, busiest_compare);
    }
    peers->count = peers->count < most ? peers->count : most;
}

int peers_merge(struct peers *merged, const struct peers *other)
{
    int result = 0;

    for (size_t i = 0; i < other->count && result == 0; i++) {
        result = peers_client_add(merged, &other->clients[i]);
    }
    merged->distinct += other->distinct;
    merged->floor += other->floor;
    return result;
}

void peers_clear(struct peers *peers)
{
    free(peers->clients);
    *peers = (struct peers){.clients = NULL};
}
