/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/audit/plan.c: rules, hosts (trial.h), what becomes of each socket and which are new. The sentences made of that
 * are for test_remedy.c.
 */
#include "config.h"

#include "audit/plan.h"

#include "plugin/text_buffer.h"
#include "trial.h"
#include "unit.h"

#include <string.h>

/* A letter for each listener, in the order of the tally: keep, set or clear IPV6_V6ONLY, leave. */
static const char changes[PLAN_CHANGES + 1] = "kscl";

static const char *const places[PLAN_PLACES] = {
    [PLAN_WILDCARD] = "wildcard", [PLAN_INTERFACE] = "interface", [PLAN_LOOPBACK] = "loopback",
    [PLAN_LINK] = "link",         [PLAN_ADDRESS] = "address",     [PLAN_BIND] = "bind",
};

/* "l wildcard 4 6?": IPv4 and IPv6 are to be added on the wildcard, the latter once the host has an address for it. */
static const struct {
    const char *rule;
    const char *host;
    enum stack_form preferred;
    const char *expected;
} plans[] = {
    {"443 dual-stack", "443=0.0.0.0", STACK_FORM_NONE, "k wildcard 6"},
    {"443 dual-stack", "443=0.0.0.0", STACK_SINGLE, "l wildcard both"},
    {"443 dual-stack", "443=0.0.0.0 noipv6", STACK_FORM_NONE, "k wildcard 6?"},
    {"443 dual-stack", "443=0.0.0.0 noipv6", STACK_SINGLE, "k wildcard 6?"},
    {"443 dual-stack", "443=::/6", STACK_FORM_NONE, "k wildcard 4 or clear"},
    {"443 dual-stack", "443=::/6", STACK_SPLIT, "k wildcard 4"},
    {"443 dual-stack", "443=::/6", STACK_SINGLE, "c wildcard"},
    {"443 dual-stack", "443=:: ipv6:none", STACK_FORM_NONE, "k wildcard limited"},
    {"443 v4-only", "443=::", STACK_FORM_NONE, "l wildcard 4"},
    {"443 v6-only", "443=::", STACK_FORM_NONE, "s wildcard"},
    {"443 v6", "443=127.0.0.1", STACK_SINGLE, "k loopback 6"},
    {"443 v6", "443=169.254.7.1", STACK_FORM_NONE, "k link 6"},
    {"443 v6", "443=192.0.2.1", STACK_SINGLE, "k address 6"},
    {"443 v6", "443=0.0.0.0%eth0", STACK_FORM_NONE, "k interface 6"},
    /* What is in the way of a wildcard goes. */
    {"443 v6", "443=0.0.0.0 443=::1", STACK_FORM_NONE, "kl wildcard 6"},
    {"443 dual-stack form=single", "443=192.0.2.1 443=2001:db8::1", STACK_FORM_NONE, "ll wildcard both"},
    {"443 dual-stack form=single", "443=::/6 443=::ffff:192.0.2.1", STACK_FORM_NONE, "cl wildcard"},
    {"443 dual-stack form=single", "443=127.0.0.1 443=::1", STACK_FORM_NONE, "kk loopback impossible"},
    /* bind() of a wildcard fails beside a socket of its family that another rule judges. */
    {"443@external dual-stack\n443@loopback any", "443=0.0.0.0 443=::1", STACK_FORM_NONE, "k address 6"},
    {"443@external dual-stack\n443@loopback any", "443=0.0.0.0 443=127.0.0.1", STACK_FORM_NONE, "k wildcard 6"},
    {"443@external dual-stack\n443@loopback any", "443=::/6 443=127.0.0.1", STACK_FORM_NONE, "k address 4"},
    {"443@external dual-stack\n443@loopback any", "443=::/6 443=127.0.0.1", STACK_SINGLE, "k address 4"},
    {"443@external dual-stack\n443@loopback any", "443=::/6 443=::1", STACK_FORM_NONE, "k wildcard 4 or clear"},
    {"443@external v4-only\n443@loopback any", "443=::/6 443=127.0.0.1", STACK_FORM_NONE, "l address 4"},
    {"443@external dual-stack form=single\n443@loopback any", "443=::/6 443=127.0.0.1", STACK_FORM_NONE,
     "k address 4 impossible"},
    {"443@external dual-stack form=single\n443@loopback any", "443=2001:db8::1 443=::1", STACK_FORM_NONE,
     "k address 4 impossible"},
    {"443@external dual-stack bind=0.0.0.0/0,::/0\n443@loopback any", "443=0.0.0.0 443=::1", STACK_FORM_NONE,
     "k bind 6"},
    {"443 dual-stack\n443@loopback any", "443=0.0.0.0 443=::1", STACK_FORM_NONE, "k address 6"},
    /* Where bind= and reach= allow, and no wider than before if that can be. */
    {"443 dual-stack bind=192.0.2.0/24,2001:db8::/32", "443=192.0.2.1", STACK_FORM_NONE, "k bind 6"},
    {"443 any bind=loopback,192.0.2.0/24", "443=169.254.7.1", STACK_FORM_NONE, "l loopback 4"},
    {"443 any bind=192.0.2.0/24", "443=::1", STACK_FORM_NONE, "l bind 4"},
    {"443 v4-only bind=0.0.0.0/0", "443=::1", STACK_FORM_NONE, "l loopback 4"},
    {"443 any bind=%eth0", "443=0.0.0.0", STACK_FORM_NONE, "l interface 4"},
    {"443 dual-stack bind=loopback,192.0.2.0/24", "443=0.0.0.0", STACK_FORM_NONE, "l loopback 4 6"},
    {"443 dual-stack bind=192.0.2.0/24", "443=192.0.2.1", STACK_FORM_NONE, "k bind 6 lacks"},
    {"443 dual-stack bind=127.0.0.0/8", "443=127.0.0.1", STACK_FORM_NONE, "k loopback 6 lacks"},
    {"443 v6 bind=192.0.2.0/24", "443=::1", STACK_FORM_NONE, "k loopback lacks"},
    {"443 any reach=link", "443=::", STACK_FORM_NONE, "l link 4 6"},
    {"443 dual-stack reach=loopback", "443=0.0.0.0", STACK_FORM_NONE, "l loopback 4 6"},
    {"443 any reach=loopback bind=192.0.2.0/24", "443=192.0.2.1", STACK_FORM_NONE, "l loopback ends"},
};

