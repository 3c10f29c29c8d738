/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * check_dualstack: which IP families does each service really accept, and may it?
 */
#include "config.h"

#include "capture.h"
#include "check.h"
#include "deadline.h"
#include "learn.h"
#include "lint.h"
#include "list.h"
#include "options.h"
#include "output.h"
#include "policy_load.h"
#include "replay.h"
#include "socket/netns.h"
#include "tell_json.h"
#include "tell_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char version[] = "check_dualstack " PACKAGE_VERSION "\n";

static int failure_build(const struct options *options, enum state state, const char *const *sentences, size_t count,
                         const char *usage, struct answer *answer)
{
    answer->state = state;
    return options->json ? tell_json_failure(state, sentences, count, &answer->text, &answer->length)
                         : tell_text_failure(state, sentences, count, usage, &answer->text, &answer->length);
}

static int sentence_fail(const struct options *options, const char *sentence, const char *usage, struct answer *answer)
{
    return failure_build(options, STATE_UNKNOWN, &sentence, 1, usage, answer);
}

/* Makes sure of an answer before anything can take long. */
static int deadline_set(const struct options *options)
{
    struct answer late = {0};
    struct answer ended = {0};
    char sentence[80];
    const char *sentences[] = {sentence};
    int result;

    snprintf(sentence, sizeof sentence, "no answer within %u second%s, while " DEADLINE_STAGE, options->timeout,
             options->timeout == 1 ? "" : "s");
    result = failure_build(options, options->timeout_state, sentences, 1, NULL, &late);
    snprintf(sentence, sizeof sentence, "told to end by SIGTERM, while " DEADLINE_STAGE);
    if (result == 0) {
        result = failure_build(options, STATE_UNKNOWN, sentences, 1, NULL, &ended);
    }
    if (result == 0) {
        result = deadline_start(options->timeout, &(struct deadline_answer){late.text, late.state},
                                &(struct deadline_answer){ended.text, ended.state});
    }
    free(late.text);
    free(ended.text);
    return result;
}

static int namespace_enter(const struct options *options, struct source_fault *fault)
{
    deadline_stage("entering the network namespace");
    return options->netns != NULL ? netns_enter(options->netns, fault) : 0;
}

static int check_run(const struct options *options, const struct policy *policy, struct answer *answer)
{
    return options->replay_count > 0 ? replay_run(options, policy, answer) : check_host(options, policy, answer);
}

static const struct mode {
    int (*run)(const struct options *options, const struct policy *policy, struct answer *answer);
    bool only_policy; /* looks at no host, and tells the policy's mistakes itself */
} modes[] = {
    [OPTIONS_CHECK] = {check_run, false},     [OPTIONS_LIST] = {list_run, false},
    [OPTIONS_LEARN] = {learn_run, false},     [OPTIONS_LINT] = {lint_run, true},
    [OPTIONS_CAPTURE] = {capture_run, false},
};

/* What every mode does, after the command line was read. */
static int mode_run(const struct options *options, struct answer *answer)
{
    const struct mode *mode = &modes[options->mode];
    struct policy *policy = NULL;
    struct source_fault fault;
    int result = policy_load(options, &policy);

    if (result != 0) {
        return result;
    }
    if (policy->errors.count > 0 && !mode->only_policy) {
        result = failure_build(options, STATE_UNKNOWN, (const char *const *)policy->errors.text, policy->errors.count,
                               NULL, answer);
    } else if (!mode->only_policy && namespace_enter(options, &fault) != 0) {
        result = sentence_fail(options, fault.text, NULL, answer);
    } else {
        result = mode->run(options, policy, answer);
    }
    policy_free(policy);
    return result;
}

static int options_run(const struct options *options, struct answer *answer)
{
    int result = deadline_set(options);

    if (result != 0 && result != -ENOMEM) {
        char sentence[128];
        snprintf(sentence, sizeof sentence, "no timer for --timeout is to be had: %s", strerror(-result));
        return sentence_fail(options, sentence, NULL, answer);
    }
    return result != 0 ? result : mode_run(options, answer);
}

static int help_tell(enum options_mode mode)
{
    const char *text = mode == OPTIONS_HELP ? options_help : version;

    return output_answer(text, strlen(text), STATE_UNKNOWN);
}

/* In either form, with no memory but the stack's. */
static int out_of_memory_tell(bool json)
{
    static const char text[] = "DUALSTACK UNKNOWN: out of memory\n";
    time_t now = time(NULL);
    struct tm fields;
    char object[512];

    if (!json || gmtime_r(&now, &fields) == NULL) {
        return output_answer(text, strlen(text), STATE_UNKNOWN);
    }
    strftime(object, sizeof object,
             "{\"plugin\":\"check_dualstack\",\"version\":\"" PACKAGE_VERSION
             "\",\"schema\":1,\"time\":\"%Y-%m-%dT%H:%M:%SZ\",\"host\":\"\",\"source\":null,\"remark\":null,"
             "\"netns\":null,\"namespace\":null,\"ipv6\":null,\"state\":\"UNKNOWN\",\"summary\":\"out of memory\","
             "\"services\":[],\"totals\":{},\"errors\":[\"out of memory\"]}\n",
             &fields);
    return output_answer(object, strlen(object), STATE_UNKNOWN);
}

/* Writes the answer, unless its mode has written it already. Returns the exit code. */
static int answer_give(int result, bool json, const struct answer *answer)
{
    if (result != 0) {
        return out_of_memory_tell(json);
    }
    return answer->text != NULL ? output_answer(answer->text, answer->length, answer->state) : (int)answer->state;
}

int main(int argc, char **argv)
{
    struct options options;
    struct answer answer = {.state = STATE_UNKNOWN};
    char error[OPTIONS_ERROR_SIZE];
    int result;
    int exit_code;

    output_prepare();
    result = options_parse(&options, argc, argv, error);
    if (result == 0 && (options.mode == OPTIONS_HELP || options.mode == OPTIONS_VERSION)) {
        exit_code = help_tell(options.mode);
        options_clear(&options);
        return exit_code;
    }
    if (result == 0) {
        result = options_run(&options, &answer);
    } else if (result == -EINVAL) {
        result = sentence_fail(&options, error, options_usage, &answer);
    }
    exit_code = answer_give(result, options.json, &answer);
    free(answer.text);
    options_clear(&options);
    return exit_code;
}
