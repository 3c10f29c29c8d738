# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: iproute2 net-tools python3 util-linux
"""The examples of README.md, the man page and doc, run as a reader would, on the hosts that they speak of.

In each document, for the blocks (fenced, indented by four, or literal) behind it,

    <!-- tests/servers/test_examples.py: on HOST -->       the host of HOSTS, from here on
    <!-- tests/servers/test_examples.py: file NAME -->     the next block is this file
    <!-- tests/servers/test_examples.py: not run -->       the next block is not for this test; so is one that another
                                                           test runs (tests/servers/test_readme.py)
    <!-- tests/servers/test_examples.py: day DATE -->      all dates of the document are as on that day: they move with
                                                           the clock
    <!-- tests/servers/test_examples.py: answer NAME -->   the first command of the next block answers that question:
                                                           it is tried on a larger fleet, too

and \\" in the place of <!-- in the man page. In a block the lines "$ COMMAND" are run, and must print the lines below
them; without such lines those that begin with check_dualstack are run, and must not be UNKNOWN. How lines are broken,
the order of rows that are sockets, and what differs with each run (times, ports of clients) do not count.
"""

import contextlib
import csv
import ctypes
import datetime
import io
import os
import random
import re
import socket
import struct
import subprocess
import unittest

import hosts  # before dualstack, which it finds
import dualstack

NEW_UTS_NAMESPACE = 0x04000000

SSH = ("ssh.service", "0.0.0.0:22", "[::]:22")
POSTGRESQL = ("postgresql@15-main.service", "127.0.0.1:5432")
SPLIT_WEB = ("nginx.service", "[::]:80 dual", "0.0.0.0:443", "[::]:443")
WEB_WITHOUT_IPV6 = ("nginx.service", "[::]:80 dual", "0.0.0.0:443")
WEB_OF_IPV6 = ("nginx.service", "[::]:80", "[::]:443")
TELNET = ("telnet.socket", "[::]:23 dual")
MAPPED_CLIENTS = (("192.0.2.7", "192.0.2.1", 80, 2), ("192.0.2.8", "192.0.2.1", 80, 1))
WEB1_CLIENTS = MAPPED_CLIENTS + (("192.0.2.7", "192.0.2.1", 443, 1), ("2001:db8:60::7", "2001:db8:60::1", 80, 1))

# What listens, and which clients are connected: from where (None: from the host itself), to where, how many. What a host
# is called ends at the first "-".
HOSTS = {
    "web1": ((SSH, SPLIT_WEB, POSTGRESQL), MAPPED_CLIENTS),
    "web1-without-IPv6-on-443": ((SSH, WEB_WITHOUT_IPV6, POSTGRESQL), MAPPED_CLIENTS),
    "web1-changed": ((SSH, WEB_WITHOUT_IPV6, POSTGRESQL, ("tomcat.service", "[::]:8080 dual")), ()),
    "web1-as-found": ((SSH, WEB_WITHOUT_IPV6, POSTGRESQL), WEB1_CLIENTS),
    "web1-with-telnet": ((SSH, WEB_WITHOUT_IPV6, POSTGRESQL, TELNET), WEB1_CLIENTS),
    "web1-of-the-manual": ((SSH, ("nginx.service", "[::]:443 dual"), POSTGRESQL + ("[::1]:5432",),
                            ("dhclient.service", "[::]:546 udp")), (("192.0.2.7", "192.0.2.1", 443, 8),)),
    "web1-with-one-client": ((("nginx.service", "[::]:80 dual"),), ((None, "127.0.0.1", 80, 1),)),
    "web2-in-october": ((SSH, SPLIT_WEB), (("2001:db8:60::7", "2001:db8:60::1", 443, 2),)),
    "web2": ((SSH, WEB_OF_IPV6), (("2001:db8:60::7", "2001:db8:60::1", 443, 2),)),
    "db1": ((SSH, ("postgresql@15-main.service", "0.0.0.0:5432", "[::]:5432")),
            (("192.0.2.20", "192.0.2.1", 5432, 2), ("2001:db8:60::8", "2001:db8:60::1", 5432, 1))),
}

# Of clients on the host itself.
CLIENT_UNIT = "app.service"

# The host's end of the link to its clients, and theirs.
LINK = ("192.0.2.1/24", "2001:db8:60::1/64")
CLIENTS = ("192.0.2.7", "192.0.2.8", "192.0.2.20", "2001:db8:60::7", "2001:db8:60::8")


def markdown_steps(text):
    """(what, argument) of each mark, and ("block", text) of each block, in their order."""
    steps, block, fenced = [], [], False
    for line in text.splitlines() + [""]:
        mark = re.fullmatch(r"<!-- tests/servers/test_examples\.py: (\S+) (\S+) -->", line)
        if re.fullmatch(r"<!-- tests/servers/test_readme\.py: .* -->", line):
            steps.append(("not", "run"))
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    ") or (block and not line.strip()):
            block.append(line if fenced else line[4:])
            continue
        if block:
            steps.append(("block", "\n".join(block).strip("\n")))
            block = []
        if mark:
            steps.append(mark.groups())
    return steps


