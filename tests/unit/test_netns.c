/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/netns.c. A child process with a mount namespace of its own makes /run/netns and /var/run/netns there, a
 * second one holds the namespace to enter; nothing of it is seen outside. This needs root or user namespaces; without
 * either the tests say that they were skipped.
 */
#include "config.h"

#include "child.h"
#include "folder.h"
#include "unit.h"

#include "socket/netns.h"
#include "socket/netns_list.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X300 X50 X50 X50 X50 X50 X50

/* What a child process saw, in memory that it shares with the test. */
struct seen {
    bool skipped;
    bool entered;
    bool leaked; /* a descriptor stayed open */
    int status;
    int gone; /* the result for a namespace that is gone */
    char name[5000];
    struct fault fault;
};

static struct seen *seen;

static void seen_make(void)
{
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(seen, MAP_FAILED);
}

static void seen_free(void)
{
    munmap(seen, sizeof *seen);
}

static int free_descriptor(void)
{
    int file = dup(0);

    close(file);
    return file;
}

static ino_t namespace_of(const char *process)
{
    char path[64];
    struct stat status = {0};

    snprintf(path, sizeof path, "/proc/%s/ns/net", process);
    stat(path, &status);
    return status.st_ino;
}

/* Enters seen->name and notes what came of it; `holder` is the process id of the namespace's owner. */
static void entry_see(const char *holder)
{
    int lowest = free_descriptor();

    seen->skipped = false;
    seen->status = netns_enter(seen->name, &seen->fault);
    seen->leaked = free_descriptor() != lowest;
    seen->entered = namespace_of("self") == namespace_of(holder);
}

static bool file_make(const char *path)
{
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    return file >= 0 && close(file) == 0;
}

static bool places_make(const char *holder)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%s/ns/net", holder);
    return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 && mount("none", "/run", "tmpfs", 0, NULL) == 0 &&
           mount("none", "/var", "tmpfs", 0, NULL) == 0 && mkdir("/run/netns", 0755) == 0 &&
           mkdir("/var/run", 0755) == 0 && mkdir("/var/run/netns", 0755) == 0 && file_make("/run/netns/web") &&
           mount(path, "/run/netns/web", "none", MS_BIND, NULL) == 0 && file_make("/var/run/netns/old") &&
           mount(path, "/var/run/netns/old", "none", MS_BIND, NULL) == 0 && file_make("/run/netns/stale") &&
           /* the same name in both: the first counts */
           file_make("/var/run/netns/web") && mkfifo("/run/netns/pipe", 0600) == 0 &&
           mkdir("/run/netns/folder", 0755) == 0 && chdir("/run/netns") == 0;
}

/* A process in a network namespace of its own, which lives until the pipe's other end is closed. */
static pid_t holder_start(int *keep)
{
    int ready[2];
    int alive[2];
    char byte = 0;
    pid_t holder;

    if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(alive, O_CLOEXEC) < 0) {
        return -1;
    }
    holder = fork();
    if (holder == 0) {
        close(alive[1]);
        if (unshare(CLONE_NEWNET) < 0 || write(ready[1], &byte, 1) != 1) {
            child_end(false);
        }
        child_end(read(alive[0], &byte, 1) == 0);
    }
    close(ready[1]);
    close(alive[0]);
    *keep = alive[1];
    if (holder > 0 && read(ready[0], &byte, 1) != 1) {
        holder = -1;
    }
    close(ready[0]);
    return holder;
}

static void with_places(const char *format)
{
    char holder[32];
    const char *mark = strstr(format, "PID");
    pid_t process;
    int keep;

    seen->skipped = true;
    if (!child_privilege_get() || unshare(CLONE_NEWNS) < 0) {
        return;
    }
    process = holder_start(&keep);
    snprintf(holder, sizeof holder, "%ld", (long)process);
    if (process < 0 || !places_make(holder)) {
        return;
    }
    if (mark != NULL) {
        snprintf(seen->name, sizeof seen->name, "%.*s%s%s", (int)(mark - format), format, holder, mark + 3);
    } else {
        snprintf(seen->name, sizeof seen->name, "%s", format);
    }
    entry_see(holder);
    close(keep);
    waitpid(process, NULL, 0);
}

