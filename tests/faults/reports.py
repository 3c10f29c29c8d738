# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""Runs that report: tables, pages and metrics of this host, of captures and of each network namespace, and who holds
their answers to the truth."""

import csv
import io
import json
import os
import re
import subprocess

import scenarios  # knows where dualstack is
import test_prometheus
import dualstack
from dualstack import CRITICAL, OK, STATE_NAMES, UNKNOWN
from scenarios import BREAKS, Scenario, Wrong, failure_sentence, left_out, require, rule_text

# Up to its answer such a run makes the calls of those in scenarios.py.
SAMPLE = 12

# The words before a run among other processes than those of this machine, in no unit: process 1, and a shell in the
# namespace $0 that waits for a line of the FIFO $1, until all end with process 1.
INSIDE = ["unshare", "--fork", "--pid", "--kill-child", "--mount-proc", "--cgroup"]
INSIDE_SCRIPT = """
nsenter --net="$0" sh -c 'read -r line <>"$0"' "$1" >/dev/null 2>&1 &
until [ "/proc/$!/ns/net" -ef "$0" ] && read -r name <"/proc/$!/comm" && [ "$name" = sh ]; do
    kill -0 "$!" || exit 99
done
shift
"$@"
exit $?
"""


class Namespaces:
    """Three with sockets: one's own, one with a name and one that only a process is in."""

    OWN, NAMED, OTHER = 3001, 3002, 3003

    def __init__(self):
        self.sockets = dualstack.Sockets()
        self.folder = dualstack.temporary_folder()
        self.words = []
        self.mounted = []
        self.baseline = ""
        try:
            os.makedirs("/run/netns", exist_ok=True)
            for path in (self.folder, "/run/netns"):
                subprocess.run(["mount", "-t", "tmpfs", "none", path], check=True, stderr=subprocess.DEVNULL)
                self.mounted.append(path)
        except (OSError, subprocess.CalledProcessError) as error:
            print("\nNOT TRIED: --netns=all (%s): run as root of the machine" % error, flush=True)
            self.close()
            return
        own = self.namespace(os.path.join(self.folder, "own"), "::", self.OWN)
        self.namespace("/run/netns/blue", "0.0.0.0", self.NAMED)
        other = self.namespace(os.path.join(self.folder, "other"), "::", self.OTHER)
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        self.words = [*INSIDE, "nsenter", "--net=" + own, "sh", "-c", INSIDE_SCRIPT, other, fifo]
        self.baseline = os.path.join(dualstack.temporary_folder(), "baseline.json")
        capture = scenarios.start(Scenario("capture", ["--netns=all", "--capture"], OK, None, before=self.words))
        with open(self.baseline, "wb") as file:
            file.write(capture.out)

    def namespace(self, path, address, port):
        namespace = dualstack.Namespace()
        with open(path, "wb"):
            pass
        subprocess.run(["mount", "--bind", namespace.path(), path], check=True)
        with namespace:
            self.sockets.listener(address, port, v6only=False if address == "::" else None)
        namespace.close()
        return path

    def close(self):
        self.sockets.close()
        for path in self.mounted:
            subprocess.run(["umount", "-l", path], check=True)
        self.mounted = []


def rules(*texts):
    return [word for text in texts for word in ("-r", text)]


