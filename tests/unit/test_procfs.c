/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/procfs.c: files written as kernels write them, files that are broken, and this machine's own.
 */
#include "config.h"

#include "child.h"
#include "folder.h"
#include "unit.h"

#include "socket/procfs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Addresses as little-endian machines print them: the tests that look at addresses run only there. */
#define HEADING "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define SHORT_ROW "   0: 0100007F:0016 00000000:0000 0A 00000000:00000003 00:00000000 00000000    42        0 1060"
#define TAIL " 1 00000000e8f68e4f 100 0 0 10 0"
#define LISTEN SHORT_ROW TAIL "\n"
#define LISTEN_80                                                                                                      \
    "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1061" TAIL "\n"
#define TIME_WAIT                                                                                                      \
    "   2: 020200C0:8586 507100CB:0050 06 00000000:00000000 03:00001141 00000000     0        0 0 3 "                  \
    "000000004c25f3bd\n"
#define UNSPECIFIED "00000000000000000000000000000000"
#define ROW6(number, local, remote, state)                                                                             \
    "   " number ": " local " " remote " " state                                                                       \
    " 00000000:00000000 00:00000000 00000000     0        0 77 1 0000000000000000 100 0 0 10 0\n"
#define LISTEN6 ROW6("0", UNSPECIFIED ":01BB", UNSPECIFIED ":0000", "0A")
#define MAPPED ROW6("1", "0000000000000000FFFF0000020200C0:01BB", "0000000000000000FFFF0000097100CB:C350", "01")
#define NATIVE ROW6("2", "B80D0120000000000000000001000000:01BB", "B80D0120000000000000000002000000:C351", "01")

/* What a scan showed: the local ports, in order, in hexadecimal. */
struct shown {
    size_t count;
    size_t stop_at; /* visit fails at this many; 0 never */
    uint64_t port_sum;
    unsigned pauses;
    char ports[128];
};

static int record_note(const struct sock_record *record, void *context)
{
    struct shown *shown = context;
    size_t used = strlen(shown->ports);

    ++shown->count;
    shown->port_sum += record->local_port;
    if (used + 6 < sizeof shown->ports) {
        snprintf(shown->ports + used, sizeof shown->ports - used, "%s%x", used > 0 ? " " : "", record->local_port);
    }
    return shown->count == shown->stop_at ? -ECANCELED : 0;
}

static void pause_note(bool anywhere, void *context)
{
    struct shown *shown = context;

    ck_assert(anywhere);
    shown->pauses++;
}

static int folder_scan(const struct source_request *request, struct shown *shown, struct fault *fault)
{
    struct source *source;
    int status;

    fault->text[0] = '\0';
    ck_assert_int_eq(procfs_open(&source, folder_name(), fault), 0);
    ck_assert_str_eq(source->name, "procfs");
    status = source->scan(source, request, record_note, shown, fault);
    source->free(source);
    return status;
}

static const struct source_request everything = {.protocol = RECORD_TCP,
                                                 .families = SOURCE_FAMILIES_ALL,
                                                 .states = SOURCE_STATES_ALL};

/* Lines */

