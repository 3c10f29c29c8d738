/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The command line.
 */
#include "config.h"

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT 8
#define TIMEOUT_MOST 86400

const char options_usage[] = "Usage: check_dualstack [-r RULE]... [-f FILE] [-w RANGE] [-c RANGE] [option]...";

const char options_help[] = "Usage: check_dualstack [-r RULE]... [-f FILE] [-w RANGE] [-c RANGE] [option]...\n"
                            "  -r, --rule=RULE    a rule such as '443 dual-stack name=web' (repeatable)\n"
                            "  -f, --policy=FILE  read rules from FILE, one a line (-: standard input)\n"
                            "  -w, --warning=RANGE, -c, --critical=RANGE  on v4-mapped connections\n"
                            "  -t, --timeout=SECONDS[:STATE]  give up after SECONDS (8) with STATE (unknown)\n"
                            "  -v, --verbose      a line per service, -vv: per listener, -vvv: what was asked\n"
                            "  --format=FORMAT    text or json\n"
                            "  --perfdata=SET     totals, mapped (of each rule too) or full (and native ones)\n"
                            "  --list             all sockets as netstat shows them, and what is on the wire\n"
                            "  --learn            print a policy that holds on this host now\n"
                            "  --lint             only check the policy\n"
                            "  --capture          print what there is to judge, as JSON, to judge elsewhere\n"
                            "  --replay=FILE      judge a capture, or all those in a folder (repeatable)\n"
                            "  --source=SOURCE    auto, netlink or procfs (/proc/net, which lacks v6only)\n"
                            "  --procfs=DIR       read copies of /proc/net's files in DIR\n"
                            "  --netns=NAME       another network namespace, by name, path or process id\n"
                            "  --extra-opts[=[SECTION][@FILE]]  options from an ini file, before these\n"
                            "  -V, --version      print the version        -h, --help  print this\n"
                            "RULE is PORTS[/tcp|/udp][@loopback|@link|@external] REQUIREMENT [KEY=VALUE]...\n"
                            "  PORTS        443  80,443  8000-8099  https  default (all that no rule names)\n"
                            "  REQUIREMENT  v4-only v6-only dual-stack: that; v4 v6: at least; any; closed\n"
                            "  KEY          name severity missing form bind unit user mapped-warning\n"
                            "               mapped-critical waive-until note        More: check_dualstack(1)\n";

/* Long options without a letter, and the modes. */
enum {
    OPTION_FORMAT = 256,
    OPTION_PERFDATA,
    OPTION_REPLAY,
    OPTION_SOURCE,
    OPTION_PROCFS,
    OPTION_NETNS,
    OPTION_EXTRA_OPTS,
    OPTION_MODE
};

static const struct option long_options[] = {
    {"rule", required_argument, NULL, 'r'},
    {"policy", required_argument, NULL, 'f'},
    {"warning", required_argument, NULL, 'w'},
    {"critical", required_argument, NULL, 'c'},
    {"timeout", required_argument, NULL, 't'},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"perfdata", required_argument, NULL, OPTION_PERFDATA},
    {"replay", required_argument, NULL, OPTION_REPLAY},
    {"source", required_argument, NULL, OPTION_SOURCE},
    {"procfs", required_argument, NULL, OPTION_PROCFS},
    {"netns", required_argument, NULL, OPTION_NETNS},
    {"extra-opts", optional_argument, NULL, OPTION_EXTRA_OPTS},
    {"list", no_argument, NULL, OPTION_MODE + OPTIONS_LIST},
    {"learn", no_argument, NULL, OPTION_MODE + OPTIONS_LEARN},
    {"lint", no_argument, NULL, OPTION_MODE + OPTIONS_LINT},
    {"capture", no_argument, NULL, OPTION_MODE + OPTIONS_CAPTURE},
    {NULL, 0, NULL, 0},
};

static const char short_options[] = ":r:f:w:c:t:vVh";

#define ERROR_SIZE 320

