/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A verdict in a plugin's words.
 */
#include "config.h"

#include "tell_text.h"

#include "plugin/report.h"
#include "remedy.h"
#include "words.h"

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

static void findings_tell(struct report *report, const struct judged_case *judged,
                          const struct judge_service *const *findings, size_t count)
{
    char text[WORDS_SIZE];
    size_t length = 0;
    size_t told = 0;

    for (; told < count; told++) {
        words_finding(text, findings[told], judged->look->tally);
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
static void faults_tell(struct report *report, const struct judged_case *judged)
{
    const struct look *look = judged->look;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (judged->verdict->unreadable[protocol]) {
            report_prose(report, ". %.250s", look->tally->unreadable[protocol]);
        }
    }
    if (look->fault[0] != '\0' && judged->verdict->state != STATE_OK) {
        report_prose(report, ". %.250s", look->fault);
    }
}

static void first_line_tell(struct report *report, const struct judged_case *judged,
                            const struct judge_service *const *findings, size_t count)
{
    char text[WORDS_SIZE];

    report_prose(report, "%s", words_summary(text, judged->verdict, judged->policy));
    if (judged->look->namespace[0] != '\0') {
        report_prose(report, " in namespace %s", judged->look->namespace);
    }
    findings_tell(report, judged, findings, count);
    faults_tell(report, judged);
    if (judged->look->remark[0] != '\0') {
        report_prose(report, " (%s)", judged->options->verbose > 0 ? judged->look->remark : "read from /proc/net");
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

static void rule_values_tell(struct report *report, const struct judged_case *judged, const struct rule *rule,
                             bool full)
{
    const uint64_t *connections = judged->verdict->rule_connections[rule->position];

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

static void perfdata_tell(struct report *report, const struct judged_case *judged)
{
    const struct judge_total *total = &judged->verdict->total;
    const struct options *options = judged->options;
    enum options_perfdata set = options->perfdata;

    if (set == OPTIONS_PERFDATA_DEFAULT) {
        set =
            rules_with_values(judged->policy) > RULES_WITH_PERFDATA ? OPTIONS_PERFDATA_TOTALS : OPTIONS_PERFDATA_MAPPED;
    }
    if (total->known) {
        value_tell(report, "mapped", "", total->mapped, options->warning_set ? &options->warning : NULL,
                   options->critical_set ? &options->critical : NULL);
        if (set == OPTIONS_PERFDATA_FULL) {
            value_tell(report, "mapped_out", "", total->mapped_out, NULL, NULL);
        }
    }
    value_tell(report, "violations", "", total->violations, NULL, NULL);
    value_tell(report, "unlisted", "", total->unlisted, NULL, NULL);
    for (size_t i = 0; set != OPTIONS_PERFDATA_TOTALS && i < judged->policy->rule_count; i++) {
        if (!judged->policy->rules[i]->is_default && judged->verdict->rule_known[i]) {
            rule_values_tell(report, judged, judged->policy->rules[i], set == OPTIONS_PERFDATA_FULL);
        }
    }
}

/* --- detail lines ------------------------------------------------------------------------------------------------ */

/* Appends to a text of WORDS_SIZE; what does not fit is left out. */
static void add(char text[static WORDS_SIZE], const char *separator, const char *more)
{
    size_t length = strlen(text);

    snprintf(text + length, WORDS_SIZE - length, "%s%.*s", length == 0 ? "" : separator, WORDS_SIZE / 2, more);
}

/* The listeners with their owners: "0.0.0.0:443 (nginx.service), [::1]:443 (nginx.service)", the first few of them. */
static void listeners_words(char text[static WORDS_SIZE], const struct judge_service *service)
{
    char one[WORDS_SIZE];

    *text = '\0';
    for (size_t i = 0; i < service->listener_count; i++) {
        if (i == 3) {
            snprintf(one, sizeof one, "... and %zu more", service->listener_count - i);
            add(text, " ", one);
            break;
        }
        add(text, ", ", words_listener(one, service, service->listeners[i]));
    }
}

static size_t waiver_add(char *text, size_t size, const struct judged_case *judged, const struct judge_service *service)
{
    const char *until = service->rule->waive_text;
    long days = (long)service->rule->waive_day - judged->today;

    if (days == 0) {
        return (size_t)snprintf(text, size, "waived until %s, the last day: ", until);
    }
    return (size_t)snprintf(text, size, "waived until %s, %ld day%s left: ", until, days, days == 1 ? "" : "s");
}

/* All reasons, comma by comma; true when they leave it to the list of listeners to say which sockets there are. */
static bool reasons_words(char text[static WORDS_SIZE], const struct judged_case *judged,
                          const struct judge_service *service)
{
    char one[WORDS_SIZE];
    bool names_none = true;

    *text = '\0';
    for (size_t i = 0; i < service->reason_count; i++) {
        add(text, ", ", words_reason(one, service, &service->reasons[i], judged->look->tally));
        names_none &= service->reasons[i].listener == NULL;
    }
    return names_none;
}

/* "web 443/tcp: v4-only, must be dual-stack: nothing accepts IPv6, only 0.0.0.0:443 (nginx.service), note OPS-1234" */
static void service_tell(struct report *report, const struct judged_case *judged, const struct judge_service *service)
{
    const struct rule *rule = service->rule;
    char label[WORDS_SIZE], stack[WORDS_SIZE], listeners[WORDS_SIZE], reasons[WORDS_SIZE];
    char line[4 * WORDS_SIZE];
    bool list_them = reasons_words(reasons, judged, service);
    size_t length;

    words_service(label, service);
    listeners_words(listeners, service);
    length = (size_t)snprintf(line, sizeof line, "%s: ", label);
    if (service->waived) {
        length += waiver_add(line + length, sizeof line - length, judged, service);
    }
    length += (size_t)snprintf(line + length, sizeof line - length, "%s", words_stack(stack, service));
    if (rule != NULL) {
        length += (size_t)snprintf(line + length, sizeof line - length,
                                   words_requirement_is_kept(service) ? " (must %s)" : ", must %s",
                                   words_requirement(rule->requirement));
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

static void evidence_tell(struct report *report, const struct judged_case *judged, const struct judge_service *service)
{
    static const char *const v6only[] = {
        [RECORD_V6ONLY_UNKNOWN] = "unknown",
        [RECORD_V6ONLY_NO] = "off",
        [RECORD_V6ONLY_YES] = "on",
    };
    char endpoint[WORDS_SIZE], owner[WORDS_SIZE];

    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        bool inet6 = listener->family == RECORD_INET6;
        words_owner(owner, listener);
        report_note(report, "%s is %s%s%s, accepts %s, scope %s, %lu socket%s, uid %lu%s%s",
                    words_endpoint(endpoint, service, listener), inet6 ? "AF_INET6" : "AF_INET",
                    inet6 ? " with v6only " : "", inet6 ? v6only[listener->v6only] : "",
                    words_accepts(tally_accepts(judged->look->tally, listener)), stack_scope_name(listener->scope),
                    (unsigned long)listener->sockets, listener->sockets == 1 ? "" : "s", (unsigned long)listener->uid,
                    *owner != '\0' ? ", " : "", owner);
    }
    report_note(report, "%llu v4-mapped connection%s in", (unsigned long long)service->connections[TALLY_MAPPED],
                service->connections[TALLY_MAPPED] == 1 ? "" : "s");
}

static void remedies_tell(struct report *report, const struct judged_case *judged, const struct judge_service *service)
{
    for (size_t i = 0; i < service->reason_count; i++) {
        char text[REMEDY_SIZE];
        if (*remedy_format(text, service, &service->reasons[i], judged->look->tally) != '\0') {
            report_note(report, "to change it: %s", text);
        }
    }
}

static void details_tell(struct report *report, const struct judged_case *judged, const struct judge_service *service)
{
    unsigned verbose = judged->options->verbose;

    service_tell(report, judged, service);
    if (verbose >= 2) {
        evidence_tell(report, judged, service);
    }
    if (verbose >= 1) {
        remedies_tell(report, judged, service);
    }
}

static void lines_tell(struct report *report, const struct judged_case *judged,
                       const struct judge_service *const *findings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        details_tell(report, judged, findings[i]);
    }
    for (size_t i = 0; i < judged->verdict->service_count; i++) {
        const struct judge_service *service = &judged->verdict->services[i];
        if (service->state == STATE_OK && (judged->options->verbose > 0 || service->waived)) {
            details_tell(report, judged, service);
        }
    }
    for (size_t i = 0; i < judged->look->asked_count; i++) {
        report_line(report, STATE_OK, "%s", judged->look->asked[i]);
    }
}

int tell_text(const struct judged_case *judged, char **text, size_t *length)
{
    size_t count;
    const struct judge_service **findings = findings_sort(judged->verdict, &count);
    struct report *report = report_create("DUALSTACK", judged->options->verbose > 0 ? LIMIT_VERBOSE : LIMIT);
    int result = -ENOMEM;

    if (findings != NULL && report != NULL) {
        first_line_tell(report, judged, findings, count);
        perfdata_tell(report, judged);
        lines_tell(report, judged, findings, count);
        result = report_render(report, judged->verdict->state, text, length);
    }
    report_free(report);
    free(findings);
    return result;
}

int tell_text_failure(enum state state, const char *const *sentences, size_t count, const char *usage, char **text,
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
