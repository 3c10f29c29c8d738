/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One section of an ini file.
 */
#include "config.h"

#include "ini.h"

#include "file.h"
#include "plugin/escape.h"
#include "socket/array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\v\f\r"

/* The section that these lines belong to. */
enum place {
    PLACE_BEFORE, /* no section's yet */
    PLACE_OTHER,
    PLACE_INSIDE
};

struct parser {
    struct ini_section *section;
    const char *name;
    enum place place;
    size_t line;
};

/* The first mistake is kept. */
#define MISTAKE(section, line, ...)                                                                                    \
    do {                                                                                                               \
        if ((section)->mistake[0] == '\0') {                                                                           \
            (section)->mistake_line = (line);                                                                          \
            snprintf((section)->mistake, INI_MISTAKE_SIZE, __VA_ARGS__);                                               \
        }                                                                                                              \
    } while (0)

/* Cuts the blanks off both ends; `end` is where its NUL may be written. */
static char *trim(char *text, char *end)
{
    while (text < end && strchr(BLANKS, *text) != NULL) {
        text++;
    }
    while (end > text && strchr(BLANKS, end[-1]) != NULL) {
        end--;
    }
    *end = '\0';
    return text;
}

static int entry_add(struct ini_section *section, const struct ini_entry *entry)
{
    struct ini_entry *grown = array_grow(section->entries, section->count, sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    section->entries = grown;
    section->entries[section->count++] = *entry;
    return 0;
}

/* `text` is a whole line that starts with "[". */
static void header_parse(struct parser *parser, char *text)
{
    char *close = strchr(text, ']');

    parser->place = PLACE_OTHER;
    if (close == NULL) {
        MISTAKE(parser->section, parser->line, "'%.60s' has no ]: write [SECTION]", text);
        return;
    }
    if (strcmp(trim(text + 1, close), parser->name) != 0) {
        return;
    }
    parser->place = PLACE_INSIDE;
    parser->section->header_line = parser->line;
    text = close + 1 + strspn(close + 1, BLANKS);
    if (*text != '\0' && *text != '#' && *text != ';') {
        MISTAKE(parser->section, parser->line, "'%.60s' follows a section's name: put it on a line of its own", text);
    }
}

static int entry_parse(struct parser *parser, char *text)
{
    struct ini_entry entry = {.line = parser->line};
    char *equals = strchr(text, '=');

    if (equals == NULL) {
        MISTAKE(parser->section, parser->line, "'%.60s' has no =: write OPTION=VALUE, or OPTION= without a value",
                text);
        return 0;
    }
    entry.value = trim(equals + 1, equals + 1 + strlen(equals + 1));
    entry.key = trim(text, equals);
    if (*entry.key == '\0') {
        MISTAKE(parser->section, parser->line, "no option before the =: write OPTION=VALUE");
        return 0;
    }
    return entry_add(parser->section, &entry);
}

static int line_parse(struct parser *parser, char *text)
{
    if (*text == '\0' || *text == '#' || *text == ';') {
        return 0;
    }
    if (*text == '[') {
        header_parse(parser, text);
        return 0;
    }
    if (parser->place == PLACE_BEFORE) {
        MISTAKE(parser->section, parser->line, "'%.60s' is not in a section: write [%.60s] above it", text,
                parser->name);
    }
    return parser->place == PLACE_INSIDE ? entry_parse(parser, text) : 0;
}

int ini_parse(struct ini_section *section, char *bytes, size_t length, const char *name)
{
    struct parser parser = {.section = section, .name = name};
    char *end = bytes + length;
    size_t nul_line = file_nul_line(bytes, length);
    char *next;

    *section = (struct ini_section){0};
    if (nul_line > 0) {
        MISTAKE(section, nul_line, "is not a text file: NUL byte in this line");
        return -EINVAL;
    }
    for (char *line = bytes + escape_byte_order_mark(bytes, length); line < end; line = next) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *stop = newline != NULL ? newline : end;
        next = stop + 1;
        parser.line++;
        if (line_parse(&parser, trim(line, stop)) != 0) {
            return -ENOMEM;
        }
    }
    if (section->header_line == 0) {
        MISTAKE(section, 0, "has no section [%.60s]", name);
    } else if (section->count == 0) {
        MISTAKE(section, section->header_line, "the section [%.60s] is empty: write OPTION=VALUE below it", name);
    }
    return section->mistake[0] == '\0' ? 0 : -EINVAL;
}

void ini_clear(struct ini_section *section)
{
    free(section->entries);
    *section = (struct ini_section){0};
}
