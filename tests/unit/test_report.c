/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/plugin/report.c.
 */
#include "config.h"

#include "plugin/report.h"

#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define EURO "\xE2\x82\xAC"
#define FACE "\xF0\x9F\x98\x80"
#define FFFD "\xEF\xBF\xBD"
#define LINE_SEPARATOR "\xE2\x80\xA8"

static struct report *report_start(size_t limit)
{
    struct report *report = report_create("DUALSTACK", limit, ESCAPE_TEXT);

    ck_assert_ptr_nonnull(report);
    return report;
}

/* Renders and frees the report. The result is the caller's to free. */
static char *report_end(struct report *report, enum state state)
{
    char *text = NULL;
    size_t length = 0;

    ck_assert_int_eq(report_render(report, state, &text, &length), 0);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(strlen(text), length);
    ck_assert_int_eq(text[length - 1], '\n');
    report_free(report);
    return text;
}

static void assert_answer(struct report *report, enum state state, const char *wanted)
{
    char *text = report_end(report, state);

    ck_assert_str_eq(text, wanted);
    free(text);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (text = strstr(text, part); text != NULL; text = strstr(text + strlen(part), part)) {
        count++;
    }
    return count;
}

/* `lead`, `times` times `part`, `end`; the caller's to free. */
static char *repeat(const char *lead, const char *part, size_t times, const char *end)
{
    char *text = malloc(strlen(lead) + strlen(part) * times + strlen(end) + 1);
    char *cursor;

    ck_assert_ptr_nonnull(text);
    cursor = stpcpy(text, lead);
    for (size_t i = 0; i < times; i++) {
        cursor = stpcpy(cursor, part);
    }
    stpcpy(cursor, end);
    return text;
}

START_TEST(writes_the_whole_answer)
{
    const struct range warning = {0, 10, false};
    const struct range critical = {0, 20, false};
    const struct perfdata mapped = {"mapped", 12, &warning, &critical};
    const struct perfdata violations = {"violations", 2, NULL, NULL};
    struct report *report = report_start(4096);

    ck_assert_int_eq(report_prose(report, "%d of %d services off policy.", 2, 6), 0);
    ck_assert_int_eq(report_line(report, STATE_CRITICAL, "web %s", "443/tcp"), 0);
    ck_assert_int_eq(report_perfdata(report, &mapped), 0);
    ck_assert_int_eq(report_note(report, "listen [::]:%d", 443), 0);
    ck_assert_int_eq(report_note(report, "(%s)", "nginx.service"), 0);
    ck_assert_int_eq(report_perfdata(report, &violations), 0);
    ck_assert_int_eq(report_prose(report, " web is %s", "v4-only"), 0);
    ck_assert_int_eq(report_line(report, STATE_OK, "ssh"), 0);
    assert_answer(report, STATE_CRITICAL,
                  "DUALSTACK CRITICAL: 2 of 6 services off policy. web is v4-only"
                  " | mapped=12;10;20;0 violations=2;;;0\n"
                  "\\_[CRITICAL] web 443/tcp\n"
                  "    listen [::]:443\n"
                  "    (nginx.service)\n"
                  "\\_[OK] ssh\n");
}
END_TEST

START_TEST(writes_every_state)
{
    static const char *const wanted[] = {
        [STATE_OK] = "DUALSTACK OK: x\n\\_[OK] y\n",
        [STATE_WARNING] = "DUALSTACK WARNING: x\n\\_[WARNING] y\n",
        [STATE_CRITICAL] = "DUALSTACK CRITICAL: x\n\\_[CRITICAL] y\n",
        [STATE_UNKNOWN] = "DUALSTACK UNKNOWN: x\n\\_[UNKNOWN] y\n",
    };
    struct report *report = report_start(0);

    report_prose(report, "x");
    report_line(report, (enum state)_i, "y");
    assert_answer(report, (enum state)_i, wanted[_i]);
}
END_TEST

START_TEST(writes_prose_alone)
{
    struct report *report = report_start(4096);

    report_prose(report, "nothing listens");
    assert_answer(report, STATE_OK, "DUALSTACK OK: nothing listens\n");
}
END_TEST

