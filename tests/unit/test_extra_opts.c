/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of plugins/extra_opts.c, which file is read and what is said about it, and of what plugins/options.c makes of
 * the options in it.
 */
#include "config.h"

#include "arguments.h"

#include "folder.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 512

/* Each test is in a folder of its own, which is the working directory. */
static void folder_enter(void)
{
    folder_make();
    ck_assert_int_eq(chdir(folder_name()), 0);
}

static void folder_leave(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    folder_remove();
}

static const struct extra_opts_search nowhere = {.defaults = (const char *const[]){NULL}};

static void load(struct extra_opts *extra, const char *locator, const struct extra_opts_search *search)
{
    ck_assert_int_eq(extra_opts_load(extra, &locator, 1, search), 0);
}

/* The value of the only entry of the only source: which file and section it is from. */
static void value_check(const char *locator, const struct extra_opts_search *search, const char *name,
                        const char *value)
{
    struct extra_opts extra;

    load(&extra, locator, search);
    ck_assert_str_eq(extra.mistake, "");
    ck_assert_str_eq(extra.places, "");
    ck_assert_uint_eq(extra.count, 1);
    ck_assert_str_eq(extra.sources[0].name, name);
    ck_assert_uint_eq(extra.sources[0].section.count, 1);
    ck_assert_str_eq(extra.sources[0].section.entries[0].value, value);
    extra_opts_clear(&extra);
}

static void mistake_check(const char *locator, const struct extra_opts_search *search, const char *mistake)
{
    struct extra_opts extra;

    load(&extra, locator, search);
    ck_assert_msg(strstr(extra.mistake, mistake) != NULL, "'%s'", extra.mistake);
    extra_opts_clear(&extra);
}

/* --- locators ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *locator;
    const char *name;
    const char *value;
} locators[] = {
    {NULL, "default.ini", "d"},           {"", "default.ini", "d"},
    {"web", "default.ini", "w"},          {"@other.ini", "other.ini", "od"},
    {"web@other.ini", "other.ini", "ow"}, {"web@a@b.ini", "a@b.ini", "at"},
    {"two words", "default.ini", "2"},
};

START_TEST(test_locators)
{
    const struct extra_opts_search search = {.defaults = (const char *const[]){"default.ini", NULL}};

    folder_write_text("default.ini", "[check_dualstack]\nr=d\n[web]\nr=w\n[two words]\nr=2\n");
    folder_write_text("other.ini", "[check_dualstack]\nr=od\n[web]\nr=ow\n");
    folder_write_text("a@b.ini", "[web]\nr=at\n");
    value_check(locators[_i].locator, &search, locators[_i].name, locators[_i].value);
}
END_TEST

START_TEST(test_locator_without_file)
{
    mistake_check("@", &nowhere, "no file name after the @");
    mistake_check("web@", &nowhere, "no file name after the @ of 'web@'");
}
END_TEST

START_TEST(test_standard_input_once)
{
    static const char *const twice[] = {"@-", "web@-"};
    struct extra_opts extra;
    int input = dup(STDIN_FILENO);

    folder_write_text("input", "[check_dualstack]\nr=in\n[web]\nr=web\n");
    ck_assert_ptr_nonnull(freopen("input", "r", stdin));
    value_check("@-", &nowhere, "standard input", "in");
    ck_assert_ptr_nonnull(freopen("input", "r", stdin));
    ck_assert_int_eq(extra_opts_load(&extra, twice, 2, &nowhere), 0);
    ck_assert(extra.reads_stdin);
    ck_assert_str_eq(extra.mistake, "standard input: can be read only once, but --extra-opts names it twice");
    extra_opts_clear(&extra);
    ck_assert_int_eq(dup2(input, STDIN_FILENO), STDIN_FILENO);
    close(input);
}
END_TEST

/* --- the search -------------------------------------------------------------------------------------------------- */

