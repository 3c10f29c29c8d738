/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to write into the configuration of common daemons.
 */
#include "config.h"

#include "render/daemons.h"

#include "socket/protocol.h"

#include <fnmatch.h>
#include <string.h>

/*
 * The first that fits counts. "{ none }" is for the semicolons that Nagios would rewrite. In a drop-in for a systemd
 * socket an empty "ListenStream=" removes what the unit has: without it a line would only add a socket, or collide.
 */
static const struct daemons_daemon daemons[] = {
    {{"prometheus-node-exporter.service"}, "Go", {[DAEMONS_SINGLE] = "--web.listen-address=:PORT"}, false},
    /* Exporters are named after what they watch: nginx-prometheus-exporter, node_exporter. */
    {{"*exporter*.service"}, "", {NULL}, false},
    /* Some versions open them in the cgroup of the unit, others in that of process 1. */
    {{"*.socket", "init.scope"},
     "systemd",
     {[DAEMONS_V4_ONLY] = "ListenKIND= and ListenKIND=0.0.0.0:PORT",
      [DAEMONS_V6_ONLY] = "ListenKIND= and ListenKIND=[::]:PORT and BindIPv6Only=ipv6-only",
      [DAEMONS_SPLIT] = "ListenKIND= and ListenKIND=0.0.0.0:PORT and ListenKIND=[::]:PORT and BindIPv6Only=ipv6-only",
      [DAEMONS_SINGLE] = "ListenKIND= and ListenKIND=[::]:PORT and BindIPv6Only=both",
      [DAEMONS_ADDRESS] = "ListenKIND= and ListenKIND=ADDRESS:PORT"},
     false},
    {{"nginx*.service"},
     "nginx",
     {[DAEMONS_V4_ONLY] = "listen 0.0.0.0:PORT",
      [DAEMONS_V6_ONLY] = "listen [::]:PORT",
      [DAEMONS_SPLIT] = "listen 0.0.0.0:PORT and listen [::]:PORT",
      [DAEMONS_SINGLE] = "listen [::]:PORT ipv6only=off",
      [DAEMONS_ADDRESS] = "listen ADDRESS:PORT"},
     false},
    {{"apache2*.service", "httpd*.service"},
     "Apache",
     {[DAEMONS_V4_ONLY] = "Listen 0.0.0.0:PORT",
      [DAEMONS_SINGLE] = "Listen [::]:PORT",
      [DAEMONS_ADDRESS] = "Listen ADDRESS:PORT"},
     false},
    {{"lighttpd*.service"},
     "lighttpd",
     {[DAEMONS_V4_ONLY] = "server.bind = \"0.0.0.0\"",
      [DAEMONS_V6_ONLY] = "server.bind = \"[::]\"",
      [DAEMONS_SPLIT] = "server.bind = \"0.0.0.0\" and $SERVER[\"socket\"] == \"[::]:PORT\" { }",
      [DAEMONS_SINGLE] = "server.bind = \"[::]\" and server.v4mapped = \"enable\"",
      [DAEMONS_ADDRESS] = "server.bind = \"ADDRESS\""},
     false},
    {{"haproxy*.service"},
     "HAProxy",
     {[DAEMONS_V4_ONLY] = "bind 0.0.0.0:PORT",
      [DAEMONS_V6_ONLY] = "bind [::]:PORT v6only",
      [DAEMONS_SPLIT] = "bind 0.0.0.0:PORT and bind [::]:PORT v6only",
      [DAEMONS_SINGLE] = "bind [::]:PORT v4v6",
      [DAEMONS_ADDRESS] = "bind ADDRESS:PORT"},
     false},
    {{"squid*.service"},
     "Squid",
     {[DAEMONS_V4_ONLY] = "http_port 0.0.0.0:PORT",
      [DAEMONS_SINGLE] = "http_port [::]:PORT",
      [DAEMONS_ADDRESS] = "http_port ADDRESS:PORT"},
     false},
    {{"tomcat*.service"},
     "Tomcat",
     {[DAEMONS_V4_ONLY] = "JAVA_OPTS=\"-Djava.net.preferIPv4Stack=true\"",
      [DAEMONS_SINGLE] = "address=\"::\"",
      [DAEMONS_ADDRESS] = "address=\"ADDRESS\""},
     false},
    {{"nodejs*.service"},
     "Node.js",
     {[DAEMONS_V4_ONLY] = "server.listen({port: PORT, host: '0.0.0.0'})",
      [DAEMONS_V6_ONLY] = "server.listen({port: PORT, host: '::', ipv6Only: true})",
      [DAEMONS_SINGLE] = "server.listen({port: PORT, host: '::'})",
      [DAEMONS_ADDRESS] = "server.listen({port: PORT, host: 'ADDRESS'})"},
     false},
    {{"ssh.service", "sshd*.service"},
     "sshd",
     {[DAEMONS_V4_ONLY] = "AddressFamily inet",
      [DAEMONS_V6_ONLY] = "AddressFamily inet6",
      [DAEMONS_SPLIT] = "AddressFamily any",
      [DAEMONS_ADDRESS] = "ListenAddress ADDRESS"},
     false},
    {{"nagios-nrpe-server.service", "nrpe.service"},
     "NRPE",
     {[DAEMONS_V4_ONLY] = "server_address=0.0.0.0",
      [DAEMONS_V6_ONLY] = "server_address=::",
      [DAEMONS_SPLIT] = "#server_address=",
      [DAEMONS_ADDRESS] = "server_address=ADDRESS"},
     false},
    {{"icinga2*.service"},
     "Icinga 2",
     {[DAEMONS_V4_ONLY] = "bind_host = \"0.0.0.0\"",
      [DAEMONS_SINGLE] = "bind_host = \"::\"",
      [DAEMONS_ADDRESS] = "bind_host = \"ADDRESS\""},
     false},
    {{"postfix*.service"},
     "Postfix",
     {[DAEMONS_V4_ONLY] = "inet_protocols = ipv4",
      [DAEMONS_V6_ONLY] = "inet_protocols = ipv6",
      [DAEMONS_SPLIT] = "inet_protocols = all",
      [DAEMONS_ADDRESS] = "inet_interfaces = ADDRESS"},
     false},
    {{"dovecot*.service"},
     "Dovecot",
     {[DAEMONS_V4_ONLY] = "listen = 0.0.0.0",
      [DAEMONS_V6_ONLY] = "listen = ::",
      [DAEMONS_SPLIT] = "listen = 0.0.0.0, ::",
      [DAEMONS_ADDRESS] = "listen = ADDRESS"},
     false},
    {{"vsftpd*.service"},
     "vsftpd",
     {[DAEMONS_V4_ONLY] = "listen=YES and listen_ipv6=NO", [DAEMONS_SINGLE] = "listen=NO and listen_ipv6=YES"},
     false},
    {{"snmpd*.service"},
     "snmpd",
     {[DAEMONS_V4_ONLY] = "agentaddress udp:0.0.0.0:PORT",
      [DAEMONS_V6_ONLY] = "agentaddress udp6:[::]:PORT",
      [DAEMONS_SPLIT] = "agentaddress udp:0.0.0.0:PORT,udp6:[::]:PORT",
      [DAEMONS_ADDRESS] = "agentaddress ADDRESS:PORT"},
     false},
    {{"slapd*.service"},
     "slapd",
     {[DAEMONS_V4_ONLY] = "SLAPD_OPTIONS=\"-4\"",
      [DAEMONS_V6_ONLY] = "SLAPD_OPTIONS=\"-6\"",
      [DAEMONS_SPLIT] = "SLAPD_OPTIONS=\"\"",
      [DAEMONS_ADDRESS] = "SLAPD_SERVICES=\"ldap://ADDRESS:PORT/\""},
     false},
    {{"mosquitto*.service"},
     "Mosquitto",
     {[DAEMONS_V4_ONLY] = "listener PORT 0.0.0.0",
      [DAEMONS_V6_ONLY] = "listener PORT ::",
      [DAEMONS_SPLIT] = "listener PORT 0.0.0.0 and listener PORT ::",
      [DAEMONS_ADDRESS] = "listener PORT ADDRESS"},
     false},
    {{"postgresql*.service"},
     "PostgreSQL",
     {[DAEMONS_V4_ONLY] = "listen_addresses = '0.0.0.0'",
      [DAEMONS_V6_ONLY] = "listen_addresses = '::'",
      [DAEMONS_SPLIT] = "listen_addresses = '0.0.0.0, ::'",
      [DAEMONS_ADDRESS] = "listen_addresses = 'ADDRESS'"},
     false},
    {{"mariadb*.service"},
     "MariaDB",
     {[DAEMONS_V4_ONLY] = "bind-address = 0.0.0.0",
      [DAEMONS_V6_ONLY] = "bind-address = ::",
      [DAEMONS_SPLIT] = "bind-address = 0.0.0.0,::",
      [DAEMONS_ADDRESS] = "bind-address = ADDRESS"},
     false},
    {{"redis*.service", "valkey*.service"},
     "Redis",
     {[DAEMONS_V4_ONLY] = "bind 0.0.0.0",
      [DAEMONS_V6_ONLY] = "bind ::",
      [DAEMONS_SPLIT] = "bind 0.0.0.0 ::",
      [DAEMONS_ADDRESS] = "bind ADDRESS"},
     false},
    {{"memcached*.service"},
     "memcached",
     {[DAEMONS_V4_ONLY] = "-l 0.0.0.0",
      [DAEMONS_V6_ONLY] = "-l ::",
      [DAEMONS_SPLIT] = "-l 0.0.0.0,::",
      [DAEMONS_ADDRESS] = "-l ADDRESS"},
     false},
    {{"dnsmasq*.service"},
     "dnsmasq",
     {[DAEMONS_V4_ONLY] = "listen-address=0.0.0.0 and bind-interfaces",
      [DAEMONS_V6_ONLY] = "listen-address=:: and bind-interfaces",
      [DAEMONS_SPLIT] = "listen-address=0.0.0.0,:: and bind-interfaces",
      [DAEMONS_ADDRESS] = "listen-address=ADDRESS and bind-interfaces"},
     false},
    {{"unbound*.service"},
     "Unbound",
     {[DAEMONS_V4_ONLY] = "interface: 0.0.0.0",
      [DAEMONS_V6_ONLY] = "interface: ::",
      [DAEMONS_SPLIT] = "interface: 0.0.0.0 and interface: ::",
      [DAEMONS_ADDRESS] = "interface: ADDRESS"},
     false},
    {{"named*.service", "bind9.service"},
     "BIND",
     {[DAEMONS_V4_ONLY] = "listen-on-v6 { none }",
      [DAEMONS_V6_ONLY] = "listen-on { none } and listen-on-v6 { any }",
      [DAEMONS_SPLIT] = "listen-on { any } and listen-on-v6 { any }",
      [DAEMONS_ADDRESS] = "listen-on { ADDRESS }"},
     true},
    {{"chrony*.service"},
     "chronyd",
     {[DAEMONS_V4_ONLY] = "allow and -4",
      [DAEMONS_V6_ONLY] = "allow and -6",
      [DAEMONS_SPLIT] = "allow",
      [DAEMONS_ADDRESS] = "bindaddress ADDRESS"},
     false},
};

