/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --format=text: a verdict or a failure in a plugin's words, the first line with its performance data, then detail
 * lines; a list as netstat's table.
 */
#ifndef RENDER_TEXT_H
#define RENDER_TEXT_H

#include "render/writer.h"

/* What it writes of a verdict, a failure, --lint or a fleet comes in one piece. */
extern const struct writer text_writer;

#endif
