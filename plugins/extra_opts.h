/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --extra-opts: the ini files that hold options, and where they are looked for. What the options mean is up to
 * options.c.
 */
#ifndef EXTRA_OPTS_H
#define EXTRA_OPTS_H

#include "ini.h"

#include <stdbool.h>

/* What one --extra-opts brought. */
struct extra_opts_source {
    char *name; /* the file's, for a reader */
    char *bytes;
    struct ini_section section; /* its texts are in bytes */
};

#define EXTRA_OPTS_MISTAKE_SIZE 480
#define EXTRA_OPTS_PLACES_SIZE 800

struct extra_opts {
    struct extra_opts_source *sources; /* in the order they were asked for */
    size_t count;
    bool reads_stdin;
    char mistake[EXTRA_OPTS_MISTAKE_SIZE]; /* the first, a sentence with its place; "" for none */
    char places[EXTRA_OPTS_PLACES_SIZE];   /* where files were looked for, if none was found; "" else */
};

/* Where a file is looked for when none is named. Texts are borrowed. */
struct extra_opts_search {
    const char *config_file;     /* this one, NULL for none */
    const char *config_path;     /* else in these folders, with colons between them, NULL for none */
    const char *const *defaults; /* else the first of these that is there; the list ends with NULL */
};

/* What the environment ($MP_CONFIG_FILE, $NAGIOS_CONFIG_PATH) and the monitoring-plugins' list of places say. */
struct extra_opts_search extra_opts_search(void);

/*
 * Reads the section of each "[section][@file]"; a NULL or "" for neither. The first mistake is in extra->mistake,
 * beside all that could be read. Returns 0 even so, -ENOMEM when out of memory. In any case extra_opts_clear() ends it.
 */
int extra_opts_load(struct extra_opts *extra, const char *const *locators, size_t count,
                    const struct extra_opts_search *search);

/* Frees what extra_opts_load() made, for a zeroed struct too. */
void extra_opts_clear(struct extra_opts *extra);

/*
 * Writes "FILE:LINE: sentence" ("FILE: sentence" for a line of 0) to `text`. Of a long name only the end, so that there
 * is room for the sentence.
 */
void extra_opts_place_format(char *text, size_t size, const char *name, size_t line, const char *sentence);

#endif
