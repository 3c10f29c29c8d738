/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --learn: a policy that is OK on this host now. What is written is judged before it is shown, so a policy that would
 * not hold is never printed.
 */
#include "config.h"

#include "learn.h"

#include "deadline.h"
#include "lesson.h"
#include "owners.h"
#include "plugin/escape.h"
#include "tell_json.h"
#include "tell_text.h"
#include "words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many listeners of one service, and of ports that are not frozen, are told one by one. */
#define LISTENERS_TOLD 8
#define PORTS_TOLD 20

#define DAY_SECONDS 86400

struct learner {
    const struct options *options;
    const struct policy *policy; /* without rules */
    struct look *look;           /* listeners alone: what a connection proves ends with it */
    struct look *connections;    /* for the comments */
    struct lesson_list lessons;
    FILE *out;
};

/* The ports that are not frozen, by why. */
static const struct section {
    enum record_protocol protocol;
    enum lesson_habit habit;
} sections[] = {
    {RECORD_TCP, LESSON_CLIENT},
    {RECORD_UDP, LESSON_CLIENT},
    {RECORD_TCP, LESSON_RESERVED},
    {RECORD_UDP, LESSON_RESERVED},
};
#define SECTIONS (sizeof sections / sizeof *sections)

static const struct tally *tally_of(const struct learner *learner)
{
    return learner->look->tally;
}

/* --- the looks --------------------------------------------------------------------------------------------------- */

static int looks_take(struct learner *learner)
{
    struct look_request request = {
        .options = learner->options,
        .policy = learner->policy,
        .depth = LOOK_LISTENERS,
        .every_protocol = true,
    };
    int result = look_take(&request, &learner->look);

    if (result == 0) {
        result = owners_find(learner->look);
    }
    if (result == 0) {
        request.depth = LOOK_MAPPED_JUDGED;
        result = look_take(&request, &learner->connections);
    }
    return result;
}

/* --- the policy's text ------------------------------------------------------------------------------------------- */

/* One line of a comment; whatever a host calls its users and units stays within it. */
static void comment_write(const struct learner *learner, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void comment_write(const struct learner *learner, const char *format, ...)
{
    char text[WORDS_SIZE * 2];
    char harmless[ESCAPE_SIZE(sizeof text)];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    escape_copy(harmless, sizeof harmless, text, strlen(text), ESCAPE_TEXT);
    fprintf(learner->out, "# %s\n", harmless);
}

/* Is it there under the same name after the next start, and a word of systemd's alphabet? */
static bool unit_is_lasting(const char *unit)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.@\\";
    static const char *const passing[] = {"user@", "run-", "dbus-:"};
    static const char *const suffixes[] = {".service", ".socket", NULL};
    size_t length = strlen(unit);
    size_t hex = 0;
    bool lasting = false;

    for (size_t i = 0; suffixes[i] != NULL; i++) {
        size_t size = strlen(suffixes[i]);
        lasting |= length > size && strcmp(unit + length - size, suffixes[i]) == 0;
    }
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        lasting = lasting && strncmp(unit, passing[i], strlen(passing[i])) != 0;
    }
    for (const char *c = unit; *c != '\0'; c++) {
        hex = strchr("0123456789abcdef", *c) != NULL ? hex + 1 : 0;
        lasting = lasting && hex < 12;
    }
    return strspn(unit, alphabet) == length && (lasting || strcmp(unit, "init.scope") == 0);
}

/* The unit that all these listeners belong to, when it can stand in a rule; else NULL, and *why is NULL where they have
 * none. */
static const char *common_unit(const struct judge_service *service, const char **why)
{
    const char *unit = NULL;

    *why = NULL;
    for (size_t i = 0; i < service->listener_count; i++) {
        const struct tally_listener *listener = service->listeners[i];
        if (listener->unit_state != TALLY_UNIT_KNOWN || *listener->unit == '/') {
            return NULL;
        }
        if (!unit_is_lasting(listener->unit)) {
            *why = "its unit may be another one after the next start";
            return NULL;
        }
        if (unit != NULL && strcmp(unit, listener->unit) != 0) {
            *why = "several units share the port";
            return NULL;
        }
        unit = listener->unit;
    }
    return unit;
}

