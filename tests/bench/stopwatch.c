/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * stopwatch COMMAND [ARGUMENT]...: runs a command, its output thrown away, and prints what it cost:
 *     WALL_NANOSECONDS CPU_MICROSECONDS PEAK_KIB EXIT_STATUS
 *
 * A program of its own because the kernel counts the memory of the process that starts a command into the command's
 * peak until it is executed, and so that starting it costs little: nothing but libc is linked here.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long microseconds(struct timeval time)
{
    return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int argc, char **argv)
{
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    long long begin;
    long long wall;
    int status;
    int error;
    pid_t child;

    if (argc < 2) {
        return 2;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    begin = now();
    error = posix_spawn(&child, argv[1], &actions, NULL, argv + 1, environ);
    if (error != 0) {
        fprintf(stderr, "stopwatch: %s: %s\n", argv[1], strerror(error));
        return 1;
    }
    if (wait4(child, &status, 0, &usage) != child) {
        return 1;
    }
    wall = now() - begin;
    printf("%lld %lld %ld %d\n", wall, microseconds(usage.ru_utime) + microseconds(usage.ru_stime), usage.ru_maxrss,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
