/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --baseline: the capture that a host is compared with, one in memory at a time.
 */
#include "config.h"

#include "baseline.h"

#include "deadline.h"

#include <errno.h>

/* A sentence names this much of a file. */
#define PATH_MOST 120

/* The first of the files that cannot be read: it might have been the baseline of any host. NULL for none. */
static struct captures_entry *unreadable_find(const struct captures *captures)
{
    for (size_t i = 0; i < captures->count; i++) {
        if (captures->list[i].host == NULL) {
            return &captures->list[i];
        }
    }
    return NULL;
}

/* Finds out why it cannot be read: once, as thousands of hosts may have no baseline. Returns 0 or -ENOMEM. */
static int unreadable_explain(const struct captures *captures)
{
    struct captures_entry *entry = unreadable_find(captures);
    struct snapshot *snapshot = NULL;
    int result = 0;

    _Static_assert(CAPTURES_ERROR_SIZE >= JSON_FIELD_ERROR_SIZE, "error holds either");
    if (entry != NULL && entry->error[0] == '\0') {
        result = captures_read(entry, &snapshot, entry->error);
        snapshot_free(snapshot);
    }
    return result == -ENOMEM ? result : 0;
}

int baseline_list_read(const struct options *options, struct captures *captures)
{
    int result = 0;

    deadline_stage("reading the baseline");
    for (size_t i = 0; i < options->baseline_count && result == 0; i++) {
        result = captures_add(captures, options->baselines[i], NULL, NULL);
    }
    if (result == 0) {
        result = captures_choose(captures);
    }
    return result == 0 ? unreadable_explain(captures) : result;
}

static void unreadable_add(struct text_buffer *text, const struct captures *captures)
{
    const struct captures_entry *entry = unreadable_find(captures);

    if (entry != NULL) {
        text_buffer_add(text, ". ");
        text_buffer_add_cut(text, file_name(entry->path), PATH_MOST);
        text_buffer_add(text, ": %s", entry->error[0] != '\0' ? entry->error : "is not a capture of check_dualstack");
    }
}

/* "no baseline for web3 in captures: take one with --capture", and what may be the cause. */
static void missing_add(struct text_buffer *text, const struct run *run, const struct snapshot *snapshot)
{
    const struct captures *captures = run->baselines;
    const struct options *options = run->options;
    const char *host = snapshot->tally->host.name;

    text_buffer_add(text, "no baseline for %s", *host != '\0' ? host : "a host without a name");
    if (snapshot->namespace[0] != '\0') {
        text_buffer_add(text, " in namespace %s", snapshot->namespace);
    }
    text_buffer_add(text, " in ");
    text_buffer_add_cut(text, file_name(options->baselines[0]), PATH_MOST);
    if (options->baseline_count > 1) {
        text_buffer_add(text, " and %zu more", options->baseline_count - 1);
    }
    if (captures->count == 1 && captures->newest_count == 1) {
        text_buffer_add(text, ", which holds %s", captures->newest[0]->host);
    }
    text_buffer_add(text, ": take one with --capture");
    if (options->netns != NULL) {
        text_buffer_add(text, " --netns=%s", options->netns);
    }
    unreadable_add(text, captures);
}

/* How many captures there are from this one on that say they are of the host. */
static size_t captures_count(const struct captures_entry *entry)
{
    size_t count = 0;

    for (; entry != NULL; entry = entry->next) {
        count++;
    }
    return count;
}

static void failure_say(struct baseline *baseline, const struct captures_entry *entry, const char *error)
{
    struct text_buffer text = TEXT_BUFFER(baseline->sentence);

    text_buffer_add(&text, "no baseline: ");
    text_buffer_add_cut(&text, file_name(entry->path), PATH_MOST);
    text_buffer_add(&text, ": %s", error);
    baseline->view.missing = baseline->sentence;
}

/* Reads the newest that can be read; where none can, the sentence is about the newest. */
static int newest_read(struct baseline *baseline, const struct captures_entry *newest)
{
    deadline_stage("reading the baseline");
    for (const struct captures_entry *entry = newest; entry != NULL && baseline->snapshot == NULL;
         entry = entry->next) {
        char error[JSON_FIELD_ERROR_SIZE];
        int result = captures_read(entry, &baseline->snapshot, error);
        if (result == -ENOMEM) {
            return result;
        }
        if (result == 0) {
            baseline->view = (struct view_baseline){
                .file = file_name(entry->path),
                .time = baseline->snapshot->time,
                .captures = captures_count(entry),
            };
        } else if (entry == newest) {
            failure_say(baseline, entry, error);
        }
    }
    return 0;
}

int baseline_find(const struct run *run, const struct snapshot *snapshot, struct baseline *baseline)
{
    const struct captures_entry *entry;

    if (run->baselines == NULL || baseline->snapshot != NULL || baseline->view.missing != NULL) {
        return 0;
    }
    entry = captures_find(run->baselines, snapshot->tally->host.name, snapshot->namespace);
    if (entry == NULL) {
        struct text_buffer text = TEXT_BUFFER(baseline->sentence);
        missing_add(&text, run, snapshot);
        baseline->view.missing = baseline->sentence;
        return 0;
    }
    return newest_read(baseline, entry);
}

void baseline_clear(struct baseline *baseline)
{
    snapshot_free(baseline->snapshot);
    *baseline = (struct baseline){.snapshot = NULL};
}
