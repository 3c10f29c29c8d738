/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/audit/suggest_unit.c: units and cgroups as systemd, logind, libvirt, Docker, Podman, Kubernetes and LXC call
 * them, the pattern that is learned, and what the same thing is called after the next start.
 */
#include "config.h"

#include "audit/suggest_unit.h"
#include "socket/cgroup.h"

#include "unit.h"

#include <fnmatch.h>
#include <string.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UUID "8d9fd3c3-0f6c-4d4e-9c1b-a1b2c3d4e5f6"

static const struct {
    const char *path; /* below the cgroup2 mount */
    enum suggest_unit_kind kind;
    const char *pattern;
    const char *later; /* the path after the next start, which the pattern fits too; NULL: the same */
    const char *other; /* the path of another thing, which it does not fit; NULL for none */
} cgroups[] = {
    /* What keeps its name. */
    {"/system.slice/nginx.service", SUGGEST_UNIT_LASTING, "nginx.service", NULL, "/system.slice/apache2.service"},
    {"/system.slice/ssh.socket", SUGGEST_UNIT_LASTING, "ssh.socket", NULL, NULL},
    {"/init.scope", SUGGEST_UNIT_LASTING, "init.scope", NULL, NULL},
    {"/system.slice/system-postgresql.slice/postgresql@15-main.service", SUGGEST_UNIT_LASTING,
     "postgresql@15-main.service", NULL, "/system.slice/system-postgresql.slice/postgresql@16-main.service"},
    {"/system.slice/system-getty.slice/getty@tty1.service", SUGGEST_UNIT_LASTING, "getty@tty1.service", NULL, NULL},
    {"/system.slice/a\\x2db.service", SUGGEST_UNIT_LASTING, "a\\\\x2db.service", NULL, "/system.slice/a-b.service"},
    {"/system.slice/run-backup.service", SUGGEST_UNIT_LASTING, "run-backup.service", NULL, NULL},
    {"/system.slice/docker.service", SUGGEST_UNIT_LASTING, "docker.service", NULL, NULL},
    {"/system.slice/web.service/libpod-payload-" HEX64, SUGGEST_UNIT_LASTING, "web.service", NULL, NULL},
    {"/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service", SUGGEST_UNIT_LASTING,
     "systemd-nspawn@web.service", NULL, NULL},
    {"/machine.slice/machine-web.scope/payload", SUGGEST_UNIT_LASTING, "machine-web.scope", NULL, NULL},
    /* Logins, by systemd-logind. */
    {"/user.slice/user-1000.slice/session-3.scope", SUGGEST_UNIT_LOGIN, "session-*.scope",
     "/user.slice/user-1000.slice/session-17.scope", "/system.slice/nginx.service"},
    {"/user.slice/user-0.slice/session-c2.scope", SUGGEST_UNIT_LOGIN, "session-*.scope",
     "/user.slice/user-0.slice/session-c5.scope", NULL},
    {"/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-1234.scope", SUGGEST_UNIT_USER,
     "user@1000.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-999.scope",
     "/user.slice/user-1001.slice/user@1001.service/init.scope"},
    /* systemd-run. */
    {"/system.slice/run-u12.service", SUGGEST_UNIT_TRANSIENT, "run-u*.service", "/system.slice/run-u345.service",
     "/system.slice/run-backup.service"},
    {"/system.slice/run-rd8a4c1de0f2b4c6a9e0d1f2a3b4c5d6e.scope", SUGGEST_UNIT_TRANSIENT, "run-r*.scope",
     "/system.slice/run-r00a4c1de0f2b4c6a9e0d1f2a3b4c5d6f.scope", NULL},
    {"/system.slice/run-p1234-i5678.service", SUGGEST_UNIT_TRANSIENT, "run-p*.service",
     "/system.slice/run-p99-i7.service", NULL},
    {"/system.slice/run-4321.scope", SUGGEST_UNIT_TRANSIENT, "run-*.scope", "/system.slice/run-4322.scope", NULL},
    /* A service for each connection: Accept=yes. */
    {"/system.slice/system-sshd.slice/sshd@3-192.0.2.1:22-198.51.100.7:50000.service", SUGGEST_UNIT_CONNECTION,
     "sshd@*.service", "/system.slice/system-sshd.slice/sshd@4-192.0.2.1:22-198.51.100.9:50123.service",
     "/system.slice/sshd.service"},
    {"/system.slice/system-sshd.slice/sshd@7-2001:db8::1:22-2001:db8::7:50000.service", SUGGEST_UNIT_CONNECTION,
     "sshd@*.service", "/system.slice/system-sshd.slice/sshd@8-192.0.2.1:22-198.51.100.9:50123.service", NULL},
    {"/system.slice/system-sshd.slice/sshd@12-4711-192.0.2.1:22-198.51.100.7:50000.service", SUGGEST_UNIT_CONNECTION,
     "sshd@*.service", NULL, NULL},
    /* Containers: Docker, containerd, CRI-O and Podman, by systemd and by themselves. */
    {"/system.slice/docker-" HEX64 ".scope", SUGGEST_UNIT_CONTAINER, "docker-*.scope",
     "/system.slice/docker-" OTHER ".scope", "/machine.slice/libpod-" HEX64 ".scope"},
    {"/docker/" HEX64, SUGGEST_UNIT_CONTAINER, "/docker/*", "/docker/" OTHER "/init.scope", "/lxc/" HEX64},
    {"/docker/" HEX64 "/system.slice/nginx.service", SUGGEST_UNIT_CONTAINER, "/docker/*", "/docker/" OTHER, NULL},
    {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8d9fd3c3_0f6c_4d4e_9c1b_a1b2c3d4e5f6.slice/"
     "cri-containerd-" HEX64 ".scope",
     SUGGEST_UNIT_CONTAINER, "cri-containerd-*.scope",
     "/kubepods.slice/kubepods-pod0d9fd3c3_0f6c_4d4e_9c1b_a1b2c3d4e5f6.slice/cri-containerd-" OTHER ".scope", NULL},
    {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/crio-" HEX64 ".scope",
     SUGGEST_UNIT_CONTAINER, "crio-*.scope", "/kubepods.slice/kubepods-pod2.slice/crio-" OTHER ".scope", NULL},
    {"/kubepods/burstable/pod" UUID "/" HEX64, SUGGEST_UNIT_CONTAINER, "/kubepods/burstable/pod*",
     "/kubepods/burstable/pod0d9fd3c3-0f6c-4d4e-9c1b-a1b2c3d4e5f6/" OTHER, "/kubepods2/x"},
    {"/kubepods/pod" UUID "/" HEX64, SUGGEST_UNIT_CONTAINER, "/kubepods/pod*", NULL, "/docker/" HEX64},
    {"/machine.slice/libpod-" HEX64 ".scope/container", SUGGEST_UNIT_CONTAINER, "libpod-*.scope",
     "/machine.slice/libpod-" OTHER ".scope", NULL},
    {"/libpod_parent/libpod-" HEX64 "/x", SUGGEST_UNIT_CONTAINER, "/libpod_parent/libpod-*",
     "/libpod_parent/libpod-" OTHER, NULL},
    {"/system.slice/x-" HEX64 ".scope/y", SUGGEST_UNIT_CONTAINER, "x-*.scope", NULL, NULL},
    {"/lxc/web/x-" HEX64 ".scope/y", SUGGEST_UNIT_CONTAINER, "/lxc/web/x-*.scope/*", NULL, NULL},
    {"/nomad.slice/share.slice/" UUID ".web.scope", SUGGEST_UNIT_CONTAINER, "*.web.scope",
     "/nomad.slice/share.slice/0d9fd3c3-0f6c-4d4e-9c1b-a1b2c3d4e5f6.web.scope", "/nomad.slice/" UUID ".db.scope"},
    /* Virtual machines of libvirt, which counts their starts. */
    {"/machine.slice/machine-qemu\\x2d3\\x2dweb.scope/libvirt/emulator", SUGGEST_UNIT_CONTAINER,
     "machine-qemu\\\\x2d*\\\\x2dweb.scope", "/machine.slice/machine-qemu\\x2d14\\x2dweb.scope",
     "/machine.slice/machine-qemu\\x2d4\\x2ddb.scope"},
    {"/machine.slice/machine-lxc\\x2d4711\\x2dweb.scope", SUGGEST_UNIT_CONTAINER, "machine-lxc\\\\x2d*\\\\x2dweb.scope",
     NULL, NULL},
    /* LXC calls its containers by their names; so does Proxmox, where these are numbers. */
    {"/lxc/web", SUGGEST_UNIT_LASTING, "/lxc/web", NULL, "/lxc/web2"},
    {"/lxc/101/ns/system.slice/nginx.service", SUGGEST_UNIT_LASTING, "/lxc/101/ns/system.slice/nginx.service", NULL,
     NULL},
    {"/lxc.payload.web/system.slice/ssh.service", SUGGEST_UNIT_LASTING, "/lxc.payload.web/system.slice/ssh.service",
     NULL, "/lxc.payload.db/system.slice/ssh.service"},
    {"/lxc.payload.web/user.slice/user-1000.slice/session-3.scope", SUGGEST_UNIT_LOGIN,
     "/lxc.payload.web/user.slice/user-1000.slice/session-*.scope",
     "/lxc.payload.web/user.slice/user-1000.slice/session-9.scope", "/user.slice/user-1000.slice/session-3.scope"},
    {"/lxc/web/user.slice/user-1000.slice/user@1000.service/app.slice/a.service", SUGGEST_UNIT_USER,
     "/lxc/web/user.slice/user-1000.slice/user@1000.service/*", NULL, NULL},
    {"/lxc.monitor.web", SUGGEST_UNIT_LASTING, "/lxc.monitor.web", NULL, NULL},
    /* Without systemd. */
    {"/openrc.nginx", SUGGEST_UNIT_LASTING, "/openrc.nginx", NULL, NULL},
    {"/3", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/c1", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/" HEX64, SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    /* What may be called anything, and what no rule can hold. */
    {"/system.slice/made-up.scope", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/system.slice/" HEX64 ".scope", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/system.slice/" HEX64 ".service", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/system.slice/app-0123456789ab.service", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/system.slice/dbus-:1.2-org.example@0.service", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/system.slice", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/system.slice/a b.service", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/system.slice/a*.service", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/system.slice/a\n.service", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/lxc/a b", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/lxc//a", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    /* Almost. */
    {"/system.slice/sshd@3-x.service", SUGGEST_UNIT_LASTING, "sshd@3-x.service", NULL, NULL},
    {"/system.slice/sshd@a:b:c-d.service", SUGGEST_UNIT_LASTING, "sshd@a:b:c-d.service", NULL, NULL},
    {"/system.slice/run-u.service", SUGGEST_UNIT_LASTING, "run-u.service", NULL, NULL},
    {"/system.slice/run-p1-x.service", SUGGEST_UNIT_LASTING, "run-p1-x.service", NULL, NULL},
    {"/system.slice/session-3x.scope", SUGGEST_UNIT_UNNAMEABLE, "", NULL, NULL},
    {"/system.slice/deadbeef.service", SUGGEST_UNIT_LASTING, "deadbeef.service", NULL, NULL},
    {"/lxc/8d9fd3c3-0f6c-4d4e-9c1b", SUGGEST_UNIT_LASTING, "/lxc/8d9fd3c3-0f6c-4d4e-9c1b", NULL, NULL},
};

static bool pattern_fits(const char *pattern, const char *path)
{
    char unit[CGROUP_UNIT_SIZE];

    return fnmatch(pattern, cgroup_unit_format(unit, path), 0) == 0;
}

START_TEST(units_get_patterns)
{
    char pattern[SUGGEST_UNIT_SIZE];
    char unit[CGROUP_UNIT_SIZE];
    const char *path = cgroups[_i].path;

    ck_assert_int_eq(suggest_unit_pattern(pattern, cgroup_unit_format(unit, path)), cgroups[_i].kind);
    ck_assert_str_eq(pattern, cgroups[_i].pattern);
    if (*pattern != '\0') {
        ck_assert_msg(pattern_fits(pattern, path), "%s does not fit %s", pattern, path);
    }
    if (cgroups[_i].later != NULL) {
        ck_assert_msg(pattern_fits(pattern, cgroups[_i].later), "%s does not fit %s", pattern, cgroups[_i].later);
    }
    if (cgroups[_i].other != NULL) {
        ck_assert_msg(!pattern_fits(pattern, cgroups[_i].other), "%s fits %s", pattern, cgroups[_i].other);
    }
}
END_TEST

/* However long a name is, its pattern is whole or there is none. */
START_TEST(long_units_fit)
{
    char pattern[SUGGEST_UNIT_SIZE];
    char unit[CGROUP_UNIT_SIZE + 1];

    memset(unit, '\\', sizeof unit);
    unit[0] = '/';
    unit[CGROUP_UNIT_SIZE - 1] = '\0';
    ck_assert_int_eq(suggest_unit_pattern(pattern, unit), SUGGEST_UNIT_LASTING);
    ck_assert_uint_eq(strlen(pattern), 1 + 2 * (CGROUP_UNIT_SIZE - 2));
    unit[CGROUP_UNIT_SIZE - 1] = 'a';
    unit[CGROUP_UNIT_SIZE] = '\0';
    ck_assert_int_eq(suggest_unit_pattern(pattern, unit), SUGGEST_UNIT_UNNAMEABLE);
    ck_assert_str_eq(pattern, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("suggest_unit");
    TCase *tcase = tcase_create("suggest_unit");

    tcase_add_loop_test(tcase, units_get_patterns, 0, UNIT_COUNT(cgroups));
    tcase_add_test(tcase, long_units_fit);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
