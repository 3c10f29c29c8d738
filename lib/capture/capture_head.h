/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Which host a capture is of and when it was taken, without all that is in it.
 */
#ifndef CAPTURE_CAPTURE_HEAD_H
#define CAPTURE_CAPTURE_HEAD_H

#include "capture/capture_format.h"

#include <stddef.h>
#include <time.h>

struct capture_head {
    char host[CAPTURE_HOST_MOST + 1];           /* "" when it is not known */
    char namespace[CAPTURE_NAMESPACE_MOST + 1]; /* "" for the one that the capture's process started in */
    time_t time;
};

/*
 * Reads the head of a capture's `length` bytes, with a NUL behind them. Of a capture that --capture wrote, only the
 * first lines are read. Returns 0; -EINVAL if there is no such head, which capture_read() explains; or -ENOMEM.
 */
int capture_head_read(const char *bytes, size_t length, struct capture_head *head);

#endif
