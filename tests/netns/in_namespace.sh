#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# in_namespace.sh COMMAND [ARGUMENT]...: runs COMMAND in a fresh network namespace whose lo is up, as root of this
# machine or else as root of a user namespace. COMMAND is process 1 of a process namespace of its own: in whichever
# network namespace it is, that is the one of process 1, as on a real host. What it leaves behind is killed when it
# ends. Exits as COMMAND does, or 77 (automake: skipped) where no such namespaces can be had.
set -u

PATH=$PATH:/usr/sbin:/sbin
export PATH

skip() {
    echo "SKIPPED: $*"
    exit 77
}

[ $# -gt 0 ] || {
    echo 'usage: in_namespace.sh COMMAND [ARGUMENT]...' >&2
    exit 2
}
for tool in unshare ip; do
    command -v "$tool" >/dev/null || skip "the program $tool is missing: install util-linux and iproute2."
done

own_processes='--fork --pid --mount-proc --kill-child'
if [ "$(id -u)" -eq 0 ] && unshare -n true 2>/dev/null; then
    flags=-n
elif unshare -Urn true 2>/dev/null; then
    flags=-Urn
else
    skip 'this kernel or container lets uid' "$(id -u)" 'make no network namespace' \
        '(run as root, or allow user namespaces: sysctl user.max_user_namespaces).'
fi
# shellcheck disable=SC2086 # several words
unshare "$flags" $own_processes true 2>/dev/null ||
    skip 'this kernel or container lets nobody mount a /proc for a process namespace of its own.'

# shellcheck disable=SC2016,SC2086 # the inner shell expands it; several words
exec unshare "$flags" $own_processes sh -c '
ip link set lo up || {
    echo "SKIPPED: cannot set lo up in a new network namespace."
    exit 77
}
exec "$@"' sh "$@"
