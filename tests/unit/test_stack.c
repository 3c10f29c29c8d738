/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/audit/stack.c.
 */
#include "config.h"

#include "audit/stack.h"

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* Addresses as records hold them: IPv4 in its v4-mapped form. */
static struct in6_addr address_of(const char *text)
{
    struct in6_addr address;
    char mapped[64];

    snprintf(mapped, sizeof mapped, "%s%s", strchr(text, ':') == NULL ? "::ffff:" : "", text);
    ck_assert_int_eq(inet_pton(AF_INET6, mapped, &address), 1);
    return address;
}

/* --- what a listener accepts ------------------------------------------------------------------------------------- */

#define NO RECORD_NO
#define YES RECORD_YES
#define MAYBE RECORD_UNKNOWN

static const struct {
    enum record_family family;
    const char *address;
    enum record_v6only v6only;
    enum record_answer ipv4, ipv6;
} accepts[] = {
    /* AF_INET, whatever it is bound to, whatever the host has. */
    {RECORD_INET, "0.0.0.0", RECORD_V6ONLY_UNKNOWN, YES, NO},
    {RECORD_INET, "127.0.0.1", RECORD_V6ONLY_UNKNOWN, YES, NO},
    {RECORD_INET, "192.0.2.1", RECORD_V6ONLY_UNKNOWN, YES, NO},
    {RECORD_INET, "0.0.0.0", RECORD_V6ONLY_UNKNOWN, YES, NO},
    /* [::] */
    {RECORD_INET6, "::", RECORD_V6ONLY_YES, NO, YES},
    {RECORD_INET6, "::", RECORD_V6ONLY_NO, YES, YES},
    {RECORD_INET6, "::", RECORD_V6ONLY_UNKNOWN, MAYBE, YES},
    /* A v4-mapped address takes IPv4 alone, whatever v6only says: the kernel shows no. */
    {RECORD_INET6, "::ffff:192.0.2.1", RECORD_V6ONLY_NO, YES, NO},
    {RECORD_INET6, "::ffff:127.0.0.1", RECORD_V6ONLY_UNKNOWN, YES, NO},
    {RECORD_INET6, "::ffff:0.0.0.0", RECORD_V6ONLY_NO, YES, NO},
    {RECORD_INET6, "::ffff:192.0.2.1", RECORD_V6ONLY_NO, YES, NO},
    /* Any other address takes IPv6 alone, also when v6only was switched off or is unknown. */
    {RECORD_INET6, "::1", RECORD_V6ONLY_YES, NO, YES},
    {RECORD_INET6, "::1", RECORD_V6ONLY_NO, NO, YES},
    {RECORD_INET6, "2001:db8::1", RECORD_V6ONLY_NO, NO, YES},
    {RECORD_INET6, "fe80::1", RECORD_V6ONLY_UNKNOWN, NO, YES},
    {RECORD_INET6, "::192.0.2.1", RECORD_V6ONLY_NO, NO, YES},
    {RECORD_INET6, "64:ff9b::192.0.2.1", RECORD_V6ONLY_NO, NO, YES},
};

START_TEST(listener_accepts_what_the_kernel_lets_in)
{
    struct in6_addr address = address_of(accepts[_i].address);
    struct stack_accepts found = stack_accepts(accepts[_i].family, &address, accepts[_i].v6only);

    ck_assert_int_eq(found.ipv4, accepts[_i].ipv4);
    ck_assert_int_eq(found.ipv6, accepts[_i].ipv6);
}
END_TEST

