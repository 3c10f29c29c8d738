/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What the files that read one rule share among themselves; only they include it.
 */
#ifndef AUDIT_RULE_PARSE_H
#define AUDIT_RULE_PARSE_H

#include "audit/rule.h"

/* How a sentence quotes the user's text: no longer than a reader needs to recognise it. */
#define RULE_QUOTE "%.60s"

/* Room for the words that a sentence offers. */
#define RULE_LIST_SIZE 256

/* What every rule looks like. */
#define RULE_EXAMPLE "write PORTS REQUIREMENT, such as: 443 dual-stack"

/* In place of ports. */
#define RULE_DEFAULT_WORD "default"

struct rule_parser {
    struct rule *rule;
    const char *origin;
    const struct rule_names *names;
    struct rule_errors *errors;
    bool failed;
    bool out_of_memory;
};

/* Adds a sentence with the rule's place and marks the rule as wrong. */
void rule_parser_fail(struct rule_parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A malloc'd copy; NULL and parser->out_of_memory when there is no room. */
char *rule_parser_copy(struct rule_parser *parser, const char *text);

/* True for one or more ASCII digits and nothing else. */
bool rule_is_number(const char *text);

/* How many items a list has, with commas between them; at least one. */
size_t rule_items_count(const char *list);

/* Reads "80,443/tcp@external" or "default/udp" into the rule. Writes into word. */
void rule_subject_parse(struct rule_parser *parser, char *word);

/*
 * Reads the `count` words "key=value" behind the requirement into the rule. Writes into them. words[-1] is the
 * requirement.
 */
void rule_options_parse(struct rule_parser *parser, char **words, size_t count);

/*
 * Advice on mistakes. Those that return bool report the mistake, and return true, only when they know what was meant.
 */

/* A rule with words in the wrong places: it cannot be read any further. */
bool rule_advice_shape(struct rule_parser *parser, char *const *words, size_t count);

/* Blanks around '=', or behind a comma, at the first of the `count` words left. */
bool rule_advice_blanks(struct rule_parser *parser, char *const *words, size_t count);

/* Quotes around a value, or a comma behind it; *is_whole says whether the value ends with this word. */
bool rule_advice_value(struct rule_parser *parser, const char *key, const char *value, bool *is_whole);

/* These always fail: each with a text that was not understood. `ports` is what stands before a protocol. */
void rule_advice_port(struct rule_parser *parser, const char *item);
void rule_advice_protocol(struct rule_parser *parser, const char *ports, const char *text);
void rule_advice_scope(struct rule_parser *parser, const char *text);
void rule_advice_requirement(struct rule_parser *parser, const char *word);

/* The first of the `count` words left, which has no '='; words[-1] is the one before. */
void rule_advice_bare(struct rule_parser *parser, char *const *words, size_t count);

#endif
