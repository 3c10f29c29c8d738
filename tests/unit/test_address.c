/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/address.c: folders of copies, then the real kernel in child processes with network namespaces of their
 * own. The latter need root or user namespaces; without either they say that they were skipped.
 */
#include "config.h"

#include "child.h"
#include "folder.h"
#include "unit.h"

#include "socket/address.h"
#include "socket/scope.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

#define LO SCOPE_BIT(SCOPE_LOOPBACK)
#define LINK SCOPE_BIT(SCOPE_LINK)
#define EXTERNAL SCOPE_BIT(SCOPE_EXTERNAL)

static struct in6_addr address_of(const char *text)
{
    struct in6_addr address = in6addr_any;
    char mapped[64];

    snprintf(mapped, sizeof mapped, "%s%s", strchr(text, ':') == NULL ? "::ffff:" : "", text);
    inet_pton(AF_INET6, mapped, &address);
    return address;
}

static enum address_presence find(struct address_table *table, const char *text, uint32_t interface)
{
    struct in6_addr address = address_of(text);

    return address_table_find(table, &address, interface);
}

static enum record_answer is_leased(struct address_table *table, const char *text)
{
    struct in6_addr address = address_of(text);

    return address_table_is_leased(table, &address);
}

/* --- copies ------------------------------------------------------------------------------------------------------ */

static void file_write(const char *name, const char *content)
{
    if (content != NULL) {
        folder_write_text(name, content);
    }
}

#define FIB_TRIE                                                                                                       \
    "Local:\n"                                                                                                         \
    "  |-- 127.0.0.0\n     /8 host LOCAL\n"                                                                            \
    "  |-- 192.0.2.1\n     /32 host LOCAL\n"                                                                           \
    "  |-- 192.0.2.255\n     /32 link BROADCAST\n"
#define IF_INET6                                                                                                       \
    "00000000000000000000000000000001 01 80 10 80       lo\n"                                                          \
    "fe800000000000000000000000000001 02 40 20 80     eth0\n"                                                          \
    "20010db8000000000000000000000001 02 40 00 c0     eth0\n"

static const struct {
    const char *fib_trie, *if_inet6; /* NULL: no such file */
    int result;
    struct address_facts facts;
    const char *words;
} copies[] = {
    {FIB_TRIE, IF_INET6, 0, {{{true, LO | EXTERNAL}, {true, LO | LINK}}}, ""},
    {FIB_TRIE, NULL, 0, {{{true, LO | EXTERNAL}, {false, 0}}}, ""},
    {NULL, IF_INET6, 0, {{{false, 0}, {true, LO | LINK}}}, ""},
    {NULL, NULL, 0, {{{false, 0}, {false, 0}}}, ""},
    {FIB_TRIE, "", 0, {{{true, LO | EXTERNAL}, {true, 0}}}, ""},
    {"", IF_INET6, -EBADMSG, {{{false, 0}, {true, LO | LINK}}}, "/fib_trie has no table"},
    {FIB_TRIE, "<html>\n", -EBADMSG, {{{true, LO | EXTERNAL}, {false, 0}}}, "/if_inet6 has a line"},
    {"<html>\n", "<html>\n", -EBADMSG, {{{false, 0}, {false, 0}}}, "/if_inet6 has a line"},
};

static void facts_check(const struct address_facts *facts, const struct address_facts *expected)
{
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        ck_assert_int_eq(facts->families[family].known, expected->families[family].known);
        ck_assert_uint_eq(facts->families[family].scopes, expected->families[family].scopes);
    }
}

START_TEST(copies_are_read)
{
    bool ipv4 = copies[_i].facts.families[RECORD_INET].known;
    bool ipv6 = copies[_i].facts.families[RECORD_INET6].known;
    bool fe80 = ipv6 && copies[_i].facts.families[RECORD_INET6].scopes != 0;
    struct address_table *table;
    struct address_interface lo;
    struct fault fault = {"old"};

    file_write("fib_trie", copies[_i].fib_trie);
    file_write("if_inet6", copies[_i].if_inet6);
    ck_assert_int_eq(address_table_read(&table, ADDRESS_ORIGIN_COPIES, folder_name(), &fault), copies[_i].result);
    ck_assert_ptr_nonnull(table);
    facts_check(address_table_facts(table), &copies[_i].facts);
    ck_assert_msg(strstr(fault.text, copies[_i].words) != NULL, "%s", fault.text);
    ck_assert_int_eq(fault.text[0] != '\0', copies[_i].result < 0);
    ck_assert_int_eq(find(table, "192.0.2.1", 0), ipv4 ? ADDRESS_LOCAL : ADDRESS_UNKNOWN);
    ck_assert_int_eq(find(table, "192.0.2.2", 0), ipv4 ? ADDRESS_ABSENT : ADDRESS_UNKNOWN);
    ck_assert_int_eq(find(table, "192.0.2.255", 0), ipv4 ? ADDRESS_BROADCAST : ADDRESS_UNKNOWN);
    ck_assert_int_eq(find(table, "fe80::1", 7), fe80 ? ADDRESS_LOCAL : ipv6 ? ADDRESS_ABSENT : ADDRESS_UNKNOWN);
    ck_assert_int_eq(find(table, "2001:db8::1", 0), ipv6 ? ADDRESS_ABSENT : ADDRESS_UNKNOWN);
    /* known of themselves, or not to be asked about */
    ck_assert_int_eq(find(table, "255.255.255.255", 0), ADDRESS_BROADCAST);
    ck_assert_int_eq(find(table, "::", 0), ADDRESS_UNKNOWN);
    ck_assert_int_eq(find(table, "0.0.0.0", 0), ADDRESS_UNKNOWN);
    ck_assert_int_eq(find(table, "224.0.0.1", 0), ADDRESS_UNKNOWN);
    ck_assert_int_eq(find(table, "ff02::1", 2), ADDRESS_UNKNOWN);
    /* this host's lo is none of theirs */
    lo = address_table_interface(table, 1);
    ck_assert(lo.there == RECORD_UNKNOWN && lo.ipv6 == RECORD_UNKNOWN && lo.vrf == RECORD_UNKNOWN);
    address_table_free(table);
}
END_TEST

