# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Names that someone chose to break the output: of files, notes, units, users' wishes and interfaces."""

import json
import os
import re
import socket
import subprocess
import sys

import scenarios  # knows where dualstack is
import dualstack
from dualstack import CRITICAL, OK, UNKNOWN

# Bytes, as a file system or a command line takes them.
NAMES = {
    "a bar": b"a|b=1;2;3",
    "a newline": b"a\nDUALSTACK OK: fine | mapped=0",
    "a carriage return": b"a\rOK",
    "an escape": b"a\x1b[2J\x1b]0;title\x07",
    "a tag": b"<b onclick='x'>a</b>&amp;",
    "a bell, a delete": b"a\x07\x7f\x01b",
    "half a character": b"a\xc3",
    "no UTF-8": b"\xff\xfe\x80\xc0\xaf\xed\xa0\x80",
    "a control beyond ASCII": "a\u0085\u009b31mb".encode(),
    "a mark of direction": "a\u202egnirts\u2066b\u200f".encode(),
    "a line separator": "a\u2028b\u2029c".encode(),
    "letters": "\u00e9\u00df\u4e2d\U0001f600".encode(),
    "a format": b"%s%n%1000000d%%",
    "a shell": b"$(id)`id`;'\"\\",
    "the stage of the deadline": b"@STAGE@@STAGE@",
    "a detail line": b"\\_[OK] 443/tcp",
    "4 KB": b"x" * 4000,
    "4 KB of bars": b"|" * 4000,
    "4 KB of characters": "\u4e2d".encode() * 1333,
    "blanks": b"   ",
    "empty but for quotes": b"''\"\"",
}
# What a terminal would obey, C1 controls included; a line of JSON ends with a newline.
CONTROLS = r"[\x00-\x09\x0b-\x1f\x7f-\x9f]"
# What a cgroup or a file may be called: one component, 255 bytes at most.
COMPONENTS = {what: name.replace(b"/", b"_")[:200] for what, name in NAMES.items() if name.strip()}
# IFNAMSIZ is 16 with its NUL; the kernel takes all but blanks, "/" and ":".
INTERFACES = {what: re.sub(rb"[\s/:\x0b\x85\xa0]", b"", name)[:15] for what, name in NAMES.items()}


