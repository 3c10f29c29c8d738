# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""How far a service reaches, by what the host's addresses are: situations that were answered wrong, one test each."""

import json
import os
import unittest

import dualstack
import random_hosts
from dualstack import CRITICAL, OK, STATE_NAMES
from random_hosts import Address, Host, Oracle

LO4, LO6 = Address("127.0.0.1", 8, "lo"), Address("::1", 128, "lo")
IPV4, IPV6 = Address("192.0.2.1", 27, "ve0"), Address("2001:db8::1", 64, "ve0")
IPV6_OF_VE1 = Address("2001:db8:1::1", 64, "ve1")
LINK6 = Address("fe80::7:1", 64, "ve0")
TENTATIVE = Address("2001:db8::7e", 64, "ve0", "tentative")
DUPLICATE = Address("2001:db8::dd", 64, "ve0", "duplicate")
DUAL, V6ONLY = ("::", {"v6only": False}), ("::", {"v6only": True})
ANY_IPV4 = ("0.0.0.0", {})


class ReachCase(unittest.TestCase):
    """A host with neighbours on two interfaces, and another host behind them."""

    maxDiff = None

    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)
        self.host.inside().__enter__()
        self.addCleanup(self.host.inside().__exit__)

    def check(self, code, *args, **options):
        result = dualstack.run(*args, **options)
        self.assertEqual(result.code, code, str(result))
        return result

    def report(self, *args, **options):
        result = dualstack.run("--format=json", *args, **options)
        self.assertEqual(result.json["state"], STATE_NAMES[result.code], str(result))
        return result.json

    def expect(self, port, stack, ipv4, ipv6, *, protocol="tcp", form=None, words=(), keeps=(), breaks=()):
        """The service, by the oracle and by the program as each user; words are told of it; requirements with their
        options that it keeps and that it breaks."""
        reach = {4: ipv4, 6: ipv6}
        self.assertEqual(Oracle(self.host).reaches()[protocol, port], reach, "the kernel itself disagrees")
        for uid in dualstack.users():
            entry = dualstack.service(self.report(uid=uid), port, protocol)
            self.assertIsNotNone(entry, "not listed")
            lopsided = ipv4 != ipv6 and "none" not in (ipv4, ipv6)
            self.assertEqual((entry["stack"], entry["form"], entry["lopsided"], entry.get("reach")),
                             (stack, form, lopsided, {"ipv4": ipv4, "ipv6": ipv6}))
            text = self.check(OK, "-v", uid=uid).text
            for word in words:
                self.assertIn(word, text)
            for code, requirements in ((OK, keeps), (CRITICAL, breaks)):
                for requirement in requirements:
                    with self.subTest(requirement=requirement, uid=uid):
                        self.check(code, "-r", "%d/%s %s" % (port, protocol, requirement), uid=uid)

    def breach(self, port, requirement, *words, protocol="tcp"):
        """The text of a breach holds the words, which name the cause."""
        result = self.check(CRITICAL, "-r", "%d/%s %s" % (port, protocol, requirement))
        for word in words:
            self.assertIn(word, result.text)
        return result


