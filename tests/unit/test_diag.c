/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/socket/diag.c on built bytes.
 */
#include "config.h"

#include "socket/diag.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>

#define BOTH SOURCE_FAMILIES_ALL
#define INET SOURCE_FAMILY(RECORD_INET)
#define INET6 SOURCE_FAMILY(RECORD_INET6)

/* Requests */

static const struct {
    enum record_protocol protocol;
    unsigned families;
    unsigned count;
    struct {
        uint16_t type;
        uint8_t family, protocol; /* SOCK_DIAG_BY_FAMILY only */
    } dumps[2];
} requests[] = {
    {RECORD_TCP, INET, 1, {{SOCK_DIAG_BY_FAMILY, AF_INET, IPPROTO_TCP}}},
    {RECORD_TCP, INET6, 1, {{SOCK_DIAG_BY_FAMILY, AF_INET6, IPPROTO_TCP}}},
    {RECORD_TCP, BOTH, 1, {{TCPDIAG_GETSOCK, 0, 0}}},
    {RECORD_UDP, INET, 1, {{SOCK_DIAG_BY_FAMILY, AF_INET, IPPROTO_UDP}}},
    {RECORD_UDP, INET6, 1, {{SOCK_DIAG_BY_FAMILY, AF_INET6, IPPROTO_UDP}}},
    {RECORD_UDP, BOTH, 2, {{SOCK_DIAG_BY_FAMILY, AF_INET, IPPROTO_UDP}, {SOCK_DIAG_BY_FAMILY, AF_INET6, IPPROTO_UDP}}},
    {RECORD_UDP, 0, 0, {{0, 0, 0}}},
};

/* In network byte order, as the kernel compares it; 0 asks for any port. */
static uint16_t only_port(const struct source_request *request)
{
    return request->port_count == 1 && request->ports[0].first == request->ports[0].last
               ? htons(request->ports[0].first)
               : 0;
}

/* Returns the length of the request's own struct. */
static size_t body_check(const unsigned char *body, const struct source_request *request, uint16_t type, uint8_t family,
                         uint8_t protocol)
{
    struct inet_diag_req old;
    struct inet_diag_req_v2 new;

    if (type == TCPDIAG_GETSOCK) {
        memcpy(&old, body, sizeof old);
        ck_assert_uint_eq(old.idiag_states, request->states);
        ck_assert_uint_eq(old.id.idiag_sport, only_port(request));
        return sizeof old;
    }
    memcpy(&new, body, sizeof new);
    ck_assert_uint_eq(new.sdiag_family, family);
    ck_assert_uint_eq(new.sdiag_protocol, protocol);
    ck_assert_uint_eq(new.idiag_states, request->states);
    ck_assert_uint_eq(new.idiag_ext, 0);
    ck_assert_uint_eq(new.id.idiag_sport, only_port(request));
    return sizeof new;
}

