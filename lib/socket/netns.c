/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Moves the process into another network namespace.
 */
#include "config.h"

#include "socket/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FORM_PATHS 2

/* One of the things a name can be: the paths to try, and what it means when none of them exists. */
struct form {
    const char *prefixes[FORM_PATHS]; /* of each path, followed by the name and the suffix */
    const char *suffix;
    const char *absent;
};

static const struct form process_form = {{"/proc/"},
                                         "/ns/net",
                                         "is not there: no process has this id, or /proc hides it"};
static const struct form path_form = {{""}, "", "does not exist"};
static const struct form name_form = {{"/run/netns/", "/var/run/netns/"},
                                      "",
                                      "does not exist (\"ip netns\" lists the names)"};

/* Returns NULL for a name that can be none of them. */
static const struct form *form_find(const char *name)
{
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return NULL;
    }
    if (name[strspn(name, "0123456789")] == '\0') {
        return &process_form;
    }
    return strchr(name, '/') != NULL ? &path_form : &name_form;
}

static int path_format(char path[static PATH_MAX], const struct form *form, size_t number, const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s%s%s", form->prefixes[number], name, form->suffix);

    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/*
 * Tries the paths in turn. Returns a descriptor or a negative errno; path is the one that it is about, the first if
 * all are missing. O_NONBLOCK: opening a FIFO must not wait for a writer.
 */
static int form_open(const struct form *form, const char *name, char path[static PATH_MAX])
{
    int file = -ENOENT;

    for (size_t i = 0; i < FORM_PATHS && form->prefixes[i] != NULL && file == -ENOENT; i++) {
        file = path_format(path, form, i, name);
        if (file < 0) {
            return file;
        }
        file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (file < 0) {
            file = -errno;
        }
    }
    if (file == -ENOENT) {
        path_format(path, form, 0, name);
    }
    return file;
}

static int open_failed(struct fault *fault, const char *name, const char *path, const struct form *form, int error)
{
    bool denied = error == EACCES || error == EPERM;

    if (denied && strncmp(path, "/proc/", strlen("/proc/")) == 0) {
        return fault_set(
            fault, error,
            "opening network namespace %.60s (%.60s) needs CAP_SYS_PTRACE (run as root) or the same user: %s", name,
            path, strerror(error));
    }
    return fault_set(fault, error, "cannot enter network namespace %.60s: %.80s%s%s", name, path,
                     error == ENOENT ? " " : ": ", error == ENOENT ? form->absent : strerror(error));
}

static int entry_failed(struct fault *fault, const char *name, const char *path, int error)
{
    if (error == EPERM) {
        return fault_set(fault, error, "entering network namespace %.60s (%.60s) needs CAP_SYS_ADMIN (run as root): %s",
                         name, path, strerror(error));
    }
    return fault_set(fault, error, "cannot enter network namespace %.60s: %.80s%s%s", name, path,
                     error == EINVAL ? " " : ": ", error == EINVAL ? "is not a network namespace" : strerror(error));
}

/* Enters what the descriptor is of, and closes it. */
static int file_enter(int file, const char *name, const char *path, struct fault *fault)
{
    int result = setns(file, CLONE_NEWNET) < 0 ? entry_failed(fault, name, path, errno) : 0;

    close(file);
    return result;
}

int netns_enter_path(const char *name, const char *path, struct fault *fault)
{
    char opened[PATH_MAX];
    int file = form_open(&path_form, path, opened);

    return file < 0 ? open_failed(fault, name, path, &path_form, -file) : file_enter(file, name, path, fault);
}

int netns_enter(const char *name, struct fault *fault)
{
    const struct form *form = form_find(name);
    char path[PATH_MAX];
    int file;

    if (form == NULL) {
        return fault_set(
            fault, EINVAL,
            "\"%s\" is not a network namespace: use a name that \"ip netns\" lists, a path or a process id", name);
    }
    file = form_open(form, name, path);
    if (file < 0) {
        return open_failed(fault, name, path, form, -file);
    }
    return file_enter(file, name, path, fault);
}
