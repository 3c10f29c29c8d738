/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What all unit tests share. Each test program is one suite.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdint.h>

/*
 * Runs the suite, frees it and returns the exit status for main(): 0 when every test passed, 1 otherwise, also for a
 * suite that ran no test at all. How much is printed and whether tests fork is left to libcheck's environment variables
 * (CK_VERBOSITY, CK_FORK).
 */
int unit_run(Suite *suite);

/*
 * libcheck's own would end the whole program where the texts are longer than its messages may be (4 KB): the message
 * has the texts' first bytes, and where they differ.
 */
#undef ck_assert_str_eq
#define ck_assert_str_eq(got, wanted) unit_assert_texts(__FILE__, __LINE__, #got, (got), (wanted))

/* Fails the test, as one of that place, when the texts are not the same; a NULL is the same as nothing. */
void unit_assert_texts(const char *file, int line, const char *what, const char *got, const char *wanted);

/* How many rows a table has, as loop tests count them. */
#define UNIT_COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* The next of a series of pseudo-random numbers below 2^53, the same in every run. *state starts as any but 0. */
uint64_t unit_random(uint64_t *state);

#endif
