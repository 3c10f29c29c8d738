/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The policy of this run, from the command line and its files.
 */
#include "config.h"

#include "policy_load.h"

#include "deadline.h"
#include "file.h"
#include "socket/protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any policy needs; a device or a log file given by mistake is not read to its end. */
#define POLICY_SIZE_MAX (16u << 20)

/* --- names ------------------------------------------------------------------------------------------------------- */

#define KIND_USER RECORD_PROTOCOLS /* beside those of services, which are their protocols */

/* What a name service said of a name. */
struct answer {
    int kind;
    bool known;
    uint32_t number; /* the port or the user id, if known */
    char name[];
};

static int answer_compare(const void *left, const void *right)
{
    const struct answer *a = left;
    const struct answer *b = right;

    return a->kind != b->kind ? a->kind - b->kind : strcmp(a->name, b->name);
}

static void service_ask(struct answer *answer)
{
    const struct servent *entry = getservbyname(answer->name, protocol_name((enum record_protocol)answer->kind));

    answer->number = entry != NULL ? ntohs((uint16_t)entry->s_port) : 0;
    answer->known = answer->number != 0;
}

static void user_ask(struct answer *answer)
{
    const struct passwd *user = getpwnam(answer->name);

    answer->known = user != NULL;
    answer->number = user != NULL ? (uint32_t)user->pw_uid : 0;
}

/* Asks the name service unless it has done so before. Without memory for the question the name is not known. */
static bool name_find(const char *name, int kind, uint32_t *number, struct policy_names *names)
{
    size_t size = strlen(name) + 1;
    struct answer *answer = malloc(sizeof *answer + size);
    struct answer **kept;
    bool known;

    if (answer == NULL) {
        return false;
    }
    answer->kind = kind;
    memcpy(answer->name, name, size);
    kept = tfind(answer, &names->answers, answer_compare);
    if (kept != NULL) {
        free(answer);
        answer = *kept;
    } else if (kind == KIND_USER) {
        user_ask(answer);
    } else {
        service_ask(answer);
    }
    known = answer->known;
    *number = answer->number;
    if (kept == NULL && tsearch(answer, &names->answers, answer_compare) == NULL) {
        free(answer);
    }
    return known;
}

static bool service_port_find(const char *name, enum record_protocol protocol, uint16_t *port, void *context)
{
    uint32_t number;
    bool known = name_find(name, (int)protocol, &number, context);

    if (known) {
        *port = (uint16_t)number;
    }
    return known;
}

static bool user_find(const char *name, uint32_t *uid, void *context)
{
    uint32_t number;
    bool known = name_find(name, KIND_USER, &number, context);

    if (known) {
        *uid = number;
    }
    return known;
}

void policy_names_clear(struct policy_names *names)
{
    while (names->answers != NULL) {
        struct answer *answer = *(struct answer **)names->answers;
        tdelete(answer, &names->answers, answer_compare);
        free(answer);
    }
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

/* A file without a rule is half written or the wrong one: judging nothing by it would be a false OK. */
static int file_add(struct policy *policy, const char *path)
{
    const char *name = file_name(path);
    size_t before = policy->rule_count + policy->errors.count;
    char error[FILE_ERROR_SIZE];
    char *bytes = NULL;
    size_t length = 0;
    int result = file_read(path, POLICY_SIZE_MAX, &bytes, &length, error);

    if (result == 0 && file_nul_line(bytes, length) > 0) {
        rule_errors_add(&policy->errors, name, "is not a text file: NUL byte in line %zu",
                        file_nul_line(bytes, length));
    } else if (result == 0) {
        result = policy_text_add(policy, bytes, length, name);
    } else if (result != -ENOMEM) {
        rule_errors_add(&policy->errors, name, "%s", error);
        result = 0;
    }
    if (result == 0 && policy->rule_count + policy->errors.count == before) {
        rule_errors_add(&policy->errors, name, "has no rules: write one per line, such as: 443 dual-stack");
    }
    free(bytes);
    return result;
}

static int rule_add(struct policy *policy, const struct options_rule *rule)
{
    size_t origin_size;
    char *origin;
    int result;

    if (rule->file == NULL) {
        return policy_rule_add(policy, rule->text, (unsigned)rule->place);
    }
    origin_size = strlen(rule->file) + sizeof ":18446744073709551615";
    origin = malloc(origin_size);
    if (origin == NULL) {
        return -ENOMEM;
    }
    snprintf(origin, origin_size, "%s:%zu", rule->file, rule->place);
    result = policy_option_add(policy, rule->text, origin);
    free(origin);
    return result;
}

int policy_load(const struct options *options, struct policy_names *names, struct policy **policy)
{
    struct policy *loaded;
    int result;

    /* The users in captures are those of the hosts they come from. */
    names->names = (struct rule_names){.port = service_port_find,
                                       .user = options->replay_count > 0 ? NULL : user_find,
                                       .context = names};
    names->answers = NULL;
    loaded = policy_create(&names->names);
    result = loaded != NULL ? 0 : -ENOMEM;
    deadline_stage("reading the policy");
    for (size_t i = 0; i < options->rule_count && result == 0; i++) {
        result = rule_add(loaded, &options->rules[i]);
    }
    for (size_t i = 0; i < options->policy_count && result == 0; i++) {
        result = file_add(loaded, options->policies[i]);
    }
    if (result == 0) {
        result = policy_finish(loaded);
    }
    if (result == 0 && loaded->errors.out_of_memory) {
        result = -ENOMEM;
    }
    if (result != 0) {
        policy_free(loaded);
        return result;
    }
    *policy = loaded;
    return 0;
}
