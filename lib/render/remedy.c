/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to change, derived from the rule and the evidence: one or more steps, the daemon's own lines if the unit proves
 * which daemon it is, and alternatives.
 */
#include "config.h"

#include "render/remedy.h"

#include "audit/plan.h"
#include "render/daemons.h"
#include "render/wording.h"
#include "socket/protocol.h"

#include <fnmatch.h>
#include <string.h>

/* The most of a rule's value that is shown, so that there is room for the rest of the remedy. */
#define VALUE_MOST 160

/* So many listeners, or owners, are named. */
#define NAMED 3

/* What a sentence is about. */
struct subject {
    const struct judge_service *service;
    const struct tally *tally;
    const struct judge_reason *reason;
    const struct tally_listener *listener; /* the one in question */
    enum record_family family;             /* likewise */
    const struct plan *plan;               /* for reasons that are about sockets, else NULL */
    bool is_replay;
};

/* In braces: what words[] below writes there. */
static const char *const sentences[] = {
    [REMEDY_START] = "start {unit}{obstacle}",
    [REMEDY_STOP] = "stop {owners}",
    [REMEDY_CHANGE_UNIT] = "let {unit} listen on {endpoint} in place of {owner}",
    [REMEDY_CHANGE_USER] = "run {owner} as user {user}",
    [REMEDY_LISTEN] = "listen on {new} too{v6only}{obstacle}",
    [REMEDY_LISTEN_INSTEAD] = "listen on {new} in place of {old}{v6only}{obstacle}",
    [REMEDY_STOP_LISTENING] = "stop listening on {old}",
    [REMEDY_SET_V6ONLY] = "set IPV6_V6ONLY on {endpoint}",
    [REMEDY_CLEAR_V6ONLY] = "turn IPV6_V6ONLY off on {endpoint}",
    [REMEDY_ENABLE_IPV6] = "set sysctl net.ipv6.conf.all.disable_ipv6=0",
    [REMEDY_ADD_HOST_ADDRESS] = "add {lacking} to this host",
    [REMEDY_ADD_LO_ADDRESS] = "add {loopback} to lo (without it bind() fails there)",
    [REMEDY_ADD_ADDRESS] = "add {address} to {home}",
    [REMEDY_LEAVE_ADDRESS] = "listen on {present} in place of {endpoint}",
    [REMEDY_RESTART] = "restart {owner} when the interface is back",
    [REMEDY_LEAVE_INTERFACE] = "do not bind {endpoint} to an interface",
    [REMEDY_BRING_UP_INTERFACE] = "bring {interface} up",
    [REMEDY_ADD_INTERFACE_ADDRESS] = "add {lacking} to {interface}",
    [REMEDY_ENABLE_INTERFACE_IPV6] =
        "enable IPv6 on {interface} (sysctl net.ipv6.conf.{interface}.disable_ipv6=0 and an MTU of at least 1280)",
    [REMEDY_FEWER_CLIENTS] = "move clients to IPv6{list}",
    [REMEDY_MORE_CLIENTS] = "find out why there {clients}",
    [REMEDY_USE_NETLINK] = "let the check ask the kernel by netlink, on the host itself",
    [REMEDY_WIDEN_BIND] = "add {addition} to bind= in the policy",
    [REMEDY_USE_SPLIT] = "use form=split in the policy (only a wildcard takes both families)",
    [REMEDY_ALLOW] = "allow it in the policy",
    [REMEDY_ALLOW_MISSING] = "use missing=ok in the policy",
    [REMEDY_EXCEPT_UNIT] = "add except-unit={exception} to the rule if it is a client's socket",
    [REMEDY_USE_BOUND] = "use as=bound in the policy if another host has {absent} now",
};
_Static_assert(sizeof sentences / sizeof *sentences == REMEDY_KINDS, "each kind has a sentence");

/* --- owners ------------------------------------------------------------------------------------------------------ */

