/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/capture/json_stream.c: what is written is what another library makes of the same values.
 */
#include "config.h"

#include "capture/json_stream.h"
#include "plugin/escape.h"

#include "collect.h"
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(values_are_nested)
{
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    struct json_stream json = {.sink = &sink};

    json_stream_object(&json, NULL);
    json_stream_null(&json, "a");
    json_stream_boolean(&json, "b", true);
    json_stream_boolean(&json, "c", false);
    json_stream_array(&json, "d");
    json_stream_integer(&json, NULL, INT64_MIN);
    json_stream_integer(&json, NULL, INT64_MAX);
    json_stream_array(&json, NULL);
    json_stream_array_end(&json);
    json_stream_object(&json, NULL);
    json_stream_object_end(&json);
    json_stream_array_end(&json);
    json_stream_text(&json, "e", "");
    json_stream_text_or_null(&json, "f", "");
    json_stream_text_or_null(&json, "g", NULL);
    json_stream_text_or_null(&json, "h", "x");
    json_stream_time(&json, "i", 1795338000);
    json_stream_answer(&json, "j", RECORD_YES);
    json_stream_answer(&json, "k", RECORD_NO);
    json_stream_answer(&json, "l", RECORD_UNKNOWN);
    json_stream_object_end(&json);
    json_stream_end(&json);
    ck_assert_str_eq(collected.text,
                     "{\"a\":null,\"b\":true,\"c\":false,\"d\":[-9223372036854775808,9223372036854775807,"
                     "[],{}],\"e\":\"\",\"f\":null,\"g\":null,\"h\":\"x\",\"i\":\"2026-11-22T09:00:00Z\","
                     "\"j\":true,\"k\":false,\"l\":null}\n");
    collect_clear(&collected);
}
END_TEST

START_TEST(lines_begin_where_they_should)
{
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    struct json_stream json = {.sink = &sink};

    json_stream_array(&json, NULL);
    for (int i = 0; i < 2; i++) {
        json_stream_line(&json);
        json_stream_integer(&json, NULL, i);
        json_stream_integer(&json, NULL, i);
    }
    json_stream_array_end(&json);
    json_stream_end(&json);
    ck_assert_str_eq(collected.text, "[\n0,0,\n1,1]\n");
    collect_clear(&collected);
}
END_TEST

/* What is a control character to a terminal is escaped, as the other library does not do; frees its argument. */
static char *controls_escaped(char *json)
{
    char *escaped = malloc(strlen(json) * 6 + 1);
    char *to = escaped;

    for (const char *from = json; *from != '\0'; from++) {
        if (*from == '\x7f') {
            to += sprintf(to, "\\u007F");
        } else if (from[0] == '\xc2' && (unsigned char)from[1] >= 0x80 && (unsigned char)from[1] <= 0x9F) {
            to += sprintf(to, "\\u00%02X", (unsigned)(unsigned char)*++from);
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    free(json);
    return escaped;
}

static void assert_text(const char *text)
{
    size_t size = ESCAPE_SIZE(strlen(text));
    char *repaired = malloc(size);
    json_t *value = json_stringn(repaired, escape_copy(repaired, size, text, strlen(text), ESCAPE_UTF8));
    char *expected = controls_escaped(json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY));
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    struct json_stream json = {.sink = &sink};

    json_stream_text(&json, NULL, text);
    ck_assert_str_eq(collected.text, expected);
    collect_clear(&collected);
    free(expected);
    json_decref(value);
    free(repaired);
}

START_TEST(every_byte_is_escaped)
{
    char text[] = "a?b";

    for (int byte = 1; byte < 256; byte++) {
        text[1] = (char)byte;
        assert_text(text);
    }
}
END_TEST

/* Neighbours of the control characters stay as they are. */
static const struct {
    const char *text;
    const char *json;
} controls[] = {
    {"~", "\"~\""},
    {"\x7f", "\"\\u007F\""},
    {"\xc2\x80", "\"\\u0080\""},
    {"a.service\xc2\x9b"
     "31m",
     "\"a.service\\u009B31m\""},
    {"\xc2\x9f", "\"\\u009F\""},
    {"\xc2\xa0", "\"\xc2\xa0\""},
    {"\xc3\x9b", "\"\xc3\x9b\""},
    {"\x9b", "\"\xef\xbf\xbd\""},
    {"\xc2\x9b\xc2\x9b\x7f", "\"\\u009B\\u009B\\u007F\""},
};

START_TEST(controls_of_terminals_are_escaped)
{
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    struct json_stream json = {.sink = &sink};

    json_stream_text(&json, NULL, controls[_i].text);
    ck_assert_str_eq(collected.text, controls[_i].json);
    collect_clear(&collected);
}
END_TEST

/* Around the length of the pieces that texts are repaired in, whole characters and broken ones. */
static const char *const parts[] = {
    "\xc3\xa4",         "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf0\x9f\x98", "\xe2\x82", "\xc3", "\x80",
    "\x80\x80\x80\x80", "\xf5\x80\x80", "\xed\xa0\x80",     "\"",           "\\",       "\n",   "\x01",
    "\xc2\x9b",         "\x7f",
};

START_TEST(pieces_tear_nothing_apart)
{
    char text[1024];

    for (size_t before = 240; before < 270; before++) {
        for (size_t times = 1; times < 6; times++) {
            memset(text, 'x', before);
            text[before] = '\0';
            for (size_t i = 0; i < times; i++) {
                strcat(text, parts[_i]);
            }
            assert_text(text);
            strcat(text, "y");
            assert_text(text);
        }
    }
}
END_TEST

START_TEST(random_bytes_are_text)
{
    uint64_t state = 20261122;

    for (int i = 0; i < 3000; i++) {
        char text[1024];
        size_t length = unit_random(&state) % sizeof text;
        for (size_t j = 0; j < length; j++) {
            /* Half of them continue a character. */
            uint64_t byte = unit_random(&state) % 512;
            text[j] = (char)(byte < 256 ? byte | 1 : 0x80 | (byte & 0x3F));
        }
        text[length] = '\0';
        assert_text(text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_stream");
    TCase *tcase = tcase_create("json_stream");

    tcase_add_test(tcase, values_are_nested);
    tcase_add_test(tcase, lines_begin_where_they_should);
    tcase_add_test(tcase, every_byte_is_escaped);
    tcase_add_loop_test(tcase, controls_of_terminals_are_escaped, 0, UNIT_COUNT(controls));
    tcase_add_loop_test(tcase, pieces_tear_nothing_apart, 0, UNIT_COUNT(parts));
    tcase_add_test(tcase, random_bytes_are_text);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
