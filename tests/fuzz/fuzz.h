/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What the fuzz targets share. Each is a libFuzzer target: clang -fsanitize=fuzzer.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* What must hold for any input; assert() that no build flag takes away. */
#define FUZZ_REQUIRE(condition) ((condition) ? (void)0 : abort())

/* Called by libFuzzer with each input. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
