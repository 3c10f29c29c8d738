/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/socket/netlink.c: answers built here, then the real kernel in a network namespace of its own.
 */
#include "config.h"

#include "socket/netlink.h"

#include "socket/filter.h"

#include "child.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define INET SOURCE_FAMILY(RECORD_INET)
#define INET6 SOURCE_FAMILY(RECORD_INET6)
#define SEQUENCE 7
#define PORT_ID 4711
#define RECORDS_MOST 2000

/* What a scan showed. */
struct records {
    struct sock_record items[RECORDS_MOST];
    size_t count;
};

static int record_keep(const struct sock_record *record, void *context)
{
    struct records *records = context;

    ck_assert_uint_lt(records->count, RECORDS_MOST);
    records->items[records->count++] = *record;
    return 0;
}

static int record_refuse(const struct sock_record *record, void *context)
{
    (void)record;
    (void)context;
    return -ECANCELED;
}

/* Built answers */

struct answer {
    unsigned char bytes[4096];
    size_t length;
    uint32_t sequence, port_id;
    uint16_t flags;
};

static void message_add(struct answer *answer, uint16_t type, const void *payload, size_t length)
{
    struct nlmsghdr header = {.nlmsg_len = (uint32_t)(sizeof header + length),
                              .nlmsg_type = type,
                              .nlmsg_flags = (uint16_t)(NLM_F_MULTI | answer->flags),
                              .nlmsg_seq = answer->sequence,
                              .nlmsg_pid = answer->port_id};

    memcpy(answer->bytes + answer->length, &header, sizeof header);
    if (length > 0) {
        memcpy(answer->bytes + answer->length + sizeof header, payload, length);
    }
    answer->length += (header.nlmsg_len + 3u) & ~3u;
}

static void end_add(struct answer *answer, uint16_t type, int code)
{
    message_add(answer, type, &code, sizeof code);
}

static void socket_add(struct answer *answer, uint16_t type, uint16_t port)
{
    struct inet_diag_msg message;

    memset(&message, 0, sizeof message);
    message.idiag_family = AF_INET6;
    message.idiag_state = RECORD_LISTEN;
    message.id.idiag_sport = htons(port);
    message_add(answer, type, &message, sizeof message);
}

static void sockets_add(struct answer *answer)
{
    socket_add(answer, SOCK_DIAG_BY_FAMILY, 80);
    socket_add(answer, TCPDIAG_GETSOCK, 443);
}

static void build_nothing(struct answer *answer)
{
    (void)answer;
}

static void build_more(struct answer *answer)
{
    sockets_add(answer);
}

static void build_whole(struct answer *answer)
{
    sockets_add(answer);
    message_add(answer, NLMSG_NOOP, NULL, 0);
    socket_add(answer, SOCK_DIAG_BY_FAMILY, 53);
    end_add(answer, NLMSG_DONE, 0);
}

static void build_after_end(struct answer *answer)
{
    socket_add(answer, SOCK_DIAG_BY_FAMILY, 80);
    end_add(answer, NLMSG_DONE, 0);
    socket_add(answer, SOCK_DIAG_BY_FAMILY, 443);
}

static void build_empty(struct answer *answer)
{
    end_add(answer, NLMSG_DONE, 0);
}

static void build_refusal_in_done(struct answer *answer)
{
    end_add(answer, NLMSG_DONE, -ENOENT);
}

static void build_late_refusal(struct answer *answer)
{
    sockets_add(answer);
    end_add(answer, NLMSG_DONE, -ENOMEM);
}

static void build_refusal(struct answer *answer)
{
    end_add(answer, NLMSG_ERROR, -EPERM);
}

static void build_acknowledgement(struct answer *answer)
{
    end_add(answer, NLMSG_ERROR, 0);
}

static void build_positive_end(struct answer *answer)
{
    end_add(answer, NLMSG_DONE, 5);
}

static void build_absurd_end(struct answer *answer)
{
    end_add(answer, NLMSG_DONE, INT32_MIN);
}

static void build_short_done(struct answer *answer)
{
    message_add(answer, NLMSG_DONE, "xx", 2);
}

static void build_bare_error(struct answer *answer)
{
    message_add(answer, NLMSG_ERROR, NULL, 0);
}

static void build_interrupted(struct answer *answer)
{
    socket_add(answer, SOCK_DIAG_BY_FAMILY, 80);
    answer->flags = NLM_F_DUMP_INTR;
    socket_add(answer, SOCK_DIAG_BY_FAMILY, 443);
}

static void build_interrupted_end(struct answer *answer)
{
    sockets_add(answer);
    answer->flags = NLM_F_DUMP_INTR;
    end_add(answer, NLMSG_DONE, 0);
}

static void build_overrun(struct answer *answer)
{
    message_add(answer, NLMSG_OVERRUN, NULL, 0);
}

static void build_other_type(struct answer *answer)
{
    socket_add(answer, 99, 80);
}

static void build_short_message(struct answer *answer)
{
    message_add(answer, SOCK_DIAG_BY_FAMILY, "short", 5);
}