static const char *const want_names[] = {
    [DAEMONS_V4_ONLY] = ", for v4-only",    [DAEMONS_V6_ONLY] = ", for v6-only", [DAEMONS_SPLIT] = ", for form=split",
    [DAEMONS_SINGLE] = ", for form=single", [DAEMONS_DUAL] = ", for dual-stack", [DAEMONS_ADDRESS] = "",
};
_Static_assert(sizeof want_names / sizeof *want_names == DAEMONS_DUAL + 1, "each want has a name");

#define WILDCARD_V4 "0.0.0.0"
#define WILDCARD_V6 "::"

#define DAEMONS ((int)(sizeof daemons / sizeof *daemons))

const struct daemons_daemon *daemons_row(int index)
{
    return index < DAEMONS ? &daemons[index] : NULL;
}

const struct daemons_daemon *daemons_find(const char *unit)
{
    for (int i = 0; i < DAEMONS; i++) {
        for (int j = 0; j < DAEMONS_UNITS && daemons[i].units[j] != NULL; j++) {
            if (fnmatch(daemons[i].units[j], unit, 0) == 0) {
                return *daemons[i].name != '\0' ? &daemons[i] : NULL;
            }
        }
    }
    return NULL;
}

/* What else the unit has must be written again behind such words, or it is closed. */
static bool drops_other_sockets(const char *words)
{
    return strncmp(words, "ListenKIND= ", strlen("ListenKIND= ")) == 0;
}

