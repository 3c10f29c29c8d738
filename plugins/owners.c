/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Whose listeners are: users and units, looked up only for those who read about them.
 */
#include "config.h"

#include "owners.h"

#include "deadline.h"
#include "socket/unit.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* Calls `each` on every listener until it returns non-zero, which it passes on. */
static int listeners_each(struct tally *tally, int (*each)(struct tally_listener *listener, void *context),
                          void *context)
{
    int result = 0;

    for (size_t i = 0; i < tally->service_count && result == 0; i++) {
        for (size_t j = 0; j < tally->services[i].listener_count && result == 0; j++) {
            result = each(&tally->services[i].listeners[j], context);
        }
    }
    return result;
}

struct cgroup_list {
    uint64_t *ids;
    size_t count;
};

static int cgroup_collect(struct tally_listener *listener, void *context)
{
    struct cgroup_list *list = context;
    uint64_t *grown;

    if (listener->cgroup == 0) {
        return 0;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->ids[i] == listener->cgroup) {
            return 0;
        }
    }
    grown = realloc(list->ids, (list->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return -ENOMEM;
    }
    list->ids = grown;
    list->ids[list->count++] = listener->cgroup;
    return 0;
}

static int unit_tell(struct tally_listener *listener, void *context)
{
    const struct unit_table *table = context;
    const char *path = listener->cgroup != 0 && table != NULL ? unit_table_path(table, listener->cgroup) : NULL;
    char name[UNIT_NAME_SIZE];

    if (listener->unit_state != TALLY_UNIT_NOT_ASKED) {
        return 0;
    }
    if (path == NULL) {
        listener->unit_state = listener->cgroup == 0 || table == NULL ? TALLY_UNIT_UNTOLD : TALLY_UNIT_GONE;
        return 0;
    }
    listener->unit = strdup(unit_name_format(name, path));
    listener->unit_state = TALLY_UNIT_KNOWN;
    return listener->unit != NULL ? 0 : -ENOMEM;
}

static int user_tell(struct tally_listener *listener, void *context)
{
    struct passwd *user;

    (void)context;
    if (listener->user != NULL) {
        return 0;
    }
    user = getpwuid(listener->uid);
    listener->user = user != NULL ? strdup(user->pw_name) : NULL;
    return user == NULL || listener->user != NULL ? 0 : -ENOMEM;
}

int owners_find(struct look *look)
{
    struct unit_table *table = NULL;
    struct source_fault fault;
    struct cgroup_list list = {NULL, 0};
    int result;

    if (look->owners_known) {
        return 0;
    }
    result = listeners_each(look->tally, cgroup_collect, &list);
    deadline_stage("looking up units and users");
    if (result == 0 && list.count > 0) {
        result = unit_table_read(&table, list.ids, list.count, &fault) == -ENOMEM ? -ENOMEM : 0;
    }
    if (result == 0) {
        result = listeners_each(look->tally, unit_tell, table);
    }
    if (result == 0 && !look->foreign) {
        result = listeners_each(look->tally, user_tell, NULL);
    }
    look->owners_known = result == 0;
    unit_table_free(table);
    free(list.ids);
    return result;
}
