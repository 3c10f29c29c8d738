/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Reads /proc/net/{tcp,tcp6,udp,udp6}, or copies of them. A host can have a million rows: they stream through one
 * buffer, and the parser is written by hand because sscanf() would cost more than the kernel's own work.
 */
#include "config.h"

#include "socket/procfs.h"

#include "socket/procfs_directory.h"
#include "socket/procfs_order.h"
#include "socket/protocol.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Also the longest line: the kernel's have at most some 200 bytes. */
#define BUFFER_SIZE 65536

/* Of what the kernel writes. */
#define LINE_SIZE_MOST 256

/* What the heading of udp and udp6 ends with, and that of tcp and tcp6 does not. */
#define UDP_COLUMNS "ref pointer drops"

/* How kernels before 3.5 wrote a uid that the reader's user namespace does not map: as a signed or unsigned number. */
#define UID_MINUS_2 UINT32_C(4294967294)

struct procfs {
    struct source source; /* first, so that a pointer to one is a pointer to the other */
    bool is_live;         /* the kernel makes the files as they are read */
    bool order_known;     /* whether the next member is meaningful */
    bool swapped;         /* the files are of a machine of the other byte order */
    char buffer[BUFFER_SIZE];
    char directory[];
};

/* One file while it is read. */
struct reading {
    const char *path;
    const char *name; /* "tcp6" */
    char *buffer;
    enum record_family family;
    const struct source_request *request;
    source_visit *visit;
    void *context;
    struct fault *fault;
    bool swapped;
    unsigned long line_number;
    bool is_live;         /* made by the kernel as it is read: not a copy */
    bool past_listeners;  /* none follows */
    bool has_udp_columns; /* the heading does */
};

struct cursor {
    const char *at;
    const char *end;
};

/* Returns the value of the digit plus one, 0 for any other character. */
static const unsigned char hex_values[UCHAR_MAX + 1] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static bool character_take(struct cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted) {
        return false;
    }
    cursor->at++;
    return true;
}

static bool blanks_take(struct cursor *cursor)
{
    bool any = false;

    while (character_take(cursor, ' ')) {
        any = true;
    }
    return any;
}

/* Exactly `digits` of them. */
static bool hex_take(struct cursor *cursor, size_t digits, uint32_t *value)
{
    uint32_t sum = 0;

    if ((size_t)(cursor->end - cursor->at) < digits) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        unsigned digit = hex_values[(unsigned char)cursor->at[i]];

        if (digit == 0) {
            return false;
        }
        sum = sum << 4 | (digit - 1);
    }
    cursor->at += digits;
    *value = sum;
    return true;
}

/* One digit or more, for numbers of any width. Of one beyond 64 bits only the lowest stay. */
static bool digits_take(struct cursor *cursor, unsigned base, uint64_t *value)
{
    const char *start = cursor->at;

    *value = 0;
    while (cursor->at < cursor->end && hex_values[(unsigned char)*cursor->at] - 1u < base) {
        *value = *value * base + (hex_values[(unsigned char)*cursor->at] - 1u);
        cursor->at++;
    }
    return cursor->at > start;
}

static bool decimal_take(struct cursor *cursor, uint32_t *value)
{
    const char *start = cursor->at;
    uint64_t sum = 0;

    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
        sum = sum * 10 + (uint64_t)(*cursor->at - '0');
        if (sum > UINT32_MAX) {
            return false;
        }
        cursor->at++;
    }
    *value = (uint32_t)sum;
    return cursor->at > start;
}

static bool uid_take(struct cursor *cursor, uint32_t *uid)
{
    bool negative = character_take(cursor, '-');
    bool taken = decimal_take(cursor, uid);

    if (negative && *uid != 2) {
        return false;
    }
    if (negative || *uid == UID_MINUS_2) {
        *uid = RECORD_UID_HIDDEN;
    }
    return taken;
}

