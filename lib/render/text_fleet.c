/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "render/text_fleet.h"

#include "audit/day.h"
#include "render/fleet.h"
#include "render/text_report.h"
#include "render/wording.h"
#include "socket/array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line names hosts until it is about this long. */
#define NAMES_LENGTH 90

/* So much of it says why the first host cannot be judged; a remedy stands at the end of that. */
#define CAUSE_SIZE 320

/* --- what is kept of each host ----------------------------------------------------------------------------------- */

struct host {
    char *name;
    char *prose;   /* the first line of its answer, without state and performance data */
    char *origin;  /* file and time, NULL unless -v is given */
    char *details; /* the lines below the first, NULL unless -v is given */
    enum state state;
    struct judge_total total;
    size_t position;
};

struct hosts {
    struct host *list;
    size_t count;
};

static void host_clear(struct host *host)
{
    free(host->name);
    free(host->prose);
    free(host->origin);
    free(host->details);
}

void text_fleet_clear(struct writer_fleet *fleet)
{
    struct hosts *hosts = fleet->kept;

    for (size_t i = 0; hosts != NULL && i < hosts->count; i++) {
        host_clear(&hosts->list[i]);
    }
    free(hosts != NULL ? hosts->list : NULL);
    free(hosts);
    fleet->kept = NULL;
}

/* The hosts kept so far, created when first needed. NULL when out of memory. */
static struct hosts *hosts_of(struct writer_fleet *fleet)
{
    if (fleet->kept == NULL) {
        fleet->kept = calloc(1, sizeof(struct hosts));
    }
    return fleet->kept;
}

/* Returns NULL when out of memory. */
static struct host *host_append(struct hosts *hosts)
{
    struct host *grown = array_grow(hosts->list, hosts->count, sizeof *grown);

    if (grown == NULL) {
        return NULL;
    }
    hosts->list = grown;
    hosts->list[hosts->count] = (struct host){.position = hosts->count};
    return &hosts->list[hosts->count++];
}

/* Which of the captures it was, for -v. */
static char *origin_make(const struct writer_host *host)
{
    char time[DAY_TIME_SIZE];
    const char *captured = *day_time_format(time, host->time) != '\0' ? time : "an unknown time";
    size_t size = strlen(host->file) + sizeof ", captured at " + strlen(captured);
    char *origin = malloc(size);

    if (origin != NULL) {
        snprintf(origin, size, "%s, captured at %s", host->file, captured);
    }
    return origin;
}

/* Keeps the parts of a host's own output that are shown among others. */
static int answer_keep(struct host *kept, struct report *report, bool wants_details)
{
    const char *prose;
    const char *details;
    char *text;
    size_t length;
    int result = report_render(report, kept->state, &text, &length);

    if (result != 0) {
        return result;
    }
    prose = report_rendered_prose(report, text, &length);
    details = report_rendered_details(report, text);
    wants_details = wants_details && *details != '\0';
    kept->prose = strndup(prose, length);
    kept->details = wants_details ? strdup(details) : NULL;
    free(text);
    return kept->prose == NULL || (wants_details && kept->details == NULL) ? -ENOMEM : 0;
}

static int judged_keep(struct host *kept, const struct writer_fleet *fleet, const struct writer_host *host,
                       bool wants_details)
{
    char bytes[WORDING_SIZE];
    struct text_buffer name = TEXT_BUFFER(bytes);
    struct report *report = text_verdict_report(host->view, text_limit(host->view->verbose, host->view->peers));
    bool wants_origin = wants_details && *host->file != '\0';
    int result = -ENOMEM;

    kept->state = host->view->verdict->state;
    kept->total = host->view->verdict->total;
    fleet_add_name(&name, fleet, host);
    kept->name = strdup(bytes);
    kept->origin = wants_origin ? origin_make(host) : NULL;
    if (report != NULL && kept->name != NULL && (!wants_origin || kept->origin != NULL)) {
        result = answer_keep(kept, report, wants_details);
    }
    report_free(report);
    return result;
}