static const struct {
    const char *line;
    enum record_family family;
    enum record_state state;
    const char *local;
    uint16_t local_port;
    const char *remote;
    uint16_t remote_port;
    uint32_t receive_queue;
    uint32_t send_queue;
    uint32_t uid;
    uint64_t inode;
} good_lines[] = {
    {SHORT_ROW TAIL, RECORD_INET, RECORD_LISTEN, "::ffff:127.0.0.1", 22, "::ffff:0.0.0.0", 0, 3, 0, 42, 1060},
    /* no tail, as of a copy made by hand */
    {SHORT_ROW, RECORD_INET, RECORD_LISTEN, "::ffff:127.0.0.1", 22, "::ffff:0.0.0.0", 0, 3, 0, 42, 1060},
    /* gVisor: pointer with 0x, blanks after it */
    {"   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0        0 0 "
     "0x0000000000000000 0 0 0 0 0  ",
     RECORD_INET, RECORD_LISTEN, "::ffff:127.0.0.1", 22, "::ffff:0.0.0.0", 0, 0, 0, 0, 0},
    /* every number as wide as it gets, a row beyond 9999, a carriage return at the end */
    {"1234567: FFFFFFFF:FFFF FFFFFFFF:FFFF 01 FFFFFFFF:FFFFFFFE 01:FFFFFFFFFFFFFFFF FFFFFFFF 4294967295 4294967295 "
     "18446744073709551615 1 ffff88003d3ca700 20 4 30 10 -1\r",
     RECORD_INET, RECORD_ESTABLISHED, "::ffff:255.255.255.255", 65535, "::ffff:255.255.255.255", 65535, 0xfffffffe,
     0xffffffff, 4294967295, UINT64_MAX},
    {"   7: 0000000000000000FFFF0000020200C0:01BB 0000000000000000FFFF0000097100CB:C350 01 00000010:00000020 "
     "02:00000010 00000000  1000        0 99 2 0000000000000000 20 4 30 10 -1",
     RECORD_INET6, RECORD_ESTABLISHED, "::ffff:192.0.2.2", 443, "::ffff:203.0.113.9", 50000, 32, 16, 1000, 99},
    {"   8: B80D012044332211887766550CBBAA99:0035 00000000000000000000000000000000:0000 07 00000000:00000000 "
     "00:00000000 00000000     0        0 99 2 0000000000000000 0",
     RECORD_INET6, RECORD_CLOSE, "2001:db8:1122:3344:5566:7788:99aa:bb0c", 53, "::", 0, 0, 0, 0, 99},
    /* uid -2, as kernels before 3.5 wrote it, and the same unsigned */
    {"   8: 0100007F:0016 00000000:0000 07 00000000:00000000 00:00000000 00000000    -2        0 0", RECORD_INET,
     RECORD_CLOSE, "::ffff:127.0.0.1", 22, "::ffff:0.0.0.0", 0, 0, 0, RECORD_UID_HIDDEN, 0},
    {"   8: 0100007F:0016 00000000:0000 07 00000000:00000000 00:00000000 00000000 4294967294        0 0", RECORD_INET,
     RECORD_CLOSE, "::ffff:127.0.0.1", 22, "::ffff:0.0.0.0", 0, 0, 0, RECORD_UID_HIDDEN, 0},
    /* gVisor: an ICMP socket */
    {"   8: 0100007F:0016 00000000:0000 00 00000000:00000000 00:00000000 00000000     0        0 0", RECORD_INET,
     RECORD_STATELESS, "::ffff:127.0.0.1", 22, "::ffff:0.0.0.0", 0, 0, 0, 0, 0},
    {"   9: 0100007F:0016 0100007F:0017 0C 00000000:00000000 00:00000000 00000000     0        0 0", RECORD_INET,
     RECORD_NEW_SYN_RECV, "::ffff:127.0.0.1", 22, "::ffff:127.0.0.1", 23, 0, 0, 0, 0},
};

static void address_check(const struct in6_addr *address, const char *expected)
{
    struct in6_addr wanted;

    ck_assert_int_eq(inet_pton(AF_INET6, expected, &wanted), 1);
    ck_assert_mem_eq(address, &wanted, sizeof wanted);
}

START_TEST(good_line)
{
    const char *line = good_lines[_i].line;
    struct sock_record record;

    memset(&record, 0xff, sizeof record);
    ck_assert_int_eq(procfs_line_decode(line, strlen(line), RECORD_UDP, good_lines[_i].family, &record), 0);
    ck_assert_int_eq(record.protocol, RECORD_UDP);
    ck_assert_int_eq(record.family, good_lines[_i].family);
    ck_assert_int_eq(record.state, good_lines[_i].state);
    ck_assert_int_eq(record.v6only, RECORD_V6ONLY_UNKNOWN);
    address_check(&record.local, good_lines[_i].local);
    address_check(&record.remote, good_lines[_i].remote);
    ck_assert_uint_eq(record.local_port, good_lines[_i].local_port);
    ck_assert_uint_eq(record.remote_port, good_lines[_i].remote_port);
    ck_assert_uint_eq(record.receive_queue, good_lines[_i].receive_queue);
    ck_assert_uint_eq(record.send_queue, good_lines[_i].send_queue);
    ck_assert_uint_eq(record.uid, good_lines[_i].uid);
    ck_assert_uint_eq(record.interface, 0);
    ck_assert_uint_eq(record.cgroup, 0);
    ck_assert_uint_eq(record.cookie, good_lines[_i].inode);
}
END_TEST

static const char *const bad_lines[] = {
    "",
    " ",
    "   0",
    "   0: ",
    "   0 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   x: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F0:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007G:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F:00016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F:016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F;0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F:0016 00000000:-001 0A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F:0016 00000000:0000 00 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F:0016 00000000:0000 0D 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F:0016 00000000:0000 A 00000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 000000000:00000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:0000000 00:00000000 00000000     0        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00: 00000000     0        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 0000000     0        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 4294967296        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 99999999999999999999        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000    -1        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     -        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000   --2        0 1060",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ",
    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10x",
    /* an AF_INET6 row where AF_INET is due */
    "   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 "
    "00000000     0        0 77",
};

START_TEST(bad_line)
{
    struct sock_record record;

    ck_assert_int_eq(procfs_line_decode(bad_lines[_i], strlen(bad_lines[_i]), RECORD_TCP, RECORD_INET, &record),
                     -EBADMSG);
}
END_TEST

