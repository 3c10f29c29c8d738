/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The captures that --replay or --baseline names.
 */
#include "config.h"

#include "captures.h"

#include "capture/capture_head.h"
#include "socket/array.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- entries ------------------------------------------------------------------------------------------------------ */

static void entry_clear(struct captures_entry *entry)
{
    free(entry->path);
    free(entry->host);
    free(entry->bytes);
}

/* An entry of that path, which becomes the list's even when there is no memory for the entry: NULL then. */
static struct captures_entry *entry_append(struct captures *captures, char *path)
{
    struct captures_entry *grown = array_grow(captures->list, captures->count, sizeof *grown);

    if (grown == NULL) {
        free(path);
        return NULL;
    }
    captures->list = grown;
    captures->list[captures->count] = (struct captures_entry){.path = path};
    return path != NULL ? &captures->list[captures->count++] : NULL;
}

static bool is_regular(const char *path)
{
    struct stat status;

    return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* The host's name and its namespace's in one block. */
static char *host_make(const struct capture_head *head)
{
    size_t name = strlen(head->host) + 1;
    size_t namespace = strlen(head->namespace) + 1;
    char *host = malloc(name + namespace);

    if (host != NULL) {
        memcpy(host, head->host, name);
        memcpy(host + name, head->namespace, namespace);
    }
    return host;
}

/*
 * Finds out which host a capture is of from its bytes, with a NUL behind them. Errors in it are found, and reported,
 * when it is judged.
 */
static int entry_look(struct captures_entry *entry, const char *bytes)
{
    struct capture_head head;
    int result = capture_head_read(bytes, entry->length, &head);

    if (result == 0) {
        entry->time = head.time;
        entry->host = host_make(&head);
        result = entry->host != NULL ? 0 : -ENOMEM;
    }
    if (result != -ENOMEM && !is_regular(entry->path)) {
        entry->bytes = malloc(entry->length + 1);
        if (entry->bytes == NULL) {
            return -ENOMEM;
        }
        memcpy(entry->bytes, bytes, entry->length + 1);
    }
    return result == -ENOMEM ? result : 0;
}

/* Adds the captures of the bytes, with a NUL behind them, the first of them to `entry`. */
static int entries_add(struct captures *captures, struct captures_entry *entry, char *bytes, size_t length)
{
    size_t offset = 0;
    int result;

    do {
        size_t end;
        char behind;
        if (offset > 0) {
            entry = entry_append(captures, strdup(entry->path));
        }
        if (entry == NULL) {
            return -ENOMEM;
        }
        entry->offset = offset;
        entry->length = json_field_root_length(bytes + offset, length - offset);
        end = offset + entry->length;
        behind = bytes[end];
        bytes[end] = '\0';
        result = entry_look(entry, bytes + offset);
        bytes[end] = behind;
        offset = end;
    } while (result == 0 && offset < length);
    return result;
}

/* --- folders ------------------------------------------------------------------------------------------------------ */

bool captures_is_folder(const char *path)
{
    struct stat status;

    return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/*
 * A path that cannot be examined is taken for a file, so that reading it shows the error: a host is never left out
 * silently.
 */
static bool is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) != 0 || S_ISREG(status.st_mode);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* By bytes, whatever the locale says. */
static int name_compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static char *path_join(const char *folder, const char *name)
{
    bool ends_in_slash = folder[strlen(folder) - 1] == '/';
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);

    if (path != NULL) {
        snprintf(path, size, "%s%s%s", folder, ends_in_slash ? "" : "/", name);
    }
    return path;
}

/* A folder that has no capture to read counts as one that cannot be judged. */
static int failure_add(struct captures *captures, const char *path, const char *error)
{
    struct captures_entry *entry = entry_append(captures, strdup(path));

    if (entry == NULL) {
        return -ENOMEM;
    }
    snprintf(entry->error, sizeof entry->error, "%s", error);
    return 0;
}

static int file_add(struct captures *captures, char *path)
{
    struct captures_entry *entry = entry_append(captures, path);
    char *bytes = NULL;
    size_t length;
    int result;

    _Static_assert(CAPTURES_ERROR_SIZE >= FILE_ERROR_SIZE, "error holds either");
    if (entry == NULL) {
        return -ENOMEM;
    }
    result = file_read(path, CAPTURES_LENGTH_MOST, &bytes, &length, entry->error);
    if (result == 0) {
        result = entries_add(captures, entry, bytes, length);
    }
    free(bytes);
    return result == -ENOMEM ? result : 0;
}

static int folder_entry_add(struct captures *captures, const char *folder, const char *name)
{
    char *path = path_join(folder, name);

    if (path != NULL && !is_file(path)) {
        free(path);
        return 0;
    }
    return file_add(captures, path);
}

