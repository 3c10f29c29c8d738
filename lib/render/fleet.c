/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Many hosts in one answer, whatever the format.
 */
#include "config.h"

#include "render/fleet.h"

#include "render/change_wording.h"
#include "render/wording.h"

static enum state host_state(const struct writer_host *host)
{
    return host->failure != NULL ? host->failure->state : host->view->verdict->state;
}

int fleet_add(const struct writer *writer, struct writer_fleet *fleet, const struct writer_host *host,
              const struct sink *sink)
{
    const struct writer_fleet before = *fleet;
    int result = 0;

    fleet->count++;
    fleet->by_state[host_state(host)]++;
    fleet->state = state_worse(fleet->state, host_state(host));
    if (host->failure == NULL) {
        fleet->judged++;
        fleet->changed += host->view->verdict->total.changes > 0;
        fleet->violating += host->view->verdict->total.violations > 0;
        result = waiver_list_add(&fleet->waivers, fleet->policy, host->view->verdict);
    } else {
        fleet->waivers.partial = true;
    }
    if (result == 0) {
        result = writer->fleet_host(fleet, host, sink);
    }
    if (result != 0) {
        struct writer_fleet without = before;
        without.waivers = fleet->waivers;
        without.kept = fleet->kept;
        *fleet = without;
    }
    return result;
}

void fleet_stop(struct writer_fleet *fleet, const char *cause, enum state state)
{
    fleet->stopped = cause;
    fleet->state = state;
    fleet->waivers.partial = true;
}

void fleet_clear(const struct writer *writer, struct writer_fleet *fleet)
{
    writer->fleet_clear(fleet);
    waiver_list_clear(&fleet->waivers);
}

static int single_write(const struct writer *writer, struct writer_fleet *fleet, const struct writer_host *host,
                        const struct sink *sink)
{
    int result = fleet_add(writer, fleet, host, sink);

    if (result == 0) {
        result = writer->fleet_end(fleet, sink);
    }
    fleet_clear(writer, fleet);
    return result;
}

int fleet_verdict_write(const struct writer *writer, const struct view *view, const struct sink *sink)
{
    struct writer_fleet fleet = {
        .policy = view->policy,
        .verbose = view->verbose,
        .time = view->snapshot->time,
        .expected = 1,
    };
    struct view named = *view;
    const struct writer_host host = {
        .file = "",
        .name = view->snapshot->tally->host.name,
        .namespace = view->snapshot->namespace,
        .time = view->snapshot->time,
        .view = &named,
    };

    named.is_one_of_many = true;
    return single_write(writer, &fleet, &host, sink);
}

int fleet_failure_write(const struct writer *writer, const struct writer_failure *failure, const struct sink *sink)
{
    static const struct policy none = {.rule_count = 0};
    struct writer_fleet fleet = {.policy = &none, .time = failure->time, .expected = 1};
    const struct writer_host host = {.file = "",
                                     .name = failure->host,
                                     .namespace = failure->namespace,
                                     .failure = failure};

    return single_write(writer, &fleet, &host, sink);
}

void fleet_add_name(struct text_buffer *text, const struct writer_fleet *fleet, const struct writer_host *host)
{
    bool has_namespace = host->namespace != NULL && *host->namespace != '\0';

    if (!fleet->is_of_namespaces) {
        text_buffer_add(text, "%s%s", *host->name != '\0' ? host->name : host->file,
                        has_namespace ? " in namespace " : "");
    }
    text_buffer_add(text, "%s", has_namespace ? host->namespace : "");
}

void fleet_add_failed_name(struct text_buffer *text, const struct writer_fleet *fleet, const struct writer_host *host)
{
    if (!fleet->is_of_namespaces && *host->name != '\0') {
        fleet_add_name(text, fleet, host);
    }
}

size_t fleet_off_count(const struct writer_fleet *fleet)
{
    return fleet->by_state[STATE_CRITICAL] + fleet->by_state[STATE_WARNING];
}

