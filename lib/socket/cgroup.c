/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * From a socket's cgroup id to the systemd unit, container or session it belongs to.
 */
#include "config.h"

#include "socket/cgroup.h"

#include "socket/array.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MOUNTINFO "/proc/self/mountinfo"

struct unit {
    uint64_t id;
    char *path; /* NULL until a directory with this id is found */
};

/* The type of a file handle that holds a cgroup's id (Linux 5.5; kernel source: FILEID_KERNFS). */
#define HANDLE_KERNFS 0xfe

/* The inode number of the whole tree's root; any other cgroup has one of its own (kernel source: fs/kernfs). */
#define WHOLE_ROOT 1

struct cgroup_table {
    bool wide; /* ids have more bits than inode numbers: a 32-bit kernel */
    bool part; /* the mount shows a part of the tree, or some of it may not be read */
    size_t count;
    size_t found;
    struct unit units[]; /* ascending by id, each id once */
};

/* Directories that are still to be read, as paths below the mount. With a list instead of recursion two open files are
 * enough, however deep the tree is. */
struct queue {
    char **paths;
    size_t first;
    size_t count;
};

/* The fields of a line of mountinfo that matter; see proc_pid_mountinfo(5). */
struct mount {
    dev_t device;
    const char *root;
    char *point;
    const char *type;
};

static int fail(struct fault *fault, const char *what, const char *path, int error)
{
    return fault_set(fault, error, "%s %.160s: %s", what, path, strerror(error));
}

/* The table of wanted ids */

static int unit_compare(const void *left, const void *right)
{
    uint64_t left_id = ((const struct unit *)left)->id;
    uint64_t right_id = ((const struct unit *)right)->id;

    return (left_id > right_id) - (left_id < right_id);
}

static struct cgroup_table *table_create(const uint64_t *ids, size_t count)
{
    struct cgroup_table *table = malloc(sizeof *table + count * sizeof table->units[0]);
    size_t distinct = 0;

    if (table == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        table->units[i] = (struct unit){ids[i], NULL};
    }
    qsort(table->units, count, sizeof table->units[0], unit_compare);
    for (size_t i = 0; i < count; i++) {
        if (table->units[i].id != (distinct > 0 ? table->units[distinct - 1].id : 0)) {
            table->units[distinct++] = table->units[i];
        }
    }
    table->wide = false;
    table->part = false;
    table->count = distinct;
    table->found = 0;
    return table;
}

static const struct unit *table_find(const struct cgroup_table *table, uint64_t id)
{
    struct unit key = {id, NULL};

    return bsearch(&key, table->units, table->count, sizeof table->units[0], unit_compare);
}

static int table_note(struct cgroup_table *table, uint64_t id, const char *path)
{
    const struct unit *found = table_find(table, id);
    struct unit *unit;

    if (found == NULL || found->path != NULL) {
        return 0;
    }
    unit = &table->units[found - table->units];
    unit->path = strdup(path);
    if (unit->path == NULL) {
        return -ENOMEM;
    }
    table->found++;
    return 0;
}

/* The mount */

/* mountinfo writes blank, tab, newline and backslash as three octal digits. */
static void octal_unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; to++) {
        if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
            *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* Splits the line into fields. Returns false for a line that mountinfo cannot have. */
static bool mount_parse(char *line, struct mount *mount)
{
    enum {
        DEVICE = 2,
        ROOT,
        POINT,
        OPTIONS,
        FIELDS
    };
    char *fields[FIELDS];
    char *rest = line;
    char *word;
    char *minor_start;

    for (size_t i = 0; i < FIELDS; i++) {
        fields[i] = strsep(&rest, " \n");
        if (fields[i] == NULL) {
            return false;
        }
    }
    do {
        word = strsep(&rest, " \n");
    } while (word != NULL && strcmp(word, "-") != 0);
    mount->type = strsep(&rest, " \n");
    if (mount->type == NULL) {
        return false;
    }
    mount->device = (dev_t)strtoul(fields[DEVICE], &minor_start, 10);
    if (*minor_start != ':') {
        return false;
    }
    mount->device = makedev((unsigned)mount->device, (unsigned)strtoul(minor_start + 1, NULL, 10));
    mount->root = fields[ROOT];
    mount->point = fields[POINT];
    octal_unescape(mount->point);
    return true;
}

/* Returns a descriptor or a negative errno: -ENOENT too when another file system was mounted over it. */
static int mount_open(const struct mount *mount)
{
    int directory = open(mount->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;
    int error = 0;

    if (directory < 0) {
        return -errno;
    }
    if (fstat(directory, &status) < 0) {
        error = errno;
    } else if (status.st_dev != mount->device) {
        error = ENOENT;
    }
    if (error == 0) {
        return directory;
    }
    close(directory);
    return -error;
}

/* Opens the best of the cgroup2 mounts: one of the whole tree, else any. Returns as mount_open() does. */
static int best_mount_open(FILE *mountinfo)
{
    int best = -ENOENT;
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, mountinfo) >= 0) {
        struct mount mount;
        bool whole;
        int directory;

        if (!mount_parse(line, &mount) || strcmp(mount.type, "cgroup2") != 0) {
            continue;
        }
        whole = strcmp(mount.root, "/") == 0;
        if (best >= 0 && !whole) {
            continue;
        }
        directory = mount_open(&mount);
        if (best >= 0 && directory < 0) {
            continue;
        }
        if (best >= 0) {
            close(best);
        }
        best = directory;
        if (best >= 0 && whole) {
            break;
        }
    }
    if (ferror(mountinfo) && best < 0) {
        best = -EIO;
    }
    free(line);
    return best;
}

