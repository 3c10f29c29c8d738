# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""How far services reach on random hosts: what the program says, against who gets in from the host itself, from its
neighbours and from behind a router."""

import collections
import os
import shutil
import unittest

import dualstack
import random_hosts
from dualstack import NOBODY
from random_hosts import FAMILIES, PROBES, REACHES, Contract, Oracle, RandomHost, scope_of

# The host of a seed is always the same: DUALSTACK_SEED=SEED DUALSTACK_SERVICES=1 is that one alone.
SEED = int(os.environ.get("DUALSTACK_SEED", "20261122"))
SERVICES = dualstack.share(int(os.environ.get("DUALSTACK_SERVICES", "400")))
PER_HOST = 25
SHOWN = 12  # wrong answers that are reported in full
COPIES = ("tcp", "tcp6", "udp", "udp6", "if_inet6", "fib_trie", "ipv6_route")


def stack_of(reach):
    """The stack and lopsidedness of a service, from how far each family reaches."""
    ipv4, ipv6 = (REACHES.index(reach[family]) for family in FAMILIES)
    if ipv4 == ipv6:
        return ("dual-stack" if ipv4 else "closed"), False
    return ("v4-only" if ipv4 > ipv6 else "v6-only"), ipv4 > 0 and ipv6 > 0


def words(reach):
    """As JSON has it."""
    return {"ipv4": reach[4], "ipv6": reach[6]}


class Host:
    """A random host, what the oracle finds of it, and what the program says in each of its ways."""

    def __init__(self, seed):
        self.seed = seed
        self.host = RandomHost(seed, PER_HOST)
        try:
            oracle = Oracle(self.host)
            self.reaches = oracle.reaches()
            self.attempts, self.silent, self.strange = oracle.attempts, oracle.silent, oracle.strange
            self.contract = Contract(self.host)
            self.open = {service for service, opened in self.host.services.items()
                         if self.contract.leaves_open(service[0], opened)}
            self.addresses = {family: self.reaches["tcp", port][family] for family, port in PROBES.items()}
            self.sockets = sum(map(len, self.host.services.values()))
            self.listeners = {service: [(text, options) for text, options, _ in opened]
                              for service, opened in self.host.services.items()}
            self.reports = self._reports()
        finally:
            self.host.close()

    def __str__(self):
        return "DUALSTACK_SEED=%d: %s" % (self.seed, self.host)

    def _reports(self):
        """{way to ask: report}"""
        folder = dualstack.temporary_folder()
        reports = {}
        with self.host.inside():
            for uid in dualstack.users():
                name = "uid %s" % (os.getuid() if uid is None else uid)
                reports[name] = dualstack.run("--format=json", uid=uid).json
                reports[name + ", judged"] = dualstack.run("--format=json", "-r", "default dual-stack", uid=uid).json
                capture = dualstack.run("--capture", uid=uid).bytes
                reports[name + ", replayed"] = dualstack.run("--format=json", "--replay=-", stdin=capture).json
            for name in COPIES:
                shutil.copyfile("/proc/net/" + name, os.path.join(folder, name))
            reports["copies"] = dualstack.run("--format=json", "--procfs", folder, uid=NOBODY if NOBODY in
                                              dualstack.users() else None).json
        reports["--netns"] = dualstack.run("--format=json", "--netns", self.host.inside().path()).json
        return reports

    def wrong(self, way):
        """What the report says otherwise than the oracle: the member, and the whole story."""
        report = self.reports[way]
        if report.get("addresses") != words(self.addresses):
            yield "addresses", "addresses are %s, the oracle finds %s" % (report.get("addresses"),
                                                                         words(self.addresses))
        entries = {(entry["protocol"], entry["port"]): entry for entry in report["services"]}
        for service in sorted(set(entries) - set(self.reaches)):
            yield "services", "%s: nobody opened it" % (service,)
        for service, reach in self.reaches.items():
            if service in self.open:
                continue
            sockets = "on %s" % ", ".join(text + ("%" + options["device"] if "device" in options else "") + (
                " v6only" if options.get("v6only") else "") for text, options in self.listeners[service])
            if service not in entries:
                yield "services", "%s %s is not listed" % (service, sockets)
                continue
            for member, found, right in self._differences(service, reach, entries[service]):
                if found not in right:
                    yield member, "%s %s: %s is %s, the oracle finds %s" % (
                        service, sockets, member, found, " or ".join(map(str, right)))

    def _differences(self, service, reach, entry):
        """Member, what it is and what it may be."""
        stack, lopsided = stack_of(reach)
        yield "reach", entry.get("reach"), [words(reach)]
        yield "stack", entry["stack"], [stack]
        yield "lopsided", entry["lopsided"], [lopsided]
        yield "form", entry["form"], self._forms(service) if stack == "dual-stack" else [None]
        if len(self.listeners[service]) == 1 and len(entry["listeners"]) == 1:
            (text, options), = self.listeners[service]
            listener, = entry["listeners"]
            yield "listeners.reach", listener.get("reach"), [words(reach)]
            host = text.partition("%")[0].replace("::ffff:", "")
            if host not in random_hosts.BROADCASTS:
                scope = "loopback" if options.get("device") == "lo" else scope_of(text)
                yield "listeners.scope", listener["scope"], [scope]
            yield "listeners.accepts", listener["accepts"], [
                ["ipv%d" % family for family in self.contract.accepts(text.partition("%")[0], options)]]
        if entry["required"]:
            yield "state", entry["state"], ["OK" if stack == "dual-stack" else "CRITICAL"]

    def _forms(self, service):
        """One, or two where it is left open which sockets count: all, or those that are reached."""
        forms = set()
        reached = [(text, options) for text, options in self.listeners[service]
                   if any(self.contract.reach(service[0], text, options, family) != "none" for family in FAMILIES)]
        for listeners in (self.listeners[service], reached):
            accepts = [self.contract.accepts(text.partition("%")[0], options) for text, options in listeners]
            native = any(":" not in text for text, _ in listeners)
            mapped = any(text.startswith("::ffff:") for text, _ in listeners)
            if (4, 6) in accepts:
                forms.add("mixed" if native else "single")
            else:
                forms.add("split")
                # An AF_INET6 socket takes IPv4, beside an AF_INET one.
                forms |= {"mixed"} if native and mapped else set()
        return sorted(forms)


class RandomHosts(unittest.TestCase):
    maxDiff = None
    hosts = []

    @classmethod
    def setUpClass(cls):
        dualstack.open_file_limit(8192)
        print("\nseed %d (DUALSTACK_SEED sets another), %d services (DUALSTACK_SERVICES)" % (SEED, SERVICES),
              flush=True)
        cls.hosts = [Host(SEED + number) for number in range((SERVICES + PER_HOST - 1) // PER_HOST)]
        cls.kinds = collections.Counter(stack_of(reach) for host in cls.hosts
                                        for service, reach in host.reaches.items() if service not in host.open)
        print("%d hosts, %d services of %d sockets, %d attempts to reach them, %d without any answer: %s; "
              "%d left open" % (
                  len(cls.hosts), sum(cls.kinds.values()), sum(host.sockets for host in cls.hosts),
                  sum(host.attempts for host in cls.hosts), sum(host.silent for host in cls.hosts),
                  ", ".join("%d %s%s" % (count, stack, " (lopsided)" if lopsided else "")
                            for (stack, lopsided), count in cls.kinds.most_common()),
                  sum(len(host.open) for host in cls.hosts)), flush=True)

    def test_the_draw_shows_every_kind(self):
        if SERVICES < 300:
            self.skipTest("so few services need not show every kind")
        for kind in (("v4-only", False), ("v6-only", False), ("dual-stack", False), ("closed", False),
                     ("v4-only", True), ("v6-only", True)):
            self.assertGreaterEqual(self.kinds[kind], 3, kind)
        self.assertEqual({host.addresses[family] for host in self.hosts for family in FAMILIES}, set(REACHES))

    def test_the_oracle_finds_what_the_contract_says(self):
        """No program is asked. What gets in from a neighbour alone, at an address that routers forward, would be a way
        that the oracle's own network does not know."""
        wrong = []
        for host in self.hosts:
            wrong += ["%s: %s" % (host, strange) for strange in host.strange]
            for service, opened in host.host.services.items():
                said = host.contract.service(service[0], opened)
                if service not in host.open and said != host.reaches[service]:
                    wrong.append("%s\n    %s %s: the contract says %s, the oracle finds %s" % (
                        host, service, host.listeners[service], said, host.reaches[service]))
        if wrong:
            self.fail("%d wrong:\n%s" % (len(wrong), "\n".join(wrong[:SHOWN])))

    def compare(self, way, only=None):
        wrong = collections.Counter()
        told = []
        services = set()
        for host in self.hosts:
            if way not in host.reports:
                self.skipTest("nobody is asked as %s here" % way)
            for member, text in host.wrong(way):
                if only is None or member in only:
                    wrong[member] += 1
                    services.update([(host.seed, text.split(")")[0])] if text.startswith("(") else [])
                    told.append("%s\n    %s" % (host, text))
        # Of each member some.
        told.sort(key=lambda text: ("stack is" not in text, "form is" not in text))
        if wrong:
            self.fail("%s: of %d services and %d hosts %d are wrong in something (%s). Some of it:\n%s" % (
                way, sum(self.kinds.values()), len(self.hosts), len(services),
                ", ".join("%s %d" % one for one in sorted(wrong.items())), "\n".join(told[:SHOWN])))

    def test_live(self):
        self.compare("uid %d" % os.getuid())
        self.compare("uid %d, judged" % os.getuid())

    def test_live_without_privilege(self):
        self.compare("uid %d" % NOBODY)
        self.compare("uid %d, judged" % NOBODY)

    def test_another_namespace(self):
        self.compare("--netns")

    def test_replay(self):
        self.compare("uid %d, replayed" % os.getuid())

    def test_replay_without_privilege(self):
        self.compare("uid %d, replayed" % NOBODY)

    def test_addresses_from_copies(self):
        """if_inet6 and fib_trie tell the same, but for AnyIP prefixes of IPv6, which are in no list of addresses."""
        wrong = []
        for host in self.hosts:
            told = host.reports["copies"].get("addresses") or {}
            for family, member in ((4, "ipv4"), (6, "ipv6")):
                anyip = family == 6 and any(text in random_hosts.ANYIP for _, text, _, _ in host.contract.table)
                if told.get(member) != host.addresses[family] and not anyip:
                    wrong.append("%s: %s is %s, the oracle finds %s" % (host, member, told.get(member),
                                                                      host.addresses[family]))
        if wrong:
            self.fail("%d wrong:\n%s" % (len(wrong), "\n".join(wrong[:SHOWN])))


if __name__ == "__main__":
    dualstack.main()
