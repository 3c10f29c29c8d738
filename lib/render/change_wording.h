/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What changed since the baseline, in words.
 */
#ifndef RENDER_CHANGE_WORDING_H
#define RENDER_CHANGE_WORDING_H

#include "audit/change.h"
#include "plugin/text_buffer.h"

#include <time.h>

/*
 * Adds a change in few words: "8080/tcp appeared", "443/tcp is gone", "443/tcp is v4-only, was dual-stack", "443/tcp
 * cannot be compared: its unit is not visible now".
 */
void change_wording_add_brief(struct text_buffer *text, const struct change *change, const struct change_list *list);

/* Adds all of it: "443/tcp is v4-only, was dual-stack: no longer on [::]:443 (nginx.service)". */
void change_wording_add(struct text_buffer *text, const struct change *change, const struct change_list *list);

/*
 * Adds how many there are since the baseline of that time: "2 changes since 2026-11-22T09:00:00Z", "no change since
 * ...", "no change since ..., TCP cannot be compared". The list has a baseline.
 */
void change_wording_add_summary(struct text_buffer *text, const struct change_list *list, time_t time);

/* Adds why a protocol cannot be compared: "TCP cannot be compared, the baseline could not read it: ...". */
void change_wording_add_unreadable(struct text_buffer *text, const struct change_list *list,
                                   enum record_protocol protocol);

#endif
