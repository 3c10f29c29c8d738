/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Fuzzes ini files: any bytes are entries or a mistake with its place, and entries written out again are the same ones.
 */
#include "config.h"

#include "fuzz.h"
#include "ini.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME "check_dualstack"

static bool is_blank(char c)
{
    return c != '\0' && strchr(" \t\v\f\r", c) != NULL;
}

static bool is_trimmed(const char *text)
{
    size_t length = strlen(text);

    return strchr(text, '\n') == NULL && (length == 0 || (!is_blank(text[0]) && !is_blank(text[length - 1])));
}

static void entries_check(const struct ini_section *section, size_t lines)
{
    size_t earlier = 0;

    FUZZ_REQUIRE(section->count == 0 || (section->header_line > 0 && section->header_line <= lines));
    for (size_t i = 0; i < section->count; i++) {
        const struct ini_entry *entry = &section->entries[i];
        FUZZ_REQUIRE(is_trimmed(entry->key) && is_trimmed(entry->value));
        FUZZ_REQUIRE(*entry->key != '\0' && strchr("#;[", *entry->key) == NULL && strchr(entry->key, '=') == NULL);
        FUZZ_REQUIRE(entry->line > earlier && entry->line <= lines);
        earlier = entry->line;
    }
}

/* The entries as a file of nothing else, malloc'd. */
static char *entries_write(const struct ini_section *section, size_t size)
{
    char *text = malloc(size);
    size_t used = (size_t)snprintf(text, size, "[" NAME "]\n");

    for (size_t i = 0; i < section->count; i++) {
        used +=
            (size_t)snprintf(text + used, size - used, "%s=%s\n", section->entries[i].key, section->entries[i].value);
        FUZZ_REQUIRE(used < size);
    }
    return text;
}

static void again_check(const struct ini_section *section, size_t size)
{
    /* No entry got longer, but there may be a "[NAME]" and a last newline that were not there. */
    char *text = entries_write(section, size + sizeof "[" NAME "]\n" + 1);
    struct ini_section again;

    FUZZ_REQUIRE(ini_parse(&again, text, strlen(text), NAME) == 0);
    FUZZ_REQUIRE(again.count == section->count);
    for (size_t i = 0; i < again.count; i++) {
        FUZZ_REQUIRE(strcmp(again.entries[i].key, section->entries[i].key) == 0);
        FUZZ_REQUIRE(strcmp(again.entries[i].value, section->entries[i].value) == 0);
        FUZZ_REQUIRE(again.entries[i].line == i + 2);
    }
    ini_clear(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size + 1);
    struct ini_section section;
    size_t lines = 1;
    int result;

    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)data[i];
        lines += data[i] == '\n';
    }
    bytes[size] = '\0';
    result = ini_parse(&section, bytes, size, NAME);
    FUZZ_REQUIRE(result == 0 || result == -EINVAL);
    FUZZ_REQUIRE((result == 0) == (section.mistake[0] == '\0'));
    FUZZ_REQUIRE(result != 0 || section.count > 0);
    FUZZ_REQUIRE(section.mistake_line <= lines);
    entries_check(&section, lines);
    if (section.count > 0) {
        again_check(&section, size);
    }
    ini_clear(&section);
    free(bytes);
    return 0;
}
