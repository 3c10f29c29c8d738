/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The way to IPv6-only: which services of how many hosts take which family from beyond their host.
 */
#include "config.h"

#include "render/html_services.h"

#include "render/html_text.h"
#include "socket/array.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* So many services have a row of their own, those that take IPv4 of the most hosts; all others are one row. */
#define SERVICES_MOST 100

#define PORTS 65536

/* --- counting ---------------------------------------------------------------------------------------------------- */

/* Does the listener take the family from beyond this host? */
static enum record_answer takes(const struct tally *tally, const struct tally_listener *listener,
                                enum record_family family)
{
    bool is_far = tally_reach(tally, listener, family).extent >= REACH_LINK;

    return is_far ? tally_accepts_family(listener, family) : RECORD_NO;
}

/* One yes is enough, and one that is not known leaves it open. */
static enum record_answer either(enum record_answer a, enum record_answer b)
{
    if (a == RECORD_YES || b == RECORD_YES) {
        return RECORD_YES;
    }
    return a == RECORD_UNKNOWN || b == RECORD_UNKNOWN ? RECORD_UNKNOWN : RECORD_NO;
}

static enum html_taken taken_of(const enum record_answer answers[static RECORD_FAMILIES])
{
    static const enum html_taken taken[][RECORD_UNKNOWN + 1] = {
        /* by IPv4, then by IPv6 */
        [RECORD_NO] = {[RECORD_NO] = HTML_NOTHING, [RECORD_YES] = HTML_ONLY_IPV6, [RECORD_UNKNOWN] = HTML_UNKNOWN},
        [RECORD_YES] = {[RECORD_NO] = HTML_ONLY_IPV4, [RECORD_YES] = HTML_BOTH, [RECORD_UNKNOWN] = HTML_BOTH},
        [RECORD_UNKNOWN] = {HTML_UNKNOWN, HTML_UNKNOWN, HTML_UNKNOWN},
    };

    return taken[answers[RECORD_INET]][answers[RECORD_INET6]];
}

/* The entry of that protocol and port; NULL when out of memory. */
static struct html_service *service_find(struct html_services *services, enum record_protocol protocol, uint16_t port)
{
    uint32_t *position = &services->by_port[protocol][port];

    if (*position == 0) {
        struct html_service *grown = array_grow(services->list, services->count, sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        services->list = grown;
        services->list[services->count] = (struct html_service){.protocol = protocol, .port = port};
        *position = (uint32_t)++services->count;
    }
    return &services->list[*position - 1];
}

/* What the listeners of the service take together. Clients come and go on shared ports; they are not services. */
static void service_answer(const struct tally *tally, const struct tally_service *source,
                           enum record_answer answers[static RECORD_FAMILIES])
{
    bool is_shared = host_port_is_shared(&tally->host, source->protocol, source->port);

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        answers[family] = RECORD_NO;
        for (size_t i = 0; i < source->listener_count && !is_shared; i++) {
            answers[family] = either(answers[family], takes(tally, &source->listeners[i], (enum record_family)family));
        }
    }
}

static int service_count(struct html_services *services, const struct tally_service *source, enum html_taken taken)
{
    struct html_service *service = service_find(services, source->protocol, source->port);

    if (service == NULL) {
        return -ENOMEM;
    }
    service->hosts[taken]++;
    return 0;
}

/* What of a protocol cannot be read may take IPv4. */
static enum record_answer unreadable_answer(const struct tally *tally)
{
    enum record_answer answer = RECORD_NO;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        answer = tally->unreadable[protocol][0] != '\0' ? RECORD_UNKNOWN : answer;
    }
    return answer;
}

static int services_count(struct html_services *services, const struct tally *tally)
{
    enum record_answer host[RECORD_FAMILIES] = {[RECORD_INET] = unreadable_answer(tally), [RECORD_INET6] = RECORD_NO};
    int result = 0;

    for (size_t i = 0; i < tally->service_count && result == 0; i++) {
        enum record_answer answers[RECORD_FAMILIES];
        service_answer(tally, &tally->services[i], answers);
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            host[family] = either(host[family], answers[family]);
        }
        if (taken_of(answers) != HTML_NOTHING) {
            result = service_count(services, &tally->services[i], taken_of(answers));
        }
    }
    if (taken_of(host) != HTML_NOTHING) {
        services->hosts[taken_of(host)]++;
    }
    return result;
}

/* Rules give names to services that some host has. */
static void services_name(struct html_services *services, const struct judge_verdict *verdict)
{
    for (size_t i = 0; i < verdict->service_count; i++) {
        const struct judge_service *service = &verdict->services[i];
        uint32_t position = services->by_port[service->protocol][service->port];
        if (position > 0 && service->rule != NULL && service->rule->named &&
            services->list[position - 1].name[0] == '\0') {
            snprintf(services->list[position - 1].name, RULE_NAME_MAX + 1, "%s", service->rule->name);
        }
    }
}

