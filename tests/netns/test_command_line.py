# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Bad input, and every way to give options: always an answer on standard output, and the exit code that fits it."""

import datetime
import os
import re
import resource
import subprocess
import time

import dualstack
from dualstack import CRITICAL, OK, PROGRAM, UNKNOWN, WARNING, port_of

BAD_RULES = [
    # rule, what the sentence must quote or name
    ("", ""),
    (" ", ""),
    ("0 dual-stack", "0"),
    ("65536 dual-stack", "65536"),
    ("99999999999999999999 dual-stack", "99999999999999999999"),
    ("-1 dual-stack", "-1"),
    ("9-5 dual-stack", "9-5"),
    ("5- dual-stack", "5-"),
    ("0-5 dual-stack", "0"),
    ("80, dual-stack", "80,"),
    ("80,,443 dual-stack", ""),
    ("80,80 dual-stack", "80"),
    ("80/sctp dual-stack", "sctp"),
    ("80/ dual-stack", ""),
    ("80/TCP/udp dual-stack", ""),
    ("80@moon dual-stack", "moon"),
    ("80@ dual-stack", ""),
    ("no-such-service dual-stack", "no-such-service"),
    ("80", "80"),
    ("default", "default"),
    ("default/icmp closed", "icmp"),
    ("80 dualstack", "dualstack"),
    ("80 dual-stack v4", "v4"),
    ("80 dual-stack colour=red", "colour"),
    ("80 dual-stack name", "name"),
    ("80 dual-stack name=", "name"),
    ("80 dual-stack name=a.b", "a.b"),
    ("80 dual-stack name=" + "x" * 25, "24"),
    ("80 dual-stack name=a name=b", "name"),
    ("80 dual-stack severity=fatal", "fatal"),
    ("80 dual-stack severity=ok", "ok"),
    ("80 dual-stack missing=unknown", "unknown"),
    ("80 closed missing=ok", "missing"),
    ("80 dual-stack form=mixed", "mixed"),
    ("80 v4-only form=split", "form"),
    ("80 v4-only bind=", "bind"),
    ("80 v4-only bind=10.0.0.0/33", "10.0.0.0/33"),
    ("80 v4-only bind=300.0.0.1", "300.0.0.1"),
    ("80 v4-only bind=external", "external"),
    ("80 v4-only user=no-such-user-here", "no-such-user-here"),
    ("80 v4-only unit=", "unit"),
    ("80 v4-only mapped-critical=", "mapped-critical"),
    ("80 v4-only mapped-critical=@", "@"),
    ("80 v4-only mapped-critical=10:5", "10:5"),
    ("80 v4-only mapped-warning=5x", "5x"),
    ("80 v4-only waive-until=2027-02-29", "2027-02-29"),
    ("80 v4-only waive-until=tomorrow", "tomorrow"),
    ("80 v4-only note=", "note"),
    ("default dual-stack name=a", "name"),
    ("80 dual-stack \x01=2", ""),
]

BAD_RANGES = ["", "@", "10:5", "5x", ":", ":5", "1:2:3", "~", "1e3", " 5", "5 ", "--5", "@@5", "0x10", "inf", "nan",
              "5,5"]

# Each with an argument that is fine elsewhere.
BAD_COMMANDS = [
    (["-Z"], "Z"),
    (["--bogus"], "bogus"),
    (["--bogus=1"], "bogus"),
    (["positional"], "positional"),
    (["--", "positional"], "positional"),
    (["-v", "5555"], "5555"),
    ([""], ""),
    (["-"], "-"),
    (["--format=xml"], "xml"),
    (["--format="], "format"),
    (["--perfdata=all"], "all"),
    (["--source=magic"], "magic"),
    (["--verbose=3"], "verbose"),
    (["--version=1"], "version"),
    (["--help=me"], "help"),
    (["--p", "x"], "p"),  # policy or perfdata
    (["-t", ""], "timeout"),
    (["-t", "0"], "0"),
    (["-t", "-1"], "-1"),
    (["-t", "x"], "x"),
    (["-t", "1.5"], "1.5"),
    (["-t", "8s"], "8s"),
    (["-t", "99999999999999999999"], "99999999999999999999"),
    (["-t", "8:"], "state"),
    (["-t", "8:BAD"], "BAD"),
    (["-t", "8:CRITICAL:1"], "CRITICAL:1"),
]