/* --- scopes ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *address;
    uint32_t interface;
    enum scope scope;
} scopes[] = {
    {"127.0.0.1", 0, SCOPE_LOOPBACK},
    {"127.0.0.0", 0, SCOPE_LOOPBACK},
    {"127.255.255.255", 0, SCOPE_LOOPBACK},
    {"126.255.255.255", 0, SCOPE_EXTERNAL},
    {"128.0.0.0", 0, SCOPE_EXTERNAL},
    {"::1", 0, SCOPE_LOOPBACK},
    {"::2", 0, SCOPE_EXTERNAL},
    {"::ffff:127.0.0.1", 0, SCOPE_LOOPBACK},
    {"::127.0.0.1", 0, SCOPE_EXTERNAL},
    {"0.0.0.0", 1, SCOPE_LOOPBACK},
    {"::", 1, SCOPE_LOOPBACK},
    {"2001:db8::1", 1, SCOPE_LOOPBACK},
    {"fe80::1", 1, SCOPE_LOOPBACK},
    {"127.0.0.1", 2, SCOPE_LOOPBACK},
    {"0.0.0.0", 0, SCOPE_EXTERNAL},
    {"::", 0, SCOPE_EXTERNAL},
    {"::", 2, SCOPE_EXTERNAL},
    {"0.0.0.0", 10, SCOPE_EXTERNAL},
    {"fe80::1", 2, SCOPE_LINK},
    {"fe80::", 0, SCOPE_LINK},
    {"febf:ffff::1", 0, SCOPE_LINK},
    {"fec0::1", 0, SCOPE_EXTERNAL},
    {"fe7f::1", 0, SCOPE_EXTERNAL},
    {"169.254.0.1", 0, SCOPE_LINK},
    {"169.254.255.255", 0, SCOPE_LINK},
    {"::ffff:169.254.1.1", 0, SCOPE_LINK},
    {"169.253.255.255", 0, SCOPE_EXTERNAL},
    {"169.255.0.0", 0, SCOPE_EXTERNAL},
    {"10.0.0.1", 0, SCOPE_EXTERNAL},
    {"192.0.2.1", 0, SCOPE_EXTERNAL},
    {"fc00::1", 0, SCOPE_EXTERNAL},
    {"2001:db8::1", 0, SCOPE_EXTERNAL},
};

START_TEST(scope_follows_address_and_interface)
{
    struct in6_addr address = address_of(scopes[_i].address);

    ck_assert_str_eq(scope_name(scope_of(&address, scopes[_i].interface)), scope_name(scopes[_i].scope));
}
END_TEST

static const struct {
    const char *text;
    int scope; /* -1: no scope */
} scope_words[] = {
    {"loopback", SCOPE_LOOPBACK},
    {"link", SCOPE_LINK},
    {"external", SCOPE_EXTERNAL},
    {"", -1},
    {"Loopback", -1},
    {"loop", -1},
    {"loopback ", -1},
    {"global", -1},
};

START_TEST(scope_words_are_read)
{
    enum scope scope = SCOPE_LINK;
    bool good = scope_parse(scope_words[_i].text, &scope);

    ck_assert_int_eq(good, scope_words[_i].scope >= 0);
    if (good) {
        ck_assert_int_eq((int)scope, scope_words[_i].scope);
        ck_assert_str_eq(scope_name(scope), scope_words[_i].text);
    }
}
END_TEST

/* --- listeners added up ------------------------------------------------------------------------------------------ */

/*
 * Adds listeners written as "0.0.0.0", "::" (dual), "::/6" (v6only), "::/?" (v6only unknown), "::%lo" or "::%lo/6",
 * set apart by blanks.
 */
static struct stack stack_of_text(const char *text, const struct stack_assumption *assumption)
{
    struct stack_sum sum = {.native = false};
    char copy[256];
    char *rest = NULL;

    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *slash = strchr(word, '/');
        enum record_family family = strchr(word, ':') != NULL ? RECORD_INET6 : RECORD_INET;
        enum record_v6only v6only = family == RECORD_INET6 ? RECORD_V6ONLY_NO : RECORD_V6ONLY_UNKNOWN;
        uint32_t interface = 0;
        struct stack_socket socket;
        struct stack_accepts found;
        struct in6_addr address;
        char *percent;

