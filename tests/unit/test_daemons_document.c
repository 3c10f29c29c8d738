/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/render/daemons.c: its rows are whole, and doc/DAEMONS.md, which real daemons are held to by
 * tests/servers, says the same.
 */
#include "config.h"

#include "render/daemons.h"

#include "plugin/text_buffer.h"
#include "socket/protocol.h"
#include "unit.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 9
#define CELL_SIZE 512
#define ROWS_MOST 64

enum cell {
    CELL_NAME,
    CELL_VERSION,
    CELL_UNIT,
    CELL_PORT,
    CELL_DEFAULT,
    CELL_BINDV6ONLY,
    CELL_V4_ONLY,
    CELL_V6_ONLY,
    CELL_DUAL
};

static const char *const heads[CELLS] = {"daemon",  "version", "unit",      "port", "by default", "with bindv6only=1",
                                         "v4-only", "v6-only", "dual-stack"};

static char document[ROWS_MOST][CELLS][CELL_SIZE];
static int row_count;

/* Reads "| a | b |" into cells; false for a line that has another number of them. */
static bool line_read(char *line, char cells[CELLS][CELL_SIZE])
{
    char *end = strrchr(line, '|');
    char *next = NULL;
    int count = 0;

    end[-1] = '\0';
    for (char *cell = line + strlen("| "); cell != NULL && count < CELLS; cell = next) {
        next = strstr(cell, " | ");
        if (next != NULL) {
            *next = '\0';
            next += strlen(" | ");
        }
        ck_assert_uint_lt(strlen(cell), CELL_SIZE);
        strcpy(cells[count++], cell);
    }
    return count == CELLS && next == NULL;
}

/* The rows of the table in doc/DAEMONS.md. */
static void document_read(void)
{
    const char *top = getenv("TOP_SRCDIR");
    char path[4096];
    char line[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/doc/DAEMONS.md", top != NULL ? top : ".");
    file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    row_count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "| ", 2) == 0) {
            ck_assert_int_lt(row_count, ROWS_MOST);
            ck_assert_msg(line_read(line, document[row_count]), "%s: a row of another size: %s", path, line);
            row_count++;
        }
    }
    fclose(file);
    ck_assert_int_gt(row_count, 20);
    for (int i = 0; i < CELLS; i++) {
        ck_assert_str_eq(document[0][i], heads[i]);
    }
}

/*
 * The directives of the first of the ways in a cell that ends with `mark`, as the program has them: without backticks
 * and semicolons. "" for none.
 */
static const char *directives_of(char text[static CELL_SIZE], const char *cell, const char *mark)
{
    char copy[CELL_SIZE];
    char *next;

    snprintf(copy, sizeof copy, "%s", cell);
    *text = '\0';
    for (char *way = copy; way != NULL; way = next) {
        size_t length;
        next = strstr(way, " or ");
        if (next != NULL) {
            *next = '\0';
            next += strlen(" or ");
        }
        length = strlen(way);
        if (*way == '`' && length > strlen(mark) && strcmp(way + length - strlen(mark), mark) == 0) {
            way[length - strlen(mark)] = '\0';
            for (char *c = way, *end = text; *c != '\0'; c++) {
                *end = *c;
                end += *c != '`' && *c != ';';
                *end = '\0';
            }
            break;
        }
    }
    return text;
}

/* The words of the program with the port and the kind put in, "" for none. */
static const char *words_of(char text[static CELL_SIZE], const char *words, const char *port)
{
    enum record_protocol protocol = RECORD_TCP;
    struct text_buffer filled = text_buffer_start(text, CELL_SIZE);
    size_t digits = strspn(port, "0123456789");
    char name[PROTOCOL_NAME_SIZE];

    snprintf(name, sizeof name, "%.*s", (int)strcspn(port + digits + 1, " "), port + digits + 1);
    ck_assert(protocol_parse(name, &protocol));
    for (const char *c = words != NULL ? words : ""; *c != '\0'; c++) {
        if (strncmp(c, "PORT", 4) == 0) {
            text_buffer_add(&filled, "%.*s", (int)digits, port);
            c += 3;
        } else if (strncmp(c, "KIND", 4) == 0) {
            text_buffer_add(&filled, "%s", protocol_of(protocol)->systemd);
            c += 3;
        } else {
            text_buffer_add(&filled, "%c", *c);
        }
    }
    return text;
}

