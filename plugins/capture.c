/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "capture.h"

#include "capture/capture_write.h"
#include "deadline.h"
#include "lines.h"

int capture_run(const struct options *options, const struct policy *policy, struct answer *answer)
{
    struct snapshot_request request = check_snapshot_request(options, policy);
    struct snapshot *snapshot = NULL;
    struct lines lines = {.stage = "writing the capture"};
    const struct sink sink = {.write = lines_write, .context = &lines};
    int result;

    request.depth = SNAPSHOT_ALL;
    request.every_protocol = true;
    result = snapshot_take(&request, &snapshot);
    if (result == 0) {
        result = snapshot_owners_find(snapshot, deadline_stage);
    }
    if (result == 0) {
        result = capture_write(snapshot, &sink);
        lines_flush(&lines);
    }
    answer->state = lines.error == 0 ? STATE_OK : STATE_UNKNOWN;
    snapshot_free(snapshot);
    return result;
}
