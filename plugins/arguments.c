/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Options, from the command line and from ini files, by the table of options.c.
 */
#include "config.h"

#include "arguments.h"

#include "combination.h"
#include "option_advice.h"
#include "plugin/text_buffer.h"

#include <getopt.h>
#include <string.h>

static int option_read(struct option_reader *reader, int index, const char *value)
{
    struct option_place *place = &reader->places[index];

    reader->row = option_row(index);
    if (!place->is_given) {
        *place = (struct option_place){.is_given = true, .file = reader->file, .line = reader->line};
    }
    return reader->row->read(reader, value);
}

static int argument_of(const struct option_row *row)
{
    if (*row->value == '\0') {
        return no_argument;
    }
    return *row->value == '[' ? optional_argument : required_argument;
}

static int letter_find(int letter)
{
    for (int i = 0; option_row(i) != NULL; i++) {
        if (option_row(i)->letter == letter) {
            return i;
        }
    }
    return -1;
}

/* --- getopt_long() ----------------------------------------------------------------------------------------------- */

/* What getopt_long() returns for the long form of the first row; a letter is its own number. */
#define LONG_FIRST 256

struct getopt_arrays {
    struct option names[OPTION_ROWS_MOST + 1];
    char letters[3 * OPTION_ROWS_MOST + 2];
};

static void getopt_prepare(struct getopt_arrays *arrays)
{
    static const char *const colons[] = {[no_argument] = "", [required_argument] = ":", [optional_argument] = "::"};
    struct text_buffer letters = TEXT_BUFFER(arrays->letters);
    const struct option_row *row;
    int count = 0;

    /* A colon at the start: an option that lacks its value is reported differently from an unknown one. */
    text_buffer_add(&letters, ":");
    for (; (row = option_row(count)) != NULL; count++) {
        arrays->names[count] = (struct option){row->name, argument_of(row), NULL, LONG_FIRST + count};
        if (row->letter != 0) {
            text_buffer_add(&letters, "%c%s", row->letter, colons[argument_of(row)]);
        }
    }
    arrays->names[count] = (struct option){NULL, 0, NULL, 0};
}

/* The number of the row that getopt_long() means, by its long form or its letter; -1 for none. */
static int row_find(int option)
{
    return option >= LONG_FIRST ? option - LONG_FIRST : letter_find(option);
}

/*
 * getopt_long() returned '?' or ':'. optopt is then the option, 0 for a long one that it does not know; only in that
 * case is argv[optind - 1] the word to look at for sure (musl moves optind beyond argv where a value is missing).
 */
static int option_refuse(struct option_reader *reader, int answer, int argc, char **argv)
{
    int index = optopt != 0 ? row_find(optopt) : -1;
    const struct option_row *row = index >= 0 ? option_row(index) : NULL;
    char letter = (char)optopt;

    if (optopt == 0) {
        return option_advice_name(reader, argv[optind - 1] + 2, "--");
    }
    if (row != NULL && answer == ':') {
        return optopt >= LONG_FIRST
                   ? OPTION_FAIL(reader, "--%s needs a value: --%s%s", row->name, row->name, row->value)
                   : OPTION_FAIL(reader, "-%c needs a value: -%c %s", letter, letter, row->value + 1);
    }
    if (row != NULL) {
        return OPTION_FAIL(reader, "--%s takes no value: leave it out", row->name);
    }
    /* Within a word optind stays at it. */
    return option_advice_letter(reader, letter, optind < argc ? argv[optind] : NULL);
}

/* A letter with its value in the same word, which is not what was meant: "-f=FILE", "-rule". */
static int value_check(struct option_reader *reader, const struct option_row *row, int argc, char **argv)
{
    const char *word = optind <= argc ? argv[optind - 1] : "";
    size_t length = strcspn(word, "=");

    if (optarg == NULL || word[0] != '-' || optarg != word + 2) {
        return 0;
    }
    if (*optarg == '=') {
        return OPTION_FAIL(reader, "%.60s: a letter takes its value without =: -%c %.60s", word, row->letter,
                           optarg + 1);
    }
    for (int i = 0; option_row(i) != NULL; i++) {
        if (strlen(option_row(i)->name) + 1 == length && strncmp(word + 1, option_row(i)->name, length - 1) == 0) {
            return OPTION_FAIL(reader, "%.60s: a long option has two dashes: -%.60s", word, word);
        }
    }
    return 0;
}

/* --- extra options ----------------------------------------------------------------------------------------------- */

/* The option that a key of an ini file means, as getopt_long() would have it: a letter, a name or the start of one. */
static int key_find(const char *key)
{
    int found = -1;
    size_t length = strlen(key);

    if (length == 1) {
        return letter_find((unsigned char)*key);
    }
    for (int i = 0; option_row(i) != NULL && length > 0; i++) {
        if (strcmp(option_row(i)->name, key) == 0) {
            return i;
        }
    }
    for (int i = 0; option_row(i) != NULL && length > 0; i++) {
        if (strncmp(option_row(i)->name, key, length) == 0) {
            if (found >= 0) {
                return -1;
            }
            found = i;
        }
    }
    return found;
}

