/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/socket/protocol.c: what is said of each protocol, and that whatever rows there are, they are whole.
 */
#include "config.h"

#include "socket/protocol.h"

#include "unit.h"

#include <string.h>

/* A row each, as the kernel, netstat and systemd have it. */
static const struct {
    enum record_protocol protocol;
    const char *name, *label, *proto, *proto6, *module, *systemd;
    uint8_t number;
    enum record_state listening;
    bool one_walk, shares_client_ports, has_connections;
} rows[] = {
    {RECORD_TCP, "tcp", "TCP", "tcp", "tcp6", "tcp_diag", "Stream", 6, RECORD_LISTEN, true, false, true},
    {RECORD_UDP, "udp", "UDP", "udp", "udp6", "udp_diag", "Datagram", 17, RECORD_CLOSE, false, true, false},
};

START_TEST(protocol_is_a_row)
{
    const struct protocol *protocol = protocol_of(rows[_i].protocol);

    ck_assert_str_eq(protocol->name, rows[_i].name);
    ck_assert_str_eq(protocol->label, rows[_i].label);
    ck_assert_str_eq(protocol->names[RECORD_INET], rows[_i].proto);
    ck_assert_str_eq(protocol->names[RECORD_INET6], rows[_i].proto6);
    ck_assert_str_eq(protocol->module, rows[_i].module);
    ck_assert_str_eq(protocol->systemd, rows[_i].systemd);
    ck_assert_uint_eq(protocol->number, rows[_i].number);
    ck_assert_int_eq(protocol->listening, rows[_i].listening);
    ck_assert_int_eq(protocol->one_walk, rows[_i].one_walk);
    ck_assert_int_eq(protocol->shares_client_ports, rows[_i].shares_client_ports);
    ck_assert_int_eq(protocol->has_connections, rows[_i].has_connections);
}
END_TEST

START_TEST(rows_are_whole)
{
    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        const struct protocol *protocol = protocol_of((enum record_protocol)i);
        const char *const texts[] = {
            protocol->name,
            protocol->label,
            protocol->reading,
            protocol->module,
            protocol->systemd,
            protocol->names[RECORD_INET],
            protocol->names[RECORD_INET6],
        };
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            ck_assert_msg(texts[k] != NULL && *texts[k] != '\0', "protocol %d lacks a text", i);
        }
        ck_assert_uint_ne(protocol->number, 0);
        ck_assert_int_ne((int)protocol->listening, 0);
        ck_assert_uint_eq(strspn(protocol->name, "abcdefghijklmnopqrstuvwxyz"), strlen(protocol->name));
        ck_assert_uint_lt(strlen(protocol->name), PROTOCOL_NAME_SIZE);
        ck_assert_uint_lt(strlen(protocol->names[RECORD_INET6]), PROTOCOL_NAME_SIZE);
        ck_assert_ptr_nonnull(strstr(protocol->reading, protocol->label));
    }
}
END_TEST

START_TEST(no_two_are_alike)
{
    for (int i = 1; i < RECORD_PROTOCOLS; i++) {
        for (int k = 0; k < i; k++) {
            const struct protocol *a = protocol_of((enum record_protocol)i);
            const struct protocol *b = protocol_of((enum record_protocol)k);
            ck_assert_str_ne(a->name, b->name);
            ck_assert_str_ne(a->label, b->label);
            ck_assert_str_ne(a->names[RECORD_INET], b->names[RECORD_INET]);
            ck_assert_str_ne(a->names[RECORD_INET6], b->names[RECORD_INET6]);
            ck_assert_uint_ne(a->number, b->number);
        }
    }
}
END_TEST

START_TEST(names_are_read)
{
    static const char *const others[] = {"", "TCP", "tcp6", "tcp ", "sctp"};
    enum record_protocol protocol = RECORD_UDP;

    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        ck_assert(protocol_parse(protocol_name((enum record_protocol)i), &protocol));
        ck_assert_int_eq((int)protocol, i);
        ck_assert_str_eq(protocol_word(i), protocol_name((enum record_protocol)i));
    }
    ck_assert_ptr_null(protocol_word(RECORD_PROTOCOLS));
    protocol = RECORD_UDP;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ck_assert(!protocol_parse(others[i], &protocol));
        ck_assert_int_eq((int)protocol, RECORD_UDP);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocol");
    TCase *tcase = tcase_create("protocol");

    tcase_add_loop_test(tcase, protocol_is_a_row, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(tcase, rows_are_whole);
    tcase_add_test(tcase, no_two_are_alike);
    tcase_add_test(tcase, names_are_read);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
