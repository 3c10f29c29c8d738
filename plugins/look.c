/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One look at the host: listeners first, then the connections that matter, from the first source that can tell.
 */
#include "config.h"

#include "look.h"

#include "deadline.h"
#include "socket/host.h"
#include "socket/netlink.h"
#include "socket/procfs.h"
#include "socket/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCFS_DIRECTORY "/proc/net"

/* An interrupted answer is asked for anew this often before it counts as a failure. */
#define TRIES 5

/* Where a protocol is read from, in the order they are tried. */
enum place {
    PLACE_NETLINK,
    PLACE_PROCFS,
    PLACE_NONE
};

struct survey {
    const struct look_request *request;
    struct look *look;
    enum place place[RECORD_PROTOCOLS];
    struct source *source[PLACE_NONE];
    struct source_fault fault[RECORD_PROTOCOLS][PLACE_NONE]; /* why the place did not answer */
    enum record_protocol current;
};

static int listener_visit(const struct sock_record *record, void *context)
{
    return record_is_listener(record) ? tally_add(context, record) : 0;
}

static int connection_visit(const struct sock_record *record, void *context)
{
    return record->state == RECORD_ESTABLISHED ? tally_add(context, record) : 0;
}

static const char *directory_of(const struct options *options)
{
    return options->procfs != NULL ? options->procfs : PROCFS_DIRECTORY;
}

/* --- what was asked ---------------------------------------------------------------------------------------------- */

static void ports_describe(char *text, size_t size, const struct source_request *request)
{
    size_t length = 0;

    *text = '\0';
    for (size_t i = 0; i < request->port_count && length + 32 < size; i++) {
        const struct source_ports *ports = &request->ports[i];
        length += (size_t)snprintf(text + length, size - length, ports->first == ports->last ? "%s%u" : "%s%u-%u",
                                   i == 0 ? " on ports " : ",", (unsigned)ports->first, (unsigned)ports->last);
    }
}

/* Keeps a line on the request; out of memory only loses the line. */
static void asked_keep(struct survey *survey, const struct source *source, const struct source_request *request)
{
    struct look *look = survey->look;
    char ports[200];
    char line[400];
    char *kept;
    char **grown;

    if (survey->request->options->verbose < 3) {
        return;
    }
    ports_describe(ports, sizeof ports, request);
    snprintf(line, sizeof line, "asked %s for %s %s%s%s", source->name, record_protocol_name(request->protocol),
             (request->states & SOURCE_STATE(RECORD_ESTABLISHED)) == 0 ? "listeners"
             : request->v4_mapped_only                                 ? "v4-mapped connections"
                                                                       : "connections",
             request->families == SOURCE_FAMILIES_ALL           ? " of both families"
             : request->families == SOURCE_FAMILY(RECORD_INET6) ? " of AF_INET6"
                                                                : " of AF_INET",
             ports);
    kept = strdup(line);
    grown = realloc(look->asked, (look->asked_count + 1) * sizeof *grown);
    if (grown != NULL) {
        look->asked = grown;
    }
    if (grown == NULL || kept == NULL) {
        free(kept);
        return;
    }
    look->asked[look->asked_count++] = kept;
}

/* --- scans ------------------------------------------------------------------------------------------------------- */

static int source_open(struct survey *survey, enum place place, struct source_fault *fault)
{
    if (survey->source[place] != NULL) {
        return 0;
    }
    return place == PLACE_NETLINK ? netlink_open(&survey->source[place], fault)
                                  : procfs_open(&survey->source[place], directory_of(survey->request->options), fault);
}

static int scan(struct survey *survey, const struct source_request *request, source_visit *visit)
{
    static const char *const stages[RECORD_PROTOCOLS] = {
        [RECORD_TCP] = "reading the list of TCP sockets",
        [RECORD_UDP] = "reading the list of UDP sockets",
    };
    enum place place = survey->place[request->protocol];
    struct source_fault *fault;
    int result;

    survey->current = request->protocol;
    if (place == PLACE_NONE) {
        return 0;
    }
    deadline_stage(stages[request->protocol]);
    fault = &survey->fault[request->protocol][place];
    result = source_open(survey, place, fault);
    if (result == 0) {
        asked_keep(survey, survey->source[place], request);
        result = survey->source[place]->scan(survey->source[place], request, visit, survey->look->tally, fault);
    }
    return result;
}

static bool policy_wants(const struct policy *policy, bool every_protocol, enum record_protocol protocol)
{
    return every_protocol || policy->rule_count == 0 || policy_judges(policy, protocol);
}

