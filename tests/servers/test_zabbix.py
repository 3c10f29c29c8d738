# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: iproute2 mariadb-server php-cli php-mysql python3 util-linux zabbix-agent zabbix-frontend-php
# Packages: zabbix-server-mysql
"""The template and the agent's file of packaging/carriers in a real Zabbix, for each of the four states."""

import contextlib
import json
import os
import socket
import urllib.request

import hosts  # before dualstack, which it finds
import dualstack
from carriers import CARRIERS, POLICY, PROGRAM, STATES, CarrierCase, connects, directly, folder, lay_empty
from dualstack import CRITICAL, OK, STATE_NAMES, UNKNOWN, WARNING
from private_mariadb import MariaDB

FRONTEND = "/usr/share/zabbix"
SQL = "/usr/share/zabbix-server-mysql"
AGENT_PORT, SERVER_PORT, FRONTEND_PORT = 10050, 10051, 8080

AGENT_CONF = """\
LogType=console
PidFile=%(place)s/agent.pid
Server=127.0.0.1
ListenIP=127.0.0.1
Include=%(place)s/dualstack.conf
"""

# It waits for an agent as long as Debian's configuration says, which is longer than an agent waits for a program. It
# does not know a MariaDB as new as Debian's.
SERVER_CONF = """\
LogType=console
PidFile=%(place)s/server.pid
SocketDir=%(place)s
ListenIP=127.0.0.1
DBSocket=%(socket)s
DBName=zabbix
DBUser=zabbix
DBPassword=zabbix
Timeout=4
AllowUnsupportedDBVersions=1
StartDBSyncers=1
StartDiscoverers=0
StartHTTPPollers=0
StartPingers=0
StartPollers=1
StartPreprocessors=1
StartTrappers=1
"""

FRONTEND_CONF = """\
<?php
$DB = ['TYPE' => 'MYSQL', 'SERVER' => 'localhost', 'PORT' => '0', 'DATABASE' => 'zabbix', 'USER' => 'zabbix',
       'PASSWORD' => 'zabbix', 'SCHEMA' => ''];
$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
"""

# As the frontend's page has it, for what the template has.
IMPORT = dict.fromkeys(("groups", "templates", "items", "triggers"), {"createMissing": True, "updateExisting": True})

# The one trigger, and its severity, that is a problem.
PROBLEMS = {
    OK: [],
    WARNING: [("Services are off their IP family policy (WARNING)", "2")],
    CRITICAL: [("Services are off their IP family policy (CRITICAL)", "4")],
    UNKNOWN: [("The IP families of services cannot be determined (UNKNOWN)", "3")],
}

NO_RESULT = 'no result: see the item "check_dualstack: answer"'


class Zabbix(contextlib.ExitStack):
    """Once entered, it has the template, imported twice, and a host with it and the agent's interface, which is asked
    each second."""

    def __init__(self):
        super().__init__()
        # Its user may read what lies there, not always the sources.
        self.place = folder(0o777)
        self.token = self.host = self.groups = None
        self.imported = []

    def __enter__(self):
        super().__enter__()
        with contextlib.ExitStack() as undo:
            undo.push(self)
            database = self.start_database()
            self.start_frontend(database.socket)
            self.import_template()
            self.add_host()
            self.start_agent()
            self.start_server(database.socket)
            undo.pop_all()
        return self

    def serve(self, user, *command):
        server = hosts.Server(["setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups", *command],
                              os.path.join(folder(), "log"), env=hosts.BARE_ENVIRONMENT)
        self.enter_context(contextlib.closing(server))
        return server

    def write(self, name, text):
        return hosts.write(os.path.join(self.place, name), text)

    def start_database(self):
        database = self.enter_context(contextlib.closing(MariaDB()))
        database.create("zabbix", "utf8mb4 COLLATE utf8mb4_bin")
        for name in ("schema", "data"):
            database.load("%s/%s.sql.gz" % (SQL, name), "zabbix")
        return database

    def start_frontend(self, database_socket):
        hosts.write(os.path.join(lay_empty("/etc/zabbix"), "zabbix.conf.php"), FRONTEND_CONF)
        frontend = self.serve("www-data", "php", "-d", "mysqli.default_socket=" + database_socket,
                              "-S", "127.0.0.1:%d" % FRONTEND_PORT, "-t", FRONTEND)
        frontend.ready(lambda: connects(FRONTEND_PORT), "the frontend")
        self.token = self.ask("user.login", username="Admin", password="zabbix")

    def start_agent(self):
        self.write("dualstack.conf", hosts.read(os.path.join(CARRIERS, "zabbix_agentd.conf")))
        conf = self.write("agent.conf", AGENT_CONF % {"place": self.place})
        agent = self.serve("zabbix", "zabbix_agentd", "-f", "-c", conf)
        agent.ready(lambda: connects(AGENT_PORT), "zabbix_agentd")

    def start_server(self, database_socket):
        conf = self.write("server.conf", SERVER_CONF % {"place": self.place, "socket": database_socket})
        server = self.serve("zabbix", "zabbix_server", "-f", "-c", conf)
        server.ready(lambda: self.items()["dualstack"]["lastvalue"], "zabbix_server")

    def ask(self, method, **parameters):
        """What the API answers."""
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters, "auth": self.token}
        request = urllib.request.Request("http://127.0.0.1:%d/api_jsonrpc.php" % FRONTEND_PORT,
                                         json.dumps(question).encode(), {"Content-Type": "application/json-rpc"})
        with urllib.request.urlopen(request, timeout=hosts.PATIENCE) as reply:
            answer = json.load(reply)
        if "error" in answer:
            raise AssertionError("%s: %s" % (method, answer["error"]))
        return answer["result"]

    def import_template(self):
        source = hosts.read(os.path.join(CARRIERS, "zabbix_template.yaml"))
        self.groups = self.ask("hostgroup.get")
        for _ in range(2):
            self.ask("configuration.import", format="yaml", rules=IMPORT, source=source)
            self.imported.append(self.ask("template.get", filter={"host": "check_dualstack"}, selectGroups="extend",
                                          selectItems="extend", selectTriggers="extend"))

    def add_host(self):
        [[template], _] = self.imported
        [group] = self.ask("hostgroup.get", filter={"name": "Linux servers"})
        interface = {"type": 1, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "", "port": str(AGENT_PORT)}
        [self.host] = self.ask("host.create", host="web1", interfaces=[interface],
                               groups=[{"groupid": group["groupid"]}],
                               templates=[{"templateid": template["templateid"]}])["hostids"]
        self.ask("item.update", itemid=self.items()["dualstack"]["itemid"], delay="1s")

    def items(self):
        """The host's, by key."""
        return {item["key_"]: item for item in self.ask("item.get", hostids=self.host)}

    def seen(self):
        """The last value of each item, or why there is none."""
        seen = {key: item["error"] or item["lastvalue"] for key, item in self.items().items()}
        with contextlib.suppress(ValueError):
            seen["dualstack"] = answer_of(seen["dualstack"])
        return seen

    def last_states(self):
        """The last two values of the state. Triggers have judged the first by the time that the second is there."""
        values = self.ask("history.get", itemids=self.items()["dualstack.state"]["itemid"], history=1, limit=2,
                          sortfield="clock", sortorder="DESC")
        return [value["value"] for value in values]

    def problems(self):
        return [(problem["name"], problem["severity"]) for problem in self.ask("problem.get", hostids=self.host)]


