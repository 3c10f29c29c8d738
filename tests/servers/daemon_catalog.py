# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""How each daemon of doc/DAEMONS.md is configured and started in the foreground, as its unit does it on Debian 12."""

import os
import re
import shutil

import daemons
from daemons import Daemon, replace, run_quietly, write


class FromFile(Daemon):
    """Its addresses are in one file, in lines of a pattern."""

    file = ""
    pattern = ""
    first = True  # where the lines go when the shipped file has none
    words = ()  # to start it

    def configure(self, lines):
        replace(self.file, self.pattern, lines, first=self.first)

    def command(self):
        return list(self.words)


class FromOptions(Daemon):
    """Its addresses are options of its command line."""

    words = ()
    default = ()
    options = ()

    def configure(self, lines):
        self.options = self.default if lines is None else [word for line in lines for word in line.split()]

    def command(self):
        return [*self.words, *self.options]


# The web


class Nginx(FromFile):
    name, package = "nginx", "nginx-light"
    file, pattern = "/etc/nginx/sites-available/default", r"^\s*listen\s"
    words = ("nginx", "-g", "daemon off;")

    def line(self, remedy):
        return remedy + ";"


class Apache(FromFile):
    name, package = "Apache", "apache2"
    file, pattern = "/etc/apache2/ports.conf", r"^Listen\s"
    words = ("sh", "-c", ". /etc/apache2/envvars && exec apache2 -D FOREGROUND")
    folders = (("/run/apache2", "root"), ("/run/lock/apache2", "www-data"))


class Lighttpd(FromFile):
    name, package = "lighttpd", "lighttpd"
    file, pattern = "/etc/lighttpd/lighttpd.conf", r"^include_shell .*use-ipv6"
    words = ("lighttpd", "-D", "-f", file)


class HAProxy(FromFile):
    """As it is shipped it has no frontend, and listens nowhere."""

    name, package = "HAProxy", "haproxy"
    file, pattern, first = "/etc/haproxy/haproxy.cfg", r"^frontend ", False
    words = ("haproxy", "-Ws", "-f", file)
    folders = (("/run/haproxy", "haproxy"),)

    def configure(self, lines):
        super().configure(None if lines is None else ["frontend web", *lines])


class Squid(FromFile):
    name, package = "Squid", "squid"
    file, pattern = "/etc/squid/squid.conf", r"^http_port\s"
    words = ("squid", "--foreground", "-YC")


class Tomcat(FromFile):
    name, package = "Tomcat", "tomcat10"
    user = "tomcat"
    file, pattern, first = "/etc/default/tomcat10", r"^JAVA_OPTS=", False
    words = ("sh", "/usr/libexec/tomcat10/tomcat-start.sh")
    env = {"CATALINA_HOME": "/usr/share/tomcat10", "CATALINA_BASE": "/var/lib/tomcat10", "CATALINA_TMPDIR": "/tmp",
           "JAVA_OPTS": "-Djava.awt.headless=true"}
    server = "/etc/tomcat10/server.xml"

    def configure(self, lines):
        """Attributes of the Connector go into another file."""
        attributes = [line for line in lines or () if line.startswith("address=")]
        options = [line for line in lines or () if line not in attributes]
        super().configure(options or None)
        # The application that comes along takes seconds to start.
        shutil.rmtree("/var/lib/tomcat10/webapps/ROOT", ignore_errors=True)
        text = daemons.shipped(self.server)
        write(self.server, text.replace('<Connector port="8080"', '<Connector port="8080" ' + " ".join(attributes), 1))


# What the language's own library does


class Java(FromOptions):
    """The registry that comes with every JRE listens by java.net.ServerSocket."""

    name, package = "Java", "openjdk-17-jre-headless"
    remedied = False
    words = ("rmiregistry", "1099")

    def configure(self, lines):
        super().configure(None if lines is None else ["-J" + line for line in lines])


class Node(Daemon):
    name, package = "Node.js", "nodejs"

    def configure(self, lines):
        # The oracle's connections end with a reset.
        self.script = ("const server = require('net').createServer(socket => socket.on('error', () => {})); "
                       + ("server.listen(8000)" if lines is None else " ".join(lines)))

    def command(self):
        return ["node", "-e", self.script]

    def version(self):
        return run_quietly(["node", "--version"]).strip().lstrip("v")


class Python(FromOptions):
    name, package = "Python http.server", "python3"
    remedied = False
    words = ("/usr/bin/python3", "-m", "http.server", "8000")


class Go(FromOptions):
    name, package = "Go", "prometheus-node-exporter"
    words = ("prometheus-node-exporter", "--collector.disable-defaults")


