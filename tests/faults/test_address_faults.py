# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Every system call of a run fails, as in test_faults.py, on a host whose addresses decide: an answer that forgot to
ask for them, or was refused, must not be a better or a worse one."""

import collections
import itertools
import json
import os
import re
import shutil
import socket
import tempfile
import threading

import test_faults  # knows where dualstack is
import scenarios
import dualstack
from dualstack import CRITICAL, OK, UNKNOWN, WARNING
from scenarios import STATE_OF, Scenario, Wrong, require, rule_text

IPV6_FREEBIND = 78
# Absent, and yet a socket is bound to it.
VIP = "2001:db8::99"

# Each rule by its name: what holds, and what is broken as what. But for the last two none would be, and all would be
# broken, if the sockets alone decided; and "near" is broken by them.
HOLDS = {
    "lone": "2001 v4-only",
    "vip": "2002 v4-only",
    "gone": "2003 v6-only",
    "dns": "2005/udp v4-only",
    "idle": "2008 any",
    "link": "2004 v4-only",
    "local": "2007 dual-stack form=split",
    "near": "2009 any reach=link",
}
BREAKS = {
    "lone": ("2001 dual-stack", CRITICAL),
    "vip": ("2002 v6 severity=warning", WARNING),
    "gone": ("2003 v4", CRITICAL),
    "dns": ("2005/udp dual-stack", CRITICAL),
    "idle": ("2008 v6 severity=warning", WARNING),
    "near": ("2009 any reach=loopback", CRITICAL),
}


class Host:
    """IPv4 to the world, IPv6 on the link alone, a VIP that is on the other node, an interface that is gone."""

    def __init__(self):
        for words in ("link add name ve0 type veth peer name ve1", "link add name ve8 type veth peer name ve9",
                      "link set ve0 addrgenmode none", "link set ve1 addrgenmode none", "link set ve0 up",
                      "link set ve1 up"):
            dualstack.ip(words)
        dualstack.address_add("192.0.2.1", 24, "ve0")
        dualstack.address_add("fe80::7:1", 64, "ve0")
        self.sockets = dualstack.Sockets()
        listener = self.sockets.listener
        listener("::", 2001, v6only=False)
        listener("0.0.0.0", 2002)
        self.free(2002)
        listener("0.0.0.0", 2003, device="ve8")
        listener("::", 2003, v6only=True)
        listener("192.0.2.1", 2004)
        listener("fe80::7:1%ve0", 2004)
        listener("::", 2005, v6only=False, protocol="udp")
        listener("127.0.0.1", 2007)
        listener("::1", 2007)
        self.free(2008)
        listener("::", 2009, v6only=True)
        dualstack.ip("link del ve8")
        self.folder = dualstack.temporary_folder()
        self.policy = os.path.join(self.folder, "policy.conf")
        with open(self.policy, "w", encoding="ascii") as file:
            file.write("".join(rule_text(*rule) + "\n" for rule in HOLDS.items()))
        with open(bound_policy(self.policy), "w", encoding="ascii") as file:
            file.write("".join(rule_text(*rule) + " as=bound\n" for rule in HOLDS.items()))
        self.copies = os.path.join(self.folder, "copies")
        os.mkdir(self.copies)
        for name in ("tcp", "tcp6", "udp", "udp6", "if_inet6", "fib_trie"):
            shutil.copyfile("/proc/net/" + name, os.path.join(self.copies, name))

    def free(self, port):
        sock = self.sockets.keep(socket.socket(socket.AF_INET6))
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        sock.bind((VIP, port))
        sock.listen()

    def close(self):
        self.sockets.close()


# What an answer says of itself, and what excuses it then: it may be what a run that never could know better gives.
REMARKS = {
    "as bound": re.compile(r"the (?:IPv[46] )?(?:addresses|interfaces|addresses and interfaces) of this host are not "
                           r"known, so reach is as far as sockets are bound"),
    "procfs": re.compile(r"read from /proc/net"),
}


def excuses_of(text):
    return frozenset(name for name, remark in REMARKS.items() if remark.search(text))


def excuses_together(excuses):
    """All that may hold at once: what is not known of one family, or read of one protocol, is of the other."""
    return [frozenset(some) for count in range(1, len(excuses) + 1)
            for some in itertools.combinations(sorted(excuses), count)]


def excused(scenario, excuses):
    """The run that knows no better, without a fault."""
    args = list(scenario.args)
    if "as bound" in excuses:
        args = [bound_policy(word) if before == "-f" else word + " as=bound" if before == "-r" else word
                for before, word in zip(["", *args], args)]
    if "procfs" in excuses and scenario.stdin:
        captured = scenarios.start(Scenario("capture", ["--source=procfs", "--capture"], OK, None, b""))
        return scenario._replace(args=args, stdin=captured.out)
    if "procfs" in excuses and "--procfs" not in args:
        args = ["--source=procfs", *(word for word in args if word != "--source=procfs")]
    return scenario._replace(args=args)


def bound_policy(path):
    return path + ".bound"


class ExcusedJudge:
    """An answer that says what it does not know may be what is true as far as that goes, rule by rule; no other may."""

    ORDER = ("CRITICAL", "WARNING", "UNKNOWN", "OK")

    def learn(self, answer):
        super().learn(answer)
        self.others = {excuses: self.truth_of(scenarios.start(excused(self.scenario, excuses)))
                       for excuses in excuses_together(REMARKS)}
        self.now = threading.local()
        self.now.admitted = []

    def hold(self, answer):
        text = self.text_of(answer)
        self.now.admitted = [self.others[excuses] for excuses in excuses_together(excuses_of(text))]
        if not self.now.admitted:
            return super().hold(answer)
        told = self.told_of(text)
        worst = next((state for state in self.ORDER if state in told), "UNKNOWN")
        require(answer.code in (STATE_OF[worst], UNKNOWN), "exit %d, and the worst told is %s", answer.code, worst)
        self.compare(answer.code, text)
        return "UNKNOWN" if answer.code == UNKNOWN else "right"


class TextJudge(ExcusedJudge, scenarios.TextJudge):
    """Its runs are with -v: every rule's state is told."""

    def truth_of(self, answer):
        return self.states_of(self.text_of(answer))

    def told_of(self, text):
        return self.states_of(text).values()

    def compare_states(self, states):
        truths = [self.states, *self.now.admitted]
        for name, state in states.items():
            allowed = {truth.get(name) for truth in truths}
            require(state in allowed | {"UNKNOWN"}, "%s is %s, the truth is %s", name, state, allowed)
        missing = set(self.states) - set(states)
        require(not missing, "nothing is said of %s", sorted(missing))


