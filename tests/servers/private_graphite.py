# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What the tests of graphs share: known connections, an Icinga 2 that checks them every second and writes to Graphite,
a carbon-cache that stores what it writes, and graphite-web, as a WSGI application, that answers questions about it."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import wsgiref.simple_server

from icinga import PACKAGING, Icinga, eventually

CARBON_PORT, PICKLE_PORT, QUERY_PORT, WEB_PORT = 2003, 2004, 7002, 8000
WEB, SSH, DATABASE, UNLISTED = 8080, 2222, 5432, 9999

RULES = [
    "%d dual-stack form=single name=web mapped-warning=5 mapped-critical=8" % WEB,
    "%d dual-stack form=split name=ssh" % SSH,
    "%d v4-only name=db bind=loopback mapped-critical=0" % DATABASE,
    "%d,%d,%d,%d any name=graphite" % (CARBON_PORT, PICKLE_PORT, QUERY_PORT, WEB_PORT),
    "default closed severity=warning",
]

# What Connections opens and RULES and the options below make of it.
VALUES = {
    "mapped": 3, "mapped_out": 1, "violations": 2, "unlisted": 1,
    "web_mapped": 3, "web_v4": 0, "web_v6": 1,
    "ssh_mapped": 0, "ssh_v4": 2, "ssh_v6": 5,
    "db_mapped": 0, "db_v4": 1, "db_v6": 0,
}
THRESHOLDS = {
    "mapped.warn": 10, "mapped.crit": 20, "mapped.min": 0,
    "web_mapped.warn": 5, "web_mapped.crit": 8, "db_mapped.crit": 0,
}

# By the path that Icinga gives their metrics: host, service, check command, set of performance data.
SERVICES = {
    "icinga2.web1_example_org.services.IP_families.dualstack": ("web1.example.org", "IP families", "dualstack", "full"),
    "icinga2.db1.services.dualstack.over_nrpe": ("db1", "dualstack", "over_nrpe", "full"),
    "icinga2.db1.services.mapped.dualstack": ("db1", "mapped", "dualstack", "mapped"),
}
FULL = [path for path, service in SERVICES.items() if service[3] == "full"]
HOSTS = {service[0] for service in SERVICES.values()}

CONFIG = """
object GraphiteWriter "graphite" {
  host = "127.0.0.1"
  port = "%d"
  enable_send_thresholds = true
}
object CheckCommand "over_nrpe" { import "dualstack" }
template Service "fast" {
  check_interval = 1s
  retry_interval = 1s
  vars.dualstack_rules = %s
  vars.dualstack_warning = "10"
  vars.dualstack_critical = "20"
}
"""

HOST = """
object Host "%s" { check_command = "dummy" }
"""

SERVICE = """
object Service "%s" {
  import "fast"
  host_name = "%s"
  check_command = "%s"
  vars.dualstack_perfdata = "%s"
}
"""

CARBON = """
[cache]
STORAGE_DIR = %(folder)s
LOCAL_DATA_DIR = %(folder)s/whisper/
CONF_DIR = %(folder)s
LOG_DIR = %(folder)s
PID_DIR = %(folder)s
DATABASE = whisper
ENABLE_LOGROTATION = False
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
WHISPER_AUTOFLUSH = True
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = %(line)d
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = %(pickle)d
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = %(query)d
CARBON_METRIC_INTERVAL = 0
"""

SCHEMAS = """
[all]
pattern = .*
retentions = 1s:10m
"""


class Connections(contextlib.ExitStack):
    """Listeners and as many connections as VALUES says."""

    def __enter__(self):
        super().__enter__()
        web = self.listener("::", WEB, v6only=False)
        ssh = [self.listener("::", SSH, v6only=True), self.listener("0.0.0.0", SSH)]
        database = self.listener("0.0.0.0", DATABASE)
        self.listener("0.0.0.0", UNLISTED)
        for listener, address, count in ((web, "127.0.0.1", 3), (web, "::1", 1), (ssh[0], "::1", 5),
                                         (ssh[1], "127.0.0.1", 2), (database, "::ffff:127.0.0.1", 1)):
            for _ in range(count):
                self.connect(listener, address)
        return self

    def listener(self, address, port, v6only=None):
        sock = self.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if v6only is not None:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        sock.bind((address, port))
        sock.listen(16)
        return sock

    def connect(self, listener, address):
        client = self.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
        client.connect((address, listener.getsockname()[1]))
        self.enter_context(listener.accept()[0])


