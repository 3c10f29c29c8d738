/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of plugins/options.c: the command line, a row for each way to say an option and each mistake. Options of ini
 * files are test_extra_opts.c's.
 */
#include "config.h"

#include "options.h"

#include "audit/rule.h"
#include "socket/protocol.h"

#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
#define WORDS_MOST 12

static struct options options;
static struct options_mistake mistake;
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
    return options_parse(&options, argc, argv, NULL, &mistake);
}

static const struct {
    const char *line;
    const char *said;
} mistakes[] = {
    {"-x", "unknown option -x, see --help"},
    {"-vx", "unknown option -x, see --help"},
    {"--nonsense", "unknown or ambiguous option --nonsense, see --help"},
    {"--nonsense=1", "unknown or ambiguous option --nonsense, see --help"},
    {"--li", "unknown or ambiguous option --li, see --help"},
    {"--pol", "--pol needs a value, see --help"},
    {"--policy", "--policy needs a value, see --help"},
    {"-f", "-f needs a value, see --help"},
    {"-vf", "-f needs a value, see --help"},
    {"--verbose=1", "--verbose takes no value, see --help"},
    {"--verb=1", "--verb takes no value, see --help"},
    {"--list=all", "--list takes no value, see --help"},
    {"--help=all", "--help takes no value, see --help"},
    {"443", "unexpected argument '443', rules are given with -r"},
    {"--policy=", "--policy: is empty"},
    {"--procfs=", "--procfs: is empty"},
    {"--netns=", "--netns: is empty"},
    {"--replay=", "--replay: is empty"},
    {"--baseline=", "--baseline: is empty"},
    {"--baseline=x --capture", "--baseline compares what a check or a replay finds, so it does not go with --list, "
                               "--learn, --lint or --capture"},
    {"--baseline=- --replay=-",
     "standard input can be read only once, not by --baseline and by --replay, name a file for one"},
    {"--baseline=- --baseline=-",
     "standard input can be read only once, not by --baseline and by --baseline, name a file for one"},
    {"-w 5x", "--warning: '5x' is no threshold range, write one such as 10, 5:10, 5: or @5:10"},
    {"--crit=10:5", "--critical: '10:5' is no threshold range, write one such as 10, 5:10, 5: or @5:10"},
    {"--replay=c --max-age=0", "--max-age: '0' is not a number of days, use whole days from 1 to 36500"},
    {"--replay=c --max-age=36501", "--max-age: '36501' is not a number of days, use whole days from 1 to 36500"},
    {"--replay=c --max-age=7d", "--max-age: '7d' is not a number of days, use whole days from 1 to 36500"},
    {"--replay=c --hosts=", "--hosts: is empty"},
    {"--hosts=h", "--hosts is about captures, so it needs --replay"},
    {"--max-age=7", "--max-age is about captures, so it needs --replay"},
    {"--replay=- --hosts=-",
     "standard input can be read only once, not by --hosts and by --replay, name a file for one"},
    {"-t 0", "--timeout: '0' is no time, write whole seconds from 1 to 86400, such as 8 or 8:critical"},
    {"-t 86401", "--timeout: '86401' is no time, write whole seconds from 1 to 86400, such as 8 or 8:critical"},
    {"-t 8:later", "--timeout: 'later' is no state, write ok, warning, critical or unknown"},
    {"--format=xml", "--format: 'xml' is unknown, write text, json, csv, html or prometheus"},
    {"--details=some", "--details: 'some' is unknown, write auto or none"},
    {"--list --format=prometheus",
     "--format=prometheus is for checks, so it does not go with --list, --learn, --lint or --capture"},
    {"--format=prometheus --lint",
     "--format=prometheus is for checks, so it does not go with --list, --learn, --lint or --capture"},
    {"--details=none --capture",
     "--details=none shortens a check's answer, so it does not go with --list, --learn, --capture"},
    {"--perfdata=all", "--perfdata: 'all' is unknown, write totals, mapped or full"},
    {"--source=ss", "--source: 'ss' is unknown, write auto, netlink or procfs"},
    {"--list --learn", "--list, --learn, --lint and --capture do not go together, choose one"},
    {"--capture --lint", "--list, --learn, --lint and --capture do not go together, choose one"},
    {"--replay=x --lint",
     "--replay judges a capture, so it does not go with --source, --procfs, --netns, --list, --learn, "
     "--lint or --capture"},
    {"--replay=x --source=auto",
     "--replay judges a capture, so it does not go with --source, --procfs, --netns, --list, "
     "--learn, --lint or --capture"},
    {"--procfs=x --source=netlink", "--procfs reads files, so it does not go with --source=netlink"},
    {"--procfs=x --netns=y", "--procfs and --netns do not go together, choose one"},
    {"-f - --replay=-", "standard input can be read only once, not by --policy and by --replay, name a file for one"},
    /* The first one is told. */
    {"-t 0 -w 5x --nonsense",
     "--timeout: '0' is no time, write whole seconds from 1 to 86400, such as 8 or 8:critical"},
};

