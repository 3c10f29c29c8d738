/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/audit/policy.c.
 */
#include "config.h"

#include "audit/policy.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static bool port_by_name(const char *name, enum record_protocol protocol, uint16_t *port, void *context)
{
    (void)context;
    *port = 443;
    return strcmp(name, "https") == 0 && protocol == RECORD_TCP;
}

static bool uid_by_name(const char *name, uint32_t *uid, void *context)
{
    (void)context;
    *uid = 33;
    return strcmp(name, "www-data") == 0;
}

static const struct rule_names names = {.port = port_by_name, .user = uid_by_name};

static const struct sock_host host = {.port_range_first = 32768, .port_range_last = 60999};

/* --rule for each line of `rules`, then a file named "p" of `text`; either may be NULL. Not finished. */
static struct policy *policy_begin(const char *rules, const char *text)
{
    struct policy *policy = policy_create(&names);
    unsigned number = 0;

    ck_assert_ptr_nonnull(policy);
    while (rules != NULL && *rules != '\0') {
        size_t length = strcspn(rules, "\n");
        char *rule = strndup(rules, length);
        ck_assert_int_eq(policy_rule_add(policy, rule, ++number), 0);
        free(rule);
        rules += length + (rules[length] == '\n');
    }
    if (text != NULL) {
        ck_assert_int_eq(policy_text_add(policy, text, strlen(text), "p"), 0);
    }
    return policy;
}

/* The same, finished, and right. */
static struct policy *policy_of(const char *rules, const char *text)
{
    struct policy *policy = policy_begin(rules, text);

    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_msg(policy->errors.count == 0, "%s", policy->errors.count > 0 ? policy->errors.text[0] : "");
    return policy;
}

/* --- the text of a file ------------------------------------------------------------------------------------------ */

/* What is read, as "LINE:RULE" each. */
static const struct {
    const char *text;
    const char *rules[4];
} texts[] = {
    {"", {NULL}},
    {"\n\n\n", {NULL}},
    {"# nothing\n\n   # but comments", {NULL}},
    {"22 any\n80 any\n", {"p:1 22 any", "p:2 80 any"}},
    {"22 any\n80 any", {"p:1 22 any", "p:2 80 any"}},
    {"22 any\r\n80 any\r\n", {"p:1 22 any", "p:2 80 any"}},
    {"22 any\r\n80 any\r", {"p:1 22 any", "p:2 80 any"}},
    {"\xef\xbb\xbf"
     "22 any\n",
     {"p:1 22 any"}},
    {"\xef\xbb\xbf# comment\r\n22 any", {"p:2 22 any"}},
    {"\xef\xbb\xbf", {NULL}},
    {"# ports\n\n22 any # ssh\n\n\n80 any #web\n", {"p:3 22 any", "p:6 80 any"}},
    {"22 any note=a#b # c", {"p:1 22 any note=a#b"}},
    {"\t22   any \n", {"p:1 22 any"}},
    {"default closed\nhttps any", {"p:1 default closed", "p:2 https any"}},
};

START_TEST(file_is_read_line_by_line)
{
    struct policy *policy = policy_of(NULL, texts[_i].text);
    size_t expected = 0;

    for (; expected < 4 && texts[_i].rules[expected] != NULL; expected++) {
        char found[128];
        ck_assert_uint_gt(policy->rule_count, expected);
        snprintf(found, sizeof found, "%s %s", policy->rules[expected]->origin, policy->rules[expected]->text);
        ck_assert_str_eq(found, texts[_i].rules[expected]);
        ck_assert(!policy->rules[expected]->command_line);
        ck_assert_uint_eq(policy->rules[expected]->position, expected);
    }
    ck_assert_uint_eq(policy->rule_count, expected);
    policy_free(policy);
}
END_TEST

START_TEST(command_line_comes_first_and_is_numbered)
{
    struct policy *policy = policy_of("443 any\n80 any", "22 any\n");

    ck_assert_uint_eq(policy->rule_count, 3);
    ck_assert_str_eq(policy->rules[0]->origin, "--rule 1");
    ck_assert_str_eq(policy->rules[1]->origin, "--rule 2");
    ck_assert_str_eq(policy->rules[2]->origin, "p:1");
    ck_assert(policy->rules[0]->command_line && policy->rules[1]->command_line && !policy->rules[2]->command_line);
    policy_free(policy);
    policy_free(NULL);
}
END_TEST

