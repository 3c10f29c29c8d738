/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Any bytes as JSON text, and JSON as bytes: the one way of texts into and out of our JSON.
 */
#ifndef CAPTURE_JSON_VALUE_H
#define CAPTURE_JSON_VALUE_H

#include <jansson.h>
#include <stddef.h>
#include <time.h>

/* A JSON string of a C string of any bytes, repaired to valid UTF-8. NULL when out of memory. */
json_t *json_value_text(const char *text);

/* Likewise, null for NULL and "". */
json_t *json_value_text_or_null(const char *text);

/* "2026-11-22T09:00:00Z". */
json_t *json_value_time(time_t time);

/*
 * Renders `value` (NULL: it could not be built) with jansson's flags and a newline behind it. Returns 0 and *text,
 * malloc'd, of *length bytes; or -ENOMEM.
 */
int json_value_render(const json_t *value, size_t flags, char **text, size_t *length);

#endif
