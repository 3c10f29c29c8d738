# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--capture and --replay: the same verdict elsewhere, a fleet at once, and captures that nobody should trust."""

import contextlib
import datetime
import json
import os
import random
import re
import resource
import shutil
import subprocess


import dualstack
from dualstack import CRITICAL, OK, STATE_NAMES, UNKNOWN, WARNING, Network, port_of, run

HOSTS = dualstack.share(200)
FLEET = dualstack.share(1000)
SEED = int(os.environ.get("DUALSTACK_SEED", "20261122"))
DEVICE = Network.DEVICE
DATA = os.path.join(dualstack.TOP_SRCDIR, "tests/data/captures")
PROC_NET = ("tcp", "tcp6", "udp", "udp6", "if_inet6")

ADDRESSES = ("0.0.0.0", "::", "0.0.0.0", "::", "0.0.0.0", "::", "127.0.0.1", "127.0.0.2", "::1", "192.0.2.1", "2001:db8::1", "fe80::7:1%" + DEVICE,
             "169.254.7.1", "::ffff:127.0.0.1", "::ffff:192.0.2.1", "::ffff:0.0.0.0")
CLIENT_ADDRESSES = ("127.0.0.1", "::1", "192.0.2.1", "2001:db8::1", "::ffff:127.0.0.1")

# What each hostile capture is refused for.
HOSTILE = {
    "array": "is not a capture of check_dualstack: it must be one JSON object",
    "deep": "line 1, column 2058: maximum parsing depth reached",
    "empty": "is empty: did the capture fail?",
    "family": "listeners[0].address is \"::1\", must be an IPv4 address",
    "huge-count": "connections[1].ipv4_mapped is 9007199254740993, must be a whole number from 0 to 4294967295",
    "huge-number": "line 19, column 566: too big integer",
    "missing-member": "listeners[2].uid is missing",
    "negative-count": "connections[1].ipv4_mapped is -8, must be",
    "newer-schema": "schema is 3, check_dualstack ",
    "no-address": "listeners[3].address is \"localhost\", must be an IPv4 address",
    "no-listener": "connections[1] refers to a service without a listener",
    "not-utf-8": "line 5, column 11: unable to decode byte 0xff",
    "nul": "line 5, column 18: ",
    "other-format": "is not a capture of check_dualstack: format must be \"check_dualstack-capture\"",
    "port-0": "listeners[2].port is 0, must be a whole number from 1 to 65535",
    "same-member": "line 2, column 19: duplicate object key",
    "time": "time is \"2026-02-30T09:00:00Z\", must be a time in UTC",
    "truncated": "is cut off in line 19: did the capture fail?",
    "twice": "listeners hold [::]:443/tcp of uid 33 more than once",
    "unknown-member": "ipv7 is not a member of this schema",
    "wrong-type": "listeners[2].uid is \"33\", must be a whole number",
}


def data(name):
    return os.path.join(DATA, name + ".json")


# What a replay says because captures of schema 1 keep no addresses; it does not know why.
NO_ADDRESSES = (rb"the (?:IPv[46] )?addresses of this host are not known, so reach is as far as sockets are bound"
                rb"(?:: [^|\"()]*)?")


def comparable(output):
    """JSON without what a replay may say otherwise, and text without the notes on where it comes from."""
    output = re.sub(rb" \(%s\)|, %s|%s, " % ((NO_ADDRESSES,) * 3), b"", output)
    output = re.sub(rb'"remark":"%s"' % NO_ADDRESSES, b'"remark":null', output)
    output = re.sub(rb'"addresses":\{[^}]*\}', b'"addresses":"-"', output, count=1)
    output = re.sub(rb'"time":"[^"]*"', b'"time":"-"', output, count=1)
    output = re.sub(rb'"source":(?:"[^"]*"|null)', b'"source":"-"', output, count=1)
    return re.sub(rb"^    (asked|not live:) .*\n", b"", output, flags=re.M)


def write(path, text):
    with open(path, "wb") as file:
        file.write(text)
    return path


@contextlib.contextmanager
def owner(uid):
    """What is opened meanwhile is this user's."""
    os.seteuid(os.getuid() if uid is None else uid)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


