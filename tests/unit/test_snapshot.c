/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/snapshot/snapshot.c: hosts as copies of /proc/net's files, and this one.
 */
#include "config.h"

#include "folder.h"
#include "sample.h"
#include "trial.h"
#include "unit.h"

#include "plugin/text_buffer.h"
#include "snapshot/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADING "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define ROW(local, remote, state)                                                                                      \
    "   0: " local " " remote " " state " 00000000:00000000 00:00000000 00000000    33        0 77 1 "                 \
    "0000000000000000\n"
#define ANY "00000000"
#define ANY6 "00000000000000000000000000000000"
/* 192.0.2.2 in its mapped form, as machines of either byte order print it. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define MAPPED "00000000000000000000FFFFC0000202"
#else
#define MAPPED "0000000000000000FFFF0000020200C0"
#endif
#define LISTEN(port) ROW(ANY ":" port, ANY ":0000", "0A")
#define LISTEN6(port) ROW(ANY6 ":" port, ANY6 ":0000", "0A")
#define BOUND(port) ROW(ANY ":" port, ANY ":0000", "07")
#define CONNECTION(port) ROW(MAPPED ":" port, MAPPED ":C350", "01")

/* A host with 443/tcp on [::] and a v4-mapped connection there, the same on 80/tcp, and 53/udp on 0.0.0.0. */
static void host_make(void)
{
    folder_make();
    folder_write_text("tcp", HEADING);
    folder_write_text("tcp6", HEADING LISTEN6("01BB") LISTEN6("0050") CONNECTION("01BB") CONNECTION("0050"));
    folder_write_text("udp", HEADING BOUND("0035"));
    folder_write_text("udp6", HEADING);
    folder_write_text("if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n");
}

static struct policy *policy_of(const char *rules)
{
    struct policy *policy = policy_create(&trial_names);

    ck_assert_int_eq(policy_text_add(policy, rules, strlen(rules), "p"), 0);
    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_uint_eq(policy->errors.count, 0);
    return policy;
}

static struct snapshot *take(struct snapshot_request *request, const char *rules)
{
    struct policy *policy = policy_of(rules);
    struct snapshot *snapshot;

    request->policy = policy;
    request->sources.copies = folder_name();
    ck_assert_int_eq(snapshot_take(request, &snapshot), 0);
    policy_free(policy);
    return snapshot;
}

/* The inbound v4-mapped connections of the service, -1 when there is no such service. */
static int mapped(const struct snapshot *snapshot, enum record_protocol protocol, uint16_t port)
{
    const struct tally_service *service = tally_find(snapshot->tally, protocol, port);

    return service != NULL ? (int)service->connections[SCOPE_EXTERNAL][TALLY_MAPPED] : -1;
}

/* Which services and connections are read: what the policy judges, and no more. */
static const struct {
    const char *rules;
    enum snapshot_depth depth;
    bool every_protocol;
    int of_443, of_80, of_53; /* mapped() */
} wanted[] = {
    {"", SNAPSHOT_LISTENERS, false, 0, 0, 0},
    {"", SNAPSHOT_MAPPED_JUDGED, false, 1, 1, 0},
    {"", SNAPSHOT_ALL, false, 1, 1, 0},
    {"443 any", SNAPSHOT_LISTENERS, false, 0, 0, -1},
    {"53/udp any", SNAPSHOT_MAPPED_JUDGED, false, -1, -1, 0},
    {"443 any", SNAPSHOT_LISTENERS, true, 0, 0, 0},
    {"443 any\n53/udp any", SNAPSHOT_ALL, false, 1, 1, 0},
};

