# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""The kernel resumes its list of sockets by position: what closes between two answers hides what stays. A listener
that is always there is never missed, however many come and go beside it."""

import collections
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

import scenarios  # knows where dualstack is
import dualstack
from dualstack import CRITICAL, OK, PROGRAM, UNKNOWN

SEED = int(os.environ.get("DUALSTACK_SEED", "20261122"))
# How often it is looked for: 10,000 for the record.
LOOKS = int(os.environ.get("DUALSTACK_LOOKS", "500"))
# How many are beside it at most: several answers of the kernel, and just two, whose border it often is at.
BESIDE = (600, 60)
# Of 100 looks at most so many may end in UNKNOWN: one that never dares to answer misses nothing.
UNKNOWN_PER_CENT = 10
PORT = 4443
SHARED_BY = {"tcp": socket.SO_REUSEPORT, "udp": socket.SO_REUSEADDR}
# What the service would be without the stable listener: a rule that it breaks.
WITHOUT = {"tcp": "v4-only", "udp": "v6-only"}

# Listeners beside the stable one, in front of it in the same bucket of the kernel's table: in turns some close and some
# open. TCP is listed for both families at once, UDP one family after the other.
CHURN = """
import random, select, socket, sys, time
protocol, port, most, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
chance = random.Random(seed)
done = 0

def listener():
    if protocol == "tcp":
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    else:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if protocol == "tcp" else socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0" if protocol == "tcp" else "::", port))
    if protocol == "tcp":
        sock.listen(1)
    return sock

kept = [listener() for _ in range(most)]
print("ready", flush=True)
end = time.monotonic() + 3600
while time.monotonic() < end and not select.select([0], [], [], 0)[0]:
    some = chance.randrange(1, 60)
    if chance.random() < 0.5:
        while len(kept) < most and some > 0:
            kept.insert(chance.randrange(len(kept) + 1), listener())
            some -= 1
    else:
        for sock in kept[-some:]:
            sock.close()
            done += 1
        del kept[-some:]
