/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A request as bytecode for the kernel's inet_diag filter: pure, no I/O.
 * Kernel source: net/ipv4/inet_diag.c, inet_diag_bc_audit() and inet_diag_bc_run().
 */
#ifndef SOCKET_FILTER_H
#define SOCKET_FILTER_H

#include "socket/source.h"

/*
 * The most port ranges one program tests; a longer list is folded until it fits (see filter_build). For each jump the
 * kernel counts from the program's start whether it lands between two instructions: 2 ms for as many as these.
 */
#define FILTER_RANGES 512

/* Room for the longest program filter_build() makes: the mapped condition and FILTER_RANGES ranges. */
#define FILTER_SIZE (16 + FILTER_RANGES * 20)

/*
 * Compiles request->ports and request->v4_mapped_only to a program of at most FILTER_SIZE bytes in `code` (4-byte
 * aligned). Returns its length, 0 when there is nothing to filter (every socket passes). When there are more than
 * FILTER_RANGES ranges those with the smallest gaps between them are joined: the program then passes more ports than
 * asked for, never fewer.
 */
size_t filter_build(void *code, const struct source_request *request);

#endif