class Silent(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Graphite(contextlib.ExitStack):
    """Takes a temporary folder. Once entered, every service of SERVICES has been checked and stored a few times."""

    def __init__(self, folder):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.url = "http://127.0.0.1:%d" % WEB_PORT

    def __enter__(self):
        super().__enter__()
        with contextlib.ExitStack() as undo:
            undo.push(self)
            self.enter_context(Connections())
            self.start_carbon()
            self.start_web()
            self.start_icinga()
            eventually("three values of each service in Graphite", self.has_arrived)
            undo.pop_all()
        return self

    def start_carbon(self):
        folder = self.folder / "carbon"
        folder.mkdir()
        (folder / "carbon.conf").write_text(CARBON % {
            "folder": folder, "line": CARBON_PORT, "pickle": PICKLE_PORT, "query": QUERY_PORT}, encoding="ascii")
        (folder / "storage-schemas.conf").write_text(SCHEMAS, encoding="ascii")
        log = self.enter_context(open(folder / "log", "w", encoding="utf-8"))
        carbon = subprocess.Popen(["carbon-cache", "--debug", "--config", str(folder / "carbon.conf"), "start"],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.callback(carbon.wait, 20)
        self.callback(carbon.terminate)

        def listens():
            if carbon.poll() is not None:
                raise AssertionError("carbon-cache ended:\n" + (folder / "log").read_text(encoding="utf-8"))
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", CARBON_PORT)):
                return True
            return False

        eventually("carbon-cache on port %d" % CARBON_PORT, listens)

    def start_web(self):
        folder = self.folder / "web"
        folder.mkdir()
        (folder / "private_graphite_settings.py").write_text(
            "SECRET_KEY = 'a test'\nSTORAGE_DIR = CONF_DIR = LOG_DIR = %r\nSTANDARD_DIRS = [%r]\n"
            "CARBONLINK_HOSTS = []\nALLOWED_HOSTS = ['*']\n"
            % (str(folder), str(self.folder / "carbon/whisper")), encoding="ascii")
        sys.path.insert(0, str(folder))
        os.environ["GRAPHITE_SETTINGS_MODULE"] = "private_graphite_settings"
        from graphite.wsgi import application  # pylint: disable=import-outside-toplevel
        server = self.enter_context(wsgiref.simple_server.make_server("127.0.0.1", WEB_PORT, application,
                                                                      handler_class=Silent))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.callback(thread.join)
        self.callback(server.shutdown)

    def start_icinga(self):
        config = CONFIG % (CARBON_PORT, json.dumps(RULES))
        config += "".join(HOST % host for host in sorted(HOSTS))
        for host, service, command, perfdata in SERVICES.values():
            config += SERVICE % (service, host, command, perfdata)
        icinga = Icinga(config)
        icinga.put("conf.d/dualstack.conf", PACKAGING / "dualstack.conf")
        icinga.validate()
        self.callback(icinga.stop)
        icinga.start()

    def send(self, path, value):
        """Writes a metric as Icinga does."""
        with socket.create_connection(("127.0.0.1", CARBON_PORT)) as carbon:
            carbon.sendall(b"%s %d %d\n" % (path.encode("ascii"), value, int(time.time())))
        eventually("metric " + path, lambda: self.expand(path))

    # What Graphite says.

    def ask(self, path, **parameters):
        url = "%s/%s?%s" % (self.url, path, urllib.parse.urlencode(parameters, doseq=True))
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)

    def expand(self, query):
        """The paths that match a query with wildcards."""
        return self.ask("metrics/expand", query=query)["results"]

    def render(self, *targets):
        """The series that targets give: (name, [value that is there, ...])."""
        answer = self.ask("render", target=targets, format="json", **{"from": "-5min"})
        return [(series["target"], [value for value, _ in series["datapoints"] if value is not None])
                for series in answer]

    def last(self, path):
        """The last value of a metric, None where there is none."""
        series = self.render(path)
        return series[0][1][-1] if series and series[0][1] else None

    def has_arrived(self):
        """A last metric of each service is there more than once: those before it are there too."""
        series = [self.render("%s.perfdata.graphite_mapped.min" % path) for path in SERVICES]
        return all(found and len(found[0][1]) >= 3 for found in series)
