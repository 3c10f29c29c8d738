/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/host.c: folders of copies, this host, and child processes in namespaces of their own for what this host
 * does not have. The latter need root or user namespaces; without either they say that they were skipped.
 */
#include "config.h"

#include "child.h"
#include "folder.h"
#include "unit.h"

#include "socket/host.h"
#include "socket/host_port.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOPBACK "00000000000000000000000000000001 01 80 10 80       lo\n"
#define GLOBAL "20010db8000000000000000000000001 02 40 00 80     eth0\n"

/* Copies */

static const struct {
    const char *content; /* NULL: no such file */
    size_t length;
    int status;
    enum record_answer ipv6;
} copies[] = {
    {LOOPBACK, sizeof LOOPBACK - 1, 0, RECORD_YES},
    {GLOBAL LOOPBACK, sizeof GLOBAL LOOPBACK - 1, 0, RECORD_YES},
    {GLOBAL LOOPBACK GLOBAL LOOPBACK GLOBAL LOOPBACK GLOBAL,
     sizeof GLOBAL LOOPBACK GLOBAL LOOPBACK GLOBAL LOOPBACK GLOBAL - 1, 0, RECORD_YES},
    {"20010DB8000000000000000000000001 02 40 00 80 eth0\r\n", 51, 0, RECORD_YES},
    {NULL, 0, 0, RECORD_NO},
    {"", 0, 0, RECORD_NO},
    /* what is left of an empty copy that went through a shell */
    {"\n", 1, 0, RECORD_NO},
    {"\r\n", 2, 0, RECORD_NO},
    {"2001:db8::1 eth0\n", 17, -EBADMSG, RECORD_UNKNOWN},
    {"20010db800000000000000000000000 02 40 00 80     eth0\n", 53, -EBADMSG, RECORD_UNKNOWN},
    {"20010db80000000000000000000000011 02 40 00 80    eth0\n", 54, -EBADMSG, RECORD_UNKNOWN},
    {"<html>", 6, -EBADMSG, RECORD_UNKNOWN},
    {"\0\0\0\0", 4, -EBADMSG, RECORD_UNKNOWN},
    {"\n\0", 2, -EBADMSG, RECORD_UNKNOWN},
};

START_TEST(copy)
{
    struct fault fault = {""};
    struct sock_host host;
    char path[PATH_MAX];

    if (copies[_i].content != NULL) {
        folder_write("if_inet6", copies[_i].content, copies[_i].length);
    }
    memset(&host, 0x55, sizeof host);
    ck_assert_int_eq(host_read(&host, folder_name(), &fault), copies[_i].status);
    ck_assert_int_eq(host.ipv6, copies[_i].ipv6);
    ck_assert_int_eq(strstr(fault.text, folder_path(path, "if_inet6")) != NULL, copies[_i].status != 0);
    /* nothing of the host that reads the copies */
    ck_assert_str_eq(host.name, "");
    ck_assert_str_eq(host.kernel, "");
    ck_assert_uint_eq(host.netns, 0);
    ck_assert_int_eq(host.bindv6only, RECORD_UNKNOWN);
    ck_assert_int_eq(host.disable_ipv6, RECORD_UNKNOWN);
    ck_assert_uint_gt(host.port_range_first, host.port_range_last);
}
END_TEST

/* What may lie beside the copies: net.ipv4.ip_local_port_range. */
static const struct {
    const char *content;
    unsigned first; /* 0: not known */
    unsigned last;
} range_copies[] = {
    {"32768\t60999\n", 32768, 60999},
    {"1024 65535", 1024, 65535},
    {"20000\t20000\r\n", 20000, 20000},
    {"", 0, 0},
    {"32768\n", 0, 0},
    {"60999 32768\n", 0, 0},
    {"1024 65536\n", 0, 0},
    {"0 0\n", 0, 0},
    {"-1 60999\n", 0, 0},
    {"0x400 60999\n", 0, 0},
    {"32768 60999 1\n", 0, 0},
    {"a b\n", 0, 0},
};

START_TEST(port_range_copy)
{
    struct fault fault = {""};
    struct sock_host host;

    folder_write_text("ip_local_port_range", range_copies[_i].content);
    ck_assert_int_eq(host_read(&host, folder_name(), &fault), 0);
    if (range_copies[_i].first == 0) {
        ck_assert_uint_gt(host.port_range_first, host.port_range_last);
    } else {
        ck_assert_uint_eq(host.port_range_first, range_copies[_i].first);
        ck_assert_uint_eq(host.port_range_last, range_copies[_i].last);
    }
}
END_TEST

