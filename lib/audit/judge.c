/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Rules and tally to verdicts: which services there are to judge, and what they add up to.
 */
#include "config.h"

#include "audit/judge.h"

#include "audit/change.h"
#include "audit/judge_service.h"
#include "socket/array.h"

#include <errno.h>
#include <stdlib.h>

struct context {
    const struct judge_question *question;
    const struct policy *policy;
    const struct tally *tally;
    struct judge_verdict *verdict;
    /* By position in policy->rules. */
    size_t *first_of_rule;                                        /* where its services begin, if it has any */
    const struct tally_service *(*first_connected)[RULE_COUNTED]; /* the first with such connections, NULL for none */
};

int judge_listener_add(struct judge_service *service, const struct tally_listener *listener)
{
    const struct tally_listener **grown =
        array_grow(service->listeners, service->listener_count, sizeof(const struct tally_listener *));

    if (grown == NULL) {
        return -ENOMEM;
    }
    service->listeners = grown;
    service->listeners[service->listener_count++] = listener;
    return 0;
}

/* A service without listeners as yet, and without a verdict. NULL when out of memory. */
static struct judge_service *service_append(struct context *context, const struct rule *rule,
                                            enum record_protocol protocol, uint16_t port)
{
    struct judge_verdict *verdict = context->verdict;
    struct judge_service *grown = array_grow(verdict->services, verdict->service_count, sizeof *grown);

    if (grown == NULL) {
        return NULL;
    }
    verdict->services = grown;
    verdict->services[verdict->service_count] = (struct judge_service){.protocol = protocol,
                                                                       .port = port,
                                                                       .rule = rule,
                                                                       .as_bound = rule != NULL && rule->as_bound};
    return &verdict->services[verdict->service_count++];
}

/* The scopes of the port that `rule` judges; NULL: those that no rule judges. */
static unsigned scopes_of(const struct context *context, const struct rule *rule, enum record_protocol protocol,
                          uint16_t port)
{
    unsigned scopes = 0;

    for (int scope = 0; scope < SCOPES; scope++) {
        if (policy_find(context->policy, &context->tally->host, protocol, port, (enum scope)scope) == rule) {
            scopes |= SCOPE_BIT(scope);
        }
    }
    return scopes;
}

/* The one rule that judges the listener; NULL if there is none, or if it excepts the listener's unit. */
static const struct rule *listener_rule(const struct context *context, const struct tally_service *source,
                                        const struct tally_listener *listener)
{
    const struct rule *rule =
        policy_find(context->policy, &context->tally->host, source->protocol, source->port, listener->scope);

    return rule != NULL && judge_service_excepts(rule, source->port, listener) == RECORD_YES ? NULL : rule;
}

static size_t listeners_count(const struct context *context, const struct rule *rule,
                              const struct tally_service *source)
{
    size_t count = 0;

    for (size_t i = 0; source != NULL && i < source->listener_count; i++) {
        count += listener_rule(context, source, &source->listeners[i]) == rule;
    }
    return count;
}

/*
 * The rule that judges connections of that scope; NULL for none. Connections have no unit, so a rule that excepts some
 * listeners of the port gets all of them, and a rule that excepts every listener gets none.
 */
static const struct rule *connection_rule(const struct context *context, const struct tally_service *source,
                                          enum scope scope)
{
    const struct rule *rule =
        policy_find(context->policy, &context->tally->host, source->protocol, source->port, scope);
    bool excepts_all = rule != NULL && rule->except_unit_count > 0;

    for (size_t i = 0; i < source->listener_count && excepts_all; i++) {
        excepts_all = judge_service_excepts(rule, source->port, &source->listeners[i]) == RECORD_YES;
    }
    return excepts_all ? NULL : rule;
}

/* Takes over the connections that follow the service's rule, and their clients. */
static int connections_fill(const struct context *context, struct judge_service *service,
                            const struct tally_service *source)
{
    unsigned scopes = 0;

    for (int scope = 0; scope < SCOPES; scope++) {
        bool follows = connection_rule(context, source, (enum scope)scope) == service->rule;
        for (int kind = 0; kind < TALLY_KINDS && follows; kind++) {
            service->connections[kind] += source->connections[scope][kind];
        }
        scopes |= follows ? SCOPE_BIT(scope) : 0;
    }
    return context->question->peers > 0 ? tally_peers_merge(source, scopes, context->question->peers, &service->peers)
                                        : 0;
}

