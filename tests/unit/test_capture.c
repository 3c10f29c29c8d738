/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/capture: what capture_read() makes of good captures, how it refuses all others, and that capture_write() writes
 * what was read.
 */
#include "config.h"

#include "collect.h"
#include "unit.h"

#include "capture/capture_read.h"
#include "capture/capture_write.h"
#include "socket/host_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTENER(rest)                                                                                                 \
    "{\"protocol\":\"tcp\",\"port\":443," rest ",\"sockets\":2,\"uid\":33,\"user\":\"www-data\"," UNIT "}"
#define UNIT "\"unit_state\":\"known\",\"unit\":\"nginx.service\""
#define INET6                                                                                                          \
    "\"family\":\"inet6\",\"address\":\"::\",\"presence\":\"unknown\",\"interface\":0,\"interface_name\":null,"        \
    "\"interface_state\":null,\"v6only\":true"
#define INET                                                                                                           \
    "\"family\":\"inet\",\"address\":\"127.0.0.1\",\"presence\":\"local\",\"interface\":7,\"interface_name\":"         \
    "\"eth0\",\"interface_state\":{\"there\":true,\"up\":true,\"ipv6\":null,\"vrf\":false,\"addresses\":{\"ipv4\":["   \
    "\"external\"],"                                                                                                   \
    "\"ipv6\":null}},\"v6only\":null"

static const char good[] =
    "{\"format\":\"check_dualstack-capture\",\"schema\":2,\"version\":\"1.0.0\",\"time\":\"2026-11-22T09:01:02Z\","
    "\"host\":\"web1\",\"kernel\":\"6.18\",\"netns\":4026531840,\"namespace\":\"blue\",\"source\":\"netlink\","
    "\"fault\":\"a fault\",\"netns_of_process_1\":false,\"ipv6\":true,"
    "\"addresses\":{\"ipv4\":[\"loopback\",\"external\"],\"ipv6\":null},"
    "\"sysctls\":{\"net.ipv6.bindv6only\":0,\"net.ipv6.conf.all.disable_ipv6\":null,"
    "\"net.ipv4.ip_local_port_range\":[32768,60999],\"net.ipv4.ip_local_reserved_ports\":[[443,443],[40000,40009]]},"
    "\"protocols\":{\"tcp\":{\"unreadable\":null,\"remark\":\"a remark\"},"
    "\"udp\":{\"unreadable\":\"a cause\",\"remark\":null}},"
    "\"listeners\":[" LISTENER(INET6) "," LISTENER(
        INET) "],"
              "\"connections\":[{\"protocol\":\"tcp\",\"port\":443,\"scope\":\"external\",\"ipv4\":0,\"ipv4_mapped\":8,"
              "\"ipv6\":3}],"
              "\"outbound\":{\"ipv4\":1,\"ipv4_mapped\":2,\"ipv6\":4294967295}}";

/* The clients of a service, in front of what follows them. */
#define CLIENT(address, rest) "{\"address\":\"" address "\",\"interface\":" rest "}"
#define PEERS(port, kind, clients, busiest)                                                                            \
    "\"peers\":[{\"protocol\":\"tcp\",\"port\":" port ",\"scope\":\"external\",\"connections\":\"" kind                \
    "\",\"clients\":" clients ",\"exact\":false,\"busiest\":[" busiest "]}],\"outbound\""
#define CLIENT_7 CLIENT("192.0.2.7", "0,\"interface_name\":null,\"connections\":8,\"excess\":1")
#define CLIENT_LINK CLIENT("fe80::1", "3,\"interface_name\":\"eth0\",\"connections\":3,\"excess\":0")

/* Refuses the text with just that error. */
static void assert_refused(const char *text, size_t length, const char *expected)
{
    char error[JSON_FIELD_ERROR_SIZE] = "";
    struct snapshot *snapshot = NULL;

    ck_assert_int_eq(capture_read(text, length, &snapshot, error), -EINVAL);
    ck_assert_ptr_null(snapshot);
    ck_assert_msg(strstr(error, expected) != NULL, "\"%s\" is not in \"%s\"", expected, error);
}

/* A copy of the good capture in which `from` became `to`. */
static char *changed(const char *from, const char *to)
{
    const char *place = strstr(good, from);
    size_t size = sizeof good + strlen(to);
    char *text = malloc(size);

    ck_assert_msg(place != NULL, "no %s in the good capture", from);
    ck_assert_ptr_nonnull(text);
    snprintf(text, size, "%.*s%s%s", (int)(place - good), good, to, place + strlen(from));
    return text;
}

