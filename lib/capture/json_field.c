/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Captures as JSON: each member is read as what it must be, or the mistake is reported with its path.
 */
#include "config.h"

#include "capture/json_field.h"

#include "audit/day.h"
#include "plugin/text_buffer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * A capture far above any host's is refused before it is taken apart: a parsed object takes a hundred times the memory
 * of the "{}" it was.
 */
#define CONTAINERS_MOST 150000u
#define VALUES_MOST 2000000u

#define FOREIGN "is not a capture of check_dualstack"

/* --- bytes -------------------------------------------------------------------------------------------------------- */

/* Counts the characters that begin or separate values, also those within texts, which hold some but not so many. */
static bool is_too_much(const char *bytes, size_t length)
{
    size_t containers = 0;
    size_t values = 0;

    for (size_t i = 0; i < length; i++) {
        containers += bytes[i] == '{' || bytes[i] == '[';
        values += bytes[i] == ',';
    }
    return containers > CONTAINERS_MOST || values > VALUES_MOST;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

int json_field_root_parse(const char *bytes, size_t length, json_t **root, char error[static JSON_FIELD_ERROR_SIZE])
{
    json_error_t fault;

    size_t blanks = 0;

    *root = NULL;
    while (blanks < length && is_blank(bytes[blanks])) {
        blanks++;
    }
    if (blanks == length) {
        snprintf(error, JSON_FIELD_ERROR_SIZE, "is empty: did the capture fail?");
        return -EINVAL;
    }
    if (bytes[blanks] != '{' && bytes[blanks] != '[') {
        snprintf(error, JSON_FIELD_ERROR_SIZE, FOREIGN ": it must be one JSON object");
        return -EINVAL;
    }
    if (is_too_much(bytes, length)) {
        snprintf(error, JSON_FIELD_ERROR_SIZE,
                 "holds more than %u JSON objects and arrays, or %u commas: no host's capture", CONTAINERS_MOST,
                 VALUES_MOST);
        return -EINVAL;
    }
    *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &fault);
    if (*root == NULL && json_error_code(&fault) == json_error_out_of_memory) {
        return -ENOMEM;
    }
    if (*root == NULL && json_error_code(&fault) == json_error_premature_end_of_input) {
        snprintf(error, JSON_FIELD_ERROR_SIZE, "is cut off in line %d: did the capture fail?", fault.line);
        return -EINVAL;
    }
    if (*root == NULL) {
        snprintf(error, JSON_FIELD_ERROR_SIZE, "line %d, column %d: %s", fault.line, fault.column, fault.text);
        return -EINVAL;
    }
    if (!json_is_object(*root)) {
        snprintf(error, JSON_FIELD_ERROR_SIZE, FOREIGN ": it must be one JSON object");
        json_decref(*root);
        *root = NULL;
        return -EINVAL;
    }
    return 0;
}

size_t json_field_root_length(const char *bytes, size_t length)
{
    bool in_text = false;
    size_t depth = 0;
    size_t end = 0;

    for (bool is_over = false; end < length && !is_over; end++) {
        if (depth == 0 && bytes[end] != '{' && !is_blank(bytes[end])) {
            return length;
        }
        if (in_text && bytes[end] == '\\') {
            end++;
        } else if (bytes[end] == '"') {
            in_text = !in_text;
        } else if (!in_text && bytes[end] == '{') {
            depth++;
        } else if (!in_text && bytes[end] == '}') {
            depth--;
            is_over = depth == 0;
        }
    }
    while (end < length && is_blank(bytes[end])) {
        end++;
    }
    return end < length ? end : length;
}

/* --- paths in a capture ------------------------------------------------------------------------------------------- */

/* Deeper than any member of a capture is. */
#define DEPTH_MOST 8

/* Of a member's name, which may be of any length. */
#define NAME_MOST 60

/* Adds the path from its outermost member inwards. */
static void path_add(struct text_buffer *text, const struct json_path *path)
{
    const struct json_path *chain[DEPTH_MOST] = {NULL};
    size_t depth = 0;

    for (; path != NULL && depth < DEPTH_MOST; path = path->parent) {
        chain[depth++] = path;
    }
    while (depth-- > 0) {
        const struct json_path *at = chain[depth];
        if (at->name == NULL) {
            text_buffer_add(text, "[%zu]", at->index);
        } else {
            text_buffer_add(text, "%s", at->parent != NULL ? "." : "");
            text_buffer_add_cut(text, at->name, NAME_MOST);
        }
    }
}