/* Bytes beyond the length are not looked at: a file is not a string. */
START_TEST(file_ends_at_its_length)
{
    static const char bytes[] = {'2', '2', ' ', 'a', 'n', 'y', 'x'};
    struct policy *policy = policy_create(&names);
    char *exact = malloc(6);

    memcpy(exact, bytes, 6);
    ck_assert_int_eq(policy_text_add(policy, exact, 6, "p"), 0);
    free(exact);
    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_uint_eq(policy->errors.count, 0);
    ck_assert_uint_eq(policy->rule_count, 1);
    policy_free(policy);
}
END_TEST

/* --- what is wrong ----------------------------------------------------------------------------------------------- */

/* Errors in turn, each with its place and, set apart by "|", words that it holds. */
static const struct {
    const char *rules, *text;
    const char *said[5];
} wrong[] = {
    {"443 anny", NULL, {"--rule 1: |'anny'"}},
    {"443 any\n80 anny", NULL, {"--rule 2: |'anny'"}},
    {" ", NULL, {"--rule 1: |empty|443 dual-stack"}},
    {"443 any\n\t", NULL, {"--rule 2: |empty"}},
    {"# only a comment", NULL, {"--rule 1: |empty"}},
    {NULL, "443 any\n80 anny\n\n0 any\n22 any", {"p:2: |'anny'", "p:4: |port 0"}},
    {NULL, "443 any\r\n80 anny\r\n", {"p:2: |'anny' is not"}},
    {NULL,
     "\xef\xbb\xbf"
     "443 anny\n",
     {"p:1: |'anny'"}},
    {NULL,
     "\n\xef\xbb\xbf"
     "443 any\n",
     {"p:2: |invisible character U+FEFF"}},
    {"443 anny", "80 anny", {"--rule 1: ", "p:1: "}},
    {NULL, "0 anny x=1 y", {"p:1: |port 0", "p:1: |'anny'", "p:1: |'x='", "p:1: |'y'"}},
    {NULL, "443 closed missing=ok\n80 any form=split\n", {"p:1: |missing=|closed", "p:2: |form=|dual-stack"}},
    /* At odds with each other: same rank, same port. Both places are named. */
    {NULL, "443 any\n443 dual-stack name=x\n", {"p:2: |443/tcp|p:1: |already"}},
    {NULL, "443 any\n\n80,443 v6 name=x", {"p:3: |443/tcp|p:1: "}},
    {NULL, "https any\n443 v6 name=x", {"p:2: |443/tcp|p:1: "}},
    {NULL, "443 any\n443/tcp v6 name=x", {"p:2: |443/tcp|p:1: "}},
    {NULL, "443@link any\n443@link v6 name=x", {"p:2: |443/tcp|p:1: "}},
    {NULL, "443/udp any\n443/udp v6 name=x", {"p:2: |443/udp|p:1: "}},
    {NULL, "8000-8099 any\n8050-8150 any", {"p:2: |8050/tcp|p:1: "}},
    {NULL, "8000-8099 any\n7000-8000 any", {"p:2: |8000/tcp|p:1: "}},
    {NULL, "443-443 any\n400-500 any", {"p:2: |443/tcp|p:1: "}},
    {NULL, "443 any\n443 v6 name=x\n443 v4 name=y", {"p:2: |p:1: ", "p:3: |p:1: "}},
    {NULL, "80,443 any\n80,443 v6 name=x", {"p:2: |80/tcp|p:1: ", "p:2: |443/tcp|p:1: "}},
    {"443 any\n443 v6 name=x", NULL, {"--rule 2: |443/tcp|--rule 1: "}},
    /* Also where --rule replaces both: the file is wrong all the same. */
    {"443 any name=z", "443 any\n443 v6 name=x", {"p:2: |443/tcp|p:1: "}},
    /* Defaults. */
    {NULL, "default closed\n22 any\ndefault any", {"p:3: |duplicate default|p:1: "}},
    {NULL, "default/tcp closed\ndefault/tcp any", {"p:2: |duplicate default|p:1: "}},
    {NULL, "default@link closed\ndefault@link any", {"p:2: |duplicate default|p:1: "}},
    {NULL, "default/udp@link closed\ndefault/udp@link any", {"p:2: |duplicate default|p:1: "}},
    {"default closed\ndefault any", NULL, {"--rule 2: |default|--rule 1: "}},
    /* All at once, of every kind. */
    {"443 anny",
     "0 any\n22 any\n22 v4 name=x\ndefault any\ndefault any",
     {"--rule 1: ", "p:1: ", "p:3: |22/tcp|p:2: ", "p:5: |duplicate default|p:4: "}},
};