/* Takes over the listeners and connections of the service's rule. */
static int service_fill(const struct context *context, struct judge_service *service,
                        const struct tally_service *source)
{
    int result = 0;

    for (size_t i = 0; i < source->listener_count && result == 0; i++) {
        if (listener_rule(context, source, &source->listeners[i]) == service->rule) {
            result = judge_listener_add(service, &source->listeners[i]);
        }
    }
    return result != 0 ? result : connections_fill(context, service, source);
}

static bool is_unreadable(const struct context *context, int protocol)
{
    return context->tally->unreadable[protocol][0] != '\0';
}

/* Adds the service of this rule at the port, judged; NULL: the service that no rule judges. */
static int service_add(struct context *context, const struct rule *rule, enum record_protocol protocol, uint16_t port)
{
    struct judge_service *service = service_append(context, rule, protocol, port);
    const struct tally_service *source = tally_find(context->tally, protocol, port);
    int result = 0;

    if (service == NULL) {
        return -ENOMEM;
    }
    if (source != NULL && !is_unreadable(context, (int)protocol)) {
        result = service_fill(context, service, source);
    }
    return result != 0 ? result : judge_service_decide(service, context->tally);
}

static bool is_superseded(const struct context *context, const struct rule *rule, uint16_t port)
{
    return policy_is_superseded(context->policy, &context->tally->host, rule, port);
}

/* Does the rule have a service at this port, even a missing one? */
static int rule_port_judge(struct context *context, const struct rule *rule, const struct rule_ports *ports,
                           uint16_t port)
{
    enum record_protocol protocol = (enum record_protocol)rule->protocol;
    const struct tally_service *source = tally_find(context->tally, protocol, port);
    unsigned scopes = scopes_of(context, rule, protocol, port);

    if (rule_ports_find(rule, port) != ports || (scopes == 0 && is_superseded(context, rule, port))) {
        return 0;
    }
    if (listeners_count(context, rule, source) == 0 && !ports->single && rule_missing_state(rule, ports) == STATE_OK) {
        return 0;
    }
    return service_add(context, rule, protocol, port);
}

/* The port that stands for the whole rule: its first that no other rule comes before. */
static uint16_t rule_port(const struct context *context, const struct rule *rule)
{
    for (size_t i = 0; i < rule->port_count; i++) {
        for (unsigned port = rule->ports[i].first; port <= rule->ports[i].last; port++) {
            if (!is_superseded(context, rule, (uint16_t)port)) {
                return (uint16_t)port;
            }
        }
    }
    return rule->ports[0].first;
}

/* A rule whose protocol cannot be read: one port stands for it, and each that it names singly for itself. */
static int rule_unreadable_judge(struct context *context, const struct rule *rule)
{
    enum record_protocol protocol = (enum record_protocol)rule->protocol;
    uint16_t first = rule_port(context, rule);
    int result = service_add(context, rule, protocol, first);

    for (size_t i = 0; i < rule->port_count && result == 0; i++) {
        uint16_t port = rule->ports[i].first;
        if (rule->ports[i].single && port != first && !is_superseded(context, rule, port)) {
            result = service_add(context, rule, protocol, port);
        }
    }
    return result;
}

/* A range whose missing ports are not a breach: only its listeners are judged, however wide it is. */
static int range_judge(struct context *context, const struct rule *rule, const struct rule_ports *ports)
{
    enum record_protocol protocol = (enum record_protocol)rule->protocol;
    const struct tally *tally = context->tally;
    int result = 0;

    for (size_t i = tally_position(tally, protocol, ports->first); i < tally->service_count && result == 0; i++) {
        const struct tally_service *source = &tally->services[i];
        if (source->protocol != protocol || source->port > ports->last) {
            break;
        }
        result = rule_port_judge(context, rule, ports, source->port);
    }
    return result;
}

static int ports_judge(struct context *context, const struct rule *rule, const struct rule_ports *ports)
{
    int result = 0;

    if (!ports->single && rule_missing_state(rule, ports) == STATE_OK) {
        return range_judge(context, rule, ports);
    }
    for (unsigned port = ports->first; port <= ports->last && result == 0; port++) {
        result = rule_port_judge(context, rule, ports, (uint16_t)port);
    }
    return result;
}

static int rule_judge(struct context *context, const struct rule *rule)
{
    int result = 0;

    if (rule->is_default) {
        return 0;
    }
    context->verdict->rule_known[rule->position] = !is_unreadable(context, rule->protocol);
    if (is_unreadable(context, rule->protocol)) {
        return rule_unreadable_judge(context, rule);
    }
    context->first_of_rule[rule->position] = context->verdict->service_count;
    for (size_t i = 0; i < rule->port_count && result == 0; i++) {
        result = ports_judge(context, rule, &rule->ports[i]);
    }
    return result;
}

