# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Every system call of a run fails, one at a time, in each way it can: the answer is right, or UNKNOWN for a reason."""

import collections
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import scenarios  # knows where dualstack is
import dualstack
from dualstack import UNKNOWN
from scenarios import Wrong

# How each call can fail. brk() tells a failure by the old end, never by an errno.
FAILURES = {
    "access": "ENOENT EACCES",
    "bind": "EPERM EACCES EADDRINUSE ENOMEM",
    "brk": "",
    "clock_nanosleep": "EINTR EINVAL",
    "close": "EIO EINTR",
    "dup": "EMFILE EBADF",
    "faccessat": "ENOENT EACCES",
    "faccessat2": "ENOENT ENOSYS",
    "fcntl": "EBADF EPERM",
    "fstat": "EIO EACCES",
    "futex": "ENOSYS",
    "getcwd": "ENOENT",
    "getdents64": "EIO ENOENT EACCES ENOMEM",
    "getpid": "",
    "getrandom": "EAGAIN ENOSYS",
    "getsockname": "ENOBUFS EBADF",
    "ioctl": "ENODEV EPERM",
    "lseek": "ESPIPE",
    "mmap": "ENOMEM",
    "mprotect": "ENOMEM",
    "mremap": "ENOMEM",
    "munmap": "ENOMEM EINVAL",
    "nanosleep": "EINTR",
    "newfstatat": "EIO EACCES ENOENT ENOMEM",
    "open": "ENOENT EACCES EMFILE ENFILE EIO ENOMEM EPERM",  # of C libraries that do not open by openat
    "openat": "ENOENT EACCES EMFILE ENFILE EIO ENOMEM EPERM",
    "poll": "EINTR ENOMEM",
    "pread64": "EIO",
    "prlimit64": "EPERM",
    "read": "EIO EINTR EISDIR ENOMEM",
    "readlink": "EACCES ENOENT",
    "recvmsg": "ENOBUFS EINTR ENOMEM EAGAIN",
    "rt_sigaction": "EINVAL EPERM",
    "rt_sigprocmask": "EINVAL",
    "sendto": "ECONNREFUSED ENOBUFS EPERM EINTR EMSGSIZE",
    "setns": "EPERM EINVAL ENOMEM",
    "setsockopt": "ENOPROTOOPT",
    "socket": "EPERM EACCES EAFNOSUPPORT EPROTONOSUPPORT EMFILE ENFILE ENOBUFS ENOMEM",
    "statx": "EIO ENOSYS",
    "sysinfo": "EFAULT",
    "timer_create": "EAGAIN ENOMEM",
    "timer_settime": "EINVAL",
    "uname": "EFAULT EPERM",
    "write": "ENOSPC EPIPE EINTR EIO EBADF EFBIG",
}
# What a sandbox or an old kernel answers to a call that it does not know; for one that is not in the table.
UNLISTED = "ENOSYS EPERM"
# What goes on failing from some call on, rather than once.
LASTING = {
    "bind": "EPERM",
    "getdents64": "EIO",
    "mmap": "ENOMEM",
    "newfstatat": "EACCES",
    "open": "EMFILE",
    "openat": "EMFILE",
    "read": "EIO",
    "recvmsg": "ENOBUFS",
    "sendto": "EPERM",
    "socket": "EPERM",
    "write": "ENOSPC",
}
# The kernel's answer: nothing, half a header, and what lies in the buffer already taken for it. Of files only the
# socket tables: any other that ends early is a shorter file.
GARBLED = {"recvmsg": (0, 8, 20, 32768), "getdents64": (0,), "read": (0,), "sendto": (1,)}
NEVER = {"exit_group", "exit", "execve", "rt_sigreturn", "arch_prctl", "set_tid_address", "set_robust_list", "rseq"}
# The end of the dynamic loader: the first thing that the program itself does.
MARKER = re.compile(r"rt_sigaction\(SIGPIPE, \{sa_handler=SIG_IGN")
CALL = re.compile(r"(?:\d+ +)?(\w+)\(")
# Of a call that is made more often, the first and last of them fail.
MOST = 60
# They call for memory in ways of their own and end the program when they get none.
SANITIZER_OWN = {"mmap", "munmap", "mprotect", "brk", "madvise", "futex", "readlink", "prlimit64"}

