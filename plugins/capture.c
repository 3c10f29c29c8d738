/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "capture.h"

#include "capture/capture_write.h"
#include "check.h"
#include "deadline.h"
#include "namespaces.h"
#include "socket/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

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

/* Nothing is known about it, except why. */
static int capture_refuse(const struct run *run, const char *sentence)
{
    struct snapshot *snapshot = snapshot_create();
    struct sock_host *host;

    if (snapshot == NULL) {
        return -ENOMEM;
    }
    host = &snapshot->tally->host;
    snapshot->time = time(NULL);
    snprintf(snapshot->namespace, sizeof snapshot->namespace, "%s", run->namespace);
    *host = (struct sock_host)RECORD_HOST_UNKNOWN;
    snprintf(host->name, sizeof host->name, "%s", run->host);
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        snprintf(snapshot->tally->unreadable[protocol], sizeof snapshot->tally->unreadable[protocol],
                 "%s sockets cannot be read: %.400s", protocol_of((enum record_protocol)protocol)->label, sentence);
    }
    capture_write(snapshot, &run->sink);
    snapshot_free(snapshot);
    return 0;
}

int capture_run_everywhere(const struct run *run, enum state *state)
{
    /* A file that ends early would look like all there is. */
    deadline_stop_gently();
    return namespaces_each(run, capture_run, capture_refuse, state);
}
