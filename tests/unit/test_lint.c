/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/audit/lint.c: a row for each warning, and for what is just not worth one.
 */
#include "config.h"

#include "audit/day.h"
#include "audit/lint.h"
#include "socket/host_port.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static bool port_by_name(const char *name, enum record_protocol protocol, uint16_t *port, void *context)
{
    (void)name;
    (void)context;
    (void)protocol;
    (void)port;
    return false;
}

static bool uid_by_name(const char *name, uint32_t *uid, void *context)
{
    (void)name;
    (void)context;
    *uid = 33;
    return true;
}

static const struct rule_names names = {.port = port_by_name, .user = uid_by_name};

#define TODAY "2026-11-22"

#define OTHERS "others come before it everywhere, such as the rule at "
#define CLIENTS                                                                                                        \
    "never judges anything on this host, which assigns UDP ports 32768-60999 to clients "                              \
    "(net.ipv4.ip_local_port_range): only a rule that names the port itself or has ephemeral=yes "                     \
    "judges there"

/* A policy, and each warning of it. */
static const struct {
    const char *policy;
    const char *said[3];
} cases[] = {
    {"", {"policy: has no rules, so no service is judged"}},
    {"443 dual-stack", {NULL}},
    /* Rules that never come to judge. */
    {"100-101 any\n100,101 any name=two", {"p:1: never judges anything: " OTHERS "p:2"}},
    {"default/tcp closed\n1-65535 any", {"p:1: never judges anything: " OTHERS "p:2"}},
    {"default/udp closed\n1-65535/udp any", {"p:1: never judges anything: " OTHERS "p:2"}},
    {"default closed\ndefault/tcp closed\ndefault/udp closed", {"p:1: never judges anything: " OTHERS "p:2"}},
    {"53 any\n53@loopback any\n53@link any\n53@external any",
     {"p:1: has no listener left to judge, so its service is always missing: " OTHERS "p:4"}},
    {"53 any missing=ok\n53@loopback any\n53@link any\n53@external any", {"p:1: never judges anything: " OTHERS "p:4"}},
    {"53 closed\n53@loopback any\n53@link any\n53@external any", {"p:1: never judges anything: " OTHERS "p:4"}},
    {"8000-8099@loopback any\n8080 any",
     {"p:1: at port 8080 the rule at p:2 comes before it, as a single port comes before a range even where only the "
      "range has a scope: write a rule for 8080@loopback if that is not meant"}},
    {"8000-8099@loopback any\n8080@loopback any", {NULL}},
    /* bind= without an address of a family that the requirement needs: a row for each. */
    {"443 v4-only bind=2001:db8::/32",
     {"p:1: v4-only needs a listener for IPv4, but no prefix of bind= is IPv4, so nothing can satisfy both"}},
    {"443 v6-only bind=10.0.0.0/8",
     {"p:1: v6-only needs a listener for IPv6, but no prefix of bind= is IPv6, so nothing can satisfy both"}},
    {"443 dual-stack bind=10.0.0.0/8",
     {"p:1: dual-stack needs a listener for IPv6, but no prefix of bind= is IPv6, so nothing can satisfy both"}},
    {"443 dual-stack bind=2001:db8::/32",
     {"p:1: dual-stack needs a listener for IPv4, but no prefix of bind= is IPv4, so nothing can satisfy both"}},
    {"443 v4 bind=2001:db8::/32",
     {"p:1: v4 needs a listener for IPv4, but no prefix of bind= is IPv4, so nothing can satisfy both"}},
    {"443 v6 bind=10.0.0.0/8",
     {"p:1: v6 needs a listener for IPv6, but no prefix of bind= is IPv6, so nothing can satisfy both"}},
    {"443 any bind=10.0.0.0/8", {NULL}},
    {"443 dual-stack bind=10.0.0.0/8,2001:db8::/32", {NULL}},
    {"443 dual-stack bind=loopback", {NULL}},
    {"443 v6-only bind=link,10.0.0.0/8", {NULL}},
    /* bind= with one wildcard where one socket for both is welcome: a row for each requirement. */
    {"443 v4 bind=0.0.0.0/0",
     {"p:1: bind= has 0.0.0.0/0 without ::/0, so a [::] listener that takes both families does not fit: add ::/0"}},
    {"443 v6 bind=::/0",
     {"p:1: bind= has ::/0 without 0.0.0.0/0, so a [::] listener that takes both families does not fit: add "
      "0.0.0.0/0"}},
    {"443 any bind=::/0,10.0.0.0/8",
     {"p:1: bind= has ::/0 without 0.0.0.0/0, so a [::] listener that takes both families does not fit: add "
      "0.0.0.0/0"}},
    {"443 dual-stack form=single bind=::/0,10.0.0.0/8",
     {"p:1: bind= has ::/0 without 0.0.0.0/0, so a [::] listener that takes both families does not fit: add "
      "0.0.0.0/0"}},
    {"443 dual-stack form=split bind=::/0,10.0.0.0/8", {NULL}},
    {"443 dual-stack bind=::/0,10.0.0.0/8", {NULL}},
    {"443 v4-only bind=0.0.0.0/0", {NULL}},
    {"443 v6-only bind=::/0", {NULL}},
    {"443 any bind=0.0.0.0/0,::/0", {NULL}},
    {"443@loopback any bind=10.0.0.0/8", {"p:1: judges only @loopback listeners, and none of them is inside bind="}},
    {"443@external any bind=loopback", {"p:1: judges only @external listeners, and none of them is inside bind="}},
    {"443@link any bind=fe80::/64", {NULL}},
    /* Where every listener is barred. */
    {"23 closed bind=::/0",
     {"p:1: closed forbids every listener, even those that bind= allows: narrow it with a scope such as @external"}},
    {"default closed unit=x.service",
     {"p:1: closed forbids every listener, even those that unit= allows: narrow it with a scope such as @external"}},
    {"23 closed reach=loopback",
     {"p:1: closed forbids every listener, even those that reach= allows: narrow it with a scope such as @external"}},
    {"23 closed user=0",
     {"p:1: closed forbids every listener, even those that user= allows: narrow it with a scope such as @external"}},
    {"23@external closed", {NULL}},
    /* One rule by itself. */
    {"443 any unit=nginx",
     {"p:1: unit=nginx matches no unit, their names end in .service and the like: write unit=nginx.service"}},
    {"443 any unit=nginx*", {NULL}},
    {"443 any unit=/lxc/web", {NULL}},
    {"443 any mapped-warning=20 mapped-critical=10",
     {"p:1: mapped-warning= never fires, because mapped-critical= fires first: make it narrower"}},
    {"443 any mapped-warning=5 mapped-critical=10", {NULL}},
    {"443 any ipv4-warning=20 ipv4-critical=10",
     {"p:1: ipv4-warning= never fires, because ipv4-critical= fires first: make it narrower"}},
    {"443 any ipv4-warning=5 ipv4-critical=10 mapped-warning=20", {NULL}},
    {"default closed except-unit=dnsmasq,unbound*,/lxc/dns",
     {"p:1: except-unit=dnsmasq matches no unit, their names end in .service and the like: write "
      "except-unit=dnsmasq.service"}},
    {"443 any as=bound reach=loopback", {NULL}},
    {"443 dual-stack bind=loopback reach=loopback", {NULL}},
    {"443 any as=bound", {"p:1: as=bound makes no difference to any: leave it out"}},
    {"23 closed as=bound", {"p:1: as=bound makes no difference to closed: leave it out"}},
    {"443 v6 as=bound", {NULL}},
    {"443 v4-only bind=%eth0", {NULL}},
    {"443@link any bind=%eth0", {NULL}},
    {"443 any waive-until=2026-11-21",
     {"p:1: waive-until=2026-11-21 ended 1 day ago and breaches count again: remove or renew it"}},
    {"443 any waive-until=2026-11-20",
     {"p:1: waive-until=2026-11-20 ended 2 days ago and breaches count again: remove or renew it"}},
    {"443 any waive-until=" TODAY,
     {"p:1: waive-until=2026-11-22 ends today, and breaches count again tomorrow: fix them or renew it"}},
    {"443 any waive-until=2026-11-23",
     {"p:1: waive-until=2026-11-23 ends in 1 day, after which breaches count again: fix them or renew it"}},
    {"443 any waive-until=2026-12-22",
     {"p:1: waive-until=2026-12-22 ends in 30 days, after which breaches count again: fix them or renew it"}},
    {"443 any waive-until=2026-12-23", {NULL}},
    /* Ports that clients share. */
    {"40000-40010/udp any", {"p:1: " CLIENTS}},
    {"40000-40010 any", {NULL}},
    {"40000/udp any", {NULL}},
    {"32767-40000/udp any", {NULL}},
    {"default/udp closed", {NULL}},
    {"40000-40010/udp any ephemeral=yes", {NULL}},
    {"41000-41010/udp any", {NULL}},
    {"default closed ephemeral=yes", {NULL}},
    {"8000-8010 closed ephemeral=yes",
     {"p:1: ephemeral=yes makes no difference to TCP, whose listeners are never clients: leave it out"}},
    /* Values that RRD files cannot tell apart. */
    {"443 any name=abcdefghijklmnopqrs1\n444 any name=abcdefghijklmnopqrs2",
     {"p:2: abcdefghijklmnopqrs2_mapped begins like abcdefghijklmnopqrs1_mapped of the rule at p:1: RRD files keep 19 "
      "characters"}},
    {"443 any name=abcdefghijklmnopqrs2\n444 any name=abcdefghijklmnopqrs1",
     {"p:2: abcdefghijklmnopqrs1_mapped begins like abcdefghijklmnopqrs2_mapped of the rule at p:1: RRD files keep 19 "
      "characters"}},
    /* The first of them is named, however many there are. */
    {"443 any name=abcdefghijklmnopqrs1\n444 any name=abcdefghijklmnopqrs2\n445 any name=abcdefghijklmnopqrs3",
     {"p:2: abcdefghijklmnopqrs2_mapped begins like abcdefghijklmnopqrs1_mapped of the rule at p:1: RRD files keep 19 "
      "characters",
      "p:3: abcdefghijklmnopqrs3_mapped begins like abcdefghijklmnopqrs1_mapped of the rule at p:1: RRD files keep 19 "
      "characters"}},
    {"443 any name=abcdefghijk1\n444 any name=abcdefghijk2", {NULL}},
    /* In the order of the rules. */
    {"443 any unit=a\n444 any\n445 any unit=b waive-until=2026-11-21",
     {"p:1: unit=a matches no unit, their names end in .service and the like: write unit=a.service",
      "p:3: unit=b matches no unit, their names end in .service and the like: write unit=b.service",
      "p:3: waive-until=2026-11-21 ended 1 day ago and breaches count again: remove or renew it"}},
};

