/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/change_wording.c: a row for each kind of change, in few words and in many.
 */
#include "config.h"

#include "render/change_wording.h"

#include "trial.h"
#include "unit.h"

#include <string.h>

#define TIME ((time_t)1795338062) /* 2026-11-22T09:01:02Z */

struct comparison {
    struct trial *trial;
    struct tally *before;
};

static void comparison_begin(struct comparison *comparison, const char *before, const char *after)
{
    comparison->trial = trial_begin("", after);
    comparison->before = trial_tally(before);
    comparison->trial->question.compares = true;
    comparison->trial->question.baseline = comparison->before;
    trial_judge(comparison->trial);
}

static void comparison_end(struct comparison *comparison)
{
    trial_end(comparison->trial);
    tally_free(comparison->before);
}

static const struct {
    const char *before;
    const char *after;
    const char *brief;
    const char *expected; /* NULL: as brief */
} sentences[] = {
    {"", "8080=::+tomcat.service", "8080/tcp appeared", "8080/tcp appeared: dual-stack on [::]:8080 (tomcat.service)"},
    {"", "u53=192.0.2.9^!1:a", "53/udp appeared", "53/udp appeared: reached from nowhere on 192.0.2.9:53 (user a)"},
    {"443=0.0.0.0!0:root 443=::/6!0:root", "", "443/tcp is gone",
     "443/tcp is gone, was dual-stack on 0.0.0.0:443 (user root), [::]:443 (user root)"},
    {"1=127.0.0.1!0:a 1=127.0.0.2!0:a 1=127.0.0.3!0:a 1=127.0.0.4!0:a", "", "1/tcp is gone",
     "1/tcp is gone, was v4-only on 127.0.0.1:1 (user a), 127.0.0.2:1 (user a), 127.0.0.3:1 (user a) and 1 more"},
    {"443=0.0.0.0+a.service 443=::/6+a.service", "443=0.0.0.0+a.service", "443/tcp is v4-only, was dual-stack",
     "443/tcp is v4-only, was dual-stack: no longer on [::]:443 (a.service)"},
    {"443=::", "443=::/6", "443/tcp is v6-only, was dual-stack",
     "443/tcp is v6-only, was dual-stack: IPV6_V6ONLY is on for [::]:443, was off"},
    {"443=192.0.2.9", "443=192.0.2.9^", "443/tcp is reached from nowhere, was v4-only",
     "443/tcp is reached from nowhere, was v4-only"},
    {"443=0.0.0.0+a.service", "443=::/?+a.service", "443/tcp is of unknown stack, was v4-only",
     "443/tcp is of unknown stack, was v4-only: now on [::]:443 (a.service), no longer on 0.0.0.0:443 (a.service)"},
    {"443=127.0.0.1+a.service", "443=0.0.0.0+a.service",
     "443/tcp is reached over IPv4 from everywhere, previously from this host alone",
     "443/tcp is reached over IPv4 from everywhere, previously from this host alone: now on 0.0.0.0:443 (a.service), "
     "no "
     "longer on 127.0.0.1:443 (a.service)"},
    {"443=:: ipv4:link ipv6:link", "443=:: ipv4:loopback ipv6:loopback",
     "443/tcp is reached over IPv4 from this host alone, previously from the link, reached over IPv6 from this host "
     "alone, "
     "previously from the link",
     "443/tcp is reached over IPv4 from this host alone, previously from the link, reached over IPv6 from this host "
     "alone, "
     "previously from the link"},
    {"443=0.0.0.0 443=::/6", "443=0.0.0.0 443=::", "443/tcp changed: form mixed, was split",
     "443/tcp changed: form mixed, was split, IPV6_V6ONLY is off for [::]:443, was on"},
    {"80=0.0.0.0%eth0!0:root", "80=0.0.0.0!0:root",
     "80/tcp changed: now on 0.0.0.0:80 (user root), no longer on 0.0.0.0%eth0:80 (user root)",
     "80/tcp changed: now on 0.0.0.0:80 (user root), no longer on 0.0.0.0%eth0:80 (user root)"},
    {"80=:: 80=::/6", "80=::", "80/tcp changed: IPV6_V6ONLY is no longer on for [::]:80",
     "80/tcp changed: IPV6_V6ONLY is no longer on for [::]:80"},
    {"80=::+a.service", "80=::+b.service", "80/tcp changed: [::]:80 belongs to b.service, no longer to a.service",
     "80/tcp changed: [::]:80 belongs to b.service, no longer to a.service"},
    {"80=::+a.service", "80=::+/", "80/tcp changed: [::]:80 belongs to cgroup /, no longer to a.service",
     "80/tcp changed: [::]:80 belongs to cgroup /, no longer to a.service"},
    {"80=::+/lxc/web", "80=::+/lxc/db",
     "80/tcp changed: [::]:80 belongs to cgroup /lxc/db, no longer to cgroup /lxc/web",
     "80/tcp changed: [::]:80 belongs to cgroup /lxc/db, no longer to cgroup /lxc/web"},
    {"80=::+a.service", "80=::+a.service 80=::+b.service", "80/tcp changed: [::]:80 belongs to b.service too",
     "80/tcp changed: [::]:80 belongs to b.service too"},
    {"80=::+a.service 80=::+b.service", "80=::+a.service", "80/tcp changed: [::]:80 no longer belongs to b.service",
     "80/tcp changed: [::]:80 no longer belongs to b.service"},
    {"80=::!33:www-data+a.service", "80=::!7+a.service",
     "80/tcp changed: [::]:80 belongs to user 7, no longer to user www-data",
     "80/tcp changed: [::]:80 belongs to user 7, no longer to user www-data"},
    {"80=::", "80=::/?", "80/tcp cannot be compared: IPV6_V6ONLY is not visible now", NULL},
    {"80=::/?", "80=::/?", "80/tcp cannot be compared: IPV6_V6ONLY is not visible in either", NULL},
    {"80=::+?", "80=::+a.service", "80/tcp cannot be compared: its unit is not visible in the baseline", NULL},
    {"80=::!33+?", "80=::!4294967295+a.service",
     "80/tcp cannot be compared: its unit is not visible in the baseline, its user is not visible now", NULL},
    {"80=0.0.0.0%eth0", "80=0.0.0.0 interfaces?",
     "80/tcp cannot be compared: the interface it is bound to is not visible now", NULL},
    {"u4000=:: clients?", "clients?",
     "4000/udp cannot be compared: net.ipv4.ip_local_port_range, which says whether the port is a client's, is not "
     "visible in the baseline",
     NULL},
};

