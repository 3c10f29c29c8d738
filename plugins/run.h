/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One run of the program: what every mode works with, and how it ends.
 */
#ifndef RUN_H
#define RUN_H

#include "audit/policy.h"
#include "lines.h"
#include "options.h"
#include "render/writer.h"

struct captures; /* captures.h */

struct run {
    const struct options *options;
    const struct policy *policy;      /* NULL for a mode that looks at none */
    const struct captures *baselines; /* of --baseline; NULL without */
    const char *namespace;            /* what to call the network namespace; NULL for the one the process started in */
    bool is_one_of_many;              /* of the namespaces of --netns=all */
    const struct writer *writer;
    struct lines *lines; /* standard output; lines->error says why it takes no more */
    struct sink sink;    /* the way into them */
    char host[65];       /* the name of this one, "" when it is unknown */
};

/* A run without a policy that writes to `lines` as the options say; both are borrowed. */
struct run run_begin(const struct options *options, struct lines *lines);

/*
 * Writes *failure, with the name of this host and the time of now whatever it has of them. Returns 0, or -ENOMEM before
 * anything was written.
 */
int run_failure_write(const struct run *run, const struct writer_failure *failure, const struct sink *sink);

/* Writes sentences, at least one, as a failure in the state UNKNOWN to standard output. Likewise. */
int run_fail(const struct run *run, const char *const *sentences, size_t count);

/*
 * Ends a report, which says so where it is not complete: the run was stopped, or memory ran out (`result` is -ENOMEM)
 * behind the first host. is_partial: not all hosts are known. Returns 0 or -ENOMEM.
 */
int run_fleet_end(const struct run *run, struct writer_fleet *fleet, int result, bool is_partial);

/*
 * Writes what is left of the answer, and that memory ran out where `result` is -ENOMEM. Returns the exit code: that of
 * `state`, or UNKNOWN's when memory ran out or standard output could not be written.
 */
int run_end(const struct run *run, int result, enum state state);

#endif
