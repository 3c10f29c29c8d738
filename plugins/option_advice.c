/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What was meant by a word of the command line that is not understood.
 */
#include "config.h"

#include "option_advice.h"

#include "plugin/nearest.h"
#include "plugin/text_buffer.h"

#include <string.h>

/* Room for what a sentence offers. */
#define LIST_SIZE 160

/* --- unknown options ---------------------------------------------------------------------------------------------- */

/* What other plugins have, and how it is said here. */
static const struct other_plugin_option {
    const char *name;
    char letter;
    const char *advice;
} other_plugin_options[] = {
    {"hostname", 'H', "this plugin checks the host it runs on, so run it there by NRPE or an agent"},
    {"address", 'I', "this plugin checks the host it runs on, so run it there by NRPE or an agent"},
    {"port", 'p', "ports are rules, such as -r '443 dual-stack'"},
    {"ipv4", '4', "families are rules, such as -r '443 v4'"},
    {"ipv6", '6', "families are rules, such as -r '443 v6'"},
    {"config", 'C', "a policy is read with -f"},
    {"quiet", 'q', "leave it out, the answer is short without -v"},
};

static const char *other_plugin_advice(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof other_plugin_options / sizeof *other_plugin_options; i++) {
        if ((length == 1 && *name == other_plugin_options[i].letter) ||
            (strlen(other_plugin_options[i].name) == length &&
             strncmp(other_plugin_options[i].name, name, length) == 0)) {
            return other_plugin_options[i].advice;
        }
    }
    return NULL;
}

/* Adds the long options that begin with the `length` bytes; returns how many there are. */
static int candidates_add(struct text_buffer *text, const char *name, size_t length, const char *dashes)
{
    int count = 0;
    int added = 0;

    for (int i = 0; option_row(i) != NULL; i++) {
        count += length > 0 && strncmp(option_row(i)->name, name, length) == 0;
    }
    for (int i = 0; option_row(i) != NULL; i++) {
        if (length > 0 && strncmp(option_row(i)->name, name, length) == 0) {
            text_buffer_add(text, "%s%s%s", text_buffer_separator((size_t)added++, (size_t)count, " or "), dashes,
                            option_row(i)->name);
        }
    }
    return count;
}

int option_advice_name(struct option_reader *reader, const char *name, const char *dashes)
{
    size_t length = strcspn(name, "=");
    const char *advice = other_plugin_advice(name, length);
    char typed[64];
    char list[LIST_SIZE];
    struct text_buffer words = TEXT_BUFFER(list);

    snprintf(typed, sizeof typed, "%.*s", length < 60 ? (int)length : 60, name);
    if (candidates_add(&words, name, length, dashes) > 1) {
        return OPTION_FAIL(reader, "%s%s is ambiguous: %s", dashes, typed, list);
    }
    if (advice == NULL && nearest_word(typed, option_row_word) != NULL) {
        return OPTION_FAIL(reader, "unknown option %s%s: did you mean %s%s?", dashes, typed, dashes,
                           nearest_word(typed, option_row_word));
    }
    return OPTION_FAIL(reader, "unknown option %s%s: %s", dashes, typed, advice != NULL ? advice : "see --help");
}

/* "-list" and "-policy=FILE": the long option that was written with one dash, NULL for none. */
static const char *one_dash_name(const char *word)
{
    char name[32];

    if (word[0] != '-' || word[1] == '-' || word[1] == '\0') {
        return NULL;
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 1, "="), word + 1);
    return strlen(name) > 3 ? nearest_word(name, option_row_word) : NULL;
}

int option_advice_letter(struct option_reader *reader, char letter, const char *word)
{
    const char *advice = other_plugin_advice(&letter, 1);
    const char *intended = word != NULL && strchr(word, letter) != NULL ? one_dash_name(word) : NULL;

    if (intended != NULL) {
        return OPTION_FAIL(reader, "unknown option -%c in %.60s: did you mean --%s?", letter, word, intended);
    }
    return OPTION_FAIL(reader, "unknown option -%c: %s", letter, advice != NULL ? advice : "see --help");
}

/* --- words that belong to no option ------------------------------------------------------------------------------- */

static void words_add(struct text_buffer *text, char *const *words, int count)
{
    for (int i = 0; i < count; i++) {
        text_buffer_add(text, "%s%s", text->length > 0 ? " " : "", words[i]);
    }
}

static bool is_mode_that_writes(enum options_mode mode)
{
    return mode == OPTIONS_LIST || mode == OPTIONS_LEARN || mode == OPTIONS_CAPTURE;
}

int option_advice_word(struct option_reader *reader, char *const *words, int count)
{
    const struct options *options = reader->options;
    const char *word = words[0];
    const char *slash = strrchr(word, '/');
    bool has_folder = slash != NULL && slash != word && slash - word < 120;
    const char *last_rule = options->rule_count > 0 ? options->rules[options->rule_count - 1].text : " ";
    char list[LIST_SIZE];
    struct text_buffer rule = TEXT_BUFFER(list);

    if (options->replay_count > 0) {
        return OPTION_FAIL(reader, "unexpected argument '%.60s': for several captures name their folder, --replay=%.*s",
                           word, has_folder ? (int)(slash - word) : 1, has_folder ? word : ".");
    }
    if (strchr(last_rule, ' ') == NULL) {
        text_buffer_add(&rule, "%s", last_rule);
        words_add(&rule, words, count);
        return OPTION_FAIL(reader, "unexpected argument '%.60s': quote the whole rule, -r '%s'", word, list);
    }
    if (*word >= '0' && *word <= '9') {
        words_add(&rule, words, strchr(word, ' ') != NULL ? 1 : count);
        return OPTION_FAIL(reader, "unexpected argument '%.60s': rules are given with -r, such as -r '%s'", word, list);
    }
    if (is_mode_that_writes(options->mode) && *word != '\0') {
        return OPTION_FAIL(reader, "unexpected argument '%.60s': redirect standard output to write a file", word);
    }
    if (options->mode == OPTIONS_LINT || strpbrk(word, "./") != NULL) {
        return OPTION_FAIL(reader, "unexpected argument '%.60s': a policy is read with -f, such as -f %.60s", word,
                           word);
    }
    return OPTION_FAIL(reader, "unexpected argument '%.60s': rules are given with -r, policy files with -f", word);
}