/* What the monitoring-plugins document, and no other: the first that is there is read. */
START_TEST(test_search_is_the_monitoring_plugins)
{
    static const char *const places[] = {
        "/usr/local/etc/monitoring-plugins/monitoring-plugins.ini",
        "/usr/local/etc/monitoring-plugins.ini",
        "/etc/monitoring-plugins/monitoring-plugins.ini",
        "/etc/monitoring-plugins.ini",
        "/etc/nagios/plugins.ini",
        "/usr/local/nagios/etc/plugins.ini",
        "/usr/local/etc/nagios/plugins.ini",
        "/etc/opt/nagios/plugins.ini",
        "/etc/nagios-plugins.ini",
        "/usr/local/etc/nagios-plugins.ini",
        "/etc/opt/nagios-plugins.ini",
    };
    struct extra_opts_search search;

    unsetenv("MP_CONFIG_FILE");
    setenv("NAGIOS_CONFIG_PATH", "/a:/b", 1);
    search = extra_opts_search();
    ck_assert_ptr_null(search.config_file);
    ck_assert_str_eq(search.config_path, "/a:/b");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        ck_assert_str_eq(search.defaults[i], places[i]);
    }
    ck_assert_ptr_null(search.defaults[sizeof places / sizeof *places]);
    setenv("MP_CONFIG_FILE", "/c", 1);
    unsetenv("NAGIOS_CONFIG_PATH");
    search = extra_opts_search();
    ck_assert_str_eq(search.config_file, "/c");
    ck_assert_ptr_null(search.config_path);
}
END_TEST

/* Files are taken away one by one, the one that ranks first before the others. */
START_TEST(test_search_order)
{
    static const char *const ranked[] = {
        "one/monitoring-plugins.ini",
        "one/plugins.ini",
        "one/nagios-plugins.ini",
        "two/plugins.ini",
        "first.ini",
        "second.ini",
    };
    const struct extra_opts_search search = {.config_path = "none:one::./two:",
                                             .defaults = (const char *const[]){"away.ini", "first.ini",
                                                                               "one/monitoring-plugins.ini/x",
                                                                               "second.ini", NULL}};
    char text[PATH_SIZE];
    char name[PATH_SIZE];
    struct extra_opts extra;

    folder_add_directory("one");
    folder_add_directory("two");
    for (size_t i = sizeof ranked / sizeof *ranked; i-- > 0;) {
        snprintf(text, sizeof text, "[check_dualstack]\nr=%s\n", ranked[i]);
        folder_write_text(ranked[i], text);
        snprintf(name, sizeof name, "%s%s", strncmp(ranked[i], "two", 3) == 0 ? "./" : "", ranked[i]);
        value_check(NULL, &search, name, ranked[i]);
    }
    for (size_t i = 0; i < sizeof ranked / sizeof *ranked; i++) {
        snprintf(name, sizeof name, "%s%s", strncmp(ranked[i], "two", 3) == 0 ? "./" : "", ranked[i]);
        value_check(NULL, &search, name, ranked[i]);
        ck_assert_int_eq(remove(ranked[i]), 0);
    }
    load(&extra, NULL, &search);
    ck_assert_msg(strstr(extra.mistake, "no ini file found") != NULL, "'%s'", extra.mistake);
    ck_assert_str_eq(extra.places, "looked for monitoring-plugins.ini, plugins.ini and nagios-plugins.ini in "
                                   "$NAGIOS_CONFIG_PATH (none:one::./two:), then for away.ini, first.ini, "
                                   "one/monitoring-plugins.ini/x, second.ini");
    extra_opts_clear(&extra);
}
END_TEST

START_TEST(test_config_file_is_before_all)
{
    struct extra_opts_search search = {.config_file = "named.ini",
                                       .config_path = ".",
                                       .defaults = (const char *const[]){"plugins.ini", NULL}};

    folder_write_text("plugins.ini", "[check_dualstack]\nr=p\n");
    mistake_check(NULL, &search, "named.ini: cannot be read: No such file or directory (named by $MP_CONFIG_FILE)");
    value_check("@plugins.ini", &search, "plugins.ini", "p");
    folder_write_text("named.ini", "[check_dualstack]\nr=n\n");
    value_check(NULL, &search, "named.ini", "n");
    search.config_file = "";
    mistake_check(NULL, &search, "$MP_CONFIG_FILE is set, but names no file");
}
END_TEST

