/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads the host facts of the network namespace the process is in.
 */
#include "config.h"

#include "socket/host.h"

#include "socket/host_port.h"
#include "socket/procfs_directory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The kernel's default of kernel.overflowuid (include/linux/highuid.h). */
#define OVERFLOW_UID 65534

#define SYSCTL_INTERFACE "/proc/sys/net/ipv6/conf"

/* Reads the start of a file as a string. Returns its length or a negative errno. */
static ssize_t text_read(char *text, size_t size, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t length;

    if (file < 0) {
        return -errno;
    }
    length = read(file, text, size - 1);
    if (length < 0) {
        length = -errno;
    } else {
        text[length] = '\0';
    }
    close(file);
    return length;
}

static enum record_answer switch_read(const char *path)
{
    char text[16];

    if (text_read(text, sizeof text, path) < 0) {
        return RECORD_UNKNOWN;
    }
    if (strcmp(text, "0\n") == 0) {
        return RECORD_NO;
    }
    return strcmp(text, "1\n") == 0 ? RECORD_YES : RECORD_UNKNOWN;
}

/* Takes a number from 1, or from 0 where `least` says so, to 65535. */
static bool number_parse(uint16_t *port, const char **text, unsigned long least)
{
    char *rest;
    unsigned long number;

    if (!isdigit((unsigned char)**text)) {
        return false;
    }
    number = strtoul(*text, &rest, 10);
    *text = rest;
    *port = (uint16_t)number;
    return number >= least && number <= UINT16_MAX;
}

