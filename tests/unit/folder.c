/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * A folder of its own for a test.
 */
#include "config.h"

#include "folder.h"

#include "unit.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[sizeof "/tmp/check_dualstack.XXXXXX"];

void folder_make(void)
{
    strcpy(folder, "/tmp/check_dualstack.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* musl goes no deeper than it may open directories. */
#define FOLDER_DEPTH 400

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status;
    (void)type;
    (void)position;
    return remove(path);
}

void folder_remove(void)
{
    ck_assert_int_eq(nftw(folder, entry_remove, FOLDER_DEPTH, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_name(void)
{
    return folder;
}

const char *folder_path(char path[static PATH_MAX], const char *name)
{
    ck_assert_int_lt(snprintf(path, PATH_MAX, "%s/%s", folder, name), PATH_MAX);
    return path;
}

void folder_write(const char *name, const void *bytes, size_t length)
{
    char path[PATH_MAX];
    FILE *file = fopen(folder_path(path, name), "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

void folder_write_text(const char *name, const char *text)
{
    folder_write(name, text, strlen(text));
}

void folder_add_directory(const char *name)
{
    char path[PATH_MAX];

    folder_path(path, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
}