print(done, flush=True)
"""


class Churn:
    """A process of its own, which the looks do not wait for."""

    def __init__(self, protocol, most):
        self.process = subprocess.Popen([sys.executable, "-c", CHURN, protocol, str(PORT), str(most), str(SEED)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError("no sockets beside the stable one")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            out, _ = self.process.communicate(b"", timeout=20)
        finally:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
        self.closed = int(out)


# Each mode: its arguments, and whether its answer knows the stable listener.


def in_services(text, protocol):
    entry = dualstack.service(json.loads(text), PORT, protocol)
    return entry is not None and any((listener["address"], listener["v6only"]) == ("::", False)
                                     for listener in entry["listeners"])


def in_rows(text, protocol):
    rows = [json.loads(line) for line in text.splitlines()]
    return any((row.get("protocol"), row.get("port"), row.get("v6only")) == (protocol, PORT, False) for row in rows)


def in_capture(text, protocol):
    return any((listener["protocol"], listener["port"], listener["v6only"]) == (protocol, PORT, False)
               for listener in json.loads(text)["listeners"])


def in_policy(text, protocol):
    ports = "%d%s" % (PORT, "" if protocol == "tcp" else "/udp")
    return re.search(r"^%s\s+dual-stack\b" % ports, text, re.MULTILINE) is not None


MODES = {
    "json": (["--format=json"], in_services),
    "list": (["--list", "--format=json"], in_rows),
    "capture": (["--capture"], in_capture),
    "learn": (["--learn"], in_policy),
}


class WholeDumps(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        dualstack.sysctl("net.ipv4.ip_local_port_range", "40000 60999")
        self.chance = random.Random(SEED)

    @staticmethod
    def look(before, args):
        done = subprocess.run([*before, PROGRAM, "-t", "20", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, env=scenarios.environment(), check=False)
        if done.stderr:
            raise AssertionError("on standard error: %r" % done.stderr)
        return done.returncode, done.stdout.decode()

    def looks(self, what, count, protocol, see, before=()):
        """see(before) is what a look found: "seen", "missed" or "unknown". Half of the looks for each of BESIDE."""
        for most in BESIDE:
            with self.subTest(what=what, protocol=protocol, beside=most), dualstack.Sockets() as sockets:
                self.stable(sockets, protocol)
                self.looks_beside(what, count // len(BESIDE), protocol, most, see, before)

    @staticmethod
    def stable(sockets, protocol):
        """Opened first, so that all others are in front of it. UDP sockets that share a port by SO_REUSEPORT would be
        behind it."""
        sock = sockets.keep(socket.socket(socket.AF_INET6, socket.SOCK_STREAM if protocol == "tcp" else
                                          socket.SOCK_DGRAM))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, SHARED_BY[protocol], 1)
        sock.bind(("::", PORT))
        if protocol == "tcp":
            sock.listen()

    def looks_beside(self, what, count, protocol, most, see, before):
        found = collections.Counter()
        told = {}
        started = time.monotonic()
        with Churn(protocol, most) as churn:
            for _ in range(count):
                outcome, text = see(before)
                found[outcome] += 1
                told.setdefault(outcome, text)
        seconds = time.monotonic() - started
        print("\n%s, %s, %d beside it: %d looks in %.1f s while %d sockets closed (%.0f a look): %s" % (
            what, protocol, most, count, seconds, churn.closed, churn.closed / count,
            ", ".join("%d %s" % (number, outcome) for outcome, number in found.most_common())), flush=True)
        # It proves nothing if nothing moved.
        self.assertGreater(churn.closed, count)
        self.assertEqual(found["missed"], 0, "seed %d: %s" % (SEED, told.get("missed")))
        self.assertLessEqual(100 * found["unknown"], UNKNOWN_PER_CENT * count, told.get("unknown"))

    def by_rule(self, protocol):
        def see(before):
            requirement, right = self.chance.choice((("dual-stack", OK), (WITHOUT[protocol], CRITICAL)))
            code, text = self.look(before, ["-r", "%d/%s %s" % (PORT, protocol, requirement)])
            return {right: "seen", UNKNOWN: "unknown"}.get(code, "missed"), text
        return see

    def by_mode(self, protocol):
        def see(before):
            args, knows = MODES[self.chance.choice(sorted(MODES))]
            code, text = self.look(before, args)
            if code == UNKNOWN:
                return "unknown", text
            return ("seen" if code == OK and knows(text, protocol) else "missed"), " ".join(args) + "\n" + text[:2000]
        return see

    def holding(self):
        """Words that hold the reader between its reads."""
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        words = ["strace", "-qq", "-o", os.devnull, "-e", "trace=sendto,recvmsg",
                 "-e", "inject=sendto,recvmsg:delay_exit=4000"]
        if subprocess.run([*words, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("strace cannot trace here (a container without CAP_SYS_PTRACE, kernel.yama.ptrace_scope=3)")
        return words

    def test_rule_tcp(self):
        self.looks("a rule", LOOKS, "tcp", self.by_rule("tcp"))

    def test_rule_udp(self):
        self.looks("a rule", LOOKS // 2, "udp", self.by_rule("udp"))

    def test_modes_tcp(self):
        self.looks("every mode", LOOKS // 2, "tcp", self.by_mode("tcp"))

    def test_modes_udp(self):
        self.looks("every mode", LOOKS // 4, "udp", self.by_mode("udp"))

    def test_held_between_reads(self):
        for protocol in ("tcp", "udp"):
            self.looks("held between its reads", LOOKS // 5, protocol, self.by_rule(protocol), self.holding())

    def test_modes_held_between_reads(self):
        for protocol in ("tcp", "udp"):
            self.looks("every mode, held between its reads", LOOKS // 10, protocol, self.by_mode(protocol),
                       self.holding())


if __name__ == "__main__":
    dualstack.main()
