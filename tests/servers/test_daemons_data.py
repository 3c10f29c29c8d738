# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: postgresql-15 mariadb-server-core redis-server memcached mosquitto
"""Real daemons, against what connections find and doc/DAEMONS.md says: databases, caches, queues."""

import daemon_catalog
import daemons


class Daemons(daemons.TestCase):
    daemons = daemon_catalog.named("PostgreSQL", "MariaDB", "Redis", "memcached", "Mosquitto")


if __name__ == "__main__":
    daemons.main()
