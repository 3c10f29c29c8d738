/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/socket/filter.c: its programs run here by the kernel's rules (net/ipv4/inet_diag.c,
 * inet_diag_bc_audit() and inet_diag_bc_run()) and must say what plain comparisons say. test_netlink.c asks a real
 * kernel.
 */
#include "config.h"

#include "socket/filter.h"

#include "unit.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PORTS_MOST (FILTER_RANGES + 301)
#define BOTH SOURCE_FAMILIES_ALL
#define INET SOURCE_FAMILY(RECORD_INET)
#define INET6 SOURCE_FAMILY(RECORD_INET6)

struct program {
    unsigned char bytes[FILTER_SIZE];
    size_t length;
};

/* libcheck tells its parent process of every assertion that holds: too slow for the millions here. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg("%s", #condition);                                                                            \
    } while (0)

/* The kernel's struct inet_diag_entry, as far as the filter looks at it. */
struct entry {
    int family;
    const char *peer;
    unsigned port;
};

static struct inet_diag_bc_op op_at(const struct program *program, size_t offset)
{
    struct inet_diag_bc_op op;

    MUST(offset + sizeof op <= program->length);
    memcpy(&op, program->bytes + offset, sizeof op);
    return op;
}

static bool is_boundary(const struct program *program, size_t target)
{
    size_t offset = 0;

    while (offset < target && offset < program->length) {
        offset += op_at(program, offset).yes;
    }
    return offset == target;
}

static size_t length_of(unsigned char code)
{
    switch (code) {
    case INET_DIAG_BC_S_GE:
    case INET_DIAG_BC_S_LE:
        return 2 * sizeof(struct inet_diag_bc_op);
    case INET_DIAG_BC_D_COND:
        return sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond) + sizeof(struct in_addr);
    case INET_DIAG_BC_JMP:
        return sizeof(struct inet_diag_bc_op);
    default:
        ck_abort_msg("unexpected instruction %d", code);
    }
    return 0;
}

static void audit(const struct program *program)
{
    size_t offset = 0;

    while (offset < program->length) {
        struct inet_diag_bc_op op = op_at(program, offset);
        size_t left = program->length - offset;

        MUST(op.yes == length_of(op.code));
        MUST(op.yes <= left);
        MUST(op.no >= op.yes);
        MUST(op.no % 4 == 0);
        if (op.no != left + 4) {
            MUST(is_boundary(program, offset + op.no));
        }
        offset += op.yes;
    }
    MUST(offset == program->length);
}

/* Only what filter.c makes: AF_INET, no prefix, no port. */
static bool condition_holds(const struct program *program, size_t offset, const struct entry *entry)
{
    struct inet_diag_hostcond condition;
    struct in6_addr peer;

    memcpy(&condition, program->bytes + offset + sizeof(struct inet_diag_bc_op), sizeof condition);
    MUST(condition.family == AF_INET);
    MUST(condition.prefix_len == 0);
    MUST(condition.port == -1);
    if (entry->family == AF_INET) {
        return true;
    }
    MUST(inet_pton(AF_INET6, entry->peer, &peer) == 1);
    return IN6_IS_ADDR_V4MAPPED(&peer);
}

static bool passes(const struct program *program, const struct entry *entry, unsigned *steps)
{
    long left = (long)program->length;
    size_t offset = 0;

    *steps = 0;
    while (left > 0) {
        struct inet_diag_bc_op op = op_at(program, offset);
        unsigned port = 0;
        bool yes = false;

        if (op.code == INET_DIAG_BC_S_GE || op.code == INET_DIAG_BC_S_LE) {
            port = op_at(program, offset + sizeof op).no;
        }
        if (op.code == INET_DIAG_BC_S_GE) {
            yes = entry->port >= port;
        } else if (op.code == INET_DIAG_BC_S_LE) {
            yes = entry->port <= port;
        } else if (op.code == INET_DIAG_BC_D_COND) {
            yes = condition_holds(program, offset, entry);
        }
        offset += yes ? op.yes : op.no;
        left -= yes ? op.yes : op.no;
        ++*steps;
    }
    return left == 0;
}

static void build(struct program *program, const struct source_request *request)
{
    _Alignas(uint32_t) unsigned char code[FILTER_SIZE + 8];

    memset(code, 0xa5, sizeof code);
    program->length = filter_build(code, request);
    MUST(program->length <= FILTER_SIZE);
    for (size_t i = program->length; i < sizeof code; i++) {
        MUST(code[i] == 0xa5);
    }
    memcpy(program->bytes, code, program->length);
    audit(program);
}

