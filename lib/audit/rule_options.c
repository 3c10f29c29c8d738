/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The options of a rule: key=value behind the requirement.
 */
#include "config.h"

#include "audit/day.h"
#include "audit/rule_parse.h"
#include "plugin/nearest.h"
#include "plugin/text_buffer.h"
#include "socket/record.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a value that must be one of some words. Returns its number; -1 for none, and says which was meant, or all. */
static int word_read(struct rule_parser *parser, const char *key, const char *value, const char *(*word)(int index))
{
    char list[RULE_LIST_SIZE];
    struct text_buffer words = TEXT_BUFFER(list);
    const char *nearest;

    for (int i = 0; word(i) != NULL; i++) {
        if (strcmp(value, word(i)) == 0) {
            return i;
        }
    }
    nearest = nearest_word(value, word);
    if (nearest != NULL) {
        rule_parser_fail(parser, "%s=" RULE_QUOTE ": did you mean %s=%s?", key, value, key, nearest);
    } else {
        text_buffer_add_words(&words, word, "", "", " or ");
        rule_parser_fail(parser, "%s must be %s, not '" RULE_QUOTE "'", key, list, value);
    }
    return -1;
}

/* Adds the name with what it may not hold as "_". */
static void name_repair(struct text_buffer *name, const char *value, const char *allowed)
{
    while (*value != '\0') {
        size_t good = strspn(value, allowed);
        size_t bad = strcspn(value + good, allowed);
        text_buffer_add(name, "%.*s%s", (int)good, value, bad > 0 ? "_" : "");
        value += good + bad;
    }
}

static void read_name(struct rule_parser *parser, char *value)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    char bytes[RULE_NAME_MAX + 1];
    struct text_buffer right = TEXT_BUFFER(bytes);

    name_repair(&right, value, allowed);
    if (right.is_cut) {
        rule_parser_fail(parser, "name=" RULE_QUOTE " is too long: a name has at most %d letters, digits, _ and -",
                         value, RULE_NAME_MAX);
    } else if (strcmp(bytes, value) != 0) {
        rule_parser_fail(parser, "name=" RULE_QUOTE ": a name has only letters, digits, _ and -, such as name=%s",
                         value, bytes);
    } else {
        memcpy(parser->rule->name, value, strlen(value) + 1);
        parser->rule->named = true;
    }
}

/* The states of a breach. */
static const struct state_row {
    const char *word;
    enum state state;
} states[] = {{"warning", STATE_WARNING}, {"critical", STATE_CRITICAL}, {"ok", STATE_OK}};

static const char *severity_word(int index)
{
    return index < 2 ? states[index].word : NULL;
}

static const char *missing_word(int index)
{
    return index < 3 ? states[index].word : NULL;
}

static void state_read(struct rule_parser *parser, const char *key, const char *value, const char *(*word)(int index),
                       enum state *state)
{
    int index = word_read(parser, key, value, word);

    if (index >= 0) {
        *state = states[index].state;
    }
}

static void read_severity(struct rule_parser *parser, char *value)
{
    state_read(parser, "severity", value, severity_word, &parser->rule->severity);
}

