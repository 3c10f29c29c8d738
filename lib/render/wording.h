/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Verdicts in words: what text and JSON have in common. Nothing here is escaped; that happens on the way out.
 */
#ifndef RENDER_WORDING_H
#define RENDER_WORDING_H

#include "audit/judge.h"

#define WORDING_SIZE 512

/* "web 443/tcp", "443/tcp" when the rule has no name of its own, "stub 53/udp@loopback". Returns text. */
const char *wording_service(char text[static WORDING_SIZE], const struct judge_service *service);

/* What the service is: "dual-stack", "v4-only outside loopback, IPv6 on [::1] only", "closed". Returns text. */
const char *wording_stack(char text[static WORDING_SIZE], const struct judge_service *service);

/* What the rule demands, to stand after "must ": "be dual-stack", "accept IPv4", "listen", "be closed". A literal. */
const char *wording_requirement(enum rule_requirement requirement);

/* True when whatever is wrong with the service, its stack is what the rule demands. */
bool wording_requirement_is_kept(const struct judge_service *service);

/* "0.0.0.0:443", "[fe80::1%eth0]:53". Returns text. */
const char *wording_endpoint(char text[static WORDING_SIZE], const struct judge_service *service,
                             const struct tally_listener *listener);

/* Whose it is: its unit, or "user NAME" where there is no unit to tell ("user NAME, its unit is gone"); "" when neither
 * was looked up. Returns text. */
const char *wording_owner(char text[static WORDING_SIZE], const struct tally_listener *listener);

/* "0.0.0.0:443 (nginx.service)". Returns text. */
const char *wording_listener(char text[static WORDING_SIZE], const struct judge_service *service,
                             const struct tally_listener *listener);

/* "IPv4", "IPv6", "IPv4+IPv6", "IPv6, and IPv4 unknown", "nothing": what the listener accepts. A literal. */
const char *wording_accepts(struct stack_accepts accepts);

/* One reason as a clause of its own: "nothing accepts IPv6". Returns text. */
const char *wording_reason(char text[static WORDING_SIZE], const struct judge_service *service,
                           const struct judge_reason *reason, const struct tally *tally);

/*
 * The finding as one sentence without a full stop, as the first line has it: "web 443/tcp is v4-only, must be
 * dual-stack". Returns text.
 */
const char *wording_finding(char text[static WORDING_SIZE], const struct judge_service *service,
                            const struct tally *tally);

/*
 * The sum of everything: "2 of 6 services off policy", "6 services on policy, 12 v4-mapped connections", and a crossed
 * threshold on the total before it: "12 v4-mapped connections, must be at most 10. 6 services on policy". Returns text.
 */
const char *wording_summary(char text[static WORDING_SIZE], const struct judge_verdict *verdict,
                            const struct policy *policy);

#endif
