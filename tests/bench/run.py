#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""The benchmark: "make bench" runs it. What check_dualstack costs beside what the kernel, ss and netstat cost.

For each N it makes a network namespace with a table of connections of its own, has load.c build N TCP sockets there
(half of them v4-mapped on ten ports, the other half their AF_INET clients), runs the competitors in turns and prints
medians and ratios in Markdown. So it does with 200 turns in a namespace that is almost empty, and in the cases of cases.py,
whose sizes are at most the largest N.

Counts are asserted: a wrong one ends it with status 1. Times never are. Status 77: no namespace is to be had here.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time

import cases
from measure import (
    BUSY_PORTS,
    QUIET_PORT,
    SYSCTL,
    Load,
    both_ratios,
    expect,
    fail,
    output,
    perfdata,
    progress,
    rounds_for,
    rounds_run,
    sysctl_write,
    table,
    tool,
)

HERE = os.path.dirname(os.path.abspath(__file__))
IN_NAMESPACE = os.path.join(HERE, "..", "netns", "in_namespace.sh")

BUSY = "check_dualstack, ten busy ports judged"
QUIET = "check_dualstack, one quiet port judged"
FULL = "check_dualstack --perfdata=full, ten busy ports"
JSON = "check_dualstack --format=json, ten busy ports"
PLAIN = "check_dualstack, no policy"
BEFORE = "the version before, no policy"
PROCFS = "check_dualstack --source=procfs, ten busy ports"
FLOOR = "the floor: the ten busy ports' answer, thrown away"
DUMP = "what ss asks for, thrown away: no filter"
WALK = "the empty walk: a filter that rejects all"
SS_SIX = "ss -tanH6 state established"
SS_ALL = "ss -tanH"
NETSTAT = "netstat -tan"

TABLE_BEGIN = "<!-- make bench --write: begin -->"
TABLE_END = "<!-- make bench --write: end -->"


# --- in the namespace -------------------------------------------------------------------------------------------------


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
    commands = {
        PLAIN: [options.program],
        BEFORE: [options.before] if options.before else None,
        WALK: [options.floor, "none"],
        SS_ALL: tool("ss", "-tanH"),
    }
    average = os.getloadavg()[0]
    progress(f"almost empty: {options.empty_runs} round(s) ...")
    with Load(options, 1):
        results = rounds_run(options, commands, options.empty_runs)
    return {"sockets": 0, "rounds": options.empty_runs, "average": average, "results": results}


# --- outside ----------------------------------------------------------------------------------------------------------


def in_namespace(options, sockets, case=""):
    """Measures in namespaces of their own, so that nothing of one measurement is left for the next."""
    stage = ["--stage=nest", "--case=" + case]
    done = subprocess.run(
        [IN_NAMESPACE, sys.executable, os.path.abspath(__file__), *stage, *options.words, str(sockets)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        sys.exit(done.returncode)
    return json.loads(done.stdout)


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
        *table([*HEADER, "of `ss -tanH`", "of the version before"], result_rows(measured, [SS_ALL, BEFORE])),
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


def report(options, busy, many, empty):
    sockets = " ".join(str(measured["sockets"]) for measured in busy)
    lines = [
        f"Measured {time.strftime('%Y-%m-%d', time.gmtime())} on {machine()}. Again: `make bench N=\"{sockets}\"`"
        + (f" with `ROUNDS={options.rounds}`." if options.rounds else "."),
        "",
        *goal_lines(busy, empty),
        *cases.case_lines(many, empty["results"][PLAIN]["cpu"]),
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
    parser.add_argument("--before", metavar="PROGRAM", help="another version, for the almost empty namespace")
    parser.add_argument("--write", metavar="FILE", help="also put the tables into FILE, between its marks")
    parser.add_argument("--stage", choices=["nest", "measure"], help=argparse.SUPPRESS)
    parser.add_argument("--case", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if any(sockets < 20 and not options.stage for sockets in options.sockets):
        parser.error("N is the number of TCP sockets: 20 or more")
    options.words = [f"--{name}={getattr(options, name)}" for name in ("program", "load", "floor", "stopwatch")]
    options.words += [f"--rounds={options.rounds}", f"--empty-runs={options.empty_runs}"]
    options.words += [f"--before={os.path.abspath(options.before)}"] if options.before else []
    return options


def measure(options, sockets):
    if options.case:
        return cases.case_measure(options, options.case, sockets)
    return busy_measure(options, sockets) if sockets else empty_measure(options)


def main():
    options = arguments_parse()
    os.environ["LC_ALL"] = "C"
    if options.stage == "nest":
        namespace_nest(["--case=" + options.case, *options.words, str(options.sockets[0])])
    if options.stage == "measure":
        print(json.dumps(measure(options, options.sockets[0])))
        return
    empty = in_namespace(options, 0)
    many = [in_namespace(options, max(options.sockets), name) for name in cases.CASES]
    busy = [in_namespace(options, sockets) for sockets in sorted(options.sockets)]
    lines = report(options, busy, [case for case in many if case], empty)
    print("\n".join(lines))
    if options.write:
        table_write(options.write, lines)


if __name__ == "__main__":
    main()
