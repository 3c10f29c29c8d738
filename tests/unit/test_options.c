/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of plugins/options.c, arguments.c and usage.c: the command line, a row for each way to say an option and each
 * mistake. Options of ini files are test_extra_opts.c's.
 */
#include "config.h"

#include "arguments.h"

#include "audit/rule.h"
#include "option_row.h"
#include "socket/protocol.h"
#include "usage.h"

#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
#define WORDS_MOST 12

static struct options options;
static struct arguments_mistake mistake;
static char words[256];

/* Reads a command line whose words blanks set apart. */
static int parse(const char *line)
{
    static char program[] = "check_dualstack";
    char *argv[WORDS_MOST + 2] = {program};
    char *rest = NULL;
    int argc = 1;

    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        ck_assert_int_le(argc, WORDS_MOST);
        argv[argc++] = word;
    }
    return arguments_parse(&options, argc, argv, NULL, &mistake);
}

static const struct {
    const char *line;
    const char *said;
} mistakes[] = {
    {"-x", "unknown option -x: see --help"},
    {"-vx", "unknown option -x: see --help"},
    {"-x -xyz", "unknown option -x: see --help"},
    {"--nonsense", "unknown option --nonsense: see --help"},
    {"--nonsense=1", "unknown option --nonsense: see --help"},
    {"--polcy=x", "unknown option --polcy: did you mean --policy?"},
    {"--POLICY x", "unknown option --POLICY: did you mean --policy?"},
    {"--extra_opts", "unknown option --extra_opts: did you mean --extra-opts?"},
    {"--li", "--li is ambiguous: --list or --lint"},
    {"--l", "--l is ambiguous: --list, --learn or --lint"},
    {"--li=1", "--li is ambiguous: --list or --lint"},
    /* One dash for two, and "=" behind a letter. */
    {"-list", "unknown option -l in -list: did you mean --list?"},
    {"-polcy=x", "unknown option -p in -polcy=x: did you mean --policy?"},
    {"-x -list", "unknown option -x: see --help"},
    {"-v -list", "unknown option -l in -list: did you mean --list?"},
    {"-rule 443", "-rule: a long option has two dashes: --rule"},
    {"-format=json", "-format=json: a long option has two dashes: --format=json"},
    {"-f=p.conf", "-f=p.conf: a letter takes its value without =: -f p.conf"},
    /* What other plugins have. */
    {"-H web2", "unknown option -H: this plugin checks the host it runs on, so run it there by NRPE or an agent"},
    {"--hostname=web2",
     "unknown option --hostname: this plugin checks the host it runs on, so run it there by NRPE or an agent"},
    {"-p 443", "unknown option -p: ports are rules, such as -r '443 dual-stack'"},
    {"--port 443", "unknown option --port: ports are rules, such as -r '443 dual-stack'"},
    {"-6", "unknown option -6: families are rules, such as -r '443 v6'"},
    {"-C p.conf", "unknown option -C: a policy is read with -f"},
    /* Values that are missing or too many: wherever getopt_long() has got to by then. */
    {"--pol", "--policy needs a value: --policy=FILE"},
    {"--policy", "--policy needs a value: --policy=FILE"},
    {"-f", "-f needs a value: -f FILE"},
    {"-vf", "-f needs a value: -f FILE"},
    {"-r", "-r needs a value: -r RULE"},
    {"-vr", "-r needs a value: -r RULE"},
    {"-w", "-w needs a value: -w RANGE"},
    {"--verbose=1", "--verbose takes no value: leave it out"},
    {"--verb=1", "--verbose takes no value: leave it out"},
    {"--list=all", "--list takes no value: leave it out"},
    {"--help=all", "--help takes no value: leave it out"},
    {"--lint=p.conf", "--lint: unexpected 'p.conf': use --lint or --lint=strict, and -f for a file"},
    /* Words that belong to no option. */
    {"443", "unexpected argument '443': rules are given with -r, such as -r '443'"},
    {"443 dual-stack", "unexpected argument '443': rules are given with -r, such as -r '443 dual-stack'"},
    {"-r 443 dual-stack", "unexpected argument 'dual-stack': quote the whole rule, -r '443 dual-stack'"},
    {"p.conf", "unexpected argument 'p.conf': a policy is read with -f, such as -f p.conf"},
    {"--lint policy", "unexpected argument 'policy': a policy is read with -f, such as -f policy"},
    {"--learn p.conf", "unexpected argument 'p.conf': redirect standard output to write a file"},
    {"--capture p.json", "unexpected argument 'p.json': redirect standard output to write a file"},
    {"--replay d/a.json d/b.json",
     "unexpected argument 'd/b.json': for several captures name their folder, --replay=d"},
    {"--replay a.json b.json", "unexpected argument 'b.json': for several captures name their folder, --replay=."},
    {"nonsense", "unexpected argument 'nonsense': rules are given with -r, policy files with -f"},
    {"--policy=", "--policy: the value is empty"},
    {"--procfs=", "--procfs: the value is empty"},
    {"--netns=", "--netns: the value is empty"},
    {"--replay=", "--replay: the value is empty"},
    {"-w 5x", "--warning: '5x' is not a threshold range: use one such as 10, 5:10, 5: or @5:10"},
    {"--crit=10:5", "--critical: '10:5' runs backwards: write 5:10"},
    {"-t 0", "--timeout: '0' is not a time: use whole seconds from 1 to 86400, such as 8 or 8:critical"},
    {"-t 86401", "--timeout: '86401' is not a time: use whole seconds from 1 to 86400, such as 8 or 8:critical"},
    {"-t 8:later", "--timeout: state 'later' is unknown: use ok, warning, critical or unknown"},
    {"-t 8:crit", "--timeout: state 'crit' is unknown: did you mean critical?"},
    {"--format=yaml", "--format: 'yaml' is unknown: use text, json, csv, html or prometheus"},
    {"--format=JSON", "--format: 'JSON' is unknown: did you mean json?"},
    {"--details=some", "--details: 'some' is unknown: use auto or none"},
    {"--list --format=prometheus", "--format=prometheus does not go with --list, only with a check"},
    {"--format=prometheus --lint", "--format=prometheus does not go with --lint, only with a check"},
    {"--details=none --capture", "--details does not go with --capture, only with a check and --lint"},
    {"--perfdata=all", "--perfdata: 'all' is unknown: use totals, mapped or full"},
    {"--source=ss", "--source: 'ss' is unknown: use auto, netlink or procfs"},
    {"--source=proc", "--source: 'proc' is unknown: did you mean procfs?"},
    {"--list --learn", "--list and --learn do not go together: choose one"},
    {"--capture --lint", "--capture and --lint do not go together: choose one"},
    {"--replay=x --list", "--replay does not go with --list, only with a check and --lint"},
    {"--replay=x --source=auto", "--replay judges captures, so it does not go with --source"},
    {"--replay=x --netns=y", "--replay judges captures, so it does not go with --netns"},
    {"--replay=x --procfs=y", "--replay judges captures, so it does not go with --procfs"},
    {"--baseline=", "--baseline: the value is empty"},
    {"--baseline=x --capture", "--baseline does not go with --capture, only with a check"},
    {"--baseline=- --replay=-",
     "standard input can be read only once, not by --baseline and by --replay: name a file for one"},
    {"--baseline=- --baseline=-",
     "standard input can be read only once, not by --baseline and by --baseline: name a file for one"},
    {"--replay=c --max-age=0", "--max-age: '0' is not a number of days: use whole days from 1 to 36500"},
    {"--replay=c --max-age=36501", "--max-age: '36501' is not a number of days: use whole days from 1 to 36500"},
    {"--replay=c --max-age=7d", "--max-age: '7d' is not a number of days: use whole days from 1 to 36500"},
    {"--replay=c --hosts=", "--hosts: the value is empty"},
    {"--hosts=h", "--hosts needs --replay: without captures it is the host it runs on that is checked"},
    {"--max-age=7", "--max-age needs --replay: without captures it is the host it runs on that is checked"},
    {"--replay=- --hosts=-",
     "standard input can be read only once, not by --hosts and by --replay: name a file for one"},
    {"--procfs=x --source=netlink", "--procfs reads files, so it does not go with --source=netlink"},
    {"--learn --peers", "--peers does not go with --learn, only with a check, --list and --capture"},
    {"--learn --netns=all", "--learn writes one policy, so it does not go with --netns=all: name one namespace"},
    {"--peers=501", "--peers: '501' is not a number of clients: use 1 to 500"},
    {"--procfs=x --netns=y", "--procfs and --netns do not go together: choose one"},
    {"-f - --replay=-", "standard input can be read only once, not by --policy and by --replay: name a file for one"},
    {"-f - -f p -f -", "standard input can be read only once, not by --policy and by --policy: name a file for one"},
    {"-f p -f q -f p", "--policy: p is given twice: name each file once"},
    /* The first one is reported. */
    {"-t 0 -w 5x --nonsense",
     "--timeout: '0' is not a time: use whole seconds from 1 to 86400, such as 8 or 8:critical"},
};

