# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What the fault tests share: a host whose sockets are known, a run of every mode on it, and whether an answer holds.

An answer holds when it is the truth, or UNKNOWN with a reason: a state better or worse than the truth, a wrong number,
a row too many, a broken document, a signal, silence or a word on standard error are wrong under every fault.
"""

import atexit
import collections
import functools
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TOP_SRCDIR"], "tests", "netns"))

import dualstack  # noqa: E402
from dualstack import CRITICAL, OK, PROGRAM, STATE_NAMES, UNKNOWN, WARNING  # noqa: E402

TIMEOUT = 30
STATE_OF = {name: code for code, name in enumerate(STATE_NAMES)}

# Each rule by its name: what holds, and what is broken as what.
HOLDS = {
    "proven": "2001 dual-stack",
    "old": "2002 v4-only missing=critical",
    "new": "2003 v6-only",
    "dual": "2004 dual-stack form=single",
    "shut": "2005 closed",
    "db": "2006 v4-only bind=loopback user=%d" % os.getuid(),
    "dns": "2007/udp dual-stack",
    "ntp": "2008/udp v4-only",
    "split": "2009 dual-stack form=split mapped-critical=0",
    "away": "2005/udp any missing=ok",
    "crowd": "2011 v4-only bind=loopback",
}
BREAKS = {
    "proven": ("2001 v4-only", CRITICAL),
    "old": ("2002 dual-stack severity=warning", WARNING),
    "new": ("2003 v4", CRITICAL),
    "dual": ("2004 v4-only", CRITICAL),
    "shut": ("2005 any severity=warning", WARNING),
    "db": ("2006 v4-only bind=10.0.0.0/8", CRITICAL),
    "dns": ("2007/udp v4-only", CRITICAL),
    "ntp": ("2008/udp v4-only", OK),
    "split": ("2009 closed severity=warning waive-until=2099-12-31", OK),
}


def rule_text(name, rule):
    return "%s name=%s" % (rule, name)


@functools.lru_cache(maxsize=None)
def not_tried(reason):
    print("\nNOT TRIED: listeners in a cgroup of their own (%s): run as root of the machine" % reason, flush=True)


class Cgroup:
    """A cgroup whose name is a unit's, where this user may make one; else the one the tests run in."""

    def __init__(self, name):
        self.path = None
        self.name = name
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            points = [line.split()[4] for line in file if " - cgroup2 " in line and line.split()[3] == "/"]
        for point in points:
            try:
                os.mkdir(os.path.join(os.fsencode(point), os.fsencode(name)))
            except OSError as error:
                not_tried(error.strerror)
            else:
                self.path = os.path.join(os.fsencode(point), os.fsencode(name))
                atexit.register(self.close)
                break

    def procs(self):
        return None if self.path is None else os.path.join(self.path, b"cgroup.procs")

    def close(self):
        if self.path is not None:
            dualstack.directory_remove(self.path)
            self.path = None


# Listens on the ports of its arguments ("443", "udp:53"), in the cgroup of the first ("" for none), until its input
# ends.
LISTENER = """
import os, socket, sys
if sys.argv[1]:
    with open(os.fsencode(sys.argv[1]), "w") as file:
        file.write(str(os.getpid()))
kept = []
for port in sys.argv[2:]:
    udp = port.startswith("udp:")
    kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM))
    kept[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(not udp))
    kept[-1].bind(("0.0.0.0", int(port.replace("udp:", ""))))
    if not udp:
        kept[-1].listen()
print("ready", flush=True)
sys.stdin.read()
"""


