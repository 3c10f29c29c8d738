/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Verdicts in words: what text and JSON have in common.
 */
#include "config.h"

#include "render/wording.h"
#include "socket/protocol.h"

#include <assert.h>
#include <stdio.h>

/* The most of an owner's name that is shown; the kernel's cgroups have none that is longer, but a capture may. */
#define NAME_MOST 255

/* --- services and listeners -------------------------------------------------------------------------------------- */

void wording_add_service(struct text_buffer *text, const struct judge_service *service)
{
    const struct rule *rule = service->rule;

    if (rule != NULL && rule->named) {
        text_buffer_add(text, "%s ", rule->name);
    }
    text_buffer_add(text, "%u/%s", (unsigned)service->port, protocol_name(service->protocol));
    if (rule != NULL && rule->scope != RULE_ANY_SCOPE) {
        text_buffer_add(text, "@%s", scope_name((enum scope)rule->scope));
    }
}

void wording_add_name(struct text_buffer *text, const struct judge_service *service)
{
    if (service->rule != NULL && !service->rule->is_default) {
        text_buffer_add(text, "%s", service->rule->name);
    } else {
        text_buffer_add(text, "%s_%u", protocol_name(service->protocol), (unsigned)service->port);
    }
}

void wording_add_endpoint(struct text_buffer *text, const struct judge_service *service,
                          const struct tally_listener *listener)
{
    char endpoint[RECORD_ENDPOINT_SIZE];

    assert(listener != NULL); /* a cause that blames a listener has one: see judge_service.c */
    text_buffer_add(text, "%s",
                    record_endpoint_format(endpoint, listener->family, &listener->address, service->port,
                                           listener->interface_name));
}

void wording_add_user(struct text_buffer *text, const struct tally_listener *listener)
{
    if (listener->uid == RECORD_UID_HIDDEN) {
        text_buffer_add(text, "user not visible from here");
        return;
    }
    text_buffer_add(text, "user ");
    if (listener->user != NULL) {
        text_buffer_add_cut(text, listener->user, NAME_MOST);
    } else {
        text_buffer_add(text, "%lu", (unsigned long)listener->uid);
    }
}

void wording_add_owner(struct text_buffer *text, const struct tally_listener *listener)
{
    if (listener->unit_state == TALLY_UNIT_NOT_ASKED) {
        return;
    }
    if (listener->unit_state == TALLY_UNIT_KNOWN && listener->unit[0] != '/') {
        text_buffer_add_cut(text, listener->unit, NAME_MOST);
        return;
    }
    wording_add_user(text, listener);
    if (listener->unit_state == TALLY_UNIT_GONE) {
        text_buffer_add(text, ", its unit is gone");
    } else if (listener->unit_state == TALLY_UNIT_HIDDEN) {
        text_buffer_add(text, ", its unit is not visible from here");
    }
}

void wording_add_listener(struct text_buffer *text, const struct judge_service *service,
                          const struct tally_listener *listener)
{
    wording_add_endpoint(text, service, listener);
    if (listener->unit_state != TALLY_UNIT_NOT_ASKED) {
        text_buffer_add(text, " (");
        wording_add_owner(text, listener);
        text_buffer_add(text, ")");
    }
}

const char *wording_accepts(struct stack_accepts accepts)
{
    static const char *const words[3][3] = {
        [RECORD_NO] = {[RECORD_NO] = "nothing", [RECORD_YES] = "IPv6", [RECORD_UNKNOWN] = "perhaps IPv6"},
        [RECORD_YES] = {[RECORD_NO] = "IPv4", [RECORD_YES] = "IPv4+IPv6", [RECORD_UNKNOWN] = "IPv4, and IPv6 unknown"},
        [RECORD_UNKNOWN] =
            {[RECORD_NO] = "IPv4 unknown", [RECORD_YES] = "IPv6, and IPv4 unknown", [RECORD_UNKNOWN] = "unknown"},
    };

    return words[accepts.ipv4][accepts.ipv6];
}

