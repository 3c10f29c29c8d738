#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# test_deb.sh FOLDER: what "make deb" left in FOLDER is clean by lintian, installs on this machine, works, and goes again
# without a trace. As root or with sudo. A monitoring-plugins-dualstack that is installed here makes way for it, and is not
# put back.
set -euo pipefail
exec </dev/null
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

name=monitoring-plugins-dualstack
folder=$(cd "$1" && pwd)
sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
commands=/etc/nagios-plugins/config/dualstack.cfg
plugin=/usr/lib/nagios/plugins/check_dualstack

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)

say() { printf -- '-- %s\n' "$*"; }

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}

apt() {
    "${as_root[@]}" apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 -o APT::Sandbox::User=root "$@" >/dev/null
}

state() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || echo unknown; }

purge() {
    local package
    for package in "$name" "$name-dbgsym" autopkgtest-satdep; do
        case $(state "$package") in
        unknown | not-installed) ;;
        *) apt purge "$package" ;;
        esac
    done
}

the_one() {
    { [ $# -eq 1 ] && [ -f "$1" ]; } || fail "not one file: $*"
    echo "$1"
}

# The paths of the package, folders with a / at their end.
paths() { dpkg-deb --fsys-tarfile "$deb" | tar -t | sed -n 's|^\./\(.\)|/\1|p'; }

# Those of them that are here.
present() {
    paths | while read -r path; do
        if [ -e "$path" ] || [ -L "$path" ]; then echo "$path"; fi
    done
}

# What lintian and autopkgtest leave behind goes too.
TMPDIR=$(mktemp -d) && export TMPDIR
chmod 755 "$TMPDIR"
trap '"${as_root[@]}" rm -rf "$TMPDIR"' EXIT

deb=$(the_one "$folder/${name}_"*.deb)
changes=$(the_one "$folder/${name}_"*.changes)

say lintian
lintian --fail-on error,warning --info "$changes"

say 'what is in it'
listing=$(dpkg-deb --fsys-tarfile "$deb" | tar -tv)
echo "$listing"
for path in $plugin $commands /usr/share/check_dualstack/check_dualstack.schema.json /usr/share/doc/$name/copyright; do
    paths | grep -x "$path" >/dev/null || fail "$path is not in the package"
done
! grep -vE '^(drwxr-xr-x|-rw[x-]r-[x-]r-[x-]) root/root ' <<<"$listing" || fail 'modes or owners that no file needs'

say install
if [ "$(state $name)" != unknown ]; then
    say "$name is installed here: it is purged"
    purge
fi
trap 'purge; "${as_root[@]}" rm -rf "$TMPDIR"' EXIT
before=$(present)
apt install --no-install-recommends "$deb"
[ "$(state $name)" = installed ] || fail "$name is $(state $name)"
python3 "$sources/tests/packages/installed.py"

say 'remove, and install again: a changed command file stays'
echo '# changed by the administrator' | "${as_root[@]}" tee -a "$commands" >/dev/null
apt remove $name
[ ! -e "$plugin" ] || fail "$plugin is still there"
left=$(diff <(echo "$before") <(present) | sed -n 's/^> //p' | grep -vE '^/etc/(nagios-plugins/(config/(dualstack.cfg)?)?)?$' || true)
[ -z "$left" ] || fail "left after remove: $left"
apt install --no-install-recommends "$deb"
grep -q 'changed by the administrator' "$commands" || fail "$commands was replaced"

say purge
purge
[ "$(state $name)" = unknown ] || fail "$name is $(state $name) after purge"
left=$(diff <(echo "$before") <(present) | sed -n 's/^[<>] //p')
[ -z "$left" ] || fail "not as before: $left"

say autopkgtest
"${as_root[@]}" env TMPDIR="$TMPDIR" autopkgtest "$changes" -- null
purge
left=$(diff <(echo "$before") <(present) | sed -n 's/^[<>] //p')
[ -z "$left" ] || fail "not as before: $left"

say 'the set-ups of README.md, by what is installed'
apt install --no-install-recommends "$deb"
CHECK_DUALSTACK='' "$sources/tests/servers/run.sh" "$sources/tests/servers/test_readme.py"
purge
[ "$(state $name)" = unknown ] || fail "$name is $(state $name) after purge"
say 'the Debian package is fine'