def manual_steps(text):
    """The same of the man page."""
    steps, block = [], None
    for line in text.splitlines():
        mark = re.fullmatch(r'\.\\" tests/servers/test_examples\.py: (\S+) (\S+)', line)
        if mark:
            steps.append(mark.groups())
        elif line.startswith(".Bd -literal"):
            block = []
        elif line == ".Ed" and block is not None:
            steps.append(("block", "\n".join(block)))
            block = None
        elif block is not None:
            for escape, character in ((r"\-", "-"), (r"\(aq", "'"), (r"\e", "\\"), (r"\&", "")):
                line = line.replace(escape, character)
            block.append(line)
    return steps


DOCUMENTS = {
    "README.md": markdown_steps,
    "doc/AUDIT.md": markdown_steps,
    "doc/CAPTURE.md": markdown_steps,
    "plugins/check_dualstack.1": manual_steps,
}

# What differs with each run.
CHANGING = ((r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "TIME"), (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
            (r"(?<=:)[3-6]\d{4}\b", "PORT"))


def moved(text):
    """The text with its dates as far from today as they are from the day of its mark."""
    mark = re.search(r"test_examples\.py: day (\S+)", text)
    if not mark:
        return text
    far = datetime.datetime.now(datetime.timezone.utc).date() - datetime.date.fromisoformat(mark.group(1))
    return re.sub(r"\b\d{4}-\d\d-\d\d\b", lambda date: str(datetime.date.fromisoformat(date.group()) + far), text)


def constant(text):
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    # Rows of sockets are in the kernel's order.
    words = text.split()
    return " ".join(sorted(words) if "Local Address" in text else words)


class Neighbour(dualstack.Namespace):
    """Where the clients are."""

    def __init__(self):
        super().__init__()
        dualstack.ip("link add name net0 type veth peer name eth0 netns " + self.path())
        self.settle("net0", LINK)
        with self:
            self.settle("eth0", ["%s/%d" % (client, 64 if ":" in client else 24) for client in CLIENTS])

    @staticmethod
    def settle(device, addresses):
        dualstack.sysctl("net.ipv6.conf.%s.accept_dad" % device, 0)
        dualstack.ip("link set %s up" % device)
        for address in addresses:
            dualstack.ip("addr add %s dev %s" % (address, device))


class HostTestCase(unittest.TestCase):
    """One host at a time, in a folder for its files."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        # A name for the host, in a namespace of this process alone.
        dualstack.libc("unshare", NEW_UTS_NAMESPACE)
        cls.neighbour = Neighbour()
        cls.addClassCleanup(cls.neighbour.close)

    def setUp(self):
        self.services = None
        self.folder = dualstack.temporary_folder()
        self.addCleanup(lambda: self.services and self.services.close())
        self.environment = dict(hosts.BARE_ENVIRONMENT, PATH=hosts.PLUGINS + ":" + hosts.BARE_ENVIRONMENT["PATH"])

    def be(self, host, listeners, clients):
        if self.services:
            self.services.close()
        name = host.partition("-")[0].encode("ascii")
        dualstack.libc("sethostname", name, ctypes.c_size_t(len(name)))
        self.services = hosts.Services()
        for unit, *endpoints in listeners:
            self.services.listen(unit, *endpoints)
        for source, address, port, count in clients:
            for _ in range(count):
                ends = (self.connect(source, (address, port)), self.services.accept(port))
                for end in ends:
                    # So that nothing is left of it in TIME_WAIT.
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def connect(self, source, target):
        with self.neighbour if source else self.services.unit(CLIENT_UNIT):
            client = self.services.sockets.keep(socket.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET))
            client.bind((source or "", 0))
        client.connect(target)
        return client

    def run_command(self, command):
        done = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self.environment, cwd=self.folder, check=False)
        return done.returncode, done.stdout.decode("utf-8")

    def run_block(self, text):
        """Returns how many commands it has."""
        steps = re.split(r"^\$ (.*)\n?", text, flags=re.MULTILINE)[1:]
        for command, output in zip(steps[::2], steps[1::2]):
            with self.subTest(command=command):
                self.assertEqual(constant(self.run_command(command)[1]), constant(output))
        if steps:
            return len(steps) // 2
        commands = [line for line in text.splitlines() if line.startswith("check_dualstack ")]
        for command in commands:
            with self.subTest(command=command):
                code, output = self.run_command(command)
                self.assertNotIn("UNKNOWN", output.splitlines()[0] if output else "")
                self.assertIn(code, (0, 1, 2), output)
        return len(commands)

    def try_document(self, path, steps_of):
        count, then = 0, None
        self.folder = dualstack.temporary_folder()
        for what, argument in steps_of(moved(hosts.read(os.path.join(hosts.TOP_SRCDIR, path)))):
            if what == "on":
                self.be(argument, *HOSTS[argument])
            elif what == "block" and then == "run":
                then = None
            elif what == "block" and then is not None:
                hosts.write(os.path.join(self.folder, then), argument + "\n")
                then = None
            elif what == "block":
                count += self.run_block(argument)
            elif what in ("file", "not"):
                then = argument
        return count


class Examples(HostTestCase):
    def test_documents(self):
        for path, steps_of in DOCUMENTS.items():
            with self.subTest(document=path):
                self.assertGreater(self.try_document(path, steps_of), 0)


if __name__ == "__main__":
    dualstack.main()
