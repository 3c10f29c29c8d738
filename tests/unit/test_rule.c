/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/audit/rule.c, rule_subject.c and rule_options.c.
 */
#include "config.h"

#include "audit/day.h"
#include "audit/rule.h"
#include "socket/protocol.h"

#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* --- a host that knows a few names ------------------------------------------------------------------------------- */

static bool port_by_name(const char *name, enum record_protocol protocol, uint16_t *port, void *context)
{
    static const struct {
        const char *name;
        enum record_protocol protocol;
        uint16_t port;
    } services[] = {
        {"https", RECORD_TCP, 443}, {"domain", RECORD_TCP, 53},     {"domain", RECORD_UDP, 53},
        {"ntp", RECORD_UDP, 123},   {"http-alt", RECORD_TCP, 8080}, {"9pfs", RECORD_TCP, 564},
        {"who", RECORD_TCP, 1111},  {"who", RECORD_UDP, 2222},
    };

    (void)context;
    for (int i = 0; i < COUNT(services); i++) {
        if (strcmp(services[i].name, name) == 0 && services[i].protocol == protocol) {
            *port = services[i].port;
            return true;
        }
    }
    return false;
}

static bool uid_by_name(const char *name, uint32_t *uid, void *context)
{
    (void)context;
    *uid = 33;
    return strcmp(name, "www-data") == 0;
}

static const struct rule_names names = {.port = port_by_name, .user = uid_by_name};

/* The rule, which must be right. */
static struct rule *rule_of(const char *text)
{
    struct rule_errors errors = {0};
    struct rule *rule = NULL;
    int result = rule_parse(text, strlen(text), "p:1", &names, &errors, &rule);

    ck_assert_msg(result == 1, "%s: %s", text, errors.count > 0 ? errors.text[0] : "no rule");
    ck_assert_uint_eq(errors.count, 0);
    rule_errors_clear(&errors);
    return rule;
}

/* --- ports ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *subject;
    const char *read; /* "tcp 80 8000-8099 @link", written out by subject_write() */
} subjects[] = {
    {"22", "tcp 22"},
    {"1", "tcp 1"},
    {"65535", "tcp 65535"},
    {"80,443", "tcp 80 443"},
    {"443,80", "tcp 443 80"},
    {"80,443/tcp", "tcp 80 443"},
    {"443/udp", "udp 443"},
    {"8000-8099", "tcp 8000-8099"},
    {"1-65535", "tcp 1-65535"},
    {"443-443", "tcp 443-443"},
    {"22,8000-8099,443/udp", "udp 22 8000-8099 443"},
    {"53/udp@loopback", "udp 53 @loopback"},
    {"53@link", "tcp 53 @link"},
    {"53@external", "tcp 53 @external"},
    {"https", "tcp 443"},
    {"http-alt,22", "tcp 8080 22"},
    {"9pfs", "tcp 564"},
    {"ntp/udp", "udp 123"},
    {"who", "tcp 1111"},
    {"who/udp@link", "udp 2222 @link"},
    {"default", "default any"},
    {"default/tcp", "default tcp"},
    {"default/udp", "default udp"},
    {"default@external", "default any @external"},
    {"default/udp@loopback", "default udp @loopback"},
};

static void subject_write(char *text, size_t size, const struct rule *rule)
{
    const char *protocol =
        rule->protocol == RULE_ANY_PROTOCOL ? "any" : protocol_name((enum record_protocol)rule->protocol);
    size_t length = (size_t)snprintf(text, size, "%s%s", rule->is_default ? "default " : "", protocol);

    for (size_t i = 0; i < rule->port_count; i++) {
        const struct rule_ports *ports = &rule->ports[i];
        length += (size_t)(ports->single ? snprintf(text + length, size - length, " %d", ports->first)
                                         : snprintf(text + length, size - length, " %d-%d", ports->first, ports->last));
        ck_assert(!ports->single || ports->first == ports->last);
    }
    if (rule->scope != RULE_ANY_SCOPE) {
        snprintf(text + length, size - length, " @%s", scope_name((enum scope)rule->scope));
    }
}

START_TEST(subject_is_read)
{
    char text[128];
    char found[128];
    struct rule *rule;

    snprintf(text, sizeof text, "%s any", subjects[_i].subject);
    rule = rule_of(text);
    subject_write(found, sizeof found, rule);
    ck_assert_str_eq(found, subjects[_i].read);
    ck_assert_str_eq(rule->text, text);
    ck_assert_str_eq(rule->origin, "p:1");
    rule_free(rule);
}
END_TEST

static const struct {
    const char *text;
    const char *name;
} default_names[] = {
    {"443 any", "tcp_443"},
    {"443/udp any", "udp_443"},
    {"80,443 any", "tcp_80_443"},
    {"8000-8099 any", "tcp_8000-8099"},
    {"443@loopback any", "tcp_443_loopback"},
    {"53/udp@link any", "udp_53_link"},
    {"80,8000-8099@external any", "tcp_80_etc_external"},
    {"https any", "tcp_443"},
    {"10000,10001,10002 any", "tcp_10000_10001_10002"},
    {"443 any name=web", "web"},
    {"443 any name=Web_site-2", "Web_site-2"},
    {"443 any name=a23456789012345678901234", "a23456789012345678901234"},
    {"default closed", ""},
    /* Too long: the first port stands for the list. */
    {"10000,10001,10002,10003 any", "tcp_10000_etc"},
    {"8000-8099,9000-9099,10000-10099 any", "tcp_8000_etc"},
};

