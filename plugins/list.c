/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --list: all sockets as netstat shows them, and what is really on the wire. Two scans: the first measures the columns
 * and collects owners, the second writes each row and explains it by the listeners. These alone are kept: they were
 * read whole before, and what a scan misses of them is added to it.
 */
#include "config.h"

#include "list.h"

#include "deadline.h"
#include "namespaces.h"
#include "plugin/text_buffer.h"
#include "snapshot/listeners.h"
#include "snapshot/owners.h"
#include "snapshot/reaches.h"
#include "snapshot/snapshot.h"
#include "snapshot/sources.h"
#include "socket/host.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Each family of each protocol can break off, and the host's facts too. */
#define FAULTS (RECORD_PROTOCOLS * RECORD_FAMILIES + 1)

/* Of each protocol, of what each family has, of addresses, of the namespace and of units. */
#define REMARKS (RECORD_PROTOCOLS + RECORD_FAMILIES + 3)

#define SENTENCE_SIZE 640

/* Sentences of which there are only so many. */
struct sentences {
    const char *list[FAULTS > REMARKS ? FAULTS : REMARKS];
    char text[FAULTS > REMARKS ? FAULTS : REMARKS][SENTENCE_SIZE];
    size_t count;
};

struct scan {
    const struct run *run;
    struct sources_request request;
    struct sources *sources;
    struct sock_host host;
    struct tally *tally;                               /* of all listeners, and of connections where clients count */
    enum sources_kind listener_kind[RECORD_PROTOCOLS]; /* the source that showed them */
    struct owners owners;
    struct writer_list list;
    enum record_family family; /* that is written now */
    struct tally *shown;       /* listeners of it that were written */
    size_t visited;            /* sockets of this scan that were written */
    uint64_t rows;
    struct writer_clients *clients; /* one more than there are, so that none is not NULL; NULL: not asked for */
    size_t client_count;
    struct sentences faults; /* what could not be read */
    struct sentences remarks;
};

__attribute__((format(printf, 2, 3))) static void sentence_add(struct sentences *sentences, const char *format, ...)
{
    char *text = sentences->text[sentences->count];
    va_list arguments;

    if (sentences->count == sizeof sentences->list / sizeof *sentences->list) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, SENTENCE_SIZE, format, arguments);
    va_end(arguments);
    sentences->list[sentences->count++] = text;
}

/* --- owners ------------------------------------------------------------------------------------------------------ */

/* The kernel shows uid 0 for sockets that no process holds (any more). */
static bool has_user(const struct sock_record *record)
{
    const uint32_t may_be_nobodys = SOURCE_STATE(RECORD_SYN_RECV) | SOURCE_STATE(RECORD_NEW_SYN_RECV) |
                                    SOURCE_STATE(RECORD_FIN_WAIT1) | SOURCE_STATE(RECORD_FIN_WAIT2) |
                                    SOURCE_STATE(RECORD_TIME_WAIT) | SOURCE_STATE(RECORD_LAST_ACK) |
                                    SOURCE_STATE(RECORD_CLOSING);

    return record->uid != 0 || (may_be_nobodys & SOURCE_STATE(record->state)) == 0;
}

static int owners_note(struct scan *scan, const struct sock_record *record)
{
    int result = has_user(record) ? owners_user_note(&scan->owners, record->uid) : 0;

    return result != 0 || record->cgroup == 0 ? result : owners_unit_note(&scan->owners, record->cgroup);
}

/* Looks them up when they came after the first scan. */
static int owners_find(struct scan *scan, struct writer_row *row)
{
    const struct sock_record *record = row->record;
    int result = owners_note(scan, record);

    if (result != 0) {
        return result;
    }
    row->user = has_user(record) ? owners_user(&scan->owners, record->uid) : NULL;
    row->unit = record->cgroup != 0 ? owners_unit(&scan->owners, record->cgroup) : NULL;
    if ((row->user != NULL && !row->user->asked) || (row->unit != NULL && !row->unit->asked)) {
        result = owners_look_up(&scan->owners);
    }
    return result;
}

/* --- scans ------------------------------------------------------------------------------------------------------- */

