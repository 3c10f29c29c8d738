/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/netlink_attribute.c.
 */
#include "config.h"

#include "unit.h"

#include "socket/netlink_attribute.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* Attributes as the kernel lays them out: length, type, value, padded to four bytes. */
struct row {
    const char *what;
    struct {
        uint16_t length;
        uint16_t type;
    } headers[3];
    size_t length; /* of all */
    int count;     /* that can be taken */
    int end;
};

static const struct row rows[] = {
    {"nothing", {{0}}, 0, 0, 0},
    {"one", {{8, 1}}, 8, 1, 0},
    {"one without a value", {{4, 1}}, 4, 1, 0},
    {"three", {{8, 1}, {8, 2}, {8, 3}}, 24, 3, 0},
    {"padded", {{5, 1}, {7, 2}}, 16, 2, 0},
    {"the last one's padding missing", {{8, 1}, {5, 2}}, 13, 2, 0},
    {"flags are no part of the type", {{8, 1 | NLA_F_NESTED}, {8, 2 | NLA_F_NET_BYTEORDER}}, 16, 2, 0},
    {"cut within a header", {{8, 1}, {8, 2}}, 11, 1, -EBADMSG},
    {"cut within a value", {{8, 1}, {8, 2}}, 15, 1, -EBADMSG},
    {"shorter than its header", {{3, 1}}, 8, 0, -EBADMSG},
    {"length 0", {{8, 1}, {0, 2}}, 16, 1, -EBADMSG},
    {"longer than what is left", {{8, 1}, {UINT16_MAX, 2}}, 16, 1, -EBADMSG},
};

/* In memory of just its size and at an odd address. */
START_TEST(attributes_are_taken)
{
    const struct row *row = &rows[_i];
    unsigned char *bytes = calloc(1, row->length + 1);
    struct netlink_attributes rest = {bytes + 1, row->length};
    struct netlink_attribute attribute;
    int count = 0;
    int result;

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < 3 && i * 8 < row->length; i++) {
        size_t room = row->length - i * 8;
        memcpy(bytes + 1 + i * 8, &row->headers[i], room < 4 ? room : 4);
    }
    while ((result = netlink_attribute_next(&rest, &attribute)) == 1) {
        ck_assert_uint_eq(attribute.type, (unsigned)count + 1);
        ck_assert_uint_eq(attribute.length, row->headers[count].length - 4u);
        ck_assert_ptr_eq(attribute.value, bytes + 1 + count * 8 + 4);
        count++;
    }
    ck_assert_msg(result == row->end && count == row->count, "%s: %d after %d", row->what, result, count);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netlink_attribute");
    TCase *attributes = tcase_create("attributes");

    tcase_add_loop_test(attributes, attributes_are_taken, 0, COUNT(rows));
    suite_add_tcase(suite, attributes);
    return unit_run(suite);
}
