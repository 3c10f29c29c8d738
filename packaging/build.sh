#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# build.sh deb|rpm [OPTION]...: makes the release tarball in the current folder, which is configured, and from that the
# package: deb/*.deb with its source package, or rpm/RPMS and rpm/SRPMS. The options are more of dpkg-buildpackage's or of
# rpmbuild's. "make deb" and "make rpm" run it.
set -eu
# The make of what is packaged has flags of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL

fail() {
    printf 'make %s: %s\n' "$kind" "$*" >&2
    exit 1
}

# require PROGRAM PACKAGES
require() { command -v "$1" >/dev/null 2>&1 || fail "needs $1: install $2"; }

# require_version VERSION FILE
require_version() { [ "$1" = "$version" ] || fail "$2 is of version $1, not $version"; }

make_tarball() {
    rm -rf "$kind"
    make -s dist
}

build_deb() {
    name=monitoring-plugins-dualstack
    require dpkg-buildpackage 'dpkg-dev and debhelper'
    require_version "$(dpkg-parsechangelog -l "$packaging/debian/changelog" -S Version | sed 's/-[^-]*$//')" debian/changelog
    make_tarball
    mkdir deb
    cp "$release.tar.gz" "deb/${name}_$version.orig.tar.gz"
    cd deb
    tar -xzf "${name}_$version.orig.tar.gz"
    mv "$release" "$name-$version"
    cd "$name-$version"
    cp -pR packaging/debian debian
    dpkg-buildpackage -us -uc "$@"
}

build_rpm() {
    spec=$packaging/rpm/nagios-plugins-dualstack.spec
    require rpmbuild 'rpm-build (on Debian: rpm)'
    require_version "$(sed -n 's/^Version: *//p' "$spec")" "$(basename "$spec")"
    make_tarball
    mkdir -p rpm/SOURCES
    cp "$release.tar.gz" rpm/SOURCES
    # Where rpm is not installed from an rpm package itself, its database cannot tell what else is.
    rpm -q rpm >/dev/null 2>&1 || set -- --nodeps "$@"
    rpmbuild -ba --define "_topdir $PWD/rpm" "$@" "$spec"
}

packaging=$(cd "$(dirname "$0")" && pwd)
kind=${1-}
case $kind in
deb | rpm) shift ;;
*) echo 'usage: build.sh deb|rpm [OPTION]...' >&2 && exit 2 ;;
esac
version=$(sed -n 's/^PACKAGE_VERSION = //p' Makefile)
release=check_dualstack-$version
"build_$kind" "$@"
