/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What /proc/net/if_inet6 and /proc/net/fib_trie, or copies of them, say of the host's addresses.
 */
#include "config.h"

#include "socket/address_procfs.h"

#include "socket/host.h"
#include "socket/procfs_directory.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The longest line of a real file is one of fib_trie, 32 levels deep: about 150 characters. */
#define LINE_SIZE 512

/* IFA_F_ bits of include/uapi/linux/if_addr.h, of which the file has the low eight. */
#define FLAG_OPTIMISTIC 0x04u
#define FLAG_DAD_FAILED 0x08u
#define FLAG_TENTATIVE 0x40u

static const char *const file_names[RECORD_FAMILIES] = {[RECORD_INET] = "fib_trie", [RECORD_INET6] = "if_inet6"};

/* --- words of a line --------------------------------------------------------------------------------------------- */

#define BLANKS " \t"

/* Takes the next word, up to a blank or the end of the text, into `word`. Returns false when it is none or too long. */
static bool word_take(const char **text, char *word, size_t size)
{
    const char *start = *text + strspn(*text, BLANKS);
    size_t length = strcspn(start, BLANKS);

    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(word, start, length);
    word[length] = '\0';
    *text = start + length;
    return true;
}

/* Takes the next word as a number of at most eight digits, of base 10 or 16. */
static bool number_take(const char **text, unsigned base, uint32_t *number)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    char word[9];

    if (!word_take(text, word, sizeof word)) {
        return false;
    }
    *number = 0;
    for (const char *digit = word; *digit != '\0'; digit++) {
        const char *found = strchr(digits, *digit);
        unsigned value = found == NULL ? base : (unsigned)(found - digits) % 16;
        if (value >= base) {
            return false;
        }
        *number = *number * base + value;
    }
    return true;
}

/* --- if_inet6 ---------------------------------------------------------------------------------------------------- */

/* 32 hexadecimal digits. */
static bool ipv6_take(const char **text, struct in6_addr *address)
{
    char word[33];

    if (!word_take(text, word, sizeof word) || strlen(word) != sizeof word - 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof address->s6_addr; i++) {
        const char byte[] = {word[2 * i], word[2 * i + 1], '\0'};
        const char *rest = byte;
        uint32_t number;
        if (!number_take(&rest, 16, &number)) {
            return false;
        }
        address->s6_addr[i] = (uint8_t)number;
    }
    return true;
}

/* A tentative address takes nothing yet, unless it is an optimistic one (RFC 4429). */
static bool ipv6_is_taken(uint32_t flags)
{
    bool tentative = (flags & FLAG_TENTATIVE) != 0 && (flags & FLAG_OPTIMISTIC) == 0;

    return !tentative && (flags & FLAG_DAD_FAILED) == 0;
}

/* "fe80000000000000021122fffe334455 02 40 20 80     eth0": address, interface, prefix length, scope, flags, name. */
static int ipv6_line_decode(const char *line, struct address_set *set)
{
    struct in6_addr address;
    uint32_t interface;
    uint32_t unused;
    uint32_t flags;
    char name[LINE_SIZE];

    if (!ipv6_take(&line, &address) || !number_take(&line, 16, &interface) || !number_take(&line, 16, &unused) ||
        !number_take(&line, 16, &unused) || !number_take(&line, 16, &flags) || !word_take(&line, name, sizeof name)) {
        return -EBADMSG;
    }
    return ipv6_is_taken(flags) ? address_set_add(set, &address, 128, ADDRESS_LOCAL, interface) : 0;
}

/* --- fib_trie ---------------------------------------------------------------------------------------------------- */

/* A word cut short is none of these, so a copy that ends within one is seen (kernel source: rtn_type_names). */
static const struct {
    const char *word;
    enum address_presence presence; /* ADDRESS_UNKNOWN: it says nothing about the host's addresses */
} route_types[] = {
    {"UNSPEC", ADDRESS_UNKNOWN},      {"UNICAST", ADDRESS_UNKNOWN},    {"LOCAL", ADDRESS_LOCAL},
    {"BROADCAST", ADDRESS_BROADCAST}, {"ANYCAST", ADDRESS_ANYCAST},    {"MULTICAST", ADDRESS_UNKNOWN},
    {"BLACKHOLE", ADDRESS_ABSENT},    {"UNREACHABLE", ADDRESS_ABSENT}, {"PROHIBIT", ADDRESS_ABSENT},
    {"THROW", ADDRESS_ABSENT},        {"NAT", ADDRESS_UNKNOWN},        {"XRESOLVE", ADDRESS_UNKNOWN},
};

static bool route_type_find(const char *word, enum address_presence *presence)
{
    for (size_t i = 0; i < sizeof route_types / sizeof route_types[0]; i++) {
        if (strcmp(word, route_types[i].word) == 0) {
            *presence = route_types[i].presence;
            return true;
        }
    }
    return false;
}

static bool ipv4_take(const char **text, struct in6_addr *address)
{
    char word[RECORD_ADDRESS_SIZE];

    return word_take(text, word, sizeof word) && record_address_parse(RECORD_INET, word, address);
}

