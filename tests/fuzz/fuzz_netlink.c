/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Fuzzes what the kernel answers: any bytes are records, an end, or an error, never more than was received.
 */
#include "config.h"

#include "audit/tally.h"
#include "fuzz.h"
#include "socket/netlink.h"

static int visit(const struct sock_record *record, void *context)
{
    char text[RECORD_ENDPOINT_SIZE];

    FUZZ_REQUIRE(record->protocol == RECORD_TCP || record->protocol == RECORD_UDP);
    FUZZ_REQUIRE(record->family == RECORD_INET || record->family == RECORD_INET6);
    FUZZ_REQUIRE(record->state >= RECORD_ESTABLISHED && record->state <= RECORD_NEW_SYN_RECV);
    record_endpoint_format(text, record->family, &record->local, record->local_port, "lo");
    return tally_add(context, record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Aligned as a receive buffer is, and exactly as long, so that the sanitizer sees every byte too far. */
    void *bytes = malloc(size > 0 ? size : 1);
    struct tally *tally = tally_create();
    int result;

    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)bytes)[i] = data[i];
    }
    result = netlink_answer_handle(bytes, size, 1, 2, size % 2 == 0 ? RECORD_TCP : RECORD_UDP, visit, tally);
    FUZZ_REQUIRE(result <= 1);
    tally_sort(tally);
    tally_free(tally);
    free(bytes);
    return 0;
}
