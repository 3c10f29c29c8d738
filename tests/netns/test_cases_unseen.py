# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What cannot be seen is not "nothing listens": situations in which it was, one test each."""

import contextlib
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import dualstack
from dualstack import CRITICAL, OK, UNKNOWN, port_of

sys.path.insert(0, os.path.join(dualstack.TOP_SRCDIR, "tests", "faults"))

import scenarios  # noqa: E402

PROC_NET = ("tcp", "tcp6", "udp", "udp6", "if_inet6", "fib_trie", "ipv6_route")
PORT, FREE = 4443, 4444
# What every answer from a network namespace holds that is not that of process 1.
OTHER_NAMESPACE = "network namespace"


def copies(folder=None, **changes):
    """A folder of copies of /proc/net's files: each as a function of its text, or None for no such file."""
    folder = folder or dualstack.temporary_folder()
    for name in PROC_NET:
        with open("/proc/net/" + name, encoding="ascii") as file:
            text = file.read()
        change = changes.get(name, str)
        if change is not None:
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(change(text))
    return folder


class UnseenCase(dualstack.TestCase):
    network_wanted = False

    def requirements(self, codes, *args, port=PORT, protocol="tcp", **options):
        """Requirement by requirement its exit code."""
        for requirement, code in codes.items():
            with self.subTest(requirement=requirement):
                self.check(code, *args, "-r", "%d/%s %s" % (port, protocol, requirement), **options)


