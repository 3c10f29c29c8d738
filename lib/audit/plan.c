/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Which sockets a service should have so that its rule is kept.
 */
#include "config.h"

#include "audit/plan.h"

static bool is_inet6_wildcard(const struct tally_listener *listener)
{
    return listener->family == RECORD_INET6 && record_is_wildcard(RECORD_INET6, &listener->address);
}

static bool is_needed(const struct rule *rule, enum record_family family)
{
    const struct rule_requirement_row *row = rule_requirement_of(rule->requirement);

    return family == RECORD_INET ? row->needs_ipv4 : row->needs_ipv6;
}

static bool is_barred(const struct rule *rule, enum record_family family)
{
    const struct rule_requirement_row *row = rule_requirement_of(rule->requirement);

    return family == RECORD_INET ? row->bars_ipv4 : row->bars_ipv6;
}

static enum reach_extent extent_of(const struct plan *plan, const struct tally_listener *listener,
                                   enum record_family family)
{
    if (tally_accepts_family(listener, family) != RECORD_YES) {
        return REACH_NONE;
    }
    return plan->by_bound ? listener->bound[family] : tally_reach(plan->tally, listener, family).extent;
}

/* Does the listener take the family from as far as the service is to be reached? */
static bool takes(const struct plan *plan, const struct tally_listener *listener, enum record_family family)
{
    enum reach_extent extent = extent_of(plan, listener, family);

    return extent != REACH_NONE && extent >= plan->extent;
}

bool plan_widens_bind(const struct plan *plan)
{
    return plan->bind_lacks[RECORD_INET] || plan->bind_lacks[RECORD_INET6];
}

static enum plan_place place_of(const struct tally_listener *listener)
{
    if (listener->scope != SCOPE_EXTERNAL) {
        return listener->scope == SCOPE_LOOPBACK ? PLAN_LOOPBACK : PLAN_LINK;
    }
    if (!record_is_wildcard(listener->family, &listener->address)) {
        return PLAN_ADDRESS;
    }
    return listener->interface != 0 ? PLAN_INTERFACE : PLAN_WILDCARD;
}

static bool bind_fits(const struct plan *plan, const struct tally_listener *listener, bool takes_ipv4)
{
    const struct judge_service *service = plan->service;
    const struct rule *rule = service->rule;
    bool is_unknown =
        rule->bind_interface_count > 0 && !tally_interface_is_known(plan->tally, service->protocol, listener);

    return !rule->bind_set || is_unknown || judge_bind_fits(rule, listener, takes_ipv4) ||
           (plan_widens_bind(plan) && plan->place != PLAN_BIND && place_of(listener) == plan->place);
}

/* Is the listener reached from no farther away than reach= of the rule? */
static bool reach_fits(const struct plan *plan, const struct tally_listener *listener)
{
    const struct judge_service *service = plan->service;

    for (int family = 0; family < RECORD_FAMILIES && service->rule->reach_set; family++) {
        enum reach_extent extent = judge_extent(service, plan->tally, listener, (enum record_family)family);
        if (tally_accepts_family(listener, (enum record_family)family) != RECORD_NO && extent > service->rule->reach) {
            return false;
        }
    }
    return true;
}

/* --- what becomes of a listener ---------------------------------------------------------------------------------- */

/* Would bind() of a new socket on a wildcard fail as long as the listener is there? */
static bool is_in_the_way(const struct plan *plan, const struct tally_listener *listener)
{
    if (plan->place != PLAN_WILDCARD && plan->place != PLAN_INTERFACE) {
        return false;
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        if (tally_accepts_family(listener, (enum record_family)family) == RECORD_YES &&
            (plan->adds_both || (plan->adds[family] && !plan->host_lacks[family]))) {
            return true;
        }
    }
    return false;
}

