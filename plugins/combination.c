/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Which options can be combined on a command line.
 */
#include "config.h"

#include "combination.h"

#include "plugin/text_buffer.h"

#include <string.h>

/* Room for the modes that a sentence names. */
#define LIST_SIZE 160

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

/* Each option goes with some modes: an option without an effect is refused. */
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

/* Standard input can be read only once. */
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

int combination_check(struct option_reader *reader, const struct extra_opts *extra)
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
    if (options->every_netns && options->mode == OPTIONS_LEARN) {
        return OPTION_FAIL(reader, "--learn writes one policy, so it does not go with --netns=all: name one namespace");
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
        return OPTION_FAIL(reader, "--%s needs --replay: without captures it is the host it runs on that is checked",
                           options->hosts != NULL ? "hosts" : "max-age");
    }
    result = stdin_check(reader, extra);
    return result != 0 ? result : policies_check(reader);
}
