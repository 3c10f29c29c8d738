# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--learn: whatever the host, the check is OK with the policy that was learned there, and not with another host's."""

import contextlib
import errno
import os
import random
import re
import socket
import subprocess

import dualstack
from dualstack import CRITICAL, OK, UNKNOWN, WARNING

HOSTS = dualstack.share(200)
SEED = int(os.environ.get("LEARN_SEED", "20261122"))
PORT_RANGES = ((60001, 65000), (32768, 60999), (1024, 65535), (500, 800), (20000, 20001))
KNOWN_PORTS = (22, 53, 80, 111, 123, 443, 631, 3306, 5432, 8080, 9100)
DEFAULT = "default          closed severity=warning"


def rules(text):
    """The lines that are rules."""
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def nameless(text):
    """The rules but for the default, in words, without name=: what a port is called depends on this machine."""
    return [tuple(word for word in rule.split() if not re.match("name=(?!per-boot|rpc)", word))
            for rule in rules(text)[:-1]]


def pointed_out(text):
    """The rules that are written as comments."""
    return [line[1:] for line in text.split("\n") if re.match(r"#\d", line)]


def everything_frozen(text):
    """The same policy with the # taken away from every rule."""
    return re.sub(r"(?m)^#(?=\d)", "", text)


def service_name(port, protocol="tcp"):
    try:
        return re.sub(r"[^A-Za-z0-9_-]", "_", socket.getservbyport(port, protocol))[:19]
    except OSError:
        return None


