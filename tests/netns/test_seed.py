# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""The case it all began with: a [::]:5555 listener, and an IPv4 client whose connection nobody has accepted."""

import re
import shutil
import subprocess

import dualstack
from dualstack import CRITICAL, OK

PORT = 5555


class Seed(dualstack.TestCase):
    network_wanted = False
    external_wanted = True

    def setUp(self):
        super().setUp()
        self.sockets.listener("::", PORT, v6only=False)
        self.sockets.client("127.0.0.1", PORT)

    def test_netstat_would_call_it_tcp6(self):
        """The premise: the kernel files the server's half under tcp6, whose rows netstat prints as tcp6."""
        def rows(name):
            with open("/proc/net/" + name, encoding="ascii") as file:
                return [line.split()[1:4] for line in file.readlines()[1:] if line.split()[1].endswith(":%04X" % PORT)]
        self.assertEqual(sorted(state for _, _, state in rows("tcp6")), ["01", "0A"])
        self.assertEqual(rows("tcp"), [])
        if shutil.which("netstat"):
            text = subprocess.run(["netstat", "-tan"], stdout=subprocess.PIPE, env=dualstack.environment(), check=True).stdout.decode()
            self.assertRegex(text, r"tcp6 +\d+ +\d+ 127\.0\.0\.1:5555 +127\.0\.0\.1:\d+ +ESTABLISHED")

    @dualstack.as_each_user
    def test_dual_stack_is_ok_with_one_mapped_connection(self, uid):
        result = self.check(OK, "-r", "5555 dual-stack", uid=uid)
        self.assertTrue(result.first.startswith("DUALSTACK OK: "), str(result))
        self.assertEqual(result.perfdata, "mapped=1;;;0 violations=0;0;0;0 unlisted=0;;;0 tcp_5555_mapped=1;;;0")
        self.assertEqual(len(result.lines), 1)

    @dualstack.as_each_user
    def test_json_says_what_it_is(self, uid):
        entry = dualstack.service(self.report(uid=uid), PORT)
        self.assertEqual((entry["stack"], entry["form"], entry["lopsided"], entry["state"]),
                         ("dual-stack", "single", False, "OK"))
        self.assertEqual(entry["connections"], {"ipv4": 0, "ipv4_mapped": 1, "ipv6": 0})
        self.assertEqual([(listener["family"], listener["address"], listener["v6only"], listener["accepts"])
                          for listener in entry["listeners"]],
                         [("inet6", "::", False, ["ipv4", "ipv6"])])

    @dualstack.as_each_user
    def test_v6_only_is_critical_and_named(self, uid):
        result = self.check(CRITICAL, "-r", "5555 v6-only", uid=uid)
        self.assertTrue(result.first.startswith("DUALSTACK CRITICAL: "), str(result))
        self.assertRegex(result.prose, r"5555/tcp is dual-stack, must be v6-only")
        self.assertTrue(result.lines[1].startswith("\\_[CRITICAL] "), str(result))
        self.assertRegex(result.lines[1], r"5555/tcp: .*\[::\]:5555")
        self.assertEqual(result.values["violations"], ["1", "0", "0", "0"])

    @dualstack.as_each_user
    def test_v4_only_is_critical_too(self, uid):
        self.check(CRITICAL, "-r", "5555 v4-only", uid=uid)

    @dualstack.as_each_user
    def test_threshold_on_the_total(self, uid):
        result = self.check(CRITICAL, "-r", "5555 dual-stack", "-c", "0", uid=uid)
        self.assertEqual(result.values["mapped"], ["1", "", "0", "0"])
        self.assertRegex(result.prose, r"\b1\b.*mapped|mapped.*\b1\b")
        self.check(OK, "-r", "5555 dual-stack", "-c", "1", uid=uid)

    @dualstack.as_each_user
    def test_no_arguments(self, uid):
        """A valid run: judges nothing, counts what listens and what is mapped."""
        result = self.check(OK, uid=uid)
        self.assertEqual(result.perfdata, "mapped=1;;;0 violations=0;0;0;0 unlisted=0;;;0")
        self.assertTrue(re.search(r"\b1\b", result.prose), str(result))
        self.assertTrue(any("5555/tcp" in line for line in self.check(OK, "-v", uid=uid).lines))

    @dualstack.as_each_user
    def test_closed_port_next_to_it(self, uid):
        result = self.check(CRITICAL, "-r", "5555 dual-stack", "-r", "555 dual-stack name=other", uid=uid)
        self.assertRegex(result.prose, r"other 555/tcp")
        self.assertNotRegex(result.prose, r"\b5555/tcp")


if __name__ == "__main__":
    dualstack.main()
