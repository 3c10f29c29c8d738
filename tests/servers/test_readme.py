# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: icinga2-bin icinga2-common iproute2 nagios-nrpe-plugin nagios-nrpe-server python3 util-linux
"""The set-ups of README.md, unchanged, on real servers.

A block (fenced, or indented by four) is taken that follows a line

    <!-- tests/servers/test_readme.py: NAME -->

and blank lines. In a transcript the lines "$ COMMAND" are run, and must print the lines below them.
"""

import os
import re
import subprocess
import unittest

import hosts  # before dualstack, which it finds
import icinga
import nrpe
import dualstack

MARK = re.compile(r"<!-- tests/servers/test_readme\.py: (\S+) -->")


def block_of(lines):
    """The first block of the lines, as its text: fenced or indented, else nothing."""
    lines = list(lines)
    while lines and not lines[0].strip():
        lines.pop(0)
    block = []
    if lines and lines[0].startswith("```"):
        for line in lines[1:]:
            if line.startswith("```"):
                break
            block.append(line)
    else:
        for line in lines:
            if line.strip() and not line.startswith("    "):
                break
            block.append(line[4:])
    return "\n".join(block).rstrip("\n") + "\n"


def blocks():
    """The marked blocks of README.md by name."""
    lines = hosts.read(os.path.join(hosts.TOP_SRCDIR, "README.md")).splitlines()
    marks = [(index, MARK.fullmatch(line)) for index, line in enumerate(lines)]
    return {mark[1]: block_of(lines[index + 1:]) for index, mark in marks if mark}


def commands(transcript):
    """Its commands, each with what it prints."""
    steps = re.split(r"^\$ (.*)\n", transcript, flags=re.MULTILINE)[1:]
    return list(zip(steps[::2], steps[1::2]))


def resolve(addresses):
    """Names for the hosts of a test, in the place of the machine's file."""
    path = os.path.join(dualstack.temporary_folder(), "hosts")
    hosts.write(path, "127.0.0.1 localhost\n" + "".join("%s %s\n" % (address, name) for name, address in addresses))
    subprocess.run(["mount", "--bind", path, "/etc/hosts"], check=True)


class ReadmeCase(unittest.TestCase):
    maxDiff = None

    def block(self, name):
        found = blocks()
        self.assertIn(name, found, "README.md has no such mark")
        self.assertTrue(found[name].strip(), "README.md has no block behind the mark of " + name)
        return found[name]

    def prints_what_it_says(self, transcript):
        """As an administrator's shell that finds the plugins."""
        environment = dict(hosts.BARE_ENVIRONMENT, PATH=hosts.PLUGINS + ":" + hosts.BARE_ENVIRONMENT["PATH"])
        steps = commands(transcript)
        self.assertTrue(steps, "no command in:\n" + transcript)
        for command, output in steps:
            done = subprocess.run(command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, env=environment, cwd="/", check=False)
            self.assertEqual(done.stdout.decode("utf-8"), output, command)


class Nrpe(ReadmeCase):
    """web1 is as it should be, on web2 443 has no IPv6. Marks: nrpe.d (the file for NRPE), nrpe (what check_nrpe
    prints), and policy where nrpe.d names /etc/nagios/dualstack.conf."""

    HOSTS = (("web1", "192.0.2.11"), ("web2", "192.0.2.12"))

    def test_nrpe(self):
        # Nothing that packaging/ has for these places.
        files = {"nrpe.d/dualstack.cfg": self.block("nrpe.d"), "dualstack.conf": blocks().get("policy", "")}
        resolve(self.HOSTS)
        for name, address in self.HOSTS:
            host = nrpe.NrpeHost(name, address, files)
            self.addCleanup(host.close)
            host.listen("ssh.service", "0.0.0.0:22", "[::]:22")
            host.listen("nginx.service", "[::]:80 dual")
            host.listen("nginx.service", *(["0.0.0.0:443"] if name == "web2" else ["0.0.0.0:443", "[::]:443"]))
        self.prints_what_it_says(self.block("nrpe"))


class Icinga(ReadmeCase):
    """The rule on the host that Debian's Icinga has as an example. Mark: icinga."""

    def result(self):
        results = icinga.results_of(self.block("icinga"))
        self.assertEqual(len(results), 1, results)
        [(_, result)] = results.items()
        return result

    def test_icinga(self):
        services = hosts.Services()
        self.addCleanup(services.close)
        services.listen("ssh.service", "0.0.0.0:22", "[::]:22")
        services.listen("nginx.service", "[::]:80 dual", "0.0.0.0:443")
        state, line, more, _ = self.result()
        self.assertEqual((state, line), ("CRITICAL", "DUALSTACK CRITICAL: 1 of 3 services off policy. "
                                                     "web 443/tcp is v4-only, must be dual-stack"))
        self.assertIn("nothing accepts IPv6, only 0.0.0.0:443 (nginx.service)", more)
        services.listen("nginx.service", "[::]:443")
        state, line, more, metrics = self.result()
        self.assertEqual((state, line, more), ("OK", "DUALSTACK OK: 3 services on policy, 0 v4-mapped connections", ""))
        self.assertEqual(metrics, ["mapped=0;;;0", "violations=0;0;0;0", "unlisted=0;;;0", "ssh_mapped=0;;;0",
                                   "web_mapped=0;;;0"])


if __name__ == "__main__":
    dualstack.main()
