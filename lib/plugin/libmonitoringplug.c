/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * States, thresholds and reports by libmonitoringplug, the library of monitoring-plugins 3, in place of state.c,
 * range_alerts.c and report.c. What it does otherwise than our headers say is made up for here; why is told in
 * packaging/LIBMONITORINGPLUG.md.
 */
#include "config.h"

/* Both call their states by the same names. */
#define STATE_OK MP_STATE_OK
#define STATE_WARNING MP_STATE_WARNING
#define STATE_CRITICAL MP_STATE_CRITICAL
#define STATE_UNKNOWN MP_STATE_UNKNOWN
#include <monitoringplug.h>
#undef STATE_OK
#undef STATE_WARNING
#undef STATE_CRITICAL
#undef STATE_UNKNOWN

#include "plugin/layout.h"
#include "plugin/range.h"
#include "plugin/report.h"
#include "plugin/state.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Both are the exit codes. */
_Static_assert((int)MP_STATE_OK == STATE_OK && (int)MP_STATE_WARNING == STATE_WARNING, "the same values");
_Static_assert((int)MP_STATE_CRITICAL == STATE_CRITICAL && (int)MP_STATE_UNKNOWN == STATE_UNKNOWN, "the same values");

const char *report_library(void)
{
    return "libmonitoringplug " LIBMONITORINGPLUG_VERSION;
}

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
    /* It takes a pointer to what it does not change. */
    const int translated = mp_translate_state((char *)text);

    if (translated < (int)STATE_OK || translated > (int)STATE_UNKNOWN) {
        return false;
    }
    *state = (enum state)translated;
    return true;
}

/* --- thresholds -------------------------------------------------------------------------------------------------- */

/* Whole numbers as such, since it compares two doubles by their bits: wrong where both are negative. */
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

    /* It leaves the end out of a range without a start, so this one starts at the least number there is. */
    if (limits.start_infinity) {
        limits = mp_range_set_start(limits, number_to_mp(-HUGE_VAL));
    }
    measured.value = number_to_mp(value);
    measured = mp_pd_set_thresholds(measured, mp_thresholds_set_crit(mp_thresholds_init(), limits));
    return mp_get_pd_status(measured) == MP_STATE_CRITICAL;
}

/* --- performance data -------------------------------------------------------------------------------------------- */

/* The label is borrowed. */
static mp_perfdata perfdata_to_mp(const struct perfdata *perfdata, char *label)
{
    mp_perfdata made = mp_set_pd_value(perfdata_init(), (unsigned long long)perfdata->value);
    mp_thresholds limits = mp_thresholds_init();

    made.label = label;
    if (perfdata->warning != NULL) {
        limits = mp_thresholds_set_warn(limits, range_to_mp(perfdata->warning));
    }
    if (perfdata->critical != NULL) {
        limits = mp_thresholds_set_crit(limits, range_to_mp(perfdata->critical));
    }
    made = mp_pd_set_thresholds(made, limits);
    return mp_set_pd_min_value(made, mp_create_pd_value(0ULL));
}

/* Writes the shortest form: its own writer makes nothing of "0:" and rounds fractions. */
static const char *limit_format(char text[static RANGE_TEXT_SIZE], mp_range limit)
{
    const struct range read = {
        .start = limit.start_infinity ? -HUGE_VAL : mp_get_pd_value(limit.start),
        .end = limit.end_infinity ? HUGE_VAL : mp_get_pd_value(limit.end),
        .inside = limit.alert_on_inside_range,
    };

    return range_format(text, &read);
}

/* Appends "label=value;warn;crit;min": its own writer quotes every label, and leaks. */
static int value_write(struct layout_buffer *values, const mp_perfdata *perfdata)
{
    char warning[RANGE_TEXT_SIZE];
    char critical[RANGE_TEXT_SIZE];
    char *const value = pd_value_to_string(perfdata->value);
    char *const least = pd_value_to_string(perfdata->min);
    int error = -ENOMEM;

    if (value != NULL && least != NULL) {
        const char *const texts[] = {
            values->length > 0 ? " " : "",
            perfdata->label,
            "=",
            value,
            ";",
            perfdata->warn_present ? limit_format(warning, perfdata->warn) : "",
            ";",
            perfdata->crit_present ? limit_format(critical, perfdata->crit) : "",
            ";",
            least,
            NULL,
        };
        error = layout_append(values, texts);
    }
    free(value);
    free(least);
    return error;
}