static void unit_write(const struct learner *learner, const struct judge_service *service)
{
    const char *why;
    const char *unit = common_unit(service, &why);

    if (unit == NULL) {
        return;
    }
    fputs(" unit=", learner->out);
    for (const char *c = unit; *c != '\0'; c++) {
        /* The pattern that matches a backslash ("\x2d" in systemd's names). */
        fputs(*c == '\\' ? "\\" : "", learner->out);
        fputc(*c, learner->out);
    }
}

/* What is bound to loopback or the link alone is to stay there. */
static void bind_write(const struct learner *learner, const struct judge_service *service)
{
    bool found[STACK_SCOPES] = {false};

    for (size_t i = 0; i < service->listener_count; i++) {
        found[service->listeners[i]->scope] = true;
    }
    if (!found[STACK_EXTERNAL]) {
        fprintf(learner->out, " bind=%s%s%s", found[STACK_LOOPBACK] ? "loopback" : "",
                found[STACK_LOOPBACK] && found[STACK_LINK] ? "," : "", found[STACK_LINK] ? "link" : "");
    }
}

/* The strictest that holds however the unknown is. */
static enum rule_requirement requirement_of(const struct learner *learner, const struct judge_service *service)
{
    static const enum rule_requirement exact[] = {
        [STACK_CLOSED] = RULE_ANY,      [STACK_V4_ONLY] = RULE_V4_ONLY, [STACK_V6_ONLY] = RULE_V6_ONLY,
        [STACK_DUAL] = RULE_DUAL_STACK, [STACK_UNKNOWN] = RULE_V6,
    };

    /* An unknown [::] is v6-only or dual-stack; without IPv6 it is closed or v4-only. */
    if (service->stack.kind == STACK_UNKNOWN && tally_of(learner)->host.ipv6 != RECORD_YES) {
        return RULE_ANY;
    }
    return exact[service->stack.kind];
}

static void rule_write(const struct learner *learner, const struct lesson *lesson)
{
    const struct judge_service *service = &lesson->service;
    enum rule_requirement requirement = requirement_of(learner, service);
    bool scoped = lesson->scope != RULE_ANY_SCOPE;
    char subject[32];

    snprintf(subject, sizeof subject, "%u%s%s%s", (unsigned)service->port,
             service->protocol == RECORD_UDP ? "/udp" : "", scoped ? "@" : "",
             scoped ? stack_scope_name((enum stack_scope)lesson->scope) : "");
    fprintf(learner->out, "%-16s %s%s%s", subject, rule_requirement_name(requirement), lesson->named ? " name=" : "",
            lesson->named ? lesson->name : "");
    if (!scoped) {
        bind_write(learner, service);
    }
    unit_write(learner, service);
    fputc('\n', learner->out);
}

static void listener_write(const struct learner *learner, const struct judge_service *service,
                           const struct tally_listener *listener)
{
    static const char *const unknown_unit[] = {
        [TALLY_UNIT_NOT_ASKED] = "unit not known",
        [TALLY_UNIT_KNOWN] = "no unit",
        [TALLY_UNIT_GONE] = "its unit is gone",
        [TALLY_UNIT_UNTOLD] = "unit not known",
    };
    bool known = listener->unit_state == TALLY_UNIT_KNOWN && strcmp(listener->unit, "/") != 0;
    char endpoint[WORDS_SIZE], user[32], sockets[48] = "";

    snprintf(user, sizeof user, "%lu", (unsigned long)listener->uid);
    if (listener->sockets > 1) {
        snprintf(sockets, sizeof sockets, ", %lu sockets", (unsigned long)listener->sockets);
    }
    comment_write(learner, "  %s accepts %s, user %.64s, %s%.255s%s", words_endpoint(endpoint, service, listener),
                  words_accepts(tally_accepts(tally_of(learner), listener)),
                  listener->user != NULL ? listener->user : user,
                  !known                   ? unknown_unit[listener->unit_state]
                  : *listener->unit == '/' ? "cgroup "
                                           : "unit ",
                  known ? listener->unit : "", sockets);
}

