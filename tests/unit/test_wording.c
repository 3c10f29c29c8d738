/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/wording.c: a row for each cause, and for each kind of finding and summary.
 */
#include "config.h"

#include "render/wording.h"

#include "sample.h"
#include "trial.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define LISTENERS 2

static struct text_buffer text;
static char bytes[WORDING_SIZE];

static void text_begin(void)
{
    text = TEXT_BUFFER(bytes);
}

static void text_must_be(const char *expected)
{
    ck_assert_str_eq(bytes, expected);
    ck_assert(!text.is_cut);
}

/* --- services and listeners -------------------------------------------------------------------------------------- */

static const struct {
    const char *rule; /* NULL for none */
    const char *expected;
} services[] = {
    {NULL, "443/tcp"},
    {"443 any", "443/tcp"},
    {"443 any name=web", "web 443/tcp"},
    {"53/udp any", "53/udp"},
    {"53/udp@link any", "53/udp@link"},
    {"53/udp@loopback any name=stub", "stub 53/udp@loopback"},
    {"default closed", "443/tcp"},
    {"default@external closed", "443/tcp@external"},
};

START_TEST(names_the_service)
{
    struct sample_service sample;

    sample_service_make(&sample, services[_i].rule);
    wording_add_service(&text, &sample.service);
    text_must_be(services[_i].expected);
    sample_service_clear(&sample);
}
END_TEST

static const struct {
    struct sample_listener listener;
    const char *owner;
    const char *expected;
} listeners[] = {
    {{.address = "0.0.0.0", .unit = "nginx.service"}, "nginx.service", "0.0.0.0:443 (nginx.service)"},
    {{.address = "::", .unit = "nginx.service", .user = "www"}, "nginx.service", "[::]:443 (nginx.service)"},
    {{.address = "fe80::1%eth0", .user = "www"}, "", "[fe80::1%eth0]:443"},
    {{.address = "::1", .unit_state = TALLY_UNIT_UNKNOWN, .user = "www"}, "user www", "[::1]:443 (user www)"},
    {{.address = "::1", .unit_state = TALLY_UNIT_UNKNOWN, .uid = 4294967294u},
     "user 4294967294",
     "[::1]:443 (user 4294967294)"},
    {{.address = "::1", .unit_state = TALLY_UNIT_UNKNOWN, .uid = RECORD_UID_HIDDEN},
     "user not visible from here",
     "[::1]:443 (user not visible from here)"},
    {{.address = "::1", .unit_state = TALLY_UNIT_HIDDEN, .user = "root"},
     "user root, its unit is not visible from here",
     "[::1]:443 (user root, its unit is not visible from here)"},
    {{.address = "127.0.0.1", .unit_state = TALLY_UNIT_GONE, .user = "www"},
     "user www, its unit is gone",
     "127.0.0.1:443 (user www, its unit is gone)"},
    /* A cgroup that is no unit. */
    {{.address = "127.0.0.1", .unit = "/docker/1", .uid = 33}, "user 33", "127.0.0.1:443 (user 33)"},
};

START_TEST(names_the_listener_and_its_owner)
{
    struct sample_service sample;

    sample_service_make(&sample, NULL);
    sample_service_listen(&sample, &listeners[_i].listener);
    wording_add_owner(&text, &sample.listeners[0]);
    text_must_be(listeners[_i].owner);
    text_begin();
    wording_add_listener(&text, &sample.service, &sample.listeners[0]);
    text_must_be(listeners[_i].expected);
    sample_service_clear(&sample);
}
END_TEST

