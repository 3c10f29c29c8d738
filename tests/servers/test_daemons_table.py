# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""doc/DAEMONS.md is whole: each of its rows is tried by one of the tests, each daemon of the tests has a row, and the
man page says the same."""

import collections
import glob
import importlib
import os
import re
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
        self.assertEqual({name: row.cells["unit"] for name, row in self.rows.items()},
                         {name: daemon.unit for name, daemon in daemon_catalog.CATALOG.items()})

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

    def test_the_man_page_says_the_same(self):
        self.assertEqual(self.manual(), [item for row in self.rows.values() for item in self.said(row)])

    @staticmethod
    def manual():
        """(name, the rest of its line) of each line of the section's list."""
        path = os.path.join(daemons.TOP_SRCDIR, "plugins", "check_dualstack.1")
        with open(path, encoding="utf-8") as file:
            section = file.read().split("\n.Sh DAEMONS\n")[1].split("\n.El\n")[0]
        for escaped, character in (("\\(dq", '"'), ("\\(aq", "'"), ("\\-", "-"), ("\\ ", "")):
            section = section.replace(escaped, character)
        # A long cell goes on in a line without a name.
        section = section.replace("\n.It Ta ", " ")
        return re.findall(r"^\.It (?:Sy )?(\S+) *Ta (.*)$", section, re.MULTILINE)

    @staticmethod
    def said(row):
        """The same of a row: of several ways to one end the first."""
        yield row.name.split()[0], "%s, %s: %s" % (row.cells["version"], row.cells["port"].replace(" ", ", "),
                                                   row.default.text)
        ways = {}
        for outcome, lines in row.ways():
            ways.setdefault(outcome.form or outcome.stack, " and ".join(lines))
        yield from ways.items()


if __name__ == "__main__":
    daemons.main()