START_TEST(mistake_is_told)
{
    ck_assert_int_eq(parse(mistakes[_i].line), -EINVAL);
    ck_assert_str_eq(mistake.sentence, mistakes[_i].said);
    ck_assert(mistake.in_arguments);
    options_clear(&options);
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
    options_clear(&options);
}
END_TEST

/* Each option by its letter, by its name and by the start of it, with its value behind it or in the next word. */
static const struct {
    const char *line;
    const char *policy, *procfs, *netns, *rule, *replay, *extra;
    unsigned timeout, verbose;
    double warning, critical; /* -1: none */
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
    text_check(options.policy, effects[_i].policy);
    text_check(options.procfs, effects[_i].procfs);
    text_check(options.netns, effects[_i].netns);
    text_check(options.rule_count > 0 ? options.rules[0].text : NULL, effects[_i].rule);
    text_check(options.replay_count > 0 ? options.replays[0] : NULL, effects[_i].replay);
    text_check(options.extra_count > 0 ? options.extra[0] : NULL, effects[_i].extra);
    ck_assert_uint_eq(options.timeout, effects[_i].timeout);
    ck_assert_uint_eq(options.verbose, effects[_i].verbose);
    ck_assert_int_eq(options.warning_set, effects[_i].warning >= 0);
    ck_assert_int_eq(options.critical_set, effects[_i].critical >= 0);
    ck_assert(!options.warning_set || range_alerts(&options.warning, effects[_i].warning + 1));
    ck_assert(!options.critical_set || !range_alerts(&options.critical, effects[_i].critical));
    options_clear(&options);
}
END_TEST

/* --- --help ------------------------------------------------------------------------------------------------------ */

/* All of it is there, on a screen: the words of rules as the tables have them. */
START_TEST(help_is_whole)
{
    char text[OPTIONS_HELP_SIZE];
    const char *rule = strstr(options_help(text), "\nRULE is ");
    const char *word;
    int lines = 0;

    ck_assert_ptr_nonnull(rule);
    ck_assert_uint_lt(strlen(text), OPTIONS_HELP_SIZE - 1);
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
        "Usage: check_dualstack [-r RULE]... [-f FILE] [-w RANGE] [-c RANGE] [option]...\n  -r, --rule=RULE    a rule "
        "such",
        "\n  -f, --policy=FILE  read rules from FILE, one a line (-: standard input)\n",
        "\n  -w, --warning=RANGE, -c, --critical=RANGE  on v4-mapped connections\n",
        "\n  --format=FORMAT    text json csv html prometheus        --details=none  1 line\n",
        "\n  --list             all sockets as netstat shows them, and what is on the wire\n",
        "\n  --extra-opts[=[SECTION][@FILE]]  options from an ini file, before these\n",
        "\n  --hosts=FILE       hosts to expect        --max-age=DAYS  of captures\n",
        "\n  -V, --version      print the version        -h, --help  print this\n",
        "\nRULE is PORTS[/tcp|/udp][@loopback|@link|@external] REQUIREMENT [KEY=VALUE]...\n  PORTS        443  80,443",
        "\n  REQUIREMENT  v4-only v6-only dual-stack: that; v4 v6: at least; any; closed\n",
        "\n  KEY          name severity missing form as bind reach unit user\n               mapped-warning "
        "mapped-critical ipv4-warning ipv4-critical\n               except-unit ephemeral waive-until note  More: "
        "check_dualstack(1)\n",
    };
    char text[OPTIONS_HELP_SIZE];

    options_help(text);
    for (int i = 0; i < COUNT(lines); i++) {
        ck_assert_msg(strstr(text, lines[i]) != NULL, "\"%s\" is not in:\n%s", lines[i], text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");

    tcase_add_loop_test(tcase, mistake_is_told, 0, COUNT(mistakes));
    tcase_add_loop_test(tcase, mode_is_chosen, 0, COUNT(modes));
    tcase_add_loop_test(tcase, option_has_its_effect, 0, COUNT(effects));
    tcase_add_test(tcase, help_is_whole);
    tcase_add_test(tcase, help_says_it_in_these_words);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
