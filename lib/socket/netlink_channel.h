/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A netlink socket: one question at a time, and the messages that answer it.
 */
#ifndef SOCKET_NETLINK_CHANNEL_H
#define SOCKET_NETLINK_CHANNEL_H

#include "socket/source.h"

#include <libmnl/libmnl.h>

/* The kernel fills buffers of at most this size, however much room there is (netlink_recvmsg()). */
#define NETLINK_CHANNEL_BUFFER 32768

/* What went wrong, if the errno alone does not say. */
enum netlink_channel_cause {
    NETLINK_CHANNEL_OPEN,
    NETLINK_CHANNEL_SEND,
    NETLINK_CHANNEL_RECEIVE,
    NETLINK_CHANNEL_REFUSAL,
    NETLINK_CHANNEL_INTERRUPTION,
    NETLINK_CHANNEL_GARBLE,
    NETLINK_CHANNEL_STRANGER,
    NETLINK_CHANNEL_HANDLER /* the handler's own errno */
};

struct netlink_channel {
    int bus;                   /* NETLINK_SOCK_DIAG or NETLINK_ROUTE */
    struct mnl_socket *socket; /* NULL until it is opened */
    uint32_t sequence;         /* of the question that was asked last; its answers must match it and the port */
    uint32_t port_id;
    size_t answer_size;               /* the longest answer that the channel has room for: up to the whole buffer */
    size_t previous;                  /* bytes of the answer before the one that is shown; 0 for none */
    enum netlink_channel_cause cause; /* of the negative errno that was returned last */
    uint32_t buffer[NETLINK_CHANNEL_BUFFER / sizeof(uint32_t)]; /* a question, then its answers */
};

/*
 * Shown each message of an answer that is neither its end nor an error; the payload lives for this call only and may
 * lie at any address. Returns 1 to go on, 0 when the answer is complete, or netlink_channel_fail().
 */
typedef int netlink_channel_handler(struct netlink_channel *channel, uint16_t type, const unsigned char *payload,
                                    size_t length, void *context);

/* Makes a channel that is not open, with room for answers as long as the kernel makes. */
void netlink_channel_init(struct netlink_channel *channel, int bus);

/*
 * Opens the channel in the network namespace the process is in, unless it is open, and begins a new question: the
 * caller writes it to channel->buffer with channel->sequence. Returns 0 or a negative errno. Who gets an errno from
 * this or the next function closes the channel, so that no answer to an old question is taken for a new one.
 */
int netlink_channel_open(struct netlink_channel *channel);

/*
 * Sends the question, `length` bytes of the buffer, and shows the answer's messages to the handler up to its end.
 * Returns 0, or a negative errno as netlink_channel_handle() does.
 */
int netlink_channel_ask(struct netlink_channel *channel, size_t length, netlink_channel_handler *handler,
                        void *context);

/* Closes the channel; it can be opened again. */
void netlink_channel_close(struct netlink_channel *channel);

/*
 * Shows the messages in `length` bytes as they were received (no alignment needed) to the handler. Returns 1 when more
 * must be received, 0 when the answer is complete (what follows is not read), else a negative errno: a refusal inside
 * NLMSG_DONE or NLMSG_ERROR as its errno, an interrupted dump as -EAGAIN, a malformed message, or none at all, as
 * -EBADMSG, one with another sequence or port as -EPROTO, or what the handler returned.
 */
int netlink_channel_handle(struct netlink_channel *channel, const void *bytes, size_t length,
                           netlink_channel_handler *handler, void *context);

/* Notes the cause of an errno, a positive number. Returns it as a negative one. */
int netlink_channel_fail(struct netlink_channel *channel, enum netlink_channel_cause cause, int code);

/*
 * Says in fault->text why the kernel did not list `things` ("TCP sockets"): channel->cause and the errno, a positive
 * number, followed by `hint`. NULL: what one may look at in any such case, or nothing. Not for a cause of
 * NETLINK_CHANNEL_HANDLER.
 */
void netlink_channel_fault_set(const struct netlink_channel *channel, struct fault *fault, const char *things, int code,
                               const char *hint);

#endif
