/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads /proc/net/{tcp,tcp6,udp,udp6}, or copies of them. They lack v6only, the interface and the cgroup.
 */
#ifndef SOCKET_PROCFS_H
#define SOCKET_PROCFS_H

#include "socket/source.h"

/*
 * Opens the source over the files in `directory` ("/proc/net" for this host; copied). A file that does not exist stands
 * for a family the kernel does not have (of this host only if it opens no such sockets); a protocol of which neither
 * file exists, or a file that is empty (the real ones always have a heading), cannot be read and fails its scan, and so
 * does a malformed line or one cut off at the end (only the last newline may be missing). The scan shows exactly what
 * the request asks for. Returns 0 and the source, which the caller ends with source->free(), or a negative errno and
 * fault->text.
 */
int procfs_open(struct source **source, const char *directory, struct fault *fault);

/*
 * Reads one line of such a file, without its newline, `length` bytes. Returns 0, or -EBADMSG for a line that is not
 * whole and well-formed up to the inode (what follows differs by kernel) or holds a NUL byte. Addresses in the files
 * are words of the machine's byte order that wrote them: this machine's.
 */
int procfs_line_decode(const char *line, size_t length, enum record_protocol protocol, enum record_family family,
                       struct sock_record *record);

/*
 * Opens a file of /proc/net, or a copy of one, to read. Returns the descriptor, which the caller closes, or a negative
 * errno: also for what is no regular file.
 */
int procfs_file_open(const char *path);

#endif