static void error_check(const char *text, const char *words)
{
    char copy[256];
    char *rest = NULL;
    const char *place;

    snprintf(copy, sizeof copy, "%s", words);
    place = strtok_r(copy, "|", &rest);
    ck_assert_msg(strncmp(text, place, strlen(place)) == 0, "\"%s\" is not at \"%s\"", text, place);
    for (char *word = strtok_r(NULL, "|", &rest); word != NULL; word = strtok_r(NULL, "|", &rest)) {
        ck_assert_msg(strstr(text, word) != NULL, "\"%s\" lacks \"%s\"", text, word);
    }
}

START_TEST(all_that_is_wrong_is_reported_with_its_place)
{
    struct policy *policy = policy_begin(wrong[_i].rules, wrong[_i].text);
    size_t expected = 0;

    ck_assert_int_eq(policy_finish(policy), 0);
    while (expected < 5 && wrong[_i].said[expected] != NULL) {
        expected++;
    }
    for (size_t i = 0; i < expected && i < policy->errors.count; i++) {
        error_check(policy->errors.text[i], wrong[_i].said[i]);
    }
    ck_assert_msg(policy->errors.count == expected, "%zu errors, the last is %s", policy->errors.count,
                  policy->errors.count > 0 ? policy->errors.text[policy->errors.count - 1] : "none");
    policy_free(policy);
}
END_TEST

static const struct {
    const char *rules, *text;
    const char *places[2];
    const char *name;
} name_clashes[] = {
    {NULL, "443 any name=web\n80 any name=web\n", {"p:1", "p:2"}, "web"},
    {NULL, "443 any name=tcp_80\n80 any", {"p:1", "p:2"}, "tcp_80"},
    {"443 any name=web", "80 any name=web", {"--rule 1", "p:1"}, "web"},
    /* The file's rule still has port 80. */
    {"443 any name=web", "80,443 any name=web", {"--rule 1", "p:1"}, "web"},
    {NULL, "443@link any name=web\n443 any name=web\n", {"p:1", "p:2"}, "web"},
};

START_TEST(two_rules_of_one_name_are_an_error)
{
    struct policy *policy = policy_begin(name_clashes[_i].rules, name_clashes[_i].text);
    char words[64];

    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_uint_eq(policy->errors.count, 1);
    ck_assert_ptr_nonnull(strstr(policy->errors.text[0], name_clashes[_i].places[0]));
    ck_assert_ptr_nonnull(strstr(policy->errors.text[0], name_clashes[_i].places[1]));
    snprintf(words, sizeof words, "name %s ", name_clashes[_i].name);
    ck_assert_ptr_nonnull(strstr(policy->errors.text[0], words));
    policy_free(policy);
}
END_TEST

/* However many there are: the reader who goes to the place finds the name's owner, not another who took it. */
START_TEST(rules_of_one_name_all_point_to_the_first)
{
    struct policy *policy =
        policy_begin("1 any name=web", "2 any name=web\n3 any name=a\n4 any name=web\n5 any name=web");

    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_uint_eq(policy->errors.count, 3);
    error_check(policy->errors.text[0], "p:1: |--rule 1: ");
    error_check(policy->errors.text[1], "p:3: |--rule 1: ");
    error_check(policy->errors.text[2], "p:4: |--rule 1: ");
    policy_free(policy);
}
END_TEST

/* A name that nobody wrote twice is reported by its port, once; beside a written one it is reported, too. */
START_TEST(names_that_nobody_wrote_are_reported_by_their_ports)
{
    struct policy *policy = policy_begin(NULL, "80 any\n443 any name=tcp_80\n80 v4");

    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_uint_eq(policy->errors.count, 2);
    error_check(policy->errors.text[0], "p:3: |80/tcp|p:1: ");
    error_check(policy->errors.text[1], "p:2: |p:1: |tcp_80");
    policy_free(policy);
}
END_TEST