/* The ports of which that function is true, as the sysctl writes them. */
static void ports_write(char *text, size_t size, const struct sock_host *host,
                        bool (*is)(const struct sock_host *host, uint16_t port))
{
    size_t length = 0;

    text[0] = '\0';
    for (unsigned port = 0; port <= UINT16_MAX; port++) {
        unsigned last = port;
        if (!is(host, (uint16_t)port)) {
            continue;
        }
        while (last < UINT16_MAX && is(host, (uint16_t)(last + 1))) {
            last++;
        }
        length += (size_t)snprintf(text + length, size - length, port == last ? "%s%u" : "%s%u-%u",
                                   length > 0 ? "," : "", port, last);
        ck_assert_uint_lt(length, size);
        port = last;
    }
}

/* net.ipv4.ip_local_reserved_ports beside net.ipv4.ip_local_port_range, and which ports are then clients'. */
static const struct {
    const char *range;    /* NULL: no such file */
    const char *reserved; /* NULL: no such file */
    const char *known;    /* as reserved */
    const char *clients;
} reserved_copies[] = {
    {"32768 60999\n", NULL, "", "32768-60999"},
    {"32768 60999\n", "", "", "32768-60999"},
    {"32768 60999\n", "\n", "", "32768-60999"},
    {"1024 65535\n", "11211\n", "11211", "1024-11210,11212-65535"},
    {"1024 65535", "8080,9148,11211-11213", "8080,9148,11211-11213", "1024-8079,8081-9147,9149-11210,11214-65535"},
    {"40000 40009\n", "39999-40001,40003,40008-40020\r\n", "39999-40001,40003,40008-40020", "40002,40004-40007"},
    {"40000 40009\n", "0,65535\n", "0,65535", "40000-40009"},
    {"40000 40009\n", "0-65535\n", "0-65535", ""},
    /* joined and out of order, as no kernel writes it */
    {"40000 40009\n", "40005,40001-40004,40003", "40001-40005", "40000,40006-40009"},
    {"40000 40000\n", "40000", "40000", ""},
    {NULL, "40000", "40000", ""},
    {"a b", "40000", "40000", ""},
    /* no list: as if it were not there, not half of it */
    {"40000 40009\n", "40001,x", "", "40000-40009"},
    {"40000 40009\n", "40001,", "", "40000-40009"},
    {"40000 40009\n", ",40001", "", "40000-40009"},
    {"40000 40009\n", "40001-", "", "40000-40009"},
    {"40000 40009\n", "40005-40001", "", "40000-40009"},
    {"40000 40009\n", "40001 40002", "", "40000-40009"},
    {"40000 40009\n", "40001,65536", "", "40000-40009"},
    {"40000 40009\n", "-40001", "", "40000-40009"},
    {"40000 40009\n", "<html>", "", "40000-40009"},
};

START_TEST(reserved_ports_copy)
{
    static struct sock_host host;
    struct fault fault = {""};
    char text[256];

    if (reserved_copies[_i].range != NULL) {
        folder_write_text("ip_local_port_range", reserved_copies[_i].range);
    }
    if (reserved_copies[_i].reserved != NULL) {
        folder_write_text("ip_local_reserved_ports", reserved_copies[_i].reserved);
    }
    memset(&host, 0x55, sizeof host);
    ck_assert_int_eq(host_read(&host, folder_name(), &fault), 0);
    ports_write(text, sizeof text, &host, host_port_is_reserved);
    ck_assert_str_eq(text, reserved_copies[_i].known);
    ports_write(text, sizeof text, &host, host_port_is_client);
    ck_assert_str_eq(text, reserved_copies[_i].clients);
}
END_TEST

/* The longest list there can be: no port joins another. */
START_TEST(long_reserved_list)
{
    static char text[300000];
    static struct sock_host host;
    struct fault fault = {""};
    size_t length = 0;

    for (unsigned port = 0; port + 1 <= UINT16_MAX; port += 3) {
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s%u-%u", port == 0 ? "" : ",", port, port + 1);
    }
    folder_write_text("ip_local_reserved_ports", text);
    ck_assert_int_eq(host_read(&host, folder_name(), &fault), 0);
    for (unsigned port = 0; port <= UINT16_MAX; port++) {
        ck_assert_int_eq(host_port_is_reserved(&host, (uint16_t)port), port % 3 != 2 && port < UINT16_MAX);
    }
}
END_TEST