START_TEST(without_a_table_nothing_is_known)
{
    const struct address_facts nothing = {{{false, 0}, {false, 0}}};

    facts_check(address_table_facts(NULL), &nothing);
    ck_assert_int_eq(find(NULL, "127.0.0.1", 0), ADDRESS_UNKNOWN);
    ck_assert_int_eq(find(NULL, "255.255.255.255", 0), ADDRESS_BROADCAST);
    ck_assert_int_eq(address_table_interface(NULL, 1).there, RECORD_UNKNOWN);
    ck_assert_int_eq(is_leased(NULL, "192.0.2.1"), RECORD_UNKNOWN);
    address_table_free(NULL);
}
END_TEST

START_TEST(no_descriptors)
{
    const struct address_facts nothing = {{{false, 0}, {false, 0}}};
    struct fault fault = {""};
    struct address_table *table;
    struct rlimit before;
    int result;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, before.rlim_max});
    result = address_table_read(&table, ADDRESS_ORIGIN_HOST, "/proc/net", &fault);
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_int_eq(result, -EMFILE);
    facts_check(address_table_facts(table), &nothing);
    ck_assert_ptr_nonnull(strstr(fault.text, "cannot open a NETLINK_ROUTE socket to list local addresses"));
    ck_assert_ptr_nonnull(strstr(fault.text, ", cannot read /proc/net/"));
    address_table_free(table);
}
END_TEST

/* --- hosts to look at -------------------------------------------------------------------------------------------- */

/* Sends a request to NETLINK_ROUTE and shows the answer. Returns 0 or a negative errno. */
static int request_send(struct nlmsghdr *header, mnl_cb_t handle, void *context)
{
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    char buffer[8192];
    ssize_t received = -1;

    header->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    header->nlmsg_seq = 1;
    if (socket != NULL && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
        mnl_socket_sendto(socket, header, header->nlmsg_len) > 0) {
        received = mnl_socket_recvfrom(socket, buffer, sizeof buffer);
    }
    if (received > 0) {
        received = mnl_cb_run(buffer, (size_t)received, 1, mnl_socket_get_portid(socket), handle, context);
    }
    if (socket != NULL) {
        mnl_socket_close(socket);
    }
    return received >= 0 ? 0 : -errno;
}

static struct nlmsghdr *request_begin(void *buffer, uint16_t type, uint16_t flags, const void *body, size_t size)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

    header->nlmsg_type = type;
    header->nlmsg_flags = flags;
    memcpy(mnl_nlmsg_put_extra_header(header, size), body, size);
    return header;
}

/* Of IPv4 its last four bytes. */
static void address_put(struct nlmsghdr *header, uint16_t type, const char *text)
{
    struct in6_addr address = address_of(text);
    size_t offset = record_is_ipv4(&address) ? 12 : 0;

    mnl_attr_put(header, type, sizeof address - offset, address.s6_addr + offset);
}

static bool address_change(uint16_t type, const char *text, unsigned length, unsigned interface, uint8_t flags)
{
    bool ipv4 = strchr(text, ':') == NULL;
    const struct ifaddrmsg body = {.ifa_family = ipv4 ? AF_INET : AF_INET6,
                                   .ifa_prefixlen = (uint8_t)length,
                                   .ifa_flags = flags,
                                   .ifa_index = interface};
    char buffer[256] = {0};
    struct nlmsghdr *header = request_begin(buffer, type, NLM_F_CREATE, &body, sizeof body);

    address_put(header, IFA_LOCAL, text);
    address_put(header, IFA_ADDRESS, text);
    return request_send(header, NULL, NULL) == 0;
}

static int type_keep(const struct nlmsghdr *header, void *context)
{
    const struct rtmsg *route = mnl_nlmsg_get_payload(header);

    *(int *)context = route->rtm_type;
    return MNL_CB_OK;
}

