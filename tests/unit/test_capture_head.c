/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/capture/capture_head.c: whose a capture is, and of when.
 */
#include "config.h"

#include "audit/day.h"
#include "capture/capture_head.h"

#include "trial.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

#define TIME "\"time\":\"2026-11-22T00:00:00Z\""

static const struct {
    const char *bytes;
    int result;
    const char *host, *namespace;
} heads[] = {
    {"{" TIME ",\"host\":\"web1\",\"namespace\":null,\"listeners\":[", 0, "web1", ""},
    {"{\n" TIME " ,\n \"kernel\":5, \"namespace\":\"blue\",\"host\":\"a\\\"\\u00e4\" , \"x\":{", 0, "a\"\xc3\xa4",
     "blue"},
    /* Where other members come first, all has to be there. */
    {"{\"listeners\":[{}]," TIME ",\"namespace\":null,\"host\":\"web1\"}", 0, "web1", ""},
    {"{\"listeners\":[{}]," TIME ",\"namespace\":null,\"host\":\"web1\"", -EINVAL, "", ""},
    {"{" TIME ",\"host\":\"\",\"namespace\":null}", 0, "", ""},
    {"{" TIME ",\"host\":\"web1\"}", -EINVAL, "", ""},
    {"{" TIME ",\"host\":null,\"namespace\":null}", -EINVAL, "", ""},
    {"{\"time\":\"2026-11-22T00:00:61Z\",\"host\":\"web1\",\"namespace\":null}", -EINVAL, "", ""},
    {"{\"time\":1,\"host\":\"web1\",\"namespace\":null}", -EINVAL, "", ""},
    {"{" TIME ",\"host\":\"12345678901234567890123456789012345678901234567890123456789012345\",\"namespace\":null}",
     -EINVAL, "", ""},
    {"", -EINVAL, "", ""},
    {"{", -EINVAL, "", ""},
    {"[]", -EINVAL, "", ""},
    {"{\"a\"", -EINVAL, "", ""},
    {"{\"a\":", -EINVAL, "", ""},
    {"{1:2}", -EINVAL, "", ""},
    {"no capture", -EINVAL, "", ""},
};

START_TEST(head_is_read)
{
    struct capture_head head = {.time = 0};

    ck_assert_int_eq(capture_head_read(heads[_i].bytes, strlen(heads[_i].bytes), &head), heads[_i].result);
    if (heads[_i].result == 0) {
        ck_assert_str_eq(head.host, heads[_i].host);
        ck_assert_str_eq(head.namespace, heads[_i].namespace);
        ck_assert_int_eq(head.time, day_start(TRIAL_TODAY));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture_head");
    TCase *tcase = tcase_create("capture_head");

    tcase_add_loop_test(tcase, head_is_read, 0, UNIT_COUNT(heads));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
