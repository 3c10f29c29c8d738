/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "render/policy_text.h"

#include "audit/suggest_unit.h"
#include "plugin/escape.h"
#include "plugin/text_buffer.h"
#include "render/netstat.h"
#include "render/wording.h"
#include "socket/protocol.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* At most so many listeners of a service, and ports that get no rule of their own, are listed one by one. */
#define LISTENERS_LISTED 8
#define PORTS_LISTED 20

/* The first word of a rule. */
#define SUBJECT_SIZE 32

/* A comment of one line. */
#define COMMENT_SIZE 1024

/* Where clients of FTP ask for transfers. */
#define FTP_PORT 21

/* The words of a bind= that is learned; with more addresses than these there is none. */
#define BIND_SIZE 512
#define ADDRESSES_MOST 8

/* Of the name of a user or unit; the kernel's cgroups have none that is longer. */
#define NAME_MOST 255

/* The ports that get no rule of their own, by the reason for that. */
struct section {
    enum record_protocol protocol;
    enum suggest_permanence permanence;
    unsigned first; /* all of them, in one range */
    unsigned last;
};

/* --- the policy's text ------------------------------------------------------------------------------------------- */

/* Writes a comment of one line, whatever a host calls its users and units. */
static void comment_write(const struct policy_text *learned, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void comment_write(const struct policy_text *learned, const char *format, ...)
{
    char bytes[COMMENT_SIZE];
    struct text_buffer comment = TEXT_BUFFER(bytes);
    char harmless[ESCAPE_SIZE(sizeof bytes)];
    va_list arguments;

    va_start(arguments, format);
    text_buffer_add_va(&comment, format, arguments);
    va_end(arguments);
    escape_copy(harmless, sizeof harmless, bytes, comment.length, ESCAPE_TEXT);
    fprintf(learned->out, "# %s\n", harmless);
}

/* What a rule can say about the units of all its listeners. */
struct ownership {
    char pattern[SUGGEST_UNIT_SIZE]; /* "": no unit= */
    const char *remark;              /* on the pattern, or why there is none; NULL for none */
    bool passes;                     /* they all end with their session or connection, so nothing has to listen */
};

static const struct {
    bool passes;
    const char *remark; /* NULL for none */
} unit_kinds[] = {
    [SUGGEST_UNIT_LASTING] = {false, NULL},
    [SUGGEST_UNIT_CONTAINER] = {false, "The name changes each time the container or virtual machine starts, so unit= "
                                       "is a pattern."},
    [SUGGEST_UNIT_LOGIN] = {true, "It ends with its login session (missing=ok). unit= matches any session."},
    [SUGGEST_UNIT_USER] = {true, "It ends when this user logs out (missing=ok). If the user lingers (loginctl "
                                 "enable-linger), drop missing=ok."},
    [SUGGEST_UNIT_TRANSIENT] = {true, "Started with systemd-run, so it may be absent (missing=ok). unit= matches "
                                      "anything started that way."},
    [SUGGEST_UNIT_CONNECTION] = {true, "It ends with its connection (missing=ok). unit= matches any connection."},
    [SUGGEST_UNIT_UNNAMEABLE] = {false, "No unit=: the name of its unit may change with the next start."},
};
_Static_assert(sizeof unit_kinds / sizeof *unit_kinds == SUGGEST_UNIT_KINDS, "each kind has a row");

static void ownership_find(struct ownership *ownership, const struct judge_service *service)
{
    enum suggest_unit_kind first = SUGGEST_UNIT_LASTING;
    bool differ = false;
    bool some_in_none = false;

    *ownership = (struct ownership){.passes = service->listener_count > 0};
    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        char pattern[SUGGEST_UNIT_SIZE] = "";
        enum suggest_unit_kind kind = SUGGEST_UNIT_LASTING;
        if (listener->unit_state == TALLY_UNIT_KNOWN && strcmp(listener->unit, "/") != 0) {
            kind = suggest_unit_pattern(pattern, listener->unit);
        } else {
            some_in_none = true;
        }
        ownership->passes = ownership->passes && unit_kinds[kind].passes;
        differ = differ || (i > 0 && strcmp(pattern, ownership->pattern) != 0);
        if (i == 0) {
            memcpy(ownership->pattern, pattern, sizeof pattern);
            first = kind;
        }
    }
    ownership->remark = some_in_none ? NULL
                        : differ     ? "No unit=: several units share the port."
                                     : unit_kinds[first].remark;
    if (differ || some_in_none) {
        ownership->pattern[0] = '\0';
    }
}

