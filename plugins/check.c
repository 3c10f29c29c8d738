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
#define NANOSECONDS 1000000000L

/* Where each attempt finds something else missing, this many are enough. */
#define ATTEMPTS_MOST 5

/* Lets go of the snapshot, to take another. */
static void snapshot_clear(struct check *check)
{
    judge_free(check->verdict);
    snapshot_free(check->snapshot);
    check->verdict = NULL;
    check->snapshot = NULL;
}

void check_clear(struct check *check)
{
    snapshot_clear(check);
    baseline_clear(&check->baseline);
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

/* Does the output cover more than the policy judges? */
static bool needs_everything(const struct run *run)
{
    return run->writer->needs_everything || run->options->perfdata == LABELS_FULL;
}

/* What is compared with a baseline need not be judged. */
static bool needs_every_protocol(const struct run *run)
{
    return needs_everything(run) || run->baselines != NULL;
}

static int check_judge(const struct run *run, struct snapshot *snapshot, const struct baseline *baseline,
                       struct judge_verdict **verdict)
{
    const struct options *options = run->options;
    bool needs_units = asks_for_units(run->policy) || baseline->snapshot != NULL;
    const struct judge_question question = {
        .policy = run->policy,
        .tally = snapshot->tally,
        .warning = options->warning_set ? &options->warning : NULL,
        .critical = options->critical_set ? &options->critical : NULL,
        .today = day_of(snapshot->time),
        .everything = run->writer->needs_everything || run->policy->rule_count == 0,
        .peers = options->peers,
        .compares = run->baselines != NULL,
        .baseline = baseline->snapshot != NULL ? baseline->snapshot->tally : NULL,
    };
    int result = needs_units ? snapshot_owners_find(snapshot, deadline_stage) : 0;

    deadline_stage("judging");
    return result != 0 ? result : judge_tally(&question, verdict);
}

struct snapshot_request check_snapshot_request(const struct run *run)
{
    const struct options *options = run->options;

    return (struct snapshot_request){
        .sources = {.choice = options->source, .copies = options->procfs, .progress = deadline_stage},
        .namespace = run->namespace,
        .policy = run->policy,
        .depth = options->peers > 0      ? SNAPSHOT_JUDGED
                 : options->verbose >= 2 ? SNAPSHOT_IPV4_JUDGED
                                         : SNAPSHOT_MAPPED_JUDGED,
        .peers = options->peers,
        .keeps_questions = options->verbose >= 3,
    };
}

int check_take(const struct run *run, struct check *check)
{
    struct snapshot_request request = check_snapshot_request(run);
    int result;

    request.every_protocol = needs_every_protocol(run);
    if (needs_everything(run)) {
        request.depth = SNAPSHOT_ALL;
    }
    result = snapshot_take(&request, &check->snapshot);
    clock_gettime(CLOCK_MONOTONIC, &check->taken);
    if (result == 0) {
        result = baseline_find(run, check->snapshot, &check->baseline);
    }
    return result != 0 ? result : check_judge(run, check->snapshot, &check->baseline, &check->verdict);
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

/* Waits until so long after that attempt. */
static void second_attempt_wait(struct timespec taken)
{
    taken.tv_nsec += SECOND_ATTEMPT_NANOSECONDS;
    if (taken.tv_nsec >= NANOSECONDS) {
        taken.tv_nsec -= NANOSECONDS;
        taken.tv_sec++;
    }
    deadline_stage("waiting for a second look");
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &taken, NULL) == EINTR) {
    }
}

static bool is_confirmed(const struct run *run, const struct check *check, const struct check *earlier)
{
    return all_confirmed(check->verdict, earlier->verdict) &&
           (run->baselines == NULL || change_list_confirms(check->verdict->changes, earlier->verdict->changes));
}

/* Takes snapshots until every breach by absence, and every change of that kind, was seen twice in a row. */
static int absences_confirm(const struct run *run, struct check *check)
{
    int result = 0;

    for (int attempts = 1; result == 0 && attempts < ATTEMPTS_MOST && rests_on_absence(check->verdict); attempts++) {
        struct check earlier = *check;
        bool confirmed;
        check->snapshot = NULL;
        check->verdict = NULL;
        second_attempt_wait(earlier.taken);
        result = check_take(run, check);
        confirmed = result == 0 && is_confirmed(run, check, &earlier);
        snapshot_clear(&earlier);
        if (confirmed) {
            break;
        }
    }
    return result;
}

/* Owners are only looked up if the output shows them. */
static bool needs_owners(const struct run *run, const struct judge_verdict *verdict)
{
    return run->writer->needs_everything || run->options->verbose > 0 || run->options->peers > 0 ||
           verdict->state != STATE_OK || verdict->total.waived > 0;
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
        .peers = options->peers,
        .is_one_of_many = run->is_one_of_many,
    };
}

int check_snapshot(const struct run *run, struct snapshot *snapshot, struct baseline *baseline,
                   struct judge_verdict **verdict)
{
    int result;

    snapshot_remark_choose(snapshot, run->policy, needs_every_protocol(run));
    result = baseline_find(run, snapshot, baseline);
    if (result == 0) {
        result = check_judge(run, snapshot, baseline, verdict);
    }
    return result;
}

int check_confirm(const struct run *run, struct check *check)
{
    int result = 0;

    /* Copies of another host's files do not change. */
    if (run->options->procfs == NULL) {
        result = absences_confirm(run, check);
    }
    if (result == 0 && needs_owners(run, check->verdict)) {
        result = snapshot_owners_find(check->snapshot, deadline_stage);
    }
    return result;
}

int check_run(const struct run *run, enum state *state)
{
    struct check check = {.snapshot = NULL};
    int result = check_take(run, &check);

    if (result == 0) {
        result = check_confirm(run, &check);
    }
    if (result == 0) {
        const struct view view = check_view(run, check.snapshot, check.verdict, &check.baseline);
        *state = check.verdict->state;
        result = run->writer->verdict(&view, &run->sink);
    }
    check_clear(&check);
    return result;
}
