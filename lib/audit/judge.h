/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Rules and tally to verdicts. Pure: no I/O, no clock.
 */
#ifndef AUDIT_JUDGE_H
#define AUDIT_JUDGE_H

#include "audit/policy.h"
#include "audit/tally.h"

struct change_list; /* audit/change.h */

enum judge_cause {
    JUDGE_NOTHING_LISTENS,
    JUDGE_NO_IPV4, /* nothing accepts IPv4, or not as far as it must */
    JUDGE_NO_IPV6,
    JUDGE_TAKES_IPV4, /* a listener accepts IPv4 and must not */
    JUDGE_TAKES_IPV6,
    JUDGE_LISTENS,        /* a listener is there and must not be */
    JUDGE_FORM,           /* dual-stack, but not in the form demanded */
    JUDGE_BIND,           /* a listener is outside bind= */
    JUDGE_REACH,          /* a listener is reached from farther away than reach= */
    JUDGE_UNIT,           /* a listener is not of unit= */
    JUDGE_USER,           /* a listener is not of user= */
    JUDGE_MAPPED,         /* v4-mapped connections outside mapped-warning= or mapped-critical= */
    JUDGE_IPV4,           /* IPv4 connections outside ipv4-warning= or ipv4-critical= */
    JUDGE_V6ONLY_UNKNOWN, /* whether a [::] listener accepts IPv4 is unknown, and it matters */
    JUDGE_IPV6_UNKNOWN,   /* whether the host has IPv6 is unknown, and it matters */
    JUDGE_UNIT_UNKNOWN,   /* the listener's unit is unknown */
    JUDGE_USER_UNKNOWN,   /* the listener's user is unknown */
    JUDGE_BIND_UNKNOWN,   /* whether a listener is bound to an interface is unknown, and it matters */
    JUDGE_REACH_UNKNOWN,  /* how far a listener can be reached is unknown, and it matters */
    JUDGE_CLIENT_UNKNOWN, /* whether a UDP port is one that clients get is unknown, and it matters */
    JUDGE_UNREADABLE      /* the protocol cannot be read */
};

struct judge_reason {
    enum judge_cause cause;
    enum state state;                      /* what it makes of the service, waived or not */
    const struct tally_listener *listener; /* the one to blame, NULL when it is all of them; borrowed from the tally */
    const struct range *range;             /* of JUDGE_MAPPED and JUDGE_IPV4; borrowed from the rule */
    uint64_t count;                        /* of these two: the rule's connections */
};

/* One judged service, or one listening service that nothing judges. */
struct judge_service {
    enum record_protocol protocol;
    uint16_t port;
    const struct rule *rule;                 /* NULL: not judged */
    const struct tally_listener **listeners; /* those the rule judges; borrowed from the tally */
    size_t listener_count;
    struct stack stack;
    uint64_t connections[TALLY_KINDS]; /* inbound, those that follow the rule */
    struct peers *peers; /* their clients, by enum tally_kind; NULL without any, or unless they were asked for */
    enum state state;    /* a waived breach counts as OK */
    bool as_bound; /* by what sockets are bound to, as a rule with as=bound has it, not by what reaches them now */
    bool waived;
    bool absent; /* a breach because something is missing: look twice */
    struct judge_reason *reasons;
    size_t reason_count;
};

struct judge_total {
    bool known; /* false when a protocol that counts could not be read */
    uint64_t mapped;
    uint64_t mapped_out;
    uint64_t violations;
    uint64_t warnings; /* of the violations: those in WARNING */
    uint64_t unlisted;
    uint64_t waived;
    uint64_t judged; /* services that a rule or default judges */
    uint64_t unknown;
    uint64_t unjudged_udp; /* sockets that no rule judges because clients share their ports */
    bool changes_known;    /* there is a baseline, and every protocol could be compared with it */
    uint64_t changes;      /* since the baseline; not those that are unknown */
};

struct judge_verdict {
    struct judge_service *services; /* in the order of the rules, then of defaults, then those not judged */
    size_t service_count;
    uint64_t (*rule_connections)[TALLY_KINDS]; /* by position in policy->rules */
    bool *rule_known;                          /* likewise: false when its protocol could not be read */
    struct judge_total total;
    enum state mapped_state;           /* the state by the thresholds on the total */
    const struct range *mapped_range;  /* the one that was crossed, NULL for none; borrowed from the question */
    bool unreadable[RECORD_PROTOCOLS]; /* it matters here that the protocol could not be read */
    struct change_list *changes;       /* since the baseline; NULL without a baseline */
    enum state state;                  /* of everything */
};

struct judge_question {
    const struct policy *policy; /* without errors, finished */
    const struct tally *tally;   /* sorted */
    const struct range *warning; /* on the total of inbound v4-mapped connections; NULL for none */
    const struct range *critical;
    int32_t today;                /* days since 1970-01-01, UTC */
    bool everything;              /* also list what nothing judges */
    bool compares;                /* with the baseline; then the owners of both tallies are known */
    const struct tally *baseline; /* sorted; NULL: there is none, and the verdict is UNKNOWN */
    size_t peers;                 /* so many clients of each service, if the tally counted them */
};

/*
 * Judges the tally by the policy. Returns 0 and *verdict, which borrows from the question's policy and tallies and ends
 * with judge_free(); or -ENOMEM.
 */
int judge_tally(const struct judge_question *question, struct judge_verdict **verdict);

/* NULL is fine. */
void judge_free(struct judge_verdict *verdict);

/* Adds a listener, borrowed, to the list of the service, which is the caller's to free. Returns 0 or -ENOMEM. */
int judge_listener_add(struct judge_service *service, const struct tally_listener *listener);

/* True when any breach is due to something missing, so that a second look is worthwhile. */
bool judge_rests_on_absence(const struct judge_verdict *verdict);

/* True when the requirement is kept by the stack of a service that listens; of an unknown stack only if any would do.
 */
bool judge_stack_fits(enum rule_requirement requirement, const struct stack *stack);

/* How far the service's listener is reached over the family now; by a rule with as=bound, how far it is bound to be. */
enum reach_extent judge_extent(const struct judge_service *service, const struct tally *tally,
                               const struct tally_listener *listener, enum record_family family);

/* The listener through which the family is reached from farthest, or would be: NULL where none takes it. */
const struct tally_listener *judge_widest_listener(const struct judge_service *service, const struct tally *tally,
                                                   enum record_family family);

/*
 * True when bind= of the rule, which has one, allows the listener. On a wildcard that takes IPv4 it depends on
 * `takes_ipv4` whether IPv4 must be allowed as well.
 */
bool judge_bind_fits(const struct rule *rule, const struct tally_listener *listener, bool takes_ipv4);

#endif
