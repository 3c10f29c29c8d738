# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# What the scripts of this folder share. Each reads it first, and is then at the top of the sources.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec </dev/null
# What is built and said must not depend on the caller's environment.
unset VERBOSE MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS
export LC_ALL=C

build=$PWD/.ci/build
jobs=$(nproc)

say() { printf '== %s\n' "$*"; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

configured() {
    [ -f Makefile ] || ./bootstrap
}

# build_in NAME CONFIGURE-ARGUMENT...: configures and makes the release's sources in $build/NAME/obj, and goes there.
build_in() {
    local name=$1
    shift
    configured || return
    rm -rf "$build/${name:?}" && mkdir -p "$build/$name" || return
    # A source tree that has been configured in place cannot be built elsewhere too, so take what is released.
    make -s distdir distdir="$build/$name/src" || return
    mkdir "$build/$name/obj" && cd "$build/$name/obj" || return
    echo "+ configure $*"
    ../src/configure --quiet "$@" && make -s -j "$jobs"
}

# check_here ARGUMENT...: make check, or what the arguments say instead, in the current folder.
check_here() {
    make -j "$jobs" "${@:-check}" && return
    [ ! -f test-suite.log ] || cat test-suite.log
    return 1
}
