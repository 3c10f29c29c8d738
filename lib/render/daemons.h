/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to write into the configuration of common daemons. tests/unit/test_daemons_document.c compares doc/DAEMONS.md
 * with these words, and tests/servers/test_daemons_*.py compare both with real daemons.
 */
#ifndef RENDER_DAEMONS_H
#define RENDER_DAEMONS_H

#include "plugin/text_buffer.h"
#include "socket/record.h"

#include <stdbool.h>

/* What a service should be. */
enum daemons_want {
    DAEMONS_V4_ONLY,
    DAEMONS_V6_ONLY,
    DAEMONS_SPLIT,   /* a socket for each family */
    DAEMONS_SINGLE,  /* one socket for both */
    DAEMONS_ADDRESS, /* on other addresses, which the words call ADDRESS */
    DAEMONS_DUAL     /* either form */
};
#define DAEMONS_WORDS DAEMONS_DUAL /* so many of them have words of their own */

/* Where it should be so. */
enum daemons_place {
    DAEMONS_EVERYWHERE, /* on all addresses */
    DAEMONS_LOOPBACK,   /* on 127.0.0.1 and ::1 */
    DAEMONS_ELSEWHERE   /* on other addresses; only the administrator knows which */
};

/* The service that the daemon should provide in this way. */
struct daemons_service {
    enum record_protocol protocol;
    uint16_t port;
};

#define DAEMONS_UNITS 4

/*
 * PORT stands for the number, KIND for Stream or Datagram, ADDRESS for an address. The wildcards are written out, so
 * that they can give way to the addresses of loopback. No words: the daemon cannot, or not on a wildcard. All static.
 */
struct daemons_daemon {
    const char *units[DAEMONS_UNITS]; /* globs: the names that distributions give it */
    const char *name;                 /* "": the unit does not identify the daemon for certain */
    const char *words[DAEMONS_WORDS];
    bool each_address; /* it has a socket for each address of the host, none on a wildcard */
};

/* Row number `index` of the table, NULL behind the last one. */
const struct daemons_daemon *daemons_row(int index);

/* The daemon of a systemd unit, NULL where the name of the unit does not prove which one it is. */
const struct daemons_daemon *daemons_find(const char *unit);

/*
 * Adds to the text " (in nginx, for dual-stack: listen 0.0.0.0:80 and listen [::]:80)": the lines that make the daemon
 * listen so, in place of all that it has for that port. Returns false, and adds nothing, where the daemon has no such
 * words, or where they would make it reachable from farther away than it is.
 */
bool daemons_add(struct text_buffer *text, const struct daemons_daemon *daemon, enum daemons_want want,
                 enum daemons_place place, const struct daemons_service *service);

#endif
