/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What changed between two tallies of a host.
 */
#include "config.h"

#include "audit/change.h"

#include "audit/judge_service.h"
#include "audit/suggest_unit.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* Clients get no port below net.ipv4.ip_unprivileged_port_start, this one unless someone changed it. */
#define CLIENT_FIRST 1024

struct context {
    const struct change_question *question;
    struct change_list *list;
    size_t room;
};

/* --- points on which listeners differ ---------------------------------------------------------------------------- */

typedef const struct tally_listener *listener_pointer;

static listener_pointer listener_at(const void *place)
{
    return *(const listener_pointer *)place;
}

static int address_compare(const void *left, const void *right)
{
    listener_pointer a = listener_at(left);
    listener_pointer b = listener_at(right);

    return a->family != b->family ? COMPARE(a->family, b->family) : memcmp(&a->address, &b->address, sizeof a->address);
}

static int interface_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);

    return order != 0 ? order : strcmp(listener_at(left)->interface_name, listener_at(right)->interface_name);
}

static int accepts_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);
    enum record_answer a = tally_accepts(listener_at(left)).ipv4;
    enum record_answer b = tally_accepts(listener_at(right)).ipv4;

    return order != 0 ? order : COMPARE(a, b);
}

/*
 * By what a unit is called after its next start, too: session-3.scope and session-4.scope are alike, and so are units
 * of which nobody knows that, and those that are not known.
 */
static int unit_compare(const void *left, const void *right)
{
    listener_pointer a = listener_at(left);
    listener_pointer b = listener_at(right);
    char a_pattern[SUGGEST_UNIT_SIZE];
    char b_pattern[SUGGEST_UNIT_SIZE];

    if (a->unit_state != TALLY_UNIT_KNOWN || b->unit_state != TALLY_UNIT_KNOWN) {
        return COMPARE(a->unit_state == TALLY_UNIT_KNOWN, b->unit_state == TALLY_UNIT_KNOWN);
    }
    if (strcmp(a->unit, b->unit) == 0) {
        return 0;
    }
    suggest_unit_pattern(a_pattern, a->unit);
    suggest_unit_pattern(b_pattern, b->unit);
    return strcmp(a_pattern, b_pattern);
}

static int address_unit_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);

    return order != 0 ? order : unit_compare(left, right);
}

static int uid_compare(const void *left, const void *right)
{
    return COMPARE(listener_at(left)->uid, listener_at(right)->uid);
}

static int address_uid_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);

    return order != 0 ? order : uid_compare(left, right);
}

/* By name, and those without one by number. */
static int user_compare(const void *left, const void *right)
{
    const char *a = listener_at(left)->user;
    const char *b = listener_at(right)->user;

    if (a == NULL || b == NULL) {
        return a == b ? uid_compare(left, right) : COMPARE(a != NULL, b != NULL);
    }
    return strcmp(a, b);
}

static int address_user_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);

    return order != 0 ? order : user_compare(left, right);
}

static bool is_always_known(const struct tally *tally, enum record_protocol protocol, listener_pointer listener)
{
    (void)tally;
    (void)protocol;
    (void)listener;
    return true;
}

static bool is_interface_known(const struct tally *tally, enum record_protocol protocol, listener_pointer listener)
{
    return listener->interface != 0 || !tally->interfaces_untold[protocol];
}

static bool is_accepted_known(const struct tally *tally, enum record_protocol protocol, listener_pointer listener)
{
    (void)tally;
    (void)protocol;
    return tally_accepts(listener).ipv4 != RECORD_UNKNOWN;
}

static bool is_unit_known(const struct tally *tally, enum record_protocol protocol, listener_pointer listener)
{
    (void)tally;
    (void)protocol;
    return listener->unit_state == TALLY_UNIT_KNOWN;
}

static bool is_user_known(const struct tally *tally, enum record_protocol protocol, listener_pointer listener)
{
    (void)tally;
    (void)protocol;
    return listener->uid != RECORD_UID_HIDDEN;
}

typedef int listener_compare(const void *left, const void *right);

/*
 * The listeners of both sides are taken as sets by `compare`. With `within`, which `compare` refines, only listeners
 * count that are alike to one of the other side by that. With `also` the sets must differ by both: a dynamic user has
 * another number after a start, and a name service that is out of order has no names.
 */
static const struct row {
    enum change_point point;
    listener_compare *compare;
    listener_compare *within; /* NULL for none */
    listener_compare *also;   /* NULL for none */
    bool (*is_known)(const struct tally *tally, enum record_protocol protocol, listener_pointer listener);
} rows[] = {
    {CHANGE_ADDRESSES, address_compare, NULL, NULL, is_always_known},
    {CHANGE_INTERFACES, interface_compare, address_compare, NULL, is_interface_known},
    {CHANGE_V6ONLY, accepts_compare, address_compare, NULL, is_accepted_known},
    {CHANGE_UNITS, address_unit_compare, address_compare, NULL, is_unit_known},
    {CHANGE_UNITS, unit_compare, NULL, NULL, is_unit_known},
    {CHANGE_USERS, address_user_compare, address_compare, address_uid_compare, is_user_known},
    {CHANGE_USERS, user_compare, NULL, uid_compare, is_user_known},
};

