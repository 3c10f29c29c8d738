/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The services database, read once.
 */
#include "config.h"

#include "service_names.h"

#include "socket/array.h"
#include "socket/protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

struct service_name {
    enum record_protocol protocol;
    uint16_t port;
    size_t place; /* in the database */
    char name[RULE_NAME_MAX + 1];
};

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int subject_compare(const void *left, const void *right)
{
    const struct service_name *a = left;
    const struct service_name *b = right;
    int order = COMPARE(a->protocol, b->protocol);

    return order != 0 ? order : COMPARE(a->port, b->port);
}

static int name_compare(const void *left, const void *right)
{
    const struct service_name *a = left;
    const struct service_name *b = right;
    int order = subject_compare(left, right);

    return order != 0 ? order : COMPARE(a->place, b->place);
}

static int name_add(struct service_names *names, enum record_protocol protocol, const struct servent *entry)
{
    struct service_name *grown = array_grow(names->list, names->count, sizeof *grown);
    struct service_name *added;

    if (grown == NULL) {
        return -ENOMEM;
    }
    names->list = grown;
    added = &names->list[names->count];
    *added = (struct service_name){.protocol = protocol, .port = ntohs((uint16_t)entry->s_port), .place = names->count};
    snprintf(added->name, sizeof added->name, "%s", entry->s_name);
    names->count++;
    return 0;
}

/* Leaves one of those that share protocol and port: the first. */
static void names_fold(struct service_names *names)
{
    size_t count = 0;

    for (size_t i = 0; i < names->count; i++) {
        if (count == 0 || subject_compare(&names->list[count - 1], &names->list[i]) != 0) {
            names->list[count++] = names->list[i];
        }
    }
    names->count = count;
}

int service_names_read(struct service_names *names)
{
    const struct servent *entry;
    int result = 0;

    *names = (struct service_names){.count = 0};
    setservent(1);
    while (result == 0 && (entry = getservent()) != NULL) {
        enum record_protocol protocol;
        if (protocol_parse(entry->s_proto, &protocol)) {
            result = name_add(names, protocol, entry);
        }
    }
    endservent();
    if (names->count > 0) {
        qsort(names->list, names->count, sizeof *names->list, name_compare);
        names_fold(names);
    }
    return result;
}

/* musl's getservent() never has an entry, though this finds them. */
static const char *name_ask(enum record_protocol protocol, uint16_t port)
{
    const struct servent *entry = getservbyport(htons(port), protocol_name(protocol));

    return entry != NULL ? entry->s_name : NULL;
}

const char *service_names_find(enum record_protocol protocol, uint16_t port, void *context)
{
    const struct service_names *names = context;
    const struct service_name wanted = {.protocol = protocol, .port = port};
    const struct service_name *found;

    if (names->count == 0) {
        return name_ask(protocol, port);
    }
    found = bsearch(&wanted, names->list, names->count, sizeof wanted, subject_compare);
    return found != NULL ? found->name : NULL;
}

void service_names_clear(struct service_names *names)
{
    free(names->list);
}
