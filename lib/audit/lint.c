/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --lint: every error in a policy, and what is legal but probably wrong.
 */
#include "config.h"

#include "audit/lint.h"

#include "audit/labels.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What RRD files keep of a value's name. */
#define RRD_NAME_LENGTH 19

/* A waiver that ends within so many days is worth a warning. */
#define WAIVER_NOTICE_DAYS 30

/* No ports are assigned to clients, so that what is found is true of every host. */
static const struct sock_host any_host = RECORD_HOST_UNKNOWN;

/* A value of a rule in performance data. */
struct value {
    const struct rule *rule;
    const struct value *first; /* values that are the same to RRD files */
    char name[LABELS_NAME_SIZE];
};

struct lint {
    const struct policy *policy;
    const struct sock_host *host;
    int32_t today;
    bool *judges;         /* by position: does the rule judge anything at all? */
    struct value *values; /* of all rules, sorted by what RRD files keep of their names */
    size_t value_count;
    const struct value **twins;   /* by position: a value of the rule that RRD files confuse with an earlier one */
    struct rule_errors *warnings; /* sentences with their places, as the mistakes are */
};

#define WARN(lint, rule, ...) rule_errors_add((lint)->warnings, (rule)->origin, __VA_ARGS__)

/* --- rules that never come to judge ------------------------------------------------------------------------------- */

/* The rule that judges in this rule's place at its first port and scope; NULL if there is none. */
static const struct rule *replacement_find(const struct lint *lint, const struct rule *rule)
{
    enum record_protocol protocol =
        rule->protocol == RULE_ANY_PROTOCOL ? RULE_DEFAULT_PROTOCOL : (enum record_protocol)rule->protocol;
    enum scope scope = rule->scope == RULE_ANY_SCOPE ? SCOPE_EXTERNAL : (enum scope)rule->scope;
    uint16_t port = rule->is_default ? 1 : rule->ports[0].first;
    const struct rule *found = policy_find(lint->policy, &any_host, protocol, port, scope);

    /* If a default comes before this one, that is the rule to name. */
    for (unsigned next = 2; rule->is_default && found != NULL && !found->is_default && next <= UINT16_MAX; next++) {
        found = policy_find(lint->policy, &any_host, protocol, (uint16_t)next, scope);
    }
    return found;
}

/* Marks by position which rules judge any port at all. */
static void judges_mark(const struct policy *policy, bool *judges)
{
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        for (unsigned port = 1; port <= UINT16_MAX; port++) {
            for (int scope = 0; scope < SCOPES; scope++) {
                const struct rule *rule =
                    policy_find(policy, &any_host, (enum record_protocol)protocol, (uint16_t)port, (enum scope)scope);
                if (rule != NULL) {
                    judges[rule->position] = true;
                }
            }
        }
    }
}

static void shadowed_check(struct lint *lint, const struct rule *rule)
{
    const struct rule *other = lint->judges[rule->position] ? NULL : replacement_find(lint, rule);
    const char *effect = "never judges anything";

    if (other == NULL) {
        return;
    }
    /* Rules for every scope leave no listener to a rule without one, but its service, which is missing then. */
    if (!rule->is_default && rule_missing_state(rule, &rule->ports[0]) != STATE_OK &&
        !policy_is_superseded(lint->policy, &any_host, rule, rule->ports[0].first)) {
        effect = "has no listener left to judge, so its service is always missing";
    }
    WARN(lint, rule, "%s: others come before it everywhere, such as the rule at %s", effect, other->origin);
}

/* A single port without a scope comes before a range with one, which surprises the author of the scope. */
static void scoped_range_check(struct lint *lint, const struct rule *rule)
{
    for (size_t i = 0; i < rule->port_count && rule->scope != RULE_ANY_SCOPE; i++) {
        const struct rule_ports *ports = &rule->ports[i];
        for (unsigned port = ports->first; port <= ports->last && !ports->single; port++) {
            const struct rule *other = policy_find(lint->policy, &any_host, (enum record_protocol)rule->protocol,
                                                   (uint16_t)port, (enum scope)rule->scope);
            if (other != rule && other->scope == RULE_ANY_SCOPE && other->command_line == rule->command_line) {
                WARN(lint, rule,
                     "at port %u the rule at %s comes before it, as a single port comes before a range even where only "
                     "the range has a scope: write a rule for %u@%s if that is not meant",
                     port, other->origin, port, scope_name((enum scope)rule->scope));
                return;
            }
        }
    }
}

