/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "socket/netns_list.h"

#include "socket/array.h"
#include "socket/cgroup.h"
#include "socket/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Docker and Podman show so much of a container's id. */
#define CONTAINER_ID_SHOWN 12
#define CONTAINER_ID_LENGTH 64

static const char self_path[] = "/proc/self/ns/net";

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

void netns_list_clear(struct netns_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].name);
        free(list->entries[i].path);
    }
    if (list->self > 0) {
        close(list->self);
    }
    free(list->entries);
    *list = (struct netns_list){.count = 0};
}

/* Adds the entry, whose texts are the list's from now on, also when it fails. */
static int entry_add(struct netns_list *list, const struct netns_entry *entry)
{
    struct netns_entry *grown = array_grow(list->entries, list->count, sizeof *grown);

    if (grown == NULL) {
        free(entry->name);
        free(entry->path);
        return -ENOMEM;
    }
    list->entries = grown;
    list->entries[list->count++] = *entry;
    return 0;
}

/* A list that may lack some is none. */
static int list_failed(struct fault *fault, const char *path, int error)
{
    return fault_set(fault, error, "the network namespaces of this host cannot be found: %.80s: %s", path,
                     strerror(error));
}

/* --- names that `ip netns` lists --------------------------------------------------------------------------------- */

/* A name without a namespace is an entry, too: entering it shows what it is. `device` is that of all namespaces. */
static int named_add(struct netns_list *list, const char *folder, const char *name, dev_t device, struct fault *fault)
{
    struct netns_entry entry = {.id = 0};
    char path[PATH_MAX];
    struct stat status;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (stat(path, &status) != 0) {
        return errno == ENOENT ? 0 : list_failed(fault, path, errno);
    }
    entry.id = status.st_dev == device ? status.st_ino : 0;
    entry.name = strdup(name);
    entry.path = strdup(path);
    if (entry.name == NULL || entry.path == NULL) {
        free(entry.name);
        free(entry.path);
        return -ENOMEM;
    }
    return entry_add(list, &entry);
}

static int folder_add(struct netns_list *list, const char *folder, dev_t device, struct fault *fault)
{
    DIR *directory = opendir(folder);
    const struct dirent *file;
    int result = 0;

    if (directory == NULL) {
        return errno == ENOENT ? 0 : list_failed(fault, folder, errno);
    }
    while (result == 0 && (errno = 0, file = readdir(directory)) != NULL) {
        if (strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0) {
            result = named_add(list, folder, file->d_name, device, fault);
        }
    }
    if (result == 0 && errno != 0) {
        result = list_failed(fault, folder, errno);
    }
    closedir(directory);
    return result;
}

/* /var/run is mostly a link to /run. */
static int named_find(struct netns_list *list, struct fault *fault)
{
    struct stat self;
    struct stat run;
    struct stat var_run;
    bool are_same = stat("/run/netns", &run) == 0 && stat("/var/run/netns", &var_run) == 0 &&
                    run.st_dev == var_run.st_dev && run.st_ino == var_run.st_ino;
    int result;

    if (fstat(list->self, &self) != 0) {
        return list_failed(fault, self_path, errno);
    }
    result = folder_add(list, "/run/netns", self.st_dev, fault);
    return result != 0 || are_same ? result : folder_add(list, "/var/run/netns", self.st_dev, fault);
}

/* --- processes ---------------------------------------------------------------------------------------------------- */

static int process_stat(unsigned long pid, const char *file, struct stat *status)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%lu/%s", pid, file);
    return stat(path, status) == 0 ? 0 : -errno;
}

static bool is_denied(int result)
{
    return result == -EACCES || result == -EPERM;
}

static bool has_ended(int result)
{
    return result == -ENOENT || result == -ESRCH;
}

/*
 * Finds out which namespace the process is in, as far as that is visible for other users' processes. Returns 0 or a
 * negative errno.
 */
static int process_find(unsigned long pid, struct netns_entry *entry)
{
    struct stat status;
    int result = process_stat(pid, "ns/net", &status);

    *entry = (struct netns_entry){.pid = pid, .is_hidden = is_denied(result)};
    if (result != 0 && !entry->is_hidden) {
        return result;
    }
    entry->id = result == 0 ? status.st_ino : 0;
    result = process_stat(pid, "net/tcp", &status);
    entry->files = result == 0 ? status.st_ino : 0;
    return is_denied(result) ? 0 : result;
}

