# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--format=prometheus, read by a strict parser, and by Prometheus' own where it is installed."""

import os
import re
import subprocess
import unittest

import dualstack
from dualstack import CRITICAL, OK, UNKNOWN, WARNING

try:
    from prometheus_client import parser as client
except ImportError:
    client = None

DATA = os.path.join(dualstack.TOP_SRCDIR, "tests", "data", "captures")
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(,|(?=\}))', re.ASCII)


def unescaped(text):
    return re.sub(r"\\(.)", lambda match: "\n" if match.group(1) == "n" else match.group(1), text)


def parse(text):
    """{metric: {labels: value}} of an exposition; whatever the format's description does not allow is an error."""
    if not text.endswith("\n"):
        raise ValueError("the last line does not end")
    metrics, metric, helped = {}, None, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            helped = re.fullmatch(r"# HELP ([a-zA-Z_:][\w:]*) \S.*", line, re.ASCII).group(1)
            if helped in metrics:
                raise ValueError("%s appears twice" % helped)
        elif line.startswith("# TYPE "):
            metric = re.fullmatch(r"# TYPE (\S+) gauge", line).group(1)
            if metric != helped:
                raise ValueError("%s has no HELP" % metric)
            metrics[metric] = {}
        elif not line.startswith("# "):
            name, labels, value = re.fullmatch(r"([a-zA-Z_:][\w:]*)\{(.*)\} (\d+)", line, re.ASCII).groups()
            if name != metric:
                raise ValueError("%s stands among the samples of %s" % (name, metric))
            found, position = {}, 0
            while position < len(labels):
                match = LABEL.match(labels + "}", position)
                key, content, _ = match.groups()
                if key in found:
                    raise ValueError("%s twice in %s" % (key, line))
                found[key], position = unescaped(content), match.end()
            # An empty label is the same as none.
            key = frozenset((label, content) for label, content in found.items() if content)
            if key in metrics[metric]:
                raise ValueError("a sample appears twice: " + line)
            metrics[metric][key] = int(value)
    if not all(metrics.values()):
        raise ValueError("a metric without samples")
    return metrics


class Case(dualstack.TestCase):
    def metrics(self, code, *args, **kwargs):
        result = dualstack.run("--format=prometheus", *args, **kwargs)
        self.assertEqual(result.code, code, str(result))
        metrics = parse(result.text)
        if client is not None:
            theirs = {family.name: {frozenset((label, content) for label, content in sample.labels.items() if content):
                                    int(sample.value) for sample in family.samples}
                      for family in client.text_string_to_metric_families(result.text)}
            self.assertEqual(theirs, metrics)
        return {name[len("check_dualstack_"):]: {tuple(sorted(labels)): value for labels, value in samples.items()}
                for name, samples in metrics.items()}

    def one(self, metrics, metric, **labels):
        """The value of the only sample that has these labels."""
        found = [value for sample, value in metrics[metric].items() if set(labels.items()) <= set(sample)]
        self.assertEqual(len(found), 1, metrics)
        return found[0]


