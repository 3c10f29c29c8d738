# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""The text a monitoring system stores: its shape, its performance data, its bounds, and what a policy makes of it."""

import os
import re
import socket
import subprocess
import time

import dualstack
from dualstack import CRITICAL, OK, PROGRAM, UNKNOWN, WARNING, port_of

TOTALS = ["mapped", "violations", "unlisted"]
LABEL = re.compile(r"[A-Za-z0-9_-]+\Z")
VALUE = re.compile(r"(\d+);([^;]*);([^;]*);0\Z")


class TextCase(dualstack.TestCase):
    network_wanted = False
    external_wanted = True

    def text(self, code, *args, **options):
        """Runs the program and holds its text to the shape that every text has."""
        result = self.check(code, *args, **options)
        self.assertTrue(result.first.startswith("DUALSTACK %s: " % dualstack.STATE_NAMES[code]), str(result))
        self.assertTrue(result.text.endswith("\n") and not result.text.endswith("\n\n"), repr(result.text[-40:]))
        self.assertEqual(result.text.count("|"), 1, "one bar, before the performance data")
        self.assertEqual(result.first.count(" | "), 1)
        self.assertNotRegex(result.text, r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f<>]")
        self.assertNotIn(";", result.prose + "".join(result.lines[1:]))
        self.assertEqual(result.perfdata, result.perfdata.strip())
        for item in result.perfdata.split(" "):
            label, _, value = item.partition("=")
            self.assertRegex(label, LABEL)
            self.assertRegex(value, VALUE)
        self.assertEqual(len(result.values), len(result.perfdata.split(" ")), "a label twice")
        for line in result.lines[1:]:
            self.assertRegex(line, r"\A(\\_\[(OK|WARNING|CRITICAL|UNKNOWN)\] .|    \S|\.\.\.)")
        if not any(arg.startswith("-v") for arg in args):
            self.assertLessEqual(len(result.bytes), 4096)
        return result

    def open(self, stack, port=0, protocol="tcp"):
        """Opens a service on all addresses; returns its port."""
        listeners = {"v4-only": [("0.0.0.0", None)], "v6-only": [("::", True)], "dual-stack": [("::", False)],
                     "split": [("::", True), ("0.0.0.0", None)]}[stack]
        for address, v6only in listeners:
            port = port_of(self.sockets.listener(address, port, v6only=v6only, protocol=protocol))
        return port


