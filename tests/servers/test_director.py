# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
# Packages: icinga2-bin icinga2-common icingacli icingaweb2-module-director mariadb-server php-cli php-mysql
"""packaging/director: the basket in an Icinga Director of the test's own, and an Icinga 2 that runs what it renders."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest

from icinga import PACKAGING, TOP_SRCDIR, Icinga, result_of
from private_mariadb import MariaDB

BASKET = TOP_SRCDIR / "packaging/director/dualstack-basket.json"
COMMAND = PACKAGING / "dualstack.conf"
HERE = pathlib.Path(__file__).parent
MODULES = pathlib.Path("/usr/share/icingaweb2/modules")
NODE = "icinga.example.org"

# A field and a list that were there before: the basket's own numbers are taken.
FORMER = {
    "DataList": {"former": {"list_name": "former", "owner": "somebody", "entries": [
        {"entry_name": "a", "entry_value": "A", "format": "string", "allowed_roles": None}]}},
    "Datafield": {"1": {
        "varname": "former", "caption": "Former", "description": None, "format": None, "category": None,
        "datatype": "Icinga\\Module\\Director\\DataType\\DataTypeDatalist",
        "settings": {"behavior": "strict", "data_type": "string", "datalist": "former"}}},
}

SERVICE = {
    "object_type": "object", "host": NODE, "imports": ["dualstack"],
    "vars": {
        "dualstack_rules": ["8080 dual-stack name=web", "5432 v4-only name=db"],
        "dualstack_warning": "10", "dualstack_critical": "20", "dualstack_timeout": "5:critical",
        "dualstack_verbose": "1", "dualstack_source": "netlink",
    },
}

SERVICE_OF = """
object Service "%s %d" {
  host_name = "%s"
  check_command = "%s"
%s}
"""

VARIABLES = [
    {},
    {"dualstack_rules": "443 dual-stack name=web", "dualstack_policy": "/etc/policy",
     "dualstack_extra_opts": "web@/etc/x.ini", "dualstack_replay": "/srv/captures", "dualstack_verbose": 1,
     "dualstack_baseline": "/srv/before",
     "dualstack_warning": "10", "dualstack_critical": "20", "dualstack_timeout": "5:critical",
     "dualstack_perfdata": "full", "dualstack_source": "procfs", "dualstack_procfs": "/srv/proc",
     "dualstack_netns": "blue", "dualstack_format": "json", "dualstack_details": "none", "dualstack_peers": "5",
     "dualstack_hosts": "/srv/hosts", "dualstack_max_age": "7"},
    {"dualstack_rules": ["443 dual-stack name=web", "default closed"], "dualstack_extra_opts": ["web", "@/etc/x.ini"],
     "dualstack_replay": ["/srv/a", "/srv/b"], "dualstack_baseline": ["/srv/c", "/srv/d"], "dualstack_verbose": "2"},
    {"dualstack_rules": [], "dualstack_extra_opts": [], "dualstack_verbose": "3"},
    {"dualstack_lint": True, "dualstack_learn": True, "dualstack_list": True, "dualstack_capture": True},
    {"dualstack_lint": False, "dualstack_learn": False, "dualstack_list": False, "dualstack_capture": False},
]


class Director(contextlib.ExitStack):
    """A MariaDB, and the Director's command line on it."""

    def __init__(self, folder):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)  # Icinga's user reads what is rendered there
        self.config = self.folder / "icingaweb2"
        self.database = None

    def __enter__(self):
        super().__enter__()
        with contextlib.ExitStack() as undo:
            undo.push(self)
            self.database = self.enter_context(contextlib.closing(MariaDB()))
            self.database.create("director", "utf8")
            self.configure()
            self.command("migration", "run")
            undo.pop_all()
        return self

    def configure(self):
        for name, text in {
            "config.ini": '[global]\nconfig_backend = "ini"\n[logging]\nlog = "none"\n',
            "resources.ini": '[director_db]\ntype = "db"\ndb = "mysql"\nhost = "localhost"\ndbname = "director"\n'
                             'username = "director"\npassword = "director"\ncharset = "utf8"\n',
            "modules/director/config.ini": '[db]\nresource = "director_db"\n',
        }.items():
            path = self.config / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="ascii")
        (self.config / "enabledModules").mkdir()
        for name in ("director", "incubator", "reactbundle"):
            (self.config / "enabledModules" / name).symlink_to(MODULES / name)

    def php(self, *arguments, given=""):
        run = subprocess.run(["php", "-d", "pdo_mysql.default_socket=%s" % self.database.socket, *arguments],
                             input=given, env=dict(os.environ, ICINGAWEB_CONFIGDIR=str(self.config)), text=True,
                             check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        if run.returncode != 0:
            raise AssertionError("%s: %s" % (arguments, run.stdout))
        return run.stdout

    def command(self, *arguments, given=""):
        return self.php("/usr/bin/icingacli", "director", *arguments, given=given)

    def create(self, kind, name, **properties):
        self.command(kind, "create", name, "--json", json.dumps(properties))

    def render(self, folder):
        """Writes the configuration that it would deploy; returns the names of its files."""
        self.command("config", "render", "--force")
        files = map(json.loads, self.database.sql(
            "SELECT JSON_OBJECT('path', file_path, 'content', content) FROM director_generated_config_file"
            " JOIN director_generated_file ON file_checksum = checksum", "director"))
        names = []
        for file in files:
            path = folder / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file["content"], encoding="utf-8")
            names.append(file["path"])
        return sorted(names)


