/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Applies threshold ranges.
 */
#include "config.h"

#include "plugin/range.h"

bool range_alerts(const struct range *range, double value)
{
    const bool within = value >= range->start && value <= range->end;

    return within == range->inside;
}