/* Every pair that only looks like a clash. */
static const struct {
    const char *rules, *text;
} peaceful[] = {
    {NULL, "443 any\n443/udp any"},
    {NULL, "443 any\n443@loopback v4\n443@link v6\n443@external dual-stack"},
    {NULL, "443 any\n400-500 any"},
    {NULL, "8080 any\n8000-8099 any\n8000-8099@loopback any"},
    {NULL, "8000-8099 any\n8100-8199 any"},
    {NULL, "default any\ndefault/tcp any\ndefault/udp any\ndefault@link any\ndefault/tcp@link any"},
    {"443 any", "443 any"},
    {"443 any name=web", "443 dual-stack name=web"},
    {"400-500 any name=web", "443 dual-stack name=web"},
    {"default any", "default closed"},
    {NULL, "443 any name=web\n80 any name=Web"},
};

START_TEST(rules_of_different_rank_are_no_error)
{
    policy_free(policy_of(peaceful[_i].rules, peaceful[_i].text));
}
END_TEST

START_TEST(errors_are_all_kept)
{
    struct policy *policy = policy_create(&names);
    char *text = malloc(100000);
    size_t length = 0;

    for (int i = 0; i < 5000; i++) {
        length += (size_t)snprintf(text + length, 100000 - length, "443 nonsense\n");
    }
    ck_assert_int_eq(policy_text_add(policy, text, length, "p"), 0);
    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_uint_eq(policy->errors.count, 5000);
    error_check(policy->errors.text[4999], "p:5000: |'nonsense'");
    free(text);
    policy_free(policy);
}
END_TEST

START_TEST(nul_byte_is_reported_at_its_line)
{
    static const char bytes[] = "443 any\n80 \0any\n22 any\n";
    struct policy *policy = policy_create(&names);

    ck_assert_int_eq(policy_text_add(policy, bytes, sizeof bytes - 1, "p"), 0);
    ck_assert_uint_eq(policy->errors.count, 1);
    error_check(policy->errors.text[0], "p:2: |NUL");
    policy_free(policy);
}
END_TEST

START_TEST(long_rule_is_refused_and_the_next_is_read)
{
    struct policy *policy = policy_create(&names);
    size_t length = 100000;
    char *text = malloc(length + 1);

    memset(text, 'x', length);
    text[length] = '\0';
    memcpy(text, "443 any note=", strlen("443 any note="));
    ck_assert_int_eq(policy_rule_add(policy, text, 1), 0);
    ck_assert_uint_eq(policy->errors.count, 1);
    error_check(policy->errors.text[0], "--rule 1: |longer than 8192 bytes");
    memcpy(text + length - strlen("\n0 any"), "\n0 any", strlen("\n0 any"));
    ck_assert_int_eq(policy_text_add(policy, text, length, "p"), 0);
    ck_assert_uint_eq(policy->errors.count, 3);
    error_check(policy->errors.text[1], "p:1: |longer than 8192 bytes");
    error_check(policy->errors.text[2], "p:2: |port 0");
    free(text);
    policy_free(policy);
}
END_TEST

/* As many rules as there are ports are read in good time; what is beyond the index is refused with a reason. */
static const struct {
    unsigned rules;
    bool good;
} sizes[] = {{1, true}, {40, true}, {65000, true}, {65001, false}};

START_TEST(a_huge_list_is_read_or_refused)
{
    struct policy *policy = policy_create(&names);

    for (unsigned port = 1; port <= sizes[_i].rules; port++) {
        char text[32];
        size_t length = (size_t)snprintf(text, sizeof text, "%u any", port);
        ck_assert_int_eq(policy_text_add(policy, text, length, "p"), 0);
    }
    ck_assert_int_eq(policy_finish(policy), 0);
    ck_assert_uint_eq(policy->errors.count, !sizes[_i].good);
    if (sizes[_i].good) {
        const struct rule *last = policy_find(policy, &host, RECORD_TCP, (uint16_t)sizes[_i].rules, SCOPE_EXTERNAL);
        ck_assert_ptr_eq(last, policy->rules[sizes[_i].rules - 1]);
    } else {
        ck_assert_ptr_nonnull(strstr(policy->errors.text[0], "at most 65000 are allowed"));
    }
    policy_free(policy);
}
END_TEST

/* --- who judges -------------------------------------------------------------------------------------------------- */

#define ALL_SCOPES                                                                                                     \
    "443@loopback v4 name=lo\n443@link v6 name=li\n443@external any name=ex\n443 closed name=no\n" /* lines 1 to 4 */

