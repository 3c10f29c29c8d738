/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/clients.c: who is connected, in text and JSON.
 */
#include "config.h"

#include "render/clients.h"

#include "collect.h"
#include "unit.h"

#include <arpa/inet.h>
#include <string.h>

static struct peers_client clients[2];
static struct peers peers[TALLY_KINDS];

static void peers_make(void)
{
    memset(peers, 0, sizeof peers);
    memset(clients, 0, sizeof clients);
    inet_pton(AF_INET6, "::ffff:192.0.2.7", &clients[0].address);
    clients[0].connections = 8;
    inet_pton(AF_INET6, "fe80::1", &clients[1].address);
    clients[1].connections = 1;
    clients[1].interface = 2;
    clients[1].interface_name = "eth0";
}

static void line_add(void *context, const char *line)
{
    const struct sink *sink = context;

    sink_text(sink, line);
    sink_text(sink, "\n");
}

static void lines_check(const char *expected)
{
    static const uint64_t connections[TALLY_KINDS] = {[TALLY_MAPPED] = 8, [TALLY_IPV6] = 1};
    struct collect collected = {.text = NULL};
    struct sink sink = collect_sink(&collected);

    clients_walk(peers, connections, line_add, &sink);
    ck_assert_str_eq(collected.text != NULL ? collected.text : "", expected);
    collect_clear(&collected);
}

START_TEST(families_are_told_apart)
{
    peers_make();
    lines_check("");
    peers[TALLY_MAPPED] = (struct peers){.clients = &clients[0], .count = 1, .distinct = 1};
    peers[TALLY_IPV6] = (struct peers){.clients = &clients[1], .count = 1, .distinct = 1};
    lines_check("IPv4 (mapped): 8 connections from 1 client\n"
                "  8 from 192.0.2.7\n"
                "IPv6: 1 connection from 1 client\n"
                "  1 from fe80::1%eth0\n");
}
END_TEST

START_TEST(what_is_not_exact_says_so)
{
    peers_make();
    clients[0].excess = 3;
    peers[TALLY_MAPPED] = (struct peers){.clients = &clients[0], .count = 1, .distinct = 40000, .floor = 3};
    lines_check("IPv4 (mapped): 8 connections from at least 40000 clients\n"
                "  8 from 192.0.2.7 (at most 3 too many)\n"
                "  ... and 39999 more clients\n");
}
END_TEST

START_TEST(json_has_them)
{
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    struct json_stream json = {.sink = &sink};

    peers_make();
    clients[0].excess = 3;
    peers[TALLY_MAPPED] = (struct peers){.clients = &clients[0], .count = 1, .distinct = 40000, .floor = 3};
    peers[TALLY_IPV6] = (struct peers){.clients = &clients[1], .count = 1, .distinct = 1};
    json_stream_object(&json, NULL);
    clients_write(&json, true, peers);
    json_stream_object_end(&json);
    ck_assert_str_eq(collected.text,
                     "{\"peers\":{\"ipv4\":{\"clients\":0,\"exact\":true,\"busiest\":[]},\"ipv4_mapped\":{\"clients\":"
                     "40000,\"exact\":false,\"busiest\":[{\"address\":\"192.0.2.7\",\"interface\":null,\"connections\":"
                     "8,\"excess\":3}]},\"ipv6\":{\"clients\":1,\"exact\":true,\"busiest\":[{\"address\":\"fe80::1\","
                     "\"interface\":\"eth0\",\"connections\":1,\"excess\":0}]}}}");
    collect_clear(&collected);
}
END_TEST

START_TEST(json_is_null_where_nobody_counted)
{
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    struct json_stream json = {.sink = &sink};

    json_stream_object(&json, NULL);
    clients_write(&json, false, NULL);
    json_stream_object_end(&json);
    ck_assert_str_eq(collected.text, "{\"peers\":null}");
    collect_clear(&collected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clients");
    TCase *lists = tcase_create("lists");

    tcase_add_test(lists, families_are_told_apart);
    tcase_add_test(lists, what_is_not_exact_says_so);
    tcase_add_test(lists, json_has_them);
    tcase_add_test(lists, json_is_null_where_nobody_counted);
    suite_add_tcase(suite, lists);
    return unit_run(suite);
}
