/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One service against its rule. Unknown facts are tried both ways: a rule is broken when it is broken under every
 * assumption that fits what was seen, kept when it is kept under all of them, and UNKNOWN otherwise.
 */
#include "config.h"

#include "audit/judge_service.h"
#include "socket/array.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#define CAUSE_BIT(cause) (1u << (cause))

/*
 * Assumptions are numbered by the answers in them, a bit for each question. The listeners whose v6only is unknown are
 * one question, not one each: whatever a rule asks for only becomes wrong, or only becomes right, as more of them take
 * IPv4. So a rule that is kept when all do and when none does is kept however they differ.
 */
#define QUESTION_V6ONLY 1u
#define QUESTION_IPV6 2u
#define QUESTION_UNIT 4u
#define QUESTION_IPV6_BEYOND 8u
#define ASSUMPTIONS 16u

/* What the assumptions that fit say about one service. */
struct evaluation {
    const struct judge_service *service;
    const struct tally *tally;
    unsigned questions;               /* those that are open */
    bool begun;                       /* any assumption yet? */
    bool has_stack;                   /* any of the whole service? */
    struct stack stack;               /* what these agree on */
    unsigned always;                  /* causes that break the rule under every assumption */
    unsigned sometimes;               /* causes that break it under some */
    bool broken_by_all;               /* broken under every assumption, perhaps for different causes */
    unsigned broken;                  /* the assumptions under which it is broken, a bit for each number */
    struct stack_assumption breaking; /* one under which it is broken, to name the listener to blame */
};

static struct stack_assumption assumption_of(unsigned number)
{
    return (struct stack_assumption){
        .unknown_takes_ipv4 = (number & QUESTION_V6ONLY) != 0,
        .host_has_ipv6 = (number & QUESTION_IPV6) != 0,
        .unknown_is_judged = (number & QUESTION_UNIT) != 0,
        .ipv6_beyond_loopback = (number & QUESTION_IPV6_BEYOND) != 0,
    };
}

/* A socket outside any unit has the path of its cgroup instead, which "*" does not mean. */
static bool unit_fits(const char *glob, const char *unit)
{
    return (*unit != '/' || *glob == '/') && fnmatch(glob, unit, 0) == 0;
}

enum record_answer judge_service_excepts(const struct rule *rule, uint16_t port, const struct tally_listener *listener)
{
    if (rule->except_unit_count == 0 || rule_names_port(rule, port)) {
        return RECORD_NO;
    }
    if (listener->unit_state != TALLY_UNIT_KNOWN) {
        return RECORD_UNKNOWN;
    }
    for (size_t i = 0; i < rule->except_unit_count; i++) {
        if (unit_fits(rule->except_units[i], listener->unit)) {
            return RECORD_YES;
        }
    }
    return RECORD_NO;
}

static bool may_be_excepted(const struct judge_service *service, const struct tally_listener *listener)
{
    return service->rule != NULL && judge_service_excepts(service->rule, service->port, listener) == RECORD_UNKNOWN;
}

/* Does it depend on the host's IPv6, which is unknown, whether anything reaches the listener over IPv6? */
static bool needs_host_ipv6(const struct judge_service *service, const struct tally *tally,
                            const struct tally_listener *listener)
{
    return !service->as_bound && tally->host.ipv6 == RECORD_UNKNOWN && tally_accepts(listener).ipv6 == RECORD_YES &&
           !listener->reach[RECORD_INET6].known;
}

/* The questions that make a difference to this service. */
static unsigned open_questions(const struct judge_service *service, const struct tally *tally)
{
    unsigned questions = 0;

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        questions |= tally_accepts(listener).ipv4 == RECORD_UNKNOWN ? QUESTION_V6ONLY : 0;
        questions |= needs_host_ipv6(service, tally, listener) ? QUESTION_IPV6 | QUESTION_IPV6_BEYOND : 0;
        questions |= may_be_excepted(service, listener) ? QUESTION_UNIT : 0;
    }
    return questions;
}

