/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/audit/judge.c and judge_service.c.
 */
#include "config.h"

#include "audit/judge.h"
#include "socket/protocol.h"

#include "trial.h"
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* --- a verdict in a line of text --------------------------------------------------------------------------------- */

struct text {
    char bytes[4096];
    size_t length;
};

static void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text->length += (size_t)vsnprintf(text->bytes + text->length, sizeof text->bytes - text->length, format, arguments);
    va_end(arguments);
    ck_assert_uint_lt(text->length, sizeof text->bytes);
}

static void reason_write(struct text *text, const struct judge_reason *reason)
{
    static const char *const causes[] = {
        [JUDGE_NOTHING_LISTENS] = "missing",
        [JUDGE_NO_IPV4] = "no-ipv4",
        [JUDGE_NO_IPV6] = "no-ipv6",
        [JUDGE_TAKES_IPV4] = "takes-ipv4",
        [JUDGE_TAKES_IPV6] = "takes-ipv6",
        [JUDGE_LISTENS] = "listens",
        [JUDGE_FORM] = "form",
        [JUDGE_BIND] = "bind",
        [JUDGE_REACH] = "reach",
        [JUDGE_UNIT] = "unit",
        [JUDGE_USER] = "user",
        [JUDGE_MAPPED] = "mapped",
        [JUDGE_IPV4] = "ipv4",
        [JUDGE_V6ONLY_UNKNOWN] = "v6only-unknown",
        [JUDGE_IPV6_UNKNOWN] = "ipv6-unknown",
        [JUDGE_UNIT_UNKNOWN] = "unit-unknown",
        [JUDGE_BIND_UNKNOWN] = "bind-unknown",
        [JUDGE_REACH_UNKNOWN] = "reach-unknown",
        [JUDGE_CLIENT_UNKNOWN] = "client-unknown",
        [JUDGE_UNREADABLE] = "unreadable",
    };
    char address[RECORD_ADDRESS_SIZE];

    text_add(text, " %s", causes[reason->cause]);
    if (reason->listener != NULL) {
        text_add(text, "(%s)", record_address_format(address, reason->listener->family, &reason->listener->address));
    }
    if (reason->range != NULL) {
        char range[RANGE_TEXT_SIZE];
        text_add(text, "(%d outside %s)", (int)reason->count, range_format(range, reason->range));
    }
}

/* "443/tcp web CRITICAL v4-only no-ipv6; ..." */
static const char *verdict_write(struct text *text, const struct judge_verdict *verdict)
{
    *text = (struct text){0};
    for (size_t i = 0; i < verdict->service_count; i++) {
        const struct judge_service *service = &verdict->services[i];
        const struct rule *rule = service->rule;
        const char *form = stack_form_name(service->stack.form);
        text_add(text, "%s%u/%s %s %s %s", i > 0 ? "; " : "", (unsigned)service->port, protocol_name(service->protocol),
                 rule == NULL       ? "-"
                 : rule->is_default ? "default"
                                    : rule->name,
                 state_name(service->state), stack_kind_name(service->stack.kind));
        text_add(text, "%s%s%s%s", form != NULL ? "/" : "", form != NULL ? form : "",
                 service->stack.lopsided ? " lopsided" : "", service->waived ? " waived" : "");
        for (size_t k = 0; k < service->reason_count; k++) {
            reason_write(text, &service->reasons[k]);
        }
    }
    return text->bytes;
}

static void trial_check(const char *rules, const char *host, const char *expected)
{
    struct trial *trial = trial_of(rules, host);
    struct text text;

    ck_assert_str_eq(verdict_write(&text, trial->verdict), expected);
    trial_end(trial);
}

/* --- every requirement against every stack ----------------------------------------------------------------------- */

static const char *const requirements[] = {"v4-only", "v6-only", "dual-stack", "v4", "v6", "any", "closed"};

/* The state of each requirement in turn: O, W, C or U. */
static const struct {
    const char *host;
    const char *stack;
    const char *states;
} matrix[] = {
    {"", "closed", "CCCCCCO"},
    {"443=0.0.0.0", "v4-only", "OCCOCOC"},
    {"443=192.0.2.1", "v4-only", "OCCOCOC"},
    {"443=127.0.0.1", "v4-only", "OCCOCOC"},
    {"443=::ffff:192.0.2.1", "v4-only", "OCCOCOC"},
    {"443=::/6", "v6-only", "COCCOOC"},
    {"443=2001:db8::1", "v6-only", "COCCOOC"},
    {"443=::1", "v6-only", "COCCOOC"},
    {"443=::", "dual-stack", "CCOOOOC"},
    {"443=::%lo", "dual-stack", "CCOOOOC"},
    {"443=0.0.0.0 443=::/6", "dual-stack", "CCOOOOC"},
    {"443=0.0.0.0 443=::", "dual-stack", "CCOOOOC"},
    {"443=127.0.0.1 443=::1", "dual-stack", "CCOOOOC"},
    /* Lopsided: the stack is that of the family that reaches farther. */
    {"443=0.0.0.0 443=::1", "v4-only", "OCCOCOC"},
    {"443=0.0.0.0 443=fe80::1", "v4-only", "OCCOCOC"},
    {"443=169.254.0.1 443=::1", "v4-only", "OCCOCOC"},
    {"443=127.0.0.1 443=::/6", "v6-only", "COCCOOC"},
    {"443=169.254.0.1 443=2001:db8::1", "v6-only", "COCCOOC"},
    {"443=::ffff:127.0.0.1 443=::/6", "v6-only", "COCCOOC"},
    /* Unknown whether [::] takes IPv4: it takes IPv6, so v4-only and closed are broken either way. */
    {"443=::/?", "unknown", "CUUUOOC"},
    {"443=127.0.0.1 443=::/?", "unknown", "CUUUOOC"},
    {"443=::1 443=::/?", "unknown", "CUUUOOC"},
    /* Beside 0.0.0.0 it does not matter. */
    {"443=0.0.0.0 443=::/?", "dual-stack", "CCOOOOC"},
    /* Nor where the other family reaches farther anyway. */
    {"443=0.0.0.0 443=::%lo/?", "v4-only", "OCCOCOC"},
    {"443=::/6 443=::%lo/?", "v6-only", "COCCOOC"},
    /* A v4-mapped connection proves nothing. */
    {"443=::/? 443~::ffff:10.0.0.1", "unknown", "CUUUOOC"},
    {"443=0.0.0.0 443=::/? 443~::ffff:10.0.0.1", "dual-stack", "CCOOOOC"},
    /* A host without IPv6. */
    {"noipv6 443=0.0.0.0", "v4-only", "OCCOCOC"},
    {"noipv6 443=::", "v4-only", "OCCOCOC"},
    {"noipv6 443=0.0.0.0 443=::/6", "v4-only", "OCCOCOC"},
    {"noipv6 443=127.0.0.1 443=::", "v4-only", "OCCOCOC"},
    {"noipv6", "closed", "CCCCCCO"},
    /* Out of reach, but there: any is about listeners, closed too. */
    {"noipv6 443=::/6", "closed", "CCCCCOC"},
    {"noipv6 443=2001:db8::1", "closed", "CCCCCOC"},
    {"ipv6? 443=::1", "unknown", "CUCCUOC"},
    /* A host of which nobody knows. */
    {"ipv6? 443=0.0.0.0", "v4-only", "OCCOCOC"},
    {"ipv6? 443=::", "unknown", "UCUOUOC"},
    {"ipv6? 443=0.0.0.0 443=::/6", "unknown", "UCUOUOC"},
    {"ipv6? 443=0.0.0.0 443=::1", "v4-only", "OCCOCOC"},
    {"ipv6?", "closed", "CCCCCCO"},
    /* Unreadable: nothing is known. */
    {"notcp", "unknown", "UUUUUUU"},
    {"noudp 443=0.0.0.0", "v4-only", "OCCOCOC"},
};

START_TEST(requirement_meets_stack)
{
    for (int i = 0; i < COUNT(requirements); i++) {
        for (int warning = 0; warning < 2; warning++) {
            char rule[64];
            struct trial *trial;
            const struct judge_service *service;
            char state = matrix[_i].states[i] == 'C' && warning ? 'W' : matrix[_i].states[i];
            snprintf(rule, sizeof rule, "443 %s%s", requirements[i], warning ? " severity=warning" : "");
            trial = trial_of(rule, matrix[_i].host);
            service = &trial->verdict->services[0];
            ck_assert_uint_eq(trial->verdict->service_count, 1);
            ck_assert_str_eq(stack_kind_name(service->stack.kind), matrix[_i].stack);
            ck_assert_msg(state_name(service->state)[0] == state, "%s on \"%s\" is %s, not %c", rule, matrix[_i].host,
                          state_name(service->state), state);
            ck_assert_int_eq(trial->verdict->state, service->state);
            ck_assert_msg((service->reason_count > 0) == (state != 'O'), "%s on %s", rule, matrix[_i].host);
            trial_end(trial);
        }
    }
}
END_TEST