/* What is to be known of this very rule. */
static void remarks_write(const struct learner *learner, const struct lesson *lesson)
{
    const struct judge_service *service = &lesson->service;
    const char *why;

    if (service->stack.kind == STACK_UNKNOWN) {
        comment_write(learner, "  Without v6only it cannot be told whether [::] takes IPv4 too. %s holds either way.",
                      rule_requirement_name(requirement_of(learner, service)));
    }
    if (service->stack.kind == STACK_CLOSED) {
        comment_write(learner, "  This host has no IPv6 address, so nothing arrives there today.");
    }
    if (lesson->scope != RULE_ANY_SCOPE) {
        comment_write(learner, "  Another family reaches as far as another scope, so each scope has a rule.");
    }
    if (common_unit(service, &why) == NULL && why != NULL) {
        comment_write(learner, "  No unit=, as %s.", why);
    }
}

static void seen_write(const struct learner *learner, const struct lesson *lesson)
{
    const struct judge_service *service = &lesson->service;
    const char *form = stack_form_name(service->stack.form);
    unsigned long long mapped = service->connections[TALLY_MAPPED];
    char connections[64] = "";

    if (mapped > 0) {
        snprintf(connections, sizeof connections, ", %llu v4-mapped connection%s now", mapped, mapped == 1 ? "" : "s");
    }
    comment_write(learner, "%u/%s is %s%s%s%s%s", (unsigned)service->port, record_protocol_name(service->protocol),
                  stack_kind_name(service->stack.kind), form != NULL ? " (" : "", form != NULL ? form : "",
                  form != NULL ? ")" : "", connections);
    for (size_t i = 0; i < service->listener_count && i < LISTENERS_TOLD; i++) {
        listener_write(learner, service, service->listeners[i]);
    }
    if (service->listener_count > LISTENERS_TOLD) {
        comment_write(learner, "  ... and %zu more", service->listener_count - LISTENERS_TOLD);
    }
    remarks_write(learner, lesson);
}

static void heading_write(const struct learner *learner)
{
    const struct look *look = learner->look;
    const char *host = look->tally->host.name;
    char when[sizeof "-2147483648-12-31 23:59 UTC"] = "";
    struct tm fields;

    if (gmtime_r(&look->time, &fields) == NULL || strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &fields) == 0) {
        *when = '\0';
    }
    comment_write(learner, "Policy for check_dualstack, learned by version " PACKAGE_VERSION " on %s%s%s, %s.",
                  *host != '\0' ? host : "a host of unknown name", look->namespace[0] != '\0' ? " in namespace " : "",
                  look->namespace, when);
    if (look->remark[0] != '\0') {
        comment_write(learner, "It was %s.", look->remark);
    }
    comment_write(learner,
                  "It holds on that host as it was then: it says what is, not what should be. Read each rule,");
    comment_write(learner, "and enforce what is left with: check_dualstack --policy=FILE");
}

/* --- ports that are not frozen ------------------------------------------------------------------------------------ */

static bool is_of(const struct section *section, const struct lesson *lesson)
{
    return lesson->habit == section->habit && lesson->service.protocol == section->protocol;
}

/* All listeners of the section as one service, so that one rule can be written for them. The list is the caller's. */
static int section_gather(const struct learner *learner, const struct section *section, struct judge_service *all,
                          size_t *lessons)
{
    size_t room = 1;

    *all = (struct judge_service){.protocol = section->protocol};
    *lessons = 0;
    for (size_t i = 0; i < learner->lessons.count; i++) {
        room += learner->lessons.list[i].service.listener_count;
    }
    all->listeners = calloc(room, sizeof(const struct tally_listener *));
    if (all->listeners == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < learner->lessons.count; i++) {
        const struct judge_service *service = &learner->lessons.list[i].service;
        if (is_of(section, &learner->lessons.list[i])) {
            for (size_t j = 0; j < service->listener_count; j++) {
                all->listeners[all->listener_count++] = service->listeners[j];
            }
            ++*lessons;
        }
    }
    return 0;
}