static void request_check(const struct source_request *request, int row, unsigned dump)
{
    _Alignas(struct nlmsghdr) unsigned char message[DIAG_REQUEST_SIZE];
    _Alignas(uint32_t) unsigned char code[FILTER_SIZE];
    size_t code_length = filter_build(code, request);
    struct nlmsghdr header;
    struct nlattr attribute;
    size_t offset;
    size_t length;

    memset(message, 0xa5, sizeof message);
    length = diag_request_build(message, request, dump, 4711);
    memcpy(&header, message, sizeof header);
    ck_assert_uint_le(length, sizeof message);
    ck_assert_uint_eq(header.nlmsg_len, length);
    ck_assert_uint_eq(header.nlmsg_type, requests[row].dumps[dump].type);
    ck_assert_uint_eq(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    ck_assert_uint_eq(header.nlmsg_seq, 4711);
    ck_assert_uint_eq(header.nlmsg_pid, 0);
    offset = sizeof header + body_check(message + sizeof header, request, header.nlmsg_type,
                                        requests[row].dumps[dump].family, requests[row].dumps[dump].protocol);
    if (code_length == 0) {
        ck_assert_uint_eq(length, offset);
        return;
    }
    memcpy(&attribute, message + offset, sizeof attribute);
    ck_assert_uint_eq(attribute.nla_type, INET_DIAG_REQ_BYTECODE);
    ck_assert_uint_eq(attribute.nla_len, sizeof attribute + code_length);
    ck_assert_uint_eq(length, offset + attribute.nla_len);
    ck_assert_mem_eq(message + offset + sizeof attribute, code, code_length);
}

START_TEST(request_is_built)
{
    static struct source_ports ports[FILTER_RANGES];
    struct source_request request = {.protocol = requests[_i].protocol,
                                     .families = requests[_i].families,
                                     .states = SOURCE_STATE(RECORD_LISTEN) | SOURCE_STATE(RECORD_CLOSE),
                                     .ports = ports};

    for (unsigned i = 0; i < FILTER_RANGES; i++) {
        ports[i].first = ports[i].last = (uint16_t)(2 * i);
    }
    ck_assert_uint_eq(diag_dump_count(&request), requests[_i].count);
    for (unsigned dump = 0; dump < requests[_i].count; dump++) {
        request.v4_mapped_only = false;
        request.port_count = 0;
        request_check(&request, _i, dump);
        request.v4_mapped_only = true;
        request_check(&request, _i, dump);
        request.port_count = FILTER_RANGES;
        request_check(&request, _i, dump);
        request.ports = &(struct source_ports){443, 443};
        request.port_count = 1;
        request_check(&request, _i, dump);
        request.ports = &(struct source_ports){443, 444};
        request_check(&request, _i, dump);
        request.ports = ports;
    }
}
END_TEST

/* Answers */

struct answer {
    unsigned char bytes[512];
    size_t length;
};

static void attribute_add(struct answer *answer, unsigned type, const void *value, size_t length)
{
    struct nlattr attribute = {.nla_type = (uint16_t)type, .nla_len = (uint16_t)(sizeof attribute + length)};

    memcpy(answer->bytes + answer->length, &attribute, sizeof attribute);
    memcpy(answer->bytes + answer->length + sizeof attribute, value, length);
    answer->length += (attribute.nla_len + 3u) & ~3u;
}

static void answer_begin(struct answer *answer, uint8_t family, uint8_t state, const char *local, const char *remote)
{
    struct inet_diag_msg message;

    memset(answer, 0, sizeof *answer);
    memset(&message, 0, sizeof message);
    message.idiag_family = family;
    message.idiag_state = state;
    message.id.idiag_sport = htons(443);
    message.id.idiag_dport = htons(50000);
    message.id.idiag_if = 7;
    message.idiag_rqueue = 11;
    message.idiag_wqueue = 13;
    message.idiag_uid = 1000;
    message.idiag_inode = 4711;
    message.id.idiag_cookie[0] = 0x9abcdef0;
    message.id.idiag_cookie[1] = 0x12345678;
    ck_assert_int_eq(inet_pton(family, local, message.id.idiag_src), 1);
    ck_assert_int_eq(inet_pton(family, remote, message.id.idiag_dst), 1);
    memcpy(answer->bytes, &message, sizeof message);
    answer->length = sizeof message;
}

static void address_check(const struct in6_addr *address, const char *text)
{
    char written[INET6_ADDRSTRLEN];

    ck_assert_str_eq(inet_ntop(AF_INET6, address, written, sizeof written), text);
}

static const struct {
    uint8_t family, state;
    const char *local, *remote;
    int v6only; /* -1: no attribute */
    uint64_t cgroup;
    enum record_family record_family;
    const char *record_local, *record_remote;
    enum record_v6only record_v6only;
    uint32_t send_queue;
} sockets[] = {
    {AF_INET6, 10, "::", "::", 0, 4242, RECORD_INET6, "::", "::", RECORD_V6ONLY_NO, 0},
    {AF_INET6, 10, "::", "::", 1, 0, RECORD_INET6, "::", "::", RECORD_V6ONLY_YES, 0},
    {AF_INET6, 10, "::1", "::", -1, 0x123456789abcdef0, RECORD_INET6, "::1", "::", RECORD_V6ONLY_UNKNOWN, 0},
    {AF_INET6, 7, "::ffff:127.0.0.1", "::", 0, 1, RECORD_INET6, "::ffff:127.0.0.1", "::", RECORD_V6ONLY_NO, 13},
    {AF_INET, 10, "0.0.0.0", "0.0.0.0", -1, 1, RECORD_INET, "::ffff:0.0.0.0", "::ffff:0.0.0.0", RECORD_V6ONLY_UNKNOWN,
     0},
    {AF_INET, 1, "192.0.2.1", "192.0.2.2", -1, 2, RECORD_INET, "::ffff:192.0.2.1", "::ffff:192.0.2.2",
     RECORD_V6ONLY_UNKNOWN, 13},
    {AF_INET6, 1, "::ffff:192.0.2.1", "::ffff:192.0.2.2", -1, 3, RECORD_INET6, "::ffff:192.0.2.1", "::ffff:192.0.2.2",
     RECORD_V6ONLY_UNKNOWN, 13},
    {AF_INET6, 6, "2001:db8::1", "2001:db8::2", -1, 0, RECORD_INET6, "2001:db8::1", "2001:db8::2",
     RECORD_V6ONLY_UNKNOWN, 13},
    {AF_INET6, 12, "2001:db8::1", "2001:db8::2", -1, 0, RECORD_INET6, "2001:db8::1", "2001:db8::2",
     RECORD_V6ONLY_UNKNOWN, 13},
};

static void socket_build(struct answer *answer, int row, bool more)
{
    static const unsigned char unknown[7] = {'u', 'n', 'k', 'n', 'o', 'w', 'n'};
    uint8_t v6only = (uint8_t)sockets[row].v6only;

    answer_begin(answer, sockets[row].family, sockets[row].state, sockets[row].local, sockets[row].remote);
    if (more) {
        attribute_add(answer, INET_DIAG_SHUTDOWN, unknown, 1);
    }
    if (sockets[row].v6only >= 0) {
        attribute_add(answer, INET_DIAG_SKV6ONLY, &v6only, sizeof v6only);
    }
    if (more) {
        attribute_add(answer, 777, unknown, sizeof unknown);
    }
    if (more) {
        attribute_add(answer, 778, unknown, 0);
    }
    if (sockets[row].cgroup != 0) {
        attribute_add(answer, 21, &sockets[row].cgroup, sizeof sockets[row].cgroup);
    }
    if (more) {
        attribute_add(answer, 22, unknown, 2);
    }
}

static void socket_check(const unsigned char *bytes, size_t length, int row, enum record_protocol protocol)
{
    struct sock_record record;

    memset(&record, 0xa5, sizeof record);
    ck_assert_int_eq(diag_record_decode(bytes, length, protocol, &record), 0);
    ck_assert_int_eq(record.protocol, protocol);
    ck_assert_int_eq(record.family, sockets[row].record_family);
    ck_assert_int_eq(record.state, sockets[row].state);
    ck_assert_int_eq(record.v6only, sockets[row].record_v6only);
    address_check(&record.local, sockets[row].record_local);
    address_check(&record.remote, sockets[row].record_remote);
    ck_assert_uint_eq(record.local_port, 443);
    ck_assert_uint_eq(record.remote_port, 50000);
    ck_assert_uint_eq(record.interface, 7);
    ck_assert_uint_eq(record.uid, 1000);
    ck_assert_uint_eq(record.receive_queue, 11);
    ck_assert_uint_eq(record.send_queue, sockets[row].send_queue);
    ck_assert_uint_eq(record.cgroup, sockets[row].cgroup);
    ck_assert_uint_eq(record.cookie, UINT64_C(0x123456789abcdef0));
}

START_TEST(answer_is_decoded)
{
    struct answer answer;
    unsigned char shifted[sizeof answer.bytes + 1];

    socket_build(&answer, _i, false);
    socket_check(answer.bytes, answer.length, _i, RECORD_TCP);
    socket_build(&answer, _i, true);
    socket_check(answer.bytes, answer.length, _i, RECORD_UDP);
    /* The padding of the last attribute (2 of 8 bytes) may be left out; and nothing need be aligned. */
    socket_check(answer.bytes, answer.length - 2, _i, RECORD_TCP);
    memcpy(shifted + 1, answer.bytes, answer.length);
    socket_check(shifted + 1, answer.length, _i, RECORD_TCP);
}
END_TEST

/* Cut anywhere an answer is malformed, unless it is cut between two attributes. Memory of just that size: the
 * sanitizers and valgrind see every byte read beyond. */
START_TEST(cut_answer_is_refused)
{
    struct answer answer;
    unsigned whole = 0;

    socket_build(&answer, _i, true);
    for (size_t length = 0; length <= answer.length; length++) {
        unsigned char *bytes = malloc(length + 1);
        struct sock_record record;
        int result;

        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes + 1, answer.bytes, length);
        result = diag_record_decode(bytes + 1, length, RECORD_TCP, &record);
        free(bytes);
        if (length < sizeof(struct inet_diag_msg)) {
            ck_assert_int_eq(result, -EBADMSG);
        }
        ck_assert(result == 0 || result == -EBADMSG);
        whole += result == 0;
    }
    /* After the fixed part and after each attribute, whose padding may be cut: 3 bytes of it after SHUTDOWN and
     * SKV6ONLY, 1 after 777 and 2 after 22. */
    ck_assert_uint_eq(whole, 11u + (sockets[_i].v6only >= 0 ? 4u : 0u) + (sockets[_i].cgroup != 0 ? 1u : 0u));
}
END_TEST

