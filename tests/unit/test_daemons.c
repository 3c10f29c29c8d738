/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/daemons.c: the daemon of each unit, and what there is to write for each want. Whether real daemons obey is
 * for tests/servers to show.
 */
#include "config.h"

#include "render/daemons.h"

#include "unit.h"

#include <string.h>

/* Behind words that drop every socket of the unit. */
#define AGAIN " and again what else the unit listens on"

static const struct daemons_service https = {.protocol = RECORD_TCP, .port = 443};

/* --- units ------------------------------------------------------------------------------------------------------- */

/* The words for either form everywhere show which daemon it is. */
static const struct {
    const char *unit;
    const char *dual;
} daemons[] = {
    {"apache2.service", " (in Apache, for dual-stack: Listen [::]:443)"},
    {"chrony.service", " (in chronyd, for dual-stack: allow)"},
    {"dnsmasq.service", " (in dnsmasq, for dual-stack: listen-address=0.0.0.0,:: and bind-interfaces)"},
    {"dovecot.service", " (in Dovecot, for dual-stack: listen = 0.0.0.0, ::)"},
    {"haproxy@a.service", " (in HAProxy, for dual-stack: bind 0.0.0.0:443 and bind [::]:443 v6only)"},
    {"icinga2.service", " (in Icinga 2, for dual-stack: bind_host = \"::\")"},
    {"lighttpd.service",
     " (in lighttpd, for dual-stack: server.bind = \"0.0.0.0\" and $SERVER[\"socket\"] == \"[::]:443\" { })"},
    {"mariadb.service", " (in MariaDB, for dual-stack: bind-address = 0.0.0.0,::)"},
    {"memcached.service", " (in memcached, for dual-stack: -l 0.0.0.0,::)"},
    {"mosquitto.service", " (in Mosquitto, for dual-stack: listener 443 0.0.0.0 and listener 443 ::)"},
    {"nagios-nrpe-server.service", " (in NRPE, for dual-stack: #server_address=)"},
    {"named.service", " (in BIND, for dual-stack: listen-on { any } and listen-on-v6 { any })"},
    {"nginx.service", " (in nginx, for dual-stack: listen 0.0.0.0:443 and listen [::]:443)"},
    {"nodejs.service", " (in Node.js, for dual-stack: server.listen({port: 443, host: '::'}))"},
    {"postfix@-.service", " (in Postfix, for dual-stack: inet_protocols = all)"},
    {"postgresql@15-main.service", " (in PostgreSQL, for dual-stack: listen_addresses = '0.0.0.0, ::')"},
    {"prometheus-node-exporter.service", " (in Go, for dual-stack: --web.listen-address=:443)"},
    {"redis-server.service", " (in Redis, for dual-stack: bind 0.0.0.0 ::)"},
    {"slapd.service", " (in slapd, for dual-stack: SLAPD_OPTIONS=\"\")"},
    {"snmpd.service", " (in snmpd, for dual-stack: agentaddress udp:0.0.0.0:443,udp6:[::]:443)"},
    {"squid.service", " (in Squid, for dual-stack: http_port [::]:443)"},
    {"ssh.service", " (in sshd, for dual-stack: AddressFamily any)"},
    {"sshd@1.service", " (in sshd, for dual-stack: AddressFamily any)"},
    {"sshd.socket", " (in systemd, for dual-stack: ListenStream= and ListenStream=0.0.0.0:443 and "
                    "ListenStream=[::]:443 and BindIPv6Only=ipv6-only" AGAIN ")"},
    {"tomcat10.service", " (in Tomcat, for dual-stack: address=\"::\")"},
    {"unbound.service", " (in Unbound, for dual-stack: interface: 0.0.0.0 and interface: ::)"},
    {"vsftpd.service", " (in vsftpd, for dual-stack: listen=NO and listen_ipv6=YES)"},
    /* The names that other distributions give them. */
    {"httpd.service", " (in Apache, for dual-stack: Listen [::]:443)"},
    {"chronyd.service", " (in chronyd, for dual-stack: allow)"},
    {"nrpe.service", " (in NRPE, for dual-stack: #server_address=)"},
    {"bind9.service", " (in BIND, for dual-stack: listen-on { any } and listen-on-v6 { any })"},
    {"named-chroot.service", " (in BIND, for dual-stack: listen-on { any } and listen-on-v6 { any })"},
    {"postfix.service", " (in Postfix, for dual-stack: inet_protocols = all)"},
    {"postgresql-14.service", " (in PostgreSQL, for dual-stack: listen_addresses = '0.0.0.0, ::')"},
    {"postgresql.service", " (in PostgreSQL, for dual-stack: listen_addresses = '0.0.0.0, ::')"},
    {"redis.service", " (in Redis, for dual-stack: bind 0.0.0.0 ::)"},
    {"valkey.service", " (in Redis, for dual-stack: bind 0.0.0.0 ::)"},
    {"sshd.service", " (in sshd, for dual-stack: AddressFamily any)"},
    {"tomcat.service", " (in Tomcat, for dual-stack: address=\"::\")"},
};

