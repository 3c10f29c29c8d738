/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Where output goes, piece by piece, so that nothing large has to be built whole.
 */
#ifndef PLUGIN_SINK_H
#define PLUGIN_SINK_H

#include <stddef.h>

struct sink {
    /*
     * Takes `length` bytes. Returns 0, also when they cannot be written: the creator of the sink keeps track of that.
     * (The signature is that of jansson's json_dump_callback_t.)
     */
    int (*write)(const char *bytes, size_t length, void *context);
    void *context;
};

/* Writes a C string. */
void sink_text(const struct sink *sink, const char *text);

#endif