def runs_on(host, namespaces):
    """`namespaces` whose words are none cannot be tried."""
    breaks = [word for name, (rule, _) in BREAKS.items() for word in ("-r", rule_text(name, rule))]
    replay = ["--replay", host.fleet]
    everywhere = ["--netns=all", *rules("3001 dual-stack missing=ok name=own", "3002 v4-only missing=ok name=blue")]
    other_is_off = rules("3003 v4-only missing=ok name=other")
    named_is_off = rules("3002 v6-only missing=ok name=blue")
    runs = [
        ("one line", ["--details=none", "-v", "--peers=2", *breaks], CRITICAL, scenarios.TextJudge),
        ("two policies", ["-f", host.policy, "-f", host.second, "-v"], OK, scenarios.TextJudge),
        ("baseline", ["--baseline", host.capture, "-f", host.policy], OK, scenarios.TextJudge),
        ("csv OK", ["--format=csv", "-f", host.policy], OK, CsvJudge),
        ("csv CRITICAL", ["--format=csv", *breaks], CRITICAL, CsvJudge),
        ("csv of a folder", ["--format=csv", *replay, *breaks], CRITICAL, CsvJudge),
        ("json of a folder", ["--format=json", *replay, *breaks], CRITICAL, FleetJsonJudge),
        ("page OK", ["--format=html", "-f", host.policy], OK, PageJudge),
        ("page CRITICAL", ["--format=html", *breaks], CRITICAL, PageJudge),
        ("page of a folder", ["--format=html", *replay, *breaks], CRITICAL, PageJudge),
        ("metrics OK", ["--format=prometheus", "-f", host.policy], OK, MetricsJudge),
        ("metrics CRITICAL", ["--format=prometheus", *breaks], CRITICAL, MetricsJudge),
        ("metrics of a folder", ["--format=prometheus", *replay, *breaks], CRITICAL, MetricsJudge),
    ]
    inside = [
        ("namespaces OK", [*everywhere, "-v"], OK, NamespacesJudge),
        ("namespaces CRITICAL", [*everywhere, *other_is_off], CRITICAL, NamespacesJudge),
        ("namespaces baseline", [*everywhere, "--baseline", namespaces.baseline], OK, NamespacesJudge),
        ("namespaces json", [*everywhere[:3], *named_is_off, "--format=json"], CRITICAL, NamespacesJsonJudge),
        ("namespaces csv", [*everywhere, *other_is_off, "--format=csv"], CRITICAL, CsvJudge),
        ("namespaces page", [*everywhere, *other_is_off, "--format=html"], CRITICAL, PageJudge),
        ("namespaces metrics", [*everywhere, "--format=prometheus"], OK, MetricsJudge),
        ("namespaces list", ["--netns=all", "--list"], OK, NamespacesListJudge),
        ("namespaces list json", ["--netns=all", "--list", "--format=json"], OK, NamespacesListJsonJudge),
        ("namespaces capture", ["--netns=all", "--capture"], OK, NamespacesCaptureJudge),
    ]
    words = namespaces.words
    # The first one inside shows how every call fails on the way into a namespace.
    return ([Scenario(*run, sample=SAMPLE) for run in runs] +
            [Scenario(*run, before=words, sample=SAMPLE if number > 0 else 0)
             for number, run in enumerate(inside) if words])


# Answers