/* The kernel prints each 32-bit word as a number, so its bytes in memory are the address in network order again. */
static bool endpoint_take(struct cursor *cursor, enum record_family family, struct in6_addr *address, uint16_t *port)
{
    uint32_t words[4] = {0, 0, htonl(0xffff), 0};
    uint32_t number;

    for (size_t i = family == RECORD_INET ? 3 : 0; i < 4; i++) {
        if (!hex_take(cursor, 8, &words[i])) {
            return false;
        }
    }
    if (!character_take(cursor, ':') || !hex_take(cursor, 4, &number)) {
        return false;
    }
    memcpy(address, words, sizeof *address);
    *port = (uint16_t)number;
    return true;
}

/* Up to the inode; leaves the cursor behind it. */
static bool fields_take(struct cursor *cursor, enum record_family family, struct sock_record *record)
{
    uint32_t state;
    uint32_t unused;
    uint64_t unused_too;
    bool whole;

    blanks_take(cursor);
    whole = digits_take(cursor, 10, &unused_too) && character_take(cursor, ':') && blanks_take(cursor) &&
            endpoint_take(cursor, family, &record->local, &record->local_port) && blanks_take(cursor) &&
            endpoint_take(cursor, family, &record->remote, &record->remote_port) && blanks_take(cursor) &&
            /* st */
            hex_take(cursor, 2, &state) && blanks_take(cursor) &&
            /* tx_queue:rx_queue */
            hex_take(cursor, 8, &record->send_queue) && character_take(cursor, ':') &&
            hex_take(cursor, 8, &record->receive_queue) && blanks_take(cursor) &&
            /* tr:tm->when, the time as wide as it is long */
            hex_take(cursor, 2, &unused) && character_take(cursor, ':') && digits_take(cursor, 16, &unused_too) &&
            blanks_take(cursor) &&
            /* retrnsmt uid */
            hex_take(cursor, 8, &unused) && blanks_take(cursor) && uid_take(cursor, &record->uid) &&
            blanks_take(cursor) &&
            /* timeout inode */
            digits_take(cursor, 10, &unused_too) && blanks_take(cursor) && digits_take(cursor, 10, &record->cookie) &&
            (cursor->at == cursor->end || *cursor->at == ' ');
    if (!whole || state > RECORD_NEW_SYN_RECV || (state == RECORD_STATELESS && record->protocol != RECORD_UDP)) {
        return false;
    }
    record->state = (enum record_state)state;
    return true;
}

static bool line_take(struct cursor *cursor, enum record_protocol protocol, enum record_family family,
                      struct sock_record *record)
{
    *record = (struct sock_record){.protocol = protocol, .family = family, .v6only = RECORD_V6ONLY_UNKNOWN};
    return fields_take(cursor, family, record) && memchr(cursor->at, '\0', (size_t)(cursor->end - cursor->at)) == NULL;
}

int procfs_line_decode(const char *line, size_t length, enum record_protocol protocol, enum record_family family,
                       struct sock_record *record)
{
    struct cursor cursor = {line, line + length};

    return line_take(&cursor, protocol, family, record) ? 0 : -EBADMSG;
}

static size_t word_skip(struct cursor *cursor)
{
    const char *start = cursor->at;

    while (cursor->at < cursor->end && *cursor->at != ' ') {
        cursor->at++;
    }
    return (size_t)(cursor->at - start);
}

/*
 * A copy that was cut inside a number leaves a number, so a line without its newline must show more: the fields "ref"
 * and "pointer" that follow the inode, the latter with all its digits (of a 32-bit or 64-bit kernel, or gVisor's 0x).
 */
static bool tail_is_whole(struct cursor cursor)
{
    size_t width;

    if (!blanks_take(&cursor) || word_skip(&cursor) == 0 || !blanks_take(&cursor)) {
        return false;
    }
    width = word_skip(&cursor);
    return width == 8 || width == 16 || width == 18;
}

static bool heading_is_whole(struct cursor cursor, bool terminated)
{
    size_t length = (size_t)(cursor.end - cursor.at);

    if (!terminated && memmem(cursor.at, length, "inode", strlen("inode")) == NULL) {
        return false;
    }
    return blanks_take(&cursor) && character_take(&cursor, 's') && character_take(&cursor, 'l') && blanks_take(&cursor);
}

static bool ports_contain(const struct source_ports *ports, size_t count, uint16_t port)
{
    size_t first = 0;

    while (first < count) {
        size_t middle = first + (count - first) / 2;

        if (port < ports[middle].first) {
            count = middle;
        } else if (port > ports[middle].last) {
            first = middle + 1;
        } else {
            return true;
        }
    }
    return false;
}

