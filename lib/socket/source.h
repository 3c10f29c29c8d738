/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What every source of sockets does: answer one request by showing records, one at a time.
 */
#ifndef SOCKET_SOURCE_H
#define SOCKET_SOURCE_H

#include "socket/fault.h"
#include "socket/record.h"

#include <stddef.h>

#define SOURCE_STATE(state) (1u << (state))
#define SOURCE_STATES_ALL 0x1fffu
#define SOURCE_FAMILY(family) (1u << (family))
#define SOURCE_FAMILIES_ALL (SOURCE_FAMILY(RECORD_INET) | SOURCE_FAMILY(RECORD_INET6))

/* Local ports first to last, both included. */
struct source_ports {
    uint16_t first;
    uint16_t last;
};

/*
 * Called with the context of the visit where the source paused and continued by position: a socket that closes
 * meanwhile hides another one behind that position. `anywhere` says whether these can be any that are shown from here
 * on, or only those that share a bucket of the kernel's hash table with the sockets that were shown last.
 */
typedef void source_pause(bool anywhere, void *context);

/*
 * What to read. A source may show more than was asked for (a kernel filter can be coarser than the request), never
 * less, so a visit must check what it counts.
 */
struct source_request {
    enum record_protocol protocol;
    unsigned families;                /* SOURCE_FAMILY() bits */
    uint32_t states;                  /* SOURCE_STATE() bits */
    bool v4_mapped_only;              /* of AF_INET6, only sockets whose peer is in ::ffff:0:0/96 */
    const struct source_ports *ports; /* ascending, not overlapping; may be NULL when there are none */
    size_t port_count;                /* 0 for every local port */
    unsigned turn;                    /* a repeated request's number: answers are cut at other sockets each time */
    source_pause *pause;              /* NULL: pauses are not reported */
};

/* Receives each record, which is valid during the call only. Returns 0 to go on; a negative errno ends the scan, which
 * returns it. */
typedef int source_visit(const struct sock_record *record, void *context);

struct source {
    const char *name; /* "netlink" or "procfs" */
    /*
     * Shows every socket that fits the request. Returns 0 when all were shown; -EAGAIN when the answer was interrupted
     * or overrun: discard what was shown, and start again from the first scan; any other negative errno when it cannot
     * be read (fault->text says why) or what visit returned.
     */
    int (*scan)(struct source *source, const struct source_request *request, source_visit *visit, void *context,
                struct fault *fault);
    void (*free)(struct source *source);
};

#endif