/* Is it a unit that other programs belong to as well? Stopping it could lock the reader out. */
static bool is_shared(const char *unit)
{
    static const char *const shared[] = {"init.scope", "session-*.scope", "user@*.service", "*.slice", "/*"};

    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        if (fnmatch(shared[i], unit, 0) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_own_unit(const struct tally_listener *listener)
{
    return listener->unit_state == TALLY_UNIT_KNOWN && !is_shared(listener->unit);
}

/*
 * Adds what to stop, restart or run differently: "nginx.service", "the program of user root (uid 0)". A socket that
 * process 1 has open belongs to a socket unit, which is not known here.
 */
static void owner_name_add(struct text_buffer *text, const struct judge_service *service,
                           const struct tally_listener *listener)
{
    if (has_own_unit(listener)) {
        text_buffer_add_cut(text, listener->unit, VALUE_MOST);
    } else if (listener->unit_state == TALLY_UNIT_KNOWN && strcmp(listener->unit, "init.scope") == 0) {
        text_buffer_add(text, "the systemd socket on ");
        wording_add_endpoint(text, service, listener);
    } else if (listener->uid == RECORD_UID_HIDDEN) {
        text_buffer_add(text, "the program on ");
        wording_add_endpoint(text, service, listener);
    } else if (listener->user == NULL) {
        text_buffer_add(text, "the program of uid %lu", (unsigned long)listener->uid);
    } else {
        text_buffer_add(text, "the program of user ");
        text_buffer_add_cut(text, listener->user, VALUE_MOST);
        text_buffer_add(text, " (uid %lu)", (unsigned long)listener->uid);
    }
}

/* Does one name stand for the owners of both? */
static bool shares_owner(const struct tally_listener *a, const struct tally_listener *b)
{
    if (has_own_unit(a) || has_own_unit(b)) {
        return has_own_unit(a) && has_own_unit(b) && strcmp(a->unit, b->unit) == 0;
    }
    return a->uid == b->uid && a->uid != RECORD_UID_HIDDEN;
}

static void owner_add(struct text_buffer *text, const struct subject *subject)
{
    owner_name_add(text, subject->service, subject->listener);
}

/* Adds all who listen, each once. */
static void owners_add(struct text_buffer *text, const struct subject *subject)
{
    const struct judge_service *service = subject->service;
    const struct tally_listener *found[NAMED];
    size_t count = 0;
    bool are_more = false;

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        size_t same = 0;
        while (same < count && !shares_owner(found[same], listener)) {
            same++;
        }
        if (same == count && count < NAMED) {
            found[count++] = listener;
        } else {
            are_more |= same == count;
        }
    }
    for (size_t i = 0; i < count; i++) {
        text_buffer_add(text, "%s", text_buffer_separator(i, count, are_more ? ", " : " and "));
        owner_name_add(text, service, found[i]);
    }
    text_buffer_add(text, are_more ? " and others" : "");
}

/* --- addresses --------------------------------------------------------------------------------------------------- */

static void endpoint_add(struct text_buffer *text, const struct subject *subject)
{
    wording_add_endpoint(text, subject->service, subject->listener);
}

/* Adds where a new socket of the family is to listen. */
static void place_add(struct text_buffer *text, const struct plan *plan, enum plan_place place,
                      enum record_family family)
{
    static const char *const fixed[][RECORD_FAMILIES] = {
        [PLAN_WILDCARD] = {[RECORD_INET] = "0.0.0.0", [RECORD_INET6] = "::"},
        [PLAN_INTERFACE] = {[RECORD_INET] = "0.0.0.0", [RECORD_INET6] = "::"},
        [PLAN_LOOPBACK] = {[RECORD_INET] = "127.0.0.1", [RECORD_INET6] = "::1"},
        [PLAN_LINK] = {NULL, NULL},
        [PLAN_ADDRESS] = {NULL, NULL},
        [PLAN_BIND] = {NULL, NULL},
    };
    _Static_assert(sizeof fixed / sizeof *fixed == PLAN_PLACES, "each place has addresses, or none");
    bool by_interface = place == PLAN_INTERFACE;

    if (fixed[place][family] != NULL) {
        text_buffer_add(text, family == RECORD_INET6 ? "[%s%s%s]:%u" : "%s%s%s:%u", fixed[place][family],
                        by_interface ? "%" : "", by_interface ? plan->interface : "", (unsigned)plan->service->port);
    } else if (place == PLAN_LINK) {
        text_buffer_add(text, "a link-local %s address", record_family_name(family));
    } else if (place == PLAN_ADDRESS) {
        text_buffer_add(text, "an external %s address of this host", record_family_name(family));
    } else {
        text_buffer_add(text, "an %s address inside bind=", record_family_name(family));
        text_buffer_add_cut(text, plan->bind_lacks[family] ? "" : plan->service->rule->bind_words, VALUE_MOST);
    }
}

/* Adds all new sockets. An address that the host has yet to get was named in the step before. */
static void new_add(struct text_buffer *text, const struct subject *subject)
{
    const struct plan *plan = subject->plan;
    const char *separator = "";

    if (plan->adds_both) {
        place_add(text, plan, plan->place, RECORD_INET6);
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        if (plan->adds[family]) {
            text_buffer_add(text, "%s", separator);
            separator = " and ";
            if (plan->host_lacks[family] && plan->place != PLAN_LOOPBACK) {
                text_buffer_add(text, "it");
            } else {
                place_add(text, plan, plan->place, (enum record_family)family);
            }
        }
    }
}

/* Adds ", with IPV6_V6ONLY on" for a new socket on [::]: without that it takes IPv4, or collides with what does. */
static void v6only_add(struct text_buffer *text, const struct subject *subject)
{
    const struct plan *plan = subject->plan;
    bool on_wildcard = plan->place == PLAN_WILDCARD || plan->place == PLAN_INTERFACE;

    if (plan->adds_both) {
        text_buffer_add(text, ", with IPV6_V6ONLY off");
    } else if (plan->adds[RECORD_INET6] && on_wildcard && !plan->host_lacks[RECORD_INET6]) {
        text_buffer_add(text, ", with IPV6_V6ONLY on");
    }
}

/* Adds the listeners that go. */
static void old_add(struct text_buffer *text, const struct subject *subject)
{
    const struct judge_service *service = subject->service;
    size_t count = 0;
    size_t written = 0;

    for (size_t i = 0; i < service->listener_count; i++) {
        count += plan_change_of(subject->plan, service->listeners[i]) == PLAN_LEAVE;
    }
    for (size_t i = 0; written < count && written < NAMED; i++) {
        if (plan_change_of(subject->plan, service->listeners[i]) == PLAN_LEAVE) {
            text_buffer_add(text, "%s", text_buffer_separator(written, count, " and "));
            wording_add_endpoint(text, service, service->listeners[i]);
            written++;
        }
    }
    if (count > written) {
        text_buffer_add(text, " and %zu more", count - written);
    }
}

/* Adds an address of the host in place of one that it does not have. */
static void present_add(struct text_buffer *text, const struct subject *subject)
{
    const struct plan *plan = subject->plan;

    place_add(text, plan, plan->place == PLAN_WILDCARD || plan->place == PLAN_INTERFACE ? PLAN_ADDRESS : plan->place,
              subject->family);
}

static void address_add(struct text_buffer *text, const struct subject *subject)
{
    char address[RECORD_ADDRESS_SIZE];

    text_buffer_add(text, "%s", record_address_format(address, subject->listener->family, &subject->listener->address));
}

/* Adds where the address is needed: a socket bound to lo, or to a link-local address, takes that of its interface. */
static void home_add(struct text_buffer *text, const struct subject *subject)
{
    const struct tally_listener *listener = subject->listener;

    text_buffer_add(text, "%s", listener->interface == 0 ? "this host" : listener->interface_name);
}

static void absent_add(struct text_buffer *text, const struct subject *subject)
{
    const struct plan *plan = subject->plan;

    text_buffer_add(text, "%s",
                    plan->limited[RECORD_INET] != NULL && plan->limited[RECORD_INET6] != NULL ? "them" : "it");
}

static void loopback_add(struct text_buffer *text, const struct subject *subject)
{
    text_buffer_add(text, "%s", subject->family == RECORD_INET ? "127.0.0.1" : "::1");
}

/* Adds what address it takes to be reached over this family from as far as over the other one. */
static void lacking_add(struct text_buffer *text, const struct subject *subject)
{
    if (subject->plan->extent == REACH_LINK) {
        text_buffer_add(text, "a link-local %s address", record_family_name(subject->family));
    } else {
        text_buffer_add(text, "an ");
        wording_add_lacking_address(text, subject->tally, subject->family);
    }
}

/* Adds what bind= lacks. */
static void addition_add(struct text_buffer *text, const struct subject *subject)
{
    const struct plan *plan = subject->plan;

    if (plan->place == PLAN_LOOPBACK || plan->place == PLAN_LINK) {
        text_buffer_add(text, "%s", scope_name(plan->place == PLAN_LOOPBACK ? SCOPE_LOOPBACK : SCOPE_LINK));
    } else {
        text_buffer_add(text, "an %s prefix", record_family_name(subject->family));
    }
}

static void interface_add(struct text_buffer *text, const struct subject *subject)
{
    text_buffer_add(text, "%s", subject->listener->interface_name);
}

/* --- the rest ---------------------------------------------------------------------------------------------------- */

/*
 * The scope that a service without a listener is to listen in: that of the rule, or, where the port's sockets are those
 * of rules with a scope, the widest that they leave. RULE_ANY_SCOPE for any.
 */
static int missing_scope(const struct subject *subject)
{
    const struct judge_service *service = subject->service;
    const struct rule *rule = service->rule;
    const struct tally_service *others = tally_find(subject->tally, service->protocol, service->port);
    unsigned taken = 0;
    int scope = SCOPE_EXTERNAL;

    if (rule->scope != RULE_ANY_SCOPE || others == NULL || rule->except_unit_count > 0) {
        return rule->scope;
    }
    for (size_t i = 0; i < others->listener_count; i++) {
        taken |= SCOPE_BIT(others->listeners[i].scope);
    }
    while (scope > RULE_ANY_SCOPE && (taken & SCOPE_BIT(scope)) != 0) {
        scope--;
    }
    return scope;
}

/* Adds the unit that the rule wants, and where it is to listen. */
static void unit_add(struct text_buffer *text, const struct subject *subject)
{
    static const char *const where[SCOPES] = {
        [SCOPE_LOOPBACK] = " on a loopback address",
        [SCOPE_LINK] = " on a link-local address",
        [SCOPE_EXTERNAL] = " on an external address",
    };
    const struct rule *rule = subject->service->rule;
    int scope = subject->listener == NULL ? missing_scope(subject) : RULE_ANY_SCOPE;

    if (rule->unit == NULL) {
        text_buffer_add(text, "the service");
    } else {
        text_buffer_add(text, strpbrk(rule->unit, "*?[") != NULL ? "a unit that matches " : "");
        text_buffer_add_cut(text, rule->unit, VALUE_MOST);
    }
    if (scope != RULE_ANY_SCOPE) {
        text_buffer_add(text, "%s", where[scope]);
    }
}

/* The wildcard of the family that no rule for loopback or the link judges, although it has the addresses there. */
static const struct tally_listener *wildcard_find(const struct subject *subject, enum record_family family)
{
    const struct judge_service *service = subject->service;
    const struct tally_service *all = tally_find(subject->tally, service->protocol, service->port);
    bool is_narrow = service->rule->scope == SCOPE_LOOPBACK || service->rule->scope == SCOPE_LINK;

    for (size_t i = 0; is_narrow && all != NULL && i < all->listener_count; i++) {
        const struct tally_listener *listener = &all->listeners[i];
        if (listener->interface == 0 && record_is_wildcard(listener->family, &listener->address) &&
            tally_accepts_family(listener, family) == RECORD_YES) {
            return listener;
        }
    }
    return NULL;
}

/* The one that the new sockets would collide with, NULL for none. Without a plan, any family that is needed is new. */
static const struct tally_listener *obstacle_find(const struct subject *subject)
{
    const struct rule_requirement_row *row = rule_requirement_of(subject->service->rule->requirement);
    const bool needs[RECORD_FAMILIES] = {[RECORD_INET] = row->needs_ipv4, [RECORD_INET6] = row->needs_ipv6};
    const bool *wanted = subject->plan != NULL ? subject->plan->adds : needs;
    const struct tally_listener *ipv4 = wildcard_find(subject, RECORD_INET);
    const struct tally_listener *ipv6 = wildcard_find(subject, RECORD_INET6);

    if (wanted[RECORD_INET] && ipv4 != NULL) {
        return ipv4;
    }
    if (wanted[RECORD_INET] || wanted[RECORD_INET6]) {
        return wanted[RECORD_INET6] ? ipv6 : NULL;
    }
    return ipv4 != NULL ? ipv6 : NULL; /* either family would do */
}

static void obstacle_add(struct text_buffer *text, const struct subject *subject)
{
    const struct tally_listener *obstacle = obstacle_find(subject);

    if (obstacle != NULL) {
        text_buffer_add(text, " (bind() fails there beside ");
        wording_add_endpoint(text, subject->service, obstacle);
        text_buffer_add(text, ")");
    }
}

static void user_add(struct text_buffer *text, const struct subject *subject)
{
    text_buffer_add_cut(text, subject->service->rule->user, VALUE_MOST);
}

static void exception_add(struct text_buffer *text, const struct subject *subject)
{
    text_buffer_add_cut(text, subject->listener->unit, VALUE_MOST);
}

static void list_add(struct text_buffer *text, const struct subject *subject)
{
    text_buffer_add(text, subject->is_replay ? "" : " (--list shows who comes over IPv4)");
}

static void clients_add(struct text_buffer *text, const struct subject *subject)
{
    const char *what = subject->reason->cause == JUDGE_MAPPED ? "v4-mapped connection" : "IPv4 connection";

    if (subject->reason->count == 0) {
        text_buffer_add(text, "is no %s", what);
    } else {
        text_buffer_add(text, subject->reason->count == 1 ? "is only " : "are only ");
        text_buffer_add_count(text, subject->reason->count, what);
    }
}

static const struct {
    const char *name;
    void (*add)(struct text_buffer *text, const struct subject *subject);
} words[] = {
    {"unit}", unit_add},         {"owners}", owners_add},       {"owner}", owner_add},
    {"endpoint}", endpoint_add}, {"user}", user_add},           {"new}", new_add},
    {"old}", old_add},           {"v6only}", v6only_add},       {"lacking}", lacking_add},
    {"loopback}", loopback_add}, {"address}", address_add},     {"present}", present_add},
    {"addition}", addition_add}, {"interface}", interface_add}, {"list}", list_add},
    {"clients}", clients_add},   {"exception}", exception_add}, {"home}", home_add},
    {"absent}", absent_add},     {"obstacle}", obstacle_add},
};

/* --- remedies ---------------------------------------------------------------------------------------------------- */

/* A remedy while it is put together: steps, then other ways. */
struct remedy {
    struct text_buffer text;
    struct subject subject;
};

static void kind_add(struct remedy *remedy, enum remedy_kind kind)
{
    const char *rest = sentences[kind];

    while (*rest != '\0') {
        size_t plain = strcspn(rest, "{");
        text_buffer_add(&remedy->text, "%.*s", (int)plain, rest);
        rest += plain;
        for (size_t i = 0; i < sizeof words / sizeof *words && *rest == '{'; i++) {
            size_t length = strlen(words[i].name);
            if (strncmp(rest + 1, words[i].name, length) == 0) {
                words[i].add(&remedy->text, &remedy->subject);
                rest += 1 + length;
            }
        }
    }
}

/* Adds a step, once: one that serves both families is asked for by each. */
static void step_add(struct remedy *remedy, enum remedy_kind kind)
{
    struct text_buffer *text = &remedy->text;
    const struct text_buffer before = *text;
    size_t start;

    text_buffer_add(text, before.length > 0 ? " and " : "");
    start = text->length;
    kind_add(remedy, kind);
    if (strstr(text->bytes, text->bytes + start) < text->bytes + start) {
        *text = before;
        text->bytes[text->length] = '\0';
    }
}

static void other_way_add(struct remedy *remedy, enum remedy_kind kind)
{
    text_buffer_add(&remedy->text, ", or ");
    kind_add(remedy, kind);
}

/* --- sockets ----------------------------------------------------------------------------------------------------- */

/* Is the cause one that other sockets take away? */
static bool is_of_sockets(enum judge_cause cause)
{
    return cause == JUDGE_NO_IPV4 || cause == JUDGE_NO_IPV6 || cause == JUDGE_TAKES_IPV4 || cause == JUDGE_TAKES_IPV6 ||
           cause == JUDGE_FORM || cause == JUDGE_BIND || cause == JUDGE_REACH;
}

/* What the rule wants the service to be; with "any", only another address is left to ask for. */
static enum daemons_want want_of(const struct rule *rule)
{
    const struct rule_requirement_row *row = rule_requirement_of(rule->requirement);

    if (!row->needs_ipv4 && !row->needs_ipv6) {
        return DAEMONS_ADDRESS;
    }
    if (row->bars_ipv4 || row->bars_ipv6) {
        return row->bars_ipv6 ? DAEMONS_V4_ONLY : DAEMONS_V6_ONLY;
    }
    return rule->form == STACK_SPLIT ? DAEMONS_SPLIT : rule->form == STACK_SINGLE ? DAEMONS_SINGLE : DAEMONS_DUAL;
}

/*
 * The daemon whose directives make the service as a whole what the rule demands; a rule with a scope is about a part of
 * it.
 */
static const struct daemons_daemon *daemon_of(const struct judge_service *service)
{
    const struct daemons_daemon *daemon = NULL;

    for (size_t i = 0; i < service->listener_count && daemon == NULL; i++) {
        if (service->listeners[i]->unit_state == TALLY_UNIT_KNOWN) {
            daemon = daemons_find(service->listeners[i]->unit);
        }
    }
    return service->rule->scope == RULE_ANY_SCOPE ? daemon : NULL;
}

static enum stack_form form_of(const struct daemons_daemon *daemon, const struct rule *rule)
{
    if (daemon == NULL || want_of(rule) != DAEMONS_DUAL) {
        return STACK_FORM_NONE;
    }
    return daemon->words[DAEMONS_SPLIT] != NULL    ? STACK_SPLIT
           : daemon->words[DAEMONS_SINGLE] != NULL ? STACK_SINGLE
                                                   : STACK_FORM_NONE;
}

/* Adds the daemon's own directives, if other sockets are all it takes. Returns false if there are none. */
static bool daemon_add(struct remedy *remedy, const struct daemons_daemon *daemon)
{
    static const enum daemons_place places[] = {
        [PLAN_WILDCARD] = DAEMONS_EVERYWHERE, [PLAN_INTERFACE] = DAEMONS_ELSEWHERE, [PLAN_LOOPBACK] = DAEMONS_LOOPBACK,
        [PLAN_LINK] = DAEMONS_ELSEWHERE,      [PLAN_ADDRESS] = DAEMONS_ELSEWHERE,   [PLAN_BIND] = DAEMONS_ELSEWHERE,
    };
    _Static_assert(sizeof places / sizeof *places == PLAN_PLACES, "the daemons know each place");
    const struct plan *plan = remedy->subject.plan;
    const struct judge_service *service = plan->service;
    const struct daemons_service asked = {.protocol = service->protocol, .port = service->port};
    /* No words of them bind to an interface, and a socket for each address of the host is more than link-local ones. */
    bool only_sockets = !plan->form_is_impossible && plan->place != PLAN_INTERFACE && plan->place != PLAN_LINK;

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        only_sockets &= plan->limited[family] == NULL && !plan->host_lacks[family] && !plan->bind_lacks[family];
    }
    if (daemon == NULL || !only_sockets) {
        return false;
    }
    return daemons_add(&remedy->text, daemon, plan->place == PLAN_BIND ? DAEMONS_ADDRESS : want_of(service->rule),
                       places[plan->place], &asked);
}