static void read_missing(struct rule_parser *parser, char *value)
{
    const struct rule_requirement_row *row = rule_requirement_of(parser->rule->requirement);

    if (row->bars_listening) {
        rule_parser_fail(parser, "missing= makes no sense with %s: leave it out", row->word);
    } else {
        state_read(parser, "missing", value, missing_word, &parser->rule->missing);
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

/* Those that can be asked for, from STACK_SPLIT on: not mixed. */
static const char *form_word(int index)
{
    return index < 2 ? stack_form_name((enum stack_form)(index + STACK_SPLIT)) : NULL;
}

static void read_form(struct rule_parser *parser, char *value)
{
    char list[RULE_LIST_SIZE];
    struct text_buffer words = TEXT_BUFFER(list);

    if (!rule_needs_both(parser->rule)) {
        text_buffer_add_words(&words, both_families_word, "", "", " and ");
        rule_parser_fail(parser, "form= makes sense only with %s: leave it out", list);
    } else {
        /* STACK_FORM_NONE where it is none of the words. */
        parser->rule->form = (enum stack_form)(STACK_SPLIT + word_read(parser, "form", value, form_word));
    }
}

static const char *as_word(int index)
{
    static const char *const words[] = {"reached", "bound", NULL};

    return words[index];
}

static void read_as(struct rule_parser *parser, char *value)
{
    parser->rule->as_bound = word_read(parser, "as", value, as_word) == 1;
}

static const char *reach_word(int index)
{
    return index <= REACH_EXTERNAL ? reach_name((enum reach_extent)index) : NULL;
}

static void read_reach(struct rule_parser *parser, char *value)
{
    const struct rule_requirement_row *row = rule_requirement_of(parser->rule->requirement);
    int extent = word_read(parser, "reach", value, reach_word);

    if (extent < 0) {
        return;
    }
    if (extent == REACH_NONE && (row->needs_ipv4 || row->needs_ipv6)) {
        rule_parser_fail(parser, "reach=none makes no sense with %s, which must be reached: use any reach=none",
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
        rule_parser_fail(parser, "bind=%%" RULE_QUOTE ": not the name of an interface, such as %%eth0", name);
        return;
    }
    memcpy(rule->bind_interfaces[rule->bind_interface_count++], name, length + 1);
}

/* An item that is neither a word of bind= nor looks like an address. */
static void bind_item_refuse(struct rule_parser *parser, const char *item)
{
    bool may_be_interface = strpbrk(item, "0123456789") != NULL && strlen(item) < IF_NAMESIZE;
    char right[RULE_LIST_SIZE];
    size_t length = strlen(item);
    const char *zone = strchr(item, '%');

    snprintf(right, sizeof right, "loopback, link, %%%s or prefixes such as 10.0.0.0/8,2001:db8::/32",
             may_be_interface ? item : "INTERFACE");
    if (*item == '\0') {
        rule_parser_fail(parser, "bind= has an empty item: use %s", right);
    } else if (strcmp(item, "lo") == 0) {
        rule_parser_fail(parser, "bind=lo: use loopback for its addresses, %%lo for what is bound to the interface");
    } else if (*item == '[' && item[length - 1] == ']') {
        rule_parser_fail(parser, "bind=" RULE_QUOTE ": write the address without brackets: %.*s", item,
                         (int)(length - 2 < 60 ? length - 2 : 60), item + 1);
    } else if (zone != NULL) {
        rule_parser_fail(parser, "bind=" RULE_QUOTE ": an address has no interface here: use %.*s or %.20s", item,
                         (int)(zone - item < 60 ? zone - item : 60), item, zone);
    } else if (strcmp(item, scope_name(SCOPE_EXTERNAL)) == 0) {
        rule_parser_fail(parser, "bind=" RULE_QUOTE ": use %s, or write the scope behind the ports: @%s", item, right,
                         item);
    } else if (strcmp(item, "localhost") == 0 || nearest_word(item, scope_word) != NULL) {
        rule_parser_fail(parser, "bind=" RULE_QUOTE ": did you mean %s?", item,
                         nearest_word(item, scope_word) != NULL ? nearest_word(item, scope_word) : "loopback");
    } else {
        rule_parser_fail(parser, "bind=" RULE_QUOTE ": use %s", item, right);
    }
}

static void bind_item_parse(struct rule_parser *parser, const char *item)
{
    struct rule *rule = parser->rule;
    struct prefix *prefix = &rule->bind[rule->bind_count];
    char error[PREFIX_ERROR_SIZE];
    enum scope scope;

    if (scope_parse(item, &scope) && scope != SCOPE_EXTERNAL) {
        rule->bind_scope[scope] = true;
    } else if (*item == '%') {
        bind_interface_parse(parser, item + 1);
    } else if (strspn(item, "0123456789abcdefABCDEF:./") != strlen(item) || *item == '\0') {
        bind_item_refuse(parser, item);
    } else if (!prefix_parse(item, prefix, error)) {
        rule_parser_fail(parser, "bind=" RULE_QUOTE " %s", item, error);
    } else if (prefix->length == 128 &&
               record_is_wildcard(prefix->ipv4 ? RECORD_INET : RECORD_INET6, &prefix->address)) {
        rule_parser_fail(parser, "bind=" RULE_QUOTE " is one address, but a socket on it takes every address: write %s",
                         item, prefix->ipv4 ? "0.0.0.0/0" : "::/0");
    } else {
        rule->bind_count++;
    }
}

static void read_bind(struct rule_parser *parser, char *value)
{
    struct rule *rule = parser->rule;
    size_t room = rule_items_count(value);

    rule->bind_set = true;
    rule->bind_words = rule_parser_copy(parser, value);
    rule->bind = calloc(room, sizeof *rule->bind);
    rule->bind_interfaces = calloc(room, sizeof *rule->bind_interfaces);
    if (rule->bind == NULL || rule->bind_interfaces == NULL) {
        parser->out_of_memory = true;
        return;
    }
    for (char *item; (item = strsep(&value, ",")) != NULL;) {
        bind_item_parse(parser, item);
    }
}

static void read_unit(struct rule_parser *parser, char *value)
{
    /* No unit has a comma in its name; the path of a cgroup may have one. */
    if (*value != '/' && strchr(value, ',') != NULL && strchr(value, '[') == NULL) {
        rule_parser_fail(parser, "unit=" RULE_QUOTE " must be one pattern, not a list: use * where the names differ",
                         value);
        return;
    }
    parser->rule->unit = rule_parser_copy(parser, value);
}

static void read_except_unit(struct rule_parser *parser, char *value)
{
    struct rule *rule = parser->rule;
    size_t count = rule_items_count(value);
    size_t size = strlen(value) + 1;
    char *rest;

    /* The pointers, and behind them what they point to. */
    rule->except_units = malloc(count * sizeof *rule->except_units + size);
    if (rule->except_units == NULL) {
        parser->out_of_memory = true;
        return;
    }
    rest = memcpy(rule->except_units + count, value, size);
    for (char *glob; (glob = strsep(&rest, ",")) != NULL;) {
        if (*glob == '\0') {
            rule_parser_fail(parser,
                             "except-unit=" RULE_QUOTE
                             " has an empty item: write units such as except-unit=dnsmasq.service,unbound.service",
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
        rule_parser_fail(parser, "ephemeral must be yes, not '" RULE_QUOTE "': write ephemeral=yes or leave it out",
                         value);
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
        rule_parser_fail(parser, "user=" RULE_QUOTE " is out of range: user ids are 0 to %u", value, UID_MOST);
    } else if (number) {
        rule->uid = (uint32_t)uid;
    } else if (parser->names->user == NULL) {
        rule->user_by_name = true;
    } else if (!parser->names->user(value, &rule->uid, parser->names->context)) {
        rule_parser_fail(parser, "user=" RULE_QUOTE " is not a user of this host: use a name it knows or a user id",
                         value);
    }
}

/* "2027/1/31", "2027.01.31" and "20270131" as they should be written; false for anything else. */
static bool day_repair(char right[static sizeof "2027-01-31"], const char *value)
{
    unsigned parts[3] = {0};
    size_t part = 0;
    int32_t day;

    if (rule_is_number(value) && strlen(value) == 8) {
        snprintf(right, sizeof "2027-01-31", "%.4s-%.2s-%.2s", value, value + 4, value + 6);
        return day_parse(right, &day);
    }
    for (; *value != '\0' && parts[part] < 1000000; value++) {
        if (*value >= '0' && *value <= '9') {
            parts[part] = parts[part] * 10 + (unsigned)(*value - '0');
        } else if (++part == 3 || strchr("-/._", *value) == NULL) {
            return false;
        }
    }
    return part == 2 && parts[0] < 10000 && parts[1] < 100 && parts[2] < 100 &&
           snprintf(right, sizeof "2027-01-31", "%04u-%02u-%02u", parts[0], parts[1], parts[2]) > 0 &&
           day_parse(right, &day);
}

static void read_waive_until(struct rule_parser *parser, char *value)
{
    struct rule *rule = parser->rule;
    char right[sizeof "2027-01-31"] = "2027-01-31";
    bool repaired;

    rule->waive_set = day_parse(value, &rule->waive_day);
    if (!rule->waive_set) {
        repaired = day_repair(right, value);
        rule_parser_fail(parser, "waive-until=" RULE_QUOTE " is not a day: write %s%s", value,
                         repaired ? "" : "YYYY-MM-DD, such as ", repaired ? right : "2027-01-31");
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
    char advice[RANGE_ADVICE_SIZE];

    threshold->set = range_parse(value, &threshold->range);
    if (!threshold->set) {
        rule_parser_fail(parser, "%s=" RULE_QUOTE " %s", option->key, value, range_advise(advice, value));
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

/* Why the option is not allowed here, if so. */
static bool option_is_misplaced(struct rule_parser *parser, const struct option *option, bool is_seen,
                                const char *value)
{
    enum kind kind = kind_of(parser->rule);
    bool subject_is_read = parser->rule->is_default || parser->rule->port_count > 0;

    if (is_seen) {
        rule_parser_fail(parser, "%s= is given twice: write it once", option->key);
    } else if (subject_is_read && (option->kinds >> kind & 1) == 0) {
        rule_parser_fail(parser, "%s= does not go with %s: leave it out", option->key, kind_words[kind]);
    } else if (*value == '\0') {
        rule_parser_fail(parser, "%s= has no value: give it one or leave it out", option->key);
    } else {
        return false;
    }
    return true;
}

/* Reads "key=value". Returns false if what follows cannot be read either. */
static bool option_parse(struct rule_parser *parser, char *word, char *value, bool seen[static OPTIONS])
{
    const struct option *option = option_find(word);
    char list[RULE_LIST_SIZE];
    struct text_buffer known = TEXT_BUFFER(list);
    bool is_whole = true;

    if (option == NULL) {
        nearest_advise(&known, word, rule_option_word, "", "=");
        rule_parser_fail(parser, "unknown option '" RULE_QUOTE "=': %s", word, list);
    } else if (!option_is_misplaced(parser, option, seen[option - options], value) &&
               !rule_advice_value(parser, option->key, value, &is_whole)) {
        seen[option - options] = true;
        if (option->read != NULL) {
            option->read(parser, value);
        } else {
            threshold_read(parser, option, value);
        }
    }
    return is_whole;
}

void rule_options_parse(struct rule_parser *parser, char **words, size_t count)
{
    bool seen[OPTIONS] = {false};

    for (size_t i = 0; i < count; i++) {
        char *equals = strchr(words[i], '=');
        if (rule_advice_blanks(parser, words + i, count - i)) {
            return;
        }
        if (equals == NULL) {
            rule_advice_bare(parser, words + i, count - i);
            return;
        }
        *equals = '\0';
        if (!option_parse(parser, words[i], equals + 1, seen)) {
            return;
        }
        *equals = '=';
    }
}
