/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One service against its rule; judge.c, change.c and suggest.c alone include it.
 */
#ifndef AUDIT_JUDGE_SERVICE_H
#define AUDIT_JUDGE_SERVICE_H

#include "audit/judge.h"

/*
 * Works out the stack of the service from its listeners and adds a reason for each point on which its rule is broken or
 * that is unknown. Returns 0 or -ENOMEM.
 */
int judge_service_decide(struct judge_service *service, const struct tally *tally);

/*
 * Is the listener on that port one that the rule leaves out, by except-unit=? Unknown where its unit is not known.
 */
enum record_answer judge_service_excepts(const struct rule *rule, uint16_t port, const struct tally_listener *listener);

/* Adds a copy of the reason. Returns 0 or -ENOMEM. */
int judge_service_blame(struct judge_service *service, const struct judge_reason *reason);

/* Sums the reasons up to the state, the waiver of the rule applied. */
void judge_service_conclude(struct judge_service *service, int32_t today);

#endif
