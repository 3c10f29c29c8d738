/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * NETLINK_SOCK_DIAG requests and answers, to and from bytes.
 */
#include "config.h"

#include "socket/diag.h"

#include "socket/netlink_attribute.h"
#include "socket/protocol.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>

/* INET_DIAG_CGROUP_ID, which headers before Linux 5.9 lack. */
#define ATTRIBUTE_CGROUP_ID 21

_Static_assert(DIAG_REQUEST_SIZE >=
                   sizeof(struct nlmsghdr) + sizeof(struct inet_diag_req) + sizeof(struct nlattr) + FILTER_SIZE,
               "the longer kind of request must fit");
_Static_assert(sizeof(struct inet_diag_req) >= sizeof(struct inet_diag_req_v2), "the older request is the longer one");

static const uint8_t kernel_families[RECORD_FAMILIES] = {[RECORD_INET] = AF_INET, [RECORD_INET6] = AF_INET6};

static bool one_walk_serves(const struct source_request *request)
{
    return protocol_of(request->protocol)->one_walk && request->families == SOURCE_FAMILIES_ALL;
}

unsigned diag_dump_count(const struct source_request *request)
{
    unsigned count = 0;

    if (one_walk_serves(request)) {
        return 1;
    }
    for (unsigned family = 0; family < RECORD_FAMILIES; family++) {
        count += (request->families & SOURCE_FAMILY(family)) != 0;
    }
    return count;
}

/* The family of dump number `dump` when each family has a dump of its own. */
static uint8_t dump_family(const struct source_request *request, unsigned dump)
{
    unsigned family = 0;

    while (family < RECORD_FAMILIES - 1 && ((request->families & SOURCE_FAMILY(family)) == 0 || dump-- > 0)) {
        family++;
    }
    return kernel_families[family];
}

/*
 * A single port, in network byte order, goes into the request itself too; 0 is any port. The kernel compares it before
 * it collects what a filter might test, which takes it several cache misses a socket: a walk for one quiet port then
 * costs less than one with a filter that rejects all.
 */
static uint16_t only_port(const struct source_request *request)
{
    bool single = request->port_count == 1 && request->ports[0].first == request->ports[0].last;

    return single ? htons(request->ports[0].first) : 0;
}

/* TCPDIAG_GETSOCK: whatever family it names, the kernel walks for all (inet_diag_dump_compat()). */
static void both_families_put(struct nlmsghdr *header, const struct source_request *request)
{
    struct inet_diag_req body = {.idiag_family = AF_INET,
                                 .id.idiag_sport = only_port(request),
                                 .idiag_states = request->states};

    header->nlmsg_type = TCPDIAG_GETSOCK;
    memcpy(mnl_nlmsg_put_extra_header(header, sizeof body), &body, sizeof body);
}

static void one_family_put(struct nlmsghdr *header, const struct source_request *request, uint8_t family)
{
    struct inet_diag_req_v2 body = {.sdiag_family = family,
                                    .sdiag_protocol = protocol_of(request->protocol)->number,
                                    .idiag_states = request->states,
                                    .id.idiag_sport = only_port(request)};

    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    memcpy(mnl_nlmsg_put_extra_header(header, sizeof body), &body, sizeof body);
}

size_t diag_request_build(void *message, const struct source_request *request, unsigned dump, uint32_t sequence)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    uint32_t code[FILTER_SIZE / sizeof(uint32_t)];
    size_t length = filter_build(code, request);

    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = sequence;
    if (one_walk_serves(request)) {
        both_families_put(header, request);
    } else {
        one_family_put(header, request, dump_family(request, dump));
    }
    if (length > 0) {
        mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, length, code);
    }
    return header->nlmsg_len;
}

static int attribute_decode(uint16_t type, const unsigned char *value, size_t length, struct sock_record *record)
{
    switch (type) {
    case INET_DIAG_SKV6ONLY:
        if (length < sizeof(uint8_t)) {
            return -EBADMSG;
        }
        record->v6only = *value != 0 ? RECORD_V6ONLY_YES : RECORD_V6ONLY_NO;
        break;
    case ATTRIBUTE_CGROUP_ID:
        if (length < sizeof record->cgroup) {
            return -EBADMSG;
        }
        memcpy(&record->cgroup, value, sizeof record->cgroup);
        break;
    default: /* each kernel adds some */
        break;
    }
    return 0;
}

static int attributes_decode(const unsigned char *bytes, size_t length, struct sock_record *record)
{
    struct netlink_attributes rest = {bytes, length};
    struct netlink_attribute attribute;
    int result;

    while ((result = netlink_attribute_next(&rest, &attribute)) == 1) {
        if (attribute_decode(attribute.type, attribute.value, attribute.length, record) < 0) {
            return -EBADMSG;
        }
    }
    return result;
}

static void address_decode(enum record_family family, const __be32 words[static 4], struct in6_addr *address)
{
    if (family == RECORD_INET6) {
        memcpy(address->s6_addr, words, sizeof address->s6_addr);
        return;
    }
    *address = record_wildcards[RECORD_INET];
    memcpy(address->s6_addr + RECORD_IPV4_OFFSET, words, sizeof(struct in_addr));
}

int diag_record_decode(const void *payload, size_t length, enum record_protocol protocol, struct sock_record *record)
{
    struct inet_diag_msg message;

    if (length < sizeof message) {
        return -EBADMSG;
    }
    memcpy(&message, payload, sizeof message);
    if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6) {
        return -EBADMSG;
    }
    if (message.idiag_state < RECORD_ESTABLISHED || message.idiag_state > RECORD_NEW_SYN_RECV) {
        return -EBADMSG;
    }
    record->protocol = protocol;
    record->family = message.idiag_family == AF_INET ? RECORD_INET : RECORD_INET6;
    record->state = message.idiag_state;
    record->v6only = RECORD_V6ONLY_UNKNOWN;
    address_decode(record->family, message.id.idiag_src, &record->local);
    address_decode(record->family, message.id.idiag_dst, &record->remote);
    record->local_port = ntohs(message.id.idiag_sport);
    record->remote_port = ntohs(message.id.idiag_dport);
    record->interface = message.id.idiag_if;
    record->uid = message.idiag_uid;
    record->receive_queue = message.idiag_rqueue;
    /* For a listener the kernel reports the limit of its backlog there (tcp_diag_get_info()). */
    record->send_queue = record->state == RECORD_LISTEN ? 0 : message.idiag_wqueue;
    record->cgroup = 0;
    record->cookie = (uint64_t)message.id.idiag_cookie[1] << 32 | message.id.idiag_cookie[0];
    return attributes_decode((const unsigned char *)payload + sizeof message, length - sizeof message, record);
}
