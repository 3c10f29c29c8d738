/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One service against its rule. What cannot be told is tried both ways: a rule is broken when it is broken in every
 * world that fits what was seen, kept when it is kept in all of them, and UNKNOWN otherwise.
 */
#include "config.h"

#include "audit/judge_service.h"
#include "socket/protocol.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#define CAUSE_BIT(cause) (1u << (cause))

/* Clients get no port below net.ipv4.ip_unprivileged_port_start, this one unless someone changed it. */
#define CLIENT_FIRST 1024

/* Worlds are numbered by the answers in them: a bit for each scope of struct stack_world, one for the host's IPv6. */
#define WORLD_IPV6 (1u << STACK_SCOPES)
#define WORLDS (WORLD_IPV6 << 1)

/* What the worlds that fit say of one service. */
struct outlook {
    const struct judge_service *service;
    const struct tally *tally;
    bool seen;                   /* any world yet? */
    struct stack stack;          /* what they agree on */
    unsigned always;             /* causes that break the rule in every world */
    unsigned sometimes;          /* causes that break it in some */
    bool broken_in_all;          /* broken in every world, be it for different causes */
    unsigned broken;             /* the worlds in which it is broken, a bit for each number */
    struct stack_world breaking; /* a world in which it is broken, to name the listener to blame */
};

static struct stack_world world_of(unsigned number)
{
    struct stack_world world = {.unknown_takes_ipv6 = (number & WORLD_IPV6) != 0};

    for (int scope = 0; scope < STACK_SCOPES; scope++) {
        world.unknown_takes_ipv4[scope] = (number & (1u << scope)) != 0;
    }
    return world;
}

/* The bits that make a difference to this service. */
static unsigned open_questions(const struct judge_service *service, const struct tally *tally)
{
    unsigned questions = 0;

    for (size_t i = 0; i < service->listener_count; i++) {
        struct stack_accepts accepts = tally_accepts(tally, service->listeners[i]);
        if (accepts.ipv4 == RECORD_UNKNOWN) {
            questions |= 1u << service->listeners[i]->scope;
        }
        if (accepts.ipv6 == RECORD_UNKNOWN) {
            questions |= WORLD_IPV6;
        }
    }
    return questions;
}

static struct stack stack_in(const struct outlook *outlook, const struct stack_world *world)
{
    struct stack_sum sum = {0};

    for (size_t i = 0; i < outlook->service->listener_count; i++) {
        const struct tally_listener *listener = outlook->service->listeners[i];
        stack_sum_add(&sum, world, listener->family, listener->scope, tally_accepts(outlook->tally, listener));
    }
    return stack_of(&sum);
}

/* --- the points of a rule ---------------------------------------------------------------------------------------- */

/* Of a service that has a listener: so any is kept and closed broken, be it that nothing arrives there today. */
static unsigned requirement_causes(enum rule_requirement requirement, const struct stack *stack)
{
    const struct rule_requirement_row *row = rule_requirement_of(requirement);
    bool ipv4 = stack->kind == STACK_V4_ONLY || stack->kind == STACK_DUAL;
    bool ipv6 = stack->kind == STACK_V6_ONLY || stack->kind == STACK_DUAL;
    unsigned causes = row->bars_listening ? CAUSE_BIT(JUDGE_LISTENS) : 0;

    causes |= row->needs_ipv4 && !ipv4 ? CAUSE_BIT(JUDGE_NO_IPV4) : 0;
    causes |= row->needs_ipv6 && !ipv6 ? CAUSE_BIT(JUDGE_NO_IPV6) : 0;
    causes |= row->bars_ipv4 && ipv4 ? CAUSE_BIT(JUDGE_TAKES_IPV4) : 0;
    causes |= row->bars_ipv6 && ipv6 ? CAUSE_BIT(JUDGE_TAKES_IPV6) : 0;
    return causes;
}

static bool takes_ipv4(const struct tally_listener *listener, const struct stack_world *world)
{
    /* What the socket is, whether or not the host has addresses: so the host's IPv6 counts as there. */
    struct stack_accepts accepts = stack_accepts(listener->family, &listener->address, listener->v6only, RECORD_YES);

    return accepts.ipv4 == RECORD_YES || (accepts.ipv4 == RECORD_UNKNOWN && world->unknown_takes_ipv4[listener->scope]);
}

static bool bind_fits(const struct rule *rule, const struct tally_listener *listener, const struct stack_world *world)
{
    bool ipv6_wildcard = record_is_wildcard(RECORD_INET6, &listener->address);

    if (rule->bind_scope[listener->scope]) {
        return true;
    }
    if (ipv6_wildcard || record_is_wildcard(RECORD_INET, &listener->address)) {
        return (!ipv6_wildcard || rule_binds_whole(rule, false)) &&
               (!takes_ipv4(listener, world) || rule_binds_whole(rule, true));
    }
    for (size_t i = 0; i < rule->bind_count; i++) {
        if (prefix_contains(&rule->bind[i], &listener->address)) {
            return true;
        }
    }
    return false;
}

