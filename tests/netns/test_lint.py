# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--lint: every error with its place, and each warning where it belongs and nowhere else."""

import datetime
import os
import pty
import subprocess
import unittest

import dualstack
from dualstack import OK, UNKNOWN, WARNING

NAME = "abcdefghijklmnopqrs"

# A policy (its first line is the one to be warned of), and words that the one warning must have.
WARNED = (
    # Rules that others always shadow.
    ("100-101 any\n100,101 any name=two", "never judges anything"),
    ("100-101@link any\n100,101@link any name=two", "never judges anything"),
    ("default closed\ndefault/tcp closed\ndefault/udp closed", "never judges anything"),
    ("default closed\ndefault@loopback any\ndefault@link any\ndefault@external any", "never judges anything"),
    ("default@link closed\ndefault/tcp closed\ndefault/udp closed", "never judges anything"),
    ("default/tcp closed\n1-65535 any", "never judges anything"),
    ("53 any\n53@loopback any\n53@link any\n53@external any", "always missing"),
    ("53 any missing=ok\n53@loopback any\n53@link any\n53@external any", "never judges anything"),
    ("8000-8099@loopback any\n8080 any", "write a rule for 8080@loopback"),
    # What cannot fit its bind=.
    ("443 dual-stack bind=10.0.0.0/8,192.0.2.1", "no prefix of bind= is IPv6"),
    ("443 dual-stack bind=2001:db8::/32", "no prefix of bind= is IPv4"),
    ("443 dual-stack bind=0.0.0.0/0", "no prefix of bind= is IPv6"),
    ("443 v6-only bind=10.0.0.0/8", "no prefix of bind= is IPv6"),
    ("443 v4-only bind=2001:db8::/32", "no prefix of bind= is IPv4"),
    ("443 v6 bind=10.0.0.0/8", "no prefix of bind= is IPv6"),
    ("443 v4 bind=2001:db8::/32", "no prefix of bind= is IPv4"),
    ("443 v6 bind=::/0", "add 0.0.0.0/0"),
    ("443 any bind=::/0,10.0.0.0/8", "add 0.0.0.0/0"),
    ("443 v4 bind=0.0.0.0/0", "add ::/0"),
    ("443 dual-stack form=single bind=::/0,10.0.0.0/8", "add 0.0.0.0/0"),
    ("443@loopback any bind=10.0.0.0/8", "judges only @loopback"),
    ("443@link any bind=loopback,2001:db8::/32", "judges only @link"),
    ("443@external any bind=loopback", "judges only @external"),
    ("23 closed bind=loopback", "closed forbids every listener"),
    ("23 closed unit=telnet.service", "closed forbids every listener"),
    ("default closed user=0", "closed forbids every listener"),
    # Other things.
    ("9100 any waive-until=2020-02-29", "waive-until=2020-02-29 ended"),
    ("443 any unit=nginx", "write unit=nginx.service"),
    ("443 any mapped-warning=20 mapped-critical=10", "mapped-warning= never fires"),
    ("443 any mapped-warning=@5:10 mapped-critical=4", "mapped-warning= never fires"),
    ("443 any mapped-warning=10 mapped-critical=10", "mapped-warning= never fires"),
    ("40000-40010/udp any", "assigns UDP ports 32768-60999"),
    ("40000-40010,50000-50010/udp any", "assigns UDP ports 32768-60999"),
)

# Nothing to say about these.
FINE = (
    "100-102 any\n100,101 any name=two",
    "443 dual-stack bind=0.0.0.0/0,::/0",
    "443 dual-stack bind=loopback",
    "443 dual-stack bind=10.0.0.0/8,2001:db8::/32",
    "443 dual-stack form=split bind=10.0.0.0/8,::/0",
    "443 v6-only bind=::/0",
    "443 v4-only bind=0.0.0.0/0",
    "443 any bind=10.0.0.0/8",
    "443@loopback any bind=127.0.0.2",
    "443@loopback any bind=0.0.0.0/0,::/0",
    "443@link any bind=fe80::/64",
    "443@external any bind=10.0.0.0/8",
    "443@external closed",
    "8000-8099@loopback any\n8080@loopback any",
    "8000-8099@loopback any\n8080@external any",
    "8000-8099 any\n8080 any",
    "53@loopback any\n53 any",
    "53@loopback any\n53@link any\n53@external any",
    "default/tcp closed\ndefault closed",
    "default@loopback any\ndefault closed",
    "default closed",
    "443 any unit=nginx*",
    "443 any unit=nginx.service",
    "443 any unit=/lxc/web",
    "443 any mapped-warning=5 mapped-critical=10",
    "443 any mapped-warning=@5:10 mapped-critical=10",
    "443 any waive-until=9999-12-31",
    "40000/udp any",
    "32767-40000/udp any",
    "40000-40010 any",
    "443 any name=" + NAME[:11] + "1\n444 any name=" + NAME[:11] + "2",
)

