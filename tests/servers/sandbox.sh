#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# sandbox.sh COMMAND [ARGUMENT]...: in a network and a mount namespace made for it (run.sh), sets lo up, and puts copies in
# the place of the folders that servers are configured in, so that tests may write there and the machine keeps its own.
# Puts the program under test, $CHECK_DUALSTACK, where the distribution's plugins are, then runs the command.
set -eu

plugins=/usr/lib/nagios/plugins
scratch=$(mktemp -d)
mount -t tmpfs -o mode=0755 tmpfs "$scratch"

for folder in /etc/nagios /etc/nagios4 /etc/nagios-plugins /etc/icinga2 /var/cache/icinga2 /var/lib/icinga2 \
    /var/log/icinga2 /var/spool/icinga2 /var/lib/nagios4 $plugins; do
    [ -d "$folder" ] || continue
    mkdir -p "$scratch$folder"
    cp -a "$folder/." "$scratch$folder"
    chmod --reference="$folder" "$scratch$folder"
    chown --reference="$folder" "$scratch$folder"
    mount --bind "$scratch$folder" "$folder"
done

if [ -n "${CHECK_DUALSTACK:-}" ]; then
    install -m 755 "$CHECK_DUALSTACK" "$plugins/check_dualstack"
fi
export CHECK_DUALSTACK="$plugins/check_dualstack"

# Run files and shared memory of servers: those of the machine's own are not for tests to touch.
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
# The network namespace of the machine's process 1 is another one, which is no matter of the tests.
mkdir "$scratch/process_1"
mount --bind "$scratch/process_1" /proc/1
# A host that others reach over both families.
ip link set lo up
ip addr add 198.51.100.1/32 dev lo
ip addr add 2001:db8:51::1/128 dev lo
# The mount goes with the namespace, the folder it was on does not.
status=0
"$@" || status=$?
umount -l "$scratch" && rmdir "$scratch"
exit "$status"