static int folder_add(struct captures *captures, const char *folder, bool (*progress)(void *context, size_t count),
                      void *context)
{
    struct dirent **names = NULL;
    int name_count = scandir(folder, &names, is_shown, name_compare);
    size_t before = captures->count;
    bool goes_on = true;
    int result = 0;

    if (name_count < 0 && errno == ENOMEM) {
        return -ENOMEM;
    }
    if (name_count < 0) {
        char error[FILE_ERROR_SIZE];
        snprintf(error, sizeof error, "cannot be read: %s", strerror(errno));
        return failure_add(captures, folder, error);
    }
    for (int i = 0; i < name_count && result == 0 && goes_on; i++) {
        result = folder_entry_add(captures, folder, names[i]->d_name);
        goes_on = progress == NULL || progress(context, captures->count);
    }
    for (int i = 0; i < name_count; i++) {
        free(names[i]);
    }
    free(names);
    return result == 0 && goes_on && captures->count == before ? failure_add(captures, folder, "holds no capture")
                                                               : result;
}

int captures_add(struct captures *captures, const char *path, bool (*progress)(void *context, size_t count),
                 void *context)
{
    return captures_is_folder(path) ? folder_add(captures, path, progress, context) : file_add(captures, strdup(path));
}

/* --- which of a host's counts ------------------------------------------------------------------------------------- */

/* Captures that do not say which host they are of are each of one of their own. */
static bool is_named(const struct captures_entry *entry)
{
    return entry->host != NULL && *entry->host != '\0';
}

static int host_compare(const struct captures_entry *a, const struct captures_entry *b)
{
    int order = strcmp(a->host, b->host);

    return order != 0 ? order : strcmp(a->host + strlen(a->host) + 1, b->host + strlen(b->host) + 1);
}

/* By host, the newest first, then as they were named: entries are in that order in memory. */
static int entry_compare(const void *left, const void *right)
{
    const struct captures_entry *a = *(struct captures_entry *const *)left;
    const struct captures_entry *b = *(struct captures_entry *const *)right;
    int order = host_compare(a, b);

    if (order == 0) {
        order = (a->time < b->time) - (a->time > b->time);
    }
    return order != 0 ? order : (a > b) - (a < b);
}

int captures_choose(struct captures *captures)
{
    struct captures_entry **sorted = malloc((captures->count + 1) * sizeof(struct captures_entry *));
    size_t count = 0;

    captures->newest = sorted;
    if (sorted == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < captures->count; i++) {
        if (is_named(&captures->list[i])) {
            sorted[count++] = &captures->list[i];
        }
    }
    qsort(sorted, count, sizeof(struct captures_entry *), entry_compare);
    for (size_t i = 0; i < count; i++) {
        struct captures_entry *newest = captures->newest_count > 0 ? sorted[captures->newest_count - 1] : NULL;
        if (newest == NULL || host_compare(newest, sorted[i]) != 0) {
            sorted[captures->newest_count++] = sorted[i];
            continue;
        }
        sorted[i]->is_older = true;
        sorted[i - 1]->next = sorted[i];
        captures->older_count++;
    }
    return 0;
}

/* A host's name and namespace, as searched for. */
struct wanted {
    const char *host;
    const char *namespace;
};

static int wanted_compare(const void *left, const void *right)
{
    const struct wanted *wanted = left;
    const struct captures_entry *entry = *(struct captures_entry *const *)right;
    int order = strcmp(wanted->host, entry->host);

    return order != 0 ? order : strcmp(wanted->namespace, entry->host + strlen(entry->host) + 1);
}

/* The only capture that does not say which host it is of. */
static const struct captures_entry *nameless_find(const struct captures *captures)
{
    const struct captures_entry *found = NULL;

    for (size_t i = 0; i < captures->count; i++) {
        const struct captures_entry *entry = &captures->list[i];
        if (entry->host != NULL && *entry->host == '\0') {
            if (found != NULL) {
                return NULL;
            }
            found = entry;
        }
    }
    return found;
}

const struct captures_entry *captures_find(const struct captures *captures, const char *host, const char *namespace)
{
    const struct wanted wanted = {host, namespace};
    struct captures_entry *const *found;

    if (*host == '\0') {
        return nameless_find(captures);
    }
    found = bsearch(&wanted, captures->newest, captures->newest_count, sizeof(struct captures_entry *), wanted_compare);
    return found != NULL ? *found : NULL;
}

int captures_read(const struct captures_entry *entry, struct snapshot **snapshot,
                  char error[static JSON_FIELD_ERROR_SIZE])
{
    char *bytes = NULL;
    size_t length = 0;
    int result;

    _Static_assert(JSON_FIELD_ERROR_SIZE >= FILE_ERROR_SIZE, "error holds either");
    if (entry->bytes != NULL) {
        return capture_read(entry->bytes, entry->length, snapshot, error);
    }
    /* Not the whole file, which may hold thousands of others. */
    result = file_read_part(entry->path, entry->offset, entry->length, &bytes, &length, error);
    if (result == 0) {
        result = capture_read(bytes, length, snapshot, error);
    }
    free(bytes);
    return result;
}

void captures_clear(struct captures *captures)
{
    for (size_t i = 0; i < captures->count; i++) {
        entry_clear(&captures->list[i]);
    }
    free(captures->list);
    free(captures->newest);
    *captures = (struct captures){.list = NULL};
}