START_TEST(line_bytes)
{
    struct sock_record record;
    char line[] = SHORT_ROW TAIL;

    ck_assert_int_eq(procfs_line_decode(line, strlen(line), RECORD_TCP, RECORD_INET6, &record), -EBADMSG);
    ck_assert_int_eq(procfs_line_decode(line, strlen(line), RECORD_TCP, RECORD_INET, &record), 0);
    for (size_t i = 0; i < strlen(SHORT_ROW TAIL); ++i) {
        memcpy(line, SHORT_ROW TAIL, sizeof line);
        line[i] = '\0';
        ck_assert_int_eq(procfs_line_decode(line, sizeof line - 1, RECORD_TCP, RECORD_INET, &record), -EBADMSG);
    }
}
END_TEST

/* Whole files */

static const struct {
    const char *tcp; /* NULL: no such file */
    const char *tcp6;
    unsigned families;
    int status;
    const char *ports;
    const char *fault;
} files[] = {
    {HEADING LISTEN, HEADING LISTEN6, SOURCE_FAMILIES_ALL, 0, "16 1bb", ""},
    {HEADING LISTEN, HEADING LISTEN6, SOURCE_FAMILY(RECORD_INET), 0, "16", ""},
    {HEADING LISTEN, HEADING LISTEN6, SOURCE_FAMILY(RECORD_INET6), 0, "1bb", ""},
    {HEADING LISTEN LISTEN_80 TIME_WAIT, HEADING LISTEN6 MAPPED NATIVE, SOURCE_FAMILIES_ALL, 0,
     "16 50 8586 1bb 1bb 1bb", ""},
    {HEADING, HEADING, SOURCE_FAMILIES_ALL, 0, "", ""},
    /* a kernel without IPv6 */
    {HEADING LISTEN, NULL, SOURCE_FAMILIES_ALL, 0, "16", ""},
    {HEADING LISTEN, NULL, SOURCE_FAMILY(RECORD_INET6), 0, "", ""},
    /* there is none without IPv4: the copies are not whole, whatever is asked for */
    {NULL, HEADING LISTEN6, SOURCE_FAMILIES_ALL, -ENOENT, "", "DIR/tcp is missing: copy it, too"},
    {NULL, HEADING LISTEN6, SOURCE_FAMILY(RECORD_INET), -ENOENT, "", "DIR/tcp is missing: copy it, too"},
    {NULL, HEADING LISTEN6, SOURCE_FAMILY(RECORD_INET6), -ENOENT, "", "DIR/tcp is missing: copy it, too"},
    {NULL, NULL, SOURCE_FAMILIES_ALL, -ENOENT, "", "DIR/tcp is missing: copy it, too"},
    {NULL, NULL, SOURCE_FAMILY(RECORD_INET6), -ENOENT, "", "DIR/tcp is missing: copy it, too"},
    /* the last newline may be missing, nothing else */
    {HEADING SHORT_ROW TAIL, NULL, SOURCE_FAMILIES_ALL, 0, "16", ""},
    {HEADING SHORT_ROW " 1 e8f68e4f", NULL, SOURCE_FAMILIES_ALL, 0, "16", ""},
    {HEADING SHORT_ROW " 1 0x00000000e8f68e4f", NULL, SOURCE_FAMILIES_ALL, 0, "16", ""},
    {HEADING SHORT_ROW, NULL, SOURCE_FAMILIES_ALL, -EBADMSG, "",
     "DIR/tcp:2: this is not a whole line of /proc/net/tcp"},
    {HEADING LISTEN SHORT_ROW " 1 00000000e8f6", NULL, SOURCE_FAMILIES_ALL, -EBADMSG, "16",
     "DIR/tcp:3: this is not a whole line of /proc/net/tcp"},
    {"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", NULL,
     SOURCE_FAMILIES_ALL, 0, "", ""},
    {"  sl  local_address rem_address   st tx_queue", NULL, SOURCE_FAMILIES_ALL, -EBADMSG, "",
     "DIR/tcp:1: this is not the heading of /proc/net/tcp"},
    /* carriage returns of a copy that went through a mail */
    {"  sl  local_address rem_address   st\r\n" SHORT_ROW TAIL "\r\n", NULL, SOURCE_FAMILIES_ALL, 0, "16", ""},
    {"", HEADING LISTEN6, SOURCE_FAMILIES_ALL, -EBADMSG, "", "DIR/tcp is empty, so it is not a copy of /proc/net/tcp"},
    {HEADING LISTEN, "", SOURCE_FAMILIES_ALL, -EBADMSG, "16",
     "DIR/tcp6 is empty, so it is not a copy of /proc/net/tcp6"},
    {HEADING LISTEN, "", SOURCE_FAMILY(RECORD_INET), 0, "16", ""},
    /* a first row must never pass for the heading */
    {LISTEN LISTEN_80, NULL, SOURCE_FAMILIES_ALL, -EBADMSG, "", "DIR/tcp:1: this is not the heading of /proc/net/tcp"},
    {"\n", NULL, SOURCE_FAMILIES_ALL, -EBADMSG, "", "DIR/tcp:1: this is not the heading of /proc/net/tcp"},
    {"root:x:0:0::/:/bin/sh\n", NULL, SOURCE_FAMILIES_ALL, -EBADMSG, "", "DIR/tcp:1: "},
    {HEADING LISTEN "\n" LISTEN_80, NULL, SOURCE_FAMILIES_ALL, -EBADMSG, "16", "DIR/tcp:3: "},
    {HEADING LISTEN6, NULL, SOURCE_FAMILIES_ALL, -EBADMSG, "", "DIR/tcp:2: this is not a whole line of /proc/net/tcp"},
    {HEADING, HEADING LISTEN, SOURCE_FAMILIES_ALL, -EBADMSG, "",
     "DIR/tcp6:2: this is not a whole line of /proc/net/tcp6"},
};

