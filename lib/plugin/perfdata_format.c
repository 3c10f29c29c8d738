/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Writes performance values.
 */
#include "config.h"

#include "plugin/perfdata.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static const char *threshold_format(char text[static RANGE_TEXT_SIZE], const struct range *range)
{
    return range != NULL ? range_format(text, range) : "";
}

size_t perfdata_format(char text[static PERFDATA_TEXT_SIZE], const struct perfdata *perfdata)
{
    char warning[RANGE_TEXT_SIZE];
    char critical[RANGE_TEXT_SIZE];
    int length;

    assert(perfdata_label_is_valid(perfdata->label));
    length = snprintf(text, PERFDATA_TEXT_SIZE, "%s=%" PRIu64 ";%s;%s;0", perfdata->label, perfdata->value,
                      threshold_format(warning, perfdata->warning), threshold_format(critical, perfdata->critical));
    return (size_t)length;
}