const char *wording_reach(const struct tally *tally, const struct tally_listener *listener, enum record_family family)
{
    enum record_answer takes = tally_accepts_family(listener, family);
    enum reach_extent extent = tally_reach(tally, listener, family).extent;

    if (takes == RECORD_NO || extent == REACH_NONE) {
        return reach_name(REACH_NONE);
    }
    return takes == RECORD_YES ? reach_name(extent) : NULL;
}

void wording_add_lacking_address(struct text_buffer *text, const struct tally *tally, enum record_family family)
{
    static const char *const beyond[][RECORD_FAMILIES] = {
        [REACH_NONE] = {"", ""},
        [REACH_LOOPBACK] = {[RECORD_INET] = " beyond 127.0.0.0/8", [RECORD_INET6] = " beyond ::1"},
        [REACH_LINK] = {[RECORD_INET] = " beyond 169.254.0.0/16", [RECORD_INET6] = " beyond fe80::/10"},
        [REACH_EXTERNAL] = {"", ""},
    };
    _Static_assert(sizeof beyond / sizeof *beyond == REACH_EXTENTS, "each extent has words");
    const bool known = tally->addresses.families[family].known;
    enum reach_extent widest = known ? reach_of_scopes(tally->addresses.families[family].scopes) : REACH_NONE;

    text_buffer_add(text, "%s address%s", record_family_name(family), beyond[widest][family]);
}

void wording_add_host(struct text_buffer *text, const struct tally *tally, enum record_family family)
{
    text_buffer_add(text, "this host has no ");
    wording_add_lacking_address(text, tally, family);
}

/* Does the host have no address of the family at all? */
static bool host_lacks(const struct tally *tally, enum record_family family)
{
    return tally->addresses.families[family].known && tally->addresses.families[family].scopes == 0;
}

/* Adds why the listener is not reached as far as it is bound. */
static void limit_add(struct text_buffer *text, const struct tally *tally, const struct tally_listener *listener,
                      enum record_family family)
{
    char index[IF_NAMESIZE + 1];
    const char *interface = listener->interface_name[0] != '\0' ? listener->interface_name : index;
    char address[RECORD_ADDRESS_SIZE];

    snprintf(index, sizeof index, "#%lu", (unsigned long)listener->interface);
    switch (tally_reach(tally, listener, family).limit) {
    case REACH_UNLIMITED:
    case REACH_OTHER_FAMILY:
        break;
    case REACH_HOST_ADDRESSES:
        wording_add_host(text, tally, family);
        break;
    case REACH_ADDRESS_ABSENT:
        record_address_format(address, listener->family, &listener->address);
        text_buffer_add(text, "%s is not an address of %s now", address,
                        listener->interface == 0 ? "this host" : interface);
        break;
    case REACH_INTERFACE_GONE:
        text_buffer_add(text, "interface %s is gone", interface);
        break;
    case REACH_INTERFACE_DOWN:
        text_buffer_add(text, "interface %s is down", interface);
        break;
    case REACH_INTERFACE_ADDRESSES:
        text_buffer_add(text, "%s has no %s address", interface, record_family_name(family));
        break;
    case REACH_INTERFACE_NO_IPV6:
        text_buffer_add(text, "IPv6 is disabled on %s", interface);
        break;
    case REACH_NOT_LOOPBACK:
        text_buffer_add(text, "packets to a loopback address do not arrive on %s", interface);
        break;
    case REACH_GROUP_TCP:
        text_buffer_add(text, "TCP cannot be sent to a group");
        break;
    case REACH_BROADCAST:
        text_buffer_add(text, "it is bound to a broadcast address");
        break;
    case REACH_ANYCAST_TCP:
        text_buffer_add(text, "Linux accepts no TCP on an anycast address");
        break;
    }
}

