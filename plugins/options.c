/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The command line.
 */
#include "config.h"

#include "options.h"

#include "audit/rule.h"
#include "plugin/text_buffer.h"
#include "socket/protocol.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT 8
#define TIMEOUT_MOST 86400
#define AGE_MOST 36500

const char options_usage[] = "Usage: check_dualstack [-r RULE]... [-f FILE] [-w RANGE] [-c RANGE] [option]...";

#define ERROR_SIZE 320

/* Room for the options that a sentence names. */
#define LIST_SIZE 160

struct reader;

/* An option: all that getopt_long(), --help and the reader of its value must know. A mode is one, too. */
struct row {
    const char *name;
    const char *value; /* as --help shows it: "" takes none, "=FILE" needs one, "[=WORD]" may have one */
    const char *help;  /* NULL: the next option has the words for both */
    int (*read)(struct reader *reader, const char *value);
    enum options_mode mode; /* of mode_read() and help_read() */
    char letter;            /* 0 for none */
    bool beside;            /* in --help on the line of the option before it */
};

/* What is being read, and where its mistake is told. */
struct reader {
    struct options *options;
    const struct row *row;
    const char *file; /* an ini file; NULL for the command line */
    size_t line;      /* in the ini file */
    size_t rules;     /* so many on the command line */
    char error[ERROR_SIZE];
};

#define FAIL(reader, ...) (snprintf((reader)->error, ERROR_SIZE, __VA_ARGS__), -EINVAL)

