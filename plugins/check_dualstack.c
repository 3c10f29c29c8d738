/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * check_dualstack: which IP families does each service really accept, and may it?
 */
#include "config.h"

#include "capture.h"
#include "check.h"
#include "deadline.h"
#include "extra_opts.h"
#include "learn.h"
#include "lint.h"
#include "list.h"
#include "options.h"
#include "policy_load.h"
#include "render/json.h"
#include "render/text.h"
#include "replay.h"
#include "socket/netns.h"
#include "stdout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int failure_build(const struct options *options, enum state state, const char *const *sentences, size_t count,
                         const char *usage, struct answer *answer)
{
    answer->state = state;
    return options->json ? json_failure(state, sentences, count, &answer->text, &answer->length)
                         : text_failure(state, sentences, count, usage, &answer->text, &answer->length);
}

static int mistake_tell(const struct options *options, const struct options_mistake *mistake, struct answer *answer)
{
    const char *sentences[] = {mistake->sentence, mistake->more};
    const char *below = mistake->in_arguments ? options_usage : mistake->more;

    return failure_build(options, STATE_UNKNOWN, sentences, options->json && mistake->more != NULL ? 2 : 1, below,
                         answer);
}

/* Makes sure of an answer before anything can take long. Returns 0, -EINVAL with a mistake, or -ENOMEM. */
static int deadline_set(const struct options *options, struct options_mistake *mistake)
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
    if (result != 0 && result != -ENOMEM) {
        *mistake = (struct options_mistake){.more = NULL};
        snprintf(mistake->sentence, sizeof mistake->sentence, "no timer for --timeout is to be had: %s",
                 strerror(-result));
        result = -EINVAL;
    }
    free(late.text);
    free(ended.text);
    return result;
}

static bool only_tells_help(const struct options *options)
{
    return options->mode == OPTIONS_HELP || options->mode == OPTIONS_VERSION;
}

/*
 * Reads the command line, and once more with the options of ini files before it where it names some. The first reading
 * says how the files' own trouble is to be told: until when, and as text or JSON.
 */
static int options_read(struct options *options, struct extra_opts *extra, int argc, char **argv,
                        struct options_mistake *mistake)
{
    const struct extra_opts_search search = extra_opts_search();
    int result = options_parse(options, argc, argv, NULL, mistake);

    if (result == -ENOMEM || options->extra_count == 0 || only_tells_help(options)) {
        return result;
    }
    result = deadline_set(options, mistake);
    deadline_stage("reading the options of --extra-opts");
    if (result == 0) {
        result = extra_opts_load(extra, options->extra, options->extra_count, &search);
    }
    if (result == 0) {
        options_clear(options);
        result = options_parse(options, argc, argv, extra, mistake);
    }
    return result;
}

static int namespace_enter(const struct options *options, struct fault *fault)
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
    struct fault fault;
    int result = policy_load(options, &policy);

    if (result != 0) {
        return result;
    }
    if (policy->errors.count > 0 && !mode->only_policy) {
        result = failure_build(options, STATE_UNKNOWN, (const char *const *)policy->errors.text, policy->errors.count,
                               NULL, answer);
    } else if (!mode->only_policy && namespace_enter(options, &fault) != 0) {
        result = failure_build(options, STATE_UNKNOWN, &(const char *){fault.text}, 1, NULL, answer);
    } else {
        result = mode->run(options, policy, answer);
    }
    policy_free(policy);
    return result;
}

/* A build on libmonitoringplug names it. */
#ifdef LIBMONITORINGPLUG_VERSION
#define LIBRARY " (libmonitoringplug " LIBMONITORINGPLUG_VERSION ")"
#else
#define LIBRARY ""
#endif

static int help_tell(enum options_mode mode)
{
    char text[OPTIONS_HELP_SIZE] = "check_dualstack " PACKAGE_VERSION LIBRARY "
";

    if (mode == OPTIONS_HELP) {
        options_help(text);
    }
    return stdout_answer(text, strlen(text), STATE_UNKNOWN);
}

/* In either form, with no memory but the stack's. */
static int out_of_memory_tell(bool json)
{
    static const char text[] = "DUALSTACK UNKNOWN: out of memory\n";
    time_t now = time(NULL);
    struct tm fields;
    char object[512];

    if (!json || gmtime_r(&now, &fields) == NULL) {
        return stdout_answer(text, strlen(text), STATE_UNKNOWN);
    }
    strftime(object, sizeof object,
             "{\"plugin\":\"check_dualstack\",\"version\":\"" PACKAGE_VERSION
             "\",\"schema\":1,\"time\":\"%Y-%m-%dT%H:%M:%SZ\",\"host\":\"\",\"source\":null,\"remark\":null,"
             "\"netns\":null,\"namespace\":null,\"ipv6\":null,\"state\":\"UNKNOWN\",\"summary\":\"out of memory\","
             "\"services\":[],\"totals\":{},\"errors\":[\"out of memory\"]}\n",
             &fields);
    return stdout_answer(object, strlen(object), STATE_UNKNOWN);
}

/* Writes the answer, unless its mode has written it already. Returns the exit code. */
static int answer_give(int result, bool json, const struct answer *answer)
{
    if (result != 0) {
        return out_of_memory_tell(json);
    }
    return answer->text != NULL ? stdout_answer(answer->text, answer->length, answer->state) : (int)answer->state;
}

int main(int argc, char **argv)
{
    struct options options;
    struct extra_opts extra = {.count = 0};
    struct options_mistake mistake;
    struct answer answer = {.state = STATE_UNKNOWN};
    bool helps;
    int result;
    int exit_code;

    stdout_prepare();
    result = options_read(&options, &extra, argc, argv, &mistake);
    helps = only_tells_help(&options);
    if (result == 0 && !helps) {
        result = deadline_set(&options, &mistake);
    }
    if (result == 0 && !helps) {
        result = mode_run(&options, &answer);
    } else if (result == -EINVAL) {
        result = mistake_tell(&options, &mistake, &answer);
    }
    exit_code = result == 0 && helps ? help_tell(options.mode) : answer_give(result, options.json, &answer);
    free(answer.text);
    options_clear(&options);
    extra_opts_clear(&extra);
    return exit_code;
}
