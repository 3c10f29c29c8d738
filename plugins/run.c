/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "run.h"

#include "deadline.h"
#include "render/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>

struct run run_begin(const struct options *options, struct lines *lines)
{
    struct run run = {
        .options = options,
        .namespace = options->every_netns ? NULL : options->netns,
        .writer = options->writer,
        .lines = lines,
        .sink = {.write = lines_write, .context = lines},
    };
    struct utsname names;

    if (uname(&names) == 0) {
        snprintf(run.host, sizeof run.host, "%s", names.nodename);
    }
    return run;
}

int run_failure_write(const struct run *run, const struct writer_failure *failure, const struct sink *sink)
{
    struct writer_failure whole = *failure;

    whole.host = run->host;
    whole.namespace = run->is_one_of_many ? run->namespace : NULL;
    whole.time = time(NULL);
    return run->writer->failure(&whole, sink);
}

int run_fail(const struct run *run, const char *const *sentences, size_t count)
{
    const struct writer_failure failure = {.state = STATE_UNKNOWN, .sentences = sentences, .count = count};

    return run_failure_write(run, &failure, &run->sink);
}

static const char out_of_memory[] = "out of memory";

int run_fleet_end(const struct run *run, struct writer_fleet *fleet, int result, bool is_partial)
{
    if (result == -ENOMEM && fleet->count > 0) {
        fleet_stop(fleet, out_of_memory, STATE_UNKNOWN);
        result = 0;
    } else if (deadline_stopped() != NULL && (is_partial || fleet->count < fleet->expected)) {
        fleet_stop(fleet, deadline_stopped(), deadline_stopped_state());
        deadline_pause();
    }
    return result == 0 ? run->writer->fleet_end(fleet, &run->sink) : result;
}

int run_end(const struct run *run, int result, enum state state)
{
    if (result == -ENOMEM) {
        state = STATE_UNKNOWN;
        if (run_fail(run, &(const char *){out_of_memory}, 1) != 0) {
            sink_text(&run->sink, "DUALSTACK UNKNOWN: out of memory\n");
        }
    }
    lines_flush(run->lines);
    return run->lines->error == 0 ? (int)state : STATE_UNKNOWN;
}