/* --- reasons ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *rules, *host, *verdict;
} trials[] = {
    /* The cause, and which listener is to blame. */
    {"443 dual-stack", "443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only no-ipv6"},
    {"443 dual-stack", "443=::/6", "443/tcp tcp_443 CRITICAL v6-only no-ipv4"},
    {"443 dual-stack", "", "443/tcp tcp_443 CRITICAL closed missing"},
    {"443 dual-stack", "443=0.0.0.0 443=::1", "443/tcp tcp_443 CRITICAL v4-only lopsided no-ipv6"},
    {"443 v4-only", "443=::", "443/tcp tcp_443 CRITICAL dual-stack/single takes-ipv6(::)"},
    {"443 v4-only", "443=0.0.0.0 443=2001:db8::1", "443/tcp tcp_443 CRITICAL dual-stack/split takes-ipv6(2001:db8::1)"},
    {"443 v6-only", "443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only no-ipv6 takes-ipv4(0.0.0.0)"},
    {"443 v6-only", "443=0.0.0.0 443=::/6", "443/tcp tcp_443 CRITICAL dual-stack/split takes-ipv4(0.0.0.0)"},
    {"443 v6-only", "443=::", "443/tcp tcp_443 CRITICAL dual-stack/single takes-ipv4(::)"},
    {"443 closed", "443=127.0.0.1 443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only listens(0.0.0.0)"},
    {"443 closed", "443=::/?", "443/tcp tcp_443 CRITICAL unknown listens(::)"},
    {"443 v6", "noipv6 443=::", "443/tcp tcp_443 CRITICAL v4-only no-ipv6"},
    {"443 v4-only", "443=::/?", "443/tcp tcp_443 CRITICAL unknown takes-ipv6(::)"},
    {"443 v6-only", "443=::/?", "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::)"},
    {"443 v6", "ipv6? 443=::", "443/tcp tcp_443 UNKNOWN unknown ipv6-unknown"},
    /* Of two unknowns the one that matters. */
    {"443 v4", "ipv6? 443=::/?", "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::)"},
    {"443 any", "ipv6? 443=::/?", "443/tcp tcp_443 OK unknown"},
    /* That host may have ::1 and no more: then IPv4 would reach it from farther away. */
    {"443 v6", "ipv6? 443=::/?", "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::) ipv6-unknown"},
    {"443 dual-stack", "ipv6? 443=::", "443/tcp tcp_443 UNKNOWN unknown ipv6-unknown"},
    {"443 dual-stack", "ipv6? 443=::/?", "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::) ipv6-unknown"},
    /* missing= */
    {"443 any missing=ok", "", "443/tcp tcp_443 OK closed"},
    {"443 any missing=warning", "", "443/tcp tcp_443 WARNING closed missing"},
    {"443 any severity=warning", "", "443/tcp tcp_443 WARNING closed missing"},
    {"443 dual-stack severity=warning missing=critical", "443=0.0.0.0", "443/tcp tcp_443 WARNING v4-only no-ipv6"},
    {"443 dual-stack missing=ok", "443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only no-ipv6"},
    {"443 closed", "", "443/tcp tcp_443 OK closed"},
    {"80,443 any", "443=::", "80/tcp tcp_80_443 CRITICAL closed missing; 443/tcp tcp_80_443 OK dual-stack/single"},
    {"8000-8002 any", "", ""},
    {"8000-8002 any", "8001=::", "8001/tcp tcp_8000-8002 OK dual-stack/single"},
    {"8000-8002 v4", "8001=::/6", "8001/tcp tcp_8000-8002 CRITICAL v6-only no-ipv4"},
    {"8000-8001 any missing=warning",
     "8001=::", "8000/tcp tcp_8000-8001 WARNING closed missing; 8001/tcp tcp_8000-8001 OK dual-stack/single"},
    /* A port that is named too must not be missing from its range. */
    {"8000-8002,8001 v4", "8000=::/6",
     "8000/tcp tcp_8000-8002_8001 CRITICAL v6-only no-ipv4; 8001/tcp tcp_8000-8002_8001 CRITICAL closed missing"},
    {"8001,8000-8002 any", "8001=::", "8001/tcp tcp_8001_8000-8002 OK dual-stack/single"},
    {"8000-8001 closed", "8001=::", "8001/tcp tcp_8000-8001 CRITICAL dual-stack/single listens(::)"},
    /* form= */
    {"443 dual-stack form=split", "443=0.0.0.0 443=::/6", "443/tcp tcp_443 OK dual-stack/split"},
    {"443 dual-stack form=split", "443=::", "443/tcp tcp_443 CRITICAL dual-stack/single form"},
    {"443 dual-stack form=split", "443=0.0.0.0 443=::", "443/tcp tcp_443 CRITICAL dual-stack/mixed form"},
    {"443 dual-stack form=single", "443=::", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 dual-stack form=single severity=warning", "443=0.0.0.0 443=::/6",
     "443/tcp tcp_443 WARNING dual-stack/split form"},
    {"443 dual-stack form=single", "443=0.0.0.0 443=::", "443/tcp tcp_443 CRITICAL dual-stack/mixed form"},
    {"443 dual-stack form=split", "443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only no-ipv6"},
    /* Split or mixed: broken only perhaps. Neither is single: broken either way. */
    {"443 dual-stack form=split", "443=0.0.0.0 443=::/?", "443/tcp tcp_443 UNKNOWN dual-stack v6only-unknown(::)"},
    {"443 dual-stack form=single", "443=0.0.0.0 443=::/?", "443/tcp tcp_443 CRITICAL dual-stack form"},
    /* v6-only or single: broken either way, though for different causes. */
    {"443 dual-stack form=split", "443=::/?", "443/tcp tcp_443 CRITICAL unknown no-ipv4 form"},
    {"443 dual-stack form=single", "443=::/?", "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::)"},
    /* bind= */
    {"443 any bind=loopback", "443=127.0.0.1 443=::1", "443/tcp tcp_443 OK dual-stack/split"},
    {"443 any bind=loopback", "443=::%lo", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any bind=loopback", "443=127.0.0.1 443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only bind(0.0.0.0)"},
    {"443 any bind=loopback", "443=fe80::1", "443/tcp tcp_443 CRITICAL v6-only bind(fe80::1)"},
    {"443 any bind=link", "443=fe80::1 443=169.254.0.1", "443/tcp tcp_443 OK dual-stack/split"},
    {"443 any bind=link", "443=::1", "443/tcp tcp_443 CRITICAL v6-only bind(::1)"},
    {"443 any bind=loopback,10.0.0.0/8", "443=127.0.0.1 443=10.1.2.3", "443/tcp tcp_443 OK v4-only"},
    {"443 any bind=loopback,10.0.0.0/8 severity=warning", "443=11.0.0.1",
     "443/tcp tcp_443 WARNING v4-only bind(11.0.0.1)"},
    {"443 any bind=10.0.0.0/8", "443=::ffff:10.0.0.1", "443/tcp tcp_443 OK v4-only"},
    {"443 any bind=10.0.0.0/8", "443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only bind(0.0.0.0)"},
    {"443 any bind=0.0.0.0/1,128.0.0.0/1", "443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only bind(0.0.0.0)"},
    {"443 any bind=0.0.0.0/0", "443=0.0.0.0", "443/tcp tcp_443 OK v4-only"},
    {"443 any bind=0.0.0.0/0", "443=192.0.2.1 443=127.0.0.1", "443/tcp tcp_443 OK v4-only"},
    {"443 any bind=0.0.0.0/0", "443=::ffff:0.0.0.0", "443/tcp tcp_443 OK v4-only"},
    {"443 any bind=::/0", "443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only bind(0.0.0.0)"},
    {"443 any bind=::/0", "443=::/6", "443/tcp tcp_443 OK v6-only"},
    {"443 any bind=0.0.0.0/0", "443=::/6", "443/tcp tcp_443 CRITICAL v6-only bind(::)"},
    {"443 any bind=::/1,8000::/1", "443=::/6", "443/tcp tcp_443 CRITICAL v6-only bind(::)"},
    {"443 any bind=::/0", "443=::", "443/tcp tcp_443 CRITICAL dual-stack/single bind(::)"},
    {"443 any bind=0.0.0.0/0", "443=::", "443/tcp tcp_443 CRITICAL dual-stack/single bind(::)"},
    {"443 any bind=0.0.0.0/0,::/0", "443=::", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any bind=0.0.0.0/0,::/0", "443=::/?", "443/tcp tcp_443 OK unknown"},
    {"443 any bind=::/0", "443=::/?", "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::)"},
    {"443 any bind=0.0.0.0/0", "443=::/?", "443/tcp tcp_443 CRITICAL unknown bind(::)"},
    /* reach= */
    {"443 any reach=loopback", "443=127.0.0.1 443=::1", "443/tcp tcp_443 OK dual-stack/split"},
    {"443 any reach=loopback", "443=::", "443/tcp tcp_443 CRITICAL dual-stack/single reach(::)"},
    {"443 any reach=external", "443=::", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any reach=loopback severity=warning", "443=127.0.0.1 443=192.0.2.1",
     "443/tcp tcp_443 WARNING v4-only reach(192.0.2.1)"},
    {"443 any reach=link", "443=fe80::1 443=169.254.0.1 443=::1", "443/tcp tcp_443 OK dual-stack/split"},
    {"443 any reach=loopback", "443=fe80::1", "443/tcp tcp_443 CRITICAL v6-only reach(fe80::1)"},
    {"443 dual-stack reach=loopback", "ipv4:loopback ipv6:loopback 443=::", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 dual-stack reach=loopback",
     "ipv4:link ipv6:link 443=::", "443/tcp tcp_443 CRITICAL dual-stack/single reach(::)"},
    {"443 dual-stack reach=link", "ipv4:link ipv6:link 443=::", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 dual-stack reach=loopback as=bound",
     "ipv4:loopback ipv6:loopback 443=::", "443/tcp tcp_443 CRITICAL dual-stack/single reach(::)"},
    {"443 any reach=none", "noipv6 443=::/6", "443/tcp tcp_443 OK closed"},
    {"443 any reach=none", "ipv6:loopback 443=::/6", "443/tcp tcp_443 CRITICAL v6-only reach(::)"},
    {"443 any reach=loopback", "443=192.0.2.1^ 443=127.0.0.1", "443/tcp tcp_443 OK v4-only"},
    {"default any reach=loopback", "22=0.0.0.0 80=127.0.0.1",
     "22/tcp default CRITICAL v4-only reach(0.0.0.0); 80/tcp default OK v4-only"},
    /* Of one family alone: IPv4 comes in where v6only does not keep it out. */
    {"443 any reach=loopback", "ipv6:loopback 443=::/6", "443/tcp tcp_443 OK v6-only"},
    {"443 any reach=loopback", "ipv6:loopback 443=::", "443/tcp tcp_443 CRITICAL v4-only lopsided reach(::)"},
    {"443 any reach=loopback", "ipv6:loopback 443=::/?", "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::)"},
    /* Nobody knows which addresses the host has: what is bound no farther is fine all the same. */
    {"443 any reach=loopback", "addresses? 443=::", "443/tcp tcp_443 UNKNOWN dual-stack/single reach-unknown(::)"},
    {"443 any reach=loopback", "addresses? 443=127.0.0.1", "443/tcp tcp_443 OK v4-only"},
    {"443 any reach=loopback", "ipv6? 443=::/6", "443/tcp tcp_443 UNKNOWN unknown reach-unknown(::)"},
    {"443 any reach=loopback as=bound", "addresses? 443=::", "443/tcp tcp_443 CRITICAL dual-stack/single reach(::)"},
    {"443 v6-only reach=loopback", "addresses? 443=0.0.0.0",
     "443/tcp tcp_443 CRITICAL v4-only no-ipv6 takes-ipv4(0.0.0.0)"},
    /* unit= and user= */
    {"443 any unit=nginx.service", "443=::+nginx.service", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any unit=nginx*", "443=::+nginx@1.service", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any unit=nginx*", "443=::+apache2.service", "443/tcp tcp_443 CRITICAL dual-stack/single unit(::)"},
    {"443 any unit=nginx", "443=::+nginx.service", "443/tcp tcp_443 CRITICAL dual-stack/single unit(::)"},
    {"443 any unit=nginx*", "443=0.0.0.0+nginx.service 443=::/6+nc.scope",
     "443/tcp tcp_443 CRITICAL dual-stack/split unit(::)"},
    /* A cgroup outside any unit is named by its path, which fits only a glob of paths. */
    {"443 any unit=*", "443=::+/", "443/tcp tcp_443 CRITICAL dual-stack/single unit(::)"},
    {"443 any unit=*", "443=::+/user.slice", "443/tcp tcp_443 CRITICAL dual-stack/single unit(::)"},
    {"443 any unit=/user*", "443=::+/user.slice", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any unit=nginx*", "443=::+?", "443/tcp tcp_443 UNKNOWN dual-stack/single unit-unknown(::)"},
    {"443 any unit=nginx*", "443=::", "443/tcp tcp_443 UNKNOWN dual-stack/single unit-unknown(::)"},
    {"443 any", "443=::+?", "443/tcp tcp_443 OK dual-stack/single"},
    /* Broken already: what the unit is does not matter. */
    {"443 any unit=nginx*", "443=0.0.0.0+? 443=::/6+nc.scope", "443/tcp tcp_443 CRITICAL dual-stack/split unit(::)"},
    {"443 v4-only unit=nginx*", "443=::+?", "443/tcp tcp_443 CRITICAL dual-stack/single takes-ipv6(::)"},
    {"443 any unit=nginx*", "", "443/tcp tcp_443 CRITICAL closed missing"},
    {"443 v6-only unit=nginx*", "443=::/?+?", "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::) unit-unknown(::)"},
    {"443 any user=33", "443=::!33", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any user=www-data", "443=::!33", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any user=www-data", "443=::!34", "443/tcp tcp_443 CRITICAL dual-stack/single user(::)"},
    {"443 any user=0", "443=0.0.0.0 443=::/6!1000", "443/tcp tcp_443 CRITICAL dual-stack/split user(::)"},
    /* All that is wrong is reported. */
    {"443 v6-only bind=loopback user=33 unit=x", "443=0.0.0.0!1+y",
     "443/tcp tcp_443 CRITICAL v4-only no-ipv6 takes-ipv4(0.0.0.0) bind(0.0.0.0) unit(0.0.0.0) user(0.0.0.0)"},
    /* The widest listener is blamed. */
    {"443 any user=33", "443=127.0.0.1 443=169.254.0.1 443=192.0.2.1",
     "443/tcp tcp_443 CRITICAL v4-only user(192.0.2.1)"},
    /* Scopes split a port. */
    {"53/udp@loopback v4-only name=stub\n53/udp v6-only name=rest", "u53=127.0.0.53 u53=::/6",
     "53/udp stub OK v4-only; 53/udp rest OK v6-only"},
    {"53/udp@loopback v4-only name=stub\n53/udp v6-only name=rest", "u53=127.0.0.53",
     "53/udp stub OK v4-only; 53/udp rest CRITICAL closed missing"},
    {"53/udp@loopback v4-only name=stub", "u53=::/6", "53/udp stub CRITICAL closed missing"},
    {"53@loopback any\n53@link any\n53@external any\n53 any missing=warning", "53=127.0.0.1 53=fe80::1 53=0.0.0.0",
     "53/tcp tcp_53_loopback OK v4-only; 53/tcp tcp_53_link OK v6-only; 53/tcp tcp_53_external OK v4-only; "
     "53/tcp tcp_53 WARNING closed missing"},
    {"53@loopback any\n53 closed", "53=127.0.0.1", "53/tcp tcp_53_loopback OK v4-only; 53/tcp tcp_53 OK closed"},
    {"443@external dual-stack", "443=0.0.0.0 443=::1", "443/tcp tcp_443_external CRITICAL v4-only no-ipv6"},
    {"443@external v4-only\ndefault closed", "443=0.0.0.0 443=::1",
     "443/tcp tcp_443_external OK v4-only; 443/tcp default CRITICAL v6-only listens(::1)"},
    {"8000-8001@loopback v4", "8000=::1 8001=::", "8000/tcp tcp_8000-8001_loopback CRITICAL v6-only no-ipv4"},
    /* Ranks. */
    {"8000-8099 closed\n8080 any", "8080=::", "8080/tcp tcp_8080 OK dual-stack/single"},
    {"8000-8001 any missing=critical\n8000 any missing=ok",
     "8001=::", "8001/tcp tcp_8000-8001 OK dual-stack/single; 8000/tcp tcp_8000 OK closed"},
    {"-r 443 v4\n80,443 v6", "80=::/6 443=0.0.0.0", "443/tcp tcp_443 OK v4-only; 80/tcp tcp_80_443 OK v6-only"},
    {"-r 443 v4\n80,443 v6", "80=::/6", "443/tcp tcp_443 CRITICAL closed missing; 80/tcp tcp_80_443 OK v6-only"},
    {"-r 443@external v4\n443 v6", "443=0.0.0.0 443=::1",
     "443/tcp tcp_443_external OK v4-only; 443/tcp tcp_443 OK v6-only"},
    /* A range takes all of its protocol from its first to its last port. */
    {"8000-8002 any", "7999=:: 8000=:: 8002=:: 8003=:: u8001=::",
     "8000/tcp tcp_8000-8002 OK dual-stack/single; 8002/tcp tcp_8000-8002 OK dual-stack/single"},
    {"8000-8002/udp any", "7999=:: 8001=:: 8003=:: u7999=:: u8000=:: u8002=:: u8003=::",
     "8000/udp udp_8000-8002 OK dual-stack/single; 8002/udp udp_8000-8002 OK dual-stack/single"},
    {"65534-65535 any\n1-2/udp any",
     "65535=:: u1=::", "65535/tcp tcp_65534-65535 OK dual-stack/single; 1/udp udp_1-2 OK dual-stack/single"},
    {"8000-8002 any", "", ""},
    /* Defaults judge what listens, and only what no rule takes. */
    {"default closed severity=warning", "", ""},
    {"default closed severity=warning", "22=0.0.0.0 u53=::",
     "22/tcp default WARNING v4-only listens(0.0.0.0); 53/udp default WARNING dual-stack/single listens(::)"},
    {"22 any\ndefault closed", "22=0.0.0.0 u22=0.0.0.0",
     "22/tcp tcp_22 OK v4-only; 22/udp default CRITICAL v4-only listens(0.0.0.0)"},
    {"default any\ndefault/udp closed", "22=0.0.0.0 u53=0.0.0.0",
     "22/tcp default OK v4-only; 53/udp default CRITICAL v4-only listens(0.0.0.0)"},
    {"default@external closed", "22=0.0.0.0 22=::1 53=127.0.0.1", "22/tcp default CRITICAL v4-only listens(0.0.0.0)"},
    {"default dual-stack form=split bind=0.0.0.0/0", "22=0.0.0.0 22=::/6",
     "22/tcp default CRITICAL dual-stack/split bind(::)"},
    {"default v6-only", "22=::/?", "22/tcp default UNKNOWN unknown v6only-unknown(::)"},
    /* Clients' UDP ports. */
    {"default closed", "u40000=0.0.0.0 40000=0.0.0.0", "40000/tcp default CRITICAL v4-only listens(0.0.0.0)"},
    {"40000-40001/udp closed", "u40000=0.0.0.0", ""},
    {"40000-40001/udp any missing=critical", "", ""},
    {"40000/udp closed", "u40000=0.0.0.0", "40000/udp udp_40000 CRITICAL v4-only listens(0.0.0.0)"},
    /* Whether they are clients', nobody knows: it matters only where they would break the rule. */
    {"default closed", "clients? u40000=0.0.0.0", "40000/udp default UNKNOWN v4-only client-unknown(0.0.0.0)"},
    {"default closed severity=warning", "clients? u5353=:: 5353=::",
     "5353/tcp default WARNING dual-stack/single listens(::); 5353/udp default UNKNOWN dual-stack/single "
     "client-unknown(::)"},
    {"default v4", "clients? u40000=0.0.0.0", "40000/udp default OK v4-only"},
    {"40000-40001/udp v6-only", "clients? u40000=0.0.0.0",
     "40000/udp udp_40000-40001 UNKNOWN v4-only client-unknown(0.0.0.0)"},
    {"40000/udp closed", "clients? u40000=0.0.0.0", "40000/udp udp_40000 CRITICAL v4-only listens(0.0.0.0)"},
    {"default closed", "clients? u1023=0.0.0.0 u1024=0.0.0.0",
     "1023/udp default CRITICAL v4-only listens(0.0.0.0); 1024/udp default UNKNOWN v4-only client-unknown(0.0.0.0)"},
    {"default v6-only", "clients? u5353=::/?", "5353/udp default UNKNOWN unknown v6only-unknown(::)"},
    {"default v4-only", "clients? u5353=::/6 u5353=::1/?", "5353/udp default UNKNOWN v6-only client-unknown(::)"},
    /* A protocol that cannot be read: each single port, and one for a range. */
    {"443 any\n53/udp any",
     "notcp u53=::", "443/tcp tcp_443 UNKNOWN unknown unreadable; 53/udp udp_53 OK dual-stack/single"},
    {"80,443 any", "notcp",
     "80/tcp tcp_80_443 UNKNOWN unknown unreadable; 443/tcp tcp_80_443 UNKNOWN unknown unreadable"},
    {"8000-8099 closed", "notcp", "8000/tcp tcp_8000-8099 UNKNOWN unknown unreadable"},
    {"22,8000-8099 closed", "notcp", "22/tcp tcp_22_8000-8099 UNKNOWN unknown unreadable"},
    {"443 closed", "notcp", "443/tcp tcp_443 UNKNOWN unknown unreadable"},
    {"-r 80 any\n80,443 any", "notcp",
     "80/tcp tcp_80 UNKNOWN unknown unreadable; 443/tcp tcp_80_443 UNKNOWN unknown unreadable"},
    /* What was read of it before it failed does not count. */
    {"443 any", "notcp 443=::", "443/tcp tcp_443 UNKNOWN unknown unreadable"},
};

START_TEST(verdict_has_its_reasons)
{
    trial_check(trials[_i].rules, trials[_i].host, trials[_i].verdict);
}
END_TEST

/* --- the unknown ------------------------------------------------------------------------------------------------- */

static enum state state_of(const char *rule, const char *first, const char *second, const char *others)
{
    char host[128];
    struct trial *trial;
    enum state state;

    snprintf(host, sizeof host, "443=::%s 443=::%%lo%s%s", first, second, others);
    trial = trial_of(rule, host);
    state = trial->verdict->state;
    trial_end(trial);
    return state;
}

/*
 * Two [::] listeners whose v6only nobody knows, one of them bound to lo: they may differ, and yet are tried alike. What
 * is OK so must be OK however they are, and what is broken so is broken where they are alike.
 */
START_TEST(unknown_listeners_may_differ)
{
    static const char *const others[] = {"",
                                         " 443=0.0.0.0",
                                         " 443=127.0.0.1",
                                         " 443=::1",
                                         " 443=::ffff:127.0.0.1",
                                         " 443=::ffff:0.0.0.0",
                                         " 443=fe80::1 443=169.254.0.1"};
    static const char *const options[] = {"",           " form=split",           " form=single",
                                          " bind=::/0", " bind=0.0.0.0/0,::/0",  " bind=loopback,::/0",
                                          " bind=link", " form=single bind=::/0"};
    static const char *const known[] = {"", "/6"};
    const char *requirement = requirements[_i];
    bool both = strcmp(requirement, "dual-stack") == 0;
    int kept = 0, broken = 0;

    for (int i = 0; i < COUNT(others) * COUNT(options); i++) {
        const char *other = others[i / COUNT(options)];
        const char *option = options[i % COUNT(options)];
        char rule[64];
        enum state state;
        if (strstr(option, "form=") != NULL && !both) {
            continue;
        }
        snprintf(rule, sizeof rule, "443 %s%s", requirement, option);
        state = state_of(rule, "/?", "/?", other);
        for (int answers = 0; answers < 4; answers++) {
            enum state found = state_of(rule, known[answers & 1], known[answers >> 1], other);
            bool alike = (answers & 1) == answers >> 1;
            ck_assert_msg(state != STATE_OK || found == STATE_OK, "%s is OK beside \"%s\", and may not be", rule,
                          other);
            ck_assert_msg(state != STATE_CRITICAL || !alike || found == STATE_CRITICAL,
                          "%s is CRITICAL beside \"%s\", and may be OK", rule, other);
        }
        kept += state == STATE_OK;
        broken += state == STATE_CRITICAL;
    }
    /* There were some of either kind, where the requirement lets there be. */
    ck_assert_int_eq(kept > 0, both || strcmp(requirement, "any") == 0 || strcmp(requirement, "v6") == 0 ||
                                   strcmp(requirement, "v4") == 0);
    ck_assert_int_gt(broken, 0);
}
END_TEST

/* --- UDP ports of clients, and units that a rule leaves out ------------------------------------------------------- */

static const struct {
    const char *rules, *host, *verdict;
    uint64_t unjudged_udp;
} left_out[] = {
    {"default closed", "u40000=0.0.0.0 u40000=::/6", "", 2},
    {"default closed", "u40000=0.0.0.0 u40001=0.0.0.0 u53=::", "53/udp default CRITICAL dual-stack/single listens(::)",
     2},
    {"40000-50000/udp closed", "u40000=0.0.0.0", "", 1},
    {"default/tcp closed", "u40000=0.0.0.0", "", 0},
    {"40000/udp any", "u40000=0.0.0.0", "40000/udp udp_40000 OK v4-only", 0},
    {"40000/udp@loopback any missing=ok\ndefault closed", "u40000=0.0.0.0", "40000/udp udp_40000_loopback OK closed",
     1},
    /* Unless the rule says that it judges them. */
    {"default closed ephemeral=yes", "u40000=0.0.0.0", "40000/udp default CRITICAL v4-only listens(0.0.0.0)", 0},
    {"40000-50000/udp closed ephemeral=yes", "u40000=0.0.0.0",
     "40000/udp udp_40000-50000 CRITICAL v4-only listens(0.0.0.0)", 0},
    {"40000-50000/udp any\ndefault closed ephemeral=yes", "u40000=0.0.0.0",
     "40000/udp default CRITICAL v4-only listens(0.0.0.0)", 0},
    {"default/udp any\ndefault closed ephemeral=yes", "u40000=0.0.0.0",
     "40000/udp default CRITICAL v4-only listens(0.0.0.0)", 0},
    {"40000-40001/udp any missing=critical ephemeral=yes", "u40000=0.0.0.0",
     "40000/udp udp_40000-40001 OK v4-only; 40001/udp udp_40000-40001 CRITICAL closed missing", 0},
    {"default v6-only ephemeral=yes", "clients? u40000=0.0.0.0",
     "40000/udp default CRITICAL v4-only no-ipv6 takes-ipv4(0.0.0.0)", 0},
    /* A rule of the command line that does not judge such ports replaces none of the file that does. */
    {"-r 40000-50000/udp any\n40000-40001/udp closed ephemeral=yes", "u40000=0.0.0.0",
     "40000/udp udp_40000-40001 CRITICAL v4-only listens(0.0.0.0)", 0},
    {"-r 40000-50000/udp any ephemeral=yes\n40000-40001/udp closed ephemeral=yes", "u40000=0.0.0.0",
     "40000/udp udp_40000-50000 OK v4-only", 0},
    /* No client gets a reserved port. */
    {"default closed", "reserved:40000 u40000=0.0.0.0 u40001=0.0.0.0",
     "40000/udp default CRITICAL v4-only listens(0.0.0.0)", 1},
    {"40000-40001/udp closed", "reserved:40001 u40000=0.0.0.0 u40001=0.0.0.0",
     "40001/udp udp_40000-40001 CRITICAL v4-only listens(0.0.0.0)", 1},
    /* Units. */
    {"default closed except-unit=a.service", "u20000=0.0.0.0+a.service u20001=0.0.0.0+b.service",
     "20001/udp default CRITICAL v4-only listens(0.0.0.0)", 0},
    {"default closed except-unit=x.service,a*.service", "u20000=0.0.0.0+a2.service 80=::+a.service", "", 0},
    {"default closed except-unit=*", "80=::+/docker/1", "80/tcp default CRITICAL dual-stack/single listens(::)", 0},
    {"8000-8099 v6-only except-unit=a.service", "8080=0.0.0.0+a.service 8080=::/6+b.service",
     "8080/tcp tcp_8000-8099 OK v6-only", 0},
    {"8080,8081-8082 closed except-unit=a.service", "8080=::+a.service 8081=::+a.service",
     "8080/tcp tcp_8080_8081-8082 CRITICAL dual-stack/single listens(::)", 0},
    {"8000-8001 any missing=critical except-unit=a.service", "8000=::+a.service 8001=::+b.service",
     "8000/tcp tcp_8000-8001 CRITICAL closed missing; 8001/tcp tcp_8000-8001 OK dual-stack/single", 0},
    {"default closed except-unit=a.service", "u40000=0.0.0.0+a.service u40001=0.0.0.0+b.service", "", 1},
    /* Connections go with the listeners, where all of them are left out. */
    {"8000-8099 any except-unit=a.service mapped-critical=0", "8080=::+a.service 8080~::ffff:10.0.0.1", "", 0},
    {"8000-8099 any except-unit=a.service mapped-critical=0",
     "8080=::+a.service 8080=0.0.0.0+b.service 8080~::ffff:10.0.0.1",
     "8080/tcp tcp_8000-8099 CRITICAL v4-only mapped(1 outside 0)", 0},
    /* Where the unit is not known, the rule may or may not judge the socket. */
    {"default closed except-unit=a.service", "80=::+?", "80/tcp default UNKNOWN dual-stack/single unit-unknown(::)", 0},
    {"default dual-stack except-unit=a.service", "80=::+?", "80/tcp default OK dual-stack/single", 0},
    {"default closed except-unit=a.service", "80=0.0.0.0+? 80=::/6+b.service",
     "80/tcp default CRITICAL dual-stack/split listens(::)", 0},
    {"default v6-only except-unit=a.service", "80=0.0.0.0+? 80=::/6+b.service",
     "80/tcp default UNKNOWN dual-stack/split unit-unknown(0.0.0.0)", 0},
    {"default dual-stack except-unit=a.service", "80=0.0.0.0+? 80=::/6+?",
     "80/tcp default UNKNOWN dual-stack/split unit-unknown(0.0.0.0)", 0},
    {"default any except-unit=a.service", "80=0.0.0.0+? 80=::/6+?", "80/tcp default OK dual-stack/split", 0},
};

START_TEST(what_is_left_out_is_not_judged)
{
    struct trial *trial = trial_of(left_out[_i].rules, left_out[_i].host);
    struct text text;

    ck_assert_str_eq(verdict_write(&text, trial->verdict), left_out[_i].verdict);
    ck_assert_uint_eq(trial->verdict->total.unjudged_udp, left_out[_i].unjudged_udp);
    trial_end(trial);
}
END_TEST

/* Who asks for everything gets what is left out as well, without a rule. */
START_TEST(what_is_left_out_is_listed)
{
    struct trial *trial =
        trial_begin("default closed except-unit=a.service", "u40000=0.0.0.0 80=::+a.service 80=127.0.0.1+b.service");
    struct text text;

    trial->question.everything = true;
    trial_judge(trial);
    ck_assert_str_eq(verdict_write(&text, trial->verdict),
                     "80/tcp default CRITICAL v4-only listens(127.0.0.1); 80/tcp - OK dual-stack/single; "
                     "40000/udp - OK v4-only");
    trial_end(trial);
}
END_TEST

/* --- interfaces --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *rules, *host, *verdict;
} interfaces[] = {
    {"443 any bind=%lo", "443=::%lo", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any bind=%eth0", "443=::%lo", "443/tcp tcp_443 CRITICAL dual-stack/single bind(::)"},
    {"443 any bind=%lo", "443=::", "443/tcp tcp_443 CRITICAL dual-stack/single bind(::)"},
    {"443 any bind=%eth0,%lo,10.0.0.0/8", "443=0.0.0.0%lo 443=10.0.0.1", "443/tcp tcp_443 OK v4-only"},
    /* The source may not tell. */
    {"443 any bind=%eth0", "interfaces? 443=0.0.0.0", "443/tcp tcp_443 UNKNOWN v4-only bind-unknown(0.0.0.0)"},
    {"443 any bind=%eth0,0.0.0.0/0", "interfaces? 443=0.0.0.0", "443/tcp tcp_443 OK v4-only"},
    {"443 any bind=10.0.0.0/8", "interfaces? 443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only bind(0.0.0.0)"},
    {"443 v6 bind=%eth0", "interfaces? 443=0.0.0.0", "443/tcp tcp_443 CRITICAL v4-only no-ipv6"},
};

START_TEST(interfaces_are_judged)
{
    trial_check(interfaces[_i].rules, interfaces[_i].host, interfaces[_i].verdict);
}
END_TEST

/* --- thresholds on connections ------------------------------------------------------------------------------------ */

static const struct {
    const char *rules, *host, *verdict;
} mapped[] = {
    {"443 any mapped-critical=0", "443=::", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any mapped-critical=0", "443=:: 443~::ffff:10.0.0.1",
     "443/tcp tcp_443 CRITICAL dual-stack/single mapped(1 outside 0)"},
    {"443 any mapped-warning=2", "443=:: 443~::ffff:10.0.0.1*2", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any mapped-warning=2", "443=:: 443~::ffff:10.0.0.1*3",
     "443/tcp tcp_443 WARNING dual-stack/single mapped(3 outside 2)"},
    {"443 any mapped-warning=2 mapped-critical=4", "443=:: 443~::ffff:10.0.0.1*5",
     "443/tcp tcp_443 CRITICAL dual-stack/single mapped(5 outside 4)"},
    {"443 any mapped-warning=2 mapped-critical=4", "443=:: 443~::ffff:10.0.0.1*4",
     "443/tcp tcp_443 WARNING dual-stack/single mapped(4 outside 2)"},
    /* The thresholds have states of their own, whatever severity= says. */
    {"443 any severity=warning mapped-critical=0", "443=:: 443~::ffff:10.0.0.1",
     "443/tcp tcp_443 CRITICAL dual-stack/single mapped(1 outside 0)"},
    /* Other connections are not mapped. */
    {"443 any mapped-critical=0", "443=:: 443~2001:db8::1*9 443=0.0.0.0 443~10.0.0.1*9",
     "443/tcp tcp_443 OK dual-stack/mixed"},
    /* Too few is a breach too, also where nothing listens or there is no service at all. */
    {"443 any mapped-warning=1:", "443=::", "443/tcp tcp_443 WARNING dual-stack/single mapped(0 outside 1:)"},
    {"443 any missing=ok mapped-warning=1:", "", "443/tcp tcp_443 WARNING closed mapped(0 outside 1:)"},
    {"443 any mapped-warning=1:", "", "443/tcp tcp_443 CRITICAL closed missing mapped(0 outside 1:)"},
    {"8000-8099 any mapped-critical=1:", "", "8000/tcp tcp_8000-8099 CRITICAL closed mapped(0 outside 1:)"},
    {"8000-8099 closed mapped-critical=1:", "", "8000/tcp tcp_8000-8099 CRITICAL closed mapped(0 outside 1:)"},
    /* Each rule tells at services of its own. */
    {"80 any mapped-warning=1:\n8000-8001 any mapped-critical=0\n22 any\n9000-9001 any mapped-warning=1:\ndefault any",
     "22=:: 25=:: 80=:: 8000=:: 8001=:: 8001~::ffff:10.0.0.1 22~::ffff:10.0.0.1 25~::ffff:10.0.0.1",
     "80/tcp tcp_80 WARNING dual-stack/single mapped(0 outside 1:); "
     "8000/tcp tcp_8000-8001 OK dual-stack/single; "
     "8001/tcp tcp_8000-8001 CRITICAL dual-stack/single mapped(1 outside 0); "
     "22/tcp tcp_22 OK dual-stack/single; "
     "9000/tcp tcp_9000-9001 WARNING closed mapped(0 outside 1:); 25/tcp default OK dual-stack/single"},
    /* There the rule speaks at a port that it has, and nothing else is made up there. */
    {"-r 80 any\n80,8000-8099 any mapped-warning=1:", "80=::",
     "80/tcp tcp_80 OK dual-stack/single; 8000/tcp tcp_80_8000-8099 WARNING closed mapped(0 outside 1:)"},
    {"40000-40001/udp any missing=critical mapped-warning=1:", "",
     "40000/udp udp_40000-40001 WARNING closed mapped(0 outside 1:)"},
    /* The sum of all its ports counts, and the ports that have some are reported. */
    {"80,443 any mapped-critical=2", "80=:: 443=:: 80~::ffff:10.0.0.1*2 443~::ffff:10.0.0.1*1",
     "80/tcp tcp_80_443 CRITICAL dual-stack/single mapped(3 outside 2); "
     "443/tcp tcp_80_443 CRITICAL dual-stack/single mapped(3 outside 2)"},
    {"80,443 any mapped-critical=2", "80=:: 443=:: 443~::ffff:10.0.0.1*3",
     "80/tcp tcp_80_443 OK dual-stack/single; 443/tcp tcp_80_443 CRITICAL dual-stack/single mapped(3 outside 2)"},
    /* Only ports that the rule judges. */
    {"8000-8099 any mapped-critical=0\n8080 any", "8001=:: 8080=:: 8080~::ffff:10.0.0.1*3",
     "8001/tcp tcp_8000-8099 OK dual-stack/single; 8080/tcp tcp_8080 OK dual-stack/single"},
    /* Connections follow their local address. */
    {"443@external any mapped-critical=1\n443 any missing=ok mapped-critical=1",
     "443=:: 443~::ffff:127.0.0.1*2 443~::ffff:10.0.0.1",
     "443/tcp tcp_443_external OK dual-stack/single; 443/tcp tcp_443 CRITICAL closed mapped(2 outside 1)"},
    {"443@loopback any missing=ok mapped-critical=1\n443 any mapped-critical=1",
     "443=:: 443~::ffff:127.0.0.1*1 443~::ffff:10.0.0.1*2",
     "443/tcp tcp_443_loopback OK closed; 443/tcp tcp_443 CRITICAL dual-stack/single mapped(2 outside 1)"},
    /* A rule without a socket there tells at the port where they are. */
    {"440-450@loopback any mapped-critical=2\n440-450 any", "443=:: 443~::ffff:127.0.0.1*3",
     "443/tcp tcp_440-450 OK dual-stack/single; "
     "443/tcp tcp_440-450_loopback CRITICAL closed mapped(3 outside 2)"},
    /* Outbound ones are nobody's: of a port that nothing listens on, or of one whose listeners take no such connection.
     */
    {"443 any mapped-critical=0", "443=:: 50000~::ffff:10.0.0.1*3", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any mapped-critical=0", "443=::/6 443~::ffff:10.0.0.1", "443/tcp tcp_443 OK v6-only"},
    {"443 any mapped-critical=0", "443=0.0.0.0 443=::/6 443~::ffff:10.0.0.1", "443/tcp tcp_443 OK dual-stack/split"},
    {"443 any mapped-critical=0", "443=::%lo 443~::ffff:10.0.0.1", "443/tcp tcp_443 OK dual-stack/single"},
    {"443 any mapped-critical=0", "443=::/? 443~::ffff:10.0.0.1",
     "443/tcp tcp_443 CRITICAL unknown mapped(1 outside 0)"},
    {"443 dual-stack", "443=::/? 443~::ffff:10.0.0.1", "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::)"},
    /* Over IPv4: native and v4-mapped together; each threshold for itself. */
    {"443 any ipv4-critical=2", "443=0.0.0.0 443=::/6 443~10.0.0.1*3 443~2001:db8::1*9",
     "443/tcp tcp_443 CRITICAL dual-stack/split ipv4(3 outside 2)"},
    {"443 any ipv4-critical=2", "443=:: 443~::ffff:10.0.0.1*3",
     "443/tcp tcp_443 CRITICAL dual-stack/single ipv4(3 outside 2)"},
    {"443 any ipv4-warning=3", "443=:: 443=0.0.0.0 443~::ffff:10.0.0.1*2 443~10.0.0.1*2",
     "443/tcp tcp_443 WARNING dual-stack/mixed ipv4(4 outside 3)"},
    {"443 any ipv4-warning=4", "443=:: 443=0.0.0.0 443~::ffff:10.0.0.1*2 443~10.0.0.1*2",
     "443/tcp tcp_443 OK dual-stack/mixed"},
    {"443 any ipv4-warning=1 mapped-critical=1", "443=:: 443~::ffff:10.0.0.1*2",
     "443/tcp tcp_443 CRITICAL dual-stack/single mapped(2 outside 1) ipv4(2 outside 1)"},
    {"80,443 any ipv4-critical=1", "80=0.0.0.0 443=0.0.0.0 443~10.0.0.1*2",
     "80/tcp tcp_80_443 OK v4-only; 443/tcp tcp_80_443 CRITICAL v4-only ipv4(2 outside 1)"},
    {"443 any missing=ok ipv4-warning=1:", "", "443/tcp tcp_443 WARNING closed ipv4(0 outside 1:)"},
    {"443 any ipv4-critical=1:", "notcp", "443/tcp tcp_443 UNKNOWN unknown unreadable"},
    /* What could not be read is not zero. */
    {"443 any mapped-critical=1:", "notcp", "443/tcp tcp_443 UNKNOWN unknown unreadable"},
};

START_TEST(mapped_connections_are_judged)
{
    trial_check(mapped[_i].rules, mapped[_i].host, mapped[_i].verdict);
}
END_TEST

START_TEST(rule_sums_its_connections)
{
    struct trial *trial = trial_of(
        "80,443 any\n8000-8099@loopback any\ndefault any",
        "80=:: 443=:: 443=0.0.0.0 8001=:: 22=:: 80~::ffff:10.0.0.1*2 443~::ffff:10.0.0.1*3 443~10.0.0.1 80~10.0.0.1 "
        "80~2001:db8::1*4 8001~::ffff:127.0.0.1*5 8001~::ffff:10.0.0.1*6 22~::ffff:10.0.0.1");
    uint64_t(*sums)[TALLY_KINDS] = trial->verdict->rule_connections;

    ck_assert_uint_eq(sums[0][TALLY_MAPPED], 5);
    ck_assert_uint_eq(sums[0][TALLY_IPV4], 1);
    ck_assert_uint_eq(sums[0][TALLY_IPV6], 4);
    ck_assert_uint_eq(sums[1][TALLY_MAPPED], 5);
    ck_assert(trial->verdict->rule_known[0] && trial->verdict->rule_known[1]);
    ck_assert_uint_eq(trial->verdict->services[0].connections[TALLY_MAPPED], 2);
    ck_assert_uint_eq(trial->verdict->services[0].connections[TALLY_IPV6], 4);
    ck_assert_uint_eq(trial->verdict->services[1].connections[TALLY_MAPPED], 3);
    trial_end(trial);
}
END_TEST

/* --- totals ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *rules, *host;
    unsigned mapped, mapped_out, violations, unlisted, waived, view, unknown;
} totals[] = {
    /* Nothing is judged: all that listens counts. */
    {"", "443=:: 443~::ffff:10.0.0.1*2 443~::ffff:127.0.0.1 u53=:: u53~::ffff:10.0.0.1 50000~::ffff:10.0.0.1*7", 4, 7,
     0, 0, 0, 0, 0},
    /* What no listener of the port could have accepted is outbound. */
    {"", "443=::/6 443~::ffff:10.0.0.1*2 u53=::1 u53~::ffff:10.0.0.1 80=:: 80~::ffff:10.0.0.1", 1, 3, 0, 0, 0, 0, 0},
    {"443 any", "443=::/6 443~::ffff:10.0.0.1*2", 0, 2, 0, 0, 0, 1, 0},
    /* Judged services alone. */
    {"443 any", "443=:: 80=:: 443~::ffff:10.0.0.1*2 80~::ffff:10.0.0.1*5", 2, 0, 0, 0, 0, 1, 0},
    {"443 any\ndefault any", "443=:: 80=:: 443~::ffff:10.0.0.1*2 80~::ffff:10.0.0.1*5", 7, 0, 0, 0, 0, 2, 0},
    {"default/udp any", "443=:: 443~::ffff:10.0.0.1*2", 0, 0, 0, 0, 0, 0, 0},
    /* Each counts once, also what comes to an address of a scope where nothing listens. */
    {"default@loopback any\ndefault any", "443=:: 443~::ffff:127.0.0.1*3 443~::ffff:10.0.0.1*2", 5, 0, 0, 0, 0, 1, 0},
    {"440-450@loopback any\ndefault any", "443=:: 443~::ffff:127.0.0.1*3 443~::ffff:10.0.0.1*2", 5, 0, 0, 0, 0, 1, 0},
    /* Violations: WARNING and CRITICAL, missing and thresholds included. */
    {"443 v6-only\n80 any severity=warning\n22 any\n8080 any mapped-critical=0",
     "443=:: 22=:: 8080=:: 8080~::ffff:10.0.0.1", 1, 0, 3, 0, 0, 4, 0},
    /* Of them unlisted: what only a default judges. */
    {"443 v6-only\ndefault closed severity=warning", "443=:: 22=:: 23=::", 0, 0, 3, 2, 0, 3, 0},
    {"443 v6-only\ndefault any", "443=:: 22=:: 23=::", 0, 0, 1, 0, 0, 3, 0},
    /* Not the waived, not the UNKNOWN. */
    {"443 v6-only waive-until=2026-11-22\n80 any", "443=::", 0, 0, 1, 0, 1, 2, 0},
    {"default closed waive-until=2026-11-22", "443=::", 0, 0, 0, 0, 1, 1, 0},
    {"443 v6-only", "443=::/?", 0, 0, 0, 0, 0, 1, 1},
    {"443 any", "notcp", 0, 0, 0, 0, 0, 1, 1},
    /* A service of several reasons is one. */
    {"443 v6-only bind=loopback user=1", "443=0.0.0.0", 0, 0, 1, 0, 0, 1, 0},
};

START_TEST(totals_are_counted)
{
    struct trial *trial = trial_of(totals[_i].rules, totals[_i].host);
    const struct judge_total *total = &trial->verdict->total;

    ck_assert_uint_eq(total->mapped, totals[_i].mapped);
    ck_assert_uint_eq(total->mapped_out, totals[_i].mapped_out);
    ck_assert_uint_eq(total->violations, totals[_i].violations);
    ck_assert_uint_eq(total->unlisted, totals[_i].unlisted);
    ck_assert_uint_eq(total->waived, totals[_i].waived);
    ck_assert_uint_eq(total->judged, totals[_i].view);
    ck_assert_uint_eq(total->unknown, totals[_i].unknown);
    ck_assert_int_eq(total->known, strstr(totals[_i].host, "notcp") == NULL);
    /* Listing what nobody judges changes no number. */
    trial->question.everything = true;
    trial_judge(trial);
    total = &trial->verdict->total;
    ck_assert_uint_eq(total->mapped, totals[_i].mapped);
    ck_assert_uint_eq(total->violations, totals[_i].violations);
    ck_assert_uint_eq(total->judged, totals[_i].view);
    trial_end(trial);
}
END_TEST

#define NONE NULL

static const struct {
    const char *rules, *host;
    const char *warning, *critical;
    const char *crossed; /* NULL for none */
    enum state mapped_state, state;
} thresholds[] = {
    {"", "443=:: 443~::ffff:10.0.0.1*2", NONE, NONE, NONE, STATE_OK, STATE_OK},
    {"", "443=:: 443~::ffff:10.0.0.1*2", "2", "3", NONE, STATE_OK, STATE_OK},
    {"", "443=:: 443~::ffff:10.0.0.1*2", "1", "3", "1", STATE_WARNING, STATE_WARNING},
    {"", "443=:: 443~::ffff:10.0.0.1*2", "1", "1", "1", STATE_CRITICAL, STATE_CRITICAL},
    {"", "443=:: 443~::ffff:10.0.0.1*1", NONE, "0", "0", STATE_CRITICAL, STATE_CRITICAL},
    {"", "443=::", "1:", NONE, "1:", STATE_WARNING, STATE_WARNING},
    {"", "", NONE, "@0", "@0", STATE_CRITICAL, STATE_CRITICAL},
    /* Outbound and unjudged ones do not count. */
    {"", "443=:: 50000~::ffff:10.0.0.1*2", NONE, "0", NONE, STATE_OK, STATE_OK},
    {"443 any", "443=:: 80=:: 80~::ffff:10.0.0.1*2", NONE, "0", NONE, STATE_OK, STATE_OK},
    /* With the policy the worst wins: CRITICAL, WARNING, UNKNOWN, OK. */
    {"443 v6-only", "443=:: 443~::ffff:10.0.0.1", "0", NONE, "0", STATE_WARNING, STATE_CRITICAL},
    {"443 v6-only severity=warning", "443=:: 443~::ffff:10.0.0.1", NONE, "0", "0", STATE_CRITICAL, STATE_CRITICAL},
    {"443 v6-only", "443=::/?", "1:", NONE, "1:", STATE_WARNING, STATE_WARNING},
    {"443 v6-only", "443=::/?", NONE, NONE, NONE, STATE_OK, STATE_UNKNOWN},
    /* A total that is not known crosses nothing. */
    {"443 any", "notcp", NONE, "1:", NONE, STATE_OK, STATE_UNKNOWN},
    {"", "notcp", NONE, "1:", NONE, STATE_OK, STATE_UNKNOWN},
    {"", "noudp 443=::", NONE, "1:", NONE, STATE_OK, STATE_UNKNOWN},
    /* A protocol that nobody asks about may be unreadable. */
    {"443 any", "noudp 443=::", NONE, "1:", "1:", STATE_CRITICAL, STATE_CRITICAL},
    {"443 any", "noudp 443=::", NONE, NONE, NONE, STATE_OK, STATE_OK},
    {"default/tcp any", "noudp 443=::", NONE, NONE, NONE, STATE_OK, STATE_OK},
    {"default any", "noudp 443=::", NONE, NONE, NONE, STATE_OK, STATE_UNKNOWN},
    {"443 v6-only\ndefault any", "noudp 443=::", NONE, NONE, NONE, STATE_OK, STATE_CRITICAL},
};

START_TEST(total_meets_its_thresholds)
{
    struct trial *trial = trial_begin(thresholds[_i].rules, thresholds[_i].host);

    for (int everything = 0; everything < 2; everything++) {
        trial->question.everything = everything != 0;
        if (thresholds[_i].warning != NULL) {
            ck_assert(range_parse(thresholds[_i].warning, &trial->warning));
            trial->question.warning = &trial->warning;
        }
        if (thresholds[_i].critical != NULL) {
            ck_assert(range_parse(thresholds[_i].critical, &trial->critical));
            trial->question.critical = &trial->critical;
        }
        trial_judge(trial);
        ck_assert_int_eq(trial->verdict->mapped_state, thresholds[_i].mapped_state);
        ck_assert_int_eq(trial->verdict->state, thresholds[_i].state);
        if (thresholds[_i].crossed == NULL) {
            ck_assert_ptr_null(trial->verdict->mapped_range);
        } else {
            char range[RANGE_TEXT_SIZE];
            ck_assert_str_eq(range_format(range, trial->verdict->mapped_range), thresholds[_i].crossed);
        }
    }
    trial_end(trial);
}
END_TEST

/* --- waivers ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *rules, *host;
    int32_t today;
    const char *verdict;
    enum state state;
} waivers[] = {
    {"443 closed waive-until=2026-11-22", "443=0.0.0.0", TRIAL_TODAY - 1000,
     "443/tcp tcp_443 OK v4-only waived listens(0.0.0.0)", STATE_OK},
    {"443 closed waive-until=2026-11-22", "443=0.0.0.0", TRIAL_TODAY - 1,
     "443/tcp tcp_443 OK v4-only waived listens(0.0.0.0)", STATE_OK},
    {"443 closed waive-until=2026-11-22", "443=0.0.0.0", TRIAL_TODAY,
     "443/tcp tcp_443 OK v4-only waived listens(0.0.0.0)", STATE_OK},
    {"443 closed waive-until=2026-11-22", "443=0.0.0.0", TRIAL_TODAY + 1,
     "443/tcp tcp_443 CRITICAL v4-only listens(0.0.0.0)", STATE_CRITICAL},
    /* Without a breach there is nothing to waive. */
    {"443 any waive-until=2026-11-22", "443=0.0.0.0", TRIAL_TODAY, "443/tcp tcp_443 OK v4-only", STATE_OK},
    {"443 any waive-until=2026-11-22", "", TRIAL_TODAY, "443/tcp tcp_443 OK closed waived missing", STATE_OK},
    {"443 any waive-until=2026-11-22 mapped-critical=0", "443=:: 443~::ffff:10.0.0.1", TRIAL_TODAY,
     "443/tcp tcp_443 OK dual-stack/single waived mapped(1 outside 0)", STATE_OK},
    {"default closed waive-until=2026-11-22", "443=0.0.0.0", TRIAL_TODAY,
     "443/tcp default OK v4-only waived listens(0.0.0.0)", STATE_OK},
    /* What is unknown is not a breach that anybody waived. */
    {"443 v6-only waive-until=2026-11-22", "443=::/?", TRIAL_TODAY,
     "443/tcp tcp_443 UNKNOWN unknown v6only-unknown(::)", STATE_UNKNOWN},
    {"443 any waive-until=2026-11-22", "notcp", TRIAL_TODAY, "443/tcp tcp_443 UNKNOWN unknown unreadable",
     STATE_UNKNOWN},
    /* It waives its own rule alone. */
    {"443 closed waive-until=2026-11-22\n80 closed", "443=0.0.0.0 80=0.0.0.0", TRIAL_TODAY,
     "443/tcp tcp_443 OK v4-only waived listens(0.0.0.0); 80/tcp tcp_80 CRITICAL v4-only listens(0.0.0.0)",
     STATE_CRITICAL},
};

