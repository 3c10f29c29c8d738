# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Listeners that stay, beside hundreds of the same port that come and go: no look misses one, in any mode.

The kernel goes on with its list by position, so what closes between two of its answers hides what stays. How many looks
there are is in DUALSTACK_LOOKS, a fifth of them or DUALSTACK_HELD_LOOKS are held up between their reads.
"""

import collections
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

import scenarios  # knows where dualstack is
import dualstack
from dualstack import OK, PROGRAM, UNKNOWN

LOOKS = int(os.environ.get("DUALSTACK_LOOKS", "500"))
HELD_LOOKS = int(os.environ.get("DUALSTACK_HELD_LOOKS", str(LOOKS // 5)))
PORT = 443
CROWD = 600
DELAY = 2000  # microseconds between two answers of a look that is held up
# By themselves: so many single walks that are held up, at most, until so many of them have missed one.
CONTROL_WALKS, CONTROL_MISSES = 500, 5

# Opens a crowd of SO_REUSEPORT sockets and closes it again, until its input ends. Prints how many there were.
HELPER = """
import os, select, socket, sys
kind, port, count = getattr(socket, sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
done = 0

def member():
    sock = socket.socket(socket.AF_INET, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("0.0.0.0", port))
    if kind == socket.SOCK_STREAM:
        sock.listen(1)
    return sock

print("ready", flush=True)
while not select.select([0], [], [], 0)[0]:
    crowd = [member() for _ in range(count)]
    done += count
    while crowd:
        crowd.pop(0).close()
print(done, flush=True)
"""

Place = collections.namedtuple("Place", "protocol address interface")
STAY = {Place(protocol, address, interface) for protocol in ("tcp", "udp")
        for address, interface in (("::", None), ("0.0.0.0", "lo"))}


class Crowd:
    def __init__(self, kind):
        self.process = subprocess.Popen([sys.executable, "-c", HELPER, kind, str(PORT), str(CROWD)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError("no crowd of " + kind)

    def stop(self):
        try:
            out, _ = self.process.communicate(b"", timeout=20)
        finally:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
        return int(out)


# How each mode shows listeners.


def from_capture(text):
    return {Place(one["protocol"], one["address"], one["interface_name"]) for one in json.loads(text)["listeners"]
            if one["port"] == PORT}


def from_json(text):
    return {Place(service["protocol"], one["address"], one["interface"]) for service in json.loads(text)["services"]
            for one in service["listeners"] if one["port"] == PORT}


def from_list(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return {Place(row["protocol"], row["address"], row["interface"]) for row in rows if row.get("port") == PORT}


def from_policy(text):
    """What was learned is told beside each rule."""
    places = set()
    protocol = None
    for line in text.splitlines():
        service = re.match(r"# %d/(\w+) " % PORT, line)
        endpoint = re.match(r"# +\[?([0-9a-f:.]+)(?:%%(\w+))?\]?:%d " % PORT, line)
        if service:
            protocol = service[1]
        elif endpoint:
            places.add(Place(protocol, endpoint[1], endpoint[2]))
    return places


def from_procfs(text):
    """There no interface is told: 0.0.0.0 is the crowd's, too."""
    return from_capture(text) | {place for place in STAY if place.interface is not None}


MODES = (
    (("--capture",), from_capture),
    (("--format=json",), from_json),
    (("--list", "--format=json"), from_list),
    (("--learn",), from_policy),
    # A verdict has a second look, and no reason to take one.
    (("-r", "%d v6" % PORT, "-r", "%d/udp v6" % PORT, "--format=json"), from_json),
) * 4 + (
    # /proc/net takes ten times as long.
    (("--source=procfs", "--capture"), from_procfs),
)


def single_walk():
    """One walk over the TCP listeners, held up like a look. True when it shows all that stay."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as sock:
        sock.bind((0, 0))
        # struct nlmsghdr, then TCPDIAG_GETSOCK's struct inet_diag_req of the state LISTEN.
        sock.send(struct.pack("=IHHII", 76, 18, 0x301, 1, 0) + struct.pack("=B51xI", socket.AF_INET, 1 << 10)
                  .ljust(60, b"\0"))
        shown = set()
        while True:
            answer = sock.recv(32768)
            while answer:
                length, kind = struct.unpack_from("=IH", answer)
                if kind != 18:
                    return {(socket.AF_INET6, 0), (socket.AF_INET, socket.if_nametoindex("lo"))} <= shown
                # struct inet_diag_msg: the family and, behind ports and addresses, the interface.
                shown.add((answer[16], *struct.unpack_from("=I", answer, 56)))
                answer = answer[(length + 3) // 4 * 4:]
            time.sleep(DELAY / 1e6)


class WholeDumps(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        dualstack.open_file_limit(4096)
        for protocol in ("tcp", "udp"):
            self.sockets.listener("::", PORT, protocol=protocol, v6only=True, reuseport=True)
            self.sockets.listener("0.0.0.0", PORT, protocol=protocol, device="lo", reuseport=True)
        self.crowds = [Crowd("SOCK_STREAM"), Crowd("SOCK_DGRAM")]
        self.addCleanup(self.crowds_stop)

    def crowds_stop(self):
        counts = [crowd.stop() for crowd in self.crowds]
        self.crowds = []
        return counts

    def looks(self, count, *before):
        """Each a mode, in turns. How many missed what, or said what they should not."""
        wrong = collections.Counter()
        answers = {}
        times = []
        for args, places_of in itertools.islice(itertools.cycle(MODES), count):
            started = time.monotonic()
            done = subprocess.run([*before, PROGRAM, "-t", "60", *args], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                                  env=scenarios.environment(), check=False)
            times.append(time.monotonic() - started)
            self.assertEqual(done.stderr, b"")
            missing = STAY - places_of(done.stdout.decode()) if done.returncode != UNKNOWN else None
            if done.returncode != OK or missing:
                wrong[args, done.returncode, tuple(sorted(missing or ()))] += 1
                answers.setdefault(args, done.stdout.decode())
        times.sort()
        return dict(wrong), answers, times

    def looks_check(self, what, count, *before):
        wrong, answers, times = self.looks(count, *before)
        counts = self.crowds_stop()
        print("\n%d looks%s: %d wrong; median %.0f ms, the longest %.0f ms; %d and %d sockets came and went" % (
            count, what, sum(wrong.values()), 1000 * times[count // 2], 1000 * times[-1], *counts))
        self.assertEqual(wrong, {}, answers)
        # It proves nothing if nothing moved.
        self.assertGreater(min(counts), 10 * count)

    def test_what_stays_is_seen(self):
        self.looks_check("", LOOKS)

    @unittest.skipIf(shutil.which("strace") is None, "strace is missing")
    def test_what_stays_is_seen_by_a_reader_that_is_held_up(self):
        walks = misses = 0
        while misses < CONTROL_MISSES and walks < CONTROL_WALKS:
            walks += 1
            misses += not single_walk()
        print("\n%d of %d single walks missed something" % (misses, walks))
        self.assertGreaterEqual(misses, CONTROL_MISSES, "the crowd hides nothing")
        self.looks_check(", held up %.0f ms between two answers" % (DELAY / 1000), HELD_LOOKS, "strace", "-f", "-qq", "-o",
                         "/dev/null", "-e", "trace=recvmsg", "-e", "inject=recvmsg:delay_exit=%d" % DELAY)


if __name__ == "__main__":
    unittest.main(verbosity=2)