def stack_of(reach):
    """A service reaches as far as its wider family, and is what that makes it."""
    extents = [("none", "loopback", "link", "external").index(reach[family]) for family in ("ipv4", "ipv6")]
    if extents[0] == extents[1]:
        return "closed" if extents[0] == 0 else "dual-stack"
    return "v4-only" if extents[0] > extents[1] else "v6-only"


def mixtures(truth, other):
    """The other, and what there is between: one family may be known and one not. The state is of either."""
    yield other
    for ipv4, ipv6 in ((truth, other), (other, truth)):
        reach = {"ipv4": ipv4["reach"]["ipv4"], "ipv6": ipv6["reach"]["ipv6"]}
        if None not in reach.values():
            for state in {truth["state"], other["state"]}:
                yield {**other, "state": state, "reach": reach, "stack": stack_of(reach)}


class JsonJudge(ExcusedJudge, scenarios.JsonJudge):
    """How far each service reaches, too: null for what is not known."""

    def truth_of(self, answer):
        services = self.services_of(json.loads(self.text_of(answer)))
        # They are asked by other rules, but judged by the same ones.
        return {key: {**entry, **{field: self.services[key][field] for field in self.FIELDS}}
                for key, entry in services.items()}

    def told_of(self, text):
        return [entry["state"] for entry in json.loads(text)["services"]]

    def compare_entry(self, key, entry, truth):
        wrong = self.difference(key, entry, truth)
        others = (one for admitted in self.now.admitted for one in mixtures(truth, admitted[key]))
        if wrong is not None and all(self.difference(key, entry, one) for one in others):
            raise wrong

    def difference(self, key, entry, truth):
        try:
            super().compare_entry(key, entry, truth)
            for family, extent in entry["reach"].items():
                require(extent in (truth["reach"][family], None) or entry["state"] == "UNKNOWN",
                        "%s reaches %s, the truth is %s", key, entry["reach"], truth["reach"])
        except Wrong as error:
            return error
        return None


