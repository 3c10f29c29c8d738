/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Days of the Gregorian calendar, in UTC, counted from 1970-01-01.
 */
#ifndef AUDIT_DAY_H
#define AUDIT_DAY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define DAY_SECONDS 86400

/* Reads "YYYY-MM-DD". Returns false when there is no such day. */
bool day_parse(const char *text, int32_t *day);

/* The day of a time. */
int32_t day_of(time_t time);

/* The time at which a day starts. */
time_t day_start(int32_t day);

#define DAY_TIME_SIZE sizeof "-2147483648-12-31T23:59:60Z"

/* Writes "2026-11-22T09:00:00Z", "" for a time too far away to have a year. Returns text. */
const char *day_time_format(char text[static DAY_TIME_SIZE], time_t time);

#endif