/* "only its link reaches it over IPv6" */
static void reached_by_add(struct text_buffer *text, const struct tally *tally, const struct tally_listener *listener,
                           enum record_family family)
{
    static const char *const who[] = {
        [REACH_NONE] = "nothing",
        [REACH_LOOPBACK] = "only this host itself",
        [REACH_LINK] = "only its link",
        [REACH_EXTERNAL] = "everything",
    };
    _Static_assert(sizeof who / sizeof *who == REACH_EXTENTS, "each extent has words");

    text_buffer_add(text, "%s reaches it over %s", who[tally_reach(tally, listener, family).extent],
                    record_family_name(family));
}

void wording_add_reach(struct text_buffer *text, const struct tally *tally, const struct tally_listener *listener,
                       enum record_family family)
{
    enum reach_limit limit = tally_reach(tally, listener, family).limit;

    if (tally_accepts_family(listener, family) == RECORD_NO || limit == REACH_UNLIMITED) {
        return;
    }
    reached_by_add(text, tally, listener, family);
    if (limit != REACH_HOST_ADDRESSES) {
        text_buffer_add(text, ": ");
        limit_add(text, tally, listener, family);
    }
}

/*
 * The listener that limits the reach over the family; NULL where none takes it, or where it is reached as far as it is
 * bound.
 */
static const struct tally_listener *limited_listener(const struct judge_service *service, const struct tally *tally,
                                                     enum record_family family)
{
    const struct tally_listener *widest = judge_widest_listener(service, tally, family);
    bool limited = !service->as_bound && widest != NULL && tally_reach(tally, widest, family).limit != REACH_UNLIMITED;

    return limited ? widest : NULL;
}

/* The family that is reached from less far; RECORD_FAMILIES where neither is. */
static int narrow_family(const struct stack *stack)
{
    if (stack->kind == STACK_UNKNOWN || stack->extent[RECORD_INET] == stack->extent[RECORD_INET6]) {
        return RECORD_FAMILIES;
    }
    return stack->extent[RECORD_INET] < stack->extent[RECORD_INET6] ? RECORD_INET : RECORD_INET6;
}

unsigned wording_host_limits(const struct judge_service *service, const struct tally *tally)
{
    int narrow = narrow_family(&service->stack);
    const struct tally_listener *limited =
        narrow != RECORD_FAMILIES ? limited_listener(service, tally, (enum record_family)narrow) : NULL;
    bool by_host =
        limited != NULL && tally_reach(tally, limited, (enum record_family)narrow).limit == REACH_HOST_ADDRESSES;

    return by_host ? 1u << narrow : 0;
}

/* Adds ", IPv6 on [::1] only". */
static void narrow_add(struct text_buffer *text, const struct tally_listener *listener, enum record_family family)
{
    char address[RECORD_ADDRESS_SIZE];

    record_address_format(address, listener->family, &listener->address);
    text_buffer_add(text, ", %s on %s%s%s%s%s only", record_family_name(family),
                    listener->family == RECORD_INET6 ? "[" : "", address,
                    listener->interface_name[0] != '\0' ? "%" : "", listener->interface_name,
                    listener->family == RECORD_INET6 ? "]" : "");
}

void wording_add_stack(struct text_buffer *text, const struct judge_service *service,
                       const struct wording_context *context)
{
    static const char *const outside[] = {
        [REACH_NONE] = "",
        [REACH_LOOPBACK] = " outside loopback",
        [REACH_LINK] = " outside the link",
        [REACH_EXTERNAL] = "",
    };
    _Static_assert(sizeof outside / sizeof *outside == REACH_EXTENTS, "each extent has words");
    int narrow = narrow_family(&service->stack);
    enum record_family family = (enum record_family)narrow;
    const struct tally_listener *limited;

    if (service->stack.kind == STACK_CLOSED && service->listener_count > 0) {
        text_buffer_add(text, "listens, but nothing reaches it");
        return;
    }
    text_buffer_add(text, "%s", stack_kind_name(service->stack.kind));
    if (narrow == RECORD_FAMILIES) {
        return;
    }
    text_buffer_add(text, "%s", outside[service->stack.extent[family]]);
    limited = limited_listener(service, context->tally, family);
    if (limited == NULL && service->stack.lopsided) {
        narrow_add(text, judge_widest_listener(service, context->tally, family), family);
    } else if (limited != NULL &&
               !(context->host_has_sentence[family] && wording_host_limits(service, context->tally) != 0)) {
        text_buffer_add(text, " (");
        limit_add(text, context->tally, limited, family);
        text_buffer_add(text, ")");
    }
}

