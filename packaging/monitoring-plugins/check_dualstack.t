#!/usr/bin/perl -w -I ..
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Tests of check_dualstack in a monitoring-plugins tree: sockets of our own, and what it says about them.

use strict;
use Test::More;
use NPTest;
use IO::Socket::INET;

plan skip_all => "check_dualstack not compiled" unless -x "./check_dualstack";
plan tests => 15;

my $listener = IO::Socket::INET->new( Listen => 5, LocalAddr => "127.0.0.1", Proto => "tcp" )
	or die "cannot listen: $!";
my $port = $listener->sockport;
my $values = "mapped=0;;;0 violations=%d;0;%d;0 unlisted=0;;;0 web_mapped=0;;;0";

# Runs it with the arguments and a rule for our port: the exit code, the first line, its performance data.
sub check {
	my ( $rule, $code, $first, $perfdata ) = @_;
	my $res = NPTest->testCmd("./check_dualstack -r '$port $rule name=web'");
	cmp_ok( $res->return_code, '==', $code, "$rule: exit code" );
	like( $res->output, qr/\A$first/, "$rule: first line" );
	# Not perf_output, which looks for it on the last line.
	like( $res->output, qr/\A[^\n]* \| \Q$perfdata\E(\n|\z)/, "$rule: performance data" ) if defined $perfdata;
}

check( "v4-only", 0, "DUALSTACK OK: 1 service on policy", sprintf( $values, 0, 0 ) );
check( "dual-stack severity=warning", 1, "DUALSTACK WARNING: 1 of 1 service off policy", sprintf( $values, 1, 1 ) );
check( "v6-only", 2, "DUALSTACK CRITICAL: 1 of 1 service off policy", sprintf( $values, 1, 0 ) );
check( "nonsense", 3, "DUALSTACK UNKNOWN: --rule 1: " );

my $res = NPTest->testCmd("./check_dualstack -V");
cmp_ok( $res->return_code, '==', 3, "-V: exit code" );
like( $res->output, qr/\Acheck_dualstack \S+ \(libmonitoringplug \S+\)\n?\z/, "-V: what it is built on" );
$res = NPTest->testCmd("./check_dualstack -h");
cmp_ok( $res->return_code, '==', 3, "-h: exit code" );
like( $res->output, qr/Usage: check_dualstack/, "-h: usage" );