class Addresses(ReachCase):
    """The host has no address that the socket could be reached at from farther away."""

    def addresses(self, ipv4, ipv6):
        for uid in dualstack.users():
            self.assertEqual(self.report(uid=uid).get("addresses"), {"ipv4": ipv4, "ipv6": ipv6})

    def test_ipv6_on_loopback_alone(self):
        """Containers, and hosts with disable_ipv6=1 everywhere but on lo."""
        self.host.add(LO4, LO6, IPV4)
        self.host.open("tcp", 3001, DUAL)
        self.expect(3001, "v4-only", "external", "loopback", words=["v4-only outside loopback"],
                    keeps=["v4-only", "v4", "any", "dual-stack as=bound"],
                    breaks=["dual-stack", "v6", "v6-only", "closed", "v4-only as=bound"])
        self.addresses("external", "loopback")
        self.breach(3001, "dual-stack", "v4-only outside loopback", "no IPv6 address beyond")

    def test_ipv6_on_the_link_alone(self):
        """Every host on an IPv4 network."""
        self.host.add(LO4, LO6, IPV4, LINK6)
        self.host.open("tcp", 443, DUAL)
        self.expect(443, "v4-only", "external", "link", words=["v4-only outside the link"], keeps=["v4-only", "any"],
                    breaks=["dual-stack", "v6", "v6-only"])
        self.addresses("external", "link")
        self.breach(443, "dual-stack", "v4-only outside the link", "no IPv6 address beyond fe80::/10")

    def unusable(self, address):
        self.host.add(LO4, IPV4, address)
        self.host.open("tcp", 443, DUAL)
        self.expect(443, "v4-only", "external", "none", keeps=["v4-only"], breaks=["dual-stack", "v6"])
        self.addresses("external", "none")
        self.breach(443, "dual-stack", "no IPv6 address")

    def test_the_only_address_is_tentative(self):
        self.unusable(TENTATIVE)

    def test_the_only_address_is_a_neighbours(self):
        """As duplicate address detection found."""
        self.unusable(DUPLICATE)

    def test_deprecated_and_anyip_count(self):
        """What is right today must stay so: no list of addresses tells both."""
        self.host.add(LO4, LO6, Address("2001:db8::3", 64, "ve0", "deprecated"),
                      Address("192.0.2.64", 28, "lo", "anyip"))
        self.host.open("tcp", 443, DUAL)
        self.host.open("tcp", 444, ("192.0.2.70", {}), ("2001:db8::3", {}))
        self.expect(443, "dual-stack", "external", "external", form="single", keeps=["dual-stack"], breaks=["v4-only"])
        self.addresses("external", "external")
        self.expect(444, "dual-stack", "external", "external", form="split", keeps=["dual-stack"])

    def test_ipv4_on_loopback_alone(self):
        """A host of IPv6 alone: that the socket would take IPv4 is told, and breaks nothing."""
        self.host.add(LO4, LO6, IPV6)
        self.host.open("tcp", 443, DUAL)
        self.expect(443, "v6-only", "loopback", "external", words=["v6-only outside loopback"],
                    keeps=["v6-only", "v6", "dual-stack as=bound"],
                    breaks=["dual-stack", "v4", "v6-only as=bound"])
        self.addresses("loopback", "external")
        self.assertIn("IPV6_V6ONLY", self.check(OK, "-v", "-r", "443 v6-only").text)

    def test_no_ipv4_at_all(self):
        self.host.add(LO6, IPV6)
        self.host.open("tcp", 443, DUAL)
        self.expect(443, "v6-only", "none", "external", keeps=["v6-only"], breaks=["v4", "dual-stack"])
        self.addresses("none", "external")
        self.breach(443, "v4", "no IPv4 address")

    def test_ipv6_loopback_beside_ipv4_on_loopback(self):
        """127.0.0.1 and [::], which nobody but the host itself reaches: equal."""
        self.host.add(LO4, LO6, IPV4)
        self.host.open("tcp", 5432, ("127.0.0.1", {}), V6ONLY)
        self.expect(5432, "dual-stack", "loopback", "loopback", form="split", keeps=["dual-stack"],
                    breaks=["v4-only", "v6-only"])
        self.assertIn("from this host alone", self.check(OK, "-v").text)

    def test_told_once(self):
        """What cuts several services in the same way is the host's finding, not each service's."""
        self.host.add(LO4, LO6, IPV4, LINK6)
        rules = []
        for port in (443, 8443, 9443):
            self.host.open("tcp", port, DUAL)
            rules += ["-r", "%d dual-stack" % port]
        for verbose in ([], ["-v"]):
            result = self.check(CRITICAL, *rules, *verbose)
            told = [part.count("no IPv6 address beyond fe80::/10")
                    for part in (result.first, "".join(result.lines[1:]))]
            # The first line says what the others say.
            self.assertIn(told, ([1, 1], [1, 0], [0, 1]), str(result))
            for port in (443, 8443, 9443):
                self.assertIn("%d/tcp" % port, result.text)

    def test_no_remedy_that_does_not_help(self):
        """No second socket brings IPv6 to a host without."""
        self.host.add(LO4, IPV4)
        self.host.open("tcp", 443, ANY_IPV4)
        text = self.check(CRITICAL, "-v", "-r", "443 dual-stack").text
        self.assertNotRegex(text, r"listen on \[::\]")
        self.assertIn("no IPv6 address", text)

    def test_scope_does_not_follow_addresses(self):
        """Rules do not change hands when an address comes or goes."""
        self.host.add(LO4, LO6)
        self.host.open("tcp", 443, DUAL)
        self.host.open("tcp", 444, ("192.0.2.9", {}))
        self.check(OK, "-r", "443@external any", "-r", "444 any bind=192.0.2.0/24")
        self.check(CRITICAL, "-r", "443@loopback any")
        self.expect(443, "dual-stack", "loopback", "loopback", form="single",
                    keeps=["dual-stack", "dual-stack as=bound"])


