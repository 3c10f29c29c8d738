/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "plugin/range.h"
#include "plugin/state.h"

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

enum options_perfdata {
    OPTIONS_PERFDATA_DEFAULT, /* mapped, or totals for a policy of many rules */
    OPTIONS_PERFDATA_TOTALS,
    OPTIONS_PERFDATA_MAPPED,
    OPTIONS_PERFDATA_FULL
};

enum options_source {
    OPTIONS_SOURCE_AUTO,
    OPTIONS_SOURCE_NETLINK,
    OPTIONS_SOURCE_PROCFS
};

/* Texts are borrowed from argv. */
struct options {
    enum options_mode mode;
    const char **rules; /* owned list */
    size_t rule_count;
    const char **replays; /* owned list; judged instead of this host when there are any */
    size_t replay_count;
    const char *policy; /* file, "-" for standard input; NULL for none */
    bool warning_set;
    bool critical_set;
    struct range warning;
    struct range critical;
    unsigned timeout; /* seconds */
    enum state timeout_state;
    unsigned verbose; /* 0 to 3 */
    bool json;
    enum options_perfdata perfdata;
    enum options_source source;
    bool source_set;
    const char *procfs; /* directory; NULL for this host's */
    const char *netns;  /* NULL for the one it runs in */
};

#define OPTIONS_ERROR_SIZE 320

/*
 * Reads the command line. Returns 0 and the options, which options_clear() ends; or -EINVAL, and `error` is the
 * sentence that says what is wrong; or -ENOMEM. Even then options->json tells whether JSON was asked for before the
 * mistake. argv may be reordered.
 */
int options_parse(struct options *options, int argc, char **argv, char error[static OPTIONS_ERROR_SIZE]);

void options_clear(struct options *options);

/* One line that shows the shape of a call, and the whole help, which fits a screen. */
extern const char options_usage[];
extern const char options_help[];

#endif