static const struct {
    const char *host;
    bool as_bound;
    const char *expected;
} stacks[] = {
    {"", false, "closed"},
    {"443=::1", false, "v6-only"},
    {"443=0.0.0.0", false, "v4-only"},
    {"443=::", false, "dual-stack"},
    {"443=::/?", false, "unknown"},
    /* What the sockets are bound to. */
    {"443=0.0.0.0 443=::1", false, "v4-only outside loopback, IPv6 on [::1] only"},
    {"443=0.0.0.0 443=fe80::1%eth0", false, "v4-only outside the link, IPv6 on [fe80::1%eth0] only"},
    {"443=127.0.0.1 443=::/6", false, "v6-only outside loopback, IPv4 on 127.0.0.1 only"},
    {"443=127.0.0.1 443=::/6", true, "v6-only outside loopback, IPv4 on 127.0.0.1 only"},
    {"443=::1 443=fe80::1%eth0 443=0.0.0.0", false, "v4-only outside the link, IPv6 on [fe80::1%eth0] only"},
    /* What the host has. */
    {"443=:: ipv6:loopback", false, "v4-only outside loopback (this host has no IPv6 address beyond ::1)"},
    {"443=:: ipv6:link", false, "v4-only outside the link (this host has no IPv6 address beyond fe80::/10)"},
    {"443=:: ipv6:none", false, "v4-only (this host has no IPv6 address)"},
    {"443=:: ipv4:loopback", false, "v6-only outside loopback (this host has no IPv4 address beyond 127.0.0.0/8)"},
    {"443=:: ipv4:link", false, "v6-only outside the link (this host has no IPv4 address beyond 169.254.0.0/16)"},
    {"443=:: ipv6:loopback", true, "dual-stack"},
    {"443=0.0.0.0 ipv6:none", false, "v4-only"},
    {"443=127.0.0.1 443=::/6 ipv6:loopback", false, "dual-stack"},
    {"443=::/6 ipv6:none", false, "listens, but nothing reaches it"},
    /* What the host has no more. */
    {"443=192.0.2.1 443=2001:db8::99^", false, "v4-only (2001:db8::99 is not an address of this host now)"},
    {"443=192.0.2.1^", false, "listens, but nothing reaches it"},
    {"443=0.0.0.0%#4 443=::/6", false, "v6-only (interface #4 is gone)"},
};

START_TEST(describes_the_stack)
{
    struct trial *trial = trial_begin("443 any", stacks[_i].host);
    const struct wording_context context = {.tally = trial->tally};

    trial->policy->rules[0]->as_bound = stacks[_i].as_bound;
    trial_judge(trial);
    wording_add_stack(&text, &trial->verdict->services[0], &context);
    text_must_be(stacks[_i].expected);
    trial_end(trial);
}
END_TEST

/* What has a sentence of its own is not said again; what one socket lacks is. */
START_TEST(says_once_what_the_host_lacks)
{
    static const char *const hosts[][2] = {
        {"443=:: ipv6:link", "v4-only outside the link"},
        {"443=192.0.2.1 443=2001:db8::99^", "v4-only (2001:db8::99 is not an address of this host now)"},
    };

    for (int i = 0; i < UNIT_COUNT(hosts); i++) {
        struct trial *trial = trial_of("443 any", hosts[i][0]);
        const struct wording_context context = {.tally = trial->tally, .host_has_sentence = {true, true}};
        text_begin();
        wording_add_stack(&text, &trial->verdict->services[0], &context);
        text_must_be(hosts[i][1]);
        trial_end(trial);
    }
}
END_TEST

static const struct {
    struct stack_accepts accepts;
    const char *expected;
} accepted[] = {
    {{.ipv4 = RECORD_NO, .ipv6 = RECORD_NO}, "nothing"},
    {{.ipv4 = RECORD_NO, .ipv6 = RECORD_YES}, "IPv6"},
    {{.ipv4 = RECORD_NO, .ipv6 = RECORD_UNKNOWN}, "perhaps IPv6"},
    {{.ipv4 = RECORD_YES, .ipv6 = RECORD_NO}, "IPv4"},
    {{.ipv4 = RECORD_YES, .ipv6 = RECORD_YES}, "IPv4+IPv6"},
    {{.ipv4 = RECORD_YES, .ipv6 = RECORD_UNKNOWN}, "IPv4, and IPv6 unknown"},
    {{.ipv4 = RECORD_UNKNOWN, .ipv6 = RECORD_NO}, "IPv4 unknown"},
    {{.ipv4 = RECORD_UNKNOWN, .ipv6 = RECORD_YES}, "IPv6, and IPv4 unknown"},
    {{.ipv4 = RECORD_UNKNOWN, .ipv6 = RECORD_UNKNOWN}, "unknown"},
};

START_TEST(says_what_is_accepted)
{
    ck_assert_str_eq(wording_accepts(accepted[_i].accepts), accepted[_i].expected);
}
END_TEST

/* --- reasons ----------------------------------------------------------------------------------------------------- */

