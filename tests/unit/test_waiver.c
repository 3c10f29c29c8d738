/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/audit/waiver.c: what waivers do, over many hosts.
 */
#include "config.h"

#include "audit/waiver.h"

#include "trial.h"
#include "unit.h"

/* Judges hosts by one policy; a host that stays NULL ends them. */
static void hosts_add(struct waiver_list *list, struct trial *trial, const char *const *hosts)
{
    for (; *hosts != NULL; hosts++) {
        struct tally *none = trial->tally;
        trial->tally = trial_tally(*hosts);
        trial->question.tally = trial->tally;
        trial_judge(trial);
        ck_assert_int_eq(waiver_list_add(list, trial->policy, trial->verdict), 0);
        tally_free(none);
    }
}

static const struct {
    const char *rules;
    const char *hosts[4];
    uint64_t hides, needed; /* by the first rule */
    bool unneeded;
} rows[] = {
    {"443 v4-only waive-until=2026-11-22", {"443=::", "443=0.0.0.0", "443=::"}, 2, 2, false},
    {"443 v4-only waive-until=2026-11-22", {"443=0.0.0.0", "443=0.0.0.0"}, 0, 0, true},
    /* It ended, and what it hid is still there. */
    {"443 v4-only waive-until=2026-11-21", {"443=::"}, 0, 1, false},
    {"443 v4-only waive-until=2026-11-21", {"443=0.0.0.0"}, 0, 0, true},
    /* A host counts once, however many of its services need it. */
    {"default closed waive-until=2026-11-22", {"443=:: 80=:: 22=::", "22=::"}, 2, 2, false},
    {"default closed waive-until=2026-11-22", {""}, 0, 0, true},
    /* What nobody can tell may need it. */
    {"443 v4 waive-until=2026-11-22", {"443=::/?"}, 0, 1, false},
    {"443 any waive-until=2026-11-22", {"notcp"}, 0, 1, false},
    {"default closed waive-until=2026-11-22", {"noudp"}, 0, 1, false},
    {"default/tcp closed waive-until=2026-11-22", {"noudp"}, 0, 0, true},
    /* No waiver. */
    {"443 any\n444 any waive-until=2026-11-22", {"443=::"}, 0, 0, false},
    {"443 any", {"443=::"}, 0, 0, false},
};

START_TEST(waivers_are_counted_by_hosts)
{
    struct trial *trial = trial_begin(rows[_i].rules, "");
    struct waiver_list list = {.waivers = NULL};
    const struct rule *rule = trial->policy->rules[0];

    hosts_add(&list, trial, rows[_i].hosts);
    ck_assert_uint_eq(list.waivers != NULL ? list.waivers[0].hides : 0, rows[_i].hides);
    ck_assert_uint_eq(list.waivers != NULL ? list.waivers[0].needed : 0, rows[_i].needed);
    ck_assert_int_eq(waiver_is_unneeded(&list, rule), rows[_i].unneeded);
    /* Of hosts that could not be judged nobody knows what they need. */
    list.partial = true;
    ck_assert(!waiver_is_unneeded(&list, rule));
    waiver_list_clear(&list);
    trial_end(trial);
}
END_TEST

START_TEST(days_are_left_until_the_last_one_is_over)
{
    struct trial *trial = trial_begin("443 any waive-until=2026-11-22", "");

    ck_assert_int_eq(waiver_days_left(trial->policy->rules[0], TRIAL_TODAY - 3), 3);
    ck_assert_int_eq(waiver_days_left(trial->policy->rules[0], TRIAL_TODAY), 0);
    ck_assert_int_eq(waiver_days_left(trial->policy->rules[0], TRIAL_TODAY + 1), -1);
    trial_end(trial);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("waiver");
    TCase *tcase = tcase_create("waiver");

    tcase_add_loop_test(tcase, waivers_are_counted_by_hosts, 0, UNIT_COUNT(rows));
    tcase_add_test(tcase, days_are_left_until_the_last_one_is_over);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
