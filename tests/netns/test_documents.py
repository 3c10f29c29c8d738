# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""What is written about the program is so: the same options everywhere, and examples that print what they show."""

import os
import re
import shlex
import string
import subprocess
import unittest

import dualstack
from dualstack import TOP_SRCDIR, UNKNOWN

CAPTURE = os.path.join(TOP_SRCDIR, "tests", "data", "captures", "good-web.json")
BASH_COMPLETION = os.path.join(TOP_SRCDIR, "packaging", "completion", "check_dualstack.bash")

# Something to give each option that takes a value.
VALUES = {"--rule": "80 any", "--policy": "/dev/null", "--warning": "1", "--critical": "1", "--timeout": "8",
          "--format": "text", "--details": "none", "--perfdata": "full", "--peers": "5", "--replay": CAPTURE,
          "--baseline": CAPTURE, "--hosts": "/dev/null", "--max-age": "7", "--source": "auto", "--procfs": "/proc/net",
          "--netns": "0", "--extra-opts": "check_dualstack", "--lint": "strict"}

SCREEN_LINES, SCREEN_COLUMNS = 24, 80


def source(*path):
    with open(os.path.join(TOP_SRCDIR, *path), encoding="utf-8") as file:
        return file.read()


def plain(text):
    """The text of mdoc without its escapes."""
    for escape, character in (("\\-", "-"), ("\\(aq", "'"), ("\\&", ""), ("\\e", "\\")):
        text = text.replace(escape, character)
    return text


def folded(text):
    """The words alone: the manual folds lines where the program does not."""
    return " ".join(text.split())


def of_c_table(file, name, pattern):
    """What the pattern finds in the rows of that table of lib/audit."""
    rows = source("lib", "audit", file).split(" %s[] = {\n" % name)[1].split("\n}")[0]
    return re.findall(pattern, rows)


class Options(dict):
    """Each option's name, and whether it takes a value: always, never or optionally."""

    ALWAYS, NEVER, MAYBE = "=", "", "[="

    def add(self, name, value):
        if name in self:
            raise AssertionError("%s appears twice" % name)
        self[name] = value


def of_table():
    """The program's own table: {"policy", "=FILE", ..., .letter = 'f'}."""
    table = source("plugins", "options.c").split("struct option_row rows[] = {")[1].split("\n};")[0]
    found = Options()
    for row in table.split('\n    {"')[1:]:
        name, value = re.match(r'([a-z-]+)",\s+"(\[?=)?', row).groups(Options.NEVER)
        letter = "".join(re.findall(r"\.letter = '(\w)'", row))
        found.add("--" + name, value)
        if letter:
            found.add("-" + letter, value)
    return found


def of_help(text):
    found = Options()
    for line in text[:text.index("\nRULE is ")].split("\n")[1:]:
        # Two blanks are between the options of a line and what they do.
        for part in re.split(r"\s{2,}", line.strip()):
            words = part.split(", ") if part.startswith("-") else []
            kind = Options.NEVER
            for word in reversed(words):
                name, value = re.fullmatch(r"(--[a-z-]+|-[A-Za-z])(\[?=)?.*", word).groups()
                if name.startswith("--"):
                    kind = value or Options.NEVER
                found.add(name, kind)
    return found


def of_manual():
    """".It Fl f Ar file , Fl -policy Ns = Ns Ar file" in the section OPTIONS."""
    section = source("plugins", "check_dualstack.1").split("\n.Sh OPTIONS\n")[1].split("\n.Sh ")[0]
    found = Options()
    for item in re.findall(r"^\.It (Fl .*)$", section, re.MULTILINE):
        for macro in item.split(" , "):
            name, rest = re.fullmatch(r"Fl (\S+)(.*)", macro).groups()
            kind = Options.MAYBE if "Oo =" in rest else Options.ALWAYS if " Ar " in rest else Options.NEVER
            found.add("-" + name, kind)
    return found