/* The listener under the assumption: reached now, or for as=bound as far as it is bound. */
static struct stack_socket socket_assumed(const struct evaluation *evaluation, const struct tally_listener *listener,
                                          const struct stack_assumption *assumption)
{
    struct stack_accepts accepts = tally_accepts(listener);
    bool takes_ipv4 = accepts.ipv4 == RECORD_YES || (accepts.ipv4 == RECORD_UNKNOWN && assumption->unknown_takes_ipv4);
    struct stack_socket socket = {.family = listener->family,
                                  .takes = {[RECORD_INET] = takes_ipv4, [RECORD_INET6] = accepts.ipv6 == RECORD_YES}};

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        socket.extent[family] =
            judge_extent(evaluation->service, evaluation->tally, listener, (enum record_family)family);
    }
    if (needs_host_ipv6(evaluation->service, evaluation->tally, listener) && !assumption->ipv6_beyond_loopback) {
        enum reach_extent most = assumption->host_has_ipv6 ? REACH_LOOPBACK : REACH_NONE;
        socket.extent[RECORD_INET6] = socket.extent[RECORD_INET6] < most ? socket.extent[RECORD_INET6] : most;
    }
    return socket;
}

static bool is_judged(const struct judge_service *service, const struct tally_listener *listener,
                      const struct stack_assumption *assumption)
{
    return assumption->unknown_is_judged || !may_be_excepted(service, listener);
}

static struct stack stack_assumed(const struct evaluation *evaluation, const struct stack_assumption *assumption)
{
    struct stack_sum sum = {.native = false};

    for (size_t i = 0; i < evaluation->service->listener_count; i++) {
        const struct tally_listener *listener = evaluation->service->listeners[i];
        struct stack_socket socket = socket_assumed(evaluation, listener, assumption);
        if (is_judged(evaluation->service, listener, assumption)) {
            stack_sum_add(&sum, &socket);
        }
    }
    return stack_of(&sum);
}

/* --- the points of a rule ---------------------------------------------------------------------------------------- */

/* Of a service that has a listener: any is kept and closed is broken, even if nothing reaches it now. */
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

bool judge_stack_fits(enum rule_requirement requirement, const struct stack *stack)
{
    return requirement_causes(requirement, stack) == 0;
}

static bool binds_interface(const struct rule *rule, const struct tally_listener *listener)
{
    for (size_t i = 0; i < rule->bind_interface_count; i++) {
        if (listener->interface != 0 && strcmp(rule->bind_interfaces[i], listener->interface_name) == 0) {
            return true;
        }
    }
    return false;
}

bool judge_bind_fits(const struct rule *rule, const struct tally_listener *listener, bool takes_ipv4)
{
    bool ipv6_wildcard = record_is_wildcard(RECORD_INET6, &listener->address);

    if (rule->bind_scope[listener->scope] || binds_interface(rule, listener)) {
        return true;
    }
    if (ipv6_wildcard || record_is_wildcard(RECORD_INET, &listener->address)) {
        return (!ipv6_wildcard || rule_binds_whole(rule, false)) && (!takes_ipv4 || rule_binds_whole(rule, true));
    }
    for (size_t i = 0; i < rule->bind_count; i++) {
        if (prefix_contains(&rule->bind[i], &listener->address)) {
            return true;
        }
    }
    return false;
}

/* Is it unknown whether the listener is bound to an interface, which bind= may allow? */
static bool bind_is_unknown(const struct evaluation *evaluation, const struct tally_listener *listener)
{
    return evaluation->service->rule->bind_interface_count > 0 &&
           !tally_interface_is_known(evaluation->tally, evaluation->service->protocol, listener);
}

/* Is the listener's user unknown: is the uid hidden, or without a name although the rule has one? */
static bool user_is_unknown(const struct rule *rule, const struct tally_listener *listener)
{
    return listener->uid == RECORD_UID_HIDDEN || (rule->user_by_name && listener->user == NULL);
}

static bool user_fits(const struct rule *rule, const struct tally_listener *listener)
{
    return rule->user_by_name ? strcmp(listener->user, rule->user) == 0 : listener->uid == rule->uid;
}

