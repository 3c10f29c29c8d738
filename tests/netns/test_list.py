# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--list: netstat's rows, what is on the wire, the sentences, and what becomes of it when something cannot be read."""

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import time
import unittest

import dualstack
from dualstack import OK, PROGRAM, UNKNOWN, port_of

HEADINGS = ["Proto", "Recv-Q", "Send-Q", "Local Address", "Foreign Address", "State", "On the wire", "User", "Unit"]
RIGHT_ALIGNED = ("Recv-Q", "Send-Q")
GAP = "  "
F_SETPIPE_SZ = 1031

# A copy of /proc/net/tcp needs its heading.
PROC_HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
STATES = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT", 7: "CLOSE",
          8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN_RECV"}


def about_sockets(remarks):
    """Without those on units: a chroot may have no cgroup2 mount to tell them by."""
    return [remark for remark in remarks if not remark.startswith("units are not known: no usable cgroup2 mount")]


class Table:
    """The table, read by the columns of its heading; what does not fit them is an error."""

    def __init__(self, text):
        lines = text.split("\n")
        assert lines.pop() == "", "the last line is not whole"
        self.spans = self._spans(lines[0])
        self.rows = []
        self.notes = []  # the sentence under each row, "" for none
        self.rest = []  # what stands behind the rows
        for line in lines[1:]:
            if line.startswith(" "):
                assert self.notes[-1] == "", "two sentences under one row: " + line
                self.notes[-1] = line.strip()
            elif line.startswith(("tcp", "udp")):
                self.rows.append(self._row(line))
                self.notes.append("")
            else:
                self.rest.append(line)

    @staticmethod
    def _spans(heading):
        spans, end = [], 0
        for name, following in zip(HEADINGS, HEADINGS[1:] + [None]):
            start = end
            if following is None:
                end = None
            elif following in RIGHT_ALIGNED or name in RIGHT_ALIGNED:
                end = heading.index(name) + len(name) + len(GAP)
                # The space on the left of a number belongs to its column.
            else:
                end = heading.index(following)
            spans.append((start, end))
            assert heading[start:end].strip() == name, (name, heading)
        return spans

    def _row(self, line):
        cells = []
        for start, end in self.spans:
            cell = line[start:end]
            assert end is None or cell.endswith(GAP), "sticks out: %r in %r" % (cell, line)
            cells.append(cell.strip())
        return tuple(cells)

    def netstat_rows(self):
        return sorted(row[:6] for row in self.rows)

    def find(self, proto, local, foreign=None):
        """Wire and sentence of the one row."""
        found = [(row[6], note) for row, note in zip(self.rows, self.notes)
                 if row[0] == proto and row[3] == local and foreign in (None, row[4])]
        assert len(found) == 1, (proto, local, foreign, found)
        return found[0]


def netstat_rows():
    done = subprocess.run(["netstat", "-tuanW"], stdout=subprocess.PIPE, env=dualstack.environment(), check=True)
    rows = [line.split() for line in done.stdout.decode("ascii").split("\n") if line.startswith(("tcp", "udp"))]
    return sorted(tuple(row + [""] * (6 - len(row))) for row in rows)


class ListCase(dualstack.TestCase):
    network_wanted = False
    external_wanted = True

    def table(self, *args, code=OK, **options):
        return Table(self.check(code, "--list", *args, **options).text)