START_TEST(ports_are_reserved_by_hand)
{
    static struct sock_host host;
    char text[64];

    memset(&host, 0, sizeof host);
    host_port_reserve(&host, 7, 7);
    host_port_reserve(&host, 8, 17);
    host_port_reserve(&host, 100, 99);
    host_port_reserve(&host, 65530, 65535);
    ports_write(text, sizeof text, &host, host_port_is_reserved);
    ck_assert_str_eq(text, "7-17,65530-65535");
}
END_TEST

/* Copies of the whole of /proc, as a sos report has them: /proc/net is a folder, or a link to self/net. */
static const struct {
    const char *folders[2]; /* with those above them */
    const char *link;       /* net, to self/net */
    const char *directory;  /* what is read */
    const char *sysctls;    /* where they are */
    bool found;
} layouts[] = {
    {{"net"}, NULL, "net", "net", true},
    {{"net", "sys/net/ipv4"}, NULL, "net", "sys/net/ipv4", true},
    {{"net", "sys/net/ipv4"}, NULL, "net/", "sys/net/ipv4", true},
    {{"12345/net", "sys/net/ipv4"}, "12345/net", "net", "sys/net/ipv4", true},
    {{"self/net", "sys/net/ipv4"}, NULL, "self/net", "sys/net/ipv4", true},
    {{"a/b/net", "sys/net/ipv4"}, NULL, "a/b/net", "sys/net/ipv4", false},
    {{"net", "sys/net"}, NULL, "net", "sys/net", false},
};

START_TEST(copies_of_proc)
{
    static struct sock_host host;
    struct fault fault = {""};
    char path[PATH_MAX];

    for (int i = 0; i < 2 && layouts[_i].folders[i] != NULL; i++) {
        folder_add_directory(layouts[_i].folders[i]);
    }
    if (layouts[_i].link != NULL) {
        ck_assert_int_eq(symlink(layouts[_i].link, folder_path(path, "net")), 0);
    }
    snprintf(path, sizeof path, "%s/ip_local_port_range", layouts[_i].sysctls);
    folder_write_text(path, "40000 40009\n");
    snprintf(path, sizeof path, "%s/ip_local_reserved_ports", layouts[_i].sysctls);
    folder_write_text(path, "40001\n");
    ck_assert_int_eq(host_read(&host, folder_path(path, layouts[_i].directory), &fault), 0);
    ck_assert_int_eq(host_port_is_client(&host, 40000), layouts[_i].found);
    ck_assert_int_eq(host_port_is_reserved(&host, 40001), layouts[_i].found);
    ck_assert(!host_port_is_client(&host, 40001));
}
END_TEST

/* What lies beside the copies is nearer. */
START_TEST(copy_beside_counts_first)
{
    static struct sock_host host;
    struct fault fault = {""};
    char path[PATH_MAX];

    folder_add_directory("net");
    folder_add_directory("sys/net/ipv4");
    folder_write_text("sys/net/ipv4/ip_local_port_range", "50000 50009\n");
    folder_write_text("sys/net/ipv4/ip_local_reserved_ports", "40002\n");
    folder_write_text("net/ip_local_port_range", "40000 40009\n");
    ck_assert_int_eq(host_read(&host, folder_path(path, "net"), &fault), 0);
    ck_assert_uint_eq(host.port_range_first, 40000);
    ck_assert(!host_port_is_client(&host, 40002));
}
END_TEST

/* /proc/PID/net is another process's, but /proc/sys is the reader's own. */
START_TEST(sysctls_of_another_process)
{
    static struct sock_host host;
    struct fault fault = {""};

    ck_assert_int_eq(host_read(&host, "/proc/self/task/../net", &fault), 0);
    ck_assert_uint_gt(host.port_range_first, host.port_range_last);
}
END_TEST

START_TEST(unreadable_copy)
{
    struct fault fault = {""};
    struct sock_host host;
    char name[5000];

    folder_add_directory("if_inet6");
    ck_assert_int_eq(host_read(&host, folder_name(), &fault), -EISDIR);
    ck_assert_int_eq(host.ipv6, RECORD_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(fault.text, "/if_inet6: Is a directory"));
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(host_read(&host, name, &fault), -ENAMETOOLONG);
    ck_assert_int_eq(host.ipv6, RECORD_UNKNOWN);
}
END_TEST