void wording_add_within(struct text_buffer *text, const struct judge_service *service, const struct tally *tally)
{
    static const char *const within[] = {
        [REACH_NONE] = "",
        [REACH_LOOPBACK] = ", from this host alone",
        [REACH_LINK] = ", from the link alone",
        [REACH_EXTERNAL] = "",
    };
    _Static_assert(sizeof within / sizeof *within == REACH_EXTENTS, "each extent has words");

    if (service->stack.kind == STACK_DUAL && (limited_listener(service, tally, RECORD_INET) != NULL ||
                                              limited_listener(service, tally, RECORD_INET6) != NULL)) {
        text_buffer_add(text, "%s", within[service->stack.extent[RECORD_INET]]);
    }
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

const char *wording_requirement(enum rule_requirement requirement)
{
    return rule_requirement_of(requirement)->phrase;
}

bool wording_requirement_is_kept(const struct judge_service *service)
{
    for (size_t i = 0; i < service->reason_count; i++) {
        switch (service->reasons[i].cause) {
        case JUDGE_FORM:
        case JUDGE_BIND:
        case JUDGE_REACH:
        case JUDGE_UNIT:
        case JUDGE_UNIT_UNKNOWN:
        case JUDGE_BIND_UNKNOWN:
        case JUDGE_REACH_UNKNOWN:
        case JUDGE_USER:
        case JUDGE_USER_UNKNOWN:
        case JUDGE_MAPPED:
        case JUDGE_IPV4:
            break;
        case JUDGE_V6ONLY_UNKNOWN:
            if (!judge_stack_fits(service->rule->requirement, &service->stack)) {
                return false;
            }
            break;
        default:
            return false;
        }
    }
    return true;
}

/* --- reasons ----------------------------------------------------------------------------------------------------- */

/* `where` is "", or follows the count. */
static void crossed_add(struct text_buffer *text, uint64_t count, const char *what, const char *where,
                        const struct range *range)
{
    char demand[RANGE_WORDS_SIZE];

    text_buffer_add_count(text, count, what);
    text_buffer_add(text, "%s, must be %s", where, range_words_format(demand, range));
}

/* A rule over several ports sums them, so what crosses a threshold is more than the service itself has. */
static void connections_crossed_add(struct text_buffer *text, const struct rule *rule,
                                    const struct judge_reason *reason)
{
    bool has_one_port = rule->port_count == 1 && rule->ports[0].first == rule->ports[0].last;

    crossed_add(text, reason->count, reason->cause == JUDGE_MAPPED ? "v4-mapped connection" : "IPv4 connection",
                has_one_port ? "" : " on all ports of the rule", reason->range);
}

/* Is it unknown of a listener whether it accepts the family? */
static bool may_accept(const struct judge_service *service, enum record_family family)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        if (tally_accepts_family(service->listeners[i], family) == RECORD_UNKNOWN) {
            return true;
        }
    }
    return false;
}

