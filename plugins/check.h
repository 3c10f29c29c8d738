/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The program's main job: look, judge, look again where a breach rests on absence, and tell.
 */
#ifndef CHECK_H
#define CHECK_H

#include "audit/policy.h"
#include "look.h"
#include "options.h"
#include "plugin/state.h"

/* An answer ready to be written; `text` is malloc'd. */
struct answer {
    char *text;
    size_t length;
    enum state state;
};

/* Judges this host by a policy without errors. Returns 0 and *answer, or -ENOMEM. */
int check_host(const struct options *options, const struct policy *policy, struct answer *answer);

/* Judges what a look found, on the day it was taken. Returns 0 and *answer, or -ENOMEM. */
int check_look(const struct options *options, const struct policy *policy, struct look *look, struct answer *answer);

#endif
