# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""The cases where it is not connections that are many: listeners, addresses on one port, rules, ranges, owners, addresses
of the host; and connections that none of AF_INET6 is among. Each has a size of its own, or N where that is less."""

import contextlib
import dataclasses
import json
import os
import resource
import socket
import subprocess
import tempfile
import typing

from measure import Load, expect, fail, output, perfdata, progress, ratio, rounds_for, rounds_run, sysctl_write, table, tool

FIRST_PORT = 1024
UDP_PORT = 5353
USERS_FIRST = 20000

SS_LISTENERS = "ss -tulnH"
SS_UDP = "ss -uanH"
WALK = "the empty walk"
CHECK = "no policy"
CLOSED = "default closed"
JSON = "--format=json"
LEARN = "--learn"
CAPTURE = "--capture"
LIST = "--list"
RULES = "many rules"
RANGES = "20 ranges"
MANY_RANGES = "many ranges"

# `default closed` where something listens.
STATUSES = {CLOSED: 2}


# --- loads ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def held(count, make):
    """What make(0) to make(count - 1) return, held by as many processes as the limit of descriptors takes."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    each = most - 64
    ready, done = os.pipe()
    wait, hold = os.pipe()
    children = []
    for first in range(0, count, each):
        child = os.fork()
        if child == 0:
            os.close(hold)
            sockets = [make(number) for number in range(first, min(first + each, count))]
            os.write(done, b"x")
            os.read(wait, 1)
            os._exit(len(sockets) == 0)
        children.append(child)
    os.close(done)
    for _ in children:
        if os.read(ready, 1) != b"x":
            fail("a load ended early")
    try:
        yield
    finally:
        os.close(hold)
        for child in children:
            os.waitpid(child, 0)


def tcp_listener(number):
    """On [::], and open to IPv4."""
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", FIRST_PORT + number))
    listener.listen(1)
    return listener


def udp_socket(number):
    """Each on an address of its own of 127.0.0.0/8, which needs no privilege."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((f"127.1.{number // 250}.{1 + number % 250}", UDP_PORT))
    return sock


def user_listener(number):
    os.seteuid(USERS_FIRST + number)
    try:
        return tcp_listener(number)
    finally:
        os.seteuid(0)


def cgroup_mount():
    """Where the cgroup2 tree is mounted, None where this process may not make cgroups there."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4] for line in file if line.partition(" - ")[2].startswith("cgroup2 ")]
    return next((point for point in points if os.access(point, os.W_OK) and os.geteuid() == 0), None)


