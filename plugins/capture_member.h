/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Captures as JSON, which nobody vouches for: each member read as what it must be, or a mistake told with its place.
 *
 * All that fail return -EINVAL and write to `error` the end of a sentence that begins with the file's name. What they
 * find belongs to the JSON that it was found in and is valid as long as that is.
 */
#ifndef CAPTURE_MEMBER_H
#define CAPTURE_MEMBER_H

#include "capture.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * "listeners[3].port": a member by name, or an element by index where there is no name. NULL is the capture itself.
 * Parent and name are the caller's.
 */
struct capture_place {
    const struct capture_place *parent;
    const char *name;
    size_t index;
};

enum capture_type {
    CAPTURE_NUMBER,
    CAPTURE_TEXT,
    CAPTURE_WORD,
    CAPTURE_BOOLEAN,
    CAPTURE_OBJECT,
    CAPTURE_ARRAY
};

/* What a member must be. */
struct capture_field {
    const char *name;
    enum capture_type type;
    bool nullable;
    int64_t least; /* of a number, or of a text's bytes */
    int64_t most;
    const char *const *words; /* of CAPTURE_WORD, ended by NULL */
};

/* A member as it is; what belongs to its type is set. */
struct capture_value {
    bool null;
    int64_t number; /* also the position of a word, and 0 or 1 for a boolean */
    const char *text;
    json_t *node;
};

/*
 * Takes `length` bytes apart. Returns 0 and *root, an object, which json_decref() ends; -EINVAL when it is none, or so
 * large that it would take too much memory; or -ENOMEM. *root is NULL when it fails.
 */
int capture_member_root_parse(const char *bytes, size_t length, json_t **root, char error[static CAPTURE_ERROR_SIZE]);

/* Writes a place (not NULL) and what the format says of it: "listeners[3].port is missing". Returns -EINVAL. */
int capture_member_fail(char error[static CAPTURE_ERROR_SIZE], const struct capture_place *place, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));

/* Reads the node (not NULL) at a place (not NULL), whatever the field's name. Returns 0 and *value, or -EINVAL. */
int capture_member_read(char error[static CAPTURE_ERROR_SIZE], const struct capture_place *place,
                        const struct capture_field *field, json_t *node, struct capture_value *value);

/*
 * Reads the members of the object at a place, which must be exactly the `count` fields. Returns 0 and values[i] of
 * fields[i]; or -EINVAL, and the values are undefined.
 */
int capture_member_read_all(char error[static CAPTURE_ERROR_SIZE], const struct capture_place *place, json_t *object,
                            const struct capture_field *fields, size_t count, struct capture_value *values);

/* Likewise, of an element of a list; one that is no object is refused. `count` is at least 1. */
int capture_member_read_element(char error[static CAPTURE_ERROR_SIZE], const struct capture_place *place, json_t *node,
                                const struct capture_field *fields, size_t count, struct capture_value *values);

/* What a boolean, or a number of 0 or 1, says; null is unknown. */
enum record_answer capture_member_answer(const struct capture_value *value);

/* "2026-11-22T09:00:00Z", of a text that is as long as that. False when it is no time; *time stays as it was then. */
bool capture_member_time(const struct capture_value *value, time_t *time);

/* Copies a text, "" for null, into a buffer that holds as many bytes as its field's most, and one. */
void capture_member_text_keep(char *text, const struct capture_value *value);

#endif
