/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Each option: its row in the table, and how its value is read.
 */
#include "config.h"

#include "options.h"

#include "option_row.h"
#include "plugin/nearest.h"
#include "plugin/text_buffer.h"
#include "socket/array.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MOST 86400
#define AGE_MOST 36500
#define PEERS_DEFAULT 20

static int list_add(const char ***list, size_t *count, const char *text)
{
    const char **grown = array_grow(*list, *count, sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    *list = grown;
    grown[(*count)++] = text;
    return 0;
}

static int rule_add(struct option_reader *reader, const char *text)
{
    struct options *options = reader->options;
    struct options_rule *grown = array_grow(options->rules, options->rule_count, sizeof *grown);

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

static int range_read(struct option_reader *reader, const char *text, struct range *range, bool *set)
{
    if (!range_parse(text, range)) {
        char advice[RANGE_ADVICE_SIZE];
        return OPTION_FAIL(reader, "--%s: '%.60s' %s", reader->row->name, text, range_advise(advice, text));
    }
    *set = true;
    return 0;
}

static int warning_read(struct option_reader *reader, const char *text)
{
    return range_read(reader, text, &reader->options->warning, &reader->options->warning_set);
}

static int critical_read(struct option_reader *reader, const char *text)
{
    return range_read(reader, text, &reader->options->critical, &reader->options->critical_set);
}

static const char *state_word(int index)
{
    static const char *const words[] = {"ok", "warning", "critical", "unknown", NULL};

    return words[index];
}

/* What is wrong with a value that must be one of some words. */
static int word_refuse(struct option_reader *reader, const char *what, const char *text, const char *(*word)(int index))
{
    char bytes[160];
    struct text_buffer advice = TEXT_BUFFER(bytes);

    nearest_advise(&advice, text, word, "", "");
    return OPTION_FAIL(reader, "--%s: %s'%.60s' is unknown: %s", reader->row->name, what, text, bytes);
}

static int timeout_read(struct option_reader *reader, const char *text)
{
    struct options *options = reader->options;
    size_t digits = strspn(text, "0123456789");
    unsigned long seconds = digits > 0 && digits < 6 ? strtoul(text, NULL, 10) : 0;

    if (seconds < 1 || seconds > TIMEOUT_MOST || (text[digits] != '\0' && text[digits] != ':')) {
        return OPTION_FAIL(reader,
                           "--timeout: '%.60s' is not a time: use whole seconds from 1 to %d, such as 8 or "
                           "8:critical",
                           text, TIMEOUT_MOST);
    }
    if (text[digits] == ':' && !state_parse(text + digits + 1, &options->timeout_state)) {
        return word_refuse(reader, "state ", text + digits + 1, state_word);
    }
    options->timeout = (unsigned)seconds;
    return 0;
}

static int verbose_read(struct option_reader *reader, const char *text)
{
    (void)text;
    reader->options->verbose += reader->options->verbose < 3;
    return 0;
}

/* What is not empty, such as the name of a file. */
static int name_read(struct option_reader *reader, const char *text, const char **value)
{
    if (*text == '\0') {
        return OPTION_FAIL(reader, "--%s: the value is empty", reader->row->name);
    }
    *value = text;
    return 0;
}

static int list_read(struct option_reader *reader, const char *text, const char ***list, size_t *count)
{
    int result = name_read(reader, text, &text);

    return result != 0 ? result : list_add(list, count, text);
}

static int policy_read(struct option_reader *reader, const char *text)
{
    return list_read(reader, text, &reader->options->policies, &reader->options->policy_count);
}

static int procfs_read(struct option_reader *reader, const char *text)
{
    return name_read(reader, text, &reader->options->procfs);
}

static int netns_read(struct option_reader *reader, const char *text)
{
    reader->options->every_netns = strcmp(text, "all") == 0;
    return name_read(reader, text, &reader->options->netns);
}

static int replay_read(struct option_reader *reader, const char *text)
{
    return list_read(reader, text, &reader->options->replays, &reader->options->replay_count);
}

static int baseline_read(struct option_reader *reader, const char *text)
{
    return list_read(reader, text, &reader->options->baselines, &reader->options->baseline_count);
}

static int hosts_read(struct option_reader *reader, const char *text)
{
    return name_read(reader, text, &reader->options->hosts);
}

static int max_age_read(struct option_reader *reader, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long days = digits > 0 && digits < 6 && text[digits] == '\0' ? strtoul(text, NULL, 10) : 0;

    if (days < 1 || days > AGE_MOST) {
        return OPTION_FAIL(reader, "--max-age: '%.60s' is not a number of days: use whole days from 1 to %d", text,
                           AGE_MOST);
    }
    reader->options->max_age = (unsigned)days;
    return 0;
}

static int extra_opts_read(struct option_reader *reader, const char *text)
{
    return list_add(&reader->options->extra, &reader->options->extra_count, text);
}

/* Reads an option whose value must be one of some words: *value is the number of the word. */
static int word_read(struct option_reader *reader, const char *text, int *value)
{
    const char *(*word)(int index) = reader->row->word;

    for (int i = 0; word(i) != NULL; i++) {
        if (strcmp(text, word(i)) == 0) {
            *value = i;
            return 0;
        }
    }
    return word_refuse(reader, "", text, word);
}

static int format_read(struct option_reader *reader, const char *text)
{
    int value = 0;
    int result = word_read(reader, text, &value);

    if (result == 0) {
        reader->options->writer = writer_find(text);
    }
    return result;
}

static const char *details_word(int index)
{
    static const char *const words[] = {"auto", "none", NULL};

    return words[index];
}

static int details_read(struct option_reader *reader, const char *text)
{
    int value = 0;
    int result = word_read(reader, text, &value);

    reader->options->one_line = value > 0;
    return result;
}

static const char *perfdata_word(int index)
{
    static const char *const words[] = {"totals", "mapped", "full", NULL};

    return words[index];
}

static int perfdata_read(struct option_reader *reader, const char *text)
{
    int value = 0;
    int result = word_read(reader, text, &value);

    reader->options->perfdata = (enum labels_set)(value + LABELS_TOTALS);
    return result;
}

static int peers_read(struct option_reader *reader, const char *text)
{
    size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
    unsigned long count = PEERS_DEFAULT;

    if (text != NULL && *text != '\0') {
        count = digits > 0 && digits < 5 && text[digits] == '\0' ? strtoul(text, NULL, 10) : 0;
    }
    if (count < 1 || count > PEERS_MOST) {
        return OPTION_FAIL(reader, "--peers: '%.60s' is not a number of clients: use 1 to %d", text, PEERS_MOST);
    }
    reader->options->peers = (unsigned)count;
    return 0;
}

static const char *source_word(int index)
{
    static const char *const words[] = {"auto", "netlink", "procfs", NULL};

    return words[index];
}

static int source_read(struct option_reader *reader, const char *text)
{
    int value = 0;
    int result = word_read(reader, text, &value);

    reader->options->source = (enum sources_choice)value;
    reader->options->source_set = true;
    return result;
}

/* The word of the mode that another option has asked for. */
static const char *mode_name(enum options_mode mode)
{
    const struct option_row *row;

    for (int i = 0; (row = option_row(i)) != NULL; i++) {
        if (row->mode == mode) {
            return row->name;
        }
    }
    return "";
}

static int mode_read(struct option_reader *reader, const char *text)
{
    enum options_mode earlier = reader->options->mode;

    (void)text;
    if (earlier != OPTIONS_CHECK && earlier != reader->row->mode) {
        return OPTION_FAIL(reader, "--%s and --%s do not go together: choose one", mode_name(earlier),
                           reader->row->name);
    }
    reader->options->mode = reader->row->mode;
    return 0;
}

static const char *lint_word(int index)
{
    return index == 0 ? "strict" : NULL;
}

static int lint_read(struct option_reader *reader, const char *text)
{
    int value = 0;

    if (text != NULL && *text != '\0' && word_read(reader, text, &value) != 0) {
        return OPTION_FAIL(reader, "--lint: unexpected '%.60s': use --lint or --lint=strict, and -f for a file", text);
    }
    reader->options->strict = reader->options->strict || (text != NULL && *text != '\0');
    return mode_read(reader, text);
}

static int help_read(struct option_reader *reader, const char *text)
{
    (void)text;
    reader->options->mode = reader->row->mode;
    return 0;
}

/* The modes that an option goes with, where it does not go with all. */
#define CHECK (1u << OPTIONS_CHECK)
#define POLICY (CHECK | 1u << OPTIONS_LINT)
#define CLIENTS (CHECK | 1u << OPTIONS_LIST | 1u << OPTIONS_CAPTURE)
#define SOCKETS (CHECK | 1u << OPTIONS_LIST | 1u << OPTIONS_LEARN | 1u << OPTIONS_CAPTURE)

/* In the order of --help. */
static const struct option_row rows[] = {
    {"rule", "=RULE", "a rule such as '443 dual-stack name=web' (repeatable)", .read = rule_add, .modes = POLICY,
     .letter = 'r'},
    {"policy", "=FILE", "read rules from FILE, one per line (-: standard input)", .read = policy_read, .modes = POLICY,
     .letter = 'f'},
    {"warning", "=RANGE", NULL, .read = warning_read, .modes = POLICY, .letter = 'w'},
    {"critical", "=RANGE", "on v4-mapped connections", .read = critical_read, .modes = POLICY, .letter = 'c'},
    {"timeout", "=SECONDS[:STATE]", "give up after SECONDS (8) with STATE (unknown)", .read = timeout_read,
     .letter = 't'},
    {"verbose", "", "a line per service, -vv: per listener, -vvv: what was asked", .read = verbose_read, .letter = 'v'},
    {"format", "=FORMAT", "", .read = format_read, .word = writer_word},
    {"details", "=none", "one line", .read = details_read, .word = details_word, .modes = POLICY, .beside = true},
    {"perfdata", "=SET", "totals, mapped or full", .read = perfdata_read, .word = perfdata_word, .modes = CHECK},
    {"peers", "[=N]", "busiest clients", .read = peers_read, .modes = CLIENTS, .beside = true},
    {"list", "", "all sockets as netstat shows them, and what is on the wire", .read = mode_read, .mode = OPTIONS_LIST},
    {"learn", "", "print a policy that fits", .read = mode_read, .mode = OPTIONS_LEARN},
    {"lint", "[=strict]", "check one", .read = lint_read, .word = lint_word, .mode = OPTIONS_LINT, .beside = true},
    {"capture", "", "print a JSON capture", .read = mode_read, .mode = OPTIONS_CAPTURE},
    {"baseline", "=FILE", "changes since", .read = baseline_read, .modes = CHECK, .beside = true},
    {"replay", "=FILE", "judge a capture, or all those in a folder (repeatable)", .read = replay_read, .modes = POLICY},
    {"hosts", "=FILE", "hosts to expect", .read = hosts_read, .modes = CHECK},
    {"max-age", "=DAYS", "of captures", .read = max_age_read, .modes = CHECK, .beside = true},
    {"source", "=SOURCE", "auto, netlink or procfs", .read = source_read, .word = source_word, .modes = SOCKETS},
    {"procfs", "=DIR", "copied files", .read = procfs_read, .modes = SOCKETS, .beside = true},
    {"netns", "=NAME", "another network namespace: name, path, process id, or all", .read = netns_read,
     .modes = SOCKETS},
    {"extra-opts", "[=[SECTION][@FILE]]", "options from an ini file, before these", .read = extra_opts_read},
    {"version", "", "print the version", .read = help_read, .mode = OPTIONS_VERSION, .letter = 'V'},
    {"help", "", "print this", .read = help_read, .mode = OPTIONS_HELP, .letter = 'h', .beside = true},
};

_Static_assert(sizeof rows / sizeof *rows <= OPTION_ROWS_MOST, "a place for each");

const struct option_row *option_row(int index)
{
    return index < (int)(sizeof rows / sizeof *rows) ? &rows[index] : NULL;
}

const char *option_row_word(int index)
{
    return option_row(index) != NULL ? rows[index].name : NULL;
}

bool option_row_is_mode(const struct option_row *row)
{
    return row->mode != OPTIONS_CHECK && row->read != help_read;
}

bool option_row_is_extra_opts(const struct option_row *row)
{
    return row->read == extra_opts_read;
}

void options_init(struct options *options)
{
    *options = (struct options){
        .timeout_state = STATE_UNKNOWN,
        .writer = writer_default(),
    };
}

void options_clear(struct options *options)
{
    free(options->rules);
    free(options->policies);
    free(options->replays);
    free(options->baselines);
    free(options->extra);
    *options = (struct options){0};
}
