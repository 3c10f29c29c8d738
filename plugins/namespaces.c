/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "namespaces.h"

#include "check.h"
#include "deadline.h"
#include "render/fleet.h"
#include "socket/netns_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SENTENCE_SIZE 256

static const char others_name[] = "others";
static const char others_hidden[] = "the network namespaces of other users cannot be found, because /proc hides their "
                                    "processes (hidepid): run as root";

/* The same run for one of the namespaces. */
static struct run run_inside(const struct run *run, const char *name)
{
    struct run inside = *run;

    inside.namespace = name;
    inside.is_one_of_many = true;
    return inside;
}

static int namespace_enter(const struct netns_entry *entry, struct fault *fault)
{
    deadline_stage("entering a network namespace");
    return netns_list_enter(entry, fault);
}

/* Returns 0 and the list; -EINVAL when why there is none was written; or -ENOMEM. */
static int namespaces_find(const struct run *run, struct netns_list *list)
{
    struct fault fault;
    int result;

    deadline_stage("looking for network namespaces");
    result = netns_list_read(list, &fault);
    if (result == 0 || result == -ENOMEM) {
        return result;
    }
    result = run_fail(run, &(const char *){fault.text}, 1);
    return result != 0 ? result : -EINVAL;
}

/* --- a check ------------------------------------------------------------------------------------------------------ */

struct judged {
    struct check check;
    struct fault fault;
    int entered; /* 0, or why not */
};

/* Its part of the output is written before the next one is read again. */
static int host_add(const struct run *run, const struct writer_host *host, struct writer_fleet *fleet)
{
    int result = fleet_add(run->writer, fleet, host, &run->sink);

    lines_flush(run->lines);
    return result;
}

static int failure_add(const struct run *run, const char *sentence, struct writer_fleet *fleet)
{
    const struct writer_failure failure = {
        .state = STATE_UNKNOWN,
        .host = run->host,
        .namespace = run->namespace,
        .time = time(NULL),
        .sentences = &sentence,
        .count = 1,
    };
    const struct writer_host host = {.file = "",
                                     .name = run->host,
                                     .namespace = run->namespace,
                                     .time = failure.time,
                                     .failure = &failure};

    return host_add(run, &host, fleet);
}

static int verdict_add(const struct run *run, const struct check *check, struct writer_fleet *fleet)
{
    const struct view view = check_view(run, check->snapshot, check->verdict, &check->baseline);
    const struct writer_host host = {.file = "",
                                     .name = run->host,
                                     .namespace = run->namespace,
                                     .time = check->snapshot->time,
                                     .view = &view};

    return host_add(run, &host, fleet);
}

/* All are read before any is read again, so that they share that wait. */
static int all_take(const struct run *run, const struct netns_list *list, struct judged *judged)
{
    int result = 0;

    for (size_t i = 0; i < list->count && result == 0; i++) {
        const struct run inside = run_inside(run, list->entries[i].name);
        judged[i].entered = namespace_enter(&list->entries[i], &judged[i].fault);
        result = judged[i].entered == 0 ? check_take(&inside, &judged[i].check) : 0;
    }
    return result;
}

/* Writes the sentence about one that still exists. */
static int judged_add(const struct run *run, const struct netns_entry *entry, struct judged *judged,
                      struct writer_fleet *fleet)
{
    int result;

    if (judged->entered == 0) {
        judged->entered = namespace_enter(entry, &judged->fault);
    }
    if (judged->entered == -ENOENT) {
        fleet->expected--;
        return 0;
    }
    if (judged->entered != 0) {
        return failure_add(run, judged->fault.text, fleet);
    }
    result = check_confirm(run, &judged->check);
    return result != 0 ? result : verdict_add(run, &judged->check, fleet);
}

static int all_add(const struct run *run, const struct netns_list *list, struct judged *judged,
                   struct writer_fleet *fleet)
{
    const struct run others = run_inside(run, others_name);
    int result = list->sees_others ? 0 : failure_add(&others, others_hidden, fleet);

    for (size_t i = 0; i < list->count && result == 0 && run->lines->error == 0 && deadline_stopped() == NULL; i++) {
        const struct run inside = run_inside(run, list->entries[i].name);
        result = judged_add(&inside, &list->entries[i], &judged[i], fleet);
        check_clear(&judged[i].check);
    }
    return result;
}