/* Is the listener reached from farther away than the rule allows, by what is known of it or (`known` false) perhaps? */
static bool reaches_beyond(const struct evaluation *evaluation, const struct tally_listener *listener,
                           const struct stack_socket *socket, bool known)
{
    const struct judge_service *service = evaluation->service;

    for (int family = 0; family < RECORD_FAMILIES && service->rule->reach_set; family++) {
        bool beyond = socket->takes[family] && socket->extent[family] > service->rule->reach;
        bool is_known = service->as_bound || tally_reach(evaluation->tally, listener, (enum record_family)family).known;
        if (beyond && is_known == known) {
            return true;
        }
    }
    return false;
}

/* Is this listener to blame for the cause? A cause of the whole service blames no listener. */
static bool is_to_blame(const struct evaluation *evaluation, const struct tally_listener *listener,
                        enum judge_cause cause, const struct stack_assumption *assumption)
{
    const struct rule *rule = evaluation->service->rule;
    struct stack_socket socket = socket_assumed(evaluation, listener, assumption);

    switch (cause) {
    case JUDGE_TAKES_IPV4:
        return socket.takes[RECORD_INET] && socket.extent[RECORD_INET] != REACH_NONE;
    case JUDGE_TAKES_IPV6:
        return socket.takes[RECORD_INET6] && socket.extent[RECORD_INET6] != REACH_NONE;
    case JUDGE_LISTENS:
        return true;
    case JUDGE_BIND:
    case JUDGE_BIND_UNKNOWN:
        return rule->bind_set && !judge_bind_fits(rule, listener, socket.takes[RECORD_INET]) &&
               bind_is_unknown(evaluation, listener) == (cause == JUDGE_BIND_UNKNOWN);
    case JUDGE_REACH:
    case JUDGE_REACH_UNKNOWN:
        return reaches_beyond(evaluation, listener, &socket, cause == JUDGE_REACH);
    case JUDGE_UNIT:
        return rule->unit != NULL && listener->unit_state == TALLY_UNIT_KNOWN && !unit_fits(rule->unit, listener->unit);
    case JUDGE_UNIT_UNKNOWN:
        return (rule->unit != NULL && listener->unit_state != TALLY_UNIT_KNOWN) ||
               may_be_excepted(evaluation->service, listener);
    case JUDGE_USER:
        return rule->user != NULL && !user_is_unknown(rule, listener) && !user_fits(rule, listener);
    case JUDGE_USER_UNKNOWN:
        return rule->user != NULL && user_is_unknown(rule, listener);
    case JUDGE_V6ONLY_UNKNOWN:
        return tally_accepts(listener).ipv4 == RECORD_UNKNOWN;
    case JUDGE_CLIENT_UNKNOWN:
        return true;
    default:
        return false;
    }
}

/* The widest of those to blame: the one a reader has to change first. */
static const struct tally_listener *blame_find(const struct evaluation *evaluation, enum judge_cause cause,
                                               const struct stack_assumption *assumption)
{
    const struct tally_listener *found = NULL;

    for (size_t i = 0; i < evaluation->service->listener_count; i++) {
        const struct tally_listener *listener = evaluation->service->listeners[i];
        if (is_judged(evaluation->service, listener, assumption) &&
            is_to_blame(evaluation, listener, cause, assumption) && (found == NULL || listener->scope > found->scope)) {
            found = listener;
        }
    }
    return found;
}

/* Those of the causes that a listener is to blame for. */
static unsigned causes_blamed(const struct evaluation *evaluation, const struct stack_assumption *assumption,
                              unsigned causes)
{
    unsigned blamed = 0;

    for (int cause = 0; cause <= JUDGE_UNREADABLE; cause++) {
        if ((causes & CAUSE_BIT(cause)) != 0 && blame_find(evaluation, (enum judge_cause)cause, assumption) != NULL) {
            blamed |= CAUSE_BIT(cause);
        }
    }
    return blamed;
}

