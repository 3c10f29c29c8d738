/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "extra_opts.h"
#include "plugin/range.h"
#include "plugin/state.h"
#include "render/writer.h"
#include "snapshot/sources.h"

#include <stdbool.h>
#include <stddef.h>

enum options_mode {
    OPTIONS_CHECK,
    OPTIONS_LIST,
    OPTIONS_LEARN,
    OPTIONS_LINT,
    OPTIONS_CAPTURE,
    OPTIONS_HELP,
    OPTIONS_VERSION
};

struct options_rule {
    const char *text;
    const char *file; /* the ini file that it is in, NULL for the command line */
    size_t place;     /* its line there, or which rule of the command line it is, from 1 */
};

/* Texts are borrowed from argv and from the extra options. */
struct options {
    enum options_mode mode;
    struct options_rule *rules; /* owned list */
    size_t rule_count;
    const char **replays; /* owned list; judged instead of this host when there are any */
    size_t replay_count;
    const char **baselines; /* owned list; captures to compare with */
    size_t baseline_count;
    const char *hosts;  /* file with the names of those that must be there, "-" for standard input; NULL for none */
    unsigned max_age;   /* of a capture, in days; 0 for any */
    const char *policy; /* file, "-" for standard input; NULL for none */
    bool warning_set;
    bool critical_set;
    struct range warning;
    struct range critical;
    unsigned timeout; /* seconds; 0 for none: a replay has none of its own, however many captures there are */
    enum state timeout_state;
    unsigned verbose;            /* 0 to 3 */
    const struct writer *writer; /* of --format; never NULL once options_parse() was called */
    bool one_line;               /* --details=none: nothing below the first line of a check's answer */
    enum labels_set perfdata;
    enum sources_choice source;
    bool source_set;
    const char *procfs; /* directory; NULL for this host's */
    const char *netns;  /* NULL for the one it runs in */
    const char **extra; /* owned list; of each --extra-opts its "[section][@file]", or NULL */
    size_t extra_count;
};

#define OPTIONS_MISTAKE_SIZE EXTRA_OPTS_MISTAKE_SIZE

struct options_mistake {
    char sentence[OPTIONS_MISTAKE_SIZE];
    const char *more;  /* a second sentence, borrowed as the options' texts are; NULL for none */
    bool in_arguments; /* of the command line, so that its usage is worth telling */
};

/*
 * Reads the command line, the options of `extra` before it; NULL where they have not been read yet, and then
 * options->extra says what is to be read before options can be whole. Returns 0 and the options, which options_clear()
 * ends; or -EINVAL, and *mistake is the first one; or -ENOMEM. Even then options->writer is the one that was asked
 * for, before the mistake or behind it. argv may be reordered.
 */
int options_parse(struct options *options, int argc, char **argv, const struct extra_opts *extra,
                  struct options_mistake *mistake);

void options_clear(struct options *options);

/* One line that shows the shape of a call. */
extern const char options_usage[];

#define OPTIONS_HELP_SIZE 4096

/* Writes the whole help, which fits a screen: the options, and the words of rules. Returns text. */
const char *options_help(char text[static OPTIONS_HELP_SIZE]);

#endif
