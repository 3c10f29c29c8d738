/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What one rule of a learned policy is to name, made from what listens.
 */
#ifndef AUDIT_SUGGEST_H
#define AUDIT_SUGGEST_H

#include "audit/judge.h"

/* bindresvport() takes its ports from these (glibc: 600 to 1023, then 512 on). */
#define SUGGEST_RESERVED_FIRST 512
#define SUGGEST_RESERVED_LAST 1023

/* Where sshd(8) listens for ssh -X: display N is port 6000 + N, and the first is 10 (X11DisplayOffset). */
#define SUGGEST_X11_FIRST 6010
#define SUGGEST_X11_LAST 6099

/* Will it be on the same port after the next start? */
enum suggest_permanence {
    SUGGEST_FIXED,
    SUGGEST_CLIENT,   /* the kernel assigns it, by net.ipv4.ip_local_port_range */
    SUGGEST_RESERVED, /* of a daemon that takes any free port below 1024 */
    SUGGEST_QUERY,    /* of a name server that sends its own queries from a port of its choice */
    SUGGEST_X11       /* of ssh -X, which takes the first free port of its range for each login */
};
#define SUGGEST_PERMANENCES (SUGGEST_X11 + 1)

/* One service, or its part in one scope if the parts differ: what one rule is to name. */
struct suggestion {
    struct judge_service service;      /* only what wording.h looks at, and as_bound; the list of listeners is owned */
    enum rule_requirement requirement; /* the strictest that it keeps, whatever the unknown facts are */
    int scope;                         /* RULE_ANY_SCOPE: all of it */
    char name[RULE_NAME_MAX + 1];
    bool named; /* by the services database; else it is the name that the rule has by itself */
    enum suggest_permanence permanence;
};

/* In the order of the tally. */
struct suggestions {
    struct suggestion *list;
    size_t count;
    bool client_known;     /* false: this host's is unknown, the range is Linux's own */
    uint16_t client_first; /* ports that the kernel assigns */
    uint16_t client_last;
};

/* The name of a port in the services database, NULL for none. Valid until the next call. */
typedef const char *suggest_service_name(enum record_protocol protocol, uint16_t port, void *context);

/*
 * Makes the suggestions of all that listens in `tally`, which is sorted and has its owners; they borrow from it.
 * Each port is asked for its name once, with `names`. Returns 0 and *made, or -ENOMEM; either way suggest_clear()
 * ends it.
 */
int suggest_list(struct suggestions *made, const struct tally *tally, suggest_service_name *service_name, void *names);

/* All zero is fine. */
void suggest_clear(struct suggestions *made);

/*
 * How far these listeners are reached now over any family that they may accept, for reach=. False if a rule does not
 * need that option, because they are reached as far as they are bound, or if it would not last: if their reach is not
 * known, or if they are bound to an interface that is gone or down.
 */
bool suggest_reach(const struct judge_service *service, const struct tally *tally, enum reach_extent *widest);

/*
 * True for the name servers that by default choose the ports of their queries from all above 1023: dnsmasq, also as
 * part of libvirt, LXC and NetworkManager, Unbound and the PowerDNS Recursor. Others (BIND, Knot Resolver,
 * systemd-resolved) leave the choice to the kernel, in whose range no default judges.
 */
bool suggest_will_query(const struct judge_service *service, const struct tally_listener *listener);

/* Writes the name of the rule for all ports of that permanence (not SUGGEST_FIXED), which no suggestion has:
 * "per-boot-tcp". Returns name. */
const char *suggest_permanence_name(char name[static RULE_NAME_MAX + 1], enum suggest_permanence permanence,
                                    enum record_protocol protocol);

#endif