static bool request_fits(const struct source_request *request, const struct sock_record *record)
{
    if ((request->states & SOURCE_STATE(record->state)) == 0) {
        return false;
    }
    if (request->v4_mapped_only && !record_is_ipv4(&record->remote)) {
        return false;
    }
    return request->ports == NULL || ports_contain(request->ports, request->port_count, record->local_port);
}

static int read_failed(struct fault *fault, const char *path, int error)
{
    bool denied = (error == EACCES || error == EPERM) && strncmp(path, "/proc/", strlen("/proc/")) == 0;

    return fault_set(fault, error, "cannot read %.120s: %s%s", path, strerror(error),
                     denied ? ": if SELinux or AppArmor forbids it, allow reading of /proc/*/net/**, see CONFINEMENT.md"
                            : "");
}

static int line_failed(const struct reading *reading)
{
    return fault_set(reading->fault, EBADMSG, "%.160s:%lu: %s /proc/net/%s", reading->path, reading->line_number,
                     reading->line_number == 1 ? "this is not the heading of" : "this is not a whole line of",
                     reading->name);
}

static int line_show(struct reading *reading, const char *line, size_t length, bool terminated)
{
    struct cursor cursor = {line, line + length};
    struct sock_record record;

    reading->line_number++;
    if (reading->line_number == 1) {
        reading->has_udp_columns = memmem(line, length, UDP_COLUMNS, strlen(UDP_COLUMNS)) != NULL;
        return heading_is_whole(cursor, terminated) ? 0 : line_failed(reading);
    }
    if (!line_take(&cursor, reading->request->protocol, reading->family, &record)) {
        return line_failed(reading);
    }
    if (!terminated && !tail_is_whole(cursor)) {
        return line_failed(reading);
    }
    if (record.state == RECORD_STATELESS) {
        return 0;
    }
    if (reading->swapped) {
        procfs_order_swap(reading->family, &record.local);
        procfs_order_swap(reading->family, &record.remote);
    }
    /* If there are connections, the kernel lists all listeners before them (tcp_get_idx()). */
    reading->past_listeners |= reading->is_live && protocol_of(record.protocol)->has_connections &&
                               record.state != protocol_of(record.protocol)->listening;
    return request_fits(reading->request, &record) ? reading->visit(&record, reading->context) : 0;
}

/* Shows the lines that end within the buffer's first *length bytes; then these are only the start of the next line. */
static int lines_show(struct reading *reading, size_t *length)
{
    const char *line = reading->buffer;
    const char *end = reading->buffer + *length;
    const char *newline;

    while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        int result = line_show(reading, line, (size_t)(newline - line), true);

        if (result < 0) {
            return result;
        }
        line = newline + 1;
    }
    *length = (size_t)(end - line);
    memmove(reading->buffer, line, *length);
    return 0;
}

/*
 * Reports the pause between the read() before, of `count` bytes, 0 for none, and the one that gave more or, at the end,
 * nothing. The kernel gives at most a page each time (seq_read_iter()) and continues by the number of the socket in the
 * whole file (udp_get_idx()); a page with room for another line was the last.
 */
static void pause_report(const struct reading *reading, size_t count, bool more)
{
    bool was_full = count + LINE_SIZE_MOST > (size_t)sysconf(_SC_PAGESIZE);

    if (reading->request->pause != NULL && reading->is_live && !reading->past_listeners && count > 0 &&
        (more || was_full)) {
        reading->request->pause(true, reading->context);
    }
}

/* Once the whole file has been read, the listeners are all that another turn for them needs. */
static bool is_enough(const struct reading *reading)
{
    const struct source_request *request = reading->request;

    return reading->past_listeners && request->turn > 0 &&
           request->states == SOURCE_STATE(protocol_of(request->protocol)->listening);
}

