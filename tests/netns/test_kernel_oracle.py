# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What the program says of real sockets, against what connect() and datagrams find, from this host and a neighbour."""

import collections
import contextlib
import errno
import os
import random
import socket
import unittest

import dualstack
from dualstack import CRITICAL, OK, UNKNOWN, Network, port_of, stack_of

SEED = int(os.environ.get("DUALSTACK_SEED", "20261122"))
SERVICES = 400
DEVICE = Network.DEVICE


def sock(address, protocol="tcp", **options):
    return address, dict(options, protocol=protocol)


# Listeners of one service, and its stack, form and lopsidedness as README and man page promise them.
ROWS = [
    ("0.0.0.0", [sock("0.0.0.0")], "v4-only", None, False),
    ("[::], v6only", [sock("::", v6only=True)], "v6-only", None, False),
    ("[::], not v6only", [sock("::", v6only=False)], "dual-stack", "single", False),
    ("127.0.0.1", [sock("127.0.0.1")], "v4-only", None, False),
    ("::1, v6only set off", [sock("::1", v6only=False)], "v6-only", None, False),
    ("2001:db8::1, v6only set off", [sock("2001:db8::1", v6only=False)], "v6-only", None, False),
    ("mapped loopback", [sock("::ffff:127.0.0.1", v6only=False)], "v4-only", None, False),
    ("mapped external", [sock("::ffff:192.0.2.1", v6only=False)], "v4-only", None, False),
    ("mapped wildcard", [sock("::ffff:0.0.0.0", v6only=False)], "v4-only", None, False),
    ("split", [sock("0.0.0.0"), sock("::", v6only=True)], "dual-stack", "split", False),
    ("split on loopback", [sock("127.0.0.1"), sock("::1")], "dual-stack", "split", False),
    ("split of external addresses", [sock("192.0.2.1"), sock("2001:db8::1")], "dual-stack", "split", False),
    ("split of wildcard and address", [sock("0.0.0.0"), sock("2001:db8::1")], "dual-stack", "split", False),
    ("mapped and v6only", [sock("::ffff:0.0.0.0", v6only=False), sock("::", v6only=True)],
     "dual-stack", "split", False),
    ("mixed by SO_REUSEPORT", [sock("0.0.0.0", reuseport=True), sock("::", v6only=False, reuseport=True)],
     "dual-stack", "mixed", False),
    ("group of SO_REUSEPORT", [sock("::", v6only=False, reuseport=True)] * 4, "dual-stack", "single", False),
    ("lopsided, IPv6 on loopback", [sock("0.0.0.0"), sock("::1")], "v4-only", None, True),
    ("lopsided, IPv4 on loopback", [sock("127.0.0.1"), sock("::", v6only=True)], "v6-only", None, True),
    ("lopsided, IPv4 mapped on loopback", [sock("::ffff:127.0.0.1", v6only=False), sock("2001:db8::1")],
     "v6-only", None, True),
    ("lopsided, IPv6 on the link", [sock("192.0.2.1"), sock("fe80::7:1%" + DEVICE)], "v4-only", None, True),
    ("lopsided, IPv4 on loopback, IPv6 on the link", [sock("127.0.0.1"), sock("fe80::7:1%" + DEVICE)],
     "v6-only", None, True),
    ("link-local IPv6", [sock("fe80::7:1%" + DEVICE)], "v6-only", None, False),
    ("link-local IPv4", [sock("169.254.7.1")], "v4-only", None, False),
    ("link-local of both families", [sock("169.254.7.1"), sock("fe80::7:1%" + DEVICE)], "dual-stack", "split", False),
    ("bound to lo", [sock("::", v6only=False, device="lo")], "dual-stack", "single", False),
    ("bound to the interface", [sock("::", v6only=False, device=DEVICE)], "dual-stack", "single", False),
    ("bound to lo beside a wildcard of IPv4", [sock("0.0.0.0"), sock("::", v6only=True, device="lo")],
     "v4-only", None, True),
]
TCP_ONLY_ROWS = [
    ("MPTCP dual", [sock("::", v6only=False, mptcp=True)], "dual-stack", "single", False),
    ("MPTCP v6only", [sock("::", v6only=True, mptcp=True)], "v6-only", None, False),
    ("MPTCP IPv4", [sock("0.0.0.0", mptcp=True)], "v4-only", None, False),
]
SCOPES = {
    "127.0.0.1": "loopback", "127.0.0.2": "loopback", "::1": "loopback", "::ffff:127.0.0.1": "loopback",
    "169.254.7.1": "link", "::ffff:169.254.7.1": "link", "fe80::7:1": "link",
}