/* A file that is there but cannot be read is not passed over for a lesser one. */
START_TEST(test_search_ends_at_what_cannot_be_read)
{
    const struct extra_opts_search search = {.config_path = "one",
                                             .defaults = (const char *const[]){"plugins.ini", NULL}};

    folder_add_directory("one");
    folder_add_directory("one/plugins.ini");
    folder_write_text("plugins.ini", "[check_dualstack]\nr=p\n");
    mistake_check(NULL, &search, "one/plugins.ini: cannot be read: Is a directory");
    folder_write_text("one/monitoring-plugins.ini", "[check_disk]\nr=p\n");
    mistake_check(NULL, &search, "one/monitoring-plugins.ini: has no section [check_dualstack]");
}
END_TEST

/* --- mistakes ---------------------------------------------------------------------------------------------------- */

START_TEST(test_mistakes_have_their_place)
{
    folder_write_text("a.ini", "[check_dualstack]\nr=1\n\nverbose\nx\n");
    mistake_check("@a.ini", &nowhere, "a.ini:4: 'verbose' has no =");
    mistake_check("web@a.ini", &nowhere, "a.ini: has no section [web]");
    mistake_check("@b.ini", &nowhere, "b.ini: cannot be read: No such file or directory");
    mistake_check("@/dev/zero", &nowhere, "/dev/zero: is longer than 1048576 bytes");
}
END_TEST

/* Of a long name the end is reported, and with it what is wrong. */
START_TEST(test_long_names)
{
    char locator[3000];
    struct extra_opts extra;

    memset(locator, 'x', sizeof locator);
    memcpy(locator + sizeof locator - 8, "end.ini", 8);
    locator[0] = '@';
    load(&extra, locator, &nowhere);
    ck_assert_msg(strncmp(extra.mistake, "...xxx", 6) == 0, "'%s'", extra.mistake);
    ck_assert_msg(strstr(extra.mistake, "xend.ini: cannot be read: ") != NULL &&
                      strstr(extra.mistake, strerror(ENAMETOOLONG)) != NULL,
                  "'%s'", extra.mistake);
    extra_opts_clear(&extra);
}
END_TEST

START_TEST(test_first_mistake_and_all_entries)
{
    static const char *const several[] = {"@a.ini", "@away.ini", "web@a.ini", NULL};
    struct extra_opts extra;

    folder_write_text("a.ini", "[check_dualstack]\nx\nr=1\n[web]\nformat=json\n");
    ck_assert_int_eq(extra_opts_load(&extra, several, 4, &nowhere), 0);
    ck_assert_msg(strncmp(extra.mistake, "a.ini:2: ", 9) == 0, "'%s'", extra.mistake);
    ck_assert_str_eq(extra.places, "");
    ck_assert_uint_eq(extra.count, 4);
    ck_assert_str_eq(extra.sources[0].section.entries[0].value, "1");
    ck_assert_str_eq(extra.sources[2].section.entries[0].value, "json");
    extra_opts_clear(&extra);
    ck_assert_int_eq(extra_opts_load(&extra, several, 0, &nowhere), 0);
    ck_assert_str_eq(extra.mistake, "");
    extra_opts_clear(&extra);
}
END_TEST

/* --- what the options mean --------------------------------------------------------------------------------------- */

static struct extra_opts extra;
static struct options options;
static struct arguments_mistake mistake;

/* A command line of these words. Its texts stay until the next one. */
static int arguments_set(char **argv, const char *arguments)
{
    static char words[256];
    int argc = 0;

    snprintf(words, sizeof words, "program %s", arguments);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    return argc;
}

/* Parses "a.ini" with this section, and these arguments behind it. */
static int parse(const char *section, const char *arguments)
{
    char *argv[16];
    int argc = arguments_set(argv, arguments);
    char text[1024];

    snprintf(text, sizeof text, "[check_dualstack]\n%s\n", section);
    folder_write_text("a.ini", text);
    load(&extra, "@a.ini", &nowhere);
    return arguments_parse(&options, argc, argv, &extra, &mistake);
}

static void parsed_clear(void)
{
    options_clear(&options);
    extra_opts_clear(&extra);
}

