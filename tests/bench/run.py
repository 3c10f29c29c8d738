#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""The benchmark: "make bench" runs it. What check_dualstack costs beside what the kernel, ss and netstat cost.

For each N it makes a network namespace with a table of connections of its own, has load.c build N TCP sockets there
(half of them v4-mapped on ten ports, the other half their AF_INET clients), runs the competitors in turns and prints
medians and ratios in Markdown. Then 200 turns in a namespace that is almost empty.

Counts are asserted: a wrong one ends it with status 1. Times never are. Status 77: no namespace is to be had here.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
IN_NAMESPACE = os.path.join(HERE, "..", "netns", "in_namespace.sh")
SYSCTL = "/proc/sys/net/ipv4/"

BUSY_PORTS = list(range(10000, 11000, 100))
QUIET_PORT = 11000

BUSY = "check_dualstack, ten busy ports judged"
QUIET = "check_dualstack, one quiet port judged"
FULL = "check_dualstack --perfdata=full, ten busy ports"
JSON = "check_dualstack --format=json, ten busy ports"
PLAIN = "check_dualstack, no policy"
PROCFS = "check_dualstack --source=procfs, ten busy ports"
FLOOR = "the floor: the ten busy ports' answer, thrown away"
DUMP = "what ss asks for, thrown away: no filter"
WALK = "the empty walk: a filter that rejects all"
SS_SIX = "ss -tanH6 state established"
SS_ALL = "ss -tanH"
NETSTAT = "netstat -tan"

TABLE_BEGIN = "<!-- make bench --write: begin -->"
TABLE_END = "<!-- make bench --write: end -->"


