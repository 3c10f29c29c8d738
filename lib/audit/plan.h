/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Which sockets a service should have so that its rule is kept: those it has, with as few changes as do, and reached
 * from no farther away than now.
 */
#ifndef AUDIT_PLAN_H
#define AUDIT_PLAN_H

#include "audit/judge.h"

/* Where new sockets listen: as the service does now, if bind= allows that. */
enum plan_place {
    PLAN_WILDCARD,
    PLAN_INTERFACE, /* on the wildcard, bound to an interface */
    PLAN_LOOPBACK,  /* on 127.0.0.1 and ::1 */
    PLAN_LINK,      /* on link-local addresses */
    PLAN_ADDRESS,   /* on addresses of the host; only the administrator knows which */
    PLAN_BIND       /* on addresses inside the prefixes of bind= */
};
#define PLAN_PLACES (PLAN_BIND + 1)

/* What becomes of a listener. */
enum plan_change {
    PLAN_KEEP,
    PLAN_SET_V6ONLY,   /* so that it takes no IPv4 */
    PLAN_CLEAR_V6ONLY, /* so that it takes IPv4 too */
    PLAN_LEAVE         /* it goes */
};
#define PLAN_CHANGES (PLAN_LEAVE + 1)

/* Everything is borrowed from the service and the tally. */
struct plan {
    const struct judge_service *service;
    const struct tally *tally;
    bool by_bound;            /* nothing reaches the service, or the rule has as=bound */
    enum reach_extent extent; /* how far the service is to be reached */
    enum plan_place place;
    const char *interface;            /* of PLAN_INTERFACE */
    enum stack_form form;             /* of the sockets; STACK_FORM_NONE: either */
    bool form_is_impossible;          /* form=single, where [::] may not be used: the form is split then */
    bool adds_both;                   /* one new socket on [::] takes both families */
    bool adds[RECORD_FAMILIES];       /* a new socket for the family alone */
    bool bind_lacks[RECORD_FAMILIES]; /* the rule needs the family, and bind= has no address of it */
    bool host_lacks[RECORD_FAMILIES]; /* a new socket for it needs an address that the host does not have */
    /* NULL for none: */
    const struct tally_listener *limited[RECORD_FAMILIES]; /* reached from farther if the host changes */
    const struct tally_listener *clearable;                /* with its IPV6_V6ONLY off it takes IPv4 too */
    const struct tally_listener *first[PLAN_CHANGES];      /* the first listener that changes so */
};

/*
 * Makes the plan of a service that breaks its rule by the families it accepts, its form or its addresses. `preferred`
 * is the form that suits its daemon, where the rule leaves the choice; STACK_FORM_NONE where that is not known.
 */
void plan_make(struct plan *plan, const struct judge_service *service, const struct tally *tally,
               enum stack_form preferred);

/* True when no place of bind= will do for what the rule needs: the plan's place is to be added to it. */
bool plan_widens_bind(const struct plan *plan);

/* True when bind= and reach= leave no place for any socket: only the policy can be changed then. */
bool plan_ends_service(const struct plan *plan);

/* What becomes of this listener of the service. */
enum plan_change plan_change_of(const struct plan *plan, const struct tally_listener *listener);

#endif
