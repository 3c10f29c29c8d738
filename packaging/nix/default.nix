# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# For Nix: "nix-build packaging/nix" in the sources, which it builds with autoconf and automake. Its sandbox has no
# network namespaces of its own, so of the tests there the namespace tests are skipped.
{ pkgs ? import <nixpkgs> { } }:

pkgs.stdenv.mkDerivation {
  pname = "check_dualstack";
  version = "1.0.0";
  src = pkgs.lib.cleanSource ../..;

  nativeBuildInputs = [ pkgs.autoreconfHook pkgs.pkg-config ];
  buildInputs = [ pkgs.jansson pkgs.libmnl ];
  nativeCheckInputs = [
    pkgs.check
    pkgs.iproute2
    pkgs.nettools
    pkgs.strace
    pkgs.util-linux
    (pkgs.python3.withPackages (packages: [ packages.jsonschema ]))
  ];

  # Like other monitoring plugins there, in bin.
  configureFlags = [ "--libexecdir=${placeholder "out"}/bin" ];
  doCheck = true;

  meta = {
    description = "Nagios and Icinga plugin for dual-stack (IPv4 and IPv6) services";
    homepage = "https://check-dualstack.example/";
    license = pkgs.lib.licenses.gpl3Plus;
    platforms = pkgs.lib.platforms.linux;
    mainProgram = "check_dualstack";
  };
}