def answer_of(text):
    """The program's JSON object without what differs from run to run: the time, and Zabbix' own connections."""
    answer = json.loads(text)
    del answer["time"]
    answer["services"] = [entry for entry in answer["services"] if entry["port"] == 443]
    return answer


class ZabbixTest(CarrierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.zabbix = cls.enterClassContext(Zabbix())

    def test_import(self):
        """It adds a template, to a group that was there; what was there stays, as it does at a second import."""
        self.assertEqual(self.zabbix.ask("hostgroup.get"), self.zabbix.groups)
        first, second = self.zabbix.imported
        self.assertEqual(first, second)
        [template] = first
        self.assertEqual([group["name"] for group in template["groups"]], ["Templates/Applications"])
        self.assertEqual((len(template["items"]), len(template["triggers"])), (6, 3))

    def test_each_state(self):
        totals = {}
        for state in (*STATES, OK):
            with self.host_in(state) as services:
                if state == CRITICAL:
                    self.make_totals_differ(services)
                answer = answer_of(directly("--format=json"))
                # It has none where it could not determine any: Zabbix keeps those it has.
                totals.update(answer["totals"])
                expected = {"dualstack": answer, "dualstack.state": answer["state"],
                            "dualstack.summary": answer["summary"]}
                for name in ("mapped", "violations", "unlisted"):
                    expected["dualstack." + name] = str(totals[name])
                hosts.eventually(lambda: self.zabbix.seen() == expected,
                                 lambda: "%s, but %s" % (expected, self.zabbix.seen()))
                self.settles(state)

    def settles(self, state):
        """Waits until Zabbix has that state, and its problem and no other."""
        hosts.eventually(lambda: self.zabbix.last_states() == [STATE_NAMES[state]] * 2
                         and self.zabbix.problems() == PROBLEMS[state],
                         lambda: "%s, but %s" % (PROBLEMS[state], self.zabbix.problems()))

    def make_totals_differ(self, services):
        services.listen("tomcat10.service", "[::]:8443 dual")
        hosts.write(POLICY, hosts.read(POLICY) + "default v4-only\n")
        for _ in range(3):
            self.enterContext(socket.create_connection(("127.0.0.1", 8443)))
            services.accept(8443)
        totals = json.loads(directly("--format=json"))["totals"]
        self.assertEqual([totals[name] for name in ("mapped", "violations", "unlisted")], [3, 2, 1])

    def test_without_an_answer(self):
        """A program that is gone, or hangs, is UNKNOWN: the state from before would be a false OK."""
        for script, why in ((None, "not found"), ("#!/bin/sh\nexec sleep 10\n", "longer than its Timeout")):
            with self.host_in(OK), self.subTest(why):
                self.settles(OK)
                os.rename(PROGRAM, PROGRAM + ".away")
                try:
                    if script:
                        os.chmod(hosts.write(PROGRAM, script), 0o755)
                    hosts.eventually(lambda: self.zabbix.problems() == PROBLEMS[UNKNOWN], self.zabbix.seen)
                    hosts.eventually(lambda: why in self.zabbix.seen()["dualstack"]
                                     and self.zabbix.seen()["dualstack.summary"] == NO_RESULT, self.zabbix.seen)
                finally:
                    os.replace(PROGRAM + ".away", PROGRAM)
                # By then the agent has ended what hung.
                self.settles(OK)


if __name__ == "__main__":
    dualstack.main()
