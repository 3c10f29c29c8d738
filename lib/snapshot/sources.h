/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Which source answers for each protocol: the kernel by netlink, else /proc/net. The one place that retries and falls
 * back, for every mode.
 */
#ifndef SNAPSHOT_SOURCES_H
#define SNAPSHOT_SOURCES_H

#include "socket/source.h"

/* Which sources may be asked. */
enum sources_choice {
    SOURCES_CHOICE_AUTO, /* netlink, else /proc/net */
    SOURCES_CHOICE_NETLINK,
    SOURCES_CHOICE_PROCFS
};

/* The sources, in the order they are tried. */
enum sources_kind {
    SOURCES_NETLINK,
    SOURCES_PROCFS,
    SOURCES_NONE /* the protocol cannot be read */
};

/* Receives what the program waits for from now on, to stand after "while ": plain words, a static string. */
typedef void sources_progress(const char *stage);

/* Texts are borrowed as long as the sources live. */
struct sources_request {
    enum sources_choice choice;
    bool asks_leases;           /* whether the addresses that listeners are bound to are leased */
    const char *copies;         /* a folder of copies of /proc/net's files; NULL for this host's own */
    sources_progress *progress; /* NULL for none */
};

struct sources;

/* Sources that have not been asked yet. NULL when out of memory. Ends with sources_free(). */
struct sources *sources_create(const struct sources_request *request);

/* NULL is fine. */
void sources_free(struct sources *sources);

/* The folder that stands for /proc/net. */
const char *sources_directory(const struct sources *sources);

/* Passes the stage to the request's progress. */
void sources_report_stage(const struct sources *sources, const char *stage);

/*
 * Asks the source that answers for the protocol now, once. Returns 0 when everything was shown (nothing where no source
 * is left), else a negative errno as source.scan does: sources_retry() says what to do about it.
 */
int sources_scan(struct sources *sources, const struct source_request *request, source_visit *visit, void *context);

/*
 * To be called when what the source shows of the protocol does not come to rest. Returns -ESTALE, to be taken for the
 * result of the last scan.
 */
int sources_disagree(struct sources *sources, enum record_protocol protocol);

/*
 * Chooses the next source after a scan of the protocol failed with `result`. An interrupted scan is repeated a few
 * times; after that, and after most other failures, the next source has its turn. None has after sources_disagree():
 * what changes too fast to be read in one place does so in any. Returns true when the caller must discard what was
 * shown and scan again (even if no source is left), false when out of memory.
 */
bool sources_retry(struct sources *sources, enum record_protocol protocol, int result);

/* "netlink" or "procfs"; not of SOURCES_NONE. Static. */
const char *sources_kind_name(enum sources_kind kind);

/* The source that answers for the protocol now. */
enum sources_kind sources_kind(const struct sources *sources, enum record_protocol protocol);

/* Why the source that answers now failed in the last sources_scan(); "" if it did not. Valid until the next scan. */
const char *sources_fault(const struct sources *sources, enum record_protocol protocol);

#define SOURCES_SENTENCE_SIZE 512

/* Writes why no source answers for the protocol: "TCP sockets cannot be read: ...". Returns text. */
const char *sources_unreadable_format(char text[static SOURCES_SENTENCE_SIZE], const struct sources *sources,
                                      enum record_protocol protocol);

/*
 * Writes where the protocol was read from and why, when that is not the expected source: "read from /proc/net, which
 * lacks v6only and interfaces: ..."; "" otherwise. Returns text.
 */
const char *sources_remark_format(char text[static SOURCES_SENTENCE_SIZE], const struct sources *sources,
                                  enum record_protocol protocol);

#endif
