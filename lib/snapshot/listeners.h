/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The listeners of a protocol, whole: walked again where a walk may have missed one. For every mode.
 */
#ifndef SNAPSHOT_LISTENERS_H
#define SNAPSHOT_LISTENERS_H

#include "audit/tally.h"
#include "snapshot/sources.h"

/*
 * Adds all listeners of the protocol to the tally, which has none of it. One walk is enough where nothing can have been
 * missed, and so are two that show the same. Else walks go on and each adds what those before had missed (of alike
 * sockets the highest count stays), until every port was looked at by one that missed nothing there, or a good number
 * of walks is over: a walk that is held up between its reads, beside hundreds of sockets of one port that come and go,
 * misses one about every second time.
 *
 * Returns 0, or a negative errno as sources_scan(), of any of the walks; what was added is then to be forgotten.
 * -ESTALE when every walk to the last showed listeners that no walk before had, where those may have missed some.
 */
int listeners_read(struct sources *sources, enum record_protocol protocol, struct tally *tally);

#endif
