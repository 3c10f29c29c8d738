/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --replay: judges captures instead of this host.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "run.h"

/*
 * One capture is judged as this host would be. Several, or a folder of them, are a fleet: what is written of each host
 * is up to the writer, as soon as it is judged or at the end. *state is the worst. Returns 0 or -ENOMEM.
 */
int replay_run(const struct run *run, enum state *state);

#endif
