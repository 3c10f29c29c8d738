/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Captures as JSON, which are not trusted: each member is read as what it must be, or the error is reported with its
 * path.
 *
 * A function that fails returns -EINVAL and writes to `error` the end of a sentence that begins with the file's name.
 * Values belong to the JSON that they were found in and are valid as long as that is.
 */
#ifndef CAPTURE_JSON_FIELD_H
#define CAPTURE_JSON_FIELD_H

#include "socket/record.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Room for a sentence about a mistake; a longer one is cut. */
#define JSON_FIELD_ERROR_SIZE 256

/*
 * "listeners[3].port": a member by name, or an element by index where there is no name. NULL is the capture itself.
 * Parent and name are the caller's.
 */
struct json_path {
    const struct json_path *parent;
    const char *name;
    size_t index;
};

enum json_field_type {
    JSON_FIELD_NUMBER,
    JSON_FIELD_TEXT,
    JSON_FIELD_WORD,
    JSON_FIELD_BOOLEAN,
    JSON_FIELD_OBJECT,
    JSON_FIELD_ARRAY
};

/* What a member must be. */
struct json_field {
    const char *name;
    enum json_field_type type;
    bool nullable;
    bool optional; /* may be missing, which reads as null */
    int64_t least; /* of a number, or of a text's bytes */
    int64_t most;
    const char *(*word)(int index); /* of JSON_FIELD_WORD: each of its words, NULL behind the last one */
};

/* A member that was read; what belongs to its type is set. */
struct json_field_value {
    bool null;
    int64_t number; /* also the position of a word, and 0 or 1 for a boolean */
    const char *text;
    json_t *node;
};

/*
 * Parses `length` bytes. Returns 0 and *root, an object, which the caller ends with json_decref(); -EINVAL when they
 * are not an object, or so large that it would take too much memory; or -ENOMEM. *root is NULL when it fails.
 */
int json_field_root_parse(const char *bytes, size_t length, json_t **root, char error[static JSON_FIELD_ERROR_SIZE]);

/*
 * The length of the first of several objects one behind the other, with the blanks behind it: `length` where there is
 * but one, or something else.
 */
size_t json_field_root_length(const char *bytes, size_t length);

/* Writes a path (not NULL) and what the format says of it: "listeners[3].port is missing". Returns -EINVAL. */
int json_field_fail(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads the node (not NULL) at a path (not NULL), whatever the field's name. Returns 0 and *value, or -EINVAL. */
int json_field_read(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *path,
                    const struct json_field *field, json_t *node, struct json_field_value *value);

/*
 * Reads the members of the object at a path, which must be exactly the `count` fields, without some that are optional.
 * Returns 0 and values[i] of fields[i]; or -EINVAL, and the values are undefined.
 */
int json_field_read_all(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *path, json_t *object,
                        const struct json_field *fields, size_t count, struct json_field_value *values);

/* The same for an element of a list; one that is not an object is refused. `count` is at least 1. */
int json_field_read_element(char error[static JSON_FIELD_ERROR_SIZE], const struct json_path *path, json_t *node,
                            const struct json_field *fields, size_t count, struct json_field_value *values);

/* Makes an answer of a boolean, or of a number of 0 or 1; null is unknown. */
enum record_answer json_field_answer(const struct json_field_value *value);

/* Reads "2026-11-22T09:00:00Z" from a text of that length. Returns false and leaves *time alone for any other text. */
bool json_field_time(const struct json_field_value *value, time_t *time);

/* Copies a text, "" for null, into a buffer that holds as many bytes as its field's most, and one. */
void json_field_text_keep(char *text, const struct json_field_value *value);

#endif
