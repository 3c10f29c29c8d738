/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "capture.h"

#include "capture/capture_write.h"
#include "check.h"
#include "deadline.h"

int capture_run(const struct run *run, enum state *state)
{
    struct snapshot_request request = check_snapshot_request(run);
    struct snapshot *snapshot = NULL;
    int result;

    request.depth = SNAPSHOT_ALL;
    request.every_protocol = true;
    result = snapshot_take(&request, &snapshot);
    if (result == 0) {
        result = snapshot_owners_find(snapshot, deadline_stage);
    }
    if (result == 0) {
        *state = STATE_OK;
        tally_cgroups_forget(snapshot->tally);
        capture_write(snapshot, &run->sink);
    }
    snapshot_free(snapshot);
    return result;
}