static void build_wrong_family(struct answer *answer)
{
    struct inet_diag_msg message = {.idiag_family = AF_UNIX, .idiag_state = RECORD_LISTEN};

    message_add(answer, SOCK_DIAG_BY_FAMILY, &message, sizeof message);
}

static void build_other_sequence(struct answer *answer)
{
    socket_add(answer, SOCK_DIAG_BY_FAMILY, 80);
    answer->sequence++;
    socket_add(answer, SOCK_DIAG_BY_FAMILY, 443);
}

static void build_no_sequence(struct answer *answer)
{
    answer->sequence = 0;
    end_add(answer, NLMSG_DONE, 0);
}

static void build_other_port(struct answer *answer)
{
    answer->port_id++;
    end_add(answer, NLMSG_DONE, 0);
}

static void build_no_port(struct answer *answer)
{
    answer->port_id = 0;
    end_add(answer, NLMSG_DONE, 0);
}

static void build_heading_cut(struct answer *answer)
{
    sockets_add(answer);
    end_add(answer, NLMSG_DONE, 0);
    answer->length -= sizeof(int) + 1;
}

static void build_payload_cut(struct answer *answer)
{
    sockets_add(answer);
    end_add(answer, NLMSG_DONE, 0);
    answer->length -= 1;
}

static void build_tiny_length(struct answer *answer)
{
    end_add(answer, NLMSG_DONE, 0);
    memset(answer->bytes, 0, sizeof(uint32_t));
}

static void build_huge_length(struct answer *answer)
{
    end_add(answer, NLMSG_DONE, 0);
    memset(answer->bytes, 0xff, sizeof(uint32_t));
}

static const struct {
    const char *what;
    void (*build)(struct answer *answer);
    int result;
    size_t records;
} answers[] = {
    {"nothing", build_nothing, -EBADMSG, 0},
    {"more to come", build_more, 1, 2},
    {"several messages, whole", build_whole, 0, 3},
    {"messages after the end", build_after_end, 0, 1},
    {"no sockets", build_empty, 0, 0},
    {"refusal inside DONE", build_refusal_in_done, -ENOENT, 0},
    {"refusal inside DONE after sockets", build_late_refusal, -ENOMEM, 2},
    {"refusal", build_refusal, -EPERM, 0},
    {"acknowledgement", build_acknowledgement, -EBADMSG, 0},
    {"positive DONE", build_positive_end, -EBADMSG, 0},
    {"absurd DONE", build_absurd_end, -EBADMSG, 0},
    {"short DONE", build_short_done, -EBADMSG, 0},
    {"ERROR without payload", build_bare_error, -EBADMSG, 0},
    {"interrupted", build_interrupted, -EAGAIN, 1},
    {"interrupted, told at the end", build_interrupted_end, -EAGAIN, 2},
    {"overrun", build_overrun, -EAGAIN, 0},
    {"unknown type", build_other_type, -EBADMSG, 0},
    {"short message", build_short_message, -EBADMSG, 0},
    {"wrong family", build_wrong_family, -EBADMSG, 0},
    {"wrong sequence", build_other_sequence, -EPROTO, 1},
    {"sequence 0", build_no_sequence, -EPROTO, 0},
    {"wrong port", build_other_port, -EPROTO, 0},
    {"port 0", build_no_port, -EPROTO, 0},
    {"cut within a heading", build_heading_cut, -EBADMSG, 2},
    {"cut within a payload", build_payload_cut, -EBADMSG, 2},
    {"length 0", build_tiny_length, -EBADMSG, 0},
    {"length 2^32 - 1", build_huge_length, -EBADMSG, 0},
};

static void answer_build(struct answer *answer, void (*build)(struct answer *answer))
{
    memset(answer, 0, sizeof *answer);
    answer->sequence = SEQUENCE;
    answer->port_id = PORT_ID;
    build(answer);
}

/* In memory of just its size and at an odd address. */
START_TEST(answer_is_handled)
{
    static struct records records;
    struct answer answer;
    unsigned char *bytes;
    int result;

    answer_build(&answer, answers[_i].build);
    bytes = malloc(answer.length + 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes + 1, answer.bytes, answer.length);
    records.count = 0;
    result = netlink_answer_handle(bytes + 1, answer.length, SEQUENCE, PORT_ID, RECORD_UDP, record_keep, &records);
    free(bytes);
    ck_assert_msg(result == answers[_i].result, "%s: %d", answers[_i].what, result);
    ck_assert_uint_eq(records.count, answers[_i].records);
    if (records.count > 1) {
        ck_assert_uint_eq(records.items[1].local_port, 443);
    }
    for (size_t i = 0; i < records.count; i++) {
        ck_assert_int_eq(records.items[i].protocol, RECORD_UDP);
    }
}
END_TEST