class Learn(dualstack.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = dualstack.temporary_folder()

    def learn(self, *args, uid=None, code=OK):
        return self.check(code, "--learn", *args, uid=uid).text

    def policy(self, text):
        path = os.path.join(self.folder, "learned.policy")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def judge(self, code, text, *args, uid=None):
        return self.check(code, "-f", self.policy(text), *args, uid=uid)

    def learned_is_ok(self, *args, uid=None):
        """Learns, checks the form of what was learned, and judges by it."""
        text = self.learn(*args, uid=uid)
        self.assertEqual(rules(text)[-1], DEFAULT)
        self.judge(OK, text, *args, uid=uid)
        return text


class RandomHosts(Learn):
    """The property itself."""

    def addresses(self, rng):
        ipv4 = [address for of_scope in dualstack.Network.ADDRESSES[4].values() for address in of_scope]
        ipv6 = [address for of_scope in dualstack.Network.ADDRESSES[6].values() for address in of_scope]
        zoned = [address + "%ve0" if address.startswith("fe80") else address for address in ipv6]
        return rng.choice((["0.0.0.0"], ["::"], ["::"], ipv4, zoned,
                           ["::ffff:" + address for address in ipv4 + ["0.0.0.0"]]))

    def listener(self, rng, port):
        protocol = rng.choice(("tcp", "tcp", "udp"))
        address = rng.choice(self.addresses(rng))
        v6only = rng.choice((True, False, None)) if ":" in address and "ffff" not in address else None
        sock = self.sockets.listener(address, port, protocol=protocol, v6only=v6only,
                                     device=rng.choice((None, None, None, None, "lo", "ve0")),
                                     reuseport=rng.random() < 0.5)
        os.fchown(sock.fileno(), rng.choice((0, 0, 65534, 12345)), -1)
        return sock

    def port(self, rng, ports):
        """One in use already, or of any kind."""
        return rng.choice((rng.choice(ports or [0]), rng.choice(KNOWN_PORTS), 0, rng.randint(512, 1023),
                           rng.randint(1024, 32767), rng.randint(32768, 65535)))

    def connect(self, rng, sock):
        with contextlib.suppress(OSError):
            address = rng.choice(("127.0.0.1", "::1", "::ffff:127.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"))
            self.sockets.client(address, dualstack.port_of(sock),
                                protocol="tcp" if sock.type == socket.SOCK_STREAM else "udp")

    def populate(self, rng):
        # The kernel lets no range begin below the first port that anyone may take.
        dualstack.sysctl("net.ipv4.ip_unprivileged_port_start", 0)
        dualstack.sysctl("net.ipv4.ip_local_port_range", "%d %d" % rng.choice(PORT_RANGES[:2] + PORT_RANGES))
        ports = []
        for _ in range(rng.randint(0, 25)):
            try:
                sock = self.listener(rng, self.port(rng, ports))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EINVAL, errno.ENODEV):
                    raise
                continue
            ports.append(dualstack.port_of(sock))
            if rng.random() < 0.3:
                self.connect(rng, sock)

    def hosts(self, count, *, ipv6):
        """Judges so many hosts; some also the other ways."""
        learned = 0
        for number in range(count):
            seed = "%d %s %d" % (SEED, ipv6, number)
            rng = random.Random(seed)
            self.sockets.close()
            self.populate(rng)
            for uid in dualstack.users():
                with self.subTest(seed=seed, uid=uid):
                    text = self.learned_is_ok(uid=uid)
                    learned += 1
            if number % 4 == 0:
                with self.subTest(seed=seed, how="all frozen"):
                    self.judge(OK, everything_frozen(text))
                with self.subTest(seed=seed, how="no warning"):
                    self.assertIn("no warnings", self.judge(OK, text, "--lint").first)
            if number % 4 == 1:
                with self.subTest(seed=seed, how="JSON"):
                    self.judge(OK, text, "--format=json")
                with self.subTest(seed=seed, how="another listener"):
                    self.another_listener(text, uid=dualstack.users()[-1])
            if number % 4 == 2:
                with self.subTest(seed=seed, how="procfs"):
                    self.learned_is_ok("--source=procfs", uid=dualstack.users()[-1])
                with self.subTest(seed=seed, how="copies"):
                    self.learned_is_ok("--procfs=/proc/net")
            if number % 4 == 3:
                with self.subTest(seed=seed, how="replayed"):
                    self.replayed(text)
        return learned

    def another_listener(self, text, uid):
        """What was not there is a WARNING, unless the policy lets that port be."""
        taken = [(first, last) for first, last in re.findall(r"(?m)^(\d+)-(\d+) ", text)]
        for port in range(2000, 65536, 97):
            if not re.search(r"(?m)^#?%d\b" % port, text) and not any(
                    int(first) <= port <= int(last) for first, last in taken):
                with contextlib.suppress(OSError), dualstack.Sockets() as sockets:
                    sockets.listener("127.0.0.1", port)
                    self.assertRegex(self.judge(WARNING, text, uid=uid).first, r"\b%d/tcp is v4-only" % port)
                    return

    def replayed(self, text):
        result = dualstack.run("--capture")
        if result.code == OK and result.text.startswith("{"):
            path = os.path.join(self.folder, "capture.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(result.text)
            self.judge(OK, text, "--replay=" + path)

    def test_learned_policy_is_ok(self):
        self.assertEqual(self.hosts(HOSTS * 3 // 4, ipv6=True), HOSTS * 3 // 4 * len(dualstack.users()))

    def test_learned_policy_is_ok_without_ipv6(self):
        for name in ("all", "lo", dualstack.Network.DEVICE):
            dualstack.sysctl("net.ipv6.conf.%s.disable_ipv6" % name, 1)
        self.assertFalse(self.report()["ipv6"])
        self.assertEqual(self.hosts(HOSTS // 4, ipv6=False), HOSTS // 4 * len(dualstack.users()))


class WhatIsWritten(Learn):
    network_wanted = False
    external_wanted = True

    def setUp(self):
        super().setUp()
        dualstack.sysctl("net.ipv4.ip_local_port_range", "32768 60999")

    def test_nothing_listens(self):
        self.assertEqual(rules(self.learned_is_ok()), [DEFAULT])

    def test_heading(self):
        first = self.learn().split("\n")[0]
        self.assertRegex(first, r"^# Policy for check_dualstack, learned by version \d+\.\d+\.\d+ on .+, "
                                r"\d{4}-\d\d-\d\d \d\d:\d\d UTC\.$")
        self.assertIn(socket.gethostname(), first)

    def test_each_stack(self):
        self.sockets.listener("0.0.0.0", 2001)
        self.sockets.listener("::", 2002, v6only=True)
        self.sockets.listener("::", 2003, v6only=False)
        self.sockets.listener("0.0.0.0", 2004)
        self.sockets.listener("::", 2004, v6only=True)
        self.sockets.listener("::ffff:0.0.0.0", 2005)
        text = self.learned_is_ok()
        self.assertEqual(nameless(text),
                         [("2001", "v4-only"), ("2002", "v6-only"), ("2003", "dual-stack"), ("2004", "dual-stack"),
                          ("2005", "v4-only")])
        self.assertIn("# 2003/tcp is dual-stack (single)\n#   [::]:2003 accepts IPv4+IPv6, user root", text)

    def test_any_change_is_a_breach(self):
        self.sockets.listener("::", 2003, v6only=False)
        text = self.learned_is_ok()
        self.sockets.close()
        self.judge(CRITICAL, text)
        self.sockets.listener("0.0.0.0", 2003)
        self.judge(CRITICAL, text)

    def test_names(self):
        for port, protocol in ((53, "tcp"), (53, "udp"), (80, "tcp"), (123, "udp")):
            self.sockets.listener("0.0.0.0", port, protocol=protocol)
        names = dict(re.findall(r"(?m)^(\S+) +v4-only name=(\S+)$", self.learned_is_ok()))
        expected = {}
        if service_name(53) and service_name(53) == service_name(53, "udp"):
            expected = {"53": service_name(53), "53/udp": service_name(53) + "-udp"}
        for subject, port, protocol in (("80", 80, "tcp"), ("123/udp", 123, "udp")):
            if service_name(port, protocol):
                expected[subject] = service_name(port, protocol)
        if not expected:
            self.skipTest("no services database here")
        self.assertEqual(names, expected)

    def test_loopback_stays_loopback(self):
        self.sockets.listener("127.0.0.1", 2001)
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("2001", "v4-only", "bind=loopback")])
        self.sockets.close()
        self.sockets.listener("0.0.0.0", 2001)
        self.judge(CRITICAL, text)

    def test_lopsided_has_a_rule_for_each_scope(self):
        self.sockets.listener("0.0.0.0", 2001)
        narrow = self.sockets.listener("::1", 2001)
        text = self.learned_is_ok()
        self.assertEqual(nameless(text),
                         [("2001@external", "v4-only"), ("2001@loopback", "v6-only")])
        narrow.close()
        self.judge(CRITICAL, text)

    def test_per_boot_tcp_is_pointed_out(self):
        port = dualstack.port_of(self.sockets.listener("127.0.0.1"))
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("32768-60999", "any", "missing=ok", "severity=warning",
                                           "name=per-boot-tcp", "bind=loopback")])
        self.assertEqual([rule.split()[:2] for rule in pointed_out(text)], [[str(port), "v4-only"]])
        self.sockets.close()
        self.judge(OK, text)
        self.judge(CRITICAL, everything_frozen(text))
        self.sockets.listener("0.0.0.0", port)
        self.judge(WARNING, text)

    def test_client_udp_is_pointed_out(self):
        for _ in range(30):
            self.sockets.listener("0.0.0.0", protocol="udp")
        text = self.learned_is_ok()
        self.assertEqual(rules(text), [DEFAULT])
        self.assertEqual(len(pointed_out(text)), 20)
        self.assertIn("\n# ... and 10 more ports\n", text)

    def test_named_ports_of_a_wide_range_are_frozen(self):
        dualstack.sysctl("net.ipv4.ip_local_port_range", "1024 65535")
        if not service_name(3306) or service_name(2001):
            self.skipTest("the services database here has other names")
        self.sockets.listener("0.0.0.0", 3306)
        self.sockets.listener("0.0.0.0", 2001)
        text = self.learned_is_ok()
        self.assertEqual([rule.split()[0] for rule in rules(text)], ["3306", "1024-65535", "default"])
        self.assertEqual([rule.split()[0] for rule in pointed_out(text)], ["2001"])

    def test_connections_are_told(self):
        self.sockets.listener("::", 2003, v6only=False)
        for _ in range(2):
            self.sockets.client("127.0.0.1", 2003)
        self.assertIn("# 2003/tcp is dual-stack (single), 2 v4-mapped connections now\n", self.learned_is_ok())

    def test_many_listeners_of_a_service(self):
        for number in range(1, 21):
            self.sockets.listener("127.0.0.%d" % number, 2001)
        self.assertIn("\n#   ... and 12 more\n", self.learned_is_ok())

    def test_without_v6only(self):
        """A connection does not prove that [::] takes IPv4."""
        self.sockets.listener("::", 2003, v6only=False)
        self.sockets.client("127.0.0.1", 2003)
        text = self.learned_is_ok("--source=procfs")
        self.assertEqual(nameless(text), [("2003", "v6")])
        self.assertIn("v6 holds either way", text)

    def test_without_v6only_and_ipv6(self):
        for name in ("all", "lo"):
            dualstack.sysctl("net.ipv6.conf.%s.disable_ipv6" % name, 1)
        self.sockets.listener("::", 2003, v6only=False)
        self.assertEqual(nameless(self.learned_is_ok()), [("2003", "v4-only")])
        text = self.learned_is_ok("--source=procfs")
        self.assertEqual(nameless(text), [("2003", "any")])
        self.assertIn("any holds either way", text)

    def test_out_of_reach_without_ipv6(self):
        """Nothing reaches it, and nothing may."""
        dualstack.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        self.sockets.listener("::", 2002, v6only=True)
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("2002", "any", "reach=none")])
        self.assertIn("# 2002/tcp listens, but nothing reaches it\n", text)
        dualstack.sysctl("net.ipv6.conf.all.disable_ipv6", 0)
        dualstack.sysctl("net.ipv6.conf.lo.disable_ipv6", 0)
        dualstack.address_add("2001:db8::1", 128, "lo")
        result = self.judge(CRITICAL, text)
        self.assertIn("can be reached over IPv6 from other networks, beyond reach=none", result.text)
        self.sockets.close()
        self.sockets.listener("0.0.0.0", 2002)
        self.judge(CRITICAL, text)


