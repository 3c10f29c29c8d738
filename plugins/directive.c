/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to write into the configuration of common daemons.
 */
#include "config.h"

#include "directive.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/*
 * PORT stands for the number, KIND for Stream or Datagram. The wildcards are written out, so that they can give way to
 * the addresses of loopback. No words: the daemon cannot, or not on a wildcard. "{ none }" is for the semicolons that
 * Nagios would rewrite.
 */
static const struct directive_daemon {
    const char *unit; /* glob */
    const char *name;
    const char *words[DIRECTIVE_WORDS];
    bool each_address; /* it has a socket for each address of the host, none on a wildcard */
} daemons[] = {
    {"prometheus-node-exporter.service", "Go", {[DIRECTIVE_SINGLE] = "--web.listen-address=:PORT"}, false},
    /* Exporters are called by what they look at: nginx-prometheus-exporter, node_exporter. */
    {"*exporter*.service", "", {NULL}, false},
    {"*.socket",
     "systemd",
     {[DIRECTIVE_V4_ONLY] = "ListenKIND=0.0.0.0:PORT",
      [DIRECTIVE_V6_ONLY] = "ListenKIND=[::]:PORT and BindIPv6Only=ipv6-only",
      [DIRECTIVE_SPLIT] = "ListenKIND=0.0.0.0:PORT and ListenKIND=[::]:PORT and BindIPv6Only=ipv6-only",
      [DIRECTIVE_SINGLE] = "ListenKIND=[::]:PORT and BindIPv6Only=both",
      [DIRECTIVE_ADDRESS] = "ListenKIND=ADDRESS:PORT"},
     false},
    {"nginx*.service",
     "nginx",
     {[DIRECTIVE_V4_ONLY] = "listen 0.0.0.0:PORT",
      [DIRECTIVE_V6_ONLY] = "listen [::]:PORT",
      [DIRECTIVE_SPLIT] = "listen 0.0.0.0:PORT and listen [::]:PORT",
      [DIRECTIVE_SINGLE] = "listen [::]:PORT ipv6only=off",
      [DIRECTIVE_ADDRESS] = "listen ADDRESS:PORT"},
     false},
    {"apache2*.service",
     "Apache",
     {[DIRECTIVE_V4_ONLY] = "Listen 0.0.0.0:PORT",
      [DIRECTIVE_SINGLE] = "Listen [::]:PORT",
      [DIRECTIVE_ADDRESS] = "Listen ADDRESS:PORT"},
     false},
    {"lighttpd*.service",
     "lighttpd",
     {[DIRECTIVE_V4_ONLY] = "server.bind = \"0.0.0.0\"",
      [DIRECTIVE_V6_ONLY] = "server.bind = \"[::]\"",
      [DIRECTIVE_SPLIT] = "server.bind = \"0.0.0.0\" and $SERVER[\"socket\"] == \"[::]:PORT\" { }",
      [DIRECTIVE_SINGLE] = "server.bind = \"[::]\" and server.v4mapped = \"enable\"",
      [DIRECTIVE_ADDRESS] = "server.bind = \"ADDRESS\""},
     false},
    {"haproxy*.service",
     "HAProxy",
     {[DIRECTIVE_V4_ONLY] = "bind 0.0.0.0:PORT",
      [DIRECTIVE_V6_ONLY] = "bind [::]:PORT v6only",
      [DIRECTIVE_SPLIT] = "bind 0.0.0.0:PORT and bind [::]:PORT v6only",
      [DIRECTIVE_SINGLE] = "bind [::]:PORT v4v6",
      [DIRECTIVE_ADDRESS] = "bind ADDRESS:PORT"},
     false},
    {"squid*.service",
     "Squid",
     {[DIRECTIVE_V4_ONLY] = "http_port 0.0.0.0:PORT",
      [DIRECTIVE_SINGLE] = "http_port [::]:PORT",
      [DIRECTIVE_ADDRESS] = "http_port ADDRESS:PORT"},
     false},
    {"tomcat*.service",
     "Tomcat",
     {[DIRECTIVE_V4_ONLY] = "JAVA_OPTS=\"-Djava.net.preferIPv4Stack=true\"",
      [DIRECTIVE_SINGLE] = "address=\"::\"",
      [DIRECTIVE_ADDRESS] = "address=\"ADDRESS\""},
     false},
    {"nodejs*.service",
     "Node.js",
     {[DIRECTIVE_V4_ONLY] = "server.listen({port: PORT, host: '0.0.0.0'})",
      [DIRECTIVE_V6_ONLY] = "server.listen({port: PORT, host: '::', ipv6Only: true})",
      [DIRECTIVE_SINGLE] = "server.listen({port: PORT, host: '::'})",
      [DIRECTIVE_ADDRESS] = "server.listen({port: PORT, host: 'ADDRESS'})"},
     false},
    {"ssh.service",
     "sshd",
     {[DIRECTIVE_V4_ONLY] = "AddressFamily inet",
      [DIRECTIVE_V6_ONLY] = "AddressFamily inet6",
      [DIRECTIVE_SPLIT] = "AddressFamily any",
      [DIRECTIVE_ADDRESS] = "ListenAddress ADDRESS"},
     false},
    {"sshd*.service",
     "sshd",
     {[DIRECTIVE_V4_ONLY] = "AddressFamily inet",
      [DIRECTIVE_V6_ONLY] = "AddressFamily inet6",
      [DIRECTIVE_SPLIT] = "AddressFamily any",
      [DIRECTIVE_ADDRESS] = "ListenAddress ADDRESS"},
     false},
    {"nagios-nrpe-server.service",
     "NRPE",
     {[DIRECTIVE_V4_ONLY] = "server_address=0.0.0.0",
      [DIRECTIVE_V6_ONLY] = "server_address=::",
      [DIRECTIVE_SPLIT] = "#server_address=",
      [DIRECTIVE_ADDRESS] = "server_address=ADDRESS"},
     false},
    {"icinga2*.service",
     "Icinga 2",
     {[DIRECTIVE_V4_ONLY] = "bind_host = \"0.0.0.0\"",
      [DIRECTIVE_SINGLE] = "bind_host = \"::\"",
      [DIRECTIVE_ADDRESS] = "bind_host = \"ADDRESS\""},
     false},
    {"postfix*.service",
     "Postfix",
     {[DIRECTIVE_V4_ONLY] = "inet_protocols = ipv4",
      [DIRECTIVE_V6_ONLY] = "inet_protocols = ipv6",
      [DIRECTIVE_SPLIT] = "inet_protocols = all",
      [DIRECTIVE_ADDRESS] = "inet_interfaces = ADDRESS"},
     false},
    {"dovecot*.service",
     "Dovecot",
     {[DIRECTIVE_V4_ONLY] = "listen = 0.0.0.0",
      [DIRECTIVE_V6_ONLY] = "listen = ::",
      [DIRECTIVE_SPLIT] = "listen = 0.0.0.0, ::",
      [DIRECTIVE_ADDRESS] = "listen = ADDRESS"},
     false},
    {"vsftpd*.service",
     "vsftpd",
     {[DIRECTIVE_V4_ONLY] = "listen=YES and listen_ipv6=NO", [DIRECTIVE_SINGLE] = "listen=NO and listen_ipv6=YES"},
     false},
    {"snmpd*.service",
     "snmpd",
     {[DIRECTIVE_V4_ONLY] = "agentaddress udp:0.0.0.0:PORT",
      [DIRECTIVE_V6_ONLY] = "agentaddress udp6:[::]:PORT",
      [DIRECTIVE_SPLIT] = "agentaddress udp:0.0.0.0:PORT,udp6:[::]:PORT",
      [DIRECTIVE_ADDRESS] = "agentaddress ADDRESS:PORT"},
     false},
    {"slapd*.service",
     "slapd",
     {[DIRECTIVE_V4_ONLY] = "SLAPD_OPTIONS=\"-4\"",
      [DIRECTIVE_V6_ONLY] = "SLAPD_OPTIONS=\"-6\"",
      [DIRECTIVE_SPLIT] = "SLAPD_OPTIONS=\"\"",
      [DIRECTIVE_ADDRESS] = "SLAPD_SERVICES=\"ldap://ADDRESS:PORT/\""},
     false},
    {"mosquitto*.service",
     "Mosquitto",
     {[DIRECTIVE_V4_ONLY] = "listener PORT 0.0.0.0",
      [DIRECTIVE_V6_ONLY] = "listener PORT ::",
      [DIRECTIVE_SPLIT] = "listener PORT 0.0.0.0 and listener PORT ::",
      [DIRECTIVE_ADDRESS] = "listener PORT ADDRESS"},
     false},
    {"postgresql*.service",
     "PostgreSQL",
     {[DIRECTIVE_V4_ONLY] = "listen_addresses = '0.0.0.0'",
      [DIRECTIVE_V6_ONLY] = "listen_addresses = '::'",
      [DIRECTIVE_SPLIT] = "listen_addresses = '0.0.0.0, ::'",
      [DIRECTIVE_ADDRESS] = "listen_addresses = 'ADDRESS'"},
     false},
    {"mariadb*.service",
     "MariaDB",
     {[DIRECTIVE_V4_ONLY] = "bind-address = 0.0.0.0",
      [DIRECTIVE_V6_ONLY] = "bind-address = ::",
      [DIRECTIVE_SPLIT] = "bind-address = 0.0.0.0,::",
      [DIRECTIVE_ADDRESS] = "bind-address = ADDRESS"},
     false},
    {"redis*.service",
     "Redis",
     {[DIRECTIVE_V4_ONLY] = "bind 0.0.0.0",
      [DIRECTIVE_V6_ONLY] = "bind ::",
      [DIRECTIVE_SPLIT] = "bind 0.0.0.0 ::",
      [DIRECTIVE_ADDRESS] = "bind ADDRESS"},
     false},
    {"memcached*.service",
     "memcached",
     {[DIRECTIVE_V4_ONLY] = "-l 0.0.0.0",
      [DIRECTIVE_V6_ONLY] = "-l ::",
      [DIRECTIVE_SPLIT] = "-l 0.0.0.0,::",
      [DIRECTIVE_ADDRESS] = "-l ADDRESS"},
     false},
    {"dnsmasq*.service",
     "dnsmasq",
     {[DIRECTIVE_V4_ONLY] = "listen-address=0.0.0.0 and bind-interfaces",
      [DIRECTIVE_V6_ONLY] = "listen-address=:: and bind-interfaces",
      [DIRECTIVE_SPLIT] = "listen-address=0.0.0.0,:: and bind-interfaces",
      [DIRECTIVE_ADDRESS] = "listen-address=ADDRESS and bind-interfaces"},
     false},
    {"unbound*.service",
     "Unbound",
     {[DIRECTIVE_V4_ONLY] = "interface: 0.0.0.0",
      [DIRECTIVE_V6_ONLY] = "interface: ::",
      [DIRECTIVE_SPLIT] = "interface: 0.0.0.0 and interface: ::",
      [DIRECTIVE_ADDRESS] = "interface: ADDRESS"},
     false},
    {"named*.service",
     "BIND",
     {[DIRECTIVE_V4_ONLY] = "listen-on-v6 { none }",
      [DIRECTIVE_V6_ONLY] = "listen-on { none } and listen-on-v6 { any }",
      [DIRECTIVE_SPLIT] = "listen-on { any } and listen-on-v6 { any }",
      [DIRECTIVE_ADDRESS] = "listen-on { ADDRESS }"},
     true},
    {"chrony*.service",
     "chronyd",
     {[DIRECTIVE_V4_ONLY] = "allow and -4",
      [DIRECTIVE_V6_ONLY] = "allow and -6",
      [DIRECTIVE_SPLIT] = "allow",
      [DIRECTIVE_ADDRESS] = "bindaddress ADDRESS"},
     false},
};

