# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Random hosts: addresses of every kind in every condition, services on them, and from where each one is reached.

    far -- f0 -- left  -- n0 -- ve0 -- the host
        -- f1 -- right -- n1 -- ve1 --

left and right are neighbours of the host, and routers: far is two hops away over either interface. They know the way to
every address that the host could have, and the host knows the way back, so that only the host decides who gets in.
"""

import collections
import contextlib
import errno
import functools
import ipaddress
import itertools
import json
import os
import random
import select
import socket
import struct
import subprocess
import time

import dualstack
from dualstack import Namespace, Sockets, sysctl

REACHES = ("none", "loopback", "link", "external")
FAMILIES = (4, 6)

IP_FREEBIND, IPV6_FREEBIND = 15, 78
MRT_INIT, MRT_ADD_INTERFACE, MRT_ADD_ROUTE = 200, 202, 204

DEVICES = ("ve0", "ve1")
SPARE = "ve9"  # sockets are bound to it, then it is deleted

# What the host may have: address, prefix length, interface.
Address = collections.namedtuple("Address", "text prefix device condition", defaults=[None])

ADDRESSES = {
    4: {
        "loopback": [Address("127.0.0.1", 8, "lo")],
        "link": [Address("169.254.7.1", 24, "ve0"), Address("169.254.8.1", 24, "ve1")],
        "external": [Address("192.0.2.1", 27, "ve0"), Address("192.0.2.3", 27, "ve0"), Address("192.0.2.33", 27, "ve1"),
                     Address("192.0.2.100", 32, "lo"), Address("192.0.2.64", 28, "lo", "anyip")],
        "unusable": [],
    },
    6: {
        "loopback": [Address("::1", 128, "lo")],
        "link": [Address("fe80::7:1", 64, "ve0"), Address("fe80::8:1", 64, "ve1"), Address("fe80::5", 64, "ve0"),
                 Address("fe80::5", 64, "ve1")],
        "external": [Address("2001:db8::1", 64, "ve0"), Address("2001:db8::3", 64, "ve0", "deprecated"),
                     Address("2001:db8::4", 64, "ve0", "optimistic"), Address("2001:db8:1::1", 64, "ve1"),
                     Address("2001:db8:100::1", 128, "lo"), Address("2001:db8:64::", 64, "lo", "anyip")],
        "unusable": [Address("2001:db8::7e", 64, "ve0", "tentative"), Address("2001:db8::dd", 64, "ve0", "duplicate"),
                     Address("fe80::dd", 64, "ve1", "duplicate")],
    },
}
# How far the addresses of IPv4 and IPv6 reach on random hosts, at first: seed by seed another, so that all are there.
WIDTHS = (("external", "external"), ("external", "link"), ("loopback", "external"), ("external", "loopback"),
          ("link", "external"), ("external", "none"), ("link", "link"), ("loopback", "link"),
          ("external", "external"), ("external", "link"), ("loopback", "external"), ("external", "loopback"),
          ("link", "external"), ("none", "external"), ("loopback", "loopback"), ("link", "loopback"))
# The flags of if_inet6 by which the kernel tells that it is so.
CONDITIONS = {"tentative": 0x40, "duplicate": 0x08, "optimistic": 0x04}
# What a socket may be bound to, and what is tried: the addresses above, one of each AnyIP prefix, one of 127.0.0.0/8
# that no interface has, and one of each family that is another host's now.
ANYIP = {"192.0.2.64": "192.0.2.70", "2001:db8:64::": "2001:db8:64::70"}
ELSEWHERE = {4: ["127.0.0.2", "192.0.2.9"], 6: ["2001:db8::99"]}
TARGETS = {family: sorted({(ANYIP.get(address.text, address.text),
                            address.device if address.text.startswith("fe80:") else None)
                           for addresses in ADDRESSES[family].values() for address in addresses},
                          key=str) + [(text, None) for text in ELSEWHERE[family]] for family in FAMILIES}

# UDP alone: groups and broadcast addresses, by how far they reach.
GROUPS = {
    4: {"224.0.0.252": "link", "233.252.0.1": "external", "192.0.2.31": "link", "255.255.255.255": "link"},
    6: {"ff01::1:3": "loopback", "ff02::1:3": "link", "ff0e::db8": "external"},
}
BROADCASTS = ("192.0.2.31", "255.255.255.255")
WILDCARDS = ("0.0.0.0", "::", "::ffff:0.0.0.0")
# TCP ports on which each host listens on all addresses of the family, and that alone: as far as its addresses reach.
PROBES = {4: 1, 6: 2}

# Of the two interfaces of each; who has which is known to all, so that nobody waits for it to be found out.
HOST_MAC, NEIGHBOUR_MAC, ROUTER_MAC, FAR_MAC = (
    tuple("02:00:00:00:%02d:%02d" % (kind, number) for number in range(2)) for kind in range(1, 5))
NEIGHBOURS = {4: ("192.0.2.2", "192.0.2.34"), 6: ("2001:db8::2", "2001:db8:1::2")}
NEIGHBOURS_ON_LINK = {4: ("169.254.7.2", "169.254.8.2"), 6: ("fe80::7:2", "fe80::8:2")}
ROUTERS = {4: ("192.0.2.129", "192.0.2.161"), 6: ("2001:db8:f0::2", "2001:db8:f1::2")}
FAR = {4: ("192.0.2.130", "192.0.2.162"), 6: ("2001:db8:f0::1", "2001:db8:f1::1")}


def scope_of(text):
    """How far an address reaches by itself."""
    text = text.partition("%")[0]
    if ":" not in text or text.startswith("::ffff:"):
        text = text.replace("::ffff:", "")
        if text in GROUPS[4]:
            return GROUPS[4][text]
        return "loopback" if text.startswith("127.") else "link" if text.startswith("169.254.") else "external"
    if text in GROUPS[6]:
        return GROUPS[6][text]
    return "loopback" if text == "::1" else "link" if text.startswith("fe80:") else "external"


def narrower(*reaches):
    return min(reaches, key=REACHES.index)


def wider(*reaches):
    return max(reaches, key=REACHES.index)


def ip_batch(lines, force=False):
    """Runs the lines as ip's, one after the other; force: the others too when one fails."""
    subprocess.run(["ip"] + (["-force"] if force else []) + ["-batch", "-"], input="\n".join(lines).encode() + b"\n",
                   check=not force, stderr=subprocess.DEVNULL if force else None)


