"""What each type of connection asks for, as JSON Schema: the forms of the command center are made of it.

An entry point of the group `toque.connection_types`, named like the type, is a `ConnectionType`. Nothing here is
enforced: each client judges its own options, and `toque connections test` has it do so.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any

import msgspec

from toque.integrations.probes import probe_for
from toque.ports.connections import ConnectionType


@cache
def connection_types() -> tuple[ConnectionType, ...]:
    """Those that are built in, then those of other distributions; found once: all that is installed is read for it."""
    found = {each.type: each for each in _BUILT_IN}
    for entry in entry_points(group="toque.connection_types"):
        found[entry.name] = entry.load()
    return tuple(msgspec.structs.replace(each, testable=probe_for(name) is not None) for name, each in found.items())


def _text(title: str, doc: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "string", "title": title, **({"description": doc} if doc else {}), **more}


def _secret(title: str, doc: str = "") -> dict[str, Any]:
    where = "`env:NAME` or `file:path`: where it is kept."
    said = f"{doc} {where}" if doc else where
    return {"type": "string", "format": "secret", "title": title, "description": said, "pattern": "^(env|file):.+"}


def _number(title: str, doc: str = "", **more: Any) -> dict[str, Any]:
    return {**_text(title, doc, **more), "type": "number"}


def _table(title: str, doc: str) -> dict[str, Any]:
    return {"type": "object", "title": title, "description": doc}


def _kind(kind: str, title: str, doc: str, required: tuple[str, ...], **properties: dict[str, Any]) -> ConnectionType:
    schema = {"type": "object", "required": list(required), "properties": properties}
    return ConnectionType(type=kind, title=title, doc=doc, options=schema)


_TRUST = _text("Authorities", "A file of certificates to trust, if not those of this machine.")

_BUILT_IN = (
    _kind(
        "duckdb",
        "DuckDB",
        "A warehouse in one file, which one process at a time owns.",
        ("path",),
        path=_text("File", "Relative to the project; it is made when it is first written.", examples=["lake.duckdb"]),
    ),
    _kind(
        "postgresql",
        "PostgreSQL",
        "A warehouse, a source that is captured, or the destination of a sync.",
        ("url",),
        url=_text("Address", examples=["postgresql://ana@localhost:5432/shop"]),
        password=_secret("Password"),
    ),
    _kind(
        "snowflake",
        "Snowflake",
        "A warehouse. Whatever else the connector of Snowflake takes may stand beside these.",
        ("account", "user"),
        account=_text("Account", examples=["acme-eu1"]),
        user=_text("User"),
        password=_secret("Password"),
        database=_text("Database"),
        schema=_text("Schema"),
        warehouse=_text("Warehouse", "The one that computes."),
        role=_text("Role"),
    ),
    _kind(
        "salesforce",
        "Salesforce",
        "A CRM that is captured and written to. Log in as a user with password and token, or as a client.",
        (),
        url=_text("Where to log in", default="https://login.salesforce.com"),
        username=_text("User"),
        password=_secret("Password"),
        security_token=_secret("Security token"),
        client_id=_text("Client"),
        client_secret=_secret("Secret of the client"),
        version=_text("Version of the API", default="59.0"),
        ca_file=_TRUST,
        timeout_s=_number("Timeout", "Seconds.", default=120),
    ),
    _kind(
        "stripe",
        "Stripe",
        "Customers, charges, subscriptions and what changes in them.",
        ("api_key",),
        api_key=_secret("Key", "A restricted key that may read is enough."),
        account=_text("Connected account", examples=["acct_1032D82eZvKYlo2C"]),
        version=_text("Version of the API"),
        url=_text("Address", "Of Stripe itself unless stated."),
    ),
    _kind(
        "http",
        "HTTP",
        "Any API by HTTP.",
        ("url",),
        url=_text("Address", "What paths are relative to.", examples=["https://api.example.com/v1"]),
        headers=_table("Headers", 'As in `{"X-Team": "data"}`.'),
        auth=_table(
            "Who one is",
            'As in `{"auth": "bearer", "token": {"secret": "env:API_TOKEN"}}`; or `basic` with `username` and'
            " `password`, `api_key` with `key`, `client_credentials` with `token_url`, `client_id`, `client_secret`.",
        ),
        targets=_table(
            "Targets of syncs",
            'The calls by operation, as in `{"people": {"upsert": {"method": "PUT", "path": "/people/{id}"}}}`.',
        ),
        timeout_s=_number("Timeout", "Seconds.", default=60),
        ca_file=_TRUST,
    ),
    _kind(
        "stripe",
        "Stripe",
        "Customers, charges and subscriptions.",
        ("api_key",),
        api_key=_secret("API key", "A restricted key that may read is enough."),
        account=_text("Connected account", examples=["acct_1A2b"]),
        version=_text("Version of the API", "Empty: the one that the installed client was made for."),
        url=_text("Address", "Empty: Stripe itself."),
    ),
    _kind(
        "file",
        "Files, S3 and other object stores",
        "A folder, or a place in an object store.",
        ("path",),
        path=_text("Where", examples=["exports", "s3://bucket/prefix"]),
        format={"type": "string", "title": "Format", "enum": ["jsonl", "csv"], "default": "jsonl"},
        options=_table("Options of the store", 'As in `{"region": "eu-west-1"}`.'),
    ),
    _kind(
        "sqlite",
        "SQLite",
        "A database in one file, read only.",
        ("path",),
        path=_text("File", "Relative to the project."),
    ),
    _kind(
        "slack",
        "Slack",
        "Is told of failures.",
        ("url",),
        url=_secret("Incoming webhook", "The address is a secret: who has it can write there."),
    ),
    _kind(
        "smtp",
        "E-mail",
        "Is told of failures.",
        ("host", "from", "to"),
        host=_text("Server", examples=["mail.example.com"]),
        **{"from": _text("Sender", examples=["toque@example.com"])},
        to={"type": "array", "items": {"type": "string"}, "title": "To"},
        tls={"type": "string", "title": "Encryption", "enum": ["starttls", "always", "off"], "default": "starttls"},
        port={"type": "integer", "title": "Port", "minimum": 1, "maximum": 65535},
        user=_text("User"),
        password=_secret("Password"),
    ),
    _kind(
        "webhook",
        "Webhook",
        "Is told of failures, by a signed request.",
        ("url",),
        url=_text("Address", examples=["https://example.com/hook"]),
        secret=_secret("Secret", "That the request is signed with."),
        headers=_table("Headers", 'As in `{"Authorization": {"secret": "env:HOOK_TOKEN"}}`.'),
    ),
)
