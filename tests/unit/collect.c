/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "collect.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static int bytes_collect(const char *bytes, size_t length, void *context)
{
    struct collect *collected = context;

    collected->text = realloc(collected->text, collected->length + length + 1);
    ck_assert_ptr_nonnull(collected->text);
    memcpy(collected->text + collected->length, bytes, length);
    collected->length += length;
    collected->text[collected->length] = '\0';
    collected->pieces++;
    return 0;
}

struct sink collect_sink(struct collect *collected)
{
    return (struct sink){.write = bytes_collect, .context = collected};
}

void collect_clear(struct collect *collected)
{
    free(collected->text);
    *collected = (struct collect){.text = NULL};
}