/* The expected sentence with the test's folder in it, as the start of the one that came. */
static void fault_check(const struct fault *fault, const char *expected)
{
    char text[sizeof fault->text] = "";
    const char *mark;

    while ((mark = strstr(expected, "DIR")) != NULL) {
        strncat(text, expected, (size_t)(mark - expected));
        strcat(text, folder_name());
        expected = mark + 3;
    }
    strcat(text, expected);
    ck_assert_msg(strncmp(fault->text, text, strlen(text)) == 0, "\"%s\" for \"%s\"", fault->text, text);
    ck_assert_int_eq(fault->text[0] == '\0', text[0] == '\0');
}

START_TEST(whole_files)
{
    struct source_request request = everything;
    struct shown shown = {0};
    struct fault fault;

    if (files[_i].tcp != NULL) {
        folder_write_text("tcp", files[_i].tcp);
    }
    if (files[_i].tcp6 != NULL) {
        folder_write_text("tcp6", files[_i].tcp6);
    }
    request.families = files[_i].families;
    ck_assert_int_eq(folder_scan(&request, &shown, &fault), files[_i].status);
    ck_assert_str_eq(shown.ports, files[_i].ports);
    fault_check(&fault, files[_i].fault);
}
END_TEST

#define HEADING_UDP                                                                                                    \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer "    \
    "drops\n"

/* What lies beside udp and udp6, which copies are whole or not by. */
static const struct {
    const char *udp;
    const char *udp6;
    const char *tcp6;
    const char *if_inet6;
    int status;
    const char *fault;
} beside[] = {
    {HEADING_UDP, NULL, NULL, NULL, 0, ""},
    {HEADING_UDP, NULL, NULL, "", 0, ""},
    {HEADING_UDP, NULL, HEADING, NULL, -ENOENT, "DIR/udp6 is missing beside tcp6: copy it, too"},
    {HEADING_UDP, NULL, NULL, "00000000000000000000000000000001 01 80 10 80 lo\n", -ENOENT,
     "DIR/udp6 is missing beside if_inet6: copy it, too"},
    {NULL, HEADING_UDP, NULL, NULL, -ENOENT, "DIR/udp is missing: copy it, too"},
    {HEADING_UDP, HEADING_UDP, HEADING, NULL, 0, ""},
    /* gVisor's udp6, and what is older than these columns or a row of it */
    {HEADING_UDP, HEADING, NULL, NULL, -ENODATA, "DIR/udp6 is a heading only, without the columns of udp, "},
    {HEADING, HEADING, NULL, NULL, 0, ""},
    {HEADING_UDP, HEADING LISTEN6, NULL, NULL, 0, ""},
    {HEADING, HEADING_UDP, NULL, NULL, 0, ""},
};

START_TEST(copies_are_whole)
{
    const struct source_request request = {.protocol = RECORD_UDP,
                                           .families = SOURCE_FAMILIES_ALL,
                                           .states = SOURCE_STATES_ALL};
    const char *const names[] = {"udp", "udp6", "tcp6", "if_inet6"};
    const char *const texts[] = {beside[_i].udp, beside[_i].udp6, beside[_i].tcp6, beside[_i].if_inet6};
    struct shown shown = {0};
    struct fault fault;

    for (int i = 0; i < UNIT_COUNT(names); i++) {
        if (texts[i] != NULL) {
            folder_write_text(names[i], texts[i]);
        }
    }
    ck_assert_int_eq(folder_scan(&request, &shown, &fault), beside[_i].status);
    fault_check(&fault, beside[_i].fault);
}
END_TEST

/* gVisor lists its ICMP sockets in udp. */
START_TEST(stateless_rows_are_left_out)
{
    const struct source_request request = {.protocol = RECORD_UDP,
                                           .families = SOURCE_FAMILIES_ALL,
                                           .states = SOURCE_STATES_ALL};
    struct shown shown = {0};
    struct fault fault;

    folder_write_text(
        "udp",
        HEADING_UDP "   0: 00000000:0001 00000000:0000 00 00000000:00000000 00:00000000 00000000     0        0 0" TAIL
                    "\n" LISTEN);
    ck_assert_int_eq(folder_scan(&request, &shown, &fault), 0);
    ck_assert_str_eq(shown.ports, "16");
}
END_TEST