def family_of(text):
    return 6 if ":" in text else 4


def await_local(*addresses):
    """The kernel may show an IPv6 address before it takes anything for it. Each is its text and its interface."""
    wanted = {(socket.inet_pton(socket.AF_INET6, text).hex(), device) for text, device in addresses if ":" in text}

    def are_local():
        with open("/proc/net/ipv6_route", encoding="ascii") as file:
            rows = [line.split() for line in file]
        return wanted <= {(row[0], row[9]) for row in rows if int(row[8], 16) & 0x80000000}  # RTF_LOCAL
    dualstack.eventually(are_local, "local: %s" % (addresses,))


@functools.lru_cache(maxsize=None)
def not_tried(what):
    print("\nNOT TRIED: " + what, flush=True)


class Lan:
    """The four namespaces. The host has its interfaces and the ways to its neighbours and far, and no address yet."""

    def __init__(self):
        self.host = Namespace()
        self.neighbours = (Namespace(), Namespace())
        self.far = Namespace()
        self.routing = contextlib.ExitStack()  # the sockets that multicast is routed for
        self.routes_multicast = True
        self._join()
        self._raise(self.host, DEVICES, accept_dad=1)
        self._raise(self.host, (SPARE, "spare"))
        self._raise(self.far, ("f0", "f1"))
        for number in range(2):
            self._raise(self.neighbours[number], ("n%d" % number, "e%d" % number))
        for namespace in (self.host, self.far, *self.neighbours):
            self._await_links(namespace)
        for number in range(2):
            self._set_up_neighbour(number)
        self._set_up_far()
        self._set_up_host()
        self.index = {}  # of the interfaces by name, in the host
        with self.host:
            for device in ("lo", SPARE, *DEVICES):
                self.index[device] = socket.if_nametoindex(device)

    def close(self):
        self.routing.close()
        for namespace in (self.host, *self.neighbours, self.far):
            namespace.close()

    def _join(self):
        """Where both ends of a pair have the same index a second passes before the kernel uses them for IPv6."""
        with self.host:
            lines = ["link add name %s type veth peer name spare" % SPARE]
            lines += ["link add name %s address %s index %d type veth peer name n%d address %s netns %s index %d" % (
                DEVICES[number], HOST_MAC[number], 10 + number, number, NEIGHBOUR_MAC[number],
                self.neighbours[number].path(), 20 + number) for number in range(2)]
            ip_batch(lines)
        with self.far:
            ip_batch(["link add name f%d address %s index %d type veth peer name e%d address %s netns %s index %d" % (
                number, FAR_MAC[number], 30 + number, number, ROUTER_MAC[number], self.neighbours[number].path(),
                40 + number) for number in range(2)])

    @staticmethod
    def _raise(namespace, devices, accept_dad=0):
        with namespace:
            sysctl("net.ipv4.conf.all.rp_filter", 0)
            # Clients take their ports from here, so that no service stands in their way.
            sysctl("net.ipv4.ip_local_port_range", "60001 65000")
            for device in devices:
                sysctl("net.ipv4.conf.%s.rp_filter" % device, 0)
                for name, value in (("accept_dad", accept_dad), ("router_solicitations", 0),
                                    ("router_solicitation_delay", 0)):
                    sysctl("net.ipv6.conf.%s.%s" % (device, name), value)
            ip_batch(["link set %s addrgenmode none up" % device for device in devices])

    @staticmethod
    def _await_links(namespace):
        def are_up():
            links = json.loads(subprocess.run(["ip", "-j", "link"], stdout=subprocess.PIPE, check=True).stdout)
            return all(link["operstate"] == "UP" for link in links if link["ifname"] != "lo")
        with namespace:
            dualstack.eventually(are_up, "all interfaces up")

    def _set_up_neighbour(self, number):
        near, far = "n%d" % number, "e%d" % number
        with self.neighbours[number]:
            sysctl("net.ipv4.ip_forward", 1)
            sysctl("net.ipv6.conf.all.forwarding", 1)
            lines = []
            # All that is not known to be elsewhere is the host's: behind a gateway that nobody is asked for.
            for family, gateway in ((4, "192.0.2.30"), (6, "fe80::fe")):
                on_link = NEIGHBOURS_ON_LINK[family][number]
                lines += ["addr add %s/%d dev %s noprefixroute%s" % (
                    address, 27 if family == 4 else 64, device, " nodad" if family == 6 else " brd +")
                    for address, device in ((NEIGHBOURS[family][number], near), (on_link, near),
                                            (ROUTERS[family][number], far))]
                lines += ["route add %s dev %s" % (FAR[family][number], far),
                          "neigh add %s lladdr %s dev %s nud permanent" % (FAR[family][number], FAR_MAC[number], far),
                          "neigh add %s lladdr %s dev %s nud permanent" % (gateway, HOST_MAC[number], near),
                          "route add default via %s dev %s onlink" % (gateway, near)]
                if family == 4:
                    lines += ["route add 169.254.0.0/16 via %s dev %s onlink src %s" % (gateway, near, on_link)]
            # What the contract leaves out: routers that forward 169.254.0.0/16.
            lines += ["rule add iif %s to 169.254.0.0/16 prohibit" % far,
                      # No router sends on what a packet's last router must drop.
                      "route add blackhole 192.0.2.31" if number == 1 else "",
                      "route add fe80::/64 dev %s" % near]
            lines += ["neigh add %s lladdr %s dev %s nud permanent" % (text, HOST_MAC[number], near)
                      for text in sorted({text for text, zone in TARGETS[6] if zone})
                      if not (text == "fe80::dd" and number == 1)]
            # Somebody else's: the host finds out by duplicate address detection.
            lines += ["addr add %s/128 dev n%d nodad preferred_lft 0" % (address.text, number)
                      for address in ADDRESSES[6]["unusable"]
                      if address.condition == "duplicate" and address.device == DEVICES[number]]
            ip_batch([line for line in lines if line])
            await_local((NEIGHBOURS[6][number], near), (NEIGHBOURS_ON_LINK[6][number], near), (ROUTERS[6][number], far))
            try:
                self._route_multicast(near, far, number)
            except OSError as error:
                self.routes_multicast = False
                not_tried("groups of external scope, which this kernel routes not (%s)" % error.strerror)

    def _route_multicast(self, near, far, number):
        """Lets far send to the groups of external scope."""
        indexes = [socket.if_nametoindex(device) for device in (far, near)]
        ipv4 = self.routing.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP))
        ipv4.setsockopt(socket.IPPROTO_IP, MRT_INIT, 1)
        for vif, index in enumerate(indexes):  # struct vifctl; VIFF_USE_IFINDEX
            ipv4.setsockopt(socket.IPPROTO_IP, MRT_ADD_INTERFACE, struct.pack("=HBBIi4x", vif, 8, 1, 0, index))
        ttls = bytes([255, 1]) + bytes([255]) * 30
        for group, scope in GROUPS[4].items():
            if scope == "external":  # struct mfcctl
                ipv4.setsockopt(socket.IPPROTO_IP, MRT_ADD_ROUTE, socket.inet_aton(FAR[4][number])
                                + socket.inet_aton(group) + struct.pack("=H32s2xIIIi", 0, ttls, 0, 0, 0, 0))
        ipv6 = self.routing.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
        ipv6.setsockopt(socket.IPPROTO_IPV6, MRT_INIT, 1)
        for mif, index in enumerate(indexes):  # struct mif6ctl
            ipv6.setsockopt(socket.IPPROTO_IPV6, MRT_ADD_INTERFACE, struct.pack("=HBBHxxI", mif, 0, 1, index, 0))
        for group, scope in GROUPS[6].items():
            if scope == "external":  # struct mf6cctl
                pair = [struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, text), 0)
                        for text in (FAR[6][number], group)]
                ipv6.setsockopt(socket.IPPROTO_IPV6, MRT_ADD_ROUTE,
                                b"".join(pair) + struct.pack("=Hxx8I", 0, 1 << 1, *[0] * 7))

    def _set_up_far(self):
        with self.far:
            lines = []
            for number in range(2):
                for family in FAMILIES:
                    lines += ["addr add %s/%d dev f%d noprefixroute%s" % (
                        FAR[family][number], 27 if family == 4 else 64, number, "" if family == 4 else " nodad"),
                        "route add %s dev f%d" % (ROUTERS[family][number], number),
                        "neigh add %s lladdr %s dev f%d nud permanent" % (
                            ROUTERS[family][number], ROUTER_MAC[number], number),
                        "route add default via %s dev f%d onlink src %s metric %d" % (
                            ROUTERS[family][number], number, FAR[family][number], 10 + number)]
            ip_batch(lines)
            await_local((FAR[6][0], "f0"), (FAR[6][1], "f1"))

    def _set_up_host(self):
        with self.host:
            for device in DEVICES:
                # So many that an address stays tentative.
                sysctl("net.ipv6.conf.%s.dad_transmits" % device, 1000)
            self.add_routes()

    @staticmethod
    def add_routes():
        """The ways to the neighbours and to far. An interface may be down, gone or without IPv6: then there is none, and
        "neigh" would end the whole batch."""
        ip_batch(["route replace multicast ff01::/16 dev lo table local"], force=True)
        for number, device in enumerate(DEVICES):
            for family in FAMILIES:
                neighbours = NEIGHBOURS[family][number], NEIGHBOURS_ON_LINK[family][number]
                lines = ["neigh replace %s lladdr %s dev %s nud permanent" % (text, NEIGHBOUR_MAC[number], device)
                         for text in neighbours]
                if family == 6:
                    lines += ["route replace fe80::/64 dev %s metric %d" % (device, 100 + number)]
                lines += ["route replace %s dev %s" % (text, device)
                          for text in neighbours if not text.startswith("fe80")]
                lines += ["route replace %s via %s dev %s onlink" % (
                    FAR[family][number], neighbours[family == 6], device)]
                ip_batch(lines, force=True)


