# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What the tests in network namespaces share: real sockets, the program, and an oracle that only ever connects."""

import atexit
import contextlib
import ctypes
import errno
import functools
import itertools
import json
import os
import platform
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ["CHECK_DUALSTACK"]
TOP_SRCDIR = os.environ["TOP_SRCDIR"]
VALGRIND = "DUALSTACK_VALGRIND" in os.environ  # PROGRAM runs it under valgrind (tests/netns/valgrind.sh)
NOBODY = 65534
OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
STATE_NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
# Other users read what the tests write, whatever the caller keeps from them.
os.umask(os.umask(0) & 0o022)

CLONE_NEWNET = 0x40000000
IPPROTO_MPTCP = 262
LIBC = ctypes.CDLL(None, use_errno=True)


def libc(name, *args):
    if getattr(LIBC, name)(*args) != 0:
        code = ctypes.get_errno()
        raise OSError(code, "%s: %s" % (name, os.strerror(code)))


def share(count):
    """So many random hosts, or a tenth of them where valgrind makes a second of each millisecond."""
    return max(1, count // 10) if VALGRIND else count


def not_under_valgrind(what):
    return unittest.skipIf(VALGRIND, "valgrind has %s of its own" % what)


# Network namespaces. A socket stays in the one it was made in, a program runs in the one it was started from.


class Namespace:
    """A network namespace of its own; lo is up inside. "with namespace:" enters it."""

    def __init__(self):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            libc("unshare", CLONE_NEWNET)
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            ip("link set lo up")
        finally:
            libc("setns", home, CLONE_NEWNET)
            os.close(home)
        self.homes = []

    def __enter__(self):
        self.homes.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        libc("setns", self.fd, CLONE_NEWNET)
        return self

    def __exit__(self, *_):
        home = self.homes.pop()
        libc("setns", home, CLONE_NEWNET)
        os.close(home)

    def path(self):
        return "/proc/%d/fd/%d" % (os.getpid(), self.fd)

    def close(self):
        os.close(self.fd)


def ip(words):
    subprocess.run(["ip"] + words.split(), check=True, stdin=subprocess.DEVNULL)


RTF_LOCAL = 0x80000000


def is_local(address):
    """Whether the kernel takes this IPv6 address as one of its own by now."""
    wanted = socket.inet_pton(socket.AF_INET6, address).hex()
    with open("/proc/net/ipv6_route", encoding="ascii", errors="replace") as file:
        return any(fields[0] == wanted and fields[1] == "80" and int(fields[8], 16) & RTF_LOCAL
                   for fields in map(str.split, file))


def address_add(address, prefix, device):
    """The kernel may say that it has an IPv6 address before it takes it as its own. A device may have any name."""
    subprocess.run(["ip", "addr", "add", "%s/%d" % (address, prefix), "dev", device,
                    *(["nodad"] if ":" in address else [])], check=True, stdin=subprocess.DEVNULL)
    if ":" in address:
        eventually(lambda: is_local(address), "a way to " + address)


def sysctl(name, value):
    with open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as file:
        file.write(str(value))


class Network:
    """A host (the namespace the tests' servers and the program run in) and its neighbour, joined by a veth pair."""

    DEVICE = "ve0"
    NEIGHBOUR_DEVICE = "ve1"
    # The host's addresses, by how far they reach.
    ADDRESSES = {
        4: {"external": ["192.0.2.1", "192.0.2.3"], "link": ["169.254.7.1"], "loopback": ["127.0.0.1", "127.0.0.2"]},
        6: {"external": ["2001:db8::1", "2001:db8::3"], "link": ["fe80::7:1"], "loopback": ["::1"]},
    }
    # Clients take their ports from here, so that no service stands in their way.
    CLIENT_PORTS = (60001, 65000)

    def __init__(self):
        self.host = Namespace()
        self.neighbour = Namespace()
        with self.host:
            ip("link add name %s type veth peer name %s netns %s"
               % (self.DEVICE, self.NEIGHBOUR_DEVICE, self.neighbour.path()))
            self._settle(self.DEVICE, [(address, prefix) for addresses, prefixes in (
                (self.ADDRESSES[4], {"external": 24, "link": 16}), (self.ADDRESSES[6], {"external": 64, "link": 64}))
                for scope, prefix in prefixes.items() for address in addresses[scope]])
            self.index = socket.if_nametoindex(self.DEVICE)
        with self.neighbour:
            self._settle(self.NEIGHBOUR_DEVICE, [("192.0.2.2", 24), ("169.254.7.2", 16),
                                                 ("2001:db8::2", 64), ("fe80::7:2", 64)])
            self.neighbour_index = socket.if_nametoindex(self.NEIGHBOUR_DEVICE)

    def _settle(self, device, addresses):
        sysctl("net.ipv6.conf.%s.accept_dad" % device, 0)
        ip("link set %s addrgenmode none" % device)
        ip("link set %s up" % device)
        for address, prefix in addresses:
            address_add(address, prefix, device)
        sysctl("net.ipv4.ip_local_port_range", "%d %d" % self.CLIENT_PORTS)
        # Every refused datagram must be reported, or the oracle waits; a limit of all namespaces together is for masked
        # types alone.
        for name, value in (("net.ipv4.icmp_ratelimit", 0), ("net.ipv6.icmp.ratelimit", 0),
                            ("net.ipv4.icmp_ratemask", 0), ("net.ipv6.icmp.ratemask", 2)):
            with contextlib.suppress(OSError):
                sysctl(name, value)

    def close(self):
        self.host.close()
        self.neighbour.close()


# Sockets


class Sockets(contextlib.ExitStack):
    """Opens sockets in the namespace it is used in, and closes them all at its end."""

    def keep(self, sock):
        return self.enter_context(sock)

    def listener(self, address, port=0, *, protocol="tcp", v6only=None, device=None, reuseport=False, mptcp=False,
                 backlog=64, listen=True):
        """A listener; its port is .getsockname()[1]. fe80:: addresses want "%interface". v6only None: not set."""
        # Of one family the kernel may choose a port that the other has in use, which a split service cannot have.
        port = port or free_port(protocol)
        host, _, zone = address.partition("%")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        sock = socket.socket(family, kind, IPPROTO_MPTCP if mptcp else 0)
        try:
            if protocol == "tcp":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if reuseport:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if v6only is not None:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
            if device:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            if family == socket.AF_INET6:
                sock.bind((host, port, 0, socket.if_nametoindex(zone) if zone else 0))
            else:
                sock.bind((host, port))
            if protocol == "tcp" and listen:
                sock.listen(backlog)
        except BaseException:
            sock.close()
            raise
        return self.keep(sock)

    def client(self, address, port, *, protocol="tcp"):
        """A connected client; an IPv4 address as "::ffff:a.b.c.d" makes it an AF_INET6 socket."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self.keep(socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM))
        sock.settimeout(5)
        sock.connect((address, port))
        return sock

    def connection(self, listener, address):
        """Both ends of a TCP connection, accepted."""
        client = self.client(address, port_of(listener))
        listener.settimeout(5)
        server, _ = listener.accept()
        return client, self.keep(server)


def port_of(sock):
    return sock.getsockname()[1]


def free_port(protocol="tcp"):
    """A port on which nothing listens, at an address of either family."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", 0))
        return port_of(sock)


