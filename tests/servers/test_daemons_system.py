# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: openssh-server nagios-nrpe-server icinga2-bin postfix dovecot-imapd vsftpd snmpd rpcbind slapd systemd
"""Real daemons, against what connections find and doc/DAEMONS.md says: remote access, monitoring, mail, socket units."""

import daemon_catalog
import daemons


class Daemons(daemons.TestCase):
    daemons = daemon_catalog.named("sshd", "NRPE", "Icinga 2", "Postfix", "Dovecot",
             "vsftpd", "snmpd", "rpcbind", "slapd", "systemd")


if __name__ == "__main__":
    daemons.main()