static int address_note(const struct sock_record *record, void *context)
{
    record_address_format(context, record->family, &record->local);
    return 0;
}

/* A machine of the other byte order wrote 127.0.0.1. */
START_TEST(other_byte_order)
{
    const struct source_request request = {.protocol = RECORD_UDP,
                                           .families = SOURCE_FAMILIES_ALL,
                                           .states = SOURCE_STATES_ALL};
    char address[RECORD_ADDRESS_SIZE] = "";
    struct fault fault = {""};
    struct source *source;

    folder_write_text(
        "udp", HEADING_UDP
        "   0: C0000201:0016 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 0" TAIL "\n");
    folder_write_text(
        "tcp", HEADING
        "   0: 7F000001:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 0" TAIL "\n");
    ck_assert_int_eq(procfs_open(&source, folder_name(), &fault), 0);
    ck_assert_int_eq(source->scan(source, &request, address_note, address, &fault), 0);
    ck_assert_str_eq(address, "192.0.2.1");
    source->free(source);
}
END_TEST

START_TEST(protocols_apart)
{
    struct source_request request = everything;
    struct shown shown = {0};
    struct fault fault;

    folder_write_text("udp", HEADING TIME_WAIT);
    ck_assert_int_eq(folder_scan(&request, &shown, &fault), -ENOENT);
    request.protocol = RECORD_UDP;
    ck_assert_int_eq(folder_scan(&request, &shown, &fault), 0);
    ck_assert_str_eq(shown.ports, "8586");
    folder_write_text("udp6", HEADING LISTEN6);
    ck_assert_int_eq(folder_scan(&request, &shown, &fault), 0);
    ck_assert_str_eq(shown.ports, "8586 8586 1bb");
}
END_TEST

/* A copy cut anywhere fails, or is cut where only what nobody needs is missing from its last row. */
START_TEST(cut_anywhere)
{
    static const char content[] = HEADING LISTEN LISTEN_80;
    size_t pointer_end = strlen(HEADING SHORT_ROW " 1 00000000e8f68e4f");

    for (size_t length = 0; length < strlen(content); ++length) {
        struct shown shown = {0};
        struct fault fault;
        bool first_whole = length >= pointer_end && length <= strlen(HEADING LISTEN);
        bool second_whole = length >= pointer_end + strlen(LISTEN);
        /* eight digits are a whole pointer of a 32-bit kernel */
        bool narrow = length == pointer_end - 8 || length == pointer_end - 8 + strlen(LISTEN);
        bool heading = length == strlen(HEADING) || length == strlen(HEADING) - 1;
        int status;

        folder_write("tcp", content, length);
        status = folder_scan(&everything, &shown, &fault);
        ck_assert_msg((status == 0) == (first_whole || second_whole || narrow || heading), "%zu bytes: %d", length,
                      status);
        ck_assert_int_eq(status == 0, fault.text[0] == '\0');
    }
}
END_TEST

/* Requests */

#define PORTS(...) (const struct source_ports[]){__VA_ARGS__}, UNIT_COUNT(((const struct source_ports[]){__VA_ARGS__}))

static const struct {
    unsigned families;
    uint32_t states;
    bool v4_mapped_only;
    const struct source_ports *ports;
    size_t port_count;
    const char *shown;
} requests[] = {
    {SOURCE_FAMILIES_ALL, SOURCE_STATE(RECORD_LISTEN), false, NULL, 0, "16 50 1bb"},
    {SOURCE_FAMILIES_ALL, SOURCE_STATE(RECORD_TIME_WAIT) | SOURCE_STATE(RECORD_CLOSE), false, NULL, 0, "8586"},
    {SOURCE_FAMILIES_ALL, 0, false, NULL, 0, ""},
    {SOURCE_FAMILY(RECORD_INET6), SOURCE_STATE(RECORD_ESTABLISHED), false, NULL, 0, "1bb 1bb"},
    {SOURCE_FAMILY(RECORD_INET6), SOURCE_STATE(RECORD_ESTABLISHED), true, NULL, 0, "1bb"},
    {SOURCE_FAMILY(RECORD_INET6), SOURCE_STATES_ALL, true, NULL, 0, "1bb"},
    {SOURCE_FAMILIES_ALL, SOURCE_STATES_ALL, false, PORTS({0x50, 0x50}), "50"},
    {SOURCE_FAMILIES_ALL, SOURCE_STATES_ALL, false, PORTS({0x51, 0x8585}), "1bb 1bb 1bb"},
    {SOURCE_FAMILIES_ALL, SOURCE_STATES_ALL, false, PORTS({0, 0x15}, {0x17, 0x4f}, {0x51, 0x51}), ""},
    {SOURCE_FAMILIES_ALL, SOURCE_STATES_ALL, false, PORTS({0, 0x16}, {0x20, 0x20}, {0x8586, 0xffff}), "16 8586"},
    {SOURCE_FAMILIES_ALL, SOURCE_STATES_ALL, false, PORTS({1, 2}, {3, 4}, {5, 6}, {7, 8}, {0x1bb, 0x1bb}),
     "1bb 1bb 1bb"},
    {SOURCE_FAMILY(RECORD_INET6), SOURCE_STATES_ALL, true, PORTS({0x50, 0x50}), ""},
};

