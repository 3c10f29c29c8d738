# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What the tests of real daemons share: a daemon with the configuration its package ships or with directives in its
place, in a cgroup that is called as its systemd unit, and the rows of doc/DAEMONS.md that say what comes of it."""

import contextlib
import errno
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

TOP_SRCDIR = os.environ["TOP_SRCDIR"]
sys.path.insert(0, os.path.join(TOP_SRCDIR, "tests", "netns"))

import dualstack  # noqa: E402
from hosts import cgroup_root  # noqa: E402
from dualstack import CRITICAL, OK  # noqa: E402

# Seconds that a daemon has to start in, and to end in.
PATIENCE = 120

# A daemon writes where its package says. The tests run in a mount namespace of their own, in which they lay copies over
# the folders of the machine.


def lay_copies(*folders):
    """Puts a copy, in memory, in the place of each folder: what is written there is gone with the namespace."""
    for folder in folders:
        scratch = os.path.join(dualstack.temporary_folder(), "copy")
        os.mkdir(scratch)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", scratch], check=True)
        subprocess.run(["cp", "-a", "--", folder + "/.", scratch], check=True)
        subprocess.run(["mount", "--move", scratch, folder], check=True)


class Unit:
    """A cgroup that is called as a systemd unit, in a slice of this process, as long as something runs in it."""

    def __init__(self, name):
        self.slice = os.path.join(cgroup_root(), "check_dualstack_%d.slice" % os.getpid())
        self.path = os.path.join(self.slice, name)
        os.makedirs(self.path, exist_ok=True)

    def folders(self):
        """From the innermost; a manager makes more."""
        return [folder for folder, _, _ in os.walk(self.path, topdown=False)]

    def pids(self):
        found = []
        for folder in self.folders():
            with contextlib.suppress(OSError), open(os.path.join(folder, "cgroup.procs"), encoding="ascii") as file:
                found += map(int, file)
        return found

    def close(self):
        """Ends what still runs inside, by its process ids, and removes the cgroup."""
        end = time.monotonic() + PATIENCE
        while self.pids():
            if time.monotonic() > end:
                raise AssertionError("%s does not end" % self.path)
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        for path in (*self.folders(), self.slice):
            dualstack.directory_remove(path)


class Process:
    """A daemon in the foreground, in its unit's cgroup. Its words are kept for the message of a failure."""

    def __init__(self, command, unit, user=None, env=None):
        self.unit = Unit(unit)
        self.begun = time.monotonic()
        self.log = os.path.join(dualstack.temporary_folder(), "log")
        enter = 'echo $$ >"$1" && shift && exec "$@"'
        words = ["/bin/sh", "-c", enter, "sh", os.path.join(self.unit.path, "cgroup.procs")]
        if user is not None:
            words += ["setpriv", "--reuid=" + user, "--regid=" + user, "--init-groups"]
        with open(self.log, "wb") as log:
            # A session of its own: some daemons, as they end, end all of their process group.
            self.process = subprocess.Popen(words + command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd="/", env=env, start_new_session=True)

    def started(self, outcome):
        """Where it listens nowhere: that it does not sleep before it begins cannot be seen, so it must run a while."""
        return outcome.stack != "closed" or time.monotonic() - self.begun > 1

    def words(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def runs(self):
        """Whether anything of it does: some leave their first process."""
        return self.process.poll() is None or bool(self.unit.pids())

    def close(self):
        """Asks it to end; some take their time over it even without a client."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
        self.unit.close()
        self.process.wait()


# Files of a configuration


_shipped = {}


def shipped(path):
    """What the package put there, whatever has been written over it since."""
    if path not in _shipped:
        with open(path, encoding="utf-8") as file:
            _shipped[path] = file.read()
    return _shipped[path]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def replace(path, pattern, lines, *, first=True):
    """Writes the lines in the place of those that match the pattern; where none does, at the start or at the end.
    lines None: as it was shipped."""
    kept, place = [], None
    for line in shipped(path).splitlines():
        if lines is not None and re.search(pattern, line):
            place = len(kept) if place is None else place
        else:
            kept.append(line)
    if lines is not None:
        if place is None:
            place = 0 if first else len(kept)
        kept[place:place] = lines
    write(path, "\n".join(kept) + "\n")


def run_quietly(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=2 * PATIENCE, **options)
    if done.returncode != 0:
        raise AssertionError("%s: exit %d\n%s" % (command, done.returncode, done.stdout.decode(errors="replace")))
    return done.stdout.decode(errors="replace")


class Daemon:
    """One of the daemons of the table. A subclass says how it is configured and started."""

    name = ""  # as the table calls it
    cgroup = None  # where its unit is not the cgroup that it is started in
    package = ""
    user = None
    env = None
    remedied = True  # the program knows its directives by its unit
    remedied_on_loopback = False  # also where it listens on loopback alone
    folders = ()  # (path, owner) that its unit would make below /run

    @property
    def unit(self):
        """Its systemd unit, as the table has it."""
        return rows()[self.name].cells["unit"]

    def configure(self, lines):
        """Writes these lines in the place of what the shipped configuration says of addresses; None: as shipped."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def version(self):
        """The upstream part of the package's version: 1.22.1 of 1:1.22.1-9+deb12u1."""
        text = run_quietly(["dpkg-query", "-W", "-f", "${Version}", self.package])
        return re.sub(r"^\d+:", "", text).split("-")[0].split("+")[0]

    def line(self, remedy):
        """A directive as the program words it, as the configuration has it: the program says no semicolon."""
        return remedy

    def start(self, lines):
        self.configure(lines)
        for path, owner in self.folders:
            os.makedirs(path, exist_ok=True)
            shutil.chown(path, owner)
        env = dict(dualstack.environment(), **(self.env or {}))
        return Process(self.command(), self.cgroup or self.unit, self.user, env)


# The table: one row a daemon.


TABLE = os.path.join(TOP_SRCDIR, "doc", "DAEMONS.md")
COLUMNS = ("daemon", "version", "unit", "port", "default", "bindv6only", "v4-only", "v6-only", "dual-stack")


def stack_of(demand):
    return demand.split()[0]


class Outcome:
    """What a cell of the table promises: a stack, its form, how far it reaches."""

    def __init__(self, text):
        self.text = text
        words = [word.strip() for word in text.split(",")]
        self.stack = words[0]
        self.form = next((word for word in words if word in ("split", "single", "mixed")), None)
        self.scope = "loopback" if "loopback" in words else "external"
        unknown = set(words[1:]) - {self.form, "loopback"}
        if self.stack not in ("closed", "v4-only", "v6-only", "dual-stack") or unknown:
            raise AssertionError("doc/DAEMONS.md: cannot read %r" % text)

    def keeps(self, demand):
        """Whether the rule's words hold for it."""
        return self.stack == stack_of(demand) and demand.partition("form=")[2] in ("", self.form)

    def reaches(self):
        """From where IPv4 and IPv6 get in, as the oracle has it."""
        return tuple(self.scope if self.stack in (only, "dual-stack") else None for only in ("v4-only", "v6-only"))


class Row:
    def __init__(self, cells):
        self.cells = dict(zip(COLUMNS, cells))
        self.name = self.cells["daemon"]
        self.ports = [(int(word.split("/")[0]), word.split("/")[1]) for word in self.cells["port"].split()]
        self.default = Outcome(self.cells["default"])
        self.bindv6only = self.default if self.cells["bindv6only"] == "same" else Outcome(self.cells["bindv6only"])

    def ways(self):
        """(outcome, lines of configuration) of each directive that is named: "`a` and `b` (split) or `c` (single)"."""
        found = []
        for column in ("v4-only", "v6-only", "dual-stack"):
            cell = self.cells[column]
            if cell == "-":
                continue
            for way in cell.split(" or "):
                form = re.search(r"\((split|single|mixed)\)$", way)
                found.append((Outcome(column + (", " + form[1] if form else "")), re.findall(r"`([^`]+)`", way)))
        return found


def rows():
    """By name."""
    found = {}
    with open(TABLE, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
            if len(cells) == len(COLUMNS) and cells[0] not in ("daemon", "---") and not cells[0].startswith("-"):
                found[cells[0]] = Row(cells)
    return found


# What is asked of each daemon


class Oracle(dualstack.Oracle):
    """Servers here are other programs, which do not tell what reached them: a datagram that nothing refuses has."""

    def _delivers(self, client, address, servers):
        client.settimeout(0.2)
        try:
            client.connect(address)
            # The refusal of the first comes with the second.
            for _ in range(2):
                client.send(b"\0")
                client.recv(64)
        except socket.timeout:
            return True
        except OSError as error:
            if error.errno in (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL):
                return False
            raise
        return True


HOSTS = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 dualstack.example dualstack\n"
_prepared = []


def prepare():
    """Once: copies of what daemons write to, and names that mean the same on every machine."""
    if _prepared:
        return
    _prepared.append(True)
    lay_copies(*filter(os.path.isdir, ("/etc", "/var/log", "/var/spool", *(
        "/var/lib/" + name for name in ("chrony", "dovecot", "icinga2", "ldap", "mosquitto", "nginx", "postfix",
                                        "postgresql", "redis", "snmp", "tomcat10", "unbound")), *(
        "/var/cache/" + name for name in ("bind", "icinga2", "lighttpd", "nginx", "tomcat10")))))
    write("/etc/hosts", HOSTS)


class TestCase(dualstack.TestCase):
    """The rows of the table that `daemons` names."""

    daemons = ()
    DEMANDS = ("v4-only", "v6-only", "dual-stack", "dual-stack form=split", "dual-stack form=single")

    @classmethod
    def setUpClass(cls):
        prepare()
        table = rows()
        cls.pairs = [(daemon, table[daemon.name]) for daemon in cls.daemons]

    def setUp(self):
        super().setUp()
        self.oracle = Oracle(self.network)

    @contextlib.contextmanager
    def running(self, daemon, row, lines, outcome):
        """The daemon with these lines, once the kernel lets in who the table says."""
        process = daemon.start(lines)
        try:
            self.settle(process, row, outcome)
            yield process
            # It did not change meanwhile.
            for port, protocol in row.ports:
                self.assertEqual(self.oracle.reaches(port, protocol), outcome.reaches(), process.words())
        finally:
            process.close()

    def try_way(self, daemon, row, lines, outcome):
        with self.subTest(daemon=daemon.name, lines=lines, outcome=outcome.text), \
                self.running(daemon, row, lines, outcome):
            self.agrees(daemon, row, outcome)

    def settle(self, process, row, outcome):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                found = [self.oracle.reaches(port, protocol) for port, protocol in row.ports]
            except socket.timeout:
                # What it has not accepted yet fills its queue.
                found = ["no answer"]
            if all(reaches == outcome.reaches() for reaches in found) and process.started(row.default):
                return
            if not process.runs() or time.monotonic() > end:
                self.fail("the kernel lets in from %s, the table has it that from %s\n%s"
                          % (found, outcome.reaches(), process.words()))
            time.sleep(0.1)

    def agrees(self, daemon, row, outcome):
        """The program says of each port what the table says, in JSON and in text, whoever runs it."""
        for (port, protocol), uid in itertools.product(row.ports, dualstack.users()):
            entry = dualstack.service(self.report(uid=uid), port, protocol)
            if outcome.stack == "closed":
                self.assertIsNone(entry)
                self.check(OK, "-r", "%d/%s closed" % (port, protocol), uid=uid)
                continue
            self.assertIsNotNone(entry, "%d/%s is not listed" % (port, protocol))
            self.assertEqual((entry["stack"], entry["form"], entry["lopsided"]), (outcome.stack, outcome.form, False))
            self.assertEqual({listener["scope"] == "loopback" for listener in entry["listeners"]
                              if outcome.scope == "loopback" or listener["scope"] == "external"},
                             {outcome.scope == "loopback"})
            self.assertEqual({listener["unit"] for listener in entry["listeners"]}, {daemon.unit})
            text = self.check(OK, "-v", uid=uid).text
            self.assertIn("%d/%s: %s, on " % (port, protocol, outcome.stack), text)

    def judged(self, port, protocol, demand, outcome):
        """The remedies of the demand, None where it is kept."""
        kept = outcome.keeps(demand)
        result = self.check(OK if kept else CRITICAL, "-v", "-r", "%d/%s %s" % (port, protocol, demand))
        if kept:
            return None
        self.assertIn("%d/%s" % (port, protocol), result.prose)
        self.assertIn("%s, must be " % outcome.stack if stack_of(demand) != outcome.stack else "must be", result.text)
        remedies = [line.strip() for line in result.lines if "to fix: " in line]
        self.assertTrue(remedies, result)
        return remedies

    def directives(self, daemon, remedies):
        """The lines of configuration that the remedies name, [] for none."""
        found = [match for remedy in remedies for match in re.findall(r" \(in ([^:]+), for [^:]+: (.*)\)$", remedy)]
        self.assertLessEqual(len(found), 1, remedies)
        return [daemon.line(line) for line in found[0][1].split(" and ")] if found else []

    def test_by_default(self):
        for daemon, row in self.pairs:
            version = daemon.version()
            if version != row.cells["version"]:
                print("\nNOTE: %s is %s here, %s in doc/DAEMONS.md" % (daemon.name, version, row.cells["version"]))
            self.try_way(daemon, row, None, row.default)

    def test_with_bindv6only(self):
        dualstack.sysctl("net.ipv6.bindv6only", 1)
        for daemon, row in self.pairs:
            self.try_way(daemon, row, None, row.bindv6only)

    def test_directives_and_remedies(self):
        """What the table names does what it says. And from wherever the daemon was, what -v says to change makes a
        policy that is broken OK; where the table knows a way, the program does."""
        for daemon, row in self.pairs:
            asked = {}
            for outcome, lines in [(row.default, None), *row.ways()]:
                if outcome.stack == "closed":
                    continue
                with self.subTest(daemon=daemon.name, lines=lines), self.running(daemon, row, lines, outcome):
                    self.agrees(daemon, row, outcome)
                    for demand, (port, protocol) in itertools.product(self.DEMANDS, row.ports):
                        remedies = self.judged(port, protocol, demand, outcome)
                        if remedies is not None:
                            words = self.directives(daemon, remedies)
                            asked.setdefault((demand, outcome.scope, *words), []).append(remedies)
            self.follow(daemon, row, asked)

    def follow(self, daemon, row, asked):
        tried = {tuple(lines): outcome for outcome, lines in row.ways()}
        for (demand, scope, *lines), remedies in asked.items():
            with self.subTest(daemon=daemon.name, demand=demand, scope=scope, remedies=remedies):
                self.assertEqual(bool(lines), self.is_remedied(daemon, row, demand, scope))
                if tuple(lines) in tried:
                    # The table's own lines, which have just been found to be what it says.
                    self.assertTrue(tried[tuple(lines)].keeps(demand))
                    self.assertEqual(tried[tuple(lines)].scope, scope)
                elif lines:
                    self.follow_lines(daemon, row, demand, scope, lines)

    def follow_lines(self, daemon, row, demand, scope, lines):
        stack, _, form = demand.partition(" form=")
        outcome = Outcome(", ".join(filter(None, (stack, form, scope if scope == "loopback" else None))))
        with self.running(daemon, row, lines, outcome):
            for port, protocol in row.ports:
                self.check(OK, "-r", "%d/%s %s" % (port, protocol, demand))

    @staticmethod
    def is_remedied(daemon, row, demand, scope):
        """On loopback directives for all addresses would open it to the world."""
        return (daemon.remedied and any(outcome.keeps(demand) for outcome, _ in row.ways())
                and (scope != "loopback" or (daemon.remedied_on_loopback and "single" not in demand)))


def main():
    # Who ends the tests ends their daemons too; unittest takes any other exception for a failure and goes on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    unittest.main(module="__main__", verbosity=2)