START_TEST(renders_twice_the_same)
{
    struct report *report = report_start(200);
    char *first = NULL;
    size_t length = 0;

    for (int i = 0; i < 50; i++) {
        report_prose(report, "finding %d, ", i);
        report_line(report, STATE_OK, "line %d", i);
    }
    ck_assert_int_eq(report_render(report, STATE_OK, &first, &length), 0);
    assert_answer(report, STATE_OK, first);
    free(first);
}
END_TEST

START_TEST(frees_nothing)
{
    report_free(NULL);
    report_free(report_start(10));
}
END_TEST

static const struct {
    const char *source;
    const char *shown;
} hostile[] = {
    {"a|b=1;;;0", "a/b=1,,,0"},
    {"x\nDUALSTACK OK: all is well", "x DUALSTACK OK: all is well"},
    {"x\r\n\\_[OK] y", "x  \\_[OK] y"},
    {"\x1B[2Jgone", " [2Jgone"},
    {"<script>alert(1)</script>", "(script)alert(1)(/script)"},
    {"100%s%n%d", "100%s%n%d"},
    {"\xFF\xFE caf\xE9", "\xEF\xBF\xBD\xEF\xBF\xBD caf\xEF\xBF\xBD"},
    {"\xC0\xBC"
     "b>",
     "\xEF\xBF\xBD\xEF\xBF\xBD"
     "b)"},
    {"half \xE2\x82", "half \xEF\xBF\xBD"},
    {"\xE2\x80\xA8\xC2\x85", "  "},
};

START_TEST(keeps_its_shape)
{
    const struct perfdata mapped = {"mapped", 1, NULL, NULL};
    struct report *report = report_start(4096);
    char wanted[400];

    report_prose(report, "%s", hostile[_i].source);
    report_perfdata(report, &mapped);
    report_line(report, STATE_WARNING, "%s", hostile[_i].source);
    report_note(report, "%s", hostile[_i].source);
    snprintf(wanted, sizeof wanted, "DUALSTACK WARNING: %s | mapped=1;;;0\n\\_[WARNING] %s\n    %s\n",
             hostile[_i].shown, hostile[_i].shown, hostile[_i].shown);
    assert_answer(report, STATE_WARNING, wanted);
}
END_TEST

START_TEST(takes_a_nul_by_format)
{
    struct report *report = report_start(0);

    report_prose(report, "a%cb", '\0');
    report_line(report, STATE_OK, "c%cd", '\0');
    assert_answer(report, STATE_OK, "DUALSTACK OK: a b\n\\_[OK] c d\n");
}
END_TEST

/* A text of `times` times `part` behind `lead`, and what is shown: `shown_times` times `shown` behind `lead`. */
struct long_text {
    const char *lead;
    const char *part;
    size_t times;
    const char *shown;
    size_t shown_times;
    bool cut;
};

static const struct long_text long_prose[] = {
    {"", "x", 499, "x", 499, false},
    {"", "x", 500, "x", 500, false},
    {"", "x", 501, "x", 497, true},
    {"", "x", 4096, "x", 497, true},
    {"", "x", 100000, "x", 497, true},
    {"a", EURO, 166, EURO, 166, false},
    {"abc", EURO, 166, EURO, 164, true},
    {"a", EURO, 167, EURO, 165, true},
    {"", FACE, 125, FACE, 125, false},
    {"", FACE, 126, FACE, 124, true},
    {"ab", FACE, 4000, FACE, 123, true},
    {"", LINE_SEPARATOR, 500, " ", 500, false},
    {"", LINE_SEPARATOR, 501, " ", 497, true},
    {"", "\xFF", 166, FFFD, 166, false},
    {"", "\xFF", 167, FFFD, 165, true},
};

