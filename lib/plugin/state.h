/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The four states of a monitoring plugin.
 */
#ifndef PLUGIN_STATE_H
#define PLUGIN_STATE_H

#include <stdbool.h>

/* The values are the exit codes. */
enum state {
    STATE_OK = 0,
    STATE_WARNING = 1,
    STATE_CRITICAL = 2,
    STATE_UNKNOWN = 3
};

/* "OK", "WARNING", "CRITICAL" or "UNKNOWN" (also for any other value); a static string. */
const char *state_name(enum state state);

/* Returns the worse of the two, in the order CRITICAL, WARNING, UNKNOWN, OK. */
enum state state_worse(enum state a, enum state b);

/* Orders states with the worst first, as qsort() does: negative when a is worse than b, 0 when equal. */
int state_compare(enum state a, enum state b);

/* Reads "ok", "warning", "critical" or "unknown" in any case, or the exit code 0 to 3. Returns false for other text and
 * leaves *state alone. */
bool state_parse(const char *text, enum state *state);

#endif
