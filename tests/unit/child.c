/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What tests do in a child process, so that the test program itself keeps its rights and its namespace.
 */
#include "config.h"

#include "child.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By this name gcc lets gcov write its counts first, even under -std=c17. */
#if defined __GNUC__ && !defined __clang__
#define EXECUTE __builtin_execlp
#else
#define EXECUTE execlp
#endif

_Noreturn void child_end(bool right)
{
    EXECUTE(right ? "true" : "false", "test", (char *)NULL);
    _exit(127);
}

bool child_text_write(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);

    return file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) && close(file) == 0;
}

bool child_privilege_get(void)
{
    char users[64];
    char groups[64];

    if (geteuid() == 0) {
        return true;
    }
    snprintf(users, sizeof users, "0 %ld 1", (long)geteuid());
    snprintf(groups, sizeof groups, "0 %ld 1", (long)getegid());
    return unshare(CLONE_NEWUSER) == 0 && child_text_write("/proc/self/setgroups", "deny") &&
           child_text_write("/proc/self/uid_map", users) && child_text_write("/proc/self/gid_map", groups);
}

bool child_socket_deny(int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[0]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