static int record_measure(const struct sock_record *record, void *context)
{
    struct scan *scan = context;

    scan->run->writer->list_measure(&scan->list, &(struct writer_row){.record = record});
    return owners_note(scan, record);
}

static int record_write(const struct sock_record *record, void *context)
{
    struct scan *scan = context;
    const struct run *run = scan->run;
    struct writer_row row = {.record = record};
    int result;

    if (record->family != scan->family) {
        return 0;
    }
    result = owners_find(scan, &row);
    if (result != 0) {
        return result;
    }
    if (record_is_listener(record) && tally_add(scan->shown, record) != 0) {
        return -ENOMEM;
    }
    if (run->options->peers > 0 && record->state == RECORD_ESTABLISHED && tally_add(scan->tally, record) != 0) {
        return -ENOMEM;
    }
    run->writer->list_row(&scan->list, &row, &run->sink);
    deadline_stage(protocol_of(record->protocol)->reading);
    scan->visited++;
    scan->rows++;
    return run->lines->error;
}

static bool is_readable(const struct scan *scan, enum record_protocol protocol)
{
    return sources_kind(scan->sources, protocol) != SOURCES_NONE;
}

/* From the first source that answers. But rows that were written cannot be taken back: then the failure is final. */
static int rows_scan(struct scan *scan, const struct source_request *request)
{
    int result;

    scan->visited = 0;
    do {
        result = sources_scan(scan->sources, request, record_write, scan);
    } while (result != 0 && scan->run->lines->error == 0 && scan->visited == 0 &&
             sources_retry(scan->sources, request->protocol, result) && is_readable(scan, request->protocol));
    return result;
}

static int listener_visit(struct scan *scan, const struct tally_service *service, const struct tally_listener *listener,
                          source_visit *visit)
{
    const struct sock_record record = {
        .protocol = service->protocol,
        .family = listener->family,
        .state = protocol_of(service->protocol)->listening,
        .v6only = listener->v6only,
        .local = listener->address,
        .remote = record_wildcards[listener->family],
        .local_port = service->port,
        .interface = listener->interface,
        .uid = listener->uid,
        .cgroup = listener->cgroup,
    };

    return visit(&record, scan);
}

/* Shows the listeners of the protocol that are not in `shown`, which may be NULL for none. */
static int listeners_visit(struct scan *scan, enum record_protocol protocol, struct tally *shown, source_visit *visit)
{
    int result = 0;

    for (size_t i = 0; i < scan->tally->service_count; i++) {
        const struct tally_service *service = &scan->tally->services[i];
        for (size_t j = 0; j < service->listener_count && service->protocol == protocol && result == 0; j++) {
            const struct tally_listener *listener = &service->listeners[j];
            if (shown == NULL || tally_listener_find(shown, protocol, service->port, listener) == NULL) {
                result = listener_visit(scan, service, listener, visit);
            }
        }
    }
    return result;
}

static void unreadable_add(struct scan *scan, enum record_protocol protocol)
{
    char text[SOURCES_SENTENCE_SIZE];

    sentence_add(&scan->faults, "%s", sources_unreadable_format(text, scan->sources, protocol));
}

/* Measures everything once, from the sources that answer now. *current is the protocol that was read last. */
static int everything_scan(struct scan *scan, enum record_protocol *current)
{
    int result = 0;

    tally_free(scan->tally);
    scan->tally = tally_create();
    if (scan->tally == NULL) {
        return -ENOMEM;
    }
    scan->tally->host = scan->host;
    scan->tally->counts_peers = scan->run->options->peers > 0;
    for (int protocol = 0; protocol < RECORD_PROTOCOLS && result == 0; protocol++) {
        struct source_request request = {
            .protocol = (enum record_protocol)protocol,
            .families = SOURCE_FAMILIES_ALL,
            .states = SOURCE_STATES_ALL,
        };
        *current = request.protocol;
        result = listeners_read(scan->sources, request.protocol, scan->tally);
        scan->listener_kind[protocol] = sources_kind(scan->sources, request.protocol);
        if (result == 0) {
            result = sources_scan(scan->sources, &request, record_measure, scan);
        }
        if (result == 0) {
            result = listeners_visit(scan, request.protocol, NULL, record_measure);
        }
    }
    return result;
}