class Rows(ListCase):
    def assort(self):
        """At least 60 sockets, of every protocol, family and binding, and in most states that there are."""
        listener, client, connection = self.sockets.listener, self.sockets.client, self.sockets.connection
        for protocol in ("tcp", "udp"):
            for address in ("0.0.0.0", "127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1", "::ffff:0.0.0.0"):
                listener(address, protocol=protocol)
            for v6only in (False, True):
                listener("::", protocol=protocol, v6only=v6only)
                listener("::", protocol=protocol, v6only=v6only, device="lo")
            listener("127.0.0.1", protocol=protocol, device="lo")
        with contextlib.suppress(OSError):
            listener("::", v6only=False, mptcp=True)
        dual, ipv4, ipv6 = listener("::", v6only=False), listener("0.0.0.0"), listener("::", v6only=True)
        pairs = [connection(dual, "127.0.0.1"), connection(dual, "::ffff:127.0.0.1"), connection(dual, "::1"),
                 connection(ipv4, "127.0.0.1"), connection(ipv4, "::ffff:127.0.0.2"), connection(ipv6, "::1")]
        pairs[0][0].send(b"x" * 300)
        for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            near = listener(address, protocol="udp")
            client(address, port_of(near), protocol="udp").send(b"y" * 100)
        self.half_closed(dual)
        self.never_established(dual)

    def half_closed(self, dual):
        for address in ("127.0.0.1", "::1"):
            # TIME_WAIT, CLOSE_WAIT with FIN_WAIT2 held by a process, and the same held by none.
            for ends in range(3):
                near, far = self.sockets.connection(dual, address)
                if ends == 1:
                    far.shutdown(socket.SHUT_WR)
                    continue
                far.close()
                if ends == 0:
                    near.close()
            # Data that the peer has no room for holds the farewell back: FIN_WAIT1, and LAST_ACK behind a FIN.
            for peer_first in (False, True):
                near, far = self.sockets.connection(dual, address)
                if peer_first:
                    far.shutdown(socket.SHUT_WR)
                near.setblocking(False)
                self.fill(near)
                near.close()

    def fill(self, sock):
        """Sends until nothing more goes, twice: buffers grow meanwhile."""
        for _ in range(2):
            with contextlib.suppress(BlockingIOError):
                while True:
                    sock.send(b"z" * 65536)
            time.sleep(0.05)

    def never_established(self, dual):
        # SYN_RECV: a listener that waits for data.
        late = self.sockets.listener("::", v6only=False)
        late.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 60)
        for address in ("127.0.0.1", "::1"):
            self.sockets.client(address, port_of(late))
        # SYN_SENT: a listener that is full.
        full = self.sockets.listener("127.0.0.1", backlog=0)
        self.sockets.client("127.0.0.1", port_of(full))
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")):
            sock = self.sockets.keep(socket.socket(family))
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect((address, port_of(full)))
        # Not accepted yet.
        self.sockets.client("::1", port_of(dual))

    def assert_netstats(self, *args, **options):
        """Timers run and windows move: what netstat says before and after must be the same for it to count."""
        for _ in range(20):
            before = netstat_rows()
            table = self.table(*args, **options)
            if before == netstat_rows():
                break
        self.assertEqual(table.netstat_rows(), before)
        return table

    @unittest.skipUnless(shutil.which("netstat"), "no netstat here (net-tools)")
    @dualstack.as_each_user
    def test_equal_netstat(self, uid):
        if uid is None:
            self.assort()
        else:
            # The sockets of the first run are still there.
            self.assertTrue(self.table().rows)
        for args in ([], ["--source=netlink"], ["--source=procfs"], ["-v"], ["-v", "--source=procfs"]):
            with self.subTest(args=args):
                table = self.assert_netstats(*args, uid=uid)
                self.assertGreaterEqual(len(table.rows), 60)
                self.assertEqual({row[5] for row in table.rows} - {""},
                                 {"LISTEN", "ESTABLISHED", "TIME_WAIT", "CLOSE_WAIT", "FIN_WAIT1", "FIN_WAIT2",
                                  "LAST_ACK", "SYN_SENT", "SYN_RECV"})
                self.assertEqual([row[0] for row in table.rows], sorted(row[0] for row in table.rows))
                self.assertEqual(about_sockets(table.rest), [])

    def test_no_socket_at_all(self):
        result = self.check(OK, "--list")
        self.assertEqual([result.first.split(GAP)[0], len(result.lines)], ["Proto", 1])

    def test_copies_with_every_state(self):
        folder = dualstack.temporary_folder()
        with open(folder + "/tcp", "w", encoding="ascii") as file:
            file.write(PROC_HEADING)
            for state in STATES:
                file.write("%4d: 0100007F:%04X 020200C0:0050 %02X 00000007:FFFFFFFF 00:00000000 00000000  1000        0 "
                           "77 1 0000000000000000 20 4 30 10 -1\n" % (state, 8000 + state, state))
        with open(folder + "/udp", "w", encoding="ascii") as file:
            file.write(PROC_HEADING)
        table = self.table("--procfs=" + folder)
        self.assertEqual([row[:6] for row in table.rows],
                         [("tcp", "4294967295", "7", "127.0.0.1:%d" % (8000 + state), "192.0.2.2:80", word)
                          for state, word in STATES.items()])
        # Another host's users are not this one's.
        self.assertEqual({row[6:] for row in table.rows}, {("IPv4", "1000", "-")})

    def test_long_addresses_are_whole(self):
        address = "2001:db8:1111:2222:3333:4444:5555:6666"
        dualstack.address_add(address, 128, "lo")
        listener = self.sockets.listener(address)
        client, _ = self.sockets.connection(listener, address)
        table = self.table()
        self.assertEqual(table.find("tcp6", "%s:%d" % (address, port_of(client)),
                                    "%s:%d" % (address, port_of(listener))), ("IPv6", ""))
        self.assertEqual(table.find("tcp6", "%s:%d" % (address, port_of(listener)), ":::*"), ("IPv6", ""))


