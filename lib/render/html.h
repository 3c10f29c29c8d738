/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The answers of --format=html: one page of its own, for those who keep reports.
 */
#ifndef RENDER_HTML_H
#define RENDER_HTML_H

#include "render/writer.h"

extern const struct writer html_writer;

#endif