/* Behind the seven bytes of "\_[OK] ". */
static const struct long_text long_lines[] = {
    {"", "x", 993, "x", 993, false},           {"", "x", 994, "x", 990, true},
    {"", "x", 4096, "x", 990, true},           {"", "x", 1000000, "x", 990, true},
    {"", EURO, 331, EURO, 331, false},         {"a", EURO, 331, EURO, 329, true},
    {"a", FACE, 248, FACE, 248, false},        {"ab", FACE, 248, FACE, 247, true},
    {"", FACE, 4096, FACE, 247, true},         {"", LINE_SEPARATOR, 993, " ", 993, false},
    {"", LINE_SEPARATOR, 994, " ", 990, true}, {"", LINE_SEPARATOR, 100000, " ", 990, true},
    {"", "\xFF", 4096, FFFD, 330, true},
};

static char *long_source(const struct long_text *row)
{
    return repeat(row->lead, row->part, row->times, "");
}

static char *long_shown(const struct long_text *row)
{
    return repeat(row->lead, row->shown, row->shown_times, row->cut ? "..." : "");
}

START_TEST(cuts_long_prose)
{
    char *source = long_source(&long_prose[_i]);
    char *shown = long_shown(&long_prose[_i]);
    struct report *report = report_start(0);
    char wanted[600];

    report_prose(report, "%s", source);
    snprintf(wanted, sizeof wanted, "DUALSTACK OK: %s\n", shown);
    assert_answer(report, STATE_OK, wanted);
    free(shown);
    free(source);
}
END_TEST

/* The same text, added in two calls and in many. */
START_TEST(cuts_prose_from_many_calls)
{
    const struct long_text *row = &long_prose[_i];
    char *shown = long_shown(row);
    struct report *report = report_start(0);
    char wanted[600];

    report_prose(report, "%s", row->lead);
    for (size_t i = 0; i < row->times; i++) {
        report_prose(report, "%s", row->part);
    }
    snprintf(wanted, sizeof wanted, "DUALSTACK OK: %s\n", shown);
    assert_answer(report, STATE_OK, wanted);
    free(shown);
}
END_TEST

START_TEST(cuts_long_lines)
{
    char *source = long_source(&long_lines[_i]);
    char *shown = long_shown(&long_lines[_i]);
    struct report *report = report_start(0);
    char wanted[2100];

    report_prose(report, "x");
    report_line(report, STATE_OK, "%s", source);
    report_line(report, STATE_OK, "after");
    snprintf(wanted, sizeof wanted, "DUALSTACK OK: x\n\\_[OK] %s\n\\_[OK] after\n", shown);
    assert_answer(report, STATE_OK, wanted);
    free(shown);
    free(source);
}
END_TEST

START_TEST(cuts_long_notes)
{
    char *source = repeat("", "x", 997, "");
    char *shown = repeat("", "x", 993, "");
    struct report *report = report_start(0);
    char wanted[2100];

    report_prose(report, "x");
    report_line(report, STATE_OK, "y");
    report_note(report, "%s", source);
    report_note(report, "%s", source + 1);
    snprintf(wanted, sizeof wanted, "DUALSTACK OK: x\n\\_[OK] y\n    %s...\n    %s\n", shown, source + 1);
    assert_answer(report, STATE_OK, wanted);
    free(shown);
    free(source);
}
END_TEST

/* What is shown of LINES lines, the second of every three with two notes, the third with a long one. */
enum {
    LINES = 25
};

static struct report *report_of_many_lines(size_t limit)
{
    struct report *report = report_start(limit);

    report_prose(report, "many");
    for (int i = 0; i < LINES; i++) {
        report_line(report, STATE_WARNING, "service %d", i);
        if (i % 3 == 1) {
            report_note(report, "n");
            report_note(report, "m");
        }
        if (i % 3 == 2) {
            report_note(report, "a note for %d that is rather long", i);
        }
    }
    return report;
}

static size_t lines_left_out(const char *tail)
{
    static const char start[] = "... and ";
    char *end = NULL;
    size_t count;

    if (strcmp(tail, "...\n") == 0) {
        return 0;
    }
    ck_assert_msg(strncmp(tail, start, strlen(start)) == 0, "the last line is \"%s\"", tail);
    count = strtoul(tail + strlen(start), &end, 10);
    ck_assert_str_eq(end, " more\n");
    ck_assert_uint_gt(count, 0);
    return count;
}

