#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# valgrind.sh PROGRAM VALGRIND COMMAND [ARGUMENT]...: runs COMMAND ARGUMENT... CHECK_DUALSTACK=NAME, where NAME runs PROGRAM
# under VALGRIND (a command with its options). Fails if COMMAND does, or if valgrind had something to say, which it shows.
set -eu

program=$1
valgrind=$2
shift 2

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
# All users may run it, whatever environment they have.
chmod 1777 "$folder"
install -m 755 "$program" "$folder/program"
cat >"$folder/check_dualstack" <<SCRIPT
#!/bin/sh
export PATH=$PATH
# One process may have the id of another before it.
exec $valgrind --log-file=$folder/\$(date +%s%N).%p.log $folder/program "\$@"
SCRIPT
chmod 755 "$folder/check_dualstack"

result=0
DUALSTACK_VALGRIND=yes "$@" CHECK_DUALSTACK="$folder/check_dualstack" || result=1
echo "valgrind: $(find "$folder" -name '*.log' | wc -l) runs"
find "$folder" -name '*.log' -size +0 -exec sed 's/^/valgrind: /' {} + >"$folder/found"
cat "$folder/found"
[ ! -s "$folder/found" ] || result=1
exit "$result"