static bool is_wanted(const struct survey *survey, enum record_protocol protocol)
{
    return policy_wants(survey->request->policy, survey->request->every_protocol, protocol);
}

static int listeners_scan(struct survey *survey, enum record_protocol protocol)
{
    static const enum record_state listening[RECORD_PROTOCOLS] = {
        [RECORD_TCP] = RECORD_LISTEN,
        [RECORD_UDP] = RECORD_CLOSE,
    };
    struct source_request request = {
        .protocol = protocol,
        .families = SOURCE_FAMILIES_ALL,
        .states = SOURCE_STATE(listening[protocol]),
    };

    return scan(survey, &request, listener_visit);
}

static bool is_judged(const struct survey *survey, const struct tally_service *service)
{
    const struct policy *policy = survey->request->policy;

    for (int scope = 0; scope < STACK_SCOPES && policy->rule_count > 0; scope++) {
        if (policy_find(policy, &survey->look->tally->host, service->protocol, service->port,
                        (enum stack_scope)scope) != NULL) {
            return true;
        }
    }
    return policy->rule_count == 0;
}

/* The judged listening ports of the protocol, neighbours joined. Returns how many, -ENOMEM; *ports is the caller's. */
static int judged_ports_list(const struct survey *survey, enum record_protocol protocol, struct source_ports **ports)
{
    const struct tally *tally = survey->look->tally;
    struct source_ports *list = calloc(tally->service_count + 1, sizeof *list);
    int count = 0;

    *ports = list;
    if (list == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        if (service->protocol != protocol || !is_judged(survey, service)) {
            continue;
        }
        if (count > 0 && list[count - 1].last + 1 == service->port) {
            list[count - 1].last = service->port;
        } else {
            list[count++] = (struct source_ports){service->port, service->port};
        }
    }
    return count;
}

static int connections_scan(struct survey *survey, enum record_protocol protocol)
{
    struct source_request request = {
        .protocol = protocol,
        .families = SOURCE_FAMILIES_ALL,
        .states = SOURCE_STATE(RECORD_ESTABLISHED),
    };
    struct source_ports *ports;
    int count;
    int result = 0;

    if (survey->request->depth == LOOK_ALL) {
        return scan(survey, &request, connection_visit);
    }
    count = judged_ports_list(survey, protocol, &ports);
    if (count < 0) {
        return count;
    }
    if (count > 0) {
        request.families = SOURCE_FAMILY(RECORD_INET6);
        request.v4_mapped_only = true;
        request.ports = ports;
        request.port_count = (size_t)count;
        result = scan(survey, &request, connection_visit);
    }
    free(ports);
    return result;
}

/* Reads everything once, from the places chosen so far. */
static int everything_scan(struct survey *survey)
{
    int result = 0;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS && result == 0; protocol++) {
        if (is_wanted(survey, (enum record_protocol)protocol)) {
            result = listeners_scan(survey, (enum record_protocol)protocol);
        }
    }
    tally_sort(survey->look->tally);
    for (int protocol = 0; protocol < RECORD_PROTOCOLS && result == 0; protocol++) {
        if (is_wanted(survey, (enum record_protocol)protocol) && survey->request->depth != LOOK_LISTENERS) {
            result = connections_scan(survey, (enum record_protocol)protocol);
        }
    }
    return result;
}

/* --- when a place does not answer -------------------------------------------------------------------------------- */

static bool may_fall_back(const struct survey *survey)
{
    return survey->request->options->source == OPTIONS_SOURCE_AUTO;
}

static void unreadable_tell(struct survey *survey, enum record_protocol protocol)
{
    static const char *const upper[RECORD_PROTOCOLS] = {[RECORD_TCP] = "TCP", [RECORD_UDP] = "UDP"};
    char *text = survey->look->tally->unreadable[protocol];
    const char *netlink = survey->fault[protocol][PLACE_NETLINK].text;
    const char *procfs = survey->fault[protocol][PLACE_PROCFS].text;
    const char *both = *netlink != '\0' && *procfs != '\0' ? ". Nor does /proc/net: " : "";

    snprintf(text, sizeof survey->look->tally->unreadable[protocol], "%s sockets cannot be read: %.200s%s%.200s%s",
             upper[protocol], netlink, both, procfs,
             survey->request->options->source == OPTIONS_SOURCE_NETLINK ? ". --source=auto would try /proc/net" : "");
}