START_TEST(what_is_wanted)
{
    struct snapshot_request request = {
        .sources.choice = SOURCES_CHOICE_PROCFS,
        .depth = wanted[_i].depth,
        .every_protocol = wanted[_i].every_protocol,
    };
    struct snapshot *snapshot = take(&request, wanted[_i].rules);

    ck_assert_int_eq(mapped(snapshot, RECORD_TCP, 443), wanted[_i].of_443);
    ck_assert_int_eq(mapped(snapshot, RECORD_TCP, 80), wanted[_i].of_80);
    ck_assert_int_eq(mapped(snapshot, RECORD_UDP, 53), wanted[_i].of_53);
    ck_assert_str_eq(snapshot->source, "procfs");
    ck_assert(snapshot->other_host && !snapshot->owners_known);
    ck_assert_uint_eq(snapshot->question_count, 0);
    snapshot_free(snapshot);
}
END_TEST

/* What was asked, in the order it was. */
static const struct {
    const char *rules;
    enum snapshot_depth depth;
    const char *questions;
} asked[] = {
    {"443 any", SNAPSHOT_LISTENERS, "asked procfs for tcp listeners of both families"},
    {"443 any", SNAPSHOT_MAPPED_JUDGED,
     "asked procfs for tcp listeners of both families|"
     "asked procfs for tcp v4-mapped connections of AF_INET6 on ports 443"},
    {"8080 any", SNAPSHOT_MAPPED_JUDGED, "asked procfs for tcp listeners of both families"},
    {"53/udp any", SNAPSHOT_ALL,
     "asked procfs for udp listeners of both families|asked procfs for udp connections of both families"},
};

START_TEST(what_is_asked)
{
    struct snapshot_request request = {.sources.choice = SOURCES_CHOICE_PROCFS,
                                       .depth = asked[_i].depth,
                                       .keeps_questions = true};
    struct snapshot *snapshot = take(&request, asked[_i].rules);
    char all[512] = "";

    for (size_t i = 0; i < snapshot->question_count; i++) {
        size_t length = strlen(all);
        snprintf(all + length, sizeof all - length, "%s%s", i > 0 ? "|" : "", snapshot->questions[i]);
    }
    ck_assert_str_eq(all, asked[_i].questions);
    snapshot_free(snapshot);
}
END_TEST

/* Ports that lie side by side are one range, and of many only the first are named. */
START_TEST(many_ports_are_asked)
{
    struct snapshot_request request = {.sources.choice = SOURCES_CHOICE_PROCFS,
                                       .depth = SNAPSHOT_MAPPED_JUDGED,
                                       .keeps_questions = true};
    char rows[200 * sizeof LISTEN6("0000")] = HEADING;
    struct snapshot *snapshot;

    for (unsigned port = 1000; port < 1100; port++) {
        size_t length = strlen(rows);
        /* 1000 and 1001, then every second one. */
        snprintf(rows + length, sizeof rows - length, LISTEN6("%04X"), port == 1000 ? 1000 : 2 * port - 1001);
    }
    folder_write_text("tcp6", rows);
    snapshot = take(&request, "default/tcp any");
    ck_assert_uint_eq(snapshot->question_count, 2);
    ck_assert_ptr_nonnull(strstr(snapshot->questions[1], " on ports 1000-1001,1003,1005,"));
    ck_assert_ptr_null(strstr(snapshot->questions[1], "1197"));
    snapshot_free(snapshot);
}
END_TEST

START_TEST(one_protocol_is_unreadable)
{
    struct snapshot_request request = {.sources.choice = SOURCES_CHOICE_PROCFS, .depth = SNAPSHOT_LISTENERS};
    struct snapshot *snapshot;

    folder_write_text("udp", "nonsense\n");
    snapshot = take(&request, "");
    ck_assert_int_eq(mapped(snapshot, RECORD_TCP, 443), 0);
    ck_assert_int_eq(mapped(snapshot, RECORD_UDP, 53), -1);
    ck_assert_str_eq(snapshot->tally->unreadable[RECORD_TCP], "");
    ck_assert_ptr_nonnull(strstr(snapshot->tally->unreadable[RECORD_UDP], "UDP sockets cannot be read: "));
    snapshot_free(snapshot);
}
END_TEST

