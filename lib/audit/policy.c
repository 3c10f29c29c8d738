/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * All rules together, and which one judges what.
 */
#include "config.h"

#include "audit/policy.h"
#include "plugin/escape.h"
#include "socket/array.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS 65536u
#define RULES_MAX 65000u

/* The last of the scopes' places is for rules without one, the last of the protocols' for defaults without one. */
#define SCOPE_PLACES (SCOPES + 1)
#define PROTOCOL_PLACES (RECORD_PROTOCOLS + 1)

enum tier {
    TIER_COMMAND_LINE,
    TIER_FILE,
    TIERS
};
enum breadth {
    BREADTH_SINGLE,
    BREADTH_RANGE,
    BREADTHS
};

/*
 * Positions in policy->rules + 1, 0 for none. One map of ports for each rank and scope, made when a rule first needs
 * it: finding the rule of a port takes a handful of look-ups, whatever the number of rules.
 */
struct policy_index {
    uint16_t *ports[TIERS][BREADTHS][SCOPE_PLACES][RECORD_PROTOCOLS];
    uint16_t defaults[TIERS][PROTOCOL_PLACES][SCOPE_PLACES];
    /* For a port of the file's rules that --rule takes, one more than the last port of that run; 0 until asked. */
    uint32_t *replaced_until[SCOPE_PLACES][RECORD_PROTOCOLS];
};

struct policy *policy_create(const struct rule_names *names)
{
    struct policy *policy = calloc(1, sizeof *policy);

    if (policy != NULL) {
        policy->names = names;
    }
    return policy;
}

static void index_free(struct policy_index *index)
{
    if (index == NULL) {
        return;
    }
    for (int scope = 0; scope < SCOPE_PLACES; scope++) {
        for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
            for (int tier = 0; tier < TIERS; tier++) {
                free(index->ports[tier][BREADTH_SINGLE][scope][protocol]);
                free(index->ports[tier][BREADTH_RANGE][scope][protocol]);
            }
            free(index->replaced_until[scope][protocol]);
        }
    }
    free(index);
}

void policy_free(struct policy *policy)
{
    if (policy == NULL) {
        return;
    }
    for (size_t i = 0; i < policy->rule_count; i++) {
        rule_free(policy->rules[i]);
    }
    free(policy->rules);
    rule_errors_clear(&policy->errors);
    index_free(policy->index);
    free(policy);
}

static int rule_append(struct policy *policy, struct rule *rule)
{
    struct rule **grown = array_grow(policy->rules, policy->rule_count, sizeof(struct rule *));

    if (grown == NULL) {
        return -ENOMEM;
    }
    policy->rules = grown;
    policy->rules[policy->rule_count++] = rule;
    return 0;
}

/* Returns 1 when there was a rule or a mistake, 0 when the line is empty, -ENOMEM. */
static int line_add(struct policy *policy, const char *text, size_t length, const char *origin, bool command_line)
{
    struct rule *rule = NULL;
    int result = rule_parse(text, length, origin, policy->names, &policy->errors, &rule);

    if (result == -EINVAL) {
        return policy->errors.out_of_memory ? -ENOMEM : 1;
    }
    if (result == 1) {
        rule->command_line = command_line;
        if (rule_append(policy, rule) != 0) {
            rule_free(rule);
            return -ENOMEM;
        }
    }
    return result;
}

int policy_option_add(struct policy *policy, const char *text, const char *origin)
{
    int result = line_add(policy, text, strlen(text), origin, true);

    if (result == 0) {
        rule_errors_add(&policy->errors, origin, "is empty: write PORTS REQUIREMENT, such as: 443 dual-stack");
        return policy->errors.out_of_memory ? -ENOMEM : 0;
    }
    return result < 0 ? result : 0;
}

int policy_rule_add(struct policy *policy, const char *text, unsigned number)
{
    char origin[sizeof "--rule 4294967295"];

    snprintf(origin, sizeof origin, "--rule %u", number);
    return policy_option_add(policy, text, origin);
}

