#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# valgrind.sh FOLDER PROGRAM VALGRIND: makes FOLDER/check_dualstack, which runs a copy of PROGRAM under VALGRIND (a command
# with its options) and leaves what that says in FOLDER/*.log. All users may run it, whatever environment they have.
set -eu

folder=$1
program=$2
valgrind=$3

chmod 1777 "$folder"
install -m 755 "$program" "$folder/program"
cat >"$folder/check_dualstack" <<SCRIPT
#!/bin/sh
export PATH=$PATH
# One process may have the id of another before it.
exec $valgrind --log-file=$folder/\$(date +%s%N).%p.log $folder/program "\$@"
SCRIPT
chmod 755 "$folder/check_dualstack"