class Bound(ReachCase):
    """What the socket is bound to is not there (any more)."""

    def test_address_of_the_other_node(self):
        """A VIP: bound in advance by IP_FREEBIND or ip_nonlocal_bind, or gone since."""
        self.host.add(LO4, LO6, IPV4, IPV6)
        address = Address("2001:db8::99", 64, "ve0")
        self.host.open("tcp", 443, ("192.0.2.1", {}), ("2001:db8::99", {}))
        self.vip()
        self.host.add(address)
        self.expect(443, "dual-stack", "external", "external", form="split", keeps=["dual-stack"])
        self.host.change(self.host.remove_line(address))
        self.vip()

    def test_address_of_the_other_node_by_sysctl(self):
        self.host.add(LO4, LO6, IPV4, IPV6)
        dualstack.sysctl("net.ipv6.ip_nonlocal_bind", 1)
        with dualstack.Sockets() as sockets:
            sockets.listener("192.0.2.1", 443)
            sockets.listener("2001:db8::99", 443)
            for uid in dualstack.users():
                entry = dualstack.service(self.report(uid=uid), 443)
                self.assertEqual((entry["stack"], entry.get("reach")),
                                 ("v4-only", {"ipv4": "external", "ipv6": "none"}))

    def vip(self):
        self.expect(443, "v4-only", "external", "none", keeps=["v4-only", "dual-stack as=bound"],
                    breaks=["dual-stack", "v6", "v4-only as=bound"])
        self.breach(443, "dual-stack", "2001:db8::99", "not an address of this host now")

    def test_nothing_reaches_it(self):
        """It listens: "any" is kept and "closed" is not."""
        self.host.add(LO4, LO6, IPV4, IPV6)
        self.host.open("tcp", 443, ("2001:db8::99", {}))
        self.expect(443, "closed", "none", "none", words=["nothing reaches it"], keeps=["any", "v6-only as=bound"],
                    breaks=["closed", "v6", "v6-only", "v4", "dual-stack"])

    def test_interface_is_gone(self):
        self.host.add(LO4, LO6, IPV4, IPV6)
        self.host.open("tcp", 443, ("0.0.0.0", {"device": random_hosts.SPARE}), V6ONLY)
        self.host.change("link del " + random_hosts.SPARE)
        self.expect(443, "v6-only", "none", "external", keeps=["v6-only"], breaks=["dual-stack", "v4"])
        self.breach(443, "dual-stack", "gone")

    def test_interface_without_ipv6(self):
        self.host.add(LO4, LO6, IPV4, IPV6_OF_VE1)
        self.host.open("tcp", 443, ("::", {"v6only": False, "device": "ve0"}))
        self.host.change("disable_ipv6 ve0")
        self.expect(443, "v4-only", "external", "none", keeps=["v4-only"], breaks=["dual-stack", "v6"])
        self.breach(443, "dual-stack", "ve0", "IPv6")

    def test_interface_takes_any_address(self):
        """Linux takes what is for an address of another interface."""
        self.host.add(LO4, LO6, IPV4, IPV6)
        self.host.open("tcp", 443, ("::", {"v6only": False, "device": "ve1"}))
        self.expect(443, "dual-stack", "external", "external", form="single",
                    keeps=["dual-stack", "dual-stack bind=%ve1"], breaks=["v4-only", "dual-stack bind=%ve0"])

    def test_interface_and_loopback_addresses(self):
        """They are lo's: no other interface takes them. lo takes nothing else."""
        self.host.add(LO4, IPV6)
        self.host.open("tcp", 443, ("::", {"v6only": False, "device": "ve0"}))
        self.host.open("tcp", 444, ("127.0.0.1", {"device": "ve0"}))
        self.host.open("tcp", 445, ("::", {"v6only": False, "device": "lo"}))
        self.expect(443, "v6-only", "none", "external", keeps=["v6-only"])
        self.expect(444, "closed", "none", "none", keeps=["any"])
        self.expect(445, "v4-only", "loopback", "none", keeps=["v4-only"])

    def test_interface_and_link_local_addresses(self):
        """fe80:: of one interface is not an address of another."""
        self.host.add(LO4, LO6, IPV4, LINK6)
        self.host.open("tcp", 443, ("::", {"v6only": False, "device": "ve1"}))
        self.expect(443, "v4-only", "external", "none", keeps=["v4-only"], breaks=["dual-stack"])

    def test_interface_that_is_down(self):
        self.host.add(LO4, LO6, IPV4, IPV6)
        self.host.open("tcp", 443, ("0.0.0.0", {"device": "ve1"}), V6ONLY)
        self.host.change("link set ve1 down")
        self.expect(443, "v6-only", "none", "external", keeps=["v6-only"], breaks=["dual-stack", "v4"])


