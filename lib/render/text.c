/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The answers of --format=text.
 */
#include "config.h"

#include "render/text.h"

#include "audit/change.h"
#include "plugin/text_buffer.h"
#include "render/change_wording.h"
#include "render/clients.h"
#include "render/remedy.h"
#include "render/text_fleet.h"
#include "render/text_list.h"
#include "render/text_report.h"
#include "render/wording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What Nagios stores without loss, and NRPE 4 transports. */
#define LIMIT 4096
#define LIMIT_VERBOSE 64000

/* Findings go to the first line until they are about this long. */
#define FINDINGS_LENGTH 90

/* A failure shows this many of its sentences, a service that many of its listeners. */
#define SENTENCES 20
#define LISTENERS 3

/* Only the start of a longer note is shown. */
#define NOTE_MOST 60

/* An answer while it is put together. */
struct answer {
    const struct view *view;
    struct report *report;
    struct wording_context context;
    const struct judge_service **findings; /* the services that are not OK, the worst first */
    size_t finding_count;
};

/* --- first line -------------------------------------------------------------------------------------------------- */

/* Services that are equally bad stay in the order of the verdict. Returns 0 or -ENOMEM; the list is the caller's. */
static int findings_sort(struct answer *answer)
{
    static const enum state order[] = {STATE_CRITICAL, STATE_WARNING, STATE_UNKNOWN};
    const struct judge_verdict *verdict = answer->view->verdict;

    answer->findings = malloc((verdict->service_count + 1) * sizeof(const struct judge_service *));
    if (answer->findings == NULL) {
        return -ENOMEM;
    }
    for (size_t rank = 0; rank < sizeof order / sizeof *order; rank++) {
        for (size_t i = 0; i < verdict->service_count; i++) {
            if (verdict->services[i].state == order[rank]) {
                answer->findings[answer->finding_count++] = &verdict->services[i];
            }
        }
    }
    return 0;
}

static bool is_shown(const struct view *view, const struct judge_service *service)
{
    return service->state != STATE_OK || service->waived || view->verbose > 0 || service->peers != NULL;
}

/* If the host's addresses limit several services, that is said once, about the host. */
static void host_findings_choose(struct answer *answer)
{
    const struct judge_verdict *verdict = answer->view->verdict;
    const struct tally *tally = answer->view->snapshot->tally;
    size_t limited[RECORD_FAMILIES] = {0};

    for (size_t i = 0; i < verdict->service_count; i++) {
        unsigned families =
            is_shown(answer->view, &verdict->services[i]) ? wording_host_limits(&verdict->services[i], tally) : 0;
        for (int family = 0; family < RECORD_FAMILIES; family++) {
            limited[family] += families >> family & 1;
        }
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        answer->context.host_has_sentence[family] = limited[family] > 1;
    }
}

static void host_findings_write(const struct answer *answer)
{
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        char bytes[WORDING_SIZE];
        struct text_buffer text = TEXT_BUFFER(bytes);
        if (answer->context.host_has_sentence[family]) {
            wording_add_host(&text, answer->view->snapshot->tally, (enum record_family)family);
            report_prose(answer->report, ". %s", bytes);
        }
    }
}

static void findings_write(const struct answer *answer)
{
    size_t length = 0;
    size_t written = 0;

    for (; written < answer->finding_count; written++) {
        char bytes[WORDING_SIZE];
        struct text_buffer text = TEXT_BUFFER(bytes);
        wording_add_finding(&text, answer->findings[written], &answer->context);
        length += text.length + 2;
        if (written > 0 && length > FINDINGS_LENGTH) {
            break;
        }
        report_prose(answer->report, ". %s", bytes);
    }
    if (written < answer->finding_count) {
        report_prose(answer->report, " ... and %zu more", answer->finding_count - written);
    }
}

/* The first changes in few words, until they are as long as findings may be. */
static void change_briefs_write(const struct answer *answer, const struct change_list *list)
{
    size_t length = 0;

    for (size_t i = 0; i < list->count; i++) {
        char bytes[WORDING_SIZE];
        struct text_buffer text = TEXT_BUFFER(bytes);
        change_wording_add_brief(&text, &list->changes[i], list);
        length += text.length + 2;
        if (i > 0 && length > FINDINGS_LENGTH) {
            report_prose(answer->report, " ... and %zu more", list->count - i);
            break;
        }
        report_prose(answer->report, "%s%s", i == 0 ? ": " : ", ", bytes);
    }
}