static int entry_read(struct option_reader *reader, const struct ini_entry *entry)
{
    int index = key_find(entry->key);
    const struct option_row *row = index >= 0 ? option_row(index) : NULL;
    bool has_value = *entry->value != '\0';

    if (row == NULL && *entry->key == '-') {
        return OPTION_FAIL(reader, "unknown option %.60s: write it without dashes", entry->key);
    }
    if (row == NULL) {
        return option_advice_name(reader, entry->key, "");
    }
    if (option_row_is_extra_opts(row)) {
        return OPTION_FAIL(reader, "'%.60s' is for the command line only", entry->key);
    }
    if (has_value && argument_of(row) == no_argument) {
        return OPTION_FAIL(reader, "'%.60s' takes no value: write %.60s=", entry->key, entry->key);
    }
    if (!has_value && argument_of(row) == required_argument) {
        return OPTION_FAIL(reader, "'%.60s' needs a value: write %.60s%s", entry->key, entry->key, row->value);
    }
    return option_read(reader, index, entry->value);
}

/* --- all together ------------------------------------------------------------------------------------------------ */

static bool wants_help(const struct options *options)
{
    return options->mode == OPTIONS_HELP || options->mode == OPTIONS_VERSION;
}

/* Keeps the first mistake, unless memory ran out. Returns what the outcome is by now. */
static int outcome_add(const struct option_reader *reader, int outcome, int read, struct arguments_mistake *mistake)
{
    if (outcome == -ENOMEM || read == 0) {
        return outcome;
    }
    if (outcome != 0 || read != -EINVAL) {
        return read;
    }
    if (reader->file != NULL) {
        extra_opts_place_format(mistake->sentence, sizeof mistake->sentence, reader->file, reader->line, reader->error);
    } else {
        snprintf(mistake->sentence, sizeof mistake->sentence, "%s", reader->error);
        mistake->in_arguments = true;
    }
    return read;
}

static int extra_read(struct option_reader *reader, const struct extra_opts *extra, struct arguments_mistake *mistake)
{
    int result = 0;

    if (extra->mistake[0] != '\0') {
        snprintf(mistake->sentence, sizeof mistake->sentence, "%s", extra->mistake);
        mistake->more = extra->places[0] != '\0' ? extra->places : NULL;
        result = -EINVAL;
    }
    for (size_t i = 0; i < extra->count; i++) {
        const struct ini_section *section = &extra->sources[i].section;
        reader->file = extra->sources[i].name;
        for (size_t j = 0; j < section->count && !wants_help(reader->options); j++) {
            reader->line = section->entries[j].line;
            result = outcome_add(reader, result, entry_read(reader, &section->entries[j]), mistake);
        }
    }
    reader->file = NULL;
    return result;
}

/* "--extra-opts SECTION", as the monitoring-plugins take it too: there is nothing else that a bare word could be. */
static char *separate_value(int argc, char **argv)
{
    return optind < argc && argv[optind][0] != '-' ? argv[optind++] : NULL;
}

static int argument_read(struct option_reader *reader, int option, int argc, char **argv)
{
    int index = option == '?' || option == ':' ? -1 : row_find(option);
    const struct option_row *row = index >= 0 ? option_row(index) : NULL;
    int result;

    if (row == NULL) {
        return option_refuse(reader, option, argc, argv);
    }
    result = option < LONG_FIRST ? value_check(reader, row, argc, argv) : 0;
    if (result != 0) {
        return result;
    }
    return option_read(reader, index,
                       option_row_is_extra_opts(row) && optarg == NULL ? separate_value(argc, argv) : optarg);
}

static int arguments_read(struct option_reader *reader, int result, int argc, char **argv,
                          struct arguments_mistake *mistake)
{
    struct getopt_arrays arrays;
    int option;

    getopt_prepare(&arrays);
    opterr = 0;
    optind = 0; /* from the start, a second time too */
    while (!wants_help(reader->options) &&
           (option = getopt_long(argc, argv, arrays.letters, arrays.names, NULL)) != -1) {
        result = outcome_add(reader, result, argument_read(reader, option, argc, argv), mistake);
    }
    if (optind < argc && !wants_help(reader->options)) {
        result = outcome_add(reader, result, option_advice_word(reader, argv + optind, argc - optind), mistake);
    }
    return result;
}

int arguments_parse(struct options *options, int argc, char **argv, const struct extra_opts *extra,
                    struct arguments_mistake *mistake)
{
    struct option_reader reader = {.options = options};
    int result;

    options_init(options);
    *mistake = (struct arguments_mistake){.more = NULL};
    /* Read on after a mistake: the answer to it may be wanted as JSON. The first mistake is reported. */
    result = extra != NULL ? extra_read(&reader, extra, mistake) : 0;
    result = arguments_read(&reader, result, argc, argv, mistake);
    if (wants_help(options)) {
        return 0;
    }
    if (result == 0) {
        result = outcome_add(&reader, 0, combination_check(&reader, extra), mistake);
    }
    if (options->procfs != NULL) {
        options->source = SOURCES_CHOICE_PROCFS;
    }
    if (options->timeout == 0 && options->replay_count == 0) {
        options->timeout = OPTIONS_TIMEOUT;
    }
    return result;
}
