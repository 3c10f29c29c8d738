# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What people type who know another tool, or mistype: each is one error with its place, and a word that leads on."""

import os

import dualstack
from dualstack import UNKNOWN, WARNING

RUNS_HERE = "checks the host it runs on"

# A rule, words of the sentence about it, and what leads to what is right.
RULES = (
    # Ports.
    ("80;443 any", "not a port", "80,443"),
    ("80+443 any", "not a port", "80,443"),
    ("80&443 any", "not a port", "80,443"),
    ("80 443 any", "commas", "80,443"),
    ("80, 443 any", "commas", "80,443"),
    ("80 ,443 any", "commas", "80,443"),
    ("80 , 443 any", "commas", "80,443"),
    ("80; 443 any", "commas", "80,443"),
    ("80/443 any", "'/443'", "80,443"),
    ("80,,443 any", "empty item", "80,443"),
    ("80, any", "empty item", "80,443"),
    ("80,443,80 any", "port 80", "name it once"),
    ("8000:8099 any", "8000:8099", "8000-8099"),
    ("8000..8099 any", "8000..8099", "8000-8099"),
    ("8000...8099 any", "8000...8099", "8000-8099"),
    ("8000~8099 any", "8000~8099", "8000-8099"),
    ("8000\u20138099 any", "8000\u20138099", "8000-8099"),
    ("8000 - 8099 any", "no blanks", "8000-8099"),
    ("8000 -8099 any", "no blanks", "8000-8099"),
    ("8099-8000 any", "backwards", "8000-8099"),
    ("8000- any", "'8000-'", "8000-8099"),
    ("1024+ any", "1024+", "1024-65535"),
    ("0 any", "port 0", "1 to 65535"),
    ("65536 any", "port 65536", "1 to 65535"),
    ("080 any", "zero", "write 80"),
    ("0.0.0.0:443 any", "0.0.0.0:443", "443, addresses go in bind="),
    ("[::]:443 any", "[::]:443", "443, addresses go in bind="),
    ("*:443 any", "*:443", "443, addresses go in bind="),
    ("HTTPS any", "'HTTPS'", "did you mean https?"),
    ("htps any", "neither a port nor a tcp service", "a number such as 443"),
    ("default; closed", "'default;'", "did you mean default?"),
    ("Default closed", "'Default'", "did you mean default?"),
    ("defualt closed", "'defualt'", "did you mean default?"),
    ("* closed", "'*'", "default closed"),
    ("all closed", "'all'", "default closed"),
    ("any closed", "'any'", "default closed"),
    ("rest closed", "'rest'", "default closed"),
    ("*/udp closed", "'*'", "default closed"),
    # Protocol.
    ("tcp/443 any", "one word", "443/tcp"),
    ("443:tcp any", "one word", "443/tcp"),
    ("tcp:443 any", "one word", "443/tcp"),
    ("443 tcp", "one word", "443/tcp"),
    ("443 tcp any", "one word", "443/tcp"),
    ("443 UDP any", "one word", "443/udp"),
    ("443 /tcp any", "one word", "443/tcp"),
    ("tcp 443 any", "one word", "443/tcp"),
    ("udp 53 any", "one word", "53/udp"),
    ("https tcp any", "one word", "https/tcp"),
    ("80/tcp,443/tcp any", "one protocol", "80,443/tcp"),
    ("80/tcp,443 any", "one protocol", "80,443/tcp"),
    ("53/tcp,53/udp any", "'/tcp,53/udp'", "a rule for each protocol"),
    ("53/tcp/udp any", "'/tcp/udp'", "a rule for each protocol"),
    ("53/tcp+udp any", "'/tcp+udp'", "a rule for each protocol"),
    ("53/both any", "'/both'", "a rule for each protocol"),
    ("53/any any", "'/any'", "a rule for each protocol"),
    ("443/TCP any", "'/TCP'", "did you mean /tcp?"),
    ("443/tpc any", "'/tpc'", "did you mean /tcp?"),
    ("443/sctp any", "'/sctp'", "/tcp or /udp"),
    ("443/ any", "'/'", "/tcp or /udp"),
    ("443/tcp6 any", "'/tcp6'", "/tcp or /udp"),
    # Scope.
    ("443@Loopback any", "'@Loopback'", "did you mean @loopback?"),
    ("443@lo any", "'@lo'", "did you mean @loopback?"),
    ("443@extrenal any", "'@extrenal'", "did you mean @external?"),
    ("443@eth0 any", "'@eth0'", "@loopback, @link or @external"),
    ("443@127.0.0.1 any", "'@127.0.0.1'", "bind="),
    ("443@udp any", "'@udp'", "/udp"),
    ("443 @loopback any", "one word", "443@loopback"),
    # Requirement.
    ("443", "no requirement", "443 dual-stack"),
    ("443 name=web", "no requirement", "443 dual-stack"),
    ("443 dualstack", "'dualstack'", "did you mean dual-stack?"),
    ("443 dual_stack", "'dual_stack'", "did you mean dual-stack?"),
    ("443 Dual-Stack", "'Dual-Stack'", "did you mean dual-stack?"),
    ("443 dual", "'dual'", "did you mean dual-stack?"),
    ("443 dual stack", "one word", "dual-stack"),
    ("443 both", "'both'", "did you mean dual-stack?"),
    ("443 ipv4-only", "'ipv4-only'", "did you mean v4-only?"),
    ("443 IPv4-only", "'IPv4-only'", "did you mean v4-only?"),
    ("443 v6only", "'v6only'", "did you mean v6-only?"),
    ("443 v4 only", "one word", "v4-only"),
    ("443 IPv6", "'IPv6'", "did you mean v6?"),
    ("443 ipv4", "'ipv4'", "did you mean v4?"),
    ("443 close", "'close'", "did you mean closed?"),
    ("443 none", "'none'", "did you mean closed?"),
    ("443 open", "'open'", "did you mean any?"),
    ("443 ignore", "'ignore'", "any missing=ok"),
    ("443 optional", "'optional'", "any missing=ok"),
    ("443 nonsense", "'nonsense'", "v4-only, v6-only, dual-stack, v4, v6, any or closed"),
    ("dual-stack 443", "come before", "443 dual-stack"),
    ("443 v4 v6", "'v6'", "dual-stack"),
    # Options.
    ("443 any severity = warning", "no blanks", "severity=warning"),
    ("443 any severity= warning", "no blanks", "severity=warning"),
    ("443 any severity =warning", "no blanks", "severity=warning"),
    ("443 any severity warning", "'severity'", "severity=warning"),
    ("443 any severity:warning", "'severity:warning'", "severity=warning"),
    ("443 any warning", "'warning'", "severity=warning"),
    ("443 any serverity=warning", "'serverity='", "did you mean severity=?"),
    ("443 any Severity=warning", "'Severity='", "did you mean severity=?"),
    ("443 any waive_until=2027-01-31", "'waive_until='", "did you mean waive-until=?"),
    ("443 any mapped_warning=5", "'mapped_warning='", "did you mean mapped-warning=?"),
    ("443 any mapped=5", "'mapped='", "mapped-warning="),
    ("443 any colour=red", "'colour='", "name=, severity="),
    ("443 any severity=unknown", "'unknown'", "warning or critical"),
    ("443 any severity=ok", "'ok'", "warning or critical"),
    ("443 any severity=warn", "severity=warn:", "did you mean severity=warning?"),
    ("443 any severity=CRITICAL", "severity=CRITICAL:", "did you mean severity=critical?"),
    ("443 any severity=", "no value", "give it one"),
    ("443 any missing=yes", "'yes'", "warning, critical or ok"),
    ("443 closed missing=ok", "makes no sense with closed", "leave it out"),
    ("443 any reach=local", "'local'", "none, loopback, link or external"),
    ("443 any reach=lo", "reach=lo:", "did you mean reach=loopback?"),
    ("443 dual-stack reach=none", "makes no sense with dual-stack", "any reach=none"),
    ("443 any form=split", "only with dual-stack", "leave it out"),
    ("443 dual-stack form=mixed", "'mixed'", "split or single"),
    ("443 any note=\"please ask\"", "'ask\"'", "note=please-ask"),
    ("443 any note=please ask", "'ask'", "note=please-ask"),
    ("443 any name=\"web\"", "quotes", "name=web"),
    ("443 any name='web'", "quotes", "name=web"),
    ("443 any name=web, severity=warning", "blanks", "name=web"),
    ("443 any name=web; severity=warning", "blanks", "name=web"),
    ("443 any name=my.web", "name=my.web", "name=my_web"),
    ("443 any name=" + "x" * 25, "too long", "24 letters"),
    ("443 any name=a name=b", "twice", "write it once"),
    ("default closed name=rest", "does not go with default", "leave it out"),
    ("443 any mapped-warning=10:5", "backwards", "5:10"),
    ("443 any mapped-critical=5-10", "not a threshold range", "5:10"),
    ("443 any mapped-critical=>5", "not a threshold range", "write 5"),
    ("443 any ipv4-warning=5x", "not a threshold range", "5:10"),
    ("443 any bind=lo", "bind=lo", "loopback"),
    ("443 any bind=localhost", "bind=localhost", "did you mean loopback?"),
    ("443 any bind=eth0", "bind=eth0", "%eth0"),
    ("443 any bind=[::1]", "brackets", "::1"),
    ("443 any bind=external", "bind=external", "@external"),
    ("443 any bind=loopback, link", "no blanks", "bind=loopback,link"),
    ("443 any bind=10.0.0.0/33", "bind=10.0.0.0/33", "0 to 32"),
    ("443 any bind=10.0.0.0/255.0.0.0", "bind=10.0.0.0/255.0.0.0", "0 to 32"),
    ("443 any bind=10.0.0.1/8", "bits", "10.0.0.0/8"),
    ("443 any user=no-such-user", "not a user of this host", "a user id"),
    ("443 any waive-until=2027/1/31", "not a day", "2027-01-31"),
    ("443 any waive-until=20270131", "not a day", "2027-01-31"),
    ("443 any waive-until=31.01.2027", "not a day", "YYYY-MM-DD"),
    ("443 any waive-until=2027-02-30", "not a day", "YYYY-MM-DD"),
    # What is not a rule.
    ("; comment", "';'", "comments start with #"),
    ("// comment", "'//'", "comments start with #"),
    ("443 any ; comment", "';'", "comments start with #"),
    ("443\u00a0any", "U+00A0", "write a plain blank"),
    ("443 any\u00a0name=web", "U+00A0", "write a plain blank"),
    ("443 any note=OPS-1\u00a0severity=warning", "U+00A0", "write a plain blank"),
    ("443\u2009any", "U+2009", "write a plain blank"),
    ("\u200b443 any", "U+200B", "delete it"),
    ("443 any name=web\ufeff", "U+FEFF", "delete it"),
    ("'443 any'", "quote", "without quotes"),
    ("\"443 any\"", "quote", "without quotes"),
    ("-r '443 any'", "'-r'", "443 dual-stack"),
    ("--rule=443", "'--rule=443'", "443 dual-stack"),
    ("[check_dualstack]", "ini file", "--extra-opts"),
    ("name=web 443 any", "'name=web'", "443 dual-stack name=web"),
    ("443 any and more", "'and'", "KEY=VALUE"),
)