def of_zsh():
    """The specifications behind _arguments; tests/documents asks the shell itself."""
    text = source("packaging", "completion", "_check_dualstack").split("\n_arguments ")[1]
    found = Options()
    for line in text.split("\n")[1:]:
        if not line.strip():
            continue
        spec = re.match(r"""\s+['"]?(?:\([^)]*\))?\*?'?(?:\{([^}]*)\}'|(-[^\[]*))\[""", line)
        for name in (spec.group(1) or spec.group(2)).split(","):
            name, value = re.fullmatch(r"(-[^=+]+)(=-|[=+])?", name).groups()
            found.add(name, {None: Options.NEVER, "=-": Options.MAYBE}.get(value, Options.ALWAYS))
    return found


def bash_offers(*words):
    """What the completion offers for the last of the words, as bash splits them."""
    script = """
        source "$0"
        compopt() { :; }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _check_dualstack
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "--norc", "--noprofile", "-c", script, BASH_COMPLETION, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, env={"PATH": os.environ["PATH"]})
    if done.stderr:
        raise AssertionError(done.stderr.decode())
    return [line for line in done.stdout.decode().split("\n") if line]


class OptionLists(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.help = dualstack.run("--help").text
        cls.options = of_table()

    def test_all_of_them(self):
        """The parsers have found something: these are there from the first release on."""
        self.assertLessEqual({"-r", "--rule", "--list", "--netns", "-h"}, set(self.options))
        self.assertEqual(self.options["--rule"], Options.ALWAYS)

    def test_help(self):
        self.assertEqual(of_help(self.help), self.options)

    def test_manual(self):
        self.assertEqual(of_manual(), self.options)

    def test_zsh(self):
        self.assertEqual(of_zsh(), self.options)

    def test_bash(self):
        offered = bash_offers("check_dualstack", "-")
        self.assertEqual(len(offered), len(set(offered)), offered)
        self.assertEqual({option.rstrip("=") for option in offered}, set(self.options))
        for option in offered:
            kind = self.options[option.rstrip("=")]
            if option.startswith("--") and kind != Options.MAYBE:
                self.assertEqual(option.endswith("="), kind != Options.NEVER, option)

    def test_the_program_takes_these_and_no_others(self):
        ini = os.path.join(dualstack.temporary_folder(), "plugins.ini")
        with open(ini, "w", encoding="utf-8") as file:
            file.write("[check_dualstack]\nverbose=\n")
        env = dualstack.environment(MP_CONFIG_FILE=ini)
        for name in [name for name in self.options if name.startswith("--")]:
            with self.subTest(option=name):
                self.assertIn("unknown option %sx: did you mean %s?" % (name, name), dualstack.run(name + "x").first)
                if name in ("--help", "--version"):
                    continue
                # The first mistake is the one that is told.
                kind = self.options[name]
                self.assertEqual(name in VALUES, kind != Options.NEVER, "VALUES does not fit")
                if kind != Options.ALWAYS:
                    self.assertIn("--timeout: 'x'", dualstack.run(name, "-t", "x", env=env).first)
                if kind != Options.NEVER:
                    self.assertIn("--timeout: 'x'",
                                  dualstack.run(name + "=" + VALUES[name], "-t", "x", env=env).first)
        for letter in string.ascii_letters + string.digits:
            with self.subTest(letter=letter):
                refused = "unknown option -" + letter in dualstack.run("-" + letter, "-t").first
                self.assertEqual(not refused, "-" + letter in self.options)

    def test_help_fits_a_screen(self):
        lines = self.help.rstrip("\n").split("\n")
        # One line is the prompt's.
        self.assertLess(len(lines), SCREEN_LINES)
        self.assertLessEqual(max(map(len, lines)), SCREEN_COLUMNS, max(lines, key=len))


class Words(unittest.TestCase):
    """The words of rules and of values, which the program names when it gets another."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.manual = source("plugins", "check_dualstack.1")
        cls.help = folded(dualstack.run("--help").text)
        cls.zsh = source("packaging", "completion", "_check_dualstack")

    @staticmethod
    def named(pattern, *args):
        """The words of "use text or json"."""
        sentence = re.search(pattern, dualstack.run(*args).first).group(1)
        return re.split(r", | or | and ", sentence)

    def manual_items(self, heading):
        section = re.split(r"\n\.S[hs] ", self.manual.split("\n.Ss %s\n" % heading)[1])[0]
        return re.findall(r"^\.It Cm (\S+)", section, re.MULTILINE)

    def test_requirements(self):
        words = self.named(r"use (v4-only.*)", "-r", "1 x")
        self.assertEqual(words, of_c_table("rule.c", "requirements", r'\.word = "([^"]+)"'))
        self.assertEqual(self.manual_items("Requirements"), words)
        self.assertEqual([word.split()[-1] for word in bash_offers("check_dualstack", "-r", "'443 ")], words)
        self.assertEqual(re.findall(r"'([a-z0-9-]+):", self.zsh.split("requirements=(")[1].split(")")[0]), words)
        requirements = self.help.split(" REQUIREMENT ")[2].split(" KEY ")[0]
        self.assertEqual([word for word in re.findall(r"[a-z0-9-]+", requirements) if word in words], words)

    def test_keys(self):
        words = [word.rstrip("=") for word in self.named(r"use (name=.*)", "-r", "1 any x=1")]
        self.assertEqual(words, of_c_table("rule_options.c", "options", r'\{"([^"]+)"'))
        self.assertEqual(sorted(self.manual_items("Rule options")), sorted(words))
        offered = bash_offers("check_dualstack", "-r", "'443 any ")
        self.assertEqual({word.split()[-1].split("=")[0] for word in offered}, set(words))
        self.assertEqual(re.findall(r"'([a-z0-9-]+):", self.zsh.split(" keys=(")[1].split("\n    )")[0]), words)
        self.assertIn(" KEY " + " ".join(words), self.help)

    def test_values(self):
        self.assertEqual(bash_offers("check_dualstack", "--lint", "=", ""), ["strict"])
        self.assertEqual(self.named(r"use --lint or --lint=(\w+)", "--lint=x"), ["strict"])
        for option in ("--format", "--details", "--perfdata", "--source"):
            with self.subTest(option=option):
                words = self.named(r"unknown: use (.*)", option + "=x")
                self.assertGreater(len(words), 1)
                self.assertEqual(bash_offers("check_dualstack", option, "=", ""), words)
                self.assertEqual(bash_offers("check_dualstack", option, "="), words)
                self.assertEqual(bash_offers("check_dualstack", option, ""), words)
                self.assertEqual(bash_offers("check_dualstack", option, "=", words[0][:2]), words[:1])
                self.assertRegex(self.zsh, r"%s=\[.*:\(%s\)'" % (option, " ".join(words)))
                item = self.manual.split("\n.It Fl -%s " % option[2:])[1].split("\n.It Fl ")[0]
                for word in words:
                    self.assertRegex(item, r"(?m)^\.(It )?Cm %s\b" % word)


