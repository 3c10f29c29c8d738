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
    {"list", no_argument, NULL, OPTION_MODE + OPTIONS_LIST},
    {"learn", no_argument, NULL, OPTION_MODE + OPTIONS_LEARN},
    {"lint", no_argument, NULL, OPTION_MODE + OPTIONS_LINT},
    {"capture", no_argument, NULL, OPTION_MODE + OPTIONS_CAPTURE},
    {NULL, 0, NULL, 0},
};

static const char short_options[] = ":r:f:w:c:t:vVh";

/* Where the mistake is told. */
struct reader {
    struct options *options;
    char error[OPTIONS_ERROR_SIZE];
};

#define FAIL(reader, ...) (snprintf((reader)->error, OPTIONS_ERROR_SIZE, __VA_ARGS__), -EINVAL)

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

    reader->options->perfdata = (enum options_perfdata)(value + OPTIONS_PERFDATA_TOTALS);
    return result;
}

static int source_read(struct reader *reader, const char *text)
{
    static const char *const words[] = {"auto", "netlink", "procfs", NULL};
    int value = 0;
    int result = word_read(reader, "source", text, words, &value);

    reader->options->source = (enum options_source)value;
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
        return list_add(&options->rules, &options->rule_count, value);
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

static int combination_check(struct reader *reader)
{
    const struct options *options = reader->options;

    if (options->procfs != NULL && options->source_set && options->source != OPTIONS_SOURCE_PROCFS) {
        return FAIL(reader, "--procfs reads files, so it does not go with --source=%s",
                    options->source == OPTIONS_SOURCE_AUTO ? "auto" : "netlink");
    }
    if (options->procfs != NULL && options->netns != NULL) {
        return FAIL(reader, "--procfs and --netns do not go together, choose one");
    }
    if (options->replay_count > 0 &&
        (options->procfs != NULL || options->netns != NULL || options->source_set || options->mode != OPTIONS_CHECK)) {
        return FAIL(reader, "--replay judges a capture, so it does not go with --source, --procfs, --netns, --list, "
                            "--learn, --lint or --capture");
    }
    return 0;
}

int options_parse(struct options *options, int argc, char **argv, char error[static OPTIONS_ERROR_SIZE])
{
    struct reader reader = {.options = options};
    int result = 0;
    int option;

    *options = (struct options){.timeout = TIMEOUT_DEFAULT, .timeout_state = STATE_UNKNOWN};
    opterr = 0;
    /* Read on after a mistake: the answer to it may be wanted as JSON. The first mistake is told. */
    while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        int read;
        if (option == 'h' || option == 'V') {
            options->mode = option == 'h' ? OPTIONS_HELP : OPTIONS_VERSION;
            return 0;
        }
        read = option == '?' || option == ':' ? option_refuse(&reader, option, argv[optind - 1])
                                              : option_read(&reader, option, optarg);
        if (result == 0 && read != 0) {
            result = read;
            memcpy(error, reader.error, OPTIONS_ERROR_SIZE);
        }
    }
    if (result == 0) {
        result = optind < argc ? FAIL(&reader, "unexpected argument '%.60s', rules are given with -r", argv[optind])
                               : combination_check(&reader);
        memcpy(error, reader.error, OPTIONS_ERROR_SIZE);
    }
    if (options->procfs != NULL) {
        options->source = OPTIONS_SOURCE_PROCFS;
    }
    return result;
}

void options_clear(struct options *options)
{
    free(options->rules);
    free(options->replays);
    *options = (struct options){0};
}
