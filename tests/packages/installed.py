# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What an installed check_dualstack must do: the plugin, its schemas and its commands for Nagios, about sockets that are
opened for it.

installed.py [ROOT]: ROOT is where it was installed, / if none is given. The sockets are in a network namespace of their own,
or on this machine's loopback where none may be made. Exits 77 (skipped) where that has no IPv6."""

import glob
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import unittest

import jsonschema

SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "/")


def installed(*patterns):
    """The first file below ROOT that fits a pattern; the first pattern that fits wins."""
    for pattern in patterns:
        for path in glob.glob(os.path.join(ROOT, pattern)):
            return path
    sys.exit("nothing below %s fits %s" % (ROOT, " or ".join(patterns)))


os.environ["CHECK_DUALSTACK"] = installed("usr/lib/nagios/plugins/check_dualstack", "usr/lib64/nagios/plugins/check_dualstack")
os.environ["TOP_SRCDIR"] = SOURCES
sys.path.insert(0, os.path.join(SOURCES, "tests", "netns"))
sys.dont_write_bytecode = True
import dualstack  # noqa: E402 (it reads the environment)

COMMANDS = installed("etc/nagios-plugins/config/dualstack.cfg", "usr/share/doc/*/examples/nagios/dualstack.cfg")

# What listens, as (address, IPV6_V6ONLY); its stack; how many v4-mapped connections one IPv4 client makes.
KINDS = {
    "single": ([("::", False)], "dual-stack", 1),
    "split": ([("0.0.0.0", None), ("::", True)], "dual-stack", 0),
    "v4": ([("0.0.0.0", None)], "v4-only", 0),
    "v6": ([("::", True)], "v6-only", 0),
}


def schema(name):
    with open(installed("usr/share/check_dualstack/" + name), encoding="utf-8") as file:
        return json.load(file)


def nagios_commands():
    """The command lines of the command file, by name."""
    with open(COMMANDS, encoding="utf-8") as file:
        text = file.read()
    commands = {}
    for body in re.findall(r"^define command \{\n(.*?)^\}$", text, re.MULTILINE | re.DOTALL):
        fields = dict(line.split(None, 1) for line in body.splitlines())
        commands[fields["command_name"]] = fields["command_line"]
    return commands


