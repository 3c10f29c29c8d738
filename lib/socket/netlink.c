/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Asks the kernel for its sockets and hands on what it answers.
 */
#include "config.h"

#include "socket/netlink.h"

#include "socket/diag.h"
#include "socket/protocol.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel fills buffers of at most this size, however much room there is (netlink_recvmsg()). */
#define BUFFER_SIZE 32768

/* A system call interrupted more often than this fails. */
#define INTERRUPTIONS 100

/* Errnos end here (kernel source: include/linux/err.h). */
#define ERRNO_LAST 4095

struct netlink_source {
    struct source source;
    struct mnl_socket *socket; /* NULL until the next scan */
    uint32_t sequence;
    uint32_t buffer[BUFFER_SIZE / sizeof(uint32_t)]; /* a request, then its answers */
};

/* What went wrong, where the errno alone does not tell. */
enum cause {
    CAUSE_OPEN,
    CAUSE_SEND,
    CAUSE_RECEIVE,
    CAUSE_REFUSAL,
    CAUSE_INTERRUPTION,
    CAUSE_GARBLE,
    CAUSE_STRANGER,
    CAUSE_VISITOR
};

/* One dump: what its answers must match, and who wants the records. */
struct dump {
    uint32_t sequence;
    uint32_t port_id;
    enum record_protocol protocol;
    source_visit *visit;
    void *context;
    enum cause cause; /* of the negative errno that was returned */
};

static int dump_fail(struct dump *dump, enum cause cause, int code)
{
    dump->cause = cause;
    return -code;
}

/* NLMSG_DONE and NLMSG_ERROR both begin with an int: 0 or a negative errno. Only DONE may say 0: no acknowledgement was
 * asked for, and one is not a list of sockets. */
static int end_handle(struct dump *dump, uint16_t type, const unsigned char *payload, size_t length)
{
    int code;

    if (length < sizeof code) {
        return dump_fail(dump, CAUSE_GARBLE, EBADMSG);
    }
    memcpy(&code, payload, sizeof code);
    if (code == 0 && type == NLMSG_DONE) {
        return 0;
    }
    if (code >= 0 || code < -ERRNO_LAST) {
        return dump_fail(dump, CAUSE_GARBLE, EBADMSG);
    }
    return dump_fail(dump, CAUSE_REFUSAL, -code);
}

/* Returns 1, or the negative errno of the visit. */
static int record_handle(struct dump *dump, const unsigned char *payload, size_t length)
{
    struct sock_record record;
    int result = diag_record_decode(payload, length, dump->protocol, &record);

    if (result < 0) {
        return dump_fail(dump, CAUSE_GARBLE, -result);
    }
    result = dump->visit(&record, dump->context);
    return result < 0 ? dump_fail(dump, CAUSE_VISITOR, -result) : 1;
}

/* Returns 1 to go on, 0 at the end of the dump, else a negative errno. */
static int message_handle(struct dump *dump, const struct nlmsghdr *header, const unsigned char *payload)
{
    size_t length = header->nlmsg_len - sizeof *header;

    if (header->nlmsg_seq != dump->sequence || header->nlmsg_pid != dump->port_id) {
        return dump_fail(dump, CAUSE_STRANGER, EPROTO);
    }
    if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
        return dump_fail(dump, CAUSE_INTERRUPTION, EAGAIN);
    }
    switch (header->nlmsg_type) {
    case SOCK_DIAG_BY_FAMILY:
    case TCPDIAG_GETSOCK:
        return record_handle(dump, payload, length);
    case NLMSG_DONE:
    case NLMSG_ERROR:
        return end_handle(dump, header->nlmsg_type, payload, length);
    case NLMSG_NOOP:
        return 1;
    case NLMSG_OVERRUN:
        return dump_fail(dump, CAUSE_INTERRUPTION, EAGAIN);
    default:
        return dump_fail(dump, CAUSE_GARBLE, EBADMSG);
    }
}