START_TEST(says_what_changed)
{
    struct comparison comparison;
    const struct change_list *list;
    char bytes[1024];
    struct text_buffer text;

    comparison_begin(&comparison, sentences[_i].before, sentences[_i].after);
    list = comparison.trial->verdict->changes;
    ck_assert_uint_eq(list->count, 1);
    text = TEXT_BUFFER(bytes);
    change_wording_add_brief(&text, &list->changes[0], list);
    ck_assert_str_eq(bytes, sentences[_i].brief);
    text = TEXT_BUFFER(bytes);
    change_wording_add(&text, &list->changes[0], list);
    ck_assert_str_eq(bytes, sentences[_i].expected != NULL ? sentences[_i].expected : sentences[_i].brief);
    comparison_end(&comparison);
}
END_TEST

static const struct {
    const char *before;
    const char *after;
    const char *expected;
} summaries[] = {
    {"443=::", "443=::", "no change since 2026-11-22T09:01:02Z"},
    {"443=::", "", "1 change since 2026-11-22T09:01:02Z"},
    {"443=::", "80=::", "2 changes since 2026-11-22T09:01:02Z"},
    {"443=:: 80=::", "443=::/? 80=::/6", "1 change since 2026-11-22T09:01:02Z"},
    {"443=:: 80=::", "443=::/? 80=::/?", "2 services cannot be compared since 2026-11-22T09:01:02Z"},
    {"443=::", "noudp 443=::", "no change since 2026-11-22T09:01:02Z, UDP cannot be compared"},
    {"notcp", "noudp", "nothing can be compared since 2026-11-22T09:01:02Z, TCP and UDP cannot be compared"},
};

START_TEST(sums_up)
{
    struct comparison comparison;
    char bytes[512];
    struct text_buffer text = TEXT_BUFFER(bytes);

    comparison_begin(&comparison, summaries[_i].before, summaries[_i].after);
    change_wording_add_summary(&text, comparison.trial->verdict->changes, TIME);
    ck_assert_str_eq(bytes, summaries[_i].expected);
    comparison_end(&comparison);
}
END_TEST

START_TEST(says_what_cannot_be_read)
{
    struct comparison comparison;
    char bytes[512];
    struct text_buffer text = TEXT_BUFFER(bytes);

    comparison_begin(&comparison, "notcp", "noudp");
    change_wording_add_unreadable(&text, comparison.trial->verdict->changes, RECORD_TCP);
    ck_assert_str_eq(bytes, "TCP cannot be compared, the baseline could not read it: refused");
    text = TEXT_BUFFER(bytes);
    change_wording_add_unreadable(&text, comparison.trial->verdict->changes, RECORD_UDP);
    ck_assert_str_eq(bytes, "UDP cannot be compared, as it cannot be read");
    comparison_end(&comparison);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("change_wording");
    TCase *tests = tcase_create("change_wording");

    tcase_add_loop_test(tests, says_what_changed, 0, UNIT_COUNT(sentences));
    tcase_add_loop_test(tests, sums_up, 0, UNIT_COUNT(summaries));
    tcase_add_test(tests, says_what_cannot_be_read);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