def ask(*arguments):
    """What the program says."""
    return subprocess.run([os.environ["CHECK_DUALSTACK"], *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, timeout=30).stdout


def listener(address, port):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen()
    return sock


class DirectorTest(unittest.TestCase):
    """One Director, restored into twice and rendered once; the tests look at what became of it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.director = cls.enterClassContext(Director(cls.folder))
        cls.director.command("basket", "restore", given=json.dumps(FORMER))
        basket = BASKET.read_text(encoding="utf-8")
        cls.contents = []
        for _ in range(2):
            cls.director.command("basket", "restore", given=basket)
            cls.contents.append(cls.content())
        # What an Icinga that the Director was introduced to has: its zone, its endpoint, the commands of the ITL.
        cls.director.create("zone", NODE, object_type="external_object")
        cls.director.create("endpoint", NODE, object_type="external_object", zone=NODE)
        cls.director.create("command", "dummy", object_type="external_object")
        cls.director.create("host", NODE, object_type="object", check_command="dummy")
        cls.director.create("service", "IP families", **SERVICE)
        cls.files = cls.director.render(cls.folder / "rendered")
        # The command of packaging/icinga2 beside it, under another name, and services with the same variables for both.
        config = 'include_zones "director", "%s"\n' % (cls.folder / "rendered/zones.d")
        config += COMMAND.read_text(encoding="utf-8").replace('CheckCommand "dualstack"', 'CheckCommand "shipped"')
        for number, variables in enumerate(VARIABLES):
            for command in ("dualstack", "shipped"):
                config += SERVICE_OF % (command, number, NODE, command, "".join(
                    "  vars.%s = %s\n" % (name, json.dumps(value)) for name, value in variables.items()))
        # Entering it validates that, and takes neither errors nor warnings.
        cls.icinga = cls.enterClassContext(Icinga(config, name=NODE))
        cls.commands = cls.icinga.attributes("checkcommands")

    @classmethod
    def content(cls):
        """All that a basket can change."""
        show = [cls.director.command(kind, "show", "dualstack", "--json") for kind in ("command", "service")]
        tables = ("director_datafield", "director_datafield_setting", "director_datalist", "director_datalist_entry",
                  "icinga_command", "icinga_command_argument", "icinga_command_field", "icinga_service",
                  "icinga_service_field", "icinga_service_var")
        return show + [(table, cls.director.database.sql("SELECT * FROM " + table, "director")) for table in tables]

    def fields(self):
        return json.loads(self.director.php(HERE / "director_fields.php", "dualstack"))

    def test_a_second_restore_changes_nothing(self):
        self.assertEqual(self.contents[0], self.contents[1])
        fields = dict(self.contents[0][2:])["director_datafield"]
        self.assertEqual(len(fields), 1 + len(json.loads(BASKET.read_text(encoding="utf-8"))["Datafield"]))

    def test_what_is_rendered(self):
        self.assertIn("zones.d/director-global/commands.conf", self.files)
        self.assertIn("zones.d/director-global/service_templates.conf", self.files)

    def test_the_command_is_that_of_packaging_icinga2(self):
        ours, theirs = self.commands["dualstack"], self.commands["shipped"]
        for name in ("command", "timeout", "vars", "env"):
            self.assertEqual(ours[name], theirs[name], name)
        self.assertEqual(sorted(ours["arguments"]), sorted(theirs["arguments"]))
        for name, argument in theirs["arguments"].items():
            if not {"key", "separator"} & set(argument):  # which the Director does not know
                self.assertEqual(ours["arguments"][name], argument)
            self.assertEqual(ours["arguments"][name]["description"], argument["description"])

    def test_the_command_line_is_that_of_packaging_icinga2(self):
        """With the same variables, Icinga asks the plugin for the same by either command."""
        services = self.icinga.check('match("dualstack *", service.name) || match("shipped *", service.name)')
        used = set()
        for number, variables in enumerate(VARIABLES):
            ours, theirs = (services["%s!%s %d" % (NODE, command, number)]["last_check_result"]["command"]
                            for command in ("dualstack", "shipped"))
            self.assertEqual(ours, theirs, variables)
            used.update(word.partition("=")[0] for word in ours)
        options = set(re.findall(r"--[a-z-]+(?=[ =])", ask("--help"))) - {"--version", "--help"}
        self.assertGreater(len(options), 10)
        self.assertLessEqual(options, used)

    def test_each_variable_has_a_field(self):
        fields = self.fields()
        text = COMMAND.read_text(encoding="utf-8")
        self.assertEqual(sorted(fields), sorted(set(re.findall(r"\$(dualstack_\w+)\$", text))))
        for argument in self.commands["dualstack"]["arguments"].values():
            if isinstance(argument.get("value"), str) and argument["value"].startswith("$"):
                field = fields[argument["value"].strip("$")]
                self.assertEqual(field["description"], argument["description"])
                if not field["values"]:
                    self.assertEqual(field["datatype"], "Array" if argument.get("repeat_key") else "String")
            elif isinstance(argument.get("set_if"), str):
                field = fields[argument["set_if"].strip("$")]
                self.assertEqual((field["description"], field["datatype"]), (argument["description"], "Boolean"))

    def test_the_lists_have_the_words_that_the_program_knows(self):
        lists = {name[len("dualstack_"):]: field["values"] for name, field in self.fields().items() if field["values"]}
        self.assertEqual(sorted(lists.pop("verbose")), ["0", "1", "2", "3"])
        self.assertEqual(sorted(lists), ["format", "perfdata", "source"])
        for option, values in lists.items():
            # The program tells of a wrong word which ones are right.
            told = ask("--%s=wrong" % option)
            words = re.search(r"use ((?:\w+, )*\w+ or \w+)", told)
            self.assertIsNotNone(words, told)
            self.assertEqual(sorted(values), sorted(re.split(", | or ", words[1])))

    def test_icinga_runs_it(self):
        with listener("::", 8080), listener("0.0.0.0", 5432):
            (service,) = self.icinga.check('service.name == "IP families"').values()
        state, first, detail, perfdata = result_of(service)
        self.assertEqual((state, first), ("OK", "DUALSTACK OK: 2 services on policy, 0 v4-mapped connections"))
        self.assertIn("\\_[OK] web 8080/tcp: dual-stack", detail)
        self.assertEqual(perfdata[0], "mapped=0;10;20;0")
        self.assertEqual([item.partition("=")[0] for item in perfdata], [
            "mapped", "mapped_out", "violations", "unlisted", "web_mapped", "web_v4", "web_v6", "db_mapped", "db_v4",
            "db_v6"])


if __name__ == "__main__":
    unittest.main()