START_TEST(everything_is_read)
{
    char error[JSON_FIELD_ERROR_SIZE];
    struct snapshot *snapshot;
    const struct tally_service *service;
    const struct sock_host *host;

    ck_assert_int_eq(capture_read(good, strlen(good), &snapshot, error), 0);
    host = &snapshot->tally->host;
    ck_assert_int_eq(snapshot->time, 1795338062);
    ck_assert_str_eq(host->name, "web1");
    ck_assert_str_eq(host->kernel, "6.18");
    ck_assert_uint_eq(host->netns, 4026531840);
    ck_assert_str_eq(snapshot->namespace, "blue");
    ck_assert_str_eq(snapshot->source, "netlink");
    ck_assert_str_eq(snapshot->fault, "a fault");
    ck_assert_str_eq(snapshot->remarks[RECORD_TCP], "a remark");
    ck_assert_str_eq(snapshot->tally->unreadable[RECORD_TCP], "");
    ck_assert_str_eq(snapshot->tally->unreadable[RECORD_UDP], "a cause");
    ck_assert_int_eq(host->ipv6, RECORD_YES);
    ck_assert_int_eq(host->bindv6only, RECORD_NO);
    ck_assert_int_eq(host->disable_ipv6, RECORD_UNKNOWN);
    ck_assert_uint_eq(host->port_range_first, 32768);
    ck_assert_uint_eq(host->port_range_last, 60999);
    ck_assert(host_port_is_reserved(host, 443) && host_port_is_reserved(host, 40009));
    ck_assert(!host_port_is_reserved(host, 444) && !host_port_is_reserved(host, 40010));
    ck_assert_int_eq(host->netns_of_init, RECORD_NO);
    ck_assert(snapshot->tally->addresses.families[RECORD_INET].known);
    ck_assert_uint_eq(snapshot->tally->addresses.families[RECORD_INET].scopes,
                      SCOPE_BIT(SCOPE_LOOPBACK) | SCOPE_BIT(SCOPE_EXTERNAL));
    ck_assert(!snapshot->tally->addresses.families[RECORD_INET6].known);
    ck_assert(snapshot->owners_known);
    ck_assert_uint_eq(snapshot->tally->service_count, 1);
    service = tally_find(snapshot->tally, RECORD_TCP, 443);
    ck_assert_uint_eq(service->listener_count, 2);
    ck_assert_uint_eq(service->connections[SCOPE_EXTERNAL][TALLY_MAPPED], 8);
    ck_assert_uint_eq(service->connections[SCOPE_EXTERNAL][TALLY_IPV6], 3);
    ck_assert_uint_eq(snapshot->tally->outbound[TALLY_IPV4], 1);
    ck_assert_uint_eq(snapshot->tally->outbound[TALLY_IPV6], 4294967295);
    snapshot_free(snapshot);
}
END_TEST

START_TEST(listeners_are_read)
{
    char error[JSON_FIELD_ERROR_SIZE];
    struct snapshot *snapshot;
    const struct tally_listener *inet, *inet6;

    ck_assert_int_eq(capture_read(good, strlen(good), &snapshot, error), 0);
    inet = &tally_find(snapshot->tally, RECORD_TCP, 443)->listeners[0];
    inet6 = inet + 1;
    ck_assert_int_eq(inet->family, RECORD_INET);
    ck_assert(record_is_ipv4(&inet->address));
    ck_assert_int_eq(inet->address.s6_addr[12], 127);
    ck_assert_int_eq(inet->scope, SCOPE_LOOPBACK);
    ck_assert_uint_eq(inet->interface, 7);
    ck_assert_str_eq(inet->interface_name, "eth0");
    ck_assert_int_eq(inet->presence, ADDRESS_LOCAL);
    ck_assert_int_eq(inet->interface_state.there, RECORD_YES);
    ck_assert_int_eq(inet->interface_state.ipv6, RECORD_UNKNOWN);
    ck_assert_int_eq(inet->interface_state.vrf, RECORD_NO);
    ck_assert_uint_eq(inet->interface_state.own.families[RECORD_INET].scopes, SCOPE_BIT(SCOPE_EXTERNAL));
    ck_assert(!inet->interface_state.own.families[RECORD_INET6].known);
    ck_assert_int_eq(inet->reach[RECORD_INET].extent, REACH_NONE);
    ck_assert_int_eq(inet->reach[RECORD_INET].limit, REACH_NOT_LOOPBACK);
    ck_assert_int_eq(inet->v6only, RECORD_V6ONLY_UNKNOWN);
    ck_assert_int_eq(inet6->family, RECORD_INET6);
    ck_assert(record_is_wildcard(RECORD_INET6, &inet6->address));
    ck_assert_int_eq(inet6->scope, SCOPE_EXTERNAL);
    ck_assert_int_eq(inet6->presence, ADDRESS_UNKNOWN);
    ck_assert(!inet6->reach[RECORD_INET6].known);
    ck_assert_str_eq(inet6->interface_name, "");
    ck_assert_int_eq(inet6->v6only, RECORD_V6ONLY_YES);
    ck_assert_uint_eq(inet6->sockets, 2);
    ck_assert_uint_eq(inet6->uid, 33);
    ck_assert_str_eq(inet6->user, "www-data");
    ck_assert_int_eq(inet6->unit_state, TALLY_UNIT_KNOWN);
    ck_assert_str_eq(inet6->unit, "nginx.service");
    snapshot_free(snapshot);
}
END_TEST

