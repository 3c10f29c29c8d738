/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/netlink_channel.c: how it opens, asks and closes, and what it says. What it makes of answers is tested
 * where they are of use: test_netlink.c and test_address_netlink.c.
 */
#include "config.h"

#include "unit.h"

#include "socket/netlink_channel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static const struct {
    int bus;
    enum netlink_channel_cause cause;
    int code;
    const char *hint;
    const char *text; /* but for the errno's own words, which come between the bars */
} sentences[] = {
    {NETLINK_ROUTE, NETLINK_CHANNEL_OPEN, EMFILE, NULL, "cannot open a NETLINK_ROUTE socket to list things (||)"},
    {NETLINK_SOCK_DIAG, NETLINK_CHANNEL_OPEN, EMFILE, NULL,
     "cannot open a NETLINK_SOCK_DIAG socket to list things (||)"},
    {NETLINK_ROUTE, NETLINK_CHANNEL_OPEN, EAFNOSUPPORT, NULL,
     "cannot open a NETLINK_ROUTE socket to list things (||): if RestrictAddressFamilies= of the agent's unit "
     "forbids it, add AF_NETLINK there, see CONFINEMENT.md"},
    {NETLINK_ROUTE, NETLINK_CHANNEL_SEND, ENOBUFS, NULL, "cannot ask the kernel over NETLINK_ROUTE for things (||)"},
    {NETLINK_ROUTE, NETLINK_CHANNEL_RECEIVE, EIO, NULL,
     "cannot read the kernel's list of things from NETLINK_ROUTE (||)"},
    {NETLINK_ROUTE, NETLINK_CHANNEL_REFUSAL, EACCES, NULL,
     "the kernel refused to list things over NETLINK_ROUTE (||): if SELinux or AppArmor forbids it, label the plugin "
     "nagios_unconfined_plugin_exec_t or allow netlink, see CONFINEMENT.md"},
    {NETLINK_SOCK_DIAG, NETLINK_CHANNEL_SEND, EACCES, NULL,
     "cannot ask the kernel over NETLINK_SOCK_DIAG for things (||): if SELinux or AppArmor forbids it, label the "
     "plugin "
     "nagios_unconfined_plugin_exec_t or allow netlink, see CONFINEMENT.md"},
    {NETLINK_SOCK_DIAG, NETLINK_CHANNEL_OPEN, EPERM, NULL,
     "cannot open a NETLINK_SOCK_DIAG socket to list things (||): if seccomp or AppArmor forbids it, allow AF_NETLINK, "
     "see CONFINEMENT.md"},
    {NETLINK_ROUTE, NETLINK_CHANNEL_REFUSAL, EACCES, ": why?",
     "the kernel refused to list things over NETLINK_ROUTE (||): why?"},
    {NETLINK_ROUTE, NETLINK_CHANNEL_INTERRUPTION, EAGAIN, NULL, "the kernel's list of things was interrupted (||)"},
    {NETLINK_ROUTE, NETLINK_CHANNEL_GARBLE, EBADMSG, NULL, "the kernel's list of things is garbled (||)"},
    {NETLINK_ROUTE, NETLINK_CHANNEL_STRANGER, EPROTO, NULL,
     "the list of things is not the kernel's answer to this request (||)"},
};

START_TEST(fault_is_reported)
{
    const char *text = sentences[_i].text;
    const char *bars = strstr(text, "||");
    struct netlink_channel channel;
    struct fault fault = {""};
    char expected[sizeof fault.text];

    netlink_channel_init(&channel, sentences[_i].bus);
    ck_assert_int_eq(netlink_channel_fail(&channel, sentences[_i].cause, sentences[_i].code), -sentences[_i].code);
    netlink_channel_fault_set(&channel, &fault, "things", sentences[_i].code, sentences[_i].hint);
    snprintf(expected, sizeof expected, "%.*s%s%s", (int)(bars - text), text, strerror(sentences[_i].code), bars + 2);
    ck_assert_str_eq(fault.text, expected);
}
END_TEST