# One of each kind that a rule can get wrong.
WRONG = ("foo any", "443", "443 dual", "443/sctp any", "443@here any", "0 any", "65536 any", "0443 any", "90-80 any",
         "80,,81 any", "80,80 any", "443 any name=a.b", "443 any severity=ok", "443 any missing=no",
         "443 closed missing=ok", "443 any form=split", "443 dual-stack form=mixed", "443 any bind=here",
         "443 any bind=10.0.0.1/8", "443 any bind=10.0.0.0/33", "443 any user=4294967295", "443 any mapped-warning=x",
         "443 any mapped-critical=10:5", "443 any waive-until=2026-02-30", "443 any colour=red", "443 any red",
         "443 any note=", "443 any note=a note=b", "default any name=x", "443 any unit=")


class Lint(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        dualstack.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
        self.path = os.path.join(dualstack.temporary_folder(), "policy.conf")

    def lint(self, code, policy, *args, uid=None):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(policy)
        return self.check(code, "--lint", "-f", self.path, *args, uid=uid)

    def findings(self, result, state):
        """The detail lines by the line of the policy that they name."""
        head = "\\_[%s] %s:" % (state, self.path)
        found = []
        for line in result.lines[1:]:
            self.assertTrue(line.startswith(head), str(result))
            number, sentence = line[len(head):].split(": ", 1)
            found.append((int(number), sentence))
        return found

    def test_policy_for_captures(self):
        """Neither the users nor the client ports of this host are those of others; nothing is read."""
        policy = "443 any user=nobody-is-called-so\n40000-40010/udp closed\n"
        found = self.findings(self.lint(UNKNOWN, policy), "UNKNOWN")
        self.assertEqual([number for number, _ in found], [1])
        self.assertEqual(self.lint(OK, policy, "--replay=/none").lines, ["DUALSTACK OK: 2 rules, no warnings"])
        self.assertEqual(len(self.lint(OK, policy.split("\n")[1] + "\n").lines), 2)

    def test_each_warning(self):
        for policy, words in WARNED:
            with self.subTest(policy=policy):
                result = self.lint(OK, policy + "\n")
                found = self.findings(result, "WARNING")
                self.assertEqual([number for number, _ in found], [1], str(result))
                self.assertIn(words, found[0][1])
                count = policy.count("\n") + 1
                self.assertEqual(result.first,
                                 "DUALSTACK OK: %d rule%s, 1 warning" % (count, "" if count == 1 else "s"))

    def test_nothing_to_say(self):
        for policy in FINE:
            with self.subTest(policy=policy):
                result = self.lint(OK, policy)
                self.assertEqual(len(result.lines), 1, str(result))
                self.assertTrue(result.first.endswith(", no warnings"), str(result))

    def test_strict(self):
        """Warnings count; the exit code of an error, and that of a policy without either, are the same as ever."""
        for policy, code in (("443 any", OK), (WARNED[0][0], WARNING), ("443 nothing", UNKNOWN)):
            with self.subTest(policy=policy):
                plain = self.lint(OK if code == WARNING else code, policy)
                strict = self.check(code, "--lint=strict", "-f", self.path)
                self.assertEqual(strict.lines[1:], plain.lines[1:])
                self.assertTrue(strict.first.startswith("DUALSTACK %s: " % dualstack.STATE_NAMES[code]), str(strict))
                report = self.report("--lint=strict", "-f", self.path)
                self.assertEqual(report["state"], dualstack.STATE_NAMES[code])

    def test_thresholds_of_the_command_line(self):
        """WARNING that can never show: here, and in a check with -v."""
        for warning, critical, never in (("10", "5", True), ("5", "5", True), ("5", "10", False), ("@5:10", "4", True),
                                         ("0:", "5", False)):
            with self.subTest(warning=warning, critical=critical):
                result = self.check(OK, "--lint", "-r", "443 any", "-w", warning, "-c", critical)
                self.assertEqual(result.lines[1:], [
                    "\\_[WARNING] --warning: never fires, because --critical fires first: make it narrower"] * never)
                args = ["-w", warning, "-c", critical]
                self.assertEqual("--warning never fires" in dualstack.run("-v", *args).text, never)
                self.assertNotIn("never fires", dualstack.run(*args).text)

    def test_what_was_typed_is_shown(self):
        """As it is at a terminal and in JSON; where an agent may carry it, what carriers do not take is named."""
        named = self.lint(UNKNOWN, "80;443 any\n443 any mapped-warning=>5|x\n")
        self.assertIn("'80(semicolon)443' is not a port: separate ports with commas: 80,443", named.lines[1])
        self.assertIn("mapped-warning=(greater-than)5(pipe)x", named.lines[2])
        checked = self.check(UNKNOWN, "-f", self.path)
        self.assertIn("'80(semicolon)443'", checked.first)
        self.assertIn("'80;443'", self.report("-f", self.path)["errors"][0])
        terminal, program = pty.openpty()
        self.addCleanup(os.close, terminal)
        done = subprocess.run([dualstack.PROGRAM, "--lint", "-f", self.path], stdout=program, check=False)
        os.close(program)
        self.assertEqual(done.returncode, UNKNOWN)
        shown = os.read(terminal, 4096).decode()
        self.assertIn("'80;443' is not a port", shown)
        self.assertIn("mapped-warning=>5|x", shown)

    def test_names_alike_in_rrd(self):
        result = self.lint(OK, "443 any name=%s1\n\n444 any name=%s2\n" % (NAME, NAME))
        self.assertEqual(self.findings(result, "WARNING"),
                         [(3, "%s2_mapped begins like %s1_mapped of the rule at %s:1: RRD files keep 19 characters"
                           % (NAME, NAME, self.path))])

    def test_waivers_around_today(self):
        today = datetime.datetime.now(datetime.timezone.utc).date()
        if (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=2)).date() != today:
            self.skipTest("midnight is too near")
        for days, warnings in ((-2, 1), (-1, 1), (0, 1), (1, 1), (30, 1), (31, 0)):
            with self.subTest(days=days):
                result = self.lint(OK, "443 any waive-until=%s" % (today + datetime.timedelta(days=days)))
                self.assertEqual(len(result.lines), 1 + warnings, str(result))

    def test_warnings_in_the_order_of_the_rules(self):
        result = self.lint(OK, "".join(policy.split("\n")[0].replace("443", str(5000 + number)) + "\n"
                                       for number, (policy, words) in enumerate(WARNED) if "bind=" in words))
        numbers = [number for number, _ in self.findings(result, "WARNING")]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_each_mistake(self):
        for policy in WRONG:
            with self.subTest(policy=policy):
                result = self.lint(UNKNOWN, "22 any\n" + policy)
                self.assertEqual(result.first, "DUALSTACK UNKNOWN: 1 error in the policy")
                self.assertEqual([number for number, _ in self.findings(result, "UNKNOWN")], [2], str(result))

    def test_all_mistakes_at_once(self):
        """Where a check tells twenty."""
        policy = "\n".join(WRONG * 4)
        result = self.lint(UNKNOWN, policy)
        self.assertEqual(result.first, "DUALSTACK UNKNOWN: %d errors in the policy" % (4 * len(WRONG)))
        self.assertEqual([number for number, _ in self.findings(result, "UNKNOWN")],
                         list(range(1, 4 * len(WRONG) + 1)))
        checked = self.check(UNKNOWN, "-f", self.path)
        self.assertIn("--lint lists them all", checked.text)
        self.assertLess(len(checked.lines), 25)

    def test_rules_at_odds(self):
        result = self.lint(UNKNOWN, "443 any\n443 v4 name=b\n22 any name=b\n")
        self.assertEqual(len(result.lines), 3, str(result))
        self.assertIn("%s:1" % self.path, result.lines[1])

    def test_command_line_rules(self):
        result = self.check(UNKNOWN, "--lint", "-r", "22 any", "-r", "443 nothing")
        self.assertTrue(result.lines[1].startswith("\\_[UNKNOWN] --rule 2: 'nothing' is not a requirement"), str(result))
        result = self.check(OK, "--lint", "-r", "22 any", "-r", "443 any unit=nginx")
        self.assertTrue(result.lines[1].startswith("\\_[WARNING] --rule 2: unit=nginx matches no unit"), str(result))

    def test_no_rules(self):
        """A file without a rule is a mistake, no policy at all only worth a word."""
        for policy in ("", "# nothing\n\n"):
            result = self.lint(UNKNOWN, policy)
            self.assertEqual(result.first, "DUALSTACK UNKNOWN: 1 error in the policy")
            self.assertIn("has no rules", result.lines[1])
        result = self.check(OK, "--lint")
        self.assertEqual(result.first, "DUALSTACK OK: 0 rules, 1 warning")
        self.assertIn("has no rules", result.lines[1])

    def test_no_file(self):
        result = self.check(UNKNOWN, "--lint", "-f", self.path + ".gone")
        self.assertEqual(result.first, "DUALSTACK UNKNOWN: 1 error in the policy")
        self.assertIn(self.path + ".gone", result.lines[1])

    def test_standard_input(self):
        result = self.check(UNKNOWN, "--lint", "-f", "-", stdin=b"22 nothing\n")
        self.assertTrue(result.lines[1].startswith("\\_[UNKNOWN] standard input:1: "), str(result))

    def test_json(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(WRONG * 4))
        report = self.report("--lint", "-f", self.path)
        self.assertEqual((report["state"], report["summary"], len(report["errors"]), report["services"]),
                         ("UNKNOWN", "%d errors in the policy" % (4 * len(WRONG)), 4 * len(WRONG), []))
        self.assertTrue(report["errors"][0].startswith(self.path + ":1: "))
        report = self.report("--lint", "-r", "443 any unit=nginx")
        self.assertEqual((report["state"], report["summary"], len(report["errors"])), ("OK", "1 rule, 1 warning", 1))
        report = self.report("--lint", "-r", "443 any")
        self.assertEqual((report["state"], report["summary"], report["errors"]), ("OK", "1 rule, no warnings", []))

    def test_hostile_bytes(self):
        with open(self.path, "wb") as file:
            file.write(b"443 \xff\x1b[1m|;\n22 any note=\xe2\x80\xa8\n\r\r\n" + b"9" * 9000 + b"\n23 any\x00\n")
        result = self.check(UNKNOWN, "--lint", "-f", self.path)
        self.assertNotRegex(result.text, "[\x00-\x09\x0b-\x1f\x7f|;]")

    def test_many_rules(self):
        result = self.lint(OK, "".join("%d any\n" % port for port in range(1, 60001)), "-t", "60")
        self.assertEqual(result.first, "DUALSTACK OK: 60000 rules, no warnings")
        ranges = "".join("1-65535%s%s any\n" % (protocol, scope) for protocol in ("", "/udp")
                         for scope in ("", "@loopback", "@link", "@external"))
        result = self.lint(OK, ranges, "-t", "60")
        self.assertIn("never judges", result.text)

    def test_looks_at_no_socket(self):
        """A policy is checked wherever it is written."""
        self.sockets.listener("0.0.0.0", 2001)
        self.assertNotIn("2001", self.lint(OK, "22 any\ndefault closed").text)

    @dualstack.as_each_user
    def test_as_each_user(self, uid):
        result = self.lint(OK, WARNED[0][0], uid=uid)
        self.assertEqual(len(result.lines), 2)

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([dualstack.PROGRAM, "--lint", "-r", "22 any"], stdout=full, check=False)
        self.assertEqual(done.returncode, UNKNOWN)


if __name__ == "__main__":
    dualstack.main()