static void unit_write(const struct policy_text *learned, const struct ownership *ownership)
{
    if (ownership->pattern[0] != '\0') {
        fprintf(learned->out, " unit=%s", ownership->pattern);
    }
}

/* A service that is bound only to loopback or the link must stay there. */
static void scopes_bind_add(struct text_buffer *words, const struct judge_service *service)
{
    bool found[SCOPES] = {false};

    for (size_t i = 0; i < service->listener_count; i++) {
        found[service->listeners[i]->scope] = true;
    }
    for (int scope = SCOPE_LOOPBACK; scope < SCOPE_EXTERNAL; scope++) {
        if (found[scope]) {
            text_buffer_add(words, "%s%s", words->length > 0 ? "," : "", scope_name((enum scope)scope));
        }
    }
}

/* Adds an item to a comma list, unless it is there. */
static void item_add(struct text_buffer *words, const char *item)
{
    const size_t length = strlen(item);

    for (const char *found = words->bytes; (found = strstr(found, item)) != NULL; found++) {
        if ((found == words->bytes || found[-1] == ',') && (found[length] == ',' || found[length] == '\0')) {
            return;
        }
    }
    text_buffer_add(words, "%s%s", words->length > 0 ? "," : "", item);
}

/* Adds the interface or the address the listener is bound to. False when it is bound to none, or to one that a rule
 * cannot name. */
static bool listener_bind_add(struct text_buffer *words, const struct tally_listener *listener)
{
    static const char harmless[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.@";
    const char *interface = listener->interface_name;
    char item[RECORD_ADDRESS_SIZE];

    if (listener->interface != 0) {
        snprintf(item, sizeof item, "%%%s", interface);
        item_add(words, item);
        return *interface != '\0' && strspn(interface, harmless) == strlen(interface);
    }
    record_address_format(item, record_is_ipv4(&listener->address) ? RECORD_INET : RECORD_INET6, &listener->address);
    item_add(words, item);
    return !record_is_wildcard(RECORD_INET, &listener->address) &&
           !record_is_wildcard(RECORD_INET6, &listener->address);
}

/*
 * Where it may listen: on the interfaces and addresses that it is bound to, nowhere farther. "" where it is bound to
 * anything, and where it is bound to loopback beside addresses for everyone: so do daemons that take each address the
 * host has, and those come and go. Nor is an address learned that is leased, or perhaps is: *leased is a listener on
 * it.
 */
static const char *bind_find(struct text_buffer *words, const struct judge_service *service,
                             const struct tally_listener **leased)
{
    size_t addresses = 0;
    bool has_scopes;

    *leased = NULL;
    scopes_bind_add(words, service);
    has_scopes = words->length > 0;
    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        if (listener->scope != SCOPE_EXTERNAL) {
            continue;
        }
        addresses += listener->interface == 0;
        if (!listener_bind_add(words, listener) || addresses > ADDRESSES_MOST || words->is_cut) {
            *leased = NULL;
            return "";
        }
        if (listener->interface == 0 && listener->leased != RECORD_NO && *leased == NULL) {
            *leased = listener;
        }
    }
    if (addresses > 0 && has_scopes) {
        *leased = NULL;
        return "";
    }
    return *leased != NULL ? "" : words->bytes;
}

static void bind_write(const struct policy_text *learned, const struct judge_service *service)
{
    char bytes[BIND_SIZE];
    struct text_buffer words = TEXT_BUFFER(bytes);
    const struct tally_listener *leased;
    const char *found = bind_find(&words, service, &leased);

    if (*found != '\0') {
        fprintf(learned->out, " bind=%s", found);
    }
}

/* How far it may be reached at most: no farther than now, if only the host's addresses limit that. */
static void reach_write(const struct policy_text *learned, const struct judge_service *service)
{
    enum reach_extent widest;

    if (suggest_reach(service, learned->snapshot->tally, &widest)) {
        fprintf(learned->out, " reach=%s", reach_name(widest));
    }
}

