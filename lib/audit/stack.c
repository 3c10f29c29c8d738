/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What a listener accepts, how far it reaches, and what the listeners of a service add up to.
 */
#include "config.h"

#include "audit/stack.h"

#include <stddef.h>

struct stack_accepts stack_accepts(enum record_family family, const struct in6_addr *address, enum record_v6only v6only)
{
    static const enum record_answer wildcard_takes_ipv4[] = {
        [RECORD_V6ONLY_UNKNOWN] = RECORD_UNKNOWN,
        [RECORD_V6ONLY_NO] = RECORD_YES,
        [RECORD_V6ONLY_YES] = RECORD_NO,
    };
    _Static_assert(sizeof wildcard_takes_ipv4 / sizeof *wildcard_takes_ipv4 == RECORD_V6ONLY_ANSWERS,
                   "each answer has a row");

    if (family == RECORD_INET || record_is_ipv4(address)) {
        return (struct stack_accepts){.ipv4 = RECORD_YES, .ipv6 = RECORD_NO};
    }
    if (!IN6_IS_ADDR_UNSPECIFIED(address)) {
        return (struct stack_accepts){.ipv4 = RECORD_NO, .ipv6 = RECORD_YES};
    }
    return (struct stack_accepts){.ipv4 = wildcard_takes_ipv4[v6only], .ipv6 = RECORD_YES};
}

void stack_sum_add(struct stack_sum *sum, const struct stack_socket *socket)
{
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        if (socket->takes[family] && socket->extent[family] > sum->extent[family]) {
            sum->extent[family] = socket->extent[family];
        }
    }
    if (socket->takes[RECORD_INET] && socket->extent[RECORD_INET] != REACH_NONE) {
        sum->ipv4_beside_ipv6 |= socket->takes[RECORD_INET6];
        sum->native |= socket->family == RECORD_INET;
    }
}

static enum stack_form form_of(const struct stack_sum *sum)
{
    if (!sum->ipv4_beside_ipv6) {
        return STACK_SPLIT;
    }
    return sum->native ? STACK_MIXED : STACK_SINGLE;
}

struct stack stack_of(const struct stack_sum *sum)
{
    enum reach_extent ipv4 = sum->extent[RECORD_INET];
    enum reach_extent ipv6 = sum->extent[RECORD_INET6];
    struct stack stack = {.extent = {ipv4, ipv6}, .extent_known = {true, true}};

    if (ipv4 == ipv6) {
        stack.kind = ipv4 == REACH_NONE ? STACK_CLOSED : STACK_DUAL;
    } else {
        stack.kind = ipv4 > ipv6 ? STACK_V4_ONLY : STACK_V6_ONLY;
        stack.lopsided = ipv4 != REACH_NONE && ipv6 != REACH_NONE;
    }
    if (stack.kind == STACK_DUAL) {
        stack.form = form_of(sum);
    }
    return stack;
}

struct stack stack_agree(const struct stack *a, const struct stack *b)
{
    struct stack agreed = *a;

    if (a->kind != b->kind) {
        agreed.kind = STACK_UNKNOWN;
    }
    if (agreed.kind == STACK_UNKNOWN || a->form != b->form) {
        agreed.form = STACK_FORM_NONE;
    }
    agreed.lopsided = agreed.kind != STACK_UNKNOWN && a->lopsided && b->lopsided;
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        agreed.extent_known[family] =
            a->extent_known[family] && b->extent_known[family] && a->extent[family] == b->extent[family];
    }
    return agreed;
}

const char *stack_kind_name(enum stack_kind kind)
{
    static const char *const names[] = {
        [STACK_CLOSED] = "closed",   [STACK_V4_ONLY] = "v4-only", [STACK_V6_ONLY] = "v6-only",
        [STACK_DUAL] = "dual-stack", [STACK_UNKNOWN] = "unknown",
    };
    _Static_assert(sizeof names / sizeof *names == STACK_KINDS, "each kind has a name");

    return names[kind];
}

const char *stack_form_name(enum stack_form form)
{
    static const char *const names[] = {
        [STACK_FORM_NONE] = NULL,
        [STACK_SPLIT] = "split",
        [STACK_SINGLE] = "single",
        [STACK_MIXED] = "mixed",
    };
    _Static_assert(sizeof names / sizeof *names == STACK_FORMS, "each form has a name, or none");

    return names[form];
}
