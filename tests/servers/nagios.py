# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""A real Nagios 4, configured as Debian ships it, what it stores of each service, and hosts for it to ask by NRPE."""

import contextlib
import os
import re
import subprocess

import nrpe
from hosts import BARE_ENVIRONMENT, Server, dualstack, install, read, write

CONFIG = "/etc/nagios4/nagios.cfg"
OBJECTS = "/etc/nagios4/conf.d"
STATE = "/var/lib/nagios4"

# What differs from the file that Debian ships: checks at once, all written where a test can read it, nothing sent.
DIRECTIVES = {
    "check_for_updates": "0",
    "check_result_reaper_frequency": "1",
    "enable_notifications": "0",
    "host_inter_check_delay_method": "n",
    "lock_file": STATE + "/nagios.pid",
    "log_archive_path": STATE,
    "log_file": STATE + "/nagios.log",
    "max_host_check_spread": "1",
    "max_service_check_spread": "1",
    "process_performance_data": "1",
    "retain_state_information": "0",
    "service_inter_check_delay_method": "n",
    "service_perfdata_file": STATE + "/service-perfdata",
    "service_perfdata_file_mode": "a",
    "service_perfdata_file_processing_interval": "0",
    "service_perfdata_file_template": "$HOSTNAME$\\t$SERVICEDESC$\\t$SERVICESTATE$\\t$SERVICEPERFDATA$",
    "status_update_interval": "1",
    "use_syslog": "0",
}


def configure():
    """Puts the directives into the shipped configuration, and the files of packaging/ where they say."""
    kept = [line for line in read(CONFIG).splitlines() if line.split("=")[0].strip() not in DIRECTIVES]
    write(CONFIG, "\n".join(kept + ["%s=%s" % item for item in DIRECTIVES.items()]) + "\n")
    install("nagios/dualstack.cfg", "/etc/nagios-plugins/config/dualstack.cfg")
    install("nagios/services.cfg", OBJECTS + "/dualstack.cfg")
    install("dualstack.conf", nrpe.POLICY)


def verify():
    """What "nagios4 -v" prints, and its exit code."""
    done = subprocess.run(["nagios4", "-v", CONFIG], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, env=BARE_ENVIRONMENT)
    return done.stdout.decode("utf-8"), done.returncode


class Service:
    """What status.dat says of one."""

    def __init__(self, fields):
        self.place = (fields["host_name"], fields["service_description"])
        self.checked = fields["has_been_checked"] == "1"
        self.state = int(fields["current_state"])
        self.output = fields["plugin_output"]
        # Nagios keeps it in one line.
        self.long_output = [line.replace("\\\\", "\\") for line in re.split(r"(?<!\\)\\n", fields["long_plugin_output"])
                            if line]
        self.perfdata = fields["performance_data"]


class Nagios:
    """Started as its systemd unit does it, as root; it goes on as user nagios."""

    def __init__(self):
        for leftover in ("rw/nagios.cmd", "service-perfdata", "status.dat", "nagios.log"):
            if os.path.exists(os.path.join(STATE, leftover)):
                os.unlink(os.path.join(STATE, leftover))
        self.server = Server(["nagios4", CONFIG], os.path.join(dualstack.temporary_folder(), "nagios.out"),
                             env=BARE_ENVIRONMENT)

    def services(self):
        """All in status.dat by (host, description); none when there is no such file yet."""
        try:
            text = read(STATE + "/status.dat")
        except FileNotFoundError:
            return {}
        blocks = re.findall(r"^servicestatus \{\n(.*?)\n\t\}$", text, re.MULTILINE | re.DOTALL)
        found = (Service(dict(line.strip("\t").split("=", 1) for line in block.split("\n"))) for block in blocks)
        return {service.place: service for service in found}

    def checked(self, places):
        """Waits until status.dat has a first result of each, and the file of performance data a line; returns them."""
        def results():
            services = self.services()
            lines = self.perfdata()
            return services if all(place in services and services[place].checked and place in lines
                                   for place in places) else None
        return self.server.ready(results, "Nagios")

    @staticmethod
    def perfdata():
        """Lines of the file of performance data by (host, description): the state's name and the performance data."""
        lines = {}
        if os.path.exists(STATE + "/service-perfdata"):
            for line in read(STATE + "/service-perfdata").splitlines():
                host, description, state, perfdata = line.split("\t")
                lines.setdefault((host, description), []).append((state, perfdata))
        return lines

    def close(self):
        self.server.close()


# Beside those that services.cfg names.
MORE_HOSTS = """
define host {
    use         linux-server
    host_name   app1
    address     192.0.2.13
    hostgroups  dual-stack
}
define host {
    use         linux-server
    host_name   db1
    address     192.0.2.14
    hostgroups  dual-stack
}
"""


def hosts_of_each_state(stack):
    """Makes four hosts, each in another state, which the ExitStack will close."""
    write(OBJECTS + "/hosts.cfg", MORE_HOSTS)
    # Someone's slip: it is dual-stack.
    slip = {"dualstack.conf": "22    dual-stack  name=ssh\n5432  dualstack   name=db\n"}
    web1, web2, app1, db1 = (stack.enter_context(contextlib.closing(nrpe.NrpeHost(*host))) for host in (
        ("web1", "192.0.2.11"), ("web2", "192.0.2.12"), ("app1", "192.0.2.13"), ("db1", "192.0.2.14", slip)))
    for host in (web1, web2, app1, db1):
        host.listen("ssh.service", "0.0.0.0:22", "[::]:22")
    for host in (web1, app1):
        host.listen("nginx.service", "0.0.0.0:80", "[::]:80", "0.0.0.0:443", "[::]:443")
    web2.listen("nginx.service", "0.0.0.0:80", "[::]:80", "0.0.0.0:443")
    app1.listen("tomcat10.service", "[::]:8080 dual")
    db1.listen("postgresql@15-main.service", "0.0.0.0:5432", "[::]:5432")
