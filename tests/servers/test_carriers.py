# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: collectd-core iproute2 libconfig-general-perl libregexp-common-perl monit monitoring-plugins-basic nsca
# Packages: nsca-client openssh-client openssh-server prometheus-node-exporter python3 snmp snmpd util-linux
"""What arrives by the carriers of packaging/carriers, with the files that are there, for each of the four states."""

import os
import pwd
import re
import shlex
import socket
import urllib.request

import hosts  # before dualstack, which it finds
import dualstack
from carriers import CARRIERS, POLICY, CarrierCase, connects, directly, folder, lay_empty, run
from dualstack import OK


def command_of(file, before):
    """The command in a file of packaging/carriers, behind what stands before it on its line."""
    [line] = [line for line in hosts.read(os.path.join(CARRIERS, file)).splitlines() if line.startswith(before)]
    return line[len(before):]


class Snmpd(CarrierCase):
    EXTEND = ".1.3.6.1.4.1.8072.1.3.2.3.1"
    INDEX = ".9." + ".".join(str(byte) for byte in b"dualstack")
    FIRST_LINE, FULL, RESULT = ".1", ".2", ".4"

    def get(self, column):
        """snmpget quotes strings, and escapes what is in them."""
        text = run("snmpget", "-v2c", "-cpublic", "-Oqv", "-Ln", "127.0.0.1:1161", self.EXTEND + column + self.INDEX,
                   code=None)
        return text.strip().strip('"').replace("\\\\", "\\")

    def test_extend(self):
        conf = os.path.join(folder(), "snmpd.conf")
        hosts.write(conf, "rocommunity public 127.0.0.1\n" + hosts.read(os.path.join(CARRIERS, "snmpd.conf")))

        def arrives(state):
            # It keeps an answer for some seconds.
            server = hosts.Server(["snmpd", "-f", "-C", "-c", conf, "-Lo", "-I", "-smux", "-u", "Debian-snmp", "-g",
                                   "Debian-snmp", "udp:127.0.0.1:1161"], os.path.join(folder(), "log"),
                                  env=hosts.BARE_ENVIRONMENT)
            try:
                server.ready(lambda: self.get(self.RESULT) == str(state), "snmpd")
                answer = directly()
                self.assertEqual(self.get(self.FIRST_LINE), answer.splitlines()[0])
                self.assertEqual(self.get(self.FULL), answer)
            finally:
                server.close()
        self.in_each_state(arrives)


class Monit(CarrierCase):
    def test_check_program(self):
        place = folder(0o700)
        conf = hosts.write(os.path.join(place, "monitrc"), """\
set daemon 1
set idfile %(place)s/id
set statefile %(place)s/state
set pidfile %(place)s/pid
set httpd unixsocket %(place)s/socket allow root:monit
include %(carriers)s/monit.conf
""" % {"place": place, "carriers": CARRIERS})
        os.chmod(conf, 0o600)
        monit = self.serve("monit", "-I", "-c", conf)

        def status():
            return run("monit", "-c", conf, "-B", "status", "dualstack", code=None)
        monit.ready(lambda: "last exit value" in status(), "monit")

        def arrives(state):
            hosts.eventually(lambda: re.search(r"last exit value +%d\n" % state, status()), status)
            found = status()
            self.assertRegex(found, r"\n +status +%s\n" % ("OK" if state == OK else "Status failed"))
            for line in directly().splitlines():
                self.assertIn(line, found)
        self.in_each_state(arrives)


class Collectd(CarrierCase):
    def test_exec(self):
        place = folder(0o777)
        script = os.path.join(lay_empty("/usr/local/lib/collectd"), "dualstack")
        run("install", "-m", "755", os.path.join(CARRIERS, "collectd.sh"), script)
        notifications = hosts.write(os.path.join(place, "notifications"), "")
        conf = hosts.write(os.path.join(place, "collectd.conf"), """\
Hostname "web1"
Interval 1
BaseDir "%(place)s"
PIDFile "%(place)s/pid"
LoadPlugin csv
<Plugin csv>
    DataDir "%(place)s/csv"
</Plugin>
LoadPlugin notify_nagios
<Plugin notify_nagios>
    CommandFile "%(notifications)s"
</Plugin>
Include "%(carriers)s/collectd.conf"
""" % {"place": place, "notifications": notifications, "carriers": CARRIERS})
        self.serve("collectd", "-f", "-C", conf)

        def last(label):
            """The newest value of the curve: a line of its file is "time,value"."""
            values = os.path.join(place, "csv", "web1", "dualstack")
            files = [os.path.join(values, name) for name in os.listdir(values)] if os.path.isdir(values) else []
            rows = [line.split(",") for file in files if os.path.basename(file).startswith("gauge-%s-2" % label)
                    for line in hosts.read(file).splitlines()[1:]]
            return float(max(rows)[1]) if rows else None

        def arrives(state):
            hosts.eventually(lambda: last("state") == state, lambda: run("find", place))
            text, _, perfdata = directly("--details=none").partition(" | ")
            for label, value in re.findall(r"(\S+)=(\d+);", perfdata):
                hosts.eventually(lambda: last(label) == int(value), label)
            hosts.eventually(lambda: text.replace(";", ":") in hosts.read(notifications).replace(";", ":"),
                             lambda: hosts.read(notifications))
        self.in_each_state(arrives)


