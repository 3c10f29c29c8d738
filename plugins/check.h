/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The program's main job: snapshot, judge, look again where a breach rests on absence, and tell.
 */
/* Named after the program, as libcheck's check.h has taken CHECK_H. */
#ifndef CHECK_DUALSTACK_CHECK_H
#define CHECK_DUALSTACK_CHECK_H

#include "baseline.h"
#include "run.h"

/* A snapshot of this host as the options ask for it, of the listeners that the policy judges. */
struct snapshot_request check_snapshot_request(const struct run *run);

/* Judges this host by a policy without errors and writes the verdict, whose state is *state. Returns 0 or -ENOMEM. */
int check_run(const struct run *run, enum state *state);

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
