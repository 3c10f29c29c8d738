/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The program's main job: look, judge, look again where a breach rests on absence, and tell.
 */
#include "config.h"

#include "check.h"

#include "deadline.h"
#include "owners.h"
#include "tell_json.h"
#include "tell_text.h"

#include <errno.h>
#include <time.h>

/*
 * A daemon that restarts is gone for a moment. A breach because something is not there is told only when two looks this
 * far apart agree: 20 ms were enough to see none falsely, at once 0.9 % were.
 */
#define SECOND_LOOK_NANOSECONDS 50000000L

/* Where each look finds something else missing, this many are enough. */
#define LOOKS_MOST 5

#define DAY_SECONDS 86400

/* One look and its verdict. */
struct sight {
    struct look *look;
    struct judge_verdict *verdict;
};

static void sight_clear(struct sight *sight)
{
    judge_free(sight->verdict);
    look_free(sight->look);
    *sight = (struct sight){NULL, NULL};
}

static int32_t day_of(time_t time)
{
    return (int32_t)(time / DAY_SECONDS);
}

static bool asks_for_units(const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        if (policy->rules[i]->unit != NULL) {
            return true;
        }
    }
    return false;
}

static int sight_judge(const struct options *options, const struct policy *policy, struct sight *sight)
{
    struct judge_question question = {
        .policy = policy,
        .tally = sight->look->tally,
        .warning = options->warning_set ? &options->warning : NULL,
        .critical = options->critical_set ? &options->critical : NULL,
        .today = day_of(sight->look->time),
        .everything = options->json || policy->rule_count == 0,
    };
    int result = asks_for_units(policy) ? owners_find(sight->look) : 0;

    deadline_stage("judging");
    return result != 0 ? result : judge(&question, &sight->verdict);
}

/* Is more told than what the policy judges? */
static bool tells_everything(const struct options *options)
{
    return options->json || options->perfdata == OPTIONS_PERFDATA_FULL;
}

static int sight_take(const struct options *options, const struct policy *policy, struct sight *sight)
{
    bool whole = tells_everything(options);
    struct look_request request = {
        .options = options,
        .policy = policy,
        .depth = whole ? LOOK_ALL : LOOK_MAPPED_JUDGED,
        .every_protocol = whole,
    };
    int result = look_take(&request, &sight->look);

    return result != 0 ? result : sight_judge(options, policy, sight);
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

static void second_look_wait(void)
{
    struct timespec left = {.tv_nsec = SECOND_LOOK_NANOSECONDS};
    int result;

    deadline_stage("waiting for a second look");
    do {
        result = nanosleep(&left, &left);
    } while (result != 0 && errno == EINTR);
}

/* Looks until every breach by absence was seen twice in a row. */
static int sight_confirm(const struct options *options, const struct policy *policy, struct sight *sight)
{
    int result = 0;

    for (int looks = 1; result == 0 && looks < LOOKS_MOST && judge_rests_on_absence(sight->verdict); looks++) {
        struct sight earlier = *sight;
        bool confirmed;
        *sight = (struct sight){NULL, NULL};
        second_look_wait();
        result = sight_take(options, policy, sight);
        confirmed = result == 0 && all_confirmed(sight->verdict, earlier.verdict);
        sight_clear(&earlier);
        if (confirmed) {
            break;
        }
    }
    return result;
}

static int sight_tell(const struct options *options, const struct policy *policy, const struct sight *sight,
                      struct answer *answer)
{
    struct judged_case judged = {
        .options = options,
        .policy = policy,
        .look = sight->look,
        .verdict = sight->verdict,
        .today = day_of(sight->look->time),
    };
    int result = 0;

    /* Owners are only looked up for those who read about them. */
    if (options->json || options->verbose > 0 || sight->verdict->state != STATE_OK ||
        sight->verdict->total.waived > 0) {
        result = owners_find(sight->look);
    }
    answer->state = sight->verdict->state;
    answer->total = sight->verdict->total;
    if (result != 0) {
        return result;
    }
    return options->json ? tell_json(&judged, &answer->text, &answer->length)
                         : tell_text(&judged, &answer->text, &answer->length);
}

int check_look(const struct options *options, const struct policy *policy, struct look *look, struct answer *answer)
{
    struct sight sight = {.look = look};
    int result;

    look_remark_choose(look, policy, tells_everything(options));
    result = sight_judge(options, policy, &sight);
    if (result == 0) {
        result = sight_tell(options, policy, &sight, answer);
    }
    judge_free(sight.verdict);
    return result;
}

int check_host(const struct options *options, const struct policy *policy, struct answer *answer)
{
    struct sight sight = {NULL, NULL};
    int result = sight_take(options, policy, &sight);

    /* Copies of another host's files do not change. */
    if (result == 0 && options->procfs == NULL) {
        result = sight_confirm(options, policy, &sight);
    }
    if (result == 0) {
        result = sight_tell(options, policy, &sight, answer);
    }
    sight_clear(&sight);
    return result;
}