class Member:
    """A process that listens inside of a cgroup."""

    def __init__(self, cgroup, *ports):
        procs = cgroup.procs()
        self.process = subprocess.Popen([sys.executable, "-c", LISTENER, procs or b"", *map(str, ports)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError("no listener in %r" % procs)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Host:
    """The sockets that the rules above are about, in this process's namespace, and the files that tell of them."""

    UNIT_PORT = 2010
    # So many that every table takes several reads and every dump several messages.
    CROWD = 400

    def __init__(self):
        self.sockets = dualstack.Sockets()
        listener = self.sockets.listener
        proven = listener("::", 2001, v6only=False)
        for _ in range(2):
            self.connection(proven, "127.0.0.1")
        listener("0.0.0.0", 2002)
        listener("::", 2003, v6only=True)
        listener("::", 2004, v6only=False)
        listener("127.0.0.1", 2006)
        listener("::", 2007, v6only=False, protocol="udp")
        listener("0.0.0.0", 2008, protocol="udp")
        split = listener("::", 2009, v6only=True)
        listener("0.0.0.0", 2009)
        self.connection(split, "::1")
        for _ in range(self.CROWD):
            listener("127.0.0.1", 2011, reuseport=True, backlog=1)
        # A client that waits for its answers, not a service.
        dualstack.sysctl("net.ipv4.ip_local_port_range", "40000 41000")
        listener("0.0.0.0", 40007, protocol="udp")
        self.cgroup = Cgroup("check_dualstack-%s.service" % dualstack.run_name())
        self.member = Member(self.cgroup, self.UNIT_PORT)
        self.folder = dualstack.temporary_folder()
        self._write()

    def connection(self, listener, address):
        """Closed by a reset: a row in TIME_WAIT would go from the list while the next host's is looked at."""
        for end in self.sockets.connection(listener, address):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _write(self):
        self.policy = self._keep("policy.conf", "".join(rule_text(*rule) + "\n" for rule in HOLDS.items()))
        self.second = self._keep("second.conf", "2010 any name=own\n40007/udp any name=client\n")
        self.broken = self._keep("broken.conf", "2001 v4-only\n2002 dual-stak\n2003 v4\n2003 v6\n")
        self.config = self._keep("plugin.ini", "[check_dualstack]\npolicy=%s\nverbose=\n"
                                 "[broken]\nrule=2001 v4-only name=proven\ntimeout=20\n" % self.policy)
        self.copies = os.path.join(self.folder, "copies")
        os.mkdir(self.copies)
        for name in ("tcp", "tcp6", "udp", "udp6", "if_inet6"):
            shutil.copyfile("/proc/net/" + name, os.path.join(self.copies, name))
        self.fleet = os.path.join(self.folder, "fleet")
        os.mkdir(self.fleet)
        captured = dualstack.run("--capture").text
        self.capture = self._keep("fleet/one.json", captured)
        # Another host: of several captures of one the newest counts.
        self._keep("fleet/two.json", re.sub(r'"host":"[^"]*"', '"host":"two"', captured, count=1))
        self.hosts = self._keep("hosts", "%s\ntwo\n" % json.loads(captured)["host"])

    def _keep(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def close(self):
        self.member.close()
        self.cgroup.close()
        self.sockets.close()


# A run: what it is called, its arguments, what must come of it without a fault, who judges its answer, its input, the
# words before the program, and how many calls of a name fail in one way each; 0 for all in each way.
Scenario = collections.namedtuple("Scenario", "name args code judge stdin before sample", defaults=(b"", (), 0))


def scenarios(host):
    """A run of each mode and source; together they use every option that --help names."""
    breaks = [word for name, (rule, _) in BREAKS.items() for word in ("-r", rule_text(name, rule))]
    unit = host.cgroup.name if host.cgroup.path else "*"
    runs = [
        ("text OK", ["--policy", host.policy], OK, TextJudge),
        ("text OK, in short", ["-f", host.policy, "-r", "default/udp closed severity=warning"], OK, TextJudge),
        ("text CRITICAL", ["-v", *breaks], CRITICAL, TextJudge),
        ("WARNING by threshold", ["--warning=1", "--critical=5", "--perfdata=full", "--rule=2001 any name=proven"],
         WARNING, TextJudge),
        ("no policy", [], OK, TextJudge),
        ("stdin", ["-v", "-f", "-", "--timeout=20"], OK, TextJudge),
        ("names", ["-v", "-r", "https closed name=web", "-r", "2006 any name=db user=root"],
         OK if os.getuid() == 0 else UNKNOWN, TextJudge),
        ("unit OK", ["-v", "-r", "2010 any name=own unit=%s" % unit, "-r", "2002 any name=old"], OK, TextJudge),
        ("unit CRITICAL", ["-v", "-r", "2010 any name=own unit=other.service"], CRITICAL, TextJudge),
        ("json OK", ["--format=json", "-f", host.policy], OK, JsonJudge),
        ("json CRITICAL", ["--format=json", *breaks, "-r", "2010 any name=own unit=other.service"], CRITICAL,
         JsonJudge),
        ("options file", ["--extra-opts=@" + host.config], OK, TextJudge),
        ("options file CRITICAL", ["--extra-opts=broken@" + host.config, "--extra-opts=@" + host.config, "-r",
                                   "2002 any name=old"], CRITICAL, TextJudge),
        ("procfs", ["--source=procfs", "-v", "-r", "2001 dual-stack name=proven", "-r", "2002 v4-only name=old",
                    "-r", "2009 dual-stack name=split", "-r", "2006 v6-only severity=warning name=db"], WARNING,
         TextJudge),
        ("procfs, cannot tell", ["--source=procfs", "-v", "-f", host.policy], UNKNOWN, TextJudge),
        ("copies", ["--procfs", host.copies, "-v", "-r", "2001 dual-stack name=proven", "-r", "2002 v6 name=old"],
         CRITICAL, TextJudge),
        ("namespace", ["--netns=/proc/self/ns/net", "-v", "-r", "2001 dual-stack name=proven"], OK, TextJudge),
        ("policy with mistakes", ["-f", host.broken], UNKNOWN, TextJudge),
        ("lint OK", ["--lint", "-f", host.policy], OK, FixedJudge),
        ("lint", ["--lint", "-f", host.broken], UNKNOWN, FixedJudge),
        ("list", ["--list"], OK, ListJudge),
        ("list json", ["--list", "--format=json", "-v"], OK, ListJsonJudge),
        ("learn", ["--learn"], OK, LearnJudge),
        ("capture", ["--capture"], OK, CaptureJudge),
        ("replay", ["--replay", host.capture, "-v", *breaks], CRITICAL, TextJudge),
        ("replay a folder", ["--replay", host.fleet, *breaks], CRITICAL, FleetJudge),
        ("hosts to expect", ["--replay", host.fleet, "--hosts", host.hosts, "--max-age=36500", "--baseline", host.fleet,
                             "--peers=2", "--details=none", *breaks], CRITICAL, FleetJudge),
        ("version", ["--version"], UNKNOWN, FixedJudge),
        ("help", ["--help"], UNKNOWN, FixedJudge),
    ]
    stdin = {"stdin": "".join(rule_text(*rule) + "\n" for rule in HOLDS.items()).encode()}
    return [Scenario(name, args, code, judge, stdin.get(name, b"")) for name, args, code, judge in runs]


def long_options():
    """The options that --help offers, some of them beside others."""
    return set(re.findall(r"(?:^ +(?:-\w, )?|    )(--[a-z-]+)", dualstack.run("--help").text, re.MULTILINE))


def options_used(runs):
    short = {"-r": "--rule", "-f": "--policy", "-w": "--warning", "-c": "--critical", "-t": "--timeout",
             "-v": "--verbose", "-V": "--version", "-h": "--help"}
    return {short.get(word, word.split("=")[0]) for run in runs for word in run.args if word.startswith("-")}


# Answers

Answer = collections.namedtuple("Answer", "code out err")


def environment():
    """Leaks cannot be looked for under a tracer or a memory limit."""
    env = dualstack.environment()
    if "ASAN_OPTIONS" in env:
        env["ASAN_OPTIONS"] += ":detect_leaks=0"
    return env


def is_sanitized():
    with open(PROGRAM, "rb") as file:
        return b"__asan_init" in file.read()


def start(scenario, *before):
    """Runs the scenario's command behind the words `before` (a tracer, say)."""
    done = subprocess.run([*scenario.before, *before, PROGRAM, *scenario.args], input=scenario.stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, env=environment(),
                          check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


class Wrong(AssertionError):
    pass


def require(condition, what, *values):
    if not condition:
        raise Wrong(what % values if values else what)


class Judge:
    """Holds answers under faults to one that was given without."""

    def __init__(self, scenario, answer):
        self.scenario = scenario
        self.text = self.text_of(answer)
        require(answer.code == scenario.code, "%s without a fault: exit %d, not %d: %.500s", scenario.name, answer.code,
                scenario.code, self.text)
        self.learn(answer)

    @staticmethod
    def text_of(answer):
        require(answer.code >= 0, "signal %d", -answer.code)
        require(answer.code <= UNKNOWN, "exit %d", answer.code)
        require(not answer.err, "on standard error: %r", answer.err)
        require(answer.out, "nothing on standard output, exit %d", answer.code)
        try:
            text = answer.out.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Wrong("no UTF-8: %s" % error) from error
        require(text.endswith("\n"), "the last line has no end: %r", text[-60:])
        return text

    def hold(self, answer):
        """Raises Wrong, or returns "right" or "UNKNOWN"."""
        text = self.text_of(answer)
        require(answer.code in (self.scenario.code, UNKNOWN), "exit %d, the truth is %d", answer.code,
                self.scenario.code)
        if text == self.text and answer.code == self.scenario.code:
            return "right"
        self.compare(answer.code, text)
        return "right" if answer.code == self.scenario.code else "UNKNOWN"

    def learn(self, answer):
        """Takes the truth from the answer without a fault."""

    def compare(self, code, text):
        raise NotImplementedError


def failure_sentence(code, text):
    """The sentence of an answer that is nothing but a failure, which every mode may give; else None."""
    first = text.split("\n", 1)[0]
    if first.startswith("{"):
        try:
            report = json.loads(text)
        except ValueError:
            return None
        if report.get("state") == "UNKNOWN" and report.get("errors") and not report.get("services"):
            require(code == UNKNOWN, "exit %d with a failure", code)
            return report["errors"][0]
        return None
    match = re.match(r"DUALSTACK UNKNOWN: ([^|]{10,})", first)
    if match and " | " not in first:
        require(code == UNKNOWN, "exit %d with a failure", code)
        return match[1]
    return None


class FixedJudge(Judge):
    """Depends on nothing but the files it reads."""

    def compare(self, code, text):
        require(failure_sentence(code, text) or (code == UNKNOWN and "cannot" in text),
                "other words, and no failure told")


class TextJudge(Judge):
    def learn(self, answer):
        self.states = self.states_of(self.text)
        self.values = self.values_of(self.text)
        rules = dict(BREAKS) if self.scenario.name == "text CRITICAL" else {}
        for name, (_, state) in rules.items():
            require(self.states.get(name) == STATE_NAMES[state], "without a fault: %s is %s", name,
                    self.states.get(name))

    @staticmethod
    def states_of(text):
        """The states of the detail lines by the name, or the port, that they are about."""
        return {match[2]: match[1] for match in
                re.finditer(r"^\\_\[(\w+)\] (\S+)", text, re.MULTILINE) if match[2] != "asked"}

    @staticmethod
    def values_of(text):
        first = text.split("\n", 1)[0]
        return dict(re.findall(r"(\S+)=(\d+)", first.split(" | ", 1)[1])) if " | " in first else {}

    def compare(self, code, text):
        first = text.split("\n", 1)[0]
        require(re.match(r"DUALSTACK %s: \S.{9,}" % STATE_NAMES[code], first), "first line %r", first)
        require(first.count("|") <= 1 and "|" not in text[len(first):], "more than one bar")
        if failure_sentence(code, text):
            return
        states = self.states_of(text)
        if self.states:
            self.compare_states(states)
        elif states:
            require(set(states.values()) <= {"UNKNOWN"}, "findings where nothing is wrong: %s", states)
        if self.scenario.code == OK and code == OK and "OK: " in self.text:
            counted = re.findall(r"\d+", first.split(" | ")[0].split(" (")[0])
            require(counted == re.findall(r"\d+", self.text.split(" | ")[0].split(" (")[0]), "other numbers: %s", first)
        for label, value in self.values_of(text).items():
            if label not in ("violations", "unlisted"):
                require(self.values.get(label) == value, "%s=%s, the truth is %s", label, value,
                        self.values.get(label))
        wrong = sum(state in ("WARNING", "CRITICAL") for state in states.values())
        if states and self.states and "..." not in text:
            require(self.values_of(text).get("violations") == str(wrong), "%d violations told, %s", wrong, first)

    def compare_states(self, states):
        for name, state in states.items():
            require(state in (self.states.get(name), "UNKNOWN"), "%s is %s, the truth is %s", name, state,
                    self.states.get(name))
        if "-v" in self.scenario.args:
            missing = set(self.states) - set(states)
            require(not missing, "nothing is said of %s", sorted(missing))


def left_out(code, text):
    """How many hosts or namespaces a report says that there was no memory for."""
    stopped = re.search(r"out of memory after (\d) of (\d) (?:host|namespace)s", text)
    return int(stopped[2]) - int(stopped[1]) if stopped and code == UNKNOWN else 0


class FleetJudge(TextJudge):
    """Several captures: a line for each host, none of which may be lost."""

    def learn(self, answer):
        self.states = {}
        self.values = self.values_of(self.text)
        require(self.values.get("hosts") == "2", "without a fault: hosts=%s", self.values.get("hosts"))

    def compare(self, code, text):
        if failure_sentence(code, text):
            return
        found = {label: int(value) for label, value in self.values_of(text).items()}
        if found["hosts"] == 1 and found["hosts_unknown"] == 1 and re.search(r"/fleet:? ", text):
            return
        found["hosts"] += left_out(code, text)
        found["hosts_unknown"] += left_out(code, text)
        # A capture that cannot be read is of nobody, so where hosts are expected its own is missed beside it.
        most = 4 if "--hosts" in self.scenario.args else 2
        require(2 <= found["hosts"] <= most, "%d hosts instead of 2 are reported", found["hosts"])
        require(found["hosts_off"] <= 2 and found["hosts_off"] + found["hosts_unknown"] == found["hosts"], "%s", found)
        require(found["violations"] == 7 * found["hosts_off"], "%s", found)


class JsonJudge(Judge):
    FIELDS = ("required", "name", "rule", "origin")

    def learn(self, answer):
        self.services = self.services_of(json.loads(self.text))

    @staticmethod
    def services_of(report):
        found = {}
        for entry in report["services"]:
            key = entry["name"], entry["protocol"], entry["port"]
            require(key not in found, "two entries for %s", key)
            found[key] = entry
        return found

    def compare(self, code, text):
        try:
            report = json.loads(text)
        except ValueError as error:
            raise Wrong("no JSON: %s: %r" % (error, text[:200])) from error
        require(report["state"] == STATE_NAMES[code], "state %s, exit %d", report["state"], code)
        if failure_sentence(code, text):
            return
        found = self.services_of(report)
        judged = {key for key, entry in self.services.items() if entry["required"]}
        require(judged <= set(found), "nothing is said of %s", judged - set(found))
        for key, entry in found.items():
            self.compare_entry(key, entry, self.services.get(key))
        told = [entry["state"] for entry in found.values() if not entry["waived"]]
        order = ("CRITICAL", "WARNING", "UNKNOWN", "OK")
        worst = next((state for state in order if state in told), "OK")
        require(order.index(report["state"]) <= order.index(worst), "state %s over %s", report["state"], worst)
        if code == OK:
            require(set(found) == set(self.services), "other services: %s", set(found) ^ set(self.services))

    def compare_entry(self, key, entry, truth):
        require(truth is not None, "%s is not there: %s", key, entry)
        require(entry["state"] in (truth["state"], "UNKNOWN"), "%s is %s, the truth is %s", key, entry["state"],
                truth["state"])
        # Half of a service's sockets must not pass for all of them.
        require(entry["stack"] in (truth["stack"], "unknown"), "%s is %s, the truth is %s", key, entry["stack"],
                truth["stack"])
        require(entry["state"] != "UNKNOWN" or entry["reasons"], "%s is UNKNOWN for no reason", key)
        for field in self.FIELDS:
            require(entry[field] == truth[field], "%s has %s %s", key, field, entry[field])
        for listener in entry["listeners"]:
            real = [one for one in truth["listeners"] if (one["address"], one["family"]) ==
                    (listener["address"], listener["family"])]
            require(len(real) == 1, "%s has a listener that is not there: %s", key, listener)
            require(listener["sockets"] == real[0]["sockets"], "%s: %d sockets, not %d", key, listener["sockets"],
                    real[0]["sockets"])
            for field in ("v6only", "user", "unit"):
                require(listener[field] in (real[0][field], None), "%s: %s %s, the truth is %s", key, field,
                        listener[field], real[0][field])
        if entry["connections"] is not None:
            require(entry["connections"] == truth["connections"] or entry["state"] == "UNKNOWN"
                    or None in entry["connections"].values(), "%s: other connections %s", key, entry["connections"])


class ListJudge(Judge):
    def learn(self, answer):
        self.rows = self.rows_of(self.text)
        require(len(self.rows) >= 15, "only %d rows", len(self.rows))

    def rows_of(self, text):
        """Rows by what names them, each with what is on the wire."""
        rows = collections.Counter()
        header, *lines = text.split("\n")
        if not header.startswith("Proto "):
            return rows
        starts = [header.index(word) for word in ("Local Address", "Foreign Address", "State", "On the wire")]
        for line in lines:
            if re.match(r"(tcp|udp)6? ", line):
                words = [line[start:end].strip() for start, end in zip(starts, starts[1:])]
                rows[(line.split()[0], *words, line[starts[-1]:].split("  ")[0])] += 1
        return rows

    @staticmethod
    def is_unknown(wire):
        return wire is None or "unknown" in wire or "perhaps" in wire

    def compare(self, code, text):
        if failure_sentence(code, text):
            return
        rows = self.rows_of(text)
        for row, count in rows.items():
            near = sum(number for real, number in self.rows.items() if real[:4] == row[:4])
            require(near >= count, "a row that is not there: %s", row)
            require(self.rows[row] >= count or self.is_unknown(row[4]), "a row that is wrong: %s", row)
        if code == OK:
            require(sum(rows.values()) == sum(self.rows.values()), "%d of %d rows, exit 0", sum(rows.values()),
                    sum(self.rows.values()))
        else:
            self.compare_end(text.rstrip("\n").rsplit("\n", 1)[-1])

    def compare_end(self, line):
        """The last line of an answer that ends in UNKNOWN."""
        require(failure_sentence(UNKNOWN, line), "exit 3, and no reason at the end: %s", line)


class ListJsonJudge(ListJudge):
    """A JSON object a line, a summary the last."""

    def rows_of(self, text):
        try:
            objects = [json.loads(line) for line in text.splitlines()]
        except ValueError as error:
            raise Wrong("no JSON: %s: %r" % (error, text[-200:])) from error
        rows = collections.Counter()
        for row in objects[:-1]:
            rows[(row["protocol"], "%s %s" % (row["address"], row["port"]),
                  "%s %s" % (row["remote_address"], row["remote_port"]), row["state"],
                  row["on_the_wire"])] += 1
        require("protocol" not in objects[-1], "the last line is no summary: %s", objects[-1])
        return rows


class LearnJudge(Judge):
    def learn(self, answer):
        self.known = {self.text}

    def compare(self, code, text):
        if failure_sentence(code, text):
            return
        require(code == OK, "exit %d, and no failure told", code)
        if text in self.known:
            return
        wanted, found = (self.subjects(policy) for policy in (self.text, text))
        require(wanted <= found, "no rule for: %s", wanted - found)
        done = self.judged(text)
        require(done.code == OK, "the policy does not hold: %s", done.out)
        self.known.add(text)

    def judged(self, policy):
        """The answer to the policy, which must hold."""
        return start(Scenario("learned", ["-f", "-"], OK, None, policy.encode()))

    @staticmethod
    def subjects(policy):
        return {line.split()[0] for line in policy.split("\n") if line and not line.startswith("#")}


class CaptureJudge(Judge):
    def learn(self, answer):
        self.known = set()
        self.judges = []
        for name, code, rules in (
                ("captured OK", OK, HOLDS.items()),
                ("text CRITICAL", CRITICAL, ((name, rule) for name, (rule, _) in BREAKS.items()))):
            args = ["--replay=-", "-v", *(word for rule in rules for word in ("-r", rule_text(*rule)))]
            scenario = Scenario(name, args, code, TextJudge, answer.out)
            self.judges.append(TextJudge(scenario, start(scenario)))

    def compare(self, code, text):
        if failure_sentence(code, text):
            return
        require(code == OK, "exit %d, and no failure told", code)
        try:
            captured = json.loads(text)
        except ValueError as error:
            raise Wrong("no JSON: %s: %r" % (error, text[-200:])) from error
        key = json.dumps({**captured, "time": None}, sort_keys=True)
        if key in self.known:
            return
        for judge in self.judges:
            judge.hold(start(judge.scenario._replace(stdin=text.encode())))
        self.known.add(key)
