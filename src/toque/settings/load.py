"""Loads the settings: `toque.toml`, its profile laid over it, the environment over both."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from toque.durations import seconds
from toque.errors import UserError
from toque.settings import places
from toque.settings.bundle import BundleTable, bundle_files
from toque.settings.lines import locate
from toque.settings.notifications import NotificationTable, notification, tables
from toque.settings.openlineage import OpenLineageTable, openlineage
from toque.settings.overlay import overlaid
from toque.settings.secret import Secret, is_telling, unless_telling
from toque.settings.tree import (
    Connection,
    Environment,
    Retention,
    Section,
    Settings,
    nearest,
)

FILE_NAME = "toque.toml"
Table = dict[str, Any]
S = TypeVar("S", bound=Section)

_REFERENCE = re.compile(r"\$(\$|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})")


class _RetentionTable(Section, frozen=True, kw_only=True):
    age: str | float = Retention().age_s
    keep_last: int = Retention().keep_last


class _Bound(Section, frozen=True, kw_only=True):
    """What a profile may set: it binds names and places, and never changes what a pipeline is."""

    store: str = ""
    blobs: str = ""
    workers: int = 0
    lease: str | float = 10.0
    triggers: Literal["on", "off"] = "on"
    retention: Table = {}
    connections: dict[str, Table] = {}
    variables: Table = {}
    environments: dict[str, Table] = {}
    pools: dict[str, int] = {}
    secrets: dict[str, str] = {}
    notifications: list[Table] | Table = []
    openlineage: Table = {}
    ui_url: str = ""


class _File(_Bound, frozen=True, kw_only=True):
    name: str = ""
    bundle: Table = {}
    profiles: dict[str, Table] = {}


def find_project(path: Path) -> Path:
    """Root of the project that `path` belongs to: the nearest parent with a `toque.toml`, else its directory."""
    path = path.absolute()
    start = path if path.is_dir() else path.parent
    for directory in (start, *start.parents):
        if (directory / FILE_NAME).is_file():
            return directory
    return start


def load(project: Path, profile: str | None = None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `project` (a root as `find_project` gives it).

    The profile is the argument, else `TOQUE_PROFILE`, else `dev` when the file declares one, else none. Over the
    file stand `TOQUE_STORE`, `TOQUE_BLOBS`, `TOQUE_WORKERS`, `TOQUE_TRIGGERS`, `TOQUE_UI_URL`, `TOQUE_VARIABLE_<NAME>`,
    `TOQUE_SECRET_<NAME>` and `TOQUE_CONNECTION_<NAME>` (a JSON object). Raises `UserError` with file and line.
    """
    return _Loader(project.absolute(), os.environ if environ is None else environ).load(profile)


