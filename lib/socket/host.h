/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads the host facts of the network namespace the process is in.
 */
#ifndef SOCKET_HOST_H
#define SOCKET_HOST_H

#include "socket/source.h"

/*
 * Fills *host. `directory` is "/proc/net", spelt so, for this host, or a folder of copies. ipv6 comes from its
 * if_inet6; all else is for this host only (uname(), /proc/sys/net, /proc/self/ns/net): of copies the names are "",
 * netns is 0 and the rest unknown, but for the port range where a copy of ip_local_port_range lies beside them. An
 * empty or missing if_inet6 means no IPv6. One of this host that is missing although AF_INET6 sockets can be opened or
 * /proc/net is missing too, one that cannot be read, or that is no list of addresses, leaves host->ipv6 RECORD_UNKNOWN
 * and returns a negative errno with fault->text; the other facts are filled all the same. Facts that are not to be had
 * stay unknown and are no error. Returns 0 otherwise.
 */
int host_read(struct sock_host *host, const char *directory, struct fault *fault);

/*
 * Writes the name of interface `index` to `name`; "" for 0 and "#INDEX" for one that is gone or cannot be asked for.
 */
void host_interface_name(char name[static IF_NAMESIZE], uint32_t index);

#endif
