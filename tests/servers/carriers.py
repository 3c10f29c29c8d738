# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What the tests of packaging/carriers share: a host in each of the four states, and what the program prints there."""

import contextlib
import os
import socket
import subprocess
import unittest

import hosts  # before dualstack, which it finds
import dualstack
from dualstack import CRITICAL, OK, STATE_NAMES, UNKNOWN, WARNING

PROGRAM = hosts.PLUGINS + "/check_dualstack"
POLICY = "/etc/nagios/dualstack.conf"
CARRIERS = os.path.join(hosts.PACKAGING, "carriers")

# What listens on 443, and the rule, for each state.
STATES = {
    OK: ("[::]:443 dual", "443 dual-stack name=web"),
    WARNING: ("0.0.0.0:443", "443 dual-stack name=web severity=warning"),
    CRITICAL: ("0.0.0.0:443", "443 dual-stack name=web"),
    UNKNOWN: ("[::]:443 dual", "443 dualstack name=web"),
}


def run(*command, code=0, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=hosts.PATIENCE, env=dict(hosts.BARE_ENVIRONMENT, HOME="/root"), **options)
    text = done.stdout.decode("utf-8")
    if code is not None and done.returncode != code:
        raise AssertionError("%s: exit %d\n%s" % (command, done.returncode, text))
    return text


def folder(mode=0o755):
    path = dualstack.temporary_folder()
    os.chmod(path, mode)
    return path


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=hosts.PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True


def lay_empty(path):
    """An empty folder in memory over this one, in the mount namespace of the tests."""
    os.makedirs(path, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path)
    return path


def directly(*options):
    """What the program prints to user nobody."""
    return run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", PROGRAM, "-f", POLICY, *options,
               code=None).rstrip("\n")


class CarrierCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        lay_empty(os.path.dirname(POLICY))

    @contextlib.contextmanager
    def host_in(self, state):
        """A host in that state, with the services that listen on it."""
        endpoint, rule = STATES[state]
        with self.subTest(state=STATE_NAMES[state]), contextlib.closing(hosts.Services()) as services:
            services.listen("nginx.service", endpoint)
            hosts.write(POLICY, rule + "\n")
            self.assertIn("DUALSTACK " + STATE_NAMES[state], directly())
            yield services

    def in_each_state(self, arrives):
        """Calls it with the number of each state, once the host is in it."""
        for state in STATES:
            with self.host_in(state):
                arrives(state)

    def serve(self, *command, **options):
        server = hosts.Server(list(command), os.path.join(folder(), "log"), env=hosts.BARE_ENVIRONMENT, **options)
        self.addCleanup(server.close)
        return server