class CsvJudge(scenarios.Judge):
    """Rows of RFC 4180, the last of them the end, and a row at least for each host."""

    KEY = ("host", "namespace", "file", "name", "protocol", "port")
    # What no fault leaves out.
    SAME = ("scope", "rule", "origin", "required", "waived", "waive_until", "note")

    def learn(self, answer):
        self.services, _, _ = self.table_of(self.text)
        self.hosts = {key[:3] for key in self.services}
        require(len(self.services) >= 3, "only %d services", len(self.services))

    def table_of(self, text):
        require(text.endswith("\r\n") and not re.search("[\r\n]", text.replace("\r\n", "")), "line ends: %r", text)
        columns, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        require(columns[0] == "row", "no heading: %s", columns)
        require(all(len(row) == len(columns) for row in rows), "rows of other lengths")
        rows = [dict(zip(columns, row)) for row in rows]
        require([row["row"] for row in rows].count("end") == 1 and rows[-1]["row"] == "end", "not one end: %s", text)
        require({row["row"] for row in rows} <= {"service", "host", "end"}, "other rows: %s", text)
        services = {}
        for row in rows:
            if row["row"] == "service":
                key = self.key_of(row)
                require(key not in services, "two rows for %s", key)
                services[key] = row
        return services, [row for row in rows if row["row"] == "host"], rows[-1]

    @classmethod
    def key_of(cls, row):
        """One's own name is not worth a failure."""
        row = {**row, "host": row["host"] or THIS_HOST, "namespace": namespace_of(row["namespace"])}
        return tuple(row[column] for column in cls.KEY)

    def compare(self, code, text):
        services, hosts, end = self.table_of(text)
        require(end["state"] == STATE_NAMES[code], "state %s, exit %d", end["state"], code)
        unknown = [host for host in hosts if host["state"] == "UNKNOWN"]
        require(all(len(host["reasons"]) >= 10 for host in unknown), "UNKNOWN for no reason: %s", unknown)
        if not services and len(hosts) == len(unknown) == 1 and not unknown[0]["file"].endswith(".json"):
            require((end["hosts_judged"], end["hosts"]) == ("0", "1"), "%s", end)
            return
        for key, row in services.items():
            self.compare_row(key, row)
        found = {key[:3] for key in services}
        missing = left_out(code, end["reasons"])
        require(len(self.hosts - found) <= len(unknown) + missing or hides_any(text), "nothing is said of %s",
                self.hosts - found)
        require(int(end["hosts_judged"]) == len(found) and
                int(end["hosts"]) == len(found | {self.key_of(host)[:3] for host in hosts}) + missing,
                "%s of %s hosts judged, in rows %d", end["hosts_judged"], end["hosts"], len(found))
        for key, row in self.services.items():
            require(key in services or key[:3] not in found or not row["required"], "nothing is said of %s", key)
        if code == OK:
            require(set(services) == set(self.services), "other services: %s", set(services) ^ set(self.services))

    def compare_row(self, key, row):
        truth = self.services.get(key)
        require(truth is not None, "%s is not there: %s", key, row)
        require(row["state"] in (truth["state"], "UNKNOWN"), "%s is %s, the truth is %s", key, row["state"],
                truth["state"])
        require(row["stack"] in (truth["stack"], "unknown"), "%s is %s, the truth is %s", key, row["stack"],
                truth["stack"])
        require(row["state"] != "UNKNOWN" or row["reasons"], "%s is UNKNOWN for no reason", key)
        for column in self.SAME:
            require(row[column] == truth[column], "%s has %s %s", key, column, row[column])
        if row["state"] != "UNKNOWN":
            for column in ("ipv4", "ipv4_mapped", "ipv6"):
                require(row[column] in (truth[column], ""), "%s: %s %s, the truth is %s", key, column, row[column],
                        truth[column])


