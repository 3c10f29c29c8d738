/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The listeners of a service, then and now, taken as sets: of addresses, of units, and so on.
 */
#include "config.h"

#include "audit/change_listeners.h"

#include "audit/suggest_unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* --- points on which listeners differ ---------------------------------------------------------------------------- */

typedef const struct tally_listener *listener_pointer;

static listener_pointer listener_at(const void *place)
{
    return *(const listener_pointer *)place;
}

static int address_compare(const void *left, const void *right)
{
    listener_pointer a = listener_at(left);
    listener_pointer b = listener_at(right);

    return a->family != b->family ? COMPARE(a->family, b->family) : memcmp(&a->address, &b->address, sizeof a->address);
}

static int interface_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);

    return order != 0 ? order : strcmp(listener_at(left)->interface_name, listener_at(right)->interface_name);
}

static int accepts_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);
    enum record_answer a = tally_accepts(listener_at(left)).ipv4;
    enum record_answer b = tally_accepts(listener_at(right)).ipv4;

    return order != 0 ? order : COMPARE(a, b);
}

/*
 * Compares units by the names they have after their next start, too: session-3.scope and session-4.scope are alike, and
 * so are units whose future name is unknown, and units that are unknown.
 */
static int unit_compare(const void *left, const void *right)
{
    listener_pointer a = listener_at(left);
    listener_pointer b = listener_at(right);
    char a_pattern[SUGGEST_UNIT_SIZE];
    char b_pattern[SUGGEST_UNIT_SIZE];

    if (a->unit_state != TALLY_UNIT_KNOWN || b->unit_state != TALLY_UNIT_KNOWN) {
        return COMPARE(a->unit_state == TALLY_UNIT_KNOWN, b->unit_state == TALLY_UNIT_KNOWN);
    }
    if (strcmp(a->unit, b->unit) == 0) {
        return 0;
    }
    suggest_unit_pattern(a_pattern, a->unit);
    suggest_unit_pattern(b_pattern, b->unit);
    return strcmp(a_pattern, b_pattern);
}

static int address_unit_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);

    return order != 0 ? order : unit_compare(left, right);
}

static int uid_compare(const void *left, const void *right)
{
    return COMPARE(listener_at(left)->uid, listener_at(right)->uid);
}

static int address_uid_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);

    return order != 0 ? order : uid_compare(left, right);
}

/* By name, and those without one by number. */
static int user_compare(const void *left, const void *right)
{
    const char *a = listener_at(left)->user;
    const char *b = listener_at(right)->user;

    if (a == NULL || b == NULL) {
        return a == b ? uid_compare(left, right) : COMPARE(a != NULL, b != NULL);
    }
    return strcmp(a, b);
}

static int address_user_compare(const void *left, const void *right)
{
    int order = address_compare(left, right);

    return order != 0 ? order : user_compare(left, right);
}

typedef int listener_compare(const void *left, const void *right);

/*
 * The listeners of both sides are taken as sets by `compare`. With `within`, which `compare` refines, only listeners
 * count that are alike to one of the other side by that. With `also` the sets must differ by both: a dynamic user has
 * another number after a start, and a name service that is out of order has no names.
 */
static const struct row {
    enum change_point point;
    listener_compare *compare;
    listener_compare *within; /* NULL for none */
    listener_compare *also;   /* NULL for none */
} rows[] = {
    {CHANGE_ADDRESSES, address_compare, NULL, NULL},
    {CHANGE_INTERFACES, interface_compare, address_compare, NULL},
    {CHANGE_V6ONLY, accepts_compare, address_compare, NULL},
    {CHANGE_UNITS, address_unit_compare, address_compare, NULL},
    {CHANGE_UNITS, unit_compare, NULL, NULL},
    {CHANGE_USERS, address_user_compare, address_compare, address_uid_compare},
    {CHANGE_USERS, user_compare, NULL, uid_compare},
};

/* Listeners of one side, sorted by the row's compare. */
struct listeners {
    const struct tally *tally;
    enum record_protocol protocol;
    listener_pointer *list;
    size_t count;
};

/* What a row found. */
struct outcome {
    struct change_difference difference;
    bool certain;
};

/* The part of the list from `first` on that is alike to it; all of it where `within` is NULL. */
static struct listeners group_at(const struct listeners *listeners, size_t first, listener_compare *within)
{
    struct listeners group = *listeners;
    size_t end = first + 1;

