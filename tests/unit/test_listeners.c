/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Tests of lib/snapshot/listeners.c: sources made up here show what each walk is to see.
 */
#include "config.h"

#include "snapshot/listeners.h"

#include "socket/netlink.h"
#include "socket/procfs.h"
#include "socket/protocol.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 400

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* --- a source whose walks are written down ----------------------------------------------------------------------- */

/*
 * Each walk a word a step: "80" a listener on port 80, whose cookie is 1, "80/2" its cookie is 2; "80:3" the sockets of
 * alike listeners with cookies 1 to 3; "6=80" on [::] in place of 0.0.0.0; "," a pause, ";" one after which anything
 * may be hidden; "!11" fails with errno 11; "80/+" a cookie, "80@+" an address that no other walk has.
 */
struct script {
    const char *const *walks; /* the last one goes on for ever */
    int count;
    int taken;
    unsigned last_turn;
    char asked[200]; /* the ports that were asked for, a word a walk: "-" all */
};

static struct script scripts[SOURCES_NONE];

struct scripted {
    struct source source;
    struct script *script;
};

static bool is_asked(const struct source_request *request, unsigned port)
{
    for (size_t i = 0; i < request->port_count; i++) {
        if (port >= request->ports[i].first && port <= request->ports[i].last) {
            return true;
        }
    }
    return request->port_count == 0;
}

static void ports_note(struct script *script, const struct source_request *request)
{
    size_t length = strlen(script->asked);

    if (length + 40 > sizeof script->asked) {
        return;
    }
    snprintf(script->asked + length, sizeof script->asked - length, "%s", length > 0 ? " " : "");
    for (size_t i = 0; i < request->port_count; i++) {
        length = strlen(script->asked);
        snprintf(script->asked + length, sizeof script->asked - length, "%s%u", i > 0 ? "," : "",
                 request->ports[i].first);
    }
    length = strlen(script->asked);
    snprintf(script->asked + length, sizeof script->asked - length, "%s", request->port_count == 0 ? "-" : "");
}

static int listeners_show(const char *word, const struct source_request *request, uint64_t unique, source_visit *visit,
                          void *context)
{
    bool inet6 = strncmp(word, "6=", 2) == 0;
    const char *cookie = strchr(word, '/');
    const char *most = strchr(word, ':');
    struct sock_record record = {
        .protocol = request->protocol,
        .family = inet6 ? RECORD_INET6 : RECORD_INET,
        .state = protocol_of(request->protocol)->listening,
        .local_port = (uint16_t)strtoul(word + (inet6 ? 2 : 0), NULL, 10),
        .cookie = cookie == NULL     ? 1
                  : cookie[1] == '+' ? unique
                                     : strtoul(cookie + 1, NULL, 10),
    };
    const char *address = strchr(word, '@') != NULL ? "::ffff:192.0.2.0" : inet6 ? "::" : "::ffff:0.0.0.0";
    unsigned long count = most != NULL ? strtoul(most + 1, NULL, 10) : 1;
    int result = 0;

    ck_assert_int_eq(inet_pton(AF_INET6, address, &record.local), 1);
    if (strchr(word, '@') != NULL) {
        record.local.s6_addr[15] = (uint8_t)unique;
    }
    for (unsigned long i = 0; i < count && result == 0 && is_asked(request, record.local_port); i++) {
        result = visit(&record, context);
        record.cookie++;
    }
    return result;
}

static int scripted_scan(struct source *source, const struct source_request *request, source_visit *visit,
                         void *context, struct fault *fault)
{
    struct script *script = ((struct scripted *)source)->script;
    int walk = script->taken < script->count ? script->taken : script->count - 1;
    char text[400];
    char *rest = text;
    int result = 0;

    snprintf(text, sizeof text, "%s", script->walks[walk]);
    ports_note(script, request);
    ck_assert(request->pause != NULL);
    ck_assert(request->turn == 0 || request->turn != script->last_turn);
    script->last_turn = request->turn;
    script->taken++;
    for (char *word = strtok_r(rest, " ", &rest); word != NULL && result == 0; word = strtok_r(NULL, " ", &rest)) {
        if (*word == ',' || *word == ';') {
            request->pause(*word == ';', context);
        } else if (*word == '!') {
            result = fault_set(fault, atoi(word + 1), "broken");
        } else {
            result = listeners_show(word, request, 1000 + (uint64_t)script->taken, visit, context);
        }
    }
    return result;
}

