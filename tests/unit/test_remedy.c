/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/remedy.c: a row for each cause and each kind of evidence. What daemons are told is for test_daemons.c.
 */
#include "config.h"

#include "render/remedy.h"

#include "sample.h"
#include "trial.h"
#include "unit.h"

#include <string.h>

/* What the host is like, apart from having IPv6. */
enum host {
    PLAIN,
    BINDV6ONLY,   /* net.ipv6.bindv6only=1 */
    NO_IPV6,      /* without an IPv6 address */
    DISABLED_IPV6 /* for net.ipv6.conf.all.disable_ipv6=1 */
};

static const struct sock_host hosts[] = {
    [PLAIN] = {.ipv6 = RECORD_YES},
    [BINDV6ONLY] = {.ipv6 = RECORD_YES, .bindv6only = RECORD_YES},
    [NO_IPV6] = {.ipv6 = RECORD_NO},
    [DISABLED_IPV6] = {.ipv6 = RECORD_NO, .disable_ipv6 = RECORD_YES},
};

#define V6ONLY .v6only = RECORD_V6ONLY_YES
#define DUAL .v6only = RECORD_V6ONLY_NO
#define SYSTEMD_ON                                                                                                     \
    " (systemd socket: BindIPv6Only=ipv6-only, for programs that do not set it themselves sysctl "                     \
    "net.ipv6.bindv6only=1)"