/* All that breaks the rule under this assumption. */
static unsigned causes_assumed(const struct evaluation *evaluation, const struct stack_assumption *assumption,
                               const struct stack *stack)
{
    const unsigned by_listener =
        CAUSE_BIT(JUDGE_BIND) | CAUSE_BIT(JUDGE_REACH) | CAUSE_BIT(JUDGE_UNIT) | CAUSE_BIT(JUDGE_USER);
    const struct rule *rule = evaluation->service->rule;
    unsigned causes = requirement_causes(rule->requirement, stack);

    if (rule->form != STACK_FORM_NONE && stack->kind == STACK_DUAL && stack->form != rule->form) {
        causes |= CAUSE_BIT(JUDGE_FORM);
    }
    return causes | causes_blamed(evaluation, assumption, by_listener);
}

/* Is there anything to judge? */
static bool has_judged(const struct judge_service *service, const struct stack_assumption *assumption)
{
    for (size_t i = 0; i < service->listener_count && service->rule != NULL; i++) {
        if (is_judged(service, service->listeners[i], assumption)) {
            return true;
        }
    }
    return false;
}

static void assumption_try(struct evaluation *evaluation, unsigned number)
{
    struct stack_assumption assumption = assumption_of(number);
    struct stack stack = stack_assumed(evaluation, &assumption);
    unsigned causes =
        has_judged(evaluation->service, &assumption) ? causes_assumed(evaluation, &assumption, &stack) : 0;

    /* What the service is does not depend on which of its listeners the rule judges. */
    if (((number ^ evaluation->questions) & QUESTION_UNIT) == 0) {
        evaluation->stack = evaluation->has_stack ? stack_agree(&evaluation->stack, &stack) : stack;
        evaluation->has_stack = true;
    }
    evaluation->always = evaluation->begun ? evaluation->always & causes : causes;
    evaluation->broken_by_all = (evaluation->broken_by_all || !evaluation->begun) && causes != 0;
    evaluation->sometimes |= causes;
    if (causes != 0) {
        /* Listeners that are judged in any case are blamed before those that may be judged. */
        if (evaluation->broken == 0 || !assumption.unknown_is_judged) {
            evaluation->breaking = assumption;
        }
        evaluation->broken |= 1u << number;
    }
    evaluation->begun = true;
}

/* --- reasons ----------------------------------------------------------------------------------------------------- */