class Shape(TextCase):
    def test_ok_is_one_line(self):
        port = self.open("dual-stack")
        result = self.text(OK, "-r", "%d dual-stack name=web" % port)
        self.assertEqual(len(result.lines), 1)
        self.assertEqual(result.perfdata, "mapped=0;;;0 violations=0;0;0;0 unlisted=0;;;0 web_mapped=0;;;0")

    def test_a_finding_names_service_fact_rule_and_cause(self):
        port = self.open("v4-only")
        result = self.text(CRITICAL, "-r", "%d dual-stack name=web" % port)
        self.assertIn("web %d/tcp is v4-only, must be dual-stack" % port, result.prose)
        self.assertIn("1 of 1 service", result.prose)
        self.assertTrue(result.lines[1].startswith("\\_[CRITICAL] web %d/tcp: v4-only, must be dual-stack" % port))
        self.assertIn("0.0.0.0:%d" % port, result.lines[1])
        self.assertIn("nothing accepts IPv6", result.lines[1])

    def test_findings_on_every_kind_of_breach(self):
        """Each requirement against each stack: the exit code, and words for what is and what must be."""
        holds = {
            "closed": {"closed"},
            "v4-only": {"v4-only", "v4", "any"},
            "v6-only": {"v6-only", "v6", "any"},
            "dual-stack": {"dual-stack", "v4", "v6", "any"},
            "split": {"dual-stack", "v4", "v6", "any"},
        }
        for protocol in ("tcp", "udp"):
            for stack, fine in holds.items():
                port = dualstack.free_port(protocol) if stack == "closed" else self.open(stack, 0, protocol)
                for requirement in ("v4-only", "v6-only", "dual-stack", "v4", "v6", "any", "closed"):
                    with self.subTest(protocol=protocol, stack=stack, requirement=requirement):
                        rule = "%d/%s %s" % (port, protocol, requirement)
                        if requirement in fine:
                            self.text(OK, "-r", rule)
                            continue
                        result = self.text(CRITICAL, "-r", rule)
                        self.assertRegex(result.prose, r"%d/%s\b.*\bmust\b" % (port, protocol))
                        if requirement.endswith(("only", "stack", "closed")):
                            self.assertIn("must be " + requirement, result.prose)
                        if stack != "closed":
                            self.assertRegex(result.lines[1], r"(0\.0\.0\.0|\[::\]):%d" % port)
                            self.assertIn("dual-stack" if stack == "split" else stack, result.lines[1])

    def test_form(self):
        single, split = self.open("dual-stack"), self.open("split")
        self.text(OK, "-r", "%d dual-stack form=single" % single, "-r", "%d dual-stack form=split" % split)
        result = self.text(CRITICAL, "-r", "%d dual-stack form=split" % single)
        self.assertRegex(result.text, "single.*split|split.*single")
        self.text(CRITICAL, "-r", "%d dual-stack form=single" % split)

    def test_bind(self):
        everywhere, dual = self.open("v4-only"), self.open("dual-stack")
        local = port_of(self.sockets.listener("127.0.0.1"))
        mapped = port_of(self.sockets.listener("::ffff:127.0.0.1", v6only=False))
        for port, bind, code in ((local, "loopback", OK), (local, "127.0.0.0/8", OK), (local, "10.0.0.0/8", CRITICAL),
                                 (local, "10.0.0.0/8,loopback", OK), (local, "127.0.0.1", OK),
                                 (local, "::/0", CRITICAL),
                                 (mapped, "loopback", OK), (mapped, "127.0.0.0/8", OK), (mapped, "::/0", CRITICAL),
                                 (everywhere, "loopback", CRITICAL), (everywhere, "0.0.0.0/0", OK),
                                 (everywhere, "0.0.0.0/1", CRITICAL), (everywhere, "::/0", CRITICAL),
                                 (dual, "0.0.0.0/0", CRITICAL), (dual, "::/0", CRITICAL), (dual, "0.0.0.0/0,::/0", OK)):
            with self.subTest(port=port, bind=bind):
                result = self.text(code, "-r", "%d any bind=%s" % (port, bind))
                if code:
                    self.assertIn(bind, result.text)

    def test_severity_and_missing(self):
        port, free = self.open("v4-only"), dualstack.free_port()
        for rule, code in (("%d v6-only severity=warning" % port, WARNING),
                           ("%d v6-only severity=critical" % port, CRITICAL),
                           ("%d any" % free, CRITICAL), ("%d any severity=warning" % free, WARNING),
                           ("%d any missing=ok" % free, OK), ("%d any missing=warning" % free, WARNING),
                           ("%d any severity=warning missing=critical" % free, CRITICAL),
                           ("%d-%d any" % (free, free), OK),
                           ("%d-%d any missing=critical" % (free, free), CRITICAL), ("%d closed" % free, OK)):
            with self.subTest(rule=rule):
                self.text(code, "-r", rule)
        result = self.text(CRITICAL, "-r", "%d dual-stack name=gone" % free)
        self.assertIn("gone %d/tcp" % free, result.prose)
        self.assertRegex(result.text, r"nothing listens")
        self.assertIn("must be dual-stack", result.prose)

    def test_the_worst_state_wins(self):
        port = self.open("v4-only")
        result = self.text(CRITICAL, "-r", "%d v6-only severity=warning" % port, "-r", "%d any" % dualstack.free_port(),
                           "-r", "%d/udp closed" % dualstack.free_port("udp"))
        self.assertEqual(result.values["violations"][0], "2")
        self.assertEqual([re.match(r"\\_\[(\w+)\]", line)[1] for line in result.lines[1:]
                          if line.startswith("\\_")][0], "CRITICAL", "the worst first")

    def test_note_stands_beside_a_breach(self):
        port = self.open("v4-only")
        self.assertIn("OPS-1234", self.text(CRITICAL, "-r", "%d v6-only note=OPS-1234" % port).text)
        self.assertNotIn("OPS-1234", self.text(OK, "-r", "%d v4-only note=OPS-1234" % port).text)

    def test_waived(self):
        port = self.open("v4-only")
        result = self.text(OK, "-r", "%d v6-only name=old waive-until=2099-12-31 note=OPS-9" % port)
        self.assertRegex(result.text, r"waived")
        self.assertEqual(result.values["violations"][0], "0")
        detail = self.text(OK, "-v", "-r", "%d v6-only name=old waive-until=2099-12-31" % port)
        self.assertTrue(any("old %d/tcp" % port in line and "waived" in line and "2099-12-31" in line
                            for line in detail.lines[1:]), str(detail))
        result = self.text(CRITICAL, "-r", "%d v6-only name=old waive-until=2020-01-01" % port)
        self.assertEqual(result.values["violations"][0], "1")
        # What is in order needs no waiver.
        self.assertNotIn("waived", self.text(OK, "-r", "%d v4-only waive-until=2099-12-31" % port).text)
        # A waiver covers its own rule alone.
        other = self.open("v4-only")
        result = self.text(CRITICAL, "-r", "%d v6-only waive-until=2099-12-31" % port, "-r", "%d v6-only" % other)
        self.assertEqual(result.values["violations"][0], "1")

    def test_violations_have_the_colour_of_the_state(self):
        """A monitoring system colours a value by its own thresholds: by those, it must be as bad as what was found."""
        for rules, code in ((["v4-only"], OK), (["v6-only severity=warning"], WARNING), (["v6-only"], CRITICAL),
                            (["v6-only severity=warning", "v6-only severity=warning"], WARNING),
                            (["v6-only severity=warning", "v6-only"], CRITICAL),
                            (["v6-only severity=warning", "v4-only"], WARNING)):
            with self.subTest(rules=rules):
                result = self.text(code, *(word for rule in rules
                                           for word in ("-r", "%d %s" % (self.open("v4-only"), rule))))
                value, warning, critical, _ = map(int, result.values["violations"])
                self.assertEqual(code, CRITICAL if value > critical else WARNING if value > warning else OK)

    def test_one_line_for_carriers_of_one_line(self):
        """--details=none: the first line of the whole answer, whatever is wrong, and nothing else."""
        port = self.open("v4-only")
        folder = os.path.join(dualstack.TOP_SRCDIR, "tests", "data", "captures")
        for code, args in ((OK, ("-r", "%d v4-only" % port)), (CRITICAL, ("-r", "%d v6-only" % port)),
                           (CRITICAL, ("-v", "-r", "%d v6-only" % port)),
                           (UNKNOWN, ("-r", "1 nonsense", "-r", "2 nonsense")), (UNKNOWN, ("--nonsense",)),
                           (UNKNOWN, ("--lint", "-r", "1 nonsense", "-r", "2 nonsense")),
                           (OK, ("--lint", "-r", "%d any waive-until=2020-01-01" % port)),
                           (UNKNOWN, ("--replay=" + folder,))):
            with self.subTest(args=args):
                whole = dualstack.run("--details=auto", *args)
                self.assertEqual(whole.text, dualstack.run(*args).text)
                self.assertEqual(whole.code, code, str(whole))
                result = dualstack.run("--details=none", *args)
                self.assertEqual((result.code, result.text), (code, whole.first + "\n"))

    def test_details_are_of_text_alone(self):
        args = ("--format=json", "--replay=" + os.path.join(dualstack.TOP_SRCDIR, "tests", "data", "captures"))
        self.assertEqual(dualstack.timeless(dualstack.run("--details=none", *args)),
                         dualstack.timeless(dualstack.run(*args)))
        self.assertIn("\n", dualstack.run("--details=none", "--help").text[:-1])

    def test_unlisted(self):
        listed, unlisted = self.open("v4-only"), self.open("v4-only")
        rules = ["-r", "%d v4-only name=a" % listed]
        self.text(OK, *rules)
        result = self.text(WARNING, *rules, "-r", "default closed severity=warning")
        self.assertEqual(result.perfdata, "mapped=0;;;0 violations=1;0;1;0 unlisted=1;;;0 a_mapped=0;;;0")
        self.assertRegex(result.prose, r"\b%d/tcp is v4-only, must be closed" % unlisted)
        result = self.text(CRITICAL, "-r", "%d v6-only name=a" % listed, "-r", "default closed severity=warning")
        self.assertEqual([result.values[label][0] for label in TOTALS], ["0", "2", "1"])
        self.text(OK, *rules, "-r", "default v4-only")
        self.text(OK, *rules, "-r", "default closed", "-r", "default/tcp any")
        self.text(OK, *rules, "-r", "default/udp closed")
        self.text(OK, *rules, "-r", "default@loopback closed")

    def test_defaults_by_nearness(self):
        self.open("v4-only")
        self.text(OK, "-r", "default closed", "-r", "default@external v4-only")
        self.text(CRITICAL, "-r", "default any", "-r", "default@external v6-only")
        # The one with a protocol is nearer than the one with a scope.
        self.text(OK, "-r", "default@external closed", "-r", "default/tcp v4-only")

    def test_udp_ports_of_clients_are_judged_by_name_only(self):
        dualstack.sysctl("net.ipv4.ip_local_port_range", "40000 50000")
        inside, outside = 45000, 39000
        for port in (inside, outside):
            self.open("v4-only", port, "udp")
        self.text(CRITICAL, "-r", "default closed")
        self.text(OK, "-r", "default closed", "-r", "%d/udp v4-only" % outside)
        self.text(OK, "-r", "44000-46000/udp closed")
        self.text(CRITICAL, "-r", "38000-39500/udp closed")
        self.text(CRITICAL, "-r", "%d/udp closed" % inside)
        self.text(OK, "-r", "%d/udp v4-only" % inside)
        self.open("v4-only", inside)
        self.text(CRITICAL, "-r", "44000-46000/tcp closed")

    def test_scopes_split_a_service(self):
        port = port_of(self.sockets.listener("127.0.0.1"))
        self.sockets.listener("::", port, v6only=True)
        self.text(OK, "-r", "%d@loopback v4-only" % port, "-r", "%d v6-only name=rest" % port)
        self.text(CRITICAL, "-r", "%d@loopback v6-only" % port, "-r", "%d v6-only name=rest" % port)
        self.text(CRITICAL, "-r", "%d@link any" % port)
        # Without a scope: all that no rule with a scope takes. If that is none, it is missing.
        self.text(CRITICAL, "-r", "%d@loopback any" % port, "-r", "%d@external any name=out" % port,
                  "-r", "%d any name=rest" % port)

    def test_single_port_beats_range_then_scope_beats_none(self):
        port = self.open("v4-only")
        span = "%d-%d" % (port - 1, port + 1)
        self.text(OK, "-r", "%d v4-only" % port, "-r", span + " v6-only")
        self.text(OK, "-r", "%d v4-only" % port, "-r", span + "@external v6-only missing=ok")
        self.text(OK, "-r", span + "@external v4-only", "-r", span + " v6-only name=b")
        self.text(CRITICAL, "-r", span + " v6-only")

    def test_verbose(self):
        good, bad = self.open("dual-stack"), self.open("v4-only")
        rules = ["-r", "%d dual-stack name=good" % good, "-r", "%d dual-stack name=bad" % bad]
        texts = [self.text(CRITICAL, *rules, *(["-" + "v" * level] if level else [])) for level in range(4)]
        for less, more in zip(texts, texts[1:]):
            self.assertLess(len(less.lines), len(more.lines))
            self.assertEqual(less.perfdata, more.perfdata)
        self.assertNotIn("good", "\n".join(texts[0].lines[1:]))
        self.assertTrue(any(line.startswith("\\_[OK] good %d/tcp" % good) for line in texts[1].lines))
        # What to change.
        self.assertRegex(texts[1].text, r"IPV6_V6ONLY|BindIPv6Only=|listen (on )?\[::\]:%d" % bad)
        self.assertNotRegex(texts[0].text, r"IPV6_V6ONLY|BindIPv6Only=")
        # The evidence of each listener, then what was asked of the kernel.
        self.assertTrue(any("[::]:%d" % good in line and "v6only" in line for line in texts[2].lines), str(texts[2]))
        self.assertIn("netlink", "\n".join(texts[3].lines[1:]) + texts[3].prose)

    def test_verbose_without_a_policy(self):
        port = self.open("dual-stack")
        self.assertTrue(any("%d/tcp" % port in line and "dual-stack" in line for line in self.text(OK, "-v").lines[1:]))

    def test_nothing_listens_at_all(self):
        self.assertEqual(self.text(OK).perfdata, "mapped=0;;;0 violations=0;0;0;0 unlisted=0;;;0")

    def test_remedy_for_every_direction(self):
        """With -v each breach of a family says what to change."""
        for stack, requirement in (("v4-only", "dual-stack"), ("v6-only", "dual-stack"), ("dual-stack", "v6-only"),
                                   ("dual-stack", "v4-only"), ("v6-only", "v4-only")):
            with self.subTest(stack=stack, requirement=requirement):
                port = self.open(stack)
                plain = self.text(CRITICAL, "-r", "%d %s" % (port, requirement))
                told = self.text(CRITICAL, "-v", "-r", "%d %s" % (port, requirement))
                self.assertGreater(len(told.text), len(plain.text))
                if requirement == "v4-only":
                    self.assertIn("to fix: listen on 0.0.0.0:%d in place of [::]:%d" % (port, port), told.text)
                else:
                    self.assertRegex(told.text, r"to fix: .*(IPV6_V6ONLY|BindIPv6Only=)")