/* The step that lets a listener be reached as far as it is bound. */
static const struct {
    enum remedy_kind kind;
    enum remedy_kind other; /* REMEDY_KINDS for none */
} lifts[] = {
    [REACH_UNLIMITED] = {REMEDY_KINDS, REMEDY_KINDS},
    [REACH_OTHER_FAMILY] = {REMEDY_KINDS, REMEDY_KINDS},
    [REACH_HOST_ADDRESSES] = {REMEDY_ADD_HOST_ADDRESS, REMEDY_KINDS},
    [REACH_ADDRESS_ABSENT] = {REMEDY_ADD_ADDRESS, REMEDY_LEAVE_ADDRESS},
    [REACH_INTERFACE_GONE] = {REMEDY_RESTART, REMEDY_LEAVE_INTERFACE},
    [REACH_INTERFACE_DOWN] = {REMEDY_BRING_UP_INTERFACE, REMEDY_KINDS},
    [REACH_INTERFACE_ADDRESSES] = {REMEDY_ADD_INTERFACE_ADDRESS, REMEDY_KINDS},
    [REACH_INTERFACE_NO_IPV6] = {REMEDY_ENABLE_INTERFACE_IPV6, REMEDY_KINDS},
    [REACH_NOT_LOOPBACK] = {REMEDY_LEAVE_INTERFACE, REMEDY_KINDS},
    [REACH_GROUP_TCP] = {REMEDY_KINDS, REMEDY_KINDS},
    [REACH_BROADCAST] = {REMEDY_KINDS, REMEDY_KINDS},
    [REACH_ANYCAST_TCP] = {REMEDY_KINDS, REMEDY_KINDS},
};
_Static_assert(sizeof lifts / sizeof *lifts == REACH_ANYCAST_TCP + 1, "each limit has a way out, or none");

