/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Many hosts in one answer: what is counted, and said, whatever the format.
 */
#ifndef RENDER_FLEET_H
#define RENDER_FLEET_H

#include "plugin/text_buffer.h"
#include "render/writer.h"

/* Counts the host and hands it to the writer. Returns 0; or -ENOMEM, and the host is not counted. */
int fleet_add(const struct writer *writer, struct writer_fleet *fleet, const struct writer_host *host,
              const struct sink *sink);

/* Frees what was kept, at any time. */
void fleet_clear(const struct writer *writer, struct writer_fleet *fleet);

/* Writes one host, or why there is none, as a writer does that has nothing but fleets. Returns 0 or -ENOMEM. */
int fleet_verdict_write(const struct writer *writer, const struct view *view, const struct sink *sink);
int fleet_failure_write(const struct writer *writer, const struct writer_failure *failure, const struct sink *sink);

/* What the fleet is of, in the singular: "host" or "namespace". */
const char *fleet_noun(const struct writer_fleet *fleet);

/*
 * Adds what to call one of them: "web1", "web1 in namespace blue", or "blue" if the fleet is of namespaces; the file if
 * the capture has no name; nothing if there is no file either.
 */
void fleet_add_name(struct text_buffer *text, const struct writer_fleet *fleet, const struct writer_host *host);

/* The same of one that could not be judged, but nothing if the sentence about it names the file or the namespace. */
void fleet_add_failed_name(struct text_buffer *text, const struct writer_fleet *fleet, const struct writer_host *host);

/* The report ends here, before its time: `cause` is a literal, "stopped by SIGINT". */
void fleet_stop(struct writer_fleet *fleet, const char *cause, enum state state);

/* How many hosts are off policy. */
size_t fleet_off_count(const struct writer_fleet *fleet);

/*
 * Adds the summary: "2 of 3 hosts off policy, 1 unknown", and before that, if it is incomplete, "stopped by SIGINT
 * after 3 of 200 hosts. ".
 */
void fleet_add_summary(struct text_buffer *text, const struct writer_fleet *fleet);

/* True when the states of the services explain the host's state. */
bool fleet_services_say_all(const struct judge_verdict *verdict);

/* Adds why the host could not be judged, or what there is to say of it as a whole: "2 of 6 services off policy", and
 * each change since its baseline. */
void fleet_add_reasons(struct text_buffer *reasons, const struct writer_host *host);

/* Adds "22/tcp (policy.conf:3)": the rule of a waiver. */
void fleet_add_rule(struct text_buffer *text, const struct rule *rule);

#endif