START_TEST(waiver_holds_to_the_end_of_its_day)
{
    struct trial *trial = trial_begin(waivers[_i].rules, waivers[_i].host);
    struct text text;

    trial->question.today = waivers[_i].today;
    trial_judge(trial);
    ck_assert_str_eq(verdict_write(&text, trial->verdict), waivers[_i].verdict);
    ck_assert_int_eq(trial->verdict->state, waivers[_i].state);
    trial_end(trial);
}
END_TEST

/* --- what nobody judges, and what is to be looked at twice ------------------------------------------------------- */

static const struct {
    const char *rules, *host, *verdict;
    enum state state;
} everything[] = {
    {"", "", "", STATE_OK},
    {"", "443=:: u53=127.0.0.1", "443/tcp - OK dual-stack/single; 53/udp - OK v4-only", STATE_OK},
    {"", "443=::/?", "443/tcp - OK unknown", STATE_OK},
    {"", "443=::+?", "443/tcp - OK dual-stack/single", STATE_OK},
    {"443 v6-only", "22=0.0.0.0 443=::/6 u53=::",
     "443/tcp tcp_443 OK v6-only; 22/tcp - OK v4-only; 53/udp - OK dual-stack/single", STATE_OK},
    {"443@external any", "443=0.0.0.0 443=::1 443=fe80::1", "443/tcp tcp_443_external OK v4-only; 443/tcp - OK v6-only",
     STATE_OK},
    {"443 any\ndefault@external closed severity=warning", "22=0.0.0.0 22=::1 443=::",
     "443/tcp tcp_443 OK dual-stack/single; 22/tcp default WARNING v4-only listens(0.0.0.0); 22/tcp - OK v6-only",
     STATE_WARNING},
    {"default closed", "u40000=0.0.0.0", "40000/udp - OK v4-only", STATE_OK},
    /* Nobody judges UDP here, so half of it is no reason for another state than without the list. */
    {"443 any", "noudp 443=:: u53=::", "443/tcp tcp_443 OK dual-stack/single; 53/udp - OK unknown", STATE_OK},
};

