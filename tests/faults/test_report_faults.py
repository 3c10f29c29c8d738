# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""System calls fail in runs that report: no row, page or sample is lost, and no namespace. Those that are gone by the
time they are entered are left out of an answer that is whole without them."""

import contextlib
import json
import os
import re
import signal
import subprocess
import unittest

import reports  # knows where dualstack is
import scenarios
import test_faults
import dualstack
from dualstack import CRITICAL, OK, PROGRAM, UNKNOWN


class ReportFaults(test_faults.Faults):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.namespaces = reports.Namespaces()
        cls.addClassCleanup(cls.namespaces.close)
        cls.runs = reports.runs_on(cls.host, cls.namespaces)

    def test_every_option_has_a_scenario(self):
        """Those of test_faults.py do; here every format reports on a fleet and on each namespace."""
        formats = {word for run in self.runs for word in run.args if word.startswith("--format=")}
        self.assertEqual(formats, {"--format=" + name for name in ("csv", "html", "json", "prometheus")})


class Gone(unittest.TestCase):
    """A namespace goes while the program stands still."""

    maxDiff = None
    # When all are known and the first one, its own, is looked at; and before the second look.
    FIRST_LOOK, SECOND_LOOK = "socket", "clock_nanosleep"

    def setUp(self):
        self.namespaces = reports.Namespaces()
        self.addCleanup(self.namespaces.close)
        if not self.namespaces.words:
            self.skipTest("no name can be given here")
        self.log = os.path.join(dualstack.temporary_folder(), "log")

    def inside(self, namespace=None):
        """A process in that namespace, else in one of its own."""
        words = ["unshare", "-n"] if namespace is None else ["nsenter", "--net=" + namespace]
        process = subprocess.Popen([*words, "sh", "-c", "echo ready; read -r line"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.addCleanup(self.end, process)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    @staticmethod
    def end(process):
        if process.returncode is None:
            process.kill()
            process.communicate()

    @staticmethod
    def name_take(name):
        subprocess.run(["umount", "/run/netns/" + name], check=True)
        os.unlink("/run/netns/" + name)

    def stopped_at(self):
        """The process that stands still, None as long as it does not."""
        with contextlib.suppress(FileNotFoundError), open(self.log, encoding="utf-8", errors="replace") as file:
            stop = re.search(r"^(\d+) +--- stopped by SIGSTOP ---", file.read(), re.MULTILINE)
            return stop and int(stop[1])
        return None

    def answer(self, call, meanwhile, *args, when=1):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.log)
        process = subprocess.Popen(["strace", "-f", "-o", self.log, "-e", "trace=" + call, "-e",
                                    "inject=%s:signal=SIGSTOP:when=%d" % (call, when), PROGRAM, "--netns=all", *args],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=scenarios.environment())
        try:
            dualstack.eventually(self.stopped_at, "the program stands still")
            meanwhile()
            os.kill(self.stopped_at(), signal.SIGCONT)
            out, err = process.communicate(timeout=20)
        finally:
            self.end(process)
        self.assertEqual(err, b"")
        return scenarios.Answer(process.returncode, out, err)

    def names(self, code, call, meanwhile, *args):
        """What those are called that are judged."""
        answer = self.answer(call, meanwhile, "--format=json", *args)
        self.assertEqual(answer.code, code, answer.out)
        *told, end = map(json.loads, answer.out.splitlines())
        self.assertEqual((end["fleet"]["hosts"], end["fleet"]["judged"], end["fleet"]["complete"]),
                         (len(told), len(told), True))
        return [report["namespace"] for report in told]

    def test_a_name_is_taken(self):
        for call in (self.FIRST_LOOK, self.SECOND_LOOK):
            with self.subTest(call=call):
                self.namespaces.namespace("/run/netns/green", "0.0.0.0", 3004)
                self.assertEqual(self.names(CRITICAL, call, lambda: self.name_take("green"), "-r", "3005 any"),
                                 ["host", "blue"])

    def test_a_name_is_given_to_another_one(self):
        def give():
            self.name_take("green")
            self.namespaces.namespace("/run/netns/green", "0.0.0.0", 3005)
        self.namespaces.namespace("/run/netns/green", "0.0.0.0", 3004)
        self.assertEqual(self.names(OK, self.FIRST_LOOK, give, "-r", "3005 v6-only missing=ok"), ["host", "blue"])

    def test_a_process_ends(self):
        process = self.inside()
        self.assertEqual(self.names(OK, self.FIRST_LOOK, lambda: self.end(process)), ["host", "blue"])

    def test_a_process_ends_where_another_one_stays(self):
        process = self.inside()
        self.inside("/proc/%d/ns/net" % process.pid)
        names = self.names(OK, self.FIRST_LOOK, lambda: self.end(process))
        self.assertEqual((names[:2], len(names)), (["host", "blue"], 3))

    def test_its_own_where_no_other_process_is(self):
        """It is left for another one, and entered again for a second look."""
        run = scenarios.Scenario("own", ["--netns=all", "--format=json", "-r", "3005 any"], CRITICAL, None,
                                 before=("unshare", "-n"))
        answer = scenarios.start(run)
        self.assertEqual((answer.code, answer.err), (CRITICAL, b""), answer.out)
        *told, _ = map(json.loads, answer.out.splitlines())
        self.assertEqual([report["namespace"] for report in told][:2], ["host", "blue"])
        self.assertEqual([report["state"] for report in told], ["CRITICAL"] * 3)
        lists = scenarios.start(run._replace(args=["--netns=all", "--list"])).out
        self.assertEqual(lists.count(b"Network namespace "), 3, lists)

    def test_other_modes(self):
        for mode, told in (("--list", b"Network namespace "), ("--capture", b'"namespace":'),
                           ("--format=csv", b'"service"')):
            with self.subTest(mode=mode):
                self.namespaces.namespace("/run/netns/green", "0.0.0.0", 3004)
                answer = self.answer(self.FIRST_LOOK, lambda: self.name_take("green"), mode)
                self.assertEqual(answer.code, OK)
                self.assertIn(told, answer.out)
                self.assertNotIn(b"green", answer.out)
                self.assertIn(b"blue", answer.out)

    def test_all_but_its_own(self):
        answer = self.answer(self.FIRST_LOOK, lambda: self.name_take("blue"))
        self.namespaces.namespace("/run/netns/blue", "0.0.0.0", 3002)
        self.assertEqual(answer.code, OK)
        self.assertIn(b"namespaces=1;;;0 namespaces_off=0;;;0 namespaces_unknown=0;;;0", answer.out)

    def test_it_is_stopped_between_two(self):
        """What was told stays, and the end says that more was to come."""
        self.namespaces.namespace("/run/netns/green", "0.0.0.0", 3004)
        for mode, end in (("csv", b"stopped by SIGTERM after 2 of 3 namespaces"), ("json", b'"complete":false'),
                          ("prometheus", b"\ncheck_dualstack_state{} 3\n"),
                          ("html", b"<strong>This report is not complete:"),
                          ("text", b"stopped by SIGTERM after 2 of 3 namespaces")):
            with self.subTest(format=mode):
                # Two are entered to be looked at. What is missing is looked at again: their own, which is written, and
                # the next one.
                answer = self.answer("setns", lambda: os.kill(self.stopped_at(), signal.SIGTERM), "--format=" + mode,
                                     "-r", "3005 any", when=4)
                self.assertEqual(answer.code, UNKNOWN, answer.out)
                self.assertIn(end, answer.out)
                self.assertIn(b"3005", answer.out)


if __name__ == "__main__":
    test_faults.main()