static const struct {
    enum judge_cause cause;
    const char *rule;
    struct sample_listener listener;
    enum host host;
    const char *expected;
} remedies[] = {
    /* Nothing listens. */
    {JUDGE_NOTHING_LISTENS,
     "443 any",
     {.address = NULL},
     PLAIN,
     "start the service, or say missing=ok where it may be absent"},
    {JUDGE_NOTHING_LISTENS, "443 any unit=nginx.service", {.address = NULL}, PLAIN, "start nginx.service"},
    {JUDGE_NOTHING_LISTENS,
     "443 any unit=nginx*",
     {.address = NULL},
     PLAIN,
     "start the service, or say missing=ok where it may be absent"},
    /* A family is missing: by the socket's own option, systemd's setting and the sysctl, or by another socket. */
    {JUDGE_NO_IPV4,
     "443 dual-stack",
     {.address = "::", V6ONLY},
     PLAIN,
     "turn IPV6_V6ONLY off on [::]:443 (systemd socket: BindIPv6Only=both) or listen on 0.0.0.0:443 too"},
    {JUDGE_NO_IPV4,
     "443 dual-stack",
     {.address = "::", V6ONLY},
     BINDV6ONLY,
     "turn IPV6_V6ONLY off on [::]:443 (systemd socket: BindIPv6Only=both, for programs that do not set it themselves "
     "sysctl net.ipv6.bindv6only=0) or listen on 0.0.0.0:443 too"},
    {JUDGE_NO_IPV4, "443 v4", {.address = "2001:db8::1"}, PLAIN, "listen on 0.0.0.0:443 too"},
    {JUDGE_NO_IPV4, "443 v4", {.address = "::1"}, PLAIN, "listen on 127.0.0.1:443 too"},
    {JUDGE_NO_IPV4, "443 v4 bind=0.0.0.0/0", {.address = "::1"}, PLAIN, "listen on 0.0.0.0:443 too"},
    {JUDGE_NO_IPV4, "443 v4 bind=loopback", {.address = "::", V6ONLY}, PLAIN, "listen on 127.0.0.1:443 too"},
    {JUDGE_NO_IPV6, "443 dual-stack", {.address = "0.0.0.0"}, PLAIN, "listen on [::]:443 too"},
    {JUDGE_NO_IPV6, "443 v6", {.address = "192.0.2.1"}, PLAIN, "listen on [::]:443 too"},
    {JUDGE_NO_IPV6, "443 v6", {.address = "127.0.0.1"}, PLAIN, "listen on [::1]:443 too"},
    {JUDGE_NO_IPV6, "443 v6", {.address = "0.0.0.0"}, NO_IPV6, "give this host an IPv6 address and listen on it too"},
    {JUDGE_NO_IPV6,
     "443 v6",
     {.address = "0.0.0.0"},
     DISABLED_IPV6,
     "give this host an IPv6 address (IPv6 is off by sysctl net.ipv6.conf.all.disable_ipv6=1) and listen on it too"},
    /* A family is too many. */
    {JUDGE_TAKES_IPV4, "443 v6-only", {.address = "::", DUAL}, PLAIN, "set IPV6_V6ONLY on [::]:443" SYSTEMD_ON},
    {JUDGE_TAKES_IPV4,
     "443 v6-only",
     {.address = "::%eth0", DUAL},
     PLAIN,
     "set IPV6_V6ONLY on [::%eth0]:443" SYSTEMD_ON},
    {JUDGE_TAKES_IPV4, "443 v6-only", {.address = "0.0.0.0"}, PLAIN, "do not listen on 0.0.0.0:443"},
    {JUDGE_TAKES_IPV4,
     "443 v6-only",
     {.address = "::ffff:192.0.2.1", DUAL},
     PLAIN,
     "do not listen on [::ffff:192.0.2.1]:443"},
    {JUDGE_TAKES_IPV6, "443 v4-only", {.address = "::", DUAL}, PLAIN, "listen on 0.0.0.0:443 in place of [::]:443"},
    {JUDGE_TAKES_IPV6,
     "443 v4-only bind=loopback",
     {.address = "::", DUAL},
     PLAIN,
     "listen on 127.0.0.1:443 in place of [::]:443"},
    {JUDGE_TAKES_IPV6, "443 v4-only", {.address = "::", V6ONLY}, PLAIN, "do not listen on [::]:443"},
    {JUDGE_TAKES_IPV6, "443 v4-only", {.address = "2001:db8::1"}, PLAIN, "do not listen on [2001:db8::1]:443"},
    /* Somebody listens where nobody may. */
    {JUDGE_LISTENS, "23 closed", {.address = "0.0.0.0", .unit = "telnet.socket"}, PLAIN, "stop it: telnet.socket"},
    {JUDGE_LISTENS, "default closed", {.address = "0.0.0.0", .unit = "a.service"}, PLAIN, "stop it: a.service"},
    {JUDGE_LISTENS, "53/udp closed", {.address = "0.0.0.0", .unit = "a.service"}, PLAIN, "stop it: a.service"},
    {JUDGE_LISTENS,
     "20000-20009/udp closed",
     {.address = "0.0.0.0", .unit = "a.service"},
     PLAIN,
     "stop it: a.service. If it is a client's socket, add except-unit=a.service to the rule"},
    {JUDGE_LISTENS, "20000-20009/udp closed", {.address = "0.0.0.0", .unit = "/"}, PLAIN, "stop it: user 0"},
    {JUDGE_LISTENS,
     "23 closed",
     {.address = "0.0.0.0", .unit_state = TALLY_UNIT_GONE, .user = "root"},
     PLAIN,
     "stop it: user root, its unit is gone"},
    /* The other form. */
    {JUDGE_FORM,
     "443 dual-stack form=split",
     {.address = "::", DUAL},
     PLAIN,
     "set IPV6_V6ONLY on [::]:443 and listen on 0.0.0.0:443 too"},
    {JUDGE_FORM,
     "443 dual-stack form=single",
     {.address = "::", V6ONLY},
     PLAIN,
     "listen on [::]:443 alone, with IPV6_V6ONLY off"},
    {JUDGE_FORM,
     "443 dual-stack form=single",
     {.address = "::1"},
     PLAIN,
     "say form=split, no address of loopback takes both families"},
    /* The rest of what a rule can demand. */
    {JUDGE_BIND,
     "443 any bind=10.0.0.0/8,loopback",
     {.address = "0.0.0.0"},
     PLAIN,
     "bind it to an address inside 10.0.0.0/8,loopback"},
    {JUDGE_REACH,
     "443 any reach=loopback",
     {.address = "::", DUAL},
     PLAIN,
     "bind it to loopback, or allow it in the policy with a wider reach="},
    {JUDGE_REACH,
     "443 any reach=link",
     {.address = "::", DUAL},
     PLAIN,
     "bind it to a link-local address, or allow it in the policy with a wider reach="},
    {JUDGE_REACH,
     "443 any reach=none",
     {.address = "::", DUAL, .unit = "nginx.service"},
     PLAIN,
     "stop nginx.service, or allow it in the policy with a wider reach="},
    {JUDGE_REACH,
     "443 any reach=none",
     {.address = "::", DUAL, .unit = "/", .user = "root"},
     PLAIN,
     "stop the program of user root, or allow it in the policy with a wider reach="},
    {JUDGE_REACH_UNKNOWN,
     "443 any reach=loopback",
     {.address = "0.0.0.0"},
     PLAIN,
     "let the check ask the kernel by netlink, on the host itself"},
    {JUDGE_NO_IPV6, "443 dual-stack reach=loopback", {.address = "0.0.0.0"}, PLAIN, "listen on [::1]:443 too"},
    {JUDGE_MAPPED,
     "443 any mapped-critical=1:",
     {.address = "::", DUAL},
     PLAIN,
     "--list shows these clients, they come over IPv4"},
    {JUDGE_BIND,
     "443 any bind=%eth0",
     {.address = "0.0.0.0"},
     PLAIN,
     "bind it to an address or interface inside %eth0"},
    {JUDGE_IPV4,
     "443 any ipv4-critical=0",
     {.address = "0.0.0.0"},
     PLAIN,
     "--list shows these clients, they come over IPv4"},
    {JUDGE_UNIT, "443 any unit=nginx.service", {.address = "0.0.0.0", .unit = "apache2.service"}, PLAIN, ""},
    {JUDGE_USER, "443 any user=www", {.address = "0.0.0.0"}, PLAIN, ""},
    /* What is not known. */
    {JUDGE_V6ONLY_UNKNOWN,
     "443 v6-only",
     {.address = "::"},
     PLAIN,
     "let the check ask the kernel by netlink, on the host itself"},
    {JUDGE_BIND_UNKNOWN,
     "443 any bind=%eth0",
     {.address = "0.0.0.0"},
     PLAIN,
     "let the check ask the kernel by netlink, on the host itself"},
    {JUDGE_IPV6_UNKNOWN, "443 v6-only", {.address = NULL}, PLAIN, ""},
    {JUDGE_UNIT_UNKNOWN, "443 any unit=nginx.service", {.address = "0.0.0.0"}, PLAIN, ""},
    {JUDGE_USER_UNKNOWN, "443 any user=0", {.address = "0.0.0.0"}, PLAIN, ""},
    {JUDGE_CLIENT_UNKNOWN, "40000/udp any", {.address = "0.0.0.0"}, PLAIN, ""},
    {JUDGE_UNREADABLE, "443 any", {.address = NULL}, PLAIN, ""},
    /* With the daemon's own words, as what the rule demands as a whole. */
    {JUDGE_NO_IPV6,
     "443 dual-stack",
     {.address = "0.0.0.0", .unit = "nginx.service"},
     PLAIN,
     "listen on [::]:443 too (in nginx, for dual-stack: listen 0.0.0.0:443 and listen [::]:443)"},
    {JUDGE_NO_IPV6,
     "443 v6",
     {.address = "0.0.0.0", .unit = "nginx.service"},
     NO_IPV6,
     "give this host an IPv6 address and listen on it too"},
    {JUDGE_NO_IPV4,
     "443 v4",
     {.address = "::", V6ONLY, .unit = "ssh.service"},
     PLAIN,
     "turn IPV6_V6ONLY off on [::]:443 (systemd socket: BindIPv6Only=both) or listen on 0.0.0.0:443 too (in sshd, for "
     "dual-stack: AddressFamily any)"},
    {JUDGE_TAKES_IPV4,
     "443 v6-only",
     {.address = "::", DUAL, .unit = "ssh.socket"},
     PLAIN,
     "set IPV6_V6ONLY on [::]:443" SYSTEMD_ON
     " (in systemd, for v6-only: ListenStream=[::]:443 and BindIPv6Only=ipv6-only)"},
    {JUDGE_TAKES_IPV6,
     "443 v4-only",
     {.address = "::", DUAL, .unit = "tomcat10.service"},
     PLAIN,
     "listen on 0.0.0.0:443 in place of [::]:443 (in Tomcat, for v4-only: "
     "JAVA_OPTS=\"-Djava.net.preferIPv4Stack=true\")"},
    {JUDGE_FORM,
     "443 dual-stack form=split",
     {.address = "::", DUAL, .unit = "nginx.service"},
     PLAIN,
     "set IPV6_V6ONLY on [::]:443 and listen on 0.0.0.0:443 too (in nginx, for form=split: listen 0.0.0.0:443 and "
     "listen [::]:443)"},
    {JUDGE_FORM,
     "443 dual-stack form=single",
     {.address = "0.0.0.0", .unit = "squid.service"},
     PLAIN,
     "listen on [::]:443 alone, with IPV6_V6ONLY off (in Squid, for form=single: http_port [::]:443)"},
    {JUDGE_LISTENS, "443 closed", {.address = "0.0.0.0", .unit = "nginx.service"}, PLAIN, "stop it: nginx.service"},
    /* What listens on loopback alone, or should, is not opened to other hosts. */
    {JUDGE_NO_IPV6,
     "443 dual-stack",
     {.address = "127.0.0.1", .unit = "redis-server.service"},
     PLAIN,
     "listen on [::1]:443 too (in Redis, for dual-stack: bind 127.0.0.1 ::1)"},
    {JUDGE_NO_IPV4,
     "443 v4",
     {.address = "::1", .unit = "redis-server.service"},
     PLAIN,
     "listen on 127.0.0.1:443 too (in Redis, for dual-stack: bind 127.0.0.1 ::1)"},
    {JUDGE_TAKES_IPV6,
     "443 v4-only bind=loopback",
     {.address = "::", DUAL, .unit = "redis-server.service"},
     PLAIN,
     "listen on 127.0.0.1:443 in place of [::]:443 (in Redis, for v4-only: bind 127.0.0.1)"},
    {JUDGE_BIND,
     "443 any bind=loopback",
     {.address = "0.0.0.0", .unit = "nginx.service"},
     PLAIN,
     "bind it to an address inside loopback (in nginx: listen ADDRESS:443)"},
    {JUDGE_NO_IPV6,
     "443 dual-stack bind=10.0.0.0/8,2001:db8::/32",
     {.address = "10.0.0.1", .unit = "nginx.service"},
     PLAIN,
     "listen on [::]:443 too (in nginx: listen ADDRESS:443)"},
    /* Without the daemon's words: it has none for that, or they would change what the rule does not know. */
    {JUDGE_TAKES_IPV4,
     "443 v6-only",
     {.address = "::", DUAL, .unit = "apache2.service"},
     PLAIN,
     "set IPV6_V6ONLY on [::]:443" SYSTEMD_ON},
    {JUDGE_FORM,
     "443 dual-stack form=single",
     {.address = "127.0.0.1", .unit = "nginx.service"},
     PLAIN,
     "say form=split, no address of loopback takes both families"},
    {JUDGE_NO_IPV6,
     "443 dual-stack",
     {.address = "127.0.0.1", .unit = "ssh.service"},
     PLAIN,
     "listen on [::1]:443 too"},
    {JUDGE_NO_IPV6,
     "443 dual-stack",
     {.address = "192.0.2.1", .unit = "nginx.service"},
     PLAIN,
     "listen on [::]:443 too"},
    {JUDGE_NO_IPV6,
     "443@external dual-stack",
     {.address = "0.0.0.0", .unit = "nginx.service"},
     PLAIN,
     "listen on [::]:443 too"},
    {JUDGE_TAKES_IPV6,
     "443 v4-only",
     {.address = "::", DUAL, .unit = "node_exporter.service"},
     PLAIN,
     "listen on 0.0.0.0:443 in place of [::]:443"},
};