START_TEST(changes_as_little_as_does)
{
    struct trial *trial = trial_of(plans[_i].rule, plans[_i].host);
    const struct judge_service *service = &trial->verdict->services[0];
    char bytes[64];
    struct text_buffer text = TEXT_BUFFER(bytes);
    struct plan plan;

    plan_make(&plan, service, trial->tally, plans[_i].preferred);
    for (size_t i = 0; i < service->listener_count; i++) {
        enum plan_change change = plan_change_of(&plan, service->listeners[i]);
        text_buffer_add(&text, "%c", changes[change]);
        ck_assert_ptr_nonnull(plan.first[change]);
    }
    text_buffer_add(&text, " %s%s", places[plan.place], plan.adds_both ? " both" : "");
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        if (plan.adds[family]) {
            text_buffer_add(&text, " %s%s", family == RECORD_INET ? "4" : "6", plan.host_lacks[family] ? "?" : "");
        }
    }
    text_buffer_add(&text, "%s%s%s%s%s", plan.clearable != NULL ? " or clear" : "",
                    plan.limited[RECORD_INET] != NULL || plan.limited[RECORD_INET6] != NULL ? " limited" : "",
                    plan.form_is_impossible ? " impossible" : "", plan_widens_bind(&plan) ? " lacks" : "",
                    plan_ends_service(&plan) ? " ends" : "");
    ck_assert_msg(strcmp(bytes, plans[_i].expected) == 0, "'%s' on '%s': %s, not %s", plans[_i].rule, plans[_i].host,
                  bytes, plans[_i].expected);
    trial_end(trial);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tcase = tcase_create("plan");

    tcase_add_loop_test(tcase, changes_as_little_as_does, 0, UNIT_COUNT(plans));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