START_TEST(visit_ends_it)
{
    struct answer answer;

    answer_build(&answer, build_whole);
    ck_assert_int_eq(netlink_answer_handle(answer.bytes, answer.length, SEQUENCE, PORT_ID, RECORD_TCP, record_refuse,
                                           NULL),
                     -ECANCELED);
}
END_TEST

/* The real kernel */

/* False, and said so, where no namespace, no IPv6 or no sock_diag is to be had. */
static bool namespace_enter(void)
{
    int flags = geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int probe;

    if (unshare(flags) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        printf("skipped: no network namespace: %s\n", strerror(errno));
        return false;
    }
    probe = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) {
        printf("skipped: no IPv6: %s\n", strerror(errno));
        return false;
    }
    ck_assert_int_eq(ioctl(probe, SIOCSIFFLAGS, &lo), 0);
    close(probe);
    return true;
}

static struct source *source_open(void)
{
    struct source *source = NULL;
    struct fault fault;

    ck_assert_int_eq(netlink_open(&source, "/proc/net", &fault), 0);
    ck_assert_str_eq(source->name, "netlink");
    return source;
}

static void scan(struct source *source, const struct source_request *request, struct records *records)
{
    struct fault fault = {""};

    records->count = 0;
    ck_assert_msg(source->scan(source, request, record_keep, records, &fault) == 0, "%s", fault.text);
}

static void scan_all(struct source *source, enum record_protocol protocol, struct records *records)
{
    struct source_request request = {.protocol = protocol,
                                     .families = SOURCE_FAMILIES_ALL,
                                     .states = SOURCE_STATES_ALL};

    scan(source, &request, records);
}

static const struct sock_record *record_find(const struct records *records, enum record_family family,
                                             enum record_state state, uint16_t port)
{
    const struct sock_record *found = NULL;

    for (size_t i = 0; i < records->count; i++) {
        const struct sock_record *record = &records->items[i];

        if (record->family != family || record->state != state || record->local_port != port) {
            continue;
        }
        ck_assert_ptr_null(found);
        found = record;
    }
    ck_assert_ptr_nonnull(found);
    return found;
}

static const struct kind {
    enum record_protocol protocol;
    int family;
    const char *address;
    int v6only; /* -1: as it comes */
    const char *interface;
    const char *record_address; /* NULL: as `address` */
    enum record_v6only record_v6only;
} kinds[] = {
    {RECORD_TCP, AF_INET6, "::", 0, NULL, NULL, RECORD_V6ONLY_NO},
    {RECORD_TCP, AF_INET6, "::", 1, NULL, NULL, RECORD_V6ONLY_YES},
    {RECORD_TCP, AF_INET6, "::", 0, "lo", NULL, RECORD_V6ONLY_NO},
    {RECORD_TCP, AF_INET6, "::1", 0, NULL, NULL, RECORD_V6ONLY_YES},
    {RECORD_TCP, AF_INET6, "::ffff:127.0.0.1", 0, NULL, NULL, RECORD_V6ONLY_NO},
    {RECORD_TCP, AF_INET, "0.0.0.0", -1, NULL, "::ffff:0.0.0.0", RECORD_V6ONLY_UNKNOWN},
    {RECORD_TCP, AF_INET, "127.0.0.1", -1, "lo", "::ffff:127.0.0.1", RECORD_V6ONLY_UNKNOWN},
    {RECORD_UDP, AF_INET6, "::", 0, NULL, NULL, RECORD_V6ONLY_NO},
    {RECORD_UDP, AF_INET6, "::", 1, NULL, NULL, RECORD_V6ONLY_YES},
    {RECORD_UDP, AF_INET6, "::1", 0, NULL, NULL, RECORD_V6ONLY_YES},
    {RECORD_UDP, AF_INET6, "::ffff:127.0.0.1", 0, NULL, NULL, RECORD_V6ONLY_NO},
    {RECORD_UDP, AF_INET, "0.0.0.0", -1, NULL, "::ffff:0.0.0.0", RECORD_V6ONLY_UNKNOWN},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

union address {
    struct sockaddr any;
    struct sockaddr_in inet;
    struct sockaddr_in6 inet6;
};

static socklen_t address_make(union address *address, int family, const char *text, uint16_t port)
{
    memset(address, 0, sizeof *address);
    address->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        address->inet.sin_port = htons(port);
        ck_assert_int_eq(inet_pton(family, text, &address->inet.sin_addr), 1);
        return sizeof address->inet;
    }
    address->inet6.sin6_port = htons(port);
    ck_assert_int_eq(inet_pton(family, text, &address->inet6.sin6_addr), 1);
    return sizeof address->inet6;
}

static uint16_t port_of(int descriptor)
{
    union address address = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t length = sizeof address;

    ck_assert_int_eq(getsockname(descriptor, &address.any, &length), 0);
    return ntohs(address.any.sa_family == AF_INET ? address.inet.sin_port : address.inet6.sin6_port);
}

