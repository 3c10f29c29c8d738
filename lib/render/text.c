/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A verdict in a plugin's words.
 */
#include "config.h"

#include "render/text.h"

#include "plugin/report.h"
#include "render/remedy.h"
#include "render/wording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What Nagios stores without losing any, and what NRPE 4 carries. */
#define LIMIT 4096
#define LIMIT_VERBOSE 64000

/* Findings go to the first line until they are about this long. */
#define FINDINGS_LENGTH 90

/* Above this many rules their own values would crowd the first line. */
#define RULES_WITH_PERFDATA 40

/* A failure tells this many of its sentences. */
#define SENTENCES 20

/* --- first line -------------------------------------------------------------------------------------------------- */

/* Services that are not OK, the worst first, in the verdict's order else. The list is the caller's; NULL: no memory. */
static const struct judge_service **findings_sort(const struct judge_verdict *verdict, size_t *count)
{
    static const enum state order[] = {STATE_CRITICAL, STATE_WARNING, STATE_UNKNOWN};
    const struct judge_service **sorted = malloc((verdict->service_count + 1) * sizeof(const struct judge_service *));

    *count = 0;
    for (size_t rank = 0; sorted != NULL && rank < sizeof order / sizeof *order; rank++) {
        for (size_t i = 0; i < verdict->service_count; i++) {
            if (verdict->services[i].state == order[rank]) {
                sorted[(*count)++] = &verdict->services[i];
            }
        }
    }
    return sorted;
}

static void findings_tell(struct report *report, const struct view *view, const struct judge_service *const *findings,
                          size_t count)
{
    char text[WORDING_SIZE];
    size_t length = 0;
    size_t told = 0;

    for (; told < count; told++) {
        wording_finding(text, findings[told], view->snapshot->tally);
        length += strlen(text) + 2;
        if (told > 0 && length > FINDINGS_LENGTH) {
            break;
        }
        report_prose(report, ". %s", text);
    }
    if (told < count) {
        report_prose(report, " ... and %zu more", count - told);
    }
}

/* What could not be read at all, behind the findings. */
static void faults_tell(struct report *report, const struct view *view)
{
    const struct snapshot *snapshot = view->snapshot;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (view->verdict->unreadable[protocol]) {
            report_prose(report, ". %.250s", snapshot->tally->unreadable[protocol]);
        }
    }
    if (snapshot->fault[0] != '\0' && view->verdict->state != STATE_OK) {
        report_prose(report, ". %.250s", snapshot->fault);
    }
}

static void first_line_tell(struct report *report, const struct view *view, const struct judge_service *const *findings,
                            size_t count)
{
    char text[WORDING_SIZE];

    report_prose(report, "%s", wording_summary(text, view->verdict, view->policy));
    if (view->snapshot->namespace[0] != '\0') {
        report_prose(report, " in namespace %s", view->snapshot->namespace);
    }
    findings_tell(report, view, findings, count);
    faults_tell(report, view);
    if (view->snapshot->remark[0] != '\0') {
        report_prose(report, " (%s)", view->verbose > 0 ? view->snapshot->remark : "read from /proc/net");
    }
}

/* --- performance data -------------------------------------------------------------------------------------------- */

static void value_tell(struct report *report, const char *name, const char *suffix, uint64_t value,
                       const struct range *warning, const struct range *critical)
{
    struct perfdata perfdata = {.value = value, .warning = warning, .critical = critical};

    snprintf(perfdata.label, sizeof perfdata.label, "%s%s", name, suffix);
    report_perfdata(report, &perfdata);
}

static void rule_values_tell(struct report *report, const struct view *view, const struct rule *rule, bool full)
{
    const uint64_t *connections = view->verdict->rule_connections[rule->position];

    value_tell(report, rule->name, "_mapped", connections[TALLY_MAPPED],
               rule->mapped_warning_set ? &rule->mapped_warning : NULL,
               rule->mapped_critical_set ? &rule->mapped_critical : NULL);
    if (full) {
        value_tell(report, rule->name, "_v4", connections[TALLY_IPV4], NULL, NULL);
        value_tell(report, rule->name, "_v6", connections[TALLY_IPV6], NULL, NULL);
    }
}

/* Defaults have no values of their own. */
static size_t rules_with_values(const struct policy *policy)
{
    size_t count = 0;

    for (size_t i = 0; i < policy->rule_count; i++) {
        count += !policy->rules[i]->is_default;
    }
    return count;
}