def can_have(address):
    return address.condition != "optimistic" or os.path.exists("/proc/sys/net/ipv6/conf/all/optimistic_dad")


class Host:
    """A host of its own Lan, without any address at first; "with host.inside():" enters it."""

    def __init__(self):
        self.lan = Lan()
        self.sockets = Sockets()
        self.services = {}  # sockets, each with what was asked for, by protocol and port
        with self.inside():
            # lo got both when it came up.
            dualstack.ip("addr flush dev lo scope host")

    def inside(self):
        return self.lan.host

    def close(self):
        self.sockets.close()
        self.lan.close()

    # Addresses

    def add(self, *addresses):
        ip_batch([line for line in map(self.add_line, addresses) if line])
        for address in addresses:
            if address.condition in CONDITIONS:
                self._await_condition(address)
        await_local(*((address.text, address.device) for address in addresses
                      if address.condition in (None, "deprecated", "optimistic")))

    @staticmethod
    def add_line(address):
        if address.condition == "anyip":
            return "route add local %s/%d dev lo" % (address.text, address.prefix)
        words = "addr add %s/%d dev %s" % (address.text, address.prefix, address.device)
        if family_of(address.text) == 6 and address.condition in (None, "deprecated"):
            words += " nodad"
        if address.condition == "deprecated":
            words += " preferred_lft 0"
        if address.device != "lo":
            words += " noprefixroute" + (" brd +" if family_of(address.text) == 4 else "")
        if address.condition == "optimistic":
            sysctl("net.ipv6.conf.%s.optimistic_dad" % address.device, 1)
            dualstack.ip(words + " optimistic")
            sysctl("net.ipv6.conf.%s.optimistic_dad" % address.device, 0)
            return None
        return words

    @staticmethod
    def remove_line(address):
        return "%s %s/%d dev %s" % ("route del local" if address.condition == "anyip" else "addr del", address.text,
                                    address.prefix, address.device)

    @staticmethod
    def _await_condition(address):
        packed = socket.inet_pton(socket.AF_INET6, address.text).hex()

        def is_so():
            with open("/proc/net/if_inet6", encoding="ascii") as file:
                rows = [line.split() for line in file]
            return any(row[0] == packed and row[5] == address.device and int(row[4], 16) & CONDITIONS[address.condition]
                       for row in rows)
        dualstack.eventually(is_so, "%s %s on %s" % (address.text, address.condition, address.device))

    def change(self, *changes):
        """Each "disable_ipv6 INTERFACE", or words for ip."""
        for change in changes:
            if change.startswith("disable_ipv6"):
                sysctl("net.ipv6.conf.%s.disable_ipv6" % change.split()[1], 1)
            else:
                # One address may have taken others along.
                ip_batch([change], force=True)
        # The last IPv4 address of an interface takes its routes along.
        self.lan.add_routes()

    # Services

    def open(self, protocol, port, *wanted):
        """A service of the sockets, each its address and options; what the kernel does not have is left out."""
        opened = []
        for text, options in wanted:
            sock = self._socket(protocol, port, text, len(wanted) > 1, **options)
            if sock:
                opened.append((text, options, sock))
        if opened:
            self.services[protocol, port] = opened

    def _socket(self, protocol, port, text, reuseport, *, device=None, v6only=None):
        """None where the kernel does not have it: a group for TCP, two that shut each other out."""
        host, _, zone = text.partition("%")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        sock = self.sockets.keep(socket.socket(family, kind))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(reuseport))
        # An address that is somebody else's, or not usable yet.
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
            if v6only is not None:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        try:
            if device:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            index = self.lan.index[zone] if zone else 0
            sock.bind((host, port) if family == socket.AF_INET else (host, port, 0, index))
            if protocol == "tcp":
                sock.listen(128)
            elif host in GROUPS[4] or host in GROUPS[6]:
                self._join_group(sock, host, zone)
            sock.setblocking(False)
        except OSError as error:
            sock.close()
            if error.errno not in (errno.EINVAL, errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
            return None
        return sock

    def _join_group(self, sock, group, zone):
        for device in [zone] if zone else ["lo", *DEVICES]:
            with contextlib.suppress(OSError):  # an interface without addresses of the family
                if ":" in group:
                    packed = socket.inet_pton(socket.AF_INET6, group)
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                                    packed + struct.pack("=i", self.lan.index[device]))
                elif group not in BROADCASTS:
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                    socket.inet_aton(group) + struct.pack("=4xi", self.lan.index[device]))

    # How it is now, as the kernel tells it

    def local_table(self, kind):
        """The prefixes of the kernel's local table: family, address, length, interface."""
        rows = []
        with self.inside():
            for family in FAMILIES:
                out = subprocess.run(["ip", "-j", "-%d" % family, "route", "show", "table", "local", "type", kind],
                                     stdout=subprocess.PIPE, check=True).stdout
                for row in json.loads(out or b"[]"):
                    text, _, length = row["dst"].partition("/")
                    rows.append((family, text, int(length or (32 if family == 4 else 128)), row["dev"]))
        return rows

    def interfaces(self):
        """Names of those that are there, of those that are up, and of those without IPv6."""
        with self.inside():
            links = json.loads(subprocess.run(["ip", "-j", "link"], stdout=subprocess.PIPE, check=True).stdout)
            there = {link["ifname"] for link in links}
            up = {link["ifname"] for link in links if "UP" in link["flags"]}
            without = set()
            for name in there:
                with open("/proc/sys/net/ipv6/conf/%s/disable_ipv6" % name, encoding="ascii") as file:
                    if file.read().strip() == "1":
                        without.add(name)
        return there, up, without