static int failed_keep(struct host *kept, const struct writer_fleet *fleet, const struct writer_host *host)
{
    struct report *report = text_failure_report(host->failure);
    char bytes[WORDING_SIZE];
    struct text_buffer name = TEXT_BUFFER(bytes);
    int result = -ENOMEM;

    kept->state = host->failure->state;
    fleet_add_failed_name(&name, fleet, host);
    kept->name = strdup(bytes);
    if (report != NULL && kept->name != NULL) {
        result = answer_keep(kept, report, false);
    }
    report_free(report);
    return result;
}

/* A report that runs out of memory still shows the hosts before: of this one nothing is kept then. */
int text_fleet_host(struct writer_fleet *fleet, const struct writer_host *host, const struct sink *sink)
{
    struct hosts *hosts = hosts_of(fleet);
    struct host *kept = hosts != NULL ? host_append(hosts) : NULL;
    int result;

    (void)sink;
    if (kept == NULL) {
        return -ENOMEM;
    }
    result = host->failure != NULL ? failed_keep(kept, fleet, host)
                                   : judged_keep(kept, fleet, host, fleet->verbose > 0 || host->view->peers > 0);
    if (result != 0) {
        host_clear(kept);
        hosts->count--;
    }
    return result;
}

/* --- the first line ---------------------------------------------------------------------------------------------- */

static void summary_add(struct report *report, const struct writer_fleet *fleet)
{
    char bytes[WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    fleet_add_summary(&text, fleet);
    report_prose(report, "%s", bytes);
}

/* The hosts that are off policy; they come first. */
static void names_add(struct report *report, const struct hosts *hosts, size_t off)
{
    size_t length = 0;
    size_t named = 0;

    for (; named < off; named++) {
        length += strlen(hosts->list[named].name) + 2;
        if (named > 0 && length > NAMES_LENGTH) {
            report_prose(report, " ... and %zu more", off - named);
            return;
        }
        report_prose(report, "%s%s", named == 0 ? ": " : ", ", hosts->list[named].name);
    }
}

/* Names the hosts that are off policy; if there are none but some cannot be judged, says why the first of them. */
static void findings_add(struct report *report, const struct writer_fleet *fleet)
{
    const struct hosts *hosts = fleet->kept;
    const struct host *first = hosts->list;
    size_t unknown = fleet->by_state[STATE_UNKNOWN];
    size_t off = fleet_off_count(fleet);

    names_add(report, hosts, off);
    if (off == 0 && unknown > 0) {
        char bytes[CAUSE_SIZE];
        struct text_buffer cause = TEXT_BUFFER(bytes);
        text_buffer_add(&cause, "%s%s%s", first->name, *first->name != '\0' ? ": " : "", first->prose);
        report_prose(report, ". %s", bytes);
    }
    if (off == 0 && unknown > 1) {
        report_prose(report, " ... and %zu more", unknown - 1);
    }
}

static void value_add(struct report *report, const char *label, uint64_t value, struct labels_thresholds thresholds)
{
    struct perfdata perfdata = {.value = value, .warning = thresholds.warning, .critical = thresholds.critical};

    snprintf(perfdata.label, sizeof perfdata.label, "%s", label);
    report_perfdata(report, &perfdata);
}

/* "hosts_off". */
static void count_add(struct report *report, const struct writer_fleet *fleet, const char *suffix, size_t count)
{
    const struct labels_thresholds none = {NULL, NULL};
    char label[32];

    snprintf(label, sizeof label, "%s%s", fleet_noun(fleet), suffix);
    value_add(report, label, count, none);
}

/* Sums over all hosts; unknown if it is unknown for one of them. */
static void values_add(struct report *report, const struct writer_fleet *fleet)
{
    const struct hosts *hosts = fleet->kept;
    struct judge_total sum = {.known = hosts->count > 0, .changes_known = hosts->count > 0};
    const struct labels_thresholds none = {NULL, NULL};
    const struct labels_total *label;
    struct range ranges[2];

    for (size_t i = 0; i < hosts->count; i++) {
        const struct judge_total *total = &hosts->list[i].total;
        sum.known &= total->known;
        sum.changes_known &= total->changes_known;
        sum.mapped += total->mapped;
        sum.violations += total->violations;
        sum.warnings += total->warnings;
        sum.unlisted += total->unlisted;
        sum.changes += total->changes;
    }
    count_add(report, fleet, "s", fleet->count);
    count_add(report, fleet, "s_off", fleet_off_count(fleet));
    count_add(report, fleet, "s_unknown", fleet->by_state[STATE_UNKNOWN]);
    for (int i = 0; (label = labels_total(i)) != NULL; i++) {
        if (label->set == LABELS_TOTALS && labels_total_is_known(label, &sum)) {
            value_add(report, label->name, label->value(&sum),
                      label->is_breach ? labels_breach_thresholds(ranges, &sum) : none);
        }
    }
}

/* --- the lines below it ------------------------------------------------------------------------------------------ */

/* The worst first; of one state that with the most violations, then as they were given. */
static int host_compare(const void *left, const void *right)
{
    const struct host *a = left;
    const struct host *b = right;
    int order = state_compare(a->state, b->state);

    if (order == 0) {
        order = (a->total.violations < b->total.violations) - (a->total.violations > b->total.violations);
    }
    return order != 0 ? order : (a->position > b->position) - (a->position < b->position);
}

static void host_add(struct report *report, const struct host *host)
{
    const char *line = host->details;

    report_line(report, host->state, "%s%s%s", host->name, *host->name != '\0' ? ": " : "", host->prose);
    if (host->origin != NULL) {
        report_note(report, "%s", host->origin);
    }
    while (line != NULL && *line != '\0') {
        int length = (int)strcspn(line, "\n");
        report_note(report, "%.*s", length, line);
        line += length + 1;
    }
}

void text_fleet_unneeded_add(struct report *report, const struct policy *policy, const struct waiver_list *waivers)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        char bytes[WORDING_SIZE];
        struct text_buffer text = TEXT_BUFFER(bytes);
        if (waiver_is_unneeded(waivers, policy->rules[i])) {
            fleet_add_rule(&text, policy->rules[i]);
            report_line(report, STATE_OK, "the waiver of %s is no longer needed", bytes);
        }
    }
}