/* Listeners of one side, sorted by the row's compare. */
struct listeners {
    const struct tally *tally;
    enum record_protocol protocol;
    listener_pointer *list;
    size_t count;
};

/* What a row found. */
struct outcome {
    struct change_difference difference;
    bool certain;
};

/* The part of the list from `first` on that is alike to it; all of it where `within` is NULL. */
static struct listeners group_at(const struct listeners *listeners, size_t first, listener_compare *within)
{
    struct listeners group = *listeners;
    size_t end = first + 1;

    while (end < listeners->count && (within == NULL || within(&listeners->list[first], &listeners->list[end]) == 0)) {
        end++;
    }
    group.list = listeners->list + first;
    group.count = end - first;
    return group;
}

static bool has_unknown(const struct row *row, const struct listeners *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!row->is_known(group->tally, group->protocol, group->list[i])) {
            return true;
        }
    }
    return false;
}

/* What of `group` is not in `other`. Returns true when a listener of which all is known is among that. */
static bool unmatched_find(const struct row *row, const struct listeners *group, const struct listeners *other,
                           struct change_sockets *unmatched)
{
    bool found_known = false;
    size_t j = 0;

    for (size_t i = 0; i < group->count; i++) {
        int order = 1;
        while (j < other->count && (order = row->compare(&group->list[i], &other->list[j])) > 0) {
            j++;
        }
        if (j < other->count && order == 0) {
            continue;
        }
        if (i > 0 && row->compare(&group->list[i - 1], &group->list[i]) == 0) {
            continue;
        }
        if (unmatched->count < CHANGE_SHOWN) {
            unmatched->first[unmatched->count] = group->list[i];
        }
        unmatched->count++;
        found_known |= row->is_known(group->tally, group->protocol, group->list[i]);
    }
    return found_known;
}

/* Only what is known to be on one side, and cannot be what is unknown on the other, differs for sure. */
static void groups_compare(const struct row *row, const struct listeners *before, const struct listeners *after,
                           struct outcome *outcome)
{
    bool lost = unmatched_find(row, before, after, &outcome->difference.before);
    bool gained = unmatched_find(row, after, before, &outcome->difference.after);

    outcome->certain |= (lost && !has_unknown(row, after)) || (gained && !has_unknown(row, before));
}

/* Returns whether the sets differ. */
static bool sets_differ(const struct row *row, const struct listeners *before, const struct listeners *after,
                        struct outcome *outcome)
{
    size_t i = 0;
    size_t j = 0;

    *outcome = (struct outcome){.certain = false};
    qsort(before->list, before->count, sizeof *before->list, row->compare);
    qsort(after->list, after->count, sizeof *after->list, row->compare);
    while (i < before->count && j < after->count) {
        int order = row->within != NULL ? row->within(&before->list[i], &after->list[j]) : 0;
        struct listeners old = group_at(before, i, row->within);
        struct listeners new = group_at(after, j, row->within);
        if (order == 0) {
            groups_compare(row, &old, &new, outcome);
        }
        i += order <= 0 ? old.count : 0;
        j += order >= 0 ? new.count : 0;
    }
    return outcome->difference.before.count + outcome->difference.after.count > 0;
}

static bool row_differs(const struct row *row, const struct listeners *before, const struct listeners *after,
                        struct outcome *outcome)
{
    struct row other = *row;

    if (row->also != NULL) {
        other.compare = row->also;
        if (!sets_differ(&other, before, after, outcome)) {
            return false;
        }
    }
    return sets_differ(row, before, after, outcome);
}

static void listeners_compare(struct change *change, const struct listeners *before, const struct listeners *after)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const unsigned bit = CHANGE_BIT(rows[i].point);
        struct outcome outcome;
        if ((change->points & bit) == 0 && row_differs(&rows[i], before, after, &outcome) &&
            (outcome.certain || (change->unknown & bit) == 0)) {
            change->differences[rows[i].point] = outcome.difference;
            change->points |= outcome.certain ? bit : 0;
            change->unknown |= bit;
        }
    }
    change->unknown &= ~change->points;
}

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

/* Is it known how far each listener is reached over what it may take? */
static bool is_reach_known(const struct judge_service *service, const struct tally *tally)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            enum record_family wire = (enum record_family)family;
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

/* What follows from listeners that are the same, or not known to be, is no difference of its own. */
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

