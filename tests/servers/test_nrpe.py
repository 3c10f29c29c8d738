# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: iproute2 nagios-nrpe-plugin nagios-nrpe-server python3 util-linux
"""check_dualstack under a real NRPE: what of its verdicts arrives through each version of NRPE's packets."""

import os
import re
import subprocess
import unittest

import hosts  # before dualstack, which it finds
import nrpe
import dualstack
from dualstack import CRITICAL, OK, UNKNOWN, WARNING
from nrpe import PACKETS, POLICY, SMALL_PACKET

PROGRAM = hosts.PLUGINS + "/check_dualstack"
FIFO = "/etc/nagios/fifo"
MANY = 200
SILENT = "mapped=0;;;0 violations=%d;0;0;0 unlisted=%d;;;0"
SAMPLE_PERFDATA = SILENT + " ssh_mapped=0;;;0 web_mapped=0;;;0 agent_mapped=0;;;0"

# What the policies of these tests need beside packaging/nrpe/dualstack.cfg.
COMMANDS = """
command[own]=%(program)s -f /etc/nagios/own.conf
command[own_full]=%(program)s -f /etc/nagios/own.conf --perfdata=full
command[hangs]=%(program)s -f %(fifo)s
command[no_environment]=/usr/bin/env -i %(program)s -f /etc/nagios/own.conf
command[environment]=/usr/bin/env
command[descriptors]=/bin/ls -l /proc/self/fd
command[closed_output]=%(program)s -f /etc/nagios/own.conf 1>&-
""" % {"program": PROGRAM, "fifo": FIFO}


def directly(*args):
    """What the program prints to user nagios who runs it without NRPE."""
    done = subprocess.run(["setpriv", "--reuid=nagios", "--regid=nagios", "--init-groups", PROGRAM, *args],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, cwd="/",
                          env=hosts.BARE_ENVIRONMENT)
    return done.stdout.decode("utf-8")


class NrpeCase(unittest.TestCase):
    maxDiff = None
    local = ""
    address = "127.0.0.1"

    @classmethod
    def setUpClass(cls):
        hosts.install("dualstack.conf", POLICY)
        hosts.install("nrpe/dualstack.cfg", "/etc/nagios/nrpe.d/dualstack.cfg")
        hosts.write("/etc/nagios/nrpe.d/tests.cfg", COMMANDS)
        server = nrpe.Nrpe(cls.local, address=cls.address)
        cls.addClassCleanup(server.close)

    def setUp(self):
        self.services = hosts.Services()
        self.addCleanup(self.services.close)

    def own_policy(self, *rules):
        return hosts.write("/etc/nagios/own.conf", "".join(rule + "\n" for rule in rules))

    def answer(self, code, *question, **options):
        answer = nrpe.ask(*question, **options)
        self.assertEqual(answer.code, code, str(answer))
        return answer

    def through_each_packet(self, code, command, *lines):
        """The answer has these lines and no other, whatever packets it comes in."""
        for version, options in PACKETS.items():
            with self.subTest(packets=version):
                self.assertEqual(self.answer(code, command, *options).lines, list(lines))


