/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * All rules together, and which one judges what.
 */
#ifndef AUDIT_POLICY_H
#define AUDIT_POLICY_H

#include "audit/rule.h"

struct policy_index;

struct policy {
    struct rule **rules; /* in the order they rank for a reader: --rule first, then the file's; defaults among them */
    size_t rule_count;
    struct rule_errors errors;
    const struct rule_names *names;
    struct policy_index *index; /* made by policy_finish() */
};

/*
 * An empty policy that asks `names` (borrowed) for service and user names. NULL when out of memory. Ends with
 * policy_free().
 */
struct policy *policy_create(const struct rule_names *names);

/* NULL is fine. */
void policy_free(struct policy *policy);

/*
 * Adds rule number `number` (from 1) of the command line. An empty one is a mistake. Mistakes go to policy->errors;
 * returns 0 all the same, -ENOMEM when out of memory.
 */
int policy_rule_add(struct policy *policy, const char *text, unsigned number);

/*
 * The same for a rule of the command line that is written elsewhere: `origin` names the place, such as "plugins.ini:7".
 */
int policy_option_add(struct policy *policy, const char *text, const char *origin);

/*
 * Adds the rules of a file's `length` bytes; `name` is what errors call it. CRLF line ends, a missing last newline and
 * a UTF-8 byte order mark are fine. Mistakes go to policy->errors; returns 0 all the same, -ENOMEM when out of memory.
 */
int policy_text_add(struct policy *policy, const char *bytes, size_t length, const char *name);

/*
 * To be called once, after the last rule: finds rules that contradict each other and leaves out the file's rules that
 * --rule replaces on all their ports. Then the policy may judge if policy->errors is empty. Returns 0 or -ENOMEM.
 */
int policy_finish(struct policy *policy);

/*
 * The one rule that judges a listener (or connection) of this port and scope on that host, NULL for none. On the ports
 * it names --rule outranks the file; then a single port outranks a range, then a scope outranks none; then come the
 * defaults, the one with a protocol first, then the one with a scope. UDP ports that the host assigns to clients are
 * judged only by a rule that names the port itself, or by a range or a default that has ephemeral=yes.
 */
const struct rule *policy_find(const struct policy *policy, const struct sock_host *host, enum record_protocol protocol,
                               uint16_t port, enum scope scope);

/*
 * The range or default that would judge a listener of this port and scope if it were not a UDP port that the host
 * assigns to clients; NULL when something judges it, or nothing would.
 */
const struct rule *policy_find_spared(const struct policy *policy, const struct sock_host *host,
                                      enum record_protocol protocol, uint16_t port, enum scope scope);

/* The default that judges such listeners where no rule names their port, NULL for none. */
const struct rule *policy_find_default(const struct policy *policy, enum record_protocol protocol, enum scope scope);

/*
 * True when at this port of its own another rule comes before the rule altogether: by rank of --rule or of a single
 * port, and for every scope that the rule takes. Such a port has no service of this rule, not even a missing one.
 */
bool policy_is_superseded(const struct policy *policy, const struct sock_host *host, const struct rule *rule,
                          uint16_t port);

/* True when any rule or default can judge sockets of the protocol. */
bool policy_judges(const struct policy *policy, enum record_protocol protocol);

#endif
