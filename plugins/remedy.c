/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to change, drawn from the evidence: the socket option, the sysctl, systemd's setting and, where the unit tells
 * for sure which daemon it is, the daemon's own directive.
 */
#include "config.h"

#include "remedy.h"

#include "words.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* What there is to do about a service's sockets. */
enum deed {
    DEED_NONE,
    DEED_ADD_IPV6,   /* accept IPv6 as well */
    DEED_ADD_IPV4,   /* accept IPv4 as well */
    DEED_DROP_IPV4,  /* of a [::] socket that takes both */
    DEED_DROP_INET,  /* close the AF_INET socket */
    DEED_DROP_INET6, /* close the AF_INET6 socket */
    DEED_BIND,       /* listen elsewhere */
    DEEDS
};

/* A daemon's own words for each deed; PORT stands for the number. */
static const struct daemon {
    const char *unit; /* glob */
    const char *name;
    const char *words[DEEDS];
} daemons[] = {
    {"nginx*.service",
     "nginx",
     {[DEED_ADD_IPV6] = "listen [::]:PORT",
      [DEED_ADD_IPV4] = "listen PORT",
      [DEED_DROP_IPV4] = "listen [::]:PORT ipv6only=on",
      [DEED_DROP_INET] = "no listen PORT",
      [DEED_DROP_INET6] = "no listen [::]:PORT",
      [DEED_BIND] = "listen ADDRESS:PORT"}},
    {"ssh*.service",
     "sshd",
     {[DEED_ADD_IPV6] = "AddressFamily any",
      [DEED_ADD_IPV4] = "AddressFamily any",
      [DEED_DROP_INET] = "AddressFamily inet6",
      [DEED_DROP_INET6] = "AddressFamily inet",
      [DEED_BIND] = "ListenAddress ADDRESS"}},
    {"apache2*.service",
     "Apache",
     {[DEED_ADD_IPV6] = "Listen PORT",
      [DEED_ADD_IPV4] = "Listen PORT",
      [DEED_DROP_IPV4] = "Listen [ADDRESS]:PORT",
      [DEED_DROP_INET] = "no Listen 0.0.0.0:PORT",
      [DEED_DROP_INET6] = "Listen 0.0.0.0:PORT",
      [DEED_BIND] = "Listen ADDRESS:PORT"}},
    {"postgresql*.service",
     "PostgreSQL",
     {[DEED_ADD_IPV6] = "listen_addresses = '*'",
      [DEED_ADD_IPV4] = "listen_addresses = '*'",
      [DEED_DROP_INET] = "listen_addresses = '::'",
      [DEED_DROP_INET6] = "listen_addresses = '0.0.0.0'",
      [DEED_BIND] = "listen_addresses = 'ADDRESS'"}},
    {"redis*.service",
     "Redis",
     {[DEED_ADD_IPV6] = "bind * -::*",
      [DEED_ADD_IPV4] = "bind * -::*",
      [DEED_DROP_INET] = "bind ::",
      [DEED_DROP_INET6] = "bind 0.0.0.0",
      [DEED_BIND] = "bind ADDRESS"}},
    {"haproxy*.service",
     "HAProxy",
     {[DEED_ADD_IPV6] = "bind :::PORT v6only",
      [DEED_ADD_IPV4] = "bind *:PORT",
      [DEED_DROP_IPV4] = "bind :::PORT v6only",
      [DEED_DROP_INET] = "no bind *:PORT",
      [DEED_DROP_INET6] = "no bind :::PORT",
      [DEED_BIND] = "bind ADDRESS:PORT"}},
    {"node*.service",
     "Node.js",
     {[DEED_ADD_IPV6] = "server.listen({port: PORT, host: '::'})",
      [DEED_ADD_IPV4] = "server.listen({port: PORT, host: '::'})",
      [DEED_DROP_IPV4] = "server.listen({port: PORT, host: '::', ipv6Only: true})",
      [DEED_DROP_INET6] = "server.listen({port: PORT, host: '0.0.0.0'})",
      [DEED_BIND] = "server.listen({port: PORT, host: 'ADDRESS'})"}},
    {"tomcat*.service",
     "Java",
     {[DEED_ADD_IPV6] = "no -Djava.net.preferIPv4Stack=true",
      [DEED_ADD_IPV4] = "no address= in the Connector",
      [DEED_DROP_INET6] = "-Djava.net.preferIPv4Stack=true",
      [DEED_BIND] = "address=ADDRESS in the Connector"}},
};

