/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Whose listeners are: users and units.
 */
#ifndef OWNERS_H
#define OWNERS_H

#include "look.h"

/*
 * Finds the user names and units of all listeners of a look, once. What cannot be told is told so in each of them; the
 * users of another host's files have no names here. Returns 0 or -ENOMEM.
 */
int owners_find(struct look *look);

#endif
