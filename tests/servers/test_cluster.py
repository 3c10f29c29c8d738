# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
# Packages: faketime hostname icinga2-bin icinga2-common iproute2 util-linux
"""doc/FLEET.md, step by step: a master and two agents, each on a machine (two namespaces) of its own.

The master is the sandbox of this test. The commands are the page's own, run on the machine that their prompt names, and
what the page shows as their output must come. systemd is not there: what would be its part is done here.
"""

import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import hosts  # before dualstack, which it finds
import dualstack
import icinga

PAGE = icinga.TOP_SRCDIR / "doc/FLEET.md"
MASTER = "icinga.example.org"
ADDRESSES = {MASTER: 1, "web1.example.org": 11, "db1.example.org": 12}
AGENTS = {"web1": "web1.example.org", "db1": "db1.example.org"}
SYSTEMD = pathlib.Path("/etc/systemd/system")
CERTIFICATES = "/var/lib/icinga2/certs/"
# The clock of all machines, to be moved on: some things Icinga does only minutes after its start.
CLOCK = "/run/clock"
FAKETIME = {"LD_PRELOAD": (glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") or [""])[0],
            "FAKETIME_TIMESTAMP_FILE": CLOCK, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def page():
    """The page's parts by number, from 1; the eighth is that without an agent.

    Each is ([machine, command, the output that is shown], {state: the rest of a first line that is shown}).
    """
    text = PAGE.read_text(encoding="utf-8")
    return {number: (commands(part), dict(re.findall(r"(?m)^\n    DUALSTACK (\w+): (.*)$", part)))
            for number, part in enumerate(re.split("(?m)^## ", text))}


def commands(part):
    """Each command of a part and what is shown right below it; a command with "<<END" goes on to a line END."""
    found = []
    more = shown = False
    for line in part.splitlines():
        indented = line.startswith("    ")
        prompt = re.match("    ([a-z0-9]+)# (.*)", line)
        if more:
            found[-1][1] += "\n" + line[4:]
            more = line != "    END"
        elif prompt:
            found.append([*prompt.groups(), ""])
            more = prompt.group(2).endswith("<<END")
        elif indented and shown:
            found[-1][2] += line[4:] + "\n"
        shown = indented and (prompt or shown)
    return found


def timeless(text):
    """Without the times of captures."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "-", text)


class TestCluster(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.parts = page()
        self.machines = {"icinga": icinga.Machine()}
        for short, name in AGENTS.items():
            self.machines[short] = icinga.OtherMachine(name)
            self.addCleanup(self.machines[short].close)
        self.join()
        self.nodes = {}
        for short, machine in self.machines.items():
            self.nodes[short] = icinga.Icinga(name=AGENTS.get(short, MASTER), machine=machine)
            self.addCleanup(self.stop, self.nodes[short])
        self.master = self.nodes["icinga"]
        self.folder = self.machines["icinga"].path("/run/fleet")
        self.folder.mkdir()
        self.machines["icinga"].run("mount", "-t", "tmpfs", "tmpfs", str(SYSTEMD))
        os.symlink(icinga.TOP_SRCDIR / "packaging", self.folder / "packaging")
        self.environment = {}
        self.services = ["dualstack", "dualstack-goal"]
        self.move_clocks(0)
        self.listen("web1", ("ssh.service", "0.0.0.0:22"), ("nginx.service", "[::]:80 dual", "0.0.0.0:443"))
        self.web1_ssh6 = self.listen("web1", ("ssh.service", "[::]:22"))
        self.listen("db1", ("ssh.service", "0.0.0.0:22", "[::]:22"), ("postgresql.service", "127.0.0.1:5432"))

    def join(self):
        """One link for all three, and names for their addresses."""
        hosts = "127.0.0.1 localhost\n::1 localhost\n" + "".join(
            "192.0.2.%d %s\n2001:db8::%d %s\n" % (number, name, number, name) for name, number in ADDRESSES.items())
        dualstack.ip("link add name fleet type bridge")
        self.address("icinga", "fleet", ADDRESSES[MASTER])
        for short, name in AGENTS.items():
            dualstack.ip("link add name %s type veth peer name eth0 netns %d" % (short, self.machines[short].pid))
            dualstack.ip("link set %s master fleet up" % short)
            self.address(short, "eth0", ADDRESSES[name])
        for short, machine in self.machines.items():
            machine.path("/run/hosts").write_text(hosts, encoding="ascii")
            machine.run("mount", "--bind", "/run/hosts", "/etc/hosts")

    def address(self, short, device, number):
        for words in ("link set %s up", "addr add 192.0.2.%d/24 dev %%s" % number,
                      "addr add 2001:db8::%d/64 dev %%s nodad" % number):
            self.machines[short].run("ip", *(words % device).split())

    def listen(self, short, *units):
        """Opens what units serve there; the sockets stay in the namespace that they were made in."""
        services = hosts.Services()
        self.addCleanup(services.close)
        with open("/proc/self/ns/net", "rb") as home, open("/proc/%d/ns/net" % self.machines[short].pid, "rb") as there:
            dualstack.libc("setns", there.fileno(), dualstack.CLONE_NEWNET)
            try:
                for unit in units:
                    services.listen(*unit)
            finally:
                dualstack.libc("setns", home.fileno(), dualstack.CLONE_NEWNET)
        return services

    # The page

    def follow(self, number):
        """Runs the commands of a part of the page."""
        for machine, command, shown in self.parts[number][0]:
            if machine == "web1":
                for short in AGENTS:
                    self.step(short, command.replace("web1", short), shown)
            else:
                self.step(machine, command, shown)

    def step(self, short, command, shown):
        node = self.nodes[short]
        if command == "systemctl restart icinga2":
            self.restart(node)
        elif command == "systemctl reload icinga2":
            node.reload()
        elif command == "icinga2 daemon -C":
            node.validate()
        elif command.startswith("export ICINGA2_API"):
            users = (node.folder / "conf.d/api-users.conf").read_text(encoding="utf-8")
            self.environment = dict(pair.split("=") for pair in command.split()[1:])
            self.environment["ICINGA2_API_PASSWORD"] = re.search('password = "(.+)"', users).group(1)
        elif command.startswith("systemctl enable --now "):
            self.assertIn("WantedBy=timers.target", (SYSTEMD / command.split()[-1]).read_text(encoding="utf-8"))
        elif command.startswith("systemctl start "):
            self.start(SYSTEMD / command.split()[-1])
        elif command.startswith("icinga2 pki sign-csr"):
            for agent, name in AGENTS.items():
                self.sign(agent, name, command.replace("web1.example.org", name))
        else:
            folder = self.folder if short == "icinga" else icinga.TOP_SRCDIR
            output = node.machine.run(
                "sh", "-c", 'cd "$0" && ' + command, str(folder), check=not shown,
                env={**os.environ, **self.environment, "PATH": "/usr/lib/nagios/plugins:" + os.environ["PATH"]}).stdout
            if shown:  # an answer that is not OK is an answer
                self.assertEqual(timeless(output), timeless(shown), command)

    def sign(self, agent, name, command):
        """What is carried from one machine to the other by hand."""
        there, here = self.machines[agent].path(CERTIFICATES), pathlib.Path(CERTIFICATES)
        shutil.copy(there / (name + ".csr"), here)
        shutil.chown(here / (name + ".csr"), "nagios", "nagios")
        self.machines["icinga"].run("sh", "-c", command)
        for file in (name + ".crt", "ca.crt"):
            shutil.copy(here / file, there)
            shutil.chown(there / file, "nagios", "nagios")

    def start(self, unit):
        """What systemd does with a service of type oneshot."""
        settings = dict(re.findall(r"(?m)^(\w+)=(.*)$", unit.read_text(encoding="utf-8")))
        variables = pathlib.Path(settings["EnvironmentFile"]).read_text(encoding="utf-8")
        self.machines["icinga"].run("runuser", "-u", settings["User"], "--", *settings["ExecStart"].split(), env={
            "PATH": os.environ["PATH"], **dict(line.split("=", 1) for line in variables.splitlines())})

    def stop(self, node):
        """Ends it, and tells what it logged when the test has failed."""
        node.stop()
        if self._outcome.result.failures or self._outcome.result.errors:
            print(node.name, node.said(), sep="\n", file=sys.stderr)

    def restart(self, node):
        node.stop()
        node.start(**FAKETIME)

    def move_clocks(self, seconds):
        for machine in self.machines.values():
            machine.path(CLOCK).write_text("+%d\n" % seconds, encoding="ascii")

    # What the master's API shows

    def connected(self):
        endpoints = self.master.attributes("endpoints")
        return all(endpoints[name]["connected"] for name in AGENTS.values())

    def verdicts(self):
        """Each service's (state, first line, long output, perfdata), judged now; an agent is the one that judged."""
        icinga.eventually("agents connected", self.connected)
        found = self.master.check('service.name != "dualstack-capture"')
        self.assertEqual(set(found), {name + "!" + which for name in AGENTS.values() for which in self.services})
        for name, entry in found.items():
            self.assertEqual(entry["last_check_result"]["check_source"], name.split("!")[0])
        return {name: icinga.result_of(entry) for name, entry in found.items()}

    def assertShown(self, part, verdict):
        """The page shows this state and first line in that part."""
        state, first = verdict[:2]
        self.assertEqual(timeless(first), timeless("DUALSTACK %s: %s" % (state, self.parts[part][1].get(state))))

    def test_page(self):
        self.follow(1)
        for short, node in self.nodes.items():
            if short in AGENTS:
                icinga.eventually(short + " runs with what the master gave it",
                                  lambda: node.said().count("Activated all objects") > 1)
        icinga.eventually("agents connected", self.connected)
        self.follow(2)
        self.follow(3)
        self.as_warnings()
        self.follow(4)
        self.with_a_waiver()
        self.web1_ssh6.sockets.close()
        self.follow(5)
        self.as_criticals()
        self.follow(6)
        self.after_a_change()
        self.follow(7)
        self.with_a_page()
        self.without_agent()

    def as_warnings(self):
        """Every host is judged by its own rules, and by its own sockets: the master has none of them."""
        found = self.verdicts()
        web1, db1 = found["web1.example.org!dualstack"], found["db1.example.org!dualstack"]
        self.assertEqual(web1[0], "WARNING")
        self.assertShown(3, web1)
        self.assertEqual(web1[2:], (
            "\\_[WARNING] https 443/tcp: v4-only, must be dual-stack: "
            "nothing accepts IPv6, only 0.0.0.0:443 (nginx.service)",
            ["mapped=0;;;0", "violations=1;0;1;0", "unlisted=0;;;0", "ssh_mapped=0;;;0", "icinga_mapped=0;;;0",
             "http_mapped=0;;;0", "https_mapped=0;;;0"]))
        self.assertEqual(db1, (
            "OK", "DUALSTACK OK: 3 services on policy, 0 v4-mapped connections", "",
            ["mapped=0;;;0", "violations=0;0;0;0", "unlisted=0;;;0", "ssh_mapped=0;;;0", "icinga_mapped=0;;;0",
             "db_mapped=0;;;0"]))
        for name, violations in (("web1", 4), ("db1", 2)):
            state, _, _, perfdata = found[AGENTS[name] + "!dualstack-goal"]
            self.assertEqual((state, perfdata), (
                "WARNING", ["mapped=0;;;0", "violations=%d;0;%d;0" % (violations, violations), "unlisted=%d;;;0" % violations]))
        self.assertEqual([port for port in (22, 80, 443, 5432) if self.machines["icinga"].listens(port)], [])

    def with_a_waiver(self):
        web1 = self.verdicts()["web1.example.org!dualstack"]
        self.assertEqual(web1[0], "OK")
        self.assertShown(4, web1)
        self.assertRegex(web1[2], r"^\\_\[OK\] https 443/tcp: waived until 2037-12-31, \d+ days left: v4-only, "
                                  r"must be dual-stack: .* note OPS-1234$")

    def as_criticals(self):
        found = self.verdicts()
        self.assertEqual(found["web1.example.org!dualstack"][0], "CRITICAL")
        self.assertShown(5, found["web1.example.org!dualstack"])
        self.assertEqual(found["db1.example.org!dualstack"][0], "OK")

    def after_a_change(self):
        """Every host is compared with its own baseline, which its rules do not matter for."""
        self.services.append("dualstack-drift")
        for name in AGENTS.values():
            self.assertRegex(" ".join(self.verdicts()[name + "!dualstack-drift"][:2]), r"^OK .* no change since \S+Z$")
        self.listen("web1", ("tomcat.service", "[::]:8080 dual"))
        found = self.verdicts()
        self.assertShown(6, found["web1.example.org!dualstack-drift"])
        self.assertRegex(found["web1.example.org!dualstack-drift"][2], r"^\\_\[WARNING\] 8080/tcp appeared: dual-stack on ")
        self.assertEqual(found["db1.example.org!dualstack-drift"][0], "OK")

    def with_a_page(self):
        [page_file] = pathlib.Path("/var/lib/icinga2/dualstack").glob("*.html")
        self.assertRegex(page_file.name, r"^\d{4}-\d\d-\d\d\.html$")
        text = page_file.read_text(encoding="utf-8")
        self.assertIn("2 of 2 expected, captured at ", text)
        for words in ("CRITICAL</b> web1.example.org: ", "OK</b> db1.example.org: ", "8080/tcp"):
            self.assertIn(words, text)
        self.assertEqual(os.stat("/etc/icinga2/dualstack/api").st_mode & 0o777, 0o600)

    def without_agent(self):
        name = "web1.example.org"
        before = self.master.attributes()[name + "!dualstack"]["last_check_result"]
        self.nodes["web1"].stop()
        icinga.eventually("no agent", lambda: not self.master.attributes("endpoints")[name]["connected"])
        # Asked for first, and nothing comes of it: what Icinga would say in its place came with the host's.
        self.ask_for("Service", name)
        host = self.master.check('host.name == "%s"' % name, "Host")[name]
        self.assertEqual(host["state"], 1, "DOWN")
        self.assertRegex(host["last_check_result"]["output"], "^Zone '%s' is not connected" % re.escape(name))
        self.assertEqual(self.master.attributes()[name + "!dualstack"]["last_check_result"], before)

        self.move_clocks(5 * 60 + 5)
        gone = self.master.check('host.name == "%s" && service.name == "dualstack"' % name)[name + "!dualstack"]
        self.assertEqual(icinga.result_of(gone), (
            "UNKNOWN", "Remote Icinga instance '%s' is not connected to '%s'" % (name, MASTER), "", None))
        self.assertIn("\n\n        %s\n\n" % gone["last_check_result"]["output"], PAGE.read_text(encoding="utf-8"))
        db1 = self.master.check('host.name == "db1.example.org" && service.name == "dualstack"')
        self.assertEqual(icinga.result_of(db1["db1.example.org!dualstack"])[0], "OK")

        for file in (self.folder / "captures").iterdir():
            file.unlink()
        command, shown = next((command, shown) for _, command, shown in self.parts[8][0] if "captures.py" in command)
        self.step("icinga", command, shown)
        self.assertEqual(os.listdir(self.folder / "captures"), ["db1.example.org.json"])

        self.restart(self.nodes["web1"])
        self.assertEqual(self.verdicts()[name + "!dualstack"][0], "CRITICAL")

    def ask_for(self, kind, host):
        self.master.request("actions/reschedule-check", body={
            "type": kind, "filter": 'host.name == "%s"' % host, "force": True})


if __name__ == "__main__":
    unittest.main(verbosity=2)
