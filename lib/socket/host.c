/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads the host facts of the network namespace the process is in.
 */
#include "config.h"

#include "socket/host.h"

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

#define THIS_HOST "/proc/net"

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

static bool port_parse(uint16_t *port, char **text)
{
    unsigned long number;

    *text += strspn(*text, " \t");
    if (!isdigit((unsigned char)**text)) {
        return false;
    }
    number = strtoul(*text, text, 10);
    *port = (uint16_t)number;
    return number > 0 && number <= UINT16_MAX;
}

/* What is no range, or cannot be read, leaves it unknown: the kernel's own would be a guess. */
static void port_range_read(struct sock_host *host, const char *path)
{
    char text[64];
    char *rest = text;
    uint16_t first;
    uint16_t last;

    if (text_read(text, sizeof text, path) < 0 || !port_parse(&first, &rest) || !port_parse(&last, &rest)) {
        return;
    }
    if (first > last || rest[strspn(rest, " \t\r\n")] != '\0') {
        return;
    }
    host->port_range_first = first;
    host->port_range_last = last;
}

static void this_host_read(struct sock_host *host)
{
    struct utsname names;
    struct stat status;

    if (uname(&names) == 0) {
        snprintf(host->name, sizeof host->name, "%s", names.nodename);
        snprintf(host->kernel, sizeof host->kernel, "%s", names.release);
    }
    if (stat("/proc/self/ns/net", &status) == 0) {
        host->netns = status.st_ino;
    }
    host->bindv6only = switch_read("/proc/sys/net/ipv6/bindv6only");
    host->disable_ipv6 = switch_read("/proc/sys/net/ipv6/conf/all/disable_ipv6");
    port_range_read(host, "/proc/sys/net/ipv4/ip_local_port_range");
}

static int ipv6_failed(struct fault *fault, const char *path, int error, const char *cause)
{
    return fault_set(fault, error, "cannot tell whether this host has IPv6: %.160s: %s", path, cause);
}

/*
 * A kernel without IPv6 has no if_inet6, but neither has a sandbox that hides /proc or /proc/net: only when the rest of
 * the folder is there and the kernel itself refuses AF_INET6 is the missing file an answer.
 */
static int absence_confirm(enum record_answer *ipv6, const char *path, struct fault *fault)
{
    int probe;

    if (access(THIS_HOST "/dev", F_OK) < 0) {
        return ipv6_failed(fault, path, ENOENT, "missing, as is " THIS_HOST "/dev (is /proc mounted?)");
    }
    probe = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe >= 0) {
        close(probe);
        return ipv6_failed(fault, path, ENOENT, "missing, though the kernel opens IPv6 sockets");
    }
    if (errno != EAFNOSUPPORT) {
        return ipv6_failed(fault, path, errno, strerror(errno));
    }
    *ipv6 = RECORD_NO;
    return 0;
}

static int ipv6_read(enum record_answer *ipv6, const char *directory, struct fault *fault)
{
    bool this_host = strcmp(directory, THIS_HOST) == 0;
    char path[PATH_MAX];
    char text[256];
    const char *start;
    ssize_t length;

    if (snprintf(path, sizeof path, "%s/if_inet6", directory) >= (int)sizeof path) {
        return ipv6_failed(fault, directory, ENAMETOOLONG, strerror(ENAMETOOLONG));
    }
    length = text_read(text, sizeof text, path);
    if (length == -ENOENT && this_host) {
        return absence_confirm(ipv6, path, fault);
    }
    if (length < 0 && length != -ENOENT) {
        return ipv6_failed(fault, path, (int)-length, strerror((int)-length));
    }
    start = length < 0 ? "" : text + strspn(text, " \r\n");
    if (length > 0 && start < text + length && strspn(start, "0123456789abcdefABCDEF") != 32) {
        return ipv6_failed(fault, path, EBADMSG, "this is no list of addresses as " THIS_HOST "/if_inet6 is");
    }
    *ipv6 = *start == '\0' ? RECORD_NO : RECORD_YES;
    return 0;
}

/* It is no file of /proc/net, but who copies these may put it beside them. */
static void copies_read(struct sock_host *host, const char *directory)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/ip_local_port_range", directory) < (int)sizeof path) {
        port_range_read(host, path);
    }
}

int host_read(struct sock_host *host, const char *directory, struct fault *fault)
{
    *host = (struct sock_host){
        .ipv6 = RECORD_UNKNOWN,
        .bindv6only = RECORD_UNKNOWN,
        .disable_ipv6 = RECORD_UNKNOWN,
        .port_range_first = 1,
        .port_range_last = 0,
    };
    if (strcmp(directory, THIS_HOST) == 0) {
        this_host_read(host);
    } else {
        copies_read(host, directory);
    }
    return ipv6_read(&host->ipv6, directory, fault);
}

void host_interface_name(char name[static IF_NAMESIZE], uint32_t index)
{
    if (index == 0) {
        name[0] = '\0';
    } else if (if_indextoname(index, name) == NULL) {
        snprintf(name, IF_NAMESIZE, "#%u", (unsigned)index);
    }
}