/* Adds why nothing, or not enough, comes in over the family; wording_add_stack() has said what limits it. */
static void lacks_add(struct text_buffer *text, const struct judge_service *service, enum record_family family,
                      const struct wording_context *context)
{
    const struct tally_listener *widest = judge_widest_listener(service, context->tally, family);

    if (widest == NULL) {
        text_buffer_add(text, "%s accepts %s", may_accept(service, family) ? "perhaps nothing" : "nothing",
                        record_family_name(family));
        if (host_lacks(context->tally, family)) {
            text_buffer_add(text, ", and ");
            wording_add_host(text, context->tally, family);
        }
    } else if (limited_listener(service, context->tally, family) == NULL) {
        text_buffer_add(text, "only ");
        wording_add_endpoint(text, service, widest);
        text_buffer_add(text, " accepts %s", record_family_name(family));
    } else {
        reached_by_add(text, context->tally, widest, family);
        if (narrow_family(&service->stack) != (int)family) {
            text_buffer_add(text, ": ");
            limit_add(text, context->tally, widest, family);
        }
    }
}

static void takes_add(struct text_buffer *text, const struct judge_service *service,
                      const struct tally_listener *listener, bool ipv4)
{
    bool by_wildcard = ipv4 && listener->family == RECORD_INET6 && record_is_wildcard(RECORD_INET6, &listener->address);

    wording_add_listener(text, service, listener);
    if (by_wildcard) {
        text_buffer_add(text, " has IPV6_V6ONLY off and accepts IPv4 too");
    } else {
        text_buffer_add(text, " accepts %s", ipv4 ? "IPv4" : "IPv6");
    }
}

/* The listener belongs to another unit or user than the rule demands. */
static void owner_differs_add(struct text_buffer *text, const struct judge_service *service,
                              const struct judge_reason *reason)
{
    const struct tally_listener *listener = reason->listener;
    bool is_unit = reason->cause == JUDGE_UNIT;

    wording_add_endpoint(text, service, listener);
    text_buffer_add(text, " belongs to ");
    if (!is_unit) {
        wording_add_user(text, listener);
    } else if (listener->unit[0] == '/' && service->rule->unit[0] != '/') {
        text_buffer_add(text, "no unit");
    } else {
        text_buffer_add_cut(text, listener->unit, NAME_MOST);
    }
    text_buffer_add(text, ", must be %s", is_unit ? service->rule->unit : service->rule->user);
}

/* The service is dual-stack in another way than the rule demands. */
static void form_differs_add(struct text_buffer *text, const struct judge_service *service)
{
    static const char *const sockets[STACK_FORMS] = {
        [STACK_FORM_NONE] = "sockets of another form", /* whether IPV6_V6ONLY is on or off */
        [STACK_SPLIT] = "one socket per family (split)",
        [STACK_SINGLE] = "one socket for both families (single)",
        [STACK_MIXED] = "sockets of both kinds (mixed)",
    };

    text_buffer_add(text, "listens on %s, must be %s", sockets[service->stack.form], sockets[service->rule->form]);
}

static void outside_bind_add(struct text_buffer *text, const struct judge_service *service,
                             const struct tally_listener *listener)
{
    bool lacks_ipv4 = listener->family == RECORD_INET6 && record_is_wildcard(RECORD_INET6, &listener->address) &&
                      rule_binds_whole(service->rule, false);

    wording_add_listener(text, service, listener);
    text_buffer_add(text, lacks_ipv4 ? " accepts IPv4 too, which bind=%s does not allow" : " is outside bind=%s",
                    service->rule->bind_words);
}

/* The listener is reached over one family or both from farther away than the rule allows. */
static void beyond_reach_add(struct text_buffer *text, const struct judge_service *service,
                             const struct tally_listener *listener, const struct tally *tally)
{
    static const char *const from[] = {
        [REACH_NONE] = "",
        [REACH_LOOPBACK] = "from this host",
        [REACH_LINK] = "from its link",
        [REACH_EXTERNAL] = "from other networks",
    };
    _Static_assert(sizeof from / sizeof *from == REACH_EXTENTS, "each extent has words");
    enum reach_extent widest = REACH_NONE;
    const char *separator = service->as_bound ? " could be reached over " : " can be reached over ";

    wording_add_listener(text, service, listener);
    for (enum record_family family = 0; family < RECORD_FAMILIES; family++) {
        enum reach_extent extent = judge_extent(service, tally, listener, family);
        if (tally_accepts_family(listener, family) != RECORD_NO && extent > service->rule->reach) {
            text_buffer_add(text, "%s%s", separator, record_family_name(family));
            separator = " and ";
            widest = extent > widest ? extent : widest;
        }
    }
    text_buffer_add(text, " %s, beyond reach=%s", from[widest], reach_name(service->rule->reach));
}

