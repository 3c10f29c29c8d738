# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What a run costs, without a clock: which files it opens, however much there is to tell; and how its instructions grow."""

import collections
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import dualstack
from dualstack import CRITICAL, OK, PROGRAM

FIRST_PORT = 2000
OTHER_USER = 1

# The arguments of each mode, and how it ends where something listens.
MODES = {
    "check": ([], OK),
    "default": (["-r", "default closed"], CRITICAL),
    "verbose": (["-v", "-r", "default closed"], CRITICAL),
    "json": (["--format=json"], OK),
    "csv": (["--format=csv"], OK),
    "html": (["--format=html", "-r", "default closed"], CRITICAL),
    "prometheus": (["--format=prometheus"], OK),
    "list": (["--list"], OK),
    "learn": (["--learn"], OK),
    "capture": (["--capture"], OK),
}


class CostCase(dualstack.TestCase):
    network_wanted = False

    def trace(self, tracer, args, code):
        """Runs the program under another one, to its own end. Returns what both wrote to standard error."""
        if not shutil.which(tracer[0]):
            self.skipTest("no %s here" % tracer[0])
        done = subprocess.run([*tracer, PROGRAM, "-t", "60", *args], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              env=dualstack.environment(ASAN_OPTIONS="detect_leaks=0"), timeout=100, check=False)
        if done.returncode != code:
            self.skipTest("%s cannot trace here: %s" % (tracer[0], done.stderr.decode("utf-8", "replace")[-300:]))
        return done.stderr.decode("utf-8", "replace")

    def listen(self, first, count):
        for port in range(first, first + count):
            self.sockets.listener("::", port, v6only=False)

    def policy(self, lines):
        file = self.sockets.enter_context(tempfile.NamedTemporaryFile("w", suffix=".conf"))
        file.write("\n".join(lines) + "\n")
        file.flush()
        return file.name


@dualstack.not_under_valgrind("files")
class Questions(CostCase):
    """A name service, the cgroups and /proc are asked as often for 40 as for two."""

    def opened(self, args, code):
        """How often which file is opened, but for policies."""
        with tempfile.NamedTemporaryFile() as log:
            self.trace(["strace", "-f", "-qq", "-e", "trace=open,openat", "-o", log.name], args, code)
            calls = log.read().decode("utf-8", "replace")
        return collections.Counter(path for path in re.findall(r'open(?:at)?\(.*?"([^"]*)"', calls)
                                   if not path.endswith(".conf"))

    @contextlib.contextmanager
    def another_user(self):
        """Where this one may be another; else it stays the same."""
        with contextlib.suppress(OSError):
            os.seteuid(OTHER_USER)
        try:
            yield
        finally:
            os.seteuid(os.getuid())

    def listen_as_two(self, first, count):
        self.listen(first, count)
        with self.another_user():
            self.listen(first + count, count)

    def test_listeners(self):
        self.listen_as_two(FIRST_PORT, 1)
        few = {mode: self.opened(*arguments) for mode, arguments in MODES.items()}
        self.listen_as_two(FIRST_PORT + 2, 19)
        for mode, arguments in MODES.items():
            with self.subTest(mode):
                self.assertEqual(self.opened(*arguments), few[mode])
        # The test sees what it is to see: names of users, units and services are looked up at all.
        self.assertGreater(few["default"]["/etc/passwd"] + few["default"]["/etc/nsswitch.conf"], 0)
        self.assertGreater(few["learn"]["/etc/services"], few["json"]["/etc/services"])

    def test_a_check_that_is_ok_reads_no_details(self):
        self.listen(FIRST_PORT, 1)
        self.assertNotIn("/proc/sys/net/ipv6/bindv6only", self.opened(*MODES["check"]))
        self.assertIn("/proc/sys/net/ipv6/bindv6only", self.opened(*MODES["verbose"]))

    def test_names_in_rules(self):
        """Of services and users, those that nobody knows included."""
        def rules(count):
            return [line for port in range(FIRST_PORT, FIRST_PORT + count)
                    for line in ("%d/tcp any user=daemon" % port, "%d/udp any user=root" % port)]

        def mistakes(count):
            return ["%d any user=nobody-knows" % port for port in range(FIRST_PORT, FIRST_PORT + count)]

        for what, lines, code in (("known", rules, OK), ("unknown", mistakes, dualstack.UNKNOWN)):
            with self.subTest(what):
                few, many = (self.opened(["--lint", "-f", self.policy(lines(count))], code) for count in (1, 30))
                self.assertEqual(many, few)
                self.assertGreater(sum(few[path] for path in ("/etc/passwd", "/etc/nsswitch.conf")), 0)
        scopes = ["%s any name=%s" % ("domain@" + scope, scope) for scope in ("loopback", "link", "external")]
        few, many = (self.opened(["--lint", "-f", self.policy(scopes[:count])], OK) for count in (1, 3))
        self.assertEqual(many, few)
        self.assertGreater(few["/etc/services"], 0)


@dualstack.not_under_valgrind("instructions")
class Growth(CostCase):
    """Twice as much takes about twice the instructions: n log n is up to 2.2 times here, n squared four times."""

    MOST = 2.2

    def setUp(self):
        super().setUp()
        dualstack.open_file_limit(2048)

    def instructions(self, args, code):
        told = self.trace(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"], args, code)
        return int(re.search(r"Collected : (\d+)", told).group(1))

    def grows(self, what, few, many):
        with self.subTest(what):
            self.assertLess(many / few, self.MOST)

    def test_listeners(self):
        counts = {}
        for first in (FIRST_PORT, FIRST_PORT + 400):
            self.listen(first, 400)
            for mode, arguments in MODES.items():
                counts.setdefault(mode, []).append(self.instructions(*arguments))
        for mode, (few, many) in counts.items():
            self.grows(mode, few, many)

    def test_addresses_of_one_port(self):
        counts = {}
        for number in range(800):
            self.sockets.listener("127.1.%d.%d" % (number // 250, 1 + number % 250), 5353, protocol="udp")
            if number in (399, 799):
                for mode in ("check", "json", "learn"):
                    counts.setdefault(mode, []).append(self.instructions(*MODES[mode]))
        for mode, (few, many) in counts.items():
            self.grows(mode, few, many)

    def test_rules(self):
        """Rules, ranges and mistakes, on a host where one of them finds what it names."""
        kinds = {
            "rules": (lambda number: "%d any missing=ok user=root" % (FIRST_PORT + number), OK),
            "ranges": (lambda number: "%d-%d any name=r%d" % (2 * number + 1, 2 * number + 2, number), OK),
            "mistakes": (lambda number: "%d any name=same" % (FIRST_PORT + number), dualstack.UNKNOWN),
        }
        self.listen(FIRST_PORT, 1)
        for kind, (line, code) in kinds.items():
            few, many = (self.instructions(["-f", self.policy(map(line, range(count)))], code)
                         for count in (1000, 2000))
            self.grows(kind, few, many)


if __name__ == "__main__":
    dualstack.main()
