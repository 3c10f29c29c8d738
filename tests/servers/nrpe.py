# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""A real NRPE, configured as Debian ships it and started as its systemd unit does it, and check_nrpe to ask it."""

import os
import shutil
import subprocess

from hosts import BARE_ENVIRONMENT, PLUGINS, Host, Server, Unit, dualstack, install, write

CHECK_NRPE = PLUGINS + "/check_nrpe"
UNIT = "nagios-nrpe-server.service"
POLICY = "/etc/nagios/dualstack.conf"
# The options of check_nrpe for each version of its packets.
PACKETS = {"v2": ["-2"], "v3": ["-3"], "v4": []}
# What a packet of version 2 holds, and all that NRPE 4.1 puts into one of version 3.
SMALL_PACKET = 1023
# The monitoring host's address, in the network of the hosts of packaging/nagios/services.cfg.
MONITORING_HOST = "192.0.2.10"


class Answer:
    """What check_nrpe printed, and how it exited."""

    def __init__(self, done):
        self.code = done.returncode
        self.text = done.stdout.decode("utf-8")
        self.lines = self.text.splitlines()
        self.first = self.lines[0] if self.lines else ""

    def __str__(self):
        return "exit %d\n%s" % (self.code, self.text)


def ask(command=None, *options, address="127.0.0.1"):
    """Runs check_nrpe; without a command NRPE tells its version."""
    words = [CHECK_NRPE, "-H", address, *options] + ([] if command is None else ["-c", command])
    return Answer(subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=30, check=False, env=BARE_ENVIRONMENT))


class Nrpe:
    """NRPE as it is installed, with lines for the administrator's own file; `folder` stands for /etc/nagios."""

    def __init__(self, local="", folder="/etc/nagios", address="127.0.0.1"):
        self.unit = Unit(UNIT)
        self.server = None
        # It has no syslog to write to.
        log = write(os.path.join(dualstack.temporary_folder(), "nrpe.log"), "")
        os.chmod(log, 0o666)
        write(os.path.join(folder, "nrpe_local.cfg"), "log_file=%s\n%s" % (log, local))
        # A file for its process id in a place of its own, so that there can be one on each host of a test.
        start = ('mount --bind "$1" /etc/nagios && mkdir -p /run/nagios && mount -t tmpfs tmpfs /run/nagios && '
                 "chown nagios:nagios /run/nagios && exec setpriv --reuid=nagios --regid=nagios --init-groups "
                 "/usr/sbin/nrpe -c /etc/nagios/nrpe.cfg -f")
        try:
            with self.unit:
                self.server = Server(["unshare", "--mount", "--propagation", "private",
                                      "sh", "-c", start, "sh", folder], log, env=BARE_ENVIRONMENT)
            self.server.ready(lambda: ask(address=address).code == 0, "NRPE")
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.server is not None:
            self.server.close()
        self.unit.close()


class NrpeHost(Host):
    """A host in a namespace of its own, whose NRPE answers the monitoring host. The files of packaging/ are in its
    /etc/nagios, but where `files` has another text for one."""

    def __init__(self, name, address, files=None):
        super().__init__(name, address, MONITORING_HOST)
        folder = os.path.join(dualstack.temporary_folder(), "nagios")
        shutil.copytree("/etc/nagios", folder)
        install("nrpe/dualstack.cfg", folder + "/nrpe.d/dualstack.cfg")
        install("dualstack.conf", folder + "/dualstack.conf")
        for file, text in (files or {}).items():
            write(os.path.join(folder, file), text)
        with self.namespace:
            self.nrpe = Nrpe("allowed_hosts=127.0.0.1,%s\n" % MONITORING_HOST, folder)

    def close(self):
        self.nrpe.close()
        super().close()
