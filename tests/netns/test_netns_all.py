# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--netns=all: each network namespace that has processes or a name is looked at, once."""

import csv
import json
import os
import re
import shutil
import subprocess
import unittest

import jsonschema

import dualstack
import test_prometheus
from dualstack import CRITICAL, OK, UNKNOWN, WARNING

PYTHON = os.environ.get("PYTHON", "python3")
SERVER = ("import socket, subprocess, sys\n"
          "subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)\n"
          "family, address, port = sys.argv[1:]\n"
          "s = socket.socket(getattr(socket, family)); s.bind((address, int(port))); s.listen()\n"
          "print('ready', flush=True); sys.stdin.read()")


class EveryNamespace(unittest.TestCase):
    """A process in a namespace without a name, two in one with two names, a name without a process, a stale one."""

    maxDiff = None

    def setUp(self):
        self.host = dualstack.Namespace()
        self.addCleanup(self.host.close)
        self.host.__enter__()
        self.addCleanup(self.host.__exit__)
        self.sockets = dualstack.Sockets()
        self.addCleanup(self.sockets.close)
        self.sockets.listener("::", 4710, v6only=False)
        os.makedirs("/run/netns", exist_ok=True)
        try:
            subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True, stderr=subprocess.DEVNULL)
        except subprocess.CalledProcessError:
            self.skipTest("no name can be given here")
        self.addCleanup(subprocess.run, ["umount", "-l", "/run/netns"], check=True)
        self.dual = self.serve("AF_INET6", "::", 4711)
        named = self.serve("AF_INET", "0.0.0.0", 4712)
        self.serve("AF_INET6", "::1", 4713, inside=named)
        for name in ("blue", "zzz"):
            self.give_name(name, "/proc/%d/ns/net" % named.pid)
        empty = dualstack.Namespace()
        with empty:
            self.sockets.listener("0.0.0.0", 4714)
        self.give_name("empty", empty.path())
        empty.close()
        with open("/run/netns/stale", "wb"):
            pass

    def serve(self, family, address, port, inside=None):
        command = ["unshare", "-n"] if inside is None else ["nsenter", "-n", "-t", str(inside.pid)]
        server = subprocess.Popen(command + [PYTHON, "-c", SERVER, family, address, str(port)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end, server)
        self.assertEqual(server.stdout.readline(), b"ready\n")
        return server

    @staticmethod
    def end(server):
        server.stdin.close()
        server.wait()
        server.stdout.close()

    @staticmethod
    def give_name(name, namespace):
        path = "/run/netns/" + name
        with open(path, "wb"):
            pass
        subprocess.run(["mount", "--bind", namespace, path], check=True)

    def check(self, code, *args, **options):
        result = dualstack.run(*args, **options)
        self.assertEqual(result.code, code, str(result))
        return result

    def names(self):
        """In the order in which they are looked at; who is in none of them is called what its process is."""
        return ["host", "blue", "empty", "process %d (%s)" % (self.dual.pid, os.path.basename(PYTHON)), "stale"]

    def test_check(self):
        rules = [word for port in range(4710, 4715) for word in ("-r", "%d dual-stack missing=ok" % port)]
        result = self.check(CRITICAL, "--netns=all", *rules)
        self.assertTrue(result.first.startswith(
            "DUALSTACK CRITICAL: 2 of 5 namespaces off policy, 1 unknown: blue, empty | "), result.first)
        host, blue, empty, unnamed, _ = self.names()
        self.assertEqual(result.lines[1:], [
            "\\_[CRITICAL] %s: 2 of 5 services off policy. 4712/tcp is v4-only, must be dual-stack. "
            "4713/tcp is v6-only, must be dual-stack" % blue,
            "\\_[CRITICAL] %s: 1 of 5 services off policy. 4714/tcp is v4-only, must be dual-stack" % empty,
            "\\_[UNKNOWN] cannot enter network namespace stale: /run/netns/stale is not a network namespace",
            "\\_[OK] %s: 5 services on policy, 0 v4-mapped connections" % host,
            "\\_[OK] %s: 5 services on policy, 0 v4-mapped connections" % unnamed,
            "\\_[CRITICAL] 5 namespaces: 2 CRITICAL, 0 WARNING, 1 UNKNOWN, 2 OK"])
        self.assertEqual([result.values[label][0] for label in ("namespaces", "namespaces_off", "namespaces_unknown")],
                         ["5", "2", "1"])

    def test_json(self):
        """An object each, as for several hosts, and the one that ends them."""
        *reports, end = [json.loads(line) for line in self.check(UNKNOWN, "--netns=all", "--format=json").lines]
        self.assertEqual(end["summary"], "1 of 5 namespaces cannot be judged")
        with open(os.path.join(dualstack.TOP_SRCDIR, "plugins", "check_dualstack.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        for report in reports + [end]:
            jsonschema.validate(report, schema)
        self.assertEqual([report["namespace"] for report in reports], self.names())
        self.assertEqual([[service["port"] for service in report["services"]] for report in reports],
                         [[4710], [4712, 4713], [4714], [4711], []])
        self.assertEqual(reports[-1]["state"], "UNKNOWN")
        self.assertEqual(reports[3]["netns"], os.stat("/proc/%d/ns/net" % self.dual.pid).st_ino)

    def test_list(self):
        lines = self.check(UNKNOWN, "--netns=all", "--list").lines
        self.assertEqual([line for line in lines if line.startswith("Network namespace ")],
                         ["Network namespace " + name for name in self.names()[:-1]])
        self.assertIn(":4713 ", "".join(lines[lines.index("Network namespace blue"):
                                              lines.index("Network namespace empty")]))
        self.assertIn("DUALSTACK UNKNOWN: cannot enter network namespace stale", lines[-1])
        rows = [json.loads(line) for line in self.check(UNKNOWN, "--netns=all", "--list", "--format=json").lines]
        self.assertEqual([(row["namespace"], row["port"]) for row in rows if "port" in row],
                         list(zip([self.names()[i] for i in (0, 1, 1, 2, 3)], (4710, 4712, 4713, 4714, 4711))))
        self.assertEqual([row["namespace"] for row in rows if "port" not in row], self.names())

    @staticmethod
    def captures_of(text):
        with open(os.path.join(dualstack.TOP_SRCDIR, "plugins", "capture.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        decoder = json.JSONDecoder()
        captures = []
        while text:
            capture, length = decoder.raw_decode(text)
            jsonschema.validate(capture, schema)
            captures.append(capture)
            text = text[length:].lstrip()
        return captures

    @unittest.skipIf(shutil.which("strace") is None, "strace is missing")
    @dualstack.not_under_valgrind("system calls")
    def test_capture_that_is_stopped(self):
        """Those that it did not come to are recorded: an audit of the file must not take the others for all."""
        done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=setns", "-e",
                               "inject=setns:delay_enter=2200000:when=1", dualstack.PROGRAM, "--netns=all", "--capture",
                               "-t", "2:critical"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=50,
                              env=dualstack.environment(ASAN_OPTIONS="detect_leaks=0"), check=False)
        self.assertEqual((done.returncode, done.stderr), (CRITICAL, b""))
        captures = self.captures_of(done.stdout.decode())
        self.assertEqual([capture["namespace"] for capture in captures], self.names())
        self.assertEqual([capture["protocols"]["tcp"]["unreadable"] for capture in captures],
                         [None, None] + ["TCP sockets cannot be read: out of time"] * 3)
        result = self.check(UNKNOWN, "--replay=-", stdin=done.stdout)
        self.assertEqual([result.values[label][0] for label in ("hosts", "hosts_unknown")], ["5", "3"])

    def test_capture(self):
        """One behind the other, to be replayed from one file: what cannot be entered is recorded, too."""
        captured = self.check(UNKNOWN, "--netns=all", "--capture", "--peers")
        captures = self.captures_of(captured.text)
        self.assertEqual([capture["namespace"] for capture in captures], self.names())
        rules = ["-r", "default dual-stack"]
        replayed = [json.loads(line) for line in self.check(CRITICAL, "--replay=-", "--format=json", *rules,
                                                            stdin=captured.bytes).lines]
        live = [json.loads(line) for line in self.check(CRITICAL, "--netns=all", "--format=json", *rules).lines]
        for key in ("namespace", "netns", "state"):
            self.assertEqual([report[key] for report in replayed], [report[key] for report in live])
        self.assertEqual([report["services"] for report in replayed[:-2]], [report["services"] for report in live[:-2]])
        path = os.path.join(dualstack.temporary_folder(), "all.json")
        with open(path, "wb") as file:
            file.write(captured.bytes)
        for args in (["--replay=" + path], ["--replay=" + os.path.dirname(path)], ["--replay=" + path] * 2):
            result = self.check(CRITICAL, *args, *rules)
            self.assertEqual(result.values["hosts"][0], "5")
        self.assertIn(" in namespace blue: ", result.text)
        rows = list(csv.DictReader(self.check(CRITICAL, *args, *rules, "--format=csv").text.splitlines()))
        self.assertEqual(list(dict.fromkeys((row["host"], row["namespace"]) for row in rows[:-1])),
                         [(captures[0]["host"], name) for name in self.names()])
        # The textfile collector drops a file that has a sample twice.
        for live in (["--netns=all"], args):
            lines = self.check(CRITICAL, *live, *rules, "--format=prometheus").lines
            samples = [line.rsplit(" ", 1)[0] for line in lines if not line.startswith("#")]
            self.assertEqual(len(samples), len(set(samples)))
        result = self.check(UNKNOWN, "--replay=-", stdin=captured.bytes + b"{} garbage")
        self.assertEqual([result.values[label][0] for label in ("hosts", "hosts_unknown")], ["7", "3"])

    def test_baseline(self):
        """Each is compared with its own capture."""
        os.unlink("/run/netns/stale")
        path = os.path.join(dualstack.temporary_folder(), "all.json")
        with open(path, "wb") as file:
            file.write(self.check(OK, "--netns=all", "--capture").bytes)
        self.assertIn("no change since the baseline", self.check(OK, "--netns=all", "--baseline=" + path).first)
        self.sockets.listener("::", 4720, v6only=False)
        result = self.check(WARNING, "--netns=all", "--baseline=" + path)
        self.assertIn("1 of 4 namespaces changed: host", result.first)
        self.assertIn("4720/tcp", result.text)
        # What was in one that is gone is gone, too. In a folder it may be long ago that it was there.
        subprocess.run(["umount", "/run/netns/empty"], check=True)
        os.unlink("/run/netns/empty")
        result = self.check(WARNING, "--netns=all", "--baseline=" + path)
        self.assertIn("1 of 4 namespaces changed, 1 unknown: host", result.first)
        self.assertIn("\n\\_[UNKNOWN] network namespace empty is gone since the baseline", result.text)
        *_, lost, end = [json.loads(line) for line in self.check(WARNING, "--netns=all", "--baseline=" + path,
                                                                 "--format=json").lines]
        self.assertEqual((lost["namespace"], end["fleet"]["hosts"], end["fleet"]["judged"]), ("empty", 4, 3))
        folder = self.check(WARNING, "--netns=all", "--baseline=" + os.path.dirname(path))
        self.assertNotIn("is gone", folder.text)

    def test_baseline_of_another_namespace(self):
        """What is advised then, followed, gives one that fits."""
        os.unlink("/run/netns/stale")
        path = os.path.join(dualstack.temporary_folder(), "baseline.json")
        for where in ("--netns=blue", "--netns=all"):
            with open(path, "wb") as file:
                file.write(self.check(OK, "--capture").bytes)
            advice = re.search(r": take one with (--\S+(?: --\S+)*)",
                               self.check(UNKNOWN, where, "--baseline=" + path).first)[1]
            with open(path, "wb") as file:
                file.write(self.check(OK, *advice.split()).bytes)
            self.check(OK, where, "--baseline=" + path)

    def test_a_name_that_another_one_has(self):
        """A namespace may be given the name of that of process 1: each is told apart, and none is lost."""
        namespace = dualstack.Namespace()
        with namespace:
            self.sockets.listener("0.0.0.0", 4715)
        self.give_name("host", namespace.path())
        namespace.close()
        rules = ["-r", "4715 v6-only missing=ok"]
        reports = [json.loads(line) for line in self.check(CRITICAL, "--netns=all", "--format=json", *rules).lines]
        self.assertEqual([(report["namespace"], report["state"]) for report in reports if
                          (report["namespace"] or "").startswith("host")],
                         [("host", "OK"), ("host (/run/netns/host)", "CRITICAL")])
        captured = self.check(UNKNOWN, "--netns=all", "--capture")
        self.assertEqual(self.check(CRITICAL, "--replay=-", *rules, stdin=captured.bytes).values["hosts"][0], "6")

    def test_metrics(self):
        """No sample twice, or Prometheus takes none of them; captured, each has its host, too."""
        rules = ["--format=prometheus", "-r", "default dual-stack"]
        live = test_prometheus.parse(self.check(CRITICAL, "--netns=all", *rules).text)["check_dualstack_state"]
        states = dict(zip(self.names(), (OK, CRITICAL, CRITICAL, OK, UNKNOWN)))
        self.assertEqual(live, {frozenset({("namespace", name)}): state for name, state in states.items()})
        captured = self.check(UNKNOWN, "--netns=all", "--capture").bytes
        result = self.check(CRITICAL, "--replay=-", *rules, stdin=captured + b"{} garbage")
        host = json.JSONDecoder().raw_decode(captured.decode())[0]["host"]
        self.assertEqual(test_prometheus.parse(result.text)["check_dualstack_state"],
                         {**{frozenset({("host", host), ("namespace", name)}): state for name, state in states.items()},
                          frozenset({("host", "standard input")}): UNKNOWN,
                          frozenset({("host", "standard input"), ("capture", "2")}): UNKNOWN})
        self.assertEqual(sum(line.startswith("# UNKNOWN: standard input: ") for line in result.lines), 2)

    def test_hostile_name(self):
        self.give_name("a|b;c\n<\033", "/proc/%d/ns/net" % self.dual.pid)
        for args in ([], ["--list"]):
            text = self.check(UNKNOWN, "--netns=all", *args).text
            self.assertIn("a", text)
            self.assertNotRegex(text.replace(" | ", "").replace(";;;0", "").replace(";0;0;0", ""), "[|;<\033]")
        self.check(UNKNOWN, "--netns=all", "--format=json")

    def test_without_the_privilege(self):
        """One's own is judged; each of the others is there, and says what it lacks."""
        if dualstack.NOBODY not in dualstack.users():
            self.skipTest("this user cannot be another one")
        lines = self.check(UNKNOWN, "--netns=all", uid=dualstack.NOBODY).lines
        self.assertIn("\\_[OK] host: 1 service listens (1 dual-stack), 0 v4-mapped connections, no policy to judge by",
                      lines)
        self.assertIn("entering network namespace empty (/run/netns/empty) needs CAP_SYS_ADMIN (run as root)",
                      "\n".join(lines))
        self.assertIn("opening network namespace %s (/proc/%d/ns/net) needs CAP_SYS_PTRACE (run as root)"
                      % (self.names()[3], self.dual.pid), "\n".join(lines))

    def test_processes_that_proc_hides(self):
        """That there are some without a namespace to be seen does not make each of them one."""
        if dualstack.NOBODY not in dualstack.users():
            self.skipTest("this user cannot be another one")
        for hidden in ("1", "2"):
            with self.subTest(hidepid=hidden):
                if subprocess.run(["mount", "-t", "proc", "-o", "hidepid=" + hidden, "proc", "/proc"], check=False,
                                  stderr=subprocess.DEVNULL).returncode != 0:
                    self.skipTest("no /proc that hides processes can be mounted here")
                try:
                    lines = self.check(UNKNOWN, "--netns=all", uid=dualstack.NOBODY).lines
                finally:
                    subprocess.run(["umount", "/proc"], check=True)
                told = [line for line in lines if line.startswith("\\_[UNKNOWN] ")]
                self.assertIn("\\_[UNKNOWN] the network namespaces of other users cannot be found, because /proc hides "
                              "their processes (hidepid): run as root", told)
                # Those that have names, and the sum.
                self.assertEqual(len(told), 5, told)

    def test_what_it_does_not_go_with(self):
        for args in (["--learn"], ["--procfs=/proc/net"], ["--replay=-"]):
            self.assertIn("--netns", self.check(UNKNOWN, "--netns=all", *args).first)


if __name__ == "__main__":
    dualstack.main()