int judge_service_blame(struct judge_service *service, const struct judge_reason *reason)
{
    struct judge_reason *grown = array_grow(service->reasons, service->reason_count, sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    service->reasons = grown;
    service->reasons[service->reason_count++] = *reason;
    return 0;
}

/* The listener to blame under an assumption that breaks the rule; if that is for another cause, where most is taken. */
static const struct tally_listener *culprit_find(const struct evaluation *evaluation, enum judge_cause cause)
{
    const struct stack_assumption most = assumption_of(ASSUMPTIONS - 1);
    const struct tally_listener *found = blame_find(evaluation, cause, &evaluation->breaking);

    return found != NULL ? found : blame_find(evaluation, cause, &most);
}

static int causes_blame(struct judge_service *service, const struct evaluation *evaluation, unsigned causes,
                        enum state state)
{
    int result = 0;

    for (int cause = 0; cause <= JUDGE_UNREADABLE && result == 0; cause++) {
        if ((causes & CAUSE_BIT(cause)) != 0) {
            struct judge_reason reason = {
                .cause = (enum judge_cause)cause,
                .state = state,
                .listener = culprit_find(evaluation, (enum judge_cause)cause),
            };
            result = judge_service_blame(service, &reason);
        }
    }
    return result;
}

/* The open questions whose answer decides whether the rule is broken. */
static unsigned questions_that_matter(const struct evaluation *evaluation)
{
    unsigned questions = evaluation->questions;
    unsigned matter = 0;

    for (unsigned question = 1; question < ASSUMPTIONS; question <<= 1) {
        for (unsigned number = 0; number < ASSUMPTIONS; number++) {
            if ((questions & question) == 0 || (number & ~(questions & ~question)) != 0) {
                continue;
            }
            if ((evaluation->broken >> number & 1) != (evaluation->broken >> (number | question) & 1)) {
                matter |= question;
            }
        }
    }
    return matter;
}

/*
 * Neither a range nor a default judges a UDP port that the kernel assigns to clients. If that range of ports is
 * unknown, it is unknown whether such a rule judges this port.
 */
static bool may_be_client(const struct judge_service *service, const struct tally *tally)
{
    bool is_exempt = rule_names_port(service->rule, service->port) || service->rule->ephemeral;

    return protocol_of(service->protocol)->shares_client_ports && service->port >= HOST_PORT_CLIENT_FIRST &&
           !is_exempt && !host_port_range_is_known(&tally->host);
}

/*
 * Where the rule may except several listeners, it may judge some of them and not others, which is more than the
 * assumptions try. Only what a rule needs can be lost in this way.
 */
static bool some_may_be_excepted(const struct judge_service *service)
{
    const struct rule_requirement_row *row = rule_requirement_of(service->rule->requirement);
    size_t count = 0;

    for (size_t i = 0; i < service->listener_count; i++) {
        count += may_be_excepted(service, service->listeners[i]);
    }
    return count > 1 && (row->needs_ipv4 || row->needs_ipv6);
}

/* Unknown facts about listeners that could break a rule that nothing else breaks. */
static unsigned causes_unknown(const struct evaluation *evaluation)
{
    const struct stack_assumption most = assumption_of(ASSUMPTIONS - 1);
    const struct judge_service *service = evaluation->service;
    unsigned causes = CAUSE_BIT(JUDGE_USER_UNKNOWN) | CAUSE_BIT(JUDGE_BIND_UNKNOWN) | CAUSE_BIT(JUDGE_REACH_UNKNOWN);

    causes |= service->rule->unit != NULL ? CAUSE_BIT(JUDGE_UNIT_UNKNOWN) : 0;
    return causes_blamed(evaluation, &most, causes) |
           (some_may_be_excepted(service) ? CAUSE_BIT(JUDGE_UNIT_UNKNOWN) : 0);
}

static int evaluation_blame(struct judge_service *service, const struct evaluation *evaluation)
{
    unsigned matter = questions_that_matter(evaluation);
    unsigned unknown = 0;
    unsigned breaking =
        evaluation->broken_by_all && evaluation->always == 0 ? evaluation->sometimes : evaluation->always;
    int result;

    unknown |= (matter & QUESTION_V6ONLY) != 0 ? CAUSE_BIT(JUDGE_V6ONLY_UNKNOWN) : 0;
    unknown |= (matter & (QUESTION_IPV6 | QUESTION_IPV6_BEYOND)) != 0 ? CAUSE_BIT(JUDGE_IPV6_UNKNOWN) : 0;
    unknown |= (matter & QUESTION_UNIT) != 0 ? CAUSE_BIT(JUDGE_UNIT_UNKNOWN) : 0;
    unknown |= breaking == 0 ? causes_unknown(evaluation) : 0;
    if (breaking != 0 && may_be_client(service, evaluation->tally)) {
        breaking = 0;
        unknown |= CAUSE_BIT(JUDGE_CLIENT_UNKNOWN);
    }
    result = causes_blame(service, evaluation, breaking, service->rule->severity);
    return result != 0 ? result : causes_blame(service, evaluation, unknown, STATE_UNKNOWN);
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
    unsigned questions = open_questions(service, tally);
    struct evaluation evaluation = {.service = service, .tally = tally, .questions = questions};

    if (tally->unreadable[service->protocol][0] != '\0') {
        struct judge_reason reason = {.cause = JUDGE_UNREADABLE, .state = STATE_UNKNOWN};
        service->stack = (struct stack){.kind = STACK_UNKNOWN};
        return service->rule == NULL ? 0 : judge_service_blame(service, &reason);
    }
    for (unsigned number = 0; number < ASSUMPTIONS; number++) {
        if ((number & ~questions) == 0) {
            assumption_try(&evaluation, number);
        }
    }
    service->stack = evaluation.stack;
    if (service->rule == NULL) {
        return 0;
    }
    return service->listener_count == 0 ? nothing_listens_blame(service) : evaluation_blame(service, &evaluation);
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