class States(NrpeCase):
    """The files of packaging/, unchanged, as hosts differ. Nothing listens on 5665, which counts as a service too."""

    def web_server(self):
        self.services.listen("ssh.service", "0.0.0.0:22", "[::]:22")
        self.services.listen("nginx.service", "[::]:80 dual")

    def test_ok(self):
        self.web_server()
        self.services.listen("nginx.service", "[::]:443 dual")
        self.through_each_packet(
            OK, "check_dualstack",
            "DUALSTACK OK: 5 services on policy, 0 v4-mapped connections | " + SAMPLE_PERFDATA % (0, 0))

    def test_warning(self):
        self.web_server()
        self.services.listen("nginx.service", "[::]:443 dual")
        self.services.listen("java-app.service", "[::]:8080 dual")
        self.services.listen("postgresql@15-main.service", "127.0.0.1:5432")
        self.through_each_packet(
            WARNING, "check_dualstack",
            "DUALSTACK WARNING: 1 of 6 services off policy. 8080/tcp@external is dual-stack, must be closed | "
            + (SAMPLE_PERFDATA % (1, 1)).replace("=1;0;0;", "=1;0;1;"),
            "\\_[WARNING] 8080/tcp@external: dual-stack, must be closed: [::]:8080 (java-app.service) listens")

    def test_critical(self):
        self.web_server()
        self.services.listen("nginx.service", "0.0.0.0:443")
        self.through_each_packet(
            CRITICAL, "check_dualstack",
            "DUALSTACK CRITICAL: 1 of 5 services off policy. web 443/tcp is v4-only, must be dual-stack | "
            + SAMPLE_PERFDATA % (1, 0),
            "\\_[CRITICAL] web 443/tcp: v4-only, must be dual-stack: "
            "nothing accepts IPv6, only 0.0.0.0:443 (nginx.service)")

    def test_the_sample_has_no_mistake(self):
        """Nor would it have one with the rules that are commented out."""
        self.assertEqual(directly("--lint", "-f", POLICY), "DUALSTACK OK: 4 rules, no warnings\n")
        sample = hosts.read(POLICY)
        all_rules = self.own_policy(re.sub(r"^#(?=\d)", "", sample, flags=re.MULTILINE))
        self.assertEqual(directly("--lint", "-f", all_rules), "DUALSTACK OK: 6 rules, no warnings\n")

    def test_unknown(self):
        sample = hosts.read(POLICY)
        self.addCleanup(hosts.write, POLICY, sample)
        hosts.write(POLICY, "22 dual-stack name=ssh\n80,443 dualstack name=web\n")
        self.through_each_packet(UNKNOWN, "check_dualstack", *directly("-f", POLICY).splitlines())
        self.assertRegex(self.answer(UNKNOWN, "check_dualstack").first,
                         r"^DUALSTACK UNKNOWN: .*/etc/nagios/dualstack\.conf:2: .*dualstack")

    def test_what_to_change_in_its_lines(self):
        self.web_server()
        self.services.listen("nginx.service", "0.0.0.0:443")
        answer = self.answer(CRITICAL, "check_dualstack_verbose")
        self.assertIn("    to fix: listen on [::]:443 too, with IPV6_V6ONLY on (in nginx, for dual-stack: "
                      "listen 0.0.0.0:443 and listen [::]:443)", answer.lines)
        self.assertEqual(answer.text, directly("-v", "-f", POLICY))

    def test_a_mapped_connection_is_counted(self):
        self.web_server()
        self.services.listen("nginx.service", "[::]:443 dual")
        self.services.sockets.client("127.0.0.1", 443)
        self.services.sockets.client("::1", 443)
        self.through_each_packet(
            OK, "check_dualstack",
            "DUALSTACK OK: 5 services on policy, 1 v4-mapped connection | mapped=1;;;0 violations=0;0;0;0 unlisted=0;;;0 "
            "ssh_mapped=0;;;0 web_mapped=1;;;0 agent_mapped=0;;;0")


