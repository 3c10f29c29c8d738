/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/cgroup.c. A folder stands for the cgroup2 mount, its inode numbers for cgroup ids, and a mountinfo written
 * here leads to it: so the walk is tried without privilege.
 */
#include "config.h"

#include "child.h"
#include "folder.h"
#include "unit.h"

#include "socket/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static char mountinfo[PATH_MAX];

/* What the kernel's name_to_handle_at() is for the test: without handles, or with those of a 32-bit kernel. */
static enum handles {
    HANDLES_NONE,
    HANDLES_FOREIGN, /* of a file system that is no cgroup tree */
    HANDLES_WIDE,    /* the inode number is the lower half of the id */
} handles;

int name_to_handle_at(int directory, const char *name, struct file_handle *handle, int *mount, int flags)
{
    struct stat status;
    uint64_t id;

    if (handles == HANDLES_NONE || fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        errno = EOPNOTSUPP;
        return -1;
    }
    ck_assert_uint_ge(handle->handle_bytes, sizeof id);
    ck_assert_int_eq(flags, 0);
    id = status.st_ino | UINT64_C(3) << 32;
    handle->handle_bytes = sizeof id;
    handle->handle_type = handles == HANDLES_WIDE ? 0xfe : 1;
    memcpy(handle->f_handle, &id, sizeof id);
    *mount = 0;
    return 0;
}

static void tree_make(void)
{
    handles = HANDLES_NONE;
    folder_make();
    folder_path(mountinfo, "mountinfo");
}

/* Makes a directory below the folder, and those above it; returns its inode number. */
static uint64_t directory_make(const char *name)
{
    char path[PATH_MAX];
    struct stat status;

    folder_add_directory(name);
    ck_assert_int_eq(stat(folder_path(path, name), &status), 0);
    return status.st_ino;
}

/* In `format` "DEV" is the folder's device and "DIR" the folder. */
static void mountinfo_write(const char *format)
{
    FILE *file = fopen(mountinfo, "we");
    struct stat status;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(stat(folder_name(), &status), 0);
    for (const char *at = format; *at != '\0'; ++at) {
        if (strncmp(at, "DEV", 3) == 0) {
            fprintf(file, "%u:%u", major(status.st_dev), minor(status.st_dev));
        } else if (strncmp(at, "DIR", 3) == 0) {
            fputs(folder_name(), file);
        } else {
            fputc(*at, file);
        }
        at += strncmp(at, "DEV", 3) == 0 || strncmp(at, "DIR", 3) == 0 ? 2 : 0;
    }
    ck_assert_int_eq(fclose(file), 0);
}

#define CGROUP2(root, point)                                                                                           \
    "38 31 DEV " root " " point " rw,relatime shared:4 master:1 - cgroup2 cgroup2 rw,nsdelegate\n"
#define TMPFS "31 23 0:9999 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
#define CGROUP1 "40 31 DEV / DIR/v1 rw,relatime - cgroup cgroup rw,name=systemd\n"

static struct cgroup_table *table_read(const uint64_t *ids, size_t count)
{
    struct fault fault = {""};
    struct cgroup_table *table = NULL;

    ck_assert_msg(cgroup_table_read_from(&table, mountinfo, ids, count, &fault) == 0, "%s", fault.text);
    return table;
}

/* Mounts: which of them is taken, and what its paths look like. */

