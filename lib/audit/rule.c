/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One rule of a policy, from its words.
 */
#include "config.h"

#include "audit/rule.h"
#include "audit/rule_parse.h"
#include "plugin/text_buffer.h"
#include "socket/array.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rule_requirement_row requirements[] = {
    [RULE_V4_ONLY] = {.word = "v4-only", .phrase = "be v4-only", .needs_ipv4 = true, .bars_ipv6 = true},
    [RULE_V6_ONLY] = {.word = "v6-only", .phrase = "be v6-only", .needs_ipv6 = true, .bars_ipv4 = true},
    [RULE_DUAL_STACK] = {.word = "dual-stack", .phrase = "be dual-stack", .needs_ipv4 = true, .needs_ipv6 = true},
    [RULE_V4] = {.word = "v4", .phrase = "accept IPv4", .needs_ipv4 = true},
    [RULE_V6] = {.word = "v6", .phrase = "accept IPv6", .needs_ipv6 = true},
    [RULE_ANY] = {.word = "any", .phrase = "listen"},
    [RULE_CLOSED] = {.word = "closed", .phrase = "be closed", .bars_listening = true},
};
_Static_assert(sizeof requirements / sizeof *requirements == RULE_REQUIREMENTS, "each requirement has a row");

static const char *const counted_words[] = {[RULE_MAPPED] = "mapped", [RULE_IPV4] = "ipv4"};
_Static_assert(sizeof counted_words / sizeof *counted_words == RULE_COUNTED, "each has a word");

static void errors_add(struct rule_errors *errors, const char *origin, const char *sentence)
{
    size_t length = strlen(origin) + strlen(sentence) + sizeof ": ";
    char **list = array_grow(errors->text, errors->count, sizeof *list);
    char *text = malloc(length);

    if (list != NULL) {
        errors->text = list;
    }
    if (list == NULL || text == NULL) {
        free(text);
        errors->out_of_memory = true;
        return;
    }
    snprintf(text, length, "%s: %s", origin, sentence);
    errors->text[errors->count++] = text;
}

void rule_errors_add(struct rule_errors *errors, const char *origin, const char *format, ...)
{
    char sentence[RULE_ERROR_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    errors_add(errors, origin, sentence);
}

void rule_errors_clear(struct rule_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        free(errors->text[i]);
    }
    free(errors->text);
    *errors = (struct rule_errors){0};
}