class RandomHost:
    """Sockets of any kind, some of them connected."""

    def __init__(self, rng, sockets):
        self.rng = rng
        self.sockets = sockets
        self.services = []
        for _ in range(rng.randrange(1, 9)):
            self.add_service()

    def add_service(self):
        rng = self.rng
        protocol = rng.choice(("tcp", "tcp", "udp"))
        # Clients of UDP come and go on ports of their own: 60001 and above (dualstack.Network).
        port = rng.choice((rng.randrange(1024, 40000), rng.randrange(60001, 65000)))
        for _ in range(rng.randrange(1, 4)):
            address = rng.choice(ADDRESSES)
            options = {"protocol": protocol, "reuseport": rng.random() < 0.5}
            if ":" in address:
                options["v6only"] = False if "ffff" in address else rng.random() < 0.5
            if "%" not in address and rng.random() < 0.1:
                options["device"] = rng.choice(("lo", DEVICE))
            try:
                with owner(rng.choice(dualstack.users())):
                    listener = self.sockets.listener(address, port, **options)
            except OSError:  # taken by its neighbour
                continue
            self.services.append((protocol, port))
            if protocol == "tcp" and rng.random() < 0.6:
                self.connect(listener)

    def connect(self, listener):
        for _ in range(self.rng.randrange(1, 5)):
            try:
                self.sockets.client(self.rng.choice(CLIENT_ADDRESSES), port_of(listener))
            except OSError:  # not of its family or address
                pass


def option(rng, chance, *texts):
    return [rng.choice(texts)] if rng.random() < chance else []


class RandomPolicy:
    """Rules about services that are there, and about some that are not."""

    def __init__(self, rng, services):
        self.rng = rng
        ports = sorted(set(services)) + option(rng, 0.4, ("tcp", 7), ("udp", 9))
        rng.shuffle(ports)
        self.rules = [self.rule(number, *service) for number, service in enumerate(ports[:rng.choice((0, 1, 1, 1, 2, 5))])]
        self.rules += option(rng, 0.2, "20000-39999 any", "1024-19999/udp v6 severity=warning name=low")
        self.rules += option(rng, 0.3, "default closed severity=warning", "default/tcp dual-stack", "default/udp any",
                             "default@external v4", "default closed waive-until=" + self.day())

    def day(self):
        return (datetime.date.today() + datetime.timedelta(self.rng.choice((-30, 3, 300)))).isoformat()

    def rule(self, number, protocol, port):
        rng = self.rng
        requirement = rng.choice(("v4-only", "v6-only", "dual-stack", "v4", "v6", "any", "closed"))
        words = ["%d/%s%s" % (port, protocol, "".join(option(rng, 0.2, "@loopback", "@link", "@external"))), requirement]
        words += option(rng, 0.5, "name=r%d" % number)
        words += option(rng, 0.3, "severity=warning", "severity=critical")
        words += option(rng, 0.2, "bind=loopback", "bind=link,192.0.2.0/24", "bind=0.0.0.0/0,::/0")
        words += option(rng, 0.15, "unit=*.service", "unit=*", "unit=nginx.service")
        words += option(rng, 0.15, "user=root", "user=65534")
        words += option(rng, 0.3, "mapped-warning=0", "mapped-critical=2", "mapped-warning=1: mapped-critical=3")
        words += option(rng, 0.2, "waive-until=" + self.day())
        words += option(rng, 0.2, "note=OPS-1234")
        if requirement == "dual-stack":
            words += option(rng, 0.2, "form=split", "form=single")
        if requirement != "closed":
            words += option(rng, 0.2, "missing=ok", "missing=warning")
        return " ".join(words)

    def args(self):
        args = [word for rule in self.rules for word in ("-r", rule)]
        args += option(self.rng, 0.1, "-w0", "-c2")
        args += option(self.rng, 0.3, "--perfdata=full", "--perfdata=totals")
        return args


