# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--peers: the clients that are shown are those that connected."""

import json
import os
import socket

import jsonschema

import dualstack
from dualstack import CRITICAL, OK, UNKNOWN

DUAL, SPLIT, IDLE = 8080, 8081, 8082
LINK_CLIENT = "fe80::7:2%" + dualstack.Network.DEVICE


def schema(name):
    with open(os.path.join(dualstack.TOP_SRCDIR, "plugins", name + ".schema.json"), encoding="utf-8") as file:
        text = json.load(file)
    return jsonschema.validators.validator_for(text)(text)


class Peers(dualstack.TestCase):
    def setUp(self):
        """A dual-stack service, one of a socket for each family, one without a client; and connections from here."""
        super().setUp()
        dual = self.sockets.listener("::", DUAL, v6only=False)
        ipv4 = self.sockets.listener("0.0.0.0", SPLIT)
        ipv6 = self.sockets.listener("::", SPLIT, v6only=True)
        self.sockets.listener("::", IDLE, v6only=False)
        for listener, source, count in ((dual, "127.0.0.2", 3), (dual, "127.0.0.3", 1), (dual, "::1", 2),
                                        (ipv4, "127.0.0.4", 2), (ipv4, "127.0.0.2", 1), (ipv6, "::1", 1)):
            for _ in range(count):
                self.connect(listener, source, "::1" if ":" in source else "127.0.0.1")
        with self.network.neighbour:
            self.connect(dual, "192.0.2.2", "192.0.2.1")
            self.connect(dual, LINK_CLIENT.split("%", maxsplit=1)[0], "fe80::7:1")
        self.folder = dualstack.temporary_folder()
        self.truth = {
            DUAL: {"ipv4": {}, "ipv4_mapped": {"127.0.0.2": 3, "127.0.0.3": 1, "192.0.2.2": 1},
                   "ipv6": {"::1": 2, LINK_CLIENT: 1}},
            SPLIT: {"ipv4": {"127.0.0.4": 2, "127.0.0.2": 1}, "ipv4_mapped": {}, "ipv6": {"::1": 1}},
        }

    def connect(self, listener, source, target):
        """Both ends of a connection; in the neighbour, a link-local address is one of its own device."""
        client = self.sockets.keep(socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET))
        zone = (0, self.network.neighbour_index) if source.startswith("fe80") else ()
        client.bind((source, 0) + zone)
        client.connect((target, dualstack.port_of(listener)) + zone)
        listener.settimeout(5)
        self.sockets.keep(listener.accept()[0])

    @staticmethod
    def clients_of(peers):
        """{"ipv4": {"127.0.0.4": 2}} of the JSON."""
        found = {}
        for family, entry in peers.items():
            found[family] = {client["address"] + ("%" + client["interface"] if client["interface"] else ""):
                             client["connections"] for client in entry["busiest"]}
            counts = [client["connections"] for client in entry["busiest"]]
            assert counts == sorted(counts, reverse=True) and entry["exact"]
            assert not any(client["excess"] for client in entry["busiest"])
        return found

    def services(self, *args):
        report = self.report(*args)
        schema("check_dualstack").validate(report)
        return {entry["port"]: self.clients_of(entry["peers"]) for entry in report["services"]}

    def lines_of(self, port):
        """What a check shows below a service."""
        words = {"ipv4": "IPv4", "ipv4_mapped": "IPv4 (mapped)", "ipv6": "IPv6"}
        lines = []
        for family, clients in self.truth[port].items():
            if clients:
                total = sum(clients.values())
                lines.append("%s: %d connection%s from %d client%s" % (words[family], total, "s"[:total > 1],
                                                                       len(clients), "s"[:len(clients) > 1]))
                lines += ["  %d from %s" % (count, client)
                          for client, count in sorted(clients.items(), key=lambda item: -item[1])]
        return lines

    @dualstack.as_each_user
    def test_check(self, uid):
        """Below each service that has clients, in order, and nothing else."""
        result = self.check(OK, "--peers", uid=uid)
        expected = [line for port in (DUAL, SPLIT) for line in [port] + ["    " + line for line in self.lines_of(port)]]
        self.assertEqual([int(line.split("] ")[1].split("/")[0]) if line.startswith("\\_") else line
                          for line in result.lines[1:]], expected)
        self.assertNotIn(" from ", self.check(OK, uid=uid).text)

    def test_json(self):
        nobody = {"ipv4": {}, "ipv4_mapped": {}, "ipv6": {}}
        self.assertEqual(self.services("--peers"), {**self.truth, IDLE: nobody})
        self.assertNotIn("peers", self.report()["services"][0])

    def test_list(self):
        lines = self.check(OK, "--list", "--peers").lines
        for port in (DUAL, SPLIT):
            start = lines.index("Clients of %d/tcp" % port)
            self.assertEqual(lines[start + 1:start + 1 + len(self.lines_of(port))],
                             ["  " + line for line in self.lines_of(port)])
        self.assertNotIn("Clients of %d/tcp" % IDLE, lines)
        rows = [json.loads(line) for line in self.check(OK, "--list", "--peers", "--format=json").lines]
        self.assertEqual({entry["port"]: self.clients_of(entry["peers"]) for entry in rows[-1]["clients"]}, self.truth)
        self.assertNotIn("clients", json.loads(self.check(OK, "--list", "--format=json").lines[-1]))

    def test_capture(self):
        """It holds them when asked, and a replay shows what the live run showed."""
        without = self.check(OK, "--capture")
        self.assertNotIn("127.0.0.", without.text)
        captured = self.check(OK, "--capture", "--peers")
        schema("capture").validate(captured.json)
        path = os.path.join(self.folder, "capture.json")
        with open(path, "wb") as file:
            file.write(captured.bytes)
        for args in (["--peers"], ["--peers=1"], ["--peers", "-r", "%d v6-only" % DUAL]):
            with self.subTest(args=args):
                live, replayed = dualstack.run(*args), dualstack.run(*args, "--replay=" + path)
                self.assertEqual(replayed.text, live.text)
                self.assertEqual(self.services(*args, "--replay=" + path), self.services(*args))
        self.assertNotIn(" from ", self.check(OK, "--replay=" + path).text)
        replayed = self.check(OK, "--replay=-", "--peers", stdin=without.bytes)
        self.assertIn("the capture was taken without --peers", replayed.text)
        replayed = self.report("--replay=-", "--peers", stdin=without.bytes)
        schema("check_dualstack").validate(replayed)
        self.assertEqual({entry["peers"] for entry in replayed["services"]}, {None})

    def test_as_many_as_asked_for(self):
        result = self.check(OK, "--peers=1")
        self.assertIn("      3 from 127.0.0.2\n      ... and 2 more clients\n", result.text)
        self.assertNotIn("127.0.0.3", result.text)
        entry = dualstack.service(self.report("--peers=1"), DUAL)["peers"]["ipv4_mapped"]
        self.assertEqual((entry["clients"], entry["exact"], len(entry["busiest"])), (3, True, 1))

    def test_whom_the_policy_judges(self):
        """Connections of other services are not even read; those of a scope are its rule's."""
        result = self.check(CRITICAL, "--peers", "-vvv", "-r", "%d v4-only" % SPLIT)
        self.assertNotIn("127.0.0.3", result.text)
        self.assertIn("asked netlink for tcp connections of both families on ports %d\n" % SPLIT, result.text)
        rules = ["-r", "%d@loopback any missing=ok" % DUAL, "-r", "%d@external any name=all" % DUAL]
        services = {entry["name"]: self.clients_of(entry["peers"])
                    for entry in self.report("--peers", *rules)["services"] if entry["rule"]}
        self.assertEqual(services["all"], {"ipv4": {}, "ipv4_mapped": {"192.0.2.2": 1}, "ipv6": {}})
        self.assertEqual(services["tcp_%d_loopback" % DUAL],
                         {"ipv4": {}, "ipv4_mapped": {"127.0.0.2": 3, "127.0.0.3": 1}, "ipv6": {"::1": 2}})

    def test_nobody(self):
        self.sockets.close()
        self.sockets.listener("::", IDLE, v6only=False)
        self.assertEqual(self.check(OK, "--peers").lines[1:], ["    no client is connected"])
        self.assertIn("\nno client is connected\n", self.check(OK, "--list", "--peers").text)

    def test_udp(self):
        """A connected UDP socket of the service's port is a client, too."""
        self.sockets.listener("::", DUAL, protocol="udp", v6only=False, reuseport=True)
        server = self.sockets.listener("::ffff:127.0.0.1", DUAL, protocol="udp", reuseport=True)
        server.connect(("::ffff:127.0.0.9", 5353))
        entry, = [entry for entry in self.report("--peers")["services"] if entry["protocol"] == "udp"]
        self.assertEqual(self.clients_of(entry["peers"])["ipv4_mapped"], {"127.0.0.9": 1})

    def test_proc_net(self):
        """It has no interfaces, and a hint at best of who was accepted; whoever is counted is shown."""
        self.truth[DUAL]["ipv6"] = {"::1": 2, LINK_CLIENT.split("%", maxsplit=1)[0]: 1}
        services = self.services("--peers", "--source=procfs")
        self.assertEqual({port: services[port] for port in self.truth}, self.truth)

    def test_hostile_captures(self):
        """What a capture says of clients is refused or harmless."""
        captured = self.check(OK, "--capture", "--peers").text
        self.assertIn(dualstack.Network.DEVICE, captured)
        changed = captured.replace('"interface_name":"%s","connections"' % dualstack.Network.DEVICE,
                                   '"interface_name":"|;<\\n\\u001b","connections"')
        self.assertNotEqual(changed, captured)
        shown = self.check(OK, "--replay=-", "--peers", stdin=changed.encode()).text
        self.assertEqual(shown.count("|"), 1)
        self.assertNotRegex(shown.split(" | ")[1].split("\n", 1)[1], "[;<\x1b]")
        for old, new, words in (
                ('"address":"127.0.0.2"', '"address":"::1"', "must be an IPv4 address"),
                ('"address":"127.0.0.2"', '"address":"localhost"', "must be an IPv4 address"),
                ('"port":%d,"scope":"loopback","connections":"ipv4_mapped"' % DUAL,
                 '"port":1,"scope":"loopback","connections":"ipv4_mapped"', "without a listener"),
                ('"connections":"ipv6"', '"connections":"ipv5"', "connections"),
                ('"clients":2,', '"clients":1,', "more than the 1 clients"),
                ('"excess":0', '"excess":-1', "excess"), ('"busiest"', '"laziest"', "busiest")):
            with self.subTest(new=new):
                changed = captured.replace(old, new)
                self.assertNotEqual(changed, captured)
                self.assertIn(words, self.check(UNKNOWN, "--replay=-", stdin=changed.encode()).first)

    def test_mistakes(self):
        for value in ("0", "501", "-1", "x", "5x", "99999999999"):
            self.assertIn("is not a number of clients: use 1 to 500", self.check(UNKNOWN, "--peers=" + value).first)
        for mode in ("--learn", "--lint"):
            self.assertIn("does not go with " + mode, self.check(UNKNOWN, "--peers", mode).first)


if __name__ == "__main__":
    dualstack.main()