START_TEST(host_facts_are_unreadable)
{
    struct snapshot_request request = {.sources.choice = SOURCES_CHOICE_PROCFS, .depth = SNAPSHOT_LISTENERS};
    struct snapshot *snapshot;

    folder_write_text("if_inet6", "nonsense\n");
    snapshot = take(&request, "");
    ck_assert_ptr_nonnull(strstr(snapshot->fault, "if_inet6"));
    ck_assert_int_eq(snapshot->tally->host.ipv6, RECORD_UNKNOWN);
    ck_assert_int_eq(mapped(snapshot, RECORD_TCP, 443), 0);
    snapshot_free(snapshot);
}
END_TEST

/* Users and units of another host's sockets are nobody's here, and are looked up once. */
START_TEST(owners_of_another_host)
{
    struct snapshot_request request = {.sources.choice = SOURCES_CHOICE_PROCFS, .depth = SNAPSHOT_LISTENERS};
    struct snapshot *snapshot = take(&request, "");
    const struct tally_listener *listener = tally_find(snapshot->tally, RECORD_TCP, 443)->listeners;

    ck_assert_int_eq(snapshot_owners_find(snapshot, NULL), 0);
    ck_assert(snapshot->owners_known);
    ck_assert_uint_eq(listener->uid, 33);
    ck_assert_ptr_null(listener->user);
    ck_assert_int_eq(listener->unit_state, TALLY_UNIT_UNKNOWN);
    ck_assert_int_eq(snapshot_owners_find(snapshot, NULL), 0);
    snapshot_free(snapshot);
}
END_TEST

#define NO_ADDRESSES "addresses of this host are not known, so reach is as far as sockets are bound"

/* What is said of how a host was read. */
static const struct {
    const char *tcp, *udp; /* the remarks of the protocols */
    const char *rules;
    const char *namespace;
    bool every_protocol;
    bool knows_ipv4, knows_ipv6; /* the host's addresses */
    enum record_answer netns_of_init;
    const char *remark;
    const char *brief;
} remarks[] = {
    {"", "", "", "", false, true, true, RECORD_YES, "", ""},
    {"x", "x", "", "", false, true, true, RECORD_YES, "x", "read from /proc/net"},
    {"x", "y", "", "", false, true, true, RECORD_YES, "TCP x, UDP y", "read from /proc/net"},
    {"x", "", "", "", false, true, true, RECORD_YES, "x", "read from /proc/net"},
    {"x", "y", "443 any", "", false, true, true, RECORD_YES, "x", "read from /proc/net"},
    {"x", "y", "443 any", "", true, true, true, RECORD_YES, "TCP x, UDP y", "read from /proc/net"},
    {"", "y", "443 any", "", false, true, true, RECORD_YES, "", ""},
    {"", "", "", "", false, false, false, RECORD_YES, "the " NO_ADDRESSES, "the " NO_ADDRESSES},
    {"", "", "", "", false, true, false, RECORD_YES, "the IPv6 " NO_ADDRESSES, "the IPv6 " NO_ADDRESSES},
    {"", "", "", "", false, false, true, RECORD_YES, "the IPv4 " NO_ADDRESSES, "the IPv4 " NO_ADDRESSES},
    {"", "", "", "", false, true, true, RECORD_NO, "in another network namespace than process 1",
     "in another network namespace than process 1"},
    {"", "", "", "blue", false, true, true, RECORD_NO, "", ""},
    {"", "", "", "", false, true, true, RECORD_UNKNOWN, "", ""},
    {"x", "x", "", "", false, true, false, RECORD_NO,
     "in another network namespace than process 1, x, the IPv6 " NO_ADDRESSES,
     "in another network namespace than process 1, read from /proc/net, the IPv6 " NO_ADDRESSES},
    {"x", "y", "", "", false, true, true, RECORD_NO, "in another network namespace than process 1, TCP x, UDP y",
     "in another network namespace than process 1, read from /proc/net"},
};