static int kind_open(const struct kind *kind)
{
    int type = kind->protocol == RECORD_TCP ? SOCK_STREAM : SOCK_DGRAM;
    int descriptor = socket(kind->family, type | SOCK_CLOEXEC, 0);
    union address address;
    socklen_t length = address_make(&address, kind->family, kind->address, 0);

    ck_assert_int_ge(descriptor, 0);
    if (kind->v6only >= 0) {
        ck_assert_int_eq(setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &kind->v6only, sizeof kind->v6only), 0);
    }
    if (kind->interface != NULL) {
        ck_assert_int_eq(setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, kind->interface,
                                    (socklen_t)strlen(kind->interface)),
                         0);
    }
    ck_assert_int_eq(bind(descriptor, &address.any, length), 0);
    if (kind->protocol == RECORD_TCP) {
        ck_assert_int_eq(listen(descriptor, 5), 0);
    }
    return descriptor;
}

static int connect_to(enum record_protocol protocol, int family, const char *text, uint16_t port)
{
    int descriptor = socket(family, (protocol == RECORD_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    union address address;
    socklen_t length = address_make(&address, family, text, port);

    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(connect(descriptor, &address.any, length), 0);
    return descriptor;
}

static void address_check(const struct in6_addr *address, const char *text)
{
    char written[INET6_ADDRSTRLEN];

    ck_assert_str_eq(inet_ntop(AF_INET6, address, written, sizeof written), text);
}

static void listener_check(const struct records *records, const struct kind *kind, int descriptor)
{
    bool inet = kind->family == AF_INET;
    const struct sock_record *record =
        record_find(records, inet ? RECORD_INET : RECORD_INET6,
                    kind->protocol == RECORD_TCP ? RECORD_LISTEN : RECORD_CLOSE, port_of(descriptor));

    ck_assert_int_eq(record->protocol, kind->protocol);
    ck_assert(record_is_listener(record));
    ck_assert_int_eq(record->v6only, kind->record_v6only);
    address_check(&record->local, kind->record_address != NULL ? kind->record_address : kind->address);
    address_check(&record->remote, inet ? "::ffff:0.0.0.0" : "::");
    ck_assert_uint_eq(record->remote_port, 0);
    ck_assert_uint_eq(record->interface, kind->interface != NULL ? if_nametoindex(kind->interface) : 0);
    ck_assert_uint_eq(record->uid, geteuid());
    ck_assert_uint_eq(record->receive_queue, 0);
    ck_assert_uint_eq(record->send_queue, 0);
}

START_TEST(kernel_tells_listeners)
{
    static struct records records[RECORD_PROTOCOLS];
    struct source *source;
    int descriptors[KINDS];

    if (!namespace_enter()) {
        return;
    }
    source = source_open();
    for (size_t i = 0; i < KINDS; i++) {
        descriptors[i] = kind_open(&kinds[i]);
    }
    scan_all(source, RECORD_TCP, &records[RECORD_TCP]);
    scan_all(source, RECORD_UDP, &records[RECORD_UDP]);
    ck_assert_uint_eq(records[RECORD_TCP].count + records[RECORD_UDP].count, KINDS);
    for (size_t i = 0; i < KINDS; i++) {
        listener_check(&records[kinds[i].protocol], &kinds[i], descriptors[i]);
        close(descriptors[i]);
    }
    scan_all(source, RECORD_TCP, &records[RECORD_TCP]);
    ck_assert_uint_eq(records[RECORD_TCP].count, 0);
    source->free(source);
}
END_TEST

/* The case it all began with: an IPv4 client of a `::` listener that is never accepted; and one that is. */
START_TEST(kernel_tells_connections)
{
    static struct records records;
    struct source *source;
    const struct sock_record *record;
    int listener, client, accepted, udp_server, udp_client;
    uint16_t port;

    if (!namespace_enter()) {
        return;
    }
    source = source_open();
    listener = kind_open(&kinds[0]);
    port = port_of(listener);
    client = connect_to(RECORD_TCP, AF_INET, "127.0.0.1", port);
    ck_assert_int_eq(send(client, "hello", 5, 0), 5);

    scan_all(source, RECORD_TCP, &records);
    ck_assert_uint_eq(records.count, 3);
    ck_assert_uint_eq(record_find(&records, RECORD_INET6, RECORD_LISTEN, port)->receive_queue, 1);
    ck_assert_uint_eq(record_find(&records, RECORD_INET6, RECORD_LISTEN, port)->send_queue, 0);
    record = record_find(&records, RECORD_INET6, RECORD_ESTABLISHED, port);
    ck_assert(record_is_v4_mapped(record));
    address_check(&record->remote, "::ffff:127.0.0.1");
    ck_assert_uint_eq(record->remote_port, port_of(client));
    ck_assert_int_eq(record->v6only, RECORD_V6ONLY_UNKNOWN);
    ck_assert_uint_eq(record->receive_queue, 5);
    record = record_find(&records, RECORD_INET, RECORD_ESTABLISHED, port_of(client));
    ck_assert(!record_is_v4_mapped(record));
    ck_assert_uint_eq(record->remote_port, port);

    accepted = accept(listener, NULL, NULL);
    ck_assert_int_ge(accepted, 0);
    scan_all(source, RECORD_TCP, &records);
    ck_assert_uint_eq(record_find(&records, RECORD_INET6, RECORD_LISTEN, port)->receive_queue, 0);
    ck_assert_uint_eq(record_find(&records, RECORD_INET6, RECORD_ESTABLISHED, port)->uid, geteuid());

    udp_server = kind_open(&kinds[7]);
    udp_client = connect_to(RECORD_UDP, AF_INET6, "::ffff:127.0.0.1", port_of(udp_server));
    scan_all(source, RECORD_UDP, &records);
    ck_assert_uint_eq(records.count, 2);
    record = record_find(&records, RECORD_INET6, RECORD_ESTABLISHED, port_of(udp_client));
    ck_assert(record_is_v4_mapped(record));
    ck_assert_int_eq(record->protocol, RECORD_UDP);
    source->free(source);
    close(listener);
    close(client);
    close(accepted);
    close(udp_server);
    close(udp_client);
}
END_TEST

/* The kernel's filter against one by hand */

#define CROWD 160

/* A client that `kind` takes, by IPv4 where that is possible; of a plain or of a v4-mapped socket. */
static int client_open(const struct kind *kind, uint16_t port)
{
    bool ipv4 = kind->family == AF_INET || kind->record_v6only == RECORD_V6ONLY_NO;

    if (!ipv4) {
        return connect_to(kind->protocol, AF_INET6, "::1", port);
    }
    if (random() % 2 == 0) {
        return connect_to(kind->protocol, AF_INET, "127.0.0.1", port);
    }
    return connect_to(kind->protocol, AF_INET6, "::ffff:127.0.0.1", port);
}

/* Sockets of every kind and connections to them; the count of descriptors. */
static size_t crowd_open(int descriptors[static CROWD])
{
    size_t count = 0;

    while (count + 1 < CROWD) {
        const struct kind *kind = &kinds[(size_t)random() % KINDS];
        int server = kind_open(kind);

        descriptors[count++] = server;
        if (kind->interface == NULL && random() % 3 > 0) {
            descriptors[count++] = client_open(kind, port_of(server));
        }
    }
    return count;
}

static bool is_wanted(const struct source_request *request, const struct sock_record *record)
{
    bool in_ports = request->port_count == 0;

    for (size_t i = 0; i < request->port_count && !in_ports; i++) {
        in_ports = record->local_port >= request->ports[i].first && record->local_port <= request->ports[i].last;
    }
    return in_ports && (request->families & SOURCE_FAMILY(record->family)) != 0 &&
           (request->states & SOURCE_STATE(record->state)) != 0 &&
           (!request->v4_mapped_only || record->family == RECORD_INET || record_is_ipv4(&record->remote));
}

static bool is_same_socket(const struct sock_record *one, const struct sock_record *other)
{
    return one->protocol == other->protocol && one->family == other->family && one->state == other->state &&
           memcmp(&one->local, &other->local, sizeof one->local) == 0 &&
           memcmp(&one->remote, &other->remote, sizeof one->remote) == 0 && one->local_port == other->local_port &&
           one->remote_port == other->remote_port && one->interface == other->interface &&
           one->v6only == other->v6only && one->cgroup == other->cgroup;
}

/* Every wanted record of `all` is in `filtered`, once, and nothing else. */
static void filtered_check(const struct source_request *request, const struct records *all,
                           const struct records *filtered)
{
    size_t wanted = 0;

    for (size_t i = 0; i < all->count; i++) {
        size_t found = 0;

        if (!is_wanted(request, &all->items[i])) {
            continue;
        }
        wanted++;
        for (size_t j = 0; j < filtered->count; j++) {
            found += is_same_socket(&all->items[i], &filtered->items[j]);
        }
        ck_assert_uint_eq(found, 1);
    }
    ck_assert_uint_eq(filtered->count, wanted);
}

/* Ascending, not overlapping, at most FILTER_RANGES; about every second one of them around a socket's port. */
static size_t ports_roll(struct source_ports ports[static FILTER_RANGES], const struct records *all)
{
    bool chosen[UINT16_MAX + 1] = {false};
    size_t ranges = (size_t)random() % FILTER_RANGES + 1;
    size_t count = 0;

    for (size_t i = 0; i < ranges; i++) {
        unsigned port = random() % 2 == 0 ? all->items[(size_t)random() % all->count].local_port
                                          : (unsigned)random() % (UINT16_MAX + 1);

        chosen[port] = true;
        for (long more = random() % 4 == 0 ? random() % 500 : 0; more > 0 && port < UINT16_MAX; more--) {
            chosen[++port] = true;
        }
    }
    for (unsigned port = 0; port <= UINT16_MAX; port++) {
        if (!chosen[port]) {
            continue;
        }
        if (port == 0 || !chosen[port - 1]) {
            ck_assert_uint_lt(count, FILTER_RANGES);
            ports[count++].first = (uint16_t)port;
        }
        ports[count - 1].last = (uint16_t)port;
    }
    return count;
}

static void request_roll(struct source_request *request, struct source_ports ports[static FILTER_RANGES],
                         const struct records all[static RECORD_PROTOCOLS])
{
    static const unsigned families[] = {INET, INET6, INET | INET6};
    static const uint32_t states[] = {SOURCE_STATE(RECORD_LISTEN) | SOURCE_STATE(RECORD_CLOSE),
                                      SOURCE_STATE(RECORD_ESTABLISHED), SOURCE_STATES_ALL};

    request->protocol = random() % 2 == 0 ? RECORD_TCP : RECORD_UDP;
    request->families = families[random() % 3];
    request->states = states[random() % 3];
    request->v4_mapped_only = random() % 2;
    request->ports = ports;
    request->port_count = random() % 4 == 0 ? 0 : ports_roll(ports, &all[request->protocol]);
}

START_TEST(kernel_filters_as_we_do)
{
    static struct records all[RECORD_PROTOCOLS];
    static struct records filtered;
    struct source_ports ports[FILTER_RANGES];
    struct source *source;
    int descriptors[CROWD];
    size_t count;

    if (!namespace_enter()) {
        return;
    }
    srandom(4711);
    source = source_open();
    count = crowd_open(descriptors);
    scan_all(source, RECORD_TCP, &all[RECORD_TCP]);
    scan_all(source, RECORD_UDP, &all[RECORD_UDP]);
    for (int i = 0; i < 300; i++) {
        struct source_request request = {.turn = 0};

        request_roll(&request, ports, all);
        scan(source, &request, &filtered);
        filtered_check(&request, &all[request.protocol], &filtered);
    }
    source->free(source);
    while (count > 0) {
        close(descriptors[--count]);
    }
}
END_TEST

START_TEST(kernel_takes_longest_program)
{
    static struct records all, filtered;
    struct source_ports ports[FILTER_RANGES];
    struct source_request request = {.protocol = RECORD_TCP,
                                     .families = SOURCE_FAMILIES_ALL,
                                     .states = SOURCE_STATES_ALL,
                                     .v4_mapped_only = true,
                                     .ports = ports,
                                     .port_count = FILTER_RANGES};
    uint32_t code[FILTER_SIZE / sizeof(uint32_t)];
    struct source *source;
    int descriptors[CROWD];
    size_t count;

    if (!namespace_enter()) {
        return;
    }
    srandom(1);
    source = source_open();
    count = crowd_open(descriptors);
    scan_all(source, RECORD_TCP, &all);
    for (unsigned i = 0; i < FILTER_RANGES; i++) {
        ports[i].first = (uint16_t)(128 * i);
        ports[i].last = (uint16_t)(128 * i + 63);
    }
    ck_assert_uint_eq(filter_build(code, &request), FILTER_SIZE);
    for (int walk = 0; walk < 4; walk++) {
        request.families = walk < 2 ? SOURCE_FAMILIES_ALL : INET6;
        request.v4_mapped_only = walk % 2;
        scan(source, &request, &filtered);
        ck_assert_uint_gt(filtered.count, 0);
        filtered_check(&request, &all, &filtered);
    }
    source->free(source);
    while (count > 0) {
        close(descriptors[--count]);
    }
}
END_TEST

/* Where answers are cut */

/* How many records were shown at each pause. */
struct pauses {
    struct records records;
    size_t at[64];
    size_t count;
};

static int paused_record_keep(const struct sock_record *record, void *context)
{
    struct pauses *pauses = context;

    return record_keep(record, &pauses->records);
}

static void pause_keep(bool anywhere, void *context)
{
    struct pauses *pauses = context;

    ck_assert(!anywhere);
    ck_assert_uint_lt(pauses->count, sizeof pauses->at / sizeof *pauses->at);
    pauses->at[pauses->count++] = pauses->records.count;
}

static void pauses_scan(struct source *source, enum record_protocol protocol, unsigned turn, struct pauses *pauses)
{
    const struct source_request request = {.protocol = protocol,
                                           .families = SOURCE_FAMILIES_ALL,
                                           .states =
                                               SOURCE_STATE(protocol == RECORD_TCP ? RECORD_LISTEN : RECORD_CLOSE),
                                           .turn = turn,
                                           .pause = pause_keep};
    struct fault fault = {""};

    pauses->count = 0;
    pauses->records.count = 0;
    ck_assert_msg(source->scan(source, &request, paused_record_keep, pauses, &fault) == 0, "%s", fault.text);
}

static bool cookies_differ(const struct records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (records->items[i].cookie == records->items[j].cookie) {
                return false;
            }
        }
    }
    return true;
}