/* --- bind= -------------------------------------------------------------------------------------------------------- */

static bool binds_family(const struct rule *rule, bool ipv4)
{
    for (size_t i = 0; i < rule->bind_count; i++) {
        if (rule->bind[i].ipv4 == ipv4) {
            return true;
        }
    }
    return rule->bind_scope[SCOPE_LOOPBACK] || rule->bind_scope[SCOPE_LINK] || rule->bind_interface_count > 0;
}

/* Is there an address in both? */
static bool prefixes_overlap(const struct prefix *a, const struct prefix *b)
{
    return a->length <= b->length ? prefix_contains(a, &b->address) : prefix_contains(b, &a->address);
}

/* Do the prefixes of bind= hold any address of the scope? External is what is left, so only the words rule it out. */
static bool binds_scope(const struct rule *rule, enum scope scope)
{
    static const char *const scope_prefixes[][2] = {
        [SCOPE_LOOPBACK] = {"127.0.0.0/8", "::1/128"},
        [SCOPE_LINK] = {"169.254.0.0/16", "fe80::/10"},
        [SCOPE_EXTERNAL] = {"0.0.0.0/0", "::/0"},
    };
    _Static_assert(sizeof scope_prefixes / sizeof *scope_prefixes == SCOPES, "each scope has prefixes");
    char error[PREFIX_ERROR_SIZE];
    struct prefix prefix;

    for (int family = 0; family < 2; family++) {
        bool read = prefix_parse(scope_prefixes[scope][family], &prefix, error);
        for (size_t i = 0; read && i < rule->bind_count; i++) {
            if (prefixes_overlap(&prefix, &rule->bind[i])) {
                return true;
            }
        }
    }
    /* What is bound to an interface may have any address. */
    return rule->bind_scope[scope] || rule->bind_interface_count > 0;
}

static void bind_family_check(struct lint *lint, const struct rule *rule)
{
    const struct rule_requirement_row *row = rule_requirement_of(rule->requirement);
    const struct {
        bool needed, bound;
        const char *name;
    } families[] = {
        {row->needs_ipv4, binds_family(rule, true), "IPv4"},
        {row->needs_ipv6, binds_family(rule, false), "IPv6"},
    };

    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (families[i].needed && !families[i].bound) {
            WARN(lint, rule, "%s needs a listener for %s, but no prefix of bind= is %s, so nothing can satisfy both",
                 row->word, families[i].name, families[i].name);
        }
    }
}

static void bind_wildcard_check(struct lint *lint, const struct rule *rule)
{
    const struct rule_requirement_row *row = rule_requirement_of(rule->requirement);
    bool needs_both = rule_needs_both(rule);
    bool both_welcome = !row->bars_ipv4 && !row->bars_ipv6 && (!needs_both || rule->form == STACK_SINGLE);
    bool ipv4 = rule_binds_whole(rule, true);
    bool ipv6 = rule_binds_whole(rule, false);

    if (both_welcome && ipv4 != ipv6 && (!needs_both || binds_family(rule, !ipv4))) {
        WARN(lint, rule, "bind= has %s without %s, so a [::] listener that takes both families does not fit: add %s",
             ipv4 ? "0.0.0.0/0" : "::/0", ipv4 ? "::/0" : "0.0.0.0/0", ipv4 ? "::/0" : "0.0.0.0/0");
    }
}

static void bind_check(struct lint *lint, const struct rule *rule)
{
    if (!rule->bind_set || rule_requirement_of(rule->requirement)->bars_listening) {
        return;
    }
    bind_family_check(lint, rule);
    bind_wildcard_check(lint, rule);
    if (rule->scope != RULE_ANY_SCOPE && !binds_scope(rule, (enum scope)rule->scope)) {
        WARN(lint, rule,
             "judges only @%s listeners, and none of them is inside bind=", scope_name((enum scope)rule->scope));
    }
}

/* --- one rule by itself ------------------------------------------------------------------------------------------- */