static const struct {
    enum judge_cause cause;
    const char *rule;
    struct sample_listener listeners[LISTENERS]; /* the first is to blame where there is one */
    struct stack stack;
    const char *expected;
} reasons[] = {
    {JUDGE_NOTHING_LISTENS, "443 any", {{.address = NULL}}, {.kind = STACK_CLOSED}, "nothing listens"},
    {JUDGE_NO_IPV4,
     "443 v4",
     {{.address = "::", .v6only = RECORD_V6ONLY_YES}},
     {.kind = STACK_V6_ONLY},
     "nothing accepts IPv4"},
    {JUDGE_NO_IPV4, "443 v4", {{.address = "::"}}, {.kind = STACK_UNKNOWN}, "perhaps nothing accepts IPv4"},
    {JUDGE_NO_IPV4,
     "443 v4",
     {{.address = "127.0.0.1", .unit = "nginx.service"}, {.address = "::", .v6only = RECORD_V6ONLY_YES}},
     {.kind = STACK_V6_ONLY, .lopsided = true, .extent = {REACH_LOOPBACK, REACH_EXTERNAL}},
     "only 127.0.0.1:443 accepts IPv4"},
    {JUDGE_NO_IPV6, "443 v6", {{.address = "0.0.0.0"}}, {.kind = STACK_V4_ONLY}, "nothing accepts IPv6"},
    {JUDGE_NO_IPV6,
     "443 v6",
     {{.address = "0.0.0.0"}, {.address = "::1"}},
     {.kind = STACK_V4_ONLY, .lopsided = true, .extent = {REACH_EXTERNAL, REACH_LOOPBACK}},
     "only [::1]:443 accepts IPv6"},
    {JUDGE_TAKES_IPV4,
     "443 v6-only",
     {{.address = "0.0.0.0", .unit = "nginx.service"}},
     {.kind = STACK_V4_ONLY},
     "0.0.0.0:443 (nginx.service) accepts IPv4"},
    {JUDGE_TAKES_IPV4,
     "443 v6-only",
     {{.address = "::", .unit = "nginx.service"}},
     {.kind = STACK_DUAL},
     "[::]:443 (nginx.service) has IPV6_V6ONLY off and accepts IPv4 too"},
    {JUDGE_TAKES_IPV4,
     "443 v6-only",
     {{.address = "::ffff:192.0.2.1"}},
     {.kind = STACK_V4_ONLY},
     "[::ffff:192.0.2.1]:443 accepts IPv4"},
    {JUDGE_TAKES_IPV6,
     "443 v4-only",
     {{.address = "::", .unit = "nginx.service"}},
     {.kind = STACK_DUAL},
     "[::]:443 (nginx.service) accepts IPv6"},
    {JUDGE_LISTENS,
     "23 closed",
     {{.address = "0.0.0.0", .unit_state = TALLY_UNIT_GONE, .user = "root"}},
     {.kind = STACK_V4_ONLY},
     "0.0.0.0:23 (user root, its unit is gone) listens"},
    {JUDGE_FORM,
     "443 dual-stack form=split",
     {{.address = "::"}},
     {.kind = STACK_DUAL, .form = STACK_SINGLE},
     "listens on one socket for both families (single), must be one socket per family (split)"},
    {JUDGE_FORM,
     "443 dual-stack form=single",
     {{.address = "::"}},
     {.kind = STACK_DUAL, .form = STACK_MIXED},
     "listens on sockets of both kinds (mixed), must be one socket for both families (single)"},
    {JUDGE_FORM,
     "443 dual-stack form=single",
     {{.address = "0.0.0.0"}, {.address = "::", .v6only = RECORD_V6ONLY_UNKNOWN}},
     {.kind = STACK_DUAL},
     "listens on sockets of another form, must be one socket for both families (single)"},
    {JUDGE_BIND,
     "443 any bind=loopback,10.0.0.0/8",
     {{.address = "0.0.0.0", .unit = "nginx.service"}},
     {.kind = STACK_V4_ONLY},
     "0.0.0.0:443 (nginx.service) is outside bind=loopback,10.0.0.0/8"},
    {JUDGE_BIND,
     "443 any bind=loopback,::/0",
     {{.address = "::", .v6only = RECORD_V6ONLY_NO, .unit = "nginx.service"}},
     {.kind = STACK_DUAL},
     "[::]:443 (nginx.service) accepts IPv4 too, which bind=loopback,::/0 does not allow"},
    {JUDGE_BIND,
     "443 any bind=0.0.0.0/0",
     {{.address = "::", .v6only = RECORD_V6ONLY_NO}},
     {.kind = STACK_DUAL},
     "[::]:443 is outside bind=0.0.0.0/0"},
    {JUDGE_REACH,
     "443 any reach=loopback",
     {{.address = "::", .v6only = RECORD_V6ONLY_NO, .unit = "nginx.service"}},
     {.kind = STACK_DUAL},
     "[::]:443 (nginx.service) can be reached over IPv4 and IPv6 from other networks, beyond reach=loopback"},
    {JUDGE_REACH,
     "443 any reach=loopback",
     {{.address = "fe80::1"}},
     {.kind = STACK_V6_ONLY},
     "[fe80::1]:443 can be reached over IPv6 from its link, beyond reach=loopback"},
    {JUDGE_REACH,
     "443 any reach=none",
     {{.address = "127.0.0.1"}},
     {.kind = STACK_V4_ONLY},
     "127.0.0.1:443 can be reached over IPv4 from this host, beyond reach=none"},
    {JUDGE_REACH_UNKNOWN,
     "443 any reach=loopback",
     {{.address = "0.0.0.0"}},
     {.kind = STACK_V4_ONLY},
     "how far 0.0.0.0:443 can be reached cannot be determined: not all addresses of this host are known here"},
    {JUDGE_UNIT,
     "443 any unit=nginx.service",
     {{.address = "0.0.0.0", .unit = "apache2.service"}},
     {.kind = STACK_V4_ONLY},
     "0.0.0.0:443 belongs to apache2.service, must be nginx.service"},
    {JUDGE_UNIT,
     "443 any unit=nginx.service",
     {{.address = "0.0.0.0", .unit = "/docker/1"}},
     {.kind = STACK_V4_ONLY},
     "0.0.0.0:443 belongs to no unit, must be nginx.service"},
    {JUDGE_UNIT,
     "443 any unit=/lxc/*",
     {{.address = "0.0.0.0", .unit = "/docker/1"}},
     {.kind = STACK_V4_ONLY},
     "0.0.0.0:443 belongs to /docker/1, must be /lxc/*"},
    {JUDGE_USER,
     "443 any user=www",
     {{.address = "0.0.0.0", .unit = "apache2.service", .user = "root"}},
     {.kind = STACK_V4_ONLY},
     "0.0.0.0:443 belongs to user root, must be www"},
    {JUDGE_USER,
     "443 any user=www",
     {{.address = "0.0.0.0", .uid = 33}},
     {.kind = STACK_V4_ONLY},
     "0.0.0.0:443 belongs to user 33, must be www"},
    {JUDGE_MAPPED,
     "443 any mapped-critical=2:",
     {{.address = NULL}},
     {.kind = STACK_DUAL},
     "1 v4-mapped connection, must be at least 2"},
    {JUDGE_IPV4,
     "443 any mapped-critical=2:",
     {{.address = NULL}},
     {.kind = STACK_DUAL},
     "1 IPv4 connection, must be at least 2"},
    {JUDGE_MAPPED,
     "80,443 any mapped-critical=2:",
     {{.address = "0.0.0.0"}},
     {.kind = STACK_V4_ONLY},
     "1 v4-mapped connection on all ports of the rule, must be at least 2"},
    {JUDGE_IPV4,
     "443-444 any mapped-critical=2:",
     {{.address = "0.0.0.0"}},
     {.kind = STACK_V4_ONLY},
     "1 IPv4 connection on all ports of the rule, must be at least 2"},
    {JUDGE_BIND_UNKNOWN,
     "443 any bind=%eth0",
     {{.address = "0.0.0.0"}},
     {.kind = STACK_V4_ONLY},
     "whether 0.0.0.0:443 is bound to an interface cannot be determined from /proc/net, only by netlink"},
    {JUDGE_V6ONLY_UNKNOWN,
     "443 v6-only",
     {{.address = "::"}},
     {.kind = STACK_UNKNOWN},
     "whether [::]:443 accepts IPv4 cannot be determined: IPV6_V6ONLY is not visible here, only by netlink"},
    {JUDGE_IPV6_UNKNOWN,
     "443 v6-only",
     {{.address = NULL}},
     {.kind = STACK_UNKNOWN},
     "whether this host has an IPv6 address, and of which scope, cannot be determined"},
    {JUDGE_UNIT_UNKNOWN,
     "443 any unit=nginx.service",
     {{.address = "0.0.0.0", .unit_state = TALLY_UNIT_GONE}},
     {.kind = STACK_V4_ONLY},
     "the unit of 0.0.0.0:443 cannot be determined: its cgroup is gone"},
    {JUDGE_UNIT_UNKNOWN,
     "443 any unit=nginx.service",
     {{.address = "0.0.0.0", .unit_state = TALLY_UNIT_UNMOUNTED}},
     {.kind = STACK_V4_ONLY},
     "the unit of 0.0.0.0:443 cannot be determined: no cgroup2 mount can be read here (mount it, or give the check "
     "access to /sys/fs/cgroup and /proc/self/mountinfo)"},
    {JUDGE_UNIT_UNKNOWN,
     "443 any unit=nginx.service",
     {{.address = "0.0.0.0", .unit_state = TALLY_UNIT_HIDDEN}},
     {.kind = STACK_V4_ONLY},
     "the unit of 0.0.0.0:443 is not visible from here: its cgroup is outside this cgroup namespace or its mount "
     "(run the check on the host, or drop unit=)"},
    {JUDGE_USER_UNKNOWN,
     "443 any user=0",
     {{.address = "0.0.0.0", .uid = RECORD_UID_HIDDEN}},
     {.kind = STACK_V4_ONLY},
     "the user of 0.0.0.0:443 is not visible from here: this user namespace does not map the uid (run the check "
     "outside it, or drop user=)"},
    {JUDGE_UNIT_UNKNOWN,
     "443 any unit=nginx.service",
     {{.address = "0.0.0.0", .unit_state = TALLY_UNIT_UNKNOWN}},
     {.kind = STACK_V4_ONLY},
     "the unit of 0.0.0.0:443 cannot be determined: its cgroup is not visible without netlink, or before Linux 5.9"},
    {JUDGE_CLIENT_UNKNOWN,
     "40000/udp any",
     {{.address = "0.0.0.0"}},
     {.kind = STACK_V4_ONLY},
     "whether 0.0.0.0:40000 is a client's cannot be determined without net.ipv4.ip_local_port_range"},
    {JUDGE_UNREADABLE, "443 any", {{.address = NULL}}, {.kind = STACK_UNKNOWN}, "TCP cannot be read"},
};

