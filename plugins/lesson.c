/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What one rule of a learned policy is to name, made from what listens: which listeners, how they are called, and
 * whether they will be on the same port after the next start.
 */
#include "config.h"

#include "lesson.h"

#include "deadline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No longer than what RRD tells apart. */
#define NAME_MAX_LEARNED 19

/* Linux hands these ports out unless told otherwise. */
#define CLIENT_FIRST 32768
#define CLIENT_LAST 60999

/* What the lessons are made from, and those made so far. */
struct school {
    const struct tally *tally;
    const struct tally *connections;
    struct lesson_list *made;
};

/* --- what there is ----------------------------------------------------------------------------------------------- */

/*
 * A socket whose IPv4 is unknown can only widen IPv4, and no farther than it takes IPv6 itself: the worlds in which
 * none and all of them do are the ends of what is possible.
 */
static void stack_find(const struct tally *tally, struct judge_service *service)
{
    static const struct stack_world worlds[] = {{{false, false, false}, false}, {{true, true, true}, true}};
    struct stack_sum sums[2] = {{0}};
    struct stack ends[2];

    for (int end = 0; end < 2; end++) {
        for (size_t i = 0; i < service->listener_count; i++) {
            const struct tally_listener *listener = service->listeners[i];
            stack_sum_add(&sums[end], &worlds[end], listener->family, listener->scope, tally_accepts(tally, listener));
        }
        ends[end] = stack_of(&sums[end]);
    }
    service->stack = stack_agree(&ends[0], &ends[1]);
}

static uint64_t mapped_count(const struct school *school, const struct tally_service *source, int scope)
{
    const struct tally_service *seen = tally_find(school->connections, source->protocol, source->port);
    uint64_t count = 0;

    for (int i = 0; seen != NULL && i < STACK_SCOPES; i++) {
        count += scope == RULE_ANY_SCOPE || scope == i ? seen->connections[i][TALLY_MAPPED] : 0;
    }
    return count;
}

/* Fills a lesson with the listeners of that scope (RULE_ANY_SCOPE: all). */
static int lesson_fill(const struct school *school, struct lesson *lesson, const struct tally_service *source,
                       int scope)
{
    struct judge_service *service = &lesson->service;

    *lesson = (struct lesson){.scope = scope};
    service->protocol = source->protocol;
    service->port = source->port;
    service->connections[TALLY_MAPPED] = mapped_count(school, source, scope);
    service->listeners = calloc(source->listener_count + 1, sizeof(const struct tally_listener *));
    if (service->listeners == NULL) {
        return -ENOMEM;
    }
    service->listener_count = 0;
    for (size_t i = 0; i < source->listener_count; i++) {
        if (scope == RULE_ANY_SCOPE || scope == (int)source->listeners[i].scope) {
            service->listeners[service->listener_count++] = &source->listeners[i];
        }
    }
    stack_find(school->tally, service);
    return 0;
}

/* Adds the lesson of that scope unless nothing listens in it. */
static int lesson_add(const struct school *school, const struct tally_service *source, int scope)
{
    struct lesson *lesson = &school->made->list[school->made->count];
    int result = lesson_fill(school, lesson, source, scope);

    if (result == 0 && lesson->service.listener_count > 0) {
        school->made->count++;
    } else {
        free(lesson->service.listeners);
    }
    return result;
}