/* Whether the first `kept` bytes and one line more would fit the limit, with the tail that they need. */
static bool fits_with_one_more(const char *whole, size_t kept, size_t limit)
{
    const char *next = strchr(whole + kept, '\n') + 1;
    const size_t left_out = count_of(next, "\\_[");
    char tail[40] = "...\n";

    if (left_out > 0) {
        snprintf(tail, sizeof tail, "... and %zu more\n", left_out);
    }
    return (size_t)(next - whole) + strlen(tail) <= limit;
}

/* Limits from one that no line fits to one that all fit. */
START_TEST(stays_within_the_limit)
{
    const size_t limit = 40 + (size_t)_i;
    char *whole = report_end(report_of_many_lines(0), STATE_OK);
    char *text = report_end(report_of_many_lines(limit), STATE_OK);
    const size_t length = strlen(text);
    size_t kept;

    ck_assert_uint_le(length, limit);
    if (strlen(whole) <= limit) {
        ck_assert_str_eq(text, whole);
    } else {
        for (kept = length - 1; kept > 0 && text[kept - 1] != '\n';) {
            kept--;
        }
        ck_assert_mem_eq(text, whole, kept);
        ck_assert_uint_eq(count_of(whole + kept, "\\_["), lines_left_out(text + kept));
        ck_assert_msg(!fits_with_one_more(whole, kept, limit), "room for another line was left");
    }
    free(text);
    free(whole);
}
END_TEST

/* The answer grows from 20 bytes by 17, 14, 14 and 19; the line for the others takes 15. */
static const struct {
    size_t limit;
    const char *wanted;
} around_notes[] = {
    {200, "DUALSTACK OK: 12345\n\\_[OK] 901234567\n    567890123\n    901234567\n\\_[OK] 56789012345\n"},
    {84, "DUALSTACK OK: 12345\n\\_[OK] 901234567\n    567890123\n    901234567\n\\_[OK] 56789012345\n"},
    {83, "DUALSTACK OK: 12345\n\\_[OK] 901234567\n    567890123\n    901234567\n... and 1 more\n"},
    {80, "DUALSTACK OK: 12345\n\\_[OK] 901234567\n    567890123\n    901234567\n... and 1 more\n"},
    {79, "DUALSTACK OK: 12345\n\\_[OK] 901234567\n    567890123\n... and 1 more\n"},
    {66, "DUALSTACK OK: 12345\n\\_[OK] 901234567\n    567890123\n... and 1 more\n"},
    {65, "DUALSTACK OK: 12345\n\\_[OK] 901234567\n... and 1 more\n"},
    {52, "DUALSTACK OK: 12345\n\\_[OK] 901234567\n... and 1 more\n"},
    {51, "DUALSTACK OK: 12345\n... and 2 more\n"},
    {35, "DUALSTACK OK: 12345\n... and 2 more\n"},
    {34, "DUALSTACK OK: 12345\n"},
    {20, "DUALSTACK OK: 12345\n"},
};

START_TEST(drops_notes_first)
{
    struct report *report = report_start(around_notes[_i].limit);

    report_prose(report, "12345");
    report_line(report, STATE_OK, "901234567");
    report_note(report, "567890123");
    report_note(report, "901234567");
    report_line(report, STATE_OK, "56789012345");
    assert_answer(report, STATE_OK, around_notes[_i].wanted);
}
END_TEST

START_TEST(says_that_only_notes_are_missing)
{
    struct report *report = report_start(60);

    report_prose(report, "x");
    report_line(report, STATE_OK, "y");
    report_note(report, "fits");
    report_note(report, "this one is too long for what is left of the room");
    report_note(report, "z");
    assert_answer(report, STATE_OK, "DUALSTACK OK: x\n\\_[OK] y\n    fits\n...\n");
}
END_TEST

/* The count is right however many lines there are. */
static const size_t line_counts[] = {1, 9, 10, 99, 100, 101, 999, 1000, 20000, 300000};

