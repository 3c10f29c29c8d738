# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""--extra-opts: options from an ini file, as NRPE starts the program and as the monitoring-plugins read such files."""

import ctypes
import os
import shlex
import subprocess

import dualstack
from dualstack import CRITICAL, OK, PROGRAM, UNKNOWN, WARNING, port_of

# Where a file is looked for when none is named, the first before the others; what is in /usr/local/nagios is left to the
# unit tests, as few hosts have that folder.
PLACES = [
    "/usr/local/etc/monitoring-plugins/monitoring-plugins.ini",
    "/usr/local/etc/monitoring-plugins.ini",
    "/etc/monitoring-plugins/monitoring-plugins.ini",
    "/etc/monitoring-plugins.ini",
    "/etc/nagios/plugins.ini",
    "/usr/local/etc/nagios/plugins.ini",
    "/etc/opt/nagios/plugins.ini",
    "/etc/nagios-plugins.ini",
    "/usr/local/etc/nagios-plugins.ini",
    "/etc/opt/nagios-plugins.ini",
]
SHARED = """\
# What all plugins of this host share.
[check_disk]
w=10%%
whatever check_disk makes of this

[check_dualstack]
; the web server
rule = %(port)d dual-stack name=web
v=

[strict]
r = %(port)d v6-only name=web
critical = 5

[web json]
rule = %(port)d dual-stack name=web
format = json
"""

CLONE_NEWNS = 0x00020000
MS_REC_PRIVATE = 0x4000 | 0x40000


def places_hide():
    """For preexec_fn: /etc and /usr/local/etc are empty, for this process alone."""
    dualstack.libc("unshare", CLONE_NEWNS)
    dualstack.libc("mount", b"none", b"/", None, ctypes.c_ulong(MS_REC_PRIVATE), None)
    for folder in (b"/etc", b"/usr/local/etc"):
        dualstack.libc("mount", b"none", folder, b"tmpfs", ctypes.c_ulong(0), None)


