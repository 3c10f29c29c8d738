/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Answers as reports, before they are written. For the files of the text writer, and for pages, which show them.
 */
#ifndef RENDER_TEXT_REPORT_H
#define RENDER_TEXT_REPORT_H

#include "plugin/report.h"
#include "render/writer.h"

#define TEXT_NAME "DUALSTACK"

/* How long a plugin's answer may be, in bytes: more with -v, or if it lists clients (`peers` is not 0). */
size_t text_limit(unsigned verbose, size_t peers);

/* Each is the caller's to free; NULL when out of memory. A verdict's stays within `limit` bytes; 0 for no limit. */
struct report *text_verdict_report(const struct view *view, size_t limit);
struct report *text_failure_report(const struct writer_failure *failure);

/* Writes the report in one piece and frees it. Returns 0, or -ENOMEM, also for NULL. */
int text_report_write(struct report *report, enum state state, const struct sink *sink);

#endif