/* What is wrong with hosts that are not OK: a host that changed may well keep the policy. */
static const char *off_words(const struct writer_fleet *fleet)
{
    static const char *const words[2][2] = {{"outside the thresholds", "outside the thresholds or changed"},
                                            {"off policy", "off policy or changed"}};
    bool only_changed = fleet->changed == fleet_off_count(fleet) && fleet->violating == 0;

    return only_changed ? "changed" : words[fleet->policy->rule_count > 0][fleet->changed > 0];
}

const char *fleet_noun(const struct writer_fleet *fleet)
{
    return fleet->is_of_namespaces ? "namespace" : "host";
}

void fleet_add_summary(struct text_buffer *text, const struct writer_fleet *fleet)
{
    const char *noun = fleet_noun(fleet);
    const char *plural = fleet->count == 1 ? "" : "s";
    bool has_policy = fleet->policy->rule_count > 0;
    /* What --timeout calls CRITICAL, or OK, was not judged either. */
    size_t unknown = fleet->judged > 0 ? fleet->by_state[STATE_UNKNOWN] : fleet->count;
    size_t off = fleet->judged > 0 ? fleet_off_count(fleet) : 0;

    if (fleet->stopped != NULL) {
        text_buffer_add(text, "%s after %zu of %zu %ss%s", fleet->stopped, fleet->count, fleet->expected, noun,
                        fleet->count > 0 ? ". " : "");
    }
    if (off > 0) {
        text_buffer_add(text, "%zu of %zu %s%s %s", off, fleet->count, noun, plural, off_words(fleet));
    }
    if (unknown > 0) {
        text_buffer_add(text, off > 0 ? ", %zu unknown" : "%zu of %zu %s%s cannot be judged", unknown, fleet->count,
                        noun, plural);
    }
    if (fleet->count > 0 && off + unknown == 0) {
        text_buffer_add(text, "%zu %s%s%s%s", fleet->count, noun, plural,
                        has_policy ? " on policy" : ", no policy to judge by",
                        fleet->compares ? ", no change since the baseline" : "");
    }
}

bool fleet_services_say_all(const struct judge_verdict *verdict)
{
    enum state state = STATE_OK;

    for (size_t i = 0; i < verdict->service_count; i++) {
        state = state_worse(state, verdict->services[i].state);
    }
    return verdict->service_count > 0 && state == verdict->state &&
           (verdict->changes == NULL || verdict->changes->state == STATE_OK);
}

/* What changed since the baseline, or why that cannot be said. */
static void changes_add(struct text_buffer *reasons, const struct view *view)
{
    const struct change_list *list = view->verdict->changes;

    if (view->baseline == NULL) {
        return;
    }
    text_buffer_add(reasons, "; ");
    if (view->baseline->missing != NULL) {
        text_buffer_add(reasons, "%s", view->baseline->missing);
        return;
    }
    change_wording_add_summary(reasons, list, view->baseline->time);
    for (size_t i = 0; i < list->count; i++) {
        text_buffer_add(reasons, "; ");
        change_wording_add(reasons, &list->changes[i], list);
    }
}

void fleet_add_reasons(struct text_buffer *reasons, const struct writer_host *host)
{
    if (host->failure != NULL) {
        for (size_t i = 0; i < host->failure->count; i++) {
            text_buffer_add(reasons, "%s%s", i > 0 ? "; " : "", host->failure->sentences[i]);
        }
        return;
    }
    wording_add_summary(reasons, host->view->verdict, host->view->policy);
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (host->view->verdict->unreadable[protocol]) {
            text_buffer_add(reasons, "; %s", host->view->snapshot->tally->unreadable[protocol]);
        }
    }
    if (host->view->snapshot->fault[0] != '\0') {
        text_buffer_add(reasons, "; %s", host->view->snapshot->fault);
    }
    changes_add(reasons, host->view);
}

void fleet_add_rule(struct text_buffer *text, const struct rule *rule)
{
    text_buffer_add(text, "%s (%s)", rule->is_default ? rule->text : rule->name, rule->origin);
}
