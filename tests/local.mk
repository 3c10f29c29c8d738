# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors

# What "make check" runs: Makefile.am includes this. A new test goes into one of these lists.

# What every unit test links.
tests_unit_libunit_a_SOURCES = \
	tests/unit/child.c tests/unit/child.h tests/unit/collect.c tests/unit/collect.h \
	tests/unit/folder.c tests/unit/folder.h tests/unit/trial.c tests/unit/trial.h \
	tests/unit/sample.c tests/unit/sample.h tests/unit/unit.c tests/unit/unit.h

# One program each, from the .c file of its name.
unit_tests = \
	tests/unit/test_address tests/unit/test_address_netlink tests/unit/test_address_procfs \
	tests/unit/test_address_set tests/unit/test_array tests/unit/test_capture tests/unit/test_capture_head tests/unit/test_captures \
	tests/unit/test_cgroup tests/unit/test_change tests/unit/test_change_wording tests/unit/test_clients \
	tests/unit/test_csv tests/unit/test_daemons tests/unit/test_daemons_document tests/unit/test_diag \
	tests/unit/test_escape tests/unit/test_extra_opts tests/unit/test_filter tests/unit/test_host \
	tests/unit/test_hosts tests/unit/test_html tests/unit/test_ini tests/unit/test_json \
	tests/unit/test_json_stream tests/unit/test_judge tests/unit/test_labels tests/unit/test_lines \
	tests/unit/test_lint tests/unit/test_listeners tests/unit/test_memory_stream tests/unit/test_nearest tests/unit/test_netlink \
	tests/unit/test_netlink_attribute tests/unit/test_netlink_channel tests/unit/test_netns \
	tests/unit/test_netns_list tests/unit/test_netstat tests/unit/test_options tests/unit/test_owners \
	tests/unit/test_peers tests/unit/test_perfdata tests/unit/test_plan tests/unit/test_policy \
	tests/unit/test_policy_text tests/unit/test_prefix tests/unit/test_procfs tests/unit/test_procfs_order \
	tests/unit/test_prometheus tests/unit/test_protocol tests/unit/test_range tests/unit/test_reach \
	tests/unit/test_record tests/unit/test_remedy tests/unit/test_report tests/unit/test_rule \
	tests/unit/test_scope tests/unit/test_snapshot tests/unit/test_stack tests/unit/test_state \
	tests/unit/test_suggest tests/unit/test_suggest_unit tests/unit/test_tally tests/unit/test_text \
	tests/unit/test_text_buffer tests/unit/test_text_fleet tests/unit/test_text_list tests/unit/test_waiver \
	tests/unit/test_walk tests/unit/test_wording tests/unit/test_writer

# Each in a network namespace of its own.
netns_tests = \
	tests/netns/test_baseline.py tests/netns/test_cases_connections.py tests/netns/test_cases_reach.py \
	tests/netns/test_cases_udp.py tests/netns/test_cases_unseen.py tests/netns/test_command_line.py \
	tests/netns/test_cost.py tests/netns/test_documents.py tests/netns/test_extra_opts.py \
	tests/netns/test_json_schema.py tests/netns/test_kernel_oracle.py tests/netns/test_learn.py \
	tests/netns/test_lint.py tests/netns/test_list.py tests/netns/test_mistakes.py tests/netns/test_netns.py \
	tests/netns/test_netns_all.py tests/netns/test_peers.py tests/netns/test_prometheus.py \
	tests/netns/test_reach_oracle.py tests/netns/test_remedies_followed.py tests/netns/test_replay.py \
	tests/netns/test_reports.py tests/netns/test_rivals.py tests/netns/test_seed.py tests/netns/test_text.py

# What configure says.
configure_tests = tests/configure/test_flags.sh tests/configure/test_libmonitoringplug.sh

# What the source tree keeps.
structure_tests = tests/structure/test_includes.sh
