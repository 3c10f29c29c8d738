/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A plugin's answer: one line of state and prose with all performance data, then detail lines. Everything added is
 * escaped and bounded here, so no caller can break the shape of the output.
 */
#ifndef PLUGIN_REPORT_H
#define PLUGIN_REPORT_H

#include "plugin/escape.h"
#include "plugin/perfdata.h"
#include "plugin/state.h"

#include <stdbool.h>
#include <stddef.h>

struct report;

/*
 * Starts a report that stays within `limit` bytes, newlines included; 0 for no limit. `name` stands before the state
 * ("DUALSTACK"; static), `escape` says how what is added is made harmless. Ends with report_free(). NULL when out of
 * memory.
 */
struct report *report_create(const char *name, size_t limit, enum escape_rule escape);

/* NULL is fine. */
void report_free(struct report *report);

/*
 * Each of these returns 0 or -ENOMEM (also for text that printf cannot make); after an error every later call returns
 * it too, report_render() included, so it is enough to check the last one.
 */

/* Adds to the prose of the first line, as it is: separators are the caller's. */
int report_prose(struct report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a value behind the "|" of the first line. Never dropped by the limit. */
int report_perfdata(struct report *report, const struct perfdata *perfdata);

/*
 * Adds a detail line "\_[STATE] text" or, for report_note(), "text" indented by four spaces: a note on the line before
 * it.
 */
int report_line(struct report *report, enum state state, const char *format, ...) __attribute__((format(printf, 3, 4)));
int report_note(struct report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * True when the lines so far exceed the limit, so that none that follows can be shown: report_line() then only counts,
 * whatever its text, and report_note() does nothing.
 */
bool report_is_full(const struct report *report);

/*
 * Writes the whole answer: "NAME STATE: prose | perfdata\n" and the lines in the order they were added. Prose longer
 * than 500 bytes is cut at a character to 500 and ends in "..."; a detail line longer than 1,000 (without its newline)
 * in the same way. Lines that do not fit the limit are left out from the end, notes before their line, and the last
 * line then is "... and N more" (N counts the report_line()s left out), or "..." where only notes were left out.
 * Performance data is never dropped: prose yields to it, down to 80 bytes, then the limit is broken; and down to 200
 * where a report with a limit would have a first line of more than 1,000 bytes, which some carriers cut. An empty
 * prose is a bug of the caller (assert). Leaves the report as it is. Returns 0; *text is malloc'd, *length its bytes,
 * with a NUL behind that is not counted. -ENOMEM otherwise, and *text is NULL.
 */
int report_render(struct report *report, enum state state, char **text, size_t *length);

/*
 * The parts of the answer that was rendered last, for those who build another answer of them; borrowed from its text.
 * The prose as it was cut, *length bytes without a NUL behind them; the lines below the first, "" when there are none.
 */
const char *report_rendered_prose(const struct report *report, const char *text, size_t *length);
const char *report_rendered_details(const struct report *report, const char *text);

#endif
