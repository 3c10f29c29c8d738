# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: openjdk-17-jre-headless tomcat10 nodejs prometheus-node-exporter
"""Real daemons, against what connections find and doc/DAEMONS.md says: what the libraries of languages do."""

import daemon_catalog
import daemons


class Daemons(daemons.TestCase):
    daemons = daemon_catalog.named("Tomcat", "Java", "Node.js", "Go", "Python http.server")


if __name__ == "__main__":
    daemons.main()
