/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "audit/day.h"

#include <stdlib.h>
#include <string.h>

bool day_parse(const char *text, int32_t *day)
{
    static const int days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int year, month, date, leap_day;

    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || strspn(text, "0123456789-") != 10 ||
        strspn(text, "0123456789") != 4 || strspn(text + 5, "0123456789") != 2 || strspn(text + 8, "0123456789") != 2) {
        return false;
    }
    year = (int)strtol(text, NULL, 10);
    month = (int)strtol(text + 5, NULL, 10);
    date = (int)strtol(text + 8, NULL, 10);
    if (year < 1970 || month < 1 || month > 12 || date < 1) {
        return false;
    }
    leap_day = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (date > days_before[month] - days_before[month - 1] + (month == 2 ? leap_day : 0)) {
        return false;
    }
    year -= 1;
    *day = (int32_t)(year * 365 + year / 4 - year / 100 + year / 400 - 719162);
    *day += days_before[month - 1] + (month > 2 ? leap_day : 0) + date - 1;
    return true;
}

int32_t day_of(time_t time)
{
    return (int32_t)(time / DAY_SECONDS);
}

time_t day_start(int32_t day)
{
    return (time_t)day * DAY_SECONDS;
}

const char *day_time_format(char text[static DAY_TIME_SIZE], time_t time)
{
    struct tm fields;

    if (gmtime_r(&time, &fields) == NULL || strftime(text, DAY_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &fields) == 0) {
        *text = '\0';
    }
    return text;
}