START_TEST(mistake_is_reported)
{
    ck_assert_int_eq(parse(mistakes[_i].line), -EINVAL);
    ck_assert_str_eq(mistake.sentence, mistakes[_i].said);
    ck_assert(mistake.in_arguments);
    options_clear(&options);
}
END_TEST

/* A value for each option that needs one. */
static const char *value_of(const struct option_row *row)
{
    if (row->value[0] != '=') {
        return "";
    }
    return row->word != NULL ? row->word(0) : "1";
}

/* Which options go with which mode: with each mode in turn, each option is taken or refused as the table says. */
START_TEST(options_go_with_modes)
{
    static const char *const mode_options[] = {
        [OPTIONS_CHECK] = "",      [OPTIONS_LIST] = "--list",       [OPTIONS_LEARN] = "--learn",
        [OPTIONS_LINT] = "--lint", [OPTIONS_CAPTURE] = "--capture",
    };
    static const struct {
        const char *name;
        bool goes[OPTIONS_CAPTURE + 1]; /* with a check, --list, --learn, --lint, --capture */
    } table[] = {
        {"rule", {true, false, false, true, false}},    {"policy", {true, false, false, true, false}},
        {"warning", {true, false, false, true, false}}, {"critical", {true, false, false, true, false}},
        {"timeout", {true, true, true, true, true}},    {"verbose", {true, true, true, true, true}},
        {"format", {true, true, true, true, true}},     {"perfdata", {true, false, false, false, false}},
        {"replay", {true, false, false, true, false}},  {"source", {true, true, true, false, true}},
        {"procfs", {true, true, true, false, true}},    {"netns", {true, true, true, false, true}},
        {"extra-opts", {true, true, true, true, true}},
    };
    const struct option_row *row;
    int mode = _i;

    for (int i = 0; i < COUNT(table); i++) {
        char line[64];
        char said[64];
        int index = 0;
        while ((row = option_row(index)) != NULL && strcmp(row->name, table[i].name) != 0) {
            index++;
        }
        ck_assert_msg(row != NULL, "%s", table[i].name);
        snprintf(line, sizeof line, "%s --%s%s%s", mode_options[mode], row->name, *value_of(row) != '\0' ? "=" : "",
                 value_of(row));
        snprintf(said, sizeof said, "--%s does not go with %s, only with ", row->name, mode_options[mode]);
        ck_assert_msg(parse(line) == (table[i].goes[mode] ? 0 : -EINVAL), "%s: %s", line, mistake.sentence);
        ck_assert_msg(table[i].goes[mode] || strncmp(mistake.sentence, said, strlen(said)) == 0, "%s: %s", line,
                      mistake.sentence);
        options_clear(&options);
    }
}
END_TEST

