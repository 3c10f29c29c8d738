/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What a listener accepts, how far it reaches, and what the listeners of a service add up to.
 */
#ifndef AUDIT_STACK_H
#define AUDIT_STACK_H

#include "audit/reach.h"
#include "socket/record.h"
#include "socket/scope.h"

enum stack_kind {
    STACK_CLOSED,
    STACK_V4_ONLY,
    STACK_V6_ONLY,
    STACK_DUAL,
    STACK_UNKNOWN
};
#define STACK_KINDS (STACK_UNKNOWN + 1)

/* Of a dual-stack service: which sockets take which family. */
enum stack_form {
    STACK_FORM_NONE,
    STACK_SPLIT,
    STACK_SINGLE,
    STACK_MIXED
};
#define STACK_FORMS (STACK_MIXED + 1)

struct stack_accepts {
    enum record_answer ipv4;
    enum record_answer ipv6;
};

/*
 * What a listener accepts, whatever addresses the host has. v6only 0 means both families on the wildcard alone: the
 * kernel shows 0 for a mapped address, which takes only IPv4 (RFC 3493, 3.7 and 5.3; seen on Linux 6.18).
 */
struct stack_accepts stack_accepts(enum record_family family, const struct in6_addr *address,
                                   enum record_v6only v6only);

/* One way the unknown may be. */
struct stack_assumption {
    bool unknown_takes_ipv4;   /* the answer for listeners whose IPv4 is unknown */
    bool host_has_ipv6;        /* the answer where the host's IPv6 is unknown */
    bool unknown_is_judged;    /* the answer for listeners of an unknown unit, which the rule may except */
    bool ipv6_beyond_loopback; /* where it has any: it has more than ::1, and reaches as far as sockets are bound */
};

/* One listener under an assumption, by enum record_family. */
struct stack_socket {
    enum record_family family;
    bool takes[RECORD_FAMILIES];
    enum reach_extent extent[RECORD_FAMILIES]; /* how far it is reached over a family that it takes */
};

/* Listeners added up under one assumption. Begin with all zero. */
struct stack_sum {
    enum reach_extent extent[RECORD_FAMILIES]; /* of the one that is reached from farthest */
    bool native;                               /* an AF_INET socket is reached */
    bool ipv4_beside_ipv6;                     /* IPv4 reaches a socket that takes both */
};

/* Adds a listener: how far each family that it takes is reached, and by which sockets IPv4 is. */
void stack_sum_add(struct stack_sum *sum, const struct stack_socket *socket);

struct stack {
    enum stack_kind kind;
    enum stack_form form;                      /* STACK_FORM_NONE unless kind is STACK_DUAL, or when it is unknown */
    bool lopsided;                             /* both families, but one reaches farther: kind is that one's alone */
    enum reach_extent extent[RECORD_FAMILIES]; /* by enum record_family */
    bool extent_known[RECORD_FAMILIES];        /* false: it depends on what is unknown */
};

/* What the sum means. */
struct stack stack_of(const struct stack_sum *sum);

/* What two assumptions agree on: differing kinds make STACK_UNKNOWN, differing forms STACK_FORM_NONE. */
struct stack stack_agree(const struct stack *a, const struct stack *b);

/* "closed", "v4-only", "v6-only", "dual-stack", "unknown". */
const char *stack_kind_name(enum stack_kind kind);

/* "split", "single", "mixed"; NULL for none. */
const char *stack_form_name(enum stack_form form);

#endif