class CommandLine(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        self.folder = dualstack.temporary_folder()

    def policy(self, content, name="policy.conf"):
        if isinstance(content, str):
            content = content.encode()
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def failure(self, *args, naming=(), **options):
        """The program fails with a sentence that names all of these."""
        result = self.check(UNKNOWN, *args, **options)
        self.assertTrue(result.first.startswith("DUALSTACK UNKNOWN: "), str(result))
        self.assertGreater(len(result.first), len("DUALSTACK UNKNOWN: ") + 10, "no sentence")
        self.assertTrue(result.text.endswith("\n"))
        self.assertLessEqual(len(result.bytes), 4096)
        self.assertNotRegex(result.text, r"[|;<>\r\0]")
        for word in [naming] if isinstance(naming, str) else naming:
            self.assertIn(word, result.text)
        return result

    # Rules and policies

    def test_bad_rules(self):
        for rule, word in BAD_RULES:
            with self.subTest(rule=rule):
                self.failure("-r", rule, naming=("--rule 1:", word))
                self.failure("-r", "1 closed", "--rule=" + rule, naming=("--rule 2:", word))
            if rule.strip():
                with self.subTest(file_with=rule):
                    self.policy("# a comment\n\n" + rule + "\n1 closed\n")
                    self.failure("-f", "policy.conf", naming=("policy.conf:3:", word), cwd=self.folder)

    def test_the_place_has_the_path_as_given(self):
        path = self.policy("80 dualstack\n")
        self.failure("-f", path, naming=(path + ":1:", "dualstack", "dual-stack"))
        self.failure("-f", "-", stdin=b"1 closed\n80 dualstack\n", naming=(":2:", "dualstack"))

    def test_what_would_be_right_is_said(self):
        for rule, right in (("80 dualstack", "dual-stack"), ("9-5 any", "5-9"), ("0 any", "1"), ("65536 any", "65535"),
                            ("80 any severity=fatal", "critical"), ("80/sctp any", "udp"), ("80@moon any", "loopback")):
            with self.subTest(rule=rule):
                self.failure("-r", rule, naming=right)

    def test_duplicate_rules(self):
        for one, other in (("80 v4-only", "80 v6-only name=b"), ("80 v4", "443,80 v4 name=b"),
                           ("80-90 any", "85-95 any name=b"), ("80@link any", "80/tcp@link any name=b"),
                           ("default closed", "default any"), ("default/udp closed", "default/udp any")):
            with self.subTest(one=one, other=other):
                self.failure("-r", one, "-r", other, naming=("--rule 1", "--rule 2"))
                self.policy("%s\n\n%s\n" % (one, other))
                self.failure("-f", "policy.conf", naming=("policy.conf:1", "policy.conf:3"), cwd=self.folder)

    def test_two_rules_of_one_name(self):
        self.failure("-r", "80 any name=web", "-r", "81 any name=web", naming=("--rule 1", "--rule 2", "web"))

    def test_rules_of_different_rank_are_no_duplicates(self):
        for one, other in (("80 any missing=ok", "70-90 any"), ("80 any missing=ok", "80@link any missing=ok"),
                           ("80 any missing=ok", "80/udp any missing=ok"), ("default closed", "default/tcp closed")):
            with self.subTest(one=one, other=other):
                self.check(OK, "-r", one, "-r", other)

    def test_a_rule_outranks_the_file(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        path = self.policy("%d v6-only\n" % port)
        self.check(CRITICAL, "-f", path)
        self.check(OK, "-f", path, "-r", "%d v4-only" % port)
        path = self.policy("default v6-only\n")
        self.check(CRITICAL, "-f", path)
        self.check(OK, "-f", path, "-r", "default v4-only")

    def test_a_policy_with_an_error_judges_nothing(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        result = self.failure("-r", "%d v6-only" % port, "-r", "80 dualstack", naming="--rule 2:")
        self.assertNotIn(str(port), result.text)
        self.assertNotIn("must be", result.text)

    def test_all_errors_at_once(self):
        self.policy("80 dualstack\n0 any\n81 any\n9-5 any colour=red\n")
        result = self.failure("-f", "policy.conf", "-r", "65536 any", cwd=self.folder, naming=(
            "--rule 1:", "policy.conf:1:", "policy.conf:2:", "policy.conf:4:", "colour", "9-5"))
        self.assertNotIn("policy.conf:3:", result.text)

    def test_twenty_errors_then_how_many_more(self):
        for count in (20, 21, 57):
            with self.subTest(count=count):
                self.policy("0 any\n" * count)
                result = self.failure("-f", "policy.conf", cwd=self.folder)
                places = [int(line) for line in re.findall(r"policy\.conf:(\d+):", result.text)]
                self.assertEqual(places, list(range(1, 21)))
                if count > 20:
                    self.assertRegex(result.lines[-1], r"\b%d more\b" % (count - 20))
                else:
                    self.assertIn("policy.conf:20:", result.lines[-1])

    def test_policy_that_cannot_be_read(self):
        missing = os.path.join(self.folder, "missing.conf")
        self.failure("-f", missing, naming=(missing, "No such file"))
        self.failure("-f", self.folder, naming=(self.folder, "irectory"))
        self.failure("-f", "", naming="policy")
        self.failure("-f", "/dev/null/policy.conf", naming=("/dev/null/policy.conf", "Not a directory"))

    def test_policy_without_permission(self):
        if dualstack.unprivileged():
            self.skipTest(dualstack.unprivileged())
        path = self.policy("80 any\n")
        os.chmod(path, 0)
        self.failure("-f", path, naming=(path, "Permission denied"), uid=dualstack.NOBODY)

    def test_binary_policies(self):
        with open(PROGRAM, "rb") as file:
            program = file.read(4 << 20)
        for content in (program, b"80 any\0\n", b"\0" * 5000, b"\xff\xfe8\x000\x00", bytes(range(256)) * 100,
                        b"80 any note=\xc3\x28\xff name=\x9b1m\n", b"\x1b[31m80 any\n"):
            with self.subTest(content=content[:20]):
                self.policy(content)
                self.failure("-f", "policy.conf", naming="policy.conf:", cwd=self.folder)

    def test_policy_from_a_device(self):
        """An endless file must end in an answer, and soon."""
        start = time.monotonic()
        self.failure("-f", "/dev/zero", "-t", "5", naming="/dev/zero")
        self.assertLess(time.monotonic() - start, 20)

    def test_forms_of_text_that_are_fine(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        rule = "%d v4-only name=x" % port
        for content in (rule, rule + "\n", rule + "\r\n", "\ufeff" + rule, "\ufeff# x\r\n" + rule + "\r\n",
                        "\n\n\t%s   # a comment\n#%s" % (rule.replace(" ", "\t \t"), rule),
                        "# ünïcode in a comment\n" + rule, rule + " note=a#b\n", "  \t \r\n" + rule + "\r"):
            with self.subTest(content=content):
                for result in (self.check(OK, "-f", self.policy(content)),
                               self.check(OK, "-f", "-", stdin=content.encode())):
                    self.assertEqual(list(result.values), ["mapped", "violations", "unlisted", "x_mapped"])

    def test_service_and_user_names(self):
        self.sockets.listener("0.0.0.0", 443)
        self.check(OK, "-r", "https v4-only user=root")
        self.check(OK, "-r", "https,80 v4-only missing=ok")
        self.check(CRITICAL, "-r", "https/tcp v6-only")

    def test_a_rule_of_100_kilobytes(self):
        for rule in ("80 any note=" + "x" * 100000, "80 any " + "name=a " * 15000, "8" * 100000, "9" * 100000 + " any",
                     ",".join(["80"] * 33000) + " any", "80 any" + " " * 100000 + "x",
                     "80 v4 bind=" + ",".join(["10.0.0.0/8"] * 9000) + "x"):
            with self.subTest(rule=rule[:20]):
                self.failure("-r", rule, naming="--rule 1:")
                self.policy(rule + "\n")
                self.failure("-f", "policy.conf", naming="policy.conf:1:", cwd=self.folder)

    def test_many_rules(self):
        """A long policy that is right."""
        self.policy("".join("%d any missing=ok\n" % port for port in range(1, 3001)))
        result = self.check(OK, "-f", "policy.conf", cwd=self.folder)
        self.assertEqual(list(result.values), ["mapped", "violations", "unlisted"])

    # Options

    def test_bad_commands(self):
        for args, word in BAD_COMMANDS:
            with self.subTest(args=args):
                self.failure(*args, naming=word)
                self.failure("-r", "1 closed", *args, naming=word)

    def test_missing_arguments(self):
        for option, name in (("-r", "rule"), ("-f", "policy"), ("-w", "warning"), ("-c", "critical"),
                             ("-t", "timeout")):
            for args in ([option], ["--" + name], ["-r", "1 closed", option], ["-v" + option[1]]):
                with self.subTest(args=args):
                    result = self.failure(*args)
                    self.assertRegex(result.first, r"%s\b|--%s" % (re.escape(option), name))
        for name in ("format", "perfdata", "source"):
            self.failure("--" + name, naming="--" + name)

    def test_bad_thresholds(self):
        for text in BAD_RANGES:
            with self.subTest(range=text):
                self.failure("-w", text, naming=text)
                self.failure("--critical=" + text, naming=text)
                self.failure("-r", "1 closed", "-c", "5", "-w", text)

    def test_good_thresholds(self):
        """The range decides on the total of v4-mapped connections, which is 2; its echo is the shortest."""
        listener = self.sockets.listener("::", v6only=False)
        for _ in range(2):
            self.sockets.client("127.0.0.1", port_of(listener))
        for text, alerts, echo in (
                ("2", False, "2"), ("1", True, "1"), ("0:2", False, "2"), ("2:", False, "2:"), ("3:", True, "3:"),
                ("~:1", True, "~:1"), ("~:2", False, "~:2"), ("@2", True, "@2"), ("@0:1", False, "@1"),
                ("@3:", False, "@3:"), ("@2:2", True, "@2:2"), ("2:2", False, "2:2"), ("010", False, "10"),
                ("0", True, "0"), ("@~:1", False, "@~:1"), ("-5:1", True, "-5:1"), ("0:", False, "0:")):
            with self.subTest(range=text):
                result = self.check(WARNING if alerts else OK, "-w", text)
                self.assertEqual(result.values["mapped"], ["2", echo, "", "0"])
                result = self.check(CRITICAL if alerts else OK, "-c", text)
                self.assertEqual(result.values["mapped"], ["2", "", echo, "0"])
        self.check(CRITICAL, "-w", "1", "-c", "1")
        self.check(WARNING, "-w", "1", "-c", "2")

    def test_long_ranges_do_not_break_the_answer(self):
        result = dualstack.run("-w", "1" * 2000)
        self.assertIn(result.code, (OK, UNKNOWN))
        self.assertLessEqual(len(result.bytes), 4096)

    def test_options_in_any_order_and_form(self):
        listener = self.sockets.listener("::", v6only=False)
        self.sockets.client("127.0.0.1", port_of(listener))
        rule = "%d dual-stack name=x" % port_of(listener)
        path = self.policy(rule)
        answers = {self.check(WARNING, *args).text for args in (
            ["-r", rule, "-w", "0", "-c", "5"],
            ["-c", "5", "-w", "0", "-r", rule],
            ["-c5", "-w0", "-r" + rule],
            ["--rule", rule, "--warning", "0", "--critical", "5"],
            ["--rule=" + rule, "--warning=0", "--critical=5"],
            ["--ru", rule, "--warn=0", "--crit", "5"],
            ["-w", "3", "-r", rule, "-w", "0", "-c", "5"],
            ["-t", "5", "-r", rule, "-w", "0", "-c", "5", "--timeout=7:critical", "--source=auto", "--perfdata=mapped",
             "--format=text"],
            ["-f", path, "-w", "0", "-c", "5"],
            ["--policy=" + path, "-w", "0", "-c", "5"],
            ["-r", rule, "-w", "0", "-c", "5", "--"],
        )}
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(self.check(WARNING, "-vvr", rule, "-w0").text,
                         self.check(WARNING, "-v", "-w0", "-v", "-r", rule).text)

    def test_version_and_help(self):
        for args in (["-V"], ["--version"], ["--vers"], ["-V", "-r", "0 nonsense"]):
            result = self.check(UNKNOWN, *args)
            self.assertRegex(result.text, r"\Acheck_dualstack\b.* \d+\.\d+\.\d+.*\n")
        for args in (["-h"], ["--help"], ["--he"], ["-h", "-f", "/nonexistent"]):
            result = self.check(UNKNOWN, *args)
            self.assertTrue(all(len(line) <= 100 for line in result.lines), "wider than a screen")
        for option in ("-r, --rule", "-f, --policy", "-w, --warning", "-c, --critical", "-t, --timeout", "-v",
                       "-V, --version", "-h, --help", "--format", "--perfdata", "--source"):
            self.assertIn(option, result.text)

    @dualstack.not_under_valgrind("an environment")
    def test_no_locale_and_environment_matter(self):
        rule = "%d v6-only" % port_of(self.sockets.listener("0.0.0.0"))
        plain = self.check(CRITICAL, "-r", rule, "-w", "10").text
        for env in ({"PATH": ""}, {}, {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}, {"POSIXLY_CORRECT": "1"},
                    {"TZ": "Pacific/Kiritimati"}):
            keep = {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}
            self.assertEqual(self.check(CRITICAL, "-r", rule, "-w", "10", env=dict(keep, **env)).text, plain)

    def test_waiver_ends_with_its_day_in_utc(self):
        rule = "%d v6-only waive-until=%%s" % port_of(self.sockets.listener("0.0.0.0"))

        def today():
            return datetime.datetime.now(datetime.timezone.utc).date()
        while True:
            day = today()
            codes = [dualstack.run("-r", rule % (day + datetime.timedelta(days=days)),
                                   env=dualstack.environment(TZ=zone)).code
                     for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago") for days in (-1, 0, 1)]
            if today() == day:
                break
        self.assertEqual(codes, [CRITICAL, OK, OK] * 3)

    # JSON

    def test_errors_in_json(self):
        self.policy("0 any\n80 dualstack\n")
        for args, words in ((["--format=json", "-r", "0 any"], ["--rule 1:"]),
                            (["-r", "0 any", "--format=json"], ["--rule 1:"]),
                            (["--format=json", "-f", "policy.conf"], ["policy.conf:1:", "policy.conf:2:", "dualstack"]),
                            (["--format=json", "-f", "missing.conf"], ["missing.conf"]),
                            (["--format=json", "-Z"], ["Z"]), (["-Z", "--format=json"], ["Z"]),
                            (["--format=json", "-w", ""], ["warning"]), (["-w", "", "--format", "json"], ["warning"]),
                            (["--format=json", "positional"], ["positional"]),
                            (["--format=json", "-r"], ["-r"])):
            with self.subTest(args=args):
                result = self.check(UNKNOWN, *args, cwd=self.folder)
                report = result.json
                self.assertEqual((report["plugin"], report["schema"], report["state"]),
                                 ("check_dualstack", 1, "UNKNOWN"))
                for word in words:
                    self.assertTrue(any(word in error for error in report["errors"]), (word, report["errors"]))
        result = self.check(UNKNOWN, "--format=json", "-f", "policy.conf", cwd=self.folder)
        self.assertEqual(len(result.json["errors"]), 2)

    # Timeout

    def timed(self, *args):
        """Runs with a standard input that never ends. Returns the result and how long it took."""
        reader, writer = os.pipe()
        try:
            start = time.monotonic()
            done = subprocess.run([PROGRAM, *args], stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=dualstack.environment(), timeout=30, check=False)
            took = time.monotonic() - start
        finally:
            os.close(reader)
            os.close(writer)
        self.assertEqual(done.stderr, b"")
        return dualstack.Result(args, done.returncode, done.stdout), took

    def test_timeout(self):
        for args, code in ((["-t", "1"], UNKNOWN), (["-t1:CRITICAL"], CRITICAL), (["-t", "1:warning"], WARNING)):
            with self.subTest(args=args):
                result, took = self.timed(*args, "-f", "-")
                self.assertEqual(result.code, code, str(result))
                self.assertRegex(result.first, r"\ADUALSTACK %s: .*(time|second)" % dualstack.STATE_NAMES[code])
                self.assertRegex(result.first, r"policy|standard input")
                self.assertGreater(took, 0.9)
                self.assertLess(took, 5)

    def test_timeout_in_json(self):
        result, _ = self.timed("-t", "1", "-f", "-", "--format=json")
        self.assertEqual((result.code, result.json["state"]), (UNKNOWN, "UNKNOWN"))
        self.assertTrue(result.json["errors"])

    def test_sigterm(self):
        """A monitoring system ends a plugin by SIGTERM: it still gets an answer."""
        process = subprocess.Popen([PROGRAM, "-f", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=dualstack.environment())
        try:
            dualstack.eventually(lambda: dualstack.awaits_input(process.pid), "the program waits for its policy")
            process.terminate()
            out, err = process.communicate(timeout=20)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.assertEqual((process.returncode, err), (UNKNOWN, b""))
        self.assertTrue(out.startswith(b"DUALSTACK UNKNOWN: "), out)

    # Where the answer goes

    MODES = (["-r", "1 closed"], ["-r", "1 any"], ["--format=json"], ["-h"], ["-V"], ["-Z"], ["-r", "0 any"], [],
             ["--list"], ["--learn"], ["--lint", "-r", "1 any"], ["--lint", "-r", "0 any"], ["--capture"])

    def test_full_disk(self):
        for args in self.MODES:
            with self.subTest(args=args), open("/dev/full", "wb") as full:
                self.assertEqual(self.exit_code(args, stdout=full), UNKNOWN)

    @dualstack.not_under_valgrind("descriptors")
    def test_closed_standard_output(self):
        for args in self.MODES:
            with self.subTest(args=args):
                self.assertEqual(self.exit_code(args, closed=(1,)), UNKNOWN)
                self.assertEqual(self.exit_code(args, closed=(0, 1)), UNKNOWN)
                self.assertEqual(self.exit_code(args, closed=(1, 2)), UNKNOWN)
                self.assertEqual(self.exit_code(args, closed=(0, 1, 2)), UNKNOWN)

    def test_read_only_standard_output(self):
        with open("/dev/null", "rb") as null:
            self.assertEqual(self.exit_code([], stdout=null), UNKNOWN)

    def test_reader_that_went_away(self):
        for args in self.MODES:
            reader, writer = os.pipe()
            os.close(reader)
            with self.subTest(args=args), os.fdopen(writer, "wb") as stdout:
                self.assertEqual(self.exit_code(args, stdout=stdout), UNKNOWN)

    def exit_code(self, args, stdout=subprocess.DEVNULL, closed=()):
        def close():
            for number in closed:
                os.close(number)
        done = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                              env=dualstack.environment(), timeout=30, check=False,
                              preexec_fn=close if closed else None)
        self.assertEqual(done.stderr, b"")
        return done.returncode

    def test_closed_standard_input_and_error(self):
        """Their numbers go to other files, which must take no harm from it."""
        port = port_of(self.sockets.listener("0.0.0.0"))
        for closed in ((0,), (2,), (0, 2)):
            with self.subTest(closed=closed):
                def close(numbers=closed):
                    for number in numbers:
                        os.close(number)
                done = subprocess.run([PROGRAM, "-r", "%d v6-only" % port], stdout=subprocess.PIPE, timeout=30,
                                      env=dualstack.environment(), preexec_fn=close, check=False)
                self.assertEqual(done.returncode, CRITICAL)
                self.assertTrue(done.stdout.startswith(b"DUALSTACK CRITICAL: "))
        done = subprocess.run([PROGRAM, "-f", "-"], stdout=subprocess.PIPE, timeout=30, env=dualstack.environment(),
                              preexec_fn=lambda: os.close(0), check=False)
        self.assertEqual(done.returncode, UNKNOWN)
        self.assertIn(b"standard input", done.stdout)

    @dualstack.not_under_valgrind("descriptors")
    def test_few_files_may_be_open(self):
        """Where no socket can be had the answer is UNKNOWN, not "nothing listens"."""
        port = port_of(self.sockets.listener("0.0.0.0"))
        for limit in range(3, 8):
            def lower(limit=limit):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            done = subprocess.run([PROGRAM, "-r", "%d closed" % port], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=30, env=dualstack.environment(), check=False,
                                  preexec_fn=lower)
            with self.subTest(limit=limit):
                if b"error while loading shared libraries" in done.stderr:
                    continue
                self.assertEqual(done.stderr, b"")
                self.assertIn(done.returncode, (CRITICAL, UNKNOWN), done.stdout)


if __name__ == "__main__":
    dualstack.main()
