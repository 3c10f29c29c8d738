/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --replay: judges captures instead of this host, one in memory at a time.
 */
#include "config.h"

#include "replay.h"

#include "audit/day.h"
#include "captures.h"
#include "check.h"
#include "deadline.h"
#include "hosts.h"
#include "progress.h"
#include "render/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sentence names this much of a file. */
#define PATH_LENGTH 120u

#define SENTENCE_SIZE 512

/* --- one capture ------------------------------------------------------------------------------------------------- */

/* A capture that was judged, or why it cannot be. Begin with path and host, all else zero. */
struct replayed {
    const char *path;
    const char *host; /* of a capture that is not judged, "" if unknown: a capture that cannot be read is not trusted */
    const char *namespace;     /* of the same; NULL or "" for the one that its process started in */
    struct snapshot *snapshot; /* NULL when it failed */
    struct judge_verdict *verdict;
    struct baseline baseline;
    char sentence[SENTENCE_SIZE];
};

static void replayed_clear(struct replayed *replayed)
{
    judge_free(replayed->verdict);
    baseline_clear(&replayed->baseline);
    snapshot_free(replayed->snapshot);
    replayed->verdict = NULL;
    replayed->snapshot = NULL;
}

/* The end of a long path says more, and the error behind it must not be cut. */
static void replayed_fail(struct replayed *replayed, const char *error)
{
    const char *name = file_name(replayed->path);
    size_t length = strlen(name);
    bool too_long = length > PATH_LENGTH;

    snprintf(replayed->sentence, SENTENCE_SIZE, "%s%s: %s", too_long ? "..." : "",
             too_long ? name + length - PATH_LENGTH : name, error);
}

/* In place of what was asked of the kernel, says which capture was judged. */
static int origin_add(const struct run *run, const struct replayed *replayed)
{
    struct snapshot *snapshot = replayed->snapshot;
    char line[SENTENCE_SIZE];
    char time[DAY_TIME_SIZE];

    if (run->options->verbose >= 3) {
        day_time_format(time, snapshot->time);
        snprintf(line, sizeof line, "not live: from capture %.300s, taken at %s by %s on Linux %s",
                 file_name(replayed->path), *time != '\0' ? time : "an unknown time",
                 *snapshot->source != '\0' ? snapshot->source : "an unknown source", snapshot->tally->host.kernel);
        snapshot->questions = calloc(1, sizeof *snapshot->questions);
        if (snapshot->questions == NULL || (snapshot->questions[0] = strdup(line)) == NULL) {
            return -ENOMEM;
        }
        snapshot->question_count = 1;
    }
    snprintf(snapshot->source, sizeof snapshot->source, "capture");
    return 0;
}

/* The remark also says that there are older captures of the host. */
static void older_add(struct snapshot *snapshot, size_t older)
{
    char *const remarks[] = {snapshot->remark, snapshot->brief};
    const size_t sizes[] = {sizeof snapshot->remark, sizeof snapshot->brief};

    for (size_t i = 0; older > 0 && i < sizeof remarks / sizeof *remarks; i++) {
        size_t length = strlen(remarks[i]);
        snprintf(remarks[i] + length, sizes[i] - length, "%snewest of %zu captures", length > 0 ? ", " : "", older + 1);
    }
}

/* Reads and judges the capture, which is the newest of `others` and one more. Returns 0, also when it failed, or
 * -ENOMEM. */
static int capture_judge(const struct run *run, struct replayed *replayed, const struct captures_entry *entry,
                         size_t others)
{
    char error[JSON_FIELD_ERROR_SIZE];
    int result;

    deadline_stage("reading a capture");
    result = captures_read(entry, &replayed->snapshot, error);
    if (result != 0 && result != -ENOMEM) {
        replayed_fail(replayed, error);
        return 0;
    }
    if (result == 0) {
        result = origin_add(run, replayed);
    }
    if (result == 0) {
        result = check_snapshot(run, replayed->snapshot, &replayed->baseline, &replayed->verdict);
        older_add(replayed->snapshot, others);
    }
    return result;
}

/* Writes it as a host of the fleet, or as the whole answer where `fleet` is NULL. */
static int replayed_write(const struct run *run, const struct replayed *replayed, struct writer_fleet *fleet)
{
    const struct writer *writer = run->writer;
    const char *const sentence = replayed->sentence;
    const struct writer_failure failure = {.state = STATE_UNKNOWN,
                                           .host = replayed->host,
                                           .namespace = replayed->namespace,
                                           .time = time(NULL),
                                           .sentences = &sentence,
                                           .count = 1};
    struct writer_host host = {
        .file = file_name(replayed->path),
        .name = replayed->host,
        .namespace = replayed->namespace,
        .failure = &failure,
    };
    struct view view;

    if (replayed->snapshot != NULL) {
        view = check_view(run, replayed->snapshot, replayed->verdict, &replayed->baseline);
        view.is_one_of_many = fleet != NULL;
        host.name = replayed->snapshot->tally->host.name;
        host.namespace = replayed->snapshot->namespace;
        host.time = replayed->snapshot->time;
        host.view = &view;
        host.failure = NULL;
    }
    if (fleet != NULL) {
        return fleet_add(writer, fleet, &host, &run->sink);
    }
    return host.failure != NULL ? writer->failure(host.failure, &run->sink) : writer->verdict(host.view, &run->sink);
}

