/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The descriptor that everything the program says goes to.
 */
#include "config.h"

#include "stdout.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

void stdout_prepare(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) {
            /* Read-only, so that writing to a standard output that is not there still fails. */
            int descriptor = open("/dev/null", O_RDONLY);
            (void)descriptor;
        }
    }
}

/* A terminal or pipe that others share may be one that does not block, if they made it so. */
static int room_wait(void)
{
    int result = poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);

    return result < 0 && errno != EINTR ? -errno : 0;
}

int stdout_write(const char *bytes, size_t length)
{
    size_t written = 0;

    while (written < length) {
        ssize_t count = write(STDOUT_FILENO, bytes + written, length - written);
        int error = count < 0 ? errno : 0;
        if (error == EAGAIN && room_wait() == 0) {
            continue;
        }
        if (error != 0 && error != EINTR) {
            return -error;
        }
        if (count == 0) {
            return -EIO;
        }
        written += count > 0 ? (size_t)count : 0;
    }
    return 0;
}
