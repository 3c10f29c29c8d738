/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/netstat.c: a row for each kind of socket, with what listens beside it.
 */
#include "config.h"

#include "render/netstat.h"

#include "trial.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A socket: "tcp6 LISTEN :: 443", "tcp ESTABLISHED 10.0.0.1 443 10.0.0.2 50000"; the family is that of the word. Behind
 * a "/" of the local address stands what the source tells of v6only: "6" on, "4" off; nothing is told without it.
 */
static struct sock_record record_of(const char *text)
{
    static const char *const states[] = {
        [RECORD_ESTABLISHED] = "ESTABLISHED",
        [RECORD_SYN_SENT] = "SYN_SENT",
        [RECORD_SYN_RECV] = "SYN_RECV",
        [RECORD_FIN_WAIT1] = "FIN_WAIT1",
        [RECORD_FIN_WAIT2] = "FIN_WAIT2",
        [RECORD_TIME_WAIT] = "TIME_WAIT",
        [RECORD_CLOSE] = "CLOSE",
        [RECORD_CLOSE_WAIT] = "CLOSE_WAIT",
        [RECORD_LAST_ACK] = "LAST_ACK",
        [RECORD_LISTEN] = "LISTEN",
        [RECORD_CLOSING] = "CLOSING",
        [RECORD_NEW_SYN_RECV] = "NEW_SYN_RECV",
    };
    struct sock_record record = {.family = RECORD_INET};
    struct in6_addr *addresses[] = {&record.local, &record.remote};
    uint16_t *ports[] = {&record.local_port, &record.remote_port};
    char copy[256];
    char *rest = copy;
    char *word;

    snprintf(copy, sizeof copy, "%s", text);
    word = strsep(&rest, " ");
    record.protocol = strncmp(word, "tcp", 3) == 0 ? RECORD_TCP : RECORD_UDP;
    record.family = word[3] == '6' ? RECORD_INET6 : RECORD_INET;
    record.remote = trial_address(record.family == RECORD_INET ? "0.0.0.0" : "::");
    word = strsep(&rest, " ");
    for (int i = RECORD_ESTABLISHED; i <= RECORD_NEW_SYN_RECV; i++) {
        record.state = strcmp(word, states[i]) == 0 ? (enum record_state)i : record.state;
    }
    ck_assert_msg(record.state != 0, "%s", text);
    for (int i = 0; i < 2 && rest != NULL; i++) {
        char *v6only;
        word = strsep(&rest, " ");
        v6only = strchr(word, '/');
        if (v6only != NULL) {
            *v6only = '\0';
            record.v6only = v6only[1] == '6' ? RECORD_V6ONLY_YES : RECORD_V6ONLY_NO;
        }
        *addresses[i] = trial_address(word);
        *ports[i] = (uint16_t)strtoul(strsep(&rest, " "), NULL, 10);
    }
    return record;
}

#define MAPPED_CLIENT "tcp6 ESTABLISHED ::ffff:10.0.0.1 443 ::ffff:10.0.0.2 50000"
#define NO_IPV6 "nothing reaches it over IPv6"
#define GONE "IPv4 connection of an AF_INET6 socket, outbound or of a listener that is gone"

