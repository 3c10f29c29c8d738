/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The first word of a rule: ports[/protocol][@scope].
 */
#include "config.h"

#include "audit/rule_parse.h"
#include "socket/protocol.h"

#include <stdlib.h>
#include <string.h>

bool rule_is_number(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

size_t rule_items_count(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++) {
        count += *list == ',';
    }
    return count;
}

/* A decimal number of 1 to 65535. */
static bool port_number_parse(struct rule_parser *parser, const char *text, uint16_t *port)
{
    unsigned long value = strlen(text) <= 5 ? strtoul(text, NULL, 10) : 65536;

    if (value < 1 || value > 65535) {
        rule_parser_fail(parser, "port " RULE_QUOTE " is out of range: ports are 1 to 65535", text);
        return false;
    }
    if (*text == '0') {
        rule_parser_fail(parser, "port " RULE_QUOTE " begins with a zero: write %lu", text, value);
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

/* "8000-8099"; `dash` points into text. */
static bool port_range_parse(struct rule_parser *parser, char *text, char *dash, struct rule_ports *ports)
{
    bool good;

    *dash = '\0';
    good = port_number_parse(parser, text, &ports->first);
    good = port_number_parse(parser, dash + 1, &ports->last) && good;
    if (good && ports->first > ports->last) {
        rule_parser_fail(parser, "port range %u-%u runs backwards: write %u-%u", (unsigned)ports->first,
                         (unsigned)ports->last, (unsigned)ports->last, (unsigned)ports->first);
        good = false;
    }
    return good;
}

/* One item of the list: "443", "8000-8099" or "https". */
static bool port_item_parse(struct rule_parser *parser, char *text, struct rule_ports *ports)
{
    enum record_protocol protocol = (enum record_protocol)parser->rule->protocol;
    char *dash = strchr(text, '-');

    *ports = (struct rule_ports){.single = true};
    if (*text == '\0') {
        rule_parser_fail(parser, "the port list has an empty item: write ports such as 80,443 or 8000-8099");
        return false;
    }
    if (rule_is_number(text)) {
        bool good = port_number_parse(parser, text, &ports->first);
        ports->last = ports->first;
        return good;
    }
    if (dash != NULL && strspn(text, "0123456789-") == strlen(text)) {
        ports->single = false;
        if (dash == text || !rule_is_number(dash + 1)) {
            rule_parser_fail(parser, "'" RULE_QUOTE "' is not a port range: write one such as 8000-8099", text);
            return false;
        }
        return port_range_parse(parser, text, dash, ports);
    }
    if (!parser->names->port(text, protocol, &ports->first, parser->names->context)) {
        rule_advice_port(parser, text);
        return false;
    }
    ports->last = ports->first;
    return true;
}

static int ports_compare(const void *left, const void *right)
{
    const struct rule_ports *a = left;
    const struct rule_ports *b = right;

    return a->single != b->single ? a->single - b->single : a->first - b->first;
}

/*
 * The same port twice in one rule says that a number was mistyped. One that is named and also within a range is not:
 * the name says that it must not be missing.
 */
static void ports_twice_find(struct rule_parser *parser)
{
    struct rule *rule = parser->rule;
    struct rule_ports *sorted = malloc((rule->port_count + 1) * sizeof *sorted);

    if (sorted == NULL) {
        parser->out_of_memory = true;
        return;
    }
    memcpy(sorted, rule->ports, rule->port_count * sizeof *sorted);
    qsort(sorted, rule->port_count, sizeof *sorted, ports_compare);
    for (size_t i = 1; i < rule->port_count; i++) {
        if (sorted[i].single == sorted[i - 1].single && sorted[i].first <= sorted[i - 1].last) {
            rule_parser_fail(parser, "port %u is in the list twice: name it once", (unsigned)sorted[i].first);
            break;
        }
    }
    free(sorted);
}

static void port_list_parse(struct rule_parser *parser, char *text)
{
    struct rule *rule = parser->rule;

    rule->ports = calloc(rule_items_count(text), sizeof *rule->ports);
    if (rule->ports == NULL) {
        parser->out_of_memory = true;
        return;
    }
    for (char *item; (item = strsep(&text, ",")) != NULL;) {
        if (port_item_parse(parser, item, &rule->ports[rule->port_count])) {
            rule->port_count++;
        }
    }
    ports_twice_find(parser);
}

static void protocol_read(struct rule_parser *parser, const char *ports, const char *text)
{
    enum record_protocol protocol;

    if (protocol_parse(text, &protocol)) {
        parser->rule->protocol = (int)protocol;
    } else {
        rule_advice_protocol(parser, ports, text);
    }
}

static void scope_read(struct rule_parser *parser, const char *text)
{
    enum scope scope;

    if (scope_parse(text, &scope)) {
        parser->rule->scope = (int)scope;
    } else {
        rule_advice_scope(parser, text);
    }
}

void rule_subject_parse(struct rule_parser *parser, char *word)
{
    char *at = strchr(word, '@');
    char *slash;

    if (at != NULL) {
        *at = '\0';
        scope_read(parser, at + 1);
    }
    slash = strchr(word, '/');
    if (slash != NULL) {
        *slash = '\0';
        protocol_read(parser, word, slash + 1);
    }
    if (strcmp(word, RULE_DEFAULT_WORD) == 0) {
        parser->rule->is_default = true;
        return;
    }
    if (parser->rule->protocol == RULE_ANY_PROTOCOL) {
        parser->rule->protocol = RULE_DEFAULT_PROTOCOL;
    }
    port_list_parse(parser, word);
}
