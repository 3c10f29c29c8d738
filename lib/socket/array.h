/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Lists that grow as they are filled; in this room, as every other one may include it.
 */
#ifndef SOCKET_ARRAY_H
#define SOCKET_ARRAY_H

#include <stddef.h>

/*
 * Makes room for one more element of `size` bytes in a list of `count`, which is NULL when there is none, and which
 * grew by this function alone: at each power of two to the next one. Returns the list, which may have moved and is the
 * caller's to free; NULL when out of memory, and the list is as it was.
 */
void *array_grow(void *list, size_t count, size_t size);

#endif
