/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/remedy.c: rules, hosts (trial.h) and what is to be changed there. What daemons are advised is for
 * test_daemons.c; tests/netns/test_remedies_followed.py follows each kind of remedy.
 */
#include "config.h"

#include "render/remedy.h"

#include "plugin/text_buffer.h"
#include "trial.h"
#include "unit.h"

#include <string.h>

#define SET_HINT                                                                                                       \
    " (systemd socket: BindIPv6Only=ipv6-only, programs that do not set it themselves: sysctl "                        \
    "net.ipv6.bindv6only=1)"
#define CLEAR_HINT " (systemd socket: BindIPv6Only=both)"
#define ALLOW ", or allow it in the policy"
#define AGAIN " and again what else the unit listens on"
#define MISSING ", or use missing=ok in the policy"

/* Of the first service: its remedies, a line each; "" for none. */
static const struct {
    const char *rules;
    const char *host;
    const char *expected;
} remedies[] = {
    /* Nothing listens. */
    {"443 any", "", "start the service" MISSING},
    {"443 any unit=nginx.service", "", "start nginx.service" MISSING},
    {"443 any unit=nginx*", "", "start a unit that matches nginx*" MISSING},
    {"443@loopback any", "443=192.0.2.1", "start the service on a loopback address" MISSING},
    {"443@link any unit=a.service", "443=192.0.2.1", "start a.service on a link-local address" MISSING},
    {"443@external any", "443=127.0.0.1", "start the service on an external address" MISSING},
    /* The wildcard of another rule, or of none, has the address already. */
    {"443@loopback any",
     "443=::", "start the service on a loopback address (bind() fails there beside [::]:443)" MISSING},
    {"443@loopback any", "443=0.0.0.0", "start the service on a loopback address" MISSING},
    {"443@loopback v4 missing=warning", "443=0.0.0.0",
     "start the service on a loopback address (bind() fails there beside 0.0.0.0:443)" MISSING},
    {"443@loopback v6", "443=0.0.0.0", "start the service on a loopback address" MISSING},
    {"443@loopback dual-stack\n443 any", "443=::1 443=0.0.0.0",
     "listen on 127.0.0.1:443 too (bind() fails there beside 0.0.0.0:443)"},
    {"443@link v6-only", "443=169.254.7.1 443=::/6",
     "listen on a link-local IPv6 address in place of 169.254.7.1:443 (bind() fails there beside [::]:443)"},
    {"443@link v6-only", "443=169.254.7.1 443=::%eth0/6",
     "listen on a link-local IPv6 address in place of 169.254.7.1:443"},
    {"443 any\n443@loopback any", "443=127.0.0.1", "start the service on an external address" MISSING},
    {"443 any\n443@external any", "443=0.0.0.0", "start the service on a link-local address" MISSING},
    {"443 any\n443@external any\n443@link any", "443=0.0.0.0 443=fe80::1",
     "start the service on a loopback address" MISSING},
    {"443 any\n443@external any\n443@link any\n443@loopback any", "443=0.0.0.0 443=fe80::1 443=::1",
     "start the service" MISSING},
    {"443-443 any missing=critical except-unit=a.service", "443=0.0.0.0+a.service", "start the service" MISSING},
    /* A family is missing: another socket brings it, as far as the other family is reached and no farther. */
    {"443 dual-stack", "443=0.0.0.0", "listen on [::]:443 too, with IPV6_V6ONLY on"},
    {"443 v6", "443=192.0.2.1", "listen on an external IPv6 address of this host too"},
    {"443 v4", "443=2001:db8::1", "listen on an external IPv4 address of this host too"},
    {"443 v6", "443=127.0.0.1", "listen on [::1]:443 too"},
    {"443 v4", "443=::1", "listen on 127.0.0.1:443 too"},
    {"443 v6", "443=169.254.7.1", "listen on a link-local IPv6 address too"},
    {"443 v6", "443=0.0.0.0%eth0", "listen on [::%eth0]:443 too, with IPV6_V6ONLY on"},
    {"443 v6", "443=0.0.0.0%lo", "listen on [::1]:443 too"},
    {"443@external v6", "443=0.0.0.0", "listen on [::]:443 too, with IPV6_V6ONLY on"},
    {"443@loopback v6", "443=127.0.0.1", "listen on [::1]:443 too"},
    /* bind() of the wildcard fails beside an address of its family. */
    {"443 dual-stack", "443=0.0.0.0 443=::1", "listen on [::]:443 in place of [::1]:443, with IPV6_V6ONLY on"},
    {"443 dual-stack", "443=127.0.0.1 443=::/6", "listen on 0.0.0.0:443 in place of 127.0.0.1:443"},
    /* A socket on [::] can take IPv4 itself. */
    {"443 dual-stack", "443=::/6", "listen on 0.0.0.0:443 too, or turn IPV6_V6ONLY off on [::]:443" CLEAR_HINT},
    {"443 dual-stack", "443=::/6 bindv6only",
     "listen on 0.0.0.0:443 too, or turn IPV6_V6ONLY off on [::]:443 (systemd socket: BindIPv6Only=both, programs "
     "that do not set it themselves: sysctl net.ipv6.bindv6only=0)"},
    {"443 v4-only", "443=::/6", "listen on 0.0.0.0:443 in place of [::]:443"},
    {"443 v6-only", "443=0.0.0.0", "listen on [::]:443 in place of 0.0.0.0:443, with IPV6_V6ONLY on"},
    {"443 v4-only", "443=::1 443=2001:db8::1",
     "listen on an external IPv4 address of this host in place of [2001:db8::1]:443"},
    /* The host has no address for it. */
    {"443 dual-stack", "443=0.0.0.0 noipv6", "add an IPv6 address to this host and listen on it too"},
    {"443 dual-stack", "443=0.0.0.0 ipv6:loopback", "add an IPv6 address beyond ::1 to this host and listen on it too"},
    {"443 dual-stack", "443=0.0.0.0 ipv6:disabled",
     "set sysctl net.ipv6.conf.all.disable_ipv6=0 and add an IPv6 address to this host and listen on it too"},
    {"443 dual-stack", "443=127.0.0.1 noipv6",
     "add ::1 to lo (without it bind() fails there) and listen on [::1]:443 too"},
    {"443 dual-stack", "443=127.0.0.1 ipv6:link", "listen on [::1]:443 too"},
    {"443 dual-stack as=bound", "443=0.0.0.0 noipv6", "listen on [::]:443 too, with IPV6_V6ONLY on"},
    {"443 dual-stack", "443=0.0.0.0 addresses?", "listen on [::]:443 too, with IPV6_V6ONLY on"},
    /* What limits the reach of a listener that takes the family. */
    {"443 dual-stack", "443=:: ipv6:link", "add an IPv6 address beyond fe80::/10 to this host"},
    {"443 dual-stack", "443=:: ipv6:loopback", "add an IPv6 address beyond ::1 to this host"},
    {"443 dual-stack", "443=:: ipv6:none", "add an IPv6 address to this host"},
    {"443 dual-stack", "443=:: ipv4:loopback", "add an IPv4 address beyond 127.0.0.0/8 to this host"},
    {"443 dual-stack", "443=:: ipv4:link ipv6:none", "add a link-local IPv6 address to this host"},
    {"443 dual-stack", "443=:: ipv4:loopback ipv6:none", "add ::1 to lo (without it bind() fails there)"},
    {"443 dual-stack", "443=:: ipv6:disabled",
     "set sysctl net.ipv6.conf.all.disable_ipv6=0 and add an IPv6 address to this host"},
    {"443 dual-stack", "443=0.0.0.0 443=2001:db8::1^",
     "add 2001:db8::1 to this host, or listen on an external IPv6 address of this host in place of "
     "[2001:db8::1]:443, or use as=bound in the policy if another host has it now"},
    {"443 dual-stack bind=192.0.2.0/24,2001:db8::/32", "443=192.0.2.1 443=2001:db8::1^",
     "add 2001:db8::1 to this host, or listen on an IPv6 address inside bind=192.0.2.0/24,2001:db8::/32 in place of "
     "[2001:db8::1]:443, or use as=bound in the policy if another host has it now"},
    {"443 dual-stack", "443=0.0.0.0 443=::%#7/6+a.service",
     "restart a.service when the interface is back, or do not bind [::%#7]:443 to an interface"},
    {"443 dual-stack", "443=192.0.2.1^ 443=2001:db8::1^",
     "add 192.0.2.1 to this host and add 2001:db8::1 to this host, or use as=bound in the policy if another host has "
     "them now"},
    {"443 v6", "443=2001:db8::1%lo^",
     "add 2001:db8::1 to lo, or listen on [::1]:443 in place of [2001:db8::1%lo]:443, "
     "or use as=bound in the policy if another host has it now"},
    {"443 v4-only", "443=192.0.2.1^ 443=2001:db8::1^",
     "add 192.0.2.1 to this host and stop listening on [2001:db8::1]:443"},
    {"443 dual-stack", "443=::%#7+a.service", "restart a.service when the interface is back"},
    /* A family is too many. */
    {"443 v6-only", "443=::", "set IPV6_V6ONLY on [::]:443" SET_HINT},
    {"443 v6-only", "443=::%eth0", "set IPV6_V6ONLY on [::%eth0]:443" SET_HINT},
    {"443 v6-only", "443=::/6 443=0.0.0.0", "stop listening on 0.0.0.0:443"},
    {"443 v6-only", "443=::1 443=127.0.0.1 443=127.0.0.2", "stop listening on 127.0.0.1:443 and 127.0.0.2:443"},
    {"443 v6-only", "443=2001:db8::1 443=192.0.2.1 443=192.0.2.2 443=192.0.2.3 443=192.0.2.4 443=192.0.2.5",
     "stop listening on 192.0.2.1:443, 192.0.2.2:443, 192.0.2.3:443 and 2 more"},
    {"443 v6-only", "443=::ffff:192.0.2.1 443=2001:db8::1", "stop listening on [::ffff:192.0.2.1]:443"},
    {"443 v4-only", "443=::", "listen on 0.0.0.0:443 in place of [::]:443"},
    {"443 v4-only", "443=0.0.0.0 443=::/6", "stop listening on [::]:443"},
    {"443 v4-only", "443=192.0.2.1 443=2001:db8::1", "stop listening on [2001:db8::1]:443"},
    /* The other form. */
    {"443 dual-stack form=single", "443=0.0.0.0", "listen on [::]:443 in place of 0.0.0.0:443, with IPV6_V6ONLY off"},
    {"443 dual-stack form=single", "443=::/6", "turn IPV6_V6ONLY off on [::]:443" CLEAR_HINT},
    {"443 dual-stack form=single", "443=0.0.0.0 443=::/6",
     "stop listening on 0.0.0.0:443 and turn IPV6_V6ONLY off on [::]:443" CLEAR_HINT},
    {"443 dual-stack form=single", "443=192.0.2.1 443=2001:db8::1",
     "listen on [::]:443 in place of 192.0.2.1:443 and [2001:db8::1]:443, with IPV6_V6ONLY off"},
    {"443 dual-stack form=split", "443=::/6", "listen on 0.0.0.0:443 too"},
    {"443 dual-stack form=split", "443=::", "set IPV6_V6ONLY on [::]:443 and listen on 0.0.0.0:443 too" SET_HINT},
    {"443 dual-stack form=split", "443=:: 443=0.0.0.0", "set IPV6_V6ONLY on [::]:443" SET_HINT},
    {"443 dual-stack form=single", "443=:: 443=0.0.0.0", "stop listening on 0.0.0.0:443"},
    /* Whether [::] takes IPv4 is not known: it must be made sure. */
    {"443 dual-stack form=single", "443=0.0.0.0 443=::/?",
     "stop listening on 0.0.0.0:443 and turn IPV6_V6ONLY off on [::]:443" CLEAR_HINT},
    {"443 dual-stack form=split", "443=::/?", "set IPV6_V6ONLY on [::]:443 and listen on 0.0.0.0:443 too" SET_HINT},
    {"443 dual-stack form=split", "443=127.0.0.1", "listen on [::1]:443 too"},
    {"443 dual-stack form=single", "443=127.0.0.1 443=::1",
     "use form=split in the policy (only a wildcard takes both families)"},
    {"443 dual-stack form=single", "443=127.0.0.1",
     "use form=split in the policy (only a wildcard takes both families) and listen on [::1]:443 too"},
    {"443 dual-stack form=single bind=loopback", "443=::",
     "use form=split in the policy (only a wildcard takes both families) and listen on 127.0.0.1:443 and [::1]:443 in "
     "place of [::]:443" ALLOW},
    /* Outside of bind=. */
    {"443 dual-stack bind=192.0.2.0/24,2001:db8::/32", "443=192.0.2.1",
     "listen on an IPv6 address inside bind=192.0.2.0/24,2001:db8::/32 too"},
    {"443 any bind=10.0.0.0/8,loopback", "443=0.0.0.0",
     "listen on an IPv4 address inside bind=10.0.0.0/8,loopback in place of 0.0.0.0:443" ALLOW},
    {"443 any bind=loopback", "443=0.0.0.0", "listen on 127.0.0.1:443 in place of 0.0.0.0:443" ALLOW},
    {"443 any bind=loopback", "443=::", "listen on 127.0.0.1:443 and [::1]:443 in place of [::]:443" ALLOW},
    {"443 any bind=link", "443=::/6", "listen on a link-local IPv6 address in place of [::]:443" ALLOW},
    {"443 any bind=%eth0", "443=0.0.0.0", "listen on 0.0.0.0%eth0:443 in place of 0.0.0.0:443" ALLOW},
    {"443 v4-only bind=loopback", "443=::", "listen on 127.0.0.1:443 in place of [::]:443"},
    {"443 v4 bind=loopback", "443=::/6", "listen on 127.0.0.1:443 and [::1]:443 in place of [::]:443"},
    {"443 v4 bind=0.0.0.0/0,loopback", "443=::1", "listen on 127.0.0.1:443 too"},
    {"443 any bind=0.0.0.0/0", "443=::", "listen on 0.0.0.0:443 in place of [::]:443" ALLOW},
    {"443 any bind=::/0", "443=::", "set IPV6_V6ONLY on [::]:443" SET_HINT ALLOW},
    {"443 dual-stack bind=::/0,10.0.0.0/8", "443=::",
     "set IPV6_V6ONLY on [::]:443 and listen on an IPv4 address inside bind=::/0,10.0.0.0/8 too" SET_HINT ALLOW},
    {"443 dual-stack bind=loopback,10.0.0.0/8", "443=0.0.0.0",
     "listen on 127.0.0.1:443 and [::1]:443 in place of 0.0.0.0:443"},
    {"443 dual-stack bind=10.0.0.0/8", "443=10.0.0.1",
     "add an IPv6 prefix to bind= in the policy and listen on an IPv6 address inside bind= too"},
    {"443 dual-stack bind=10.0.0.0/8 reach=loopback", "443=127.0.0.1",
     "add loopback to bind= in the policy and listen on [::1]:443 too"},
    {"443 dual-stack bind=loopback", "443=:: ipv6:none",
     "add ::1 to lo (without it bind() fails there) and listen on 127.0.0.1:443 and [::1]:443 in place of "
     "[::]:443"},
    /* Reached from farther away than reach= allows. */
    {"443 any reach=loopback", "443=0.0.0.0", "listen on 127.0.0.1:443 in place of 0.0.0.0:443" ALLOW},
    {"443 any reach=loopback", "443=::", "listen on 127.0.0.1:443 and [::1]:443 in place of [::]:443" ALLOW},
    {"443 any reach=link", "443=::/6", "listen on a link-local IPv6 address in place of [::]:443" ALLOW},
    {"443 dual-stack reach=loopback", "443=0.0.0.0", "listen on 127.0.0.1:443 and [::1]:443 in place of 0.0.0.0:443"},
    {"443 v4-only reach=loopback", "443=127.0.0.1 443=192.0.2.1", "stop listening on 192.0.2.1:443" ALLOW},
    {"443 dual-stack form=split reach=loopback",
     "443=::", "listen on 127.0.0.1:443 and [::1]:443 in place of [::]:443"},
    {"443 any reach=loopback bind=192.0.2.0/24", "443=192.0.2.1", "allow it in the policy"},
    {"443 any reach=none missing=ok", "443=::+nginx.service", "stop nginx.service" ALLOW},
    {"443 any reach=none", "443=::+nginx.service", "allow it in the policy"},
    {"default any reach=none", "443=::+nginx.service", "stop nginx.service" ALLOW},
    /* A pair on loopback stays there. */
    {"443 dual-stack form=split", "443=::%lo",
     "set IPV6_V6ONLY on [::%lo]:443 and listen on 127.0.0.1:443 too" SET_HINT},
    {"443 dual-stack form=split bind=loopback", "443=::", "listen on 127.0.0.1:443 and [::1]:443 in place of [::]:443"},
    /* Somebody listens where nobody may. */
    {"161/udp closed", "u161=0.0.0.0+snmpd.service", "stop snmpd.service" ALLOW},
    {"23 closed", "23=0.0.0.0+telnet.socket", "stop telnet.socket" ALLOW},
    {"23 closed", "23=0.0.0.0+a.service 23=::/6+a.service", "stop a.service" ALLOW},
    {"23 closed", "23=127.0.0.1+a.service 23=127.0.0.2+b.service", "stop a.service and b.service" ALLOW},
    {"23 closed", "23=127.0.0.1+a.service 23=127.0.0.2+b.service 23=127.0.0.3+c.service 23=127.0.0.4+d.service",
     "stop a.service, b.service, c.service and others" ALLOW},
    {"23 closed", "23=0.0.0.0!0:root", "stop the program of user root (uid 0)" ALLOW},
    {"23 closed", "23=0.0.0.0!7+?", "stop the program of uid 7" ALLOW},
    {"23 closed", "23=0.0.0.0!4294967295+?", "stop the program on 0.0.0.0:23" ALLOW},
    /* Stopping these would stop more than the program. */
    {"23 closed", "23=0.0.0.0!0:root+session-3.scope", "stop the program of user root (uid 0)" ALLOW},
    {"23 closed", "23=0.0.0.0!0:root+init.scope", "stop the systemd socket on 0.0.0.0:23" ALLOW},
    {"22 v4-only", "22=::!0:root+init.scope",
     "listen on 0.0.0.0:22 in place of [::]:22 (in systemd, for v4-only: ListenStream= and "
     "ListenStream=0.0.0.0:22" AGAIN ")"},
    {"23 closed", "23=0.0.0.0!1000:ann+user@1000.service", "stop the program of user ann (uid 1000)" ALLOW},
    {"23 closed", "23=0.0.0.0!0:root+/lxc/web", "stop the program of user root (uid 0)" ALLOW},
    {"20000-20009/udp closed", "u20000=0.0.0.0+a.service",
     "stop a.service, or add except-unit=a.service to the rule if it is a client's socket" ALLOW},
    {"20000-20009/udp closed", "u20000=0.0.0.0!0:root+/", "stop the program of user root (uid 0)" ALLOW},
    {"20000-20009 closed", "20000=0.0.0.0+a.service", "stop a.service" ALLOW},
    /* Of another owner. */
    {"443 any unit=nginx.service", "443=0.0.0.0+apache2.service",
     "let nginx.service listen on 0.0.0.0:443 in place of apache2.service" ALLOW},
    {"443 any unit=nginx*", "443=0.0.0.0+apache2.service",
     "let a unit that matches nginx* listen on 0.0.0.0:443 in place of apache2.service" ALLOW},
    {"443 any user=www-data", "443=0.0.0.0!0:root+a.service", "run a.service as user www-data" ALLOW},
    {"443 any user=www-data", "443=0.0.0.0!0:root", "run the program of user root (uid 0) as user www-data" ALLOW},
    /* Too many connections, or too few. */
    {"443 any mapped-critical=0", "443=:: 443~::ffff:127.0.0.1*2",
     "move clients to IPv6 (--list shows who comes over IPv4)" ALLOW},
    {"443 any ipv4-critical=0", "443=0.0.0.0 443~127.0.0.1",
     "move clients to IPv6 (--list shows who comes over IPv4)" ALLOW},
    {"443 any mapped-critical=0 ipv4-warning=1", "443=:: 443~::ffff:127.0.0.1*2",
     "move clients to IPv6 (--list shows who comes over IPv4)" ALLOW},
    {"443 any mapped-critical=1:", "443=::", "find out why there is no v4-mapped connection" ALLOW},
    {"443 any ipv4-critical=3:", "443=0.0.0.0 443~127.0.0.1", "find out why there is only 1 IPv4 connection" ALLOW},
    {"443 any ipv4-critical=3:", "443=0.0.0.0 443~127.0.0.1*2", "find out why there are only 2 IPv4 connections" ALLOW},
    {"443 any ipv4-critical=@1:5", "443=0.0.0.0 443~127.0.0.1*2",
     "move clients to IPv6 (--list shows who comes over IPv4)" ALLOW},
    {"443 any ipv4-critical=@0:5", "443=0.0.0.0", "find out why there is no IPv4 connection" ALLOW},
    /* What is not known. */
    {"443 v6-only", "443=::/?", "let the check ask the kernel by netlink, on the host itself"},
    {"443 any bind=%eth0", "443=0.0.0.0 interfaces?", "let the check ask the kernel by netlink, on the host itself"},
    {"443 any reach=loopback", "443=0.0.0.0 addresses?", "let the check ask the kernel by netlink, on the host itself"},
    {"443 v6", "443=:: ipv6?", ""},
    {"443 any unit=nginx.service", "443=0.0.0.0+?", ""},
    {"443 any user=www-data", "443=0.0.0.0!4294967295+?", ""},
    {"40000-40009/udp closed", "u40000=0.0.0.0 clients?", ""},
    {"443 any", "notcp", ""},
    /* With the daemon's own words, as what the rule demands as a whole. */
    {"443 dual-stack", "443=0.0.0.0+nginx.service",
     "listen on [::]:443 too, with IPV6_V6ONLY on (in nginx, for dual-stack: listen 0.0.0.0:443 and listen [::]:443)"},
    {"443 dual-stack", "443=0.0.0.0+nginx.service noipv6", "add an IPv6 address to this host and listen on it too"},
    {"22 v4", "22=::/6+ssh.service", "listen on 0.0.0.0:22 too (in sshd, for dual-stack: AddressFamily any)"},
    {"443 dual-stack", "443=0.0.0.0+apache2.service",
     "listen on [::]:443 in place of 0.0.0.0:443, with IPV6_V6ONLY off (in Apache, for dual-stack: Listen [::]:443)"},
    {"443 v4-only", "443=::+tomcat10.service",
     "listen on 0.0.0.0:443 in place of [::]:443 (in Tomcat, for v4-only: "
     "JAVA_OPTS=\"-Djava.net.preferIPv4Stack=true\")"},
    {"443 dual-stack form=split", "443=::+nginx.service",
     "set IPV6_V6ONLY on [::]:443 and listen on 0.0.0.0:443 too (in nginx, for form=split: listen 0.0.0.0:443 and "
     "listen [::]:443)"},
    {"443 v6-only", "443=0.0.0.0+nginx.service",
     "listen on [::]:443 in place of 0.0.0.0:443, with IPV6_V6ONLY on (in nginx, for v6-only: listen [::]:443)"},
    {"22 v6-only", "22=::+ssh.socket",
     "set IPV6_V6ONLY on [::]:22 (in systemd, for v6-only: ListenStream= and ListenStream=[::]:22 and "
     "BindIPv6Only=ipv6-only" AGAIN ")"},
    {"22 v4-only", "22=::+ssh.socket",
     "listen on 0.0.0.0:22 in place of [::]:22 (in systemd, for v4-only: ListenStream= and "
     "ListenStream=0.0.0.0:22" AGAIN ")"},
    {"22 dual-stack", "22=0.0.0.0+ssh.socket",
     "listen on [::]:22 too, with IPV6_V6ONLY on (in systemd, for dual-stack: ListenStream= and "
     "ListenStream=0.0.0.0:22 and ListenStream=[::]:22 and BindIPv6Only=ipv6-only" AGAIN ")"},
    {"69/udp v4-only", "u69=::+tftp.socket",
     "listen on 0.0.0.0:69 in place of [::]:69 (in systemd, for v4-only: ListenDatagram= and "
     "ListenDatagram=0.0.0.0:69" AGAIN ")"},
    {"6379 dual-stack", "6379=127.0.0.1+redis.service",
     "listen on [::1]:6379 too (in Redis, for dual-stack: bind 127.0.0.1 ::1)"},
    {"6379 v4-only bind=loopback", "6379=::+redis-server.service",
     "listen on 127.0.0.1:6379 in place of [::]:6379 (in Redis, for v4-only: bind 127.0.0.1)"},
    {"443 any bind=10.0.0.0/8", "443=0.0.0.0+nginx.service",
     "listen on an IPv4 address inside bind=10.0.0.0/8 in place of 0.0.0.0:443 (in nginx: listen ADDRESS:443)" ALLOW},
    /* Without: it has none for that, they would open it to others, or change what the rule does not know. */
    {"443 v6-only", "443=::+apache2.service", "set IPV6_V6ONLY on [::]:443" SET_HINT},
    {"22 dual-stack", "22=127.0.0.1+ssh.service", "listen on [::1]:22 too"},
    {"443 v6", "443=192.0.2.1+nginx.service", "listen on an external IPv6 address of this host too"},
    {"443@external v6", "443=0.0.0.0+nginx.service", "listen on [::]:443 too, with IPV6_V6ONLY on"},
    /* No directive binds to an interface, and on each of the host's addresses is wider than link-local. */
    {"443 dual-stack bind=%eth0", "443=0.0.0.0%eth0+named.service", "listen on [::%eth0]:443 too, with IPV6_V6ONLY on"},
    {"443 any bind=%eth0", "443=0.0.0.0+nginx.service", "listen on 0.0.0.0%eth0:443 in place of 0.0.0.0:443" ALLOW},
    {"443 dual-stack bind=link", "443=169.254.0.1+named.service", "listen on a link-local IPv6 address too"},
    {"443 any bind=link", "443=::/6+nginx.service", "listen on a link-local IPv6 address in place of [::]:443" ALLOW},
    {"443 v4-only", "443=::+node_exporter.service", "listen on 0.0.0.0:443 in place of [::]:443"},
    {"443 dual-stack form=single", "443=127.0.0.1 443=::1+nginx.service",
     "use form=split in the policy (only a wildcard takes both families)"},
    /* Reasons of different kinds have a remedy each. */
    {"443 v6-only user=www-data", "443=0.0.0.0!0:root+nginx.service",
     "listen on [::]:443 in place of 0.0.0.0:443, with IPV6_V6ONLY on (in nginx, for v6-only: listen [::]:443)\n"
     "run nginx.service as user www-data" ALLOW},
};

