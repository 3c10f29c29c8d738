# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""A busy host: hundreds of listeners, thousands of connections a second, and a daemon that restarts under the check."""

import collections
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import unittest

import scenarios  # knows where dualstack is
import dualstack
from dualstack import OK, PROGRAM

STABLE_RUNS = 500
WHOLE_RUNS = 100
RESTART_RUNS = 1000  # of which a few in a hundred find the daemon away
# Of 1,000 checks of a daemon that restarts all the time, fewer than this may be wrong.
WRONG_PER_MILLE = 5
SECONDS_MOST = 40  # for each of the two

FIRST = 3000
STABLE = 300
SERVED = 6000  # its connections come and go
RESTARTED = 7000

# Ends with its input, or after a minute and a half. Prints how much it did.
HELPER = """
import os, select, socket, struct, sys, time
kind, first = sys.argv[1], int(sys.argv[2])
end = time.monotonic() + 90
done = 0

def goes_on():
    return time.monotonic() < end and not select.select([0], [], [], 0)[0]

def listener(port, family=socket.AF_INET6, v6only=False):
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    sock.listen(512)
    return sock

server = listener(first) if kind != "listeners" else None
print("ready", flush=True)
if kind == "connections":
    # Resets: what ends in TIME-WAIT would fill the ports within a minute.
    reset = struct.pack("ii", 1, 0)
    while goes_on():
        for number in range(50):
            client = socket.socket()
            client.connect(("127.0.0.%d" % (1 + done % 200), first))
            accepted, _ = server.accept()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            client.close()
            accepted.close()
            done += 1
elif kind == "listeners":
    kept = []
    while goes_on():
        for number in range(20):
            family, v6only = ((socket.AF_INET, False), (socket.AF_INET6, True), (socket.AF_INET6, False))[done % 3]
            kept.append(listener(first + done % 500, family, v6only))
            if len(kept) > 40:
                kept.pop(0).close()
            done += 1
else:
    # A busy machine would keep it away for longer than it asks to be.
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass
    gap, up = 0.001, 0.04
    while goes_on():
        server.close()
        time.sleep(gap)
        server = listener(first)
        done += 1
        time.sleep(up)
print(done, flush=True)
"""


class Helper:
    def __init__(self, kind, first):
        self.process = subprocess.Popen([sys.executable, "-c", HELPER, kind, str(first)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.started = time.monotonic()
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError("no helper for " + kind)

    def stop(self):
        """How much it did, and how much that is in a second."""
        try:
            out, _ = self.process.communicate(b"", timeout=10)
        finally:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
        done = int(out)
        return done, done / (time.monotonic() - self.started)


class Churn(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        dualstack.open_file_limit(4096)
        dualstack.sysctl("net.ipv4.ip_local_port_range", "20000 60999")
        shapes = ((("0.0.0.0", None),), (("::", True),), (("::", False),), (("0.0.0.0", None), ("::", True)))
        self.stacks = {}
        for number in range(STABLE):
            for address, v6only in shapes[number % len(shapes)]:
                self.sockets.listener(address, FIRST + number, v6only=v6only)
            self.stacks[FIRST + number] = ("v4-only", "v6-only", "dual-stack", "dual-stack")[number % len(shapes)]

    def policy(self, extra=""):
        lines = ["%d %s" % rule for rule in self.stacks.items()]
        path = os.path.join(dualstack.temporary_folder(), "policy.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n" + extra)
        return path

    def runs(self, count, *args):
        """How often which code came, and one answer of each."""
        codes = collections.Counter()
        answers = {}
        times = []
        for _ in range(count):
            started = time.monotonic()
            done = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=20, env=scenarios.environment(), check=False)
            times.append(time.monotonic() - started)
            self.assertEqual(done.stderr, b"")
            codes[done.returncode] += 1
            answers.setdefault(done.returncode, done.stdout.decode())
            if sum(times) > SECONDS_MOST:
                break
        times.sort()
        return codes, answers, times

    @contextlib.contextmanager
    def churning(self):
        helpers = {"connections": Helper("connections", SERVED), "listeners": Helper("listeners", SERVED + 100)}
        rates = {}
        try:
            yield rates
        finally:
            for kind, helper in helpers.items():
                rates[kind] = helper.stop()

    def test_a_policy_that_holds(self):
        with self.churning() as rates:
            policy = self.policy()
            codes, answers, times = self.runs(STABLE_RUNS, "-f", policy, "-t", "15")
            # The same from every connection there is.
            whole, whole_answers, _ = self.runs(WHOLE_RUNS, "-f", policy, "-t", "15", "--perfdata=full")
        count = sum(codes.values())
        print("\n%d runs over %d listeners: %s; median %.1f ms; %d connections (%.0f a second), "
              "%d listeners (%.0f a second) came and went" % (
                  count, STABLE * 5 // 4, dict(codes), 1000 * times[count // 2], *rates["connections"],
                  *rates["listeners"]))
        self.assertEqual(dict(codes), {OK: count}, answers)
        self.assertEqual(list(whole), [OK], whole_answers)
        self.assertEqual(count, STABLE_RUNS, "this machine is too slow for it")
        # It proves nothing if nothing moved.
        self.assertGreater(rates["connections"][0], count)
        self.assertGreater(rates["listeners"][0], count)

    def test_a_policy_that_does_not_hold(self):
        """The noise hides nothing either."""
        with self.churning():
            codes, answers, _ = self.runs(50, "-t", "15", "-r", "%d v6-only" % FIRST, "-f", self.policy())
        self.assertEqual(list(codes), [dualstack.CRITICAL], answers)

    def test_a_daemon_that_restarts(self):
        """It is away for a millisecond, and back: nobody is to be woken for that."""
        helper = Helper("restarts", RESTARTED)
        try:
            codes, answers, times = self.runs(RESTART_RUNS, "-r", "%d dual-stack name=web" % RESTARTED,
                                              "-r", "%d v4-only" % FIRST)
        finally:
            restarts, rate = helper.stop()
        count = sum(codes.values())
        wrong = count - codes[OK]
        again = sum(one > 0.045 for one in times)
        print("\n%d runs while a daemon restarted %d times (%.0f a second): %s, %d wrong; %d looked again" % (
            count, restarts, rate, dict(codes), wrong, again))
        self.assertGreaterEqual(count, RESTART_RUNS // 2, "this machine is too slow for it")
        # It proves nothing if the daemon was never away. How often it was is no matter: on a fast machine, seldom.
        self.assertGreater(restarts, 0)
        self.assertGreater(again, 0)
        self.assertLess(1000 * wrong, WRONG_PER_MILLE * count, answers)


if __name__ == "__main__":
    dualstack.main()