START_TEST(name_has_a_default)
{
    struct rule *rule = rule_of(default_names[_i].text);

    ck_assert_str_eq(rule->name, default_names[_i].name);
    ck_assert_int_eq(rule->named, strstr(default_names[_i].text, "name=") != NULL);
    rule_free(rule);
}
END_TEST

/* Whatever the ports, a name is short and of the letters that perfdata takes. */
START_TEST(default_name_is_always_in_bounds)
{
    static const char *const tails[] = {"", "/udp", "@loopback", "/udp@external"};
    char text[4096] = "";
    size_t length = 0;

    for (int count = 1; count <= 300; count++) {
        struct rule *rule;
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%d", count > 1 ? "," : "", 20000 + count);
        snprintf(text + length, sizeof text - length, "%s any", tails[count % COUNT(tails)]);
        rule = rule_of(text);
        ck_assert_uint_le(strlen(rule->name), RULE_NAME_MAX);
        ck_assert_uint_eq(strspn(rule->name, "abcdefghijklmnopqrstuvwxyz0123456789_-"), strlen(rule->name));
        if (strchr(tails[count % COUNT(tails)], '@') != NULL) {
            ck_assert_ptr_nonnull(strstr(rule->name, strchr(tails[count % COUNT(tails)], '@') + 1));
        }
        rule_free(rule);
    }
}
END_TEST

/* --- requirements and options ------------------------------------------------------------------------------------ */

static const struct {
    const char *word;
    enum rule_requirement requirement;
} requirements[] = {
    {"v4-only", RULE_V4_ONLY}, {"v6-only", RULE_V6_ONLY}, {"dual-stack", RULE_DUAL_STACK}, {"v4", RULE_V4},
    {"v6", RULE_V6},           {"any", RULE_ANY},         {"closed", RULE_CLOSED},
};

START_TEST(requirement_is_read)
{
    char text[64];
    struct rule *rule;

    snprintf(text, sizeof text, "443 %s", requirements[_i].word);
    rule = rule_of(text);
    ck_assert_int_eq(rule->requirement, requirements[_i].requirement);
    ck_assert_str_eq(rule_requirement_name(rule->requirement), requirements[_i].word);
    rule_free(rule);
}
END_TEST

/* A row each: what the word asks for, and what the rest of a rule may say then. */
static const struct {
    enum rule_requirement requirement;
    const char *word, *phrase;
    bool needs_ipv4, needs_ipv6, bars_ipv4, bars_ipv6, bars_listening;
    bool form, missing; /* does the option go with it? */
} rows[] = {
    {RULE_V4_ONLY, "v4-only", "be v4-only", true, false, false, true, false, false, true},
    {RULE_V6_ONLY, "v6-only", "be v6-only", false, true, true, false, false, false, true},
    {RULE_DUAL_STACK, "dual-stack", "be dual-stack", true, true, false, false, false, true, true},
    {RULE_V4, "v4", "accept IPv4", true, false, false, false, false, false, true},
    {RULE_V6, "v6", "accept IPv6", false, true, false, false, false, false, true},
    {RULE_ANY, "any", "listen", false, false, false, false, false, false, true},
    {RULE_CLOSED, "closed", "be closed", false, false, false, false, true, false, false},
};

/* Is the rule right with that option? */
static bool goes_with(const char *word, const char *option)
{
    struct rule_errors errors = {0};
    struct rule *rule = NULL;
    char text[64];
    int result;

    snprintf(text, sizeof text, "443 %s %s", word, option);
    result = rule_parse(text, strlen(text), "p:1", &names, &errors, &rule);
    rule_free(rule);
    rule_errors_clear(&errors);
    return result == 1;
}

START_TEST(requirement_is_a_row)
{
    const struct rule_requirement_row *row = rule_requirement_of(rows[_i].requirement);
    struct rule rule = {.requirement = rows[_i].requirement};

    ck_assert_str_eq(row->word, rows[_i].word);
    ck_assert_str_eq(rule_requirement_name(rows[_i].requirement), rows[_i].word);
    ck_assert_str_eq(rule_requirement_word((int)rows[_i].requirement), rows[_i].word);
    ck_assert_str_eq(row->phrase, rows[_i].phrase);
    ck_assert_int_eq(row->needs_ipv4, rows[_i].needs_ipv4);
    ck_assert_int_eq(row->needs_ipv6, rows[_i].needs_ipv6);
    ck_assert_int_eq(row->bars_ipv4, rows[_i].bars_ipv4);
    ck_assert_int_eq(row->bars_ipv6, rows[_i].bars_ipv6);
    ck_assert_int_eq(row->bars_listening, rows[_i].bars_listening);
    ck_assert_int_eq(rule_needs_both(&rule), rows[_i].form);
    ck_assert_int_eq(goes_with(rows[_i].word, "form=split"), rows[_i].form);
    ck_assert_int_eq(goes_with(rows[_i].word, "missing=ok"), rows[_i].missing);
}
END_TEST

/* Whatever rows there are: whole, no two alike, and none asks for what it bars. */
START_TEST(requirements_make_sense)
{
    for (int i = 0; i < RULE_REQUIREMENTS; i++) {
        const struct rule_requirement_row *row = rule_requirement_of((enum rule_requirement)i);
        ck_assert_ptr_nonnull(row->word);
        ck_assert_ptr_nonnull(row->phrase);
        ck_assert(!(row->needs_ipv4 && row->bars_ipv4) && !(row->needs_ipv6 && row->bars_ipv6));
        ck_assert(!row->bars_listening || (!row->needs_ipv4 && !row->needs_ipv6));
        for (int other = 0; other < i; other++) {
            ck_assert_str_ne(row->word, rule_requirement_word(other));
        }
    }
    ck_assert_ptr_null(rule_requirement_word(RULE_REQUIREMENTS));
}
END_TEST

