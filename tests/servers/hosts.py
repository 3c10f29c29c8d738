# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What the tests of NRPE and Nagios share: hosts in namespaces, units in cgroups, processes ended by their id."""

import collections
import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time

TOP_SRCDIR = os.environ["TOP_SRCDIR"]
sys.path.insert(0, os.path.join(TOP_SRCDIR, "tests", "netns"))

import dualstack  # noqa: E402

PLUGINS = "/usr/lib/nagios/plugins"
PACKAGING = os.path.join(TOP_SRCDIR, "packaging")
# As systemd gives it to a service; it adds nothing that a plugin should need.
BARE_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

# Seconds that a server has for anything asked of it.
PATIENCE = 120


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def install(file, place):
    """Puts a file of packaging/, unchanged, where its first lines say."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    return shutil.copyfile(os.path.join(PACKAGING, file), place)


def eventually(condition, what, seconds=PATIENCE):
    """Polls, for something that takes a process, until the condition holds; returns what it was."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (seconds, what() if callable(what) else what))
        time.sleep(0.05)


def cgroup_root():
    """A cgroup2 mount in which this process may make groups; one is mounted where the system has none."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split()[4] for line in file if " - cgroup2 " in line]
    for point in points:
        if os.access(os.path.join(point, "cgroup.procs"), os.W_OK):
            return point
    point = "/run/cgroup2"
    os.makedirs(point, exist_ok=True)
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", point], check=True)
    return point


class Unit:
    """A cgroup that is called as a systemd unit, and shared by those of one name. Sockets and processes that are made
    in "with unit:" belong to it."""

    users = collections.Counter()

    def __init__(self, name):
        self.root = cgroup_root()
        # In a slice of this process, so that it is nobody else's.
        self.folder = os.path.join(self.root, "dualstack%d.slice" % os.getpid(), name)
        self.home = None
        self.users[self.folder] += 1

    def _enter(self, folder):
        with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    def __enter__(self):
        own = next(line for line in read("/proc/self/cgroup").splitlines() if line.startswith("0::"))
        self.home = os.path.join(self.root, own[len("0::/"):])
        os.makedirs(self.folder, exist_ok=True)
        self._enter(self.folder)
        return self

    def __exit__(self, *_):
        self._enter(self.home)

    def close(self):
        self.users[self.folder] -= 1
        if self.users[self.folder] == 0 and os.path.isdir(self.folder):
            dualstack.eventually(self._removed, "the removal of " + self.folder)

    def _removed(self):
        """Whether it could be; its slice goes with the last unit."""
        with contextlib.suppress(OSError):
            os.rmdir(self.folder)
            os.rmdir(os.path.dirname(self.folder))
        return not os.path.isdir(self.folder)


class Server:
    """A process and all of its children, with standard output and error in a file; close() ends them."""

    def __init__(self, command, log, **popen):
        self.log = log
        with open(log, "ab") as file:
            # A session of its own, so that what it starts can be told from everybody else's.
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                            cwd="/", start_new_session=True, **popen)

    def ready(self, condition, what):
        """Waits until it is; an end of the process is told with its words."""
        def condition_or_end():
            if self.process.poll() is not None:
                raise AssertionError("%s ended, %d: %s" % (what, self.process.returncode, self.words()))
            return condition()
        return eventually(condition_or_end, lambda: "%s: %s" % (what, self.words()))

    def words(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(AssertionError):
                eventually(self._ended, "an end", 10)
            # Not reaped yet, so its number and that of its group are its own still.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _ended(self):
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


class Services:
    """What listens on a host, by unit."""

    def __init__(self):
        self.sockets = dualstack.Sockets()
        self.listeners = []
        self.units = {}

    def unit(self, name):
        if name not in self.units:
            self.units[name] = Unit(name)
        return self.units[name]

    def listen(self, unit, *endpoints):
        """Endpoints are "0.0.0.0:22", "[::]:22" (IPv6 alone), "[::]:22 dual" and "[::]:546 udp"."""
        with self.unit(unit):
            for endpoint in endpoints:
                place, _, kind = endpoint.partition(" ")
                address, _, port = place.rpartition(":")
                self.listeners.append(self.sockets.listener(address.strip("[]"), int(port),
                                                            protocol="udp" if kind == "udp" else "tcp",
                                                            v6only=None if "." in address else kind != "dual"))

    def accept(self, port):
        """Takes a connection that a client has made to the port, and returns it."""
        waiting = [listener for listener in self.listeners if dualstack.port_of(listener) == port]
        ready = select.select(waiting, (), (), PATIENCE)[0]
        return self.sockets.keep(ready[0].accept()[0])

    def close(self):
        self.sockets.close()
        for unit in self.units.values():
            unit.close()


class Host(Services):
    """A host in a network namespace of its own, which a veth pair joins to the one that it is made from."""

    def __init__(self, name, address, neighbour):
        super().__init__()
        self.namespace = dualstack.Namespace()
        dualstack.ip("link add name %s type veth peer name eth0 netns %s" % (name, self.namespace.path()))
        dualstack.ip("addr add %s peer %s dev %s" % (neighbour, address, name))
        dualstack.ip("link set %s up" % name)
        with self.namespace:
            dualstack.ip("addr add %s peer %s dev eth0" % (address, neighbour))
            dualstack.ip("addr add 2001:db8:51::1/128 dev lo")
            dualstack.ip("link set eth0 up")

    def listen(self, unit, *endpoints):
        with self.namespace:
            super().listen(unit, *endpoints)

    def close(self):
        super().close()
        self.namespace.close()
