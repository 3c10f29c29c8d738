/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/policy_text.c: what is learned from a tally made by hand.
 */
#include "config.h"

#include "render/policy_text.h"

#include "sample.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETS 4

/* A listener of a service. */
struct socket {
    enum record_protocol protocol;
    uint16_t port;
    struct sample_listener listener;
};

static const char *port_name(enum record_protocol protocol, uint16_t port, void *context)
{
    (void)context;
    return port == 443 ? "https" : port == 53 && protocol == RECORD_UDP ? "domain" : NULL;
}

static struct snapshot *snapshot;

/* A host with IPv6 and Linux's own range of client ports, on which nothing listens. */
static void host_make(void)
{
    struct sock_host *host;

    snapshot = snapshot_create();
    ck_assert_ptr_nonnull(snapshot);
    host = &snapshot->tally->host;
    strcpy(host->name, "web1");
    host->ipv6 = RECORD_YES;
    host->port_range_first = 32768;
    host->port_range_last = 60999;
    snapshot->tally->addresses = sample_addresses;
}

static void host_free(void)
{
    snapshot_free(snapshot);
}

static void host_listen(const struct socket *socket)
{
    sample_tally_add(snapshot->tally, socket->protocol, socket->port, &socket->listener);
}

/* Returns the learned policy, which the caller frees. */
static char *policy_learn(void)
{
    struct suggestions suggestions;
    struct policy_text learned = {.snapshot = snapshot, .suggestions = &suggestions};
    char *text = NULL;
    size_t length;

    tally_sort(snapshot->tally);
    learned.out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(learned.out);
    ck_assert_int_eq(suggest_list(&suggestions, snapshot->tally, port_name, NULL), 0);
    ck_assert_int_eq(policy_text_write(&learned), 0);
    ck_assert_int_eq(fclose(learned.out), 0);
    suggest_clear(&suggestions);
    return text;
}

static void learned_must_have(const char *expected)
{
    char *text = policy_learn();

    ck_assert_msg(strstr(text, expected) != NULL, "no\n%s\nin\n%s", expected, text);
    free(text);
}

/* --- services ---------------------------------------------------------------------------------------------------- */

#define TCP(number) RECORD_TCP, (number)
#define UDP(number) RECORD_UDP, (number)