START_TEST(test_options)
{
    ck_assert_int_eq(parse("rule = 443 dual-stack\nr=80 any\nv=\nverbose =\nwarning=5\nwarn=6\nt=9:critical\n"
                           "format=json\npolicy=p.conf\nperfdata=full",
                           ""),
                     0);
    ck_assert_uint_eq(options.rule_count, 2);
    ck_assert_str_eq(options.rules[0].text, "443 dual-stack");
    ck_assert_str_eq(options.rules[0].file, "a.ini");
    ck_assert_uint_eq(options.rules[0].place, 2);
    ck_assert_uint_eq(options.rules[1].place, 3);
    ck_assert_uint_eq(options.verbose, 2);
    ck_assert(options.warning_set && !options.critical_set);
    ck_assert(range_alerts(&options.warning, 7) && !range_alerts(&options.warning, 6));
    ck_assert_uint_eq(options.timeout, 9);
    ck_assert_int_eq(options.timeout_state, STATE_CRITICAL);
    ck_assert_str_eq(options.writer->name, "json");
    ck_assert_str_eq(options.policies[0], "p.conf");
    ck_assert_int_eq(options.perfdata, LABELS_FULL);
    parsed_clear();
}
END_TEST

START_TEST(test_command_line_wins_and_adds)
{
    ck_assert_int_eq(parse("rule=443 any\nwarning=5\nformat=json\nt=9\npolicy=p.conf\nv=",
                           "--format=text -r80 -w0 -fq.conf --extra-opts -t7 -r81 -v"),
                     0);
    ck_assert_uint_eq(options.rule_count, 3);
    ck_assert_str_eq(options.rules[0].text, "443 any");
    ck_assert_str_eq(options.rules[1].text, "80");
    ck_assert_ptr_null(options.rules[1].file);
    ck_assert_uint_eq(options.rules[1].place, 1);
    ck_assert_uint_eq(options.rules[2].place, 2);
    ck_assert(range_alerts(&options.warning, 1));
    ck_assert_str_eq(options.writer->name, "text");
    ck_assert_uint_eq(options.timeout, 7);
    ck_assert_uint_eq(options.policy_count, 2);
    ck_assert_str_eq(options.policies[0], "p.conf");
    ck_assert_str_eq(options.policies[1], "q.conf");
    ck_assert_uint_eq(options.verbose, 2);
    parsed_clear();
}
END_TEST

static const struct {
    const char *section;
    const char *arguments;
    const char *said;
} mistakes[] = {
    {"v=\nwarning=5x", "", "a.ini:3: --warning: '5x' is not a threshold range"},
    {"w=5x", "", "a.ini:2: --warning: '5x' is not a threshold range"},
    {"bogus=1", "", "a.ini:2: unknown option bogus: see --help"},
    {"p=1", "", "a.ini:2: p is ambiguous: policy, perfdata, peers or procfs"},
    {"pro", "", "a.ini:2: 'pro' has no ="},
    {"p r=1", "", "a.ini:2: unknown option p r: see --help"},
    {"l=", "", "a.ini:2: l is ambiguous: list, learn or lint"},
    {"li=", "", "a.ini:2: li is ambiguous: list or lint"},
    {"--rule=1 any", "", "a.ini:2: unknown option --rule: write it without dashes"},
    {"-=", "", "a.ini:2: unknown option -: write it without dashes"},
    {":=", "", "a.ini:2: unknown option :: see --help"},
    {"verbose=3", "", "a.ini:2: 'verbose' takes no value: write verbose="},
    {"list=yes", "", "a.ini:2: 'list' takes no value"},
    {"rule=", "", "a.ini:2: 'rule' needs a value: write rule=RULE"},
    {"c=\nrule=80 any", "", "a.ini:2: 'c' needs a value: write c=RANGE"},
    {"extra-opts=web", "", "a.ini:2: 'extra-opts' is for the command line only"},
    {"extra=", "", "a.ini:2: 'extra' is for the command line only"},
    {"format=xml", "-Z", "a.ini:2: --format: 'xml' is unknown"},
    {"list=\nlearn=", "", "a.ini:3: --list and --learn do not go together: choose one"},
    {"polcy=x", "", "a.ini:2: unknown option polcy: did you mean policy?"},
    {"v=\npolicy=x", "--list", "a.ini:3: --policy does not go with --list, only with a check and --lint"},
    {"list=", "-f x", "--policy does not go with --list, only with a check and --lint"},
    {"lint=loose", "", "a.ini:2: --lint: unexpected 'loose': use --lint or --lint=strict"},
    {"timeout=0", "", "a.ini:2: --timeout: '0' is not a time"},
    {"policy=-\nreplay=-", "", "standard input can be read only once, not by --policy and by --replay"},
    {"replay=-\nreplay=-", "", "standard input can be read only once, not by --replay and by --replay"},
};