class Surroundings(NrpeCase):
    """What NRPE does to a plugin, and what the plugin must not do for it."""

    def test_many_broken_rules(self):
        """Half of them miss, half of them lack IPv6. v2 and v3 hold a part of that, the first line in any case."""
        ports = range(10000, 10000 + MANY)
        for port in ports[::2]:
            self.services.listen("legacy.service", "0.0.0.0:%d" % port)
        path = self.own_policy(*("%d dual-stack name=a-service-%d" % (port, port) for port in ports))
        text = directly("-f", path)
        first = text.splitlines()[0]
        self.assertRegex(first, r"^DUALSTACK CRITICAL: 200 of 200 services off policy\. .* and \d+ more \| %s$"
                         % SILENT % (MANY, 0))
        self.assertLess(len(first), SMALL_PACKET)
        self.assertGreater(len(text), 2 * SMALL_PACKET)
        for version, options in PACKETS.items():
            with self.subTest(packets=version):
                answer = self.answer(CRITICAL, "own", *options)
                self.assertEqual(answer.first, first)
                whole = text if version == "v4" else text[:SMALL_PACKET]
                self.assertEqual(answer.text.rstrip("\n"), whole.rstrip("\n"))

    def test_the_poll_itself_changes_no_verdict(self):
        """It is a connection to NRPE's port, native on the sockets that Debian's NRPE opens."""
        self.own_policy("5666 dual-stack name=nrpe form=split unit=%s mapped-critical=0" % nrpe.UNIT,
                        "default closed")
        idle = directly("-f", "/etc/nagios/own.conf")
        self.assertTrue(idle.startswith("DUALSTACK OK: 1 service on policy, 0 v4-mapped connections | "), idle)
        for address, family in (("127.0.0.1", 4), ("::1", 6)):
            for _ in range(10):
                self.assertEqual(self.answer(OK, "own", address=address).text, idle)
            seen = self.answer(OK, "own_full", address=address).first
            self.assertIn("nrpe_mapped=0;;0;0", seen)
            # Those before may not be gone yet, and this one is there.
            self.assertRegex(seen, r"nrpe_v%d=[1-9]" % family)

    def test_the_environment(self):
        """NRPE takes away the locale, for one. Where nothing is left the answer is the same."""
        variables = self.answer(OK, "environment").text
        self.assertIn("NRPE_PROGRAMVERSION=4.", variables)
        self.assertNotIn("LANG=", variables)
        self.own_policy("5666 dual-stack name=nrpe")
        self.assertEqual(self.answer(OK, "no_environment").text, self.answer(OK, "own").text)

    def test_the_socket_of_the_client_is_left_open(self):
        """The program inherits it, and leaves it alone: the answer is one, and whole."""
        self.assertRegex(self.answer(OK, "descriptors").text, r" -> socket:\[\d+\]")
        self.own_policy("5666 any name=nrpe")
        expected = "DUALSTACK OK: 1 service on policy, 0 v4-mapped connections | " + SILENT % (0, 0) \
            + " nrpe_mapped=0;;;0\n"
        for options in PACKETS.values():
            # A stray byte in the socket would break the encrypted stream.
            self.assertEqual(self.answer(OK, "own", *options).text, expected)

    def test_it_gives_up_before_check_nrpe_does(self):
        os.mkfifo(FIFO)
        self.addCleanup(os.unlink, FIFO)
        answer = self.answer(UNKNOWN, "hangs")
        self.assertEqual(answer.lines, ["DUALSTACK UNKNOWN: no answer within 8 seconds, while reading the policy"])

    def test_a_message_without_standard_output(self):
        """NRPE finds the pipe empty, and says so itself: UNKNOWN, never OK."""
        self.own_policy("5666 any name=nrpe")
        self.assertEqual(self.answer(UNKNOWN, "closed_output").first, "NRPE: Unable to read output")


class Listeners4(NrpeCase):
    local = "server_address=0.0.0.0\n"

    def test_ipv4_alone(self):
        self.own_policy("5666 v4-only name=nrpe")
        self.answer(OK, "own")
        self.own_policy("5666 dual-stack name=nrpe")
        self.assertEqual(self.answer(CRITICAL, "own").lines[1],
                         "\\_[CRITICAL] nrpe 5666/tcp: v4-only, must be dual-stack: "
                         "nothing accepts IPv6, only 0.0.0.0:5666 (%s)" % nrpe.UNIT)


class Listeners6(NrpeCase):
    local = "server_address=::\n"
    address = "::1"

    def test_ipv6_alone(self):
        self.own_policy("5666 v6-only name=nrpe")
        self.answer(OK, "own", address="::1")
        self.own_policy("5666 dual-stack name=nrpe")
        self.assertEqual(self.answer(CRITICAL, "own", address="::1").lines[1],
                         "\\_[CRITICAL] nrpe 5666/tcp: v6-only, must be dual-stack: "
                         "nothing accepts IPv4, only [::]:5666 (%s)" % nrpe.UNIT)


if __name__ == "__main__":
    dualstack.main()
