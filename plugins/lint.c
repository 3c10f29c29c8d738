/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "lint.h"

#include "audit/day.h"
#include "audit/lint.h"
#include "plugin/text_buffer.h"
#include "socket/host.h"

#include <time.h>
#include <unistd.h>

#define SUMMARY_SIZE 120

/* "12 rules, 2 warnings" or "3 errors in the policy". */
static void summary_build(char text[static SUMMARY_SIZE], const struct policy *policy,
                          const struct rule_errors *findings)
{
    struct text_buffer summary = text_buffer_start(text, SUMMARY_SIZE);

    if (policy->errors.count > 0) {
        text_buffer_add_count(&summary, policy->errors.count, "error");
        text_buffer_add(&summary, " in the policy");
        return;
    }
    text_buffer_add_count(&summary, policy->rule_count, "rule");
    text_buffer_add(&summary, ", ");
    if (findings->count > 0) {
        text_buffer_add_count(&summary, findings->count, "warning");
    } else {
        text_buffer_add(&summary, "no warnings");
    }
}

/* Finds the warnings of a policy without errors, and of the thresholds beside it. Returns 0 or -ENOMEM. */
static int warnings_find(const struct run *run, struct rule_errors *warnings)
{
    const struct options *options = run->options;
    struct sock_host host = RECORD_HOST_UNKNOWN;
    struct fault fault;

    /* What cannot be read of the host only leaves out the warnings about it. A replay judges other hosts. */
    if (options->replay_count == 0) {
        (void)host_read(&host, "/proc/net", &fault);
    }
    if (options->warning_set && options->critical_set && range_covers(&options->critical, &options->warning)) {
        rule_errors_add(warnings, "--warning", "never fires, because --critical fires first: make it narrower");
    }
    return lint_policy(run->policy, &host, day_of(time(NULL)), warnings);
}

int lint_run(const struct run *run, enum state *state)
{
    struct rule_errors warnings = {NULL, 0, false};
    bool wrong = run->policy->errors.count > 0;
    const struct rule_errors *findings = wrong ? &run->policy->errors : &warnings;
    int result = wrong ? 0 : warnings_find(run, &warnings);
    char summary[SUMMARY_SIZE];

    *state = wrong ? STATE_UNKNOWN : warnings.count > 0 && run->options->strict ? STATE_WARNING : STATE_OK;
    if (result == 0) {
        const struct writer_lint lint = {
            .state = *state,
            .host = run->host,
            .time = time(NULL),
            .for_terminal = isatty(STDOUT_FILENO) == 1,
            .summary = summary,
            .findings = (const char *const *)findings->text,
            .count = findings->count,
        };
        summary_build(summary, run->policy, findings);
        result = run->writer->lint(&lint, &run->sink);
    }
    rule_errors_clear(&warnings);
    return result;
}
