/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What one rule of a learned policy is to name, made from what listens.
 */
#ifndef LESSON_H
#define LESSON_H

#include "audit/judge.h"

/* bindresvport() takes its ports from these (glibc: 600 to 1023, then 512 on). */
#define LESSON_RESERVED_FIRST 512
#define LESSON_RESERVED_LAST 1023

/* Will it be on the same port after the next start? */
enum lesson_habit {
    LESSON_FIXED,
    LESSON_CLIENT,  /* in net.ipv4.ip_local_port_range */
    LESSON_RESERVED /* of a daemon that takes any free port below 1024 */
};

/* One service, or its part in one scope where the parts differ: what one rule is to name. */
struct lesson {
    struct judge_service service; /* only what words.h looks at; the list of listeners is owned */
    int scope;                    /* RULE_ANY_SCOPE: all of it */
    char name[RULE_NAME_MAX + 1];
    bool named; /* by the services database; else it is the name that the rule has by itself */
    enum lesson_habit habit;
};

/* In the order of the tally. */
struct lesson_list {
    struct lesson *list;
    size_t count;
    bool client_known;     /* false: the host does not tell, the range is Linux's own */
    uint16_t client_first; /* what the kernel hands out */
    uint16_t client_last;
};

/*
 * Makes the lessons of all that listens in `tally`, which is sorted and has its owners; they borrow from it.
 * `connections` has the v4-mapped connections to count, only while this runs. Asks the services database for names.
 * Returns 0 and *made, or -ENOMEM; either way lesson_list_clear() ends it.
 */
int lesson_list_make(struct lesson_list *made, const struct tally *tally, const struct tally *connections);

/* All zero is fine. */
void lesson_list_clear(struct lesson_list *made);

/* The name of the rule for all ports of that habit, which no lesson has; NULL for LESSON_FIXED. A literal. */
const char *lesson_habit_name(enum lesson_habit habit, enum record_protocol protocol);

#endif
