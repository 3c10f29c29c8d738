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

/* From now on socket(AF_INET6, ...) of this process fails with this errno. */
void child_ipv6_deny(int error);

/*
 * From now on system call `call` of this process (__NR_socket, __NR_bind, ...) does nothing but fail with `error`, or
 * return 0 for 0. Returns false when the kernel takes no such filter.
 */
bool child_call_forbid(long call, int error);

#endif
