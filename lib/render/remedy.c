/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to change, drawn from the evidence: the socket option, the sysctl, systemd's setting and, where the unit tells
 * for sure which daemon it is, the daemon's own directive.
 */
#include "config.h"

#include "render/remedy.h"

#include "render/daemons.h"
#include "render/wording.h"

#include <stdio.h>
#include <string.h>

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

/* True when loopback is all that the service may have, or all that it has: no remedy opens it to the world. */
static bool stays_on_loopback(const struct judge_service *service)
{
    const struct rule *rule = service->rule;

    if (rule->bind_set) {
        return rule->bind_scope[STACK_LOOPBACK] && !rule->bind_scope[STACK_LINK] && rule->bind_count == 0;
    }
    for (size_t i = 0; i < service->listener_count; i++) {
        if (service->listeners[i]->scope != STACK_LOOPBACK) {
            return false;
        }
    }
    return service->listener_count > 0;
}

static void ipv4_lacks(char text[static REMEDY_SIZE], const struct judge_service *service, const struct tally *tally)
{
    bool loopback = stays_on_loopback(service);
    const char *sysctl = tally->host.bindv6only == RECORD_YES
                             ? ", for programs that do not set it themselves sysctl net.ipv6.bindv6only=0"
                             : "";

    if (!loopback && v6only_wildcard(service) != NULL) {
        snprintf(text, REMEDY_SIZE,
                 "turn IPV6_V6ONLY off on [::]:%u (systemd socket: BindIPv6Only=both%s) or listen on 0.0.0.0:%u too",
                 (unsigned)service->port, sysctl, (unsigned)service->port);
    } else {
        snprintf(text, REMEDY_SIZE, "listen on %s:%u too", loopback ? "127.0.0.1" : "0.0.0.0", (unsigned)service->port);
    }
}

static void ipv6_lacks(char text[static REMEDY_SIZE], const struct judge_service *service, const struct tally *tally)
{
    if (tally->host.ipv6 == RECORD_NO) {
        snprintf(text, REMEDY_SIZE, "give this host an IPv6 address%s",
                 tally->host.disable_ipv6 == RECORD_YES ? ", IPv6 is off by sysctl net.ipv6.conf.all.disable_ipv6=1"
                                                        : "");
    } else {
        snprintf(text, REMEDY_SIZE, "listen on [%s]:%u too",
                 stays_on_loopback(service) ? "::1" : "::", (unsigned)service->port);
    }
}

static void ipv4_taken(char text[static REMEDY_SIZE], const struct judge_service *service,
                       const struct tally_listener *listener)
{
    char endpoint[WORDING_SIZE];

    wording_endpoint(endpoint, service, listener);
    if (is_inet6_wildcard(listener)) {
        snprintf(text, REMEDY_SIZE,
                 "set IPV6_V6ONLY on %.100s (systemd socket: BindIPv6Only=ipv6-only, for programs that do not set it "
                 "themselves sysctl net.ipv6.bindv6only=1)",
                 endpoint);
    } else {
        snprintf(text, REMEDY_SIZE, "do not listen on %.100s", endpoint);
    }
}

static void ipv6_taken(char text[static REMEDY_SIZE], const struct judge_service *service,
                       const struct tally_listener *listener)
{
    char endpoint[WORDING_SIZE];

    wording_endpoint(endpoint, service, listener);
    if (is_inet6_wildcard(listener) && listener->v6only != RECORD_V6ONLY_YES) {
        snprintf(text, REMEDY_SIZE, "listen on %s:%u in place of %.100s",
                 stays_on_loopback(service) ? "127.0.0.1" : "0.0.0.0", (unsigned)service->port, endpoint);
    } else {
        snprintf(text, REMEDY_SIZE, "do not listen on %.100s", endpoint);
    }
}