int policy_text_add(struct policy *policy, const char *bytes, size_t length, const char *name)
{
    size_t origin_size = strlen(name) + sizeof ":18446744073709551615";
    char *origin = malloc(origin_size);
    const char *end = bytes + length;
    const char *line = bytes + escape_byte_order_mark(bytes, length);
    int result = 0;

    if (origin == NULL) {
        return -ENOMEM;
    }
    for (size_t number = 1; result >= 0 && line < end; number++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline != NULL ? newline : end;
        snprintf(origin, origin_size, "%s:%zu", name, number);
        result = line_add(policy, line, (size_t)(stop - line), origin, false);
        line = newline != NULL ? newline + 1 : end;
    }
    free(origin);
    return result < 0 ? result : 0;
}

/* --- policy_finish() --------------------------------------------------------------------------------------------- */

static enum tier tier_of(const struct rule *rule)
{
    return rule->command_line ? TIER_COMMAND_LINE : TIER_FILE;
}

static int scope_place(const struct rule *rule)
{
    return rule->scope == RULE_ANY_SCOPE ? SCOPES : rule->scope;
}

static int protocol_place(const struct rule *rule)
{
    return rule->protocol == RULE_ANY_PROTOCOL ? RECORD_PROTOCOLS : rule->protocol;
}

static void default_enter(struct policy *policy, size_t position)
{
    const struct rule *rule = policy->rules[position];
    uint16_t *place = &policy->index->defaults[tier_of(rule)][protocol_place(rule)][scope_place(rule)];

    if (*place != 0) {
        rule_errors_add(&policy->errors, rule->origin, "duplicate default, first defined at %s: remove one",
                        policy->rules[*place - 1]->origin);
        return;
    }
    *place = (uint16_t)(position + 1);
}

/* Enters the ports of one item; the first port that another rule of the same rank has is reported, once an item. */
static int ports_enter(struct policy *policy, size_t position, const struct rule_ports *ports)
{
    const struct rule *rule = policy->rules[position];
    enum breadth breadth = ports->single ? BREADTH_SINGLE : BREADTH_RANGE;
    uint16_t **map = &policy->index->ports[tier_of(rule)][breadth][scope_place(rule)][rule->protocol];
    uint32_t **replaced_until = &policy->index->replaced_until[scope_place(rule)][rule->protocol];

    if (*map == NULL) {
        *map = calloc(PORTS, sizeof **map);
    }
    if (*replaced_until == NULL && !rule->command_line) {
        *replaced_until = calloc(PORTS, sizeof **replaced_until);
    }
    if (*map == NULL || (*replaced_until == NULL && !rule->command_line)) {
        return -ENOMEM;
    }
    for (unsigned port = ports->first; port <= ports->last; port++) {
        if ((*map)[port] != 0) {
            rule_errors_add(&policy->errors, rule->origin,
                            "port %u/%s is already judged by the rule at %s: remove it from one", port,
                            protocol_name((enum record_protocol)rule->protocol),
                            policy->rules[(*map)[port] - 1]->origin);
            break;
        }
        (*map)[port] = (uint16_t)(position + 1);
    }
    return 0;
}