START_TEST(explains_each_cause)
{
    struct tally *tally = tally_create();
    const struct wording_context context = {.tally = tally};
    struct sample_service sample;
    struct judge_reason *reason;

    strcpy(tally->unreadable[RECORD_TCP], "TCP cannot be read");
    sample_service_make(&sample, reasons[_i].rule);
    sample.service.stack = reasons[_i].stack;
    for (int i = 0; i < LISTENERS; i++) {
        sample_service_listen(&sample, &reasons[_i].listeners[i]);
    }
    reason = sample_service_blame(&sample, reasons[_i].cause, STATE_CRITICAL, sample.service.listener_count > 0);
    reason->count = 1;
    reason->range = &sample.rule->thresholds[RULE_MAPPED].critical.range;
    wording_add_reason(&text, &sample.service, reason, &context);
    text_must_be(reasons[_i].expected);
    sample_service_clear(&sample);
    tally_free(tally);
}
END_TEST

/* Why a family that a socket takes does not come from far enough, if the stack has not told that already. */
static const struct {
    const char *rule;
    const char *host;
    const char *expected;
} limits[] = {
    {"443 v6", "443=0.0.0.0", "nothing accepts IPv6"},
    {"443 v6", "443=0.0.0.0 ipv6:loopback", "nothing accepts IPv6"},
    {"443 v6", "443=0.0.0.0 ipv6:none", "nothing accepts IPv6, and this host has no IPv6 address"},
    {"443 v4", "443=::/6 ipv4:none", "nothing accepts IPv4, and this host has no IPv4 address"},
    {"443 v6", "443=:: ipv6:none", "nothing reaches it over IPv6"},
    {"443 v6", "443=:: ipv6:loopback", "only this host itself reaches it over IPv6"},
    {"443 v6", "443=:: ipv6:link", "only its link reaches it over IPv6"},
    {"443 v4", "443=:: ipv4:loopback", "only this host itself reaches it over IPv4"},
    {"443 v6", "443=::/6 ipv6:none", "nothing reaches it over IPv6: this host has no IPv6 address"},
    {"443 v4", "443=192.0.2.1^", "nothing reaches it over IPv4: 192.0.2.1 is not an address of this host now"},
    {"443 v6", "443=2001:db8::1%#4", "nothing reaches it over IPv6: interface #4 is gone"},
    {"443 v4", "443=127.0.0.1%eth0",
     "nothing reaches it over IPv4: packets to a loopback address do not arrive on eth0"},
    {"443 v4", "443=224.0.0.1", "nothing reaches it over IPv4: TCP cannot be sent to a group"},
};

