# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""UDP ports of clients, and servers that a policy must not trip over: situations that were answered wrong."""

import os
import re
import sys

import dualstack
from dualstack import CRITICAL, OK, UNKNOWN

sys.path.insert(0, os.path.join(dualstack.TOP_SRCDIR, "tests", "faults"))

import scenarios  # noqa: E402


class UdpCase(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        dualstack.sysctl("net.ipv4.ip_local_port_range", "40000 60999")

    def udp(self, port, *addresses):
        for address in addresses or ("0.0.0.0",):
            self.sockets.listener(address, port, protocol="udp", v6only=True if ":" in address else None)


class ClientPorts(UdpCase):
    def test_what_is_not_judged_is_counted(self):
        """WireGuard: two sockets on a port of the range that clients get theirs from."""
        self.udp(51820, "0.0.0.0", "::")
        for rule in ("default closed", "default/udp closed", "50000-52000/udp closed"):
            for uid in dualstack.users():
                with self.subTest(rule=rule, uid=uid):
                    result = self.check(OK, "-r", rule, uid=uid)
                    self.assertIn("2 UDP sockets on client ports not judged", result.text)
                    self.assertEqual(self.report("-r", rule, uid=uid)["totals"].get("unjudged_udp"), 2)

    def test_one_socket(self):
        self.udp(51820)
        self.assertIn("1 UDP socket on client ports not judged", self.check(OK, "-r", "default closed").text)

    def test_nothing_is_left_out(self):
        """By name, by a rule that says so, or because no rule would take it."""
        self.udp(51820, "0.0.0.0", "::")
        for rules, code in ((["51820/udp dual-stack"], OK), (["51820/udp closed"], CRITICAL),
                            (["default/udp closed ephemeral=yes"], CRITICAL),
                            (["50000-52000/udp closed ephemeral=yes"], CRITICAL),
                            (["50000-52000/udp dual-stack ephemeral=yes"], OK), (["default/tcp closed"], OK), ([], OK)):
            with self.subTest(rules=rules):
                args = [word for rule in rules for word in ("-r", rule)]
                self.assertNotIn("not judged", self.check(code, *args).text)
                self.assertEqual(self.report(*args)["totals"].get("unjudged_udp"), 0)

    def test_ephemeral_is_for_ranges_and_defaults(self):
        self.check(OK, "--lint", "-r", "default/udp closed ephemeral=yes")
        for rule in ("51820/udp closed ephemeral=yes", "default/udp closed ephemeral=no"):
            self.check(UNKNOWN, "--lint", "-r", rule)

    def test_replay(self):
        self.udp(51820, "0.0.0.0", "::")
        captured = self.check(OK, "--capture").bytes
        with dualstack.Namespace():
            result = dualstack.run("--replay=-", "-r", "default closed", stdin=captured)
            self.assertEqual(result.code, OK, str(result))
            self.assertIn("2 UDP sockets on client ports not judged", result.text)

    def test_reserved_ports(self):
        """Ports in ip_local_reserved_ports are never given to clients: what is there is a server."""
        dualstack.sysctl("net.ipv4.ip_local_port_range", "1024 65535")
        dualstack.sysctl("net.ipv4.ip_local_reserved_ports", "8000-8010,11211")
        self.udp(11211)
        for uid in dualstack.users():
            result = self.check(CRITICAL, "-r", "default closed", uid=uid)
            self.assertIn("11211/udp", result.text)
            self.assertNotIn("not judged", result.text)
        self.udp(8005)
        self.assertIn("8005/udp", self.check(CRITICAL, "-r", "8000-9000/udp closed").text)
        self.udp(8011)
        result = self.check(CRITICAL, "-r", "8000-9000/udp closed")
        self.assertNotIn("8011/udp", result.text)
        self.assertIn("1 UDP socket on client ports not judged", result.text)
        captured = self.check(OK, "--capture").bytes
        with dualstack.Namespace():
            result = dualstack.run("--replay=-", "-r", "default closed", stdin=captured)
            self.assertEqual(result.code, CRITICAL, str(result))
            self.assertIn("11211/udp", result.text)


class Units(UdpCase):
    """Programs with ports of their own choice: their unit says what they are."""

    def unit(self, name):
        cgroup = scenarios.Cgroup(name)
        if cgroup.path is None:
            self.skipTest("no cgroup can be made here (run as root of the machine)")
        self.addCleanup(cgroup.close)
        return cgroup

    def member(self, cgroup, *ports):
        member = scenarios.Member(cgroup, *ports)
        self.addCleanup(member.close)
        return member

    def test_resolvers_client_sockets(self):
        """dnsmasq with min-port=1024, Unbound with udp-connect: no."""
        name = "check_dualstack-%s.service" % dualstack.run_name()
        self.member(self.unit(name), "udp:53", "udp:20001", "udp:20002")
        self.udp(20003)
        for uid in dualstack.users():
            result = self.check(CRITICAL, "-r", "default/udp closed", uid=uid)
            self.assertEqual(result.values["violations"][0], "4")
            self.assertIn("except-unit=" + name, self.check(CRITICAL, "-v", "-r", "default/udp closed", uid=uid).text)
            for option in ("except-unit=" + name, "except-unit=other.service,check_dualstack-*.service"):
                with self.subTest(option=option, uid=uid):
                    result = self.check(CRITICAL, "-r", "default/udp closed " + option, uid=uid)
                    self.assertEqual(result.values["violations"][0], "1")
                    self.assertIn("20003/udp", result.text)
                    # A port by name is judged all the same.
                    self.check(CRITICAL, "-r", "53/udp closed", "-r", "default/udp closed " + option, uid=uid)
            self.check(CRITICAL, "-r", "default/udp closed except-unit=other.service", uid=uid)
            self.check(OK, "-r", "20000-20002/udp closed except-unit=" + name, uid=uid)
        self.assertIn("except-unit=", self.check(OK, "--learn").text)

    def test_except_unit_is_for_ranges_and_defaults(self):
        self.check(OK, "--lint", "-r", "default/udp closed except-unit=dnsmasq.service,unbound*.service")
        for rule in ("53/udp closed except-unit=x.service", "default/udp closed except-unit="):
            self.check(UNKNOWN, "--lint", "-r", rule)

    # A rule of many ports for the unit, commented out or not.
    SUGGESTION = re.compile(r"^#?\s*((?:default|\d+-\d+)\S*\s+[a-z].*\bunit=vsftpd\.service.*)$", re.MULTILINE)

    def test_passive_transfers(self):
        """None is under way when the policy is learned. That a unit may is a rule, which --learn of a known daemon
        suggests."""
        cgroup = self.unit("vsftpd.service")
        self.member(cgroup, 21)
        learned = self.check(OK, "--learn").text
        self.assertRegex(learned, self.SUGGESTION)
        path = os.path.join(dualstack.temporary_folder(), "learned.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.SUGGESTION.sub(r"\1", learned))
        self.check(OK, "-f", path)
        self.member(cgroup, 40123)
        self.check(OK, "-f", path)
        # Nobody else may.
        self.sockets.listener("0.0.0.0", 40124)
        self.assertIn("40124", dualstack.run("-f", path).text)


if __name__ == "__main__":
    dualstack.main()