/* The host as trial_tally() takes it; the socket; then what is on the wire and what surprises. */
static const struct {
    const char *host;
    const char *socket;
    const char *wire;
    const char *sentence;
} sockets[] = {
    /* What listens. */
    {"443=0.0.0.0", "tcp LISTEN 0.0.0.0 443", "IPv4", ""},
    {"443=::", "tcp6 LISTEN ::/4 443", "IPv4+IPv6", "accepts IPv4 too: IPV6_V6ONLY is off"},
    {"443=::/6", "tcp6 LISTEN ::/6 443", "IPv6", "accepts no IPv4: IPV6_V6ONLY is on"},
    {"443=::/?", "tcp6 LISTEN :: 443", "IPv6, and IPv4 unknown",
     "whether it accepts IPv4 too cannot be determined: IPV6_V6ONLY is not visible here"},
    {"443=::ffff:192.0.2.1", "tcp6 LISTEN ::ffff:192.0.2.1/4 443", "IPv4",
     "accepts IPv4 only: it is bound to the IPv4-mapped address ::ffff:192.0.2.1"},
    {"443=::ffff:0.0.0.0", "tcp6 LISTEN ::ffff:0.0.0.0/4 443", "IPv4",
     "accepts IPv4 only: it is bound to the IPv4-mapped address ::ffff:0.0.0.0"},
    {"443=2001:db8::1", "tcp6 LISTEN 2001:db8::1/6 443", "IPv6", ""},
    {"u53=0.0.0.0", "udp CLOSE 0.0.0.0 53", "IPv4", ""},
    {"u53=::", "udp6 CLOSE ::/4 53", "IPv4+IPv6", "accepts IPv4 too: IPV6_V6ONLY is off"},
    /* A client proves nothing of v6only. */
    {"443=::/? 443~::ffff:10.0.0.1", "tcp6 LISTEN :: 443", "IPv6, and IPv4 unknown",
     "whether it accepts IPv4 too cannot be determined: IPV6_V6ONLY is not visible here"},
    /* How far it is reached now. */
    {"443=:: ipv6:loopback", "tcp6 LISTEN ::/4 443", "IPv4+IPv6",
     "accepts IPv4 too: IPV6_V6ONLY is off, and only this host itself reaches it over IPv6"},
    {"443=:: ipv6:link", "tcp6 LISTEN ::/4 443", "IPv4+IPv6",
     "accepts IPv4 too: IPV6_V6ONLY is off, and only its link reaches it over IPv6"},
    {"443=:: noipv6", "tcp6 LISTEN ::/4 443", "IPv4", "accepts IPv4 too: IPV6_V6ONLY is off, and " NO_IPV6},
    {"443=:: ipv4:none", "tcp6 LISTEN ::/4 443", "IPv6",
     "accepts IPv4 too: IPV6_V6ONLY is off, and nothing reaches it over IPv4"},
    {"443=::/6 noipv6", "tcp6 LISTEN ::/6 443", "nothing", "accepts no IPv4: IPV6_V6ONLY is on, and " NO_IPV6},
    {"443=::/? noipv6", "tcp6 LISTEN :: 443", "IPv4 unknown",
     "whether it accepts IPv4 too cannot be determined: IPV6_V6ONLY is not visible here, and " NO_IPV6},
    {"443=::/? ipv4:none", "tcp6 LISTEN :: 443", "IPv6",
     "whether it accepts IPv4 too cannot be determined: IPV6_V6ONLY is not visible here, and nothing reaches it over "
     "IPv4"},
    {"443=::/6 ipv6?", "tcp6 LISTEN ::/6 443", "perhaps IPv6", "accepts no IPv4: IPV6_V6ONLY is on"},
    {"443=::/6 addresses?", "tcp6 LISTEN ::/6 443", "IPv6", "accepts no IPv4: IPV6_V6ONLY is on"},
    {"443=2001:db8::1 noipv6", "tcp6 LISTEN 2001:db8::1/6 443", "nothing",
     "nothing reaches it over IPv6: 2001:db8::1 is not an address of this host now"},
    {"443=192.0.2.1^", "tcp LISTEN 192.0.2.1 443", "nothing",
     "nothing reaches it over IPv4: 192.0.2.1 is not an address of this host now"},
    {"443=::ffff:192.0.2.1^", "tcp6 LISTEN ::ffff:192.0.2.1/4 443", "nothing",
     "accepts IPv4 only: it is bound to the IPv4-mapped address ::ffff:192.0.2.1, and nothing reaches it over IPv4: "
     "::ffff:192.0.2.1 is not an address of this host now"},
    /* It came after all others were seen: the host's addresses are all that is known. */
    {"", "tcp6 LISTEN ::/4 443", "IPv4+IPv6", "accepts IPv4 too: IPV6_V6ONLY is off"},
    {"noipv6", "tcp6 LISTEN ::/4 443", "IPv4", "accepts IPv4 too: IPV6_V6ONLY is off, and " NO_IPV6},
    {"443=0.0.0.0 noipv6", "tcp6 LISTEN ::/6 443", "nothing", "accepts no IPv4: IPV6_V6ONLY is on, and " NO_IPV6},
    {"", "tcp LISTEN 192.0.2.1 443", "IPv4", ""},
    /* Connections. */
    {"443=::", "tcp ESTABLISHED 10.0.0.1 443 10.0.0.2 50000", "IPv4", ""},
    {"443=::", "tcp6 ESTABLISHED 2001:db8::1 443 2001:db8::2 50000", "IPv6", ""},
    {"443=::", MAPPED_CLIENT, "IPv4 (mapped)",
     "IPv4 client of the AF_INET6 listener [::]:443, which has IPV6_V6ONLY off"},
    {"443=::/?", MAPPED_CLIENT, "IPv4 (mapped)",
     "suggests that the AF_INET6 listener [::]:443 has IPV6_V6ONLY off: if not, this is outbound, or of a listener "
     "that "
     "is "
     "gone"},
    {"443=::ffff:0.0.0.0", MAPPED_CLIENT, "IPv4 (mapped)",
     "IPv4 client of the AF_INET6 listener [::ffff:0.0.0.0]:443, which is bound to an IPv4-mapped address"},
    {"443=::ffff:10.0.0.1", MAPPED_CLIENT, "IPv4 (mapped)",
     "IPv4 client of the AF_INET6 listener [::ffff:10.0.0.1]:443, which is bound to an IPv4-mapped address"},
    {"443=:: 443=::ffff:10.0.0.1", MAPPED_CLIENT, "IPv4 (mapped)",
     "IPv4 client of one of the AF_INET6 listeners of port 443"},
    {"443=::/6 443=::ffff:10.0.0.1", MAPPED_CLIENT, "IPv4 (mapped)",
     "IPv4 client of the AF_INET6 listener [::ffff:10.0.0.1]:443, which is bound to an IPv4-mapped address"},
    /* No listener of now took it, as none is of its address, its family, or its interface. */
    {"443=0.0.0.0", MAPPED_CLIENT, "IPv4 (mapped)", GONE},
    {"443=::/6", MAPPED_CLIENT, "IPv4 (mapped)", GONE},
    {"443=::ffff:10.0.0.9", MAPPED_CLIENT, "IPv4 (mapped)", GONE},
    {"443=::%eth0", MAPPED_CLIENT, "IPv4 (mapped)", GONE},
    {"444=:: u443=::", MAPPED_CLIENT, "IPv4 (mapped)", GONE},
    {"", "tcp6 TIME_WAIT ::ffff:10.0.0.1 40000 ::ffff:10.0.0.2 443", "IPv4 (mapped)", GONE},
    /* Whatever listens there, it is this side that asks. */
    {"40000=::", "tcp6 SYN_SENT ::ffff:10.0.0.1 40000 ::ffff:10.0.0.2 443", "IPv4 (mapped)",
     "outbound IPv4 connection of an AF_INET6 socket, to ::ffff:10.0.0.2"},
    /* Clients that the check does not count. */
    {"443=::", "tcp6 CLOSE_WAIT ::ffff:10.0.0.1 443 ::ffff:10.0.0.2 50000", "IPv4 (mapped)",
     "IPv4 client of the AF_INET6 listener [::]:443, which has IPV6_V6ONLY off, and not counted, as it is not "
     "established"},
    {"443=:: 443=::ffff:10.0.0.1", "tcp6 TIME_WAIT ::ffff:10.0.0.1 443 ::ffff:10.0.0.2 50000", "IPv4 (mapped)",
     "IPv4 client of one of the AF_INET6 listeners of port 443, and not counted, as it is not established"},
};