static int list_add(const char ***list, size_t *count, const char *text)
{
    const char **grown = realloc(*list, (*count + 1) * sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    *list = grown;
    grown[(*count)++] = text;
    return 0;
}

static int rule_add(struct reader *reader, const char *text)
{
    struct options *options = reader->options;
    struct options_rule *grown = realloc(options->rules, (options->rule_count + 1) * sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    options->rules = grown;
    grown[options->rule_count++] =
        (struct options_rule){.text = text,
                              .file = reader->file,
                              .place = reader->file != NULL ? reader->line : ++reader->rules};
    return 0;
}

static int range_read(struct reader *reader, const char *text, struct range *range, bool *set)
{
    if (!range_parse(text, range)) {
        return FAIL(reader, "--%s: '%.60s' is no threshold range, write one such as 10, 5:10, 5: or @5:10",
                    reader->row->name, text);
    }
    *set = true;
    return 0;
}

static int warning_read(struct reader *reader, const char *text)
{
    return range_read(reader, text, &reader->options->warning, &reader->options->warning_set);
}

static int critical_read(struct reader *reader, const char *text)
{
    return range_read(reader, text, &reader->options->critical, &reader->options->critical_set);
}

static int timeout_read(struct reader *reader, const char *text)
{
    struct options *options = reader->options;
    size_t digits = strspn(text, "0123456789");
    unsigned long seconds = digits > 0 && digits < 6 ? strtoul(text, NULL, 10) : 0;

    if (seconds < 1 || seconds > TIMEOUT_MOST || (text[digits] != '\0' && text[digits] != ':')) {
        return FAIL(reader, "--timeout: '%.60s' is no time, write whole seconds from 1 to %d, such as 8 or 8:critical",
                    text, TIMEOUT_MOST);
    }
    if (text[digits] == ':' && !state_parse(text + digits + 1, &options->timeout_state)) {
        return FAIL(reader, "--timeout: '%.60s' is no state, write ok, warning, critical or unknown",
                    text + digits + 1);
    }
    options->timeout = (unsigned)seconds;
    return 0;
}

static int verbose_read(struct reader *reader, const char *text)
{
    (void)text;
    reader->options->verbose += reader->options->verbose < 3;
    return 0;
}

/* What is not empty, such as the name of a file. */
static int name_read(struct reader *reader, const char *text, const char **value)
{
    if (*text == '\0') {
        return FAIL(reader, "--%s: is empty", reader->row->name);
    }
    *value = text;
    return 0;
}

static int policy_read(struct reader *reader, const char *text)
{
    return name_read(reader, text, &reader->options->policy);
}

static int procfs_read(struct reader *reader, const char *text)
{
    return name_read(reader, text, &reader->options->procfs);
}

static int netns_read(struct reader *reader, const char *text)
{
    return name_read(reader, text, &reader->options->netns);
}

static int replay_read(struct reader *reader, const char *text)
{
    struct options *options = reader->options;
    int result = name_read(reader, text, &text);

    return result != 0 ? result : list_add(&options->replays, &options->replay_count, text);
}

static int baseline_read(struct reader *reader, const char *text)
{
    struct options *options = reader->options;
    int result = name_read(reader, text, &text);

    return result != 0 ? result : list_add(&options->baselines, &options->baseline_count, text);
}

static int hosts_read(struct reader *reader, const char *text)
{
    return name_read(reader, text, &reader->options->hosts);
}

static int max_age_read(struct reader *reader, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long days = digits > 0 && digits < 6 && text[digits] == '\0' ? strtoul(text, NULL, 10) : 0;

    if (days < 1 || days > AGE_MOST) {
        return FAIL(reader, "--max-age: '%.60s' is not a number of days, use whole days from 1 to %d", text, AGE_MOST);
    }
    reader->options->max_age = (unsigned)days;
    return 0;
}

static int extra_opts_read(struct reader *reader, const char *text)
{
    return list_add(&reader->options->extra, &reader->options->extra_count, text);
}

/* Options whose value is one of some words: the position of the word is the value of the enum. */
static int word_read(struct reader *reader, const char *option, const char *text, const char *const *words, int *value)
{
    char bytes[64];
    struct text_buffer all = TEXT_BUFFER(bytes);

    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            *value = i;
            return 0;
        }
        text_buffer_add(&all, "%s%s", i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ", words[i]);
    }
    return FAIL(reader, "--%s: '%.60s' is unknown, write %s", option, text, bytes);
}

static int format_read(struct reader *reader, const char *text)
{
    const char *words[8];
    int value = 0;
    int result;

    writer_names(words, sizeof words / sizeof *words);
    result = word_read(reader, "format", text, words, &value);
    if (result == 0) {
        reader->options->writer = writer_find(words[value]);
    }
    return result;
}

static int details_read(struct reader *reader, const char *text)
{
    static const char *const words[] = {"auto", "none", NULL};
    int value = 0;
    int result = word_read(reader, "details", text, words, &value);

    reader->options->one_line = value > 0;
    return result;
}

static int perfdata_read(struct reader *reader, const char *text)
{
    static const char *const words[] = {"totals", "mapped", "full", NULL};
    int value = 0;
    int result = word_read(reader, "perfdata", text, words, &value);

    reader->options->perfdata = (enum labels_set)(value + LABELS_TOTALS);
    return result;
}

static int source_read(struct reader *reader, const char *text)
{
    static const char *const words[] = {"auto", "netlink", "procfs", NULL};
    int value = 0;
    int result = word_read(reader, "source", text, words, &value);

    reader->options->source = (enum sources_choice)value;
    reader->options->source_set = true;
    return result;
}

static const char *mode_word(int index);

static int mode_read(struct reader *reader, const char *text)
{
    enum options_mode earlier = reader->options->mode;
    char list[LIST_SIZE];
    struct text_buffer modes = TEXT_BUFFER(list);

    (void)text;
    if (earlier != OPTIONS_CHECK && earlier != reader->row->mode) {
        text_buffer_add_words(&modes, mode_word, "--", "", " and ");
        return FAIL(reader, "%s do not go together, choose one", list);
    }
    reader->options->mode = reader->row->mode;
    return 0;
}

static int help_read(struct reader *reader, const char *text)
{
    (void)text;
    reader->options->mode = reader->row->mode;
    return 0;
}

/* In the order of --help. */
static const struct row rows[] = {
    {"rule", "=RULE", "a rule such as '443 dual-stack name=web' (repeatable)", .read = rule_add, .letter = 'r'},
    {"policy", "=FILE", "read rules from FILE, one a line (-: standard input)", .read = policy_read, .letter = 'f'},
    {"warning", "=RANGE", NULL, .read = warning_read, .letter = 'w'},
    {"critical", "=RANGE", "on v4-mapped connections", .read = critical_read, .letter = 'c'},
    {"timeout", "=SECONDS[:STATE]", "give up after SECONDS (8) with STATE (unknown)", .read = timeout_read,
     .letter = 't'},
    {"verbose", "", "a line per service, -vv: per listener, -vvv: what was asked", .read = verbose_read, .letter = 'v'},
    {"format", "=FORMAT", "text json csv html prometheus", .read = format_read},
    {"details", "=none", "1 line", .read = details_read, .beside = true},
    {"perfdata", "=SET", "totals, mapped (of each rule too) or full (and native ones)", .read = perfdata_read},
    {"list", "", "all sockets as netstat shows them, and what is on the wire", .read = mode_read, .mode = OPTIONS_LIST},
    {"learn", "", "print a policy that holds now", .read = mode_read, .mode = OPTIONS_LEARN},
    {"lint", "", "check a policy", .read = mode_read, .mode = OPTIONS_LINT, .beside = true},
    {"capture", "", "print a JSON capture", .read = mode_read, .mode = OPTIONS_CAPTURE},
    {"baseline", "=FILE", "changes since", .read = baseline_read, .beside = true},
    {"replay", "=FILE", "judge a capture, or all those in a folder (repeatable)", .read = replay_read},
    {"hosts", "=FILE", "hosts to expect", .read = hosts_read},
    {"max-age", "=DAYS", "of captures", .read = max_age_read, .beside = true},
    {"source", "=SOURCE", "auto, netlink or procfs", .read = source_read},
    {"procfs", "=DIR", "copied files", .read = procfs_read, .beside = true},
    {"netns", "=NAME", "another network namespace, by name, path or process id", .read = netns_read},
    {"extra-opts", "[=[SECTION][@FILE]]", "options from an ini file, before these", .read = extra_opts_read},
    {"version", "", "print the version", .read = help_read, .mode = OPTIONS_VERSION, .letter = 'V'},
    {"help", "", "print this", .read = help_read, .mode = OPTIONS_HELP, .letter = 'h', .beside = true},
};
#define ROWS ((int)(sizeof rows / sizeof *rows))

static const char *mode_word(int index)
{
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].read == mode_read && index-- == 0) {
            return rows[i].name;
        }
    }
    return NULL;
}

