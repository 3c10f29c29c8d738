/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * check_dualstack: which IP families does each service really accept, and may it?
 */
#include "config.h"

#include "arguments.h"
#include "baseline.h"
#include "capture.h"
#include "check.h"
#include "deadline.h"
#include "extra_opts.h"
#include "learn.h"
#include "lint.h"
#include "list.h"
#include "namespaces.h"
#include "options.h"
#include "policy_load.h"
#include "replay.h"
#include "run.h"
#include "socket/netns.h"
#include "stdout.h"
#include "usage.h"

#include <errno.h>
#if defined WITH_STATIC && defined __GLIBC__
#include <nss.h>
#endif
#include <stdio.h>
#include <string.h>

/* What a mode finds ready when it runs. */
enum mode_needs {
    NEEDS_NOTHING,
    NEEDS_POLICY, /* mistakes included */
    NEEDS_HOST    /* a policy without mistakes, in the network namespace to look at */
};

/*
 * glibc would load what nsswitch.conf names from this host, where it may be of another version: what is linked with
 * nothing shared knows the users and services of the files alone.
 */
static void names_prepare(void)
{
#if defined WITH_STATIC && defined __GLIBC__
    __nss_configure_lookup("passwd", "files");
    __nss_configure_lookup("services", "files");
#endif
}

/* Judges a host: this one, or those that were captured. */
static int judge_run(const struct run *run, enum state *state)
{
    struct captures baselines = {.list = NULL};
    struct run compared = *run;
    int result = baseline_list_read(run->options, &baselines);

    if (run->options->baseline_count > 0) {
        compared.baselines = &baselines;
    }
    if (result == 0) {
        result = run->options->replay_count > 0 ? replay_run(&compared, state)
                 : run->options->every_netns    ? namespaces_check(&compared, state)
                                                : check_run(&compared, state);
    }
    captures_clear(&baselines);
    return result;
}

static int help_run(const struct run *run, enum state *state)
{
    char help[USAGE_HELP_SIZE];

    *state = STATE_UNKNOWN; /* as the guidelines say */
    sink_text(&run->sink, usage_help(help));
    return 0;
}

/* A build on libmonitoringplug names it. */
#ifdef LIBMONITORINGPLUG_VERSION
#define LIBRARY " (libmonitoringplug " LIBMONITORINGPLUG_VERSION ")"
#else
#define LIBRARY ""
#endif

static int version_run(const struct run *run, enum state *state)
{
    *state = STATE_UNKNOWN;
    sink_text(&run->sink, "check_dualstack " PACKAGE_VERSION LIBRARY "\n");
    return 0;
}

/*
 * Each mode writes its answer and returns 0, or -ENOMEM. *state is UNKNOWN when it begins, and the exit code when it
 * ends.
 */
static const struct mode {
    int (*run)(const struct run *run, enum state *state);
    const char *stage; /* what the program waits for while it writes */
    enum mode_needs needs;
    bool pauses;                                                     /* the clock stands still while it writes */
    int (*run_everywhere)(const struct run *run, enum state *state); /* the same for --netns=all */
} modes[] = {
    [OPTIONS_CHECK] = {judge_run, "writing the answer", NEEDS_HOST, false, judge_run},
    [OPTIONS_LIST] = {list_run, "writing the list", NEEDS_HOST, true, list_run_everywhere},
    [OPTIONS_LEARN] = {learn_run, "writing the answer", NEEDS_HOST, false, NULL},
    [OPTIONS_LINT] = {lint_run, "writing the answer", NEEDS_POLICY, false, NULL},
    [OPTIONS_CAPTURE] = {capture_run, "writing the capture", NEEDS_HOST, false, capture_run_everywhere},
    [OPTIONS_HELP] = {help_run, "writing the answer", NEEDS_NOTHING, false, NULL},
    [OPTIONS_VERSION] = {version_run, "writing the answer", NEEDS_NOTHING, false, NULL},
};
_Static_assert(sizeof modes / sizeof *modes == OPTIONS_VERSION + 1, "a row a mode");

/* Makes the answer of a signal: a sentence that names the stage. */
static int ending_make(const struct run *run, const char *sentence, struct deadline_answer *answer)
{
    const struct writer_failure failure = {.state = answer->state, .sentences = &sentence, .count = 1};
    const struct sink sink = {.write = deadline_answer_write, .context = answer};

    return run_failure_write(run, &failure, &sink);
}

