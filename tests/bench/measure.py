# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What all cases of the benchmark share: to run commands in turns, to compare their costs, to check their counts."""

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys

SYSCTL = "/proc/sys/net/ipv4/"

BUSY_PORTS = list(range(10000, 11000, 100))
QUIET_PORT = 11000


def progress(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    progress("bench: " + text)
    sys.exit(1)


def tool(name, *arguments):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    return [path, *arguments] if path else None


def stop(options, command, wanted=0):
    """Runs the command once. Returns wall milliseconds, CPU milliseconds, peak KiB."""
    done = subprocess.run([options.stopwatch, *command], stdout=subprocess.PIPE, text=True, check=True)
    wall, cpu, peak, status = map(int, done.stdout.split())
    if status != wanted:
        fail(f"exit status {status}: {' '.join(command)}")
    return wall / 1e6, cpu / 1e3, peak


def rounds_run(options, commands, rounds, statuses=None):
    """In turns, and each round another one goes first, so that none always follows the same one. `statuses` has the exit
    status of those that do not end with 0."""
    names = [name for name, command in commands.items() if command]
    samples = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            samples[name].append(stop(options, commands[name], (statuses or {}).get(name, 0)))
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


def output(command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout


def expect(what, found, wanted):
    if found != wanted:
        fail(f"wrong count of {what}: {found} instead of {wanted}")


def perfdata(command):
    text = output(command).decode()
    return {label: int(value) for label, value in re.findall(r"([\w-]+)=(\d+);", text.partition("|")[2])}


def ratio(results, name, other, key):
    if name not in results or other not in results or results[other][key] == 0:
        return "-"
    return f"{results[name][key] / results[other][key]:.2f}"


def both_ratios(results, name, other):
    return f"{ratio(results, name, other, 'wall')} / {ratio(results, name, other, 'cpu')}"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def sysctl_write(name, value):
    """What the kernel or the sandbox does not have stays as it is."""
    with contextlib.suppress(OSError), open(SYSCTL + name, "w", encoding="ascii") as file:
        file.write(str(value))


def rounds_for(options, sockets):
    return options.rounds or max(5, min(31, 2_000_000 // sockets)) | 1


class Load:
    """load.c, while it holds its connections."""

    def __init__(self, options, connections, *kind):
        words = [str(connections), *kind, *map(str, BUSY_PORTS), "quiet", str(QUIET_PORT)]
        self.process = subprocess.Popen(
            [options.load, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