/* --- reports ----------------------------------------------------------------------------------------------------- */

/*
 * All of an answer is one subcheck: its performance data, and below it a subcheck for each line, whose output holds the
 * line's notes behind newlines. `top.output` holds the notes that stand before any line, in the same way.
 *
 * The lists are filled here and not by mp_add_subcheck_to_check(), mp_add_perfdata_to_subcheck() and their like: those
 * end the process when memory is short, turn the order around, or walk the whole list for each new item.
 */
struct report {
    const char *name;
    size_t limit;
    int error;
    struct layout_prose prose;
    mp_subcheck top;
    mp_subcheck_list *last_line;
    pd_list *last_value;
    size_t line_count;
    size_t details_length; /* of the lines and notes that were kept, as they will be written */
};

struct report *report_create(const char *name, size_t limit)
{
    struct report *report = calloc(1, sizeof *report);

    if (report == NULL) {
        return NULL;
    }
    report->name = name;
    report->limit = limit;
    report->top = mp_subcheck_init();
    return report;
}

void report_free(struct report *report)
{
    if (report == NULL) {
        return;
    }
    for (mp_subcheck_list *line = report->top.subchecks; line != NULL;) {
        mp_subcheck_list *const next = line->next;
        free(line->subcheck.output);
        free(line);
        line = next;
    }
    for (pd_list *value = report->top.perfdata; value != NULL; value = value->next) {
        free(value->data.label);
    }
    pd_list_free(report->top.perfdata);
    free(report->top.output);
    free(report);
}

int report_prose(struct report *report, const char *format, ...)
{
    va_list arguments;

    if (report->error != 0) {
        return report->error;
    }
    va_start(arguments, format);
    report->error = layout_prose_add(&report->prose, format, arguments);
    va_end(arguments);
    return report->error;
}

int report_perfdata(struct report *report, const struct perfdata *perfdata)
{
    pd_list *value;
    char *label;

    if (report->error != 0) {
        return report->error;
    }
    value = calloc(1, sizeof *value);
    label = strdup(perfdata->label);
    if (value == NULL || label == NULL) {
        free(value);
        free(label);
        report->error = -ENOMEM;
        return report->error;
    }
    value->data = perfdata_to_mp(perfdata, label);
    *(report->last_value != NULL ? &report->last_value->next : &report->top.perfdata) = value;
    report->last_value = value;
    return 0;
}

/* What is kept is over the limit already, so nothing that follows will ever be printed. */
static bool is_full(const struct report *report)
{
    return report->limit > 0 && report->details_length > report->limit;
}

/* Appends a subcheck, and its output becomes the report's. */
static int subcheck_add(struct report *report, enum state state, char *output)
{
    mp_subcheck_list *line = calloc(1, sizeof *line);

    if (line == NULL) {
        return -ENOMEM;
    }
    line->subcheck = mp_set_subcheck_state(mp_subcheck_init(), state_to_mp(state));
    line->subcheck.output = output;
    *(report->last_line != NULL ? &report->last_line->next : &report->top.subchecks) = line;
    report->last_line = line;
    return 0;
}

int report_line(struct report *report, enum state state, const char *format, ...)
{
    char start[LAYOUT_LINE_START_SIZE];
    char text[LAYOUT_TEXT_SIZE];
    const size_t start_length = layout_line_start(start, state);
    char *output;
    va_list arguments;

    if (report->error != 0) {
        return report->error;
    }
    report->line_count++;
    if (is_full(report)) {
        return 0;
    }
    va_start(arguments, format);
    report->error = layout_detail(text, LAYOUT_DETAIL_MAX - start_length, format, arguments);
    va_end(arguments);
    if (report->error != 0) {
        return report->error;
    }
    output = strdup(text);
    report->error = output != NULL ? subcheck_add(report, state, output) : -ENOMEM;
    if (report->error != 0) {
        free(output);
    } else {
        report->details_length += start_length + strlen(text) + 1;
    }
    return report->error;
}

