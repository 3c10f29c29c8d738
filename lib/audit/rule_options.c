/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The options of a rule: key=value behind the requirement.
 */
#include "config.h"

#include "audit/day.h"
#include "audit/rule_parse.h"
#include "plugin/text_buffer.h"

#include <stdlib.h>
#include <string.h>

static void read_name(struct rule_parser *parser, char *value)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(value);

    if (length > RULE_NAME_MAX || strspn(value, allowed) != length) {
        rule_parser_fail(parser, "name=" RULE_QUOTE " is no name, write at most %d letters, digits, _ and -", value,
                         RULE_NAME_MAX);
        return;
    }
    memcpy(parser->rule->name, value, length + 1);
    parser->rule->named = true;
}

/* The words of severity= and missing=, which knows one more. */
static bool state_word_parse(const char *value, bool ok_too, enum state *state)
{
    static const enum state states[] = {STATE_WARNING, STATE_CRITICAL, STATE_OK};
    static const char *const words[] = {"warning", "critical", "ok"};

    for (int i = 0; i < (ok_too ? 3 : 2); i++) {
        if (strcmp(value, words[i]) == 0) {
            *state = states[i];
            return true;
        }
    }
    return false;
}

static void read_severity(struct rule_parser *parser, char *value)
{
    if (!state_word_parse(value, false, &parser->rule->severity)) {
        rule_parser_fail(parser, "severity=" RULE_QUOTE " is unknown, write severity=warning or severity=critical",
                         value);
    }
}

static void read_missing(struct rule_parser *parser, char *value)
{
    const struct rule_requirement_row *row = rule_requirement_of(parser->rule->requirement);

    if (row->bars_listening) {
        rule_parser_fail(parser, "missing= does not go with %s, where nothing is what must be; leave it out",
                         row->word);
    } else if (!state_word_parse(value, true, &parser->rule->missing)) {
        rule_parser_fail(parser,
                         "missing=" RULE_QUOTE " is unknown, write missing=ok, missing=warning or missing=critical",
                         value);
    }
    parser->rule->missing_set = true;
}

/* Word number `index` of the requirements that need both families. */
static const char *both_families_word(int index)
{
    for (int i = 0; i < RULE_REQUIREMENTS; i++) {
        const struct rule_requirement_row *row = rule_requirement_of((enum rule_requirement)i);
        if (row->needs_ipv4 && row->needs_ipv6 && index-- == 0) {
            return row->word;
        }
    }
    return NULL;
}

static void read_form(struct rule_parser *parser, char *value)
{
    char list[RULE_LIST_SIZE];
    struct text_buffer words = TEXT_BUFFER(list);

    if (!rule_needs_both(parser->rule)) {
        text_buffer_add_words(&words, both_families_word, "", "", " and ");
        rule_parser_fail(parser, "form= goes with %s alone; leave it out", list);
    } else if (strcmp(value, "split") == 0) {
        parser->rule->form = STACK_SPLIT;
    } else if (strcmp(value, "single") == 0) {
        parser->rule->form = STACK_SINGLE;
    } else {
        rule_parser_fail(parser, "form=" RULE_QUOTE " is unknown, write form=split or form=single", value);
    }
}

static void bind_item_parse(struct rule_parser *parser, const char *item)
{
    struct rule *rule = parser->rule;
    char error[PREFIX_ERROR_SIZE];
    enum scope scope;

    if (scope_parse(item, &scope) && scope != SCOPE_EXTERNAL) {
        rule->bind_scope[scope] = true;
    } else if (strspn(item, "0123456789abcdefABCDEF:./") != strlen(item) || *item == '\0') {
        rule_parser_fail(parser,
                         "bind= does not know '" RULE_QUOTE
                         "', write loopback, link or prefixes such as 10.0.0.0/8,2001:db8::/32",
                         item);
    } else if (prefix_parse(item, &rule->bind[rule->bind_count], error)) {
        rule->bind_count++;
    } else {
        rule_parser_fail(parser, "bind= '" RULE_QUOTE "' %s", item, error);
    }
}