/* What is in no unit has the path of its cgroup instead, which "*" does not mean. */
static bool unit_fits(const char *glob, const char *unit)
{
    return (*unit != '/' || *glob == '/') && fnmatch(glob, unit, 0) == 0;
}

/* Is this listener to blame for the cause? What nobody in particular is to blame for blames nobody. */
static bool is_to_blame(const struct outlook *outlook, const struct tally_listener *listener, enum judge_cause cause,
                        const struct stack_world *world)
{
    const struct rule *rule = outlook->service->rule;
    struct stack_accepts accepts = tally_accepts(outlook->tally, listener);

    switch (cause) {
    case JUDGE_TAKES_IPV4:
        return takes_ipv4(listener, world);
    case JUDGE_TAKES_IPV6:
        return accepts.ipv6 == RECORD_YES || (accepts.ipv6 == RECORD_UNKNOWN && world->unknown_takes_ipv6);
    case JUDGE_LISTENS:
        return true;
    case JUDGE_BIND:
        return rule->bind_set && !bind_fits(rule, listener, world);
    case JUDGE_UNIT:
        return rule->unit != NULL && listener->unit_state == TALLY_UNIT_KNOWN && !unit_fits(rule->unit, listener->unit);
    case JUDGE_UNIT_UNKNOWN:
        return rule->unit != NULL && listener->unit_state != TALLY_UNIT_KNOWN;
    case JUDGE_USER:
        return rule->user != NULL && listener->uid != rule->uid;
    case JUDGE_V6ONLY_UNKNOWN:
        return accepts.ipv4 == RECORD_UNKNOWN;
    case JUDGE_CLIENT_UNKNOWN:
        return true;
    default:
        return false;
    }
}

/* The widest of those to blame: the one a reader has to change first. */
static const struct tally_listener *blame_find(const struct outlook *outlook, enum judge_cause cause,
                                               const struct stack_world *world)
{
    const struct tally_listener *found = NULL;

    for (size_t i = 0; i < outlook->service->listener_count; i++) {
        const struct tally_listener *listener = outlook->service->listeners[i];
        if (is_to_blame(outlook, listener, cause, world) && (found == NULL || listener->scope > found->scope)) {
            found = listener;
        }
    }
    return found;
}

/* All that breaks the rule in this world. */
static unsigned causes_in(const struct outlook *outlook, const struct stack_world *world, const struct stack *stack)
{
    static const enum judge_cause by_listener[] = {JUDGE_BIND, JUDGE_UNIT, JUDGE_USER};
    const struct rule *rule = outlook->service->rule;
    unsigned causes = requirement_causes(rule->requirement, stack);

    if (rule->form != STACK_FORM_NONE && stack->kind == STACK_DUAL && stack->form != rule->form) {
        causes |= CAUSE_BIT(JUDGE_FORM);
    }
    for (size_t i = 0; i < sizeof by_listener / sizeof *by_listener; i++) {
        if (blame_find(outlook, by_listener[i], world) != NULL) {
            causes |= CAUSE_BIT(by_listener[i]);
        }
    }
    return causes;
}

static void world_look(struct outlook *outlook, unsigned number)
{
    struct stack_world world = world_of(number);
    struct stack stack = stack_in(outlook, &world);
    unsigned causes = outlook->service->rule != NULL ? causes_in(outlook, &world, &stack) : 0;

    outlook->stack = outlook->seen ? stack_agree(&outlook->stack, &stack) : stack;
    outlook->always = outlook->seen ? outlook->always & causes : causes;
    outlook->broken_in_all = (outlook->broken_in_all || !outlook->seen) && causes != 0;
    outlook->sometimes |= causes;
    if (causes != 0) {
        outlook->breaking = world;
        outlook->broken |= 1u << number;
    }
    outlook->seen = true;
}

/* --- reasons ----------------------------------------------------------------------------------------------------- */

