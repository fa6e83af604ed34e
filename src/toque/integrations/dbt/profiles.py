"""The profile that dbt connects with, made of a connection. Secrets go by the environment, never to the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from toque.errors import UserError
from toque.settings import Connection, Secret
from toque.settings.secret import is_telling

NAME: Final = "toque"
_SECRET: Final = "DBT_ENV_SECRET_TOQUE_"
"""dbt masks the values of variables that are called so in all that it says."""
_HIDDEN: Final = "TOQUE_DBT_"
_ADAPTERS: Final = {"duckdb": "duckdb", "postgresql": "postgres", "snowflake": "snowflake"}
_SNOWFLAKE: Final = frozenset(
    {"account", "user", "password", "authenticator", "private_key", "private_key_path", "private_key_passphrase"}
    | {"token", "role", "database", "warehouse", "schema", "host", "port", "protocol", "client_session_keep_alive"}
    | {"query_tag", "connect_timeout", "retry_all", "connect_retries"}
)


@dataclass(frozen=True)
class Profile:
    """What dbt is given to connect with."""

    adapter: str
    output: dict[str, Any]
    """Of the target; secrets as `env_var(…)`."""
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def write(self, directory: Path, project: str) -> None:
        """Leave `profiles.yml` in `directory`, for a dbt project whose profile is called `project`."""
        directory.mkdir(parents=True, exist_ok=True)
        content = {project: {"target": NAME, "outputs": {NAME: self.output}}}
        (directory / "profiles.yml").write_bytes(msgspec.json.encode(content))  # JSON is YAML


def adapter_of(connection: Connection) -> str:
    """What dbt calls the type of a connection. Raises `UserError` for one that dbt does not build in."""
    if connection.type not in _ADAPTERS:
        raise UserError(
            f"connection {connection.name!r} is of type {connection.type}, and dbt builds in {', '.join(_ADAPTERS)}",
            fix='profile="…": with a profile of your own, dbt connects as it says',
        )
    return _ADAPTERS[connection.type]


def profile_of(
    connection: Connection, *, project: Path, schema: str = "", threads: int = 4, reveal: bool = True
) -> Profile:
    """The profile of a connection. `reveal=False`: where a secret is missing its place is filled, so that a machine
    that only looks at projects needs none. Raises `UserError`."""
    adapter = adapter_of(connection)
    options = _opened(connection, reveal)
    match adapter:
        case "duckdb":
            output = _duckdb(options, project, connection.name)
        case "postgres":
            output = _postgres(options)
        case _:
            output = {name: value for name, value in options.items() if name in _SNOWFLAKE}
    if schema:
        output["schema"] = schema
    output |= {"type": adapter, "threads": threads}
    return _hidden(adapter, output, everything=_has_secret_url(connection))


def _opened(connection: Connection, reveal: bool) -> dict[str, Any]:
    if reveal:
        return connection.revealed()
    found: dict[str, Any] = {}
    for name, value in connection.options.items():
        if isinstance(value, Secret):
            try:
                value = value.reveal()
            except UserError:
                value = "postgresql://toque@localhost/toque" if name == "url" else "toque"
        found[name] = value
    return found


def _duckdb(options: dict[str, Any], project: Path, name: str) -> dict[str, Any]:
    path = options.pop("path", "")
    if not path:
        raise UserError(f"connection {name!r} has no 'path'", fix='path = "…"')
    schema = options.pop("schema", "main")
    output = {"path": path if path == ":memory:" else str((project / path).resolve()), "schema": schema}
    # As in Toque's own sessions, so that a model and a load mean the same instant.
    return {**output, "settings": {"TimeZone": "UTC"}, **({"config_options": options} if options else {})}


def _postgres(options: Mapping[str, Any]) -> dict[str, Any]:
    parts = urlsplit(str(options.get("url", "")))
    rest = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    given = {**{key: unquote(value) for key, value in rest.items()}, **options}
    given.pop("url", None)
    found = {
        "host": given.pop("host", "") or unquote(parts.hostname or "") or "localhost",
        "port": int(given.pop("port", 0) or parts.port or 5432),
        "user": given.pop("user", "") or unquote(parts.username or ""),
        "password": str(given.pop("password", "") or unquote(parts.password or "")),
        "dbname": given.pop("dbname", "") or unquote(parts.path.lstrip("/")),
        "schema": given.pop("schema", "public"),
    }
    known = ("sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout", "role", "search_path")
    return found | {name: given[name] for name in known if name in given}


def _has_secret_url(connection: Connection) -> bool:
    return isinstance(connection.options.get("url"), Secret)


def _hidden(adapter: str, output: dict[str, Any], *, everything: bool) -> Profile:
    """With secrets moved to the environment. Of an address that is secret as a whole, all of its parts are."""
    environment: dict[str, str] = {}
    secrets: list[str] = []
    shown = dict(output)
    of_address = ("host", "user", "dbname") if everything else ()
    for name, value in output.items():
        if not isinstance(value, str) or not value:
            continue
        if is_telling(name):
            variable = f"{_SECRET}{name.upper()}"
            secrets.append(value)
        elif name in of_address:
            variable = f"{_HIDDEN}{name.upper()}"
        else:
            continue
        environment[variable] = value
        shown[name] = f"{{{{ env_var('{variable}') }}}}"
    return Profile(adapter, shown, environment, tuple(secrets))
