/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The options of a rule: key=value behind the requirement.
 */
#include "config.h"

#include "audit/day.h"
#include "audit/rule_parse.h"
#include "plugin/text_buffer.h"

#include <stddef.h>
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

static void read_as(struct rule_parser *parser, char *value)
{
    parser->rule->as_bound = strcmp(value, "bound") == 0;
    if (!parser->rule->as_bound && strcmp(value, "reached") != 0) {
        rule_parser_fail(parser, "as=" RULE_QUOTE " is unknown, write as=reached or as=bound", value);
    }
}

static void read_reach(struct rule_parser *parser, char *value)
{
    const struct rule_requirement_row *row = rule_requirement_of(parser->rule->requirement);
    int extent = REACH_EXTERNAL;

    while (extent >= REACH_NONE && strcmp(value, reach_name((enum reach_extent)extent)) != 0) {
        extent--;
    }
    if (extent < REACH_NONE) {
        rule_parser_fail(parser,
                         "reach=" RULE_QUOTE
                         " is unknown, write reach=none, reach=loopback, reach=link or reach=external",
                         value);
        return;
    }
    if (extent == REACH_NONE && (row->needs_ipv4 || row->needs_ipv6)) {
        rule_parser_fail(parser, "reach=none makes no sense with %s, which must be reached; use any reach=none",
                         row->word);
        return;
    }
    parser->rule->reach_set = true;
    parser->rule->reach = (enum reach_extent)extent;
}

/* What the kernel takes for the name of an interface (kernel source: dev_valid_name() in net/core/dev.c). */
static void bind_interface_parse(struct rule_parser *parser, const char *name)
{
    struct rule *rule = parser->rule;
    size_t length = strlen(name);

    if (length == 0 || length >= IF_NAMESIZE || strpbrk(name, "/:") != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0) {
        rule_parser_fail(parser, "bind= '%%" RULE_QUOTE "' is no interface, write one such as %%eth0", name);
        return;
    }
    memcpy(rule->bind_interfaces[rule->bind_interface_count++], name, length + 1);
}

static void bind_item_parse(struct rule_parser *parser, const char *item)
{
    struct rule *rule = parser->rule;
    char error[PREFIX_ERROR_SIZE];
    enum scope scope;

    if (scope_parse(item, &scope) && scope != SCOPE_EXTERNAL) {
        rule->bind_scope[scope] = true;
    } else if (*item == '%') {
        bind_interface_parse(parser, item + 1);
    } else if (strspn(item, "0123456789abcdefABCDEF:./") != strlen(item) || *item == '\0') {
        rule_parser_fail(parser,
                         "bind= does not know '" RULE_QUOTE
                         "', write loopback, link, %%INTERFACE or prefixes such as 10.0.0.0/8,2001:db8::/32",
                         item);
    } else if (prefix_parse(item, &rule->bind[rule->bind_count], error)) {
        rule->bind_count++;
    } else {
        rule_parser_fail(parser, "bind= '" RULE_QUOTE "' %s", item, error);
    }
}

static size_t items_count(const char *list)
{
    size_t count = 1;

    for (const char *c = list; *c != '\0'; c++) {
        count += *c == ',';
    }
    return count;
}