static void scripted_free(struct source *source)
{
    free(source);
}

static int scripted_open(struct source **source, enum sources_kind kind)
{
    struct scripted *scripted = malloc(sizeof *scripted);

    ck_assert_ptr_nonnull(scripted);
    *scripted = (struct scripted){
        .source = {.name = "scripted", .scan = scripted_scan, .free = scripted_free},
        .script = &scripts[kind],
    };
    *source = &scripted->source;
    return 0;
}

/* In place of the library's: the linker takes these. */
int netlink_open(struct source **source, const char *directory, struct fault *fault)
{
    (void)directory;
    (void)fault;
    return scripted_open(source, SOURCES_NETLINK);
}

int procfs_open(struct source **source, const char *directory, struct fault *fault)
{
    (void)directory;
    (void)fault;
    return scripted_open(source, SOURCES_PROCFS);
}

static struct sources *sources_script(const char *const *walks, int count)
{
    const struct sources_request request = {.choice = SOURCES_CHOICE_AUTO};
    struct sources *sources = sources_create(&request);

    ck_assert_ptr_nonnull(sources);
    memset(scripts, 0, sizeof scripts);
    scripts[SOURCES_NETLINK] = (struct script){.walks = walks, .count = count};
    return sources;
}

static int walks_count(const char *const *walks, int most)
{
    int count = 0;

    while (count < most && walks[count] != NULL) {
        count++;
    }
    return count;
}

/* Writes the listeners of a tally in the script's words, with their count of sockets where that is not 1. */
static const char *tally_format(char text[static TEXT_SIZE], struct tally *tally)
{
    size_t length = 0;

    *text = '\0';
    tally_sort(tally);
    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        for (size_t j = 0; j < service->listener_count; j++) {
            const struct tally_listener *listener = &service->listeners[j];
            length += (size_t)snprintf(text + length, TEXT_SIZE - length, "%s%s%u", length > 0 ? " " : "",
                                       listener->family == RECORD_INET6 ? "6=" : "", service->port);
            if (listener->sockets != 1) {
                length += (size_t)snprintf(text + length, TEXT_SIZE - length, ":%u", listener->sockets);
            }
        }
    }
    return text;
}

/* --- what is read ------------------------------------------------------------------------------------------------ */

/* As every mode does it: from the source that is left after a failure. */
static struct tally *tally_read(struct sources *sources, enum record_protocol protocol, int *result)
{
    struct tally *tally = NULL;

    do {
        tally_free(tally);
        tally = tally_create();
        ck_assert_ptr_nonnull(tally);
        *result = listeners_read(sources, protocol, tally);
    } while (*result != 0 && sources_retry(sources, protocol, *result));
    return tally;
}

#define WALKS_UNPROVEN 34 /* the first, the one that is compared, and 32 that add up */

