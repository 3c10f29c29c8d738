/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What changed between two tallies of a host.
 */
#include "config.h"

#include "audit/change.h"

#include "audit/change_listeners.h"
#include "audit/judge_service.h"
#include "socket/array.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

struct context {
    const struct change_question *question;
    struct change_list *list;
};

/* --- points of the whole service --------------------------------------------------------------------------------- */

/* Is the extent of any family known on both sides, and another? */
static bool extents_differ(const struct stack *before, const struct stack *after)
{
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        if (before->extent_known[family] && after->extent_known[family] &&
            before->extent[family] != after->extent[family]) {
            return true;
        }
    }
    return false;
}

static bool extents_are_known(const struct stack *stack)
{
    return stack->extent_known[RECORD_INET] && stack->extent_known[RECORD_INET6];
}

static void stacks_compare(struct change *change)
{
    const struct stack *before = &change->before.stack;
    const struct stack *after = &change->after.stack;
    bool kinds_are_known = before->kind != STACK_UNKNOWN && after->kind != STACK_UNKNOWN;
    enum change_point point = kinds_are_known && before->kind == after->kind ? CHANGE_REACH : CHANGE_STACK;

    if (extents_differ(before, after)) {
        change->points |= CHANGE_BIT(point);
    } else if (!extents_are_known(before) || !extents_are_known(after)) {
        change->unknown |= CHANGE_BIT(point);
    }
    if (before->kind != STACK_DUAL || after->kind != STACK_DUAL || before->form == after->form) {
        return;
    }
    if (before->form != STACK_FORM_NONE && after->form != STACK_FORM_NONE) {
        change->points |= CHANGE_BIT(CHANGE_FORM);
    } else {
        change->unknown |= CHANGE_BIT(CHANGE_FORM);
    }
}

/* Is the reach of each listener known over each family that it may accept? */
static bool is_reach_known(const struct judge_service *service, const struct tally *tally)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        for (enum record_family wire = 0; wire < RECORD_FAMILIES; wire++) {
            if (tally_accepts_family(service->listeners[i], wire) != RECORD_NO &&
                !tally_reach(tally, service->listeners[i], wire).known) {
                return false;
            }
        }
    }
    return true;
}

static int stacks_find(const struct context *context, struct change *change)
{
    const struct change_question *question = context->question;
    bool is_known =
        is_reach_known(&change->before, question->before) && is_reach_known(&change->after, question->after);
    int result;

    change->before.as_bound = !is_known;
    change->after.as_bound = !is_known;
    result = judge_service_decide(&change->before, question->before);
    return result != 0 ? result : judge_service_decide(&change->after, question->after);
}

/* Differences that follow from listeners that are the same, or not known to be, are not reported again. */
static void stack_points_settle(struct change *change)
{
    const unsigned of_stack = CHANGE_BIT(CHANGE_STACK) | CHANGE_BIT(CHANGE_REACH) | CHANGE_BIT(CHANGE_FORM);
    const unsigned of_listeners =
        CHANGE_BIT(CHANGE_ADDRESSES) | CHANGE_BIT(CHANGE_INTERFACES) | CHANGE_BIT(CHANGE_V6ONLY);

    if ((change->unknown & CHANGE_BIT(CHANGE_INTERFACES)) != 0 ||
        (change->after.as_bound && (change->points & of_listeners) == 0)) {
        change->points &= ~of_stack;
    }
}

/* --- UDP ports of clients ---------------------------------------------------------------------------------------- */

/* Does a rule judge the port at any address, although clients may get it? */
static bool is_judged(const struct context *context, const struct judge_service *service, const struct tally *tally)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        const struct rule *rule = policy_find(context->question->policy, &tally->host, service->protocol, service->port,
                                              service->listeners[i]->scope);
        if (rule != NULL && (rule_names_port(rule, service->port) || rule->ephemeral)) {
            return true;
        }
    }
    return false;
}

/* Is it a port of clients on that side? If this side does not know, the other side's range decides. */
static enum record_answer is_client(const struct context *context, const struct judge_service *service,
                                    const struct tally *tally, const struct tally *other)
{
    const struct tally *host = host_port_range_is_known(&tally->host) ? tally : other;

    if (!protocol_of(service->protocol)->shares_client_ports) {
        return RECORD_NO;
    }
    if (!host_port_range_is_known(&host->host)) {
        return service->port < HOST_PORT_CLIENT_FIRST || is_judged(context, service, host) ? RECORD_NO : RECORD_UNKNOWN;
    }
    return host_port_is_client(&host->host, service->port) && !is_judged(context, service, host) ? RECORD_YES
                                                                                                 : RECORD_NO;
}