def scope_of(address, options):
    if options.get("device") == "lo":
        return "loopback"
    return SCOPES.get(address.partition("%")[0], "external")


class Oracle(dualstack.TestCase):
    """Rows of the table, one by one."""

    def open(self, sockets, listeners, protocol):
        """All listeners of a service on one port."""
        opened = []
        for address, options in listeners:
            opened.append(sockets.listener(address, port_of(opened[0]) if opened else 0,
                                           **dict(options, protocol=protocol)))
        return opened

    def compare(self, row, protocol):
        name, listeners, stack, form, lopsided = row
        with self.subTest(row=name, protocol=protocol), dualstack.Sockets() as sockets:
            try:
                opened = self.open(sockets, listeners, protocol)
            except OSError as error:
                if error.errno == errno.EPROTONOSUPPORT and listeners[0][1].get("mptcp"):
                    self.skipTest("this kernel has no MPTCP")
                raise
            port = port_of(opened[0])
            found = self.oracle.reaches(port, protocol, opened)
            self.assertEqual(stack_of(*found), (stack, lopsided), "the kernel itself disagrees with the table")
            for uid in dualstack.users():
                entry = dualstack.service(self.report(uid=uid), port, protocol)
                self.assertIsNotNone(entry, "not listed for uid %s" % uid)
                self.assertEqual((entry["stack"], entry["form"], entry["lopsided"]), (stack, form, lopsided))
                self.assertEqual(sorted((listener["family"], listener["scope"], listener["sockets"])
                                        for listener in entry["listeners"]),
                                 sorted(self.expected_listeners(listeners)))

    @staticmethod
    def expected_listeners(listeners):
        alike = collections.Counter((address, tuple(sorted(options.items()))) for address, options in listeners)
        return [("inet6" if ":" in address else "inet", scope_of(address, dict(options)), count)
                for (address, options), count in alike.items()]

    def test_tcp(self):
        for row in ROWS + TCP_ONLY_ROWS:
            self.compare(row, "tcp")

    def test_udp(self):
        for row in ROWS:
            self.compare(row, "udp")

    def test_accepts_of_each_listener(self):
        """The evidence: v6only as the kernel gives it, and what it means."""
        for address, v6only, told, accepts in (
                ("0.0.0.0", None, None, ["ipv4"]), ("::", True, True, ["ipv6"]),
                ("::", False, False, ["ipv4", "ipv6"]), ("::1", False, True, ["ipv6"]),
                ("::ffff:127.0.0.1", False, False, ["ipv4"])):
            for protocol in ("tcp", "udp"):
                with self.subTest(address=address, v6only=v6only, protocol=protocol), dualstack.Sockets() as sockets:
                    port = port_of(sockets.listener(address, v6only=v6only, protocol=protocol))
                    listener, = dualstack.service(self.report(), port, protocol)["listeners"]
                    self.assertEqual((listener["v6only"], listener["accepts"], listener["port"]),
                                     (told, accepts, port))

    def test_interface_is_named(self):
        for device in ("lo", DEVICE):
            with dualstack.Sockets() as sockets:
                port = port_of(sockets.listener("::", v6only=False, device=device))
                listener, = dualstack.service(self.report(), port)["listeners"]
                self.assertEqual(listener["interface"], device)
        listener = self.sockets.listener("fe80::7:1%" + DEVICE)
        entry, = dualstack.service(self.report(), port_of(listener))["listeners"]
        self.assertEqual((entry["address"].partition("%")[0], entry["interface"], entry["scope"]),
                         ("fe80::7:1", DEVICE, "link"))

    def test_lopsided_says_so(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        self.sockets.listener("::1", port)
        result = self.check(CRITICAL, "-r", "%d dual-stack" % port)
        self.assertIn("v4-only outside loopback, IPv6 on [::1] only", result.text)
        self.check(OK, "-r", "%d v4-only" % port)
        self.check(CRITICAL, "-r", "%d v6-only" % port)
        # Each scope by itself is what it is.
        self.check(OK, "-r", "%d@loopback v6-only" % port, "-r", "%d@external v4-only name=out" % port)

    def test_link_scope_in_rules(self):
        port = port_of(self.sockets.listener("fe80::7:1%" + DEVICE))
        self.check(OK, "-r", "%d v6-only bind=link" % port)
        self.check(OK, "-r", "%d@link v6-only" % port)
        self.check(CRITICAL, "-r", "%d v6-only bind=loopback" % port)
        self.check(CRITICAL, "-r", "%d@external v6-only" % port)


class NotListening(dualstack.TestCase):
    """Sockets that hold a port and accept nobody."""

    def assert_closed(self, port, protocol, servers=()):
        self.assertEqual(self.oracle.reaches(port, protocol, servers), (None, None))
        for uid in dualstack.users():
            report = self.report("-r", "%d/%s closed" % (port, protocol), uid=uid)
            self.assertEqual(report["state"], "OK", report)
            self.assertEqual(dualstack.service(report, port, protocol)["stack"], "closed")
            self.assertIsNone(dualstack.service(self.report(uid=uid), port, protocol), "listed though nothing listens")

    def test_bound_only(self):
        for address in ("0.0.0.0", "::"):
            self.assert_closed(port_of(self.sockets.listener(address, v6only=":" in address or None, listen=False)),
                               "tcp")

    def test_connected_udp(self):
        for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            server = self.sockets.listener("::", protocol="udp", v6only=False)
            client = self.sockets.client(address, port_of(server), protocol="udp")
            self.assert_closed(port_of(client), "udp", [client])

    def test_udp_server_that_connects(self):
        """A UDP socket on a fixed port is no listener any more once it is connected, and is one again afterwards."""
        peer = self.sockets.listener("127.0.0.1", protocol="udp")
        server = self.sockets.listener("0.0.0.0", 4000, protocol="udp")
        self.assertEqual(dualstack.service(self.report(), 4000, "udp")["stack"], "v4-only")
        server.connect(peer.getsockname())
        self.assert_closed(4000, "udp", [server])
        dualstack.libc("connect", server.fileno(), b"\0" * 16, 16)  # AF_UNSPEC
        # The kernel keeps a port that was bound, so it listens again.
        self.assertEqual(stack_of(*self.oracle.reaches(4000, "udp", [server]))[0], "v4-only")
        self.assertEqual(dualstack.service(self.report(), 4000, "udp")["stack"], "v4-only")

    def test_time_wait(self):
        """The server closes first and keeps TIME-WAIT with a mapped peer on its port: no service, no connection."""
        listener = self.sockets.listener("::", v6only=False)
        port = port_of(listener)
        client, server = self.sockets.connection(listener, "127.0.0.1")
        listener.close()
        server.close()
        self.assertEqual(client.recv(1), b"")
        client.close()

        def time_wait():
            with open("/proc/net/tcp6", encoding="ascii") as file:
                return any(line.split()[1].endswith(":%04X" % port) and line.split()[3] == "06"
                           for line in file.readlines()[1:])
        dualstack.eventually(time_wait, "TIME-WAIT on port %d" % port)
        self.assert_closed(port, "tcp")
        self.assertEqual(self.report("-r", "%d closed" % port)["totals"]["mapped"], 0)
        # With the listener back, TIME-WAIT is still no connection.
        self.sockets.listener("::", port, v6only=False)
        report = self.report("-r", "%d dual-stack" % port)
        self.assertEqual((report["state"], report["totals"]["mapped"]), ("OK", 0))
        self.assertTrue(time_wait(), "too slow: TIME-WAIT is over")

    def test_connection_in_the_backlog(self):
        """Nobody has accepted it, and it counts: the peer believes that it is connected."""
        listener = self.sockets.listener("::", v6only=False)
        port = port_of(listener)
        for address in ("127.0.0.1", "192.0.2.1"):
            self.sockets.client(address, port)
        self.sockets.client("::1", port)
        for uid in dualstack.users():
            entry = dualstack.service(self.report("-r", "%d dual-stack" % port, uid=uid), port)
            self.assertEqual(entry["connections"], {"ipv4": 0, "ipv4_mapped": 2, "ipv6": 1})

    def test_half_open_and_closing(self):
        """CLOSE-WAIT and FIN-WAIT are not established."""
        listener = self.sockets.listener("::", v6only=False)
        port = port_of(listener)
        client, server = self.sockets.connection(listener, "127.0.0.1")
        self.assertEqual(self.report("-r", "%d dual-stack" % port)["totals"]["mapped"], 1)
        server.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")
        self.assertEqual(self.report("-r", "%d dual-stack" % port)["totals"]["mapped"], 0)

    def test_client_is_no_service(self):
        """The local port of a client is not a service of this host, and its connection is outbound."""
        with self.network.neighbour:
            listener = self.sockets.listener("0.0.0.0", 4443)
        self.assertEqual(port_of(listener), 4443)
        client = self.sockets.client("::ffff:192.0.2.2", 4443)
        self.assert_no_service(port_of(client))
        totals = self.report()["totals"]
        self.assertEqual((totals["mapped"], totals["mapped_out"]), (0, 1))

    def test_connection_of_a_former_listener(self):
        """What none of the port's listeners could have accepted is outbound, and proves nothing of them."""
        former = self.sockets.listener("::", v6only=False)
        port = port_of(former)
        self.sockets.connection(former, "127.0.0.1")
        former.close()
        self.sockets.listener("::", port, v6only=True)
        for uid in dualstack.users():
            report = self.report("-r", "%d v6-only mapped-critical=0" % port, uid=uid)
            self.assertEqual(report["state"], "OK")
            self.assertEqual(dualstack.service(report, port)["connections"], {"ipv4": 0, "ipv4_mapped": 0, "ipv6": 0})
            self.assertEqual((report["totals"]["mapped"], report["totals"]["mapped_out"]), (0, 1))
        # Without v6only it could be inbound, and is a hint at most.
        self.check(UNKNOWN, "--source=procfs", "-r", "%d dual-stack" % port)
        self.check(UNKNOWN, "--source=procfs", "-r", "%d v6-only" % port)

    def test_interface_of_a_connection(self):
        """A listener that is bound to an interface accepts what comes in there."""
        self.sockets.listener("::", 4100, v6only=False, device="lo", reuseport=True)
        self.sockets.listener("::", 4100, v6only=True, reuseport=True)
        self.sockets.client("127.0.0.1", 4100)
        totals = self.report("-r", "4100 any")["totals"]
        self.assertEqual((totals["mapped"], totals["mapped_out"]), (1, 0))

    def assert_no_service(self, port):
        self.assertIsNone(dualstack.service(self.report(), port))
        self.check(OK, "-r", "%d closed" % port)


IPV4 = ["0.0.0.0", "0.0.0.0", "127.0.0.1", "127.0.0.2", "192.0.2.1", "192.0.2.3", "169.254.7.1"]
IPV6 = ["::", "::", "::", "::1", "2001:db8::1", "fe80::7:1%" + DEVICE, "::ffff:127.0.0.1", "::ffff:192.0.2.1",
        "::ffff:0.0.0.0"]
WILDCARDS = ("0.0.0.0", "::")


def random_socket(chance, protocol, several, mptcp):
    """An address and options for Sockets.listener(); `several` share their port, `mptcp` is whether the kernel has it."""
    address = chance.choice(IPV4 if chance.random() < 0.4 else IPV6)
    options = {"protocol": protocol, "reuseport": several, "backlog": 16}
    if ":" in address:
        options["v6only"] = chance.choice((True, False, None))
    if address in WILDCARDS and chance.random() < 0.25:
        options["device"] = chance.choice(("lo", DEVICE))
    if protocol == "tcp" and not several and mptcp and chance.random() < 0.1:
        options["mptcp"] = True
    return address, options


def has_mptcp():
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM, dualstack.IPPROTO_MPTCP).close()
    except OSError:
        return False
    return True