static const struct {
    const char *what;
    enum record_protocol protocol;
    const char *walks[6];
    int taken;
    const char *asked; /* NULL: of no interest */
    const char *tally;
} readings[] = {
    {"nothing", RECORD_TCP, {""}, 1, "-", ""},
    {"one answer", RECORD_TCP, {"80 443 6=443", "22"}, 1, "-", "80 443 6=443"},
    {"two are equal", RECORD_TCP, {"80 , 443"}, 2, "- 80", "80 443"},
    {"a bucket of two ports was cut", RECORD_TCP, {"80 443 475 , 22 , 23"}, 2, "- 22,443,475", "22 23 80 443 475"},
    {"elsewhere sockets come and go", RECORD_TCP, {"80 , 443/+ 22/+"}, 2, "- 80", "22 80 443"},
    {"UDP: all are compared", RECORD_UDP, {"53 , 123"}, 2, "- -", "53 123"},
    {"UDP: they differ on a port not cut", RECORD_UDP, {"53 , 123", "53 , 123 161"}, 3, "- - -", "53 123 161"},
    {"a full answer was the last", RECORD_TCP, {"80 443 ,", "80 443 6=443 ,"}, 4, "- 443 - -", "80 443 6=443"},
    {"missed by the first walk", RECORD_TCP, {"443:5 , 80", "443:4 6=443 , 80"}, 4, "- 443 - -", "80 443:5 6=443"},
    {"the highest count stays", RECORD_TCP, {"443:3 ,", "443:7 ,"}, 4, "- 443 - -", "443:7"},
    {"an answer that is not cut is whole",
     RECORD_TCP,
     {"443:3 , 443:3", "443:2 ,", "443:2 6=443"},
     3,
     "- 443 -",
     "443:6 6=443"},
    {"what is cut next is another port",
     RECORD_TCP,
     {"443/1 , 80", "443/2", "443/2 80 , 22"},
     3,
     "- 443 -",
     "22 80 443"},
    {"it comes to rest",
     RECORD_TCP,
     {"443/1 ,", "443/2 ,", "443/3 ,", "443/4 6=443 ,", "443/5 ,"},
     6,
     NULL,
     "443 6=443"},
    {"it never does: missed by all but one",
     RECORD_TCP,
     {"443/1 ,", "443/2 ,", "443/3 ,", "443/4 ,", "443/5 6=443 ,", "443/+ ,"},
     WALKS_UNPROVEN,
     NULL,
     "443 6=443"},
    {"it never does, all were seen", RECORD_TCP, {"443/+ , 6=443"}, WALKS_UNPROVEN, NULL, "443 6=443"},
    {"the same of UDP", RECORD_UDP, {"443/+ , 6=443"}, WALKS_UNPROVEN, NULL, "443 6=443"},
    {"new ones where nothing can be missed", RECORD_TCP, {"443/+ , 80@+"}, WALKS_UNPROVEN, NULL, NULL},
    {"anything can be missed", RECORD_TCP, {"80 ; 443", "80 22 ; 443"}, 4, "- - - -", "22 80 443"},
    {"and was not", RECORD_TCP, {"80 ; 443"}, 2, "- -", "80 443"},
    {"each walk takes long", RECORD_TCP, {"443/+ ; 80"}, 18, NULL, "80 443"},
    {"a crowd takes long", RECORD_TCP, {"443/+ , 443:150000"}, 10, NULL, "443:150001"},
};

START_TEST(listeners_are_whole)
{
    int count = walks_count(readings[_i].walks, COUNT(readings[_i].walks));
    struct sources *sources = sources_script(readings[_i].walks, count);
    struct tally *tally = tally_create();
    char text[TEXT_SIZE];

    ck_assert_int_eq(listeners_read(sources, readings[_i].protocol, tally), 0);
    ck_assert_int_eq(scripts[SOURCES_NETLINK].taken, readings[_i].taken);
    if (readings[_i].asked != NULL) {
        ck_assert_str_eq(scripts[SOURCES_NETLINK].asked, readings[_i].asked);
    }
    if (readings[_i].tally != NULL) {
        ck_assert_str_eq(tally_format(text, tally), readings[_i].tally);
    }
    tally_free(tally);
    sources_free(sources);
}
END_TEST

/* Listeners of another protocol that are in the tally already are left alone. */
START_TEST(protocols_stay_apart)
{
    static const char *const walks[] = {"53 ,", "53 6=53 ,"};
    struct sources *sources = sources_script(walks, COUNT(walks));
    struct tally *tally = tally_create();
    char text[TEXT_SIZE];

    ck_assert_int_eq(listeners_read(sources, RECORD_TCP, tally), 0);
    scripts[SOURCES_NETLINK].taken = 0;
    ck_assert_int_eq(listeners_read(sources, RECORD_UDP, tally), 0);
    ck_assert_str_eq(tally_format(text, tally), "53 6=53 53 6=53");
    tally_free(tally);
    sources_free(sources);
}
END_TEST

/* --- what cannot be read ----------------------------------------------------------------------------------------- */