START_TEST(knows_the_daemon_of_a_unit)
{
    char bytes[256];
    struct text_buffer text = TEXT_BUFFER(bytes);
    const struct daemons_daemon *daemon = daemons_find(daemons[_i].unit);

    ck_assert_ptr_nonnull(daemon);
    ck_assert(daemons_add(&text, daemon, DAEMONS_DUAL, DAEMONS_EVERYWHERE, &https));
    ck_assert_str_eq(bytes, daemons[_i].dual);
}
END_TEST

/* Exporters have the name of what they watch, and a unit may begin as a daemon's does. */
static const char *const strangers[] = {
    "node_exporter.service",
    "nginx-prometheus-exporter.service",
    "ssh",
    "ssh.service.d",
    "sshguard.service",
    /* By its manual MySQL takes both families on ::, which MariaDB does not. */
    "mysqld.service",
    "mysql.service",
    "nginx.slice",
    "user@1000.service",
    "",
    "/",
};

START_TEST(guesses_no_daemon)
{
    ck_assert_ptr_null(daemons_find(strangers[_i]));
}
END_TEST

/* --- wants ------------------------------------------------------------------------------------------------------- */

/* NULL: the daemon has no words for that. */
static const struct {
    const char *unit;
    enum record_protocol protocol;
    enum daemons_want want;
    enum daemons_place place;
    const char *expected;
} wants[] = {
    {"nginx.service", RECORD_TCP, DAEMONS_V4_ONLY, DAEMONS_EVERYWHERE, " (in nginx, for v4-only: listen 0.0.0.0:443)"},
    {"nginx.service", RECORD_TCP, DAEMONS_V6_ONLY, DAEMONS_EVERYWHERE, " (in nginx, for v6-only: listen [::]:443)"},
    {"nginx.service", RECORD_TCP, DAEMONS_SPLIT, DAEMONS_EVERYWHERE,
     " (in nginx, for form=split: listen 0.0.0.0:443 and listen [::]:443)"},
    {"nginx.service", RECORD_TCP, DAEMONS_SINGLE, DAEMONS_EVERYWHERE,
     " (in nginx, for form=single: listen [::]:443 ipv6only=off)"},
    {"nginx.service", RECORD_TCP, DAEMONS_ADDRESS, DAEMONS_EVERYWHERE, " (in nginx: listen ADDRESS:443)"},
    /* A daemon without words for one socket, and one without words for two. */
    {"redis.service", RECORD_TCP, DAEMONS_SINGLE, DAEMONS_EVERYWHERE, NULL},
    {"squid.service", RECORD_TCP, DAEMONS_SPLIT, DAEMONS_EVERYWHERE, NULL},
    {"squid.service", RECORD_TCP, DAEMONS_V6_ONLY, DAEMONS_EVERYWHERE, NULL},
    {"vsftpd.service", RECORD_TCP, DAEMONS_ADDRESS, DAEMONS_EVERYWHERE, NULL},
    /* On loopback the wildcards give way to its addresses, of which none takes both families. */
    {"nginx.service", RECORD_TCP, DAEMONS_V4_ONLY, DAEMONS_LOOPBACK, " (in nginx, for v4-only: listen 127.0.0.1:443)"},
    {"nginx.service", RECORD_TCP, DAEMONS_V6_ONLY, DAEMONS_LOOPBACK, " (in nginx, for v6-only: listen [::1]:443)"},
    {"nginx.service", RECORD_TCP, DAEMONS_DUAL, DAEMONS_LOOPBACK,
     " (in nginx, for dual-stack: listen 127.0.0.1:443 and listen [::1]:443)"},
    {"nginx.service", RECORD_TCP, DAEMONS_SINGLE, DAEMONS_LOOPBACK, NULL},
    {"squid.service", RECORD_TCP, DAEMONS_DUAL, DAEMONS_LOOPBACK, NULL},
    {"nginx.service", RECORD_TCP, DAEMONS_ADDRESS, DAEMONS_LOOPBACK, " (in nginx: listen ADDRESS:443)"},
    /* Words without an address would open it to other hosts. */
    {"ssh.service", RECORD_TCP, DAEMONS_DUAL, DAEMONS_LOOPBACK, NULL},
    /* Which other addresses are meant only the user knows, unless the daemon has a socket for each. */
    {"nginx.service", RECORD_TCP, DAEMONS_DUAL, DAEMONS_ELSEWHERE, NULL},
    {"nginx.service", RECORD_TCP, DAEMONS_ADDRESS, DAEMONS_ELSEWHERE, " (in nginx: listen ADDRESS:443)"},
    {"named.service", RECORD_UDP, DAEMONS_V4_ONLY, DAEMONS_ELSEWHERE, " (in BIND, for v4-only: listen-on-v6 { none })"},
    /* systemd calls protocols by their kind of socket. */
    {"a.socket", RECORD_TCP, DAEMONS_SINGLE, DAEMONS_EVERYWHERE,
     " (in systemd, for form=single: ListenStream= and ListenStream=[::]:443 and BindIPv6Only=both" AGAIN ")"},
    {"a.socket", RECORD_UDP, DAEMONS_V6_ONLY, DAEMONS_LOOPBACK,
     " (in systemd, for v6-only: ListenDatagram= and ListenDatagram=[::1]:443 and BindIPv6Only=ipv6-only" AGAIN ")"},
};

