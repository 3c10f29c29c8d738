# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Answers that other tools get wrong, one test each."""

import os
import re
import shutil
import socket
import subprocess

import dualstack
from dualstack import CRITICAL, OK, UNKNOWN, WARNING, port_of, service


class Listeners(dualstack.TestCase):
    @dualstack.as_each_user
    def test_ipv4_by_an_ipv6_socket(self, uid):
        """goss: one [::]:80 serves IPv4, so IPv4 is not closed. serverspec: a dual listener is not invisible."""
        with dualstack.Sockets() as sockets:
            port = port_of(sockets.listener("::", v6only=False))
            self.assertEqual(self.oracle.reach(4, port), "external")
            self.check(OK, "-r", "%d v4" % port, uid=uid)
            self.check(OK, "-r", "%d v6" % port, uid=uid)
            self.check(OK, "-r", "%d dual-stack" % port, uid=uid)
            self.check(CRITICAL, "-r", "%d v4-only" % port, uid=uid)

    @dualstack.as_each_user
    def test_v6only_is_not_ipv4(self, uid):
        """testinfra: any [::] listener is taken for IPv4 too."""
        with dualstack.Sockets() as sockets:
            port = port_of(sockets.listener("::", v6only=True))
            self.assertIsNone(self.oracle.reach(4, port))
            self.check(CRITICAL, "-r", "%d v4" % port, uid=uid)
            self.check(CRITICAL, "-r", "%d dual-stack" % port, uid=uid)
            self.check(OK, "-r", "%d v6-only" % port, uid=uid)

    def test_mapped_bind_is_ipv4(self):
        """InSpec, testinfra: [::ffff:a.b.c.d] is an IPv6 address by its looks alone."""
        port = port_of(self.sockets.listener("::ffff:192.0.2.1", v6only=False))
        self.assertEqual(self.oracle.reaches(port), ("external", None))
        self.check(OK, "-r", "%d v4-only bind=192.0.2.0/24" % port)
        self.check(CRITICAL, "-r", "%d v6" % port)

    def test_several_sockets_of_one_port_are_kept(self):
        """InSpec: of several processes only the last is kept."""
        port = port_of(self.sockets.listener("::", v6only=False, reuseport=True))
        for _ in range(2):
            self.sockets.listener("::", port, v6only=False, reuseport=True)
        self.sockets.listener("0.0.0.0", port, reuseport=True)
        entry = service(self.report(), port)
        self.assertEqual(sorted((each["family"], each["sockets"]) for each in entry["listeners"]),
                         [("inet", 1), ("inet6", 3)])

    def test_either_wildcard_will_do(self):
        """goss#309: a rule that holds for 0.0.0.0 and for a dual [::]."""
        for listeners in ([("0.0.0.0", None)], [("::", False)], [("0.0.0.0", None), ("::", True)]):
            with dualstack.Sockets() as sockets:
                port = 0
                for address, v6only in listeners:
                    port = port_of(sockets.listener(address, port, v6only=v6only))
                self.check(OK, "-r", "%d v4" % port)

    def test_8080_is_not_80(self):
        """check_netstat.sh: :8080 matches :80."""
        self.sockets.listener("0.0.0.0", 8080)
        self.check(OK, "-r", "80 closed")
        self.check(OK, "-r", "808 closed")
        self.check(CRITICAL, "-r", "80 any")
        self.check(CRITICAL, "-r", "8080 closed")

    def test_the_port_behind_an_address_with_colons(self):
        """Ansible: [::1]:631 is read as port 1."""
        self.sockets.listener("::1", 631)
        self.assertEqual([(entry["port"], entry["listeners"][0]["address"]) for entry in self.report()["services"]],
                         [(631, "::1")])

    def test_listeners_of_processes_that_cannot_be_seen(self):
        """Ansible: listeners whose process cannot be seen are dropped."""
        if dualstack.unprivileged():
            self.skipTest(dualstack.unprivileged())
        port = port_of(self.sockets.listener("0.0.0.0"))
        self.assertIsNotNone(service(self.report(uid=dualstack.NOBODY), port))

    def test_established_is_no_server(self):
        """OpenSCAP lists ESTABLISHED rows as servers. osquery: the remote port is 0, so it listens."""
        listener = self.sockets.listener("0.0.0.0", 4000)
        client, _ = self.sockets.connection(listener, "127.0.0.1")
        bound = self.sockets.listener("0.0.0.0", listen=False)
        self.assertEqual([entry["port"] for entry in self.report()["services"]], [4000])
        self.check(OK, "-r", "%d closed" % port_of(client), "-r", "%d closed" % port_of(bound))
        listener.close()
        # The accepted connection holds the port, and still nothing listens.
        self.assertEqual(self.report()["services"], [])
        self.check(OK, "-r", "4000 closed")

    def test_connected_udp_client_is_no_listener(self):
        """goss: connected UDP clients are counted as listeners."""
        server = self.sockets.listener("::", 4000, protocol="udp", v6only=False)
        client = self.sockets.client("127.0.0.1", port_of(server), protocol="udp")
        self.assertEqual([entry["port"] for entry in self.report()["services"]], [4000])
        self.check(OK, "-r", "%d/udp closed" % port_of(client))

    def test_udp_and_tcp_are_apart(self):
        """OpenSCAP labels tcp6 tcp and raw udp; check_sockets calls udp6 udp."""
        self.sockets.listener("0.0.0.0", 4000)
        self.sockets.listener("::", 4000, protocol="udp", v6only=True)
        raw = self.sockets.keep(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
        raw.bind(("127.0.0.1", 0))
        services = self.report()["services"]
        self.assertEqual(sorted((entry["protocol"], entry["port"], entry["stack"]) for entry in services),
                         [("tcp", 4000, "v4-only"), ("udp", 4000, "v6-only")])
        self.check(OK, "-r", "4000 v4-only", "-r", "4000/udp v6-only")
        self.check(CRITICAL, "-r", "4000/udp v4-only")
        values = self.check(OK, "-r", "4000 any", "-r", "4000/udp any").values
        self.assertEqual(list(values)[3:], ["tcp_4000_mapped", "udp_4000_mapped"])

    def test_container_sockets_are_not_the_hosts(self):
        """osquery#8516: a listener in another network namespace is not this host's."""
        with self.network.neighbour:
            self.sockets.listener("0.0.0.0", 4000)
        self.assertEqual(self.report()["services"], [])
        with self.network.neighbour:
            self.assertEqual([entry["port"] for entry in self.report()["services"]], [4000])

    def test_in_words_that_it_takes_ipv4_too(self):
        """moby#2174: "why does it only listen on IPv6?" """
        port = port_of(self.sockets.listener("::", v6only=False))
        lines = self.check(OK, "-v").lines
        line, = [each for each in lines if "%d/tcp" % port in each]
        self.assertIn("dual-stack", line)
        lines = self.check(OK, "-vv").lines
        self.assertTrue(any("[::]:%d" % port in each and "IPv4" in each for each in lines), lines)


class Connections(dualstack.TestCase):
    network_wanted = False

    def test_mapped_clients_are_ipv4(self):
        """testinfra, Linuxfabrik: mapped clients are filed under IPv6."""
        port = port_of(self.sockets.listener("::", v6only=False))
        for address in ("127.0.0.1", "127.0.0.1", "::1"):
            self.sockets.client(address, port)
        entry = service(self.report(), port)
        self.assertEqual(entry["connections"], {"ipv4": 0, "ipv4_mapped": 2, "ipv6": 1})
        values = self.check(OK, "--perfdata=full", "-r", "%d dual-stack name=x" % port).values
        self.assertEqual([values[label][0] for label in ("x_mapped", "x_v4", "x_v6")], ["2", "0", "1"])

    def test_rows_of_tcp6_are_not_skipped(self):
        """check_netstat.pl skips every tcp6 row; check_sockets loses its verdict on the way to the exit code."""
        port = port_of(self.sockets.listener("::", v6only=False))
        self.sockets.client("127.0.0.1", port)
        self.check(CRITICAL, "-c", "0")
        self.check(CRITICAL, "-r", "%d dual-stack mapped-critical=0" % port)
        self.check(WARNING, "-r", "%d dual-stack mapped-warning=0" % port)

    def test_listen_and_time_wait_are_no_connections(self):
        """check_sockets counts LISTEN and TIME_WAIT as connections."""
        listener = self.sockets.listener("::", v6only=False)
        port = port_of(listener)
        self.assertEqual(self.check(OK).values["mapped"][0], "0")
        client, server = self.sockets.connection(listener, "127.0.0.1")
        self.assertEqual(self.check(OK).values["mapped"][0], "1")
        server.close()
        self.assertEqual(client.recv(1), b"")
        client.close()

        def time_wait():
            with open("/proc/net/tcp6", encoding="ascii") as file:
                return any(line.split()[3] == "06" for line in file.readlines()[1:])
        dualstack.eventually(time_wait, "TIME-WAIT")
        self.check(OK, "-c", "0")
        self.assertEqual(service(self.report(), port)["connections"], {"ipv4": 0, "ipv4_mapped": 0, "ipv6": 0})
        self.assertTrue(time_wait(), "too slow: TIME-WAIT is over")

    def test_a_range_is_tested_on_nothing_too(self):
        """Linuxfabrik: a range on a class without sockets is never tested."""
        self.check(CRITICAL, "-c", "1:")
        self.check(WARNING, "-w", "1:")
        self.check(CRITICAL, "-r", "4000 any missing=ok mapped-critical=1:", "-c", "1:")
        port = port_of(self.sockets.listener("::", v6only=False))
        self.check(CRITICAL, "-r", "%d dual-stack mapped-critical=1:" % port)

    def test_usage_errors_are_not_ok(self):
        """check_netstat.sh exits 0 on usage errors."""
        for args in (["--nonsense"], ["-w"], ["80"], ["-p", "80"]):
            self.check(UNKNOWN, *args)


class CannotSee(dualstack.TestCase):
    """ss prints an empty table where the kernel refuses, and "*" as if dual where v6only is not told."""

    def refused(self, code, *args):
        return self.check(code, *args, preexec_fn=dualstack.refusing_sockets(dualstack.AF_NETLINK))

    def test_a_refusal_is_not_nothing(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        for rule in ("%d closed", "%d v4-only", "%d v6-only"):
            result = self.refused(UNKNOWN, "--source=netlink", "-r", rule % port)
            self.assertRegex(result.text, r"(?i)netlink|sock_diag")
            self.assertRegex(result.text, r"not permitted|EPERM|denied|refused")

    def test_fallback_to_proc(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        result = self.refused(CRITICAL, "-r", "%d closed" % port)
        self.assertIn("/proc/net", result.text)
        self.refused(OK, "-r", "%d v4-only" % port)

    def test_without_v6only(self):
        """In /proc/net a [::] socket does not tell whether it takes IPv4."""
        for v6only in (False, True):
            port = port_of(self.sockets.listener("::", v6only=v6only))
            with self.subTest(v6only=v6only):
                for requirement, code in (("v6-only", UNKNOWN), ("dual-stack", UNKNOWN), ("v4", UNKNOWN), ("v6", OK),
                                          ("any", OK), ("closed", CRITICAL), ("v4-only", CRITICAL)):
                    self.check(code, "--source=procfs", "-r", "%d %s" % (port, requirement))
                    self.refused(code, "-r", "%d %s" % (port, requirement))
                report = self.report("--source=procfs")
                self.assertEqual((report["source"], service(report, port)["stack"]), ("procfs", "unknown"))

    def test_without_v6only_the_rest_is_known(self):
        listeners = {}
        for name, sockets in (("v4-only", [("0.0.0.0", None)]), ("v6-only", [("::1", None)]),
                              ("dual-stack", [("0.0.0.0", None), ("::", True)])):
            port = 0
            for address, v6only in sockets:
                port = port_of(self.sockets.listener(address, port, v6only=v6only))
            listeners[port] = name
        mapped = port_of(self.sockets.listener("::ffff:127.0.0.1", v6only=False))
        listeners[mapped] = "v4-only"
        # A v4-mapped connection is a hint at most: it may be outbound, or of a listener that is gone.
        hinted = self.sockets.listener("::", v6only=False)
        self.sockets.client("127.0.0.1", port_of(hinted))
        report = self.report("--source=procfs")
        self.assertEqual({entry["port"]: entry["stack"] for entry in report["services"]},
                         {port_of(hinted): "unknown", **listeners})
        self.assertEqual(service(report, port_of(hinted))["connections"]["ipv4_mapped"], 1)
        split, = [port for port, name in listeners.items() if name == "dual-stack"]
        self.assertIsNone(service(report, split)["form"])
        for port, name in listeners.items():
            self.check(OK, "--source=procfs", "-r", "%d %s" % (port, name))

    def test_host_without_tcp6(self):
        """sensu, beats, zabbix: no /proc/net/tcp6 (ipv6.disable=1), no answer."""
        self.sockets.listener("0.0.0.0", 4000)
        folder = self.copy_of_proc()
        for name in ("tcp6", "udp6", "if_inet6"):
            os.unlink(os.path.join(folder, name))
        for uid in dualstack.users():
            self.check(OK, "--procfs=" + folder, "-r", "4000 v4-only", uid=uid)
            self.check(CRITICAL, "--procfs=" + folder, "-r", "4000 dual-stack", uid=uid)
            self.assertIs(self.report("--procfs=" + folder, uid=uid)["ipv6"], False)

    def test_empty_copy_is_unreadable(self):
        self.sockets.listener("0.0.0.0", 4000)
        folder = self.copy_of_proc()
        for name in ("tcp", "tcp6"):
            with open(os.path.join(folder, name), "w", encoding="ascii"):
                pass
            with self.subTest(empty=name):
                result = self.check(UNKNOWN, "--procfs=" + folder, "-r", "4001 closed")
                self.assertIn(name, result.text)
            shutil.copyfile("/proc/net/" + name, os.path.join(folder, name))
        self.check(OK, "--procfs=" + folder, "-r", "4001 closed")

    def test_no_tcp_at_all_is_unreadable(self):
        self.check(UNKNOWN, "--procfs=" + dualstack.temporary_folder(), "-r", "4001 closed")
        self.check(UNKNOWN, "--procfs=/nonexistent", "-r", "4001 closed")

    def test_clients_among_copies(self):
        """A client's UDP socket told as a service: copies alone do not say which ports clients get."""
        dualstack.sysctl("net.ipv4.ip_local_port_range", "20000 20999")
        self.sockets.listener("0.0.0.0", 20500, protocol="udp")
        self.sockets.listener("0.0.0.0", 5353, protocol="udp")
        folder = self.copy_of_proc()
        result = self.check(UNKNOWN, "--procfs=" + folder, "-r", "default closed")
        for port in (5353, 20500):
            self.assertIn("whether 0.0.0.0:%d is a client's cannot be determined without net.ipv4.ip_local_port_range" % port,
                          result.text)
        self.check(OK, "--procfs=" + folder, "-r", "default v4-only")
        self.check(CRITICAL, "--procfs=" + folder, "-r", "20500/udp closed")
        shutil.copyfile("/proc/sys/net/ipv4/ip_local_port_range", os.path.join(folder, "ip_local_port_range"))
        result = self.check(CRITICAL, "--procfs=" + folder, "-r", "default closed")
        self.assertIn("5353", result.text)
        self.assertNotIn("20500", result.text)

    @staticmethod
    def copy_of_proc():
        folder = dualstack.temporary_folder()
        for name in ("tcp", "tcp6", "udp", "udp6", "if_inet6"):
            with open("/proc/net/" + name, "rb") as source, open(os.path.join(folder, name), "wb") as copy:
                copy.write(source.read())
        return folder


class Injected(dualstack.TestCase):
    """Calls that fail in the middle: never a verdict built on half of the sockets."""

    network_wanted = False

    def setUp(self):
        super().setUp()
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        self.trace = os.path.join(dualstack.temporary_folder(), "trace")
        probe = subprocess.run(["strace", "-o", self.trace, "true"], stderr=subprocess.PIPE, check=False)
        if probe.returncode != 0:
            self.skipTest("strace may not trace here: %r" % probe.stderr)

    def injected(self, injections, *args):
        """Runs the program under strace; returns the result and whether any injection struck."""
        injections = [injections] if isinstance(injections, str) else injections
        # The leak sanitizer cannot work under strace.
        env = dualstack.environment(ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
        faults = [word for injection in injections for word in ("-e", "inject=" + injection)]
        done = subprocess.run(["strace", "-f", "-o", self.trace, *faults, dualstack.PROGRAM, *args],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30,
                              env=env, check=False)
        self.assertEqual(done.stderr, b"")
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            struck = "(INJECTED)" in file.read()
        return dualstack.Result((*injections, *args), done.returncode, done.stdout), struck

    def test_failing_answers(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        struck_at_all = 0
        for call in ("recvmsg", "sendto", "socket"):
            for error in ("ENOBUFS", "ENOMEM", "EPERM"):
                for when in (1, 2, 3):
                    for source in ("auto", "netlink"):
                        for requirement, fine in (("closed", CRITICAL), ("v4-only", OK)):
                            injection = "%s:error=%s:when=%d" % (call, error, when)
                            result, struck = self.injected(injection, "--source=" + source, "-r",
                                                           "%d %s" % (port, requirement))
                            with self.subTest(injection=injection, source=source, requirement=requirement):
                                self.assertIn(result.code, (fine, UNKNOWN), str(result))
                                if not struck:
                                    self.assertEqual(result.code, fine, str(result))
                            struck_at_all += struck
        self.assertGreater(struck_at_all, 20)

    @dualstack.not_under_valgrind("system calls")
    def test_a_fault_ends_with_its_attempt(self):
        """What could not be read before an interrupted dump was read when it was asked for anew."""
        self.injected("read:error=EIO:when=60000", "--format=json")
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            opened = re.findall(r"(?m)^\d+ +(open|openat)\((.*)", file.read())
        # A C library opens by one or the other; each is counted for itself.
        call = next(call for call, arguments in opened if "/if_inet6" in arguments)
        number = 1 + next(i for i, arguments in enumerate(arguments for name, arguments in opened if name == call)
                          if "/if_inet6" in arguments)
        once = "%s:error=EIO:when=%d" % (call, number)
        result, struck = self.injected(once, "--format=json")
        self.assertTrue(struck)
        self.assertEqual((result.code, len(result.json["errors"])), (UNKNOWN, 1), str(result))
        result, struck = self.injected([once, "recvmsg:error=ENOBUFS:when=1"], "--format=json")
        self.assertTrue(struck)
        self.assertEqual((result.code, result.json["errors"]), (OK, []), str(result))

    def test_short_answers(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        for retval in (0, 1, 15, 16, 20, 40):
            for when in ("1", "2", "1+"):
                injection = "recvmsg:retval=%d:when=%s" % (retval, when)
                result, struck = self.injected(injection, "--source=netlink", "-t", "2", "-r", "%d closed" % port)
                with self.subTest(injection=injection):
                    self.assertIn(result.code, (CRITICAL, UNKNOWN), str(result))
                    if when == "1+":
                        self.assertTrue(struck)
                        self.assertEqual(result.code, UNKNOWN, str(result))

    def test_kernel_that_never_answers(self):
        port = port_of(self.sockets.listener("0.0.0.0"))
        result, struck = self.injected("sendto:retval=76", "--source=netlink", "-t", "1", "-r", "%d closed" % port)
        self.assertTrue(struck)
        self.assertEqual(result.code, UNKNOWN, str(result))
        self.assertRegex(result.first, r"no answer .*(kernel|netlink|sockets)")


if __name__ == "__main__":
    dualstack.main()