#define LISTENERS 700

/* Up to 200 sockets in one answer, also as the first on a socket; more in several, which are told, and cut elsewhere
 * the next time. The same sockets have the same cookies. */
START_TEST(cut_answers_are_reported)
{
    static const struct kind plain[RECORD_PROTOCOLS] = {{RECORD_TCP, AF_INET6, "::", 1, NULL, NULL, RECORD_V6ONLY_YES},
                                                        {RECORD_UDP, AF_INET, "0.0.0.0", -1, NULL, NULL,
                                                         RECORD_V6ONLY_UNKNOWN}};
    static struct pauses first, second;
    enum record_protocol protocol = _i == 0 ? RECORD_TCP : RECORD_UDP;
    static int descriptors[LISTENERS];
    struct source *source;
    size_t count = 0;

    if (!namespace_enter()) {
        return;
    }
    while (count < 200) {
        descriptors[count++] = kind_open(&plain[protocol]);
        source = source_open();
        pauses_scan(source, protocol, 0, &first);
        /* A page may be full, and is told although nothing followed. */
        ck_assert_uint_le(first.count, count > 20 && count < 35 ? 1 : 0);
        ck_assert_uint_eq(first.records.count, count);
        source->free(source);
    }
    while (count < LISTENERS) {
        descriptors[count++] = kind_open(&plain[protocol]);
    }
    source = source_open();
    pauses_scan(source, protocol, 0, &first);
    ck_assert_uint_ge(first.count, 2);
    ck_assert_uint_ge(first.at[0], 200);
    pauses_scan(source, protocol, 3, &second);
    ck_assert_uint_ge(second.count, 2);
    ck_assert_uint_ge(second.at[0], 100);
    for (size_t i = 0; i < first.count && i < second.count; i++) {
        ck_assert_uint_ne(first.at[i], second.at[i]);
    }
    ck_assert(cookies_differ(&first.records));
    ck_assert_uint_eq(first.records.count, LISTENERS);
    ck_assert_uint_eq(second.records.count, LISTENERS);
    for (size_t i = 0; i < LISTENERS; i++) {
        ck_assert_uint_ne(first.records.items[i].cookie, 0);
        ck_assert_uint_eq(first.records.items[i].cookie, second.records.items[i].cookie);
    }
    source->free(source);
    while (count > 0) {
        close(descriptors[--count]);
    }
}
END_TEST