/* True once the kernel takes for its own what comes to the address. */
static bool address_is_taken(const char *text, unsigned interface)
{
    const struct rtmsg body = {.rtm_family = AF_INET6, .rtm_dst_len = 128};
    int type = RTN_UNSPEC;
    char buffer[256] = {0};
    struct nlmsghdr *header = request_begin(buffer, RTM_GETROUTE, 0, &body, sizeof body);

    address_put(header, RTA_DST, text);
    mnl_attr_put_u32(header, RTA_OIF, interface);
    request_send(header, type_keep, &type);
    return type == RTN_LOCAL;
}

/* As a DHCP client adds it: for an hour. */
static bool lease_add(const char *text, unsigned length, unsigned interface)
{
    bool ipv4 = strchr(text, ':') == NULL;
    const struct ifaddrmsg body = {.ifa_family = ipv4 ? AF_INET : AF_INET6,
                                   .ifa_prefixlen = (uint8_t)length,
                                   .ifa_flags = ipv4 ? 0 : IFA_F_NODAD,
                                   .ifa_index = interface};
    const struct ifa_cacheinfo lifetime = {.ifa_prefered = 3600, .ifa_valid = 3600};
    char buffer[256] = {0};
    struct nlmsghdr *header = request_begin(buffer, RTM_NEWADDR, NLM_F_CREATE, &body, sizeof body);

    address_put(header, IFA_LOCAL, text);
    address_put(header, IFA_ADDRESS, text);
    mnl_attr_put(header, IFA_CACHEINFO, sizeof lifetime, &lifetime);
    return request_send(header, NULL, NULL) == 0;
}