static const struct {
    const char *rules, *text;
    const char *service; /* "443/tcp@external" */
    const char *judge;   /* the rule's origin, NULL for nobody */
} finds[] = {
    /* By port and protocol. */
    {NULL, "443 any\n", "443/tcp@external", "p:1"},
    {NULL, "443 any\n", "443/tcp@loopback", "p:1"},
    {NULL, "443 any\n", "443/tcp@link", "p:1"},
    {NULL, "443 any\n", "443/udp@external", NULL},
    {NULL, "443 any\n", "442/tcp@external", NULL},
    {NULL, "443 any\n", "444/tcp@external", NULL},
    {NULL, "80,443 any\n", "443/tcp@external", "p:1"},
    {NULL, "8000-8099 any\n", "7999/tcp@external", NULL},
    {NULL, "8000-8099 any\n", "8000/tcp@external", "p:1"},
    {NULL, "8000-8099 any\n", "8099/tcp@external", "p:1"},
    {NULL, "8000-8099 any\n", "8100/tcp@external", NULL},
    {NULL, "1-65535 any\n", "65535/tcp@external", "p:1"},
    {NULL, "1-65535 any\n", "1/tcp@external", "p:1"},
    /* A scope takes only its own. */
    {NULL, "443@link any\n", "443/tcp@link", "p:1"},
    {NULL, "443@link any\n", "443/tcp@loopback", NULL},
    {NULL, "443@link any\n", "443/tcp@external", NULL},
    {NULL, ALL_SCOPES, "443/tcp@loopback", "p:1"},
    {NULL, ALL_SCOPES, "443/tcp@link", "p:2"},
    {NULL, ALL_SCOPES, "443/tcp@external", "p:3"},
    {NULL, "443@loopback any\n443 any\n", "443/tcp@external", "p:2"},
    {NULL, "443@loopback any\ndefault closed\n", "443/tcp@external", "p:2"},
    /* A single port beats a range, whatever the order; then a scope beats none. */
    {NULL, "8080 any\n8000-8099 any\n", "8080/tcp@external", "p:1"},
    {NULL, "8000-8099 any\n8080 any\n", "8080/tcp@external", "p:2"},
    {NULL, "8000-8099 any\n22,8080 any\n", "8080/tcp@external", "p:2"},
    {NULL, "8000-8099@external any\n8080 any\n", "8080/tcp@external", "p:2"},
    {NULL, "8000-8099 any\n8080@loopback any\n", "8080/tcp@external", "p:1"},
    {NULL, "8000-8099 any\n8000-8099@link any\n", "8050/tcp@link", "p:2"},
    {NULL, "8080-8080 any\n8080 any\n", "8080/tcp@external", "p:2"},
    /* --rule beats the file on the ports it names, also single ports and scopes with a range. */
    {"443 any", "443 v4\n", "443/tcp@external", "--rule 1"},
    {"400-500 any", "443 v4\n", "443/tcp@external", "--rule 1"},
    {"443 any", "443@external v4\n", "443/tcp@external", "--rule 1"},
    {"443@loopback any", "443 v4\n", "443/tcp@loopback", "--rule 1"},
    {"443@loopback any", "443 v4\n", "443/tcp@external", "p:1"},
    {"443 any", "80,443 v4\n", "80/tcp@external", "p:1"},
    {"443 any", "80,443 v4\n", "443/tcp@external", "--rule 1"},
    {"443/udp any", "443 v4\n", "443/tcp@external", "p:1"},
    {"8050 any", "8000-8099 v4\n", "8049/tcp@external", "p:1"},
    {"8050 any", "8000-8099 v4\n", "8050/tcp@external", "--rule 1"},
    {"default any", "443 v4\n", "443/tcp@external", "p:1"},
    /* Any rule beats any default. */
    {NULL, "default/tcp@external any\n1-65535 any\n", "443/tcp@external", "p:2"},
    {"default/tcp@external any", "1-65535 any\n", "443/tcp@external", "p:1"},
    /* Of two defaults the one with a protocol, then the one with a scope, is nearer. */
    {NULL, "default any\n", "443/tcp@external", "p:1"},
    {NULL, "default any\n", "443/udp@link", "p:1"},
    {NULL, "default/udp any\n", "443/tcp@external", NULL},
    {NULL, "default@link any\n", "443/tcp@external", NULL},
    {NULL, "default any\ndefault/tcp any\n", "443/tcp@external", "p:2"},
    {NULL, "default any\ndefault@external any\n", "443/tcp@external", "p:2"},
    {NULL, "default@external any\ndefault/tcp any\n", "443/tcp@external", "p:2"},
    {NULL, "default/tcp any\ndefault/tcp@external any\n", "443/tcp@external", "p:2"},
    {NULL, "default/tcp any\ndefault/tcp@external any\n", "443/tcp@loopback", "p:1"},
    {NULL, "default/tcp any\ndefault@external any\n", "443/udp@external", "p:2"},
    {NULL, "default/tcp any\ndefault@external any\n", "443/udp@loopback", NULL},
    /* --rule's default replaces the file's same default, no other. */
    {"default any", "default closed\n", "443/tcp@external", "--rule 1"},
    {"default any", "default/tcp closed\n", "443/tcp@external", "p:1"},
    {"default/tcp any", "default/tcp closed\ndefault closed\n", "443/tcp@external", "--rule 1"},
    {"default/tcp any", "default/tcp closed\ndefault closed\n", "443/udp@external", "p:2"},
    /* UDP ports of ip_local_port_range: only a rule that names the port itself. */
    {NULL, "40000/udp any\n", "40000/udp@external", "p:1"},
    {NULL, "53,40000/udp any\n", "40000/udp@external", "p:1"},
    {NULL, "40000-40100/udp any\n", "40050/udp@external", NULL},
    {NULL, "40000-40000/udp any\n", "40000/udp@external", NULL},
    {NULL, "default any\n", "40000/udp@external", NULL},
    {NULL, "default/udp@external any\n", "40000/udp@external", NULL},
    {NULL, "40000-40100/udp any\n40050/udp any\n", "40050/udp@external", "p:2"},
    {"40000-40100/udp any", "default/udp any\n", "40050/udp@external", NULL},
    {NULL, "1-65535/udp any\n", "32767/udp@external", "p:1"},
    {NULL, "1-65535/udp any\n", "32768/udp@external", NULL},
    {NULL, "1-65535/udp any\n", "60999/udp@external", NULL},
    {NULL, "1-65535/udp any\n", "61000/udp@external", "p:1"},
    {NULL, "default any\n", "61000/udp@external", "p:1"},
    {NULL, "1-65535 any\n", "40000/tcp@external", "p:1"},
    {NULL, "default any\n", "40000/tcp@external", "p:1"},
};

