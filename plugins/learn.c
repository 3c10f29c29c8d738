/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Writes the policy that this host keeps now, and judges the host by it before it is printed: a policy that does not
 * hold is never printed.
 */
#include "config.h"

#include "learn.h"

#include "audit/day.h"
#include "audit/suggest.h"
#include "check.h"
#include "deadline.h"
#include "plugin/memory_stream.h"
#include "render/policy_text.h"
#include "render/wording.h"
#include "service_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct learner {
    const struct run *run; /* its policy has no rules */
    struct snapshot *snapshot;
    struct suggestions suggestions;
    struct memory_stream learned; /* the policy */
};

/* --- the snapshot ------------------------------------------------------------------------------------------------ */

static int learner_snapshot_take(struct learner *learner)
{
    struct snapshot_request request = check_snapshot_request(learner->run);
    int result;

    request.depth = SNAPSHOT_MAPPED_JUDGED;
    request.every_protocol = true;
    request.sources.asks_leases = true;
    result = snapshot_take(&request, &learner->snapshot);
    return result != 0 ? result : snapshot_owners_find(learner->snapshot, deadline_stage);
}

static int policy_render(struct learner *learner)
{
    struct policy_text learned = {.snapshot = learner->snapshot, .suggestions = &learner->suggestions};
    int result = memory_stream_open(&learner->learned);

    if (result == 0) {
        learned.out = learner->learned.file;
        result = policy_text_write(&learned);
    }
    return learner->learned.is_broken ? -ENOMEM : result;
}

/* --- does it hold? ----------------------------------------------------------------------------------------------- */

static void finding_format(char sentence[static WORDING_SIZE], const struct learner *learner,
                           const struct judge_verdict *verdict)
{
    const struct wording_context context = {.tally = learner->snapshot->tally};
    struct text_buffer text = text_buffer_start(sentence, WORDING_SIZE);

    for (size_t i = 0; i < verdict->service_count; i++) {
        if (verdict->services[i].state != STATE_OK) {
            text_buffer_add(&text, "no policy is sure to hold on this host: ");
            wording_add_finding(&text, &verdict->services[i], &context);
            return;
        }
    }
}

static int written_judge(const struct learner *learner, const struct policy *written,
                         char sentence[static WORDING_SIZE])
{
    struct judge_question question = {
        .policy = written,
        .tally = learner->snapshot->tally,
        .today = day_of(learner->snapshot->time),
    };
    struct judge_verdict *verdict = NULL;
    int result;

    if (written->errors.count > 0) {
        snprintf(sentence, WORDING_SIZE, "no policy can be written for this host: %.400s", written->errors.text[0]);
        return 0;
    }
    result = judge_tally(&question, &verdict);
    if (result == 0) {
        finding_format(sentence, learner, verdict);
        judge_free(verdict);
    }
    return result;
}

/* Judges the host by what was written; `sentence` stays empty when it holds. */
static int written_prove(const struct learner *learner, char sentence[static WORDING_SIZE])
{
    struct policy *written = policy_create(learner->run->policy->names);
    int result = written != NULL ? 0 : -ENOMEM;

    *sentence = '\0';
    deadline_stage("judging by the policy learned");
    if (result == 0) {
        result = policy_text_add(written, learner->learned.bytes, learner->learned.length, "learned policy");
    }
    if (result == 0) {
        result = policy_finish(written);
    }
    if (result == 0) {
        result = written_judge(learner, written, sentence);
    }
    policy_free(written);
    return result;
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

/* Why the host could not be read whole: returns how many sentences. They live as long as the snapshot. */
static size_t faults_list(const struct snapshot *snapshot, const char *sentences[static RECORD_PROTOCOLS + 1])
{
    size_t count = 0;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (snapshot->tally->unreadable[protocol][0] != '\0') {
            sentences[count++] = snapshot->tally->unreadable[protocol];
        }
    }
    if (snapshot->fault[0] != '\0') {
        sentences[count++] = snapshot->fault;
    }
    return count;
}

static int rules_suggest(struct learner *learner)
{
    struct service_names names;
    int result;

    deadline_stage("asking the services database for names");
    result = service_names_read(&names);
    if (result == 0) {
        result = suggest_list(&learner->suggestions, learner->snapshot->tally, service_names_find, &names);
    }
    service_names_clear(&names);
    return result;
}

/* Writes the policy, or why there is none. */
static int policy_learn(struct learner *learner, enum state *state)
{
    const struct run *run = learner->run;
    char sentence[WORDING_SIZE];
    int result;

    result = rules_suggest(learner);
    if (result == 0) {
        result = policy_render(learner);
    }
    if (result == 0) {
        result = written_prove(learner, sentence);
    }
    if (result != 0) {
        return result;
    }
    if (*sentence != '\0') {
        return run_fail(run, &(const char *){sentence}, 1);
    }
    *state = STATE_OK;
    run->sink.write(learner->learned.bytes, learner->learned.length, run->sink.context);
    return 0;
}

int learn_run(const struct run *run, enum state *state)
{
    struct learner learner = {.run = run};
    const char *sentences[RECORD_PROTOCOLS + 1];
    size_t faults;
    int result;

    result = learner_snapshot_take(&learner);
    if (result == 0) {
        faults = faults_list(learner.snapshot, sentences);
        result = faults > 0 ? run_fail(run, sentences, faults) : policy_learn(&learner, state);
    }
    suggest_clear(&learner.suggestions);
    snapshot_free(learner.snapshot);
    memory_stream_close(&learner.learned);
    return result;
}