START_TEST(everything_is_listed_when_asked)
{
    struct trial *trial = trial_begin(everything[_i].rules, everything[_i].host);
    struct text text;

    trial->question.everything = true;
    trial_judge(trial);
    ck_assert_str_eq(verdict_write(&text, trial->verdict), everything[_i].verdict);
    ck_assert_int_eq(trial->verdict->state, everything[_i].state);
    /* The list never changes the state. */
    trial->question.everything = false;
    trial_judge(trial);
    ck_assert_int_eq(trial->verdict->state, everything[_i].state);
    trial_end(trial);
}
END_TEST

static const struct {
    const char *rules, *host;
    bool absence;
} absences[] = {
    {"443 any", "", true},
    {"443 any severity=warning", "", true},
    {"443 any missing=ok", "", false},
    {"443 any", "443=::", false},
    {"443 dual-stack", "443=0.0.0.0", true},
    {"443 dual-stack", "443=::/6", true},
    {"443 v6", "443=0.0.0.0 443=::1", true},
    {"443 v4-only", "443=::", false},
    {"443 closed", "443=::", false},
    {"443 any bind=loopback", "443=::", false},
    {"443 any mapped-critical=0", "443=:: 443~::ffff:10.0.0.1", false},
    {"443 v6-only", "443=::/?", false},
    {"443 any", "notcp", false},
    {"443 any waive-until=2026-11-22", "", false},
    {"443 any waive-until=2026-11-21", "", true},
    {"22 closed\n443 any", "22=::", true},
    {"default dual-stack", "22=0.0.0.0", true},
    {"", "", false},
};