START_TEST(whole_families_are_bound)
{
    static const struct {
        const char *bind;
        bool ipv4, ipv6;
    } binds[] = {
        {"0.0.0.0/0", true, false},
        {"::/0", false, true},
        {"::/0,0.0.0.0/0", true, true},
        {"loopback,10.0.0.0/8", false, false},
        {"0.0.0.0/1,128.0.0.0/1", false, false},
        {"::ffff:0.0.0.0/96", true, false},
    };

    for (int i = 0; i < COUNT(binds); i++) {
        char text[64];
        struct rule *rule;
        snprintf(text, sizeof text, "443 any bind=%s", binds[i].bind);
        rule = rule_of(text);
        ck_assert_int_eq(rule_binds_whole(rule, true), binds[i].ipv4);
        ck_assert_int_eq(rule_binds_whole(rule, false), binds[i].ipv6);
        rule_free(rule);
    }
}
END_TEST

START_TEST(options_have_defaults)
{
    struct rule *rule = rule_of("443 dual-stack");

    ck_assert_int_eq(rule->severity, STATE_CRITICAL);
    ck_assert_int_eq(rule->form, STACK_FORM_NONE);
    ck_assert(!rule->bind_set);
    ck_assert_ptr_null(rule->unit);
    ck_assert_ptr_null(rule->user);
    ck_assert_ptr_null(rule->note);
    ck_assert(!rule_has_threshold(rule, RULE_MAPPED) && !rule_has_threshold(rule, RULE_IPV4));
    ck_assert(!rule->as_bound && !rule->ephemeral);
    ck_assert_uint_eq(rule->bind_interface_count + rule->except_unit_count, 0);
    ck_assert(!rule->waive_set);
    rule_free(rule);
}
END_TEST

START_TEST(options_are_read)
{
    struct rule *rule = rule_of("443 dual-stack name=web severity=warning missing=ok form=split "
                                "bind=loopback,link,10.0.0.0/8,2001:db8::/32 unit=nginx*.service user=www-data "
                                "mapped-warning=10 mapped-critical=@5:20 waive-until=2027-01-31 note=OPS-1234");
    const struct rule_thresholds *mapped = &rule->thresholds[RULE_MAPPED];

    ck_assert_str_eq(rule->name, "web");
    ck_assert_int_eq(rule->severity, STATE_WARNING);
    ck_assert(rule->missing_set);
    ck_assert_int_eq(rule->missing, STATE_OK);
    ck_assert_int_eq(rule->form, STACK_SPLIT);
    ck_assert(rule->bind_set);
    ck_assert(rule->bind_scope[SCOPE_LOOPBACK] && rule->bind_scope[SCOPE_LINK] && !rule->bind_scope[SCOPE_EXTERNAL]);
    ck_assert_uint_eq(rule->bind_count, 2);
    ck_assert(rule->bind[0].ipv4 && !rule->bind[1].ipv4);
    ck_assert_str_eq(rule->unit, "nginx*.service");
    ck_assert_str_eq(rule->user, "www-data");
    ck_assert_uint_eq(rule->uid, 33);
    ck_assert(mapped->warning.set && mapped->critical.set);
    ck_assert(range_alerts(&mapped->warning.range, 11) && !range_alerts(&mapped->warning.range, 10));
    ck_assert(range_alerts(&mapped->critical.range, 5) && !range_alerts(&mapped->critical.range, 21));
    ck_assert(!rule_has_threshold(rule, RULE_IPV4));
    ck_assert(rule->waive_set);
    ck_assert_str_eq(rule->waive_text, "2027-01-31");
    ck_assert_str_eq(rule->note, "OPS-1234");
    rule_free(rule);
}
END_TEST

START_TEST(later_options_are_read)
{
    struct rule *rule =
        rule_of("53,20000-20099/udp any as=bound bind=%eth0,link,%br-0.1 except-unit=a.service,b*.service "
                "ephemeral=yes ipv4-warning=5 ipv4-critical=10:");
    const struct rule_thresholds *ipv4 = &rule->thresholds[RULE_IPV4];

    ck_assert(rule->as_bound && rule->ephemeral);
    ck_assert_uint_eq(rule->bind_interface_count, 2);
    ck_assert_str_eq(rule->bind_interfaces[0], "eth0");
    ck_assert_str_eq(rule->bind_interfaces[1], "br-0.1");
    ck_assert(rule->bind_scope[SCOPE_LINK]);
    ck_assert_uint_eq(rule->bind_count, 0);
    ck_assert_uint_eq(rule->except_unit_count, 2);
    ck_assert_str_eq(rule->except_units[0], "a.service");
    ck_assert_str_eq(rule->except_units[1], "b*.service");
    ck_assert(ipv4->warning.set && range_alerts(&ipv4->warning.range, 6));
    ck_assert(ipv4->critical.set && range_alerts(&ipv4->critical.range, 9));
    ck_assert(rule_has_threshold(rule, RULE_IPV4) && !rule_has_threshold(rule, RULE_MAPPED));
    ck_assert(rule_names_port(rule, 53) && !rule_names_port(rule, 20000) && !rule_names_port(rule, 54));
    rule_free(rule);
}
END_TEST