/* Is every listener of the service on a port of clients? Unknown if that is not known on one side. */
static enum record_answer is_left_out(const struct context *context, const struct change *change)
{
    const struct tally *before = context->question->before;
    const struct tally *after = context->question->after;
    enum record_answer then = is_client(context, &change->before, before, after);
    enum record_answer now = is_client(context, &change->after, after, before);

    if (change->before.listener_count == 0 || change->after.listener_count == 0) {
        return change->before.listener_count == 0 ? now : then;
    }
    return then == now ? then : RECORD_NO;
}

/* --- one service ------------------------------------------------------------------------------------------------- */

/* Does the policy leave the listener to its unit, by except-unit=? */
static bool is_excepted(const struct context *context, const struct tally *tally, const struct tally_service *source,
                        const struct tally_listener *listener)
{
    const struct rule *rule =
        policy_find(context->question->policy, &tally->host, source->protocol, source->port, listener->scope);

    return rule != NULL && judge_service_excepts(rule, source->port, listener) == RECORD_YES;
}

static int side_fill(const struct context *context, struct judge_service *service, const struct tally *tally,
                     const struct tally_service *source)
{
    int result = 0;

    for (size_t i = 0; source != NULL && i < source->listener_count && result == 0; i++) {
        if (!is_excepted(context, tally, source, &source->listeners[i])) {
            result = judge_listener_add(service, &source->listeners[i]);
        }
    }
    return result;
}

static int sides_compare(const struct context *context, struct change *change, bool *differs)
{
    bool then = change->before.listener_count > 0;
    bool now = change->after.listener_count > 0;
    int result = stacks_find(context, change);

    if (result == 0 && then && now) {
        result = change_listeners_compare(change, context->question->before, context->question->after);
        stacks_compare(change);
        stack_points_settle(change);
    }
    *differs = then != now || change->points != 0 || change->unknown != 0;
    return result;
}

static void kind_set(const struct context *context, struct change *change)
{
    change->kind = change->points != 0 ? CHANGE_CHANGED : CHANGE_UNKNOWN;
    if (change->before.listener_count == 0 || change->after.listener_count == 0) {
        change->kind = change->before.listener_count == 0 ? CHANGE_APPEARED : CHANGE_GONE;
    }
    if (is_left_out(context, change) == RECORD_UNKNOWN) {
        change->kind = CHANGE_UNKNOWN;
        change->points = 0;
        change->unknown |= CHANGE_BIT(CHANGE_CLIENT_PORT);
    }
}

/* The worst severity of the policy's defaults for such sockets. */
static enum state severity_of(const struct context *context, const struct judge_service *service)
{
    enum state worst = STATE_OK;

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct rule *rule =
            policy_find_default(context->question->policy, service->protocol, service->listeners[i]->scope);
        worst = state_worse(worst, rule != NULL ? rule->severity : STATE_WARNING);
    }
    return worst;
}

static void state_set(const struct context *context, struct change *change)
{
    change->state = change->kind == CHANGE_UNKNOWN
                        ? STATE_UNKNOWN
                        : state_worse(severity_of(context, &change->before), severity_of(context, &change->after));
}

static void change_clear(struct change *change)
{
    free(change->before.listeners);
    free(change->after.listeners);
}