class Perfdata(TextCase):
    def connect(self, port, *addresses):
        for address in addresses:
            self.sockets.client(address, port)

    def test_values_and_order(self):
        ssh, web, old = self.open("dual-stack"), self.open("v4-only"), self.open("dual-stack")
        self.connect(ssh, "127.0.0.1", "127.0.0.1", "::1")
        self.connect(web, "127.0.0.1")
        self.connect(old, "127.0.0.1")
        result = self.text(WARNING, "-r", "%d v4-only name=zz mapped-critical=0" % web, "-w", "0:1", "-c", "0:9",
                           "-r", "%d dual-stack name=ssh mapped-warning=0:5 mapped-critical=@10:" % ssh)
        # The total is of the judged services alone.
        self.assertEqual(result.perfdata, "mapped=2;1;9;0 violations=0;0;0;0 unlisted=0;;;0 zz_mapped=0;;0;0 "
                                          "ssh_mapped=2;5;@10:;0")
        self.assertEqual(self.text(OK).values["mapped"][0], "3", "of all when nothing is judged")

    def test_thresholds_of_a_rule(self):
        port = self.open("dual-stack")
        self.connect(port, "127.0.0.1", "127.0.0.1")
        for option, code in (("mapped-critical=2", OK), ("mapped-critical=1", CRITICAL), ("mapped-warning=1", WARNING),
                             ("mapped-warning=1 mapped-critical=1", CRITICAL), ("mapped-warning=3:", WARNING),
                             ("mapped-critical=@2:2", CRITICAL), ("severity=warning mapped-critical=1", CRITICAL)):
            with self.subTest(option=option):
                result = self.text(code, "-r", "%d dual-stack name=x %s" % (port, option))
                self.assertEqual(result.values["violations"][0], "1" if code else "0")
                if code:
                    self.assertRegex(result.prose, r"x %d/tcp.*\b2\b.*mapped" % port)

    def test_a_rule_over_several_ports_sums_what_it_judges(self):
        one, other = self.open("dual-stack"), self.open("dual-stack")
        self.connect(one, "127.0.0.1")
        self.connect(other, "127.0.0.1", "127.0.0.1")
        result = self.text(OK, "-r", "%d,%d dual-stack name=both" % (one, other))
        self.assertEqual((result.values["mapped"][0], result.values["both_mapped"][0]), ("3", "3"))
        result = self.text(OK, "-r", "%d,%d dual-stack name=both" % (min(one, other), max(one, other)),
                           "-r", "1-65535 any name=all")
        self.assertEqual((result.values["both_mapped"][0], result.values["all_mapped"][0]), ("3", "0"))

    def test_labels_depend_on_the_policy_alone(self):
        port, free = self.open("dual-stack"), dualstack.free_port()
        rules = ["-r", "%d dual-stack name=b" % port, "-r", "%d any name=a missing=warning" % free,
                 "-r", "1000-1010/udp closed", "-r", "default/udp any", "-w", "5"]
        for perfdata in ([], ["--perfdata=full"], ["--perfdata=totals"]):
            seen = [list(self.text(WARNING, *rules, *perfdata).values)]
            with dualstack.Sockets() as sockets:
                sockets.listener("0.0.0.0", free)
                sockets.listener("0.0.0.0", 1005, protocol="udp")
                self.connect(port, "127.0.0.1")
                seen.append(list(self.text(CRITICAL, *rules, *perfdata).values))
            self.assertEqual(seen[0], seen[1])
        self.assertEqual(list(self.text(WARNING, *rules).values),
                         TOTALS + ["b_mapped", "a_mapped", "udp_1000-1010_mapped"])

    def test_default_names(self):
        for rule, label in (("443 any", "tcp_443"), ("443/udp any", "udp_443"), ("80,443/tcp any", "tcp_80_443"),
                            ("8000-8099 any", "tcp_8000-8099"), ("443@loopback any", "tcp_443_loopback")):
            self.assertEqual(list(self.text(OK, "-r", rule + " missing=ok").values), TOTALS + [label + "_mapped"])

    def test_variants(self):
        dual, ipv4 = self.open("dual-stack"), self.open("v4-only")
        self.connect(dual, "127.0.0.1", "127.0.0.1", "::1")
        self.connect(ipv4, "127.0.0.1", "::ffff:127.0.0.1")
        rules = ["-r", "%d dual-stack name=d" % dual, "-r", "%d v4-only name=i" % ipv4]
        self.assertEqual(self.text(OK, "--perfdata=totals", *rules).perfdata,
                         "mapped=2;;;0 violations=0;0;0;0 unlisted=0;;;0")
        mapped = self.text(OK, "--perfdata=mapped", *rules)
        self.assertEqual(mapped.perfdata, "mapped=2;;;0 violations=0;0;0;0 unlisted=0;;;0 d_mapped=2;;;0 i_mapped=0;;;0")
        self.assertEqual(mapped.perfdata, self.text(OK, *rules).perfdata)
        full = self.text(OK, "--perfdata=full", *rules).values
        self.assertEqual(list(full)[4:], ["d_mapped", "d_v4", "d_v6", "i_mapped", "i_v4", "i_v6"])
        self.assertEqual(sorted(list(full)[:4]), sorted(TOTALS + ["mapped_out"]))
        self.assertEqual({label: value[0] for label, value in full.items()}, {
            "mapped": "2", "mapped_out": "1", "violations": "0", "unlisted": "0",
            "d_mapped": "2", "d_v4": "0", "d_v6": "1", "i_mapped": "0", "i_v4": "2", "i_v6": "0"})

    def test_more_than_forty_rules(self):
        rules = [word for port in range(1, 41) for word in ("-r", "%d any missing=ok" % port)]
        self.assertEqual(len(self.text(OK, *rules, "-r", "default any").values), 3 + 40)
        rules += ["-r", "41 any missing=ok"]
        self.assertEqual(list(self.text(OK, *rules).values), TOTALS)
        self.assertEqual(len(self.text(OK, *rules, "--perfdata=mapped").values), 3 + 41)
        self.assertEqual(len(self.text(OK, *rules, "--perfdata=full").values), 4 + 3 * 41)

    def test_connected_udp_counts(self):
        """A connected UDP socket on the service's port is an inbound connection."""
        server = self.sockets.listener("::", 4000, protocol="udp", v6only=False, reuseport=True)
        accepted = self.sockets.listener("::", 4000, protocol="udp", v6only=False, reuseport=True)
        accepted.connect(("::ffff:127.0.0.1", 4001))
        self.assertEqual(port_of(server), 4000)
        result = self.text(OK, "-r", "4000/udp dual-stack name=u")
        self.assertEqual((result.values["mapped"][0], result.values["u_mapped"][0]), ("1", "1"))


