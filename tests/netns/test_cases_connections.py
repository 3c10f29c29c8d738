# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Whose a connection is, and over which family it came: situations that were answered wrong, one test each."""

import os
import re
import socket

import dualstack
from dualstack import CRITICAL, OK, UNKNOWN, WARNING, port_of

PORT = 4443


class ConnectionCase(dualstack.TestCase):
    network_wanted = False

    def outbound_from(self, port):
        """A v4-mapped connection that this host opened to another service, from the port."""
        remote = self.sockets.listener("0.0.0.0")
        sock = self.sockets.keep(socket.socket(socket.AF_INET6))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("::ffff:127.0.0.1", port))
        sock.connect(("::ffff:127.0.0.1", port_of(remote)))
        return sock

    def left_over(self, port):
        """An IPv4 client of a dual listener, in whose place is one of IPv6 alone by now."""
        dual = self.sockets.listener("::", port, v6only=False)
        pair = self.sockets.connection(dual, "127.0.0.1")
        dual.close()
        self.sockets.listener("::", port, v6only=True)
        return pair

    def rows(self, port):
        """JSON rows of --list whose local port it is, connections alone."""
        lines = self.check(OK, "--list", "--format=json").lines
        rows = [dualstack.json.loads(line) for line in lines[:-1]]
        return [row for row in rows if row["port"] == port and row["remote_port"] is not None]

    def expect_outbound(self, port, requirement):
        """In the check, its numbers, JSON and --list."""
        for uid in dualstack.users():
            result = self.check(OK, "-r", "%d %s name=web mapped-critical=0" % (port, requirement), "-c", "0",
                                "--perfdata=full", uid=uid)
            self.assertEqual([result.values[label][0] for label in ("mapped", "mapped_out", "web_mapped")],
                             ["0", "1", "0"])
            report = self.report("-r", "%d %s" % (port, requirement), uid=uid)
            self.assertEqual((report["totals"]["mapped"], report["totals"]["mapped_out"]), (0, 1))
            self.assertEqual(dualstack.service(report, port)["connections"]["ipv4_mapped"], 0)
        row, = [row for row in self.rows(port) if row["family"] == "inet6"]
        self.assertIn("outbound", row["note"])
        captured = self.check(OK, "--capture").bytes
        replayed = dualstack.run("--format=json", "--replay=-", "-r", "%d %s mapped-critical=0" % (port, requirement),
                                 stdin=captured)
        self.assertEqual((replayed.code, replayed.json["totals"]["mapped"]), (OK, 0), str(replayed))


class Direction(ConnectionCase):
    def test_outbound_from_the_port_of_a_v6only_listener(self):
        self.sockets.listener("::", PORT, v6only=True)
        self.outbound_from(PORT)
        self.expect_outbound(PORT, "v6-only")

    def test_left_over_from_a_dual_listener(self):
        self.left_over(PORT)
        self.expect_outbound(PORT, "v6-only")
        row, = [row for row in self.rows(PORT) if row["family"] == "inet6"]
        self.assertIn("listener that is gone", row["note"])

    def test_split(self):
        """Two sockets: the AF_INET one takes IPv4, so a mapped one is no client's."""
        self.sockets.listener("::", PORT, v6only=True)
        self.sockets.listener("127.0.0.2", PORT)
        self.outbound_from(PORT)
        self.expect_outbound(PORT, "any")

    def test_mapped_listener_of_another_address(self):
        self.sockets.listener("::ffff:127.0.0.2", PORT, v6only=False)
        self.outbound_from(PORT)
        self.expect_outbound(PORT, "v4-only")

    def test_listener_on_that_very_mapped_address(self):
        listener = self.sockets.listener("::ffff:127.0.0.1", PORT, v6only=False)
        self.sockets.connection(listener, "127.0.0.1")
        self.check(CRITICAL, "-r", "%d v4-only mapped-critical=0" % PORT)
        self.assertEqual(self.report()["totals"]["mapped"], 1)

    def test_listener_on_another_interface(self):
        """What a listener accepts has its interface: this one did not accept it."""
        dualstack.ip("link add ve0 type veth peer name ve1")
        listener = self.sockets.listener("::", PORT, v6only=False)
        self.sockets.connection(listener, "127.0.0.1")
        listener.close()
        listener = self.sockets.listener("::", PORT, v6only=False, device="ve0")
        totals = self.report("-r", "%d any" % PORT)["totals"]
        self.assertEqual((totals["mapped"], totals["mapped_out"]), (0, 1))
        listener.close()
        self.sockets.connection(self.sockets.listener("::", PORT, v6only=False, device="lo"), "127.0.0.1")
        totals = self.report("-r", "%d any" % PORT)["totals"]
        self.assertEqual((totals["mapped"], totals["mapped_out"]), (1, 1))

    def test_dual_listener(self):
        """What was right stays right."""
        listener = self.sockets.listener("::", PORT, v6only=False)
        self.sockets.connection(listener, "127.0.0.1")
        self.check(CRITICAL, "-r", "%d dual-stack mapped-critical=0" % PORT)

    def test_accepted_and_its_listener_closed(self):
        listener = self.sockets.listener("::", PORT, v6only=False)
        self.sockets.connection(listener, "127.0.0.1")
        listener.close()
        row, = [row for row in self.rows(PORT) if row["family"] == "inet6"]
        self.assertIn("listener that is gone", row["note"])
        self.assertIn("outbound", row["note"])
        self.assertIn("listener that is gone", self.check(OK, "--list", "-v").text)
        totals = self.report()["totals"]
        self.assertEqual((totals["mapped"], totals["mapped_out"]), (0, 1))


