/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Policies and hosts, each from a line of text.
 */
#include "config.h"

#include "trial.h"

#include "sample.h"
#include "socket/host_port.h"
#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTHER_INTERFACE 2

/* --- a host in a line of text ------------------------------------------------------------------------------------ */

struct in6_addr trial_address(const char *text)
{
    struct in6_addr address;
    char mapped[64];

    snprintf(mapped, sizeof mapped, "%s%s", strchr(text, ':') == NULL ? "::ffff:" : "", text);
    ck_assert_msg(inet_pton(AF_INET6, mapped, &address) == 1, "%s", text);
    return address;
}

/* Cuts `word` at the mark and returns what is behind it, NULL when there is none. */
static char *behind(char *word, char mark)
{
    char *found = strchr(word, mark);

    if (found != NULL) {
        *found++ = '\0';
    }
    return found;
}

static void listener_add(struct tally *tally, enum record_protocol protocol, uint16_t port, char *word)
{
    char *unit = behind(word, '+');
    char *uid = behind(word, '!');
    char *v6only = behind(word, '/');
    bool is_absent = behind(word, '^') != NULL;
    char *interface = behind(word, '%');
    struct tally_listener listener = {
        .family = strchr(word, ':') != NULL ? RECORD_INET6 : RECORD_INET,
        .address = trial_address(word),
        .interface = interface == NULL              ? 0
                     : strcmp(interface, "lo") == 0 ? SCOPE_LOOPBACK_INTERFACE
                                                    : OTHER_INTERFACE,
        .presence = is_absent ? ADDRESS_ABSENT : ADDRESS_UNKNOWN,
        .sockets = 1,
        .user = uid != NULL ? behind(uid, ':') : NULL,
        .uid = uid != NULL ? (uint32_t)strtoul(uid, NULL, 10) : 0,
    };

    if (listener.family == RECORD_INET6) {
        listener.v6only = v6only == NULL   ? RECORD_V6ONLY_NO
                          : *v6only == '6' ? RECORD_V6ONLY_YES
                                           : RECORD_V6ONLY_UNKNOWN;
    }
    if (interface != NULL) {
        snprintf(listener.interface_name, sizeof listener.interface_name, "%s", interface);
    }
    listener.scope = scope_of(&listener.address, listener.interface);
    if (unit != NULL) {
        listener.unit_state = *unit == '?' ? TALLY_UNIT_GONE : TALLY_UNIT_KNOWN;
        listener.unit = *unit == '?' ? NULL : unit;
    } else if (listener.user != NULL) {
        listener.unit_state = TALLY_UNIT_UNKNOWN;
    }
    ck_assert_int_eq(tally_listener_add(tally, protocol, port, &listener), 0);
}

static void connections_add(struct tally *tally, enum record_protocol protocol, uint16_t port, char *word)
{
    char *times = behind(word, '*');
    struct sock_record record = {
        .protocol = protocol,
        .family = strchr(word, ':') != NULL ? RECORD_INET6 : RECORD_INET,
        .state = RECORD_ESTABLISHED,
        .local = trial_address(word),
        .remote = trial_address(word),
        .local_port = port,
    };

    for (long i = times != NULL ? strtol(times, NULL, 10) : 1; i > 0; i--) {
        ck_assert_int_eq(tally_add(tally, &record), 0);
    }
}

/* "ipv4:link" */
static void addresses_limit(struct address_facts *addresses, enum record_family family, const char *widest)
{
    addresses->families[family].scopes = 0;
    for (int scope = 0; strcmp(widest, "none") != 0; scope++) {
        ck_assert_int_lt(scope, SCOPES);
        addresses->families[family].scopes |= SCOPE_BIT(scope);
        if (strcmp(widest, scope_name((enum scope)scope)) == 0) {
            break;
        }
    }
}

static void reaches_set(struct tally *tally)
{
    for (size_t i = 0; i < tally->service_count; i++) {
        struct tally_service *service = &tally->services[i];
        for (size_t j = 0; j < service->listener_count; j++) {
            sample_reach_set(&service->listeners[j], service->protocol, &tally->addresses);
        }
    }
}

struct tally *trial_tally(const char *text)
{
    struct tally *tally = tally_create();
    char *copy = strdup(text);
    char *rest = NULL;