#define PORT_WORD "PORT"

static const struct daemon *daemon_find(const struct judge_service *service)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        for (size_t j = 0; listener->unit_state == TALLY_UNIT_KNOWN && j < sizeof daemons / sizeof *daemons; j++) {
            if (fnmatch(daemons[j].unit, listener->unit, 0) == 0) {
                return &daemons[j];
            }
        }
    }
    return NULL;
}

/* Appends " (in nginx: listen [::]:443)". */
static void directive_add(char text[static REMEDY_SIZE], const struct judge_service *service, enum deed deed)
{
    const struct daemon *daemon = daemon_find(service);
    const char *words = daemon != NULL ? daemon->words[deed] : NULL;
    const char *port = words != NULL ? strstr(words, PORT_WORD) : NULL;
    size_t length = strlen(text);

    if (words == NULL) {
        return;
    }
    if (port == NULL) {
        snprintf(text + length, REMEDY_SIZE - length, " (in %s: %s)", daemon->name, words);
        return;
    }
    snprintf(text + length, REMEDY_SIZE - length, " (in %s: %.*s%u%s)", daemon->name, (int)(port - words), words,
             (unsigned)service->port, port + strlen(PORT_WORD));
}

static bool is_inet6_wildcard(const struct tally_listener *listener)
{
    return listener->family == RECORD_INET6 && record_is_wildcard(RECORD_INET6, &listener->address);
}

/* The [::] listener that is deaf to IPv4 for its v6only alone, NULL for none. */
static const struct tally_listener *v6only_wildcard(const struct judge_service *service)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        if (is_inet6_wildcard(service->listeners[i]) && service->listeners[i]->v6only == RECORD_V6ONLY_YES) {
            return service->listeners[i];
        }
    }
    return NULL;
}

static enum deed ipv4_lacks(char text[static REMEDY_SIZE], const struct judge_service *service,
                            const struct tally *tally)
{
    const char *sysctl = tally->host.bindv6only == RECORD_YES ? ", for all programs sysctl net.ipv6.bindv6only=0" : "";

    if (v6only_wildcard(service) != NULL) {
        snprintf(text, REMEDY_SIZE,
                 "turn IPV6_V6ONLY off on [::]:%u (systemd socket: BindIPv6Only=both%s) or listen on 0.0.0.0:%u too",
                 (unsigned)service->port, sysctl, (unsigned)service->port);
    } else {
        snprintf(text, REMEDY_SIZE, "listen on 0.0.0.0:%u too", (unsigned)service->port);
    }
    return DEED_ADD_IPV4;
}

static enum deed ipv6_lacks(char text[static REMEDY_SIZE], const struct judge_service *service,
                            const struct tally *tally)
{
    if (tally->host.ipv6 == RECORD_NO) {
        snprintf(text, REMEDY_SIZE, "give this host an IPv6 address%s",
                 tally->host.disable_ipv6 == RECORD_YES ? ", IPv6 is off by sysctl net.ipv6.conf.all.disable_ipv6=1"
                                                        : "");
        return DEED_NONE;
    }
    snprintf(text, REMEDY_SIZE, "listen on [::]:%u too", (unsigned)service->port);
    return DEED_ADD_IPV6;
}