START_TEST(counts_what_is_left_out)
{
    enum {
        LIMIT = 4096
    };
    struct report *report = report_start(LIMIT);
    size_t shown;
    char *text;
    char *last;

    report_prose(report, "many");
    for (size_t i = 0; i < line_counts[_i]; i++) {
        report_line(report, STATE_CRITICAL, "service number %zu", i);
        report_note(report, "and its note");
    }
    text = report_end(report, STATE_CRITICAL);
    ck_assert_uint_le(strlen(text), LIMIT);
    shown = count_of(text, "\\_[CRITICAL]");
    last = strstr(text, "\n...");
    if (last == NULL) {
        ck_assert_uint_eq(shown, line_counts[_i]);
        ck_assert_uint_lt(line_counts[_i], 100);
    } else {
        ck_assert_uint_eq(shown + lines_left_out(last + 1), line_counts[_i]);
        ck_assert_uint_gt(strlen(text), LIMIT - 100);
    }
    free(text);
}
END_TEST

/* Once it is full the lines that follow are counted, whatever they say; and it is not full before that. */
START_TEST(full_report_only_counts)
{
    struct report *report = report_start(60);
    char *text;

    report_prose(report, "prose");
    ck_assert(!report_is_full(report));
    ck_assert_int_eq(report_line(report, STATE_OK, "%s", "first"), 0);
    ck_assert(!report_is_full(report));
    for (int i = 0; !report_is_full(report); i++) {
        ck_assert_int_lt(i, 20);
        ck_assert_int_eq(report_line(report, STATE_OK, "%s", "kept"), 0);
    }
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(report_line(report, STATE_CRITICAL, "%s", "not seen"), 0);
        ck_assert_int_eq(report_note(report, "%s", "not seen"), 0);
    }
    text = report_end(report, STATE_OK);
    ck_assert_ptr_null(strstr(text, "not seen"));
    ck_assert_ptr_nonnull(strstr(text, "\n\\_[OK] first\n"));
    ck_assert_ptr_nonnull(strstr(text, " more\n"));
    free(text);
}
END_TEST

START_TEST(unlimited_report_is_never_full)
{
    struct report *report = report_start(0);

    for (int i = 0; i < 1000; i++) {
        report_line(report, STATE_OK, "%s", "a line of a report without a limit");
    }
    ck_assert(!report_is_full(report));
    report_free(report);
}
END_TEST

START_TEST(has_no_limit_when_asked)
{
    struct report *report = report_start(0);
    char *text;

    report_prose(report, "many");
    for (int i = 0; i < 20000; i++) {
        report_line(report, STATE_OK, "%d", i);
    }
    text = report_end(report, STATE_OK);
    ck_assert_uint_eq(count_of(text, "\\_[OK]"), 20000);
    ck_assert_ptr_nonnull(strstr(text, "\n\\_[OK] 19999\n"));
    ck_assert_ptr_null(strstr(text, "more"));
    free(text);
}
END_TEST

static void add_values(struct report *report, int count)
{
    for (int i = 0; i < count; i++) {
        struct perfdata value = {.value = (uint64_t)i};

        snprintf(value.label, sizeof value.label, "label_%d", i);
        report_perfdata(report, &value);
    }
}

/* All values on the first line, whatever the limit and how much else there is. */
START_TEST(keeps_all_values)
{
    struct report *report = report_start((size_t)_i);
    char *prose = repeat("", "p", 1000, "");
    char *text;
    char *newline;

    report_prose(report, "%s", prose);
    report_line(report, STATE_OK, "a line");
    add_values(report, 300);
    text = report_end(report, STATE_OK);
    newline = strchr(text, '\n');
    *newline = '\0';
    ck_assert_uint_eq(count_of(text, ";;;0"), 300);
    ck_assert_uint_eq(count_of(text, "|"), 1);
    ck_assert_uint_eq(count_of(text, "  "), 0);
    ck_assert_ptr_nonnull(strstr(text, "... | label_0=0;;;0 label_1=1;;;0 "));
    ck_assert_str_eq(newline - strlen(" label_299=299;;;0"), " label_299=299;;;0");
    free(text);
    free(prose);
}
END_TEST

