# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What the tests of real daemons share: a daemon with the configuration its package ships or with directives in its
place, in a cgroup that is called as its systemd unit, and the rows of doc/DAEMONS.md that say what comes of it."""

import atexit
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

TOP_SRCDIR = os.environ["TOP_SRCDIR"]
sys.path.insert(0, os.path.join(TOP_SRCDIR, "tests", "netns"))

import dualstack  # noqa: E402
from dualstack import CRITICAL, OK  # noqa: E402

# Seconds that a daemon has to start in, and to end in.
PATIENCE = 30
# Of a service that is nowhere, and of one that both families reach from anywhere.
CLOSED = (None, None)


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


def cgroup_root():
    """A cgroup2 mount in which this process may make groups; one is mounted where the system has none."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split()[4] for line in file if " - cgroup2 " in line]
    for point in points:
        if os.access(os.path.join(point, "cgroup.procs"), os.W_OK):
            return point
    point = "/run/cgroup2"
    os.mkdir(point)
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", point], check=True)
    return point


class Unit:
    """A cgroup that is called as a systemd unit, as long as something runs in it."""

    def __init__(self, name):
        self.path = os.path.join(cgroup_root(), name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.path)

    def pids(self):
        with open(os.path.join(self.path, "cgroup.procs"), encoding="ascii") as file:
            return [int(line) for line in file]

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
        dualstack.eventually(self._remove, "the removal of " + self.path)

    def _remove(self):
        try:
            os.rmdir(self.path)
        except OSError:
            return False
        return True


class Process:
    """A daemon in the foreground, in its unit's cgroup. Its words are kept for the message of a failure."""

    def __init__(self, command, unit, user=None, env=None):
        self.unit = Unit(unit)
        self.log = os.path.join(dualstack.temporary_folder(), "log")
        enter = 'echo $$ >"$1" && shift && exec "$@"'
        words = ["/bin/sh", "-c", enter, "sh", os.path.join(self.unit.path, "cgroup.procs")]
        if user is not None:
            words += ["setpriv", "--reuid=" + user, "--regid=" + user, "--init-groups"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(words + command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd="/", env=env)

    def words(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def runs(self):
        """Whether anything of it does: some leave their first process."""
        return self.process.poll() is None or bool(self.unit.pids())

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
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
    unit = ""
    package = ""
    port = 0
    protocol = "tcp"
    user = None
    env = None

    def configure(self, lines):
        """Writes these lines in the place of what the shipped configuration says of addresses; None: as shipped."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def version(self):
        """The upstream part of the package's version: 1.22.1 of 1:1.22.1-9+deb12u1."""
        text = run_quietly(["dpkg-query", "-W", "-f", "${Version}", self.package])
        return re.sub(r"^\d+:", "", text).split("-")[0].split("+")[0]

    def start(self, lines):
        self.configure(lines)
        env = dict(dualstack.environment(), **(self.env or {}))
        return Process(self.command(), self.unit, self.user, env)


# The table: one row a daemon.


TABLE = os.path.join(TOP_SRCDIR, "doc", "DAEMONS.md")
COLUMNS = ("daemon", "version", "unit", "port", "default", "bindv6only", "v4-only", "v6-only", "dual-stack")


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

    def reaches(self):
        """From where IPv4 and IPv6 get in, as the oracle has it."""
        return tuple(self.scope if self.stack in (only, "dual-stack") else None for only in ("v4-only", "v6-only"))


class Row:
    def __init__(self, cells):
        self.cells = dict(zip(COLUMNS, cells))
        self.name = self.cells["daemon"]
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
        client.settimeout(0.3)
        try:
            client.connect(address)
            for _ in range(2):
                client.send(b"\0")
                client.recv(64)
        except socket.timeout:
            return True
        except ConnectionRefusedError:
            return False
        except OSError:
            return False
        return True