/* A monitoring system reads the first line, a human at a terminal the last. */
static void last_line_add(struct report *report, const struct writer_fleet *fleet)
{
    report_line(report, fleet->state, "%zu %s%s: %zu CRITICAL, %zu WARNING, %zu UNKNOWN, %zu OK", fleet->count,
                fleet_noun(fleet), fleet->count == 1 ? "" : "s", fleet->by_state[STATE_CRITICAL],
                fleet->by_state[STATE_WARNING], fleet->by_state[STATE_UNKNOWN], fleet->by_state[STATE_OK]);
}

/* The namespaces of a host are part of a check, whose carriers cut what is long; captures are replayed for humans. */
static size_t limit_of(const struct writer_fleet *fleet, const struct hosts *hosts)
{
    size_t detailed = 0;

    for (size_t i = 0; i < hosts->count; i++) {
        detailed += hosts->list[i].details != NULL;
    }
    return fleet->is_of_namespaces ? text_limit(fleet->verbose, detailed) : 0;
}

int text_fleet_end(struct writer_fleet *fleet, const struct sink *sink)
{
    struct hosts *hosts = hosts_of(fleet);
    struct report *report = hosts != NULL ? report_create(TEXT_NAME, limit_of(fleet, hosts), ESCAPE_TEXT) : NULL;

    if (report == NULL) {
        return -ENOMEM;
    }
    if (hosts->count > 0) {
        qsort(hosts->list, hosts->count, sizeof *hosts->list, host_compare);
    }
    summary_add(report, fleet);
    findings_add(report, fleet);
    values_add(report, fleet);
    for (size_t i = 0; i < hosts->count; i++) {
        host_add(report, &hosts->list[i]);
    }
    text_fleet_unneeded_add(report, fleet->policy, &fleet->waivers);
    last_line_add(report, fleet);
    return text_report_write(report, fleet->state, sink);
}