void rule_parser_fail(struct rule_parser *parser, const char *format, ...)
{
    char sentence[RULE_ERROR_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    errors_add(parser->errors, parser->origin, sentence);
    parser->failed = true;
}

char *rule_parser_copy(struct rule_parser *parser, const char *text)
{
    char *copied = strdup(text);

    parser->out_of_memory |= copied == NULL;
    return copied;
}

const char *rule_counted_word(enum rule_counted counted)
{
    return counted_words[counted];
}

bool rule_has_threshold(const struct rule *rule, enum rule_counted counted)
{
    return rule->thresholds[counted].warning.set || rule->thresholds[counted].critical.set;
}

bool rule_names_port(const struct rule *rule, uint16_t port)
{
    const struct rule_ports *ports = rule->is_default ? NULL : rule_ports_find(rule, port);

    return ports != NULL && ports->single;
}

const struct rule_requirement_row *rule_requirement_of(enum rule_requirement requirement)
{
    return &requirements[requirement];
}

const char *rule_requirement_name(enum rule_requirement requirement)
{
    return requirements[requirement].word;
}

const char *rule_requirement_word(int index)
{
    return index < RULE_REQUIREMENTS ? requirements[index].word : NULL;
}

bool rule_needs_both(const struct rule *rule)
{
    return requirements[rule->requirement].needs_ipv4 && requirements[rule->requirement].needs_ipv6;
}

enum state rule_missing_state(const struct rule *rule, const struct rule_ports *ports)
{
    if (requirements[rule->requirement].bars_listening) {
        return STATE_OK;
    }
    if (rule->missing_set) {
        return rule->missing;
    }
    return ports->single ? rule->severity : STATE_OK;
}

bool rule_binds_whole(const struct rule *rule, bool ipv4)
{
    for (size_t i = 0; i < rule->bind_count; i++) {
        if (rule->bind[i].ipv4 == ipv4 && prefix_is_whole(&rule->bind[i])) {
            return true;
        }
    }
    return false;
}

const struct rule_ports *rule_ports_find(const struct rule *rule, uint16_t port)
{
    const struct rule_ports *found = NULL;

    for (size_t i = 0; i < rule->port_count; i++) {
        const struct rule_ports *ports = &rule->ports[i];
        if (ports->first <= port && port <= ports->last && (found == NULL || ports->single)) {
            found = ports;
        }
    }
    return found;
}

static void requirement_parse(struct rule_parser *parser, const char *word)
{
    for (int i = 0; i < RULE_REQUIREMENTS; i++) {
        if (strcmp(word, requirements[i].word) == 0) {
            parser->rule->requirement = (enum rule_requirement)i;
            return;
        }
    }
    rule_advice_requirement(parser, word);
    /* It goes with every option: so those behind are read, and none is blamed for what was meant here. */
    parser->rule->requirement = RULE_DUAL_STACK;
}

void rule_name_default(char name[static RULE_NAME_MAX + 1], enum record_protocol protocol, int scope,
                       const struct rule_ports *ports, size_t count)
{
    char end_bytes[sizeof "_loopback"];
    char list_bytes[RULE_NAME_MAX + 1];
    struct text_buffer end = TEXT_BUFFER(end_bytes);
    struct text_buffer list;
    struct text_buffer text = text_buffer_start(name, RULE_NAME_MAX + 1);

    if (scope != RULE_ANY_SCOPE) {
        text_buffer_add(&end, "_%s", scope_name((enum scope)scope));
    }
    list = text_buffer_start(list_bytes, sizeof list_bytes - end.length);
    text_buffer_add(&list, "%s", protocol_name(protocol));
    for (size_t i = 0; i < count; i++) {
        text_buffer_add(&list, "_%u", (unsigned)ports[i].first);
        if (!ports[i].single) {
            text_buffer_add(&list, "-%u", (unsigned)ports[i].last);
        }
    }
    if (list.is_cut) {
        text_buffer_add(&text, "%s_%u_etc%s", protocol_name(protocol), (unsigned)ports[0].first, end_bytes);
    } else {
        text_buffer_add(&text, "%s%s", list_bytes, end_bytes);
    }
}

/* Splits `text` at blanks, up to a word that begins with '#'. `words` has room for every word there can be. */
static size_t words_split(char *text, char **words)
{
    size_t count = 0;
    char *rest = NULL;

    for (char *word = strtok_r(text, " \t\r\n\v\f", &rest); word != NULL && *word != '#';
         word = strtok_r(NULL, " \t\r\n\v\f", &rest)) {
        words[count++] = word;
    }
    return count;
}

static char *words_join(struct rule_parser *parser, char *const *words, size_t count, size_t room)
{
    char *text = malloc(room);
    size_t length = 0;

    if (text == NULL) {
        parser->out_of_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(words[i]);
        if (i > 0) {
            text[length++] = ' ';
        }
        memcpy(text + length, words[i], size);
        length += size;
    }
    text[length] = '\0';
    return text;
}

static void words_parse(struct rule_parser *parser, char **words, size_t count, size_t room)
{
    struct rule *rule = parser->rule;

    rule->text = words_join(parser, words, count, room);
    rule->origin = rule_parser_copy(parser, parser->origin);
    if (rule_advice_shape(parser, words, count)) {
        return;
    }
    if (count < 2 || strchr(words[1], '=') != NULL) {
        rule_parser_fail(parser, "no requirement after '" RULE_QUOTE "': " RULE_EXAMPLE, words[0]);
        return;
    }
    rule_subject_parse(parser, words[0]);
    requirement_parse(parser, words[1]);
    rule_options_parse(parser, words + 2, count - 2);
    if (!parser->failed && !rule->is_default && !rule->named) {
        rule_name_default(rule->name, (enum record_protocol)rule->protocol, rule->scope, rule->ports, rule->port_count);
    }
}

static int rule_words_read(struct rule_parser *parser, char *text, size_t length)
{
    char **words = calloc(length / 2 + 1, sizeof *words);
    size_t count;

    if (words == NULL) {
        return -ENOMEM;
    }
    count = words_split(text, words);
    if (count > 0) {
        words_parse(parser, words, count, length + 1);
    }
    free(words);
    if (parser->out_of_memory) {
        return -ENOMEM;
    }
    if (parser->failed) {
        return -EINVAL;
    }
    return count > 0;
}

static bool is_comment(const char *text, size_t length)
{
    size_t start = 0;

    while (start < length && (text[start] == ' ' || text[start] == '\t')) {
        start++;
    }
    return start < length && text[start] == '#';
}

int rule_parse(const char *text, size_t length, const char *origin, const struct rule_names *names,
               struct rule_errors *errors, struct rule **rule)
{
    struct rule_parser parser = {.origin = origin, .names = names, .errors = errors};
    char *copied = malloc(length + 1);
    int result = -ENOMEM;

    *rule = NULL;
    parser.rule = calloc(1, sizeof *parser.rule);
    if (copied == NULL || parser.rule == NULL) {
        goto cleanup;
    }
    *parser.rule = (struct rule){.protocol = RULE_ANY_PROTOCOL, .scope = RULE_ANY_SCOPE, .severity = STATE_CRITICAL};
    memcpy(copied, text, length);
    copied[length] = '\0';
    if (memchr(text, '\0', length) != NULL) {
        rule_parser_fail(&parser, "holds a NUL byte: a policy is plain text");
        result = -EINVAL;
        goto cleanup;
    }
    if (is_comment(text, length)) {
        result = 0;
        goto cleanup;
    }
    if (length > RULE_LENGTH_MAX) {
        rule_parser_fail(&parser, "is longer than %d bytes: split it into several rules", RULE_LENGTH_MAX);
        result = -EINVAL;
        goto cleanup;
    }
    result = rule_words_read(&parser, copied, length);

cleanup:
    free(copied);
    if (result == 1) {
        *rule = parser.rule;
    } else {
        rule_free(parser.rule);
    }
    return result;
}

void rule_free(struct rule *rule)
{
    if (rule == NULL) {
        return;
    }
    free(rule->text);
    free(rule->origin);
    free(rule->ports);
    free(rule->bind_words);
    free(rule->bind);
    free(rule->bind_interfaces);
    free(rule->except_units);
    free(rule->unit);
    free(rule->user);
    free(rule->note);
    free(rule);
}