static int single_replay(const struct run *run, const struct captures_entry *entry, enum state *state)
{
    struct replayed replayed = {.path = entry->path, .host = ""};
    int result = 0;

    if (entry->error[0] != '\0') {
        replayed_fail(&replayed, entry->error);
    } else {
        result = capture_judge(run, &replayed, entry, 0);
    }
    if (result == 0) {
        *state = replayed.snapshot != NULL ? replayed.verdict->state : STATE_UNKNOWN;
        result = replayed_write(run, &replayed, NULL);
    }
    replayed_clear(&replayed);
    return result;
}

/* --- many -------------------------------------------------------------------------------------------------------- */

struct fleet {
    const struct run *run;
    struct captures captures;
    struct hosts expected; /* of --hosts */
    bool is_partial;       /* not all captures were found before it was stopped */
    struct progress progress;
    struct writer_fleet hosts;
};

static bool must_stop(const struct fleet *fleet)
{
    return fleet->run->lines->error != 0 || deadline_stopped() != NULL;
}

/* Writes it and frees it: its part of the output is written before the next one is read. */
static int replayed_add(struct fleet *fleet, struct replayed *replayed)
{
    int result;

    progress_hide(&fleet->progress);
    result = replayed_write(fleet->run, replayed, &fleet->hosts);
    lines_flush(fleet->run->lines);
    replayed_clear(replayed);
    return result;
}

/* True when it is too old for --max-age, or from a future that would keep it fresh for ever; then says so. */
static bool is_not_fresh(const struct fleet *fleet, struct replayed *replayed, const struct captures_entry *entry)
{
    unsigned most = fleet->run->options->max_age;
    double age = difftime(fleet->hosts.time, entry->time);
    bool is_too_old = age > (double)most * DAY_SECONDS;
    char time[DAY_TIME_SIZE];
    char error[128];

    if (most == 0 || entry->host == NULL || (!is_too_old && age >= -DAY_SECONDS)) {
        return false;
    }
    day_time_format(time, entry->time);
    if (is_too_old) {
        snprintf(error, sizeof error, "captured at %s, more than %u day%s ago", time, most, most == 1 ? "" : "s");
    } else {
        snprintf(error, sizeof error, "captured at %s, more than a day from now: is the clock of that host right?",
                 time);
    }
    replayed_fail(replayed, error);
    return true;
}

/* Adds the host of that capture, of which there are so many others. *is_host: it has one, judged or too old. */
static int entry_add(struct fleet *fleet, const struct captures_entry *entry, size_t others, bool *is_host)
{
    struct replayed replayed = {.path = entry->path, .host = ""};
    int result = 0;

    if (entry->error[0] != '\0') {
        replayed_fail(&replayed, entry->error);
    } else if (is_not_fresh(fleet, &replayed, entry)) {
        replayed.host = entry->host;
        replayed.namespace = entry->host + strlen(entry->host) + 1;
    } else {
        result = capture_judge(fleet->run, &replayed, entry, others);
    }
    *is_host = replayed.snapshot != NULL || *replayed.host != '\0';
    if (result == 0) {
        result = replayed_add(fleet, &replayed);
    }
    replayed_clear(&replayed);
    return result;
}

/* Finds out which of a host's captures can be read. Returns 0 and their number, or -ENOMEM. */
static int captures_try(struct captures_entry *newest, size_t *count)
{
    int result = 0;

    *count = 0;
    for (struct captures_entry *entry = newest; entry != NULL && result != -ENOMEM; entry = entry->next) {
        struct snapshot *snapshot = NULL;
        result = captures_read(entry, &snapshot, entry->error);
        *count += result == 0;
        snapshot_free(snapshot);
    }
    return result == -ENOMEM ? result : 0;
}

/*
 * The newest that can be read is judged; one that cannot be read is reported whatever its name is, and never left out.
 */
static int host_add(struct fleet *fleet, struct captures_entry *newest)
{
    size_t readable = 1;
    bool is_reported = false;
    int result = newest->next != NULL ? captures_try(newest, &readable) : 0;

    for (struct captures_entry *entry = newest; entry != NULL && result == 0; entry = entry->next) {
        bool is_host;
        if (entry->error[0] == '\0' && is_reported) {
            continue;
        }
        fleet->hosts.expected += entry != newest;
        result = entry_add(fleet, entry, readable - 1, &is_host);
        is_reported |= is_host;
    }
    if (!is_reported && newest->host != NULL) {
        fleet->hosts.expected += hosts_note(&fleet->expected, newest->host, false);
    }
    return result;
}

static bool captures_progress(void *context, size_t count)
{
    struct fleet *fleet = context;

    progress_show(&fleet->progress, count, 0, "captures found");
    return !must_stop(fleet);
}

