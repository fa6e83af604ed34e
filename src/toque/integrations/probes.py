"""Probes: whether a connection leads anywhere. One function for each type; other distributions add theirs.

An entry point of the group `toque.probes`, named like the connection's type, is a function of its opened options
that returns one line about what it found and raises when there is nothing to be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeAlias

from toque.errors import UserError
from toque.integrations.patience import Patience

Options: TypeAlias = Mapping[str, Any]
Probe: TypeAlias = Callable[[Options], str]

TIMEOUT_S = 10
_ONCE = Patience(tries=1)
"""Somebody looks at the screen: that nobody answers is the answer."""


def probe_for(kind: str) -> Probe | None:
    """The probe of a connection type; None when nobody brought one."""
    for entry in entry_points(group="toque.probes", name=kind):
        found: Probe = entry.load()
        return found
    return _BUILT_IN.get(kind)


def postgresql(options: Options) -> str:
    """Log in and ask for the version."""
    import psycopg

    given = {key: value for key, value in options.items() if key != "url"}
    with psycopg.connect(str(options.get("url", "")), connect_timeout=TIMEOUT_S, **given) as connection:
        row = connection.execute("select current_setting('server_version'), current_user").fetchone()
    assert row is not None
    return f"PostgreSQL {row[0]} as {row[1]}"


def snowflake(options: Options) -> str:
    """Log in and ask for the version."""
    from toque.integrations.warehouses.snowflake import SnowflakeWarehouse

    with SnowflakeWarehouse({"login_timeout": TIMEOUT_S, **options}).session() as session:
        ((version, role),) = session.fetch("SELECT CURRENT_VERSION(), CURRENT_ROLE()")
    return f"Snowflake {version} as {role or options.get('user', '')}"


def http(options: Options) -> str:
    """Ask for the headers of `url`. Any answer below 500 shows that somebody is there."""
    import urllib.error
    import urllib.request

    url = _required(options, "url")
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url!r} is no address of an HTTP server")
    request = urllib.request.Request(url, method="HEAD", headers=dict(options.get("headers", {})))
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return f"answered {answer.status}"
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise
        return f"answered {error.code}"


def salesforce(options: Options) -> str:
    """Log in and ask how many calls are left today."""
    from toque.integrations.salesforce.client import SalesforceClient

    with SalesforceClient(options, _ONCE) as client:
        return client.probe()


def stripe(options: Options) -> str:
    """Ask for one customer."""
    from toque.integrations.stripe.client import StripeClient

    with StripeClient(options, _ONCE) as client:
        return client.probe()


def duckdb(options: Options) -> str:
    """The file is one of DuckDB's, or can be made. It is not opened: one process owns it, and that may be a task."""
    path = Path(_required(options, "path"))
    if path.is_file() and path.stat().st_size and path.open("rb").read(12)[8:] != b"DUCK":
        raise UserError(f"{path} is no DuckDB database")
    return _file(str(path))


def sqlite(options: Options) -> str:
    """Open the file read-only and ask for its schema's version."""
    import sqlite3

    path = Path(_required(options, "path")).absolute()
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=TIMEOUT_S) as connection:
        version = connection.execute("pragma schema_version").fetchone()[0]
    return f"schema version {version}"


def file(options: Options) -> str:
    """The directory or file exists."""
    return _file(_required(options, "path"))


_BUILT_IN: dict[str, Probe] = {
    "postgresql": postgresql,
    "snowflake": snowflake,
    "http": http,
    "salesforce": salesforce,
    "stripe": stripe,
    "duckdb": duckdb,
    "sqlite": sqlite,
    "file": file,
}


def _file(text: str) -> str:
    path = Path(text)
    if path.exists():
        return f"{path} exists"
    if path.parent.is_dir():
        return f"{path} does not exist yet; its directory does"
    raise UserError(f"neither {path} nor its directory exists")


def _required(options: Options, key: str) -> str:
    if key not in options:
        raise UserError(f"the connection has no {key!r}", fix=f'{key} = "…"')
    return str(options[key])
