/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Asks the kernel for its sockets and hands on what it answers.
 */
#include "config.h"

#include "socket/netlink.h"

#include "socket/diag.h"
#include "socket/netlink_channel.h"
#include "socket/protocol.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The kernel ends an answer where the next record has no room. None was seen that is longer. */
#define RECORD_SIZE_MOST 1024

/* The longest answer of those that the kernel makes without having room for more (NLMSG_GOODSIZE). */
#define SMALL_ANSWER_MOST 8192

/* Each turn of a request has answers that are shorter by this, down to three quarters of a buffer. */
#define TURN_STEP 500
#define TURNS 16

struct netlink_source {
    struct source source;
    struct netlink_channel channel; /* not open until the next scan */
};

/* One dump: its records, and their receiver. */
struct dump {
    enum record_protocol protocol;
    source_visit *visit;
    source_pause *pause; /* NULL: pauses are not reported */
    void *context;
};

/* The kernel resumes in the bucket it was in, by the number of the socket there (tcp_diag_dump(), udp_dump()). */
static void pause_report(const struct dump *dump)
{
    if (dump->pause != NULL) {
        dump->pause(false, dump->context);
    }
}

/* Returns 1, or the negative errno of the visit. */
static int record_handle(struct netlink_channel *channel, uint16_t type, const unsigned char *payload, size_t length,
                         void *context)
{
    const struct dump *dump = context;
    struct sock_record record;
    int result = -EBADMSG;

    if (type == SOCK_DIAG_BY_FAMILY || type == TCPDIAG_GETSOCK) {
        result = diag_record_decode(payload, length, dump->protocol, &record);
    }
    if (result < 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, -result);
    }
    if (channel->previous > 0) {
        channel->previous = 0;
        pause_report(dump);
    }
    result = dump->visit(&record, dump->context);
    return result < 0 ? netlink_channel_fail(channel, NETLINK_CHANNEL_HANDLER, -result) : 1;
}

int netlink_answer_handle(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                          enum record_protocol protocol, source_visit *visit, void *context)
{
    struct dump dump = {.protocol = protocol, .visit = visit, .context = context};
    struct netlink_channel channel;

    netlink_channel_init(&channel, NETLINK_SOCK_DIAG);
    channel.sequence = sequence;
    channel.port_id = port_id;
    return netlink_channel_handle(&channel, bytes, length, record_handle, &dump);
}

/* The kernel makes answers as long as the longest read so far, or of a page where it finds no room for that. */
static bool may_be_full(const struct netlink_channel *channel, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    page = page < SMALL_ANSWER_MOST ? page : SMALL_ANSWER_MOST;
    return (length <= page && length + RECORD_SIZE_MOST > page) || length + RECORD_SIZE_MOST > channel->answer_size;
}

static int dump_run(struct netlink_channel *channel, struct dump *dump, const struct source_request *request,
                    unsigned number)
{
    int result = netlink_channel_open(channel);
    size_t length;

    if (result < 0) {
        return result;
    }
    length = diag_request_build(channel->buffer, request, number, channel->sequence);
    result = netlink_channel_ask(channel, length, record_handle, dump);
    /* What would have stood behind a full answer may be hidden altogether. */
    if (result == 0 && channel->previous > 0 && may_be_full(channel, channel->previous)) {
        pause_report(dump);
    }
    return result;
}

/*
 * Opens the channel for answers as long as this turn's. The kernel makes the first answer on a socket a short one, as
 * nothing was read there before: so the first request is one for no sockets.
 */
static int turn_begin(struct netlink_channel *channel, struct dump *dump, const struct source_request *request)
{
    struct source_request nothing = {.protocol = request->protocol, .families = request->families};
    size_t answer_size = NETLINK_CHANNEL_BUFFER - request->turn % TURNS * TURN_STEP;

    if (channel->socket != NULL && channel->answer_size == answer_size) {
        return 0;
    }
    netlink_channel_close(channel);
    channel->answer_size = answer_size;
    return dump_run(channel, dump, &nothing, 0);
}

#define HINT_SIZE 64

/* Writes what only these dumps can lack. Returns the text, NULL for all else. */
static const char *module_hint(char text[static HINT_SIZE], enum netlink_channel_cause cause,
                               enum record_protocol protocol, int code)
{
    bool lacks_module = code == ENOENT || code == EOPNOTSUPP;

    if (cause != NETLINK_CHANNEL_REFUSAL || !lacks_module) {
        return NULL;
    }
    snprintf(text, HINT_SIZE, ": is the module %s missing?",
             code == ENOENT ? protocol_of(protocol)->module : "inet_diag");
    return text;
}

static void scan_fault_set(struct fault *fault, const struct netlink_channel *channel, enum record_protocol protocol,
                           int code)
{
    char things[16];
    char hint[HINT_SIZE];

    snprintf(things, sizeof things, "%s sockets", protocol_of(protocol)->label);
    netlink_channel_fault_set(channel, fault, things, code, module_hint(hint, channel->cause, protocol, code));
}

static int netlink_scan(struct source *source, const struct source_request *request, source_visit *visit, void *context,
                        struct fault *fault)
{
    struct netlink_channel *channel = &((struct netlink_source *)(void *)source)->channel;
    struct dump dump = {.protocol = request->protocol, .visit = visit, .pause = request->pause, .context = context};
    int result = turn_begin(channel, &dump, request);

    for (unsigned i = 0; result == 0 && i < diag_dump_count(request); i++) {
        result = dump_run(channel, &dump, request, i);
    }
    if (result < 0) {
        netlink_channel_close(channel);
        if (channel->cause != NETLINK_CHANNEL_HANDLER) {
            scan_fault_set(fault, channel, request->protocol, -result);
        }
    }
    return result;
}

static void netlink_free(struct source *source)
{
    if (source != NULL) {
        netlink_channel_close(&((struct netlink_source *)(void *)source)->channel);
    }
    free(source);
}

int netlink_open(struct source **source, const char *directory, struct fault *fault)
{
    struct netlink_source *netlink = malloc(sizeof *netlink);

    (void)directory;
    if (netlink == NULL) {
        return fault_set(fault, ENOMEM, "out of memory for the answers of NETLINK_SOCK_DIAG");
    }
    netlink->source = (struct source){.name = "netlink", .scan = netlink_scan, .free = netlink_free};
    netlink_channel_init(&netlink->channel, NETLINK_SOCK_DIAG);
    *source = (struct source *)netlink;
    return 0;
}