static bool names_wildcard(const char *words)
{
    return strstr(words, WILDCARD_V4) != NULL || strstr(words, WILDCARD_V6) != NULL;
}

/* Returns the words for it, NULL for none. */
static const char *words_find(const struct daemons_daemon *daemon, enum daemons_want want, enum daemons_place place)
{
    const char *words = NULL;

    if (want == DAEMONS_DUAL) {
        want = daemon->words[DAEMONS_SPLIT] != NULL ? DAEMONS_SPLIT : DAEMONS_SINGLE;
    }
    words = daemon->words[want];
    if (words == NULL || want == DAEMONS_ADDRESS) {
        return words;
    }
    /* No address of loopback takes both families. */
    if (place == DAEMONS_LOOPBACK && (want == DAEMONS_SINGLE || !names_wildcard(words))) {
        return NULL;
    }
    return place == DAEMONS_ELSEWHERE && !daemon->each_address ? NULL : words;
}

/* Adds the words, with the service's values in place of what stands for them. */
static void words_add(struct text_buffer *text, const char *words, enum daemons_place place,
                      const struct daemons_service *service)
{
    char port_bytes[sizeof "65535"];
    struct text_buffer port = TEXT_BUFFER(port_bytes);
    bool loopback = place == DAEMONS_LOOPBACK;
    const struct {
        const char *written;
        const char *meant;
    } pairs[] = {
        {"PORT", text_buffer_add(&port, "%u", (unsigned)service->port)},
        {"KIND", protocol_of(service->protocol)->systemd},
        {WILDCARD_V4, loopback ? "127.0.0.1" : WILDCARD_V4},
        {WILDCARD_V6, loopback ? "::1" : WILDCARD_V6},
    };

    while (*words != '\0') {
        size_t i = 0;
        while (i < sizeof pairs / sizeof *pairs && strncmp(words, pairs[i].written, strlen(pairs[i].written)) != 0) {
            i++;
        }
        if (i < sizeof pairs / sizeof *pairs) {
            text_buffer_add(text, "%s", pairs[i].meant);
            words += strlen(pairs[i].written);
        } else {
            text_buffer_add(text, "%c", *words);
            words++;
        }
    }
}

bool daemons_add(struct text_buffer *text, const struct daemons_daemon *daemon, enum daemons_want want,
                 enum daemons_place place, const struct daemons_service *service)
{
    const char *words = words_find(daemon, want, place);

    if (words == NULL) {
        return false;
    }
    text_buffer_add(text, " (in %s%s: ", daemon->name, want_names[want]);
    words_add(text, words, place, service);
    text_buffer_add(text, "%s)", drops_other_sockets(words) ? " and again what else the unit listens on" : "");
    return true;
}
