/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Verdicts in words: what text and JSON have in common.
 */
#include "config.h"

#include "render/wording.h"

#include "plugin/text_buffer.h"
#include "socket/protocol.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *wording_service(char text[static WORDING_SIZE], const struct judge_service *service)
{
    const struct rule *rule = service->rule;
    bool named = rule != NULL && rule->named;
    bool scoped = rule != NULL && rule->scope != RULE_ANY_SCOPE;

    snprintf(text, WORDING_SIZE, "%s%s%u/%s%s%s", named ? rule->name : "", named ? " " : "", (unsigned)service->port,
             protocol_name(service->protocol), scoped ? "@" : "",
             scoped ? stack_scope_name((enum stack_scope)rule->scope) : "");
    return text;
}

const char *wording_endpoint(char text[static WORDING_SIZE], const struct judge_service *service,
                             const struct tally_listener *listener)
{
    char endpoint[RECORD_ENDPOINT_SIZE];

    assert(listener != NULL); /* a cause that blames a listener has one: see judge_service.c */
    record_endpoint_format(endpoint, listener->family, &listener->address, service->port, listener->interface_name);
    snprintf(text, WORDING_SIZE, "%s", endpoint);
    return text;
}

/* The listener through which a family reaches as far as it does. */
static const struct tally_listener *widest(const struct judge_service *service, bool ipv4)
{
    const struct tally_listener *found = NULL;

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        struct stack_accepts accepts = tally_accepts(listener);
        bool takes = (ipv4 ? accepts.ipv4 : accepts.ipv6) == RECORD_YES;
        if (takes && (found == NULL || listener->scope > found->scope)) {
            found = listener;
        }
    }
    return found;
}

/* The address in brackets where it is IPv6, without a port. */
static void address_format(char text[static WORDING_SIZE], const struct tally_listener *listener)
{
    char address[RECORD_ADDRESS_SIZE];

    record_address_format(address, listener->family, &listener->address);
    snprintf(text, WORDING_SIZE, listener->family == RECORD_INET6 ? "[%s]" : "%s", address);
}

const char *wording_stack(char text[static WORDING_SIZE], const struct judge_service *service)
{
    static const char *const outside[] = {
        [REACH_NONE] = "",
        [REACH_LOOPBACK] = " outside loopback",
        [REACH_LINK] = " outside the link",
        [REACH_EXTERNAL] = "",
    };
    const struct stack *stack = &service->stack;
    bool ipv4_narrow = stack->extent[RECORD_INET] < stack->extent[RECORD_INET6];
    const struct tally_listener *narrow = stack->lopsided ? widest(service, ipv4_narrow) : NULL;
    char address[WORDING_SIZE];

    if (narrow == NULL) {
        /* Bound, but nothing arrives there: the host has no IPv6 address. */
        bool deaf = stack->kind == STACK_CLOSED && service->listener_count > 0;
        snprintf(text, WORDING_SIZE, "%s", deaf ? "out of reach without IPv6" : stack_kind_name(stack->kind));
        return text;
    }
    address_format(address, narrow);
    snprintf(text, WORDING_SIZE, "%s%s, %s on %.100s only", stack_kind_name(stack->kind),
             outside[stack->extent[ipv4_narrow ? RECORD_INET : RECORD_INET6]], ipv4_narrow ? "IPv4" : "IPv6", address);
    return text;
}

const char *wording_requirement(enum rule_requirement requirement)
{
    return rule_requirement_of(requirement)->phrase;
}

bool wording_requirement_is_kept(const struct judge_service *service)
{
    for (size_t i = 0; i < service->reason_count; i++) {
        switch (service->reasons[i].cause) {
        case JUDGE_FORM:
        case JUDGE_BIND:
        case JUDGE_UNIT:
        case JUDGE_UNIT_UNKNOWN:
        case JUDGE_USER:
        case JUDGE_MAPPED:
            break;
        default:
            return false;
        }
    }
    return true;
}

