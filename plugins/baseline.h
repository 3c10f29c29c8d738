/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --baseline: the capture that a host is compared with.
 */
#ifndef BASELINE_H
#define BASELINE_H

#include "captures.h"
#include "run.h"

#define BASELINE_SENTENCE_SIZE 512

/* That of one host. Begin with all zero, end with baseline_clear(). */
struct baseline {
    struct snapshot *snapshot; /* NULL: there is none, or it was not asked for */
    struct view_baseline view; /* borrows from the list of baselines, and from the sentence */
    char sentence[BASELINE_SENTENCE_SIZE];
};

/*
 * Finds the captures of --baseline and their hosts, for run->baselines. Ends with captures_clear(). Returns 0 or
 * -ENOMEM.
 */
int baseline_list_read(const struct options *options, struct captures *captures);

/*
 * Reads the baseline of the snapshot's host, unless that was done or no baseline was asked for; if there is none,
 * baseline->view.missing says why. Returns 0 or -ENOMEM.
 */
int baseline_find(const struct run *run, const struct snapshot *snapshot, struct baseline *baseline);

void baseline_clear(struct baseline *baseline);

#endif