/* Where there is nobody to ask for users, their names are compared: those of another host. */
START_TEST(users_can_be_known_by_name_alone)
{
    static const struct rule_names elsewhere = {.port = port_by_name};
    struct rule_errors errors = {0};
    struct rule *rule = NULL;

    ck_assert_int_eq(rule_parse("443 any user=bind", 17, "p:1", &elsewhere, &errors, &rule), 1);
    ck_assert(rule->user_by_name);
    ck_assert_str_eq(rule->user, "bind");
    rule_free(rule);
    ck_assert_int_eq(rule_parse("443 any user=33", 15, "p:1", &elsewhere, &errors, &rule), 1);
    ck_assert(!rule->user_by_name);
    ck_assert_uint_eq(rule->uid, 33);
    rule_free(rule);
}
END_TEST

/* Right in all their variety; each must be read without an error. */
static const char *const good_rules[] = {
    "443 any severity=critical",
    "443 any missing=warning",
    "443 any missing=critical",
    "443 any missing=ok",
    "443 dual-stack form=single",
    "443 any user=0",
    "443 any user=4294967294",
    "443 any user=0000000033",
    "443 any bind=0.0.0.0/0",
    "443 any bind=::/0,0.0.0.0/0",
    "443 any bind=::1",
    "443 any bind=link",
    "443 any bind=::ffff:10.0.0.0/104",
    "443 any unit=*",
    "443 any unit=a=b",
    "443 any unit=user@1000.service",
    "443 any note=a#b",
    "443 any note=a, name=b",
    "443 any note=a;",
    "443 any note=\"a\"",
    "443 any note=#1234",
    "443 any note=x=y=z",
    "443 any mapped-warning=~:10 mapped-critical=10:",
    "443 closed severity=warning bind=loopback unit=x user=0 note=y mapped-critical=0 waive-until=2027-01-31",
    "443 any as=reached",
    "443 any reach=none",
    "443 dual-stack reach=loopback",
    "443 v6-only reach=link as=bound",
    "443 any reach=external",
    "default any reach=loopback",
    "443 any bind=%a",
    "443 any bind=%123456789012345",
    "443 any ipv4-warning=~:10 ipv4-critical=10:",
    "default closed severity=warning",
    "default closed as=bound except-unit=a.service ephemeral=yes",
    "8000-8099 closed except-unit=/lxc/*",
    "default dual-stack form=split bind=loopback unit=x user=0 waive-until=2027-01-31 note=y",
    "default/udp@link any",
};

START_TEST(good_rules_are_read)
{
    rule_free(rule_of(good_rules[_i]));
}
END_TEST

/* --- words, blanks and comments ---------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *rule; /* as it is kept, NULL for none */
} lines[] = {
    {"443 any", "443 any"},
    {"  443\t\tany   name=web  ", "443 any name=web"},
    {"443 any\r", "443 any"},
    {"443 any # the web", "443 any"},
    {"443 any #the web", "443 any"},
    {"443 any\t# the web", "443 any"},
    {"443 any note=OPS#12 # x", "443 any note=OPS#12"},
    {"443 any note=# name=web", "443 any note=# name=web"},
    {"443 any ## name=", "443 any"},
    {"", NULL},
    {"   \t ", NULL},
    {"\r", NULL},
    {"#", NULL},
    {"# 443 any", NULL},
    {"   #443 any", NULL},
    {"#443 nonsense", NULL},
};

START_TEST(line_is_split_into_words)
{
    struct rule_errors errors = {0};
    struct rule *rule = NULL;
    int result = rule_parse(lines[_i].text, strlen(lines[_i].text), "p:1", &names, &errors, &rule);

    ck_assert_int_eq(result, lines[_i].rule != NULL);
    ck_assert_uint_eq(errors.count, 0);
    if (result == 1) {
        ck_assert_str_eq(rule->text, lines[_i].rule);
    } else {
        ck_assert_ptr_null(rule);
    }
    rule_free(rule);
    rule_errors_clear(&errors);
}
END_TEST

/* The length counts, not a NUL behind it. */
START_TEST(rule_ends_at_its_length)
{
    struct rule_errors errors = {0};
    struct rule *rule = NULL;

    ck_assert_int_eq(rule_parse("443 any-nonsense", 7, "p:1", &names, &errors, &rule), 1);
    ck_assert_str_eq(rule->text, "443 any");
    rule_free(rule);
}
END_TEST

