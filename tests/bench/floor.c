/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * floor PORT...: asks the kernel what a run of check_dualstack asks that judges these ports (the v4-mapped established
 * TCP connections on them), and throws the answer away unread: what the kernel itself charges.
 * floor all: without a filter, so all established TCP connections of AF_INET6: what ss asks for.
 * floor none: with a filter that rejects every socket at its first instruction: what the mere walk costs.
 * Prints how often it received and how many bytes.
 */
#include "config.h"

#include "socket/diag.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PORTS_MOST 64
#define SEQUENCE 1
#define BUFFER_SIZE 32768

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* A jump beyond the end: the shortest program that lets nothing pass. */
static void reject_all_put(struct nlmsghdr *header)
{
    struct inet_diag_bc_op jump = {.code = INET_DIAG_BC_JMP, .yes = sizeof jump, .no = sizeof jump + 4};

    mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, sizeof jump, &jump);
}

static int port_compare(const void *left, const void *right)
{
    const struct source_ports *a = left;
    const struct source_ports *b = right;

    return (int)a->first - (int)b->first;
}

static size_t ports_parse(struct source_ports *ports, int count, char **words)
{
    if (count > PORTS_MOST) {
        errno = E2BIG;
        fail("ports");
    }
    for (int i = 0; i < count; i++) {
        unsigned long port = strtoul(words[i], NULL, 10);
        if (port == 0 || port > UINT16_MAX) {
            errno = EINVAL;
            fail(words[i]);
        }
        ports[i].first = ports[i].last = (uint16_t)port;
    }
    qsort(ports, (size_t)count, sizeof *ports, port_compare);
    return (size_t)count;
}

static size_t request_build(uint32_t *buffer, int count, char **words)
{
    bool none = strcmp(words[0], "none") == 0;
    bool all = strcmp(words[0], "all") == 0;
    struct source_ports ports[PORTS_MOST];
    struct source_request request = {
        .protocol = RECORD_TCP,
        .families = SOURCE_FAMILY(RECORD_INET6),
        .states = SOURCE_STATE(RECORD_ESTABLISHED),
        .v4_mapped_only = !none && !all,
        .ports = ports,
        .port_count = none || all ? 0 : ports_parse(ports, count, words),
    };
    struct nlmsghdr *header = (void *)buffer;

    diag_request_build(buffer, &request, 0, SEQUENCE);
    if (none) {
        reject_all_put(header);
    }
    return header->nlmsg_len;
}

/* The end of a dump is the last message of an answer, so only an answer's last bytes need a snapshot. */
static int is_end(const unsigned char *bytes, size_t length)
{
    struct nlmsghdr header;
    size_t size = sizeof header + sizeof(int);

    if (length < size) {
        return 0;
    }
    memcpy(&header, bytes + length - size, sizeof header);
    return header.nlmsg_len == size && header.nlmsg_type == NLMSG_DONE && header.nlmsg_seq == SEQUENCE;
}

static int is_error(const unsigned char *bytes, size_t length)
{
    struct nlmsghdr header;

    if (length < sizeof header) {
        return 1;
    }
    memcpy(&header, bytes, sizeof header);
    return header.nlmsg_type == NLMSG_ERROR;
}

int main(int argc, char **argv)
{
    static uint32_t buffer[BUFFER_SIZE / sizeof(uint32_t)];
    const unsigned char *bytes = (const unsigned char *)buffer;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
    size_t length;
    unsigned long received = 0;
    unsigned long sum = 0;
    ssize_t count;

    if (argc < 2) {
        fputs("usage: floor PORT... | all | none\n", stderr);
        return 2;
    }
    length = request_build(buffer, argc - 1, argv + 1);
    if (netlink < 0 || sendto(netlink, buffer, length, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0) {
        fail("cannot ask");
    }
    do {
        count = recv(netlink, buffer, sizeof buffer, 0);
        if (count <= 0) {
            fail("cannot receive");
        }
        if (is_error(bytes, (size_t)count)) {
            fail("the kernel refused");
        }
        received++;
        sum += (unsigned long)count;
    } while (!is_end(bytes, (size_t)count));
    printf("%lu answers, %lu bytes\n", received, sum);
    return 0;
}