const char *wording_owner(char text[static WORDING_SIZE], const struct tally_listener *listener)
{
    bool has_unit = listener->unit_state == TALLY_UNIT_KNOWN && listener->unit[0] != '/';
    const char *gone = listener->unit_state == TALLY_UNIT_GONE ? ", its unit is gone" : "";

    if (listener->unit_state == TALLY_UNIT_NOT_ASKED) {
        *text = '\0';
    } else if (has_unit) {
        snprintf(text, WORDING_SIZE, "%s", listener->unit);
    } else if (listener->user != NULL) {
        snprintf(text, WORDING_SIZE, "user %s%s", listener->user, gone);
    } else {
        snprintf(text, WORDING_SIZE, "user %lu%s", (unsigned long)listener->uid, gone);
    }
    return text;
}

const char *wording_listener(char text[static WORDING_SIZE], const struct judge_service *service,
                             const struct tally_listener *listener)
{
    char endpoint[WORDING_SIZE];
    char owner[WORDING_SIZE];

    wording_endpoint(endpoint, service, listener);
    wording_owner(owner, listener);
    snprintf(text, WORDING_SIZE, *owner != '\0' ? "%.100s (%.200s)" : "%.100s", endpoint, owner);
    return text;
}

const char *wording_accepts(struct stack_accepts accepts)
{
    static const char *const words[3][3] = {
        [RECORD_NO] = {[RECORD_NO] = "nothing", [RECORD_YES] = "IPv6", [RECORD_UNKNOWN] = "perhaps IPv6"},
        [RECORD_YES] = {[RECORD_NO] = "IPv4", [RECORD_YES] = "IPv4+IPv6", [RECORD_UNKNOWN] = "IPv4, and IPv6 unknown"},
        [RECORD_UNKNOWN] =
            {[RECORD_NO] = "IPv4 unknown", [RECORD_YES] = "IPv6, and IPv4 unknown", [RECORD_UNKNOWN] = "unknown"},
    };

    return words[accepts.ipv4][accepts.ipv6];
}

static void mapped_add(struct text_buffer *text, uint64_t count, const struct range *range)
{
    char demand[RANGE_WORDS_SIZE];

    text_buffer_add_count(text, count, "v4-mapped connection");
    text_buffer_add(text, ", must be %s", range_words_format(demand, range));
}

/* Nothing accepts a family, or not as far as the other does. */
static void lacks_words(char text[static WORDING_SIZE], const struct judge_service *service, bool ipv4,
                        const struct tally *tally)
{
    const char *family = ipv4 ? "IPv4" : "IPv6";
    const struct tally_listener *narrow = service->stack.lopsided ? widest(service, ipv4) : NULL;
    char endpoint[WORDING_SIZE];

    if (!ipv4 && tally->host.ipv6 == RECORD_NO) {
        snprintf(text, WORDING_SIZE, "nothing accepts IPv6, this host has no IPv6 address");
    } else if (narrow != NULL) {
        snprintf(text, WORDING_SIZE, "only %.100s accepts %s", wording_endpoint(endpoint, service, narrow), family);
    } else {
        snprintf(text, WORDING_SIZE, "nothing accepts %s", family);
    }
}

static void takes_words(char text[static WORDING_SIZE], const struct judge_service *service,
                        const struct tally_listener *listener, bool ipv4)
{
    char endpoint[WORDING_SIZE];
    bool by_wildcard = ipv4 && listener->family == RECORD_INET6 && record_is_wildcard(RECORD_INET6, &listener->address);

    snprintf(text, WORDING_SIZE, "%.400s %s%s", wording_listener(endpoint, service, listener),
             by_wildcard ? "has IPV6_V6ONLY off and accepts IPv4 too" : "accepts ",
             by_wildcard ? ""
             : ipv4      ? "IPv4"
                         : "IPv6");
}

