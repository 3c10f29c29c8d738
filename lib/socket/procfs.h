/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads /proc/net/{tcp,tcp6,udp,udp6}, or copies of them. They lack v6only, the interface and the cgroup.
 */
#ifndef SOCKET_PROCFS_H
#define SOCKET_PROCFS_H

#include "socket/source.h"

/*
 * Opens the source over the files in `directory` (procfs_directory() for this host; copied). A scan fails when one of
 * its protocol's files is missing, unless that means that the kernel does not have the family: of this host, if it
 * opens no such sockets; of copies, if it is the file of AF_INET6 and nothing beside it speaks of IPv6 (the other
 * protocol's file, an address in if_inet6). It fails, too, for a file that is empty (the real ones always have a
 * heading), for gVisor's udp6, which is a heading whatever there is, and for a malformed line or one cut off at the end
 * (only the last newline may be missing). The scan shows exactly what the request asks for. Copies from a machine of
 * the other byte order are recognised by their addresses, see procfs_order.h. Returns 0 and the source, which the
 * caller ends with source->free(), or a negative errno and fault->text.
 */
int procfs_open(struct source **source, const char *directory, struct fault *fault);

/*
 * Reads one line of such a file, without its newline, `length` bytes. Returns 0, or -EBADMSG for a line that is not
 * whole and well-formed up to the inode (what follows differs by kernel) or holds a NUL byte. Addresses in the files
 * are words of the machine's byte order that wrote them: this machine's. The uid -2, which kernels before 3.5 wrote for
 * one that the reader's user namespace does not map, is RECORD_UID_HIDDEN. UDP may have state 0: RECORD_STATELESS.
 */
int procfs_line_decode(const char *line, size_t length, enum record_protocol protocol, enum record_family family,
                       struct sock_record *record);

#endif