/* This host */

/* The number at the start of a file, -1 if there is none. */
static long number_read(const char *path)
{
    FILE *file = fopen(path, "re");
    char text[64] = "-1";

    if (file == NULL) {
        return -1;
    }
    if (fgets(text, sizeof text, file) == NULL) {
        strcpy(text, "-1");
    }
    fclose(file);
    return strtol(text, NULL, 10);
}

static enum record_answer answer(long number)
{
    return number < 0 ? RECORD_UNKNOWN : number == 0 ? RECORD_NO : RECORD_YES;
}

START_TEST(this_host)
{
    struct fault fault = {""};
    struct sock_host host;
    struct utsname names;
    struct stat status;

    ck_assert_msg(host_read(&host, "/proc/net", &fault) == 0, "%s", fault.text);
    host_details_read(&host);
    ck_assert_int_ne(host.ipv6, RECORD_UNKNOWN);
    ck_assert_int_eq(uname(&names), 0);
    ck_assert_str_eq(host.name, names.nodename);
    ck_assert_str_eq(host.kernel, names.release);
    ck_assert_int_eq(stat("/proc/self/ns/net", &status), 0);
    ck_assert_uint_eq(host.netns, status.st_ino);
    ck_assert_int_eq(host.bindv6only, answer(number_read("/proc/sys/net/ipv6/bindv6only")));
    ck_assert_int_eq(host.disable_ipv6, answer(number_read("/proc/sys/net/ipv6/conf/all/disable_ipv6")));
    ck_assert_int_eq(host.port_range_first, number_read("/proc/sys/net/ipv4/ip_local_port_range"));
    ck_assert_uint_ge(host.port_range_last, host.port_range_first);
}
END_TEST

START_TEST(no_descriptors)
{
    struct fault fault = {""};
    struct sock_host host;
    struct rlimit before;
    int lowest = dup(0);
    int status;

    ck_assert_int_ge(lowest, 0);
    close(lowest);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)lowest, before.rlim_max});
    status = host_read(&host, "/proc/net", &fault);
    host_details_read(&host);
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_int_eq(status, -EMFILE);
    ck_assert_int_eq(host.ipv6, RECORD_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(fault.text, strerror(EMFILE)));
    /* what needs no descriptor is there all the same, the rest unknown */
    ck_assert_str_ne(host.kernel, "");
    ck_assert_uint_ne(host.netns, 0);
    ck_assert_int_eq(host.bindv6only, RECORD_UNKNOWN);
    ck_assert_uint_gt(host.port_range_first, host.port_range_last);
}
END_TEST

/* Hosts that this one is not */

struct other_host {
    const char *proc;    /* mounted over /proc: NULL for none, else the file to make in it ("" for none) */
    const char *content; /* of that file */
    int socket_errno;    /* what opening an AF_INET6 socket gives, 0 for what it does */
    bool loopback_up;
    int status;
    enum record_answer ipv6;
    const char *fault; /* in the text; NULL: the words for the status */
};

static const struct other_host other_hosts[] = {
    /* a namespace whose interfaces are all down has IPv6, but no address */
    {NULL, NULL, 0, false, 0, RECORD_NO, ""},
    {NULL, NULL, 0, true, 0, RECORD_YES, ""},
    /* no /proc is not "no IPv6" */
    {"", "", 0, false, -ENOENT, RECORD_UNKNOWN, "is /proc mounted?"},
    {"", "", EAFNOSUPPORT, false, -ENOENT, RECORD_UNKNOWN, "is /proc mounted?"},
    /* a missing if_inet6 is an answer only if the kernel says the same */
    {"/proc/net/dev", "", 0, false, -ENOENT, RECORD_UNKNOWN, "missing, though the kernel opens IPv6 sockets"},
    {"/proc/net/dev", "", EAFNOSUPPORT, false, 0, RECORD_NO, ""},
    {"/proc/net/dev", "", EACCES, false, -EACCES, RECORD_UNKNOWN, "Permission denied"},
    {"/proc/net/dev", "", EMFILE, false, -EMFILE, RECORD_UNKNOWN, NULL},
    {"/proc/net/if_inet6", "", EAFNOSUPPORT, false, 0, RECORD_NO, ""},
    {"/proc/net/if_inet6", GLOBAL, EAFNOSUPPORT, false, 0, RECORD_YES, ""},
};