def eventually(condition, what, seconds=30):
    """Polls until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(0.002)


def directory_remove(path):
    """Of a cgroup: the kernel keeps it for a moment after its last process, and another run may have removed it."""
    def is_removed():
        try:
            os.rmdir(path)
        except OSError as error:
            return isinstance(error, FileNotFoundError)
        return True
    eventually(is_removed, "the removal of %r" % path)


def run_name():
    """What no other test is called at the same time: each may be process 1, of a process namespace of its own."""
    return "%d-%d" % (os.stat("/proc/self/ns/pid").st_ino, os.getpid())


def awaits_input(pid):
    """True when the process waits in a read of its standard input, a pipe, whatever number it has by then."""
    try:
        with open("/proc/%d/syscall" % pid, encoding="ascii") as file:
            words = file.read().split()
        # The number of read() on x86-64, on those before it, and on the machines that came later.
        return (len(words) > 2 and words[0] in ("0", "3", "63")
                and os.readlink("/proc/%d/fd/%d" % (pid, int(words[1], 16))) == os.readlink("/proc/%d/fd/0" % pid))
    except OSError:
        return False


def open_file_limit(wanted):
    """Lifts the soft limit of open files as far as it goes, at most to what is wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


# The oracle: who gets in, found by trying. It knows nothing of v6only, of socket tables or of /proc.