/* Faults */

/* The text of -result comes between `before` and `after`. */
static void words_check(const char *text, const char *before, int result, const char *after)
{
    char expected[sizeof(struct fault)];

    snprintf(expected, sizeof expected, "%s (%s)%s", before, strerror(-result), after);
    ck_assert_str_eq(text, expected);
}

static void fault_check(struct source *source, int result, const char *before)
{
    static const struct source_request request = {.protocol = RECORD_TCP,
                                                  .families = SOURCE_FAMILIES_ALL,
                                                  .states = SOURCE_STATES_ALL};
    static struct records records;
    struct fault fault = {""};

    records.count = 0;
    ck_assert_int_eq(source->scan(source, &request, record_keep, &records, &fault), result);
    if (result < 0) {
        words_check(fault.text, before, result, "");
    } else {
        ck_assert_str_eq(fault.text, "");
    }
}

START_TEST(visit_ends_the_scan)
{
    static const struct source_request request = {.protocol = RECORD_TCP,
                                                  .families = SOURCE_FAMILIES_ALL,
                                                  .states = SOURCE_STATES_ALL};
    static struct records records;
    struct fault fault = {"untouched"};
    struct source *source;
    int listener;

    if (!namespace_enter()) {
        return;
    }
    source = source_open();
    listener = kind_open(&kinds[0]);
    ck_assert_int_eq(source->scan(source, &request, record_refuse, NULL, &fault), -ECANCELED);
    ck_assert_str_eq(fault.text, "untouched");
    scan_all(source, RECORD_TCP, &records);
    ck_assert_uint_eq(records.count, 1);
    source->free(source);
    close(listener);
}
END_TEST

