/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A request as bytecode for the kernel's inet_diag filter.
 *
 * Every instruction jumps forward: by `yes` bytes, its own length, when its test holds, else by `no` bytes. The socket
 * passes when the jumps end exactly at the end of the program; a jump 4 bytes beyond it is the way to reject (kernel
 * source: net/ipv4/inet_diag.c, inet_diag_bc_run()).
 */
#include "config.h"

#include "socket/filter.h"

#include <linux/inet_diag.h>
#include <string.h>
#include <sys/socket.h>

#define OP_SIZE sizeof(struct inet_diag_bc_op)
#define BOUND_SIZE (2 * OP_SIZE) /* the port is the `no` of a second struct inet_diag_bc_op */
#define CONDITION_SIZE (OP_SIZE + sizeof(struct inet_diag_hostcond) + sizeof(struct in_addr))
#define RANGE_SIZE (2 * BOUND_SIZE + OP_SIZE)

#define SEARCH_DEPTH 9

_Static_assert(FILTER_SIZE == CONDITION_SIZE + FILTER_RANGES * RANGE_SIZE, "the longest program fits, just");
_Static_assert(FILTER_RANGES <= 1 << SEARCH_DEPTH, "a search halves the ranges SEARCH_DEPTH times");

struct program {
    unsigned char *bytes;
    size_t length; /* so far */
    size_t total;  /* in the end */
};

static void bytes_add(struct program *program, const void *bytes, size_t length)
{
    memcpy(program->bytes + program->length, bytes, length);
    program->length += length;
}

/* How far it is from the next instruction to passing the socket. */
static size_t distance_to_pass(const struct program *program)
{
    return program->total - program->length;
}

static size_t distance_to_reject(const struct program *program)
{
    return distance_to_pass(program) + 4;
}

static void op_add(struct program *program, int code, size_t yes, size_t no)
{
    struct inet_diag_bc_op op = {.code = (unsigned char)code, .yes = (unsigned char)yes, .no = (unsigned short)no};

    bytes_add(program, &op, sizeof op);
}

static void bound_add(struct program *program, int code, uint16_t port, size_t no)
{
    op_add(program, code, BOUND_SIZE, no);
    op_add(program, INET_DIAG_BC_NOP, 0, port);
}

/*
 * AF_INET with an empty prefix: the kernel lets every AF_INET socket pass, and of AF_INET6 those with a v4-mapped peer.
 * So it serves a walk of both families too. The address must be there although nothing of it is compared
 * (valid_hostcond()).
 */
static void mapped_condition_add(struct program *program)
{
    struct inet_diag_hostcond condition;
    struct in_addr any = {.s_addr = 0};

    memset(&condition, 0, sizeof condition);
    condition.family = AF_INET;
    condition.port = -1;
    op_add(program, INET_DIAG_BC_D_COND, CONDITION_SIZE, distance_to_reject(program));
    bytes_add(program, &condition, sizeof condition);
    bytes_add(program, &any, sizeof any);
}

/*
 * A binary search: a walk over a million sockets runs this for each, and a chain of all ranges would cost more than the
 * walk. Of `count` ranges the upper half comes first, behind a test that jumps over it to the lower half; a single
 * range needs only its upper bound, as the tests before it were its lower one. n ranges take n * RANGE_SIZE bytes, less
 * the BOUND_SIZE of the very first test, that of the lowest port.
 */
static void search_add(struct program *program, const struct source_ports *ranges, size_t count)
{
    struct {
        const struct source_ports *ranges;
        size_t count;
    } lower_halves[SEARCH_DEPTH + 1];
    size_t depth = 0;

    bound_add(program, INET_DIAG_BC_S_GE, ranges[0].first, distance_to_reject(program));
    lower_halves[depth].ranges = ranges;
    lower_halves[depth++].count = count;
    while (depth > 0) {
        ranges = lower_halves[--depth].ranges;
        count = lower_halves[depth].count;
        while (count > 1) {
            size_t lower = count / 2;

            lower_halves[depth].ranges = ranges;
            lower_halves[depth++].count = lower;
            ranges += lower;
            count -= lower;
            bound_add(program, INET_DIAG_BC_S_GE, ranges[0].first, count * RANGE_SIZE);
        }
        bound_add(program, INET_DIAG_BC_S_LE, ranges[0].last, distance_to_reject(program));
        op_add(program, INET_DIAG_BC_JMP, OP_SIZE, distance_to_pass(program));
    }
}

/* The ports between ports[index - 1] and ports[index]. */
static int gap_before(const struct source_ports *ports, size_t index)
{
    return ports[index].first - ports[index - 1].last - 1;
}

/* Counts the gaps that are wider than `width`. */
static size_t gap_count(const struct source_request *request, int width)
{
    size_t wider = 0;

    for (size_t i = 1; i < request->port_count; i++) {
        wider += gap_before(request->ports, i) > width;
    }
    return wider;
}

/* Returns the smallest width of which closing every gap up to it leaves at most FILTER_RANGES ranges. */
static int closed_width(const struct source_request *request)
{
    int enough = UINT16_MAX;

    for (int low = 0; low < enough;) {
        int middle = low + (enough - low) / 2;

        if (gap_count(request, middle) < FILTER_RANGES) {
            enough = middle;
        } else {
            low = middle + 1;
        }
    }
    return enough;
}

/* Joins the request's ports to at most FILTER_RANGES ranges. Of the widest gaps that must be closed, only as many are
 * as necessary, from the lowest ports on. Returns the count. */
static size_t ranges_fold(struct source_ports ranges[static FILTER_RANGES], const struct source_request *request)
{
    int width = closed_width(request);
    size_t to_close = width > 0 ? gap_count(request, width - 1) + 1 - FILTER_RANGES : SIZE_MAX;
    size_t count = 0;

    ranges[count++] = request->ports[0];
    for (size_t i = 1; i < request->port_count; i++) {
        int gap = gap_before(request->ports, i);

        if (gap > width || (gap == width && to_close == 0)) {
            ranges[count++] = request->ports[i];
            continue;
        }
        to_close -= gap == width;
        ranges[count - 1].last = request->ports[i].last;
    }
    return count;
}

size_t filter_build(void *code, const struct source_request *request)
{
    struct program program = {.bytes = code};
    struct source_ports ranges[FILTER_RANGES];
    bool mapped_only = request->v4_mapped_only && (request->families & SOURCE_FAMILY(RECORD_INET6)) != 0;
    size_t count = 0;

    if (request->port_count > 0) {
        count = ranges_fold(ranges, request);
    }
    program.total = (mapped_only ? CONDITION_SIZE : 0) + count * RANGE_SIZE;
    if (mapped_only) {
        mapped_condition_add(&program);
    }
    if (count > 0) {
        search_add(&program, ranges, count);
    }
    return program.total;
}