class Fidelity(dualstack.TestCase):
    """A replay says what the live run said."""

    def setUp(self):
        super().setUp()
        self.folder = dualstack.temporary_folder()
        self.capture_schema = dualstack.schema("capture")
        self.report_schema = dualstack.schema("check_dualstack")

    def capture(self, *args, uid=None):
        """A file with the capture, which is what its schema says."""
        result = self.check(OK, "--capture", *args, uid=uid)
        self.capture_schema.validate(result.json)
        return write(os.path.join(self.folder, "capture.json"), result.bytes)

    def compare(self, path, args, *, source=(), uid=None):
        """Runs live and from the capture, which must be the same. Returns the state."""
        live = run(*source, *args, uid=uid)
        self.assertNotRegex(live.first, '(UNKNOWN: |"summary":")--rule', "the policy is wrong")
        replayed = run("--replay=" + path, *args)
        # A replay sends nobody to the host for what only that shows.
        expected = comparable(live.bytes).replace(b" (--list shows who comes over IPv4)", b"")
        self.assertEqual((replayed.code, comparable(replayed.bytes)), (live.code, expected),
                         "%s\n%s\n%s" % (args, live, replayed))
        return live.code

    def test_random_hosts_and_policies(self):
        rng = random.Random(SEED)
        states = dict.fromkeys((OK, WARNING, CRITICAL, UNKNOWN), 0)
        for number in range(HOSTS):
            uid = rng.choice(dualstack.users())
            source = option(rng, 0.3, "--source=procfs")
            verbose = rng.choice(((), (), ("-v",), ("-v", "-v"), ("-v", "-v", "-v")))
            with self.subTest(seed=SEED, host=number), dualstack.Sockets() as sockets:
                args = RandomPolicy(rng, RandomHost(rng, sockets).services).args()
                path = self.capture(*source, uid=uid)
                states[self.compare(path, [*args, *verbose], source=source, uid=uid)] += 1
                self.compare(path, [*args, "--format=json"], source=source, uid=uid)
        print("hosts by state:", {STATE_NAMES[state]: count for state, count in states.items()})
        self.assertTrue(states[OK] and states[WARNING] and states[CRITICAL], states)

    def test_unreadable_protocols(self):
        """Copies of /proc/net's files, some of which are gone or garbled."""
        self.sockets.listener("::", 4443, v6only=False)
        self.sockets.listener("0.0.0.0", 4053, protocol="udp")
        for broken in ((), ("tcp",), ("udp6",), ("tcp", "udp"), ("if_inet6",)):
            copies = os.path.join(self.folder, "net-" + "-".join(broken))
            os.mkdir(copies)
            for name in PROC_NET:
                with open("/proc/net/" + name, "rb") as file:
                    write(os.path.join(copies, name), file.read() if name not in broken else b"garbage\n")
            source = ["--procfs=" + copies]
            path = self.capture(*source)
            for policy in ([], ["-r", "4443 dual-stack"], ["-r", "4053/udp v4-only"],
                           ["-r", "4443 any", "-r", "default/udp closed"], ["-r", "4443 v4"], ["-r", "7 closed"]):
                with self.subTest(broken=broken, policy=policy):
                    for how in ([], ["-v"], ["--format=json"], ["--perfdata=full"]):
                        self.compare(path, policy + how, source=source)

    def test_remark_of_the_judged_protocols_only(self):
        """UDP alone fell back to /proc/net: who judges TCP is not told, as the live run would not have tried."""
        with open(self.capture(), "rb") as file:
            capture = json.loads(file.read())
        capture["protocols"]["udp"]["remark"] = "read from /proc/net, which lacks v6only, as pigs fly"
        path = write(os.path.join(self.folder, "remark.json"), json.dumps(capture).encode())
        self.assertNotIn("/proc/net", run("--replay=" + path, "-r", "7 any").text)
        self.assertIn("(read from /proc/net", run("--replay=" + path, "-r", "7/udp any").first)
        self.assertIn("as pigs fly", run("--replay=" + path, "-r", "7/udp any", "-v").first)
        self.assertIn("as pigs fly", self.replay_json(path)["remark"])

    def replay_json(self, path, *args):
        report = run("--replay=" + path, "--format=json", *args).json
        self.report_schema.validate(report)
        return report

    def test_another_namespace(self):
        try:
            run("--netns=%d" % os.getpid())
        except AssertionError:
            self.skipTest("--netns is not there")
        result = run("--capture", "--netns=%d" % os.getpid())
        if result.code != OK:
            self.skipTest("no privilege to enter a namespace")
        path = write(os.path.join(self.folder, "namespace.json"), result.bytes)
        self.compare(path, ["-r", "7 any"], source=["--netns=%d" % os.getpid()])

    def test_nothing_is_asked_of_this_host(self):
        """Users, units and the clock are the capture's."""
        report = self.replay_json(data("good-web"))
        self.assertEqual((report["time"], report["host"], report["source"], report["netns"]),
                         ("2026-11-22T09:00:00Z", "web1", "capture", 4026531840))
        ssh, web, database, _ = report["services"]
        self.assertEqual([listener["user"] for listener in web["listeners"]], ["www-data"])
        self.assertEqual([listener["user"] for listener in database["listeners"]], [None, None])
        self.assertEqual({listener["unit"] for listener in ssh["listeners"]}, {"ssh.service"})
        self.assertEqual(web["connections"], {"ipv4": 0, "ipv4_mapped": 8, "ipv6": 31})
        with open(data("good-web"), "rb") as file:
            capture = file.read().replace(b'"uid":33,"user":"www-data"', b'"uid":0,"user":null')
        path = write(os.path.join(self.folder, "nameless.json"), capture)
        listener, = dualstack.service(self.replay_json(path), 443)["listeners"]
        self.assertEqual((listener["uid"], listener["user"]), (0, None))

    def test_waivers_go_by_the_date_of_the_capture(self):
        self.check(OK, "--replay=" + data("good-web"), "-r", "443 v4-only waive-until=2026-11-22")
        self.check(CRITICAL, "--replay=" + data("good-web"), "-r", "443 v4-only waive-until=2026-11-21")
        result = self.check(OK, "--replay=" + data("good-web"), "-r", "443 v4-only waive-until=2026-11-24", "-v")
        self.assertIn("waived until 2026-11-24, 2 days left", result.text)

    def test_capture_is_for_diff(self):
        """Another listener is another line, and the order is that of the services."""
        self.sockets.listener("0.0.0.0", 4000)
        before = self.check(OK, "--capture").lines
        self.sockets.listener("0.0.0.0", 4002)
        self.sockets.listener("0.0.0.0", 4001)
        after = self.check(OK, "--capture").lines
        added = [line for line in after if line.rstrip("],") not in [old.rstrip("],") for old in before]
                 and not line.startswith('"time"')]
        self.assertEqual([json.loads(line.rstrip("],"))["port"] for line in added], [4001, 4002])

    def test_capture_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            for args in (["--capture"], ["--replay=" + DATA], ["--replay=" + DATA, "--format=json"]):
                code = subprocess.run([dualstack.PROGRAM, *args], stdout=full, check=False).returncode
                self.assertEqual(code, UNKNOWN, args)

    def test_not_live(self):
        """In place of what was asked of the kernel: a note on the capture, without a state."""
        result = self.check(CRITICAL, "--replay=" + data("good-web"), "-r", "443 v4-only", "-vvv")
        self.assertRegex(result.lines[1],
                         r"\A    not live: from capture \S*good-web\S*, taken at \d{4}-\S+Z by netlink on Linux \S")