/* Adds which fact is unknown. */
static void unknown_add(struct text_buffer *text, const struct judge_service *service,
                        const struct judge_reason *reason)
{
    static const char *const unit_unknown[TALLY_UNITS] = {
        [TALLY_UNIT_NOT_ASKED] = " was not looked up",
        [TALLY_UNIT_KNOWN] = "",
        [TALLY_UNIT_GONE] = " cannot be determined: its cgroup is gone",
        [TALLY_UNIT_UNKNOWN] = " cannot be determined: its cgroup is not visible without netlink, or before Linux 5.9",
        [TALLY_UNIT_UNMOUNTED] = " cannot be determined: no cgroup2 mount can be read here (mount it, or give the "
                                 "check access to /sys/fs/cgroup and /proc/self/mountinfo)",
        [TALLY_UNIT_HIDDEN] = " is not visible from here: its cgroup is outside this cgroup namespace or its mount "
                              "(run the check on the host, or drop unit=)",
    };
    const struct tally_listener *listener = reason->listener;

    if (reason->cause == JUDGE_IPV6_UNKNOWN) {
        text_buffer_add(text, "whether this host has an IPv6 address, and of which scope, cannot be determined");
        return;
    }
    text_buffer_add(text, "%s",
                    reason->cause == JUDGE_UNIT_UNKNOWN    ? "the unit of "
                    : reason->cause == JUDGE_USER_UNKNOWN  ? "the user of "
                    : reason->cause == JUDGE_REACH_UNKNOWN ? "how far "
                                                           : "whether ");
    wording_add_endpoint(text, service, listener);
    if (reason->cause == JUDGE_V6ONLY_UNKNOWN) {
        text_buffer_add(text, " accepts IPv4 cannot be determined: IPV6_V6ONLY is not visible here, only by netlink");
    } else if (reason->cause == JUDGE_BIND_UNKNOWN) {
        text_buffer_add(text, " is bound to an interface cannot be determined from /proc/net, only by netlink");
    } else if (reason->cause == JUDGE_REACH_UNKNOWN) {
        text_buffer_add(text, " can be reached cannot be determined: not all addresses of this host are known here");
    } else if (reason->cause == JUDGE_CLIENT_UNKNOWN) {
        text_buffer_add(text, " is a client's cannot be determined without net.ipv4.ip_local_port_range");
    } else if (reason->cause == JUDGE_USER_UNKNOWN && listener->uid != RECORD_UID_HIDDEN) {
        text_buffer_add(text, " cannot be determined: uid %lu has no name there", (unsigned long)listener->uid);
    } else if (reason->cause == JUDGE_USER_UNKNOWN) {
        text_buffer_add(text, " is not visible from here: this user namespace does not map the uid (run the check "
                              "outside it, or drop user=)");
    } else {
        text_buffer_add(text, "%s", unit_unknown[listener->unit_state]);
    }
}

/* Sockets on the port that other rules judge, or that except-unit= leaves out, do listen. */
static void nothing_listens_add(struct text_buffer *text, const struct judge_service *service,
                                const struct tally *tally)
{
    bool has_others =
        service->rule->scope == RULE_ANY_SCOPE && tally_find(tally, service->protocol, service->port) != NULL;

    text_buffer_add(text, has_others ? "nothing else listens" : "nothing listens");
}

