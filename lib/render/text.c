/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The answers of --format=text.
 */
#include "config.h"

#include "render/text.h"

#include "plugin/text_buffer.h"
#include "render/remedy.h"
#include "render/text_fleet.h"
#include "render/text_list.h"
#include "render/text_report.h"
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

/* A failure tells this many of its sentences, a service that many of its listeners. */
#define SENTENCES 20
#define LISTENERS 3

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

static void value_tell(void *context, const struct labels_value *value)
{
    struct report *report = context;
    struct perfdata perfdata = {.value = value->value,
                                .warning = value->thresholds.warning,
                                .critical = value->thresholds.critical};

    snprintf(perfdata.label, sizeof perfdata.label, "%s%s", value->name, value->suffix);
    report_perfdata(report, &perfdata);
}

static void perfdata_tell(struct report *report, const struct view *view)
{
    const struct labels_request request = {
        .policy = view->policy,
        .verdict = view->verdict,
        .set = view->perfdata,
        .thresholds = view->thresholds,
    };

    labels_walk(&request, value_tell, report);
}

/* --- detail lines ------------------------------------------------------------------------------------------------ */

/* "waived until 2027-01-31, 3 days left: " */
static void waiver_add(struct text_buffer *line, const struct view *view, const struct judge_service *service)
{
    long days = (long)service->rule->waive_day - view->today;

    text_buffer_add(line, "waived until %s, ", service->rule->waive_text);
    if (days == 0) {
        text_buffer_add(line, "the last day: ");
    } else {
        text_buffer_add(line, "%ld day%s left: ", days, days == 1 ? "" : "s");
    }
}

/* All reasons, comma by comma. */
static void reasons_add(struct text_buffer *line, const struct view *view, const struct judge_service *service)
{
    char text[WORDING_SIZE];

    for (size_t i = 0; i < service->reason_count; i++) {
        text_buffer_add(line, "%s%s", i == 0 ? ": " : ", ",
                        wording_reason(text, service, &service->reasons[i], view->snapshot->tally));
    }
}

/* Which sockets there are is worth a list, unless the reasons have named them. */
static bool lists_listeners(const struct judge_service *service)
{
    for (size_t i = 0; i < service->reason_count; i++) {
        if (service->reasons[i].listener != NULL) {
            return false;
        }
    }
    return service->listener_count > 0;
}

/* The listeners with their owners: "0.0.0.0:443 (nginx.service), [::1]:443 (nginx.service)", the first few of them. */
static void listeners_add(struct text_buffer *line, const struct judge_service *service)
{
    char text[WORDING_SIZE];

    for (size_t i = 0; i < service->listener_count; i++) {
        if (i == LISTENERS) {
            text_buffer_add(line, " ... and %zu more", service->listener_count - i);
            break;
        }
        text_buffer_add(line, "%s%s", i == 0 ? "" : ", ", wording_listener(text, service, service->listeners[i]));
    }
}

/* "web 443/tcp: v4-only, must be dual-stack: nothing accepts IPv6, only 0.0.0.0:443 (nginx.service), note OPS-1234" */
static void service_tell(struct report *report, const struct view *view, const struct judge_service *service)
{
    const struct rule *rule = service->rule;
    char text[WORDING_SIZE];
    char bytes[4 * WORDING_SIZE];
    struct text_buffer line = TEXT_BUFFER(bytes);

    text_buffer_add(&line, "%s: ", wording_service(text, service));
    if (service->waived) {
        waiver_add(&line, view, service);
    }
    text_buffer_add(&line, "%s", wording_stack(text, service));
    if (rule != NULL) {
        text_buffer_add(&line, wording_requirement_is_kept(service) ? " (must %s)" : ", must %s",
                        wording_requirement(rule->requirement));
    }
    reasons_add(&line, view, service);
    if (lists_listeners(service)) {
        bool lacks = service->reason_count > 0 && service->absent && !service->stack.lopsided;
        text_buffer_add(&line, ", %s ", lacks ? "only" : "on");
        listeners_add(&line, service);
    }
    if (rule != NULL && rule->note != NULL && service->reason_count > 0) {
        text_buffer_add(&line, ", note %.60s", rule->note);
    }
    report_line(report, service->state, "%s", bytes);
}

