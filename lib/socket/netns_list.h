/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The network namespaces of this host: those that have processes, and those that `ip netns` lists.
 */
#ifndef SOCKET_NETNS_LIST_H
#define SOCKET_NETNS_LIST_H

#include "socket/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netns_entry {
    uint64_t id;       /* inode number; of a hidden one, that of its files; 0 for what has neither */
    uint64_t files;    /* inode number of /proc/PID/net/tcp, which each namespace has for itself; 0 without a process */
    unsigned long pid; /* the lowest of its processes, 0 for none */
    bool is_hidden;    /* its processes are others', and may not be asked which namespace it is */
    char *name;        /* see netns_list_read() */
    char *path;        /* to enter it by */
};

/* Begin with all zero, end with netns_list_clear(). */
struct netns_list {
    struct netns_entry *entries;
    size_t count;
    bool sees_others; /* /proc shows other users' processes, too */
    int self;         /* a descriptor of the one that the process is in when it is read: without it, that one is gone as
                         soon as no process is in it; 0 for none */
};

/*
 * Finds them, each once. An entry is called what `ip netns` calls it, else "host" where process 1 is in it, else by the
 * container or systemd unit of its lowest process, else by that process; no two are called the same. That of process 1
 * comes first, the others by name. Returns 0; or -ENOMEM or another negative errno, and fault->text says why they
 * cannot be found.
 */
int netns_list_read(struct netns_list *list, struct fault *fault);

void netns_list_clear(struct netns_list *list);

/*
 * Enters it, unless the process is in it. Returns 0; -ENOENT when it is gone; or another negative errno, and
 * fault->text says why it cannot be entered.
 */
int netns_list_enter(const struct netns_entry *entry, struct fault *fault);

#define NETNS_LIST_NAME_SIZE 128

/*
 * Writes what a process with that cgroup path is in: the container ("docker-0123456789ab", as far as Docker and Podman
 * show its id; the name of an LXC, nspawn or libvirt one), else the systemd unit; "" for neither. Returns name.
 */
const char *netns_list_cgroup_name(char name[static NETNS_LIST_NAME_SIZE], const char *path);

#endif
