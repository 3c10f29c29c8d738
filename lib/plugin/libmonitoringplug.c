/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * States, thresholds and performance data by libmonitoringplug, the library of monitoring-plugins 3, in place of
 * state.c, range_alerts.c and perfdata_format.c. This file makes up for what the library does otherwise than our
 * headers say; packaging/LIBMONITORINGPLUG.md has the reasons.
 */
#include "config.h"

/* The library has states of the same names. */
#define STATE_OK MP_STATE_OK
#define STATE_WARNING MP_STATE_WARNING
#define STATE_CRITICAL MP_STATE_CRITICAL
#define STATE_UNKNOWN MP_STATE_UNKNOWN
#include <monitoringplug.h>
#undef STATE_OK
#undef STATE_WARNING
#undef STATE_CRITICAL
#undef STATE_UNKNOWN

#include "plugin/perfdata.h"
#include "plugin/range.h"
#include "plugin/state.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Here and there, the values are the exit codes. */
_Static_assert((int)MP_STATE_OK == STATE_OK && (int)MP_STATE_WARNING == STATE_WARNING, "the same values");
_Static_assert((int)MP_STATE_CRITICAL == STATE_CRITICAL && (int)MP_STATE_UNKNOWN == STATE_UNKNOWN, "the same values");

/* --- states ------------------------------------------------------------------------------------------------------ */

/* A value that is none of the four can only be a bug: it must not pass for OK. */
static mp_state_enum state_to_mp(enum state state)
{
    return state <= STATE_UNKNOWN ? (mp_state_enum)state : MP_STATE_UNKNOWN;
}

const char *state_name(enum state state)
{
    return state_text(state_to_mp(state));
}

enum state state_worse(enum state a, enum state b)
{
    return state_compare(a, b) <= 0 ? a : b;
}

int state_compare(enum state a, enum state b)
{
    const mp_state_enum first = state_to_mp(a);
    const mp_state_enum second = state_to_mp(b);

    if (first == second) {
        return 0;
    }
    return max_state_alt(first, second) == first ? -1 : 1;
}

bool state_parse(const char *text, enum state *state)
{
    /* The library does not change the text, but has no const there. */
    const int translated = mp_translate_state((char *)text);

    if (translated < (int)STATE_OK || translated > (int)STATE_UNKNOWN) {
        return false;
    }
    *state = (enum state)translated;
    return true;
}

/* --- thresholds -------------------------------------------------------------------------------------------------- */

/* Whole numbers become integers, as the library compares two doubles by their bits, wrongly if both are negative. */
static mp_perfdata_value number_to_mp(double number)
{
    if (number <= (double)LLONG_MIN) {
        return mp_create_pd_value(LLONG_MIN);
    }
    if (number >= (double)LLONG_MAX) {
        return mp_create_pd_value(LLONG_MAX);
    }
    if ((double)(long long)number == number) {
        return mp_create_pd_value((long long)number);
    }
    return mp_create_pd_value(number);
}

static mp_range range_to_mp(const struct range *range)
{
    mp_range made = mp_range_init();

    if (range->start > -HUGE_VAL) {
        made = mp_range_set_start(made, number_to_mp(range->start));
    }
    if (range->end < HUGE_VAL) {
        made = mp_range_set_end(made, number_to_mp(range->end));
    }
    made.alert_on_inside_range = range->inside;
    return made;
}

bool range_alerts(const struct range *range, double value)
{
    mp_range limits = range_to_mp(range);
    mp_perfdata measured = perfdata_init();

    /* The library excludes the end of a range without a start, so this one starts at the lowest number. */
    if (limits.start_infinity) {
        limits = mp_range_set_start(limits, number_to_mp(-HUGE_VAL));
    }
    measured.value = number_to_mp(value);
    measured = mp_pd_set_thresholds(measured, mp_thresholds_set_crit(mp_thresholds_init(), limits));
    return mp_get_pd_status(measured) == MP_STATE_CRITICAL;
}

/* --- performance data -------------------------------------------------------------------------------------------- */

static mp_perfdata perfdata_to_mp(const struct perfdata *perfdata)
{
    mp_perfdata made = mp_set_pd_value(perfdata_init(), (unsigned long long)perfdata->value);
    mp_thresholds limits = mp_thresholds_init();

    if (perfdata->warning != NULL) {
        limits = mp_thresholds_set_warn(limits, range_to_mp(perfdata->warning));
    }
    if (perfdata->critical != NULL) {
        limits = mp_thresholds_set_crit(limits, range_to_mp(perfdata->critical));
    }
    made = mp_pd_set_thresholds(made, limits);
    return mp_set_pd_min_value(made, mp_create_pd_value(0ULL));
}

/* Writes the shortest form, as the library writes "0:" as nothing and rounds fractions. NULL means no threshold. */
static const char *limit_format(char text[static RANGE_TEXT_SIZE], const mp_range *limit)
{
    struct range range;

    if (limit == NULL) {
        return "";
    }
    range = (struct range){
        .start = limit->start_infinity ? -HUGE_VAL : mp_get_pd_value(limit->start),
        .end = limit->end_infinity ? HUGE_VAL : mp_get_pd_value(limit->end),
        .inside = limit->alert_on_inside_range,
    };
    return range_format(text, &range);
}

/* The library's own function for all of a value quotes each label, and leaks. */
size_t perfdata_format(char text[static PERFDATA_TEXT_SIZE], const struct perfdata *perfdata)
{
    const mp_perfdata made = perfdata_to_mp(perfdata);
    char *const value = pd_value_to_string(made.value);
    char *const least = pd_value_to_string(made.min);
    char warning[RANGE_TEXT_SIZE];
    char critical[RANGE_TEXT_SIZE];
    int length = 0;

    assert(perfdata_label_is_valid(perfdata->label));
    if (value != NULL && least != NULL) {
        length = snprintf(text, PERFDATA_TEXT_SIZE, "%s=%s;%s;%s;%s", perfdata->label, value,
                          limit_format(warning, made.warn_present ? &made.warn : NULL),
                          limit_format(critical, made.crit_present ? &made.crit : NULL), least);
    }
    free(value);
    free(least);
    return (size_t)length;
}
