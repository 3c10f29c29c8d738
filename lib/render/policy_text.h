/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A learned policy as text: a rule for each suggestion, below a comment on what was seen.
 */
#ifndef RENDER_POLICY_TEXT_H
#define RENDER_POLICY_TEXT_H

#include "audit/suggest.h"
#include "snapshot/snapshot.h"

#include <stdio.h>

/* All borrowed. */
struct policy_text {
    const struct snapshot *snapshot; /* its owners are known */
    const struct suggestions *suggestions;
    FILE *out;
};

/* Writes the policy. Returns 0 or -ENOMEM; ferror() says whether it could be written. */
int policy_text_write(const struct policy_text *learned);

#endif
