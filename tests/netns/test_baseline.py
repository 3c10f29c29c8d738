# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--baseline: what changed since a capture, live and host by host, and nothing else."""

import copy
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import time


import dualstack

sys.path.insert(0, os.path.join(dualstack.TOP_SRCDIR, "tests", "faults"))

import scenarios  # noqa: E402
from dualstack import CRITICAL, OK, UNKNOWN, WARNING, Network, run  # noqa: E402

HOSTS = dualstack.share(200)
SEED = int(os.environ.get("DUALSTACK_SEED", "20261122"))
DATA = os.path.join(dualstack.TOP_SRCDIR, "tests/data/captures")


def write(path, content):
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def kinds(report):
    """{"443/tcp": "changed stack v6only"}"""
    return {"%d/%s" % (change["port"], change["protocol"]): " ".join([change["change"], *change["differs"]])
            for change in report["changes"]}


class Live(dualstack.TestCase):
    """Real sockets, captured and then changed."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(dualstack.temporary_folder(), "baseline.json")
        self.schema = dualstack.schema("check_dualstack")
        self.listen("0.0.0.0", 22)
        self.listen("::", 22, v6only=True)

    def listen(self, address, port, **options):
        return self.sockets.listener(address, port, **options)

    def capture(self):
        write(self.path, self.check(OK, "--capture").bytes)

    def expect(self, **expected):
        """Exactly these services changed, and how; in JSON and in text, as any user."""
        expected = {name.strip("_").replace("_", "/"): how for name, how in expected.items()}
        for uid in dualstack.users():
            report = self.report("--baseline=" + self.path, uid=uid)
            self.schema.validate(report)
            self.assertEqual(kinds(report), expected)
            self.assertEqual((report["state"], report["totals"]["changes"]),
                             ("WARNING" if expected else "OK", len(expected)))
            result = self.check(WARNING if expected else OK, "--baseline=" + self.path, uid=uid)
            self.assertEqual(result.values["changes"][0], str(len(expected)))
            self.assertEqual([line for line in result.lines[1:]],
                             ["\\_[WARNING] " + change["sentence"] for change in report["changes"]])

    def test_nothing(self):
        listener = self.listen("::", 443, v6only=False)
        self.listen("192.0.2.1", 53, protocol="udp")
        self.capture()
        self.expect()
        # More of the same, and who is connected.
        self.listen("::", Network.CLIENT_PORTS[0] + 5, protocol="udp")
        self.sockets.connection(listener, "127.0.0.1")
        self.sockets.client("192.0.2.1", 53, protocol="udp")
        self.expect()

    def test_appeared_and_gone(self):
        web = self.listen("::", 443, v6only=False)
        dns = self.listen("127.0.0.1", 53, protocol="udp")
        self.capture()
        web.close()
        self.listen("127.0.0.1", 8080)
        self.expect(_443_tcp="gone", _8080_tcp="appeared")
        dns.close()
        self.listen("0.0.0.0", 53)
        self.expect(_443_tcp="gone", _8080_tcp="appeared", _53_udp="gone", _53_tcp="appeared")

    def change(self, before, after, expected):
        """Each is (address, options) of what listens on one port; something else on another stays."""
        port = 4443
        with self.subTest(before=before, after=after):
            opened = [self.listen(address, port, **options) for address, options in before]
            self.capture()
            for sock in opened:
                sock.close()
            opened = [self.listen(address, port, **options) for address, options in after]
            self.expect(_4443_tcp=expected)
            for sock in opened:
                sock.close()

    def test_kinds(self):
        v4, v6, both = ("0.0.0.0", {}), ("::", {"v6only": True}), ("::", {"v6only": False})
        shared = {"reuseport": True}
        self.change([v4], [v4, v6], "changed stack addresses")
        self.change([v4, v6], [v6], "changed stack addresses")
        self.change([both], [v6], "changed stack v6only")
        self.change([v4, v6], [both], "changed form addresses v6only")
        self.change([v4], [("127.0.0.1", {})], "changed reach addresses")
        self.change([v4], [("192.0.2.1", {})], "changed addresses")
        self.change([v4], [("0.0.0.0", {"device": Network.DEVICE})], "changed interfaces")
        self.change([v4], [("0.0.0.0", {"device": "lo"})], "changed reach interfaces")
        self.change([v6], [("fe80::7:1%" + Network.DEVICE, {})], "changed reach addresses")
        self.change([v4], [("::ffff:0.0.0.0", {"v6only": False})], "changed addresses")
        self.change([("127.0.0.1", shared)], [("127.0.0.1", shared), ("127.0.0.2", shared)], "changed addresses")

    def test_the_host_changed(self):
        """Its sockets are what they were, but an address is gone."""
        self.listen("192.0.2.3", 443)
        self.capture()
        dualstack.ip("addr del 192.0.2.3/24 dev " + Network.DEVICE)
        self.expect(_443_tcp="changed stack")

    def test_users(self):
        if dualstack.unprivileged():
            self.skipTest(dualstack.unprivileged())
        listener = self.listen("0.0.0.0", 4443)
        self.capture()
        listener.close()
        os.seteuid(dualstack.NOBODY)
        try:
            self.listen("0.0.0.0", 4443)
        finally:
            os.seteuid(os.getuid())
        self.expect(_4443_tcp="changed users")

    def test_policy(self):
        """What the policy says of a service is one thing, that it changed another."""
        listener = self.listen("::", 443, v6only=False)
        self.capture()
        listener.close()
        self.listen("0.0.0.0", 443)
        baseline = "--baseline=" + self.path
        result = self.check(WARNING, baseline, "-r", "443 v4-only", "-r", "22 any")
        self.assertRegex(result.first, r"^DUALSTACK WARNING: 2 services on policy, 0 v4-mapped connections\. "
                                       r"1 change since \S+Z: 443/tcp is v4-only, was dual-stack \|")
        self.check(CRITICAL, baseline, "-r", "443 dual-stack")
        self.check(CRITICAL, baseline, "-r", "default any severity=critical")
        self.check(WARNING, baseline, "-r", "default any severity=warning")
        # TCP alone is judged, and all of the host compared.
        self.listen("0.0.0.0", 53, protocol="udp")
        self.assertEqual(self.check(WARNING, baseline, "-r", "443 any").values["changes"][0], "2")
        # What a rule names is never a client's.
        port = Network.CLIENT_PORTS[0] + 5
        self.listen("0.0.0.0", port, protocol="udp")
        self.assertEqual(self.check(WARNING, baseline).values["changes"][0], "2")
        self.assertEqual(self.check(WARNING, baseline, "-r", "%d/udp any" % port).values["changes"][0], "3")

    def test_fallback_is_no_change(self):
        """/proc/net says less than netlink: what it does not say is unknown, never gone."""
        self.listen("::", 443, v6only=False)
        self.listen("0.0.0.0", 8080, device="lo")
        self.capture()
        result = self.check(UNKNOWN, "--baseline=" + self.path, "--source=procfs")
        self.assertRegex(result.text, r"(?m)^\\_\[UNKNOWN\] 443/tcp cannot be compared: IPV6_V6ONLY is not visible now")
        self.assertRegex(result.text, r"(?m)^\\_\[UNKNOWN\] 8080/tcp cannot be compared: the interface it is bound to")
        self.assertEqual(result.values["changes"][0], "0")
        self.listen("0.0.0.0", 8081)
        result = self.check(WARNING, "--baseline=" + self.path, "--source=procfs")
        self.assertRegex(result.text, r"(?m)^\\_\[WARNING\] 8081/tcp appeared")

    def test_unreadable(self):
        """A protocol that cannot be read now, or could not be read then."""
        self.listen("::", 443)
        self.capture()
        copies = os.path.join(dualstack.temporary_folder(), "net")
        os.mkdir(copies)
        for name in ("udp", "udp6", "if_inet6"):
            shutil.copy("/proc/net/" + name, copies)
        broken = self.check(OK, "--capture", "--procfs=" + copies).bytes
        capture = json.loads(broken)
        with open(self.path, "rb") as file:
            capture["host"] = json.load(file)["host"]
        broken = write(self.path + ".broken", capture)
        for args in (["--replay=" + broken, "--baseline=" + self.path], ["--baseline=" + broken]):
            result = self.check(UNKNOWN, *args)
            self.assertIn("TCP cannot be compared", result.first)
            self.assertNotRegex(result.text, "443/tcp (is gone|appeared)")
            self.assertNotIn("changes", result.values)

    def judged(self, listener, absence):
        """Closes the listener, lets the program look, listens again after `absence` seconds.

        The program waits for its baseline on standard input, so that its own start takes no part in the timing. Returns
        its exit code, text, how long it took, and for how long nothing had listened since the baseline was sent."""
        port = dualstack.port_of(listener)
        with open(self.path, "rb") as file:
            baseline = file.read()
        process = subprocess.Popen([dualstack.PROGRAM, "--baseline=-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env=dualstack.environment())
        try:
            dualstack.eventually(lambda: dualstack.awaits_input(process.pid), "the program waits for its baseline", 20)
            listener.close()
            start = time.monotonic()
            process.stdin.write(baseline)
            process.stdin.close()
            process.stdin = None
            time.sleep(absence)
            listener = self.listen("0.0.0.0", port)
            absent = time.monotonic() - start
            out, _ = process.communicate(timeout=20)
            return listener, process.returncode, out.decode(), time.monotonic() - start, absent
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def test_a_restart_is_no_change(self):
        listener = self.listen("0.0.0.0", 4443)
        self.capture()
        looked_twice = valid = 0
        for _ in range(40):
            listener, code, text, took, absent = self.judged(listener, 0.02)
            if absent > 0.035:
                continue  # this machine was too slow to restart the listener in time
            valid += 1
            looked_twice += took >= 0.05
            self.assertEqual(code, OK, text)
            if valid == 10 and looked_twice:
                break
        self.assertGreaterEqual(valid, 5, "this machine is too slow for the test")
        self.assertGreater(looked_twice, 0, "the program never saw the listener missing, so this shows nothing")


class Restart(dualstack.TestCase):
    """A unit that is started anew has another cgroup, of the same name."""

    def setUp(self):
        super().setUp()
        self.name = "check_dualstack-%s.service" % dualstack.run_name()
        self.folder = dualstack.temporary_folder()

    def start(self, *ports):
        cgroup = scenarios.Cgroup(self.name)
        if cgroup.path is None:
            self.skipTest("no cgroup can be made here (run as root of the machine)")
        self.addCleanup(cgroup.close)
        return cgroup, os.stat(cgroup.path).st_ino, scenarios.Member(cgroup, *ports)

    def test_captures_differ_in_time_and_counts(self):
        cgroup, first, member = self.start(4443, "udp:4053")
        before = self.check(OK, "--capture")
        member.close()
        cgroup.close()
        cgroup, second, member = self.start("udp:4053", 4443)
        self.addCleanup(member.close)
        after = self.check(OK, "--capture")
        self.assertNotEqual(first, second)
        self.assertIn('"unit":"%s"' % self.name, before.text)
        self.assertEqual(*([line for line in result.lines if not line.startswith('"time":')] for result in (before, after)))
        path = write(os.path.join(self.folder, "before.json"), before.bytes)
        self.check(OK, "--baseline=" + path)


class Generated(dualstack.TestCase):
    """Captures made up, judged host by host."""

    network_wanted = False

    def setUp(self):
        super().setUp()
        self.before = os.path.join(dualstack.temporary_folder(), "before")
        self.after = os.path.join(dualstack.temporary_folder(), "after")
        os.mkdir(self.before)
        os.mkdir(self.after)
        self.schema = dualstack.schema("check_dualstack")
        with open(os.path.join(DATA, "good-web.json"), "rb") as file:
            self.model = json.load(file)

    ADDRESSES = ("0.0.0.0", "::", "127.0.0.1", "::1", "192.0.2.1", "2001:db8::1", "fe80::1", "::ffff:192.0.2.1")
    UNITS = ("nginx.service", "ssh.service", "session-%d.scope", "docker-%064x.scope", "/kubepods/pod00000000-0000-4000-8000-%012x",
             "run-u%d.service", None)

    def listener(self, rng, port, protocol):
        address = rng.choice(self.ADDRESSES)
        inet6 = ":" in address
        bound = rng.random() < 0.2 or address == "fe80::1"
        unit = rng.choice(self.UNITS)
        uid, user = rng.choice(((0, "root"), (33, "www-data"), (4711, None), (61184, "dynamic")))
        state = {"there": True, "up": True, "ipv6": True, "vrf": False, "addresses": {"ipv4": ["external"], "ipv6": ["link"]}}
        return {"protocol": protocol, "port": port, "family": "inet6" if inet6 else "inet", "address": address,
                "presence": "unknown" if address in ("0.0.0.0", "::") else "local", "interface": 2 if bound else 0,
                "interface_name": "eth0" if bound else None, "interface_state": state if bound else None,
                "v6only": rng.random() < 0.5 if inet6 else None, "sockets": rng.randrange(1, 9), "uid": uid, "user": user,
                "cgroup": rng.randrange(1, 10 ** 6),
                "unit_state": "known" if unit else rng.choice(("gone", "untold", "unmounted", "hidden")), "unit": unit}

    def host(self, rng, name):
        """Its services; some units have a "%" where they get another name at each start."""
        host = copy.deepcopy(self.model)
        host["host"] = name
        host["listeners"] = []
        for port in rng.sample(range(1, 32000), rng.randrange(0, 12)):
            protocol = rng.choice(("tcp", "udp"))
            listeners = {(entry["address"], entry["interface"], entry["uid"]): entry for entry in (
                self.listener(rng, port, protocol) for _ in range(rng.randrange(1, 4)))}
            host["listeners"] += listeners.values()
        return host

    def started(self, rng, host):
        """What the host looks like when its daemons were started, each time in another way."""
        host = copy.deepcopy(host)
        host["time"] = "2026-11-%02dT%02d:00:00Z" % (rng.randrange(1, 29), rng.randrange(24))
        for entry in host["listeners"]:
            entry["cgroup"] = rng.randrange(1, 10 ** 6)
            entry["sockets"] = rng.randrange(1, 9)
            if entry["unit"] and "%" in entry["unit"]:
                entry["unit"] %= rng.randrange(10 ** 6)
            if entry["user"] == "dynamic":
                entry["uid"] = rng.randrange(61184, 65520)
        if rng.random() < 0.5:
            for entry in host["listeners"]:
                del entry["cgroup"]
        rng.shuffle(host["listeners"])
        services = sorted({(entry["protocol"], entry["port"]) for entry in host["listeners"]})
        host["connections"] = [
            {"protocol": protocol, "port": port, "scope": "external", "ipv4": rng.randrange(9), "ipv4_mapped": rng.randrange(1, 9),
             "ipv6": 0} for protocol, port in services if rng.random() < 0.5]
        host["outbound"] = {kind: rng.randrange(100) for kind in ("ipv4", "ipv4_mapped", "ipv6")}
        # Clients come and go.
        for port in rng.sample(range(32768, 61000), rng.randrange(4)):
            host["listeners"].append(dict(self.listener(rng, port, "udp"), unit="chrony.service", unit_state="known"))
        return host

    def test_unchanged_hosts(self):
        rng = random.Random(SEED)
        listeners = 0
        for number in range(HOSTS):
            name = "host%d" % number
            model = self.host(rng, name)
            listeners += len(model["listeners"])
            for folder in (self.before, self.after):
                write(os.path.join(folder, name + ".json"), self.started(rng, model))
        args = ["--replay=" + self.after, "--baseline=" + self.before]
        result = run(*args, "--format=json")
        reports = [json.loads(line) for line in result.lines]
        self.assertEqual(len(reports), HOSTS + 1)
        for report in reports:
            self.schema.validate(report)
            with self.subTest(seed=SEED, host=report["host"]):
                self.assertEqual((report["state"], report["changes"]), ("OK", []), report["summary"])
        self.assertGreater(listeners, HOSTS)
        text = self.check(OK, *args)
        self.assertIn("%d hosts, no policy to judge by, no change since the baseline" % HOSTS, text.first)
        self.assertEqual(text.values["changes"][0], "0")

    def save(self, folder, name, **changes):
        return write(os.path.join(folder, name), dict(copy.deepcopy(self.model), **changes))

    def test_host_by_host(self):
        listeners = self.model["listeners"]
        for name in ("a", "b", "c"):
            self.save(self.before, name + ".json", host=name)
        self.save(self.after, "x.json", host="a")
        self.save(self.after, "y.json", host="b", listeners=listeners[1:])
        self.save(self.after, "z.json", host="d")
        args = ["--replay=" + self.after, "--baseline=" + self.before]
        result = self.check(WARNING, *args)
        self.assertIn("1 of 3 hosts changed, 1 unknown: b |", result.first)
        self.assertRegex(result.text, r"(?m)^\\_\[WARNING\] b: .* 1 change since 2026-11-22T09:00:00Z: 22/tcp is v6-only, was dual-stack$")
        self.assertRegex(result.text, r"(?m)^\\_\[UNKNOWN\] d: .* no baseline for d in \S+before: take one with --capture$")
        self.assertRegex(result.text, r"(?m)^\\_\[OK\] a: .* no change since 2026-11-22T09:00:00Z$")
        self.assertNotIn("changes", result.values)  # of one it is not known
        reports = [json.loads(line) for line in run(*args, "--format=json").lines]
        self.assertEqual([(report["host"], report["state"], len(report["changes"])) for report in reports[:3]],
                         [("a", "OK", 0), ("b", "WARNING", 1), ("d", "UNKNOWN", 0)])
        self.assertEqual(reports[1]["baseline"], {"file": os.path.join(self.before, "b.json"),
                                                  "time": "2026-11-22T09:00:00Z", "captures": 1})
        self.assertIsNone(reports[2]["baseline"])
        self.assertIn("no baseline for d in ", reports[2]["errors"][0])
        result = self.check(CRITICAL, *args, "-r", "5432 v4-only")
        self.assertRegex(result.first, "3 of 3 hosts off policy or changed: ")

    def test_every_format(self):
        """Reports say of each host what changed, and those for machines count it."""
        self.save(self.before, "a.json", host="a")
        self.save(self.after, "a.json", host="a", listeners=self.model["listeners"][1:])
        self.save(self.before, "b.json", host="b")
        self.save(self.after, "b.json", host="b")
        self.save(self.after, "c.json", host="c")
        sentence = "22/tcp is v6-only, was dual-stack: no longer on 0.0.0.0:22 (ssh.service)"
        args = ["--replay=" + self.after, "--baseline=" + self.before]
        rows = list(csv.DictReader(self.check(WARNING, *args, "--format=csv").text.splitlines()))
        hosts = {row["host"]: row for row in rows if row["row"] == "host"}
        self.assertEqual({name: row["state"] for name, row in hosts.items()}, {"a": "WARNING", "c": "UNKNOWN"})
        self.assertIn("; 1 change since 2026-11-22T09:00:00Z; " + sentence, hosts["a"]["reasons"])
        self.assertIn("; no baseline for c in ", hosts["c"]["reasons"])
        page = self.check(WARNING, *args, "--format=html").text
        self.assertEqual(page.count(sentence), 2)  # as a finding, and as evidence
        self.assertIn("no baseline for c in ", page)
        metrics = self.check(WARNING, "--replay=" + self.after + "/a.json", "--baseline=" + self.before,
                             "--format=prometheus").text
        self.assertRegex(metrics, r"(?m)^check_dualstack_changes\{[^}]*\} 1$")

    def test_one_file(self):
        path = self.save(self.after, "x.json", host="a")
        self.assertIn(", which holds web1: take one with --capture |", self.check(
            UNKNOWN, "--replay=" + path, "--baseline=" + os.path.join(DATA, "good-web.json")).first)
        with open(path, "rb") as file:
            self.check(OK, "--replay=" + path, "--baseline=-", stdin=file.read())
        self.check(OK, "--replay=" + path, "--baseline=" + os.path.join(DATA, "good-web.json"), "--baseline=" + path)

    def test_newest_of_a_host(self):
        self.save(self.before, "1.json", time="2026-11-20T09:00:00Z", listeners=self.model["listeners"][1:])
        self.save(self.before, "2.json", time="2026-11-21T09:00:00Z")
        self.save(self.before, "3.json", time="2026-11-19T09:00:00Z", listeners=self.model["listeners"][1:])
        path = self.save(self.after, "x.json")
        self.assertIn("no change since 2026-11-21T09:00:00Z (newest of 3 baselines)",
                      self.check(OK, "--replay=" + path, "--baseline=" + self.before).first)

    def test_newest_that_can_be_read(self):
        """What is cut off does not hide what was captured before it."""
        broken = dict(self.model, time="2026-11-21T09:00:00Z", outbound="cut off")
        write(os.path.join(self.before, "2.json"), broken)
        path = self.save(self.after, "x.json")
        self.assertIn("no baseline: %s/2.json: outbound is " % self.before,
                      self.check(UNKNOWN, "--replay=" + path, "--baseline=" + self.before).first)
        self.save(self.before, "1.json", time="2026-11-20T09:00:00Z")
        self.assertIn("no change since 2026-11-20T09:00:00Z |",
                      self.check(OK, "--replay=" + path, "--baseline=" + self.before).first)

    def test_namespaces_are_hosts_of_their_own(self):
        self.save(self.before, "1.json", namespace="blue", listeners=self.model["listeners"][1:])
        path = self.save(self.after, "x.json")
        self.assertIn("no baseline for web1 in /", self.check(UNKNOWN, "--replay=" + path, "--baseline=" + self.before).first)
        path = self.save(self.after, "y.json", namespace="blue")
        self.assertIn("22/tcp", self.check(WARNING, "--replay=" + path, "--baseline=" + self.before).first)
        path = self.save(self.after, "z.json", namespace="red")
        self.assertIn("no baseline for web1 in namespace red in /",
                      self.check(UNKNOWN, "--replay=" + path, "--baseline=" + self.before).first)

    def test_without_a_name(self):
        self.save(self.before, "1.json", host="")
        path = self.save(self.after, "x.json", host="", listeners=self.model["listeners"][2:], connections=[])
        self.assertIn("22/tcp is gone", self.check(WARNING, "--replay=" + path, "--baseline=" + self.before).first)
        self.save(self.before, "2.json", host="")
        self.assertIn("no baseline for a host without a name",
                      self.check(UNKNOWN, "--replay=" + path, "--baseline=" + self.before).first)

    def test_unreadable_baselines(self):
        path = self.save(self.after, "x.json")
        for argument, cause in ((self.before, "holds no capture"), (self.before + "/none", "No such file"),
                                (write(self.before + ".txt", b"hello"), "is not a capture"),
                                (write(self.before + ".cut", json.dumps(self.model).encode()[:-1]), "cut: ")):
            with self.subTest(argument=argument):
                for args in (["--replay=" + path], []):
                    result = self.check(UNKNOWN, *args, "--baseline=" + argument)
                    self.assertIn("no baseline", result.first)
                    if args:
                        self.assertIn(cause, result.first)
                    self.schema.validate(run(*args, "--baseline=" + argument, "--format=json").json)

    def test_older_schema(self):
        """Schema 1 knows no addresses: as far as sockets are bound."""
        with open(os.path.join(DATA, "good-schema-1.json"), "rb") as file:
            old = json.load(file)
        self.save(self.after, "x.json", host=old["host"], listeners=[
            dict({"presence": "unknown", "interface_state": None}, **entry) for entry in old["listeners"]],
            connections=[], addresses={"ipv4": ["loopback"], "ipv6": []})
        self.check(OK, "--replay=" + self.after + "/x.json", "--baseline=" + os.path.join(DATA, "good-schema-1.json"))

    def test_not_with_other_modes(self):
        for mode in ("--list", "--learn", "--lint", "--capture"):
            self.assertIn("--baseline does not go with %s, only with a check" % mode,
                          self.check(UNKNOWN, mode, "--baseline=x").first)


if __name__ == "__main__":
    dualstack.main()