static const char *blanks_skip(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

/* The range stays unknown if it cannot be read or is not a range: the kernel's default would be a guess. */
static void port_range_read(struct sock_host *host, const char *path)
{
    char text[64];
    const char *rest = text;
    uint16_t first;
    uint16_t last;

    if (text_read(text, sizeof text, path) < 0) {
        return;
    }
    rest = blanks_skip(rest);
    if (!number_parse(&first, &rest, 1)) {
        return;
    }
    rest = blanks_skip(rest);
    if (!number_parse(&last, &rest, 1) || first > last || *blanks_skip(rest) != '\0') {
        return;
    }
    host->port_range_first = first;
    host->port_range_last = last;
}

/* "8080,9148,11211-11213", or nothing. Returns false for anything else; some ports are then marked. */
static bool reserved_parse(struct sock_host *host, const char *text)
{
    const char *rest = blanks_skip(text);
    bool more = *rest != '\0';

    while (more) {
        uint16_t first;
        uint16_t last;
        if (!number_parse(&first, &rest, 0)) {
            return false;
        }
        last = first;
        if (*rest == '-') {
            rest++;
            if (!number_parse(&last, &rest, 0) || first > last) {
                return false;
            }
        }
        host_port_reserve(host, first, last);
        more = *rest == ',';
        rest += more ? 1 : 0;
    }
    return *blanks_skip(rest) == '\0';
}

/*
 * The kernel gives this file to the first read() alone, cut off where the room ends, so a list that fills the room is
 * read again with room for any: 21,845 pairs of ports of five digits. Anything but a list reserves nothing.
 */
static void reserved_read(struct sock_host *host, const char *path)
{
    enum {
        ROOM_USUAL = 4096,
        ROOM_MOST = 300000
    };
    char usual[ROOM_USUAL];
    char *text = usual;
    ssize_t length = text_read(usual, sizeof usual, path);

    if (length == ROOM_USUAL - 1) {
        text = calloc(1, ROOM_MOST);
        length = text != NULL ? text_read(text, ROOM_MOST, path) : -ENOMEM;
    }
    if (length < 0 || length == ROOM_MOST - 1 || !reserved_parse(host, text)) {
        memset(host->reserved_ports, 0, sizeof host->reserved_ports);
    }
    if (text != usual) {
        free(text);
    }
}

/*
 * Each network namespace has files of its own below /proc/net, and their inode numbers can be read without privileges
 * (tested on Linux 6.18), unlike the links below /proc/1/ns.
 */
static enum record_answer netns_of_init_read(void)
{
    struct stat init;
    struct stat self;

    if (stat("/proc/1/net/tcp", &init) != 0 || stat("/proc/self/net/tcp", &self) != 0) {
        return RECORD_UNKNOWN;
    }
    return init.st_dev == self.st_dev && init.st_ino == self.st_ino ? RECORD_YES : RECORD_NO;
}

/* Whether the user namespace of this process maps every uid. */
static bool maps_every_uid(void)
{
    char text[128];
    ssize_t length = text_read(text, sizeof text, "/proc/self/uid_map");
    char inside[16];
    char outside[16];
    char count[16];

    if (length < 0) {
        /* A kernel without user namespaces has no such file. */
        return length == -ENOENT && access("/proc/self/stat", F_OK) == 0;
    }
    return sscanf(text, "%15s %15s %15s", inside, outside, count) == 3 && strcmp(inside, "0") == 0 &&
           strcmp(outside, "0") == 0 && strcmp(count, "4294967295") == 0;
}

uint32_t host_hidden_uid(void)
{
    char text[32] = "";
    uint16_t uid;
    const char *rest = text;

    if (maps_every_uid()) {
        return RECORD_UID_HIDDEN;
    }
    if (text_read(text, sizeof text, "/proc/sys/kernel/overflowuid") < 0 || !number_parse(&uid, &rest, 0)) {
        return OVERFLOW_UID;
    }
    return uid;
}

void host_details_read(struct sock_host *host)
{
    struct stat status;

    if (stat("/proc/self/ns/net", &status) == 0) {
        host->netns = status.st_ino;
    }
    host->bindv6only = switch_read("/proc/sys/net/ipv6/bindv6only");
    host->disable_ipv6 = switch_read(SYSCTL_INTERFACE "/all/disable_ipv6");
}

static void this_host_read(struct sock_host *host)
{
    struct utsname names;

    if (uname(&names) == 0) {
        snprintf(host->name, sizeof host->name, "%s", names.nodename);
        snprintf(host->kernel, sizeof host->kernel, "%s", names.release);
    }
    host->netns_of_init = netns_of_init_read();
    port_range_read(host, "/proc/sys/net/ipv4/ip_local_port_range");
    reserved_read(host, "/proc/sys/net/ipv4/ip_local_reserved_ports");
}

static int ipv6_failed(struct fault *fault, const char *path, int error, const char *cause)
{
    return fault_set(fault, error, "cannot tell whether this host has IPv6: %.140s: %s", path, cause);
}

/*
 * A kernel without IPv6 has no if_inet6, but neither has a sandbox that hides /proc or /proc/net: only when the rest of
 * the folder is there and the kernel itself refuses AF_INET6 is the missing file an answer.
 */
int host_ipv6_absence_confirm(const char *directory, struct fault *fault)
{
    char path[PATH_MAX];
    bool whole = snprintf(path, sizeof path, "%s/dev", directory) < (int)sizeof path && access(path, F_OK) == 0;
    int probe;

    snprintf(path, sizeof path, "%s/if_inet6", directory);
    if (!whole) {
        return ipv6_failed(fault, path, ENOENT, "missing, as is dev beside it (is /proc mounted?)");
    }
    probe = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe >= 0) {
        close(probe);
        return ipv6_failed(fault, path, ENOENT, "missing, though the kernel opens IPv6 sockets");
    }
    return errno == EAFNOSUPPORT ? 0 : ipv6_failed(fault, path, errno, strerror(errno));
}

/* Copies without any file of IPv6 are of a kernel without it; else this one was not copied. */
static int ipv6_copy_absence_judge(const char *directory, const char *path, struct fault *fault)
{
    const char *beside = procfs_directory_ipv6_file(directory);

    if (beside == NULL) {
        return 0;
    }
    return fault_set(fault, ENOENT, "cannot tell whether this host has IPv6: %.140s is missing beside %s: copy it, too",
                     path, beside);
}

static int ipv6_absence_judge(enum record_answer *ipv6, const char *directory, const char *path, struct fault *fault)
{
    int result = procfs_directory_is_this_host(directory) ? host_ipv6_absence_confirm(directory, fault)
                                                          : ipv6_copy_absence_judge(directory, path, fault);

    if (result == 0) {
        *ipv6 = RECORD_NO;
    }
    return result;
}

