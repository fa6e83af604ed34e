"""`toque connections`: what is declared, and whether it leads anywhere."""

from __future__ import annotations

import click

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options
from toque.cli.output import Output, table
from toque.errors import NotFound
from toque.settings import Connection, Secret, Settings


@click.group()
def connections() -> None:
    """List and test the connections of the project."""


@connections.command("list")
@project_options
@json_option
def list_connections(settings: Settings, output: Output) -> None:
    """List the connections under the chosen profile. Secrets are shown by where they are kept."""
    found = [settings.connections[name] for name in sorted(settings.connections)]
    output.result(
        [{"name": each.name, "type": each.type, "slots": each.slots, "options": dict(each.options)} for each in found],
        lambda: (
            table(
                ["NAME", "TYPE", "SLOTS", "OPTIONS"],
                [(each.name, each.type, each.slots or "", _options(each)) for each in found],
            )
            if found
            else "no connections: declare them in toque.toml as [connections.NAME]"
        ),
    )


@connections.command("test")
@click.argument("names", nargs=-1)
@project_options
@json_option
def test_connections(names: tuple[str, ...], settings: Settings, output: Output) -> int:
    """Open the secrets of the named connections (default: of all) and reach what they lead to."""
    for name in names:
        if name not in settings.connections:
            known = ", ".join(sorted(settings.connections)) or "none"
            raise NotFound(f"there is no connection {name!r}", fix=f"declared are: {known}")
    chosen = [settings.connections[name] for name in names or sorted(settings.connections)]
    results = [(each.name, *_tested(each)) for each in chosen]
    output.result(
        [{"name": name, "outcome": outcome, "message": message} for name, outcome, message in results],
        lambda: table(["NAME", "OUTCOME", ""], results) if results else "no connections",
    )
    return Exit.RUN_FAILED if any(outcome == "failed" for _, outcome, _ in results) else Exit.OK


def _tested(connection: Connection) -> tuple[str, str]:
    """(`ok`, `failed` or `unknown`, one line)."""
    from toque.integrations.probes import probe_for

    try:
        options = connection.revealed()
        probe = probe_for(connection.type)
        if probe is None:
            return "unknown", f"its secrets are there; nothing installed can test a {connection.type!r} connection"
        return "ok", probe(options)
    except Exception as error:  # whatever a client raises is the answer
        secrets = [secret.reveal() for secret in _secrets(connection) if _opens(secret)]
        return "failed", _masked(f"{type(error).__name__}: {error}", secrets).splitlines()[0]


def _options(connection: Connection) -> str:
    return ", ".join(f"{key}={value}" for key, value in connection.options.items())


def _secrets(connection: Connection) -> list[Secret]:
    return [value for value in connection.options.values() if isinstance(value, Secret)]


def _opens(secret: Secret) -> bool:
    try:
        return bool(secret.reveal())
    except Exception:
        return False


def _masked(text: str, secrets: list[str]) -> str:
    """Clients like to quote what they were given."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