# Monitoring, remote access, mail, files


class Sshd(FromFile):
    name, package = "sshd", "openssh-server"
    file, pattern = "/etc/ssh/sshd_config", r"^(AddressFamily|ListenAddress)\s"
    words = ("/usr/sbin/sshd", "-D", "-e")
    folders = (("/run/sshd", "root"),)


class Nrpe(FromFile):
    name, package = "NRPE", "nagios-nrpe-server"
    user = "nagios"
    file, pattern = "/etc/nagios/nrpe.cfg", r"^server_address="
    words = ("nrpe", "-c", file, "-f")
    folders = (("/run/nagios", "nagios"),)


class Icinga(FromFile):
    """The API must be set up once, as "icinga2 api setup" does on every host that is to have one."""

    name, package = "Icinga 2", "icinga2-bin"
    file, pattern, first = "/etc/icinga2/features-available/api.conf", r"^\s*bind_host", False
    words = ("icinga2", "daemon")
    folders = (("/run/icinga2", "nagios"), ("/run/icinga2/cmd", "nagios"))

    def configure(self, lines):
        text = daemons.shipped(self.file)
        write(self.file, text.replace('ApiListener "api" {', 'ApiListener "api" {\n' + "\n".join(lines or ())))

    def command(self):
        words = super().command()
        if not os.path.exists("/etc/icinga2/features-enabled/api.conf"):
            run_quietly(["icinga2", "api", "setup", "--cn", "dualstack.example"])
        return words


class Postfix(FromFile):
    name, package = "Postfix", "postfix"
    file, pattern = "/etc/postfix/main.cf", r"^inet_protocols\s"
    words = ("postfix", "start-fg")


class Dovecot(FromFile):
    name, package = "Dovecot", "dovecot-core"
    file, pattern = "/etc/dovecot/dovecot.conf", r"^listen\s"
    words = ("dovecot", "-F")

    def configure(self, lines):
        super().configure(lines)
        # Its package makes no certificate where there is none to link to.
        write("/etc/dovecot/conf.d/10-ssl.conf", "ssl = no\n")


class Vsftpd(FromFile):
    name, package = "vsftpd", "vsftpd"
    file, pattern = "/etc/vsftpd.conf", r"^listen"
    words = ("vsftpd", file)
    folders = (("/run/vsftpd/empty", "root"),)


class Snmpd(FromFile):
    name, package = "snmpd", "snmpd"
    remedied_on_loopback = True
    file, pattern = "/etc/snmp/snmpd.conf", r"^agentaddress\s"
    words = ("snmpd", "-LOw", "-u", "Debian-snmp", "-g", "Debian-snmp", "-I", "-smux,mteTrigger,mteTriggerConf", "-f")


class Rpcbind(FromOptions):
    name, package = "rpcbind", "rpcbind"
    words = ("rpcbind", "-f", "-w")
    folders = (("/run/rpcbind", "_rpc"),)


class Slapd(Daemon):
    name, package = "slapd", "slapd"
    file = "/etc/default/slapd"
    folders = (("/run/slapd", "openldap"),)

    def configure(self, lines):
        replace(self.file, r"^SLAPD_OPTIONS=", lines)

    def command(self):
        start = ('. %s && exec slapd -h "$SLAPD_SERVICES" -g openldap -u openldap -F /etc/ldap/slapd.d '
                 '$SLAPD_OPTIONS -d 0')
        return ["sh", "-c", start % self.file]


class Mosquitto(FromFile):
    name, package = "Mosquitto", "mosquitto"
    remedied_on_loopback = True
    file, pattern, first = "/etc/mosquitto/mosquitto.conf", r"^listener\s", False
    words = ("mosquitto", "-c", file)
    folders = (("/run/mosquitto", "mosquitto"), ("/var/log/mosquitto", "mosquitto"))


# Databases and caches


class PostgreSQL(FromFile):
    name, package = "PostgreSQL", "postgresql-15"
    remedied_on_loopback = True
    user = "postgres"
    file, pattern, first = "/etc/postgresql/15/main/postgresql.conf", r"^listen_addresses\s", False
    words = ("/usr/lib/postgresql/15/bin/postgres", "-D", "/var/lib/postgresql/15/main", "-c", "config_file=" + file)
    folders = (("/run/postgresql", "postgres"),)


class Redis(FromFile):
    name, package = "Redis", "redis-server"
    remedied_on_loopback = True
    user = "redis"
    file, pattern = "/etc/redis/redis.conf", r"^bind\s"
    words = ("redis-server", file, "--daemonize", "no")
    folders = (("/run/redis", "redis"),)


