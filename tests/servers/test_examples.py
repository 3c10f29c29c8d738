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

import collections
import csv
import ctypes
import datetime
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

# What listens, and which clients are connected: from where (None: from the host itself), to where, how many. The name
# of a host ends at the first "-".
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


def moved(steps):
    """The steps with their dates as far from today as they are from the day of the mark."""
    far = datetime.timedelta(0)
    for what, argument in steps:
        if what == "day":
            far = datetime.datetime.now(datetime.timezone.utc).date() - datetime.date.fromisoformat(argument)
        yield what, re.sub(r"\b\d{4}-\d\d-\d\d\b",
                           lambda date: str(datetime.date.fromisoformat(date.group()) + far), argument)


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

    def close(self):
        # At once, as the next one has a link of that name; with its namespace it would go some time later.
        dualstack.ip("link del net0")
        super().close()

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
        for what, argument in moved(steps_of(hosts.read(os.path.join(hosts.TOP_SRCDIR, path)))):
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


class Answers(HostTestCase):
    """The questions of doc/AUDIT.md, asked of more hosts than it has, of which this test knows the truth."""

    COUNT = 30
    # What listens on 443, and whether anything there takes IPv4.
    WEBS = {(): False, ("0.0.0.0:443",): True, ("[::]:443",): False, ("[::]:443 dual",): True,
            ("0.0.0.0:443", "[::]:443"): True, ("127.0.0.1:443", "[::1]:443"): True, ("[2001:db8:60::1]:443",): False}
    # Waivers by the days that they have left.
    WAIVERS = {"last": 0, "soon": 12, "within": 30, "later": 31, "far": 400}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        text = hosts.read(os.path.join(hosts.TOP_SRCDIR, "doc", "AUDIT.md"))
        cls.overview = re.findall(r"(?m)^\| .+ \| `(check_dualstack .+)` \|$", text)
        cls.commands, question = {}, None
        for what, argument in markdown_steps(text):
            if what == "answer":
                question = argument
            elif what == "block" and question is not None:
                cls.commands[question] = argument.split("\n")[0][len("$ "):]
                question = None

    def setUp(self):
        super().setUp()
        choice = random.Random(443)
        names = ["h%d" % number for number in range(self.COUNT)]
        self.october = {name: choice.choice(list(self.WEBS)) for name in names}
        self.november = {name: choice.choice((self.october[name], choice.choice(list(self.WEBS)))) for name in names}
        self.clients = {name: self.some_clients(choice, self.november[name]) for name in names}
        for month, webs in (("october", self.october), ("november", self.november)):
            os.mkdir(os.path.join(self.folder, month))
            for name in names:
                web = (("nginx.service",) + webs[name],) if webs[name] else ()
                self.be(name, (SSH,) + web, self.clients[name] if month == "november" else ())
                self.run_command("check_dualstack --capture --peers > %s/%s.json" % (month, name))
        today = datetime.datetime.now(datetime.timezone.utc).date()
        self.ends = {name: str(today + datetime.timedelta(days)) for name, days in self.WAIVERS.items()}
        hosts.write(os.path.join(self.folder, "hosts"), "\n".join(names + ["lost"]) + "\n")
        hosts.write(os.path.join(self.folder, "fleet.conf"), "443 v6-only name=web missing=ok\n" + "".join(
            "%d any missing=ok name=%s waive-until=%s\n" % (8000 + number, name, end)
            for number, (name, end) in enumerate(self.ends.items())))

    @staticmethod
    def some_clients(choice, web):
        """Of a web server that others reach, or of sshd."""
        clients = [("2001:db8:60::7", "2001:db8:60::1", 22, 1)]
        if "0.0.0.0:443" in web or "[::]:443 dual" in web:
            clients += [(address, "192.0.2.1", 443, choice.randint(1, 3)) for address in choice.sample(CLIENTS[:3], 2)]
        if choice.random() < 0.2:
            clients.append(("192.0.2.20", "192.0.2.1", 22, 1))
        return choice.sample(clients, choice.randint(0, len(clients)))

    def answer(self, question):
        return self.run_command(self.commands[question])[1]

    @staticmethod
    def hosts_in(text, state):
        return set(re.findall(r"^\\_\[%s\] (h\d+): " % state, text, re.MULTILINE))

    def takes_ipv4(self):
        return {name for name, web in self.november.items() if self.WEBS[web]}

    def test_the_overview_has_the_same_commands(self):
        self.assertEqual(self.overview, [self.commands[question] for question in (
            "ipv4-on-443", "ipv4-clients", "changes", "waivers", "evidence")])

    def test_who_takes_ipv4_on_443(self):
        text = self.answer("ipv4-on-443")
        self.assertEqual(self.hosts_in(text, "CRITICAL"), self.takes_ipv4())
        self.assertEqual(self.hosts_in(text, "OK"), set(self.november) - self.takes_ipv4())

    def test_who_comes_over_ipv4(self):
        text = self.answer("ipv4-clients")
        truth = {name: collections.Counter() for name in self.november}
        for name, clients in self.clients.items():
            truth[name].update({(port, source): count for source, _, port, count in clients if ":" not in source})
        found = {name: collections.Counter() for name in self.november}
        for line in text.splitlines():
            host = re.match(r"\\_\[\w+\] (h\d+): ", line)
            service = re.search(r"_\[\w+\] (?:ipv4 )?(\d+)/tcp: ", line)
            client = re.match(r" +(\d+) from ([\d.]+)$", line)
            if host:
                name = host.group(1)
            elif service:
                port = int(service.group(1))
            elif client:
                found[name][port, client.group(2)] += int(client.group(1))
        self.assertEqual(found, truth)
        self.assertEqual(self.hosts_in(text, "WARNING"), {name for name in truth if truth[name]})

    def test_what_changed(self):
        text = self.answer("changes")
        changed = {name for name in self.november if self.november[name] != self.october[name]}
        self.assertEqual(self.hosts_in(text, "WARNING"), changed)
        self.assertEqual(self.hosts_in(text, "OK"), set(self.november) - changed)
        for name in changed:
            word = "appeared" if not self.october[name] else "is gone" if not self.november[name] else "(is|changed)"
            self.assertRegex(text, r"\[WARNING\] %s: .* 443/tcp %s" % (name, word))

    def test_which_waivers_end(self):
        ends = re.findall(r"waive-until=(\S+) ends", self.answer("waivers"))
        self.assertEqual(ends, [self.ends[name] for name, days in self.WAIVERS.items() if days <= 30])

    def test_the_page(self):
        self.assertEqual(self.answer("evidence"), "")
        page = hosts.read(os.path.join(self.folder, "november.html"))
        states = {name: state for state, name in
                  re.findall(r'<details id="h\d+"><summary><b class="\w+">(\w+)</b> (h\d+): ', page)}
        self.assertEqual(states, {name: "CRITICAL" if name in self.takes_ipv4() else "OK" for name in self.november})
        self.assertIn("%d of %d expected" % (self.COUNT, self.COUNT + 1), page)
        self.assertIn("lost", page)
        for name, clients in self.clients.items():
            evidence = re.search(r"</b> %s: .*?</details>" % name, page, re.DOTALL).group()
            self.assertEqual(collections.Counter(re.findall(r"^ +\d+ from (\S+)$", evidence, re.MULTILINE)),
                             collections.Counter(source for source, *_ in clients))

    def test_the_table(self):
        self.answer("table")
        with open(os.path.join(self.folder, "november.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual({row["host"]: row["state"] for row in rows if row["name"] == "web"},
                         {name: "CRITICAL" if name in self.takes_ipv4() else "OK" for name in self.november})
        self.assertEqual([rows[-1][name] for name in ("row", "hosts_judged", "hosts")],
                         ["end", str(self.COUNT), str(self.COUNT + 1)])
        self.assertEqual([row["state"] for row in rows if row["host"] == "lost"], ["UNKNOWN"])


if __name__ == "__main__":
    dualstack.main()