# Arguments, and likewise.
COMMANDS = (
    (["-H", "web2"], "-H", RUNS_HERE),
    (["--hostname=web2"], "--hostname", RUNS_HERE),
    (["--host=web2"], "--hosts needs --replay", "the host it runs on"),
    (["--max-age=7"], "--max-age needs --replay", "the host it runs on"),
    (["--max-age=1w", "--replay=d"], "'1w'", "whole days"),
    (["--details=one"], "'one'", "did you mean none?"),
    (["--list", "--baseline=d"], "--baseline does not go with --list", "a check"),
    (["-p", "443"], "-p", "-r '443 dual-stack'"),
    (["--port", "443"], "--port", "-r '443 dual-stack'"),
    (["-6"], "-6", "-r '443 v6'"),
    (["-4"], "-4", "-r '443 v4'"),
    (["--config=good.conf"], "--config", "-f"),
    (["--polcy", "good.conf"], "--polcy", "did you mean --policy?"),
    (["--Policy", "good.conf"], "--Policy", "did you mean --policy?"),
    (["--time-out=5"], "--time-out", "did you mean --timeout?"),
    (["--extra_opts"], "--extra_opts", "did you mean --extra-opts?"),
    (["--li"], "--li is ambiguous", "--list or --lint"),
    (["--l"], "--l is ambiguous", "--list, --learn or --lint"),
    (["--bogus"], "--bogus", "--help"),
    (["-list"], "-list", "did you mean --list?"),
    (["-policy=good.conf"], "-policy=good.conf", "did you mean --policy?"),
    (["-rule", "443 any"], "two dashes", "--rule"),
    (["-f=good.conf"], "without =", "-f good.conf"),
    (["-f"], "needs a value", "-f FILE"),
    (["-r"], "needs a value", "-r RULE"),
    (["-vr"], "needs a value", "-r RULE"),
    (["-w"], "needs a value", "-w RANGE"),
    (["--policy"], "needs a value", "--policy=FILE"),
    (["--verbose=2"], "takes no value", "leave it out"),
    (["good.conf"], "'good.conf'", "-f good.conf"),
    (["--lint", "good.conf"], "'good.conf'", "-f good.conf"),
    (["--lint=good.conf"], "'good.conf'", "-f"),
    (["--learn", "good.conf"], "'good.conf'", "redirect standard output"),
    (["--capture", "web.json"], "'web.json'", "redirect standard output"),
    (["--replay", "d/a.json", "d/b.json", "d/c.json"], "'d/b.json'", "--replay=d"),
    (["443", "dual-stack"], "'443'", "-r '443 dual-stack'"),
    (["-r", "443", "dual-stack", "name=web"], "'dual-stack'", "-r '443 dual-stack name=web'"),
    (["-r", "22 any", "443 any"], "'443 any'", "-r '443 any'"),
    (["--list", "-f", "good.conf"], "--policy does not go with --list", "a check and --lint"),
    (["--capture", "-f", "good.conf"], "--policy does not go with --capture", "a check and --lint"),
    (["--learn", "-f", "good.conf"], "--policy does not go with --learn", "a check and --lint"),
    (["--learn", "-r", "443 any"], "--rule does not go with --learn", "a check and --lint"),
    (["--list", "-w", "5"], "--warning does not go with --list", "a check and --lint"),
    (["--lint", "--netns=blue"], "--netns does not go with --lint", "--list"),
    (["--list", "--perfdata=full"], "--perfdata does not go with --list", "a check"),
    (["--list", "--learn"], "--list and --learn", "choose one"),
    (["--replay=d", "--source=netlink"], "--source", "--replay judges captures"),
    (["-f", "-", "-f", "-"], "standard input", "name a file for one"),
    (["-f", "good.conf", "-f", "good.conf"], "good.conf is given twice", "once"),
    (["-f", "gone.conf"], "gone.conf:", "No such file"),
    (["-f", "comments.conf"], "comments.conf: has no rules", "443 dual-stack"),
    (["-f", "good.conf", "-f", "comments.conf"], "comments.conf: has no rules", "443 dual-stack"),
    (["-f", "good.conf", "-f", "more.conf"], "more.conf:2: port 443/tcp is already judged", "good.conf:1"),
    (["-f", "nul.conf"], "nul.conf: is not a text file", "NUL byte in line 2"),
    (["-w", "10:5"], "backwards", "5:10"),
    (["-w", "5-10"], "'5-10'", "5:10"),
    (["-c", "ten"], "'ten'", "5:10"),
    (["-t", "8s"], "'8s'", "8 or 8:critical"),
    (["-t", "8:crit"], "'crit'", "did you mean critical?"),
    (["--format=JSON"], "'JSON'", "did you mean json?"),
    (["--format=yaml"], "'yaml'", "use text, json"),
    (["--source=proc"], "'proc'", "did you mean procfs?"),
    (["--perfdata=all"], "'all'", "totals, mapped or full"),
    (["--replay=empty.json"], "empty.json: is empty", "did the capture fail?"),
    (["--replay=good.conf"], "good.conf: is not a capture of check_dualstack", "JSON object"),
    (["--replay=report.json"], "report.json: is not a capture of check_dualstack", "--capture"),
)

