/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/snapshot/owners.c: each id is noted once and looked up once. Units are looked up among this machine's cgroups, of
 * which nothing is taken for granted.
 */
#include "config.h"

#include "trial.h"
#include "unit.h"

#include "snapshot/owners.h"

#include <pwd.h>

#define NOBODYS_UID 4000000001u
/* No directory has such an inode number. */
#define NOBODYS_CGROUP UINT64_C(0xfffffffffffffffe)

/* What this machine calls uid 0, "" when it has no name for it. */
static const char *root_name(void)
{
    const struct passwd *root = getpwuid(0);

    return root != NULL ? root->pw_name : "";
}

static void assert_root(const char *name)
{
    ck_assert_str_eq(name != NULL ? name : "", root_name());
}

static int stages;

static void stage_count(const char *stage)
{
    ck_assert_str_eq(stage, "looking up units and users");
    stages++;
}

START_TEST(an_id_is_noted_once)
{
    struct owners owners = {0};

    /* More than there is room for at first, thrice over. */
    for (uint32_t i = 0; i < 900; i++) {
        ck_assert_int_eq(owners_user_note(&owners, i % 300), 0);
        ck_assert_int_eq(owners_unit_note(&owners, UINT64_C(1) << 32 | i % 300), 0);
    }
    ck_assert_uint_eq(owners.users.count, 300);
    ck_assert_uint_eq(owners.units.count, 300);
    for (uint32_t i = 0; i < 300; i++) {
        ck_assert_uint_eq(owners.users.entries[i].id, i);
        ck_assert_ptr_eq(owners_user(&owners, i), &owners.users.entries[i]);
        ck_assert_ptr_eq(owners_unit(&owners, UINT64_C(1) << 32 | i), &owners.units.entries[i]);
        ck_assert(!owners_user(&owners, i)->asked);
    }
    ck_assert_ptr_null(owners_user(&owners, 300));
    ck_assert_ptr_null(owners_unit(&owners, 1));
    owners_clear(&owners);
    ck_assert_ptr_null(owners_user(&owners, 1));
}
END_TEST

START_TEST(users_have_names)
{
    struct owners owners = {.progress = stage_count};
    const struct owners_entry *entry;

    stages = 0;
    ck_assert_int_eq(owners_user_note(&owners, 0), 0);
    ck_assert_int_eq(owners_user_note(&owners, NOBODYS_UID), 0);
    ck_assert_int_eq(owners_look_up(&owners), 0);
    ck_assert_int_eq(stages, 1);
    entry = owners_user(&owners, 0);
    ck_assert(entry->asked);
    assert_root(entry->name);
    entry = owners_user(&owners, NOBODYS_UID);
    ck_assert(entry->asked);
    ck_assert_ptr_null(entry->name);
    owners_clear(&owners);
}
END_TEST

/* Names are asked for once: what the entry holds then stays. */
START_TEST(users_are_asked_once)
{
    struct owners owners = {0};
    const char *name;

    ck_assert_int_eq(owners_user_note(&owners, 0), 0);
    ck_assert_int_eq(owners_look_up(&owners), 0);
    name = owners_user(&owners, 0)->name;
    ck_assert_int_eq(owners_user_note(&owners, 0), 0);
    ck_assert_int_eq(owners_look_up(&owners), 0);
    ck_assert_ptr_eq(owners_user(&owners, 0)->name, name);
    owners_clear(&owners);
}
END_TEST

START_TEST(another_hosts_users_have_none)
{
    struct owners owners = {.other_host = true};

    ck_assert_int_eq(owners_user_note(&owners, 0), 0);
    ck_assert_int_eq(owners_look_up(&owners), 0);
    ck_assert(owners_user(&owners, 0)->asked);
    ck_assert_ptr_null(owners_user(&owners, 0)->name);
    owners_clear(&owners);
}
END_TEST

START_TEST(a_cgroup_is_gone)
{
    struct owners owners = {0};
    const struct owners_entry *entry;

    ck_assert_int_eq(owners_unit_note(&owners, NOBODYS_CGROUP), 0);
    ck_assert_int_eq(owners_look_up(&owners), 0);
    entry = owners_unit(&owners, NOBODYS_CGROUP);
    ck_assert(entry->asked);
    ck_assert_ptr_null(entry->name);
    /* Without a cgroup2 mount nobody can tell, and it says why. */
    ck_assert_int_eq(entry->state, *owners.unit_fault.text == '\0' ? TALLY_UNIT_GONE : TALLY_UNIT_UNMOUNTED);
    owners_clear(&owners);
}
END_TEST

START_TEST(listeners_get_theirs)
{
    struct owners owners = {0};
    struct tally *tally = trial_tally("22=:: 443=0.0.0.0 u53=::!33:www-data 80=::+nginx.service");
    struct tally_listener *ssh = tally_find(tally, RECORD_TCP, 22)->listeners;
    struct tally_listener *web = tally_find(tally, RECORD_TCP, 443)->listeners;
    const struct tally_listener *known = tally_find(tally, RECORD_TCP, 80)->listeners;

    ssh->uid = NOBODYS_UID;
    ssh->cgroup = NOBODYS_CGROUP;
    ssh->unit_state = TALLY_UNIT_NOT_ASKED;
    web->uid = 0;
    web->cgroup = 0;
    web->unit_state = TALLY_UNIT_NOT_ASKED;
    ck_assert_int_eq(owners_assign(&owners, tally), 0);
    ck_assert_ptr_null(ssh->user);
    ck_assert_ptr_null(ssh->unit);
    ck_assert_int_eq(ssh->unit_state, *owners.unit_fault.text == '\0' ? TALLY_UNIT_GONE : TALLY_UNIT_UNMOUNTED);
    /* A socket without a cgroup is of no unit that anybody could name. */
    ck_assert_int_eq(web->unit_state, TALLY_UNIT_UNKNOWN);
    ck_assert_ptr_null(web->unit);
    assert_root(web->user);
    /* What was known stays. */
    ck_assert_str_eq(known->unit, "nginx.service");
    ck_assert_str_eq(tally_find(tally, RECORD_UDP, 53)->listeners->user, "www-data");
    owners_clear(&owners);
    tally_free(tally);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("owners");
    TCase *ids = tcase_create("ids");

    tcase_add_test(ids, an_id_is_noted_once);
    tcase_add_test(ids, users_have_names);
    tcase_add_test(ids, users_are_asked_once);
    tcase_add_test(ids, another_hosts_users_have_none);
    tcase_add_test(ids, a_cgroup_is_gone);
    tcase_add_test(ids, listeners_get_theirs);
    suite_add_tcase(suite, ids);
    return unit_run(suite);
}