/* --- what is wrong ----------------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *said[4]; /* words of each error in turn, "|" between words of one */
} wrong[] = {
    /* ports */
    {"0 any", {"port 0|1 to 65535"}},
    {"65536 any", {"port 65536|1 to 65535"}},
    {"99999999999999999999 any", {"99999999999999999999|1 to 65535"}},
    {"080 any", {"080|begins with a zero|80"}},
    {"9-5 any", {"9-5|backwards|5-9"}},
    {"0-5 any", {"port 0|1 to 65535"}},
    {"5-65536 any", {"port 65536|1 to 65535"}},
    {"0-65536 any", {"port 0", "port 65536"}},
    {"-5 any", {"-5|not a port range|8000-8099"}},
    {"5- any", {"5-|not a port range|8000-8099"}},
    {"1-2-3 any", {"1-2-3|not a port range"}},
    {"- any", {"'-'|not a port range"}},
    {"80,,443 any", {"empty item|80,443"}},
    {"80, any", {"empty item"}},
    {",80 any", {"empty item"}},
    {"/tcp any", {"empty item"}},
    {"@loopback any", {"empty item"}},
    {"80,443,80 any", {"port 80|twice"}},
    {"80-90,85-95 any", {"port 85|twice"}},
    {"https,443 any", {"port 443|twice"}},
    {"0x50 any", {"0x50|neither a port|number"}},
    {"+80 any", {"'+80' is not a port: write 80"}},
    {"80;443 any", {"'80;443'|separate ports with commas: 80,443"}},
    {"80;443; any", {"'80;443;'|separate ports with commas: 80,443"}},
    {"80; any", {"'80;'|write 80"}},
    {"+ any", {"'+' is neither a port"}},
    {"nosuch any", {"nosuch|neither a port nor a tcp service|443"}},
    {"ntp any", {"ntp|nor a tcp service"}},
    {"https/udp any", {"https|nor a udp service"}},
    {"HTTPS any", {"HTTPS|did you mean https?"}},
    {"defaults closed", {"defaults|did you mean default?"}},
    {"default,443 any", {"default stands alone|a rule of its own"}},
    {"80#443 any", {"80#443|neither a port"}},
    {"0,65536,x any", {"port 0", "port 65536", "'x'"}},
    /* protocol and scope */
    {"443/sctp any", {"/sctp|not a protocol|/tcp or /udp"}},
    {"443/TCP any", {"/TCP|did you mean /tcp?"}},
    {"443/ any", {"'/' is not a protocol|/tcp or /udp"}},
    {"443/tcp/udp any", {"/tcp/udp|not a protocol|a rule for each"}},
    {"443@world any", {"@world|not a scope|@loopback, @link or @external"}},
    {"443@ any", {"not a scope|@loopback"}},
    {"443@loopback/tcp any", {"@loopback/tcp|not a scope|before the scope: /tcp@loopback"}},
    {"53@link/UDP any", {"@link/UDP|not a scope|before the scope: /udp@link"}},
    {"53@wide/udp any", {"@wide/udp|not a scope|@loopback, @link or @external"}},
    {"53@link/sctp any", {"@link/sctp|not a scope"}},
    {"443@link@link any", {"@link@link|not a scope"}},
    {"0/sctp@world any", {"@world", "/sctp", "port 0"}},
    {"default/sctp closed", {"/sctp|not a protocol"}},
    /* requirement */
    {"443", {"no requirement|'443'|443 dual-stack"}},
    {"default", {"no requirement|default"}},
    {"443 dual", {"'dual'|did you mean dual-stack?"}},
    {"443 double", {"'double'|use v4-only, v6-only, dual-stack, v4, v6, any or closed"}},
    {"443 DUAL-STACK", {"'DUAL-STACK'|did you mean dual-stack?"}},
    {"443 #any", {"no requirement|'443'"}},
    {"0 dual", {"port 0", "'dual'"}},
    {"443 v4 v6", {"unexpected 'v6'|one requirement"}},
    {"443 any web", {"unexpected 'web'|only KEY=VALUE options"}},
    /* options */
    {"443 any nmae=web", {"unknown option 'nmae='|did you mean name=?"}},
    {"443 any NAME=web", {"unknown option 'NAME='|did you mean name=?"}},
    {"443 any =web", {"unknown option '='"}},
    {"443 any name=a name=b", {"name=|twice"}},
    {"443 any name=", {"name=|no value"}},
    {"443 any severity=", {"severity=|no value"}},
    {"443 any mapped-critical=", {"mapped-critical=|no value"}},
    {"443 any note=", {"note=|no value"}},
    {"443 any name=a.b", {"name=a.b|letters, digits, _ and -|name=a_b"}},
    {"443 any name=caf\xc3\xa9", {"name=caf|letters, digits|name=caf_"}},
    {"443 any name=a234567890123456789012345", {"name=a234567890123456789012345|at most 24"}},
    {"443 any name==web", {"name==web|name=_web"}},
    {"443 any severity=ok", {"severity must be warning or critical, not 'ok'"}},
    {"443 any severity=unknown", {"severity must be warning or critical, not 'unknown'"}},
    {"443 any severity=CRITICAL", {"severity=CRITICAL|severity=critical"}},
    {"443 any missing=unknown", {"missing must be warning, critical or ok, not 'unknown'"}},
    {"443 any missing=yes", {"missing must be|'yes'"}},
    {"443 closed missing=ok", {"missing=|closed"}},
    {"443 closed missing=critical", {"missing=|closed"}},
    {"443 dual-stack form=mixed", {"form must be split or single, not 'mixed'"}},
    {"443 any form=split", {"form= makes sense only with dual-stack"}},
    {"443 closed form=single", {"form= makes sense only with dual-stack"}},
    {"443 any bind=external", {"bind=external|loopback, link, %INTERFACE or prefixes|@external"}},
    {"443 any bind=lo", {"bind=lo|loopback|%lo"}},
    {"443 any bind=loopback,", {"bind=|empty item|loopback, link"}},
    {"443 any bind=,10.0.0.0/8", {"bind=|empty item"}},
    {"443 any bind=10.0.0.0/33", {"bind=10.0.0.0/33|the prefix length must be 0 to 32"}},
    {"443 any bind=10.0.0.1/8", {"bind=10.0.0.1/8|write 10.0.0.0/8"}},
    {"443 any bind=0.0.0.0,::", {"bind=0.0.0.0|every address: write 0.0.0.0/0", "bind=::|every address: write ::/0"}},
    {"443 any bind=::/128,::ffff:0.0.0.0", {"bind=::/128|write ::/0", "bind=::ffff:0.0.0.0|write 0.0.0.0/0"}},
    {"443 any bind=[::1]", {"bind=[::1]|without brackets: ::1"}},
    {"443 any bind=fe80::1%eth0", {"bind=fe80::1%eth0|an address has no interface here: use fe80::1 or %eth0"}},
    {"443 any bind=cafe", {"bind=cafe|2001:db8::/32"}},
    {"443 any bind=lo,10.0.0.1/8,::/200", {"bind=lo", "10.0.0.1/8", "0 to 128"}},
    {"443 any user=nobody-here", {"user=nobody-here|not a user|user id"}},
    {"443 any user=4294967295", {"user=4294967295|out of range|4294967294"}},
    {"443 any user=99999999999", {"user=99999999999|out of range"}},
    {"443 any user=-1", {"user=-1|not a user"}},
    {"443 any mapped-warning=5x", {"mapped-warning=5x|not a threshold range|5:10"}},
    {"443 any mapped-warning=10:5", {"mapped-warning=10:5|runs backwards: write 5:10"}},
    {"443 any mapped-critical=@", {"mapped-critical=@|not a threshold range"}},
    {"443 any mapped-critical=-1", {"mapped-critical=-1|not a threshold range"}},
    {"443 any ipv4-warning=5x", {"ipv4-warning=5x|not a threshold range|5:10"}},
    {"443 any ipv4-critical=10:5", {"ipv4-critical=10:5|write 5:10"}},
    {"443 any unit=nginx.service,apache2.service", {"unit=nginx.service,apache2.service|one pattern, not a list"}},
    {"443 any reach=local", {"reach must be none, loopback, link or external, not 'local'"}},
    {"443 any reach=loopback,link", {"reach must be none, loopback, link or external, not 'loopback,link'"}},
    {"443 dual-stack reach=none", {"reach=none|dual-stack|any reach=none"}},
    {"443 v6 reach=none", {"reach=none|v6|any reach=none"}},
    {"443 any as=bind", {"as must be reached or bound, not 'bind'"}},
    {"443 any bind=%", {"bind=%|name of an interface|%eth0"}},
    {"443 any bind=%1234567890123456", {"bind=%1234567890123456|name of an interface"}},
    {"443 any bind=%a/b,%a:0,%..", {"bind=%a/b|interface", "bind=%a:0|interface", "bind=%..|interface"}},
    {"default closed except-unit=a.service,", {"except-unit=a.service,|empty item"}},
    {"default closed except-unit=,", {"except-unit=,|empty item"}},
    {"default closed except-unit=", {"except-unit=|no value"}},
    {"default closed ephemeral=no", {"ephemeral must be yes, not 'no'"}},
    {"53/udp closed except-unit=a.service", {"except-unit=|single ports"}},
    {"53,54/udp closed ephemeral=yes", {"ephemeral=|single ports"}},
    {"0/udp closed ephemeral=yes", {"port 0"}},
    {"443 any waive-until=2027-02-29", {"waive-until=2027-02-29|not a day|2027-01-31"}},
    {"443 any waive-until=tomorrow", {"waive-until=tomorrow|not a day|2027-01-31"}},
    {"443 any waive-until=2027-1-31", {"waive-until=2027-1-31|not a day: write 2027-01-31"}},
    /* A default judges what listens, and has no perfdata of its own. */
    {"default closed name=rest", {"name=|default"}},
    {"default any missing=ok", {"missing=|default"}},
    {"default any mapped-warning=1", {"mapped-warning=|default"}},
    {"default any mapped-critical=1", {"mapped-critical=|default"}},
    {"default any ipv4-warning=1", {"ipv4-warning=|default"}},
    {"default any ipv4-critical=1", {"ipv4-critical=|default"}},
    /* All at once. */
    {"443 any name=a.b severity=x user=nobody-here nonsense",
     {"name=a.b", "severity must be warning or critical, not 'x'", "user=nobody-here", "'nonsense'"}},
    /* But not what follows from the first: once the words are out of place, the rest has no meaning. */
    {"443 any name=a.b severity = warning more words", {"name=a.b", "no blanks around =: write severity=warning"}},
    {"443 any nonsense severity=x user=nobody-here", {"'nonsense'"}},
    {"443 tcp dual severity=x", {"443/tcp"}},
    {"80 443 dual severity=x", {"80,443"}},
    {"0 any severity=x", {"port 0", "severity must be warning or critical, not 'x'"}},
    {"0 dual severity=x form=round",
     {"port 0", "'dual'", "severity must be warning or critical, not 'x'",
      "form must be split or single, not 'round'"}},
    {"443 dual missing=perhaps form=split", {"'dual'", "not 'perhaps'"}},
    {"443 severity=warning", {"no requirement after '443'|dual-stack"}},
};

