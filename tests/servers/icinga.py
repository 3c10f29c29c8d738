# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""A real Icinga 2, its user nagios, in the folders that Debian gives it: sandbox.sh lays private copies over them."""

import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TOP_SRCDIR = pathlib.Path(os.environ["TOP_SRCDIR"])
PACKAGING = TOP_SRCDIR / "packaging/icinga2"
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
# Of Debian's conf.d what every set-up needs; the rest is an example host with checks of its own.
BASE = ("app.conf", "templates.conf")


def eventually(what, look, seconds=120):
    """What look() returns as soon as it is true; AssertionError when that takes too long."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(0.1)


class Machine:
    """Where an Icinga runs: here, in the sandbox of the test."""

    prefix = ()
    root = pathlib.Path("/")
    net = pathlib.Path("/proc/self/net")

    def path(self, name):
        """Where this process finds the machine's file of that name."""
        return self.root / name.lstrip("/")

    def run(self, *words, **options):
        """Runs a command there to its end; its standard error is part of its output."""
        options = {"check": True, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT,
                   "text": True, "cwd": "/", "timeout": 120, **options}
        try:
            return subprocess.run([*self.prefix, *words], **options)
        except subprocess.CalledProcessError as error:
            raise AssertionError("%s: exit %d\n%s" % (" ".join(words), error.returncode, error.stdout)) from error

    def start(self, *words, **options):
        return subprocess.Popen([*self.prefix, *words], stdin=subprocess.DEVNULL, cwd="/", **options)

    def listens(self, port):
        """True when something accepts TCP on the port."""
        lines = [line.split() for name in ("tcp", "tcp6")
                 for line in (self.net / name).read_text("ascii").splitlines()[1:]]
        return any(words[3] == "0A" and int(words[1].split(":")[1], 16) == port for words in lines)

    def close(self):
        pass


class OtherMachine(Machine):
    """A machine beside this one: a name, a network and a sandbox of its own, with copies of what is here by then."""

    def __init__(self, name):
        # Lives until its standard input ends.
        self.process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", "--propagation", "private",
             str(TOP_SRCDIR / "tests/servers/sandbox.sh"),
             "sh", "-c", 'hostname "$0"; echo $$; exec cat >/dev/null', name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "CHECK_DUALSTACK": ""})
        self.pid = int(self.process.stdout.readline())
        self.prefix = ("nsenter", "--net", "--mount", "--uts", "--target", str(self.pid))
        self.root = pathlib.Path("/proc/%d/root" % self.pid)
        self.net = pathlib.Path("/proc/%d/net" % self.pid)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