static int others_add(struct context *context, const struct rule *rule, const struct tally_service *source)
{
    bool listens = listeners_count(context, rule, source) > 0;

    return listens ? service_add(context, rule, source->protocol, source->port) : 0;
}

/* The defaults' parts of the service. */
static int defaults_judge(struct context *context, const struct tally_service *source)
{
    unsigned done = 0;
    int result = 0;

    for (int scope = 0; scope < SCOPES && result == 0; scope++) {
        const struct rule *rule =
            policy_find(context->policy, &context->tally->host, source->protocol, source->port, (enum scope)scope);
        if ((done & SCOPE_BIT(scope)) == 0 && rule != NULL && rule->is_default) {
            done |= scopes_of(context, rule, source->protocol, source->port);
            result = others_add(context, rule, source);
        }
    }
    return result;
}

/* The listening services, or parts of one, that a default judges, or (if asked for) that nothing judges. */
static int others_judge(struct context *context, bool defaults)
{
    int result = 0;

    for (size_t i = 0; i < context->tally->service_count && result == 0; i++) {
        const struct tally_service *source = &context->tally->services[i];
        result = defaults ? defaults_judge(context, source) : others_add(context, NULL, source);
    }
    return result;
}

/* --- thresholds on the connections of a rule ---------------------------------------------------------------------- */

static const struct counted {
    enum judge_cause cause; /* when a threshold is crossed */
    uint64_t (*sum)(const uint64_t counts[static TALLY_KINDS]);
} counted_connections[] = {
    [RULE_MAPPED] = {JUDGE_MAPPED, tally_mapped_sum},
    [RULE_IPV4] = {JUDGE_IPV4, tally_ipv4_sum},
};
_Static_assert(sizeof counted_connections / sizeof *counted_connections == RULE_COUNTED, "each has a row");

static void rule_connections_add(struct context *context, const struct rule *rule, const struct tally_service *source,
                                 const uint64_t connections[static TALLY_KINDS])
{
    uint64_t *sum = context->verdict->rule_connections[rule->position];
    const struct tally_service **first = context->first_connected[rule->position];

    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        sum[kind] += connections[kind];
    }
    for (int counted = 0; counted < RULE_COUNTED; counted++) {
        if (first[counted] == NULL && counted_connections[counted].sum(connections) > 0) {
            first[counted] = source;
        }
    }
}

static void rule_connections_sum(struct context *context)
{
    for (size_t i = 0; i < context->tally->service_count; i++) {
        const struct tally_service *source = &context->tally->services[i];
        for (int scope = 0; scope < SCOPES; scope++) {
            const struct rule *rule = connection_rule(context, source, (enum scope)scope);
            if (rule != NULL) {
                rule_connections_add(context, rule, source, source->connections[scope]);
            }
        }
    }
}

/*
 * Adds the service that stands for a rule without any, with nothing but its connections: at the first port that has
 * such connections, although nothing listens there in the rule's scope, or else at the rule's own first port.
 */
static int connected_add(struct context *context, const struct rule *rule, enum rule_counted counted)
{
    const struct tally_service *found = context->first_connected[rule->position][counted];
    struct judge_service *service = service_append(context, rule, (enum record_protocol)rule->protocol,
                                                   found != NULL ? found->port : rule_port(context, rule));

    if (service == NULL) {
        return -ENOMEM;
    }
    return found != NULL ? service_fill(context, service, found) : 0;
}

/*
 * Reports a crossed threshold of a rule at those of its services that have such connections; if none has, at its first
 * service; if it has no service at all (a range where nothing of its scope listens), at one that stands for it.
 */
static int threshold_breach_add(struct context *context, const struct rule *rule, enum rule_counted counted,
                                const struct judge_reason *reason)
{
    struct judge_verdict *verdict = context->verdict;
    size_t first = context->first_of_rule[rule->position];
    size_t end = first;
    bool reported = false;
    int result = 0;

    for (; end < verdict->service_count && verdict->services[end].rule == rule && result == 0; end++) {
        if (counted_connections[counted].sum(verdict->services[end].connections) > 0) {
            reported = true;
            result = judge_service_blame(&verdict->services[end], reason);
        }
    }
    if (result != 0 || reported) {
        return result;
    }
    if (end == first) {
        first = verdict->service_count;
        context->first_of_rule[rule->position] = first;
        result = connected_add(context, rule, counted);
    }
    return result != 0 ? result : judge_service_blame(&verdict->services[first], reason);
}

