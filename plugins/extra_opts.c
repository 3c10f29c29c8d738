/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --extra-opts: the ini files that hold options, and where they are looked for.
 */
#include "config.h"

#include "extra_opts.h"

#include "file.h"
#include "plugin/text_buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_DEFAULT "check_dualstack"

/* More than the options of all plugins of a host; a device or a log file given by mistake is not read to its end. */
#define INI_BYTES_MAX (1u << 20)

/* Only the end of a longer name is shown. */
#define NAME_MOST 160

/* Of $NAGIOS_CONFIG_PATH. */
#define CONFIG_PATH_MOST 200

/* In each folder of $NAGIOS_CONFIG_PATH. */
static const char *const file_names[] = {"monitoring-plugins.ini", "plugins.ini", "nagios-plugins.ini", NULL};

/* Where the monitoring-plugins look, in their order; those from /etc/nagios on are older names. */
static const char *const default_places[] = {
    "/usr/local/etc/monitoring-plugins/monitoring-plugins.ini",
    "/usr/local/etc/monitoring-plugins.ini",
    "/etc/monitoring-plugins/monitoring-plugins.ini",
    "/etc/monitoring-plugins.ini",
    "/etc/nagios/plugins.ini",
    "/usr/local/nagios/etc/plugins.ini",
    "/usr/local/etc/nagios/plugins.ini",
    "/etc/opt/nagios/plugins.ini",
    "/etc/nagios-plugins.ini",
    "/usr/local/etc/nagios-plugins.ini",
    "/etc/opt/nagios-plugins.ini",
    NULL,
};

struct extra_opts_search extra_opts_search(void)
{
    return (struct extra_opts_search){
        .config_file = getenv("MP_CONFIG_FILE"),
        .config_path = getenv("NAGIOS_CONFIG_PATH"),
        .defaults = default_places,
    };
}

void extra_opts_place_format(char *text, size_t size, const char *name, size_t line, const char *sentence)
{
    struct text_buffer place = text_buffer_start(text, size);
    size_t length = strlen(name);

    text_buffer_add(&place, length > NAME_MOST ? "...%s" : "%s", length > NAME_MOST ? name + length - NAME_MOST : name);
    if (line > 0) {
        text_buffer_add(&place, ":%zu", line);
    }
    text_buffer_add(&place, ": %s", sentence);
}