    tally->host = (struct sock_host){.ipv6 = RECORD_YES, .port_range_first = 32768, .port_range_last = 60999};
    tally->addresses = sample_addresses;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        enum record_protocol protocol = *word == 'u' ? RECORD_UDP : RECORD_TCP;
        uint16_t port = (uint16_t)strtoul(word + (*word == 'u'), NULL, 10);
        char *address;
        if (strcmp(word, "noipv6") == 0) {
            tally->host.ipv6 = RECORD_NO;
            addresses_limit(&tally->addresses, RECORD_INET6, "none");
        } else if (strcmp(word, "ipv6:disabled") == 0) {
            tally->host.disable_ipv6 = RECORD_YES;
            tally->host.ipv6 = RECORD_NO;
            addresses_limit(&tally->addresses, RECORD_INET6, "none");
        } else if (strncmp(word, "ipv4:", 5) == 0 || strncmp(word, "ipv6:", 5) == 0) {
            addresses_limit(&tally->addresses, word[3] == '4' ? RECORD_INET : RECORD_INET6, word + 5);
        } else if (strcmp(word, "addresses?") == 0) {
            tally->addresses = (struct address_facts){.families = {{.known = false}}};
        } else if (strcmp(word, "clients?") == 0) {
            tally->host.port_range_first = 1;
            tally->host.port_range_last = 0;
        } else if (strncmp(word, "reserved:", 9) == 0) {
            uint16_t reserved = (uint16_t)strtoul(word + 9, NULL, 10);
            host_port_reserve(&tally->host, reserved, reserved);
        } else if (strcmp(word, "interfaces?") == 0) {
            tally->interfaces_unknown[RECORD_TCP] = true;
            tally->interfaces_unknown[RECORD_UDP] = true;
        } else if (strcmp(word, "ipv6?") == 0) {
            tally->host.ipv6 = RECORD_UNKNOWN;
            tally->addresses.families[RECORD_INET6].known = false;
        } else if (strcmp(word, "bindv6only") == 0) {
            tally->host.bindv6only = RECORD_YES;
        } else if (strcmp(word, "notcp") == 0) {
            strcpy(tally->unreadable[RECORD_TCP], "refused");
        } else if (strcmp(word, "noudp") == 0) {
            strcpy(tally->unreadable[RECORD_UDP], "refused");
        } else if ((address = behind(word, '=')) != NULL) {
            listener_add(tally, protocol, port, address);
        } else {
            address = behind(word, '~');
            ck_assert_ptr_nonnull(address);
            connections_add(tally, protocol, port, address);
        }
    }
    free(copy);
    reaches_set(tally);
    tally_sort(tally);
    return tally;
}

/* --- a case: policy and host together ---------------------------------------------------------------------------- */

static bool port_by_name(const char *name, enum record_protocol protocol, uint16_t *port, void *context)
{
    (void)context;
    *port = 443;
    return strcmp(name, "https") == 0 && protocol == RECORD_TCP;
}

static bool uid_by_name(const char *name, uint32_t *uid, void *context)
{
    (void)context;
    *uid = 33;
    return strcmp(name, "www-data") == 0;
}

const struct rule_names trial_names = {.port = port_by_name, .user = uid_by_name};

void trial_judge(struct trial *trial)
{
    judge_free(trial->verdict);
    ck_assert_int_eq(judge_tally(&trial->question, &trial->verdict), 0);
}

struct trial *trial_begin(const char *rules, const char *host)
{
    struct trial *trial = calloc(1, sizeof *trial);
    char *copy = strdup(rules);
    char *rest = NULL;
    unsigned number = 0;

    trial->policy = policy_create(&trial_names);
    trial->tally = trial_tally(host);
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "-r ", 3) == 0) {
            ck_assert_int_eq(policy_rule_add(trial->policy, line + 3, ++number), 0);
        } else {
            ck_assert_int_eq(policy_text_add(trial->policy, line, strlen(line), "p"), 0);
        }
    }
    free(copy);
    ck_assert_int_eq(policy_finish(trial->policy), 0);
    ck_assert_msg(trial->policy->errors.count == 0, "%s",
                  trial->policy->errors.count > 0 ? trial->policy->errors.text[0] : "");
    trial->question = (struct judge_question){.policy = trial->policy, .tally = trial->tally, .today = TRIAL_TODAY};
    return trial;
}

struct trial *trial_of(const char *rules, const char *host)
{
    struct trial *trial = trial_begin(rules, host);

    trial_judge(trial);
    return trial;
}

void trial_end(struct trial *trial)
{
    judge_free(trial->verdict);
    policy_free(trial->policy);
    tally_free(trial->tally);
    free(trial);
}
