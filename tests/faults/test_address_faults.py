# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Every system call of a run fails, as in test_faults.py, on a host whose addresses decide: an answer that forgot to
ask for them, or was refused, must not be a better or a worse one."""

import collections
import os
import shutil
import socket
import tempfile

import test_faults  # knows where dualstack is
import scenarios
import dualstack
from dualstack import CRITICAL, OK, WARNING
from scenarios import Scenario, require, rule_text

IPV6_FREEBIND = 78
# Absent, and yet a socket is bound to it.
VIP = "2001:db8::99"

# Each rule by its name: what holds, and what is broken as what. But for the last two none would be, and all would be
# broken, if the sockets alone decided.
HOLDS = {
    "lone": "2001 v4-only",
    "vip": "2002 v4-only",
    "gone": "2003 v6-only",
    "dns": "2005/udp v4-only",
    "idle": "2008 any",
    "link": "2004 v4-only",
    "local": "2007 dual-stack form=split",
}
BREAKS = {
    "lone": ("2001 dual-stack", CRITICAL),
    "vip": ("2002 v6 severity=warning", WARNING),
    "gone": ("2003 v4", CRITICAL),
    "dns": ("2005/udp dual-stack", CRITICAL),
    "idle": ("2008 v6 severity=warning", WARNING),
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
        dualstack.ip("link del ve8")
        self.folder = dualstack.temporary_folder()
        self.policy = os.path.join(self.folder, "policy.conf")
        with open(self.policy, "w", encoding="ascii") as file:
            file.write("".join(rule_text(*rule) + "\n" for rule in HOLDS.items()))
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


class JsonJudge(scenarios.JsonJudge):
    """How far each service reaches, too."""

    def compare_entry(self, key, entry, truth):
        super().compare_entry(key, entry, truth)
        require(entry["reach"] == truth["reach"] or entry["state"] == "UNKNOWN", "%s reaches %s, the truth is %s", key,
                entry["reach"], truth["reach"])


class CaptureJudge(scenarios.CaptureJudge):
    def learn(self, answer):
        self.known = set()
        args = ["--replay=-", "-v", *(word for name, rule in HOLDS.items() for word in ("-r", rule_text(name, rule)))]
        scenario = Scenario("captured OK", args, OK, scenarios.TextJudge, answer.out)
        self.judges = [scenarios.TextJudge(scenario, scenarios.start(scenario))]


def runs_on(host):
    breaks = [word for name, (rule, _) in BREAKS.items() for word in ("-r", rule_text(name, rule))]
    procfs = ["-r", "2004 v4-only name=link", "-r", "2007 dual-stack name=local", "-r", "2002 v4-only name=vip"]
    return [Scenario(name, args, code, judge, b"") for name, args, code, judge in (
        ("text OK, addresses", ["-v", "-f", host.policy], OK, scenarios.TextJudge),
        ("text, addresses", ["-v", *breaks], CRITICAL, scenarios.TextJudge),
        ("json OK, addresses", ["--format=json", "-f", host.policy], OK, JsonJudge),
        ("json, addresses", ["--format=json", *breaks], CRITICAL, JsonJudge),
        ("procfs, addresses", ["--source=procfs", "-v", *procfs], OK, scenarios.TextJudge),
        ("copies, addresses", ["--procfs", host.copies, "-v", *procfs], OK, scenarios.TextJudge),
        ("learn, addresses", ["--learn"], OK, scenarios.LearnJudge),
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


if __name__ == "__main__":
    test_faults.main()
