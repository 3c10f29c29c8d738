/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What numbers are called: users, and the units of cgroups.
 */
#include "config.h"

#include "names.h"

#include "plugin/escape.h"
#include "socket/unit.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name *names_find(struct names *names, uint64_t id)
{
    size_t first = 0;
    size_t end = names->count;
    struct name *grown;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (names->list[middle].id == id) {
            return &names->list[middle];
        }
        if (names->list[middle].id < id) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    grown = realloc(names->list, (names->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    names->list = grown;
    memmove(grown + first + 1, grown + first, (names->count - first) * sizeof *grown);
    grown[first] = (struct name){.id = id};
    names->count++;
    return &grown[first];
}

void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->list[i].text);
    }
    free(names->list);
}

static int name_set(struct name *name, const char *text)
{
    size_t length = strlen(text);

    name->text = malloc(ESCAPE_SIZE(length));
    if (name->text == NULL) {
        return -ENOMEM;
    }
    escape_copy(name->text, ESCAPE_SIZE(length), text, length, ESCAPE_TEXT);
    return 0;
}

int names_learn_users(struct names *users, bool foreign)
{
    int result = 0;

    for (size_t i = 0; i < users->count && result == 0; i++) {
        struct name *name = &users->list[i];

        struct passwd *user = name->text == NULL && !foreign ? getpwuid((uid_t)name->id) : NULL;
        char number[sizeof "4294967295"];
        snprintf(number, sizeof number, "%u", (unsigned)name->id);
        if (name->text == NULL) {
            result = name_set(name, user != NULL ? user->pw_name : number);
        }
    }
    return result;
}

static int unit_set(const struct unit_table *table, struct name *name)
{
    const char *path = table != NULL ? unit_table_path(table, name->id) : NULL;
    char unit[UNIT_NAME_SIZE];

    if (path == NULL) {
        return name_set(name, table == NULL ? "-" : "(gone)");
    }
    return name_set(name, unit_name_format(unit, path));
}

int names_learn_units(struct names *units, struct source_fault *fault)
{
    struct unit_table *table = NULL;
    uint64_t *ids = calloc(units->count + 1, sizeof *ids);
    int result = ids == NULL ? -ENOMEM : 0;

    for (size_t i = 0; i < units->count && result == 0; i++) {
        ids[i] = units->list[i].text == NULL ? units->list[i].id : 0;
    }
    if (result == 0 && unit_table_read(&table, ids, units->count, fault) == -ENOMEM) {
        result = -ENOMEM;
    }
    for (size_t i = 0; i < units->count && result == 0; i++) {
        if (units->list[i].text == NULL) {
            result = unit_set(table, &units->list[i]);
        }
    }
    unit_table_free(table);
    free(ids);
    return result;
}