/* Asserts that `text` holds each of the words, which "|" sets apart. */
static void words_check(const char *text, const char *words)
{
    char copy[256];
    char *rest = NULL;

    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok_r(copy, "|", &rest); word != NULL; word = strtok_r(NULL, "|", &rest)) {
        ck_assert_msg(strstr(text, word) != NULL, "\"%s\" lacks \"%s\"", text, word);
    }
}

START_TEST(what_is_wrong_is_reported_with_its_place)
{
    struct rule_errors errors = {0};
    struct rule *rule = (struct rule *)&errors;
    size_t expected = 0;

    ck_assert_int_eq(rule_parse(wrong[_i].text, strlen(wrong[_i].text), "policy.conf:17", &names, &errors, &rule),
                     -EINVAL);
    ck_assert_ptr_null(rule);
    while (expected < 4 && wrong[_i].said[expected] != NULL) {
        expected++;
    }
    for (size_t i = 0; i < errors.count && i < expected; i++) {
        ck_assert_msg(strncmp(errors.text[i], "policy.conf:17: ", 16) == 0, "%s", errors.text[i]);
        words_check(errors.text[i], wrong[_i].said[i]);
    }
    ck_assert_msg(errors.count == expected, "%s: %zu errors, the last is %s", wrong[_i].text, errors.count,
                  errors.count > 0 ? errors.text[errors.count - 1] : "none");
    rule_errors_clear(&errors);
    ck_assert_uint_eq(errors.count, 0);
}
END_TEST