static int option_read(struct reader *reader, const struct row *row, const char *value)
{
    reader->row = row;
    return row->read(reader, value);
}

/* --- getopt_long() ----------------------------------------------------------------------------------------------- */

/* What getopt_long() returns for the long form of the first row; a letter is its own number. */
#define LONG_FIRST 256

struct getopt_arrays {
    struct option names[sizeof rows / sizeof *rows + 1];
    char letters[3 * sizeof rows / sizeof *rows + 2];
};

static int argument_of(const struct row *row)
{
    if (*row->value == '\0') {
        return no_argument;
    }
    return *row->value == '[' ? optional_argument : required_argument;
}

static void getopt_prepare(struct getopt_arrays *arrays)
{
    static const char *const colons[] = {[no_argument] = "", [required_argument] = ":", [optional_argument] = "::"};
    struct text_buffer letters = TEXT_BUFFER(arrays->letters);

    /* A colon at the start: what lacks its value is told apart from what is unknown. */
    text_buffer_add(&letters, ":");
    for (int i = 0; i < ROWS; i++) {
        arrays->names[i] = (struct option){rows[i].name, argument_of(&rows[i]), NULL, LONG_FIRST + i};
        if (rows[i].letter != 0) {
            text_buffer_add(&letters, "%c%s", rows[i].letter, colons[argument_of(&rows[i])]);
        }
    }
    arrays->names[ROWS] = (struct option){NULL, 0, NULL, 0};
}

/* The row of what getopt_long() returned; NULL for what is no option. */
static const struct row *row_of(int option)
{
    if (option >= LONG_FIRST) {
        return &rows[option - LONG_FIRST];
    }
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].letter == option) {
            return &rows[i];
        }
    }
    return NULL;
}