class Wire(ListCase):
    def test_listeners(self):
        expected = [
            ("0.0.0.0", {}, "IPv4", ""),
            ("127.0.0.1", {"device": "lo"}, "IPv4", "bound to the interface lo"),
            ("::", {"v6only": False}, "IPv4+IPv6", "accepts IPv4 too: IPV6_V6ONLY is off"),
            ("::", {"v6only": True}, "IPv6", "accepts no IPv4: IPV6_V6ONLY is on"),
            ("::", {"v6only": True, "device": "lo"}, "IPv6",
             "accepts no IPv4: IPV6_V6ONLY is on, bound to the interface lo"),
            ("::1", {}, "IPv6", ""),
            ("::ffff:127.0.0.1", {}, "IPv4",
             "accepts IPv4 only: it is bound to the IPv4-mapped address ::ffff:127.0.0.1"),
            ("::ffff:0.0.0.0", {}, "IPv4", "accepts IPv4 only: it is bound to the IPv4-mapped address ::ffff:0.0.0.0"),
        ]
        for protocol in ("tcp", "udp"):
            ports = [port_of(self.sockets.listener(address, protocol=protocol, **how))
                     for address, how, _, _ in expected]
            table = self.table("-v")
            for (address, _, wire, sentence), port in zip(expected, ports):
                proto = protocol + ("6" if ":" in address else "")
                local = "%s:%d" % (address.replace("::ffff:", ""), port)
                with self.subTest(proto=proto, address=address):
                    self.assertEqual(table.find(proto, local), (wire, sentence))
        self.assertEqual(set(self.table().notes), {""}, "no sentences without -v")

    def test_reach(self):
        """A listener has on the wire what reaches it now, and what the host lacks is reported once."""
        ports = [port_of(self.sockets.listener(address, **how)) for address, how in
                 (("::", {"v6only": False}), ("::", {"v6only": True}), ("0.0.0.0", {}), ("2001:db8::1", {}),
                  ("::1", {}))]
        dual, only, ipv4, gone, loopback = ports
        dualstack.ip("addr del 2001:db8::1/128 dev lo")
        table = self.table("-v")
        self.assertEqual([table.find("tcp6", ":::%d" % port) for port in (dual, only)],
                         [("IPv4+IPv6", "accepts IPv4 too: IPV6_V6ONLY is off, and only this host itself reaches it over "
                           "IPv6"),
                          ("IPv6", "accepts no IPv4: IPV6_V6ONLY is on, and only this host itself reaches it over IPv6")])
        self.assertEqual(table.find("tcp6", "2001:db8::1:%d" % gone),
                         ("nothing", "nothing reaches it over IPv6: 2001:db8::1 is not an address of this host now"))
        self.assertEqual((table.find("tcp", "0.0.0.0:%d" % ipv4), table.find("tcp6", "::1:%d" % loopback)),
                         (("IPv4", ""), ("IPv6", "")))
        self.assertEqual(about_sockets(table.rest), ["this host has no IPv6 address beyond ::1"])
        self.assertEqual(about_sockets(self.table().rest), [])
        dualstack.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        table = self.table("-v")
        self.assertEqual([table.find("tcp6", ":::%d" % port) for port in (dual, only)],
                         [("IPv4", "accepts IPv4 too: IPV6_V6ONLY is off, and nothing reaches it over IPv6"),
                          ("nothing", "accepts no IPv4: IPV6_V6ONLY is on, and nothing reaches it over IPv6")])
        self.assertEqual(about_sockets(table.rest), ["this host has no IPv6 address"])

    def test_procfs_does_not_tell_v6only(self):
        silent = self.sockets.listener("::", v6only=True)
        proven = self.sockets.listener("::", v6only=False)
        _, server = self.sockets.connection(proven, "127.0.0.1")
        table = self.table("-v", "--source=procfs")
        for listener in (silent, proven):
            self.assertEqual(table.find("tcp6", ":::%d" % port_of(listener)),
                             ("IPv6, and IPv4 unknown", "whether it accepts IPv4 too cannot be determined: IPV6_V6ONLY is not visible here"))
        self.assertEqual(table.find("tcp6", "127.0.0.1:%d" % port_of(server), None)[1],
                         "suggests that the AF_INET6 listener [::]:%d has IPV6_V6ONLY off: if not, this is outbound, or of a "
                         "listener that is gone" % port_of(proven))

    def test_connections(self):
        dual = self.sockets.listener("::", v6only=False)
        ipv4 = self.sockets.listener("0.0.0.0")
        mapped = self.sockets.listener("::ffff:127.0.0.1")
        mapped_wildcard = self.sockets.listener("::ffff:0.0.0.0")
        gone_or_outbound = "IPv4 connection of an AF_INET6 socket, outbound or of a listener that is gone"
        expected = []

        def expect(sock, proto, wire, sentence):
            local, foreign = ["%s:%d" % (name[0].replace("::ffff:", ""), name[1])
                              for name in (sock.getsockname(), sock.getpeername())]
            expected.append(((proto, local, foreign), (wire, sentence)))

        client, server = self.sockets.connection(dual, "127.0.0.1")
        expect(client, "tcp", "IPv4", "")
        expect(server, "tcp6", "IPv4 (mapped)",
               "IPv4 client of the AF_INET6 listener [::]:%d, which has IPV6_V6ONLY off" % port_of(dual))
        client, server = self.sockets.connection(dual, "::1")
        expect(client, "tcp6", "IPv6", "")
        expect(server, "tcp6", "IPv6", "")
        client, server = self.sockets.connection(ipv4, "::ffff:127.0.0.1")
        expect(client, "tcp6", "IPv4 (mapped)", gone_or_outbound)
        expect(server, "tcp", "IPv4", "")
        for listener, address in ((mapped, "::ffff:127.0.0.1"), (mapped_wildcard, "::ffff:0.0.0.0")):
            _, server = self.sockets.connection(listener, "127.0.0.1")
            expect(server, "tcp6", "IPv4 (mapped)", "IPv4 client of the AF_INET6 listener [%s]:%d, which is bound to an "
                   "IPv4-mapped address" % (address, port_of(listener)))
        gone = self.sockets.listener("::", v6only=False)
        _, server = self.sockets.connection(gone, "127.0.0.1")
        expect(server, "tcp6", "IPv4 (mapped)", gone_or_outbound)
        port = port_of(gone)
        gone.close()
        self.sockets.listener("::", port, v6only=True)
        udp = self.sockets.listener("127.0.0.1", protocol="udp")
        expect(self.sockets.client("::ffff:127.0.0.1", port_of(udp), protocol="udp"), "udp6", "IPv4 (mapped)",
               gone_or_outbound)
        table = self.table("-v")
        for key, value in expected:
            with self.subTest(row=key):
                self.assertEqual(table.find(*key), value)

    def test_owner(self):
        mine = self.sockets.listener("0.0.0.0")
        table = self.table()
        self.assertEqual([row[7] for row in table.rows], ["root"])
        if dualstack.unprivileged() is None:
            os.fchown(mine.fileno(), 54321, 54321)
            self.assertEqual([row[7] for row in self.table().rows], ["54321"])
        # What no process holds has no owner.
        mine.setblocking(True)
        client, server = self.sockets.connection(mine, "127.0.0.1")
        server.close()
        client.close()
        owners = {row[5]: row[7:] for row in self.table().rows}
        self.assertEqual(owners["TIME_WAIT"], ("-", "-"))