/* The block of a service: what was seen of it, and its rule. */
static const struct {
    enum record_answer ipv6;
    struct socket sockets[SOCKETS];
    const char *expected;
} services[] = {
    /* The stacks, and their forms. */
    {RECORD_YES,
     {{TCP(443), {.address = "0.0.0.0", .unit = "nginx.service", .user = "root"}}},
     "# 443/tcp is v4-only\n"
     "#   0.0.0.0:443 accepts IPv4, user root, unit nginx.service\n"
     "443              v4-only name=https unit=nginx.service\n\n"},
    {RECORD_YES,
     {{TCP(443), {.address = "::", .v6only = RECORD_V6ONLY_YES, .unit = "nginx.service", .uid = 33}}},
     "# 443/tcp is v6-only\n"
     "#   [::]:443 accepts IPv6, user 33, unit nginx.service\n"
     "443              v6-only name=https unit=nginx.service\n\n"},
    {RECORD_YES,
     {{UDP(53), {.address = "::", .v6only = RECORD_V6ONLY_NO, .unit = "named.service"}}},
     "# 53/udp is dual-stack (single)\n"
     "#   [::]:53 accepts IPv4+IPv6, user 0, unit named.service\n"
     "53/udp           dual-stack name=domain unit=named.service\n\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "a.service"}},
      {TCP(80), {.address = "::", .v6only = RECORD_V6ONLY_YES, .unit = "a.service"}}},
     "# 80/tcp is dual-stack (split)\n"
     "#   0.0.0.0:80 accepts IPv4, user 0, unit a.service\n"
     "#   [::]:80 accepts IPv6, user 0, unit a.service\n"
     "80               dual-stack unit=a.service\n\n"},
    /* The strictest requirement that is kept, whatever is not known. */
    {RECORD_YES,
     {{TCP(80), {.address = "::", .unit = "a.service"}}},
     "#   [::]:80 accepts IPv6, and IPv4 unknown, user 0, unit a.service\n"
     "#   Whether [::] takes IPv4 too cannot be determined: IPV6_V6ONLY is not visible here. v6 holds either way.\n"
     "80               v6 unit=a.service\n\n"},
    {RECORD_NO,
     {{TCP(80), {.address = "::", .unit = "a.service"}}},
     "#   Whether [::] takes IPv4 too cannot be determined: IPV6_V6ONLY is not visible here. any holds either way.\n"
     "80               any unit=a.service\n\n"},
    {RECORD_NO,
     {{TCP(80), {.address = "2001:db8::1", .unit = "a.service"}}},
     "# 80/tcp is v6-only by what it is bound to (as=bound)\n"
     "#   [2001:db8::1]:80 accepts IPv6, user 0, unit a.service, nothing reaches it over IPv6: 2001:db8::1 is not "
     "an address of this host now\n"
     "80               v6-only as=bound bind=2001:db8::1 unit=a.service\n\n"},
    {RECORD_NO,
     {{TCP(443), {.address = "::", .v6only = RECORD_V6ONLY_NO, .unit = "a.service"}}},
     "# 443/tcp is v4-only\n"
     "#   [::]:443 accepts IPv4+IPv6, user 0, unit a.service, nothing reaches it over IPv6\n"
     "443              v4-only name=https unit=a.service\n\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "224.0.0.1", .unit = "a.service"}}},
     "# 80/tcp listens, but nothing reaches it\n"
     "#   224.0.0.1:80 accepts IPv4, user 0, unit a.service, nothing reaches it over IPv4: TCP cannot be sent to a "
     "group\n"
     "80               any bind=link unit=a.service\n\n"},
    /* Where it may listen. */
    {RECORD_YES,
     {{TCP(80), {.address = "127.0.0.1", .unit = "a.service"}}, {TCP(80), {.address = "::1", .unit = "a.service"}}},
     "\n80               dual-stack bind=loopback unit=a.service\n\n"},
    {RECORD_YES,
     {{UDP(68), {.address = "169.254.1.1", .unit = "a.service"}}},
     "\n68/udp           v4-only bind=link unit=a.service\n\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "127.0.0.1", .unit = "a.service"}},
      {TCP(80), {.address = "169.254.1.1", .unit = "a.service"}}},
     "\n80               v4-only bind=loopback,link unit=a.service\n\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "192.0.2.1", .unit = "a.service"}},
      {TCP(80), {.address = "2001:db8::1%#4", .unit = "a.service"}}},
     "\n80               v4-only unit=a.service\n\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "192.0.2.1", .unit = "a.service"}},
      {TCP(80), {.address = "::ffff:192.0.2.1", .unit = "a.service"}},
      {TCP(80), {.address = "192.0.2.10", .unit = "a.service"}},
      {TCP(80), {.address = "169.254.1.1", .unit = "a.service"}}},
     "\n80               v4-only unit=a.service\n\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "192.0.2.10", .unit = "a.service"}},
      {TCP(80), {.address = "192.0.2.1", .unit = "a.service"}},
      {TCP(80), {.address = "::ffff:192.0.2.1", .unit = "a.service"}},
      {TCP(80), {.address = "2001:db8::1", .unit = "a.service"}}},
     "\n80               dual-stack bind=192.0.2.1,192.0.2.10,2001:db8::1 unit=a.service\n\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0%eth0", .unit = "a.service"}},
      {TCP(80), {.address = "127.0.0.1", .unit = "a.service"}}},
     "\n80               v4-only bind=loopback,%eth0 unit=a.service\n\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0%eth 0", .unit = "a.service"}}},
     "\n80               v4-only unit=a.service\n\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "192.0.2.1", .unit = "a.service"}}, {TCP(80), {.address = "0.0.0.0", .unit = "a.service"}}},
     "\n80               v4-only unit=a.service\n\n"},
    /* A rule for each scope, as one would not see the narrower family. */
    {RECORD_YES,
     {{TCP(443), {.address = "0.0.0.0", .unit = "a.service"}}, {TCP(443), {.address = "::1", .unit = "a.service"}}},
     "# 443/tcp is v4-only\n"
     "#   0.0.0.0:443 accepts IPv4, user 0, unit a.service\n"
     "#   One family can be reached from farther away than the other, so each scope has its own rule.\n"
     "443@external     v4-only name=https-external unit=a.service\n"
     "\n"
     "# 443/tcp is v6-only\n"
     "#   [::1]:443 accepts IPv6, user 0, unit a.service\n"
     "#   One family can be reached from farther away than the other, so each scope has its own rule.\n"
     "443@loopback     v6-only name=https-loopback unit=a.service\n\n"},
    /* Units that a rule can name, and those that it cannot. */
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "a\\x2db.socket"}}},
     "unit a\\x2db.socket\n80               v4-only unit=a\\\\x2db.socket\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "init.scope"}}},
     "80               v4-only unit=init.scope\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "user@1000.service"}}},
     "unit user@1000.service\n"
     "#   It ends when this user logs out (missing=ok). If the user lingers (loginctl enable-linger), drop "
     "missing=ok.\n"
     "80               v4-only missing=ok unit=user@1000.service\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "session-1.scope"}}},
     "#   It ends with its login session (missing=ok). unit= matches any session.\n"
     "80               v4-only missing=ok unit=session-*.scope\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "run-u7.service"}}},
     "#   Started with systemd-run, so it may be absent (missing=ok). unit= matches anything started that way.\n"
     "80               v4-only missing=ok unit=run-u*.service\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "sshd@3-192.0.2.1:22-198.51.100.7:50000.service"}}},
     "#   It ends with its connection (missing=ok). unit= matches any connection.\n"
     "80               v4-only missing=ok unit=sshd@*.service\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "docker-0123456789abcdef.scope"}},
      {TCP(80), {.address = "::", .v6only = RECORD_V6ONLY_YES, .unit = "docker-fedcba9876543210.scope"}}},
     "#   The name changes each time the container or virtual machine starts, so unit= is a pattern.\n"
     "80               dual-stack unit=docker-*.scope\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "session-1.scope"}},
      {TCP(80), {.address = "::", .v6only = RECORD_V6ONLY_YES, .unit = "user@0.service"}}},
     "#   No unit=: several units share the port.\n80               dual-stack missing=ok\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "session-1.scope"}},
      {TCP(80), {.address = "::", .v6only = RECORD_V6ONLY_YES, .unit_state = TALLY_UNIT_GONE}}},
     "its unit is gone\n80               dual-stack\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "app-0123456789ab.service"}}},
     "#   No unit=: the name of its unit may change with the next start.\n80               v4-only\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "a.service"}}, {TCP(80), {.address = "::1", .unit = "a.service"}}},
     "80@loopback      v6-only unit=a.service\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "a.service"}},
      {TCP(80), {.address = "::", .v6only = RECORD_V6ONLY_YES, .unit = "b.service"}}},
     "#   No unit=: several units share the port.\n80               dual-stack\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "/docker/1"}}},
     "user 0, cgroup /docker/1\n80               v4-only unit=/docker/1\n"},
    {RECORD_YES, {{TCP(80), {.address = "0.0.0.0", .unit = "/"}}}, "user 0, no unit\n80               v4-only\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit_state = TALLY_UNIT_GONE}}},
     "user 0, its unit is gone\n80               v4-only\n"},
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit_state = TALLY_UNIT_UNKNOWN}}},
     "user 0, unit not known\n80               v4-only\n"},
    {RECORD_YES, {{TCP(80), {.address = "0.0.0.0"}}}, "user 0, unit not known\n80               v4-only\n"},
    /* Whatever a host calls its users and units stays in one comment. */
    {RECORD_YES,
     {{TCP(80), {.address = "0.0.0.0", .unit = "a\n80 any.service", .user = "x|y\r\nz"}}},
     "user x/y  z, unit a 80 any.service\n"
     "#   No unit=: the name of its unit may change with the next start.\n"
     "80               v4-only\n"},
};