START_TEST(what_is_likely_wrong_is_reported)
{
    struct sock_host host = {.port_range_first = 32768, .port_range_last = 60999};
    struct policy *policy = policy_create(&names);
    struct rule_errors warnings = {0};
    int32_t today;
    size_t expected = 0;

    host_port_reserve(&host, 41005, 41005);
    ck_assert(day_parse(TODAY, &today));
    ck_assert_int_eq(policy_text_add(policy, cases[_i].policy, strlen(cases[_i].policy), "p"), 0);
    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_msg(policy->errors.count == 0, "%s", policy->errors.count > 0 ? policy->errors.text[0] : "");
    ck_assert_int_eq(lint_policy(policy, &host, today, &warnings), 0);
    while (expected < 3 && cases[_i].said[expected] != NULL) {
        expected++;
    }
    for (size_t i = 0; i < warnings.count && i < expected; i++) {
        ck_assert_str_eq(warnings.text[i], cases[_i].said[i]);
    }
    ck_assert_msg(warnings.count == expected, "%zu warnings, the last is %s", warnings.count,
                  warnings.count > 0 ? warnings.text[warnings.count - 1] : "none");
    rule_errors_clear(&warnings);
    policy_free(policy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint");
    TCase *tcase = tcase_create("lint");

    tcase_add_loop_test(tcase, what_is_likely_wrong_is_reported, 0, (int)(sizeof cases / sizeof *cases));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