# What SECURITY.md says that it never does: start, connect, serve, change or end anything.
FORBIDDEN = re.compile(
    r"(execve|execveat|fork|vfork|clone3?|listen|accept4?|creat|truncate|ftruncate|fallocate|rename\w*|link|linkat|"
    r"symlink\w*|unlink\w*|mkdir\w*|rmdir|mknod\w*|f?chmod\w*|f?chown\w*|\w*setxattr|utime\w*|mount|umount2?|"
    r"f?init_module|set[ug]id|setre\w+|setgroups|capset|kill|tkill|tgkill|ptrace|sethostname|reboot|shutdown)\(|"
    r"open(at|at2)?\(.*O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)|"
    # A name service cache is asked over AF_UNIX; AF_INET6 is only tried for being there.
    r"socket\((?!AF_NETLINK|AF_UNIX|AF_INET6?, SOCK_DGRAM)|(bind|sendto|sendmsg)\(.*sa_family=AF_INET|"
    r"connect\((?!\d+, \{sa_family=AF_UNIX)|write(v|64)?\((?!1, )")

Fault = collections.namedtuple("Fault", "call inject")


def traced(scenario, log, *options):
    return scenarios.start(scenario, "strace", "-f", "-qq", "-o", log, *options)


class Sites:
    """The system calls of a run, behind those of the loader: which, and how many of each went before."""

    def __init__(self, scenario, log):
        self.scenario = scenario
        self.answer = traced(scenario, log)
        self.calls = []  # each its name, its number and the line that tells of it
        self.left_out = 0
        counts = collections.Counter()
        with open(log, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
        started = False
        folder = ""
        for line in lines:
            call = CALL.match(line)
            if not call:
                continue
            counts[call[1]] += 1
            if "O_DIRECTORY" in line:
                folder = line
            elif call[1] == "getdents64":
                line += " of " + folder
            started = started or MARKER.search(line) is not None
            if started and call[1] not in NEVER:
                self.calls.append((call[1], counts[call[1]], line[call.start(1):]))
        if not started:
            raise AssertionError("no start of the program in:\n" + "\n".join(lines[-20:]))
        self.all = list(self.calls)
        self._thin_out()

    def _thin_out(self):
        of = collections.defaultdict(list)
        for call in self.calls:
            of[call[0]].append(call)
        kept = []
        for calls in of.values():
            if self.scenario.sample > 0:
                step = -(-len(calls) // self.scenario.sample)
                kept += calls[len(self.scenario.name) % step::step]
            else:
                kept += calls if len(calls) <= MOST else calls[:MOST // 2] + calls[-MOST // 2:]
        self.left_out = len(self.calls) - len(kept)
        self.calls = kept

    def faults(self):
        seen = collections.Counter()
        for call, number, line in self.calls:
            if call in SANITIZER_OWN and scenarios.is_sanitized():
                continue
            # A call that was made before with the same words (the second look's) only fails in one way, another each
            # time.
            words = re.sub(r"0x[0-9a-f]+| = .*", "", line)
            ways = list(self.ways(call, number, line, seen[words]))
            seen[words] += 1
            if self.scenario.sample > 0 and ways:
                ways = [ways[(number + len(self.scenario.name)) % len(ways)]]
            for way in ways:
                yield Fault(call, way)

    @staticmethod
    def ways(call, number, line, times):
        """How it can fail that was made so many times before."""
        errnos = FAILURES.get(call, UNLISTED).split()
        for errno in errnos if times == 0 else errnos[times % len(errnos):][:1] if errnos else []:
            if not is_truth(call, errno, line):
                yield "error=%s:when=%d" % (errno, number)
        if call == "brk":
            yield "retval=0:when=%d" % number
        if call in LASTING:
            yield "error=%s:when=%d+" % (LASTING[call], number)
        for value in GARBLED.get(call, ()):
            if (call != "read" or '"  sl' in line) and not is_truth(call, value, line):
                yield "retval=%d:when=%d" % (value, number)


def is_truth(call, answer, line):
    """Would this errno or value be right about another folder of copies or captures, or in another moment? A file that
    is open is never missing, but a network namespace may have lost its name or its process."""
    if re.search(r'"(?:/var)?/run/netns|"/proc/\d+/(?:ns/net|net/tcp)"', line):
        return answer in ("ENOENT", 0)
    return answer == "ENOENT" and ("AT_EMPTY_PATH" in line or "/fleet/" in line
                                   or (call in ("open", "openat") and "/copies/" in line))


class Faults(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.host = scenarios.Host()
        cls.addClassCleanup(cls.host.close)
        cls.runs = scenarios.scenarios(cls.host)
        cls.folder = tempfile.mkdtemp(prefix="check_dualstack.faults.")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)

    def test_every_option_has_a_scenario(self):
        self.assertEqual(scenarios.long_options() - scenarios.options_used(self.runs), set(),
                         "name them in scenarios.py, or no fault is tried on them")

    def test_it_only_reads(self):
        for scenario in self.runs:
            with self.subTest(scenario=scenario.name):
                calls = Sites(scenario, os.path.join(self.folder, "trace")).all
                self.assertEqual([line for _, _, line in calls if FORBIDDEN.match(line)], [])
                self.assertTrue(any(line.startswith("write(1,") for _, _, line in calls))

    def test_every_call_fails_in_every_way(self):
        total = collections.Counter()
        wrong = []
        with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
            for scenario in self.runs:
                figures, told = self.scenario(scenario, pool)
                total += figures
                wrong += told
        print("\n%-24s %s" % ("all", figures_text(total)))
        self.assertGreater(total["tried"], 1000)
        # A call less or more (a table grows, say) may be missed, but a tracer that injects nothing proves nothing.
        self.assertGreater(total["hit"], 0.98 * total["tried"])
        self.assertEqual(len(wrong), 0, "wrong answers, each told above")

    def scenario(self, scenario, pool):
        """Returns the figures of the scenario, and a text for each answer that is wrong."""
        sites = Sites(scenario, os.path.join(self.folder, "trace"))
        try:
            judge = scenario.judge(scenario, sites.answer)
        except Wrong as error:
            return collections.Counter(), ["%s, no fault: %s\n%s" % (scenario.name, error, sites.answer.out)]
        figures = collections.Counter(sites=len(sites.calls), left_out=sites.left_out)
        wrong = []
        faults = list(sites.faults())
        for fault, (outcome, text) in zip(faults, pool.map(lambda fault: self.fault(scenario, judge, fault), faults)):
            figures["tried"] += 1
            figures["hit"] += text is not None
            figures[outcome] += 1
            if outcome == "wrong":
                wrong.append("%s, %s:%s: %s" % (scenario.name, fault.call, fault.inject, text))
                print(wrong[-1], flush=True)
        print("%-24s %s" % (scenario.name, figures_text(figures)), flush=True)
        return figures, wrong

    def fault(self, scenario, judge, fault):
        """Returns the outcome, and None when the fault was not met, else what to tell of it."""
        with tempfile.NamedTemporaryFile(dir=self.folder) as log:
            try:
                answer = traced(scenario, log.name, "-e", "trace=" + fault.call,
                                "-e", "inject=%s:%s" % (fault.call, fault.inject))
            except subprocess.TimeoutExpired:
                return "wrong", "no end"
            injected = [line for line in log.read().decode("utf-8", "replace").splitlines() if "INJECTED" in line]
        try:
            if fault.call == "write" and injected and "EINTR" not in fault.inject:
                return self.unwritten(judge, answer), ""
            outcome = judge.hold(answer)
        except Wrong as error:
            return "wrong", "%s\n    at %s\n    exit %d: %s" % (
                error, injected[0] if injected else "no call", answer.code, answer.out.decode("utf-8", "replace")[:600])
        return outcome, "" if injected else None

    @staticmethod
    def unwritten(judge, answer):
        """What could be written before may stand, but the exit code is UNKNOWN's."""
        scenarios.require(answer.code == UNKNOWN, "exit %d though nothing could be written", answer.code)
        scenarios.require(not answer.err, "on standard error: %r", answer.err)
        scenarios.require(len(answer.out) < len(judge.text.encode()) or judge.text.encode() == answer.out,
                          "more than one answer: %r", answer.out[:300])
        return "exit 3"


def figures_text(figures):
    return ("%(sites)4d call sites, %(tried)5d faults: %(right)5d right, %(UNKNOWN)4d UNKNOWN, %(exit 3)3d exit 3, "
            "%(wrong)d wrong; %(left_out)d sites left out" % figures)


def main():
    reason = None
    if not shutil.which("strace"):
        reason = "the program strace is missing: install it"
    elif subprocess.run(["strace", "-o", os.devnull, "-e", "inject=uname:error=EPERM:when=99", "true"],
                        stderr=subprocess.DEVNULL, check=False).returncode != 0:
        reason = "strace cannot trace here (a container without CAP_SYS_PTRACE, kernel.yama.ptrace_scope=3)"
    if reason:
        print("SKIPPED: " + reason)
        sys.exit(77)
    dualstack.main()


if __name__ == "__main__":
    main()
