# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
# Packages: icinga2-bin icinga2-common iproute2
"""The check command and the services of packaging/icinga2 in a real Icinga 2: what its API and its writer show."""

import json
import os
import pathlib
import pwd
import re
import subprocess
import unittest

import hosts
import icinga

PLUGIN = "/usr/lib/nagios/plugins/check_dualstack"
# More than any buffer on the way holds, each off policy.
BROKEN = range(20000, 20200)
HELD = ["443 dual-stack name=web form=split", "5432 v4-only name=db bind=loopback"]
CAPTURES = "/run/captures"

# What the hosts have in their vars; the services come from services.conf alone.
HOSTS = {
    "ok": {"dualstack_rules": HELD},
    "warning": {"dualstack_rules": ["80 dual-stack name=www severity=warning"]},
    "critical": {"dualstack_rules": ["80 dual-stack name=www", *HELD], "dualstack_verbose": True},
    "unknown": {"dualstack_rules": ["80 dualstack"]},
    "own": {"dualstack_rules": "5665 dual-stack name=api form=single user=nagios bind=0.0.0.0/0,::/0"},
    "mapped": {"dualstack_rules": ["8080 dual-stack name=app mapped-warning=5"], "dualstack_warning": 1,
               "dualstack_critical": 2},
    "broken": {"dualstack_rules": ["%d dual-stack name=r%d" % (port, port) for port in BROKEN]},
    "whole": {"dualstack_rules": ["%d dual-stack name=r%d" % (port, port) for port in BROKEN],
              "dualstack_perfdata": "mapped"},
    "both": {"dualstack_policy": "/run/policy.conf",
             "dualstack": {"next": {"dualstack_rules": ["default v6-only severity=warning"]}}},
}

# Each option: the vars of a service, the arguments it must run with, the state, and what must be in its output.
OPTIONS = {
    "all": ({"dualstack_rules": ["80 v4-only name=www", "443 v6 name=web"], "dualstack_policy": "/run/policy.conf",
             "dualstack_warning": "10", "dualstack_critical": "@5:6", "dualstack_perfdata": "full",
             "dualstack_verbose": 3, "dualstack_timeout": "9:CRITICAL", "dualstack_source": "procfs",
             "dualstack_format": "text"},
            ["--critical", "@5:6", "--format", "text", "--perfdata", "full", "--policy", "/run/policy.conf",
             "--rule", "80 v4-only name=www", "--rule", "443 v6 name=web", "--source", "procfs",
             "--timeout", "9:CRITICAL", "--verbose", "--verbose", "--verbose", "--warning", "10"],
            "OK", [r"www 80/tcp: v4-only \(must be v4-only\), on 0\.0\.0\.0:80",
                   r"web 443/tcp: dual-stack \(must accept IPv6\)",
                   r"\[::\]:443 is AF_INET6 with v6only unknown", r"asked procfs"]),
    "verbose": ({"dualstack_verbose": "1", "dualstack_rules": HELD},
                ["--rule", HELD[0], "--rule", HELD[1], "--verbose"], "OK", [r"(?m)^\\_\[OK\] web 443/tcp"]),
    "timeout": ({"dualstack_policy": "/run/silent.conf", "dualstack_timeout": "1:CRITICAL"},
                ["--policy", "/run/silent.conf", "--timeout", "1:CRITICAL"],
                "CRITICAL", [r"no answer within 1 second, while reading the policy$"]),
    "procfs": ({"dualstack_procfs": "/run/procfs", "dualstack_rules": ["80 v4-only"]},
               ["--procfs", "/run/procfs", "--rule", "80 v4-only"], "UNKNOWN", [r"/run/procfs/tcp\b"]),
    "netns": ({"dualstack_netns": "1"}, ["--netns", "1"], "UNKNOWN", [r"/proc/1/ns/net"]),
    "replay": ({"dualstack_replay": [CAPTURES + "/web1.json", CAPTURES + "/web2.json"], "dualstack_rules": ["80 v6"]},
               ["--replay", CAPTURES + "/web1.json", "--replay", CAPTURES + "/web2.json", "--rule", "80 v6"],
               "CRITICAL", [r"2 of 2 hosts off policy: web1, web2"]),
    "baseline": ({"dualstack_replay": CAPTURES + "/web1.json", "dualstack_baseline": [CAPTURES + "/web1.json"]},
                 ["--baseline", CAPTURES + "/web1.json", "--replay", CAPTURES + "/web1.json"],
                 "OK", [r"no change since \d{4}-"]),
    "hosts": ({"dualstack_replay": CAPTURES, "dualstack_hosts": "/run/hosts", "dualstack_max_age": "36500"},
              ["--hosts", "/run/hosts", "--max-age", "36500", "--replay", CAPTURES],
              "UNKNOWN", [r"web9\b.*no capture"]),
    "details": ({"dualstack_rules": ["80 v6"], "dualstack_details": "none"}, ["--details", "none", "--rule", "80 v6"],
                "CRITICAL", [r"80/tcp is v4-only, must accept IPv6 $"]),
    "peers": ({"dualstack_rules": ["80 v4"], "dualstack_peers": 3}, ["--peers=3", "--rule", "80 v4"], "OK", [r"no client is connected"]),
    "lint": ({"dualstack_lint": True, "dualstack_policy": "/run/policy.conf"},
             ["--lint", "--policy", "/run/policy.conf"], "OK", [r"3 rules, no warnings"]),
    "learn": ({"dualstack_learn": True}, ["--learn"], "OK", [r"(?m)^80 +v4-only name=http (?:reach=loopback )?unit=nginx\.service$"]),
    "list": ({"dualstack_list": True}, ["--list"],
             "OK", [r"(?m)^Proto +Recv-Q", r"0\.0\.0\.0:80 .* LISTEN +IPv4 +root +nginx\.service"]),
    "off": ({"dualstack_lint": False, "dualstack_learn": False, "dualstack_list": False, "dualstack_capture": False,
             "dualstack_verbose": False}, [], "OK", [r"^DUALSTACK OK: .* no policy to judge by $"]),
}


