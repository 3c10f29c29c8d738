#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# test_rpm.sh FOLDER: what "make rpm" left in FOLDER has no errors by rpmlint, installs into a root of its own, works from
# there, and goes again without a trace. As root or with sudo, which rpm needs to change the root.
set -euo pipefail
exec </dev/null
export LC_ALL=C.UTF-8

name=nagios-plugins-dualstack
folder=$(cd "$1" && pwd)
sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)

say() { printf -- '-- %s\n' "$*"; }

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}

the_one() {
    { [ $# -eq 1 ] && [ -f "$1" ]; } || fail "not one file: $*"
    echo "$1"
}

# rpm in the root of the test, which has a database of its own and none of what the package requires.
in_root() { "${as_root[@]}" rpm --root "$root" --dbpath /database "$@"; }

package=$(the_one "$folder"/RPMS/*/"$name"-[0-9]*.rpm)
source_package=$(the_one "$folder"/SRPMS/"$name"-[0-9]*.src.rpm)

say rpmlint
rpmlint --config "$sources/packaging/rpm/rpmlint.toml" "$source_package" "$package"

say 'what is in it'
rpm -qplv "$package"
rpm -qp --requires "$package" | grep -x nagios-common >/dev/null || fail 'it does not require nagios-common'
[ "$(rpm -qp --qf '%{LICENSE}' "$package")" = GPL-3.0-or-later ] || fail 'another license'

say install
root=$(mktemp -d)
trap '"${as_root[@]}" rm -rf "$root"' EXIT
chmod 755 "$root"
in_root --initdb
in_root --install --nodeps "$package"
in_root --verify --nodeps "$name"
[ -x "$root$(rpm --eval '%{_libdir}')/nagios/plugins/check_dualstack" ] || fail 'the plugin is not where plugins are'
python3 "$sources/tests/packages/installed.py" "$root"

say erase
in_root --erase "$name"
left=$(find "$root" -path "$root/database" -prune -o ! -type d -print)
[ -z "$left" ] || fail "left after erase: $left"
say 'the RPM package is fine'