/* Each walk there can be fails, in each way: never is the one before it good enough. */
START_TEST(failure_of_any_walk_is_one)
{
    static const int errors[] = {EAGAIN, EPERM, EBADMSG};
    static const char *const other[] = {"22"};
    const char *walks[WALKS_UNPROVEN + 1];
    char failing[40];

    for (int i = 0; i < COUNT(errors) * WALKS_UNPROVEN; i++) {
        int error = errors[i % COUNT(errors)];
        int at = i / COUNT(errors);
        struct sources *sources = sources_script(walks, COUNT(walks));
        struct tally *tally = tally_create();
        char text[TEXT_SIZE];
        int result;

        snprintf(failing, sizeof failing, "443/+ , !%d", error);
        for (int j = 0; j < COUNT(walks); j++) {
            walks[j] = j == at ? failing : "443/+ , 80";
        }
        ck_assert_int_eq(listeners_read(sources, RECORD_TCP, tally), -error);
        ck_assert_int_eq(scripts[SOURCES_NETLINK].taken, at + 1);
        ck_assert_str_eq(sources_fault(sources, RECORD_TCP), "broken");
        tally_free(tally);
        /* Read again from the start, by the next source if it must be. */
        scripts[SOURCES_NETLINK].taken = at;
        scripts[SOURCES_PROCFS] = (struct script){.walks = other, .count = COUNT(other)};
        tally = tally_read(sources, RECORD_TCP, &result);
        ck_assert_int_eq(result, 0);
        ck_assert_str_eq(tally_format(text, tally), error == EAGAIN ? "80 443" : "22");
        ck_assert_int_eq(sources_kind(sources, RECORD_TCP), error == EAGAIN ? SOURCES_NETLINK : SOURCES_PROCFS);
        tally_free(tally);
        sources_free(sources);
    }
}
END_TEST

START_TEST(visitor_out_of_memory_ends_it)
{
    static const char *const walks[] = {"443 , !12"};
    struct sources *sources = sources_script(walks, COUNT(walks));
    struct tally *tally;
    int result;

    tally = tally_read(sources, RECORD_TCP, &result);
    ck_assert_int_eq(result, -ENOMEM);
    tally_free(tally);
    sources_free(sources);
}
END_TEST

/* Every walk shows a listener that none before did, and each may have missed others: nobody knows what listens. */
START_TEST(unrest_is_unknown)
{
    static const char *const walks[] = {"443/+ 443@+ ,"};
    static const char *const other[] = {"22"};
    struct sources *sources = sources_script(walks, COUNT(walks));
    char text[SOURCES_SENTENCE_SIZE];
    struct tally *tally;
    int result;

    scripts[SOURCES_PROCFS] = (struct script){.walks = other, .count = COUNT(other)};
    tally = tally_read(sources, _i == 0 ? RECORD_TCP : RECORD_UDP, &result);
    ck_assert_int_eq(result, 0);
    ck_assert_int_eq(sources_kind(sources, _i == 0 ? RECORD_TCP : RECORD_UDP), SOURCES_NONE);
    ck_assert_int_eq(sources_kind(sources, _i == 0 ? RECORD_UDP : RECORD_TCP), SOURCES_NETLINK);
    ck_assert_int_eq(scripts[SOURCES_NETLINK].taken, WALKS_UNPROVEN);
    ck_assert_int_eq(scripts[SOURCES_PROCFS].taken, 0);
    ck_assert_uint_eq(tally->service_count, 0);
    ck_assert_str_eq(sources_unreadable_format(text, sources, _i == 0 ? RECORD_TCP : RECORD_UDP),
                     _i == 0 ? "TCP sockets cannot be read: listeners of TCP come and go faster than they can be read"
                             : "UDP sockets cannot be read: listeners of UDP come and go faster than they can be read");
    tally_free(tally);
    sources_free(sources);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listeners");
    TCase *cases = tcase_create("listeners");

    tcase_add_loop_test(cases, listeners_are_whole, 0, COUNT(readings));
    tcase_add_test(cases, protocols_stay_apart);
    tcase_add_test(cases, failure_of_any_walk_is_one);
    tcase_add_test(cases, visitor_out_of_memory_ends_it);
    tcase_add_loop_test(cases, unrest_is_unknown, 0, 2);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
