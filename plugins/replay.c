/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --replay: judges captures instead of this host, one in memory at a time.
 */
#include "config.h"

#include "replay.h"

#include "audit/day.h"
#include "capture/capture_read.h"
#include "check.h"
#include "deadline.h"
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A hundred times what a large host's capture takes. */
#define CAPTURE_SIZE_MOST (64u << 20)

/* A sentence names this much of a file. */
#define PATH_LENGTH 120u

#define SENTENCE_SIZE 512

/* --- one capture ------------------------------------------------------------------------------------------------- */

/* A capture that was judged, or why it cannot be. Begin with the path and all else zero. */
struct replayed {
    const char *path;
    struct snapshot *snapshot; /* NULL when it failed */
    struct judge_verdict *verdict;
    char sentence[SENTENCE_SIZE];
};

static void replayed_clear(struct replayed *replayed)
{
    judge_free(replayed->verdict);
    snapshot_free(replayed->snapshot);
    replayed->verdict = NULL;
    replayed->snapshot = NULL;
}

static const char *name_of(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* Of a long path the end tells more, and the error behind it must not be cut. */
static void replayed_fail(struct replayed *replayed, const char *error)
{
    const char *name = name_of(replayed->path);
    size_t length = strlen(name);
    bool too_long = length > PATH_LENGTH;

    snprintf(replayed->sentence, SENTENCE_SIZE, "%s%s: %s", too_long ? "..." : "",
             too_long ? name + length - PATH_LENGTH : name, error);
}

/* Where another run tells what it asked the kernel, this one says what it went by. */
static int origin_add(const struct run *run, const struct replayed *replayed)
{
    struct snapshot *snapshot = replayed->snapshot;
    char line[SENTENCE_SIZE];
    char time[DAY_TIME_SIZE];

    if (run->options->verbose >= 3) {
        day_time_format(time, snapshot->time);
        snprintf(line, sizeof line, "asked nobody: %.300s was captured at %s from %s under Linux %s",
                 name_of(replayed->path), *time != '\0' ? time : "an unknown time",
                 *snapshot->source != '\0' ? snapshot->source : "no source", snapshot->tally->host.kernel);
        snapshot->questions = calloc(1, sizeof *snapshot->questions);
        if (snapshot->questions == NULL || (snapshot->questions[0] = strdup(line)) == NULL) {
            return -ENOMEM;
        }
        snapshot->question_count = 1;
    }
    snprintf(snapshot->source, sizeof snapshot->source, "capture");
    return 0;
}

/* Reads and judges the capture. Returns 0, also when it failed, or -ENOMEM. */
static int capture_judge(const struct run *run, struct replayed *replayed)
{
    char error[JSON_FIELD_ERROR_SIZE];
    char *bytes = NULL;
    size_t length = 0;
    int result;

    _Static_assert(JSON_FIELD_ERROR_SIZE >= FILE_ERROR_SIZE, "error holds either");
    deadline_stage("reading a capture");
    result = file_read(replayed->path, CAPTURE_SIZE_MOST, &bytes, &length, error);
    if (result == 0) {
        result = capture_read(bytes, length, &replayed->snapshot, error);
    }
    free(bytes);
    if (result != 0 && result != -ENOMEM) {
        replayed_fail(replayed, error);
        return 0;
    }
    if (result == 0) {
        result = origin_add(run, replayed);
    }
    return result == 0 ? check_snapshot(run, replayed->snapshot, &replayed->verdict) : result;
}

/* Writes it as a host of the fleet, or as the whole answer where `fleet` is NULL. */
static int replayed_write(const struct run *run, const struct replayed *replayed, struct writer_fleet *fleet)
{
    const struct writer *writer = run->writer;
    const char *const sentence = replayed->sentence;
    /* It is another host that cannot be judged, and who that is nobody knows. */
    const struct writer_failure failure = {.state = STATE_UNKNOWN,
                                           .host = "",
                                           .time = time(NULL),
                                           .sentences = &sentence,
                                           .count = 1};
    struct writer_host host = {.file = name_of(replayed->path), .name = "", .failure = &failure};
    struct view view;

    if (replayed->snapshot != NULL) {
        view = check_view(run, replayed->snapshot, replayed->verdict);
        host.name = replayed->snapshot->tally->host.name;
        host.time = replayed->snapshot->time;
        host.view = &view;
        host.failure = NULL;
    }
    if (fleet != NULL) {
        return writer->fleet_host(fleet, &host, &run->sink);
    }
    return host.failure != NULL ? writer->failure(host.failure, &run->sink) : writer->verdict(host.view, &run->sink);
}

static enum state state_of(const struct replayed *replayed)
{
    return replayed->snapshot != NULL ? replayed->verdict->state : STATE_UNKNOWN;
}

/* --- many -------------------------------------------------------------------------------------------------------- */

struct fleet {
    const struct run *run;
    struct writer_fleet hosts;
};

/* Counts it, tells of it, and lets go of it: its part of the answer goes out before the next one is read. */
static int replayed_add(struct fleet *fleet, struct replayed *replayed)
{
    struct writer_fleet *hosts = &fleet->hosts;
    int result;

    hosts->count++;
    hosts->by_state[state_of(replayed)]++;
    hosts->state = state_worse(hosts->state, state_of(replayed));
    result = replayed_write(fleet->run, replayed, hosts);
    lines_flush(fleet->run->lines);
    replayed_clear(replayed);
    return result;
}

static int file_add(struct fleet *fleet, const char *path)
{
    struct replayed replayed = {.path = path};
    int result = capture_judge(fleet->run, &replayed);

    if (result == 0) {
        result = replayed_add(fleet, &replayed);
    }
    replayed_clear(&replayed);
    return result;
}

/* What is no capture to begin with counts as one that cannot be judged. */
static int failure_add(struct fleet *fleet, const char *path, const char *error)
{
    struct replayed replayed = {.path = path};

    replayed_fail(&replayed, error);
    return replayed_add(fleet, &replayed);
}

/* --- folders ----------------------------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat status;

    return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* What cannot be asked is taken for a file, so that reading it tells why: a host is never left out in silence. */
static bool is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) != 0 || S_ISREG(status.st_mode);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* By bytes, whatever the locale says. */
static int entry_compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int entry_add(struct fleet *fleet, const char *folder, const char *name, size_t *count)
{
    bool ends_in_slash = folder[strlen(folder) - 1] == '/';
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    int result = 0;

    if (path == NULL) {
        return -ENOMEM;
    }
    snprintf(path, size, "%s%s%s", folder, ends_in_slash ? "" : "/", name);
    if (is_file(path)) {
        (*count)++;
        result = file_add(fleet, path);
    }
    free(path);
    return result;
}

