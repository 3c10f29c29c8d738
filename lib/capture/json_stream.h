/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * JSON that is written as it is made: nothing is kept, so it takes no memory and cannot run out of it. The one way of
 * texts into our JSON.
 */
#ifndef CAPTURE_JSON_STREAM_H
#define CAPTURE_JSON_STREAM_H

#include "plugin/sink.h"
#include "socket/record.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* One value after another, in compact form. Begin with the sink and all else zero; end with json_stream_end(). */
struct json_stream {
    const struct sink *sink;
    bool follows; /* the next value follows another one of the same array or object */
    bool on_line; /* the next value begins a line */
};

/*
 * Each of these writes a value: in an object under `key`, a literal of ASCII without quotes; elsewhere `key` is NULL.
 * Objects and arrays are open from then on, until the matching _end().
 */
void json_stream_object(struct json_stream *json, const char *key);
void json_stream_object_end(struct json_stream *json);
void json_stream_array(struct json_stream *json, const char *key);
void json_stream_array_end(struct json_stream *json);
void json_stream_null(struct json_stream *json, const char *key);
void json_stream_boolean(struct json_stream *json, const char *key, bool value);
void json_stream_integer(struct json_stream *json, const char *key, int64_t value);

/* A C string of any bytes, repaired to valid UTF-8; control characters (C0, DEL, C1) are escaped. */
void json_stream_text(struct json_stream *json, const char *key, const char *text);

/* The same, but null for NULL and "". */
void json_stream_text_or_null(struct json_stream *json, const char *key, const char *text);

/* A number, null for one that is not known. */
void json_stream_integer_or_null(struct json_stream *json, const char *key, bool is_known, int64_t value);

/* The member "v6only" of a socket of that family: true, false, or null for AF_INET and what is not known. */
void json_stream_v6only(struct json_stream *json, enum record_family family, enum record_v6only v6only);

/* "2026-11-22T09:00:00Z", null for a time too far away to have a year. */
void json_stream_time(struct json_stream *json, const char *key, time_t time);

/* true, false, or null for what is not known. */
void json_stream_answer(struct json_stream *json, const char *key, enum record_answer answer);

/* Lets the next value begin a line of its own. */
void json_stream_line(struct json_stream *json);

/* Ends the line that the outermost value ends on. */
void json_stream_end(struct json_stream *json);

#endif
