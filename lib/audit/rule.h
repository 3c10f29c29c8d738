/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * One rule of a policy: "443/tcp@external dual-stack name=web unit=nginx.service".
 */
#ifndef AUDIT_RULE_H
#define AUDIT_RULE_H

#include "audit/prefix.h"
#include "audit/stack.h"
#include "plugin/range.h"
#include "plugin/state.h"

#include <stddef.h>

enum rule_requirement {
    RULE_V4_ONLY,
    RULE_V6_ONLY,
    RULE_DUAL_STACK,
    RULE_V4,
    RULE_V6,
    RULE_ANY,
    RULE_CLOSED
};
#define RULE_REQUIREMENTS (RULE_CLOSED + 1)

/* What a requirement asks for. This table is the only place that says it. All texts are static. */
struct rule_requirement_row {
    const char *word;   /* as policies and JSON spell it: "v4-only" */
    const char *phrase; /* to stand after "must ": "be v4-only" */
    bool needs_ipv4;    /* the service must accept this family */
    bool needs_ipv6;
    bool bars_ipv4; /* and must not accept this one */
    bool bars_ipv6;
    bool bars_listening; /* no socket may listen at all */
};

/* Ports first to last; a single one was written alone ("443"), which outranks a range ("443-443" too). */
struct rule_ports {
    uint16_t first;
    uint16_t last;
    bool single;
};

/* The protocol of a rule for ports that names none. */
#define RULE_DEFAULT_PROTOCOL RECORD_TCP

/* What was not written. */
#define RULE_ANY_PROTOCOL (-1)
#define RULE_ANY_SCOPE (-1)

#define RULE_NAME_MAX 24

/* A threshold range of a rule. */
struct rule_range {
    bool set;
    struct range range;
};

/* The connections of a rule that thresholds are for. */
enum rule_counted {
    RULE_MAPPED, /* v4-mapped */
    RULE_IPV4    /* over IPv4, native and v4-mapped */
};
#define RULE_COUNTED (RULE_IPV4 + 1)

struct rule_thresholds {
    struct rule_range warning;
    struct rule_range critical;
};

/* The longest rule, in bytes; a comment may be longer. */
#define RULE_LENGTH_MAX 8192

struct rule {
    char *text;      /* as written, words set apart by single blanks, without a comment */
    char *origin;    /* "policy.conf:3", "--rule 1" or "plugins.ini:7" */
    size_t position; /* in the policy's rules, once it is finished */
    struct rule_ports *ports;
    size_t port_count;
    char *bind_words; /* as written, NULL for anywhere */
    struct prefix *bind;
    size_t bind_count;
    char (*bind_interfaces)[IF_NAMESIZE]; /* what is bound to one of these may listen on any address */
    size_t bind_interface_count;
    char *unit;          /* glob, NULL for any */
    char **except_units; /* globs: sockets of these are not judged where no port is named singly; in one block */
    size_t except_unit_count;
    char *user; /* as written, NULL for any */
    char *note; /* NULL for none */
    struct rule_thresholds thresholds[RULE_COUNTED];
    int protocol; /* enum record_protocol; RULE_ANY_PROTOCOL only in a default */
    int scope;    /* enum scope or RULE_ANY_SCOPE */
    enum rule_requirement requirement;
    enum state severity;
    enum state missing;
    enum stack_form form;    /* STACK_FORM_NONE: either */
    bool user_by_name;       /* user= is a name, and that of each listener decides, not the uid */
    enum reach_extent reach; /* when reach_set: no listener may be reached from farther away */
    uint32_t uid;
    int32_t waive_day; /* the last waived day, in days since 1970-01-01 */
    char waive_text[sizeof "2027-01-31"];
    char name[RULE_NAME_MAX + 1]; /* "" in a default */
    bool command_line;            /* from --rule: outranks a file's */
    bool is_default;
    bool named; /* name= was written */
    bool missing_set;
    bool as_bound; /* judges how far sockets are bound, not how far they are reached now */
    bool reach_set;
    bool ephemeral; /* its ranges, or the default, judge UDP ports that clients share */
    bool waive_set;
    bool bind_set;
    bool bind_scope[SCOPES];
};

/*
 * Look up the names in rules, so that this layer reads no database. Each returns false for an unknown name. If `user`
 * is NULL, users are compared by name: those of another host, whose uids are not this one's.
 */
struct rule_names {
    bool (*port)(const char *name, enum record_protocol protocol, uint16_t *port, void *context);
    bool (*user)(const char *name, uint32_t *uid, void *context);
    void *context; /* handed to both */
};

/* Sentences, each with its place. Begin with all zero, end with rule_errors_clear(). */
struct rule_errors {
    char **text;
    size_t count;
    bool out_of_memory; /* a sentence was lost: the list is not whole, and never empty in meaning */
};

/* The longest sentence, without its place; longer ones are cut. */
#define RULE_ERROR_SIZE 512

/* Adds "ORIGIN: sentence". */
void rule_errors_add(struct rule_errors *errors, const char *origin, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void rule_errors_clear(struct rule_errors *errors);

/*
 * Reads one rule from `length` bytes (no newline in them). Returns 1 and the rule, which the caller ends with
 * rule_free(); 0 when there is none (blank, or only a comment); -EINVAL when it is wrong: every mistake is in *errors
 * then; -ENOMEM. `origin` is copied.
 */
int rule_parse(const char *text, size_t length, const char *origin, const struct rule_names *names,
               struct rule_errors *errors, struct rule **rule);

/* NULL is fine. */
void rule_free(struct rule *rule);

/* "mapped", "ipv4": the options for thresholds are this and "-warning=" or "-critical=". */
const char *rule_counted_word(enum rule_counted counted);

/* True when the rule has a threshold on these connections. */
bool rule_has_threshold(const struct rule *rule, enum rule_counted counted);

/* True when the rule names the port itself: not by a range, and not as a default. */
bool rule_names_port(const struct rule *rule, uint16_t port);

/* The row of the table; static. */
const struct rule_requirement_row *rule_requirement_of(enum rule_requirement requirement);

/* rule_requirement_of(requirement)->word: "v4-only", "v6-only", "dual-stack", "v4", "v6", "any", "closed". */
const char *rule_requirement_name(enum rule_requirement requirement);

/* The word of requirement number `index`, NULL behind the last one. */
const char *rule_requirement_word(int index);

/* The key of option number `index` of a rule, such as "name"; NULL behind the last one. */
const char *rule_option_word(int index);

/* True when the rule needs both families, so that form= makes sense in it. */
bool rule_needs_both(const struct rule *rule);

/* The state of a service of the rule when nothing listens: missing=, or its default. */
enum state rule_missing_state(const struct rule *rule, const struct rule_ports *ports);

/*
 * Writes the name of a rule that has none of its own: "tcp_80_443", "udp_53_loopback" (scope: RULE_ANY_SCOPE for none);
 * of a long list the first port alone, "tcp_80_etc", so that it stays within bounds. `count` is at least 1.
 */
void rule_name_default(char name[static RULE_NAME_MAX + 1], enum record_protocol protocol, int scope,
                       const struct rule_ports *ports, size_t count);

/* True when bind= allows a wildcard of the family: it has 0.0.0.0/0, or ::/0. */
bool rule_binds_whole(const struct rule *rule, bool ipv4);

/* The item of the rule's list that holds the port, a single one before a range; NULL when none does. */
const struct rule_ports *rule_ports_find(const struct rule *rule, uint16_t port);

#endif