static int file_show(struct reading *reading, int file)
{
    size_t kept = 0;
    size_t count_before = 0;
    ssize_t count;

    while ((count = read(file, reading->buffer + kept, BUFFER_SIZE - kept)) > 0) {
        int result;

        pause_report(reading, count_before, true);
        count_before = (size_t)count;
        kept += (size_t)count;
        result = lines_show(reading, &kept);
        if (result < 0 || is_enough(reading)) {
            return result;
        }
        if (kept == BUFFER_SIZE) {
            reading->line_number++;
            return line_failed(reading);
        }
    }
    if (count < 0) {
        return read_failed(reading->fault, reading->path, errno);
    }
    pause_report(reading, count_before, false);
    if (kept > 0) {
        return line_show(reading, reading->buffer, kept, false);
    }
    if (reading->line_number > 0) {
        return 0;
    }
    return fault_set(reading->fault, EBADMSG, "%.160s is empty, so it is not a copy of /proc/net/%s", reading->path,
                     reading->name);
}

static void path_format(char path[static PATH_MAX], const struct procfs *procfs, const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s", procfs->directory, name);
}

static bool has_file(const struct procfs *procfs, const char *name)
{
    char path[PATH_MAX];

    path_format(path, procfs, name);
    return access(path, F_OK) == 0;
}

static int heading_visit(const struct sock_record *record, void *context)
{
    (void)record;
    (void)context;
    return 0;
}

/* Whether the heading of the file has the columns of UDP. Not so where it cannot be read. */
static bool has_udp_columns(struct procfs *procfs, const char *path, const char *name)
{
    static const struct source_request nothing = {.protocol = RECORD_UDP};
    struct fault fault;
    struct reading reading = {.path = path,
                              .name = name,
                              .buffer = procfs->buffer,
                              .family = RECORD_INET,
                              .request = &nothing,
                              .visit = heading_visit,
                              .fault = &fault};
    int file = procfs_directory_file_open(path);

    if (file < 0) {
        return false;
    }
    file_show(&reading, file);
    close(file);
    return reading.has_udp_columns;
}

/*
 * gVisor's udp6 is a constant, the heading of tcp6, while its udp has that of UDP: such a file is not a table without
 * rows (gVisor source: pkg/sentry/fsimpl/proc/task_net.go).
 */
static int heading_judge(struct procfs *procfs, const struct reading *reading)
{
    const char *other = protocol_of(RECORD_UDP)->names[RECORD_INET];
    char path[PATH_MAX];

    if (reading->request->protocol != RECORD_UDP || reading->family != RECORD_INET6 || reading->line_number != 1 ||
        reading->has_udp_columns) {
        return 0;
    }
    path_format(path, procfs, other);
    if (!has_udp_columns(procfs, path, other)) {
        return 0;
    }
    return fault_set(reading->fault, ENODATA,
                     "%.140s is a heading only, without the columns of %s, as in a gVisor sandbox, which lists no "
                     "such sockets",
                     reading->path, other);
}