START_TEST(no_descriptor_is_left)
{
    struct rlimit limit, none;
    struct source *source = source_open();

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    fault_check(source, -EMFILE, "cannot open a NETLINK_SOCK_DIAG socket to list TCP sockets");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    fault_check(source, 0, NULL);
    source->free(source);
}
END_TEST

/* Sends `length` bytes of a good answer to the source's socket, whose port is this process's id: the first here. */
static void stranger_send(size_t length)
{
    static unsigned char bytes[65536];
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = (uint32_t)getpid()};
    int stranger = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    struct nlmsghdr done = {.nlmsg_len = sizeof done + sizeof(int),
                            .nlmsg_type = NLMSG_DONE,
                            .nlmsg_flags = NLM_F_MULTI,
                            .nlmsg_seq = 2,
                            .nlmsg_pid = address.nl_pid};

    ck_assert_int_ge(stranger, 0);
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, &done, sizeof done);
    ck_assert_int_eq(sendto(stranger, bytes, length, 0, (struct sockaddr *)&address, sizeof address), (int)length);
    close(stranger);
}

static const struct {
    size_t length;
    int result;
    const char *words;
} strangers[] = {
    {sizeof(struct nlmsghdr) + sizeof(int), -EPROTO,
     "the list of TCP sockets is not the kernel's answer to this request"},
    {40000, -EBADMSG, "the kernel's list of TCP sockets is garbled"},
};

