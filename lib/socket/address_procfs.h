/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What /proc/net/if_inet6 and /proc/net/fib_trie, or copies of them, say of the host's addresses.
 */
#ifndef SOCKET_ADDRESS_PROCFS_H
#define SOCKET_ADDRESS_PROCFS_H

#include "socket/address_set.h"
#include "socket/source.h"

/*
 * Adds to the set (empty, not yet sorted) the host's addresses of one family: of IPv6 those in `directory`/if_inet6 but
 * for tentative ones and those whose duplicate was found, of IPv4 the local and broadcast routes in the table "Local"
 * of `directory`/fib_trie. Prefixes that are local without being an address of an interface are in the latter only.
 * Returns 1 when the addresses are known; 0 when they are not, as the file is missing from copies (`copies`); else a
 * negative errno with fault->text, for a file that cannot be read or is not whole, and the set is empty.
 * A missing if_inet6 of this host means that it has no IPv6, if the kernel says the same. An empty file lists nothing,
 * but an empty copy of fib_trie is unreadable, and so is one without the table.
 */
int address_procfs_read(struct address_set *set, const char *directory, enum record_family family, bool copies,
                        struct fault *fault);

/* How far a file was read. Begin with all zero but for the family. */
struct address_procfs_text {
    enum record_family family;
    bool table_seen; /* of fib_trie: the table "Local" */
    bool in_table;   /* the lines that come now are its */
    bool leaf_seen;  /* there was an address, whose prefixes come now */
    bool unfinished; /* what came last must be followed by something */
    struct in6_addr leaf;
};

/*
 * Reads the next line of the family's file, without its newline, `length` bytes, and adds the addresses in it to the
 * set. Returns 0, -EBADMSG for a line that is not one of that file, or -ENOMEM.
 */
int address_procfs_line_decode(struct address_procfs_text *text, const char *line, size_t length,
                               struct address_set *set);

#endif