enum plan_change plan_change_of(const struct plan *plan, const struct tally_listener *listener)
{
    const struct rule *rule = plan->service->rule;
    bool is_wildcard = is_inet6_wildcard(listener);
    /* It may take IPv4, which the form rules out: it must be made sure that it does not. */
    bool is_unsure = is_wildcard && listener->v6only == RECORD_V6ONLY_UNKNOWN && plan->form == STACK_SPLIT;
    bool takes_both = is_unsure || (is_wildcard && listener->v6only == RECORD_V6ONLY_NO);
    bool takes_ipv4 = is_unsure || takes(plan, listener, RECORD_INET);
    bool accepts_ipv4 = tally_accepts_family(listener, RECORD_INET) == RECORD_YES;
    bool fits = bind_fits(plan, listener, accepts_ipv4) && reach_fits(plan, listener);
    bool bars_ipv4 = is_barred(rule, RECORD_INET) || (plan->form == STACK_SPLIT && takes_both);

    if (takes_both && !is_barred(rule, RECORD_INET6) && plan->form != STACK_SINGLE &&
        ((bars_ipv4 && takes_ipv4) || !fits) && bind_fits(plan, listener, false) && reach_fits(plan, listener)) {
        return PLAN_SET_V6ONLY;
    }
    if (is_wildcard && listener->v6only != RECORD_V6ONLY_NO && plan->form == STACK_SINGLE &&
        bind_fits(plan, listener, true) && reach_fits(plan, listener)) {
        return PLAN_CLEAR_V6ONLY;
    }
    if (!fits || (bars_ipv4 && takes_ipv4) || (is_barred(rule, RECORD_INET6) && takes(plan, listener, RECORD_INET6)) ||
        (plan->form == STACK_SINGLE && tally_accepts_family(listener, RECORD_INET6) == RECORD_NO) ||
        is_in_the_way(plan, listener)) {
        return PLAN_LEAVE;
    }
    return PLAN_KEEP;
}

/* --- where to listen --------------------------------------------------------------------------------------------- */

static bool has_prefix(const struct rule *rule, enum record_family family)
{
    for (size_t i = 0; i < rule->bind_count; i++) {
        if (rule->bind[i].ipv4 == (family == RECORD_INET)) {
            return true;
        }
    }
    return false;
}

/* Does bind= have a prefix that a loopback address of the family lies in? */
static bool has_loopback(const struct rule *rule, enum record_family family)
{
    static const struct in6_addr loopback[RECORD_FAMILIES] = {
        [RECORD_INET] = {.s6_addr = {[10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1}},
        [RECORD_INET6] = IN6ADDR_LOOPBACK_INIT,
    };

    for (size_t i = 0; i < rule->bind_count; i++) {
        if (prefix_contains(&rule->bind[i], &loopback[family])) {
            return true;
        }
    }
    return false;
}

/* How far the host's addresses let a socket be reached there, at most. */
static enum reach_extent place_extent(enum plan_place place)
{
    return place == PLAN_LOOPBACK ? REACH_LOOPBACK : place == PLAN_LINK ? REACH_LINK : REACH_EXTERNAL;
}

/* Do bind= and reach= allow a socket of the family there? */
static bool place_allows(const struct rule *rule, enum plan_place place, enum record_family family)
{
    if (rule->reach_set && place_extent(place) > rule->reach) {
        return false;
    }
    if (!rule->bind_set) {
        return place != PLAN_BIND;
    }
    switch (place) {
    case PLAN_WILDCARD:
        return rule_binds_whole(rule, family == RECORD_INET);
    case PLAN_INTERFACE:
        return rule->bind_interface_count > 0;
    case PLAN_LOOPBACK:
        return rule->bind_scope[SCOPE_LOOPBACK] || has_loopback(rule, family);
    case PLAN_LINK:
        return rule->bind_scope[SCOPE_LINK] || rule_binds_whole(rule, family == RECORD_INET);
    case PLAN_BIND:
        return has_prefix(rule, family);
    case PLAN_ADDRESS:
        break;
    }
    return false;
}

/* Is a family reached from beyond that place by a listener that bind= allows? The other one would fall short of it. */
static bool reaches_beyond(const struct plan *plan, enum plan_place place)
{
    const struct judge_service *service = plan->service;

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        bool accepts_ipv4 = tally_accepts_family(listener, RECORD_INET) == RECORD_YES;
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            if (extent_of(plan, listener, (enum record_family)family) > place_extent(place) &&
                bind_fits(plan, listener, accepts_ipv4) && reach_fits(plan, listener)) {
                return true;
            }
        }
    }
    return false;
}

