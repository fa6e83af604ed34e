"""What the sandbox remembers: one SQLite file, written within each request, so that a restart loses nothing."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.salesforce.schema import OBJECTS

_TYPES = {"double": "REAL", "currency": "REAL", "int": "INTEGER", "boolean": "INTEGER"}
_TABLES = """
CREATE TABLE IF NOT EXISTS _settings (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS _sessions (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS _deletions (object TEXT, id TEXT, at TEXT);
CREATE TABLE IF NOT EXISTS _locators (id TEXT PRIMARY KEY, object TEXT, fields TEXT, ids TEXT);
CREATE TABLE IF NOT EXISTS _jobs (id TEXT PRIMARY KEY, kind TEXT, info TEXT);
CREATE TABLE IF NOT EXISTS _uploads (job TEXT, number INTEGER, content BLOB, PRIMARY KEY (job, number));
CREATE TABLE IF NOT EXISTS _results (job TEXT, kind TEXT, content BLOB, PRIMARY KEY (job, kind));
"""
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

Row = dict[str, Any]


class State:
    """The organisation's data. One request at a time works on it, in one transaction."""

    def __init__(self, path: str | Path, now: Callable[[], datetime] | None = None) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_TABLES)
        self._now = now or (lambda: datetime.now(UTC))
        for sobject in OBJECTS.values():
            columns = ", ".join(
                f'"{field.name}" {_TYPES.get(field.type, "TEXT")}'
                for field in sobject.fields.values()
                if not field.formula and field.name != "Id"
            )
            self._db.execute(f'CREATE TABLE IF NOT EXISTS "{sobject.name}" (Id TEXT PRIMARY KEY, {columns})')
            self._db.execute(f'CREATE INDEX IF NOT EXISTS "{sobject.name}_stamp" ON "{sobject.name}" (SystemModstamp)')
            for field in sobject.own:
                if field.external_id:
                    self._db.execute(
                        f'CREATE UNIQUE INDEX IF NOT EXISTS "{sobject.name}_{field.name}" ON "{sobject.name}"'
                        f' ("{field.name}") WHERE NOT IsDeleted'
                    )

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. May be nested; an inner one is undone alone."""
        with self._lock:
            if self._db.in_transaction:
                name = f"s{secrets.token_hex(4)}"
                begin, commit, undo = f"SAVEPOINT {name}", f"RELEASE {name}", f"ROLLBACK TO {name}"
            else:
                begin, commit, undo = "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"
            self._db.execute(begin)
            try:
                yield
            except BaseException:
                self._db.execute(undo)
                raise
            self._db.execute(commit)

    def rows(self, sql: str, arguments: tuple[Any, ...] | list[Any] = ()) -> list[Row]:
        """Run a statement."""
        with self._lock:
            return [dict(row) for row in self._db.execute(sql, arguments)]

    def setting(self, name: str, default: str = "") -> str:
        """A remembered setting."""
        found = self.rows("SELECT value FROM _settings WHERE name = ?", (name,))
        return str(found[0]["value"]) if found else default

    def set(self, name: str, value: str) -> None:
        """Remember a setting."""
        self.rows("INSERT OR REPLACE INTO _settings VALUES (?, ?)", (name, value))

    def stamp(self) -> str:
        """The organisation's clock, in whole seconds as Salesforce stamps them. `set("clock", …)` stops it."""
        stopped = self.setting("clock")
        return stopped or self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def new_id(self, prefix: str) -> str:
        """A fresh id of 18 characters, the last three of which tell the case of the others."""
        number = int(self.setting("counter", "0")) + 1
        self.set("counter", str(number))
        digits = ""
        while number:
            number, digit = divmod(number, 36)
            digits = _ALPHABET[digit] + digits
        return full_id(prefix + "5e" + digits.rjust(10, "0"))

    def new_session(self) -> str:
        """A session that is valid until it is expired."""
        session = f"00D5e000000TOQUE!{secrets.token_hex(24)}"
        self.rows("INSERT INTO _sessions VALUES (?)", (session,))
        return session

    def has_session(self, session: str) -> bool:
        """Whether a session is valid."""
        return bool(self.rows("SELECT 1 FROM _sessions WHERE id = ?", (session,)))

    def job(self, job: str, kind: str) -> Row | None:
        """What is known about a bulk job."""
        found = self.rows("SELECT info FROM _jobs WHERE id = ? AND kind = ?", (job, kind))
        return json.loads(found[0]["info"]) if found else None

    def save_job(self, info: Row, kind: str) -> None:
        """Remember a bulk job."""
        self.rows("INSERT OR REPLACE INTO _jobs VALUES (?, ?, ?)", (info["id"], kind, json.dumps(info)))


def full_id(text: str) -> str:
    """15 characters as 18: each of the suffix tells which of five characters are upper case."""
    if len(text) != 15:
        return text
    groups = [text[start : start + 5] for start in (0, 5, 10)]
    return text + "".join(_SUFFIX[sum(1 << i for i, c in enumerate(group) if c.isupper())] for group in groups)
