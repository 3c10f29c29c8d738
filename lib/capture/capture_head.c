/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Which host a capture is of and when it was taken.
 */
#include "config.h"

#include "capture/capture_head.h"

#include "capture/json_field.h"

#include <errno.h>
#include <string.h>

enum {
    HEAD_TIME,
    HEAD_HOST,
    HEAD_NAMESPACE,
    HEAD_FIELDS
};

static const struct json_field fields[HEAD_FIELDS] = {
    [HEAD_TIME] = {.name = "time", .type = JSON_FIELD_TEXT, .least = CAPTURE_TIME_LENGTH, .most = CAPTURE_TIME_LENGTH},
    [HEAD_HOST] = {.name = "host", .type = JSON_FIELD_TEXT, .most = CAPTURE_HOST_MOST},
    [HEAD_NAMESPACE] =
        {.name = "namespace", .type = JSON_FIELD_TEXT, .nullable = true, .least = 1, .most = CAPTURE_NAMESPACE_MOST},
};

/* Parses one text, number or word at bytes[*at] and moves behind it. NULL for anything else. */
static json_t *scalar_parse(const char *bytes, size_t length, size_t *at)
{
    json_error_t fault;
    json_t *value;

    *at += strspn(bytes + *at, " \t\r\n");
    if (*at >= length || strchr("{[", bytes[*at]) != NULL) {
        return NULL;
    }
    value = json_loadb(bytes + *at, length - *at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &fault);
    *at += value != NULL ? (size_t)fault.position : 0;
    return value;
}

/* Moves behind that character, if it is the next one. */
static bool mark_skip(const char *bytes, size_t *at, char mark)
{
    bool is_next;

    *at += strspn(bytes + *at, " \t\r\n");
    is_next = bytes[*at] == mark;
    *at += is_next;
    return is_next;
}

/*
 * The members up to the first one that is an object or a list, as an object: --capture writes the whole head there.
 * NULL when out of memory.
 */
static json_t *start_parse(const char *bytes, size_t length)
{
    json_t *root = json_object();
    size_t at = 0;
    bool more = root != NULL && mark_skip(bytes, &at, '{');

    while (more) {
        json_t *key = scalar_parse(bytes, length, &at);
        json_t *value = json_is_string(key) && mark_skip(bytes, &at, ':') ? scalar_parse(bytes, length, &at) : NULL;
        more = value != NULL && json_object_set(root, json_string_value(key), value) == 0 && mark_skip(bytes, &at, ',');
        json_decref(key);
        json_decref(value);
    }
    return root;
}

static int head_take(json_t *root, struct capture_head *head)
{
    char error[JSON_FIELD_ERROR_SIZE];
    struct json_field_value values[HEAD_FIELDS];

    for (int i = 0; i < HEAD_FIELDS; i++) {
        const struct json_path path = {.name = fields[i].name};
        json_t *node = json_object_get(root, fields[i].name);
        if (node == NULL || json_field_read(error, &path, &fields[i], node, &values[i]) != 0) {
            return -EINVAL;
        }
    }
    json_field_text_keep(head->host, &values[HEAD_HOST]);
    json_field_text_keep(head->namespace, &values[HEAD_NAMESPACE]);
    return json_field_time(&values[HEAD_TIME], &head->time) ? 0 : -EINVAL;
}

int capture_head_read(const char *bytes, size_t length, struct capture_head *head)
{
    char error[JSON_FIELD_ERROR_SIZE];
    json_t *root = start_parse(bytes, length);
    int result = root != NULL ? head_take(root, head) : -ENOMEM;

    json_decref(root);
    if (result == -EINVAL) {
        result = json_field_root_parse(bytes, length, &root, error);
        if (result == 0) {
            result = head_take(root, head);
            json_decref(root);
        }
    }
    return result;
}