/* Adds what a rule of these ports says of protocol and scope. Returns the text so far. */
static const char *subject_add(struct text_buffer *subject, enum record_protocol protocol, int scope)
{
    if (protocol != RULE_DEFAULT_PROTOCOL) {
        text_buffer_add(subject, "/%s", protocol_name(protocol));
    }
    if (scope != RULE_ANY_SCOPE) {
        text_buffer_add(subject, "@%s", scope_name((enum scope)scope));
    }
    return subject->bytes;
}

static void rule_write(const struct policy_text *learned, const struct suggestion *suggestion)
{
    const struct judge_service *service = &suggestion->service;
    char bytes[SUBJECT_SIZE];
    struct text_buffer subject = TEXT_BUFFER(bytes);
    struct ownership ownership;

    ownership_find(&ownership, service);
    text_buffer_add(&subject, "%u", (unsigned)service->port);
    fprintf(learned->out, "%-16s %s%s%s%s%s", subject_add(&subject, service->protocol, suggestion->scope),
            rule_requirement_name(suggestion->requirement), suggestion->named ? " name=" : "",
            suggestion->named ? suggestion->name : "", service->as_bound ? " as=bound" : "",
            ownership.passes ? " missing=ok" : "");
    reach_write(learned, service);
    if (suggestion->scope == RULE_ANY_SCOPE || suggestion->scope == SCOPE_EXTERNAL) {
        bind_write(learned, service);
    }
    unit_write(learned, &ownership);
    fputc('\n', learned->out);
}

/*
 * A passive transfer listens while it lasts, on a port that no policy can learn in advance. Its unit can be named all
 * the same.
 */
static void transfers_write(const struct policy_text *learned, const struct suggestion *suggestion)
{
    static const struct {
        const char *unit;
        const char *directives;
    } daemons[] = {
        {"vsftpd*.service", "pasv_min_port and pasv_max_port"},
        {"proftpd*.service", "PassivePorts"},
        {"pure-ftpd*.service", "PassivePortRange"},
    };
    const struct judge_service *service = &suggestion->service;
    struct ownership ownership;
    char bytes[SUBJECT_SIZE];
    struct text_buffer subject = TEXT_BUFFER(bytes);

    ownership_find(&ownership, service);
    for (size_t i = 0; i < sizeof daemons / sizeof *daemons; i++) {
        if (service->port == FTP_PORT && fnmatch(daemons[i].unit, ownership.pattern, 0) == 0) {
            comment_write(learned,
                          "Passive transfers use other ports. To allow them, uncomment this rule, give it the");
            comment_write(learned, "ports of %s, and remove rules for those ports below:", daemons[i].directives);
            text_buffer_add(&subject, "#%u-%u", (unsigned)learned->suggestions->client_first,
                            (unsigned)learned->suggestions->client_last);
            fprintf(learned->out, "%-16s any missing=ok severity=warning name=ftp-passive",
                    subject_add(&subject, service->protocol, RULE_ANY_SCOPE));
            unit_write(learned, &ownership);
            fputc('\n', learned->out);
            break;
        }
    }
}

/* Adds the unit of a listener, or why there is none. */
static void unit_add(struct text_buffer *text, const struct tally_listener *listener)
{
    if (listener->unit_state == TALLY_UNIT_GONE) {
        text_buffer_add(text, "its unit is gone");
    } else if (listener->unit_state == TALLY_UNIT_HIDDEN) {
        text_buffer_add(text, "unit not visible from here");
    } else if (listener->unit_state != TALLY_UNIT_KNOWN) {
        text_buffer_add(text, "unit not known");
    } else if (strcmp(listener->unit, "/") == 0) {
        text_buffer_add(text, "no unit");
    } else {
        text_buffer_add(text, *listener->unit == '/' ? "cgroup " : "unit ");
        text_buffer_add_cut(text, listener->unit, NAME_MOST);
    }
}

/* Adds how far it is reached now, if that is less far than it is bound. */
static void reach_add(struct text_buffer *text, const struct tally *tally, const struct tally_listener *listener)
{
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        char bytes[COMMENT_SIZE];
        struct text_buffer reach = TEXT_BUFFER(bytes);
        wording_add_reach(&reach, tally, listener, (enum record_family)family);
        text_buffer_add(text, "%s%s", reach.length > 0 ? ", " : "", bytes);
    }
}