class RandomHost(Host):
    """What it has, what listens on it and what becomes of its addresses afterwards: all drawn from the seed."""

    def __init__(self, seed, services):
        super().__init__()
        self.seed = seed
        self.chance = random.Random(seed)
        with self.inside():
            self.present = self._draw_addresses()
            self.add(*self.present[4], *self.present[6])
            self._draw_services(services)
            self.changes = self._draw_changes()
            self.change(*self.changes)

    def __str__(self):
        return "%s; then %s" % (", ".join(
            "%s/%d %s%s" % (address.text, address.prefix, address.device, " " + (address.condition or ""))
            for family in FAMILIES for address in self.present[family]) or "no address", ", ".join(self.changes))

    def _draw_addresses(self):
        chance = self.chance
        present = {}
        for family, width in zip(FAMILIES, WIDTHS[self.seed % len(WIDTHS)]):
            present[family] = []
            for reach in REACHES[1:REACHES.index(width) + 1]:
                every = [address for address in ADDRESSES[family][reach] if can_have(address)]
                some = [address for address in every if chance.random() < 0.5]
                present[family] += some or ([chance.choice(every)] if reach == width else [])
            if chance.random() < 0.4:
                present[family] += [address for address in ADDRESSES[family]["unusable"] if chance.random() < 0.7]
        if chance.random() < 0.1:
            # Then 127.0.0.2 is not the host's.
            present[4] = [address._replace(prefix=32) if address.text == "127.0.0.1" else address
                          for address in present[4]]
        return present

    def _draw_services(self, count):
        ports = iter(self.chance.sample(range(3, 60000), count * 4))
        self.open("tcp", PROBES[4], ("0.0.0.0", {}))
        self.open("tcp", PROBES[6], ("::", {"v6only": True}))
        while len(self.services) < count + len(PROBES):
            protocol = self.chance.choice(("tcp", "tcp", "udp"))
            self.open(protocol, next(ports), *(self._draw_socket(protocol)
                                               for _ in range(self.chance.choice((1, 1, 1, 2, 2, 3)))))

    def _draw_socket(self, protocol):
        chance = self.chance
        family = chance.choice(FAMILIES)
        options = {}
        kind = chance.random()
        if kind < 0.6:
            text = "0.0.0.0" if family == 4 else "::"
            if family == 6:
                options["v6only"] = chance.choice((True, False, False))
            if chance.random() < 0.3:
                options["device"] = chance.choice(("lo", *DEVICES, *DEVICES, SPARE))
        elif kind < 0.92 or protocol == "tcp" and kind < 0.98:
            text, zone = chance.choice(self._bindable(family))
            if zone:
                text += "%" + zone
            elif chance.random() < 0.15:
                options["device"] = chance.choice(("lo", *DEVICES))
            if family == 4 and chance.random() < 0.3:
                text, options["v6only"] = "::ffff:" + text, False
        else:
            text = chance.choice(sorted(group for group, scope in GROUPS[family].items()
                                        if scope != "external" or self.lan.routes_multicast))
            if text.startswith("ff01"):
                text += "%lo"
            elif text.startswith("ff02"):
                text += "%" + chance.choice(DEVICES)
        return text, options

    def _bindable(self, family):
        """What to bind to: most often an address that is there now."""
        present = {ANYIP.get(address.text, address.text) for address in self.present[family]}
        here = [(text, zone) for text, zone in TARGETS[family] if text in present]
        return here if here and self.chance.random() < 0.85 else TARGETS[family]

    def _draw_changes(self):
        chance = self.chance
        changes = []
        for family in FAMILIES:
            if chance.random() < 0.25:
                scope = chance.choice(("external", "external", "link", "loopback"))
                gone = [address for address in self.present[family] if scope_of(address.text) == scope]
            else:
                gone = [address for address in self.present[family] if chance.random() < 0.12]
            changes += map(self.remove_line, gone)
        kind = chance.random()
        if kind < 0.15:
            changes.append("disable_ipv6 " + chance.choice(DEVICES))
        elif kind < 0.25:
            changes.append("disable_ipv6 " + chance.choice(("lo", "all")))
        elif kind < 0.35:
            changes.append("link set %s down" % chance.choice(DEVICES))
        elif kind < 0.45:
            changes.append("link del ve1")
        return changes + ["link del " + SPARE]


