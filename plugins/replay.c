/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --replay: judges captures instead of this host, one in memory at a time.
 */
#include "config.h"

#include "replay.h"

#include "capture/capture_read.h"
#include "capture/json_value.h"
#include "deadline.h"
#include "file.h"
#include "plugin/report.h"
#include "render/json.h"
#include "render/text.h"
#include "stdout.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A hundred times what a large host's capture takes. */
#define CAPTURE_SIZE_MOST (64u << 20)

/* The first line names hosts until it is about this long. */
#define NAMES_LENGTH 90

/* A sentence names this much of a file. */
#define PATH_LENGTH 120u

#define SENTENCE_SIZE 512

#define TIME_SIZE sizeof "2026-11-22T09:00:00Z"

/* --- one capture ------------------------------------------------------------------------------------------------- */

/* A judged capture: its answer, and what is told of it among others. Begin with all zero, end with hearing_clear(). */
struct hearing {
    struct answer answer;
    char host[sizeof((struct sock_host *)NULL)->name]; /* "" when it is not known */
    time_t time;
    bool failed; /* the answer says why the capture cannot be judged */
};

static void hearing_clear(struct hearing *hearing)
{
    free(hearing->answer.text);
    hearing->answer.text = NULL;
}

static const char *name_of(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* A failure's JSON names this host, but it is another that cannot be judged, and who that is nobody knows. */
static int host_forget(struct answer *answer)
{
    json_t *object = json_loadb(answer->text, answer->length, 0, NULL);
    int result = -ENOMEM;

    if (json_object_set_new(object, "host", json_string("")) == 0) {
        free(answer->text);
        answer->text = NULL;
        result = json_value_render(object, JSON_COMPACT, &answer->text, &answer->length);
    }
    json_decref(object);
    return result;
}

/* Of a long path the end tells more, and the error behind it must not be cut. */
static void sentence_format(char sentence[static SENTENCE_SIZE], const char *path, const char *error)
{
    const char *name = name_of(path);
    size_t length = strlen(name);
    bool too_long = length > PATH_LENGTH;

    snprintf(sentence, SENTENCE_SIZE, "%s%s: %s", too_long ? "..." : "", too_long ? name + length - PATH_LENGTH : name,
             error);
}

static int failure_tell(const struct options *options, const char *path, const char *error, struct hearing *hearing)
{
    struct answer *answer = &hearing->answer;
    char sentence[SENTENCE_SIZE];
    const char *sentences[] = {sentence};
    int result;

    sentence_format(sentence, path, error);
    hearing->failed = true;
    answer->state = STATE_UNKNOWN;
    if (!options->json) {
        return text_failure(STATE_UNKNOWN, sentences, 1, NULL, &answer->text, &answer->length);
    }
    result = json_failure(STATE_UNKNOWN, sentences, 1, &answer->text, &answer->length);
    return result != 0 ? result : host_forget(answer);
}

static const char *time_format(char text[static TIME_SIZE], time_t time)
{
    struct tm fields;

    if (gmtime_r(&time, &fields) == NULL || strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &fields) == 0) {
        snprintf(text, TIME_SIZE, "an unknown time");
    }
    return text;
}

/* Where another run tells what it asked the kernel, this one says what it went by. */
static int origin_tell(const struct options *options, const char *path, struct snapshot *snapshot)
{
    char line[SENTENCE_SIZE];
    char time[TIME_SIZE];

    if (options->verbose >= 3) {
        snprintf(line, sizeof line, "asked nobody: %.300s was captured at %s from %s under Linux %s", name_of(path),
                 time_format(time, snapshot->time), snapshot->source, snapshot->tally->host.kernel);
        snapshot->questions = calloc(1, sizeof *snapshot->questions);
        if (snapshot->questions == NULL || (snapshot->questions[0] = strdup(line)) == NULL) {
            return -ENOMEM;
        }
        snapshot->question_count = 1;
    }
    snprintf(snapshot->source, sizeof snapshot->source, "capture");
    return 0;
}

static int look_judge(const struct options *options, const struct policy *policy, const char *path,
                      struct snapshot *snapshot, struct hearing *hearing)
{
    int result = origin_tell(options, path, snapshot);

    snprintf(hearing->host, sizeof hearing->host, "%s", snapshot->tally->host.name);
    hearing->time = snapshot->time;
    return result != 0 ? result : check_snapshot(options, policy, snapshot, &hearing->answer);
}

