/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The folder that the kernel shows its sockets and addresses in, or copies of it.
 */
#ifndef SOCKET_PROCFS_DIRECTORY_H
#define SOCKET_PROCFS_DIRECTORY_H

#include <stdbool.h>

/*
 * The folder of this process's network namespace, static: "/proc/net", or "/proc/self/net" where only that is there
 * (ProcSubset=pid).
 */
const char *procfs_directory(void);

/* True for both names of that folder. */
bool procfs_directory_is_this_host(const char *directory);

/* True for a folder of a mounted procfs, this host's or that of another process; false for copies of files. */
bool procfs_directory_is_live(const char *directory);

/* The name of a file of IPv6 sockets in that folder, such as "tcp6"; NULL when it holds none. Static. */
const char *procfs_directory_ipv6_file(const char *directory);

/*
 * Opens a file of /proc/net, or a copy of one, to read. Returns the descriptor, which the caller closes, or a negative
 * errno: also for anything but a regular file.
 */
int procfs_directory_file_open(const char *path);

#endif
