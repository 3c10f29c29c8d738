/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "render/writer.h"

#include "render/csv.h"
#include "render/html.h"
#include "render/json.h"
#include "render/prometheus.h"
#include "render/text.h"

#include <string.h>

/* A row a format; the first is the default. */
static const struct writer *const writers[] = {
    &text_writer, &json_writer, &csv_writer, &html_writer, &prometheus_writer, NULL,
};

const struct writer *writer_find(const char *name)
{
    for (size_t i = 0; writers[i] != NULL; i++) {
        if (strcmp(writers[i]->name, name) == 0) {
            return writers[i];
        }
    }
    return NULL;
}

const char *writer_word(int index)
{
    return writers[index] != NULL ? writers[index]->name : NULL;
}

const struct writer *writer_default(void)
{
    return writers[0];
}