static const struct {
    const char *line;
    enum options_mode mode;
} modes[] = {
    {"", OPTIONS_CHECK},
    {"-r 443", OPTIONS_CHECK},
    {"--list", OPTIONS_LIST},
    {"--learn", OPTIONS_LEARN},
    {"--lint", OPTIONS_LINT},
    {"--lint=strict", OPTIONS_LINT},
    {"--lint=strict --lint", OPTIONS_LINT},
    {"--capture", OPTIONS_CAPTURE},
    {"--capture --capture", OPTIONS_CAPTURE},
    {"--list -h", OPTIONS_HELP},
    {"-h", OPTIONS_HELP},
    {"--help", OPTIONS_HELP},
    {"-V", OPTIONS_VERSION},
    {"--version", OPTIONS_VERSION},
    /* Who asks for help gets it, whatever else is wrong. */
    {"--nonsense -h", OPTIONS_HELP},
    {"-t 0 --version", OPTIONS_VERSION},
};

START_TEST(mode_is_chosen)
{
    ck_assert_int_eq(parse(modes[_i].line), 0);
    ck_assert_int_eq(options.mode, modes[_i].mode);
    ck_assert_int_eq(options.strict, strstr(modes[_i].line, "=strict") != NULL);
    options_clear(&options);
}
END_TEST

