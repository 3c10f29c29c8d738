/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What was asked for on the command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "plugin/range.h"
#include "plugin/state.h"
#include "render/writer.h"
#include "snapshot/sources.h"

#include <stdbool.h>
#include <stddef.h>

/* Seconds, where none are given; a replay has no limit of its own. */
#define OPTIONS_TIMEOUT 8

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
    const char *hosts;     /* file with the names of those that must be there, "-" for standard input; NULL for none */
    unsigned max_age;      /* of a capture, in days; 0 for any */
    const char **policies; /* owned list of files, "-" for standard input: together they are one policy */
    size_t policy_count;
    bool strict; /* of --lint: warnings count */
    bool warning_set;
    bool critical_set;
    struct range warning;
    struct range critical;
    unsigned timeout; /* seconds; 0 for none: a replay has none of its own, however many captures there are */
    enum state timeout_state;
    unsigned verbose;            /* 0 to 3 */
    unsigned peers;              /* so many clients of each service; 0: not asked for */
    const struct writer *writer; /* of --format; never NULL once options_init() was called */
    bool one_line;               /* --details=none: nothing below the first line of a check's answer */
    enum labels_set perfdata;
    enum sources_choice source;
    bool source_set;
    bool every_netns;   /* --netns=all */
    const char *procfs; /* directory; NULL for this host's */
    const char *netns;  /* NULL for the one it runs in */
    const char **extra; /* owned list; of each --extra-opts its "[section][@file]", or NULL */
    size_t extra_count;
};

/* As they are when none was given. */
void options_init(struct options *options);

void options_clear(struct options *options);

#endif
