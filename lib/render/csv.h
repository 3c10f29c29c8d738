/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The answers of --format=csv: RFC 4180, a row for each host, service and rule.
 */
#ifndef RENDER_CSV_H
#define RENDER_CSV_H

#include "render/writer.h"

extern const struct writer csv_writer;

#endif
