/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One host at one time: its listeners, the connections that were asked for, and where that was read from.
 */
#ifndef SNAPSHOT_SNAPSHOT_H
#define SNAPSHOT_SNAPSHOT_H

#include "audit/policy.h"
#include "audit/tally.h"
#include "plugin/text_buffer.h"
#include "snapshot/sources.h"

#include <time.h>

struct snapshot {
    struct tally *tally;
    char source[24];   /* "netlink", "procfs", "netlink+procfs" or "capture"; "" where nothing was read */
    char remark[1536]; /* what every answer says of how the host was read, "" for nothing: snapshot_remark_choose() */
    char brief[256];   /* the same in few words */
    char remarks[RECORD_PROTOCOLS][512]; /* of each protocol that was read */
    char fault[320];     /* what else could not be read ("" nothing); protocols are in tally->unreadable */
    char namespace[128]; /* the network namespace as the user named it, "" for the one the process started in */
    time_t time;
    char **questions; /* what was asked of the kernel, a line each; only when the request keeps them */
    size_t question_count;
    bool other_host;   /* read from another host's files: its users are not this host's */
    bool owners_known; /* users and units were looked up, or come from a capture: this host does not know them */
};

/* Which connections to read. */
enum snapshot_depth {
    SNAPSHOT_LISTENERS,     /* none */
    SNAPSHOT_MAPPED_JUDGED, /* the v4-mapped ones of the judged ports, of all listening ports when nothing is judged;
                               with the native IPv4 ones where a rule has ipv4-warning= or ipv4-critical= */
    SNAPSHOT_IPV4_JUDGED,   /* the native IPv4 ones of these ports as well */
    SNAPSHOT_JUDGED,        /* all of these ports */
    SNAPSHOT_ALL            /* all of them */
};

struct snapshot_request {
    struct sources_request sources;
    const char *namespace;       /* what to call the network namespace; NULL for "" */
    const struct policy *policy; /* finished */
    enum snapshot_depth depth;
    size_t peers;        /* so many clients of each service are kept, of the connections that are read; 0 for none */
    bool every_protocol; /* also those that the policy does not judge */
    bool keeps_questions;
};

/*
 * Takes a snapshot of the host (in the network namespace the process is in). The snapshot itself says what could not be
 * read. Returns 0 and *snapshot, which snapshot_free() ends, or -ENOMEM.
 */
int snapshot_take(const struct snapshot_request *request, struct snapshot **snapshot);

/* An empty snapshot, all zero, with a tally. NULL when out of memory. Ends with snapshot_free(). */
struct snapshot *snapshot_create(void);

/* NULL is fine. */
void snapshot_free(struct snapshot *snapshot);

/*
 * Sets the remark: where the protocols that the policy judges, or every one, were read from if that is not where one
 * would expect; that the addresses of the host, or interfaces that listeners are bound to, are not known; that this is
 * not the network namespace of process 1.
 */
void snapshot_remark_choose(struct snapshot *snapshot, const struct policy *policy, bool every_protocol);

/* Add the last two of these, if they apply, after a comma unless the text is empty; the first one with the reason. */
void snapshot_addresses_remark_add(struct text_buffer *text, const struct tally *tally, bool says_why);
void snapshot_namespace_remark_add(struct text_buffer *text, const struct tally *tally, const char *namespace);

/*
 * Settles the clients that the tally counted, at most `most` of each service, and looks up the names of their
 * interfaces, which are this network namespace's. Returns 0 or -ENOMEM.
 */
int snapshot_peers_settle(struct tally *tally, size_t most);

/*
 * Looks up the users and units of all listeners and the details of this host, unless they are known. Each listener says
 * what could not be found out. Returns 0 or -ENOMEM.
 */
int snapshot_owners_find(struct snapshot *snapshot, sources_progress *progress);

#endif