static void service_read(const char *text, enum record_protocol *protocol, uint16_t *port, enum scope *scope)
{
    *port = (uint16_t)strtoul(text, NULL, 10);
    *protocol = strstr(text, "/udp") != NULL ? RECORD_UDP : RECORD_TCP;
    ck_assert(scope_parse(strchr(text, '@') + 1, scope));
}

START_TEST(one_rule_judges)
{
    struct policy *policy = policy_of(finds[_i].rules, finds[_i].text);
    enum record_protocol protocol;
    uint16_t port;
    enum scope scope;
    const struct rule *rule;
    const char *origin;

    service_read(finds[_i].service, &protocol, &port, &scope);
    rule = policy_find(policy, &host, protocol, port, scope);
    origin = rule != NULL ? rule->origin : "nobody";
    ck_assert_str_eq(origin, finds[_i].judge != NULL ? finds[_i].judge : "nobody");
    policy_free(policy);
}
END_TEST

/* Where the host's port range is not known no port is a client's. */
START_TEST(unknown_port_range_frees_no_port)
{
    const struct sock_host unknown = {.port_range_first = 1, .port_range_last = 0};
    struct policy *policy = policy_of(NULL, "default any\n");

    ck_assert_ptr_nonnull(policy_find(policy, &unknown, RECORD_UDP, 40000, SCOPE_EXTERNAL));
    ck_assert_ptr_nonnull(policy_find(policy, &unknown, RECORD_UDP, 1, SCOPE_EXTERNAL));
    policy_free(policy);
}
END_TEST

START_TEST(empty_policy_judges_nothing)
{
    struct policy *policy = policy_of(NULL, NULL);

    ck_assert_ptr_null(policy_find(policy, &host, RECORD_TCP, 443, SCOPE_EXTERNAL));
    ck_assert(!policy_judges(policy, RECORD_TCP));
    ck_assert(!policy_judges(policy, RECORD_UDP));
    policy_free(policy);
}
END_TEST

