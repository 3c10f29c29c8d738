/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Fuzzes the policy: any bytes are rules with errors that have their place, or rules that judge without harm.
 */
#include "config.h"

#include "audit/policy.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static bool port_find(const char *name, enum record_protocol protocol, uint16_t *port, void *context)
{
    (void)context;
    *port = (uint16_t)(strlen(name) * 7 + (size_t)protocol + 1);
    return name[0] == 'h';
}

static bool user_find(const char *name, uint32_t *uid, void *context)
{
    (void)context;
    *uid = (uint32_t)strlen(name);
    return name[0] == 'r';
}

static const struct rule_names names = {.port = port_find, .user = user_find};

static void errors_check(const struct policy *policy)
{
    for (size_t i = 0; i < policy->errors.count; i++) {
        FUZZ_REQUIRE(strncmp(policy->errors.text[i], "p:", 2) == 0 ||
                     strncmp(policy->errors.text[i], "--rule 1: ", 10) == 0);
    }
}

/* Whatever rule is found must be one that takes the port and the scope. */
static void rules_check(const struct policy *policy)
{
    const struct sock_host host = {.port_range_first = 32768, .port_range_last = 60999};
    static const uint16_t ports[] = {1, 22, 80, 443, 8000, 40000, 65535};

    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        for (int place = 0; place < RECORD_PROTOCOLS * SCOPES; place++) {
            enum record_protocol protocol = (enum record_protocol)(place % RECORD_PROTOCOLS);
            enum scope scope = (enum scope)(place / RECORD_PROTOCOLS);
            const struct rule *rule = policy_find(policy, &host, protocol, ports[i], scope);
            if (rule != NULL) {
                FUZZ_REQUIRE(rule->protocol == RULE_ANY_PROTOCOL || rule->protocol == (int)protocol);
                FUZZ_REQUIRE(rule->scope == RULE_ANY_SCOPE || rule->scope == (int)scope);
                FUZZ_REQUIRE(rule->is_default || rule_ports_find(rule, ports[i]) != NULL);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy *policy = policy_create(&names);
    char *first = malloc(size + 1);
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t length = newline != NULL ? (size_t)(newline - data) : size;

    memcpy(first, data, length);
    first[length] = '\0';
    FUZZ_REQUIRE(policy_text_add(policy, (const char *)data, size, "p") == 0);
    FUZZ_REQUIRE(policy_rule_add(policy, first, 1) == 0);
    FUZZ_REQUIRE(policy_finish(policy) == 0);
    errors_check(policy);
    if (policy->errors.count == 0) {
        rules_check(policy);
    }
    free(first);
    policy_free(policy);
    return 0;
}