int html_services_add(struct html_services *services, const struct tally *tally, const struct judge_verdict *verdict)
{
    int result = 0;

    for (int i = 0; i < RECORD_PROTOCOLS && result == 0; i++) {
        if (services->by_port[i] == NULL) {
            services->by_port[i] = calloc(PORTS, sizeof *services->by_port[i]);
            result = services->by_port[i] != NULL ? 0 : -ENOMEM;
        }
    }
    if (result == 0) {
        result = services_count(services, tally);
        services_name(services, verdict);
    }
    return result;
}

void html_services_clear(struct html_services *services)
{
    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        free(services->by_port[i]);
    }
    free(services->list);
    *services = (struct html_services){.list = NULL};
}

/* --- the section ------------------------------------------------------------------------------------------------- */

static uint64_t taken_sum(const uint64_t counts[static HTML_TAKEN])
{
    return counts[HTML_ONLY_IPV6] + counts[HTML_BOTH] + counts[HTML_ONLY_IPV4] + counts[HTML_UNKNOWN];
}

/* Those that take IPv4 of the most hosts first: they are the longest way. */
static int service_compare(const void *left, const void *right)
{
    const struct html_service *a = left;
    const struct html_service *b = right;
    uint64_t a_takes = a->hosts[HTML_BOTH] + a->hosts[HTML_ONLY_IPV4];
    uint64_t b_takes = b->hosts[HTML_BOTH] + b->hosts[HTML_ONLY_IPV4];

    if (a_takes != b_takes) {
        return (a_takes < b_takes) - (a_takes > b_takes);
    }
    return a->protocol != b->protocol ? (a->protocol > b->protocol) - (a->protocol < b->protocol)
                                      : (a->port > b->port) - (a->port < b->port);
}

static void counts_write(FILE *stream, const uint64_t counts[static HTML_TAKEN])
{
    uint64_t all = taken_sum(counts);

    for (int i = 0; i < HTML_TAKEN; i++) {
        fprintf(stream, "<td class=\"n\">%" PRIu64, counts[i]);
    }
    fprintf(stream, "<td class=\"s\" data-v=\"%u\">", html_text_percent(counts[HTML_ONLY_IPV6], all));
    html_text_write_bar(stream, counts[HTML_ONLY_IPV6], counts[HTML_BOTH], all);
    fprintf(stream, " %u %%\n", html_text_percent(counts[HTML_ONLY_IPV6], all));
}

/* "1200 of 2000 hosts (60 %) still accept IPv4" */
static void still_write(FILE *stream, const uint64_t counts[static HTML_TAKEN], const char *things)
{
    uint64_t all = taken_sum(counts);
    uint64_t takes_ipv4 = counts[HTML_BOTH] + counts[HTML_ONLY_IPV4];

    fprintf(stream, "<li>%" PRIu64 " of %" PRIu64 " %s (%u %%) still accept IPv4", takes_ipv4, all, things,
            html_text_percent(takes_ipv4, all));
    if (counts[HTML_UNKNOWN] > 0) {
        fprintf(stream, ", %" PRIu64 " unknown", counts[HTML_UNKNOWN]);
    }
    fputs("\n", stream);
}

/* All of them, and those that have no row of their own. */
static void totals_sum(const struct html_services *services, uint64_t all[static HTML_TAKEN],
                       uint64_t rest[static HTML_TAKEN])
{
    for (size_t i = 0; i < services->count; i++) {
        for (int j = 0; j < HTML_TAKEN; j++) {
            all[j] += services->list[i].hosts[j];
            rest[j] += i >= SERVICES_MOST ? services->list[i].hosts[j] : 0;
        }
    }
}

void html_services_write(struct html_services *services, FILE *stream)
{
    static const struct html_table table = {
        .heading = "way",
        .caption = "On how many hosts each service accepts which family. In the bar, IPv6 alone is on the left, IPv4 "
                   "alone on the right, both are between them",
        .class = "sort",
        .columns = {"Service", "#IPv6 only", "#Both", "#IPv4 only", "#Not known", "Done"},
    };
    uint64_t all[HTML_TAKEN] = {0};
    uint64_t rest[HTML_TAKEN] = {0};

    if (services->count > 0) {
        qsort(services->list, services->count, sizeof *services->list, service_compare);
    }
    totals_sum(services, all, rest);
    fputs("<h2 id=\"way\">The way to IPv6-only</h2>\n<p>What accepts connections from other hosts:</p>\n<ul>\n",
          stream);
    still_write(stream, services->hosts, "hosts");
    still_write(stream, all, "services on them");
    fputs("</ul>\n", stream);
    html_text_begin_table(stream, &table);
    for (size_t i = 0; i < services->count && i < SERVICES_MOST; i++) {
        const struct html_service *service = &services->list[i];
        fprintf(stream, "<tr><th scope=\"row\">%s%s%u/%s</th>", service->name, *service->name != '\0' ? " " : "",
                (unsigned)service->port, protocol_name(service->protocol));
        counts_write(stream, service->hosts);
    }
    if (services->count > SERVICES_MOST) {
        fprintf(stream, "<tr><th scope=\"row\">%zu other%s</th>", services->count - SERVICES_MOST,
                services->count - SERVICES_MOST == 1 ? "" : "s");
        counts_write(stream, rest);
    }
    html_text_end_table(stream);
}
