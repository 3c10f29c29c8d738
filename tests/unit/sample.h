/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Listeners, rules and services of a verdict made by hand, for tests of what is written about them. What cannot be made
 * fails the test.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "audit/judge.h"

/* A listener as a table of a test writes it; all zero where there is none. Texts are borrowed. */
struct sample_listener {
    const char *address; /* "0.0.0.0", "::1", "fe80::1%eth0": the colon makes it AF_INET6; NULL for no listener */
    enum record_v6only v6only;
    const char *unit;           /* NULL: unit_state says why */
    enum tally_unit unit_state; /* of a listener without a unit */
    const char *user;           /* NULL where the uid has no name */
    uint32_t uid;
};

/* A host that has addresses of every scope, in both families. */
extern const struct address_facts sample_addresses;

/*
 * Works out the reach of a listener on a host with these addresses. Unless its presence is set, its address is one of
 * them if the host has any of that scope; its interface is there, unless it is called "#NUMBER".
 */
void sample_reach_set(struct tally_listener *listener, enum record_protocol protocol,
                      const struct address_facts *addresses);

/* Adds a listener to a tally, which keeps copies of the texts, of a host with the tally's addresses. */
void sample_tally_add(struct tally *tally, enum record_protocol protocol, uint16_t port,
                      const struct sample_listener *listener);

/* Reads a rule, in which no port has a name and every user has the uid 1. Ends with rule_free(). */
struct rule *sample_rule(const char *text);

#define SAMPLE_MOST 4

/* One service of a verdict with all that it borrows. It must stay where it is. */
struct sample_service {
    struct judge_service service;
    struct tally_listener listeners[SAMPLE_MOST];
    const struct tally_listener *list[SAMPLE_MOST];
    struct judge_reason reasons[SAMPLE_MOST];
    struct rule *rule;
};

/*
 * Makes the service that the rule names, or 443/tcp for NULL and for a default, without listeners and without reasons.
 * Ends with sample_service_clear().
 */
void sample_service_make(struct sample_service *sample, const char *rule);

/* Adds a listener, unless its address is NULL. The host has sample_addresses. */
void sample_service_listen(struct sample_service *sample, const struct sample_listener *listener);

/* Adds a reason, which blames the first listener where `blames`. Returns it, for what else it needs. */
struct judge_reason *sample_service_blame(struct sample_service *sample, enum judge_cause cause, enum state state,
                                          bool blames);

void sample_service_clear(struct sample_service *sample);

#endif