class Oracle:
    REACHES = ("external", "link", "loopback")

    def __init__(self, network):
        self.network = network
        self.nonces = itertools.count(1)
        self.silent = 0  # places that no datagram came to and no refusal came back from
        self.attempts = 0

    def _targets(self, family, reach):
        """Namespace to come from and addresses to go to. From the host itself every address of its own is tried."""
        addresses = self.network.ADDRESSES[family]
        if reach == "loopback":
            zoned = {address: self.network.index for address in addresses["link"]}
            return self.network.host, [(address, zoned.get(address, 0))
                                       for address in addresses["loopback"] + addresses["external"] + addresses["link"]]
        zone = self.network.neighbour_index if reach == "link" else 0
        return self.network.neighbour, [(address, zone) for address in addresses[reach]]

    def reach(self, family, port, protocol="tcp", servers=()):
        """The widest place from which the family gets in: "external", "link", "loopback", or None for nowhere."""
        for reach in self.REACHES:
            namespace, targets = self._targets(family, reach)
            if any(self._gets_in(namespace, family, target, port, protocol, servers) for target in targets):
                return reach
        return None

    def reaches(self, port, protocol="tcp", servers=()):
        return self.reach(4, port, protocol, servers), self.reach(6, port, protocol, servers)

    def _gets_in(self, namespace, family, target, port, protocol, servers):
        self.attempts += 1
        address = (target[0], port) if family == 4 else (target[0], port, 0, target[1])
        with namespace:
            client = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6,
                                   socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        with client:
            if protocol == "tcp":
                return self._connects(client, address, servers)
            # Silence proves little on a busy machine: a refusal or the datagram itself does.
            for _ in range(3):
                answer = self._delivers(client, address, servers)
                if answer is not None:
                    return answer
            self.silent += 1
            return False

    @staticmethod
    def _connects(client, address, servers):
        client.settimeout(2)
        # Ends with a reset, which leaves no TIME-WAIT.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            client.connect(address)
        except OSError as error:
            if error.errno in (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL):
                return False
            raise
        for server in servers:
            server.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                server.accept()[0].close()
        return True

    def _delivers(self, client, address, servers):
        """True or False; None when nothing came back."""
        nonce = b"%d" % next(self.nonces)
        client.settimeout(2)
        try:
            client.connect(address)
            client.send(nonce)
        except OSError as error:
            if error.errno in (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL):
                return False
            raise
        socks = {sock.fileno(): sock for sock in (client, *servers)}
        poll = select.poll()
        for number, sock in socks.items():
            sock.setblocking(False)
            poll.register(number, select.POLLIN)
        end = time.monotonic() + 0.5
        while True:
            ready = poll.poll(max(0, end - time.monotonic()) * 1000)
            if not ready:
                return None
            for number, _ in ready:
                sock = socks[number]
                try:
                    if sock.recv(64) == nonce and sock is not client:
                        return True
                except ConnectionRefusedError:
                    if sock is client:
                        return False
                except BlockingIOError:
                    pass


def stack_of(ipv4, ipv6):
    """The stack that two reaches make, and whether it is lopsided."""
    if ipv4 is None or ipv6 is None:
        return {(False, False): "closed", (True, False): "v4-only", (False, True): "v6-only"}[
            ipv4 is not None, ipv6 is not None], False
    if ipv4 == ipv6:
        return "dual-stack", False
    return ("v4-only" if Oracle.REACHES.index(ipv4) < Oracle.REACHES.index(ipv6) else "v6-only"), True