/* The prose gives way to the values, but never all of it. */
static const struct {
    size_t limit;
    size_t prose_length;
    size_t length;
} tight[] = {
    {0, 400, 600},  {600, 400, 600}, {599, 399, 599}, {300, 100, 300},
    {281, 81, 281}, {280, 80, 280},  {279, 80, 280},  {1, 80, 280},
};

START_TEST(prose_gives_way_to_values)
{
    const struct perfdata filler = {"four", 1, NULL, NULL};
    struct report *report = report_start(tight[_i].limit);
    char *prose = repeat("", "p", 400, "");
    char *text;

    report_prose(report, "%s", prose);
    /* "DUALSTACK OK: ", " | ", the newline and these make 200 bytes */
    add_values(report, 12);
    report_perfdata(report, &filler);
    text = report_end(report, STATE_OK);
    ck_assert_uint_eq(strlen(text), tight[_i].length);
    ck_assert_uint_eq((size_t)(strchr(text, '|') - text), strlen("DUALSTACK OK: ") + tight[_i].prose_length + 1);
    free(text);
    free(prose);
}
END_TEST

/* A first line of more than 1,000 bytes is cut in its values by some carriers. */
START_TEST(prose_gives_way_to_carriers)
{
    bool seen[3] = {false};

    for (int count = 20; count < 60; count++) {
        struct report *report = report_start(4096);
        char *prose = repeat("", "p", 500, "");
        char *text;
        size_t length;
        size_t prose_length;

        report_prose(report, "%s", prose);
        add_values(report, count);
        text = report_end(report, STATE_OK);
        length = strlen(text);
        prose_length = (size_t)(strchr(text, '|') - text) - strlen("DUALSTACK OK: ") - 1;
        seen[0] |= prose_length == 500 && length <= 1000;
        seen[1] |= prose_length < 500 && prose_length > 200 && length == 1000;
        seen[2] |= prose_length == 200 && length > 1000;
        ck_assert_msg(length <= 1000 || prose_length == 200, "%zu bytes, of them %zu of prose", length, prose_length);
        free(text);
        free(prose);
    }
    ck_assert(seen[0] && seen[1] && seen[2]);
}
END_TEST

START_TEST(prose_gives_way_to_the_count)
{
    struct report *report = report_start(200);
    char *prose = repeat("", "p", 400, "");
    char *wanted = repeat("DUALSTACK OK: ", "p", 200 - 14 - 3 - 1 - 16, "...\n... and 12 more\n");

    report_prose(report, "%s", prose);
    for (int i = 0; i < 12; i++) {
        report_line(report, STATE_OK, "line %d", i);
    }
    assert_answer(report, STATE_OK, wanted);
    free(wanted);
    free(prose);
}
END_TEST

/* The one failure that a test can cause: there is no such wide character in any locale. */
static int report_break(struct report *report)
{
    const wchar_t impossible[] = {(wchar_t)0x7FFFFFFF, L'\0'};

    return report_prose(report, "%ls", impossible);
}

START_TEST(remembers_an_error)
{
    const struct perfdata mapped = {"mapped", 1, NULL, NULL};
    struct report *report = report_start(4096);
    char *text = repeat("", "x", 1, "");
    char *const before = text;
    size_t length = 1;

    ck_assert_int_eq(report_prose(report, "x"), 0);
    ck_assert_int_eq(report_break(report), -ENOMEM);
    ck_assert_int_eq(report_prose(report, "x"), -ENOMEM);
    ck_assert_int_eq(report_perfdata(report, &mapped), -ENOMEM);
    ck_assert_int_eq(report_line(report, STATE_OK, "x"), -ENOMEM);
    ck_assert_int_eq(report_note(report, "x"), -ENOMEM);
    ck_assert_int_eq(report_render(report, STATE_OK, &text, &length), -ENOMEM);
    ck_assert_ptr_null(text);
    ck_assert_uint_eq(length, 0);
    free(before);
    report_free(report);
}
END_TEST