static void error_check(const char *text, size_t length, const char *words)
{
    struct rule_errors errors = {0};
    struct rule *rule = NULL;

    ck_assert_int_eq(rule_parse(text, length, "--rule 2", &names, &errors, &rule), -EINVAL);
    ck_assert_uint_eq(errors.count, 1);
    ck_assert_msg(strncmp(errors.text[0], "--rule 2: ", 10) == 0, "%s", errors.text[0]);
    words_check(errors.text[0], words);
    rule_errors_clear(&errors);
}

/* Where a word is wrong, all that would be right are offered: none can be forgotten there. */
START_TEST(right_words_are_offered)
{
    static const struct {
        const char *text;
        const char *(*word)(int index);
    } offers[] = {
        {"443 nonsense", rule_requirement_word},
        {"443 any nonsense=1", rule_option_word},
    };

    for (int i = 0; i < COUNT(offers); i++) {
        int count = 0;
        for (; offers[i].word(count) != NULL; count++) {
            error_check(offers[i].text, strlen(offers[i].text), offers[i].word(count));
        }
        ck_assert_int_gt(count, 5);
    }
    error_check("443 nonsense", 12, "use v4-only, v6-only, dual-stack, v4, v6, any or closed");
    error_check("443 any nonsense=1", 18,
                "use name=, severity=, missing=, form=, as=, bind=, reach=, unit=, user=, mapped-warning=, "
                "mapped-critical=, ipv4-warning=, ipv4-critical=, except-unit=, ephemeral=, waive-until= or note=");
    error_check("443 any form=split", 18, "form= makes sense only with dual-stack: leave it out");
    error_check("443 closed missing=ok", 21, "missing= makes no sense with closed: leave it out");
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
    error_check("443 any\0 name=web", 17, "NUL");
    error_check("\0", 1, "NUL");
    error_check("# comment \0 any", 15, "NUL");
}
END_TEST

START_TEST(rule_is_as_long_as_it_may)
{
    char *text = malloc(RULE_LENGTH_MAX + 2);
    struct rule_errors errors = {0};
    struct rule *rule = NULL;

    memset(text, 'x', RULE_LENGTH_MAX + 1);
    text[RULE_LENGTH_MAX + 1] = '\0';
    memcpy(text, "443 any note=", strlen("443 any note="));
    ck_assert_int_eq(rule_parse(text, RULE_LENGTH_MAX, "p:1", &names, &errors, &rule), 1);
    ck_assert_uint_eq(strlen(rule->note), RULE_LENGTH_MAX - strlen("443 any note="));
    rule_free(rule);
    error_check(text, RULE_LENGTH_MAX + 1, "longer than 8192 bytes|split");
    text[0] = '#';
    ck_assert_int_eq(rule_parse(text, RULE_LENGTH_MAX + 1, "p:1", &names, &errors, &rule), 0);
    free(text);
}
END_TEST

/* A sentence stays readable, whatever it quotes. */
START_TEST(sentences_are_bounded)
{
    static const char *const starts[] =
        {"", "443 ", "443 any ", "443 any name=", "443 any user=", "443 any x", "443 any waive-until=", "443/", "443@"};
    char *text = malloc(8001);

    for (int i = 0; i < COUNT(starts); i++) {
        struct rule_errors errors = {0};
        struct rule *rule = NULL;
        memset(text, 'x', 8000);
        text[8000] = '\0';
        memcpy(text, starts[i], strlen(starts[i]));
        ck_assert_int_eq(rule_parse(text, 8000, "p:1", &names, &errors, &rule), -EINVAL);
        ck_assert_uint_gt(errors.count, 0);
        for (size_t k = 0; k < errors.count; k++) {
            ck_assert_uint_lt(strlen(errors.text[k]), RULE_ERROR_SIZE);
            ck_assert_msg(strstr(errors.text[k], "xxxx") != NULL, "%s", errors.text[k]);
        }
        rule_errors_clear(&errors);
    }
    free(text);
}
END_TEST

