/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What was meant by a rule written in the way of another tool: the sentence then says how it is written here.
 */
#include "config.h"

#include "audit/rule_parse.h"
#include "plugin/nearest.h"
#include "plugin/text_buffer.h"
#include "socket/protocol.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Room for a part of a rule as it should be written. */
#define RIGHT_SIZE 80

#define DIGITS "0123456789"

/* Does it consist of nothing but these characters? */
static bool is_of(const char *text, const char *characters)
{
    return *text != '\0' && strspn(text, characters) == strlen(text);
}

static bool is_word(const char *text, const char *(*word)(int index))
{
    for (int i = 0; word(i) != NULL; i++) {
        if (strcasecmp(text, word(i)) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_quote(const char *text)
{
    return *text == '\'' || *text == '"' || strncmp(text, "\xe2\x80\x98", 3) == 0 ||
           strncmp(text, "\xe2\x80\x9c", 3) == 0;
}

static void mark_replace(char *text, char from, char to)
{
    for (char *mark = strchr(text, from); mark != NULL; mark = strchr(mark, from)) {
        *mark = to;
    }
}

static void lower_add(struct text_buffer *text, const char *word)
{
    for (; *word != '\0'; word++) {
        text_buffer_add(text, "%c", tolower((unsigned char)*word));
    }
}

/* A comment that does not begin with '#'. */
static bool comment_advise(struct rule_parser *parser, const char *word)
{
    if (*word != ';' && strncmp(word, "//", 2) != 0) {
        return false;
    }
    rule_parser_fail(parser, "unexpected '" RULE_QUOTE "': comments start with #", word);
    return true;
}

/* --- a rule's shape ----------------------------------------------------------------------------------------------- */

static bool is_no_rule(struct rule_parser *parser, char *const *words)
{
    const char *word = words[0];
    size_t length = strlen(word);

    if (comment_advise(parser, word)) {
        return true;
    }
    if (is_quote(word)) {
        rule_parser_fail(parser, "unexpected quote before '" RULE_QUOTE "': write the rule without quotes",
                         word + (*word == '\'' || *word == '"' ? 1 : 3));
    } else if (word[0] == '-' && !is_of(word, DIGITS "-,")) {
        rule_parser_fail(parser, "'" RULE_QUOTE "' is an option, not a rule: " RULE_EXAMPLE, word);
    } else if (word[0] == '[' && word[length - 1] == ']') {
        rule_parser_fail(parser, "'" RULE_QUOTE "' begins a section of an ini file: such a file goes with --extra-opts",
                         word);
    } else if (strchr(word, '=') != NULL) {
        rule_parser_fail(parser,
                         "'" RULE_QUOTE "' is not a port: options follow the requirement, such as: 443 "
                         "dual-stack name=web",
                         word);
    } else {
        return false;
    }
    return true;
}

static bool is_pair(const char *ports, const char *protocol)
{
    return is_of(ports, DIGITS ",-") && is_word(protocol, protocol_word);
}

/* "tcp 443", "tcp/443", "443:tcp", "443 tcp" and "https /tcp" */
static bool has_misplaced_protocol(struct rule_parser *parser, char *const *words, size_t count)
{
    size_t length = strcspn(words[0], "/:._");
    bool is_one_word = words[0][length] != '\0';
    const char *next = count > 1 ? words[1] + (*words[1] == '/') : "";
    const char *second = is_one_word ? words[0] + length + 1 : next;
    char bytes[RIGHT_SIZE];
    char first[RIGHT_SIZE];
    struct text_buffer right = TEXT_BUFFER(bytes);
    struct text_buffer start = TEXT_BUFFER(first);
    bool is_swapped;
    bool is_apart;

    text_buffer_add(&start, "%.*s", (int)length, words[0]);
    is_swapped = is_pair(second, first);
    is_apart = is_one_word ? words[0][length] != '/' && is_pair(first, second) : is_word(second, protocol_word);
    if (!is_swapped && !is_apart) {
        return false;
    }
    text_buffer_add(&right, "%s/", is_swapped ? second : first);
    lower_add(&right, is_swapped ? first : second);
    rule_parser_fail(parser, "ports and protocol are one word: write %s", bytes);
    return true;
}

/* "80 443", "80, 443" and "8000 - 8099" */
static bool has_blanks_in_list(struct rule_parser *parser, char *const *words, size_t count)
{
    static const char marks[] = ",-;:";
    char bytes[RIGHT_SIZE];
    struct text_buffer right = TEXT_BUFFER(bytes);

    if (count < 2 || !is_of(words[0], DIGITS ",-;:") || !is_of(words[1], DIGITS ",-;:")) {
        return false;
    }
    for (size_t i = 0; i < count && is_of(words[i], DIGITS ",-;:"); i++) {
        bool is_joined =
            right.length == 0 || strchr(marks, bytes[right.length - 1]) != NULL || strchr(marks, words[i][0]) != NULL;
        text_buffer_add(&right, "%s%s", is_joined ? "" : ",", words[i]);
    }
    mark_replace(bytes, ';', ',');
    mark_replace(bytes, ':', '-');
    rule_parser_fail(parser,
                     strchr(bytes, ',') != NULL ? "separate ports with commas, without blanks: write %s"
                                                : "a range has no blanks: write %s",
                     bytes);
    return true;
}

/* "443 @loopback", "dual-stack 443" and "443 dual stack" */
static bool has_words_out_of_place(struct rule_parser *parser, char *const *words, size_t count)
{
    char bytes[RIGHT_SIZE];
    struct text_buffer right = TEXT_BUFFER(bytes);

    if (count < 2) {
        return false;
    }
    if (*words[1] == '@') {
        rule_parser_fail(parser, "ports and scope are one word: write " RULE_QUOTE RULE_QUOTE, words[0], words[1]);
        return true;
    }
    if (is_word(words[0], rule_requirement_word) && is_of(words[1], DIGITS ",-")) {
        rule_parser_fail(parser, "ports come before the requirement: write " RULE_QUOTE " %s", words[1], words[0]);
        return true;
    }
    if (count < 3) {
        return false;
    }
    text_buffer_add(&right, "%s-%s", words[1], words[2]);
    if (!is_word(bytes, rule_requirement_word)) {
        return false;
    }
    right = TEXT_BUFFER(bytes);
    lower_add(&right, words[1]);
    text_buffer_add(&right, "-");
    lower_add(&right, words[2]);
    rule_parser_fail(parser, "a requirement is one word: write %s", bytes);
    return true;
}

/* What is pasted from a page may look right and be wrong, even within a note. */
static bool has_invisible_character(struct rule_parser *parser, char *const *words, size_t count)
{
    static const struct {
        const char *bytes;
        const char *name;
        const char *remedy;
    } invisible[] = {
        {"\xc2\xa0", "U+00A0", "write a plain blank"},     /* no-break space */
        {"\xe2\x80\x89", "U+2009", "write a plain blank"}, /* thin space */
        {"\xe2\x80\xaf", "U+202F", "write a plain blank"}, /* narrow no-break space */
        {"\xe2\x80\x8b", "U+200B", "delete it"},           /* zero width space */
        {"\xef\xbb\xbf", "U+FEFF", "delete it"}, /* byte order mark, at the start of a file that was appended */
    };

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sizeof invisible / sizeof *invisible; j++) {
            if (strstr(words[i], invisible[j].bytes) != NULL) {
                rule_parser_fail(parser, "holds the invisible character %s: %s", invisible[j].name,
                                 invisible[j].remedy);
                return true;
            }
        }
    }
    return false;
}

bool rule_advice_shape(struct rule_parser *parser, char *const *words, size_t count)
{
    return has_invisible_character(parser, words, count) || is_no_rule(parser, words) ||
           has_misplaced_protocol(parser, words, count) || has_blanks_in_list(parser, words, count) ||
           has_words_out_of_place(parser, words, count);
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

/* "8000:8099", "8000..8099", and with the dash that word processors write: the range, or 0. */
static bool range_build(struct text_buffer *right, const char *item)
{
    static const char *const marks[] = {":", "..", "...", "\xe2\x80\x93", "\xe2\x80\x94", "~"};
    size_t first = strspn(item, DIGITS);

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t length = strlen(marks[i]);
        if (first > 0 && strncmp(item + first, marks[i], length) == 0 && is_of(item + first + length, DIGITS)) {
            text_buffer_add(right, "%.*s-%s", (int)first, item, item + first + length);
            return true;
        }
    }
    return false;
}

/* "80;443" with commas, and without what stands around it. */
static bool list_build(struct text_buffer *right, const char *item)
{
    static const char marks[] = ";+&|";
    const char *start = item + strspn(item, marks);
    size_t length = strlen(start);

    if (!is_of(item, DIGITS ";+&|") || length == 0) {
        return false;
    }
    while (strchr(marks, start[length - 1]) != NULL) {
        length--;
    }
    text_buffer_add(right, "%.*s", (int)length, start);
    for (const char *mark = marks; *mark != '\0'; mark++) {
        mark_replace(right->bytes, *mark, ',');
    }
    return true;
}

/* "HTTPS", where the host knows https. */
static bool service_build(struct text_buffer *right, const struct rule_parser *parser, const char *item)
{
    uint16_t port;

    lower_add(right, item);
    return strcmp(right->bytes, item) != 0 &&
           parser->names->port(right->bytes, (enum record_protocol)parser->rule->protocol, &port,
                               parser->names->context);
}

static const char *default_word(int index)
{
    return index == 0 ? RULE_DEFAULT_WORD : NULL;
}

/* What other tools call all ports. */
static const char *all_word(int index)
{
    static const char *const words[] = {"*", "all", "any", "everything", "other", "others", "rest", NULL};

    return words[index];
}

void rule_advice_port(struct rule_parser *parser, const char *item)
{
    char bytes[RIGHT_SIZE];
    struct text_buffer right = TEXT_BUFFER(bytes);
    const char *colon = strrchr(item, ':');
    size_t digits = strspn(item, DIGITS);

    if (is_word(item, all_word)) {
        rule_parser_fail(parser,
                         "'" RULE_QUOTE "' is not a port: use default for all that no rule names, such as: "
                         "default closed",
                         item);
    } else if (strcmp(item, RULE_DEFAULT_WORD) == 0) {
        rule_parser_fail(parser, "default stands alone, not among ports: give it a rule of its own");
    } else if (nearest_word(item, default_word) != NULL) {
        rule_parser_fail(parser, "'" RULE_QUOTE "' is not a port: did you mean default?", item);
    } else if (digits > 0 && strcmp(item + digits, "+") == 0) {
        rule_parser_fail(parser, "'" RULE_QUOTE "' is not a port: write a range as %.*s-65535", item, (int)digits,
                         item);
    } else if (list_build(&right, item)) {
        rule_parser_fail(parser, "'" RULE_QUOTE "' is not a port: %s %s", item,
                         is_of(bytes, DIGITS) ? "write" : "separate ports with commas:", bytes);
    } else if (range_build(&right, item)) {
        rule_parser_fail(parser, "'" RULE_QUOTE "' is not a port: write a range as %s", item, bytes);
    } else if (colon != NULL && is_of(colon + 1, DIGITS)) {
        rule_parser_fail(parser, "'" RULE_QUOTE "' is not a port: write " RULE_QUOTE ", addresses go in bind=", item,
                         colon + 1);
    } else if (service_build(&right, parser, item)) {
        rule_parser_fail(parser, "'" RULE_QUOTE "' is not a port: did you mean %s?", item, bytes);
    } else {
        rule_parser_fail(parser,
                         "'" RULE_QUOTE "' is neither a port nor a %s service known here: use a number such as "
                         "443",
                         item, protocol_name((enum record_protocol)parser->rule->protocol));
    }
}

/* Adds the ports of "80/tcp,443/tcp"; false when the protocols differ, or something else is there. */
static bool ports_gather(struct text_buffer *right, const char *ports, const char *rest)
{
    size_t length = strcspn(rest, ",/");

    text_buffer_add(right, "%s", ports);
    for (const char *item = rest + length; *item != '\0'; item += strcspn(item + 1, ",/") + 1) {
        int size = (int)strcspn(item + 1, ",/");
        bool is_same = (size_t)size == length && strncasecmp(item + 1, rest, length) == 0;
        if (*item == ',' && item[1] >= '0' && item[1] <= '9') {
            text_buffer_add(right, ",%.*s", size, item + 1);
        } else if (*item != '/' || !is_same) {
            return false;
        }
    }
    text_buffer_add(right, "/");
    return length == strcspn(rest, ",/+&");
}

void rule_advice_protocol(struct rule_parser *parser, const char *ports, const char *text)
{
    char list[RULE_LIST_SIZE];
    struct text_buffer words = TEXT_BUFFER(list);
    char first[RIGHT_SIZE];
    struct text_buffer protocol = TEXT_BUFFER(first);
    const char *nearest = nearest_word(text, protocol_word);

    text_buffer_add(&protocol, "%.*s", (int)strcspn(text, ",/+&"), text);
    if (is_of(text, DIGITS "-,")) {
        rule_parser_fail(parser,
                         "'/" RULE_QUOTE "' is not a protocol: separate ports with commas: " RULE_QUOTE "," RULE_QUOTE,
                         text, ports, text);
    } else if (nearest != NULL && strlen(nearest) == strlen(text)) {
        /* SCTP is not a TCP mistyped. */
        rule_parser_fail(parser, "'/" RULE_QUOTE "' is not a protocol: did you mean /%s?", text, nearest);
    } else if (is_word(first, protocol_word) && ports_gather(&words, ports, text)) {
        lower_add(&words, first);
        rule_parser_fail(parser, "a rule has one protocol: write %s", list);
    } else if (is_word(first, protocol_word) || is_word(text, all_word) || strcasecmp(text, "both") == 0) {
        rule_parser_fail(parser, "'/" RULE_QUOTE "' is not a protocol: write a rule for each protocol", text);
    } else {
        text_buffer_add_words(&words, protocol_word, "/", "", " or ");
        rule_parser_fail(parser, "'/" RULE_QUOTE "' is not a protocol: use %s", text, list);
    }
}

void rule_advice_scope(struct rule_parser *parser, const char *text)
{
    char list[RULE_LIST_SIZE];
    struct text_buffer words = TEXT_BUFFER(list);
    char first[RIGHT_SIZE];
    struct text_buffer scope = TEXT_BUFFER(first);
    const char *slash = strchr(text, '/');

    text_buffer_add(&scope, "%.*s", (int)strcspn(text, "/"), text);
    if (slash != NULL && is_word(first, scope_word) && is_word(slash + 1, protocol_word)) {
        text_buffer_add(&words, "/");
        lower_add(&words, slash + 1);
        text_buffer_add(&words, "@");
        lower_add(&words, first);
        rule_parser_fail(parser, "'@" RULE_QUOTE "' is not a scope: the protocol comes before the scope: %s", text,
                         list);
    } else if (is_word(text, protocol_word)) {
        rule_parser_fail(parser, "'@" RULE_QUOTE "' is not a scope: a protocol follows a slash: /%s", text, text);
    } else if (strpbrk(text, ".:") != NULL) {
        rule_parser_fail(parser, "'@" RULE_QUOTE "' is not a scope: addresses go in bind=", text);
    } else {
        nearest_advise(&words, text, scope_word, "@", "");
        rule_parser_fail(parser, "'@" RULE_QUOTE "' is not a scope: %s", text, list);
    }
}

/* --- requirement -------------------------------------------------------------------------------------------------- */

/* What other tools call it. */
static const struct synonym {
    const char *typed;
    const char *meant;
} synonyms[] = {
    {"ignore", "any missing=ok"}, {"optional", "any missing=ok"},
    {"both", "dual-stack"},       {"open", "any"},
    {"none", "closed"},           {"off", "closed"},
    {"deny", "closed"},
};

void rule_advice_requirement(struct rule_parser *parser, const char *word)
{
    char list[RULE_LIST_SIZE];
    struct text_buffer words = TEXT_BUFFER(list);
    const char *plain = strncasecmp(word, "ip", 2) == 0 ? word + 2 : word;

    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++) {
        if (strcasecmp(word, synonyms[i].typed) == 0) {
            text_buffer_add(&words, "did you mean %s?", synonyms[i].meant);
        }
    }
    if (words.length == 0) {
        nearest_advise(&words, plain, rule_requirement_word, "", "");
    }
    rule_parser_fail(parser, "'" RULE_QUOTE "' is not a requirement: %s", word, list);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

/* Adds "note=please-ask" for the words "note="please" and "ask"", up to the next option. */
static void note_add(struct text_buffer *right, char *const *words, size_t count)
{
    for (size_t i = 0; i < count && (i == 0 || strchr(words[i], '=') == NULL); i++) {
        text_buffer_add(right, "%s", i > 0 ? "-" : "");
        for (const char *c = words[i]; *c != '\0'; c++) {
            if (*c != '"' && *c != '\'') {
                text_buffer_add(right, "%c", *c);
            }
        }
    }
}

static bool is_key(const char *text, size_t length)
{
    for (int i = 0; rule_option_word(i) != NULL; i++) {
        if (strlen(rule_option_word(i)) == length && strncmp(text, rule_option_word(i), length) == 0) {
            return true;
        }
    }
    return false;
}

bool rule_advice_blanks(struct rule_parser *parser, char *const *words, size_t count)
{
    const char *equals = strchr(words[0], '=');
    const char *value = count > 1 ? words[1] : "";

    if (words[0][strlen(words[0]) - 1] == ',' && *value != '\0' && strchr(value, '=') == NULL) {
        rule_parser_fail(parser, "a list has no blanks: write " RULE_QUOTE RULE_QUOTE, words[0], value);
        return true;
    }
    if (equals == NULL && *value == '=') {
        value = value[1] == '\0' && count > 2 ? words[2] : value + 1;
    } else if (equals == NULL || equals[1] != '\0' || *value == '\0' || strchr(value, '=') != NULL) {
        return false;
    }
    rule_parser_fail(parser, "no blanks around =: write %.*s=" RULE_QUOTE,
                     equals != NULL ? (int)(equals - words[0]) : 60, words[0], value);
    return true;
}

void rule_advice_bare(struct rule_parser *parser, char *const *words, size_t count)
{
    const char *word = words[0];
    const char *before = words[-1];
    const char *colon = strchr(word, ':');
    char bytes[RULE_ERROR_SIZE / 2];
    struct text_buffer right = TEXT_BUFFER(bytes);

    if (comment_advise(parser, word)) {
        return;
    }
    if (strncmp(before, "note=", 5) == 0) {
        text_buffer_add(&right, "a note is one word: write ");
        note_add(&right, words - 1, count + 1);
    } else if (colon != NULL && is_key(word, (size_t)(colon - word))) {
        text_buffer_add(&right, "did you mean %.*s=%s?", (int)(colon - word), word, colon + 1);
    } else if (is_word(word, rule_option_word)) {
        text_buffer_add(&right, "write %s=%s", word, count > 1 && strchr(words[1], '=') == NULL ? words[1] : "VALUE");
    } else if (is_word(word, rule_requirement_word)) {
        text_buffer_add(&right, "a rule has one requirement, for both families use dual-stack");
    } else if (strcmp(word, "warning") == 0 || strcmp(word, "critical") == 0) {
        text_buffer_add(&right, "write severity=%s", word);
    } else {
        text_buffer_add(&right, "only KEY=VALUE options may follow the requirement");
    }
    rule_parser_fail(parser, "unexpected '" RULE_QUOTE "': %s", word, bytes);
}

bool rule_advice_value(struct rule_parser *parser, const char *key, const char *value, bool *is_whole)
{
    size_t length = strlen(value);
    bool is_list = strcmp(key, "bind") == 0 || strcmp(key, "except-unit") == 0;

    *is_whole = true;
    if (strcmp(key, "note") == 0) {
        return false; /* which may be anything */
    }
    if (is_quote(value)) {
        size_t quote = *value == '\'' || *value == '"' ? 1 : 3;
        size_t end = length > quote && value[length - 1] == value[0] ? length - 1 : length;
        *is_whole = end < length;
        rule_parser_fail(parser,
                         *is_whole ? "values have no quotes: write %s=%.*s"
                                   : "values have neither quotes nor blanks: %s=%.*s ends with the word",
                         key, (int)(end - quote < 60 ? end - quote : 60), value + quote);
    } else if (!is_list && length > 1 && strchr(",;", value[length - 1]) != NULL) {
        rule_parser_fail(parser, "options are separated by blanks: write %s=%.*s", key,
                         (int)(length - 1 < 60 ? length - 1 : 60), value);
    } else {
        return false;
    }
    return true;
}