static int capture_judge(const struct options *options, const struct policy *policy, const char *path,
                         struct hearing *hearing)
{
    char error[JSON_FIELD_ERROR_SIZE];
    struct snapshot *snapshot = NULL;
    char *bytes = NULL;
    size_t length = 0;
    int result;

    _Static_assert(JSON_FIELD_ERROR_SIZE >= FILE_ERROR_SIZE, "error holds either");
    *hearing = (struct hearing){.answer.state = STATE_UNKNOWN};
    deadline_stage("reading a capture");
    result = file_read(path, CAPTURE_SIZE_MOST, &bytes, &length, error);
    if (result == 0) {
        result = capture_read(bytes, length, &snapshot, error);
    }
    free(bytes);
    if (result == 0) {
        result = look_judge(options, policy, path, snapshot, hearing);
    } else if (result != -ENOMEM) {
        result = failure_tell(options, path, error, hearing);
    }
    snapshot_free(snapshot);
    return result;
}

/* --- many: what is kept of each ---------------------------------------------------------------------------------- */

/* A host among others. */
struct host {
    char *name;
    char *prose;   /* the first line of its answer, without state and performance data */
    char *origin;  /* file and time, NULL when nobody wants to know */
    char *details; /* the lines below the first, NULL for none */
    enum state state;
    struct judge_total total;
    size_t position;
};

struct fleet {
    const struct options *options;
    const struct policy *policy;
    struct host *hosts; /* of a text answer */
    size_t count;
    size_t room;
    size_t by_state[STATE_UNKNOWN + 1];
    enum state state;
    bool deaf; /* standard output takes no more */
};

static void fleet_clear(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->count; i++) {
        free(fleet->hosts[i].name);
        free(fleet->hosts[i].prose);
        free(fleet->hosts[i].origin);
        free(fleet->hosts[i].details);
    }
    free(fleet->hosts);
}

static struct host *host_append(struct fleet *fleet)
{
    if (fleet->count == fleet->room) {
        size_t room = fleet->room == 0 ? 64 : fleet->room * 2;
        struct host *grown = realloc(fleet->hosts, room * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        fleet->hosts = grown;
        fleet->room = room;
    }
    fleet->hosts[fleet->count] = (struct host){.position = fleet->count};
    return &fleet->hosts[fleet->count++];
}

/* Which of the captures it was, for a reader who wants to know. */
static int origin_keep(struct host *host, const char *path, const struct hearing *hearing)
{
    char time[TIME_SIZE];
    size_t size = strlen(name_of(path)) + sizeof ", captured at " + TIME_SIZE;

    host->origin = malloc(size);
    if (host->origin == NULL) {
        return -ENOMEM;
    }
    snprintf(host->origin, size, "%s, captured at %s", name_of(path), time_format(time, hearing->time));
    return 0;
}

/* "DUALSTACK STATE: prose | values\n" and the lines below; there is no other "|" in a plugin's answer. */
static int host_keep(struct fleet *fleet, const char *path, const struct hearing *hearing)
{
    struct host *host = host_append(fleet);
    const char *prose = strchr(hearing->answer.text, ':') + 2;
    const char *end = prose + strcspn(prose, "\n");
    bool has_details = end[0] == '\n' && end[1] != '\0' && fleet->options->verbose > 0;
    size_t length = strcspn(prose, "|\n");

    if (host == NULL) {
        return -ENOMEM;
    }
    host->state = hearing->answer.state;
    host->total = hearing->answer.total;
    /* A failure's sentence begins with the file. */
    host->name = strdup(hearing->failed ? "" : hearing->host[0] != '\0' ? hearing->host : name_of(path));
    host->prose = strndup(prose, prose[length] == '|' ? length - 1 : length);
    host->details = has_details ? strdup(end + 1) : NULL;
    if (host->name == NULL || host->prose == NULL || (has_details && host->details == NULL)) {
        return -ENOMEM;
    }
    return fleet->options->verbose > 0 && !hearing->failed ? origin_keep(host, path, hearing) : 0;
}

/* JSON lines go out as they come, so that ten thousand hosts take no more memory than one. */
static void object_write(struct fleet *fleet, const struct answer *answer)
{
    deadline_answering();
    fleet->deaf = stdout_write(answer->text, answer->length) != 0;
}

/* Counts what was heard, and lets go of it. */
static int hearing_take(struct fleet *fleet, const char *path, struct hearing *hearing)
{
    int result = 0;

    fleet->by_state[hearing->answer.state]++;
    fleet->state = state_worse(fleet->state, hearing->answer.state);
    if (fleet->options->json) {
        object_write(fleet, &hearing->answer);
    } else {
        result = host_keep(fleet, path, hearing);
    }
    hearing_clear(hearing);
    return result;
}

static int file_hear(struct fleet *fleet, const char *path)
{
    struct hearing hearing;
    int result = capture_judge(fleet->options, fleet->policy, path, &hearing);

    return result != 0 ? result : hearing_take(fleet, path, &hearing);
}

/* What is no capture to begin with counts as one that cannot be judged. */
static int failure_hear(struct fleet *fleet, const char *path, const char *error)
{
    struct hearing hearing = {.failed = true};
    int result = failure_tell(fleet->options, path, error, &hearing);

    return result != 0 ? result : hearing_take(fleet, path, &hearing);
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

static int entry_hear(struct fleet *fleet, const char *folder, const char *name, size_t *heard)
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
        (*heard)++;
        result = file_hear(fleet, path);
    }
    free(path);
    return result;
}