static const struct {
    const char *mountinfo;
    const char *directory; /* whose id is looked up */
    const char *path;      /* NULL: not found */
} mounts[] = {
    {CGROUP2("/", "DIR/two"), "two/a.slice/b.service", "/a.slice/b.service"},
    /* it is not the root of the whole tree, whose inode has number 1: a cgroup namespace, say */
    {CGROUP2("/", "DIR/two"), "two", NULL},
    {CGROUP2("/", "DIR/two"), "two/x", "/x"},
    {CGROUP2("/", "DIR/two"), "elsewhere/x", NULL},
    /* hybrid: other hierarchies before and after */
    {TMPFS CGROUP1 CGROUP2("/", "DIR/two") CGROUP1, "two/x", "/x"},
    {TMPFS CGROUP1 CGROUP2("/", "DIR/two"), "v1/x", NULL},
    /* no optional fields, any number of them, a last line without newline */
    {"38 31 DEV / DIR/two rw - cgroup2 none rw", "two/x", "/x"},
    {"38 31 DEV / DIR/two rw a:1 b:2 c - cgroup2 none rw\n", "two/x", "/x"},
    /* octal escapes; a backslash that is none */
    {CGROUP2("/", "DIR/a\\040b\\134c\\011"), "a b\\c\t/x", "/x"},
    {CGROUP2("/", "DIR/a\\04"), "a\\04/x", "/x"},
    /* a container's mount of its own part: paths are below the mount */
    {CGROUP2("/docker/abc", "DIR/part"), "part/x.service", "/x.service"},
    /* the whole tree is better than a part of it, wherever it stands */
    {CGROUP2("/docker/abc", "DIR/part") CGROUP2("/", "DIR/two"), "two/x", "/x"},
    {CGROUP2("/", "DIR/two") CGROUP2("/docker/abc", "DIR/part"), "two/x", "/x"},
    {CGROUP2("/docker/abc", "DIR/part") CGROUP2("/", "DIR/missing"), "part/x", "/x"},
    {CGROUP2("/docker/abc", "DIR/part") CGROUP2("/docker/def", "DIR/two"), "part/x", "/x"},
    /* hidden under another mount: the device is not the one of the line */
    {"38 31 0:9999 / DIR/part rw - cgroup2 none rw\n" CGROUP2("/", "DIR/two"), "two/x", "/x"},
    /* lines that are none */
    {"\n38 31 DEV\n38 31 nonsense / DIR/part rw - cgroup2 none rw\n38 31 DEV / DIR/part rw\n" CGROUP2("/", "DIR/two"),
     "two/x", "/x"},
    /* a file system that calls itself so in another field */
    {"38 31 DEV / DIR/part rw - tmpfs cgroup2 rw\n" CGROUP2("/", "DIR/two"), "two/x", "/x"},
};

START_TEST(mount)
{
    struct cgroup_table *table;
    uint64_t id;

    directory_make("two");
    directory_make("part");
    id = directory_make(mounts[_i].directory);
    mountinfo_write(mounts[_i].mountinfo);
    table = table_read(&id, 1);
    ck_assert_pstr_eq(cgroup_table_path(table, id), mounts[_i].path);
    cgroup_table_free(table);
}
END_TEST

static const struct {
    const char *mountinfo; /* NULL: no such file */
    int status;
    const char *fault;
} broken[] = {
    {NULL, -ENOENT, "cannot look for the cgroup2 mount in "},
    {"", -ENOENT, "no usable cgroup2 mount in "},
    {TMPFS CGROUP1, -ENOENT, "no usable cgroup2 mount in "},
    {CGROUP2("/", "DIR/missing"), -ENOENT, "no usable cgroup2 mount in "},
    {CGROUP2("/", "DIR/mountinfo"), -ENOTDIR, "cannot open the cgroup2 mount in "},
    {"38 31 0:9999 / DIR rw - cgroup2 none rw\n", -ENOENT, "no usable cgroup2 mount in "},
};

START_TEST(no_mount)
{
    struct fault fault = {""};
    struct cgroup_table *table = NULL;
    uint64_t id = 1;

    if (broken[_i].mountinfo != NULL) {
        mountinfo_write(broken[_i].mountinfo);
    }
    ck_assert_int_eq(cgroup_table_read_from(&table, mountinfo, &id, 1, &fault), broken[_i].status);
    ck_assert_ptr_null(table);
    ck_assert_msg(strncmp(fault.text, broken[_i].fault, strlen(broken[_i].fault)) == 0, "%s", fault.text);
    ck_assert_ptr_nonnull(strstr(fault.text, mountinfo));
}
END_TEST