START_TEST(explains_what_limits_reach)
{
    struct trial *trial = trial_of(limits[_i].rule, limits[_i].host);
    const struct judge_service *service = &trial->verdict->services[0];
    const struct wording_context context = {.tally = trial->tally};

    ck_assert_uint_eq(service->reason_count, 1);
    wording_add_reason(&text, service, &service->reasons[0], &context);
    text_must_be(limits[_i].expected);
    trial_end(trial);
}
END_TEST

START_TEST(explains_every_cause)
{
    for (int cause = 0; cause <= JUDGE_UNREADABLE; cause++) {
        bool found = false;
        for (int i = 0; i < UNIT_COUNT(reasons); i++) {
            found |= (int)reasons[i].cause == cause;
        }
        ck_assert_msg(found, "no row for the cause %d", cause);
    }
}
END_TEST

/* Only a capture holds names of such length: the sentence keeps its end. */
START_TEST(keeps_the_end_behind_a_long_name)
{
    char *unit = malloc(1025);
    const struct sample_listener listener = {.address = "::", .unit = unit};
    struct sample_service sample;

    memset(unit, 'u', 1024);
    unit[1024] = '\0';
    sample_service_make(&sample, "443 v6-only");
    sample_service_listen(&sample, &listener);
    wording_add_reason(&text, &sample.service, sample_service_blame(&sample, JUDGE_TAKES_IPV4, STATE_CRITICAL, true),
                       NULL);
    ck_assert(!text.is_cut);
    ck_assert_ptr_nonnull(strstr(bytes, "uuu...) has IPV6_V6ONLY off and accepts IPv4 too"));
    sample_service_clear(&sample);
    free(unit);
}
END_TEST

