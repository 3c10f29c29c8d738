/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads the host facts of the network namespace the process is in.
 */
#ifndef SOCKET_HOST_H
#define SOCKET_HOST_H

#include "socket/source.h"

/*
 * Fills *host with what decides; host_details_read() adds the rest. `directory` is procfs_directory() for this host, or
 * a folder of copies. ipv6 comes from its if_inet6; all else is for this host only (uname(), /proc/sys/net): of copies
 * the names are "" and the rest unknown, but for the port range and the reserved ports where copies of
 * ip_local_port_range and ip_local_reserved_ports lie beside them, or where a copy of the whole of /proc has them
 * (../sys/net/ipv4, or ../../sys/net/ipv4 for self/net). An empty if_inet6 means no IPv6, and so does a missing one,
 * unless the kernel opens AF_INET6 sockets or /proc/net is missing, too, or copies hold tcp6 or udp6. Such a file, one
 * that cannot be read, or one that is not a list of addresses, leaves host->ipv6 RECORD_UNKNOWN and returns a negative
 * errno with fault->text; the other facts are still filled. Facts that cannot be read stay unknown and are not errors.
 * Returns 0 otherwise.
 */
int host_read(struct sock_host *host, const char *directory, struct fault *fault);

/*
 * Adds facts about this host that only explanations and captures need, because each file takes time: netns, bindv6only
 * and disable_ipv6 (/proc/self/ns/net, /proc/sys/net/ipv6). A fact that cannot be read stays as it is.
 */
void host_details_read(struct sock_host *host);

/*
 * Confirms that the missing file `directory`/if_inet6 ("/proc/net", or another way to it) means that this host has no
 * IPv6. Returns 0, or a negative errno with fault->text.
 */
int host_ipv6_absence_confirm(const char *directory, struct fault *fault);

/*
 * Whether IPv6 runs on the interface of this name, of this host: not where net.ipv6.conf.NAME.disable_ipv6 says so, nor
 * where the kernel keeps no such setting for it, as with an MTU below 1280. Unknown without /proc/sys.
 */
enum record_answer host_interface_ipv6(const char *name);

/*
 * The uid that sock_diag and /proc/net show for each owner that this process's user namespace does not map
 * (kernel.overflowuid, 65534); RECORD_UID_HIDDEN when it maps every uid, as outside of containers.
 */
uint32_t host_hidden_uid(void);

/*
 * Writes the name of interface `index` to `name`; "" for 0 and "#INDEX" for one that is gone or cannot be asked for.
 */
void host_interface_name(char name[static IF_NAMESIZE], uint32_t index);

#endif
