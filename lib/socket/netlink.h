/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Asks the kernel through NETLINK_SOCK_DIAG for its sockets. The dump needs no privilege.
 */
#ifndef SOCKET_NETLINK_H
#define SOCKET_NETLINK_H

#include "socket/source.h"

/*
 * Opens the source for the network namespace the process is in. Returns 0 and the source, which the caller ends with
 * source->free(), or a negative errno and fault->text. The kernel is asked, so `directory` does not matter: it makes
 * this one of the ways to open a source. The socket itself is opened by the first scan and again after an
 * interrupted one, so no answer to an old request is ever taken for a new one.
 */
int netlink_open(struct source **source, const char *directory, struct fault *fault);

/*
 * Handles `length` bytes as they were received (no alignment needed): every record in them goes to visit. Returns 1
 * when more must be received, 0 when the dump is complete (what follows is not read), else a negative errno as
 * source.scan does. A refusal inside NLMSG_DONE or NLMSG_ERROR comes back as its errno, an interrupted dump as -EAGAIN,
 * a malformed message, or none at all, as -EBADMSG, one with another sequence or port as -EPROTO.
 * For tests and fuzzing; netlink_open()'s source uses nothing else.
 */
int netlink_answer_handle(const void *bytes, size_t length, uint32_t sequence, uint32_t port_id,
                          enum record_protocol protocol, source_visit *visit, void *context);

#endif
