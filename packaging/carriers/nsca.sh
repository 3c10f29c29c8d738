#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# nsca.sh SERVER [SEND_NSCA_OPTION]...: judges this host and sends the result to the NSCA or NSCA-ng of that server, as the
# passive service "dualstack" of the host that this one is called. For cron or a timer.
set -u
server=$1
shift

# A packet of NSCA is one line.
state=0
answer=$(/usr/lib/nagios/plugins/check_dualstack -f /etc/nagios/dualstack.conf --details=none) || state=$?
printf '%s\t%s\t%s\t%s\n' "$(hostname)" dualstack "$state" "$answer" | send_nsca -H "$server" "$@"