/* A rule without a scope would not see the narrower family of a lopsided service, so each scope gets a rule. */
static int service_learn(const struct school *school, const struct tally_service *source)
{
    struct lesson_list *made = school->made;
    int result = lesson_add(school, source, RULE_ANY_SCOPE);

    if (result != 0 || !made->list[made->count - 1].service.stack.lopsided) {
        return result;
    }
    free(made->list[--made->count].service.listeners);
    for (int scope = STACK_EXTERNAL; scope >= STACK_LOOPBACK && result == 0; scope--) {
        result = lesson_add(school, source, scope);
    }
    return result;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

const char *lesson_habit_name(enum lesson_habit habit, enum record_protocol protocol)
{
    static const char *const rule_names[][RECORD_PROTOCOLS] = {
        [LESSON_CLIENT] = {[RECORD_TCP] = "per-boot-tcp", [RECORD_UDP] = "per-boot-udp"},
        [LESSON_RESERVED] = {[RECORD_TCP] = "rpc-reserved-tcp", [RECORD_UDP] = "rpc-reserved-udp"},
    };

    return rule_names[habit][protocol];
}

static bool name_is_taken(const struct lesson_list *made, const struct lesson *except, const char *name)
{
    for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
        if (strcmp(lesson_habit_name(LESSON_CLIENT, (enum record_protocol)protocol), name) == 0 ||
            strcmp(lesson_habit_name(LESSON_RESERVED, (enum record_protocol)protocol), name) == 0) {
            return true;
        }
    }
    for (const struct lesson *lesson = made->list; lesson < except; lesson++) {
        if (strcmp(lesson->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Joins the parts with the second whole and the first cut to fit. */
static void name_join(char name[static RULE_NAME_MAX + 1], const char *base, const char *tail)
{
    int room = NAME_MAX_LEARNED - (int)strlen(tail);

    snprintf(name, RULE_NAME_MAX + 1, "%.*s%s", room, base, tail);
}

/* "http", for UDP where TCP has that "http-udp", else "http_2" and so on. */
static void name_choose(const struct lesson_list *made, struct lesson *lesson, const char *base)
{
    const char *scope = lesson->scope == RULE_ANY_SCOPE ? "" : stack_scope_name((enum stack_scope)lesson->scope);
    char tail[24];

    snprintf(tail, sizeof tail, "%s%s", *scope != '\0' ? "-" : "", scope);
    name_join(lesson->name, base, tail);
    if (name_is_taken(made, lesson, lesson->name) && lesson->service.protocol == RECORD_UDP) {
        snprintf(tail, sizeof tail, "-udp%s%s", *scope != '\0' ? "-" : "", scope);
        name_join(lesson->name, base, tail);
    }
    for (unsigned number = 2; name_is_taken(made, lesson, lesson->name); number++) {
        snprintf(tail, sizeof tail, "_%u", number);
        name_join(lesson->name, base, tail);
    }
}

/* The services database's name with what a rule's name cannot hold made "_"; false when it has none. */
static bool service_name_find(const struct judge_service *service, char name[static RULE_NAME_MAX + 1])
{
    const struct servent *entry = getservbyport(htons(service->port), record_protocol_name(service->protocol));

    if (entry == NULL || entry->s_name[0] == '\0') {
        return false;
    }
    snprintf(name, RULE_NAME_MAX + 1, "%s", entry->s_name);
    for (char *c = name; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        if (!letter && !(*c >= '0' && *c <= '9') && *c != '-' && *c != '_') {
            *c = '_';
        }
    }
    return true;
}

/* As rule.c names a rule that has no name=. */
static void own_name_write(struct lesson *lesson)
{
    bool scoped = lesson->scope != RULE_ANY_SCOPE;

    snprintf(lesson->name, sizeof lesson->name, "%s_%u%s%s", record_protocol_name(lesson->service.protocol),
             (unsigned)lesson->service.port, scoped ? "_" : "",
             scoped ? stack_scope_name((enum stack_scope)lesson->scope) : "");
}

static void lesson_name(const struct lesson_list *made, struct lesson *lesson)
{
    char name[RULE_NAME_MAX + 1];

    lesson->named = service_name_find(&lesson->service, name);
    if (lesson->named) {
        name_choose(made, lesson, name);
    } else {
        own_name_write(lesson);
    }
}

/* --- habits ------------------------------------------------------------------------------------------------------ */

/* Daemons that bind with bindresvport() at each start, as units and users of the common distributions call them. */
static bool takes_reserved_ports(const struct tally_listener *listener)
{
    static const char *const owners[] = {
        "rpcbind.service",
        "rpcbind.socket",
        "rpc-statd.service",
        "rpc-statd-notify.service",
        "nfs-mountd.service",
        "ypbind.service",
        "ypserv.service",
        "nis.service",
        "rpc",
        "_rpc",
        "rpcuser",
        "statd",
    };

    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        if ((listener->unit != NULL && strcmp(listener->unit, owners[i]) == 0) ||
            (listener->user != NULL && strcmp(listener->user, owners[i]) == 0)) {
            return true;
        }
    }
    return false;
}

static bool all_take_reserved_ports(const struct judge_service *service)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        if (!takes_reserved_ports(service->listeners[i])) {
            return false;
        }
    }
    return true;
}

static void client_range_set(struct lesson_list *made, const struct sock_host *host)
{
    made->client_known = host->port_range_first <= host->port_range_last;
    made->client_first = made->client_known ? host->port_range_first : CLIENT_FIRST;
    made->client_last = made->client_known ? host->port_range_last : CLIENT_LAST;
}

static enum lesson_habit habit_of(const struct lesson_list *made, const struct lesson *lesson)
{
    const struct judge_service *service = &lesson->service;
    uint16_t port = service->port;
    bool client_port = made->client_first <= port && port <= made->client_last;
    bool ranges_meet = made->client_first <= LESSON_RESERVED_LAST && made->client_last >= LESSON_RESERVED_FIRST;

    if (client_port) {
        /* In a range made wider than Linux's own, ports with a name are those of servers. */
        return lesson->named && port < CLIENT_FIRST ? LESSON_FIXED : LESSON_CLIENT;
    }
    if (!ranges_meet && port >= LESSON_RESERVED_FIRST && port <= LESSON_RESERVED_LAST &&
        all_take_reserved_ports(service)) {
        return LESSON_RESERVED;
    }
    return LESSON_FIXED;
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

int lesson_list_make(struct lesson_list *made, const struct tally *tally, const struct tally *connections)
{
    struct school school = {.tally = tally, .connections = connections, .made = made};
    int result = 0;

    *made = (struct lesson_list){0};
    client_range_set(made, &tally->host);
    /* A lopsided service has at most three parts; one more for the whole that is tried first. */
    made->list = calloc(tally->service_count * STACK_SCOPES + 1, sizeof *made->list);
    if (made->list == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < tally->service_count && result == 0; i++) {
        result = service_learn(&school, &tally->services[i]);
    }
    deadline_stage("asking the services database for names");
    for (size_t i = 0; i < made->count; i++) {
        lesson_name(made, &made->list[i]);
        made->list[i].habit = habit_of(made, &made->list[i]);
    }
    return result;
}

void lesson_list_clear(struct lesson_list *made)
{
    for (size_t i = 0; i < made->count; i++) {
        free(made->list[i].service.listeners);
    }
    free(made->list);
}