class Copies(UnseenCase):
    """--procfs: another host's files are believed as far as they are whole."""

    def split(self):
        self.sockets.listener("0.0.0.0", PORT)
        self.sockets.listener("::", PORT, v6only=True)

    def test_without_if_inet6(self):
        """Whether that host has IPv6 at all is unknown."""
        dualstack.ip("link add name ve0 type veth peer name ve1")
        self.addCleanup(dualstack.ip, "link del ve0")
        dualstack.ip("link set ve0 up")
        dualstack.address_add("192.0.2.1", 24, "ve0")
        self.split()
        folder = copies(if_inet6=None)
        for uid in dualstack.users():
            self.requirements({"v4-only": UNKNOWN, "dual-stack": UNKNOWN, "v4": OK, "any": OK, "v6-only": CRITICAL,
                               "closed": CRITICAL}, "--procfs=" + folder, uid=uid)
        self.assertIn("if_inet6", self.check(UNKNOWN, "--procfs=" + folder, "-r", "%d v4-only" % PORT).text)

    def test_without_if_inet6_beside_ipv4_on_loopback(self):
        """That host may be one of IPv6 alone, or have ::1 and no more."""
        self.split()
        self.requirements({"v4-only": UNKNOWN, "dual-stack": UNKNOWN, "v6-only": UNKNOWN, "any": OK,
                           "closed": CRITICAL}, "--procfs=" + copies(if_inet6=None))

    def test_without_any_file_of_ipv6(self):
        """A kernel without IPv6 has none of them: that is a fact."""
        self.sockets.listener("0.0.0.0", PORT)
        folder = copies(if_inet6=None, tcp6=None, udp6=None, ipv6_route=None)
        self.requirements({"v4-only": OK, "dual-stack": CRITICAL}, "--procfs=" + folder)

    def unreadable(self, folder, protocol, whole):
        """The one protocol is unknown, the other is not."""
        for uid in dualstack.users():
            result = self.check(UNKNOWN, "--procfs=" + folder, "-r", "%d/%s closed" % (FREE, protocol), uid=uid)
            self.assertRegex(result.first, r"(?i)\b%s\b" % protocol)
            self.assertNotIn("0 services listen", result.text)
            self.check(OK, "--procfs=" + folder, "-r", "%d/%s closed" % (FREE, whole), uid=uid)

    def test_without_tcp(self):
        self.unreadable(copies(tcp=None), "tcp", "udp")

    def test_without_udp(self):
        self.unreadable(copies(udp=None), "udp", "tcp")

    def test_without_tcp6_though_there_is_ipv6(self):
        self.unreadable(copies(tcp6=None), "tcp", "udp")

    def test_without_udp6_though_there_is_ipv6(self):
        self.unreadable(copies(udp6=None), "udp", "tcp")

    def test_without_tcp6_beside_udp6(self):
        """No address of IPv6, and its sockets are there all the same."""
        self.unreadable(copies(tcp6=None, if_inet6=lambda text: ""), "tcp", "udp")

    def test_nothing_is_said_of_what_was_not_read(self):
        result = dualstack.run("--procfs=" + copies(tcp=None, tcp6=None))
        self.assertNotIn("0 services listen", result.text)

    def test_where_nothing_was_read_there_is_no_source(self):
        """Nor in a capture of it, which is UNKNOWN when it is replayed, too."""
        folder = dualstack.temporary_folder()
        path = os.path.join(folder, "capture.json")
        for mode, code in (("--format=json", UNKNOWN), ("--capture", None)):
            with self.subTest(mode=mode):
                result = dualstack.run("--procfs=" + folder, mode)
                self.assertIn(result.code, (code, OK) if code is None else (code,))
                self.assertIsNone(result.json["source"], str(result))
        with open(path, "wb") as file:
            file.write(result.bytes)
        self.check(UNKNOWN, "--replay=" + path, "-r", "%d v4-only" % PORT)

    def test_host_of_the_other_byte_order(self):
        """The kernel prints addresses as numbers of its machine. ::1 in the tables reveals it."""
        def swapped(text):
            return re.sub(r"\b((?:[0-9A-F]{8})+):(?=[0-9A-F]{4} )", lambda match: "".join(
                bytes.fromhex(word)[::-1].hex().upper() for word in re.findall(".{8}", match[1])) + ":", text)
        expected = {}
        for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0"):
            listener = self.sockets.listener(address, v6only=False if "ffff" in address else None)
            expected[port_of(listener)] = (address, "external" if address == "0.0.0.0" else "loopback")
        folder = copies(**{name: swapped for name in ("tcp", "tcp6", "udp", "udp6")})
        report = self.report("--procfs=" + folder)
        self.assertEqual({entry["port"]: (entry["listeners"][0]["address"], entry["listeners"][0]["scope"])
                          for entry in report["services"]}, expected)
        for port, (_, scope) in expected.items():
            if scope == "loopback":
                self.check(OK, "--procfs=" + folder, "-r", "%d any bind=loopback" % port)

    def test_sos_report(self):
        """Which ports clients get lies two folders up."""
        dualstack.sysctl("net.ipv4.ip_local_port_range", "20000 20999")
        self.sockets.listener("0.0.0.0", 20500, protocol="udp")
        top = dualstack.temporary_folder()
        folder = os.path.join(top, "proc", "net")
        os.makedirs(folder)
        copies(folder)
        with self.subTest("not there"):
            self.check(UNKNOWN, "--procfs=" + folder, "-r", "default/udp closed")
        sysctls = os.path.join(top, "proc", "sys", "net", "ipv4")
        os.makedirs(sysctls)
        shutil.copyfile("/proc/sys/net/ipv4/ip_local_port_range", os.path.join(sysctls, "ip_local_port_range"))
        # Not this host's.
        dualstack.sysctl("net.ipv4.ip_local_port_range", "40000 40999")
        self.check(OK, "--procfs=" + folder, "-r", "default/udp closed")
        self.check(CRITICAL, "--procfs=" + folder, "-r", "20500/udp closed")
        self.sockets.listener("0.0.0.0", 5353, protocol="udp")
        copies(folder)
        result = self.check(CRITICAL, "--procfs=" + folder, "-r", "default/udp closed")
        self.assertIn("5353", result.text)
        self.assertNotIn("20500/udp", result.text)

    def test_gvisors_heading_of_udp6(self):
        """It is all that gVisor has: no empty table."""
        bare = ("  sl  local_address                         remote_address                        "
                "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n")
        folder = copies(udp6=lambda text: bare)
        self.unreadable(folder, "udp", "tcp")
        # The real one is a table without rows.
        self.check(OK, "--procfs=" + copies(), "-r", "%d/udp closed" % FREE)

    def test_gvisors_row_of_an_icmp_socket(self):
        self.sockets.listener("0.0.0.0", PORT, protocol="udp")
        row = ("   17: 00000000:0001 00000000:0000 00 00000000:00000000 00:00000000 00000000     0        0        9 1 "
               "0x0000000000000000 0\n")
        folder = copies(udp=lambda text: text + row)
        self.requirements({"v4-only": OK, "closed": CRITICAL}, "--procfs=" + folder, protocol="udp")
        report = self.report("--procfs=" + folder)
        self.assertEqual([entry["port"] for entry in report["services"]], [PORT])
        self.check(OK, "--procfs=" + folder, "-r", "1/udp closed")

    def test_uid_minus_2(self):
        """Of a user whom the namespace does not know, as kernels before 3.5 wrote it."""
        self.sockets.listener("0.0.0.0", PORT)
        folder = copies(tcp=lambda text: re.sub(r"(\d{8} )( +)0( +0 )", r"\1\2-2\3", text))
        with open(os.path.join(folder, "tcp"), encoding="ascii") as file:
            self.assertEqual(file.read().count(" -2 "), 1)
        self.requirements({"v4-only": OK, "v6-only": CRITICAL, "v4-only user=root": UNKNOWN,
                           "v4-only user=65534": UNKNOWN}, "--procfs=" + folder)
        entry = dualstack.service(self.report("--procfs=" + folder), PORT)
        self.assertIsNotNone(entry, "not listed")
        self.assertEqual([listener["uid"] for listener in entry["listeners"]], [None])