class PerformanceData(unittest.TestCase):
    SETS = ("totals", "mapped", "full")

    def test_labels(self):
        """Each set prints the labels that the manual says, in its order; of a rule that has all of them."""
        section = source("plugins", "check_dualstack.1").split("\n.Ss Performance data\n")[1].split("\n.S")[0]
        rows = re.findall(r"^\.It (?:Ar )?(\w+)(?: Ns (\w+))? Ta ([a-z, ]+) Ta ", section, re.MULTILINE)
        self.assertGreater(len(rows), 6)
        for name in self.SETS:
            with self.subTest(set=name):
                promised = [label + suffix for label, suffix, sets in rows
                            if sets == "all sets" or name in sets.split(", ")]
                first = dualstack.run("-r", "443 any name=NAME ipv4-warning=9", "--perfdata=" + name,
                                      "--replay=" + CAPTURE).first
                self.assertEqual(re.findall(r"(\w+)=", first.split(" | ")[1]), promised)


# What a replay says because captures of schema 1 keep no addresses.
NO_ADDRESSES = " (the addresses of this host are not known, so reach is as far as sockets are bound)"


class Examples(dualstack.TestCase):
    """Blocks of the manual that begin with a command at a prompt, run, print what the manual shows."""

    network_wanted = False
    external_wanted = True

    def setUp(self):
        super().setUp()
        self.folder = dualstack.temporary_folder()
        blocks = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", source("plugins", "check_dualstack.1"),
                            re.MULTILINE)
        self.blocks = [plain(block) for block in blocks]
        policies = [block for block in self.blocks if block.startswith("# ports")]
        self.assertEqual(len(policies), 1)
        with open(os.path.join(self.folder, "policy.conf"), "w", encoding="utf-8") as file:
            file.write(policies[0])

    def examples(self, program):
        """(words of the command, what the manual shows)"""
        found = [block[2:].split("\n", 1) for block in self.blocks if block.startswith("$ " + program)]
        return [(shlex.split(command), folded(shown)) for command, shown in found]

    def test_the_host_of_the_manual(self):
        """The examples are of one host, whose capture is judged here."""
        examples = [example for example in self.examples("check_dualstack")
                    if not {"--list", "--peers"} & set(example[0])]
        self.assertGreater(len(examples), 5)
        for words, shown in examples:
            with self.subTest(command=words):
                self.assertEqual(words[0], "check_dualstack")
                result = dualstack.run(*words[1:], "--replay=" + CAPTURE, cwd=self.folder)
                self.assertEqual(folded(result.text).replace(NO_ADDRESSES, ""), shown)

    def test_tcp6(self):
        """netstat, --list and --peers on a socket that takes both families."""
        listener = self.sockets.listener("::", 80, v6only=False)
        client = self.sockets.keep(dualstack.socket.socket())
        client.bind(("127.0.0.1", 40000))
        client.connect(("127.0.0.1", 80))
        self.sockets.keep(listener.accept()[0])
        [(words, shown)] = [example for example in self.examples("check_dualstack") if "--list" in example[0]]
        # Whose the sockets are depends on where the test runs.
        owners = re.compile(r"((?:LISTEN|ESTABLISHED) IPv4(?:\+IPv6| \(mapped\))?) \S+ \S+")
        self.assertEqual(len(owners.findall(shown)), 3)
        listed = re.split(" units (?:cannot|are)", folded(dualstack.run(*words[1:]).text))[0]  # no cgroup2 mount
        self.assertEqual(owners.sub(r"\1", listed), owners.sub(r"\1", shown))
        [(words, shown)] = [example for example in self.examples("check_dualstack") if "--peers" in example[0]]
        owner = re.compile(r"(on \[::\]:80) \([^)]+\)")
        self.assertEqual(owner.sub(r"\1", folded(dualstack.run(*words[1:]).text)), owner.sub(r"\1", shown))
        [(words, shown)] = self.examples("netstat")
        printed = subprocess.run(words, stdout=subprocess.PIPE, check=True, env=dualstack.environment()).stdout
        self.assertEqual(folded(printed.decode()), shown)

    def test_other_commands_are_understood(self):
        """What is not shown with its output: each command line of check_dualstack that can be tried here."""
        commands = [line for block in self.blocks for line in block.split("\n")
                    if line.startswith("check_dualstack ") and "--netns" not in line and "=captures" not in line]
        self.assertGreater(len(commands), 2)
        for command in commands:
            with self.subTest(command=command):
                command, _, target = command.partition(" > ")
                result = dualstack.run(*shlex.split(command)[1:], cwd=self.folder)
                self.assertNotEqual(result.code, UNKNOWN, str(result))
                if target:
                    with open(os.path.join(self.folder, target), "wb") as file:
                        file.write(result.bytes)


class Daemons(unittest.TestCase):
    def test_the_manual_points_to_the_table(self):
        """tests/unit/test_daemons_document.c holds that one to the program's own."""
        section = source("plugins", "check_dualstack.1").split("\n.Sh DAEMONS\n")[1].split("\n.Sh ")[0]
        [path] = re.findall(r"^\.Pa (doc/\S+)$", section, re.MULTILINE)
        self.assertIn("\n| nginx |", source(*path.split("/")))


class Source(unittest.TestCase):
    def test_the_page_is_plain_text(self):
        for line in source("plugins", "check_dualstack.1").split("\n"):
            self.assertTrue(line.isascii(), line)
            self.assertEqual(line, line.rstrip())


if __name__ == "__main__":
    dualstack.main()
