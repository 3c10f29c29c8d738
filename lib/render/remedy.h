/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to change so that a service does what its rule demands, drawn from the evidence.
 */
#ifndef RENDER_REMEDY_H
#define RENDER_REMEDY_H

#include "audit/judge.h"

#define REMEDY_SIZE 640

/* The remedy of one reason; "" when the evidence suggests none. Returns text. */
const char *remedy_format(char text[static REMEDY_SIZE], const struct judge_service *service,
                          const struct judge_reason *reason, const struct tally *tally);

#endif
