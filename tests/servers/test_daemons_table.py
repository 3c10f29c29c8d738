# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""doc/DAEMONS.md is whole: each of its rows is tried by one of the tests, and each daemon of the tests has a row. That
the program says the same is for tests/unit/test_daemons_document.c."""

import collections
import glob
import importlib
import os
import unittest

import daemon_catalog
import daemons


class Table(unittest.TestCase):
    def setUp(self):
        self.rows = daemons.rows()

    def test_each_row_is_tried_once(self):
        tried = collections.Counter()
        for path in glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "test_daemons_*.py")):
            module = importlib.import_module(os.path.basename(path)[:-len(".py")])
            if hasattr(module, "Daemons"):
                tried.update(daemon.name for daemon in module.Daemons.daemons)
        self.assertEqual(tried, {name: 1 for name in self.rows})

    def test_rows_and_daemons_agree(self):
        self.assertEqual(set(self.rows), set(daemon_catalog.CATALOG))
        units = [daemon.unit for daemon in daemon_catalog.CATALOG.values()]
        self.assertEqual(len(units), len(set(units)))
        for unit in units:
            self.assertRegex(unit, r"^[a-z0-9@.-]+\.(service|socket)$")

    def test_rows_are_read_whole(self):
        """A cell that the reader does not understand would be promised and not tried."""
        for name, row in self.rows.items():
            for column in ("v4-only", "v6-only", "dual-stack"):
                ways = [lines for outcome, lines in row.ways() if outcome.stack == column]
                with self.subTest(daemon=name, column=column):
                    if row.cells[column] == "-":
                        self.assertEqual(ways, [])
                    else:
                        self.assertEqual(sum(map(len, ways)), row.cells[column].count("`") / 2)
                        self.assertNotIn([], ways)


if __name__ == "__main__":
    daemons.main()