static bool stdout_failed(const struct fleet *fleet)
{
    return fleet->run->lines->error != 0;
}

static int folder_add(struct fleet *fleet, const char *folder)
{
    struct dirent **entries = NULL;
    int entry_count = scandir(folder, &entries, is_shown, entry_compare);
    size_t count = 0;
    int result = 0;

    if (entry_count < 0) {
        char error[FILE_ERROR_SIZE];
        if (errno == ENOMEM) {
            return -ENOMEM;
        }
        snprintf(error, sizeof error, "cannot be read: %s", strerror(errno));
        return failure_add(fleet, folder, error);
    }
    for (int i = 0; i < entry_count && result == 0 && !stdout_failed(fleet); i++) {
        result = entry_add(fleet, folder, entries[i]->d_name, &count);
    }
    for (int i = 0; i < entry_count; i++) {
        free(entries[i]);
    }
    free(entries);
    return result == 0 && count == 0 ? failure_add(fleet, folder, "holds no capture") : result;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static int fleet_replay(const struct run *run, enum state *state)
{
    const struct options *options = run->options;
    struct fleet fleet = {.run = run, .hosts = {.policy = run->policy, .verbose = options->verbose}};
    int result = 0;

    for (size_t i = 0; i < options->replay_count && result == 0 && !stdout_failed(&fleet); i++) {
        const char *path = options->replays[i];
        result = is_folder(path) ? folder_add(&fleet, path) : file_add(&fleet, path);
    }
    if (result == 0) {
        result = run->writer->fleet_end(&fleet.hosts, &run->sink);
    }
    *state = fleet.hosts.state;
    run->writer->fleet_clear(&fleet.hosts);
    return result;
}

static int single_replay(const struct run *run, enum state *state)
{
    struct replayed replayed = {.path = run->options->replays[0]};
    int result = capture_judge(run, &replayed);

    if (result == 0) {
        *state = state_of(&replayed);
        result = replayed_write(run, &replayed, NULL);
    }
    replayed_clear(&replayed);
    return result;
}

int replay_run(const struct run *run, enum state *state)
{
    const struct options *options = run->options;
    bool is_fleet = options->replay_count > 1 || is_folder(options->replays[0]);

    return is_fleet ? fleet_replay(run, state) : single_replay(run, state);
}