static int index_build(struct policy *policy)
{
    index_free(policy->index);
    policy->index = calloc(1, sizeof *policy->index);
    if (policy->index == NULL) {
        return -ENOMEM;
    }
    for (size_t position = 0; position < policy->rule_count; position++) {
        struct rule *rule = policy->rules[position];
        rule->position = position;
        if (rule->is_default) {
            default_enter(policy, position);
        }
        for (size_t i = 0; i < rule->port_count; i++) {
            int result = ports_enter(policy, position, &rule->ports[i]);
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

static uint16_t port_entry(const struct policy *policy, enum tier tier, enum breadth breadth, int scope, int protocol,
                           uint16_t port)
{
    const uint16_t *map = policy->index->ports[tier][breadth][scope][protocol];

    return map == NULL ? 0 : map[port];
}

/* Of a range or a default, which do not judge the UDP ports of clients unless they say so. */
static bool judges_port(const struct policy *policy, uint16_t entry, bool client_port)
{
    return entry != 0 && (!client_port || policy->rules[entry - 1]->ephemeral);
}

static bool command_line_takes(const struct policy *policy, const struct rule *rule, uint16_t port, int scope,
                               bool client_port)
{
    uint16_t range = port_entry(policy, TIER_COMMAND_LINE, BREADTH_RANGE, scope, rule->protocol, port);

    return port_entry(policy, TIER_COMMAND_LINE, BREADTH_SINGLE, scope, rule->protocol, port) != 0 ||
           judges_port(policy, range, client_port);
}

/*
 * Does --rule take all that this rule of the file could judge at the port: by a rule without a scope, by one of its
 * own, or by one for each scope?
 */
static bool is_replaced_at(const struct policy *policy, const struct rule *rule, uint16_t port, bool client_port)
{
    bool every_scope = true;

    for (int scope = 0; scope < SCOPES; scope++) {
        every_scope &= command_line_takes(policy, rule, port, scope, client_port);
    }
    return every_scope || command_line_takes(policy, rule, port, SCOPES, client_port) ||
           command_line_takes(policy, rule, port, scope_place(rule), client_port);
}

/*
 * One more than the last port of the run from `first` on that --rule takes of this rule of the file, `first` itself
 * when that is not taken. The run is kept for the next rules: however many wide ranges they have, no port is looked at
 * twice.
 */
static unsigned replaced_end(const struct policy *policy, const struct rule *rule, unsigned first)
{
    uint32_t *until = policy->index->replaced_until[scope_place(rule)][rule->protocol];
    /* Which UDP ports belong to clients, where a range mostly judges nothing, depends on the host. */
    bool may_be_client = protocol_of((enum record_protocol)rule->protocol)->shares_client_ports;
    unsigned seen = first;
    unsigned end;

    while (seen < PORTS && until[seen] == 0 && is_replaced_at(policy, rule, (uint16_t)seen, may_be_client)) {
        seen++;
    }
    end = seen < PORTS && until[seen] != 0 ? until[seen] : seen;
    for (unsigned port = first; port < seen; port++) {
        until[port] = end;
    }
    return end;
}

static bool is_replaced(const struct policy *policy, const struct rule *rule)
{
    if (rule->command_line) {
        return false;
    }
    if (rule->is_default) {
        return policy->index->defaults[TIER_COMMAND_LINE][protocol_place(rule)][scope_place(rule)] != 0;
    }
    for (size_t i = 0; i < rule->port_count; i++) {
        if (replaced_end(policy, rule, rule->ports[i].first) <= rule->ports[i].last) {
            return false;
        }
    }
    return true;
}

/* Returns true when any rule was left out, so that the index is to be built anew. */
static bool replaced_drop(struct policy *policy)
{
    size_t kept = 0;
    size_t count = policy->rule_count;

    for (size_t i = 0; i < count; i++) {
        if (is_replaced(policy, policy->rules[i])) {
            rule_free(policy->rules[i]);
        } else {
            policy->rules[kept++] = policy->rules[i];
        }
    }
    policy->rule_count = kept;
    return kept != count;
}

static int name_compare(const void *left, const void *right)
{
    const struct rule *a = *(struct rule *const *)left;
    const struct rule *b = *(struct rule *const *)right;

    int order = strcmp(a->name, b->name);

    return order != 0 ? order : (a->position > b->position) - (a->position < b->position);
}

/* Default names clash only if the ports do, and that has been reported. */
static bool is_reported_by_ports(const struct rule *a, const struct rule *b)
{
    return !a->named && !b->named && a->command_line == b->command_line;
}

/* Performance data is distinguished by names, so rule names must be unique. */
static int names_twice_find(struct policy *policy)
{
    struct rule **sorted = malloc((policy->rule_count + 1) * sizeof(struct rule *));
    size_t count = 0;

    if (sorted == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < policy->rule_count; i++) {
        if (!policy->rules[i]->is_default && !is_replaced(policy, policy->rules[i])) {
            sorted[count++] = policy->rules[i];
        }
    }
    qsort(sorted, count, sizeof(struct rule *), name_compare);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(sorted[i]->name, sorted[first]->name) != 0) {
            first = i;
        } else if (!is_reported_by_ports(sorted[i], sorted[first]) && !is_reported_by_ports(sorted[i], sorted[i - 1])) {
            rule_errors_add(&policy->errors, sorted[i]->origin,
                            "name %s is already used at %s: rename one with name=", sorted[i]->name,
                            sorted[first]->origin);
        }
    }
    free(sorted);
    return 0;
}

int policy_finish(struct policy *policy)
{
    int result;

    if (policy->rule_count > RULES_MAX) {
        rule_errors_add(&policy->errors, policy->rules[RULES_MAX]->origin,
                        "is one rule too many, at most %u are allowed: use ranges", RULES_MAX);
        return policy->errors.out_of_memory ? -ENOMEM : 0;
    }
    result = index_build(policy);
    if (result == 0) {
        result = names_twice_find(policy);
    }
    if (result == 0 && policy->errors.count == 0 && replaced_drop(policy)) {
        result = index_build(policy);
    }
    return policy->errors.out_of_memory ? -ENOMEM : result;
}

/* --- who judges what --------------------------------------------------------------------------------------------- */

static uint16_t rule_position(const struct policy *policy, bool client_port, enum record_protocol protocol,
                              uint16_t port, enum scope scope)
{
    const int nearness[] = {(int)scope, SCOPES};

    for (int tier = 0; tier < TIERS; tier++) {
        for (int breadth = 0; breadth < BREADTHS; breadth++) {
            for (size_t i = 0; i < sizeof nearness / sizeof *nearness; i++) {
                uint16_t position =
                    port_entry(policy, (enum tier)tier, (enum breadth)breadth, nearness[i], (int)protocol, port);
                if (judges_port(policy, position, client_port && breadth == BREADTH_RANGE)) {
                    return position;
                }
            }
        }
    }
    return 0;
}

static uint16_t default_position(const struct policy *policy, bool client_port, enum record_protocol protocol,
                                 enum scope scope)
{
    const int nearness[][2] = {
        {(int)protocol, (int)scope},
        {(int)protocol, SCOPES},
        {RECORD_PROTOCOLS, (int)scope},
        {RECORD_PROTOCOLS, SCOPES},
    };

    for (size_t i = 0; i < sizeof nearness / sizeof *nearness; i++) {
        for (int tier = 0; tier < TIERS; tier++) {
            uint16_t position = policy->index->defaults[tier][nearness[i][0]][nearness[i][1]];
            if (judges_port(policy, position, client_port)) {
                return position;
            }
        }
    }
    return 0;
}

static const struct rule *judging_rule(const struct policy *policy, bool client_port, enum record_protocol protocol,
                                       uint16_t port, enum scope scope)
{
    uint16_t position;

    if (policy->rule_count == 0) {
        return NULL;
    }
    position = rule_position(policy, client_port, protocol, port, scope);
    if (position == 0) {
        position = default_position(policy, client_port, protocol, scope);
    }
    return position == 0 ? NULL : policy->rules[position - 1];
}

const struct rule *policy_find(const struct policy *policy, const struct sock_host *host, enum record_protocol protocol,
                               uint16_t port, enum scope scope)
{
    return judging_rule(policy, host_port_is_shared(host, protocol, port), protocol, port, scope);
}

const struct rule *policy_find_spared(const struct policy *policy, const struct sock_host *host,
                                      enum record_protocol protocol, uint16_t port, enum scope scope)
{
    if (!host_port_is_shared(host, protocol, port) || judging_rule(policy, true, protocol, port, scope) != NULL) {
        return NULL;
    }
    return judging_rule(policy, false, protocol, port, scope);
}

const struct rule *policy_find_default(const struct policy *policy, enum record_protocol protocol, enum scope scope)
{
    uint16_t position = policy->rule_count > 0 ? default_position(policy, false, protocol, scope) : 0;

    return position == 0 ? NULL : policy->rules[position - 1];
}

bool policy_is_superseded(const struct policy *policy, const struct sock_host *host, const struct rule *rule,
                          uint16_t port)
{
    const struct rule_ports *ports = rule_ports_find(rule, port);

    bool client_port = host_port_is_shared(host, (enum record_protocol)rule->protocol, port);

    if (!ports->single && client_port && !rule->ephemeral) {
        return true;
    }
    if (!rule->command_line && is_replaced_at(policy, rule, port, client_port)) {
        return true;
    }
    return !ports->single &&
           (port_entry(policy, tier_of(rule), BREADTH_SINGLE, SCOPES, rule->protocol, port) != 0 ||
            port_entry(policy, tier_of(rule), BREADTH_SINGLE, scope_place(rule), rule->protocol, port) != 0);
}

bool policy_judges(const struct policy *policy, enum record_protocol protocol)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        int of_rule = policy->rules[i]->protocol;
        if (of_rule == RULE_ANY_PROTOCOL || of_rule == (int)protocol) {
            return true;
        }
    }
    return false;
}