class Exposure(Learn):
    """What is reached from farther away than when it was learned breaks the rule; what only moved does not."""

    network_wanted = False
    external_wanted = True

    def test_one_family_is_opened(self):
        for family, requirement, address, prefix in ((6, "v4-only", "2001:db8::1", 128), (4, "v6-only", "192.0.2.1", 32)):
            with self.subTest(family=family), dualstack.Sockets() as self.sockets:
                dualstack.ip("addr del %s/%d dev lo" % (address, prefix))
                self.sockets.listener("::", 2003, v6only=False)
                text = self.learned_is_ok()
                self.assertEqual(nameless(text), [("2003", requirement)])
                self.assertIn("this host has no IPv%d address beyond" % family, text)
                self.assertNotIn("this host has no IPv%d address" % (10 - family), text)
                dualstack.address_add(address, prefix, "lo")
                self.judge(CRITICAL, text)

    def test_new_lease(self):
        self.sockets.listener("::", 2003, v6only=False)
        self.sockets.listener("0.0.0.0", 2004)
        self.sockets.listener("::", 2004, v6only=True)
        text = self.learned_is_ok()
        for old, new, prefix in (("192.0.2.1", "192.0.2.2", 32), ("2001:db8::1", "2001:db8::2", 128)):
            dualstack.address_add(new, prefix, "lo")
            dualstack.ip("addr del %s/%d dev lo" % (old, prefix))
        self.judge(OK, text)

    def test_bound_to_addresses(self):
        """The addresses are learned, so that the whole family is a breach."""
        for address, *words in (("192.0.2.1", "v4-only", "bind=192.0.2.1"), ("2001:db8::1", "v6-only", "bind=2001:db8::1"),
                                ("::ffff:192.0.2.1", "v4-only", "bind=192.0.2.1")):
            with self.subTest(address=address), dualstack.Sockets() as self.sockets:
                self.sockets.listener(address, 2003)
                text = self.learned_is_ok()
                self.assertEqual(nameless(text), [("2003", *words)])
                self.sockets.close()
                wide = "0.0.0.0" if "." in address else "::"
                self.sockets.listener(wide, 2003, v6only=True if wide == "::" else None)
                self.judge(CRITICAL, text)

    def test_bound_to_interfaces(self):
        dualstack.ip("link add ve0 type veth peer name ve1")
        dualstack.ip("link set ve0 up")
        dualstack.ip("link set ve1 up")
        dualstack.address_add("192.0.2.9", 32, "ve0")
        dualstack.address_add("2001:db8::9", 128, "ve0")
        self.sockets.listener("::", 2003, v6only=False, device="ve0")
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("2003", "dual-stack", "bind=%ve0")])
        self.sockets.listener("::", 2003, v6only=False, device="ve1")
        self.judge(CRITICAL, text)

    def test_every_address_singly(self):
        """As name and time servers do: their sockets follow the addresses, so none is learned."""
        for address in ("127.0.0.1", "192.0.2.1"):
            self.sockets.listener(address, 2003)
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("2003", "v4-only")])

    def test_address_of_the_other_node(self):
        """With the address comes what was bound before: that is no change of the service."""
        dualstack.sysctl("net.ipv4.ip_nonlocal_bind", 1)
        dualstack.sysctl("net.ipv6.ip_nonlocal_bind", 1)
        self.sockets.listener("192.0.2.9", 2003)
        self.sockets.listener("2001:db8::9", 2003)
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("2003", "dual-stack", "as=bound", "bind=192.0.2.9,2001:db8::9")])
        dualstack.address_add("192.0.2.9", 32, "lo")
        self.judge(OK, text)
        dualstack.address_add("2001:db8::9", 128, "lo")
        self.judge(OK, text)

    def test_from_this_host_alone(self):
        """Both families at once, so that the stack remains the same when they are opened."""
        dualstack.ip("addr flush dev lo scope global")
        self.sockets.listener("::", 2003, v6only=False)
        self.sockets.listener("::1", 2004)
        self.sockets.listener("::", 2005, v6only=True)
        port = dualstack.port_of(self.sockets.listener("0.0.0.0"))
        text = self.learned_is_ok()
        self.assertEqual(nameless(text),
                         [("2003", "dual-stack", "reach=loopback"), ("2004", "v6-only", "bind=loopback"),
                          ("2005", "v6-only", "reach=loopback"),
                          ("32768-60999", "any", "missing=ok", "severity=warning", "name=per-boot-tcp",
                           "reach=loopback")])
        self.assertIn("# 2003/tcp is dual-stack (single), from this host alone\n", text)
        self.assertIn("\n# Learn again when this changes: this host has no IPv4 address beyond 127.0.0.0/8.\n"
                      "# Learn again when this changes: this host has no IPv6 address beyond ::1.\n", text)
        dualstack.address_add("192.0.2.1", 32, "lo")
        dualstack.address_add("2001:db8::1", 128, "lo")
        for uid in dualstack.users():
            result = self.judge(CRITICAL, text, uid=uid)
            self.assertEqual(result.values["violations"][0], "3")
            self.assertIn("2003/tcp: [::]:2003", result.text)
            self.assertIn("can be reached over IPv4 and IPv6 from other networks, beyond reach=loopback", result.text)
            self.assertIn("0.0.0.0:%d" % port, result.text)
        self.judge(CRITICAL, text, "--source=procfs")

    def test_from_the_link_alone(self):
        dualstack.ip("addr flush dev lo scope global")
        dualstack.address_add("169.254.7.7", 32, "lo")
        dualstack.address_add("fe80::7", 64, "lo")
        self.sockets.listener("::", 2003, v6only=False)
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("2003", "dual-stack", "reach=link")])
        dualstack.ip("addr del 169.254.7.7/32 dev lo")
        dualstack.ip("addr del fe80::7/64 dev lo")
        self.judge(OK, text)
        dualstack.address_add("192.0.2.1", 32, "lo")
        dualstack.address_add("2001:db8::1", 128, "lo")
        self.judge(CRITICAL, text)

    @staticmethod
    def lease_add(address, prefix):
        """As DHCP clients do."""
        dualstack.ip("addr add %s/%d dev lo valid_lft 3600 preferred_lft 3600%s" %
                     (address, prefix, " nodad" if ":" in address else ""))
        dualstack.eventually(lambda: ":" not in address or dualstack.is_local(address), "a way to " + address)

    def test_leased_addresses(self):
        """The next lease may be another address: what is bound to one is not held to it."""
        self.lease_add("192.0.2.7", 32)
        self.lease_add("2001:db8::7", 128)
        self.sockets.listener("192.0.2.7", 2003)
        self.sockets.listener("2001:db8::7", 2003)
        self.sockets.listener("192.0.2.1", 2004)
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("2003", "dual-stack"), ("2004", "v4-only", "bind=192.0.2.1")])
        self.assertIn("#   No bind=: 192.0.2.7 is leased", text)
        self.sockets.close()
        for address, prefix in (("192.0.2.%d", 32), ("2001:db8::%d", 128)):
            dualstack.ip("addr del %s/%d dev lo" % (address % 7, prefix))
            self.lease_add(address % 8, prefix)
            self.sockets.listener(address % 8, 2003)
        self.sockets.listener("192.0.2.1", 2004)
        self.judge(OK, text)

    def test_leases_are_not_known(self):
        """/proc/net does not tell them, so no address is learned."""
        self.sockets.listener("192.0.2.1", 2003)
        self.sockets.listener("127.0.0.1", 2004)
        text = self.learned_is_ok("--source=procfs")
        self.assertEqual(nameless(text), [("2003", "v4-only"), ("2004", "v4-only", "bind=loopback")])
        self.assertIn("#   No bind=: it is not known whether 192.0.2.1 is a fixed address.\n", text)

    def test_unreadable_addresses(self):
        """Without if_inet6 nothing is learned; without the addresses of IPv4 not how far anything is reached."""
        dualstack.ip("addr flush dev lo scope global")
        self.sockets.listener("::", 2003, v6only=False)
        self.sockets.listener("::", 2004, v6only=True)
        self.sockets.listener("0.0.0.0", 2005)
        for name in ("tcp", "tcp6", "udp", "udp6"):
            with open("/proc/net/" + name, "rb") as source, open(os.path.join(self.folder, name), "wb") as copy:
                copy.write(source.read())
        self.assertIn("/if_inet6 is missing", self.learn("--procfs=" + self.folder, code=UNKNOWN))
        with open("/proc/net/if_inet6", "rb") as source, open(os.path.join(self.folder, "if_inet6"), "wb") as copy:
            copy.write(source.read())
        text = self.learned_is_ok("--procfs=" + self.folder)
        self.assertEqual(nameless(text), [("2003", "any"), ("2004", "any"), ("2005", "v4-only")])
        self.assertRegex(text, r"\n# Beware: .*the IPv4 addresses of this host are not known")
        with open(os.path.join(self.folder, "fib_trie"), "w", encoding="ascii") as file:
            file.write("nonsense\n")
        self.assertRegex(self.learn("--procfs=" + self.folder),
                         r"\n# Beware: .*are not known, so reach is as far as sockets are bound: .*/fib_trie has a line")

    def test_procfs(self):
        """It does not tell v6only: so neither whether IPv4 is taken, which would reach farther than IPv6."""
        dualstack.ip("addr del 2001:db8::1/128 dev lo")
        self.sockets.listener("::", 2003, v6only=False)
        text = self.learned_is_ok("--source=procfs")
        self.assertEqual(nameless(text), [("2003", "any")])