class Bounds(TextCase):
    NAME = "abcdefghij%02d"

    def rules(self, count, requirement, options=""):
        """One v4-only service and one rule each."""
        args = []
        for number in range(count):
            args += ["-r", "%d %s name=%s%s" % (self.open("v4-only", 20000 + number), requirement, self.NAME % number,
                                                options)]
        return args

    def test_first_line_for_twenty_rules(self):
        rules = self.rules(20, "dual-stack", " mapped-warning=10 mapped-critical=20")
        result = self.text(CRITICAL, *rules, "-w", "100", "-c", "200")
        self.assertEqual(len(result.values), 3 + 20)
        self.assertLessEqual(len(result.first.encode()), 1000)
        self.assertEqual(result.values["abcdefghij19_mapped"], ["0", "10", "20", "0"])
        # A reader gets a few findings, and how many more there are.
        more = re.search(r"\.\.\. and (\d+) more", result.prose)
        self.assertTrue(more, result.prose)
        self.assertEqual(result.prose.count("must be") + int(more[1]), 20)
        self.assertLessEqual(len(result.prose), 200)

    def test_first_line_for_twenty_rules_with_everything_off(self):
        """The same with other breaches, ports of five digits and longer prose."""
        rules = []
        for number in range(20):
            rules += ["-r", "%d dual-stack name=%s note=%s" % (60000 + number, self.NAME % number, "n" * 200)]
        result = self.text(CRITICAL, *rules)
        self.assertLessEqual(len(result.first.encode()), 1000)
        self.assertEqual(len(result.values), 3 + 20)

    def test_details_are_bounded(self):
        result = self.text(CRITICAL, *self.rules(100, "dual-stack"))
        self.assertLessEqual(len(result.bytes), 4096)
        self.assertGreater(len(result.bytes), 3000, "no need to hide so much")
        shown = [line for line in result.lines[1:] if line.startswith("\\_[CRITICAL] ")]
        more = re.fullmatch(r"\.\.\. and (\d+) more", result.lines[-1])
        self.assertTrue(more, result.lines[-1])
        self.assertEqual(len(shown) + int(more[1]), 100)
        self.assertEqual(result.values["violations"][0], "100")

    def test_default_rule_and_hundreds_of_services(self):
        for number in range(300):
            self.open("v4-only", 20000 + number)
        result = self.text(CRITICAL, "-r", "default closed")
        self.assertEqual([result.values[label][0] for label in TOTALS], ["0", "300", "300"])
        self.assertLessEqual(len(result.bytes), 4096)
        self.assertRegex(result.lines[-1], r"\A\.\.\. and \d+ more\Z")

    def test_one_write(self):
        """Each write becomes a message of its own."""
        rules = self.rules(60, "dual-stack")
        for args in (rules, ["-r", "1 closed"], rules + ["-v"], ["-r", "0 any"]):
            reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with reader, writer:
                done = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE,
                                      env=dualstack.environment(), timeout=30, check=False)
                writer.close()
                messages = []
                while True:
                    message = reader.recv(1 << 20)
                    if not message:
                        break
                    messages.append(message)
            self.assertEqual((done.stderr, len(messages)), (b"", 1))
            self.assertTrue(messages[0].endswith(b"\n"))

    def test_free_text_is_harmless(self):
        port = self.open("v4-only")
        for note in ("a|b;c<d>e", "<b>bold</b>", "\u2028\u0085x", "`$(id)`", "\u202e", "x" * 5000):
            with self.subTest(note=note[:20]):
                result = dualstack.run("-r", "%d v6-only note=%s" % (port, note))
                if result.code == UNKNOWN:  # the grammar may refuse it
                    self.assertNotRegex(result.text, r"[|;<>\r\0]")
                else:
                    self.text(CRITICAL, "-r", "%d v6-only note=%s" % (port, note))

    def test_file_names_are_harmless(self):
        folder = os.fsencode(dualstack.temporary_folder())
        for name in (b"a|b;c<d>e", b"\xff\xfe", b"new\nline\r", b"\x1b[31m", b"x" * 255, "ünïcode".encode()):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(b"0 any\n")
            for args in ((b"-f", path), (b"-f", path + b"/x")):
                with self.subTest(args=args):
                    result = self.check(UNKNOWN, *args)
                    self.assertNotRegex(result.text, r"[|;<>\x00-\x09\x0b-\x1f\x7f-\x9f]")
                    self.assertTrue(result.first.startswith("DUALSTACK UNKNOWN: "))

    def test_same_situation_same_words(self):
        """No process ids, no times, nothing that changes from run to run."""
        port = self.open("v4-only")
        args = ["-r", "%d dual-stack" % port, "-r", "default closed", "-vvv"]
        first = self.text(CRITICAL, *args).text
        self.sockets.close()
        self.open("v4-only", port)
        self.assertEqual(self.text(CRITICAL, *args).text, first)


