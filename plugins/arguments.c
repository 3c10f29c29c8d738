/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Options, from the command line and from ini files, by the table of options.c. What is not understood is answered with
 * what was probably meant.
 */
#include "config.h"

#include "arguments.h"

#include "option_row.h"
#include "plugin/nearest.h"
#include "plugin/text_buffer.h"

#include <getopt.h>
#include <string.h>

/* Room for what a sentence offers. */
#define LIST_SIZE 160

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

/* --- names that nobody knows ------------------------------------------------------------------------------------- */

/* What other plugins have, and how it is said here. */
static const struct foreign {
    const char *name;
    char letter;
    const char *advice;
} foreigns[] = {
    {"hostname", 'H', "this plugin checks the host it runs on, so run it there by NRPE or an agent"},
    {"address", 'I', "this plugin checks the host it runs on, so run it there by NRPE or an agent"},
    {"port", 'p', "ports are rules, such as -r '443 dual-stack'"},
    {"ipv4", '4', "families are rules, such as -r '443 v4'"},
    {"ipv6", '6', "families are rules, such as -r '443 v6'"},
    {"config", 'C', "a policy is read with -f"},
    {"quiet", 'q', "leave it out, the answer is short without -v"},
};

static const char *foreign_advice(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof foreigns / sizeof *foreigns; i++) {
        if ((length == 1 && *name == foreigns[i].letter) ||
            (strlen(foreigns[i].name) == length && strncmp(foreigns[i].name, name, length) == 0)) {
            return foreigns[i].advice;
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

/* A name, up to a "=", that is of no option or of several; `dashes` are written before one. */
static int name_refuse(struct option_reader *reader, const char *name, const char *dashes)
{
    size_t length = strcspn(name, "=");
    const char *advice = foreign_advice(name, length);
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

    /* A colon at the start: what lacks its value is told apart from what is unknown. */
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

/* "-list", "-policy=FILE": the long option that was written with one dash, NULL for none. */
static const char *one_dash_name(const char *word)
{
    char name[32];

    if (word[0] != '-' || word[1] == '-' || word[1] == '\0') {
        return NULL;
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 1, "="), word + 1);
    return strlen(name) > 3 ? nearest_word(name, option_row_word) : NULL;
}

/*
 * getopt_long() returned '?' or ':'. optopt is then the option, 0 for a long one that it does not know; only in that
 * case is argv[optind - 1] the word to look at for sure (musl moves optind beyond argv where a value is missing).
 */
static int option_refuse(struct option_reader *reader, int answer, int argc, char **argv)
{
    int index = optopt != 0 ? row_find(optopt) : -1;
    const struct option_row *row = index >= 0 ? option_row(index) : NULL;
    const char *advice;
    const char *intended;
    char letter = (char)optopt;

    if (optopt == 0) {
        return name_refuse(reader, argv[optind - 1] + 2, "--");
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
    intended = optind < argc && argv[optind][0] == '-' && argv[optind][1] != '\0' ? one_dash_name(argv[optind]) : NULL;
    if (intended != NULL) {
        return OPTION_FAIL(reader, "unknown option -%c in %.60s: did you mean --%s?", letter, argv[optind], intended);
    }
    advice = foreign_advice(&letter, 1);
    return OPTION_FAIL(reader, "unknown option -%c: %s", letter, advice != NULL ? advice : "see --help");
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

/* --- what is no option ------------------------------------------------------------------------------------------- */

/* Adds the words from argv[optind] up to argv[end]. */
static void words_add(struct text_buffer *text, int end, char **argv)
{
    for (int i = optind; i < end; i++) {
        text_buffer_add(text, "%s%s", text->length > 0 ? " " : "", argv[i]);
    }
}

static bool is_mode_that_writes(enum options_mode mode)
{
    return mode == OPTIONS_LIST || mode == OPTIONS_LEARN || mode == OPTIONS_CAPTURE;
}

/* The first of the words that belong to no option. */
static int word_refuse(struct option_reader *reader, int argc, char **argv)
{
    const struct options *options = reader->options;
    const char *word = argv[optind];
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
        words_add(&rule, argc, argv);
        return OPTION_FAIL(reader, "unexpected argument '%.60s': quote the whole rule, -r '%s'", word, list);
    }
    if (*word >= '0' && *word <= '9') {
        words_add(&rule, strchr(word, ' ') != NULL ? optind + 1 : argc, argv);
        return OPTION_FAIL(reader, "unexpected argument '%.60s': rules are given with -r, such as -r '%s'", word, list);
    }
    if (is_mode_that_writes(options->mode) && *word != '\0') {
        return OPTION_FAIL(reader, "unexpected argument '%.60s': redirect standard output to write a file", word);
    }
    if (options->mode == OPTIONS_LINT || strpbrk(word, "./") != NULL) {
        return OPTION_FAIL(reader, "unexpected argument '%.60s': a policy is read with -f, such as -f %.60s", word,
                           word);
    }
    return OPTION_FAIL(reader, "unexpected argument '%.60s': rules are given with -r, a policy's file with -f", word);
}

/* --- what goes together ------------------------------------------------------------------------------------------ */

/* "a check", "--lint"; NULL for help and version. */
static const char *mode_name(char name[static 32], int mode)
{
    if (mode == OPTIONS_CHECK) {
        return "a check";
    }
    for (int i = 0; option_row(i) != NULL; i++) {
        if (option_row_is_mode(option_row(i)) && (int)option_row(i)->mode == mode) {
            snprintf(name, 32, "--%s", option_row(i)->name);
            return name;
        }
    }
    return NULL;
}

/* Adds "a check and --lint". */
static void modes_add(struct text_buffer *text, unsigned modes)
{
    char name[32];
    size_t count = 0;
    size_t added = 0;

    for (int mode = 0; mode_name(name, mode) != NULL; mode++) {
        count += modes >> mode & 1;
    }
    for (int mode = 0; mode_name(name, mode) != NULL; mode++) {
        if ((modes >> mode & 1) != 0) {
            text_buffer_add(text, "%s%s", text_buffer_separator(added++, count, " and "), mode_name(name, mode));
        }
    }
}

/* Each option goes with some modes: what would have no effect is refused. */
static int modes_check(struct option_reader *reader)
{
    enum options_mode mode = reader->options->mode;
    const struct option_row *row;
    char name[32];
    char list[LIST_SIZE];
    struct text_buffer modes = TEXT_BUFFER(list);

    for (int i = 0; (row = option_row(i)) != NULL; i++) {
        const struct option_place *place = &reader->places[i];
        if (place->is_given && row->modes != 0 && (row->modes >> mode & 1) == 0) {
            modes_add(&modes, row->modes);
            reader->file = place->file;
            reader->line = place->line;
            return OPTION_FAIL(reader, "--%s does not go with %s, only with %s", row->name, mode_name(name, (int)mode),
                               list);
        }
    }
    return 0;
}

/* Standard input ends but once. */
static int stdin_check(struct option_reader *reader, const struct extra_opts *extra)
{
    const struct options *options = reader->options;
    const struct {
        const char *name;
        const char *const *files;
        size_t count;
    } lists[] = {
        {"--policy", options->policies, options->policy_count},
        {"--hosts", &options->hosts, options->hosts != NULL},
        {"--baseline", options->baselines, options->baseline_count},
        {"--replay", options->replays, options->replay_count},
    };
    const char *readers[2] = {NULL};
    size_t count = 0;

    if (extra != NULL && extra->reads_stdin) {
        readers[count++] = "--extra-opts";
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (size_t j = 0; j < lists[i].count && count < 2; j++) {
            if (strcmp(lists[i].files[j], "-") == 0) {
                readers[count++] = lists[i].name;
            }
        }
    }
    return count < 2 ? 0
                     : OPTION_FAIL(reader,
                                   "standard input can be read only once, not by %s and by %s: name a file for "
                                   "one",
                                   readers[0], readers[1]);
}

/* The same file twice would make each of its rules a duplicate. */
static int policies_check(struct option_reader *reader)
{
    const struct options *options = reader->options;

    for (size_t i = 1; i < options->policy_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(options->policies[i], options->policies[j]) == 0) {
                return OPTION_FAIL(reader, "--policy: %.120s is given twice: name each file once",
                                   options->policies[i]);
            }
        }
    }
    return 0;
}

static int combination_check(struct option_reader *reader, const struct extra_opts *extra)
{
    const struct options *options = reader->options;
    char name[32];
    int result = modes_check(reader);

    if (result != 0) {
        return result;
    }
    if (options->writer->only_verdicts && options->mode != OPTIONS_CHECK) {
        return OPTION_FAIL(reader, "--format=%s does not go with %s, only with a check", options->writer->name,
                           mode_name(name, (int)options->mode));
    }
    if (options->procfs != NULL && options->source_set && options->source != SOURCES_CHOICE_PROCFS) {
        return OPTION_FAIL(reader, "--procfs reads files, so it does not go with --source=%s",
                           options->source == SOURCES_CHOICE_AUTO ? "auto" : "netlink");
    }
    if (options->procfs != NULL && options->netns != NULL) {
        return OPTION_FAIL(reader, "--procfs and --netns do not go together: choose one");
    }
    if (options->replay_count > 0 && (options->procfs != NULL || options->netns != NULL || options->source_set)) {
        return OPTION_FAIL(reader, "--replay judges captures, so it does not go with --%s",
                           options->procfs != NULL  ? "procfs"
                           : options->netns != NULL ? "netns"
                                                    : "source");
    }
    if (options->replay_count == 0 && (options->hosts != NULL || options->max_age > 0)) {
        return OPTION_FAIL(reader, "--%s is about captures, so it needs --replay",
                           options->hosts != NULL ? "hosts" : "max-age");
    }
    result = stdin_check(reader, extra);
    return result != 0 ? result : policies_check(reader);
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
        return name_refuse(reader, entry->key, "");
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
        result = outcome_add(reader, result, word_refuse(reader, argc, argv), mistake);
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
    /* Read on after a mistake: the answer to it may be wanted as JSON. The first mistake is told. */
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