START_TEST(writes_a_rule_for_a_service)
{
    snapshot->tally->host.ipv6 = services[_i].ipv6;
    if (services[_i].ipv6 == RECORD_NO) {
        snapshot->tally->addresses.families[RECORD_INET6].scopes = 0;
    }
    for (int i = 0; i < SOCKETS && services[_i].sockets[i].port != 0; i++) {
        host_listen(&services[_i].sockets[i]);
    }
    learned_must_have(services[_i].expected);
}
END_TEST

/* Numbers of sockets and of connections, and no more listeners than a reader can take in. */
START_TEST(counts_what_was_seen)
{
    char address[sizeof "192.0.2.99"];
    struct socket socket = {TCP(443), {.address = address, .unit = "a.service"}};
    struct tally_service *service;

    for (int i = 1; i <= 10; i++) {
        snprintf(address, sizeof address, "192.0.2.%d", i);
        host_listen(&socket);
    }
    service = tally_find(snapshot->tally, RECORD_TCP, 443);
    service->connections[SCOPE_EXTERNAL][TALLY_MAPPED] = 1;
    service->listeners[0].sockets = 3;
    learned_must_have("# 443/tcp is v4-only, 1 v4-mapped connection now\n"
                      "#   192.0.2.1:443 accepts IPv4, user 0, unit a.service, 3 sockets\n"
                      "#   192.0.2.2:443 accepts IPv4, user 0, unit a.service\n");
    learned_must_have("#   192.0.2.8:443 accepts IPv4, user 0, unit a.service\n#   ... and 2 more\n443 ");
    service->connections[SCOPE_LOOPBACK][TALLY_MAPPED] = 12;
    learned_must_have("# 443/tcp is v4-only, 13 v4-mapped connections now\n");
}
END_TEST

