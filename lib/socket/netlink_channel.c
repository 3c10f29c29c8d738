/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A netlink socket: one question at a time, and the messages that answer it.
 */
#include "config.h"

#include "socket/netlink_channel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A system call interrupted more often than this fails. */
#define INTERRUPTIONS 100

/* Errnos end here (kernel source: include/linux/err.h). */
#define ERRNO_LAST 4095

void netlink_channel_init(struct netlink_channel *channel, int bus)
{
    channel->bus = bus;
    channel->socket = NULL;
    channel->sequence = 0;
    channel->port_id = 0;
    channel->answer_size = sizeof channel->buffer;
    channel->previous = 0;
    channel->cause = NETLINK_CHANNEL_OPEN;
}

int netlink_channel_fail(struct netlink_channel *channel, enum netlink_channel_cause cause, int code)
{
    channel->cause = cause;
    return -code;
}

/*
 * NLMSG_DONE and NLMSG_ERROR both begin with an int: 0 or a negative errno. Only DONE may say 0: no acknowledgement was
 * asked for, and one would not be a list.
 */
static int end_handle(struct netlink_channel *channel, uint16_t type, const unsigned char *payload, size_t length)
{
    int code;

    if (length < sizeof code) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, EBADMSG);
    }
    memcpy(&code, payload, sizeof code);
    if (code == 0 && type == NLMSG_DONE) {
        return 0;
    }
    if (code >= 0 || code < -ERRNO_LAST) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, EBADMSG);
    }
    return netlink_channel_fail(channel, NETLINK_CHANNEL_REFUSAL, -code);
}

/* Returns 1 to go on, 0 at the end of the answer, else a negative errno. */
static int message_handle(struct netlink_channel *channel, const struct nlmsghdr *header, const unsigned char *payload,
                          netlink_channel_handler *handler, void *context)
{
    size_t length = header->nlmsg_len - sizeof *header;

    if (header->nlmsg_seq != channel->sequence || header->nlmsg_pid != channel->port_id) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_STRANGER, EPROTO);
    }
    if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_INTERRUPTION, EAGAIN);
    }
    switch (header->nlmsg_type) {
    case NLMSG_DONE:
    case NLMSG_ERROR:
        return end_handle(channel, header->nlmsg_type, payload, length);
    case NLMSG_NOOP:
        return 1;
    case NLMSG_OVERRUN:
        return netlink_channel_fail(channel, NETLINK_CHANNEL_INTERRUPTION, EAGAIN);
    default:
        return handler(channel, header->nlmsg_type, payload, length, context);
    }
}

/* Not mnl_cb_run2(): that takes a sequence or port of 0 for a match and skips a last message that is cut short. */
int netlink_channel_handle(struct netlink_channel *channel, const void *bytes, size_t length,
                           netlink_channel_handler *handler, void *context)
{
    const unsigned char *rest = bytes;
    int result = 1;

    if (length == 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, EBADMSG);
    }
    while (result == 1 && length > 0) {
        struct nlmsghdr header;
        size_t step;

        if (length < sizeof header) {
            return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, EBADMSG);
        }
        memcpy(&header, rest, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > length) {
            return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, EBADMSG);
        }
        result = message_handle(channel, &header, rest + sizeof header, handler, context);
        step = ((size_t)header.nlmsg_len + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO;
        step = step < length ? step : length;
        rest += step;
        length -= step;
    }
    return result;
}

/* Receives once into the buffer. Returns the count of bytes or a negative errno. */
static ssize_t answer_receive(struct netlink_channel *channel)
{
    struct sockaddr_nl sender = {.nl_family = AF_UNSPEC};
    struct iovec room = {.iov_base = channel->buffer, .iov_len = channel->answer_size};
    struct msghdr message = {.msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &room, .msg_iovlen = 1};
    ssize_t received;
    int interruptions = 0;

    do {
        received = recvmsg(mnl_socket_get_fd(channel->socket), &message, 0);
    } while (received < 0 && errno == EINTR && ++interruptions < INTERRUPTIONS);
    if (received < 0 && errno == ENOBUFS) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_INTERRUPTION, EAGAIN);
    }
    if (received < 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_RECEIVE, errno);
    }
    if ((message.msg_flags & MSG_TRUNC) != 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, EBADMSG);
    }
    /*
     * The kernel's own port is 0. Another process can send here too, if only with CAP_NET_ADMIN (netlink_sendmsg());
     * mnl_socket_recvfrom() would not distinguish them.
     */
    if (message.msg_namelen != sizeof sender || sender.nl_family != AF_NETLINK || sender.nl_pid != 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_STRANGER, EPROTO);
    }
    return received;
}

static int question_send(struct netlink_channel *channel, size_t length)
{
    ssize_t sent;
    int interruptions = 0;

    do {
        sent = mnl_socket_sendto(channel->socket, channel->buffer, length);
    } while (sent < 0 && errno == EINTR && ++interruptions < INTERRUPTIONS);
    if (sent < 0) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_SEND, errno);
    }
    return (size_t)sent == length ? 0 : netlink_channel_fail(channel, NETLINK_CHANNEL_SEND, EIO);
}

