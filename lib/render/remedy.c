/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to change, drawn from the evidence: the socket option, the sysctl, systemd's setting and, where the unit proves
 * which daemon it is, the daemon's own directive.
 */
#include "config.h"

#include "render/remedy.h"

#include "render/daemons.h"
#include "render/wording.h"
#include "socket/protocol.h"

#include <string.h>

/* Of a value that a rule has, so that there is room for the rest of the remedy. */
#define VALUE_MOST 200

static bool is_inet6_wildcard(const struct tally_listener *listener)
{
    return listener->family == RECORD_INET6 && record_is_wildcard(RECORD_INET6, &listener->address);
}

/* True when a listener on [::] takes no IPv4 for its v6only alone. */
static bool v6only_wildcard_listens(const struct judge_service *service)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        if (is_inet6_wildcard(service->listeners[i]) && service->listeners[i]->v6only == RECORD_V6ONLY_YES) {
            return true;
        }
    }
    return false;
}

/* True when loopback is all that the service may have, or all that it has: no remedy opens it to other hosts. */
static bool stays_on_loopback(const struct judge_service *service)
{
    const struct rule *rule = service->rule;

    if (rule->bind_set) {
        return rule->bind_scope[SCOPE_LOOPBACK] && !rule->bind_scope[SCOPE_LINK] && rule->bind_count == 0 &&
               rule->bind_interface_count == 0;
    }
    if (rule->reach_set && rule->reach == REACH_LOOPBACK) {
        return true;
    }
    for (size_t i = 0; i < service->listener_count; i++) {
        if (service->listeners[i]->scope != SCOPE_LOOPBACK) {
            return false;
        }
    }
    return service->listener_count > 0;
}

/* The scopes of an address that would let the family be reached from as far as the other one. */
static unsigned scopes_needed(const struct judge_service *service, enum record_family family)
{
    enum reach_extent other = service->stack.extent[family == RECORD_INET ? RECORD_INET6 : RECORD_INET];
    unsigned scopes = SCOPE_BIT(SCOPES) - 1;

    return other == REACH_NONE ? scopes : scopes & ~(SCOPE_BIT(other - 1) - 1);
}

/* Does the host have an address of one of these scopes? True where that is not known. */
static bool host_has(const struct tally *tally, enum record_family family, unsigned scopes)
{
    if (family == RECORD_INET6 && tally->host.ipv6 == RECORD_NO) {
        return false;
    }
    return !tally->addresses.families[family].known || (tally->addresses.families[family].scopes & scopes) != 0;
}

static void host_address_add(struct text_buffer *text, const struct tally *tally, enum record_family family)
{
    text_buffer_add(text, "give this host an ");
    wording_add_lacking_address(text, tally, family);
    if (family == RECORD_INET6 && tally->host.disable_ipv6 == RECORD_YES) {
        text_buffer_add(text, " (IPv6 is off by sysctl net.ipv6.conf.all.disable_ipv6=1)");
    }
}

/* What lets a listener be reached as far as it is bound. Returns false where only another address would. */
static bool limit_add(struct text_buffer *text, const struct tally *tally, const struct tally_listener *listener,
                      enum record_family family)
{
    const char *interface = listener->interface_name;
    char address[RECORD_ADDRESS_SIZE];

    switch (tally_reach(tally, listener, family).limit) {
    case REACH_HOST_ADDRESSES:
        host_address_add(text, tally, family);
        return true;
    case REACH_ADDRESS_ABSENT:
        record_address_format(address, listener->family, &listener->address);
        text_buffer_add(text, "give this host the address %s, or listen on one that it has", address);
        return true;
    case REACH_INTERFACE_GONE:
        text_buffer_add(text, "restart it when the interface is there again, or do not bind it to an interface");
        return true;
    case REACH_INTERFACE_DOWN:
        text_buffer_add(text, "bring %s up", interface);
        return true;
    case REACH_INTERFACE_ADDRESSES:
        text_buffer_add(text, "give %s an %s address", interface, family == RECORD_INET ? "IPv4" : "IPv6");
        return true;
    case REACH_INTERFACE_NO_IPV6:
        text_buffer_add(text, "enable IPv6 on %s: net.ipv6.conf.%s.disable_ipv6=0, and an MTU of at least 1280",
                        interface, interface);
        return true;
    case REACH_NOT_LOOPBACK:
        text_buffer_add(text, "do not bind it to %s", interface);
        return true;
    default:
        return false;
    }
}

