/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Captures as JSON, each member read as what it must be, or a mistake told with its place.
 */
#include "config.h"

#include "capture/json_field.h"

#include "audit/day.h"
#include "capture/capture_format.h"
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

/* --- bytes -------------------------------------------------------------------------------------------------------- */

/* Counts what can become a JSON value, wherever it stands: a text may hold some of these, too, but not so many. */
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

int json_field_root_parse(const char *bytes, size_t length, json_t **root, char error[static JSON_FIELD_ERROR_SIZE])
{
    json_error_t fault;

    *root = NULL;
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
    if (*root == NULL) {
        snprintf(error, JSON_FIELD_ERROR_SIZE, "line %d, column %d: %s", fault.line, fault.column, fault.text);
        return -EINVAL;
    }
    if (!json_is_object(*root)) {
        snprintf(error, JSON_FIELD_ERROR_SIZE, "is no capture: it must be one JSON object");
        json_decref(*root);
        *root = NULL;
        return -EINVAL;
    }
    return 0;
}

/* --- places in a capture ------------------------------------------------------------------------------------------ */

static size_t append(char *text, size_t length, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Appends to a text of JSON_FIELD_ERROR_SIZE; what does not fit is left out. */
static size_t append(char *text, size_t length, const char *format, ...)
{
    va_list arguments;
    int added;

    va_start(arguments, format);
    added = vsnprintf(text + length, JSON_FIELD_ERROR_SIZE - length, format, arguments);
    va_end(arguments);
    length += added > 0 ? (size_t)added : 0;
    return length < JSON_FIELD_ERROR_SIZE ? length : JSON_FIELD_ERROR_SIZE - 1;
}

/* Deeper than any place in a capture is. */
#define DEPTH_MOST 8

/* From the outermost place inwards. */
static size_t place_append(char *text, const struct json_path *place)
{
    const struct json_path *chain[DEPTH_MOST] = {NULL};
    size_t depth = 0;
    size_t length = 0;

    for (; place != NULL && depth < DEPTH_MOST; place = place->parent) {
        chain[depth++] = place;
    }
    while (depth-- > 0) {
        const struct json_path *at = chain[depth];
        length = at->name == NULL ? append(text, length, "[%zu]", at->index)
                                  : append(text, length, "%s%.60s", at->parent != NULL ? "." : "", at->name);
    }
    return length;
}

int json_field_fail(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *place, const char *format, ...)
{
    size_t length = place_append(error, place);
    va_list arguments;

    length = append(error, length, " ");
    va_start(arguments, format);
    vsnprintf(error + length, JSON_FIELD_ERROR_SIZE - length, format, arguments);
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

#define DEMAND_SIZE 120

static void demand_format(char text[static DEMAND_SIZE], const struct json_field *field)
{
    static const char *const plain[] =
        {[JSON_FIELD_BOOLEAN] = "true or false", [JSON_FIELD_OBJECT] = "an object", [JSON_FIELD_ARRAY] = "an array"};
    struct text_buffer demand = text_buffer_start(text, DEMAND_SIZE);

    if (field->type == JSON_FIELD_NUMBER) {
        text_buffer_add(&demand, "a whole number from %" PRId64 " to %" PRId64, field->least, field->most);
    } else if (field->type == JSON_FIELD_TEXT) {
        text_buffer_add(&demand, "a text of %" PRId64 " to %" PRId64 " bytes", field->least, field->most);
    } else if (field->type == JSON_FIELD_WORD) {
        for (int i = 0; field->word(i) != NULL; i++) {
            text_buffer_add(&demand, "%s\"%s\"", i == 0 ? "" : " or ", field->word(i));
        }
    } else {
        text_buffer_add(&demand, "%s", plain[field->type]);
    }
    text_buffer_add(&demand, "%s", field->nullable ? " or null" : "");
}

#define FOUND_SIZE 80

static void found_format(char text[static FOUND_SIZE], const json_t *node)
{
    static const char *const plain[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_REAL] = "no whole number",
        [JSON_TRUE] = "true",        [JSON_FALSE] = "false",    [JSON_NULL] = "null",
    };

    if (json_is_integer(node)) {
        snprintf(text, FOUND_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
    } else if (!json_is_string(node)) {
        snprintf(text, FOUND_SIZE, "%s", plain[json_typeof(node)]);
    } else if (json_string_length(node) > 40) {
        snprintf(text, FOUND_SIZE, "a text of %zu bytes", json_string_length(node));
    } else {
        snprintf(text, FOUND_SIZE, "\"%s\"", json_string_value(node));
    }
}

int json_field_read(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *place,
                    const struct json_field *field, json_t *node, struct json_field_value *value)
{
    char demand[DEMAND_SIZE];
    char found[FOUND_SIZE];

    if (value_take(field, node, value)) {
        return 0;
    }
    demand_format(demand, field);
    found_format(found, node);
    return json_field_fail(error, place, "is %s, must be %s", found, demand);
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

static int unknown_member_tell(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *place, json_t *object,
                               const struct json_field *fields, size_t count)
{
    struct json_path member = {.parent = place};
    json_t *value;

    json_object_foreach(object, member.name, value)
    {
        if (!is_known(fields, count, member.name)) {
            return json_field_fail(error, &member, "is no member of schema %d", CAPTURE_SCHEMA);
        }
    }
    return 0;
}

int json_field_read_all(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *place, json_t *object,
                        const struct json_field *fields, size_t count, struct json_field_value *values)
{
    for (size_t i = 0; i < count; i++) {
        struct json_path member = {.parent = place, .name = fields[i].name};
        json_t *node = json_object_get(object, fields[i].name);
        int result = node == NULL ? json_field_fail(error, &member, "is missing")
                                  : json_field_read(error, &member, &fields[i], node, &values[i]);
        if (result != 0) {
            return result;
        }
    }
    return json_object_size(object) == count ? 0 : unknown_member_tell(error, place, object, fields, count);
}

int json_field_read_element(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *place, json_t *node,
                            const struct json_field *fields, size_t count, struct json_field_value *values)
{
    static const struct json_field element = {.type = JSON_FIELD_OBJECT};
    int result = json_field_read(error, place, &element, node, &values[0]);

    return result != 0 ? result : json_field_read_all(error, place, node, fields, count, values);
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
        second < 0 || !day_parse(date, &day) || day < 0) {
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
