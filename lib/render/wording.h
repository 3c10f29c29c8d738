/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Verdicts in words: what text and JSON have in common. Nothing here is escaped; that happens on the way out.
 */
#ifndef RENDER_WORDING_H
#define RENDER_WORDING_H

#include "audit/judge.h"
#include "plugin/text_buffer.h"

/* What sentences are made from, beside the service. */
struct wording_context {
    const struct tally *tally;
    bool host_has_sentence[RECORD_FAMILIES]; /* what the host's addresses limit is said in a sentence of its own */
};

/* Adds "web 443/tcp", "443/tcp" when the rule has no name of its own, "stub 53/udp@loopback". */
void wording_add_service(struct text_buffer *text, const struct judge_service *service);

/*
 * Adds what the service is: "dual-stack", "v4-only outside loopback, IPv6 on [::1] only", "v4-only outside the link
 * (this host has no IPv6 address beyond fe80::/10)", "closed"; "listens, but nothing reaches it" has a verb of its own.
 */
void wording_add_stack(struct text_buffer *text, const struct judge_service *service,
                       const struct wording_context *context);

/*
 * Adds ", from this host alone" to a dual-stack service that is bound to be reached from farther over a family than it
 * is over either.
 */
void wording_add_within(struct text_buffer *text, const struct judge_service *service, const struct tally *tally);

/*
 * The families whose reach the host's addresses limit for this service, a bit for each (1u << enum record_family): what
 * cuts several services in this way is one sentence on the host, wording_add_host().
 */
unsigned wording_host_limits(const struct judge_service *service, const struct tally *tally);

/* Adds what the host lacks: "IPv6 address beyond fe80::/10". */
void wording_add_lacking_address(struct text_buffer *text, const struct tally *tally, enum record_family family);

/* Adds "this host has no IPv6 address beyond fe80::/10". */
void wording_add_host(struct text_buffer *text, const struct tally *tally, enum record_family family);

/* Adds the name by which machines know it: its rule's, or "tcp_443" where it has none of its own. */
void wording_add_name(struct text_buffer *text, const struct judge_service *service);

/* Adds "0.0.0.0:443", "[fe80::1%eth0]:53". */
void wording_add_endpoint(struct text_buffer *text, const struct judge_service *service,
                          const struct tally_listener *listener);

/*
 * Adds the listener's owner: its unit, or "user NAME" where it has no unit ("user NAME, its unit is gone"); nothing
 * when the owner was not looked up.
 */
void wording_add_owner(struct text_buffer *text, const struct tally_listener *listener);

/* Adds "user NAME", "user NUMBER" where it has no name, "user not visible from here". */
void wording_add_user(struct text_buffer *text, const struct tally_listener *listener);

/* Adds the endpoint with its owner: "0.0.0.0:443 (nginx.service)". */
void wording_add_listener(struct text_buffer *text, const struct judge_service *service,
                          const struct tally_listener *listener);

/*
 * Adds how far the listener is reached over the family, where that is less far than it is bound, and why: "nothing
 * reaches it over IPv6: 2001:db8::99 is not an address of this host now". What the host's addresses limit has no reason
 * here: wording_add_host() is that for all listeners. Adds nothing where nothing limits it.
 */
void wording_add_reach(struct text_buffer *text, const struct tally *tally, const struct tally_listener *listener,
                       enum record_family family);

/* Adds one reason as a clause of its own: "nothing accepts IPv6". */
void wording_add_reason(struct text_buffer *text, const struct judge_service *service,
                        const struct judge_reason *reason, const struct wording_context *context);

/*
 * Adds the worst reason of a service that has any as one sentence without a full stop, as the first line has it: "web
 * 443/tcp is v4-only, must be dual-stack".
 */
void wording_add_finding(struct text_buffer *text, const struct judge_service *service,
                         const struct wording_context *context);

/*
 * Adds the sum of everything: "2 of 6 services off policy", "6 services on policy, 12 v4-mapped connections", and a
 * crossed threshold on the total before it: "12 v4-mapped connections, must be at most 10. 6 services on policy".
 */
void wording_add_summary(struct text_buffer *text, const struct judge_verdict *verdict, const struct policy *policy);

/* What the rule demands, to stand after "must ": "be dual-stack", "accept IPv4", "listen", "be closed". A literal. */
const char *wording_requirement(enum rule_requirement requirement);

/* True when whatever is wrong with the service, its stack is what the rule demands. */
bool wording_requirement_is_kept(const struct judge_service *service);

/* "IPv4", "IPv6", "IPv4+IPv6", "IPv6, and IPv4 unknown", "nothing": what the listener accepts. A literal. */
const char *wording_accepts(struct stack_accepts accepts);

/* "none" to "external": how far the listener is reached over the family; NULL if unknown. A literal. */
const char *wording_reach(const struct tally *tally, const struct tally_listener *listener, enum record_family family);

/* Room for any one of these texts; a longer one is cut. */
#define WORDING_SIZE 512

#endif