/* Random bytes everywhere: the shape holds, and the first line has its one "|". */
START_TEST(holds_for_random_bytes)
{
    uint64_t random = 0x9E3779B97F4A7C15U + (uint64_t)_i;
    const struct perfdata mapped = {"mapped", 1, NULL, NULL};
    struct report *report = report_start(2000);
    char *text;
    size_t lines = 0;

    report_perfdata(report, &mapped);
    for (int i = 0; i < 40; i++) {
        char bytes[120];

        for (size_t at = 0; at < sizeof bytes; at++) {
            bytes[at] = (char)(unit_random(&random) & 0xFF);
        }
        if (i % 4 == 0) {
            report_prose(report, "%.*s", (int)sizeof bytes, bytes);
        }
        report_line(report, STATE_OK, "%.*s", (int)sizeof bytes, bytes);
    }
    report_prose(report, "end");
    text = report_end(report, STATE_OK);
    ck_assert_uint_le(strlen(text), 2000);
    ck_assert_uint_eq(count_of(text, "|"), 1);
    ck_assert_uint_lt((size_t)(strchr(text, '|') - text), (size_t)(strchr(text, '\n') - text));
    for (char *line = strchr(text, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
        ck_assert(strncmp(line, "\\_[OK] ", 7) == 0 || strncmp(line, "... and ", 8) == 0);
        lines++;
    }
    ck_assert_uint_gt(lines, 2);
    for (const char *byte = text; *byte != '\0'; byte++) {
        ck_assert_msg((unsigned char)*byte >= 0x20 || *byte == '\n', "byte 0x%02x", (unsigned)*byte);
    }
    free(text);
}
END_TEST

static TCase *answer_cases(void)
{
    TCase *cases = tcase_create("answer");

    tcase_add_test(cases, writes_the_whole_answer);
    tcase_add_loop_test(cases, writes_every_state, STATE_OK, STATE_UNKNOWN + 1);
    tcase_add_test(cases, writes_prose_alone);
    tcase_add_test(cases, renders_twice_the_same);
    tcase_add_test(cases, frees_nothing);
    tcase_add_test(cases, remembers_an_error);
    return cases;
}

static TCase *hostile_cases(void)
{
    TCase *cases = tcase_create("hostile");

    tcase_add_loop_test(cases, keeps_its_shape, 0, UNIT_COUNT(hostile));
    tcase_add_test(cases, takes_a_nul_by_format);
    tcase_add_loop_test(cases, holds_for_random_bytes, 0, 50);
    return cases;
}

static TCase *bound_cases(void)
{
    TCase *cases = tcase_create("bounds");

    tcase_add_loop_test(cases, cuts_long_prose, 0, UNIT_COUNT(long_prose));
    tcase_add_loop_test(cases, cuts_prose_from_many_calls, 0, UNIT_COUNT(long_prose));
    tcase_add_loop_test(cases, cuts_long_lines, 0, UNIT_COUNT(long_lines));
    tcase_add_test(cases, cuts_long_notes);
    tcase_add_loop_test(cases, stays_within_the_limit, 0, 1200);
    tcase_add_loop_test(cases, drops_notes_first, 0, UNIT_COUNT(around_notes));
    tcase_add_test(cases, says_that_only_notes_are_missing);
    tcase_add_loop_test(cases, counts_what_is_left_out, 0, UNIT_COUNT(line_counts));
    tcase_add_test(cases, full_report_only_counts);
    tcase_add_test(cases, unlimited_report_is_never_full);
    tcase_add_test(cases, has_no_limit_when_asked);
    tcase_add_loop_test(cases, keeps_all_values, 0, 5);
    tcase_add_loop_test(cases, prose_gives_way_to_values, 0, UNIT_COUNT(tight));
    tcase_add_test(cases, prose_gives_way_to_the_count);
    tcase_add_test(cases, prose_gives_way_to_carriers);
    return cases;
}

int main(void)
{
    Suite *suite = suite_create("report");

    suite_add_tcase(suite, answer_cases());
    suite_add_tcase(suite, hostile_cases());
    suite_add_tcase(suite, bound_cases());
    return unit_run(suite);
}