/* What the document says of each daemon that the program knows is what the program says, and nothing is left out. */
START_TEST(document_says_the_same)
{
    static const struct {
        enum daemons_want want;
        enum cell cell;
        const char *mark;
    } wants[] = {
        {DAEMONS_V4_ONLY, CELL_V4_ONLY, "`"},
        {DAEMONS_V6_ONLY, CELL_V6_ONLY, "`"},
        {DAEMONS_SPLIT, CELL_DUAL, " (split)"},
        {DAEMONS_SINGLE, CELL_DUAL, " (single)"},
    };
    int known = 0;

    document_read();
    for (int row = 1; row < row_count; row++) {
        char(*cells)[CELL_SIZE] = document[row];
        const struct daemons_daemon *daemon = daemons_find(cells[CELL_UNIT]);
        for (size_t i = 0; daemon != NULL && i < sizeof wants / sizeof *wants; i++) {
            char said[CELL_SIZE], written[CELL_SIZE];
            directives_of(written, cells[wants[i].cell], wants[i].mark);
            words_of(said, daemon->words[wants[i].want], cells[CELL_PORT]);
            ck_assert_msg(strcmp(said, written) == 0, "%s: the program says \"%s\", doc/DAEMONS.md \"%s\"",
                          cells[CELL_NAME], said, written);
        }
        if (daemon != NULL) {
            ck_assert_str_eq(daemon->name, cells[CELL_NAME]);
            known++;
        }
    }
    ck_assert_int_gt(known, 20);
}
END_TEST

/* Each row of the program is of a daemon in the document. */
START_TEST(no_row_is_untried)
{
    const struct daemons_daemon *daemon;

    document_read();
    for (int i = 0; (daemon = daemons_row(i)) != NULL; i++) {
        bool is_tried = *daemon->name == '\0';
        for (int row = 1; row < row_count; row++) {
            is_tried |= daemons_find(document[row][CELL_UNIT]) == daemon;
        }
        ck_assert_msg(is_tried, "%s is not in doc/DAEMONS.md", daemon->name);
    }
    ck_assert_int_gt(row_count, 20);
}
END_TEST

static bool unit_fits(const struct daemons_daemon *daemon, const char *unit)
{
    for (int i = 0; i < DAEMONS_UNITS && daemon->units[i] != NULL; i++) {
        if (fnmatch(daemon->units[i], unit, 0) == 0) {
            return true;
        }
    }
    return false;
}

/* Whatever rows there are, monitoring systems take their words as they are, and each row can be reached. */
START_TEST(rows_are_whole)
{
    const struct daemons_daemon *daemon;
    int count = 0;

    for (; (daemon = daemons_row(count)) != NULL; count++) {
        bool has_words = false;
        for (int want = 0; want < DAEMONS_WORDS; want++) {
            const char *words = daemon->words[want];
            ck_assert_msg(words == NULL || strpbrk(words, "|;<>") == NULL, "%s", words);
            ck_assert_msg(words == NULL || (strstr(words, "ADDRESS") != NULL) == (want == DAEMONS_ADDRESS), "%s",
                          words);
            has_words |= words != NULL;
        }
        ck_assert_int_eq(has_words, *daemon->name != '\0');
        for (int unit = 0; unit < DAEMONS_UNITS && daemon->units[unit] != NULL; unit++) {
            for (int before = 0; before < count; before++) {
                ck_assert_msg(!unit_fits(daemons_row(before), daemon->units[unit]), "%s comes after %s",
                              daemon->units[unit], daemons_row(before)->units[0]);
            }
        }
    }
    ck_assert_int_gt(count, 20);
}
END_TEST

static const struct {
    const char *unit;
    const char *name; /* NULL: it does not tell for sure */
} units[] = {
    {"nginx.service", "nginx"},
    {"nginx@1.service", "nginx"},
    {"nginx-prometheus-exporter.service", NULL},
    {"prometheus-node-exporter.service", "Go"},
    {"ssh.service", "sshd"},
    {"sshd@7.service", "sshd"},
    {"sshguard.service", NULL},
    {"ssh.socket", "systemd"},
    {"nginx", NULL},
    {"/lxc/nginx.service", NULL},
    {"", NULL},
};

START_TEST(unit_tells_the_daemon)
{
    const struct daemons_daemon *daemon = daemons_find(units[_i].unit);

    ck_assert_int_eq(daemon != NULL, units[_i].name != NULL);
    if (daemon != NULL) {
        ck_assert_str_eq(daemon->name, units[_i].name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemons");
    TCase *tcase = tcase_create("daemons");

    tcase_add_test(tcase, document_says_the_same);
    tcase_add_test(tcase, no_row_is_untried);
    tcase_add_test(tcase, rows_are_whole);
    tcase_add_loop_test(tcase, unit_tells_the_daemon, 0, (int)(sizeof units / sizeof *units));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
