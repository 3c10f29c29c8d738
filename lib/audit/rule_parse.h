/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What the files that read one rule share among themselves; nobody else includes it.
 */
#ifndef AUDIT_RULE_PARSE_H
#define AUDIT_RULE_PARSE_H

#include "audit/rule.h"

/* How a sentence quotes the user's text: no longer than a reader needs to recognise it. */
#define RULE_QUOTE "%.60s"

/* Room for the words that a sentence offers. */
#define RULE_LIST_SIZE 256

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

/* Reads "80,443/tcp@external" or "default/udp" into the rule. Writes into word. */
void rule_subject_parse(struct rule_parser *parser, char *word);

/* Reads the `count` words "key=value" behind the requirement into the rule. Writes into them. */
void rule_options_parse(struct rule_parser *parser, char **words, size_t count);

#endif