/* Appends to the output of the last line. */
static int output_append(struct report *report, const char *text)
{
    char **output = report->last_line != NULL ? &report->last_line->subcheck.output : &report->top.output;
    const size_t length = *output != NULL ? strlen(*output) : 0;
    const size_t added = strlen(text) + 1;
    char *longer = realloc(*output, length + 1 + added);

    if (longer == NULL) {
        return -ENOMEM;
    }
    *output = longer;
    longer[length] = '\n';
    memcpy(longer + length + 1, text, added);
    return 0;
}

int report_note(struct report *report, const char *format, ...)
{
    char text[LAYOUT_TEXT_SIZE];
    const size_t start_length = strlen(LAYOUT_NOTE_START);
    va_list arguments;

    if (report->error != 0 || is_full(report)) {
        return report->error;
    }
    va_start(arguments, format);
    report->error = layout_detail(text, LAYOUT_DETAIL_MAX - start_length, format, arguments);
    va_end(arguments);
    if (report->error == 0) {
        report->error = output_append(report, text);
    }
    if (report->error == 0) {
        report->details_length += start_length + strlen(text) + 1;
    }
    return report->error;
}

static int detail_write(struct layout_buffer *details, const char *start, const char *bytes, size_t length)
{
    char text[LAYOUT_TEXT_SIZE];
    const char *const texts[] = {start, text, "\n", NULL};

    assert(length < sizeof text);
    memcpy(text, bytes, length);
    text[length] = '\0';
    return layout_append(details, texts);
}

/* Appends an output: its first line behind `start` (not where that is NULL), then its notes. NULL has nothing. */
static int stdout_write(struct layout_buffer *details, const char *start, const char *output)
{
    int error = 0;

    while (output != NULL && error == 0) {
        const size_t length = strcspn(output, "\n");
        if (start != NULL) {
            error = detail_write(details, start, output, length);
        }
        output = output[length] == '\n' ? output + length + 1 : NULL;
        start = LAYOUT_NOTE_START;
    }
    return error;
}

static int subcheck_write(struct layout_buffer *details, const mp_subcheck *subcheck)
{
    char start[LAYOUT_LINE_START_SIZE];

    layout_line_start(start, (enum state)mp_compute_subcheck_state(*subcheck));
    return stdout_write(details, start, subcheck->output);
}

/* What the library hands on to answer_write(). */
struct answer_request {
    const struct report *report;
    const mp_check *check;
    size_t length;
};

/*
 * The library's own form of a check has its performance data behind the last line, where NRPE and Nagios lose it, and
 * no bounds; it lets a plugin write another. Returns NULL when out of memory.
 */
static char *answer_write(void *content)
{
    struct answer_request *request = content;
    const struct report *report = request->report;
    const mp_subcheck *top = &request->check->subchecks->subcheck;
    struct layout_buffer values = {0};
    struct layout_buffer details = {0};
    char *text = NULL;
    int error = stdout_write(&details, NULL, top->output);

    for (const pd_list *value = top->perfdata; value != NULL && error == 0; value = value->next) {
        error = value_write(&values, &value->data);
    }
    for (const mp_subcheck_list *line = top->subchecks; line != NULL && error == 0; line = line->next) {
        error = subcheck_write(&details, &line->subcheck);
    }
    if (error == 0) {
        const struct layout_answer answer = {
            .name = report->name,
            .state = state_text(mp_compute_check_state(*request->check)),
            .prose = &report->prose,
            .perfdata = &values,
            .details = &details,
            .line_count = report->line_count,
            .limit = report->limit,
        };
        layout_answer(&answer, &text, &request->length);
    }
    free(values.bytes);
    free(details.bytes);
    return text;
}

int report_render(struct report *report, enum state state, char **text, size_t *length)
{
    mp_subcheck_list top = {.subcheck = mp_set_subcheck_state(report->top, state_to_mp(state))};
    mp_check check = mp_check_init();
    struct answer_request request = {.report = report, .check = &check};

    *text = NULL;
    *length = 0;
    if (report->error != 0) {
        return report->error;
    }
    check.summary = report->prose.bytes;
    check.subchecks = &top;
    check.default_output_override = answer_write;
    check.default_output_override_content = &request;
    *text = mp_fmt_output(check);
    if (*text == NULL) {
        report->error = -ENOMEM;
    } else {
        *length = request.length;
    }
    return report->error;
}
