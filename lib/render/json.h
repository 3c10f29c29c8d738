/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --format=json: a verdict or a failure is the object of check_dualstack.schema.json on one line; a list is an object a
 * socket, and a last one on the whole.
 */
#ifndef RENDER_JSON_H
#define RENDER_JSON_H

#include "render/writer.h"

/* It writes as it goes, service by service, and keeps nothing. */
extern const struct writer json_writer;

#endif
