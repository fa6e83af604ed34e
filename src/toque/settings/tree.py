"""The settings as values: each field once, with its default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from toque.errors import UserError
from toque.settings.secret import Secret

V = TypeVar("V")


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of `toque.toml`: an unknown key is an error."""


class Retention(Section, frozen=True, kw_only=True):
    """How long ended runs are kept."""

    age_s: float = 90 * 86400.0
    """Written `age = "90d"`."""
    keep_last: int = 50
    """Runs of each pipeline that stay, however old."""


class BundleFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Which files of the project make its bundle, beside those that git knows. Patterns as in `.gitignore`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    """Folders and databases of connections, relative to the project: no code, unless code lies in them."""


class Environment(Section, frozen=True, kw_only=True):
    """A virtual environment that tasks may ask for. Either an interpreter, or what to install into a new one."""

    python: str = ""
    requirements: tuple[str, ...] = ()


class Notification(Section, frozen=True, kw_only=True):
    """Who is told when a pipeline fails, recovers or is late."""

    to: str
    """Name of a connection of a type that can be told: `slack`, `smtp`, `webhook`."""
    on: tuple[str, ...]
    """Of `failure`, `recovery`, `late`, `quarantine`."""
    pipelines: tuple[str, ...] = ()
    """Names, `*` and `?` allowed; none means all."""


class OpenLineage(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told what ran, what it read and what it wrote. Either a collector, or a file."""

    url: str = ""
    endpoint: str
    api_key: Secret | None = None
    file: str = ""
    """Absolute; each event is a line of it."""
    namespace: str
    """Of the jobs."""
    namespaces: Mapping[str, str] = {}
    """Of the data, by connection: `postgres://db:5432`."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Named, typed access to something outside."""

    name: str
    type: str
    slots: int | None = None
    """How many task runs may use it at once; None: any number."""
    options: Mapping[str, Any] = {}
    """What the type asks for; secrets are `Secret`."""

    def revealed(self) -> dict[str, Any]:
        """The options with secrets opened, at any depth. Raises `UserError`."""
        return {key: _reveal(value) for key, value in self.options.items()}

    def secrets(self) -> list[Secret]:
        """Those of its options, at any depth."""
        return _secrets_in(dict(self.options))


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is set for one project under one profile."""

    project: Path
    """Root of the project, absolute."""
    declared: bool
    """The project has a `toque.toml`."""
    name: str
    profile: str = ""
    store_url: str
    """`sqlite:///absolute/path` or `postgresql://…`"""
    blobs_url: str
    """`file:///absolute/path` or the URL of an object store."""
    workers: int
    """Worker processes of the `process` executor."""
    lease_s: float = 10.0
    """PostgreSQL: a process that says nothing for so long is taken for dead, and its runs go on elsewhere. Written
    `lease = "10s"`."""
    triggers: Literal["on", "off"] = "on"
    retention: Retention = Retention()
    bundle: BundleFiles = BundleFiles()
    connections: Mapping[str, Connection] = {}
    variables: Mapping[str, Any] = {}
    environments: Mapping[str, Environment] = {}
    pools: Mapping[str, int] = {}
    """Slots by name, those of connections (`connection:NAME`) included."""
    secrets: Mapping[str, Secret] = {}
    notifications: tuple[Notification, ...] = ()
    openlineage: OpenLineage | None = None
    ui_url: str = ""
    """Where people open the UI (`https://toque.example.com`): messages link to it."""

    @property
    def home(self) -> Path:
        """Where the state of the project lives on this machine."""
        return self.project / ".toque"

    def connection(self, name: str) -> Connection:
        """Raises `UserError` with the nearest name."""
        return _named("connection", name, self.connections, f'[connections.{name}]\ntype = "…"')

    def variable(self, name: str) -> Any:
        """Raises `UserError` with the nearest name."""
        return _named("variable", name, self.variables, f"[variables]\n{name} = …")

    def environment(self, name: str) -> Environment:
        """Raises `UserError` with the nearest name."""
        return _named("environment", name, self.environments, f"[environments.{name}]\nrequirements = […]")

    def secret(self, name: str) -> Secret:
        """Raises `UserError` with the nearest name."""
        return _named("secret", name, self.secrets, f'[secrets]\n{name} = "env:{name.upper()}"')

    def all_secrets(self) -> list[Secret]:
        """Every secret of the tree: what logs are masked with."""
        found = list(self.secrets.values())
        if self.openlineage is not None and self.openlineage.api_key is not None:
            found.append(self.openlineage.api_key)
        for connection in self.connections.values():
            found.extend(connection.secrets())
        return found


def nearest(name: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """The known name that a typing mistake may have meant, or ""."""
    import difflib  # only ever needed on the way to an error

    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else ""


def _named(kind: str, name: str, known: Mapping[str, V], example: str) -> V:
    if name in known:
        return known[name]
    meant = nearest(name, known)
    hint = f"did you mean {meant!r}?" if meant else "add to toque.toml: " + example.replace("\n", " ")
    raise UserError(f"no {kind} is named {name!r}", fix=hint)


def _reveal(value: Any) -> Any:
    match value:
        case Secret():
            return value.reveal()
        case dict():
            return {key: _reveal(item) for key, item in value.items()}
        case list():
            return [_reveal(item) for item in value]
        case _:
            return value


def _secrets_in(value: Any) -> list[Secret]:
    match value:
        case Secret():
            return [value]
        case dict():
            return [secret for item in value.values() for secret in _secrets_in(item)]
        case list():
            return [secret for item in value for secret in _secrets_in(item)]
        case _:
            return []