def progress(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    progress("bench: " + text)
    sys.exit(1)


# --- in the namespace -------------------------------------------------------------------------------------------------


def sysctl_write(name, value):
    """What the kernel or the sandbox does not have stays as it is."""
    with contextlib.suppress(OSError), open(SYSCTL + name, "w", encoding="ascii") as file:
        file.write(str(value))


def sysctl_read(name):
    try:
        with open(SYSCTL + name, encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []


def namespace_nest(arguments):
    """A namespace shares the machine's table of connections, and every walk goes over those of all others too. One made
    inside a namespace that says so has a table of its own (Linux 6.1); it gets one of the machine's size."""
    buckets = sysctl_read("tcp_ehash_entries")
    if buckets:
        sysctl_write("tcp_child_ehash_entries", abs(int(buckets[0])))
    os.execv(IN_NAMESPACE, [IN_NAMESPACE, sys.executable, os.path.abspath(__file__), "--stage=measure", *arguments])


def rules(ports, requirement="dual-stack"):
    return [word for port in ports for word in ("-r", f"{port} {requirement}")]


def tool(name, *arguments):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    return [path, *arguments] if path else None


def competitors(options):
    ours = [options.program, "-t", "120"]
    ports = [str(port) for port in BUSY_PORTS]
    busy = rules(BUSY_PORTS)
    return {
        BUSY: [*ours, *busy],
        QUIET: [*ours, *rules([QUIET_PORT])],
        FULL: [*ours, "--perfdata=full", *busy],
        JSON: [*ours, "--format=json", *busy],
        PLAIN: ours,
        # Without v6only it cannot be told whether they are dual-stack.
        PROCFS: [*ours, "--source=procfs", *rules(BUSY_PORTS, "v6")],
        FLOOR: [options.floor, *ports],
        DUMP: [options.floor, "all"],
        WALK: [options.floor, "none"],
        SS_SIX: tool("ss", "-tanH6", "state", "established"),
        SS_ALL: tool("ss", "-tanH"),
        NETSTAT: tool("netstat", "-tan"),
    }


def stop(options, command):
    """Runs the command once. Returns wall milliseconds, CPU milliseconds, peak KiB."""
    done = subprocess.run([options.stopwatch, *command], stdout=subprocess.PIPE, text=True, check=True)
    wall, cpu, peak, status = map(int, done.stdout.split())
    if status != 0:
        fail(f"exit status {status}: {' '.join(command)}")
    return wall / 1e6, cpu / 1e3, peak


def rounds_run(options, commands, rounds):
    """In turns, and each round another one goes first, so that none always follows the same one."""
    names = [name for name, command in commands.items() if command]
    samples = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            samples[name].append(stop(options, commands[name]))
    return {name: summary(samples[name]) for name in names}


def summary(samples):
    walls = [sample[0] for sample in samples]
    quarters = statistics.quantiles(walls, n=4, method="inclusive") if len(walls) > 1 else walls * 3
    return {
        "wall": statistics.median(walls),
        "spread": (quarters[2] - quarters[0]) / statistics.median(walls),
        "cpu": statistics.median(sample[1] for sample in samples),
        "peak": statistics.median(sample[2] for sample in samples),
    }


class Load:
    """load.c, while it holds its connections."""

    def __init__(self, options, connections):
        words = [str(port) for port in (connections, *BUSY_PORTS)]
        self.process = subprocess.Popen(
            [options.load, *words, "quiet", str(QUIET_PORT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        ready = self.process.stdout.readline()
        if not ready.startswith(f"READY connections={connections} "):
            fail("no load: " + ready)
        self.ports = {int(port): int(count) for port, count in re.findall(r" (\d+)=(\d+)", ready)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def output(command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout


def expect(what, found, wanted):
    if found != wanted:
        fail(f"wrong count of {what}: {found} instead of {wanted}")


def perfdata(command):
    text = output(command).decode()
    return {label: int(value) for label, value in re.findall(r"([\w-]+)=(\d+);", text.partition("|")[2])}


def counts_check(commands, load):
    """The counts of every mode, and that the load is what it says, by ss."""
    connections = sum(load.ports.values())
    busy = {f"tcp_{port}_mapped": load.ports[port] for port in BUSY_PORTS}
    totals = {"mapped": connections, "violations": 0, "unlisted": 0}
    none = {f"tcp_{port}_{family}": 0 for port in BUSY_PORTS for family in ("v4", "v6")}

    expect(BUSY, perfdata(commands[BUSY]), {**totals, **busy})
    expect(PROCFS, perfdata(commands[PROCFS]), {**totals, **busy})
    expect(QUIET, perfdata(commands[QUIET]), {**totals, "mapped": 0, f"tcp_{QUIET_PORT}_mapped": 0})
    expect(FULL, perfdata(commands[FULL]), {**totals, "mapped_out": 0, **busy, **none})
    expect(PLAIN, perfdata(commands[PLAIN]), totals)
    told = json.loads(output(commands[JSON]))
    expect(JSON, [told["totals"][name] for name in ("mapped", "mapped_out")], [connections, 0])
    expect(
        JSON,
        {service["port"]: service["connections"] for service in told["services"]},
        {port: {"ipv4": 0, "ipv4_mapped": count, "ipv6": 0} for port, count in load.ports.items()},
    )
    if commands[SS_SIX]:
        expect(SS_SIX, output(commands[SS_SIX]).count(b"\n"), connections)
    if commands[SS_ALL]:
        expect(SS_ALL, output(commands[SS_ALL]).count(b"\n"), 2 * connections + len(load.ports))


def rounds_for(options, sockets):
    return options.rounds or max(5, min(31, 2_000_000 // sockets)) | 1


def busy_measure(options, sockets):
    rounds = rounds_for(options, sockets)
    average = os.getloadavg()[0]
    sysctl_write("ip_local_port_range", "32768 60999")
    commands = competitors(options)
    with Load(options, sockets // 2) as load:
        counts_check(commands, load)
        progress(f"{sockets} sockets: counts are exact, {rounds} round(s) ...")
        results = rounds_run(options, commands, rounds)
        counts_check(commands, load)
    return {"sockets": sockets, "rounds": rounds, "average": average, "results": results}


def empty_measure(options):
    commands = {PLAIN: [options.program], WALK: [options.floor, "none"], SS_ALL: tool("ss", "-tanH")}
    average = os.getloadavg()[0]
    progress(f"almost empty: {options.empty_runs} round(s) ...")
    with Load(options, 1):
        results = rounds_run(options, commands, options.empty_runs)
    return {"sockets": 0, "rounds": options.empty_runs, "average": average, "results": results}


# --- outside ----------------------------------------------------------------------------------------------------------


def in_namespace(options, sockets):
    """Measures in namespaces of their own, so that nothing of one measurement is left for the next."""
    done = subprocess.run(
        [IN_NAMESPACE, sys.executable, os.path.abspath(__file__), "--stage=nest", *options.words, str(sockets)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        sys.exit(done.returncode)
    return json.loads(done.stdout)


def ratio(results, name, other, key):
    if name not in results or other not in results or results[other][key] == 0:
        return "-"
    return f"{results[name][key] / results[other][key]:.2f}"


def both_ratios(results, name, other):
    return f"{ratio(results, name, other, 'wall')} / {ratio(results, name, other, 'cpu')}"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def result_rows(measured, others):
    results = measured["results"]
    for name, result in results.items():
        yield [
            name,
            f"{result['wall']:.1f}",
            f"{100 * result['spread']:.0f} %",
            f"{result['cpu']:.1f}",
            f"{result['peak']:.0f}",
            *(both_ratios(results, name, other) for other in others),
        ]


HEADER = ["what", "wall ms", "spread", "CPU ms", "peak KiB"]


def busy_lines(measured):
    sockets = measured["sockets"]
    return [
        f"### {sockets:,} TCP sockets, {sockets // 2:,} of them v4-mapped on ten judged ports",
        "",
        f"Medians of {measured['rounds']}; load average before: {measured['average']:.1f}. Ratios: wall / CPU.",
        "",
        *table(
            [*HEADER, "of the floor", "of the empty walk", "of `ss -tanH6 state established`"],
            result_rows(measured, [FLOOR, WALK, SS_SIX]),
        ),
        "",
    ]


def empty_lines(measured):
    return [
        "### An almost empty namespace: one connection, eleven listeners",
        "",
        f"Medians of {measured['rounds']}; load average before: {measured['average']:.1f}. Ratios: wall / CPU.",
        "",
        *table([*HEADER, "of `ss -tanH`"], result_rows(measured, [SS_ALL])),
        "",
    ]


def goal_lines(busy, empty):
    """What the project wants of 1,000,000 sockets, and what was found at each number."""
    columns = [measured["results"] for measured in busy]
    peaks = [results[BUSY]["peak"] for results in columns]

    def row(what, name, other):
        return [what, *(both_ratios(results, name, other) for results in columns)]

    rows = [
        row("ten busy ports: at most 1.10 of the floor", BUSY, FLOOR),
        row("ten busy ports: at most 0.45 of `ss -tanH6 state established`", BUSY, SS_SIX),
        row("one quiet port: at most 1.25 of the empty walk", QUIET, WALK),
        ["peak memory: at most 4,096 KiB", *(f"{peak:.0f}" for peak in peaks)],
        ["and within 256 KiB of each other", *(f"{peak - peaks[0]:+.0f}" for peak in peaks)],
    ]
    almost = both_ratios(empty["results"], PLAIN, SS_ALL)
    header = ["goal at 1,000,000 sockets; found, wall / CPU", *(f"{measured['sockets']:,}" for measured in busy)]
    return [
        *table(header, rows),
        "",
        f"In an almost empty namespace: at most 1.00 of `ss -tanH`; found {almost}. Counts: exact at every number.",
        "",
    ]


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = ".".join(platform.release().split(".")[:2])
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {kernel}"


def report(options, busy, empty):
    sockets = " ".join(str(measured["sockets"]) for measured in busy)
    lines = [
        f"Measured {time.strftime('%Y-%m-%d', time.gmtime())} on {machine()}. Again: `make bench N=\"{sockets}\"`"
        + (f" with `ROUNDS={options.rounds}`." if options.rounds else "."),
        "",
        *goal_lines(busy, empty),
    ]
    for measured in busy:
        lines += busy_lines(measured)
    return lines + empty_lines(empty)


def table_write(path, lines):
    with open(path, encoding="utf-8") as file:
        before, begin, rest = file.read().partition(TABLE_BEGIN)
    _, end, after = rest.partition(TABLE_END)
    if not begin or not end:
        fail(f"{path} has no lines {TABLE_BEGIN} and {TABLE_END}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + begin + "\n" + "\n".join(lines) + end + after)


def arguments_parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sockets", metavar="N", type=int, nargs="*", default=[10000, 100000])
    for name in ("program", "load", "floor", "stopwatch"):
        parser.add_argument("--" + name, required=True, type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=0, metavar="ROUNDS", help="default: 5 to 31, by N")
    parser.add_argument("--empty-runs", type=int, default=200, metavar="RUNS")
    parser.add_argument("--write", metavar="FILE", help="also put the tables into FILE, between its marks")
    parser.add_argument("--stage", choices=["nest", "measure"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if any(sockets < 20 and not options.stage for sockets in options.sockets):
        parser.error("N is the number of TCP sockets: 20 or more")
    options.words = [f"--{name}={getattr(options, name)}" for name in ("program", "load", "floor", "stopwatch")]
    options.words += [f"--rounds={options.rounds}", f"--empty-runs={options.empty_runs}"]
    return options


def main():
    options = arguments_parse()
    os.environ["LC_ALL"] = "C"
    if options.stage == "nest":
        namespace_nest([*options.words, str(options.sockets[0])])
    if options.stage == "measure":
        sockets = options.sockets[0]
        print(json.dumps(busy_measure(options, sockets) if sockets else empty_measure(options)))
        return
    empty = in_namespace(options, 0)
    lines = report(options, [in_namespace(options, sockets) for sockets in sorted(options.sockets)], empty)
    print("\n".join(lines))
    if options.write:
        table_write(options.write, lines)


if __name__ == "__main__":
    main()
