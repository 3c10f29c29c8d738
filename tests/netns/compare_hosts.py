# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Two builds of the program on random hosts, by random policies: the same answers and exit codes, byte for byte.

    CHECK_DUALSTACK=plugins/check_dualstack OTHER_DUALSTACK=/path/to/the/build/before TOP_SRCDIR=. \\
        tests/netns/in_namespace.sh python3 tests/netns/compare_hosts.py [NAME | -NAME]...

DUALSTACK_HOSTS is how many hosts there are (300), DUALSTACK_SEED the seed of the first; each further one has the next.
Each answer has one or more of the names text, json, list, learn, capture, lint, replay, procfs, fallback, file,
extra-opts, netns, usage and help: a replay's JSON is "replay json". With names, only answers all of whose names are
given are compared; those with a name behind a minus are left out. So what a change is meant to change can be
distinguished from the rest.
"""

import collections
import contextlib
import difflib
import glob
import itertools
import os
import platform
import random
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time

import dualstack
from dualstack import PROGRAM, STATE_NAMES, Network
from compare_random_hosts import RANGES, Grammar, RandomHost, RandomPolicy, Units
from test_replay import DATA, PROC_NET, option, write

OTHER = os.path.abspath(os.environ["OTHER_DUALSTACK"])
HOSTS = int(os.environ.get("DUALSTACK_HOSTS", dualstack.share(300)))
SEED = int(os.environ.get("DUALSTACK_SEED", "20261122"))
NAMES = ("text", "json", "list", "learn", "capture", "lint", "replay", "procfs", "fallback", "file", "extra-opts",
         "netns", "usage", "help")
AT_ONCE = 8  # questions: much of a run is the pause before its second look
SHOWN = 2  # differences of each name
SHOWN_LINES = 20

# How the program is called wrongly.
MISUSES = ("--nonsense", "-x", "443", "--perfdata=some", "--format=yaml", "-w", "-w5x", "-c10:5", "-t0", "-t5:bad",
           "-t20:OK", "--list=1", "--list", "--learn", "--lint", "--capture", "--l", "--verb", "-r", "-r", "--rule=",
           "--source=ss", "--source=netlink", "--procfs", "--procfs=/nonexistent", "--netns=", "--netns=/nonexistent",
           "--netns=/etc/hosts", "--replay=/nonexistent", "-f/nonexistent", "--extra-opts=@")
# What is wrong in an ini file.
INI_MISTAKES = ("rubbish", "nonsense=1", "rule=", "list=", "=1", "[check", "[check_dualstack] w=1", "v=1", "perfdata",
                "extra-opts=@x", "w=\0")
# What may stand in a capture in place of something else.
SPOILT = ("null", "-1", "0", "70000", "99999999999999999999", "1.5", "true", '""', '"x"', '"::1"', "[]", "[1]", "{}")
INI_NAMES = ("monitoring-plugins.ini", "plugins.ini", "nagios-plugins.ini")

# Names, arguments, the file on standard input, and what else is said to Popen.
Question = collections.namedtuple("Question", "names args stdin popen")


def question(names, *args, stdin=os.devnull, **popen):
    return Question(frozenset(names.split()), args, stdin, popen)


class Questions:
    """What the programs are asked of a host, about files in a folder of their own."""

    def __init__(self, rng, grammar, host, uid):
        self.rng = rng
        self.host = host
        self.uid = uid
        self.folder = dualstack.temporary_folder()
        self.there = "--netns=" + host.network.neighbour.path()
        self.rules = RandomPolicy(rng, grammar, host.services).args()
        written = RandomPolicy(rng, grammar, host.services)
        self.policy = self.write("policy.conf", written.file())
        self.ini = self.write(rng.choice(INI_NAMES), self.options(written.rules).encode())
        self.copies = self.copy()

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return write(path, content)

    def verbosity(self):
        return self.rng.choice(((), ("-v",), ("-vv",), ("-v", "-v", "-v")))

    def thresholds(self):
        words = option(self.rng, 0.7, *("-w" + text for text in RANGES))
        return words + option(self.rng, 0.7, *("--critical=" + text for text in RANGES))

    def options(self, rules):
        """An ini file."""
        rng = self.rng
        lines = ["rule=" + rule for rule in rules]
        lines += option(rng, 0.3, "perfdata=full", "perfdata = totals")
        lines += option(rng, 0.3, "w=1", "critical = 0:2", "c=5x")
        lines += option(rng, 0.3, "v=", "verbose=\nv=", "# v=")
        lines += option(rng, 0.15, *INI_MISTAKES)
        return "[check_disk]\nw=10%%\n[check_dualstack]\n%s\n[file]\npolicy=%s\nformat=%s\n" % (
            "\n".join(lines), self.policy, rng.choice(("text", "json", "xml")))

    def copy(self):
        """A folder with copies of /proc/net's files, some of which are gone or not whole."""
        rng = self.rng
        files = ["/proc/net/" + name for name in PROC_NET]
        files += option(rng, 0.6, "/proc/net/fib_trie") + option(rng, 0.6, "/proc/sys/net/ipv4/ip_local_port_range")
        broken = rng.sample(files, rng.choice((0, 0, 1, 2)))
        for path in files:
            with open(path, "rb") as file:
                content = file.read()
            if path in broken:
                content = rng.choice((None, b"", b"garbage\n", content.partition(b"\n")[0] + b"\n", content[:-40],
                                      content + b" 7: x\n"))
            if content is not None:
                self.write("net/" + os.path.basename(path), content)
        return os.path.join(self.folder, "net")

    def other_says(self, *args):
        """What both programs are asked about comes from the one before the change, and is the same for both."""
        return Answer(dualstack.program_for(self.uid, OTHER), question("", *args), self.uid).finish().bytes

    def all(self):
        yield from self.checks()
        yield from self.other_modes()
        yield from self.policies()
        yield from self.extra_opts()
        yield from self.misuses()
        yield from self.namespaces()
        for source in ("--source=procfs", "--procfs=" + self.copies):
            yield from self.tables(source)
        if platform.machine() in dualstack.SYSCALL_SOCKET:
            yield from self.without_netlink()
        captured = self.other_says("--capture")
        for captures in (self.write("capture.json", captured), self.fleet(captured)):
            yield from self.replays("--replay=" + captures)
        for number in range(3):
            spoilt = "--replay=" + self.write("spoilt%d.json" % number, self.spoil(captured))
            yield question("replay text", spoilt, *self.rules)
            yield question("replay json", spoilt, "--format=json")

    def checks(self):
        rules = self.rules
        for verbosity in ((), ("-v",), ("-vv",), ("-vvv",)):
            yield question("text", *rules, *verbosity)
        yield question("text", *self.verbosity())
        yield question("text", *rules, *self.verbosity(), "--perfdata=full")
        yield question("text", *rules, "--perfdata=totals")
        yield question("text", *rules, *self.thresholds(), *self.verbosity())
        yield question("json", *rules, "--format=json")
        yield question("json", *rules, "--format=json", *self.thresholds(), "--perfdata=full")
        yield question("json", "--format=json")

    def other_modes(self):
        for verbosity in ((), ("-v",)):
            yield question("list", "--list", *verbosity)
            yield question("list json", "--list", "--format=json", *verbosity)
            yield question("lint", "--lint", *self.rules, *verbosity)
            yield question("lint", "--lint", "-f", self.policy, *verbosity)
        yield question("lint json", "--lint", *self.rules, "--format=json")
        yield question("lint json", "--lint", "-f", self.policy, *self.rules, "--format=json")
        yield question("learn", "--learn")
        yield question("learn json", "--learn", "--format=json")
        yield question("capture", "--capture")

    def policies(self):
        yield question("file text", "-f", self.policy, *self.verbosity())
        yield question("file json", "-f", self.policy, "--format=json")
        yield question("file text", "-f", self.policy, *self.rules, *self.verbosity())
        yield question("file json", "-f", self.policy, *self.rules, "--format=json")
        yield question("file text", "-f", "-", *self.verbosity(), stdin=self.policy)
        yield question("file text", "-f", self.policy, "--policy=" + self.folder + "/none", *self.rules)
        learned = self.write("learned.conf", self.other_says("--learn"))
        yield question("file text", "-f", learned, *self.rules, *self.verbosity())
        yield question("file json", "-f", learned, "--format=json")

    def extra_opts(self):
        ini = self.ini
        yield question("extra-opts text", "--extra-opts=@" + ini, "--format=text")
        yield question("extra-opts json", "--extra-opts=@" + ini, "--format=json", *self.rules)
        yield question("extra-opts text", "--extra-opts=@-", *self.verbosity(), "--format=text", stdin=ini)
        yield question("extra-opts text json", "--extra-opts=file@" + ini)
        yield question("extra-opts text", "--extra-opts=none@" + ini, *self.rules)
        for places in ({"MP_CONFIG_FILE": self.rng.choice((ini, ini, "", self.folder + "/none"))},
                       {"NAGIOS_CONFIG_PATH": self.rng.choice((self.folder, "/nonexistent::" + self.folder))}):
            yield question("extra-opts text json", "--extra-opts", *self.rules, env=dualstack.environment(**places))

    def misuses(self):
        for count in (1, 2):
            words = self.rng.sample(MISUSES, count)
            yield question("usage text", *words, *self.rules)
            yield question("usage json", *words, *self.rules, "--format=json")
        yield question("help", self.rng.choice(("-h", "-V")))
        if self.rng.random() < 0.02:
            pipe = os.path.join(self.folder, "pipe")
            os.mkfifo(pipe)
            yield question("usage text", "--replay=" + pipe, "-t1")
            yield question("usage json", "--replay=" + pipe, "-t1:critical", "--format=json")

    def namespaces(self):
        yield question("netns text", self.there, *self.rules, "-vvv")
        yield question("netns json", self.there, *self.rules, "--format=json")
        yield question("netns list", self.there, "--list", "-v")
        yield question("netns learn", self.there, "--learn")
        yield question("netns capture", self.there, "--capture")

    def tables(self, source):
        yield question("procfs text", source, *self.rules, *self.verbosity())
        yield question("procfs text", source, "-f", self.policy, "--perfdata=full", *self.verbosity())
        yield question("procfs json", source, *self.rules, "--format=json")
        yield question("procfs list", source, "--list", *self.verbosity())
        yield question("procfs list json", source, "--list", "--format=json")
        yield question("procfs learn", source, "--learn")
        yield question("procfs capture", source, "--capture")

    def without_netlink(self):
        refusing = dualstack.refusing_sockets(dualstack.AF_NETLINK)
        for names, *args in (("text", *self.rules, *self.verbosity()), ("text", *self.rules, "--source=netlink"),
                             ("json", *self.rules, "--format=json"), ("list", "--list", "-v"), ("learn", "--learn"),
                             ("capture", "--capture")):
            yield question("fallback " + names, *args, preexec_fn=refusing)

    def spoil(self, capture):
        """The capture with one value, name or place of it that is not what it should be."""
        rng = self.rng
        member = rng.choice(list(re.finditer(rb'"(\w+)":("[^"]*"|[\w.-]+|(?=[\[{]))', capture)))
        if rng.random() < 0.1:
            return capture[:member.start()] + rng.choice((b"", capture, b"\0", b"\xff"))
        start, end = member.span(rng.choice((1, 2, 2, 2)))
        return capture[:start] + rng.choice(SPOILT).encode() + capture[end:]

    def fleet(self, captured):
        """A folder of captures: this host seen in several ways, each by a name of its own, and hosts of the tests."""
        rng = self.rng
        home = b'"host":"%s"' % socket.gethostname().encode()
        captures = [captured] + [self.other_says("--capture", source) for source in (
            "--source=procfs", "--procfs=" + self.copies, self.there)] + option(rng, 0.2, self.spoil(captured))
        for number, content in enumerate(captures):
            self.write("fleet/host%d.json" % number, content.replace(home, b'"host":"host%d"' % number, 1))
        for path in rng.sample(sorted(glob.glob(DATA + "/*")), rng.choice((0, 1, 2))):
            with open(path, "rb") as file:
                self.write("fleet/" + os.path.basename(path), file.read())
        return os.path.join(self.folder, "fleet")

    def replays(self, captures):
        yield question("replay text", captures, *self.rules)
        yield question("replay text", captures, *self.rules, *self.thresholds(), *self.verbosity())
        yield question("replay text", captures, "-f", self.policy, "--perfdata=full", *self.verbosity())
        yield question("replay text", captures, *self.verbosity())
        yield question("replay text", captures, "--replay=-", *self.rules, "-v", stdin=self.folder + "/capture.json")
        yield question("replay json", captures, *self.rules, "--format=json")
        yield question("replay json", captures, "--format=json")