/* --- replaced rules ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *rules, *text;
    const char *kept[3]; /* origins of the file's rules that stay */
} replacements[] = {
    {"443 any", "443 v4\n22 any\n", {"p:2"}},
    {"443 any", "80,443 v4\n", {"p:1"}},
    {"80,443 any", "80,443 v4\n", {NULL}},
    {"80 any\n443 v6", "80,443 v4\n", {NULL}},
    {"1-1000 any", "22 any\n80-90 any\n1000-1001 any\n", {"p:3"}},
    {"443 any", "443@loopback v4\n", {NULL}},
    {"443@loopback any", "443@loopback v4\n443 any\n443@link any\n", {"p:2", "p:3"}},
    {"443/udp any", "443 v4\n", {"p:1"}},
    {"8000 any", "8000-8099 v4\n", {"p:1"}},
    {"8000-8099 any", "8000-8099 v4\n", {NULL}},
    {"default any", "default closed\ndefault/tcp closed\n", {"p:2"}},
    {"default/tcp any", "default closed\ndefault/tcp closed\ndefault/tcp@link any\n", {"p:1", "p:3"}},
    {"443 any", "default closed\n", {"p:1"}},
    {"default any", "443 any\n", {"p:1"}},
    /* Runs of ports, seen from each of their ports. */
    {"100-200 any\n201 any", "150-160 v4\n170-201 v4\n100 v4\n102-140 v4", {NULL}},
    {"100-200 any\n201 any", "150-202 v4\n140-149 v4\n99-120 v4\n130-139,202 v4", {"p:1", "p:3", "p:4"}},
    {"1-65535 any", "65535 v4\n65000-65535 v4\n2-64999 v4\n1 v4", {NULL}},
    {"2-65535 any", "1-3 v4\n4-65535 v4", {"p:1"}},
    {"1-9 any\n11-19 any", "1-19 v4", {"p:1"}},
    /* A scope of its own, every scope, or one of another. */
    {"100-200 any", "100-200@link v4", {NULL}},
    {"100-200@link any", "100-200@link v4\n100-200 v4", {"p:2"}},
    {"100-200@link any\n100-200@loopback any\n100-200@external any", "100-200 v4\n100-200@link v6", {NULL}},
    {"100-200@loopback any", "100-200@link v4", {"p:1"}},
    /* On which UDP ports a range judges nothing is for the host to say. */
    {"100-102/udp any", "100-102/udp v4 name=a\n101/udp v4", {"p:1", "p:2"}},
    {"100,101,102/udp any", "100-101/udp v4\n101/udp v4\n102-103/udp v4", {"p:3"}},
    {"100-200/udp any", "100-200 v4", {"p:1"}},
};

START_TEST(command_line_replaces_rules_of_the_file)
{
    struct policy *policy = policy_of(replacements[_i].rules, replacements[_i].text);
    size_t kept = 0;

    for (size_t i = 0; i < policy->rule_count; i++) {
        ck_assert_uint_eq(policy->rules[i]->position, i);
        if (!policy->rules[i]->command_line) {
            ck_assert_uint_lt(kept, 3);
            ck_assert_ptr_nonnull(replacements[_i].kept[kept]);
            ck_assert_str_eq(policy->rules[i]->origin, replacements[_i].kept[kept]);
            kept++;
        }
    }
    ck_assert(kept == 3 || replacements[_i].kept[kept] == NULL);
    policy_free(policy);
}
END_TEST

static const struct {
    const char *rules, *text;
    const char *rule; /* origin */
    uint16_t port;
    bool superseded;
} supersessions[] = {
    {NULL, "443 any\n", "p:1", 443, false},
    {NULL, "8000-8099 any\n8080 any\n", "p:1", 8080, true},
    {NULL, "8000-8099 any\n8080 any\n", "p:1", 8081, false},
    {NULL, "8000-8099 any\n8080 any\n", "p:2", 8080, false},
    {NULL, "8000-8099 any\n8080@link any\n", "p:1", 8080, false},
    {NULL, "8000-8099@link any\n8080@link any\n", "p:1", 8080, true},
    {NULL, "8000-8099@link any\n8080 any\n", "p:1", 8080, true},
    {NULL, "8000-8099@link any\n8080@loopback any\n", "p:1", 8080, false},
    {"443 any", "80,443 any\n", "p:1", 443, true},
    {"443 any", "80,443 any\n", "p:1", 80, false},
    {"443@link any", "443 any\n", "p:1", 443, false},
    {"8000-8099 any", "22,8080 any\n", "p:1", 8080, true},
    {"8000-8099 any", "22,8080 any\n", "--rule 1", 8080, false},
    {"8000-8099 any\n8080 v4", NULL, "--rule 1", 8080, true},
    {NULL, "40000-40100/udp any\n", "p:1", 40050, true},
    {NULL, "40000-40100 any\n", "p:1", 40050, false},
    {NULL, "40000/udp any\n", "p:1", 40000, false},
    {NULL, "100-200/udp any\n", "p:1", 150, false},
    /* A range judges no client port, so it does not stand before one that the file names either. */
    {"40000-40100/udp any", "40050/udp closed\n", "p:1", 40050, false},
    {"100-200/udp any", "150/udp closed\n", "p:1", 150, true},
    /* One rule for each scope takes all there is. */
    {"443@loopback any\n443@link any\n443@external any", "22,443 any\n", "p:1", 443, true},
    {"443@loopback any\n443@external any", "22,443 any\n", "p:1", 443, false},
};