START_TEST(unreadable_mountinfo)
{
    struct fault fault = {""};
    struct cgroup_table *table = NULL;
    char expected[128];
    uint64_t id = 1;

    snprintf(expected, sizeof expected, "cannot open the cgroup2 mount in /: %s", strerror(EIO));
    ck_assert_int_eq(cgroup_table_read_from(&table, "/", &id, 1, &fault), -EIO);
    ck_assert_str_eq(fault.text, expected);
}
END_TEST

/* Ids */

START_TEST(many_ids)
{
    const uint64_t service = directory_make("two/system.slice/a.service");
    const uint64_t deep = directory_make("two/user.slice/user-1000.slice/user@1000.service/app.slice/b.scope");
    const uint64_t top = directory_make("two");
    const uint64_t unasked = directory_make("two/system.slice/c.service");
    const uint64_t ids[] = {deep, 0, service, UINT64_MAX, top, service, deep, 0};
    struct cgroup_table *table;

    mountinfo_write(CGROUP2("/", "DIR/two"));
    table = table_read(ids, UNIT_COUNT(ids));
    ck_assert_str_eq(cgroup_table_path(table, service), "/system.slice/a.service");
    ck_assert_str_eq(cgroup_table_path(table, deep), "/user.slice/user-1000.slice/user@1000.service/app.slice/b.scope");
    ck_assert_ptr_null(cgroup_table_path(table, top));
    ck_assert(!cgroup_table_is_whole(table));
    ck_assert_ptr_null(cgroup_table_path(table, UINT64_MAX));
    ck_assert_ptr_null(cgroup_table_path(table, 0));
    ck_assert_ptr_null(cgroup_table_path(table, unasked));
    cgroup_table_free(table);
}
END_TEST

/* On a 32-bit kernel the id has a half more than the inode number, of whatever value. */
START_TEST(ids_of_64_bits_with_inodes_of_32)
{
    const uint64_t ids[] = {directory_make("two/a.slice/b.service") | UINT64_C(3) << 32,
                            directory_make("two/a.slice/b.service")};
    struct cgroup_table *table;

    mountinfo_write(CGROUP2("/", "DIR/two"));
    for (int i = HANDLES_NONE; i <= HANDLES_WIDE; i++) {
        handles = (enum handles)i;
        table = table_read(ids, UNIT_COUNT(ids));
        ck_assert_pstr_eq(cgroup_table_path(table, ids[i != HANDLES_WIDE]), "/a.slice/b.service");
        ck_assert_ptr_null(cgroup_table_path(table, ids[i == HANDLES_WIDE]));
        cgroup_table_free(table);
    }
}
END_TEST

START_TEST(no_ids)
{
    const uint64_t zero = 0;
    struct cgroup_table *table;

    /* there is no mountinfo: it must not be missed */
    table = table_read(&zero, 1);
    ck_assert_ptr_null(cgroup_table_path(table, 0));
    cgroup_table_free(table);
    table = table_read(NULL, 0);
    ck_assert_ptr_null(cgroup_table_path(table, 1));
    cgroup_table_free(table);
    cgroup_table_free(NULL);
}
END_TEST

/* Files and symbolic links are no cgroups, whatever their inode number. */
START_TEST(other_entries)
{
    struct cgroup_table *table;
    struct stat status;
    char path[PATH_MAX];
    char target[PATH_MAX];
    uint64_t ids[3];
    int file;

    directory_make("two");
    ids[0] = directory_make("elsewhere/inner");
    folder_path(path, "two/link");
    ck_assert_int_eq(symlink(folder_path(target, "elsewhere"), path), 0);
    ck_assert_int_eq(lstat(path, &status), 0);
    ids[1] = status.st_ino;
    file = open(folder_path(path, "two/cgroup.procs"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(fstat(file, &status), 0);
    ids[2] = status.st_ino;
    close(file);
    mountinfo_write(CGROUP2("/", "DIR/two"));
    table = table_read(ids, UNIT_COUNT(ids));
    for (size_t i = 0; i < UNIT_COUNT(ids); ++i) {
        ck_assert_ptr_null(cgroup_table_path(table, ids[i]));
    }
    cgroup_table_free(table);
}
END_TEST

/* Hostile depth and width; few descriptors are all it takes. */
START_TEST(deep_and_wide)
{
    const struct rlimit few = {12, 12};
    char name[PATH_MAX] = "two";
    struct cgroup_table *table;
    struct rlimit before;
    uint64_t ids[2];

    for (int i = 0; i < 300; ++i) {
        strcat(name, "/deeper");
    }
    ids[0] = directory_make(name);
    for (int i = 0; i < 500; ++i) {
        snprintf(name, sizeof name, "two/wide/%d.scope", i);
        ids[1] = directory_make(name);
    }
    mountinfo_write(CGROUP2("/", "DIR/two"));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){few.rlim_cur, before.rlim_max}), 0);
    table = table_read(ids, 2);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_uint_eq(strlen(cgroup_table_path(table, ids[0])), 300 * strlen("/deeper"));
    ck_assert_str_eq(cgroup_table_path(table, ids[1]), "/wide/499.scope");
    cgroup_table_free(table);
}
END_TEST