START_TEST(requested)
{
    const struct source_request request = {
        .protocol = RECORD_TCP,
        .families = requests[_i].families,
        .states = requests[_i].states,
        .v4_mapped_only = requests[_i].v4_mapped_only,
        .ports = requests[_i].ports,
        .port_count = requests[_i].port_count,
    };
    struct shown shown = {0};
    struct fault fault;

    folder_write_text("tcp", HEADING LISTEN LISTEN_80 TIME_WAIT);
    folder_write_text("tcp6", HEADING LISTEN6 MAPPED NATIVE);
    ck_assert_int_eq(folder_scan(&request, &shown, &fault), 0);
    ck_assert_str_eq(shown.ports, requests[_i].shown);
}
END_TEST

START_TEST(visit_ends_it)
{
    struct shown shown = {.stop_at = 2};
    struct fault fault;

    folder_write_text("tcp", HEADING LISTEN LISTEN_80);
    folder_write_text("tcp6", HEADING LISTEN6);
    ck_assert_int_eq(folder_scan(&everything, &shown, &fault), -ECANCELED);
    ck_assert_uint_eq(shown.count, 2);
}
END_TEST

/* Sizes */

#define MANY 30000

START_TEST(many_rows)
{
    static const char format[] = "%4d: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 "
                                 "       0 1060 1 00000000e8f68e4f %*s\n";
    struct source_request request = everything;
    size_t capacity = sizeof HEADING + MANY * 200;
    char *content = malloc(capacity);
    struct shown shown = {0};
    struct fault fault;
    size_t length;

    ck_assert_ptr_nonnull(content);
    length = (size_t)snprintf(content, capacity, HEADING);
    /* widths that differ, so that rows meet the buffer's end in every way */
    for (int i = 0; i < MANY; ++i) {
        length += (size_t)snprintf(content + length, capacity - length, format, i, (unsigned)i, i % 60, "");
    }
    folder_write("tcp", content, length);
    free(content);
    request.pause = pause_note;
    ck_assert_int_eq(folder_scan(&request, &shown, &fault), 0);
    ck_assert_uint_eq(shown.count, MANY);
    ck_assert_uint_eq(shown.pauses, 0);
    ck_assert_uint_eq(shown.port_sum, (uint64_t)MANY * (MANY - 1) / 2);
}
END_TEST

START_TEST(endless_line)
{
    size_t length = 300000;
    char *content = malloc(length);
    struct shown shown = {0};
    struct fault fault;

    ck_assert_ptr_nonnull(content);
    memset(content, ' ', length);
    memcpy(content, HEADING LISTEN, strlen(HEADING LISTEN));
    memcpy(content + strlen(HEADING LISTEN), SHORT_ROW TAIL, strlen(SHORT_ROW TAIL));
    folder_write("tcp", content, length);
    free(content);
    ck_assert_int_eq(folder_scan(&everything, &shown, &fault), -EBADMSG);
    ck_assert_str_eq(shown.ports, "16");
    fault_check(&fault, "DIR/tcp:3: ");
}
END_TEST

/* What is no such file at all */

START_TEST(no_file)
{
    struct fault fault;
    struct shown shown = {0};
    char path[PATH_MAX];
    char expected[64];

    folder_path(path, "tcp");
    folder_add_directory("tcp");
    ck_assert_int_eq(folder_scan(&everything, &shown, &fault), -EISDIR);
    fault_check(&fault, "cannot read DIR/tcp: Is a directory");
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(folder_scan(&everything, &shown, &fault), -EINVAL);
    fault_check(&fault, "cannot read DIR/tcp: ");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("tcp", path), 0);
    ck_assert_int_eq(folder_scan(&everything, &shown, &fault), -ELOOP);
    ck_assert_int_eq(unlink(path), 0);
    /* opens and reports its size, but every read fails */
    ck_assert_int_eq(symlink("/proc/self/mem", path), 0);
    ck_assert_int_eq(folder_scan(&everything, &shown, &fault), -EIO);
    snprintf(expected, sizeof expected, "cannot read DIR/tcp: %s", strerror(EIO));
    fault_check(&fault, expected);
    ck_assert_uint_eq(shown.count, 0);
}
END_TEST