class Checks(Case):
    def test_states_of_services(self):
        web, plain = (dualstack.port_of(self.sockets.listener(address)) for address in ("::", "0.0.0.0"))
        metrics = self.metrics(WARNING, "-r", "%d dual-stack name=web" % web,
                               "-r", "%d v6-only name=plain severity=warning" % plain)
        self.assertEqual(self.one(metrics, "state"), WARNING)
        self.assertEqual(self.one(metrics, "service_state", name="web", protocol="tcp", port=str(web),
                                  stack="dual-stack", required="dual-stack"), OK)
        self.assertEqual(self.one(metrics, "service_state", name="plain", stack="v4-only", required="v6-only"), WARNING)
        self.assertEqual((self.one(metrics, "violations"), self.one(metrics, "unlisted")), (1, 0))

    def test_every_total_and_rule_of_the_performance_data(self):
        listener = self.sockets.listener("::")
        self.sockets.connection(listener, "127.0.0.1")
        port = dualstack.port_of(listener)
        for chosen in ("totals", "mapped", "full"):
            with self.subTest(set=chosen):
                args = ("-r", "%d dual-stack name=web ipv4-warning=9" % port, "--perfdata=" + chosen)
                metrics = self.metrics(OK, *args)
                told = {name: int(value[0]) for name, value in dualstack.run(*args).values.items()}
                ours = {name: self.one(metrics, name) for name in metrics
                        if name not in ("state", "time_seconds", "service_state", "rule_connections")}
                for labels, value in metrics.get("rule_connections", {}).items():
                    labels = dict(labels)
                    ours["%(name)s_%(kind)s" % labels] = value
                self.assertEqual(ours, told)

    def test_a_port_that_two_defaults_judge(self):
        """Only their scope tells the two services apart: no sample appears twice."""
        port = dualstack.port_of(self.sockets.listener("127.0.0.1"))
        self.sockets.listener("192.0.2.1", port)
        metrics = self.metrics(CRITICAL, "-r", "default@loopback closed", "-r", "default@external closed")
        for scope in ("loopback", "external"):
            self.assertEqual(self.one(metrics, "service_state", port=str(port), scope=scope), CRITICAL)

    def test_what_cannot_be_judged(self):
        for args in (("-r", "443 nonsense"), ("--policy=/nonexistent",), ("--procfs=/nonexistent",), ("--nonsense",)):
            with self.subTest(args=args):
                metrics = self.metrics(UNKNOWN, *args)
                self.assertEqual(self.one(metrics, "state"), UNKNOWN)

    def test_a_file_is_never_half_there(self):
        """The line of the manual, in a shell."""
        folder = dualstack.temporary_folder()
        with open(os.path.join(dualstack.TOP_SRCDIR, "plugins", "check_dualstack.1"), encoding="utf-8") as file:
            section = file.read().split("\n.Ss Prometheus\n")[1].split("\n.Bd -literal -offset indent\n")[1]
        script = section.split("\n.Ed")[0].replace("\\-", "-")
        self.assertRegex(script, r"\Acheck_dualstack .*> (\S+)\nmv \1 \S+\.prom\Z")
        script = script.replace("-f policy.conf", "-r 'default any'").replace("check_dualstack", dualstack.PROGRAM)
        subprocess.run(["sh", "-c", script], cwd=folder, check=True)
        self.assertEqual(os.listdir(folder), ["dualstack.prom"])
        with open(os.path.join(folder, "dualstack.prom"), encoding="utf-8") as file:
            self.assertEqual(parse(file.read())["check_dualstack_state"], {frozenset(): OK})


class Fleets(Case):
    def test_hosts(self):
        captures = ["--replay=" + os.path.join(DATA, name + ".json") for name in ("good-web", "good-v4-only")]
        metrics = self.metrics(CRITICAL, "-r", "443 dual-stack name=web", "--replay=/nonexistent", *captures)
        states = {dict(labels)["host"]: value for labels, value in metrics["state"].items()}
        self.assertEqual(states, {"web1": OK, "web2": CRITICAL, "/nonexistent": UNKNOWN})
        self.assertEqual(self.one(metrics, "service_state", host="web2", name="web", stack="v4-only"), CRITICAL)

    def test_one_capture(self):
        metrics = self.metrics(CRITICAL, "-r", "443 dual-stack name=web",
                               "--replay=" + os.path.join(DATA, "good-v4-only.json"))
        self.assertEqual(metrics["state"], {(): CRITICAL})


class Parser(unittest.TestCase):
    """What the parser above must refuse."""

    HEAD = "# HELP a b\n# TYPE a gauge\n"

    def test_takes(self):
        self.assertEqual(parse(self.HEAD + '# c\na{} 1\na{x="\\"\\\\\\n",} 2\n'),
                         {"a": {frozenset(): 1, frozenset({("x", '"\\\n')}): 2}})

    def test_refuses(self):
        for text in ("", self.HEAD + "a{} 1", self.HEAD + "a{} 1\na{} 2\n", self.HEAD + "a{x=1} 1\n", "a{} 1\n",
                     self.HEAD + 'a{x="1"y="2"} 1\n', self.HEAD + 'a{x="1",x="2"} 1\n', self.HEAD + "b{} 1\n", self.HEAD,
                     self.HEAD + "a{} 1\n" + self.HEAD + "a{} 2\n", self.HEAD + 'a{x="\\y"} 1\n', self.HEAD + "\n",
                     "# TYPE a gauge\na{} 1\n", self.HEAD + "a{} -1\n", self.HEAD + 'a{x="""} 1\n'):
            with self.subTest(text=text):
                self.assertRaises((ValueError, AttributeError), parse, text)


if __name__ == "__main__":
    dualstack.main()