class LearnJudge(scenarios.LearnJudge):
    """A policy that says what was not known names every service, and holds as far as that goes."""

    def judged(self, policy):
        excuses = excuses_of(policy)
        before = []
        if "the interfaces of this host" in policy:
            # The addresses are known, by files. Of the sockets only the first, of NETLINK_SOCK_DIAG, is to be had.
            before = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "inject=socket:error=EPERM:when=2+"]
        elif "as bound" in excuses:
            policy = re.sub(r" reach=\w+", "", policy)
            policy = re.sub(r"^[^#\n]+?(?=\s*(?:#.*)?$)", r"\g<0> as=bound", policy, flags=re.MULTILINE)
        if "procfs" not in excuses:
            return self.start(policy, [], before)
        # One protocol may have been read from there, and the other not.
        answers = [min((self.start(part, args, before) for args in ([], ["--source=procfs"])),
                       key=lambda answer: answer.code != OK) for part in self.parts(policy)]
        return max(answers, key=lambda answer: answer.code != OK)

    @staticmethod
    def start(policy, args, before):
        return scenarios.start(Scenario("learned", ["-f", "-", *args], OK, None, policy.encode()), *before)

    @staticmethod
    def parts(policy):
        """A policy for each protocol."""
        rules = re.findall(r"^[^#\n].*", policy, re.MULTILINE)
        for protocol in ("tcp", "udp"):
            part = [rule for rule in rules
                    if rule[0] != "d" and ("/udp" in rule.split()[0]) == (protocol == "udp")]
            yield "\n".join([*part, "default/%s closed severity=warning" % protocol])

    @staticmethod
    def subjects(policy):
        """Without scopes: what is not known may be of another."""
        return {subject.split("@")[0] for subject in scenarios.LearnJudge.subjects(policy)}


class CaptureJudge(scenarios.CaptureJudge):
    def learn(self, answer):
        self.known = set()
        args = ["--replay=-", "-v", *(word for name, rule in HOLDS.items() for word in ("-r", rule_text(name, rule)))]
        scenario = Scenario("captured OK", args, OK, TextJudge, answer.out)
        self.judges = [TextJudge(scenario, scenarios.start(scenario))]


def runs_on(host):
    breaks = [word for name, (rule, _) in BREAKS.items() for word in ("-r", rule_text(name, rule))]
    procfs = ["-r", "2004 v4-only name=link", "-r", "2007 dual-stack name=local", "-r", "2002 v4-only name=vip"]
    return [Scenario(name, args, code, judge, b"") for name, args, code, judge in (
        ("text OK, addresses", ["-v", "-f", host.policy], OK, TextJudge),
        ("text, addresses", ["-v", *breaks], CRITICAL, TextJudge),
        ("json OK, addresses", ["--format=json", "-f", host.policy], OK, JsonJudge),
        ("json, addresses", ["--format=json", *breaks], CRITICAL, JsonJudge),
        ("procfs, addresses", ["--source=procfs", "-v", *procfs], OK, TextJudge),
        ("copies, addresses", ["--procfs", host.copies, "-v", *procfs], OK, TextJudge),
        ("learn, addresses", ["--learn"], OK, LearnJudge),
        ("capture, addresses", ["--capture"], OK, CaptureJudge),
    )]


class AddressFaults(test_faults.Faults):
    @classmethod
    def setUpClass(cls):
        cls.host = Host()
        cls.addClassCleanup(cls.host.close)
        cls.runs = runs_on(cls.host)
        cls.folder = tempfile.mkdtemp(prefix="check_dualstack.faults.")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)

    def test_every_option_has_a_scenario(self):
        """Those of test_faults.py do; here the kernel must be asked for its routes."""
        asked = collections.Counter()
        for scenario in self.runs:
            calls = test_faults.Sites(scenario, os.path.join(self.folder, "trace")).all
            asked[any("NETLINK_ROUTE" in line or "RTM_GETROUTE" in line for _, _, line in calls)] += 1
        self.assertGreaterEqual(asked[True], 6)

    def test_what_holds_and_what_is_broken(self):
        """The premise, without a fault."""
        text = scenarios.start(self.runs[1]).out.decode()
        states = scenarios.TextJudge.states_of(text)
        self.assertEqual({name: states.get(name) for name in BREAKS},
                         {name: dualstack.STATE_NAMES[state] for name, (_, state) in BREAKS.items()}, text)

    def test_what_an_excuse_excuses(self):
        """An excuse for everything would hold nothing to account."""
        run = self.runs[0]
        states = {excuses: scenarios.TextJudge.states_of(scenarios.start(excused(run, excuses)).out.decode())
                  for excuses in excuses_together(REMARKS)}
        wrong = {tuple(sorted(excuses)): {name for name, state in found.items() if state in ("WARNING", "CRITICAL")}
                 for excuses, found in states.items()}
        bound = {"lone", "vip", "gone", "dns", "near"}
        self.assertEqual(wrong, {("as bound",): bound, ("procfs",): {"gone"}, ("as bound", "procfs"): bound})


if __name__ == "__main__":
    test_faults.main()
