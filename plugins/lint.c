/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "lint.h"

#include "audit/day.h"
#include "audit/lint.h"
#include "capture/json_value.h"
#include "plugin/report.h"
#include "render/json.h"
#include "render/wording.h"
#include "socket/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void counted(char text[static WORDING_SIZE], size_t count, const char *thing)
{
    snprintf(text, WORDING_SIZE, "%zu %s%s", count, thing, count == 1 ? "" : "s");
}

/* "12 rules, 2 warnings" or "3 mistakes in the policy". */
static void summary_build(char text[static WORDING_SIZE], const struct policy *policy,
                          const struct rule_errors *findings)
{
    char warnings[WORDING_SIZE];
    char rules[WORDING_SIZE];

    if (policy->errors.count > 0) {
        counted(rules, policy->errors.count, "mistake");
        snprintf(text, WORDING_SIZE, "%.60s in the policy", rules);
        return;
    }
    counted(rules, policy->rule_count, "rule");
    counted(warnings, findings->count, "warning");
    snprintf(text, WORDING_SIZE, "%.60s, %.60s", rules, findings->count > 0 ? warnings : "no warnings");
}

static int text_build(const struct policy *policy, const struct rule_errors *findings, struct answer *answer)
{
    enum state state = answer->state == STATE_OK ? STATE_WARNING : answer->state;
    struct report *report = report_create("DUALSTACK", 0);
    char summary[WORDING_SIZE];
    int result;

    if (report == NULL) {
        return -ENOMEM;
    }
    summary_build(summary, policy, findings);
    report_prose(report, "%s", summary);
    for (size_t i = 0; i < findings->count; i++) {
        report_line(report, state, "%s", findings->text[i]);
    }
    result = report_render(report, answer->state, &answer->text, &answer->length);
    report_free(report);
    return result;
}

/* The object of a failure with the sum as its summary and what was found, be it warnings, as its errors. */
static int json_build(const struct policy *policy, const struct rule_errors *findings, struct answer *answer)
{
    char summary[WORDING_SIZE];
    const char *sentences[] = {summary};
    json_t *object = NULL;
    json_t *list = json_array();
    int result;

    summary_build(summary, policy, findings);
    for (size_t i = 0; i < findings->count; i++) {
        json_array_append_new(list, json_value_text(findings->text[i]));
    }
    result = json_failure(answer->state, sentences, 1, &answer->text, &answer->length);
    if (result == 0) {
        object = json_loads(answer->text, 0, NULL);
        free(answer->text);
        answer->text = NULL;
    }
    if (result == 0 && (json_array_size(list) != findings->count || json_object_set(object, "errors", list) != 0)) {
        result = -ENOMEM;
    }
    if (result == 0) {
        result = json_value_render(object, JSON_COMPACT, &answer->text, &answer->length);
    }
    json_decref(object);
    json_decref(list);
    return result;
}

/* Finds the warnings of a policy without errors. Returns 0 or -ENOMEM. */
static int warnings_find(const struct policy *policy, struct rule_errors *warnings)
{
    struct sock_host host;
    struct fault fault;

    /* What cannot be read of the host only leaves out the warnings about it. */
    (void)host_read(&host, "/proc/net", &fault);
    return lint_policy(policy, &host, day_of(time(NULL)), warnings);
}

int lint_run(const struct options *options, const struct policy *policy, struct answer *answer)
{
    struct rule_errors warnings = {NULL, 0, false};
    bool wrong = policy->errors.count > 0;
    const struct rule_errors *findings = wrong ? &policy->errors : &warnings;
    int result = wrong ? 0 : warnings_find(policy, &warnings);

    answer->state = wrong ? STATE_UNKNOWN : STATE_OK;
    if (result == 0) {
        result = options->json ? json_build(policy, findings, answer) : text_build(policy, findings, answer);
    }
    rule_errors_clear(&warnings);
    return result;
}
