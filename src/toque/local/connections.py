"""The connections of a project as its server shows them, and tries them: in a process of their own, which may hang."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from toque.errors import NotFound
from toque.integrations.connection_types import connection_types
from toque.local.probing import opens
from toque.ports.connections import ConnectionType, Declared, Option, Trial
from toque.settings import Connection, Secret, Settings, load
from toque.settings.lines import locate
from toque.settings.load import FILE_NAME

TIMEOUT_S = 30.0
WRITTEN = f"written in {FILE_NAME}"
TELLING = ("authorization", "cookie", "api-key", "private", "passphrase")
"""Of headers and the like, which the settings take for plain text."""
_LOGIN = re.compile(r"(://[^/@:]*):[^/@]*@")


class ProjectConnections:
    """See `toque.ports.connections.Connections`. The file is read each time: what was just written there counts."""

    def __init__(self, settings: Settings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._project = settings.project
        self._profile = settings.profile
        self._timeout_s = timeout_s

    def declared(self) -> list[Declared]:
        """See `Connections.declared`."""
        now = self._settings()
        path = self._project / FILE_NAME
        text = path.read_text() if path.is_file() else ""
        return [self._shown(each, text, now) for _, each in sorted(now.connections.items())]

    def types(self) -> list[ConnectionType]:
        """See `Connections.types`."""
        return list(connection_types())

    async def test(self, name: str) -> Trial:
        """See `Connections.test`."""
        known = (await asyncio.to_thread(self._settings)).connections
        if name not in known:
            raise NotFound(f"there is no connection {name!r}", fix=f"declare [connections.{name}] in {FILE_NAME}")
        profile = ("--profile", self._profile) if self._profile else ()
        began_s = time.perf_counter()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "toque", "connections", "test", name, "--json"),
            *("--project", str(self._project), *profile),
            cwd=self._project,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            said, _ = await asyncio.wait_for(child.communicate(), self._timeout_s)
        except TimeoutError:
            took_us = round((time.perf_counter() - began_s) * 1_000_000)
            return Trial(
                outcome="failed",
                message=f"no answer within {self._timeout_s:g} seconds",
                fix="is the host right, and does this machine reach it?",
                latency_us=took_us,
            )
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        return _answer(said, child.returncode)

    def _settings(self) -> Settings:
        return load(self._project, self._profile or None)

    def _shown(self, connection: Connection, text: str, now: Settings) -> Declared:
        name = connection.name
        in_file = locate(text, ("connections", name))
        in_profile = locate(text, ("profiles", now.profile, "connections", name)) if now.profile else 0
        return Declared(
            name=name,
            type=connection.type,
            slots=connection.slots,
            line=in_file or in_profile,
            options=tuple(self._options("", connection.options)),
            told_of=tuple(sorted({kind for each in now.notifications if each.to == name for kind in each.on})),
        )

    def _options(self, prefix: str, options: Mapping[str, Any]) -> Iterator[Option]:
        for key, value in options.items():
            match value:
                case Secret():
                    yield Option(name=prefix + key, secret=self._place(value), resolves=opens(value))
                case dict():
                    yield from self._options(f"{prefix}{key}.", value)
                case str() if any(word in key.lower() for word in TELLING):
                    yield Option(name=prefix + key, secret=WRITTEN)
                case _:
                    yield Option(name=prefix + key, value=_plain(value))

    def _place(self, secret: Secret) -> str:
        kind, _, place = secret.reference.partition(":")
        if kind == "file":
            path = Path(place)
            return f"file:{path.relative_to(self._project) if path.is_relative_to(self._project) else path}"
        return secret.reference or WRITTEN


def _plain(value: Any) -> Any:
    """As JSON: a secret in a list only as where it is, an address without its password."""
    match value:
        case Secret():
            return repr(value)
        case str():
            return _LOGIN.sub(r"\1:***@", value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return msgspec.to_builtins(value)


def _answer(said: bytes, code: int | None) -> Trial:
    try:
        return msgspec.json.decode(said, type=list[Trial])[0]
    except (msgspec.DecodeError, IndexError):
        return Trial(outcome="failed", message=f"the process that tried it ended with exit code {code}")