/* What a child process saw, in memory that it shares with the test. */
struct seen {
    bool skipped;
    int status;
    struct sock_host host;
    struct fault fault;
};

static bool loopback_raise(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    return file >= 0 && ioctl(file, SIOCSIFFLAGS, &request) == 0;
}

static bool proc_replace(const char *path, const char *content)
{
    int file;

    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 || mount("none", "/proc", "tmpfs", 0, NULL) < 0) {
        return false;
    }
    if (path[0] == '\0') {
        return true;
    }
    if (mkdir("/proc/net", 0755) < 0) {
        return false;
    }
    file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    return file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content) && close(file) == 0;
}

static void other_host_see(const struct other_host *other, struct seen *seen)
{
    seen->skipped = true;
    if (!child_privilege_get() || unshare(CLONE_NEWNS | CLONE_NEWNET) < 0) {
        return;
    }
    if (other->loopback_up && !loopback_raise()) {
        return;
    }
    if (other->proc != NULL && !proc_replace(other->proc, other->content)) {
        return;
    }
    child_ipv6_deny(other->socket_errno);
    seen->skipped = false;
    seen->status = host_read(&seen->host, "/proc/net", &seen->fault);
}

START_TEST(other_host)
{
    struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;
    int status;

    ck_assert_ptr_ne(seen, MAP_FAILED);
    child = fork();
    if (child == 0) {
        other_host_see(&other_hosts[_i], seen);
        child_end(true);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    if (seen->skipped) {
        printf("skipped: other_host %d needs root, or user namespaces for all\n", _i);
    } else {
        const char *fault = other_hosts[_i].fault != NULL ? other_hosts[_i].fault : strerror(-other_hosts[_i].status);
        ck_assert_int_eq(seen->status, other_hosts[_i].status);
        ck_assert_int_eq(seen->host.ipv6, other_hosts[_i].ipv6);
        ck_assert_msg(strstr(seen->fault.text, fault) != NULL, "%s", seen->fault.text);
        ck_assert_int_eq(seen->fault.text[0] == '\0', seen->status == 0);
        ck_assert_str_ne(seen->host.kernel, "");
    }
    munmap(seen, sizeof *seen);
}
END_TEST

/* The sysctls of a namespace whose own differ from what kernels start with. */

static void sysctls_see(struct seen *seen)
{
    seen->skipped = true;
    if (!child_privilege_get() || unshare(CLONE_NEWNET) < 0 || !loopback_raise() ||
        !child_text_write("/proc/sys/net/ipv6/bindv6only", "1") ||
        !child_text_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1") ||
        !child_text_write("/proc/sys/net/ipv4/ip_local_port_range", "20000 20999") ||
        !child_text_write("/proc/sys/net/ipv4/ip_local_reserved_ports", "20007,20010-20019")) {
        return;
    }
    seen->skipped = false;
    seen->status = host_read(&seen->host, "/proc/net", &seen->fault);
    host_details_read(&seen->host);
}

START_TEST(sysctls)
{
    struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct stat outside;
    char ports[64];
    pid_t child;
    int status;

    ck_assert_ptr_ne(seen, MAP_FAILED);
    child = fork();
    if (child == 0) {
        sysctls_see(seen);
        child_end(true);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    if (seen->skipped) {
        printf("skipped: sysctls needs root, or user namespaces for all, and a /proc/sys that can be written\n");
    } else {
        ck_assert_int_eq(seen->status, 0);
        ck_assert_int_eq(seen->host.bindv6only, RECORD_YES);
        ck_assert_int_eq(seen->host.disable_ipv6, RECORD_YES);
        ck_assert_int_eq(seen->host.ipv6, RECORD_NO);
        ck_assert_uint_eq(seen->host.port_range_first, 20000);
        ck_assert_uint_eq(seen->host.port_range_last, 20999);
        ports_write(ports, sizeof ports, &seen->host, host_port_is_client);
        ck_assert_str_eq(ports, "20000-20006,20008-20009,20020-20999");
        ck_assert_int_eq(stat("/proc/self/ns/net", &outside), 0);
        ck_assert_uint_ne(seen->host.netns, 0);
        ck_assert_uint_ne(seen->host.netns, outside.st_ino);
    }
    munmap(seen, sizeof *seen);
}
END_TEST

/* The kernel gives its list to the first read() alone, however little room there is; and takes a page at a time. */

static bool every_second_port_reserve(unsigned first, unsigned last)
{
    int file = open("/proc/sys/net/ipv4/ip_local_reserved_ports", O_WRONLY | O_CLOEXEC);
    bool written = file >= 0;

    while (written && first <= last) {
        char text[4000];
        size_t length = 0;
        while (first <= last && length < sizeof text - 8) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%u", length == 0 ? "" : ",", first);
            first += 2;
        }
        written = write(file, text, length) == (ssize_t)length;
    }
    close(file);
    return written;
}

static void long_sysctl_see(struct seen *seen)
{
    seen->skipped = !child_privilege_get() || unshare(CLONE_NEWNET) < 0 || !every_second_port_reserve(10000, 19998);
    if (!seen->skipped) {
        seen->status = host_read(&seen->host, "/proc/net", &seen->fault);
    }
}

START_TEST(long_reserved_sysctl)
{
    struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;
    int status;

    ck_assert_ptr_ne(seen, MAP_FAILED);
    child = fork();
    if (child == 0) {
        long_sysctl_see(seen);
        child_end(true);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    if (seen->skipped) {
        printf("skipped: long_reserved_sysctl needs root, or user namespaces for all, and a /proc/sys to write to\n");
    } else {
        for (unsigned port = 0; port <= UINT16_MAX; port++) {
            ck_assert_int_eq(host_port_is_reserved(&seen->host, (uint16_t)port),
                             port >= 10000 && port < 20000 && port % 2 == 0);
        }
    }
    munmap(seen, sizeof *seen);
}
END_TEST

/* Interfaces */

START_TEST(interface_ipv6)
{
    static const enum record_answer runs[] = {
        [RECORD_NO] = RECORD_YES,
        [RECORD_YES] = RECORD_NO,
        [RECORD_UNKNOWN] = RECORD_UNKNOWN,
    };

    ck_assert_int_eq(host_interface_ipv6("lo"), runs[answer(number_read("/proc/sys/net/ipv6/conf/lo/disable_ipv6"))]);
    if (access("/proc/sys/net/ipv6/conf/all", F_OK) == 0) {
        ck_assert_int_eq(host_interface_ipv6("no.such.one"), RECORD_NO);
    }
    ck_assert_int_eq(host_interface_ipv6("all"), RECORD_UNKNOWN);
    ck_assert_int_eq(host_interface_ipv6("default"), RECORD_UNKNOWN);
}
END_TEST

START_TEST(interface_name)
{
    char name[IF_NAMESIZE] = "unchanged";

    host_interface_name(name, 0);
    ck_assert_str_eq(name, "");
    host_interface_name(name, if_nametoindex("lo"));
    ck_assert_str_eq(name, "lo");
    host_interface_name(name, UINT32_MAX);
    ck_assert_str_eq(name, "#4294967295");
    host_interface_name(name, 2147483647);
    ck_assert_str_eq(name, "#2147483647");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host");
    TCase *copied = tcase_create("copies");
    TCase *live = tcase_create("live");

    tcase_add_checked_fixture(copied, folder_make, folder_remove);
    tcase_add_loop_test(copied, copy, 0, UNIT_COUNT(copies));
    tcase_add_loop_test(copied, port_range_copy, 0, UNIT_COUNT(range_copies));
    tcase_add_loop_test(copied, reserved_ports_copy, 0, UNIT_COUNT(reserved_copies));
    tcase_add_test(copied, long_reserved_list);
    tcase_add_test(copied, ports_are_reserved_by_hand);
    tcase_add_loop_test(copied, copies_of_proc, 0, UNIT_COUNT(layouts));
    tcase_add_test(copied, copy_beside_counts_first);
    tcase_add_test(copied, sysctls_of_another_process);
    tcase_add_test(copied, unreadable_copy);
    suite_add_tcase(suite, copied);
    tcase_add_test(live, this_host);
    tcase_add_test(live, no_descriptors);
    tcase_add_loop_test(live, other_host, 0, UNIT_COUNT(other_hosts));
    tcase_add_test(live, sysctls);
    tcase_add_test(live, long_reserved_sysctl);
    tcase_add_test(live, interface_ipv6);
    tcase_add_test(live, interface_name);
    suite_add_tcase(suite, live);
    return unit_run(suite);
}
