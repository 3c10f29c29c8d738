# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""A MariaDB of the test's own, on a socket alone, with its data in memory."""

import contextlib
import gzip
import itertools
import os
import shutil
import subprocess
import tempfile

from hosts import BARE_ENVIRONMENT, PATIENCE, Server


def with_rows_joined(lines):
    """Joins lines that insert a row each into the same columns: a hundred thousand statements, each of them answered,
    take a minute on a busy machine."""
    for (head, values), group in itertools.groupby(lines, lambda line: line.partition(" values ")[:2]):
        if values and head.startswith("INSERT INTO "):
            yield head + values + ",".join(line.partition(values)[2].rstrip(";\n") for line in group) + ";\n"
        else:
            yield from group


class MariaDB:
    """Started by its creation; close() ends it."""

    def __init__(self):
        # The sandbox's own /run is in memory: on a disk, a schema of two thousand statements takes ten times as long.
        self.folder = tempfile.mkdtemp(prefix="mariadb", dir="/run")
        os.chmod(self.folder, 0o755)
        self.socket = os.path.join(self.folder, "socket")
        data = os.path.join(self.folder, "data")
        os.mkdir(data)
        shutil.chown(self.folder, "mysql", "mysql")
        shutil.chown(data, "mysql", "mysql")
        options = ["--no-defaults", "--user=mysql", "--datadir=" + data, "--innodb-flush-method=nosync",
                   "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=16M"]
        log = os.path.join(self.folder, "log")
        with open(log, "wb") as file:
            subprocess.run(["mariadb-install-db", *options, "--auth-root-authentication-method=socket",
                            "--skip-test-db"], stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=True,
                           timeout=PATIENCE, cwd="/")
        self.server = Server(["mariadbd", *options, "--socket=" + self.socket, "--skip-networking"], log,
                             env=BARE_ENVIRONMENT)
        try:
            self.server.ready(self._answers, "MariaDB")
        except BaseException:
            self.close()
            raise

    def _answers(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.sql("SELECT 1") == ["1"]
        return False

    def _client(self, database, *options, stdin=subprocess.DEVNULL):
        return subprocess.run(["mariadb", "--no-defaults", "--socket=" + self.socket, "--skip-column-names", "--raw",
                               *options, database], stdin=stdin, cwd="/", capture_output=True, check=True,
                              timeout=PATIENCE).stdout

    def sql(self, statement, database="mysql"):
        """The lines of its answer."""
        return self._client(database, "--execute", statement).decode("utf-8", "backslashreplace").splitlines()

    def create(self, name, character_set):
        """Creates a database, and a user with its name, also as the password, who may do anything in it."""
        self.sql("CREATE DATABASE {0} CHARACTER SET {1}; CREATE USER {0}@localhost IDENTIFIED BY '{0}';"
                 "GRANT ALL ON {0}.* TO {0}@localhost".format(name, character_set))

    def load(self, dump, database):
        """Runs a file.sql.gz, which is trusted to keep its own foreign keys."""
        with gzip.open(dump, "rt", encoding="utf-8", newline="\n") as lines, \
                tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=self.folder) as file:
            file.writelines(with_rows_joined(lines))
            file.seek(0)
            self._client(database, "--init-command=SET foreign_key_checks=0, unique_checks=0", stdin=file)

    def close(self):
        self.server.close()
        shutil.rmtree(self.folder)
