/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/socket/netns_list.c: what namespaces are called, and that this one is among them. The rest is in
 * tests/netns/test_netns_all.py, and in test_netns.c.
 */
#include "config.h"

#include "socket/netns_list.h"

#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
    const char *cgroup;
    const char *name;
} names[] = {
    {"/system.slice/docker-" ID ".scope", "docker-0123456789ab"},
    {"/docker/" ID, "0123456789ab"},
    {"/machine.slice/libpod-" ID ".scope/container", "libpod-0123456789ab"},
    {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope", "libpod-0123456789ab"},
    {"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", "cri-containerd-0123456789ab"},
    {"/kubepods/burstable/pod6b1f/" ID, "0123456789ab"},
    {"/system.slice/docker-" ID ".scope/system.slice/nginx.service", "docker-0123456789ab"},
    {"/lxc.payload.web/system.slice/nginx.service", "web"},
    {"/machine.slice/systemd-nspawn@db.service/payload", "db"},
    {"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "qemu\\x2d1\\x2dvm"},
    {"/system.slice/nginx.service", "nginx.service"},
    {"/user.slice/user-0.slice/session-3.scope", "session-3.scope"},
    {"/system.slice", "system.slice"},
    /* of neither */
    {"", ""},
    {"/", ""},
    {"/some/folder", ""},
    {"/docker/0123456789abcdef", ""},
    {"/docker/x123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", ""},
    {"/lxc.payload.", ""},
    {"/" X60 X60 "-" ID, ""},
    {"//" ID "//", "0123456789ab"},
};

START_TEST(container_or_unit)
{
    char name[NETNS_LIST_NAME_SIZE];

    ck_assert_str_eq(netns_list_cgroup_name(name, names[_i].cgroup), names[_i].name);
}
END_TEST

START_TEST(this_one_is_there_once)
{
    struct netns_list list = {.count = 0};
    struct fault fault;
    struct stat self;
    int found = 0;

    ck_assert_int_eq(stat("/proc/self/ns/net", &self), 0);
    ck_assert_int_eq(netns_list_read(&list, &fault), 0);
    for (size_t i = 0; i < list.count; i++) {
        const struct netns_entry *entry = &list.entries[i];
        ck_assert_str_ne(entry->name, "");
        ck_assert(i == 0 || strcmp(entry->name, list.entries[i - 1].name) != 0);
        if (entry->id == self.st_ino && !entry->is_hidden) {
            found++;
            /* Nothing is to be entered for it, so it takes no privilege. */
            ck_assert_int_eq(netns_list_enter(entry, &fault), 0);
            ck_assert_uint_le(entry->pid, (unsigned long)getpid());
        }
    }
    ck_assert_int_eq(found, 1);
    netns_list_clear(&list);
    ck_assert_ptr_null(list.entries);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netns_list");
    TCase *lists = tcase_create("lists");

    tcase_add_loop_test(lists, container_or_unit, 0, UNIT_COUNT(names));
    tcase_add_test(lists, this_one_is_there_once);
    suite_add_tcase(suite, lists);
    return unit_run(suite);
}