static int root_open(const char *mountinfo, struct fault *fault)
{
    FILE *file = fopen(mountinfo, "re");
    int root;

    if (file == NULL) {
        return fail(fault, "cannot look for the cgroup2 mount in", mountinfo, errno);
    }
    root = best_mount_open(file);
    fclose(file);
    if (root == -ENOENT) {
        fault_set(fault, ENOENT, "no usable cgroup2 mount in %.160s, so units are not known", mountinfo);
    } else if (root < 0) {
        fail(fault, "cannot open the cgroup2 mount in", mountinfo, -root);
    }
    return root;
}

/* The walk */

/* Owns the path from now on, also when it fails. */
static int queue_add(struct queue *queue, char *path)
{
    char **paths = array_grow(queue->paths, queue->count, sizeof *paths);

    if (paths == NULL) {
        free(path);
        return -ENOMEM;
    }
    queue->paths = paths;
    queue->paths[queue->count++] = path;
    return 0;
}

static void queue_clear(struct queue *queue)
{
    while (queue->first < queue->count) {
        free(queue->paths[queue->first++]);
    }
    free(queue->paths);
}

/* The walk goes on past a directory that vanished meanwhile, or that this user may not read. */
static bool may_skip(int error)
{
    static const int reasons[] = {ENOENT, ENODEV, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES, EPERM};

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i] == error) {
            return true;
        }
    }
    return false;
}

static bool is_subdirectory(const struct dirent *entry, int directory)
{
    struct stat status;

    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
        return false;
    }
    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type == DT_DIR;
    }
    return fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

/*
 * The id of the cgroup that is `name` in the directory. Where an inode number has 32 bits it is the lower half of the
 * id, and the whole of it is in the file handle, for which no privilege is needed. Without such handles (before Linux
 * 5.5, or refused by a seccomp filter) the inode number is all there is.
 */
static uint64_t id_find(int directory, const char *name, uint64_t inode)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + sizeof inode];
    } found = {.handle = {.handle_bytes = sizeof inode}};
    int mount;

    if (name_to_handle_at(directory, name, &found.handle, &mount, 0) == 0 &&
        found.handle.handle_type == HANDLE_KERNFS) {
        memcpy(&inode, found.room + offsetof(struct file_handle, f_handle), sizeof inode);
    }
    return inode;
}

static int subdirectory_note(const struct dirent *entry, int directory, const char *parent, struct cgroup_table *table,
                             struct queue *queue)
{
    char *path;
    int result;

    if (asprintf(&path, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, entry->d_name) < 0) {
        return -ENOMEM;
    }
    result = table_note(table, table->wide ? id_find(directory, entry->d_name, entry->d_ino) : entry->d_ino, path);
    if (result < 0) {
        free(path);
        return result;
    }
    return queue_add(queue, path);
}

