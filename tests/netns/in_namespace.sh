#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# in_namespace.sh COMMAND [ARGUMENT]...: runs COMMAND in a fresh network namespace whose lo is up, as root of this
# machine or else as root of a user namespace. Exits 77 (automake: skipped) where neither can be had.
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

if [ "$(id -u)" -eq 0 ] && unshare -n true 2>/dev/null; then
    flags=-n
elif unshare -Urn true 2>/dev/null; then
    flags=-Urn
else
    skip 'this kernel or container lets uid' "$(id -u)" 'make no network namespace' \
        '(run as root, or allow user namespaces: sysctl user.max_user_namespaces).'
fi

# shellcheck disable=SC2016 # the inner shell expands it
exec unshare "$flags" sh -c '
ip link set lo up || {
    echo "SKIPPED: cannot set lo up in a new network namespace."
    exit 77
}
exec "$@"' sh "$@"