static void listener_write(const struct policy_text *learned, const struct judge_service *service,
                           const struct tally_listener *listener)
{
    char bytes[COMMENT_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    wording_add_endpoint(&text, service, listener);
    text_buffer_add(&text, " accepts %s, ", wording_accepts(tally_accepts(listener)));
    wording_add_user(&text, listener);
    text_buffer_add(&text, ", ");
    unit_add(&text, listener);
    reach_add(&text, learned->snapshot->tally, listener);
    if (listener->sockets > 1) {
        text_buffer_add(&text, ", %lu sockets", (unsigned long)listener->sockets);
    }
    comment_write(learned, "  %s", bytes);
}

/* Writes why there is no bind= with the address of the service. */
static void lease_remark_write(const struct policy_text *learned, const struct judge_service *service)
{
    char bytes[BIND_SIZE];
    struct text_buffer words = TEXT_BUFFER(bytes);
    char address[RECORD_ADDRESS_SIZE];
    const struct tally_listener *leased;

    bind_find(&words, service, &leased);
    if (leased == NULL) {
        return;
    }
    record_address_format(address, record_is_ipv4(&leased->address) ? RECORD_INET : RECORD_INET6, &leased->address);
    comment_write(learned,
                  leased->leased == RECORD_YES
                      ? "  No bind=: %s is leased (DHCP or router advertisement), so the address may change."
                      : "  No bind=: it is not known whether %s is a fixed address.",
                  address);
}

/* Writes notes on this rule. */
static void remarks_write(const struct policy_text *learned, const struct suggestion *suggestion)
{
    const struct judge_service *service = &suggestion->service;
    struct ownership ownership;

    if (service->stack.kind == STACK_UNKNOWN) {
        comment_write(
            learned,
            "  Whether [::] takes IPv4 too cannot be determined: IPV6_V6ONLY is not visible here. %s holds either way.",
            rule_requirement_name(suggestion->requirement));
    }
    if (suggestion->scope != RULE_ANY_SCOPE) {
        comment_write(learned,
                      "  One family can be reached from farther away than the other, so each scope has its own rule.");
    }
    if (suggestion->scope == RULE_ANY_SCOPE || suggestion->scope == SCOPE_EXTERNAL) {
        lease_remark_write(learned, service);
    }
    ownership_find(&ownership, service);
    if (ownership.remark != NULL) {
        comment_write(learned, "  %s", ownership.remark);
    }
}

/* Writes what was seen of the service, above its rule. */
static void evidence_write(const struct policy_text *learned, const struct suggestion *suggestion)
{
    const struct judge_service *service = &suggestion->service;
    const struct wording_context context = {.tally = learned->snapshot->tally, .host_has_sentence = {true, true}};
    const char *form = stack_form_name(service->stack.form);
    char bytes[COMMENT_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    text_buffer_add(&text, "%u/%s %s", (unsigned)service->port, protocol_name(service->protocol),
                    service->stack.kind == STACK_CLOSED ? "" : "is ");
    wording_add_stack(&text, service, &context);
    if (form != NULL) {
        text_buffer_add(&text, " (%s)", form);
    }
    if (service->as_bound) {
        text_buffer_add(&text, " by what it is bound to (as=bound)");
    }
    wording_add_within(&text, service, learned->snapshot->tally);
    if (service->connections[TALLY_MAPPED] > 0) {
        text_buffer_add(&text, ", ");
        text_buffer_add_count(&text, service->connections[TALLY_MAPPED], "v4-mapped connection");
        text_buffer_add(&text, " now");
    }
    comment_write(learned, "%s", bytes);
    for (size_t i = 0; i < service->listener_count && i < LISTENERS_LISTED; i++) {
        listener_write(learned, service, service->listeners[i]);
    }
    if (service->listener_count > LISTENERS_LISTED) {
        comment_write(learned, "  ... and %zu more", service->listener_count - LISTENERS_LISTED);
    }
    remarks_write(learned, suggestion);
}

static const char what_to_do[] = "# What to do with it:\n"
                                 "#   1. save it:  check_dualstack --learn > policy.conf\n"
                                 "#   2. read each rule: it says what is, not what should be\n"
                                 "#   3. check it: check_dualstack -f policy.conf --lint\n"
                                 "#   4. use it:   check_dualstack -f policy.conf\n";

static void heading_write(const struct policy_text *learned)
{
    const struct snapshot *snapshot = learned->snapshot;
    const char *host = snapshot->tally->host.name;
    char when[sizeof "-2147483648-12-31 23:59 UTC"] = "";
    struct tm fields;

    if (gmtime_r(&snapshot->time, &fields) == NULL || strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &fields) == 0) {
        *when = '\0';
    }
    comment_write(learned, "Policy for check_dualstack, learned by version " PACKAGE_VERSION " on %s%s%s, %s.",
                  *host != '\0' ? host : "a host of unknown name",
                  snapshot->namespace[0] != '\0' ? " in namespace " : "", snapshot->namespace, when);
    if (snapshot->remark[0] != '\0') {
        comment_write(learned, "Beware: %s.", snapshot->remark);
    }
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        char bytes[COMMENT_SIZE];
        struct text_buffer text = TEXT_BUFFER(bytes);
        netstat_add_host(&text, snapshot->tally, (enum record_family)family);
        if (text.length > 0) {
            comment_write(learned, "Learn again when this changes: %s.", bytes);
        }
    }
    fputs(what_to_do, learned->out);
}