/* Calls `visit` with each process until it returns other than 0. Returns that, or a negative errno of /proc. */
static int processes_walk(int (*visit)(void *context, const struct netns_entry *process), void *context)
{
    DIR *directory = opendir("/proc");
    const struct dirent *file;
    int result = 0;

    if (directory == NULL) {
        return -errno;
    }
    while (result == 0 && (errno = 0, file = readdir(directory)) != NULL) {
        struct netns_entry process;
        char *end;
        unsigned long pid = strtoul(file->d_name, &end, 10);
        if (pid > 0 && *end == '\0') {
            result = process_find(pid, &process);
            result = result == 0 ? visit(context, &process) : has_ended(result) ? 0 : result;
        }
    }
    if (result == 0) {
        result = -errno;
    }
    closedir(directory);
    return result;
}

/* Processes as they are added to the list. */
struct gathering {
    struct netns_list *list;
    bool sees_first; /* where /proc hides processes (hidepid=), process 1 is among them */
    bool is_denied;  /* there are some of which it only shows that they are there */
};

static int process_add(void *context, const struct netns_entry *process)
{
    struct gathering *gathering = context;

    if (process->is_hidden && process->files == 0) {
        gathering->is_denied = true;
        return 0;
    }
    gathering->sees_first |= process->pid == 1;
    return entry_add(gathering->list, process);
}

static int processes_add(struct netns_list *list)
{
    struct gathering gathering = {.list = list};
    int result = processes_walk(process_add, &gathering);

    list->sees_others = gathering.sees_first && !gathering.is_denied;
    return result;
}

/* --- what they are called ----------------------------------------------------------------------------------------- */

/* Writes "docker-0123456789ab" of "docker-<64 digits>.scope". Returns false when the component is not a container. */
static bool container_id_format(char name[static NETNS_LIST_NAME_SIZE], const char *component)
{
    size_t length = strlen(component);
    size_t suffix = strlen(".scope");
    int prefix;

    if (length > suffix && strcmp(component + length - suffix, ".scope") == 0) {
        length -= suffix;
    }
    prefix = (int)length - CONTAINER_ID_LENGTH;
    if (prefix < 0 || prefix >= NETNS_LIST_NAME_SIZE / 2 ||
        strspn(component + prefix, "0123456789abcdef") < CONTAINER_ID_LENGTH) {
        return false;
    }
    snprintf(name, NETNS_LIST_NAME_SIZE, "%.*s", prefix + CONTAINER_ID_SHOWN, component);
    return true;
}

/* The same of containers that have names. */
static bool container_name_format(char name[static NETNS_LIST_NAME_SIZE], const char *component)
{
    static const struct {
        const char *prefix;
        const char *suffix;
    } forms[] = {
        {"lxc.payload.", ""},
        {"systemd-nspawn@", ".service"},
        {"machine-", ".scope"},
    };
    size_t length = strlen(component);

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t prefix = strlen(forms[i].prefix);
        size_t suffix = strlen(forms[i].suffix);
        if (length > prefix + suffix && strncmp(component, forms[i].prefix, prefix) == 0 &&
            strcmp(component + length - suffix, forms[i].suffix) == 0) {
            snprintf(name, NETNS_LIST_NAME_SIZE, "%.*s", (int)(length - prefix - suffix), component + prefix);
            return true;
        }
    }
    return false;
}

const char *netns_list_cgroup_name(char name[static NETNS_LIST_NAME_SIZE], const char *path)
{
    char unit[CGROUP_UNIT_SIZE];
    char component[NAME_MAX + 1];

    for (const char *rest = path; *rest != '\0'; rest += strcspn(rest, "/")) {
        rest += strspn(rest, "/");
        snprintf(component, sizeof component, "%.*s", (int)strcspn(rest, "/"), rest);
        if (container_id_format(name, component) || container_name_format(name, component)) {
            return name;
        }
    }
    cgroup_unit_format(unit, path);
    snprintf(name, NETNS_LIST_NAME_SIZE, "%.*s", NETNS_LIST_NAME_SIZE - 1, unit[0] != '/' ? unit : "");
    return name;
}

/*
 * Reads the first line of the process's file that begins with the first of the marks or holds the second, and leaves
 * what is behind the mark; "" for none.
 */
