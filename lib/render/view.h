/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The input of a writer of verdicts, and how much of it is asked for.
 */
#ifndef RENDER_VIEW_H
#define RENDER_VIEW_H

#include "audit/labels.h"
#include "snapshot/snapshot.h"

/* The capture that the host is compared with. */
struct view_baseline {
    const char *file;    /* NULL: there is none for this host */
    const char *missing; /* why there is none, as a sentence; NULL where there is one */
    time_t time;         /* when it was captured */
    size_t captures;     /* how many there are of the host: the newest is the one */
};

/* Everything is borrowed. */
struct view {
    const struct policy *policy;
    const struct snapshot *snapshot;
    const struct judge_verdict *verdict;  /* verdict->changes is what changed since the baseline */
    const struct view_baseline *baseline; /* NULL without a baseline */
    struct labels_thresholds thresholds;  /* on the total of inbound v4-mapped connections */
    int32_t today;                        /* days since 1970-01-01, UTC */
    unsigned verbose;                     /* 0 to 3 */
    enum labels_set perfdata;
    bool is_one_of_many; /* the line of the verdict names the host and its network namespace already */
    size_t peers;        /* this many clients of each service, by judge_service.peers; 0: not asked for */
};

#endif