/* --- ports without a rule of their own ---------------------------------------------------------------------------- */

static bool is_of(const struct section *section, const struct suggestion *suggestion)
{
    return suggestion->permanence == section->permanence && suggestion->service.protocol == section->protocol;
}

/* Puts all listeners of the section into one service, so that one rule can be written for them; with those of queries
 * also the name servers that will have others at another time. The caller frees the list. */
static int section_gather(const struct policy_text *learned, const struct section *section, struct judge_service *all,
                          size_t *suggestions)
{
    int result = 0;

    *all = (struct judge_service){.protocol = section->protocol};
    *suggestions = 0;
    for (size_t i = 0; i < learned->suggestions->count; i++) {
        const struct judge_service *service = &learned->suggestions->list[i].service;
        bool is_part = is_of(section, &learned->suggestions->list[i]);
        for (size_t j = 0; j < service->listener_count && result == 0; j++) {
            bool will_query = section->permanence == SUGGEST_QUERY && service->protocol == section->protocol &&
                              suggest_will_query(service, service->listeners[j]);
            if (is_part || will_query) {
                result = judge_listener_add(all, service->listeners[j]);
            }
        }
        *suggestions += is_part;
    }
    return result;
}

static void section_explain(const struct policy_text *learned, const struct section *section)
{
    const char *protocol = protocol_name(section->protocol);
    const char *source = learned->suggestions->client_known ? "net.ipv4.ip_local_port_range"
                                                            : "Linux's own range, this host's is unknown";

    if (section->permanence == SUGGEST_QUERY) {
        comment_write(learned, "Name servers send queries of their own from %s ports that they choose themselves.",
                      protocol_of(section->protocol)->label);
    } else if (section->permanence == SUGGEST_RESERVED) {
        comment_write(learned, "RPC daemons take any free port of %u-%u/%s at each start.", section->first,
                      section->last, protocol);
    } else if (section->permanence == SUGGEST_X11) {
        comment_write(learned, "ssh -X takes the first free port of %u-%u/%s for each login.", section->first,
                      section->last, protocol);
    } else {
        comment_write(learned, "The kernel assigns %u-%u/%s to programs that request no port (%s):", section->first,
                      section->last, protocol, source);
        comment_write(learned, "what is there may be elsewhere after the next start.");
    }
}

static void section_ports_write(const struct policy_text *learned, const struct section *section, size_t suggestions)
{
    size_t listed = 0;

    if (suggestions > 0) {
        comment_write(learned, "Listed but commented out. Uncomment a rule if its port is fixed.");
    }
    for (size_t i = 0; i < learned->suggestions->count && listed < PORTS_LISTED; i++) {
        if (is_of(section, &learned->suggestions->list[i])) {
            evidence_write(learned, &learned->suggestions->list[i]);
            fputc('#', learned->out);
            rule_write(learned, &learned->suggestions->list[i]);
            listed++;
        }
    }
    if (suggestions > listed) {
        comment_write(learned, "... and %zu more ports", suggestions - listed);
    }
}

