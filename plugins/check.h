/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The program's main job: take a snapshot, judge it, look again if a breach is due to something missing, and report.
 */
/* Named after the program, as libcheck's check.h has taken CHECK_H. */
#ifndef CHECK_DUALSTACK_CHECK_H
#define CHECK_DUALSTACK_CHECK_H

#include "baseline.h"
#include "run.h"

#include <time.h>

/* A snapshot of this host as the options ask for it, of the listeners that the policy judges. */
struct snapshot_request check_snapshot_request(const struct run *run);

/* Judges this host by a policy without errors and writes the verdict, whose state is *state. Returns 0 or -ENOMEM. */
int check_run(const struct run *run, enum state *state);

/* One snapshot, its verdict, and the baseline of the host, which several snapshots may share. Begin with all zero. */
struct check {
    struct snapshot *snapshot;
    struct judge_verdict *verdict;
    struct baseline baseline;
    struct timespec taken; /* CLOCK_MONOTONIC */
};

/*
 * The steps of a check in the network namespace the process is in: a snapshot that is judged; its confirmation, which
 * takes another one at least 50 ms later if a breach is due to something missing; and the end, at any time. The first
 * two return 0 or -ENOMEM.
 */
int check_take(const struct run *run, struct check *check);
int check_confirm(const struct run *run, struct check *check);
void check_clear(struct check *check);

/*
 * Judges a snapshot of a capture, on the day it was taken, and compares it with its baseline, all zero before. Returns
 * 0 and *verdict, which judge_free() ends before snapshot and baseline do; or -ENOMEM.
 */
int check_snapshot(const struct run *run, struct snapshot *snapshot, struct baseline *baseline,
                   struct judge_verdict **verdict);

/* What a writer needs of them; all borrowed. */
struct view check_view(const struct run *run, const struct snapshot *snapshot, const struct judge_verdict *verdict,
                       const struct baseline *baseline);

#endif