/* --- rules ------------------------------------------------------------------------------------------------------- */

static const struct {
    enum rule_requirement requirement;
    const char *expected;
} requirements[] = {
    {RULE_V4_ONLY, "be v4-only"}, {RULE_V6_ONLY, "be v6-only"}, {RULE_DUAL_STACK, "be dual-stack"},
    {RULE_V4, "accept IPv4"},     {RULE_V6, "accept IPv6"},     {RULE_ANY, "listen"},
    {RULE_CLOSED, "be closed"},
};

START_TEST(demands_what_the_rule_does)
{
    ck_assert_str_eq(wording_requirement(requirements[_i].requirement), requirements[_i].expected);
}
END_TEST

/* The causes of a service whose stack is what the rule demands. */
static const enum judge_cause beside_the_stack[] = {JUDGE_FORM,  JUDGE_BIND,         JUDGE_UNIT,
                                                    JUDGE_USER,  JUDGE_UNIT_UNKNOWN, JUDGE_MAPPED,
                                                    JUDGE_IPV4,  JUDGE_BIND_UNKNOWN, JUDGE_USER_UNKNOWN,
                                                    JUDGE_REACH, JUDGE_REACH_UNKNOWN};

START_TEST(knows_when_the_requirement_is_kept)
{
    for (int cause = 0; cause <= JUDGE_UNREADABLE; cause++) {
        struct sample_service sample;
        bool expected = false;

        for (int i = 0; i < UNIT_COUNT(beside_the_stack); i++) {
            expected |= (int)beside_the_stack[i] == cause;
        }
        sample_service_make(&sample, "443 v6-only");
        sample.service.stack.kind = STACK_UNKNOWN;
        ck_assert(wording_requirement_is_kept(&sample.service));
        sample_service_blame(&sample, JUDGE_USER, STATE_CRITICAL, false);
        sample_service_blame(&sample, (enum judge_cause)cause, STATE_CRITICAL, false);
        ck_assert_int_eq(wording_requirement_is_kept(&sample.service), expected);
        sample_service_clear(&sample);
    }
}
END_TEST