/* Not mnl_cb_run2(): that takes a sequence or port of 0 for a match and skips a last message that is cut short. */
static int answer_handle(struct dump *dump, const unsigned char *bytes, size_t length)
{
    int result = 1;

    if (length == 0) {
        return dump_fail(dump, CAUSE_GARBLE, EBADMSG);
    }
    while (result == 1 && length > 0) {
        struct nlmsghdr header;
        size_t step;

        if (length < sizeof header) {
            return dump_fail(dump, CAUSE_GARBLE, EBADMSG);
        }
        memcpy(&header, bytes, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > length) {
            return dump_fail(dump, CAUSE_GARBLE, EBADMSG);
        }
        result = message_handle(dump, &header, bytes + sizeof header);
        step = ((size_t)header.nlmsg_len + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO;
        step = step < length ? step : length;
        bytes += step;
        length -= step;
    }
    return result;
}

int netlink_answer_handle(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                          enum record_protocol protocol, source_visit *visit, void *context)
{
    struct dump dump = {.sequence = sequence,
                        .port_id = port_id,
                        .protocol = protocol,
                        .visit = visit,
                        .context = context};

    return answer_handle(&dump, bytes, length);
}

/* Receives once into the buffer. Returns the count of bytes or a negative errno. */
static ssize_t answer_receive(struct netlink_source *netlink, struct dump *dump)
{
    struct sockaddr_nl sender = {.nl_family = AF_UNSPEC};
    struct iovec room = {.iov_base = netlink->buffer, .iov_len = sizeof netlink->buffer};
    struct msghdr message = {.msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &room, .msg_iovlen = 1};
    ssize_t received;
    int interruptions = 0;

    do {
        received = recvmsg(mnl_socket_get_fd(netlink->socket), &message, 0);
    } while (received < 0 && errno == EINTR && ++interruptions < INTERRUPTIONS);
    if (received < 0 && errno == ENOBUFS) {
        return dump_fail(dump, CAUSE_INTERRUPTION, EAGAIN);
    }
    if (received < 0) {
        return dump_fail(dump, CAUSE_RECEIVE, errno);
    }
    if ((message.msg_flags & MSG_TRUNC) != 0) {
        return dump_fail(dump, CAUSE_GARBLE, EBADMSG);
    }
    /* The kernel's own port is 0. Another process can send here too, if only with CAP_NET_ADMIN (netlink_sendmsg());
     * mnl_socket_recvfrom() would not tell them apart. */
    if (message.msg_namelen != sizeof sender || sender.nl_family != AF_NETLINK || sender.nl_pid != 0) {
        return dump_fail(dump, CAUSE_STRANGER, EPROTO);
    }
    return received;
}

static int request_send(struct netlink_source *netlink, struct dump *dump, size_t length)
{
    ssize_t sent;
    int interruptions = 0;

    do {
        sent = mnl_socket_sendto(netlink->socket, netlink->buffer, length);
    } while (sent < 0 && errno == EINTR && ++interruptions < INTERRUPTIONS);
    if (sent < 0) {
        return dump_fail(dump, CAUSE_SEND, errno);
    }
    return (size_t)sent == length ? 0 : dump_fail(dump, CAUSE_SEND, EIO);
}

static void socket_close(struct netlink_source *netlink)
{
    if (netlink->socket != NULL) {
        mnl_socket_close(netlink->socket);
    }
    netlink->socket = NULL;
}

static int socket_open(struct netlink_source *netlink, struct dump *dump)
{
    if (netlink->socket != NULL) {
        return 0;
    }
    netlink->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
    if (netlink->socket == NULL) {
        return dump_fail(dump, CAUSE_OPEN, errno);
    }
    if (mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        return dump_fail(dump, CAUSE_OPEN, errno);
    }
    return 0;
}

static int dump_run(struct netlink_source *netlink, struct dump *dump, const struct source_request *request,
                    unsigned number)
{
    int result = socket_open(netlink, dump);

    if (result < 0) {
        return result;
    }
    dump->sequence = ++netlink->sequence;
    dump->port_id = mnl_socket_get_portid(netlink->socket);
    result = request_send(netlink, dump, diag_request_build(netlink->buffer, request, number, dump->sequence));
    if (result < 0) {
        return result;
    }
    do {
        ssize_t received = answer_receive(netlink, dump);

        if (received < 0) {
            return (int)received;
        }
        result = answer_handle(dump, (const unsigned char *)netlink->buffer, (size_t)received);
    } while (result == 1);
    return result;
}

/* What the one who runs the check may look at; "" when the errno says it all. */
static const char *hint(enum cause cause, int code)
{
    static const struct {
        enum cause cause;
        int code;
        const char *words;
    } hints[] = {
        {CAUSE_REFUSAL, EOPNOTSUPP, ": is the module inet_diag missing?"},
        {CAUSE_REFUSAL, EPERM, ": does a security policy forbid it?"},
        {CAUSE_REFUSAL, EACCES, ": does a security policy forbid it?"},
        {CAUSE_OPEN, EPROTONOSUPPORT, ": does this kernel or sandbox lack it?"},
        {CAUSE_OPEN, EAFNOSUPPORT, ": does RestrictAddressFamilies= or a sandbox forbid AF_NETLINK?"},
        {CAUSE_OPEN, EPERM, ": does a seccomp filter or a security policy forbid it?"},
        {CAUSE_OPEN, EACCES, ": does a seccomp filter or a security policy forbid it?"},
    };

    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (hints[i].cause == cause && hints[i].code == code) {
            return hints[i].words;
        }
    }
    return "";
}

