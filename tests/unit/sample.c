/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Listeners, rules and services of a verdict made by hand.
 */
#include "config.h"

#include "sample.h"

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTHER_INTERFACE 2

static bool port_find(const char *name, enum record_protocol protocol, uint16_t *port, void *context)
{
    (void)name;
    (void)context;
    (void)protocol;
    (void)port;
    return false;
}

static bool user_find(const char *name, uint32_t *uid, void *context)
{
    (void)name;
    (void)context;
    *uid = 1;
    return true;
}

struct rule *sample_rule(const char *text)
{
    static const struct rule_names names = {.port = port_find, .user = user_find};
    struct rule_errors errors = {0};
    struct rule *rule = NULL;

    ck_assert_msg(rule_parse(text, strlen(text), "--rule 1", &names, &errors, &rule) == 1, "'%s': %s", text,
                  errors.count > 0 ? errors.text[0] : "no rule");
    return rule;
}

/* Texts are borrowed. */
static struct tally_listener listener_make(const struct sample_listener *sample)
{
    struct tally_listener listener = {
        .family = strchr(sample->address, ':') != NULL ? RECORD_INET6 : RECORD_INET,
        .v6only = sample->v6only,
        .sockets = 1,
        .uid = sample->uid,
        .user = sample->user,
        .unit = sample->unit,
        .unit_state = sample->unit != NULL ? TALLY_UNIT_KNOWN : sample->unit_state,
    };
    const char *interface = strchr(sample->address, '%');
    const int length = (int)strcspn(sample->address, "%");
    char address[RECORD_ADDRESS_SIZE];

    snprintf(address, sizeof address, "%s%.*s", listener.family == RECORD_INET ? "::ffff:" : "", length,
             sample->address);
    ck_assert_msg(inet_pton(AF_INET6, address, &listener.address) == 1, "'%s' is no address", sample->address);
    if (interface != NULL) {
        snprintf(listener.interface_name, sizeof listener.interface_name, "%s", interface + 1);
        listener.interface = strcmp(interface + 1, "lo") == 0 ? SCOPE_LOOPBACK_INTERFACE : OTHER_INTERFACE;
    }
    listener.scope = scope_of(&listener.address, listener.interface);
    return listener;
}

const struct address_facts sample_addresses = {
    .families = {{.known = true, .scopes = SCOPE_BIT(SCOPES) - 1}, {.known = true, .scopes = SCOPE_BIT(SCOPES) - 1}},
};

void sample_reach_set(struct tally_listener *listener, enum record_protocol protocol,
                      const struct address_facts *addresses)
{
    const int family = record_is_ipv4(&listener->address) ? RECORD_INET : RECORD_INET6;
    const bool has_scope = (addresses->families[family].scopes & SCOPE_BIT(listener->scope)) != 0;

    if (listener->presence == ADDRESS_UNKNOWN && addresses->families[family].known) {
        listener->presence = has_scope ? ADDRESS_LOCAL : ADDRESS_ABSENT;
    }
    listener->interface_state = (struct address_interface){
        .there = listener->interface_name[0] == '#' ? RECORD_NO : RECORD_YES,
        .up = RECORD_YES,
        .ipv6 = RECORD_YES,
        .vrf = RECORD_NO,
        .own = *addresses,
    };
    tally_reach_set(listener, protocol, addresses);
}

void sample_tally_add(struct tally *tally, enum record_protocol protocol, uint16_t port,
                      const struct sample_listener *sample)
{
    struct tally_listener listener = listener_make(sample);

    sample_reach_set(&listener, protocol, &tally->addresses);
    ck_assert_int_eq(tally_listener_add(tally, protocol, port, &listener), 0);
}

void sample_service_make(struct sample_service *sample, const char *rule)
{
    *sample = (struct sample_service){.rule = rule != NULL ? sample_rule(rule) : NULL};
    sample->service = (struct judge_service){
        .protocol = RECORD_TCP,
        .port = 443,
        .rule = sample->rule,
        .as_bound = sample->rule != NULL && sample->rule->as_bound,
        .listeners = sample->list,
        .reasons = sample->reasons,
    };
    if (sample->rule != NULL && !sample->rule->is_default) {
        sample->service.protocol = (enum record_protocol)sample->rule->protocol;
        sample->service.port = sample->rule->ports[0].first;
    }
}

void sample_service_listen(struct sample_service *sample, const struct sample_listener *listener)
{
    const size_t position = sample->service.listener_count;

    if (listener->address == NULL) {
        return;
    }
    ck_assert_uint_lt(position, SAMPLE_MOST);
    sample->listeners[position] = listener_make(listener);
    sample_reach_set(&sample->listeners[position], sample->service.protocol, &sample_addresses);
    sample->list[position] = &sample->listeners[position];
    sample->service.listener_count++;
}

struct judge_reason *sample_service_blame(struct sample_service *sample, enum judge_cause cause, enum state state,
                                          bool blames)
{
    struct judge_reason *reason = &sample->reasons[sample->service.reason_count];

    ck_assert_uint_lt(sample->service.reason_count, SAMPLE_MOST);
    *reason = (struct judge_reason){.cause = cause, .state = state, .listener = blames ? &sample->listeners[0] : NULL};
    sample->service.reason_count++;
    return reason;
}

void sample_service_clear(struct sample_service *sample)
{
    rule_free(sample->rule);
}