START_TEST(each_socket_is_explained)
{
    struct tally *tally = trial_tally(sockets[_i].host);
    struct sock_record record = record_of(sockets[_i].socket);
    char text[NETSTAT_SENTENCE_SIZE];

    ck_assert_str_eq(netstat_on_the_wire(tally, &record), sockets[_i].wire);
    ck_assert_str_eq(netstat_explain(text, tally, &record), sockets[_i].sentence);
    tally_free(tally);
}
END_TEST

/* netstat does not show it, so the sentence does. */
START_TEST(interface_is_reported)
{
    struct tally *tally = trial_tally("");
    struct sock_record plain = record_of("tcp LISTEN 0.0.0.0 443");
    struct sock_record odd = record_of("tcp6 LISTEN ::/4 443");
    char text[NETSTAT_SENTENCE_SIZE];

    plain.interface = odd.interface = 999999;
    ck_assert_str_eq(netstat_explain(text, tally, &plain), "bound to the interface #999999");
    ck_assert_str_eq(netstat_explain(text, tally, &odd),
                     "accepts IPv4 too: IPV6_V6ONLY is off, bound to the interface #999999");
    tally_free(tally);
}
END_TEST

/* Why they are not reached as far as they are bound: only where one that takes the family is not. */
static const struct {
    const char *host;
    const char *expected[RECORD_FAMILIES];
} hosts[] = {
    {"443=::", {"", ""}},
    {"443=:: ipv6:link", {"", "this host has no IPv6 address beyond fe80::/10"}},
    {"443=::/? ipv4:none ipv6:loopback", {"this host has no IPv4 address", "this host has no IPv6 address beyond ::1"}},
    {"443=::/6 22=0.0.0.0 ipv4:loopback", {"this host has no IPv4 address beyond 127.0.0.0/8", ""}},
    {"443=::/6 ipv4:none", {"", ""}},
    {"443=127.0.0.1 443=::1 ipv4:loopback ipv6:loopback", {"", ""}},
    {"443=192.0.2.1^ addresses?", {"", ""}},
    {"ipv4:none noipv6", {"", ""}},
};