/* Of IPv6 without the wait for duplicates; but the kernel makes the way to it a little later than the address. */
static bool address_add(const char *text, unsigned length, unsigned interface)
{
    bool ipv6 = strchr(text, ':') != NULL;
    bool taken = false;

    if (!address_change(RTM_NEWADDR, text, length, interface, ipv6 ? IFA_F_NODAD : 0)) {
        return false;
    }
    for (int i = 0; i < 500 && !taken; i++) {
        taken = !ipv6 || address_is_taken(text, interface);
        if (!taken) {
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
    }
    return taken;
}

/* To addresses of the host's own, or one that only refuses. */
static bool route_add(const char *text, unsigned length, uint8_t type, uint8_t table)
{
    bool ipv4 = strchr(text, ':') == NULL;
    const struct rtmsg body = {.rtm_family = ipv4 ? AF_INET : AF_INET6,
                               .rtm_dst_len = (uint8_t)length,
                               .rtm_table = table,
                               .rtm_protocol = RTPROT_BOOT,
                               .rtm_scope = type == RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
                               .rtm_type = type};
    char buffer[256] = {0};
    struct nlmsghdr *header = request_begin(buffer, RTM_NEWROUTE, NLM_F_CREATE, &body, sizeof body);

    address_put(header, RTA_DST, text);
    if (type == RTN_LOCAL) {
        mnl_attr_put_u32(header, RTA_OIF, SCOPE_LOOPBACK_INTERFACE);
    }
    return request_send(header, NULL, NULL) == 0;
}

/* What goes there is looked up in that table. */
static bool rule_add(const char *text, unsigned length, uint8_t table)
{
    const struct fib_rule_hdr body = {.family = AF_INET,
                                      .dst_len = (uint8_t)length,
                                      .table = table,
                                      .action = FR_ACT_TO_TBL};
    char buffer[256] = {0};
    struct nlmsghdr *header = request_begin(buffer, RTM_NEWRULE, NLM_F_CREATE, &body, sizeof body);

    address_put(header, FRA_DST, text);
    return request_send(header, NULL, NULL) == 0;
}

static bool interface_raise(unsigned index)
{
    const struct ifinfomsg body = {.ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    char buffer[256] = {0};

    return request_send(request_begin(buffer, RTM_NEWLINK, 0, &body, sizeof body), NULL, NULL) == 0;
}

static bool interface_remove(unsigned index)
{
    const struct ifinfomsg body = {.ifi_index = (int)index};
    char buffer[256] = {0};

    return request_send(request_begin(buffer, RTM_DELLINK, 0, &body, sizeof body), NULL, NULL) == 0;
}

/* Two interfaces, each the other's end. */
static bool pair_add(const char *name, const char *peer)
{
    const struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    char buffer[512] = {0};
    struct nlmsghdr *header = request_begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    struct nlattr *info;
    struct nlattr *data;
    struct nlattr *other;

    mnl_attr_put_strz(header, IFLA_IFNAME, name);
    info = mnl_attr_nest_start(header, IFLA_LINKINFO);
    mnl_attr_put_strz(header, IFLA_INFO_KIND, "veth");
    data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
    other = mnl_attr_nest_start(header, VETH_INFO_PEER);
    memcpy(mnl_nlmsg_put_extra_header(header, sizeof body), &body, sizeof body);
    mnl_attr_put_strz(header, IFLA_IFNAME, peer);
    mnl_attr_nest_end(header, other);
    mnl_attr_nest_end(header, data);
    mnl_attr_nest_end(header, info);
    return request_send(header, NULL, NULL) == 0;
}

/*
 * A host with eth0 and eth1.5. On eth0 IPv6 addresses are what is added by hand; what is added without IFA_F_NODAD
 * stays tentative for long.
 */
static bool interfaces_make(unsigned *eth0, unsigned *eth1)
{
    if (!pair_add("eth0", "eth1.5")) {
        return false;
    }
    *eth0 = if_nametoindex("eth0");
    *eth1 = if_nametoindex("eth1.5");
    return child_text_write("/proc/sys/net/ipv6/conf/eth0/addr_gen_mode", "1") &&
           child_text_write("/proc/sys/net/ipv6/conf/eth0/dad_transmits", "600") &&
           child_text_write("/proc/sys/net/ipv6/conf/eth1.5/addr_gen_mode", "1") &&
           child_text_write("/proc/sys/net/ipv6/conf/eth1.5/disable_ipv6", "1") && interface_raise(*eth0) &&
           interface_raise(*eth1);
}

static bool namespace_enter(void)
{
    return child_privilege_get() && unshare(CLONE_NEWNET) == 0;
}

/* What a child process found wrong, in memory that it shares with the test. */
struct seen {
    bool skipped;
    char wrong[300];
};

static struct seen *seen;

#define SEE(condition, ...)                                                                                            \
    do {                                                                                                               \
        if (!(condition) && seen->wrong[0] == '\0') {                                                                  \
            snprintf(seen->wrong, sizeof seen->wrong, __VA_ARGS__);                                                    \
        }                                                                                                              \
    } while (0)

/* Runs see() in a child process and fails with what it found wrong. A child that does not come to its end failed. */
static void child_run(void (*see)(int row), int row)
{
    pid_t child;
    int status;

    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(seen, MAP_FAILED);
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        see(row);
        child_end(true);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    if (seen->skipped) {
        printf("skipped: it needs root, or user namespaces for all, and veth\n");
    }
    ck_assert_msg(seen->wrong[0] == '\0', "%s", seen->wrong);
    munmap(seen, sizeof *seen);
}

static void facts_see(struct address_table *table, const char *who, unsigned ipv4, unsigned ipv6)
{
    const struct address_facts *facts = address_table_facts(table);

    SEE(facts->families[RECORD_INET].known && facts->families[RECORD_INET6].known, "%s: not known", who);
    SEE(facts->families[RECORD_INET].scopes == ipv4, "%s: IPv4 %x", who, facts->families[RECORD_INET].scopes);
    SEE(facts->families[RECORD_INET6].scopes == ipv6, "%s: IPv6 %x", who, facts->families[RECORD_INET6].scopes);
}

static struct address_table *table_read(enum address_origin origin, const char *directory)
{
    struct fault fault = {"old"};
    struct address_table *table = NULL;
    int result = address_table_read(&table, origin, directory, &fault);

    SEE(result == 0, "origin %d: %d, %s", (int)origin, result, fault.text);
    SEE(fault.text[0] == '\0', "origin %d: %s", (int)origin, fault.text);
    return table;
}

/* --- the real kernel --------------------------------------------------------------------------------------------- */

static const enum address_origin origins[] = {ADDRESS_ORIGIN_HOST, ADDRESS_ORIGIN_PROCFS};

/* All down, then lo up: nothing but loopback addresses. */
static void bare_host_see(int row)
{
    struct address_table *table;

    seen->skipped = !namespace_enter();
    if (seen->skipped) {
        return;
    }
    table = table_read(origins[row], "/proc/net");
    facts_see(table, "down", 0, 0);
    SEE(find(table, "127.0.0.1", 0) == ADDRESS_ABSENT, "127.0.0.1 although lo is down");
    SEE(find(table, "::1", 0) == ADDRESS_ABSENT, "::1 although lo is down");
    address_table_free(table);
    SEE(interface_raise(SCOPE_LOOPBACK_INTERFACE), "lo");
    table = table_read(origins[row], "/proc/self/net");
    facts_see(table, "up", LO, LO);
    SEE(find(table, "127.0.0.1", 0) == ADDRESS_LOCAL, "no 127.0.0.1");
    SEE(find(table, "127.77.0.1", 0) == ADDRESS_LOCAL, "no 127.77.0.1");
    SEE(find(table, "127.255.255.255", 0) == ADDRESS_BROADCAST, "127.255.255.255");
    SEE(find(table, "::1", 0) == ADDRESS_LOCAL, "no ::1");
    SEE(find(table, "192.0.2.1", 0) == ADDRESS_ABSENT, "192.0.2.1");
    address_table_free(table);
}

START_TEST(bare_host)
{
    child_run(bare_host_see, _i);
}
END_TEST

/* Interfaces: 0 none, 1 lo, 2 eth0, 3 eth1.5. */
static const struct {
    const char *address;
    unsigned interface;
    enum address_presence told;  /* by NETLINK_ROUTE */
    enum address_presence files; /* by the files, which know less */
} presences[] = {
    {"192.0.2.1", 0, ADDRESS_LOCAL, ADDRESS_LOCAL},
    {"192.0.2.1", 2, ADDRESS_LOCAL, ADDRESS_LOCAL},
    /* a weak host */
    {"192.0.2.1", 3, ADDRESS_LOCAL, ADDRESS_LOCAL},
    {"192.0.2.2", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"192.0.2.2", 2, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"192.0.2.255", 0, ADDRESS_BROADCAST, ADDRESS_BROADCAST},
    /* removed again */
    {"192.0.2.77", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"2001:db8::77", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"2001:db8::1", 0, ADDRESS_LOCAL, ADDRESS_LOCAL},
    {"2001:db8::1", 3, ADDRESS_LOCAL, ADDRESS_LOCAL},
    {"2001:db8::2", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    /* tentative */
    {"2001:db8::3", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"2001:db8::3", 2, ADDRESS_ABSENT, ADDRESS_ABSENT},
    /* the subnet-router address of a router */
    {"2001:db8::", 0, ADDRESS_ANYCAST, ADDRESS_ABSENT},
    /* fe80:: is of one interface */
    {"fe80::1", 2, ADDRESS_LOCAL, ADDRESS_LOCAL},
    {"fe80::1", 3, ADDRESS_ABSENT, ADDRESS_LOCAL},
    {"fe80::2", 2, ADDRESS_ABSENT, ADDRESS_ABSENT},
    /* any address of a prefix */
    {"198.51.100.0", 0, ADDRESS_LOCAL, ADDRESS_LOCAL},
    {"198.51.100.77", 2, ADDRESS_LOCAL, ADDRESS_LOCAL},
    {"2001:db8:a::77", 0, ADDRESS_LOCAL, ADDRESS_ABSENT},
    /* a rule says that another table tells; without one that table does not count */
    {"203.0.113.7", 0, ADDRESS_LOCAL, ADDRESS_ABSENT},
    {"203.0.113.200", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    /* routes that only refuse */
    {"10.0.0.1", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"10.0.1.1", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"10.0.2.1", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"2001:db8:b::1", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"2001:db8:c::1", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"2001:db8:d::1", 0, ADDRESS_ABSENT, ADDRESS_ABSENT},
    {"127.0.0.1", 0, ADDRESS_LOCAL, ADDRESS_LOCAL},
    {"::1", 0, ADDRESS_LOCAL, ADDRESS_LOCAL},
};

static bool host_make(unsigned interfaces[static 4])
{
    interfaces[1] = SCOPE_LOOPBACK_INTERFACE;
    return namespace_enter() && interface_raise(SCOPE_LOOPBACK_INTERFACE) &&
           interfaces_make(&interfaces[2], &interfaces[3]) &&
           child_text_write("/proc/sys/net/ipv6/conf/all/forwarding", "1") &&
           address_add("192.0.2.1", 24, interfaces[2]) && address_add("192.0.2.77", 24, interfaces[2]) &&
           address_add("2001:db8::1", 64, interfaces[2]) && address_add("2001:db8::77", 64, interfaces[2]) &&
           address_add("fe80::1", 64, interfaces[2]) &&
           address_change(RTM_NEWADDR, "2001:db8::3", 64, interfaces[2], 0) &&
           address_change(RTM_DELADDR, "192.0.2.77", 24, interfaces[2], 0) &&
           address_change(RTM_DELADDR, "2001:db8::77", 64, interfaces[2], 0) &&
           route_add("198.51.100.0", 24, RTN_LOCAL, RT_TABLE_LOCAL) &&
           route_add("2001:db8:a::", 64, RTN_LOCAL, RT_TABLE_LOCAL) && route_add("203.0.113.0", 24, RTN_LOCAL, 100) &&
           rule_add("203.0.113.0", 25, 100) && route_add("10.0.0.0", 24, RTN_BLACKHOLE, RT_TABLE_MAIN) &&
           route_add("10.0.1.0", 24, RTN_UNREACHABLE, RT_TABLE_MAIN) &&
           route_add("10.0.2.0", 24, RTN_PROHIBIT, RT_TABLE_MAIN) &&
           route_add("2001:db8:b::", 64, RTN_BLACKHOLE, RT_TABLE_MAIN) &&
           route_add("2001:db8:c::", 64, RTN_UNREACHABLE, RT_TABLE_MAIN) &&
           route_add("2001:db8:d::", 64, RTN_PROHIBIT, RT_TABLE_MAIN);
}

static void presences_see(int row)
{
    unsigned interfaces[4] = {0};
    struct address_table *table;

    seen->skipped = !host_make(interfaces);
    if (seen->skipped) {
        return;
    }
    table = table_read(origins[row], "/proc/net");
    facts_see(table, "host", LO | EXTERNAL, LO | LINK | EXTERNAL);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT(presences); i++) {
            enum address_presence expected = row == 0 ? presences[i].told : presences[i].files;
            enum address_presence found = find(table, presences[i].address, interfaces[presences[i].interface]);
            SEE(found == expected, "%s on interface %u is %d, must be %d", presences[i].address, presences[i].interface,
                (int)found, (int)expected);
        }
    }
    address_table_free(table);
}

START_TEST(addresses_are_found)
{
    child_run(presences_see, _i);
}
END_TEST

/* By what NETLINK_ROUTE says, and not known without it. */
static void leases_see(int row)
{
    static const struct {
        const char *address;
        enum record_answer leased;
        bool is_of_no_host;
    } leases[] = {
        {"192.0.2.1", RECORD_NO, false},    {"192.0.2.7", RECORD_YES, false}, {"2001:db8::1", RECORD_NO, false},
        {"2001:db8::7", RECORD_YES, false}, {"::1", RECORD_NO, false},        {"203.0.113.1", RECORD_NO, false},
        {"0.0.0.0", RECORD_NO, true},       {"::", RECORD_NO, true},          {"224.0.0.1", RECORD_NO, true},
    };
    unsigned lo = SCOPE_LOOPBACK_INTERFACE;
    struct address_table *table;

    seen->skipped = !namespace_enter() || !interface_raise(lo);
    if (seen->skipped) {
        return;
    }
    SEE(address_add("192.0.2.1", 32, lo) && address_add("2001:db8::1", 128, lo), "fixed addresses");
    SEE(lease_add("192.0.2.7", 32, lo) && lease_add("2001:db8::7", 128, lo), "leased addresses");
    table = table_read(origins[row], "/proc/net");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT(leases); i++) {
            bool is_reported = origins[row] == ADDRESS_ORIGIN_HOST || leases[i].is_of_no_host;
            enum record_answer expected = is_reported ? leases[i].leased : RECORD_UNKNOWN;
            SEE(is_leased(table, leases[i].address) == expected, "%s: not %d", leases[i].address, (int)expected);
        }
    }
    address_table_free(table);
}