static int change_append(struct change_list *list, const struct change *change)
{
    struct change *grown = array_grow(list->changes, list->count, sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    list->changes = grown;
    list->changes[list->count++] = *change;
    return 0;
}

/* Compares a service, of which either side may be NULL. It is kept when it differs, or may. */
static int service_compare(struct context *context, const struct tally_service *before,
                           const struct tally_service *after)
{
    const struct tally_service *either = before != NULL ? before : after;
    struct change change = {.points = 0};
    bool differs = false;
    int result;

    assert(either != NULL);
    if (context->list->unreadable[either->protocol]) {
        return 0;
    }
    change.before = (struct judge_service){.protocol = either->protocol, .port = either->port};
    change.after = change.before;
    result = side_fill(context, &change.before, context->question->before, before);
    if (result == 0) {
        result = side_fill(context, &change.after, context->question->after, after);
    }
    if (result == 0 && is_left_out(context, &change) != RECORD_YES) {
        result = sides_compare(context, &change, &differs);
    }
    if (result == 0 && differs) {
        kind_set(context, &change);
        state_set(context, &change);
        result = change_append(context->list, &change);
    }
    if (result != 0 || !differs) {
        change_clear(&change);
    }
    return result;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static int order_of(const struct tally_service *a, const struct tally_service *b)
{
    return a->protocol != b->protocol ? COMPARE(a->protocol, b->protocol) : COMPARE(a->port, b->port);
}

static int services_compare(struct context *context)
{
    const struct tally *before = context->question->before;
    const struct tally *after = context->question->after;
    size_t i = 0;
    size_t j = 0;
    int result = 0;

    while (result == 0 && (i < before->service_count || j < after->service_count)) {
        const struct tally_service *then = NULL;
        const struct tally_service *now = NULL;
        int order = i == before->service_count  ? 1
                    : j == after->service_count ? -1
                                                : order_of(&before->services[i], &after->services[j]);
        if (order <= 0) {
            then = &before->services[i++];
        }
        if (order >= 0) {
            now = &after->services[j++];
        }
        result = service_compare(context, then, now);
    }
    return result;
}

static void list_conclude(struct change_list *list)
{
    list->state = list->before == NULL ? STATE_UNKNOWN : STATE_OK;
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        list->state = state_worse(list->state, list->unreadable[protocol] ? STATE_UNKNOWN : STATE_OK);
    }
    for (size_t i = 0; i < list->count; i++) {
        list->state = state_worse(list->state, list->changes[i].state);
        list->certain += list->changes[i].kind != CHANGE_UNKNOWN;
    }
}

int change_list_make(const struct change_question *question, struct change_list **list)
{
    struct context context = {.question = question, .list = calloc(1, sizeof *context.list)};
    int result = 0;

    *list = NULL;
    if (context.list == NULL) {
        return -ENOMEM;
    }
    context.list->before = question->before;
    context.list->after = question->after;
    if (question->before != NULL) {
        for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
            context.list->unreadable[protocol] =
                question->before->unreadable[protocol][0] != '\0' || question->after->unreadable[protocol][0] != '\0';
        }
        result = services_compare(&context);
    }
    if (result != 0) {
        change_list_free(context.list);
        return result;
    }
    list_conclude(context.list);
    *list = context.list;
    return 0;
}

void change_list_free(struct change_list *list)
{
    if (list == NULL) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        change_clear(&list->changes[i]);
    }
    free(list->changes);
    free(list);
}

/* --- second looks ------------------------------------------------------------------------------------------------ */

static bool rests_on_absence(const struct change *change)
{
    return change->kind == CHANGE_GONE || change->kind == CHANGE_CHANGED;
}

bool change_list_rests_on_absence(const struct change_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (rests_on_absence(&list->changes[i])) {
            return true;
        }
    }
    return false;
}

static bool is_same(const struct change *a, const struct change *b)
{
    return a->after.protocol == b->after.protocol && a->after.port == b->after.port && a->kind == b->kind &&
           a->points == b->points;
}

bool change_list_confirms(const struct change_list *list, const struct change_list *earlier)
{
    size_t next = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (!rests_on_absence(&list->changes[i])) {
            continue;
        }
        while (next < earlier->count && !is_same(&earlier->changes[next], &list->changes[i])) {
            next++;
        }
        if (next == earlier->count) {
            return false;
        }
    }
    return true;
}

bool change_point_is_known(enum change_point point, const struct tally *tally, enum record_protocol protocol,
                           const struct tally_listener *listener)
{
    switch (point) {
    case CHANGE_INTERFACES:
        return tally_interface_is_known(tally, protocol, listener);
    case CHANGE_V6ONLY:
        return tally_accepts(listener).ipv4 != RECORD_UNKNOWN;
    case CHANGE_UNITS:
        return listener->unit_state == TALLY_UNIT_KNOWN;
    case CHANGE_USERS:
        return listener->uid != RECORD_UID_HIDDEN;
    case CHANGE_CLIENT_PORT:
        return host_port_range_is_known(&tally->host);
    default:
        return true;
    }
}

/* --- names ------------------------------------------------------------------------------------------------------- */

const char *change_kind_name(enum change_kind kind)
{
    static const char *const names[] = {
        [CHANGE_APPEARED] = "appeared",
        [CHANGE_GONE] = "gone",
        [CHANGE_CHANGED] = "changed",
        [CHANGE_UNKNOWN] = "unknown",
    };
    _Static_assert(sizeof names / sizeof *names == CHANGE_KINDS, "each kind has a name");

    return names[kind];
}

const char *change_point_name(enum change_point point)
{
    static const char *const names[] = {
        [CHANGE_STACK] = "stack",         [CHANGE_REACH] = "reach",           [CHANGE_FORM] = "form",
        [CHANGE_ADDRESSES] = "addresses", [CHANGE_INTERFACES] = "interfaces", [CHANGE_V6ONLY] = "v6only",
        [CHANGE_UNITS] = "units",         [CHANGE_USERS] = "users",           [CHANGE_CLIENT_PORT] = "client_port",
    };
    _Static_assert(sizeof names / sizeof *names == CHANGE_POINTS, "each point has a name");

    return names[point];
}
