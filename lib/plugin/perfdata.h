/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One performance value as every monitoring system reads it: label=value;warn;crit;min.
 */
#ifndef PLUGIN_PERFDATA_H
#define PLUGIN_PERFDATA_H

#include "plugin/range.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERFDATA_LABEL_MAX 40

/* A whole number without a unit. Thresholds are borrowed, NULL for none. The minimum is always 0. */
struct perfdata {
    char label[PERFDATA_LABEL_MAX + 1]; /* [A-Za-z0-9_-]+ */
    uint64_t value;
    const struct range *warning;
    const struct range *critical;
};

/* Room for one formatted value. */
#define PERFDATA_TEXT_SIZE (PERFDATA_LABEL_MAX + 24 + 2 * RANGE_TEXT_SIZE + 8)

/* True for a label of 1 to PERFDATA_LABEL_MAX letters, digits, "_" and "-" of ASCII. */
bool perfdata_label_is_valid(const char *label);

/*
 * Writes "mapped=12;10;20;0", without thresholds "mapped=12;;;0". A label that is not valid is a bug of the caller
 * (assert). Returns the length written; 0 when out of memory, which libmonitoringplug takes to write a number.
 */
size_t perfdata_format(char text[static PERFDATA_TEXT_SIZE], const struct perfdata *perfdata);

#endif
