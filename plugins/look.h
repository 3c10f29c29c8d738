/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One look at the host: what listens, what is connected as far as it is asked for, and how that was learned.
 */
#ifndef LOOK_H
#define LOOK_H

#include "audit/policy.h"
#include "audit/tally.h"
#include "options.h"

#include <time.h>

struct look {
    struct tally *tally;
    char source[24];  /* "netlink", "procfs", "netlink+procfs" or "capture" */
    char remark[512]; /* why it is not the source one would expect, "" when it is: one of those below */
    char remarks[RECORD_PROTOCOLS][512]; /* of each protocol that was read */
    char fault[320];     /* what else could not be read ("" nothing); protocols are in tally->unreadable */
    char namespace[128]; /* as --netns named it, "" for its own */
    time_t time;
    char **asked; /* what was asked of the kernel, a line each; only when the options are that verbose */
    size_t asked_count;
    bool foreign;      /* another host's files: its users are not this one's */
    bool owners_known; /* users and units were looked up, or come from a capture: this host is not to be asked */
};

/* Which connections to read. */
enum look_depth {
    LOOK_LISTENERS,     /* none */
    LOOK_MAPPED_JUDGED, /* the v4-mapped ones of the judged ports, of all listening ports when nothing is judged */
    LOOK_ALL            /* all of them */
};

struct look_request {
    const struct options *options;
    const struct policy *policy; /* finished */
    enum look_depth depth;
    bool every_protocol; /* also those that the policy does not judge */
};

/*
 * Looks at the host (in the namespace the process is in). What cannot be read is told in the look itself. Returns 0 and
 * *look, which look_free() ends, or -ENOMEM.
 */
int look_take(const struct look_request *request, struct look **look);

/* Sets the remark to that on the protocols that the policy judges, or on every one. */
void look_remark_choose(struct look *look, const struct policy *policy, bool every_protocol);

/* NULL is fine. */
void look_free(struct look *look);

#endif