static void perfdata_tell(struct report *report, const struct view *view)
{
    const struct judge_total *total = &view->verdict->total;
    enum view_perfdata set = view->perfdata;

    if (set == VIEW_PERFDATA_DEFAULT) {
        set = rules_with_values(view->policy) > RULES_WITH_PERFDATA ? VIEW_PERFDATA_TOTALS : VIEW_PERFDATA_MAPPED;
    }
    if (total->known) {
        value_tell(report, "mapped", "", total->mapped, view->warning, view->critical);
        if (set == VIEW_PERFDATA_FULL) {
            value_tell(report, "mapped_out", "", total->mapped_out, NULL, NULL);
        }
    }
    value_tell(report, "violations", "", total->violations, NULL, NULL);
    value_tell(report, "unlisted", "", total->unlisted, NULL, NULL);
    for (size_t i = 0; set != VIEW_PERFDATA_TOTALS && i < view->policy->rule_count; i++) {
        if (!view->policy->rules[i]->is_default && view->verdict->rule_known[i]) {
            rule_values_tell(report, view, view->policy->rules[i], set == VIEW_PERFDATA_FULL);
        }
    }
}

/* --- detail lines ------------------------------------------------------------------------------------------------ */

/* Appends to a text of WORDING_SIZE; what does not fit is left out. */
static void add(char text[static WORDING_SIZE], const char *separator, const char *more)
{
    size_t length = strlen(text);

    snprintf(text + length, WORDING_SIZE - length, "%s%.*s", length == 0 ? "" : separator, WORDING_SIZE / 2, more);
}

/* The listeners with their owners: "0.0.0.0:443 (nginx.service), [::1]:443 (nginx.service)", the first few of them. */
static void listeners_words(char text[static WORDING_SIZE], const struct judge_service *service)
{
    char one[WORDING_SIZE];

    *text = '\0';
    for (size_t i = 0; i < service->listener_count; i++) {
        if (i == 3) {
            snprintf(one, sizeof one, "... and %zu more", service->listener_count - i);
            add(text, " ", one);
            break;
        }
        add(text, ", ", wording_listener(one, service, service->listeners[i]));
    }
}

static size_t waiver_add(char *text, size_t size, const struct view *view, const struct judge_service *service)
{
    const char *until = service->rule->waive_text;
    long days = (long)service->rule->waive_day - view->today;

    if (days == 0) {
        return (size_t)snprintf(text, size, "waived until %s, the last day: ", until);
    }
    return (size_t)snprintf(text, size, "waived until %s, %ld day%s left: ", until, days, days == 1 ? "" : "s");
}

/* All reasons, comma by comma; true when they leave it to the list of listeners to say which sockets there are. */
static bool reasons_words(char text[static WORDING_SIZE], const struct view *view, const struct judge_service *service)
{
    char one[WORDING_SIZE];
    bool names_none = true;

    *text = '\0';
    for (size_t i = 0; i < service->reason_count; i++) {
        add(text, ", ", wording_reason(one, service, &service->reasons[i], view->snapshot->tally));
        names_none &= service->reasons[i].listener == NULL;
    }
    return names_none;
}

/* "web 443/tcp: v4-only, must be dual-stack: nothing accepts IPv6, only 0.0.0.0:443 (nginx.service), note OPS-1234" */
static void service_tell(struct report *report, const struct view *view, const struct judge_service *service)
{
    const struct rule *rule = service->rule;
    char label[WORDING_SIZE], stack[WORDING_SIZE], listeners[WORDING_SIZE], reasons[WORDING_SIZE];
    char line[4 * WORDING_SIZE];
    bool list_them = reasons_words(reasons, view, service);
    size_t length;

    wording_service(label, service);
    listeners_words(listeners, service);
    length = (size_t)snprintf(line, sizeof line, "%s: ", label);
    if (service->waived) {
        length += waiver_add(line + length, sizeof line - length, view, service);
    }
    length += (size_t)snprintf(line + length, sizeof line - length, "%s", wording_stack(stack, service));
    if (rule != NULL) {
        length += (size_t)snprintf(line + length, sizeof line - length,
                                   wording_requirement_is_kept(service) ? " (must %s)" : ", must %s",
                                   wording_requirement(rule->requirement));
    }
    length += (size_t)snprintf(line + length, sizeof line - length, "%s%s", *reasons != '\0' ? ": " : "", reasons);
    if (list_them && service->listener_count > 0) {
        bool lacks = service->reason_count > 0 && service->absent && !service->stack.lopsided;
        length += (size_t)snprintf(line + length, sizeof line - length, ", %s %s", lacks ? "only" : "on", listeners);
    }
    if (rule != NULL && rule->note != NULL && service->reason_count > 0) {
        snprintf(line + length, sizeof line - length, ", note %.60s", rule->note);
    }
    report_line(report, service->state, "%s", line);
}

