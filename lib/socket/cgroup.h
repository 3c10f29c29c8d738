/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * From a socket's cgroup id to the systemd unit, container or session it belongs to, without privileges: the id is the
 * inode number of a directory in the cgroup2 mount (kernel source: kernel/cgroup, cgroup_id()); on a 32-bit kernel it
 * has another half, which is in the file handle of the directory.
 */
#ifndef SOCKET_CGROUP_H
#define SOCKET_CGROUP_H

#include "socket/source.h"

struct cgroup_table;

/*
 * Walks the cgroup2 mount once and keeps the paths of the `count` ids (duplicates and 0 are fine; without any other id
 * nothing is read). The mount is found in /proc/self/mountinfo, hybrid layouts too. Returns 0 and the table, which the
 * caller ends with cgroup_table_free(); or a negative errno and fault->text when there is no cgroup2 mount or it cannot
 * be walked. Directories that this user may not read, or that vanish meanwhile, are skipped.
 */
int cgroup_table_read(struct cgroup_table **table, const uint64_t *ids, size_t count, struct fault *fault);

/* The same with another mountinfo file, for tests. */
int cgroup_table_read_from(struct cgroup_table **table, const char *mountinfo, const uint64_t *ids, size_t count,
                           struct fault *fault);

/*
 * The path below the cgroup2 mount ("/system.slice/nginx.service"), NULL when no readable directory has that id, and
 * for the root of a mount that does not show the whole tree, which has a name further up. The text lives as long as the
 * table.
 */
const char *cgroup_table_path(const struct cgroup_table *table, uint64_t id);

/*
 * True when the walk saw every cgroup of the machine, so that an id without a path is of one that is gone; false in a
 * cgroup namespace, below a mount of a part of the tree, or when a directory could not be read.
 */
bool cgroup_table_is_whole(const struct cgroup_table *table);

/* NULL is fine. */
void cgroup_table_free(struct cgroup_table *table);

#define CGROUP_UNIT_SIZE 256

/*
 * Writes the unit of a cgroup path as systemd names it: the component right below the leading slices if it ends in
 * .service, .scope, .socket, .mount or .swap ("nginx.service", "docker-….scope", "user@1000.service",
 * "session-3.scope"); the last slice when there are only slices ("machine.slice"); otherwise the path itself ("/",
 * "/lxc/web/system.slice/nginx.service", which is the nginx of a container). systemd's escape of a leading "_" is
 * undone, \xHH sequences stay as they are. Longer names are cut. Returns name.
 */
const char *cgroup_unit_format(char name[static CGROUP_UNIT_SIZE], const char *path);

#endif