class HostileCase(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        self.sockets.listener("0.0.0.0", 443)
        self.folder = os.fsencode(dualstack.temporary_folder())

    def shape(self, result, code):
        """The shape that every text keeps: one first line, one bar, nothing that a reader could trip over."""
        self.assertEqual(result.code, code, str(result))
        self.assertTrue(result.text.endswith("\n") and not result.text.endswith("\n\n"))
        # str.splitlines() knows what else some readers break lines at.
        self.assertEqual(len(result.text.splitlines()), len(result.lines))
        self.assertRegex(result.first, r"\ADUALSTACK %s: \S" % dualstack.STATE_NAMES[code])
        self.assertNotRegex(result.text, "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f<>\u200e\u200f\u2028-\u202e\u2066-\u2069]")
        prose, *perfdata = result.first.split("|")
        self.assertLessEqual(len(perfdata), 1, result.first)
        self.assertNotIn(";", prose)
        for item in perfdata[0].split() if perfdata else ():
            self.assertRegex(item, r"\A[A-Za-z0-9_-]+=\d+;[\d:@~]*;[\d:@~]*;0\Z")
        for line in result.lines[1:]:
            self.assertRegex(line, r"\A(\\_\[(OK|WARNING|CRITICAL|UNKNOWN)\] .| {4,8}\S|\.\.\.)")
            self.assertNotIn("|", line)
            self.assertNotIn(";", line)
        if not any(arg in ("-v", b"-v") for arg in result.args):
            self.assertLessEqual(len(result.bytes), 4096)
        return result

    def text(self, code, *args):
        """Runs it with and without -v; returns the shorter text."""
        self.shape(dualstack.run("-v", *args), code)
        return self.shape(dualstack.run(*args), code)

    def json(self, code, *args):
        result = dualstack.run("--format=json", *args)
        self.assertEqual(result.code, code, str(result))
        self.assertEqual(len(result.lines), 1)
        self.assertNotRegex(result.text, CONTROLS)
        return result.json

    def told_in_every_mode(self):
        """What is there is listed, learned and captured; what was learned holds. Returns the capture."""
        self.table()
        self.table("-v")
        learned = dualstack.run("--learn")
        self.assertEqual(learned.code, OK, str(learned))
        self.shape(dualstack.run("-f", "-", stdin=learned.bytes), OK)
        captured = dualstack.run("--capture")
        self.assertNotRegex(captured.text, CONTROLS)
        json.loads(captured.text)
        return captured

    def table(self, *args):
        """The rows of --list: as many lines as there are sockets, a heading, and with -v what surprises."""
        result = dualstack.run("--list", *args)
        self.assertEqual(result.code, OK, str(result))
        self.assertEqual(len(result.text.splitlines()), len(result.lines))
        self.assertNotRegex(result.text, r"[\x00-\x09\x0b-\x1f\x7f-\x9f|;<>]")
        self.assertTrue(result.first.startswith("Proto "))
        for line in dualstack.run("--list", "--format=json", *args).text.rstrip("\n").split("\n"):
            self.assertNotRegex(line, CONTROLS)
            json.loads(line)
        return result


class Files(HostileCase):
    def test_a_file_that_is_not_there(self):
        for what, name in NAMES.items():
            with self.subTest(name=what):
                path = os.path.join(self.folder, name)
                self.text(UNKNOWN, "-f", path)
                self.assertTrue(self.json(UNKNOWN, "-f", path)["errors"])
                self.text(UNKNOWN, "--replay", path, "-r", "443 any")
                self.text(UNKNOWN, "--procfs", path, "-r", "443 any")
                self.text(UNKNOWN, "--netns", path)
                self.text(UNKNOWN, "--netns", name.replace(b"/", b""))
                self.assertTrue(self.json(UNKNOWN, "--netns", path)["errors"])

    def test_a_policy_of_that_name(self):
        """Mistakes are told by the file's name, rules by their place in it."""
        for what, name in COMPONENTS.items():
            with self.subTest(name=what):
                path = os.path.join(self.folder, name)
                with open(path, "w", encoding="ascii") as file:
                    file.write("443 v6-only name=web\n")
                self.text(CRITICAL, "-f", path)
                report = self.json(CRITICAL, "-f", path)
                self.assertTrue(dualstack.service(report, 443)["origin"].endswith(":1"))
                with open(path, "a", encoding="ascii") as file:
                    file.write("443 v6-only\n444 v5\n" * 30)
                self.text(UNKNOWN, "-f", path)
                result = dualstack.run("--lint", "-f", path)
                self.assertEqual(result.code, UNKNOWN)
                self.assertNotRegex(result.text, r"[\x00-\x09\x0b-\x1f\x7f-\x9f<>|;]")
                self.assertEqual(len(result.text.splitlines()), len(result.lines))
                self.json(UNKNOWN, "--lint", "-f", path)

    def test_a_policy_of_those_bytes(self):
        for what, name in NAMES.items():
            with self.subTest(name=what):
                for number, text in enumerate((name, b"443 " + name, b"443 any " + name, b"443 any note=" + name,
                                               b"443 any name=" + name, b"443 any bind=" + name, name + b" any",
                                               b"443 any\n" + name + b"\x00" + name, b"443 any user=" + name)):
                    path = os.path.join(self.folder, b"policy%d" % number)
                    with open(path, "wb") as file:
                        file.write(text + b"\n")
                    result = dualstack.run("-f", path)
                    # An interface may be called so, and 443 is not bound to it.
                    is_interface = b"bind=%" in text
                    self.assertIn(result.code, (CRITICAL,) if is_interface else (OK, UNKNOWN), text)
                    self.shape(result, result.code)
                    self.json(result.code, "-f", path)

    def test_options_of_those_bytes(self):
        """In an ini file, as its name and as what its mistakes quote."""
        for what, name in COMPONENTS.items():
            with self.subTest(name=what):
                self.text(UNKNOWN, b"--extra-opts=" + name.replace(b"@", b"") + b"@" + os.path.join(self.folder, b"x"))
                path = os.path.join(self.folder, name)
                for content in (name, name + b"=1", b"warning=" + name, b"format=" + name, b"rule=443 " + name,
                                b"[" + name, b"rule=443 v6-only name=web note=" + re.sub(rb"[\s#]", b"_", name)):
                    with open(path, "wb") as file:
                        file.write(b"[check_dualstack]\n" + content + b"\n")
                    option = b"--extra-opts=@" + path
                    result = dualstack.run(option)
                    self.assertIn(result.code, (CRITICAL, UNKNOWN), str(result))
                    self.shape(result, result.code)
                    self.json(result.code, option)

    def test_arguments_of_those_bytes(self):
        for what, name in NAMES.items():
            with self.subTest(name=what):
                for args in ((name,), (b"--" + name,), (b"-" + name,), (b"-t", name), (b"-w", name), (b"-c", name),
                             (b"--format", name), (b"--source=" + name,), (b"--perfdata=" + name,), (b"-r", name),
                             (b"-r", b"443 any =" + name), (b"--list=" + name,)):
                    result = dualstack.run(*args)
                    if args[0].startswith(b"-V") or result.text.startswith("check_dualstack "):
                        continue
                    self.assertEqual(result.code, UNKNOWN, str(result))
                    self.shape(result, UNKNOWN)

    def test_captures_of_that_name(self):
        captured = dualstack.run("--capture").bytes
        for number, (what, name) in enumerate(COMPONENTS.items()):
            with self.subTest(name=what):
                with open(os.path.join(self.folder, name), "wb") as file:
                    file.write(re.sub(rb'"host":"[^"]*"', b'"host":"host%d"' % number, captured, count=1))
                self.text(CRITICAL, "--replay", os.path.join(self.folder, name), "-r", "443 v6-only name=web")
        self.text(CRITICAL, "--replay", self.folder, "-r", "443 v6-only name=web")
        result = dualstack.run("--format=json", "--replay", self.folder, "-r", "443 v6-only name=web")
        self.assertEqual(result.code, CRITICAL)
        # The last object sums up.
        self.assertEqual(len([json.loads(line) for line in result.lines]), len(COMPONENTS) + 1)


class Words(HostileCase):
    def test_notes(self):
        for what, name in NAMES.items():
            with self.subTest(name=what):
                note = re.sub(rb"[\s#]", b"_", name)
                result = self.text(CRITICAL, "-r", b"443 v6-only name=web note=" + note)
                self.assertIn(", note ", result.text)
                report = self.json(CRITICAL, "-r", b"443 v6-only name=web note=" + note)
                self.assertTrue(dualstack.service(report, 443)["note"])

    def test_notes_in_a_file(self):
        for what, name in NAMES.items():
            with self.subTest(name=what):
                path = os.path.join(self.folder, b"policy.conf")
                with open(path, "wb") as file:
                    file.write(b"443 v6-only name=web note=" + re.sub(rb"[\s#]", b"_", name) + b"\n")
                self.text(CRITICAL, "-f", path)

    def test_unit_globs(self):
        for what, name in NAMES.items():
            with self.subTest(name=what):
                glob = re.sub(rb"[\s#]", b"_", name)
                result = dualstack.run("-r", b"443 any name=web unit=" + glob)
                # Where the kernel tells no cgroups it cannot be judged.
                self.assertIn(result.code, (CRITICAL, UNKNOWN))
                self.shape(result, result.code)
                self.json(result.code, "-r", b"443 any name=web unit=" + glob)


class Units(HostileCase):
    """cgroups that are called so, with a listener inside."""

    def test_units(self):
        port = 2000
        tried = 0
        for what, name in COMPONENTS.items():
            with self.subTest(name=what):
                for unit in (name[:200] + b".service", name):
                    # The kernel keeps "." in front and newlines for its own files.
                    cgroup = scenarios.Cgroup(os.fsdecode(unit.replace(b"\n", b"\x1b").lstrip(b".")))
                    if cgroup.path is None:
                        continue
                    port += 1
                    member = scenarios.Member(cgroup, port)
                    try:
                        self.unit(port)
                        tried += 1
                    finally:
                        member.close()
                        cgroup.close()
        if tried == 0:
            self.skipTest("no cgroup can be made here (run as root of the machine)")
        self.assertGreater(tried, len(COMPONENTS))

    def unit(self, port):
        rule = "%d v6-only name=web" % port
        self.text(CRITICAL, "-r", rule)
        self.text(CRITICAL, "-r", rule + " unit=other.service")
        report = self.json(CRITICAL, "-r", rule)
        self.assertEqual(len(dualstack.service(report, port)["listeners"]), 1)
        captured = self.told_in_every_mode()
        result = dualstack.run("--replay=-", "-r", rule, stdin=captured.bytes)
        self.assertEqual(result.bytes, dualstack.run("-r", rule).bytes)


class Interfaces(HostileCase):
    def test_interfaces(self):
        tried = 0
        for number, (what, name) in enumerate(INTERFACES.items()):
            device = name if name not in (b"", b".", b"..") else b"plain%d" % number
            with self.subTest(name=what):
                device = device.replace(b"%", b"")  # "%d" is a wish for a number
                done = subprocess.run(["ip", "link", "add", "name", device, "type", "veth", "peer", "name",
                                       "peer%d" % number], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
                if done.returncode != 0:
                    print("\nNOT TRIED: an interface called %r: %s" % (device, done.stderr.decode().strip()))
                    continue
                try:
                    self.interface(device, 3000 + number)
                    tried += 1
                finally:
                    subprocess.run(["ip", "link", "del", "peer%d" % number], check=True)
        self.assertGreater(tried, 10)

    def interface(self, device, port):
        address = "fe80::5:1"
        subprocess.run(["ip", "link", "set", device, "addrgenmode", "none"], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "set", device, "up"], check=True)
        dualstack.address_add(address, 64, device)
        with dualstack.Sockets() as sockets:
            sockets.listener("%s%%%s" % (address, os.fsdecode(device)), port)
            bound = sockets.keep(socket.socket())
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
            bound.bind(("0.0.0.0", port + 1000))
            bound.listen()
            rule = "%d v4-only name=web" % port
            result = self.text(CRITICAL, "-r", rule)
            self.assertIn(address, result.text)
            self.text(CRITICAL, "-r", "%d v6-only name=bound" % (port + 1000))
            report = self.json(CRITICAL, "-r", rule)
            for entry in (port, port + 1000):
                listener, = dualstack.service(report, entry)["listeners"]
                self.assertTrue(listener["interface"])
            captured = self.told_in_every_mode()
            # Its name may have lost what was no UTF-8.
            self.shape(dualstack.run("--replay=-", "-r", rule, stdin=captured.bytes), CRITICAL)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    dualstack.main()