/* What was measured before a source failed makes columns wider than need be, and no harm beyond that. */
static int everything_measure(struct scan *scan)
{
    enum record_protocol current = 0;
    int result;

    do {
        result = everything_scan(scan, &current);
    } while (result != 0 && sources_retry(scan->sources, current, result));
    for (int protocol = 0; protocol < RECORD_PROTOCOLS && result == 0; protocol++) {
        if (!is_readable(scan, (enum record_protocol)protocol)) {
            unreadable_add(scan, (enum record_protocol)protocol);
        }
    }
    if (result == 0) {
        tally_order(scan->tally);
        scan->list.tally = scan->tally;
        result = reaches_find(scan->tally, scan->sources, &scan->request);
    }
    return result;
}

static int family_write(struct scan *scan, enum record_protocol protocol, enum record_family family)
{
    struct source_request request = {
        .protocol = protocol,
        .families = SOURCE_FAMILY(family),
        .states = SOURCE_STATES_ALL,
    };
    int result;

    scan->family = family;
    scan->shown = tally_create();
    result = scan->shown == NULL ? -ENOMEM : rows_scan(scan, &request);
    /* Another source shows less, or more, of the same listeners. */
    if (result == 0 && scan->listener_kind[protocol] == sources_kind(scan->sources, protocol)) {
        result = listeners_visit(scan, protocol, scan->shown, record_write);
    }
    tally_free(scan->shown);
    if (result == -ENOMEM || scan->run->lines->error != 0) {
        return result;
    }
    if (!is_readable(scan, (enum record_protocol)protocol)) {
        unreadable_add(scan, protocol);
    } else if (result != 0) {
        sentence_add(&scan->faults, "the list of %s sockets is incomplete: %s", protocol_of(protocol)->names[family],
                     sources_fault(scan->sources, protocol));
    }
    return 0;
}

static int everything_write(struct scan *scan)
{
    int result = 0;

    for (int i = 0; i < RECORD_PROTOCOLS * RECORD_FAMILIES && result == 0; i++) {
        enum record_protocol protocol = (enum record_protocol)(i / RECORD_FAMILIES);
        if (is_readable(scan, protocol)) {
            result = family_write(scan, protocol, (enum record_family)(i % RECORD_FAMILIES));
        }
    }
    return result;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static int scan_begin(struct scan *scan, const struct run *run)
{
    const struct options *options = run->options;
    struct fault fault = {{0}};

    scan->run = run;
    scan->owners = (struct owners){.other_host = options->procfs != NULL, .progress = deadline_stage};
    scan->list.owners = &scan->owners;
    scan->list.namespace = run->is_one_of_many ? run->namespace : NULL;
    scan->list.verbose = options->verbose;
    scan->request =
        (struct sources_request){.choice = options->source, .copies = options->procfs, .progress = deadline_stage};
    scan->sources = sources_create(&scan->request);
    if (scan->sources == NULL) {
        return -ENOMEM;
    }
    deadline_stage("reading the host's facts under /proc");
    if (host_read(&scan->host, sources_directory(scan->sources), &fault) != 0) {
        sentence_add(&scan->faults, "%s", fault.text);
    }
    return 0;
}

static bool shows_details(const struct scan *scan)
{
    return scan->run->options->verbose > 0 || scan->run->writer->needs_everything;
}

/* Makes a remark of the text, unless it is empty, and empties it. */
static void remark_add(struct scan *scan, const char *beginning, struct text_buffer *text)
{
    if (text->length > 0) {
        sentence_add(&scan->remarks, "%s%s", beginning, text->bytes);
    }
    *text = text_buffer_start(text->bytes, text->size);
}

/* What every answer about the host must say, and what sentences on its listeners are about. */
static void host_remarks_make(struct scan *scan)
{
    const char *namespace = scan->run->namespace;
    char bytes[SENTENCE_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    snapshot_addresses_remark_add(&text, scan->tally, true);
    remark_add(scan, "", &text);
    snapshot_namespace_remark_add(&text, scan->tally, namespace != NULL ? namespace : "");
    remark_add(scan, "these sockets are ", &text);
    for (int family = 0; family < RECORD_FAMILIES && shows_details(scan); family++) {
        netstat_add_host(&text, scan->tally, (enum record_family)family);
        remark_add(scan, "", &text);
    }
}

/* How the list was made, where that is not as one would expect. */
static void remarks_make(struct scan *scan)
{
    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        char remark[SOURCES_SENTENCE_SIZE];
        sources_remark_format(remark, scan->sources, (enum record_protocol)i);
        if (*remark != '\0') {
            sentence_add(&scan->remarks, "%s sockets were %s", protocol_of((enum record_protocol)i)->label, remark);
        }
    }
    host_remarks_make(scan);
    if (scan->owners.unit_fault.text[0] != '\0' && shows_details(scan)) {
        sentence_add(&scan->remarks, "units are not known: %s", scan->owners.unit_fault.text);
    }
}

static int service_clients_make(struct scan *scan, const struct tally_service *service, unsigned most)
{
    struct writer_clients *clients = &scan->clients[scan->client_count];
    int result;

    *clients = (struct writer_clients){.protocol = service->protocol, .port = service->port};
    for (int i = 0; i < SCOPES * TALLY_KINDS; i++) {
        clients->connections[i % TALLY_KINDS] += service->connections[i / TALLY_KINDS][i % TALLY_KINDS];
    }
    result = tally_peers_merge(service, SCOPES_ALL, most, &clients->peers);
    scan->client_count += clients->peers != NULL;
    return result;
}

static int clients_make(struct scan *scan)
{
    const struct tally *tally = scan->tally;
    unsigned most = scan->run->options->peers;
    int result = most > 0 ? snapshot_peers_settle(scan->tally, most) : 0;

    if (most == 0 || result != 0) {
        return result;
    }
    scan->clients = calloc(tally->service_count + 1, sizeof *scan->clients);
    result = scan->clients != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < tally->service_count && result == 0; i++) {
        result = service_clients_make(scan, &tally->services[i], most);
    }
    return result;
}

