/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/audit/suggest.c: which rules a learned policy gets, and how they are called.
 */
#include "config.h"

#include "audit/suggest.h"
#include "socket/protocol.h"

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A service of this protocol and port listens on these addresses, which blanks set apart. */
struct service {
    enum record_protocol protocol;
    uint16_t port;
    const char *addresses;
    const char *unit; /* NULL for none */
};

#define SERVICES 4

static const struct {
    struct service services[SERVICES]; /* a port of 0 ends them */
    uint16_t client_first, client_last;
    const char *suggested; /* "NAME" of each rule, with "*" where it is the rule's own, "!" of a client port, "?"
                              reserved, ">" of queries, "x" of displays */
} cases[] = {
    {{{0}}, 32768, 60999, ""},
    {{{RECORD_TCP, 80, "0.0.0.0", NULL}}, 32768, 60999, "http"},
    {{{RECORD_TCP, 81, "0.0.0.0", NULL}}, 32768, 60999, "tcp_81*"},
    {{{RECORD_UDP, 81, "0.0.0.0", NULL}}, 32768, 60999, "udp_81*"},
    /* The same name for two protocols, for two ports, and twice. */
    {{{RECORD_TCP, 53, "0.0.0.0", NULL}, {RECORD_UDP, 53, "0.0.0.0", NULL}}, 32768, 60999, "domain domain-udp"},
    {{{RECORD_UDP, 53, "0.0.0.0", NULL}}, 32768, 60999, "domain"},
    {{{RECORD_TCP, 80, "::", NULL}, {RECORD_TCP, 8008, "::", NULL}}, 32768, 60999, "http http_2"},
    /* Of a lopsided service each scope has a rule. */
    {{{RECORD_TCP, 80, "0.0.0.0 ::1", NULL}}, 32768, 60999, "http-external http-loopback"},
    {{{RECORD_TCP, 81, "0.0.0.0 ::1", NULL}}, 32768, 60999, "tcp_81_external* tcp_81_loopback*"},
    {{{RECORD_TCP, 53, "0.0.0.0 ::1", NULL}, {RECORD_UDP, 53, "0.0.0.0 ::1", NULL}},
     32768,
     60999,
     "domain-external domain-loopback domain-udp-external domain-udp-loopback"},
    /* No longer than RRD keeps; what a rule's name cannot hold gives way; what is ours is not taken. */
    {{{RECORD_TCP, 7001, "0.0.0.0", NULL}}, 32768, 60999, "a_very_long-name_of"},
    {{{RECORD_TCP, 7002, "0.0.0.0", NULL}}, 32768, 60999, "per-boot-tcp_2"},
    {{{RECORD_TCP, 7003, "0.0.0.0", NULL}}, 32768, 60999, "rpc-reserved-udp_2"},
    /* Ports that may be others after the next start. */
    {{{RECORD_TCP, 40000, "0.0.0.0", NULL}}, 32768, 60999, "tcp_40000*!"},
    {{{RECORD_UDP, 40000, "0.0.0.0", NULL}}, 32768, 60999, "udp_40000*!"},
    {{{RECORD_TCP, 40000, "0.0.0.0", NULL}}, 50000, 60999, "tcp_40000*"},
    {{{RECORD_TCP, 40000, "0.0.0.0", NULL}}, 1, 0, "tcp_40000*!"},
    {{{RECORD_TCP, 8008, "0.0.0.0", NULL}}, 1024, 60999, "http"},
    {{{RECORD_TCP, 8009, "0.0.0.0", NULL}}, 1024, 60999, "tcp_8009*!"},
    {{{RECORD_UDP, 836, "0.0.0.0", "rpcbind.service"}}, 32768, 60999, "udp_836*?"},
    {{{RECORD_UDP, 836, "0.0.0.0", "nginx.service"}}, 32768, 60999, "udp_836*"},
    {{{RECORD_UDP, 836, "0.0.0.0", "rpcbind.service"}}, 512, 60999, "udp_836*!"},
    /* Sockets of a name server, of which it has many for a moment. */
    {{{RECORD_UDP, 53, "::", "a.service"}, {RECORD_UDP, 20001, "::", "a.service"}}, 32768, 60999, "domain udp_20001*>"},
    {{{RECORD_UDP, 53, "::", "a.service"}, {RECORD_UDP, 20001, "::", "b.service"}}, 32768, 60999, "domain udp_20001*"},
    {{{RECORD_UDP, 53, "::", "a.service"}, {RECORD_TCP, 20001, "::", "a.service"}}, 32768, 60999, "tcp_20001* domain"},
    {{{RECORD_UDP, 53, "::", "a.service"}, {RECORD_UDP, 1023, "::", "a.service"}}, 32768, 60999, "domain udp_1023*"},
    {{{RECORD_UDP, 53, "::", "a.service"}, {RECORD_UDP, 8008, "::", "a.service"}}, 32768, 60999, "domain http"},
    {{{RECORD_UDP, 53, "::", "a.service"}, {RECORD_UDP, 40000, "::", "a.service"}}, 32768, 60999, "domain udp_40000*!"},
    /* Displays of ssh -X: on loopback, of a login or of sshd itself, and never in a range that the kernel has too. */
    {{{RECORD_TCP, 6010, "127.0.0.1 ::1", "session-3.scope"}}, 32768, 60999, "tcp_6010*x"},
    {{{RECORD_TCP, 6099, "::1", "sshd@3-192.0.2.1:22-198.51.100.7:50000.service"}}, 32768, 60999, "tcp_6099*x"},
    {{{RECORD_TCP, 6011, "127.0.0.1", "ssh.service"}}, 32768, 60999, "tcp_6011*x"},
    {{{RECORD_TCP, 6011, "127.0.0.1", "sshd.service"}}, 1024, 60999, "tcp_6011*!"},
    {{{RECORD_TCP, 6009, "127.0.0.1", "ssh.service"}, {RECORD_TCP, 6100, "127.0.0.1", "ssh.service"}},
     32768,
     60999,
     "tcp_6009* tcp_6100*"},
    {{{RECORD_TCP, 6010, "0.0.0.0", "session-3.scope"}, {RECORD_TCP, 6011, "127.0.0.1", "a.service"}},
     32768,
     60999,
     "tcp_6010* tcp_6011*"},
    {{{RECORD_UDP, 6010, "127.0.0.1", "session-3.scope"}, {RECORD_TCP, 6010, "127.0.0.1", NULL}},
     32768,
     60999,
     "tcp_6010* udp_6010*"},
    {{{RECORD_UDP, 53, "::", "a b.scope"}, {RECORD_UDP, 20001, "::", "a b.scope"}}, 32768, 60999, "domain udp_20001*"},
};