/* --- findings ---------------------------------------------------------------------------------------------------- */

/* Two reasons, of which the worse one, or else the first, makes the sentence. */
static const struct {
    const char *rule;
    struct sample_listener listener;
    enum stack_kind stack;
    enum judge_cause causes[2];
    enum state states[2];
    const char *expected;
} findings[] = {
    {"443 any name=web",
     {.address = NULL},
     STACK_CLOSED,
     {JUDGE_NOTHING_LISTENS, JUDGE_UNREADABLE},
     {STATE_CRITICAL, STATE_UNKNOWN},
     "web 443/tcp: nothing listens, must listen"},
    {"443 dual-stack",
     {.address = "::"},
     STACK_V6_ONLY,
     {JUDGE_UNIT_UNKNOWN, JUDGE_NO_IPV4},
     {STATE_UNKNOWN, STATE_WARNING},
     "443/tcp is v6-only, must be dual-stack"},
    {"443 v6",
     {.address = "0.0.0.0"},
     STACK_V4_ONLY,
     {JUDGE_NO_IPV6, JUDGE_USER},
     {STATE_WARNING, STATE_WARNING},
     "443/tcp is v4-only, must accept IPv6"},
    {"443 v6-only",
     {.address = "::"},
     STACK_DUAL,
     {JUDGE_TAKES_IPV4, JUDGE_USER},
     {STATE_CRITICAL, STATE_WARNING},
     "443/tcp is dual-stack, must be v6-only"},
    {"443 v4-only",
     {.address = "::"},
     STACK_DUAL,
     {JUDGE_TAKES_IPV6, JUDGE_USER},
     {STATE_CRITICAL, STATE_CRITICAL},
     "443/tcp is dual-stack, must be v4-only"},
    {"23 closed name=telnet",
     {.address = "0.0.0.0"},
     STACK_V4_ONLY,
     {JUDGE_LISTENS, JUDGE_USER},
     {STATE_CRITICAL, STATE_CRITICAL},
     "telnet 23/tcp is v4-only, must be closed"},
    {"443 any user=www",
     {.address = "0.0.0.0", .user = "root"},
     STACK_V4_ONLY,
     {JUDGE_NOTHING_LISTENS, JUDGE_USER},
     {STATE_WARNING, STATE_CRITICAL},
     "443/tcp: 0.0.0.0:443 belongs to user root, must be www"},
    {"443 any",
     {.address = NULL},
     STACK_UNKNOWN,
     {JUDGE_UNREADABLE, JUDGE_IPV6_UNKNOWN},
     {STATE_UNKNOWN, STATE_UNKNOWN},
     "443/tcp cannot be judged"},
};

/* A service that nothing reaches has a verb of its own. */
START_TEST(says_that_nothing_reaches_it)
{
    struct trial *trial = trial_of("443 dual-stack name=web", "443=::/6 ipv6:none");
    const struct wording_context context = {.tally = trial->tally};

    wording_add_finding(&text, &trial->verdict->services[0], &context);
    text_must_be("web 443/tcp listens, but nothing reaches it, must be dual-stack");
    trial_end(trial);
}
END_TEST

START_TEST(puts_the_worst_reason_into_a_sentence)
{
    struct tally *tally = tally_create();
    const struct wording_context context = {.tally = tally};
    struct sample_service sample;

    sample_service_make(&sample, findings[_i].rule);
    sample.service.stack.kind = findings[_i].stack;
    sample_service_listen(&sample, &findings[_i].listener);
    for (int i = 0; i < 2; i++) {
        sample_service_blame(&sample, findings[_i].causes[i], findings[_i].states[i],
                             sample.service.listener_count > 0);
    }
    wording_add_finding(&text, &sample.service, &context);
    text_must_be(findings[_i].expected);
    sample_service_clear(&sample);
    tally_free(tally);
}
END_TEST

/* --- the summary ------------------------------------------------------------------------------------------------- */

#define KINDS 8

