# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: nginx-light apache2 lighttpd haproxy squid
"""Real daemons, against what connections find and doc/DAEMONS.md says: web servers and proxies."""

import daemon_catalog
import daemons


class Daemons(daemons.TestCase):
    daemons = daemon_catalog.named("nginx", "Apache", "lighttpd", "HAProxy", "Squid")


if __name__ == "__main__":
    daemons.main()