/* Finds out which hosts there are, and should be. */
static int fleet_find(struct fleet *fleet)
{
    const struct options *options = fleet->run->options;
    int result = 0;

    deadline_stage("reading a capture");
    /* A file that holds several was read before. */
    for (size_t i = fleet->captures.count > 0; i < options->replay_count && result == 0 && !must_stop(fleet); i++) {
        result = captures_add(&fleet->captures, options->replays[i], captures_progress, fleet);
    }
    if (result == 0) {
        result = captures_choose(&fleet->captures);
    }
    for (size_t i = 0; i < fleet->captures.count; i++) {
        if (fleet->captures.list[i].host != NULL) {
            hosts_note(&fleet->expected, fleet->captures.list[i].host, true);
        }
    }
    fleet->is_partial = must_stop(fleet);
    fleet->hosts.expected = fleet->captures.count - fleet->captures.older_count + hosts_count_missing(&fleet->expected);
    return result;
}

static int captures_judge(struct fleet *fleet)
{
    int result = 0;

    for (size_t i = 0; i < fleet->captures.count && result == 0 && !must_stop(fleet); i++) {
        if (!fleet->captures.list[i].is_older) {
            progress_show(&fleet->progress, fleet->hosts.count, fleet->hosts.expected, "hosts judged");
            result = host_add(fleet, &fleet->captures.list[i]);
        }
    }
    return result;
}

/* The hosts that must have a capture and have none. */
static int missing_add(struct fleet *fleet)
{
    int result = 0;

    for (size_t i = 0; i < fleet->expected.count && result == 0 && !must_stop(fleet); i++) {
        const struct hosts_name *host = &fleet->expected.list[i];
        struct replayed replayed = {.path = "", .host = host->name};
        snprintf(replayed.sentence, sizeof replayed.sentence, "no capture of this host");
        result = host->is_found ? 0 : replayed_add(fleet, &replayed);
    }
    return result;
}

/* A folder without captures is not a fleet, unless there should be one. */
static bool is_nothing(const struct fleet *fleet)
{
    return fleet->captures.count == 1 && fleet->captures.list[0].error[0] != '\0' && fleet->expected.count == 0 &&
           captures_is_folder(fleet->captures.list[0].path);
}

static int nothing_write(const struct fleet *fleet)
{
    struct replayed replayed = {.path = fleet->captures.list[0].path, .host = ""};

    replayed_fail(&replayed, fleet->captures.list[0].error);
    return replayed_write(fleet->run, &replayed, NULL);
}

static int fleet_judge(struct fleet *fleet)
{
    int result = fleet_find(fleet);

    if (result == 0 && is_nothing(fleet)) {
        fleet->hosts.state = STATE_UNKNOWN;
        return nothing_write(fleet);
    }
    if (result == 0) {
        result = captures_judge(fleet);
    }
    if (result == 0) {
        result = missing_add(fleet);
    }
    progress_hide(&fleet->progress);
    return run_fleet_end(fleet->run, &fleet->hosts, result, fleet->is_partial);
}

/* Takes over the captures of the first path, where they were read before. */
static int fleet_replay(const struct run *run, const struct captures *captures, enum state *state)
{
    const struct options *options = run->options;
    struct fleet fleet = {.run = run,
                          .captures = *captures,
                          .hosts = {.policy = run->policy,
                                    .verbose = options->verbose,
                                    .time = time(NULL),
                                    .compares = run->baselines != NULL}};
    char error[FILE_ERROR_SIZE];
    char sentence[SENTENCE_SIZE];
    int result = 0;

    if (options->hosts != NULL) {
        deadline_stage("reading the list of hosts");
        result = hosts_read(&fleet.expected, options->hosts, error);
    }
    if (result == 0) {
        deadline_stop_gently();
        progress_start(&fleet.progress);
        result = fleet_judge(&fleet);
        *state = fleet.hosts.state;
        fleet_clear(run->writer, &fleet.hosts);
    } else if (result != -ENOMEM) {
        snprintf(sentence, sizeof sentence, "--hosts: %.300s %s", file_name(options->hosts), error);
        result = run_fail(run, &(const char *){sentence}, 1);
    }
    captures_clear(&fleet.captures);
    hosts_clear(&fleet.expected);
    return result;
}

int replay_run(const struct run *run, enum state *state)
{
    const struct options *options = run->options;
    bool is_fleet = options->replay_count > 1 || captures_is_folder(options->replays[0]) || options->hosts != NULL ||
                    options->max_age > 0;

    struct captures captures = {.list = NULL};
    int result;

    if (is_fleet) {
        return fleet_replay(run, &captures, state);
    }
    deadline_stage("reading a capture");
    result = captures_add(&captures, options->replays[0], NULL, NULL);
    if (result == 0 && captures.count > 1) {
        return fleet_replay(run, &captures, state);
    }
    if (result == 0) {
        result = single_replay(run, &captures.list[0], state);
    }
    captures_clear(&captures);
    return result;
}