START_TEST(host_is_reported_where_it_limits)
{
    struct tally *tally = trial_tally(hosts[_i].host);
    char bytes[128];

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        struct text_buffer text = TEXT_BUFFER(bytes);
        netstat_add_host(&text, tally, (enum record_family)family);
        ck_assert_str_eq(bytes, hosts[_i].expected[family]);
    }
    tally_free(tally);
}
END_TEST

/* --- netstat's own columns --------------------------------------------------------------------------------------- */

static const struct {
    const char *socket;
    const char *proto;
    const char *local;
    const char *remote;
    const char *state;
} columns[] = {
    {"tcp LISTEN 0.0.0.0 22", "tcp", "0.0.0.0:22", "0.0.0.0:*", "LISTEN"},
    {"tcp6 LISTEN :: 22", "tcp6", ":::22", ":::*", "LISTEN"},
    {"tcp6 LISTEN ::ffff:192.0.2.1 22", "tcp6", "192.0.2.1:22", ":::*", "LISTEN"},
    {"tcp6 ESTABLISHED ::ffff:192.0.2.1 22 ::ffff:192.0.2.2 50000", "tcp6", "192.0.2.1:22", "192.0.2.2:50000",
     "ESTABLISHED"},
    {"tcp6 ESTABLISHED 2001:db8::1 22 2001:db8::2 50000", "tcp6", "2001:db8::1:22", "2001:db8::2:50000", "ESTABLISHED"},
    {"tcp SYN_SENT 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "SYN_SENT"},
    {"tcp SYN_RECV 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "SYN_RECV"},
    {"tcp NEW_SYN_RECV 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "SYN_RECV"},
    {"tcp FIN_WAIT1 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "FIN_WAIT1"},
    {"tcp FIN_WAIT2 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "FIN_WAIT2"},
    {"tcp TIME_WAIT 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "TIME_WAIT"},
    {"tcp CLOSE 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "CLOSE"},
    {"tcp CLOSE_WAIT 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "CLOSE_WAIT"},
    {"tcp LAST_ACK 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "LAST_ACK"},
    {"tcp CLOSING 192.0.2.1 22 192.0.2.2 80", "tcp", "192.0.2.1:22", "192.0.2.2:80", "CLOSING"},
    {"udp CLOSE 127.0.0.1 53", "udp", "127.0.0.1:53", "0.0.0.0:*", ""},
    {"udp6 CLOSE ::1 53", "udp6", "::1:53", ":::*", ""},
    {"udp6 ESTABLISHED ::1 53 ::1 50000", "udp6", "::1:53", "::1:50000", "ESTABLISHED"},
    {"udp LAST_ACK 127.0.0.1 53 127.0.0.1 54", "udp", "127.0.0.1:53", "127.0.0.1:54", "UNKNOWN"},
};

START_TEST(columns_are_those_of_netstat)
{
    struct sock_record record = record_of(columns[_i].socket);
    char text[RECORD_ENDPOINT_SIZE];

    ck_assert_str_eq(netstat_proto(&record), columns[_i].proto);
    ck_assert_str_eq(netstat_state(&record), columns[_i].state);
    ck_assert_str_eq(netstat_endpoint_format(text, record.family, &record.local, record.local_port), columns[_i].local);
    ck_assert_str_eq(netstat_endpoint_format(text, record.family, &record.remote, record.remote_port),
                     columns[_i].remote);
}
END_TEST

/* --- owners ------------------------------------------------------------------------------------------------------ */

static char name[] = "web";
static char hostile[] = "a|b;c\n\xff";
static char path[] = "/user.slice";
static const struct owners_entry entries[] = {
    {.id = 33, .asked = true, .state = TALLY_UNIT_KNOWN, .name = name},
    {.id = 34, .asked = true, .state = TALLY_UNIT_KNOWN, .name = hostile},
    {.id = 35, .asked = true, .state = TALLY_UNIT_KNOWN, .name = path},
    {.id = 36, .asked = true, .state = TALLY_UNIT_GONE},
    {.id = 4294967294, .asked = true, .state = TALLY_UNIT_UNKNOWN},
};

static const struct {
    const struct owners_entry *entry;
    const char *user;
    const char *unit;
} owners[] = {
    {NULL, "-", "-"},
    {&entries[0], "web", "web"},
    {&entries[1], "a/b,c \xef\xbf\xbd", "a/b,c \xef\xbf\xbd"},
    {&entries[2], "/user.slice", "/user.slice"},
    {&entries[3], "36", "(gone)"},
    {&entries[4], "4294967294", "-"},
};

START_TEST(owners_are_named)
{
    char text[NETSTAT_OWNER_SIZE];

    ck_assert_str_eq(netstat_user_format(text, owners[_i].entry), owners[_i].user);
    ck_assert_str_eq(netstat_unit_format(text, owners[_i].entry), owners[_i].unit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netstat");
    TCase *tcase = tcase_create("netstat");

    tcase_add_loop_test(tcase, each_socket_is_explained, 0, UNIT_COUNT(sockets));
    tcase_add_test(tcase, interface_is_reported);
    tcase_add_loop_test(tcase, host_is_reported_where_it_limits, 0, UNIT_COUNT(hosts));
    tcase_add_loop_test(tcase, columns_are_those_of_netstat, 0, UNIT_COUNT(columns));
    tcase_add_loop_test(tcase, owners_are_named, 0, UNIT_COUNT(owners));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
