# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--netns: another network namespace is judged in this one's stead, by process, path and name."""

import errno
import os
import socket
import subprocess
import tempfile
import unittest

import dualstack
from dualstack import CRITICAL, OK, UNKNOWN


class OtherNamespace(unittest.TestCase):
    """A process in a namespace of its own, in which port 4711 listens."""

    SERVER = ("import socket, subprocess, sys\n"
              "subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)\n"
              "s = socket.socket(socket.AF_INET6); s.bind(('::', 4711)); s.listen()\n"
              "print('ready', flush=True); sys.stdin.read()")

    def setUp(self):
        self.server = subprocess.Popen(["unshare", "-n", os.environ.get("PYTHON", "python3"), "-c", self.SERVER],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end)
        self.assertEqual(self.server.stdout.readline(), b"ready\n")
        self.path = "/proc/%d/ns/net" % self.server.pid

    def end(self):
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()

    def judge(self, code, *args, **options):
        result = dualstack.run(*args, **options)
        self.assertEqual(result.code, code, result.text)
        return result

    def test_by_process_and_path(self):
        for name in (str(self.server.pid), self.path):
            with self.subTest(name=name):
                self.judge(CRITICAL, "-r", "4711 dual-stack")
                result = self.judge(OK, "-r", "4711 dual-stack", "--netns", name)
                self.assertIn("in namespace " + name, result.first)
                report = self.judge(OK, "-r", "4711 dual-stack", "--netns", name, "--format=json").json
                self.assertEqual(report["namespace"], name)
                self.assertEqual(report["netns"], os.stat(self.path).st_ino)

    def test_by_name(self):
        """A name is a file below /run/netns, as "ip netns" makes them."""
        try:
            os.makedirs("/run/netns", exist_ok=True)
            descriptor, path = tempfile.mkstemp(prefix="dualstack-", dir="/run/netns")
        except OSError as error:
            self.skipTest("no name can be given here: %s" % error)
        os.close(descriptor)
        self.addCleanup(os.unlink, path)
        subprocess.run(["mount", "--bind", self.path, path], check=True)
        self.addCleanup(subprocess.run, ["umount", path], check=True)
        result = self.judge(OK, "-r", "4711 dual-stack", "--netns", os.path.basename(path))
        self.assertIn("in namespace " + os.path.basename(path), result.first)

    def test_every_mode_looks_there(self):
        for mode in ("--list", "--learn", "--capture"):
            with self.subTest(mode=mode):
                self.assertNotIn("4711", self.judge(OK, mode).text)
                self.assertIn("4711", self.judge(OK, mode, "--netns", str(self.server.pid)).text)

    def test_not_the_namespace_of_process_1(self):
        """Unless it was asked for, every answer says so: an agent in a container judges the container."""
        words = "in another network namespace than process 1"

        def inside():
            dualstack.libc("unshare", dualstack.CLONE_NEWNET)
        for args in ([], ["-r", "4711 any missing=ok"], ["--list"], ["--learn"]):
            with self.subTest(args=args):
                self.assertNotIn(words, self.judge(OK, *args).text)
                self.assertIn(words, self.judge(OK, *args, preexec_fn=inside).text)
        self.assertIn(words, self.judge(CRITICAL, "-r", "4711 any", preexec_fn=inside).first)
        for args in (["--format=json"], ["--format=json", "--list"]):
            self.assertNotIn(words, self.judge(OK, *args).text)
        report = self.judge(OK, "--format=json", preexec_fn=inside).json
        self.assertIn(words, report["remark"])
        ended = self.judge(OK, "--format=json", "--list", preexec_fn=inside).json
        self.assertIn("these sockets are " + words, ended["remarks"])
        for args in ([], ["--list"]):
            self.assertNotIn(words, self.judge(OK, *args, "--netns", self.path).text)

    def test_what_to_do_is_there_behind_it(self):
        """In a container whose sandbox refuses netlink, the first line has the place, the cause and what to do."""
        refuse_netlink = dualstack.refusing_sockets(dualstack.AF_NETLINK, error=errno.EAFNOSUPPORT)

        def inside():
            dualstack.libc("unshare", dualstack.CLONE_NEWNET)
            listener = socket.create_server(("::", 4711), family=socket.AF_INET6)
            os.set_inheritable(listener.detach(), True)
            refuse_netlink()
        result = self.judge(UNKNOWN, "-r", "4711 dual-stack as=bound name=the-main-web-server", preexec_fn=inside,
                            close_fds=False)
        for words in ("in another network namespace than process 1", "RestrictAddressFamilies", "see CONFINEMENT.md)"):
            self.assertIn(words, result.prose)

    def test_without_the_privilege(self):
        with open("/proc/self/uid_map", encoding="ascii") as uid_map:
            real_root = os.getuid() == 0 and uid_map.read().split()[2] == "4294967295"
        if not real_root:
            self.skipTest("only the real root can take another user's place")
        for name, words in ((str(self.server.pid), "needs CAP_SYS_PTRACE"), (self.path, "needs CAP_SYS_PTRACE"),
                            ("/proc/self/ns/net", "needs CAP_SYS_ADMIN")):
            with self.subTest(name=name):
                result = self.judge(UNKNOWN, "-r", "4711 dual-stack", "--netns", name, uid=65534)
                self.assertIn(words, result.first)

    def test_what_is_no_namespace(self):
        for name, words in (("no-such-name", "does not exist"), ("/dev/null", "is not a network namespace"), ("", "empty"),
                            ("4194304999", "no process has this id"), ("..", "..")):
            with self.subTest(name=name):
                self.assertIn(words, self.judge(UNKNOWN, "-r", "4711 any", "--netns=" + name).first)


if __name__ == "__main__":
    dualstack.main()