# The oracle: who gets in, found by trying. It knows nothing of routing tables, of v6only, of socket tables or of /proc.


class Attempt:
    __slots__ = ("service", "family", "place", "target", "sock", "nonce", "result")

    def __init__(self, service, family, place, target, sock):
        self.service, self.family, self.place, self.target, self.sock = service, family, place, target, sock
        self.nonce = None
        self.result = None


class Oracle:
    """Attempts of one host, all at once. One that nobody answered within GRACE seconds has not got in: between the
    namespaces of one machine a packet arrives at once or never."""

    GRACE = 0.3
    MOST = 1500  # sockets at a time
    REFUSED = (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EACCES,
               errno.EPERM, errno.EINVAL, errno.ENODEV, errno.EAFNOSUPPORT, errno.ENETDOWN)

    def __init__(self, host):
        self.host = host
        self.attempts = 0
        self.silent = 0
        self.strange = []  # what got in by a way that its place should not have
        self.nonces = itertools.count(1)

    def reaches(self):
        """{service: {family: the widest place that gets in}}"""
        found = {service: {} for service in self.host.services}
        for reach in ("external", "link", "loopback"):
            open_ = [(service, family) for service in found for family in FAMILIES if family not in found[service]]
            plan = [(service, family, *way) for service, family in open_ for way in self._ways(reach, service, family)]
            for first in range(0, len(plan), self.MOST):
                for attempt in self._try(plan[first:first + self.MOST]):
                    if not attempt.result:
                        continue
                    text = attempt.target[0]
                    if reach == "link" and scope_of(text) == "external":
                        self.strange.append((attempt.service, attempt.place, text))
                    found[attempt.service][attempt.family] = reach
        return {service: {family: reaches.get(family, "none") for family in FAMILIES}
                for service, reaches in found.items()}

    def _ways(self, reach, service, family):
        """Namespace, interface to leave by (or None) and address, for each way to try."""
        lan = self.host.lan
        texts = [text for text, _, _ in self.host.services[service]]
        # The kernel gives a socket what goes to its own address alone. That much is known.
        bound = {text.partition("%")[0].replace("::ffff:", "") for text in texts}
        every = any(text.partition("%")[0] in WILDCARDS for text in texts)
        targets = [target for target in TARGETS[family] if every or target[0] in bound]
        groups = [text for text in bound if text in GROUPS[family]]
        if reach == "external":
            for number in range(2):
                for text, zone in targets:
                    if zone is None:
                        yield lan.far, "f%d" % number, (text, 0)
                for group in groups:
                    yield lan.far, "f%d" % number, (group, 0)
        elif reach == "link":
            for number in range(2):
                for text in {text for text, _ in targets}:
                    yield lan.neighbours[number], "n%d" % number, (text, "n%d" % number)
                for group in groups:
                    yield lan.neighbours[number], "n%d" % number, (group, "n%d" % number)
        else:
            for text, zone in targets:
                yield lan.host, None, (text, zone)
            for group in groups:
                for device in ("lo", *DEVICES):
                    yield lan.host, device, (group, device)

    def _try(self, plan):
        attempts = []
        poll = select.poll()
        waiting = {}
        # One namespace after the other: entering costs more than a socket.
        for namespace, group in itertools.groupby(sorted(plan, key=lambda one: id(one[2])), key=lambda one: one[2]):
            with namespace:
                for service, family, _, device, (text, zone) in group:
                    attempt = self._start(service, family, namespace, device, text, zone)
                    if attempt is None:
                        continue
                    attempts.append(attempt)
                    if service[0] == "tcp" and attempt.result is None:
                        waiting[attempt.sock.fileno()] = attempt
                        poll.register(attempt.sock, select.POLLOUT)
        self.attempts += len(attempts)
        end = time.monotonic() + self.GRACE
        self._await(poll, waiting)
        time.sleep(max(0, end - time.monotonic()))
        self._receive(attempts)
        for attempt in attempts:
            attempt.sock.close()
        return attempts

    def _start(self, service, family, namespace, device, text, zone):
        protocol, port = service
        index = 0
        if zone and (text.startswith("fe80:") or text.startswith("ff0")):
            try:
                index = socket.if_nametoindex(zone)
            except OSError:
                return None  # gone
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET,
                             socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        attempt = Attempt(service, family, device, (text, zone), sock)
        sock.setblocking(False)
        address = (text, port) if family == 4 else (text, port, 0, index)
        try:
            if namespace is not self.host.lan.host:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            if protocol == "tcp":
                # Ends with a reset, which leaves no TIME-WAIT.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                result = sock.connect_ex(address)
                if result != errno.EINPROGRESS:
                    attempt.result = result == 0
                    if result not in (0, *self.REFUSED):
                        raise OSError(result, "connect")
                return attempt
            self._aim(sock, family, text, device)
            attempt.nonce = b"%d" % next(self.nonces)
            sock.sendto(attempt.nonce, address)
        except OSError as error:
            if error.errno not in self.REFUSED:
                sock.close()
                raise
            attempt.result = False
        return attempt

    @staticmethod
    def _aim(sock, family, text, device):
        """Makes groups and broadcast addresses leave by the interface, as far as routers go."""
        if text not in GROUPS[family]:
            return
        if family == 4:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
            if text not in BROADCASTS:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                                struct.pack("=8xi", socket.if_nametoindex(device)))
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(device))

    def _await(self, poll, waiting):
        """Until nothing has happened for a while."""
        end = time.monotonic() + self.GRACE
        while waiting:
            ready = poll.poll(max(0, end - time.monotonic()) * 1000)
            if not ready:
                break
            for number, _ in ready:
                poll.unregister(number)
                attempt = waiting.pop(number)
                result = attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if result not in (0, *self.REFUSED):
                    raise OSError(result, "connect")
                attempt.result = result == 0
            end = time.monotonic() + self.GRACE
        self.silent += len(waiting)

    def _receive(self, attempts):
        """Takes connections and datagrams off the services' sockets."""
        nonces = {attempt.nonce: attempt for attempt in attempts if attempt.nonce}
        for service in {attempt.service for attempt in attempts}:
            for _, _, sock in self.host.services[service]:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    while True:
                        if service[0] == "tcp":
                            sock.accept()[0].close()
                        else:
                            nonces[sock.recv(64)].result = True


