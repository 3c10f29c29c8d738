/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * load CONNECTIONS [native] BUSY_PORT... [quiet QUIET_PORT...]: TCP connections in the network namespace it runs in,
 * for a benchmark.
 *
 * It listens on [::] on every port and spreads CONNECTIONS from AF_INET clients over the busy ones, accepted. So each
 * is two sockets: an AF_INET one and a v4-mapped AF_INET6 one. With "native" it listens on 0.0.0.0, and no socket is an
 * AF_INET6 one. Once all are there it prints READY connections=C
 * listeners=L children=P PORT=COUNT... and holds them until standard input ends, a signal comes or an hour is over.
 * When it ends so does all of it.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTIONS_MOST 5000000UL
#define PORTS_MOST 64
#define SECONDS_MOST 3600u

/* What a child needs beside its connections: standard streams, listeners, the pipe. */
#define DESCRIPTORS_SPARE (PORTS_MOST + 36UL)

/* A child of its own source address holds no more than this, so that no address runs out of ports. */
#define CHILD_MOST 20000UL

/* 127.1.0.1 and up. */
#define SOURCE_FIRST 0x7f010001u

struct load {
    unsigned long connections;
    bool native;
    uint16_t ports[PORTS_MOST];
    int listeners[PORTS_MOST];
    size_t busy_count;
    size_t port_count; /* the busy ones, then the quiet ones */
};

struct pipes {
    int ready[2]; /* each child tells when and how many it has */
    int hold[2];  /* its end is the children's */
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static _Noreturn void usage(const char *what)
{
    fprintf(stderr, "load: %s\nusage: load CONNECTIONS [native] BUSY_PORT... [quiet QUIET_PORT...]\n", what);
    exit(2);
}

static unsigned long number_parse(const char *text, unsigned long most)
{
    char *rest;
    unsigned long number = strtoul(text, &rest, 10);

    if (*text < '0' || *text > '9' || *rest != '\0' || number == 0 || number > most) {
        usage("a number is out of range");
    }
    return number;
}

static void arguments_parse(struct load *load, int count, char **words)
{
    bool quiet = false;

    if (count < 3) {
        usage("what is to be built?");
    }
    load->connections = number_parse(words[1], CONNECTIONS_MOST);
    for (int i = 2; i < count; i++) {
        if (strcmp(words[i], "native") == 0) {
            load->native = true;
            continue;
        }
        if (strcmp(words[i], "quiet") == 0) {
            quiet = true;
            continue;
        }
        if (load->port_count == PORTS_MOST) {
            usage("too many ports");
        }
        load->ports[load->port_count++] = (uint16_t)number_parse(words[i], UINT16_MAX);
        load->busy_count += !quiet;
    }
    if (load->busy_count == 0) {
        usage("which port is busy?");
    }
}

static int listener_open(uint16_t port, bool native)
{
    const struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    const struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const struct sockaddr *address = native ? (const struct sockaddr *)&ipv4 : (const struct sockaddr *)&ipv6;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int off = 0;
    int listener = socket(address->sa_family, SOCK_STREAM, 0);

    /* What it accepts inherits the reset, so that the end leaves no TIME-WAIT behind. */
    if (listener < 0 || (!native && setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) ||
        setsockopt(listener, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0 ||
        bind(listener, address, native ? sizeof ipv4 : sizeof ipv6) < 0 || listen(listener, 4096) < 0) {
        fail("cannot listen");
    }
    return listener;
}

/* IP_BIND_ADDRESS_NO_PORT leaves the choice of a port to connect(), which only needs one that is free towards this
 * peer. */
static void connection_open(uint32_t source, uint16_t port)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int on = 1;
    int client = socket(AF_INET, SOCK_STREAM, 0);

    if (client < 0 || setsockopt(client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        bind(client, (const struct sockaddr *)&from, sizeof from) < 0 ||
        connect(client, (const struct sockaddr *)&to, sizeof to) < 0) {
        fail("cannot connect");
    }
}

/* Connections `first` to `first + count - 1`. Each is accepted before the next, by whichever child comes first, so
 * every child ends with as many of either side. */
static _Noreturn void child_run(const struct load *load, pid_t parent, uint32_t source, unsigned long first,
                                unsigned long count, const struct pipes *pipes)
{
    char byte;

    close(pipes->hold[1]);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) {
        _exit(1);
    }
    for (unsigned long i = first; i < first + count; i++) {
        connection_open(source, load->ports[i % load->busy_count]);
        if (accept(load->listeners[i % load->busy_count], NULL, NULL) < 0) {
            fail("cannot accept");
        }
    }
    if (write(pipes->ready[1], &count, sizeof count) != sizeof count) {
        fail("cannot report");
    }
    /* Ends when the parent closes its end; if the parent is killed so is this one. */
    while (read(pipes->hold[0], &byte, sizeof byte) > 0) {
        continue;
    }
    _exit(0);
}

/* Half of what a child may open: it holds both sides. */
static unsigned long child_connections(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        fail("cannot read the limit of descriptors");
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 2 * DESCRIPTORS_SPARE) {
        fail("the limit of descriptors (ulimit -n) is too low");
    }
    limit.rlim_cur = (limit.rlim_cur - DESCRIPTORS_SPARE) / 2;
    return limit.rlim_cur < CHILD_MOST ? (unsigned long)limit.rlim_cur : CHILD_MOST;
}