static void fault_tell(struct fault *fault, enum cause cause, enum record_protocol protocol, int code)
{
    const struct protocol *row = protocol_of(protocol);
    bool lacks_module = cause == CAUSE_REFUSAL && code == ENOENT;
    static const struct {
        const char *before, *after;
    } sentences[] = {
        [CAUSE_OPEN] = {"cannot open a NETLINK_SOCK_DIAG socket to list", ""},
        [CAUSE_SEND] = {"cannot ask the kernel over NETLINK_SOCK_DIAG for", ""},
        [CAUSE_RECEIVE] = {"cannot read the kernel's list of", " from NETLINK_SOCK_DIAG"},
        [CAUSE_REFUSAL] = {"the kernel refused to list", " over NETLINK_SOCK_DIAG"},
        [CAUSE_INTERRUPTION] = {"the kernel's list of", " was interrupted"},
        [CAUSE_GARBLE] = {"the kernel's list of", " is garbled"},
        [CAUSE_STRANGER] = {"the list of", " is not the kernel's answer to this request"},
    };
    /* strerror() may use a buffer of the whole process; in the "C" locale this needs no memory either. */
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);

    fault_set(fault, code, "%s %s sockets%s (%s)%s%s%s", sentences[cause].before, row->label, sentences[cause].after,
              locale != (locale_t)0 ? strerror_l(code, locale) : "unknown error",
              lacks_module ? ": is the module " : hint(cause, code), lacks_module ? row->module : "",
              lacks_module ? " missing?" : "");
    if (locale != (locale_t)0) {
        freelocale(locale);
    }
}

static int netlink_scan(struct source *source, const struct source_request *request, source_visit *visit, void *context,
                        struct fault *fault)
{
    struct netlink_source *netlink = (void *)source;
    struct dump dump = {.protocol = request->protocol, .visit = visit, .context = context};
    int result = 0;

    for (unsigned i = 0; result == 0 && i < diag_dump_count(request); i++) {
        result = dump_run(netlink, &dump, request, i);
    }
    if (result < 0) {
        socket_close(netlink);
        if (dump.cause != CAUSE_VISITOR) {
            fault_tell(fault, dump.cause, dump.protocol, -result);
        }
    }
    return result;
}

static void netlink_free(struct source *source)
{
    if (source != NULL) {
        socket_close((void *)source);
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
    netlink->socket = NULL;
    netlink->sequence = 0;
    *source = (struct source *)netlink;
    return 0;
}
