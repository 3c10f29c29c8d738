/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The folder that the kernel shows its sockets and addresses in, or copies of it.
 */
#include "config.h"

#include "socket/procfs_directory.h"

#include "socket/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define THIS_HOST "/proc/net"
#define THIS_PROCESS "/proc/self/net"

const char *procfs_directory(void)
{
    return access(THIS_HOST, F_OK) != 0 && access(THIS_PROCESS, F_OK) == 0 ? THIS_PROCESS : THIS_HOST;
}

bool procfs_directory_is_this_host(const char *directory)
{
    return strcmp(directory, THIS_HOST) == 0 || strcmp(directory, THIS_PROCESS) == 0;
}

bool procfs_directory_is_live(const char *directory)
{
    struct statfs system;

    return statfs(directory, &system) < 0 || system.f_type == PROC_SUPER_MAGIC;
}

const char *procfs_directory_ipv6_file(const char *directory)
{
    for (enum record_protocol protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        const char *name = protocol_of(protocol)->names[RECORD_INET6];
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path && access(path, F_OK) == 0) {
            return name;
        }
    }
    return NULL;
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
int procfs_directory_file_open(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    int error = 0;

    if (file < 0) {
        return -errno;
    }
    if (fstat(file, &status) < 0) {
        error = errno;
    } else if (S_ISDIR(status.st_mode)) {
        error = EISDIR;
    } else if (!S_ISREG(status.st_mode)) {
        error = EINVAL;
    }
    if (error == 0) {
        return file;
    }
    close(file);
    return -error;
}
