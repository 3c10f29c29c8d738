/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What the unit tests share.
 */
#include "config.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

int unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int run;
    int failed;

    srunner_run_all(runner, CK_ENV);
    run = srunner_ntests_run(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Of either text the message shows this much from a little before where they differ. */
#define SHOWN 800
#define BEFORE 80

void unit_assert_texts(const char *file, int line, const char *what, const char *got, const char *wanted)
{
    size_t same = 0;
    size_t start;

    if (got != NULL && wanted != NULL && strcmp(got, wanted) == 0) {
        mark_point();
        return;
    }
    if (got == NULL || wanted == NULL) {
        ck_abort_msg("%s:%d: %.100s is \"%.*s\", must be \"%.*s\"", file, line, what, SHOWN,
                     got != NULL ? got : "(null)", SHOWN, wanted != NULL ? wanted : "(null)");
    }
    while (got[same] == wanted[same]) {
        same++;
    }
    start = same > BEFORE ? same - BEFORE : 0;
    ck_abort_msg("%s:%d: %.100s differs at byte %zu: \"%.*s\", must be \"%.*s\"", file, line, what, same, SHOWN,
                 got + start, SHOWN, wanted + start);
}

uint64_t unit_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}