START_TEST(long_folder)
{
    struct source *source = NULL;
    struct fault fault = {""};
    char name[5000];

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(procfs_open(&source, name, &fault), -ENAMETOOLONG);
    ck_assert_ptr_null(source);
    ck_assert_ptr_nonnull(strstr(fault.text, strerror(ENAMETOOLONG)));
}
END_TEST

/* This machine */

START_TEST(this_machine)
{
    const struct source_request request = {.protocol = _i % 2 == 0 ? RECORD_TCP : RECORD_UDP,
                                           .families = SOURCE_FAMILIES_ALL,
                                           .states = SOURCE_STATES_ALL};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct source_ports port;
    struct source_request mine = request;
    struct shown shown = {0};
    struct fault fault = {""};
    struct source *source;
    int listener = socket(AF_INET, (_i % 2 == 0 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
    if (_i % 2 == 0) {
        ck_assert_int_eq(listen(listener, 1), 0);
    }
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    port = (struct source_ports){ntohs(address.sin_port), ntohs(address.sin_port)};
    mine.ports = &port;
    mine.port_count = 1;
    mine.states = SOURCE_STATE(_i % 2 == 0 ? RECORD_LISTEN : RECORD_CLOSE);
    ck_assert_int_eq(procfs_open(&source, "/proc/net", &fault), 0);
    ck_assert_msg(source->scan(source, &request, record_note, &shown, &fault) == 0, "%s", fault.text);
    ck_assert_uint_ge(shown.count, 1);
    shown = (struct shown){0};
    ck_assert_int_eq(source->scan(source, &mine, record_note, &shown, &fault), 0);
    ck_assert_uint_eq(shown.count, 1);
    ck_assert_uint_eq(shown.port_sum, port.first);
    source->free(source);
    close(listener);
}
END_TEST

#define CROWD 100

static int crowd_member_open(int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    if (type == SOCK_STREAM) {
        ck_assert_int_eq(listen(listener, CROWD), 0);
    }
    return listener;
}

static void live_scan(const struct source_request *request, struct shown *shown)
{
    struct fault fault = {""};
    struct source *source;

    *shown = (struct shown){0};
    ck_assert_int_eq(procfs_open(&source, "/proc/self/net", &fault), 0);
    ck_assert_msg(source->scan(source, request, record_note, shown, &fault) == 0, "%s", fault.text);
    source->free(source);
}

/* The kernel gives a page with each read(): some 30 sockets. */
START_TEST(pauses_of_live_files_are_reported)
{
    bool is_tcp = _i == 0;
    struct source_request request = {.protocol = is_tcp ? RECORD_TCP : RECORD_UDP,
                                     .families = SOURCE_FAMILIES_ALL,
                                     .states = SOURCE_STATE(is_tcp ? RECORD_LISTEN : RECORD_CLOSE),
                                     .pause = pause_note};
    struct shown shown;
    int listeners[CROWD];

    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        printf("skipped: no network namespace: %s\n", strerror(errno));
        return;
    }
    for (size_t i = 0; i < CROWD; i++) {
        listeners[i] = crowd_member_open(is_tcp ? SOCK_STREAM : SOCK_DGRAM);
        live_scan(&request, &shown);
        ck_assert_uint_eq(shown.count, i + 1);
        if (i < 15) {
            ck_assert_uint_eq(shown.pauses, 0);
        }
    }
    ck_assert_uint_ge(shown.pauses, 2);
    request.turn = 1;
    live_scan(&request, &shown);
    ck_assert_uint_eq(shown.count, CROWD);
    ck_assert_uint_ge(shown.pauses, 2);
    for (size_t i = 0; i < CROWD; i++) {
        close(listeners[i]);
    }
}
END_TEST

static bool lo_is_up(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result = ioctl(probe, SIOCSIFFLAGS, &lo);

    close(probe);
    return result == 0;
}

/* Connections stand behind all listeners: where the file was cut there is no matter, and another turn needs no more. */
START_TEST(pauses_behind_the_listeners_do_not_matter)
{
    struct source_request request = {.protocol = RECORD_TCP,
                                     .families = SOURCE_FAMILIES_ALL,
                                     .states = SOURCE_STATE(RECORD_LISTEN),
                                     .pause = pause_note};
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int clients[CROWD];
    struct shown shown;
    int listener;

    if ((unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) || !lo_is_up()) {
        printf("skipped: no network namespace: %s\n", strerror(errno));
        return;
    }
    listener = crowd_member_open(SOCK_STREAM);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    for (size_t i = 0; i < CROWD; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(clients[i], (struct sockaddr *)&address, length), 0);
    }
    for (request.turn = 0; request.turn < 2; request.turn++) {
        live_scan(&request, &shown);
        ck_assert_uint_eq(shown.count, 1);
        ck_assert_uint_eq(shown.pauses, 0);
    }
    request.states = SOURCE_STATES_ALL;
    live_scan(&request, &shown);
    ck_assert_uint_eq(shown.count, 2 * CROWD + 1);
    for (size_t i = 0; i < CROWD; i++) {
        close(clients[i]);
    }
    close(listener);
}
END_TEST

