# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Reports on a fleet: CSV as others read it, a page that holds what it says, and hosts that are there or are not."""

import base64
import contextlib
import csv
import datetime
import hashlib
import html.parser
import io
import json
import os
import pty
import re
import signal
import subprocess
import time

import dualstack
from dualstack import CRITICAL, OK, STATE_NAMES, UNKNOWN, WARNING

DATA = os.path.join(dualstack.TOP_SRCDIR, "tests", "data", "captures")
POLICY = ("22 dual-stack name=ssh", "443 v6-only name=web waive-until=2026-12-24 note=OPS-1", "5432 any bind=loopback missing=ok",
          "80 any missing=ok waive-until=2026-11-01", "default any")

# What a spreadsheet or a browser could take for its own.
HOSTILE_NAMES = ("=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", " =1", 'a"b,c;d', "line\nline",
                 "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</pre></details><h1>", "a\u202eb", "c\x7f\u009b31m",
                 "&lt;b&gt;", "\u00fc", "--></style>")


def rules(*texts):
    return [word for text in texts for word in ("-r", text)]


def read_capture(name):
    with open(os.path.join(DATA, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def columns():
    """The names of all columns, from the manual."""
    with open(os.path.join(dualstack.TOP_SRCDIR, "plugins", "check_dualstack.1"), encoding="utf-8") as file:
        table = file.read().split("\n.Ss CSV\n")[1].split("\n.It Em column Ta Em value\n")[1].split("\n.El\n")[0]
    return [name for line in table.split("\n") for name in line[len(".It "):].split(" Ta ")[0].split(" , ")]


class Reports(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        self.folder = dualstack.temporary_folder()
        self.argument = "--replay=" + self.folder
        self.files = 0

    def add(self, host="web1", name="good-web", change=None, file=None, **members):
        """Puts a capture into the folder."""
        capture = read_capture(name)
        capture.update(host=host, **members)
        if change is not None:
            change(capture)
        self.files += 1
        path = os.path.join(self.folder, file or "%04d.json" % self.files)
        with open(path, "w", encoding="utf-8") as target:
            json.dump(capture, target)
        return path

    def table(self, code, *args):
        """The rows of a CSV answer, as dictionaries."""
        result = self.check(code, "--format=csv", *args)
        self.assertTrue(result.bytes.endswith(b"\r\n"))
        self.assertNotRegex(result.bytes.replace(b"\r\n", b""), b"[\r\n\0]")
        self.assertNotRegex(result.text, "[\x7f-\x9f\u202e]")
        rows = list(csv.reader(io.StringIO(result.text, newline=""), strict=True))
        self.assertEqual(rows[0], columns())
        for row in rows:
            self.assertEqual(len(row), len(rows[0]), row)
            for cell in row:
                self.assertNotRegex(cell, r"\A\s*[=+@-]")
        return [dict(zip(rows[0], row)) for row in rows[1:]]

    def objects(self, code, *args):
        result = self.check(code, "--format=json", *args)
        validator = dualstack.schema("check_dualstack")
        objects = [json.loads(line) for line in result.lines]
        for entry in objects:
            validator.validate(entry)
        return objects


class Csv(Reports):
    def test_rows_are_what_json_says(self):
        for name in ("good-web", "good-v4-only", "good-quiet", "good-names"):
            self.add(host=name, name=name)
        arguments = [self.argument, *rules(*POLICY)]
        *hosts, fleet = self.objects(CRITICAL, *arguments)
        *rows, end = self.table(CRITICAL, *arguments)
        self.assertEqual({row["row"] for row in rows}, {"service"})
        services = [(host, service) for host in hosts for service in host["services"]]
        self.assertEqual(len(rows), len(services))
        for row, (host, service) in zip(rows, services):
            self.assertEqual((row["host"], row["time"]), (host["host"], host["time"]))
            for member in ("state", "name", "protocol", "stack"):
                self.assertEqual(row[member], service[member])
            for member in ("scope", "rule", "origin", "required", "form", "waive_until", "note"):
                self.assertEqual(row[member].lstrip("'"), service[member] or "")
            self.assertEqual(row["port"], str(service["port"]))
            self.assertEqual(row["waived"], str(service["waived"]).lower())
            self.assertEqual((row["reach_ipv4"], row["reach_ipv6"]),
                             tuple(service["reach"][family] or "" for family in ("ipv4", "ipv6")))
            self.assertEqual(row["reasons"].count("; ") + 1 if row["reasons"] else 0, len(service["reasons"]))
            self.assertEqual({member: row[member] for member in ("ipv4", "ipv4_mapped", "ipv6")},
                             {member: str(count) for member, count in service["connections"].items()})
        self.assertEqual((end["row"], end["state"], end["hosts_judged"], end["hosts"]), ("end", fleet["state"], "4", "4"))
        self.assertEqual({row["hosts_judged"] for row in rows}, {""})

    def test_hostile_names(self):
        for name in HOSTILE_NAMES:
            self.add(host=name, change=lambda capture, name=name: capture["listeners"][0].update(unit=name))
        rows = [row for row in self.table(CRITICAL, self.argument, *rules("22 closed")) if row["name"] == "tcp_22"]
        self.assertEqual(len(rows), len(HOSTILE_NAMES))
        names = {row["host"] for row in rows}
        for wanted in ("'=cmd|' /C calc'!A0", "'+1", "'-1+1", "'@SUM(1)", "' =1", 'a"b,c;d', "line line", "\u00fc",
                       "<script>alert(1)</script>", "a b", "c  31m"):
            self.assertIn(wanted, names)
        self.assertTrue(any('(a"b,c;d)' in row["listeners"] for row in rows))

    def test_every_host_has_a_row(self):
        """Also what cannot be read, what has no service, and what is off for other causes than its services."""
        self.add(host="empty", change=lambda capture: capture.update(listeners=[], connections=[]))
        self.add(host="crowded", change=lambda capture: capture["connections"][1].update(ipv4_mapped=900))
        with open(os.path.join(self.folder, "broken.json"), "w", encoding="utf-8"):
            pass
        *rows, end = self.table(CRITICAL, self.argument, "-c", "100")
        found = {row["host"] or os.path.basename(row["file"]): (row["state"], row["reasons"]) for row in rows
                 if row["row"] == "host"}
        self.assertEqual(set(found), {"empty", "crowded", "broken.json"})
        self.assertEqual([found[host][0] for host in ("empty", "crowded", "broken.json")], ["OK", "CRITICAL", "UNKNOWN"])
        self.assertIn("900 v4-mapped connections, must be at most 100", found["crowded"][1])
        self.assertEqual((end["hosts_judged"], end["hosts"]), ("2", "3"))

    def test_this_host_and_mistakes(self):
        self.assertEqual(self.table(OK)[-1]["row"], "end")
        row, end = self.table(UNKNOWN, "-r", "443 dualstack")
        self.assertEqual((row["row"], row["state"], end["hosts_judged"]), ("host", "UNKNOWN", "0"))
        self.assertIn("dualstack", row["reasons"])
        for mode in ("--list", "--lint", "--learn", "--capture"):
            self.assertIn("does not go with", self.table(UNKNOWN, mode)[0]["reasons"])


class Page(html.parser.HTMLParser):
    """What a page holds. A tag that is closed must be the one that is open, but for those whose end may be left out."""

    ENDLESS = {"meta", "input", "br", "rect"}
    OPTIONAL = {"td", "tr", "th", "dt", "dd", "li", "p", "html", "head", "body", "tbody", "thead"}

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.tags = []
        self.texts = {}
        self.text = []
        self.feed(text)
        self.close()
        self.open = [tag for tag in self.open if tag not in self.OPTIONAL]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.ENDLESS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.open and self.open[-1] != tag and self.open[-1] in self.OPTIONAL:
            self.open.pop()
        if not self.open or self.open.pop() != tag:
            raise AssertionError("</%s> at %s" % (tag, self.getpos()))

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style", "script", "title"):
            self.texts[self.open[-1]] = data
        else:
            self.text.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class Html(Reports):
    def page(self, code, *args):
        """A page that is whole, and takes nothing from elsewhere."""
        result = self.check(code, "--format=html", *args)
        self.assertNotRegex(result.text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
        page = Page(result.text)
        self.assertEqual(page.open, [])
        self.assertEqual(page.of("html"), [{"lang": "en"}])
        self.assertEqual(len(page.of("h1")), 1)
        for tag, attributes in page.tags:
            self.assertFalse({"src", "style", "srcset", "action", "data"} & set(attributes), (tag, attributes))
            self.assertFalse([name for name in attributes if name.startswith("on")], (tag, attributes))
            self.assertTrue(attributes.get("href", "#").startswith("#"), (tag, attributes))
        self.assertFalse({"link", "img", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags})
        return page

    def test_nothing_runs_but_its_own_script(self):
        self.add()
        page = self.page(OK, self.argument)
        policy, = [meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
        self.assertIn("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s';" %
                      (digest(page.texts["style"]), digest(page.texts["script"])), policy)

    def test_structure(self):
        """What a reader needs who hears the page, or has a keyboard alone."""
        for host in ("one", "two"):
            self.add(host=host)
        page = self.page(CRITICAL, self.argument, *rules("22 closed", "443 v6-only waive-until=2026-11-22"))
        for heading in page.of("th"):
            self.assertIn(heading.get("scope"), ("col", "row"))
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        self.assertEqual(len(ids), len(set(ids)))
        for link in page.of("a"):
            self.assertIn(link["href"][1:], ids)
        self.assertEqual([heading["id"] for heading in page.of("h2")], ["off", "waivers", "way", "hosts"])
        self.assertEqual(len(page.of("details")), len(page.of("summary")))
        self.assertFalse([details for details in page.of("details") if "open" in details])
        # What has a colour for its state says the state, too.
        text = run_html(self.argument, *rules("22 closed"))
        for state, said in re.findall(r'class="(?:s )?(OK|WARNING|CRITICAL|UNKNOWN)"[^>]*>(\w+)', text):
            self.assertIn(said, (state, "waived"))

    def test_hostile_names(self):
        for name in HOSTILE_NAMES:
            self.add(host=name, change=lambda capture, name=name: capture["listeners"][0].update(unit=name))
        page = self.page(CRITICAL, self.argument, *rules("22 closed"))
        self.assertEqual(len(page.of("script")), 1)
        self.assertFalse(page.of("img"))
        for name in HOSTILE_NAMES[:4] + HOSTILE_NAMES[9:12] + HOSTILE_NAMES[14:]:
            self.assertIn(name, page.words)

    def test_answers_in_order(self):
        """Of hosts whose truth is known."""
        self.add(host="dual")
        self.add(host="four", name="good-v4-only", time="2026-11-20T09:00:00Z")
        self.add(host="six", change=lambda capture: [listener.update(v6only=True) for listener in capture["listeners"]
                                                     if listener["family"] == "inet6"] and capture["listeners"].pop(0))
        with open(os.path.join(self.folder, "x.json"), "w", encoding="utf-8") as file:
            file.write("[]")
        policy = os.path.join(self.folder, ".policy.conf")
        with open(policy, "w", encoding="utf-8") as file:
            file.write("443 dual-stack name=web\n22 any missing=ok waive-until=2099-01-01\n")
        words = self.page(CRITICAL, self.argument, "-f", policy).words
        for wanted in ("2 of 4 hosts off policy, 1 unknown", "2 rules of " + policy, "3 of 4 expected",
                       "captured at 2026-11-20T09:00:00Z to 2026-11-22T09:00:00Z", "1 of 4 hosts (25 %)",
                       "four CRITICAL web 443/tcp v4-only be dual-stack nothing accepts IPv6",
                       "x.json: is not a capture", "2099-01-01", "days left",
                       "2 of 3 hosts (66 %) still accept IPv4", "web 443/tcp 1 1 1 0 33 %",
                       "captured at 2026-11-20T09:00:00Z under Linux"):
            self.assertIn(wanted, words)
            words = words[words.index(wanted):]

    def test_waivers(self):
        self.add()
        args = [self.argument, *rules("443 v6-only name=web waive-until=2099-01-01", "22 any name=ssh waive-until=2099-01-02",
                                      "5432 v6-only name=db waive-until=2026-11-01")]
        words = self.page(CRITICAL, *args).words
        self.assertRegex(words, r"web \(--rule 1\) 2099-01-01 \d+ days left 1 ")
        self.assertRegex(words, r"ssh \(--rule 2\) 2099-01-02 \d+ days left 0, no longer needed")
        self.assertIn("db (--rule 3) 2026-11-01 the waiver ended on 2026-11-01 0", words)
        text = self.check(CRITICAL, *args).text
        self.assertIn("the waiver of ssh (--rule 2) is no longer needed", text)
        self.assertNotIn("waiver of db", text)
        self.assertIn("the waiver ended on 2026-11-01", self.check(CRITICAL, *args, "-v").text)
        self.assertIn("the waiver of ssh (--rule 2) is no longer needed", self.table(CRITICAL, *args)[-1]["reasons"])
        fleet = self.objects(CRITICAL, *args)[-1]["fleet"]
        self.assertEqual([waiver["waive_until"] for waiver in fleet["unneeded_waivers"]], ["2099-01-02"])
        # Of a host that cannot be judged nobody knows what it needs.
        self.add(host="broken", schema=9)
        self.assertNotIn("no longer needed", self.check(CRITICAL, *args).text)

    def test_hosts_without_a_name(self):
        path = self.add(host="")
        self.add()
        self.assertIn(path + " CRITICAL 22/tcp", self.page(CRITICAL, self.argument, *rules("22 closed")).words)

    def test_this_host_and_mistakes(self):
        self.assertIn("1 host", self.page(OK).words)
        self.assertIn("dualstack", self.page(UNKNOWN, "-r", "443 dualstack").words)
        self.assertIn("<b>", self.page(UNKNOWN, "-r", "443 <b>").words)


def run_html(*args):
    return dualstack.run("--format=html", *args).text


class Fleet(Reports):
    def states(self, code, *args):
        """The state and the sentence of each host."""
        return {entry["host"]: (entry["state"], entry["summary"], entry["remark"])
                for entry in self.objects(code, self.argument, *args)[:-1]}

    def test_the_newest_counts(self):
        self.add(time="2026-11-23T09:00:00Z", name="good-v4-only", file="b.json")
        self.add(time="2026-11-22T09:00:00Z", file="a.json")
        self.add(time="2026-11-21T09:00:00Z", file="c.json")
        self.add(host="other")
        self.add(namespace="blue")
        hosts = self.objects(OK, self.argument, "-r", "443 any")
        self.assertEqual([(host["host"], host["namespace"], host["time"], host["remark"]) for host in hosts[:-1]],
                         [("other", None, "2026-11-22T09:00:00Z", None), ("web1", "blue", "2026-11-22T09:00:00Z", None),
                          ("web1", None, "2026-11-23T09:00:00Z", "newest of 3 captures")])
        self.assertEqual((hosts[-1]["fleet"]["hosts"], hosts[-1]["fleet"]["judged"]), (3, 3))
        self.assertIn("web1: 1 service on policy, 0 v4-mapped connections (newest of 3 captures)",
                      self.check(OK, self.argument, "-r", "443 any").text)
        self.assertEqual(self.table(OK, self.argument, "-r", "443 any")[-2]["remark"], "newest of 3 captures")

    def test_what_cannot_be_read_hides_nothing(self):
        """Neither a newer capture that is broken the one before it, nor a newer one that is fine an older, broken one."""
        self.add(time="2026-11-24T09:00:00Z", file="new.json", schema=9)
        self.add(time="2026-11-22T09:00:00Z", file="fine.json")
        self.add(time="2026-11-21T09:00:00Z", file="old.json", outbound=None)
        *hosts, fleet = self.objects(UNKNOWN, self.argument, "-r", "443 any")
        self.assertEqual([(host["host"], host["state"], host["remark"]) for host in hosts],
                         [("", "UNKNOWN", None), ("web1", "OK", None), ("", "UNKNOWN", None)])
        for host, name in ((hosts[0], "new.json"), (hosts[2], "old.json")):
            self.assertIn("%s: " % os.path.join(self.folder, name), host["errors"][0])
        self.assertEqual((fleet["fleet"]["hosts"], fleet["fleet"]["judged"]), (3, 1))

    def test_the_first_of_the_equally_new(self):
        path = self.add()
        self.add(host="")
        self.add(host="")
        hosts = self.objects(OK, "--replay=" + path, "--replay=" + path, self.argument)
        self.assertEqual([(host["host"], host["remark"]) for host in hosts[:-1]],
                         [("web1", "newest of 3 captures"), ("", None), ("", None)])

    def test_hosts_that_must_be_there(self):
        self.add(host="a")
        self.add(host="b")
        names = os.path.join(self.folder, ".hosts")
        with open(names, "wb") as file:
            file.write(b"\xef\xbb\xbfa # the first\r\n\r\n  c\t\n# d\nc\nz")
        states = self.states(UNKNOWN, "--hosts=" + names)
        self.assertEqual({host: state for host, (state, _, _) in states.items()},
                         {"a": "OK", "b": "OK", "c": "UNKNOWN", "z": "UNKNOWN"})
        self.assertEqual(states["c"][1], "no capture of this host")
        result = self.check(UNKNOWN, self.argument, "--hosts=-", stdin=b"c\n")
        self.assertIn("\\_[UNKNOWN] c: no capture of this host", result.lines)
        self.assertEqual(result.values["hosts"][0], "3")
        self.check(OK, self.argument, "--hosts=-", stdin=b"a\nb\n")
        self.assertIn("no capture of this host", run_html(self.argument, "--hosts=" + names))
        # One that cannot be read is none, whatever host it says it is of.
        self.add(host="c", schema=9)
        self.add(host="z", outbound=None)
        hosts = self.objects(UNKNOWN, self.argument, "--hosts=" + names)
        self.assertEqual([(host["host"], host["state"]) for host in hosts[:-1]],
                         [("a", "OK"), ("b", "OK"), ("", "UNKNOWN"), ("", "UNKNOWN"), ("c", "UNKNOWN"), ("z", "UNKNOWN")])
        self.assertEqual((hosts[-1]["fleet"]["hosts"], hosts[-1]["fleet"]["judged"]), (6, 2))

    def test_hosts_that_cannot_be_read(self):
        self.add()
        for content, cause in (("", "has no names of hosts"), ("# only this\n", "has no names of hosts"), (None, "cannot be read")):
            path = os.path.join(self.folder, ".hosts")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            if content is not None:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(content)
            self.assertIn("--hosts: %s %s" % (path, cause), self.check(UNKNOWN, self.argument, "--hosts=" + path).first)

    def test_captures_that_are_too_old(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        for host, days in (("fresh", 1), ("stale", 8), ("skewed", -0.9), ("future", -3), ("both", 2), ("both", 9)):
            self.add(host=host, time=(now - datetime.timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ"))
        states = self.states(UNKNOWN, "--max-age=7", "-r", "443 any")
        self.assertEqual({host: state for host, (state, _, _) in states.items()},
                         {"fresh": "OK", "stale": "UNKNOWN", "skewed": "OK", "future": "UNKNOWN", "both": "OK"})
        self.assertRegex(states["stale"][1], r"0002\.json: captured at .*Z, more than 7 days ago$")
        self.assertRegex(states["future"][1], r"captured at .*Z, more than a day from now: is the clock of that host right\?$")
        os.unlink(os.path.join(self.folder, "0004.json"))
        self.check(OK, self.argument, "--max-age=9", "-r", "443 any")
        # One file is a fleet of one then.
        self.check(UNKNOWN, "--replay=" + os.path.join(self.folder, "0002.json"), "--max-age=7", "-r", "443 any")

    def test_files_that_cannot_be_read_keep_their_names(self):
        for name in ("not-json", "x" * 200):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write("{")
        files = {os.path.basename(row["file"]) for row in self.table(UNKNOWN, self.argument) if row["row"] == "host"}
        self.assertEqual(files, {"not-json", "x" * 200})
        self.assertIn("not-json: is cut off in line 1", self.check(UNKNOWN, self.argument).text)

    def test_users_are_those_of_the_capture(self):
        """Whoever has that name or number here."""
        path = self.add(change=lambda capture: [listener.update(uid=4321, user="dbadmin") for listener in capture["listeners"]
                                                if listener["port"] == 5432])
        self.check(OK, "--replay=" + path, "-r", "5432 any user=dbadmin")
        self.check(OK, "--replay=" + path, "-r", "5432 any user=4321")
        self.assertIn("belongs to user dbadmin, must be root",
                      self.check(CRITICAL, "--replay=" + path, "-r", "5432 any user=root").first)
        path = self.add(host="nameless", change=lambda capture: [listener.update(user=None) for listener in capture["listeners"]])
        self.assertIn("cannot be determined: uid 0 has no name there",
                      self.check(UNKNOWN, "--replay=" + path, "-r", "22 any user=root").first)
        self.check(OK, "--replay=" + path, "-r", "22 any user=0")

    def interrupt(self, how, *args):
        """Starts a replay of more than a pipe holds, and stops it when it has begun to answer. The code, and all it wrote."""
        for number in range(300):
            self.add(host="host%d" % number)
        with subprocess.Popen([dualstack.PROGRAM, self.argument, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dualstack.environment()) as process:
            begun = os.read(process.stdout.fileno(), 1)
            process.send_signal(how)
            rest, error = process.communicate(timeout=50)
        self.assertEqual(error, b"")
        return process.returncode, (begun + rest).decode()

    def test_interrupted_json(self):
        for how in (signal.SIGINT, signal.SIGTERM):
            code, text = self.interrupt(how, "--format=json", "-r", "443 v6-only")
            self.assertEqual(code, UNKNOWN)
            *hosts, last = [json.loads(line) for line in text.splitlines()]
            self.assertLess(len(hosts), 300)
            self.assertEqual((last["state"], last["fleet"]["complete"], last["fleet"]["judged"]), ("UNKNOWN", False, len(hosts)))
            self.assertEqual(last["fleet"]["hosts"], 300)
            self.assertTrue(last["summary"].startswith("stopped by %s after %d of 300 hosts" % (how.name, len(hosts))), last)

    def test_time_is_up(self):
        """As its timer would tell it."""
        code, text = self.interrupt(signal.SIGALRM, "--format=json", "-t", "1000:critical")
        self.assertEqual(code, CRITICAL)
        last = json.loads(text.splitlines()[-1])
        self.assertEqual((last["state"], last["fleet"]["complete"]), ("CRITICAL", False))
        self.assertRegex(last["summary"], r"^out of time after \d+ of 300 hosts")

    def test_interrupted_csv(self):
        code, text = self.interrupt(signal.SIGINT, "--format=csv")
        self.assertEqual(code, UNKNOWN)
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual((rows[-1]["row"], rows[-1]["state"], rows[-1]["hosts"]), ("end", "UNKNOWN", "300"))
        self.assertEqual(len({row["host"] for row in rows[:-1]}), int(rows[-1]["hosts_judged"]))
        self.assertIn("stopped by SIGINT after", rows[-1]["reasons"])

    def test_interrupted_text_and_page(self):
        """They answer at the end, so the replay is held still while it reads its captures, one of which is a pipe."""
        for number in range(3):
            self.add(host="host%d" % number)
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        for args in ([], ["--format=html"], ["--format=prometheus"]):
            with subprocess.Popen([dualstack.PROGRAM, self.argument, "--replay=" + pipe, *args], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=dualstack.environment()) as process:
                writer = os.open(pipe, os.O_WRONLY)  # the program is reading it from now on
                process.send_signal(signal.SIGSTOP)
                process.send_signal(signal.SIGINT)
                os.write(writer, b"{}")
                os.close(writer)
                process.send_signal(signal.SIGCONT)
                output, error = process.communicate(timeout=50)
            self.assertEqual((process.returncode, error), (UNKNOWN, b""))
            self.assertIn("stopped by SIGINT after 0 of 4 hosts", output.decode())
            for label in (b" mapped=", b" changes="):  # of no host, they are not known
                self.assertNotIn(label, output)

    def test_progress_on_a_terminal(self):
        """And nowhere else, which all other tests see."""
        self.add()
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        master, slave = pty.openpty()
        with subprocess.Popen([dualstack.PROGRAM, "--replay=" + pipe, self.argument], stdout=subprocess.PIPE, stderr=slave,
                              env=dualstack.environment()) as process:
            os.close(slave)
            writer = os.open(pipe, os.O_WRONLY)
            time.sleep(2.1)
            os.write(writer, b"{}")
            os.close(writer)
            output, _ = process.communicate(timeout=50)
        shown = b""
        # Once nobody has the other end open, reading fails.
        with contextlib.suppress(OSError):
            while part := os.read(master, 4096):
                shown += part
        os.close(master)
        shown = shown.decode()
        self.assertIn("2 captures found", shown)
        self.assertTrue(shown.endswith("\r\033[K"), repr(shown))
        self.assertIn(b"1 of 2 hosts cannot be judged", output)


if __name__ == "__main__":
    dualstack.main()
