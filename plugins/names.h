/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What numbers are called: users, and the units of cgroups. Memory grows with the distinct numbers.
 */
#ifndef NAMES_H
#define NAMES_H

#include "socket/source.h"

/* What a number is called, ready to be printed. */
struct name {
    uint64_t id;
    char *text; /* NULL until it was looked up */
};

/* Ascending by id, each once. */
struct names {
    struct name *list;
    size_t count;
};

/* The name of `id`, which is made without a text when it is new. NULL when out of memory. Valid until the next call. */
struct name *names_find(struct names *names, uint64_t id);

/*
 * Gives every user without a text its name, or its number when it has none or is of a foreign host. Returns 0 or
 * -ENOMEM.
 */
int names_learn_users(struct names *users, bool foreign);

/*
 * Gives every cgroup without a text its unit, in one walk over the cgroups: "(gone)" when it no longer exists, "-" when
 * there is no telling, and fault->text says why. Returns 0 or -ENOMEM.
 */
int names_learn_units(struct names *units, struct source_fault *fault);

void names_clear(struct names *names);

#endif
