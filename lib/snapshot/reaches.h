/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * How far listeners are reached now, by the addresses and interfaces the host has.
 */
#ifndef SNAPSHOT_REACHES_H
#define SNAPSHOT_REACHES_H

#include "audit/tally.h"
#include "snapshot/sources.h"

/*
 * Reads which addresses the host has, in the network namespace the process is in or of the copies, and from them works
 * out how far each listener of the tally is reached; the interfaces they are bound to get their names. What cannot be
 * read narrows nothing: then listeners are reached as far as they are bound, and the tally says why. `request` is that
 * of the sources. Returns 0 or -ENOMEM.
 */
int reaches_find(struct tally *tally, const struct sources *sources, const struct sources_request *request);

#endif