START_TEST(remark)
{
    struct policy *policy = policy_of(remarks[_i].rules);
    struct snapshot *snapshot = snapshot_create();

    strcpy(snapshot->remarks[RECORD_TCP], remarks[_i].tcp);
    strcpy(snapshot->remarks[RECORD_UDP], remarks[_i].udp);
    strcpy(snapshot->namespace, remarks[_i].namespace);
    snapshot->tally->addresses.families[RECORD_INET].known = remarks[_i].knows_ipv4;
    snapshot->tally->addresses.families[RECORD_INET6].known = remarks[_i].knows_ipv6;
    snapshot->tally->host.ipv6 = RECORD_YES;
    snapshot->tally->host.netns_of_init = remarks[_i].netns_of_init;
    snapshot_remark_choose(snapshot, policy, remarks[_i].every_protocol);
    ck_assert_str_eq(snapshot->remark, remarks[_i].remark);
    ck_assert_str_eq(snapshot->brief, remarks[_i].brief);
    snapshot_free(snapshot);
    policy_free(policy);
}
END_TEST

/* This host's own files: whatever listens here, no addresses are missing and nobody's copies are read. */
START_TEST(this_host)
{
    struct policy *policy = policy_of("");
    struct snapshot_request request = {.sources.choice = SOURCES_CHOICE_PROCFS,
                                       .policy = policy,
                                       .depth = SNAPSHOT_LISTENERS,
                                       .namespace = "blue"};
    struct snapshot *snapshot;

    ck_assert_int_eq(snapshot_take(&request, &snapshot), 0);
    ck_assert(!snapshot->other_host);
    ck_assert_str_eq(snapshot->namespace, "blue");
    ck_assert_str_ne(snapshot->tally->host.name, "");
    ck_assert_str_eq(snapshot->tally->unreadable[RECORD_TCP], "");
    snapshot_free(snapshot);
    policy_free(policy);
}
END_TEST

START_TEST(nothing_is_freed)
{
    snapshot_free(NULL);
}
END_TEST

/* --- what is not known of the host ------------------------------------------------------------------------------- */

#define AS_BOUND " of this host are not known, so reach is as far as sockets are bound"

static const struct {
    bool ipv4, ipv6; /* the addresses of the family are known */
    enum record_answer has_ipv6;
    const char *listener; /* beside one on :: */
    enum record_answer interface;
    const char *why; /* addresses could not be read */
    enum record_answer vrf;
    const char *remark;
} lacks[] = {
    {true, true, RECORD_YES, "0.0.0.0", RECORD_UNKNOWN, "", RECORD_UNKNOWN, ""},
    {true, true, RECORD_YES, "0.0.0.0%eth0", RECORD_YES, "", RECORD_NO, ""},
    {true, true, RECORD_YES, "0.0.0.0%eth0", RECORD_NO, "", RECORD_UNKNOWN, ""},
    {true, true, RECORD_YES, "0.0.0.0%eth0", RECORD_UNKNOWN, "", RECORD_UNKNOWN, "the interfaces" AS_BOUND},
    {false, true, RECORD_YES, "0.0.0.0", RECORD_UNKNOWN, "", RECORD_UNKNOWN, "the IPv4 addresses" AS_BOUND},
    {true, false, RECORD_YES, "0.0.0.0", RECORD_UNKNOWN, "", RECORD_UNKNOWN, "the IPv6 addresses" AS_BOUND},
    {true, false, RECORD_NO, "0.0.0.0", RECORD_UNKNOWN, "", RECORD_UNKNOWN, ""},
    {false, false, RECORD_YES, "0.0.0.0", RECORD_UNKNOWN, "", RECORD_UNKNOWN, "the addresses" AS_BOUND},
    {false, false, RECORD_NO, "0.0.0.0", RECORD_UNKNOWN, "", RECORD_UNKNOWN, "the IPv4 addresses" AS_BOUND},
    {false, false, RECORD_YES, "0.0.0.0%eth0", RECORD_UNKNOWN, "", RECORD_UNKNOWN,
     "the addresses and interfaces" AS_BOUND},
    {true, false, RECORD_YES, "0.0.0.0%eth0", RECORD_UNKNOWN, "", RECORD_UNKNOWN,
     "the IPv6 addresses and interfaces" AS_BOUND},
    /* Why, where something is lacking. */
    {false, true, RECORD_YES, "0.0.0.0", RECORD_UNKNOWN, "fib_trie is empty", RECORD_UNKNOWN,
     "the IPv4 addresses" AS_BOUND ": fib_trie is empty"},
    {true, true, RECORD_YES, "0.0.0.0", RECORD_UNKNOWN, "refused, but files were there", RECORD_UNKNOWN, ""},
    /* A wildcard in a VRF; what is bound to an address there was asked about. */
    {true, true, RECORD_YES, "0.0.0.0%eth0", RECORD_YES, "", RECORD_YES,
     "the addresses within a VRF are not known, so reach is as far as sockets are bound"},
    {true, true, RECORD_YES, "192.0.2.1%eth0", RECORD_YES, "", RECORD_YES, ""},
    {false, true, RECORD_YES, "0.0.0.0%eth0", RECORD_YES, "", RECORD_YES,
     "the IPv4 addresses of this host and the addresses within a VRF are not known, so reach is as far as sockets are "
     "bound"},
};