static const struct {
    const char *what;
    size_t offset;
    uint16_t value;
    size_t size; /* of what is overwritten at offset: 1 or 2 bytes */
} flaws[] = {
    {"family 0", offsetof(struct inet_diag_msg, idiag_family), 0, 1},
    {"family AF_UNIX", offsetof(struct inet_diag_msg, idiag_family), AF_UNIX, 1},
    {"state 0", offsetof(struct inet_diag_msg, idiag_state), 0, 1},
    {"state 13", offsetof(struct inet_diag_msg, idiag_state), 13, 1},
    {"state 255", offsetof(struct inet_diag_msg, idiag_state), 255, 1},
    {"attribute of length 0", sizeof(struct inet_diag_msg), 0, 2},
    {"attribute shorter than its heading", sizeof(struct inet_diag_msg), 3, 2},
    {"v6only without a value", sizeof(struct inet_diag_msg), 4, 2},
    {"attribute beyond the end", sizeof(struct inet_diag_msg), 21, 2},
    {"attribute far beyond the end", sizeof(struct inet_diag_msg), 65535, 2},
    {"cgroup beyond the end", sizeof(struct inet_diag_msg) + 8, 13, 2},
    {"cgroup of 4 bytes", sizeof(struct inet_diag_msg) + 8, 8, 2},
    {"cgroup of 7 bytes", sizeof(struct inet_diag_msg) + 8, 11, 2},
};

START_TEST(flaw_is_refused)
{
    struct answer answer;
    struct sock_record record;
    uint8_t byte = (uint8_t)flaws[_i].value;

    socket_build(&answer, 0, false);
    ck_assert_int_eq(diag_record_decode(answer.bytes, answer.length, RECORD_TCP, &record), 0);
    memcpy(answer.bytes + flaws[_i].offset, flaws[_i].size == 1 ? (const void *)&byte : &flaws[_i].value,
           flaws[_i].size);
    ck_assert_msg(diag_record_decode(answer.bytes, answer.length, RECORD_TCP, &record) == -EBADMSG, "%s",
                  flaws[_i].what);
}
END_TEST

#define LOOP_TEST(cases, test, table) tcase_add_loop_test(cases, test, 0, (int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("diag");
    TCase *cases = tcase_create("diag");

    LOOP_TEST(cases, request_is_built, requests);
    LOOP_TEST(cases, answer_is_decoded, sockets);
    LOOP_TEST(cases, cut_answer_is_refused, sockets);
    LOOP_TEST(cases, flaw_is_refused, flaws);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
