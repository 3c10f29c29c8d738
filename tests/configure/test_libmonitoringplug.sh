#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# What configure says of a tree that it cannot build on: one that is made here, piece by piece.
set -u

: "${TOP_SRCDIR:?is set by make check}"
folder=$(mktemp -d "${TMPDIR:-/tmp}/check_dualstack.configure.XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
failed=0

# What configure looks at before it compiles anything. A source tree that was configured in place it would refuse.
mkdir "$folder/source" "$folder/source/plugins" "$folder/tree"
cp -R "$TOP_SRCDIR/configure" "$TOP_SRCDIR/build-aux" "$TOP_SRCDIR/config.h.in" "$TOP_SRCDIR/Makefile.in" \
    "$folder/source/" || exit 99
cp "$TOP_SRCDIR/plugins/check_dualstack.c" "$folder/source/plugins/" || exit 99
chmod -R u+w "$folder/source" || exit 99 # "make distcheck" builds from sources that cannot be written
cd "$folder" || exit 99

# configure_must CODE TEXT [ARGUMENT]...: it ends with CODE and says TEXT, on either stream.
configure_must() {
    wanted=$1 text=$2
    shift 2
    (cd source && ./configure "$@") >answer 2>&1
    code=$?
    if [ "$code" -eq "$wanted" ] && grep -F -e "$text" answer; then
        return
    fi
    failed=1
    echo "FAILED: configure $* ended with $code instead of $wanted, or did not say \"$text\" but:"
    tail -n 5 answer
}

tree=--with-libmonitoringplug=../tree
configure_must 1 'needs the directory of a monitoring-plugins tree' --with-libmonitoringplug
configure_must 1 'needs the directory of a monitoring-plugins tree' --with-libmonitoringplug=
configure_must 1 '/nonexistent is not a monitoring-plugins tree' --with-libmonitoringplug=/nonexistent
configure_must 1 '../tree is not a monitoring-plugins tree' $tree

# As 2.3.3 is: that its library has a file of this name would not be enough.
mkdir tree/gl tree/lib
echo 'DEF_VER=2.3.3.git' >tree/NP-VERSION-GEN
: >tree/lib/utils_base.h
configure_must 1 'monitoring-plugins 2.3.3.git is too old' $tree
: >tree/lib/perfdata.h
configure_must 1 'monitoring-plugins 2.3.3.git is too old' $tree

echo 'DEF_VER=3.0.3' >tree/NP-VERSION-GEN
echo '#define mp_create_pd_value(V)' >tree/lib/perfdata.h
configure_must 1 "$folder/tree is not configured: run ./configure there" $tree
echo '#define PACKAGE_VERSION "3.0.3"' >tree/config.h
configure_must 1 "$folder/tree is not built, no gl/libgnu.a: run make -C gl there" $tree
printf '!<arch>\n' >tree/gl/libgnu.a
configure_must 1 "$folder/tree is not built, no lib/libmonitoringplug.a: run make -C lib there" $tree
printf '!<arch>\n' >tree/lib/libmonitoringplug.a
configure_must 1 "libmonitoringplug of $folder/tree does not compile and link" $tree

exit $failed