class Answer:
    """A program at work on a question."""

    environment = dualstack.environment()

    def __init__(self, program, asked, uid):
        self.began = time.time()
        popen = {"env": self.environment, **asked.popen, **dualstack.as_user(uid)}
        with open(asked.stdin, "rb") as stdin:
            # By one name, which may be reported.
            self.process = subprocess.Popen(["check_dualstack", *asked.args], executable=program, stdin=stdin,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, close_fds=False, **popen)

    def finish(self):
        try:
            self.bytes, self.errors = self.process.communicate(timeout=50)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.bytes, self.errors = self.process.communicate()
        self.ended = time.time()
        self.code = self.process.returncode
        return self

    def is_fit(self):
        """It ended by itself, printed something, and nothing to standard error."""
        return 0 <= self.code < len(STATE_NAMES) and self.bytes and not self.errors

    def lines(self):
        """For a reader. JSON is in long lines, which come apart at its commas."""
        text = re.sub(r"(?m)^.{200,}$", lambda line: re.sub(r"([,\[{])(?=[\"{\[])", r"\1\n", line[0]),
                      self.bytes.decode("utf-8", "backslashreplace"))
        errors = self.errors.decode("utf-8", "backslashreplace")
        return ["exit %d" % self.code, *text.split("\n"), *("standard error: " + line for line in errors.splitlines())]