class _Loader:
    def __init__(self, project: Path, environ: Mapping[str, str]) -> None:
        self._project = project
        self._environ = environ
        self._file = project / FILE_NAME
        self._text = ""
        self._profile = ""

    def load(self, profile: str | None) -> Settings:
        data = self._read()
        top = self._convert(_File, data, ())
        self._profile = self._choose(profile, top.profiles)
        if self._profile:
            overlay = top.profiles[self._profile]
            self._convert(_Bound, overlay, ("profiles", self._profile))
            data = overlaid(data, overlay)
        data.pop("profiles", None)
        data = self._expanded(self._with_environment(data), ())
        top = self._convert(_File, data, ())
        connections = {name: self._connection(name, table) for name, table in top.connections.items()}
        slots = {f"connection:{name}": each.slots for name, each in connections.items() if each.slots is not None}
        return Settings(
            project=self._project,
            declared=bool(self._text),
            name=top.name or self._project.name,
            profile=self._profile,
            store_url=places.store_url(self._project, top.store),
            blobs_url=places.blobs_url(self._project, top.blobs),
            workers=top.workers or os.cpu_count() or 1,
            lease_s=self._lease(top.lease),
            triggers=top.triggers,
            retention=self._retention(top.retention),
            bundle=bundle_files(self._convert(BundleTable, top.bundle, ("bundle",)), connections, self._project),
            connections=connections,
            variables=top.variables,
            environments={
                name: self._convert(Environment, table, ("environments", name))
                for name, table in top.environments.items()
            },
            pools={**top.pools, **slots},
            secrets={name: self._secret(text, ("secrets", name)) for name, text in top.secrets.items()}
            | {name: Secret("env", var, environ=self._environ) for name, var in self._from_environment("SECRET")},
            notifications=tuple(
                notification(
                    self._convert(NotificationTable, table, ("notifications",)),
                    connections,
                    lambda message, fix: self._error(message, self._line(("notifications",)), fix),
                )
                for table in tables(top.notifications)
            ),
            openlineage=openlineage(
                self._convert(OpenLineageTable, self._option("", top.openlineage, ("openlineage",)), ("openlineage",)),
                self._project,
                top.name or self._project.name,
                lambda message, fix: self._error(message, self._line(("openlineage",)), fix),
            ),
            ui_url=top.ui_url.rstrip("/"),
        )

    def _read(self) -> Table:
        try:
            self._text = self._file.read_text()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{FILE_NAME} cannot be read: {error}", file=str(self._file)) from error
        self._text = self._text or "\n"
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+)", str(error))
            raise self._error(f"not valid TOML: {error}", int(found.group(1)) if found else 0) from error

    def _choose(self, profile: str | None, profiles: Mapping[str, Table]) -> str:
        chosen = profile or self._environ.get("TOQUE_PROFILE", "")
        if not chosen:
            return "dev" if "dev" in profiles else ""
        if chosen not in profiles:
            meant = nearest(chosen, profiles)
            known = ", ".join(sorted(profiles)) or "none"
            fix = f"did you mean {meant!r}?" if meant else f"declare [profiles.{chosen}] (there are: {known})"
            raise self._error(f"no profile is named {chosen!r}", 0, fix)
        return chosen

    def _with_environment(self, data: Table) -> Table:
        over: Table = {
            key: self._environ[f"TOQUE_{key.upper()}"]
            for key in ("store", "blobs", "workers", "triggers", "ui_url")
            if f"TOQUE_{key.upper()}" in self._environ
        }
        over["variables"] = {name: self._environ[var] for name, var in self._from_environment("VARIABLE")}
        over["connections"] = {}
        for name, var in self._from_environment("CONNECTION"):
            try:
                table = msgspec.json.decode(self._environ[var], type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise UserError(f"the environment variable {var} is not a JSON object", file=var) from error
            known = {declared.upper().replace("-", "_"): declared for declared in data.get("connections", {})}
            over["connections"][known.get(name.upper(), name)] = table
        return overlaid(data, over)

    def _from_environment(self, kind: str) -> list[tuple[str, str]]:
        """(name in lower case, variable) of all `TOQUE_<kind>_<NAME>`."""
        prefix = f"TOQUE_{kind}_"
        return [(var[len(prefix) :].lower(), var) for var in sorted(self._environ) if var.startswith(prefix)]

    def _expanded(self, value: Any, path: tuple[str, ...]) -> Any:
        """`value` with `${NAME}` and `${NAME:-default}` replaced; `$$` is a dollar."""
        if isinstance(value, dict):
            return {key: self._expanded(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._expanded(item, path) for item in value]
        if not isinstance(value, str) or "$" not in value:
            return value

        def replace(match: re.Match[str]) -> str:
            if match.group(1) == "$":
                return "$"
            found = self._environ.get(match.group(2), match.group(3))
            if found is None:
                raise self._error(
                    f"{'.'.join(path)} refers to the environment variable {match.group(2)}, which is not set",
                    self._line(path),
                    f"export {match.group(2)}=…, or give a default: ${{{match.group(2)}:-…}}",
                )
            return found

        return _REFERENCE.sub(replace, value)

    def _connection(self, name: str, table: Table) -> Connection:
        path = ("connections", name)
        options = dict(table)
        kind = options.pop("type", None)
        if not isinstance(kind, str):
            raise self._error(f"connection {name!r} has no type", self._line(path), 'type = "…"')
        slots = options.pop("slots", None)
        if slots is not None and (type(slots) is not int or slots < 1):
            raise self._error("slots is a whole number from 1", self._line((*path, "slots")))
        return Connection(
            name=name,
            type=kind,
            slots=slots,
            options={key: self._option(key, value, (*path, key)) for key, value in options.items()},
        )

    def _option(self, key: str, value: Any, path: tuple[str, ...]) -> Any:
        match value:
            case {"secret": str(reference)} if len(value) == 1:
                return self._secret(reference, path)
            case dict():
                return {name: self._option(name, item, (*path, name)) for name, item in value.items()}
            case str() if is_telling(key):
                return Secret("literal", value)
            case _:
                return value

    def _secret(self, reference: str, path: tuple[str, ...]) -> Secret:
        try:
            return Secret.parse(reference, project=self._project, environ=self._environ)
        except ValueError as error:
            raise self._error(f"{'.'.join(path)}: {error}", self._line(path)) from error

    def _lease(self, written: str | float) -> float:
        try:
            lease_s = seconds(written)
        except (UserError, ValueError) as error:
            raise self._error(f"lease: {error}", self._line(("lease",)), 'lease = "10s"') from error
        if lease_s < 1:
            raise self._error("lease is shorter than a busy machine is silent", self._line(("lease",)), 'lease = "10s"')
        return lease_s

    def _retention(self, table: Table) -> Retention:
        written = self._convert(_RetentionTable, table, ("retention",))
        try:
            return Retention(age_s=seconds(written.age), keep_last=written.keep_last)
        except (UserError, ValueError) as error:
            raise self._error(f"retention.age: {error}", self._line(("retention", "age")), 'age = "90d"') from error

    def _convert(self, kind: type[S], table: Table, path: tuple[str, ...]) -> S:
        """`table` as `kind`, its keys checked one by one, so that each error has its own line."""
        known = tuple(field.encode_name for field in msgspec.structs.fields(kind))
        for key in table:
            if key not in known:
                meant = nearest(key, known)
                where = f"[{'.'.join(path)}]" if path else FILE_NAME
                fix = f"did you mean {meant!r}?" if meant else f"known here: {', '.join(known)}"
                raise self._error(f"{where} has no key {key!r}", self._line((*path, key)), fix)
        for field in msgspec.structs.fields(kind):
            if field.encode_name in table:
                try:
                    msgspec.convert(table[field.encode_name], field.type, strict=False)
                except msgspec.ValidationError as error:
                    full = (*path, field.encode_name)
                    raise self._error(f"{'.'.join(full)}: {error}", self._line(full)) from error
        return msgspec.convert(table, kind, strict=False)

    def _line(self, path: tuple[str, ...]) -> int:
        in_profile = locate(self._text, ("profiles", self._profile, *path)) if self._profile else 0
        in_base = locate(self._text, path)
        exact = locate(self._text, ("profiles", self._profile)) if self._profile else 0
        return in_profile if in_profile != exact else in_base

    def _error(self, message: str, line: int, fix: str = "") -> UserError:
        lines = self._text.splitlines()
        source = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        return UserError(message, file=str(self._file), line=line, source=unless_telling(source), fix=fix)
