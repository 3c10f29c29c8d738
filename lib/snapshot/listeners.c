/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "snapshot/listeners.h"

#include "snapshot/walk.h"
#include "socket/protocol.h"

#include <errno.h>

/* Where nothing proves that all were seen: what half of the walks miss, one reading in 2^32 misses. */
#define WALKS_MOST 32

/* The same of /proc/net, where a walk takes ten times as long. */
#define WALKS_MOST_ANYWHERE 16

/* Of a crowd fewer do: a walk takes longer, but misses only those that stand beside its pauses. */
#define WALKS_LEAST 8
#define RECORDS_MOST 400000

/* The second walk asks for at most so many ranges of ports, or for all. */
#define RANGES_MOST 2048

struct reading {
    struct sources *sources;
    struct source_request request;
    struct walk walks[2]; /* in turn */
    struct walk *before;
    struct walk *now;
    struct tally *tally;      /* takes what this walk shows; NULL when it is only compared */
    struct walk_ports doubts; /* on which every walk so far that added its listeners may have missed some */
};

static int listener_visit(const struct sock_record *record, void *context)
{
    struct reading *reading = context;
    int result;

    if (!record_is_listener(record)) {
        return 0;
    }
    result = walk_listener_add(reading->now, record);
    return result == 0 && reading->tally != NULL ? tally_add(reading->tally, record) : result;
}

static void pause_note(bool anywhere, void *context)
{
    struct reading *reading = context;

    walk_pause_add(reading->now, anywhere);
}

static int walk_take(struct reading *reading, struct tally *tally)
{
    int result;

    reading->tally = tally;
    result = sources_scan(reading->sources, &reading->request, listener_visit, reading);
    reading->request.turn++;
    return result;
}

/* Takes one more walk, beside the one before. */
static int walk_take_next(struct reading *reading, struct tally *tally)
{
    struct walk *oldest = reading->before;

    walk_clear(oldest);
    reading->before = reading->now;
    reading->now = oldest;
    return walk_take(reading, tally);
}

/*
 * Has the first walk compared by a second, which asks for no more than it has to. That shows too little where a bucket
 * holds sockets that neither shows: one of those could have closed.
 */
static int first_confirm(struct reading *reading, bool *confirmed)
{
    bool mixed = protocol_of(reading->request.protocol)->mixes_sockets;
    struct source_ports ranges[RANGES_MOST];
    int result;

    if (!mixed) {
        reading->request.ports = ranges;
        reading->request.port_count = walk_ports_list(&reading->now->split, ranges, RANGES_MOST);
    }
    result = walk_take_next(reading, NULL);
    reading->request.ports = NULL;
    reading->request.port_count = 0;
    if (result == 0) {
        walk_ports_fill(&reading->doubts);
        walk_doubts_keep(&reading->doubts, reading->before, reading->now);
        *confirmed = mixed ? walk_equals(reading->before, reading->now) : walk_ports_are_none(&reading->doubts);
    }
    return result;
}

/* Does the walk show a listener that the tally lacks, where walks may have missed some? */
static bool shows_more(const struct reading *reading, const struct tally *walk, struct tally *tally)
{
    for (size_t i = 0; i < walk->service_count; i++) {
        const struct tally_service *service = &walk->services[i];
        if (!walk_ports_contain(&reading->doubts, service->port)) {
            continue;
        }
        for (size_t j = 0; j < service->listener_count; j++) {
            if (tally_listener_find(tally, service->protocol, service->port, &service->listeners[j]) == NULL) {
                return true;
            }
        }
    }
    return false;
}

/* One more walk, whose listeners are added. Sets *agrees when there was nothing to add where that is in doubt. */
static int walk_merge(struct reading *reading, struct tally *tally, bool *agrees)
{
    struct tally *walk = tally_create();
    int result = walk == NULL ? -ENOMEM : walk_take_next(reading, walk);

    if (result == 0) {
        tally_order(walk);
        *agrees |= !shows_more(reading, walk, tally);
        result = tally_merge(tally, walk);
    }
    tally_free(walk);
    return result;
}

static bool may_go_on(const struct reading *reading, unsigned walks, size_t records)
{
    unsigned most = reading->now->hides_any ? WALKS_MOST_ANYWHERE : WALKS_MOST;

    return walks < WALKS_LEAST || (walks < most && records < RECORDS_MOST);
}

static int union_read(struct reading *reading, struct tally *tally)
{
    bool is_whole = false;
    bool agreed = false;
    size_t records = 0;
    int result = 0;

    for (unsigned walks = 0; result == 0 && !is_whole && may_go_on(reading, walks, records); walks++) {
        result = walk_merge(reading, tally, &agreed);
        /* The first time the walk before is the second of all, whose listeners were not added. */
        if (result == 0 && walks > 0) {
            walk_doubts_keep(&reading->doubts, reading->before, reading->now);
        }
        is_whole = !walk_ports_overlap(&reading->doubts, &reading->now->split);
        records += reading->now->count;
    }
    if (result != 0 || is_whole || agreed) {
        return result;
    }
    return sources_disagree(reading->sources, reading->request.protocol);
}

int listeners_read(struct sources *sources, enum record_protocol protocol, struct tally *tally)
{
    struct reading reading = {
        .sources = sources,
        .request = {.protocol = protocol,
                    .families = SOURCE_FAMILIES_ALL,
                    .states = SOURCE_STATE(protocol_of(protocol)->listening),
                    .pause = pause_note},
    };
    bool is_whole;
    int result;

    reading.now = &reading.walks[0];
    reading.before = &reading.walks[1];
    result = walk_take(&reading, tally);
    is_whole = reading.now->pauses == 0;

    if (result == 0 && !is_whole) {
        result = first_confirm(&reading, &is_whole);
    }
    if (result == 0 && !is_whole) {
        result = union_read(&reading, tally);
    }
    walk_clear(reading.before);
    walk_clear(reading.now);
    return result;
}