/* Adds the address that the host lacks for the family. */
static void host_address_add(struct remedy *remedy)
{
    const struct tally *tally = remedy->subject.tally;

    if (remedy->subject.family == RECORD_INET6 && tally->host.disable_ipv6 == RECORD_YES) {
        step_add(remedy, REMEDY_ENABLE_IPV6);
    }
    step_add(remedy, remedy->subject.plan->extent == REACH_LOOPBACK ? REMEDY_ADD_LO_ADDRESS : REMEDY_ADD_HOST_ADDRESS);
}

static void limit_add(struct remedy *remedy)
{
    const struct subject *subject = &remedy->subject;
    enum reach_limit limit = tally_reach(subject->tally, subject->listener, subject->family).limit;

    if (limit == REACH_HOST_ADDRESSES ||
        (limit == REACH_INTERFACE_ADDRESSES && subject->plan->extent == REACH_LOOPBACK)) {
        host_address_add(remedy);
    } else {
        step_add(remedy, lifts[limit].kind);
    }
}

/* Adds what must be changed before other sockets help. */
static void host_steps_add(struct remedy *remedy)
{
    const struct plan *plan = remedy->subject.plan;

    if (plan->form_is_impossible) {
        step_add(remedy, REMEDY_USE_SPLIT);
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        remedy->subject.family = (enum record_family)family;
        if (plan->bind_lacks[family]) {
            step_add(remedy, REMEDY_WIDEN_BIND);
        }
        if (plan->host_lacks[family]) {
            host_address_add(remedy);
        } else if (plan->limited[family] != NULL) {
            remedy->subject.listener = plan->limited[family];
            limit_add(remedy);
        }
    }
}

