# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Too little of everything: memory, open files, standard streams, room for the answer, time, permission to ask."""

import concurrent.futures
import contextlib
import fcntl
import itertools
import json
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import reports  # knows where dualstack is
import scenarios
import dualstack
from dualstack import CRITICAL, OK, PROGRAM, UNKNOWN, awaits_input, eventually
from scenarios import Wrong, start

KIB = 1024
# Seconds: far from the ten after which the program ends by itself, on a busy machine too.
AT_ONCE = 5
STRACE = shutil.which("strace")
# Of socket(): its number, and that of a protocol family.
SYS_SOCKET = {"x86_64": 41, "aarch64": 198, "riscv64": 198, "loongarch64": 198, "ppc64le": 326}
SECCOMP = """
import ctypes, os, struct, sys
number, errno = int(sys.argv[1]), int(sys.argv[2])
code = [(0x20, 0, 0, 0),               # the call's number
        (0x15, 0, 3, number),          # socket()?
        (0x20, 0, 0, 16),              # its first argument
        (0x15, 0, 1, 16),              # AF_NETLINK?
        (0x06, 0, 0, 0x50000 | errno), # refuse it
        (0x06, 0, 0, 0x7fff0000)]
filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
program = ctypes.create_string_buffer(struct.pack("HP", len(code), ctypes.addressof(filters)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit("no seccomp filter: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[3], sys.argv[3:])
"""


def spawn(args, **options):
    return subprocess.Popen([PROGRAM, *args], env=scenarios.environment(), **options)


def limited(run, limit):
    return start(run, "prlimit", "--as=%d" % limit)


def least_memory(step):
    """So much that the program starts."""
    version = scenarios.Scenario("version", ["--version"], UNKNOWN, None)
    low, high = 0, 64 << 20
    while high - low > step:
        middle = (low + high) // 2 // step * step
        low, high = (low, middle) if limited(version, middle).out.startswith(b"check_dualstack ") else (middle, high)
    return high


class LimitCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.host = scenarios.Host()
        cls.addClassCleanup(cls.host.close)
        cls.namespaces = reports.Namespaces()
        cls.addClassCleanup(cls.namespaces.close)
        cls.runs = scenarios.scenarios(cls.host) + reports.runs_on(cls.host, cls.namespaces)
        cls.judges = {run.name: run.judge(run, start(run)) for run in cls.runs}
        cls.folder = tempfile.mkdtemp(prefix="check_dualstack.limits.")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)

    def one(self, name):
        return next(run for run in self.runs if run.name == name)

    def hold(self, run, answer, what):
        try:
            return self.judges[run.name].hold(answer)
        except Wrong as error:
            self.fail("%s, %s: %s\nexit %d: %s" % (run.name, what, error, answer.code, answer.out[:600]))

    def fifo(self, name):
        path = os.path.join(self.folder, name)
        os.mkfifo(path)
        return path