START_TEST(what_is_not_known_is_reported)
{
    struct snapshot *snapshot = snapshot_create();
    char bytes[256];
    struct text_buffer text = TEXT_BUFFER(bytes);
    struct tally_service *service;

    ck_assert_ptr_nonnull(snapshot);
    snapshot->tally->host.ipv6 = lacks[_i].has_ipv6;
    snapshot->tally->addresses.families[RECORD_INET].known = lacks[_i].ipv4;
    snapshot->tally->addresses.families[RECORD_INET6].known = lacks[_i].ipv6;
    sample_tally_add(snapshot->tally, RECORD_TCP, 80, &(struct sample_listener){.address = "::"});
    sample_tally_add(snapshot->tally, RECORD_UDP, 53, &(struct sample_listener){.address = lacks[_i].listener});
    service = &snapshot->tally->services[snapshot->tally->service_count - 1];
    ck_assert_uint_eq(service->listener_count, 1);
    service->listeners[0].interface_state.there = lacks[_i].interface;
    service->listeners[0].interface_state.vrf = lacks[_i].vrf;
    tally_reach_set(&service->listeners[0], RECORD_UDP, &snapshot->tally->addresses);
    strcpy(snapshot->tally->addresses_unread, lacks[_i].why);

    snapshot_addresses_remark_add(&text, snapshot->tally, true);
    ck_assert_str_eq(text.bytes, lacks[_i].remark);
    text = TEXT_BUFFER(bytes);
    snapshot_addresses_remark_add(&text, snapshot->tally, false);
    ck_assert_ptr_null(strchr(text.bytes, ':'));
    snapshot_free(snapshot);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *copies = tcase_create("copies");
    TCase *own = tcase_create("own");

    tcase_add_checked_fixture(copies, host_make, folder_remove);
    tcase_add_loop_test(copies, what_is_wanted, 0, UNIT_COUNT(wanted));
    tcase_add_loop_test(copies, what_is_asked, 0, UNIT_COUNT(asked));
    tcase_add_test(copies, many_ports_are_asked);
    tcase_add_test(copies, one_protocol_is_unreadable);
    tcase_add_test(copies, host_facts_are_unreadable);
    tcase_add_test(copies, owners_of_another_host);
    suite_add_tcase(suite, copies);
    tcase_add_loop_test(own, remark, 0, UNIT_COUNT(remarks));
    tcase_add_loop_test(own, what_is_not_known_is_reported, 0, UNIT_COUNT(lacks));
    tcase_add_test(own, this_host);
    tcase_add_test(own, nothing_is_freed);
    suite_add_tcase(suite, own);
    return unit_run(suite);
}