/* Of this host a missing file means a missing family only if the kernel says the same: a sandbox can hide files. */
static int absence_confirm(const char *path, enum record_family family, struct fault *fault)
{
    int probe = socket(family == RECORD_INET ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (probe < 0) {
        return errno == EAFNOSUPPORT ? 0 : read_failed(fault, path, errno);
    }
    close(probe);
    return fault_set(fault, ENOENT, "%s is missing, though the kernel opens such sockets", path);
}

/* An address of IPv6, or anything else that is not an empty file. */
static bool if_inet6_has_text(const struct procfs *procfs)
{
    char path[PATH_MAX];
    char text[1];
    int file;
    ssize_t length;

    path_format(path, procfs, "if_inet6");
    file = procfs_directory_file_open(path);
    if (file < 0) {
        return false;
    }
    length = read(file, text, sizeof text);
    close(file);
    return length > 0;
}

/* Every Linux has IPv4. It has no IPv6 if none of the files speaks of it; else the file was not copied. */
static int copy_absence_judge(const struct procfs *procfs, const char *path, enum record_family family,
                              struct fault *fault)
{
    const char *proof = family == RECORD_INET6 ? procfs_directory_ipv6_file(procfs->directory) : NULL;

    if (family == RECORD_INET6 && proof == NULL) {
        proof = if_inet6_has_text(procfs) ? "if_inet6" : NULL;
        if (proof == NULL) {
            return 0;
        }
    }
    return fault_set(fault, ENOENT, "%.160s is missing%s%s: copy it, too", path, proof != NULL ? " beside " : "",
                     proof != NULL ? proof : "");
}

/* What it means that there is no file for the family. */
static int absence_judge(const struct procfs *procfs, const char *path, enum record_family family, struct fault *fault)
{
    return procfs_directory_is_this_host(procfs->directory) ? absence_confirm(path, family, fault)
                                                            : copy_absence_judge(procfs, path, family, fault);
}

/* As source.scan for one family. */
static int family_scan(struct procfs *procfs, struct reading *reading)
{
    int file = procfs_directory_file_open(reading->path);
    int result;

    if (file == -ENOENT) {
        return absence_judge(procfs, reading->path, reading->family, reading->fault);
    }
    if (file < 0) {
        return read_failed(reading->fault, reading->path, -file);
    }
    result = file_show(reading, file);
    close(file);
    return result < 0 ? result : heading_judge(procfs, reading);
}

/* Reads the request's files in the byte order that procfs->swapped says. */
static int files_scan(struct procfs *procfs, const struct source_request *request, source_visit *visit, void *context,
                      struct fault *fault)
{
    int result = 0;

    for (enum record_family family = RECORD_INET; family < RECORD_FAMILIES && result == 0; family++) {
        const char *name = protocol_of(request->protocol)->names[family];
        char path[PATH_MAX];
        struct reading reading = {.path = path,
                                  .name = name,
                                  .buffer = procfs->buffer,
                                  .family = family,
                                  .request = request,
                                  .visit = visit,
                                  .context = context,
                                  .fault = fault,
                                  .is_live = procfs->is_live,
                                  .swapped = procfs->swapped};

        path_format(path, procfs, name);
        /* Copies must be whole even where the family is not asked for. */
        if ((request->families & SOURCE_FAMILY(family)) != 0) {
            result = family_scan(procfs, &reading);
        } else if (!procfs_directory_is_this_host(procfs->directory) && !has_file(procfs, name)) {
            result = absence_judge(procfs, path, family, fault);
        }
    }
    return result;
}

static int address_visit(const struct sock_record *record, void *context)
{
    procfs_order_note(context, record->family, &record->local);
    return 0;
}

/* Looks at the addresses of all files. Those that cannot be read fail when they are asked for. */
static int order_find(struct procfs *procfs)
{
    struct procfs_order *order = procfs_order_create(procfs->directory);

    if (order == NULL) {
        return -ENOMEM;
    }
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        const struct source_request everything = {
            .protocol = (enum record_protocol)protocol,
            .families = SOURCE_FAMILIES_ALL,
            .states = SOURCE_STATES_ALL,
        };
        struct fault fault;
        files_scan(procfs, &everything, address_visit, order, &fault);
    }
    procfs->swapped = procfs_order_is_swapped(order);
    procfs->order_known = true;
    procfs_order_free(order);
    return 0;
}

static int procfs_scan(struct source *source, const struct source_request *request, source_visit *visit, void *context,
                       struct fault *fault)
{
    struct procfs *procfs = (struct procfs *)source;

    if (!procfs->order_known && order_find(procfs) != 0) {
        return read_failed(fault, procfs->directory, ENOMEM);
    }
    return files_scan(procfs, request, visit, context, fault);
}

static void procfs_free(struct source *source)
{
    free(source);
}

int procfs_open(struct source **source, const char *directory, struct fault *fault)
{
    size_t length = strlen(directory);
    struct procfs *procfs;

    if (length + sizeof "/" + PROTOCOL_NAME_SIZE > PATH_MAX) {
        return read_failed(fault, directory, ENAMETOOLONG);
    }
    procfs = malloc(sizeof *procfs + length + 1);
    if (procfs == NULL) {
        return read_failed(fault, directory, ENOMEM);
    }
    procfs->source = (struct source){"procfs", procfs_scan, procfs_free};
    procfs->is_live = procfs_directory_is_live(directory);
    procfs->order_known = procfs->is_live;
    procfs->swapped = false;
    memcpy(procfs->directory, directory, length + 1);
    *source = (struct source *)procfs;
    return 0;
}