static int folder_hear(struct fleet *fleet, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_shown, entry_compare);
    size_t heard = 0;
    int result = 0;

    if (count < 0) {
        char error[FILE_ERROR_SIZE];
        if (errno == ENOMEM) {
            return -ENOMEM;
        }
        snprintf(error, sizeof error, "cannot be read: %s", strerror(errno));
        return failure_hear(fleet, folder, error);
    }
    for (int i = 0; i < count && result == 0 && !fleet->deaf; i++) {
        result = entry_hear(fleet, folder, entries[i]->d_name, &heard);
    }
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return result == 0 && heard == 0 ? failure_hear(fleet, folder, "holds no capture") : result;
}

/* --- many: the answer -------------------------------------------------------------------------------------------- */

/* The worst first; of one state that with the most violations, then as they were given. */
static int host_compare(const void *left, const void *right)
{
    const struct host *a = left;
    const struct host *b = right;
    int order = state_compare(a->state, b->state);

    if (order == 0) {
        order = (a->total.violations < b->total.violations) - (a->total.violations > b->total.violations);
    }
    return order != 0 ? order : (a->position > b->position) - (a->position < b->position);
}

static size_t off_count(const struct fleet *fleet)
{
    return fleet->by_state[STATE_CRITICAL] + fleet->by_state[STATE_WARNING];
}

static void summary_tell(struct report *report, const struct fleet *fleet)
{
    const char *plural = fleet->count == 1 ? "" : "s";
    bool has_policy = fleet->policy->rule_count > 0;
    size_t unknown = fleet->by_state[STATE_UNKNOWN];
    size_t off = off_count(fleet);

    if (off > 0) {
        report_prose(report, "%zu of %zu host%s %s", off, fleet->count, plural,
                     has_policy ? "off policy" : "outside the thresholds");
    }
    if (unknown > 0) {
        report_prose(report, off > 0 ? ", %zu cannot be judged" : "%zu of %zu host%s cannot be judged", unknown,
                     fleet->count, plural);
    }
    if (off + unknown == 0) {
        report_prose(report, "%zu host%s %s", fleet->count, plural,
                     has_policy ? "on policy" : "captured, no policy to judge by");
    }
}

/* The hosts that are off policy; they come first. */
static void names_tell(struct report *report, const struct fleet *fleet, size_t off)
{
    size_t length = 0;
    size_t told = 0;

    for (; told < off; told++) {
        length += strlen(fleet->hosts[told].name) + 2;
        if (told > 0 && length > NAMES_LENGTH) {
            report_prose(report, " ... and %zu more", off - told);
            return;
        }
        report_prose(report, "%s%s", told == 0 ? ": " : ", ", fleet->hosts[told].name);
    }
}