        if (slash != NULL) {
            v6only = slash[1] == '6' ? RECORD_V6ONLY_YES : RECORD_V6ONLY_UNKNOWN;
            *slash = '\0';
        }
        percent = strchr(word, '%');
        if (percent != NULL) {
            interface = 1;
            *percent = '\0';
        }
        address = address_of(word);
        socket.family = family;
        found = stack_accepts(family, &address, v6only);
        socket.takes[RECORD_INET] =
            found.ipv4 == RECORD_YES || (found.ipv4 == RECORD_UNKNOWN && assumption->unknown_takes_ipv4);
        socket.takes[RECORD_INET6] = found.ipv6 == RECORD_YES;
        socket.extent[RECORD_INET] = (enum reach_extent)(scope_of(&address, interface) + 1);
        socket.extent[RECORD_INET6] = assumption->host_has_ipv6 ? socket.extent[RECORD_INET] : REACH_NONE;
        stack_sum_add(&sum, &socket);
    }
    return stack_of(&sum);
}

#define R_NONE REACH_NONE
#define R_LOOP REACH_LOOPBACK
#define R_LINK REACH_LINK
#define R_EXT REACH_EXTERNAL

static const struct {
    const char *listeners;
    const char *kind;
    enum stack_form form;
    bool lopsided;
    enum reach_extent ipv4, ipv6;
} sums[] = {
    {"", "closed", STACK_FORM_NONE, false, R_NONE, R_NONE},
    {"0.0.0.0", "v4-only", STACK_FORM_NONE, false, R_EXT, R_NONE},
    {"127.0.0.1", "v4-only", STACK_FORM_NONE, false, R_LOOP, R_NONE},
    {"::ffff:192.0.2.1", "v4-only", STACK_FORM_NONE, false, R_EXT, R_NONE},
    {"::/6", "v6-only", STACK_FORM_NONE, false, R_NONE, R_EXT},
    {"::1", "v6-only", STACK_FORM_NONE, false, R_NONE, R_LOOP},
    /* The forms. */
    {"::", "dual-stack", STACK_SINGLE, false, R_EXT, R_EXT},
    {":: ::ffff:192.0.2.1", "dual-stack", STACK_SINGLE, false, R_EXT, R_EXT},
    {":: ::", "dual-stack", STACK_SINGLE, false, R_EXT, R_EXT},
    {"0.0.0.0 ::/6", "dual-stack", STACK_SPLIT, false, R_EXT, R_EXT},
    {"::/6 0.0.0.0", "dual-stack", STACK_SPLIT, false, R_EXT, R_EXT},
    {"0.0.0.0 ::", "dual-stack", STACK_MIXED, false, R_EXT, R_EXT},
    {":: 0.0.0.0 ::/6", "dual-stack", STACK_MIXED, false, R_EXT, R_EXT},
    {"192.0.2.1 2001:db8::1", "dual-stack", STACK_SPLIT, false, R_EXT, R_EXT},
    {"127.0.0.1 ::1", "dual-stack", STACK_SPLIT, false, R_LOOP, R_LOOP},
    {"::%lo", "dual-stack", STACK_SINGLE, false, R_LOOP, R_LOOP},
    {"169.254.1.1 fe80::1", "dual-stack", STACK_SPLIT, false, R_LINK, R_LINK},
    /* IPv4 comes through AF_INET6, but no socket takes both. */
    {"::ffff:192.0.2.1 ::/6", "dual-stack", STACK_SPLIT, false, R_EXT, R_EXT},
    {"::ffff:192.0.2.1 192.0.2.2 ::/6", "dual-stack", STACK_SPLIT, false, R_EXT, R_EXT},
    {"::ffff:192.0.2.1 ::", "dual-stack", STACK_SINGLE, false, R_EXT, R_EXT},
    /* Lopsided, in either direction and at every step. */
    {"0.0.0.0 ::1", "v4-only", STACK_FORM_NONE, true, R_EXT, R_LOOP},
    {"0.0.0.0 fe80::1", "v4-only", STACK_FORM_NONE, true, R_EXT, R_LINK},
    {"169.254.1.1 ::1", "v4-only", STACK_FORM_NONE, true, R_LINK, R_LOOP},
    {"0.0.0.0 ::%lo/6", "v4-only", STACK_FORM_NONE, true, R_EXT, R_LOOP},
    {"0.0.0.0 ::%lo", "v4-only", STACK_FORM_NONE, true, R_EXT, R_LOOP},
    {"127.0.0.1 ::/6", "v6-only", STACK_FORM_NONE, true, R_LOOP, R_EXT},
    {"169.254.1.1 2001:db8::1", "v6-only", STACK_FORM_NONE, true, R_LINK, R_EXT},
    {"127.0.0.1 fe80::1", "v6-only", STACK_FORM_NONE, true, R_LOOP, R_LINK},
    {"::ffff:127.0.0.1 ::/6", "v6-only", STACK_FORM_NONE, true, R_LOOP, R_EXT},
    /* The widest scope of a family counts. */
    {"127.0.0.1 0.0.0.0 ::1 2001:db8::1", "dual-stack", STACK_SPLIT, false, R_EXT, R_EXT},
    {"0.0.0.0 127.0.0.1 ::1", "v4-only", STACK_FORM_NONE, true, R_EXT, R_LOOP},
};