void wording_add_reason(struct text_buffer *text, const struct judge_service *service,
                        const struct judge_reason *reason, const struct wording_context *context)
{
    switch (reason->cause) {
    case JUDGE_NOTHING_LISTENS:
        nothing_listens_add(text, service, context->tally);
        break;
    case JUDGE_NO_IPV4:
    case JUDGE_NO_IPV6:
        lacks_add(text, service, reason->cause == JUDGE_NO_IPV4 ? RECORD_INET : RECORD_INET6, context);
        break;
    case JUDGE_TAKES_IPV4:
    case JUDGE_TAKES_IPV6:
        takes_add(text, service, reason->listener, reason->cause == JUDGE_TAKES_IPV4);
        break;
    case JUDGE_LISTENS:
        wording_add_listener(text, service, reason->listener);
        text_buffer_add(text, " listens");
        break;
    case JUDGE_FORM:
        form_differs_add(text, service);
        break;
    case JUDGE_BIND:
        outside_bind_add(text, service, reason->listener);
        break;
    case JUDGE_REACH:
        beyond_reach_add(text, service, reason->listener, context->tally);
        break;
    case JUDGE_UNIT:
    case JUDGE_USER:
        owner_differs_add(text, service, reason);
        break;
    case JUDGE_MAPPED:
    case JUDGE_IPV4:
        connections_crossed_add(text, service->rule, reason);
        break;
    case JUDGE_V6ONLY_UNKNOWN:
    case JUDGE_IPV6_UNKNOWN:
    case JUDGE_UNIT_UNKNOWN:
    case JUDGE_BIND_UNKNOWN:
    case JUDGE_REACH_UNKNOWN:
    case JUDGE_USER_UNKNOWN:
    case JUDGE_CLIENT_UNKNOWN:
        unknown_add(text, service, reason);
        break;
    case JUDGE_UNREADABLE:
        text_buffer_add(text, "%s", context->tally->unreadable[service->protocol]);
        break;
    }
}

/* --- findings ---------------------------------------------------------------------------------------------------- */

static const struct judge_reason *worst_reason(const struct judge_service *service)
{
    const struct judge_reason *worst = service->reasons;

    for (size_t i = 1; i < service->reason_count; i++) {
        if (state_compare(service->reasons[i].state, worst->state) < 0) {
            worst = &service->reasons[i];
        }
    }
    return worst;
}

void wording_add_finding(struct text_buffer *text, const struct judge_service *service,
                         const struct wording_context *context)
{
    const struct judge_reason *worst = worst_reason(service);

    wording_add_service(text, service);
    switch (worst->cause) {
    case JUDGE_NOTHING_LISTENS:
        text_buffer_add(text, ": ");
        nothing_listens_add(text, service, context->tally);
        text_buffer_add(text, ", must %s", wording_requirement(service->rule->requirement));
        break;
    case JUDGE_NO_IPV4:
    case JUDGE_NO_IPV6:
    case JUDGE_TAKES_IPV4:
    case JUDGE_TAKES_IPV6:
    case JUDGE_LISTENS:
        if (service->stack.kind == STACK_UNKNOWN && worst->listener != NULL) {
            text_buffer_add(text, ": ");
            wording_add_reason(text, service, worst, context);
        } else {
            text_buffer_add(text, service->stack.kind == STACK_CLOSED && service->listener_count > 0 ? " " : " is ");
            wording_add_stack(text, service, context);
        }
        text_buffer_add(text, ", must %s", wording_requirement(service->rule->requirement));
        break;
    case JUDGE_UNREADABLE:
        text_buffer_add(text, " cannot be judged");
        break;
    default:
        text_buffer_add(text, ": ");
        wording_add_reason(text, service, worst, context);
        break;
    }
}

/* --- the summary ------------------------------------------------------------------------------------------------- */

/* Counts all protocols, those that matter here and those that do not. */
static int readable_count(const struct judge_verdict *verdict)
{
    int count = 0;

    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        count += verdict->unreadable[i] ? 0 : 1;
    }
    return count;
}

