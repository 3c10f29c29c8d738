/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The policy of this run, from the command line and its file.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any policy needs; a device or a log file given by mistake is not read to its end. */
#define POLICY_SIZE_MAX (16u << 20)

static bool service_port_find(const char *name, enum record_protocol protocol, uint16_t *port)
{
    const struct servent *entry = getservbyname(name, protocol_name(protocol));

    if (entry == NULL) {
        return false;
    }
    *port = ntohs((uint16_t)entry->s_port);
    return *port != 0;
}

static bool user_find(const char *name, uint32_t *uid)
{
    const struct passwd *user = getpwnam(name);

    if (user == NULL) {
        return false;
    }
    *uid = (uint32_t)user->pw_uid;
    return true;
}

static const struct rule_names host_names = {.port = service_port_find, .user = user_find};

/* The users of captures are those of the hosts they come from. */
static const struct rule_names capture_names = {.port = service_port_find};

static const char *file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static size_t line_of_nul(const char *bytes)
{
    size_t line = 1;

    for (; *bytes != '\0'; bytes++) {
        line += *bytes == '\n';
    }
    return line;
}

static int file_add(struct policy *policy, const char *path)
{
    const char *name = file_name(path);
    char error[FILE_ERROR_SIZE];
    char *bytes = NULL;
    size_t length = 0;
    int result = file_read(path, POLICY_SIZE_MAX, &bytes, &length, error);

    if (result == 0 && memchr(bytes, '\0', length) != NULL) {
        rule_errors_add(&policy->errors, name,
                        "is no text file, line %zu holds a NUL byte, and a policy has one rule a line",
                        line_of_nul(bytes));
    } else if (result == 0) {
        result = policy_text_add(policy, bytes, length, name);
    } else if (result != -ENOMEM) {
        rule_errors_add(&policy->errors, name, "%s", error);
        result = 0;
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

int policy_load(const struct options *options, struct policy **policy)
{
    struct policy *loaded = policy_create(options->replay_count > 0 ? &capture_names : &host_names);
    int result = loaded != NULL ? 0 : -ENOMEM;

    deadline_stage("reading the policy");
    for (size_t i = 0; i < options->rule_count && result == 0; i++) {
        result = rule_add(loaded, &options->rules[i]);
    }
    if (options->policy != NULL && result == 0) {
        result = file_add(loaded, options->policy);
    }
    if (result == 0 && options->policy != NULL && loaded->rule_count == 0 && loaded->errors.count == 0) {
        /* Half written or the wrong file: to judge nothing by it would be a false OK. */
        rule_errors_add(&loaded->errors, file_name(options->policy),
                        "has no rules, write one a line, such as: 443 dual-stack");
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
