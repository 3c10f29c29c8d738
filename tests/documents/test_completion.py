# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""The completions in interactive shells at a terminal: what stands on the command line after the keys were pressed."""

import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

TOP_SRCDIR = os.environ["TOP_SRCDIR"]
PROGRAM = os.environ["CHECK_DUALSTACK"]
FOLDER = os.path.join(TOP_SRCDIR, "packaging", "completion")
SECONDS = 30

# Ctrl-X writes what stands on the command line to the file, for the test to see.
BASHRC = """
PS1='ready> '
bind 'set bell-style none' 'set completion-query-items 0' 'set page-completions off' 'set enable-bracketed-paste off'
tell() { printf '%s' "$READLINE_LINE" >told.new && mv told.new told; }
bind -x '"\\C-x": tell'
source "$FOLDER/check_dualstack.bash"
"""

# There the matches of the last completion come first, as compadd was given them, then a line "=".
ZSHRC = r"""
PS1='ready> '
unsetopt BEEP LIST_AMBIGUOUS ALWAYS_LAST_PROMPT
fpath=($FOLDER $fpath)
autoload -Uz compinit && compinit -u -D
zstyle ':completion:*' completer _complete
LISTMAX=10000
typeset -ga matches
compadd() {
  local -a found
  # What only asks is not what is offered.
  if [[ " ${(j: :)@[1,(i)(-|--)]} " == *' -'[a-zA-Z]#[OAD]' '* ]]; then
    builtin compadd "$@"
    return
  fi
  builtin compadd -O found "$@"
  matches+=("$IPREFIX$PREFIX<" $found)
  builtin compadd "$@"
}
complete-afresh() { matches=(); zle complete-word }
zle -N complete-afresh
bindkey '^I' complete-afresh
tell() { print -rl -- $matches = "$BUFFER" >told.new && mv told.new told }
zle -N tell
bindkey '^X' tell
"""


class Shell:
    """An interactive shell in a folder of its own, at a terminal."""

    def __init__(self, words, files):
        self.folder = tempfile.mkdtemp(prefix="check_dualstack.")
        for name, text in files.items():
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        os.mkdir(os.path.join(self.folder, "captures"))
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder, "ZDOTDIR": self.folder, "FOLDER": FOLDER,
                       "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(self.folder)
                os.execvpe(words[0], words, environment)
            finally:
                os._exit(127)
        self.screen = b""
        self.read_until(lambda: b"ready> " in self.screen)

    def read_until(self, condition):
        end = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > end:
                raise AssertionError("not within %d s; the terminal shows: %r" % (SECONDS, self.screen))
            if select.select([self.terminal], [], [], 0.02)[0]:
                self.screen += os.read(self.terminal, 65536)

    def press(self, keys):
        """What was told after these keys on an empty line."""
        told = os.path.join(self.folder, "told")
        os.write(self.terminal, keys.encode() + b"\x18")
        self.read_until(lambda: os.path.exists(told))
        with open(told, encoding="utf-8") as file:
            text = file.read()
        os.remove(told)
        # Ctrl-A Ctrl-K empties the line.
        os.write(self.terminal, b"\x01\x0b")
        return text

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)
        shutil.rmtree(self.folder, ignore_errors=True)


def help_options():
    """Every option that --help names, short and long."""
    text = subprocess.run([PROGRAM, "--help"], stdout=subprocess.PIPE, check=False).stdout.decode()
    return set(re.findall(r"(?<![\w-])(-[A-Za-z]|--[a-z][a-z-]*)(?=[=,\[ ])", text[text.index("\n"):]))


def words(line):
    """What the shell makes of it; quotes that are open yet are closed. It may write 'a b' as a\\ b."""
    for end in ("", "'", '"'):
        try:
            return shlex.split(line + end)
        except ValueError:
            pass
    raise AssertionError("cannot be split: " + line)