/* "/32 host LOCAL", perhaps with " tos=8": a prefix of the leaf above. */
static int prefix_decode(struct address_procfs_text *text, const char *words, struct address_set *set)
{
    enum address_presence presence;
    uint32_t length;
    char word[32];

    if (!text->leaf_seen || !number_take(&words, 10, &length) || length > 32 || !word_take(&words, word, sizeof word) ||
        !word_take(&words, word, sizeof word) || !route_type_find(word, &presence)) {
        return -EBADMSG;
    }
    if (word_take(&words, word, sizeof word) && strncmp(word, "tos=", strlen("tos=")) != 0) {
        return -EBADMSG;
    }
    text->unfinished = false;
    if (!text->in_table || presence == ADDRESS_UNKNOWN) {
        return 0;
    }
    return address_set_add(set, &text->leaf, length + RECORD_IPV4_OFFSET * 8, presence, 0);
}

/*
 * "Local:" begins a table, "+-- 127.0.0.0/8 2 0 2" is a node of its tree, "|-- 127.0.0.1" a leaf, followed by the
 * prefixes that begin with this address. Other tables do not say what is the host's: "Main" can show the same tree, and
 * a local route in one that a rule names is for marked packets (as transparent proxies have it).
 */
static int ipv4_line_decode(struct address_procfs_text *text, const char *line, struct address_set *set)
{
    const char *words = line + strspn(line, BLANKS);
    size_t length = strlen(words);

    if (words[0] == '/') {
        words++;
        return prefix_decode(text, words, set);
    }
    text->unfinished = true;
    if (words == line && words[length - 1] == ':') {
        text->in_table = strcmp(words, "Local:") == 0;
        text->table_seen |= text->in_table;
        text->leaf_seen = false;
        return 0;
    }
    if (strncmp(words, "+-- ", 4) == 0) {
        return 0;
    }
    if (strncmp(words, "|-- ", 4) != 0) {
        return -EBADMSG;
    }
    words += 4;
    text->leaf_seen = ipv4_take(&words, &text->leaf);
    return text->leaf_seen ? 0 : -EBADMSG;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

int address_procfs_line_decode(struct address_procfs_text *text, const char *line, size_t length,
                               struct address_set *set)
{
    char string[LINE_SIZE];

    while (length > 0 && line[length - 1] == '\r') {
        length--;
    }
    if (length >= sizeof string || memchr(line, '\0', length) != NULL) {
        return -EBADMSG;
    }
    memcpy(string, line, length);
    string[length] = '\0';
    if (length == 0) {
        return 0;
    }
    return text->family == RECORD_INET ? ipv4_line_decode(text, string, set) : ipv6_line_decode(string, set);
}

static int read_failed(struct fault *fault, const char *path, int error)
{
    return fault_set(fault, error, "cannot read %.160s: %s", path, strerror(error));
}

/* Also for a file that ends too early: what is missing may be anything. */
static int text_failed(struct fault *fault, const char *path, enum record_family family, const char *what)
{
    return fault_set(fault, EBADMSG, "%.160s %s /proc/net/%s", path, what, file_names[family]);
}

/* Shows all lines of the file. Returns 0 or a negative errno; *text says how far it came. */
static int lines_read(FILE *file, struct address_procfs_text *text, struct address_set *set)
{
    char line[LINE_SIZE];
    int result = 0;

    while (result == 0 && fgets(line, sizeof line, file) != NULL) {
        size_t length = strlen(line);
        bool terminated = length > 0 && line[length - 1] == '\n';
        if (!terminated && !feof(file)) {
            return -EBADMSG;
        }
        result = address_procfs_line_decode(text, line, terminated ? length - 1 : length, set);
    }
    return result == 0 && ferror(file) != 0 ? -errno : result;
}

/* As address_procfs_read(), of a file that is open. */
static int file_read(FILE *file, struct address_set *set, const char *path, enum record_family family, bool copies,
                     struct fault *fault)
{
    struct address_procfs_text text = {.family = family};
    int result = lines_read(file, &text, set);

    if (result == -EBADMSG) {
        return text_failed(fault, path, family, "has a line that is none of");
    }
    if (result < 0) {
        return read_failed(fault, path, -result);
    }
    if (text.unfinished) {
        return text_failed(fault, path, family, "ends too early for");
    }
    if (copies && family == RECORD_INET && !text.table_seen) {
        return text_failed(fault, path, family, "has no table \"Local\", so it is not a copy of");
    }
    return 1;
}

/* What it means that there is no such file. As address_procfs_read(). */
static int absence_judge(const char *directory, const char *path, enum record_family family, bool copies,
                         struct fault *fault)
{
    int result;

    if (copies) {
        return 0;
    }
    if (family == RECORD_INET) {
        return read_failed(fault, path, ENOENT);
    }
    result = host_ipv6_absence_confirm(directory, fault);
    return result < 0 ? result : 1;
}

int address_procfs_read(struct address_set *set, const char *directory, enum record_family family, bool copies,
                        struct fault *fault)
{
    char path[PATH_MAX];
    int descriptor;
    FILE *file;
    int result;

    if (snprintf(path, sizeof path, "%s/%s", directory, file_names[family]) >= (int)sizeof path) {
        return read_failed(fault, directory, ENAMETOOLONG);
    }
    descriptor = procfs_directory_file_open(path);
    if (descriptor == -ENOENT) {
        return absence_judge(directory, path, family, copies, fault);
    }
    if (descriptor < 0) {
        return read_failed(fault, path, -descriptor);
    }
    file = fdopen(descriptor, "r");
    if (file == NULL) {
        close(descriptor);
        return read_failed(fault, path, ENOMEM);
    }
    result = file_read(file, set, path, family, copies, fault);
    fclose(file);
    if (result < 0) {
        address_set_clear(set);
    }
    return result;
}
