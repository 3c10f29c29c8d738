/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A verdict as the JSON object of check_dualstack.schema.json.
 */
#ifndef RENDER_JSON_H
#define RENDER_JSON_H

#include "render/view.h"

/* One object on one line. Returns 0 and *text, malloc'd, of *length bytes with the newline; or -ENOMEM. */
int json_verdict(const struct view *view, char **text, size_t *length);

/* A failure: the same object without services, the sentences in "errors". Same memory rules. */
int json_failure(enum state state, const char *const *sentences, size_t count, char **text, size_t *length);

#endif