static bool is_in(const struct source_ports *ports, size_t count, unsigned port)
{
    for (size_t i = 0; i < count; i++) {
        if (port >= ports[i].first && port <= ports[i].last) {
            return true;
        }
    }
    return count == 0;
}

static bool is_wanted(const struct source_request *request, const struct entry *entry)
{
    struct in6_addr peer;

    if (request->v4_mapped_only && entry->family == AF_INET6) {
        MUST(inet_pton(AF_INET6, entry->peer, &peer) == 1);
        if (!IN6_IS_ADDR_V4MAPPED(&peer)) {
            return false;
        }
    }
    return is_in(request->ports, request->port_count, entry->port);
}

static const struct entry peers[] = {
    {AF_INET, "::ffff:192.0.2.1", 0},
    {AF_INET6, "::ffff:192.0.2.1", 0},
    {AF_INET6, "2001:db8::1", 0},
    {AF_INET6, "::", 0},
    {AF_INET6, "::1", 0},
    {AF_INET6, "::192.0.2.1", 0},
    {AF_INET6, "::ffff:0.0.0.0", 0},
};
#define PEERS (sizeof peers / sizeof peers[0])

/* Every peer with this port; those whose family the request does not name are never shown to its program. */
static void port_compare(const struct program *program, const struct source_request *request, unsigned port)
{
    unsigned steps;

    for (size_t i = 0; i < PEERS; i++) {
        struct entry entry = peers[i];

        entry.port = port & UINT16_MAX;
        if ((request->families & (entry.family == AF_INET ? INET : INET6)) == 0) {
            continue;
        }
        if (passes(program, &entry, &steps) != is_wanted(request, &entry)) {
            ck_abort_msg("port %u, peer %s", entry.port, entry.peer);
        }
    }
}

static const struct {
    const char *what;
    unsigned families;
    bool v4_mapped_only;
    size_t port_count;
    struct source_ports ports[4];
    size_t length; /* of the program */
} programs[] = {
    {"nothing to filter", BOTH, false, 0, {{0, 0}}, 0},
    {"AF_INET has nothing mapped", INET, true, 0, {{0, 0}}, 0},
    {"mapped", INET6, true, 0, {{0, 0}}, 16},
    {"mapped, both families", BOTH, true, 0, {{0, 0}}, 16},
    {"one port", BOTH, false, 1, {{443, 443}}, 20},
    {"one range", INET6, false, 1, {{8000, 8099}}, 20},
    {"one port, mapped", INET6, true, 1, {{443, 443}}, 36},
    {"the first and the last port", BOTH, false, 2, {{0, 0}, {65535, 65535}}, 40},
    {"all ports", BOTH, false, 1, {{0, 65535}}, 20},
    {"three ranges", INET, true, 3, {{22, 22}, {80, 90}, {1024, 65535}}, 60},
    {"neighbours join", BOTH, true, 4, {{80, 80}, {81, 81}, {82, 90}, {92, 92}}, 56},
};

START_TEST(program_does_what_it_says)
{
    struct source_request request = {.families = programs[_i].families,
                                     .v4_mapped_only = programs[_i].v4_mapped_only,
                                     .ports = programs[_i].ports,
                                     .port_count = programs[_i].port_count};
    struct program program;

    build(&program, &request);
    ck_assert_msg(program.length == programs[_i].length, "%s: %zu bytes", programs[_i].what, program.length);
    for (unsigned port = 0; port <= UINT16_MAX; port += port < 1100 || port >= 65500 ? 1 : 97) {
        port_compare(&program, &request, port);
    }
}
END_TEST

/* Ascending and not overlapping, at most `most`; neighbours may touch. */
static size_t ports_roll(struct source_ports *ports, size_t most, unsigned spread)
{
    unsigned port = (unsigned)random() % spread;
    size_t count = 0;

    while (count < most && port <= UINT16_MAX) {
        unsigned last = port + (random() % 3 == 0 ? (unsigned)random() % spread : 0);

        last = last < UINT16_MAX ? last : UINT16_MAX;
        ports[count].first = (uint16_t)port;
        ports[count++].last = (uint16_t)last;
        port = last + 1 + (unsigned)random() % spread;
    }
    return count;
}