class ExtraOpts(dualstack.TestCase):
    network_wanted = False

    def setUp(self):
        super().setUp()
        self.folder = dualstack.temporary_folder()
        self.port = port_of(self.sockets.listener("::", v6only=False))
        self.ini = self.file("plugins.ini", SHARED % {"port": self.port})

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return path

    def section(self, content, name="test.ini"):
        return "--extra-opts=@" + self.file(name, "[check_dualstack]\n" + content)

    def failure(self, *args, naming=(), **options):
        """The program fails, as text and as JSON, with sentences that name all of these."""
        result = self.check(UNKNOWN, *args, **options)
        self.assertTrue(result.first.startswith("DUALSTACK UNKNOWN: "), str(result))
        self.assertNotIn(" | ", result.text)
        report = self.check(UNKNOWN, *args, "--format=json", **options).json
        self.assertEqual(report["state"], "UNKNOWN")
        for word in [naming] if isinstance(naming, str) else naming:
            self.assertIn(word, result.text)
            self.assertIn(word, " ".join(report["errors"]))
        return result

    # What the options mean

    def test_as_nrpe_runs_it(self):
        """Through sh, an environment of next to nothing, no input, a user without rights where there is one."""
        for uid in dualstack.users():
            for words, code, first in (("--extra-opts=@%s", OK, "DUALSTACK OK: 1 service on policy"),
                                       ("--extra-opts=strict@%s", CRITICAL, "DUALSTACK CRITICAL: 1 of 1 service")):
                with self.subTest(uid=uid, words=words):
                    command = "%s %s" % (shlex.quote(dualstack.program_for(uid)), words % self.ini)
                    done = subprocess.run(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT, timeout=50, check=False,
                                          env=dualstack.environment(NRPE_PROGRAMVERSION="4.1.0"),
                                          **dualstack.as_user(uid))
                    self.assertEqual(done.returncode, code, done.stdout)
                    self.assertTrue(done.stdout.decode().startswith(first), done.stdout)

    def test_it_is_as_if_they_stood_on_the_command_line(self):
        rule = "%d dual-stack name=web" % self.port
        for section, args in (("rule=%s\n" % rule, ["-r", rule]),
                              ("r=%s\nw=0:5\nc = 10\n" % rule, ["-r", rule, "-w", "0:5", "-c", "10"]),
                              ("verbose=\nv=\nr=%s" % rule, ["-vv", "-r", rule]),
                              ("perfdata=full\nru = %s\n" % rule, ["--perfdata=full", "-r", rule]),
                              ("list=\n", ["--list"]), ("learn=\n", ["--learn"])):
            with self.subTest(section=section):
                self.assertEqual(dualstack.timeless(self.check(OK, self.section(section))),
                                 dualstack.timeless(self.check(OK, *args)))
        self.assertEqual(self.check(UNKNOWN, self.section("version=\n")).bytes, self.check(UNKNOWN, "-V").bytes)

    def test_the_command_line_wins(self):
        self.sockets.client("127.0.0.1", self.port)
        path = self.section("w=0\nc=5\nformat=json\nperfdata=totals\n")
        self.assertEqual(self.check(WARNING, path).json["state"], "WARNING")
        for args in ([path, "-w", "1", "--format=text"], ["-w", "1", path, "--format=text"],
                     ["--format=text", "-w1", path]):
            with self.subTest(args=args):
                result = self.check(OK, *args)
                self.assertEqual(result.values["mapped"], ["1", "1", "5", "0"])

    def test_rules_add_up(self):
        other = port_of(self.sockets.listener("0.0.0.0"))
        result = self.check(OK, "--extra-opts=@" + self.ini, "-r", "%d v4-only name=old" % other)
        self.assertEqual(list(result.values), ["mapped", "violations", "unlisted", "web_mapped", "old_mapped"])
        report = self.report("--extra-opts=@" + self.ini, "-r", "%d v4-only name=old" % other)
        self.assertEqual(dualstack.service(report, self.port)["origin"], self.ini + ":8")
        self.assertEqual(dualstack.service(report, other)["origin"], "--rule 1")
        self.failure("--extra-opts=@" + self.ini, "-r", "%d any name=b" % self.port,
                     naming=("--rule 1:", self.ini + ":8"))

    def test_several_occurrences_in_their_order(self):
        other = self.file("other.ini", "[check_dualstack]\nw=0\n[two]\nw=7\nr=1 closed name=none\n[check_dualstack]\nt=5\n")
        result = self.check(OK, "--extra-opts=@" + other, "--extra-opts=two@" + other, "--extra-opts=@" + self.ini)
        self.assertEqual(result.values["mapped"], ["0", "7", "", "0"])
        self.assertEqual(list(result.values)[3:], ["none_mapped", "web_mapped"])

    def test_forms_of_the_option(self):
        env = dualstack.environment(MP_CONFIG_FILE=self.ini)
        plain = self.check(OK, "--extra-opts=@" + self.ini).bytes
        for args in (["--extra-opts=check_dualstack@" + self.ini], ["--extra-opts"], ["--extra-opts="],
                     ["--extra-opts", "check_dualstack"], ["--extra-opts", "@" + self.ini], ["--extra-opts", ""],
                     ["--extra=check_dualstack"], ["--extra-opts", "--timeout=5"]):
            with self.subTest(args=args):
                self.assertEqual(self.check(OK, *args, env=env).bytes, plain)
        self.assertEqual(self.check(OK, "--extra-opts=web json", env=env).json["state"], "OK")

    def test_standard_input(self):
        content = (SHARED % {"port": self.port}).encode()
        self.assertEqual(self.check(OK, "--extra-opts=@-", stdin=content).bytes,
                         self.check(OK, "--extra-opts=@" + self.ini).bytes)
        report = self.report("--extra-opts=strict@-", stdin=content)
        self.assertEqual(dualstack.service(report, self.port)["origin"], "standard input:12")
        for args, naming in ((["-f", "-"], ("--extra-opts", "--policy")), (["--replay=-"], ("--extra-opts", "--replay")),
                             (["--extra-opts=strict@-"], "--extra-opts names it twice")):
            self.failure("--extra-opts=@-", *args, stdin=content, naming=("standard input", "once", *(
                [naming] if isinstance(naming, str) else naming)))
        self.failure("-f", "-", "--replay=-", stdin=content, naming=("--policy", "--replay"))
        self.failure("--extra-opts=@-", stdin=b"[check_dualstack]\nr=1 closed\npolicy=-\n",
                     naming=("--extra-opts", "--policy"))

    def test_a_policy_named_in_the_file(self):
        self.file("policy.conf", "%d v6-only\n" % self.port)
        self.check(CRITICAL, self.section("policy=policy.conf\n"), cwd=self.folder)
        self.failure(self.section("policy = gone.conf\n"), naming=("gone.conf", "No such file"), cwd=self.folder)

    def test_forms_of_text_that_are_fine(self):
        lines = ["[check_dualstack]", "rule=%d dual-stack name=web" % self.port]
        for content in ("\n".join(lines), "\r\n".join(lines) + "\r\n", "\ufeff" + "\n".join(lines) + "\n",
                        "\n\n  " + " \t\n\t".join(lines) + "  \n", "\n#x\n;y\n".join(["", *lines, ""]),
                        "[x]\n" + lines[1] + "x\n[ check_dualstack ] # mine\nrule\t=\t" + lines[1][5:]):
            with self.subTest(content=content):
                path = self.file("text.ini", content)
                self.assertEqual(list(self.check(OK, "--extra-opts=@" + path).values)[3:], ["web_mapped"])

    # Which file

    def test_no_file_is_looked_for_unasked(self):
        broken = self.file("broken.ini", "[check_dualstack]\nrubbish\n")
        env = dualstack.environment(MP_CONFIG_FILE=broken, NAGIOS_CONFIG_PATH=self.folder)
        self.check(OK, env=env)
        self.failure("--extra-opts", env=env, naming=broken + ":2:")

    def test_environment(self):
        for name, port in (("one/plugins.ini", 1), ("one/nagios-plugins.ini", 2), ("two/monitoring-plugins.ini", 3)):
            self.file(name, "[check_dualstack]\nr=%d closed name=p%d\n" % (port, port))
        one, two = (os.path.join(self.folder, name) for name in ("one", "two"))
        for env, label in (({"NAGIOS_CONFIG_PATH": "%s:%s" % (one, two)}, "p1_mapped"),
                           ({"NAGIOS_CONFIG_PATH": "/nonexistent::%s:%s" % (two, one)}, "p3_mapped"),
                           ({"NAGIOS_CONFIG_PATH": one, "MP_CONFIG_FILE": two + "/monitoring-plugins.ini"}, "p3_mapped"),
                           ({"MP_CONFIG_FILE": one + "/nagios-plugins.ini"}, "p2_mapped")):
            with self.subTest(env=env):
                result = self.check(OK, "--extra-opts", env=dualstack.environment(**env))
                self.assertEqual(list(result.values)[3:], [label])
        for env, naming in (({"MP_CONFIG_FILE": "/nonexistent/x.ini"},
                             ("/nonexistent/x.ini: cannot be read", "No such file", "$MP_CONFIG_FILE")),
                            ({"MP_CONFIG_FILE": "", "NAGIOS_CONFIG_PATH": one}, "$MP_CONFIG_FILE")):
            with self.subTest(env=env):
                self.failure("--extra-opts", env=dualstack.environment(**env), naming=naming)

    @dualstack.not_under_valgrind("files below /etc")
    def test_standard_places(self):
        """Each of them is found, and before those behind it; without any of them all are named."""
        def run(*args, places=(), env=None):
            def prepare():
                places_hide()
                for place in places:
                    os.makedirs(os.path.dirname(place), exist_ok=True)
                    with open(place, "w", encoding="ascii") as file:
                        file.write("[check_dualstack]\nr=1 closed name=p%d\n" % PLACES.index(place))
            return dualstack.run("--extra-opts", *args, preexec_fn=prepare, env=env)

        for number in range(len(PLACES)):
            with self.subTest(place=PLACES[number]):
                result = run(places=PLACES[number:])
                self.assertEqual((result.code, list(result.values)[3:]), (OK, ["p%d_mapped" % number]), str(result))
        result = run()
        self.assertEqual(result.code, UNKNOWN)
        self.assertIn("no ini file", result.first)
        report = run("--format=json", env=dualstack.environment(NAGIOS_CONFIG_PATH="/nonexistent")).json
        self.assertEqual(report["state"], "UNKNOWN")
        for place in [*PLACES, "/usr/local/nagios/etc/plugins.ini"]:
            self.assertIn(place, result.text)
            self.assertIn(place, " ".join(report["errors"]))
        self.assertIn("NAGIOS_CONFIG_PATH (/nonexistent)", " ".join(report["errors"]))

    # What is wrong with it

    def test_mistakes_in_the_file(self):
        for content, place, words in (
                ("rule=22 any\nverbose\n", ":3:", ("'verbose'", "=")), ("=5\n", ":2:", "="),
                ("\nwarning=5x\n", ":3:", ("--warning", "5x")), ("c=\n", ":2:", "needs a value"),
                ("v=2\n", ":2:", ("takes no value", "v=")), ("bogus=1\n", ":2:", "bogus"),
                ("--rule=22 any\n", ":2:", "without dashes"), ("extra-opts=@x\n", ":2:", "command line only"),
                ("r=22 any\nrule=22 dualstack\n", ":3:", "'dualstack'"), ("rule=# none\n", ":2:", "empty"),
                ("r=22 any\nr=22 v4\n", ":3:", ":2"), ("t=soon\n", ":2:", ("--timeout", "soon")),
                ("format=xml\n", ":2:", ("--format", "xml")), ("policy=\n", ":2:", "needs a value"),
                ("r=1 closed\n[other\nx=y\n", ":3:", ("[other", "]")), ("", ":1:", ("[check_dualstack]", "empty")),
                ("r=1 closed\n\0\n", ":3:", "NUL"), ("# only a comment\n[x]\nr=22 any\n", ":1:", "empty")):
            with self.subTest(content=content):
                option = self.section(content)
                result = self.failure(option, naming=("test.ini" + place, *([words] if isinstance(words, str) else words)))
                self.assertNotIn("Usage:", result.text)
                self.failure(option, "--lint", naming="test.ini" + place)

    def test_lines_before_any_section(self):
        path = self.file("test.ini", "\nrule=22 any\n[check_dualstack]\nrule=1 closed\n")
        self.failure("--extra-opts=@" + path, naming=(path + ":2:", "[check_dualstack]"))

    def test_sections_that_are_not_there(self):
        for section in ("away", "check_dual", "check_dualstack2", "CHECK_DUALSTACK", "[strict]"):
            with self.subTest(section=section):
                self.failure("--extra-opts=%s@%s" % (section, self.ini), naming=(self.ini, "[%s]" % section))

    def test_files_that_cannot_be_read(self):
        missing = os.path.join(self.folder, "missing.ini")
        self.failure("--extra-opts=@" + missing, naming=(missing, "No such file"))
        self.failure("--extra-opts=@" + self.folder, naming=(self.folder, "irectory"))
        self.failure("--extra-opts=@", naming="no file")
        self.failure("--extra-opts=@/dev/zero", naming=("/dev/zero", "longer"))
        self.failure("--extra-opts=@/dev/null", naming=("/dev/null", "[check_dualstack]"))
        with open(PROGRAM, "rb") as file:
            self.failure("--extra-opts=@" + self.file("binary.ini", file.read(900000)), naming="binary.ini:")

    def test_without_permission(self):
        if dualstack.unprivileged():
            self.skipTest(dualstack.unprivileged())
        closed = self.file("closed/plugins.ini", "[check_dualstack]\nr=1 closed\n")
        other = self.file("open/plugins.ini", "[check_dualstack]\nr=2 closed\n")
        path = "%s:%s" % (os.path.dirname(closed), os.path.dirname(other))
        os.chmod(closed, 0)
        for target in (closed, os.path.dirname(closed)):
            os.chmod(target, 0)
            self.failure("--extra-opts=@" + closed, uid=dualstack.NOBODY, naming=(closed, "Permission denied"))
            # What may hold the options is not passed over for a file that ranks behind it.
            self.failure("--extra-opts", uid=dualstack.NOBODY, naming="Permission denied",
                         env=dualstack.environment(NAGIOS_CONFIG_PATH=path))
            os.chmod(target, 0o755)

    def test_json_is_asked_for_in_the_file(self):
        for content in ("format=json\nwarning=5x\n", "warning=5x\nformat=json\n", "rubbish\nformat=json\n",
                        "format=json\nr=22 dualstack\n", "format=json\n[check_dualstack\n"):
            with self.subTest(content=content):
                report = self.check(UNKNOWN, self.section(content)).json
                self.assertEqual(report["state"], "UNKNOWN")
                self.assertRegex(report["errors"][0], r"test\.ini:\d:")
        for args in (["-Z"], ["-w", "5x"], ["x"]):
            with self.subTest(args=args):
                report = self.check(UNKNOWN, self.section("format=json\n"), *args).json
                self.assertTrue(report["errors"])
        report = self.check(UNKNOWN, "--extra-opts=away@" + self.ini, "--extra-opts=web json@" + self.ini).json
        self.assertIn("[away]", report["errors"][0])

    def test_mistakes_on_the_command_line_beside_it(self):
        result = self.failure("--extra-opts=@" + self.ini, "-Z", naming="-Z")
        self.assertIn("Usage:", result.text)
        self.failure("--extra-opts=@" + self.ini, "x", naming="'x'")
        self.failure("x", "--extra-opts=@" + self.ini, naming="'x'")
        self.failure("--extra-opts", "@" + self.ini, "x", naming="unexpected argument 'x'")

    def test_help_needs_no_file(self):
        for args in (["--help"], ["-V"]):
            self.assertEqual(self.check(UNKNOWN, "--extra-opts=@/nonexistent", *args).bytes,
                             self.check(UNKNOWN, *args).bytes)

    # How long it takes

    def timed_out(self, *args):
        """Runs it with an input that never ends."""
        reader, writer = os.pipe()
        try:
            done = subprocess.run([PROGRAM, *args], stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=dualstack.environment(), timeout=50, check=False)
        finally:
            os.close(reader)
            os.close(writer)
        self.assertEqual(done.stderr, b"")
        return dualstack.Result(args, done.returncode, done.stdout)

    def test_timeout(self):
        result = self.timed_out("--extra-opts=@-", "-t", "1:critical")
        self.assertEqual(result.code, CRITICAL)
        self.assertIn("while reading the options of --extra-opts", result.first)
        result = self.timed_out("-t1", "--extra-opts=@-", "--format=json")
        self.assertEqual((result.code, result.json["state"]), (UNKNOWN, "UNKNOWN"))
        # A timeout and a format in the file count once it has been read.
        result = self.timed_out(self.section("t=1\nformat=json\n"), "-f", "-")
        self.assertEqual(result.code, UNKNOWN)
        self.assertIn("within 1 second", result.json["errors"][0])
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        self.failure("-t1", "--extra-opts=@" + fifo, naming="1 second")


if __name__ == "__main__":
    dualstack.main()
