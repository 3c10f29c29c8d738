/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * JSON that is written as it is made.
 */
#include "config.h"

#include "capture/json_stream.h"

#include "audit/day.h"
#include "plugin/escape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Texts are repaired in pieces of at most this many bytes. */
#define PIECE_SIZE 256

static void bytes_write(const struct json_stream *json, const char *bytes, size_t length)
{
    json->sink->write(bytes, length, json->sink->context);
}

/* Writes what comes before a value. */
static void value_begin(struct json_stream *json, const char *key)
{
    if (json->follows) {
        bytes_write(json, ",", 1);
    }
    if (json->on_line) {
        bytes_write(json, "\n", 1);
    }
    if (key != NULL) {
        bytes_write(json, "\"", 1);
        sink_text(json->sink, key);
        bytes_write(json, "\":", 2);
    }
    json->follows = true;
    json->on_line = false;
}

static void bracket_open(struct json_stream *json, const char *key, const char *bracket)
{
    value_begin(json, key);
    bytes_write(json, bracket, 1);
    json->follows = false;
}

static void bracket_close(struct json_stream *json, const char *bracket)
{
    bytes_write(json, bracket, 1);
    json->follows = true;
}

void json_stream_object(struct json_stream *json, const char *key)
{
    bracket_open(json, key, "{");
}

void json_stream_object_end(struct json_stream *json)
{
    bracket_close(json, "}");
}

void json_stream_array(struct json_stream *json, const char *key)
{
    bracket_open(json, key, "[");
}

void json_stream_array_end(struct json_stream *json)
{
    bracket_close(json, "]");
}

void json_stream_null(struct json_stream *json, const char *key)
{
    value_begin(json, key);
    sink_text(json->sink, "null");
}

void json_stream_boolean(struct json_stream *json, const char *key, bool value)
{
    value_begin(json, key);
    sink_text(json->sink, value ? "true" : "false");
}

void json_stream_integer(struct json_stream *json, const char *key, int64_t value)
{
    char digits[sizeof "-9223372036854775808"];
    int length = snprintf(digits, sizeof digits, "%" PRId64, value);

    value_begin(json, key);
    bytes_write(json, digits, (size_t)length);
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

/* The code point at `character` when it must be escaped: what JSON does not take as it is, and what controls terminals
 * (U+007F to U+009F); else 0. */
static unsigned escaped_code_point(const char *character)
{
    const unsigned char first = (unsigned char)character[0];
    const unsigned char second = first == 0xC2 ? (unsigned char)character[1] : 0;

    if (first < ' ' || first == '"' || first == '\\' || first == 0x7F) {
        return first;
    }
    return second >= 0x80 && second <= 0x9F ? second : 0;
}

static void code_point_escape(const struct json_stream *json, unsigned code_point)
{
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = memchr(named, (int)code_point, sizeof named - 1);
    char escaped[sizeof "\\u009F"];
    int length = found != NULL ? snprintf(escaped, sizeof escaped, "\\%c", letters[found - named])
                               : snprintf(escaped, sizeof escaped, "\\u%04X", code_point & 0xFFu);

    bytes_write(json, escaped, (size_t)length);
}

/* The bytes are whole characters of valid UTF-8, none of them NUL. */
static void utf8_write(const struct json_stream *json, const char *bytes, size_t length)
{
    const char *end = bytes + length;

    while (bytes < end) {
        const char *plain = bytes;
        unsigned code_point = 0;
        while (bytes < end && (code_point = escaped_code_point(bytes)) == 0) {
            bytes++;
        }
        bytes_write(json, plain, (size_t)(bytes - plain));
        if (bytes < end) {
            code_point_escape(json, code_point);
            bytes += code_point < 0x80 ? 1 : 2;
        }
    }
}

void json_stream_text(struct json_stream *json, const char *key, const char *text)
{
    char repaired[ESCAPE_SIZE(PIECE_SIZE)];

    value_begin(json, key);
    bytes_write(json, "\"", 1);
    while (*text != '\0') {
        size_t length = escape_piece_length(text, PIECE_SIZE);
        utf8_write(json, repaired, escape_copy(repaired, sizeof repaired, text, length, ESCAPE_UTF8));
        text += length;
    }
    bytes_write(json, "\"", 1);
}

void json_stream_text_or_null(struct json_stream *json, const char *key, const char *text)
{
    if (text == NULL || *text == '\0') {
        json_stream_null(json, key);
    } else {
        json_stream_text(json, key, text);
    }
}

/* --- what is written often ---------------------------------------------------------------------------------------- */

void json_stream_integer_or_null(struct json_stream *json, const char *key, bool is_known, int64_t value)
{
    if (is_known) {
        json_stream_integer(json, key, value);
    } else {
        json_stream_null(json, key);
    }
}

void json_stream_v6only(struct json_stream *json, enum record_family family, enum record_v6only v6only)
{
    static const enum record_answer answers[] = {
        [RECORD_V6ONLY_UNKNOWN] = RECORD_UNKNOWN,
        [RECORD_V6ONLY_NO] = RECORD_NO,
        [RECORD_V6ONLY_YES] = RECORD_YES,
    };
    _Static_assert(sizeof answers / sizeof *answers == RECORD_V6ONLY_ANSWERS, "each answer has a row");

    json_stream_answer(json, "v6only", family == RECORD_INET6 ? answers[v6only] : RECORD_UNKNOWN);
}

void json_stream_time(struct json_stream *json, const char *key, time_t time)
{
    char text[DAY_TIME_SIZE];

    json_stream_text_or_null(json, key, day_time_format(text, time));
}

void json_stream_answer(struct json_stream *json, const char *key, enum record_answer answer)
{
    if (answer == RECORD_UNKNOWN) {
        json_stream_null(json, key);
    } else {
        json_stream_boolean(json, key, answer == RECORD_YES);
    }
}

void json_stream_line(struct json_stream *json)
{
    json->on_line = true;
}

void json_stream_end(struct json_stream *json)
{
    bytes_write(json, "\n", 1);
}