/* Schema 1 says nothing of addresses, so reach is as far as sockets are bound, and process 1 is not spoken of. */
START_TEST(schema_1_is_read)
{
    static const char text[] =
        "{\"format\":\"check_dualstack-capture\",\"schema\":1,\"version\":\"1.0.0\",\"time\":\"2026-11-22T09:01:02Z\","
        "\"host\":\"web1\",\"kernel\":\"6.18\",\"netns\":4026531840,\"namespace\":null,\"source\":\"netlink\","
        "\"fault\":null,\"ipv6\":true,"
        "\"sysctls\":{\"net.ipv6.bindv6only\":0,\"net.ipv6.conf.all.disable_ipv6\":null,"
        "\"net.ipv4.ip_local_port_range\":null},"
        "\"protocols\":{\"tcp\":{\"unreadable\":null,\"remark\":null},\"udp\":{\"unreadable\":null,\"remark\":null}},"
        "\"listeners\":[{\"protocol\":\"tcp\",\"port\":443,\"family\":\"inet6\",\"address\":\"::\",\"interface\":0,"
        "\"interface_name\":null,\"v6only\":true,\"sockets\":2,\"uid\":33,\"user\":\"www-data\"," UNIT "}],"
        "\"connections\":[],\"outbound\":{\"ipv4\":1,\"ipv4_mapped\":2,\"ipv6\":3}}";
    char error[JSON_FIELD_ERROR_SIZE] = "";
    struct snapshot *snapshot;
    const struct tally_listener *listener;

    ck_assert_msg(capture_read(text, strlen(text), &snapshot, error) == 0, "%s", error);
    listener = &tally_find(snapshot->tally, RECORD_TCP, 443)->listeners[0];
    ck_assert_int_eq(snapshot->tally->host.netns_of_init, RECORD_UNKNOWN);
    ck_assert(!snapshot->tally->addresses.families[RECORD_INET6].known);
    ck_assert_int_eq(tally_reach(snapshot->tally, listener, RECORD_INET6).extent, REACH_EXTERNAL);
    ck_assert(!tally_reach(snapshot->tally, listener, RECORD_INET6).known);
    snapshot_free(snapshot);
}
END_TEST

/* What is as good as the good one. */
static const struct change {
    const char *from;
    const char *to;
    const char *error;
} fine[] = {
    {"\"host\":\"web1\"", "\"host\":\"\"", NULL},
    {"\"unit_state\"", "\"cgroup\":77,\"unit_state\"", NULL},
    {"4026531840", "null", NULL},
    {"\"ipv6\":true", "\"ipv6\":null", NULL},
    {"[32768,60999]", "null", NULL},
    {"[32768,60999]", "[1024,1024]", NULL},
    {"\"v6only\":true", "\"v6only\":null", NULL},
    {"\"www-data\"", "null", NULL},
    {"\"known\",\"unit\":\"nginx.service\"", "\"gone\",\"unit\":null", NULL},
    {"\"known\",\"unit\":\"nginx.service\"", "\"untold\",\"unit\":null", NULL},
    {"\"known\",\"unit\":\"nginx.service\"", "\"unmounted\",\"unit\":null", NULL},
    {"\"known\",\"unit\":\"nginx.service\"", "\"hidden\",\"unit\":null", NULL},
    {"\"uid\":33,\"user\":\"www-data\"", "\"uid\":null,\"user\":null", NULL},
    {"\"nginx.service\"", "\"/\\u00e9|;<\\n\"", NULL},
    {"\"::\"", "\"::ffff:192.0.2.1\"", NULL},
    {"2026-11-22T", "2028-02-29T", NULL},
};

START_TEST(is_taken)
{
    char error[JSON_FIELD_ERROR_SIZE] = "";
    char *text = changed(fine[_i].from, fine[_i].to);
    struct snapshot *snapshot;
    int result = capture_read(text, strlen(text), &snapshot, error);

    ck_assert_msg(result == 0, "%s: %s", fine[_i].to, error);
    snapshot_free(snapshot);
    free(text);
}
END_TEST

