/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/scope.c.
 */
#include "config.h"

#include "trial.h"
#include "unit.h"

#include "socket/scope.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static const struct {
    const char *address;
    uint32_t interface;
    enum scope scope;
    bool group;
} addresses[] = {
    {"::ffff:127.0.0.1", 0, SCOPE_LOOPBACK, false},
    {"::ffff:127.0.0.0", 0, SCOPE_LOOPBACK, false},
    {"::ffff:127.255.255.255", 0, SCOPE_LOOPBACK, false},
    {"::ffff:126.255.255.255", 0, SCOPE_EXTERNAL, false},
    {"::ffff:128.0.0.0", 0, SCOPE_EXTERNAL, false},
    {"::1", 0, SCOPE_LOOPBACK, false},
    {"::1", 5, SCOPE_LOOPBACK, false},
    {"::2", 0, SCOPE_EXTERNAL, false},
    /* not mapped */
    {"::127.0.0.1", 0, SCOPE_EXTERNAL, false},
    {"::ffff:169.254.0.0", 0, SCOPE_LINK, false},
    {"::ffff:169.254.255.255", 3, SCOPE_LINK, false},
    {"::ffff:169.253.255.255", 0, SCOPE_EXTERNAL, false},
    {"::ffff:169.255.0.0", 0, SCOPE_EXTERNAL, false},
    {"fe80::1", 2, SCOPE_LINK, false},
    {"febf:ffff::1", 2, SCOPE_LINK, false},
    {"fec0::1", 2, SCOPE_EXTERNAL, false},
    {"fe7f::1", 2, SCOPE_EXTERNAL, false},
    {"fd00::1", 0, SCOPE_EXTERNAL, false},
    {"2001:db8::1", 0, SCOPE_EXTERNAL, false},
    {"::ffff:10.0.0.1", 0, SCOPE_EXTERNAL, false},
    {"::ffff:255.255.255.255", 0, SCOPE_EXTERNAL, false},
    /* wildcards */
    {"::", 0, SCOPE_EXTERNAL, false},
    {"::ffff:0.0.0.0", 0, SCOPE_EXTERNAL, false},
    {"::", 2, SCOPE_EXTERNAL, false},
    /* bound to lo */
    {"::", 1, SCOPE_LOOPBACK, false},
    {"::ffff:0.0.0.0", 1, SCOPE_LOOPBACK, false},
    {"fe80::1", 1, SCOPE_LOOPBACK, false},
    {"2001:db8::1", 1, SCOPE_LOOPBACK, false},
    {"ff02::1", 1, SCOPE_LOOPBACK, true},
    /* groups */
    {"::ffff:224.0.0.0", 0, SCOPE_LINK, true},
    {"::ffff:224.0.0.255", 0, SCOPE_LINK, true},
    {"::ffff:224.0.1.0", 0, SCOPE_EXTERNAL, true},
    {"::ffff:239.255.255.255", 0, SCOPE_EXTERNAL, true},
    {"::ffff:223.255.255.255", 0, SCOPE_EXTERNAL, false},
    {"::ffff:240.0.0.0", 0, SCOPE_EXTERNAL, false},
    {"ff00::1", 0, SCOPE_LOOPBACK, true},
    {"ff01::1", 0, SCOPE_LOOPBACK, true},
    {"ff01::1", 2, SCOPE_LOOPBACK, true},
    {"ff11::1", 0, SCOPE_LOOPBACK, true},
    {"ff02::1:3", 0, SCOPE_LINK, true},
    {"ff02:ffff::1", 0, SCOPE_LINK, true},
    {"ff12::1", 0, SCOPE_LINK, true},
    {"ff32::8000:1", 0, SCOPE_LINK, true},
    {"ff05::1:3", 0, SCOPE_EXTERNAL, true},
    {"ff0e::1", 0, SCOPE_EXTERNAL, true},
};

START_TEST(address_has_its_scope)
{
    struct in6_addr address = trial_address(addresses[_i].address);

    ck_assert_msg(scope_of(&address, addresses[_i].interface) == addresses[_i].scope, "%s%%%u is %s",
                  addresses[_i].address, (unsigned)addresses[_i].interface,
                  scope_name(scope_of(&address, addresses[_i].interface)));
    ck_assert_msg(scope_is_group(&address) == addresses[_i].group, "%s", addresses[_i].address);
}
END_TEST

START_TEST(names_are_read_back)
{
    static const char *const names[SCOPES] = {"loopback", "link", "external"};

    for (int i = 0; i < SCOPES; i++) {
        enum scope scope = (enum scope)((i + 1) % SCOPES);
        ck_assert_str_eq(scope_name((enum scope)i), names[i]);
        ck_assert(scope_parse(names[i], &scope));
        ck_assert_int_eq(scope, i);
    }
}
END_TEST

START_TEST(other_words_are_no_scope)
{
    static const char *const words[] = {"", "Link", "link ", "lo", "loopback,link", "global", "none"};

    for (int i = 0; i < COUNT(words); i++) {
        enum scope scope = SCOPE_LINK;
        ck_assert_msg(!scope_parse(words[i], &scope), "'%s'", words[i]);
        ck_assert_int_eq(scope, SCOPE_LINK);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scope");
    TCase *scopes = tcase_create("scopes");

    tcase_add_loop_test(scopes, address_has_its_scope, 0, COUNT(addresses));
    tcase_add_test(scopes, names_are_read_back);
    tcase_add_test(scopes, other_words_are_no_scope);
    suite_add_tcase(suite, scopes);
    return unit_run(suite);
}
