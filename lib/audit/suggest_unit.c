/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What a unit, or a cgroup without one, will be called after the next start, logout or connection.
 */
#include "config.h"

#include "audit/suggest_unit.h"

#include "plugin/text_buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A component of a path; names of cgroups are no longer (NAME_MAX). */
#define COMPONENT_SIZE 256

#define DIGITS "0123456789"
#define HEX_DIGITS "0123456789abcdef"

/* Hexadecimal digits in a row that no one chooses: runtimes use 64, their short form has 12. */
#define IDENTIFIER_LEAST 12

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t size = strlen(suffix);

    return length > size && strcmp(text + length - size, suffix) == 0;
}

/* In a pattern two backslashes match one ("\x2d" in systemd's names). */
static void pattern_add(struct text_buffer *pattern, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        text_buffer_add(pattern, "%s%c", text[i] == '\\' ? "\\" : "", text[i]);
    }
}

/* --- what changes: each returns its length, 0 where there is none ------------------------------------------------- */

static size_t number_length(const char *text)
{
    return strspn(text, DIGITS);
}

/* "3", and of a session that audit does not count "c3". */
static size_t session_length(const char *text)
{
    size_t prefix = *text == 'c' ? 1 : 0;
    size_t digits = number_length(text + prefix);

    return digits > 0 ? prefix + digits : 0;
}

static size_t hex_length(const char *text)
{
    return strspn(text, HEX_DIGITS);
}

/* "1234-i5678": a process and an invocation. */
static size_t invocation_length(const char *text)
{
    size_t first = number_length(text);
    size_t second = first > 0 && begins(text + first, "-i") ? number_length(text + first + 2) : 0;

    return second > 0 ? first + 2 + second : 0;
}

/* The instance of a service that a socket with Accept=yes starts: a number and both ends (systemd:
 * instance_from_socket() in src/core/socket.c). */
static size_t connection_length(const char *text)
{
    size_t number = number_length(text);
    size_t length = strlen(text) - strlen(".service");
    size_t colons = 0;

    for (size_t i = 0; i < length; i++) {
        colons += text[i] == ':';
    }
    return number > 0 && text[number] == '-' && colons >= 2 ? length : 0;
}

/* A UUID, or as many hexadecimal digits as an identifier has. */
static size_t identifier_length(const char *text)
{
    static const size_t groups[] = {8, 4, 4, 4, 12};
    size_t length = 0;

    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (hex_length(text + length) != groups[i]) {
            length = hex_length(text);
            return length >= IDENTIFIER_LEAST ? length : 0;
        }
        length += groups[i];
        if (i + 1 < sizeof groups / sizeof *groups) {
            length += text[length] == '-';
        }
    }
    return length;
}

/* --- one component ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *prefix;
    size_t (*length)(const char *text); /* of what changes behind the prefix */
    const char *rest;                   /* begins what follows */
    enum suggest_unit_kind kind;
} shapes[] = {
    {"session-", session_length, ".scope", SUGGEST_UNIT_LOGIN},
    {"run-u", number_length, ".", SUGGEST_UNIT_TRANSIENT},
    {"run-r", hex_length, ".", SUGGEST_UNIT_TRANSIENT},
    {"run-p", invocation_length, ".", SUGGEST_UNIT_TRANSIENT},
    {"run-", number_length, ".", SUGGEST_UNIT_TRANSIENT},
    {"machine-qemu\\x2d", number_length, "\\x2d", SUGGEST_UNIT_CONTAINER},
    {"machine-lxc\\x2d", number_length, "\\x2d", SUGGEST_UNIT_CONTAINER},
};

/* Adds the name with "*" in place of `length` bytes at `position`. */
static void replaced_add(struct text_buffer *pattern, const char *name, size_t position, size_t length)
{
    const char *rest = name + position + length;

    pattern_add(pattern, name, position);
    text_buffer_add(pattern, "*");
    pattern_add(pattern, rest, strlen(rest));
}

/* Adds the name with "*" in place of each identifier. False when it has none. */
static bool identifiers_replace(struct text_buffer *pattern, const char *name)
{
    bool found = false;

    while (*name != '\0') {
        size_t length = identifier_length(name);
        if (length > 0) {
            text_buffer_add(pattern, "*");
            name += length;
            found = true;
        } else {
            pattern_add(pattern, name, 1);
            name++;
        }
    }
    return found;
}