static bool is_there(const struct netns_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->entries[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The services of a namespace that is gone are gone, too. Of captures in a folder, which may be of any age, it is not
 * known whether it should still be there. */
static int gone_add(const struct run *run, const struct netns_list *list, struct writer_fleet *fleet)
{
    const struct options *options = run->options;
    bool is_known = run->baselines != NULL && options->baseline_count == 1 &&
                    !captures_is_folder(options->baselines[0]) && list->sees_others;
    size_t count = is_known ? run->baselines->newest_count : 0;
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        const char *host = run->baselines->newest[i]->host;
        const char *name = host + strlen(host) + 1;
        if (strcmp(host, run->host) == 0 && *name != '\0' && !is_there(list, name)) {
            const struct run inside = run_inside(run, name);
            char sentence[SENTENCE_SIZE];
            snprintf(sentence, sizeof sentence,
                     "network namespace %.120s is gone since the baseline: start what was in it, or take a new one",
                     name);
            fleet->expected++;
            result = failure_add(&inside, sentence, fleet);
        }
    }
    return result;
}

static int all_check(const struct run *run, const struct netns_list *list, struct writer_fleet *fleet)
{
    struct judged *judged = calloc(list->count + 1, sizeof *judged);
    int result = judged != NULL ? all_take(run, list, judged) : -ENOMEM;

    if (result == 0) {
        deadline_stop_gently();
        result = all_add(run, list, judged, fleet);
    }
    if (result == 0) {
        result = gone_add(run, list, fleet);
    }
    for (size_t i = 0; judged != NULL && i < list->count; i++) {
        check_clear(&judged[i].check);
    }
    free(judged);
    return run_fleet_end(run, fleet, result, false);
}

int namespaces_check(const struct run *run, enum state *state)
{
    struct writer_fleet fleet = {.policy = run->policy,
                                 .verbose = run->options->verbose,
                                 .time = time(NULL),
                                 .compares = run->baselines != NULL,
                                 .is_of_namespaces = true};
    struct netns_list list = {.count = 0};
    int result = namespaces_find(run, &list);

    if (result == 0) {
        fleet.expected = list.count + !list.sees_others;
        result = all_check(run, &list, &fleet);
        *state = fleet.state;
    }
    fleet_clear(run->writer, &fleet);
    netns_list_clear(&list);
    return result == -EINVAL ? 0 : result;
}

/* --- another mode ------------------------------------------------------------------------------------------------- */

struct each {
    int (*mode)(const struct run *run, enum state *state);
    int (*refuse)(const struct run *run, const char *sentence);
    enum state state; /* the worst so far */
};

static int each_refuse(const struct run *run, const char *name, const char *sentence, struct each *each)
{
    const struct run refused = run_inside(run, name);

    each->state = state_worse(each->state, STATE_UNKNOWN);
    return each->refuse(&refused, sentence);
}

static int each_run(const struct run *run, const struct netns_entry *entry, struct each *each)
{
    const struct run inside = run_inside(run, entry->name);
    enum state state = STATE_UNKNOWN;
    struct fault fault;
    int result;

    if (deadline_stopped() != NULL) {
        each->state = state_worse(each->state, deadline_stopped_state());
        return each_refuse(run, entry->name, deadline_stopped(), each);
    }
    result = namespace_enter(entry, &fault);
    if (result != 0) {
        return result == -ENOENT ? 0 : each_refuse(run, entry->name, fault.text, each);
    }
    result = each->mode(&inside, &state);
    each->state = state_worse(each->state, state);
    return result;
}

int namespaces_each(const struct run *run, int (*mode)(const struct run *run, enum state *state),
                    int (*refuse)(const struct run *run, const char *sentence), enum state *state)
{
    struct each each = {.mode = mode, .refuse = refuse, .state = STATE_OK};
    struct netns_list list = {.count = 0};
    int result = namespaces_find(run, &list);

    if (result == 0 && !list.sees_others) {
        result = each_refuse(run, others_name, others_hidden, &each);
    }
    for (size_t i = 0; i < list.count && result == 0 && run->lines->error == 0; i++) {
        result = each_run(run, &list.entries[i], &each);
    }
    if (result == 0) {
        *state = each.state;
    }
    netns_list_clear(&list);
    return result == -EINVAL ? 0 : result;
}