static void waiver_check(struct lint *lint, const struct rule *rule)
{
    int32_t days = lint->today - rule->waive_day;

    if (rule->waive_set && days < 0 && days >= -WAIVER_NOTICE_DAYS) {
        WARN(lint, rule, "waive-until=%s ends in %ld day%s, after which breaches count again: fix them or renew it",
             rule->waive_text, (long)-days, days == -1 ? "" : "s");
    }
    if (rule->waive_set && days == 0) {
        WARN(lint, rule, "waive-until=%s ends today, and breaches count again tomorrow: fix them or renew it",
             rule->waive_text);
    }
    if (rule->waive_set && days > 0) {
        WARN(lint, rule, "waive-until=%s ended %ld day%s ago and breaches count again: remove or renew it",
             rule->waive_text, (long)days, days == 1 ? "" : "s");
    }
}

/* If every listener is forbidden, options about listeners have no effect. */
static void closed_check(struct lint *lint, const struct rule *rule)
{
    const struct rule_requirement_row *row = rule_requirement_of(rule->requirement);
    const char *option = rule->bind_set       ? "bind"
                         : rule->reach_set    ? "reach"
                         : rule->unit != NULL ? "unit"
                         : rule->user != NULL ? "user"
                                              : NULL;

    if (row->bars_listening && option != NULL) {
        WARN(lint, rule,
             "%s forbids every listener, even those that %s= allows: narrow it with a scope such as @external",
             row->word, option);
    }
}

/* How far a service is reached says nothing of whether anything listens. */
static void as_check(struct lint *lint, const struct rule *rule)
{
    const struct rule_requirement_row *row = rule_requirement_of(rule->requirement);

    if (rule->as_bound && !rule->reach_set && !row->needs_ipv4 && !row->needs_ipv6) {
        WARN(lint, rule, "as=bound makes no difference to %s: leave it out", row->word);
    }
}

/* The name of a unit ends in its type; a pattern without a wildcard that does not matches no unit. */
static void unit_glob_check(struct lint *lint, const struct rule *rule, const char *key, const char *glob)
{
    static const char *const suffixes[] = {".service", ".socket", ".scope", ".slice", ".mount", ".swap"};
    size_t length = strlen(glob);

    if (glob[0] == '/' || strpbrk(glob, "*?[") != NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t size = strlen(suffixes[i]);
        if (length > size && strcmp(glob + length - size, suffixes[i]) == 0) {
            return;
        }
    }
    WARN(lint, rule, "%s=%.60s matches no unit, their names end in .service and the like: write %s=%.60s.service", key,
         glob, key, glob);
}

static void unit_check(struct lint *lint, const struct rule *rule)
{
    if (rule->unit != NULL) {
        unit_glob_check(lint, rule, "unit", rule->unit);
    }
    for (size_t i = 0; i < rule->except_unit_count; i++) {
        unit_glob_check(lint, rule, "except-unit", rule->except_units[i]);
    }
}

static void thresholds_check(struct lint *lint, const struct rule *rule)
{
    for (int i = 0; i < RULE_COUNTED; i++) {
        const struct rule_thresholds *thresholds = &rule->thresholds[i];
        const char *word = rule_counted_word((enum rule_counted)i);

        if (thresholds->warning.set && thresholds->critical.set &&
            range_covers(&thresholds->critical.range, &thresholds->warning.range)) {
            WARN(lint, rule, "%s-warning= never fires, because %s-critical= fires first: make it narrower", word, word);
        }
    }
}

static bool shares_client_ports(const struct rule *rule)
{
    return rule->protocol == RULE_ANY_PROTOCOL ||
           protocol_of((enum record_protocol)rule->protocol)->shares_client_ports;
}

static void ephemeral_check(struct lint *lint, const struct rule *rule)
{
    if (rule->ephemeral && !shares_client_ports(rule)) {
        WARN(lint, rule, "ephemeral=yes makes no difference to %s, whose listeners are never clients: leave it out",
             protocol_of((enum record_protocol)rule->protocol)->label);
    }
}

static bool are_client_ports(const struct sock_host *host, const struct rule_ports *ports)
{
    for (unsigned port = ports->first; port <= ports->last; port++) {
        if (!host_port_is_client(host, (uint16_t)port)) {
            return false;
        }
    }
    return true;
}