/* Of units, and of directories on the way to them. */
static enum suggest_unit_kind named_kind(const char *name)
{
    if (begins(name, "user@") && ends(name, ".service")) {
        return SUGGEST_UNIT_USER;
    }
    if (begins(name, "dbus-:") || ends(name, ".mount") || ends(name, ".swap")) {
        return SUGGEST_UNIT_UNNAMEABLE;
    }
    /* Programs name scopes as they like at each start; these two are named after what is in them. */
    if (ends(name, ".scope") && strcmp(name, "init.scope") != 0 && !begins(name, "machine-")) {
        return SUGGEST_UNIT_UNNAMEABLE;
    }
    return SUGGEST_UNIT_LASTING;
}

static enum suggest_unit_kind component_add(struct text_buffer *pattern, const char *name)
{
    const char *instance = strchr(name, '@');
    size_t before = pattern->length;

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t position = strlen(shapes[i].prefix);
        size_t length = begins(name, shapes[i].prefix) ? shapes[i].length(name + position) : 0;
        if (length > 0 && begins(name + position + length, shapes[i].rest)) {
            replaced_add(pattern, name, position, length);
            return shapes[i].kind;
        }
    }
    if (instance != NULL && ends(name, ".service") && connection_length(instance + 1) > 0) {
        replaced_add(pattern, name, (size_t)(instance + 1 - name), connection_length(instance + 1));
        return SUGGEST_UNIT_CONNECTION;
    }
    if (!identifiers_replace(pattern, name)) {
        return named_kind(name);
    }
    /*
     * The rest of the name must still identify it. A service with an identifier in its name belongs to a program that
     * made the name up.
     */
    if (ends(name, ".service") || ends(name, ".socket") || strcmp(pattern->bytes + before, "*.scope") == 0) {
        return SUGGEST_UNIT_UNNAMEABLE;
    }
    return SUGGEST_UNIT_CONTAINER;
}

/* --- units and paths ---------------------------------------------------------------------------------------------- */

/* A cgroup outside any unit. "*" matches slashes too, so nothing is added after the part that changes. */
static enum suggest_unit_kind path_add(struct text_buffer *pattern, const char *path)
{
    enum suggest_unit_kind kind = SUGGEST_UNIT_LASTING;

    while (*path == '/' && kind == SUGGEST_UNIT_LASTING) {
        char name[COMPONENT_SIZE];
        size_t length = strcspn(++path, "/");
        if (length == 0 || length >= sizeof name) {
            return SUGGEST_UNIT_UNNAMEABLE;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        path += length;
        text_buffer_add(pattern, "/");
        /* elogind calls sessions by their numbers alone. */
        if (pattern->length == 1 && session_length(name) == length) {
            return SUGGEST_UNIT_UNNAMEABLE;
        }
        kind = component_add(pattern, name);
    }
    if (*path != '\0' && !ends(pattern->bytes, "*")) {
        text_buffer_add(pattern, "/*");
    }
    return strcmp(pattern->bytes, "/*") == 0 ? SUGGEST_UNIT_UNNAMEABLE : kind;
}

enum suggest_unit_kind suggest_unit_pattern(char pattern[static SUGGEST_UNIT_SIZE], const char *unit)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS ":-_.@\\/";
    struct text_buffer text = text_buffer_start(pattern, SUGGEST_UNIT_SIZE);
    enum suggest_unit_kind kind = SUGGEST_UNIT_UNNAMEABLE;

    if (strspn(unit, alphabet) == strlen(unit) && strlen(unit) < COMPONENT_SIZE) {
        kind = *unit == '/' ? path_add(&text, unit) : component_add(&text, unit);
    }
    /* A slice has no sockets: what is in it has lost its own name. */
    if (kind == SUGGEST_UNIT_UNNAMEABLE || (*unit != '/' && ends(unit, ".slice"))) {
        *pattern = '\0';
        return SUGGEST_UNIT_UNNAMEABLE;
    }
    return kind;
}