START_TEST(superseded_port_is_reported)
{
    struct policy *policy = policy_of(supersessions[_i].rules, supersessions[_i].text);
    const struct rule *rule = NULL;

    for (size_t i = 0; i < policy->rule_count; i++) {
        if (strcmp(policy->rules[i]->origin, supersessions[_i].rule) == 0) {
            rule = policy->rules[i];
        }
    }
    ck_assert_ptr_nonnull(rule);
    ck_assert_int_eq(policy_is_superseded(policy, &host, rule, supersessions[_i].port), supersessions[_i].superseded);
    policy_free(policy);
}
END_TEST

static const struct {
    const char *text;
    bool tcp, udp;
} protocols[] = {
    {"443 any\n", true, false},         {"53/udp any\n", false, true},      {"53/udp any\n53 any\n", true, true},
    {"default any\n", true, true},      {"default/tcp any\n", true, false}, {"default/udp@link any\n", false, true},
    {"default@link any\n", true, true},
};

START_TEST(judged_protocols_are_reported)
{
    struct policy *policy = policy_of(NULL, protocols[_i].text);

    ck_assert_int_eq(policy_judges(policy, RECORD_TCP), protocols[_i].tcp);
    ck_assert_int_eq(policy_judges(policy, RECORD_UDP), protocols[_i].udp);
    policy_free(policy);
}
END_TEST

static Suite *policy_suite(void)
{
    Suite *suite = suite_create("policy");
    TCase *text = tcase_create("text");
    TCase *error = tcase_create("error");
    TCase *rank = tcase_create("rank");

    tcase_add_loop_test(text, file_is_read_line_by_line, 0, COUNT(texts));
    tcase_add_test(text, command_line_comes_first_and_is_numbered);
    tcase_add_test(text, file_ends_at_its_length);
    suite_add_tcase(suite, text);
    tcase_add_loop_test(error, all_that_is_wrong_is_reported_with_its_place, 0, COUNT(wrong));
    tcase_add_loop_test(error, two_rules_of_one_name_are_an_error, 0, COUNT(name_clashes));
    tcase_add_loop_test(error, rules_of_different_rank_are_no_error, 0, COUNT(peaceful));
    tcase_add_test(error, rules_of_one_name_all_point_to_the_first);
    tcase_add_test(error, names_that_nobody_wrote_are_reported_by_their_ports);
    tcase_add_test(error, errors_are_all_kept);
    tcase_add_test(error, nul_byte_is_reported_at_its_line);
    tcase_add_test(error, long_rule_is_refused_and_the_next_is_read);
    tcase_add_loop_test(error, a_huge_list_is_read_or_refused, 0, COUNT(sizes));
    suite_add_tcase(suite, error);
    tcase_add_loop_test(rank, one_rule_judges, 0, COUNT(finds));
    tcase_add_test(rank, unknown_port_range_frees_no_port);
    tcase_add_test(rank, empty_policy_judges_nothing);
    tcase_add_loop_test(rank, command_line_replaces_rules_of_the_file, 0, COUNT(replacements));
    tcase_add_loop_test(rank, superseded_port_is_reported, 0, COUNT(supersessions));
    tcase_add_loop_test(rank, judged_protocols_are_reported, 0, COUNT(protocols));
    suite_add_tcase(suite, rank);
    return suite;
}

int main(void)
{
    return unit_run(policy_suite());
}