/* Errors stand below everything that could be read. */
static int list_write(struct scan *scan)
{
    const struct run *run = scan->run;
    int result;

    run->writer->list_head(&scan->list, &run->sink);
    result = everything_write(scan);
    if (result == 0) {
        result = clients_make(scan);
    }
    if (result == 0) {
        remarks_make(scan);
        result = run->writer->list_end(&(struct writer_list_end){.host = run->host,
                                                                 .namespace = scan->list.namespace,
                                                                 .time = time(NULL),
                                                                 .rows = scan->rows,
                                                                 .clients = scan->clients,
                                                                 .client_count = scan->client_count,
                                                                 .remarks = scan->remarks.list,
                                                                 .remark_count = scan->remarks.count,
                                                                 .faults = scan->faults.list,
                                                                 .fault_count = scan->faults.count},
                                       &run->sink);
    }
    return run->lines->error != 0 ? 0 : result;
}

static bool anything_readable(const struct scan *scan)
{
    bool any = false;

    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        any |= is_readable(scan, (enum record_protocol)protocol);
    }
    return any;
}

static void scan_free(struct scan *scan)
{
    sources_free(scan->sources);
    tally_free(scan->tally);
    owners_clear(&scan->owners);
    for (size_t i = 0; i < scan->client_count; i++) {
        tally_peers_free(scan->clients[i].peers);
    }
    free(scan->clients);
    free(scan);
}

int list_run(const struct run *run, enum state *state)
{
    struct scan *scan = calloc(1, sizeof *scan);
    int result;

    if (scan == NULL) {
        return -ENOMEM;
    }
    result = scan_begin(scan, run);
    if (result == 0) {
        result = everything_measure(scan);
    }
    if (result == 0) {
        result = owners_look_up(&scan->owners);
    }
    if (result == 0) {
        result = anything_readable(scan) ? list_write(scan) : run_fail(run, scan->faults.list, scan->faults.count);
    }
    *state = scan->faults.count > 0 ? STATE_UNKNOWN : STATE_OK;
    scan_free(scan);
    return result;
}

static int list_refuse(const struct run *run, const char *sentence)
{
    return run_fail(run, &sentence, 1);
}

int list_run_everywhere(const struct run *run, enum state *state)
{
    return namespaces_each(run, list_run, list_refuse, state);
}
