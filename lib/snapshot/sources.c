/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "snapshot/sources.h"

#include "socket/host.h"
#include "socket/netlink.h"
#include "socket/procfs.h"
#include "socket/procfs_directory.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many interrupted scans count as a failure. */
#define TRIES 5

struct sources {
    struct sources_request request;
    const char *directory; /* stands for /proc/net */
    uint32_t hidden_uid;   /* shown for owners that are not visible; RECORD_UID_HIDDEN when all are */
    enum sources_kind kind[RECORD_PROTOCOLS];
    int interruptions[RECORD_PROTOCOLS]; /* of the source that answers now */
    bool restless[RECORD_PROTOCOLS];     /* what it shows does not come to rest */
    struct source *source[SOURCES_NONE]; /* NULL until it is first asked */
    struct fault fault[RECORD_PROTOCOLS][SOURCES_NONE];
};

/* A row for each kind that can be asked. */
static const struct {
    const char *name;
    int (*open)(struct source **source, const char *directory, struct fault *fault);
} kinds[] = {
    [SOURCES_NETLINK] = {"netlink", netlink_open},
    [SOURCES_PROCFS] = {"procfs", procfs_open},
};
_Static_assert(sizeof kinds / sizeof *kinds == SOURCES_NONE, "each kind has a row");

struct sources *sources_create(const struct sources_request *request)
{
    struct sources *sources = calloc(1, sizeof *sources);

    if (sources == NULL) {
        return NULL;
    }
    sources->request = *request;
    sources->directory = request->copies != NULL ? request->copies : procfs_directory();
    sources->hidden_uid = procfs_directory_is_live(sources->directory) ? host_hidden_uid() : RECORD_UID_HIDDEN;
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        sources->kind[protocol] = request->choice == SOURCES_CHOICE_PROCFS ? SOURCES_PROCFS : SOURCES_NETLINK;
    }
    return sources;
}

void sources_free(struct sources *sources)
{
    if (sources == NULL) {
        return;
    }
    for (int kind = 0; kind < SOURCES_NONE; kind++) {
        if (sources->source[kind] != NULL) {
            sources->source[kind]->free(sources->source[kind]);
        }
    }
    free(sources);
}

const char *sources_directory(const struct sources *sources)
{
    return sources->directory;
}

void sources_report_stage(const struct sources *sources, const char *stage)
{
    if (sources->request.progress != NULL) {
        sources->request.progress(stage);
    }
}

/* Passes the records on, with hidden owners marked. */
struct hiding {
    uint32_t uid;
    source_visit *visit;
    source_pause *pause;
    void *context;
};

static int owner_hide(const struct sock_record *record, void *context)
{
    const struct hiding *hiding = context;
    struct sock_record hidden = *record;

    if (hidden.uid == hiding->uid) {
        hidden.uid = RECORD_UID_HIDDEN;
    }
    return hiding->visit(&hidden, hiding->context);
}

static void pause_pass(bool anywhere, void *context)
{
    const struct hiding *hiding = context;

    hiding->pause(anywhere, hiding->context);
}

int sources_scan(struct sources *sources, const struct source_request *request, source_visit *visit, void *context)
{
    enum sources_kind kind = sources->kind[request->protocol];
    struct hiding hiding = {sources->hidden_uid, visit, request->pause, context};
    struct source_request passed = *request;
    struct fault *fault;
    int result = 0;

    if (sources->hidden_uid != RECORD_UID_HIDDEN) {
        passed.pause = request->pause != NULL ? pause_pass : NULL;
        request = &passed;
        visit = owner_hide;
        context = &hiding;
    }
    if (kind == SOURCES_NONE) {
        return 0;
    }
    sources_report_stage(sources, protocol_of(request->protocol)->reading);
    fault = &sources->fault[request->protocol][kind];
    if (sources->source[kind] == NULL) {
        result = kinds[kind].open(&sources->source[kind], sources_directory(sources), fault);
    }
    return result != 0 ? result : sources->source[kind]->scan(sources->source[kind], request, visit, context, fault);
}

static bool may_fall_back(const struct sources *sources)
{
    return sources->request.choice == SOURCES_CHOICE_AUTO;
}

int sources_disagree(struct sources *sources, enum record_protocol protocol)
{
    sources->restless[protocol] = true;
    return fault_set(&sources->fault[protocol][sources->kind[protocol]], ESTALE,
                     "listeners of %s come and go faster than they can be read", protocol_of(protocol)->label);
}

static enum sources_kind next_kind(const struct sources *sources, enum record_protocol protocol)
{
    bool has_next = sources->kind[protocol] == SOURCES_NETLINK && may_fall_back(sources);

    return has_next && !sources->restless[protocol] ? SOURCES_PROCFS : SOURCES_NONE;
}

bool sources_retry(struct sources *sources, enum record_protocol protocol, int result)
{
    enum sources_kind *kind = &sources->kind[protocol];
    int *interruptions = &sources->interruptions[protocol];

    if (result == -ENOMEM) {
        return false;
    }
    if (result != -EAGAIN || ++*interruptions == TRIES) {
        *interruptions = 0;
        *kind = next_kind(sources, protocol);
    }
    return true;
}

const char *sources_kind_name(enum sources_kind kind)
{
    return kinds[kind].name;
}

enum sources_kind sources_kind(const struct sources *sources, enum record_protocol protocol)
{
    return sources->kind[protocol];
}

const char *sources_fault(const struct sources *sources, enum record_protocol protocol)
{
    enum sources_kind kind = sources->kind[protocol];

    return kind == SOURCES_NONE ? "" : sources->fault[protocol][kind].text;
}

const char *sources_unreadable_format(char text[static SOURCES_SENTENCE_SIZE], const struct sources *sources,
                                      enum record_protocol protocol)
{
    const char *netlink = sources->fault[protocol][SOURCES_NETLINK].text;
    const char *procfs = sources->fault[protocol][SOURCES_PROCFS].text;
    const char *last = *procfs != '\0' ? procfs : netlink;
    bool is_question = *last != '\0' && last[strlen(last) - 1] == '?';
    bool may_try = sources->request.choice == SOURCES_CHOICE_NETLINK && !sources->restless[protocol];

    snprintf(text, SOURCES_SENTENCE_SIZE, "%s sockets cannot be read: %.220s%s%.180s%s", protocol_of(protocol)->label,
             netlink, *netlink != '\0' && *procfs != '\0' ? ". Nor can /proc/net: " : "", procfs,
             !may_try      ? ""
             : is_question ? " Use --source=auto to try /proc/net, too"
                           : ". Use --source=auto to try /proc/net, too");
    return text;
}

const char *sources_remark_format(char text[static SOURCES_SENTENCE_SIZE], const struct sources *sources,
                                  enum record_protocol protocol)
{
    bool fell_back = sources->kind[protocol] == SOURCES_PROCFS && may_fall_back(sources);

    snprintf(text, SOURCES_SENTENCE_SIZE, "%s%s",
             fell_back ? "read from /proc/net, which lacks v6only and interfaces: " : "",
             fell_back ? sources->fault[protocol][SOURCES_NETLINK].text : "");
    return text;
}
