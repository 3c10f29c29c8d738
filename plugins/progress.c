/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Progress of long work, for a user at a terminal.
 */
#include "config.h"

#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECONDS_FIRST 2

/* Behind the line, to its end: nothing of a longer one is left. */
#define LINE_CLEAR "\r\033[K"

static void line_write(const char *line)
{
    ssize_t written = write(STDERR_FILENO, line, strlen(line));

    (void)written; /* if the terminal was closed, nobody waits */
}

void progress_start(struct progress *progress)
{
    *progress = (struct progress){.is_wanted = isatty(STDERR_FILENO) == 1};
    if (progress->is_wanted) {
        clock_gettime(CLOCK_MONOTONIC, &progress->next);
        progress->next.tv_sec += SECONDS_FIRST;
    }
}

void progress_show(struct progress *progress, size_t count, size_t total, const char *things)
{
    struct timespec now;
    char line[128];
    int length;

    if (!progress->is_wanted) {
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < progress->next.tv_sec ||
        (now.tv_sec == progress->next.tv_sec && now.tv_nsec < progress->next.tv_nsec)) {
        return;
    }
    progress->next = now;
    progress->next.tv_sec++;
    length = snprintf(line, sizeof line, LINE_CLEAR "%zu", count);
    if (total > 0) {
        length += snprintf(line + length, sizeof line - (size_t)length, " of %zu", total);
    }
    snprintf(line + length, sizeof line - (size_t)length, " %.60s", things);
    line_write(line);
    progress->is_shown = true;
}

void progress_hide(struct progress *progress)
{
    if (progress->is_shown) {
        line_write(LINE_CLEAR);
        progress->is_shown = false;
    }
}
