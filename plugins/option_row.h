/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The table of options, for the files that read, explain and list them; only they include it.
 */
#ifndef OPTION_ROW_H
#define OPTION_ROW_H

#include "options.h"

#include <errno.h>
#include <stdio.h>

struct option_reader;

/* An option: all that getopt_long(), --help and the reader of its value must know. A mode is one, too. */
struct option_row {
    const char *name;
    const char *value; /* as --help shows it: "" takes none, "=FILE" needs one, "[=WORD]" may have one */
    const char *help;  /* NULL: the next option has the words for both; "": the words that the value may be */
    int (*read)(struct option_reader *reader, const char *value);
    const char *(*word)(int index); /* the words that the value may be, NULL where it is free */
    enum options_mode mode;         /* that it asks for, if it is one of those that do */
    unsigned modes;                 /* a bit for each mode that it goes with; 0: for any */
    char letter;                    /* 0 for none */
    bool beside;                    /* in --help on the line of the option before it */
};

#define OPTION_ROWS_MOST 64
#define OPTION_ERROR_SIZE 320

/* Where an option was first given. */
struct option_place {
    bool is_given;
    const char *file;
    size_t line;
};

/* What is being read, and where errors in it are reported. */
struct option_reader {
    struct options *options;
    const struct option_row *row;
    const char *file; /* an ini file; NULL for the command line */
    size_t line;      /* in the ini file */
    size_t rules;     /* so many on the command line */
    struct option_place places[OPTION_ROWS_MOST];
    char error[OPTION_ERROR_SIZE];
};

#define OPTION_FAIL(reader, ...) (snprintf((reader)->error, OPTION_ERROR_SIZE, __VA_ARGS__), -EINVAL)

/* Row number `index`, in the order of --help; NULL behind the last one. */
const struct option_row *option_row(int index);

/* Its name; NULL behind the last one. */
const char *option_row_word(int index);

/* True for an option that asks for a mode other than help and version. */
bool option_row_is_mode(const struct option_row *row);

/* True for --extra-opts, which says where options are. */
bool option_row_is_extra_opts(const struct option_row *row);

#endif