START_TEST(absence_is_reported)
{
    struct trial *trial = trial_of(absences[_i].rules, absences[_i].host);

    ck_assert_int_eq(judge_rests_on_absence(trial->verdict), absences[_i].absence);
    trial_end(trial);
}
END_TEST

/* A service holds the listeners that its rule judges, and no others. */
START_TEST(service_holds_its_listeners)
{
    struct trial *trial = trial_of("443@external any\n443 any", "443=0.0.0.0 443=192.0.2.1 443=::1 443=fe80::1");
    const struct judge_service *service = trial->verdict->services;

    ck_assert_uint_eq(service[0].listener_count, 2);
    ck_assert_int_eq(service[0].listeners[0]->scope, SCOPE_EXTERNAL);
    ck_assert_int_eq(service[0].listeners[1]->scope, SCOPE_EXTERNAL);
    ck_assert_uint_eq(service[1].listener_count, 2);
    ck_assert_int_ne(service[1].listeners[0]->scope, SCOPE_EXTERNAL);
    ck_assert_int_ne(service[1].listeners[1]->scope, SCOPE_EXTERNAL);
    ck_assert_ptr_eq(service[0].rule, trial->policy->rules[0]);
    trial_end(trial);
}
END_TEST

START_TEST(whole_port_range_is_judged)
{
    struct trial *trial = trial_of("1-65535 any missing=critical", "443=::");

    ck_assert_uint_eq(trial->verdict->service_count, 65535);
    ck_assert_uint_eq(trial->verdict->total.violations, 65534);
    ck_assert_int_eq(trial->verdict->services[442].state, STATE_OK);
    trial_end(trial);
}
END_TEST

