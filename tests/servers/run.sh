#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# run.sh [TEST.py]...: runs those tests, or all that are here, against real servers, each as root in a network and a mount
# namespace of its own (sandbox.sh). Installs the Debian packages that the tests name in lines "# Packages: ...". The last
# line is "N passed, M failed".
#
# CHECK_DUALSTACK  the program, which the sandbox has as /usr/lib/nagios/plugins/check_dualstack;
#                  empty: what is installed there.
# TOP_SRCDIR       the sources.
set -uo pipefail
exec </dev/null
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
export TOP_SRCDIR=${TOP_SRCDIR:-$(cd "$here/../.." && pwd)}
python=/usr/bin/python3 # Debian's own, which has the modules that its packages bring

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n "--preserve-env=CHECK_DUALSTACK,TOP_SRCDIR,LC_ALL,PYTHONDONTWRITEBYTECODE")

packages_missing() {
    { echo python3 && sed -n 's/^# Packages: *//p' "$@"; } | tr -s ' ' '\n' | sort -u | while read -r package; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# What is installed here must not start here: a machine's own policy on that stays, else there is one for as long as it takes.
install_packages() {
    local policy=/usr/sbin/policy-rc.d own_policy=no result=0
    [ $# -gt 0 ] || return 0
    echo "installing: $*"
    if [ ! -e "$policy" ]; then
        own_policy=yes
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null && "${as_root[@]}" chmod 755 "$policy"
    fi
    "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=600 update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=600 \
            --no-install-recommends install "$@" >/dev/null || result=1
    [ "$own_policy" = no ] || "${as_root[@]}" rm -f "$policy"
    return "$result"
}

[ $# -gt 0 ] || set -- "$here"/test_*.py
mapfile -t missing < <(packages_missing "$@")
install_packages "${missing[@]}" || { echo 'the packages cannot be installed'; echo "0 passed, $# failed"; exit 1; }

plugins=/usr/lib/nagios/plugins
"${as_root[@]}" mkdir -p "$plugins" # for the sandbox to lay its own over

passed=0 failed=0
for test in "$@"; do
    echo "== $test"
    start=$SECONDS
    if "${as_root[@]}" unshare --net --mount --propagation private "$here/sandbox.sh" "$python" "$test"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $test"
    fi
    echo "   $((SECONDS - start)) s"
done
"${as_root[@]}" rmdir --ignore-fail-on-non-empty --parents "$plugins"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
