/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What tests do in a child process, so that the test program itself keeps its rights and its namespace.
 */
#include "config.h"

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
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
    const char *program = right ? "true" : "false";

    /* By its own name, which is how busybox knows what to be. */
    EXECUTE(program, program, (char *)NULL);
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

static int ipv6_error;

/*
 * In place of the C library's own, for the whole program. A filter for seccomp could not tell the family where sockets
 * are opened by socketcall() (i386, s390x): it sees no more of the arguments than their address.
 */
int socket(int family, int type, int protocol)
{
    if (family == AF_INET6 && ipv6_error != 0) {
        errno = ipv6_error;
        return -1;
    }
    return (int)syscall(SYS_socket, family, type, protocol);
}

void child_ipv6_deny(int error)
{
    ipv6_error = error;
}

#ifdef __NR_socketcall
#define SOCKETCALL __NR_socketcall
#else
#define SOCKETCALL (-1)
#endif

bool child_call_forbid(long call, int error)
{
    /* Where there is a socketcall(), its first argument is what it is to do. */
    static const struct {
        long call;
        int of_socketcall;
    } names[] = {{__NR_bind, SYS_BIND},
                 {__NR_sendto, SYS_SENDTO},
                 {__NR_setsockopt, SYS_SETSOCKOPT},
                 {__NR_recvmsg, SYS_RECVMSG}};
    int of_socketcall = 0;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SOCKETCALL, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[0]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        of_socketcall = names[i].call == call ? names[i].of_socketcall : of_socketcall;
    }
    code[4].k = (uint32_t)of_socketcall;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