class PageJudge(scenarios.Judge):
    """A whole page, or at its end the page that says why it is none."""

    START = "<!DOCTYPE html>\n"
    FAILURE = re.compile(START + r"<html lang=\"en\">\n<meta.*\n<meta.*\n<title>Dual-stack report: UNKNOWN</title>\n"
                         r"<h1>Dual-stack report: UNKNOWN</h1>\n(?:<p>[^<]{10,}\n)+\Z")

    def learn(self, answer):
        self.page = self.page_of(self.text)
        require(self.page["judged"] == self.page["expected"] >= 1, "%s", self.page)

    @staticmethod
    def page_of(text):
        """What a whole page says."""
        require(text.startswith(PageJudge.START) and text.count(PageJudge.START) == 1 and text.count("<h1>") == 1 and
                text.endswith("</script>\n</body>\n</html>\n"), "no whole page: %r ... %r", text[:60], text[-60:])
        for begin, end in (("<style>", "</style>"), ("<table ", "</table>"), ("<details", "</details>"),
                           ("<pre>", "</pre>"), ("<tbody>", "</tbody>"), ("<dl>", "</dl>")):
            require(text.count(begin) == text.count(end), "%s without an end", begin)
        judged, expected = re.search(r"<dt>Hosts<dd>(\d+) of (\d+) expected", text).groups()
        states = re.search(r"<br>(\d+) CRITICAL, (\d+) WARNING, (\d+) UNKNOWN\n", text).groups()
        kept = re.search(r"<dt>On policy<dd>(\d+) of (\d+) ", text).groups()
        findings = re.findall(r'^<tr><th scope="row"><a href="#h\d+">(.*?)</a></th><td class="s \w+" data-v="\d">(\w+)'
                              r"<td>(.*?)<td>(.*?)<td>(.*?)<td>", text, re.MULTILINE)
        evidence = re.findall(r'^<details id="h\d+"><summary><b class="\w+">(\w+)</b> (.*?): .*</summary><pre>', text,
                              re.MULTILINE)
        unjudged = text.partition('<h2 id="unjudged">')[2].partition("</table>")[0].count('<tr><th scope="row">')
        way = text.partition('<h2 id="way">')[2].partition("</table>")[0]
        return {"judged": int(judged), "expected": int(expected), "states": [int(count) for count in states],
                "kept": [int(count) for count in kept], "unjudged": unjudged,
                "findings": {(host_of(host), service, must): (state, stack)
                             for host, state, service, stack, must in findings},
                "findings_count": len(findings),
                "evidence": sorted((state, host_of(host)) for state, host in evidence),
                "services": {service: tuple(map(int, re.findall(r'<td class="n">(\d+)', row)))
                             for service, row in re.findall(r'<tr><th scope="row">(.*?)</th>(.*)', way)}}

    def compare(self, code, text):
        if self.FAILURE.search(text) or failure_sentence(code, text):
            require(code == UNKNOWN, "exit %d with a failure", code)
            return
        try:
            page = self.page_of(text)
        except AttributeError as error:
            raise Wrong("a page without its summary: %s" % text) from error
        require(page["judged"] == len(page["evidence"]), "evidence of %d hosts, %d judged", len(page["evidence"]),
                page["judged"])
        missing = left_out(code, text)
        told = page["judged"] + page["unjudged"]
        require(told == page["kept"][1] == page["expected"] - missing == sum(page["states"]) + page["kept"][0], "%s",
                page)
        require(page["expected"] >= self.page["expected"] or is_folder_unread(text) or hides_any(text), "%d hosts",
                page["expected"])
        require(page["findings_count"] == len(page["findings"]), "a finding twice: %s", page)
        worst = next((name for name, count in zip(("CRITICAL", "WARNING", "UNKNOWN"), page["states"]) if count), "OK")
        require(worst == STATE_NAMES[code] or missing, "%s on the page, exit %d", worst, code)
        for key, (state, stack) in page["findings"].items():
            true_state, true_stack = self.page["findings"].get(key, (None, None))
            require(state == "UNKNOWN" or (state == true_state and stack in (true_stack, "unknown")),
                    "%s is %s, the truth is %s", key, (state, stack), (true_state, true_stack))
        # What is off is found wherever it was judged.
        hosts = {host for _, host in page["evidence"]}
        for key in self.page["findings"]:
            require(key in page["findings"] or key[0] not in hosts or
                    (key[0], "the whole host", "") in page["findings"], "nothing is said of %s", key)
        if code == OK:
            # It says where it does not know how far sockets are reached.
            if "reach is as far as sockets are bound" in text:
                page["services"] = self.page["services"]
            require(page == self.page, "another page: %s, the truth is %s", page, self.page)


