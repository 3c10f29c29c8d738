/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A sink that keeps what is written.
 */
#ifndef COLLECT_H
#define COLLECT_H

#include "plugin/sink.h"

/* Begin with all zero, end with collect_clear(). */
struct collect {
    char *text; /* with a NUL behind it; NULL before anything was written */
    size_t length;
    size_t pieces; /* in so many calls */
};

/* The sink that writes there. */
struct sink collect_sink(struct collect *collected);

/* Forgets what was written, and frees it. */
void collect_clear(struct collect *collected);

#endif
