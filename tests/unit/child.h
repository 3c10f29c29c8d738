/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What tests do in a child process, so that the test program itself keeps its rights and its namespace.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>

/* Ends a child process, with 0 when it was right: by exec, so that no leak checker looks at what it inherited. */
_Noreturn void child_end(bool right);

/* Writes the text to a file that exists. Returns false when it does not take all of it. */
bool child_text_write(const char *path, const char *text);

/* Whoever is not root becomes root of a user namespace of their own. Returns false when they may not. */
bool child_privilege_get(void);

/* From now on socket(AF_INET6, ...) fails with this errno. Returns false when the kernel takes no such filter. */
bool child_socket_deny(int error);

#endif