static bool is_range_known(const struct tally *tally)
{
    return tally->host.port_range_first <= tally->host.port_range_last;
}

/* Does a rule judge the port wherever it listens, though clients may get it? */
static bool is_judged(const struct context *context, const struct judge_service *service, const struct tally *tally)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        if (policy_find(context->question->policy, &tally->host, service->protocol, service->port,
                        service->listeners[i]->scope) != NULL) {
            return true;
        }
    }
    return false;
}

/* Is it a port of clients on that side? The other side says so where this one does not know. */
static enum record_answer is_client(const struct context *context, const struct judge_service *service,
                                    const struct tally *tally, const struct tally *other)
{
    const struct tally *host = is_range_known(tally) ? tally : other;

    if (!protocol_of(service->protocol)->shares_client_ports) {
        return RECORD_NO;
    }
    if (!is_range_known(host)) {
        return service->port < CLIENT_FIRST || is_judged(context, service, host) ? RECORD_NO : RECORD_UNKNOWN;
    }
    return host_port_is_client(&host->host, service->port) && !is_judged(context, service, host) ? RECORD_YES
                                                                                                 : RECORD_NO;
}

/* Of a service: a port of clients wherever it listens; unknown where that is not known of a side. */
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
                        listener_pointer listener)
{
    const struct rule *rule =
        policy_find(context->question->policy, &tally->host, source->protocol, source->port, listener->scope);

    return rule != NULL && judge_service_excepts(rule, source->port, listener) == RECORD_YES;
}

static int side_fill(const struct context *context, struct judge_service *service, const struct tally *tally,
                     const struct tally_service *source)
{
    if (source == NULL) {
        return 0;
    }
    service->listeners = calloc(source->listener_count + 1, sizeof(listener_pointer));
    if (service->listeners == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < source->listener_count; i++) {
        if (!is_excepted(context, tally, source, &source->listeners[i])) {
            service->listeners[service->listener_count++] = &source->listeners[i];
        }
    }
    return 0;
}

/* Compares the services where both listen. */
static int points_find(const struct context *context, struct change *change)
{
    size_t count = change->before.listener_count;
    listener_pointer *copies = calloc(count + change->after.listener_count, sizeof *copies);
    struct listeners before = {context->question->before, change->before.protocol, copies, count};
    struct listeners after = {context->question->after, change->before.protocol, copies + count,
                              change->after.listener_count};

    if (copies == NULL) {
        return -ENOMEM;
    }
    memcpy(before.list, change->before.listeners, before.count * sizeof *copies);
    memcpy(after.list, change->after.listeners, after.count * sizeof *copies);
    listeners_compare(change, &before, &after);
    free(copies);
    stacks_compare(change);
    stack_points_settle(change);
    return 0;
}

static int sides_compare(const struct context *context, struct change *change, bool *differs)
{
    bool then = change->before.listener_count > 0;
    bool now = change->after.listener_count > 0;
    int result = stacks_find(context, change);

    if (result == 0 && then && now) {
        result = points_find(context, change);
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

/* The worst of what the policy's defaults say for such sockets. */
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

static int change_append(struct context *context, const struct change *change)
{
    struct change_list *list = context->list;

    if (list->count == context->room) {
        size_t room = context->room == 0 ? 8 : context->room * 2;
        struct change *grown = realloc(list->changes, room * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        list->changes = grown;
        context->room = room;
    }
    list->changes[list->count++] = *change;
    return 0;
}

/* Compares a service, of which either side may be NULL. It is kept when it differs, or may. */
static int service_compare(struct context *context, const struct tally_service *before,
                           const struct tally_service *after)
{
    const struct tally_service *either = before != NULL ? before : after;
    const struct judge_service named = {.protocol = either->protocol, .port = either->port};
    struct change change = {.before = named, .after = named};
    bool differs = false;
    int result = side_fill(context, &change.before, context->question->before, before);

    if (result == 0) {
        result = side_fill(context, &change.after, context->question->after, after);
    }
    if (result == 0 && is_left_out(context, &change) != RECORD_YES) {
        result = sides_compare(context, &change, &differs);
    }
    if (result == 0 && differs) {
        kind_set(context, &change);
        state_set(context, &change);
        result = change_append(context, &change);
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
        const struct tally_service *then = i < before->service_count ? &before->services[i] : NULL;
        const struct tally_service *now = j < after->service_count ? &after->services[j] : NULL;
        int order = then == NULL ? 1 : now == NULL ? -1 : order_of(then, now);
        then = order <= 0 ? then : NULL;
        now = order >= 0 ? now : NULL;
        i += then != NULL;
        j += now != NULL;
        if (!context->list->unreadable[(then != NULL ? then : now)->protocol]) {
            result = service_compare(context, then, now);
        }
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