START_TEST(leases_are_reported)
{
    child_run(leases_see, _i);
}
END_TEST

/* A socket can be bound to what is the host's own or a broadcast address, and to no other. */
static bool can_bind(const struct in6_addr *address)
{
    struct sockaddr_in inet = {.sin_family = AF_INET};
    struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6, .sin6_addr = *address};
    bool ipv4 = record_is_ipv4(address);
    int descriptor = socket(ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    memcpy(&inet.sin_addr, address->s6_addr + 12, sizeof inet.sin_addr);
    result = ipv4 ? bind(descriptor, (struct sockaddr *)&inet, sizeof inet)
                  : bind(descriptor, (struct sockaddr *)&inet6, sizeof inet6);
    close(descriptor);
    return result == 0;
}

static void random_address(struct in6_addr *address, uint64_t *state)
{
    static const char *const networks[] = {"10.1.0.0", "10.1.1.0", "2001:db8::", "127.0.0.0", "198.51.100.0"};

    *address = address_of(networks[unit_random(state) % 5]);
    address->s6_addr[15] = (uint8_t)unit_random(state);
}

static void bind_see(int row)
{
    unsigned interfaces[4] = {0};
    uint64_t state = 99;
    struct address_table *table;
    int bound = 0;

    seen->skipped = !namespace_enter() || !interface_raise(SCOPE_LOOPBACK_INTERFACE) ||
                    !interfaces_make(&interfaces[2], &interfaces[3]);
    if (seen->skipped) {
        return;
    }
    for (unsigned i = 0; i < 300; i++) {
        char text[32];
        snprintf(text, sizeof text, i % 3 == 0 ? "2001:db8::%x" : i % 3 == 1 ? "10.1.0.%u" : "10.1.1.%u", i * 7 % 254);
        address_add(text, i % 3 == 0 ? 64 : 25, interfaces[2]);
    }
    SEE(route_add("198.51.100.0", 25, RTN_LOCAL, RT_TABLE_LOCAL), "no route");
    table = table_read(origins[row], "/proc/net");
    for (int i = 0; i < 2000; i++) {
        struct in6_addr address;
        enum address_presence presence;
        bool local;
        random_address(&address, &state);
        presence = address_table_find(table, &address, 0);
        local = presence == ADDRESS_LOCAL || presence == ADDRESS_BROADCAST;
        bound += local;
        SEE(local == can_bind(&address), "%d for ...%u.%u", (int)presence, address.s6_addr[14], address.s6_addr[15]);
    }
    SEE(bound > 500 && bound < 1500, "%d of 2000 bound", bound);
    address_table_free(table);
}