/* Each option by its letter, by its name and by the start of it, with its value behind it or in the next word. */
static const struct {
    const char *line;
    const char *policy, *procfs, *netns, *rule, *replay, *extra;
    unsigned timeout, verbose;
    double warning, critical; /* -1: none */
    unsigned peers;
} effects[] = {
    {"", .timeout = 8, .warning = -1, .critical = -1},
    {"-f p", .policy = "p", .timeout = 8, .warning = -1, .critical = -1},
    {"-fp", .policy = "p", .timeout = 8, .warning = -1, .critical = -1},
    {"-vfp", .policy = "p", .timeout = 8, .verbose = 1, .warning = -1, .critical = -1},
    {"--policy p", .policy = "p", .timeout = 8, .warning = -1, .critical = -1},
    {"--po=p", .policy = "p", .timeout = 8, .warning = -1, .critical = -1},
    {"-r x", .rule = "x", .timeout = 8, .warning = -1, .critical = -1},
    {"--rule=x", .rule = "x", .timeout = 8, .warning = -1, .critical = -1},
    {"-w 3 -c 5", .timeout = 8, .warning = 3, .critical = 5},
    {"--warning=3 --critical=5", .timeout = 8, .warning = 3, .critical = 5},
    {"-t 9:critical", .timeout = 9, .warning = -1, .critical = -1},
    {"-v", .timeout = 8, .verbose = 1, .warning = -1, .critical = -1},
    {"-vvvv", .timeout = 8, .verbose = 3, .warning = -1, .critical = -1},
    {"--verbose --verbose", .timeout = 8, .verbose = 2, .warning = -1, .critical = -1},
    {"--procfs=d", .procfs = "d", .timeout = 8, .warning = -1, .critical = -1},
    {"--procfs=d --source=procfs", .procfs = "d", .timeout = 8, .warning = -1, .critical = -1},
    {"--netns n", .netns = "n", .timeout = 8, .warning = -1, .critical = -1},
    /* However many captures there are, a replay ends when it is done, unless something else was said. */
    {"--replay=c -t 9", .replay = "c", .timeout = 9, .warning = -1, .critical = -1},
    {"--replay=c", .replay = "c", .timeout = 0, .warning = -1, .critical = -1},
    {"--peers", .peers = 20, .timeout = 8, .warning = -1, .critical = -1},
    {"--peers=", .peers = 20, .timeout = 8, .warning = -1, .critical = -1},
    {"--peers=500", .peers = 500, .timeout = 8, .warning = -1, .critical = -1},
    {"--extra-opts=s@f", .extra = "s@f", .timeout = 8, .warning = -1, .critical = -1},
    {"--extra-opts s", .extra = "s", .timeout = 8, .warning = -1, .critical = -1},
    {"--extra-opts -v", .timeout = 8, .verbose = 1, .warning = -1, .critical = -1},
};

static void text_check(const char *found, const char *expected)
{
    ck_assert_int_eq(found != NULL, expected != NULL);
    if (expected != NULL) {
        ck_assert_str_eq(found, expected);
    }
}

START_TEST(option_has_its_effect)
{
    ck_assert_int_eq(parse(effects[_i].line), 0);
    text_check(options.policy_count > 0 ? options.policies[0] : NULL, effects[_i].policy);
    text_check(options.procfs, effects[_i].procfs);
    text_check(options.netns, effects[_i].netns);
    text_check(options.rule_count > 0 ? options.rules[0].text : NULL, effects[_i].rule);
    text_check(options.replay_count > 0 ? options.replays[0] : NULL, effects[_i].replay);
    text_check(options.extra_count > 0 ? options.extra[0] : NULL, effects[_i].extra);
    ck_assert_uint_eq(options.timeout, effects[_i].timeout);
    ck_assert_uint_eq(options.verbose, effects[_i].verbose);
    ck_assert_uint_eq(options.peers, effects[_i].peers);
    ck_assert_int_eq(options.warning_set, effects[_i].warning >= 0);
    ck_assert_int_eq(options.critical_set, effects[_i].critical >= 0);
    ck_assert(!options.warning_set || range_alerts(&options.warning, effects[_i].warning + 1));
    ck_assert(!options.critical_set || !range_alerts(&options.critical, effects[_i].critical));
    options_clear(&options);
}
END_TEST

