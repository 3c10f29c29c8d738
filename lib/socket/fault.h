/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Why something could not be read, in words for the person who runs the check.
 */
#ifndef SOCKET_FAULT_H
#define SOCKET_FAULT_H

#define FAULT_SIZE 256

/* A sentence without a full stop: "the kernel refused to list TCP sockets (Operation not permitted)". "" for none. */
struct fault {
    char text[FAULT_SIZE];
};

/*
 * Writes the sentence (what does not fit is cut) and returns -code, so that a failing function can end with it. `code`
 * is an errno.
 */
int fault_set(struct fault *fault, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
