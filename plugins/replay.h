/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --replay: judges captures instead of this host.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "check.h"

/*
 * One capture is judged as this host would be. Several, or a folder of them, give one line a host, the worst first,
 * then a summary; with --format=json one object a host, written as soon as it is judged, so that the answer has no text
 * left. The state is the worst. Returns 0 and *answer, or -ENOMEM.
 */
int replay_run(const struct options *options, const struct policy *policy, struct answer *answer);

#endif