static Suite *judge_suite(void)
{
    Suite *suite = suite_create("judge");
    TCase *service = tcase_create("service");
    TCase *total = tcase_create("total");

    tcase_add_loop_test(service, requirement_meets_stack, 0, COUNT(matrix));
    tcase_add_loop_test(service, verdict_has_its_reasons, 0, COUNT(trials));
    tcase_add_loop_test(service, unknown_listeners_may_differ, 0, COUNT(requirements));
    tcase_add_loop_test(service, mapped_connections_are_judged, 0, COUNT(mapped));
    tcase_add_loop_test(service, what_is_left_out_is_not_judged, 0, COUNT(left_out));
    tcase_add_test(service, what_is_left_out_is_listed);
    tcase_add_loop_test(service, interfaces_are_judged, 0, COUNT(interfaces));
    tcase_add_test(service, rule_sums_its_connections);
    tcase_add_loop_test(service, waiver_holds_to_the_end_of_its_day, 0, COUNT(waivers));
    tcase_add_test(service, service_holds_its_listeners);
    tcase_add_test(service, whole_port_range_is_judged);
    suite_add_tcase(suite, service);
    tcase_add_loop_test(total, totals_are_counted, 0, COUNT(totals));
    tcase_add_loop_test(total, total_meets_its_thresholds, 0, COUNT(thresholds));
    tcase_add_loop_test(total, everything_is_listed_when_asked, 0, COUNT(everything));
    tcase_add_loop_test(total, absence_is_reported, 0, COUNT(absences));
    suite_add_tcase(suite, total);
    return suite;
}

int main(void)
{
    return unit_run(judge_suite());
}