@contextlib.contextmanager
def skipped_without(*words):
    """Namespaces and mounts that this kernel or container does not give."""
    done = subprocess.run([*words, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest("%s: %s" % (" ".join(words), done.stderr.decode("utf-8", "replace").strip()))
    yield list(words)


class WithWords(UnseenCase):
    """The program behind words that take it elsewhere."""

    def behind(self, words, *args, uid=None):
        done = subprocess.run([*words, dualstack.program_for(uid), *args], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=50, env=dualstack.environment(),
                              check=False)
        self.assertEqual(done.stderr, b"")
        return dualstack.Result((*words, *args), done.returncode, done.stdout)

    def expect(self, code, words, *args, uid=None):
        result = self.behind(words, *args, uid=uid)
        self.assertEqual(result.code, code, str(result))
        return result


class NetworkNamespace(WithWords):
    """An agent in a container judges the container. These tests are process 1, whose network namespace is the host."""

    CONTAINER = ("unshare", "--net")
    MODES = (["-r", "default closed"], ["-r", "%d v4-only" % PORT], ["-v"], ["--format=json"], ["--list"],
             ["--list", "--format=json"], ["--learn"])

    def setUp(self):
        super().setUp()
        self.assertEqual(os.stat("/proc/1/net/tcp").st_ino, os.stat("/proc/self/net/tcp").st_ino)
        self.sockets.listener("0.0.0.0", PORT)

    def test_every_answer_says_so(self):
        for uid in dualstack.users():
            with skipped_without(*self.CONTAINER, *(() if uid is None else ("--setuid", str(uid)))) as words:
                for args in self.MODES:
                    with self.subTest(args=args, uid=uid):
                        self.assertIn(OTHER_NAMESPACE, self.behind(words, *args, uid=uid).text)

    def test_that_of_process_1_is_the_host(self):
        for args in self.MODES:
            with self.subTest(args=args):
                self.assertNotIn(OTHER_NAMESPACE, dualstack.run(*args).text)

    def test_captures(self):
        """They say where they were made, wherever they are replayed."""
        with skipped_without(*self.CONTAINER) as words:
            folder = dualstack.temporary_folder()
            for name, captured in (("container", self.behind(words, "--capture")),
                                   ("host", dualstack.run("--capture"))):
                path = os.path.join(folder, name + ".json")
                with open(path, "wb") as file:
                    file.write(captured.bytes)
                for args in (["-r", "%d v4-only" % PORT], ["--format=json"]):
                    with self.subTest(captured_in=name, args=args):
                        text = dualstack.run("--replay=" + path, *args).text
                        (self.assertIn if name == "container" else self.assertNotIn)(OTHER_NAMESPACE, text)


class UserNamespace(WithWords):
    """PrivateUsers=, rootless containers: whose a socket is the kernel does not tell there."""

    def test_unmapped_uid_is_nobodys_name(self):
        self.sockets.listener("0.0.0.0", PORT)
        with skipped_without("unshare", "-U") as words:
            self.expect(OK, words, "-r", "%d v4-only" % PORT)
            for user in ("nobody", "root", "65534", "0"):
                with self.subTest(user=user):
                    self.expect(UNKNOWN, words, "-r", "%d v4-only user=%s" % (PORT, user))
            listener, = dualstack.service(self.behind(words, "--format=json").json, PORT)["listeners"]
            self.assertIsNone(listener["user"])

    def test_mapped_uid_is_a_name(self):
        self.sockets.listener("0.0.0.0", PORT)
        with skipped_without("unshare", "-Ur") as words:
            self.expect(OK, words, "-r", "%d v4-only user=root" % PORT)
            self.expect(CRITICAL, words, "-r", "%d v4-only user=12345" % PORT)

    @unittest.skipIf(dualstack.unprivileged(), "only one uid here")
    def test_nobody_is_somebody_where_all_are_mapped(self):
        listener = self.sockets.listener("0.0.0.0", PORT, listen=False)
        os.fchown(listener.fileno(), dualstack.NOBODY, -1)
        listener.listen()
        self.check(OK, "-r", "%d v4-only user=%d" % (PORT, dualstack.NOBODY))


class Cgroups(WithWords):
    def setUp(self):
        super().setUp()
        self.other = scenarios.Cgroup("check_dualstack-%s-a.service" % dualstack.run_name())
        if self.other.path is None:
            self.skipTest("no cgroup can be made here (run as root of the machine)")
        self.addCleanup(self.other.close)
        self.own = scenarios.Cgroup("check_dualstack-%s-b.service" % dualstack.run_name())
        self.addCleanup(self.own.close)
        for cgroup, port in ((self.other, PORT), (self.own, FREE)):
            self.addCleanup(scenarios.Member(cgroup, port).close)
        self.mount = os.path.dirname(os.fsdecode(self.own.path))

    def test_seen_from_outside(self):
        """The premise."""
        self.check(OK, "-r", "%d v4-only unit=%s" % (PORT, self.other.name))

    def test_own_cgroup_namespace(self):
        """Not gone, and not without a unit: out of sight."""
        script = ("echo $$ >\"$0/cgroup.procs\" && exec unshare -C -m sh -c "
                  "'umount -l \"$0\" && mount -t cgroup2 cgroup2 \"$0\" && exec \"$@\"' \"$@\"")
        words = ["sh", "-c", script, os.fsdecode(self.own.path), self.mount]
        with skipped_without(*words):
            # Another's cgroup is above the namespace, and its own is the root, which has no name.
            for port, name in ((PORT, self.other.name), (FREE, self.own.name)):
                for unit in (name, "other.service"):
                    with self.subTest(port=port, unit=unit):
                        result = self.expect(UNKNOWN, words, "-r", "%d v4-only unit=%s" % (port, unit))
                        self.assertIn("not visible from here", result.text)
            self.expect(OK, words, "-r", "%d v4-only" % PORT)
            listener, = dualstack.service(self.behind(words, "--format=json").json, PORT)["listeners"]
            self.assertIsNone(listener["unit"])

    def test_no_cgroup2_mount(self):
        words = ["unshare", "-m", "sh", "-c", "umount -l \"$0\" && exec \"$@\"", self.mount]
        with skipped_without(*words):
            result = self.expect(UNKNOWN, words, "-r", "%d v4-only unit=%s" % (PORT, self.other.name))
            self.assertRegex(result.text, r"cgroup2 mount|mount\w* (of )?cgroup2|cgroup2 is not mounted")
            self.assertNotIn("the kernel names no cgroup", result.text)


class HiddenProc(WithWords):
    """ProcSubset=pid: no /proc/net, which is a link to self/net."""

    WORDS = ("unshare", "-m", "sh", "-c", "mount -t proc -o subset=pid proc /proc && exec \"$0\" \"$@\"")

    def test_proc_self_net_is_read(self):
        self.sockets.listener("0.0.0.0", PORT)
        self.sockets.listener("::", PORT, v6only=True)
        with skipped_without(*self.WORDS) as words:
            self.expect(OK, words, "--source=procfs", "-r", "%d dual-stack" % PORT)
            self.expect(CRITICAL, words, "--source=procfs", "-r", "%d closed" % PORT)
            self.expect(OK, words, "-r", "%d dual-stack" % PORT, "-r", "%d closed" % FREE)


    def test_processes_of_others_are_hidden(self):
        """hidepid=2, ProtectProc=invisible: not even process 1 is there for a user."""
        self.sockets.listener("::", PORT, v6only=False)
        script = "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=%d --clear-groups \"$0\" \"$@\""
        with skipped_without("unshare", "-m", "sh", "-c", script % dualstack.NOBODY) as words:
            for args in ([], ["--source=procfs"]):
                with self.subTest(args=args):
                    self.expect(OK, words, "-r", "%d v6" % PORT, *args, uid=dualstack.NOBODY)
            self.expect(OK, words, "-r", "%d dual-stack" % PORT, uid=dualstack.NOBODY)
            self.expect(CRITICAL, words, "-r", "%d v6-only" % PORT, uid=dualstack.NOBODY)


class Refused(WithWords):
    """Netlink is refused: the cause and what to do about it, on the first line, where a rule is UNKNOWN for it."""

    def setUp(self):
        super().setUp()
        self.sockets.listener("::", PORT, v6only=False)

    def refused(self, error):
        first = None
        for uid in dualstack.users():
            filtered = dualstack.refusing_sockets(dualstack.AF_NETLINK, error=error)
            result = self.check(UNKNOWN, "-r", "%d dual-stack" % PORT, uid=uid, preexec_fn=filtered)
            self.assertIn("/proc/net", result.first)
            self.assertIn("CONFINEMENT.md", result.first)
            first = result.prose
            # Known either way, and the remark is there.
            self.check(OK, "-r", "%d v6" % PORT, uid=uid, preexec_fn=filtered)
        return first

    def test_restrict_address_families(self):
        """systemd's: the family is not supported."""
        self.assertIn("RestrictAddressFamilies", self.refused(errno.EAFNOSUPPORT))

    def test_not_permitted(self):
        """AppArmor, seccomp."""
        self.assertRegex(self.refused(errno.EPERM), r"(?i)not permitted|EPERM")

    def test_denied(self):
        """SELinux."""
        self.assertRegex(self.refused(errno.EACCES), r"(?i)denied|EACCES")

    def test_both_reasons(self):
        """TCP and UDP are refused for reasons of their own."""
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        trace = os.path.join(dualstack.temporary_folder(), "trace")
        # The leak sanitizer does not work under strace.
        words = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-qq", "-o", trace, "-e", "trace=sendto,recvmsg"]
        with skipped_without(*words):
            self.behind(words, "--format=json")
            with open(trace, encoding="utf-8", errors="replace") as file:
                calls = [line for line in file if "sendto(" in line or "recvmsg(" in line]
            first = next(i for i, line in enumerate(calls) if "TCPDIAG" in line or "IPPROTO_TCP" in line)
            # strace takes one injection for a system call: TCP fails at its first question, UDP at its first answer.
            sent = 1 + sum("sendto(" in line for line in calls[:first])
            received = 1 + sum("recvmsg(" in line for line in calls[:first])
            words += ["-e", "inject=sendto:error=EPERM:when=%d" % sent,
                      "-e", "inject=recvmsg:error=ENOENT:when=%d+" % received]
            text = json.dumps(self.behind(words, "--format=json").json)
            self.assertIn("Operation not permitted", text)
            self.assertIn("No such file or directory", text)
            self.assertIn("TCP", text)
            self.assertIn("UDP", text)


if __name__ == "__main__":
    dualstack.main()