START_TEST(test_mistakes)
{
    const char *said = mistakes[_i].said;

    ck_assert_int_eq(parse(mistakes[_i].section, mistakes[_i].arguments), -EINVAL);
    ck_assert_msg(strncmp(mistake.sentence, said, strlen(said)) == 0, "'%s'", mistake.sentence);
    ck_assert_int_eq(mistake.in_arguments, strncmp(said, "a.ini", 5) != 0);
    parsed_clear();
}
END_TEST

/* JSON is wanted wherever in the file that stands. */
START_TEST(test_mistakes_beside_json)
{
    ck_assert_int_eq(parse("rubbish\nwarning=5x\nformat=json", ""), -EINVAL);
    ck_assert_msg(strncmp(mistake.sentence, "a.ini:2: ", 9) == 0, "'%s'", mistake.sentence);
    ck_assert_str_eq(options.writer->name, "json");
    parsed_clear();
}
END_TEST

START_TEST(test_help)
{
    ck_assert_int_eq(parse("bogus=1\nhelp=", "-Z"), 0);
    ck_assert_int_eq(options.mode, OPTIONS_HELP);
    parsed_clear();
}
END_TEST

START_TEST(test_version_behind_a_mistake)
{
    ck_assert_int_eq(parse("bogus=1", "--version"), 0);
    ck_assert_int_eq(options.mode, OPTIONS_VERSION);
    parsed_clear();
}
END_TEST

/* Before the files are read, the options say which there are. */
START_TEST(test_what_is_to_be_read)
{
    char *argv[16];
    int argc = arguments_set(argv, "--extra-opts=a@b -v --extra-opts --extra web -r --extra-opts");

    ck_assert_int_eq(arguments_parse(&options, argc, argv, NULL, &mistake), 0);
    ck_assert_uint_eq(options.extra_count, 3);
    ck_assert_str_eq(options.extra[0], "a@b");
    ck_assert_ptr_null(options.extra[1]);
    ck_assert_str_eq(options.extra[2], "web");
    ck_assert_str_eq(options.rules[0].text, "--extra-opts");
    options_clear(&options);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("extra_opts");
    TCase *files = tcase_create("files");
    TCase *meanings = tcase_create("meanings");

    tcase_add_checked_fixture(files, folder_enter, folder_leave);
    tcase_add_loop_test(files, test_locators, 0, sizeof locators / sizeof *locators);
    tcase_add_test(files, test_locator_without_file);
    tcase_add_test(files, test_standard_input_once);
    tcase_add_test(files, test_search_is_the_monitoring_plugins);
    tcase_add_test(files, test_search_order);
    tcase_add_test(files, test_config_file_is_before_all);
    tcase_add_test(files, test_search_ends_at_what_cannot_be_read);
    tcase_add_test(files, test_mistakes_have_their_place);
    tcase_add_test(files, test_long_names);
    tcase_add_test(files, test_first_mistake_and_all_entries);
    suite_add_tcase(suite, files);
    tcase_add_checked_fixture(meanings, folder_enter, folder_leave);
    tcase_add_test(meanings, test_options);
    tcase_add_test(meanings, test_command_line_wins_and_adds);
    tcase_add_loop_test(meanings, test_mistakes, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_test(meanings, test_mistakes_beside_json);
    tcase_add_test(meanings, test_help);
    tcase_add_test(meanings, test_version_behind_a_mistake);
    tcase_add_test(meanings, test_what_is_to_be_read);
    suite_add_tcase(suite, meanings);
    return suite;
}

int main(void)
{
    return unit_run(suite());
}