@unittest.skipIf(scenarios.is_sanitized(), "a sanitizer takes terabytes of addresses")
class Memory(LimitCase):
    """The address space grows by 4 KiB a run, from what starts the program to what is enough for it."""

    STEP = 4 * KIB
    ENOUGH = 8  # this many right answers in a row
    SAME = ("text OK, in short", "policy with mistakes", "one line", "two policies", "csv OK", "page OK", "metrics OK",
            "namespaces OK", "namespaces csv", "namespaces page", "namespaces metrics", "namespaces list json")

    def climb(self, run, least):
        outcomes = {"right": 0, "UNKNOWN": 0}
        in_a_row = 0
        limit = least
        while in_a_row < self.ENOUGH:
            self.assertLess(limit, least + (16 << 20), run.name)
            outcome = self.hold(run, limited(run, limit), "%d KiB" % (limit // KIB))
            outcomes[outcome] += 1
            in_a_row = in_a_row + 1 if outcome == "right" else 0
            limit += self.STEP
        return run.name, outcomes

    def test_out_of_memory(self):
        least = least_memory(self.STEP)
        runs = [run for run in self.runs if run.name not in self.SAME]
        with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
            figures = list(pool.map(lambda run: self.climb(run, least), runs))
        total = {word: sum(outcomes[word] for _, outcomes in figures) for word in ("right", "UNKNOWN")}
        print("\nout of memory: %(right)d right, %(UNKNOWN)d UNKNOWN" % total)
        short = {name for name, outcomes in figures if outcomes["UNKNOWN"] > 0}
        # It proves nothing if nobody ran short.
        self.assertGreater(len(short), len(runs) // 2, short)


@unittest.skipIf(scenarios.is_sanitized(), "a sanitizer takes terabytes of addresses")
class LongAnswers(unittest.TestCase):
    """Memory lacks for an answer that is longer than all that was taken before: it is whole, or it is none."""

    STEP = 32 * KIB
    ENOUGH = 8
    PORTS = range(10000, 10400)
    MODES = (["--learn"], ["--format=prometheus"], ["--format=html"], ["--format=csv"], ["--format=json"], ["-v"])

    def test_a_long_answer_is_whole(self):
        with dualstack.Namespace(), dualstack.Sockets() as sockets:
            dualstack.open_file_limit(4096)
            for port in self.PORTS:
                sockets.listener("127.0.0.1", port, backlog=1)
            policy = os.path.join(dualstack.temporary_folder(), "policy.conf")
            bind = ",".join(["127.0.0.0/8"] * 49)
            with open(policy, "w", encoding="ascii") as file:
                file.write("".join("%d v4-only bind=%s\n" % (port, bind) for port in self.PORTS))
            least = least_memory(self.STEP)
            for mode in self.MODES:
                with self.subTest(mode=mode):
                    self.climb([*mode, *([] if mode == ["--learn"] else ["-f", policy])], least)

    def climb(self, args, least):
        whole = self.answer(args, 1 << 30)
        self.assertEqual(whole.code, OK, whole.out[:600])
        limit, in_a_row, short = least, 0, 0
        while in_a_row < self.ENOUGH:
            self.assertLess(limit, least + (64 << 20))
            answer = self.answer(args, limit)
            self.assertEqual(answer.err, b"")
            if answer.code == OK:
                self.assertTrue(answer.out == whole.out, "%d KiB: %d of %d bytes, exit 0" % (
                    limit // KIB, len(answer.out), len(whole.out)))
            else:
                self.assertEqual(answer.code, UNKNOWN)
                self.assertIn(b"out of memory", answer.out[-1000:])
            in_a_row = in_a_row + 1 if answer.code == OK else 0
            short += answer.code != OK
            limit += self.STEP
        self.assertGreater(short, 10, "nothing lacked")

    @staticmethod
    def answer(args, limit):
        answer = limited(scenarios.Scenario("long", args, OK, None), limit)
        return answer._replace(out=re.sub(rb"time_seconds\{\} \d+|\d{4}-\d\d-\d\dT[0-9:]{8}Z", b"now", answer.out))


class Files(LimitCase):
    def test_few_open_files(self):
        """From too few for the loader, whose answer is its own, to enough."""
        outcomes = {}
        for run in self.runs:
            for limit in (3, 4, 5, 6, 8, 16):
                answer = start(run, "prlimit", "--nofile=%d" % limit)
                if answer.code == 127 and b"shared libraries" in answer.err:
                    self.assertLess(limit, 4, answer)
                    continue
                outcomes[run.name, limit] = self.hold(run, answer, "%d open files" % limit)
        for run in self.runs:
            with self.subTest(run=run.name):
                self.assertEqual(outcomes[run.name, 16], "right")
        print("\nfew open files: %d right, %d UNKNOWN" % tuple(
            sum(outcome == word for outcome in outcomes.values()) for word in ("right", "UNKNOWN")))

    def test_closed_streams(self):
        """Without standard streams nothing that is opened takes their place."""
        for run in self.runs:
            for closed in itertools.chain.from_iterable(itertools.combinations((0, 1, 2), n) for n in (1, 2, 3)):
                with self.subTest(run=run.name, closed=closed):
                    shut = " ".join("%d>&-" % stream for stream in closed)
                    done = subprocess.run([*run.before, "/bin/sh", "-c", 'exec "$@" ' + shut, "sh", PROGRAM, *run.args],
                                          input=b"" if 0 in closed else run.stdin, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, env=scenarios.environment(), timeout=20, check=False)
                    answer = scenarios.Answer(done.returncode, done.stdout, done.stderr)
                    self.assertEqual(answer.err, b"")
                    if 1 in closed:
                        self.assertEqual((answer.code, answer.out), (UNKNOWN, b""))
                    elif 0 in closed and run.stdin:
                        self.assertEqual(answer.code, UNKNOWN)
                        self.assertIn(b"standard input", answer.out)
                    else:
                        self.assertEqual(self.hold(run, answer, "without %s" % (closed,)), "right")

    def test_nowhere_to_write(self):
        for run in self.runs:
            with self.subTest(run=run.name, to="a full disk"), open("/dev/full", "wb") as full:
                self.assertEqual(self.to(run, full), (UNKNOWN, b""))
            with self.subTest(run=run.name, to="a pipe that nobody reads"):
                reader, writer = os.pipe()
                os.close(reader)
                with open(writer, "wb") as pipe:
                    self.assertEqual(self.to(run, pipe), (UNKNOWN, b""))
            with self.subTest(run=run.name, to="a file that may not be written"), open(PROGRAM, "rb") as file:
                self.assertEqual(self.to(run, file), (UNKNOWN, b""))

    def test_a_file_that_may_not_grow(self):
        """RLIMIT_FSIZE: SIGXFSZ ends a program that does not see to it."""
        for run in self.runs:
            with self.subTest(run=run.name), tempfile.NamedTemporaryFile(dir=self.folder) as file:
                self.assertEqual(self.to(run, file, "prlimit", "--fsize=0"), (UNKNOWN, b""))

    @staticmethod
    def to(run, output, *before):
        done = subprocess.run([*run.before, *before, PROGRAM, *run.args], input=run.stdin, stdout=output,
                              stderr=subprocess.PIPE, env=scenarios.environment(), timeout=20, check=False)
        return done.returncode, done.stderr


class Ends(LimitCase):
    """SIGTERM and --timeout, whatever is waited for: a line that says what for, at once or on time."""

    def read(self, process, seconds):
        """The code, the text and how long it took."""
        started = time.monotonic()
        out, err = process.communicate(timeout=20)
        took = time.monotonic() - started
        self.assertEqual(err, b"")
        self.assertLess(took, seconds)
        return process.returncode, out.decode(), took

    @contextlib.contextmanager
    def waiting(self, *args, stdin=None):
        """A run that waits for its input for ever."""
        process = spawn(args, stdin=stdin or subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    @staticmethod
    def is_opening(process, path):
        """Does it wait in open() of a FIFO? Then it sleeps, and has no descriptor of it."""
        with open("/proc/%d/wchan" % process.pid, encoding="ascii") as file:
            wchan = file.read()
        with open("/proc/%d/stat" % process.pid, encoding="ascii", errors="replace") as file:
            sleeps = file.read().rsplit(")", 1)[1].split()[0] == "S"
        return sleeps and wchan in ("wait_for_partner", "fifo_open", "0", "")

    def test_sigterm_while_waiting(self):
        for number, args in enumerate((("-f",), ("--lint", "-f"), ("--format=json", "-f"))):
            with self.subTest(args=args, waits="for a FIFO"):
                path = self.fifo("policy%d" % number)
                with self.waiting(*args, path) as process:
                    eventually(lambda: self.is_opening(process, path), "the program waits")
                    process.send_signal(signal.SIGTERM)
                    code, text, _ = self.read(process, AT_ONCE)
                self.told(code, text, "stopped by SIGTERM, while reading the policy", "json" in args[0])
            with self.subTest(args=args, waits="for standard input"), self.waiting(*args, "-") as process:
                eventually(lambda: awaits_input(process.pid), "the program waits")
                process.send_signal(signal.SIGTERM)
                # Its input stays open until it has ended.
                process.wait(AT_ONCE)
                code, text, _ = self.read(process, AT_ONCE)
                self.told(code, text, "stopped by SIGTERM, while reading the policy", "json" in args[0])
        with self.subTest(waits="for a capture"), self.waiting("--replay=-") as process:
            eventually(lambda: awaits_input(process.pid), "the program waits")
            process.send_signal(signal.SIGTERM)
            process.wait(AT_ONCE)
            code, text, _ = self.read(process, AT_ONCE)
            self.told(code, text, "stopped by SIGTERM, while reading a capture", False)

    def told(self, code, text, sentence, is_json, state=UNKNOWN):
        self.assertEqual(code, state, text)
        if is_json:
            report = json.loads(text)
            self.assertEqual(report["errors"], [sentence])
            self.assertEqual(report["state"], scenarios.STATE_NAMES[state])
        else:
            self.assertEqual(text, "DUALSTACK %s: %s\n" % (scenarios.STATE_NAMES[state], sentence))

    def test_timeout_of_input(self):
        """All wait at the same time."""
        late = "no answer within 1 second, while "
        with contextlib.ExitStack() as stack:
            runs = []
            for number, (args, sentence, is_json, state) in enumerate((
                    (["-t", "1", "-f"], "reading the policy", False, UNKNOWN),
                    (["-t", "1:critical", "-f"], "reading the policy", False, CRITICAL),
                    (["--timeout=1:OK", "--lint", "-f"], "reading the policy", False, OK),
                    (["-t1", "--format=json", "-f"], "reading the policy", True, UNKNOWN),
                    (["-t", "1", "--replay"], "reading a capture", False, UNKNOWN))):
                for path in (self.fifo("late%d" % number), "-"):
                    process = stack.enter_context(self.waiting(*args, path))
                    runs.append((process, late + sentence, is_json, state))
            started = time.monotonic()
            for process, sentence, is_json, state in runs:
                with self.subTest(args=process.args):
                    process.wait(10)
                    code, text, _ = self.read(process, 5)
                    self.told(code, text, sentence, is_json, state)
            self.assertGreater(time.monotonic() - started, 0.5)

    def test_a_reader_that_does_not_read(self):
        """Nothing can be told, but the run ends on time, and at once on SIGTERM."""
        modes = {"text CRITICAL": "time", "json CRITICAL": "time", "capture": "time", "list": "SIGTERM",
                 "list json": "SIGTERM", "learn": "time"}
        for name, end in modes.items():
            with self.subTest(mode=name):
                reader, writer = os.pipe()
                os.set_blocking(writer, False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        os.write(writer, b"x" * 4096)
                os.set_blocking(writer, True)
                process = spawn([*self.one(name).args, "-t", "1"], stdin=subprocess.DEVNULL, stdout=writer,
                                stderr=subprocess.PIPE)
                os.close(writer)
                try:
                    if end == "SIGTERM":
                        with self.assertRaises(subprocess.TimeoutExpired, msg="a pager may wait"):
                            process.wait(1.5)
                        process.send_signal(signal.SIGTERM)
                        process.wait(AT_ONCE)
                    self.assertEqual(process.wait(5), UNKNOWN)
                finally:
                    if process.poll() is None:
                        process.kill()
                    self.assertEqual(process.communicate()[1], b"")
                    os.close(reader)

    @unittest.skipUnless(STRACE, "the program strace is missing: install it")
    def test_timeout_of_the_kernel(self):
        """The request gets lost: strace swallows it, so the answer never comes."""
        cases = []
        for args in (["-r", "2002 v4-only"], ["-r", "2008/udp v4-only"], ["--format=json", "-r", "2008/udp v4-only"],
                     ["--list"], ["--learn"], ["--capture"]):
            requests = self.requests(args)
            self.assertGreaterEqual(len(requests), 2, args)
            # The rows that --list has printed by its second walk cannot be taken back.
            cases += [(args, *request) for request in (requests[:1] if args == ["--list"] else requests)]
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
            for case, answer in zip(cases, pool.map(self.swallowed, cases)):
                with self.subTest(case=case):
                    self.assertEqual(answer.err, b"")
                    self.told(answer.code, answer.out.decode(),
                              "no answer within 1 second, while reading the %s" % case[1],
                              "--format=json" in case[0])

    def requests(self, args):
        """Of each request: what it is for, its number and its length."""
        log = os.path.join(self.folder, "requests")
        start(scenarios.Scenario("trace", args, OK, None, b""), STRACE, "-f", "-o", log, "-e", "trace=sendto")
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line for line in file.read().splitlines() if "sendto(" in line]
        return [("addresses of this host" if "RTM_GET" in line else
                 "list of %s sockets" % ("UDP" if "IPPROTO_UDP" in line else "TCP"), number, line.rsplit("= ", 1)[1])
                for number, line in enumerate(lines, 1)]

    @staticmethod
    def swallowed(case):
        args, name, number, length = case
        run = scenarios.Scenario(name, [*args, "--source=netlink", "-t", "1"], UNKNOWN, None, b"")
        return start(run, STRACE, "-f", "-o", os.devnull, "-e", "trace=sendto",
                     "-e", "inject=sendto:retval=%s:when=%d" % (length, number))


class Refusal(LimitCase):
    """Without netlink /proc/net answers, says that it did and why, and calls nothing dual-stack that may be v6-only."""

    RULES = ["-r", "2001 v6 name=least", "-r", "2002 v4-only name=old", "-r", "2009 dual-stack name=split"]
    # The v4-mapped connections of 2001 prove nothing: they may be outbound, or of a listener that is gone.
    UNSURE = ["-r", "2003 v6-only name=new", "-r", "2004 dual-stack name=dual"]
    HINTED = ["-r", "2001 dual-stack name=hinted", *RULES[2:]]

    def fall_back(self, errno_words, *before):
        run = scenarios.Scenario("refused", ["-v", *self.RULES], OK, None, b"")
        answer = start(run, *before)
        text = answer.out.decode()
        self.assertEqual((answer.code, answer.err), (OK, b""), text)
        self.assertIn("/proc/net", text.split("\n")[0])
        self.assertIn(errno_words, text.split("\n")[0])
        short = start(run._replace(args=self.RULES), *before)
        self.assertIn("(read from /proc/net)", short.out.decode().split("\n")[0])

        unsure = start(run._replace(args=[*self.RULES, *self.UNSURE]), *before)
        self.assertEqual(unsure.code, UNKNOWN, unsure.out)
        self.assertIn(b"2 of 5 services cannot be judged", unsure.out)
        hinted = start(run._replace(args=["-v", *self.HINTED]), *before)
        self.assertEqual(hinted.code, UNKNOWN, hinted.out)
        self.assertRegex(hinted.out, rb"\n.*\[UNKNOWN\] hinted ")

        report = json.loads(start(run._replace(args=["--format=json", *self.RULES, *self.UNSURE]), *before).out)
        self.assertEqual(report["source"], "procfs")
        self.assertIn(errno_words, report["remark"])
        self.assertEqual({entry["name"]: entry["state"] for entry in report["services"] if entry["required"]},
                         {"least": "OK", "old": "OK", "split": "OK", "new": "UNKNOWN", "dual": "UNKNOWN"})

        forced = start(run._replace(args=["--source=netlink", *self.RULES]), *before)
        self.assertEqual(forced.code, UNKNOWN)
        self.assertIn(b"Use --source=auto to try /proc/net", forced.out)
        for mode in ("--list", "--learn", "--capture"):
            told = start(run._replace(args=[mode]), *before)
            self.assertEqual((told.code, told.err), (OK, b""), mode)
            if mode != "--learn":
                self.assertIn(b"/proc/net", told.out, mode)

    @unittest.skipUnless(STRACE, "the program strace is missing: install it")
    def test_refused_sockets(self):
        for error, words in (("EPERM", "Operation not permitted"), ("EACCES", "Permission denied"),
                             ("EAFNOSUPPORT", "Address family not supported"),
                             ("EPROTONOSUPPORT", "Protocol not supported")):
            with self.subTest(error=error):
                self.fall_back(words, STRACE, "-f", "-o", os.devnull, "-e", "trace=socket",
                               "-e", "inject=socket:error=%s" % error)

    def test_a_seccomp_filter(self):
        """A real one, of the kind that RestrictAddressFamilies= and containers set."""
        number = SYS_SOCKET.get(platform.machine())
        if number is None:
            self.skipTest("the number of socket() on %s is not known here" % platform.machine())
        self.fall_back("Address family not supported", sys.executable, "-c", SECCOMP, str(number), "97")


if __name__ == "__main__":
    dualstack.main()