/* Enters a namespace of the list whose process has ended: by another process while there is one, else it is gone. */
static void without_its_process(const char *argument)
{
    char holder[32];
    char path[] = "/proc/4194304999/ns/net";
    struct netns_entry entry = {.pid = 1, .name = seen->name, .path = path};
    pid_t process;
    int keep;

    (void)argument;
    seen->skipped = true;
    if (!child_privilege_get() || (process = holder_start(&keep)) < 0) {
        return;
    }
    seen->skipped = false;
    snprintf(holder, sizeof holder, "%ld", (long)process);
    entry.id = namespace_of(holder);
    seen->status = netns_list_enter(&entry, &seen->fault);
    seen->entered = namespace_of("self") == namespace_of(holder);
    close(keep);
    waitpid(process, NULL, 0);
    entry.id = 1; /* no namespace's */
    seen->gone = netns_list_enter(&entry, &seen->fault);
}

/* Does it in a child process. Returns false when it was skipped. */
static bool apart(void (*work)(const char *argument), const char *argument)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        work(argument);
        child_end(true);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    if (seen->skipped) {
        printf("skipped: \"%.40s\" needs root, or user namespaces for all\n", argument);
    }
    return !seen->skipped;
}

/* "PID" stands for the id of the process that holds the namespace. */
static const struct {
    const char *name;
    int status;
    const char *fault; /* the whole of it, or its start */
} names[] = {
    {"PID", 0, ""},
    {"/proc/PID/ns/net", 0, ""},
    {"web", 0, ""},
    {"old", 0, ""},
    {"/run/netns/web", 0, ""},
    {"./web", 0, ""},
    {"../netns/web", 0, ""},
    {"missing", -ENOENT,
     "cannot enter network namespace missing: /run/netns/missing does not exist (\"ip netns\" lists the names)"},
    {"stale", -EINVAL, "cannot enter network namespace stale: /run/netns/stale is not a network namespace"},
    {"pipe", -EINVAL, "cannot enter network namespace pipe: /run/netns/pipe is not a network namespace"},
    {"folder", -EINVAL, "cannot enter network namespace folder: /run/netns/folder is not a network namespace"},
    {"/proc/PID/ns/uts", -EINVAL, "cannot enter network namespace /proc/"},
    {"./missing", -ENOENT, "cannot enter network namespace ./missing: ./missing does not exist"},
    {"web/", -ENOTDIR, "cannot enter network namespace web/: web/: Not a directory"},
    {"0", -ENOENT,
     "cannot enter network namespace 0: /proc/0/ns/net is not there: no process has this id, or /proc hides it"},
    {"99999999999999999999", -ENOENT, "cannot enter network namespace 99999999999999999999: /proc/9999999"},
    {"-1", -ENOENT, "cannot enter network namespace -1: /run/netns/-1 does not exist"},
    {"12x", -ENOENT, "cannot enter network namespace 12x: /run/netns/12x does not exist"},
    {"", -EINVAL, "\"\" is not a network namespace: use a name that \"ip netns\" lists, a path or a process id"},
    {".", -EINVAL, "\".\" is not a network namespace: "},
    {"..", -EINVAL, "\"..\" is not a network namespace: "},
    {"...", -ENOENT, "cannot enter network namespace ...: /run/netns/... does not exist"},
    {X300, -ENAMETOOLONG, "cannot enter network namespace " X50},
};