static int threshold_judge(struct context *context, const struct rule *rule, enum rule_counted counted)
{
    const struct rule_thresholds *thresholds = &rule->thresholds[counted];
    const struct counted *row = &counted_connections[counted];
    struct judge_reason reason = {.cause = row->cause,
                                  .count = row->sum(context->verdict->rule_connections[rule->position])};

    if (thresholds->critical.set && range_alerts(&thresholds->critical.range, (double)reason.count)) {
        reason.state = STATE_CRITICAL;
        reason.range = &thresholds->critical.range;
    } else if (thresholds->warning.set && range_alerts(&thresholds->warning.range, (double)reason.count)) {
        reason.state = STATE_WARNING;
        reason.range = &thresholds->warning.range;
    } else {
        return 0;
    }
    return threshold_breach_add(context, rule, counted, &reason);
}

static int rule_thresholds_judge(struct context *context, const struct rule *rule)
{
    int result = 0;

    for (int i = 0; i < RULE_COUNTED && result == 0 && context->verdict->rule_known[rule->position]; i++) {
        result = threshold_judge(context, rule, (enum rule_counted)i);
    }
    return result;
}

/* --- totals ------------------------------------------------------------------------------------------------------ */

static void service_count_in(struct judge_total *total, const struct judge_service *service)
{
    bool breach = service->state == STATE_WARNING || service->state == STATE_CRITICAL;

    total->judged++;
    total->violations += breach;
    total->warnings += service->state == STATE_WARNING;
    total->unlisted += breach && service->rule->is_default;
    total->waived += service->waived;
    total->unknown += service->state == STATE_UNKNOWN;
}

static void all_mapped_count(struct judge_total *total, const struct tally *tally)
{
    for (size_t i = 0; i < tally->service_count; i++) {
        for (int scope = 0; scope < SCOPES; scope++) {
            total->mapped += tally->services[i].connections[scope][TALLY_MAPPED];
        }
    }
}

/* The sockets that only a range or a default would judge, if clients did not share their ports. */
static uint64_t unjudged_count(const struct context *context)
{
    const struct tally *tally = context->tally;
    uint64_t count = 0;

    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *source = &tally->services[i];
        for (size_t j = 0; j < source->listener_count; j++) {
            const struct tally_listener *listener = &source->listeners[j];
            const struct rule *rule =
                policy_find_spared(context->policy, &tally->host, source->protocol, source->port, listener->scope);
            bool spared = rule != NULL && judge_service_excepts(rule, source->port, listener) != RECORD_YES;
            count += spared ? listener->sockets : 0;
        }
    }
    return count;
}

static void totals_count(struct context *context)
{
    struct judge_verdict *verdict = context->verdict;
    struct judge_total *total = &verdict->total;

    total->known = true;
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        bool counts =
            context->policy->rule_count == 0 || policy_judges(context->policy, (enum record_protocol)protocol);
        verdict->unreadable[protocol] = counts && is_unreadable(context, protocol);
        total->known &= !verdict->unreadable[protocol];
    }
    for (size_t i = 0; i < verdict->service_count; i++) {
        if (verdict->services[i].rule != NULL) {
            service_count_in(total, &verdict->services[i]);
        }
    }
    for (size_t i = 0; i < context->policy->rule_count; i++) {
        total->mapped += verdict->rule_connections[i][TALLY_MAPPED];
    }
    if (context->policy->rule_count == 0) {
        all_mapped_count(total, context->tally);
    }
    total->mapped_out = context->tally->outbound[TALLY_MAPPED];
    total->unjudged_udp = unjudged_count(context);
}

static void thresholds_judge(struct context *context)
{
    const struct judge_question *question = context->question;
    struct judge_verdict *verdict = context->verdict;
    double mapped = (double)verdict->total.mapped;

    if (!verdict->total.known) {
        return;
    }
    if (question->critical != NULL && range_alerts(question->critical, mapped)) {
        verdict->mapped_state = STATE_CRITICAL;
        verdict->mapped_range = question->critical;
    } else if (question->warning != NULL && range_alerts(question->warning, mapped)) {
        verdict->mapped_state = STATE_WARNING;
        verdict->mapped_range = question->warning;
    }
}

static void state_sum(struct context *context)
{
    struct judge_verdict *verdict = context->verdict;

    verdict->state = verdict->mapped_state;
    for (size_t i = 0; i < verdict->service_count; i++) {
        verdict->state = state_worse(verdict->state, verdict->services[i].state);
    }
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        verdict->state = state_worse(verdict->state, verdict->unreadable[protocol] ? STATE_UNKNOWN : STATE_OK);
    }
    if (context->policy->rule_count == 0 && context->tally->host.ipv6 == RECORD_UNKNOWN) {
        verdict->state = state_worse(verdict->state, STATE_UNKNOWN);
    }
    if (verdict->changes != NULL) {
        verdict->state = state_worse(verdict->state, verdict->changes->state);
    }
}