/* What is being read, and where its mistake is told. */
struct reader {
    struct options *options;
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

static int range_read(struct reader *reader, const char *option, const char *text, struct range *range, bool *set)
{
    if (!range_parse(text, range)) {
        return FAIL(reader, "--%s: '%.60s' is no threshold range, write one such as 10, 5:10, 5: or @5:10", option,
                    text);
    }
    *set = true;
    return 0;
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

static int directory_read(struct reader *reader, const char *option, const char *text, const char **value)
{
    if (*text == '\0') {
        return FAIL(reader, "--%s: is empty", option);
    }
    *value = text;
    return 0;
}

/* Options whose value is one of some words: the position of the word is the value of the enum. */
static int word_read(struct reader *reader, const char *option, const char *text, const char *const *words, int *value)
{
    char all[64] = "";

    for (int i = 0; words[i] != NULL; i++) {
        size_t length = strlen(all);
        if (strcmp(text, words[i]) == 0) {
            *value = i;
            return 0;
        }
        snprintf(all + length, sizeof all - length, "%s%s",
                 i == 0                 ? ""
                 : words[i + 1] == NULL ? " or "
                                        : ", ",
                 words[i]);
    }
    return FAIL(reader, "--%s: '%.60s' is unknown, write %s", option, text, all);
}

static int format_read(struct reader *reader, const char *text)
{
    static const char *const words[] = {"text", "json", NULL};
    int value = 0;
    int result = word_read(reader, "format", text, words, &value);

    reader->options->json = value == 1;
    return result;
}

static int perfdata_read(struct reader *reader, const char *text)
{
    static const char *const words[] = {"totals", "mapped", "full", NULL};
    int value = 0;
    int result = word_read(reader, "perfdata", text, words, &value);

    reader->options->perfdata = (enum view_perfdata)(value + VIEW_PERFDATA_TOTALS);
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

static int mode_set(struct reader *reader, enum options_mode mode)
{
    enum options_mode earlier = reader->options->mode;

    if (earlier != OPTIONS_CHECK && earlier != mode) {
        return FAIL(reader, "--list, --learn, --lint and --capture do not go together, choose one");
    }
    reader->options->mode = mode;
    return 0;
}

static int option_read(struct reader *reader, int option, const char *value)
{
    struct options *options = reader->options;

    switch (option) {
    case 'r':
        return rule_add(reader, value);
    case 'f':
        return directory_read(reader, "policy", value, &options->policy);
    case 'w':
        return range_read(reader, "warning", value, &options->warning, &options->warning_set);
    case 'c':
        return range_read(reader, "critical", value, &options->critical, &options->critical_set);
    case 't':
        return timeout_read(reader, value);
    case 'v':
        options->verbose += options->verbose < 3;
        return 0;
    case OPTION_FORMAT:
        return format_read(reader, value);
    case OPTION_PERFDATA:
        return perfdata_read(reader, value);
    case OPTION_REPLAY:
        return *value == '\0' ? FAIL(reader, "--replay: is empty")
                              : list_add(&options->replays, &options->replay_count, value);
    case OPTION_SOURCE:
        return source_read(reader, value);
    case OPTION_PROCFS:
        return directory_read(reader, "procfs", value, &options->procfs);
    case OPTION_NETNS:
        return directory_read(reader, "netns", value, &options->netns);
    case OPTION_EXTRA_OPTS:
        return list_add(&options->extra, &options->extra_count, value);
    case 'h':
        options->mode = OPTIONS_HELP;
        return 0;
    case 'V':
        options->mode = OPTIONS_VERSION;
        return 0;
    default:
        return mode_set(reader, (enum options_mode)(option - OPTION_MODE));
    }
}

/* Is `option` one that takes no value and was given one ("--list=x")? */
static bool has_unwanted_value(int option, const char *word)
{
    for (const struct option *known = long_options; known->name != NULL; known++) {
        if (known->val == option && known->has_arg == no_argument) {
            return strncmp(word, "--", 2) == 0 && strchr(word, '=') != NULL;
        }
    }
    return false;
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
    if (has_unwanted_value(optopt, word)) {
        return FAIL(reader, "%.*s takes no value, see --help", name_length, word);
    }
    return optopt == 0 ? FAIL(reader, "unknown or ambiguous option %.*s, see --help", name_length, word)
                       : FAIL(reader, "unknown option -%c, see --help", optopt);
}

/* Standard input ends but once. */
static int stdin_check(struct reader *reader, const struct extra_opts *extra)
{
    const struct options *options = reader->options;
    const char *readers[3] = {NULL};
    size_t count = 0;

    if (extra != NULL && extra->reads_stdin) {
        readers[count++] = "--extra-opts";
    }
    if (options->policy != NULL && strcmp(options->policy, "-") == 0) {
        readers[count++] = "--policy";
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

    if (options->procfs != NULL && options->source_set && options->source != SOURCES_CHOICE_PROCFS) {
        return FAIL(reader, "--procfs reads files, so it does not go with --source=%s",
                    options->source == SOURCES_CHOICE_AUTO ? "auto" : "netlink");
    }
    if (options->procfs != NULL && options->netns != NULL) {
        return FAIL(reader, "--procfs and --netns do not go together, choose one");
    }
    if (options->replay_count > 0 &&
        (options->procfs != NULL || options->netns != NULL || options->source_set || options->mode != OPTIONS_CHECK)) {
        return FAIL(reader, "--replay judges a capture, so it does not go with --source, --procfs, --netns, --list, "
                            "--learn, --lint or --capture");
    }
    return stdin_check(reader, extra);
}

/* --- extra options ----------------------------------------------------------------------------------------------- */

/* The option that a key of an ini file means, as getopt_long() would have it: a letter, a name or the start of one. */
static const struct option *key_find(const char *key)
{
    const struct option *found = NULL;
    size_t length = strlen(key);

    for (const struct option *known = long_options; known->name != NULL; known++) {
        if (length == 1 ? known->val == (unsigned char)*key : strcmp(known->name, key) == 0) {
            return known;
        }
    }
    for (const struct option *known = long_options; known->name != NULL && length > 1; known++) {
        if (strncmp(known->name, key, length) == 0) {
            if (found != NULL) {
                return NULL;
            }
            found = known;
        }
    }
    return found;
}

static int entry_read(struct reader *reader, const struct ini_entry *entry)
{
    const struct option *option = key_find(entry->key);
    bool has_value = *entry->value != '\0';

    if (option == NULL) {
        return FAIL(reader, "unknown or ambiguous option '%.60s', %s", entry->key,
                    *entry->key == '-' ? "write it without dashes" : "see --help");
    }
    if (option->val == OPTION_EXTRA_OPTS) {
        return FAIL(reader, "'%.60s' is for the command line only", entry->key);
    }
    if (has_value && option->has_arg == no_argument) {
        return FAIL(reader, "'%.60s' takes no value, write %.60s=", entry->key, entry->key);
    }
    if (!has_value && option->has_arg == required_argument) {
        return FAIL(reader, "'%.60s' needs a value, see --help", entry->key);
    }
    return option_read(reader, option->val, entry->value);
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

static int arguments_read(struct reader *reader, int result, int argc, char **argv, struct options_mistake *mistake)
{
    int option;

    opterr = 0;
    optind = 0; /* from the start, a second time too */
    while (!wants_help(reader->options) &&
           (option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        bool refused = option == '?' || option == ':';
        char *value = option == OPTION_EXTRA_OPTS && optarg == NULL ? separate_value(argc, argv) : optarg;
        result =
            outcome_add(reader, result,
                        refused ? option_refuse(reader, option, argv[optind - 1]) : option_read(reader, option, value),
                        mistake);
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

    *options = (struct options){.timeout = TIMEOUT_DEFAULT, .timeout_state = STATE_UNKNOWN};
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
    return result;
}

void options_clear(struct options *options)
{
    free(options->rules);
    free(options->replays);
    free(options->extra);
    *options = (struct options){0};
}
