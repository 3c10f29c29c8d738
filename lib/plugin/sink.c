/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "plugin/sink.h"

#include <string.h>

void sink_text(const struct sink *sink, const char *text)
{
    sink->write(text, strlen(text), sink->context);
}