static void socket_steps_add(struct remedy *remedy)
{
    const struct plan *plan = remedy->subject.plan;
    bool adds = plan->adds_both || plan->adds[RECORD_INET] || plan->adds[RECORD_INET6];
    bool leaves = plan->first[PLAN_LEAVE] != NULL;

    if (leaves && !adds) {
        step_add(remedy, REMEDY_STOP_LISTENING);
    }
    if (plan->first[PLAN_SET_V6ONLY] != NULL) {
        remedy->subject.listener = plan->first[PLAN_SET_V6ONLY];
        step_add(remedy, REMEDY_SET_V6ONLY);
    }
    if (plan->first[PLAN_CLEAR_V6ONLY] != NULL) {
        remedy->subject.listener = plan->first[PLAN_CLEAR_V6ONLY];
        step_add(remedy, REMEDY_CLEAR_V6ONLY);
    }
    if (adds) {
        step_add(remedy, leaves ? REMEDY_LISTEN_INSTEAD : REMEDY_LISTEN);
    }
}

/* Adds how IPV6_V6ONLY is set from outside a program. */
static void v6only_hint_add(struct remedy *remedy, bool on)
{
    text_buffer_add(&remedy->text, " (systemd socket: BindIPv6Only=%s", on ? "ipv6-only" : "both");
    if (on || remedy->subject.tally->host.bindv6only == RECORD_YES) {
        text_buffer_add(&remedy->text, ", programs that do not set it themselves: sysctl net.ipv6.bindv6only=%d", on);
    }
    text_buffer_add(&remedy->text, ")");
}

