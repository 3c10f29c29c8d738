# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: iproute2 monitoring-plugins-basic nagios-nrpe-plugin nagios-nrpe-server nagios4-core python3 util-linux
"""check_dualstack under a real Nagios 4, run by itself and through NRPE: all that Nagios stores of its verdicts."""

import contextlib
import os
import subprocess
import unittest

import hosts  # before dualstack, which it finds
import nagios
import nrpe
import dualstack
from dualstack import CRITICAL, OK, STATE_NAMES, UNKNOWN, WARNING

PROGRAM = hosts.PLUGINS + "/check_dualstack"
MANY = 200
# Services of that policy: what a plugin leaves behind as it ends was lost now and then, not always.
TIMES = 10

# Rules for what listens on the Nagios host, and what Nagios must have of them: state, output, long output, perfdata.
TOTALS = "mapped=%d;;;0 violations=%d;0;0;0 unlisted=%d;;;0"
LOCAL = {
    "OK": (
        "22 dual-stack name=ssh\n8443 dual-stack name=api mapped-warning=5 mapped-critical=10\n", OK,
        "DUALSTACK OK: 2 services on policy, 1 v4-mapped connection", [],
        TOTALS % (1, 0, 0) + " ssh_mapped=0;;;0 api_mapped=1;5;10;0"),
    "WARNING": (
        "22,80 dual-stack name=up\n8443 v6 name=api mapped-warning=0\ndefault/tcp closed severity=warning\n", WARNING,
        "DUALSTACK WARNING: 2 of 4 services off policy. api 8443/tcp: 1 v4-mapped connection, must be exactly 0 "
        "... and 1 more",
        ["\\_[WARNING] api 8443/tcp: dual-stack (must accept IPv6): 1 v4-mapped connection, must be exactly 0, "
         "on [::]:8443 (java-app.service)",
         "\\_[WARNING] 443/tcp: v4-only, must be closed: 0.0.0.0:443 (nginx.service) listens"],
        (TOTALS % (1, 2, 1)).replace("=2;0;0;", "=2;0;2;") + " up_mapped=0;;;0 api_mapped=1;0;;0"),
    "CRITICAL": (
        "80,443 dual-stack name=web\n23 v6 name=telnet\n", CRITICAL,
        "DUALSTACK CRITICAL: 2 of 3 services off policy. web 443/tcp is v4-only, must be dual-stack "
        "... and 1 more",
        ["\\_[CRITICAL] web 443/tcp: v4-only, must be dual-stack: "
         "nothing accepts IPv6, only 0.0.0.0:443 (nginx.service)",
         "\\_[CRITICAL] telnet 23/tcp: closed, must accept IPv6: nothing listens"],
        TOTALS % (0, 2, 0) + " web_mapped=0;;;0 telnet_mapped=0;;;0"),
    # The lines of its mistakes are those that the program prints: compared, not repeated here.
    "UNKNOWN": ("22 dual-stack name=ssh\n443 dualstack\n80 dual-stack form=both\n",),
}

LOCAL_SERVICE = """
define service {
    use                  dual-stack-service
    host_name            localhost
    service_description  %s
    check_command        %s
}
"""


def folded(path):
    """State, first line, other lines and performance data of what user nagios gets without Nagios."""
    done = subprocess.run(["setpriv", "--reuid=nagios", "--regid=nagios", "--init-groups", PROGRAM, "-f", path],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, cwd="/",
                          env=hosts.BARE_ENVIRONMENT)
    first, *rest = done.stdout.decode("utf-8").splitlines()
    output, _, perfdata = first.partition(" | ")
    return done.returncode, output, rest, perfdata


class Config(unittest.TestCase):
    def test_nagios_accepts_the_examples(self):
        """As they are, in the places that they name, beside all that Debian ships."""
        nagios.configure()
        text, code = nagios.verify()
        self.assertEqual(code, 0, text)
        self.assertIn("Total Warnings: 0\n", text)
        self.assertIn("Total Errors:   0\n", text)
        self.assertRegex(text, r"Checked 3 hosts\.")

    def test_it_would_not_accept_a_mistake(self):
        nagios.configure()
        place = nagios.OBJECTS + "/dualstack.cfg"
        hosts.write(place, hosts.read(place).replace("check_dualstack_rule!", "check_dualstack_rules!"))
        text, code = nagios.verify()
        self.assertNotEqual(code, 0, text)