/* A default that leaves the sockets of these units alone. */
static void section_default_write(const struct policy_text *learned, const struct section *section,
                                  const struct judge_service *all)
{
    char bytes[SUBJECT_SIZE];
    struct text_buffer subject = TEXT_BUFFER(bytes);
    char words_bytes[RULE_LENGTH_MAX - COMMENT_SIZE];
    struct text_buffer words = TEXT_BUFFER(words_bytes);

    for (size_t i = 0; i < all->listener_count; i++) {
        char pattern[SUGGEST_UNIT_SIZE];
        suggest_unit_pattern(pattern, all->listeners[i]->unit);
        item_add(&words, pattern);
    }
    comment_write(learned, "This default ignores their sockets:");
    text_buffer_add(&subject, "default");
    fprintf(learned->out, "%-16s closed severity=warning except-unit=%s\n",
            subject_add(&subject, section->protocol, RULE_ANY_SCOPE), words.bytes);
}

/* What keeps the default from judging them. It does not judge ports that clients share anyway. */
static void section_rule_write(const struct policy_text *learned, const struct section *section,
                               const struct judge_service *all)
{
    const struct protocol *protocol = protocol_of(section->protocol);
    char bytes[SUBJECT_SIZE];
    char name[RULE_NAME_MAX + 1];
    struct text_buffer subject = TEXT_BUFFER(bytes);
    struct ownership ownership;

    if (section->permanence == SUGGEST_QUERY) {
        section_default_write(learned, section, all);
        return;
    }
    if (section->permanence == SUGGEST_CLIENT && protocol->shares_client_ports && learned->suggestions->client_known) {
        comment_write(learned, "Nothing else judges %s ports of this range: clients come and go there.",
                      protocol->label);
        return;
    }
    comment_write(learned, "Until then this rule allows such listeners. A narrower one would be better:");
    text_buffer_add(&subject, "%u-%u", section->first, section->last);
    fprintf(learned->out, "%-16s any missing=ok severity=warning name=%s",
            subject_add(&subject, section->protocol, RULE_ANY_SCOPE),
            suggest_permanence_name(name, section->permanence, section->protocol));
    ownership_find(&ownership, all);
    reach_write(learned, all);
    bind_write(learned, all);
    unit_write(learned, &ownership);
    fputc('\n', learned->out);
}

static int section_write(const struct policy_text *learned, const struct section *section)
{
    struct judge_service all;
    size_t suggestions;
    int result = section_gather(learned, section, &all, &suggestions);

    if (result == 0 && all.listener_count > 0) {
        fputc('\n', learned->out);
        section_explain(learned, section);
        section_ports_write(learned, section, suggestions);
        section_rule_write(learned, section, &all);
    }
    free(all.listeners);
    return result;
}

static struct section section_of(const struct policy_text *learned, enum record_protocol protocol,
                                 enum suggest_permanence permanence)
{
    struct section section = {.protocol = protocol,
                              .permanence = permanence,
                              .first = learned->suggestions->client_first,
                              .last = learned->suggestions->client_last};

    if (permanence == SUGGEST_RESERVED) {
        section.first = SUGGEST_RESERVED_FIRST;
        section.last = SUGGEST_RESERVED_LAST;
    } else if (permanence == SUGGEST_X11) {
        section.first = SUGGEST_X11_FIRST;
        section.last = SUGGEST_X11_LAST;
    }
    return section;
}

int policy_text_write(const struct policy_text *learned)
{
    int result = 0;

    heading_write(learned);
    for (size_t i = 0; i < learned->suggestions->count; i++) {
        if (learned->suggestions->list[i].permanence == SUGGEST_FIXED) {
            fputc('\n', learned->out);
            evidence_write(learned, &learned->suggestions->list[i]);
            rule_write(learned, &learned->suggestions->list[i]);
            transfers_write(learned, &learned->suggestions->list[i]);
        }
    }
    for (int permanence = SUGGEST_FIXED + 1; permanence < SUGGEST_PERMANENCES; permanence++) {
        for (int protocol = 0; protocol < RECORD_PROTOCOLS && result == 0; protocol++) {
            struct section section =
                section_of(learned, (enum record_protocol)protocol, (enum suggest_permanence)permanence);
            result = section_write(learned, &section);
        }
    }
    fputc('\n', learned->out);
    comment_write(learned, "Anything else that listens is new.");
    fprintf(learned->out, "%-16s closed severity=warning\n", "default");
    return result;
}