static enum deed ipv4_taken(char text[static REMEDY_SIZE], const struct judge_service *service,
                            const struct tally_listener *listener)
{
    char endpoint[WORDS_SIZE];

    words_endpoint(endpoint, service, listener);
    if (is_inet6_wildcard(listener)) {
        snprintf(text, REMEDY_SIZE,
                 "set IPV6_V6ONLY on %.100s (systemd socket: BindIPv6Only=ipv6-only, for all programs sysctl "
                 "net.ipv6.bindv6only=1)",
                 endpoint);
        return DEED_DROP_IPV4;
    }
    snprintf(text, REMEDY_SIZE, "do not listen on %.100s", endpoint);
    return DEED_DROP_INET;
}

static enum deed ipv6_taken(char text[static REMEDY_SIZE], const struct judge_service *service,
                            const struct tally_listener *listener)
{
    char endpoint[WORDS_SIZE];

    words_endpoint(endpoint, service, listener);
    if (is_inet6_wildcard(listener) && listener->v6only != RECORD_V6ONLY_YES) {
        snprintf(text, REMEDY_SIZE, "listen on 0.0.0.0:%u in place of %.100s", (unsigned)service->port, endpoint);
    } else {
        snprintf(text, REMEDY_SIZE, "do not listen on %.100s", endpoint);
    }
    return DEED_DROP_INET6;
}

static enum deed form_differs(char text[static REMEDY_SIZE], const struct judge_service *service)
{
    if (service->rule->form == STACK_SPLIT) {
        snprintf(text, REMEDY_SIZE, "set IPV6_V6ONLY on [::]:%u and listen on 0.0.0.0:%u too", (unsigned)service->port,
                 (unsigned)service->port);
        return DEED_DROP_IPV4;
    }
    snprintf(text, REMEDY_SIZE, "listen on [::]:%u alone, with IPV6_V6ONLY off", (unsigned)service->port);
    return DEED_NONE;
}

static void missing_format(char text[static REMEDY_SIZE], const struct judge_service *service)
{
    const char *unit = service->rule->unit;

    if (unit != NULL && strpbrk(unit, "*?[") == NULL) {
        snprintf(text, REMEDY_SIZE, "start %.200s", unit);
    } else {
        snprintf(text, REMEDY_SIZE, "start the service, or say missing=ok where it may be absent");
    }
}

const char *remedy_format(char text[static REMEDY_SIZE], const struct judge_service *service,
                          const struct judge_reason *reason, const struct tally *tally)
{
    enum deed deed = DEED_NONE;
    char words[WORDS_SIZE];

    *text = '\0';
    switch (reason->cause) {
    case JUDGE_NOTHING_LISTENS:
        missing_format(text, service);
        break;
    case JUDGE_NO_IPV4:
        deed = ipv4_lacks(text, service, tally);
        break;
    case JUDGE_NO_IPV6:
        deed = ipv6_lacks(text, service, tally);
        break;
    case JUDGE_TAKES_IPV4:
        deed = ipv4_taken(text, service, reason->listener);
        break;
    case JUDGE_TAKES_IPV6:
        deed = ipv6_taken(text, service, reason->listener);
        break;
    case JUDGE_LISTENS:
        snprintf(text, REMEDY_SIZE, "stop it: %s", words_owner(words, reason->listener));
        break;
    case JUDGE_FORM:
        deed = form_differs(text, service);
        break;
    case JUDGE_BIND:
        snprintf(text, REMEDY_SIZE, "bind it to an address inside %.200s", words_option(words, service->rule, "bind"));
        deed = DEED_BIND;
        break;
    case JUDGE_MAPPED:
        snprintf(text, REMEDY_SIZE, "--list shows these clients, they come over IPv4");
        break;
    case JUDGE_V6ONLY_UNKNOWN:
        snprintf(text, REMEDY_SIZE, "let the check ask the kernel by netlink, on the host itself");
        break;
    default:
        break;
    }
    if (deed != DEED_NONE) {
        directive_add(text, service, deed);
    }
    return text;
}
