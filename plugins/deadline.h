/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Ends the program with an answer when its time is up or a signal stops it, whatever it is waiting for: the kernel, a
 * name service, a file system, the reader of its output.
 */
#ifndef DEADLINE_H
#define DEADLINE_H

#include "plugin/state.h"

#include <stddef.h>

/* Stands in the answers below where the stage belongs. */
#define DEADLINE_STAGE "@STAGE@"

#define DEADLINE_TEXT_SIZE 1024

/* What to print and how to end. Begin with the state and all else zero. */
struct deadline_answer {
    enum state state;
    size_t length;
    char text[DEADLINE_TEXT_SIZE]; /* whole, newline included, with DEADLINE_STAGE wherever it belongs */
};

/* The shape of sink.write: adds to the answer's text as far as there is room. `context` is the answer. Returns 0. */
int deadline_answer_write(const char *bytes, size_t length, void *context);

/*
 * From now on SIGALRM, sent after `seconds` of the monotonic clock, prints *late and ends the process with its state;
 * SIGTERM does so with *ended at any time. Both are copied. May be called again when more is known: the seconds still
 * count from the first call. 0 seconds: no limit. Returns 0 or a negative errno when no timer is available.
 */
int deadline_start(unsigned seconds, const struct deadline_answer *late, const struct deadline_answer *ended);

/* Names what is waited for from now on, to stand after "while ": plain words without quotes, a literal. */
void deadline_stage(const char *stage);

/*
 * Between the two the clock stands still: how long the reader of a long list takes (a pager waits for its user) is not
 * up to the program.
 */
void deadline_pause(void);
void deadline_resume(void);

/*
 * From now on, what would end the process asks it to stop by itself, and so does SIGINT. What has not stopped within a
 * second, or at the second signal, ends as before.
 */
void deadline_stop_gently(void);

/* Why the process is to stop: "stopped by SIGINT"; NULL as long as it is not. A literal. */
const char *deadline_stopped(void);

/* The state to end in then: that of `late` when the time is up, that of `ended` else. */
enum state deadline_stopped_state(void);

/* The answer is being written: from now on the process only ends, so that there are never two answers. */
void deadline_answering(void);

#endif