/* getopt_long() returned '?' or ':' after it looked at `word`; optopt is 0 for a long option it does not know. */
static int option_refuse(struct reader *reader, int answer, const char *word)
{
    int name_length = (int)strcspn(word, "=");

    name_length = name_length < 60 ? name_length : 60;
    if (answer == ':') {
        return strncmp(word, "--", 2) == 0 ? FAIL(reader, "%.60s needs a value, see --help", word)
                                           : FAIL(reader, "-%c needs a value, see --help", optopt);
    }
    if (optopt >= LONG_FIRST) {
        return FAIL(reader, "%.*s takes no value, see --help", name_length, word);
    }
    return optopt == 0 ? FAIL(reader, "unknown or ambiguous option %.*s, see --help", name_length, word)
                       : FAIL(reader, "unknown option -%c, see --help", optopt);
}

/* Standard input ends but once. */
static int stdin_check(struct reader *reader, const struct extra_opts *extra)
{
    const struct options *options = reader->options;
    const char *readers[5] = {NULL};
    size_t count = 0;

    if (extra != NULL && extra->reads_stdin) {
        readers[count++] = "--extra-opts";
    }
    if (options->policy != NULL && strcmp(options->policy, "-") == 0) {
        readers[count++] = "--policy";
    }
    if (options->hosts != NULL && strcmp(options->hosts, "-") == 0) {
        readers[count++] = "--hosts";
    }
    for (size_t i = 0; i < options->baseline_count && count < 2; i++) {
        if (strcmp(options->baselines[i], "-") == 0) {
            readers[count++] = "--baseline";
        }
    }
    for (size_t i = 0; i < options->replay_count && count < 2; i++) {
        if (strcmp(options->replays[i], "-") == 0) {
            readers[count++] = "--replay";
        }
    }
    return count < 2 ? 0
                     : FAIL(reader, "standard input can be read only once, not by %s and by %s, name a file for one",
                            readers[0], readers[1]);
}

static int combination_check(struct reader *reader, const struct extra_opts *extra)
{
    const struct options *options = reader->options;
    char list[LIST_SIZE];
    struct text_buffer modes = TEXT_BUFFER(list);

    if (options->writer->only_verdicts && options->mode != OPTIONS_CHECK) {
        text_buffer_add_words(&modes, mode_word, "--", "", " or ");
        return FAIL(reader, "--format=%s is for checks, so it does not go with %s", options->writer->name, list);
    }
    if (options->one_line && options->mode != OPTIONS_CHECK && options->mode != OPTIONS_LINT) {
        return FAIL(reader,
                    "--details=none shortens a check's answer, so it does not go with --list, --learn, --capture");
    }
    if (options->procfs != NULL && options->source_set && options->source != SOURCES_CHOICE_PROCFS) {
        return FAIL(reader, "--procfs reads files, so it does not go with --source=%s",
                    options->source == SOURCES_CHOICE_AUTO ? "auto" : "netlink");
    }
    if (options->procfs != NULL && options->netns != NULL) {
        return FAIL(reader, "--procfs and --netns do not go together, choose one");
    }
    if (options->replay_count > 0 &&
        (options->procfs != NULL || options->netns != NULL || options->source_set || options->mode != OPTIONS_CHECK)) {
        text_buffer_add_words(&modes, mode_word, "--", "", " or ");
        return FAIL(reader, "--replay judges a capture, so it does not go with --source, --procfs, --netns, %s", list);
    }
    if (options->baseline_count > 0 && options->mode != OPTIONS_CHECK) {
        text_buffer_add_words(&modes, mode_word, "--", "", " or ");
        return FAIL(reader, "--baseline compares what a check or a replay finds, so it does not go with %s", list);
    }
    if (options->replay_count == 0 && (options->hosts != NULL || options->max_age > 0)) {
        return FAIL(reader, "--%s is about captures, so it needs --replay",
                    options->hosts != NULL ? "hosts" : "max-age");
    }
    return stdin_check(reader, extra);
}

/* --- extra options ----------------------------------------------------------------------------------------------- */

/* The option that a key of an ini file means, as getopt_long() would have it: a letter, a name or the start of one. */
static const struct row *key_find(const char *key)
{
    const struct row *found = NULL;
    size_t length = strlen(key);

    if (length == 1) {
        return row_of((unsigned char)*key);
    }
    for (int i = 0; i < ROWS && length > 0; i++) {
        if (strcmp(rows[i].name, key) == 0) {
            return &rows[i];
        }
    }
    for (int i = 0; i < ROWS && length > 0; i++) {
        if (strncmp(rows[i].name, key, length) == 0) {
            if (found != NULL) {
                return NULL;
            }
            found = &rows[i];
        }
    }
    return found;
}