class Common:
    """What both shells complete alike; a line ends where the cursor stays."""

    TAB = "\t"

    def complete(self, typed):
        return self.line(self.shell.press(typed + self.TAB))

    def test_options(self):
        for typed, line in (("--fo", "--format="), ("--perf", "--perfdata="), ("--lin", self.LINT),
                            ("--ver", "--ver"), ("-r 'x' --cap", "-r 'x' --capture ")):
            with self.subTest(typed=typed):
                self.assertEqual(self.complete("check_dualstack " + typed), "check_dualstack " + line)

    def test_values(self):
        for typed, line in (("--format=j", "--format=json "), ("--format=t", "--format=text "),
                            ("--perfdata=f", "--perfdata=full "), ("--perfdata=t", "--perfdata=totals "),
                            ("--source=n", "--source=netlink "), ("--source p", "--source procfs "),
                            ("--format=x", "--format=x")):
            with self.subTest(typed=typed):
                self.assertEqual(self.complete("check_dualstack " + typed), "check_dualstack " + line)

    def test_files(self):
        for typed, line in (("-f poli", "-f policy.conf "), ("--policy=poli", "--policy=policy.conf "),
                            ("--policy poli", "--policy policy.conf "), ("-vf poli", "-vf policy.conf "),
                            ("--replay=capt", "--replay=captures/"), ("--procfs=capt", "--procfs=captures/"),
                            ("--procfs=poli", "--procfs=poli"), ("--extra-opts=@poli", "--extra-opts=@policy.conf "),
                            ("--extra-opts=web@poli", "--extra-opts=web@policy.conf "),
                            ("--extra-opts=@capt", "--extra-opts=@captures/"), ("--extra-opts=poli", "--extra-opts=poli")):
            with self.subTest(typed=typed):
                self.assertEqual(self.complete("check_dualstack " + typed), "check_dualstack " + line)

    def test_by_path(self):
        """A plugin is called where it is, seldom through PATH."""
        path = "/usr/lib/nagios/plugins/check_dualstack "
        self.assertEqual(self.complete(path + "--netn"), path + "--netns=")

    def test_another_program_is_left_alone(self):
        self.assertEqual(self.complete("some_other_plugin --perfd"), "some_other_plugin --perfd")


class Bash(Common, unittest.TestCase):
    LINT = "--lint "

    def setUp(self):
        self.shell = Shell(["bash", "--noprofile", "--rcfile", "bashrc", "-i"],
                           {"bashrc": BASHRC, "policy.conf": ""})
        self.addCleanup(self.shell.close)

    @staticmethod
    def line(told):
        return told

    def test_rule(self):
        for typed, line in (("-r 'defa", "-r 'default"), ("-r '443 du", "-r '443 dual-stack"),
                            ("-r '443 v6-o", "-r '443 v6-only"), ("--rule='443 cl", "--rule='443 closed"),
                            ('-r "443 an', '-r "443 any'), ("-r '443 v4 se", "-r '443 v4 severity="),
                            ("-r '443 v4 severity=w", "-r '443 v4 severity=warning"),
                            ("-r '443 v4 name=web wai", "-r '443 v4 name=web waive-until="),
                            ("-r '443 nonsense", "-r '443 nonsense"), ("-r 443", "-r 443")):
            with self.subTest(typed=typed):
                self.assertEqual(self.complete("check_dualstack " + typed), "check_dualstack " + line)


class Zsh(Common, unittest.TestCase):
    LINT = "--lint="  # which goes again when a blank follows

    def setUp(self):
        self.shell = Shell(["zsh", "-i", "-d"], {".zshrc": ZSHRC, "policy.conf": ""})
        self.addCleanup(self.shell.close)

    @staticmethod
    def line(told):
        return ("\n" + told).split("\n=\n", 1)[1].rstrip("\n")

    def offered(self, typed):
        matches = ("\n" + self.shell.press(typed + self.TAB)).split("\n=\n", 1)[0].split("\n")
        return {match for match in matches if match and not match.endswith("<")}

    def test_every_option_is_offered(self):
        self.assertEqual({option.rstrip("=") for option in self.offered("check_dualstack -")}, help_options())

    def test_rule(self):
        for typed, line in (("-r '443 du", "-r '443 dual-stack"), ("-r '443 v6-", "-r '443 v6-only"),
                            ("--rule='443 cl", "--rule='443 closed"), ('-r "443 an', '-r "443 any'),
                            ("-r '443 v4 sev", "-r '443 v4 severity="),
                            ("-r '443 v4 severity=w", "-r '443 v4 severity=warning"),
                            ("-r '443 v4 name=web wai", "-r '443 v4 name=web waive-until="),
                            ("-r '443 nonsense", "-r '443 nonsense")):
            with self.subTest(typed=typed):
                self.assertEqual(words(self.complete("check_dualstack " + typed)), words("check_dualstack " + line))

    def test_modes_exclude_each_other(self):
        self.assertEqual(self.offered("check_dualstack --list --l"), set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