class Groups(ReachCase):
    def setUp(self):
        super().setUp()
        self.host.add(LO4, LO6, IPV4, IPV6, LINK6)

    def test_ipv4_wildcard_beside_an_ipv6_group(self):
        """LLMNR."""
        self.host.open("udp", 5355, ANY_IPV4, ("ff02::1:3%ve0", {}))
        self.expect(5355, "v4-only", "external", "link", protocol="udp", words=["v4-only outside the link"],
                    keeps=["v4-only"], breaks=["dual-stack"])

    def test_group_of_the_link(self):
        """DHCPv6: a rule that allows the link alone."""
        self.host.open("udp", 547, ("fe80::7:1%ve0", {}), ("ff02::1:3%ve0", {}))
        self.expect(547, "v6-only", "none", "link", protocol="udp", keeps=["v6-only", "v6-only bind=link"],
                    breaks=["v6-only bind=loopback"])
        self.assertEqual([listener["scope"] for listener in dualstack.service(self.report(), 547, "udp")["listeners"]],
                         ["link", "link"])
        self.check(OK, "-r", "547/udp@link v6-only")

    def test_tcp_on_a_group_or_a_broadcast_address(self):
        self.host.open("tcp", 443, ("224.0.0.252", {}))
        self.host.open("tcp", 444, ("192.0.2.31", {}))
        for port in (443, 444):
            self.expect(port, "closed", "none", "none", keeps=["any"], breaks=["v4"])

    def test_broadcast(self):
        self.host.open("udp", 137, ("192.0.2.31", {}))
        self.expect(137, "v4-only", "link", "none", protocol="udp", keeps=["v4-only"])


class Form(ReachCase):
    def test_mapped_and_ipv6_address(self):
        """Two sockets of AF_INET6, and none that takes both families."""
        self.host.add(LO4, LO6)
        self.host.open("tcp", 9200, ("::ffff:127.0.0.1", {"v6only": False}), ("::1", {}))
        self.expect(9200, "dual-stack", "loopback", "loopback", form="split", keeps=["dual-stack form=split"],
                    breaks=["dual-stack form=single"])


class Learned(ReachCase):
    def learn(self):
        path = os.path.join(dualstack.temporary_folder(), "learned.conf")
        with open(path, "wb") as file:
            file.write(self.check(OK, "--learn").bytes)
        self.check(OK, "-f", path)
        return path

    def test_exposure_grows(self):
        """Learned with ::1 alone; then IPv6 is opened to the world."""
        self.host.add(LO4, LO6, IPV4)
        self.host.open("tcp", 8443, DUAL)
        path = self.learn()
        self.host.add(IPV6)
        result = dualstack.run("-f", path)
        self.assertIn(STATE_NAMES[result.code], ("WARNING", "CRITICAL"), str(result))
        self.assertIn("8443/tcp", result.text)

    def test_a_new_lease(self):
        self.host.add(LO4, LO6, IPV4, LINK6)
        self.host.open("tcp", 8443, DUAL)
        self.host.open("tcp", 22, ANY_IPV4, V6ONLY)
        path = self.learn()
        self.host.change(self.host.remove_line(IPV4))
        self.host.add(Address("192.0.2.3", 27, "ve0"))
        self.check(OK, "-f", path)


