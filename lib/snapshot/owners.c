/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "snapshot/owners.h"

#include "socket/cgroup.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

/* --- lists ------------------------------------------------------------------------------------------------------- */

/* The slot of the id: the one that leads to its entry, or the free one, which there always is, where that belongs. */
static uint32_t *slot_find(const struct owners_list *list, uint64_t id)
{
    /* Fibonacci hashing: consecutive ids spread over all slots. */
    size_t at = (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (list->slot_count - 1);

    while (list->slots[at] != 0 && list->entries[list->slots[at] - 1].id != id) {
        at = (at + 1) & (list->slot_count - 1);
    }
    return &list->slots[at];
}

static struct owners_entry *entry_find(const struct owners_list *list, uint64_t id)
{
    uint32_t position = list->count > 0 ? *slot_find(list, id) : 0;

    return position == 0 ? NULL : &list->entries[position - 1];
}

/* Twice as many slots as entries, so that a search is short. */
static int list_grow(struct owners_list *list)
{
    size_t room = list->room > 0 ? list->room * 2 : FIRST_ROOM;
    size_t count = list->entries != NULL ? list->count : 0;
    struct owners_entry *entries = realloc(list->entries, room * sizeof *entries);
    uint32_t *slots = calloc(room * 2, sizeof *slots);

    if (entries != NULL) {
        list->entries = entries;
    }
    if (entries == NULL || slots == NULL) {
        free(slots);
        return -ENOMEM;
    }
    free(list->slots);
    list->slots = slots;
    list->slot_count = room * 2;
    list->room = room;
    for (size_t i = 0; i < count; i++) {
        *slot_find(list, list->entries[i].id) = (uint32_t)(i + 1);
    }
    return 0;
}

static int entry_note(struct owners_list *list, uint64_t id)
{
    if (entry_find(list, id) != NULL) {
        return 0;
    }
    if ((list->entries == NULL || list->count == list->room) && list_grow(list) != 0) {
        return -ENOMEM;
    }
    list->entries[list->count++] = (struct owners_entry){.id = id};
    *slot_find(list, id) = (uint32_t)list->count;
    return 0;
}

static void list_clear(struct owners_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].name);
    }
    free(list->entries);
    free(list->slots);
    *list = (struct owners_list){0};
}

int owners_user_note(struct owners *owners, uint32_t uid)
{
    return entry_note(&owners->users, uid);
}

int owners_unit_note(struct owners *owners, uint64_t cgroup)
{
    return entry_note(&owners->units, cgroup);
}

const struct owners_entry *owners_user(const struct owners *owners, uint32_t uid)
{
    return entry_find(&owners->users, uid);
}

const struct owners_entry *owners_unit(const struct owners *owners, uint64_t cgroup)
{
    return entry_find(&owners->units, cgroup);
}

void owners_clear(struct owners *owners)
{
    list_clear(&owners->users);
    list_clear(&owners->units);
}

/* --- questions --------------------------------------------------------------------------------------------------- */

static int users_look_up(struct owners *owners)
{
    for (size_t i = 0; i < owners->users.count; i++) {
        struct owners_entry *entry = &owners->users.entries[i];
        bool nameless = entry->asked || owners->other_host || entry->id == RECORD_UID_HIDDEN;
        const struct passwd *user = nameless ? NULL : getpwuid((uid_t)entry->id);
        entry->asked = true;
        if (user != NULL) {
            entry->name = strdup(user->pw_name);
            if (entry->name == NULL) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

/* `table` is NULL when the cgroups could not be read. */
static int unit_set(struct owners_entry *entry, const struct cgroup_table *table)
{
    const char *path = table != NULL ? cgroup_table_path(table, entry->id) : NULL;
    char name[CGROUP_UNIT_SIZE];

    entry->asked = true;
    entry->state = table == NULL                  ? TALLY_UNIT_UNMOUNTED
                   : path != NULL                 ? TALLY_UNIT_KNOWN
                   : cgroup_table_is_whole(table) ? TALLY_UNIT_GONE
                                                  : TALLY_UNIT_HIDDEN;
    if (path != NULL) {
        entry->name = strdup(cgroup_unit_format(name, path));
    }
    return path == NULL || entry->name != NULL ? 0 : -ENOMEM;
}

/* One walk over the cgroups for all of them. */
static int units_look_up(struct owners *owners)
{
    struct owners_list *units = &owners->units;
    struct cgroup_table *table = NULL;
    uint64_t *ids = calloc(units->count + 1, sizeof *ids);
    int result = ids == NULL ? -ENOMEM : 0;

    for (size_t i = 0; i < units->count && result == 0; i++) {
        ids[i] = units->entries[i].asked ? 0 : units->entries[i].id;
    }
    if (result == 0 && cgroup_table_read(&table, ids, units->count, &owners->unit_fault) == -ENOMEM) {
        result = -ENOMEM;
    }
    for (size_t i = 0; i < units->count && result == 0; i++) {
        if (!units->entries[i].asked) {
            result = unit_set(&units->entries[i], table);
        }
    }
    cgroup_table_free(table);
    free(ids);
    return result;
}

int owners_look_up(struct owners *owners)
{
    int result;

    if (owners->progress != NULL) {
        owners->progress("looking up units and users");
    }
    result = units_look_up(owners);
    return result != 0 ? result : users_look_up(owners);
}

/* --- the listeners of a tally ------------------------------------------------------------------------------------ */

static int listener_note(struct owners *owners, struct tally *tally, struct tally_listener *listener)
{
    int result = owners_user_note(owners, listener->uid);

    (void)tally;
    return result != 0 || listener->cgroup == 0 ? result : owners_unit_note(owners, listener->cgroup);
}

/* Lets the tally keep the name, NULL for none. Returns false when out of memory. */
static bool name_keep(struct tally *tally, const char **name, const struct owners_entry *entry)
{
    bool is_named = entry != NULL && entry->name != NULL;

    *name = is_named ? tally_text_keep(tally, entry->name) : NULL;
    return !is_named || *name != NULL;
}

static int listener_set(struct owners *owners, struct tally *tally, struct tally_listener *listener)
{
    const struct owners_entry *user = owners_user(owners, listener->uid);
    const struct owners_entry *unit = listener->cgroup != 0 ? owners_unit(owners, listener->cgroup) : NULL;
    bool kept;

    if (listener->unit_state != TALLY_UNIT_NOT_ASKED) {
        return 0;
    }
    listener->unit_state = unit != NULL ? unit->state : TALLY_UNIT_UNKNOWN;
    kept = name_keep(tally, &listener->user, user) && name_keep(tally, &listener->unit, unit);
    return kept ? 0 : -ENOMEM;
}

static int listeners_each(struct owners *owners, struct tally *tally,
                          int (*each)(struct owners *owners, struct tally *tally, struct tally_listener *listener))
{
    int result = 0;

    for (size_t i = 0; i < tally->service_count && result == 0; i++) {
        for (size_t j = 0; j < tally->services[i].listener_count && result == 0; j++) {
            result = each(owners, tally, &tally->services[i].listeners[j]);
        }
    }
    return result;
}

int owners_assign(struct owners *owners, struct tally *tally)
{
    int result = listeners_each(owners, tally, listener_note);

    if (result == 0) {
        result = owners_look_up(owners);
    }
    return result != 0 ? result : listeners_each(owners, tally, listener_set);
}
