/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Fuzzes lines of /proc/net: a record or an error.
 */
#include "config.h"

#include "fuzz.h"
#include "socket/procfs.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = malloc(size > 0 ? size : 1);
    struct sock_record record;

    memcpy(line, data, size);
    for (int kind = 0; kind < RECORD_PROTOCOLS * RECORD_FAMILIES; kind++) {
        enum record_protocol protocol = (enum record_protocol)(kind % RECORD_PROTOCOLS);
        enum record_family family = (enum record_family)(kind / RECORD_PROTOCOLS);
        if (procfs_line_decode(line, size, protocol, family, &record) == 0) {
            FUZZ_REQUIRE(record.protocol == protocol && record.family == family);
            FUZZ_REQUIRE((record.state == RECORD_STATELESS && protocol == RECORD_UDP) ||
                         (record.state >= RECORD_ESTABLISHED && record.state <= RECORD_NEW_SYN_RECV));
            FUZZ_REQUIRE(family == RECORD_INET6 || record_is_ipv4(&record.local));
        }
    }
    free(line);
    return 0;
}