START_TEST(policies_add_up)
{
    ck_assert_int_eq(parse("-f p -r 443 --policy=q -f -"), 0);
    ck_assert_uint_eq(options.policy_count, 3);
    ck_assert_str_eq(options.policies[0], "p");
    ck_assert_str_eq(options.policies[1], "q");
    ck_assert_str_eq(options.policies[2], "-");
    options_clear(&options);
}
END_TEST

/* --- --help ------------------------------------------------------------------------------------------------------ */

/* All of it is there, on a screen: the words of rules as the tables have them. */
START_TEST(help_is_whole)
{
    char text[USAGE_HELP_SIZE];
    const char *rule = strstr(usage_help(text), "\nRULE is ");
    const char *word;
    int lines = 0;

    ck_assert_ptr_nonnull(rule);
    ck_assert_uint_lt(strlen(text), USAGE_HELP_SIZE - 1);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        ck_assert_uint_le(strcspn(line, "\n"), 80);
        lines++;
    }
    ck_assert_int_lt(lines, 24);
    for (int i = 0; (word = rule_requirement_word(i)) != NULL; i++) {
        ck_assert_ptr_nonnull(strstr(strstr(rule, "  REQUIREMENT "), word));
    }
    for (int i = 0; (word = rule_option_word(i)) != NULL; i++) {
        ck_assert_ptr_nonnull(strstr(strstr(rule, "  KEY "), word));
    }
    for (int i = 0; (word = protocol_word(i)) != NULL; i++) {
        ck_assert_ptr_nonnull(strstr(rule, word));
    }
}
END_TEST

START_TEST(help_says_it_in_these_words)
{
    static const char *const lines[] = {
        "Usage: check_dualstack [-r RULE]... [-f FILE]... [-w RANGE] [-c RANGE] [option]\n  -r, --rule=RULE    a "
        "rule such",
        "\n  -f, --policy=FILE  read rules from FILE, one per line (-: standard input)\n",
        "\n  -w, --warning=RANGE, -c, --critical=RANGE  on v4-mapped connections\n",
        "\n  --format=FORMAT    text json csv html prometheus    --details=none  one line\n",
        "\n  --learn            print a policy that fits    --lint[=strict]  check one\n",
        "\n  --list             all sockets as netstat shows them, and what is on the wire\n",
        "\n  --extra-opts[=[SECTION][@FILE]]  options from an ini file, before these\n",
        "\n  --hosts=FILE       hosts to expect    --max-age=DAYS  of captures\n",
        "\n  -V, --version      print the version    -h, --help  print this\n",
        "\nRULE is PORTS[/tcp|/udp][@loopback|@link|@external] REQUIREMENT [KEY=VALUE]...\n  PORTS        443  80,443",
        "\n  REQUIREMENT  v4-only v6-only dual-stack: exactly; v4 v6: at least; any; closed\n",
        "\n  KEY          name severity missing form as bind reach unit user\n               mapped-warning "
        "mapped-critical ipv4-warning ipv4-critical\n               except-unit ephemeral waive-until note  More: "
        "check_dualstack(1)\n",
    };
    char text[USAGE_HELP_SIZE];

    usage_help(text);
    for (int i = 0; i < COUNT(lines); i++) {
        ck_assert_msg(strstr(text, lines[i]) != NULL, "\"%s\" is not in:\n%s", lines[i], text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");

    tcase_add_loop_test(tcase, mistake_is_reported, 0, COUNT(mistakes));
    tcase_add_loop_test(tcase, options_go_with_modes, OPTIONS_CHECK, OPTIONS_CAPTURE + 1);
    tcase_add_test(tcase, policies_add_up);
    tcase_add_loop_test(tcase, mode_is_chosen, 0, COUNT(modes));
    tcase_add_loop_test(tcase, option_has_its_effect, 0, COUNT(effects));
    tcase_add_test(tcase, help_is_whole);
    tcase_add_test(tcase, help_says_it_in_these_words);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