static void read_bind(struct rule_parser *parser, char *value)
{
    struct rule *rule = parser->rule;
    size_t room = 1;

    for (const char *c = value; *c != '\0'; c++) {
        room += *c == ',';
    }
    rule->bind_set = true;
    rule->bind_words = rule_parser_copy(parser, value);
    rule->bind = calloc(room, sizeof *rule->bind);
    if (rule->bind == NULL) {
        parser->out_of_memory = true;
        return;
    }
    for (char *item = value, *next; item != NULL; item = next) {
        next = strchr(item, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        bind_item_parse(parser, item);
    }
}

static void read_unit(struct rule_parser *parser, char *value)
{
    parser->rule->unit = rule_parser_copy(parser, value);
}

/* (uid_t)-1 means "no change" to the kernel and owns nothing. */
#define UID_MOST 4294967294u

static void read_user(struct rule_parser *parser, char *value)
{
    struct rule *rule = parser->rule;
    bool number = rule_is_number(value);
    unsigned long long uid = number && strlen(value) <= 10 ? strtoull(value, NULL, 10) : UID_MOST + 1ull;

    rule->user = rule_parser_copy(parser, value);
    if (number && uid > UID_MOST) {
        rule_parser_fail(parser, "user=" RULE_QUOTE " is out of range, user ids are 0 to %u", value, UID_MOST);
    } else if (number) {
        rule->uid = (uint32_t)uid;
    } else if (!parser->names->user(value, &rule->uid)) {
        rule_parser_fail(parser, "user=" RULE_QUOTE " is no user of this host, write a name it knows or a user id",
                         value);
    }
}

static void range_read(struct rule_parser *parser, const char *key, const char *value, bool *set, struct range *range)
{
    *set = range_parse(value, range);
    if (!*set) {
        rule_parser_fail(parser, "%s=" RULE_QUOTE " is no threshold range, write one such as 10, 5:10, 5: or @5:10",
                         key, value);
    }
}

static void read_mapped_warning(struct rule_parser *parser, char *value)
{
    range_read(parser, "mapped-warning", value, &parser->rule->mapped_warning_set, &parser->rule->mapped_warning);
}

static void read_mapped_critical(struct rule_parser *parser, char *value)
{
    range_read(parser, "mapped-critical", value, &parser->rule->mapped_critical_set, &parser->rule->mapped_critical);
}

static void read_waive_until(struct rule_parser *parser, char *value)
{
    struct rule *rule = parser->rule;

    rule->waive_set = day_parse(value, &rule->waive_day);
    if (!rule->waive_set) {
        rule_parser_fail(parser, "waive-until=" RULE_QUOTE " is no day of the calendar, write one such as 2027-01-31",
                         value);
        return;
    }
    memcpy(rule->waive_text, value, sizeof rule->waive_text);
}

static void read_note(struct rule_parser *parser, char *value)
{
    parser->rule->note = rule_parser_copy(parser, value);
}

/* A default judges only what listens and has no perfdata of its own, so some options would have nothing to act on. */
static const struct option {
    const char *key;
    void (*read)(struct rule_parser *parser, char *value);
    bool in_default;
} options[] = {
    {"name", read_name, false},
    {"severity", read_severity, true},
    {"missing", read_missing, false},
    {"form", read_form, true},
    {"bind", read_bind, true},
    {"unit", read_unit, true},
    {"user", read_user, true},
    {"mapped-warning", read_mapped_warning, false},
    {"mapped-critical", read_mapped_critical, false},
    {"waive-until", read_waive_until, true},
    {"note", read_note, true},
};
#define OPTIONS (sizeof options / sizeof *options)

const char *rule_option_word(int index)
{
    return index < (int)OPTIONS ? options[index].key : NULL;
}

static const struct option *option_find(const char *key)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (strcmp(options[i].key, key) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static void option_parse(struct rule_parser *parser, char *word, bool seen[static OPTIONS])
{
    char *equals = strchr(word, '=');
    char list[RULE_LIST_SIZE];
    struct text_buffer known = TEXT_BUFFER(list);
    const struct option *option;

    if (equals == NULL) {
        rule_parser_fail(parser,
                         "unknown word '" RULE_QUOTE "', behind the requirement come options such as severity=warning",
                         word);
        return;
    }
    *equals = '\0';
    option = option_find(word);
    if (option == NULL) {
        text_buffer_add_words(&known, rule_option_word, "", "=", " and ");
        rule_parser_fail(parser, "unknown option '" RULE_QUOTE "=', there are %s", word, list);
    } else if (seen[option - options]) {
        rule_parser_fail(parser, "%s= is there twice, write it once", word);
    } else if (parser->rule->is_default && !option->in_default) {
        rule_parser_fail(parser, "%s= does not go with default; leave it out", word);
    } else if (equals[1] == '\0') {
        rule_parser_fail(parser, "%s= has no value; give it one or leave it out", word);
    } else {
        seen[option - options] = true;
        option->read(parser, equals + 1);
    }
}

void rule_options_parse(struct rule_parser *parser, char **words, size_t count)
{
    bool seen[OPTIONS] = {false};

    for (size_t i = 0; i < count; i++) {
        option_parse(parser, words[i], seen);
    }
}
