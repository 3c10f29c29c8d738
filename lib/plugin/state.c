/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Names, parsing and gravity of the four states.
 */
#include "config.h"

#include "plugin/state.h"

#include <stddef.h>

/* Indexed by state. */
static const struct {
    const char *name;
    const char *word;
    char digit;
    int gravity;
} states[] = {
    [STATE_OK] = {"OK", "ok", '0', 0},
    [STATE_WARNING] = {"WARNING", "warning", '1', 2},
    [STATE_CRITICAL] = {"CRITICAL", "critical", '2', 3},
    [STATE_UNKNOWN] = {"UNKNOWN", "unknown", '3', 1},
};

#define STATE_COUNT (sizeof states / sizeof *states)
_Static_assert(STATE_COUNT == STATE_UNKNOWN + 1, "each state has a row");

/* A value that is none of the four can only be a bug: it must not pass for OK. */
static size_t state_index(enum state state)
{
    return (size_t)state < STATE_COUNT ? (size_t)state : (size_t)STATE_UNKNOWN;
}

/* strcasecmp() and tolower() follow the locale; in a Turkish one "I" and "i" are different letters. */
static bool equals_ignoring_case(const char *text, const char *lower_case_word)
{
    while (*text != '\0') {
        char letter = *text++;

        if (letter >= 'A' && letter <= 'Z') {
            letter = (char)(letter - 'A' + 'a');
        }
        if (letter != *lower_case_word++) {
            return false;
        }
    }
    return *lower_case_word == '\0';
}

const char *state_name(enum state state)
{
    return states[state_index(state)].name;
}

enum state state_worse(enum state a, enum state b)
{
    return state_compare(a, b) <= 0 ? a : b;
}

int state_compare(enum state a, enum state b)
{
    return states[state_index(b)].gravity - states[state_index(a)].gravity;
}

bool state_parse(const char *text, enum state *state)
{
    for (size_t i = 0; i < STATE_COUNT; i++) {
        const bool is_digit = text[0] == states[i].digit && text[1] == '\0';

        if (is_digit || equals_ignoring_case(text, states[i].word)) {
            *state = (enum state)i;
            return true;
        }
    }
    return false;
}