/* Another listener brings the family, if the host has an address for it. */
static void listener_lacks_add(struct text_buffer *text, const struct judge_service *service, const struct tally *tally,
                               enum record_family family)
{
    static const char *const loopback[RECORD_FAMILIES] = {[RECORD_INET] = "127.0.0.1", [RECORD_INET6] = "[::1]"};
    static const char *const wildcards[RECORD_FAMILIES] = {[RECORD_INET] = "0.0.0.0", [RECORD_INET6] = "[::]"};
    unsigned port = service->port;
    const char *sysctl = tally->host.bindv6only == RECORD_YES
                             ? ", for programs that do not set it themselves sysctl net.ipv6.bindv6only=0"
                             : "";

    if (stays_on_loopback(service)) {
        if (!host_has(tally, family, SCOPE_BIT(SCOPE_LOOPBACK))) {
            text_buffer_add(text, "give lo the address %s and ", family == RECORD_INET ? "127.0.0.1" : "::1");
        }
        text_buffer_add(text, "listen on %s:%u too", loopback[family], port);
    } else if (!host_has(tally, family, scopes_needed(service, family))) {
        host_address_add(text, tally, family);
        text_buffer_add(text, " and listen on it too");
    } else if (family == RECORD_INET && v6only_wildcard_listens(service)) {
        text_buffer_add(text,
                        "turn IPV6_V6ONLY off on [::]:%u (systemd socket: BindIPv6Only=both%s) or listen on "
                        "0.0.0.0:%u too",
                        port, sysctl, port);
    } else {
        text_buffer_add(text, "listen on %s:%u too", wildcards[family], port);
    }
}

static void family_lacks_add(struct text_buffer *text, const struct judge_service *service, const struct tally *tally,
                             enum record_family family)
{
    const struct tally_listener *widest = service->as_bound ? NULL : judge_widest_listener(service, tally, family);

    if (widest == NULL || !limit_add(text, tally, widest, family)) {
        listener_lacks_add(text, service, tally, family);
    }
}

static void ipv4_taken_add(struct text_buffer *text, const struct judge_service *service,
                           const struct tally_listener *listener)
{
    bool is_wildcard = is_inet6_wildcard(listener);

    text_buffer_add(text, is_wildcard ? "set IPV6_V6ONLY on " : "do not listen on ");
    wording_add_endpoint(text, service, listener);
    if (is_wildcard) {
        text_buffer_add(text, " (systemd socket: BindIPv6Only=ipv6-only, for programs that do not set it themselves "
                              "sysctl net.ipv6.bindv6only=1)");
    }
}

static void ipv6_taken_add(struct text_buffer *text, const struct judge_service *service,
                           const struct tally_listener *listener)
{
    if (is_inet6_wildcard(listener) && listener->v6only != RECORD_V6ONLY_YES) {
        text_buffer_add(text, "listen on %s:%u in place of ", stays_on_loopback(service) ? "127.0.0.1" : "0.0.0.0",
                        (unsigned)service->port);
    } else {
        text_buffer_add(text, "do not listen on ");
    }
    wording_add_endpoint(text, service, listener);
}

static void form_add(struct text_buffer *text, const struct judge_service *service)
{
    unsigned port = service->port;

    if (service->rule->form == STACK_SPLIT) {
        text_buffer_add(text, "set IPV6_V6ONLY on [::]:%u and listen on 0.0.0.0:%u too", port, port);
    } else if (stays_on_loopback(service)) {
        text_buffer_add(text, "say form=split, no address of loopback takes both families");
    } else {
        text_buffer_add(text, "listen on [::]:%u alone, with IPV6_V6ONLY off", port);
    }
}

static void bind_add(struct text_buffer *text, const struct rule *rule)
{
    text_buffer_add(text, "bind it to an address%s inside ", rule->bind_interface_count > 0 ? " or interface" : "");
    text_buffer_add_cut(text, rule->bind_words, VALUE_MOST);
}

static void reach_add(struct text_buffer *text, const struct judge_service *service,
                      const struct tally_listener *listener)
{
    bool has_unit = listener->unit_state == TALLY_UNIT_KNOWN && listener->unit[0] != '/';

    if (service->rule->reach == REACH_NONE) {
        text_buffer_add(text, has_unit ? "stop " : "stop the program of ");
        wording_add_owner(text, listener);
    } else {
        text_buffer_add(text, "bind it to %s",
                        service->rule->reach == REACH_LINK ? "a link-local address" : "loopback");
    }
    text_buffer_add(text, ", or allow it in the policy with a wider reach=");
}

/* What UDP sockets of a resolver are is not seen: its service, or its own questions to others. */
static void stop_add(struct text_buffer *text, const struct judge_service *service,
                     const struct tally_listener *listener)
{
    bool has_unit = listener->unit_state == TALLY_UNIT_KNOWN && listener->unit[0] != '/';

    text_buffer_add(text, "stop it: ");
    wording_add_owner(text, listener);
    if (has_unit && protocol_of(service->protocol)->shares_client_ports &&
        !rule_names_port(service->rule, service->port)) {
        text_buffer_add(text, ". If it is a client's socket, add except-unit=");
        text_buffer_add_cut(text, listener->unit, VALUE_MOST);
        text_buffer_add(text, " to the rule");
    }
}