static int entry_read(struct reader *reader, const struct ini_entry *entry)
{
    const struct row *row = key_find(entry->key);
    bool has_value = *entry->value != '\0';

    if (row == NULL) {
        return FAIL(reader, "unknown or ambiguous option '%.60s', %s", entry->key,
                    *entry->key == '-' ? "write it without dashes" : "see --help");
    }
    if (row->read == extra_opts_read) {
        return FAIL(reader, "'%.60s' is for the command line only", entry->key);
    }
    if (has_value && argument_of(row) == no_argument) {
        return FAIL(reader, "'%.60s' takes no value, write %.60s=", entry->key, entry->key);
    }
    if (!has_value && argument_of(row) == required_argument) {
        return FAIL(reader, "'%.60s' needs a value, see --help", entry->key);
    }
    return option_read(reader, row, entry->value);
}

/* --- all together ------------------------------------------------------------------------------------------------ */

static bool wants_help(const struct options *options)
{
    return options->mode == OPTIONS_HELP || options->mode == OPTIONS_VERSION;
}

/* Keeps the first mistake, unless memory ran out. Returns what the outcome is by now. */
static int outcome_add(const struct reader *reader, int outcome, int read, struct options_mistake *mistake)
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

static int extra_read(struct reader *reader, const struct extra_opts *extra, struct options_mistake *mistake)
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

static int argument_read(struct reader *reader, int option, int argc, char **argv)
{
    const struct row *row = row_of(option);

    if (row == NULL || option == '?' || option == ':') {
        return option_refuse(reader, option, argv[optind - 1]);
    }
    return option_read(reader, row,
                       row->read == extra_opts_read && optarg == NULL ? separate_value(argc, argv) : optarg);
}

static int arguments_read(struct reader *reader, int result, int argc, char **argv, struct options_mistake *mistake)
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
        int read = FAIL(reader, "unexpected argument '%.60s', rules are given with -r", argv[optind]);
        result = outcome_add(reader, result, read, mistake);
    }
    return result;
}

int options_parse(struct options *options, int argc, char **argv, const struct extra_opts *extra,
                  struct options_mistake *mistake)
{
    struct reader reader = {.options = options};
    int result;

    *options = (struct options){
        .timeout_state = STATE_UNKNOWN,
        .writer = writer_default(),
    };
    *mistake = (struct options_mistake){.more = NULL};
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
        options->timeout = TIMEOUT_DEFAULT;
    }
    return result;
}

void options_clear(struct options *options)
{
    free(options->rules);
    free(options->replays);
    free(options->baselines);
    free(options->extra);
    *options = (struct options){0};
}

/* --- --help ------------------------------------------------------------------------------------------------------ */

#define HELP_COLUMNS 79

/* Adds "-r, --rule=RULE". */
static void row_add(struct text_buffer *text, const struct row *row)
{
    if (row->letter != 0) {
        text_buffer_add(text, "-%c, ", row->letter);
    }
    text_buffer_add(text, "--%s%s", row->name, row->value);
}

static void rows_add(struct text_buffer *help)
{
    char bytes[HELP_COLUMNS];
    struct text_buffer line = TEXT_BUFFER(bytes);

    for (int i = 0; i < ROWS; i++) {
        row_add(&line, &rows[i]);
        if (rows[i].help == NULL) {
            text_buffer_add(&line, ", ");
            continue;
        }
        text_buffer_add(help, rows[i].beside ? "        %s  %s" : "\n  %-17s  %s", bytes, rows[i].help);
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

/* Adds "v4-only v6-only dual-stack: that; v4 v6: at least; any; closed". */
static void requirements_add(struct text_buffer *help)
{
    static const char *const meanings[] = {"", ": at least", ": that"};

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

const char *options_help(char text[static OPTIONS_HELP_SIZE])
{
    struct text_buffer help = text_buffer_start(text, OPTIONS_HELP_SIZE);

    text_buffer_add(&help, "%s", options_usage);
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