START_TEST(fits_the_evidence)
{
    struct tally *tally = tally_create();
    struct sample_service sample;
    struct judge_reason *reason;
    char text[REMEDY_SIZE];

    tally->host = hosts[remedies[_i].host];
    sample_service_make(&sample, remedies[_i].rule);
    sample_service_listen(&sample, &remedies[_i].listener);
    reason = sample_service_blame(&sample, remedies[_i].cause, STATE_CRITICAL, sample.service.listener_count > 0);
    ck_assert_str_eq(remedy_format(text, &sample.service, reason, tally), remedies[_i].expected);
    sample_service_clear(&sample);
    tally_free(tally);
}
END_TEST

/* What limits the reach of a listener that takes the family, and the way out: by the words of a host in trial.h. */
static const struct {
    const char *rule;
    const char *host;
    const char *expected;
} limits[] = {
    {"443 dual-stack", "443=:: ipv6:link", "give this host an IPv6 address beyond fe80::/10"},
    {"443 dual-stack", "443=:: ipv6:loopback", "give this host an IPv6 address beyond ::1"},
    {"443 dual-stack", "443=:: ipv6:none", "give this host an IPv6 address"},
    {"443 dual-stack", "443=:: ipv4:loopback", "give this host an IPv4 address beyond 127.0.0.0/8"},
    {"443 dual-stack", "443=0.0.0.0 ipv6:none", "give this host an IPv6 address and listen on it too"},
    {"443 dual-stack", "443=0.0.0.0 ipv6:loopback", "give this host an IPv6 address beyond ::1 and listen on it too"},
    {"443 dual-stack", "443=127.0.0.1 ipv6:none", "give lo the address ::1 and listen on [::1]:443 too"},
    {"443 dual-stack", "443=127.0.0.1 ipv6:link", "listen on [::1]:443 too"},
    {"443 dual-stack", "443=0.0.0.0 443=2001:db8::1^",
     "give this host the address 2001:db8::1, or listen on one that it has"},
    {"443 dual-stack", "443=0.0.0.0 443=::%#7/6",
     "restart it when the interface is there again, or do not bind it to an interface"},
    {"443 dual-stack", "443=0.0.0.0 443=::1", "listen on [::]:443 too"},
};