class GrowingHosts(Learn):
    """Random hosts that get more addresses: what was reached from less far breaks its rule, and nothing else does."""

    network_wanted = False
    ADDRESSES = (("192.0.2.1", 32, "lo"), ("169.254.7.7", 32, "lo"), ("2001:db8::1", 128, "lo"), ("fe80::7", 64, "ve0"))
    EXTENTS = ("none", "loopback", "link", "external")

    def setUp(self):
        super().setUp()
        dualstack.ip("link add ve0 type veth peer name ve1")
        for name in ("ve0", "ve1"):
            dualstack.ip("link set %s addrgenmode none" % name)
            dualstack.ip("link set %s up" % name)

    def listener(self, rng, port, there):
        address = rng.choice(("0.0.0.0", "::", "::", "127.0.0.1", "::1", "::ffff:0.0.0.0", *there))
        wildcard = address in ("0.0.0.0", "::", "::ffff:0.0.0.0")
        self.sockets.listener(address + ("%ve0" if address.startswith("fe80") else ""), port,
                              protocol=rng.choice(("tcp", "udp")),
                              v6only=rng.random() < 0.5 if address == "::" else None,
                              device=rng.choice((None, None, "lo", "ve0")) if wildcard else None, reuseport=True)

    def reaches(self):
        """How far each service is reached, over IPv4 and over IPv6."""
        return {(service["protocol"], service["port"]): [self.EXTENTS.index(service["reach"][family])
                                                         for family in ("ipv4", "ipv6")]
                for service in self.report()["services"]}

    def states(self, policy):
        states = {}
        for service in self.report("-f", policy)["services"]:
            states.setdefault((service["protocol"], service["port"]), set()).add(service["state"])
        return states

    def grow(self, rng):
        """Returns how many services grew."""
        there = [address for address in self.ADDRESSES if rng.random() < 0.4]
        grown = 0
        for address in there:
            dualstack.address_add(*address)
        for port in range(2000, 2010):
            for _ in range(rng.choice((1, 1, 2))):
                with contextlib.suppress(OSError):
                    self.listener(rng, port, [address for address, _, _ in there])
        text = self.learned_is_ok(uid=rng.choice(dualstack.users()))
        before = self.reaches()
        for address in set(self.ADDRESSES) - set(there):
            dualstack.address_add(*address)
        states = self.states(self.policy(text))
        for service, after in self.reaches().items():
            if max(after) > max(before[service]):
                self.assertNotEqual(states[service], {"OK"}, "%s %s to %s: %s" % (service, before[service], after, text))
                grown += 1
            elif after == before[service]:
                self.assertEqual(states[service], {"OK"}, "%s %s: %s" % (service, after, text))
        return grown

    def test_growth_is_a_breach(self):
        grown = 0
        for number in range(HOSTS // 4):
            seed = "%d growing %d" % (SEED, number)
            with self.subTest(seed=seed):
                grown += self.grow(random.Random(seed))
            self.sockets.close()
            for address, prefix, device in self.ADDRESSES:
                dualstack.ip("addr del %s/%d dev %s" % (address, prefix, device))
        self.assertGreater(grown, HOSTS // 4)


class WhatCannotBe(Learn):
    network_wanted = False

    def test_a_host_that_cannot_be_read(self):
        result = self.check(UNKNOWN, "--learn", "--procfs=" + self.folder)
        self.assertTrue(result.first.startswith("DUALSTACK UNKNOWN: TCP sockets cannot be read"), str(result))
        report = self.report("--learn", "--procfs=" + self.folder)
        self.assertEqual(report["state"], "UNKNOWN")
        self.assertTrue(report["errors"])

    def test_rules_do_not_go_with_it(self):
        self.assertIn("--learn", self.check(UNKNOWN, "--learn", "-r", "22 any").first)

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([dualstack.PROGRAM, "--learn"], stdout=full, check=False)
        self.assertEqual(done.returncode, UNKNOWN)


class Units(Learn):
    """Sockets of made-up units, whatever they are called."""

    network_wanted = False
    external_wanted = True
    LASTING = ("nginx.service", "ssh.socket", "postgresql@14-main.service", r"a\x2db.service")
    NAMELESS = ("made-up.scope", "a b.service", "a*.service", "a?[b].service", "a\r443 closed.service", "#x.service",
                "a\x1b[1m.service", "a\u202eb.service", "0123456789abcdef.service")
    HEX = "0123456789abcdef" * 4
    OTHER_HEX = "fedcba9876543210" * 4
    UUID = "8d9fd3c3-0f6c-4d4e-9c1b-a1b2c3d4e5f6"
    # A cgroup, the same thing after the next start, login or connection, and the unit= that fits both.
    PASSING = (
        ("cdtest.slice/session-3.scope", "cdtest.slice/session-c12.scope", "session-*.scope"),
        ("cdtest.slice/user@1000.service/app.slice/app-gnome-firefox-12.scope", "cdtest.slice/user@1000.service/x.scope",
         "user@1000.service"),
        ("cdtest.slice/run-u7.service", "cdtest.slice/run-u8.service", "run-u*.service"),
        ("cdtest.slice/run-r%s.scope" % HEX[:32], "cdtest.slice/run-r%s.scope" % OTHER_HEX[:32], "run-r*.scope"),
        ("cdtest.slice/sshd@3-192.0.2.1:22-198.51.100.7:50000.service",
         "cdtest.slice/sshd@4-2001:db8::1:22-2001:db8::7:50001.service", "sshd@*.service"),
    )
    CONTAINERS = (
        ("cdtest.slice/docker-%s.scope" % HEX, "cdtest.slice/docker-%s.scope" % OTHER_HEX, "docker-*.scope"),
        ("docker/%s" % HEX, "docker/%s/init.scope" % OTHER_HEX, "/docker/*"),
        ("kubepods.slice/kubepods-pod1.slice/cri-containerd-%s.scope" % HEX,
         "kubepods.slice/kubepods-pod2.slice/cri-containerd-%s.scope" % OTHER_HEX, "cri-containerd-*.scope"),
        ("kubepods.slice/kubepods-pod1.slice/crio-%s.scope" % HEX,
         "kubepods.slice/kubepods-pod2.slice/crio-%s.scope" % OTHER_HEX, "crio-*.scope"),
        ("kubepods/burstable/pod%s/%s" % (UUID, HEX), "kubepods/burstable/pod0%s/%s" % (UUID[1:], OTHER_HEX),
         "/kubepods/burstable/pod*"),
        ("cdtest.slice/libpod-%s.scope/container" % HEX, "cdtest.slice/libpod-%s.scope/container" % OTHER_HEX,
         "libpod-*.scope"),
        ("lxc/web/system.slice/ssh.service", "lxc/web/system.slice/ssh.service", "/lxc/web/system.slice/ssh.service"),
        ("lxc.payload.web", "lxc.payload.web", "/lxc.payload.web"),
        ("cdtest.slice/machine-web.scope/payload", "cdtest.slice/machine-web.scope/payload", "machine-web.scope"),
        (r"cdtest.slice/machine-qemu\x2d3\x2dweb.scope", r"cdtest.slice/machine-qemu\x2d4\x2dweb.scope",
         r"machine-qemu\\x2d*\\x2dweb.scope"),
    )

    def setUp(self):
        super().setUp()
        self.root = self.cgroup_root()
        self.made = []
        self.addCleanup(self.remove)

    def cgroup_root(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            for line in file:
                fields, _, rest = line.partition(" - ")
                if rest.split()[0] == "cgroup2" and fields.split()[3] == "/":
                    root = fields.split()[4]
                    break
            else:
                self.skipTest("no cgroup2 mount")
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            self.home = root + next(line for line in file if line.startswith("0::"))[3:].strip()
        if not os.access(os.path.join(root, "cgroup.procs"), os.W_OK):
            self.skipTest("no right to make cgroups")
        return root

    def enter(self, folder):
        try:
            with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
        except OSError as error:
            self.skipTest("cannot move to a cgroup: %s" % error)

    def in_unit(self, name, port, address="0.0.0.0", **options):
        """A listener whose socket belongs to that unit."""
        return self.in_cgroup("cdtest.slice/" + name, port, address, **options)

    def in_cgroup(self, path, port, address="0.0.0.0", **options):
        folder = self.root
        # Another run may make its own at the same time.
        for part in path.replace("cdtest.", "cdtest_%s." % dualstack.run_name().replace("-", "_")).split("/"):
            folder = os.path.join(folder, part)
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder)
                self.made.append(folder)
        self.enter(folder)
        try:
            return self.sockets.listener(address, port, **options)
        finally:
            self.enter(self.home)

    def remove(self):
        while self.made:
            dualstack.directory_remove(self.made.pop())

    @dualstack.as_each_user
    def test_lasting_units_are_demanded(self, uid):
        self.sockets.close()
        for number, name in enumerate(self.LASTING):
            self.in_unit(name, 2000 + number)
        text = self.learned_is_ok(uid=uid)
        self.assertEqual([rule.split()[-1] for rule in rules(text)[:-1]],
                         ["unit=" + name.replace("\\", "\\\\") for name in self.LASTING])
        self.sockets.close()
        for number in range(len(self.LASTING)):
            self.in_unit("other.service", 2000 + number)
        result = self.judge(CRITICAL, text, uid=uid)
        self.assertEqual(result.values["violations"][0], str(len(self.LASTING)))

    @dualstack.as_each_user
    def test_hostile_units_are_left_out(self, uid):
        self.sockets.close()
        for number, name in enumerate(self.NAMELESS):
            self.in_unit(name, 2000 + number)
        text = self.learned_is_ok(uid=uid)
        self.assertEqual(nameless(text), [(str(2000 + number), "v4-only") for number in range(len(self.NAMELESS))])
        self.assertEqual(text.count("No unit=: the name of its unit may change"), len(self.NAMELESS))
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f]")

    def learned_from(self, cgroups, uid, *words):
        """Learns with a listener in each, and again in what they are called later; both times the policy is kept."""
        self.sockets.close()
        for number, (path, _, _) in enumerate(cgroups):
            self.in_cgroup(path, 2000 + number)
        text = self.learned_is_ok(uid=uid)
        self.assertEqual(nameless(text),
                         [(str(2000 + number), "v4-only", *words, "unit=" + unit)
                          for number, (_, _, unit) in enumerate(cgroups)])
        self.sockets.close()
        for number, (_, later, _) in enumerate(cgroups):
            self.in_cgroup(later, 2000 + number)
        self.judge(OK, text, uid=uid)
        self.sockets.close()
        for number in range(len(cgroups)):
            self.in_unit("other.service", 2000 + number)
        self.assertEqual(self.judge(CRITICAL, text, uid=uid).values["violations"][0], str(len(cgroups)))
        self.sockets.close()
        return text

    @dualstack.as_each_user
    def test_sessions_and_transient_units(self, uid):
        """As systemd, logind and ssh call them: they may come again, and need not."""
        text = self.learned_from(self.PASSING, uid, "missing=ok")
        self.judge(OK, text, uid=uid)
        self.in_cgroup(self.PASSING[0][0], 2000 + len(self.PASSING))
        self.judge(WARNING, text, uid=uid)

    @dualstack.as_each_user
    def test_containers(self, uid):
        """As Docker, Kubernetes, Podman, LXC, systemd-nspawn and libvirt call them: they are called otherwise at each
        start, and must be there."""
        text = self.learned_from(self.CONTAINERS, uid)
        self.assertEqual(self.judge(CRITICAL, text, uid=uid).values["violations"][0], str(len(self.CONTAINERS)))

    def test_kubepods_as_documented(self):
        self.in_cgroup("kubepods/burstable/pod%s/%s" % (self.UUID, self.HEX), 2001)
        self.check(OK, "-r", "2001 any unit=/kubepods/*")
        self.check(CRITICAL, "-r", "2001 any unit=/docker/*")
        self.check(CRITICAL, "-r", "2001 any unit=kubepods*")

    def test_x11_forwarding(self):
        """The next login may get the next display; nothing else may listen there."""
        for unit in ("session-3.scope", "sshd@3-192.0.2.1:22-198.51.100.7:50000.service", "ssh.service"):
            with self.subTest(unit=unit), dualstack.Sockets() as self.sockets:
                for address in ("127.0.0.1", "::1"):
                    self.in_unit(unit, 6010, address)
                text = self.learned_is_ok()
                rule, *_ = [rule for rule in rules(text) if rule.startswith("6010-6099 ")]
                self.assertIn(" any missing=ok severity=warning name=x11-tcp bind=loopback unit=", rule)
                self.assertEqual([rule.split()[0] for rule in pointed_out(text)], ["6010"])
                self.sockets.close()
                self.judge(OK, text)
                self.in_unit(unit.replace("3", "9"), 6012, "127.0.0.1")
                self.judge(OK, text)
                self.in_unit("other.service", 6013, "127.0.0.1")
                self.judge(WARNING, text)
                self.sockets.close()
                self.in_unit(unit, 6014, "0.0.0.0")
                self.judge(WARNING, text)
        with dualstack.Sockets() as self.sockets:
            self.in_unit("other.service", 6010, "127.0.0.1")
            self.assertEqual(nameless(self.learned_is_ok()),
                             [("6010", "v4-only", "bind=loopback", "unit=other.service")])

    def test_resolvers_will_have_other_sockets(self):
        """None is open while the policy is learned, and some are whenever they ask."""
        dualstack.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
        for unit in ("dnsmasq.service", "unbound.service", "pdns-recursor@1.service", "libvirtd.service"):
            with self.subTest(unit=unit), dualstack.Sockets() as self.sockets:
                self.in_unit(unit, 53, protocol="udp")
                text = self.learned_is_ok()
                self.assertEqual(rules(text)[-2:],
                                 ["default/udp      closed severity=warning except-unit=" + unit, DEFAULT])
                self.in_unit(unit, 20001, protocol="udp")
                self.judge(OK, text)
                self.in_unit("other.service", 20002, protocol="udp")
                result = self.judge(WARNING, text, "-v")
                self.assertIn("20002/udp", result.text)
                self.assertIn("except-unit=other.service", result.text)
        with dualstack.Sockets() as self.sockets:
            self.in_unit("named.service", 53, protocol="udp")
            self.assertNotIn("except-unit=", self.learned_is_ok())

    def test_passive_transfers_of_ftp(self):
        """The rule that is suggested, with the ports of the daemon's settings, lets its transfers be and no others."""
        dualstack.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
        self.in_unit("vsftpd.service", 21)
        text = self.learned_is_ok()
        suggested, *_ = [rule for rule in pointed_out(text) if "name=ftp-passive" in rule]
        text = suggested.replace("32768-60999", "40000-40100") + "\n" + text
        self.in_unit("vsftpd.service", 40007)
        self.judge(OK, text)
        self.in_unit("other.service", 40008)
        self.judge(WARNING, text)

    def test_several_units(self):
        self.in_unit("a.service", 2001, reuseport=True)
        self.in_unit("b.service", 2001, reuseport=True)
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("2001", "v4-only")])
        self.assertIn("several units share the port", text)

    def test_unit_gone(self):
        self.in_unit("a.service", 2001)
        self.remove()
        text = self.learned_is_ok()
        self.assertEqual(nameless(text), [("2001", "v4-only")])
        self.assertIn("its unit is gone", text)

    def test_rpc_takes_other_ports_at_each_start(self):
        dualstack.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
        self.in_unit("rpcbind.service", 111, protocol="udp")
        self.in_unit("rpcbind.service", 836, protocol="udp")
        self.in_unit("other.service", 837, protocol="udp")
        text = self.learned_is_ok()
        self.assertEqual([rule.split()[0] for rule in rules(text)], ["111/udp", "837/udp", "512-1023/udp", "default"])
        self.assertIn("unit=rpcbind.service", rules(text)[2])
        self.assertEqual([rule.split()[0] for rule in pointed_out(text)], ["836/udp"])
        self.in_unit("rpcbind.service", 901, protocol="udp")
        self.judge(OK, text)
        self.in_unit("other.service", 902, protocol="udp")
        self.judge(WARNING, text)


if __name__ == "__main__":
    dualstack.main()