# The program


class Result:
    def __init__(self, args, code, out):
        self.args = args
        self.code = code
        self.bytes = out
        self.text = out.decode("utf-8")  # raises where it is not UTF-8
        self.lines = self.text.split("\n")[:-1] if self.text.endswith("\n") else self.text.split("\n")

    @property
    def first(self):
        return self.lines[0]

    @property
    def prose(self):
        return self.first.split(" | ", 1)[0]

    @property
    def perfdata(self):
        """The text behind the bar."""
        return self.first.split(" | ", 1)[1]

    @property
    def values(self):
        """Perfdata by label, in its order: [value, warning, critical, minimum]."""
        return {item.split("=", 1)[0]: item.split("=", 1)[1].split(";") for item in self.perfdata.split(" ")}

    @property
    def json(self):
        return json.loads(self.text)

    def __str__(self):
        return "%s\nexit %s\n%s" % (self.args, self.code, self.text)


# What the caller of the tests has set must not steer the program.
STEERING = ("MP_CONFIG_FILE", "NAGIOS_CONFIG_PATH", "POSIXLY_CORRECT", "LANGUAGE")


def schema(name):
    """What validates JSON by a schema of ours, of the draft that it names where jsonschema is recent enough to know it."""
    import jsonschema  # not every test needs it
    with open(os.path.join(TOP_SRCDIR, "plugins", name + ".schema.json"), encoding="utf-8") as file:
        found = json.load(file)
    return jsonschema.validators.validator_for(found)(found)


def environment(**changes):
    env = {key: value for key, value in os.environ.items() if key not in STEERING}
    env["LC_ALL"] = "C"
    env.update(changes)
    return env


def run(*args, uid=None, stdin=b"", env=None, cwd=None, **popen):
    """Runs the program with the arguments, as this user or another; it must write nothing to standard error."""
    popen.update(as_user(uid))
    done = subprocess.run([program_for(uid), *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=50, env=env or environment(), cwd=cwd, check=False, **popen)
    if done.stderr:
        raise AssertionError("standard error of %s: %r" % (args, done.stderr))
    if done.returncode < 0:
        raise AssertionError("%s died by signal %d" % (args, -done.returncode))
    if not done.stdout:
        raise AssertionError("%s printed nothing, exit %d" % (args, done.returncode))
    return Result(args, done.returncode, done.stdout)


def timeless(result):
    """What a run printed, but for the time at which it ran: two runs may stand on either side of a second."""
    return re.sub(rb"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(?::\d\dZ| UTC)", b"-", result.bytes)


def as_user(uid):
    """For Popen. Leaving uid 0 takes all capabilities along."""
    return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}