static const struct {
    size_t rules;
    enum stack_kind kinds[KINDS]; /* of the services */
    size_t services;
    struct judge_total total;
    bool crosses; /* the threshold 10 on the total */
    const char *expected;
} summaries[] = {
    /* Without a policy. */
    {0, {STACK_CLOSED}, 0, {.mapped = 0}, false, "0 services listen, 0 v4-mapped connections, no policy to judge by"},
    {0,
     {STACK_DUAL},
     1,
     {.mapped = 1},
     false,
     "1 service listens (1 dual-stack), 1 v4-mapped connection, no policy to judge by"},
    {0,
     {STACK_CLOSED, STACK_UNKNOWN, STACK_V6_ONLY, STACK_V4_ONLY, STACK_V4_ONLY, STACK_DUAL},
     6,
     {.mapped = 12},
     false,
     "6 services listen (1 dual-stack, 2 v4-only, 1 v6-only, 1 unknown, 1 unreachable), 12 v4-mapped connections, no "
     "policy "
     "to judge by"},
    {0,
     {STACK_DUAL},
     1,
     {.mapped = 12},
     true,
     "12 v4-mapped connections, must be at most 10. 1 service listens (1 dual-stack), no policy to judge by"},
    /* With one. */
    {1, {STACK_DUAL}, 1, {.judged = 1, .mapped = 12}, false, "1 service on policy, 12 v4-mapped connections"},
    {1, {STACK_DUAL}, 1, {.judged = 1, .waived = 1}, false, "1 service on policy (1 waived), 0 v4-mapped connections"},
    {2,
     {STACK_DUAL},
     1,
     {.judged = 6, .mapped = 11},
     true,
     "11 v4-mapped connections, must be at most 10. 6 services on policy"},
    {2,
     {STACK_DUAL},
     1,
     {.judged = 6, .violations = 2, .unknown = 1, .mapped = 3},
     false,
     "2 of 6 services off policy, 1 unknown"},
    {2, {STACK_DUAL}, 1, {.judged = 6, .violations = 2, .waived = 1}, false, "2 of 6 services off policy (1 waived)"},
    {2, {STACK_DUAL}, 1, {.judged = 6, .unknown = 6, .waived = 0}, false, "6 of 6 services cannot be judged"},
    {2, {STACK_DUAL}, 1, {.judged = 1, .unknown = 1, .waived = 1}, false, "1 of 1 service cannot be judged (1 waived)"},
    {2,
     {STACK_DUAL},
     1,
     {.judged = 6, .violations = 1, .mapped = 11},
     true,
     "11 v4-mapped connections, must be at most 10. 1 of 6 services off policy"},
};

START_TEST(sums_everything_up)
{
    static const struct range at_most_10 = {0, 10, false};
    const struct policy policy = {.rule_count = summaries[_i].rules};
    struct judge_service judged[KINDS] = {{.port = 0}};
    const struct judge_verdict verdict = {
        .services = judged,
        .service_count = summaries[_i].services,
        .total = summaries[_i].total,
        .mapped_range = summaries[_i].crosses ? &at_most_10 : NULL,
    };

    for (int i = 0; i < KINDS; i++) {
        judged[i].stack.kind = summaries[_i].kinds[i];
    }
    wording_add_summary(&text, &verdict, &policy);
    text_must_be(summaries[_i].expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wording");
    TCase *tcase = tcase_create("wording");

    tcase_add_checked_fixture(tcase, text_begin, NULL);
    tcase_add_loop_test(tcase, names_the_service, 0, UNIT_COUNT(services));
    tcase_add_loop_test(tcase, names_the_listener_and_its_owner, 0, UNIT_COUNT(listeners));
    tcase_add_loop_test(tcase, describes_the_stack, 0, UNIT_COUNT(stacks));
    tcase_add_test(tcase, says_once_what_the_host_lacks);
    tcase_add_loop_test(tcase, says_what_is_accepted, 0, UNIT_COUNT(accepted));
    tcase_add_loop_test(tcase, explains_each_cause, 0, UNIT_COUNT(reasons));
    tcase_add_loop_test(tcase, explains_what_limits_reach, 0, UNIT_COUNT(limits));
    tcase_add_test(tcase, explains_every_cause);
    tcase_add_test(tcase, keeps_the_end_behind_a_long_name);
    tcase_add_loop_test(tcase, demands_what_the_rule_does, 0, UNIT_COUNT(requirements));
    tcase_add_test(tcase, knows_when_the_requirement_is_kept);
    tcase_add_loop_test(tcase, puts_the_worst_reason_into_a_sentence, 0, UNIT_COUNT(findings));
    tcase_add_test(tcase, says_that_nothing_reaches_it);
    tcase_add_loop_test(tcase, sums_everything_up, 0, UNIT_COUNT(summaries));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