/* May sockets of all families that the rule needs listen there, of either if it needs none in particular? */
static bool place_suits(const struct plan *plan, enum plan_place place)
{
    const struct rule *rule = plan->service->rule;
    bool allows_any = false;

    for (enum record_family family = 0; family < RECORD_FAMILIES; family++) {
        bool allows = place_allows(rule, place, family);
        if (is_needed(rule, family) && !allows) {
            return false;
        }
        allows_any |= allows;
    }
    return allows_any && !reaches_beyond(plan, place);
}

/* The listener that is reached from farthest, over either family: where it listens, others are to listen. */
static const struct tally_listener *model_find(const struct plan *plan, enum reach_extent *extent)
{
    const struct judge_service *service = plan->service;
    const struct tally_listener *model = service->listeners[0];

    *extent = REACH_NONE;
    for (size_t i = 0; i < service->listener_count; i++) {
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            enum reach_extent found = extent_of(plan, service->listeners[i], (enum record_family)family);
            if (found > *extent) {
                *extent = found;
                model = service->listeners[i];
            }
        }
    }
    return model;
}

/* The first suitable place, preferably one that is no wider than the service is now; -1 for none. */
static int place_find(const struct plan *plan, const enum plan_place *places, int count)
{
    for (int wider = 0; wider <= 1; wider++) {
        for (int i = 0; i < count; i++) {
            if ((wider != 0 || place_extent(places[i]) <= plan->extent) && place_suits(plan, places[i])) {
                return i;
            }
        }
    }
    return -1;
}

static void place_choose(struct plan *plan)
{
    const struct rule *rule = plan->service->rule;
    const struct tally_listener *model = model_find(plan, &plan->extent);
    const enum plan_place places[] = {place_of(model), PLAN_BIND, PLAN_INTERFACE, PLAN_LINK, PLAN_LOOPBACK};
    int found = 0;

    plan->interface = rule->bind_interface_count > 0 ? rule->bind_interfaces[0] : model->interface_name;
    if (rule->bind_set || rule->reach_set) {
        found = place_find(plan, places, (int)(sizeof places / sizeof *places));
    }
    if (found >= 0) {
        plan->place = places[found];
    } else if (rule->reach_set) {
        plan->place = rule->reach == REACH_LINK ? PLAN_LINK : PLAN_LOOPBACK;
    } else {
        plan->place = place_extent(places[0]) < REACH_EXTERNAL ? places[0] : PLAN_BIND;
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        plan->bind_lacks[family] = found < 0 && is_needed(rule, (enum record_family)family) &&
                                   !place_allows(rule, plan->place, (enum record_family)family);
    }
    if (plan->extent > place_extent(plan->place) || plan->place != places[0]) {
        plan->extent = place_extent(plan->place);
    }
}

/* --- what is added ----------------------------------------------------------------------------------------------- */

/* Does the host have an address that a new socket of the family can listen on, and be reached at? */
static bool host_has(const struct plan *plan, enum record_family family)
{
    const struct tally *tally = plan->tally;
    bool on_wildcard = plan->place == PLAN_WILDCARD || plan->place == PLAN_INTERFACE;
    unsigned scopes = plan->extent > REACH_LOOPBACK ? ~(SCOPE_BIT(plan->extent - 1) - 1) : SCOPES_ALL;

    if (plan->place == PLAN_LOOPBACK || plan->place == PLAN_LINK) {
        scopes = SCOPE_BIT(place_extent(plan->place) - 1);
    }
    if (plan->service->as_bound && on_wildcard) {
        return true;
    }
    if (family == RECORD_INET6 && tally->host.ipv6 == RECORD_NO) {
        return false;
    }
    return !tally->addresses.families[family].known || (tally->addresses.families[family].scopes & scopes) != 0;
}

/* Is it a limit that a change of the host, of an interface or of what the listener is bound to takes away? */
static bool can_be_lifted(enum reach_limit limit)
{
    switch (limit) {
    case REACH_HOST_ADDRESSES:
    case REACH_ADDRESS_ABSENT:
    case REACH_INTERFACE_GONE:
    case REACH_INTERFACE_DOWN:
    case REACH_INTERFACE_ADDRESSES:
    case REACH_INTERFACE_NO_IPV6:
    case REACH_NOT_LOOPBACK:
        return true;
    case REACH_UNLIMITED:
    case REACH_OTHER_FAMILY:
    case REACH_GROUP_TCP:
    case REACH_BROADCAST:
    case REACH_ANYCAST_TCP:
        break;
    }
    return false;
}

