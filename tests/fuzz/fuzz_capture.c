/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Fuzzes captures: any bytes are a look that can be judged, or an error with its place.
 */
#include "config.h"

#include "capture.h"
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[CAPTURE_ERROR_SIZE] = "";
    char *bytes = malloc(size + 1);
    struct look *look = NULL;
    int result;

    memcpy(bytes, data, size);
    bytes[size] = '\0';
    result = capture_parse(bytes, size, &look, error);
    FUZZ_REQUIRE((result == 0) == (look != NULL));
    FUZZ_REQUIRE(result == 0 || error[0] != '\0');
    look_free(look);
    free(bytes);
    return 0;
}
