/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "socket/array.h"

#include <stdlib.h>

void *array_grow(void *list, size_t count, size_t size)
{
    if (count == 0) {
        return reallocarray(list, 1, size);
    }
    /* Twice the size, not twice the count: reallocarray() sees to it that their product fits. */
    return (count & (count - 1)) == 0 ? reallocarray(list, count, 2 * size) : list;
}