def unprivileged():
    """None when the program can be run as uid 65534 here, or else the reason why not."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        spans = [tuple(map(int, line.split())) for line in file]
    if not any(first <= NOBODY < first + count for first, _, count in spans):
        return "no run as uid %d: this user namespace maps only uid 0; run the tests as root for it" % NOBODY
    try:
        done = subprocess.run(["/bin/sh", "-c", "grep CapEff /proc/self/status"], stdout=subprocess.PIPE, check=True,
                              **as_user(NOBODY))
    except (OSError, subprocess.SubprocessError) as error:
        return "no run as uid %d: %s" % (NOBODY, error)
    if int(done.stdout.split()[1], 16) != 0:
        return "no run as uid %d: it keeps capabilities (%s)" % (NOBODY, done.stdout.decode().strip())
    return None


@functools.lru_cache(maxsize=None)
def users():
    """Whom to run the program as: this user, and uid 65534 without capabilities where that can be done."""
    reason = unprivileged()
    if reason:
        print("\nNOT TRIED: " + reason, flush=True)
        return (None,)
    return (None, NOBODY)


def as_each_user(test):
    """For a test method that takes the uid to run the program as."""
    @functools.wraps(test)
    def wrapped(self):
        for uid in users():
            with self.subTest(uid=uid):
                test(self, uid)
    return wrapped


_readable = {}


def program_for(uid, program=PROGRAM):
    """The program, or a copy where that user cannot reach it (a build below a private folder)."""
    if uid is None:
        return program
    if (uid, program) not in _readable:
        try:
            subprocess.run([program, "--version"], stdout=subprocess.DEVNULL, check=False, **as_user(uid))
            _readable[uid, program] = program
        except PermissionError:
            _readable[uid, program] = shutil.copy(program, temporary_folder())
            os.chmod(_readable[uid, program], 0o755)
    return _readable[uid, program]


def temporary_folder():
    """A folder that anyone may read, gone at the end."""
    folder = tempfile.mkdtemp(prefix="check_dualstack.")
    os.chmod(folder, 0o755)
    atexit.register(shutil.rmtree, folder, True)
    return folder


def service(report, port, protocol="tcp", **fields):
    """The one entry of a JSON report for that service (and these fields), None when there is none."""
    found = [entry for entry in report["services"] if entry["port"] == port and entry["protocol"] == protocol
             and all(entry[key] == value for key, value in fields.items())]
    if len(found) > 1:
        raise AssertionError("%d entries for %d/%s: %s" % (len(found), port, protocol, found))
    return found[0] if found else None


# What a sandbox refuses: a filter for seccomp, as systemd and container engines set them.

AF_NETLINK, NETLINK_ROUTE = 16, 0
# Of the machine: its number in AUDIT_ARCH, and that of socket().
SYSCALL_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198), "riscv64": (0xC00000F3, 198)}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def refusing_sockets(family, protocol=None, error=errno.EPERM):
    """A preexec_fn: socket() of the family, and of the protocol where one is given, fails with the error."""
    if platform.machine() not in SYSCALL_SOCKET:
        raise unittest.SkipTest("no seccomp filter written for " + platform.machine())
    arch, number = SYSCALL_SOCKET[platform.machine()]
    load, jump_equal, give = 0x20, 0x15, 0x06
    # struct seccomp_data: the call at 0, the machine at 4, the lower halves of the arguments at 16, 24 and 32.
    wanted = [(4, arch), (0, number), (16, family)] + ([] if protocol is None else [(32, protocol)])
    program = []
    for left, (offset, value) in zip(range(len(wanted), 0, -1), wanted):
        program += [(load, 0, 0, offset), (jump_equal, 0, 2 * left - 1, value)]
    program += [(give, 0, 0, 0x00050000 | error), (give, 0, 0, 0x7FFF0000)]

    def filter_calls():
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
        head = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(code)))
        libc("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, head, 0, 0)
    return filter_calls


class TestCase(unittest.TestCase):
    """Each test in a namespace of its own: a host with a neighbour (self.network), or alone where network is False."""

    maxDiff = None
    network_wanted = True
    # Of a host without a neighbour: addresses of both families that are for everyone, not of loopback alone.
    external_wanted = False

    def setUp(self):
        if self.network_wanted:
            self.network = Network()
            self.addCleanup(self.network.close)
            namespace = self.network.host
            self.oracle = Oracle(self.network)
        else:
            namespace = Namespace()
            self.addCleanup(namespace.close)
        namespace.__enter__()
        self.addCleanup(namespace.__exit__)
        if self.external_wanted:
            address_add("192.0.2.1", 32, "lo")
            address_add("2001:db8::1", 128, "lo")
        self.sockets = Sockets()
        self.addCleanup(self.sockets.close)

    def check(self, code, *args, **options):
        """Runs the program, which must exit with the code."""
        result = run(*args, **options)
        self.assertEqual(result.code, code, str(result))
        return result

    def report(self, *args, **options):
        """The JSON report; its state is the exit code."""
        result = run("--format=json", *args, **options)
        report = result.json
        self.assertEqual(report["state"], STATE_NAMES[result.code], str(result))
        return report


def main():
    # Process 1 of a process namespace ignores what it has no handler for (tests/netns/in_namespace.sh).
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    unittest.main(verbosity=2)