int json_field_fail(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *path, const char *format, ...)
{
    struct text_buffer text = text_buffer_start(error, JSON_FIELD_ERROR_SIZE);
    va_list arguments;

    path_add(&text, path);
    text_buffer_add(&text, " ");
    va_start(arguments, format);
    text_buffer_add_va(&text, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* --- members ------------------------------------------------------------------------------------------------------ */

static bool word_find(const struct json_field *field, const char *text, struct json_field_value *value)
{
    for (int i = 0; field->word(i) != NULL; i++) {
        if (strcmp(text, field->word(i)) == 0) {
            value->number = i;
            return true;
        }
    }
    return false;
}

static bool is_within(const struct json_field *field, int64_t number)
{
    return field->least <= number && number <= field->most;
}

/* False when the node is not what the field must be. */
static bool value_take(const struct json_field *field, json_t *node, struct json_field_value *value)
{
    *value = (struct json_field_value){.null = json_is_null(node), .node = node};
    if (value->null) {
        return field->nullable;
    }
    switch (field->type) {
    case JSON_FIELD_NUMBER:
        value->number = json_integer_value(node);
        return json_is_integer(node) && is_within(field, value->number);
    case JSON_FIELD_TEXT:
        value->text = json_string_value(node);
        return value->text != NULL && is_within(field, (int64_t)json_string_length(node));
    case JSON_FIELD_WORD:
        return json_is_string(node) && word_find(field, json_string_value(node), value);
    case JSON_FIELD_BOOLEAN:
        value->number = json_is_true(node);
        return json_is_boolean(node);
    case JSON_FIELD_OBJECT:
        return json_is_object(node);
    case JSON_FIELD_ARRAY:
        return json_is_array(node);
    }
    return false;
}

/* Adds what the field must be. */
static void demand_add(struct text_buffer *text, const struct json_field *field)
{
    static const char *const plain[] =
        {[JSON_FIELD_BOOLEAN] = "true or false", [JSON_FIELD_OBJECT] = "an object", [JSON_FIELD_ARRAY] = "an array"};

    if (field->type == JSON_FIELD_NUMBER) {
        text_buffer_add(text, "a whole number from %" PRId64 " to %" PRId64, field->least, field->most);
    } else if (field->type == JSON_FIELD_TEXT) {
        text_buffer_add(text, "a string of %" PRId64 " to %" PRId64 " bytes", field->least, field->most);
    } else if (field->type == JSON_FIELD_WORD) {
        for (int i = 0; field->word(i) != NULL; i++) {
            text_buffer_add(text, "%s\"%s\"", i == 0 ? "" : " or ", field->word(i));
        }
    } else {
        text_buffer_add(text, "%s", plain[field->type]);
    }
    text_buffer_add(text, "%s", field->nullable ? " or null" : "");
}

/* Adds what the node is. */
static void node_add(struct text_buffer *text, const json_t *node)
{
    static const char *const plain[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_REAL] = "not a whole number",
        [JSON_TRUE] = "true",        [JSON_FALSE] = "false",    [JSON_NULL] = "null",
    };

    if (json_is_integer(node)) {
        text_buffer_add(text, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
    } else if (!json_is_string(node)) {
        text_buffer_add(text, "%s", plain[json_typeof(node)]);
    } else if (json_string_length(node) > 40) {
        text_buffer_add(text, "a string of %zu bytes", json_string_length(node));
    } else {
        text_buffer_add(text, "\"%s\"", json_string_value(node));
    }
}

int json_field_read(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *path,
                    const struct json_field *field, json_t *node, struct json_field_value *value)
{
    struct text_buffer text;

    if (value_take(field, node, value)) {
        return 0;
    }
    text = text_buffer_start(error, JSON_FIELD_ERROR_SIZE);
    path_add(&text, path);
    text_buffer_add(&text, " is ");
    node_add(&text, node);
    text_buffer_add(&text, ", must be ");
    demand_add(&text, field);
    return -EINVAL;
}

static bool is_known(const struct json_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int unknown_member_report(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *path, json_t *object,
                                 const struct json_field *fields, size_t count)
{
    struct json_path member = {.parent = path};
    json_t *value;

    json_object_foreach(object, member.name, value)
    {
        if (!is_known(fields, count, member.name)) {
            return json_field_fail(error, &member, "is not a member of this schema");
        }
    }
    return 0;
}

int json_field_read_all(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *path, json_t *object,
                        const struct json_field *fields, size_t count, struct json_field_value *values)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        struct json_path member = {.parent = path, .name = fields[i].name};
        json_t *node = json_object_get(object, fields[i].name);
        int result;
        if (node == NULL && fields[i].optional) {
            values[i] = (struct json_field_value){.null = true};
            continue;
        }
        result = node == NULL ? json_field_fail(error, &member, "is missing")
                              : json_field_read(error, &member, &fields[i], node, &values[i]);
        if (result != 0) {
            return result;
        }
        found++;
    }
    return json_object_size(object) == found ? 0 : unknown_member_report(error, path, object, fields, count);
}

int json_field_read_element(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *path, json_t *node,
                            const struct json_field *fields, size_t count, struct json_field_value *values)
{
    static const struct json_field element = {.type = JSON_FIELD_OBJECT};
    int result = json_field_read(error, path, &element, node, &values[0]);

    return result != 0 ? result : json_field_read_all(error, path, node, fields, count, values);
}

enum record_answer json_field_answer(const struct json_field_value *value)
{
    if (value->null) {
        return RECORD_UNKNOWN;
    }
    return value->number != 0 ? RECORD_YES : RECORD_NO;
}

/* Two digits below `most`, -1 for other text. */
static int digits_read(const char *text, int most)
{
    int number = text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9'
                     ? (text[0] - '0') * 10 + text[1] - '0'
                     : -1;

    return number < most ? number : -1;
}

bool json_field_time(const struct json_field_value *value, time_t *time)
{
    const char *text = value->text;
    char date[sizeof "2026-11-22"];
    int hour = digits_read(text + 11, 24);
    int minute = digits_read(text + 14, 60);
    int second = digits_read(text + 17, 61);
    int32_t day;

    snprintf(date, sizeof date, "%s", text);
    if (text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z' || hour < 0 || minute < 0 ||
        second < 0 || !day_parse(date, &day)) {
        return false;
    }
    *time = day_start(day) + (time_t)hour * 3600 + (time_t)minute * 60 + second;
    return true;
}

/* The field's bound says that it fits. */
void json_field_text_keep(char *text, const struct json_field_value *value)
{
    if (value->null) {
        *text = '\0';
    } else {
        memcpy(text, value->text, strlen(value->text) + 1);
    }
}