static void form_differs(char text[static REMEDY_SIZE], const struct judge_service *service)
{
    unsigned port = service->port;

    if (service->rule->form == STACK_SPLIT) {
        snprintf(text, REMEDY_SIZE, "set IPV6_V6ONLY on [::]:%u and listen on 0.0.0.0:%u too", port, port);
    } else if (stays_on_loopback(service)) {
        snprintf(text, REMEDY_SIZE, "say form=split, no address of loopback takes both families");
    } else {
        snprintf(text, REMEDY_SIZE, "listen on [::]:%u alone, with IPV6_V6ONLY off", port);
    }
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

/* True for what the daemon's directives can change. */
static bool is_of_addresses(enum judge_cause cause, const struct tally *tally)
{
    switch (cause) {
    case JUDGE_NO_IPV6:
        return tally->host.ipv6 != RECORD_NO;
    case JUDGE_NO_IPV4:
    case JUDGE_TAKES_IPV4:
    case JUDGE_TAKES_IPV6:
    case JUDGE_FORM:
    case JUDGE_BIND:
        return true;
    default:
        return false;
    }
}

/* What the rule makes of the service; with "any" only another address is left to ask for. */
static enum daemons_want wanted(const struct rule *rule)
{
    const struct rule_requirement_row *row = rule_requirement_of(rule->requirement);

    if (!row->needs_ipv4 && !row->needs_ipv6) {
        return DAEMONS_ADDRESS;
    }
    if (row->bars_ipv4 || row->bars_ipv6) {
        return row->bars_ipv6 ? DAEMONS_V4_ONLY : DAEMONS_V6_ONLY;
    }
    return rule->form == STACK_SPLIT ? DAEMONS_SPLIT : rule->form == STACK_SINGLE ? DAEMONS_SINGLE : DAEMONS_DUAL;
}

static enum daemons_place place_of(const struct judge_service *service)
{
    if (stays_on_loopback(service)) {
        return DAEMONS_LOOPBACK;
    }
    for (size_t i = 0; i < service->listener_count; i++) {
        if (record_is_wildcard(service->listeners[i]->family, &service->listeners[i]->address)) {
            return DAEMONS_EVERYWHERE;
        }
    }
    return DAEMONS_ELSEWHERE;
}

static const struct daemons_daemon *daemon_of(const struct judge_service *service)
{
    const struct daemons_daemon *daemon = NULL;

    for (size_t i = 0; i < service->listener_count && daemon == NULL; i++) {
        if (service->listeners[i]->unit_state == TALLY_UNIT_KNOWN) {
            daemon = daemons_find(service->listeners[i]->unit);
        }
    }
    return daemon;
}

/* Appends the daemon's own words, once for all reasons of a service: they make it what the rule demands as a whole. */
static void daemon_add(char text[static REMEDY_SIZE], const struct judge_service *service,
                       const struct judge_reason *reason, const struct tally *tally)
{
    const struct daemons_daemon *daemon = daemon_of(service);
    const struct rule *rule = service->rule;
    const struct daemons_service asked = {.protocol = service->protocol, .port = service->port};

    /* A rule of one scope does not know what else the port has. */
    if (daemon == NULL || rule->scope != RULE_ANY_SCOPE || !is_of_addresses(reason->cause, tally)) {
        return;
    }
    for (const struct judge_reason *other = service->reasons; other < reason; other++) {
        if (is_of_addresses(other->cause, tally)) {
            return;
        }
    }
    if (rule->bind_set && !stays_on_loopback(service)) {
        daemons_add(text, REMEDY_SIZE, daemon, DAEMONS_ADDRESS, DAEMONS_ELSEWHERE, &asked);
        return;
    }
    daemons_add(text, REMEDY_SIZE, daemon, wanted(rule), place_of(service), &asked);
}

const char *remedy_format(char text[static REMEDY_SIZE], const struct judge_service *service,
                          const struct judge_reason *reason, const struct tally *tally)
{
    char words[WORDING_SIZE];

    *text = '\0';
    switch (reason->cause) {
    case JUDGE_NOTHING_LISTENS:
        missing_format(text, service);
        break;
    case JUDGE_NO_IPV4:
        ipv4_lacks(text, service, tally);
        break;
    case JUDGE_NO_IPV6:
        ipv6_lacks(text, service, tally);
        break;
    case JUDGE_TAKES_IPV4:
        ipv4_taken(text, service, reason->listener);
        break;
    case JUDGE_TAKES_IPV6:
        ipv6_taken(text, service, reason->listener);
        break;
    case JUDGE_LISTENS:
        snprintf(text, REMEDY_SIZE, "stop it: %s", wording_owner(words, reason->listener));
        break;
    case JUDGE_FORM:
        form_differs(text, service);
        break;
    case JUDGE_BIND:
        snprintf(text, REMEDY_SIZE, "bind it to an address inside %.200s", service->rule->bind_words);
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
    daemon_add(text, service, reason, tally);
    return text;
}