/* The total, unless it crossed a threshold, which the summary begins with, or not all could be read. */
static void connections_add(struct text_buffer *text, const struct judge_verdict *verdict)
{
    if (verdict->mapped_range == NULL && readable_count(verdict) == RECORD_PROTOCOLS) {
        text_buffer_add(text, ", ");
        text_buffer_add_count(text, verdict->total.mapped, "v4-mapped connection");
    }
}

/* Adds how many services listen, of the protocols that could be read. */
static void listening_add(struct text_buffer *text, const struct judge_verdict *verdict)
{
    char noun[16 + sizeof " service"] = "service";
    int readable = readable_count(verdict);

    if (readable == 0) {
        text_buffer_add(text, "no sockets can be read");
        return;
    }
    for (int i = 0; i < RECORD_PROTOCOLS && readable < RECORD_PROTOCOLS; i++) {
        if (!verdict->unreadable[i]) {
            snprintf(noun, sizeof noun, "%.15s service", protocol_of((enum record_protocol)i)->label);
        }
    }
    text_buffer_add_count(text, verdict->service_count, noun);
    text_buffer_add(text, " listen%s", verdict->service_count == 1 ? "s" : "");
}

/* Without a policy: what there is. */
static void inventory_add(struct text_buffer *text, const struct judge_verdict *verdict)
{
    static const enum stack_kind order[] = {STACK_DUAL, STACK_V4_ONLY, STACK_V6_ONLY, STACK_UNKNOWN, STACK_CLOSED};
    uint64_t by_kind[STACK_UNKNOWN + 1] = {0};
    const char *separator = " (";

    for (size_t i = 0; i < verdict->service_count; i++) {
        by_kind[verdict->services[i].stack.kind]++;
    }
    listening_add(text, verdict);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (by_kind[order[i]] > 0) {
            /* What listens is closed where nothing reaches it. */
            text_buffer_add(text, "%s%llu %s", separator, (unsigned long long)by_kind[order[i]],
                            order[i] == STACK_CLOSED ? "unreachable" : stack_kind_name(order[i]));
            separator = ", ";
        }
    }
    text_buffer_add(text, "%s", verdict->service_count > 0 ? ")" : "");
    connections_add(text, verdict);
    text_buffer_add(text, ", no policy to judge by");
}

/* With one: how many services keep it. */
static void compliance_add(struct text_buffer *text, const struct judge_verdict *verdict)
{
    const struct judge_total *total = &verdict->total;
    uint64_t affected = total->violations > 0 ? total->violations : total->unknown;

    if (total->judged == 0 && readable_count(verdict) < RECORD_PROTOCOLS) {
        text_buffer_add(text, "no service can be judged");
        return;
    }
    if (affected > 0) {
        text_buffer_add(text, "%llu of ", (unsigned long long)affected);
    }
    text_buffer_add_count(text, total->judged, "service");
    text_buffer_add(text, total->violations > 0 ? " off policy" : affected > 0 ? " cannot be judged" : " on policy");
    if (total->violations > 0 && total->unknown > 0) {
        text_buffer_add(text, ", %llu unknown", (unsigned long long)total->unknown);
    }
    if (total->waived > 0) {
        text_buffer_add(text, " (%llu waived)", (unsigned long long)total->waived);
    }
    if (affected == 0) {
        connections_add(text, verdict);
    }
}

void wording_add_summary(struct text_buffer *text, const struct judge_verdict *verdict, const struct policy *policy)
{
    if (verdict->mapped_range != NULL) {
        crossed_add(text, verdict->total.mapped, "v4-mapped connection", "", verdict->mapped_range);
        text_buffer_add(text, ". ");
    }
    if (policy->rule_count == 0) {
        inventory_add(text, verdict);
    } else {
        compliance_add(text, verdict);
    }
}