static void section_explain(const struct learner *learner, const struct section *section, unsigned first, unsigned last)
{
    const char *source =
        learner->lessons.client_known ? "net.ipv4.ip_local_port_range" : "Linux's own range, this host's is unknown";

    if (section->habit == LESSON_RESERVED) {
        comment_write(learner, "RPC daemons take any free port of %u-%u/%s at each start.", first, last,
                      record_protocol_name(section->protocol));
    } else {
        comment_write(learner, "The kernel hands out %u-%u/%s to who names no port (%s):", first, last,
                      record_protocol_name(section->protocol), source);
        comment_write(learner, "what is there may be elsewhere after the next start.");
    }
    comment_write(learner, "Each is pointed out, not frozen. Take the # from the rule of one that is fixed.");
}

static void section_ports_write(const struct learner *learner, const struct section *section, size_t lessons)
{
    size_t told = 0;

    for (size_t i = 0; i < learner->lessons.count && told < PORTS_TOLD; i++) {
        if (is_of(section, &learner->lessons.list[i])) {
            seen_write(learner, &learner->lessons.list[i]);
            fputc('#', learner->out);
            rule_write(learner, &learner->lessons.list[i]);
            told++;
        }
    }
    if (lessons > told) {
        comment_write(learner, "... and %zu more ports", lessons - told);
    }
}

/* What keeps the default from judging them. UDP ports that the kernel hands out it leaves alone anyway. */
static void section_rule_write(const struct learner *learner, const struct section *section,
                               const struct judge_service *all, unsigned first, unsigned last)
{
    char subject[32];

    if (section->habit == LESSON_CLIENT && section->protocol == RECORD_UDP && learner->lessons.client_known) {
        comment_write(learner, "Nothing else judges UDP ports of this range: clients come and go there.");
        return;
    }
    comment_write(learner, "Until then this rule lets such listeners be; a narrower one would be better:");
    snprintf(subject, sizeof subject, "%u-%u%s", first, last, section->protocol == RECORD_UDP ? "/udp" : "");
    fprintf(learner->out, "%-16s any missing=ok severity=warning name=%s", subject,
            lesson_habit_name(section->habit, section->protocol));
    bind_write(learner, all);
    unit_write(learner, all);
    fputc('\n', learner->out);
}

static int section_write(const struct learner *learner, const struct section *section)
{
    bool reserved = section->habit == LESSON_RESERVED;
    unsigned first = reserved ? LESSON_RESERVED_FIRST : learner->lessons.client_first;
    unsigned last = reserved ? LESSON_RESERVED_LAST : learner->lessons.client_last;
    struct judge_service all;
    size_t lessons;
    int result = section_gather(learner, section, &all, &lessons);

    if (result == 0 && lessons > 0) {
        fputc('\n', learner->out);
        section_explain(learner, section, first, last);
        section_ports_write(learner, section, lessons);
        section_rule_write(learner, section, &all, first, last);
    }
    free(all.listeners);
    return result;
}

static int policy_write(const struct learner *learner)
{
    int result = 0;

    heading_write(learner);
    for (size_t i = 0; i < learner->lessons.count; i++) {
        if (learner->lessons.list[i].habit == LESSON_FIXED) {
            fputc('\n', learner->out);
            seen_write(learner, &learner->lessons.list[i]);
            rule_write(learner, &learner->lessons.list[i]);
        }
    }
    for (size_t i = 0; i < SECTIONS && result == 0; i++) {
        result = section_write(learner, &sections[i]);
    }
    fputc('\n', learner->out);
    comment_write(learner, "Whatever else listens was not there.");
    fprintf(learner->out, "%-16s closed severity=warning\n", "default");
    return result;
}

static int policy_render(struct learner *learner, struct answer *answer)
{
    int result;

    learner->out = open_memstream(&answer->text, &answer->length);
    if (learner->out == NULL) {
        return -ENOMEM;
    }
    result = policy_write(learner);
    if (ferror(learner->out) != 0) {
        result = -ENOMEM;
    }
    return fclose(learner->out) == 0 ? result : -ENOMEM;
}

/* --- does it hold? ----------------------------------------------------------------------------------------------- */

