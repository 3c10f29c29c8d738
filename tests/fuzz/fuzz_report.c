/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Fuzzes the report: whatever text goes in, one first line with its perfdata comes out, then detail lines.
 */
#include "config.h"

#include "fuzz.h"
#include "plugin/escape.h"
#include "plugin/report.h"

#include <string.h>

#define LIMIT 1000

/* The shape that no text may break: no control character but newlines, one "|", nothing that a server rewrites. */
static void shape_check(const char *text, size_t length)
{
    const char *newline = memchr(text, '\n', length);
    size_t bars = 0;

    FUZZ_REQUIRE(length > 0 && text[length - 1] == '\n' && newline != NULL && strlen(text) == length);
    for (size_t i = 0; i < length; i++) {
        bool first_line = text + i < newline;
        bars += text[i] == '|';
        FUZZ_REQUIRE(text[i] == '\n' || (unsigned char)text[i] >= ' ');
        FUZZ_REQUIRE(text[i] != '<' && text[i] != '>' && text[i] != 0x7f);
        FUZZ_REQUIRE(text[i] != '|' || first_line);
        FUZZ_REQUIRE(text[i] != ';' || (first_line && bars == 1));
    }
    FUZZ_REQUIRE(bars == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char *escaped = malloc(ESCAPE_SIZE(size));
    char *rendered = NULL;
    size_t length = 0;
    struct report *report = report_create("TEST", LIMIT, ESCAPE_TEXT);
    struct perfdata perfdata = {.label = "label", .value = size};

    memcpy(text, data, size);
    text[size] = '\0';
    length = escape_copy(escaped, ESCAPE_SIZE(size), text, size, ESCAPE_TEXT);
    FUZZ_REQUIRE(strlen(escaped) == length);
    report_prose(report, "x%s", text);
    report_perfdata(report, &perfdata);
    for (int i = 0; i < 3; i++) {
        report_line(report, STATE_WARNING, "%s", text);
        report_note(report, "%s", text);
    }
    FUZZ_REQUIRE(report_render(report, STATE_WARNING, &rendered, &length) == 0);
    shape_check(rendered, length);
    report_free(report);
    free(rendered);
    free(escaped);
    free(text);
    return 0;
}