def forget_time(answers):
    """In all of them alike, whichever way they write the time of their runs."""
    # The clock of time(2) may be behind by a tick.
    seconds = range(int(min(answer.began for answer in answers) - 1), int(max(answer.ended for answer in answers)) + 1)
    for second, form in itertools.product(seconds, ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M UTC")):
        told = time.strftime(form, time.gmtime(second)).encode()
        for answer in answers:
            answer.bytes = answer.bytes.replace(told, b"(now)")


def difference(answers):
    """A unified diff of where they begin to differ: of thousands of lines that are much alike it would take minutes."""
    lines = [answer.lines() for answer in answers]
    same = len(os.path.commonprefix(lines))
    parts = [each[max(0, same - 1):same + 100] for each in lines]
    return list(difflib.unified_diff(*parts, OTHER, PROGRAM, "line %d" % (same + 1), "", n=1, lineterm=""))


class Comparison:
    def __init__(self, given):
        without = {word[1:] for word in given if word.startswith("-")}
        chosen = {word for word in given if not word.startswith("-")}
        for name in sorted((chosen | without) - set(NAMES)):
            raise SystemExit("no answer is called %s, there are: %s" % (name, " ".join(NAMES)))
        self.names = (chosen or set(NAMES)) - without
        self.grammar = Grammar(OTHER, PROGRAM)
        self.units = Units()
        self.asked = collections.Counter()
        self.different = collections.Counter()
        self.codes = collections.Counter()

    def host(self, seed):
        # Apart: what becomes of a socket is up to the kernel, too.
        host_rng, rng = (random.Random("%s %d" % (what, seed)) for what in ("host", "questions"))
        with contextlib.closing(Network()) as network, network.host, dualstack.Sockets() as sockets:
            uid = rng.choice(dualstack.users())
            host = RandomHost(host_rng, network, sockets, self.units)
            questions = Questions(rng, self.grammar, host, uid)
            wanted = [asked for asked in questions.all() if asked.names <= self.names]
            for start in range(0, len(wanted), AT_ONCE):
                for asked, answers in self.ask(wanted[start:start + AT_ONCE], uid):
                    self.compare(seed, uid, asked, answers)
            shutil.rmtree(questions.folder)

    @staticmethod
    def ask(questions, uid):
        """Each question with the answers of the other program and of the one that is tested."""
        programs = [dualstack.program_for(uid, program) for program in (OTHER, PROGRAM)]
        started = [(asked, [Answer(program, asked, uid) for program in programs]) for asked in questions]
        finished = [(asked, [answer.finish() for answer in answers]) for asked, answers in started]
        for _, answers in finished:
            forget_time(answers)
        return finished

    @staticmethod
    def alike(answers):
        other, ours = answers
        return (other.code, other.bytes) == (ours.code, ours.bytes) and other.is_fit() and ours.is_fit()

    def compare(self, seed, uid, asked, answers):
        name = " ".join(sorted(asked.names, key=NAMES.index, reverse=True))
        self.asked[name] += 1
        self.codes[answers[1].code] += 1
        if not self.alike(answers):
            self.different[name] += 1
            if self.different[name] <= SHOWN:
                self.show(name, seed, uid, asked, answers)

    def show(self, name, seed, uid, asked, answers):
        (_, again), = self.ask([asked], uid)
        print("\nDIFFERENT: %s, on the host of DUALSTACK_SEED=%d DUALSTACK_HOSTS=1%s" % (
            name, seed, ", but not when asked again" if self.alike(again) else ""))
        places = sorted(set(asked.popen.get("env", {}).items()) - set(Answer.environment.items()))
        print("%scheck_dualstack %s%s%s" % ("".join("%s=%s " % place for place in places), shlex.join(asked.args),
                                            "" if asked.stdin == os.devnull else " <" + asked.stdin,
                                            "" if uid is None else "  # as uid %d" % uid))
        lines = difference(answers) or ["alike, but no answer that the program may give:", *answers[0].lines()]
        print("\n".join(lines[:SHOWN_LINES]))
        if len(lines) > SHOWN_LINES:
            print("... and %d more lines" % (len(lines) - SHOWN_LINES))
        sys.stdout.flush()

    def summary(self, hosts):
        def counts(counter):
            return ", ".join("%d %s" % (count, name) for name, count in counter.most_common())
        print("\ndrawn:", counts(RandomHost.drawn))
        print("exit codes:", ", ".join("%d %s" % (self.codes[code], name) for code, name in enumerate(STATE_NAMES)))
        print("answers:", counts(self.asked))
        if self.different:
            print("different:", counts(self.different))
        print("%d hosts, %d answers compared, %d differ" % (hosts, sum(self.asked.values()), sum(self.different.values())))
        return 1 if self.different or not self.asked else 0


def main():
    comparison = Comparison(sys.argv[1:])
    dualstack.open_file_limit(4096)
    print("seed %d (DUALSTACK_SEED sets another)" % SEED, flush=True)
    began = time.monotonic()
    for number in range(HOSTS):
        comparison.host(SEED + number)
        if (number + 1) % 50 == 0:
            print("%d hosts in %d s" % (number + 1, time.monotonic() - began), flush=True)
    return comparison.summary(HOSTS)


if __name__ == "__main__":
    sys.exit(main())