static int ipv6_read(enum record_answer *ipv6, const char *directory, struct fault *fault)
{
    char path[PATH_MAX];
    char text[256];
    const char *start;
    ssize_t length;

    if (snprintf(path, sizeof path, "%s/if_inet6", directory) >= (int)sizeof path) {
        return ipv6_failed(fault, directory, ENAMETOOLONG, strerror(ENAMETOOLONG));
    }
    length = text_read(text, sizeof text, path);
    if (length == -ENOENT) {
        return ipv6_absence_judge(ipv6, directory, path, fault);
    }
    if (length < 0) {
        return ipv6_failed(fault, path, (int)-length, strerror((int)-length));
    }
    start = text + strspn(text, " \r\n");
    if (start < text + length && strspn(start, "0123456789abcdefABCDEF") != 32) {
        return ipv6_failed(fault, path, EBADMSG, "this is not a list of addresses as /proc/net/if_inet6 is");
    }
    *ipv6 = *start == '\0' ? RECORD_NO : RECORD_YES;
    return 0;
}

/*
 * Sysctls are not files of /proc/net, but copies of them may be put beside these; and a sos report holds much of /proc,
 * where they are one folder up, or two as /proc/net is a link to self/net. Not so where the folder is itself of a
 * procfs: /proc/sys is about the namespace of its reader, /proc/PID/net about that of the process.
 */
static void copies_read(struct sock_host *host, const char *directory)
{
    static const char *const places[] = {"", "/../sys/net/ipv4", "/../../sys/net/ipv4"};
    static const struct {
        const char *name;
        void (*read)(struct sock_host *host, const char *path);
    } sysctls[] = {
        {"ip_local_port_range", port_range_read},
        {"ip_local_reserved_ports", reserved_read},
    };
    size_t place_count = procfs_directory_is_live(directory) ? 1 : COUNT(places);

    for (size_t i = 0; i < COUNT(sysctls); i++) {
        char path[PATH_MAX];
        bool found = false;
        for (size_t place = 0; place < place_count && !found; place++) {
            int length = snprintf(path, sizeof path, "%s%s/%s", directory, places[place], sysctls[i].name);
            found = length < (int)sizeof path && access(path, F_OK) == 0;
        }
        if (found) {
            sysctls[i].read(host, path);
        }
    }
}

int host_read(struct sock_host *host, const char *directory, struct fault *fault)
{
    *host = (struct sock_host)RECORD_HOST_UNKNOWN;
    if (procfs_directory_is_this_host(directory)) {
        this_host_read(host);
    } else {
        copies_read(host, directory);
    }
    return ipv6_read(&host->ipv6, directory, fault);
}

enum record_answer host_interface_ipv6(const char *name)
{
    static const enum record_answer runs[] = {
        [RECORD_NO] = RECORD_YES,
        [RECORD_YES] = RECORD_NO,
        [RECORD_UNKNOWN] = RECORD_UNKNOWN,
    };
    char path[sizeof SYSCTL_INTERFACE "//disable_ipv6" + IF_NAMESIZE];

    /* The kernel keeps no settings for interfaces of these names: they are those of all, or of new ones. */
    if (strcmp(name, "all") == 0 || strcmp(name, "default") == 0) {
        return RECORD_UNKNOWN;
    }
    snprintf(path, sizeof path, SYSCTL_INTERFACE "/%.*s/disable_ipv6", IF_NAMESIZE - 1, name);
    if (access(path, F_OK) < 0 && errno == ENOENT && access(SYSCTL_INTERFACE "/all", F_OK) == 0) {
        return RECORD_NO;
    }
    return runs[switch_read(path)];
}

void host_interface_name(char name[static IF_NAMESIZE], uint32_t index)
{
    if (index == 0) {
        name[0] = '\0';
    } else if (if_indextoname(index, name) == NULL) {
        snprintf(name, IF_NAMESIZE, "#%u", (unsigned)index);
    }
}
