/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to write into the configuration of common daemons. Real daemons are held to each of these words by
 * tests/servers/test_daemons_*.py, together with doc/DAEMONS.md.
 */
#ifndef DIRECTIVE_H
#define DIRECTIVE_H

#include "socket/record.h"

#include <stdbool.h>
#include <stddef.h>

/* What a service shall be. */
enum directive_want {
    DIRECTIVE_V4_ONLY,
    DIRECTIVE_V6_ONLY,
    DIRECTIVE_SPLIT,   /* a socket for each family */
    DIRECTIVE_SINGLE,  /* one socket for both */
    DIRECTIVE_ADDRESS, /* on another address, which the words call ADDRESS */
    DIRECTIVE_DUAL     /* either form */
};
#define DIRECTIVE_WORDS DIRECTIVE_DUAL /* what a daemon has words of its own for */

/* Where it shall be so. */
enum directive_place {
    DIRECTIVE_EVERYWHERE, /* on all addresses */
    DIRECTIVE_LOOPBACK,   /* on 127.0.0.1 and ::1 */
    DIRECTIVE_ELSEWHERE   /* on other addresses: what they are only its user knows */
};

/* Of which service. */
struct directive_service {
    enum record_protocol protocol;
    uint16_t port;
};

struct directive_daemon;

/* The daemon of a systemd unit, NULL where the unit does not tell for sure. */
const struct directive_daemon *directive_daemon_find(const char *unit);

/*
 * Appends to the text " (in nginx, for dual-stack: listen 0.0.0.0:80 and listen [::]:80)", as much as fits into `size`
 * bytes: the lines that make the daemon what it shall be, in place of all it has for that port. Returns false, and
 * appends nothing, where the daemon has no such words, or none that would not open it wider than it is.
 */
bool directive_add(char *text, size_t size, const struct directive_daemon *daemon, enum directive_want want,
                   enum directive_place place, const struct directive_service *service);

#endif
