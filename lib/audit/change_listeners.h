/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The listeners of a service, then and now; change.c alone includes it.
 */
#ifndef AUDIT_CHANGE_LISTENERS_H
#define AUDIT_CHANGE_LISTENERS_H

#include "audit/change.h"

/*
 * Sets the points on which the listeners of both sides differ, or may, and which of them do. Both sides have some.
 * Returns 0 or -ENOMEM.
 */
int change_listeners_compare(struct change *change, const struct tally *before, const struct tally *after);

#endif
