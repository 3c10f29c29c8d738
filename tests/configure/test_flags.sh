#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# The user's own warnings are no errors of what configure tries: the compiler takes our flags all the same.
set -u

: "${TOP_SRCDIR:?is set by make check}"
folder=$(mktemp -d "${TMPDIR:-/tmp}/check_dualstack.flags.XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT

# A source tree that was configured in place would be refused.
mkdir "$folder/plugins" || exit 99
cp -R "$TOP_SRCDIR/configure" "$TOP_SRCDIR/build-aux" "$TOP_SRCDIR/config.h.in" "$TOP_SRCDIR/Makefile.in" "$folder/" || exit 99
cp "$TOP_SRCDIR/plugins/check_dualstack.c" "$folder/plugins/" || exit 99
chmod -R u+w "$folder" || exit 99
cd "$folder" || exit 99

./configure --disable-dependency-tracking CFLAGS='-O2 -Wunused-macros -Wl,-O1 -Wunused -g' >answer 2>&1 || {
    echo 'FAILED: configure:' && tail -n 5 answer
    exit 1
}
for flag in -std=c17 -Wall -pie; do
    grep -q -- "takes $flag\\.\\.\\. yes" answer || {
        echo "FAILED: $flag is not taken:" && grep -e "takes $flag" answer
        exit 1
    }
done
# They stay the user's.
grep -q '^CFLAGS = -O2 -Wunused-macros -Wl,-O1 -Wunused -g$' Makefile