static void line_read(char *line, size_t size, unsigned long pid, const char *file, const char *const marks[2])
{
    char path[64];
    FILE *stream;
    bool is_found = false;

    snprintf(path, sizeof path, "/proc/%lu/%s", pid, file);
    stream = fopen(path, "re");
    while (!is_found && stream != NULL && fgets(line, (int)size, stream) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < 2 && !is_found; i++) {
            char *start = strstr(line, marks[i]);
            is_found = start != NULL && (start == line || i == 1);
            if (is_found) {
                memmove(line, start + strlen(marks[i]), strlen(start + strlen(marks[i])) + 1);
            }
        }
    }
    if (!is_found) {
        line[0] = '\0';
    }
    if (stream != NULL) {
        fclose(stream);
    }
}

static void process_name_format(char name[static NETNS_LIST_NAME_SIZE], unsigned long pid)
{
    static const char *const hierarchies[2] = {"0::", ":name=systemd:"};
    static const char *const any[2] = {"", ""};
    char line[PATH_MAX];

    if (pid == 1) {
        snprintf(name, NETNS_LIST_NAME_SIZE, "host");
        return;
    }
    line_read(line, sizeof line, pid, "cgroup", hierarchies);
    if (*netns_list_cgroup_name(name, line) == '\0') {
        line_read(line, sizeof line, pid, "comm", any);
        snprintf(name, NETNS_LIST_NAME_SIZE, "process %lu (%.32s)", pid, line);
    }
}

static int entry_name(const struct netns_list *list, struct netns_entry *entry)
{
    char name[NETNS_LIST_NAME_SIZE];
    char path[64];

    if (entry->name != NULL) {
        return 0;
    }
    process_name_format(name, entry->pid);
    if (entry->pid == (unsigned long)getpid()) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", list->self);
    } else {
        snprintf(path, sizeof path, "/proc/%lu/ns/net", entry->pid);
    }
    entry->name = strdup(name);
    entry->path = strdup(path);
    return entry->name == NULL || entry->path == NULL ? -ENOMEM : 0;
}