START_TEST(listeners_add_up)
{
    const struct stack_assumption assumption = {.host_has_ipv6 = true};
    struct stack stack = stack_of_text(sums[_i].listeners, &assumption);

    ck_assert_str_eq(stack_kind_name(stack.kind), sums[_i].kind);
    ck_assert_int_eq(stack.form, sums[_i].form);
    ck_assert_int_eq(stack.lopsided, sums[_i].lopsided);
    ck_assert_int_eq(stack.extent[RECORD_INET], sums[_i].ipv4);
    ck_assert_int_eq(stack.extent[RECORD_INET6], sums[_i].ipv6);
}
END_TEST

static const struct {
    const char *listeners;
    const char *kind;
} hosts_without_ipv6[] = {
    {"::", "v4-only"},           {"::/6", "closed"},          {"::1", "closed"},
    {"0.0.0.0 ::/6", "v4-only"}, {"127.0.0.1 ::", "v4-only"}, {":: ::1", "v4-only"},
};

START_TEST(without_ipv6_only_ipv4_arrives)
{
    const struct stack_assumption assumption = {.host_has_ipv6 = false};
    struct stack stack = stack_of_text(hosts_without_ipv6[_i].listeners, &assumption);

    ck_assert_str_eq(stack_kind_name(stack.kind), hosts_without_ipv6[_i].kind);
    ck_assert_int_eq(stack.lopsided, false);
    ck_assert_int_eq(stack.form, STACK_FORM_NONE);
    ck_assert_int_eq(stack.extent[RECORD_INET6], R_NONE);
}
END_TEST

/* --- the unknown ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *listeners;
    struct stack_assumption assumption;
    const char *kind;
    enum stack_form form;
} assumptions[] = {
    {"::/?", {.unknown_takes_ipv4 = false, .host_has_ipv6 = true}, "v6-only", STACK_FORM_NONE},
    {"::/?", {.unknown_takes_ipv4 = true, .host_has_ipv6 = true}, "dual-stack", STACK_SINGLE},
    {"::%lo/?", {.unknown_takes_ipv4 = false, .host_has_ipv6 = true}, "v6-only", STACK_FORM_NONE},
    {"::%lo/?", {.unknown_takes_ipv4 = true, .host_has_ipv6 = true}, "dual-stack", STACK_SINGLE},
    {"0.0.0.0 ::/?", {.unknown_takes_ipv4 = false, .host_has_ipv6 = true}, "dual-stack", STACK_SPLIT},
    {"0.0.0.0 ::/?", {.unknown_takes_ipv4 = true, .host_has_ipv6 = true}, "dual-stack", STACK_MIXED},
    /* What is known is not assumed. */
    {"::/6", {.unknown_takes_ipv4 = true, .host_has_ipv6 = true}, "v6-only", STACK_FORM_NONE},
    {"::", {.unknown_takes_ipv4 = false, .host_has_ipv6 = true}, "dual-stack", STACK_SINGLE},
    {"::", {.host_has_ipv6 = false}, "v4-only", STACK_FORM_NONE},
    {"::/6", {.host_has_ipv6 = false}, "closed", STACK_FORM_NONE},
    /* A form is of the sockets that are reached. */
    {"0.0.0.0 ::/6", {.host_has_ipv6 = false}, "v4-only", STACK_FORM_NONE},
};