START_TEST(stranger_is_not_believed)
{
    struct source *source;

    if (!namespace_enter()) {
        return;
    }
    source = source_open();
    fault_check(source, 0, NULL);
    stranger_send(strangers[_i].length);
    fault_check(source, strangers[_i].result, strangers[_i].words);
    fault_check(source, 0, NULL);
    source->free(source);
}
END_TEST

static const struct {
    long call;
    int error; /* 0: the call returns 0 */
    int result;
    const char *before, *after;
} refusals[] = {
    {__NR_socket, EPROTONOSUPPORT, -EPROTONOSUPPORT, "cannot open a NETLINK_SOCK_DIAG socket to list UDP sockets",
     ": does this kernel or sandbox lack it?"},
    {__NR_socket, EAFNOSUPPORT, -EAFNOSUPPORT, "cannot open a NETLINK_SOCK_DIAG socket to list UDP sockets",
     ": if RestrictAddressFamilies= of the agent's unit forbids it, add AF_NETLINK there, see CONFINEMENT.md"},
    {__NR_bind, EADDRINUSE, -EADDRINUSE, "cannot open a NETLINK_SOCK_DIAG socket to list UDP sockets", ""},
    {__NR_sendto, ECONNREFUSED, -ECONNREFUSED, "cannot ask the kernel over NETLINK_SOCK_DIAG for UDP sockets", ""},
    {__NR_sendto, EINTR, -EINTR, "cannot ask the kernel over NETLINK_SOCK_DIAG for UDP sockets", ""},
    {__NR_sendto, 0, -EIO, "cannot ask the kernel over NETLINK_SOCK_DIAG for UDP sockets", ""},
    {__NR_recvmsg, EINTR, -EINTR, "cannot read the kernel's list of UDP sockets from NETLINK_SOCK_DIAG", ""},
    {__NR_recvmsg, ENOMEM, -ENOMEM, "cannot read the kernel's list of UDP sockets from NETLINK_SOCK_DIAG", ""},
    {__NR_recvmsg, ENOBUFS, -EAGAIN, "the kernel's list of UDP sockets was interrupted", ""},
    {__NR_recvmsg, 0, -EPROTO, "the list of UDP sockets is not the kernel's answer to this request", ""},
};

/* What the child tells of its scan. */
struct report {
    bool forbidden;
    int result;
    struct fault fault;
};

static void report_write(int descriptor, int row)
{
    static const struct source_request request = {.protocol = RECORD_UDP,
                                                  .families = SOURCE_FAMILIES_ALL,
                                                  .states = SOURCE_STATES_ALL};
    static struct records records;
    struct report report = {.result = 0};
    struct source *source;

    if (netlink_open(&source, "/proc/net", &report.fault) != 0) {
        exit(EXIT_FAILURE);
    }
    report.forbidden = child_call_forbid(refusals[row].call, refusals[row].error);
    if (report.forbidden) {
        report.result = source->scan(source, &request, record_keep, &records, &report.fault);
    }
    source->free(source);
    exit(write(descriptor, &report, sizeof report) == (ssize_t)sizeof report ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* In a child: the filter is for good. */
START_TEST(refusal_is_reported)
{
    struct report report;
    int ends[2];
    int status;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        report_write(ends[1], _i);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(read(ends[0], &report, sizeof report), sizeof report);
    close(ends[0]);
    close(ends[1]);
    if (!report.forbidden) {
        printf("skipped: no seccomp\n");
        return;
    }
    ck_assert_int_eq(report.result, refusals[_i].result);
    words_check(report.fault.text, refusals[_i].before, report.result, refusals[_i].after);
}
END_TEST

START_TEST(unused_source_is_freed)
{
    struct source *source = source_open();

    source->free(source);
}
END_TEST

#define LOOP_TEST(cases, test, table) tcase_add_loop_test(cases, test, 0, (int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("netlink");
    TCase *built = tcase_create("built answers");
    TCase *kernel = tcase_create("the real kernel");

    LOOP_TEST(built, answer_is_handled, answers);
    tcase_set_tags(kernel, "kernel");
    tcase_add_test(built, visit_ends_it);
    suite_add_tcase(suite, built);
    tcase_add_test(kernel, kernel_tells_listeners);
    tcase_add_test(kernel, kernel_tells_connections);
    tcase_add_test(kernel, kernel_filters_as_we_do);
    tcase_add_test(kernel, kernel_takes_longest_program);
    tcase_add_loop_test(kernel, cut_answers_are_reported, 0, 2);
    tcase_add_test(kernel, visit_ends_the_scan);
    tcase_add_test(kernel, no_descriptor_is_left);
    LOOP_TEST(kernel, stranger_is_not_believed, strangers);
    LOOP_TEST(kernel, refusal_is_reported, refusals);
    tcase_add_test(kernel, unused_source_is_freed);
    suite_add_tcase(suite, kernel);
    return unit_run(suite);
}