/* --- ports without a rule of their own ---------------------------------------------------------------------------- */

static const struct {
    bool range_is_known;
    struct socket socket;
    const char *expected;
} sections[] = {
    {true,
     {TCP(40000), {.address = "127.0.0.1", .unit = "a.service"}},
     "\n# The kernel assigns 32768-60999/tcp to programs that request no port (net.ipv4.ip_local_port_range):\n"
     "# what is there may be elsewhere after the next start.\n"
     "# Listed but commented out. Uncomment a rule if its port is fixed.\n"
     "# 40000/tcp is v4-only\n"
     "#   127.0.0.1:40000 accepts IPv4, user 0, unit a.service\n"
     "#40000            v4-only bind=loopback unit=a.service\n"
     "# Until then this rule allows such listeners. A narrower one would be better:\n"
     "32768-60999      any missing=ok severity=warning name=per-boot-tcp bind=loopback unit=a.service\n\n"},
    {false,
     {TCP(40000), {.address = "0.0.0.0"}},
     "# The kernel assigns 32768-60999/tcp to programs that request no port (Linux's own range, this host's is "
     "unknown):\n"},
    {true,
     {UDP(40000), {.address = "0.0.0.0"}},
     "#40000/udp        v4-only\n"
     "# Nothing else judges UDP ports of this range: clients come and go there.\n\n"},
    {false,
     {UDP(40000), {.address = "0.0.0.0"}},
     "#40000/udp        v4-only\n"
     "# Until then this rule allows such listeners. A narrower one would be better:\n"
     "32768-60999/udp  any missing=ok severity=warning name=per-boot-udp\n\n"},
    {true,
     {UDP(700), {.address = "0.0.0.0", .unit = "rpc-statd.service"}},
     "\n# RPC daemons take any free port of 512-1023/udp at each start.\n"
     "# Listed but commented out. Uncomment a rule if its port is fixed.\n"
     "# 700/udp is v4-only\n"
     "#   0.0.0.0:700 accepts IPv4, user 0, unit rpc-statd.service\n"
     "#700/udp          v4-only unit=rpc-statd.service\n"
     "# Until then this rule allows such listeners. A narrower one would be better:\n"
     "512-1023/udp     any missing=ok severity=warning name=rpc-reserved-udp unit=rpc-statd.service\n\n"},
    {true,
     {TCP(6010), {.address = "127.0.0.1", .unit = "session-3.scope"}},
     "\n# ssh -X takes the first free port of 6010-6099/tcp for each login.\n"
     "# Listed but commented out. Uncomment a rule if its port is fixed.\n"
     "# 6010/tcp is v4-only\n"
     "#   127.0.0.1:6010 accepts IPv4, user 0, unit session-3.scope\n"
     "#   It ends with its login session (missing=ok). unit= matches any session.\n"
     "#6010             v4-only missing=ok bind=loopback unit=session-*.scope\n"
     "# Until then this rule allows such listeners. A narrower one would be better:\n"
     "6010-6099        any missing=ok severity=warning name=x11-tcp bind=loopback unit=session-*.scope\n\n"},
    {true,
     {TCP(700), {.address = "0.0.0.0", .user = "statd", .unit_state = TALLY_UNIT_GONE}},
     "512-1023         any missing=ok severity=warning name=rpc-reserved-tcp\n\n"},
};