class RandomServices(dualstack.TestCase):
    """Services of random sockets: each one's stack is what the oracle finds."""

    def random_services(self, chance):
        """{(protocol, port): sockets}"""
        services = {}
        mptcp = has_mptcp()
        ports = iter(chance.sample(range(1, Network.CLIENT_PORTS[0]), SERVICES * 3))
        while len(services) < SERVICES:
            protocol = chance.choice(("tcp", "tcp", "udp"))
            port = next(ports)
            count = chance.choice((1, 1, 1, 2, 2, 3))
            opened = []
            for _ in range(count):
                address, options = random_socket(chance, protocol, count > 1, mptcp)
                try:
                    opened.append(self.sockets.listener(address, port, **options))
                except OSError as error:
                    # A mapped address with v6only, or two that shut each other out: the kernel knows.
                    if error.errno not in (errno.EINVAL, errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                        raise
            if opened:
                services[protocol, port] = opened
        return services

    def test_random_services(self):
        print("\nseed %d (DUALSTACK_SEED sets another)" % SEED, flush=True)
        dualstack.open_file_limit(4096)
        services = self.random_services(random.Random(SEED))
        expected = {}
        for (protocol, port), opened in services.items():
            expected[protocol, port] = stack_of(*self.oracle.reaches(port, protocol, opened))
        kinds = collections.Counter(expected.values())
        print("%d services of %d sockets, %d attempts to reach them, %d without any answer: %s" % (
            len(services), sum(map(len, services.values())), self.oracle.attempts, self.oracle.silent,
            ", ".join("%d %s%s" % (count, stack, " (lopsided)" if lopsided else "")
                      for (stack, lopsided), count in kinds.most_common())), flush=True)
        for kind in (("v4-only", False), ("v6-only", False), ("dual-stack", False), ("v4-only", True),
                     ("v6-only", True)):
            self.assertGreaterEqual(kinds[kind], 5, "a draw that shows nothing of %s" % (kind,))
        self.assertEqual(kinds[("closed", False)], 0)
        for uid in dualstack.users():
            with self.subTest(uid=uid):
                self.compare(self.report(uid=uid), expected)
                self.compare(self.report("-r", "default dual-stack", uid=uid), expected, "dual-stack")

    def compare(self, report, expected, required=None):
        entries = {(entry["protocol"], entry["port"]): entry for entry in report["services"]}
        found = {key: (entry["stack"], entry["lopsided"]) for key, entry in entries.items()}
        wrong = ["%d/%s: %s, the oracle finds %s; %s" % (port, protocol, found.get((protocol, port)), want,
                                                         entries.get((protocol, port)))
                 for (protocol, port), want in expected.items() if found.get((protocol, port)) != want]
        self.assertEqual(wrong, [])
        self.assertEqual(set(found) - set(expected), set(), "services that nobody opened")
        self.assertEqual(len(report["services"]), len(expected))
        if required:
            self.assertEqual({(entry["protocol"], entry["port"]) for entry in report["services"]
                              if entry["state"] == "CRITICAL"},
                             {service for service, (stack, _) in expected.items() if stack != required})
            self.assertEqual(report["totals"]["unlisted"], report["totals"]["violations"])


class WithoutIpv6(dualstack.TestCase):
    """disable_ipv6=1: [::] still binds, nothing arrives over IPv6, not even to ::1."""

    network_wanted = False

    def setUp(self):
        super().setUp()
        dualstack.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        with open("/proc/net/if_inet6", encoding="ascii") as file:
            self.assertEqual(file.read(), "")

    def connects(self, address, port):
        with contextlib.suppress(OSError):
            self.sockets.client(address, port)
            return True
        return False

    def expect(self, port, stack, ipv4):
        self.assertEqual((self.connects("127.0.0.1", port), self.connects("::1", port)), (ipv4, False))
        for uid in dualstack.users():
            report = self.report(uid=uid)
            self.assertIs(report["ipv6"], False)
            entry = dualstack.service(report, port)
            self.assertEqual(entry["stack"], stack)
            self.assertEqual(entry["reach"], {"ipv4": "loopback" if ipv4 else "none", "ipv6": "none"})
            result = self.check(CRITICAL, "-r", "%d dual-stack" % port, uid=uid)
            self.assertRegex(result.text, r"(?i)\b(no|without)( any)? IPv6 address")
            self.check(CRITICAL, "-r", "%d v6" % port, uid=uid)

    def test_dual(self):
        port = port_of(self.sockets.listener("::", v6only=False))
        self.expect(port, "v4-only", True)
        self.check(OK, "-r", "%d v4-only" % port)

    def test_v6only(self):
        port = port_of(self.sockets.listener("::", v6only=True))
        self.expect(port, "closed", False)
        self.check(CRITICAL, "-r", "%d v6-only" % port)

    def test_mapped(self):
        self.expect(port_of(self.sockets.listener("::ffff:127.0.0.1", v6only=False)), "v4-only", True)

    def test_ipv4(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        self.expect(port, "v4-only", True)

    def test_a_host_without_ipv6_is_no_error(self):
        self.sockets.listener("0.0.0.0", 4000)
        for uid in dualstack.users():
            self.check(OK, "-r", "4000 v4-only", uid=uid)
            self.assertEqual(self.report(uid=uid)["errors"], [])


class Ownership(dualstack.TestCase):
    network_wanted = False

    @dualstack.as_each_user
    def test_sockets_of_others_are_seen(self, uid):
        """No privilege is needed to see who owns a listener."""
        with dualstack.Sockets() as sockets:
            port = port_of(sockets.listener("::", v6only=False))
            listener, = dualstack.service(self.report(uid=uid), port)["listeners"]
            self.assertEqual((listener["uid"], listener["user"]), (0, "root"))
            self.check(OK, "-r", "%d dual-stack user=root" % port, uid=uid)
            self.check(OK, "-r", "%d dual-stack user=0" % port, uid=uid)
            result = self.check(CRITICAL, "-r", "%d dual-stack user=12345" % port, uid=uid)
            self.assertIn("root", result.text)

    @unittest.skipIf(dualstack.unprivileged(), "only one uid here")
    def test_socket_of_another_user(self):
        listener = self.sockets.listener("127.0.0.1", listen=False)
        # Whoever listens is not asked; the kernel keeps the uid that made the socket.
        os.fchown(listener.fileno(), dualstack.NOBODY, -1)
        listener.listen()
        entry, = dualstack.service(self.report(), port_of(listener))["listeners"]
        self.assertEqual(entry["uid"], dualstack.NOBODY)


if __name__ == "__main__":
    dualstack.main()