/* The listener that would bring the family that the service lacks, if it were reached as far as it is bound. */
static const struct tally_listener *limited_find(const struct plan *plan, enum record_family family)
{
    const struct judge_service *service = plan->service;
    const struct tally_listener *widest = judge_widest_listener(service, plan->tally, family);
    const enum judge_cause cause = family == RECORD_INET ? JUDGE_NO_IPV4 : JUDGE_NO_IPV6;

    for (size_t i = 0; i < service->reason_count && widest != NULL && !service->as_bound; i++) {
        enum plan_change change = plan_change_of(plan, widest);
        if (service->reasons[i].cause == cause && change != PLAN_LEAVE &&
            !(change == PLAN_SET_V6ONLY && family == RECORD_INET) &&
            can_be_lifted(tally_reach(plan->tally, widest, family).limit)) {
            return widest;
        }
    }
    return NULL;
}

/* Any family will do, so one that bind= allows. */
static void something_add(struct plan *plan)
{
    for (enum record_family family = 0;
         family < RECORD_FAMILIES && !plan->adds[RECORD_INET] && !plan->adds[RECORD_INET6]; family++) {
        plan->adds[family] = place_allows(plan->service->rule, plan->place, family);
        plan->host_lacks[family] = plan->adds[family] && !host_has(plan, family);
    }
}

/* New sockets for what the rule needs, and for what goes with a listener that must not stay where it is. */
static void additions_choose(struct plan *plan)
{
    const struct judge_service *service = plan->service;
    const struct rule *rule = service->rule;
    bool kept[RECORD_FAMILIES] = {false};
    bool lost[RECORD_FAMILIES] = {false};
    bool has_single = false;

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        enum plan_change change = plan_change_of(plan, listener);
        const bool loses[RECORD_FAMILIES] =
            {[RECORD_INET] = change == PLAN_LEAVE || change == PLAN_SET_V6ONLY, [RECORD_INET6] = change == PLAN_LEAVE};
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            bool taken = takes(plan, listener, (enum record_family)family) || change == PLAN_CLEAR_V6ONLY;
            kept[family] |= taken && !loses[family];
            lost[family] |= taken && loses[family];
        }
        has_single |= is_inet6_wildcard(listener) && change != PLAN_LEAVE;
    }
    for (enum record_family family = 0; family < RECORD_FAMILIES; family++) {
        bool is_wanted = is_needed(rule, family) || (lost[family] && place_allows(rule, plan->place, family));
        plan->limited[family] = limited_find(plan, family);
        plan->adds[family] = is_wanted && !is_barred(rule, family) && !kept[family] && plan->limited[family] == NULL;
        plan->host_lacks[family] = plan->adds[family] && !host_has(plan, family);
    }
    if (!kept[RECORD_INET] && !kept[RECORD_INET6] && rule->requirement == RULE_ANY) {
        something_add(plan);
    }
    if (plan->form == STACK_SINGLE) {
        plan->adds_both = !has_single;
        plan->adds[RECORD_INET] = plan->adds[RECORD_INET6] = false;
    }
}

/* The listener on [::] that could take IPv4 as well, where nothing else on the port does. */
static const struct tally_listener *clearable_find(const struct plan *plan)
{
    const struct judge_service *service = plan->service;
    const struct tally_listener *found = NULL;

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        if (tally_accepts_family(listener, RECORD_INET) != RECORD_NO) {
            return NULL;
        }
        if (is_inet6_wildcard(listener) && plan_change_of(plan, listener) == PLAN_KEEP &&
            bind_fits(plan, listener, true)) {
            found = listener;
        }
    }
    return found;
}

