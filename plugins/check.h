/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The program's main job: snapshot, judge, look again where a breach rests on absence, and tell.
 */
/* Named after the program, as libcheck's check.h has taken CHECK_H. */
#ifndef CHECK_DUALSTACK_CHECK_H
#define CHECK_DUALSTACK_CHECK_H

#include "audit/judge.h"
#include "audit/policy.h"
#include "options.h"
#include "plugin/state.h"
#include "snapshot/snapshot.h"

/* An answer ready to be written; `text` is malloc'd. */
struct answer {
    char *text;
    size_t length;
    enum state state;
    struct judge_total total; /* of a host that was judged */
};

/* A snapshot of this host as the options ask for it, of the listeners that the policy judges. */
struct snapshot_request check_snapshot_request(const struct options *options, const struct policy *policy);

/* Judges this host by a policy without errors. Returns 0 and *answer, or -ENOMEM. */
int check_host(const struct options *options, const struct policy *policy, struct answer *answer);

/* Judges what a look found, on the day it was taken. Returns 0 and *answer, or -ENOMEM. */
int check_snapshot(const struct options *options, const struct policy *policy, struct snapshot *snapshot,
                   struct answer *answer);

#endif