    while (end < listeners->count && (within == NULL || within(&listeners->list[first], &listeners->list[end]) == 0)) {
        end++;
    }
    group.list = listeners->list + first;
    group.count = end - first;
    return group;
}

static bool has_unknown(const struct row *row, const struct listeners *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!change_point_is_known(row->point, group->tally, group->protocol, group->list[i])) {
            return true;
        }
    }
    return false;
}

/* Finds the listeners of `group` that are not in `other`. Returns true if everything is known of one of them. */
static bool unmatched_find(const struct row *row, const struct listeners *group, const struct listeners *other,
                           struct change_sockets *unmatched)
{
    bool found_known = false;
    size_t j = 0;

    for (size_t i = 0; i < group->count; i++) {
        int order = 1;
        while (j < other->count && (order = row->compare(&group->list[i], &other->list[j])) > 0) {
            j++;
        }
        if (j < other->count && order == 0) {
            continue;
        }
        if (i > 0 && row->compare(&group->list[i - 1], &group->list[i]) == 0) {
            continue;
        }
        if (unmatched->count < CHANGE_SHOWN) {
            unmatched->first[unmatched->count] = group->list[i];
        }
        unmatched->count++;
        found_known |= change_point_is_known(row->point, group->tally, group->protocol, group->list[i]);
    }
    return found_known;
}

/* A difference is certain only if it is known on one side and cannot be what is unknown on the other. */
static void groups_compare(const struct row *row, const struct listeners *before, const struct listeners *after,
                           struct outcome *outcome)
{
    bool lost = unmatched_find(row, before, after, &outcome->difference.before);
    bool gained = unmatched_find(row, after, before, &outcome->difference.after);

    outcome->certain |= (lost && !has_unknown(row, after)) || (gained && !has_unknown(row, before));
}

/* Returns whether the sets differ. */
static bool sets_differ(const struct row *row, const struct listeners *before, const struct listeners *after,
                        struct outcome *outcome)
{
    size_t i = 0;
    size_t j = 0;

    *outcome = (struct outcome){.certain = false};
    qsort(before->list, before->count, sizeof(listener_pointer), row->compare);
    qsort(after->list, after->count, sizeof(listener_pointer), row->compare);
    while (i < before->count && j < after->count) {
        int order = row->within != NULL ? row->within(&before->list[i], &after->list[j]) : 0;
        if (order == 0) {
            struct listeners old = group_at(before, i, row->within);
            struct listeners new = group_at(after, j, row->within);
            groups_compare(row, &old, &new, outcome);
            i += old.count;
            j += new.count;
        } else {
            i += order < 0;
            j += order > 0;
        }
    }
    return outcome->difference.before.count + outcome->difference.after.count > 0;
}

static bool row_differs(const struct row *row, const struct listeners *before, const struct listeners *after,
                        struct outcome *outcome)
{
    struct row other = *row;

    if (row->also != NULL) {
        other.compare = row->also;
        if (!sets_differ(&other, before, after, outcome)) {
            return false;
        }
    }
    return sets_differ(row, before, after, outcome);
}

static void rows_compare(struct change *change, const struct listeners *before, const struct listeners *after)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const unsigned bit = CHANGE_BIT(rows[i].point);
        struct outcome outcome;
        if ((change->points & bit) == 0 && row_differs(&rows[i], before, after, &outcome) &&
            (outcome.certain || (change->unknown & bit) == 0)) {
            change->differences[rows[i].point] = outcome.difference;
            change->points |= outcome.certain ? bit : 0;
            change->unknown |= bit;
        }
    }
    change->unknown &= ~change->points;
}

int change_listeners_compare(struct change *change, const struct tally *before, const struct tally *after)
{
    size_t before_count = change->before.listener_count;
    size_t after_count = change->after.listener_count;
    listener_pointer *sorted = calloc(before_count + after_count, sizeof(listener_pointer));
    struct listeners then;
    struct listeners now;

    if (sorted == NULL) {
        return -ENOMEM;
    }
    then = (struct listeners){before, change->before.protocol, sorted, before_count};
    now = (struct listeners){after, change->after.protocol, sorted + before_count, after_count};
    memcpy(then.list, change->before.listeners, before_count * sizeof(listener_pointer));
    memcpy(now.list, change->after.listeners, after_count * sizeof(listener_pointer));
    rows_compare(change, &then, &now);
    free(sorted);
    return 0;
}