/* From where it may be reached, by the widest addresses of the host. */
static const struct {
    unsigned ipv4, ipv6; /* scopes */
    bool known;
    struct sample_listener listener;
    const char *rule;
} reaches[] = {
    {7, 7, true, {.address = "::", .v6only = RECORD_V6ONLY_NO}, "80               dual-stack\n"},
    {1, 1, true, {.address = "::", .v6only = RECORD_V6ONLY_NO}, "80               dual-stack reach=loopback\n"},
    {3, 3, true, {.address = "::", .v6only = RECORD_V6ONLY_NO}, "80               dual-stack reach=link\n"},
    {7, 1, true, {.address = "::", .v6only = RECORD_V6ONLY_NO}, "80               v4-only\n"},
    {1, 3, true, {.address = "::", .v6only = RECORD_V6ONLY_NO}, "80               v6-only reach=link\n"},
    {1, 7, true, {.address = "0.0.0.0"}, "80               v4-only reach=loopback\n"},
    {7, 0, true, {.address = "::", .v6only = RECORD_V6ONLY_YES}, "80               any reach=none\n"},
    {1, 1, true, {.address = "::"}, "80               v6 reach=loopback\n"},
    /* What it is bound to says as much, or more. */
    {1, 1, true, {.address = "127.0.0.1"}, "80               v4-only bind=loopback\n"},
    {1, 1, true, {.address = "fe80::1%eth0"}, "80               v6-only as=bound bind=link\n"},
    {1, 1, true, {.address = "192.0.2.1"}, "80               v4-only as=bound bind=192.0.2.1\n"},
    /* What is not known is not learned. */
    {0, 0, false, {.address = "0.0.0.0"}, "80               v4-only\n"},
};

START_TEST(learns_from_where_it_is_reached)
{
    snapshot->tally->addresses.families[RECORD_INET].scopes = reaches[_i].ipv4;
    snapshot->tally->addresses.families[RECORD_INET].known = reaches[_i].known;
    snapshot->tally->addresses.families[RECORD_INET6].scopes = reaches[_i].ipv6;
    snapshot->tally->addresses.families[RECORD_INET6].known = reaches[_i].known;
    host_listen(&(struct socket){TCP(80), reaches[_i].listener});
    learned_must_have(reaches[_i].rule);
}
END_TEST

/* What is bound to an interface that is gone or down is not held to where it is reached now. */
START_TEST(interfaces_come_and_go)
{
    struct tally_listener *listener;

    host_listen(&(struct socket){TCP(80), {.address = "0.0.0.0%eth0"}});
    host_listen(&(struct socket){TCP(80), {.address = "127.0.0.1"}});
    tally_sort(snapshot->tally);
    for (size_t i = 0; i < 2; i++) {
        listener = &tally_find(snapshot->tally, RECORD_TCP, 80)->listeners[i];
        listener->interface_state.up = _i == 0 ? RECORD_YES : RECORD_NO;
        tally_reach_set(listener, RECORD_TCP, &snapshot->tally->addresses);
    }
    learned_must_have("80               v4-only bind=loopback,%eth0\n");
}
END_TEST

