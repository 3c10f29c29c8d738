/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What to change so that a service keeps its rule: derived from the rule and from what is there, and never wider than
 * the rule needs.
 */
#ifndef RENDER_REMEDY_H
#define RENDER_REMEDY_H

#include "audit/judge.h"

/* What can be advised: a sentence each. tests/netns/test_remedies_followed.py follows every one of them. */
enum remedy_kind {
    REMEDY_START,
    REMEDY_STOP,
    REMEDY_CHANGE_UNIT,
    REMEDY_CHANGE_USER,
    REMEDY_LISTEN,
    REMEDY_LISTEN_INSTEAD,
    REMEDY_STOP_LISTENING,
    REMEDY_SET_V6ONLY,
    REMEDY_CLEAR_V6ONLY,
    REMEDY_ENABLE_IPV6,
    REMEDY_ADD_HOST_ADDRESS,
    REMEDY_ADD_LO_ADDRESS,
    REMEDY_ADD_ADDRESS,
    REMEDY_LEAVE_ADDRESS,
    REMEDY_RESTART,
    REMEDY_LEAVE_INTERFACE,
    REMEDY_BRING_UP_INTERFACE,
    REMEDY_ADD_INTERFACE_ADDRESS,
    REMEDY_ENABLE_INTERFACE_IPV6,
    REMEDY_FEWER_CLIENTS,
    REMEDY_MORE_CLIENTS,
    REMEDY_USE_NETLINK,
    REMEDY_WIDEN_BIND,
    REMEDY_USE_SPLIT,
    /* The other way, which follows an "or". */
    REMEDY_ALLOW,
    REMEDY_ALLOW_MISSING,
    REMEDY_EXCEPT_UNIT,
    REMEDY_USE_BOUND
};
#define REMEDY_KINDS (REMEDY_USE_BOUND + 1)

#define REMEDY_SIZE 768

/*
 * The remedy of one reason, such as "stop snmpd.service, or allow it in the policy"; "" when the evidence suggests
 * none, or when the remedy of a reason before it covers it. A replay names nothing that only the host itself can show.
 * Returns text.
 */
const char *remedy_format(char text[static REMEDY_SIZE], const struct judge_service *service,
                          const struct judge_reason *reason, const struct tally *tally, bool is_replay);

#endif
