/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The way to IPv6-only: which services of how many hosts take which family from beyond their host. For html.c alone.
 */
#ifndef RENDER_HTML_SERVICES_H
#define RENDER_HTML_SERVICES_H

#include "audit/judge.h"

#include <stdio.h>

/* Which families a service, or a host, takes from beyond itself. */
enum html_taken {
    HTML_ONLY_IPV6,
    HTML_BOTH,
    HTML_ONLY_IPV4,
    HTML_UNKNOWN, /* unknown whether it accepts IPv4, or accepts anything */
    HTML_TAKEN,
    HTML_NOTHING
};

/* A service of many hosts. */
struct html_service {
    enum record_protocol protocol;
    uint16_t port;
    char name[RULE_NAME_MAX + 1]; /* "" where no rule has given it one */
    uint64_t hosts[HTML_TAKEN];
};

/* Begin with all zero, end with html_services_clear(). */
struct html_services {
    struct html_service *list;
    size_t count;
    uint32_t *by_port[RECORD_PROTOCOLS]; /* position in the list, from 1 */
    uint64_t hosts[HTML_TAKEN];          /* that take anything */
};

/* Adds what listens on a host; the verdict on it has the names. UDP ports of clients do not count. Returns 0 or
 * -ENOMEM. */
int html_services_add(struct html_services *services, const struct tally *tally, const struct judge_verdict *verdict);

/* Writes the section of the page. To be called once, after the last host. */
void html_services_write(struct html_services *services, FILE *stream);

void html_services_clear(struct html_services *services);

#endif