@contextlib.contextmanager
def cgroups(count):
    """A listener in each of so many cgroups: of the one that its process is in when it is made."""
    parent = tempfile.mkdtemp(prefix="check_dualstack_bench_", suffix=".slice", dir=cgroup_mount())
    paths = [os.path.join(parent, f"bench-{number}.service") for number in range(count)]

    def make(number):
        with open(os.path.join(paths[number], "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")
        return tcp_listener(number)

    try:
        for path in paths:
            os.mkdir(path)
        with held(count, make):
            yield
    finally:
        for path in paths:
            os.rmdir(path)
        os.rmdir(parent)


@contextlib.contextmanager
def host_addresses(options, count):
    batch = "".join(f"address add 198.18.{number // 250}.{1 + number % 250}/32 dev lo\n" for number in range(count))
    subprocess.run([*tool("ip"), "-batch", "-"], input=batch, text=True, check=True)
    with Load(options, 1):
        yield


# --- cases ------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Beside:
    """A command of another case, or "empty", that one is compared with besides the reference."""

    text: str
    case: str
    command: str
    difference: bool = False  # in milliseconds, in place of a ratio


@dataclasses.dataclass
class Case:
    title: str  # with its size
    most: int
    load: typing.Callable  # of the options and the size: a context
    commands: typing.Callable  # of the same
    check: typing.Callable  # of the commands and the size: the counts are right, or it fails
    reference: str  # the command that the others are compared with
    goals: dict = dataclasses.field(default_factory=dict)  # of a command
    beside: dict = dataclasses.field(default_factory=dict)  # of a command
    possible: typing.Callable = lambda: True


def rules_file(lines):
    """A policy, which is gone when this process is."""
    file = tempfile.NamedTemporaryFile("w", prefix="check_dualstack.", suffix=".conf")  # pylint: disable=consider-using-with
    file.write("\n".join(lines) + "\n")
    file.flush()
    return file


def ranges(size, count):
    each = size // count
    firsts = [FIRST_PORT + number * each for number in range(count)]
    return [f"{first}-{first + each - 1} any name=r{first}" for first in firsts]


def listener_commands(options, size):
    ours = [options.program, "-t", "120"]
    options.policies = {
        RULES: rules_file(f"{FIRST_PORT + number} dual-stack as=bound" for number in range(min(size, 20000))),
        RANGES: rules_file(ranges(size, 20)),
        MANY_RANGES: rules_file(ranges(size, min(20000, size // 3))),
    }
    return {
        SS_LISTENERS: tool("ss", "-tulnH"),
        CHECK: ours,
        CLOSED: [*ours, "-r", "default closed"],
        JSON: [*ours, "--format=json"],
        LEARN: [*ours, "--learn"],
        CAPTURE: [*ours, "--capture"],
        LIST: [*ours, "--list"],
        **{name: [*ours, "--perfdata=totals", "-f", file.name] for name, file in options.policies.items()},
    }


def listeners_check(commands, size):
    expect(CHECK, f" {size} services listen" in output(commands[CHECK]).decode(), True)
    expect(CLOSED, perfdata(commands[CLOSED])["violations"], size)
    expect(JSON, len(json.loads(output(commands[JSON]))["services"]), size)
    expect(CAPTURE, len(json.loads(output(commands[CAPTURE]))["listeners"]), size)
    expect(LIST, output(commands[LIST]).count(b" LISTEN "), size)
    rules = [line for line in output(commands[LEARN]).split(b"\n") if line[:1].isdigit()]
    expect(LEARN, len(rules), size)


def owners_check(commands, size):
    services = json.loads(output(commands[JSON]))["services"]
    owners = {(listener["uid"], listener["unit"]) for service in services for listener in service["listeners"]}
    expect(JSON, len(owners), size)


def owners_commands(options, _):
    ours = [options.program, "-t", "120"]
    return {CHECK: ours, CLOSED: [*ours, "-r", "default closed"], JSON: [*ours, "--format=json"]}


def udp_check(commands, size):
    services = json.loads(output([*commands[CHECK], JSON]))["services"]
    expect(CHECK, [len(service["listeners"]) for service in services], [size])


def addresses_check(commands, _):
    expect(CHECK, json.loads(output([*commands[CHECK], JSON]))["addresses"]["ipv4"], "external")


def native_check(commands, size):
    report = json.loads(output([*commands[CHECK], JSON]))
    expect(CHECK, sum(service["connections"]["ipv4"] for service in report["services"]), size // 2)
    expect(CHECK, perfdata(commands[CHECK])["mapped"], 0)


def users_can_change():
    """Not in a user namespace that maps root alone."""
    with contextlib.suppress(OSError):
        os.seteuid(USERS_FIRST)
        os.seteuid(0)
        return True
    return False


UDP_CASE = {
    "title": "{:,} UDP sockets on one port",
    "load": lambda _, size: held(size, udp_socket),
    "commands": lambda options, _: {SS_UDP: tool("ss", "-uanH"), CHECK: [options.program, "-t", "120"]},
    "check": udp_check,
    "reference": SS_UDP,
}

OWNERS_CASE = {"commands": owners_commands, "check": owners_check, "reference": CHECK}

CASES = {
    "listeners": Case(
        title="{:,} listeners",
        most=64500,
        load=lambda _, size: held(size, tcp_listener),
        commands=listener_commands,
        check=listeners_check,
        reference=SS_LISTENERS,
        goals={CHECK: "1.2", CLOSED: "2.0", JSON: "5; 40,960 KiB", LEARN: "5", CAPTURE: "4", MANY_RANGES: "3"},
        beside={MANY_RANGES: Beside("{:.2f} of 20 ranges", "listeners", RANGES)},
    ),
    "udp-half": Case(**UDP_CASE, most=20000),
    "udp": Case(
        **UDP_CASE,
        most=40000,
        goals={CHECK: "1.5; 2.2"},
        beside={CHECK: Beside("{:.2f} of half as many", "udp-half", CHECK)},
    ),
    "native": Case(
        title="{:,} TCP sockets, none of AF_INET6",
        most=1000000,
        load=lambda options, size: Load(options, size // 2, "native"),
        commands=lambda options, _: {WALK: [options.floor, "none"], CHECK: [options.program, "-t", "120"]},
        check=native_check,
        reference=WALK,
        goals={CHECK: "1.5 of an empty host, if sound"},
        beside={CHECK: Beside("{:.1f} of an almost empty host", "empty", CHECK)},
    ),
    "cgroups": Case(
        **OWNERS_CASE,
        title="listeners of {:,} cgroups",
        most=500,
        load=lambda _, size: cgroups(size),
        possible=cgroup_mount,
    ),
    "users": Case(
        **OWNERS_CASE,
        title="listeners of {:,} users",
        most=300,
        load=lambda _, size: held(size, user_listener),
        possible=users_can_change,
    ),
    "addresses": Case(
        title="{:,} addresses of the host",
        most=3000,
        load=host_addresses,
        commands=lambda options, _: {CHECK: [options.program]},
        check=addresses_check,
        reference=CHECK,
        goals={CHECK: "4.0 ms more"},
        beside={CHECK: Beside("{:+.2f} ms beside an almost empty host", "empty", CHECK, difference=True)},
    ),
}


def case_size(name, sockets):
    """Half as many are half of what the other case then has."""
    if name == "udp-half":
        return case_size("udp", sockets) // 2
    return min(CASES[name].most, sockets)


def case_measure(options, name, sockets):
    """In the namespace: None where this user cannot have the load."""
    case, size = CASES[name], case_size(name, sockets)
    title = case.title.format(size)
    if not case.possible():
        progress(f"{title}: left out, as only root can have them")
        return None
    rounds = rounds_for(options, 20 * size)
    sysctl_write("ip_local_port_range", "32768 60999" if name == "native" else "65534 65535")
    with case.load(options, size):
        commands = case.commands(options, size)
        case.check(commands, size)
        progress(f"{title}: counts are exact, {rounds} round(s) ...")
        results = rounds_run(options, commands, rounds, STATUSES)
    return {"name": name, "title": title, "rounds": rounds, "results": results}


# --- the table --------------------------------------------------------------------------------------------------------


def beside_text(beside, result, cpu):
    other = cpu[beside.case, beside.command]
    return beside.text.format(result["cpu"] - other if beside.difference else result["cpu"] / other)


def case_rows(measured, empty_cpu):
    cpu = {(case["name"], command): result["cpu"] for case in measured for command, result in case["results"].items()}
    cpu["empty", CHECK] = empty_cpu
    for case in measured:
        definition = CASES[case["name"]]
        for command, result in case["results"].items():
            compared = ratio(case["results"], command, definition.reference, "cpu")
            beside = definition.beside.get(command)
            yield [
                case["title"],
                command,
                f"{result['cpu']:.1f}",
                f"{result['peak']:.0f}",
                f"{compared} of {definition.reference}" if command != definition.reference else "",
                beside_text(beside, result, cpu) if beside else "",
                definition.goals.get(command, ""),
            ]


def case_lines(measured, empty_cpu):
    rounds = sorted({case["rounds"] for case in measured})
    header = ["what there is", "run", "CPU ms", "peak KiB", "CPU time", "also", "goal: at most"]
    return [
        "### Many listeners, addresses, rules and owners",
        "",
        f"Medians of {rounds[0]} to {rounds[-1]}. Many rules are one a listener, at most 20,000; so many ranges share all ports.",
        "",
        *table(header, case_rows(measured, empty_cpu)),
        "",
    ]