START_TEST(an_assumption_answers_what_is_unknown)
{
    struct stack stack = stack_of_text(assumptions[_i].listeners, &assumptions[_i].assumption);

    ck_assert_str_eq(stack_kind_name(stack.kind), assumptions[_i].kind);
    ck_assert_int_eq(stack.form, assumptions[_i].form);
}
END_TEST

static const struct {
    const char *a, *b;
    enum stack_kind kind;
    enum stack_form form;
    bool lopsided;
} agreements[] = {
    {"::", "::", STACK_DUAL, STACK_SINGLE, false},
    {"0.0.0.0", "0.0.0.0", STACK_V4_ONLY, STACK_FORM_NONE, false},
    {"::", "::/6", STACK_UNKNOWN, STACK_FORM_NONE, false},
    {"", "::/6", STACK_UNKNOWN, STACK_FORM_NONE, false},
    {"0.0.0.0 ::/6", "0.0.0.0 ::", STACK_DUAL, STACK_FORM_NONE, false},
    {"0.0.0.0 ::1", "0.0.0.0 ::1", STACK_V4_ONLY, STACK_FORM_NONE, true},
    {"0.0.0.0 ::1", "0.0.0.0", STACK_V4_ONLY, STACK_FORM_NONE, false},
    {"0.0.0.0 ::1", "127.0.0.1 ::/6", STACK_UNKNOWN, STACK_FORM_NONE, false},
};

START_TEST(assumptions_agree_or_leave_it_unknown)
{
    const struct stack_assumption assumption = {.host_has_ipv6 = true};
    struct stack a = stack_of_text(agreements[_i].a, &assumption);
    struct stack b = stack_of_text(agreements[_i].b, &assumption);

    for (int turn = 0; turn < 2; turn++) {
        struct stack agreed = turn == 0 ? stack_agree(&a, &b) : stack_agree(&b, &a);
        ck_assert_int_eq(agreed.kind, agreements[_i].kind);
        ck_assert_int_eq(agreed.form, agreements[_i].form);
        ck_assert_int_eq(agreed.lopsided, agreements[_i].lopsided);
        /* Once unknown, a third assumption does not make it known again. */
        agreed = stack_agree(&agreed, &a);
        ck_assert_int_eq(agreed.kind, agreements[_i].kind);
        ck_assert_int_eq(agreed.form, agreements[_i].form);
    }
}
END_TEST

START_TEST(kinds_and_forms_have_names)
{
    ck_assert_str_eq(stack_kind_name(STACK_UNKNOWN), "unknown");
    ck_assert_ptr_null(stack_form_name(STACK_FORM_NONE));
    ck_assert_str_eq(stack_form_name(STACK_SPLIT), "split");
    ck_assert_str_eq(stack_form_name(STACK_SINGLE), "single");
    ck_assert_str_eq(stack_form_name(STACK_MIXED), "mixed");
}
END_TEST

static Suite *stack_suite(void)
{
    Suite *suite = suite_create("stack");
    TCase *listener = tcase_create("listener");
    TCase *sum = tcase_create("sum");

    tcase_add_loop_test(listener, listener_accepts_what_the_kernel_lets_in, 0, COUNT(accepts));
    tcase_add_loop_test(listener, scope_follows_address_and_interface, 0, COUNT(scopes));
    tcase_add_loop_test(listener, scope_words_are_read, 0, COUNT(scope_words));
    suite_add_tcase(suite, listener);
    tcase_add_loop_test(sum, listeners_add_up, 0, COUNT(sums));
    tcase_add_loop_test(sum, without_ipv6_only_ipv4_arrives, 0, COUNT(hosts_without_ipv6));
    tcase_add_loop_test(sum, an_assumption_answers_what_is_unknown, 0, COUNT(assumptions));
    tcase_add_loop_test(sum, assumptions_agree_or_leave_it_unknown, 0, COUNT(agreements));
    tcase_add_test(sum, kinds_and_forms_have_names);
    suite_add_tcase(suite, sum);
    return suite;
}

int main(void)
{
    return unit_run(stack_suite());
}