class Json(ListCase):
    half_closed, fill, never_established = Rows.half_closed, Rows.fill, Rows.never_established

    def test_a_line_for_each_socket_and_one_for_the_whole(self):
        dual = self.sockets.listener("::", v6only=False)
        client, server = self.sockets.connection(dual, "127.0.0.1")
        *rows, end = [dualstack.json.loads(line) for line in self.check(OK, "--list", "--format=json").lines]
        self.assertEqual((end["state"], end["sockets"], about_sockets(end["remarks"]), end["errors"]), ("OK", 3, [], []))
        by_port = {(row["port"], row["remote_port"]): row for row in rows}
        listening = by_port[port_of(dual), None]
        self.assertEqual((listening["protocol"], listening["family"], listening["state"], listening["address"],
                          listening["remote_address"], listening["v6only"], listening["on_the_wire"], listening["user"]),
                         ("tcp", "inet6", "LISTEN", "::", None, False, "IPv4+IPv6", "root"))
        self.assertEqual((listening["reach"], by_port[port_of(dual), port_of(client)]["reach"]),
                         ({"ipv4": "external", "ipv6": "external"}, None))
        served = by_port[port_of(dual), port_of(client)]
        self.assertEqual((served["address"], served["remote_address"], served["v6only"], served["on_the_wire"]),
                         ("::ffff:127.0.0.1", "::ffff:127.0.0.1", None, "IPv4 (mapped)"))
        self.assertEqual(port_of(server), port_of(dual))
        self.assertIn("IPv4 client of the AF_INET6 listener", served["note"])

    def assert_as_the_check(self, *source):
        *rows, _ = [dualstack.json.loads(line) for line in self.check(OK, "--list", "--format=json", *source).lines]
        report = self.report(*source)
        reaches = {(entry["protocol"], listener["family"], listener["address"], listener["port"], listener["interface"],
                    listener["v6only"]): listener["reach"]
                   for entry in report["services"] for listener in entry["listeners"]}
        listed = {(row["protocol"], row["family"], row["address"], row["port"], row["interface"], row["v6only"]):
                  row["reach"] for row in rows if row["reach"] is not None}
        self.assertEqual(listed, reaches)
        mapped = [row["note"] for row in rows if row["on_the_wire"] == "IPv4 (mapped)" and row["state"] == "ESTABLISHED"]
        inbound = [note for note in mapped if "if not, this is outbound" in note or "outbound" not in note]
        self.assertEqual((len(inbound), len(mapped) - len(inbound)),
                         (report["totals"]["mapped"], report["totals"]["mapped_out"]))
        return len(inbound), len(mapped)

    def test_what_the_check_says_too(self):
        Rows.assort(self)
        listener, connection = self.sockets.listener, self.sockets.connection
        left = listener("::", v6only=False)
        connection(left, "127.0.0.1")
        left.close()
        for address in ("192.0.2.1", "2001:db8::1"):
            for protocol in ("tcp", "udp"):
                listener(address, protocol=protocol)
        for change in (None, "addr del 2001:db8::1/128 dev lo", "addr del 192.0.2.1/32 dev lo", "addr flush dev lo"):
            if change:
                dualstack.ip(change)
            for source in ((), ("--source=procfs",)):
                with self.subTest(change=change, source=source):
                    inbound, mapped = self.assert_as_the_check(*source)
                    self.assertTrue(0 < inbound < mapped, (inbound, mapped))

    def test_nothing_and_failure_are_told(self):
        self.assertEqual(self.check(OK, "--list", "--format=json").json["sockets"], 0)
        folder = dualstack.temporary_folder()
        result = self.check(UNKNOWN, "--list", "--format=json", "--procfs=" + folder)
        self.assertEqual((result.json["state"], len(result.json["errors"])), ("UNKNOWN", 2))


