/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The check: takes a snapshot, judges it, takes another where a breach rests on something missing, and answers.
 */
#include "config.h"

#include "check.h"

#include "audit/change.h"
#include "audit/day.h"
#include "deadline.h"

#include <errno.h>
#include <time.h>

/*
 * A daemon that restarts is gone for a moment. A breach because something is missing is reported only when two
 * snapshots this far apart agree: at 20 ms none was reported falsely, at once 0.9 % were.
 */
#define SECOND_ATTEMPT_NANOSECONDS 50000000L

/* Where each attempt finds something else missing, this many are enough. */
#define ATTEMPTS_MOST 5

/* One snapshot and its verdict. */
struct attempt {
    struct snapshot *snapshot;
    struct judge_verdict *verdict;
};

static void attempt_clear(struct attempt *attempt)
{
    judge_free(attempt->verdict);
    snapshot_free(attempt->snapshot);
    *attempt = (struct attempt){NULL, NULL};
}

static bool asks_for_units(const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        if (policy->rules[i]->unit != NULL || policy->rules[i]->except_unit_count > 0) {
            return true;
        }
    }
    return false;
}

/* Is more told than what the policy judges? */
static bool needs_everything(const struct run *run)
{
    return run->writer->needs_everything || run->options->perfdata == LABELS_FULL;
}

/* What is compared with a baseline need not be judged. */
static bool needs_every_protocol(const struct run *run)
{
    return needs_everything(run) || run->baselines != NULL;
}

static int attempt_judge(const struct run *run, const struct baseline *baseline, struct attempt *attempt)
{
    const struct options *options = run->options;
    bool needs_units = asks_for_units(run->policy) || baseline->snapshot != NULL;
    const struct judge_question question = {
        .policy = run->policy,
        .tally = attempt->snapshot->tally,
        .warning = options->warning_set ? &options->warning : NULL,
        .critical = options->critical_set ? &options->critical : NULL,
        .today = day_of(attempt->snapshot->time),
        .everything = run->writer->needs_everything || run->policy->rule_count == 0,
        .compares = run->baselines != NULL,
        .baseline = baseline->snapshot != NULL ? baseline->snapshot->tally : NULL,
    };
    int result = needs_units ? snapshot_owners_find(attempt->snapshot, deadline_stage) : 0;

    deadline_stage("judging");
    return result != 0 ? result : judge_tally(&question, &attempt->verdict);
}

struct snapshot_request check_snapshot_request(const struct run *run)
{
    const struct options *options = run->options;

    return (struct snapshot_request){
        .sources = {.choice = options->source, .copies = options->procfs, .progress = deadline_stage},
        .namespace = options->netns,
        .policy = run->policy,
        .depth = options->verbose >= 2 ? SNAPSHOT_IPV4_JUDGED : SNAPSHOT_MAPPED_JUDGED,
        .keeps_questions = options->verbose >= 3,
    };
}

static int attempt_take(const struct run *run, struct baseline *baseline, struct attempt *attempt)
{
    struct snapshot_request request = check_snapshot_request(run);
    int result;

    request.every_protocol = needs_every_protocol(run);
    if (needs_everything(run)) {
        request.depth = SNAPSHOT_ALL;
    }
    result = snapshot_take(&request, &attempt->snapshot);
    if (result == 0) {
        result = baseline_find(run, attempt->snapshot, baseline);
    }
    return result != 0 ? result : attempt_judge(run, baseline, attempt);
}

static bool is_absent(const struct judge_service *service)
{
    return service->absent && service->state != STATE_OK;
}

static bool is_same(const struct judge_service *a, const struct judge_service *b)
{
    return a->rule == b->rule && a->protocol == b->protocol && a->port == b->port;
}

/*
 * Did the earlier verdict find every absence too? Both are in the same order, so the search for each goes on where the
 * last one ended: a range may have 65,535 missing ports.
 */
