/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of plugins/remedy.c: what there is to change, and in whose words.
 */
#include "config.h"

#include "render/remedy.h"

#include "unit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static bool port_find(const char *name, enum record_protocol protocol, uint16_t *port)
{
    (void)name;
    (void)protocol;
    (void)port;
    return false;
}

static bool user_find(const char *name, uint32_t *uid)
{
    (void)name;
    *uid = 1;
    return true;
}

static const struct rule_names names = {.port = port_find, .user = user_find};

/* The host is one listener; a family of its own is told by the colon. v6only counts for [::] alone. */
static const struct {
    const char *rule;
    const char *address; /* NULL: nothing listens */
    enum record_v6only v6only;
    const char *unit; /* NULL: not known */
    enum record_answer host_ipv6, bindv6only, disable_ipv6;
    const char *said[3]; /* all of these; an empty first one: nothing is said */
} cases[] = {
    /* The socket's own option, systemd's word and the sysctl. */
    {"443 v6-only",
     "::",
     RECORD_V6ONLY_NO,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"set IPV6_V6ONLY on [::]:443", "BindIPv6Only=ipv6-only", "sysctl net.ipv6.bindv6only=1"}},
    {"443 dual-stack",
     "::",
     RECORD_V6ONLY_YES,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"turn IPV6_V6ONLY off on [::]:443", "BindIPv6Only=both", "listen on 0.0.0.0:443 too"}},
    {"443 dual-stack",
     "::",
     RECORD_V6ONLY_YES,
     NULL,
     RECORD_YES,
     RECORD_YES,
     RECORD_NO,
     {"sysctl net.ipv6.bindv6only=0", NULL, NULL}},
    {"443 dual-stack",
     "0.0.0.0",
     RECORD_V6ONLY_UNKNOWN,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"listen on [::]:443 too", NULL, NULL}},
    {"443 v4-only",
     "::",
     RECORD_V6ONLY_NO,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"listen on 0.0.0.0:443 in place of [::]:443", NULL, NULL}},
    {"443 v4-only bind=0.0.0.0/0",
     "::1",
     RECORD_V6ONLY_YES,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"listen on 0.0.0.0:443 too", NULL, NULL}},
    {"443 v6-only",
     "192.0.2.1",
     RECORD_V6ONLY_UNKNOWN,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"listen on [::]:443 too", NULL, NULL}},
    /* The host itself. */
    {"443 v6",
     "0.0.0.0",
     RECORD_V6ONLY_UNKNOWN,
     "nginx.service",
     RECORD_NO,
     RECORD_NO,
     RECORD_NO,
     {"give this host an IPv6 address", NULL, NULL}},
    {"443 v6",
     "0.0.0.0",
     RECORD_V6ONLY_UNKNOWN,
     NULL,
     RECORD_NO,
     RECORD_NO,
     RECORD_YES,
     {"sysctl net.ipv6.conf.all.disable_ipv6=1", NULL, NULL}},
    /* The rest of what a rule can demand. */
    {"443 any bind=10.0.0.0/8",
     "0.0.0.0",
     RECORD_V6ONLY_UNKNOWN,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"bind it to an address inside 10.0.0.0/8", NULL, NULL}},
    {"443 dual-stack form=split",
     "::",
     RECORD_V6ONLY_NO,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"set IPV6_V6ONLY on [::]:443 and listen on 0.0.0.0:443 too", NULL, NULL}},
    {"443 closed",
     "0.0.0.0",
     RECORD_V6ONLY_UNKNOWN,
     "telnet.socket",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"stop it: telnet.socket", NULL, NULL}},
    {"443 any unit=nginx.service",
     NULL,
     RECORD_V6ONLY_UNKNOWN,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"start nginx.service", NULL, NULL}},
    {"443 any unit=nginx*",
     NULL,
     RECORD_V6ONLY_UNKNOWN,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"missing=ok", NULL, NULL}},
    {"443 any mapped-critical=1:",
     "::",
     RECORD_V6ONLY_NO,
     NULL,
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"--list", NULL, NULL}},
    {"443 v6-only", "::", RECORD_V6ONLY_UNKNOWN, NULL, RECORD_YES, RECORD_NO, RECORD_NO, {"netlink", NULL, NULL}},
    {"443 any user=other", "0.0.0.0", RECORD_V6ONLY_UNKNOWN, NULL, RECORD_YES, RECORD_NO, RECORD_NO, {"", NULL, NULL}},
    /* The daemon's own words, where its unit tells which it is; that they work is for tests/servers to show. */
    {"443 dual-stack",
     "0.0.0.0",
     RECORD_V6ONLY_UNKNOWN,
     "nginx.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"listen on [::]:443 too (in nginx, for dual-stack: listen 0.0.0.0:443 and listen [::]:443)", NULL, NULL}},
    {"443 v6-only",
     "::",
     RECORD_V6ONLY_NO,
     "nginx.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"(in nginx, for v6-only: listen [::]:443)", NULL, NULL}},
    {"443 v4-only",
     "::",
     RECORD_V6ONLY_NO,
     "nginx.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"in place of [::]:443 (in nginx, for v4-only: listen 0.0.0.0:443)", NULL, NULL}},
    {"443 dual-stack form=split",
     "::",
     RECORD_V6ONLY_NO,
     "nginx.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"(in nginx, for form=split: listen 0.0.0.0:443 and listen [::]:443)", NULL, NULL}},
    {"443 dual-stack",
     "0.0.0.0",
     RECORD_V6ONLY_UNKNOWN,
     "apache2.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"(in Apache, for dual-stack: Listen [::]:443)", NULL, NULL}},
    {"443 v4",
     "::",
     RECORD_V6ONLY_YES,
     "ssh.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"(in sshd, for dual-stack: AddressFamily any)", NULL, NULL}},
    {"443 dual-stack",
     "0.0.0.0",
     RECORD_V6ONLY_UNKNOWN,
     "postgresql@15-main.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"(in PostgreSQL, for dual-stack: listen_addresses = '0.0.0.0, ::')", NULL, NULL}},
    {"443 v4-only",
     "::",
     RECORD_V6ONLY_NO,
     "tomcat10.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"(in Tomcat, for v4-only: JAVA_OPTS=\"-Djava.net.preferIPv4Stack=true\")", NULL, NULL}},
    {"443 v6-only",
     "::",
     RECORD_V6ONLY_NO,
     "ssh.socket",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"(in systemd, for v6-only: ListenStream=[::]:443 and BindIPv6Only=ipv6-only)", NULL, NULL}},
    /* What listens on loopback alone, or shall, is not opened to the world. */
    {"443 dual-stack",
     "127.0.0.1",
     RECORD_V6ONLY_UNKNOWN,
     "redis-server.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"listen on [::1]:443 too (in Redis, for dual-stack: bind 127.0.0.1 ::1)", NULL, NULL}},
    {"443 v4",
     "::1",
     RECORD_V6ONLY_YES,
     "redis-server.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"listen on 127.0.0.1:443 too (in Redis, for dual-stack: bind 127.0.0.1 ::1)", NULL, NULL}},
    {"443 v4-only bind=loopback",
     "::",
     RECORD_V6ONLY_NO,
     "redis-server.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"listen on 127.0.0.1:443 in place of [::]:443 (in Redis, for v4-only: bind 127.0.0.1)", NULL, NULL}},
    {"443 any bind=loopback",
     "0.0.0.0",
     RECORD_V6ONLY_UNKNOWN,
     "nginx.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"bind it to an address inside loopback (in nginx: listen ADDRESS:443)", NULL, NULL}},
    {"443 dual-stack bind=10.0.0.0/8,2001:db8::/32",
     "10.0.0.1",
     RECORD_V6ONLY_UNKNOWN,
     "nginx.service",
     RECORD_YES,
     RECORD_NO,
     RECORD_NO,
     {"listen on [::]:443 too (in nginx: listen ADDRESS:443)", NULL, NULL}},
};

/* No daemon's words: it has none for that, or nothing tells for sure which it is. */
static const struct {
    const char *rule;
    const char *address;
    const char *unit;
} silences[] = {
    {"443 v6-only", "::", "apache2.service"},
    {"443 dual-stack form=split", "::", "apache2.service"},
    {"443 dual-stack form=single", "127.0.0.1", "nginx.service"},
    {"443 dual-stack", "127.0.0.1", "ssh.service"},
    {"443 dual-stack", "192.0.2.1", "nginx.service"},
    {"443 dual-stack", "192.0.2.1", "ssh.service"},
    {"443@external dual-stack", "0.0.0.0", "nginx.service"},
    {"443 v4-only", "::", "nginx-prometheus-exporter.service"},
    {"443 v4-only", "::", "node_exporter.service"},
    {"443 v4-only", "::", "sshguard.service"},
};

static struct tally *tally_make(const char *address, enum record_v6only v6only, const char *unit)
{
    struct tally *tally = tally_create();
    struct tally_listener listener = {.sockets = 1, .v6only = v6only};
    char mapped[64];

    tally->host.ipv6 = RECORD_YES;
    if (address == NULL) {
        return tally;
    }
    listener.family = strchr(address, ':') != NULL ? RECORD_INET6 : RECORD_INET;
    strcpy(mapped, listener.family == RECORD_INET ? "::ffff:" : "");
    strcat(mapped, address);
    ck_assert_int_eq(inet_pton(AF_INET6, mapped, &listener.address), 1);
    listener.scope = scope_of(&listener.address, 0);
    listener.unit_state = unit != NULL ? TALLY_UNIT_KNOWN : TALLY_UNIT_UNTOLD;
    listener.unit = unit;
    ck_assert_int_eq(tally_listener_add(tally, RECORD_TCP, 443, &listener), 0);
    tally_sort(tally);
    return tally;
}

/* The remedy of the rule's reason of that number, "" when there is none. Frees the tally. */
static const char *remedy_of(char text[static REMEDY_SIZE], const char *rule, struct tally *tally, size_t reason)
{
    struct policy *policy = policy_create(&names);
    struct judge_question question = {.policy = policy, .tally = tally};
    struct judge_verdict *verdict = NULL;

    ck_assert_int_eq(policy_rule_add(policy, rule, 1), 0);
    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_uint_eq(policy->errors.count, 0);
    ck_assert_int_eq(judge_tally(&question, &verdict), 0);
    ck_assert_uint_ge(verdict->services[0].reason_count, 1);
    *text = '\0';
    if (reason < verdict->services[0].reason_count) {
        remedy_format(text, &verdict->services[0], &verdict->services[0].reasons[reason], tally);
    }
    judge_free(verdict);
    policy_free(policy);
    tally_free(tally);
    return text;
}

START_TEST(remedy_fits_the_evidence)
{
    struct tally *tally = tally_make(cases[_i].address, cases[_i].v6only, cases[_i].unit);
    char text[REMEDY_SIZE];

    tally->host = (struct sock_host){.ipv6 = cases[_i].host_ipv6,
                                     .bindv6only = cases[_i].bindv6only,
                                     .disable_ipv6 = cases[_i].disable_ipv6};
    remedy_of(text, cases[_i].rule, tally, 0);
    if (*cases[_i].said[0] == '\0') {
        ck_assert_str_eq(text, "");
    }
    for (int i = 0; i < 3 && cases[_i].said[i] != NULL; i++) {
        ck_assert_msg(strstr(text, cases[_i].said[i]) != NULL, "\"%s\" lacks \"%s\"", text, cases[_i].said[i]);
    }
}
END_TEST

START_TEST(remedy_guesses_no_daemon)
{
    char text[REMEDY_SIZE];

    remedy_of(text, silences[_i].rule, tally_make(silences[_i].address, RECORD_V6ONLY_NO, silences[_i].unit), 0);
    ck_assert_str_ne(text, "");
    ck_assert_msg(strstr(text, "(in ") == NULL, "\"%s\" names a daemon", text);
}
END_TEST

/* The two reasons of a service that is the other family's have one way out. */
START_TEST(remedy_says_the_words_once)
{
    char text[REMEDY_SIZE];

    ck_assert_str_eq(remedy_of(text, "443 v6-only", tally_make("0.0.0.0", RECORD_V6ONLY_UNKNOWN, "nginx.service"), 0),
                     "listen on [::]:443 too (in nginx, for v6-only: listen [::]:443)");
    ck_assert_str_eq(remedy_of(text, "443 v6-only", tally_make("0.0.0.0", RECORD_V6ONLY_UNKNOWN, "nginx.service"), 1),
                     "do not listen on 0.0.0.0:443");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remedy");
    TCase *tcase = tcase_create("remedy");

    tcase_add_loop_test(tcase, remedy_fits_the_evidence, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_loop_test(tcase, remedy_guesses_no_daemon, 0, (int)(sizeof silences / sizeof *silences));
    tcase_add_test(tcase, remedy_says_the_words_once);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