# Those whose answer is read otherwise.
OTHERS = {
    "capture": {"dualstack_capture": True},
    "json": {"dualstack_format": "json", "dualstack_rules": HELD},
    "extra-opts": {"dualstack_extra_opts": ["web@/run/sections.ini", "@/run/defaults.ini"], "dualstack_rules": HELD},
}


def configuration():
    """A host for each of HOSTS, whose services packaging/icinga2 makes, and a service for each option."""
    yield 'object PerfdataWriter "perfdata" { rotation_interval = 1s }'
    for name, values in HOSTS.items():
        yield 'object Host "%s" {\n check_command = "dummy"\n vars = %s\n}' % (name, literal(values))
    yield 'object Host "options" { check_command = "dummy" }'
    for name, values in [*((name, option[0]) for name, option in OPTIONS.items()), *OTHERS.items()]:
        yield ('object Service "%s" {\n host_name = "options"\n check_command = "dualstack"\n vars = %s\n}'
               % (name, literal(values)))


def literal(value):
    """A value in Icinga's configuration language, which is JSON but for dictionaries."""
    if isinstance(value, dict):
        return "{ %s }" % ", ".join("%s = %s" % (key, literal(item)) for key, item in value.items())
    return json.dumps(value)


class TestIcinga(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        daemons = hosts.Services()
        cls.addClassCleanup(daemons.close)
        daemons.listen("nginx.service", "0.0.0.0:443", "[::]:443", "0.0.0.0:80")
        daemons.listen("postgresql.service", "127.0.0.1:5432")
        with daemons.unit("app.service"):
            app = daemons.sockets.listener("::", 8080, v6only=False)
            for _ in range(3):
                daemons.sockets.connection(app, "127.0.0.1")
        cls.write_files()
        cls.icinga = icinga.Icinga("\n".join(configuration()))
        for name in ("dualstack.conf", "services.conf"):
            cls.icinga.put("conf.d/" + name, icinga.PACKAGING / name)
        cls.enterClassContext(cls.icinga)
        cls.services = cls.icinga.check()

    @staticmethod
    def write_files():
        run = pathlib.Path("/run")
        (run / "policy.conf").write_text(
            "443 dual-stack name=web\n80 v6 name=www severity=warning\n8080 any name=app\n", encoding="utf-8")
        (run / "sections.ini").write_text("[web]\nrule=80 v4-only name=www\nwarning=5\n", encoding="utf-8")
        (run / "defaults.ini").write_text("[check_dualstack]\nperfdata=full\nwarning=9\n", encoding="utf-8")
        (run / "hosts").write_text("web1\nweb9\n", encoding="utf-8")
        os.mkfifo(run / "silent.conf")
        os.mkdir(run / "procfs")
        os.mkdir(CAPTURES)
        capture = json.loads(subprocess.run([PLUGIN, "--capture"], stdout=subprocess.PIPE, check=True).stdout)
        for name in ("web1", "web2"):
            pathlib.Path(CAPTURES, name + ".json").write_text(json.dumps({**capture, "host": name}), encoding="utf-8")

    def result(self, name):
        return icinga.result_of(self.services[name])

    @staticmethod
    def help():
        return subprocess.run([PLUGIN, "--help"], stdout=subprocess.PIPE, check=False).stdout.decode()

    def test_ok(self):
        self.assertEqual(self.result("ok!dualstack"), (
            "OK", "DUALSTACK OK: 2 services on policy, 0 v4-mapped connections", "",
            ["mapped=0;;;0", "violations=0;0;0;0", "unlisted=0;;;0", "web_mapped=0;;;0", "db_mapped=0;;;0"]))

    def test_warning(self):
        self.assertEqual(self.result("warning!dualstack"), (
            "WARNING", "DUALSTACK WARNING: 1 of 1 service off policy. www 80/tcp is v4-only, must be dual-stack",
            "\\_[WARNING] www 80/tcp: v4-only, must be dual-stack: nothing accepts IPv6, only 0.0.0.0:80 (nginx.service)",
            ["mapped=0;;;0", "violations=1;0;1;0", "unlisted=0;;;0", "www_mapped=0;;;0"]))

    def test_critical(self):
        state, first, rest, perfdata = self.result("critical!dualstack")
        self.assertEqual((state, first), (
            "CRITICAL", "DUALSTACK CRITICAL: 1 of 3 services off policy. www 80/tcp is v4-only, must be dual-stack"))
        self.assertEqual(rest.splitlines(), [
            "\\_[CRITICAL] www 80/tcp: v4-only, must be dual-stack: nothing accepts IPv6, only 0.0.0.0:80 (nginx.service)",
            "    to fix: listen on [::]:80 too, with IPV6_V6ONLY on (in nginx, for dual-stack: listen 0.0.0.0:80 and "
            "listen [::]:80)",
            "\\_[OK] web 443/tcp: dual-stack (must be dual-stack), on 0.0.0.0:443 (nginx.service), [::]:443 (nginx.service)",
            "\\_[OK] db 5432/tcp: v4-only (must be v4-only), on 127.0.0.1:5432 (postgresql.service)"])
        self.assertEqual(perfdata, ["mapped=0;;;0", "violations=1;0;0;0", "unlisted=0;;;0", "www_mapped=0;;;0",
                                    "web_mapped=0;;;0", "db_mapped=0;;;0"])

    def test_unknown(self):
        state, first, _, perfdata = self.result("unknown!dualstack")
        self.assertEqual((state, perfdata), ("UNKNOWN", []))
        self.assertRegex(first, r"^DUALSTACK UNKNOWN: .*--rule 1: .*dualstack")

    def test_thresholds(self):
        state, first, _, perfdata = self.result("mapped!dualstack")
        self.assertEqual((state, perfdata), (
            "CRITICAL", ["mapped=3;1;2;0", "violations=0;0;0;0", "unlisted=0;;;0", "app_mapped=3;5;;0"]))
        self.assertRegex(first, r"^DUALSTACK CRITICAL: .*3 v4-mapped connections")

    def test_own_listener(self):
        """Icinga's API listens on one AF_INET6 socket for both families, and that is how it is judged."""
        state, first, _, perfdata = self.result("own!dualstack")
        self.assertEqual(state, "OK", first)
        # Whoever asks the API does so by IPv4 while the check runs.
        self.assertRegex(perfdata[3], r"^api_mapped=\d+;;;0$")

    def test_policy_file_and_further_policies(self):
        self.assertEqual(self.result("both!dualstack")[:2], (
            "WARNING", "DUALSTACK WARNING: 1 of 3 services off policy. www 80/tcp is v4-only, must accept IPv6"))
        # Of a further policy the rules are its own, the policy file the host's.
        state, _, rest, perfdata = self.result("both!dualstack-next")
        self.assertEqual((state, perfdata[1:3]), ("WARNING", ["violations=3;0;3;0", "unlisted=2;;;0"]), rest)
        self.assertEqual(set(re.findall(r"(?m)^\\_\[WARNING\] (.*?/tcp): ", rest)),
                         {"www 80/tcp", "5432/tcp", "5665/tcp"})

    def test_200_broken_rules(self):
        """The first line and the performance data arrive whole: the totals alone, or a label for each rule."""
        rules = len(BROKEN)
        totals = ["mapped=0;;;0", "violations=%d;0;0;0" % rules, "unlisted=0;;;0"]
        for name, perfdata in (("broken", totals), ("whole", totals + ["r%d_mapped=0;;;0" % port for port in BROKEN])):
            with self.subTest(name):
                command = self.services[name + "!dualstack"]["last_check_result"]["command"]
                self.assertEqual(command.count("--rule"), rules)
                state, first, rest, stored = self.result(name + "!dualstack")
                self.assertEqual((state, stored), ("CRITICAL", perfdata))
                self.assertRegex(first, r"^DUALSTACK CRITICAL: 200 of 200 services off policy\. r20000 20000/tcp: "
                                        r"nothing listens, ")
                printed = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout.decode()
                self.assertEqual(("%s | %s\n%s" % (first, " ".join(stored), rest)).rstrip("\n"), printed.rstrip("\n"))

    def test_options(self):
        for name, (_, arguments, state, patterns) in OPTIONS.items():
            with self.subTest(name):
                entry = self.services["options!" + name]
                output = entry["last_check_result"]["output"]
                self.assertEqual(entry["last_check_result"]["command"], [PLUGIN, *arguments])
                self.assertEqual(icinga.result_of(entry)[0], state, output)
                for pattern in patterns:
                    self.assertRegex(output, pattern)

    def test_option_perfdata(self):
        perfdata = self.result("options!all")[3]
        self.assertEqual([item.partition("=")[0] for item in perfdata], [
            "mapped", "mapped_out", "violations", "unlisted", "www_mapped", "www_v4", "www_v6", "web_mapped", "web_v4",
            "web_v6", "app_mapped", "app_v4", "app_v6"])
        self.assertEqual(perfdata[0], "mapped=3;10;@5:6;0")

    def test_option_json(self):
        """JSON survives: Icinga finds no performance data in it, and cuts nothing off."""
        for name, arguments in (("capture", ["--capture"]),
                                ("json", ["--format", "json", "--rule", HELD[0], "--rule", HELD[1]])):
            with self.subTest(name):
                entry = self.services["options!" + name]
                self.assertEqual(entry["last_check_result"]["command"], [PLUGIN, *arguments])
                self.assertEqual(entry["last_check_result"]["performance_data"], [])
                report = json.loads(entry["last_check_result"]["output"])
                self.assertEqual({entry["port"] for entry in report["services" if name == "json" else "listeners"]},
                                 {80, 443, 5432, 5665, 8080})

    def test_option_extra_opts(self):
        """One word each, before all others, whose options are added to those of the files."""
        self.assertEqual(self.services["options!extra-opts"]["last_check_result"]["command"], [
            PLUGIN, "--extra-opts=web@/run/sections.ini", "--extra-opts=@/run/defaults.ini",
            "--rule", HELD[0], "--rule", HELD[1]])
        state, first, _, perfdata = self.result("options!extra-opts")
        self.assertEqual((state, perfdata[0]), ("OK", "mapped=0;9;;0"), first)
        self.assertEqual({item.split("_")[0] for item in perfdata[4:]}, {"www", "web", "db"})

    def test_every_option_is_described(self):
        """The command has the options that --help has, but for those that no check needs."""
        lines = re.findall(r"(?m)^ +-.*$", self.help())
        told = set(re.findall("--[a-z-]+", " ".join(lines))) - {"--version", "--help"}
        command = self.icinga.attributes("checkcommands")["dualstack"]
        keys = {argument.get("key", name) for name, argument in command["arguments"].items()}
        self.assertEqual(keys, told)
        for name, argument in command["arguments"].items():
            self.assertGreater(len(argument["description"]), 20, name)

    def test_command_timeout(self):
        """Icinga waits longer than the plugin does."""
        own = int(re.search(r"--timeout=.*\((\d+)\)", self.help()).group(1))
        self.assertGreater(self.icinga.attributes("checkcommands")["dualstack"]["timeout"], own)

    def test_perfdata_writer(self):
        """The file that graphing tools read has each item as the plugin printed it."""
        def written():
            lines = [line for file in pathlib.Path("/var/spool/icinga2/perfdata").glob("service-perfdata.*")
                     for line in file.read_text(encoding="utf-8").splitlines()]
            found = [dict(field.split("::", 1) for field in line.split("\t")) for line in lines]
            found = {entry["HOSTNAME"]: entry for entry in found if entry["SERVICEDESC"] == "dualstack"}
            return found if {"ok", "critical", "whole"} <= set(found) else None

        entries = icinga.eventually("lines of the PerfdataWriter", written)
        for host in ("ok", "critical", "whole"):
            self.assertEqual(entries[host]["SERVICEPERFDATA"], " ".join(self.result(host + "!dualstack")[3]))
            self.assertEqual(entries[host]["SERVICECHECKCOMMAND"], "dualstack")

    def test_who_checks(self):
        """Without an agent it is this Icinga, as an unprivileged user."""
        self.assertEqual(self.services["ok!dualstack"]["last_check_result"]["check_source"], self.icinga.name)
        status = (pathlib.Path("/proc") / str(self.icinga.process.pid) / "status").read_text(encoding="utf-8")
        self.assertEqual(re.search(r"(?m)^Uid:\t(\d+)", status).group(1),
                         str(pwd.getpwnam("nagios").pw_uid))


if __name__ == "__main__":
    unittest.main(verbosity=2)