static void owner_words(char text[static WORDING_SIZE], const struct judge_service *service,
                        const struct judge_reason *reason)
{
    const struct tally_listener *listener = reason->listener;
    char endpoint[WORDING_SIZE];
    char user[64];

    wording_endpoint(endpoint, service, listener);
    if (reason->cause == JUDGE_UNIT) {
        snprintf(text, WORDING_SIZE, "%.100s belongs to %.150s, must be %.100s", endpoint,
                 listener->unit[0] == '/' ? "no unit" : listener->unit, service->rule->unit);
        return;
    }
    snprintf(user, sizeof user, "%lu", (unsigned long)listener->uid);
    snprintf(text, WORDING_SIZE, "%.100s belongs to user %.60s, must be %.60s", endpoint,
             listener->user != NULL ? listener->user : user, service->rule->user);
}

static void unit_unknown_words(char text[static WORDING_SIZE], const struct judge_service *service,
                               const struct tally_listener *listener)
{
    char endpoint[WORDING_SIZE];

    snprintf(text, WORDING_SIZE, "the unit of %.100s cannot be told, %s", wording_endpoint(endpoint, service, listener),
             listener->unit_state == TALLY_UNIT_GONE ? "its cgroup is gone"
                                                     : "the kernel or the source names no cgroup for it");
}

const char *wording_reason(char text[static WORDING_SIZE], const struct judge_service *service,
                           const struct judge_reason *reason, const struct tally *tally)
{
    struct text_buffer words = text_buffer_start(text, WORDING_SIZE);
    char endpoint[WORDING_SIZE] = "";

    if (reason->listener != NULL) {
        wording_endpoint(endpoint, service, reason->listener);
    }
    switch (reason->cause) {
    case JUDGE_NOTHING_LISTENS:
        snprintf(text, WORDING_SIZE, "nothing listens");
        break;
    case JUDGE_NO_IPV4:
    case JUDGE_NO_IPV6:
        lacks_words(text, service, reason->cause == JUDGE_NO_IPV4, tally);
        break;
    case JUDGE_TAKES_IPV4:
    case JUDGE_TAKES_IPV6:
        takes_words(text, service, reason->listener, reason->cause == JUDGE_TAKES_IPV4);
        break;
    case JUDGE_LISTENS:
        snprintf(text, WORDING_SIZE, "%.400s listens", wording_listener(endpoint, service, reason->listener));
        break;
    case JUDGE_FORM:
        snprintf(text, WORDING_SIZE, "its form is %s, must be %s", stack_form_name(service->stack.form),
                 stack_form_name(service->rule->form));
        break;
    case JUDGE_BIND:
        snprintf(text, WORDING_SIZE, "%.280s is outside bind=%.200s",
                 wording_listener(endpoint, service, reason->listener), service->rule->bind_words);
        break;
    case JUDGE_UNIT:
    case JUDGE_USER:
        owner_words(text, service, reason);
        break;
    case JUDGE_MAPPED:
        mapped_add(&words, reason->count, reason->range);
        break;
    case JUDGE_V6ONLY_UNKNOWN:
        snprintf(text, WORDING_SIZE, "whether %.100s accepts IPv4 cannot be told without v6only", endpoint);
        break;
    case JUDGE_IPV6_UNKNOWN:
        snprintf(text, WORDING_SIZE, "whether this host has any IPv6 address cannot be told");
        break;
    case JUDGE_UNIT_UNKNOWN:
        unit_unknown_words(text, service, reason->listener);
        break;
    case JUDGE_CLIENT_UNKNOWN:
        snprintf(text, WORDING_SIZE, "whether %.100s is a client's cannot be told without net.ipv4.ip_local_port_range",
                 endpoint);
        break;
    case JUDGE_UNREADABLE:
        snprintf(text, WORDING_SIZE, "%.500s", tally->unreadable[service->protocol]);
        break;
    }
    return text;
}

/* Of a service that has any. */
static const struct judge_reason *worst_reason(const struct judge_service *service)
{
    const struct judge_reason *worst = service->reasons;

    for (size_t i = 1; i < service->reason_count; i++) {
        if (state_compare(service->reasons[i].state, worst->state) < 0) {
            worst = &service->reasons[i];
        }
    }
    return worst;
}