static const char *const want_names[] = {
    [DIRECTIVE_V4_ONLY] = ", for v4-only",  [DIRECTIVE_V6_ONLY] = ", for v6-only",
    [DIRECTIVE_SPLIT] = ", for form=split", [DIRECTIVE_SINGLE] = ", for form=single",
    [DIRECTIVE_DUAL] = ", for dual-stack",  [DIRECTIVE_ADDRESS] = "",
};

#define WILDCARD_V4 "0.0.0.0"
#define WILDCARD_V6 "::"

const struct directive_daemon *directive_daemon_find(const char *unit)
{
    for (size_t i = 0; i < sizeof daemons / sizeof *daemons; i++) {
        if (fnmatch(daemons[i].unit, unit, 0) == 0) {
            return *daemons[i].name != '\0' ? &daemons[i] : NULL;
        }
    }
    return NULL;
}

static bool names_wildcard(const char *words)
{
    return strstr(words, WILDCARD_V4) != NULL || strstr(words, WILDCARD_V6) != NULL;
}

/* The words for it, NULL for none. */
static const char *words_find(const struct directive_daemon *daemon, enum directive_want want,
                              enum directive_place place)
{
    const char *words = NULL;

    if (want == DIRECTIVE_DUAL) {
        want = daemon->words[DIRECTIVE_SPLIT] != NULL ? DIRECTIVE_SPLIT : DIRECTIVE_SINGLE;
    }
    words = daemon->words[want];
    if (words == NULL || want == DIRECTIVE_ADDRESS) {
        return words;
    }
    /* No address of loopback takes both families. */
    if (place == DIRECTIVE_LOOPBACK && (want == DIRECTIVE_SINGLE || !names_wildcard(words))) {
        return NULL;
    }
    return place == DIRECTIVE_ELSEWHERE && !daemon->each_address ? NULL : words;
}

