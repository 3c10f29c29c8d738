/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The owners of sockets: the names of users, and the systemd units of cgroups. However many sockets there are, each
 * user id and each cgroup is looked up once; memory grows with the number of different ones.
 */
#ifndef SNAPSHOT_OWNERS_H
#define SNAPSHOT_OWNERS_H

#include "audit/tally.h"
#include "snapshot/sources.h"
#include "socket/fault.h"

/* A user id, or a cgroup id. */
struct owners_entry {
    uint64_t id;
    bool asked;            /* the rest is meaningful */
    enum tally_unit state; /* of a cgroup */
    char *name;            /* NULL where there is none; owned by the list */
};

/* In the order they were noted. */
struct owners_list {
    struct owners_entry *entries;
    size_t count;
    size_t room;
    uint32_t *slots; /* positions in entries + 1, by a hash of the id */
    size_t slot_count;
};

/* Begin with all zero but for the first two; ends with owners_clear(). */
struct owners {
    bool other_host;            /* the sockets are another host's, and its users have no names here */
    sources_progress *progress; /* NULL for none */
    struct owners_list users;
    struct owners_list units;
    struct fault unit_fault; /* why units are not known; "" when they are */
};

/* Each of these remembers an id for the next owners_look_up(). Returns 0 or -ENOMEM. */
int owners_user_note(struct owners *owners, uint32_t uid);
int owners_unit_note(struct owners *owners, uint64_t cgroup);

/* Looks up all that was noted and has not been looked up. Returns 0 or -ENOMEM. */
int owners_look_up(struct owners *owners);

/* The entry of a noted id, NULL for any other. Valid until the next id is noted. */
const struct owners_entry *owners_user(const struct owners *owners, uint32_t uid);
const struct owners_entry *owners_unit(const struct owners *owners, uint64_t cgroup);

/* Sets user and unit of all listeners of a tally whose unit is TALLY_UNIT_NOT_ASKED. Returns 0 or -ENOMEM. */
int owners_assign(struct owners *owners, struct tally *tally);

void owners_clear(struct owners *owners);

#endif