static const struct change wrong[] = {
    {"check_dualstack-capture", "check_dualstack",
     "is not a capture of check_dualstack: format must be \"check_dualstack-capture\""},
    {"\"schema\":2", "\"schema\":3", "schema is 3, check_dualstack"},
    {"\"schema\":2", "\"schema\":1", "netns_of_process_1 is not a member of this schema"},
    {"\"schema\":2", "\"schema\":9223372036854775807", "schema is 9223372036854775807, "},
    {"\"schema\":2", "\"schema\":0", "schema is 0, must be a whole number from 1 to 2"},
    {"\"schema\":2", "\"schema\":\"2\"", "schema is \"2\", must be"},
    {"\"schema\":2", "\"schema\":2.0", "schema is not a whole number, must be"},
    {"\"schema\":2,", "", "schema is missing"},
    {"\"ipv6\":true", "\"ipv6\":1", "ipv6 is 1, must be true or false or null"},
    {"\"ipv6\":true", "\"ipv6\":true,\"ipv7\":true", "ipv7 is not a member of this schema"},
    {"\"ipv6\":true", "\"ipv6\":true,\"ipv6\":true", "duplicate object key"},
    {"\"web1\"", "\"web\\u0000\"", "\\u0000 is not allowed"},
    {"\"web1\"", "\"\\ud800\"", "invalid"},
    {"\"web1\"", "\"\xff\"", "unable to decode byte 0xff"},
    {"\"web1\"", "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
     "host is a string of 70 bytes, must be a string of 0 to 64 bytes"},
    {"4026531840", "0", "netns is 0, must be"},
    {"4026531840", "92233720368547758070", "too big integer"},
    {"4026531840", "1e999", "real number overflow"},
    {"\"source\":\"netlink\"", "\"source\":\"capture\"",
     "source is \"capture\", must be \"netlink\" or \"procfs\" or \"netlink+procfs\""},
    {"\"a fault\"", "\"\"", "fault is \"\", must be a string of 1 to 319 bytes or null"},
    {"2026-11-22T", "2026-02-30T", "time is \"2026-02-30T09:01:02Z\", must be a time in UTC"},
    {"2026-11-22T", "1969-12-31T", "time is "},
    {"09:01:02Z", "24:01:02Z", "time is "},
    {"09:01:02Z", "09:60:02Z", "time is "},
    {"09:01:02Z", "09:01:02z", "time is "},
    {"09:01:02Z", "9:01:02Z", "time is \"2026-11-22T9:01:02Z\", must be a string of 20 to 20 bytes"},
    {"bindv6only\":0", "bindv6only\":2",
     "sysctls.net.ipv6.bindv6only is 2, must be a whole number from 0 to 1 or null"},
    {"[32768,60999]", "[32768]", "sysctls.net.ipv4.ip_local_port_range holds 1 elements, must hold 2"},
    {"[32768,60999]", "[32768,\"60999\"]", "ip_local_port_range[1] is \"60999\", must be"},
    {"[32768,60999]", "[32768,65536]", "ip_local_port_range[1] is 65536, must be"},
    {"[32768,60999]", "[60999,32768]", "ip_local_port_range ends before it begins"},
    {"[[443,443],", "[443,", "ip_local_reserved_ports[0] is 443, must be an array"},
    {"[[443,443],", "[[443],", "ip_local_reserved_ports[0] holds 1 elements, must hold 2"},
    {"[[443,443],", "[[443,442],", "ip_local_reserved_ports[0] ends before it begins"},
    {"[[443,443],[40000,40009]]", "null", "sysctls.net.ipv4.ip_local_reserved_ports is null, must be an array"},
    {"\"netns_of_process_1\":false,", "", "netns_of_process_1 is missing"},
    {"\"ipv6\":null}", "\"ipv6\":[]},\"addresses\":null", "duplicate object key"},
    {"{\"ipv4\":[\"loopback\",\"external\"],\"ipv6\":null}", "null", "addresses is null, must be an object"},
    {"[\"loopback\",\"external\"]", "[\"loopback\",\"global\"]",
     "addresses.ipv4[1] is \"global\", must be \"loopback\""},
    {"[\"loopback\",\"external\"]", "[\"external\",\"external\"]", "addresses.ipv4[1] appears twice"},
    {"\"ipv6\":null},", "\"ipv6\":\"external\"},", "addresses.ipv6 is \"external\", must be an array or null"},
    {"\"presence\":\"unknown\"", "\"presence\":\"gone\"", "listeners[0].presence is \"gone\", must be \"unknown\""},
    {"\"interface_state\":null", "\"interface_state\":{}",
     "listeners[0].interface_state must be null where interface is 0"},
    {"{\"there\":true,\"up\":true,\"ipv6\":null,\"vrf\":false,\"addresses\":{\"ipv4\":[\"external\"],\"ipv6\":null}}",
     "null", "listeners[1].interface_state must be null where interface is 0, and only there"},
    {"[\"external\"]", "[\"ipv4\"]", "listeners[1].interface_state.addresses.ipv4[0] is \"ipv4\", must be"},
    {"\"there\":true,", "", "listeners[1].interface_state.there is missing"},
    {"\"vrf\":false", "\"vrf\":0", "listeners[1].interface_state.vrf is 0, must be true or false or null"},
    {"\"udp\":{", "\"sctp\":{", "protocols.udp is missing"},
    {"\"a remark\"", "[]", "protocols.tcp.remark is an array, must be a string of 1 to 511 bytes or null"},
    {"\"listeners\":[", "\"listeners\":[[],", "listeners[0] is an array, must be an object"},
    {"\"listeners\":[", "\"listeners\":[null,", "listeners[0] is null, must be an object"},
    {"\"protocol\":\"tcp\"", "\"protocol\":\"sctp\"", "listeners[0].protocol is \"sctp\", must be \"tcp\" or \"udp\""},
    {"\"protocol\":\"tcp\"", "\"protocol\":6", "listeners[0].protocol is 6, must be"},
    {"\"protocol\":\"tcp\",\"port\":443", "\"protocol\":\"tcp\",\"port\":0", "listeners[0].port is 0, must be"},
    {"\"protocol\":\"tcp\",\"port\":443", "\"protocol\":\"tcp\",\"port\":65536", "listeners[0].port is 65536, must be"},
    {"\"protocol\":\"tcp\",\"port\":443", "\"protocol\":\"tcp\",\"port\":-1", "listeners[0].port is -1, must be"},
    {"\"protocol\":\"tcp\",\"port\":443", "\"protocol\":\"tcp\"", "listeners[0].port is missing"},
    {"\"inet6\"", "\"inet\"", "listeners[0].v6only must be null"},
    {"\"inet6\",\"address\":\"::\"", "\"inet6\",\"address\":\"0.0.0.0\"",
     "listeners[0].address is \"0.0.0.0\", must be an IPv6 address, as the family is inet6"},
    {"\"::\"", "\"::1%eth0\"", "listeners[0].address is "},
    {"\"127.0.0.1\"", "\"::1\"", "listeners[1].address is \"::1\", must be an IPv4 address, as the family is inet"},
    {"\"127.0.0.1\"", "\"127.1\"", "listeners[1].address is "},
    {"\"127.0.0.1\"", "\"localhost\"", "listeners[1].address is "},
    {"\"127.0.0.1\"", "\"\"", "listeners[1].address is "},
    {"\"interface\":0", "\"interface\":-1", "listeners[0].interface is -1, must be"},
    {"\"interface\":0", "\"interface\":3", "listeners[0].interface_name must be null where interface is 0"},
    {"\"eth0\"", "null", "listeners[1].interface_name must be null where interface is 0"},
    {"\"eth0\"", "\"0123456789abcdef\"", "listeners[1].interface_name is \"0123456789abcdef\", must be"},
    {"\"v6only\":true", "\"v6only\":\"true\"", "listeners[0].v6only is \"true\", must be true or false or null"},
    {"\"sockets\":2", "\"sockets\":0", "listeners[0].sockets is 0, must be"},
    {"\"sockets\":2", "\"sockets\":4294967296", "listeners[0].sockets is 4294967296, must be"},
    {"\"uid\":33", "\"uid\":4294967295", "listeners[0].uid is "},
    {"\"unit_state\"", "\"cgroup\":-77,\"unit_state\"", "listeners[0].cgroup is -77, must be"},
    {"\"unit_state\"", "\"cgroup\":null,\"unit_state\"", "listeners[0].cgroup is null, must be"},
    {"\"known\"", "\"not asked\"",
     "listeners[0].unit_state is \"not asked\", must be \"known\" or \"gone\" or \"untold\""},
    {"\"known\"", "\"gone\"", "listeners[0].unit must be null where unit_state is not \"known\""},
    {"\"nginx.service\"", "null", "listeners[0].unit must be null where unit_state is not \"known\""},
    {"\"connections\":[", "\"connections\":[3,", "connections[0] is 3, must be an object"},
    {"\"scope\":\"external\"", "\"scope\":\"global\"", "connections[0].scope is \"global\", must be"},
    {"\"ipv4_mapped\":8", "\"ipv4_mapped\":-8", "connections[0].ipv4_mapped is -8, must be"},
    {"\"ipv4_mapped\":8", "\"ipv4_mapped\":9007199254740993",
     "connections[0].ipv4_mapped is 9007199254740993, must be"},
    {"\"port\":443,\"scope\"", "\"port\":80,\"scope\"", "connections[0] refers to a service without a listener"},
    {"\"ipv6\":4294967295", "\"ipv6\":4294967296", "outbound.ipv6 is 4294967296, must be"},
    {"\"outbound\":{", "\"outbound\":{\"\":0,", "outbound. is not a member of this schema"},
    {"\"outbound\":{\"ipv4\":1,\"ipv4_mapped\":2,\"ipv6\":4294967295}", "\"outbound\":[]",
     "outbound is an array, must be an object"},
    {"4294967295}}", "4294967295}}{}", "end of file expected"},
    {"\"outbound\"", "\"peers\":null,\"outbound\"", "peers is null, must be an array"},
    {"\"outbound\"", PEERS("80", "ipv6", "9", CLIENT_LINK), "peers[0] refers to a service without a listener"},
    {"\"outbound\"", PEERS("443", "ipv5", "9", CLIENT_LINK), "peers[0].connections is \"ipv5\", must be \"ipv4\""},
    {"\"outbound\"", PEERS("443", "ipv4", "9", CLIENT_LINK), "peers[0].busiest[0].address is \"fe80::1\", must be"},
    {"\"outbound\"", PEERS("443", "ipv6", "9", CLIENT_7), "peers[0].busiest[0].address is \"192.0.2.7\", must be"},
    {"\"outbound\"", PEERS("443", "ipv4", "0", ""), "peers[0].clients is 0, must be"},
    {"\"outbound\"", PEERS("443", "ipv4", "1", CLIENT_7 "," CLIENT_7),
     "peers[0].busiest holds more than the 1 clients"},
    {"\"outbound\"", PEERS("443", "ipv4", "9", CLIENT_7 "," CLIENT_7), "peers[0].busiest holds a client twice"},
    {"\"outbound\"",
     PEERS("443", "ipv4", "9", CLIENT("192.0.2.7", "0,\"interface_name\":null,\"connections\":0,\"excess\":0")),
     "peers[0].busiest[0].connections is 0, must be"},
    {"\"outbound\"",
     PEERS("443", "ipv4", "9",
           CLIENT("192.0.2.7", "0,\"interface_name\":null,\"connections\":9,\"excess\":4294967295")),
     "peers[0].busiest[0].excess is 4294967295, must be"},
};