/* An address that is leased, or may be, is not learned; what is bound to an interface has none. */
static const struct {
    const char *address;
    enum record_answer leased;
    const char *expected;
} leases[] = {
    {"192.0.2.1", RECORD_NO, "user 0, unit not known\n80               v4-only bind=192.0.2.1\n"},
    {"192.0.2.1", RECORD_YES,
     "#   No bind=: 192.0.2.1 is leased (DHCP or router advertisement), so the address may change.\n"
     "80               v4-only\n"},
    {"::ffff:192.0.2.1", RECORD_YES, "#   No bind=: 192.0.2.1 is leased"},
    {"2001:db8::1", RECORD_UNKNOWN,
     "#   No bind=: it is not known whether 2001:db8::1 is a fixed address.\n80               v6-only\n"},
    {"192.0.2.1%eth0", RECORD_YES, "unit not known\n80               v4-only bind=%eth0\n"},
    {"127.0.0.1", RECORD_UNKNOWN, "unit not known\n80               v4-only bind=loopback\n"},
    {"0.0.0.0", RECORD_UNKNOWN, "unit not known\n80               v4-only\n"},
};

START_TEST(forgets_leased_addresses)
{
    host_listen(&(struct socket){TCP(80), {.address = leases[_i].address}});
    tally_find(snapshot->tally, RECORD_TCP, 80)->listeners[0].leased = leases[_i].leased;
    learned_must_have(leases[_i].expected);
}
END_TEST

/* A resolver without a socket for queries at the moment, and one that has the kernel choose their ports. */
static const struct {
    struct socket socket;
    const char *expected;
} resolvers[] = {
    {{UDP(53), {.address = "0.0.0.0", .unit = "unbound.service"}},
     "\n# Name servers send queries of their own from UDP ports that they choose themselves.\n"
     "# This default ignores their sockets:\n"
     "default/udp      closed severity=warning except-unit=unbound.service\n\n"},
    {{UDP(53), {.address = "127.0.0.1", .unit = "dnsmasq@a.service"}}, "except-unit=dnsmasq@a.service\n"},
    {{UDP(53), {.address = "192.168.122.1", .unit = "libvirtd.service"}}, "except-unit=libvirtd.service\n"},
    {{UDP(53), {.address = "0.0.0.0", .unit = "named.service"}}, "unit=named.service\n\n# Anything else"},
    {{UDP(67), {.address = "0.0.0.0", .unit = "dnsmasq.service"}}, "unit=dnsmasq.service\n\n# Anything else"},
    {{TCP(53), {.address = "0.0.0.0", .unit = "dnsmasq.service"}}, "unit=dnsmasq.service\n\n# Anything else"},
    {{UDP(53), {.address = "0.0.0.0", .unit_state = TALLY_UNIT_GONE}}, "v4-only name=domain\n\n# Anything else"},
};

START_TEST(expects_queries_of_resolvers)
{
    host_listen(&resolvers[_i].socket);
    learned_must_have(resolvers[_i].expected);
}
END_TEST

/* Two name servers with sockets for queries of their own, the units of which the default leaves alone. */
START_TEST(leaves_queries_of_name_servers_alone)
{
    static const struct socket sockets[] = {
        {UDP(53), {.address = "0.0.0.0", .unit = "a\\x2d.service"}},
        {UDP(53), {.address = "192.0.2.1", .unit = "b.service"}},
        {UDP(20001), {.address = "0.0.0.0", .unit = "a\\x2d.service"}},
        {UDP(20002), {.address = "0.0.0.0", .unit = "b.service"}},
        {UDP(20003), {.address = "0.0.0.0", .unit = "a\\x2d.service"}},
    };

    for (int i = 0; i < UNIT_COUNT(sockets); i++) {
        host_listen(&sockets[i]);
    }
    learned_must_have("#20003/udp        v4-only unit=a\\\\x2d.service\n"
                      "# This default ignores their sockets:\n"
                      "default/udp      closed severity=warning except-unit=a\\\\x2d.service,b.service\n\n");
}
END_TEST

static const struct {
    uint16_t port;
    const char *unit;
    const char *expected;
} transfers[] = {
    {21, "vsftpd.service",
     "21               v4-only unit=vsftpd.service\n"
     "# Passive transfers use other ports. To allow them, uncomment this rule, give it the\n"
     "# ports of pasv_min_port and pasv_max_port, and remove rules for those ports below:\n"
     "#32768-60999     any missing=ok severity=warning name=ftp-passive unit=vsftpd.service\n\n"},
    {21, "proftpd.service", "ports of PassivePorts, and remove"},
    {21, "pure-ftpd-mysql.service", "name=ftp-passive unit=pure-ftpd-mysql.service\n"},
    {22, "vsftpd.service", "22               v4-only unit=vsftpd.service\n\n"},
    {21, "inetd.service", "21               v4-only unit=inetd.service\n\n"},
};

