/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What a unit, or a cgroup without one, will be called after the next start, logout or connection, by the names that
 * systemd, logind, libvirt and the runtimes of containers give.
 */
#ifndef AUDIT_SUGGEST_UNIT_H
#define AUDIT_SUGGEST_UNIT_H

enum suggest_unit_kind {
    SUGGEST_UNIT_LASTING,    /* keeps its name: nginx.service, ssh.socket, init.scope, /lxc/web */
    SUGGEST_UNIT_CONTAINER,  /* of a container or virtual machine, with another number at each start */
    SUGGEST_UNIT_LOGIN,      /* of a login session: session-3.scope */
    SUGGEST_UNIT_USER,       /* of a user's own service manager: user@1000.service */
    SUGGEST_UNIT_TRANSIENT,  /* of systemd-run: run-u12.service */
    SUGGEST_UNIT_CONNECTION, /* of one connection to a socket: sshd@3-192.0.2.1:22-198.51.100.7:50000.service */
    SUGGEST_UNIT_UNNAMEABLE  /* may be called anything, or has a name that no rule can hold */
};
#define SUGGEST_UNIT_KINDS (SUGGEST_UNIT_UNNAMEABLE + 1)

/* Room for a pattern: each byte of the longest unit (CGROUP_UNIT_SIZE) may need a backslash. */
#define SUGGEST_UNIT_SIZE 520

/*
 * Writes the value of unit= that fits the unit now and later: its name where that lasts, else with "*" in place of what
 * changes; "" when it is SUGGEST_UNIT_UNNAMEABLE. `unit` is as cgroup_unit_format() writes it, "/nginx" for what is in
 * no unit. Returns what it is.
 */
enum suggest_unit_kind suggest_unit_pattern(char pattern[static SUGGEST_UNIT_SIZE], const char *unit);

#endif