# What the contract says of the same host, from the local routing table: a test of the oracle and the contract.


class Contract:
    def __init__(self, host):
        self.table = host.local_table("local")
        self.broadcasts = {text for _, text, _, _ in host.local_table("broadcast")} | {"255.255.255.255"}
        self.there, self.up, self.without = host.interfaces()

    def _rows(self, family, device):
        """What a socket on the interface may be reached at: Linux takes any address on any interface, but for loopback
        addresses, which are lo's, and link-local ones of IPv6. The host itself comes to an address by its interface."""
        for row_family, text, length, row_device in self.table:
            if row_family != family:
                continue
            if device is None or row_device == device or (
                    device != "lo" and scope_of(text) != "loopback" and not text.startswith("fe80:")):
                yield text, length

    def width(self, family, device=None):
        return wider("none", *(scope_of(text) for text, _ in self._rows(family, device)))

    def _is_local(self, family, text, device):
        return any(ipaddress.ip_address(text) in ipaddress.ip_network("%s/%d" % row)
                   for row in self._rows(family, device))

    def reach(self, protocol, text, options, family):
        host, _, zone = text.partition("%")
        device = options.get("device") or zone or None
        if family not in self.accepts(host, options):
            return "none"
        host = host.replace("::ffff:", "")
        if device and device not in self.up or family == 6 and device in self.without:
            return "none"
        if host in GROUPS[family]:
            if protocol == "tcp" or host in BROADCASTS and host not in self.broadcasts:
                return "none"
            reach = scope_of(host)
        elif host in WILDCARDS:
            reach = self.width(family, device)
        else:
            reach = scope_of(host) if self._is_local(family, host, device) else "none"
        return narrower(reach, "loopback") if device == "lo" else reach

    @staticmethod
    def accepts(host, options):
        if ":" not in host or host.startswith("::ffff:"):
            return (4,)
        return (4, 6) if host == "::" and not options.get("v6only") else (6,)

    def service(self, protocol, opened):
        return {family: wider(*(self.reach(protocol, text, options, family) for text, options, _ in opened))
                for family in FAMILIES}

    def leaves_open(self, protocol, opened):
        """What the contract says nothing of, in words; None where it says all."""
        for text, options, _ in opened:
            host, _, zone = text.partition("%")
            device = options.get("device") or zone or None
            for family in self.accepts(host, options):
                scope = scope_of(host)
                if host in GROUPS[family] and narrower(self.width(family, device), scope) != scope:
                    return "a group that reaches farther than the host's addresses"
                if device == "lo" and {row for row, _ in self._rows(family, "lo")} in ({prefix} for prefix in ANYIP):
                    return "bound to lo, which has none but AnyIP addresses"
            if protocol == "udp" and device in self.there and device not in self.up:
                return "UDP bound to an interface that is down, which the host itself reaches"
        return None