START_TEST(is_refused)
{
    char *text = changed(wrong[_i].from, wrong[_i].to);

    assert_refused(text, strlen(text), wrong[_i].error);
    free(text);
}
END_TEST

START_TEST(a_listener_twice)
{
    const char *end = strstr(good, "],\"connections\"");
    char twice[2 * sizeof good];

    snprintf(twice, sizeof twice, "%.*s,%s%s", (int)(end - good), good, LISTENER(INET), end);
    assert_refused(twice, strlen(twice), "listeners hold 127.0.0.1%eth0:443/tcp of uid 33 more than once");
}
END_TEST

START_TEST(connections_twice)
{
    const char *entry = strstr(good, "{\"protocol\":\"tcp\",\"port\":443,\"scope\"");
    const char *end = strstr(entry, "],\"outbound\"");
    char twice[2 * sizeof good];

    snprintf(twice, sizeof twice, "%.*s,%.*s%s", (int)(end - good), good, (int)(end - entry), entry, end);
    assert_refused(twice, strlen(twice), "connections[1] refers to a service and scope that an earlier element has");
}
END_TEST

/* In older captures the cgroups of a unit are listeners of their own: they are one, whatever their sum. */
START_TEST(cgroups_of_a_unit)
{
    static const char *const two[] = {
        "{\"protocol\":\"tcp\",\"port\":443," INET6
        ",\"sockets\":2,\"uid\":33,\"user\":\"www-data\",\"cgroup\":78," UNIT "},",
        "{\"protocol\":\"tcp\",\"port\":443," INET6
        ",\"sockets\":4294967295,\"uid\":33,\"user\":\"www-data\",\"cgroup\":9," UNIT "},",
    };
    static const uint32_t sums[] = {4, UINT32_MAX};

    for (size_t i = 0; i < UNIT_COUNT(two); i++) {
        const char *end = strstr(good, "\"listeners\":[") + strlen("\"listeners\":[");
        char error[JSON_FIELD_ERROR_SIZE] = "";
        char text[2 * sizeof good];
        struct snapshot *snapshot;
        const struct tally_service *service;
        snprintf(text, sizeof text, "%.*s%s%s", (int)(end - good), good, two[i], end);
        ck_assert_msg(capture_read(text, strlen(text), &snapshot, error) == 0, "%s", error);
        service = tally_find(snapshot->tally, RECORD_TCP, 443);
        ck_assert_uint_eq(service->listener_count, 2);
        ck_assert_uint_eq(service->listeners[1].sockets, sums[i]);
        ck_assert_uint_eq(service->listeners[1].cgroup, 0);
        snapshot_free(snapshot);
    }
}
END_TEST

