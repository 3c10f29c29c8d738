/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One socket as the kernel describes it, and the few facts about the host that decide what it means.
 */
#ifndef SOCKET_RECORD_H
#define SOCKET_RECORD_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum record_protocol {
    RECORD_TCP,
    RECORD_UDP
};
#define RECORD_PROTOCOLS 2

enum record_family {
    RECORD_INET,
    RECORD_INET6
};
#define RECORD_FAMILIES 2

/* The kernel's own numbers (include/net/tcp_states.h); /proc/net and sock_diag agree on them. */
enum record_state {
    RECORD_STATELESS, /* no socket of the kernel's: gVisor's ICMP sockets, which its udp file lists */
    RECORD_ESTABLISHED,
    RECORD_SYN_SENT,
    RECORD_SYN_RECV,
    RECORD_FIN_WAIT1,
    RECORD_FIN_WAIT2,
    RECORD_TIME_WAIT,
    RECORD_CLOSE, /* also every unconnected UDP socket */
    RECORD_CLOSE_WAIT,
    RECORD_LAST_ACK,
    RECORD_LISTEN,
    RECORD_CLOSING,
    RECORD_NEW_SYN_RECV
};
#define RECORD_STATES (RECORD_NEW_SYN_RECV + 1)

enum record_v6only {
    RECORD_V6ONLY_UNKNOWN,
    RECORD_V6ONLY_NO,
    RECORD_V6ONLY_YES
};
#define RECORD_V6ONLY_ANSWERS (RECORD_V6ONLY_YES + 1)

/* The owner is not visible: the user namespace does not map the uid. No user has this number: it is (uid_t)-1. */
#define RECORD_UID_HIDDEN UINT32_MAX

/*
 * Addresses are in network byte order, as struct in6_addr always is. An AF_INET address is held in its v4-mapped form
 * (0.0.0.0 is ::ffff:0.0.0.0), so one comparison serves both families; `family` says which kind of socket it was. Ports
 * are in host byte order.
 */
struct sock_record {
    enum record_protocol protocol;
    enum record_family family;
    enum record_state state;
    enum record_v6only v6only; /* meaningful on listeners of AF_INET6; unknown elsewhere */
    struct in6_addr local;
    struct in6_addr remote;
    uint16_t local_port;
    uint16_t remote_port;
    uint32_t interface;     /* index of the interface it is bound to, 0 for none */
    uint32_t uid;           /* owner, or RECORD_UID_HIDDEN; 0 also for what has none (TIME-WAIT) */
    uint32_t receive_queue; /* bytes waiting; on a TCP listener the connections not yet accepted */
    uint32_t send_queue;    /* bytes not yet acknowledged; 0 on a TCP listener, as /proc/net has it */
    uint64_t cgroup;        /* cgroup v2 id, 0 when the kernel does not report it */
    uint64_t cookie;        /* of this socket alone, as long as it lives; 0 when the source does not report it */
};

enum record_answer {
    RECORD_NO,
    RECORD_YES,
    RECORD_UNKNOWN
};

/* What decides the meaning of sockets but is not a socket. Plain values: there is nothing to free. */
struct sock_host {
    char name[65];                    /* host name, UTF-8 not guaranteed */
    char kernel[65];                  /* release, as uname -r */
    enum record_answer ipv6;          /* does the namespace have any IPv6 address? */
    enum record_answer bindv6only;    /* net.ipv6.bindv6only */
    enum record_answer disable_ipv6;  /* net.ipv6.conf.all.disable_ipv6 */
    uint16_t port_range_first;        /* net.ipv4.ip_local_port_range */
    uint16_t port_range_last;         /* first > last when it is not known */
    uint8_t reserved_ports[8192];     /* net.ipv4.ip_local_reserved_ports: a bit a port, the low one first; 0 unknown */
    enum record_answer netns_of_init; /* is the network namespace that of process 1? */
    uint64_t netns;                   /* inode number of the network namespace, 0 unknown */
};

/* Where the four bytes of an IPv4 address begin in its v4-mapped form. */
#define RECORD_IPV4_OFFSET 12

/* The wildcard of each family as records hold it: 0.0.0.0 (::ffff:0.0.0.0) of AF_INET, :: of AF_INET6. */
extern const struct in6_addr record_wildcards[RECORD_FAMILIES];

/* A host of which nothing is known. */
#define RECORD_HOST_UNKNOWN                                                                                            \
    {                                                                                                                  \
        .ipv6 = RECORD_UNKNOWN, .bindv6only = RECORD_UNKNOWN, .disable_ipv6 = RECORD_UNKNOWN, .port_range_first = 1,   \
        .netns_of_init = RECORD_UNKNOWN                                                                                \
    }

/* "IPv4", "IPv6". A literal. */
const char *record_family_name(enum record_family family);

/* True for ::ffff:0:0/96: IPv4 on the wire, whatever the socket's family. */
bool record_is_ipv4(const struct in6_addr *address);

/* True for the wildcard of the family. */
bool record_is_wildcard(enum record_family family, const struct in6_addr *address);

/* A TCP socket in LISTEN, or an unconnected UDP socket that has a port. */
bool record_is_listener(const struct sock_record *record);

/* An established AF_INET6 socket whose peer is IPv4. */
bool record_is_v4_mapped(const struct sock_record *record);

#define RECORD_ADDRESS_SIZE 46 /* INET6_ADDRSTRLEN */

/*
 * Writes the address as users read it: AF_INET as dotted IPv4, AF_INET6 as RFC 5952 text ("::ffff:192.0.2.1" stays
 * mapped). No brackets, no port. Never fails; returns text.
 */
const char *record_address_format(char text[static RECORD_ADDRESS_SIZE], enum record_family family,
                                  const struct in6_addr *address);

/*
 * Reads what that function writes: dotted IPv4 for AF_INET, any text of IPv6 for AF_INET6. Returns false for other
 * text, and *address is undefined.
 */
bool record_address_parse(enum record_family family, const char *text, struct in6_addr *address);

#define RECORD_ENDPOINT_SIZE (RECORD_ADDRESS_SIZE + sizeof "[%]:65535" + IF_NAMESIZE)

/*
 * Writes "0.0.0.0:80", "[::]:443" or, with an interface name (NULL or "" for none), "[fe80::1%eth0]:53" and
 * "127.0.0.1%lo:53". Returns text.
 */
const char *record_endpoint_format(char text[static RECORD_ENDPOINT_SIZE], enum record_family family,
                                   const struct in6_addr *address, uint16_t port, const char *interface);

#endif