static bool all_confirmed(const struct judge_verdict *verdict, const struct judge_verdict *earlier)
{
    size_t next = 0;

    for (size_t i = 0; i < verdict->service_count; i++) {
        const struct judge_service *service = &verdict->services[i];
        if (!is_absent(service)) {
            continue;
        }
        while (next < earlier->service_count && !is_same(&earlier->services[next], service)) {
            next++;
        }
        if (next == earlier->service_count || !is_absent(&earlier->services[next])) {
            return false;
        }
    }
    return true;
}

static bool rests_on_absence(const struct judge_verdict *verdict)
{
    return judge_rests_on_absence(verdict) ||
           (verdict->changes != NULL && change_list_rests_on_absence(verdict->changes));
}

static void second_attempt_wait(void)
{
    struct timespec left = {.tv_nsec = SECOND_ATTEMPT_NANOSECONDS};
    int result;

    deadline_stage("waiting for a second look");
    do {
        result = nanosleep(&left, &left);
    } while (result != 0 && errno == EINTR);
}

/* Takes snapshots until every breach by absence, and every change of that kind, was seen twice in a row. */
static int attempt_confirm(const struct run *run, struct baseline *baseline, struct attempt *attempt)
{
    int result = 0;

    for (int attempts = 1; result == 0 && attempts < ATTEMPTS_MOST && rests_on_absence(attempt->verdict); attempts++) {
        struct attempt earlier = *attempt;
        bool confirmed;
        *attempt = (struct attempt){NULL, NULL};
        second_attempt_wait();
        result = attempt_take(run, baseline, attempt);
        confirmed =
            result == 0 && all_confirmed(attempt->verdict, earlier.verdict) &&
            (run->baselines == NULL || change_list_confirms(attempt->verdict->changes, earlier.verdict->changes));
        attempt_clear(&earlier);
        if (confirmed) {
            break;
        }
    }
    return result;
}

/* Owners are only looked up for those who read about them. */
static bool needs_owners(const struct run *run, const struct judge_verdict *verdict)
{
    return run->writer->needs_everything || run->options->verbose > 0 || verdict->state != STATE_OK ||
           verdict->total.waived > 0;
}

struct view check_view(const struct run *run, const struct snapshot *snapshot, const struct judge_verdict *verdict,
                       const struct baseline *baseline)
{
    const struct options *options = run->options;

    return (struct view){
        .policy = run->policy,
        .snapshot = snapshot,
        .verdict = verdict,
        .baseline = run->baselines != NULL ? &baseline->view : NULL,
        .thresholds = {.warning = options->warning_set ? &options->warning : NULL,
                       .critical = options->critical_set ? &options->critical : NULL},
        .today = day_of(snapshot->time),
        .verbose = options->verbose,
        .perfdata = options->perfdata,
    };
}

int check_snapshot(const struct run *run, struct snapshot *snapshot, struct baseline *baseline,
                   struct judge_verdict **verdict)
{
    struct attempt attempt = {.snapshot = snapshot};
    int result;

    snapshot_remark_choose(snapshot, run->policy, needs_every_protocol(run));
    result = baseline_find(run, snapshot, baseline);
    if (result == 0) {
        result = attempt_judge(run, baseline, &attempt);
    }
    *verdict = attempt.verdict;
    return result;
}

int check_run(const struct run *run, enum state *state)
{
    struct attempt attempt = {NULL, NULL};
    struct baseline baseline = {.snapshot = NULL};
    int result = attempt_take(run, &baseline, &attempt);

    /* Copies of another host's files do not change. */
    if (result == 0 && run->options->procfs == NULL) {
        result = attempt_confirm(run, &baseline, &attempt);
    }
    if (result == 0 && needs_owners(run, attempt.verdict)) {
        result = snapshot_owners_find(attempt.snapshot, deadline_stage);
    }
    if (result == 0) {
        const struct view view = check_view(run, attempt.snapshot, attempt.verdict, &baseline);
        *state = attempt.verdict->state;
        result = run->writer->verdict(&view, &run->sink);
    }
    attempt_clear(&attempt);
    baseline_clear(&baseline);
    return result;
}