int judge_service_blame(struct judge_service *service, const struct judge_reason *reason)
{
    struct judge_reason *grown = realloc(service->reasons, (service->reason_count + 1) * sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    service->reasons = grown;
    service->reasons[service->reason_count++] = *reason;
    return 0;
}

/* The listener to blame in the world that breaks the rule; where that is for another cause, in the one that takes most.
 */
static const struct tally_listener *culprit_find(const struct outlook *outlook, enum judge_cause cause)
{
    const struct stack_world most = world_of(WORLDS - 1);
    const struct tally_listener *found = blame_find(outlook, cause, &outlook->breaking);

    return found != NULL ? found : blame_find(outlook, cause, &most);
}

static int causes_blame(struct judge_service *service, const struct outlook *outlook, unsigned causes, enum state state)
{
    int result = 0;

    for (int cause = 0; cause <= JUDGE_UNREADABLE && result == 0; cause++) {
        if ((causes & CAUSE_BIT(cause)) != 0) {
            struct judge_reason reason = {
                .cause = (enum judge_cause)cause,
                .state = state,
                .listener = culprit_find(outlook, (enum judge_cause)cause),
            };
            result = judge_service_blame(service, &reason);
        }
    }
    return result;
}

/* Of the open questions those on whose answer it depends whether the rule is broken. */
static unsigned questions_that_matter(const struct outlook *outlook, unsigned questions)
{
    unsigned matter = 0;

    for (unsigned question = 1; question < WORLDS; question <<= 1) {
        for (unsigned number = 0; number < WORLDS; number++) {
            if ((questions & question) == 0 || (number & ~(questions & ~question)) != 0) {
                continue;
            }
            if ((outlook->broken >> number & 1) != (outlook->broken >> (number | question) & 1)) {
                matter |= question;
            }
        }
    }
    return matter;
}

/*
 * Neither a range nor a default judges a UDP port that the kernel hands out to clients. Where nobody knows which ports
 * these are, nobody knows whether such a rule judges this one.
 */
static bool may_be_client(const struct judge_service *service, const struct tally *tally)
{
    const struct sock_host *host = &tally->host;
    bool is_named = !service->rule->is_default && rule_ports_find(service->rule, service->port)->single;

    return protocol_of(service->protocol)->shares_client_ports && service->port >= CLIENT_FIRST && !is_named &&
           host->port_range_first > host->port_range_last;
}

static int outlook_blame(struct judge_service *service, const struct outlook *outlook, unsigned questions)
{
    unsigned matter = questions_that_matter(outlook, questions);
    unsigned unknown = 0;
    unsigned breaking = outlook->broken_in_all && outlook->always == 0 ? outlook->sometimes : outlook->always;
    int result;

    unknown |= (matter & ~WORLD_IPV6) != 0 ? CAUSE_BIT(JUDGE_V6ONLY_UNKNOWN) : 0;
    unknown |= (matter & WORLD_IPV6) != 0 ? CAUSE_BIT(JUDGE_IPV6_UNKNOWN) : 0;
    if (breaking == 0 && blame_find(outlook, JUDGE_UNIT_UNKNOWN, &outlook->breaking) != NULL) {
        unknown |= CAUSE_BIT(JUDGE_UNIT_UNKNOWN);
    }
    if (breaking != 0 && may_be_client(service, outlook->tally)) {
        breaking = 0;
        unknown |= CAUSE_BIT(JUDGE_CLIENT_UNKNOWN);
    }
    result = causes_blame(service, outlook, breaking, service->rule->severity);
    return result != 0 ? result : causes_blame(service, outlook, unknown, STATE_UNKNOWN);
}

static int nothing_listens_blame(struct judge_service *service)
{
    const struct rule *rule = service->rule;
    struct judge_reason reason = {.cause = JUDGE_NOTHING_LISTENS};

    reason.state = rule_missing_state(rule, rule_ports_find(rule, service->port));
    return reason.state == STATE_OK ? 0 : judge_service_blame(service, &reason);
}

int judge_service_decide(struct judge_service *service, const struct tally *tally)
{
    struct outlook outlook = {.service = service, .tally = tally};
    unsigned questions = open_questions(service, tally);

    if (tally->unreadable[service->protocol][0] != '\0') {
        struct judge_reason reason = {.cause = JUDGE_UNREADABLE, .state = STATE_UNKNOWN};
        service->stack = (struct stack){.kind = STACK_UNKNOWN};
        return service->rule == NULL ? 0 : judge_service_blame(service, &reason);
    }
    for (unsigned number = 0; number < WORLDS; number++) {
        if ((number & ~questions) == 0) {
            world_look(&outlook, number);
        }
    }
    service->stack = outlook.stack;
    if (service->rule == NULL) {
        return 0;
    }
    return service->listener_count == 0 ? nothing_listens_blame(service) : outlook_blame(service, &outlook, questions);
}

void judge_service_conclude(struct judge_service *service, int32_t today)
{
    const unsigned absences = CAUSE_BIT(JUDGE_NOTHING_LISTENS) | CAUSE_BIT(JUDGE_NO_IPV4) | CAUSE_BIT(JUDGE_NO_IPV6);
    bool waived = service->rule != NULL && service->rule->waive_set && today <= service->rule->waive_day;

    service->state = STATE_OK;
    for (size_t i = 0; i < service->reason_count; i++) {
        const struct judge_reason *reason = &service->reasons[i];
        service->absent |= (CAUSE_BIT(reason->cause) & absences) != 0;
        if (waived && reason->state != STATE_UNKNOWN) {
            service->waived = true;
        } else {
            service->state = state_worse(service->state, reason->state);
        }
    }
}