class Icinga:
    """Debian's Icinga 2 as it is installed, with a node name and, unless examples, without the example host.

    config is the text of one more file in conf.d; more come by .put(). "with Icinga(...) as icinga:" sets up the API,
    validates, starts, and stops in the end. One at a time on a machine.
    """

    def __init__(self, config="", *, name="icinga.example.org", machine=None, examples=False):
        self.name = name
        self.machine = machine or Machine()
        self.folder = self.machine.path("/etc/icinga2")
        if not os.path.ismount(self.folder):
            raise RuntimeError("this would change the machine's own Icinga: have run.sh run the test")
        self.process = None
        self.client = None
        constants = (self.folder / "constants.conf").read_text(encoding="utf-8")
        self.put("constants.conf", re.sub("(?m)^(//)?const NodeName = .*", 'const NodeName = "%s"' % name, constants))
        if not examples:
            for file in (self.folder / "conf.d").iterdir():
                if file.name not in BASE:
                    file.unlink()
        if config:
            self.put("conf.d/test.conf", config)

    def put(self, name, text):
        """Writes a file below /etc/icinga2; a path as text is copied."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, pathlib.Path):
            text = text.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        shutil.chown(path, "nagios", "nagios")

    def set_up_api(self):
        """An authority, a certificate and a user of the API, as "icinga2 api setup" makes them."""
        self.machine.run("icinga2", "api", "setup", "--cn", self.name)

    def validate(self):
        """What "icinga2 daemon -C" says; AssertionError where that is a warning or an error."""
        said = self.machine.run("icinga2", "daemon", "-C").stdout
        if re.search(r" (warning|critical)/", said):
            raise AssertionError(said)
        return said

    def start(self, **environment):
        """Starts the daemon as Debian's unit does, and waits for its API where there is one.

        With an environment it is Icinga's user from the first, for what is preloaded to have no files of root's.
        """
        self.machine.run("/usr/lib/icinga2/prepare-dirs", "/usr/lib/icinga2/icinga2")
        with open(self.machine.path("/var/log/icinga2/daemon.log"), "w", encoding="utf-8") as log:
            words = ("icinga2", "daemon")
            if environment:
                words = ("setpriv", "--reuid=nagios", "--regid=nagios", "--clear-groups",
                         "env", *("%s=%s" % pair for pair in environment.items()), *words)
            self.process = self.machine.start(*words, stdout=log, stderr=log)
        if os.path.lexists(self.folder / "features-enabled/api.conf"):
            eventually("the API of %s" % self.name, self._listens)

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError("Icinga ended:\n" + self.said())
        return self.machine.listens(5665)

    def started(self):
        """When the daemon that answers has started or has loaded its configuration anew; None when none answers."""
        with contextlib.suppress(OSError):
            status = self.request("status/IcingaApplication")["results"][0]["status"]
            return status["icingaapplication"]["app"]["program_start"]
        return None

    def reload(self):
        """Has the daemon load its configuration anew."""
        before = self.started()
        self.process.send_signal(signal.SIGHUP)
        eventually("the new configuration", lambda: self.started() not in (None, before))

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def said(self):
        """What the daemon logged."""
        path = self.machine.path("/var/log/icinga2/daemon.log")
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def __enter__(self):
        self.set_up_api()
        self.validate()
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is not None:
            print(self.said(), file=sys.stderr)

    # The REST API, of an Icinga on this machine

    def _connect(self):
        users = (self.folder / "conf.d/api-users.conf").read_text(encoding="utf-8")
        name, password = re.search(r'object ApiUser "(.+?)"[^}]*?password = "(.+?)"', users).groups()
        context = ssl.create_default_context(cafile=str(self.machine.path("/var/lib/icinga2/certs/ca.crt")))
        context.check_hostname = False  # it is asked by address
        self.client = (urllib.request.build_opener(urllib.request.HTTPSHandler(context=context)), "Basic %s" % (
            base64.b64encode(("%s:%s" % (name, password)).encode()).decode()))

    def request(self, path, query=(), body=None):
        """The reply to https://127.0.0.1:5665/v1/PATH?QUERY, a POST where there is a body."""
        if self.client is None:
            self._connect()
        opener, authorization = self.client
        request = urllib.request.Request(
            "https://127.0.0.1:5665/v1/%s?%s" % (path, urllib.parse.urlencode(query, doseq=True)),
            data=None if body is None else json.dumps(body).encode(),
            headers={"Accept": "application/json", "Content-Type": "application/json", "Authorization": authorization})
        with opener.open(request, timeout=20) as reply:
            return json.load(reply)

    def attributes(self, kind="services"):
        """What the API tells of each host ("hosts") or service, by name ("host!service")."""
        return {entry["name"]: entry["attrs"] for entry in self.request("objects/" + kind)["results"]}

    def check(self, condition="true", kind="Service", seconds=120):
        """Has the services (hosts) checked that fit the filter: {"host!service": attributes} with the new results."""
        before = self.attributes(kind.lower() + "s")
        found = self.request("actions/reschedule-check", body={"type": kind, "filter": condition, "force": True})
        names = {re.search("'(.*)'", entry["status"]).group(1) for entry in found["results"]}
        if not names:
            raise AssertionError("no %s where %s" % (kind, condition))

        def fresh():
            attributes = {name: entry for name, entry in self.attributes(kind.lower() + "s").items() if name in names}
            return all(entry["last_check_result"] not in (None, before[name]["last_check_result"])
                       for name, entry in attributes.items()) and attributes

        return eventually("results of %s" % sorted(names), fresh, seconds)


def result_of(attributes):
    """The four things that matter of one of .check(): state ("OK"), first line, long output and performance data.

    Icinga keeps the blank that stands before the bar; here it is gone.
    """
    result = attributes["last_check_result"]
    first, _, rest = result["output"].partition("\n")
    return STATES[int(attributes["state"])], first.rstrip(" "), rest, result["performance_data"]


def results_of(config, command=PACKAGING / "dualstack.conf", *, examples=True):
    """Starts Debian's Icinga with the file of the check command and this text in conf.d, and has the dualstack services
    checked once.

    For a configuration as a page of the manual has it; examples: Debian's own, which a fresh installation has.
    Returns {"host!service": (state, first line, long output, performance data)}.
    """
    icinga = Icinga(config, examples=examples)
    icinga.put("conf.d/dualstack.conf", command)
    with icinga:
        return {name: result_of(entry) for name, entry in icinga.check('service.check_command == "dualstack"').items()}
