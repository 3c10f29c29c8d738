/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The hosts of --hosts.
 */
#include "config.h"

#include "hosts.h"

#include "plugin/escape.h"
#include "socket/array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any list of hosts needs. */
#define LENGTH_MOST (16u << 20)

static int name_add(struct hosts *hosts, const char *name)
{
    struct hosts_name *grown = array_grow(hosts->list, hosts->count, sizeof *grown);

    if (grown == NULL) {
        return -ENOMEM;
    }
    hosts->list = grown;
    hosts->list[hosts->count++] = (struct hosts_name){.name = name};
    return 0;
}

/* Cuts the line to its name, which may be empty. Returns the word after it, "" for none. */
static const char *name_cut(char **line)
{
    char *rest;

    (*line)[strcspn(*line, "#")] = '\0';
    *line += strspn(*line, " \t");
    rest = *line + strcspn(*line, " \t");
    rest += strspn(rest, " \t");
    rest[strcspn(rest, " \t")] = '\0';
    (*line)[strcspn(*line, " \t")] = '\0';
    return rest;
}

/* Splits the bytes into names. A word that was ignored could be a host that nobody misses. */
static int names_add(struct hosts *hosts, size_t length, char error[static FILE_ERROR_SIZE])
{
    char *line = hosts->bytes + escape_byte_order_mark(hosts->bytes, length);
    size_t number = 1;
    int result = 0;

    while (*line != '\0' && result == 0) {
        size_t line_length = strcspn(line, "\r\n");
        char *rest = line + line_length + (line[line_length] != '\0');
        bool is_last_of_line = line[line_length] == '\n';
        const char *more;
        line[line_length] = '\0';
        more = name_cut(&line);
        if (*more != '\0') {
            snprintf(error, FILE_ERROR_SIZE, "has '%.60s' after the name in line %zu: write one name per line", more,
                     number);
            return -EINVAL;
        }
        result = *line != '\0' ? name_add(hosts, line) : 0;
        number += is_last_of_line;
        line = rest;
    }
    return result;
}

static int name_compare(const void *left, const void *right)
{
    const struct hosts_name *a = left;
    const struct hosts_name *b = right;

    return strcmp(a->name, b->name);
}

static void names_sort(struct hosts *hosts)
{
    size_t kept = 0;

    qsort(hosts->list, hosts->count, sizeof *hosts->list, name_compare);
    for (size_t i = 0; i < hosts->count; i++) {
        if (kept == 0 || name_compare(&hosts->list[kept - 1], &hosts->list[i]) != 0) {
            hosts->list[kept++] = hosts->list[i];
        }
    }
    hosts->count = kept;
}

int hosts_read(struct hosts *hosts, const char *path, char error[static FILE_ERROR_SIZE])
{
    size_t length = 0;
    int result = file_read(path, LENGTH_MOST, &hosts->bytes, &length, error);
    size_t nul_line = result == 0 ? file_nul_line(hosts->bytes, length) : 0;

    if (nul_line > 0) {
        snprintf(error, FILE_ERROR_SIZE, "is not a text file: NUL byte in line %zu", nul_line);
        return -EINVAL;
    }
    if (result == 0) {
        result = names_add(hosts, length, error);
    }
    if (result == 0 && hosts->count == 0) {
        snprintf(error, FILE_ERROR_SIZE, "has no names of hosts: write one per line");
        result = -EINVAL;
    }
    if (result == 0) {
        names_sort(hosts);
    }
    return result;
}

bool hosts_note(struct hosts *hosts, const char *name, bool is_found)
{
    struct hosts_name key = {.name = name};
    struct hosts_name *found =
        hosts->count > 0 ? bsearch(&key, hosts->list, hosts->count, sizeof *hosts->list, name_compare) : NULL;

    if (found != NULL) {
        found->is_found = is_found;
    }
    return found != NULL;
}

size_t hosts_count_missing(const struct hosts *hosts)
{
    size_t count = 0;

    for (size_t i = 0; i < hosts->count; i++) {
        count += !hosts->list[i].is_found;
    }
    return count;
}

void hosts_clear(struct hosts *hosts)
{
    free(hosts->list);
    free(hosts->bytes);
    *hosts = (struct hosts){.list = NULL};
}