/* No descriptor left: an error, because "no such unit" would be a lie. */
START_TEST(no_descriptors)
{
    struct fault fault = {""};
    struct cgroup_table *table = NULL;
    struct rlimit before;
    uint64_t id;
    int lowest = dup(0);
    int status;

    ck_assert_int_ge(lowest, 0);
    close(lowest);
    id = directory_make("two/x");
    mountinfo_write(CGROUP2("/", "DIR/two"));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (rlim_t spare = 0; spare <= 1; ++spare) {
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)lowest + spare, before.rlim_max});
        status = cgroup_table_read_from(&table, mountinfo, &id, 1, &fault);
        setrlimit(RLIMIT_NOFILE, &before);
        ck_assert_int_eq(status, -EMFILE);
        ck_assert_ptr_null(table);
        ck_assert_ptr_nonnull(strstr(fault.text, strerror(EMFILE)));
        fault.text[0] = '\0';
    }
}
END_TEST

/* What another user may not read is passed over, and the rest still found. */
START_TEST(unreadable_directory)
{
    const uint64_t ids[] = {directory_make("two/closed"), directory_make("two/closed/inner"),
                            directory_make("two/open/inner")};
    char path[PATH_MAX];
    pid_t child;
    int status;

    mountinfo_write(CGROUP2("/", "DIR/two"));
    /* whatever the umask is */
    ck_assert_int_eq(chmod(mountinfo, 0644), 0);
    for (size_t i = 0; i < 4; ++i) {
        static const char *const names[] = {".", "two", "two/open", "two/open/inner"};

        ck_assert_int_eq(chmod(folder_path(path, names[i]), 0755), 0);
    }
    ck_assert_int_eq(chmod(folder_path(path, "two/closed"), 0), 0);
    child = fork();
    if (child == 0) {
        struct cgroup_table *table = NULL;
        struct fault fault;
        bool right;

        if (geteuid() == 0 && setuid(65534) < 0) {
            child_end(false);
        }
        right = cgroup_table_read_from(&table, mountinfo, ids, UNIT_COUNT(ids), &fault) == 0 &&
                strcmp(cgroup_table_path(table, ids[0]), "/closed") == 0 && cgroup_table_path(table, ids[1]) == NULL &&
                strcmp(cgroup_table_path(table, ids[2]), "/open/inner") == 0;
        cgroup_table_free(table);
        child_end(right);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    chmod(path, 0700);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* This machine's own mount, if it has one: the root is found; and where it may be written, a new cgroup. */
START_TEST(this_machine)
{
    static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

    for (size_t i = 0; i < UNIT_COUNT(places); ++i) {
        struct fault fault = {""};
        struct cgroup_table *table = NULL;
        struct stat status;
        char path[128];
        char expected[64];
        uint64_t id;

        snprintf(path, sizeof path, "%s/cgroup.procs", places[i]);
        if (access(path, F_OK) < 0 || access("/proc/self/mountinfo", F_OK) < 0) {
            continue;
        }
        snprintf(expected, sizeof expected, "/test_unit-%ld.scope", (long)getpid());
        snprintf(path, sizeof path, "%s%s", places[i], expected);
        if (mkdir(path, 0755) < 0) {
            snprintf(path, sizeof path, "%s", places[i]);
            snprintf(expected, sizeof expected, "/");
        }
        ck_assert_int_eq(stat(path, &status), 0);
        id = status.st_ino;
        ck_assert_msg(cgroup_table_read(&table, &id, 1, &fault) == 0, "%s", fault.text);
        if (strcmp(expected, "/") != 0) {
            rmdir(path);
        }
        ck_assert_pstr_eq(cgroup_table_path(table, id), expected);
        cgroup_table_free(table);
    }
}
END_TEST

/* Names */

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X50 X50 X50 X50 X50

static const struct {
    const char *path;
    const char *name;
} names[] = {
    {"/system.slice/nginx.service", "nginx.service"},
    {"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"},
    {"/init.scope", "init.scope"},
    {"/user.slice/user-1000.slice/session-3.scope", "session-3.scope"},
    {"/user.slice/user-1000.slice/user@1000.service/app.slice/b.service", "user@1000.service"},
    {"/system.slice/docker-0123abc.scope/init.scope", "docker-0123abc.scope"},
    {"/machine.slice/libpod-0123abc.scope/container", "libpod-0123abc.scope"},
    {"/system.slice/cups.socket", "cups.socket"},
    {"/system.slice/mnt-data.mount", "mnt-data.mount"},
    {"/system.slice/dev-sda2.swap", "dev-sda2.swap"},
    {"/machine.slice", "machine.slice"},
    {"/user.slice/user-1000.slice", "user-1000.slice"},
    {"/", "/"},
    {"", ""},
    {"/lxc/web", "/lxc/web"},
    {"/docker/0123abc", "/docker/0123abc"},
    /* a container's own nginx is not the host's */
    {"/lxc.payload.web/system.slice/nginx.service", "/lxc.payload.web/system.slice/nginx.service"},
    {"/system.slice/plain/nginx.service", "/system.slice/plain/nginx.service"},
    {"/system.slice/cron.timer", "/system.slice/cron.timer"},
    /* a suffix alone is no name */
    {"/.service", "/.service"},
    {"/.slice/a.service", "/.slice/a.service"},
    /* systemd's "_" before what would look like a kernel file, undone once */
    {"/system.slice/_cpu.service", "cpu.service"},
    {"/system.slice/__odd.service", "_odd.service"},
    {"/_memory.slice", "memory.slice"},
    {"/_memory.slice/a.service", "a.service"},
    {"/lxc/_web", "/lxc/_web"},
    {"_relative.service", "relative.service"},
    {"/system.slice/a\\x2db.service", "a\\x2db.service"},
    {"//system.slice///nginx.service/", "nginx.service"},
    {"/system.slice/" X250 "12345.service", X250 "12345"},
    {"/" X250 "1234567", "/" X250 "1234"},
};

START_TEST(unit_name)
{
    char name[CGROUP_UNIT_SIZE];

    memset(name, '#', sizeof name);
    ck_assert_ptr_eq(cgroup_unit_format(name, names[_i].path), name);
    ck_assert_str_eq(name, names[_i].name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unit");
    TCase *walk = tcase_create("walk");
    TCase *name = tcase_create("name");

    tcase_add_checked_fixture(walk, tree_make, folder_remove);
    tcase_add_loop_test(walk, mount, 0, UNIT_COUNT(mounts));
    tcase_add_loop_test(walk, no_mount, 0, UNIT_COUNT(broken));
    tcase_add_test(walk, unreadable_mountinfo);
    tcase_add_test(walk, many_ids);
    tcase_add_test(walk, ids_of_64_bits_with_inodes_of_32);
    tcase_add_test(walk, no_ids);
    tcase_add_test(walk, other_entries);
    tcase_add_test(walk, deep_and_wide);
    tcase_add_test(walk, no_descriptors);
    tcase_add_test(walk, unreadable_directory);
    tcase_add_test(walk, this_machine);
    suite_add_tcase(suite, walk);
    tcase_add_loop_test(name, unit_name, 0, UNIT_COUNT(names));
    suite_add_tcase(suite, name);
    return unit_run(suite);
}