START_TEST(has_words_for_a_want)
{
    const struct daemons_service service = {.protocol = wants[_i].protocol, .port = 443};
    char bytes[256];
    struct text_buffer text = TEXT_BUFFER(bytes);
    bool added = daemons_add(&text, daemons_find(wants[_i].unit), wants[_i].want, wants[_i].place, &service);

    ck_assert_int_eq(added, wants[_i].expected != NULL);
    ck_assert_str_eq(bytes, wants[_i].expected != NULL ? wants[_i].expected : "");
}
END_TEST

static bool text_has(const char *bytes, const char *part)
{
    return strstr(bytes, part) != NULL;
}

/* Whatever is wanted of whatever daemon: nothing that stands for something is left, and loopback stays loopback. */
START_TEST(fills_in_all_words)
{
    const struct daemons_daemon *daemon = daemons_find(daemons[_i].unit);
    int with_words = 0;

    for (int want = DAEMONS_V4_ONLY; want <= DAEMONS_DUAL; want++) {
        for (int place = DAEMONS_EVERYWHERE; place <= DAEMONS_ELSEWHERE; place++) {
            char bytes[256];
            struct text_buffer text = TEXT_BUFFER(bytes);
            bool added = daemons_add(&text, daemon, (enum daemons_want)want, (enum daemons_place)place, &https);

            ck_assert_int_eq(added, text.length > 0);
            ck_assert(!text.is_cut);
            ck_assert(!text_has(bytes, "PORT") && !text_has(bytes, "KIND"));
            ck_assert_msg(want == DAEMONS_ADDRESS || !text_has(bytes, "ADDRESS"), "%s", bytes);
            if (place == DAEMONS_LOOPBACK) {
                ck_assert_msg(!text_has(bytes, "0.0.0.0") && !text_has(bytes, "[::]"), "%s", bytes);
            }
            with_words += added;
        }
    }
    ck_assert_int_ge(with_words, 1);
}
END_TEST

/* Whatever room there is, it is not overrun, and a cut is seen. */
START_TEST(fits_its_room)
{
    static const char whole[] = "x (in nginx, for v4-only: listen 0.0.0.0:443)";
    char bytes[sizeof whole + 1];

    for (size_t size = 4; size <= sizeof whole; size++) {
        struct text_buffer text = text_buffer_start(bytes, size);
        bytes[size] = '#';
        text_buffer_add(&text, "x");
        ck_assert(daemons_add(&text, daemons_find("nginx.service"), DAEMONS_V4_ONLY, DAEMONS_EVERYWHERE, &https));
        ck_assert_int_eq(bytes[size], '#');
        ck_assert_int_eq(text.is_cut, size < sizeof whole);
        ck_assert_int_eq(strncmp(bytes, whole, text.length - (text.is_cut ? 3 : 0)), 0);
    }
    ck_assert_str_eq(bytes, whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemons");
    TCase *tcase = tcase_create("daemons");

    tcase_add_loop_test(tcase, knows_the_daemon_of_a_unit, 0, UNIT_COUNT(daemons));
    tcase_add_loop_test(tcase, guesses_no_daemon, 0, UNIT_COUNT(strangers));
    tcase_add_loop_test(tcase, has_words_for_a_want, 0, UNIT_COUNT(wants));
    tcase_add_loop_test(tcase, fills_in_all_words, 0, UNIT_COUNT(daemons));
    tcase_add_test(tcase, fits_its_room);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