static void finding_format(char sentence[static WORDS_SIZE], const struct learner *learner,
                           const struct judge_verdict *verdict)
{
    char finding[WORDS_SIZE];

    for (size_t i = 0; i < verdict->service_count; i++) {
        if (verdict->services[i].state != STATE_OK) {
            snprintf(sentence, WORDS_SIZE, "no policy is sure to hold on this host: %.400s",
                     words_finding(finding, &verdict->services[i], tally_of(learner)));
            return;
        }
    }
}

static int written_judge(const struct learner *learner, const struct policy *written, char sentence[static WORDS_SIZE])
{
    struct judge_question question = {
        .policy = written,
        .tally = tally_of(learner),
        .today = (int32_t)(learner->look->time / DAY_SECONDS),
    };
    struct judge_verdict *verdict = NULL;
    int result;

    if (written->errors.count > 0) {
        snprintf(sentence, WORDS_SIZE, "no policy can be written for this host: %.400s", written->errors.text[0]);
        return 0;
    }
    result = judge(&question, &verdict);
    if (result == 0) {
        finding_format(sentence, learner, verdict);
        judge_free(verdict);
    }
    return result;
}

/* Judges the host by what was written; `sentence` stays empty when it holds. */
static int written_prove(const struct learner *learner, const struct answer *answer, char sentence[static WORDS_SIZE])
{
    struct policy *written = policy_create(learner->policy->names);
    int result = written != NULL ? 0 : -ENOMEM;

    *sentence = '\0';
    deadline_stage("judging by the policy learned");
    if (result == 0) {
        result = policy_text_add(written, answer->text, answer->length, "learned policy");
    }
    if (result == 0) {
        result = policy_finish(written);
    }
    if (result == 0) {
        result = written_judge(learner, written, sentence);
    }
    policy_free(written);
    return result;
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

static int fail(const struct options *options, const char *const *sentences, size_t count, struct answer *answer)
{
    answer->state = STATE_UNKNOWN;
    return options->json ? tell_json_failure(STATE_UNKNOWN, sentences, count, &answer->text, &answer->length)
                         : tell_text_failure(STATE_UNKNOWN, sentences, count, NULL, &answer->text, &answer->length);
}

/* Why the host could not be read whole: returns how many sentences. They live as long as the looks. */
static size_t faults_list(const struct learner *learner, const char *sentences[static RECORD_PROTOCOLS + 1])
{
    const struct look *looks[2] = {learner->look, learner->connections};
    size_t count = 0;

    for (size_t i = 0; i < 2 && count == 0; i++) {
        for (int protocol = 0; protocol < RECORD_PROTOCOLS; protocol++) {
            if (looks[i]->tally->unreadable[protocol][0] != '\0') {
                sentences[count++] = looks[i]->tally->unreadable[protocol];
            }
        }
        if (looks[i]->fault[0] != '\0') {
            sentences[count++] = looks[i]->fault;
        }
    }
    return count;
}

static int learned_answer(struct learner *learner, struct answer *answer)
{
    char sentence[WORDS_SIZE];
    const char *sentences[] = {sentence};
    int result = lesson_list_make(&learner->lessons, tally_of(learner), learner->connections->tally);

    if (result == 0) {
        result = policy_render(learner, answer);
    }
    if (result == 0) {
        result = written_prove(learner, answer, sentence);
    }
    if (result == 0 && *sentence != '\0') {
        free(answer->text);
        answer->text = NULL;
        result = fail(learner->options, sentences, 1, answer);
    }
    return result;
}

int learn_run(const struct options *options, const struct policy *policy, struct answer *answer)
{
    static const char *const rules_given[] = {"--learn writes a new policy, so it goes without --rule and --policy"};
    struct learner learner = {.options = options, .policy = policy};
    const char *sentences[RECORD_PROTOCOLS + 1];
    size_t faults;
    int result;

    if (options->rule_count > 0 || options->policy != NULL) {
        return fail(options, rules_given, 1, answer);
    }
    answer->state = STATE_OK;
    result = looks_take(&learner);
    if (result == 0) {
        faults = faults_list(&learner, sentences);
        result = faults > 0 ? fail(options, sentences, faults, answer) : learned_answer(&learner, answer);
    }
    lesson_list_clear(&learner.lessons);
    look_free(learner.look);
    look_free(learner.connections);
    return result;
}