/* --- missing= and port look-up ----------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint16_t port;
    enum state state;
} missing[] = {
    {"443 any", 443, STATE_CRITICAL},
    {"443 any severity=warning", 443, STATE_WARNING},
    {"443 any missing=ok", 443, STATE_OK},
    {"443 any severity=warning missing=critical", 443, STATE_CRITICAL},
    {"443 any missing=warning", 443, STATE_WARNING},
    {"443 closed", 443, STATE_OK},
    {"443 closed severity=warning", 443, STATE_OK},
    {"8000-8099 any", 8050, STATE_OK},
    {"8000-8099 any severity=warning", 8000, STATE_OK},
    {"8000-8099 any missing=critical", 8099, STATE_CRITICAL},
    {"80,443 any", 443, STATE_CRITICAL},
    {"22,8000-8099 any", 22, STATE_CRITICAL},
    {"22,8000-8099 any", 8000, STATE_OK},
    {"443-443 any", 443, STATE_OK},
};

START_TEST(missing_has_a_state)
{
    struct rule *rule = rule_of(missing[_i].text);
    const struct rule_ports *ports = rule_ports_find(rule, missing[_i].port);

    ck_assert_ptr_nonnull(ports);
    ck_assert_int_eq(rule_missing_state(rule, ports), missing[_i].state);
    rule_free(rule);
}
END_TEST

START_TEST(ports_are_found_in_the_list)
{
    struct rule *rule = rule_of("22,8000-8099,443 any");

    ck_assert_uint_eq(rule_ports_find(rule, 22)->first, 22);
    ck_assert_uint_eq(rule_ports_find(rule, 8000)->last, 8099);
    ck_assert_uint_eq(rule_ports_find(rule, 8099)->first, 8000);
    ck_assert_uint_eq(rule_ports_find(rule, 443)->first, 443);
    ck_assert_ptr_null(rule_ports_find(rule, 21));
    ck_assert_ptr_null(rule_ports_find(rule, 7999));
    ck_assert_ptr_null(rule_ports_find(rule, 8100));
    rule_free(rule);
    rule_free(NULL);
}
END_TEST

/* --- days -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    int32_t day;
} days[] = {
    {"1970-01-01", 0},     {"1970-01-02", 1},     {"1970-12-31", 364},    {"1971-01-01", 365},
    {"1972-02-28", 788},   {"1972-02-29", 789},   {"1972-03-01", 790},    {"2000-02-29", 11016},
    {"2000-03-01", 11017}, {"2001-09-09", 11574}, {"2024-02-29", 19782},  {"2024-12-31", 20088},
    {"2026-11-22", 20779}, {"2027-01-31", 20849}, {"2038-01-19", 24855},  {"2099-12-31", 47481},
    {"2100-02-28", 47540}, {"2100-03-01", 47541}, {"2400-02-29", 157113}, {"9999-12-31", 2932896},
};

START_TEST(day_is_counted)
{
    int32_t day = -1;

    ck_assert(day_parse(days[_i].text, &day));
    ck_assert_int_eq(day, days[_i].day);
    ck_assert_int_eq(day_of(day_start(day)), day);
    ck_assert_int_eq(day_of(day_start(day) + 24 * 60 * 60 - 1), day);
    ck_assert_int_eq(day_of(day_start(day) + 24 * 60 * 60), day + 1);
}
END_TEST

static const char *const no_days[] = {
    "",
    "2027",
    "2027-01",
    "2027-00-01",
    "2027-13-01",
    "2027-01-00",
    "2027-01-32",
    "2027-04-31",
    "2027-06-31",
    "2027-09-31",
    "2027-11-31",
    "2027-02-29",
    "2100-02-29",
    "1900-02-29",
    "2028-02-30",
    "1969-12-31",
    "0000-01-01",
    "27-01-31",
    "2027/01/31",
    "2027-1-031",
    "2027-01-1",
    "2027-01-011",
    "2027-01-3x",
    "x027-01-31",
    "20270-1-31",
    "2027-01--1",
    "-2027-01-31",
    "31-01-2027",
    "2027-01-31 ",
    " 2027-01-31",
    "2027-01-31T00:00",
};

START_TEST(what_is_no_day_is_refused)
{
    int32_t day = -7;

    ck_assert_msg(!day_parse(no_days[_i], &day), "%s", no_days[_i]);
    ck_assert_int_eq(day, -7);
}
END_TEST

/* Day after day from 1970 on there is neither a gap nor a day too many. */
START_TEST(days_follow_each_other)
{
    int32_t expected = 0;

    for (int year = 1970; year <= 2110; year++) {
        for (int month = 0; month <= 13; month++) {
            for (int date = 0; date <= 32; date++) {
                char text[32];
                int32_t day;
                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, date);
                if (day_parse(text, &day)) {
                    ck_assert_int_eq(day, expected);
                    expected++;
                }
            }
        }
    }
    /* 2111-01-01 of the Gregorian calendar: 141 years with 34 leap days. */
    ck_assert_int_eq(expected, 141 * 365 + 34);
}
END_TEST

static Suite *rule_suite(void)
{
    Suite *suite = suite_create("rule");
    TCase *subject = tcase_create("subject");
    TCase *option = tcase_create("option");
    TCase *error = tcase_create("error");
    TCase *day = tcase_create("day");

    tcase_add_loop_test(subject, subject_is_read, 0, COUNT(subjects));
    tcase_add_loop_test(subject, name_has_a_default, 0, COUNT(default_names));
    tcase_add_test(subject, default_name_is_always_in_bounds);
    tcase_add_test(subject, ports_are_found_in_the_list);
    tcase_add_loop_test(subject, line_is_split_into_words, 0, COUNT(lines));
    tcase_add_test(subject, rule_ends_at_its_length);
    suite_add_tcase(suite, subject);
    tcase_add_loop_test(option, requirement_is_read, 0, COUNT(requirements));
    tcase_add_loop_test(option, requirement_is_a_row, 0, COUNT(rows));
    tcase_add_test(option, requirements_make_sense);
    tcase_add_test(option, whole_families_are_bound);
    tcase_add_test(option, options_have_defaults);
    tcase_add_test(option, options_are_read);
    tcase_add_test(option, later_options_are_read);
    tcase_add_test(option, users_can_be_known_by_name_alone);
    tcase_add_loop_test(option, good_rules_are_read, 0, COUNT(good_rules));
    tcase_add_loop_test(option, missing_has_a_state, 0, COUNT(missing));
    suite_add_tcase(suite, option);
    tcase_add_loop_test(error, what_is_wrong_is_reported_with_its_place, 0, COUNT(wrong));
    tcase_add_test(error, right_words_are_offered);
    tcase_add_test(error, nul_bytes_are_refused);
    tcase_add_test(error, rule_is_as_long_as_it_may);
    tcase_add_test(error, sentences_are_bounded);
    suite_add_tcase(suite, error);
    tcase_add_loop_test(day, day_is_counted, 0, COUNT(days));
    tcase_add_loop_test(day, what_is_no_day_is_refused, 0, COUNT(no_days));
    tcase_add_test(day, days_follow_each_other);
    suite_add_tcase(suite, day);
    return suite;
}

int main(void)
{
    return unit_run(rule_suite());
}