class Failures(ListCase):
    def copies(self, **changes):
        """A folder of copies of /proc/net's files; a change of None leaves one out."""
        folder = dualstack.temporary_folder()
        for name in ("tcp", "tcp6", "udp", "udp6", "if_inet6", "fib_trie"):
            with open("/proc/net/" + name, "rb") as file:
                content = file.read()
            content = changes.get(name, content)
            if content is not None:
                with open("%s/%s" % (folder, name), "wb") as file:
                    file.write(content)
        return folder

    def test_one_protocol_unreadable(self):
        self.sockets.listener("0.0.0.0")
        self.sockets.listener("0.0.0.0", protocol="udp")
        table = self.table("--procfs=" + self.copies(udp=None, udp6=None, fib_trie=None), code=UNKNOWN)
        self.assertEqual([row[0] for row in table.rows], ["tcp"])
        self.assertEqual(table.rest.pop(0),
                         "the IPv4 addresses of this host are not known, so reach is as far as sockets are bound")
        self.assertRegex("\n".join(table.rest), r"\ADUALSTACK UNKNOWN: UDP sockets cannot be read: [^\n]*\Z")
        table = self.table("--procfs=" + self.copies(tcp6=b""), code=UNKNOWN)
        self.assertEqual([row[0] for row in table.rows], ["udp"])
        self.assertRegex("\n".join(table.rest), r"\ADUALSTACK UNKNOWN: TCP sockets cannot be read: [^\n]*empty[^\n]*\Z")

    def test_nothing_readable(self):
        result = self.check(UNKNOWN, "--list", "--procfs=" + dualstack.temporary_folder())
        self.assertTrue(result.first.startswith("DUALSTACK UNKNOWN: TCP sockets cannot be read: "), str(result))
        self.assertIn("UDP sockets cannot be read: ", result.lines[-1])

    def test_standard_output_full(self):
        with open("/dev/full", "wb") as full:
            for args in ([], ["--format=json"]):
                done = subprocess.run([PROGRAM, "--list", *args], stdout=full, stderr=subprocess.PIPE, timeout=30,
                                      check=False)
                self.assertEqual((done.returncode, done.stderr), (UNKNOWN, b""))

    def strace(self, injection, *args):
        if not shutil.which("strace"):
            self.skipTest("no strace here")
        done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", "trace=" + injection.split(":")[0],
                               "-e", "inject=" + injection, PROGRAM, "--list", *args], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=dualstack.environment(ASAN_OPTIONS="detect_leaks=0"),
                              timeout=50, check=False)
        if b"strace: " in done.stderr:
            self.skipTest("strace cannot trace here: " + done.stderr.decode("utf-8", "replace").strip())
        return Table(done.stdout.decode("utf-8")), done.returncode

    def test_refused_falls_back_and_says_so(self):
        self.sockets.listener("::", v6only=True)
        table, code = self.strace("sendto:error=EPERM")
        self.assertEqual((code, len(table.rows), table.rows[0][6]), (OK, 1, "IPv6, and IPv4 unknown"))
        self.assertEqual(len(table.rest), 2)
        for line in table.rest:
            self.assertRegex(line, r"\A(TCP|UDP) sockets were read from /proc/net, which lacks v6only and interfaces: .*not permitted")
        table, code = self.strace("sendto:error=EPERM", "--source=procfs")
        self.assertEqual((code, table.rest), (OK, []))

    def test_broken_off(self):
        """Each answer of the kernel fails once: whole lists with 0, or what was told and a last line with 3."""
        for port in range(2000, 2600):
            self.sockets.listener("127.0.0.1", port)
        seen = set()
        for number in range(1, 30):
            for error in ("ENOBUFS", "EIO"):
                table, code = self.strace("recvmsg:error=%s:when=%d" % (error, number))
                self.assertEqual(len(set(table.rows)), len(table.rows), "a row twice")
                seen.add(code)
                if code == OK:
                    self.assertEqual(len(table.rows), 600, (error, number))
                else:
                    self.assertEqual(code, UNKNOWN)
                    self.assertRegex(table.rest[-1], r"\ADUALSTACK UNKNOWN: the list of tcp sockets is incomplete: ")
        self.assertEqual(seen, {OK, UNKNOWN})