/* "2 changes since 2026-11-22T09:00:00Z (newest of 3 baselines): 8080/tcp appeared, 443/tcp is gone" */
static void changes_write(const struct answer *answer)
{
    const struct view_baseline *baseline = answer->view->baseline;
    const struct change_list *list = answer->view->verdict->changes;
    char bytes[WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    if (baseline == NULL) {
        return;
    }
    if (baseline->missing != NULL) {
        report_prose(answer->report, ". %s", baseline->missing);
        return;
    }
    change_wording_add_summary(&text, list, baseline->time);
    report_prose(answer->report, ". %s", bytes);
    if (answer->view->verbose > 0) {
        report_prose(answer->report, " (%.120s)", baseline->file);
    }
    if (baseline->captures > 1) {
        report_prose(answer->report, " (newest of %zu baselines)", baseline->captures);
    }
    change_briefs_write(answer, list);
}

/* What could not be read at all, behind the findings. */
static void faults_write(const struct answer *answer)
{
    const struct view *view = answer->view;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (view->verdict->unreadable[protocol]) {
            report_prose(answer->report, ". %.400s", view->snapshot->tally->unreadable[protocol]);
        }
    }
    if (view->snapshot->fault[0] != '\0' && view->verdict->state != STATE_OK) {
        report_prose(answer->report, ". %.250s", view->snapshot->fault);
    }
}

/* A default says "everything else", so the output says what it leaves out. */
static void unjudged_write(const struct answer *answer)
{
    uint64_t count = answer->view->verdict->total.unjudged_udp;
    char bytes[64];
    struct text_buffer text = TEXT_BUFFER(bytes);

    if (count > 0) {
        text_buffer_add_count(&text, count, "UDP socket");
        report_prose(answer->report, ". %s on client ports not judged", bytes);
    }
}

/* How the host was read: in full with -v, and if it is the reason for an UNKNOWN. */
static void remark_write(const struct answer *answer)
{
    const struct view *view = answer->view;
    bool in_full = view->verbose > 0 || view->verdict->total.unknown > 0;
    const char *remark = in_full ? view->snapshot->remark : view->snapshot->brief;

    if (*remark != '\0') {
        report_prose(answer->report, " (%s)", remark);
    }
}

static void first_line_write(struct answer *answer)
{
    const struct view *view = answer->view;
    char bytes[WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    wording_add_summary(&text, view->verdict, view->policy);
    report_prose(answer->report, "%s", bytes);
    if (view->snapshot->namespace[0] != '\0' && !view->is_one_of_many) {
        report_prose(answer->report, " in namespace %s", view->snapshot->namespace);
    }
    host_findings_write(answer);
    findings_write(answer);
    changes_write(answer);
    unjudged_write(answer);
    faults_write(answer);
    remark_write(answer);
}

/* --- performance data -------------------------------------------------------------------------------------------- */

static void value_write(void *context, const struct labels_value *value)
{
    struct report *report = context;
    struct perfdata perfdata = {.value = value->value,
                                .warning = value->thresholds.warning,
                                .critical = value->thresholds.critical};

    snprintf(perfdata.label, sizeof perfdata.label, "%s%s", value->name, value->suffix);
    report_perfdata(report, &perfdata);
}

static void perfdata_write(const struct answer *answer)
{
    const struct labels_request request = {
        .policy = answer->view->policy,
        .verdict = answer->view->verdict,
        .set = answer->view->perfdata,
        .thresholds = answer->view->thresholds,
    };

    labels_walk(&request, value_write, answer->report);
}

/* --- detail lines ------------------------------------------------------------------------------------------------ */

/* "waived until 2027-01-31, 3 days left: " */
static void waiver_add(struct text_buffer *line, const struct view *view, const struct judge_service *service)
{
    long days = waiver_days_left(service->rule, view->today);

    text_buffer_add(line, "waived until %s, ", service->rule->waive_text);
    if (days == 0) {
        text_buffer_add(line, "the last day: ");
    } else {
        text_buffer_add(line, "%ld day%s left: ", days, days == 1 ? "" : "s");
    }
}

/* All reasons, comma by comma. */
static void reasons_add(struct text_buffer *line, const struct answer *answer, const struct judge_service *service)
{
    for (size_t i = 0; i < service->reason_count; i++) {
        text_buffer_add(line, i == 0 ? ": " : ", ");
        wording_add_reason(line, service, &service->reasons[i], &answer->context);
    }
}

/* The sockets are listed unless the reasons have named them. */
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
    for (size_t i = 0; i < service->listener_count; i++) {
        if (i == LISTENERS) {
            text_buffer_add(line, " ... and %zu more", service->listener_count - i);
            break;
        }
        text_buffer_add(line, "%s", i == 0 ? "" : ", ");
        wording_add_listener(line, service, service->listeners[i]);
    }
}