static void evidence_tell(struct report *report, const struct view *view, const struct judge_service *service)
{
    static const char *const v6only[] = {
        [RECORD_V6ONLY_UNKNOWN] = "unknown",
        [RECORD_V6ONLY_NO] = "off",
        [RECORD_V6ONLY_YES] = "on",
    };
    char endpoint[WORDING_SIZE], owner[WORDING_SIZE];

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        bool inet6 = listener->family == RECORD_INET6;
        wording_owner(owner, listener);
        report_note(report, "%s is %s%s%s, accepts %s, scope %s, %lu socket%s, uid %lu%s%s",
                    wording_endpoint(endpoint, service, listener), inet6 ? "AF_INET6" : "AF_INET",
                    inet6 ? " with v6only " : "", inet6 ? v6only[listener->v6only] : "",
                    wording_accepts(tally_accepts(view->snapshot->tally, listener)), stack_scope_name(listener->scope),
                    (unsigned long)listener->sockets, listener->sockets == 1 ? "" : "s", (unsigned long)listener->uid,
                    *owner != '\0' ? ", " : "", owner);
    }
    report_note(report, "%llu v4-mapped connection%s in", (unsigned long long)service->connections[TALLY_MAPPED],
                service->connections[TALLY_MAPPED] == 1 ? "" : "s");
}

static void remedies_tell(struct report *report, const struct view *view, const struct judge_service *service)
{
    for (size_t i = 0; i < service->reason_count; i++) {
        char text[REMEDY_SIZE];
        if (*remedy_format(text, service, &service->reasons[i], view->snapshot->tally) != '\0') {
            report_note(report, "to change it: %s", text);
        }
    }
}

static void details_tell(struct report *report, const struct view *view, const struct judge_service *service)
{
    unsigned verbose = view->verbose;

    service_tell(report, view, service);
    if (verbose >= 2) {
        evidence_tell(report, view, service);
    }
    if (verbose >= 1) {
        remedies_tell(report, view, service);
    }
}

static void lines_tell(struct report *report, const struct view *view, const struct judge_service *const *findings,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        details_tell(report, view, findings[i]);
    }
    for (size_t i = 0; i < view->verdict->service_count; i++) {
        const struct judge_service *service = &view->verdict->services[i];
        if (service->state == STATE_OK && (view->verbose > 0 || service->waived)) {
            details_tell(report, view, service);
        }
    }
    for (size_t i = 0; i < view->snapshot->question_count; i++) {
        report_line(report, STATE_OK, "%s", view->snapshot->questions[i]);
    }
}

int text_verdict(const struct view *view, char **text, size_t *length)
{
    size_t count;
    const struct judge_service **findings = findings_sort(view->verdict, &count);
    struct report *report = report_create("DUALSTACK", view->verbose > 0 ? LIMIT_VERBOSE : LIMIT);
    int result = -ENOMEM;

    if (findings != NULL && report != NULL) {
        first_line_tell(report, view, findings, count);
        perfdata_tell(report, view);
        lines_tell(report, view, findings, count);
        result = report_render(report, view->verdict->state, text, length);
    }
    report_free(report);
    free(findings);
    return result;
}

int text_failure(enum state state, const char *const *sentences, size_t count, const char *usage, char **text,
                 size_t *length)
{
    struct report *report = report_create("DUALSTACK", LIMIT);
    int result;

    if (report == NULL) {
        return -ENOMEM;
    }
    report_prose(report, "%s", sentences[0]);
    if (count > 1) {
        report_prose(report, " ... and %zu more", count - 1);
    }
    for (size_t i = 1; i < count && i < SENTENCES; i++) {
        report_line(report, state, "%s", sentences[i]);
    }
    if (count > SENTENCES) {
        report_line(report, state, "and %zu more mistakes, --lint lists them all", count - SENTENCES);
    }
    if (usage != NULL) {
        report_note(report, "%s", usage);
    }
    result = report_render(report, state, text, length);
    report_free(report);
    return result;
}