class Installed(unittest.TestCase):
    def setUp(self):
        self.sockets = dualstack.Sockets()
        self.addCleanup(self.sockets.close)

    def serve(self, kind):
        """A service of that kind with a client of each family that gets in; its port. Only loopback can reach it."""
        port = dualstack.free_port()  # for the kernel the families may share it
        for address, v6only in KINDS[kind][0]:
            listener = self.sockets.listener(address, port, v6only=v6only, device="lo")
            port = dualstack.port_of(listener)
            if address != "::" or not v6only:
                self.sockets.connection(listener, "127.0.0.1")
            if address == "::":
                self.sockets.connection(listener, "::1")
        return port

    def policy(self, *rules):
        # pylint: disable-next=consider-using-with
        file = tempfile.NamedTemporaryFile("w", prefix="check_dualstack.", suffix=".conf", encoding="utf-8")
        self.addCleanup(file.close)
        file.write("".join(rule + "\n" for rule in rules))
        file.flush()
        return file.name

    def check(self, code, *args):
        result = dualstack.run(*args)
        self.assertEqual(result.code, code, str(result))
        return result

    def test_each_kind_of_socket_against_each_requirement(self):
        for kind, (_, stack, mapped) in KINDS.items():
            port = self.serve(kind)
            for required in ("dual-stack", "v4-only", "v6-only"):
                with self.subTest(kind=kind, required=required):
                    kept = stack == required
                    result = self.check(dualstack.OK if kept else dualstack.CRITICAL,
                                        "-r", "%d %s name=service" % (port, required))
                    self.assertEqual(result.perfdata, "mapped=%d;;;0 violations=%d;0;0;0 unlisted=0;;;0 service_mapped=%d;;;0"
                                     % (mapped, 0 if kept else 1, mapped))
                    if kept:
                        self.assertTrue(result.prose.startswith("DUALSTACK OK: 1 service on policy"), str(result))
                    else:
                        self.assertTrue(result.prose.startswith("DUALSTACK CRITICAL: 1 of 1 "), str(result))
                        self.assertIn("service %d/tcp is %s, must be %s" % (port, stack, required), result.prose)

    def test_a_policy_file_about_all_of_them(self):
        ports = {kind: self.serve(kind) for kind in KINDS}
        kept = self.policy("# every kind", *("%d %s name=%s" % (port, KINDS[kind][1], kind) for kind, port in ports.items()))
        result = self.check(dualstack.OK, "-f", kept)
        self.assertEqual(result.perfdata, "mapped=1;;;0 violations=0;0;0;0 unlisted=0;;;0 single_mapped=1;;;0 split_mapped=0;;;0 "
                                          "v4_mapped=0;;;0 v6_mapped=0;;;0")
        broken = self.policy(*("%d dual-stack name=%s severity=warning" % (port, kind) for kind, port in ports.items()))
        result = self.check(dualstack.WARNING, "-f", broken)
        self.assertEqual(result.values["violations"], ["2", "0", "2", "0"])
        with open(broken, "a", encoding="utf-8") as file:
            file.write("22 dual\n")
        self.assertIn("%s:5:" % broken, self.check(dualstack.UNKNOWN, "-f", broken).text)

    def test_a_service_that_has_gone_is_missed(self):
        port = self.serve("single")
        rule = "%d dual-stack name=service" % port
        self.check(dualstack.OK, "-r", rule)
        self.sockets.close()
        result = self.check(dualstack.CRITICAL, "-r", rule)
        self.assertEqual(result.values["violations"], ["1", "0", "0", "0"])
        self.assertEqual(result.values["service_mapped"], ["0", "", "", "0"])

    def test_json_and_captures_are_as_the_schemas_say(self):
        port = self.serve("single")
        rule = "%d dual-stack name=service" % port
        report = self.check(dualstack.OK, "--format=json", "-r", rule).json
        jsonschema.validate(report, schema("check_dualstack.schema.json"))
        entry = dualstack.service(report, port)
        self.assertEqual((entry["stack"], entry["form"]), ("dual-stack", "single"))
        self.assertEqual(entry["connections"], {"ipv4": 0, "ipv4_mapped": 1, "ipv6": 1})

        capture = self.check(dualstack.OK, "--capture")
        jsonschema.validate(capture.json, schema("capture.schema.json"))
        self.sockets.close()
        with tempfile.NamedTemporaryFile("wb", suffix=".json") as file:
            file.write(capture.bytes)
            file.flush()
            replayed = self.check(dualstack.OK, "--replay", file.name, "-r", rule)
        self.assertEqual(replayed.values["service_mapped"], ["1", "", "", "0"])

    def test_each_command_for_nagios(self):
        single, v4 = self.serve("single"), self.serve("v4")
        cases = {
            "check_dualstack": [
                ([self.policy("%d dual-stack" % single, "%d v4-only" % v4)], dualstack.OK),
                ([self.policy("%d dual-stack" % single, "%d v6-only" % v4)], dualstack.CRITICAL)],
            "check_dualstack_rule": [
                (["%d,%d v4 name=both" % (single, v4)], dualstack.OK),
                (["%d v4-only severity=warning" % single], dualstack.WARNING)],
            "check_dualstack_mapped": [
                (["0:", "0:"], dualstack.OK),
                (["0", "0:"], dualstack.WARNING),
                (["0:", "0"], dualstack.CRITICAL)],
        }
        commands = nagios_commands()
        self.assertEqual(set(commands), set(cases))
        for name, runs in cases.items():
            for arguments, code in runs:
                with self.subTest(command=name, arguments=arguments):
                    line = commands[name].replace("$USER1$", shlex.quote(os.path.dirname(dualstack.PROGRAM)))
                    for number, argument in enumerate(arguments, 1):
                        line = line.replace("$ARG%d$" % number, argument)
                    done = subprocess.run(["sh", "-c", line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, check=False)
                    self.assertEqual((done.returncode, done.stderr), (code, b""), done.stdout)
                    self.assertNotIn("$", line)


def enter_namespace():
    """Starts this program again in a network namespace, if one can be made and it is not there yet."""
    if "INSTALLED_IN_NAMESPACE" in os.environ:
        return
    script = os.path.join(SOURCES, "tests", "netns", "in_namespace.sh")
    if subprocess.run([script, "true"], stdout=subprocess.DEVNULL, check=False).returncode == 0:
        os.environ["INSTALLED_IN_NAMESPACE"] = "yes"
        os.execv(script, [script, sys.executable, os.path.abspath(__file__), ROOT])
    print("No network namespace can be made here: on loopback, then.", flush=True)


def loopback_has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


if __name__ == "__main__":
    enter_namespace()
    if not loopback_has_ipv6():
        print("SKIPPED: loopback has no IPv6 here.")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], testRunner=unittest.TextTestRunner(sys.stdout, verbosity=2))