/* All remedies of the first service. */
static void remedies_join(char *text, size_t size, const struct trial *trial, bool is_replay)
{
    const struct judge_service *service = &trial->verdict->services[0];
    struct text_buffer joined = text_buffer_start(text, size);

    for (size_t i = 0; i < service->reason_count; i++) {
        char remedy[REMEDY_SIZE];
        if (*remedy_format(remedy, service, &service->reasons[i], trial->tally, is_replay) != '\0') {
            text_buffer_add(&joined, "%s%s", joined.length > 0 ? "\n" : "", remedy);
        }
    }
}

START_TEST(fits_rule_and_evidence)
{
    struct trial *trial = trial_of(remedies[_i].rules, remedies[_i].host);
    char text[4 * REMEDY_SIZE];

    remedies_join(text, sizeof text, trial, false);
    ck_assert_msg(strcmp(text, remedies[_i].expected) == 0, "'%s' on '%s':\n%s\nin place of\n%s", remedies[_i].rules,
                  remedies[_i].host, text, remedies[_i].expected);
    trial_end(trial);
}
END_TEST

/* Nothing in a replay that only the host itself could show. */
static const struct {
    const char *rules;
    const char *host;
    const char *expected;
} replays[] = {
    {"443 any mapped-critical=0", "443=:: 443~::ffff:127.0.0.1", "move clients to IPv6" ALLOW},
    {"443 v6-only", "443=::/?", "let the check ask the kernel by netlink, on the host itself"},
    {"443 v6", "443=127.0.0.1", "listen on [::1]:443 too"},
};

START_TEST(fits_a_replay)
{
    struct trial *trial = trial_of(replays[_i].rules, replays[_i].host);
    char text[4 * REMEDY_SIZE];

    remedies_join(text, sizeof text, trial, true);
    ck_assert_str_eq(text, replays[_i].expected);
    trial_end(trial);
}
END_TEST

START_TEST(has_a_row_for_every_cause)
{
    unsigned seen = 0;

    for (int i = 0; i < UNIT_COUNT(remedies); i++) {
        struct trial *trial = trial_of(remedies[i].rules, remedies[i].host);
        for (size_t j = 0; j < trial->verdict->services[0].reason_count; j++) {
            seen |= 1u << trial->verdict->services[0].reasons[j].cause;
        }
        trial_end(trial);
    }
    ck_assert_uint_eq(seen, (1u << (JUDGE_UNREADABLE + 1)) - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remedy");
    TCase *tcase = tcase_create("remedy");

    tcase_add_loop_test(tcase, fits_rule_and_evidence, 0, UNIT_COUNT(remedies));
    tcase_add_loop_test(tcase, fits_a_replay, 0, UNIT_COUNT(replays));
    tcase_add_test(tcase, has_a_row_for_every_cause);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