class Procfs(ConnectionCase):
    """/proc/net does not tell v6only: a v4-mapped connection is a hint, and proves nothing."""

    def expect_unknown(self):
        for uid in dualstack.users():
            for requirement, code in (("dual-stack", UNKNOWN), ("v4", UNKNOWN), ("v6-only", UNKNOWN), ("v6", OK),
                                      ("any", OK), ("v4-only", CRITICAL)):
                with self.subTest(requirement=requirement, uid=uid):
                    self.check(code, "--source=procfs", "-r", "%d %s" % (PORT, requirement), uid=uid)
            self.assertEqual(dualstack.service(self.report("--source=procfs", uid=uid), PORT)["stack"], "unknown")

    def test_outbound_is_no_proof(self):
        self.sockets.listener("::", PORT, v6only=True)
        self.outbound_from(PORT)
        self.expect_unknown()

    def test_left_over_is_no_proof(self):
        self.left_over(PORT)
        self.expect_unknown()

    def test_a_client_is_a_hint(self):
        """It is reported, and for the thresholds it could be one."""
        listener = self.sockets.listener("::", PORT, v6only=False)
        self.sockets.connection(listener, "127.0.0.1")
        self.expect_unknown()
        self.assertEqual(self.report("--source=procfs")["totals"]["mapped"], 1)
        self.check(CRITICAL, "--source=procfs", "-r", "%d any mapped-critical=0" % PORT)


class Counts(ConnectionCase):
    def clients(self, address, count):
        return [self.sockets.client(address, PORT) for _ in range(count)]

    def split(self):
        self.sockets.listener("0.0.0.0", PORT)
        self.sockets.listener("::", PORT, v6only=True)

    @dualstack.as_each_user
    def test_ipv4_clients_behind_two_sockets(self, uid):
        """None of them is mapped, and all of them still come over IPv4."""
        with dualstack.Sockets() as self.sockets:
            self.split()
            self.clients("127.0.0.1", 12)
            self.clients("::1", 3)
            report = self.report("-r", "%d dual-stack" % PORT, uid=uid)
            self.assertEqual(dualstack.service(report, PORT)["connections"], {"ipv4": 12, "ipv4_mapped": 0, "ipv6": 3})
            text = self.check(OK, "-vv", "-r", "%d dual-stack" % PORT, uid=uid).text
            self.assertIn("12 IPv4 connections", text)
            self.assertIn("0 of them mapped", text)

    @dualstack.as_each_user
    def test_thresholds_on_ipv4(self, uid):
        """Native and mapped together; a rule with such a threshold adds its number to the perfdata."""
        for listeners in ([("0.0.0.0", None), ("::", True)], [("::", False)]):
            with self.subTest(listeners=listeners), dualstack.Sockets() as self.sockets:
                for address, v6only in listeners:
                    self.sockets.listener(address, PORT, v6only=v6only)
                self.clients("127.0.0.1", 3)
                self.clients("::1", 2)
                rule = "%d dual-stack name=web " % PORT
                for options, code in (("ipv4-critical=2", CRITICAL), ("ipv4-warning=2", WARNING),
                                      ("ipv4-warning=2 ipv4-critical=5", WARNING), ("ipv4-critical=3", OK),
                                      ("ipv4-critical=@3", CRITICAL), ("ipv4-warning=4:", WARNING)):
                    result = self.check(code, "-r", rule + options, uid=uid)
                    self.assertEqual(result.values["web_ipv4"][0], "3")
                self.assertEqual(self.check(OK, "-r", rule + "ipv4-warning=10 ipv4-critical=20").values["web_ipv4"],
                                 ["3", "10", "20", "0"])
                self.assertNotIn("web_ipv4", self.check(OK, "-r", rule).values)
                report = self.report("-r", rule + "ipv4-critical=2", uid=uid)
                entry = dualstack.service(report, PORT)
                self.assertEqual((entry["state"], report["totals"]["violations"]), ("CRITICAL", 1))
                self.assertRegex(" ".join(entry["reasons"]), r"\b3 IPv4 connections")

    def test_ranges_of_ipv4_are_linted(self):
        for option in ("ipv4-warning=10:5", "ipv4-critical=x", "ipv4-critical="):
            self.check(UNKNOWN, "--lint", "-r", "%d any %s" % (PORT, option))
        self.check(OK, "--lint", "-r", "%d any ipv4-warning=5 ipv4-critical=10" % PORT)

    def test_established_alone(self):
        """CLOSE_WAIT and TIME_WAIT rows have mapped addresses too; they are no clients, and that is reported."""
        listener = self.sockets.listener("::", PORT, v6only=False)
        for _ in range(20):
            client, _ = self.sockets.connection(listener, "127.0.0.1")
            client.shutdown(socket.SHUT_WR)
        for _ in range(10):
            client, server = self.sockets.connection(listener, "127.0.0.1")
            server.close()
            self.assertEqual(client.recv(1), b"")
            client.close()
        states = {}
        for row in self.rows(PORT):
            states[row["state"]] = states.get(row["state"], 0) + 1
        self.assertEqual((states.get("CLOSE_WAIT"), states.get("TIME_WAIT")), (20, 10))
        self.check(OK, "-r", "%d dual-stack mapped-critical=0" % PORT, "-c", "0")
        # Lower case: not the state of a row.
        told = [line for line in self.check(OK, "--list", "-v").lines if not re.match("(tcp|udp)6? ", line)]
        self.assertRegex("\n".join(told), r"\bestablished\b")
        with open(os.path.join(dualstack.TOP_SRCDIR, "plugins/check_dualstack.1"), encoding="utf-8") as file:
            self.assertRegex(file.read(), r"(?s)v4-mapped connection.{0,600}\bestablished\b")


if __name__ == "__main__":
    dualstack.main()
