# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What "to fix:" says, done: each kind of remedy is read as a user reads it, applied to real sockets, to the host or
to the policy, each alternative on its own, and the check must then be OK. What real daemons make of their directives
is for tests/servers."""

import contextlib
import itertools
import os
import re
import socket
import sys
import unittest

import dualstack
from dualstack import OK, Oracle, ip

sys.path.insert(0, os.path.join(dualstack.TOP_SRCDIR, "tests", "faults"))
import scenarios  # noqa: E402

PORT = 4443
UNIT, OTHER_UNIT = ("check_dualstack-%s-%s.service" % (dualstack.run_name(), name) for name in "ab")
USER, UID = "nobody", dualstack.NOBODY
EXTERNAL = {4: "192.0.2.1", 6: "2001:db8::1"}
LINK_LOCAL = {4: "169.254.7.1", 6: "fe80::7:1%ve0"}
# Inside of the prefixes that rules here name in bind=, which the host's first addresses are not.
INSIDE = {4: "192.0.2.3", 6: "2001:db8::3"}
# What the host gets where it lacks one.
ADDED = {4: "192.0.2.9", 6: "2001:db8::9"}
ADDED_LINK_LOCAL = {4: "169.254.7.9", 6: "fe80::7:9"}

# An interface, which comes with its other end.
VETH = ["link add vif0 type veth peer name vif1", "link set vif0 up", "link set vif1 up"]


def has_units():
    """Whether cgroups can be made here that are called as units are."""
    with contextlib.closing(scenarios.Cgroup(UNIT)) as cgroup:
        return cgroup.path is not None


class Spec:
    """A socket that there is to be."""

    def __init__(self, address, *, v6only=None, device=None, unit=None, uid=None, freebind=False, protocol="tcp"):
        self.address, self.v6only, self.device, self.protocol = address, v6only, device, protocol
        self.unit, self.uid, self.freebind = unit, uid, freebind

    def endpoint(self):
        """As the program writes it; of an interface that is gone the number is not known here."""
        host, _, zone = self.address.partition("%")
        zone = self.device or zone
        return ("[%s%s]:%d" if ":" in host else "%s%s:%d") % (host, "%" + zone if zone else "", PORT)


class Host(contextlib.ExitStack):
    """A host with a neighbour (one of its own, if it is not given), its sockets, and a rule."""

    def __init__(self, rule, specs, network=None, *, before=(), after=(), options=(), clients=()):
        super().__init__()
        self.network = network or self.enter_context(contextlib.closing(dualstack.Network()))
        self.enter_context(self.network.host)
        self.cgroups = {}
        self.cgroups_kept = self.enter_context(contextlib.ExitStack())  # to be left after the sockets
        self.rule, self.specs, self.options = rule, list(specs), list(options)
        self.sockets = None
        self.added = {}
        for command in before:
            self.run_command(command)
        self.open()
        self.clients = [self.sockets.client(address, PORT) for address in clients]
        for command in after:
            self.run_command(command)

    @staticmethod
    def run_command(command):
        if command.startswith("sysctl "):
            dualstack.sysctl(*command.split()[1].split("="))
        elif command.startswith("addr add "):
            address, prefix, device = re.fullmatch(r"addr add (\S+)/(\d+) dev (\S+)", command).groups()
            dualstack.address_add(address, int(prefix), device)
        else:
            ip(command)

    def open(self):
        """Opens all sockets anew, as a restart does."""
        if self.sockets:
            self.sockets.close()
        self.sockets = self.enter_context(dualstack.Sockets())
        for spec in self.specs:
            if spec.unit:
                self.open_in_unit(spec)
                continue
            with self.user(spec.uid):
                self.sockets.keep(self.listener(spec))

    def listener(self, spec):
        if not spec.freebind:
            return dualstack.Sockets().listener(spec.address, PORT, v6only=spec.v6only, device=spec.device,
                                                protocol=spec.protocol, reuseport=True)
        sock = socket.socket(socket.AF_INET6 if ":" in spec.address else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND
        if spec.device:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, spec.device.encode())
        sock.bind((spec.address, PORT))
        sock.listen()
        return sock

    @contextlib.contextmanager
    def user(self, uid):
        if uid is not None:
            os.seteuid(uid)
        try:
            yield
        finally:
            os.seteuid(0)

    def open_in_unit(self, spec):
        """In a process of its own, on 0.0.0.0."""
        if spec.unit not in self.cgroups:
            self.cgroups[spec.unit] = self.cgroups_kept.enter_context(
                contextlib.closing(scenarios.Cgroup(spec.unit)))
        assert spec.address == "0.0.0.0"
        member = scenarios.Member(self.cgroups[spec.unit], ("udp:" if spec.protocol == "udp" else "") + str(PORT))
        self.sockets.enter_context(contextlib.closing(member))

    def check(self, *args):
        return dualstack.run("-r", self.rule, *self.options, *args)

    # What a reader does

    def set_option(self, option):
        """In the rule, in the place of the same option."""
        key = option.partition("=")[0]
        words = [word for word in self.rule.split() if not word.startswith(key + "=")]
        self.rule = " ".join([*words, option])

    def drop(self, *endpoints):
        """The sockets that the program named, or all that nothing else names."""
        gone = [spec for spec in self.specs if spec.endpoint() in endpoints]
        if len(gone) != len(endpoints):
            raise AssertionError("%s: there are %s" % (endpoints, [spec.endpoint() for spec in self.specs]))
        self.specs = [spec for spec in self.specs if spec not in gone]
        return gone

    def find(self, endpoint):
        [spec] = [spec for spec in self.specs if spec.endpoint() == endpoint]
        return spec

    def place(self, text, v6only):
        """The socket that "[::]:443" or "an external IPv6 address of this host" asks for."""
        match = re.fullmatch(r"(?:\[([^]]+)\]|([^:\s]+)):%d" % PORT, text)
        if match:
            address, _, device = (match[1] or match[2]).partition("%")
            return Spec(address, device=device or None, v6only=v6only if address == "::" else None)
        if text == "it":
            [address] = self.added.values()
            return Spec(address)
        family = int(re.search(r"IPv([46])", text)[1])
        for pattern, addresses in ((r"an external IPv. address of this host", EXTERNAL),
                                   (r"a link-local IPv. address", LINK_LOCAL),
                                   (r"an IPv. address inside bind=\S*", INSIDE)):
            if re.fullmatch(pattern, text):
                return Spec(addresses[family])
        raise AssertionError("no way to listen on %r" % text)


# A remedy's sentences: how each kind reads, and what one does then.

PLACE = r"(?:\S+:%d|an external IPv[46] address of this host|a link-local IPv[46] address|" \
        r"an IPv[46] address inside bind=\S*|it\b)" % PORT
ENDPOINT = r"\S+:%d" % PORT
OWNER = r"(?:the program of (?:user \S+ \(uid \d+\)|uid \d+)|[\w.@-]+\.(?:service|socket|scope))"


def listed(pattern):
    return r"{0}(?:(?:, | and ){0})*".format(pattern)


def items(text):
    return re.split(r", | and ", text)


def start(host, unit, where=None):
    address = {None: "0.0.0.0", " on a loopback address": "127.0.0.1", " on a link-local address": LINK_LOCAL[4],
               " on an external address": EXTERNAL[4]}[where]
    host.specs.append(Spec(address, unit=None if unit == "the service" else unit))


def stop(host, owners):
    names = items(owners)
    others = [name for name in names if name.startswith("the program")]
    host.specs = [spec for spec in host.specs if not (spec.unit in names or (others and spec.unit is None))]


def change_unit(host, unit, endpoint, owner):
    for spec in host.drop(endpoint):
        host.specs.append(Spec(spec.address, unit=unit))


def change_user(host, user):
    for spec in host.specs:
        spec.uid = {USER: UID}[user]


def listen(host, new, v6only=None):
    dual = {None: None, ", with IPV6_V6ONLY on": True, ", with IPV6_V6ONLY off": False}[v6only]
    host.specs += [host.place(text, dual) for text in items(new)]


def listen_instead(host, new, old, v6only=None):
    host.drop(*items(old))
    listen(host, new, v6only)


def set_v6only(value):
    def change(host, endpoint):
        host.find(endpoint).v6only = value
    return change


def add_address(host, link_local, family, interface="ve0"):
    address = (ADDED_LINK_LOCAL if link_local else ADDED)[int(family)]
    host.added[family] = address + ("%" + interface if link_local and family == "6" else "")
    host.run_command("addr add %s/%d dev %s" % (address, 24 if family == "4" else 64, interface))


def leave_interface(host, endpoint):
    """Of one that is gone the program has the number alone."""
    endpoint = re.sub(r"%#\d+", "%vif0", endpoint)
    host.find(endpoint).device = None


def leave_address(host, new, endpoint):
    host.drop(endpoint)
    listen(host, new)


def restart(host, owner):
    for command in VETH:
        ip(command)


def enable_interface_ipv6(host, interface):
    dualstack.sysctl("net.ipv6.conf.%s.disable_ipv6" % interface, 0)
    host.run_command("addr add 2001:db8::3/64 dev " + interface)


def fewer_clients(host):
    for client in host.clients:
        client.close()
    host.clients = []


def more_clients(host):
    """Somebody found the reason, and they are back."""
    host.clients += [host.sockets.client("127.0.0.1", PORT) for _ in range(3)]


def use_netlink(host):
    host.options.remove("--source=procfs")


def allow(host):
    """The rule no longer demands what is not so."""
    words = [word for word in host.rule.split() if not re.match(r"(bind|reach|unit|user|mapped-\w+|ipv4-\w+)=", word)]
    host.rule = " ".join("any" if word == "closed" else word for word in words)


def widen_bind(host, addition, family):
    host.rule = re.sub(r"(bind=\S+)", r"\1," + (INSIDE[int(family)] if family else addition), host.rule)


def option_setter(option):
    return lambda host, *_: host.set_option(option)


# By the names that lib/render/remedy.h has for them.
KINDS = {
    "START": (r"start (?P<unit>the service|[\w.@-]+\.service)"
              r"(?P<where> on a loopback address| on a link-local address| on an external address)?", start),
    "STOP": (r"stop (?P<owners>%s)" % listed(OWNER), stop),
    "CHANGE_UNIT": (r"let (?P<unit>%s) listen on (?P<endpoint>%s) in place of (?P<owner>%s)"
                    % (OWNER, ENDPOINT, OWNER), change_unit),
    "CHANGE_USER": (r"run %s as user (?P<user>\S+)" % OWNER, change_user),
    "LISTEN": (r"listen on (?P<new>%s) too(?P<v6only>, with IPV6_V6ONLY on)?" % listed(PLACE), listen),
    "LISTEN_INSTEAD": (r"listen on (?P<new>%s) in place of (?P<old>%s)(?P<v6only>, with IPV6_V6ONLY (?:on|off))?"
                       % (listed(PLACE), listed(ENDPOINT)), listen_instead),
    "STOP_LISTENING": (r"stop listening on (?P<old>%s)" % listed(ENDPOINT),
                       lambda host, old: host.drop(*items(old))),
    "SET_V6ONLY": (r"set IPV6_V6ONLY on (?P<endpoint>%s)" % ENDPOINT, set_v6only(True)),
    "CLEAR_V6ONLY": (r"turn IPV6_V6ONLY off on (?P<endpoint>%s)" % ENDPOINT, set_v6only(False)),
    "ENABLE_IPV6": (r"set (?P<command>sysctl net\.ipv6\.conf\.all\.disable_ipv6=0)",
                    lambda host, command: host.run_command(command)),
    "ADD_HOST_ADDRESS": (r"add an? (?P<link_local>link-local )?IPv(?P<family>[46]) address"
                         r"(?: beyond \S+)? to this host", add_address),
    "ADD_LO_ADDRESS": (r"add (?P<address>\S+) to lo \(without it bind\(\) fails there\)",
                       lambda host, address: host.run_command(
                           "addr add %s/%d dev lo" % (address, 128 if ":" in address else 8))),
    "ADD_ADDRESS": (r"add (?P<address>[0-9a-f.:]+) to (?P<home>this host|\S+)",
                    lambda host, address, home: host.run_command(
                        "addr add %s/%d dev %s" % (address, 64 if ":" in address else 24,
                                                   "ve0" if home == "this host" else home))),
    "LEAVE_ADDRESS": (r"listen on (?P<new>%s) in place of (?P<endpoint>%s)" % (PLACE, ENDPOINT), leave_address),
    "RESTART": (r"restart (?P<owner>%s) when the interface is back" % OWNER, restart),
    "LEAVE_INTERFACE": (r"do not bind (?P<endpoint>%s) to an interface" % ENDPOINT, leave_interface),
    "BRING_UP_INTERFACE": (r"bring (?P<interface>\S+) up",
                           lambda host, interface: ip("link set %s up" % interface)),
    "ADD_INTERFACE_ADDRESS": (r"add an? (?P<link_local>link-local )?IPv(?P<family>[46]) address(?: beyond \S+)? "
                              r"to (?P<interface>vif\d)", add_address),
    "ENABLE_INTERFACE_IPV6": (r"enable IPv6 on (?P<interface>\S+) \(sysctl net\.ipv6\.conf\.(?P=interface)\."
                              r"disable_ipv6=0 and an MTU of at least 1280\)", enable_interface_ipv6),
    "FEWER_CLIENTS": (r"move clients to IPv6 \(--list shows who comes over IPv4\)", fewer_clients),
    "MORE_CLIENTS": (r"find out why there (?:is no|is only \d+|are only \d+) (?:IPv4|v4-mapped) connections?",
                     more_clients),
    "USE_NETLINK": (r"let the check ask the kernel by netlink, on the host itself", use_netlink),
    "WIDEN_BIND": (r"add (?P<addition>loopback|link|an IPv(?P<family>[46]) prefix) to bind= in the policy", widen_bind),
    "USE_SPLIT": (r"use form=split in the policy \(only a wildcard takes both families\)", option_setter("form=split")),
    "ALLOW": (r"allow it in the policy", allow),
    "ALLOW_MISSING": (r"use missing=ok in the policy", option_setter("missing=ok")),
    "EXCEPT_UNIT": (r"add (?P<option>except-unit=\S+) to the rule if it is a client's socket",
                    lambda host, option: host.set_option(option)),
    "USE_BOUND": (r"use as=bound in the policy if another host has (?:it|them) now", option_setter("as=bound")),
}
PATTERNS = {kind: re.compile(pattern) for kind, (pattern, _) in KINDS.items()}


def kinds_of_the_program():
    """Those of enum remedy_kind."""
    with open(os.path.join(dualstack.TOP_SRCDIR, "lib", "render", "remedy.h"), encoding="utf-8") as file:
        body = re.search(r"enum remedy_kind \{(.*?)\};", file.read(), re.DOTALL)[1]
    return re.findall(r"\bREMEDY_(\w+)", body)


def steps_of(alternative):
    """[(kind, values of its sentence)]: the whole text is read, or it is an error."""
    steps, rest = [], alternative
    while rest:
        found = [(match.end(), kind, match) for kind, pattern in PATTERNS.items()
                 for match in [pattern.match(rest)] if match]
        if not found:
            raise AssertionError("cannot read %r of %r" % (rest, alternative))
        # Two kinds share their words: an address of the host in place of one that it lacks is LEAVE_ADDRESS.
        end = max(found)[0]
        kinds = [(kind, match) for length, kind, match in found if length == end]
        steps.append(kinds)
        rest = rest[end:]
        if rest and not rest.startswith(" and "):
            raise AssertionError("cannot read %r of %r" % (rest, alternative))
        rest = rest[len(" and "):]
    return steps


def alternatives_of(line):
    """Each a list of steps. How systemd or a sysctl sets IPV6_V6ONLY is not tried here."""
    text = re.sub(r" \(systemd socket: [^)]*\)", "", line.partition("to fix: ")[2])
    return [steps_of(alternative) for alternative in text.split(", or ")]


V4, V6ONLY, DUAL = Spec("0.0.0.0"), Spec("::", v6only=True), Spec("::", v6only=False)


def again(*specs):
    """Copies, as following a remedy changes them."""
    return [Spec(**{**vars(spec)}) for spec in specs]


# rule, sockets, and what else the host is like.
CASES = [
    ("{0} any", [], {}),
    ("{0} any unit=%s" % UNIT, [], {}),
    ("{0}@loopback any", [Spec("192.0.2.1")], {}),
    ("{0}@link any", [Spec("192.0.2.1")], {}),
    ("{0}@external any", [Spec("127.0.0.1")], {}),
    ("{0} closed", [V4], {}),
    ("{0} closed", [Spec("0.0.0.0", unit=UNIT)], {}),
    ("{0} closed", [Spec("127.0.0.1"), Spec("::1", uid=UID)], {}),
    ("4000-5000/udp closed", [Spec("0.0.0.0", unit=UNIT, protocol="udp")], {}),
    ("{0} any unit=%s" % UNIT, [Spec("0.0.0.0", unit=OTHER_UNIT)], {}),
    ("{0} any user=%s" % USER, [Spec("0.0.0.0")], {}),
    # What the host has.
    ("{0} dual-stack", [DUAL], {"before": ["sysctl net.ipv6.conf.all.disable_ipv6=1"]}),
    ("{0} dual-stack", [V4], {"before": ["sysctl net.ipv6.conf.all.disable_ipv6=1"]}),
    ("{0} dual-stack", [DUAL], {"before": ["-6 addr flush dev ve0 scope global"]}),
    ("{0} dual-stack", [V4], {"before": ["-6 addr flush dev ve0"]}),
    ("{0} dual-stack", [V6ONLY], {"before": ["-4 addr flush dev ve0"]}),
    ("{0} dual-stack", [DUAL], {"before": ["-4 addr flush dev ve0", "-6 addr flush dev ve0",
                                           "addr add 169.254.7.1/16 dev ve0"]}),
    ("{0} dual-stack", [Spec("127.0.0.1")], {"before": ["-6 addr flush dev lo"]}),
    ("{0} dual-stack bind=loopback", [DUAL], {"before": ["-6 addr flush dev lo"]}),
    # What sockets are bound to.
    ("{0} dual-stack", [V4, Spec("2001:db8::99", freebind=True)], {}),
    ("{0} dual-stack", [Spec("192.0.2.99", freebind=True), Spec("2001:db8::99", freebind=True)], {}),
    ("{0} dual-stack bind=192.0.2.0/24,2001:db8::/32", [Spec("192.0.2.1"), Spec("2001:db8::99", freebind=True)], {}),
    ("{0} v4", [Spec("192.0.2.99", freebind=True, device="lo")], {}),
    ("{0} dual-stack bind=10.0.0.0/8 reach=loopback", [Spec("127.0.0.1")], {}),
    ("{0} dual-stack", [V4, Spec("::", device="vif0", v6only=True)],
     {"before": VETH, "after": ["link del vif0"]}),
    ("{0} dual-stack", [V4, Spec("::", device="vif0", v6only=True)],
     {"before": VETH, "after": ["link set vif0 down"]}),
    ("{0} dual-stack", [V4, Spec("::", device="ve0", v6only=True)],
     {"before": ["sysctl net.ipv6.conf.ve0.disable_ipv6=1"]}),
    ("{0} dual-stack", [Spec("127.0.0.1", device="ve0"), Spec("::1")], {}),
    ("{0} dual-stack", [V4, Spec("::", device="vif0", v6only=True)],
     {"before": ["-4 addr flush dev ve0", "addr add 169.254.7.1/16 dev ve0", "-6 addr flush dev ve0 scope global",
                 VETH[0], "link set vif0 addrgenmode none", *VETH[1:]]}),
    ("{0} dual-stack bind=127.0.0.0/8", [Spec("127.0.0.1")], {}),
    ("{0} v6-only", [DUAL], {}),
    ("{0} v6-only", [V4, V6ONLY], {}),
    ("{0} dual-stack", [V6ONLY], {}),
    ("{0} dual-stack form=single", [V4, V6ONLY], {}),
    ("{0} dual-stack form=single", [Spec("127.0.0.1"), Spec("::1")], {}),
    ("{0} dual-stack bind=192.0.2.0/24", [Spec("192.0.2.1")], {}),
    # Connections.
    ("{0} any mapped-critical=0", [DUAL], {"clients": ["127.0.0.1", "127.0.0.1"]}),
    ("{0} any ipv4-critical=0", [V4], {"clients": ["127.0.0.1"]}),
    ("{0} any mapped-critical=1:", [DUAL], {}),
    ("{0} any ipv4-critical=3:", [V4], {"clients": ["127.0.0.1"]}),
    ("{0} any ipv4-critical=@1:5", [V4], {"clients": ["127.0.0.1"]}),
    ("{0} any ipv4-critical=@0:2", [V4], {"clients": ["127.0.0.1"]}),
    # What is not known.
    ("{0} v6-only", [V6ONLY], {"options": ["--source=procfs"]}),
]

# Every rule of these on every one of these sets of sockets.
RULES = [
    *("{0} " + words for words in ("v4-only", "v6-only", "dual-stack", "v4", "v6")),
    *("{0} dual-stack form=" + form for form in ("split", "single")),
    *("{0} %s bind=%s" % (requirement, places) for requirement in ("any", "v4-only", "v6", "dual-stack")
      for places in ("loopback", "link", "%ve0", "192.0.2.3,2001:db8::3", "192.0.2.3", "0.0.0.0/0", "::/0,192.0.2.3",
                     "loopback,192.0.2.3")),
    "{0} dual-stack form=single bind=loopback", "{0} dual-stack form=split bind=loopback",
    *("{0} " + words for words in (
        "any reach=loopback", "v4-only reach=loopback", "dual-stack reach=link", "dual-stack reach=loopback",
        "any reach=loopback bind=192.0.2.3", "any reach=none", "any reach=none missing=ok",
        "dual-stack form=split reach=loopback as=bound")),
    "{0} v6-only as=bound", "{0} dual-stack as=bound",
]
SETS = [
    [V4], [V6ONLY], [DUAL], [V4, V6ONLY], [V4, DUAL], [Spec("127.0.0.1")], [Spec("::1")],
    [Spec("127.0.0.1"), Spec("::1")], [Spec("192.0.2.1")], [Spec("2001:db8::1")],
    [Spec("192.0.2.1"), Spec("2001:db8::1")], [V4, Spec("::1")], [Spec("127.0.0.1"), V6ONLY],
    [Spec("169.254.7.1")], [Spec("fe80::7:1%ve0")], [Spec("::ffff:192.0.2.1"), Spec("2001:db8::1")],
    [Spec("::ffff:127.0.0.1")], [Spec("0.0.0.0", device="ve0")], [Spec("::", device="ve0", v6only=False)],
    [Spec("0.0.0.0", device="lo"), V6ONLY], [Spec("192.0.2.3"), Spec("192.0.2.1")],
]


class Remedies(unittest.TestCase):
    """Follows them all."""

    maxDiff = None

    def setUp(self):
        self.followed = set()

    def remedies(self, host):
        """The alternatives of each "to fix:", [] where the rule is kept."""
        result = host.check("-v")
        lines = [line for line in result.lines if "to fix: " in line]
        if result.code == OK:
            self.assertEqual(lines, [])
        else:
            self.assertTrue(lines, "no remedy\n%s" % result)
        return result, [alternatives_of(line) for line in lines]

    def follow(self, host, steps):
        """Does what they say, then opens all sockets anew, if the steps are not about clients or the check."""
        kinds = [[kind for kind, _ in readings] for readings in steps]
        absent = [spec.endpoint() for spec in host.specs if spec.freebind]
        for readings in steps:
            kind, match = readings[0]
            if len(readings) > 1:
                wanted = "LEAVE_ADDRESS" if match.groupdict().get("endpoint", match.groupdict().get("old")) in absent \
                    else "LISTEN_INSTEAD"
                [(kind, match)] = [reading for reading in readings if reading[0] == wanted]
            self.followed.add(kind)
            KINDS[kind][1](host, **match.groupdict())
        if not {"FEWER_CLIENTS", "MORE_CLIENTS", "USE_NETLINK"} & set(itertools.chain(*kinds)) \
                and not host.clients:
            host.open()

    def follow_each(self, rule, specs, network=None, **surroundings):
        """Each alternative on its own, with the first ones of the other lines. On the network of others nothing may be
        reached from farther away than before."""
        with Host(rule, again(*specs), network, **surroundings) as host:
            result, lines = self.remedies(host)
            # Where bind= allows nothing as narrow, the rule itself asks for more.
            is_bound = re.search(r"bind=(?!\S*loopback)", rule)
            before = self.widest(host) if network and lines and not is_bound else None
        choices = [tuple(0 for _ in lines)] if lines else []
        for number, alternatives in enumerate(lines):
            choices += [tuple(other if at == number else 0 for at in range(len(lines)))
                        for other in range(1, len(alternatives))]
        for choice in choices:
            with self.subTest(rule=rule, result=str(result), choice=choice), \
                    Host(rule, again(*specs), network, **surroundings) as host:
                _, lines = self.remedies(host)
                for alternatives, which in zip(lines, choice):
                    self.follow(host, alternatives[which])
                after = host.check("-v")
                self.assertEqual(after.code, OK, "%s: %s" % (host.rule, after))
                if before is not None:
                    self.assertLessEqual(self.widest(host), before, "reached from farther away than before")
        return len(choices)

    @staticmethod
    def widest(host):
        """From how far a client gets in over either family."""
        extents = [None, *reversed(Oracle.REACHES)]
        return max(extents.index(reach) for reach in Oracle(host.network).reaches(PORT))

    def test_each_kind(self):
        untried = set()
        if not has_units():
            untried |= {"CHANGE_UNIT", "EXCEPT_UNIT"}
        if dualstack.NOBODY not in dualstack.users():
            untried |= {"CHANGE_USER"}
        for rule, specs, surroundings in CASES:
            if ("CHANGE_UNIT" in untried and ("unit=" in rule or any(spec.unit for spec in specs))) \
                    or ("CHANGE_USER" in untried and ("user=" in rule or any(spec.uid for spec in specs))):
                continue
            with self.subTest(rule=rule, specs=[spec.endpoint() for spec in specs], **surroundings):
                self.assertGreater(self.follow_each(rule.format(PORT), specs, **surroundings), 0, "the rule is kept")
        self.assertEqual(self.followed | untried, set(kinds_of_the_program()))

    def test_each_rule_on_all_sorts_of_sockets(self):
        followed = 0
        pairs = list(itertools.product(RULES, SETS))
        with contextlib.closing(dualstack.Network()) as network:
            for rule, specs in pairs[::len(pairs) // dualstack.share(len(pairs))]:
                with self.subTest(rule=rule, specs=[spec.endpoint() for spec in specs]):
                    followed += self.follow_each(rule.format(PORT), specs, network)
        self.assertGreater(followed, dualstack.share(len(pairs)) // 4)

    def test_the_kinds_are_the_programs(self):
        self.assertEqual(sorted(KINDS), sorted(kinds_of_the_program()))


if __name__ == "__main__":
    dualstack.main()