class Stored(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        nagios.configure()
        local = hosts.Services()
        cls.addClassCleanup(local.close)
        local.listen("ssh.service", "0.0.0.0:22", "[::]:22")
        # Debian's own services of localhost connect to 22 and 80: natively.
        local.listen("nginx.service", "0.0.0.0:80", "[::]:80", "0.0.0.0:443")
        local.listen("java-app.service", "[::]:8443 dual")
        local.sockets.client("127.0.0.1", 8443)
        objects = []
        for name, (policy, *_) in LOCAL.items():
            path = hosts.write("/etc/nagios/%s.conf" % name, policy)
            objects.append(LOCAL_SERVICE % (name, "check_dualstack!" + path))
        cls.many = hosts.write("/etc/nagios/many.conf", "".join(
            "%d dual-stack name=a-service-%d\n" % (port, port) for port in range(10000, 10000 + MANY)))
        objects += [LOCAL_SERVICE % ("many %d" % index, "check_dualstack!" + cls.many) for index in range(TIMES)]
        objects.append(LOCAL_SERVICE % ("mapped", "check_dualstack_mapped!5:!10"))
        hosts.write("/etc/nagios/nrpe.d/many.cfg", "command[many]=%s -f %s\n" % (PROGRAM, cls.many))
        # Copied for each host.
        objects.append(LOCAL_SERVICE.replace("localhost", "web1") % ("many", "check_nrpe!many"))
        hosts.write(nagios.OBJECTS + "/tests.cfg", "".join(objects))
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        nagios.hosts_of_each_state(stack)
        cls.direct = folded(cls.many)
        cls.nagios = nagios.Nagios()
        cls.addClassCleanup(cls.nagios.close)
        cls.places = [(host, "Dual-stack") for host in ("web1", "web2", "app1", "db1", "localhost")] + [
            ("localhost", name) for name in ["Dual-stack SSH", "mapped", *LOCAL, *("many %d" % i for i in range(TIMES))]
        ] + [("web1", "many")]
        cls.services = cls.nagios.checked(cls.places)

    def holds(self, place, state, output, long_output, perfdata):
        service = self.services[place]
        self.assertEqual((service.output, service.long_output, service.perfdata, service.state),
                         (output, long_output, perfdata, state))
        for line in self.nagios.perfdata()[place]:
            self.assertEqual(line, (STATE_NAMES[state], perfdata))

    def test_run_by_nagios(self):
        for name in ("OK", "WARNING", "CRITICAL"):
            with self.subTest(name):
                self.holds(("localhost", name), *LOCAL[name][1:])

    def test_run_by_nagios_without_a_policy_to_judge_by(self):
        """Each mistake in a line of its own."""
        code, output, rest, perfdata = folded("/etc/nagios/UNKNOWN.conf")
        self.assertEqual((code, perfdata), (UNKNOWN, ""))
        self.assertIn("/etc/nagios/UNKNOWN.conf:2: ", output)
        self.assertIn("/etc/nagios/UNKNOWN.conf:3: ", "\n".join(rest))
        self.holds(("localhost", "UNKNOWN"), code, output, rest, perfdata)

    def test_the_commands_of_packaging(self):
        self.holds(("localhost", "Dual-stack SSH"), OK, "DUALSTACK OK: 1 service on policy, 0 v4-mapped connections",
                   [], TOTALS % (0, 0, 0) + " ssh_mapped=0;;;0")
        self.holds(("localhost", "mapped"), WARNING,
                   "DUALSTACK WARNING: 1 v4-mapped connection, must be at least 5. "
                   "4 services listen (3 dual-stack, 1 v4-only), no policy to judge by",
                   [], "mapped=1;5:;10;0 violations=0;0;0;0 unlisted=0;;;0")
        self.holds(("localhost", "Dual-stack"), *folded(nrpe.POLICY))

    def test_asked_by_nrpe(self):
        """Four hosts, each judged by its own NRPE, by the policy of packaging/ but where that has a mistake."""
        perfdata = TOTALS + " ssh_mapped=0;;;0 web_mapped=0;;;0 agent_mapped=0;;;0"
        for host, *expected in (
                ("web1", OK, "DUALSTACK OK: 5 services on policy, 0 v4-mapped connections", [], perfdata % (0, 0, 0)),
                ("web2", CRITICAL,
                 "DUALSTACK CRITICAL: 1 of 5 services off policy. web 443/tcp is v4-only, must be dual-stack",
                 ["\\_[CRITICAL] web 443/tcp: v4-only, must be dual-stack: "
                  "nothing accepts IPv6, only 0.0.0.0:443 (nginx.service)"], perfdata % (0, 1, 0)),
                ("app1", WARNING,
                 "DUALSTACK WARNING: 1 of 6 services off policy. 8080/tcp@external is dual-stack, must be closed",
                 ["\\_[WARNING] 8080/tcp@external: dual-stack, must be closed: [::]:8080 (tomcat10.service) listens"],
                 (perfdata % (0, 1, 1)).replace("=1;0;0;", "=1;0;1;"))):
            with self.subTest(host):
                self.holds((host, "Dual-stack"), *expected)
        unknown = self.services["db1", "Dual-stack"]
        self.assertEqual(unknown.state, UNKNOWN)
        self.assertIn("/etc/nagios/dualstack.conf:2: ", unknown.output)
        self.assertEqual(unknown.perfdata, "")

    def test_many_broken_rules_arrive_whole(self):
        code, output, rest, perfdata = self.direct
        self.assertEqual((code, perfdata), (CRITICAL, TOTALS % (0, MANY, 0)))
        self.assertRegex(output, r"^DUALSTACK CRITICAL: 200 of 200 services off policy\. .* and \d+ more$")
        self.assertGreater(len("\n".join(rest)), 3000)
        for place in [("localhost", "many %d" % index) for index in range(TIMES)] + [("web1", "many")]:
            with self.subTest(place):
                self.holds(place, code, output, rest, perfdata)

    def test_it_runs_as_user_nagios(self):
        status = hosts.read("/proc/%d/status" % self.nagios.server.process.pid)
        self.assertRegex(status, r"\nUid:(\t%d){4}\n" % os.stat(nagios.STATE).st_uid)


if __name__ == "__main__":
    dualstack.main()