/* Only what all ports of the rule have in common, and only for the range of client ports of this host. */
static void client_ports_check(struct lint *lint, const struct rule *rule)
{
    bool inside = !rule->is_default && !rule->ephemeral && shares_client_ports(rule);

    for (size_t i = 0; i < rule->port_count; i++) {
        inside = inside && !rule->ports[i].single && are_client_ports(lint->host, &rule->ports[i]);
    }
    if (inside) {
        WARN(lint, rule,
             "never judges anything on this host, which assigns %s ports %u-%u to clients "
             "(net.ipv4.ip_local_port_range): only a rule that names the port itself or has ephemeral=yes judges there",
             protocol_of((enum record_protocol)rule->protocol)->label, (unsigned)lint->host->port_range_first,
             (unsigned)lint->host->port_range_last);
    }
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static int values_compare(const void *left, const void *right)
{
    const struct value *a = left;
    const struct value *b = right;
    int order = strncmp(a->name, b->name, RRD_NAME_LENGTH);

    return order != 0 ? order : (a->rule->position > b->rule->position) - (a->rule->position < b->rule->position);
}

/* Those that a check prints by default. */
static void values_add(struct lint *lint, const struct rule *rule)
{
    const struct labels_rule *label;

    for (int i = 0; (label = labels_rule(i)) != NULL; i++) {
        if (labels_rule_is_in(label, rule, LABELS_MAPPED)) {
            struct value *value = &lint->values[lint->value_count++];
            value->rule = rule;
            snprintf(value->name, sizeof value->name, "%s%s", rule->name, label->suffix);
        }
    }
}

static int twins_find(struct lint *lint)
{
    size_t labels = 0;

    while (labels_rule((int)labels) != NULL) {
        labels++;
    }
    lint->values = calloc(lint->policy->rule_count * labels + 1, sizeof *lint->values);
    if (lint->values == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < lint->policy->rule_count; i++) {
        if (!lint->policy->rules[i]->is_default) {
            values_add(lint, lint->policy->rules[i]);
        }
    }
    qsort(lint->values, lint->value_count, sizeof *lint->values, values_compare);
    for (size_t i = 0, first = 0; i < lint->value_count; i++) {
        struct value *value = &lint->values[i];
        if (strncmp(value->name, lint->values[first].name, RRD_NAME_LENGTH) != 0) {
            first = i;
        }
        value->first = &lint->values[first];
        if (first != i) {
            lint->twins[value->rule->position] = value;
        }
    }
    return 0;
}

static void name_check(struct lint *lint, const struct rule *rule)
{
    const struct value *value = lint->twins[rule->position];

    if (value != NULL) {
        WARN(lint, rule, "%s begins like %s of the rule at %s: RRD files keep %d characters", value->name,
             value->first->name, value->first->rule->origin, RRD_NAME_LENGTH);
    }
}

/* --- all rules ---------------------------------------------------------------------------------------------------- */

static void rule_lint(struct lint *lint, const struct rule *rule)
{
    static void (*const checks[])(struct lint *, const struct rule *) = {
        shadowed_check,  scoped_range_check, bind_check,         closed_check, as_check,     unit_check,
        ephemeral_check, thresholds_check,   client_ports_check, name_check,   waiver_check,
    };

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        checks[i](lint, rule);
    }
}

int lint_policy(const struct policy *policy, const struct sock_host *host, int32_t today, struct rule_errors *warnings)
{
    struct lint lint = {.policy = policy, .host = host, .today = today, .warnings = warnings};
    int result = -ENOMEM;

    lint.judges = calloc(policy->rule_count + 1, sizeof *lint.judges);
    lint.twins = calloc(policy->rule_count + 1, sizeof(const struct value *));
    if (lint.judges != NULL && lint.twins != NULL) {
        judges_mark(policy, lint.judges);
        result = twins_find(&lint);
    }
    for (size_t i = 0; i < policy->rule_count && result == 0; i++) {
        rule_lint(&lint, policy->rules[i]);
    }
    if (policy->rule_count == 0) {
        rule_errors_add(warnings, "policy", "has no rules, so no service is judged");
    }
    free(lint.judges);
    free(lint.twins);
    free(lint.values);
    return warnings->out_of_memory ? -ENOMEM : result;
}