START_TEST(presence_is_who_can_bind)
{
    child_run(bind_see, _i);
}
END_TEST

/* NETLINK_ROUTE and the files tell the same of many addresses, of more than one answer. */
static void many_see(int row)
{
    unsigned interfaces[4] = {0};
    struct address_table *table;

    seen->skipped = !namespace_enter() || !interfaces_make(&interfaces[2], &interfaces[3]);
    if (seen->skipped) {
        return;
    }
    for (unsigned i = 0; i < 1500; i++) {
        char text[32];
        snprintf(text, sizeof text, i % 2 == 0 ? "10.0.%u.%u" : "2001:db8::%x:%x", i / 256, i % 256);
        SEE(address_add(text, i % 2 == 0 ? 32 : 128, interfaces[2]), "cannot add %s", text);
    }
    table = table_read(origins[row], "/proc/net");
    facts_see(table, "many", EXTERNAL, EXTERNAL);
    for (unsigned i = 0; i < 1500; i++) {
        char text[32];
        snprintf(text, sizeof text, i % 2 == 0 ? "10.0.%u.%u" : "2001:db8::%x:%x", i / 256, i % 256);
        SEE(find(table, text, 0) == ADDRESS_LOCAL, "%s is missing", text);
    }
    SEE(find(table, "10.0.0.1", 0) == ADDRESS_ABSENT, "10.0.0.1");
    SEE(find(table, "2001:db8::2", 0) == ADDRESS_ABSENT, "2001:db8::2");
    address_table_free(table);
}

