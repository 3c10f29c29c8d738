/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A policy and a host, each from a line of text, and the verdict on the two.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "audit/judge.h"

/* An address as text; IPv4 in its mapped form, as records hold it. */
struct in6_addr trial_address(const char *text);

/*
 * A tally from words set apart by blanks:
 *   443=::                a listener; "::/6" is v6only, "::/?" v6only unknown, "::%lo" bound to lo,
 *                         "::!33" of uid 33, "::!33:www-data" with its name and no unit to tell,
 *                         "::+x.service" of that unit, "::+?" of a unit that is gone,
 *                         "192.0.2.1^" on an address that is none of the host's
 *   u53=::                the same of UDP
 *   443~::ffff:10.0.0.1*3 three connections to that address (mapped, IPv4 or IPv6, by how it is written)
 *   ipv4:link             the widest IPv4 address of the host; it has every kind where nothing is said
 *   noipv6, ipv6?         a host without IPv6, or nobody knows
 *   ipv6:disabled         a host without IPv6, for net.ipv6.conf.all.disable_ipv6=1
 *   bindv6only            net.ipv6.bindv6only=1
 *   addresses?            nobody knows which addresses the host has
 *   clients?              nobody knows which ports clients get
 *   reserved:40000        no client gets that port
 *   interfaces?           the source names no interface
 *   notcp, noudp          the protocol cannot be read
 */
struct tally *trial_tally(const char *text);

/* The port https and the user www-data, 33. */
extern const struct rule_names trial_names;

#define TRIAL_TODAY 20779 /* 2026-11-22 */

struct trial {
    struct policy *policy;
    struct tally *tally;
    struct range warning, critical;
    struct judge_question question;
    struct judge_verdict *verdict;
};

/*
 * A trial that is not judged yet, of rules a line, those of the command line with "-r " before them, and a host as
 * trial_tally() takes it. The policy must have no mistake. Ends with trial_end().
 */
struct trial *trial_begin(const char *rules, const char *host);

/* Judges, once more where it was before. */
void trial_judge(struct trial *trial);

/* Both at once. */
struct trial *trial_of(const char *rules, const char *host);

void trial_end(struct trial *trial);

#endif