class Size(ListCase):
    def peak(self, *args):
        """Rows and the most memory in KB that was its own, read while the program waits for its reader. The kernel counts
        that exactly here alone; VmHWM is off by up to 128 KB for each processor."""
        reader, writer = os.pipe()
        fcntl.fcntl(reader, F_SETPIPE_SZ, 4096)
        # A sanitizer would keep what is freed.
        env = dualstack.environment(ASAN_OPTIONS="quarantine_size_mb=0:thread_local_quarantine_size_kb=0")
        process = subprocess.Popen([PROGRAM, "--list", "-t", "60", *args], stdout=writer, env=env)
        os.close(writer)
        lines, peak = 0, 0
        with os.fdopen(reader, "rb", buffering=0) as stream:
            while True:
                with contextlib.suppress(OSError), open("/proc/%d/smaps_rollup" % process.pid, encoding="ascii") as file:
                    peak = max([peak] + [int(line.split()[1]) for line in file if line.startswith("Anonymous:")])
                piece = stream.read(4096)
                if not piece:
                    break
                lines += piece.count(b"\n")
        self.assertEqual(process.wait(), OK)
        return lines, peak

    def connect(self, count):
        """Children that hold `count` connections to dual listeners, which nobody accepts: no file for that end."""
        dualstack.sysctl("net.core.somaxconn", 4096)
        per_child = 900
        listener = None
        for made in range(0, count, per_child):
            if made % 3600 == 0:
                listener = self.sockets.listener("::", v6only=False, backlog=4096)
            ready, told = os.pipe()
            child = os.fork()
            if child == 0:
                self.hold(port_of(listener), min(per_child, count - made), told)
            self.addCleanup(os.waitpid, child, 0)
            self.addCleanup(os.kill, child, 9)
            os.close(told)
            with os.fdopen(ready, "rb") as stream:
                self.assertEqual(stream.read(1), b"1", "a child could not connect")

    @staticmethod
    def hold(port, count, told):
        try:
            held = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
            os.write(told, b"1")
            os.close(told)
            time.sleep(300 if held else 0)
        finally:
            os._exit(1)

    @dualstack.not_under_valgrind("memory")
    def test_memory_does_not_grow(self):
        self.connect(500)
        few = {args: self.peak(*args) for args in ((), ("-v",), ("--format=json",), ("--source=procfs",))}
        self.connect(9500)
        for args, (lines, peak) in few.items():
            many_lines, many_peak = self.peak(*args)
            print("%s: %d lines %d KB, %d lines %d KB" % (args, lines, peak, many_lines, many_peak), flush=True)
            with self.subTest(args=args):
                self.assertGreater(lines, 1000)
                self.assertGreater(many_lines, 20000)
                self.assertGreater(peak, 0)
                self.assertLessEqual(many_peak - peak, 256)


if __name__ == "__main__":
    dualstack.main()