START_TEST(program_equals_comparison)
{
    static const unsigned families[] = {INET, INET6, BOTH};
    struct source_ports ports[FILTER_RANGES];
    struct source_request request = {.ports = ports};
    struct program program;

    srandom((unsigned)_i);
    request.families = families[random() % 3];
    request.v4_mapped_only = random() % 2;
    request.port_count = ports_roll(ports, 1 + (size_t)random() % FILTER_RANGES, 1u << (random() % 13));
    ck_assert_uint_gt(request.port_count, 0);
    build(&program, &request);
    for (size_t i = 0; i < request.port_count; i++) {
        port_compare(&program, &request, ports[i].first);
        port_compare(&program, &request, ports[i].last);
        port_compare(&program, &request, ports[i].first - 1u);
        port_compare(&program, &request, ports[i].last + 1u);
    }
    for (int i = 0; i < 200; i++) {
        port_compare(&program, &request, (unsigned)random());
    }
}
END_TEST

/* The slow way to fold: one smallest gap at a time, the lowest first. */
static size_t ports_fold(struct source_ports *ports, size_t count)
{
    while (count > FILTER_RANGES) {
        size_t narrowest = 1;

        for (size_t i = 2; i < count; i++) {
            if (ports[i].first - ports[i - 1].last < ports[narrowest].first - ports[narrowest - 1].last) {
                narrowest = i;
            }
        }
        ports[narrowest - 1].last = ports[narrowest].last;
        memmove(ports + narrowest, ports + narrowest + 1, (count - narrowest - 1) * sizeof *ports);
        count--;
    }
    return count;
}

static void ports_mark(bool marked[static UINT16_MAX + 1], const struct source_ports *ports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (unsigned port = ports[i].first; port <= ports[i].last; port++) {
            marked[port] = true;
        }
    }
}

START_TEST(long_list_is_folded)
{
    bool wanted[UINT16_MAX + 1] = {false};
    bool expected[UINT16_MAX + 1] = {false};
    struct source_ports ports[PORTS_MOST];
    struct source_request request = {.families = BOTH, .ports = ports};
    struct program program;

    srandom((unsigned)_i);
    request.port_count = ports_roll(ports, FILTER_RANGES + 1 + (size_t)random() % 300, 2u << (random() % 7));
    build(&program, &request);
    ports_mark(wanted, ports, request.port_count);
    ports_mark(expected, ports, ports_fold(ports, request.port_count));
    for (unsigned port = 0; port <= UINT16_MAX; port++) {
        struct entry entry = {AF_INET6, "::", port};
        unsigned steps;
        bool passed = passes(&program, &entry, &steps);

        if (passed != expected[port] || (wanted[port] && !passed)) {
            ck_abort_msg("port %u", port);
        }
    }
}
END_TEST

START_TEST(every_other_port)
{
    static struct source_ports ports[32768];
    struct source_request request = {.families = INET, .ports = ports, .port_count = 32768};
    struct program program;

    for (unsigned i = 0; i < 32768; i++) {
        ports[i].first = ports[i].last = (uint16_t)(2 * i);
    }
    build(&program, &request);
    ck_assert_uint_eq(program.length, (size_t)FILTER_RANGES * 20);
    for (unsigned i = 0; i < 32768; i++) {
        struct entry entry = {AF_INET, "", 2 * i};
        unsigned steps;

        MUST(passes(&program, &entry, &steps));
    }
}
END_TEST

/* A walk over a million sockets runs the program for each. */
START_TEST(longest_program_is_quick)
{
    struct source_ports ports[FILTER_RANGES];
    struct source_request request = {.families = INET6,
                                     .v4_mapped_only = true,
                                     .ports = ports,
                                     .port_count = FILTER_RANGES};
    struct program program;
    unsigned most = 0;

    for (unsigned i = 0; i < FILTER_RANGES; i++) {
        ports[i].first = ports[i].last = (uint16_t)(100 * (i + 1));
    }
    build(&program, &request);
    ck_assert_uint_eq(program.length, FILTER_SIZE);
    for (unsigned port = 0; port <= UINT16_MAX; port++) {
        struct entry entry = {AF_INET6, "::ffff:192.0.2.1", port};
        unsigned steps;

        MUST(passes(&program, &entry, &steps) == (port >= 100 && port <= 100 * FILTER_RANGES && port % 100 == 0));
        most = steps > most ? steps : most;
    }
    ck_assert_uint_le(most, 13);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter");
    TCase *cases = tcase_create("filter");

    tcase_add_loop_test(cases, program_does_what_it_says, 0, (int)(sizeof programs / sizeof programs[0]));
    tcase_add_loop_test(cases, program_equals_comparison, 0, 300);
    tcase_add_loop_test(cases, long_list_is_folded, 0, 20);
    tcase_add_test(cases, every_other_port);
    tcase_add_test(cases, longest_program_is_quick);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
