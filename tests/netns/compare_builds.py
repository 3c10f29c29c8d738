# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Two builds of the program, one on libmonitoringplug: the same answer to the same question, byte by byte.

.ci/both-builds runs it. OTHER_DUALSTACK names the build on libmonitoringplug.
"""

import glob
import json
import os
import subprocess

import dualstack
from dualstack import CRITICAL, OK, PROGRAM, TOP_SRCDIR, UNKNOWN, WARNING, port_of

OTHER = os.environ["OTHER_DUALSTACK"]
SEED_PORT = 5555
# What is not the same from one run to the next.
PASSING = ("time",)


def answer_of(program, args):
    done = subprocess.run([program, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dualstack.environment(), timeout=50, check=False)
    if done.stderr:
        raise AssertionError("standard error of %s %s: %r" % (program, args, done.stderr))
    return dualstack.Result(args, done.returncode, done.stdout)


class BuildsCase(dualstack.TestCase):
    network_wanted = False

    def same(self, code, *args):
        """Both exit with `code` and say the same. Returns what they say."""
        ours, theirs = answer_of(PROGRAM, args), answer_of(OTHER, args)
        self.assertEqual((ours.code, theirs.code), (code, code), "%s\n%s" % (ours, theirs))
        self.assertEqual(ours.text, theirs.text)
        return ours

    def same_json(self, code, *args):
        ours, theirs = (answer_of(program, ("--format=json",) + args) for program in (PROGRAM, OTHER))
        self.assertEqual((ours.code, theirs.code), (code, code), "%s\n%s" % (ours, theirs))
        told = [{key: value for key, value in answer.json.items() if key not in PASSING} for answer in (ours, theirs)]
        self.assertEqual(told[0], told[1])
        return told[0]


class Versions(BuildsCase):
    def test_each_says_what_it_is_built_on(self):
        ours, theirs = answer_of(PROGRAM, ["-V"]), answer_of(OTHER, ["-V"])
        self.assertEqual((ours.code, theirs.code), (UNKNOWN, UNKNOWN))
        self.assertRegex(ours.text, r"\Acheck_dualstack \d+\.\d+\.\d+\n\Z")
        self.assertRegex(theirs.text, r"\A" + ours.text.strip() + r" \(libmonitoringplug [0-9][^ ]*\)\n\Z")
        print("\n%s%s" % (ours.text, theirs.text), end="", flush=True)


class Seed(BuildsCase):
    """A [::]:5555 listener with an IPv4 client."""

    CASES = (
        (OK, "-r", "5555 dual-stack"),
        (OK, "-r", "5555 dual-stack", "-w", "1", "-c", "1"),
        (WARNING, "-r", "5555 dual-stack", "-w", "0", "-c", "5"),
        (WARNING, "-r", "5555 v6-only severity=warning"),
        (CRITICAL, "-r", "5555 v6-only"),
        (CRITICAL, "-r", "5555 v4-only", "-w", "10", "-c", "20"),
        (CRITICAL, "-r", "5555 dual-stack", "-c", "0"),
        (CRITICAL, "-r", "5555 dual-stack mapped-critical=@1:1"),
        (UNKNOWN, "-r", "5555 dual"),
        (UNKNOWN, "-r", "5555 dual-stack", "-w", "10:5"),
        (UNKNOWN, "-r", "5555 dual-stack", "--procfs=/nonexistent"),
    )

    def setUp(self):
        super().setUp()
        self.sockets.listener("::", SEED_PORT, v6only=False)
        self.sockets.client("127.0.0.1", SEED_PORT)

    def test_same_answer_in_every_state(self):
        for code, *args in self.CASES:
            with self.subTest(args=args):
                result = self.same(code, *args)
                print("\n%s (both)\n%s" % (" ".join(args), result.text), end="", flush=True)
                self.same_json(code, *args)
                self.same(code, "-vvv", *args)

    def test_same_alert_at_every_bound(self):
        """The total is 1."""
        for text in ("0", "1", "2", "0:", "1:", "2:", "~:", "~:0", "~:1", "~:2", "0:0", "1:1", "0.5", "1.5", "0.5:1.5",
                     "-1:0.5", "-5:-3", "-2.5:-0.5", "@0", "@1", "@0:", "@1:", "@2:", "@~:", "@~:0", "@~:1", "@0.5",
                     "@-2.5:1", "010", "999999999999999", "0.00000000000001"):
            with self.subTest(threshold=text):
                ours = answer_of(PROGRAM, ["-r", "5555 dual-stack", "-w", text])
                self.assertIn(ours.code, (OK, WARNING), str(ours))
                self.same(ours.code, "-r", "5555 dual-stack", "-w", text)
                self.same(ours.code and CRITICAL, "-r", "5555 dual-stack name=x mapped-critical=" + text)

    def test_same_refusals(self):
        for text in ("", "@", "10:5", "5x", "0x10", "1e3", "inf", "nan", "1:2:3", "1.2.3", ":5", " 5", "-5", "5@"):
            with self.subTest(threshold=text):
                self.same(UNKNOWN, "-r", "5555 dual-stack", "-c", text)
        for text in ("ok", "Warning", "CRITICAL", "unknown", "0", "3"):
            self.same(OK, "-r", "5555 dual-stack", "-t", "20:" + text)
        for text in ("", "4", "-1", "okay", "dependent"):
            self.same(UNKNOWN, "-r", "5555 dual-stack", "-t", "20:" + text)


class Policies(BuildsCase):
    def open(self, address, port=0, v6only=None):
        return port_of(self.sockets.listener(address, port, v6only=v6only))

    def test_same_order_and_notes(self):
        """Worst first, details in that order, notes below their line, waivers, what no rule names."""
        plain, six, dual = self.open("0.0.0.0"), self.open("::", v6only=True), self.open("::", v6only=False)
        rules = ["-r", "%d v6-only severity=warning name=a note=OPS-1" % plain, "-r", "%d dual-stack name=b" % six,
                 "-r", "%d v4-only name=c waive-until=2099-12-31" % dual, "-r", "1 any name=d missing=warning",
                 "-r", "default closed severity=warning"]
        for verbose in ([], ["-v"], ["-vv"], ["-vvv"]):
            for perfdata in ("totals", "mapped", "full"):
                with self.subTest(verbose=verbose, perfdata=perfdata):
                    self.same(CRITICAL, *rules, *verbose, "--perfdata=" + perfdata)
        self.same_json(CRITICAL, *rules)

    def test_same_within_the_bounds(self):
        """Hundreds of lines are cut at the same place, however long each is."""
        for number in range(200):
            self.open("0.0.0.0", 20000 + number)
        for count in (3, 20, 41, 120, 200):
            rules = [word for number in range(count) for word in (
                "-r", "%d dual-stack name=%s%03d mapped-warning=10 mapped-critical=20" % (20000 + number, "n" * 20, number))]
            for more in ([], ["-v"], ["-vv", "--perfdata=full"]):
                with self.subTest(count=count, more=more):
                    self.same(CRITICAL, *rules, *more)
        self.same(CRITICAL, "-r", "default closed")
        self.same(CRITICAL, "-r", "1-19999 any missing=critical")

    def test_same_mistakes(self):
        self.same(UNKNOWN, *[word for number in range(30) for word in ("-r", "%d nonsense|;<x>" % number)])
        self.same(UNKNOWN, "--nonsense")
        self.same(UNKNOWN, "-f", "/nonexistent/a|b;c<d>\x1b\u2028")
        self.same(UNKNOWN, "--netns=/nonexistent")
        self.same(UNKNOWN, "-r", "5555 any", "--source=procfs", "--procfs=/proc/self")

    def test_same_on_captures(self):
        names = sorted(glob.glob(os.path.join(TOP_SRCDIR, "tests", "data", "captures", "*.json")))
        self.assertTrue(names)
        for args in ([], ["-r", "443 dual-stack", "-r", "22 dual-stack"], ["-v", "-r", "default dual-stack"]):
            for name in names:
                with self.subTest(name=name, args=args):
                    ours = answer_of(PROGRAM, [*args, "--replay=" + name])
                    self.same(ours.code, *args, "--replay=" + name)
            fleet = ["--replay=" + name for name in names if os.path.basename(name).startswith("good-")]
            ours = answer_of(PROGRAM, [*args, *fleet])
            self.same(ours.code, *args, *fleet)

    def test_same_other_modes(self):
        self.open("::", v6only=False)
        for args in (["--list"], ["--learn"], ["--lint", "-r", "80 dual-stack", "-r", "1-100 closed"]):
            self.same(answer_of(PROGRAM, args).code, *args)
        captures = [json.loads(answer_of(program, ["--capture"]).text) for program in (PROGRAM, OTHER)]
        for capture in captures:
            capture.pop("time")
        self.assertEqual(captures[0], captures[1])


if __name__ == "__main__":
    dualstack.main()