/* What several are called is followed by the process, or by the path where there is none. */
static int name_extend(struct netns_entry *entry)
{
    size_t size = strlen(entry->name) + strlen(entry->path) + sizeof " (process 18446744073709551615)";
    char *name = malloc(size);

    if (name == NULL) {
        return -ENOMEM;
    }
    if (entry->pid != 0) {
        snprintf(name, size, "%s (process %lu)", entry->name, entry->pid);
    } else {
        snprintf(name, size, "%s (%s)", entry->name, entry->path);
    }
    free(entry->name);
    entry->name = name;
    return 0;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static void entries_sort(struct netns_list *list, int (*compare)(const void *left, const void *right))
{
    if (list->count > 1) {
        qsort(list->entries, list->count, sizeof *list->entries, compare);
    }
}

/* By namespace; first its names, then its processes. */
static int namespace_compare(const void *left, const void *right)
{
    const struct netns_entry *a = left;
    const struct netns_entry *b = right;
    int order = COMPARE(a->is_hidden, b->is_hidden);

    order = order != 0 ? order : COMPARE(a->id, b->id);
    order = order != 0 ? order : COMPARE(a->pid, b->pid);
    return order != 0 || a->name == NULL || b->name == NULL ? order : strcmp(a->name, b->name);
}

/* By name; of those that are called the same that of process 1 is the first. */
static int name_compare(const void *left, const void *right)
{
    const struct netns_entry *a = left;
    const struct netns_entry *b = right;
    int order = strcmp(a->name, b->name);

    order = order != 0 ? order : COMPARE(b->pid == 1, a->pid == 1);
    return order != 0 ? order : COMPARE(a->pid, b->pid);
}

/* That of process 1, then by name. */
static int entry_compare(const void *left, const void *right)
{
    const struct netns_entry *a = left;
    const struct netns_entry *b = right;
    int order = COMPARE(b->pid == 1, a->pid == 1);

    return order != 0 ? order : strcmp(a->name, b->name);
}

static bool is_same(const struct netns_entry *a, const struct netns_entry *b)
{
    return a->id != 0 && a->id == b->id && a->is_hidden == b->is_hidden;
}

/* By their files; first the processes whose namespace is visible. */
static int files_compare(const void *left, const void *right)
{
    const struct netns_entry *a = left;
    const struct netns_entry *b = right;
    int order = COMPARE(a->files, b->files);

    return order != 0 ? order : COMPARE(a->is_hidden, b->is_hidden);
}

/* A process with the same files as a process whose namespace is visible is in that namespace. */
static void hidden_find(struct netns_list *list)
{
    const struct netns_entry *known = NULL;

    entries_sort(list, files_compare);
    for (size_t i = 0; i < list->count; i++) {
        struct netns_entry *entry = &list->entries[i];
        bool is_known = known != NULL && entry->files != 0 && entry->files == known->files;
        if (!entry->is_hidden) {
            known = entry;
            continue;
        }
        entry->id = is_known ? known->id : entry->files;
        entry->is_hidden = !is_known;
    }
}

/* Makes one entry of those of a namespace: its first name, and its lowest process. */
static void entries_fold(struct netns_list *list)
{
    size_t count = 0;

    entries_sort(list, namespace_compare);
    for (size_t i = 0; i < list->count; i++) {
        struct netns_entry *entry = &list->entries[i];
        struct netns_entry *last = count > 0 ? &list->entries[count - 1] : NULL;
        if (last == NULL || !is_same(last, entry)) {
            list->entries[count++] = *entry;
            continue;
        }
        last->pid = last->pid == 0 ? entry->pid : last->pid;
        free(entry->name);
        free(entry->path);
    }
    list->count = count;
}

static int entries_name(struct netns_list *list)
{
    int result = 0;

    for (size_t i = 0; i < list->count && result == 0; i++) {
        result = entry_name(list, &list->entries[i]);
    }
    if (result != 0) {
        return result;
    }
    entries_sort(list, name_compare);
    for (size_t i = list->count; i-- > 1 && result == 0;) {
        if (strcmp(list->entries[i].name, list->entries[i - 1].name) == 0) {
            result = name_extend(&list->entries[i]);
        }
    }
    entries_sort(list, entry_compare);
    return result;
}

int netns_list_read(struct netns_list *list, struct fault *fault)
{
    int result;

    list->self = open(self_path, O_RDONLY | O_CLOEXEC);
    if (list->self < 0) {
        return list_failed(fault, self_path, errno);
    }
    result = named_find(list, fault);
    if (result == 0) {
        result = processes_add(list);
        if (result != 0) {
            list_failed(fault, "/proc", -result);
        }
    }
    if (result == 0) {
        hidden_find(list);
        entries_fold(list);
        result = entries_name(list);
    }
    return result;
}

/* Another process that is in the namespace. */
struct search {
    const struct netns_entry *entry;
    unsigned long pid; /* 0 until one is found */
};

static int process_match(void *context, const struct netns_entry *process)
{
    struct search *search = context;

    if (is_same(process, search->entry)) {
        search->pid = process->pid;
    }
    return search->pid != 0;
}

/* Is this process in it? Returns 0, or -EIO with the fault: it does not mean that the namespace is gone. */
static int inside_find(const struct netns_entry *entry, bool *is_inside, struct fault *fault)
{
    struct stat self;

    *is_inside = false;
    if (stat(self_path, &self) != 0) {
        return fault_set(fault, EIO, "cannot enter network namespace %.60s: %s: %s", entry->name, self_path,
                         strerror(errno));
    }
    *is_inside = !entry->is_hidden && self.st_ino == entry->id;
    return 0;
}

static int path_enter(const struct netns_entry *entry, const char *path, bool *is_inside, struct fault *fault)
{
    int result = netns_enter_path(entry->name, path, fault);

    return result == 0 ? inside_find(entry, is_inside, fault) : result;
}

int netns_list_enter(const struct netns_entry *entry, struct fault *fault)
{
    struct search search = {.entry = entry};
    char path[64];
    bool is_inside;
    int result = inside_find(entry, &is_inside, fault);
    int walked;

    if (result != 0 || is_inside) {
        return result;
    }
    result = path_enter(entry, entry->path, &is_inside, fault);
    if (entry->id == 0 || entry->is_hidden || result == -EPERM || is_inside) {
        return result;
    }
    /* The name was removed, or the process has ended and its number may have been reused, or it may not be entered. */
    walked = processes_walk(process_match, &search);
    if (walked < 0) {
        return fault_set(fault, EIO, "cannot enter network namespace %.60s: /proc: %s", entry->name, strerror(-walked));
    }
    if (search.pid == 0) {
        return result == 0 || result == -ESRCH ? -ENOENT : result;
    }
    snprintf(path, sizeof path, "/proc/%lu/ns/net", search.pid);
    result = path_enter(entry, path, &is_inside, fault);
    return result == 0 && !is_inside ? -ENOENT : result;
}