/* Returns how many children were started. */
static unsigned children_start(const struct load *load, const struct pipes *pipes)
{
    unsigned long each = child_connections();
    pid_t parent = getpid();
    unsigned children = 0;

    for (unsigned long first = 0; first < load->connections; first += each) {
        unsigned long left = load->connections - first;
        pid_t child = fork();
        if (child < 0) {
            fail("cannot fork");
        }
        if (child == 0) {
            child_run(load, parent, SOURCE_FIRST + children, first, left < each ? left : each, pipes);
        }
        children++;
    }
    return children;
}

/* A child that fails ends it all (SIGCHLD). */
static unsigned long children_await(int ready, unsigned children)
{
    unsigned long sum = 0;

    while (children-- > 0) {
        unsigned long count;
        if (read(ready, &count, sizeof count) != sizeof count) {
            fail("a child failed");
        }
        sum += count;
    }
    return sum;
}

static void ready_print(const struct load *load, unsigned long connections, unsigned children)
{
    printf("READY connections=%lu listeners=%zu children=%u", connections, load->port_count, children);
    for (size_t i = 0; i < load->port_count; i++) {
        unsigned long count = connections / load->busy_count + (i < connections % load->busy_count);
        printf(" %u=%lu", (unsigned)load->ports[i], i < load->busy_count ? count : 0);
    }
    putchar('\n');
    if (fflush(stdout) != 0) {
        fail("cannot print");
    }
}

static void input_await(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char bytes[256];

    while (poll(&input, 1, -1) > 0 && read(STDIN_FILENO, bytes, sizeof bytes) > 0) {
        continue;
    }
}

static void child_lost(int signal)
{
    static const char text[] = "load: a child ended early\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);

    (void)signal;
    (void)written;
    _exit(1);
}

int main(int argc, char **argv)
{
    struct load load = {0};
    struct sigaction lost = {.sa_handler = child_lost, .sa_flags = SA_NOCLDSTOP};
    struct pipes pipes;
    unsigned children;
    unsigned long connections;

    arguments_parse(&load, argc, argv);
    alarm(SECONDS_MOST);
    if (pipe(pipes.ready) < 0 || pipe(pipes.hold) < 0 || sigaction(SIGCHLD, &lost, NULL) < 0) {
        fail("cannot begin");
    }
    for (size_t i = 0; i < load.port_count; i++) {
        load.listeners[i] = listener_open(load.ports[i], load.native);
    }
    children = children_start(&load, &pipes);
    close(pipes.ready[1]);
    connections = children_await(pipes.ready[0], children);
    if (connections != load.connections) {
        fprintf(stderr, "load: %lu connections instead of %lu\n", connections, load.connections);
        return 1;
    }
    ready_print(&load, connections, children);
    input_await();
    signal(SIGCHLD, SIG_DFL);
    close(pipes.hold[1]);
    while (wait(NULL) > 0) {
        continue;
    }
    return 0;
}