class MetricsJudge(scenarios.Judge):
    """An exposition that Prometheus takes: its samples are the truth, or what they are about is UNKNOWN."""

    def learn(self, answer):
        self.metrics = self.metrics_of(self.text)
        require(len(self.metrics) >= 5, "only %d metrics", len(self.metrics))

    @staticmethod
    def metrics_of(text):
        """The values by whose they are, and by their other labels."""
        try:
            metrics = test_prometheus.parse(text)
        except (ValueError, AttributeError) as error:
            raise Wrong("no exposition: %s: %s" % (error, text)) from error
        found = {}
        for name, samples in metrics.items():
            found[name.replace("check_dualstack_", "")] = {}
            for key, value in samples.items():
                labels = dict(key)
                subject = labels.pop("host", None), namespace_of(labels.pop("namespace", ""))
                stack = labels.pop("stack", None)
                found[name.replace("check_dualstack_", "")][subject, tuple(sorted(labels.items()))] = value
                if stack is not None:
                    found.setdefault("stack", {})[subject, tuple(sorted(labels.items()))] = stack
        return found

    def compare(self, code, text):
        if failure_sentence(code, text):
            return
        metrics = self.metrics_of(text)
        states = {subject: value for (subject, _), value in metrics["state"].items()}
        whole = states.pop((None, ""), None) if code == UNKNOWN and len(self.metrics["state"]) > 1 else None
        require(whole in (None, UNKNOWN) and (whole is None or "# UNKNOWN: " in text), "state %s of all: %s", whole,
                text)
        if whole == UNKNOWN and (not states or left_out(code, text) > 0):
            truths = set(states)
        else:
            truths = {subject for subject, _ in self.metrics["state"]}
            order = (CRITICAL, dualstack.WARNING, UNKNOWN, OK)
            require(min(states.values(), key=order.index) == code, "states %s, exit %d", states, code)
        unknown = {subject for subject, state in states.items() if state == UNKNOWN}
        require(not unknown or "# UNKNOWN: " in text or "service_state" in metrics, "UNKNOWN for no reason: %s", text)
        require((len(states) >= len(truths) and len(truths - set(states)) <= len(unknown)) or is_folder_unread(text) or
                hides_any(text), "nothing is said of %s", truths - set(states))
        for name, samples in metrics.items():
            for (subject, labels), value in samples.items():
                if subject in states:
                    self.compare_sample(name, subject, labels, value, unknown)
        for (subject, _), value in metrics.get("violations", {}).items():
            off = sum(of == subject and state in (CRITICAL, dualstack.WARNING)
                      for (of, _), state in metrics["service_state"].items())
            require(value == off, "%d violations of %d services", value, off)
        for name, samples in self.metrics.items():
            for key in samples:
                require(key in metrics.get(name, ()) or key[0] in unknown or key[0] not in states,
                        "no sample: %s %s", name, key)

    def compare_sample(self, name, subject, labels, value, unknown):
        truth = self.metrics.get(name, {}).get((subject, labels))
        if name == "stack":
            require(value in (truth, "unknown"), "%s is %s, the truth is %s", labels, value, truth)
            return
        if name == "violations":
            # With a rule that cannot be judged there are fewer.
            require(value <= truth, "%d violations, the truth is %d", value, truth)
            value = truth
        if name == "time_seconds" or (subject in unknown and value == UNKNOWN):
            return
        if truth is not None or subject not in unknown:
            require(value == truth or (name == "service_state" and value == UNKNOWN), "%s %s is %d, the truth is %s",
                    name, labels, value, truth)


# What Python calls it is what the program does.
THIS_HOST = os.uname().nodename


def host_of(label):
    """One's own name is not worth a failure."""
    return THIS_HOST if label == "this host" else namespace_of(label)


def is_folder_unread(text):
    """A folder that is no folder under a fault: none of its captures can be told."""
    return re.search(r"/fleet: cannot be read", text) is not None


def hides_any(text):
    """Is there what /proc does not show all of? Then namespaces without a name may be missing."""
    return "the network namespaces of other users cannot be found" in text


def namespace_of(name):
    """What cannot be read of a process is left out of the name of its namespace."""
    return "process" if name.startswith("process ") else name