static void evidence_tell(struct report *report, const struct judge_service *service)
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
                    wording_accepts(tally_accepts(listener)), scope_name(listener->scope),
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
        evidence_tell(report, service);
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

struct report *text_verdict_report(const struct view *view)
{
    size_t count;
    const struct judge_service **findings = findings_sort(view->verdict, &count);
    struct report *report = report_create(TEXT_NAME, view->verbose > 0 ? LIMIT_VERBOSE : LIMIT);

    if (findings != NULL && report != NULL) {
        first_line_tell(report, view, findings, count);
        perfdata_tell(report, view);
        lines_tell(report, view, findings, count);
    } else {
        report_free(report);
        report = NULL;
    }
    free(findings);
    return report;
}

struct report *text_failure_report(const struct writer_failure *failure)
{
    struct report *report = report_create(TEXT_NAME, LIMIT);

    if (report == NULL) {
        return NULL;
    }
    report_prose(report, "%s", failure->sentences[0]);
    if (failure->count > 1) {
        report_prose(report, " ... and %zu more", failure->count - 1);
    }
    for (size_t i = 1; i < failure->count && i < SENTENCES; i++) {
        report_line(report, failure->state, "%s", failure->sentences[i]);
    }
    if (failure->count > SENTENCES) {
        report_line(report, failure->state, "and %zu more mistakes, --lint lists them all", failure->count - SENTENCES);
    }
    if (failure->more != NULL) {
        report_note(report, "%s", failure->more);
    }
    if (failure->usage != NULL) {
        report_note(report, "%s", failure->usage);
    }
    return report;
}

int text_report_write(struct report *report, enum state state, const struct sink *sink)
{
    char *text = NULL;
    size_t length;
    int result = report != NULL ? report_render(report, state, &text, &length) : -ENOMEM;

    if (result == 0) {
        sink->write(text, length, sink->context);
    }
    free(text);
    report_free(report);
    return result;
}

/* --- the writer -------------------------------------------------------------------------------------------------- */

static int verdict_write(const struct view *view, const struct sink *sink)
{
    return text_report_write(text_verdict_report(view), view->verdict->state, sink);
}

static int failure_write(const struct writer_failure *failure, const struct sink *sink)
{
    return text_report_write(text_failure_report(failure), failure->state, sink);
}

/* Warnings are lines of their own state, whatever that of the whole. */
static int lint_write(const struct writer_lint *lint, const struct sink *sink)
{
    struct report *report = report_create(TEXT_NAME, 0);

    if (report == NULL) {
        return -ENOMEM;
    }
    report_prose(report, "%s", lint->summary);
    for (size_t i = 0; i < lint->count; i++) {
        report_line(report, lint->state == STATE_OK ? STATE_WARNING : lint->state, "%s", lint->findings[i]);
    }
    return text_report_write(report, lint->state, sink);
}

static int list_end(const struct writer_list_end *end, const struct sink *sink)
{
    const struct writer_failure failure = {
        .state = STATE_UNKNOWN,
        .sentences = end->faults,
        .count = end->fault_count,
    };

    text_list_remarks(end, sink);
    return end->fault_count > 0 ? failure_write(&failure, sink) : 0;
}

const struct writer text_writer = {
    .name = "text",
    .verdict = verdict_write,
    .failure = failure_write,
    .lint = lint_write,
    .list_measure = text_list_measure,
    .list_head = text_list_head,
    .list_row = text_list_row,
    .list_end = list_end,
    .fleet_host = text_fleet_host,
    .fleet_end = text_fleet_end,
    .fleet_clear = text_fleet_clear,
};
