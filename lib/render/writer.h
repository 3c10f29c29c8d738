/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * How answers are written: a row for each format of --format. A new format is a file with its functions and a row in
 * writer.c.
 */
#ifndef RENDER_WRITER_H
#define RENDER_WRITER_H

#include "audit/waiver.h"
#include "plugin/sink.h"
#include "render/netstat.h"
#include "render/view.h"

/* Everything in these structures is borrowed. */

/* An answer without a verdict: why there is none. */
struct writer_failure {
    enum state state;
    const char *host;      /* the one that cannot be judged, "" when it is not known */
    const char *namespace; /* its network namespace; NULL for the one it is expected to be */
    time_t time;
    const char *const *sentences; /* at least one */
    size_t count;
    const char *more;  /* a sentence that helps beside them; NULL for none */
    const char *usage; /* how to write the command line, when that is what was wrong; NULL for none */
};

/* What --lint found. */
struct writer_lint {
    enum state state;
    const char *host; /* this one */
    time_t time;
    bool for_terminal; /* the output goes to a terminal, not through a monitoring transport */
    const char *summary;
    const char *const *findings; /* errors where the state is UNKNOWN, else warnings */
    size_t count;
};

#define WRITER_LIST_COLUMNS 9

/* All sockets of --list, which come twice: first to be measured, then to be written. Begin with all zero. */
struct writer_list {
    const struct tally *tally;         /* all listeners, sorted and with their reach, once they were measured */
    const struct owners *owners;       /* of all of them */
    const char *namespace;             /* the network namespace, where there are several lists; else NULL */
    unsigned verbose;                  /* 0 to 3 */
    size_t width[WRITER_LIST_COLUMNS]; /* of the text's columns, in characters */
};

/* A socket and its owners, NULL where they are not known. */
struct writer_row {
    const struct sock_record *record;
    const struct owners_entry *user;
    const struct owners_entry *unit;
};

/* A service of --list that has clients. */
struct writer_clients {
    enum record_protocol protocol;
    uint16_t port;
    uint64_t connections[TALLY_KINDS];
    struct peers *peers; /* by enum tally_kind, settled */
};

/* What follows the rows. */
struct writer_list_end {
    const char *host;      /* this one */
    const char *namespace; /* as in struct writer_list */
    time_t time;
    uint64_t rows;
    const struct writer_clients *clients; /* NULL: not asked for */
    size_t client_count;
    const char *const *remarks; /* how the list was made, where that is unexpected */
    size_t remark_count;
    const char *const *faults; /* what could not be read; with any of them the list is not whole */
    size_t fault_count;
};

/*
 * The hosts of a --replay of several, or the network namespaces of this one. Begin with the first six, all else zero;
 * fleet_add() counts.
 */
struct writer_fleet {
    const struct policy *policy;
    unsigned verbose;
    time_t time;           /* of the report */
    size_t expected;       /* so many hosts there should be */
    bool compares;         /* each with its baseline */
    bool is_of_namespaces; /* and not of hosts */
    const char *stopped;   /* why the report is incomplete: "stopped by SIGINT"; NULL if it is complete */
    size_t count;          /* the hosts so far, and their states */
    size_t by_state[STATE_UNKNOWN + 1];
    size_t judged;    /* those of them that have a verdict */
    size_t changed;   /* those of them that changed since their baselines */
    size_t violating; /* and those that have violations */
    enum state state; /* the worst of them; UNKNOWN if the report is incomplete */
    struct waiver_list waivers;
    void *kept; /* what the writer keeps until the end; its own */
};

/* One of them. */
struct writer_host {
    const char *file;      /* where it was read from; "" for this host */
    const char *name;      /* "" when the capture has none */
    const char *namespace; /* its network namespace; NULL or "" for the one it is expected to be */
    time_t time;           /* when it was captured */
    const struct view *view;
    const struct writer_failure *failure; /* NULL when it was judged: then there is a view */
};

/*
 * Each function that returns an int returns 0, or -ENOMEM before it wrote anything. The owner of the sink keeps track
 * of what could not be written. What was written ends with a newline.
 */
struct writer {
    const char *name;      /* as --format= takes it */
    bool has_details;      /* below the first line come some, which can be done without */
    bool only_verdicts;    /* and failures: it has no functions for lists and for --lint */
    bool needs_everything; /* also what nothing judges: every connection of every protocol is read for it */
    int (*verdict)(const struct view *view, const struct sink *sink);
    int (*failure)(const struct writer_failure *failure, const struct sink *sink);
    int (*lint)(const struct writer_lint *lint, const struct sink *sink);

    /* The owners of the row are not known yet. */
    void (*list_measure)(struct writer_list *list, const struct writer_row *row);
    /* Once all rows were measured and all owners are known. */
    void (*list_head)(struct writer_list *list, const struct sink *sink);
    void (*list_row)(const struct writer_list *list, const struct writer_row *row, const struct sink *sink);
    int (*list_end)(const struct writer_list_end *end, const struct sink *sink);

    /* The fleet has counted the host already. */
    int (*fleet_host)(struct writer_fleet *fleet, const struct writer_host *host, const struct sink *sink);
    int (*fleet_end)(struct writer_fleet *fleet, const struct sink *sink);
    /* Frees what was kept, at any time. */
    void (*fleet_clear)(struct writer_fleet *fleet);
};

/* The writer of that name, NULL when there is none. */
const struct writer *writer_find(const char *name);

/* The name of writer number `index` in the table's order; NULL behind the last one. */
const char *writer_word(int index);

/* The one to use where --format is not given: a plugin's text. */
const struct writer *writer_default(void);

#endif
