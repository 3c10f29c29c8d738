# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
# Packages: graphite-carbon graphite-web icinga2-bin icinga2-common icingaweb2-module-graphite php-cli
"""packaging/graphite: what Icinga 2 writes into Graphite, and what Icinga Web 2's Graphite module draws of it."""

import base64
import configparser
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import private_graphite
from private_graphite import FULL, SERVICES, THRESHOLDS, VALUES

TEMPLATES = pathlib.Path(os.environ["TOP_SRCDIR"], "packaging/graphite")
HERE = pathlib.Path(__file__).parent
MAPPED = "icinga2.db1.services.mapped.dualstack"


class GraphiteTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.graphite = cls.enterClassContext(private_graphite.Graphite(cls.folder))

    def charts(self, path):
        """What the module draws of a service by the templates of our command: {title: (template, {curve: last})}."""
        host, service, command, _ = SERVICES[path]
        config = pathlib.Path(self.folder, "icingaweb2")
        config.mkdir(exist_ok=True)
        run = subprocess.run(["php", "-d", "display_errors=stderr", HERE / "graphite_charts.php", TEMPLATES,
                              self.graphite.url, host, service, command, "dualstack"],
                             env=dict(os.environ, ICINGAWEB_CONFIGDIR=str(config)), stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        charts = {}
        for chart in json.loads(run.stdout):
            self.assertNotIn("default", chart, "no curve of ours shows it")
            self.assertEqual(base64.b64decode(chart["png"])[:8], b"\x89PNG\r\n\x1a\n")
            charts[chart["title"]] = chart["template"], {
                series["target"]: [value for value, _ in series["datapoints"] if value is not None][-1]
                for series in chart["series"]}
        return charts

    def test_values_arrive(self):
        for path in FULL:
            found = {label: self.graphite.last("%s.perfdata.%s.value" % (path, label)) for label in VALUES}
            self.assertEqual(found, VALUES, path)

    def test_thresholds_arrive(self):
        for path in SERVICES:
            found = {name: self.graphite.last("%s.perfdata.%s" % (path, name)) for name in THRESHOLDS}
            self.assertEqual(found, THRESHOLDS, path)
            self.assertEqual(self.graphite.expand("%s.perfdata.ssh_mapped.*" % path),
                             ["%s.perfdata.ssh_mapped.%s" % (path, name) for name in ("min", "value")])

    def test_every_path_of_the_template_is_there(self):
        template = configparser.ConfigParser(interpolation=None)
        template.read(TEMPLATES / "dualstack.ini", encoding="ascii")
        paths = [text for section in template for text in re.findall(r"\$service_name_template\$[\w$.]+",
                                                                     " ".join(template[section].values()))]
        self.assertGreater(len(paths), 8)
        for path in paths:
            query = path.replace("$service_name_template$", FULL[0]).replace("$rule$", "*")
            self.assertNotEqual(self.graphite.expand(query), [], path)

    def test_charts_of_all_connections(self):
        for path in FULL:
            charts = self.charts(path)
            charts.pop("Connections of graphite")
            self.assertEqual(charts, {
                "Connections of web": ("dualstack-connections", {
                    "IPv4 as v4-mapped": 3, "IPv4": 0, "IPv6": 1, "Warning": 5, "Critical": 8}),
                "Connections of ssh": ("dualstack-connections", {"IPv4 as v4-mapped": 0, "IPv4": 2, "IPv6": 5}),
                "Connections of db": ("dualstack-connections", {
                    "IPv4 as v4-mapped": 0, "IPv4": 1, "IPv6": 0, "Critical": 0}),
                "v4-mapped connections": ("dualstack-mapped", {
                    "Inbound": 3, "Outbound": 1, "Warning": 10, "Critical": 20}),
                "Services off policy": ("dualstack-violations", {"Off policy": 2, "Of them named by no rule": 1}),
            })

    def test_charts_without_native_connections(self):
        charts = self.charts(MAPPED)
        self.assertEqual(charts["Connections of ssh"][1], {"IPv4 as v4-mapped": 0})
        self.assertEqual(charts["v4-mapped connections"][1], {"Inbound": 3, "Warning": 10, "Critical": 20})
        self.assertEqual(len(charts), 6)

    def test_charts_where_a_rule_had_no_native_connections_once(self):
        """A module that finds no metric for the next curve breaks off: the order of the curves keeps it from that."""
        before = self.charts(FULL[0])
        self.graphite.send(FULL[0] + ".perfdata.former_mapped.value", 7)
        self.assertEqual(list(self.charts(FULL[0])), list(before))


if __name__ == "__main__":
    unittest.main(warnings="ignore")
