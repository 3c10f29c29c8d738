# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
# Packages: graphite-carbon graphite-web icinga2-bin icinga2-common
"""packaging/grafana: each variable and query of the dashboard, filled in as Grafana does and put to a Graphite that
Icinga 2 writes to."""

import json
import os
import pathlib
import re
import tempfile
import unittest

import private_graphite

DASHBOARD = pathlib.Path(os.environ["TOP_SRCDIR"], "packaging/grafana/dualstack-dashboard.json")
VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")


def interpolate(text, values):
    """Grafana's way for Graphite: a value as it is, several as a glob."""
    def glob(match):
        value = values[match[1] or match[2]]
        if isinstance(value, str):
            return value
        return value[0] if len(value) == 1 else "{%s}" % ",".join(value)
    return VARIABLE.sub(glob, text)


class GrafanaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
        cls.variables = cls.dashboard["templating"]["list"]
        cls.panels = [panel for panel in cls.dashboard["panels"] if panel["type"] != "row"]
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.graphite = cls.enterClassContext(private_graphite.Graphite(folder))

    def choices(self, chosen):
        """The options of every variable, each found by all options of those before it or what is chosen of them."""
        values = {}
        for variable in self.variables:
            name = variable["name"]
            if variable["type"] == "query":
                query = re.fullmatch(r"expand\((.*)\)", interpolate(variable["query"], values))[1]
                captured = re.compile(variable["regex"].strip("/"))
                found = map(captured.search, self.graphite.expand(query))
                values[name] = sorted({match[1] for match in found if match})
            else:
                values[name] = variable["query"]
            values[name] = chosen.get(name, values[name])
        return values

    def panel_values(self, panel, values):
        """{series: last value} of a panel."""
        targets = [interpolate(target["target"], values) for target in panel["targets"]]
        return {name: found[-1] for name, found in self.graphite.render(*targets) if found}

    def panel(self, title, kind="timeseries"):
        return next(panel for panel in self.panels if (panel["title"], panel["type"]) == (title, kind))

    def test_variables_find_the_services_of_this_check(self):
        self.graphite.send("icinga2.other.services.ssh.ssh.perfdata.time.value", 1)
        values = self.choices({})
        self.assertEqual(values["host"], ["db1", "web1_example_org"])
        self.assertEqual(values["service"], ["IP_families", "dualstack", "mapped"])
        self.assertEqual(values["rule"], ["db", "graphite", "ssh", "web"])
        self.assertEqual(self.choices({"host": ["web1_example_org"]})["service"], ["IP_families"])

    def test_every_panel_has_data(self):
        for chosen in ({}, {"host": ["web1_example_org"], "rule": ["web"]}):
            values = self.choices(chosen)
            for panel in self.panels:
                repeated = {panel["repeat"]: values[panel["repeat"]][-1]} if "repeat" in panel else {}
                for target in panel["targets"]:
                    series = self.graphite.render(interpolate(target["target"], {**values, **repeated}))
                    self.assertTrue(any(found for _, found in series), (panel["title"], target["target"]))

    def test_values_of_one_host(self):
        values = self.choices({"host": ["web1_example_org"], "rule": ["db", "ssh", "web"]})
        stats = {panel["title"]: list(self.panel_values(panel, values).values())
                 for panel in self.panels if panel["type"] == "stat"}
        self.assertEqual(stats, {
            "Services off policy": [2], "Named by no rule": [1], "v4-mapped, inbound": [3], "v4-mapped, outbound": [1],
            "IPv6 of all connections": [50], "v4-mapped of all IPv4": [50],
        })
        self.assertEqual(self.panel_values(self.panel("Connections by family"), values),
                         {"IPv4 as v4-mapped": 3, "IPv4": 3, "IPv6": 6})
        name = "web1_example_org.IP_families"
        self.assertEqual(self.panel_values(self.panel("Services off policy"), values), {name: 2, name + " unlisted": 1})
        self.assertEqual(self.panel_values(self.panel("v4-mapped connections, inbound"), values),
                         {name: 3, name + ".warn": 10, name + ".crit": 20})
        self.assertEqual(self.panel_values(self.panel("v4-mapped connections, outbound"), values), {name: 1})

    def test_values_of_a_rule(self):
        values = self.choices({"host": ["web1_example_org"]})
        panel = self.panel("$rule")
        self.assertEqual(panel["repeat"], "rule")
        self.assertEqual(self.panel_values(panel, {**values, "rule": "web"}),
                         {"IPv4 as v4-mapped": 3, "IPv4": 0, "IPv6": 1, "Warning": 5, "Critical": 8})
        self.assertEqual(self.panel_values(panel, {**values, "rule": "ssh"}),
                         {"IPv4 as v4-mapped": 0, "IPv4": 2, "IPv6": 5})

    def test_hosts_add_up(self):
        values = self.choices({"service": ["IP_families", "dualstack"]})
        self.assertEqual(self.panel_values(self.panel("v4-mapped, inbound", "stat"), values), {"inbound": 6})

    def test_overrides_match_what_is_drawn(self):
        """A colour for a series that no query gives would be an old name's."""
        values = self.choices({})
        for panel in self.panels:
            rule = {"rule": "web"} if "repeat" in panel else {}
            drawn = self.panel_values(panel, {**values, **rule})
            for override in panel["fieldConfig"]["overrides"]:
                kind, wanted = override["matcher"]["id"], override["matcher"]["options"]
                if kind == "byName":
                    self.assertIn(wanted, drawn, panel["title"])
                else:
                    self.assertEqual(kind, "byRegexp")
                    pattern, flags = re.fullmatch("/(.*)/(i?)", wanted).groups()
                    self.assertTrue(any(re.search(pattern, name, re.I if flags else 0) for name in drawn), wanted)

    def test_it_imports_anywhere(self):
        """No id or data source of another Grafana; every panel has a place of its own."""
        self.assertIsNone(self.dashboard["id"])
        self.assertEqual(self.dashboard["__inputs"], [])
        self.assertGreaterEqual(self.dashboard["schemaVersion"], 36)  # Grafana 9.0's
        names = {variable["name"] for variable in self.variables}
        graphite = {"type": "graphite", "uid": "${datasource}"}
        for user in self.panels + [target for panel in self.panels for target in panel["targets"]] + [
                variable for variable in self.variables if variable["type"] == "query"]:
            self.assertEqual(user["datasource"], graphite)
        text = DASHBOARD.read_text(encoding="utf-8")
        self.assertLessEqual({match[1] or match[2] for match in VARIABLE.finditer(text)} - {"__all"}, names)
        ids = [panel["id"] for panel in self.dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        cells = set()
        for panel in self.dashboard["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            own = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                   for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & own, panel["title"])
            cells |= own
        types = {panel["type"] for panel in self.panels}
        self.assertEqual({need["id"] for need in self.dashboard["__requires"] if need["type"] == "panel"}, types)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