/* Is all that is wrong with the sockets that bind= or reach= forbids where they are? Else allowing it is not enough. */
static bool is_about_place_alone(const struct judge_service *service)
{
    bool found = false;

    for (size_t i = 0; i < service->reason_count; i++) {
        enum judge_cause cause = service->reasons[i].cause;
        bool is_of_place = cause == JUDGE_BIND || cause == JUDGE_REACH;
        if (is_of_sockets(cause) && !is_of_place) {
            return false;
        }
        found |= is_of_place;
    }
    return found;
}

static bool is_absent(const struct tally *tally, const struct tally_listener *listener, enum record_family family)
{
    return listener != NULL && tally_reach(tally, listener, family).limit == REACH_ADDRESS_ABSENT;
}

/* Other ways around the limit of the listener, if nothing else can be done. */
static void limit_other_ways_add(struct remedy *remedy)
{
    const struct subject *subject = &remedy->subject;
    enum reach_limit limit = tally_reach(subject->tally, subject->listener, subject->family).limit;
    enum remedy_kind other = lifts[limit].other;

    if (other == REMEDY_LEAVE_ADDRESS || (other == REMEDY_LEAVE_INTERFACE && !subject->service->rule->bind_set)) {
        other_way_add(remedy, other);
    }
    if (limit == REACH_ADDRESS_ABSENT) {
        other_way_add(remedy, REMEDY_USE_BOUND);
    }
}

