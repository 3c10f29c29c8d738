# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: iproute2 python3 util-linux
"""The examples of README.md, the man page and doc, run as a reader would, on the hosts that they speak of.

In each document, for the blocks (fenced, indented by four, or literal) behind it,

    <!-- tests/servers/test_examples.py: on HOST -->       the host of HOSTS, from here on
    <!-- tests/servers/test_examples.py: file NAME -->     the next block is this file
    <!-- tests/servers/test_examples.py: not run -->       the next block is not for this test; so is one that another
                                                           test runs (tests/servers/test_readme.py)

and \\" in the place of <!-- in the man page. In a block the lines "$ COMMAND" are run, and must print the lines below
them; without such lines those that begin with check_dualstack are run, and must not be UNKNOWN. How lines are broken,
and what differs with each run (times, ports of clients), does not count.
"""

import ctypes
import os
import re
import subprocess
import unittest

import hosts  # before dualstack, which it finds
import dualstack

NEW_UTS_NAMESPACE = 0x04000000

SSH = ("ssh.service", "0.0.0.0:22", "[::]:22")
POSTGRESQL = ("postgresql@15-main.service", "127.0.0.1:5432")
SPLIT_WEB = ("nginx.service", "[::]:80 dual", "0.0.0.0:443", "[::]:443")
WEB_WITHOUT_IPV6 = ("nginx.service", "[::]:80 dual", "0.0.0.0:443")

# What listens, and where clients are connected.
HOSTS = {
    "web1": ((SSH, SPLIT_WEB, POSTGRESQL), 3 * [("127.0.0.1", 80)]),
    "web1-without-IPv6-on-443": ((SSH, WEB_WITHOUT_IPV6, POSTGRESQL), 3 * [("127.0.0.1", 80)]),
}


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
}

# What differs with each run.
CHANGING = ((r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "TIME"), (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
            (r"\b\d+ days left", "N days left"), (r"(?<=:)[3-6]\d{4}\b", "PORT"))


def constant(text):
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    return re.sub(r"\s+", " ", text).strip()


class Examples(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        # A name for the host, in a namespace of this process alone.
        dualstack.libc("unshare", NEW_UTS_NAMESPACE)
        dualstack.libc("sethostname", b"web1", ctypes.c_size_t(4))

    def setUp(self):
        self.services = None
        self.addCleanup(lambda: self.services and self.services.close())
        self.folder = dualstack.temporary_folder()
        self.environment = dict(hosts.BARE_ENVIRONMENT, PATH=hosts.PLUGINS + ":" + hosts.BARE_ENVIRONMENT["PATH"])

    def be(self, host):
        if self.services:
            self.services.close()
        self.services = hosts.Services()
        listeners, clients = HOSTS[host]
        for unit, *endpoints in listeners:
            self.services.listen(unit, *endpoints)
        for address, port in clients:
            self.services.sockets.client(address, port)

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
        for what, argument in steps_of(hosts.read(os.path.join(hosts.TOP_SRCDIR, path))):
            if what == "on":
                self.be(argument)
            elif what == "block" and then is None:
                count += self.run_block(argument)
            elif what == "block":
                if then[0] == "file":
                    hosts.write(os.path.join(self.folder, then[1]), argument + "\n")
                then = None
            else:
                then = (what, argument)
        return count

    def test_documents(self):
        for path, steps_of in DOCUMENTS.items():
            with self.subTest(document=path):
                self.assertGreater(self.try_document(path, steps_of), 0)


if __name__ == "__main__":
    dualstack.main()