class Nsca(CarrierCase):
    def test_passive(self):
        place = folder(0o777)
        commands = os.path.join(place, "commands")
        conf = hosts.write(os.path.join(place, "nsca.cfg"), """\
server_address=127.0.0.1
server_port=5667
command_file=%s
alternate_dump_file=%s/dump
append_to_file=1
max_packet_age=30
decryption_method=1
""" % (commands, place))
        hosts.write(commands, "")
        server = self.serve("nsca", "-f", "-c", conf)
        server.ready(lambda: connects(5667), "nsca")

        def arrives(state):
            hosts.write(commands, "")
            run(os.path.join(CARRIERS, "nsca.sh"), "127.0.0.1")
            expected = "PROCESS_SERVICE_CHECK_RESULT;%s;dualstack;%d;%s" % (
                socket.gethostname(), state, directly("--details=none"))
            hosts.eventually(lambda: hosts.read(commands).strip(), "a command of nsca")
            self.assertEqual(re.sub(r"^\[\d+\] ", "", hosts.read(commands)).rstrip("\n"), expected)
        self.in_each_state(arrives)


class Ssh(CarrierCase):
    """check_by_ssh with the command lines of the page."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What a shell that sshd starts reads first is this machine's own, and may take longer than check_by_ssh waits.
        for name in (".bashrc", ".zshenv"):
            path = os.path.join(pwd.getpwuid(0).pw_dir, name)
            if os.path.exists(path):
                run("mount", "--bind", "/dev/null", path)

    def setUp(self):
        place = folder(0o700)
        for name in ("host", "client"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(place, name))
        os.makedirs("/run/sshd", exist_ok=True)
        conf = hosts.write(os.path.join(place, "sshd_config"), """\
ListenAddress 127.0.0.1:2222
HostKey %(place)s/host
AuthorizedKeysFile %(place)s/client.pub
StrictModes no
UsePAM no
PidFile none
""" % {"place": place})
        self.serve("/usr/sbin/sshd", "-D", "-e", "-f", conf).ready(lambda: connects(2222), "sshd")
        self.options = ["-p", "2222", "-i", os.path.join(place, "client"), "-o", "StrictHostKeyChecking=no", "-o",
                        "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]

    def words(self, wanted):
        """The command of the page that holds the word, as it is for this host."""
        page = hosts.read(os.path.join(CARRIERS, "README.md"))
        [line] = [line for line in page.splitlines() if line.startswith("    ") and wanted in line]
        return ["127.0.0.1" if word == "web1" and before == "-H" else "root" if before == "-l" else word
                for before, word in zip([""] + shlex.split(line), shlex.split(line))]

    def test_active(self):
        program, *words = self.words("check_by_ssh -H web1 -l nagios -C")

        def arrives(state):
            self.assertEqual(run(os.path.join(hosts.PLUGINS, program), *self.options, *words, code=state).rstrip("\n"),
                             directly())
        self.in_each_state(arrives)

    def test_passive(self):
        output = os.path.join(folder(), "commands")
        program, *words = self.words("-n web1 -s dualstack")
        words[words.index("-O") + 1] = output

        def arrives(state):
            hosts.write(output, "")
            run(os.path.join(hosts.PLUGINS, program), *self.options, *words)
            self.assertEqual(re.sub(r"^\[\d+\] ", "", hosts.read(output)).rstrip("\n"),
                             "PROCESS_SERVICE_CHECK_RESULT;web1;dualstack;%d;%s" % (state, directly("--details=none")))
        self.in_each_state(arrives)

    def test_policy_on_standard_input(self):
        [line] = [line for line in hosts.read(os.path.join(CARRIERS, "README.md")).splitlines() if "-f - <" in line]
        remote = line.split("nagios@web1 ")[1].split(" <")[0]

        def arrives(state):
            with open(POLICY, "rb") as policy:
                text = run("ssh", *self.options, "root@127.0.0.1", remote, code=state, stdin=policy)
            self.assertEqual(text.rstrip("\n").replace("standard input", POLICY), directly())
        self.in_each_state(arrives)


class NodeExporter(CarrierCase):
    def test_textfile(self):
        place = "/var/lib/prometheus/node-exporter"
        lay_empty(place)
        command = shlex.split(command_of("node_exporter.service", "ExecStart="))
        self.serve("prometheus-node-exporter", "--web.listen-address=127.0.0.1:9100", "--collector.disable-defaults",
                   "--collector.textfile", "--collector.textfile.directory=" + place) \
            .ready(lambda: connects(9100), "node exporter")

        def arrives(state):
            run(*command)
            with urllib.request.urlopen("http://127.0.0.1:9100/metrics", timeout=hosts.PATIENCE) as answer:
                text = answer.read().decode("utf-8")
            self.assertIn("\nnode_textfile_scrape_error 0\n", text)
            self.assertRegex(text, r"\ncheck_dualstack_state %d\n" % state)
            self.assertEqual(os.listdir(place), ["dualstack.prom"])
        self.in_each_state(arrives)

    def test_cron(self):
        """The line of the page does what the service does."""
        page = hosts.read(os.path.join(CARRIERS, "README.md"))
        [line] = [line for line in page.splitlines() if line.startswith("    * * * * * root ")]
        service = shlex.split(command_of("node_exporter.service", "ExecStart="))[2]
        words = re.sub(r"/var/lib/prometheus/node-exporter/", "", service).replace("exec mv", "mv")
        self.assertEqual(line.split(" root ")[1], "cd /var/lib/prometheus/node-exporter && { %s; }" % words)


if __name__ == "__main__":
    dualstack.main()