FILES = {
    "good.conf": "443 any\n",
    "more.conf": "# more\n443 v6 name=b\n",
    "comments.conf": "# 443 any\n",
    "nul.conf": "443 any\n80 any\0\n",
    "empty.json": "",
    "report.json": "{\"plugin\": \"check_dualstack\"}",
}


class Mistakes(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        self.folder = dualstack.temporary_folder()
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def error(self, args, code=UNKNOWN, usage=False):
        """The one sentence; below it at most the usage."""
        result = self.check(code, *args, cwd=self.folder)
        self.assertTrue(result.first.startswith("DUALSTACK UNKNOWN: "), str(result))
        self.assertEqual([line[:10] for line in result.lines[1:]], ["    Usage:"] * usage, str(result))
        self.assertNotRegex(result.text, r"[|;<>]")
        self.assertNotIn("... and", result.first)
        return result.first[len("DUALSTACK UNKNOWN: "):]

    def test_there_are_enough(self):
        self.assertGreater(len(RULES) + len(COMMANDS), 120)
        self.assertEqual(len({row[0] for row in RULES}), len(RULES))

    def test_rules(self):
        """On the command line, in a file, and by --lint; as they were typed in JSON."""
        for rule, words, right in RULES[::len(RULES) // dualstack.share(len(RULES))]:
            with self.subTest(rule=rule):
                sentence = self.error(["-r", rule])
                self.assertTrue(sentence.startswith("--rule 1: "), sentence)
                self.write("policy.conf", "22 any\n\n%s\n23 closed\n" % rule)
                self.assertTrue(self.error(["-f", "policy.conf"]).startswith("policy.conf:3: "))
                result = self.check(UNKNOWN, "--lint", "-f", "policy.conf", cwd=self.folder)
                self.assertEqual(result.first, "DUALSTACK UNKNOWN: 1 error in the policy")
                self.assertTrue(result.lines[1].startswith("\\_[UNKNOWN] policy.conf:3: "), str(result))
                self.assertIn(right, result.lines[1])
                self.assertIn(right, sentence)
                report = self.report("--lint", "-f", "policy.conf", cwd=self.folder)
                self.assertEqual(len(report["errors"]), 1)
                self.assertIn(words, report["errors"][0])

    def test_commands(self):
        for args, words, right in COMMANDS[::len(COMMANDS) // dualstack.share(len(COMMANDS))]:
            with self.subTest(args=args):
                # What is wrong in a file is no matter of usage.
                sentence = self.error(args, usage=not any(words.startswith(name) and ":" in words for name in FILES)
                                      and not words.startswith("gone.conf"))
                self.assertIn(words, sentence)
                self.assertIn(right, sentence)

    def test_strict(self):
        for args, words in ((["-r", "443 any unit=nginx"], "unit=nginx.service"),
                            (["-r", "443 any waive-until=2020-01-01"], "renew"),
                            (["-r", "443 any mapped-warning=10 mapped-critical=5"], "never fires"),
                            (["-r", "443 any", "-w", "10", "-c", "5"], "--critical fires first")):
            with self.subTest(args=args):
                result = self.check(WARNING, "--lint=strict", *args)
                self.assertEqual(len(result.lines), 2, str(result))
                self.assertIn(words, result.lines[1])

    def test_one_name_of_a_thousand_rules(self):
        self.write("policy.conf", "".join("%d any name=web\n" % port for port in range(1, 1001)))
        result = self.check(UNKNOWN, "--lint", "-f", "policy.conf", cwd=self.folder)
        self.assertEqual(result.lines[1:], [
            "\\_[UNKNOWN] policy.conf:%d: name web is already used at policy.conf:1: rename one with name=" % line
            for line in range(2, 1001)])

    def test_users_of_another_host(self):
        """A replay goes by the names in the capture, whatever numbers they have here."""
        capture = os.path.join(dualstack.TOP_SRCDIR, "tests", "data", "captures", "good-web.json")
        with open(capture, encoding="utf-8") as file:
            captured = dualstack.json.load(file)
        for listener in captured["listeners"]:
            listener.update(uid=4711, user="bind-elsewhere")
        self.write("capture.json", dualstack.json.dumps(captured))
        for user, code in (("bind-elsewhere", dualstack.OK), ("4711", dualstack.OK), ("root", dualstack.CRITICAL),
                           ("4712", dualstack.CRITICAL), ("nobody-anywhere", dualstack.CRITICAL)):
            with self.subTest(user=user):
                self.check(code, "-r", "443 any user=" + user, "--replay=capture.json", cwd=self.folder)


if __name__ == "__main__":
    dualstack.main()