static void other_ways_add(struct remedy *remedy)
{
    const struct plan *plan = remedy->subject.plan;
    bool is_only_step = plan->first[PLAN_LEAVE] == NULL && plan->first[PLAN_SET_V6ONLY] == NULL &&
                        !plan->adds[RECORD_INET6] && !plan->form_is_impossible;

    if (is_only_step && plan->clearable != NULL && !plan->host_lacks[RECORD_INET]) {
        remedy->subject.listener = plan->clearable;
        other_way_add(remedy, REMEDY_CLEAR_V6ONLY);
        v6only_hint_add(remedy, false);
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        const struct tally_listener *other = plan->limited[RECORD_FAMILIES - 1 - family];
        remedy->subject.family = (enum record_family)family;
        remedy->subject.listener = plan->limited[family];
        if (is_only_step && plan->limited[family] != NULL && other == NULL && !plan->adds[RECORD_INET]) {
            limit_other_ways_add(remedy);
        }
    }
    if (is_only_step && is_absent(remedy->subject.tally, plan->limited[RECORD_INET], RECORD_INET) &&
        is_absent(remedy->subject.tally, plan->limited[RECORD_INET6], RECORD_INET6)) {
        other_way_add(remedy, REMEDY_USE_BOUND);
    }
    if (is_about_place_alone(remedy->subject.service) && !plan_widens_bind(plan)) {
        other_way_add(remedy, REMEDY_ALLOW);
    }
}

static void plan_steps_add(struct remedy *remedy, const struct plan *plan, const struct daemons_daemon *daemon)
{
    if (plan_ends_service(plan)) {
        step_add(remedy, REMEDY_ALLOW);
        return;
    }
    host_steps_add(remedy);
    socket_steps_add(remedy);
    if (!daemon_add(remedy, daemon) &&
        (plan->first[PLAN_SET_V6ONLY] != NULL || plan->first[PLAN_CLEAR_V6ONLY] != NULL)) {
        v6only_hint_add(remedy, plan->first[PLAN_SET_V6ONLY] != NULL);
    }
    other_ways_add(remedy);
}

/* One remedy for all reasons that are about sockets: they make the service as a whole what the rule demands. */
static void sockets_remedy(struct remedy *remedy)
{
    const struct judge_service *service = remedy->subject.service;
    const struct daemons_daemon *daemon = daemon_of(service);
    struct plan plan;

    for (const struct judge_reason *other = service->reasons; other < remedy->subject.reason; other++) {
        if (is_of_sockets(other->cause)) {
            return;
        }
    }
    plan_make(&plan, service, remedy->subject.tally, form_of(daemon, service->rule));
    remedy->subject.plan = &plan;
    plan_steps_add(remedy, &plan, daemon);
    remedy->subject.plan = NULL; /* it ends here */
}

