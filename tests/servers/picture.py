# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: chromium fonts-liberation iproute2 monitoring-plugins-basic nagios-nrpe-plugin nagios-nrpe-server
# Packages: nagios4-cgi nagios4-core python3 util-linux
"""Makes doc/nagios.png again: what a real Nagios 4 shows of four hosts whose NRPE it asked, in its web pages.

    CHECK_DUALSTACK=$PWD/plugins/check_dualstack tests/servers/run.sh tests/servers/picture.py

Not part of the tests: it takes a browser. Look at what it made.
"""

import contextlib
import http.server
import os
import re
import subprocess
import threading

import hosts
import nagios
from hosts import dualstack

PAGE = "/cgi-bin/nagios4/status.cgi?hostgroup=dual-stack&style=detail&sorttype=1&sortoption=3"
SIZE = (1040, 400)
PICTURE = os.path.join(hosts.TOP_SRCDIR, "doc", "nagios.png")
CGI = "/usr/lib/cgi-bin/nagios4/"
# Where apache2.conf of nagios4-cgi has them.
FOLDERS = {"/nagios4/stylesheets/": "/etc/nagios4/stylesheets/", "/nagios4/": "/usr/share/nagios4/htdocs/"}
HOSTS = ("web1", "web2", "app1", "db1")


class Pages(http.server.BaseHTTPRequestHandler):
    """The pages of Nagios, without a web server's login."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path.startswith("/cgi-bin/nagios4/"):
            done = subprocess.run([CGI + os.path.basename(path)], stdout=subprocess.PIPE, check=True, env={
                "REQUEST_METHOD": "GET", "QUERY_STRING": query, "REMOTE_USER": "nagiosadmin", "TZ": "UTC",
                "NAGIOS_CGI_CONFIG": "/etc/nagios4/cgi.cfg"})
            self.answer(re.split(rb"\r?\n\r?\n", done.stdout, maxsplit=1)[1], "text/html; charset=utf-8")
            return
        for prefix, folder in FOLDERS.items():
            if path.startswith(prefix) and os.path.isfile(folder + path[len(prefix):]):
                with open(folder + path[len(prefix):], "rb") as file:
                    self.answer(file.read(), "text/css" if path.endswith(".css") else None)
                return
        self.send_error(404)

    def answer(self, body, kind):
        self.send_response(200)
        if kind:
            self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def take(url, place):
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--disable-sync",
                    "--hide-scrollbars", "--force-device-scale-factor=1", "--window-size=%d,%d" % SIZE,
                    "--user-data-dir=" + dualstack.temporary_folder(), "--screenshot=" + place, url],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120,
                   check=True, cwd="/")


def all_hosts_are_up():
    text = hosts.read(nagios.STATE + "/status.dat")
    blocks = [block for block in text.split("hoststatus {")[1:] if "has_been_checked=1" in block]
    return len(blocks) > len(HOSTS)


def main():
    with contextlib.ExitStack() as stack:
        # Nothing is notified so early, and the pages need not say that nothing ever is.
        nagios.DIRECTIVES.update({"enable_notifications": "1", "date_format": "iso8601"})
        nagios.configure()
        nagios.hosts_of_each_state(stack)
        server = nagios.Nagios()
        stack.callback(server.close)
        services = server.checked([(name, "Dual-stack") for name in HOSTS])
        assert sorted(services[name, "Dual-stack"].state for name in HOSTS) == [0, 1, 2, 3]
        hosts.eventually(all_hosts_are_up, "a look at each host")
        pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        stack.callback(pages.server_close)
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        stack.callback(pages.shutdown)
        take("http://127.0.0.1:%d%s" % (pages.server_port, PAGE), PICTURE)


if __name__ == "__main__":
    main()