static const char *service_name(enum record_protocol protocol, uint16_t port, void *context)
{
    static const struct {
        uint16_t port;
        const char *name;
    } names[] = {
        {53, "domain"},         {80, "http"},
        {8008, "http"},         {7001, "a.very+long-name/of~a*service"},
        {7002, "per-boot-tcp"}, {7003, "rpc-reserved-udp"},
    };

    (void)protocol;
    (void)context;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].port == port) {
            return names[i].name;
        }
    }
    return NULL;
}

static void service_add(struct tally *tally, const struct service *service)
{
    char copy[64];
    char *rest = NULL;

    snprintf(copy, sizeof copy, "%s", service->addresses);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        bool inet6 = strchr(word, ':') != NULL;
        struct tally_listener listener = {
            .family = inet6 ? RECORD_INET6 : RECORD_INET,
            .v6only = RECORD_V6ONLY_NO,
            .sockets = 1,
            .unit_state = TALLY_UNIT_KNOWN,
            .unit = service->unit != NULL ? service->unit : "/",
        };
        char address[64];
        snprintf(address, sizeof address, "%s%s", inet6 ? "" : "::ffff:", word);
        ck_assert_int_eq(inet_pton(AF_INET6, address, &listener.address), 1);
        listener.scope = scope_of(&listener.address, 0);
        ck_assert_int_eq(tally_listener_add(tally, service->protocol, service->port, &listener), 0);
    }
}

START_TEST(services_get_rules)
{
    static const char marks[] = {[SUGGEST_FIXED] = '\0',
                                 [SUGGEST_CLIENT] = '!',
                                 [SUGGEST_RESERVED] = '?',
                                 [SUGGEST_QUERY] = '>',
                                 [SUGGEST_X11] = 'x'};
    struct tally *tally = tally_create();
    struct suggestions made;
    char text[256] = "";

    tally->host = (struct sock_host){.ipv6 = RECORD_YES,
                                     .port_range_first = cases[_i].client_first,
                                     .port_range_last = cases[_i].client_last};
    for (int i = 0; i < SERVICES && cases[_i].services[i].port != 0; i++) {
        service_add(tally, &cases[_i].services[i]);
    }
    tally_sort(tally);
    ck_assert_int_eq(suggest_list(&made, tally, service_name, NULL), 0);
    for (size_t i = 0; i < made.count; i++) {
        const struct suggestion *one = &made.list[i];
        size_t length = strlen(text);
        char mark[2] = {marks[one->permanence], '\0'};
        snprintf(text + length, sizeof text - length, "%s%s%s%s", i > 0 ? " " : "", one->name, one->named ? "" : "*",
                 mark);
        ck_assert_uint_le(strlen(one->name), RULE_NAME_MAX);
    }
    ck_assert_str_eq(text, cases[_i].suggested);
    suggest_clear(&made);
    tally_free(tally);
}
END_TEST

/* Whatever protocols there are, the rules for what is not fixed have names of their own that a rule may have. */
START_TEST(permanences_have_names)
{
    char name[RULE_NAME_MAX + 1];
    char other[RULE_NAME_MAX + 1];

    ck_assert_str_eq(suggest_permanence_name(name, SUGGEST_CLIENT, RECORD_TCP), "per-boot-tcp");
    ck_assert_str_eq(suggest_permanence_name(name, SUGGEST_RESERVED, RECORD_UDP), "rpc-reserved-udp");
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        const char *suffix = protocol_name((enum record_protocol)protocol);
        suggest_permanence_name(name, SUGGEST_CLIENT, (enum record_protocol)protocol);
        suggest_permanence_name(other, SUGGEST_RESERVED, (enum record_protocol)protocol);
        ck_assert_str_ne(name, other);
        ck_assert_str_eq(name + strlen(name) - strlen(suffix), suffix);
        ck_assert_str_eq(other + strlen(other) - strlen(suffix), suffix);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("suggest");
    TCase *tcase = tcase_create("suggest");

    tcase_add_loop_test(tcase, services_get_rules, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tcase, permanences_have_names);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