START_TEST(many_addresses)
{
    child_run(many_see, _i);
}
END_TEST

/* Everybody's sockets on addresses of nobody cost no more than so many questions. */
static void questions_see(int row)
{
    struct address_table *table;

    (void)row;
    seen->skipped = !namespace_enter() || !interface_raise(SCOPE_LOOPBACK_INTERFACE);
    if (seen->skipped) {
        return;
    }
    table = table_read(ADDRESS_ORIGIN_HOST, "/proc/net");
    for (unsigned i = 0; i < 1100; i++) {
        char text[32];
        snprintf(text, sizeof text, "10.0.%u.%u", i / 200, i % 200);
        SEE(find(table, text, 1) == (i < 1000 ? ADDRESS_ABSENT : ADDRESS_UNKNOWN), "question %u", i);
    }
    SEE(find(table, "10.0.0.7", 1) == ADDRESS_ABSENT, "the answer of before");
    SEE(find(table, "10.0.5.7", 0) == ADDRESS_ABSENT, "what the table says is believed");
    SEE(find(table, "127.0.0.7", 0) == ADDRESS_LOCAL, "what needs no question");
    address_table_free(table);
}

START_TEST(questions_end)
{
    child_run(questions_see, 0);
}
END_TEST

/* A sandbox that answers, but knows no local table: what is in the folder counts. */
static void silent_see(int row)
{
    struct fault fault = {""};
    struct address_table *table;

    (void)row;
    seen->skipped = !namespace_enter();
    if (seen->skipped) {
        return;
    }
    file_write("fib_trie", FIB_TRIE);
    SEE(address_table_read(&table, ADDRESS_ORIGIN_HOST, folder_name(), &fault) == -ENOENT, "if_inet6 is missing");
    SEE(strstr(fault.text, "cannot tell whether this host has IPv6") != NULL, "%s", fault.text);
    SEE(!address_table_facts(table)->families[RECORD_INET6].known, "IPv6 is known");
    SEE(find(table, "::1", 0) == ADDRESS_UNKNOWN, "::1 is known");
    SEE(find(table, "192.0.2.1", 0) == ADDRESS_LOCAL, "192.0.2.1 is missing");
    SEE(find(table, "192.0.2.2", 0) == ADDRESS_ABSENT, "192.0.2.2 is there");
    address_table_free(table);
    file_write("if_inet6", IF_INET6);
    table = table_read(ADDRESS_ORIGIN_HOST, folder_name());
    facts_see(table, "silent", LO | EXTERNAL, LO | LINK);
    address_table_free(table);
}

START_TEST(silence_is_not_believed)
{
    child_run(silent_see, 0);
}
END_TEST

/* --- interfaces -------------------------------------------------------------------------------------------------- */

static void interface_see(struct address_table *table, const char *what, unsigned index, enum record_answer there,
                          enum record_answer ipv6)
{
    struct address_interface state = address_table_interface(table, index);

    SEE(state.there == there, "%s: there %d", what, (int)state.there);
    SEE(state.ipv6 == ipv6, "%s: IPv6 %d", what, (int)state.ipv6);
    SEE(state.vrf != RECORD_YES, "%s: a VRF", what);
}

static void interfaces_see(int row)
{
    unsigned interfaces[4] = {0};
    struct address_table *table;

    seen->skipped = !namespace_enter() || !interface_raise(SCOPE_LOOPBACK_INTERFACE) ||
                    !interfaces_make(&interfaces[2], &interfaces[3]);
    if (seen->skipped) {
        return;
    }
    table = table_read(origins[row], "/proc/net");
    interface_see(table, "lo", SCOPE_LOOPBACK_INTERFACE, RECORD_YES, RECORD_YES);
    interface_see(table, "eth0", interfaces[2], RECORD_YES, RECORD_YES);
    interface_see(table, "eth1.5", interfaces[3], RECORD_YES, RECORD_NO);
    interface_see(table, "none", 4711, RECORD_NO, RECORD_UNKNOWN);
    SEE(child_text_write("/proc/sys/net/ipv6/conf/eth1.5/disable_ipv6", "0"), "no sysctl");
    /* asked once */
    interface_see(table, "eth1.5, asked before", interfaces[3], RECORD_YES, RECORD_NO);
    address_table_free(table);
    table = table_read(origins[row], "/proc/net");
    interface_see(table, "eth1.5, enabled", interfaces[3], RECORD_YES, RECORD_YES);
    SEE(interface_remove(interfaces[2]), "eth0 stays");
    interface_see(table, "eth0, removed", interfaces[2], RECORD_NO, RECORD_UNKNOWN);
    address_table_free(table);
}