/* Cut anywhere, it is no capture. The reader of JSON sees no end in a part of null, true or false, but a wrong word. */
START_TEST(is_truncated)
{
    for (size_t length = 1; length < sizeof good - 1; length++) {
        bool is_word = strchr("nultrefas", good[length - 1]) != NULL && strchr(":nultrefas", good[length - 2]) != NULL;
        assert_refused(good, length, is_word ? "" : "is cut off in line 1: did the capture fail?");
    }
}
END_TEST

/* Of captures one behind the other, each alone is what is read. */
START_TEST(is_the_first_of_several)
{
    static const struct {
        const char *text;
        size_t length;
    } several[] = {
        {"", 0},
        {"{}", 2},
        {"{} \n", 4},
        {"{}{}", 2},
        {"{} \r\n\t{}", 6},
        {"{\"a\":{\"b\":[{}]}}\n{}", 17},
        {"{\"}\":\"{\\\"}\"}{}", 12},
        {" {}{}", 3},
        {"}{}{}", 5},
        {"[{},{}]", 7},
        {"{\"a", 3},
        {"{\"a\\", 4},
        {"{}x", 2},
    };

    for (size_t i = 0; i < UNIT_COUNT(several); i++) {
        size_t length = strlen(several[i].text);
        /* Where it ends, nothing is read. */
        char *text = malloc(length + 1);
        ck_assert_ptr_nonnull(text);
        memcpy(text, several[i].text, length);
        text = realloc(text, length > 0 ? length : 1);
        ck_assert_msg(json_field_root_length(text, length) == several[i].length, "%s", several[i].text);
        free(text);
    }
}
END_TEST

