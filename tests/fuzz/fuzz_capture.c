/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Fuzzes captures: any bytes are a snapshot that can be judged, or an error with its place.
 */
#include "config.h"

#include "capture/capture_read.h"
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[JSON_FIELD_ERROR_SIZE] = "";
    char *bytes = malloc(size + 1);
    struct snapshot *snapshot = NULL;
    int result;

    memcpy(bytes, data, size);
    bytes[size] = '\0';
    result = capture_read(bytes, size, &snapshot, error);
    FUZZ_REQUIRE((result == 0) == (snapshot != NULL));
    FUZZ_REQUIRE(result == 0 || error[0] != '\0');
    snapshot_free(snapshot);
    free(bytes);
    return 0;
}