/* Chooses the next place for the protocol that failed. */
static void place_advance(struct survey *survey)
{
    enum place *place = &survey->place[survey->current];

    *place = *place == PLACE_NETLINK && may_fall_back(survey) ? PLACE_PROCFS : PLACE_NONE;
}

/* An empty tally with the host's facts and what is known of the places already. */
static int tally_begin(struct survey *survey)
{
    struct source_fault fault = {{0}};

    tally_free(survey->look->tally);
    survey->look->tally = tally_create();
    if (survey->look->tally == NULL) {
        return -ENOMEM;
    }
    survey->look->fault[0] = '\0';
    deadline_stage("reading the host's facts under /proc");
    if (host_read(&survey->look->tally->host, directory_of(survey->request->options), &fault) != 0) {
        snprintf(survey->look->fault, sizeof survey->look->fault, "%s", fault.text);
    }
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (survey->place[protocol] == PLACE_NONE) {
            unreadable_tell(survey, (enum record_protocol)protocol);
        }
    }
    return 0;
}

static int survey_run(struct survey *survey)
{
    int interruptions = 0;

    for (;;) {
        int result = tally_begin(survey);
        if (result == 0) {
            result = everything_scan(survey);
        }
        if (result == 0 || result == -ENOMEM) {
            return result;
        }
        if (result != -EAGAIN || ++interruptions == TRIES) {
            interruptions = 0;
            place_advance(survey);
        }
    }
}

static void source_tell(const struct survey *survey)
{
    struct look *look = survey->look;
    bool used[PLACE_NONE + 1] = {false};

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        enum place place = survey->place[protocol];
        if (!is_wanted(survey, (enum record_protocol)protocol)) {
            continue;
        }
        used[place] = true;
        if (place == PLACE_PROCFS && may_fall_back(survey)) {
            snprintf(look->remarks[protocol], sizeof look->remarks[protocol],
                     "read from /proc/net, which lacks v6only, as %s", survey->fault[protocol][PLACE_NETLINK].text);
        }
    }
    look_remark_choose(look, survey->request->policy, survey->request->every_protocol);
    snprintf(look->source, sizeof look->source, "%s%s%s", used[PLACE_NETLINK] || !used[PLACE_PROCFS] ? "netlink" : "",
             used[PLACE_NETLINK] && used[PLACE_PROCFS] ? "+" : "", used[PLACE_PROCFS] ? "procfs" : "");
}

void look_remark_choose(struct look *look, const struct policy *policy, bool every_protocol)
{
    look->remark[0] = '\0';
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (look->remarks[protocol][0] != '\0' &&
            policy_wants(policy, every_protocol, (enum record_protocol)protocol)) {
            memcpy(look->remark, look->remarks[protocol], sizeof look->remark);
        }
    }
}

static void interfaces_name(struct tally *tally)
{
    for (size_t i = 0; i < tally->service_count; i++) {
        for (size_t j = 0; j < tally->services[i].listener_count; j++) {
            struct tally_listener *listener = &tally->services[i].listeners[j];
            host_interface_name(listener->interface_name, listener->interface);
        }
    }
}

int look_take(const struct look_request *request, struct look **look)
{
    struct survey survey = {.request = request};
    int result;

    survey.look = calloc(1, sizeof *survey.look);
    *look = NULL;
    if (survey.look == NULL) {
        return -ENOMEM;
    }
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        survey.place[protocol] = request->options->source == OPTIONS_SOURCE_PROCFS ? PLACE_PROCFS : PLACE_NETLINK;
    }
    survey.look->foreign = request->options->procfs != NULL;
    survey.look->time = time(NULL);
    snprintf(survey.look->namespace, sizeof survey.look->namespace, "%s",
             request->options->netns != NULL ? request->options->netns : "");
    result = survey_run(&survey);
    source_tell(&survey);
    if (result == 0) {
        interfaces_name(survey.look->tally);
    }
    for (int place = 0; place < PLACE_NONE; place++) {
        if (survey.source[place] != NULL) {
            survey.source[place]->free(survey.source[place]);
        }
    }
    if (result != 0) {
        look_free(survey.look);
        return result;
    }
    *look = survey.look;
    return 0;
}

void look_free(struct look *look)
{
    if (look == NULL) {
        return;
    }
    for (size_t i = 0; i < look->asked_count; i++) {
        free(look->asked[i]);
    }
    free(look->asked);
    tally_free(look->tally);
    free(look);
}
