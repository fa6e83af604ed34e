"""`toque connections`: what is declared, and whether it leads anywhere."""

from __future__ import annotations

import click
import msgspec

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options
from toque.cli.output import Output, table
from toque.errors import NotFound
from toque.ports.connections import Trial
from toque.settings import Connection, Settings


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
    from toque.local.probing import tried

    results = {each.name: tried(each) for each in chosen}
    output.result(
        [{"name": name, **msgspec.to_builtins(result)} for name, result in results.items()],
        lambda: (
            table(["NAME", "OUTCOME", ""], [(name, each.outcome, _said(each)) for name, each in results.items()])
            if results
            else "no connections"
        ),
    )
    return Exit.RUN_FAILED if any(each.outcome == "failed" for each in results.values()) else Exit.OK


def _options(connection: Connection) -> str:
    return ", ".join(f"{key}={value}" for key, value in connection.options.items())


def _said(result: Trial) -> str:
    return f"{result.message}; {result.fix}" if result.fix else result.message