START_TEST(interfaces_are_reported)
{
    child_run(interfaces_see, _i);
}
END_TEST

/* --- without NETLINK_ROUTE --------------------------------------------------------------------------------------- */

static const struct {
    long call;
    int error; /* 0: the call returns 0 */
    const char *words;
} refusals[] = {
    {__NR_bind, EACCES,
     "cannot open a NETLINK_ROUTE socket to list local addresses (Permission denied): if SELinux or AppArmor forbids "
     "it, label the plugin "
     "nagios_unconfined_plugin_exec_t or allow netlink, see CONFINEMENT.md"},
    {__NR_sendto, EPERM,
     "cannot ask the kernel over NETLINK_ROUTE for local addresses (Operation not permitted): if seccomp or "
     "AppArmor forbids it, allow AF_NETLINK, see CONFINEMENT.md"},
    {__NR_recvmsg, EACCES,
     "cannot read the kernel's list of local addresses from NETLINK_ROUTE (Permission denied): if SELinux or AppArmor "
     "forbids it, label the plugin "
     "nagios_unconfined_plugin_exec_t or allow netlink, see CONFINEMENT.md"},
    {__NR_recvmsg, ENOBUFS, "the kernel's list of local addresses was interrupted (Resource temporarily unavailable)"},
    {__NR_recvmsg, 0, "the list of local addresses is not the kernel's answer to this request (Protocol error)"},
    /* without strict checking the kernel sends all tables: no fault */
    {__NR_setsockopt, 0, ""},
    {__NR_setsockopt, ENOPROTOOPT, ""},
};

static void refusal_see(int row)
{
    unsigned interfaces[4] = {0};
    struct fault fault = {""};
    struct address_table *table = NULL;

    seen->skipped = !host_make(interfaces) || !child_call_forbid(refusals[row].call, refusals[row].error);
    if (seen->skipped) {
        return;
    }
    SEE(address_table_read(&table, ADDRESS_ORIGIN_HOST, "/proc/net", &fault) == 0, "%s", fault.text);
    SEE(strcmp(fault.text, refusals[row].words) == 0, "%s", fault.text);
    facts_see(table, "refused", LO | EXTERNAL, LO | LINK | EXTERNAL);
    SEE(find(table, "192.0.2.1", 0) == ADDRESS_LOCAL, "192.0.2.1");
    SEE(find(table, "192.0.2.2", 0) == ADDRESS_ABSENT, "192.0.2.2");
    SEE(find(table, "2001:db8::3", 0) == ADDRESS_ABSENT, "2001:db8::3");
    interface_see(table, "eth0", interfaces[2], RECORD_YES, RECORD_YES);
    address_table_free(table);
}

START_TEST(refusal_is_reported)
{
    child_run(refusal_see, _i);
}
END_TEST

/* A kernel without IPv6 has no if_inet6 and opens no AF_INET6 socket. */
static void no_ipv6_see(int row)
{
    struct address_table *table;

    (void)row;
    seen->skipped = !namespace_enter();
    if (seen->skipped) {
        return;
    }
    child_ipv6_deny(EAFNOSUPPORT);
    file_write("fib_trie", FIB_TRIE);
    file_write("dev", "");
    table = table_read(ADDRESS_ORIGIN_PROCFS, folder_name());
    facts_see(table, "no IPv6", LO | EXTERNAL, 0);
    SEE(find(table, "::1", 0) == ADDRESS_ABSENT, "::1");
    address_table_free(table);
}

START_TEST(host_without_ipv6)
{
    child_run(no_ipv6_see, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *copied = tcase_create("copies");
    TCase *live = tcase_create("the real kernel");
    TCase *refused = tcase_create("without NETLINK_ROUTE");

    tcase_add_checked_fixture(copied, folder_make, folder_remove);
    tcase_add_loop_test(copied, copies_are_read, 0, COUNT(copies));
    tcase_add_test(copied, without_a_table_nothing_is_known);
    tcase_add_test(copied, no_descriptors);
    suite_add_tcase(suite, copied);
    tcase_add_checked_fixture(live, folder_make, folder_remove);
    tcase_add_loop_test(live, bare_host, 0, COUNT(origins));
    tcase_add_loop_test(live, addresses_are_found, 0, COUNT(origins));
    tcase_add_loop_test(live, leases_are_reported, 0, COUNT(origins));
    tcase_add_loop_test(live, presence_is_who_can_bind, 0, COUNT(origins));
    tcase_add_loop_test(live, many_addresses, 0, COUNT(origins));
    tcase_add_test(live, questions_end);
    tcase_add_test(live, silence_is_not_believed);
    tcase_add_loop_test(live, interfaces_are_reported, 0, COUNT(origins));
    suite_add_tcase(suite, live);
    tcase_add_checked_fixture(refused, folder_make, folder_remove);
    tcase_add_loop_test(refused, refusal_is_reported, 0, COUNT(refusals));
    tcase_add_test(refused, host_without_ipv6);
    suite_add_tcase(suite, refused);
    return unit_run(suite);
}