class OtherSources(ReachCase):
    """Without NETLINK_ROUTE if_inet6 and fib_trie tell; in a capture what was there when it was made."""

    def setUp(self):
        super().setUp()
        self.host.add(LO4, LO6, IPV4, LINK6, TENTATIVE)
        self.host.open("tcp", 443, ANY_IPV4, V6ONLY)
        self.host.open("tcp", 444, ("192.0.2.9", {}))

    def expect_the_same(self, report):
        self.assertEqual(report.get("addresses"), {"ipv4": "external", "ipv6": "link"})
        self.assertEqual([(entry["stack"], entry["lopsided"], entry.get("reach"))
                          for entry in (dualstack.service(report, port) for port in (443, 444))],
                         [("v4-only", True, {"ipv4": "external", "ipv6": "link"}),
                          ("closed", False, {"ipv4": "none", "ipv6": "none"})])

    def refused(self, *what):
        for uid in dualstack.users():
            with self.subTest(refused=what, uid=uid):
                self.expect_the_same(self.report(uid=uid, preexec_fn=dualstack.refusing_sockets(*what)))

    def test_netlink_route_refused(self):
        self.refused(dualstack.AF_NETLINK, dualstack.NETLINK_ROUTE)

    def test_netlink_refused(self):
        self.refused(dualstack.AF_NETLINK)

    def test_procfs(self):
        self.expect_the_same(self.report("--source=procfs"))

    def test_copies(self):
        folder = dualstack.temporary_folder()
        for name in ("tcp", "tcp6", "udp", "udp6", "if_inet6", "fib_trie"):
            with open("/proc/net/" + name, "rb") as file, open(os.path.join(folder, name), "wb") as copy:
                copy.write(file.read())
        with dualstack.Namespace():
            self.expect_the_same(self.report("--procfs=" + folder))

    def test_copies_without_the_ipv4_addresses(self):
        """As far as it is bound, and the answer says so."""
        folder = dualstack.temporary_folder()
        for name in ("tcp", "tcp6", "udp", "udp6", "if_inet6"):
            with open("/proc/net/" + name, "rb") as file, open(os.path.join(folder, name), "wb") as copy:
                copy.write(file.read())
        report = self.report("--procfs=" + folder)
        self.assertEqual(dualstack.service(report, 444)["stack"], "v4-only")
        self.assertRegex(json.dumps(report), "fib_trie|IPv4 address")

    def test_capture(self):
        for uid in dualstack.users():
            captured = self.check(OK, "--capture", uid=uid)
            self.assertEqual(captured.json["schema"], 2)
            with dualstack.Namespace():
                self.expect_the_same(dualstack.run("--format=json", "--replay=-", stdin=captured.bytes).json)

    def test_capture_of_before(self):
        """Schema 1 has no addresses: as far as it is bound."""
        captured = {
            "format": "check_dualstack-capture", "schema": 1, "version": "1.0.0", "time": "2026-11-26T05:40:57Z",
            "host": "h1", "kernel": "6.1.0", "netns": 4026532177, "namespace": None, "source": "netlink", "fault": None,
            "ipv6": True, "sysctls": {"net.ipv6.bindv6only": 0, "net.ipv6.conf.all.disable_ipv6": 0,
                                      "net.ipv4.ip_local_port_range": [32768, 60999]},
            "protocols": {name: {"unreadable": None, "remark": None} for name in ("tcp", "udp")},
            "listeners": [{"protocol": "tcp", "port": 443, "family": "inet6", "address": "::", "interface": 0,
                           "interface_name": None, "v6only": False, "sockets": 1, "uid": 0, "user": "root",
                           "cgroup": 1, "unit_state": "known", "unit": "/"}],
            "connections": [], "outbound": {"ipv4": 0, "ipv4_mapped": 0, "ipv6": 0}}
        stdin = json.dumps(captured).encode()
        report = dualstack.run("--format=json", "--replay=-", stdin=stdin).json
        self.assertEqual(report["state"], "OK", report)
        entry, = report["services"]
        self.assertEqual((entry["stack"], entry.get("reach")),
                         ("dual-stack", {"ipv4": "external", "ipv6": "external"}))
        self.assertIn("address", self.check(OK, "--replay=-", "-r", "443 dual-stack", stdin=stdin).text)


if __name__ == "__main__":
    dualstack.main()