static int changes_find(struct context *context)
{
    const struct judge_question *question = context->question;
    const struct change_question compared = {
        .before = question->baseline,
        .after = question->tally,
        .policy = question->policy,
    };
    struct judge_verdict *verdict = context->verdict;
    int result = question->compares ? change_list_make(&compared, &verdict->changes) : 0;

    if (result == 0 && verdict->changes != NULL) {
        verdict->total.changes = verdict->changes->certain;
        verdict->total.changes_known = question->baseline != NULL;
        for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
            verdict->total.changes_known &= !verdict->changes->unreadable[protocol];
        }
    }
    return result;
}

static int services_judge(struct context *context)
{
    int result = 0;

    for (size_t i = 0; i < context->policy->rule_count && result == 0; i++) {
        result = rule_judge(context, context->policy->rules[i]);
    }
    rule_connections_sum(context);
    for (size_t i = 0; i < context->policy->rule_count && result == 0; i++) {
        result = rule_thresholds_judge(context, context->policy->rules[i]);
    }
    if (result == 0) {
        result = others_judge(context, true);
    }
    if (result == 0 && context->question->everything) {
        result = others_judge(context, false);
    }
    return result;
}

int judge_tally(const struct judge_question *question, struct judge_verdict **verdict)
{
    struct context context = {.question = question, .policy = question->policy, .tally = question->tally};
    size_t rules = context.policy->rule_count + 1;
    int result = -ENOMEM;

    *verdict = NULL;
    context.verdict = calloc(1, sizeof *context.verdict);
    context.first_of_rule = calloc(rules, sizeof *context.first_of_rule);
    context.first_connected = calloc(rules, sizeof *context.first_connected);
    if (context.verdict == NULL || context.first_of_rule == NULL || context.first_connected == NULL) {
        goto cleanup;
    }
    context.verdict->rule_connections = calloc(rules, sizeof *context.verdict->rule_connections);
    context.verdict->rule_known = calloc(rules, sizeof *context.verdict->rule_known);
    if (context.verdict->rule_connections == NULL || context.verdict->rule_known == NULL) {
        goto cleanup;
    }
    result = services_judge(&context);
    if (result == 0) {
        result = changes_find(&context);
    }
    if (result != 0) {
        goto cleanup;
    }
    for (size_t i = 0; i < context.verdict->service_count; i++) {
        judge_service_conclude(&context.verdict->services[i], question->today);
    }
    totals_count(&context);
    thresholds_judge(&context);
    state_sum(&context);
    *verdict = context.verdict;
    context.verdict = NULL;

cleanup:
    judge_free(context.verdict);
    free(context.first_of_rule);
    free(context.first_connected);
    return result;
}

void judge_free(struct judge_verdict *verdict)
{
    if (verdict == NULL) {
        return;
    }
    for (size_t i = 0; i < verdict->service_count; i++) {
        free(verdict->services[i].listeners);
        free(verdict->services[i].reasons);
        tally_peers_free(verdict->services[i].peers);
    }
    free(verdict->services);
    free(verdict->rule_connections);
    free(verdict->rule_known);
    change_list_free(verdict->changes);
    free(verdict);
}

bool judge_rests_on_absence(const struct judge_verdict *verdict)
{
    for (size_t i = 0; i < verdict->service_count; i++) {
        if (verdict->services[i].absent && verdict->services[i].state != STATE_OK) {
            return true;
        }
    }
    return false;
}

enum reach_extent judge_extent(const struct judge_service *service, const struct tally *tally,
                               const struct tally_listener *listener, enum record_family family)
{
    return service->as_bound ? listener->bound[family] : tally_reach(tally, listener, family).extent;
}

const struct tally_listener *judge_widest_listener(const struct judge_service *service, const struct tally *tally,
                                                   enum record_family family)
{
    const struct tally_listener *found = NULL;
    enum reach_extent farthest = REACH_NONE;

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        enum reach_extent extent = judge_extent(service, tally, listener, family);
        if (tally_accepts_family(listener, family) == RECORD_YES &&
            (found == NULL || extent > farthest ||
             (extent == farthest && listener->bound[family] > found->bound[family]))) {
            found = listener;
            farthest = extent;
        }
    }
    return found;
}