/* Only the wildcard takes both families, so one socket for both is for a service that may be reached from anywhere. */
static void form_choose(struct plan *plan, enum stack_form preferred)
{
    const struct rule *rule = plan->service->rule;
    bool may_be_single = plan->place == PLAN_WILDCARD || plan->place == PLAN_INTERFACE ||
                         (plan->place == PLAN_ADDRESS && !rule->bind_set);

    plan->form = rule->form;
    if (rule->form == STACK_SINGLE && !may_be_single) {
        plan->form_is_impossible = true;
        plan->form = STACK_SPLIT;
    } else if (rule->form == STACK_SINGLE && plan->place == PLAN_ADDRESS) {
        plan->place = PLAN_WILDCARD;
    } else if (rule->form == STACK_FORM_NONE && preferred == STACK_SINGLE && plan->place == PLAN_WILDCARD &&
               host_has(plan, RECORD_INET) && host_has(plan, RECORD_INET6)) {
        plan->form = STACK_SINGLE;
    }
}

/* --- sockets of other rules -------------------------------------------------------------------------------------- */

/* The families that other rules' sockets take on the port: bind() of a wildcard that takes one of them fails. */
static void taken_find(const struct plan *plan, bool taken[static RECORD_FAMILIES])
{
    const struct judge_service *service = plan->service;
    const struct tally_service *all = tally_find(plan->tally, service->protocol, service->port);
    size_t own = 0; /* the service's listeners are in the same order */

    for (size_t i = 0; all != NULL && i < all->listener_count; i++) {
        const struct tally_listener *listener = &all->listeners[i];
        if (own < service->listener_count && service->listeners[own] == listener) {
            own++;
            continue;
        }
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            taken[family] |= tally_accepts_family(listener, (enum record_family)family) != RECORD_NO;
        }
    }
}

/* Does the plan need a wildcard for a family that is taken? */
static bool wildcard_is_taken(const struct plan *plan, const bool taken[static RECORD_FAMILIES])
{
    bool needs_ipv4 = plan->adds_both || plan->adds[RECORD_INET];
    bool needs_ipv6 = plan->adds_both || plan->adds[RECORD_INET6];

    for (size_t i = 0; i < plan->service->listener_count; i++) {
        needs_ipv4 |= plan_change_of(plan, plan->service->listeners[i]) == PLAN_CLEAR_V6ONLY;
    }
    return plan->place == PLAN_WILDCARD && ((needs_ipv4 && taken[RECORD_INET]) || (needs_ipv6 && taken[RECORD_INET6]));
}

/* New sockets listen on addresses then, and one socket for both families cannot be had. */
static void wildcard_leave(struct plan *plan)
{
    const struct rule *rule = plan->service->rule;

    plan->place = rule->bind_set ? PLAN_BIND : PLAN_ADDRESS;
    if (plan->form == STACK_SINGLE) {
        plan->form_is_impossible = rule->form == STACK_SINGLE;
        plan->form = plan->form_is_impossible ? STACK_SPLIT : STACK_FORM_NONE;
        plan->adds_both = false;
    }
    additions_choose(plan);
}

void plan_make(struct plan *plan, const struct judge_service *service, const struct tally *tally,
               enum stack_form preferred)
{
    bool taken[RECORD_FAMILIES] = {false};

    *plan = (struct plan){.service = service, .tally = tally, .by_bound = service->as_bound};
    model_find(plan, &plan->extent);
    plan->by_bound |= plan->extent == REACH_NONE;
    place_choose(plan);
    form_choose(plan, preferred);
    additions_choose(plan);
    taken_find(plan, taken);
    if (wildcard_is_taken(plan, taken)) {
        wildcard_leave(plan);
    }
    if (!taken[RECORD_INET] && plan->adds[RECORD_INET] && plan->form == STACK_FORM_NONE && preferred != STACK_SPLIT) {
        plan->clearable = clearable_find(plan);
    }
    for (size_t i = service->listener_count; i > 0; i--) {
        const struct tally_listener *listener = service->listeners[i - 1];
        plan->first[plan_change_of(plan, listener)] = listener;
    }
}

bool plan_ends_service(const struct plan *plan)
{
    return plan->first[PLAN_KEEP] == NULL && plan->first[PLAN_SET_V6ONLY] == NULL &&
           plan->first[PLAN_CLEAR_V6ONLY] == NULL && !plan->adds_both && !plan->adds[RECORD_INET] &&
           !plan->adds[RECORD_INET6];
}