START_TEST(suggests_a_rule_for_transfers)
{
    host_listen(&(struct socket){RECORD_TCP, transfers[_i].port, {.address = "0.0.0.0", .unit = transfers[_i].unit}});
    learned_must_have(transfers[_i].expected);
}
END_TEST

START_TEST(points_out_ports_that_change)
{
    if (!sections[_i].range_is_known) {
        snapshot->tally->host.port_range_first = 1;
        snapshot->tally->host.port_range_last = 0;
    }
    host_listen(&sections[_i].socket);
    learned_must_have(sections[_i].expected);
}
END_TEST

START_TEST(points_out_the_first_of_many)
{
    for (uint16_t port = 50000; port < 50023; port++) {
        host_listen(&(struct socket){RECORD_TCP, port, {.address = "0.0.0.0"}});
    }
    learned_must_have("#50019            v4-only\n# ... and 3 more ports\n# Until then");
}
END_TEST

/* --- the whole --------------------------------------------------------------------------------------------------- */

#define HEADING "# Policy for check_dualstack, learned by version " PACKAGE_VERSION " on "
#define READ_EACH                                                                                                      \
    "# What to do with it:\n"                                                                                          \
    "#   1. save it:  check_dualstack --learn > policy.conf\n"                                                         \
    "#   2. read each rule: it says what is, not what should be\n"                                                     \
    "#   3. check it: check_dualstack -f policy.conf --lint\n"                                                         \
    "#   4. use it:   check_dualstack -f policy.conf\n"                                                                \
    "\n"
#define DEFAULT "# Anything else that listens is new.\ndefault          closed severity=warning\n"

static const struct {
    const char *name;
    const char *namespace;
    const char *remark;
    const char *expected;
} headings[] = {
    {"web1", "", "", HEADING "web1, 2026-11-22 09:00 UTC.\n" READ_EACH DEFAULT},
    {"", "", "", HEADING "a host of unknown name, 2026-11-22 09:00 UTC.\n" READ_EACH DEFAULT},
    {"web1", "blue", "read from /proc/net",
     HEADING "web1 in namespace blue, 2026-11-22 09:00 UTC.\n# Beware: read from /proc/net.\n" READ_EACH DEFAULT},
    {"a\nb", "", "", HEADING "a b, 2026-11-22 09:00 UTC.\n" READ_EACH DEFAULT},
};

START_TEST(says_where_it_comes_from)
{
    char *text;

    strcpy(snapshot->tally->host.name, headings[_i].name);
    strcpy(snapshot->namespace, headings[_i].namespace);
    strcpy(snapshot->remark, headings[_i].remark);
    snapshot->time = 1795338000;
    text = policy_learn();
    ck_assert_str_eq(text, headings[_i].expected);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_text");
    TCase *tcase = tcase_create("policy_text");

    tcase_add_checked_fixture(tcase, host_make, host_free);
    tcase_add_loop_test(tcase, writes_a_rule_for_a_service, 0, UNIT_COUNT(services));
    tcase_add_test(tcase, counts_what_was_seen);
    tcase_add_loop_test(tcase, points_out_ports_that_change, 0, UNIT_COUNT(sections));
    tcase_add_test(tcase, points_out_the_first_of_many);
    tcase_add_loop_test(tcase, learns_from_where_it_is_reached, 0, UNIT_COUNT(reaches));
    tcase_add_loop_test(tcase, interfaces_come_and_go, 0, 2);
    tcase_add_loop_test(tcase, forgets_leased_addresses, 0, UNIT_COUNT(leases));
    tcase_add_loop_test(tcase, expects_queries_of_resolvers, 0, UNIT_COUNT(resolvers));
    tcase_add_test(tcase, leaves_queries_of_name_servers_alone);
    tcase_add_loop_test(tcase, suggests_a_rule_for_transfers, 0, UNIT_COUNT(transfers));
    tcase_add_loop_test(tcase, says_where_it_comes_from, 0, UNIT_COUNT(headings));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
