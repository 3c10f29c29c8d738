/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The words of captures.
 */
#include "config.h"

#include "capture/capture_format.h"

#include <stddef.h>

/* Word number `index` of a table, NULL behind its last. */
#define WORD(words, index) ((size_t)(index) < sizeof(words) / sizeof *(words) ? (words)[index] : NULL)

const char *capture_format_word(int index)
{
    return index == 0 ? CAPTURE_FORMAT : NULL;
}

const char *capture_source_word(int index)
{
    static const char *const words[] = {"netlink", "procfs", "netlink+procfs"};

    return WORD(words, index);
}

const char *capture_family_word(int index)
{
    static const char *const words[] = {[RECORD_INET] = "inet", [RECORD_INET6] = "inet6"};
    _Static_assert(sizeof words / sizeof *words == RECORD_FAMILIES, "each family has a word");

    return WORD(words, index);
}

const char *capture_addresses_word(int index)
{
    static const char *const words[] = {[RECORD_INET] = "ipv4", [RECORD_INET6] = "ipv6"};
    _Static_assert(sizeof words / sizeof *words == RECORD_FAMILIES, "each family has a word");

    return WORD(words, index);
}

const char *capture_presence_word(int index)
{
    static const char *const words[] = {
        [ADDRESS_UNKNOWN] = "unknown",     [ADDRESS_LOCAL] = "local",     [ADDRESS_ABSENT] = "absent",
        [ADDRESS_BROADCAST] = "broadcast", [ADDRESS_ANYCAST] = "anycast",
    };
    _Static_assert(sizeof words / sizeof *words == ADDRESS_ANYCAST + 1, "each presence of an address has a word");

    return WORD(words, index);
}

const char *capture_kind_word(int index)
{
    static const char *const words[] = {[TALLY_IPV4] = "ipv4", [TALLY_MAPPED] = "ipv4_mapped", [TALLY_IPV6] = "ipv6"};
    _Static_assert(sizeof words / sizeof *words == TALLY_KINDS, "each kind of connection has a word");

    return WORD(words, index);
}

const char *capture_unit_word(int index)
{
    static const char *const words[] = {
        [CAPTURE_UNIT_WORD(TALLY_UNIT_KNOWN)] = "known",    [CAPTURE_UNIT_WORD(TALLY_UNIT_GONE)] = "gone",
        [CAPTURE_UNIT_WORD(TALLY_UNIT_UNKNOWN)] = "untold", [CAPTURE_UNIT_WORD(TALLY_UNIT_UNMOUNTED)] = "unmounted",
        [CAPTURE_UNIT_WORD(TALLY_UNIT_HIDDEN)] = "hidden",
    };
    _Static_assert(sizeof words / sizeof *words == CAPTURE_UNIT_WORD(TALLY_UNITS), "each state of a unit has a word");

    return WORD(words, index);
}
