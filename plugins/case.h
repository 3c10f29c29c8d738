/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What is judged, by what, and the verdict: all that the ways of telling it need.
 */
#ifndef CASE_H
#define CASE_H

#include "audit/judge.h"
#include "look.h"
#include "options.h"

/* Everything is borrowed. */
struct judged_case {
    const struct options *options;
    const struct policy *policy;
    const struct look *look;
    const struct judge_verdict *verdict;
    int32_t today;
};

#endif