class Fleet(dualstack.TestCase):
    """Several captures at once."""
    network_wanted = False

    def setUp(self):
        super().setUp()
        self.folder = dualstack.temporary_folder()

    def take(self, *names):
        """The folder with copies of these captures."""
        for name in names:
            shutil.copy(data(name), self.folder)
        return "--replay=" + self.folder

    def test_worst_first_and_summary(self):
        result = self.check(CRITICAL, self.take("good-web", "good-v4-only", "good-quiet"), "-r",
                            "443 dual-stack name=web missing=warning")
        self.assertEqual(comparable(result.bytes).decode().splitlines(), [
            "DUALSTACK CRITICAL: 2 of 3 hosts off policy: web2, quiet in namespace blue | hosts=3;;;0 hosts_off=2;;;0 "
            "hosts_unknown=0;;;0 mapped=8;;;0 violations=2;0;1;0 unlisted=0;;;0",
            "\\_[CRITICAL] web2: 1 of 1 service off policy. web 443/tcp is v4-only, must be dual-stack",
            "\\_[WARNING] quiet in namespace blue: 1 of 1 service off policy. web 443/tcp: nothing listens, must be dual-stack",
            "\\_[OK] web1: 1 service on policy, 8 v4-mapped connections",
            "\\_[CRITICAL] 3 hosts: 1 CRITICAL, 1 WARNING, 0 UNKNOWN, 1 OK"])

    def test_all_is_well(self):
        result = self.check(OK, self.take("good-web", "good-v4-only"), "-r", "443 any")
        self.assertEqual(result.prose, "DUALSTACK OK: 2 hosts on policy")
        self.assertEqual(len(result.lines), 4)

    def test_more_violations_come_first(self):
        result = self.check(CRITICAL, self.take("good-v4-only", "good-web"), "-r", "443 v6-only", "-r", "22 closed",
                            "-r", "5432 closed")
        self.assertEqual([line.split()[1] for line in result.lines[1:3]], ["web1:", "web2:"])

    def test_verbose_tells_the_findings_of_each(self):
        result = self.check(CRITICAL, self.take("good-v4-only"), "-v", "-r", "443 dual-stack name=web")
        self.assertEqual(result.lines[2], "    %s/good-v4-only.json, captured at 2026-11-22T09:00:00Z" % self.folder)
        self.assertTrue(result.lines[3].startswith("    \\_[CRITICAL] web 443/tcp: v4-only"), str(result))

    def test_json_lines(self):
        result = self.check(CRITICAL, self.take("good-web", "good-v4-only", "hostile-newer-schema"), "-r",
                            "443 dual-stack", "--format=json")
        reports = [json.loads(line) for line in result.lines]
        for report in reports:
            dualstack.schema("check_dualstack").validate(report)
        self.assertEqual([(report["host"], report["state"]) for report in reports],
                         [("web2", "CRITICAL"), ("web1", "OK"), ("", "UNKNOWN"), ("", "CRITICAL")])
        self.assertEqual([("fleet" in report) for report in reports], [False, False, False, True])
        # Each is the object that its file gives alone.
        self.assertEqual(result.lines[1:2], run("--replay=" + data("good-web"), "-r", "443 dual-stack",
                                                "--format=json").lines)
        self.assertRegex(reports[2]["errors"][0], r"^/.*hostile-newer-schema\.json: schema is 3, ")

    def test_several_files_and_standard_input(self):
        with open(data("good-web"), "rb") as file:
            capture = file.read()
        result = self.check(CRITICAL, "--replay=-", "--replay", data("good-v4-only"), "-r", "443 dual-stack",
                            stdin=capture)
        self.assertEqual([line.split()[1] for line in result.lines[1:3]], ["web2:", "web1:"])
        alone = self.check(OK, "--replay=-", "-r", "443 dual-stack", stdin=capture)
        self.assertEqual(alone.first, run("--replay=" + data("good-web"), "-r", "443 dual-stack").first)

    def test_what_counts_in_a_folder(self):
        """Not the hidden, not folders, not pipes; links to files do."""
        argument = self.take("good-web")
        os.mkdir(os.path.join(self.folder, "nested"))
        shutil.copy(data("good-v4-only"), os.path.join(self.folder, "nested"))
        shutil.copy(data("good-v4-only"), os.path.join(self.folder, ".hidden.json"))
        os.mkfifo(os.path.join(self.folder, "pipe"))
        os.symlink(data("good-quiet"), os.path.join(self.folder, "link.json"))
        result = self.check(OK, argument)
        self.assertEqual(result.values["hosts"][0], "2")
        self.assertEqual({line.split()[1].strip(":") for line in result.lines[1:-1]}, {"web1", "quiet"})

    def test_nothing_to_judge(self):
        for argument, cause in ((self.folder, "holds no capture"), (self.folder + "/none", "cannot be read: No such")):
            result = self.check(UNKNOWN, "--replay=" + argument, "-r", "443 any")
            self.assertIn(cause, result.first)
            report = self.check(UNKNOWN, "--replay=" + argument, "--format=json").json
            self.assertIn(cause, report["errors"][0])

    def test_wrong_policy_judges_nothing(self):
        result = self.check(UNKNOWN, self.take("good-web"), "-r", "443 dualstack")
        self.assertEqual(len(result.lines), 1, str(result))

    def test_time_is_up(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        for args, stage in ((["--replay=" + pipe], "reading a capture"),
                            (["--replay=" + data("good-web"), "--hosts=" + pipe], "reading the list of hosts")):
            result = self.check(UNKNOWN, "-t", "1", *args)
            self.assertIn("no answer within 1 second, while " + stage, result.first)

    def test_a_thousand_hosts(self):
        """A line for each, and what they come to."""
        with open(data("good-web"), "rb") as file:
            capture = file.read()
        for number in range(FLEET):
            write(os.path.join(self.folder, "%d.json" % number), capture.replace(b"web1", b"web%d" % number))
        for how in ([], ["--format=json"]):
            result = self.check(CRITICAL, "--replay=" + self.folder, "-r", "443 v4-only", "-r", "22 dual-stack", *how)
            self.assertEqual(len(result.lines), FLEET + 1 if how else FLEET + 2)


class Hostile(dualstack.TestCase):
    """Nothing in a capture is believed."""
    network_wanted = False

    def test_each_is_refused_with_its_place(self):
        names = {name[len("hostile-"):-len(".json")] for name in os.listdir(DATA) if name.startswith("hostile-")}
        self.assertEqual(names, set(HOSTILE))
        for name, cause in HOSTILE.items():
            with self.subTest(name=name):
                path = data("hostile-" + name)
                result = self.check(UNKNOWN, "--replay=" + path, "-r", "443 any")
                self.assertIn(os.path.basename(path) + ": " + cause, result.first)
                report = self.check(UNKNOWN, "--replay=" + path, "--format=json").json
                dualstack.schema("check_dualstack").validate(report)
                self.assertIn(cause, report["errors"][0])

    def test_others_are_judged_all_the_same(self):
        result = self.check(UNKNOWN, "--replay=" + DATA, "-r", "443 any missing=ok")
        self.assertEqual(result.values["hosts_unknown"][0], str(len(HOSTILE) + 1))  # and good-unreadable
        for host in ("web1", "web2", "quiet"):
            self.assertRegex(result.text, r"(?m)^\\_\[OK\] %s( in namespace blue)?: " % host)

    def test_names_do_no_harm(self):
        for args in (["-r", "443 v4-only"], ["-r", "443 v4-only", "-v", "-v", "-v"]):
            for path in (data("good-names"), data("good-web")):
                result = self.check(CRITICAL, "--replay=" + path, "--replay=" + data("good-names"), *args)
                self.assertEqual(result.text.count("|"), 1, str(result))
                for line in result.lines[1:]:
                    self.assertRegex(line, r"^(\\_\[|    )")
                    self.assertNotRegex(line, "[;<>\0-\x1f\x7f\u2028]")
        report = self.check(OK, "--replay=" + data("good-names"), "--format=json").json
        self.assertEqual(report["host"], "a|b;c<d>\ne")

    def assert_cheap(self, text, cause):
        path = os.path.join(dualstack.temporary_folder(), "big.json")
        result = self.check(UNKNOWN, "-t", "30", "--replay=" + write(path, text))
        os.unlink(path)
        self.assertIn(cause, result.first)
        # The most that any program of this test took; with the sanitizers half of it is theirs.
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 600 << 10)

    def test_size(self):
        self.assert_cheap(b" " * (65 << 20), "is longer than 67108864 bytes")
        self.assert_cheap(b'{"listeners":[' + b"{}," * 1000000 + b"{}]}", "holds more than 150000 JSON objects")
        self.assert_cheap(b'{"listeners":[' + b"1," * 3000000 + b"1]}", "or 2000000 commas")
        self.assert_cheap(b'{"format":"' + b"a" * 10000000 + b'"}', "is not a capture")
        self.assert_cheap(b"[" * 1000000, "JSON objects")
        self.assert_cheap(b"[" * 100000, "maximum parsing depth")


if __name__ == "__main__":
    dualstack.main()
