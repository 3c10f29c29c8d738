/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * plugins/lines.c: what is written to standard output, and in which pieces.
 */
#include "config.h"

#include "lines.h"
#include "stdout.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define MOST (128 * 1024)

/* Standard output is a socket that keeps each write apart, until output_end(). */
struct output {
    int before; /* the real one */
    int reader;
    char bytes[MOST];
    size_t length;
    size_t pieces[256];
    size_t count;
};

static struct output *output_begin(void)
{
    struct output *output = calloc(1, sizeof *output);
    int ends[2];

    ck_assert_ptr_nonnull(output);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    fflush(stdout);
    output->before = dup(STDOUT_FILENO);
    output->reader = ends[0];
    ck_assert_int_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    close(ends[1]);
    return output;
}

/* Gives standard output back, and gets what was written. */
static void output_end(struct output *output)
{
    ssize_t length;

    ck_assert_int_eq(dup2(output->before, STDOUT_FILENO), STDOUT_FILENO);
    close(output->before);
    while ((length = read(output->reader, output->bytes + output->length, MOST - output->length)) > 0) {
        output->pieces[output->count++] = (size_t)length;
        output->length += (size_t)length;
    }
    close(output->reader);
}

static void text_write(struct lines *lines, const char *text)
{
    ck_assert_int_eq(lines_write(text, strlen(text), lines), 0);
}

/* However they were put together, lines that fit a piece are one write; what has no end yet follows them. */
static const struct {
    const char *parts[3];
    size_t writes;
} texts[] = {
    {{"", "", ""}, 0},       {{"one ", "line", "\n"}, 1},       {{"one\n", "two\nthree", "\n"}, 1},
    {{"no ", "end", ""}, 1}, {{"one\n", "two\nno ", "end"}, 2},
};

START_TEST(short_text_is_one_write)
{
    struct output *output = output_begin();
    struct lines lines = {.stage = "testing"};
    char expected[64] = "";

    for (int i = 0; i < 3; i++) {
        text_write(&lines, texts[_i].parts[i]);
        strcat(expected, texts[_i].parts[i]);
    }
    lines_flush(&lines);
    lines_flush(&lines);
    output_end(output);
    ck_assert_int_eq(lines.error, 0);
    ck_assert_uint_eq(output->length, strlen(expected));
    ck_assert_int_eq(memcmp(output->bytes, expected, output->length), 0);
    ck_assert_uint_eq(output->count, texts[_i].writes);
    free(output);
}
END_TEST

/* What comes behind the first line's end is left out, however it is put together. */
static const struct {
    const char *parts[3];
    const char *written;
} first_lines[] = {
    {{"", "", ""}, ""},
    {{"one\ntwo\n", "three\n", ""}, "one\n"},
    {{"o", "ne\ntwo", "\nthree\n"}, "one\n"},
    {{"one", "\n", "\ntwo\n"}, "one\n"},
    {{"no ", "end", ""}, "no end"},
};

START_TEST(first_line_is_all)
{
    struct output *output = output_begin();
    struct lines lines = {.stage = "testing", .only_first = true};

    for (int i = 0; i < 3; i++) {
        text_write(&lines, first_lines[_i].parts[i]);
    }
    lines_flush(&lines);
    output_end(output);
    ck_assert_uint_eq(output->length, strlen(first_lines[_i].written));
    ck_assert_int_eq(memcmp(output->bytes, first_lines[_i].written, output->length), 0);
    free(output);
}
END_TEST

START_TEST(long_text_that_comes_alone_is_one_write)
{
    struct output *output = output_begin();
    struct lines lines = {.stage = "testing"};
    char *text = malloc(64001);

    memset(text, 'x', 64000);
    text[64000] = '\0';
    text_write(&lines, text);
    lines_flush(&lines);
    output_end(output);
    ck_assert_uint_eq(output->count, 1);
    ck_assert_uint_eq(output->pieces[0], 64000);
    free(text);
    free(output);
}
END_TEST

/* It does not overtake what was there before it. */
START_TEST(long_text_waits_its_turn)
{
    struct output *output = output_begin();
    struct lines lines = {.stage = "testing"};
    char text[PIPE_BUF + 2];

    memset(text, 'x', PIPE_BUF + 1);
    text[PIPE_BUF + 1] = '\0';
    text_write(&lines, "first");
    text_write(&lines, text);
    lines_flush(&lines);
    output_end(output);
    ck_assert_uint_eq(output->length, PIPE_BUF + 6);
    ck_assert_int_eq(memcmp(output->bytes, "firstx", 6), 0);
    free(output);
}
END_TEST

