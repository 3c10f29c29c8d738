/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Any bytes as JSON text, and JSON as bytes.
 */
#include "config.h"

#include "capture/json_value.h"

#include "plugin/escape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

json_t *json_value_text(const char *text)
{
    size_t length = strlen(text);
    size_t size = ESCAPE_SIZE(length);
    char *repaired = malloc(size);
    json_t *string;

    if (repaired == NULL) {
        return NULL;
    }
    length = escape_copy(repaired, size, text, length, ESCAPE_UTF8);
    string = json_stringn(repaired, length);
    free(repaired);
    return string;
}

json_t *json_value_text_or_null(const char *text)
{
    return text == NULL || *text == '\0' ? json_null() : json_value_text(text);
}

json_t *json_value_time(time_t time)
{
    struct tm fields;
    char text[sizeof "-2147483648-12-31T23:59:60Z"];

    if (gmtime_r(&time, &fields) == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &fields) == 0) {
        return json_null();
    }
    return json_string(text);
}

int json_value_render(const json_t *value, size_t flags, char **text, size_t *length)
{
    char *rendered = value != NULL ? json_dumps(value, flags) : NULL;
    char *grown;

    if (rendered == NULL) {
        return -ENOMEM;
    }
    *length = strlen(rendered) + 1;
    grown = realloc(rendered, *length + 1);
    if (grown == NULL) {
        free(rendered);
        return -ENOMEM;
    }
    memcpy(grown + *length - 1, "\n", 2);
    *text = grown;
    return 0;
}