const char *wording_finding(char text[static WORDING_SIZE], const struct judge_service *service,
                            const struct tally *tally)
{
    const struct judge_reason *worst = worst_reason(service);
    char label[WORDING_SIZE];
    char words[WORDING_SIZE];

    wording_service(label, service);
    switch (worst->cause) {
    case JUDGE_NOTHING_LISTENS:
        snprintf(text, WORDING_SIZE, "%.60s is missing, must %s", label,
                 wording_requirement(service->rule->requirement));
        break;
    case JUDGE_NO_IPV4:
    case JUDGE_NO_IPV6:
    case JUDGE_TAKES_IPV4:
    case JUDGE_TAKES_IPV6:
    case JUDGE_LISTENS:
        snprintf(text, WORDING_SIZE, "%.60s is %.200s, must %s", label, wording_stack(words, service),
                 wording_requirement(service->rule->requirement));
        break;
    case JUDGE_UNREADABLE:
        snprintf(text, WORDING_SIZE, "%.60s cannot be judged", label);
        break;
    default:
        snprintf(text, WORDING_SIZE, "%.60s: %.400s", label, wording_reason(words, service, worst, tally));
        break;
    }
    return text;
}

/* Without a policy: what there is. */
static void inventory_add(struct text_buffer *text, const struct judge_verdict *verdict)
{
    static const enum stack_kind order[] = {STACK_DUAL, STACK_V4_ONLY, STACK_V6_ONLY, STACK_UNKNOWN, STACK_CLOSED};
    uint64_t by_kind[STACK_UNKNOWN + 1] = {0};
    int told = 0;

    for (size_t i = 0; i < verdict->service_count; i++) {
        by_kind[verdict->services[i].stack.kind]++;
    }
    text_buffer_add_count(text, verdict->service_count, "service");
    text_buffer_add(text, " listen%s", verdict->service_count == 1 ? "s" : "");
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (by_kind[order[i]] > 0) {
            text_buffer_add(text, "%s%llu %s", told++ == 0 ? " (" : ", ", (unsigned long long)by_kind[order[i]],
                            stack_kind_name(order[i]));
        }
    }
    text_buffer_add(text, "%s", told > 0 ? ")" : "");
}

/* What the rules make of it. */
static void policy_add(struct text_buffer *text, const struct judge_total *total)
{
    uint64_t off = total->violations > 0 ? total->violations : total->unknown;

    if (off > 0) {
        text_buffer_add(text, "%llu of ", (unsigned long long)off);
    }
    text_buffer_add_count(text, total->judged, "service");
    text_buffer_add(text, "%s", total->violations > 0 ? " off policy" : off > 0 ? " cannot be judged" : " on policy");
    if (total->waived > 0) {
        text_buffer_add(text, " (%llu waived)", (unsigned long long)total->waived);
    }
}

const char *wording_summary(char text[static WORDING_SIZE], const struct judge_verdict *verdict,
                            const struct policy *policy)
{
    const struct judge_total *total = &verdict->total;
    struct text_buffer summary = text_buffer_start(text, WORDING_SIZE);
    bool judged = policy->rule_count > 0;

    if (verdict->mapped_range != NULL) {
        mapped_add(&summary, total->mapped, verdict->mapped_range);
        text_buffer_add(&summary, ". ");
    }
    if (judged) {
        policy_add(&summary, total);
    } else {
        inventory_add(&summary, verdict);
    }
    /* A crossed threshold has told the number, and beside what is off it does not matter. */
    if (verdict->mapped_range == NULL && (!judged || (total->violations == 0 && total->unknown == 0))) {
        text_buffer_add(&summary, ", ");
        text_buffer_add_count(&summary, total->mapped, "v4-mapped connection");
    }
    text_buffer_add(&summary, "%s", judged ? "" : ", no policy to judge by");
    return text;
}