int netlink_channel_ask(struct netlink_channel *channel, size_t length, netlink_channel_handler *handler, void *context)
{
    int result = question_send(channel, length);

    channel->previous = 0;
    if (result < 0) {
        return result;
    }
    do {
        ssize_t received = answer_receive(channel);

        if (received < 0) {
            return (int)received;
        }
        result = netlink_channel_handle(channel, channel->buffer, (size_t)received, handler, context);
        if (result == 1) {
            channel->previous = (size_t)received;
        }
    } while (result == 1);
    return result;
}

void netlink_channel_close(struct netlink_channel *channel)
{
    if (channel->socket != NULL) {
        mnl_socket_close(channel->socket);
    }
    channel->socket = NULL;
}

int netlink_channel_open(struct netlink_channel *channel)
{
    if (channel->socket == NULL) {
        channel->socket = mnl_socket_open2(channel->bus, SOCK_CLOEXEC);
        if (channel->socket == NULL || mnl_socket_bind(channel->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
            return netlink_channel_fail(channel, NETLINK_CHANNEL_OPEN, errno);
        }
        channel->port_id = mnl_socket_get_portid(channel->socket);
    }
    channel->sequence++;
    return 0;
}

/* What to check; "" if the errno says it all. */
static const char *common_hint(enum netlink_channel_cause cause, int code)
{
    static const char forbidden[] = ": if seccomp or AppArmor forbids it, allow AF_NETLINK, "
                                    "see CONFINEMENT.md";
    static const char denied[] = ": if SELinux or AppArmor forbids it, label the plugin "
                                 "nagios_unconfined_plugin_exec_t or allow netlink, see CONFINEMENT.md";
    static const struct {
        enum netlink_channel_cause cause;
        int code;
        const char *words;
    } hints[] = {
        {NETLINK_CHANNEL_OPEN, EPROTONOSUPPORT, ": does this kernel or sandbox lack it?"},
        {NETLINK_CHANNEL_OPEN, EAFNOSUPPORT,
         ": if RestrictAddressFamilies= of the agent's unit forbids it, add AF_NETLINK there, see CONFINEMENT.md"},
        {NETLINK_CHANNEL_OPEN, EPERM, forbidden},
        {NETLINK_CHANNEL_OPEN, EACCES, denied},
        {NETLINK_CHANNEL_SEND, EPERM, forbidden},
        {NETLINK_CHANNEL_SEND, EACCES, denied},
        {NETLINK_CHANNEL_RECEIVE, EPERM, forbidden},
        {NETLINK_CHANNEL_RECEIVE, EACCES, denied},
        {NETLINK_CHANNEL_REFUSAL, EPERM, forbidden},
        {NETLINK_CHANNEL_REFUSAL, EACCES, denied},
    };

    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (hints[i].cause == cause && hints[i].code == code) {
            return hints[i].words;
        }
    }
    return "";
}

void netlink_channel_fault_set(const struct netlink_channel *channel, struct fault *fault, const char *things, int code,
                               const char *hint)
{
    static const struct {
        const char *before, *between, *after;
        enum {
            BUS_UNNAMED,
            BUS_BEFORE_THINGS,
            BUS_LAST
        } bus;
    } sentences[] = {
        [NETLINK_CHANNEL_OPEN] = {"cannot open a ", " socket to list ", "", BUS_BEFORE_THINGS},
        [NETLINK_CHANNEL_SEND] = {"cannot ask the kernel over ", " for ", "", BUS_BEFORE_THINGS},
        [NETLINK_CHANNEL_RECEIVE] = {"cannot read the kernel's list of ", "", " from ", BUS_LAST},
        [NETLINK_CHANNEL_REFUSAL] = {"the kernel refused to list ", "", " over ", BUS_LAST},
        [NETLINK_CHANNEL_INTERRUPTION] = {"the kernel's list of ", "", " was interrupted", BUS_UNNAMED},
        [NETLINK_CHANNEL_GARBLE] = {"the kernel's list of ", "", " is garbled", BUS_UNNAMED},
        [NETLINK_CHANNEL_STRANGER] = {"the list of ", "", " is not the kernel's answer to this request", BUS_UNNAMED},
    };
    _Static_assert(sizeof sentences / sizeof *sentences == NETLINK_CHANNEL_HANDLER, "each cause has a sentence");
    const char *bus = channel->bus == NETLINK_ROUTE ? "NETLINK_ROUTE" : "NETLINK_SOCK_DIAG";
    enum netlink_channel_cause cause = channel->cause;
    /* strerror() may use a buffer of the whole process; in the "C" locale this needs no memory either. */
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);

    snprintf(fault->text, sizeof fault->text, "%s%s%s%s%s%s (%s)%s", sentences[cause].before,
             sentences[cause].bus == BUS_BEFORE_THINGS ? bus : "", sentences[cause].between, things,
             sentences[cause].after, sentences[cause].bus == BUS_LAST ? bus : "",
             locale != (locale_t)0 ? strerror_l(code, locale) : "unknown error",
             hint != NULL ? hint : common_hint(cause, code));
    if (locale != (locale_t)0) {
        freelocale(locale);
    }
}
