/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/text_list.c: the table of --list.
 */
#include "config.h"

#include "render/text.h"

#include "collect.h"
#include "trial.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static char root[] = "root";
static char wide[] = "j\xc3\xb6rg-\xe2\x82\xac"; /* 6 characters in 10 bytes */
static char unit[] = "nginx.service";
static struct owners_entry users[] = {{.id = 0, .asked = true, .name = root}, {.id = 1, .asked = true, .name = wide}};
static struct owners_entry units[] = {{.id = 7, .asked = true, .state = TALLY_UNIT_KNOWN, .name = unit}};
static const struct owners owners = {.users = {.entries = users, .count = 2}, .units = {.entries = units, .count = 1}};

#define HOST "22=0.0.0.0 443=::"

/* Two sockets of the host through both passes. */
static void list_collect(struct collect *collected, const char *host, unsigned verbose)
{
    const struct sock_record records[] = {
        {.protocol = RECORD_TCP,
         .family = RECORD_INET,
         .state = RECORD_LISTEN,
         .local = trial_address("0.0.0.0"),
         .remote = trial_address("0.0.0.0"),
         .local_port = 22},
        {.protocol = RECORD_TCP,
         .family = RECORD_INET6,
         .state = RECORD_LISTEN,
         .v6only = RECORD_V6ONLY_NO,
         .local = trial_address("::"),
         .remote = trial_address("::"),
         .local_port = 443,
         .receive_queue = 12345678},
    };
    struct writer_row rows[] = {
        {.record = &records[0], .user = &users[1], .unit = NULL},
        {.record = &records[1], .user = &users[0], .unit = &units[0]},
    };
    struct tally *tally = trial_tally(host);
    struct writer_list *list = calloc(1, sizeof *list);
    const struct sink sink = collect_sink(collected);

    list->owners = &owners;
    list->verbose = verbose;
    for (int i = 0; i < 2; i++) {
        text_writer.list_measure(list, &(struct writer_row){.record = &records[i]});
    }
    ck_assert_ptr_null(collected->text);
    list->tally = tally;
    text_writer.list_head(list, &sink);
    for (int i = 0; i < 2; i++) {
        text_writer.list_row(list, &rows[i], &sink);
    }
    free(list);
    tally_free(tally);
}

/* Each column as wide as its widest cell in characters, numbers flush right, nothing behind the last cell. */
START_TEST(columns_fit_their_cells)
{
    struct collect collected = {.text = NULL};

    list_collect(&collected, HOST, 0);
    ck_assert_str_eq(collected.text,
                     "Proto    Recv-Q  Send-Q  Local Address  Foreign Address  State   On the wire  User    Unit\n"
                     "tcp           0       0  0.0.0.0:22     0.0.0.0:*        LISTEN  IPv4         "
                     "j\xc3\xb6rg-\xe2\x82\xac  -\n"
                     "tcp6   12345678       0  :::443         :::*             LISTEN  IPv4+IPv6    root    "
                     "nginx.service\n");
    collect_clear(&collected);
}
END_TEST

/* What reaches a listener is known when all were measured, and still has room. */
START_TEST(reach_fits_its_column)
{
    struct collect collected = {.text = NULL};

    list_collect(&collected, HOST " ipv4:none noipv6", 0);
    ck_assert_ptr_nonnull(strstr(collected.text, "  LISTEN  nothing      root    nginx.service\n"));
    collect_clear(&collected);
    list_collect(&collected, "443=::/? noipv6", 0);
    ck_assert_ptr_nonnull(strstr(collected.text, "  State   On the wire   User  "));
    collect_clear(&collected);
}
END_TEST

START_TEST(sentences_stand_below_surprises)
{
    struct collect collected = {.text = NULL};
    const char *end = "\n       accepts IPv4 too: IPV6_V6ONLY is off\n";

    list_collect(&collected, HOST, 1);
    ck_assert_uint_gt(collected.length, strlen(end));
    ck_assert_str_eq(collected.text + collected.length - strlen(end), end);
    ck_assert_ptr_nonnull(strstr(collected.text, "  -\ntcp6 "));
    collect_clear(&collected);
}
END_TEST

/* How it was read, then what could not be. */
START_TEST(end_tells_of_the_whole)
{
    struct writer_list_end end = {
        .remarks = (const char *[]){"TCP sockets were read\nelsewhere", "units are not known"},
        .remark_count = 2,
        .faults = (const char *[]){"it broke off", "more is missing"},
        .fault_count = 0,
    };
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(text_writer.list_end(&end, &sink), 0);
    ck_assert_str_eq(collected.text, "TCP sockets were read elsewhere\nunits are not known\n");
    collect_clear(&collected);
    end.remark_count = 0;
    ck_assert_int_eq(text_writer.list_end(&end, &sink), 0);
    ck_assert_ptr_null(collected.text);
    end.remark_count = 1;
    end.fault_count = 2;
    ck_assert_int_eq(text_writer.list_end(&end, &sink), 0);
    ck_assert_str_eq(collected.text, "TCP sockets were read elsewhere\n"
                                     "DUALSTACK UNKNOWN: it broke off ... and 1 more\n"
                                     "\\_[UNKNOWN] more is missing\n");
    collect_clear(&collected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_list");
    TCase *tcase = tcase_create("text_list");

    tcase_add_test(tcase, columns_fit_their_cells);
    tcase_add_test(tcase, reach_fits_its_column);
    tcase_add_test(tcase, sentences_stand_below_surprises);
    tcase_add_test(tcase, end_tells_of_the_whole);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