START_TEST(entered)
{
    if (!apart(with_places, names[_i].name)) {
        return;
    }
    ck_assert_msg(seen->status == names[_i].status, "%d: %s", seen->status, seen->fault.text);
    ck_assert_int_eq(seen->entered, names[_i].status == 0);
    ck_assert(!seen->leaked);
    ck_assert_msg(strncmp(seen->fault.text, names[_i].fault, strlen(names[_i].fault)) == 0, "%s", seen->fault.text);
    if (names[_i].status == -ENAMETOOLONG) {
        ck_assert_ptr_nonnull(strstr(seen->fault.text, strerror(ENAMETOOLONG)));
    }
    if (names[_i].status == -EINVAL && names[_i].name[0] == '/') {
        ck_assert_ptr_nonnull(strstr(seen->fault.text, "/ns/uts is not a network namespace"));
    }
}
END_TEST

/* Beyond what any path can be; fails before anything is entered. */
START_TEST(endless_name)
{
    memset(seen->name, 'x', sizeof seen->name - 1);
    entry_see("self");
    ck_assert_int_eq(seen->status, -ENAMETOOLONG);
    ck_assert_ptr_nonnull(strstr(seen->fault.text, strerror(ENAMETOOLONG)));
    ck_assert(!seen->leaked);
}
END_TEST

/* Without privilege */

static void as_nobody(const char *name)
{
    snprintf(seen->name, sizeof seen->name, "%s", name);
    seen->skipped = true;
    if (geteuid() == 0 && setuid(65534) < 0) {
        return;
    }
    entry_see("self");
}

START_TEST(no_admin)
{
    ck_assert(apart(as_nobody, "/proc/self/ns/net"));
    ck_assert_int_eq(seen->status, -EPERM);
    ck_assert_str_eq(seen->fault.text, "entering network namespace /proc/self/ns/net (/proc/self/ns/net) needs "
                                       "CAP_SYS_ADMIN (run as root): Operation not permitted");
    ck_assert(!seen->leaked);
}
END_TEST

START_TEST(other_users_process)
{
    char process[32];
    char expected[sizeof seen->fault.text];

    /* a process of root: this one, or else the first */
    snprintf(process, sizeof process, "%ld", geteuid() == 0 ? (long)getpid() : 1L);
    if (geteuid() != 0 && namespace_of("1") != 0) {
        printf("skipped: process 1 is this user's own\n");
        return;
    }
    snprintf(expected, sizeof expected,
             "opening network namespace %s (/proc/%s/ns/net) needs CAP_SYS_PTRACE (run as root) or the same user: "
             "Permission denied",
             process, process);
    ck_assert(apart(as_nobody, process));
    ck_assert_int_eq(seen->status, -EACCES);
    ck_assert_str_eq(seen->fault.text, expected);
}
END_TEST

START_TEST(closed_folder)
{
    char path[PATH_MAX];
    char expected[2 * PATH_MAX + 100];

    folder_make();
    ck_assert_int_eq(chmod(folder_name(), 0), 0);
    folder_path(path, "x");
    snprintf(expected, sizeof expected, "cannot enter network namespace %s: %s: Permission denied", path, path);
    ck_assert(apart(as_nobody, path));
    folder_remove();
    ck_assert_int_eq(seen->status, -EACCES);
    ck_assert_str_eq(seen->fault.text, expected);
}
END_TEST

START_TEST(process_of_the_list_ended)
{
    if (apart(without_its_process, "process_of_the_list_ended")) {
        ck_assert_int_eq(seen->status, 0);
        ck_assert(seen->entered);
        ck_assert_int_eq(seen->gone, -ENOENT);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netns");
    TCase *enter = tcase_create("enter");

    tcase_add_checked_fixture(enter, seen_make, seen_free);
    tcase_add_loop_test(enter, entered, 0, UNIT_COUNT(names));
    tcase_add_test(enter, endless_name);
    tcase_add_test(enter, no_admin);
    tcase_add_test(enter, process_of_the_list_ended);
    tcase_add_test(enter, other_users_process);
    tcase_add_test(enter, closed_folder);
    suite_add_tcase(suite, enter);
    return unit_run(suite);
}