/* ", must be dual-stack" where that is broken, else " (must be dual-stack)", or what allows that nothing listens. */
static void requirement_add(struct text_buffer *line, const struct judge_service *service)
{
    const struct rule *rule = service->rule;
    bool is_kept = wording_requirement_is_kept(service);

    if (is_kept && service->stack.kind == STACK_CLOSED && service->listener_count == 0 &&
        rule->requirement != RULE_CLOSED) {
        text_buffer_add(line, " (missing=ok)");
    } else {
        text_buffer_add(line, is_kept ? " (must %s)" : ", must %s", wording_requirement(rule->requirement));
    }
}

/* Does the last reason, which the list of sockets follows, say that there are too few of them? */
static bool lists_what_lacks(const struct judge_service *service)
{
    enum judge_cause last =
        service->reason_count > 0 ? service->reasons[service->reason_count - 1].cause : JUDGE_UNREADABLE;

    return (last == JUDGE_NO_IPV4 || last == JUDGE_NO_IPV6) && !service->stack.lopsided;
}

/* "web 443/tcp: v4-only, must be dual-stack: nothing accepts IPv6, only 0.0.0.0:443 (nginx.service), note OPS-1234" */
static void service_write(const struct answer *answer, const struct judge_service *service)
{
    const struct rule *rule = service->rule;
    char bytes[4 * WORDING_SIZE];
    struct text_buffer line = TEXT_BUFFER(bytes);

    wording_add_service(&line, service);
    text_buffer_add(&line, ": ");
    if (service->waived) {
        waiver_add(&line, answer->view, service);
    }
    wording_add_stack(&line, service, &answer->context);
    if (rule != NULL) {
        requirement_add(&line, service);
    }
    reasons_add(&line, answer, service);
    if (lists_listeners(service)) {
        text_buffer_add(&line, ", %s ", lists_what_lacks(service) ? "only" : "on");
        listeners_add(&line, service);
        wording_add_within(&line, service, answer->context.tally);
    }
    if (rule != NULL && rule->waive_set && service->reason_count > 0 && rule->waive_day < answer->view->today) {
        text_buffer_add(&line, ", the waiver ended on %s", rule->waive_text);
    }
    if (rule != NULL && rule->note != NULL && service->reason_count > 0) {
        text_buffer_add(&line, ", note ");
        text_buffer_add_cut(&line, rule->note, NOTE_MOST);
    }
    report_line(answer->report, service->state, "%s", bytes);
}

/* A rule against IPv4 is kept as long as no IPv4 arrives; a new address would change that. */
static void v6only_note_write(const struct answer *answer, const struct judge_service *service)
{
    if (service->rule == NULL || !rule_requirement_of(service->rule->requirement)->bars_ipv4 ||
        service->stack.kind != STACK_V6_ONLY) {
        return;
    }
    for (size_t i = 0; i < service->listener_count; i++) {
        const struct stack_accepts accepts = tally_accepts(service->listeners[i]);
        if (accepts.ipv4 == RECORD_YES && accepts.ipv6 == RECORD_YES) {
            char bytes[WORDING_SIZE];
            struct text_buffer text = TEXT_BUFFER(bytes);
            text_buffer_add(&text, "IPV6_V6ONLY is off on ");
            wording_add_endpoint(&text, service, service->listeners[i]);
            text_buffer_add(&text, ", so it accepts IPv4 wherever this host has an address");
            report_note(answer->report, "%s", bytes);
        }
    }
}

