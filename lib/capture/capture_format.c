/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The words of captures.
 */
#include "config.h"

#include "capture/capture_format.h"

#include <stddef.h>

const char *const capture_format_words[] = {CAPTURE_FORMAT, NULL};
const char *const capture_source_words[] = {"netlink", "procfs", "netlink+procfs", NULL};
const char *const capture_protocol_words[] = {[RECORD_TCP] = "tcp", [RECORD_UDP] = "udp", NULL};
const char *const capture_family_words[] = {[RECORD_INET] = "inet", [RECORD_INET6] = "inet6", NULL};
const char *const capture_scope_words[] =
    {[STACK_LOOPBACK] = "loopback", [STACK_LINK] = "link", [STACK_EXTERNAL] = "external", NULL};
const char *const capture_kind_words[] =
    {[TALLY_IPV4] = "ipv4", [TALLY_MAPPED] = "ipv4_mapped", [TALLY_IPV6] = "ipv6", NULL};
const char *const capture_unit_words[] = {[CAPTURE_UNIT_WORD(TALLY_UNIT_KNOWN)] = "known",
                                          [CAPTURE_UNIT_WORD(TALLY_UNIT_GONE)] = "gone",
                                          [CAPTURE_UNIT_WORD(TALLY_UNIT_UNTOLD)] = "untold",
                                          NULL};
