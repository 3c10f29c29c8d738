/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What changed between two tallies of a host. Services are compared by what they are: stack, reach, form, what their
 * sockets are bound to, units and users; never by what changes with each start: cgroups, counts, times. Pure.
 */
#ifndef AUDIT_CHANGE_H
#define AUDIT_CHANGE_H

#include "audit/judge.h"

enum change_kind {
    CHANGE_APPEARED,
    CHANGE_GONE,
    CHANGE_CHANGED,
    CHANGE_UNKNOWN /* nothing differs for certain, but something that is unknown in one of them may */
};
#define CHANGE_KINDS (CHANGE_UNKNOWN + 1)

/* On which point a service differs. */
enum change_point {
    CHANGE_STACK,
    CHANGE_REACH, /* the same stack, reached from elsewhere */
    CHANGE_FORM,
    CHANGE_ADDRESSES,
    CHANGE_INTERFACES, /* at the same address */
    CHANGE_V6ONLY,     /* whether a socket at the same address accepts IPv4 */
    CHANGE_UNITS,
    CHANGE_USERS,
    CHANGE_CLIENT_PORT /* only ever unknown: whether the port is one that clients get */
};
#define CHANGE_POINTS (CHANGE_CLIENT_PORT + 1)
#define CHANGE_BIT(point) (1u << (point))

/* A sentence names this many sockets. */
#define CHANGE_SHOWN 3

/* The sockets of one side that have no match on the other; borrowed from the tally. */
struct change_sockets {
    const struct tally_listener *first[CHANGE_SHOWN]; /* as many of them as there are */
    size_t count;
};

/* The sockets on which a point of listeners differs; none for the points of the whole service. */
struct change_difference {
    struct change_sockets before;
    struct change_sockets after;
};

/* A service that is not what it was, or may be. */
struct change {
    enum change_kind kind;
    enum state state;
    struct judge_service before; /* its stack and listeners; no listeners if nothing listened */
    struct judge_service after;
    unsigned points;  /* of CHANGE_CHANGED: CHANGE_BIT() of each that differs */
    unsigned unknown; /* CHANGE_BIT() of each that may differ */
    struct change_difference differences[CHANGE_POINTS];
};

struct change_list {
    const struct tally *before; /* NULL: there is none to compare with */
    const struct tally *after;
    struct change *changes; /* by protocol and port */
    size_t count;
    uint64_t certain;                  /* those that are not CHANGE_UNKNOWN */
    bool unreadable[RECORD_PROTOCOLS]; /* in one of the tallies: nothing is known of its services */
    enum state state;                  /* the worst; UNKNOWN also without `before` and where a protocol is unreadable */
};

/* What to compare, all borrowed. Both tallies are sorted and know their owners. */
struct change_question {
    const struct tally *before; /* NULL: there is none */
    const struct tally *after;
    const struct policy *policy; /* finished */
};

/*
 * Compares. UDP ports that the kernel assigns to clients are left out, unless a rule names the port itself or has
 * ephemeral=yes, and so are sockets that a rule leaves to their unit by except-unit=. The state of a change is the
 * severity of the policy's default for such a socket, WARNING without one. What neither tally knows is not compared;
 * but a stack or a reach that either leaves open is unknown. Where how far a socket is reached is not known, services
 * are compared as far as they are bound. Returns 0 and *list, which borrows from the tallies and ends with
 * change_list_free(); or -ENOMEM.
 */
int change_list_make(const struct change_question *question, struct change_list **list);

/* NULL is fine. */
void change_list_free(struct change_list *list);

/*
 * True when what is compared at the point is known of that listener: its interface, v6only, unit or user, or the host's
 * range of client ports. Always true of the other points.
 */
bool change_point_is_known(enum change_point point, const struct tally *tally, enum record_protocol protocol,
                           const struct tally_listener *listener);

/* True when something is gone or was replaced, so that a second look is worthwhile. */
bool change_list_rests_on_absence(const struct change_list *list);

/* True when `earlier` has each change of that kind, too. */
bool change_list_confirms(const struct change_list *list, const struct change_list *earlier);

/* "appeared", "gone", "changed", "unknown"; "stack", "reach" and so on. Literals. */
const char *change_kind_name(enum change_kind kind);
const char *change_point_name(enum change_point point);

#endif