START_TEST(is_something_else)
{
    static const char *const texts[] = {"[]", "[{}]", "[[[1]]]"};

    for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
        assert_refused(texts[i], strlen(texts[i]), "is not a capture of check_dualstack: it must be one JSON object");
    }
    assert_refused("{}", 2, "is not a capture of check_dualstack: format must be");
    assert_refused("null", 4, "is not a capture of check_dualstack");
    assert_refused("<html>", 6, "is not a capture of check_dualstack");
    assert_refused("\0\0\0", 3, "is not a capture of check_dualstack");
    assert_refused("", 0, "is empty: did the capture fail?");
    assert_refused(" \r\n", 3, "is empty: did the capture fail?");
    assert_refused("\x7f"
                   "ELF",
                   4, "is not a capture of check_dualstack");
}
END_TEST

/* `count` times the text and nothing else. */
static void assert_repeated_refused(const char *start, const char *text, size_t count, const char *expected)
{
    size_t length = strlen(text);
    size_t at = strlen(start);
    char *whole = malloc(at + length * count + 1);

    ck_assert_ptr_nonnull(whole);
    memcpy(whole, start, at);
    for (size_t i = 0; i < count; i++, at += length) {
        memcpy(whole + at, text, length);
    }
    assert_refused(whole, at, expected);
    free(whole);
}

START_TEST(is_deep)
{
    assert_repeated_refused("", "[", 100000, "maximum parsing depth reached");
    assert_repeated_refused("", "{\"a\":", 100000, "maximum parsing depth reached");
}
END_TEST

START_TEST(is_too_much)
{
    assert_repeated_refused("[", "{},", 1000000, "holds more than 150000 JSON objects and arrays");
    assert_repeated_refused("[", "1,", 3000000, "or 2000000 commas");
}
END_TEST

/* Random damage: whatever comes of it, it is a snapshot or a sentence. */
START_TEST(is_damaged)
{
    static const char alphabet[] = "{}[]\",:0123456789-.eE+\\untrfalsx \xff\n";
    uint64_t state = 20261122;
    char error[JSON_FIELD_ERROR_SIZE];
    char text[sizeof good];

    for (int round = 0; round < 20000; round++) {
        struct snapshot *snapshot;
        int result;
        memcpy(text, good, sizeof good);
        for (uint64_t hits = unit_random(&state) % 3 + 1; hits > 0; hits--) {
            size_t at = (size_t)(unit_random(&state) % (sizeof good - 1));
            text[at] = alphabet[unit_random(&state) % (sizeof alphabet - 1)];
        }
        error[0] = '\0';
        result = capture_read(text, sizeof good - 1, &snapshot, error);
        ck_assert(result == 0 ? snapshot != NULL : result == -EINVAL && snapshot == NULL && error[0] != '\0');
        snapshot_free(snapshot);
    }
}
END_TEST

