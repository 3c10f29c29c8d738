/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Checks UTF-8 and replaces what could confuse a reader of the output.
 */
#include "config.h"

#include "plugin/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* How longer characters start (Unicode, table 3-7). The bounds of the second byte shut out the wrong forms. */
static const struct lead {
    unsigned char first;
    unsigned char last;
    unsigned char second_first;
    unsigned char second_last;
    size_t length;
} leads[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

/* The bytes that are written for one character, or for one broken part of one. */
struct piece {
    const char *bytes;
    size_t length;
};

static const struct piece replacement_character = {"\xEF\xBF\xBD", 3};
static const struct piece space = {" ", 1};

static const struct lead *lead_find(unsigned char byte)
{
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

/* Returns the length of the character at `source`, or of its longest part that could begin one. `length` is not 0. */
static size_t character_measure(const unsigned char *source, size_t length, bool *complete)
{
    const struct lead *lead;
    size_t taken = 1;

    *complete = source[0] < 0x80;
    if (*complete) {
        return 1;
    }
    lead = lead_find(source[0]);
    if (lead == NULL || length < 2 || source[1] < lead->second_first || source[1] > lead->second_last) {
        return 1;
    }
    for (taken = 2; taken < lead->length && taken < length; taken++) {
        if (source[taken] < 0x80 || source[taken] > 0xBF) {
            break;
        }
    }
    *complete = taken == lead->length;
    return taken;
}

/* Characters that monitoring transports do not accept: another character for each, or its name. */
static struct piece refused_as_text(enum escape_rule rule, const char *replacement, const char *name)
{
    return rule == ESCAPE_NAMED ? (struct piece){name, strlen(name)} : (struct piece){replacement, 1};
}

static struct piece ascii_as_text(const char *character, enum escape_rule rule)
{
    if (rule == ESCAPE_LINE) {
        return (unsigned char)*character < 0x20 || *character == 0x7F ? space : (struct piece){character, 1};
    }
    switch (*character) {
    case '|':
        return refused_as_text(rule, "/", "(pipe)");
    case ';':
        return refused_as_text(rule, ",", "(semicolon)");
    case '<':
        return refused_as_text(rule, "(", "(less-than)");
    case '>':
        return refused_as_text(rule, ")", "(greater-than)");
    default:
        return (unsigned char)*character < 0x20 || *character == 0x7F ? space : (struct piece){character, 1};
    }
}

/* Beyond ASCII: the C1 controls, marks of direction that could turn a line around for its reader, line separators. */
static const struct unprintable {
    uint32_t first;
    uint32_t last;
} unprintables[] = {{0x80, 0x9F}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};

/* The code point of a valid character of two or more bytes. */
static uint32_t code_point_of(const char *character, size_t length)
{
    uint32_t code_point = (unsigned char)character[0] & (0x7Fu >> length);

    for (size_t i = 1; i < length; i++) {
        code_point = code_point << 6 | ((unsigned char)character[i] & 0x3Fu);
    }
    return code_point;
}

static struct piece character_as_text(const char *character, size_t length, enum escape_rule rule)
{
    uint32_t code_point;

    if (length == 1) {
        return ascii_as_text(character, rule);
    }
    code_point = code_point_of(character, length);
    for (size_t i = 0; i < sizeof unprintables / sizeof *unprintables; i++) {
        if (unprintables[i].first <= code_point && code_point <= unprintables[i].last) {
            return space;
        }
    }
    return (struct piece){character, length};
}

static struct piece character_replace(const char *character, size_t length, enum escape_rule rule)
{
    if (*character == '\0') {
        return space;
    }
    if (rule != ESCAPE_UTF8) {
        return character_as_text(character, length, rule);
    }
    return (struct piece){character, length};
}

size_t escape_copy(char *target, size_t size, const char *source, size_t length, enum escape_rule rule)
{
    size_t written = 0;
    size_t taken;

    for (size_t at = 0; at < length; at += taken) {
        bool complete;
        struct piece piece = replacement_character;

        taken = character_measure((const unsigned char *)source + at, length - at, &complete);
        if (complete) {
            piece = character_replace(source + at, taken, rule);
        }
        if (piece.length > size - 1 - written) {
            break;
        }
        memcpy(target + written, piece.bytes, piece.length);
        written += piece.length;
    }
    target[written] = '\0';
    return written;
}

/*
 * A character has at most three bytes behind its first one, so where more of them follow each other than that, they
 * belong to none.
 */
size_t escape_piece_length(const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    size_t whole = length;

    while (length == most && whole > most - 4 && ((unsigned char)text[whole] & 0xC0) == 0x80) {
        whole--;
    }
    return whole > most - 4 ? whole : length;
}

size_t escape_byte_order_mark(const char *bytes, size_t length)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};

    return length >= sizeof mark && memcmp(bytes, mark, sizeof mark) == 0 ? sizeof mark : 0;
}
