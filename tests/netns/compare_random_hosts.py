# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Random hosts (sockets, connections, addresses and units of all kinds) and random policies about them."""

import collections
import contextlib
import datetime
import itertools
import os
import socket
import subprocess
import sys
import time

sys.path.append(os.path.join(os.environ["TOP_SRCDIR"], "tests", "faults"))

import dualstack  # noqa: E402
import scenarios  # noqa: E402
from dualstack import Network, port_of  # noqa: E402
from test_kernel_oracle import has_mptcp, random_socket  # noqa: E402
from test_lint import WARNED, WRONG  # noqa: E402
from test_replay import PROC_NET, option, owner  # noqa: E402

DEVICE = Network.DEVICE
GONE_DEVICE = "vegone0"

# Hosts

PORTS = (22, 25, 53, 80, 123, 443, 3306, 5353, 5432, 6379, 8080, 9100)
# Beside those of random_socket(): groups and a broadcast address, which UDP may listen on, addresses of another host
# (net.ipv4.ip_nonlocal_bind), and an interface that is removed afterwards.
ODD_ADDRESSES = ("224.0.0.251", "239.1.2.3", "192.0.2.255", "255.255.255.255", "203.0.113.9")
ODD_IPV6_ADDRESSES = ("ff02::fb%" + DEVICE, "ff05::1", "ff01::1", "2001:db8:9::9", "::ffff:169.254.7.1")
HERE = ("127.0.0.1", "127.0.0.2", "::1", "192.0.2.1", "2001:db8::1", "169.254.7.1", "fe80::7:1%" + DEVICE,
        "::ffff:127.0.0.1", "::ffff:192.0.2.1")
FROM_NEIGHBOUR = ("192.0.2.1", "2001:db8::3", "::ffff:192.0.2.3", "fe80::7:1%" + Network.NEIGHBOUR_DEVICE)
TO_NEIGHBOUR = ("192.0.2.2", "2001:db8::2", "::ffff:192.0.2.2", "fe80::7:2%" + DEVICE)
NEIGHBOUR_PORT = 4443
# Of daemons whose directives the program knows, and others.
UNITS = tuple(name + ".service" for name in (
    "nginx", "apache2", "lighttpd", "haproxy", "squid", "tomcat10", "nodejs-shop", "ssh", "nagios-nrpe-server",
    "icinga2", "postfix@-", "dovecot", "vsftpd", "snmpd", "slapd", "mosquitto", "postgresql@15-main", "mariadb",
    "redis-server", "memcached", "dnsmasq", "unbound", "named", "chrony", "prometheus-node-exporter", "node_exporter",
    "rpcbind", "a b", r"a\x2db", "_hidden", "user@1000")) + (
    "ssh.socket", "session-3.scope", "srv-data.mount", "lxc.payload", "docker-%s.scope" % ("0123456789abcdef" * 4))
SYSCTLS = {
    "net.ipv4.ip_local_port_range": ("1024 65535", "32768 60999", "50000 50999"),
    "net.ipv4.ip_local_reserved_ports": ("60001-61999", "5353,8080,50010-50020"),
    "net.ipv6.bindv6only": (1,),
    "net.ipv4.ip_nonlocal_bind": (1,),
    "net.ipv6.ip_nonlocal_bind": (1,),
}
# What becomes of addresses, before or after the sockets are opened.
CHANGES = (
    ("net.ipv6.conf.all.disable_ipv6", 1),
    ("net.ipv6.conf.all.disable_ipv6", 1),
    ("net.ipv6.conf.lo.disable_ipv6", 1),
    ("net.ipv6.conf.%s.disable_ipv6" % DEVICE, 1),
    "addr del 2001:db8::1/64 dev " + DEVICE,
    "addr del 192.0.2.1/24 dev " + DEVICE,
    "-6 addr flush dev %s scope global" % DEVICE,
    "-4 addr flush dev " + DEVICE,
    "-4 addr flush dev lo",
    "link set %s down" % DEVICE,
    "route add local 2001:db8:9::/64 dev lo",
)