class NamespacesJudge(scenarios.TextJudge):
    """A line for each, none of which may be lost."""

    NAMES = {"host", "blue", "process"}

    def learn(self, answer):
        self.states, unknown = self.lines_of(self.text)
        require(set(self.states) == self.NAMES and unknown == 0, "%s", self.text)

    def lines_of(self, text):
        """The states by their names, and how many lines are UNKNOWN without one."""
        lines = re.findall(r"^\\_\[(\w+)\] (.*)", text, re.MULTILINE)
        named = [(namespace_of(line.split(": ")[0]), state) for state, line in lines]
        named = [(name, state) for name, state in named if name in self.NAMES]
        require(len(dict(named)) == len(named), "a namespace twice: %s", text)
        return dict(named), sum(state == "UNKNOWN" for state, line in lines
                                if namespace_of(line.split(": ")[0]) not in self.NAMES
                                and not re.match(r"\d+ namespaces?: ", line))

    def compare(self, code, text):
        first = text.split("\n", 1)[0]
        require(re.match(r"DUALSTACK %s: \S.{9,}" % STATE_NAMES[code], first), "first line %r", first)
        if failure_sentence(code, text):
            return
        states, unknown = self.lines_of(text)
        values = {label: int(value) for label, value in self.values_of(text).items()}
        if code == OK:
            require(set(states) == self.NAMES, "nothing is said of %s", self.NAMES - set(states))
        missing = left_out(code, text)
        require(hides_any(text) or unknown + missing >= len(self.NAMES - set(states)),
                "nothing is said of %s", self.NAMES - set(states))
        for name, state in states.items():
            require(state in (self.states[name], "UNKNOWN"), "%s is %s, the truth is %s", name, state,
                    self.states[name])
        told = [*states.values(), *["UNKNOWN"] * unknown]
        require((values["namespaces"], values["namespaces_off"], values["namespaces_unknown"]) ==
                (len(told), told.count("CRITICAL"), told.count("UNKNOWN")), "%s of %s", values, told)


class FleetJsonJudge(scenarios.JsonJudge):
    """An object for each, then one that sums up."""

    WHOSE = "host"
    COUNT = 2

    def whose(self, report):
        return namespace_of(report[self.WHOSE])

    def learn(self, answer):
        reports, _ = self.objects_of(self.text)
        self.truths = {self.whose(report): (report, self.services_of(report)) for report in reports}
        require(len(self.truths) == self.COUNT == len(reports), "%s", self.text)

    @staticmethod
    def objects_of(text):
        try:
            *reports, end = [json.loads(line) for line in text.splitlines()]
        except ValueError as error:
            raise Wrong("no JSON: %s: %r" % (error, text[:200])) from error
        return reports, end

    def compare(self, code, text):
        reports, end = self.objects_of(text)
        require(end["state"] == STATE_NAMES[code], "state %s, exit %d", end["state"], code)
        if not reports and end["errors"]:
            return
        # Captured, those that cannot be seen are together one that is UNKNOWN.
        known = [report for report in reports if report["source"] is not None and report["namespace"] != "others"]
        unknown = [report for report in reports if report not in known]
        require(all(report["state"] == "UNKNOWN" and (report["errors"] or report["services"]) for report in unknown),
                "UNKNOWN for no reason: %s", unknown)
        whose = [self.whose(report) for report in known]
        require(len(set(whose)) == len(whose) and set(whose) <= set(self.truths), "reports of %s", whose)
        missing = left_out(code, end["summary"])
        require(len(unknown) >= len(self.truths) - len(whose) - missing or hides_any(text) or is_folder_unread(text),
                "%d of %d reports", len(reports), len(self.truths))
        for report in known:
            self.compare_report(report, *self.truths[self.whose(report)])
        told = [report["state"] for report in reports]
        fleet = end["fleet"]
        require((fleet["hosts"] - missing, fleet["off"], fleet["unknown"], fleet["complete"]) ==
                (len(reports), told.count("CRITICAL"), told.count("UNKNOWN"), not missing), "%s of %s", fleet, told)
        require(fleet["judged"] == sum(report["source"] is not None for report in reports), "%s of %s", fleet, told)

    def compare_report(self, report, truth, services):
        require(report["state"] in (truth["state"], "UNKNOWN"), "%s is %s, the truth is %s", report["namespace"],
                report["state"], truth["state"])
        found = self.services_of(report)
        judged = {key for key, entry in services.items() if entry["required"]}
        require(judged <= set(found), "nothing is said of %s", judged - set(found))
        for key, entry in found.items():
            self.compare_entry(key, entry, services.get(key))


class NamespacesJsonJudge(FleetJsonJudge):
    WHOSE = "namespace"
    COUNT = 3

    def compare(self, code, text):
        super().compare(code, text)
        names = [report["namespace"] for report in self.objects_of(text)[0]]
        require(len(set(names)) == len(names), "a name twice: %s", names)