static int count_handle(struct netlink_channel *channel, uint16_t type, const unsigned char *payload, size_t length,
                        void *context)
{
    (void)payload;
    (void)length;
    if (type != RTM_NEWLINK) {
        return netlink_channel_fail(channel, NETLINK_CHANNEL_GARBLE, EBADMSG);
    }
    ++*(int *)context;
    return 1;
}

static int links_ask(struct netlink_channel *channel, netlink_channel_handler *handler, void *context)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(channel->buffer);
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC};

    header->nlmsg_type = RTM_GETLINK;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = channel->sequence;
    memcpy(mnl_nlmsg_put_extra_header(header, sizeof body), &body, sizeof body);
    return netlink_channel_ask(channel, header->nlmsg_len, handler, context);
}

static int lowest_descriptor(void)
{
    int descriptor = dup(0);

    close(descriptor);
    return descriptor;
}

START_TEST(question_is_asked_again)
{
    struct netlink_channel channel;
    int lowest = lowest_descriptor();

    netlink_channel_init(&channel, NETLINK_ROUTE);
    for (int round = 0; round < 4; round++) {
        uint32_t before = channel.sequence;
        int links = 0;
        ck_assert_int_eq(netlink_channel_open(&channel), 0);
        ck_assert_uint_ne(channel.sequence, before);
        ck_assert_uint_ne(channel.port_id, 0);
        ck_assert_int_eq(links_ask(&channel, count_handle, &links), 0);
        ck_assert_int_ge(links, 1);
        if (round % 2 == 1) {
            netlink_channel_close(&channel);
            ck_assert_int_eq(lowest_descriptor(), lowest);
        }
    }
    netlink_channel_close(&channel);
}
END_TEST

static int handle_cancel(struct netlink_channel *channel, uint16_t type, const unsigned char *payload, size_t length,
                         void *context)
{
    (void)type;
    (void)payload;
    (void)length;
    (void)context;
    return netlink_channel_fail(channel, NETLINK_CHANNEL_HANDLER, ECANCELED);
}

START_TEST(handler_ends_it)
{
    struct netlink_channel channel;

    netlink_channel_init(&channel, NETLINK_ROUTE);
    ck_assert_int_eq(netlink_channel_open(&channel), 0);
    ck_assert_int_eq(links_ask(&channel, handle_cancel, NULL), -ECANCELED);
    ck_assert_int_eq(channel.cause, NETLINK_CHANNEL_HANDLER);
    netlink_channel_close(&channel);
}
END_TEST

/* The rest of an old answer must not be taken for the new one. */
START_TEST(leftover_is_a_stranger)
{
    struct netlink_channel channel;
    int links = 0;

    netlink_channel_init(&channel, NETLINK_ROUTE);
    ck_assert_int_eq(netlink_channel_open(&channel), 0);
    ck_assert_int_eq(links_ask(&channel, handle_cancel, NULL), -ECANCELED);
    ck_assert_int_eq(netlink_channel_open(&channel), 0);
    ck_assert_int_eq(links_ask(&channel, count_handle, &links), -EPROTO);
    ck_assert_int_eq(channel.cause, NETLINK_CHANNEL_STRANGER);
    ck_assert_int_eq(links, 0);
    netlink_channel_close(&channel);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netlink_channel");
    TCase *words = tcase_create("words");
    TCase *kernel = tcase_create("the real kernel");

    tcase_add_loop_test(words, fault_is_reported, 0, COUNT(sentences));
    suite_add_tcase(suite, words);
    tcase_add_test(kernel, question_is_asked_again);
    tcase_add_test(kernel, handler_ends_it);
    tcase_add_test(kernel, leftover_is_a_stranger);
    suite_add_tcase(suite, kernel);
    return unit_run(suite);
}