/* Lines of any length, in writes of any length: nothing is lost, and pieces end with a line where they can. */
START_TEST(pieces_end_with_a_line)
{
    struct output *output = output_begin();
    struct lines lines = {.stage = "testing", .pauses = _i == 1};
    char *text = malloc(MOST);
    size_t length = 0;
    uint64_t state = 7;
    size_t at = 0;

    while (length + 300 < MOST / 2) {
        size_t line = (size_t)(unit_random(&state) % 300);
        memset(text + length, 'a' + (int)(length % 26), line);
        length += line;
        text[length++] = '\n';
    }
    for (size_t written = 0; written < length;) {
        size_t count = (size_t)(unit_random(&state) % 700) + 1;
        count = count < length - written ? count : length - written;
        ck_assert_int_eq(lines_write(text + written, count, &lines), 0);
        written += count;
    }
    lines_flush(&lines);
    output_end(output);
    ck_assert_uint_eq(output->length, length);
    ck_assert_int_eq(memcmp(output->bytes, text, length), 0);
    ck_assert_uint_gt(output->count, length / PIPE_BUF);
    for (size_t i = 0; i < output->count; i++) {
        at += output->pieces[i];
        ck_assert_uint_le(output->pieces[i], PIPE_BUF);
        ck_assert_int_eq(text[at - 1], '\n');
    }
    free(text);
    free(output);
}
END_TEST

/* One line that is longer than a piece goes out in full pieces. */
START_TEST(endless_line_is_written_in_full_pieces)
{
    struct output *output = output_begin();
    struct lines lines = {.stage = "testing"};

    for (int i = 0; i < 3 * PIPE_BUF; i++) {
        text_write(&lines, "x");
    }
    text_write(&lines, "\n");
    lines_flush(&lines);
    output_end(output);
    ck_assert_uint_eq(output->count, 4);
    ck_assert_uint_eq(output->pieces[0], PIPE_BUF);
    ck_assert_uint_eq(output->pieces[3], 1);
    free(output);
}
END_TEST

/* The first error stays, and nothing is tried again. */
START_TEST(errors_are_kept)
{
    struct output *output = output_begin();
    struct lines lines = {.stage = "testing"};
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(full, 0);
    ck_assert_int_eq(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
    close(full);
    text_write(&lines, "lost\n");
    ck_assert_int_eq(lines.error, 0);
    lines_flush(&lines);
    ck_assert_int_eq(lines.error, -ENOSPC);
    text_write(&lines, "lost too\n");
    lines_flush(&lines);
    ck_assert_int_eq(lines.error, -ENOSPC);
    output_end(output);
    ck_assert_uint_eq(output->length, 0);
    free(output);
}
END_TEST

/* The end of a pipe that is full. */
static int full;

static void all_read(int signal)
{
    char bytes[4096];

    (void)signal;
    while (read(full, bytes, sizeof bytes) > 0) {
    }
}

/* Someone else who has the pipe made it one that does not block. */
START_TEST(what_does_not_block_is_waited_for)
{
    static const char xs[4096] = "x";
    struct sigaction action = {.sa_handler = all_read};
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    char last[sizeof "the answer\n"] = "";
    int before = dup(STDOUT_FILENO);
    int result;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], xs, sizeof xs) > 0) {
    }
    full = ends[0];
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    result = stdout_write("the answer\n", strlen("the answer\n"));
    ck_assert_int_eq(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
    ck_assert_int_eq(result, 0);
    ck_assert_int_eq(read(full, last, sizeof last - 1), sizeof last - 1);
    ck_assert_str_eq(last, "the answer\n");
    close(before);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *tcase = tcase_create("lines");

    tcase_add_loop_test(tcase, short_text_is_one_write, 0, UNIT_COUNT(texts));
    tcase_add_loop_test(tcase, first_line_is_all, 0, UNIT_COUNT(first_lines));
    tcase_add_test(tcase, long_text_that_comes_alone_is_one_write);
    tcase_add_test(tcase, long_text_waits_its_turn);
    tcase_add_loop_test(tcase, pieces_end_with_a_line, 0, 2);
    tcase_add_test(tcase, endless_line_is_written_in_full_pieces);
    tcase_add_test(tcase, errors_are_kept);
    tcase_add_test(tcase, what_does_not_block_is_waited_for);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