class NamespacesListJudge(scenarios.ListJudge):
    """A list for each, each below its own heading."""

    ROWS = 3

    def rows_of(self, text):
        """The rows of each list, whatever it is called, and its heading."""
        rows = super().rows_of(text)
        for block in re.split(r"^Network namespace ", text, flags=re.MULTILINE)[1:]:
            name, *lines = block.split("\n")
            name = namespace_of(name)
            begin = next((number for number, line in enumerate(lines) if line.startswith("Proto ")), len(lines))
            for row, count in super().rows_of("\n".join(lines[begin:])).items():
                rows[(*row, name)] += count
        return rows

    def learn(self, answer):
        self.rows = self.rows_of(self.text)
        require(sum(self.rows.values()) == self.ROWS and len({row[-1] for row in self.rows}) == 3, "%s", self.rows)

    def compare(self, code, text):
        if failure_sentence(code, text):
            return
        rows = self.rows_of(text)
        for row, count in rows.items():
            near = [real for real in self.rows if real[:4] == row[:4] and real[-1] == row[-1]]
            require(len(near) == count == 1, "a row that is not there: %s", row)
            require(row in self.rows or self.is_unknown(row[4]), "a row that is wrong: %s", row)
        if code == OK:
            require(sum(rows.values()) == self.ROWS, "%d of %d rows, exit 0", sum(rows.values()), self.ROWS)
        else:
            self.compare_reason(text)

    @staticmethod
    def compare_reason(text):
        require("DUALSTACK UNKNOWN: " in text, "exit 3, and no reason: %s", text)


class NamespacesListJsonJudge(NamespacesListJudge):
    def rows_of(self, text):
        try:
            objects = [json.loads(line) for line in text.splitlines()]
        except ValueError as error:
            raise Wrong("no JSON: %s: %r" % (error, text[-200:])) from error
        rows = scenarios.collections.Counter()
        for row in objects:
            if "port" in row:
                rows[(row["protocol"], "%s %s" % (row["address"], row["port"]),
                      "%s %s" % (row["remote_address"], row["remote_port"]), row["state"], row["on_the_wire"],
                      namespace_of(row["namespace"]))] += 1
        return rows

    @staticmethod
    def ends_of(text):
        return [entry for entry in map(json.loads, text.splitlines()) if "port" not in entry]

    def compare(self, code, text):
        super().compare(code, text)
        lists = {namespace_of(end["namespace"] or "") for end in self.ends_of(text)}
        require(code == UNKNOWN or lists == NamespacesJudge.NAMES, "lists of %s", lists)

    def compare_reason(self, text):
        require(any(end["errors"] for end in self.ends_of(text)), "exit 3, and no reason: %s", text)


class NamespacesCaptureJudge(scenarios.Judge):
    """Captures one behind the other: judged later, they are as much as the namespaces are now."""

    RULES = rules("3001 dual-stack missing=ok name=own", "3002 v6-only missing=ok name=blue",
                  "3003 v4-only missing=ok name=other")

    def learn(self, answer):
        self.known = set()
        scenario = Scenario("captured", ["--replay=-", "--format=json", *self.RULES], CRITICAL, None, answer.out)
        self.judge = NamespacesJsonJudge(scenario, scenarios.start(scenario))

    def compare(self, code, text):
        if failure_sentence(code, text):
            return
        key = re.sub(r'"time":"[^"]*"', "", text)
        if key in self.known:
            return
        answer = scenarios.start(self.judge.scenario._replace(stdin=text.encode()))
        if failure_sentence(code, text.split("\n")[-2]):
            # The sentence behind captures is one that cannot be read.
            require(answer.code in (CRITICAL, UNKNOWN) and b"standard input" in answer.out, "not told later: %s",
                    answer.out)
            return
        self.judge.hold(answer)
        # What could not be entered is UNKNOWN at once, or it would be believed to be whole.
        require(code == UNKNOWN or not re.search("cannot (enter|be found)", text), "exit %d: %s", code, text)
        self.known.add(key)