/* What capture_write() makes of a capture that was read, its lines joined. The caller frees it. */
static char *rewritten(const char *text)
{
    char error[JSON_FIELD_ERROR_SIZE] = "";
    struct collect collected = {0};
    struct sink sink = collect_sink(&collected);
    struct snapshot *snapshot;
    size_t length = 0;

    ck_assert_msg(capture_read(text, strlen(text), &snapshot, error) == 0, "%s", error);
    capture_write(snapshot, &sink);
    snapshot_free(snapshot);
    for (size_t i = 0; i < collected.length; i++) {
        if (collected.text[i] != '\n') {
            collected.text[length++] = collected.text[i];
        }
    }
    collected.text[length] = '\0';
    return collected.text;
}

/* Captures that are written as they were read, but for the order of the listeners, which depends on what they are. */
static const struct {
    const char *from;
    const char *to;
} same[] = {
    {"", ""},
    {"4026531840", "null"},
    {"\"namespace\":\"blue\"", "\"namespace\":null"},
    {"\"a fault\"", "null"},
    {"\"netns_of_process_1\":false", "\"netns_of_process_1\":null"},
    {"\"ipv6\":true", "\"ipv6\":false"},
    {"{\"ipv4\":[\"loopback\",\"external\"],\"ipv6\":null}", "{\"ipv4\":null,\"ipv6\":[]}"},
    {"bindv6only\":0", "bindv6only\":1"},
    {"[32768,60999]", "null"},
    {"[[443,443],[40000,40009]]", "[]"},
    {"[[443,443],[40000,40009]]", "[[1,1],[65535,65535]]"},
    {"\"v6only\":true", "\"v6only\":false"},
    {"\"v6only\":true", "\"v6only\":null"},
    {"\"presence\":\"local\"", "\"presence\":\"absent\""},
    {"\"known\",\"unit\":\"nginx.service\"", "\"gone\",\"unit\":null"},
    {"\"known\",\"unit\":\"nginx.service\"", "\"untold\",\"unit\":null"},
    {"\"user\":\"www-data\"", "\"user\":null"},
    {"\"scope\":\"external\"", "\"scope\":\"loopback\""},
    {",\"connections\":[{\"protocol\":\"tcp\",\"port\":443,\"scope\":\"external\",\"ipv4\":0,\"ipv4_mapped\":8,"
     "\"ipv6\":3}]",
     ",\"connections\":[]"},
    {"\"outbound\"", "\"peers\":[],\"outbound\""},
    {"\"outbound\"", PEERS("443", "ipv4_mapped", "20", CLIENT_7)},
    {"\"outbound\"", PEERS("443", "ipv6", "1", CLIENT_LINK)},
};

START_TEST(is_written_again)
{
    static const char in_order[] = LISTENER(INET) "," LISTENER(INET6);
    static const char as_read[] = LISTENER(INET6) "," LISTENER(INET);
    char *text = changed(same[_i].from, same[_i].to);
    char *once = rewritten(text);
    char *twice = rewritten(once);
    char expected[2 * sizeof good];
    const char *listeners = strstr(text, as_read);

    if (listeners != NULL) {
        snprintf(expected, sizeof expected, "%.*s%s%s", (int)(listeners - text), text, in_order,
                 listeners + strlen(as_read));
        ck_assert_str_eq(once, expected);
    } else {
        ck_assert_msg(strstr(once, same[_i].to) != NULL, "no %s in %s", same[_i].to, once);
    }
    ck_assert_str_eq(once, twice);
    free(text);
    free(once);
    free(twice);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture");
    TCase *written = tcase_create("written");
    TCase *read = tcase_create("read");
    TCase *refused = tcase_create("refused");

    tcase_add_test(read, everything_is_read);
    tcase_add_test(read, listeners_are_read);
    tcase_add_test(read, schema_1_is_read);
    tcase_add_test(read, cgroups_of_a_unit);
    tcase_add_loop_test(read, is_taken, 0, UNIT_COUNT(fine));
    suite_add_tcase(suite, read);
    tcase_set_timeout(refused, 60);
    tcase_add_loop_test(refused, is_refused, 0, UNIT_COUNT(wrong));
    tcase_add_test(refused, a_listener_twice);
    tcase_add_test(refused, connections_twice);
    tcase_add_test(refused, is_truncated);
    tcase_add_test(refused, is_the_first_of_several);
    tcase_add_test(refused, is_something_else);
    tcase_add_test(refused, is_deep);
    tcase_add_test(refused, is_too_much);
    tcase_add_test(refused, is_damaged);
    suite_add_tcase(suite, refused);
    tcase_add_loop_test(written, is_written_again, 0, UNIT_COUNT(same));
    suite_add_tcase(suite, written);
    return unit_run(suite);
}