static void missing_add(struct text_buffer *text, const struct judge_service *service)
{
    const char *unit = service->rule->unit;

    if (unit != NULL && strpbrk(unit, "*?[") == NULL) {
        text_buffer_add(text, "start ");
        text_buffer_add_cut(text, unit, VALUE_MOST);
    } else {
        text_buffer_add(text, "start the service, or say missing=ok where it may be absent");
    }
}

/* True where another listener brings the family, as the host has an address for it and none listens there yet. */
static bool listener_brings(const struct judge_service *service, const struct tally *tally, enum record_family family)
{
    const struct tally_listener *widest = judge_widest_listener(service, tally, family);
    unsigned scopes = stays_on_loopback(service) ? SCOPE_BIT(SCOPE_LOOPBACK) : scopes_needed(service, family);

    return host_has(tally, family, scopes) &&
           (widest == NULL || tally_reach(tally, widest, family).limit == REACH_UNLIMITED);
}

/* True for a cause that the daemon's directives can change. */
static bool is_of_addresses(const struct judge_service *service, const struct judge_reason *reason,
                            const struct tally *tally)
{
    switch (reason->cause) {
    case JUDGE_NO_IPV4:
        return listener_brings(service, tally, RECORD_INET);
    case JUDGE_NO_IPV6:
        return listener_brings(service, tally, RECORD_INET6);
    case JUDGE_TAKES_IPV4:
    case JUDGE_TAKES_IPV6:
    case JUDGE_FORM:
    case JUDGE_BIND:
        return true;
    default:
        return false;
    }
}

/* What the rule wants the service to be; with "any" only another address is left to ask for. */
static enum daemons_want want_of(const struct rule *rule)
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

/* Adds the daemon's own words, once for all reasons of a service: they make it what the rule demands as a whole. */
static void daemon_add(struct text_buffer *text, const struct judge_service *service, const struct judge_reason *reason,
                       const struct tally *tally)
{
    const struct daemons_daemon *daemon = daemon_of(service);
    const struct rule *rule = service->rule;
    const struct daemons_service asked = {.protocol = service->protocol, .port = service->port};

    /* A rule of one scope does not know what else the port has. */
    if (daemon == NULL || rule->scope != RULE_ANY_SCOPE || !is_of_addresses(service, reason, tally)) {
        return;
    }
    for (const struct judge_reason *other = service->reasons; other < reason; other++) {
        if (is_of_addresses(service, other, tally)) {
            return;
        }
    }
    if (rule->bind_set && !stays_on_loopback(service)) {
        daemons_add(text, daemon, DAEMONS_ADDRESS, DAEMONS_ELSEWHERE, &asked);
        return;
    }
    daemons_add(text, daemon, want_of(rule), place_of(service), &asked);
}

const char *remedy_format(char text[static REMEDY_SIZE], const struct judge_service *service,
                          const struct judge_reason *reason, const struct tally *tally)
{
    struct text_buffer remedy = text_buffer_start(text, REMEDY_SIZE);

    switch (reason->cause) {
    case JUDGE_NOTHING_LISTENS:
        missing_add(&remedy, service);
        break;
    case JUDGE_NO_IPV4:
        family_lacks_add(&remedy, service, tally, RECORD_INET);
        break;
    case JUDGE_NO_IPV6:
        family_lacks_add(&remedy, service, tally, RECORD_INET6);
        break;
    case JUDGE_TAKES_IPV4:
        ipv4_taken_add(&remedy, service, reason->listener);
        break;
    case JUDGE_TAKES_IPV6:
        ipv6_taken_add(&remedy, service, reason->listener);
        break;
    case JUDGE_LISTENS:
        stop_add(&remedy, service, reason->listener);
        break;
    case JUDGE_FORM:
        form_add(&remedy, service);
        break;
    case JUDGE_BIND:
        bind_add(&remedy, service->rule);
        break;
    case JUDGE_REACH:
        reach_add(&remedy, service, reason->listener);
        break;
    case JUDGE_MAPPED:
    case JUDGE_IPV4:
        text_buffer_add(&remedy, "--list shows these clients, they come over IPv4");
        break;
    case JUDGE_V6ONLY_UNKNOWN:
    case JUDGE_BIND_UNKNOWN:
    case JUDGE_REACH_UNKNOWN:
        text_buffer_add(&remedy, "let the check ask the kernel by netlink, on the host itself");
        break;
    default:
        break;
    }
    daemon_add(&remedy, service, reason, tally);
    return text;
}