static void read_bind(struct rule_parser *parser, char *value)
{
    struct rule *rule = parser->rule;
    size_t room = items_count(value);

    rule->bind_set = true;
    rule->bind_words = rule_parser_copy(parser, value);
    rule->bind = calloc(room, sizeof *rule->bind);
    rule->bind_interfaces = calloc(room, sizeof *rule->bind_interfaces);
    if (rule->bind == NULL || rule->bind_interfaces == NULL) {
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

static void read_except_unit(struct rule_parser *parser, char *value)
{
    struct rule *rule = parser->rule;
    size_t count = items_count(value);
    size_t size = strlen(value) + 1;
    char *next;

    /* The pointers, and behind them what they point to. */
    rule->except_units = malloc(count * sizeof *rule->except_units + size);
    if (rule->except_units == NULL) {
        parser->out_of_memory = true;
        return;
    }
    next = memcpy(rule->except_units + count, value, size);
    for (char *glob = next; glob != NULL; glob = next) {
        next = strchr(glob, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (*glob == '\0') {
            rule_parser_fail(parser,
                             "except-unit=" RULE_QUOTE
                             " has an empty place, write one such as except-unit=dnsmasq.service,unbound.service",
                             value);
            return;
        }
        rule->except_units[rule->except_unit_count++] = glob;
    }
}

static void read_ephemeral(struct rule_parser *parser, char *value)
{
    parser->rule->ephemeral = strcmp(value, "yes") == 0;
    if (!parser->rule->ephemeral) {
        rule_parser_fail(parser, "ephemeral=" RULE_QUOTE " is unknown, write ephemeral=yes or leave it out", value);
    }
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
    } else if (parser->names->user == NULL) {
        rule->user_by_name = true;
    } else if (!parser->names->user(value, &rule->uid, parser->names->context)) {
        rule_parser_fail(parser, "user=" RULE_QUOTE " is no user of this host, write a name it knows or a user id",
                         value);
    }
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

/* The kinds of rules that an option goes with. */
enum kind {
    KIND_SINGLE,  /* names all its ports singly */
    KIND_RANGES,  /* has a range of ports */
    KIND_DEFAULT, /* judges only what listens and has no perfdata, so some options would have nothing to act on */
    KINDS
};

static const char *const kind_words[] = {
    [KIND_SINGLE] = "single ports",
    [KIND_RANGES] = "ranges of ports",
    [KIND_DEFAULT] = "default",
};
_Static_assert(sizeof kind_words / sizeof *kind_words == KINDS, "each kind has a word");

#define OF_PORTS (1u << KIND_SINGLE | 1u << KIND_RANGES)
#define OF_MANY (1u << KIND_RANGES | 1u << KIND_DEFAULT)
#define OF_ANY (OF_PORTS | OF_MANY)

#define THRESHOLD(counted, level) offsetof(struct rule, thresholds[counted].level)

static const struct option {
    const char *key;
    void (*read)(struct rule_parser *parser, char *value); /* NULL where it is a threshold range */
    size_t threshold;                                      /* the place of that in struct rule */
    unsigned kinds;                                        /* a bit for each kind of rule it goes with */
} options[] = {
    {"name", read_name, 0, OF_PORTS},
    {"severity", read_severity, 0, OF_ANY},
    {"missing", read_missing, 0, OF_PORTS},
    {"form", read_form, 0, OF_ANY},
    {"as", read_as, 0, OF_ANY},
    {"bind", read_bind, 0, OF_ANY},
    {"reach", read_reach, 0, OF_ANY},
    {"unit", read_unit, 0, OF_ANY},
    {"user", read_user, 0, OF_ANY},
    {"mapped-warning", NULL, THRESHOLD(RULE_MAPPED, warning), OF_PORTS},
    {"mapped-critical", NULL, THRESHOLD(RULE_MAPPED, critical), OF_PORTS},
    {"ipv4-warning", NULL, THRESHOLD(RULE_IPV4, warning), OF_PORTS},
    {"ipv4-critical", NULL, THRESHOLD(RULE_IPV4, critical), OF_PORTS},
    {"except-unit", read_except_unit, 0, OF_MANY},
    {"ephemeral", read_ephemeral, 0, OF_MANY},
    {"waive-until", read_waive_until, 0, OF_ANY},
    {"note", read_note, 0, OF_ANY},
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

static void threshold_read(struct rule_parser *parser, const struct option *option, const char *value)
{
    struct rule_range *threshold = (struct rule_range *)(void *)((char *)parser->rule + option->threshold);

    threshold->set = range_parse(value, &threshold->range);
    if (!threshold->set) {
        rule_parser_fail(parser, "%s=" RULE_QUOTE " is no threshold range, write one such as 10, 5:10, 5: or @5:10",
                         option->key, value);
    }
}

static enum kind kind_of(const struct rule *rule)
{
    for (size_t i = 0; i < rule->port_count; i++) {
        if (!rule->ports[i].single) {
            return KIND_RANGES;
        }
    }
    return rule->is_default ? KIND_DEFAULT : KIND_SINGLE;
}

static void option_parse(struct rule_parser *parser, char *word, bool seen[static OPTIONS])
{
    char *equals = strchr(word, '=');
    char list[RULE_LIST_SIZE];
    struct text_buffer known = TEXT_BUFFER(list);
    enum kind kind = kind_of(parser->rule);
    bool subject_is_read = parser->rule->is_default || parser->rule->port_count > 0;
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
    } else if (subject_is_read && (option->kinds >> kind & 1) == 0) {
        rule_parser_fail(parser, "%s= does not go with %s; leave it out", word, kind_words[kind]);
    } else if (equals[1] == '\0') {
        rule_parser_fail(parser, "%s= has no value; give it one or leave it out", word);
    } else {
        seen[option - options] = true;
        if (option->read != NULL) {
            option->read(parser, equals + 1);
        } else {
            threshold_read(parser, option, equals + 1);
        }
    }
}

void rule_options_parse(struct rule_parser *parser, char **words, size_t count)
{
    bool seen[OPTIONS] = {false};

    for (size_t i = 0; i < count; i++) {
        option_parse(parser, words[i], seen);
    }
}
