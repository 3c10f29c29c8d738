/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Ends the program with an answer when its time is up or it is told to end.
 */
#include "config.h"

#include "deadline.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_SIZE 1024

struct ending {
    char text[TEXT_SIZE];
    int exit_code;
};

/*
 * A signal handler reaches nothing but what has static storage, so this is the one place in the program that has some
 * that changes. The texts are made beforehand: the handler only copies and writes, as POSIX allows there.
 */
static struct {
    const char *volatile stage;
    volatile sig_atomic_t answering;
    bool started;
    struct timespec began;
    timer_t timer;
    struct itimerspec left; /* while it is paused */
    struct ending late;
    struct ending ended;
} deadline = {.stage = "starting"};

/* Copies text, the stage in place of each DEADLINE_STAGE; what does not fit is left out. */
static size_t stage_fill(char *filled, size_t size, const char *text, const char *stage)
{
    size_t length = 0;

    while (*text != '\0' && length < size) {
        if (strncmp(text, DEADLINE_STAGE, strlen(DEADLINE_STAGE)) != 0) {
            filled[length++] = *text++;
            continue;
        }
        for (const char *c = stage; *c != '\0' && length < size; c++) {
            filled[length++] = *c;
        }
        text += strlen(DEADLINE_STAGE);
    }
    return length;
}

static void answer_and_end(int signal)
{
    const struct ending *ending = signal == SIGALRM ? &deadline.late : &deadline.ended;
    char text[TEXT_SIZE + 256];
    size_t length = stage_fill(text, sizeof text, ending->text, deadline.stage);

    /* A reader that takes nothing must not keep the process from ending. */
    if (deadline.answering || poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, 0) != 1 ||
        write(STDOUT_FILENO, text, length) != (ssize_t)length) {
        _exit(STATE_UNKNOWN);
    }
    _exit(ending->exit_code);
}

static void ending_keep(struct ending *ending, const struct deadline_answer *answer)
{
    ending->exit_code = (int)answer->state;
    snprintf(ending->text, sizeof ending->text, "%s", answer->text);
}

/* Makes the timer, which runs from now, or lets the one there is end at another time. */
static int timer_set(unsigned seconds)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec when = {.it_interval = {0}};

    if (!deadline.started && (clock_gettime(CLOCK_MONOTONIC, &deadline.began) != 0 ||
                              timer_create(CLOCK_MONOTONIC, &event, &deadline.timer) != 0)) {
        return -errno;
    }
    deadline.started = true;
    when.it_value = deadline.began;
    when.it_value.tv_sec += (time_t)seconds;
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
    ending_keep(&deadline.late, late);
    ending_keep(&deadline.ended, ended);
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

void deadline_answering(void)
{
    deadline.answering = 1;
}