class Units:
    """Cgroups that are called as systemd units, in a slice of this process. "with units.enter(NAME)": sockets that are
    made meanwhile belong to it. Where no cgroup can be made they belong to this process's own."""

    def __init__(self):
        self.slice = scenarios.Cgroup("compare_random_hosts-%s.slice" % dualstack.run_name())
        self.made = {}
        if self.slice.path is not None:
            point = os.path.dirname(self.slice.path)
            with open("/proc/self/cgroup", "rb") as file:
                own = next(line for line in file if line.startswith(b"0::/"))
            self.home = os.path.join(point, own.strip()[len(b"0::/"):], b"cgroup.procs")

    @contextlib.contextmanager
    def enter(self, name, gone=False):
        if self.slice.path is None or name is None:
            yield
            return
        if name not in self.made:
            self.made[name] = scenarios.Cgroup("%s/%s" % (self.slice.name, name))
        self._move(self.made[name].procs())
        try:
            yield
        finally:
            self._move(self.home)
            if gone:
                self.made.pop(name).close()

    @staticmethod
    def _move(procs):
        with open(procs, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))


class RandomHost:
    """Sockets of all kinds in this namespace, some of them connected, and what the kernel says about addresses."""

    drawn = collections.Counter()  # of all hosts
    mptcp = has_mptcp()

    def __init__(self, rng, network, sockets, units):
        self.rng = rng
        self.network = network
        self.sockets = sockets
        self.units = units
        self.services = []
        changes = rng.sample(CHANGES, rng.choice((0, 0, 0, 1, 1, 2)))
        early = rng.random() < 0.4
        self.device_goes = rng.random() < 0.15
        self.set_sysctls()
        if self.device_goes:
            dualstack.ip("link add name %s type veth peer name vegone1" % GONE_DEVICE)
        self.change(changes if early else ())
        self.open()
        self.connect()
        if self.device_goes:
            dualstack.ip("link del " + GONE_DEVICE)
        self.change(() if early else changes)
        self.settle()

    def set_sysctls(self):
        for name, values in SYSCTLS.items():
            for value in option(self.rng, 0.25, *values):
                dualstack.sysctl(name, value)

    def change(self, changes):
        for change in changes:
            self.drawn["changes of addresses"] += 1
            if isinstance(change, tuple):
                dualstack.sysctl(*change)
            else:  # may follow one that took the address already
                subprocess.run(["ip", *change.split()], stderr=subprocess.DEVNULL, check=False)

    # Listeners

    def open(self):
        rng = self.rng
        ports = list(itertools.chain(PORTS, rng.sample(range(1024, 65000), 20)))
        rng.shuffle(ports)
        self.listeners = []
        for port in ports[:rng.choice((0, 1, 2, 3, 5, 8, 12, 25))]:
            self.open_service(port, rng.choice(UNITS) if rng.random() < 0.4 else None)
        if rng.random() < 0.04:
            for port in range(20000, 20000 + rng.choice((60, 400))):
                self.listen("tcp", rng.choice(("0.0.0.0", "::", "::1")), port, {"reuseport": True, "backlog": 16})

    def open_service(self, port, unit):
        rng = self.rng
        gone = rng.random() < 0.1
        for protocol in rng.choice((("tcp",), ("tcp",), ("udp",), ("tcp", "udp"))):
            count = rng.choice((1, 1, 1, 2, 2, 3, 12))
            for _ in range(count):
                address, options = random_socket(rng, protocol, count > 1, self.mptcp)
                if rng.random() < 0.12:
                    address = rng.choice(ODD_IPV6_ADDRESSES if ":" in address else ODD_ADDRESSES)
                    options.pop("device", None)
                elif self.device_goes and rng.random() < 0.3:
                    options["device"] = GONE_DEVICE
                options["listen"] = rng.random() < 0.95
                if rng.random() < 0.1:
                    unit = rng.choice(UNITS)
                with self.units.enter(unit, gone), owner(rng.choice(dualstack.users())):
                    self.listen(protocol, address, port, options)

    def listen(self, protocol, address, port, options):
        try:
            listener = self.sockets.listener(address, port, **dict(options, protocol=protocol))
        except OSError:  # shut out by another, or an address that this host has not: the kernel knows
            return
        self.drawn["sockets that wait"] += 1
        self.services.append((protocol, port))
        if options.get("listen", True):
            self.listeners.append((protocol, listener))

    # Connections

    def connect(self):
        rng = self.rng
        for protocol, listener in self.listeners[:30]:
            for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
                if listener.fileno() >= 0:
                    self.client_of(protocol, listener)
        with self.network.neighbour:
            servers = {protocol: self.sockets.listener("::", NEIGHBOUR_PORT, protocol=protocol, v6only=False)
                       for protocol in ("tcp", "udp")}
        for _ in range(rng.choice((0, 0, 1, 3))):
            protocol = rng.choice(tuple(servers))
            self.client(rng.choice(TO_NEIGHBOUR), NEIGHBOUR_PORT, protocol)
        if rng.random() < 0.15:
            self.never_established()

    def client(self, address, port, protocol):
        """None where nobody answers: not of its family or address, or on a link that is down."""
        client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                               socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        client.settimeout(0.2)
        try:
            client.connect((address, port))
        except OSError:
            client.close()
            return None
        self.drawn["connections"] += 1
        return self.sockets.keep(client)

    def client_of(self, protocol, listener):
        rng = self.rng
        if rng.random() < 0.3:
            with self.network.neighbour:
                client = self.client(rng.choice(FROM_NEIGHBOUR), port_of(listener), protocol)
        else:
            client = self.client(rng.choice(HERE), port_of(listener), protocol)
        if client is None:
            return
        if protocol == "tcp":
            self.end_or_keep(client, listener)
        elif rng.random() < 0.2 and client.family == listener.family:
            with contextlib.suppress(OSError):  # the server is connected too, and no listener any more
                listener.connect(client.getsockname())
        else:
            with contextlib.suppress(OSError):
                client.send(b"unread")

    def end_or_keep(self, client, listener):
        """In the backlog, accepted, with unread data, with a listener that is gone, half closed, or TIME_WAIT."""
        rng = self.rng
        if rng.random() < 0.3:
            return
        with contextlib.suppress(OSError):
            listener.setblocking(False)
            server = self.sockets.keep(listener.accept()[0])
            for fate in option(rng, 0.5, "unread", "unread", "half", "wait", "orphan", "gone"):
                if fate == "unread":
                    client.send(b"unread" * 100)
                elif fate == "half":
                    client.shutdown(socket.SHUT_WR)
                elif fate == "gone":
                    listener.close()
                else:
                    server.close()
                    if fate == "wait":
                        client.close()

    def never_established(self):
        """SYN_SENT: a listener that is full."""
        full = self.sockets.listener("127.0.0.1", backlog=0)
        self.client("127.0.0.1", port_of(full), "tcp")
        for address in ("127.0.0.1", "::ffff:127.0.0.1"):
            client = self.sockets.keep(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
            client.setblocking(False)
            client.connect_ex((address, port_of(full)))

    @staticmethod
    def settle():
        """Packets that are still under way arrive."""
        def table():
            rows = []
            for name in PROC_NET[:4]:
                with open("/proc/net/" + name, encoding="ascii") as file:
                    rows += [(name, *line.split()[1:5]) for line in file.readlines()[1:]]
            return rows

        def quiet():
            before = table()
            time.sleep(0.005)
            return before == table()
        dualstack.eventually(quiet, "sockets that stay as they are")


# Policies

REQUIREMENTS = ("v4-only", "v6-only", "dual-stack", "v4", "v6", "any", "closed")
SCOPES = ("@loopback", "@link", "@external")
DEFAULTS = tuple("default%s%s" % subject for subject in itertools.product(("", "/tcp", "/udp"), ("",) + SCOPES))
RANGES = ("0", "1", "2", "10", "1:", "2:", "~:1", "0:2", "1:3", "@0", "@1:3", "@2:", "~:", "0.5", "-5:-1")
PREFIXES = ("0.0.0.0/0", "::/0", "0.0.0.0/0,::/0", "127.0.0.0/8,::1", "192.0.2.0/24,2001:db8::/32", "192.0.2.1",
            "loopback", "link", "loopback,link", "fe80::/64,loopback", "10.0.0.0/8", "224.0.0.0/4,ff00::/8,loopback")
OPTIONS = {
    "severity": ("warning", "critical"),
    "missing": ("ok", "warning", "critical"),
    "form": ("split", "single"),
    "bind": PREFIXES,
    "unit": ("*", "*.service", "nginx*", "nginx.service", "ssh.socket", "/", "*.scope", "/*", "[a-m]*"),
    "user": ("root", "0", "65534", "nobody", "12345"),
    "mapped-warning": RANGES,
    "mapped-critical": RANGES,
    "note": ("OPS-1234", "https://wiki.example/ports?a=b", "caf\u00e9", "a|b"),
}
# What a later version knows: an option of policies where all builds take it, a mistake where none does.
LATER_OPTIONS = {
    "as": ("reached", "bound"),
    "ipv4-warning": RANGES,
    "ipv4-critical": RANGES,
    "except-unit": ("*.service", "nginx.service,ssh.*"),
    "ephemeral": ("yes",),
    "bind": ("%lo", "%" + DEVICE, "loopback,%" + DEVICE),
}
# Beside those of test_lint.py.
MISTAKES = ("", "443 any user=nobody-of-that-name", "443 any bind=1:2", "8000-x any", "443 any note=" + "x" * 9000,
            "443 any bind=10.0.0.0/8/8", "443 any bind=" + "1" * 60)
NOT_IN_DEFAULTS = ("missing", "mapped-warning", "mapped-critical", "ipv4-warning", "ipv4-critical")
IN_WIDE_RULES = ("except-unit", "ephemeral")  # ranges and defaults


class Grammar:
    """The rules that all the programs can be asked about."""

    def __init__(self, *programs):
        self.options = dict(OPTIONS)
        self.mistakes = list(WRONG + MISTAKES)
        for key, values in LATER_OPTIONS.items():
            rule = "1-2 any %s=%s" % (key, values[0])
            known = [self.takes(program, rule) for program in programs]
            if all(known):
                self.options[key] = self.options.get(key, ()) + values
            elif not any(known):
                self.mistakes.append(rule)
            else:
                print("NOT COMPARED: %s=%s, which not all builds know" % (key, values[0]), flush=True)

    @staticmethod
    def takes(program, rule):
        return subprocess.run([program, "--lint", "-r", rule], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              env=dualstack.environment(), timeout=50, check=False).returncode == dualstack.OK


class RandomPolicy:
    """Rules about services that are there and some that are not; now and then one that is wrong."""

    def __init__(self, rng, grammar, services):
        self.rng = rng
        self.grammar = grammar
        # Strict or lenient as a whole, or hardly any policy would be kept.
        self.requirements = rng.choice((REQUIREMENTS, REQUIREMENTS, ("any", "any", "any", "v4", "v6")))
        self.chance = rng.choice((0, 0.05, 0.15, 0.3))
        self.severe = rng.random() < 0.7
        self.subjects = set()
        self.rules = []
        ports = sorted(set(services)) + rng.sample([("tcp", 7), ("udp", 9), ("tcp", 443), ("udp", 53), ("tcp", 22)], 2)
        rng.shuffle(ports)
        for protocol, port in ports[:rng.choice((0, 1, 1, 2, 3, 5, 8, 60))]:
            self.add_single(protocol, port)
        for protocol, port in rng.sample(ports, rng.choice((0, 0, 0, 1, 2))):
            self.add_range(protocol, port)
        if rng.random() < 0.4:
            for subject in rng.sample(DEFAULTS, rng.choice((1, 1, 2, 3))):
                self.rules.append(self.rule(subject, wide=True, default=True))
        self.err()
        rng.shuffle(self.rules)

    def args(self):
        return [word for rule in self.rules for word in ("-r", rule)]

    def add_single(self, protocol, port):
        rng = self.rng
        for scope in rng.choice((("",), ("",), ("",), rng.sample(SCOPES, 1), rng.sample(SCOPES, 2), ("", *SCOPES[:1]))):
            if (protocol, port, scope) in self.subjects:
                continue
            self.subjects.add((protocol, port, scope))
            text = str(port)
            if rng.random() < 0.2:
                with contextlib.suppress(OSError):
                    text = socket.getservbyport(port, protocol)
            another = rng.randrange(1, 1024)
            if rng.random() < 0.15 and (protocol, another, scope) not in self.subjects:
                self.subjects.add((protocol, another, scope))
                text += ",%d" % another
            self.rules.append(self.rule(self.subject(text, protocol, scope), wide=False))

    def add_range(self, protocol, port):
        rng = self.rng
        scope = rng.choice(("", "") + SCOPES)
        if (protocol, scope) in self.subjects:
            return
        self.subjects.add((protocol, scope))
        text = "%d-%d" % (max(1, port - rng.choice((0, 5, 1000))), min(65535, port + rng.choice((1, 50, 20000))))
        self.rules.append(self.rule(self.subject(text, protocol, scope), wide=True))

    def subject(self, ports, protocol, scope):
        return ports + ("" if protocol == "tcp" and self.rng.random() < 0.5 else "/" + protocol) + scope

    def rule(self, subject, wide, default=False):
        rng = self.rng
        requirement = rng.choice(self.requirements)
        words = [subject, requirement]
        for key, values in self.grammar.options.items():
            if (key == "form" and requirement != "dual-stack" or key == "missing" and requirement == "closed"
                    or default and key in NOT_IN_DEFAULTS or not wide and key in IN_WIDE_RULES):
                continue
            if key == "severity" and not self.severe:
                words.append("severity=warning")
            else:
                words += [key + "=" + value for value in option(rng, self.chance, *values)]
        if rng.random() < self.chance:
            day = datetime.date.today() + datetime.timedelta(rng.choice((-400, -30, -1, 0, 1, 3, 29, 300)))
            words.append("waive-until=" + day.isoformat())
        if not default and rng.random() < 0.4:
            words.append("name=%s%d" % (rng.choice(("web", "db", "a-long-name-of-22_byte")), len(self.rules)))
        words[2:] = rng.sample(words[2:], len(words) - 2)
        return " ".join(words)

    def err(self):
        rng = self.rng
        if rng.random() < 0.06:
            self.rules += rng.choice(WARNED)[0].split("\n")
        if rng.random() < 0.08:
            self.rules += rng.choices(self.grammar.mistakes, k=rng.choice((1, 1, 2, 3, 30)))
        if self.rules and rng.random() < 0.02:
            self.rules.append(rng.choice(self.rules))

    def file(self):
        """As a file's bytes."""
        rng = self.rng
        lines = []
        for rule in self.rules:
            lines += option(rng, 0.2, "", "# what comes", "  \t")
            lines.append(rule.replace(" ", rng.choice((" ", "   ", "\t"))) + "".join(option(rng, 0.1, " # why", "\t#")))
        text = rng.choice(("\n", "\n", "\r\n")).join(lines) + rng.choice(("\n", "\n", ""))
        return (rng.choice(("", "", "", "\ufeff")) + text).encode()
