/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "plugin/text_buffer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ELLIPSIS "..."

struct text_buffer text_buffer_start(char *bytes, size_t size)
{
    assert(size >= sizeof ELLIPSIS);
    *bytes = '\0';
    return (struct text_buffer){.bytes = bytes, .size = size};
}

/* Returns how many of the first `most` bytes are whole characters. */
static size_t characters_measure(const char *bytes, size_t most)
{
    while (most > 0 && ((unsigned char)bytes[most] & 0xC0) == 0x80) {
        most--;
    }
    return most;
}

/* Ends a full buffer with the ellipsis, in place of its last characters. */
static void ellipsis_set(struct text_buffer *text)
{
    size_t kept = characters_measure(text->bytes, text->size - sizeof ELLIPSIS);

    memcpy(text->bytes + kept, ELLIPSIS, sizeof ELLIPSIS);
    text->length = kept + strlen(ELLIPSIS);
    text->is_cut = true;
}

const char *text_buffer_add_va(struct text_buffer *text, const char *format, va_list arguments)
{
    size_t room = text->size - text->length;
    int added;

    if (text->is_cut) {
        return text->bytes;
    }
    added = vsnprintf(text->bytes + text->length, room, format, arguments);
    if (added < 0) {
        /* printf found no memory: what was there stays. */
        text->bytes[text->length] = '\0';
    } else if ((size_t)added >= room) {
        ellipsis_set(text);
    } else {
        text->length += (size_t)added;
    }
    return text->bytes;
}

const char *text_buffer_add(struct text_buffer *text, const char *format, ...)
{
    const char *whole;
    va_list arguments;

    va_start(arguments, format);
    whole = text_buffer_add_va(text, format, arguments);
    va_end(arguments);
    return whole;
}

const char *text_buffer_add_cut(struct text_buffer *text, const char *added, size_t most)
{
    if (strnlen(added, most + 1) <= most) {
        return text_buffer_add(text, "%s", added);
    }
    return text_buffer_add(text, "%.*s" ELLIPSIS, (int)characters_measure(added, most - strlen(ELLIPSIS)), added);
}

const char *text_buffer_add_count(struct text_buffer *text, unsigned long long count, const char *thing)
{
    return text_buffer_add(text, "%llu %s%s", count, thing, count == 1 ? "" : "s");
}

const char *text_buffer_separator(size_t index, size_t count, const char *last)
{
    if (index == 0) {
        return "";
    }
    return index + 1 == count ? last : ", ";
}

const char *text_buffer_add_words(struct text_buffer *text, const char *(*word)(int index), const char *before,
                                  const char *after, const char *last)
{
    int count = 0;

    while (word(count) != NULL) {
        count++;
    }
    for (int i = 0; i < count; i++) {
        text_buffer_add(text, "%s%s%s%s", text_buffer_separator((size_t)i, (size_t)count, last), before, word(i),
                        after);
    }
    return text->bytes;
}