/* Who it is about; where nobody is off policy but some cannot be judged, why the first of them. */
static void findings_tell(struct report *report, const struct fleet *fleet)
{
    const struct host *first = fleet->hosts;
    size_t unknown = fleet->by_state[STATE_UNKNOWN];
    size_t off = off_count(fleet);

    names_tell(report, fleet, off);
    if (off == 0 && unknown > 0) {
        report_prose(report, ". %s%s%.200s", first->name, *first->name != '\0' ? ": " : "", first->prose);
    }
    if (off == 0 && unknown > 1) {
        report_prose(report, " ... and %zu more", unknown - 1);
    }
}

static void value_tell(struct report *report, const char *label, uint64_t value)
{
    struct perfdata perfdata = {.value = value};

    snprintf(perfdata.label, sizeof perfdata.label, "%s", label);
    report_perfdata(report, &perfdata);
}

/* Sums over all hosts. What is not known of one of them is not known. */
static void values_tell(struct report *report, const struct fleet *fleet)
{
    struct judge_total sum = {.known = true};

    for (size_t i = 0; i < fleet->count; i++) {
        const struct judge_total *total = &fleet->hosts[i].total;
        sum.known &= total->known;
        sum.mapped += total->mapped;
        sum.violations += total->violations;
        sum.unlisted += total->unlisted;
    }
    value_tell(report, "hosts", fleet->count);
    value_tell(report, "hosts_off", off_count(fleet));
    value_tell(report, "hosts_unknown", fleet->by_state[STATE_UNKNOWN]);
    if (sum.known) {
        value_tell(report, "mapped", sum.mapped);
    }
    value_tell(report, "violations", sum.violations);
    value_tell(report, "unlisted", sum.unlisted);
}

static void host_tell(struct report *report, const struct host *host)
{
    const char *line = host->details;

    report_line(report, host->state, "%s%s%s", host->name, *host->name != '\0' ? ": " : "", host->prose);
    if (host->origin != NULL) {
        report_note(report, "%s", host->origin);
    }
    while (line != NULL && *line != '\0') {
        size_t length = strcspn(line, "\n");
        report_note(report, "%.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* A monitoring system reads the first line, a human at a terminal the last. */
static void last_line_tell(struct report *report, const struct fleet *fleet)
{
    report_line(report, fleet->state, "%zu host%s: %zu CRITICAL, %zu WARNING, %zu UNKNOWN, %zu OK", fleet->count,
                fleet->count == 1 ? "" : "s", fleet->by_state[STATE_CRITICAL], fleet->by_state[STATE_WARNING],
                fleet->by_state[STATE_UNKNOWN], fleet->by_state[STATE_OK]);
}

static int fleet_tell(struct fleet *fleet, struct answer *answer)
{
    struct report *report = report_create("DUALSTACK", 0);
    int result;

    if (report == NULL) {
        return -ENOMEM;
    }
    if (fleet->count > 0) {
        qsort(fleet->hosts, fleet->count, sizeof *fleet->hosts, host_compare);
    }
    summary_tell(report, fleet);
    findings_tell(report, fleet);
    values_tell(report, fleet);
    for (size_t i = 0; i < fleet->count; i++) {
        host_tell(report, &fleet->hosts[i]);
    }
    last_line_tell(report, fleet);
    result = report_render(report, fleet->state, &answer->text, &answer->length);
    report_free(report);
    return result;
}

static int fleet_judge(struct fleet *fleet)
{
    const struct options *options = fleet->options;
    int result = 0;

    for (size_t i = 0; i < options->replay_count && result == 0 && !fleet->deaf; i++) {
        const char *path = options->replays[i];
        result = is_folder(path) ? folder_hear(fleet, path) : file_hear(fleet, path);
    }
    return result;
}

static int fleet_run(const struct options *options, const struct policy *policy, struct answer *answer)
{
    struct fleet fleet = {.options = options, .policy = policy, .state = STATE_OK};
    int result = fleet_judge(&fleet);

    if (result == 0 && !options->json) {
        result = fleet_tell(&fleet, answer);
    }
    answer->state = fleet.deaf ? STATE_UNKNOWN : fleet.state;
    fleet_clear(&fleet);
    return result;
}

int replay_run(const struct options *options, const struct policy *policy, struct answer *answer)
{
    struct hearing hearing;
    int result;

    if (options->replay_count > 1 || is_folder(options->replays[0])) {
        return fleet_run(options, policy, answer);
    }
    result = capture_judge(options, policy, options->replays[0], &hearing);
    *answer = hearing.answer;
    return result;
}
