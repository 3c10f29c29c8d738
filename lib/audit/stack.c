/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What a listener accepts, how far it reaches, and what the listeners of a service add up to.
 */
#include "config.h"

#include "audit/stack.h"

#include <string.h>

#define LOOPBACK_INTERFACE 1

static const char *const scope_names[STACK_SCOPES] = {"loopback", "link", "external"};

struct stack_accepts stack_accepts(enum record_family family, const struct in6_addr *address, enum record_v6only v6only,
                                   enum record_answer host_ipv6)
{
    static const enum record_answer wildcard_takes_ipv4[] = {
        [RECORD_V6ONLY_UNKNOWN] = RECORD_UNKNOWN,
        [RECORD_V6ONLY_NO] = RECORD_YES,
        [RECORD_V6ONLY_YES] = RECORD_NO,
    };

    if (family == RECORD_INET || record_is_ipv4(address)) {
        return (struct stack_accepts){.ipv4 = RECORD_YES, .ipv6 = RECORD_NO};
    }
    if (!IN6_IS_ADDR_UNSPECIFIED(address)) {
        return (struct stack_accepts){.ipv4 = RECORD_NO, .ipv6 = host_ipv6};
    }
    return (struct stack_accepts){.ipv4 = wildcard_takes_ipv4[v6only], .ipv6 = host_ipv6};
}

enum stack_scope stack_scope(const struct in6_addr *address, uint32_t interface)
{
    const uint8_t *byte = address->s6_addr;
    bool ipv4 = record_is_ipv4(address);

    if (interface == LOOPBACK_INTERFACE || IN6_IS_ADDR_LOOPBACK(address) || (ipv4 && byte[12] == 127)) {
        return STACK_LOOPBACK;
    }
    if (IN6_IS_ADDR_LINKLOCAL(address) || (ipv4 && byte[12] == 169 && byte[13] == 254)) {
        return STACK_LINK;
    }
    return STACK_EXTERNAL;
}

static void widen(enum stack_reach *reach, enum stack_scope scope)
{
    enum stack_reach of_scope = (enum stack_reach)(scope + 1);

    if (of_scope > *reach) {
        *reach = of_scope;
    }
}

static bool answer_assumed(enum record_answer answer, bool unknown_is)
{
    return answer == RECORD_YES || (answer == RECORD_UNKNOWN && unknown_is);
}

void stack_sum_add(struct stack_sum *sum, const struct stack_assumption *assumption, enum record_family family,
                   enum stack_scope scope, struct stack_accepts accepts)
{
    if (answer_assumed(accepts.ipv4, assumption->unknown_takes_ipv4)) {
        widen(&sum->ipv4, scope);
        sum->inet_takes_ipv4 |= family == RECORD_INET;
        sum->inet6_takes_ipv4 |= family == RECORD_INET6;
    }
    if (answer_assumed(accepts.ipv6, assumption->unknown_takes_ipv6)) {
        widen(&sum->ipv6, scope);
    }
}

static enum stack_form form_of(const struct stack_sum *sum)
{
    if (!sum->inet6_takes_ipv4) {
        return STACK_SPLIT;
    }
    return sum->inet_takes_ipv4 ? STACK_MIXED : STACK_SINGLE;
}

struct stack stack_of(const struct stack_sum *sum)
{
    struct stack stack = {.ipv4 = sum->ipv4, .ipv6 = sum->ipv6};

    if (sum->ipv4 == sum->ipv6) {
        stack.kind = sum->ipv4 == STACK_REACH_NONE ? STACK_CLOSED : STACK_DUAL;
    } else {
        stack.kind = sum->ipv4 > sum->ipv6 ? STACK_V4_ONLY : STACK_V6_ONLY;
        stack.lopsided = sum->ipv4 != STACK_REACH_NONE && sum->ipv6 != STACK_REACH_NONE;
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
    return agreed;
}

const char *stack_kind_name(enum stack_kind kind)
{
    static const char *const names[] = {
        [STACK_CLOSED] = "closed",   [STACK_V4_ONLY] = "v4-only", [STACK_V6_ONLY] = "v6-only",
        [STACK_DUAL] = "dual-stack", [STACK_UNKNOWN] = "unknown",
    };

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

    return names[form];
}

const char *stack_scope_name(enum stack_scope scope)
{
    return scope_names[scope];
}

const char *stack_scope_word(int index)
{
    return index < STACK_SCOPES ? scope_names[index] : NULL;
}

bool stack_scope_parse(const char *text, enum stack_scope *scope)
{
    for (int i = 0; i < STACK_SCOPES; i++) {
        if (strcmp(text, scope_names[i]) == 0) {
            *scope = (enum stack_scope)i;
            return true;
        }
    }
    return false;
}