class MariaDB(Daemon):
    """By the server alone: the package that holds Debian's configuration would bring 100 MB more."""

    name, package = "MariaDB", "mariadb-server-core"
    file = "/etc/dualstack-mariadb.cnf"
    data = None

    def configure(self, lines):
        if self.data is None:
            self.data = os.path.join(daemons.dualstack.temporary_folder(), "mariadb")
            run_quietly(["mariadb-install-db", "--no-defaults", "--user=root", "--datadir=" + self.data,
                         "--skip-test-db", "--auth-root-authentication-method=normal"])
        write(self.file, "[mariadbd]\n" + "\n".join(lines or ()) + "\n")

    def command(self):
        return ["mariadbd", "--defaults-file=" + self.file, "--user=root", "--datadir=" + self.data,
                "--socket=" + self.data + "/socket", "--pid-file=" + self.data + "/pid"]


class Memcached(FromFile):
    name, package = "memcached", "memcached"
    remedied_on_loopback = True
    file, pattern = "/etc/memcached.conf", r"^-l "
    words = ("/usr/share/memcached/scripts/systemd-memcached-wrapper", file)
    folders = (("/run/memcached", "memcache"),)


# Names and time


class Dnsmasq(FromFile):
    name, package = "dnsmasq", "dnsmasq"
    file, pattern = "/etc/dnsmasq.conf", r"^(listen-address|interface|bind-)"
    words = ("dnsmasq", "-k", "-u", "dnsmasq", "-7", "/etc/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new", "--local-service")
    folders = (("/run/dnsmasq", "dnsmasq"),)


class Unbound(Daemon):
    name, package = "Unbound", "unbound"
    remedied_on_loopback = True

    def configure(self, lines):
        write("/etc/unbound/unbound.conf.d/dualstack.conf", "server:\n" + "\n".join(lines or ()) + "\n")
        # The key of the root zone is no matter here, and where it comes from depends on other packages.
        write("/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf", "")

    def command(self):
        return ["unbound", "-d", "-p"]


class Named(FromFile):
    name, package = "BIND", "bind9"
    file, pattern = "/etc/bind/named.conf.options", r"^\s*listen-on"
    words = ("named", "-f", "-u", "bind")

    def line(self, remedy):
        return re.sub(r"\{ (\w+) \}", r"{ \1; };", remedy)

    folders = (("/run/named", "bind"),)


class Chrony(Daemon):
    """Serves nobody until it is allowed to."""

    name, package = "chronyd", "chrony"
    options = ()
    folders = (("/run/chrony", "_chrony"),)

    def configure(self, lines):
        """Options go into DAEMON_OPTS of /etc/default/chrony, the rest into a file."""
        lines = lines or []
        self.options = [word for line in lines if line.startswith("-") for word in line.split()]
        write("/etc/chrony/conf.d/dualstack.conf", "\n".join(line for line in lines if not line.startswith("-")) + "\n")

    def command(self):
        return ["chronyd", "-d", "-x", "-F", "1", *self.options]


class SocketUnit(Daemon):
    """Debian's ssh.socket, opened by a manager of systemd that minds nothing else. Lines go where "systemctl edit" puts
    them: beside what the unit has."""

    name, package = "systemd", "systemd"
    remedied_on_loopback = True
    cgroup = "manager.slice"
    units = "/run/user/0/systemd/user"
    words = ("/lib/systemd/systemd", "--user", "--unit=dualstack.target", "--log-target=console")
    # The manager looks for a folder that only a system that runs systemd has.
    folders = (("/run/systemd/system", "root"), ("/run/sshd", "root"))
    env = {"XDG_RUNTIME_DIR": "/run/user/0"}

    def configure(self, lines):
        for name in ("ssh.socket", "ssh.service"):
            write(os.path.join(self.units, name), daemons.shipped("/lib/systemd/system/" + name))
        write(self.units + "/dualstack.target", "[Unit]\nDefaultDependencies=no\nWants=ssh.socket\n")
        write(self.units + "/ssh.socket.d/override.conf", "\n".join(["[Socket]", *(lines or ())]) + "\n")

    def command(self):
        return list(self.words)


CATALOG = {daemon.name: daemon() for daemon in (
    Nginx, Apache, Lighttpd, HAProxy, Squid, Tomcat, Java, Node, Python, Go, Sshd, Nrpe, Icinga, Postfix, Dovecot, Vsftpd,
    Snmpd, Rpcbind, Slapd, Mosquitto, PostgreSQL, Redis, MariaDB, Memcached, Dnsmasq, Unbound, Named, Chrony, SocketUnit)}


def named(*names):
    return [CATALOG[name] for name in names]