/* ", reach IPv4 external IPv6 link" */
static void reach_add(struct text_buffer *line, const struct answer *answer, const struct tally_listener *listener)
{
    text_buffer_add(line, ", reach");
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        struct reach reach = tally_reach(answer->view->snapshot->tally, listener, (enum record_family)family);
        if (tally_accepts_family(listener, (enum record_family)family) != RECORD_NO) {
            text_buffer_add(line, " %s %s", record_family_name((enum record_family)family), reach_name(reach.extent));
        }
    }
}

static void listener_write(const struct answer *answer, const struct judge_service *service,
                           const struct tally_listener *listener)
{
    static const char *const v6only[] = {
        [RECORD_V6ONLY_UNKNOWN] = "unknown",
        [RECORD_V6ONLY_NO] = "off",
        [RECORD_V6ONLY_YES] = "on",
    };
    _Static_assert(sizeof v6only / sizeof *v6only == RECORD_V6ONLY_ANSWERS, "each answer has a word");
    bool inet6 = listener->family == RECORD_INET6;
    char bytes[2 * WORDING_SIZE];
    struct text_buffer line = TEXT_BUFFER(bytes);

    wording_add_endpoint(&line, service, listener);
    text_buffer_add(&line, " is %s%s%s, accepts %s, scope %s", inet6 ? "AF_INET6" : "AF_INET",
                    inet6 ? " with v6only " : "", inet6 ? v6only[listener->v6only] : "",
                    wording_accepts(tally_accepts(listener)), scope_name(listener->scope));
    reach_add(&line, answer, listener);
    text_buffer_add(&line, ", ");
    text_buffer_add_count(&line, listener->sockets, "socket");
    if (listener->uid != RECORD_UID_HIDDEN) {
        text_buffer_add(&line, ", uid %lu", (unsigned long)listener->uid);
    }
    if (listener->unit_state != TALLY_UNIT_NOT_ASKED) {
        text_buffer_add(&line, ", ");
        wording_add_owner(&line, listener);
    }
    report_note(answer->report, "%s", bytes);
}

