/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Gathers what a plugin says.
 */
#include "config.h"

#include "plugin/report.h"

#include "plugin/layout.h"

#include <errno.h>
#include <stdlib.h>

struct report {
    const char *name;
    size_t limit;
    int error;
    struct layout_prose prose;
    struct layout_buffer perfdata;
    struct layout_buffer details;
    size_t line_count;
};

const char *report_library(void)
{
    return NULL;
}

struct report *report_create(const char *name, size_t limit)
{
    struct report *report = calloc(1, sizeof *report);

    if (report == NULL) {
        return NULL;
    }
    report->name = name;
    report->limit = limit;
    return report;
}

void report_free(struct report *report)
{
    if (report == NULL) {
        return;
    }
    free(report->perfdata.bytes);
    free(report->details.bytes);
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
    char text[PERFDATA_TEXT_SIZE];
    const char *const texts[] = {report->perfdata.length > 0 ? " " : "", text, NULL};

    if (report->error != 0) {
        return report->error;
    }
    perfdata_format(text, perfdata);
    report->error = layout_append(&report->perfdata, texts);
    return report->error;
}

/* Adds `start` (of `start_length` bytes) and the text as one line below the first. */
__attribute__((format(printf, 4, 0))) static void detail_add(struct report *report, const char *start,
                                                             size_t start_length, const char *format, va_list arguments)
{
    char text[LAYOUT_TEXT_SIZE];
    const char *const texts[] = {start, text, "\n", NULL};

    /* What is kept is over the limit already, so nothing that follows will ever be printed. */
    if (report->limit > 0 && report->details.length > report->limit) {
        return;
    }
    report->error = layout_detail(text, LAYOUT_DETAIL_MAX - start_length, format, arguments);
    if (report->error == 0) {
        report->error = layout_append(&report->details, texts);
    }
}

int report_line(struct report *report, enum state state, const char *format, ...)
{
    char start[LAYOUT_LINE_START_SIZE];
    va_list arguments;

    if (report->error != 0) {
        return report->error;
    }
    report->line_count++;
    va_start(arguments, format);
    detail_add(report, start, layout_line_start(start, state), format, arguments);
    va_end(arguments);
    return report->error;
}

int report_note(struct report *report, const char *format, ...)
{
    va_list arguments;

    if (report->error != 0) {
        return report->error;
    }
    va_start(arguments, format);
    detail_add(report, LAYOUT_NOTE_START, sizeof LAYOUT_NOTE_START - 1, format, arguments);
    va_end(arguments);
    return report->error;
}

int report_render(struct report *report, enum state state, char **text, size_t *length)
{
    const struct layout_answer answer = {
        .name = report->name,
        .state = state_name(state),
        .prose = &report->prose,
        .perfdata = &report->perfdata,
        .details = &report->details,
        .line_count = report->line_count,
        .limit = report->limit,
    };

    *text = NULL;
    *length = 0;
    if (report->error == 0) {
        report->error = layout_answer(&answer, text, length);
    }
    return report->error;
}