START_TEST(fits_what_limits_the_reach)
{
    struct trial *trial = trial_of(limits[_i].rule, limits[_i].host);
    const struct judge_service *service = &trial->verdict->services[0];
    char text[REMEDY_SIZE];

    ck_assert_uint_eq(service->reason_count, 1);
    ck_assert_str_eq(remedy_format(text, service, &service->reasons[0], trial->tally), limits[_i].expected);
    trial_end(trial);
}
END_TEST

START_TEST(has_a_row_for_every_cause)
{
    for (int cause = 0; cause <= JUDGE_UNREADABLE; cause++) {
        bool found = false;
        for (int i = 0; i < UNIT_COUNT(remedies); i++) {
            found |= (int)remedies[i].cause == cause;
        }
        ck_assert_msg(found, "no row for the cause %d", cause);
    }
}
END_TEST

/* The two reasons of a service of the other family have one way out. */
START_TEST(has_the_daemons_words_once)
{
    static const struct sample_listener listener = {.address = "0.0.0.0", .unit = "nginx.service"};
    struct tally *tally = tally_create();
    struct sample_service sample;
    const struct judge_reason *first, *second;
    char text[REMEDY_SIZE];

    tally->host = hosts[PLAIN];
    sample_service_make(&sample, "443 v6-only");
    sample_service_listen(&sample, &listener);
    sample_service_blame(&sample, JUDGE_USER, STATE_CRITICAL, true);
    first = sample_service_blame(&sample, JUDGE_NO_IPV6, STATE_CRITICAL, false);
    second = sample_service_blame(&sample, JUDGE_TAKES_IPV4, STATE_CRITICAL, true);
    ck_assert_str_eq(remedy_format(text, &sample.service, first, tally),
                     "listen on [::]:443 too (in nginx, for v6-only: listen [::]:443)");
    ck_assert_str_eq(remedy_format(text, &sample.service, second, tally), "do not listen on 0.0.0.0:443");
    sample_service_clear(&sample);
    tally_free(tally);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remedy");
    TCase *tcase = tcase_create("remedy");

    tcase_add_loop_test(tcase, fits_the_evidence, 0, UNIT_COUNT(remedies));
    tcase_add_loop_test(tcase, fits_what_limits_the_reach, 0, UNIT_COUNT(limits));
    tcase_add_test(tcase, has_a_row_for_every_cause);
    tcase_add_test(tcase, has_the_daemons_words_once);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