static void evidence_write(const struct answer *answer, const struct judge_service *service)
{
    char bytes[WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    for (size_t i = 0; i < service->listener_count; i++) {
        listener_write(answer, service, service->listeners[i]);
    }
    text_buffer_add_count(&text, tally_ipv4_sum(service->connections), "IPv4 connection");
    text_buffer_add(&text, " established, %llu of them mapped",
                    (unsigned long long)tally_mapped_sum(service->connections));
    report_note(answer->report, "%s", bytes);
}

static void remedies_write(const struct answer *answer, const struct judge_service *service)
{
    const struct snapshot *snapshot = answer->view->snapshot;
    bool is_replay = strcmp(snapshot->source, "capture") == 0;

    for (size_t i = 0; i < service->reason_count; i++) {
        char text[REMEDY_SIZE];
        if (*remedy_format(text, service, &service->reasons[i], snapshot->tally, is_replay) != '\0') {
            report_note(answer->report, "to fix: %s", text);
        }
    }
}

static void client_write(void *context, const char *line)
{
    report_note(context, "%s", line);
}

static void details_write(const struct answer *answer, const struct judge_service *service)
{
    unsigned verbose = answer->view->verbose;

    if (report_is_full(answer->report)) {
        report_line(answer->report, service->state, "not shown");
        return;
    }
    service_write(answer, service);
    if (verbose >= 2) {
        evidence_write(answer, service);
    }
    clients_walk(service->peers, service->connections, client_write, answer->report);
    if (verbose >= 1) {
        v6only_note_write(answer, service);
        remedies_write(answer, service);
    }
}

/* A threshold that can never fire is an error that no result would reveal. */
static void thresholds_note_write(const struct answer *answer)
{
    const struct labels_thresholds *thresholds = &answer->view->thresholds;

    if (answer->view->verbose > 0 && thresholds->warning != NULL && thresholds->critical != NULL &&
        range_covers(thresholds->critical, thresholds->warning)) {
        report_note(answer->report, "--warning never fires, because --critical fires first");
    }
}

/* Why --peers lists no client. */
static void no_clients_note_write(const struct answer *answer)
{
    const struct view *view = answer->view;
    bool any = view->peers == 0;

    for (size_t i = 0; i < view->verdict->service_count; i++) {
        any |= view->verdict->services[i].peers != NULL;
    }
    if (!any) {
        report_note(answer->report, "%s",
                    view->snapshot->tally->counts_peers
                        ? "no client is connected"
                        : "clients are not known: the capture was taken without --peers");
    }
}

/* What is said of the whole host, with no state of its own. */
static void notes_write(const struct answer *answer)
{
    const struct snapshot *snapshot = answer->view->snapshot;

    thresholds_note_write(answer);
    no_clients_note_write(answer);
    for (size_t i = 0; i < snapshot->question_count; i++) {
        report_note(answer->report, "%s", snapshot->questions[i]);
    }
}

static void change_lines_write(const struct answer *answer)
{
    const struct change_list *list = answer->view->verdict->changes;
    char bytes[4 * WORDING_SIZE];
    struct text_buffer text;

    for (size_t i = 0; list != NULL && i < list->count; i++) {
        text = TEXT_BUFFER(bytes);
        change_wording_add(&text, &list->changes[i], list);
        report_line(answer->report, list->changes[i].state, "%s", bytes);
    }
    for (int protocol = 0; list != NULL && protocol < RECORD_PROTOCOLS; protocol++) {
        if (list->unreadable[protocol]) {
            text = TEXT_BUFFER(bytes);
            change_wording_add_unreadable(&text, list, (enum record_protocol)protocol);
            report_line(answer->report, STATE_UNKNOWN, "%s", bytes);
        }
    }
}

static void lines_write(const struct answer *answer)
{
    const struct view *view = answer->view;

    notes_write(answer);
    for (size_t i = 0; i < answer->finding_count; i++) {
        details_write(answer, answer->findings[i]);
    }
    change_lines_write(answer);
    for (size_t i = 0; i < view->verdict->service_count; i++) {
        const struct judge_service *service = &view->verdict->services[i];
        if (service->state == STATE_OK && is_shown(view, service)) {
            details_write(answer, service);
        }
    }
}

size_t text_limit(unsigned verbose, size_t peers)
{
    return verbose > 0 || peers > 0 ? LIMIT_VERBOSE : LIMIT;
}

struct report *text_verdict_report(const struct view *view, size_t limit)
{
    struct answer answer = {
        .view = view,
        .report = report_create(TEXT_NAME, limit, ESCAPE_TEXT),
        .context = {.tally = view->snapshot->tally},
    };

    if (answer.report != NULL && findings_sort(&answer) == 0) {
        host_findings_choose(&answer);
        first_line_write(&answer);
        perfdata_write(&answer);
        lines_write(&answer);
    } else {
        report_free(answer.report);
        answer.report = NULL;
    }
    free(answer.findings);
    return answer.report;
}

struct report *text_failure_report(const struct writer_failure *failure)
{
    struct report *report = report_create(TEXT_NAME, LIMIT, ESCAPE_NAMED);

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
        report_line(report, failure->state, "and %zu more errors: --lint lists them all", failure->count - SENTENCES);
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
    struct report *report = text_verdict_report(view, text_limit(view->verbose, view->peers));
    struct waiver_list waivers = {.waivers = NULL};

    if (report != NULL && view->verbose > 0 && waiver_list_add(&waivers, view->policy, view->verdict) == 0) {
        text_fleet_unneeded_add(report, view->policy, &waivers);
    }
    waiver_list_clear(&waivers);
    return text_report_write(report, view->verdict->state, sink);
}

static int failure_write(const struct writer_failure *failure, const struct sink *sink)
{
    return text_report_write(text_failure_report(failure), failure->state, sink);
}

/* Warnings have a state of their own, independent of the whole. */
static int lint_write(const struct writer_lint *lint, const struct sink *sink)
{
    struct report *report = report_create(TEXT_NAME, 0, lint->for_terminal ? ESCAPE_LINE : ESCAPE_NAMED);

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

    text_list_clients(end, sink);
    text_list_remarks(end, sink);
    if (end->namespace != NULL) {
        sink_text(sink, "\n");
    }
    return end->fault_count > 0 ? failure_write(&failure, sink) : 0;
}

const struct writer text_writer = {
    .name = "text",
    .has_details = true,
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