static void mistake_keep(struct extra_opts *extra, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Keeps the mistake, unless there is one already. */
static void mistake_keep(struct extra_opts *extra, const char *format, ...)
{
    struct text_buffer mistake;
    va_list arguments;

    if (extra->mistake[0] != '\0') {
        return;
    }
    mistake = TEXT_BUFFER(extra->mistake);
    va_start(arguments, format);
    text_buffer_add_va(&mistake, format, arguments);
    va_end(arguments);
}

/* `origin` says how the file came to be read, "" where the user has named it. */
static void file_mistake_keep(struct extra_opts *extra, const char *name, size_t line, const char *sentence,
                              const char *origin)
{
    char text[EXTRA_OPTS_MISTAKE_SIZE];

    extra_opts_place_format(text, sizeof text, name, line, sentence);
    mistake_keep(extra, "%s%s", text, origin);
}

/* --- one file ---------------------------------------------------------------------------------------------------- */

/* Reads the file. Returns 0 and its bytes; or a negative errno, and keeps the mistake unless that is -ENOMEM. */
static int file_load(struct extra_opts *extra, struct extra_opts_source *source, const char *path, const char *origin,
                     size_t *length)
{
    bool is_stdin = strcmp(path, "-") == 0;
    char error[FILE_ERROR_SIZE];
    int result;

    source->name = strdup(file_name(path));
    if (source->name == NULL) {
        return -ENOMEM;
    }
    if (is_stdin && extra->reads_stdin) {
        file_mistake_keep(extra, source->name, 0, "can be read only once, but --extra-opts names it twice", origin);
        return -EINVAL;
    }
    extra->reads_stdin = extra->reads_stdin || is_stdin;
    result = file_read(path, INI_BYTES_MAX, &source->bytes, length, error);
    if (result != 0 && result != -ENOMEM) {
        file_mistake_keep(extra, source->name, 0, error, origin);
    }
    return result;
}

/* --- the search -------------------------------------------------------------------------------------------------- */

/* As file_load(), but a missing file is not a mistake yet, and leaves the source as it was. */
static int candidate_load(struct extra_opts *extra, struct extra_opts_source *source, const char *path, size_t *length)
{
    char first = extra->mistake[0];
    int result = file_load(extra, source, path, "", length);

    if (result == -ENOENT || result == -ENOTDIR) {
        extra->mistake[0] = first;
        free(source->name);
        source->name = NULL;
        return -ENOENT;
    }
    return result;
}

static int folder_search(struct extra_opts *extra, struct extra_opts_source *source, const char *folder,
                         size_t folder_length, size_t *length)
{
    size_t size = folder_length + sizeof "/monitoring-plugins.ini";
    char *path = malloc(size);
    int result = path != NULL ? -ENOENT : -ENOMEM;

    for (size_t i = 0; file_names[i] != NULL && result == -ENOENT; i++) {
        memcpy(path, folder, folder_length);
        snprintf(path + folder_length, size - folder_length, "/%s", file_names[i]);
        result = candidate_load(extra, source, path, length);
    }
    free(path);
    return result;
}

static int folders_search(struct extra_opts *extra, struct extra_opts_source *source, const char *folders,
                          size_t *length)
{
    int result = -ENOENT;

    while (*folders != '\0' && result == -ENOENT) {
        size_t folder_length = strcspn(folders, ":");
        if (folder_length > 0) {
            result = folder_search(extra, source, folders, folder_length, length);
        }
        folders += folder_length;
        folders += *folders == ':';
    }
    return result;
}

static void nothing_found_report(struct extra_opts *extra, const struct extra_opts_search *search)
{
    struct text_buffer places;

    if (extra->mistake[0] != '\0') {
        return;
    }
    mistake_keep(extra, "--extra-opts: no ini file found: name it, such as --extra-opts=@FILE, or put it where it is "
                        "looked for");
    places = TEXT_BUFFER(extra->places);
    text_buffer_add(&places, "looked for");
    if (search->config_path != NULL) {
        text_buffer_add(&places, " %s, %s and %s in $NAGIOS_CONFIG_PATH (", file_names[0], file_names[1],
                        file_names[2]);
        text_buffer_add_cut(&places, search->config_path, CONFIG_PATH_MOST);
        text_buffer_add(&places, "), then for");
    }
    for (size_t i = 0; search->defaults[i] != NULL; i++) {
        text_buffer_add(&places, "%s %s", i > 0 ? "," : "", search->defaults[i]);
    }
}

static int file_search(struct extra_opts *extra, struct extra_opts_source *source,
                       const struct extra_opts_search *search, size_t *length)
{
    int result = -ENOENT;

    if (search->config_file != NULL && *search->config_file == '\0') {
        mistake_keep(extra, "--extra-opts: $MP_CONFIG_FILE is set, but names no file");
        return -EINVAL;
    }
    if (search->config_file != NULL) {
        return file_load(extra, source, search->config_file, " (named by $MP_CONFIG_FILE)", length);
    }
    if (search->config_path != NULL) {
        result = folders_search(extra, source, search->config_path, length);
    }
    for (size_t i = 0; search->defaults[i] != NULL && result == -ENOENT; i++) {
        result = candidate_load(extra, source, search->defaults[i], length);
    }
    if (result == -ENOENT) {
        nothing_found_report(extra, search);
    }
    return result;
}

/* --- one --extra-opts -------------------------------------------------------------------------------------------- */

static int bytes_load(struct extra_opts *extra, struct extra_opts_source *source, const char *locator,
                      const struct extra_opts_search *search, size_t *length)
{
    const char *at = strchr(locator, '@');

    if (at == NULL) {
        return file_search(extra, source, search, length);
    }
    if (at[1] == '\0') {
        mistake_keep(extra, "--extra-opts: no file name after the @ of '%s'", locator);
        return -EINVAL;
    }
    return file_load(extra, source, at + 1, "", length);
}

static int source_load(struct extra_opts *extra, struct extra_opts_source *source, const char *locator,
                       const struct extra_opts_search *search)
{
    size_t section_length = strcspn(locator, "@");
    char *section = section_length > 0 ? strndup(locator, section_length) : strdup(SECTION_DEFAULT);
    size_t length = 0;
    int result = section != NULL ? bytes_load(extra, source, locator, search, &length) : -ENOMEM;

    if (result == 0) {
        result = ini_parse(&source->section, source->bytes, length, section);
        if (result == -EINVAL) {
            file_mistake_keep(extra, source->name, source->section.mistake_line, source->section.mistake, "");
        }
    }
    free(section);
    return result;
}

int extra_opts_load(struct extra_opts *extra, const char *const *locators, size_t count,
                    const struct extra_opts_search *search)
{
    int result = 0;

    *extra = (struct extra_opts){.sources = calloc(count + 1, sizeof(struct extra_opts_source))};
    if (extra->sources == NULL) {
        return -ENOMEM;
    }
    /* Read on after a mistake: the answer to it may be wanted as JSON. */
    while (extra->count < count && result != -ENOMEM) {
        const char *locator = locators[extra->count];
        result = source_load(extra, &extra->sources[extra->count++], locator != NULL ? locator : "", search);
    }
    return result == -ENOMEM ? -ENOMEM : 0;
}

void extra_opts_clear(struct extra_opts *extra)
{
    for (size_t i = 0; i < extra->count; i++) {
        ini_clear(&extra->sources[i].section);
        free(extra->sources[i].bytes);
        free(extra->sources[i].name);
    }
    free(extra->sources);
    *extra = (struct extra_opts){0};
}
