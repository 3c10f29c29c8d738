#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# For /usr/local/lib/collectd/dualstack, which collectd.conf names: prints the state and each value of the perfdata as
# collectd's exec plugin reads them, once an interval, and the first line as a notification.
set -u
host=${COLLECTD_HOSTNAME:-$(hostname)}
interval=${COLLECTD_INTERVAL:-60}

while :; do
    state=0
    answer=$(/usr/lib/nagios/plugins/check_dualstack -f /etc/nagios/dualstack.conf --details=none) || state=$?
    case $state in
    0) severity=okay ;;
    1) severity=warning ;;
    *) severity=failure ;;
    esac
    text=${answer%% | *}
    message=$(printf '%s\n' "$text" | sed 's/[\\"]//g')
    echo "PUTNOTIF host=\"$host\" plugin=dualstack severity=$severity time=$(date +%s) message=\"$message\""
    echo "PUTVAL \"$host/dualstack/gauge-state\" interval=$interval N:$state"
    perfdata=
    [ "$text" = "$answer" ] || perfdata=${answer##* | }
    for value in $perfdata; do
        number=${value#*=}
        echo "PUTVAL \"$host/dualstack/gauge-${value%%=*}\" interval=$interval N:${number%%;*}"
    done
    sleep "$interval"
done
