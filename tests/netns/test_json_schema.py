# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""The JSON of many situations against the project's JSON Schema, and by hand for one that is known whole."""

import copy
import datetime
import json
import os
import socket

import jsonschema

import dualstack
from dualstack import Network, port_of

SCHEMA = os.path.join(dualstack.TOP_SRCDIR, "plugins", "check_dualstack.schema.json")
TOP = ["plugin", "version", "schema", "time", "host", "source", "netns", "ipv6", "addresses", "state",
       "summary", "services", "totals", "errors"]
SERVICE = ["name", "protocol", "port", "scope", "rule", "origin", "required", "stack", "form", "lopsided", "reach",
           "state", "waived", "waive_until", "reasons", "listeners", "connections"]
TOTALS = ["mapped", "mapped_out", "violations", "unlisted"]
LISTENER = ["family", "address", "port", "interface", "v6only", "scope", "accepts", "reach", "sockets", "uid",
            "user", "unit"]


class Json(dualstack.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(SCHEMA, encoding="utf-8") as file:
            cls.schema = json.load(file)
        cls.validator = jsonschema.validators.validator_for(cls.schema)
        cls.validator.check_schema(cls.schema)

    def valid(self, *args, **options):
        """The report, which the schema must allow."""
        report = self.report(*args, **options)
        errors = list(self.validator(self.schema).iter_errors(report))
        self.assertEqual([], ["%s: %s" % (list(error.absolute_path), error.message) for error in errors])
        return report

    def open_everything(self):
        """Services of all kinds; returns the port of a dual one."""
        listen = self.sockets.listener
        dual = listen("::", v6only=False)
        for address in ("127.0.0.1", "::1"):
            self.sockets.client(address, port_of(dual))
        for address, v6only in (("0.0.0.0", None), ("::", True), ("::1", None), ("127.0.0.1", None),
                                ("::ffff:127.0.0.1", False), ("fe80::7:1%" + Network.DEVICE, None), ("192.0.2.1", None),
                                ("169.254.7.1", None)):
            for protocol in ("tcp", "udp"):
                listen(address, v6only=v6only, protocol=protocol)
        split = listen("0.0.0.0")
        listen("::", port_of(split), v6only=True)
        lopsided = listen("0.0.0.0")
        listen("::1", port_of(lopsided))
        mixed = listen("0.0.0.0", reuseport=True)
        for _ in range(3):
            listen("::", port_of(mixed), v6only=False, reuseport=True)
        listen("::", v6only=False, device="lo")
        return port_of(dual)

    def test_situations(self):
        port = self.open_everything()
        free = dualstack.free_port()
        situations = [
            [], ["-r", "%d dual-stack" % port], ["-r", "%d v6-only name=x note=a-b" % port],
            ["-r", "%d dual-stack" % port, "-c", "0"], ["-r", "%d v4-only severity=warning" % port],
            ["-r", "%d v6-only waive-until=2099-01-01" % port], ["-r", "%d any" % free],
            ["-r", "%d any missing=warning" % free], ["-r", "%d any missing=ok" % free], ["-r", "%d closed" % free],
            ["-r", "%d@loopback any" % port], ["-r", "%d@external dual-stack" % port],
            ["-r", "%d dual-stack form=split" % port], ["-r", "%d dual-stack bind=loopback,10.0.0.0/8" % port],
            ["-r", "%d dual-stack user=12345" % port], ["-r", "%d dual-stack unit=no-such.service" % port],
            ["-r", "%d dual-stack mapped-critical=0" % port], ["-r", "1-65535 any"], ["-r", "1-65535/udp any"],
            ["-r", "default closed"], ["-r", "default/udp dual-stack", "-r", "default@loopback any"],
            ["-r", "%d dual-stack" % port, "-r", "default closed severity=warning", "-w", "5:", "-c", "@0:3"],
            ["-v"], ["-vvv", "-r", "default v4"], ["--perfdata=full"], ["--perfdata=totals"], ["--source=netlink"],
            # Failures.
            ["-r", ""], ["-r", "0 any", "-r", "80 nonsense"], ["-Z"], ["-w", ""], ["-f", "/nonexistent"], ["-f", "/"],
            ["positional"], ["-t", "0"], ["-r"],
        ]
        for uid in dualstack.users():
            for args in situations:
                with self.subTest(args=args, uid=uid):
                    report = self.valid(*args, uid=uid)
                    self.assertEqual([member for member in report if member in TOP], TOP)
                    for entry in report["services"]:
                        self.assertEqual([member for member in entry if member in SERVICE], SERVICE)
                        for listener in entry["listeners"]:
                            self.assertEqual([member for member in listener if member in LISTENER], LISTENER)

    def test_schema_is_strict(self):
        """The schema refuses what differs, or its tests show nothing."""
        port = self.open_everything()
        report = self.valid("-r", "%d v6-only" % port)

        def spoilt(path, value):
            broken = copy.deepcopy(report)
            place = broken
            for step in path[:-1]:
                place = place[step]
            if value is KeyError:
                del place[path[-1]]
            else:
                place[path[-1]] = value
            return broken
        wrong = [(["state"], "FINE"), (["schema"], 2), (["schema"], "1"), (["extra"], 1), (["totals", "mapped"], -1),
                 (["totals", "mapped"], 1.5), (["time"], "yesterday"), (["ipv6"], "yes"), (["errors"], None),
                 (["services", 0, "stack"], "dual"), (["services", 0, "required"], "dualstack"),
                 (["services", 0, "port"], 0), (["services", 0, "port"], 65536), (["services", 0, "protocol"], "tcp6"),
                 (["services", 0, "form"], "both"), (["services", 0, "scope"], "moon"),
                 (["services", 0, "listeners", 0, "family"], "AF_INET6"),
                 (["services", 0, "listeners", 0, "accepts"], ["ipv5"]),
                 (["services", 0, "listeners", 0, "v6only"], 0), (["services", 0, "connections", "ipv4"], "1")]
        wrong += [([member], KeyError) for member in TOP]
        wrong += [(["services", 0, member], KeyError) for member in SERVICE]
        wrong += [(["services", 0, "listeners", 0, member], KeyError) for member in LISTENER]
        for path, value in wrong:
            with self.subTest(path=path, value=value):
                self.assertFalse(self.validator(self.schema).is_valid(spoilt(path, value)))

    def test_a_known_situation(self):
        web = self.sockets.listener("0.0.0.0", 8443, reuseport=True)
        self.sockets.listener("0.0.0.0", 8443, reuseport=True)
        self.sockets.listener("::", 5555, v6only=False)
        other = self.sockets.listener("::1", 6666)
        for address, port in (("127.0.0.1", 8443), ("127.0.0.1", 5555), ("192.0.2.1", 5555), ("::1", 5555),
                              ("::1", 6666)):
            self.sockets.client(address, port)
        self.sockets.client("::ffff:127.0.0.1", 8443)
        self.assertEqual((port_of(web), port_of(other)), (8443, 6666))
        folder = dualstack.temporary_folder()
        with open(os.path.join(folder, "policy.conf"), "w", encoding="ascii") as file:
            file.write("# a policy\n\n8443,9443/tcp   dual-stack  name=web missing=ok # because\n")
        before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        report = self.valid("-f", "policy.conf", "-r", "5555 dual-stack mapped-warning=1 note=T-1", cwd=folder)
        after = datetime.datetime.now(datetime.timezone.utc)
        self.assertEqual({key: report[key] for key in ("plugin", "version", "schema", "host", "source", "netns", "ipv6",
                                                       "addresses", "state", "errors")}, {
            "plugin": "check_dualstack", "version": self.version(), "schema": 1, "host": socket.gethostname(),
            "source": "netlink", "netns": os.stat("/proc/self/ns/net").st_ino, "ipv6": True,
            "addresses": {"ipv4": "external", "ipv6": "external"}, "state": "CRITICAL", "errors": []})
        self.assertEqual([(total, report["totals"][total]) for total in report["totals"] if total in TOTALS],
                         [("mapped", 2), ("mapped_out", 1), ("violations", 2), ("unlisted", 0)])
        time = datetime.datetime.strptime(report["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
        self.assertTrue(before <= time <= after, report["time"])
        self.assertIn("2 of 3 services off policy", report["summary"])
        self.assertIn("web 8443/tcp is v4-only, must be dual-stack", report["summary"])
        entries = {entry["port"]: self.promised(entry) for entry in report["services"]}
        self.assertEqual(sorted(entries), [5555, 6666, 8443, 9443])
        for entry in entries.values():
            self.assertEqual(list(entry), SERVICE)
        web = entries[8443]
        reasons = web.pop("reasons")
        self.assertTrue(any("nothing accepts IPv6" in reason for reason in reasons), reasons)
        self.unit_is_told(web)
        self.assertEqual(web, {
            "name": "web", "protocol": "tcp", "port": 8443, "scope": None,
            "rule": "8443,9443/tcp dual-stack name=web missing=ok", "origin": "policy.conf:3", "required": "dual-stack",
            "stack": "v4-only", "form": None, "lopsided": False, "reach": {"ipv4": "external", "ipv6": "none"}, "state": "CRITICAL",
            "waived": False, "waive_until": None,
            "listeners": [{"family": "inet", "address": "0.0.0.0", "port": 8443, "interface": None, "v6only": None,
                           "scope": "external", "accepts": ["ipv4"], "reach": {"ipv4": "external", "ipv6": "none"},
                           "sockets": 2, "uid": 0, "user": "root"}],
            "connections": {"ipv4": 2, "ipv4_mapped": 0, "ipv6": 0}})
        missing = entries[9443]
        self.assertEqual((missing["name"], missing["stack"], missing["state"], missing["listeners"]),
                         ("web", "closed", "OK", []))
        self.assertEqual(missing["connections"], {"ipv4": 0, "ipv4_mapped": 0, "ipv6": 0})
        dual = entries[5555]
        self.unit_is_told(dual)
        self.assertTrue(any("2" in reason and "mapped" in reason for reason in dual["reasons"]), dual["reasons"])
        del dual["reasons"]
        self.assertEqual(dual, {
            "name": "tcp_5555", "protocol": "tcp", "port": 5555, "scope": None,
            "rule": "5555 dual-stack mapped-warning=1 note=T-1", "origin": "--rule 1", "required": "dual-stack",
            "stack": "dual-stack", "form": "single", "lopsided": False, "reach": {"ipv4": "external", "ipv6": "external"},
            "state": "WARNING", "waived": False, "waive_until": None,
            "listeners": [{"family": "inet6", "address": "::", "port": 5555, "interface": None, "v6only": False,
                           "scope": "external", "accepts": ["ipv4", "ipv6"], "reach": {"ipv4": "external", "ipv6": "external"},
                           "sockets": 1, "uid": 0, "user": "root"}],
            "connections": {"ipv4": 0, "ipv4_mapped": 2, "ipv6": 1}})
        unjudged = entries[6666]
        self.assertEqual({key: unjudged[key] for key in ("rule", "required", "state", "stack", "lopsided", "reasons",
                                                         "connections")},
                         {"rule": None, "required": None, "state": "OK", "stack": "v6-only", "lopsided": False,
                          "reasons": [], "connections": {"ipv4": 0, "ipv4_mapped": 0, "ipv6": 1}})

    @staticmethod
    def promised(entry):
        """The members that are promised; a later version may add others."""
        return {member: value for member, value in entry.items() if member in SERVICE}

    def unit_is_told(self, entry):
        """What unit the tests run in is not theirs to know: a text or null."""
        for listener in entry["listeners"]:
            unit = listener.pop("unit")
            self.assertTrue(unit is None or (isinstance(unit, str) and unit), unit)

    @staticmethod
    def version():
        return dualstack.run("-V").text.split()[1].strip("v")

    def test_exit_code_is_the_state(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        for args, code in (([], 0), (["-r", "%d v6-only severity=warning" % port], 1), (["-r", "%d v6-only" % port], 2),
                           (["-r", "0 any"], 3)):
            result = dualstack.run("--format=json", *args)
            self.assertEqual((result.code, result.json["state"]), (code, dualstack.STATE_NAMES[code]))

    def test_lint(self):
        """Errors and warnings are in one member; the state says which they are."""
        for args, state, count in ((["--lint", "-r", "443 nothing"], "UNKNOWN", 1),
                                   (["--lint", "-r", "443 any"], "OK", 0),
                                   (["--lint", "-r", "443 any unit=nginx"], "OK", 1),
                                   (["--lint=strict", "-r", "443 any unit=nginx"], "WARNING", 1)):
            with self.subTest(args=args):
                report = self.valid(*args)
                self.assertEqual((report["state"], len(report["errors"])), (state, count))

    def test_scope_of_a_rule_is_told(self):
        port = port_of(self.sockets.listener("127.0.0.1"))
        report = self.valid("-r", "%d@loopback v4-only" % port)
        entry = dualstack.service(report, port)
        self.assertEqual((entry["scope"], entry["name"]), ("loopback", "tcp_%d_loopback" % port))
        # A port shared by scope has an entry for each rule.
        self.sockets.listener("::", port, v6only=True)
        report = self.valid("-r", "%d@loopback v4-only" % port, "-r", "%d@external v6-only" % port)
        self.assertEqual(report["state"], "OK", report)
        for scope, stack in (("loopback", "v4-only"), ("external", "v6-only")):
            entry = dualstack.service(report, port, scope=scope)
            self.assertEqual((entry["stack"], len(entry["listeners"])), (stack, 1))

    def test_connections_follow_their_local_address(self):
        port = port_of(self.sockets.listener("::", v6only=False))
        self.sockets.listener("127.0.0.1", port + 1)
        self.sockets.client("192.0.2.1", port)
        self.sockets.client("127.0.0.1", port)
        self.sockets.client("127.0.0.1", port)
        entry = dualstack.service(self.valid("-r", "%d@external dual-stack" % port), port, scope="external")
        # The wildcard is of scope external; connections to 127.0.0.1 arrive at it, and follow their own address.
        self.assertEqual(entry["connections"]["ipv4_mapped"], 1)

    def test_waived(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        report = self.valid("-r", "%d v6-only waive-until=2099-12-31" % port)
        entry = dualstack.service(report, port)
        self.assertEqual((report["state"], entry["state"], entry["waived"], report["totals"]["violations"]),
                         ("OK", "OK", True, 0))
        self.assertTrue(entry["reasons"])

    def test_strange_bytes(self):
        """What came in as invalid UTF-8 goes out as valid UTF-8."""
        folder = os.fsencode(dualstack.temporary_folder())
        path = os.path.join(folder, b"\xff\x01\"\\|.conf")
        with open(path, "wb") as file:
            file.write(b"0 any\n80 \xc3\x28\x02\n")
        report = self.valid("-f", path)
        self.assertEqual(len(report["errors"]), 2)
        port = port_of(self.sockets.listener("0.0.0.0"))
        report = self.valid("-r", "%d v6-only note=\"\\ü\u2028|;<" % port)
        self.assertIn("\"\\ü", dualstack.service(report, port)["rule"])

    def test_many_services(self):
        """JSON is as long as it must be."""
        for number in range(500):
            self.sockets.listener("0.0.0.0", 20000 + number)
        report = self.valid("-r", "default closed")
        self.assertEqual((len(report["services"]), report["totals"]["unlisted"]), (500, 500))
        self.assertEqual([entry["port"] for entry in report["services"]], list(range(20000, 20500)))


if __name__ == "__main__":
    dualstack.main()
