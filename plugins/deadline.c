/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Ends the program with an answer when its time is up or a signal stops it.
 */
#include "config.h"

#include "deadline.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A signal handler reaches nothing but what has static storage, so this is the one place in the program that has some
 * that changes. The texts are made beforehand: the handler only copies and writes, as POSIX allows there.
 */
static struct {
    const char *volatile stage;
    volatile sig_atomic_t answering;
    volatile sig_atomic_t is_gentle;
    volatile sig_atomic_t stopped_by; /* the signal that asked to stop, 0 for none */
    bool started;
    struct timespec began;
    timer_t timer;
    struct itimerspec left; /* while it is paused */
    struct deadline_answer late;
    struct deadline_answer ended;
} deadline = {.stage = "starting"};

int deadline_answer_write(const char *bytes, size_t length, void *context)
{
    struct deadline_answer *answer = context;
    size_t room = sizeof answer->text - answer->length;
    size_t count = length < room ? length : room;

    memcpy(answer->text + answer->length, bytes, count);
    answer->length += count;
    return 0;
}

/* Copies the text, the stage in place of each DEADLINE_STAGE; what does not fit is left out. */
static size_t stage_fill(char *filled, size_t size, const struct deadline_answer *answer, const char *stage)
{
    static const size_t mark_length = sizeof DEADLINE_STAGE - 1;
    size_t length = 0;

    for (size_t i = 0; i < answer->length && length < size;) {
        if (answer->length - i < mark_length || memcmp(answer->text + i, DEADLINE_STAGE, mark_length) != 0) {
            filled[length++] = answer->text[i++];
            continue;
        }
        for (const char *c = stage; *c != '\0' && length < size; c++) {
            filled[length++] = *c;
        }
        i += mark_length;
    }
    return length;
}

/* The first signal asks to stop, and sees to it that a second one comes. */
static bool stop_ask(int signal)
{
    const struct itimerspec second = {.it_value = {.tv_sec = 1}};

    if (!deadline.is_gentle || deadline.stopped_by != 0) {
        return false;
    }
    deadline.stopped_by = signal;
    timer_settime(deadline.timer, 0, &second, NULL);
    return true;
}

static void answer_and_end(int signal)
{
    int cause = deadline.stopped_by != 0 ? deadline.stopped_by : signal;
    const struct deadline_answer *answer = cause == SIGALRM ? &deadline.late : &deadline.ended;
    char text[DEADLINE_TEXT_SIZE + 256];
    size_t length;

    if (stop_ask(signal)) {
        return;
    }
    length = stage_fill(text, sizeof text, answer, deadline.stage);

    /* A reader that takes nothing must not keep the process from ending. */
    if (deadline.answering || poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, 0) != 1 ||
        write(STDOUT_FILENO, text, length) != (ssize_t)length) {
        _exit(STATE_UNKNOWN);
    }
    _exit((int)answer->state);
}

/* Makes the timer, which runs from now, or lets the one there is end at another time; never, for 0 seconds. */
static int timer_set(unsigned seconds)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec when = {.it_interval = {0}};

    if (!deadline.started && (clock_gettime(CLOCK_MONOTONIC, &deadline.began) != 0 ||
                              timer_create(CLOCK_MONOTONIC, &event, &deadline.timer) != 0)) {
        return -errno;
    }
    deadline.started = true;
    if (seconds > 0) {
        when.it_value = deadline.began;
        when.it_value.tv_sec += (time_t)seconds;
    }
    return timer_settime(deadline.timer, TIMER_ABSTIME, &when, NULL) == 0 ? 0 : -errno;
}

int deadline_start(unsigned seconds, const struct deadline_answer *late, const struct deadline_answer *ended)
{
    struct sigaction action = {.sa_handler = answer_and_end};
    sigset_t signals;
    int result;

    sigfillset(&action.sa_mask);
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    sigaddset(&signals, SIGTERM);
    /* A signal must not find the answers half written. */
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0) {
        return -errno;
    }
    deadline.late = *late;
    deadline.ended = *ended;
    if (sigaction(SIGALRM, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0) {
        return -errno;
    }
    result = timer_set(seconds);
    if (result == 0 && sigprocmask(SIG_UNBLOCK, &signals, NULL) != 0) {
        result = -errno;
    }
    return result;
}

void deadline_stage(const char *stage)
{
    deadline.stage = stage;
}

void deadline_pause(void)
{
    const struct itimerspec stopped = {.it_value = {0}};

    if (deadline.started) {
        timer_settime(deadline.timer, 0, &stopped, &deadline.left);
    }
}

void deadline_resume(void)
{
    if (deadline.started) {
        timer_settime(deadline.timer, 0, &deadline.left, NULL);
    }
}

void deadline_stop_gently(void)
{
    struct sigaction action = {.sa_handler = answer_and_end};

    sigfillset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    deadline.is_gentle = 1;
}

const char *deadline_stopped(void)
{
    switch (deadline.stopped_by) {
    case 0:
        return NULL;
    case SIGINT:
        return "stopped by SIGINT";
    case SIGTERM:
        return "stopped by SIGTERM";
    default:
        return "out of time";
    }
}

enum state deadline_stopped_state(void)
{
    return deadline.stopped_by == SIGALRM ? deadline.late.state : deadline.ended.state;
}

void deadline_answering(void)
{
    deadline.answering = 1;
}