class SecondLook(TextCase):
    """A restarting daemon does not page anybody: what is missing is looked for twice, 50 ms apart."""

    def judged(self, port, absence):
        """Closes the listener, lets the program look, listens again after `absence` seconds.

        The program waits for its policy on standard input, so that its own start takes no part in the timing. Returns
        its exit code, text, how long it took, and for how long nothing had listened since the policy was sent."""
        process = subprocess.Popen([PROGRAM, "-f", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=dualstack.environment())
        try:
            dualstack.eventually(lambda: dualstack.awaits_input(process.pid), "the program waits for its policy", 20)
            self.sockets.close()
            start = time.monotonic()
            process.stdin.write(b"%d v4-only\n" % port)
            process.stdin.close()
            process.stdin = None
            if absence is not None:
                time.sleep(absence)
                self.open("v4-only", port)
            absent = time.monotonic() - start
            out, err = process.communicate(timeout=20)
            took = time.monotonic() - start
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.assertEqual(err, b"")
        return process.returncode, out.decode(), took, absent

    def test_a_restart_does_not_page(self):
        port = self.open("v4-only")
        looked_twice = 0
        valid = 0
        for _ in range(40):
            code, text, took, absent = self.judged(port, 0.02)
            if absent > 0.035:
                continue  # this machine was too slow to restart the listener in time
            valid += 1
            looked_twice += took >= 0.05
            self.assertEqual(code, OK, text)
            if valid == 10 and looked_twice:
                break
        self.assertGreaterEqual(valid, 5, "this machine is too slow for the test")
        self.assertGreater(looked_twice, 0, "the program never saw the listener missing, so this shows nothing")

    def test_what_stays_away_is_reported_after_the_second_look(self):
        port = self.open("v4-only")
        code, text, took, _ = self.judged(port, None)
        self.assertEqual(code, CRITICAL, text)
        self.assertGreaterEqual(took, 0.05)

    @dualstack.not_under_valgrind("a clock")
    def test_what_is_there_needs_no_second_look(self):
        """A breach by something that listens cannot vanish by waiting."""
        present = ["-r", "%d closed" % self.open("v6-only")]
        missing = ["-r", "%d any" % dualstack.free_port()]
        # In turns, for a machine that is busy by then may not be so later.
        pairs = [(self.timed(*present), self.timed(*present, *missing)) for _ in range(10)]
        at_once, twice = map(min, zip(*pairs))
        self.assertGreaterEqual(twice - at_once, 0.04)

    def timed(self, *args):
        start = time.monotonic()
        self.check(CRITICAL, *args)
        return time.monotonic() - start


if __name__ == "__main__":
    dualstack.main()