/* Appends text, as much as fits. Returns the new length. */
static size_t append(char *text, size_t size, size_t length, const char *more, size_t more_length)
{
    size_t room = size - length - 1;
    size_t count = more_length < room ? more_length : room;

    memcpy(text + length, more, count);
    text[length + count] = '\0';
    return length + count;
}

/* Appends the words, with what stands for something put in. Returns the new length. */
static size_t words_fill(char *text, size_t size, size_t length, const char *words, enum directive_place place,
                         const struct directive_service *service)
{
    char port[sizeof "65535"];
    bool loopback = place == DIRECTIVE_LOOPBACK;
    const struct {
        const char *written;
        const char *meant;
    } pairs[] = {
        {"PORT", port},
        {"KIND", service->protocol == RECORD_UDP ? "Datagram" : "Stream"},
        {WILDCARD_V4, loopback ? "127.0.0.1" : WILDCARD_V4},
        {WILDCARD_V6, loopback ? "::1" : WILDCARD_V6},
    };

    snprintf(port, sizeof port, "%u", (unsigned)service->port);
    while (*words != '\0') {
        size_t i = 0;
        while (i < sizeof pairs / sizeof *pairs && strncmp(words, pairs[i].written, strlen(pairs[i].written)) != 0) {
            i++;
        }
        if (i < sizeof pairs / sizeof *pairs) {
            length = append(text, size, length, pairs[i].meant, strlen(pairs[i].meant));
            words += strlen(pairs[i].written);
        } else {
            length = append(text, size, length, words, 1);
            words++;
        }
    }
    return length;
}

bool directive_add(char *text, size_t size, const struct directive_daemon *daemon, enum directive_want want,
                   enum directive_place place, const struct directive_service *service)
{
    const char *words = words_find(daemon, want, place);
    const char *const start[] = {" (in ", daemon->name, want_names[want], ": "};
    size_t length = strlen(text);

    if (words == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof start / sizeof *start; i++) {
        length = append(text, size, length, start[i], strlen(start[i]));
    }
    length = words_fill(text, size, length, words, place, service);
    append(text, size, length, ")", 1);
    return true;
}
