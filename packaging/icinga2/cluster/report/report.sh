#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# /etc/icinga2/dualstack/report.sh, run by dualstack-report.service: captures the fleet and puts a page on file that is
# called as the day. A host that did not answer keeps its last capture, and is UNKNOWN when that is older than a day. A
# state other than OK is no failure of this script: it is on the page.
set -u
settings=/etc/icinga2/dualstack
cd /var/lib/icinga2/dualstack || exit 1

python3 "$settings/captures.py" https://icinga.example.org:5665 captures
/usr/lib/nagios/plugins/check_dualstack --replay=captures --max-age=1 --hosts="$settings/hosts" -f "$settings/fleet.conf" \
    --format=html >page.tmp
exec mv page.tmp "$(date -u +%F).html"
