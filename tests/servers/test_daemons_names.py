# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: dnsmasq unbound bind9 chrony
"""Real daemons, against what connections find and doc/DAEMONS.md says: names and time, by UDP."""

import daemon_catalog
import daemons


class Daemons(daemons.TestCase):
    daemons = daemon_catalog.named("dnsmasq", "Unbound", "BIND", "chronyd")


if __name__ == "__main__":
    daemons.main()
