/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The services database, read once: asked for a port at a time it would be read from its start each time.
 */
#ifndef SERVICE_NAMES_H
#define SERVICE_NAMES_H

#include "audit/rule.h"

struct service_names {
    struct service_name *list; /* by protocol and port, those of one port in the order of the database */
    size_t count;
};

/*
 * Reads the names of all services of the protocols that listeners can have. Returns 0 or -ENOMEM; either way
 * service_names_clear() ends it. A database that cannot be read as a whole holds none here.
 */
int service_names_read(struct service_names *names);

/*
 * The name that stands first for the port, NULL for none; valid until the next call. `context` is a struct
 * service_names; if it holds none, the database is asked for this port.
 */
const char *service_names_find(enum record_protocol protocol, uint16_t port, void *context);

/* All zero is fine. */
void service_names_clear(struct service_names *names);

#endif
