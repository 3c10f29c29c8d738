/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Many hosts in one text: the hosts off policy in the first line, a line for each host below it, the worst first. For
 * text.c only.
 */
#ifndef RENDER_TEXT_FLEET_H
#define RENDER_TEXT_FLEET_H

#include "plugin/report.h"
#include "render/writer.h"

/* The functions of struct writer. Of each host its first line is kept, with -v the lines below it too. */
int text_fleet_host(struct writer_fleet *fleet, const struct writer_host *host, const struct sink *sink);
int text_fleet_end(struct writer_fleet *fleet, const struct sink *sink);
void text_fleet_clear(struct writer_fleet *fleet);

/* Adds a line for each waiver that could be left out of the policy. */
void text_fleet_unneeded_add(struct report *report, const struct policy *policy, const struct waiver_list *waivers);

#endif