/* Makes sure of an answer before anything can take long. Returns 0, -EINVAL with a mistake, or -ENOMEM. */
static int deadline_set(const struct options *options, struct arguments_mistake *mistake)
{
    const struct run run = run_begin(options, NULL);
    struct deadline_answer late = {.state = options->timeout_state};
    struct deadline_answer ended = {.state = STATE_UNKNOWN};
    char sentence[80];
    int result;

    snprintf(sentence, sizeof sentence, "no answer within %u second%s, while " DEADLINE_STAGE, options->timeout,
             options->timeout == 1 ? "" : "s");
    result = ending_make(&run, sentence, &late);
    if (result == 0) {
        result = ending_make(&run, "stopped by SIGTERM, while " DEADLINE_STAGE, &ended);
    }
    if (result == 0) {
        result = deadline_start(options->timeout, &late, &ended);
    }
    if (result != 0 && result != -ENOMEM) {
        *mistake = (struct arguments_mistake){.more = NULL};
        snprintf(mistake->sentence, sizeof mistake->sentence, "--timeout: no timer available: %s", strerror(-result));
        result = -EINVAL;
    }
    return result;
}

/*
 * Reads the command line, and again with the options of ini files before it if it names some. The first reading says
 * how errors in these files are to be reported: until when, and in which format. From then on there is a deadline.
 */
static int options_read(struct options *options, struct extra_opts *extra, int argc, char **argv,
                        struct arguments_mistake *mistake)
{
    const struct extra_opts_search search = extra_opts_search();
    int result = arguments_parse(options, argc, argv, NULL, mistake);

    if (result == -ENOMEM || modes[options->mode].needs == NEEDS_NOTHING) {
        return result;
    }
    if (options->extra_count > 0) {
        result = deadline_set(options, mistake);
        deadline_stage("reading the options of --extra-opts");
        if (result == 0) {
            result = extra_opts_load(extra, options->extra, options->extra_count, &search);
        }
        if (result == 0) {
            options_clear(options);
            result = arguments_parse(options, argc, argv, extra, mistake);
        }
    }
    if (result == 0 && modes[options->mode].needs != NEEDS_NOTHING) {
        result = deadline_set(options, mistake);
    }
    return result;
}

static int mistake_write(const struct run *run, const struct arguments_mistake *mistake)
{
    const char *sentence = mistake->sentence;
    const struct writer_failure failure = {
        .state = STATE_UNKNOWN,
        .sentences = &sentence,
        .count = 1,
        .more = mistake->more,
        .usage = mistake->in_arguments ? usage_line : NULL,
    };

    return run_failure_write(run, &failure, &run->sink);
}

static int namespace_enter(const struct options *options, struct fault *fault)
{
    deadline_stage("entering the network namespace");
    return options->netns != NULL ? netns_enter(options->netns, fault) : 0;
}

/* Prepares what the mode needs and runs it; if something cannot be had, that is the answer. */
static int mode_run(struct run *run, enum state *state)
{
    const struct mode *mode = &modes[run->options->mode];
    struct policy_names names = {.answers = NULL};
    struct policy *policy = NULL;
    struct fault fault;
    int result = mode->needs != NEEDS_NOTHING ? policy_load(run->options, &names, &policy) : 0;

    run->policy = policy;
    if (result != 0) {
        policy_names_clear(&names);
        return result;
    }
    if (mode->needs == NEEDS_HOST && policy->errors.count > 0) {
        result = run_fail(run, (const char *const *)policy->errors.text, policy->errors.count);
    } else if (mode->needs == NEEDS_HOST && run->options->every_netns) {
        result = mode->run_everywhere(run, state);
    } else if (mode->needs == NEEDS_HOST && namespace_enter(run->options, &fault) != 0) {
        result = run_fail(run, &(const char *){fault.text}, 1);
    } else {
        result = mode->run(run, state);
    }
    policy_free(policy);
    policy_names_clear(&names);
    run->policy = NULL;
    return result;
}

int main(int argc, char **argv)
{
    struct extra_opts extra = {.count = 0};
    struct options options;
    struct arguments_mistake mistake;
    struct lines lines = {.length = 0};
    struct run run;
    enum state state = STATE_UNKNOWN;
    int result;
    int exit_code;

    stdout_prepare();
    names_prepare();
    result = options_read(&options, &extra, argc, argv, &mistake);
    lines.stage = modes[options.mode].stage;
    lines.pauses = modes[options.mode].pauses;
    lines.only_first = options.one_line && options.writer->has_details && modes[options.mode].needs != NEEDS_NOTHING;
    run = run_begin(&options, &lines);
    if (result == 0) {
        result = mode_run(&run, &state);
    } else if (result == -EINVAL) {
        result = mistake_write(&run, &mistake);
    }
    exit_code = run_end(&run, result, state);
    options_clear(&options);
    extra_opts_clear(&extra);
    return exit_code;
}
