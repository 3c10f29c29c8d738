/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Moves the process into another network namespace.
 */
#ifndef SOCKET_NETNS_H
#define SOCKET_NETNS_H

#include "socket/source.h"

/*
 * Enters the namespace that `name` names: a process id (all digits; "/proc/PID/ns/net"), a path (contains '/') or a
 * name as `ip netns` lists it (/run/netns/NAME, then /var/run/netns/NAME). From then on /proc/net and sysctls are those
 * of that namespace. Returns 0 or a negative errno; fault->text then says what is missing (CAP_SYS_ADMIN, the file) and
 * what would be right.
 */
int netns_enter(const char *name, struct fault *fault);

/* The same by its path alone; fault->text calls it `name`. */
int netns_enter_path(const char *name, const char *path, struct fault *fault);

#endif