static int directory_read(int root, const char *path, struct cgroup_table *table, struct queue *queue)
{
    int file = openat(root, strcmp(path, "/") == 0 ? "." : path + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    const struct dirent *entry;
    int result = 0;
    DIR *directory;

    if (file < 0) {
        table->part |= errno == EACCES || errno == EPERM;
        return may_skip(errno) ? 0 : -errno;
    }
    directory = fdopendir(file);
    if (directory == NULL) {
        result = -errno;
        close(file);
        return result;
    }
    while (result == 0 && table->found < table->count && (errno = 0, entry = readdir(directory)) != NULL) {
        if (is_subdirectory(entry, file)) {
            result = subdirectory_note(entry, file, path, table, queue);
        }
    }
    if (result == 0 && table->found < table->count && !may_skip(errno)) {
        result = -errno;
    }
    closedir(directory);
    return result;
}

static int tree_walk(int root, struct cgroup_table *table)
{
    struct queue queue = {.paths = NULL};
    struct stat root_status;
    uint64_t root_id;
    char *top;
    int result;

    if (fstat(root, &root_status) < 0) {
        return -errno;
    }
    root_id = id_find(root, ".", root_status.st_ino);
    table->wide = root_id != root_status.st_ino;
    table->part = root_status.st_ino != WHOLE_ROOT;
    result = table->part ? 0 : table_note(table, root_id, "/");
    if (result < 0) {
        return result;
    }
    top = strdup("/");
    result = top != NULL ? queue_add(&queue, top) : -ENOMEM;
    while (result == 0 && table->found < table->count && queue.first < queue.count) {
        char *path = queue.paths[queue.first++];

        result = directory_read(root, path, table, &queue);
        free(path);
    }
    queue_clear(&queue);
    return result;
}

static int table_fill(struct cgroup_table *table, const char *mountinfo, struct fault *fault)
{
    int root;
    int result;

    if (table->count == 0) {
        return 0;
    }
    root = root_open(mountinfo, fault);
    if (root < 0) {
        return root;
    }
    result = tree_walk(root, table);
    close(root);
    return result < 0 ? fail(fault, "cannot walk the cgroup2 mount in", mountinfo, -result) : 0;
}

int cgroup_table_read_from(struct cgroup_table **table, const char *mountinfo, const uint64_t *ids, size_t count,
                           struct fault *fault)
{
    struct cgroup_table *filled = table_create(ids, count);
    int result;

    if (filled == NULL) {
        return fail(fault, "cannot read", mountinfo, ENOMEM);
    }
    result = table_fill(filled, mountinfo, fault);
    if (result < 0) {
        cgroup_table_free(filled);
    } else {
        *table = filled;
    }
    return result;
}

int cgroup_table_read(struct cgroup_table **table, const uint64_t *ids, size_t count, struct fault *fault)
{
    return cgroup_table_read_from(table, MOUNTINFO, ids, count, fault);
}

const char *cgroup_table_path(const struct cgroup_table *table, uint64_t id)
{
    const struct unit *unit = table_find(table, id);

    return unit != NULL ? unit->path : NULL;
}

bool cgroup_table_is_whole(const struct cgroup_table *table)
{
    return !table->part;
}

void cgroup_table_free(struct cgroup_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->count; i++) {
        free(table->units[i].path);
    }
    free(table);
}

/* Names */

/* A part of a path, without its slashes. */
struct component {
    const char *text;
    size_t length;
};

/* Moves *path past the next component; an empty one is the end. */
static struct component component_next(const char **path)
{
    struct component component;

    *path += strspn(*path, "/");
    component = (struct component){*path, strcspn(*path, "/")};
    *path += component.length;
    return component;
}

static bool component_ends(struct component component, const char *suffix)
{
    size_t length = strlen(suffix);

    return component.length > length && memcmp(component.text + component.length - length, suffix, length) == 0;
}

static bool component_is_unit(struct component component)
{
    static const char *const suffixes[] = {".service", ".scope", ".socket", ".mount", ".swap"};

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (component_ends(component, suffixes[i])) {
            return true;
        }
    }
    return false;
}

/* systemd puts "_" before a name that would look like one of the kernel's own files. */
static struct component component_unescape(struct component component)
{
    size_t skipped = component.text[0] == '_' ? 1 : 0;

    return (struct component){component.text + skipped, component.length - skipped};
}

const char *cgroup_unit_format(char name[static CGROUP_UNIT_SIZE], const char *path)
{
    struct component chosen = {path, strlen(path)};
    struct component slice = {NULL, 0};
    const char *rest = path;
    struct component next = component_next(&rest);

    while (component_ends(next, ".slice")) {
        slice = next;
        next = component_next(&rest);
    }
    if (component_is_unit(next)) {
        chosen = component_unescape(next);
    } else if (next.length == 0 && slice.text != NULL) {
        chosen = component_unescape(slice);
    }
    if (chosen.length >= CGROUP_UNIT_SIZE) {
        chosen.length = CGROUP_UNIT_SIZE - 1;
    }
    memcpy(name, chosen.text, chosen.length);
    name[chosen.length] = '\0';
    return name;
}
