/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --help: the options and the words of rules, each from its table.
 */
#include "config.h"

#include "usage.h"

#include "audit/rule.h"
#include "option_row.h"
#include "plugin/text_buffer.h"
#include "socket/protocol.h"

#include <string.h>

const char usage_line[] = "Usage: check_dualstack [-r RULE]... [-f FILE]... [-w RANGE] [-c RANGE] [option]";

#define HELP_COLUMNS 79

/* Adds "-r, --rule=RULE". */
static void row_add(struct text_buffer *text, const struct option_row *row)
{
    if (row->letter != 0) {
        text_buffer_add(text, "-%c, ", row->letter);
    }
    text_buffer_add(text, "--%s%s", row->name, row->value);
}

/* Adds "text json html". */
static void words_add(struct text_buffer *help, const char *(*word)(int index))
{
    for (int i = 0; word(i) != NULL; i++) {
        text_buffer_add(help, "%s%s", i == 0 ? "" : " ", word(i));
    }
}

static void rows_add(struct text_buffer *help)
{
    char bytes[HELP_COLUMNS];
    struct text_buffer line = TEXT_BUFFER(bytes);
    const struct option_row *row;

    for (int i = 0; (row = option_row(i)) != NULL; i++) {
        row_add(&line, row);
        if (row->help == NULL) {
            text_buffer_add(&line, ", ");
            continue;
        }
        text_buffer_add(help, row->beside ? "    %s  %s" : "\n  %-17s  %s", bytes, row->help);
        if (*row->help == '\0') {
            words_add(help, row->word);
        }
        line = TEXT_BUFFER(bytes);
    }
    text_buffer_add(help, "\n");
}

/* Adds "[/tcp|/udp]". */
static void alternatives_add(struct text_buffer *help, const char *(*word)(int index), char mark)
{
    for (int i = 0; word(i) != NULL; i++) {
        text_buffer_add(help, "%s%c%s", i == 0 ? "[" : "|", mark, word(i));
    }
    text_buffer_add(help, "]");
}

/* How much a requirement says about the families. */
static int strictness(int requirement)
{
    const struct rule_requirement_row *row = rule_requirement_of((enum rule_requirement)requirement);

    return row->needs_ipv4 + row->needs_ipv6 + row->bars_ipv4 + row->bars_ipv6;
}

/* Adds "v4-only v6-only dual-stack: exactly; v4 v6: at least; any; closed". */
static void requirements_add(struct text_buffer *help)
{
    static const char *const meanings[] = {"", ": at least", ": exactly"};

    for (int i = 0; i < RULE_REQUIREMENTS; i++) {
        bool more = i + 1 < RULE_REQUIREMENTS;
        bool goes_on = more && strictness(i) > 0 && strictness(i) == strictness(i + 1);
        text_buffer_add(help, "%s%s%s", rule_requirement_word(i), goes_on ? "" : meanings[strictness(i)],
                        goes_on ? " "
                        : more  ? "; "
                                : "");
    }
}

/* Adds the keys of a rule's options, in lines, with `last` at the end of the last one. */
static void keys_add(struct text_buffer *help, const char *last)
{
    static const char start[] = "  KEY          ";
    size_t column = strlen(start);

    text_buffer_add(help, "%s", start);
    for (int i = 0; rule_option_word(i) != NULL; i++) {
        const char *word = rule_option_word(i);
        bool first = column == strlen(start);
        if (column + strlen(word) + 1 > HELP_COLUMNS) {
            text_buffer_add(help, "\n%*s", (int)strlen(start), "");
            column = strlen(start);
            first = true;
        }
        text_buffer_add(help, "%s%s", first ? "" : " ", word);
        column += strlen(word) + !first;
    }
    if (column + strlen(last) > HELP_COLUMNS) {
        text_buffer_add(help, "\n");
        column = 0;
    }
    text_buffer_add(help, "%*s\n", (int)(HELP_COLUMNS - column), last);
}

const char *usage_help(char text[static USAGE_HELP_SIZE])
{
    struct text_buffer help = text_buffer_start(text, USAGE_HELP_SIZE);

    text_buffer_add(&help, "%s", usage_line);
    rows_add(&help);
    text_buffer_add(&help, "RULE is PORTS");
    alternatives_add(&help, protocol_word, '/');
    alternatives_add(&help, scope_word, '@');
    text_buffer_add(&help, " REQUIREMENT [KEY=VALUE]...\n"
                           "  PORTS        443  80,443  8000-8099  https  default (all that no rule names)\n"
                           "  REQUIREMENT  ");
    requirements_add(&help);
    text_buffer_add(&help, "\n");
    keys_add(&help, "  More: check_dualstack(1)");
    return text;
}