/* --- other causes ------------------------------------------------------------------------------------------------ */

static void missing_remedy(struct remedy *remedy)
{
    step_add(remedy, REMEDY_START);
    other_way_add(remedy, REMEDY_ALLOW_MISSING);
}

/* The two kinds of UDP sockets of a resolver look alike: its service, and its own queries to others. */
static void stop_remedy(struct remedy *remedy)
{
    const struct judge_service *service = remedy->subject.service;

    step_add(remedy, REMEDY_STOP);
    if (has_own_unit(remedy->subject.listener) && protocol_of(service->protocol)->shares_client_ports &&
        !rule_names_port(service->rule, service->port)) {
        other_way_add(remedy, REMEDY_EXCEPT_UNIT);
    }
    other_way_add(remedy, REMEDY_ALLOW);
}

/* If nothing may reach a service that must be there, only the policy can change. */
static void reach_remedy(struct remedy *remedy)
{
    const struct judge_service *service = remedy->subject.service;
    const struct rule *rule = service->rule;

    if (rule->reach != REACH_NONE) {
        sockets_remedy(remedy);
    } else if (rule->is_default || rule_missing_state(rule, rule_ports_find(rule, service->port)) == STATE_OK) {
        stop_remedy(remedy);
    } else {
        step_add(remedy, REMEDY_ALLOW);
    }
}

static void unit_remedy(struct remedy *remedy)
{
    step_add(remedy, REMEDY_CHANGE_UNIT);
    other_way_add(remedy, REMEDY_ALLOW);
}

static void user_remedy(struct remedy *remedy)
{
    step_add(remedy, REMEDY_CHANGE_USER);
    other_way_add(remedy, REMEDY_ALLOW);
}

/* Too many, or too few. Inside of a range that alerts inside, fewer is the way down if there is one. */
static void threshold_remedy(struct remedy *remedy)
{
    const struct judge_reason *reason = remedy->subject.reason;
    const struct range *range = reason->range;
    bool too_many = range->inside ? range->start > 0 : (double)reason->count > range->end;

    step_add(remedy, too_many ? REMEDY_FEWER_CLIENTS : REMEDY_MORE_CLIENTS);
    other_way_add(remedy, REMEDY_ALLOW);
}

static void netlink_remedy(struct remedy *remedy)
{
    step_add(remedy, REMEDY_USE_NETLINK);
}

/* NULL where the reason itself says what to do. */
static void (*const remedies[])(struct remedy *remedy) = {
    [JUDGE_NOTHING_LISTENS] = missing_remedy,
    [JUDGE_NO_IPV4] = sockets_remedy,
    [JUDGE_NO_IPV6] = sockets_remedy,
    [JUDGE_TAKES_IPV4] = sockets_remedy,
    [JUDGE_TAKES_IPV6] = sockets_remedy,
    [JUDGE_LISTENS] = stop_remedy,
    [JUDGE_FORM] = sockets_remedy,
    [JUDGE_BIND] = sockets_remedy,
    [JUDGE_REACH] = reach_remedy,
    [JUDGE_UNIT] = unit_remedy,
    [JUDGE_USER] = user_remedy,
    [JUDGE_MAPPED] = threshold_remedy,
    [JUDGE_IPV4] = threshold_remedy,
    [JUDGE_V6ONLY_UNKNOWN] = netlink_remedy,
    [JUDGE_BIND_UNKNOWN] = netlink_remedy,
    [JUDGE_REACH_UNKNOWN] = netlink_remedy,
    [JUDGE_UNREADABLE] = NULL,
};
_Static_assert(sizeof remedies / sizeof *remedies == JUDGE_UNREADABLE + 1, "each cause has a row");

static const char *remedy_make(char text[static REMEDY_SIZE], const struct judge_service *service,
                               const struct judge_reason *reason, const struct tally *tally, bool is_replay)
{
    struct remedy remedy = {
        .text = text_buffer_start(text, REMEDY_SIZE),
        .subject = {.service = service,
                    .tally = tally,
                    .reason = reason,
                    .listener = reason->listener,
                    .is_replay = is_replay},
    };

    if (remedies[reason->cause] != NULL) {
        remedies[reason->cause](&remedy);
    }
    return text;
}

/* Several causes can have one remedy: fewer clients, or netlink. */
const char *remedy_format(char text[static REMEDY_SIZE], const struct judge_service *service,
                          const struct judge_reason *reason, const struct tally *tally, bool is_replay)
{
    char earlier[REMEDY_SIZE];

    remedy_make(text, service, reason, tally, is_replay);
    for (const struct judge_reason *other = service->reasons; other < reason; other++) {
        if (strcmp(remedy_make(earlier, service, other, tally, is_replay), text) == 0) {
            text[0] = '\0';
        }
    }
    return text;
}