/* A /proc/net that lacks a family */

static bool proc_replace(void)
{
    static const char content[] = HEADING LISTEN;
    int file;

    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 || mount("none", "/proc", "tmpfs", 0, NULL) < 0 ||
        mkdir("/proc/net", 0755) < 0) {
        return false;
    }
    file = open("/proc/net/tcp", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    return file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content) && close(file) == 0;
}

static const struct {
    unsigned families;
    int socket_errno; /* what opening an AF_INET6 socket gives, 0 for what it does */
    int status;
    const char *fault;
} lacks[] = {
    {SOURCE_FAMILIES_ALL, EAFNOSUPPORT, 0, ""},
    {SOURCE_FAMILY(RECORD_INET), 0, 0, ""},
    {SOURCE_FAMILIES_ALL, 0, -ENOENT, "/proc/net/tcp6 is missing, though the kernel opens such sockets"},
    {SOURCE_FAMILY(RECORD_INET6), 0, -ENOENT, "/proc/net/tcp6 is missing, though the kernel opens such sockets"},
    {SOURCE_FAMILIES_ALL, ENETDOWN, -ENETDOWN, "cannot read /proc/net/tcp6: Network is down"},
};

/* What a child process saw, in memory that it shares with the test. */
struct seen {
    bool skipped;
    int status;
    struct shown shown;
    struct fault fault;
};

static void lack_see(int index, struct seen *seen)
{
    struct source_request request = everything;
    struct source *source;

    seen->skipped = true;
    if (!child_privilege_get() || unshare(CLONE_NEWNS) < 0 || !proc_replace()) {
        return;
    }
    child_ipv6_deny(lacks[index].socket_errno);
    seen->skipped = false;
    request.families = lacks[index].families;
    seen->status = procfs_open(&source, "/proc/net", &seen->fault);
    if (seen->status < 0) {
        return;
    }
    seen->status = source->scan(source, &request, record_note, &seen->shown, &seen->fault);
    source->free(source);
}

START_TEST(lacking)
{
    struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;
    int status;

    ck_assert_ptr_ne(seen, MAP_FAILED);
    child = fork();
    if (child == 0) {
        lack_see(_i, seen);
        child_end(true);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    if (seen->skipped) {
        printf("skipped: lacking %d needs root, or user namespaces for all\n", _i);
    } else {
        ck_assert_int_eq(seen->status, lacks[_i].status);
        ck_assert_str_eq(seen->fault.text, lacks[_i].fault);
        ck_assert_uint_eq(seen->shown.count, lacks[_i].families & SOURCE_FAMILY(RECORD_INET) ? 1 : 0);
    }
    munmap(seen, sizeof *seen);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("procfs");
    TCase *lines = tcase_create("lines");
    TCase *content = tcase_create("files");
    TCase *machine = tcase_create("this machine");
    bool little_endian = htonl(1) != 1;

    if (little_endian) {
        tcase_add_loop_test(lines, good_line, 0, UNIT_COUNT(good_lines));
    }
    tcase_add_loop_test(lines, bad_line, 0, UNIT_COUNT(bad_lines));
    tcase_add_test(lines, line_bytes);
    suite_add_tcase(suite, lines);

    tcase_add_checked_fixture(content, folder_make, folder_remove);
    tcase_add_loop_test(content, whole_files, 0, UNIT_COUNT(files));
    tcase_add_loop_test(content, copies_are_whole, 0, UNIT_COUNT(beside));
    tcase_add_test(content, stateless_rows_are_left_out);
    if (little_endian) {
        tcase_add_test(content, other_byte_order);
    }
    tcase_add_test(content, protocols_apart);
    tcase_add_test(content, cut_anywhere);
    if (little_endian) {
        tcase_add_loop_test(content, requested, 0, UNIT_COUNT(requests));
    }
    tcase_add_test(content, visit_ends_it);
    tcase_add_test(content, many_rows);
    tcase_add_test(content, endless_line);
    tcase_add_test(content, no_file);
    tcase_add_test(content, long_folder);
    suite_add_tcase(suite, content);

    tcase_add_loop_test(machine, this_machine, 0, 2);
    tcase_add_loop_test(machine, lacking, 0, UNIT_COUNT(lacks));
    tcase_add_loop_test(machine, pauses_of_live_files_are_reported, 0, 2);
    tcase_add_test(machine, pauses_behind_the_listeners_do_not_matter);
    suite_add_tcase(suite, machine);
    return unit_run(suite);
}
